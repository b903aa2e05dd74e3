/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of functions. */
#include "base/cleanup.h"
#include "export/parts.h"

enum {
	COL_SELF, COL_TOTAL, COL_DIFF, COL_DIFF_TOTAL, COL_SELF_WEIGHT, COL_TOTAL_WEIGHT, COL_UNIT, COL_CONTAINER, COL_KIND,
	COL_MODULE, COL_FUNCTION, NCOLS,
};

static const struct ph_col cols[NCOLS] = {
	[COL_SELF] = { "SELF%", "self_percent", PH_COL_F64, .help = "share of the whole that is the function's own" },
	[COL_TOTAL] = { "TOTAL%", "total_percent", PH_COL_F64, .help = "with what it called" },
	[COL_DIFF] = { "±SELF", "self_change", PH_COL_F64, .hidden = true, .help = "with --diff: percent of the whole by which the own share changed" },
	[COL_DIFF_TOTAL] = { "±TOTAL", "total_change", PH_COL_F64, .hidden = true, .help = "likewise, with what it called" },
	[COL_SELF_WEIGHT] = { "SELF", "self", PH_COL_U64, .help = "its own: ns, cycles or events" },
	[COL_TOTAL_WEIGHT] = { "TOTAL", "total", PH_COL_U64, .hidden = true, .help = "with what it called" },
	[COL_UNIT] = { "UNIT", "unit", PH_COL_STR, .hidden = true, .help = "ns, cycles or events: of self and total" },
	[COL_CONTAINER] = { "CONTAINER", "container", PH_COL_STR, .help = "that spent most in it; +: others, too" },
	[COL_KIND] = { "KIND", "kind", PH_COL_STR, .help = "kernel, user, inlined, jit, interpreter; wait: what is waited for" },
	[COL_MODULE] = { "MODULE", "module", PH_COL_STR, .help = "the file it is in; of the kernel, the module" },
	[COL_FUNCTION] = { "FUNCTION", "function", PH_COL_STR, .help = "its name, else the module and the place in it" },
};

static const char *unit_name(const struct ph_profile *p)
{
	return p->unit == PH_PROFILE_NS ? "ns" : p->unit == PH_PROFILE_CYCLES ? "cycles" : "events";
}

/* ---- the table ------------------------------------------------------------------------------------------ */

static double percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

static void add_row(struct ph_table *t, const struct ph_export *x, const struct ph_owners *o, const struct ph_tree_func *f, uint64_t all)
{
	struct ph_cell *c = ph_table_row(t);
	ph_autobuf weight = { 0 };

	ph_cell_f64(&c[COL_SELF], percent(f->self, all));
	ph_cell_f64(&c[COL_TOTAL], percent(f->total, all));
	if (x->base) {
		ph_cell_f64(&c[COL_DIFF], percent(f->self, all) - percent(f->base_self, all));
		ph_cell_f64(&c[COL_DIFF_TOTAL], percent(f->total, all) - percent(f->base_total, all));
	}
	ph_cell_u64(&c[COL_SELF_WEIGHT], f->self);
	ph_profile_weight_text(x->p, f->self, &weight);
	ph_cell_text(&c[COL_SELF_WEIGHT], "%s", weight.p);
	ph_buf_clear(&weight);
	ph_cell_u64(&c[COL_TOTAL_WEIGHT], f->total);
	ph_profile_weight_text(x->p, f->total, &weight);
	ph_cell_text(&c[COL_TOTAL_WEIGHT], "%s", weight.p);
	ph_cell_str(&c[COL_UNIT], unit_name(x->p));
	ph_cell_str(&c[COL_FUNCTION], f->func->name);
	ph_cell_str(&c[COL_MODULE], f->func->module[0] ? f->func->module : NULL);
	ph_cell_str(&c[COL_KIND], ph_frame_kind_name(f->func->kind));
	ph_owners_cell(&c[COL_CONTAINER], x->p, o, f->func);
}

/* With two profiles, how they differ is among what is shown. */
static void columns(struct ph_col mine[NCOLS], bool diff)
{
	memcpy(mine, cols, sizeof(cols));
	mine[COL_DIFF].hidden = mine[COL_DIFF_TOTAL].hidden = !diff;
}

int ph_export_top_check(const struct ph_table_fmt *fmt, bool diff, struct ph_err *err)
{
	struct ph_col mine[NCOLS];

	columns(mine, diff);
	return ph_table_check(fmt, mine, NCOLS, err);
}

void ph_export_top_schema(struct ph_buf *out)
{
	ph_table_schema(cols, NCOLS, out);
}

int ph_export_top(const struct ph_export *x, struct ph_buf *out, struct ph_err *err)
{
	struct ph_tree *tree = ph_tree_new(x->p, x->base, PH_TREE_HEAVIEST);
	ph_tree_funcs funcs = { 0 };
	struct ph_owners o = { 0 };
	struct ph_col mine[NCOLS];
	struct ph_table t;
	int r;

	columns(mine, x->base);
	ph_table_init(&t, mine, NCOLS);
	ph_tree_functions(tree, &funcs);
	if (ph_table_shows(&x->view.fmt, mine, NCOLS, COL_CONTAINER))
		ph_owners_find(x->p, &o);
	ph_vec_each(f, &funcs)
		add_row(&t, x, &o, f, tree->nodes.v[0].total);
	ph_shorten_column(&t, &x->view.fmt, COL_FUNCTION, x->view.width);
	r = ph_table_print(&t, &x->view.fmt, x->view.width, out, err);
	ph_owners_done(&o);
	ph_table_done(&t);
	ph_vec_done(&funcs);
	ph_tree_free(tree);
	return r;
}
