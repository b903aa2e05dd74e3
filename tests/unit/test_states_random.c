/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/neighbour.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "source/synthetic.h"
#include "states_feed.h"

/*
 * A scheduler that is simulated: it writes the stream, and notes the states itself. What is made of
 * the stream must be that, to the nanosecond.
 */
#define CPUS 3
#define TASKS 12

struct sim_task {
	int32_t tid;
	bool alive, exiting;
	enum ph_state state;
	unsigned int cpu;
};

struct sim {
	uint64_t random, now;
	int on[CPUS];			/* index of the task, -1: idle */
	struct sim_task task[TASKS];
	int32_t next_tid;
	struct ph_buf events;
	uint64_t truth[PH_ST_MAX];
	uint64_t last;
};

static uint64_t draw(struct sim *m, uint64_t n)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 7;
	m->random ^= m->random << 17;
	return m->random % n;
}

/* Every living task spent the time since then in the state that it is in. */
static void step(struct sim *m)
{
	m->now += 1 + draw(m, 50);
	for (int i = 0; i < TASKS; i++)
		if (m->task[i].alive)
			m->truth[m->task[i].state] += m->now - m->last;
	m->last = m->now;
}

static int32_t tid_on(const struct sim *m, unsigned int cpu)
{
	return m->on[cpu] < 0 ? 0 : m->task[m->on[cpu]].tid;
}

static void sim_switch(struct sim *m, unsigned int cpu)
{
	struct sim_task *prev = m->on[cpu] < 0 ? NULL : &m->task[m->on[cpu]];
	int next = -1, state = 0;
	bool dies = prev && prev->exiting, throttle = false, was = false;

	for (int n = 0; n < TASKS && next < 0; n++) {
		int i = (int)draw(m, TASKS);
		struct sim_task *t = &m->task[i];

		if (t->alive && (t->state == PH_ST_WAIT_CPU || t->state == PH_ST_THROTTLED) && t->cpu == cpu)
			next = i;
	}
	if (!prev && next < 0)
		return;
	if (dies)
		state = 16;
	else if (prev && draw(m, 3))
		state = draw(m, 8) ? 1 : 4;
	else if (prev)
		throttle = draw(m, 2);
	if (throttle)
		ph_buf_addf(&m->events, "@%lu cpu=%u tid=%d sched_throttle_begin tid=%d limit_cgroup_id=%d\n", m->now,
			    cpu, prev->tid, prev->tid, prev->tid);	/* a limit for each */
	ph_buf_addf(&m->events, "@%lu cpu=%u tid=%d sched_switch prev_tid=%d prev_state=%d next_tid=%d\n", m->now, cpu,
		    tid_on(m, cpu), tid_on(m, cpu), state, next < 0 ? 0 : m->task[next].tid);
	if (dies)
		prev->alive = false;
	else if (prev)
		prev->state = throttle ? PH_ST_THROTTLED : state == 1 ? PH_ST_BLOCKED :
			      state == 4 ? PH_ST_STOPPED : PH_ST_WAIT_CPU;
	m->on[cpu] = next;
	if (next >= 0) {
		was = m->task[next].state == PH_ST_THROTTLED;
		m->task[next].state = PH_ST_RUNNING;
	}
	if (was)
		ph_buf_addf(&m->events, "@%lu cpu=%u tid=%d sched_throttle_end tid=%d throttled_ns=%lu exact=1\n", m->now,
			    cpu, tid_on(m, cpu), tid_on(m, cpu), 1ul << 40);
}

static void sim_wake(struct sim *m, unsigned int cpu)
{
	struct sim_task *t = &m->task[draw(m, TASKS)];

	if (!t->alive || (t->state != PH_ST_BLOCKED && t->state != PH_ST_STOPPED))
		return;
	t->cpu = (unsigned int)draw(m, CPUS);
	ph_buf_addf(&m->events, "@%lu cpu=%u tid=%d sched_waking tid=%d target_cpu=%u\n", m->now, cpu, tid_on(m, cpu),
		    t->tid, t->cpu);
	step(m);
	ph_buf_addf(&m->events, "@%lu cpu=%u tid=%d sched_wakeup tid=%d target_cpu=%u\n", m->now, cpu, tid_on(m, cpu),
		    t->tid, t->cpu);
	t->state = PH_ST_WAIT_CPU;
}

static void sim_fork(struct sim *m, unsigned int cpu)
{
	struct sim_task *t = &m->task[draw(m, TASKS)];

	if (t->alive)
		return;
	/* Numbers are used again. */
	*t = (struct sim_task){ .tid = 100 + m->next_tid++ % 20, .cpu = cpu, .state = PH_ST_BLOCKED };
	for (int i = 0; i < TASKS; i++)
		if (m->task[i].alive && m->task[i].tid == t->tid)
			return;
	t->alive = true;
	ph_buf_addf(&m->events, "@%lu cpu=%u tid=%d sched_process_fork parent_tid=%d child_tid=%d child_pid=%d\n",
		    m->now, cpu, tid_on(m, cpu), tid_on(m, cpu), t->tid, t->tid);
	step(m);
	ph_buf_addf(&m->events, "@%lu cpu=%u tid=%d sched_wakeup_new tid=%d target_cpu=%u\n", m->now, cpu,
		    tid_on(m, cpu), t->tid, cpu);
	t->state = PH_ST_WAIT_CPU;
}

static void sim_event(struct sim *m)
{
	static const char *const inner[] = {
		"syscall_entry_getppid", "syscall_exit_getppid", "irq_handler_entry", "irq_handler_exit",
		"irq_softirq_entry vec=3", "irq_softirq_exit vec=3", "timer_hrtimer_expire_entry",
	};
	unsigned int cpu = (unsigned int)draw(m, CPUS);
	struct sim_task *cur = m->on[cpu] < 0 ? NULL : &m->task[m->on[cpu]];

	step(m);
	switch (draw(m, 8)) {
	case 0: case 1: case 2:
		sim_switch(m, cpu);
		break;
	case 3: case 4:
		sim_wake(m, cpu);
		break;
	case 5:
		sim_fork(m, cpu);
		break;
	case 6:
		if (cur && !cur->exiting && draw(m, 2)) {
			cur->exiting = true;
			ph_buf_addf(&m->events, "@%lu cpu=%u tid=%d sched_process_exit tid=%d\n", m->now, cpu, cur->tid,
				    cur->tid);
		}
		break;
	default:
		if (cur)
			ph_buf_addf(&m->events, "@%lu cpu=%u tid=%d %s\n", m->now, cpu, cur->tid,
				    inner[draw(m, PH_ARRAY_SIZE(inner))]);
	}
}

struct sums {
	uint64_t state[PH_ST_MAX];
	struct ph_u64map in;		/* tid -> state and CPU that were entered, + 1 */
	struct ph_u64map at;		/* tid -> where its last segment ended, + 1 */
	uint64_t ran[CPUS];
	uint64_t begin_ns, lives_ns;
	uint64_t entered, left;
	struct ph_neighbours *nb;
};

static uint64_t where(const struct ph_segment *s)
{
	bool queued = s->state == PH_ST_WAIT_CPU || s->state == PH_ST_THROTTLED;

	return s->state | (queued ? (uint64_t)(uint32_t)s->cpu << 8 : 0);
}

static void sum_enter(void *arg, const struct ph_segment *s)
{
	struct sums *k = arg;

	k->entered++;
	assert_int_equal(s->end_ns, 0);
	ph_u64map_put(&k->in, (uint64_t)s->tid, (void *)(uintptr_t)(where(s) + 1));
	if (s->state == PH_ST_WAIT_CPU)
		ph_neighbours_enter(k->nb, s);
}

static void sum_leave(void *arg, const struct ph_segment *s)
{
	struct sums *k = arg;
	uintptr_t at = (uintptr_t)ph_u64map_get(&k->at, (uint64_t)s->tid);
	uint64_t parts = 0;

	k->left++;
	if (s->state == PH_ST_WAIT_CPU)
		ph_neighbours_leave(k->nb, s);
	assert_int_equal((uintptr_t)ph_u64map_get(&k->in, (uint64_t)s->tid), where(s) + 1);
	assert_true(s->begin_ns <= s->end_ns);
	/* No gap, no overlap. */
	if (at)
		assert_int_equal(at - 1, s->begin_ns);
	ph_u64map_put(&k->at, (uint64_t)s->tid, (void *)(uintptr_t)(s->end_ns + 1));
	k->state[s->state] += s->end_ns - s->begin_ns;
	for (int i = 0; i < PH_PART_MAX; i++)
		parts += s->part_ns[i];
	assert_int_equal(parts, s->state == PH_ST_RUNNING ? s->end_ns - s->begin_ns : 0);
}

static void sum_end(void *arg, int32_t tid, uint64_t ts)
{
	struct sums *k = arg;

	assert_int_equal((uintptr_t)ph_u64map_del(&k->at, (uint64_t)tid), ts + 1);
}

static void sum_ran(void *arg, uint32_t cpu, int32_t tid, uint32_t container, uint64_t begin, uint64_t end)
{
	struct sums *k = arg;

	ph_neighbours_ran(k->nb, cpu, tid, container, begin, end);
	if (k->ran[cpu])
		assert_int_equal(k->ran[cpu], begin);
	k->ran[cpu] = end;
}

static const struct ph_states_ops sum_ops = {
	.enter = sum_enter, .leave = sum_leave, .ran = sum_ran, .end = sum_end,
};

static struct sums sum_up(const char *events, uint64_t end_ns, bool whole)
{
	struct ph_states_seen seen;
	struct ph_identity *nobody = ph_identity_new();
	struct sums k = { .nb = ph_neighbours_new(nobody) };
	struct ph_source *src;
	struct ph_err err = { 0 };
	uint64_t waited = 0;

	assert_int_equal(ph_synthetic_parse(events, &src, &err), 0);
	feed(src, &sum_ops, &k, end_ns, &seen);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&k.at, s)); )
		assert_int_equal((uintptr_t)s->val, end_ns + 1);
	assert_int_equal(k.entered, k.left);
	/* All waiting is on account of somebody. */
	for (int host = 0; host < 2; host++) {
		ph_autofree struct ph_runner *runners = NULL;
		size_t n = ph_neighbours_of(k.nb, host ? PH_CONTAINER_HOST : PH_CONTAINER_UNKNOWN, &runners);

		for (size_t i = 0; i < n; i++)
			waited += runners[i].ns;
	}
	if (whole)
		assert_int_equal(waited, k.state[PH_ST_WAIT_CPU]);
	ph_neighbours_free(k.nb);
	ph_identity_free(nobody);
	ph_u64map_done(&k.at);
	ph_u64map_done(&k.in);
	return k;
}

static void test_random_machines(void **state)
{
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct sim m = { .random = seed * 0x9e3779b97f4a7c15, .on = { -1, -1, -1 }, .now = 1000, .last = 1000 };
		struct sums k;

		/* All CPUs idle: so that nothing is unknown. */
		for (int c = 0; c < CPUS; c++)
			ph_buf_addf(&m.events, "@1000 cpu=%d tid=0 irq_softirq_raise\n", c);
		for (int i = 0; i < 400; i++)
			sim_event(&m);
		step(&m);
		k = sum_up(m.events.p, m.now, true);
		for (int s = 0; s < PH_ST_MAX; s++)
			if (k.state[s] != m.truth[s])
				fail_msg("seed %lu: %s is %lu, not %lu", seed, ph_state_name((enum ph_state)s), k.state[s],
					 m.truth[s]);
		ph_buf_done(&m.events);
	}
}

/* The same streams with events left out and gaps put in: times still add up, and nothing is read wild. */
static void test_random_losses(void **state)
{
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct sim m = { .random = seed * 0x9e3779b97f4a7c15, .on = { -1, -1, -1 }, .now = 1000, .last = 1000 };
		ph_autobuf kept = { 0 };
		char *rest, *line;
		struct sums k;

		for (int i = 0; i < 400; i++)
			sim_event(&m);
		rest = m.events.p;
		while (rest && (line = strsep(&rest, "\n")) && *line) {
			uint64_t at = strtoull(line + 1, NULL, 10);

			if (!draw(&m, 20))
				ph_buf_addf(&kept, "@%lu cpu=%lu events_discarded count=1 begin_ns=%lu end_ns=%lu gap_cpu=%lu\n",
					    at, draw(&m, CPUS), at - draw(&m, 60), at + draw(&m, 400), draw(&m, CPUS));
			if (draw(&m, 6))
				ph_buf_addf(&kept, "%s\n", line);
		}
		step(&m);
		k = sum_up(kept.p, m.now, false);
		assert_true(k.state[PH_ST_UNKNOWN] > 0);
		ph_buf_done(&m.events);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_machines),
		cmocka_unit_test(test_random_losses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
