/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_TOP_GROUP_H
#define PH_LIVE_TOP_GROUP_H

#include "live/top_procs.h"

/* Containers that have something in common, as one row: what they use together. */
enum ph_top_by { PH_TOP_BY_POD, PH_TOP_BY_IMAGE, PH_TOP_BY_NAMESPACE, PH_TOP_BY_CGROUP, PH_TOP_NBY };

struct ph_top_group {
	char *key;		/* what they have in common; "" those that have no such thing */
	size_t members;
	struct ph_top_row row;	/* the sums; its container has name, age and limits alone */
	struct ph_host_container hc;
	ph_strv cpu_limits, memory_limits;	/* cgroups whose limits are in it already */
	struct ph_u64map networks;		/* likewise network namespaces: of a pod they are one */
};

typedef PH_VEC(struct ph_top_group *) ph_top_groups;

/* What @c has of @by, into @out as it is shown and compared: never NULL, "" nothing. */
char *ph_top_group_key(enum ph_top_by by, const struct ph_container *c);
/* Of all containers that are @wanted. */
void ph_top_groups_make(const struct ph_top *t, enum ph_top_by by, ph_top_wanted_fn wanted, void *arg,
			ph_top_groups *ret);
void ph_top_groups_done(ph_top_groups *g);

#endif
