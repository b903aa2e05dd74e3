/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_PROFILE_TREE_H
#define PH_ANALYZE_PROFILE_TREE_H

#include "analyze/profile.h"

/*
 * Stacks of a profile put together where they begin alike, by function; of two, one to be compared with the
 * other, whose weights are then scaled so that both wholes are the same.
 */
struct ph_tree_node {
	const struct ph_func *func;
	const struct ph_loc *loc;	/* the first seen */
	uint32_t parent, child, next;	/* 0: none */
	uint32_t depth;			/* of the root 0 */
	uint64_t total, self, count;
	uint64_t base, base_self;	/* of the profile that is compared with, scaled */
};

struct ph_tree {
	const struct ph_profile *p, *base;	/* base: NULL, or what is compared with */
	PH_VEC(struct ph_tree_node) nodes;	/* [0] is the root, the sum of all */
	uint32_t depth;				/* of the deepest */
	uint64_t cut;				/* weight whose innermost functions there was no room for */
};

enum ph_tree_order { PH_TREE_HEAVIEST, PH_TREE_NAME };

struct ph_tree *ph_tree_new(const struct ph_profile *p, const struct ph_profile *base, enum ph_tree_order order);
void ph_tree_free(struct ph_tree *t);

/* A function's sums over all stacks; in a stack that it is in twice, total counts once. */
struct ph_tree_func {
	const struct ph_func *func;
	const struct ph_loc *loc;	/* the first seen */
	uint64_t self, total;
	uint64_t base_self, base_total;
};
typedef PH_VEC(struct ph_tree_func) ph_tree_funcs;
/* The heaviest by self first. */
void ph_tree_functions(const struct ph_tree *t, ph_tree_funcs *out);

#endif
