/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The figures and the words of `why slow`, from streams whose truth is known. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/slow_report.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "source/synthetic.h"

#define MS 1000000ul

/* Containers 1 "web" with tasks 7 and 8, 2 "db" with 20; all run for a moment and sleep then. */
static const char setup[] =
	"@0 container_info index=1 name=web cgroup_path=/pod/web cgroup_id=12\n"
	"@0 container_info index=2 name=db cgroup_path=/db cgroup_id=13\n"
	/* The pod's limit is below the container's own. */
	"@0 statedump_cgroup hierarchy=0 id=11 container=0 cpu_quota_us=-1 memory_max_bytes=67108864 path=/pod\n"
	"@0 statedump_cgroup hierarchy=0 id=12 parent_id=11 container=1 cpu_quota_us=-1 memory_max_bytes=134217728 path=/pod/web\n"
	"@0 lttng_statedump_block_device dev=266338304 diskname=vda\n"
	"@0 lttng_statedump_process_state tid=7 pid=7 name=nginx container=1 cgroup_id=12 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=8 pid=7 name=worker container=1 cgroup_id=12 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=20 pid=20 name=postgres container=2 cgroup_id=13 status=5 syscall=-1\n"
	"@0 cpu=0 tid=0 irq_softirq_raise\n@0 cpu=1 tid=0 irq_softirq_raise\n"
	"@1 cpu=0 tid=0 sched_waking tid=7 target_cpu=0\n@1 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	"@1 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n";

/* Stacks are asked for. */
static bool with;
static struct ph_selection *selected;

static struct ph_slow *analyse(const char *events, struct ph_identity **ret_id, const char *call)
{
	struct ph_identity *id = ph_identity_new();
	struct ph_slow *s = ph_slow_new(id, selected);
	ph_autofree char *text = ph_asprintf("%s%s", setup, events);
	struct ph_source *src;
	struct ph_err err = { 0 };
	struct ph_event *ev;
	ph_strv calls = { 0 };

	s->stacks = with;
	if (call) {
		ph_strv_add(&calls, call);
		assert_int_equal(ph_slow_choose_calls(s, &calls, &err), 0);
		ph_strv_done(&calls);
	}
	if (ph_synthetic_parse(text, &src, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		fail();
	}
	while (ph_source_next(src, &ev, &err) > 0) {
		ph_identity_feed(id, ev);
		ph_slow_feed(s, ev);
	}
	ph_slow_finish(s, 1000 * MS);
	ph_source_close(src);
	*ret_id = id;
	return s;
}

static struct ph_slow_group *group(struct ph_slow *s, uint32_t container)
{
	ph_vec_each(g, &s->groups)
		if ((*g)->container == container)
			return *g;
	fail();
	return NULL;
}

static const struct ph_slow_call *call(struct ph_slow *s, uint32_t container, const char *name)
{
	ph_vec_each(c, &group(s, container)->calls)
		if (!strcmp(ph_slow_call_name((*c)->nr, (*c)->compat), name))
			return *c;
	return NULL;
}

static void done(struct ph_slow *s, struct ph_identity *id)
{
	ph_slow_free(s);
	ph_identity_free(id);
}

/* The sentence about web. */
static void verdict(const char *events, const char *want)
{
	struct ph_identity *id;
	struct ph_slow *s = analyse(events, &id, NULL);
	ph_autobuf text = { 0 };

	ph_slow_verdict_text(s, group(s, 1), &text);
	assert_string_equal(text.p, want);
	done(s, id);
}

/* Ten times woken by db, which runs for another 20 ms before it lets go of the CPU. */
static const char waits_for_cpu[] =
	"@2 cpu=0 tid=7 syscall_entry_futex\n@3 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=20\n"
	"@10000000 cpu=0 tid=20 sched_waking tid=7 target_cpu=0\n@10000500 cpu=0 tid=20 sched_wakeup tid=7 target_cpu=0\n"
	"@30000000 cpu=0 tid=20 sched_switch prev_tid=20 prev_state=0 next_tid=7\n"
	"@31000000 cpu=0 tid=7 syscall_exit_futex ret=0\n"
	"@32000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=20\n"
	"@62000000 cpu=0 tid=20 sched_switch prev_tid=20 prev_state=1 next_tid=7\n"
	"@63000000 cpu=0 tid=7 syscall_entry_epoll_wait\n"
	"@64000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n";

static void test_run_queue(void **state)
{
	struct ph_identity *id;
	struct ph_slow *s = analyse(waits_for_cpu, &id, NULL);
	const struct ph_slow_group *g = group(s, 1);
	const struct ph_slow_call *c = call(s, 1, "futex");

	/* The wake-up of the beginning took no time. */
	assert_int_equal(g->run_queue.n, 3);
	assert_int_equal(g->run_queue.sum, 19999500 + 30 * MS);
	assert_int_equal(g->run_queue.max, 30 * MS);
	assert_int_equal(g->wakeup.n, 2);
	assert_int_equal(g->wakeup.sum, 20 * MS);
	assert_int_equal(g->ns[PH_HOLD_CPU], 19999500 + 30 * MS);
	/* The parts of a call are its time. */
	assert_non_null(c);
	assert_int_equal(c->hist.n, 1);
	assert_int_equal(c->hist.sum, 31 * MS - 2);
	assert_int_equal(c->ns[PH_WAIT_FUTEX], 10000500 - 3);
	assert_int_equal(c->ns[PH_HOLD_CPU], 30 * MS - 10000500);
	assert_int_equal(c->ns[PH_HOLD_RUN], MS + 1);
	assert_int_equal(call(s, 1, "epoll_wait")->unfinished, 1);
	/* The slowest of all is the one that the CPU kept, not the one that has nothing to do. */
	assert_int_equal(s->slowest.n, 2);
	assert_string_equal(ph_slow_call_name(s->slowest.v[0].nr, false), "futex");
	assert_int_equal(s->slowest.v[0].hold, PH_HOLD_CPU);
	assert_true(s->slowest.v[1].unfinished);
	done(s, id);
	verdict(waits_for_cpu, "web spent 93 % of the time that it was busy waiting for a CPU, 3 times: half of these waits took more "
		"than 20.4 ms, one in a hundred 30 ms and more, the longest 30 ms. Meanwhile ran db (100 %). More CPU, a larger "
		"weight or fewer neighbours would help.");
}

/* Who is woken is said of the longest wait. */
static void test_slowest(void **state)
{
	struct ph_identity *id;
	struct ph_slow *s = analyse(
		"@2 cpu=0 tid=7 syscall_entry_openat filename=/etc/passwd\n@3 cpu=0 tid=7 syscall_exit_openat ret=-2\n"
		"@5 cpu=0 tid=7 syscall_entry_read fd=9\n"
		"@6 cpu=0 tid=7 sched_block tid=7 state=1 nr=read fd=9 mode=4480\n"	/* a FIFO */
		"@7 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=20 next_comm=postgres\n"
		"@40000000 cpu=0 tid=20 sched_waking tid=7 target_cpu=0\n@40000000 cpu=0 tid=20 sched_wakeup tid=7 target_cpu=0\n"
		"@40000000 cpu=0 tid=20 sched_switch prev_tid=20 prev_state=1 next_tid=7\n"
		"@40000100 cpu=0 tid=7 syscall_exit_read ret=5\n", &id, NULL);
	const struct ph_slow_one *one = &s->slowest.v[0];

	assert_int_equal(s->slowest.n, 2);
	assert_string_equal(ph_slow_call_name(one->nr, false), "read");
	assert_int_equal(one->ns, 40000095);
	assert_int_equal(one->ret, 5);
	assert_int_equal(one->fd, 9);
	assert_int_equal(one->waker_tid, 20);
	assert_string_equal(one->waker_comm, "postgres");
	assert_int_equal(one->waker_container, 2);
	assert_string_equal(s->slowest.v[1].text, "/etc/passwd");
	assert_int_equal(call(s, 1, "openat")->errors, 1);
	done(s, id);
	/* Chosen calls: others are not there, nor waits in them. */
	s = analyse(waits_for_cpu, &id, "epoll_*");
	assert_null(call(s, 1, "futex"));
	ph_vec_each(w, &group(s, 1)->waits)
		assert_int_equal((*w)->hold, PH_WAIT_POLL);
	assert_int_equal(s->slowest.n, 1);
	done(s, id);
}

/* Nobody saw the timer; but it was what ended it, unless a signal did. */
static void test_timer_unseen(void **state)
{
	for (int signalled = 0; signalled < 2; signalled++) {
		ph_autofree char *events = ph_asprintf(
			"@2 cpu=0 tid=7 syscall_entry_nanosleep\n@7 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
			"@90000007 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n@90000010 cpu=0 tid=7 syscall_exit_nanosleep ret=%d\n",
			signalled ? -516 : 0);
		struct ph_identity *id;
		struct ph_slow *s = analyse(events, &id, "nanosleep");

		(void)state;
		assert_int_equal(s->slowest.n, 1);
		assert_int_equal(s->slowest.v[0].hold, PH_WAIT_TIMER);
		assert_int_equal(s->slowest.v[0].hold_ns, 90000000);
		assert_int_equal(s->slowest.v[0].waker, signalled ? PH_WAKER_UNKNOWN : PH_WAKER_TIMER);
		assert_int_equal(call(s, 1, "nanosleep")->ns[PH_HOLD_UNKNOWN], 0);
		done(s, id);
	}
}

/* A gap within a call: how long it was is not known. */
static void test_gap(void **state)
{
	struct ph_identity *id;
	struct ph_slow *s = analyse("@2 cpu=0 tid=7 syscall_entry_read fd=9\n"
				    "@300 cpu=0 events_discarded count=7 begin_ns=100 end_ns=300 gap_cpu=0\n"
				    "@400 cpu=0 tid=7 syscall_exit_read ret=5\n", &id, NULL);
	ph_autobuf note = { 0 };

	assert_null(call(s, 1, "read"));
	assert_int_equal(s->doubtful, 1);
	assert_true(ph_slow_note(s, 0, &note));
	assert_string_equal(note.p, "7 events were lost in 1 gap, 200 ns long together: what tasks did then is counted as unknown, "
			    "and 1 call is not counted");
	done(s, id);
}

/* Single events that were missed take nothing from the others. */
static void test_missed(void **state)
{
	struct ph_identity *id;
	struct ph_slow *s = analyse("@2 cpu=0 tid=7 syscall_entry_read fd=9\n"
				    "@300 cpu=0 events_discarded count=7 begin_ns=100 end_ns=500 gap_cpu=-1\n"
				    "@400 cpu=0 tid=7 syscall_exit_read ret=5\n", &id, NULL);

	assert_non_null(call(s, 1, "read"));
	assert_int_equal(s->doubtful, 0);
	assert_int_equal(s->seen.gaps, 0);
	assert_int_equal(s->seen.missed, 7);
	done(s, id);
}

/* web writes and waits; db has a request in the same device's queue for a part of it. */
static const char on_disk[] =
	"@2 cpu=0 tid=7 syscall_entry_fsync fd=3\n"
	"@1000000 cpu=0 tid=7 container=1 block_rq_insert dev=266338304 sector=100 bytes=4096 rwbs=1 tid=7\n"
	"@3000000 cpu=0 tid=7 container=1 block_rq_issue dev=266338304 sector=100 bytes=4096 rwbs=1 tid=7 io_container=1\n"
	"@3000100 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=2 next_tid=20\n"
	"@5000000 cpu=0 tid=20 container=2 block_rq_issue dev=266338304 sector=900 bytes=1048576 rwbs=4 tid=20 io_container=2\n"
	"@9000000 cpu=0 tid=20 sched_switch prev_tid=20 prev_state=2 next_tid=0\n"
	"@23000000 cpu=1 tid=0 block_rq_complete dev=266338304 sector=100 bytes=4096 rwbs=1 io_container=1\n"
	"@23000001 cpu=1 tid=0 sched_waking tid=7 target_cpu=0\n@23000002 cpu=1 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	"@23000002 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	"@23000102 cpu=0 tid=7 syscall_exit_fsync ret=0\n"
	"@25000000 cpu=1 tid=0 block_rq_complete dev=266338304 sector=900 bytes=1048576 rwbs=4 io_container=2\n"
	"@25000000 cpu=0 tid=7 syscall_entry_epoll_wait\n"
	"@25000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n";

static void test_disk(void **state)
{
	struct ph_identity *id;
	struct ph_slow *s = analyse(on_disk, &id, NULL);
	const struct ph_slow_group *g = group(s, 1);

	assert_int_equal(g->disks.n, 1);
	assert_int_equal(g->disks.v[0]->op, PH_OP_WRITE);
	assert_int_equal(g->disks.v[0]->bytes, 4096);
	assert_int_equal(g->disks.v[0]->device.sum, 20 * MS);
	assert_int_equal(g->disks.v[0]->queue.sum, 2 * MS);
	assert_int_equal(group(s, 2)->disks.v[0]->op, PH_OP_READ);
	assert_int_equal(group(s, 2)->disks.v[0]->device.sum, 20 * MS);
	assert_int_equal(s->users.n, 2);
	ph_vec_each(u, &s->users) {
		assert_int_equal((*u)->ns, 18 * MS);
		assert_int_equal((*u)->requests, 1);
		assert_int_equal((*u)->bytes, (*u)->container == 1 ? 1048576 : 4096);
	}
	done(s, id);
	verdict(on_disk, "web spent 80 % of the time that it was busy waiting for disks, 20 ms of it in 1 fsync and the like. vda took "
		"20 ms for each of its 1 write on average, one in a hundred 20 ms and more, after 2 ms in the queue. Meanwhile db had "
		"1 request of 1.0 MiB there.");
}

static const char on_net[] =
	"@5 cpu=0 tid=7 container=1 inet_sock_set_state skaddr=1 oldstate=7 newstate=2 sport=40000 dport=5432 family=2 daddr=0a000005 sock_container=1\n"
	"@4000005 cpu=0 tid=7 inet_sock_set_state skaddr=1 oldstate=2 newstate=1 sport=40000 dport=5432 family=2 daddr=0a000005 sock_container=1\n"
	"@4000006 cpu=0 tid=7 inet_sock_set_state skaddr=2 oldstate=7 newstate=2 sport=40001 dport=5432 family=2 daddr=0a000005 sock_container=1\n"
	"@5000000 cpu=0 tid=7 inet_sock_set_state skaddr=2 oldstate=2 newstate=7 sport=40001 dport=5432 family=2 daddr=0a000005 sock_container=1\n"
	"@5000000 cpu=0 tid=0 tcp_retransmit_skb skaddr=1 sport=40000 dport=5432 family=2 daddr=0a000005 sock_container=1\n"
	"@5000000 cpu=0 tid=0 tcp_retransmit_skb skaddr=1 sport=40000 dport=5432 family=2 daddr=0a000005 sock_container=1\n"
	"@5000000 cpu=0 tid=0 tcp_retransmit_skb skaddr=1 sport=40000 dport=5432 family=2 daddr=0a000005 sock_container=1\n"
	"@6000000 cpu=1 tid=0 inet_sock_set_state skaddr=3 oldstate=3 newstate=1 sport=80 dport=50000 family=2 daddr=0a000006 sock_container=1\n"
	"@6500000 cpu=1 tid=0 tcp_listen_overflow skaddr=4 sport=80 family=2 backlog=1 queued=2 sock_container=1\n"
	"@7000000 cpu=0 tid=7 syscall_entry_accept4 fd=3\n@7000100 cpu=0 tid=7 syscall_exit_accept4 ret=5\n"
	"@7000200 cpu=0 tid=7 syscall_entry_recvfrom fd=4\n"
	"@7000300 cpu=0 tid=7 sched_block tid=7 state=1 nr=recvfrom fd=4 mode=49152 family=2 sport=40000 dport=5432 daddr=0a000005\n"
	"@7000300 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
	"@97000300 cpu=0 tid=0 sched_waking tid=7 target_cpu=0\n@97000300 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	"@97000300 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	"@98000300 cpu=0 tid=7 sched_block tid=7 state=1 nr=accept fd=3 mode=49152 family=2 sport=80\n"
	"@98000300 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n";

static void test_net(void **state)
{
	struct ph_identity *id;
	struct ph_slow *s = analyse(on_net, &id, NULL);
	const struct ph_slow_group *g = group(s, 1);

	assert_int_equal(g->nets.n, 2);
	ph_vec_each(it, &g->nets) {
		const struct ph_slow_net *n = *it;

		if (n->object.thing == PH_THING_PEER) {
			assert_int_equal(n->connect.n, 1);
			assert_int_equal(n->connect.sum, 4 * MS);
			assert_int_equal(n->failed, 1);
			assert_int_equal(n->retransmits, 3);
		} else {
			assert_int_equal(n->object.port, 80);
			assert_int_equal(n->accept.sum, 1000100);
			assert_int_equal(n->overflows, 1);
		}
	}
	assert_int_equal(g->ns[PH_HOLD_CLIENT], 1000 * MS - 98000300);
	done(s, id);
	verdict(on_net, "web waited 94 % of its time for answers over sockets, longest for 10.0.0.5:5432 (1 time, 90 ms on average, at most "
		"90 ms). Its port 80 turned connections away 1 time: 1 may wait to be accepted (the backlog of listen), and it was "
		"full. TCP had to send 3 segments again, to 10.0.0.5:5432.");
}

static void test_verdicts(void **state)
{
	static const struct { const char *events, *want; } cases[] = {
		{ "@900000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n",
		  "web was not kept waiting: 100 % of the time that it was busy it ran (900 ms of CPU time). To be faster it must compute "
		  "less, or on more CPUs at once." },
		{ "@100 cpu=0 tid=7 syscall_entry_nanosleep\n"
		  "@200 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n",
		  "web was idle: it waited for something to do." },
		{ "@100000000 cpu=0 tid=7 sched_throttle_begin tid=7 cgroup_id=12 limit_cgroup_id=12 quota_ns=30000000 period_ns=100000000\n"
		  "@100000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=0\n",
		  "web spent 90 % of the time that it was busy throttled by a CPU limit; porthole why throttled tells which, and what would do." },
		{ "@100000000 cpu=0 tid=7 mm_vmscan_memcg_reclaim_begin\n"
		  "@600000000 cpu=0 tid=7 mm_vmscan_memcg_reclaim_end nr_reclaimed=32\n"
		  "@900000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n",
		  "web spent 56 % of the time that it was busy freeing memory, 1 time, the longest 500 ms, under the limit of its memory cgroup. "
		  "Its memory is limited to 64 MiB; more would help." },
		{ "@10 cpu=0 task_times tid=7 maj_flt=3\n@100000000 cpu=0 tid=7 sched_block tid=7 state=2 nr=-1\n"
		  "@100000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=2 next_tid=0\n"
		  "@999000000 cpu=0 task_times tid=7 maj_flt=45\n",
		  "web spent 90 % of the time that it was busy waiting for pages that it touched (page faults), 42 of which needed the disk. "
		  "Its memory is limited to 64 MiB; more would help." },
		{ "@100000000 cpu=0 tid=7 syscall_entry_munmap\n"
		  "@100000001 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=2 next_tid=0\n"
		  "@500000000 cpu=1 tid=0 sched_waking tid=7 target_cpu=0\n@500000000 cpu=1 tid=0 sched_wakeup tid=7 target_cpu=0\n"
		  "@500000000 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n@500000001 cpu=0 tid=7 syscall_exit_munmap ret=0\n"
		  "@500000001 cpu=0 tid=7 syscall_entry_nanosleep\n"
		  "@500000002 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n",
		  "web spent 80 % of the time that it was busy waiting for locks of the kernel or of files, mostly in munmap (1 call, 400 ms on "
		  "average)." },
		{ "@100000000 cpu=0 tid=0 container_pause index=1\n"
		  "@100000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n",
		  "web spent 95 % of the time that it was busy frozen (paused)." },
		{ "@100000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=4 next_tid=0\n",
		  "web spent 90 % of the time that it was busy stopped by a signal or a debugger." },
		{ "@1000000 cpu=0 tid=7 syscall_entry_futex\n"
		  "@1000001 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n",
		  "web waited 100 % of its time for a lock or a condition that other threads of it give (futex) (1 time, 999 ms on average, at "
		  "most 999 ms). If these are idle workers, it is no delay." },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++)
		verdict(cases[i].events, cases[i].want);
}

/*
 * Two places in one function are one row; the way through the scheduler and what the tracer added to it is
 * none of it. Names come late.
 */
static const char with_stacks[] =
	"@10 cpu=0 tid=7 syscall_entry_futex\n"
	"@11 cpu=0 tid=7 sched_block_stack tid=7 callstack_kernel=[0x1,0x10,0x20,0x30,0x40]\n"
	"@12 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
	"@1000012 cpu=1 tid=0 sched_waking tid=7 target_cpu=0\n@1000012 cpu=1 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	"@1000012 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	"@1000013 cpu=0 tid=7 sched_block_stack tid=7 callstack_kernel=[0x1,0x10,0x20,0x31,0x40]\n"
	"@1000014 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
	"@3000014 cpu=1 tid=0 sched_waking tid=7 target_cpu=0\n@3000014 cpu=1 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	"@3000014 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	/* One without its stack, and one of which it was lost that the task slept at all. */
	"@3000015 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
	"@4000015 cpu=1 tid=0 sched_waking tid=7 target_cpu=0\n@4000015 cpu=1 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	"@4000015 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	"@4000020 cpu=0 tid=7 sched_block_stack tid=7 callstack_kernel=[0x99]\n"
	"@4000021 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=0\n"
	"@5000000 cpu=0 kernel_symbol address=0x10 name=__schedule.constprop.0\n"
	"@5000000 cpu=0 kernel_symbol address=0x20 name=schedule\n"
	"@5000000 cpu=0 kernel_symbol address=0x30 name=futex_wait_queue\n"
	"@5000000 cpu=0 kernel_symbol address=0x31 name=futex_wait_queue\n";

static void test_stacks(void **state)
{
	struct ph_identity *id;
	struct ph_slow *s = analyse(with_stacks, &id, NULL);
	struct ph_report_view view = { 0 };
	ph_autobuf out = { 0 }, note = { 0 };
	ph_autofree char *more = NULL;
	const struct ph_slow_stack *st;
	struct ph_err err = { 0 };

	/* Only where they are asked for. */
	assert_int_equal(group(s, 1)->stacks.n, 0);
	done(s, id);
	with = true;
	s = analyse(with_stacks, &id, NULL);
	assert_int_equal(group(s, 1)->stacks.n, 1);
	st = group(s, 1)->stacks.v[0];
	assert_int_equal(st->hold, PH_WAIT_FUTEX);
	assert_int_equal(st->hist.n, 2);
	assert_int_equal(st->hist.sum, 3 * MS);
	assert_int_equal(st->functions.n, 2);
	assert_int_equal(ph_slow_report(s, &view, &out, &err), 0);
	assert_non_null(strstr(out.p, "\nWhere in the kernel tasks of web waited, the innermost function first:\n"
				      "  3 ms, futex, 2 times, 1.5 ms on average\n"
				      "      futex_wait_queue < 0x40\n"));
	assert_non_null(strstr(out.p, "note: 1 place in stacks is without a name: the kernel "));
	view = (struct ph_report_view){ .table = PH_SLOW_STACKS, .alone = true, .fmt.output = PH_OUT_CSV };
	ph_strv_add(&view.fmt.fields, "folded");
	ph_strv_add(&view.fmt.fields, "total_ns");
	ph_buf_clear(&out);
	assert_int_equal(ph_slow_report(s, &view, &out, &err), 0);
	assert_string_equal(out.p, "folded,total_ns\r\n0x40;futex_wait_queue,3000000\r\n");
	ph_strv_done(&view.fmt.fields);
	view = (struct ph_report_view){ .fmt.output = PH_OUT_JSON };
	ph_buf_clear(&out);
	assert_int_equal(ph_slow_report(s, &view, &out, &err), 0);
	assert_non_null(strstr(out.p, "{\"kind\":\"stack\",\"container\":\"web\",\"for\":\"futex\",\"own_will\":false,"
				      "\"functions\":[\"futex_wait_queue\",\"0x40\"],\"time\":{\"count\":2,"));
	done(s, id);
	/* A second place, of which one line is enough. */
	more = ph_asprintf("%s@6000000 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
			   "@6000001 cpu=0 tid=7 sched_block_stack tid=7 callstack_kernel=[0x1,0x10,0x20,0x50]\n"
			   "@6000002 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
			   "@6000003 cpu=1 tid=0 sched_wakeup tid=7 target_cpu=0\n", with_stacks);
	s = analyse(more, &id, NULL);
	view = (struct ph_report_view){ .fmt.max_entries = 1 };
	ph_buf_clear(&out);
	assert_int_equal(ph_slow_report(s, &view, &out, &err), 0);
	assert_non_null(strstr(out.p, "futex_wait_queue < 0x40\n(1 more: --table stacks)\n"));
	done(s, id);
	s = analyse("", &id, NULL);
	for (unsigned int i = 0; ph_slow_note(s, i, &note); i++)
		;
	assert_non_null(strstr(note.p, "there are no stacks: where in the kernel tasks waited is not known (record with -e +stack)"));
	done(s, id);
	with = false;
}

/* What the trace lacks is said, in place of noughts. */
static void test_notes(void **state)
{
	struct ph_identity *id;
	struct ph_slow *s = analyse("@5 cpu=0 tid=7 signal_deliver\n", &id, NULL);
	static const char *const want[] = {
		"there are no system calls: their times are not known, and what was waited for only in part (record with -e +syscall)",
		"there are no sched_block events: what descriptor a call waited for is not known (record with -e +wait)",
		"there are no block requests: there were none, or they were not recorded (-e +block)",
		"there are no TCP events: there were none, or they were not recorded (-e +net)",
	};
	ph_autobuf note = { 0 };

	for (unsigned int i = 0; i < PH_ARRAY_SIZE(want); i++) {
		assert_true(ph_slow_note(s, i, &note));
		assert_string_equal(note.p, want[i]);
		ph_buf_clear(&note);
	}
	assert_false(ph_slow_note(s, PH_ARRAY_SIZE(want), &note));
	done(s, id);
}

/* Each format of the whole, to be read by the sanitizers. */
static void test_report(void **state)
{
	struct ph_identity *id;
	struct ph_slow *s = analyse(on_disk, &id, NULL);
	struct ph_report_view view = { .table = PH_SLOW_CALLS, .utc = true };
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };

	for (int f = PH_OUT_COLUMNS; f <= PH_OUT_CSV; f++) {
		view.fmt.output = (enum ph_output)f;
		view.alone = false;
		assert_int_equal(ph_slow_report(s, &view, &out, &err), 0);
		for (int t = 0; t < PH_SLOW_TABLES; t++) {
			view.table = (enum ph_slow_table)t;
			view.alone = true;
			assert_int_equal(ph_slow_report(s, &view, &out, &err), 0);
		}
	}
	assert_non_null(strstr(out.p, "Who else had requests on the device meanwhile:\n"));
	assert_non_null(strstr(out.p, "From wake-up to running of web: "));
	assert_non_null(strstr(out.p, "\"kind\":\"queue\",\"container\":\"web\",\"object\":\"vda\",\"dev\":266338304,\"other\":\"db\","
				      "\"time_ns\":18000000,\"requests\":1,\"bytes\":1048576"));
	done(s, id);
}

/* A runtime may tell the name long after the first task has begun. */
static void test_named_late(void **state)
{
	struct ph_selection sel = { 0 };
	struct ph_identity *id;
	struct ph_slow *s;

	ph_strv_add(&sel.container, "shop");
	selected = &sel;
	s = analyse("@1000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=20\n"
		    "@2000000 container_info index=1 name=shop cgroup_path=/pod/web cgroup_id=12\n"
		    "@3000000 cpu=0 tid=20 sched_switch prev_tid=20 prev_state=1 next_tid=7\n"
		    "@9000000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n", &id, NULL);
	selected = NULL;
	assert_int_equal(s->groups.n, 1);
	assert_int_equal(group(s, 1)->ntasks, 2);
	assert_int_equal(group(s, 1)->ns[PH_HOLD_RUN], 6 * MS);
	done(s, id);
	ph_selection_done(&sel);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_queue),
		cmocka_unit_test(test_slowest), cmocka_unit_test(test_timer_unseen),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_net),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_named_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
