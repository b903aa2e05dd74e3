/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "identity/model.h"
#include "identity/select.h"

#define PIDNS_HOST 4026531836u
#define CGNS_HOST 4026531835u

/*
 * Events as a source would give them: classes whose fields are named in text, "i:name" for a number
 * and "s:name" for a string. A class with all of our fields in our order is used as it is.
 */
struct cls {
	struct ph_class c;
	struct ph_field fields[32], ctx[8];
	int16_t canon[64];
};

static void add_field(struct ph_field *fields, uint32_t *n, const char *spec)
{
	fields[(*n)++] = (struct ph_field){
		.name = spec + 2,
		.type = spec[0] == 's' ? &ph_type_str : spec[0] == 'v' ? &ph_type_s32v : &ph_type_s64,
	};
}

/* A class as LTTng's traces have it: only the named fields, so without porthole's own ones. */
static void foreign_class(struct cls *k, const char *name, const char *const *fields,
			  const char *const *ctx)
{
	const struct ph_class *ours = ph_class_by_name(name);

	*k = (struct cls){ .c = { .name = name, .id = ours ? ours->id : 0, .fields = k->fields,
				  .ctx = k->ctx, .syscall_nr = ours ? ours->syscall_nr : -1 } };
	for (; fields && *fields; fields++)
		add_field(k->fields, &k->c.nfields, *fields);
	for (; ctx && *ctx; ctx++)
		add_field(k->ctx, &k->c.nctx, *ctx);
	for (uint32_t i = 0; ours && i < ours->nfields; i++) {
		k->canon[i] = -1;
		for (uint32_t j = 0; j < k->c.nfields; j++)
			if (!strcmp(ours->fields[i].name, k->fields[j].name))
				k->canon[i] = (int16_t)j;
	}
	if (ours)
		k->c.canon = k->canon;
}

static const struct ph_field ret_field = { "ret", &ph_type_s64 };
static const struct ph_class getppid_entry = {
	.name = "syscall_entry_getppid", .id = PH_EV_SYSCALL_ENTRY + 110, .syscall_nr = 110,
};
static const struct ph_class getppid_exit = {
	.name = "syscall_exit_getppid", .id = PH_EV_SYSCALL_EXIT + 110, .syscall_nr = 110,
	.fields = &ret_field, .nfields = 1,
};

static struct ph_value num(int64_t i)
{
	return (struct ph_value){ .i = i };
}

static struct ph_value str(const char *s)
{
	return (struct ph_value){ .s = s, .n = (uint32_t)strlen(s) };
}

static struct ph_event feed(struct ph_identity *id, const struct ph_class *cls, uint32_t cpu,
			    const struct ph_value *v, const struct ph_value *ctx)
{
	struct ph_event ev = { .cls = cls, .cpu = cpu, .tid = -1, .pid = -1,
			       .container = PH_CONTAINER_UNKNOWN, .v = v, .ctx = ctx, .ts_ns = 1000 };

	ph_identity_feed(id, &ev);
	return ev;
}

/* ---- our own events ------------------------------------------------------------------------------ */

#define OWN(name) ph_class_by_id(PH_EV_##name)

static struct ph_event own_switch_as(struct ph_identity *id, uint32_t cpu, int prev, const char *pcomm,
				     int64_t state, int next, const char *ncomm)
{
	/* What is returned points to them: until the next call. */
	static struct ph_value v[7];

	memcpy(v, (struct ph_value[]){ str(pcomm), num(prev), num(0), num(state), str(ncomm), num(next), num(0) }, sizeof(v));
	return feed(id, OWN(sched_switch), cpu, v, NULL);
}

static struct ph_event own_switch(struct ph_identity *id, uint32_t cpu, int prev, const char *pcomm,
				  int next, const char *ncomm)
{
	return own_switch_as(id, cpu, prev, pcomm, 0, next, ncomm);
}

static struct ph_event own_fork(struct ph_identity *id, uint32_t cpu, int parent, int child,
				int child_pid, uint32_t container, const int *vtids, uint32_t n)
{
	static struct ph_value vt[PH_PID_LEVELS], v[11];

	memcpy(v, (struct ph_value[]){ str("parent"), num(parent), num(parent), num(PIDNS_HOST), str("child"), num(child),
				       { .v = vt, .n = n }, num(child_pid), num(PIDNS_HOST), num(container), num(77) },
	       sizeof(v));
	for (uint32_t i = 0; i < n; i++)
		vt[i] = num(vtids[i]);
	return feed(id, OWN(sched_process_fork), cpu, v, NULL);
}

/* @end: 0 it is not known whether it was the process' last thread, 1 it was not, 2 it was. True: the process has ended. */
static bool own_exit_as(struct ph_identity *id, uint32_t cpu, int tid, int end)
{
	struct ph_value v[10] = { str("x"), num(tid), num(0), num(42 << 8), num(0), num(0), num(0), num(0), num(9), num(end) };
	struct ph_event ev = feed(id, OWN(sched_process_exit), cpu, v, NULL);
	bool ended = ph_identity_process_ended(id, &ev);

	if (ended)
		assert_int_equal(ph_identity_process_status(&ev), end == 2 ? 9 : 42 << 8);
	return ended;
}

static bool own_exit(struct ph_identity *id, uint32_t cpu, int tid)
{
	return own_exit_as(id, cpu, tid, 0);
}

static void own_free(struct ph_identity *id, uint32_t cpu, int tid)
{
	struct ph_value v[3] = { str("x"), num(tid), num(0) };

	feed(id, OWN(sched_process_free), cpu, v, NULL);
}

static void own_dump(struct ph_identity *id, int tid, int pid, const char *comm, uint32_t container)
{
	struct ph_value v[14] = { num(tid), num(pid), num(1), str(comm), num(0), num(5), num(0), num(5),
				  num(0), num(0), num(container), num(9), num(5), num(-1) };

	feed(id, OWN(lttng_statedump_process_state), 0, v, NULL);
}

static void own_info(struct ph_identity *id, uint32_t index, const char *name, const char *cid,
		     uint32_t parent, uint64_t cgroup)
{
	struct ph_value v[25];

	for (unsigned int i = 0; i < PH_ARRAY_SIZE(v); i++)
		v[i] = num(0);
	v[0] = num(index);
	for (unsigned int i = 1; i <= 10; i++)
		v[i] = str("");
	v[24] = str("");
	v[1] = str(cid);
	v[2] = str(name);
	v[3] = str("docker");
	v[4] = str("docker.io/library/nginx:1.25");
	v[8] = str("app=web\ntier=front");
	v[10] = str("/docker/x");
	v[12] = num((int64_t)cgroup);
	v[13] = num(parent);
	feed(id, OWN(container_info), 0, v, NULL);
}

static void tasks_by_cpu(void **state)
{
	struct ph_identity *id = ph_identity_new();
	struct ph_value ret = num(1);
	struct ph_event ev;

	(void)state;
	own_info(id, 1, "web", "0123456789abcdef", 0, 5);
	own_dump(id, 100, 100, "nginx", 1);
	own_dump(id, 101, 100, "nginx", 1);
	ev = own_switch(id, 2, 0, "swapper/2", 101, "worker");
	assert_int_equal(ev.tid, 0);
	assert_int_equal(ev.container, PH_CONTAINER_HOST);
	ev = feed(id, &getppid_entry, 2, NULL, NULL);
	assert_int_equal(ev.tid, 101);
	assert_int_equal(ev.pid, 100);
	assert_int_equal(ev.container, 1);
	assert_string_equal(ph_identity_task(id, 101)->comm, "worker");
	assert_int_equal(ph_identity_task(id, 101)->in_syscall, 110);
	ev = feed(id, &getppid_exit, 2, &ret, NULL);
	assert_int_equal(ph_identity_task(id, 101)->in_syscall, -1);
	/* Nothing is known of another CPU. */
	ev = feed(id, &getppid_entry, 3, NULL, NULL);
	assert_int_equal(ev.tid, -1);
	assert_int_equal(ev.container, PH_CONTAINER_UNKNOWN);
	assert_string_equal(ph_container_label(id, ev.container), "?");
	ev = own_switch(id, 2, 101, "worker", 0, "swapper/2");
	assert_int_equal(ev.tid, 101);
	assert_int_equal(ev.container, 1);
	ph_identity_free(id);
}

static void lost_events_end_attribution(void **state)
{
	struct ph_identity *id = ph_identity_new();
	struct ph_value gap[4] = { num(10), num(1), num(2), num(2) };
	struct ph_event ev;

	(void)state;
	own_switch(id, 2, 0, "swapper/2", 101, "worker");
	feed(id, OWN(events_discarded), 2, gap, NULL);
	ev = feed(id, &getppid_entry, 2, NULL, NULL);
	assert_int_equal(ev.tid, -1);
	ph_identity_free(id);
}

static void pid_reuse(void **state)
{
	struct ph_identity *id = ph_identity_new();
	const struct ph_task *t;

	(void)state;
	own_dump(id, 10, 10, "sh", 1);
	own_dump(id, 20, 20, "bash", 2);
	own_switch(id, 0, 0, "swapper/0", 10, "sh");
	own_fork(id, 0, 10, 50, 50, 1, (int[]){ 50, 7 }, 2);
	t = ph_identity_task(id, 50);
	assert_int_equal(t->container, 1);
	assert_int_equal(t->ppid, 10);
	assert_int_equal(t->levels, 2);
	assert_int_equal(t->vtid[1], 7);
	assert_int_equal(t->vpid[1], 7);
	own_exit(id, 0, 50);
	assert_true(ph_identity_task(id, 50)->exited);
	/* The number comes back in another container before the kernel freed the dead task. */
	own_fork(id, 0, 20, 50, 50, 2, NULL, 0);
	own_free(id, 0, 50);
	t = ph_identity_task(id, 50);
	assert_non_null(t);
	assert_int_equal(t->container, 2);
	assert_false(t->exited);
	assert_int_equal(t->levels, 0);
	/* And without the fork having been seen: after its last switch the old one is gone. */
	own_exit(id, 0, 50);
	own_switch_as(id, 0, 50, "child", 2, 0, "swapper/0");	/* it may sleep on its way out */
	own_switch(id, 0, 0, "swapper/0", 50, "child");
	assert_true(ph_identity_task(id, 50)->exited);
	own_switch_as(id, 0, 50, "child", 16, 0, "swapper/0");
	own_switch(id, 0, 0, "swapper/0", 50, "other");
	t = ph_identity_task(id, 50);
	assert_false(t->exited);
	assert_int_equal(t->container, PH_CONTAINER_UNKNOWN);
	assert_string_equal(t->comm, "other");
	own_exit(id, 0, 50);
	own_free(id, 0, 50);
	assert_null(ph_identity_task(id, 50));
	ph_identity_free(id);
}

/* A process ends with its last thread, which need not be its first one. Here by what is known of its threads. */
static void processes_end(void **state)
{
	struct ph_identity *id = ph_identity_new();

	(void)state;
	own_fork(id, 0, 10, 50, 50, 1, NULL, 0);
	own_fork(id, 0, 50, 51, 50, 1, NULL, 0);
	assert_false(own_exit(id, 0, 50));
	own_free(id, 0, 50);
	assert_true(own_exit(id, 0, 51));
	/* A thread's number that comes back as a process of its own; and one whose end was not seen. */
	own_fork(id, 0, 10, 51, 51, 1, NULL, 0);
	own_fork(id, 0, 10, 51, 52, 1, NULL, 0);
	own_fork(id, 0, 52, 53, 52, 1, NULL, 0);
	assert_false(own_exit(id, 0, 51));
	assert_false(own_exit(id, 0, 53));
	/* Of another nothing is known but a thread: there is a first one, too. */
	own_dump(id, 62, 60, "thread", 1);
	own_dump(id, 61, 60, "thread", 1);
	assert_false(own_exit(id, 0, 61));
	assert_false(own_exit(id, 0, 62));
	assert_true(own_exit(id, 0, 60));
	/* Many others' ends make it forget the first one's. */
	own_fork(id, 0, 10, 70, 70, 1, NULL, 0);
	own_fork(id, 0, 70, 71, 70, 1, NULL, 0);
	own_fork(id, 0, 70, 72, 70, 1, NULL, 0);
	assert_false(own_exit(id, 0, 70));
	for (int i = 100; i < 10100; i++) {
		own_fork(id, 0, 1, i, i, 0, NULL, 0);
		assert_true(own_exit(id, 0, i));
	}
	assert_null(ph_identity_task(id, 70));
	assert_false(own_exit(id, 0, 71));
	own_dump(id, 73, 70, "thread", 1);
	assert_false(own_exit(id, 0, 72));
	assert_true(own_exit(id, 0, 73));
	ph_identity_free(id);
}

/* And where the kernel tells, whatever is known; of threads that end at the same moment once. */
static void processes_end_as_told(void **state)
{
	struct ph_identity *id = ph_identity_new();

	(void)state;
	own_fork(id, 0, 10, 50, 50, 1, NULL, 0);
	assert_false(own_exit_as(id, 0, 50, 1));
	assert_true(own_exit_as(id, 0, 51, 2));
	own_fork(id, 0, 10, 50, 50, 1, NULL, 0);
	own_fork(id, 0, 50, 51, 50, 1, NULL, 0);
	own_fork(id, 0, 50, 52, 50, 1, NULL, 0);
	assert_false(own_exit_as(id, 0, 52, 1));
	assert_true(own_exit_as(id, 0, 51, 2));
	assert_false(own_exit_as(id, 0, 50, 2));
	/* The number's next one. */
	own_fork(id, 0, 10, 50, 50, 1, NULL, 0);
	assert_true(own_exit_as(id, 0, 50, 2));
	ph_identity_free(id);
}

/* True: the process has gone on without its first thread, and ends with this one. */
static bool own_exit_after_first(struct ph_identity *id, int tid, int end)
{
	struct ph_value v[10] = { str("x"), num(tid), num(0), num(0), num(0), num(0), num(0), num(0), num(0), num(end) };
	struct ph_event ev = feed(id, OWN(sched_process_exit), 0, v, NULL);

	return ph_identity_ended_after_first(id, &ev);
}

static void processes_end_after_first(void **state)
{
	struct ph_identity *id = ph_identity_new();

	(void)state;
	own_fork(id, 0, 10, 50, 50, 1, NULL, 0);
	for (int tid = 51; tid < 55; tid++)
		own_fork(id, 0, 50, tid, 50, 1, NULL, 0);
	assert_false(own_exit_after_first(id, 51, 1) || ph_identity_leaderless(id, 50));
	assert_false(own_exit_after_first(id, 50, 1));
	assert_true(ph_identity_leaderless(id, 50));
	assert_false(own_exit_after_first(id, 52, 1));
	/* Of those that end at the same moment, all of which say so, it is the first one that does; and nothing that comes is it again. */
	assert_true(own_exit_after_first(id, 53, 2));
	assert_false(own_exit_after_first(id, 54, 2));
	own_fork(id, 0, 10, 60, 60, 1, NULL, 0);
	own_fork(id, 0, 60, 61, 60, 1, NULL, 0);
	assert_false(own_exit_after_first(id, 60, 1));
	assert_true(own_exit_after_first(id, 61, 3));
	assert_false(own_exit_after_first(id, 0, 2));
	ph_identity_free(id);
}

static void exited_are_bounded(void **state)
{
	struct ph_identity *id = ph_identity_new();
	unsigned int left = 0;

	(void)state;
	own_dump(id, 1, 1, "init", 0);
	for (int i = 100; i < 30100; i++) {
		own_fork(id, 0, 1, i, i, 0, NULL, 0);
		own_exit(id, 0, i);
	}
	for (int i = 100; i < 30100; i++)
		left += ph_identity_task(id, i) != NULL;
	assert_in_range(left, 1, 5000);
	ph_identity_free(id);
}

static void exec_by_non_leader(void **state)
{
	struct ph_identity *id = ph_identity_new();
	struct ph_value v[3] = { str("/usr/bin/env"), num(200), num(203) };
	struct ph_event ev;

	(void)state;
	own_dump(id, 200, 200, "java", 1);
	own_dump(id, 203, 200, "worker", 1);
	own_switch(id, 1, 0, "swapper/1", 203, "worker");
	own_exit(id, 0, 200);
	ev = feed(id, OWN(sched_process_exec), 1, v, NULL);
	assert_int_equal(ev.tid, 200);
	assert_int_equal(ev.container, 1);
	assert_null(ph_identity_task(id, 203));
	assert_false(ph_identity_task(id, 200)->exited);
	assert_string_equal(ph_identity_task(id, 200)->comm, "env");
	/* The dead leader is freed under the old tid of the thread. */
	own_free(id, 0, 203);
	assert_non_null(ph_identity_task(id, 200));
	ev = feed(id, &getppid_entry, 1, NULL, NULL);
	assert_int_equal(ev.tid, 200);
	ph_identity_free(id);
}

static void renamed(void **state)
{
	struct ph_identity *id = ph_identity_new();
	struct ph_value other[4] = { num(203), str("worker"), str("helper"), num(0) };
	struct ph_value fd[4] = { num(200), str("java"), str("memfd:tool"), num(0) };
	struct ph_value exec[3] = { str("/dev/fd/3"), num(200), num(203) };
	struct ph_event ev;

	(void)state;
	own_dump(id, 200, 200, "java", 1);
	own_dump(id, 203, 200, "worker", 1);
	own_switch(id, 1, 0, "swapper/1", 200, "java");
	ev = feed(id, OWN(task_rename), 1, other, NULL);
	assert_int_equal(ev.tid, 200);
	assert_string_equal(ph_identity_task(id, 203)->comm, "helper");
	/* Exec of a descriptor by a thread: the name is the kernel's, neither the path's nor the thread's. */
	feed(id, OWN(task_rename), 1, fd, NULL);
	feed(id, OWN(sched_process_exec), 1, exec, NULL);
	assert_string_equal(ph_identity_task(id, 200)->comm, "memfd:tool");
	ph_identity_free(id);
}

static void containers_told(void **state)
{
	struct ph_identity *id = ph_identity_new();
	struct ph_value alias[2] = { num(9), num(4) };
	struct ph_value attach[7] = { num(0), num(77), num(1), num(300), str("sh"), num(9), str("/d/a/b") };
	struct ph_value mkdir[5] = { num(0), num(78), num(2), num(PH_CONTAINER_UNKNOWN), str("/docker/x/sub") };
	struct ph_value stop[2] = { num(4), str("web") };
	const struct ph_container *c;

	(void)state;
	own_info(id, 4, "web", "feedbeef0123456789", 0, 5);
	own_info(id, 2, "", "0123456789abcdef", 4, 6);
	feed(id, OWN(container_index), 0, alias, NULL);
	assert_string_equal(ph_container_label(id, 9), "web");
	assert_string_equal(ph_container_label(id, 2), "0123456789ab");
	assert_string_equal(ph_container_label(id, 33), "#33");
	assert_string_equal(ph_container_label(id, 0), "");
	assert_int_equal(ph_identity_container(id, 2)->parent, 4);
	assert_int_equal(ph_identity_container(id, 4)->labels.n, 2);
	assert_string_equal(ph_identity_container(id, 4)->labels.v[1], "tier=front");
	/* In order of index, with the host first. */
	assert_int_equal(ph_identity_nth(id, 0)->index, 0);
	assert_int_equal(ph_identity_nth(id, 1)->index, 2);
	assert_int_equal(ph_identity_nth(id, 2)->index, 4);
	assert_null(ph_identity_nth(id, 3));
	own_dump(id, 300, 300, "sh", 0);
	feed(id, OWN(cgroup_attach_task), 0, attach, NULL);
	assert_int_equal(ph_identity_task(id, 300)->container, 4);
	/* By cgroup, and by an ancestor's path. */
	c = ph_identity_by_cgroup(id, 0, 5);
	assert_ptr_equal(c, ph_identity_container(id, 4));
	feed(id, OWN(cgroup_mkdir), 0, mkdir, NULL);
	assert_non_null(ph_identity_by_cgroup(id, 0, 78));
	assert_null(ph_identity_by_cgroup(id, 1, 78));
	feed(id, OWN(container_stop), 0, stop, NULL);
	assert_string_equal(ph_identity_container(id, 4)->state, "stopped");
	ph_identity_free(id);
}

static void contexts_beat_the_model(void **state)
{
	static const char *const ctx[] = { "i:tid", "i:pid", "s:procname", "i:container", NULL };
	struct ph_identity *id = ph_identity_new();
	struct ph_value c[4] = { num(42), num(40), str("a-very-long-name-indeed"), num(3) };
	struct ph_event ev;
	struct cls k;

	(void)state;
	foreign_class(&k, "foreign_event", NULL, ctx);
	own_switch(id, 0, 0, "swapper/0", 7, "seven");
	/* Which number stands for no container the reader knows. */
	ev = (struct ph_event){ .cls = &k.c, .tid = -1, .pid = -1, .container = 3, .ctx = c, .ts_ns = 1000 };
	ph_identity_feed(id, &ev);
	assert_int_equal(ev.tid, 42);
	assert_int_equal(ev.pid, 40);
	assert_int_equal(ev.container, 3);
	assert_string_equal(ph_identity_task(id, 42)->comm, "a-very-long-nam");
	/* Without contexts the same task is still known on that CPU. */
	ev = feed(id, &getppid_exit, 0, c, NULL);
	assert_int_equal(ev.tid, 42);
	assert_int_equal(ev.container, 3);
	ph_identity_free(id);
}

/* ---- LTTng's kernel traces --------------------------------------------------------------------- */

struct lttng {
	struct ph_identity *id;
	struct cls state, pid_ns, cg_ns, mnt_ns, ipc_ns, fork, exit, end, call;
};

static void lttng_setup(struct lttng *l)
{
	static const char *const state[] = { "i:tid", "i:pid", "i:ppid", "s:name", "i:type", "i:mode",
					     "i:submode", "i:status", "i:cpu", NULL };
	static const char *const pid_ns[] = { "i:tid", "i:vtid", "i:vpid", "i:vppid", "i:ns_level",
					      "i:ns_inum", NULL };
	static const char *const ns[] = { "i:tid", "i:ns_inum", NULL };
	static const char *const fork[] = { "s:parent_comm", "i:parent_tid", "i:parent_pid",
					    "i:parent_ns_inum", "s:child_comm", "i:child_tid", "v:vtids",
					    "i:child_pid", "i:child_ns_inum", NULL };
	static const char *const exit[] = { "s:comm", "i:tid", "i:prio", NULL };
	static const char *const ctx[] = { "i:tid", "i:pid_ns", NULL };

	*l = (struct lttng){ .id = ph_identity_new() };
	foreign_class(&l->state, "lttng_statedump_process_state", state, NULL);
	foreign_class(&l->pid_ns, "lttng_statedump_process_pid_ns", pid_ns, NULL);
	foreign_class(&l->cg_ns, "lttng_statedump_process_cgroup_ns", ns, NULL);
	foreign_class(&l->mnt_ns, "lttng_statedump_process_mnt_ns", ns, NULL);
	foreign_class(&l->ipc_ns, "lttng_statedump_process_ipc_ns", ns, NULL);
	foreign_class(&l->fork, "sched_process_fork", fork, NULL);
	foreign_class(&l->exit, "sched_process_exit", exit, NULL);
	foreign_class(&l->end, "lttng_statedump_end", NULL, NULL);
	foreign_class(&l->call, "foreign_event", NULL, ctx);
}

static void lttng_dump(struct lttng *l, int tid, const char *comm, const uint32_t *chain,
		       const int *vtids, unsigned int levels, uint32_t cgroup_ns, uint32_t mnt, uint32_t ipc)
{
	struct ph_value s[9] = { num(tid), num(tid), num(1), str(comm), num(0), num(5), num(0), num(5),
				 num(0) };
	struct ph_value cg[2] = { num(tid), num(cgroup_ns) }, m[2] = { num(tid), num(mnt) };
	struct ph_value i[2] = { num(tid), num(ipc) };

	feed(l->id, &l->state.c, 0, s, NULL);
	for (unsigned int k = levels; k-- > 0; ) {	/* LTTng: innermost first */
		struct ph_value p[6] = { num(tid), num(vtids[k]), num(vtids[k]), num(0), num(k),
					 num(chain[k]) };

		feed(l->id, &l->pid_ns.c, 0, p, NULL);
	}
	feed(l->id, &l->cg_ns.c, 0, cg, NULL);
	feed(l->id, &l->mnt_ns.c, 0, m, NULL);
	feed(l->id, &l->ipc_ns.c, 0, i, NULL);
}

static uint32_t container_of(struct lttng *l, int tid)
{
	return ph_identity_task(l->id, tid)->container;
}

static void lttng_namespaces(void **state)
{
	const uint32_t host[] = { PIDNS_HOST }, a[] = { PIDNS_HOST, 501 }, b[] = { PIDNS_HOST, 501, 502 };
	struct ph_value vt[2] = { num(900), num(5) };
	struct ph_value f[9] = { str("app"), num(10), num(10), num(501), str("kid"), num(900),
				 { .v = vt, .n = 2 }, num(900), num(501) };
	struct lttng l;
	const struct ph_container *c, *in;

	(void)state;
	lttng_setup(&l);
	lttng_dump(&l, 1, "systemd", host, (int[]){ 1 }, 1, CGNS_HOST, 11, 12);
	lttng_dump(&l, 2, "udevd", host, (int[]){ 2 }, 1, CGNS_HOST, 13, 12);
	lttng_dump(&l, 10, "app", a, (int[]){ 10, 1 }, 2, 601, 21, 22);
	/* A nested one, and two that share 501 with their own cgroup namespace: a pod's sidecar. */
	lttng_dump(&l, 20, "inner", b, (int[]){ 20, 9, 1 }, 3, 602, 23, 24);
	lttng_dump(&l, 30, "sidecar", a, (int[]){ 30, 11 }, 2, 603, 25, 22);
	/* --pid=host: only mount and ipc differ. */
	lttng_dump(&l, 40, "agent", host, (int[]){ 40 }, 1, CGNS_HOST, 26, 27);
	/* unshare -m inside the container does not leave it. */
	lttng_dump(&l, 50, "mounter", a, (int[]){ 50, 12 }, 2, 601, 28, 22);
	feed(l.id, &l.end.c, 0, NULL, NULL);

	assert_int_equal(container_of(&l, 1), PH_CONTAINER_HOST);
	assert_int_equal(container_of(&l, 2), PH_CONTAINER_HOST);
	c = ph_identity_container(l.id, container_of(&l, 10));
	assert_string_equal(c->name, "pid_ns:501");
	assert_int_equal(c->init_pid, 10);
	assert_int_equal(c->ns[PH_NS_MNT], 21);
	in = ph_identity_container(l.id, container_of(&l, 20));
	assert_string_equal(in->name, "pid_ns:502");
	assert_int_equal(in->parent, c->index);
	assert_int_equal(ph_identity_task(l.id, 20)->vtid[1], 9);
	assert_int_not_equal(container_of(&l, 30), container_of(&l, 10));
	assert_int_not_equal(container_of(&l, 30), PH_CONTAINER_HOST);
	assert_string_equal(ph_container_label(l.id, container_of(&l, 40)), "mnt_ns:26");
	assert_int_equal(container_of(&l, 50), container_of(&l, 10));
	/* Children inherit. */
	feed(l.id, &l.fork.c, 0, f, NULL);
	assert_int_equal(container_of(&l, 900), container_of(&l, 10));
	assert_int_equal(ph_identity_task(l.id, 900)->vtid[1], 5);
	ph_identity_free(l.id);
}

static void lttng_inode_reuse(void **state)
{
	const uint32_t host[] = { PIDNS_HOST }, a[] = { PIDNS_HOST, 501 };
	struct ph_value ex[3] = { str("app"), num(10), num(0) };
	struct ph_value vt[2] = { num(80), num(1) };
	struct ph_value f[9] = { str("runc"), num(1), num(1), num(PIDNS_HOST), str("new"), num(80),
				 { .v = vt, .n = 2 }, num(80), num(501) };
	struct lttng l;
	uint32_t first;

	(void)state;
	lttng_setup(&l);
	lttng_dump(&l, 1, "systemd", host, (int[]){ 1 }, 1, CGNS_HOST, 11, 12);
	lttng_dump(&l, 10, "app", a, (int[]){ 10, 1 }, 2, 601, 21, 22);
	feed(l.id, &l.end.c, 0, NULL, NULL);
	first = container_of(&l, 10);
	feed(l.id, &l.exit.c, 0, ex, NULL);
	assert_int_equal(container_of(&l, 10), first);
	assert_string_equal(ph_identity_container(l.id, first)->state, "stopped");
	/* The same inode number, another container. */
	feed(l.id, &l.fork.c, 0, f, NULL);
	assert_int_not_equal(container_of(&l, 80), first);
	assert_int_not_equal(container_of(&l, 80), PH_CONTAINER_HOST);
	assert_int_equal(ph_identity_container(l.id, container_of(&l, 80))->init_pid, 80);
	ph_identity_free(l.id);
}

static void lttng_without_dump(void **state)
{
	struct ph_value host[2] = { num(7), num(PIDNS_HOST) }, in[2] = { num(8), num(501) };
	struct ph_event ev;
	struct lttng l;

	(void)state;
	lttng_setup(&l);
	ev = feed(l.id, &l.call.c, 0, NULL, host);
	assert_int_equal(ev.container, PH_CONTAINER_HOST);
	ev = feed(l.id, &l.call.c, 1, NULL, in);
	assert_string_equal(ph_container_label(l.id, ev.container), "pid_ns:501");
	assert_int_equal(ev.tid, 8);
	ph_identity_free(l.id);
}

/* A trace's metadata may give our names to anything. */
static void lying_metadata(void **state)
{
	static const char *const fields[] = { "i:prev_comm", "s:prev_tid", "i:next_comm", "s:next_tid", NULL };
	static const char *const ctx[] = { "s:tid", "i:procname", "s:container", NULL };
	struct ph_identity *id = ph_identity_new();
	struct ph_value v[4] = { num(1), str("x"), num(1), str("y") };
	struct ph_value c[3] = { str("z"), num(1), str("w") };
	struct ph_value wild[2] = { num(UINT32_MAX - 1), num(5) };
	struct ph_event ev;
	struct cls k;

	(void)state;
	foreign_class(&k, "sched_switch", fields, ctx);
	ev = feed(id, &k.c, UINT32_MAX, v, c);
	assert_int_equal(ev.tid, -1);
	feed(id, OWN(container_index), 0, wild, NULL);
	own_info(id, UINT32_MAX - 1, "big", "", 0, 0);
	assert_null(ph_identity_container(id, UINT32_MAX - 1));
	ev = own_switch(id, 0, INT32_MAX, "a", INT32_MAX - 1, "b");
	assert_null(ph_identity_task(id, INT32_MAX));
	ph_identity_free(id);
}

/* ---- selection ----------------------------------------------------------------------------------- */

static struct ph_container web = { .index = 3, .name = (char *)"web-1", .id = (char *)"feedbeef0123",
	.image = (char *)"docker.io/library/nginx:1.25", .pod = (char *)"front",
	.pod_namespace = (char *)"prod", .cgroup_path = (char *)"/docker/feedbeef0123" };
static struct ph_container host = { .index = 0 };

static bool selects(const char *opt, const char *value, const struct ph_container *c)
{
	char *labels[] = { (char *)"app=web" };
	struct ph_selection sel = { 0 };
	struct ph_opt opts[PH_SELECTION_NOPTS];
	struct ph_opt_group groups[] = { { "Selection", opts }, { 0 } };
	char *argv[] = { (char *)"x", (char *)opt, (char *)value, NULL };
	struct ph_container copy = *c;
	struct ph_err err = { 0 };
	ph_strv args = { 0 };
	size_t dd;
	bool r;

	if (c == &web) {
		copy.labels.v = labels;
		copy.labels.n = 1;
	}
	ph_selection_opts(&sel, opts);
	assert_int_equal(ph_opt_parse(groups, value ? 3 : 2, argv, &args, &dd, &err), 0);
	assert_int_equal(ph_selection_check(&sel, &err), 0);
	r = ph_selection_match_container(&sel, &copy);
	ph_selection_done(&sel);
	return r;
}

static void selection_of_containers(void **state)
{
	(void)state;
	{
		struct ph_container lxc = web;

		lxc.id = lxc.name = (char *)"webserver";
		assert_false(selects("-c", "webs", &lxc));	/* an id that is a name */
		assert_true(selects("-c", "webserver", &lxc));
	}
	assert_true(selects("-c", "web-1", &web));
	assert_true(selects("-c", "web-*", &web));
	assert_true(selects("-c", "db,web-1", &web));
	assert_true(selects("-c", "feed", &web));
	assert_false(selects("-c", "fee", &web));
	assert_false(selects("-c", "web", &web));
	assert_false(selects("-c", "web-*,!web-1", &web));
	assert_true(selects("-c", "!db", &web));
	assert_true(selects("-c", "!db", &host));
	assert_false(selects("-c", "web-1", &host));
	assert_true(selects("--host", NULL, &host));
	assert_false(selects("--host", NULL, &web));
	assert_true(selects("--image", "nginx", &web));
	assert_true(selects("--image", "nginx:1.25", &web));
	assert_false(selects("--image", "redis", &web));
	assert_true(selects("-l", "app=web", &web));
	assert_true(selects("-l", "app", &web));
	assert_false(selects("-l", "app=db", &web));
	assert_true(selects("--podname", "front", &web));
	assert_false(selects("-n", "dev", &web));
	assert_true(selects("--cgroup", "/docker", &web));
	assert_false(selects("--cgroup", "/dock", &web));
	assert_true(selects("-a", NULL, &host));
}

static int check(const char *opt, const char *value, struct ph_err *err)
{
	struct ph_selection sel = { 0 };
	struct ph_opt opts[PH_SELECTION_NOPTS];
	struct ph_opt_group groups[] = { { "Selection", opts }, { 0 } };
	char *argv[] = { (char *)"x", (char *)opt, (char *)value, NULL };
	ph_strv args = { 0 };
	size_t dd;
	int r;

	ph_selection_opts(&sel, opts);
	r = ph_opt_parse(groups, 3, argv, &args, &dd, err);
	if (r == 0)
		r = ph_selection_check(&sel, err);
	ph_selection_done(&sel);
	return r;
}

static void selection_values(void **state)
{
	struct ph_err err = { 0 };

	(void)state;
	assert_int_equal(check("--ns", "mnt=4026532280", &err), 0);
	assert_int_equal(check("--ns", "pid_ns=[4026532280]", &err), 0);
	assert_int_equal(check("--ns", "mnn=5", &err), -EINVAL);
	assert_non_null(strstr(err.msg, "did you mean 'mnt'"));
	assert_int_equal(check("--ns", "mnt", &err), -EINVAL);
	assert_int_equal(check("-p", "0", &err), -EINVAL);
	assert_int_equal(check("-p", "12,x", &err), -EINVAL);
	assert_int_equal(check("-c", "!", &err), -EINVAL);
}

static void selection_of_events(void **state)
{
	struct ph_identity *id = ph_identity_new();
	char *pats[] = { (char *)"nginx" };
	struct ph_selection comm = { .comm = { pats, 1, 1 } };
	struct ph_selection pids = { 0 };
	struct ph_event ev;

	(void)state;
	own_dump(id, 100, 100, "nginx", 1);
	own_dump(id, 200, 200, "redis", 1);
	own_switch(id, 0, 0, "swapper/0", 100, "nginx");
	ev = feed(id, &getppid_entry, 0, NULL, NULL);
	assert_true(ph_selection_match(&comm, id, &ev));
	*ph_vec_push(&pids.pids) = 200;
	assert_false(ph_selection_match(&pids, id, &ev));
	*ph_vec_push(&pids.pids) = 100;
	assert_true(ph_selection_match(&pids, id, &ev));
	*ph_vec_push(&pids.pids) = -100;
	assert_false(ph_selection_match(&pids, id, &ev));
	ph_vec_done(&pids.pids);
	ph_identity_free(id);
}

/* One event of a task that was seen to begin here: is it selected? */
static bool selected_on(struct ph_selection *sel, struct ph_identity *id, int tid)
{
	struct ph_event ev = own_switch(id, 3, tid, "x", 0, "swapper/3");

	ph_selection_follow(sel, &ev);
	return ph_selection_match(sel, id, &ev);
}

static void follow_fork(struct ph_selection *sel, struct ph_identity *id, int parent, int child, int pid)
{
	struct ph_event ev = own_fork(id, 3, parent, child, pid, 1, &child, 1);

	ph_selection_follow(sel, &ev);
}

static void selection_of_children(void **state)
{
	struct ph_identity *id = ph_identity_new();
	struct ph_selection sel = { 0 };

	(void)state;
	*ph_vec_push(&sel.pids) = 100;
	*ph_vec_push(&sel.pids) = -120;
	own_dump(id, 100, 100, "parent", 1);
	own_dump(id, 101, 100, "older-child", 1);
	own_dump(id, 200, 200, "other", 1);
	follow_fork(&sel, id, 100, 110, 110);
	follow_fork(&sel, id, 110, 111, 111);
	follow_fork(&sel, id, 110, 112, 110);	/* a thread */
	follow_fork(&sel, id, 100, 120, 120);
	follow_fork(&sel, id, 120, 121, 121);
	follow_fork(&sel, id, 200, 201, 201);
	assert_true(selected_on(&sel, id, 100));
	assert_true(selected_on(&sel, id, 110));
	assert_true(selected_on(&sel, id, 111));
	assert_true(selected_on(&sel, id, 112));
	/* Left out, with its own. */
	assert_false(selected_on(&sel, id, 120));
	assert_false(selected_on(&sel, id, 121));
	assert_false(selected_on(&sel, id, 200));
	assert_false(selected_on(&sel, id, 201));
	/* Its parent may be gone; its number is another's one day. */
	own_exit(id, 3, 110);
	own_free(id, 3, 110);
	assert_true(selected_on(&sel, id, 111));
	follow_fork(&sel, id, 200, 111, 111);
	assert_false(selected_on(&sel, id, 111));
	ph_selection_done(&sel);
	ph_identity_free(id);
}

static void selection_by_thread(void **state)
{
	struct ph_identity *id = ph_identity_new();
	struct ph_selection sel = { 0 };

	(void)state;
	*ph_vec_push(&sel.pids) = 305;
	own_dump(id, 300, 300, "leader", 1);
	own_dump(id, 305, 300, "thread", 1);
	own_dump(id, 306, 306, "other", 1);
	assert_true(selected_on(&sel, id, 305));
	assert_true(selected_on(&sel, id, 300));
	assert_false(selected_on(&sel, id, 306));
	ph_selection_done(&sel);
	ph_identity_free(id);
}

static void selection_of_renames(void **state)
{
	struct ph_identity *id = ph_identity_new();
	struct ph_value v[4] = { num(100), str("before"), str("after"), num(0) };
	const struct { const char *comm; bool selected; } names[] = {
		{ "before", true }, { "after", true }, { "a*", true }, { "other", false },
		{ "!before", true }, { "!after", true }, { "!*r*", false },
	};

	(void)state;
	own_dump(id, 100, 100, "before", 1);
	own_switch(id, 0, 0, "swapper/0", 100, "before");
	for (size_t i = 0; i < PH_ARRAY_SIZE(names); i++) {
		char *pats[] = { (char *)names[i].comm };
		struct ph_selection sel = { .comm = { pats, 1, 1 } };
		struct ph_event ev = feed(id, OWN(task_rename), 0, v, NULL);

		assert_int_equal(ph_selection_match(&sel, id, &ev), names[i].selected);
	}
	ph_identity_free(id);
}

static void selection_none(void **state)
{
	char *pats[] = { (char *)"web-2" };
	struct ph_selection sel = { .container = { pats, 1, 1 } };
	const struct ph_container *all[] = { &host, &web };
	struct ph_err err = { 0 };

	(void)state;
	assert_int_equal(ph_selection_none(&sel, all, 2, &err), -ENOENT);
	assert_string_equal(err.msg, "--container web-2 matches none of 1 container; did you mean "
				     "'web-1'?; there is: web-1");
	assert_int_equal(ph_selection_none(&sel, all, 1, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "no container is there"));
}

/* By name, else by id; and no more than anybody reads. */
static void selection_listed(void **state)
{
	struct ph_container c[12] = { 0 };
	const struct ph_container *all[12];
	ph_autobuf text = { 0 };

	(void)state;
	for (uint32_t i = 0; i < PH_ARRAY_SIZE(c); i++) {
		c[i] = (struct ph_container){ .index = i + 1, .name = (char *)(i == 1 ? "" : "w"), .id = (char *)(i == 1 ? "pod-a" : "") };
		all[i] = &c[i];
	}
	ph_selection_list(all, 2, &text);
	assert_string_equal(text.p, "w (#1), pod-a (#2)");
	ph_buf_clear(&text);
	ph_selection_list(all, 10, &text);
	assert_non_null(strstr(text.p, ", w (#9), w (#10)"));
	assert_null(strstr(text.p, "more"));
	ph_buf_clear(&text);
	ph_selection_list(all, 12, &text);
	assert_non_null(strstr(text.p, ", w (#10) and 2 more"));
}

/* A label's text is its owner's: nothing in it is another label, nor after writing and reading. */
static void test_labels(void **state)
{
	static const char *const texts[] = { "a=x\nrole=db", "b=\n\n\tc\n", "plain=1", "\\n=\\", "\trole=db", "\n\tc=\t", "", "\n", "", "e=" };
	ph_strv in = { 0 }, out = { 0 };
	ph_autobuf b = { 0 };

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(texts); i++)
		*ph_vec_push(&in) = ph_strdup(texts[i]);
	ph_labels_join(&in, &b);
	assert_null(strstr(b.p, "\nrole=db"));
	ph_labels_split(b.p, b.len, &out);
	assert_int_equal(out.n, in.n);
	for (size_t i = 0; i < in.n; i++)
		assert_string_equal(out.v[i], in.v[i]);
	ph_strv_done(&in);
	ph_strv_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels),
		cmocka_unit_test(tasks_by_cpu), cmocka_unit_test(lost_events_end_attribution),
		cmocka_unit_test(pid_reuse), cmocka_unit_test(processes_end), cmocka_unit_test(processes_end_as_told),
		cmocka_unit_test(processes_end_after_first), cmocka_unit_test(exited_are_bounded),
		cmocka_unit_test(exec_by_non_leader),
		cmocka_unit_test(renamed), cmocka_unit_test(containers_told),
		cmocka_unit_test(contexts_beat_the_model), cmocka_unit_test(lttng_namespaces),
		cmocka_unit_test(lttng_inode_reuse), cmocka_unit_test(lttng_without_dump),
		cmocka_unit_test(lying_metadata), cmocka_unit_test(selection_of_containers),
		cmocka_unit_test(selection_values), cmocka_unit_test(selection_of_events),
		cmocka_unit_test(selection_of_children), cmocka_unit_test(selection_by_thread),
		cmocka_unit_test(selection_of_renames), cmocka_unit_test(selection_none),
		cmocka_unit_test(selection_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
