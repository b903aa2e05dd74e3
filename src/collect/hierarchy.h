/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_COLLECT_HIERARCHY_H
#define PH_COLLECT_HIERARCHY_H

#include "base/err.h"
#include "base/vec.h"

/* The mounted cgroup hierarchies that matter to the kernel side: v2, and those of cpu and blkio. */
struct ph_hierarchy {
	int32_t number;		/* 0: v2 */
	bool cpu;		/* has the v1 cpu controller */
	char *mount;
};

struct ph_hierarchies {
	struct ph_hierarchy *v;
	size_t n, cap;
};

int ph_hierarchies_read(struct ph_hierarchies *h, struct ph_err *err);
void ph_hierarchies_done(struct ph_hierarchies *h);

#endif
