/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits of CPU time, as the kernel keeps them: a pool that each period fills, of which a CPU takes some when it has
 * none left; it counts only at ticks and when tasks come and go, so it may use more than it has, and owes that.
 */
#include "analyze/sim_priv.h"

#include "base/cleanup.h"

#define TAKE_NS 5000000		/* sched_cfs_bandwidth_slice_us */
#define KEEP_NS 1000000		/* min_cfs_rq_runtime: an idle CPU keeps so much */
#define SLACK_NS 5000000	/* cfs_bandwidth_slack_period: until what was given back is given to others */
#define NEAR_NS 2000000		/* min_bandwidth_expiration: not so short before a period's end */

static bool limited(const struct sim_group *g)
{
	return g->g.quota_ns > 0;
}

void sim_limit_init(struct sim *s)
{
	s->take_ns = s->s->bandwidth_slice_ns ? (int64_t)s->s->bandwidth_slice_ns : TAKE_NS;
	for (size_t i = 0; i < s->s->ngroups; i++)
		s->groups[i].pool_ns = s->groups[i].g.quota_ns;
}

/* Periods begin at multiples of their length from their phase on. */
static void start(struct sim *s, uint32_t group)
{
	struct sim_group *g = &s->groups[group];
	uint64_t phase;

	if (g->active)
		return;
	g->active = true;
	phase = (s->now + g->g.period_ns - g->g.phase_ns % g->g.period_ns) % g->g.period_ns;
	g->next_ns = s->now + g->g.period_ns - phase;
	sim_at(s, g->next_ns, SIM_PERIOD, group, 0);
}

static bool take(struct sim *s, uint32_t group, uint32_t cpu)
{
	struct sim_group *g = &s->groups[group];
	struct sim_queue *q = sim_queue(s, group, cpu);
	int64_t want = s->take_ns - q->left_ns;

	start(s, group);
	if (g->pool_ns > 0) {
		int64_t ns = want < g->pool_ns ? want : g->pool_ns;

		g->pool_ns -= ns;
		q->left_ns += ns;
		g->idle = false;
	}
	return q->left_ns > 0;
}

bool sim_limit_use(struct sim *s, uint32_t group, uint32_t cpu, int64_t ns)
{
	struct sim_queue *q = sim_queue(s, group, cpu);

	if (!limited(&s->groups[group]))
		return false;
	q->left_ns -= ns;
	return q->left_ns <= 0 && (q->throttled || !take(s, group, cpu));
}

bool sim_limit_enter(struct sim *s, uint32_t group, uint32_t cpu)
{
	struct sim_queue *q = sim_queue(s, group, cpu);

	return limited(&s->groups[group]) && !q->throttled && q->left_ns <= 0 && !take(s, group, cpu);
}

static bool period_near(const struct sim *s, const struct sim_group *g, uint64_t ns)
{
	return g->active && g->next_ns < s->now + ns;
}

void sim_limit_leave(struct sim *s, uint32_t group, uint32_t cpu)
{
	struct sim_group *g = &s->groups[group];
	struct sim_queue *q = sim_queue(s, group, cpu);

	if (!limited(g) || q->left_ns <= KEEP_NS)
		return;
	g->pool_ns += q->left_ns - KEEP_NS;
	q->left_ns = KEEP_NS;
	if (g->pool_ns <= s->take_ns || !g->out.n || g->slack || period_near(s, g, SLACK_NS + NEAR_NS))
		return;
	g->slack = true;
	sim_at(s, s->now + SLACK_NS, SIM_SLACK, group, 0);
}

void sim_limit_throttle(struct sim *s, uint32_t group, uint32_t cpu)
{
	struct sim_queue *q = sim_queue(s, group, cpu);

	q->throttled = true;
	q->since_ns = q->nr ? s->now : 0;
	*ph_vec_push(&s->groups[group].out) = cpu;
	if (q->nr)
		sim_queue_hidden(s, group, cpu, q->nr);
}

static void let_go(struct sim *s, uint32_t group, uint32_t cpu)
{
	struct sim_queue *q = sim_queue(s, group, cpu);

	q->throttled = false;
	s->groups[group].use.throttled_ns += q->since_ns ? s->now - q->since_ns : 0;
	if (q->nr)
		sim_queue_shown(s, group, cpu, q->nr);
}

static void let_all_go(struct sim *s, uint32_t group, const uint32_t *cpus, size_t n)
{
	for (size_t i = 0; i < n; i++)
		let_go(s, group, cpus[i]);
	for (size_t i = 0; i < n; i++)
		if (s->cpus[cpus[i]].curr == NOBODY)
			sim_resched(s, cpus[i]);
}

/* Each gets as much as it owes, and a bit, as long as there is some; it takes more when it needs more. */
static void distribute(struct sim *s, uint32_t group)
{
	struct sim_group *g = &s->groups[group];
	PH_VEC(uint32_t) out = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < g->out.n; i++) {
		uint32_t cpu = g->out.v[i];
		struct sim_queue *q = sim_queue(s, group, cpu);
		int64_t ns = 1 - q->left_ns;

		if (g->pool_ns <= 0) {
			g->out.v[kept++] = cpu;
			continue;
		}
		ns = ns < g->pool_ns ? ns : g->pool_ns;
		g->pool_ns -= ns;
		q->left_ns += ns;
		if (q->left_ns > 0)
			*ph_vec_push(&out) = cpu;
		else
			g->out.v[kept++] = cpu;
	}
	g->out.n = kept;
	let_all_go(s, group, out.v, out.n);
	ph_vec_done(&out);
}

static void refill(struct sim_group *g)
{
	int64_t most = g->g.quota_ns + (int64_t)g->g.burst_ns;

	g->pool_ns += g->g.quota_ns;
	if (g->pool_ns > most)
		g->pool_ns = most;
}

void sim_on_period(struct sim *s, uint32_t group)
{
	struct sim_group *g = &s->groups[group];

	/* Somebody has taken the limit away. */
	if (!limited(g)) {
		g->active = false;
		return;
	}
	refill(g);
	g->use.periods++;
	if (g->idle && !g->out.n) {
		g->active = false;
		return;
	}
	g->next_ns = s->now + g->g.period_ns;
	sim_at(s, g->next_ns, SIM_PERIOD, group, 0);
	g->idle = !g->out.n;
	if (!g->out.n)
		return;
	g->use.throttled_periods++;
	distribute(s, group);
	/* What they were let go with is less than they want. */
	g->idle = false;
}

void sim_on_slack(struct sim *s, uint32_t group)
{
	struct sim_group *g = &s->groups[group];

	g->slack = false;
	if (!period_near(s, g, NEAR_NS) && g->pool_ns > s->take_ns)
		distribute(s, group);
}

/* Who is set another limit begins with a full one, on each CPU with nothing; the timer goes on as it was, if it did. */
void sim_limit_changed(struct sim *s, uint32_t group)
{
	struct sim_group *g = &s->groups[group];
	ph_autofree uint32_t *out = ph_alloc((g->out.n + 1) * sizeof(*out));
	size_t n = g->out.n;

	if (limited(g))
		refill(g);
	if (g->next_ns)
		g->g.phase_ns = g->next_ns;
	for (uint32_t cpu = 0; cpu < s->s->ncpus; cpu++)
		sim_queue(s, group, cpu)->left_ns = 1;
	for (size_t i = 0; i < n; i++)
		out[i] = g->out.v[i];
	g->out.n = 0;
	let_all_go(s, group, out, n);
	if (limited(g))
		start(s, group);
}

void sim_limit_finish(struct sim *s)
{
	for (uint32_t i = 0; i < s->s->ngroups; i++) {
		ph_vec_each(cpu, &s->groups[i].out) {
			uint64_t since = sim_queue(s, i, *cpu)->since_ns;

			s->groups[i].use.throttled_ns += since ? s->now - since : 0;
		}
	}
}
