/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "ctf/ctf.h"
#include "ctf_dir.h"
#include "gen.h"

/*
 * The writer, with babeltrace2 as the judge of what it wrote: it must read every trace without a
 * word on stderr. (What we read back ourselves is in test_ctf_read.c.)
 */
static const struct ph_ctf_env env = {
	.hostname = "host\"1", .kernel_release = "6.1.0", .kernel_version = "#1 SMP", .trace_name = "t",
	.boot_id = "2e0ba8a1-45b6-4c0d-9f2e-6b7a0c1d2e3f", .offset_ns = 1700000000123456789,
};

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

static void every_class_is_read_by_babeltrace(void **state)
{
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	struct ph_ctf_writer *w;
	struct ph_ctf_stream *st[2];
	const struct ph_class *c;
	struct ph_err err = { 0 };
	struct ph_event ev;
	struct gen g;
	uint64_t ts = 1000;
	char *text;
	size_t n = 0;

	assert_int_equal(ph_ctf_create(path, &env, NULL, 0, &w, &err), 0);
	assert_int_equal(ph_ctf_stream(w, "channel0", 0, &st[0], &err), 0);
	assert_int_equal(ph_ctf_stream(w, "channel0", 1, &st[1], &err), 0);
	assert_int_equal(ph_ctf_stream(w, "channel0", 1, &st[1], &err), -EEXIST);
	for (uint64_t round = 0; round < 3; round++) {
		for (size_t i = 0; (c = ph_class_nth(i)); i++, n++) {
			ev = gen_event(&g, c, round * 1000 + i);
			/* From nothing over the 24-bit wrap to far above it. */
			ts += 1ULL << (n % 36);
			ev.ts_ns = ts;
			assert_int_equal(ph_ctf_write(st[n % 2], &ev, &err), 0);
		}
		assert_int_equal(ph_ctf_flush(st[0], ts, &err), 0);
	}
	assert_true(n > 3 * 80);
	assert_int_equal(ph_ctf_close(w, ts, &err), 0);
	text = babeltrace(path, "--clock-seconds --no-delta");
	if (!text)
		skip();
	assert_int_equal(count(text, "\n"), n);
	assert_int_equal(count(text, "cpu_id = 1 }"), n / 2);
	free(text);
}

static void times_survive_the_wrap(void **state)
{
	static const uint64_t steps[] = {
		0, 1, 0xfffffe, 0xffffff, 0x1000000, 0x1000001, 0x1ffffff, 1ULL << 40, 5, 0,
	};
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	const struct ph_class *c = ph_class_by_id(PH_EV_irq_softirq_entry);
	struct ph_value v = { 0 };
	struct ph_event ev = { .cls = c, .v = &v };
	struct ph_ctf_writer *w;
	struct ph_ctf_stream *st;
	struct ph_err err = { 0 };
	uint64_t ts = 77;
	ph_autobuf want = { 0 }, got = { 0 };
	char *text;

	assert_int_equal(ph_ctf_create(path, &(struct ph_ctf_env){ .trace_name = "" }, NULL, 0, &w,
				       &err), 0);
	assert_int_equal(ph_ctf_stream(w, "channel0", 0, &st, &err), 0);
	for (size_t i = 0; i < PH_ARRAY_SIZE(steps); i++) {
		ts += steps[i];
		ev.ts_ns = ts;
		ph_buf_addf(&want, "%llu\n", (unsigned long long)ts);
		assert_int_equal(ph_ctf_write(st, &ev, &err), 0);
	}
	/* A time that goes back becomes the last one's. */
	ev.ts_ns = 3;
	ph_buf_addf(&want, "%llu\n", (unsigned long long)ts);
	assert_int_equal(ph_ctf_write(st, &ev, &err), 0);
	assert_int_equal(ph_ctf_close(w, 0, &err), 0);
	text = babeltrace(path, "--clock-cycles --no-delta");
	if (!text)
		skip();
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		ph_buf_addf(&got, "%llu\n", strtoull(line + 1, NULL, 10));
	assert_string_equal(got.p, want.p);
	free(text);
}

static void foreign_types_are_written(void **state)
{
	static const struct ph_enum_label labels[] = { { "a \"b\"", -3, -1 }, { "c", 0, 5 } };
	static const struct ph_type u3 = { .kind = PH_KIND_UINT, .bits = 3 };
	static const struct ph_type f32 = { .kind = PH_KIND_FLOAT, .bits = 32 };
	static const struct ph_type f64 = { .kind = PH_KIND_FLOAT, .bits = 64 };
	static const struct ph_type en = { .kind = PH_KIND_ENUM, .bits = 8, .is_signed = true,
					   .labels = labels, .nlabels = 2 };
	static const struct ph_type strs = { .kind = PH_KIND_SEQ, .elem = &ph_type_str };
	struct ph_field members[] = { { "x", &u3 }, { "names", &strs } };
	struct ph_type st_type = { .kind = PH_KIND_STRUCT, .fields = members, .nfields = 2 };
	struct ph_type sts = { .kind = PH_KIND_SEQ, .elem = &st_type };
	struct ph_type var = { .kind = PH_KIND_VARIANT };
	struct ph_field fields[] = {
		{ "f", &f32 }, { "d", &f64 }, { "e", &en }, { "s", &st_type }, { "list", &sts },
		{ "struct", &u3 },
	};
	struct ph_field bad_fields[] = { { "v", &var } };
	struct ph_field dup_fields[] = { { "_x_length", &u3 }, { "x", &strs } };
	struct ph_class cls = { .name = "my:\"event\"", .fields = fields, .nfields = 6 };
	struct ph_class bad = { .name = "bad", .fields = bad_fields, .nfields = 1 };
	struct ph_class dup = { .name = "dup", .fields = dup_fields, .nfields = 2 };
	struct ph_value str[] = { { .s = "p\0q", .n = 3 }, { .s = NULL, .n = 0 } };
	struct ph_value sv[] = { { .u = 5 }, { .v = str, .n = 2 } };
	struct ph_value list[] = { { .v = sv }, { .v = sv } };
	struct ph_value v[] = {
		{ .f = 1.5 }, { .f = -0.25 }, { .i = -2 }, { .v = sv }, { .v = list, .n = 2 }, { .u = 7 },
	};
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	static const struct ph_field ctx[] = {
		{ "procname", &ph_type_comm }, { "tid", &ph_type_s32 }, { "vtid", &ph_type_s32 },
	};
	struct ph_value cv[] = { { .s = "sh", .n = 2 }, { .i = 12 }, { .i = 1 } };
	struct ph_event ev = { .cls = &cls, .v = v, .ctx = cv, .tid = 99, .ts_ns = 5 };
	struct ph_ctf_writer *w;
	struct ph_ctf_stream *st;
	struct ph_err err = { 0 };
	char *text;

	cls.ctx = ctx;
	cls.nctx = 3;
	assert_int_equal(ph_ctf_create(path, &env, ctx, 3, &w, &err), 0);
	assert_int_equal(ph_ctf_stream(w, "channel0", 0, &st, &err), 0);
	assert_int_equal(ph_ctf_write(st, &ev, &err), 0);
	ev.ctx = NULL;		/* made by hand: what is known without contexts */
	assert_int_equal(ph_ctf_write(st, &ev, &err), 0);
	ev.cls = &bad;
	assert_int_equal(ph_ctf_write(st, &ev, &err), -EOPNOTSUPP);
	ev.cls = &dup;
	assert_int_equal(ph_ctf_write(st, &ev, &err), -EINVAL);
	assert_int_equal(ph_ctf_close(w, 6, &err), 0);
	text = babeltrace(path, "--no-delta");
	if (!text)
		skip();
	assert_int_equal(count(text, "\n"), 2);
	assert_non_null(strstr(text, "my:\"event\": { cpu_id = 0 }, "
			       "{ procname = \"sh\", tid = 12, vtid = 1 }, { f = 1.5, d = -0.25, "));
	assert_non_null(strstr(text, "{ procname = \"\", tid = 99, vtid = 0 }"));
	free(text);
}

static void losses_are_in_the_packets(void **state)
{
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	struct ph_ctf_writer *w;
	struct ph_ctf_stream *st, *empty;
	struct ph_err err = { 0 };
	ph_autofree char *file = ph_asprintf("%s/channel0_0", path);
	ph_autofree char *none = ph_asprintf("%s/state_0", path);
	struct stat sb;

	assert_int_equal(ph_ctf_create(path, &env, NULL, 0, &w, &err), 0);
	assert_int_equal(ph_ctf_stream(w, "channel0", 0, &st, &err), 0);
	assert_int_equal(ph_ctf_stream(w, "state", 0, &empty, &err), 0);
	assert_int_equal(ph_ctf_flush(st, 10, &err), 0);
	assert_int_equal(stat(file, &sb), -1);
	ph_ctf_discarded(st, 3);
	assert_int_equal(ph_ctf_flush(st, 20, &err), 0);
	assert_int_equal(stat(file, &sb), 0);
	assert_true(ph_ctf_bytes(w) > (uint64_t)sb.st_size);
	assert_int_equal(ph_ctf_close(w, 30, &err), 0);
	/* Nothing new to say, nothing written; and no empty file for the other. */
	assert_int_equal(sb.st_size, 88);
	assert_int_equal(stat(none, &sb), -1);
	free(babeltrace_saying(path, "", "Tracer may have discarded events"));
}

static void used_directories_are_refused(void **state)
{
	const char *path = ((struct dir *)*state)->path;
	ph_autofree char *file = ph_asprintf("%s/x", path);
	struct ph_ctf_writer *w;
	struct ph_err err = { 0 };

	fclose(fopen(file, "w"));
	assert_int_equal(ph_ctf_create(path, &env, NULL, 0, &w, &err), -EEXIST);
	assert_non_null(strstr(err.msg, "not empty"));
	assert_int_equal(ph_ctf_create(file, &env, NULL, 0, &w, &err), -ENOTDIR);
}

/* In the same words, and nothing is made. */
static void what_will_be_refused_is_known_before(void **state)
{
	const char *path = ((struct dir *)*state)->path;
	ph_autofree char *file = ph_asprintf("%s/x", path);
	ph_autofree char *fresh = ph_asprintf("%s/new/", path);
	ph_autofree char *far = ph_asprintf("%s/none/new", path);
	ph_autofree char *under = ph_asprintf("%s/x/new", path);
	const char *const bad[] = { path, file, far, under };
	struct ph_ctf_writer *w;
	struct stat sb;

	fclose(fopen(file, "w"));
	for (size_t i = 0; i < PH_ARRAY_SIZE(bad); i++) {
		struct ph_err before = { 0 }, err = { 0 };

		assert_true(ph_ctf_can_create(bad[i], &before) < 0);
		assert_int_equal(ph_ctf_create(bad[i], &env, NULL, 0, &w, &err), before.code);
		assert_string_equal(before.msg, err.msg);
	}
	assert_int_equal(ph_ctf_can_create(fresh, NULL), 0);
	assert_int_equal(stat(fresh, &sb), -1);
	assert_int_equal(mkdir(fresh, 0700), 0);
	assert_int_equal(ph_ctf_can_create(fresh, NULL), 0);
}

/* A limit on the size of files stands for the full disk: a write comes back short, then fails. */
static void a_full_disk_leaves_a_readable_trace(void **state)
{
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	ph_autofree char *file = ph_asprintf("%s/channel0_0", path);
	struct ph_ctf_env small = env;
	struct ph_ctf_writer *w;
	struct ph_ctf_stream *st;
	struct ph_err err = { 0 };
	struct rlimit old, lim;
	struct ph_event ev;
	struct stat sb;
	struct gen g;
	size_t wrote = 0;
	char *text;
	int r;

	small.packet_bytes = 4096;
	assert_int_equal(ph_ctf_create(path, &small, NULL, 0, &w, &err), 0);
	assert_int_equal(ph_ctf_stream(w, "channel0", 0, &st, &err), 0);
	getrlimit(RLIMIT_FSIZE, &old);
	lim = old;
	lim.rlim_cur = 50001;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &lim);
	do {
		ev = gen_event(&g, ph_class_by_id(PH_EV_sched_switch), wrote);
		ev.ts_ns = wrote;
		r = ph_ctf_write(st, &ev, &err);
	} while (r == 0 && ++wrote < 100000);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(r, -EFBIG);
	assert_non_null(strstr(err.msg, "channel0_0"));
	/* Fails fast from then on, although there would be room again. */
	assert_int_equal(ph_ctf_write(st, &ev, &err), -EFBIG);
	assert_int_equal(ph_ctf_close(w, wrote, &err), -EFBIG);
	assert_int_equal(stat(file, &sb), 0);
	assert_true(sb.st_size <= 50001 && sb.st_size > 50001 - 4096);
	text = babeltrace(path, "--no-delta");
	if (!text)
		skip();
	assert_true(count(text, "\n") > 100 && count(text, "\n") < wrote);
	free(text);
}

static void long_events_and_sequences(void **state)
{
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	ph_autofree char *big = ph_alloc(100000);
	struct ph_ctf_env small = env;
	struct ph_value v[3] = { { .s = big, .n = 100000 } };
	struct ph_event ev = { .cls = ph_class_by_id(PH_EV_sched_process_exec), .v = v, .ts_ns = 1 };
	struct ph_ctf_writer *w;
	struct ph_ctf_stream *st;
	struct ph_err err = { 0 };
	char *text;

	memset(big, 'x', 100000);
	small.packet_bytes = 4096;
	assert_int_equal(ph_ctf_create(path, &small, NULL, 0, &w, &err), 0);
	assert_int_equal(ph_ctf_stream(w, "channel0", 0, &st, &err), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ph_ctf_write(st, &ev, &err), 0);
	ev.cls = ph_class_by_id(PH_EV_net_dev_queue);
	{
		struct ph_value nv[16] = { 0 };

		nv[2].s = "eth0";
		nv[2].n = 4;
		nv[6].s = big;
		nv[6].n = 65536;
		ev.v = nv;
		assert_int_equal(ph_ctf_write(st, &ev, &err), -E2BIG);
		nv[6].n = 65535;
		assert_int_equal(ph_ctf_write(st, &ev, &err), 0);
	}
	assert_int_equal(ph_ctf_close(w, 6, &err), 0);
	text = babeltrace(path, "--no-delta");
	if (!text)
		skip();
	assert_int_equal(count(text, "\n"), 4);
	free(text);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(every_class_is_read_by_babeltrace),
		T(times_survive_the_wrap),
		T(foreign_types_are_written),
		T(losses_are_in_the_packets),
		T(used_directories_are_refused),
		T(what_will_be_refused_is_known_before),
		T(a_full_disk_leaves_a_readable_trace),
		T(long_events_and_sequences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
