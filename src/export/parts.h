/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EXPORT_PARTS_H
#define PH_EXPORT_PARTS_H

#include "base/table.h"
#include "export/export.h"

/* What several of the outputs are made of. */

/* ---- whose.c: who spent it ----------------------------------------------------------------------------- */

struct ph_whose_part {
	const char *of;
	uint64_t weight;
};
struct ph_whose_container {
	const char *name, *image;	/* image: NULL where none is known */
	bool host;
	uint64_t weight;
	PH_VEC(struct ph_whose_part) tasks;	/* by name, the heaviest first */
};
typedef PH_VEC(struct ph_whose_container) ph_whose;
/* The heaviest container first. */
void ph_whose_get(const struct ph_profile *p, ph_whose *out);
void ph_whose_done(ph_whose *w);

/* Which containers a function's stacks are of. */
struct ph_owners {
	struct ph_u64map by_pair, by_func;	/* func and container; func: the one that has most */
};
void ph_owners_find(const struct ph_profile *p, struct ph_owners *o);
void ph_owners_done(struct ph_owners *o);
/* "web", "web +" where others have it, too. */
void ph_owners_cell(struct ph_cell *c, const struct ph_profile *p, const struct ph_owners *o, const struct ph_func *f);

/* ---- shorten.c: names for a terminal -------------------------------------------------------------------- */

/*
 * Appends @name, escaped, in at most @width columns: first without what stands inside of brackets, the innermost first
 * (a<b<c>, d>::e(f) is then a<…>::e(…)), then without its beginning.
 */
void ph_shorten(const char *name, size_t width, struct ph_buf *out);
/* Column @col, of names, takes what the others leave of a terminal of @width columns. */
void ph_shorten_column(struct ph_table *t, const struct ph_table_fmt *fmt, size_t col, unsigned int width);
/* The file or module that a function is in, as people say it: "kernel", "libc.so.6", "app.py"; "": nothing to be said. */
const char *ph_func_place(const struct ph_func *f, const struct ph_loc *loc);

/* ---- head.c: what stands above the tree ------------------------------------------------------------------ */

void ph_export_head(const struct ph_export *x, const struct ph_tree *t, struct ph_buf *out);

#endif
