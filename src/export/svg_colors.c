/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Colours of a flame graph: by kind of function, by container, or by what has changed. */
#include <math.h>
#include <stdlib.h>

#include "export/svg_priv.h"

#define SHADES 4
#define STEPS 5

struct hue {
	unsigned int h, s, l;
	const char *legend;
};

static const struct hue hues[PH_FRAME_KINDS] = {
	[PH_FRAME_GROUP] = { 0, 0, 80, NULL }, [PH_FRAME_KERNEL] = { 18, 88, 66, "kernel" }, [PH_FRAME_USER] = { 46, 88, 62, "user" },
	[PH_FRAME_INLINED] = { 84, 52, 64, "inlined" }, [PH_FRAME_JIT] = { 172, 48, 62, "compiled at run time" },
	[PH_FRAME_INTERPRETER] = { 206, 70, 70, "interpreted" }, [PH_FRAME_WAIT] = { 268, 46, 78, "waiting" },
	[PH_FRAME_NONE] = { 0, 0, 70, "not known" },
};

/* All that there are; a class has a letter for what it is of. */
void svg_add_classes(struct ph_buf *out)
{
	for (unsigned int k = 0; k < PH_FRAME_KINDS; k++)
		for (unsigned int s = 0; s < SHADES; s++)
			ph_buf_addf(out, ".k%u-%u{fill:hsl(%u,%u%%,%u%%)}", k, s, hues[k].h + (hues[k].s ? 3 * s : 0), hues[k].s,
				    hues[k].l + 3 * s);
	for (unsigned int i = 0; i < SVG_CONTAINERS; i++)
		ph_buf_addf(out, ".c%u{fill:hsl(%u,60%%,%u%%)}", i, (unsigned int)(i * 137.508) % 360, 68 + 5 * (i % 3));
	for (int i = -STEPS; i <= STEPS; i++)
		ph_buf_addf(out, ".d%d{fill:hsl(%u,%u%%,%u%%)}", i + STEPS, i < 0 ? 214 : 4, i ? 75 : 0, 92 - 7 * (unsigned int)abs(i));
}

unsigned int svg_container_number(struct svg *g, const char *name)
{
	for (unsigned int i = 0; i < g->containers.n; i++)
		if (!strcmp(g->containers.v[i], name))
			return i;
	*ph_vec_push(&g->containers) = name;
	return (unsigned int)g->containers.n - 1;
}

/* The number of the class, as names of classes are told to the script. */
unsigned int svg_class(struct svg *g, uint32_t at, unsigned int container)
{
	const struct ph_tree_node *n = &g->t->nodes.v[at];
	const struct ph_func *f = n->func;
	double all = (double)g->t->nodes.v[0].total, change = all ? ((double)n->total - (double)n->base) / all : 0;

	if (g->x->base) {
		double part = g->most > 0 ? sqrt(fabs(change) / g->most) : 0;
		int step = (int)lround((change < 0 ? -part : part) * STEPS);

		return PH_FRAME_KINDS * SHADES + SVG_CONTAINERS + (unsigned int)(step + STEPS);
	}
	if (g->x->by_container && at)
		return PH_FRAME_KINDS * SHADES + container % SVG_CONTAINERS;
	return f->kind * SHADES + (unsigned int)(ph_hash(PH_HASH_INIT, f->name, strlen(f->name)) >> 8) % SHADES;
}

void svg_add_class_name(struct ph_buf *out, unsigned int class)
{
	unsigned int kinds = PH_FRAME_KINDS * SHADES;

	if (class < kinds)
		ph_buf_addf(out, "k%u-%u", class / SHADES, class % SHADES);
	else if (class < kinds + SVG_CONTAINERS)
		ph_buf_addf(out, "c%u", class - kinds);
	else
		ph_buf_addf(out, "d%u", class - kinds - SVG_CONTAINERS);
}

double svg_greatest_change(const struct ph_tree *t)
{
	double most = 0, all = (double)t->nodes.v[0].total;

	ph_vec_each(n, &t->nodes)
		if (all && fabs((double)n->total - (double)n->base) / all > most)
			most = fabs((double)n->total - (double)n->base) / all;
	return most;
}

unsigned int svg_classes(void)
{
	return PH_FRAME_KINDS * SHADES + SVG_CONTAINERS + 2 * STEPS + 1;
}

const char *svg_kind_legend(enum ph_frame_kind kind)
{
	return hues[kind].legend;
}
