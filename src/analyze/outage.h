/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_OUTAGE_H
#define PH_ANALYZE_OUTAGE_H

#include "analyze/cgtree.h"
#include "base/vec.h"

struct ph_limit {
	uint64_t cgroup_id;	/* whose quota ran out; in the hierarchy of the cpu controller */
	uint32_t level;		/* levels above the task's own cgroup, 0: its own */
	uint64_t quota_ns, period_ns;
};

/* The limits that are out on one CPU at present: few, and mostly none. */
struct ph_outage {
	struct ph_limit limit;	/* its level is not of anybody */
	uint64_t begin_ns;
	bool whole;		/* all tasks below it are off the CPU */
};

struct ph_outages {
	PH_VEC(struct ph_outage) v;
};

struct ph_outage *ph_outage_of(struct ph_outages *o, uint64_t cgroup_id);
/* Of those that keep a task of cgroup @id off its CPU, the nearest above it. False: none does. */
bool ph_outage_over(const struct ph_outages *o, struct ph_cgtree *cgroups, uint64_t id, bool whole_only,
		    struct ph_limit *ret);

#endif
