/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of top and stat from events whose numbers are known. */
#include "top_host.h"

#include <stdio.h>
#include <stdlib.h>

#include "live/stat.h"
#include "live/top_trace.h"
#include "source/synthetic.h"

#define MS 1000000ul

struct trace {
	struct ph_identity *id;
	struct ph_source *src;
	struct ph_event *ev;	/* that the last round came before */
	struct ph_top top;
	bool whole;
};

static struct ph_source *parse(const char *events)
{
	struct ph_source *src;
	struct ph_err err = { 0 };

	if (ph_synthetic_parse(events, &src, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		fail();
	}
	return src;
}

static void open_trace(struct trace *t, const char *events, struct ph_filter *filter)
{
	struct ph_source *ahead = parse(events);
	struct ph_err err = { 0 };
	struct ph_event *ev;

	t->id = ph_identity_new();
	t->ev = NULL;
	ph_top_trace_open(&t->top, &(struct ph_top_trace_opts){ .id = t->id, .whole = t->whole, .filter = filter });
	while (ph_source_next(ahead, &ev, &err) > 0) {
		ph_top_trace_class(&t->top, ev->cls);
		ph_top_trace_ahead(&t->top, ev);
	}
	ph_source_close(ahead);
	t->src = parse(events);
	ph_top_trace_begin(&t->top, 0);
}

static void close_trace(struct trace *t)
{
	ph_top_close(&t->top);
	ph_source_close(t->src);
	ph_identity_free(t->id);
}

/* All events before @ts, which ends an interval. */
static void round_at(struct trace *t, uint64_t ts)
{
	struct ph_err err = { 0 };

	while (t->ev || ph_source_next(t->src, &t->ev, &err) > 0) {
		if (t->ev->ts_ns >= ts)
			break;
		ph_identity_feed(t->id, t->ev);
		ph_top_trace_feed(&t->top, t->ev);
		t->ev = NULL;
	}
	ph_top_trace_round(&t->top, ts);
}

static const struct ph_top_row *row(struct trace *t, const char *name)
{
	ph_vec_each(r, &t->top.rows)
		if (!(*r)->gone && !strcmp(ph_top_name(*r), name))
			return *r;
	return NULL;
}

#define CELL(trace, name, col) cell(&(trace)->top, row(trace, name), PH_TOP_COL_##col)
#define IS(trace, name, col, want) do {									\
	double is_ = CELL(trace, name, col);								\
	if (!(fabs(is_ - (want)) < 0.01))								\
		fail_msg("%s of %s is %f, not %f", #col, name, is_, (double)(want));			\
} while (0)
#define NONE(trace, name, col) assert_true(isnan(CELL(trace, name, col)))

/* web may use half a CPU, its pod 0.4; db is not limited. */
#define BEGIN											\
	"@0 container_info index=1 name=web cgroup_path=/web cgroup_id=12 net_ns=300 start_ns=1\n"	\
	"@0 container_info index=2 name=db cgroup_path=/db cgroup_id=13 net_ns=100 start_ns=1\n"	\
	"@0 statedump_cgroup id=1 container=0 cpu_quota_us=-1 cpu_period_us=100000 cpu_weight=100 memory_max_bytes=-1 path=/\n"	\
	"@0 statedump_cgroup id=12 parent_id=1 container=1 cpu_quota_us=50000 cpu_period_us=100000 cpu_weight=100 "	\
	"memory_max_bytes=10000 path=/web\n"								\
	"@0 statedump_cgroup id=14 parent_id=12 container=1 cpu_quota_us=-1 cpu_period_us=100000 cpu_weight=100 "	\
	"memory_max_bytes=-1 path=/web/below\n"								\
	"@0 statedump_cgroup id=13 parent_id=1 container=2 cpu_quota_us=-1 cpu_period_us=100000 cpu_weight=100 "	\
	"memory_max_bytes=-1 path=/db\n"								\
	"@0 lttng_statedump_process_state tid=1 pid=1 name=init container=0 status=5 syscall=-1\n"	\
	"@0 lttng_statedump_process_net_ns tid=1 ns_inum=100\n"					\
	"@0 lttng_statedump_process_state tid=7 pid=7 name=nginx container=1 cgroup_id=12 status=5 syscall=-1\n"	\
	"@0 lttng_statedump_process_state tid=20 pid=20 name=postgres container=2 cgroup_id=13 status=5 syscall=-1\n"

#define STAT(at, id, container, rest) "@" at " cgroup_stat id=" id " container=" container " " rest "\n"

static const char two_intervals[] =
	BEGIN
	STAT("0", "12", "1", "usage_ns=1 nr_periods=10 nr_throttled=4 cpu_some_ns=1000 io_some_ns=-1 memory_some_ns=-1 throttled_local_ns=-1 "
	     "memory_bytes=4000 memory_inactive_file_bytes=1000 page_faults=100 major_faults=7 pids_current=9")
	STAT("0", "14", "1", "usage_ns=1 nr_periods=900 memory_bytes=1 throttled_local_ns=-1")
	STAT("0", "13", "2", "usage_ns=1 cpu_some_ns=-1 io_some_ns=-1 memory_bytes=-1 throttled_local_ns=-1")
	"@1ms lttng_statedump_end\n"
	"@10ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	"@20ms cpu=0 tid=7 net_dev_queue len=1000 name=eth0 netns=300\n"
	"@20ms cpu=0 tid=7 net_dev_queue len=9999 name=lo netns=300\n"
	"@40ms cpu=0 tid=7 syscall_entry_read\n"
	"@50ms cpu=0 tid=7 block_rq_complete rwbs=4 bytes=4096 io_container=1\n"
	"@60ms cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
	"@70ms cpu=1 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	"@80ms cpu=1 tid=0 sched_limit_begin cgroup_id=12 on_cpu=1 begin_ns=80000000 quota_ns=50000000 period_ns=100000000 whole=1\n"
	"@90ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	"@120ms cpu=1 tid=0 net_if_receive_skb len=86 name=eth0 netns=300\n"
	"@130ms cpu=1 tid=0 sched_limit_end cgroup_id=12 on_cpu=1 begin_ns=80000000 throttled_ns=50000000\n"
	"@140ms cpu=0 tid=7 syscall_exit_read ret=-11\n"
	"@142ms cpu=0 tid=7 syscall_entry_read\n"
	"@142ms cpu=0 tid=7 syscall_exit_read ret=-512\n"
	"@150ms cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=20\n"
	"@160ms cpu=0 tid=20 block_rq_complete rwbs=1 bytes=8192 io_container=2\n"
	"@160ms cpu=0 tid=20 block_rq_complete rwbs=1 bytes=100 dev=7340032 io_container=0\n"
	STAT("200ms", "12", "1", "usage_ns=1 nr_periods=30 nr_throttled=9 cpu_some_ns=100001000 io_some_ns=-1 memory_some_ns=-1 "
	     "throttled_local_ns=-1 memory_bytes=5000 memory_inactive_file_bytes=6000 page_faults=140 major_faults=7 pids_current=9");

static void counters(void **state)
{
	struct trace t = { .whole = true };

	open_trace(&t, two_intervals, NULL);
	round_at(&t, 100 * MS);
	IS(&t, "web", CPU, 60);			/* 10-60, 90-100 */
	IS(&t, "web", CPU_NS, 60 * MS);
	IS(&t, "web", USER, 30);		/* until its first call, and of that on in the kernel */
	IS(&t, "web", SYSTEM, 30);
	IS(&t, "web", OF_LIMIT, 120);
	IS(&t, "web", RUNQ, 20);		/* 70-90 */
	IS(&t, "web", THROTTLED, 20);		/* 2.5 of 10 periods, of which 2 are whole */
	IS(&t, "web", THROTTLED_NS, 20 * MS);	/* 80-100 */
	IS(&t, "web", CPU_SOME, 50);
	NONE(&t, "web", IO_SOME);
	IS(&t, "web", MEMORY, 4000);
	IS(&t, "web", WSET, 3000);
	IS(&t, "web", MEM_OF, 30);
	IS(&t, "web", FAULTS, 200);		/* 20 of 40 */
	IS(&t, "web", MAJOR, 0);
	IS(&t, "web", MEM_LIMIT, 10000);
	IS(&t, "web", TASKS, 1);
	IS(&t, "web", READ, 40960);
	IS(&t, "web", WRITE, 0);
	IS(&t, "web", TX, 10000);
	IS(&t, "web", RX, 0);
	IS(&t, "web", SYSCALLS, 0);
	IS(&t, "web", INTERVAL, 100 * MS);
	IS(&t, "db", CPU, 0);
	IS(&t, "db", THROTTLED, 0);
	NONE(&t, "db", CPU_SOME);
	NONE(&t, "db", RX);			/* it shares the host's */
	NONE(&t, "db", MEMORY);
	IS(&t, "(host)", CPU, 60);
	IS(&t, "(host)", READ, 40960);
	IS(&t, "(host)", LIMIT, 2);
	round_at(&t, 200 * MS);
	IS(&t, "web", CPU, 50);			/* 100-150 */
	IS(&t, "web", USER, 10);
	IS(&t, "web", SYSTEM, 40);
	IS(&t, "web", RUNQ, 50);		/* 150-200 */
	IS(&t, "web", THROTTLED, 30);
	IS(&t, "web", THROTTLED_NS, 30 * MS);	/* 100-130 */
	IS(&t, "web", RX, 1000);		/* with the link's header */
	IS(&t, "web", TX, 0);
	IS(&t, "web", SYSCALLS, 20);
	IS(&t, "web", ERRORS, 10);
	IS(&t, "web", MEMORY, 5000);
	IS(&t, "web", WSET, 0);
	IS(&t, "db", CPU, 50);
	IS(&t, "db", WRITE, 81920);
	IS(&t, "(host)", CPU, 100);
	IS(&t, "(host)", WRITE, 81920);		/* a loop device's is another device's once more */
	IS(&t, "(host)", RUNQ, 50);
	assert_int_equal(t.top.rows.n, 3);
	close_trace(&t);
}

/* Of some containers alone: there is no machine, and not all of their packets. */
static void selection(void **state)
{
	struct trace t = { 0 };

	open_trace(&t, two_intervals, NULL);
	round_at(&t, 100 * MS);
	IS(&t, "web", CPU, 60);
	NONE(&t, "web", TX);
	NONE(&t, "web", HOST_CPU);
	NONE(&t, "(host)", CPU);
	close_trace(&t);
}

/* What is not counted event by event knows of no filter. */
static void filtered(void **state)
{
	struct trace t = { .whole = true };
	struct ph_err err = { 0 };
	struct ph_filter *f;

	assert_int_equal(ph_filter_parse("syscall_exit_*.ret == -11", &f, &err), 0);
	open_trace(&t, two_intervals, f);
	round_at(&t, 100 * MS);
	round_at(&t, 200 * MS);
	IS(&t, "web", SYSCALLS, 10);
	IS(&t, "web", ERRORS, 10);
	IS(&t, "db", WRITE, 0);
	NONE(&t, "web", CPU);
	NONE(&t, "web", MEMORY);
	close_trace(&t);
	ph_filter_free(f);
}

/* A container that comes and goes is there in the intervals of which it was. */
static void comes_and_goes(void **state)
{
	static const char events[] =
		BEGIN
		"@1ms lttng_statedump_end\n"
		"@5ms cpu=0 tid=0 sched_wakeup tid=20 target_cpu=0\n"
		"@10ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=20\n"
		"@120ms cpu=0 tid=20 cgroup_mkdir id=15 container=3 path=/job\n"
		"@120ms container_info index=3 name=job cgroup_path=/job cgroup_id=15 state=running\n"
		"@130ms cpu=0 tid=20 sched_process_fork parent_tid=20 parent_pid=20 child_tid=30 child_pid=30 child_container=3\n"
		"@130ms cpu=0 tid=20 sched_wakeup_new tid=30 target_cpu=0\n"
		"@150ms cpu=0 tid=20 sched_switch prev_tid=20 prev_state=1 next_tid=30\n"
		STAT("160ms", "15", "3", "usage_ns=9000000 nr_periods=3 throttled_local_ns=-1 cpu_some_ns=20000000 io_some_ns=-1 memory_some_ns=-1 "
		     "memory_bytes=700")
		"@220ms cpu=0 tid=30 sched_process_exit tid=30\n"
		"@230ms cpu=0 tid=30 sched_switch prev_tid=30 prev_state=64 next_tid=0\n"
		"@240ms container_stop index=3\n"
		"@390ms cpu=0 tid=0 sched_wakeup tid=20 target_cpu=0\n";
	struct trace t = { 0 };

	open_trace(&t, events, NULL);
	round_at(&t, 100 * MS);
	assert_null(row(&t, "job"));
	IS(&t, "db", CPU, 90);
	round_at(&t, 200 * MS);
	IS(&t, "job", CPU, 50);			/* 150-200 */
	IS(&t, "job", RUNQ, 20);		/* 130-150 */
	IS(&t, "job", CPU_SOME, 20);		/* from nothing */
	IS(&t, "job", MEMORY, 700);
	IS(&t, "job", TASKS, 1);
	IS(&t, "db", CPU, 50);
	NONE(&t, "job", SYSCALLS);		/* there are none in this trace */
	round_at(&t, 300 * MS);
	IS(&t, "job", CPU, 30);
	IS(&t, "job", TASKS, 0);
	round_at(&t, 400 * MS);
	assert_null(row(&t, "job"));
	close_trace(&t);
}

/* Without switches the kernel's own readings are what there is: they are divided evenly. */
static void readings_alone(void **state)
{
	static const char events[] =
		BEGIN
		STAT("10ms", "12", "1", "usage_ns=1000000000 user_ns=600000000 system_ns=400000000")
		"@11ms lttng_statedump_end\n"
		STAT("110ms", "12", "1", "usage_ns=1050000000 user_ns=640000000 system_ns=410000000")
		STAT("310ms", "12", "1", "usage_ns=1050000000 user_ns=640000000 system_ns=410000000");
	struct trace t = { 0 };

	open_trace(&t, events, NULL);
	round_at(&t, 60 * MS);
	IS(&t, "web", CPU_NS, 25 * MS);		/* what was before the first reading is not known */
	IS(&t, "web", USER, 25 * 0.8 / 0.6);
	IS(&t, "web", SYSTEM, 25 * 0.2 / 0.6);
	NONE(&t, "web", RUNQ);
	assert_null(row(&t, "db"));		/* not recorded: nothing is told of it */
	round_at(&t, 120 * MS);
	IS(&t, "web", CPU_NS, 25 * MS);
	round_at(&t, 400 * MS);
	IS(&t, "web", CPU_NS, 0);
	close_trace(&t);
}

/* What the hypervisor takes is the machine's, and no task's. */
static void steal(void **state)
{
	static const char events[] =
		BEGIN
		STAT("0", "12", "1", "usage_ns=1")
		"@10ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		"@60ms cpu=0 tid=7 cpu_steal steal_ns=20000000\n"
		"@60ms cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
		"@110ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n";
	struct trace t = { .whole = true };

	open_trace(&t, events, NULL);
	round_at(&t, 100 * MS);
	IS(&t, "web", CPU, 30);
	IS(&t, "(host)", STEAL, 20);
	IS(&t, "web", HOST_STEAL, 20);
	close_trace(&t);
}

/* The sentences on what the trace does not have. */
static void missing(void **state)
{
	struct ph_table_fmt fmt = { .output = PH_OUT_COLUMNS };
	struct trace t = { 0 };
	ph_autobuf out = { 0 };

	ph_strv_add(&fmt.fields, "container");
	ph_strv_add(&fmt.fields, "cpu_percent");
	ph_strv_add(&fmt.fields, "io_some_percent");
	ph_strv_add(&fmt.fields, "net_rx_bytes_per_s");
	ph_strv_add(&fmt.fields, "net_tx_bytes");
	ph_strv_add(&fmt.fields, "open_files");
	open_trace(&t, two_intervals, NULL);
	round_at(&t, 100 * MS);
	ph_top_missing(&t.top, &fmt, &out);
	assert_string_equal(out.p, "net_rx_bytes_per_s, net_tx_bytes: the trace has no packets, or not everybody's: record with -e net and "
				   "-a, as whoever runs at the moment handles a container's\n"
				   "io_some_percent: the trace has none (PSI takes cgroup v2, and a kernel that has it switched on)\n"
				   "open_files: traces do not have it\n");
	close_trace(&t);
	ph_strv_done(&fmt.fields);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters), cmocka_unit_test(selection), cmocka_unit_test(filtered),
		cmocka_unit_test(comes_and_goes), cmocka_unit_test(readings_alone), cmocka_unit_test(steal),
		cmocka_unit_test(missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
