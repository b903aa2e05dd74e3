/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyze/outage.h"

struct ph_outage *ph_outage_of(struct ph_outages *o, uint64_t cgroup_id)
{
	ph_vec_each(it, &o->v)
		if (it->limit.cgroup_id == cgroup_id)
			return it;
	return NULL;
}

bool ph_outage_over(const struct ph_outages *o, struct ph_cgtree *cgroups, uint64_t id, bool whole_only,
		    struct ph_limit *ret)
{
	const struct ph_cgnode *n = o->v.n && id ? ph_cgtree_cpu_node(cgroups, id) : NULL;

	for (uint32_t level = 0; n && level < 64; n = n->parent, level++) {
		for (size_t i = 0; i < o->v.n; i++) {
			if (o->v.v[i].limit.cgroup_id != n->id || (whole_only && !o->v.v[i].whole))
				continue;
			*ret = o->v.v[i].limit;
			ret->level = level;
			return true;
		}
	}
	return false;
}
