/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "bt2_text.h"
#include "ctf/ctf.h"
#include "ctf_dir.h"
#include "gen.h"

/* The reader on what the writer wrote; tests/ctf has traces that it cannot write. */

static const struct ph_ctf_env env = {
	.hostname = "h", .kernel_release = "6.1.0", .kernel_version = "#1", .trace_name = "t",
	.boot_id = "2e0ba8a1-45b6-4c0d-9f2e-6b7a0c1d2e3f", .offset_ns = 1700000000123456789,
};

static struct ph_ctf_writer *create(const char *path, uint64_t packet_bytes)
{
	struct ph_ctf_env e = env;
	struct ph_ctf_writer *w = NULL;
	struct ph_err err = { 0 };

	e.packet_bytes = packet_bytes;
	assert_int_equal(ph_ctf_create(path, &e, NULL, 0, &w, &err), 0);
	return w;
}

static struct ph_ctf_stream *stream(struct ph_ctf_writer *w, uint32_t cpu)
{
	struct ph_ctf_stream *st = NULL;
	struct ph_err err = { 0 };

	assert_int_equal(ph_ctf_stream(w, "channel0", cpu, &st, &err), 0);
	return st;
}

static struct ph_source *open_trace(const char *path)
{
	struct ph_source *s = NULL;
	struct ph_err err = { 0 };

	if (ph_ctf_open(path, &s, &err) < 0)
		fail_msg("%s", err.msg);
	return s;
}

static struct ph_event *next(struct ph_source *s)
{
	struct ph_event *ev;
	struct ph_err err = { 0 };
	int r = ph_source_next(s, &ev, &err);

	if (r < 0)
		fail_msg("%s", err.msg);
	return r ? ev : NULL;
}

static void assert_value(const struct ph_type *t, const struct ph_value *want,
			 const struct ph_value *have)
{
	size_t cut;

	switch (t->kind) {
	case PH_KIND_STR:
		cut = strnlen(want->s, want->n);
		assert_int_equal(have->n, cut);
		assert_memory_equal(have->s, want->s, cut);
		break;
	case PH_KIND_BYTES:
		assert_int_equal(have->n, want->n);
		assert_memory_equal(have->s, want->s, want->n);
		break;
	case PH_KIND_SEQ:
		assert_int_equal(have->n, want->n);
		for (uint32_t i = 0; i < want->n; i++)
			assert_true(have->v[i].u == want->v[i].u);
		break;
	default:
		assert_true(have->u == want->u);
	}
}

static void no_task(struct ph_event *ev)
{
	ev->tid = -1;
	ev->container = PH_CONTAINER_UNKNOWN;
}

/* Round trip of every class there is, over three CPUs and many packets. */
static void every_field_of_every_class_comes_back(void **state)
{
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	struct ph_ctf_writer *w = create(path, 4096);
	struct ph_ctf_stream *st[3] = { stream(w, 0), stream(w, 1), stream(w, 7) };
	static const uint32_t cpus[3] = { 0, 1, 7 };
	const struct ph_class *c;
	struct ph_err err = { 0 };
	struct ph_source *s;
	uint64_t n = 0, ts = 0, i = 0;
	struct gen g;

	for (int round = 0; round < 4; round++) {
		for (size_t k = 0; (c = ph_class_nth(k)); k++, n++) {
			struct ph_event ev = gen_event(&g, c, n);

			ev.ts_ns = ts += 1 + (n * n << n % 20);
			if (n % 10 == 0)
				no_task(&ev);
			assert_int_equal(ph_ctf_write(st[n % 3], &ev, &err), 0);
		}
	}
	assert_int_equal(ph_ctf_close(w, ts, &err), 0);

	s = open_trace(path);
	assert_int_equal(s->offset_ns, env.offset_ns);
	assert_string_equal(s->hostname, "h");
	assert_int_equal(s->begin_ns, 1);
	assert_int_equal(s->end_ns, ts);
	assert_null(ph_ctf_warning(s, 0));
	ts = 0;
	for (int round = 0; round < 4; round++) {
		for (size_t k = 0; (c = ph_class_nth(k)); k++, i++) {
			struct ph_event want = gen_event(&g, c, i), *ev = next(s);

			assert_non_null(ev);
			if (i % 10 == 0)
				no_task(&want);
			ts += 1 + (i * i << i % 20);
			assert_int_equal(ev->ts_ns, ts);
			assert_string_equal(ev->cls->name, c->name);
			assert_int_equal(ev->cls->id, c->id);
			assert_int_equal(ev->cls->syscall_nr, c->syscall_nr);
			assert_int_equal(ev->cls->group, c->group);
			assert_int_equal(ev->cls->nfields, c->nfields);
			assert_int_equal(ev->tid, want.tid);
			assert_int_equal(ev->pid, -1);
			assert_int_equal(ev->container, want.container);
			assert_int_equal(ev->cpu, cpus[i % 3]);
			for (uint32_t f = 0; f < c->nfields; f++) {
				assert_non_null(ph_event_field(ev, f));
				assert_string_equal(ev->cls->fields[f].name, c->fields[f].name);
				assert_int_equal(ev->cls->fields[f].unit, c->fields[f].unit);
				assert_value(c->fields[f].type, &want.v[f], ph_event_field(ev, f));
			}
		}
	}
	assert_null(next(s));
	assert_null(next(s));
	ph_source_close(s);
}

/* babeltrace2 as the oracle: its text and ours are the same, byte for byte. */
static void our_text_is_that_of_babeltrace(void **state)
{
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	struct ph_ctf_writer *w = create(path, 0);
	struct ph_ctf_stream *st[2] = { stream(w, 0), stream(w, 1) };
	const struct ph_class *c;
	struct ph_err err = { 0 };
	ph_autobuf ours = { 0 };
	struct ph_source *s;
	struct ph_event *read;
	char *theirs;
	struct gen g;

	for (size_t k = 0; (c = ph_class_nth(k)); k++) {
		struct ph_event ev = gen_event(&g, c, k * 3);

		ev.ts_ns = 1 + k * 1000003;
		assert_int_equal(ph_ctf_write(st[k % 2], &ev, &err), 0);
	}
	assert_int_equal(ph_ctf_close(w, 0, &err), 0);
	theirs = babeltrace(path, "--no-delta --clock-cycles");
	if (!theirs)
		skip();
	bt2_without_lengths(theirs);
	s = open_trace(path);
	while ((read = next(s)))
		bt2_event(&ours, read, "h", true);
	ph_source_close(s);
	assert_string_equal(ours.p, theirs);
	free(theirs);
}

/* A stream of wake-ups, packets of 4 KiB; event i is at i * 10. */
static void write_simple(const char *path, uint64_t n, uint32_t ncpus)
{
	struct ph_ctf_writer *w = create(path, 4096);
	struct ph_ctf_stream *st[4];
	struct ph_value v = { 0 };
	struct ph_event ev = { .cls = ph_class_by_id(PH_EV_irq_softirq_entry), .v = &v };
	struct ph_err err = { 0 };

	for (uint32_t c = 0; c < ncpus; c++)
		st[c] = stream(w, c);
	for (uint64_t i = 0; i < n; i++) {
		v.u = i;
		ev.ts_ns = i * 10;
		assert_int_equal(ph_ctf_write(st[i % ncpus], &ev, &err), 0);
	}
	assert_int_equal(ph_ctf_close(w, 0, &err), 0);
}

static void seeking_finds_the_first_event_at_or_after(void **state)
{
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	static const uint64_t times[] = { 0, 5, 10, 50001, 99999, 123450, 199990, 0, 77 };
	struct ph_err err = { 0 };
	struct ph_source *s;

	write_simple(path, 20000, 3);
	s = open_trace(path);
	for (size_t i = 0; i < PH_ARRAY_SIZE(times); i++) {
		struct ph_event *ev;

		assert_int_equal(s->ops->seek(s, times[i], &err), 0);
		for (uint64_t k = (times[i] + 9) / 10; k < 20000 && k < times[i] / 10 + 2000; k++) {
			ev = next(s);
			assert_non_null(ev);
			assert_int_equal(ev->ts_ns, k * 10);
			assert_int_equal(ev->v[0].u, k);
		}
	}
	assert_int_equal(s->ops->seek(s, 199991, &err), 0);
	assert_null(next(s));
	ph_source_close(s);
}

static void losses_come_as_events(void **state)
{
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	struct ph_ctf_writer *w = create(path, 0);
	struct ph_ctf_stream *st = stream(w, 3), *other = stream(w, 0);
	struct ph_value v = { 0 };
	struct ph_event ev = { .cls = ph_class_by_id(PH_EV_irq_softirq_entry), .v = &v }, *read;
	struct ph_err err = { 0 };
	struct ph_source *s;

	ev.ts_ns = 100;
	assert_int_equal(ph_ctf_write(st, &ev, &err), 0);
	assert_int_equal(ph_ctf_flush(st, 200, &err), 0);
	ev.ts_ns = 250;
	assert_int_equal(ph_ctf_write(other, &ev, &err), 0);
	ev.ts_ns = 300;
	assert_int_equal(ph_ctf_write(st, &ev, &err), 0);
	ph_ctf_discarded(st, 5);
	ph_ctf_discarded(st, 6);
	assert_int_equal(ph_ctf_flush(st, 400, &err), 0);
	ev.ts_ns = 450;
	assert_int_equal(ph_ctf_write(st, &ev, &err), 0);
	assert_int_equal(ph_ctf_close(w, 500, &err), 0);

	s = open_trace(path);
	assert_int_equal(next(s)->ts_ns, 100);
	read = next(s);
	assert_int_equal(read->cls->id, PH_EV_events_discarded);
	assert_int_equal(read->ts_ns, 200);
	assert_int_equal(read->cpu, 3);
	assert_int_equal(ph_event_u(read, PH_FLD(events_discarded, count), 0), 11);
	assert_int_equal(ph_event_u(read, PH_FLD(events_discarded, begin_ns), 0), 200);
	assert_int_equal(ph_event_u(read, PH_FLD(events_discarded, end_ns), 0), 400);
	assert_int_equal(ph_event_u(read, PH_FLD(events_discarded, gap_cpu), 0), 3);
	assert_int_equal(next(s)->ts_ns, 250);
	assert_int_equal(next(s)->ts_ns, 300);
	assert_int_equal(next(s)->ts_ns, 450);
	assert_null(next(s));
	/* A gap that a seek lands in is still told; one before is not. */
	assert_int_equal(s->ops->seek(s, 350, &err), 0);
	assert_int_equal(next(s)->cls->id, PH_EV_events_discarded);
	assert_int_equal(next(s)->ts_ns, 450);
	assert_int_equal(s->ops->seek(s, 401, &err), 0);
	assert_int_equal(next(s)->ts_ns, 450);
	ph_source_close(s);
}

/* A stream of gaps alone, of no CPU: each is told with its own times, the first too. */
static void losses_without_a_cpu(void **state)
{
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	static const uint64_t want[][3] = { { 7, 100, 200 }, { 1, 200, 300 } };
	struct ph_ctf_writer *w = create(path, 0);
	struct ph_value v = { 0 };
	struct ph_event ev = { .cls = ph_class_by_id(PH_EV_irq_softirq_entry), .v = &v, .ts_ns = 150 }, *read;
	struct ph_ctf_stream *st = stream(w, 3), *missed;
	struct ph_err err = { 0 };
	struct ph_source *s;

	assert_int_equal(ph_ctf_stream(w, "missed", PH_CPU_UNKNOWN, &missed, &err), 0);
	assert_int_equal(ph_ctf_write(st, &ev, &err), 0);
	assert_int_equal(ph_ctf_gap(missed, 7, 100, 200, &err), 0);
	assert_int_equal(ph_ctf_gap(missed, 1, 250, 300, &err), 0);
	assert_int_equal(ph_ctf_close(w, 500, &err), 0);
	s = open_trace(path);
	for (size_t i = 0; i < 3; i++) {
		const uint64_t *g = want[i / 2];

		read = next(s);
		if (i == 1) {
			assert_int_equal(read->ts_ns, 150);
			continue;
		}
		assert_int_equal(read->cls->id, PH_EV_events_discarded);
		assert_int_equal(read->cpu, PH_CPU_UNKNOWN);
		assert_int_equal(ph_event_u(read, PH_FLD(events_discarded, count), 0), g[0]);
		assert_int_equal(ph_event_u(read, PH_FLD(events_discarded, begin_ns), 0), g[1]);
		assert_int_equal(ph_event_u(read, PH_FLD(events_discarded, end_ns), 0), g[2]);
		assert_int_equal(ph_event_i(read, PH_FLD(events_discarded, gap_cpu), 0), -1);
	}
	assert_null(next(s));
	ph_source_close(s);
}

/* However many bytes are missing at the end, what is whole before them is read. */
static void a_cut_file_is_read_as_far_as_it_goes(void **state)
{
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	ph_autofree char *file = ph_asprintf("%s/channel0_0", path);
	uint64_t last = 600;
	int silent = 0;
	struct stat st;

	write_simple(path, 600, 1);
	assert_int_equal(stat(file, &st), 0);
	assert_true(st.st_size > 2 * 4096);
	for (off_t size = st.st_size - 1; size > 4096 + 90; size -= 7) {
		struct ph_source *s;
		uint64_t n = 0;

		assert_int_equal(truncate(file, size), 0);
		s = open_trace(path);
		for (struct ph_event *ev; (ev = next(s)); n++)
			assert_int_equal(ev->v[0].u, n);
		/* Only between two packets nothing is seen to be missing; else it is said, once. */
		silent += !ph_ctf_warning(s, 0);
		assert_true(silent <= 1);
		assert_true(!ph_ctf_warning(s, 0) || !ph_ctf_warning(s, 1));
		/* An event has 4 bytes of header, 6 of contexts, 4 of payload. */
		assert_true(n <= last && n * 14 + 300 > (uint64_t)size);
		last = n;
		ph_source_close(s);
	}
}

static void not_a_trace(void **state)
{
	const char *path = ((struct dir *)*state)->path;
	ph_autofree char *meta = ph_asprintf("%s/metadata", path);
	struct ph_err err = { 0 };
	struct ph_source *s;
	FILE *f;

	assert_int_equal(ph_ctf_open(path, &s, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "no file \"metadata\""));
	assert_int_equal(ph_ctf_open("/does/not/exist", &s, &err), -ENOENT);
	f = fopen(meta, "w");
	fputs("/* CTF 1.8 */\ntrace { major = 1; minor = 8; byte_order = le; }; event { ", f);
	fclose(f);
	assert_int_equal(ph_ctf_open(path, &s, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "/metadata: line 2: "));
}

/* Whoever made it may have put anything there: nobody waits for the end of a FIFO or of /dev/zero. */
static void metadata_is_a_file(void **state)
{
	const char *dir = ((struct dir *)*state)->path;
	ph_autofree char *path = ph_asprintf("%s/t", dir), *metadata = ph_asprintf("%s/metadata", path);

	assert_int_equal(mkdir(path, 0700), 0);
	for (int zero = 0; zero < 2; zero++) {
		struct ph_err err = { 0 };
		struct ph_source *s;

		assert_int_equal(zero ? symlink("/dev/zero", metadata) : mkfifo(metadata, 0600), 0);
		assert_int_equal(ph_ctf_open(path, &s, &err), -EINVAL);
		assert_non_null(strstr(err.msg, "it is no file"));
		assert_int_equal(unlink(metadata), 0);
	}
}

/* Two traces below one directory, their clocks not the same: Unix time puts them in order. */
static void traces_are_merged(void **state)
{
	ph_autofree char *one = ph_asprintf("%s/a", ((struct dir *)*state)->path);
	ph_autofree char *two = ph_asprintf("%s/b", ((struct dir *)*state)->path);
	const char *const paths[] = { one, two };
	struct ph_err err = { 0 };
	struct ph_source *s;
	uint64_t n = 0;

	for (int i = 0; i < 2; i++) {
		struct ph_ctf_env e = { .offset_ns = 1000 - i * 500 };
		struct ph_value v = { 0 };
		struct ph_event ev = { .cls = ph_class_by_id(PH_EV_irq_softirq_entry), .v = &v };
		struct ph_ctf_writer *w;
		struct ph_ctf_stream *st;

		assert_int_equal(ph_ctf_create(paths[i], &e, NULL, 0, &w, &err), 0);
		st = stream(w, 0);
		for (uint64_t k = 0; k < 100; k++) {
			/* Unix time 2000 + 20 k + 10 i */
			ev.ts_ns = (uint64_t)(2000 - e.offset_ns) + 20 * k + 10 * (uint64_t)i;
			v.u = 2 * k + (uint64_t)i;
			assert_int_equal(ph_ctf_write(st, &ev, &err), 0);
		}
		assert_int_equal(ph_ctf_close(w, 0, &err), 0);
	}
	s = open_trace(((struct dir *)*state)->path);
	assert_int_equal(s->offset_ns, 500);
	for (struct ph_event *ev; (ev = next(s)); n++) {
		assert_int_equal(ev->v[0].u, n);
		assert_int_equal(ev->ts_ns + 500, 2000 + 10 * n);
	}
	assert_int_equal(n, 200);
	ph_source_close(s);
}

struct writer_thread {
	pthread_t thread;
	struct ph_ctf_stream *st;
	uint64_t cpu;
};

static void *write_classes(void *arg)
{
	struct writer_thread *t = arg;
	const struct ph_class *c;
	struct ph_err err = { 0 };
	struct gen g;

	for (uint64_t round = 0; round < 20; round++) {
		for (size_t k = 0; (c = ph_class_nth(k)); k++) {
			struct ph_event ev = gen_event(&g, c, round * 10000 + k);

			ev.ts_ns = (round * 10000 + k) * 8 + t->cpu;
			if (ph_ctf_write(t->st, &ev, &err) < 0)
				return t;
		}
	}
	return NULL;
}

/* Classes come up in several threads at once; each is in the metadata once, before its events. */
static void streams_are_written_by_threads(void **state)
{
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	struct ph_ctf_writer *w = create(path, 8192);
	struct writer_thread t[4];
	struct ph_err err = { 0 };
	struct ph_source *s;
	struct ph_event *ev;
	const struct ph_class *c;
	uint64_t last = 0, n = 0, classes = 0;
	void *failed;
	struct gen g;

	for (uint32_t i = 0; i < 4; i++)
		t[i] = (struct writer_thread){ .st = stream(w, i), .cpu = i };
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i].thread, NULL, write_classes, &t[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i].thread, &failed);
		assert_null(failed);
	}
	assert_int_equal(ph_ctf_close(w, 0, &err), 0);
	while (ph_class_nth(classes))
		classes++;
	s = open_trace(path);
	for (; (ev = next(s)); n++) {
		struct ph_event want;

		assert_true(ev->ts_ns >= last);
		assert_int_equal(ev->ts_ns % 8, ev->cpu);
		last = ev->ts_ns;
		c = ph_class_nth(last / 8 % 10000);
		assert_string_equal(ev->cls->name, c->name);
		want = gen_event(&g, c, last / 8);
		for (uint32_t f = 0; f < c->nfields; f++)
			assert_value(c->fields[f].type, &want.v[f], ph_event_field(ev, f));
	}
	assert_int_equal(n, 4 * 20 * classes);
	ph_source_close(s);
}

/* kill -9 leaves all packets that were written. */
static void a_killed_writer_leaves_what_it_flushed(void **state)
{
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	struct ph_source *s;
	uint64_t n = 0, flushed = 0;
	int fds[2], status;
	char *theirs;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct ph_ctf_writer *w = create(path, 4096);
		struct ph_ctf_stream *st = stream(w, 0);
		struct ph_value v = { 0 };
		struct ph_event ev = { .cls = ph_class_by_id(PH_EV_irq_softirq_entry), .v = &v };

		for (;; v.u++) {
			ev.ts_ns = v.u;
			ph_ctf_write(st, &ev, NULL);
			if (v.u % 1000 == 999) {
				uint64_t done = v.u + 1;

				ph_ctf_flush(st, v.u, NULL);
				if (write(fds[1], &done, sizeof(done)) != sizeof(done))
					_exit(1);
			}
		}
	}
	close(fds[1]);
	while (flushed < 20000)
		assert_int_equal(read(fds[0], &flushed, sizeof(flushed)), sizeof(flushed));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	while (read(fds[0], &flushed, sizeof(flushed)) > 0)
		;
	close(fds[0]);
	s = open_trace(path);
	for (struct ph_event *ev; (ev = next(s)); n++)
		assert_int_equal(ev->v[0].u, n);
	assert_true(n >= flushed);
	/* A kill in the middle of a write may leave part of a packet, which babeltrace2 refuses. */
	theirs = ph_ctf_warning(s, 0) ? NULL : babeltrace(path, "--no-delta");
	free(theirs);
	ph_source_close(s);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(every_field_of_every_class_comes_back),
		T(our_text_is_that_of_babeltrace),
		T(seeking_finds_the_first_event_at_or_after),
		T(losses_come_as_events), T(losses_without_a_cpu),
		T(a_cut_file_is_read_as_far_as_it_goes),
		T(not_a_trace),
		T(traces_are_merged), T(metadata_is_a_file),
		T(streams_are_written_by_threads),
		T(a_killed_writer_leaves_what_it_flushed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
