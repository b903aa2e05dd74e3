/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line a stack, from the outermost function, with its weight. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "export/export.h"

/* What ends it as a line's weight does: a blank and a number behind it. NULL: nothing. */
static char *number_at_end(struct ph_buf *b)
{
	char *blank = b->p ? strrchr(b->p, ' ') : NULL;

	return blank && blank[1] && !blank[1 + strspn(blank + 1, "0123456789.")] ? blank : NULL;
}

/* Of a name nothing may end it, nor the line; the @last one of a line with a number would have readers take that for another weight. */
static void add_name(struct ph_buf *out, const char *name, bool last)
{
	ph_autobuf b = { 0 };

	ph_buf_add_term(&b, name, strlen(name));
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i] == ';')
			b.p[i] = ':';
	if (last && number_at_end(&b))
		*number_at_end(&b) = '_';
	ph_buf_add(out, b.p ? b.p : "", b.len);
}

static void add_line(const struct ph_tree *t, const ph_locv *path, struct ph_buf *out)
{
	if (!path->n)
		ph_buf_adds(out, "[all]");
	for (size_t i = 0; i < path->n; i++) {
		if (i)
			ph_buf_addc(out, ';');
		add_name(out, t->nodes.v[path->v[i]].func->label, i + 1 == path->n);
	}
}

static void add_branch(const struct ph_tree *t, uint32_t at, ph_locv *path, struct ph_buf *out)
{
	const struct ph_tree_node *n = &t->nodes.v[at];

	if (n->self || n->base_self) {
		add_line(t, path, out);
		if (t->base)
			ph_buf_addf(out, " %" PRIu64, n->base_self);
		ph_buf_addf(out, " %" PRIu64 "\n", n->self);
	}
	for (uint32_t c = n->child; c; c = t->nodes.v[c].next) {
		*ph_vec_push(path) = c;
		add_branch(t, c, path, out);
		path->n--;
	}
}

void ph_export_folded(const struct ph_export *x, struct ph_buf *out)
{
	struct ph_tree *t = ph_tree_new(x->p, x->base, PH_TREE_NAME);
	ph_locv path = { 0 };

	add_branch(t, 0, &path, out);
	ph_vec_done(&path);
	ph_tree_free(t);
}
