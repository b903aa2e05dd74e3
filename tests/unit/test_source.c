/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "source/merge.h"
#include "source/synthetic.h"

static void assert_str(const struct ph_value *v, const char *want)
{
	assert_int_equal(v->n, strlen(want));
	assert_memory_equal(v->s, want, v->n);
}

static void text_becomes_events(void **state)
{
	static const char text[] =
		"# a comment\n\n"
		"source offset_ns=1700 hostname=web1\n"
		"@1us cpu=1 tid=7 pid=6 container=2 sched_switch prev_comm=\"a \\\"b\\\"\\x41\" prev_tid=-7\n"
		"  +10 sched_process_fork vtids=[12,1] parent_comm=x # and here\n"
		"+0 net_dev_queue saddr=0a00FF01 name=eth0 len=0x10 skbaddr=0xffffffffffffffff\n"
		"+1 sched_block nr=mount state=TASK_UNINTERRUPTIBLE";
	const struct ph_value *v;
	struct ph_err err = { 0 };
	struct ph_source *s;
	struct ph_event *ev;

	(void)state;
	if (ph_synthetic_parse(text, &s, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(s->offset_ns, 1700);
	assert_string_equal(s->hostname, "web1");
	assert_int_equal(s->begin_ns, 1000);
	assert_int_equal(s->end_ns, 1011);
	assert_int_equal(ph_source_next(s, &ev, &err), 1);
	assert_int_equal(ev->cls->id, PH_EV_sched_switch);
	assert_int_equal(ev->ts_ns, 1000);
	assert_int_equal(ev->cpu, 1);
	assert_int_equal(ev->tid, 7);
	assert_int_equal(ev->pid, 6);
	assert_int_equal(ev->container, 2);
	assert_str(ph_event_field(ev, PH_FLD(sched_switch, prev_comm)), "a \"b\"A");
	assert_int_equal(ph_event_i(ev, PH_FLD(sched_switch, prev_tid), 0), -7);
	assert_int_equal(ph_event_i(ev, PH_FLD(sched_switch, next_tid), 1), 0);
	assert_int_equal(ph_source_next(s, &ev, &err), 1);
	assert_int_equal(ev->ts_ns, 1010);
	assert_int_equal(ev->tid, -1);
	assert_true(ev->container == PH_CONTAINER_UNKNOWN);
	v = ph_event_field(ev, PH_FLD(sched_process_fork, vtids));
	assert_int_equal(v->n, 2);
	assert_int_equal(v->v[0].i, 12);
	assert_int_equal(v->v[1].i, 1);
	assert_int_equal(ph_source_next(s, &ev, &err), 1);
	v = ph_event_field(ev, PH_FLD(net_dev_queue, saddr));
	assert_int_equal(v->n, 4);
	assert_memory_equal(v->s, "\x0a\0\xff\x01", 4);
	assert_int_equal(ph_event_u(ev, PH_FLD(net_dev_queue, len), 0), 16);
	assert_int_equal(ph_source_next(s, &ev, &err), 1);
	assert_int_equal(ph_event_i(ev, PH_FLD(sched_block, nr), 0), SYS_mount);
	assert_int_equal(ph_event_i(ev, PH_FLD(sched_block, state), 0), 2);
	assert_int_equal(ph_source_next(s, &ev, &err), 0);
	assert_int_equal(s->ops->seek(s, 1001, &err), 0);
	assert_int_equal(ph_source_next(s, &ev, &err), 1);
	assert_int_equal(ev->ts_ns, 1010);
	ph_source_close(s);
}

static void wrong_text_is_refused(void **state)
{
	static const struct { const char *text, *says; } cases[] = {
		{ "+1 sched_swich", "line 1: there is no event \"sched_swich\"; did you mean \"sched_switch\"?" },
		{ "\n+1 sched_switch prev_tidd=1", "line 2: event \"sched_switch\" has no field \"prev_tidd\"" },
		{ "+1 sched_switch prev_tid", "line 1: \"prev_tid\" has no value" },
		{ "+1 sched_switch prev_tid=2147483648", "does not fit in 32 bits" },
		{ "+1 sched_switch prev_tid=1x", "1x" },
		{ "+1 sched_throttle_end exact=256", "does not fit in 8 bits" },
		{ "+1 sched_switch prev_comm=\"a", "a string is not closed" },
		{ "+1 sched_switch prev_comm=\"\\q\"", "no escape \\q" },
		{ "@5 irq_softirq_exit\n@4 irq_softirq_exit", "line 2: the time is before" },
		{ "irq_softirq_exit", "a time is expected" },
		{ "+1 cpus=1 irq_softirq_exit", "\"cpus\" cannot stand in front" },
		{ "+1", "name of an event is missing" },
		{ "+1 sched_process_fork vtids=1", "a sequence is expected" },
		{ "+1 net_dev_queue saddr=abc", "hex digits" },
		{ "+1 sched_block nr=moun", "moun" },
		{ "+1 syscall_exit_close ret=EPERM", "EPERM" },
		{ "source nope=1", "a source has no \"nope\"" },
	};

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		struct ph_err err = { 0 };
		struct ph_source *s;

		assert_true(ph_synthetic_parse(cases[i].text, &s, &err) < 0);
		if (!strstr(err.msg, cases[i].says))
			fail_msg("\"%s\" gives \"%s\"", cases[i].text, err.msg);
	}
}

static void merging_is_in_order(void **state)
{
	struct ph_merge m = { 0 };
	uint64_t next[20], last = 0, n = 0, x = 12345;
	uint32_t last_stream = 0;

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		ph_merge_push(&m, next[i] = i % 3, i);
	while (ph_merge_first(&m)) {
		struct ph_merge_entry e = *ph_merge_first(&m);

		assert_true(e.ts > last || (e.ts == last && (e.stream >= last_stream || !n)));
		assert_int_equal(e.ts, next[e.stream]);
		last = e.ts;
		last_stream = e.stream;
		x = x * 6364136223846793005ULL + 1;
		if (++n > 5000 || x >> 60 == 0) {
			ph_merge_pop(&m);
		} else {
			next[e.stream] = e.ts + 1 + (x >> 61);
			ph_merge_update(&m, next[e.stream]);
		}
	}
	assert_true(n >= 20);
	ph_merge_done(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_becomes_events),
		cmocka_unit_test(wrong_text_is_refused),
		cmocka_unit_test(merging_is_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
