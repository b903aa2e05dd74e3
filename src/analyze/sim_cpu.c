/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who runs on which CPU. Each group has a queue on each CPU, of its tasks and of the groups below it; who has had least
 * for its weight runs, level by level. A group's weight on a CPU is its share of those of its tasks that are there.
 */
#include "analyze/sim_priv.h"

#include "base/cleanup.h"

/* sysctl_sched_base_slice, for one CPU; it grows with their number up to eight. */
#define SLICE_NS 700000

/* @t is runnable: its operation is RUN. */
static bool allowed(const struct sim *s, const struct sim_task *t, uint32_t cpu)
{
	if (t->pinned >= 0)
		return (uint32_t)t->pinned == cpu;
	if (t->op.from && t->op.from < s->s->nmasks && !ph_sim_cpu_in(&s->s->masks[t->op.from], cpu))
		return false;
	for (int32_t g = (int32_t)t->group; g >= 0; g = s->groups[g].g.parent)
		if (s->groups[g].g.confined && !ph_sim_cpu_in(&s->groups[g].g.cpus, cpu))
			return false;
	return true;
}

static int64_t group_weight(const struct sim *s, uint32_t group, const struct sim_queue *q)
{
	const struct sim_group *g = &s->groups[group];
	/* Of one that has just come its tasks' load is not told yet. */
	int64_t w = g->load && q->load ? (int64_t)g->g.weight * q->load / g->load : g->g.weight;

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
	int64_t first = 0, sum = 0, weight = 0;

	ph_vec_each(task, &q->tasks) {
		const struct sim_task *t = s->tasks[*task];

		first = weight ? first : t->vruntime;
		sum += (t->vruntime - first) * t->weight;
		weight += t->weight;
	}
	ph_vec_each(group, &q->groups) {
		const struct sim_queue *below = sim_queue(s, *group, cpu);
		int64_t w = group_weight(s, *group, below);

		first = weight ? first : below->vruntime;
		sum += (below->vruntime - first) * w;
		weight += w;
	}
	return weight ? first + sum / weight : 0;
}

/* When who has @vruntime has had its slice. */
static int64_t deadline(const struct sim *s, int64_t vruntime, int64_t weight)
{
	return vruntime + s->slice_ns * PH_SIM_WEIGHT / weight;
}

/* Who comes has had as much more or less than the others as when it left, but for a slice at most. */
static int64_t place(const struct sim *s, const struct sim_queue *q, uint32_t cpu, int64_t lag, int64_t weight)
{
	int64_t most = s->slice_ns * PH_SIM_WEIGHT / weight;

	return average(s, q, cpu) + (lag > most ? most : lag < -most ? -most : lag);
}

static void group_into(struct sim *s, uint32_t group, uint32_t cpu)
{
	struct sim_queue *q = sim_queue(s, group, cpu), *up = sim_queue(s, (uint32_t)s->groups[group].g.parent, cpu);

	q->vruntime = place(s, up, cpu, q->lag, group_weight(s, group, q));
	q->deadline = deadline(s, q->vruntime, group_weight(s, group, q));
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
	struct sim_task *t = s->tasks[task];
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
	struct sim_task *t = s->tasks[task];
	struct sim_queue *q = sim_queue(s, t->group, cpu);

	t->cpu = (int32_t)cpu;
	t->vruntime = place(s, q, cpu, t->lag, t->weight);
	t->deadline = deadline(s, t->vruntime, t->weight);
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
	struct sim_task *t = s->tasks[c->curr];
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
	struct sim_task *t = s->tasks[c->curr];
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
	if (t->vruntime >= t->deadline) {
		t->deadline = deadline(s, t->vruntime, t->weight);
		c->expired = true;
	}
	for (int32_t g = (int32_t)t->group; g >= 0; g = s->groups[g].g.parent) {
		struct sim_queue *q = sim_queue(s, (uint32_t)g, cpu);

		int64_t weight = group_weight(s, (uint32_t)g, q);

		q->vruntime += ns * PH_SIM_WEIGHT / weight;
		if (q->vruntime >= q->deadline) {
			q->deadline = deadline(s, q->vruntime, weight);
			c->expired = true;
		}
		s->groups[g].use.cpu_ns += (uint64_t)ns;
		out = sim_limit_use(s, (uint32_t)g, cpu, ns + (int64_t)((double)ns * s->s->charge)) || out;
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
	struct sim_task *t = s->tasks[s->cpus[cpu].curr];

	sim_progress(s, cpu);
	if (!charge(s, cpu) || (s->s->kernel_runs_on && (t->op.flags & PH_OP_KERNEL)))
		return false;
	throttle(s, t->group, cpu);
	return true;
}

/* Of those that have not had more than the average who has had its slice first; so a heavy one is seldom interrupted. */
static uint32_t pick(const struct sim *s, uint32_t cpu)
{
	uint32_t group = 0;

	for (;;) {
		const struct sim_queue *q = sim_queue(s, group, cpu);
		uint32_t task = NOBODY, below = NOBODY;
		int64_t least = INT64_MAX, most = average(s, q, cpu);

		ph_vec_each(at, &q->tasks) {
			const struct sim_task *t = s->tasks[*at];

			if (t->first)
				return *at;
			if (t->vruntime > most || t->deadline >= least)
				continue;
			least = t->deadline;
			task = *at;
		}
		ph_vec_each(at, &q->groups) {
			const struct sim_queue *b = sim_queue(s, *at, cpu);

			if (b->vruntime > most || b->deadline >= least)
				continue;
			least = b->deadline;
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
	const struct sim_task *t = s->tasks[c->curr];
	uint64_t stop = t->op.end_ns, from = c->until_ns > s->now ? c->until_ns : s->now;

	if (t->waiters != NOBODY && s->tasks[t->waiters]->op.from_ns < stop)
		stop = s->tasks[t->waiters]->op.from_ns;
	sim_at(s, from + (stop > t->pos_ns ? stop - t->pos_ns : 0), SIM_CPU, cpu, ++c->gen);
}

static void tick_next(struct sim *s, uint32_t cpu)
{
	uint64_t tick = s->s->tick_ns, phase = (s->now + tick - s->s->tick_at_ns % tick) % tick;

	s->cpus[cpu].ticking = true;
	sim_at(s, s->now + tick - phase, SIM_TICK, cpu, 0);
}

/* @task has been chosen: it may keep the CPU until it has had what is left of its slice. */
static void chosen(struct sim *s, uint32_t cpu, uint32_t task)
{
	struct sim_task *t = s->tasks[task];

	t->until = t->deadline;
	for (int32_t g = (int32_t)t->group; g >= 0; g = s->groups[g].g.parent) {
		struct sim_queue *q = sim_queue(s, (uint32_t)g, cpu);

		q->until = q->deadline;
	}
	s->cpus[cpu].expired = false;
}

/* @task gets @cpu, which has been idle if @idle. */
static void dispatch(struct sim *s, uint32_t cpu, uint32_t task, bool idle)
{
	struct sim_cpu *c = &s->cpus[cpu];
	struct sim_task *t = s->tasks[task];
	uint64_t from = s->now;

	if (idle && !t->first)
		from += t->fresh && t->op.late_ns ? t->op.late_ns : s->s->exit_ns;
	t->fresh = false;
	c->curr = task;
	c->until_ns = c->charged_ns = from;
	chosen(s, cpu, task);
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
	const struct sim_task *t = s->tasks[task];

	if (s->cpus[cpu].curr == task || !allowed(s, t, to))
		return false;
	for (int32_t g = (int32_t)t->group; g >= 0; g = s->groups[g].g.parent)
		if (sim_queue(s, (uint32_t)g, to)->throttled)
			return false;
	return true;
}

/* How much of what is to be done on a CPU is @task's, or would be, by weight. */
static int64_t load_of(const struct sim *s, uint32_t task)
{
	int64_t load = s->tasks[task]->weight;

	for (int32_t g = (int32_t)s->tasks[task]->group; s->groups[g].g.parent >= 0; g = s->groups[g].g.parent)
		load = (int64_t)s->groups[g].g.weight * load / (s->groups[g].load > load ? s->groups[g].load : load);
	return load;
}

/* One of those that are in @group or below it and weigh no more than @most. */
static bool move(struct sim *s, uint32_t group, uint32_t from, uint32_t to, int64_t most)
{
	const struct sim_queue *q = sim_queue(s, group, from);

	ph_vec_each(task, &q->tasks) {
		uint32_t who = *task;

		if (!movable(s, who, from, to) || load_of(s, who) > most)
			continue;
		dequeue(s, who);
		put(s, who, to);
		return true;
	}
	ph_vec_each(below, &q->groups)
		if (move(s, *below, from, to, most))
			return true;
	return false;
}

/* @to is idle: takes one away from who has most. */
static bool pull(struct sim *s, uint32_t to)
{
	uint32_t from = NOBODY, most = 1;

	for (uint32_t cpu = 0; cpu < s->s->ncpus; cpu++) {
		uint32_t nr = sim_queue(s, 0, cpu)->nr;

		if (cpu == to || nr <= most)
			continue;
		most = nr;
		from = cpu;
	}
	return from != NOBODY && move(s, 0, from, to, INT64_MAX);
}

/* Takes one that weighs no more than half of what @to has less than who has most. */
static void balance(struct sim *s, uint32_t to)
{
	uint32_t from = NOBODY;
	int64_t most = 0;

	for (uint32_t cpu = 0; cpu < s->s->ncpus; cpu++) {
		const struct sim_queue *q = sim_queue(s, 0, cpu);

		if (cpu == to || q->nr < 2 || q->load <= most)
			continue;
		most = q->load;
		from = cpu;
	}
	if (from != NOBODY)
		move(s, 0, from, to, (most - sim_queue(s, 0, to)->load + 1) / 2);
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
			chosen(s, cpu, next);
		return;
	}
	c->curr = NOBODY;
	c->gen++;
	if (next == NOBODY && pull(s, cpu))
		next = pick(s, cpu);
	if (next != NOBODY)
		dispatch(s, cpu, next, prev == NOBODY);
}

void sim_on_cpu(struct sim *s, uint32_t cpu)
{
	struct sim_cpu *c = &s->cpus[cpu];
	uint32_t task = c->curr;
	struct sim_task *t = s->tasks[task];
	uint32_t group = t->group;
	bool away = false;

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
		if (t->op.group == group && allowed(s, t, cpu)) {
			sim_arm(s, cpu);
			return;
		}
		/* It was moved to another cgroup, or away from here. */
		dequeue(s, task);
		t->group = t->op.group;
		if (allowed(s, t, cpu))
			put(s, task, cpu);
		else
			away = true;
	} else {
		dequeue(s, task);
	}
	throttle(s, group, cpu);
	c->curr = NOBODY;
	c->gen++;
	if (away)
		sim_enqueue(s, task);
	/* Who left may have come back: there was no other place. */
	if (c->curr != NOBODY)
		return;
	task = pick(s, cpu);
	if (task == NOBODY && pull(s, cpu))
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
	if (settle(s, cpu) || (root->nr > 1 && c->expired))
		sim_resched(s, cpu);
	/* What is not alike anywhere is made so now and then. */
	if (c->curr != NOBODY)
		balance(s, cpu);
	tick_next(s, cpu);
}

/* ---- waking ---------------------------------------------------------------------------------------- */

/* Where it was, if that is idle; another idle one; where it was, if another one has not much less to do. */
static uint32_t choose(const struct sim *s, uint32_t task)
{
	const struct sim_task *t = s->tasks[task];
	uint32_t was = (uint32_t)t->cpu, best = NOBODY;
	int64_t least = INT64_MAX, own = load_of(s, task);

	if (allowed(s, t, was) && s->cpus[was].curr == NOBODY)
		return was;
	for (uint32_t cpu = 0; cpu < s->s->ncpus; cpu++) {
		int64_t l = s->cpus[cpu].curr == NOBODY ? -1 : sim_queue(s, 0, cpu)->load;

		if (!allowed(s, t, cpu))
			continue;
		if (cpu != was && l >= 0)
			l += own;
		if (l > least || (l == least && cpu != was))
			continue;
		least = l;
		best = cpu;
	}
	return best == NOBODY ? was : best;
}

/* Does @curr keep @cpu though @woken has come, where their queues meet? Who has had more than the average does not. */
static bool keeps(const struct sim *s, uint32_t curr, uint32_t woken, uint32_t cpu)
{
	int64_t v = s->tasks[curr]->vruntime, until = s->tasks[curr]->until;
	int32_t gc = (int32_t)s->tasks[curr]->group, gw = (int32_t)s->tasks[woken]->group;
	unsigned int dc = 0, dw = 0;

	for (int32_t g = gc; g >= 0; g = s->groups[g].g.parent)
		dc++;
	for (int32_t g = gw; g >= 0; g = s->groups[g].g.parent)
		dw++;
	for (; dw > dc; dw--)
		gw = s->groups[gw].g.parent;
	for (; gc != gw; gc = s->groups[gc].g.parent) {
		v = sim_queue(s, (uint32_t)gc, cpu)->vruntime;
		until = sim_queue(s, (uint32_t)gc, cpu)->until;
		if (dc-- <= dw) {
			gw = s->groups[gw].g.parent;
			dw--;
		}
	}
	return v < until && v <= average(s, sim_queue(s, (uint32_t)gc, cpu), cpu);
}

void sim_enqueue(struct sim *s, uint32_t task)
{
	struct sim_task *t = s->tasks[task];
	uint32_t cpu = choose(s, task);
	struct sim_cpu *c = &s->cpus[cpu];
	bool leave;

	t->fresh = true;
	put(s, task, cpu);
	if (c->curr == NOBODY) {
		sim_resched(s, cpu);
		return;
	}
	leave = settle(s, cpu) || (t->first && !s->tasks[c->curr]->first);
	if (leave || (!keeps(s, c->curr, task, cpu) && pick(s, cpu) != c->curr))
		sim_resched(s, cpu);
}

/* ---- changes --------------------------------------------------------------------------------------- */

/* @task may not stay where it is. */
static void send_away(struct sim *s, uint32_t task)
{
	uint32_t was = (uint32_t)s->tasks[task]->cpu;
	struct sim_cpu *c = &s->cpus[was];
	bool ran = c->curr == task;

	if (ran) {
		settle(s, was);
		c->curr = NOBODY;
		c->gen++;
	}
	dequeue(s, task);
	sim_enqueue(s, task);
	if (ran && c->curr == NOBODY)
		sim_resched(s, was);
}

/* May tasks be on other CPUs than before? There may be very many tasks, and changes of other things. */
static bool moves(const struct ph_sim_group *was, const struct ph_sim_group *to)
{
	return to->confined && (!was->confined || memcmp(&was->cpus, &to->cpus, sizeof(to->cpus)) != 0);
}

void sim_change(struct sim *s, uint32_t group, const struct ph_sim_group *to)
{
	struct sim_group *g = &s->groups[group];
	const struct ph_sim_group was = g->g;

	g->g = *to;
	g->g.parent = was.parent;
	if (was.quota_ns != to->quota_ns || was.period_ns != to->period_ns || was.burst_ns != to->burst_ns)
		sim_limit_changed(s, group);
	else
		g->g.phase_ns = was.phase_ns;
	for (uint32_t cpu = 0; cpu < s->s->ncpus && was.weight != to->weight; cpu++)
		reweigh(s, group, cpu, 0);
	if (!moves(&was, to))
		return;
	for (uint32_t i = 0; i < s->ntasks; i++) {
		const struct sim_task *t = s->tasks[i];

		if (t && t->state == SIM_RUNNABLE && t->cpu >= 0 && !allowed(s, t, (uint32_t)t->cpu))
			send_away(s, i);
	}
}
