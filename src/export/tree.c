/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls as text: a line for each place where they fork. What all of it is called by, one after the other, is on that line.
 */
#include <inttypes.h>
#include <math.h>

#include "base/cleanup.h"
#include "export/parts.h"

#define ARROW " \xe2\x86\x92 "
#define ARROW_WIDTH 3
/* Stacks may be deeper than a terminal is wide. */
#define INDENT_MAX 60
/* Of what is no terminal: lines end there, and nothing is cut. */
#define WRAP 110
/* A line has at least so much room for names, and a name has so much where there are several. */
#define ROOM_MIN 24
#define NAME_MAX_CUT 40

struct printer {
	const struct ph_export *x;
	const struct ph_tree *t;
	struct ph_buf *out;
	uint64_t min;
};

/* A function; of one that calls itself, so many calls. */
struct link {
	const struct ph_tree_node *n;
	size_t times;
};

/* Functions that are on one line; or what stacks are divided by. */
struct chain {
	PH_VEC(struct link) v;
	bool group;
};

static uint64_t all_of(const struct ph_tree *t)
{
	return t->nodes.v[0].total;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static bool shown(const struct printer *pr, const struct ph_tree_node *n)
{
	uint64_t w = larger(n->total, n->base);

	return w && w >= pr->min;
}

static double percent(const struct printer *pr, uint64_t w)
{
	return all_of(pr->t) ? 100.0 * (double)w / (double)all_of(pr->t) : 0;
}

/* Does @n stand for what stacks are divided by, below @parent? (Also the reason of waits, which else is the innermost.) */
static bool is_group(const struct ph_tree_node *n, bool parent)
{
	return n->func->kind == PH_FRAME_GROUP || (parent && n->func->kind == PH_FRAME_WAIT);
}

/* ---- a line -------------------------------------------------------------------------------------------- */

static const char *place_of(const struct ph_tree_node *n)
{
	return ph_func_place(n->func, n->loc);
}

/* "malloc (libc.so.6)": the place where it is another one than @before's. */
static void add_name(const struct chain *ch, size_t i, const char *before, size_t width, struct ph_buf *out)
{
	const struct ph_tree_node *n = ch->v.v[i].n;
	const char *place = place_of(n);

	/* The kernel is told by the place. */
	ph_shorten(n->func->kind == PH_FRAME_KERNEL ? n->func->name : n->func->label, width, out);
	if (place[0] && n->func->named && strcmp(place, before)) {
		ph_buf_adds(out, " (");
		ph_buf_add_term(out, place, strlen(place));
		ph_buf_addc(out, ')');
	}
	if (ch->v.v[i].times > 1)
		ph_buf_addf(out, " \xc3\x97%zu", ch->v.v[i].times);
}

static size_t columns(const struct ph_buf *b)
{
	size_t bytes;

	return ph_display_width(b->p ? b->p : "", SIZE_MAX, &bytes);
}

/* The @front first and the @back last of the chain, each in at most @width columns; what is between is counted. */
static void join(const struct chain *ch, const char *place, size_t front, size_t back, size_t width, struct ph_buf *out)
{
	size_t n = ch->v.n, calls = 0;

	for (size_t i = front; i + back < n; i++)
		calls += ch->v.v[i].times;
	ph_buf_clear(out);
	for (size_t i = 0; i < n; i++) {
		if (i)
			ph_buf_adds(out, ch->group ? " / " : ARROW);
		if (i && i == front && front + back < n) {
			ph_buf_addf(out, "(%zu more)" ARROW, calls);
			i = n - back;
		}
		add_name(ch, i, place, width, out);
		place = place_of(ch->v.v[i].n);
	}
}

/* As much of it as there is room for: long names are cut somewhat before functions are left out, and as much as it takes after that. */
static void add_fitting(const struct chain *ch, const char *place, size_t room, struct ph_buf *out)
{
	size_t n = ch->v.n, keep = room / (ARROW_WIDTH + 1) < n ? room / (ARROW_WIDTH + 1) : n, name = SIZE_MAX;
	ph_autobuf line = { 0 };

	join(ch, place, keep / 2, keep - keep / 2, name, &line);
	while (columns(&line) > room && (keep > 2 || name > 1)) {
		if (name == SIZE_MAX)
			name = keep > 2 ? NAME_MAX_CUT : room;
		else if (keep > 2)
			keep--;
		else
			name--;
		join(ch, place, keep / 2, keep - keep / 2, name, &line);
	}
	ph_buf_adds(out, line.p);
	ph_buf_addc(out, '\n');
}

/* All of it; it goes on below. */
static void add_wrapped(const struct chain *ch, const char *place, size_t used, struct ph_buf *out)
{
	size_t at = used;

	for (size_t i = 0; i < ch->v.n; i++) {
		ph_autobuf name = { 0 };

		add_name(ch, i, place, SIZE_MAX, &name);
		place = place_of(ch->v.v[i].n);
		if (i && at + ARROW_WIDTH + columns(&name) > WRAP) {
			ph_buf_addf(out, "\n%*s", (int)used, "");
			at = used;
			ph_buf_adds(out, &(ch->group ? " / " : ARROW)[1]);
			at += ARROW_WIDTH - 1;
		} else if (i) {
			ph_buf_adds(out, ch->group ? " / " : ARROW);
			at += ARROW_WIDTH;
		}
		ph_buf_adds(out, name.p);
		at += columns(&name);
	}
	ph_buf_addc(out, '\n');
}

/* Figures and indentation; returns the columns. */
static size_t begin_line(const struct printer *pr, uint64_t total, uint64_t base, unsigned int indent)
{
	unsigned int blanks = 2 * indent < INDENT_MAX ? 2 * indent : INDENT_MAX;

	if (pr->x->view.width && blanks > pr->x->view.width / 2)
		blanks = pr->x->view.width / 2;
	ph_buf_addf(pr->out, "%5.1f %%", percent(pr, total));
	if (pr->x->base)
		ph_buf_addf(pr->out, "  %+6.1f", percent(pr, total) - percent(pr, base));
	ph_buf_addf(pr->out, "  %*s", (int)blanks, "");
	return 9 + (pr->x->base ? 8 : 0) + blanks;
}

static void add_line(const struct printer *pr, const struct chain *ch, unsigned int indent)
{
	const struct ph_tree_node *n = ch->v.v[0].n, *above = &pr->t->nodes.v[n->parent];
	const char *place = n->parent && above->loc ? place_of(above) : "";
	size_t used = begin_line(pr, n->total, n->base, indent), width = pr->x->view.width;

	if (width)
		add_fitting(ch, place, width > used + ROOM_MIN ? width - used : ROOM_MIN, pr->out);
	else
		add_wrapped(ch, place, used, pr->out);
}

/* ---- branches ------------------------------------------------------------------------------------------ */

/* The one child of which there is a line, 0: none, or several. */
static uint32_t only_child(const struct printer *pr, const struct ph_tree_node *n)
{
	uint32_t only = 0;

	for (uint32_t c = n->child; c; c = pr->t->nodes.v[c].next) {
		if (!shown(pr, &pr->t->nodes.v[c]))
			continue;
		if (only)
			return 0;
		only = c;
	}
	return only;
}

static bool same_function(const struct ph_func *a, const struct ph_func *b)
{
	return a == b || (a->kind == b->kind && !strcmp(a->name, b->name) && !strcmp(a->module, b->module));
}

/* Is what @n has and @c has not too little for a line? */
static bool alike(const struct printer *pr, const struct ph_tree_node *n, const struct ph_tree_node *c)
{
	uint64_t less = pr->min ? pr->min : 1;

	return n->total - c->total < less && n->base - c->base < less;
}

static void add_children(const struct printer *pr, const struct ph_tree_node *n, unsigned int indent, bool group);

/* What begins at @at, as far as there is one way to go, and what is below. */
static void add_branch(const struct printer *pr, uint32_t at, unsigned int indent, bool group)
{
	const struct ph_tree_node *first = &pr->t->nodes.v[at], *n = first;
	struct chain ch = { .group = is_group(first, group) };
	uint32_t c;

	*ph_vec_push(&ch.v) = (struct link){ first, 1 };
	while ((c = only_child(pr, n)) && alike(pr, first, &pr->t->nodes.v[c]) && is_group(&pr->t->nodes.v[c], ch.group) == ch.group) {
		n = &pr->t->nodes.v[c];
		if (!ch.group && same_function(n->func, ch.v.v[ch.v.n - 1].n->func))
			ch.v.v[ch.v.n - 1].times++;
		else
			*ph_vec_push(&ch.v) = (struct link){ n, 1 };
	}
	add_line(pr, &ch, indent);
	group = ch.group;
	ph_vec_done(&ch.v);
	add_children(pr, n, indent + 1, group);
}

static void add_children(const struct printer *pr, const struct ph_tree_node *n, unsigned int indent, bool group)
{
	uint64_t total = 0, base = 0;
	size_t more = 0, many = 0;

	for (uint32_t c = n->child; c; c = pr->t->nodes.v[c].next) {
		const struct ph_tree_node *child = &pr->t->nodes.v[c];

		if (shown(pr, child)) {
			add_branch(pr, c, indent, group);
			many++;
			continue;
		}
		more++;
		total += child->total;
		base += child->base;
	}
	/* Together they may be worth a line, where it else looks as if the others were all. */
	if (!many || !more || larger(total, base) < pr->min)
		return;
	begin_line(pr, total, base, indent);
	ph_buf_addf(pr->out, "(%zu more)\n", more);
}

void ph_export_tree(const struct ph_export *x, struct ph_buf *out)
{
	struct ph_tree *t = ph_tree_new(x->p, x->base, PH_TREE_HEAVIEST);
	struct printer pr = { .x = x, .t = t, .out = out, .min = (uint64_t)ceil(x->min * (double)all_of(t)) };

	ph_export_head(x, t, out);
	ph_buf_addf(out, "\nCalls, from the outermost: shares of the whole, of %g %% and more (--min)\n", 100 * x->min);
	add_children(&pr, &t->nodes.v[0], 0, true);
	ph_tree_free(t);
}
