/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdlib.h>

#include "analyze/path_report.h"
#include "analyze/requests.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "bt2_text.h"
#include "ctf/ctf.h"
#include "ctf_dir.h"
#include "identity/model.h"

/*
 * A trace of LTTng's kernel tracer, tests/data/lttng-kernel: its README says what went on. Namespaces and
 * tids below are those of that recording.
 */
#define HOST_PID_NS 4026531836u
#define HOST_MNT_NS 4026531841u
#define OLD "pid_ns:4026532117"		/* ph-launch, older than the recording */
#define HOSTPID "cgroup_ns:4026532224"	/* the same, in the host's pid namespace */
#define SANDBOX "pid_ns:4026532228"	/* unshare */
#define NEW "pid_ns:4026532234"		/* ph-launch, while recording */
#define NESTED "pid_ns:4026532288"	/* unshare, in NEW */
#define NEWHOSTPID "cgroup_ns:4026532235"

static const char *const trace = PH_TEST_DATA "/lttng-kernel/trace";

static struct ph_source *open_path(const char *path)
{
	struct ph_source *s = NULL;
	struct ph_err err = { 0 };

	if (ph_ctf_open(path, &s, &err) < 0)
		fail_msg("%s", err.msg);
	return s;
}

static struct ph_source *open_trace(void)
{
	return open_path(trace);
}

static bool next(struct ph_source *s, struct ph_event **ev)
{
	struct ph_err err = { 0 };
	int r = ph_source_next(s, ev, &err);

	if (r < 0)
		fail_msg("%s", err.msg);
	return r > 0;
}

static uint32_t context(const struct ph_event *ev, const char *name)
{
	for (uint32_t i = 0; i < ev->cls->nctx; i++)
		if (!strcmp(ev->cls->ctx[i].name, name))
			return (uint32_t)ev->ctx[i].u;
	fail_msg("%s has no context %s", ev->cls->name, name);
	return 0;
}

/* The file "expected" was made from babeltrace2's text: "COUNT EVENT PID_NS" a line. */
static void counts_are_those_of_babeltrace(void **state)
{
	struct ph_source *s = open_trace();
	struct ph_strmap counts = { 0 };
	ph_autobuf expected = { 0 };
	struct ph_event *ev;
	uint64_t all = 0;
	int lines = 0;

	(void)state;
	while (next(s, &ev)) {
		ph_autofree char *key = ph_asprintf("%s %u", ev->cls->name, context(ev, "pid_ns"));
		uintptr_t n = (uintptr_t)ph_strmap_get(&counts, key);

		ph_strmap_put(&counts, key, (void *)(n + 1));
		all++;
	}
	assert_null(ph_ctf_warning(s, 0));
	ph_source_close(s);
	assert_int_equal(ph_read_file_at(AT_FDCWD, PH_TEST_DATA "/lttng-kernel/expected", 1 << 20,
					 &expected), 0);
	for (char *save, *line = strtok_r(expected.p, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save), lines++) {
		char *key;
		uint64_t n = strtoull(line, &key, 10);

		if ((uintptr_t)ph_strmap_get(&counts, key + 1) != n)
			fail_msg("%s: %zu, expected %lu", key + 1,
				 (uintptr_t)ph_strmap_get(&counts, key + 1), n);
		all -= n;
	}
	assert_true(lines > 50);
	assert_int_equal(all, 0);
	ph_strmap_done(&counts);
}

static void text_is_that_of_babeltrace(void **state)
{
	ph_autofree char *path = ph_asprintf("%s/trace", ((struct dir *)*state)->path);
	ph_autofree char *copy = ph_asprintf("cp -r %s %s", trace, path);
	struct ph_source *s = open_trace();
	ph_autobuf ours = { 0 };
	struct ph_event *ev;
	const char *at;
	char *theirs;

	bt2_option_names = false;
	while (next(s, &ev))
		bt2_event(&ours, ev, s->hostname, true);
	ph_source_close(s);
	assert_int_equal(system(copy), 0);
	theirs = babeltrace(path, "--no-delta --clock-cycles");
	if (!theirs)
		skip();
	bt2_without_lengths(theirs);
	at = bt2_differs(ours.p, theirs);
	if (at)
		fail_msg("babeltrace2 has other text than: %.200s", at);
	free(theirs);
}

static const struct ph_container *by_name(const struct ph_identity *id, const char *name)
{
	const struct ph_container *c;

	for (size_t i = 0; (c = ph_identity_nth(id, i)); i++)
		if (c->name && !strcmp(c->name, name))
			return c;
	fail_msg("no container %s", name);
	return NULL;
}

/* The state dump, contexts and forks name six containers and no others. */
static void containers_are_found(void **state)
{
	static const struct {
		const char *name;
		int32_t init_pid;
		const char *state, *parent;
		uint32_t mnt, uts, net;
	} expected[] = {
		{ OLD, 137, "running", NULL, 4026532114u, 4026532115u, 4026532118u },
		{ HOSTPID, 144, "running", NULL, 4026532170u, 4026532171u, 4026532173u },
		/* Its launcher, which is in all of its namespaces but that of pids, is in it as well. */
		{ SANDBOX, 157, "running", NULL, 4026532225u, 4026532226u, 4026531840u },
		{ NEW, 211, "stopped", NULL, 4026532231u, 4026532232u, 4026532235u },
		{ NESTED, 217, "stopped", NEW, 4026532287u, 4026532232u, 4026532235u },
		/* The kernel gave it numbers of NEW's namespaces, which was gone. */
		{ NEWHOSTPID, 224, "stopped", NULL, 4026532231u, 4026532232u, 4026532234u },
	};
	struct ph_identity *id = ph_identity_new();
	struct ph_source *s = open_trace();
	const struct ph_container *c;
	struct ph_event *ev;
	size_t n = 0;

	(void)state;
	while (next(s, &ev))
		ph_identity_feed(id, ev);
	ph_source_close(s);
	while (ph_identity_nth(id, n))
		n++;
	assert_int_equal(n, 1 + PH_ARRAY_SIZE(expected));
	for (size_t i = 0; i < PH_ARRAY_SIZE(expected); i++) {
		c = by_name(id, expected[i].name);
		assert_int_equal(c->init_pid, expected[i].init_pid);
		if (strcmp(c->state, expected[i].state))
			fail_msg("%s is %s", c->name, c->state);
		assert_int_equal(c->parent, expected[i].parent ? by_name(id, expected[i].parent)->index : 0);
		assert_int_equal(c->ns[PH_NS_MNT], expected[i].mnt);
		assert_int_equal(c->ns[PH_NS_UTS], expected[i].uts);
		assert_int_equal(c->ns[PH_NS_NET], expected[i].net);
	}
	ph_identity_free(id);
}

/* Each made a number of calls of its own; and what was traced in a pid namespace is its container's. */
static void events_are_attributed(void **state)
{
	static const struct {
		const char *container;
		uint64_t calls;
	} expected[] = {
		{ "", 5 }, { OLD, 11 }, { HOSTPID, 13 }, { SANDBOX, 7 }, { NEW, 17 }, { NESTED, 3 },
		{ NEWHOSTPID, 19 },
	};
	uint64_t calls[PH_ARRAY_SIZE(expected)] = { 0 };
	struct ph_identity *id = ph_identity_new();
	struct ph_source *s = open_trace();
	struct ph_event *ev;

	(void)state;
	while (next(s, &ev)) {
		uint32_t pid_ns;
		const char *label;

		ph_identity_feed(id, ev);
		label = ph_container_label(id, ev->container);
		pid_ns = context(ev, "pid_ns");
		assert_int_equal(ev->tid, context(ev, "tid"));
		assert_int_equal(ev->pid, context(ev, "pid"));
		if (pid_ns && pid_ns != HOST_PID_NS) {
			ph_autofree char *name = ph_asprintf("pid_ns:%u", pid_ns);

			assert_string_equal(label, name);
		} else if (context(ev, "mnt_ns") == HOST_MNT_NS) {
			assert_int_equal(ev->container, PH_CONTAINER_HOST);
		}
		if (strcmp(ev->cls->name, "syscall_entry_getppid") ||
		    strcmp(ph_identity_task(id, ev->tid)->comm, "ph-load"))
			continue;
		for (size_t i = 0; i < PH_ARRAY_SIZE(expected); i++)
			calls[i] += !strcmp(label, expected[i].container);
	}
	ph_source_close(s);
	for (size_t i = 0; i < PH_ARRAY_SIZE(expected); i++)
		assert_int_equal(calls[i], expected[i].calls);
	ph_identity_free(id);
}

/* ---- what it is good for ------------------------------------------------------------------------------- */

#define CLIENT 214	/* ph-load sock tcp 2, in NEW */
#define SERVER 215	/* its child: two round trips over the loopback device */

static struct ph_path *path_of(struct ph_identity *id, const char *path, int32_t tid)
{
	struct ph_source *s = open_path(path);
	struct ph_err err = { 0 };
	struct ph_event *ev;
	struct ph_path *p;

	assert_int_equal(ph_path_new(&p, id, &(struct ph_path_ask){ .tid = tid }, &err), 0);
	while (next(s, &ev)) {
		ph_identity_feed(id, ev);
		ph_path_feed(p, ev);
	}
	assert_int_equal(ph_path_finish(p, s->end_ns, &err), 0);
	ph_source_close(s);
	return p;
}

static void paths_go_to_who_answers(void **state)
{
	struct ph_identity *id = ph_identity_new();
	struct ph_path *p = path_of(id, trace, CLIENT);
	unsigned int answers = 0;
	uint64_t server_ns = 0, at = p->begin_ns;

	(void)state;
	assert_true(p->found);
	for (uint64_t i = 0; i < p->nsteps; i++) {
		struct ph_step step;

		assert_int_equal(ph_path_step(p, i, &step), 0);
		assert_int_equal(step.begin_ns, at);
		at = step.end_ns;
		answers += step.tid == SERVER && step.then == PH_THEN_WOKE && step.then_tid == CLIENT;
		server_ns += step.tid == SERVER ? step.end_ns - step.begin_ns : 0;
		/* Not all calls are recorded: one that is not looks like none, and a sleep in it like one in a fault. */
		assert_false(step.tid == CLIENT && step.state == PH_PATH_WAITED);
	}
	assert_int_equal(at, p->end_ns);
	/* The first one after a while, from ksoftirqd. */
	assert_int_equal(answers, 3);
	assert_in_range(server_ns, 44000000, 48000000);
	ph_path_free(p);
	ph_identity_free(id);
}

static const char *const shapes = PH_TEST_DATA "/lttng-path/trace";

#define MS 1000000u

/* How long the path has that task in these states. */
static uint64_t has(const struct ph_path *p, const char *comm, enum ph_path_state from, enum ph_path_state to)
{
	uint64_t ns = 0;

	ph_vec_each(sh, &p->shares)
		if (!strncmp(sh->who.comm, comm, sizeof(sh->who.comm)) && sh->state >= from && sh->state <= to)
			ns += sh->ns;
	return ns;
}

#define RAN(p, comm) has(p, comm, PH_PATH_USER, PH_PATH_RAN)

/* Each shape has on its path what who is waited for says that it computed; around that it forks and looks whether the other one sleeps. */
static void paths_have_what_was_computed(void **state)
{
	struct ph_identity *id = ph_identity_new();
	struct ph_path *p = path_of(id, shapes, 200);
	unsigned int sends = 0;

	(void)state;
	assert_in_range(RAN(p, "c-holder"), 100 * MS, 105 * MS);
	ph_path_free(p);
	ph_identity_free(id);
	id = ph_identity_new();
	p = path_of(id, shapes, 205);
	assert_in_range(RAN(p, "c-server"), 80 * MS, 84 * MS);
	for (uint64_t i = 0; i < p->nsteps; i++) {
		struct ph_step step;

		assert_int_equal(ph_path_step(p, i, &step), 0);
		sends += step.then == PH_THEN_SENT && step.tid == 206 && step.then_tid == 205;
	}
	/* Its answer, over the loopback device. */
	assert_int_equal(sends, 1);
	ph_path_free(p);
	ph_identity_free(id);
	id = ph_identity_new();
	p = path_of(id, shapes, 209);
	assert_in_range(has(p, "c-sleeper", PH_PATH_TIMER, PH_PATH_TIMER), 100 * MS, 101 * MS);
	assert_in_range(RAN(p, "c-sleeper"), 20 * MS, 24 * MS);
	ph_path_free(p);
	ph_identity_free(id);
}

/* Of the same calls as ours: one connection, one answer. */
static void requests_are_found(void **state)
{
	for (int kind = PH_REQUESTS_CONNECTIONS; kind <= PH_REQUESTS_ANSWERS; kind++) {
		struct ph_identity *id = ph_identity_new();
		struct ph_source *s = open_path(shapes);
		struct ph_requests *r;
		struct ph_request q;
		struct ph_err err = { 0 };
		struct ph_event *ev;

		assert_int_equal(ph_requests_new(&r, id, &(struct ph_requests_ask){ .kind = (enum ph_requests_kind)kind }, &err), 0);
		while (next(s, &ev)) {
			ph_identity_feed(id, ev);
			ph_requests_feed(r, ev);
		}
		assert_int_equal(ph_requests_finish(r, &err), 0);
		assert_int_equal(r->n, 1);
		assert_int_equal(ph_requests_get(r, 0, &q), 0);
		assert_int_equal(q.begin_tid, 206);
		assert_int_equal(q.end_tid, 206);
		assert_in_range(q.end_ns - q.begin_ns, 80 * MS, 90 * MS);
		ph_requests_free(r);
		ph_source_close(s);
		ph_identity_free(id);
	}
}

static void notes_say_what_is_missing(void **state)
{
	static const char *const want[] = {
		"there are no timers (timer_hrtimer_expire_*): a wake-up by one counts as that of the task which it interrupted, but where a "
		"timer was waited for",
		"there are no softirqs (irq_softirq_*): a wake-up by a disk or a packet counts as that of the task which it interrupted, but "
		"where a disk was waited for",
		"the recorder knew nothing of CPU limits (LTTng has no events of them): what was throttled counts as run queue",
	};
	struct ph_identity *id = ph_identity_new();
	struct ph_path *p = path_of(id, trace, CLIENT);
	unsigned int n = 0;

	(void)state;
	for (ph_autobuf note = { 0 }; ph_path_note(p, n, &note); n++, ph_buf_clear(&note)) {
		assert_true(n < PH_ARRAY_SIZE(want));
		assert_string_equal(note.p, want[n]);
	}
	assert_int_equal(n, PH_ARRAY_SIZE(want));
	ph_path_free(p);
	ph_identity_free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_those_of_babeltrace),
		cmocka_unit_test_setup_teardown(text_is_that_of_babeltrace, setup, teardown),
		cmocka_unit_test(containers_are_found),
		cmocka_unit_test(events_are_attributed),
		cmocka_unit_test(paths_go_to_who_answers), cmocka_unit_test(paths_have_what_was_computed),
		cmocka_unit_test(requests_are_found), cmocka_unit_test(notes_say_what_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
