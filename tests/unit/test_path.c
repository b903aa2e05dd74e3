/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Critical paths of streams of which the path is known, and what a stream may have that cannot be. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/path_report.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "export/export.h"
#include "path_stream.h"
#include "source/synthetic.h"


struct asked {
	struct ph_identity *id;
	struct ph_path *p;
};

static struct asked ask(const char *events, const struct ph_path_ask *what, uint64_t end_ns)
{
	struct asked a = { .id = ph_identity_new() };
	ph_autofree char *text = ph_asprintf("%s%s", setup, events);
	struct ph_source *src;
	struct ph_err err = { 0 };
	struct ph_event *ev;

	assert_int_equal(ph_path_new(&a.p, a.id, what, &err), 0);
	if (ph_synthetic_parse(text, &src, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		fail();
	}
	while (ph_source_next(src, &ev, &err) > 0) {
		ph_identity_feed(a.id, ev);
		ph_path_feed(a.p, ev);
	}
	assert_int_equal(ph_path_finish(a.p, end_ns, &err), 0);
	ph_source_close(src);
	return a;
}

static void done(struct asked *a)
{
	ph_path_free(a->p);
	ph_identity_free(a->id);
}

static void add_step(const struct ph_path *p, const struct ph_step *s, struct ph_buf *b)
{
	const struct ph_path_thing *t = ph_path_thing(p, s->what);

	ph_buf_addf(b, "%lu-%lu %.16s %s", s->begin_ns, s->end_ns, s->who.comm, ph_path_state_name((enum ph_path_state)s->state));
	for (int i = 0; i < PH_PART_MAX; i++)
		if (s->part_ns[i] && i != PH_PART_MODELESS)
			ph_buf_addf(b, " %s=%lu", ph_part_name((enum ph_part)i), s->part_ns[i]);
	if (s->state == PH_PATH_QUEUE)
		ph_buf_addf(b, " %.16s", s->by_tid > 0 ? s->by.comm : s->by_tid == 0 ? "idle" : s->by_tid == PH_BY_WAKEUP ? "wake-up" : "?");
	if (s->state == PH_PATH_WAITED)
		ph_buf_addf(b, " %s", ph_wait_name((enum ph_wait)s->wait));
	if (t && t->limit.cgroup_id)
		ph_buf_addf(b, " %lu", t->limit.cgroup_id);
	else if (t)
		ph_buf_addc(b, ' '), ph_object_text(&p->devices, &t->object, b);
	if (s->then)
		ph_buf_addf(b, ", %s%s%.16s", ph_path_then_name((enum ph_path_then)s->then), s->then_who.comm[0] ? " " : "", s->then_who.comm);
	ph_buf_addc(b, '\n');
}

/* Steps follow each other, and the sums are theirs. */
static void is_whole(const struct ph_path *p)
{
	uint64_t at = p->begin_ns, sum = 0, helps = 0;
	struct ph_step s;

	for (uint64_t i = 0; i < p->nsteps; i++) {
		uint64_t parts = 0;

		assert_int_equal(ph_path_step(p, i, &s), 0);
		assert_int_equal(s.begin_ns, at);
		assert_true(s.end_ns > at);
		for (int k = 0; k < PH_PART_MAX; k++)
			parts += s.part_ns[k];
		assert_int_equal(parts, s.state == PH_PATH_RAN ? s.end_ns - at : 0);
		at = s.end_ns;
	}
	assert_int_equal(at, p->end_ns);
	ph_vec_each(sh, &p->shares)
		sum += sh->ns;
	ph_vec_each(h, &p->helps)
		helps += h->ns;
	assert_int_equal(sum, p->end_ns - p->begin_ns);
	assert_int_equal(helps, sum);
}

static void is_path(const struct ph_path *p, const char *want)
{
	ph_autobuf b = { 0 };
	struct ph_step s;

	assert_true(p->found);
	is_whole(p);
	ph_buf_adds(&b, "");
	for (uint64_t i = 0; i < p->nsteps; i++) {
		ph_path_step(p, i, &s);
		add_step(p, &s, &b);
	}
	assert_string_equal(b.p, want);
}

/* The path of @tid from 100 to 1000. */
static void path_of(int32_t tid, const char *events, const char *want)
{
	struct asked a = ask(events, &(struct ph_path_ask){ .tid = tid, .from_ns = 100, .to_ns = 1000 }, 1000);

	is_path(a.p, want);
	done(&a);
}

/* ---- one task -------------------------------------------------------------------------------------- */

static void test_alone(void **state)
{
	/* Runs, sleeps, is preempted by two, runs. */
	path_of(7, BEGIN "@200 cpu=0 tid=7 syscall_entry_nanosleep\n" RUN(250, 0, 7, 1, 0) IN_TIMER(400, 0, 0, WAKE(400, 0, 0, 7, 0))
		RUN(410, 0, 0, 0, 7) "@450 cpu=0 tid=7 syscall_exit_nanosleep\n" RUN(500, 0, 7, 0, 20) RUN(600, 0, 20, 0, 30)
		RUN(700, 0, 30, 0, 7),
		"100-250 nginx running kernel=47\n250-400 nginx timer\n400-410 nginx run queue idle\n"
		"410-500 nginx running user=50 kernel=40\n500-600 nginx run queue postgres\n600-700 nginx run queue cron\n"
		"700-1000 nginx running user=300\n");
}

static void test_states(void **state)
{
	/* Throttled by its pod's limit; then frozen; then for a disk, which an interrupt tells of. */
	path_of(7, BEGIN "@200 cpu=0 tid=7 sched_throttle_begin tid=7 cgroup_id=12 limit_cgroup_id=11 limit_level=1 quota_ns=20 "
		"period_ns=100\n" RUN(200, 0, 7, 0, 0) RUN(350, 0, 0, 0, 7) "@350 cpu=0 tid=7 sched_throttle_end tid=7 "
		"throttled_ns=140 exact=1\n@400 cpu=0 tid=7 syscall_entry_fsync\n@410 cpu=0 tid=7 block_rq_issue dev=266338304\n"
		RUN(420, 0, 7, 2, 0) "@600 cpu=0 tid=0 irq_handler_entry irq=5\n@600 cpu=0 tid=0 block_rq_complete dev=266338304\n"
		WAKE(600, 0, 0, 7, 0) "@601 cpu=0 tid=0 irq_handler_exit irq=5\n" RUN(605, 0, 0, 0, 7)
		"@700 cpu=0 tid=0 container_pause index=1\n" RUN(700, 0, 7, 1, 0) "@800 container_unpause index=1\n",
		"100-200 nginx running\n200-340 nginx throttled 11\n340-350 nginx run queue idle\n350-420 nginx running kernel=20\n"
		"420-600 nginx disk vda\n600-605 nginx run queue idle\n605-700 nginx running kernel=95\n700-800 nginx frozen\n"
		"800-1000 nginx disk vda\n");
}

/* ---- others ---------------------------------------------------------------------------------------- */

/* Who waits for one that computes; its own limit is what the path has of it. */
static void test_one_other(void **state)
{
	path_of(7, BEGIN WAKE(150, 0, 7, 20, 1) RUN(160, 1, 0, 0, 20) RUN(200, 0, 7, 1, 0)
		"@400 cpu=1 tid=20 sched_throttle_begin tid=20 cgroup_id=13 limit_cgroup_id=13 quota_ns=20 period_ns=100\n"
		RUN(400, 1, 20, 0, 30) RUN(600, 1, 30, 1, 20) "@600 cpu=1 tid=20 sched_throttle_end tid=20 throttled_ns=190 exact=1\n"
		WAKE(700, 1, 20, 7, 0) RUN(710, 0, 0, 0, 7) RUN(750, 1, 20, 1, 0),
		"100-200 nginx running, sleeps\n200-400 postgres running\n400-590 postgres throttled 13\n"
		"590-600 postgres run queue cron\n600-700 postgres running, wakes nginx\n700-710 nginx run queue idle\n"
		"710-1000 nginx running\n");
}

/* 7 waits for 20, which for a part of that time waits for 21: the path goes there and comes back. */
static void test_nested(void **state)
{
	path_of(7, BEGIN WAKE(150, 0, 7, 20, 1) RUN(150, 1, 0, 0, 20) RUN(200, 0, 7, 1, 0) WAKE(300, 1, 20, 21, 0)
		RUN(300, 0, 0, 0, 21) RUN(320, 1, 20, 1, 0) WAKE(500, 0, 21, 20, 1) RUN(510, 1, 0, 0, 20) RUN(520, 0, 21, 1, 0)
		WAKE(700, 1, 20, 7, 0) RUN(700, 0, 0, 0, 7),
		"100-200 nginx running, sleeps\n200-320 postgres running, sleeps\n320-500 walwriter running, wakes postgres\n"
		"500-510 postgres run queue idle\n510-700 postgres running, wakes nginx\n700-1000 nginx running\n");
}

/* A ring: each wakes the next and sleeps until it is its turn again. */
static void test_ring(void **state)
{
	path_of(7, BEGIN WAKE(200, 0, 7, 8, 0) RUN(200, 0, 7, 1, 8) WAKE(300, 0, 8, 20, 0) RUN(300, 0, 8, 1, 20)
		WAKE(400, 0, 20, 7, 0) RUN(400, 0, 20, 1, 7) WAKE(500, 0, 7, 8, 0) RUN(500, 0, 7, 1, 8) WAKE(600, 0, 8, 20, 0)
		RUN(600, 0, 8, 1, 20) WAKE(700, 0, 20, 7, 0) RUN(700, 0, 20, 1, 7),
		"100-200 nginx running, sleeps\n200-300 worker running, wakes postgres\n300-400 postgres running, wakes nginx\n"
		"400-500 nginx running, sleeps\n500-600 worker running, wakes postgres\n600-700 postgres running, wakes nginx\n"
		"700-1000 nginx running\n");
}

/* A child, which is born while it is waited for, and which its parent waits for. */
static void test_fork(void **state)
{
	static const char events[] = BEGIN
		"@300 cpu=0 tid=7 sched_process_fork parent_comm=nginx parent_tid=7 parent_pid=7 child_comm=nginx child_tid=50 "
		"child_pid=50 child_container=1\n@310 cpu=0 tid=7 sched_wakeup_new tid=50 target_cpu=1\n" RUN(320, 1, 0, 0, 50)
		"@330 cpu=1 tid=50 sched_process_exec filename=/bin/job tid=50 old_tid=50\n@330 cpu=1 tid=50 task_rename tid=50 "
		"oldcomm=nginx newcomm=job\n"
		"@350 cpu=0 tid=7 syscall_entry_wait4\n" RUN(350, 0, 7, 1, 0) "@800 cpu=1 tid=50 sched_process_exit tid=50\n"
		WAKE(810, 1, 50, 7, 0) RUN(810, 0, 0, 0, 7) RUN(820, 1, 50, 16, 0);

	path_of(7, events, "100-350 nginx running, sleeps\n350-810 job running kernel=9, wakes nginx\n810-1000 nginx running kernel=190\n");
}

/* Who is waited for is younger than the wait: its time is its parent's before that. */
static void test_born_meanwhile(void **state)
{
	path_of(20, BEGIN START(95, 1, 20) RUN(150, 1, 20, 1, 0)
		"@300 cpu=0 tid=7 sched_process_fork parent_comm=nginx parent_tid=7 parent_pid=7 child_comm=nginx child_tid=50 "
		"child_pid=50 child_container=1\n@310 cpu=0 tid=7 sched_wakeup_new tid=50 target_cpu=1\n" RUN(320, 1, 0, 0, 50)
		RUN(400, 0, 7, 1, 0) WAKE(600, 1, 50, 20, 0) RUN(600, 0, 0, 0, 20),
		"100-150 postgres running, sleeps\n150-300 nginx running, forks nginx\n300-310 nginx running, wakes nginx\n310-320 job run queue idle\n"
		"320-600 job running, wakes postgres\n600-1000 postgres running\n");
	/* A thread that is not the leader takes its number. */
	path_of(20, BEGIN START(95, 1, 20) RUN(150, 1, 20, 1, 0) IN_TIMER(200, 1, 0, WAKE(200, 1, 0, 8, 1)) RUN(200, 1, 0, 0, 8)
		"@390 cpu=0 tid=7 sched_process_exit tid=7\n" RUN(395, 0, 7, 16, 0)
		"@400 cpu=1 tid=7 sched_process_exec filename=/bin/x tid=7 old_tid=8\n"
		WAKE(600, 1, 7, 20, 0) RUN(600, 0, 0, 0, 20),
		"100-150 postgres running, sleeps\n150-200 worker timer\n200-400 worker running, becomes x\n"
		"400-600 x running, wakes postgres\n600-1000 postgres running\n");
}

/* ---- packets --------------------------------------------------------------------------------------- */

#define SEND(time, cpu, task, skb, seq) "@" #time " cpu=" #cpu " tid=" #task " net_dev_queue skbaddr=" #skb " seq=" #seq " ipproto=6\n"
#define RECEIVED(time, cpu, task, skb, seq, then) "@" #time " cpu=" #cpu " tid=" #task " irq_softirq_entry vec=3\n@" #time " cpu=" #cpu \
	" tid=" #task " net_if_receive_skb skbaddr=" #skb " seq=" #seq " ipproto=6\n" then "@" #time " cpu=" #cpu " tid=" #task " irq_softirq_exit vec=3\n"

#define UDP(time, task, event, skb, from, port, to, at) "@" #time " cpu=1 tid=" #task " " event " skbaddr=" #skb " protocol=2048 ipproto=17" \
	" saddr=" from " daddr=" to " source_port=" #port " dest_port=" #at "\n"

static void test_packets(void **state)
{
	/* On the other CPU, in the context of who has nothing to do with it, and by way of a bridge. */
	path_of(7, BEGIN "@150 cpu=0 tid=7 syscall_entry_recvfrom\n" RUN(200, 0, 7, 1, 0) START(210, 1, 20) SEND(500, 1, 20, 77, 5)
		RUN(520, 1, 20, 1, 30) RECEIVED(540, 1, 30, 77, 5, SEND(540, 1, 30, 77, 5))
		RECEIVED(550, 1, 30, 77, 5, WAKE(550, 1, 30, 7, 0)) RUN(560, 0, 0, 0, 7),
		"100-200 nginx running kernel=45, sleeps\n200-210 postgres timer\n210-500 postgres running, sends to nginx\n"
		"500-550 nginx network\n550-560 nginx run queue idle\n560-1000 nginx running kernel=440\n");
	/* From elsewhere; the kernel answers, which is nobody's doing; and a buffer that is used again. */
	path_of(7, BEGIN "@150 cpu=0 tid=7 syscall_entry_recvfrom\n" RUN(200, 0, 7, 1, 0) START(210, 1, 20) SEND(500, 1, 20, 77, 5)
		RUN(520, 1, 20, 1, 30) RECEIVED(540, 1, 30, 77, 6, SEND(540, 1, 30, 78, 1))
		RECEIVED(550, 1, 30, 78, 1, WAKE(550, 1, 30, 7, 0)) RUN(560, 0, 0, 0, 7),
		"100-200 nginx running kernel=45\n200-550 nginx network\n550-560 nginx run queue idle\n560-1000 nginx running kernel=440\n");
	/* What another task sent to somebody outside by UDP has no sequence number; nor has what comes from outside, in its buffer. */
	path_of(7, BEGIN "@150 cpu=0 tid=7 syscall_entry_recvfrom\n" RUN(200, 0, 7, 1, 0) START(210, 1, 20)
		UDP(500, 20, "net_dev_queue", 77, "0a000002", 5000, "08080808", 53) RUN(520, 1, 20, 1, 30) "@540 cpu=1 tid=30 irq_softirq_entry vec=3\n"
		UDP(540, 30, "net_if_receive_skb", 77, "08080404", 53, "0a000001", 5001) WAKE(550, 1, 30, 7, 0)
		"@550 cpu=1 tid=30 irq_softirq_exit vec=3\n" RUN(560, 0, 0, 0, 7),
		"100-200 nginx running kernel=45\n200-550 nginx network\n550-560 nginx run queue idle\n560-1000 nginx running kernel=440\n");
	/* And what it sent to this one. */
	path_of(7, BEGIN "@150 cpu=0 tid=7 syscall_entry_recvfrom\n" RUN(200, 0, 7, 1, 0) START(210, 1, 20)
		UDP(500, 20, "net_dev_queue", 77, "0a000002", 5000, "0a000001", 53) RUN(520, 1, 20, 1, 30) "@540 cpu=1 tid=30 irq_softirq_entry vec=3\n"
		UDP(540, 30, "net_if_receive_skb", 77, "0a000002", 5000, "0a000001", 53) WAKE(550, 1, 30, 7, 0)
		"@550 cpu=1 tid=30 irq_softirq_exit vec=3\n" RUN(560, 0, 0, 0, 7),
		"100-200 nginx running kernel=45, sleeps\n200-210 postgres timer\n210-500 postgres running, sends to nginx\n"
		"500-550 nginx network\n550-560 nginx run queue idle\n560-1000 nginx running kernel=440\n");
}

/* ---- what others' algorithms get wrong -------------------------------------------------------------- */

static void test_interrupts(void **state)
{
	/* After an IPI has ended a wake-up is the task's that runs, though one is nested in another. */
	path_of(7, BEGIN RUN(200, 0, 7, 1, 0) START(210, 1, 20) "@300 cpu=1 tid=20 irq_handler_entry irq=1\n"
		"@310 cpu=1 tid=20 x86_irq_vectors_call_function_single_entry vector=251\n"
		"@320 cpu=1 tid=20 x86_irq_vectors_call_function_single_exit vector=251\n@330 cpu=1 tid=20 irq_handler_exit irq=1\n"
		WAKE(400, 1, 20, 7, 0) RUN(400, 0, 0, 0, 7),
		"100-200 nginx running, sleeps\n200-210 postgres timer\n210-400 postgres running interrupted=30, wakes nginx\n"
		"400-1000 nginx running\n");
	/* Within the interrupt it is nobody's. */
	path_of(7, BEGIN RUN(200, 0, 7, 1, 0) START(210, 1, 20) "@300 cpu=1 tid=20 irq_handler_entry irq=1\n"
		WAKE(310, 1, 20, 7, 0) "@330 cpu=1 tid=20 irq_handler_exit irq=1\n" RUN(400, 0, 0, 0, 7),
		"100-200 nginx running\n200-310 nginx interrupt\n310-400 nginx run queue idle\n400-1000 nginx running\n");
	/* A wake-up is completed on the target's CPU, in an interrupt of whom it has nothing to do with. */
	path_of(7, BEGIN RUN(200, 0, 7, 1, 30) START(210, 1, 20) "@400 cpu=1 tid=20 sched_waking tid=7 target_cpu=0\n"
		"@405 cpu=0 tid=30 x86_irq_vectors_reschedule_entry vector=253\n@410 cpu=0 tid=30 sched_wakeup tid=7 target_cpu=0\n"
		"@411 cpu=0 tid=30 x86_irq_vectors_reschedule_exit vector=253\n" RUN(415, 0, 30, 0, 7),
		"100-200 nginx running, sleeps\n200-210 postgres timer\n210-400 postgres running, wakes nginx\n"
		"400-410 nginx run queue wake-up\n410-415 nginx run queue cron\n415-1000 nginx running\n");
}

/* Parts are kept as shares of 32 bits: nearly all of a long time is all of it, and not nothing. */
static void test_long_run(void **state)
{
	struct asked a = ask(BEGIN "@100 cpu=0 tid=7 syscall_entry_getpid\n@120 cpu=0 tid=7 syscall_exit_getpid ret=7\n"
			     RUN(2000000000000, 0, 7, 1, 0), &(struct ph_path_ask){ .tid = 7, .from_ns = 90 }, 2000000000000);
	struct ph_step s;

	is_whole(a.p);
	assert_int_equal(a.p->nsteps, 1);
	ph_path_step(a.p, 0, &s);
	assert_int_equal(s.state, PH_PATH_RAN);
	assert_in_range(s.part_ns[PH_PART_USER], 1999999999000, 1999999999910);
	done(&a);
}

/* Without interrupts a timer's wake-up seems to be that of whoever it interrupted: the call tells. */
static void test_no_interrupts(void **state)
{
	path_of(7, RUN(90, 0, 0, 0, 7) CALL(150, 0, 7, "nanosleep") RUN(200, 0, 7, 1, 20) WAKE(400, 0, 20, 7, 0) RUN(400, 0, 20, 0, 7),
		"100-200 nginx running kernel=45\n200-400 nginx timer\n400-1000 nginx running kernel=600\n");
}

/* Of interrupts those of devices alone, as a trace of LTTng may have them: a timer seems to be whom it interrupts. */
#define DEVICE "@1 cpu=0 tid=0 irq_handler_entry irq=5\n@1 cpu=0 tid=0 irq_handler_exit irq=5\n"

static void test_some_interrupts(void **state)
{
	path_of(7, DEVICE RUN(90, 0, 0, 0, 7) CALL(150, 0, 7, "nanosleep") RUN(200, 0, 7, 1, 20) WAKE(400, 0, 20, 7, 0) RUN(400, 0, 20, 0, 7),
		"100-200 nginx running kernel=45\n200-400 nginx timer\n400-1000 nginx running kernel=600\n");
	path_of(7, DEVICE RUN(90, 0, 0, 0, 7) CALL(150, 0, 7, "fsync") RUN(200, 0, 7, 2, 20) WAKE(400, 0, 20, 7, 0) RUN(400, 0, 20, 0, 7),
		"100-200 nginx running kernel=45\n200-400 nginx disk\n400-1000 nginx running kernel=600\n");
}

/* Some calls are recorded, and it is in another one: that is no page fault, in which nobody else is waited for. */
static void test_some_calls(void **state)
{
	path_of(7, RUN(90, 0, 0, 0, 7) CALL(91, 0, 7, "getppid") "@92 cpu=0 tid=7 syscall_exit_getppid\n" WAKE(150, 0, 7, 20, 1)
		RUN(150, 1, 0, 0, 20) RUN(200, 0, 7, 1, 0) WAKE(400, 1, 20, 7, 0) RUN(400, 0, 0, 0, 7),
		"100-200 nginx running user=99 kernel=1, sleeps\n200-400 postgres running, wakes nginx\n400-1000 nginx running user=600\n");
}

/* The time that is asked for ends in a sleep: who ends it later tells what was waited for. */
static void test_ends_asleep(void **state)
{
	struct asked a = ask(BEGIN RUN(200, 0, 7, 1, 0) START(210, 1, 20) RUN(1100, 1, 20, 1, 0) IN_TIMER(1200, 1, 0, WAKE(1200, 1, 0, 20, 1))
			     RUN(1200, 1, 0, 0, 20) WAKE(1300, 1, 20, 7, 0) RUN(1300, 0, 0, 0, 7),
			     &(struct ph_path_ask){ .tid = 7, .from_ns = 100, .to_ns = 1000 }, 1500);
	struct ph_step s;

	is_whole(a.p);
	assert_true(a.p->settled);
	assert_int_equal(a.p->end_ns, 1000);
	ph_path_step(a.p, a.p->nsteps - 1, &s);
	assert_int_equal(s.tid, 20);
	assert_int_equal(s.begin_ns, 210);
	assert_int_equal(s.end_ns, 1000);
	assert_int_equal(s.state, PH_PATH_RAN);
	done(&a);
}

/* A waker of which nothing is known, one that is asleep itself, one that wakes itself: the wait stays what it is. */
static void test_dead_ends(void **state)
{
	path_of(7, BEGIN CALL(150, 0, 7, "futex") RUN(200, 0, 7, 1, 0) "@400 cpu=1 tid=99 sched_waking tid=7 target_cpu=0\n"
		"@400 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n" RUN(400, 0, 0, 0, 7),
		"100-200 nginx running kernel=45\n200-400 nginx waiting futex\n400-1000 nginx running kernel=600\n");
	/* Before its first event nothing is known of it; what is known counts. */
	path_of(7, BEGIN RUN(200, 0, 7, 1, 0) RUN(300, 1, 0, 0, 99) WAKE(400, 1, 99, 7, 0) RUN(400, 0, 0, 0, 7),
		"100-200 nginx running, sleeps\n200-300 stranger unknown\n300-400 stranger running, wakes nginx\n400-1000 nginx running\n");
	/* Still asleep at the end, and when the trace begins. */
	path_of(20, BEGIN, "100-1000 postgres waiting other\n");
}

/* In a gap nobody knows what was. */
static void test_gap(void **state)
{
	path_of(7, BEGIN RUN(200, 0, 7, 1, 0) START(210, 1, 20)
		"@350 cpu=1 events_discarded count=3 gap_cpu=1 begin_ns=300 end_ns=350\n@351 cpu=1 tid=20 irq_softirq_raise\n"
		WAKE(400, 1, 20, 7, 0) RUN(400, 0, 0, 0, 7),
		"100-200 nginx running\n200-300 nginx waiting other\n300-350 nginx unknown, sleeps\n"
		"350-400 postgres running, wakes nginx\n400-1000 nginx running\n");
}

/* ---- the picture ------------------------------------------------------------------------------------ */

static void is_xml(const struct ph_buf *b)
{
	FILE *f = popen("if command -v xmllint >/dev/null; then xmllint --noout -; else cat >/dev/null; fi", "w");

	assert_non_null(f);
	assert_int_equal(fwrite(b->p, 1, b->len, f), b->len);
	assert_int_equal(pclose(f), 0);
}

/* ---- size ------------------------------------------------------------------------------------------ */

/*
 * Each of many tasks sleeps until the next one wakes it, the last is woken by a timer: the way is as deep as there are
 * tasks, and all the time is that of the last one's sleep.
 */
static void test_deep(void **state)
{
	enum { N = 50000 };
	ph_autobuf b = { 0 };
	uint64_t times = 0;
	struct asked a;
	struct ph_step s;

	ph_buf_adds(&b, IRQS "@2 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=1000\n");
	for (int i = 0; i < N; i++)
		ph_buf_addf(&b, "@%d cpu=0 tid=%d sched_switch prev_tid=%d prev_state=1 next_tid=%d\n", 10 + i, 1000 + i, 1000 + i,
			    i + 1 < N ? 1001 + i : 0);
	ph_buf_adds(&b, IN_TIMER(200000, 0, 0, ""));
	ph_buf_addf(&b, "@200001 cpu=0 tid=0 timer_hrtimer_expire_entry\n@200001 cpu=0 tid=0 sched_waking tid=%d target_cpu=0\n"
		    "@200001 cpu=0 tid=0 sched_wakeup tid=%d target_cpu=0\n@200001 cpu=0 tid=0 timer_hrtimer_expire_exit\n"
		    "@200001 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=%d\n", 1000 + N - 1, 1000 + N - 1, 1000 + N - 1);
	for (int i = N - 1; i > 0; i--)
		ph_buf_addf(&b, "+1 cpu=0 tid=%d sched_waking tid=%d target_cpu=0\n+0 cpu=0 tid=%d sched_wakeup tid=%d target_cpu=0\n"
			    "+0 cpu=0 tid=%d sched_switch prev_tid=%d prev_state=1 next_tid=%d\n", 1000 + i, 999 + i, 1000 + i, 999 + i,
			    1000 + i, 1000 + i, 999 + i);
	a = ask(b.p, &(struct ph_path_ask){ .tid = 1000 }, 300000);
	assert_true(a.p->found);
	is_whole(a.p);
	/* 1000's first run, the runs of all until the last slept, its sleep, and the way back. */
	assert_int_equal(a.p->begin_ns, 2);
	assert_int_equal(a.p->end_ns, 300000);
	assert_int_equal(a.p->nsteps, 2 * N + 1);
	ph_path_step(a.p, N, &s);
	assert_int_equal(s.tid, 1000 + N - 1);
	assert_int_equal(s.state, PH_PATH_TIMER);
	assert_int_equal(s.begin_ns, 10 + N - 1);
	assert_int_equal(s.end_ns, 200001);
	/* There are more rows than are kept; those that there are get all that is theirs, here the first and the last step. */
	ph_vec_each(sh, &a.p->shares)
		times += sh->tid == 1000 ? sh->times : 0;
	assert_int_equal(times, 2);
	/* The picture has room for some of them. */
	ph_buf_clear(&b);
	ph_export_path_svg(a.p, &b);
	is_xml(&b);
	assert_non_null(strstr(b.p, ">other tasks</text>"));
	assert_true(b.len < 1000000);
	done(&a);
}

static void test_svg(void **state)
{
	/* Names are what programs make them. */
	struct asked a = ask(BEGIN RUN(200, 0, 7, 1, 0) START(210, 1, 20)
			     "@300 cpu=1 tid=20 task_rename tid=20 oldcomm=postgres newcomm=\"<a>&'\\\"x\"\n"
			     "@800 cpu=1 tid=20 sched_waking tid=7 comm=nginx target_cpu=0\n@800 cpu=1 tid=20 sched_wakeup tid=7 comm=nginx target_cpu=0\n"
			     RUN(800, 0, 0, 0, 7), &(struct ph_path_ask){ .tid = 7, .from_ns = 100, .to_ns = 1000 }, 1000);
	ph_autobuf b = { 0 };

	ph_export_path_svg(a.p, &b);
	is_xml(&b);
	assert_non_null(strstr(b.p, ">nginx (7) web</text>"));
	assert_non_null(strstr(b.p, ">&lt;a&gt;&amp;&#39;&quot;x (20) db</text>"));
	assert_non_null(strstr(b.p, "&lt;a&gt;&amp;&#39;&quot;x (20) of db: running, 590 ns; then wakes nginx</title>"));
	/* Half of the time, from a ninth on: of 940 pixels from 250 on. */
	assert_non_null(strstr(b.p, "<rect x=\"364.89\" y=\"86.0\" width=\"616.22\""));
	/* Round times along the axis, and the container's colour beside the name. */
	assert_non_null(strstr(b.p, " text-anchor=\"middle\">+800 ns</text>"));
	assert_non_null(strstr(b.p, "<rect x=\"10.00\" y=\"68.0\" width=\"8.00\" height=\"8.0\" fill=\"hsl(200,60%,45%)\"/>"));
	assert_null(strstr(b.p, "<a>"));
	done(&a);
}

/* Many pieces of few tasks go to disk and are found there. */
static void test_trail(void **state)
{
	enum { N = 200000, TASKS = 3 };
	struct ph_trail_who who = { .pid = 1, .container = 1, .comm = "a" }, got;
	struct ph_err err = { 0 };
	struct ph_trail *t;
	struct ph_piece q;
	uint64_t begin, end;

	assert_int_equal(ph_trail_new(&t, &err), 0);
	for (uint64_t i = 0; i < N; i++) {
		who.pid = i < N / 2 ? 1 : 2;
		for (int32_t tid = 1; tid <= TASKS; tid++)
			ph_trail_add(t, tid, &who, &(struct ph_piece){ .begin_ns = 10 * i, .end_ns = 10 * i + 8, .what = (uint32_t)(i * 4) + (uint32_t)tid });
		if (i == 1000)
			ph_trail_end(t, 2);
	}
	assert_int_equal(ph_trail_error(t, &err), 0);
	assert_true(ph_trail_bytes(t) > (uint64_t)N * TASKS * sizeof(q) * 99 / 100);
	for (uint64_t i = N; i-- > 0; ) {
		int32_t tid = (int32_t)(i % TASKS) + 1;

		assert_true(ph_trail_find(t, tid, 10 * i + 1 + i % 9, &q, &got));
		assert_int_equal(q.what, i * 4 + (uint64_t)tid);
		assert_int_equal(got.pid, i < N / 2 ? 1 : 2);
		/* Just when one begins it is still the one before. */
		assert_int_equal(ph_trail_find(t, tid, 10 * i, &q, &got), i > 0);
		assert_int_equal(q.what, i ? (i - 1) * 4 + (uint64_t)tid : q.what);
	}
	assert_true(ph_trail_span(t, 1, &begin, &end));
	assert_int_equal(begin, 0);
	assert_int_equal(end, 10 * N - 2);
	assert_false(ph_trail_span(t, 4, &begin, &end));
	assert_false(ph_trail_find(t, 4, 5, &q, &got));
	/* What begins before the last one ended is not believed. */
	ph_trail_add(t, 1, &who, &(struct ph_piece){ .begin_ns = 5, .end_ns = 20 * N });
	assert_true(ph_trail_find(t, 1, 20 * N, &q, &got));
	assert_int_equal(q.end_ns, 10 * N - 2);
	ph_trail_free(t);
	/* Where there is no room for it, that is said. */
	setenv("TMPDIR", "/nowhere", 1);
	assert_true(ph_trail_new(&t, &err) < 0);
	assert_string_equal(err.msg, "cannot make a temporary file in /nowhere (TMPDIR says where): No such file or directory");
	unsetenv("TMPDIR");
}

/* Its number is another one's later: the path is that of the one that was selected. */
static void test_number(void **state)
{
	struct ph_selection sel = { 0 };
	struct ph_err err = { 0 };
	struct asked a;

	ph_strv_add(&sel.container, "web");
	assert_int_equal(ph_selection_check(&sel, &err), 0);
	a = ask(BEGIN "@390 cpu=0 tid=7 sched_process_exit tid=7\n" RUN(395, 0, 7, 16, 30)
		"@400 cpu=0 tid=30 sched_process_fork parent_tid=30 parent_pid=30 child_tid=7 child_pid=7 child_comm=cron child_container=0\n"
		"@400 cpu=0 tid=30 sched_wakeup_new tid=7 target_cpu=1\n" RUN(410, 1, 0, 0, 7) RUN(900, 1, 7, 1, 0),
		&(struct ph_path_ask){ .sel = &sel }, 1000);
	assert_true(a.p->found);
	assert_int_equal(a.p->tid, 7);
	assert_string_equal(a.p->who.comm, "nginx");
	assert_int_equal(a.p->end_ns, 395);
	done(&a);
	ph_selection_done(&sel);
}

/* ---- the process' end -------------------------------------------------------------------------------- */

#define EXIT(time, cpu, task, process, end) "@" #time " cpu=" #cpu " tid=" #task " pid=" #process " sched_process_exit tid=" #task \
	" process_end=" #end "\n"

/* The path of web's oldest process from 100 to @to_ns, 0: its end, which is with @end_tid. */
static void path_of_process(const char *container, const char *events, uint64_t to_ns, int32_t tid, int32_t end_tid, const char *want)
{
	struct ph_selection sel = { 0 };
	struct ph_err err = { 0 };
	struct asked a;

	ph_strv_add(&sel.container, container);
	assert_int_equal(ph_selection_check(&sel, &err), 0);
	a = ask(events, &(struct ph_path_ask){ .sel = &sel, .from_ns = 100, .to_ns = to_ns }, 1000);
	assert_int_equal(a.p->tid, tid);
	assert_int_equal(a.p->end_tid, end_tid);
	is_path(a.p, want);
	done(&a);
	ph_selection_done(&sel);
}

/* 7 wakes 8, and ends; that one sleeps from 300 to 500. */
#define LEAVES(how) BEGIN WAKE(150, 0, 7, 8, 1) RUN(160, 1, 0, 0, 8) how RUN(210, 0, 7, 16, 0) RUN(300, 1, 8, 1, 0) START(500, 1, 8)
#define WAY "100-150 nginx running, wakes worker\n150-160 worker run queue idle\n160-300 worker running\n300-500 worker timer\n"

static void test_process_end(void **state)
{
	static const char last[] = LEAVES(EXIT(200, 0, 7, 7, 1)) EXIT(600, 1, 8, 7, 2) RUN(610, 1, 8, 16, 30) RUN(900, 1, 30, 1, 0);
	struct asked a;

	path_of_process("web", last, 0, 7, 8, WAY "500-610 worker running kernel=10\n");
	/* The time that is asked for ends before, or behind. */
	path_of_process("web", last, 550, 7, 8, WAY "500-550 worker running kernel=5\n");
	path_of_process("web", last, 700, 7, 8, WAY "500-610 worker running kernel=10\n");
	path_of_process("web", last, 180, 7, 7, "100-180 nginx running kernel=5\n");
	/* Just when it begins to do something else. */
	path_of_process("web", last, 500, 7, 8, WAY);
	/* Who asks for the thread gets that. */
	path_of(7, LEAVES(EXIT(200, 0, 7, 7, 1)), "100-210 nginx running kernel=10\n");
	/* A trace that does not say who goes on, but which call the first one was in. */
	path_of_process("web", LEAVES("@190 cpu=0 tid=7 syscall_entry_exit error_code=0\n" EXIT(200, 0, 7, 7, 0)) EXIT(600, 1, 8, 7, 0)
		RUN(610, 1, 8, 16, 0) START(700, 1, 9) EXIT(800, 1, 9, 7, 0) RUN(810, 1, 9, 16, 0), 0, 7, 9,
		"100-700 logger timer\n700-810 logger running kernel=10\n");
	path_of_process("web", LEAVES("@190 cpu=0 tid=7 syscall_entry_exit_group error_code=0\n" EXIT(200, 0, 7, 7, 0)) EXIT(600, 1, 8, 7, 0)
		RUN(610, 1, 8, 16, 0), 0, 7, 7, "100-210 nginx running kernel=20\n");
	/* The first one ends all, or is told to; who takes long to end is not what it waited for. */
	path_of_process("web", LEAVES(EXIT(200, 0, 7, 7, 3)) EXIT(600, 1, 8, 7, 2) RUN(610, 1, 8, 16, 0), 0, 7, 7, "100-210 nginx running kernel=10\n");
	/* Another one does, later. */
	path_of_process("web", LEAVES(EXIT(200, 0, 7, 7, 1)) START(510, 0, 9) EXIT(600, 1, 8, 7, 3) RUN(610, 1, 8, 16, 0) EXIT(700, 0, 9, 7, 2)
		RUN(710, 0, 9, 16, 0), 0, 7, 8, WAY "500-610 worker running kernel=10\n");
	/* It does not end: the oldest that is left. */
	path_of_process("web", LEAVES(EXIT(200, 0, 7, 7, 1)), 0, 7, 8, WAY "500-1000 worker running\n");
	path_of_process("web", LEAVES(EXIT(200, 0, 7, 7, 1)) EXIT(600, 1, 8, 7, 1) RUN(610, 1, 8, 16, 0), 0, 7, 9, "100-1000 logger waiting other\n");
	/* It ends for another one that executes something, and takes its number. */
	path_of_process("web", LEAVES("@195 cpu=1 tid=8 sched_waking tid=7 target_cpu=0\n" EXIT(200, 0, 7, 7, 1))
		"@520 cpu=1 tid=7 pid=7 sched_process_exec filename=/bin/x tid=7 old_tid=8\n" EXIT(600, 1, 7, 7, 2) RUN(610, 1, 7, 16, 0), 0, 7, 7,
		WAY "500-520 worker running, becomes x\n520-610 nginx running kernel=10\n");
	/* A recorder that does not tell that others go on. */
	path_of_process("web", LEAVES("@195 cpu=1 tid=8 sched_waking tid=7 target_cpu=0\n" EXIT(200, 0, 7, 7, 0))
		"@520 cpu=1 tid=7 pid=7 sched_process_exec filename=/bin/x tid=7 old_tid=8\n" EXIT(600, 1, 7, 7, 0) RUN(610, 1, 7, 16, 0), 0, 7, 7,
		WAY "500-520 worker running, becomes x\n520-610 nginx running kernel=10\n");
	/* Nor is it another one's path where the number is asked for. */
	a = ask(LEAVES(EXIT(200, 0, 7, 7, 1)) "@520 cpu=1 tid=7 pid=7 sched_process_exec filename=/bin/x tid=7 old_tid=8\n",
		&(struct ph_path_ask){ .tid = 7, .from_ns = 100 }, 1000);
	is_path(a.p, WAY "500-520 worker running, becomes x\n520-1000 x running\n");
	done(&a);
	/* It is the first thread that is there, though another one has the smaller number. */
	path_of_process("small", "@1 container_info index=3 name=small cgroup_path=/small cgroup_id=14\n"
		"@1 lttng_statedump_process_state tid=55 pid=60 name=other container=3 cgroup_id=14 status=5 syscall=-1\n"
		"@1 lttng_statedump_process_state tid=60 pid=60 name=first container=3 cgroup_id=14 status=5 syscall=-1\n" BEGIN, 0, 60, 60,
		"100-1000 first waiting other\n");
	/* An older one is found when the one that was taken for the oldest has ended; whose number is another one's later. */
	path_of_process("older", "@1 container_info index=3 name=older cgroup_path=/older cgroup_id=14\n"
		IRQS
		"@10 cpu=0 tid=30 sched_process_fork parent_tid=30 parent_pid=30 child_tid=70 child_pid=70 child_comm=young child_container=3\n"
		"@10 cpu=0 tid=30 sched_process_fork parent_tid=70 parent_pid=70 child_tid=71 child_pid=70 child_comm=young child_container=3\n"
		"@10 cpu=0 tid=30 sched_switch prev_tid=30 prev_comm=cron prev_state=1 next_tid=70 next_comm=young\n" EXIT(20, 0, 70, 70, 1)
		"@20 cpu=0 tid=70 sched_switch prev_tid=70 prev_comm=young prev_state=16 next_tid=71 next_comm=young\n" EXIT(30, 0, 71, 70, 2)
		"@30 cpu=0 tid=71 sched_switch prev_tid=71 prev_comm=young prev_state=16 next_tid=0\n"
		"@50 lttng_statedump_process_state tid=60 pid=60 name=old container=3 cgroup_id=14 status=5 syscall=-1\n"
		IN_TIMER(200, 0, 0, "@200 cpu=0 tid=0 sched_waking tid=60 target_cpu=0\n@200 cpu=0 tid=0 sched_wakeup tid=60 target_cpu=0\n")
		"@200 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=60 next_comm=old\n" EXIT(300, 0, 60, 60, 2)
		"@310 cpu=0 tid=60 sched_switch prev_tid=60 prev_comm=old prev_state=16 next_tid=30\n"
		"@400 cpu=0 tid=30 sched_process_fork parent_tid=30 parent_pid=30 child_tid=60 child_pid=60 child_comm=cron child_container=0\n"
		"@400 cpu=0 tid=30 sched_wakeup_new tid=60 target_cpu=1\n@410 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=60 next_comm=cron\n",
		0, 60, 60, "100-200 old timer\n200-310 old running kernel=10\n");
	/* It had ended when the recording began. */
	path_of_process("left", "@1 container_info index=3 name=left cgroup_path=/left cgroup_id=14\n"
		"@1 lttng_statedump_process_state tid=60 pid=60 name=first container=3 cgroup_id=14 status=4 syscall=-1\n"
		"@1 lttng_statedump_process_state tid=61 pid=60 name=other container=3 cgroup_id=14 status=5 syscall=-1\n"
		IRQS IN_TIMER(200, 0, 0, "@200 cpu=0 tid=0 sched_waking tid=61 target_cpu=0\n@200 cpu=0 tid=0 sched_wakeup tid=61 target_cpu=0\n")
		"@200 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=61 next_comm=other\n" EXIT(300, 0, 61, 60, 2)
		"@310 cpu=0 tid=61 sched_switch prev_tid=61 prev_comm=other prev_state=16 next_tid=0\n", 0, 60, 61,
		"100-200 other timer\n200-310 other running kernel=10\n");
	/* It is said who ended last. */
	a = ask(LEAVES(EXIT(200, 0, 7, 7, 1)), &(struct ph_path_ask){ .from_ns = 100 }, 1000);
	{
		ph_autobuf text = { 0 };

		ph_path_verdict(a.p, &text);
		assert_non_null(strstr(text.p, "nginx of web (7, at the end its thread 8): 900 ns, of which "));
	}
	done(&a);
}

/* What a runtime has of its own in the container before it, and is older, is not the container's first process. */
static void test_first_process(void **state)
{
#define COMM_60 "runc"
#define COMM_62 "nginx"
#define INFO_FIELDS " container_info index=3 name=new cgroup_path=/new cgroup_id=14"
#define INFO "@1" INFO_FIELDS
#define HELPER "@1 lttng_statedump_process_state tid=60 pid=60 name=runc container=3 cgroup_id=14 status=5 syscall=-1\n"
#define FIRST "@1 lttng_statedump_process_state tid=62 pid=62 name=nginx container=3 cgroup_id=14 status=5 syscall=-1\n" IRQS
#define RUNS(time, tid, to) IN_TIMER(time, 0, 0, "@" #time " cpu=0 tid=0 sched_waking tid=" #tid " target_cpu=0\n@" #time \
	" cpu=0 tid=0 sched_wakeup tid=" #tid " target_cpu=0\n") "@" #time " cpu=0 tid=0 sched_switch prev_tid=0 next_tid=" #tid " next_comm=" COMM_##tid "\n" \
	"@" #to " cpu=0 tid=" #tid " sched_switch prev_tid=" #tid " prev_comm=" COMM_##tid " prev_state=1 next_tid=0\n"
#define EARLY RUNS(110, 60, 140) RUNS(150, 62, 300)
#define LATE RUNS(310, 60, 400) RUNS(600, 62, 700) RUNS(710, 60, 800)
	static const char want[] = "100-150 nginx timer\n150-300 nginx running\n300-600 nginx timer\n600-700 nginx running\n"
		"700-1000 nginx waiting other\n";

	(void)state;
	path_of_process("new", INFO " init_pid=62\n" HELPER FIRST EARLY LATE, 0, 62, 62, want);
	/* It is told later. */
	path_of_process("new", INFO "\n" HELPER FIRST EARLY "@305 cpu=0 tid=0 container_start index=3 init_pid=62\n" LATE, 0, 62, 62, want);
	/* It was another one before. */
	path_of_process("new", INFO " init_pid=60\n" HELPER FIRST EARLY "@305 cpu=0 tid=0" INFO_FIELDS " init_pid=62\n" LATE, 0, 62, 62, want);
	/* It is none of those that are seen. */
	path_of_process("new", INFO " init_pid=63\n" HELPER FIRST EARLY, 0, 60, 60, "100-110 runc timer\n110-140 runc running\n"
		"140-1000 runc waiting other\n");
}

static void test_several(void **state)
{
	static const struct { const char *name, *note; } cases[] = {
		{ "web", NULL },
		{ "*b", "2 containers are selected, and this is the path of their oldest process: web (#1), db (#2)" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		struct ph_selection sel = { 0 };
		struct ph_err err = { 0 };
		ph_autobuf note = { 0 };
		struct asked a;

		ph_strv_add(&sel.container, cases[i].name);
		assert_int_equal(ph_selection_check(&sel, &err), 0);
		a = ask(BEGIN, &(struct ph_path_ask){ .sel = &sel, .from_ns = 100 }, 1000);
		ph_path_note(a.p, 0, &note);
		if (cases[i].note)
			assert_string_equal(note.p, cases[i].note);
		else
			assert_null(strstr(note.p, "containers are selected"));
		/* The others are told all the same. */
		ph_buf_clear(&note);
		assert_true(ph_path_note(a.p, cases[i].note ? 1 : 0, &note));
		assert_non_null(strstr(note.p, "there are no "));
		done(&a);
		ph_selection_done(&sel);
	}
}

/* The number is asked for, and was one's before that has ended. */
static void test_number_again(void **state)
{
	static const char events[] = BEGIN RUN(200, 0, 7, 16, 0) START(290, 1, 20)
		"@300 cpu=1 tid=20 sched_process_fork parent_comm=postgres parent_tid=20 parent_pid=20 child_tid=50 child_pid=50 child_comm=job child_container=2\n"
		"@300 cpu=1 tid=20 sched_wakeup_new tid=50 target_cpu=0\n" RUN(310, 0, 0, 0, 50) EXIT(400, 0, 50, 50, 2) RUN(400, 0, 50, 16, 0)
		"@500 cpu=1 tid=20 sched_process_fork parent_comm=postgres parent_tid=20 parent_pid=20 child_tid=50 child_pid=50 child_comm=job child_container=2\n"
		"@500 cpu=1 tid=20 sched_wakeup_new tid=50 target_cpu=0\n" RUN(510, 0, 0, 0, 50);
	static const struct { uint64_t to_ns; const char *path; bool told; } cases[] = {
		{ 0, "500-510 job run queue idle\n510-1000 job running\n", true },
		{ 450, "299-300 postgres running, forks job\n300-310 job run queue idle\n310-400 job running\n", false },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		struct asked a = ask(events, &(struct ph_path_ask){ .tid = 50, .from_ns = 100, .to_ns = cases[i].to_ns }, 1000);
		ph_autobuf notes = { 0 };
		bool told = false;

		is_path(a.p, cases[i].path);
		for (unsigned int n = 0; ph_path_note(a.p, n, &notes); n++, ph_buf_clear(&notes))
			told |= strstr(notes.p, "another task's before") != NULL;
		assert_int_equal(told, cases[i].told);
		done(&a);
	}
}

/* More tasks than are told apart: what they did is theirs all the same, by name. */
static void test_many(void **state)
{
	ph_autobuf b = { 0 };
	uint64_t ran = 0, rest = 0;
	struct asked a;

	ph_buf_adds(&b, BEGIN);
	for (unsigned int i = 0; i < 10000; i++) {
		unsigned int at = 100 + i * 100, tid = 1000 + i;

		ph_buf_addf(&b, "@%u cpu=0 tid=7 sched_process_fork parent_tid=7 parent_pid=7 child_tid=%u child_pid=%u child_comm=job child_container=2\n"
			    "@%u cpu=0 tid=7 sched_wakeup_new tid=%u target_cpu=1\n", at, tid, tid, at, tid);
		ph_buf_addf(&b, "@%u cpu=1 tid=0 sched_switch prev_tid=0 prev_state=0 next_tid=%u next_comm=job\n"
			    "@%u cpu=0 tid=7 sched_switch prev_tid=7 prev_comm=nginx prev_state=1 next_tid=0\n", at + 10, tid, at + 10);
		ph_buf_addf(&b, "@%u cpu=1 tid=%u sched_waking tid=7 target_cpu=0\n@%u cpu=1 tid=%u sched_wakeup tid=7 target_cpu=0\n",
			    at + 80, tid, at + 80, tid);
		ph_buf_addf(&b, "@%u cpu=0 tid=0 sched_switch prev_tid=0 prev_state=0 next_tid=7 next_comm=nginx\n"
			    "@%u cpu=1 tid=%u sched_process_exit tid=%u\n"
			    "@%u cpu=1 tid=%u sched_switch prev_tid=%u prev_comm=job prev_state=16 next_tid=0\n", at + 80, at + 80, tid, tid, at + 85, tid, tid);
	}
	a = ask(b.p, &(struct ph_path_ask){ .tid = 7, .from_ns = 100, .to_ns = 1000100 }, 1000100);
	assert_true(a.p->found);
	is_whole(a.p);
	ph_vec_each(sh, &a.p->shares) {
		ran += sh->who.container == 2 && sh->state == PH_PATH_RAN ? sh->ns : 0;
		rest += sh->who.container == PH_CONTAINER_UNKNOWN ? sh->ns : 0;
	}
	assert_int_equal(ran, 10000 * 70);
	assert_int_equal(rest, 0);
	assert_in_range(a.p->shares.n, 4096, 4200);
	done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone), cmocka_unit_test(test_states), cmocka_unit_test(test_one_other),
		cmocka_unit_test(test_nested), cmocka_unit_test(test_ring), cmocka_unit_test(test_fork),
		cmocka_unit_test(test_born_meanwhile), cmocka_unit_test(test_packets), cmocka_unit_test(test_long_run), cmocka_unit_test(test_interrupts),
		cmocka_unit_test(test_no_interrupts), cmocka_unit_test(test_some_interrupts), cmocka_unit_test(test_some_calls),
		cmocka_unit_test(test_dead_ends), cmocka_unit_test(test_ends_asleep), cmocka_unit_test(test_gap),
		cmocka_unit_test(test_deep), cmocka_unit_test(test_svg), cmocka_unit_test(test_trail),
		cmocka_unit_test(test_number), cmocka_unit_test(test_process_end), cmocka_unit_test(test_first_process), cmocka_unit_test(test_several), cmocka_unit_test(test_number_again), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
