/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "source/synthetic.h"
#include "states_feed.h"

/* ---- what comes out, as text: "TID STATE BEGIN-END", with what matters of the state behind it ---- */

struct seen {
	struct ph_buf text, ran, out;
	struct ph_states_seen seen;
};

static const char *short_name(const struct ph_segment *s)
{
	static const char *const names[PH_ST_MAX] = { "unknown", "running", "throttled", "wait", "frozen",
						      "stopped", "blocked" };

	return names[s->state];
}

static void on_leave(void *arg, const struct ph_segment *s)
{
	struct seen *k = arg;
	struct ph_buf *b = &k->text;

	if (s->begin_ns == s->end_ns)
		return;
	ph_buf_addf(b, "%d %s %lu-%lu", s->tid, short_name(s), s->begin_ns, s->end_ns);
	if (s->state == PH_ST_RUNNING) {
		ph_buf_addf(b, " cpu%d", s->cpu);
		for (int i = 0; i < PH_PART_MAX; i++)
			if (s->part_ns[i])
				ph_buf_addf(b, " %s=%lu", ph_part_name((enum ph_part)i), s->part_ns[i]);
	}
	if (s->state == PH_ST_WAIT_CPU)
		ph_buf_addf(b, " cpu%d%s", s->cpu, s->preempted ? " preempted" : "");
	ph_buf_adds(b, s->off_cpu ? " off-CPU" : "");
	if (s->state == PH_ST_THROTTLED)
		ph_buf_addf(b, " cpu%d by %lu level %u%s", s->cpu, s->limit.cgroup_id, s->limit.level, s->exact ? " exact" : "");
	if (s->state == PH_ST_BLOCKED)
		ph_buf_addf(b, " %s", ph_wait_name(s->wait));
	if (s->waker)
		ph_buf_addf(b, " woken by %s %d at %lu", ph_waker_name(s->waker), s->waker_tid, s->waking_ns);
	ph_buf_adds(b, s->cut ? " cut\n" : "\n");
}

static void on_ran(void *arg, uint32_t cpu, int32_t tid, uint32_t container, uint64_t begin, uint64_t end)
{
	struct seen *k = arg;

	ph_buf_addf(&k->ran, "cpu%u %d %lu-%lu\n", cpu, tid, begin, end);
}

static void on_out(void *arg, const struct ph_limit *l, uint32_t cpu, uint64_t begin, uint64_t end)
{
	ph_buf_addf(&((struct seen *)arg)->out, "out %lu cpu%u %lu-%lu\n", l->cgroup_id, cpu, begin, end);
}

static struct seen run(const char *events)
{
	static const struct ph_states_ops ops = { .leave = on_leave, .ran = on_ran, .out = on_out };
	struct ph_err err = { 0 };
	struct ph_source *src;
	struct seen k = { 0 };

	if (ph_synthetic_parse(events, &src, &err) < 0) {
		fprintf(stderr, "%s\n", err.msg);
		fail();
	}
	ph_buf_adds(&k.text, "");
	ph_buf_adds(&k.ran, "");
	feed(src, &ops, &k, 1000, &k.seen);
	/* What is told of limits stands in front. */
	if (k.out.len) {
		ph_buf_addf(&k.out, "%s", k.text.p);
		ph_buf_done(&k.text);
		k.text = k.out;
	}
	return k;
}

static void expect(const char *events, const char *segments)
{
	struct seen k = run(events);

	assert_string_equal(k.text.p, segments);
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
}

/* ---- as of a moment ---------------------------------------------------------------------------------- */

/* As run(), but looked at before each event: what that tells at @at is in *look, and it changes nothing. */
static struct seen run_looking(const char *events, uint64_t at, struct seen *look)
{
	static const struct ph_states_ops ops = { .leave = on_leave, .ran = on_ran, .out = on_out };
	struct ph_identity *id = ph_identity_new();
	struct seen k = { 0 }, unused = { 0 };
	struct ph_err err = { 0 };
	struct ph_states *st;
	struct ph_source *src;
	struct ph_event *ev;

	ph_buf_adds(&k.text, "");
	ph_buf_adds(&k.ran, "");
	st = ph_states_new(id, &ops, &k);
	assert_int_equal(ph_synthetic_parse(events, &src, &err), 0);
	while (ph_source_next(src, &ev, &err) > 0) {
		if (at && at < ev->ts_ns) {
			ph_states_look(st, at, &ops, look);
			at = 0;
		}
		ph_states_look(st, ev->ts_ns, &ops, &unused);
		ph_identity_feed(id, ev);
		ph_states_feed(st, ev);
	}
	ph_states_finish(st, 1000);
	ph_states_look(st, 1000, &ops, look);	/* nothing is open any more */
	ph_states_free(st);
	ph_identity_free(id);
	ph_source_close(src);
	ph_buf_done(&unused.text);
	ph_buf_done(&unused.out);
	return k;
}

static void test_look(void **state)
{
	static const char events[] =
		"@100 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=8\n"
		"@150 cpu=0 tid=8 syscall_entry_read\n"
		"@200 cpu=0 tid=8 sched_wakeup tid=7 target_cpu=0\n"
		"@210 cpu=1 tid=0 sched_limit_begin cgroup_id=5 on_cpu=1 begin_ns=205 quota_ns=1 period_ns=2 whole=1\n"
		"@220 cpu=0 tid=8 syscall_exit_read\n"
		"@250 cpu=0 tid=8 irq_softirq_entry vec=1\n"
		"@400 cpu=0 tid=8 irq_softirq_exit vec=1\n"
		"@450 cpu=1 tid=0 sched_limit_end cgroup_id=5 on_cpu=1 begin_ns=205 throttled_ns=245\n"
		"@500 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=0 next_tid=7\n";
	struct seen plain = run(events), look = { 0 }, k = run_looking(events, 300, &look);

	/* No order among tasks. */
	assert_non_null(strstr(look.text.p, "7 wait 200-300 cpu0 woken by task 8 at 0 cut\n"));
	assert_non_null(strstr(look.text.p, "8 running 100-300 cpu0 user=30 kernel=70 user or kernel=50 interrupted=50 cut\n"));
	assert_string_equal(look.out.p, "out 5 cpu1 205-300\n");
	ph_buf_addf(&k.out, "%s", k.text.p);
	assert_string_equal(k.out.p, plain.text.p);
	assert_string_equal(k.ran.p, plain.ran.p);
	ph_buf_done(&plain.text);
	ph_buf_done(&plain.ran);
	ph_buf_done(&k.text);
	ph_buf_done(&k.out);
	ph_buf_done(&k.ran);
	ph_buf_done(&look.text);
	ph_buf_done(&look.out);
}

/* ---- transitions ----------------------------------------------------------------------------------- */

static void test_sleep_and_wake(void **state)
{
	expect("@100 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
	       "@200 cpu=1 tid=8 sched_waking tid=7 target_cpu=0\n"
	       "@210 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	       "@250 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@400 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=9\n",
	       "8 unknown 100-200\n"
	       "7 blocked 100-210 other woken by task 8 at 200\n"
	       "7 wait 210-250 cpu0 woken by task 8 at 200\n"
	       "7 running 250-400 cpu0 user or kernel=150\n"
	       "9 unknown 100-400\n"
	       "7 wait 400-1000 cpu0 preempted cut\n"
	       "8 running 200-1000 cpu1 user or kernel=800 cut\n"
	       "9 running 400-1000 cpu0 user or kernel=600 cut\n");
}

/* Without sched_wakeup the wait begins at sched_waking; without either the state before is unknown. */
static void test_wakeups_that_lack(void **state)
{
	expect("@100 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
	       "@200 cpu=1 tid=0 sched_waking tid=7 target_cpu=0\n"
	       "@250 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@300 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=2 next_tid=0\n"
	       "@500 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n",
	       "7 blocked 100-200 other\n"
	       "7 wait 200-250 cpu0\n"
	       "7 running 250-300 cpu0 user or kernel=50\n"
	       "7 blocked 300-500 other\n"
	       "7 running 500-1000 cpu0 user or kernel=500 cut\n");
	expect("@100 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=2 next_tid=0\n"
	       "@500 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n",
	       "7 blocked 100-500 other\n"
	       "7 running 500-1000 cpu0 user or kernel=500 cut\n");
	/* It was woken before it had left the CPU. */
	expect("@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@110 cpu=1 tid=5 sched_wakeup tid=5\n"
	       "@190 cpu=1 tid=5 sched_waking tid=7 target_cpu=0\n"
	       "@200 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
	       "@210 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	       "@220 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@300 cpu=0 tid=7 sched_waking tid=7\n"	/* awake: it never sleeps */
	       "@301 cpu=0 tid=7 sched_wakeup tid=7\n",
	       "5 unknown 100-110\n"
	       "7 running 100-200 cpu0 user or kernel=100\n"
	       "7 blocked 200-210 other woken by task 5 at 190\n"
	       "7 wait 210-220 cpu0 woken by task 5 at 190\n"
	       "5 running 110-1000 cpu1 user or kernel=890 cut\n"
	       "7 running 220-1000 cpu0 user or kernel=780 cut\n");
}

static void test_calls_divide_running(void **state)
{
	expect("@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@150 cpu=0 tid=7 syscall_entry_getppid\n"
	       "@160 cpu=0 tid=7 syscall_exit_getppid\n"
	       "@200 cpu=0 tid=7 syscall_entry_futex\n"
	       "@230 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
	       "@300 cpu=0 tid=0 sched_waking tid=7\n"
	       "@300 cpu=0 tid=0 sched_wakeup tid=7\n"
	       "@310 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@330 cpu=0 tid=7 syscall_exit_futex\n",
	       "7 running 100-230 cpu0 user=40 kernel=40 user or kernel=50\n"
	       "7 blocked 230-300 futex\n"
	       "7 wait 300-310 cpu0\n"
	       "7 running 310-1000 cpu0 user=670 kernel=20 cut\n");
}

static void test_interrupts_are_not_its_own(void **state)
{
	expect("@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@110 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=8\n"
	       "@200 cpu=0 tid=8 irq_handler_entry irq=9\n"
	       "@210 cpu=0 tid=8 irq_softirq_entry vec=3\n"	/* nested, as nothing but an error would */
	       "@220 cpu=0 tid=8 sched_waking tid=7\n"
	       "@221 cpu=0 tid=8 sched_wakeup tid=7\n"
	       "@230 cpu=0 tid=8 irq_softirq_exit vec=3\n"
	       "@240 cpu=0 tid=8 irq_handler_exit irq=9\n"
	       "@250 cpu=0 tid=8 irq_handler_exit irq=9\n"	/* without an entry */
	       "@300 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=0 next_tid=7\n",
	       "7 running 100-110 cpu0 user or kernel=10\n"
	       "8 unknown 100-110\n"
	       "7 blocked 110-221 other woken by network -1 at 220\n"
	       "8 running 110-300 cpu0 user or kernel=150 interrupted=40\n"
	       "7 wait 221-300 cpu0 woken by network -1 at 220\n"
	       "7 running 300-1000 cpu0 user or kernel=700 cut\n"
	       "8 wait 300-1000 cpu0 preempted cut\n");
}

static void test_wakers(void **state)
{
	static const struct { const char *entry, *exit, *waker; } cases[] = {
		{ "timer_hrtimer_expire_entry", "timer_hrtimer_expire_exit", "timer" },
		{ "irq_softirq_entry vec=1", "irq_softirq_exit vec=1", "timer" },
		{ "irq_softirq_entry vec=4", "irq_softirq_exit vec=4", "disk" },
		{ "irq_softirq_entry vec=9", "irq_softirq_exit vec=9", "interrupt" },
		{ "irq_handler_entry irq=3", "irq_handler_exit irq=3", "interrupt" },
		{ "ipi_entry", "ipi_exit", "ipi" },
		{ "x86_irq_vectors_reschedule_entry", "x86_irq_vectors_reschedule_exit", "ipi" },
		{ "x86_irq_vectors_local_timer_entry", "x86_irq_vectors_local_timer_exit", "timer" },
		{ "irq_handler_entry irq=3\n@121 cpu=0 tid=8 block_rq_complete", "irq_handler_exit irq=3", "disk" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		ph_autofree char *events = ph_asprintf(
			"@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
			"@110 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=8\n"
			"@120 cpu=0 tid=8 %s\n@130 cpu=0 tid=8 sched_waking tid=7\n"
			"@130 cpu=0 tid=8 sched_wakeup tid=7\n@140 cpu=0 tid=8 %s\n", cases[i].entry, cases[i].exit);
		ph_autofree char *want = ph_asprintf("woken by %s -1 at 130", cases[i].waker);
		struct seen k = run(events);

		if (!strstr(k.text.p, want))
			fail_msg("%s: %s", cases[i].entry, k.text.p);
		ph_buf_done(&k.text);
		ph_buf_done(&k.ran);
	}
}

/* The end tells how much of the time was throttled; the rest it waited for the CPU. */
static void test_throttle(void **state)
{
	expect("@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@199 cpu=0 tid=7 sched_throttle_begin tid=7 cgroup_id=4 limit_cgroup_id=3 limit_level=1 quota_ns=50 "
	       "period_ns=100\n"
	       "@200 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=8\n"
	       "@300 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=0 next_tid=7\n"
	       "@300 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=9\n"
	       "@301 cpu=0 tid=7 sched_throttle_end tid=7 limit_cgroup_id=3 begin_ns=199 throttled_ns=71 exact=1\n"
	       "@400 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=8\n",
	       "7 running 100-200 cpu0 user or kernel=100\n"
	       "8 unknown 100-200\n"
	       "8 running 200-300 cpu0 user or kernel=100\n"
	       "9 unknown 100-300\n"
	       "7 throttled 200-270 cpu0 by 3 level 1 exact\n"
	       "7 wait 270-300 cpu0\n"
	       "7 running 300-400 cpu0 user or kernel=100\n"
	       "8 wait 300-400 cpu0 preempted\n"
	       "7 wait 400-1000 cpu0 preempted cut\n"
	       "8 running 400-1000 cpu0 user or kernel=600 cut\n"
	       "9 running 300-1000 cpu1 user or kernel=700 cut\n");
	/* The refill is told: it ran out a second time before 7 had its turn. */
	expect("@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@200 cpu=0 tid=7 sched_limit_begin cgroup_id=3 on_cpu=0 begin_ns=199\n"
	       "@200 cpu=0 tid=7 sched_throttle_begin tid=7 cgroup_id=3 limit_cgroup_id=3\n"
	       "@200 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=8\n"
	       "@210 cpu=0 tid=8 sched_throttle_begin tid=8 cgroup_id=3 limit_cgroup_id=3\n"
	       "@210 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=0 next_tid=0\n"
	       "@300 cpu=1 tid=0 sched_limit_end cgroup_id=3 on_cpu=0 begin_ns=199 throttled_ns=100\n"
	       "@310 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=8\n"
	       "@310 cpu=0 tid=8 sched_throttle_end tid=8 begin_ns=210 throttled_ns=90 exact=1\n"
	       "@400 cpu=0 tid=8 sched_limit_begin cgroup_id=3 on_cpu=0 begin_ns=400\n"
	       "@400 cpu=0 tid=8 sched_throttle_begin tid=8 cgroup_id=3 limit_cgroup_id=3\n"
	       "@400 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=0 next_tid=7\n"
	       "@405 cpu=0 tid=7 sched_throttle_begin tid=7 cgroup_id=3 limit_cgroup_id=3\n"
	       "@405 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=0\n",
	       "out 3 cpu0 199-299\n"
	       "out 3 cpu0 400-1000\n"
	       "7 running 100-200 cpu0 user or kernel=100\n"
	       "8 unknown 100-200\n"
	       "8 running 200-210 cpu0 user or kernel=10\n"
	       "8 throttled 210-299 cpu0 by 3 level 0 exact\n"
	       "7 throttled 200-299 cpu0 by 3 level 0 exact\n"
	       "8 wait 299-310 cpu0\n"
	       "8 running 310-400 cpu0 user or kernel=90\n"
	       "7 wait 299-400 cpu0\n"
	       "7 running 400-405 cpu0 user or kernel=5\n"
	       "7 throttled 405-1000 cpu0 by 3 level 0 cut\n"
	       "8 throttled 400-1000 cpu0 by 3 level 0 cut\n");
	/* On another CPU than before. */
	expect("@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@200 cpu=0 tid=7 sched_throttle_begin tid=7 limit_cgroup_id=3\n"
	       "@200 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=0\n"
	       "@280 cpu=0 tid=0 sched_migrate_task tid=7 orig_cpu=0 dest_cpu=1\n"
	       "@300 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@301 cpu=1 tid=7 sched_throttle_end tid=7 begin_ns=200 throttled_ns=60 exact=1\n",
	       "7 running 100-200 cpu0 user or kernel=100\n"
	       "7 throttled 200-260 cpu0 by 3 level 0 exact\n"
	       "7 wait 260-300 cpu1\n"
	       "7 running 300-1000 cpu1 user or kernel=700 cut\n");
	/* No end: throttled until it ran; and it still is when the stream ends. */
	expect("@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@200 cpu=0 tid=7 sched_throttle_begin tid=7 limit_cgroup_id=3\n"
	       "@200 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=0\n"
	       "@300 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@310 cpu=0 tid=7 syscall_entry_getppid\n"
	       "@400 cpu=0 tid=7 sched_throttle_begin tid=7 limit_cgroup_id=3\n"
	       "@400 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=0\n",
	       "7 running 100-200 cpu0 user or kernel=100\n"
	       "7 throttled 200-300 cpu0 by 3 level 0\n"
	       "7 running 300-400 cpu0 kernel=90 user or kernel=10\n"
	       "7 throttled 400-1000 cpu0 by 3 level 0 cut\n");
}

#define GROUPS											\
	"@100 statedump_cgroup id=1 cpu_weight=100 path=/\n"						\
	"@100 statedump_cgroup id=3 parent_id=1 cpu_weight=100 path=/pod\n"				\
	"@100 statedump_cgroup id=4 parent_id=3 cpu_weight=100 path=/pod/web\n"				\
	"@100 lttng_statedump_process_state tid=7 cgroup_id=4 status=5 syscall=-1\n"			\
	"@100 lttng_statedump_process_state tid=8 cgroup_id=4 status=5 syscall=-1\n"			\
	"@100 lttng_statedump_process_state tid=9 cgroup_id=1 status=5 syscall=-1\n"

/* Before Linux 6.18 all tasks below a limit are off the CPU while it is out, whatever they were doing. */
static void test_throttled_groups(void **state)
{
	/* 7 is taken off, 8 was queued, 9 is not below the limit; 8 moves, 7 is let go by the pod, not by its own. */
	expect(GROUPS
	       "@110 cpu=0 tid=0 sched_wakeup tid=8 target_cpu=0\n"
	       "@110 cpu=0 tid=0 sched_wakeup tid=9 target_cpu=0\n"
	       "@120 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@200 cpu=0 tid=7 sched_limit_begin cgroup_id=3 on_cpu=0 begin_ns=190 whole=1\n"
	       "@200 cpu=0 tid=7 sched_throttle_begin tid=7 cgroup_id=4 limit_cgroup_id=3 limit_level=1\n"
	       "@200 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=9\n"
	       "@210 cpu=0 tid=9 sched_limit_begin cgroup_id=4 on_cpu=0 begin_ns=210 whole=1\n"
	       "@250 cpu=0 tid=9 sched_migrate_task tid=8 orig_cpu=0 dest_cpu=1\n"
	       "@300 cpu=1 tid=0 sched_limit_end cgroup_id=3 on_cpu=0 begin_ns=190 throttled_ns=110\n"
	       "@400 cpu=1 tid=0 sched_limit_end cgroup_id=4 on_cpu=0 begin_ns=210 throttled_ns=190\n"
	       "@420 cpu=0 tid=9 sched_switch prev_tid=9 prev_state=1 next_tid=7\n"
	       "@420 cpu=0 tid=7 sched_throttle_end tid=7 begin_ns=200 throttled_ns=200 exact=1\n",
	       "out 3 cpu0 190-300\n"
	       "out 4 cpu0 210-400\n"
	       "8 blocked 100-110 other\n"
	       "9 blocked 100-110 other\n"
	       "7 blocked 100-120 other\n"
	       "8 wait 110-190 cpu0\n"
	       "7 running 120-200 cpu0 user or kernel=80\n"
	       "9 wait 110-200 cpu0\n"
	       "8 throttled 190-250 cpu0 by 3 level 1 exact\n"
	       "7 throttled 200-300 cpu0 by 3 level 1 exact\n"
	       "7 throttled 300-400 cpu0 by 4 level 0 exact\n"
	       "9 running 200-420 cpu0 user or kernel=220\n"
	       "7 wait 400-420 cpu0\n"
	       "7 running 420-1000 cpu0 user or kernel=580 cut\n"
	       "8 wait 250-1000 cpu1 cut\n"
	       "9 blocked 420-1000 other cut\n");
	/* 7 wakes up into a throttled group; 8, asleep, does not care; the refill is lost, as 7 runs. */
	expect(GROUPS
	       "@150 cpu=0 tid=0 sched_limit_begin cgroup_id=3 on_cpu=0 begin_ns=150 whole=1\n"
	       "@200 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	       "@300 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@310 cpu=0 tid=7 sched_limit_begin cgroup_id=3 on_cpu=0 begin_ns=310 whole=1\n"
	       "@320 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=0\n"
	       "@400 cpu=0 tid=0 cgroup_rmdir id=3\n",
	       "out 3 cpu0 150-300\n"
	       "out 3 cpu0 310-400\n"
	       "7 blocked 100-200 other\n"
	       "7 throttled 200-300 cpu0 by 3 level 1 exact\n"
	       "7 running 300-320 cpu0 user or kernel=20\n"
	       "7 throttled 320-400 cpu0 by 3 level 1 exact\n"
	       "7 wait 400-1000 cpu0 cut\n"
	       "8 blocked 100-1000 other cut\n"
	       "9 blocked 100-1000 other cut\n");
}

static void test_steal(void **state)
{
	expect("@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@300 cpu=0 tid=7 cpu_steal steal_ns=80\n"
	       "@300 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=0\n"
	       "@400 cpu=0 tid=0 cpu_steal steal_ns=80\n"	/* nobody's */
	       "@400 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@410 cpu=0 tid=7 cpu_steal steal_ns=80\n"	/* counted in ticks: more than it ran */
	       "@500 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n",
	       "7 running 100-300 cpu0 user or kernel=120 steal=80\n"
	       "7 wait 300-400 cpu0 preempted\n"
	       "7 running 400-500 cpu0 user or kernel=90 steal=10\n"
	       "7 blocked 500-1000 other cut\n");
}

static void test_migrate(void **state)
{
	expect("@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@200 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=8\n"
	       "@250 cpu=1 tid=0 sched_migrate_task tid=7 orig_cpu=0 dest_cpu=1\n"
	       "@300 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=7\n",
	       "7 running 100-200 cpu0 user or kernel=100\n"
	       "8 unknown 100-200\n"
	       "7 wait 200-250 cpu0 preempted\n"
	       "7 wait 250-300 cpu1 preempted\n"
	       "7 running 300-1000 cpu1 user or kernel=700 cut\n"
	       "8 running 200-1000 cpu0 user or kernel=800 cut\n");
}

static void test_life(void **state)
{
	expect("@100 cpu=0 tid=7 pid=7 sched_process_fork parent_tid=7 parent_pid=7 child_tid=20 child_pid=20\n"
	       "@110 cpu=0 tid=7 sched_wakeup_new tid=20 target_cpu=1\n"
	       "@120 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=20\n"
	       "@150 cpu=1 tid=20 sched_process_exit tid=20\n"
	       "@160 cpu=1 tid=20 sched_switch prev_tid=20 prev_state=2 next_tid=0\n"	/* in exit_files() */
	       "@170 cpu=1 tid=0 sched_waking tid=20 target_cpu=1\n"
	       "@171 cpu=1 tid=0 sched_wakeup tid=20 target_cpu=1\n"
	       "@180 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=20\n"
	       "@200 cpu=1 tid=20 sched_switch prev_tid=20 prev_state=16 next_tid=0\n"
	       "@210 cpu=0 tid=7 sched_waking tid=20\n"		/* does not bring it back */
	       "@220 cpu=0 tid=7 sched_process_free tid=20\n"
	       "@300 cpu=0 tid=7 sched_process_fork parent_tid=7 parent_pid=7 child_tid=20 child_pid=20\n",
	       "20 blocked 100-110 other woken by task 7 at 0\n"
	       "20 wait 110-120 cpu1 woken by task 7 at 0\n"
	       "20 running 120-160 cpu1 kernel=10 user or kernel=30\n"
	       "20 blocked 160-171 other\n"
	       "20 wait 171-180 cpu1\n"
	       "20 running 180-200 cpu1 kernel=20\n"
	       "7 running 100-1000 cpu0 user or kernel=900 cut\n"
	       "20 blocked 300-1000 other cut\n");
}

/* The namespaces of a child that has some of its own are told before it runs, on its parent's CPU. */
static void test_born_in_namespaces(void **state)
{
	expect("@90 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@100 cpu=0 tid=7 pid=7 sched_process_fork parent_tid=7 parent_pid=7 child_tid=20 child_pid=20\n"
	       "@101 cpu=0 tid=20 pid=20 sched_process_namespaces tid=20 flags=0x20000000\n"
	       "@110 cpu=0 tid=7 sched_wakeup_new tid=20 target_cpu=1\n"
	       "@120 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=20\n",
	       "20 blocked 100-110 other woken by task 7 at 0\n"
	       "20 wait 110-120 cpu1 woken by task 7 at 0\n"
	       "7 running 90-1000 cpu0 user or kernel=910 cut\n"
	       "20 running 120-1000 cpu1 user or kernel=880 cut\n");
}

static void test_exec_by_a_thread(void **state)
{
	expect("@100 cpu=0 tid=21 pid=20 sched_switch prev_tid=0 next_tid=21\n"
	       "@150 cpu=0 tid=20 pid=20 sched_process_exec tid=20 old_tid=21\n"
	       "@200 cpu=0 tid=20 pid=20 syscall_exit_execve\n",
	       "21 running 100-150 cpu0 user or kernel=50\n"
	       "20 running 150-1000 cpu0 user=800 user or kernel=50 cut\n");
}

static void test_stopped_and_frozen(void **state)
{
	expect("@100 container_info index=1 name=web\n"
	       "@100 cpu=0 tid=7 container=1 sched_switch prev_tid=7 prev_state=4 next_tid=0\n"
	       "@200 cpu=1 tid=0 sched_waking tid=7\n@200 cpu=1 tid=0 sched_wakeup tid=7\n"
	       "@210 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@300 cpu=0 tid=7 container=1 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
	       "@400 container_pause index=1\n"
	       "@600 container_unpause index=1\n"
	       "@700 cpu=1 tid=0 sched_waking tid=7\n@700 cpu=1 tid=0 sched_wakeup tid=7\n",
	       "7 stopped 100-200\n"
	       "7 wait 200-210 cpu0\n"
	       "7 running 210-300 cpu0 user or kernel=90\n"
	       "7 blocked 300-400 other\n"
	       "7 frozen 400-600\n"
	       "7 blocked 600-700 other\n"
	       "7 wait 700-1000 cpu0 cut\n");
	/* Running when it comes; thawed by its cgroup's parent. */
	expect("@100 container_info index=1 name=web cgroup_path=/pod/web cgroup_id=5\n"
	       "@100 cpu=0 tid=7 pid=7 container=1 signal_deliver\n"
	       "@101 cpu=0 tid=7 container=1 syscall_entry_getppid\n"
	       "@200 cpu=1 tid=0 cgroup_freeze id=4 path=/pod\n"
	       "@210 cpu=0 tid=7 container=1 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
	       "@400 cpu=1 tid=0 cgroup_unfreeze id=4 path=/pod\n"
	       "@410 cpu=1 tid=0 sched_waking tid=7\n@410 cpu=1 tid=0 sched_wakeup tid=7\n"
	       "@420 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n",
	       "7 running 100-210 cpu0 kernel=109 user or kernel=1\n"
	       "7 frozen 210-400\n"
	       "7 blocked 400-410 other\n"
	       "7 wait 410-420 cpu0\n"
	       "7 running 420-1000 cpu0 kernel=580 cut\n");
}

/* ---- what it waits for ----------------------------------------------------------------------------- */

static void test_reasons(void **state)
{
	static const struct { const char *call; int st; const char *before, *why; } cases[] = {
		{ "futex", 1, "", "futex" }, { "nanosleep", 1, "", "timer" }, { "poll", 1, "", "poll" },
		{ "epoll_wait", 1, "", "poll" }, { "wait4", 1, "", "child" }, { "fsync", 2, "", "disk" },
		{ "recvfrom", 1, "", "socket" }, { "pause", 1, "", "signal" }, { "flock", 1, "", "lock" },
		{ "read", 1, "", "other" }, { "read", 2, "", "disk" }, { "munmap", 2, "", "lock" },
		{ "openat", 2, "@102 cpu=0 tid=7 block_rq_issue dev=8388608\n", "disk" },
		{ "brk", 2, "@102 cpu=0 tid=7 mm_vmscan_memcg_reclaim_begin\n", "reclaim" },
		{ "clone", 2, "", "child" },
	};

	static const struct { const char *fields; int st; const char *why; } told[] = {
		{ "nr=read fd=3 mode=49152 family=2", 1, "socket" }, { "nr=read fd=3 mode=4096", 1, "pipe" },
		{ "nr=read fd=0 mode=8192", 1, "tty" }, { "nr=read fd=0 mode=8192 dev=6", 2, "other" }, { "nr=read fd=3 mode=32768", 2, "disk" },
		{ "nr=futex fd=-1", 1, "futex" }, { "nr=-1 fd=-1", 2, "fault" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		ph_autofree char *events = ph_asprintf(
			"@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n@101 cpu=0 tid=7 syscall_entry_%s\n%s"
			"@110 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=%d next_tid=0\n", cases[i].call,
			cases[i].before, cases[i].st);
		ph_autofree char *want = ph_asprintf("7 blocked 110-1000 %s cut\n", cases[i].why);
		struct seen k = run(events);

		if (!strstr(k.text.p, want))
			fail_msg("%s: %s", cases[i].call, k.text.p);
		ph_buf_done(&k.text);
		ph_buf_done(&k.ran);
	}
	/* The recorder tells the descriptor; and the call, where calls are not recorded. */
	for (size_t i = 0; i < PH_ARRAY_SIZE(told); i++) {
		ph_autofree char *events = ph_asprintf(
			"@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
			"@109 cpu=0 tid=7 sched_block tid=7 state=%d %s\n"
			"@110 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=%d next_tid=0\n", told[i].st,
			told[i].fields, told[i].st);
		ph_autofree char *want = ph_asprintf("7 blocked 110-1000 %s cut\n", told[i].why);
		struct seen k = run(events);

		if (!strstr(k.text.p, want))
			fail_msg("%s: %s", told[i].fields, k.text.p);
		ph_buf_done(&k.text);
		ph_buf_done(&k.ran);
	}
	/* No call, and the trace would have told: a page fault. A kernel thread has no work. */
	expect("@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n@101 cpu=0 tid=7 syscall_exit_getppid\n"
	       "@110 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=2 next_tid=0\n"
	       "@200 cpu=1 lttng_statedump_process_state tid=50 pid=50 type=1 status=5\n",
	       "7 running 100-110 cpu0 user=9 user or kernel=1\n"
	       "50 unknown 100-200\n"
	       "7 blocked 110-1000 fault cut\n"
	       "50 blocked 200-1000 idle cut\n");
}

static void test_state_dump(void **state)
{
	expect("@100 cpu=0 lttng_statedump_start\n"
	       "@110 cpu=0 lttng_statedump_process_state tid=7 pid=7 status=5 syscall=futex\n"
	       "@111 cpu=0 lttng_statedump_process_state tid=8 pid=8 status=6 cpu=1 syscall=-1\n"
	       "@112 cpu=0 lttng_statedump_process_state tid=9 pid=9 status=2 syscall=-1\n"
	       "@113 cpu=0 lttng_statedump_process_state tid=10 pid=10 status=4 syscall=-1\n",
	       "7 unknown 100-110\n"
	       "8 unknown 100-111\n"
	       "9 unknown 100-112\n"
	       "7 blocked 110-1000 futex cut\n"
	       "8 running 111-1000 cpu1 user or kernel=889 cut\n"
	       "9 wait 112-1000 cpu0 cut\n");
	/* It waited until it runs, and who took the CPU from it may be another that was runnable. */
	expect("@100 cpu=0 lttng_statedump_start\n"
	       "@111 cpu=0 lttng_statedump_process_state tid=8 pid=8 status=6 cpu=1 syscall=-1\n"
	       "@112 cpu=0 lttng_statedump_process_state tid=9 pid=9 status=2 cpu=1 syscall=-1\n"
	       "@400 cpu=1 tid=8 sched_switch prev_tid=8 prev_state=0 next_tid=9\n",
	       "8 unknown 100-111\n"
	       "9 unknown 100-112\n"
	       "8 running 111-400 cpu1 user or kernel=289\n"
	       "9 wait 112-400 cpu1\n"
	       "8 wait 400-1000 cpu1 preempted cut\n"
	       "9 running 400-1000 cpu1 user or kernel=600 cut\n");
}

/* The dump of LTTng, of whose tasks that are runnable one may be running: its cgroups it does not tell. */
static void test_state_dump_of_lttng(void **state)
{
	static const struct ph_states_ops ops = { .leave = on_leave, .ran = on_ran, .out = on_out };
	const struct ph_class *ours = ph_class_by_name("lttng_statedump_process_state");
	ph_autofree int16_t *canon = ph_alloc(ours->nfields * sizeof(*canon));
	const char *want[] = { "8 unknown 100-400\n8 running 400-1000", "8 wait 111-400 cpu1\n8 running 400-1000" };
	struct ph_class lttng = *ours;

	for (uint32_t i = 0; i < ours->nfields; i++)
		canon[i] = strcmp(ours->fields[i].name, "cgroup_id") ? (int16_t)i : -1;
	lttng.canon = canon;
	for (size_t i = 0; i < PH_ARRAY_SIZE(want); i++) {
		struct ph_identity *id = ph_identity_new();
		struct seen k = { 0 };
		struct ph_states *st = ph_states_new(id, &ops, &k);
		struct ph_err err = { 0 };
		struct ph_source *src;
		struct ph_event *ev;

		assert_int_equal(ph_synthetic_parse("@100 cpu=0 lttng_statedump_start\n"
			"@111 cpu=0 lttng_statedump_process_state tid=8 pid=8 status=2 cpu=1 syscall=-1\n"
			"@400 cpu=1 tid=9 sched_switch prev_tid=9 prev_state=1 next_tid=8\n", &src, &err), 0);
		while (ph_source_next(src, &ev, &err) > 0) {
			if (ev->cls->id == ours->id && i == 0)
				ev->cls = &lttng;
			ph_identity_feed(id, ev);
			ph_states_feed(st, ev);
		}
		ph_states_finish(st, 1000);
		if (!strstr(k.text.p, want[i]))
			fail_msg("%s", k.text.p);
		ph_states_free(st);
		ph_identity_free(id);
		ph_source_close(src);
		ph_buf_done(&k.text);
		ph_buf_done(&k.ran);
	}
}

/* ---- what is missing --------------------------------------------------------------------------------- */

static void test_gap(void **state)
{
	expect("@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@100 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=8\n"
	       "@150 cpu=1 tid=8 sched_switch prev_tid=8 prev_state=1 next_tid=9\n"
	       "@200 cpu=0 events_discarded count=5 begin_ns=200 end_ns=300 gap_cpu=0\n"
	       "@400 cpu=1 tid=9 sched_waking tid=8\n@400 cpu=1 tid=9 sched_wakeup tid=8\n"
	       "@500 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n",
	       "8 running 100-150 cpu1 user or kernel=50\n"
	       "9 unknown 100-150\n"
	       "8 blocked 150-200 other woken by task 9 at 400 cut\n"
	       "8 unknown 200-300 woken by task 9 at 400 cut\n"
	       "8 blocked 300-400 other woken by task 9 at 400\n"
	       "7 running 100-200 cpu0 user or kernel=100 cut\n"
	       "7 unknown 200-300 cut\n"
	       "7 running 300-500 cpu0 user or kernel=200\n"
	       "7 blocked 500-1000 other cut\n"
	       "8 wait 400-1000 cpu0 woken by task 9 at 400 cut\n"
	       "9 running 150-1000 cpu1 user or kernel=850 cut\n");
}

/* Events that were missed one by one, on whatever CPU, leave no time unknown. */
static void test_missed(void **state)
{
	expect("@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
	       "@200 cpu=0 events_discarded count=5 begin_ns=200 end_ns=300 gap_cpu=-1\n"
	       "@500 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n",
	       "7 running 100-500 cpu0 user or kernel=400\n"
	       "7 blocked 500-1000 other cut\n");
}

/* Only one container's switches are recorded: of the others nothing is made up. */
static void test_holes(void **state)
{
	struct seen k = run("@100 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=50\n"
			    "@300 cpu=0 tid=51 sched_switch prev_tid=51 prev_state=0 next_tid=7\n");

	assert_string_equal(k.text.p, "51 unknown 100-300\n"
				      "7 wait 100-300 cpu0 preempted\n"
				      "7 running 300-1000 cpu0 user or kernel=700 cut\n"
				      "50 unknown 100-1000 cut\n"
				      "51 wait 300-1000 cpu0 preempted cut\n");
	assert_string_equal(k.ran.p, "cpu0 -1 100-300\ncpu0 7 300-1000\n");
	assert_int_equal(k.seen.holes, 1);
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
}

/* Who comes onto a CPU unseen was waiting for it as long as another one had it. */
static void test_unseen_switch(void **state)
{
	struct seen k = run("@0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=8\n@50 cpu=0 tid=8 sched_waking tid=7 target_cpu=0\n"
			    "@50 cpu=0 tid=8 sched_wakeup tid=7 target_cpu=0\n@200 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=1 next_tid=9\n"
			    "@300 cpu=0 tid=7 syscall_entry_read\n");

	assert_non_null(strstr(k.text.p, "7 wait 50-200 cpu0 woken by task 8 at 50\n7 unknown 200-300"));
	assert_non_null(strstr(k.text.p, "7 running 300-1000 cpu0"));
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
	/* As well where it had become unknown who has it, since the one who had came to another CPU unseen. */
	k = run("@0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=8\n@0 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=10\n"
		"@50 cpu=1 tid=10 sched_wakeup tid=7 target_cpu=0\n@200 cpu=0 tid=8 sched_waking tid=20 target_cpu=1\n"
		"@250 cpu=1 tid=10 sched_switch prev_tid=10 prev_state=1 next_tid=8\n"
		"@300 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=9\n");
	assert_non_null(strstr(k.text.p, "7 wait 50-200 cpu0"));
	assert_non_null(strstr(k.text.p, "7 unknown 200-300"));
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
	/* Or was kept from it by its limit, the end of which was not seen either. */
	k = run("@0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n@50 cpu=0 tid=7 sched_throttle_begin tid=7 limit_cgroup_id=3\n"
		"@50 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=8\n@200 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=1 next_tid=9\n"
		"@300 cpu=0 tid=7 syscall_entry_read\n");
	assert_non_null(strstr(k.text.p, "7 throttled 50-200 cpu0 by 3 level 0\n7 unknown 200-300"));
	assert_non_null(strstr(k.text.p, "7 running 300-1000 cpu0"));
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
	/* That it was woken was seen, and not that it was put into this CPU's queue. */
	k = run("@0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n@50 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=8\n"
		"@60 cpu=1 tid=0 sched_wakeup tid=20 target_cpu=1\n@100 cpu=1 tid=10 sched_waking tid=7 target_cpu=0\n"
		"@200 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=1 next_tid=9\n@300 cpu=0 tid=7 syscall_entry_read\n");
	assert_non_null(strstr(k.text.p, "7 blocked 50-100"));
	assert_non_null(strstr(k.text.p, "7 wait 100-200 cpu0 woken by task 10 at 100\n7 unknown 200-300"));
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
}

/* A switch with a stack was before that was walked, but not before what was told of that CPU. */
static void test_walked(void **state)
{
	struct seen k = run("@0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
			    "@120 cpu=0 tid=7 callstack trigger=1 tid=7 walk_ns=30\n@121 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=8\n"
			    "@130 cpu=0 tid=8 callstack trigger=1 tid=8 walk_ns=20\n@131 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=1 next_tid=9\n"
			    "@200 cpu=0 tid=9 callstack trigger=1 tid=9 walk_ns=20\n@210 cpu=0 tid=9 sched_process_fork parent_tid=9 child_tid=10\n"
			    "@220 cpu=0 tid=9 sched_switch prev_tid=9 prev_state=1 next_tid=7\n");

	assert_non_null(strstr(k.text.p, "7 running 0-90 cpu0"));
	assert_non_null(strstr(k.text.p, "8 running 90-110 cpu0"));
	assert_non_null(strstr(k.text.p, "9 running 110-220 cpu0"));
	assert_non_null(strstr(k.text.p, "7 running 220-1000 cpu0"));
	assert_string_equal(k.ran.p, "cpu0 7 0-90\ncpu0 8 90-110\ncpu0 9 110-220\ncpu0 7 220-1000\n");
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
	k = run("@100 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n@120 cpu=0 tid=7 callstack trigger=1 tid=7 walk_ns=30\n"
		"@121 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=8\n");
	assert_non_null(strstr(k.text.p, "7 wait 100-1000"));
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
}

/* Who is woken unseen slept until there was a CPU of which not all is told. */
static void test_woken_unseen(void **state)
{
	/* Woken and switched to where nobody saw it. */
	struct seen k = run("@0 cpu=0 tid=0 sched_waking tid=20 target_cpu=0\n@0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
			    "@50 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=8\n"
			    "@200 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=1 next_tid=9\n@300 cpu=0 tid=7 syscall_entry_read\n");

	assert_non_null(strstr(k.text.p, "7 blocked 50-200"));
	/* Of that it may have run in a part. */
	assert_non_null(strstr(k.text.p, "7 unknown 200-300\n"));
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
	/* On another CPU; that is over, or goes on. From its switch to its switch it had no CPU in any case. */
	for (int over = 0; over < 2; over++) {
		k = run(over ? "@0 cpu=0 tid=0 sched_waking tid=20 target_cpu=0\n@0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
			       "@0 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=10\n"
			       "@50 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=8\n"
			       "@100 cpu=1 tid=10 sched_switch prev_tid=10 prev_state=1 next_tid=9\n@150 cpu=1 tid=10 syscall_entry_read\n"
			       "@300 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=0 next_tid=7\n"
			     : "@0 cpu=0 tid=0 sched_waking tid=20 target_cpu=0\n@0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
			       "@0 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=10\n"
			       "@50 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=8\n"
			       "@100 cpu=1 tid=10 sched_switch prev_tid=10 prev_state=1 next_tid=9\n"
			       "@300 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=0 next_tid=7\n");
		assert_non_null(strstr(k.text.p, "7 blocked 50-100"));
		assert_non_null(strstr(k.text.p, "7 unknown 100-300 off-CPU"));
		ph_buf_done(&k.text);
		ph_buf_done(&k.ran);
	}
	/* What has nothing to do takes who comes; it came just then. Or when it was moved to another CPU, which is done as it wakes. */
	k = run("@0 cpu=1 tid=0 sched_waking tid=20 target_cpu=0\n@0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		"@50 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n@300 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		"@400 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=8\n"
		"@450 cpu=1 tid=0 sched_migrate_task tid=7 orig_cpu=0 dest_cpu=1\n"
		"@460 cpu=1 tid=0 sched_migrate_task tid=7 orig_cpu=1 dest_cpu=0\n"
		"@500 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=1 next_tid=7\n"
		"@600 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=8\n"
		"@700 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=0 next_tid=7\n");
	assert_non_null(strstr(k.text.p, "7 blocked 50-300 other\n7 running 300-400 cpu0"));
	assert_non_null(strstr(k.text.p, "7 blocked 400-450 other\n7 wait 450-500 cpu0\n7 running 500-600 cpu0"));
	/* Not of one that another task had meanwhile. */
	assert_non_null(strstr(k.text.p, "7 unknown 600-700 off-CPU\n7 running 700-1000 cpu0"));
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
	/* Nor where a limit was out of which the refill is not told: it may have been woken while nobody below it could run. */
	k = run(GROUPS "@100 cpu=1 tid=0 sched_waking tid=20 target_cpu=1\n"
		"@150 cpu=0 tid=0 sched_limit_begin cgroup_id=3 on_cpu=0 begin_ns=150 whole=1\n"
		"@300 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n");
	assert_non_null(strstr(k.text.p, "7 unknown 100-300 off-CPU\n7 running 300-1000 cpu0"));
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
	/* Who was stopped was not woken when it was moved, nor is it wrong that it was. */
	k = run("@0 cpu=1 tid=0 sched_waking tid=20 target_cpu=0\n@0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		"@50 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=4 next_tid=8\n"
		"@200 cpu=1 tid=0 sched_migrate_task tid=7 orig_cpu=0 dest_cpu=1\n@200 cpu=1 tid=0 sched_migrate_task tid=7 orig_cpu=1 dest_cpu=0\n"
		"@300 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=1 next_tid=7\n");
	assert_non_null(strstr(k.text.p, "7 stopped 50-300\n7 running 300-1000 cpu0"));
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
	/* A stream without any wake-ups tells of none: it slept until it ran. */
	k = run("@0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n@50 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=8\n"
		"@200 cpu=1 tid=0 sched_migrate_task tid=7 orig_cpu=0 dest_cpu=1\n@200 cpu=1 tid=0 sched_migrate_task tid=7 orig_cpu=1 dest_cpu=0\n"
		"@300 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=0 next_tid=7\n");
	assert_non_null(strstr(k.text.p, "7 blocked 50-300 other\n7 running 300-1000 cpu0"));
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
	/* Who woke it the last time is not who did this time. */
	k = run("@0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n@50 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
		"@100 cpu=1 tid=9 sched_waking tid=7 target_cpu=0\n@100 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n"
		"@110 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n@200 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
		"@300 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n");
	assert_non_null(strstr(k.text.p, "7 blocked 50-100 other woken by task 9 at 100\n"));
	assert_non_null(strstr(k.text.p, "7 blocked 200-300 other\n7 running 300-1000 cpu0"));
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
	/* All was seen: then what was thought of it is wrong. */
	k = run("@0 cpu=0 tid=0 sched_waking tid=20 target_cpu=0\n@0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7\n"
		"@50 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=8\n@300 cpu=0 tid=8 sched_switch prev_tid=8 prev_state=0 next_tid=7\n");
	assert_non_null(strstr(k.text.p, "7 unknown 50-300 off-CPU\n"));
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
}

static void test_ran(void **state)
{
	struct seen k = run("@100 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=7\n"
			    "@300 cpu=1 tid=7 sched_switch prev_tid=7 prev_state=1 next_tid=0\n"
			    "@400 cpu=1 tid=0 sched_switch prev_tid=0 next_tid=8\n");

	assert_string_equal(k.ran.p, "cpu1 7 100-300\ncpu1 0 300-400\ncpu1 8 400-1000\n");
	ph_buf_done(&k.text);
	ph_buf_done(&k.ran);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_sleep_and_wake),
		cmocka_unit_test(test_wakeups_that_lack),
		cmocka_unit_test(test_calls_divide_running),
		cmocka_unit_test(test_interrupts_are_not_its_own),
		cmocka_unit_test(test_wakers),
		cmocka_unit_test(test_throttle),
		cmocka_unit_test(test_throttled_groups),
		cmocka_unit_test(test_steal),
		cmocka_unit_test(test_migrate),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_born_in_namespaces), cmocka_unit_test(test_exec_by_a_thread),
		cmocka_unit_test(test_stopped_and_frozen),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_state_dump), cmocka_unit_test(test_state_dump_of_lttng),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_holes), cmocka_unit_test(test_unseen_switch), cmocka_unit_test(test_woken_unseen), cmocka_unit_test(test_walked),
		cmocka_unit_test(test_ran),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
