/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who runs on which CPU. Each group has a queue on each CPU, of its tasks and of the groups below it; who has had least
 * for its weight runs, level by level. A group's weight on a CPU is its share of those of its tasks that are there.
 */
#include "analyze/sim_priv.h"

#include "base/cleanup.h"

/* sysctl_sched_base_slice, for one CPU; it grows with their number up to eight. */
#define SLICE_NS 700000

static bool allowed(const struct sim *s, const struct sim_task *t, uint32_t cpu)
{
	if (t->pinned >= 0)
		return (uint32_t)t->pinned == cpu;
	for (int32_t g = (int32_t)t->group; g >= 0; g = s->groups[g].g.parent)
		if (s->groups[g].g.confined && !ph_sim_cpu_in(&s->groups[g].g.cpus, cpu))
			return false;
	return true;
}

static int64_t group_weight(const struct sim *s, uint32_t group, const struct sim_queue *q)
{
	const struct sim_group *g = &s->groups[group];
	int64_t w = g->load ? (int64_t)g->g.weight * q->load / g->load : g->g.weight;

	return w > 1 ? w : 2;
}

/* What is directly in @group here has changed by @load: so has what it weighs itself, and those above. */
static void reweigh(struct sim *s, uint32_t group, uint32_t cpu, int64_t load)
{
	for (;;) {
		struct sim_group *g = &s->groups[group];
		struct sim_queue *q = sim_queue(s, group, cpu);
		int64_t weight = 0;

		q->load += load;
		g->load += load;
		if (g->g.parent < 0)
			return;
		if (q->nr && !q->throttled)
			weight = group_weight(s, group, q);
		load = weight - q->weight;
		q->weight = weight;
		group = (uint32_t)g->g.parent;
	}
}

void sim_cpu_init(struct sim *s)
{
	unsigned int log = 31 - (unsigned int)__builtin_clz(s->s->ncpus < 8 ? s->s->ncpus : 8);

	s->slice_ns = s->s->slice_ns ? (int64_t)s->s->slice_ns : (int64_t)SLICE_NS * (1 + log);
	for (uint32_t cpu = 0; cpu < s->s->ncpus; cpu++)
		s->cpus[cpu].curr = NOBODY;
}

/* ---- queues ---------------------------------------------------------------------------------------- */

static int64_t average(const struct sim *s, const struct sim_queue *q, uint32_t cpu)
{
	int64_t first = 0, sum = 0, n = 0;

	ph_vec_each(task, &q->tasks) {
		first = n ? first : s->tasks[*task].vruntime;
		sum += s->tasks[*task].vruntime - first;
		n++;
	}
	ph_vec_each(group, &q->groups) {
		int64_t v = sim_queue(s, *group, cpu)->vruntime;

		first = n ? first : v;
		sum += v - first;
		n++;
	}
	return n ? first + sum / n : 0;
}

/* Who comes has had as much more or less than the others as when it left, but for a slice at most. */
static int64_t place(const struct sim *s, const struct sim_queue *q, uint32_t cpu, int64_t lag)
{
	int64_t most = s->slice_ns;

	return average(s, q, cpu) + (lag > most ? most : lag < -most ? -most : lag);
}

static void group_into(struct sim *s, uint32_t group, uint32_t cpu)
{
	struct sim_queue *q = sim_queue(s, group, cpu), *up = sim_queue(s, (uint32_t)s->groups[group].g.parent, cpu);

	q->vruntime = place(s, up, cpu, q->lag);
	*ph_vec_push(&up->groups) = group;
}

static void group_out_of(struct sim *s, uint32_t group, uint32_t cpu)
{
	struct sim_queue *q = sim_queue(s, group, cpu), *up = sim_queue(s, (uint32_t)s->groups[group].g.parent, cpu);

	q->lag = q->vruntime - average(s, up, cpu);
	for (size_t i = 0; i < up->groups.n; i++) {
		if (up->groups.v[i] != group)
			continue;
		up->groups.v[i] = up->groups.v[--up->groups.n];
		break;
	}
}

/* @nr more in @group, and in those above that see it. */
static void more(struct sim *s, uint32_t group, uint32_t cpu, uint32_t nr)
{
	for (;;) {
		struct sim_queue *q = sim_queue(s, group, cpu);
		bool first = !q->nr;

		q->nr += nr;
		if (q->throttled && first)
			q->since_ns = s->now;
		if (q->throttled || s->groups[group].g.parent < 0)
			return;
		if (first)
			group_into(s, group, cpu);
		group = (uint32_t)s->groups[group].g.parent;
	}
}

static void less(struct sim *s, uint32_t group, uint32_t cpu, uint32_t nr)
{
	for (;;) {
		struct sim_queue *q = sim_queue(s, group, cpu);

		q->nr -= nr;
		if (q->throttled || s->groups[group].g.parent < 0)
			return;
		if (!q->nr)
			group_out_of(s, group, cpu);
		group = (uint32_t)s->groups[group].g.parent;
	}
}

void sim_queue_shown(struct sim *s, uint32_t group, uint32_t cpu, uint32_t nr)
{
	group_into(s, group, cpu);
	more(s, (uint32_t)s->groups[group].g.parent, cpu, nr);
	reweigh(s, group, cpu, 0);
}

void sim_queue_hidden(struct sim *s, uint32_t group, uint32_t cpu, uint32_t nr)
{
	group_out_of(s, group, cpu);
	less(s, (uint32_t)s->groups[group].g.parent, cpu, nr);
	reweigh(s, group, cpu, 0);
}

static void dequeue(struct sim *s, uint32_t task)
{
	struct sim_task *t = &s->tasks[task];
	uint32_t cpu = (uint32_t)t->cpu;
	struct sim_queue *q = sim_queue(s, t->group, cpu);

	t->lag = t->vruntime - average(s, q, cpu);
	for (size_t i = 0; i < q->tasks.n; i++) {
		if (q->tasks.v[i] != task)
			continue;
		q->tasks.v[i] = q->tasks.v[--q->tasks.n];
		break;
	}
	less(s, t->group, cpu, 1);
	reweigh(s, t->group, cpu, -(int64_t)t->weight);
	for (int32_t g = (int32_t)t->group; g >= 0; g = s->groups[g].g.parent)
		if (!sim_queue(s, (uint32_t)g, cpu)->nr)
			sim_limit_leave(s, (uint32_t)g, cpu);
}

static void put(struct sim *s, uint32_t task, uint32_t cpu)
{
	struct sim_task *t = &s->tasks[task];
	struct sim_queue *q = sim_queue(s, t->group, cpu);

	t->cpu = (int32_t)cpu;
	t->vruntime = place(s, q, cpu, t->lag);
	*ph_vec_push(&q->tasks) = task;
	more(s, t->group, cpu, 1);
	reweigh(s, t->group, cpu, t->weight);
	for (int32_t g = (int32_t)t->group; g >= 0; g = s->groups[g].g.parent)
		if (sim_limit_enter(s, (uint32_t)g, cpu))
			sim_limit_throttle(s, (uint32_t)g, cpu);
}

/* ---- running --------------------------------------------------------------------------------------- */

void sim_progress(struct sim *s, uint32_t cpu)
{
	struct sim_cpu *c = &s->cpus[cpu];
	struct sim_task *t = &s->tasks[c->curr];
	uint64_t to;

	if (s->now <= c->until_ns)
		return;
	to = t->pos_ns + (s->now - c->until_ns);
	to = to < t->op.end_ns ? to : t->op.end_ns;
	sim_pass(s, t, c->until_ns, t->pos_ns, to);
	t->pos_ns = to;
	c->until_ns = s->now;
}

/* Count what @cpu has run until now. True: a limit is out. */
static bool charge(struct sim *s, uint32_t cpu)
{
	struct sim_cpu *c = &s->cpus[cpu];
	struct sim_task *t = &s->tasks[c->curr];
	int64_t ns;
	bool out = false;

	if (s->now <= c->charged_ns)
		return false;
	ns = (int64_t)(s->now - c->charged_ns);
	ns -= ns * t->op.stolen / UINT8_MAX;
	c->charged_ns = s->now;
	if (t->first)
		return false;
	t->vruntime += ns * PH_SIM_WEIGHT / t->weight;
	for (int32_t g = (int32_t)t->group; g >= 0; g = s->groups[g].g.parent) {
		struct sim_queue *q = sim_queue(s, (uint32_t)g, cpu);

		q->vruntime += ns * PH_SIM_WEIGHT / group_weight(s, (uint32_t)g, q);
		s->groups[g].use.cpu_ns += (uint64_t)ns;
		out = sim_limit_use(s, (uint32_t)g, cpu, ns) || out;
	}
	return out;
}

/* What @group and those above have used up here. */
static void throttle(struct sim *s, uint32_t group, uint32_t cpu)
{
	for (int32_t g = (int32_t)group; g >= 0; g = s->groups[g].g.parent) {
		struct sim_queue *q = sim_queue(s, (uint32_t)g, cpu);

		if (s->groups[g].g.quota_ns > 0 && q->left_ns <= 0 && !q->throttled)
			sim_limit_throttle(s, (uint32_t)g, cpu);
	}
}

/* Count, and throttle what is out. True: who runs must leave. */
static bool settle(struct sim *s, uint32_t cpu)
{
	struct sim_task *t = &s->tasks[s->cpus[cpu].curr];

	sim_progress(s, cpu);
	if (!charge(s, cpu) || (s->s->kernel_runs_on && (t->op.flags & PH_OP_KERNEL)))
		return false;
	throttle(s, t->group, cpu);
	return true;
}

static uint32_t pick(const struct sim *s, uint32_t cpu)
{
	uint32_t group = 0;

	for (;;) {
		const struct sim_queue *q = sim_queue(s, group, cpu);
		uint32_t task = NOBODY, below = NOBODY;
		int64_t least = INT64_MAX;

		ph_vec_each(at, &q->tasks) {
			if (s->tasks[*at].first)
				return *at;
			if (s->tasks[*at].vruntime >= least)
				continue;
			least = s->tasks[*at].vruntime;
			task = *at;
		}
		ph_vec_each(at, &q->groups) {
			int64_t v = sim_queue(s, *at, cpu)->vruntime;

			if (v >= least)
				continue;
			least = v;
			below = *at;
		}
		if (below == NOBODY)
			return task;
		group = below;
	}
}

void sim_arm(struct sim *s, uint32_t cpu)
{
	struct sim_cpu *c = &s->cpus[cpu];
	const struct sim_task *t = &s->tasks[c->curr];
	uint64_t stop = t->op.end_ns, from = c->until_ns > s->now ? c->until_ns : s->now;

	if (t->waiters != NOBODY && s->tasks[t->waiters].op.from_ns < stop)
		stop = s->tasks[t->waiters].op.from_ns;
	sim_at(s, from + (stop > t->pos_ns ? stop - t->pos_ns : 0), SIM_CPU, cpu, ++c->gen);
}

static void tick_next(struct sim *s, uint32_t cpu)
{
	uint64_t tick = s->s->tick_ns, phase = (s->now + tick - s->s->tick_at_ns % tick) % tick;

	s->cpus[cpu].ticking = true;
	sim_at(s, s->now + tick - phase, SIM_TICK, cpu, 0);
}

/* @task gets @cpu, which has been idle if @idle. */
static void dispatch(struct sim *s, uint32_t cpu, uint32_t task, bool idle)
{
	struct sim_cpu *c = &s->cpus[cpu];
	struct sim_task *t = &s->tasks[task];
	uint64_t from = s->now;

	if (idle && !t->first)
		from += t->fresh && t->op.late_ns ? t->op.late_ns : s->s->exit_ns;
	t->fresh = false;
	c->curr = task;
	c->until_ns = c->charged_ns = c->picked_ns = from;
	if (t->pos_ns < t->op.begin_ns) {
		sim_pass(s, t, from, t->op.begin_ns, t->op.begin_ns);
		t->pos_ns = t->op.begin_ns;
	}
	if (!c->ticking)
		tick_next(s, cpu);
	sim_arm(s, cpu);
}

/* May @task be taken away from @cpu to @to? */
static bool movable(const struct sim *s, uint32_t task, uint32_t cpu, uint32_t to)
{
	const struct sim_task *t = &s->tasks[task];

	if (s->cpus[cpu].curr == task || !allowed(s, t, to))
		return false;
	for (int32_t g = (int32_t)t->group; g >= 0; g = s->groups[g].g.parent)
		if (sim_queue(s, (uint32_t)g, cpu)->throttled || sim_queue(s, (uint32_t)g, to)->throttled)
			return false;
	return true;
}

/* Takes one away from who has most, if it has @least. */
static bool pull(struct sim *s, uint32_t to, uint32_t least)
{
	uint32_t from = NOBODY, most = least - 1;

	for (uint32_t cpu = 0; cpu < s->s->ncpus; cpu++) {
		uint32_t nr = sim_queue(s, 0, cpu)->nr;

		if (cpu == to || nr <= most)
			continue;
		most = nr;
		from = cpu;
	}
	if (from == NOBODY)
		return false;
	for (uint32_t g = 0; g < s->s->ngroups; g++) {
		ph_vec_each(task, &sim_queue(s, g, from)->tasks) {
			uint32_t who = *task;

			if (!movable(s, who, from, to))
				continue;
			dequeue(s, who);
			put(s, who, to);
			return true;
		}
	}
	return false;
}

void sim_resched(struct sim *s, uint32_t cpu)
{
	struct sim_cpu *c = &s->cpus[cpu];
	uint32_t prev = c->curr, next;

	if (prev != NOBODY)
		settle(s, cpu);
	next = pick(s, cpu);
	if (next == prev) {
		if (next != NOBODY)
			c->picked_ns = s->now;
		return;
	}
	c->curr = NOBODY;
	c->gen++;
	if (next == NOBODY && pull(s, cpu, 2))
		next = pick(s, cpu);
	if (next != NOBODY)
		dispatch(s, cpu, next, prev == NOBODY);
}

void sim_on_cpu(struct sim *s, uint32_t cpu)
{
	struct sim_cpu *c = &s->cpus[cpu];
	uint32_t task = c->curr;
	struct sim_task *t = &s->tasks[task];
	uint32_t group = t->group;

	sim_progress(s, cpu);
	sim_wake_waiters(s, t);
	/* Who was woken may have taken the CPU. */
	if (c->curr != task)
		return;
	if (t->pos_ns < t->op.end_ns) {
		sim_arm(s, cpu);
		return;
	}
	charge(s, cpu);
	if (sim_runs_on(s, task)) {
		sim_pass(s, t, s->now, t->op.begin_ns, t->op.begin_ns);
		t->pos_ns = t->op.begin_ns;
		if (t->op.group == group) {
			sim_arm(s, cpu);
			return;
		}
		/* It was moved to another cgroup. */
		dequeue(s, task);
		t->group = t->op.group;
		put(s, task, cpu);
	} else {
		dequeue(s, task);
	}
	throttle(s, group, cpu);
	c->curr = NOBODY;
	c->gen++;
	task = pick(s, cpu);
	if (task == NOBODY && pull(s, cpu, 2))
		task = pick(s, cpu);
	if (task != NOBODY)
		dispatch(s, cpu, task, false);
}

void sim_on_tick(struct sim *s, uint32_t cpu)
{
	struct sim_cpu *c = &s->cpus[cpu];
	const struct sim_queue *root = sim_queue(s, 0, cpu);

	if (c->curr == NOBODY) {
		c->ticking = false;
		return;
	}
	if (settle(s, cpu) || (root->nr > 1 && s->now >= c->picked_ns + (uint64_t)s->slice_ns))
		sim_resched(s, cpu);
	/* What is not alike anywhere is made so now and then. */
	if (c->curr != NOBODY)
		pull(s, cpu, root->nr + 2);
	tick_next(s, cpu);
}

/* ---- waking ---------------------------------------------------------------------------------------- */

/* Where it was, if that is idle; another idle one; where it was, if nobody has two less. */
static uint32_t choose(const struct sim *s, const struct sim_task *t)
{
	uint32_t was = (uint32_t)t->cpu, best = NOBODY, least = UINT32_MAX;

	if (allowed(s, t, was) && s->cpus[was].curr == NOBODY)
		return was;
	for (uint32_t cpu = 0; cpu < s->s->ncpus; cpu++) {
		uint32_t nr = s->cpus[cpu].curr == NOBODY ? 0 : 1 + sim_queue(s, 0, cpu)->nr;

		if (!allowed(s, t, cpu))
			continue;
		if (cpu == was && nr)
			nr--;
		if (nr >= least)
			continue;
		least = nr;
		best = cpu;
	}
	return best == NOBODY ? was : best;
}

/* Which of both is before the other, where their queues meet? */
static bool before(const struct sim *s, uint32_t a, uint32_t b, uint32_t cpu)
{
	int64_t va = s->tasks[a].vruntime, vb = s->tasks[b].vruntime;
	int32_t ga = (int32_t)s->tasks[a].group, gb = (int32_t)s->tasks[b].group;
	unsigned int da = 0, db = 0;

	for (int32_t g = ga; g >= 0; g = s->groups[g].g.parent)
		da++;
	for (int32_t g = gb; g >= 0; g = s->groups[g].g.parent)
		db++;
	for (; da > db; da--, ga = s->groups[ga].g.parent)
		va = sim_queue(s, (uint32_t)ga, cpu)->vruntime;
	for (; db > da; db--, gb = s->groups[gb].g.parent)
		vb = sim_queue(s, (uint32_t)gb, cpu)->vruntime;
	for (; ga != gb; ga = s->groups[ga].g.parent, gb = s->groups[gb].g.parent) {
		va = sim_queue(s, (uint32_t)ga, cpu)->vruntime;
		vb = sim_queue(s, (uint32_t)gb, cpu)->vruntime;
	}
	return va < vb;
}

void sim_enqueue(struct sim *s, uint32_t task)
{
	struct sim_task *t = &s->tasks[task];
	uint32_t cpu = choose(s, t);
	struct sim_cpu *c = &s->cpus[cpu];
	bool leave;

	t->fresh = true;
	put(s, task, cpu);
	if (c->curr == NOBODY) {
		sim_resched(s, cpu);
		return;
	}
	leave = settle(s, cpu) || (t->first && !s->tasks[c->curr].first);
	if (leave || (s->now >= c->picked_ns + (uint64_t)s->slice_ns && before(s, task, c->curr, cpu)))
		sim_resched(s, cpu);
}
