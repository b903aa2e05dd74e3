/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cgroups, their limits, their places in their hierarchies. */
#include "analyze/cgtree.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/map.h"

struct ph_cgtree {
	struct ph_u64map nodes;		/* hierarchy and id */
	struct ph_strmap paths;		/* "hierarchy:path" */
	PH_VEC(struct ph_cgnode *) all;
	int32_t cpu_hierarchy, cpuset_hierarchy;
};

#define U(event, field, otherwise) ph_event_u(ev, PH_FLD(event, field), otherwise)
#define I(event, field, otherwise) ph_event_i(ev, PH_FLD(event, field), otherwise)

/* v1 and v2 ids are inode numbers: far below 2^48 on any machine, and what is stored is compared. */
static uint64_t key_of(int32_t hierarchy, uint64_t id)
{
	return id ^ (uint64_t)(uint32_t)hierarchy << 48;
}

struct ph_cgtree *ph_cgtree_new(void)
{
	struct ph_cgtree *t = ph_alloc(sizeof(*t));

	t->cpu_hierarchy = t->cpuset_hierarchy = -1;
	return t;
}

void ph_cgtree_free(struct ph_cgtree *t)
{
	if (!t)
		return;
	ph_vec_each(n, &t->all) {
		free((*n)->path);
		free((*n)->cpu.cpuset);
		ph_vec_each(p, &(*n)->past)
			free(p->was.cpuset);
		ph_vec_done(&(*n)->past);
		free(*n);
	}
	ph_vec_done(&t->all);
	ph_u64map_done(&t->nodes);
	ph_strmap_done(&t->paths);
	free(t);
}

struct ph_cgnode *ph_cgtree_get(const struct ph_cgtree *t, int32_t hierarchy, uint64_t id)
{
	struct ph_cgnode *n = ph_u64map_get(&t->nodes, key_of(hierarchy, id));

	return n && n->hierarchy == hierarchy && n->id == id ? n : NULL;
}

/* Of the cgroup that a line of the stream is about, not just its number. */
static struct ph_cgnode *node_make(struct ph_cgtree *t, int32_t hierarchy, uint64_t id)
{
	struct ph_cgnode *n = ph_cgtree_get(t, hierarchy, id);

	if (n)
		n->guessed = false;
	if (n || !id)
		return n;
	n = ph_alloc(sizeof(*n));
	n->hierarchy = hierarchy;
	n->id = id;
	n->container = PH_CONTAINER_UNKNOWN;
	n->cpu.quota_us = n->memory_max_bytes = n->pids_max = -1;
	ph_u64map_put(&t->nodes, key_of(hierarchy, id), n);
	*ph_vec_push(&t->all) = n;
	return n;
}

static void path_key(struct ph_buf *b, int32_t hierarchy, const char *path, size_t n)
{
	ph_buf_clear(b);
	ph_buf_addf(b, "%d:", hierarchy);
	ph_buf_add(b, path, n);
}

/* A path tells the parent too. */
static void set_path(struct ph_cgtree *t, struct ph_cgnode *n, const struct ph_value *path)
{
	ph_autobuf key = { 0 };
	const char *slash;
	struct ph_cgnode *up;

	if (!path || !path->n || (n->path && strlen(n->path) == path->n && !memcmp(n->path, path->s, path->n)))
		return;
	free(n->path);
	n->path = ph_strndup(path->s, path->n);
	path_key(&key, n->hierarchy, n->path, strlen(n->path));
	ph_strmap_put(&t->paths, key.p, n);
	slash = strrchr(n->path, '/');
	if (n->parent || !slash || !slash[1])
		return;
	path_key(&key, n->hierarchy, n->path, slash == n->path ? 1 : (size_t)(slash - n->path));
	up = ph_strmap_get(&t->paths, key.p);
	if (up != n)
		n->parent = up;
}

/* Traces that lie could make a circle. */
static void set_parent(struct ph_cgnode *n, struct ph_cgnode *parent)
{
	unsigned int depth = 0;

	for (struct ph_cgnode *p = parent; p; p = p->parent)
		if (p == n || ++depth > 256)
			return;
	if (parent)
		n->parent = parent;
}

/*
 * Now it is known which hierarchy has the cpu controller; what was asked for before is of that one. With
 * v1 all of its cgroups have a weight: none of them was told of before. (One of v2 that was, and has the
 * same number, has taken the place of what was asked for: a few ms, on small hosts.)
 */
static void set_cpu_hierarchy(struct ph_cgtree *t, int32_t hierarchy)
{
	t->cpu_hierarchy = hierarchy;
	ph_vec_each(at, &t->all) {
		struct ph_cgnode *n = *at;

		if (!n->guessed || !hierarchy || ph_cgtree_get(t, hierarchy, n->id))
			continue;
		ph_u64map_del(&t->nodes, key_of(n->hierarchy, n->id));
		n->hierarchy = hierarchy;
		ph_u64map_put(&t->nodes, key_of(hierarchy, n->id), n);
	}
}

static bool same(const struct ph_cglimits *a, const struct ph_cglimits *b)
{
	return a->quota_us == b->quota_us && a->period_us == b->period_us && a->burst_us == b->burst_us && a->weight == b->weight &&
	       !strcmp(a->cpuset ? a->cpuset : "", b->cpuset ? b->cpuset : "");
}

/* What is told first of a cgroup has been so since it was made: nobody looks at once. */
static void set_limits(struct ph_cgnode *n, const struct ph_event *ev)
{
	const struct ph_value *cpuset = ph_event_field(ev, PH_FLD(statedump_cgroup, cpuset));
	struct ph_cglimits now = {
		.quota_us = I(statedump_cgroup, cpu_quota_us, -1), .period_us = U(statedump_cgroup, cpu_period_us, 0),
		.burst_us = U(statedump_cgroup, cpu_burst_us, 0), .weight = U(statedump_cgroup, cpu_weight, 0),
		.cpuset = cpuset && cpuset->n ? ph_strndup(cpuset->s, cpuset->n) : NULL,
	};

	if (n->dumped && !same(&n->cpu, &now))
		*ph_vec_push(&n->past) = (struct ph_cglimits_past){ n->cpu, ev->ts_ns };
	else
		free(n->cpu.cpuset);
	n->cpu = now;
	n->dumped = true;
}

static void on_dump(struct ph_cgtree *t, const struct ph_event *ev)
{
	int32_t hierarchy = (int32_t)I(statedump_cgroup, hierarchy, 0);
	struct ph_cgnode *n;

	if (t->cpu_hierarchy < 0 && (U(statedump_cgroup, cpu_weight, 0) || U(statedump_cgroup, cpu_period_us, 0)))
		set_cpu_hierarchy(t, hierarchy);
	n = node_make(t, hierarchy, U(statedump_cgroup, id, 0));
	if (!n)
		return;
	set_parent(n, ph_cgtree_get(t, hierarchy, U(statedump_cgroup, parent_id, 0)));
	set_path(t, n, ph_event_field(ev, PH_FLD(statedump_cgroup, path)));
	set_limits(n, ev);
	if (t->cpuset_hierarchy < 0 && n->cpu.cpuset)
		t->cpuset_hierarchy = hierarchy;
	n->container = (uint32_t)U(statedump_cgroup, container, PH_CONTAINER_UNKNOWN);
	n->memory_max_bytes = I(statedump_cgroup, memory_max_bytes, -1);
	n->pids_max = I(statedump_cgroup, pids_max, -1);
}

static void on_stat(struct ph_cgtree *t, const struct ph_event *ev)
{
	struct ph_cgnode *n = node_make(t, (int32_t)I(cgroup_stat, hierarchy, 0), U(cgroup_stat, id, 0));

	if (!n)
		return;
	n->last = (struct ph_cgstat){
		.ts_ns = ev->ts_ns,
		.usage_ns = U(cgroup_stat, usage_ns, 0),
		.nr_periods = U(cgroup_stat, nr_periods, 0),
		.nr_throttled = U(cgroup_stat, nr_throttled, 0),
		.throttled_ns = U(cgroup_stat, throttled_ns, 0),
		.throttled_local_ns = I(cgroup_stat, throttled_local_ns, -1),
		.cpu_some_ns = I(cgroup_stat, cpu_some_ns, -1),
	};
	if (n->first.ts_ns)
		n->ran_ns += n->ran_since_ns;
	else
		n->first = n->last;
	n->ran_since_ns = 0;
}

void ph_cgtree_ran(struct ph_cgnode *n, uint64_t begin_ns, uint64_t end_ns)
{
	for (; n; n = n->parent) {
		uint64_t first = n->first.ts_ns, last = n->last.ts_ns;

		if (!first)
			continue;
		if (end_ns > last)
			n->ran_since_ns += end_ns - (begin_ns > last ? begin_ns : last);
		if (begin_ns < last && end_ns > first)
			n->ran_ns += (end_ns < last ? end_ns : last) - (begin_ns > first ? begin_ns : first);
	}
}

void ph_cgtree_feed(struct ph_cgtree *t, const struct ph_event *ev)
{
	struct ph_cgnode *n;

	switch (ev->cls->id) {
	case PH_EV_statedump_cgroup:
		on_dump(t, ev);
		break;
	case PH_EV_cgroup_stat:
		on_stat(t, ev);
		break;
	case PH_EV_cgroup_mkdir:
		n = node_make(t, (int32_t)I(cgroup_mkdir, hierarchy, 0), U(cgroup_mkdir, id, 0));
		if (!n)
			break;
		n->container = (uint32_t)U(cgroup_mkdir, container, PH_CONTAINER_UNKNOWN);
		set_path(t, n, ph_event_field(ev, PH_FLD(cgroup_mkdir, path)));
		break;
	case PH_EV_cgroup_attach_task:
		n = node_make(t, (int32_t)I(cgroup_attach_task, hierarchy, 0), U(cgroup_attach_task, id, 0));
		if (n)
			set_path(t, n, ph_event_field(ev, PH_FLD(cgroup_attach_task, path)));
		break;
	}
}

int32_t ph_cgtree_cpu_hierarchy(const struct ph_cgtree *t)
{
	if (t->cpu_hierarchy >= 0)
		return t->cpu_hierarchy;
	return t->all.n ? 0 : -1;
}

struct ph_cgnode *ph_cgtree_cpu_node(struct ph_cgtree *t, uint64_t id)
{
	int32_t hierarchy = ph_cgtree_cpu_hierarchy(t);
	struct ph_cgnode *n = ph_cgtree_get(t, hierarchy < 0 ? 0 : hierarchy, id);

	if (n)
		return n;
	n = node_make(t, hierarchy < 0 ? 0 : hierarchy, id);
	if (n)
		n->guessed = t->cpu_hierarchy < 0;
	return n;
}

const struct ph_cgnode *ph_cgtree_cpuset_node(const struct ph_cgtree *t, const struct ph_cgnode *n)
{
	ph_autobuf key = { 0 };

	if (n->hierarchy == t->cpuset_hierarchy)
		return n;
	if (t->cpuset_hierarchy < 0 || !n->path)
		return NULL;
	path_key(&key, t->cpuset_hierarchy, n->path, strlen(n->path));
	return ph_strmap_get(&t->paths, key.p);
}

const struct ph_cglimits *ph_cgtree_limits_at(const struct ph_cgnode *n, uint64_t ts)
{
	ph_vec_each(p, &n->past)
		if (ts < p->until_ns)
			return &p->was;
	return &n->cpu;
}

static int64_t counted_ns(const struct ph_cgnode *n)
{
	const struct ph_cgstat *a = &n->first, *b = &n->last;

	return b->ts_ns > a->ts_ns && b->usage_ns && b->usage_ns >= a->usage_ns ? (int64_t)(b->usage_ns - a->usage_ns) : -1;
}

int64_t ph_cgtree_usage_ns(const struct ph_cgtree *t, const struct ph_cgnode *n)
{
	int64_t ns = counted_ns(n);

	/* Who is in /a of one hierarchy is, by custom, in /a of the others. */
	for (size_t i = 0; i < t->all.n && n->path && n->hierarchy > 0 && ns < 0; i++)
		if (t->all.v[i]->path && !strcmp(t->all.v[i]->path, n->path))
			ns = counted_ns(t->all.v[i]);
	return ns;
}

struct ph_cgnode *ph_cgtree_nth(const struct ph_cgtree *t, size_t i)
{
	return i < t->all.n ? t->all.v[i] : NULL;
}

const struct ph_cgnode *ph_cgtree_memory_limit(const struct ph_cgtree *t, uint32_t container)
{
	const struct ph_cgnode *n;

	if (container == PH_CONTAINER_UNKNOWN || container == PH_CONTAINER_HOST)
		return NULL;
	for (size_t i = 0; (n = ph_cgtree_nth(t, i)); i++) {
		const struct ph_cgnode *up = n, *least = NULL;

		if (n->container != container)
			continue;
		for (unsigned int k = 0; up && k < 64; up = up->parent, k++)
			if (up->memory_max_bytes >= 0 && (!least || up->memory_max_bytes < least->memory_max_bytes))
				least = up;
		if (least)
			return least;
	}
	return NULL;
}
