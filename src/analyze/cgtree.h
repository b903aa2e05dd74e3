/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_CGTREE_H
#define PH_ANALYZE_CGTREE_H

#include "base/vec.h"
#include "event/schema.h"

/*
 * The cgroups that the stream tells of, with their limits and what the kernel has counted for them. A
 * cgroup that was removed stays: what happened in it is still reported.
 */
struct ph_cgstat {
	uint64_t ts_ns;			/* 0: never told */
	uint64_t usage_ns, nr_periods, nr_throttled, throttled_ns;
	int64_t throttled_local_ns, cpu_some_ns;	/* -1: the kernel has none */
};

/* Of the CPU, as they were told. */
struct ph_cglimits {
	int64_t quota_us;		/* -1: none */
	uint64_t period_us, burst_us, weight;
	char *cpuset;			/* NULL: no controller */
};

struct ph_cglimits_past {
	struct ph_cglimits was;
	uint64_t until_ns;
};

struct ph_cgnode {
	int32_t hierarchy;		/* 0: cgroup v2 */
	bool guessed;			/* the hierarchy: nothing was told of it yet, nor which one has the cpu controller */
	uint64_t id;
	struct ph_cgnode *parent;	/* NULL: a root, or not told */
	uint32_t container;		/* index that its tasks' events carry */
	char *path;			/* in its hierarchy, NULL: not told */
	/* statedump_cgroup: */
	bool dumped;
	struct ph_cglimits cpu;		/* at present */
	PH_VEC(struct ph_cglimits_past) past;	/* others that they were before, in that order */
	int64_t memory_max_bytes, pids_max;
	struct ph_cgstat first, last;	/* cgroup_stat: what the kernel has counted */
	uint64_t ran_ns, ran_since_ns;	/* ph_cgtree_ran(): between these two, and after the last */
	void *data;			/* for the analysis that the tree is made for */
};

struct ph_cgtree;

struct ph_cgtree *ph_cgtree_new(void);
void ph_cgtree_free(struct ph_cgtree *t);
void ph_cgtree_feed(struct ph_cgtree *t, const struct ph_event *ev);

struct ph_cgnode *ph_cgtree_get(const struct ph_cgtree *t, int32_t hierarchy, uint64_t id);
/* The hierarchy that has the cpu controller; -1: no cgroup was told. */
int32_t ph_cgtree_cpu_hierarchy(const struct ph_cgtree *t);
/* Where the cpuset of @n is told: with v1 another hierarchy has it, where the cgroup has, by custom, the same path. NULL: nowhere. */
const struct ph_cgnode *ph_cgtree_cpuset_node(const struct ph_cgtree *t, const struct ph_cgnode *n);
/* The CPU limits of @n at @ts; of a time before the first that was told, those. */
const struct ph_cglimits *ph_cgtree_limits_at(const struct ph_cgnode *n, uint64_t ts);
/* In the cpu controller's hierarchy; made where it is not known yet. */
struct ph_cgnode *ph_cgtree_cpu_node(struct ph_cgtree *t, uint64_t id);
/* CPU time that the kernel counted for it between first and last: with v1, in the hierarchy that does. -1: not told. */
int64_t ph_cgtree_usage_ns(const struct ph_cgtree *t, const struct ph_cgnode *n);
/* A task of it ran: counted for it and all above, as the kernel does. Spans may come late, never before they end. */
void ph_cgtree_ran(struct ph_cgnode *n, uint64_t begin_ns, uint64_t end_ns);
/* Of those of a container, the least memory limit from there on up; NULL: none is told. */
const struct ph_cgnode *ph_cgtree_memory_limit(const struct ph_cgtree *t, uint32_t container);
/* All of them, in the order of their first mention, until NULL. */
struct ph_cgnode *ph_cgtree_nth(const struct ph_cgtree *t, size_t i);

#endif
