/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody in a hurry reads: how much it was, whose, in which functions, waiting for what, and what is missing of it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "analyze/words.h"
#include "base/cleanup.h"
#include "export/parts.h"

/* Together they leave room for the beginning of the tree on a screen. */
#define CONTAINERS 10
#define TASKS 3
#define WAITS 8
#define FUNCTIONS 8
/* With fewer samples a share says little. */
#define FEW 200

static double percent(uint64_t part, uint64_t all)
{
	return 100 * words_share(part, all);
}

static void set_weight(struct ph_cell *c, const struct ph_profile *p, uint64_t weight)
{
	ph_autobuf text = { 0 };

	ph_cell_u64(c, weight);
	if (p->unit == PH_PROFILE_COUNT)
		return;
	ph_profile_weight_text(p, weight, &text);
	ph_cell_text(c, "%s", text.p);
}

static const char *weight_head(const struct ph_profile *p)
{
	return p->unit == PH_PROFILE_NS ? "TIME" : p->unit == PH_PROFILE_CYCLES ? "CYCLES" : "TIMES";
}

/* Prints the first @max rows, and how many more there are; @more: " together", or where they are to be seen. */
static void print(struct ph_table *t, size_t max, unsigned int width, const char *more, struct ph_buf *out)
{
	struct ph_table_fmt fmt = { .max_entries = max };

	ph_table_print(t, &fmt, width, out, NULL);
	if (t->rows.n > max)
		ph_buf_addf(out, "(%zu more%s)\n", t->rows.n - max, more);
	ph_table_done(t);
}

/* ---- how much ------------------------------------------------------------------------------------------ */

static double seconds(const struct ph_profile *p)
{
	return (double)(p->end_ns - p->begin_ns) / 1e9;
}

static void add_counts(const struct ph_profile *p, struct ph_buf *out)
{
	uint64_t waits = 0;

	ph_vec_each(r, &p->rows)
		waits += r->reason ? r->count : 0;
	if (p->count > waits)
		ph_buf_addf(out, "%" PRIu64 " sample%s", p->count - waits, p->count - waits == 1 ? "" : "s");
	if (waits)
		ph_buf_addf(out, "%s%" PRIu64 " wait%s", p->count > waits ? ", " : "", waits, waits == 1 ? "" : "s");
}

static void add_how_much(const struct ph_export *x, struct ph_buf *out)
{
	const struct ph_profile *p = x->p;
	double s = seconds(p);

	if (p->unit == PH_PROFILE_COUNT) {
		ph_buf_addf(out, "%s came ", ph_profile_what_text(p));
		ph_profile_weight_text(p, p->weight, out);
		ph_buf_addf(out, " in %.1f s", s);
		if (s > 0)
			ph_buf_addf(out, ", %.4g a second", (double)p->count / s);
		ph_buf_addc(out, '\n');
	} else {
		ph_profile_weight_text(p, p->weight, out);
		ph_buf_addf(out, " of %s in %.1f s", ph_profile_what_text(p), s);
		if (p->opts.what == PH_PROFILE_CPU && p->unit == PH_PROFILE_NS && s > 0) {
			ph_buf_adds(out, ", ");
			words_cpus(out, (double)p->weight / 1e9 / s);
		}
		ph_buf_adds(out, ": ");
		add_counts(p, out);
		ph_buf_addc(out, '\n');
	}
	if (x->base) {
		ph_buf_adds(out, "compared with ");
		ph_profile_weight_text(x->base, x->base->weight, out);
		ph_buf_addf(out, " in %.1f s: ± is by how much of the whole a share has changed\n", seconds(x->base));
	}
}

/* ---- whose --------------------------------------------------------------------------------------------- */

static void set_tasks(struct ph_cell *cell, const struct ph_whose_container *c, uint64_t all)
{
	ph_autobuf text = { 0 };

	for (size_t i = 0; i < c->tasks.n && i < TASKS; i++) {
		ph_buf_addf(&text, "%s%s", i ? ", " : "", c->tasks.v[i].of);
		if (c->tasks.n > 1)
			ph_buf_addf(&text, " %.1f", percent(c->tasks.v[i].weight, all));
	}
	if (c->tasks.n > TASKS)
		ph_buf_addf(&text, ", %zu more", c->tasks.n - TASKS);
	ph_cell_str(cell, text.p);
}

static void add_containers(const struct ph_export *x, const ph_whose *whose, struct ph_buf *out)
{
	enum { SHARE, WEIGHT, NAME, IMAGE, TASK, N };
	struct ph_col cols[N] = {
		[SHARE] = { "SHARE%", "share_percent", PH_COL_F64 }, [WEIGHT] = { weight_head(x->p), "weight", PH_COL_U64 },
		[NAME] = { "CONTAINER", "container", PH_COL_STR }, [IMAGE] = { "IMAGE", "image", PH_COL_STR, .hidden = true },
		[TASK] = { "TASKS", "tasks", PH_COL_STR },
	};
	ph_autobuf more = { 0 };
	uint64_t rest = 0;
	struct ph_table t;

	ph_vec_each(c, whose)
		if (c->image)
			cols[IMAGE].hidden = false;
	ph_table_init(&t, cols, N);
	ph_vec_each(c, whose) {
		struct ph_cell *row = ph_table_row(&t);

		ph_cell_f64(&row[SHARE], percent(c->weight, x->p->weight));
		set_weight(&row[WEIGHT], x->p, c->weight);
		ph_cell_str(&row[NAME], c->name);
		ph_cell_str(&row[IMAGE], c->image);
		set_tasks(&row[TASK], c, x->p->weight);
		rest += t.rows.n > CONTAINERS ? c->weight : 0;
	}
	ph_buf_addf(&more, ", together %.1f %%", percent(rest, x->p->weight));
	ph_buf_addc(out, '\n');
	print(&t, CONTAINERS, x->view.width, more.p, out);
}

/* ---- waiting for what ---------------------------------------------------------------------------------- */

struct wait {
	uint32_t container, reason, waker;
	uint64_t weight, count;
};
typedef PH_VEC(struct wait) waits;

static int heaviest_wait(const void *pa, const void *pb)
{
	const struct wait *a = pa, *b = pb;

	return a->weight != b->weight ? a->weight > b->weight ? -1 : 1 : memcmp(a, b, offsetof(struct wait, weight));
}

static void sum_waits(const struct ph_profile *p, waits *out)
{
	struct ph_u64map known = { 0 };

	ph_vec_each(r, &p->rows) {
		struct wait w = { .container = p->actors.v[r->actor].container, .reason = r->reason, .waker = r->waker };
		uint64_t key = ph_hash(PH_HASH_INIT, &w, offsetof(struct wait, weight));
		uintptr_t have = (uintptr_t)ph_u64map_get(&known, key);

		if (!have) {
			*ph_vec_push(out) = w;
			have = out->n;
			ph_u64map_put(&known, key, (void *)have);
		}
		out->v[have - 1].weight += r->weight;
		out->v[have - 1].count += r->count;
	}
	if (out->n)
		qsort(out->v, out->n, sizeof(out->v[0]), heaviest_wait);
	ph_u64map_done(&known);
}

static void add_waits(const struct ph_export *x, bool several, struct ph_buf *out)
{
	enum { SHARE, WEIGHT, COUNT, NAME, FOR, BY, N };
	struct ph_col cols[N] = {
		[SHARE] = { "SHARE%", "share_percent", PH_COL_F64 }, [WEIGHT] = { "TIME", "weight", PH_COL_U64 },
		[COUNT] = { "TIMES", "count", PH_COL_U64 }, [NAME] = { "CONTAINER", "container", PH_COL_STR, .hidden = !several },
		[FOR] = { "FOR", "for", PH_COL_STR }, [BY] = { "ENDED-BY", "ended_by", PH_COL_STR },
	};
	const struct ph_profile *p = x->p;
	waits v = { 0 };
	struct ph_table t;

	sum_waits(p, &v);
	ph_table_init(&t, cols, N);
	ph_vec_each(w, &v) {
		struct ph_cell *row = ph_table_row(&t);

		ph_cell_f64(&row[SHARE], percent(w->weight, p->weight));
		set_weight(&row[WEIGHT], p, w->weight);
		if (w->reason)
			ph_cell_u64(&row[COUNT], w->count);
		ph_cell_str(&row[NAME], ph_profile_container(p, w->container));
		ph_cell_str(&row[FOR], w->reason ? ph_profile_func(p, w->reason)->name : "(on a CPU)");
		ph_cell_str(&row[BY], w->waker ? ph_profile_func(p, w->waker)->name : NULL);
	}
	ph_buf_adds(out, "\nWhat was waited for:\n");
	print(&t, WAITS, x->view.width, "", out);
	ph_vec_done(&v);
}

/* ---- in which functions -------------------------------------------------------------------------------- */

static int most_changed_first(const void *pa, const void *pb)
{
	const struct ph_tree_func *a = pa, *b = pb;
	double da = fabs((double)a->self - (double)a->base_self), db = fabs((double)b->self - (double)b->base_self);

	return da != db ? da > db ? -1 : 1 : strcmp(a->func->label, b->func->label);
}

static void add_functions(const struct ph_export *x, const struct ph_tree *tree, bool several, struct ph_buf *out)
{
	enum { SELF, DIFF, TOTAL, NAME, PLACE, FUNCTION, N };
	const struct ph_col cols[N] = {
		[SELF] = { "SELF%", "self_percent", PH_COL_F64 }, [DIFF] = { "±SELF", "self_change", PH_COL_F64, .hidden = !x->base },
		[TOTAL] = { "TOTAL%", "total_percent", PH_COL_F64 }, [NAME] = { "CONTAINER", "container", PH_COL_STR, .hidden = !several },
		[PLACE] = { "IN", "in", PH_COL_STR }, [FUNCTION] = { "FUNCTION", "function", PH_COL_STR },
	};
	uint64_t all = tree->nodes.v[0].total;
	struct ph_table_fmt fmt = { 0 };
	ph_tree_funcs funcs = { 0 };
	struct ph_owners o = { 0 };
	struct ph_table t;
	size_t n = 0;

	ph_tree_functions(tree, &funcs);
	if (x->base)
		qsort(funcs.v, funcs.n, sizeof(funcs.v[0]), most_changed_first);
	if (several)
		ph_owners_find(x->p, &o);
	ph_table_init(&t, cols, N);
	ph_vec_each(f, &funcs) {
		struct ph_cell *row;

		if (!f->self && !f->base_self)
			continue;
		/* What is not shown is counted alone. */
		row = ph_table_row(&t);
		if (n++ >= FUNCTIONS)
			continue;
		ph_cell_f64(&row[SELF], percent(f->self, all));
		ph_cell_f64(&row[DIFF], percent(f->self, all) - percent(f->base_self, all));
		ph_cell_f64(&row[TOTAL], percent(f->total, all));
		if (several)
			ph_owners_cell(&row[NAME], x->p, &o, f->func);
		ph_cell_str(&row[PLACE], ph_func_place(f->func, f->loc)[0] ? ph_func_place(f->func, f->loc) : NULL);
		ph_cell_str(&row[FUNCTION], f->func->name);
	}
	ph_shorten_column(&t, &fmt, FUNCTION, x->view.width);
	ph_buf_adds(out, x->base ? "\nFunctions whose own share has changed most (TOTAL: with what they call):\n" :
		    "\nFunctions by their own share (TOTAL: with what they call):\n");
	print(&t, FUNCTIONS, x->view.width, ": -o top", out);
	ph_owners_done(&o);
	ph_vec_done(&funcs);
}

/* ---- what is missing ----------------------------------------------------------------------------------- */

/* Goes on below where it is longer than the terminal is wide. */
static void add_words(const char *text, unsigned int width, struct ph_buf *out)
{
	size_t at = 0, bytes;

	while (*text) {
		size_t n = strcspn(text, " "), columns;
		ph_autofree char *word = ph_strndup(text, n);

		columns = ph_display_width(word, SIZE_MAX, &bytes);
		if (at && width && at + 1 + columns > width) {
			ph_buf_adds(out, "\n    ");
			at = 4;
		} else if (at) {
			ph_buf_addc(out, ' ');
			at++;
		}
		ph_buf_adds(out, word);
		at += columns;
		text += n + (text[n] == ' ');
	}
	ph_buf_addc(out, '\n');
}

static void add_note(const struct ph_export *x, const char *note, struct ph_buf *out)
{
	/* (What belongs to the note above begins with blanks.) */
	ph_autofree char *text = ph_asprintf("%s%s", *note == ' ' ? "- " : "note: ", note + strspn(note, " "));

	add_words(text, x->view.width, out);
}

static void add_notes(const struct ph_export *x, struct ph_buf *out)
{
	const struct ph_profile *p = x->p;
	ph_autobuf text = { 0 }, notes = { 0 };

	if (p->gaps) {
		ph_buf_addf(&text, "%" PRIu64 " event%s lost in %" PRIu64 " gap%s, samples among them", p->lost, p->lost == 1 ? " was" : "s were",
			    p->gaps, p->gaps == 1 ? "" : "s");
		add_note(x, text.p, &notes);
		ph_buf_clear(&text);
	}
	if (p->opts.what == PH_PROFILE_CPU && p->count < FEW) {
		ph_buf_addf(&text, "of so few samples a share of 10 %% is 10 ± %.0f %%; longer, or with a higher -F, there are more",
			    round(200 * sqrt(0.1 * 0.9 / (double)p->count)));
		add_note(x, text.p, &notes);
		ph_buf_clear(&text);
	}
	for (unsigned int i = 0; ph_profile_note(p, i, &text); i++) {
		add_note(x, text.p, &notes);
		ph_buf_clear(&text);
	}
	if (notes.len) {
		ph_buf_addc(out, '\n');
		ph_buf_add(out, notes.p, notes.len);
	}
}

void ph_export_head(const struct ph_export *x, const struct ph_tree *t, struct ph_buf *out)
{
	enum ph_profile_what what = x->p->opts.what;
	ph_whose whose = { 0 };

	ph_whose_get(x->p, &whose);
	add_how_much(x, out);
	add_containers(x, &whose, out);
	if (what == PH_PROFILE_OFFCPU || what == PH_PROFILE_WALL)
		add_waits(x, whose.n > 1, out);
	if (what != PH_PROFILE_OFFCPU)
		add_functions(x, t, whose.n > 1, out);
	add_notes(x, out);
	ph_whose_done(&whose);
}
