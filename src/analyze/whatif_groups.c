/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cgroups as the simulation has them, and when the timer ticks. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/whatif_priv.h"
#include "base/cleanup.h"
#include "base/clock.h"

#define PERIOD_NS 100000000	/* where nothing is said */
#define V2_WEIGHT 100

uint16_t whatif_group(struct ph_whatif *w, uint64_t id)
{
	uintptr_t at;

	/* The roots of all hierarchies have the number 1. */
	if (id <= 1)
		return 0;
	at = (uintptr_t)ph_u64map_get(&w->group_map, id);
	if (at)
		return (uint16_t)at;
	if (w->cgroups.n > UINT16_MAX)
		return 0;
	at = w->cgroups.n;
	ph_vec_push(&w->cgroups)->id = id;
	ph_u64map_put(&w->group_map, id, (void *)at);
	return (uint16_t)at;
}

bool ph_whatif_cpus(const char *s, struct ph_sim_cpus *ret)
{
	*ret = (struct ph_sim_cpus){ 0 };
	for (;;) {
		char *end;
		unsigned long first = strtoul(s, &end, 10), last = first;

		if (end == s)
			return false;
		if (*end == '-') {
			s = end + 1;
			last = strtoul(s, &end, 10);
		}
		if (end == s || last < first || last >= PH_SIM_CPUS)
			return false;
		for (; first <= last; first++)
			ph_sim_cpu_add(ret, (uint32_t)first);
		if (!*end)
			return true;
		if (*end != ',')
			return false;
		s = end + 1;
	}
}

/* What the cgroup @c was at @ts. Periods begin when one did that was seen. Else it is chance: ph_whatif_ask() tries others than this one. */
static struct ph_sim_group at(const struct ph_whatif *w, const struct whatif_cgroup *c, const struct ph_cgnode *n,
			      const struct ph_cgnode *cpusets, uint64_t ts)
{
	struct ph_sim_group g = { .weight = PH_SIM_WEIGHT, .quota_ns = -1, .period_ns = PERIOD_NS };
	const struct ph_cglimits *l = n ? ph_cgtree_limits_at(n, ts) : NULL, *cpuset = cpusets ? ph_cgtree_limits_at(cpusets, ts) : NULL;

	if (l && l->weight)
		g.weight = (uint32_t)(n->hierarchy == 0 ? l->weight * PH_SIM_WEIGHT / V2_WEIGHT : l->weight);
	if (l && l->period_us)
		g.period_ns = l->period_us * 1000;
	if (l && l->quota_us > 0)
		g.quota_ns = l->quota_us * 1000;
	g.burst_ns = l ? l->burst_us * 1000 : 0;
	/* What it was when it was out, where nobody has told what it was set to. */
	if (g.quota_ns < 0 && c->quota_ns && c->period_ns && !(n && n->past.n)) {
		g.quota_ns = (int64_t)c->quota_ns;
		g.period_ns = c->period_ns;
	}
	if (cpuset && cpuset->cpuset)
		g.confined = ph_whatif_cpus(cpuset->cpuset, &g.cpus);
	g.phase_ns = c->refill_ns ? c->refill_ns : w->begin_ns + g.period_ns / 2;
	return g;
}

static void add_changes(struct ph_whatif *w, uint16_t i, const struct ph_cgnode *n, const struct ph_cgnode *cpusets,
			const struct ph_cgnode *of)
{
	ph_vec_each(p, &of->past) {
		struct ph_sim_group_change *c;

		if (p->until_ns <= w->seen.begin_ns)
			continue;
		c = ph_vec_push(&w->changes);
		c->at_ns = p->until_ns;
		c->group = i;
		c->to = at(w, &w->cgroups.v[i], n, cpusets, p->until_ns);
	}
}

static void make(struct ph_whatif *w, struct ph_cgtree *t, uint16_t i)
{
	const struct ph_cgnode *n = ph_cgtree_cpu_node(t, w->cgroups.v[i].id), *cpusets = n ? ph_cgtree_cpuset_node(t, n) : NULL;
	int32_t parent = n && n->parent && n->parent->path && n->parent->path[1] ? whatif_group(w, n->parent->id) : 0;

	w->groups.v[i] = at(w, &w->cgroups.v[i], n, cpusets, w->seen.begin_ns);
	w->groups.v[i].parent = parent;
	if (n)
		add_changes(w, i, n, cpusets, n);
	if (cpusets && cpusets != n)
		add_changes(w, i, n, cpusets, cpusets);
}

static int by_time(const void *pa, const void *pb)
{
	const struct ph_sim_group_change *a = pa, *b = pb;

	return a->at_ns < b->at_ns ? -1 : a->at_ns > b->at_ns;
}

void whatif_groups_make(struct ph_whatif *w)
{
	struct ph_cgtree *t = ph_states_cgroups(w->st);

	*ph_vec_push(&w->groups) = (struct ph_sim_group){ .parent = -1, .weight = PH_SIM_WEIGHT, .quota_ns = -1, .period_ns = PERIOD_NS };
	/* Those above are added on the way. */
	for (size_t i = 1; i < w->cgroups.n; i++) {
		ph_vec_push(&w->groups);
		make(w, t, (uint16_t)i);
	}
	if (w->changes.n)
		qsort(w->changes.v, w->changes.n, sizeof(*w->changes.v), by_time);
}

static bool same_cpus(const struct ph_sim_cpus *a, const struct ph_sim_cpus *b, uint32_t ncpus)
{
	for (uint32_t cpu = 0; cpu < ncpus; cpu++)
		if (ph_sim_cpu_in(a, cpu) != ph_sim_cpu_in(b, cpu))
			return false;
	return true;
}

/* Is it the cpuset of some cgroup that keeps its tasks there? That is known, and another one may be asked for. */
static bool of_cpuset(const struct ph_whatif *w, const struct ph_sim_cpus *cpus)
{
	ph_vec_each(g, &w->groups)
		if (g->confined && same_cpus(&g->cpus, cpus, w->seen.cpus))
			return true;
	return false;
}

void whatif_masks_make(struct ph_whatif *w)
{
	ph_vec_each(m, &w->masks) {
		struct ph_sim_cpus *cpus = ph_vec_push(&w->sim_masks);

		if (m->told && of_cpuset(w, &m->cpus))
			memset(cpus, 0xff, sizeof(*cpus));
		else
			*cpus = m->cpus;
	}
}

uint32_t whatif_groups_of(const struct ph_whatif *w, uint32_t container)
{
	struct ph_cgtree *t = ph_states_cgroups(w->st);
	const struct ph_container *c = ph_identity_container(w->id, container);
	uint32_t best = 0;
	unsigned int least = 0;

	for (uint32_t i = 1; c && i < w->cgroups.n; i++) {
		const struct ph_cgnode *n = ph_cgtree_cpu_node(t, w->cgroups.v[i].id);
		unsigned int depth = 0;

		if (!n || n->container == PH_CONTAINER_UNKNOWN || ph_identity_container(w->id, n->container) != c)
			continue;
		for (const struct ph_cgnode *up = n; up; up = up->parent)
			depth++;
		if (best && depth >= least)
			continue;
		best = i;
		least = depth;
	}
	/* One that is known by its namespaces alone: where its tasks ran. */
	for (uint32_t i = 1; !least && i < w->cgroups.n; i++)
		if (w->cgroups.v[i].own_ns > w->cgroups.v[best].own_ns || (!best && w->cgroups.v[i].own_ns))
			best = i;
	return best;
}

static bool above(const struct ph_sim_group *groups, uint32_t top, uint32_t group)
{
	for (int32_t g = (int32_t)group; g >= 0; g = groups[g].parent)
		if ((uint32_t)g == top)
			return true;
	return false;
}

bool whatif_groups_below(const struct ph_whatif *w, uint32_t group)
{
	return w->group && above(w->groups.v, w->group, group);
}

bool whatif_groups_related(const struct ph_whatif *w, const struct ph_sim_group *groups, uint32_t group)
{
	return group && (above(groups, w->group, group) || above(groups, group, w->group));
}

/* How much alike are the samples, modulo @ns? 1: the same. And where they meet. */
static double alike(const struct ph_whatif *w, double ns, double *ret_phase)
{
	double x = 0, y = 0, phase;

	ph_vec_each(at, &w->ticks) {
		double angle = 2 * M_PI * fmod((double)(*at - w->ticks.v[0]), ns) / ns;

		x += cos(angle);
		y += sin(angle);
	}
	phase = atan2(y, x) / (2 * M_PI) * ns;
	*ret_phase = phase < 0 ? phase + ns : phase;
	return hypot(x, y) / (double)w->ticks.n;
}

/* The timer's usual frequencies, the least first: who ticks with one ticks with its multiples, too. */
void whatif_ticks(const struct ph_whatif *w, uint64_t *tick_ns, uint64_t *at_ns)
{
	static const unsigned int hz[] = { 100, 250, 300, 1000 };

	*tick_ns = PH_NSEC / 250;
	*at_ns = 0;
	for (size_t i = 0; i < PH_ARRAY_SIZE(hz) && w->ticks.n >= 8; i++) {
		double phase;

		if (alike(w, 1e9 / hz[i], &phase) < 0.6)
			continue;
		*tick_ns = PH_NSEC / hz[i];
		*at_ns = w->ticks.v[0] + (uint64_t)phase;
		return;
	}
}
