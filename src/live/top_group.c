/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "live/top_group.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/schema.h"

/* Time in which somebody waited cannot be summed up over containers. */
#define NOT_SUMMED (1ull << PH_TOP_CPU_SOME | 1ull << PH_TOP_CPU_FULL | 1ull << PH_TOP_IO_SOME | 1ull << PH_TOP_IO_FULL | \
		    1ull << PH_TOP_MEMORY_SOME | 1ull << PH_TOP_MEMORY_FULL | 1ull << PH_TOP_STEAL)
/* What is counted for each container alone; the rest a cgroup counts with what is below it. */
#define OWN_LEVELS (1u << PH_TOP_FILES)

char *ph_top_group_key(enum ph_top_by by, const struct ph_container *c)
{
	const char *slash;

	switch (by) {
	case PH_TOP_BY_POD:
		if (!c->pod)
			break;
		return c->pod_namespace ? ph_asprintf("%s/%s", c->pod_namespace, c->pod) : ph_strdup(c->pod);
	case PH_TOP_BY_IMAGE:
		return ph_strdup(c->image ? c->image : "");
	case PH_TOP_BY_NAMESPACE:
		return ph_strdup(c->pod_namespace ? c->pod_namespace : "");
	case PH_TOP_BY_CGROUP:
		slash = c->cgroup_path ? strrchr(c->cgroup_path, '/') : NULL;
		if (!slash)
			break;
		return slash == c->cgroup_path ? ph_strdup("/") :
						 ph_strndup(c->cgroup_path, (size_t)(slash - c->cgroup_path));
	default:
		break;
	}
	return ph_strdup("");
}

static struct ph_top_group *group_of(ph_top_groups *groups, const char *key)
{
	struct ph_top_group *g;

	for (size_t i = 0; i < groups->n; i++)
		if (!strcmp(groups->v[i]->key, key))
			return groups->v[i];
	g = ph_alloc(sizeof(*g));
	g->key = ph_strdup(key);
	g->hc.c.index = UINT32_MAX;	/* of none */
	g->hc.c.name = ph_strdup(*key ? key : "(none)");
	g->hc.cpu = (struct ph_host_limit){ .found = true, .period_us = 100000 };
	g->hc.memory.found = true;
	g->row.hc = &g->hc;
	g->row.key = g->key;
	g->row.fresh = true;
	g->row.before.counted = ~0ull;
	for (unsigned int i = 0; i < PH_TOP_HISTORY; i++)
		g->row.history[i] = -1;
	*ph_vec_push(groups) = g;
	return g;
}

struct making {
	const struct ph_top *t;
	enum ph_top_by by;
	ph_top_wanted_fn wanted;
	void *arg;
};

/* Is this container inside another one of the group, whose cgroups count it too? */
static bool nested(const struct making *m, const char *key, const struct ph_container *c)
{
	for (unsigned int i = 0; i < 64 && c->parent; i++) {
		const struct ph_top_row *r = ph_top_row_at(m->t, c->parent);
		ph_autofree char *above = NULL;

		if (!r)
			return false;
		c = &r->hc->c;
		above = ph_top_group_key(m->by, c);
		if (!strcmp(above, key) && m->wanted(m->arg, r))
			return true;
	}
	return false;
}

/* A guest in a container that is counted: all it does is the container's, whatever group that is in. */
static bool in_another(const struct making *m, const struct ph_container *c)
{
	const struct ph_top_row *r = ph_container_is_within(c) ? ph_top_row_at(m->t, c->parent) : NULL;

	return r && m->wanted(m->arg, r);
}

/* A limit counts once, whoever of the group is below it; one of them without a limit, and the group has none. */
static bool another_limit(struct ph_host_limit *sum, ph_strv *seen, const struct ph_host_limit *l)
{
	if (!sum->found || !l->found) {
		sum->found = false;
		return false;
	}
	for (size_t i = 0; l->where && i < seen->n; i++)
		if (!strcmp(seen->v[i], l->where))
			return false;
	ph_strv_add(seen, l->where ? l->where : "");
	return true;
}

static void add_limits(struct ph_top_group *g, const struct ph_host_container *hc)
{
	if (another_limit(&g->hc.cpu, &g->cpu_limits, &hc->cpu) && hc->cpu.period_us)
		g->hc.cpu.quota_us += hc->cpu.quota_us * g->hc.cpu.period_us / hc->cpu.period_us;
	if (another_limit(&g->hc.memory, &g->memory_limits, &hc->memory))
		g->hc.memory.bytes += hc->memory.bytes;
}

static void add_counts(struct ph_top_group *g, const struct ph_top_row *r, uint64_t which)
{
	struct ph_top_row *sum = &g->row;
	uint64_t v;

	if (r->fresh)
		return;
	sum->fresh = false;
	if (ph_top_interval(r) > sum->now.ns)
		sum->now.ns = ph_top_interval(r);
	for (unsigned int i = 0; i < PH_TOP_NCOUNTS; i++)
		if (which >> i & 1 && ph_top_delta(r, i, &v))
			ph_top_set(&sum->now, i, sum->now.count[i] + v);
}

static void add(const struct making *m, struct ph_top_group *g, const struct ph_top_row *r)
{
	const struct ph_container *c = &r->hc->c;
	uint64_t network = c->ns[PH_NS_NET], counts = ~(NOT_SUMMED | PH_TOP_NETWORK), v;
	bool inner = nested(m, g->key, c);
	uint32_t levels = inner ? OWN_LEVELS : ~0u;

	g->members++;
	if (!g->hc.c.start_ns || (c->start_ns && c->start_ns < g->hc.c.start_ns))
		g->hc.c.start_ns = c->start_ns;
	if (inner)
		counts &= PH_TOP_KERNEL;
	else
		add_limits(g, r->hc);
	if (!network || !ph_u64map_put(&g->networks, network, g))
		counts |= PH_TOP_NETWORK;
	add_counts(g, r, counts);
	for (unsigned int i = 0; i < PH_TOP_NLEVELS; i++)
		if (i != PH_TOP_MEMORY_LIMIT && levels >> i & 1 && ph_top_level(r, i, &v))
			ph_top_set_level(&g->row.now, i, g->row.now.level[i] + v);
	for (unsigned int i = 0; !inner && i < PH_TOP_HISTORY; i++)
		if (r->history[i] >= 0)
			g->row.history[i] = r->history[i] + (g->row.history[i] > 0 ? g->row.history[i] : 0);
}

void ph_top_groups_make(const struct ph_top *t, enum ph_top_by by, ph_top_wanted_fn wanted, void *arg,
			ph_top_groups *ret)
{
	const struct making m = { t, by, wanted, arg };

	for (size_t i = 0; i < t->rows.n; i++) {
		const struct ph_top_row *r = t->rows.v[i];
		ph_autofree char *key = NULL;

		if (!r || r->hc->c.index == PH_CONTAINER_HOST || !wanted(arg, r) || in_another(&m, &r->hc->c))
			continue;
		key = ph_top_group_key(by, &r->hc->c);
		add(&m, group_of(ret, key), r);
	}
	for (size_t i = 0; i < ret->n; i++)
		if (ret->v[i]->hc.memory.found && ret->v[i]->hc.memory.bytes)
			ph_top_set_level(&ret->v[i]->row.now, PH_TOP_MEMORY_LIMIT, ret->v[i]->hc.memory.bytes);
}

void ph_top_groups_done(ph_top_groups *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->v[i]->key);
		free(g->v[i]->hc.c.name);
		ph_strv_done(&g->v[i]->cpu_limits);
		ph_strv_done(&g->v[i]->memory_limits);
		ph_u64map_done(&g->v[i]->networks);
		free(g->v[i]);
	}
	ph_vec_done(g);
}
