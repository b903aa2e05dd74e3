/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of each verdict of `why throttled`, from streams whose truth is known. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/throttle_report.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "source/synthetic.h"

#define MS 1000000ul

/* What there is at the beginning: container 1 "web" in a pod, container 2 "db"; cgroup v2, or v1's cpu hierarchy. */
struct setup {
	int hierarchy;
	long web_quota, pod_quota;	/* us, -1: none */
	unsigned long burst, web_weight, db_weight;
	const char *web_cpuset;
	long web_memory;		/* bytes, 0: no limit */
};

#define POD "/kubepods/pod11111111-2222-3333-4444-555555555555"

static void add_cgroups(struct ph_buf *b, const struct setup *s, unsigned long ns)
{
	const char *cpuset = s->web_cpuset ? s->web_cpuset : "0-1";

	ph_buf_addf(b, "@%lu statedump_cgroup hierarchy=%d id=1 container=0 cpu_quota_us=-1 cpu_period_us=100000 cpu_weight=100 "
		    "memory_max_bytes=-1 cpuset=0-1 path=/\n", ns, s->hierarchy);
	ph_buf_addf(b, "+0 statedump_cgroup hierarchy=%d id=10 parent_id=1 container=0 cpu_quota_us=-1 cpu_weight=%lu "
		    "cpu_period_us=100000 memory_max_bytes=-1 cpuset=0-1 path=/kubepods\n", s->hierarchy, s->web_weight);
	ph_buf_addf(b, "+0 statedump_cgroup hierarchy=%d id=11 parent_id=10 container=0 cpu_quota_us=%ld cpu_weight=%lu "
		    "cpu_period_us=100000 memory_max_bytes=-1 cpuset=0-1 path=" POD "\n", s->hierarchy, s->pod_quota, s->web_weight);
	ph_buf_addf(b, "+0 statedump_cgroup hierarchy=%d id=12 parent_id=11 container=1 cpu_quota_us=%ld cpu_weight=%lu "
		    "cpu_period_us=100000 cpu_burst_us=%lu memory_max_bytes=%ld cpuset=%s path=" POD "/web\n", s->hierarchy, s->web_quota,
		    s->web_weight, s->burst, s->web_memory ? s->web_memory : -1, cpuset);
	ph_buf_addf(b, "+0 statedump_cgroup hierarchy=%d id=13 parent_id=1 container=2 cpu_quota_us=-1 cpu_weight=%lu "
		    "cpu_period_us=100000 memory_max_bytes=-1 cpuset=0-1 path=/db\n", s->hierarchy, s->db_weight);
}

static void add_tasks(struct ph_buf *b)
{
	ph_buf_adds(b, "@0 container_info index=1 name=web cgroup_path=" POD "/web cgroup_id=12 "
		       "pod_uid=11111111-2222-3333-4444-555555555555\n"
		       "@0 container_info index=2 name=db cgroup_path=/db cgroup_id=13\n");
	for (int tid = 7; tid <= 8; tid++)
		ph_buf_addf(b, "@0 lttng_statedump_process_state tid=%d pid=7 name=nginx container=1 cgroup_id=12 status=5 syscall=-1\n",
			    tid);
	ph_buf_adds(b, "@0 lttng_statedump_process_state tid=20 pid=20 name=postgres container=2 cgroup_id=13 status=5 syscall=-1\n"
		       "@0 cpu=0 tid=0 irq_softirq_raise\n@0 cpu=1 tid=0 irq_softirq_raise\n"
		       "@1 cpu=0 tid=0 sched_waking tid=7 target_cpu=0\n@1 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n");
}

static void add_setup(struct ph_buf *b, const struct setup *s)
{
	add_cgroups(b, s, 0);
	add_tasks(b);
}

/* Ten periods, in each of which @tids run for 29 ms from its begin and are throttled then. */
static void add_throttled(struct ph_buf *b, int ntids, unsigned long limit, int level, unsigned long quota)
{
	for (unsigned long k = 0; k < 10; k++) {
		unsigned long t = 5 * MS + k * 100 * MS;

		for (int i = 0; i < ntids; i++) {
			int tid = 7 + i;

			ph_buf_addf(b, "@%lu cpu=%d tid=0 sched_switch prev_tid=0 next_tid=%d\n", t, i, tid);
			if (k)
				ph_buf_addf(b, "@%lu cpu=%d tid=%d sched_throttle_end tid=%d throttled_ns=%lu exact=1\n", t, i, tid,
					    tid, 71 * MS);
		}
		for (int i = 0; i < ntids; i++) {
			int tid = 7 + i;

			ph_buf_addf(b, "@%lu cpu=%d tid=%d sched_throttle_begin tid=%d cgroup_id=12 limit_cgroup_id=%lu "
				    "limit_level=%d quota_ns=%lu period_ns=%lu\n", t + 29 * MS, i, tid, tid, limit, level, quota * MS,
				    100 * MS);
			ph_buf_addf(b, "@%lu cpu=%d tid=%d sched_switch prev_tid=%d prev_state=0 next_tid=0\n", t + 29 * MS, i,
				    tid, tid);
		}
	}
}

static struct ph_throttle *analyse(const char *events, struct ph_identity **ret_id)
{
	struct ph_identity *id = ph_identity_new();
	struct ph_throttle *th = ph_throttle_new(id, NULL);
	struct ph_source *src;
	struct ph_err err = { 0 };
	struct ph_event *ev;

	if (ph_synthetic_parse(events, &src, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		fail();
	}
	while (ph_source_next(src, &ev, &err) > 0) {
		ph_identity_feed(id, ev);
		ph_throttle_feed(th, ev);
	}
	ph_throttle_finish(th, 1000 * MS);
	ph_source_close(src);
	*ret_id = id;
	return th;
}

/* The sentence about web. */
static void verdict(struct ph_buf *events, const char *want)
{
	struct ph_identity *id;
	struct ph_throttle *th = analyse(events->p, &id);
	ph_autobuf text = { 0 };

	ph_vec_each(g, &th->containers) {
		const struct ph_division *d = &(*g)->t;

		/* Without remainder. */
		assert_int_equal(ph_division_ran(d) + d->steal_ns + d->own_ns + d->above_ns + d->wait_ns + d->frozen_ns +
				 d->stopped_ns + d->unknown_ns + ph_division_blocked(d), d->total_ns);
		if ((*g)->container == 1)
			ph_throttle_verdict(th, *g, &text);
	}
	assert_string_equal(text.p ? text.p : "", want);
	ph_throttle_free(th);
	ph_identity_free(id);
	ph_buf_done(events);
}

static const struct setup plain = { .web_quota = -1, .pod_quota = -1, .web_weight = 100, .db_weight = 100 };

static void test_own_limit(void **state)
{
	struct setup s = plain;
	struct ph_buf b = { 0 };

	s.web_quota = 30000;
	add_setup(&b, &s);
	add_throttled(&b, 1, 12, 0, 30);
	verdict(&b, "web was throttled 70 % of the time: its own limit of 0.3 CPU (cpu.max 30000 100000 at " POD "/web) ran out in "
		"8 of 8 periods, 29 ms into each. The demand comes from one thread at a time; 1 CPU would remove 95 % of it.");
	s.burst = 20000;
	add_setup(&b, &s);
	add_throttled(&b, 1, 12, 0, 30);
	verdict(&b, "web was throttled 70 % of the time: its own limit of 0.3 CPU (cpu.max 30000 100000, cpu.max.burst 20000 at "
		POD "/web) ran out in 8 of 8 periods, 29 ms into each. The demand comes from one thread at a time; 1 CPU would "
		"remove 95 % of it.");
	s.hierarchy = 3;
	add_setup(&b, &s);
	add_throttled(&b, 1, 12, 0, 30);
	verdict(&b, "web was throttled 70 % of the time: its own limit of 0.3 CPU (cpu.cfs_quota_us 30000 of cpu.cfs_period_us "
		"100000, cpu.cfs_burst_us 20000 at " POD "/web) ran out in 8 of 8 periods, 29 ms into each. The demand comes from "
		"one thread at a time; 1 CPU would remove 95 % of it.");
}

/* The state dump comes to the cgroups when the limit has run out already: it is still one limit. */
static void test_before_the_dump(void **state)
{
	struct setup s = plain;
	ph_autobuf b = { 0 };
	struct ph_buf late = { 0 };
	char *rest;

	s.web_quota = 30000;
	add_throttled(&b, 1, 12, 0, 30);
	rest = strstr(b.p, "@305000000 ");
	assert_non_null(rest);
	for (s.hierarchy = 0; s.hierarchy <= 3; s.hierarchy += 3) {
		ph_autobuf want = { 0 };

		add_tasks(&late);
		ph_buf_add(&late, b.p, (size_t)(rest - b.p));
		/* Of the same number, in another hierarchy. */
		if (s.hierarchy)
			ph_buf_adds(&late, "@304000000 statedump_cgroup hierarchy=2 id=12 container=0 cpu_quota_us=-1 path=/other\n");
		add_cgroups(&late, &s, 304000000);
		ph_buf_adds(&late, rest);
		ph_buf_addf(&want, "web was throttled 70 %% of the time: its own limit of 0.3 CPU (%s at " POD "/web) ran out in 8 "
			    "of 8 periods, 29 ms into each. The demand comes from one thread at a time; 1 CPU would remove 95 %% "
			    "of it.", s.hierarchy ? "cpu.cfs_quota_us 30000 of cpu.cfs_period_us 100000" : "cpu.max 30000 100000");
		verdict(&late, want.p);
	}
}

static void test_pods_limit(void **state)
{
	struct setup s = plain;
	struct ph_buf b = { 0 };

	s.pod_quota = 60000;
	add_setup(&b, &s);
	add_throttled(&b, 2, 11, 1, 60);
	verdict(&b, "web was throttled 70 % of the time: its pod's limit of 0.6 CPU (cpu.max 60000 100000 at " POD ") ran out in "
		"8 of 8 periods, 29 ms into each; the container's own cpu.stat shows 0, because the limit is not on its cgroup. "
		"The demand comes from 2 threads at once; 2 CPUs would remove 95 % of it.");
	add_setup(&b, &s);
	add_throttled(&b, 1, 10, 2, 60);
	verdict(&b, "web was throttled 70 % of the time: the limit of a cgroup 2 levels above of 0.6 CPU (cpu.max 60000 100000 at "
		"/kubepods) ran out in 8 of 8 periods, 29 ms into each; the container's own cpu.stat shows 0, because the limit is "
		"not on its cgroup. The demand comes from one thread at a time; 1 CPU would remove 95 % of it.");
}

/* After five periods its limit is another one: each is blamed for what it did. */
static void test_changed_limit(void **state)
{
	struct setup s = plain;
	struct ph_identity *id;
	struct ph_throttle *th;
	ph_autobuf b = { 0 };
	ph_autobuf text = { 0 };

	uint64_t counted = 0;
	size_t compared = 0;

	s.web_quota = 30000;
	add_setup(&b, &s);
	ph_buf_addf(&b, "@%lu cgroup_stat hierarchy=0 id=12 throttled_ns=0 nr_periods=0 nr_throttled=0\n", 2 * MS);
	for (unsigned long k = 0; k < 10; k++) {
		unsigned long t = 5 * MS + k * 100 * MS;

		if (k == 5)
			ph_buf_addf(&b, "@%lu statedump_cgroup hierarchy=0 id=12 parent_id=11 container=1 cpu_quota_us=60000 "
				    "cpu_period_us=100000 cpu_burst_us=7 path=" POD "/web\n", t - MS);
		ph_buf_addf(&b, "@%lu cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n", t);
		if (k)
			ph_buf_addf(&b, "@%lu cpu=0 tid=7 sched_throttle_end tid=7 throttled_ns=%lu exact=1\n", t, 71 * MS);
		ph_buf_addf(&b, "@%lu cpu=0 tid=7 sched_throttle_begin tid=7 cgroup_id=12 limit_cgroup_id=12 limit_level=0 quota_ns=%lu "
			    "period_ns=%lu\n", t + 29 * MS, (k < 5 ? 30 : 60) * MS, 100 * MS);
		ph_buf_addf(&b, "@%lu cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=0\n", t + 29 * MS);
	}
	ph_buf_addf(&b, "@%lu cgroup_stat hierarchy=0 id=12 throttled_ns=%lu nr_periods=10 nr_throttled=9\n", 990 * MS, 9 * 71 * MS);
	th = analyse(b.p, &id);
	assert_int_equal(th->limits.n, 2);
	ph_vec_each(at, &th->limits) {
		struct ph_throttle_limit *l = *at;

		/* The kernel counts for the cgroup, whatever its limit is: once, and all that we saw. */
		compared += l->kernel_ns != 0;
		counted += l->counted_ns;
		assert_true(l->kernel_ns || !l->counted_ns);

		assert_int_equal(l->cgroup->id, 12);
		assert_true(l->changed);
		assert_int_equal(l->burst_ns, l->quota_ns == 60 * MS ? 7000 : 0);
		assert_int_equal(l->nran_out, l->quota_ns == 60 * MS ? 3 : 4);
	}
	assert_int_equal(compared, 1);
	assert_int_equal(counted, 9 * 71 * MS + 56 * MS);	/* the tenth is cut there */
	ph_throttle_verdict(th, th->containers.v[0], &text);
	assert_non_null(strstr(text.p, "because its own limit of 0.3 CPU (cpu.max 30000 100000 at "));
	assert_non_null(strstr(text.p, "because its own limit of 0.6 CPU (cpu.max 60000 100000, cpu.max.burst 7 at "));
	ph_throttle_free(th);
	ph_identity_free(id);
}

/* What runs after a limit was taken away runs in none of its periods, though whom it held up goes on a moment later. */
static void test_limit_taken_away(void **state)
{
	struct setup s = plain;
	struct ph_identity *id;
	struct ph_throttle *th;
	ph_autobuf b = { 0 };

	s.web_quota = 30000;
	add_setup(&b, &s);
	for (unsigned long k = 0; k < 10; k++) {
		unsigned long t = 5 * MS + k * 100 * MS;

		if (k == 5)
			ph_buf_addf(&b, "@%lu statedump_cgroup hierarchy=0 id=12 parent_id=11 container=1 cpu_quota_us=-1 path=" POD "/web\n", t - MS);
		ph_buf_addf(&b, "@%lu cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n", t);
		if (k && k <= 5)
			ph_buf_addf(&b, "@%lu cpu=0 tid=7 sched_throttle_end tid=7 throttled_ns=%lu exact=1\n", t, 71 * MS);
		if (k < 5)
			ph_buf_addf(&b, "@%lu cpu=0 tid=7 sched_throttle_begin tid=7 cgroup_id=12 limit_cgroup_id=12 limit_level=0 quota_ns=%lu "
				    "period_ns=%lu\n", t + 29 * MS, 30 * MS, 100 * MS);
		ph_buf_addf(&b, "@%lu cpu=0 tid=7 sched_switch prev_tid=7 prev_state=%d next_tid=0\n", t + 29 * MS, k >= 5);
	}
	th = analyse(b.p, &id);
	assert_int_equal(th->limits.n, 1);
	assert_int_equal(th->limits.v[0]->nperiods, 4);		/* the first has no known begin */
	assert_int_equal(th->limits.v[0]->nran_out, 4);
	ph_throttle_free(th);
	ph_identity_free(id);
}

/* The first five periods its own limit is out, then its pod's. */
static void test_both_limits(void **state)
{
	struct setup s = plain;
	struct ph_buf b = { 0 };

	s.web_quota = 30000;
	s.pod_quota = 60000;
	for (s.hierarchy = 0; s.hierarchy <= 3; s.hierarchy += 3) {
		ph_autobuf want = { 0 };

		add_setup(&b, &s);
		for (unsigned long k = 0; k < 10; k++) {
			unsigned long t = 5 * MS + k * 100 * MS;

			ph_buf_addf(&b, "@%lu cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n", t);
			if (k)
				ph_buf_addf(&b, "@%lu cpu=0 tid=7 sched_throttle_end tid=7 throttled_ns=%lu exact=1\n", t, 71 * MS);
			ph_buf_addf(&b, "@%lu cpu=0 tid=7 sched_throttle_begin tid=7 cgroup_id=12 limit_cgroup_id=%d limit_level=%d "
				    "quota_ns=%lu period_ns=%lu\n", t + 29 * MS, k < 5 ? 12 : 11, k >= 5, (k < 5 ? 30 : 60) * MS,
				    100 * MS);
			ph_buf_addf(&b, "@%lu cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=0\n", t + 29 * MS);
		}
		ph_buf_addf(&want, "web was throttled 70 %% of the time: 50 %% of that because its own limit of 0.3 CPU (%s at " POD
			    "/web) ran out in 4 of 8 periods, 29 ms into each. The demand comes from one thread at a time; 1 CPU "
			    "would remove 95 %% of it. 50 %% of that because its pod's limit of 0.6 CPU (%s at " POD ") ran out in 3 "
			    "of 3 periods, 29 ms into each. The demand comes from one thread at a time; 0.9 CPU would remove 95 %% of "
			    "it.", s.hierarchy ? "cpu.cfs_quota_us 30000 of cpu.cfs_period_us 100000" : "cpu.max 30000 100000",
			    s.hierarchy ? "cpu.cfs_quota_us 60000 of cpu.cfs_period_us 100000" : "cpu.max 60000 100000");
		verdict(&b, want.p);
	}
}

/* web waits on CPU 0 while db runs there. */
static void add_waiting(struct ph_buf *b)
{
	ph_buf_addf(b, "@%lu cpu=0 tid=0 sched_switch prev_tid=0 next_tid=20\n", 2ul);
	ph_buf_addf(b, "@%lu cpu=0 tid=20 sched_switch prev_tid=20 prev_state=0 next_tid=7\n", 800 * MS);
}

static void test_waited(void **state)
{
	struct setup s = plain;
	struct ph_buf b = { 0 };

	add_setup(&b, &s);
	/* The other CPU is busy too. */
	ph_buf_adds(&b, "@2 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=99\n");
	add_waiting(&b);
	verdict(&b, "web was not throttled: it waited 80 % of the time that it wanted to run, for CPUs that db (100 %) used. "
		"There were too few CPUs for all (2).");
	s.web_weight = 1;
	add_setup(&b, &s);
	add_waiting(&b);
	verdict(&b, "web was not throttled: it waited 80 % of the time that it wanted to run, for CPUs that db (100 %) used. "
		"Weights made it so (cpu.weight 1 : 100).");
	s.hierarchy = 3;
	s.web_weight = 2;
	s.db_weight = 1024;
	add_setup(&b, &s);
	add_waiting(&b);
	verdict(&b, "web was not throttled: it waited 80 % of the time that it wanted to run, for CPUs that db (100 %) used. "
		"Weights made it so (cpu.shares 2 : 1024).");
	s = plain;
	s.web_cpuset = "0";
	add_setup(&b, &s);
	add_waiting(&b);
	verdict(&b, "web was not throttled: it waited 80 % of the time that it wanted to run, for CPUs that db (100 %) used. "
		"Its cpuset made it so: it may use CPUs 0 of 0-1, and in 100 % of that time another CPU was idle.");
}

/* Throttled, and besides a thread waits; neighbours of each kind. */
static void test_waited_besides(void **state)
{
	struct setup s = plain;
	struct ph_buf b = { 0 };

	s.web_quota = 30000;
	add_setup(&b, &s);
	ph_buf_adds(&b, "@2 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=20\n@3 cpu=1 tid=20 sched_wakeup tid=8 target_cpu=1\n");
	add_throttled(&b, 1, 12, 0, 30);
	verdict(&b, "web was throttled 70 % of the time: its own limit of 0.3 CPU (cpu.max 30000 100000 at " POD "/web) ran out in "
		"8 of 8 periods, 29 ms into each. The demand comes from one thread at a time; 1 CPU would remove 95 % of it. Besides, "
		"it waited 50 % of the time that it wanted to run, for CPUs that db (100 %) used. In 71 % of that time a CPU was idle: "
		"its threads are bound to CPUs, or the scheduler had not moved them yet.");
	/* Another thread of its own. */
	add_setup(&b, &plain);
	ph_buf_adds(&b, "@2 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n@3 cpu=0 tid=7 sched_wakeup tid=8 target_cpu=0\n");
	verdict(&b, "web was not throttled: it waited 50 % of the time that it wanted to run, for CPUs that its own other tasks "
		"(100 %) used.");
	/* The host's tasks by name; and what nobody ran. */
	add_setup(&b, &plain);
	ph_buf_adds(&b, "@1 lttng_statedump_process_state tid=30 pid=30 name=kworker/0:1 container=0 status=5 type=1 syscall=-1\n"
			"@2 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=30 next_comm=kworker/0:1\n");
	ph_buf_addf(&b, "@%lu cpu=0 tid=30 sched_switch prev_tid=30 prev_comm=kworker/0:1 prev_state=1 next_tid=0\n", 600 * MS);
	ph_buf_addf(&b, "@%lu cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n", 800 * MS);
	verdict(&b, "web was not throttled: it waited 80 % of the time that it wanted to run, for CPUs that kworker on the host "
		"(75 %), nobody (the CPU had not turned to it yet) (25 %) used. In 100 % of that time a CPU was idle: its threads "
		"are bound to CPUs, or the scheduler had not moved them yet.");
}

static void test_other_verdicts(void **state)
{
	static const struct { const char *events, *want; } cases[] = {
		{ "@100000000 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		  "@900000000 cpu=0 tid=7 cpu_steal steal_ns=200000000\n",
		  "web was not throttled: the hypervisor took its CPUs away for 20 % of the time that it wanted to run. That is "
		  "decided outside of this machine." },
		{ "@2 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		  "@100000000 cpu=1 tid=0 container_pause index=1\n"
		  "@100000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n",
		  "web was not throttled: it was frozen (paused) for 95 % of the time that its tasks were not idle." },
		{ "@2 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		  "@100000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=4 next_tid=0\n",
		  "web was not throttled: tasks of it were stopped by a signal or a debugger for 900 ms." },
		{ "@2 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		  "@3 cpu=0 tid=7 syscall_entry_fsync\n"
		  "@200000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=2 next_tid=0\n",
		  "web was not throttled: its tasks waited 80 % of the time for the disk." },
		{ "@1 lttng_statedump_block_device dev=264241152 diskname=vda\n"
		  "@2 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		  "@3 cpu=0 tid=7 sched_block tid=7 nr=fsync fd=3 state=2\n@4 cpu=0 tid=7 block_rq_issue dev=264241152\n"
		  "@200000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=2 next_tid=0\n",
		  "web was not throttled: its tasks waited 80 % of the time for the disk vda." },
		{ "@2 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		  "@3 cpu=0 tid=7 sched_block tid=7 nr=-1 fd=-1 state=2\n@4 cpu=0 tid=7 block_rq_issue dev=8388609\n"
		  "@200000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=2 next_tid=0\n",
		  "web was not throttled: its tasks waited 80 % of the time for page faults from 8:1." },
		{ "@2 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n@3 cpu=0 tid=7 mm_vmscan_memcg_reclaim_begin\n"
		  "@200000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=2 next_tid=0\n",
		  "web was not throttled: its tasks waited 80 % of the time to reclaim memory under its limit of 64 MiB (memory.max at "
		  POD "/web)." },
		{ "@2 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n@3 cpu=0 tid=7 mm_vmscan_direct_reclaim_begin\n"
		  "@200000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=2 next_tid=0\n",
		  "web was not throttled: its tasks waited 80 % of the time to reclaim memory." },
		/* The freezer of v1, told by the task that enters it. */
		{ "@2 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		  "@100000000 cpu=0 tid=7 sched_block tid=7 nr=-1 fd=-1 state=32770\n"
		  "@100000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=2 next_tid=0\n"
		  "@300000000 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n"
		  "@300000000 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		  "@900000000 cpu=0 tid=7 sched_block tid=7 nr=nanosleep fd=-1 state=1\n"
		  "@900000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n",
		  "web was not throttled: it was frozen (paused) for 22 % of the time that its tasks were not idle." },
		{ "@2 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n",
		  "web was not throttled nor kept waiting: it ran 1 s, 100 % of the time that it wanted to." },
		{ "@2 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		  "@10 cpu=0 tid=7 syscall_entry_epoll_wait\n"
		  "@100 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n",
		  "web was not throttled: it was idle." },
	};

	struct setup s = plain;

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		struct ph_buf b = { 0 };

		s.web_memory = strstr(cases[i].want, "limit of 64") ? 64 << 20 : 0;
		add_setup(&b, &s);
		ph_buf_adds(&b, cases[i].events);
		/* web's wake-up is part of the setup: it waits from then until it runs. */
		verdict(&b, cases[i].want);
	}
}

/* What each kind of wait is called, with what it was for and who ended it. */
static void test_blocked_on(void **state)
{
	/* nginx (7, of web) waits, and is woken in the middle of the interval. */
	static const struct { const char *block, *waker, *want; } cases[] = {
		{ "nr=read fd=3 mode=4096", "tid=20", "pipe, woken by postgres in db" },
		{ "nr=read fd=3 mode=4096", "tid=8", "pipe, woken by nginx" },
		{ "nr=read fd=3 mode=4096", "tid=30", "pipe, woken by sshd on the host" },
		{ "nr=read fd=3 mode=4096", "tid=0", "pipe" },
		{ "nr=futex fd=-1", "tid=8", "futex, woken by nginx" },
		{ "nr=wait4 fd=-1", "tid=20", "child, woken by postgres in db" },
		{ "nr=recvfrom fd=3 mode=49152 family=1 peer_ino=5", "tid=20", "socket, Unix, woken by postgres in db" },
		{ "nr=recvfrom fd=3 mode=49152 family=2 sport=40000 dport=5432 daddr=0a000005", "tid=20", "socket 10.0.0.5:5432" },
		{ "nr=recvfrom fd=3 mode=49152 family=2 sport=40000 dport=5432 daddr=7f000001", "tid=20",
		  "socket 127.0.0.1:5432, woken by postgres in db" },
		{ "nr=recvfrom fd=3 mode=49152 family=10 sport=40000 dport=443 daddr=20010db8000000000000000000000001", "tid=20",
		  "socket [2001:db8::1]:443" },
		{ "nr=recvfrom fd=3 mode=49152 family=2 sport=80 dport=40000 daddr=0a000005", "tid=20", "socket, clients of port 80" },
		{ "nr=fsync fd=3 mode=32768 dev=7 state=2", "tid=0", "disk ext4 0:7" },
		{ "nr=nanosleep fd=-1", "tid=20", "timer" },
		{ "nr=epoll_wait fd=-1", "tid=20", "poll" },
		{ "nr=-1 fd=-1 state=2", "tid=20", "page faults" },
		{ "nr=pause fd=-1", "tid=8", "signal, woken by nginx" },
		{ "nr=flock fd=3 mode=32768", "tid=8", "kernel or file lock, woken by nginx" },
		{ "nr=read fd=3 mode=8192", "tid=8", "terminal or character device" },
		{ "nr=getpid fd=-1", "tid=8", "what is not known" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		ph_autobuf b = { 0 }, text = { 0 };
		struct ph_identity *id;
		struct ph_throttle *th;

		add_setup(&b, &plain);
		ph_buf_adds(&b, "@1 statedump_mount dev=7 fstype=ext4 mountpoint=/data\n"
				"@1 lttng_statedump_process_state tid=30 pid=30 name=sshd container=0 status=5 syscall=-1\n"
				"@2 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n");
		ph_buf_addf(&b, "@3 cpu=0 tid=7 sched_block tid=7 %s%s\n", strstr(cases[i].block, "state=") ? "" : "state=1 ",
			    cases[i].block);
		ph_buf_addf(&b, "@4 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=%d next_tid=0\n",
			    strstr(cases[i].block, "state=2") ? 2 : 1);
		if (strcmp(cases[i].waker, "tid=0"))
			ph_buf_addf(&b, "@6 cpu=1 tid=0 sched_switch prev_tid=0 next_%s next_comm=%s\n", cases[i].waker,
				    !strcmp(cases[i].waker, "tid=20") ? "postgres" : !strcmp(cases[i].waker, "tid=8") ? "nginx" : "sshd");
		ph_buf_addf(&b, "@500000001 cpu=1 %s container=%d sched_waking tid=7 target_cpu=0\n", cases[i].waker,
			    !strcmp(cases[i].waker, "tid=20") ? 2 : !strcmp(cases[i].waker, "tid=8"));
		ph_buf_adds(&b, "@500000002 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n"
				"@500000002 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n");
		th = analyse(b.p, &id);
		ph_vec_each(g, &th->containers) {
			uint64_t sum = 0;

			ph_vec_each(w, &(*g)->waits)
				sum += w->ns;
			assert_int_equal(sum, ph_division_blocked(&(*g)->t));
			/* The other thread of nginx sleeps all the time, nobody knows where. */
			ph_vec_each(w, &(*g)->waits)
				if ((*g)->container == 1 && w->ns < 600 * MS && w->ns > 400 * MS)
					ph_throttle_wait_text(th, *g, &w->key, &text);
		}
		assert_string_equal(text.p ? text.p : "", cases[i].want);
		ph_throttle_free(th);
		ph_identity_free(id);
	}
}

static void add_up(struct ph_division *sum, struct ph_throttle_group *const *v, size_t n)
{
	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < n; i++) {
		const uint64_t *part = (const uint64_t *)&v[i]->t;

		for (size_t k = 0; k < sizeof(*sum) / sizeof(*part); k++)
			((uint64_t *)sum)[k] += part[k];
	}
}

/* By container, by cgroup, by task and by pod it is the same time; also where ended tasks are too many to be kept. */
static void test_divisions_agree(void **state)
{
	struct setup s = plain;
	ph_autobuf b = { 0 }, name = { 0 };
	struct ph_division by_container, by_cgroup, by_task, by_pod;
	struct ph_identity *id = ph_identity_new();
	struct ph_throttle *th = ph_throttle_new(id, NULL);
	struct ph_source *src;
	struct ph_err err = { 0 };
	struct ph_event *ev;

	s.web_quota = 30000;
	add_setup(&b, &s);
	add_throttled(&b, 2, 12, 0, 30);
	ph_buf_addf(&b, "@%lu cpu=0 tid=0 sched_switch prev_tid=0 next_tid=20\n", 955 * MS);
	for (unsigned long i = 0; i < 6000; i++) {
		unsigned long t = 960 * MS + i * 1000;

		ph_buf_addf(&b, "@%lu cpu=0 tid=20 sched_process_fork parent_tid=20 parent_pid=20 child_tid=%lu child_pid=%lu "
			    "child_container=1\n", t, 1000 + i, 1000 + i);
		ph_buf_addf(&b, "@%lu cpu=0 tid=20 sched_wakeup_new tid=%lu target_cpu=1\n", t + 100, 1000 + i);
		ph_buf_addf(&b, "@%lu cpu=1 tid=0 sched_switch prev_tid=0 next_tid=%lu\n", t + 200, 1000 + i);
		ph_buf_addf(&b, "@%lu cpu=1 tid=%lu sched_process_exit tid=%lu\n", t + 500, 1000 + i, 1000 + i);
		ph_buf_addf(&b, "@%lu cpu=1 tid=%lu sched_switch prev_tid=%lu prev_state=32 next_tid=0\n", t + 600, 1000 + i,
			    1000 + i);
	}
	th->by_cgroup = true;
	assert_int_equal(ph_synthetic_parse(b.p, &src, &err), 0);
	while (ph_source_next(src, &ev, &err) > 0) {
		ph_identity_feed(id, ev);
		ph_throttle_feed(th, ev);
	}
	ph_throttle_finish(th, 1000 * MS);
	add_up(&by_container, th->containers.v, th->containers.n);
	add_up(&by_cgroup, th->cgroups_of.v, th->cgroups_of.n);
	add_up(&by_task, th->tasks.v, th->tasks.n);
	assert_memory_equal(&by_container, &by_cgroup, sizeof(by_container));
	assert_memory_equal(&by_container, &by_task, sizeof(by_container));
	/* Two threads and a neighbour all the time, and the short ones 600 ns each; none of it unknown. */
	assert_int_equal(by_container.total_ns, 3 * 1000 * MS + 6000 * 600);
	assert_int_equal(by_container.own_ns + by_container.above_ns, 2 * (9 * 71 + 66) * MS);
	assert_int_equal(th->pods.n, 1);
	assert_string_equal(th->pods.v[0]->pod, "11111111-2222-3333-4444-555555555555");
	ph_vec_each(g, &th->containers) {
		if ((*g)->container != 1)
			continue;
		add_up(&by_container, g, 1);
		add_up(&by_pod, th->pods.v, 1);
		assert_memory_equal(&by_container, &by_pod, sizeof(by_pod));
		assert_int_equal((*g)->ntasks, 6002);
		assert_int_equal(th->pods.v[0]->ntasks, 6002);
	}
	assert_true(th->tasks.n < 6000);
	ph_throttle_name(th, th->tasks.v[th->tasks.n - 1], &name);
	assert_non_null(strstr(name.p, " tasks that ended"));
	ph_source_close(src);
	ph_throttle_free(th);
	ph_identity_free(id);
}

/* The events that are shown are those that figures of web come from, and no others. */
static void test_concerns(void **state)
{
	static const struct { const char *event; bool want; } cases[] = {
		{ "cpu=0 tid=20 sched_switch prev_tid=20 next_tid=7", true },
		{ "cpu=0 tid=7 sched_switch prev_tid=7 next_tid=20", true },
		{ "cpu=0 tid=20 sched_switch prev_tid=20 next_tid=0", false },
		{ "cpu=0 tid=20 sched_wakeup tid=7 target_cpu=0", true },
		{ "cpu=0 tid=7 sched_wakeup tid=20 target_cpu=0", false },
		{ "cpu=0 tid=20 sched_migrate_task tid=8 dest_cpu=1", true },
		{ "cpu=0 tid=20 sched_throttle_begin tid=7 limit_cgroup_id=11 quota_ns=1 period_ns=2", true },
		{ "cpu=0 tid=20 sched_throttle_end tid=20", false },
		{ "cpu=0 tid=20 sched_limit_begin cgroup_id=12 on_cpu=0 begin_ns=0", true },
		{ "cpu=0 tid=20 sched_limit_begin cgroup_id=11 on_cpu=0 begin_ns=0", true },
		{ "cpu=0 tid=20 sched_limit_end cgroup_id=10 on_cpu=0", true },
		{ "cpu=0 tid=20 sched_limit_begin cgroup_id=13 on_cpu=0 begin_ns=0", false },
		{ "cpu=0 tid=7 sched_block tid=7 nr=read", true },
		{ "cpu=0 tid=7 cpu_steal steal_ns=5", true },
		{ "cpu=0 tid=20 cpu_steal steal_ns=5", false },
		{ "cpu=0 tid=0 container_pause index=1", true },
		{ "cpu=0 tid=0 container_unpause index=2", false },
		{ "cpu=0 tid=7 mm_vmscan_memcg_reclaim_begin", true },
		{ "cpu=0 tid=20 block_rq_issue dev=1", false },
		{ "cpu=0 tid=7 syscall_entry_read", false },
		{ "cpu=0 tid=7 irq_softirq_entry", false },
		{ "cpu=0 tid=7 events_discarded count=1", true },
	};
	struct ph_selection sel = { 0 };

	ph_strv_add(&sel.container, "web");
	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		struct ph_identity *id = ph_identity_new();
		struct ph_throttle *th = ph_throttle_new(id, &sel);
		ph_autobuf b = { 0 };
		struct ph_source *src;
		struct ph_err err = { 0 };
		struct ph_event *ev;
		bool last = false;

		add_setup(&b, &plain);
		ph_buf_addf(&b, "@1000 %s\n", cases[i].event);
		if (ph_synthetic_parse(b.p, &src, &err) < 0)
			fail_msg("%s", err.msg);
		while (ph_source_next(src, &ev, &err) > 0) {
			ph_identity_feed(id, ev);
			ph_throttle_feed(th, ev);
			last = ph_throttle_concerns(th, ev);
		}
		if (last != cases[i].want)
			fail_msg("%s", cases[i].event);
		ph_source_close(src);
		ph_throttle_free(th);
		ph_identity_free(id);
	}
	ph_strv_done(&sel.container);
}

static void test_notes(void **state)
{
	static const struct { const char *events, *want; } cases[] = {
		{ "@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n@100 cpu=0 tid=7 sched_wakeup tid=9\n"
		  "@200 cpu=0 events_discarded count=5 begin_ns=200 end_ns=1200 gap_cpu=0\n@2000 cgroup_stat id=1\n@2000 cgroup_mkdir id=5 path=/x\n",
		  "5 events were lost in 1 gap, 1 us long together: what tasks did then is counted as unknown" },
		{ "@100 cpu=0 tid=7 signal_deliver\n",
		  "there are no sched_switch events: nothing can be said of the time (record with -e sched)" },
		{ "@100 cgroup_mkdir id=5 path=/x\n@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		  "@200 cpu=0 tid=8 sched_switch prev_tid=8 next_tid=7\n@300 cpu=0 tid=7 sched_wakeup tid=9\n",
		  "only selected tasks were recorded: who else ran while they waited is known only in part, and whether CPUs were "
		  "idle (record with -a)" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		struct ph_identity *id;
		struct ph_throttle *th = analyse(cases[i].events, &id);
		ph_autobuf text = { 0 };

		assert_true(ph_throttle_note(th, 0, &text));
		assert_string_equal(text.p, cases[i].want);
		assert_false(ph_throttle_note(th, 1, &text));
		ph_throttle_free(th);
		ph_identity_free(id);
	}
}

/* The kernel's ticks divide what the stream does not. */
static void test_modes_by_ticks(void **state)
{
	struct ph_identity *id;
	struct ph_throttle *th = analyse(
		"@0 lttng_statedump_process_state tid=7 pid=7 status=5 syscall=-1\n@0 task_times tid=7 utime_ns=100 stime_ns=100\n"
		"@1000000 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		"@999000000 cpu=0 task_times tid=7 utime_ns=400 stime_ns=200\n", &id);

	assert_int_equal(th->tasks.n, 1);
	assert_int_equal(th->tasks.v[0]->t.user_ns, 749250000);
	assert_int_equal(th->tasks.v[0]->t.kernel_ns, 249750000);
	assert_int_equal(th->tasks.v[0]->t.modeless_ns, 0);
	ph_throttle_free(th);
	ph_identity_free(id);
}

/* Beside the kernel's counters stands what ran between their first and last reading, here and below. */
static void test_ran_meanwhile(void **state)
{
	static const struct { unsigned long at; const char *event; } events[] = {
		{ 10, "cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7" },
		{ 20, "cgroup_stat hierarchy=0 id=12 usage_ns=1000" }, { 20, "cgroup_stat hierarchy=0 id=11 usage_ns=1000" },
		{ 50, "cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=20" },
		{ 60, "cpu=0 tid=20 sched_switch prev_tid=20 prev_state=1 next_tid=7" },
		{ 70, "cgroup_stat hierarchy=0 id=12 usage_ns=40001000" }, { 70, "cgroup_stat hierarchy=0 id=11 usage_ns=40001000" },
		{ 90, "cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0" },
		{ 95, "cgroup_stat hierarchy=0 id=11 usage_ns=60001000" },
		{ 100, "cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7" },
		{ 110, "cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0" },
	};
	ph_autobuf b = { 0 };
	struct ph_identity *id;
	struct ph_throttle *th;

	add_setup(&b, &plain);
	for (size_t i = 0; i < PH_ARRAY_SIZE(events); i++)
		ph_buf_addf(&b, "@%lu %s\n", events[i].at * MS, events[i].event);
	th = analyse(b.p, &id);
	assert_int_equal(ph_cgtree_get(th->cgroups, 0, 12)->ran_ns, 40 * MS);
	assert_int_equal(ph_cgtree_get(th->cgroups, 0, 11)->ran_ns, 60 * MS);
	assert_int_equal(ph_cgtree_get(th->cgroups, 0, 13)->ran_ns, 0);
	ph_throttle_free(th);
	ph_identity_free(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_limit), cmocka_unit_test(test_before_the_dump),
		cmocka_unit_test(test_pods_limit),
		cmocka_unit_test(test_changed_limit),
		cmocka_unit_test(test_limit_taken_away),
		cmocka_unit_test(test_both_limits),
		cmocka_unit_test(test_waited),
		cmocka_unit_test(test_waited_besides),
		cmocka_unit_test(test_other_verdicts),
		cmocka_unit_test(test_blocked_on),
		cmocka_unit_test(test_divisions_agree),
		cmocka_unit_test(test_concerns),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_modes_by_ticks),
		cmocka_unit_test(test_ran_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
