/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams of which it is known, by hand, what would have been under other limits. */
#include "test.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/whatif_report.h"
#include "base/cleanup.h"
#include "export/export.h"
#include "source/synthetic.h"

#define MS 1000000ULL

/*
 * Containers 1 "web" with task 7 in /pod/web, 2 "db" with 20; both asleep. Times are in ms, but for what begins with 0.
 * Ticks are each 4 ms; periods are not known, so one ends 26.8, 40.4, 50, 83.6 or 97.2 ms after web begins.
 */
static const char setup[] =
	"@0 container_info index=1 name=web cgroup_path=/pod/web cgroup_id=12\n"
	"@0 container_info index=2 name=db cgroup_path=/db cgroup_id=13\n"
	"@0 statedump_cgroup hierarchy=0 id=1 container=0 cpu_quota_us=-1 path=/\n"
	"@0 statedump_cgroup hierarchy=0 id=11 parent_id=1 container=0 cpu_quota_us=-1 cpu_weight=100 path=/pod\n"
	"@0 statedump_cgroup hierarchy=0 id=12 parent_id=11 container=1 cpu_quota_us=-1 cpu_weight=100 path=/pod/web\n"
	"@0 statedump_cgroup hierarchy=0 id=13 parent_id=1 container=2 cpu_quota_us=-1 cpu_weight=100 path=/db\n"
	"@0 lttng_statedump_process_state tid=7 pid=7 name=nginx container=1 cgroup_id=12 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=20 pid=20 name=postgres container=2 cgroup_id=13 status=5 syscall=-1\n"
	"@1 cpu=0 tid=0 irq_softirq_entry vec=9\n@1 cpu=0 tid=0 irq_softirq_exit vec=9\n"
	"@1 cpu=1 tid=0 irq_softirq_entry vec=9\n@1 cpu=1 tid=0 irq_softirq_exit vec=9\n";

#define RUN(time, cpu, prev, state, next) "@" #time "000000 cpu=" #cpu " tid=" #prev " sched_switch prev_tid=" #prev \
	" prev_state=" #state " next_tid=" #next "\n"
#define WAKE(time, cpu, waker, task, to) "@" #time "000000 cpu=" #cpu " tid=" #waker " sched_waking tid=" #task \
	" target_cpu=" #to "\n@" #time "000000 cpu=" #cpu " tid=" #waker " sched_wakeup tid=" #task " target_cpu=" #to "\n"
#define TIMER(time, cpu, task, what) "@" #time "000000 cpu=" #cpu " tid=" #task " timer_hrtimer_expire_entry\n" what \
	"@" #time "000000 cpu=" #cpu " tid=" #task " timer_hrtimer_expire_exit\n"
#define START(time, cpu, task) TIMER(time, cpu, 0, WAKE(time, cpu, 0, task, cpu)) RUN(time, cpu, 0, 0, task)

struct asked {
	struct ph_identity *id;
	struct ph_selection sel;
	struct ph_whatif *w;
	struct ph_requests *requests;
	struct ph_err err;
	int r;
};

static const char *release;

/* @from, @to: of requests; NULL: none. */
static struct asked *ask_requests(const char *events, const char *container, const char *from, const char *to)
{
	struct asked *a = ph_alloc(sizeof(*a));
	struct ph_filter_names names = { 0 };
	struct ph_requests_ask q = { .kind = PH_REQUESTS_FILTERS };
	ph_autofree char *text = ph_asprintf("%s%s", setup, events);
	struct ph_source *src;
	struct ph_err err = { 0 };
	struct ph_event *ev;

	a->id = ph_identity_new();
	ph_strv_add(&a->sel.container, container);
	assert_int_equal(ph_selection_check(&a->sel, &err), 0);
	assert_int_equal(ph_whatif_new(&a->w, a->id, &a->sel, true, release, &err), 0);
	if (from) {
		assert_int_equal(ph_requests_filter(from, &names, &q.from, &err), 0);
		assert_int_equal(ph_requests_filter(to, &names, &q.to, &err), 0);
		assert_int_equal(ph_requests_new(&a->requests, a->id, &q, &err), 0);
	}
	if (ph_synthetic_parse(text, &src, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		fail();
	}
	while (ph_source_next(src, &ev, &err) > 0) {
		ph_identity_feed(a->id, ev);
		ph_whatif_feed(a->w, ev);
		if (from)
			ph_requests_feed(a->requests, ev);
	}
	if (from)
		assert_int_equal(ph_requests_finish(a->requests, &err), 0);
	a->r = ph_whatif_finish(a->w, 0, a->requests, &a->err);
	ph_filter_free(q.from);
	ph_filter_free(q.to);
	ph_source_close(src);
	return a;
}

static struct asked *ask(const char *events, const char *container)
{
	return ask_requests(events, container, NULL, NULL);
}

static void done(struct asked *a)
{
	ph_whatif_free(a->w);
	ph_requests_free(a->requests);
	ph_identity_free(a->id);
	ph_selection_done(&a->sel);
	free(a);
}

static struct ph_whatif_outcome with(struct asked *a, double cpus)
{
	struct ph_whatif_change c = PH_WHATIF_NOTHING;
	struct ph_whatif_outcome o;
	struct ph_err err = { 0 };

	c.cpus = cpus;
	assert_int_equal(ph_whatif_ask(a->w, &c, &o, &err), 0);
	return o;
}

/* It runs for 50 ms, asks the database, which runs for 10, and runs for 10 more. */
static const char asks[] =
	START(10, 0, 7) WAKE(60, 0, 7, 20, 1) RUN(60, 1, 0, 0, 20) RUN(60, 0, 7, 1, 0)
	WAKE(70, 1, 20, 7, 0) RUN(70, 0, 0, 0, 7) RUN(70, 1, 20, 1, 0) RUN(80, 0, 7, 1, 0) "@90000000 cpu=0 tid=0 irq_softirq_entry vec=9\n";

static void test_limit(void **state)
{
	struct asked *a = ask(asks, "web");
	struct ph_whatif_outcome o;

	assert_int_equal(a->r, 0);
	assert_int_equal(a->w->recorded.duration_ns, 70 * MS);
	assert_int_equal(a->w->recorded.cpu_ns, 60 * MS);
	assert_int_equal(a->w->again.duration_ns, 70 * MS);
	assert_int_equal(a->w->bound.duration_ns, 70 * MS);
	assert_true(a->w->deviation == 0);
	assert_true(isinf(a->w->cpus));
	/*
	 * 20 ms in 100: out at 32 ms, having had 22; goes on at 60, pays 2 and has 20 again until 80, again with 2 too many; the last
	 * 8 ms are from 160 to 168. Then the database's 10, and 10 of what is left. With periods that end at 36.8 ms and 3 % less counted it
	 * is out at 60 first, owes nothing of the first period but 1.3, and has 4.8 left; with those that end at 107.2, at 128 with 7.2 left.
	 */
	o = with(a, 0.2);
	assert_int_equal(o.duration_ns, 178 * MS);
	assert_int_equal(o.least_ns, 151600000);
	assert_int_equal(o.most_ns, 224400000);
	assert_int_equal(o.cpu_ns, 60 * MS);
	assert_int_equal(o.throttled_periods, 2);
	assert_int_equal(o.throttled_ns, 108 * MS);
	o = with(a, INFINITY);
	assert_int_equal(o.duration_ns, 70 * MS);
	assert_int_equal(o.throttled_periods, 0);
	done(a);
}

#define LIMIT(time, quota) "@" #time "000000 statedump_cgroup hierarchy=0 id=12 parent_id=11 container=1 cpu_quota_us=" #quota \
	" cpu_period_us=100000 cpu_weight=100 path=/pod/web\n"
#define CPUSET(time, path, cpus) "@" #time "000000 statedump_cgroup hierarchy=3 id=1" #time " container=1 cpuset=" #cpus " path=" path "\n"

/* The same, but somebody sets a limit of 5 ms meanwhile. */
static const char limited_late[] =
	START(10, 0, 7) LIMIT(50, 5000) WAKE(60, 0, 7, 20, 1) RUN(60, 1, 0, 0, 20) RUN(60, 0, 7, 1, 0)
	WAKE(70, 1, 20, 7, 0) RUN(70, 0, 0, 0, 7) RUN(70, 1, 20, 1, 0) RUN(80, 0, 7, 1, 0) "@90000000 cpu=0 tid=0 irq_softirq_entry vec=9\n";

static void test_limit_changed(void **state)
{
	struct asked *a = ask(limited_late, "web");

	assert_int_equal(a->r, 0);
	assert_true(isinf(a->w->cpus));
	assert_true(a->w->changed);
	/*
	 * From 50 on it has 5 ms: at 52 what it ran since 48 is counted, so it is out at 56, with 3 too many; from 60 on, where a period
	 * begins, it has 2, and takes the 4 that it needs. The database answers at 74. Of the 10 ms that are left, it has 4 from 160 on, 4
	 * from 260 on, and 2 from 360 on.
	 */
	assert_int_equal(a->w->again.duration_ns, 352 * MS);
	assert_int_equal(a->w->again.throttled_periods, 4);
	assert_int_equal(a->w->bound.duration_ns, 70 * MS);
	/* What is asked for is so all the time. */
	assert_int_equal(with(a, 0.2).duration_ns, 178 * MS);
	assert_int_equal(with(a, INFINITY).duration_ns, 70 * MS);
	done(a);
	/* Taken away before it matters; and what is told first has been so before. */
	a = ask("@5000000 cpu=0 tid=0 irq_softirq_entry vec=9\n" LIMIT(6, 5000) LIMIT(8, -1)
		START(10, 0, 7) RUN(80, 0, 7, 1, 0) "@90000000 cpu=0 tid=0 irq_softirq_entry vec=9\n", "web");
	assert_int_equal(a->r, 0);
	assert_false(a->w->changed);
	assert_int_equal(a->w->again.duration_ns, 70 * MS);
	done(a);
	a = ask("@5000000 cpu=0 tid=0 irq_softirq_entry vec=9\n"
		START(10, 0, 7) LIMIT(20, 30000) LIMIT(40, -1) RUN(80, 0, 7, 1, 0) "@90000000 cpu=0 tid=0 irq_softirq_entry vec=9\n", "web");
	assert_int_equal(a->r, 0);
	assert_true(a->w->changed);
	/* 30 ms last from 20 to 48, with ticks; taken away before. */
	assert_int_equal(a->w->again.duration_ns, 70 * MS);
	done(a);
}

#define BOUND(tid) "@5000000 statedump_affinity tid=" #tid " cpus=1\n"
#define BOTH_BOUND BOUND(7) BOUND(20)
#define BIND(tid, who, mask, ret) "@10000000 cpu=0 tid=" #tid " syscall_entry_sched_setaffinity pid=" #who " len=8 user_mask_ptr_data=" mask "\n" \
	"@10000000 cpu=0 tid=" #tid " syscall_exit_sched_setaffinity ret=" #ret "\n"

/* Both run for 40 ms, each on a CPU of its own. Were both bound to one, they would have it in turn. */
static void test_affinity(void **state)
{
	static const struct { const char *before, *at; bool together; } cases[] = {
		{ "", "", false }, { BOTH_BOUND, "", true }, { BOTH_BOUND, BIND(7, 0, "03", 0), false },
		{ BOTH_BOUND, BIND(7, 0, "01", 0), false }, { BOTH_BOUND, BIND(7, 0, "01", -22), true },
		{ BOUND(20), BIND(7, 0, "02", 0), true }, { BOUND(20), BIND(7, 0, "02", -1), false },
		/* Whoever is told to be where its cpuset has it goes where that goes. */
		{ BOTH_BOUND "@6000000 statedump_cgroup hierarchy=3 id=111 container=1 cpuset=1 path=/pod/web\n", CPUSET(11, "/pod/web", 0-1), false },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		ph_autofree char *events = ph_asprintf("%s" START(10, 0, 7) START(10, 1, 20) "%s" RUN(50, 0, 7, 1, 0) RUN(50, 1, 20, 1, 0)
			"@90000000 cpu=0 tid=0 irq_softirq_entry vec=9\n", cases[i].before, cases[i].at);
		struct asked *a = ask(events, "web");

		assert_int_equal(a->r, 0);
		assert_int_equal(a->w->again.duration_ns > 60 * MS, cases[i].together);
		done(a);
	}
}

/* A child may run where its parent may: were it anywhere, it would be on the other CPU, as it was, and both be done at 50. */
static void test_affinity_inherited(void **state)
{
	for (int bound = 0; bound < 2; bound++) {
		ph_autofree char *events = ph_asprintf("%s" START(10, 0, 7)
			"@10000000 cpu=0 tid=7 sched_process_fork parent_tid=7 parent_pid=7 child_tid=21 child_pid=21 child_container=1\n"
			"@10000000 cpu=0 tid=7 sched_wakeup_new tid=21 target_cpu=1\n" RUN(10, 1, 0, 0, 21)
			RUN(50, 0, 7, 1, 0) RUN(50, 1, 21, 1, 0) "@90000000 cpu=0 tid=0 irq_softirq_entry vec=9\n", bound ? BOUND(7) : "");
		struct asked *a = ask(events, "web");

		assert_int_equal(a->r, 0);
		assert_int_equal(a->w->again.duration_ns > 60 * MS, bound);
		done(a);
	}
}

/* Both run for 40 ms, each on a CPU of its own; cpusets are told by another hierarchy. */
static const char both[] =
	CPUSET(8, "/db", 1) START(10, 0, 7) START(10, 1, 20) CPUSET(30, "/pod/web", 1) RUN(50, 0, 7, 1, 0) RUN(50, 1, 20, 1, 0)
	"@90000000 cpu=0 tid=0 irq_softirq_entry vec=9\n";

static void test_cpuset_changed(void **state)
{
	ph_autofree char *all = ph_asprintf("@7000000 statedump_cgroup hierarchy=3 id=130 container=1 cpuset=0-1 path=/pod/web\n%s", both);
	struct asked *a = ask(all, "web");

	assert_int_equal(a->r, 0);
	/* From 30 on both have half of one CPU: web, whose slice is the later one, is done at 70 or a bit before. */
	assert_in_range(a->w->again.duration_ns, 55 * MS, 60 * MS);
	done(a);
	/* Told once, it was so from the begin. */
	a = ask(both, "web");
	assert_in_range(a->w->again.duration_ns, 75 * MS, 80 * MS);
	done(a);
}

/*
 * Web and the database share CPU 0, web's neighbour in its pod has CPU 1. Of the pod's weight each has a half, so of CPU 0 web has a
 * third, until 30; then web's part of the pod's weight is nearly all, so half of CPU 0: the 26.7 ms that the database still needs take 53.
 */
static void test_weight_changed(void **state)
{
	struct asked *a = ask(
		"@2 container_info index=3 name=side cgroup_path=/pod/side cgroup_id=14\n"
		"@2 statedump_cgroup hierarchy=0 id=14 parent_id=11 container=3 cpu_quota_us=-1 cpu_weight=100 path=/pod/side\n"
		"@2 lttng_statedump_process_state tid=30 pid=30 name=side container=3 cgroup_id=14 status=5 syscall=-1\n"
		"@2 cpu=2 tid=0 irq_softirq_entry vec=9\n@2 cpu=2 tid=0 irq_softirq_exit vec=9\n"
		CPUSET(5, "/db", 0) CPUSET(6, "/pod/web", 0) CPUSET(7, "/pod/side", 1)
		START(10, 0, 7) START(10, 1, 20) START(10, 2, 30)
		"@30000000 statedump_cgroup hierarchy=0 id=12 parent_id=11 container=1 cpu_quota_us=-1 cpu_weight=10000 path=/pod/web\n"
		RUN(50, 0, 7, 1, 0) RUN(50, 1, 20, 1, 0) RUN(120, 2, 30, 1, 0) "@130000000 cpu=0 tid=0 irq_softirq_entry vec=9\n", "db");

	assert_int_equal(a->r, 0);
	assert_int_equal(a->w->recorded.duration_ns, 40 * MS);
	assert_in_range(a->w->again.duration_ns, 70 * MS, 75 * MS);
	done(a);
}

/* The database's limit is not web's: asked for that container, 5 ms in 100 cost its client nothing that it had itself. */
static void test_other(void **state)
{
	struct asked *a = ask(asks, "db");
	struct ph_whatif_outcome o;

	assert_int_equal(a->w->recorded.duration_ns, 10 * MS);
	/* It has 8 ms until the tick at 68 ms, owes 3, and goes on with the next period, which in the middle begins at 60 + 50. */
	o = with(a, 0.05);
	assert_int_equal(o.duration_ns, 52 * MS);
	assert_int_equal(o.throttled_periods, 1);
	done(a);
}

/* What was throttled was not work: without the limit that time is gone. The limit is that of the cgroup above. */
static void test_was_limited(void **state)
{
	struct asked *a = ask(
		START(10, 0, 7)
		"@30000000 cpu=0 tid=7 sched_limit_begin cgroup_id=12 on_cpu=0 begin_ns=30000000 quota_ns=20000000 period_ns=100000000\n"
		"@30000000 cpu=0 tid=7 sched_throttle_begin tid=7 cgroup_id=12 limit_cgroup_id=12 limit_level=0 quota_ns=20000000 period_ns=100000000\n"
		RUN(30, 0, 7, 0, 0)
		"@110000000 cpu=0 tid=0 sched_limit_end cgroup_id=12 on_cpu=0 begin_ns=30000000 throttled_ns=80000000\n"
		RUN(110, 0, 0, 0, 7) "@110000000 cpu=0 tid=7 sched_throttle_end tid=7 throttled_ns=80000000 exact=1\n"
		RUN(120, 0, 7, 1, 0) "@130000000 cpu=0 tid=0 irq_softirq_entry vec=9\n", "web");
	struct ph_whatif_outcome o;

	assert_int_equal(a->r, 0);
	assert_true(a->w->cpus == 0.2);
	assert_int_equal(a->w->recorded.duration_ns, 110 * MS);
	assert_int_equal(a->w->recorded.throttled_ns, 80 * MS);
	assert_int_equal(a->w->recorded.throttled_periods, 1);
	assert_int_equal(a->w->bound.duration_ns, 30 * MS);
	assert_int_equal(with(a, INFINITY).duration_ns, 30 * MS);
	/* Periods begin as they did: it has until 32, owes 2, and goes on at 110 for 8 more. */
	assert_int_equal(a->w->again.duration_ns, 108 * MS);
	o = with(a, 0.2);
	assert_int_equal(o.duration_ns, 108 * MS);
	assert_int_equal(o.least_ns, 108 * MS);
	assert_int_equal(o.most_ns, 108 * MS);
	/* At the last tick that it is there it has had 26 of 26.1 ms: a few percent more, and it waits for the next period with 4 left. */
	o = with(a, 0.261);
	assert_int_equal(o.duration_ns, 30 * MS);
	assert_int_equal(o.least_ns, 30 * MS);
	assert_int_equal(o.most_ns, 104 * MS);
	/* And out at 36 with 25.3: it needs 4 less of that. */
	o = with(a, 0.253);
	assert_int_equal(o.duration_ns, 104 * MS);
	assert_int_equal(o.least_ns, 30 * MS);
	done(a);
}

/* A sleep until a time does not move; one for a time does. */
static void test_clock(void **state)
{
	static const char *const flags[] = { "0", "1" };

	for (int i = 0; i < 2; i++) {
		ph_autofree char *events = ph_asprintf(
			START(10, 0, 7) "@59000000 cpu=0 tid=7 syscall_entry_clock_nanosleep flags=%s\n" RUN(60, 0, 7, 1, 0)
			TIMER(300, 0, 0, WAKE(300, 0, 0, 7, 0)) RUN(300, 0, 0, 0, 7) RUN(310, 0, 7, 1, 0)
			"@320000000 cpu=0 tid=0 irq_softirq_entry vec=9\n", flags[i]);
		struct asked *a = ask(events, "web");

		assert_int_equal(a->w->again.duration_ns, 300 * MS);
		/* Of its 50 ms the last 8 end at 168, as above. */
		assert_int_equal(with(a, 0.2).duration_ns, i ? 300 * MS : (168 + 240 - 10 + 10) * MS);
		done(a);
	}
}

/* A child of its own runs for 20 ms. */
static const char forks[] =
	START(10, 0, 7) "@60000000 cpu=0 tid=7 sched_process_fork parent_tid=7 parent_pid=7 child_tid=50 child_pid=50 child_container=1\n"
	"@60000000 cpu=0 tid=7 sched_wakeup_new tid=50 target_cpu=1\n" RUN(60, 1, 0, 0, 50) RUN(60, 0, 7, 1, 0)
	RUN(80, 1, 50, 1, 0) "@90000000 cpu=0 tid=0 irq_softirq_entry vec=9\n";

/* A child begins where its parent makes it, whenever that is. */
static void test_fork(void **state)
{
	struct asked *a = ask(forks, "web");
	unsigned int n = 0;

	/* It is there once. */
	for (uint32_t i = 0; i < ph_program_ntasks(a->w->program); i++)
		n += ph_program_nth(a->w->program, i)->tid == 50;
	assert_int_equal(n, 1);
	assert_int_equal(a->w->recorded.duration_ns, 70 * MS);
	assert_int_equal(a->w->again.duration_ns, 70 * MS);
	/* 42 ms until 80; 8 and what is left of 20 from 160 on, on two CPUs: 5 that the other one takes, which counts at its ticks. */
	assert_in_range(with(a, 0.2).duration_ns, (260 - 10) * MS, (280 - 10) * MS);
	assert_int_equal(with(a, 0.2).cpu_ns, 70 * MS);
	done(a);
}

/* Children one after the other, each of which runs for 1 ms and ends: who has ended takes next to no memory. */
static void test_forks(void **state)
{
	ph_autobuf events = { 0 };
	struct asked *a;

	ph_buf_addf(&events, "%s", START(10, 0, 7));
	for (int tid = 100; tid < 600; tid++) {
		int ms = 2 * tid - 180;

		ph_buf_addf(&events, "@%d000000 cpu=0 tid=7 sched_process_fork parent_tid=7 parent_pid=7 child_tid=%d child_pid=%d child_container=1\n"
			    "@%d000000 cpu=0 tid=7 sched_wakeup_new tid=%d target_cpu=1\n"
			    "@%d000000 cpu=1 tid=0 sched_switch prev_tid=0 prev_state=0 next_tid=%d\n"
			    "@%d000000 cpu=1 tid=%d sched_process_exit tid=%d\n"
			    "@%d000000 cpu=1 tid=%d sched_switch prev_tid=%d prev_state=32 next_tid=0\n",
			    ms, tid, tid, ms, tid, ms, tid, ms + 1, tid, tid, ms + 1, tid, tid);
	}
	ph_buf_addf(&events, "%s", RUN(1030, 0, 7, 1, 0));
	a = ask(events.p, "web");
	assert_int_equal(a->r, 0);
	assert_in_range(a->w->tasks.n, 500, 510);
	/* Those of the beginning, and one child. */
	assert_in_range(a->w->living.n, 1, 5);
	assert_int_equal(a->w->living_free.n, a->w->living.n);
	assert_true(sizeof(struct whatif_task) <= 48);
	assert_int_equal(a->w->recorded.cpu_ns, (1020 + 500) * MS);
	assert_int_equal(a->w->again.duration_ns, 1020 * MS);
	assert_int_equal(a->w->again.cpu_ns, (1020 + 500) * MS);
	done(a);
}

/* Who woke it has ended before the wake-up is seen, and its number is given to a child that comes much later. */
static void test_number_again(void **state)
{
	struct asked *a = ask(
		START(10, 0, 7) START(10, 1, 20) RUN(20, 0, 7, 1, 0) "@60000000 cpu=1 tid=20 sched_waking tid=7 target_cpu=0\n"
		"@61000000 cpu=1 tid=20 sched_process_exit tid=20\n" RUN(61, 1, 20, 32, 0)
		"@62000000 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n" RUN(62, 0, 0, 0, 7)
		"@70000000 cpu=0 tid=7 sched_process_fork parent_tid=7 parent_pid=7 child_tid=20 child_pid=20 child_container=1\n"
		"@70000000 cpu=0 tid=7 sched_wakeup_new tid=20 target_cpu=1\n" RUN(70, 1, 0, 0, 20)
		"@90000000 cpu=1 tid=20 sched_process_exit tid=20\n" RUN(90, 1, 20, 32, 0) RUN(95, 0, 7, 1, 0)
		"@99000000 cpu=0 tid=0 irq_softirq_entry vec=9\n", "web");

	assert_int_equal(a->r, 0);
	assert_int_equal(a->w->recorded.duration_ns, 85 * MS);
	assert_int_equal(a->w->again.duration_ns, 85 * MS);
	/* The one that woke it had the number then; so does the child, later. */
	assert_true(ph_program_task_at(a->w->program, 20, 60 * MS) != ph_program_task_at(a->w->program, 20, 80 * MS));
	done(a);
}

/* A task of the host has ended, unseen, whose number the child gets: what nobody knows of that one is not the container's. */
static void test_number_of_the_host(void **state)
{
	ph_autofree char *events = ph_asprintf("@2 lttng_statedump_process_state tid=50 pid=50 name=old container=0 cgroup_id=1 status=5 syscall=-1\n%s", forks);
	struct asked *a = ask(events, "web");

	assert_true(a->w->gaps[PH_GAP_UNKNOWN] <= 0);
	assert_int_equal(a->w->recorded.duration_ns, 70 * MS);
	assert_int_equal(a->w->again.duration_ns, 70 * MS);
	done(a);
}

static struct ph_whatif_outcome change(struct asked *a, struct ph_whatif_change c)
{
	struct ph_whatif_outcome o;
	struct ph_err err = { 0 };

	assert_int_equal(ph_whatif_ask(a->w, &c, &o, &err), 0);
	return o;
}

/* Without the database its client waits as long as it did; on its CPU, with its weight, it does not matter. */
static void test_changes(void **state)
{
	struct asked *a = ask(
		START(10, 0, 7) RUN(20, 0, 7, 0, 20) RUN(40, 0, 20, 1, 7) "@50000000 cpu=0 tid=7 block_rq_issue dev=1\n"
		"@50000000 cpu=0 tid=7 syscall_entry_fsync\n" RUN(50, 0, 7, 2, 0)
		"@60000000 cpu=0 tid=0 irq_handler_entry irq=5\n@60000000 cpu=0 tid=0 block_rq_complete dev=1\n" WAKE(60, 0, 0, 7, 0)
		"@60000000 cpu=0 tid=0 irq_handler_exit irq=5\n" RUN(60, 0, 0, 0, 7) RUN(70, 0, 7, 1, 0)
		"@90000000 cpu=0 tid=0 irq_softirq_entry vec=9\n", "web");
	struct ph_whatif_change c = PH_WHATIF_NOTHING;
	struct ph_selection db = { 0 };
	struct ph_err err = { 0 };

	/* Nobody has told how 20 came to be there: it sleeps until the end of the stream, and does not disturb. */
	assert_int_equal(a->w->recorded.duration_ns, 60 * MS);
	c.disk = -0.5;
	assert_int_equal(change(a, c).duration_ns, a->w->again.duration_ns - 5 * MS);
	c.disk = 0;
	c.confined = true;
	assert_true(ph_whatif_cpus("1,3-4", &c.cpuset));
	assert_int_equal(change(a, c).duration_ns, change(a, (struct ph_whatif_change)PH_WHATIF_NOTHING).duration_ns);
	assert_false(ph_whatif_cpus("1-", &c.cpuset));
	assert_false(ph_whatif_cpus("3-1", &c.cpuset));
	assert_false(ph_whatif_cpus("", &c.cpuset));
	assert_false(ph_whatif_cpus("1;2", &c.cpuset));
	done(a);

	a = ask(asks, "web");
	ph_strv_add(&db.container, "db");
	assert_int_equal(ph_selection_check(&db, &err), 0);
	c = (struct ph_whatif_change)PH_WHATIF_NOTHING;
	c.without = &db;
	c.cpus = 0.2;
	/* Its 10 ms are there as a wait. */
	assert_int_equal(change(a, c).duration_ns, 178 * MS);
	ph_selection_done(&db);
	done(a);
}

/*
 * Two requests, of 30 and of 10 ms; with 20 ms in 100 the limit is out in the first one, and for 8 ms of the second: where a period begins at
 * 60 ms it runs from 10 to the tick at 32, from 60 to 80, and from 160 on, which is the first from 20 to 78, the second from 80 to 170. Where
 * others begin:
 *
 *	at        60   92   36  104   48
 *	first     58   90   34  102   46 ms
 *	second    90   90   90   90   90 ms
 */
static void test_requests(void **state)
{
	struct asked *a = ask_requests(
		START(10, 0, 7) "@20000000 cpu=0 tid=7 syscall_entry_read\n@20000000 cpu=0 tid=7 syscall_exit_read\n"
		"@50000000 cpu=0 tid=7 syscall_entry_write\n@50000000 cpu=0 tid=7 syscall_exit_write\n"
		"@52000000 cpu=0 tid=7 syscall_entry_read\n@52000000 cpu=0 tid=7 syscall_exit_read\n"
		"@62000000 cpu=0 tid=7 syscall_entry_write\n@62000000 cpu=0 tid=7 syscall_exit_write\n" RUN(70, 0, 7, 1, 0)
		"@90000000 cpu=0 tid=0 irq_softirq_entry vec=9\n", "web", "syscall_exit_read", "syscall_entry_write");
	struct ph_whatif_outcome o;

	assert_int_equal(a->w->recorded.requests.count, 2);
	assert_int_equal(a->w->recorded.requests.p50_ns, 10 * MS);
	assert_int_equal(a->w->recorded.requests.p90_ns, 30 * MS);
	assert_int_equal(a->w->recorded.requests.max_ns, 30 * MS);
	assert_int_equal(a->w->again.requests.max_ns, 30 * MS);
	assert_int_equal(a->w->bound.requests.p50_ns, 10 * MS);
	o = with(a, 0.2);
	assert_int_equal(o.requests.count, 2);
	/* Of all ten: 10, 10, 34.8, 48.4, 58, 88.4, 89.2, 90, 91.6, 105.2. */
	assert_int_equal(o.requests.p50_ns, 58 * MS);
	assert_int_equal(o.requests.p90_ns, 91600000);
	assert_int_equal(o.requests.p99_ns, 105200000);
	assert_int_equal(o.least_ns, 34800000);
	assert_int_equal(o.most_ns, 105200000);
	done(a);
}

static void test_goal(void **state)
{
	struct asked *a = ask(asks, "web");
	struct ph_whatif_answer answer = { .change = PH_WHATIF_NOTHING };
	struct ph_whatif_goal g;
	struct ph_err err = { 0 };

	assert_int_equal(ph_whatif_goal_parse("duration<178ms", &g, &err), 0);
	assert_false(g.requests);
	assert_int_equal(ph_whatif_reach(a->w, &g, &answer, &err), 0);
	assert_true(answer.change.cpus > 0.2 && answer.change.cpus < 0.5);
	assert_true(answer.outcome.duration_ns < 178 * MS);
	assert_int_equal(with(a, answer.change.cpus).duration_ns, answer.outcome.duration_ns);
	assert_true(with(a, answer.change.cpus - 0.01).duration_ns >= 178 * MS);
	assert_int_equal(ph_whatif_goal_parse("duration < 60ms", &g, &err), 0);
	assert_int_equal(ph_whatif_reach(a->w, &g, &answer, &err), 0);
	assert_true(isnan(answer.change.cpus));
	assert_int_equal(answer.outcome.duration_ns, 70 * MS);
	assert_int_equal(ph_whatif_goal_parse("p99 < 20ms", &g, &err), 0);
	assert_true(g.requests && g.bound_ns == 20 * MS);
	assert_int_equal(ph_whatif_goal_parse("p98 < 20ms", &g, &err), -EINVAL);
	assert_int_equal(ph_whatif_goal_parse("p99 > 20ms", &g, &err), -EINVAL);
	assert_int_equal(ph_whatif_goal_parse("p99 < much", &g, &err), -EINVAL);
	done(a);
}

/* Of a container of which no cgroup is told, no limit is known, and none that was changed. */
static void test_no_cgroup(void **state)
{
	struct asked *a = ask("@1 container_info index=3 name=bare\n@1 lttng_statedump_process_state tid=30 pid=30 name=sh container=3 status=5 syscall=-1\n"
			      START(10, 0, 30) RUN(70, 0, 30, 1, 0) "@90000000 cpu=0 tid=0 irq_softirq_entry vec=9\n", "bare");
	struct ph_whatif_report r = { .w = a->w };
	ph_autobuf text = { 0 };

	assert_int_equal(a->r, 0);
	assert_true(isinf(a->w->cpus));
	assert_false(a->w->changed);
	ph_whatif_verdict(&r, &text);
	assert_non_null(strstr(text.p, "bare was busy for 60 ms without a limit"));
	assert_null(strstr(text.p, "changed"));
	done(a);
}

/* The picture: axes end at a mark, what was asked without a limit is where the limit was, and nothing is where there is no number. */
static void test_picture(void **state)
{
	struct asked *a = ask(asks, "web");
	struct ph_whatif_report r = { .w = a->w };
	const double limits[] = { 0.2, 0.3, INFINITY, NAN };
	ph_autobuf svg = { 0 };
	size_t circles = 0;

	for (size_t i = 0; i < PH_ARRAY_SIZE(limits); i++) {
		struct ph_whatif_answer *to = ph_vec_push(&r.answers);

		to->change.cpus = limits[i];
		to->outcome = with(a, limits[i]);
	}
	ph_export_whatif_svg(&r, &svg);
	assert_null(strstr(svg.p, "nan"));
	assert_null(strstr(svg.p, "inf"));
	for (const char *at = svg.p; (at = strstr(at, "<circle")); at++)
		circles++;
	assert_int_equal(circles, 4);
	assert_non_null(strstr(svg.p, ">250 ms</text>"));
	assert_null(strstr(svg.p, ">300 ms</text>"));
	assert_non_null(strstr(svg.p, ">0.3</text>"));
	assert_non_null(strstr(svg.p, ">none</text>"));
	assert_non_null(strstr(svg.p, "<title>0.2 CPU: duration 178 ms</title>"));
	assert_non_null(strstr(svg.p, "<title>no limit: duration 70 ms</title>"));
	assert_non_null(strstr(svg.p, "<title>as it was: duration 70 ms</title>"));
	assert_non_null(strstr(svg.p, "<title>duration 152 ms to 224 ms</title>"));
	assert_non_null(strstr(svg.p, "<title>recorded: duration 70 ms</title>"));
	ph_vec_done(&r.answers);
	done(a);
}

/* When periods begin is not known: the answer is that of the middle of several begins, whatever one of them would say. */
static void test_goal_phases(void **state)
{
	struct asked *a = ask(asks, "web");
	struct ph_err err = { 0 };

	for (uint64_t ms = 75; ms < 1000; ms += 25) {
		struct ph_whatif_answer answer = { .change = PH_WHATIF_NOTHING };
		const struct ph_whatif_goal g = { .of = offsetof(struct ph_whatif_outcome, duration_ns), .bound_ns = ms * MS };

		assert_int_equal(ph_whatif_reach(a->w, &g, &answer, &err), 0);
		assert_true(isfinite(answer.change.cpus));
		assert_true(answer.outcome.duration_ns < g.bound_ns);
		assert_int_equal(with(a, answer.change.cpus).duration_ns, answer.outcome.duration_ns);
		assert_true(with(a, answer.change.cpus - 0.01).duration_ns >= g.bound_ns);
	}
	done(a);
}

/* An answer that was not simulated to its end is none. */
static void test_stop(void **state)
{
	struct asked *a = ask(asks, "web");
	struct ph_whatif_answer answer = { .change = PH_WHATIF_NOTHING };
	struct ph_whatif_outcome o;
	struct ph_whatif_goal g;
	struct ph_err err = { 0 };
	volatile bool stop = false;

	a->w->setup.stop = &stop;
	stop = true;
	assert_int_equal(ph_whatif_ask(a->w, &answer.change, &o, &err), -ECANCELED);
	answer.change.cpus = 0.2;
	assert_int_equal(ph_whatif_ask(a->w, &answer.change, &o, &err), -ECANCELED);
	assert_int_equal(ph_whatif_goal_parse("duration<178ms", &g, &err), 0);
	assert_int_equal(ph_whatif_reach(a->w, &g, &answer, &err), -ECANCELED);
	stop = false;
	assert_int_equal(ph_whatif_reach(a->w, &g, &answer, &err), 0);
	done(a);
}

/* All of 50 ms in one call: before 6.18 the limit took the CPU in it, since then it is what comes behind that waits. */
static void test_kernels(void **state)
{
	static const char events[] = "@9000000 cpu=0 tid=0 syscall_entry_getppid\n@9000000 cpu=0 tid=0 syscall_exit_getppid\n"
		START(10, 0, 7) "@10000000 cpu=0 tid=7 syscall_entry_read\n" RUN(60, 0, 7, 1, 0)
		"@90000000 cpu=0 tid=0 irq_softirq_entry vec=9\n";
	static const struct { const char *release; uint64_t ms; } cases[] = {
		{ "6.17.9-amd64", 158 }, { "5.15.0", 158 }, { "6.18.0-rc1", 50 }, { "7.0", 50 }, { NULL, 50 }, { "strange", 50 },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		struct asked *a;

		release = cases[i].release;
		a = ask(events, "web");
		release = NULL;
		assert_int_equal(with(a, 0.2).duration_ns, cases[i].ms * MS);
		done(a);
	}
}

static void test_nothing(void **state)
{
	struct asked *a = ask(asks, "nobody");

	assert_int_equal(a->r, -ENOENT);
	done(a);
	a = ask(asks, "*b");
	assert_int_equal(a->r, -EINVAL);
	done(a);
}

static void test_words(void **state)
{
	struct asked *a = ask(asks, "web");
	struct ph_report_view view = { 0 };
	struct ph_whatif_report r = { .w = a->w, .view = &view };
	ph_autobuf out = { 0 };
	struct ph_err err = { 0 };

	for (int i = 0; i < 2; i++) {
		struct ph_whatif_answer *q = ph_vec_push(&r.answers);

		q->change = (struct ph_whatif_change)PH_WHATIF_NOTHING;
		q->change.cpus = i ? INFINITY : 0.2;
		assert_int_equal(ph_whatif_ask(a->w, &q->change, &q->outcome, &err), 0);
	}
	assert_int_equal(ph_whatif_print(&r, &out, &err), 0);
	assert_string_equal(out.p,
		"web was busy for 70 ms without a limit; with 0.2 CPU it would have been 178 ms, with no limit 70 ms.\n\n"
		"LIMIT     DURATION  TIMES  CPU-TIME  THROTTLED  PERIODS\n"
		"recorded     70 ms   1.00     60 ms       0 ns        0  ############\n"
		"again        70 ms   1.00     60 ms       0 ns        0  ############\n"
		"bound        70 ms   1.00     60 ms       0 ns        0  ############\n"
		"0.2 CPU     178 ms   2.54     60 ms     108 ms        2  ##############################\n"
		"no limit     70 ms   1.00     60 ms       0 ns        0  ############\n\n"
		"Simulated with what was, it comes to 70 ms: as recorded.\n"
		"With 0.2 CPU it may be 152 ms to 224 ms: when periods begin, or a few percent of CPU time, decides.\n");
	ph_buf_clear(&out);
	view.fmt.output = PH_OUT_JSON;
	assert_int_equal(ph_whatif_print(&r, &out, &err), 0);
	assert_string_equal(out.p,
		"{\"container\":\"web\",\"cpus\":null,\"cpus_changed\":false,\"ended\":false,"
		"\"recorded\":{\"duration_ns\":70000000,\"cpu_ns\":60000000,\"throttled_ns\":0,\"throttled_periods\":0,\"requests\":null},"
		"\"again\":{\"duration_ns\":70000000,\"cpu_ns\":60000000,\"throttled_ns\":0,\"throttled_periods\":0,\"requests\":null},"
		"\"bound\":{\"duration_ns\":70000000,\"cpu_ns\":60000000,\"throttled_ns\":0,\"throttled_periods\":0,\"requests\":null},"
		"\"predictions\":["
		"{\"cpus\":0.2,\"duration_ns\":178000000,\"cpu_ns\":60000000,\"throttled_ns\":108000000,\"throttled_periods\":2,\"requests\":null,\"range_ns\":[151600000,224400000]},"
		"{\"cpus\":null,\"duration_ns\":70000000,\"cpu_ns\":60000000,\"throttled_ns\":0,\"throttled_periods\":0,\"requests\":null,\"range_ns\":[70000000,70000000]}],"
		"\"confidence\":{\"deviation\":0,\"unmodelled\":[]}}\n");
	ph_vec_done(&r.answers);
	done(a);
}

/* Without timers in the stream, who is interrupted by one seems to wake who slept until then: it is not waited for. */
static void test_no_timers(void **state)
{
	struct asked *a = ask(WAKE(10, 1, 0, 20, 1) RUN(10, 1, 0, 0, 20)
			      "@10000000 cpu=0 tid=0 sched_waking tid=7 target_cpu=0\n@10000000 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n"
			      RUN(10, 0, 0, 0, 7) "@11000000 cpu=0 tid=7 syscall_entry_nanosleep\n" RUN(11, 0, 7, 1, 0)
			      WAKE(30, 1, 20, 7, 0) RUN(30, 0, 0, 0, 7) "@30000000 cpu=0 tid=7 syscall_exit_nanosleep ret=0\n"
			      RUN(40, 0, 7, 1, 0) RUN(50, 1, 20, 1, 0), "web");
	uint32_t task = ph_program_find(a->w->program, 7);
	struct ph_program_reader r = { 0 };
	unsigned int sleeps = 0;

	for (const struct ph_op *op; (op = ph_program_next(a->w->program, task, &r)); ) {
		assert_int_not_equal(op->kind, PH_OP_WAIT);
		sleeps += op->kind == PH_OP_SLEEP && op->wait == PH_WAIT_TIMER;
	}
	assert_int_equal(sleeps, 1);
	ph_program_rewind(&r);
	done(a);
}

/* A runtime's own process is in the container before its first one, and ends soon. */
static void test_first_process(void **state)
{
	struct asked *a = ask("@99000000 container_info index=1 name=web init_pid=30 cgroup_path=/pod/web cgroup_id=12\n"
			      START(100, 0, 7)
			      "@101000000 cpu=0 tid=7 sched_process_fork parent_tid=7 parent_pid=7 child_tid=30 child_pid=30 child_container=1\n"
			      "@101000000 cpu=0 tid=7 sched_wakeup_new tid=30 target_cpu=0\n"
			      "@102000000 cpu=0 tid=7 sched_process_exit tid=7\n" RUN(102, 0, 7, 32, 30)
			      "@112000000 cpu=0 tid=30 sched_process_exit tid=30\n" RUN(112, 0, 30, 32, 0), "web");

	assert_int_equal(a->r, 0);
	assert_true(a->w->ended);
	assert_int_equal(a->w->recorded.duration_ns, 12 * MS);
	done(a);
}

#define EXIT(time, cpu, task, process, end) "@" #time "000000 cpu=" #cpu " tid=" #task " pid=" #process " sched_process_exit tid=" #task \
	" process_end=" #end "\n"
#define THREAD(time, cpu, parent, child) "@" #time "000000 cpu=" #cpu " tid=" #parent " sched_process_fork parent_tid=" #parent " parent_pid=" \
	#parent " child_tid=" #child " child_pid=" #parent " child_container=1\n@" #time "000000 cpu=" #cpu " tid=" #parent \
	" sched_wakeup_new tid=" #child " target_cpu=0\n"

/* The job ends with its process, be that with another thread than the first; another process of the container, 40, runs until 120. */
static void test_process_end(void **state)
{
	static const char before[] = "@99000000 container_info index=1 name=web init_pid=7 cgroup_path=/pod/web cgroup_id=12\n"
		"@99000000 lttng_statedump_process_state tid=40 pid=40 name=other container=1 cgroup_id=12 status=5 syscall=-1\n"
		START(99, 1, 40) START(100, 0, 7) THREAD(101, 0, 7, 8);
	static const struct { const char *events; uint64_t ms; bool ended; } cases[] = {
		{ EXIT(102, 0, 7, 7, 1) RUN(102, 0, 7, 32, 8) EXIT(112, 0, 8, 7, 2) RUN(112, 0, 8, 32, 0), 13, true },
		/* All were told to end. */
		{ EXIT(102, 0, 7, 7, 3) RUN(102, 0, 7, 32, 8) EXIT(112, 0, 8, 7, 2) RUN(112, 0, 8, 32, 0), 3, true },
		{ EXIT(102, 0, 7, 7, 1) RUN(102, 0, 7, 32, 8) RUN(112, 0, 8, 1, 0), 21, false },
		/* Another thread executes something, and has the first one's number then. */
		{ EXIT(102, 0, 7, 7, 1) RUN(102, 0, 7, 32, 8) "@105000000 cpu=0 tid=7 pid=7 sched_process_exec filename=/x tid=7 old_tid=8\n"
		  EXIT(112, 0, 7, 7, 2) RUN(112, 0, 7, 32, 0), 13, true },
	};
	struct asked *a;

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		ph_autofree char *events = ph_asprintf("%s%s" RUN(120, 1, 40, 1, 0), before, cases[i].events);

		a = ask(events, "web");
		assert_int_equal(a->r, 0);
		assert_int_equal(a->w->ended, cases[i].ended);
		assert_int_equal(a->w->recorded.duration_ns, cases[i].ms * MS);
		done(a);
	}
	/* The container's first process is not told: it is the oldest one, until its last thread. */
	a = ask(START(100, 0, 7) THREAD(101, 0, 7, 8) EXIT(102, 0, 7, 7, 1) RUN(102, 0, 7, 32, 8) EXIT(112, 0, 8, 7, 2) RUN(112, 0, 8, 32, 0), "web");
	assert_int_equal(a->r, 0);
	assert_true(a->w->ended);
	assert_int_equal(a->w->recorded.duration_ns, 12 * MS);
	done(a);
	/* The first thread had ended before the recording. */
	a = ask("@2 container_info index=3 name=left init_pid=60 cgroup_path=/left cgroup_id=14\n"
		"@2 lttng_statedump_process_state tid=60 pid=60 name=first container=3 cgroup_id=14 status=4 syscall=-1\n"
		"@2 lttng_statedump_process_state tid=61 pid=60 name=other container=3 cgroup_id=14 status=5 syscall=-1\n"
		"@2 lttng_statedump_process_state tid=62 pid=62 name=child container=3 cgroup_id=14 status=5 syscall=-1\n"
		START(100, 0, 61) START(100, 1, 62) EXIT(110, 0, 61, 60, 2) RUN(110, 0, 61, 16, 0) RUN(115, 1, 62, 1, 0), "left");
	assert_int_equal(a->r, 0);
	assert_true(a->w->ended);
	assert_int_equal(a->w->recorded.duration_ns, 10 * MS);
	done(a);
}

#define ZOMBIE(task, process, start) "@2 lttng_statedump_process_state tid=" #task " pid=" #process " name=x container=3 cgroup_id=14 status=4" \
	" start_ns=" #start " syscall=-1\n"

/* A first thread that had ended before the recording. */
static void test_ended_before(void **state)
{
	/* Which process is the oldest it still tells. */
	struct asked *a = ask("@2 container_info index=3 name=left cgroup_path=/left cgroup_id=14\n" ZOMBIE(60, 60, 1000)
		"@2 lttng_statedump_process_state tid=61 pid=60 name=other container=3 cgroup_id=14 status=5 start_ns=1001 syscall=-1\n"
		"@2 lttng_statedump_process_state tid=62 pid=62 name=old container=3 cgroup_id=14 status=5 start_ns=10 syscall=-1\n"
		START(100, 0, 61) START(100, 1, 62) EXIT(110, 0, 61, 60, 2) RUN(110, 0, 61, 16, 0) EXIT(115, 1, 62, 62, 2) RUN(115, 1, 62, 16, 0), "left");

	assert_int_equal(a->r, 0);
	assert_true(a->w->ended);
	assert_int_equal(a->w->recorded.duration_ns, 15 * MS);
	done(a);
}

/* What asks for @name gets told, if that is more than one container. */
static void is_asked(const char *events, const char *name, int r, const char *msg)
{
	struct asked *a = ask(events, name);

	assert_int_equal(a->r, r);
	assert_string_equal(a->err.msg, msg);
	done(a);
}

#define TASK(task, in) "@2 lttng_statedump_process_state tid=" #task " pid=" #task " name=x container=" #in " cgroup_id=1" #task \
	" status=5 syscall=-1\n"
#define ID "0123456789ab"

static void test_names(void **state)
{
	/* Equal names; one that begins like another one's id, and ids that begin alike; no name; one that a terminal must not see. */
	static const char many[] =
		"@2 container_info index=3 name=web id=" ID "0000 cgroup_path=/a cgroup_id=130\n"
		"@2 container_info index=4 name=webs id=" ID "ffff cgroup_path=/b cgroup_id=140\n"
		"@2 container_info index=5 name=\"\" id=" ID "eeee cgroup_path=/c cgroup_id=150\n"
		"@2 container_info index=6 name=" ID " id=abcdefabcdef cgroup_path=/d cgroup_id=160\n"
		"@2 container_info index=7 name=\"\\x1b[31m\" cgroup_path=/e cgroup_id=170\n"
		TASK(30, 3) TASK(40, 4) TASK(50, 5) TASK(60, 6) TASK(70, 7)
		START(10, 0, 7) RUN(20, 0, 7, 1, 0) START(30, 0, 30) RUN(40, 0, 30, 1, 0) START(50, 0, 40) RUN(60, 0, 40, 1, 0)
		START(70, 0, 50) RUN(80, 0, 50, 1, 0) START(90, 0, 60) RUN(100, 0, 60, 1, 0) START(110, 0, 70) RUN(120, 0, 70, 1, 0)
		"@190000000 cpu=0 tid=0 irq_softirq_entry vec=9\n";
	/* A task of web makes one that goes to a container within, and ends there. */
	static const char nested[] =
		"@2 container_info index=3 name=inner parent=1 cgroup_path=/pod/web/in cgroup_id=14\n"
		START(10, 0, 7) "@20000000 cpu=0 tid=7 sched_process_fork parent_tid=7 parent_pid=7 child_tid=30 child_pid=30 child_container=1\n"
		"@20000000 cpu=0 tid=7 sched_wakeup_new tid=30 target_cpu=0\n" RUN(30, 0, 7, 1, 30)
		"@40000000 cpu=0 tid=30 container=3 sched_process_exec filename=/x tid=30 old_tid=30\n"
		RUN(50, 0, 30, 0, 0) RUN(55, 0, 0, 0, 30) RUN(60, 0, 30, 1, 0) START(70, 0, 7) RUN(80, 0, 7, 1, 0)
		"@90000000 cpu=0 tid=0 irq_softirq_entry vec=9\n";
	struct asked *a;

	is_asked(many, "web", -EINVAL, "more than one container is selected: web (#1), web (#3, " ID "); choose one, as -c '#1'");
	is_asked(many, "#3", 0, "");
	is_asked(many, "webs", 0, "");
	is_asked(many, ID "e", 0, "");
	is_asked(many, ID, -EINVAL, "more than one container is selected: web (#3, " ID "), webs (#4, " ID "), " ID "eeee (#5), " ID
		 " (#6, abcdefabcdef); choose one, as -c '#3'");
	is_asked(many, "*[[]31m", 0, "");
	a = ask(nested, "web");
	assert_int_equal(a->r, 0);
	assert_int_equal(a->w->container, 1);
	assert_int_equal(a->w->recorded.duration_ns, 70 * MS);
	done(a);
	a = ask(nested, "inner");
	assert_int_equal(a->r, 0);
	assert_int_equal(a->w->container, 3);
	done(a);
}

/* A runtime may tell the name long after the first task has begun. */
static void test_named_late(void **state)
{
	struct asked *a = ask(START(100, 0, 7) RUN(101, 0, 7, 0, 20)
			      "@101500000 container_info index=1 name=shop cgroup_path=/pod/web cgroup_id=12\n"
			      RUN(102, 0, 20, 1, 7) RUN(109, 0, 7, 1, 0), "shop");

	assert_int_equal(a->r, 0);
	assert_int_equal(a->w->recorded.duration_ns, 7 * MS);
	done(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limit_changed),
		cmocka_unit_test(test_affinity), cmocka_unit_test(test_affinity_inherited), cmocka_unit_test(test_cpuset_changed),
		cmocka_unit_test(test_weight_changed),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_was_limited),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_forks),
		cmocka_unit_test(test_number_again), cmocka_unit_test(test_number_of_the_host),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_goal),
		cmocka_unit_test(test_no_cgroup),
		cmocka_unit_test(test_picture),
		cmocka_unit_test(test_goal_phases),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_kernels),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_no_timers),
		cmocka_unit_test(test_first_process), cmocka_unit_test(test_process_end), cmocka_unit_test(test_ended_before), cmocka_unit_test(test_names),
		cmocka_unit_test(test_named_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
