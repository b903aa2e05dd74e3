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

static void open_until(struct trace *t, const char *events, uint64_t ts)
{
	open_trace(t, events, NULL);
	round_at(t, ts);
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

	open_until(&t, two_intervals, 100 * MS);
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

/* A guest of KVM that is known by its process: what that does is its; in a container, the container's as well. */
static void guests(void **state)
{
	static const char events[] = BEGIN
		"@0 container_info index=3 name=own runtime=kvm init_pid=60\n"
		"@0 container_info index=4 name=within runtime=kvm parent=1 init_pid=7\n"
		"@0 lttng_statedump_process_state tid=60 pid=60 name=qemu container=0 status=5 syscall=-1\n"
		"@0 lttng_statedump_process_state tid=8 pid=8 name=other container=1 cgroup_id=12 status=5 syscall=-1\n"
		"@1ms lttng_statedump_end\n"
		"@10ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		"@30ms cpu=0 tid=7 pid=7 syscall_exit_read ret=-11\n"
		"@40ms cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=60\n"
		"@50ms cpu=0 tid=60 block_rq_complete rwbs=4 bytes=4096 io_container=0\n"
		"@50ms cpu=0 tid=60 pid=60 syscall_exit_read ret=1\n"
		"@60ms cpu=0 tid=60 sched_switch prev_tid=60 prev_state=1 next_tid=8\n"
		"@90ms cpu=0 tid=8 sched_switch prev_tid=8 prev_state=1 next_tid=0\n";
	struct trace t = { .whole = true };

	(void)state;
	open_until(&t, events, 100 * MS);
	IS(&t, "own", CPU, 20);
	IS(&t, "own", SYSCALLS, 10);
	IS(&t, "own", ERRORS, 0);
	NONE(&t, "own", READ);			/* requests are a cgroup's */
	IS(&t, "within", CPU, 30);
	IS(&t, "within", SYSCALLS, 10);
	IS(&t, "within", ERRORS, 10);
	IS(&t, "within", TASKS, 1);
	IS(&t, "web", CPU, 60);
	IS(&t, "web", SYSCALLS, 10);
	IS(&t, "web", TASKS, 2);
	IS(&t, "(host)", CPU, 80);		/* all of it once */
	IS(&t, "(host)", SYSCALLS, 20);
	IS(&t, "(host)", TASKS, 5);
	close_trace(&t);
}

/* Of some containers alone: there is no machine, and not all of their packets. */
static void selection(void **state)
{
	struct trace t = { 0 };

	open_until(&t, two_intervals, 100 * MS);
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
	NONE(&t, "db", WRITE);			/* none can pass */
	NONE(&t, "web", CPU);
	NONE(&t, "web", MEMORY);
	close_trace(&t);
	ph_filter_free(f);
}

/* A filter that only the beginnings of calls can pass counts those. */
static void filtered_by_arguments(void **state)
{
	static const char events[] =
		BEGIN
		"@10ms cpu=0 tid=7 syscall_entry_openat filename=/etc/passwd\n"
		"@20ms cpu=0 tid=7 syscall_exit_openat ret=-2\n"
		"@30ms cpu=0 tid=7 syscall_entry_openat filename=/tmp/x\n"
		"@40ms cpu=0 tid=7 syscall_exit_openat ret=3\n";
	struct trace t = { .whole = true };
	struct ph_err err = { 0 };
	bool chosen[PH_EV_ID_MAX];
	struct ph_filter *f;

	assert_int_equal(ph_filter_parse("syscall_entry_openat.filename ~ \"/etc/*\"", &f, &err), 0);
	open_trace(&t, events, f);
	round_at(&t, 100 * MS);
	IS(&t, "web", SYSCALLS, 10);
	NONE(&t, "web", ERRORS);
	assert_true(ph_top_trace_choose(f, ~0ull, chosen));
	for (size_t i = 0; i < PH_EV_ID_MAX; i++)
		assert_int_equal(chosen[i], ph_class_by_id((uint32_t)i) && !strcmp(ph_class_by_id((uint32_t)i)->name, "syscall_entry_openat"));
	assert_false(ph_top_trace_choose(f, PH_TOP_NETWORK, chosen));
	close_trace(&t);
	ph_filter_free(f);
	/* Where an end can pass, too, it is that which counts. */
	assert_int_equal(ph_filter_parse("tid == 7", &f, &err), 0);
	open_trace(&t, events, f);
	round_at(&t, 100 * MS);
	IS(&t, "web", SYSCALLS, 20);
	IS(&t, "web", ERRORS, 10);
	assert_true(ph_top_trace_choose(f, 1ull << PH_TOP_SYSCALLS, chosen));
	assert_true(chosen[ph_class_by_name("syscall_exit_openat")->id] && !chosen[ph_class_by_name("syscall_entry_openat")->id]);
	assert_false(chosen[PH_EV_block_rq_complete] || chosen[PH_EV_sched_switch]);
	close_trace(&t);
	ph_filter_free(f);
}

static void nothing(void *arg, const struct ph_event *ev)
{
	(void)arg;
	(void)ev;
}

/* Of the running host: what passed the filter, and of files what such events do not tell. */
static void filtered_live(void **state)
{
	static const char events[] =
		"@0 container_info index=5 name=web id=" ID1 " cgroup_path=/docker/" ID1 " cgroup_id=12 net_ns=300 start_ns=1\n"
		"@0 lttng_statedump_process_state tid=60 pid=60 name=nginx container=5 cgroup_id=12 status=5 syscall=-1\n"
		"@10ms cpu=0 tid=60 syscall_exit_openat ret=-2\n"
		"@20ms cpu=0 tid=60 block_rq_complete rwbs=4 bytes=4096 io_container=5\n"
		"@30ms cpu=0 tid=1 container=0 syscall_exit_openat ret=-2\n";
	struct ph_top_want want = { ~(1ull << PH_TOP_RUNQ), ~(1u << PH_TOP_FILES), .filtered = true };
	bool chosen[PH_EV_ID_MAX] = { 0 };
	ph_autobuf out = { 0 };
	struct ph_table_fmt fmt = { 0 };
	struct ph_err err = { 0 };
	struct ph_source *src = parse(events);
	struct ph_identity *id = ph_identity_new();
	struct ph_filter *f;
	struct trace t = { 0 };
	struct host h;

	assert_int_equal(ph_filter_parse("syscall_exit_openat.ret < 0 || bytes > 4000", &f, &err), 0);
	assert_true(ph_top_trace_choose(f, ~0ull, chosen));
	assert_true(chosen[PH_EV_block_rq_complete] && !chosen[PH_EV_net_dev_queue]);
	v2_host(&h);
	add_proc(&h, 60, 1, "nginx", "0::/docker/" ID1 "\n", 700, "\t1");
	add_proc(&h, 61, 1, "other", "0::/lxc.payload.other\n", 701, "\t1");
	put(&h, CG "/cpu.stat", "usage_usec 0\nuser_usec 0\nsystem_usec 0\n");
	put(&h, CG "/io.stat", "8:0 rbytes=0 wbytes=0 rios=0 wios=0 dbytes=0 dios=0\n");
	put(&h, "proc/60/net/dev", "a\nb\n  eth0: 0 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0\n");
	put(&h, "sys/fs/cgroup/lxc.payload.other/io.stat", "8:0 rbytes=0 wbytes=0 rios=0 wios=0 dbytes=0 dios=0\n");
	assert_int_equal(ph_top_open(&t.top, h.root, &want, &err), 0);
	ph_top_events_open(&t.top, &(struct ph_top_trace_opts){ .id = id, .filter = f, .whole = true, .passed = true }, chosen, id, src);
	assert_int_equal(ph_top_round(&t.top, 10 * PH_NSEC, &err), 0);
	put(&h, CG "/cpu.stat", "usage_usec 500000\nuser_usec 0\nsystem_usec 0\n");
	put(&h, CG "/io.stat", "8:0 rbytes=8192 wbytes=8192 rios=2 wios=2 dbytes=0 dios=0\n");
	put(&h, "proc/60/net/dev", "a\nb\n  eth0: 700 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0\n");
	put(&h, "sys/fs/cgroup/lxc.payload.other/io.stat", "8:0 rbytes=9 wbytes=9 rios=1 wios=1 dbytes=0 dios=0\n");
	assert_int_equal(ph_top_events_turn(&t.top, nothing, NULL, &err), 1);
	assert_int_equal(ph_top_round(&t.top, 11 * PH_NSEC, &err), 0);
	IS(&t, ID1, CPU, 50);
	IS(&t, ID1, RX, 700);
	IS(&t, ID1, SYSCALLS, 1);
	IS(&t, ID1, ERRORS, 1);
	IS(&t, ID1, READ, 4096);
	IS(&t, ID1, WRITE, 0);
	NONE(&t, ID1, SOCKET_RX);
	IS(&t, "other", READ, 0);		/* nothing of it has passed */
	IS(&t, "other", SYSCALLS, 0);
	IS(&t, "(host)", SYSCALLS, 2);
	IS(&t, "(host)", READ, 4096);
	ph_strv_add(&fmt.fields, "cpu_percent");
	ph_strv_add(&fmt.fields, "syscalls_per_s");
	ph_strv_add(&fmt.fields, "socket_rx_bytes_per_s");
	ph_top_missing(&t.top, &fmt, &out);
	assert_string_equal(out.p, "syscalls_per_s: only of events that pass the filter; the other columns are as without it\n"
				   "socket_rx_bytes_per_s: not counted with a filter\n");
	ph_strv_done(&fmt.fields);
	ph_top_close(&t.top);
	ph_source_close(src);
	ph_identity_free(id);
	ph_filter_free(f);
	host_done(&h);
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

	open_until(&t, events, 100 * MS);
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

	open_until(&t, events, 60 * MS);
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

	open_until(&t, events, 100 * MS);
	IS(&t, "web", CPU, 30);
	IS(&t, "(host)", STEAL, 20);
	IS(&t, "web", HOST_STEAL, 20);
	close_trace(&t);
}

/* Each process once, also where its first thread has ended and others go on. */
static void processes(void **state)
{
	static const char events[] = BEGIN
		"@0 lttng_statedump_process_state tid=8 pid=7 name=a container=1 cgroup_id=12 status=5 syscall=-1\n"
		"@0 lttng_statedump_process_state tid=9 pid=7 name=b container=1 cgroup_id=12 status=5 syscall=-1\n"
		"@1ms lttng_statedump_end\n"
		"@10ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7 next_comm=nginx\n"
		"@120ms cpu=0 tid=7 pid=7 container=1 sched_process_exit tid=7 process_end=1\n"
		"@120ms cpu=0 tid=7 sched_switch prev_tid=7 prev_comm=nginx prev_state=16 next_tid=0\n"
		"@220ms cpu=0 tid=0 sched_switch prev_tid=0 next_tid=8\n@230ms cpu=0 tid=8 sched_switch prev_tid=8 prev_state=1 next_tid=0\n";
	struct trace t = { 0 };

	open_trace(&t, events, NULL);
	for (int i = 1; i <= 3; i++) {
		int n = 0;

		round_at(&t, i * 100 * MS);
		ph_vec_each(task, &t.top.scan.tasks) {
			if (task->container == 1) {
				n++;
				assert_int_equal(task->pid, 7);
				assert_string_equal(task->comm, "nginx");
			}
		}
		assert_int_equal(n, 1);
	}
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
	open_until(&t, two_intervals, 100 * MS);
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
		cmocka_unit_test(filtered_by_arguments), cmocka_unit_test(filtered_live),
		cmocka_unit_test(comes_and_goes), cmocka_unit_test(readings_alone), cmocka_unit_test(steal),
		cmocka_unit_test(processes), cmocka_unit_test(missing), cmocka_unit_test(guests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
