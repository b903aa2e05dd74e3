/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EXPORT_SVG_H
#define PH_EXPORT_SVG_H

/* The insides of svg*.c. */

#include "base/map.h"
#include "export/parts.h"

#define SVG_WIDTH 1200
#define SVG_MARGIN 10
#define SVG_ROW 17
#define SVG_TOP 108		/* where functions begin, below what is told of them */
#define SVG_CONTAINERS 24	/* that have a colour of their own */

struct svg {
	const struct ph_export *x;
	const struct ph_tree *t;
	struct ph_buf *out;
	struct ph_strmap names;			/* label and module */
	PH_VEC(const struct ph_func *) funcs;	/* of each name */
	PH_VEC(const char *) containers;	/* as their colours are numbered */
	double most;				/* change of a share, of all */
	double scale;				/* pixels of a unit */
	uint32_t depth;				/* of what is drawn */
	struct ph_buf whose;			/* " of web, db" */
	bool used[PH_FRAME_KINDS];
};

/* svg_colors.c: what a function's colour tells is its class, which has a number and a name. */
void svg_add_classes(struct ph_buf *out);
unsigned int svg_classes(void);
unsigned int svg_class(struct svg *g, uint32_t at, unsigned int container);
void svg_add_class_name(struct ph_buf *out, unsigned int class);
unsigned int svg_container_number(struct svg *g, const char *name);
double svg_greatest_change(const struct ph_tree *t);
const char *svg_kind_legend(enum ph_frame_kind kind);	/* NULL: needs none */

/* svg_head.c: what stands above the functions. */
const char *svg_count_name(const struct ph_profile *p);
void svg_add_whose(const struct ph_profile *p, struct ph_buf *out);
void svg_add_begin(struct svg *g, unsigned int height);
void svg_add_head(struct svg *g);

#endif
