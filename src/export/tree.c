/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree of calls as text. */
#include <inttypes.h>
#include <math.h>

#include "base/cleanup.h"
#include "export/export.h"

/* Stacks may be deeper than a terminal is wide. */
#define INDENT_MAX 60

struct printer {
	const struct ph_export *x;
	const struct ph_tree *t;
	struct ph_buf *out;
	uint64_t min;
};

static uint64_t all_of(const struct ph_tree *t)
{
	return t->nodes.v[0].total;
}

static bool shown(const struct printer *pr, const struct ph_tree_node *n)
{
	uint64_t w = n->total > n->base ? n->total : n->base;

	return w && w >= pr->min;
}

static double percent(const struct printer *pr, uint64_t w)
{
	return all_of(pr->t) ? 100.0 * (double)w / (double)all_of(pr->t) : 0;
}

static void add_share(const struct printer *pr, uint64_t w)
{
	ph_buf_addf(pr->out, "%6.1f %%", percent(pr, w));
}

/* Cut to what is left of the line. */
static void add_label(const struct printer *pr, const struct ph_tree_node *n, size_t used)
{
	ph_autobuf b = { 0 };
	size_t bytes = 0;

	ph_buf_add_term(&b, n->func->label, strlen(n->func->label));
	if (n->func->module[0] && n->func->named && n->func->kind != PH_FRAME_KERNEL) {
		ph_buf_adds(&b, "  ");
		ph_buf_add_term(&b, n->func->module, strlen(n->func->module));
	}
	if (pr->x->view.width > used + 8 && ph_display_width(b.p, SIZE_MAX, &bytes) > pr->x->view.width - used) {
		ph_display_width(b.p, pr->x->view.width - used - 1, &bytes);
		ph_buf_add(pr->out, b.p, bytes);
		ph_buf_adds(pr->out, "…");
	} else {
		ph_buf_adds(pr->out, b.p ? b.p : "");
	}
	ph_buf_addc(pr->out, '\n');
}

/* @parent: whose line is above; where all of it is this one's, it stands below it at the same place without a figure. */
static void add_node(const struct printer *pr, uint32_t at, unsigned int indent, const struct ph_tree_node *parent)
{
	const struct ph_tree_node *n = &pr->t->nodes.v[at];
	bool alike = parent && n->total == parent->total && n->base == parent->base;
	unsigned int blanks = 2 * indent < INDENT_MAX ? 2 * indent : INDENT_MAX;
	size_t used = 10 + blanks;

	if (alike)
		ph_buf_adds(pr->out, "        ");
	else
		add_share(pr, n->total);
	if (pr->x->base) {
		if (alike)
			ph_buf_adds(pr->out, "         ");
		else
			ph_buf_addf(pr->out, "  %+6.1f ", percent(pr, n->total) - percent(pr, n->base));
		used += 9;
	}
	ph_buf_addf(pr->out, "  %*s", (int)blanks, "");
	add_label(pr, n, used);
}

static unsigned int shown_children(const struct printer *pr, const struct ph_tree_node *n, uint32_t *ret_first)
{
	unsigned int many = 0;

	*ret_first = 0;
	for (uint32_t c = n->child; c; c = pr->t->nodes.v[c].next) {
		if (!shown(pr, &pr->t->nodes.v[c]))
			continue;
		if (!many++)
			*ret_first = c;
	}
	return many;
}

static void add_branch(const struct printer *pr, uint32_t at, unsigned int indent)
{
	const struct ph_tree_node *n = &pr->t->nodes.v[at];
	uint32_t first;

	/* Down a chain of calls without going to the right. */
	while (shown_children(pr, n, &first) == 1 && pr->t->nodes.v[first].total == n->total &&
	       pr->t->nodes.v[first].base == n->base) {
		add_node(pr, first, indent, n);
		n = &pr->t->nodes.v[first];
	}
	for (uint32_t c = n->child; c; c = pr->t->nodes.v[c].next) {
		if (!shown(pr, &pr->t->nodes.v[c]))
			continue;
		add_node(pr, c, indent + 1, NULL);
		add_branch(pr, c, indent + 1);
	}
}

void ph_export_tree(const struct ph_export *x, struct ph_buf *out)
{
	struct ph_tree *t = ph_tree_new(x->p, x->base, PH_TREE_HEAVIEST);
	struct printer pr = { .x = x, .t = t, .out = out, .min = (uint64_t)ceil(x->min * (double)all_of(t)) };
	double seconds = (double)(x->p->end_ns - x->p->begin_ns) / 1e9;

	ph_profile_weight_text(x->p, x->p->weight, out);
	ph_buf_addf(out, " of %s", ph_profile_what_text(x->p));
	if (x->p->unit != PH_PROFILE_COUNT)
		ph_buf_addf(out, ", %" PRIu64 " %s", x->p->count, x->p->opts.what == PH_PROFILE_OFFCPU ? "waits" :
			    x->p->opts.what == PH_PROFILE_WALL ? "samples and waits" : "samples");
	ph_buf_addf(out, ", in %.1f s\n", seconds);
	if (x->base) {
		ph_buf_adds(out, "compared with ");
		ph_profile_weight_text(x->base, x->base->weight, out);
		ph_buf_adds(out, ": the second column is by how much of the whole a share has changed\n");
	}
	for (uint32_t c = t->nodes.v[0].child; c; c = t->nodes.v[c].next) {
		if (!shown(&pr, &t->nodes.v[c]))
			continue;
		add_node(&pr, c, 0, NULL);
		add_branch(&pr, c, 0);
	}
	ph_tree_free(t);
}
