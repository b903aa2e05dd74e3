/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flame graph as one SVG file. What is wide enough at first is drawn into it, for viewers without scripts; all functions are in
 * it as numbers and names, from which svg.js draws anew when somebody zooms. Names are XML's or JSON's text, never markup.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "export/export.h"
#include "svg.js.h"

#define WIDTH 1200
#define MARGIN 10
#define ROW 17
#define TOP 108
#define CHAR_WIDTH 7.25
/* Without a script, narrower ones are not drawn; the script draws them when they are wide enough. */
#define STATIC_MIN 1.5

#define SHADES 4
#define CONTAINERS 24
#define STEPS 5
/* Functions that are gone, of those that are compared, are named. */
#define GONE_TOLD 5
/* So are the containers. */
#define WHOSE 4

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

/* ---- text ---------------------------------------------------------------------------------------------- */

/* JSON that nothing in XML can take for markup, nor for the end of what it stands in. */
static void add_json(struct ph_buf *out, const struct ph_buf *json)
{
	for (size_t i = 0; i < json->len; i++) {
		if (strchr("<>&", json->p[i]) && json->p[i])
			ph_buf_addf(out, "\\u%04x", (unsigned int)json->p[i]);
		else
			ph_buf_addc(out, json->p[i]);
	}
}

/* The first @max characters of @s, with a mark where that is not all of it. */
static void add_cut(struct ph_buf *out, const char *s, size_t max)
{
	ph_autobuf safe = { 0 };
	size_t bytes = 0;

	ph_buf_add_term(&safe, s, strlen(s));
	if (!safe.len)
		return;
	if (ph_display_width(safe.p, SIZE_MAX, &bytes) > max) {
		ph_display_width(safe.p, max - 1, &bytes);
		safe.len = bytes;
		safe.p[bytes] = 0;
		ph_buf_adds(&safe, "…");
	}
	ph_buf_add_xml(out, safe.p);
}

/* ---- colours ------------------------------------------------------------------------------------------- */

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
static void add_classes(struct ph_buf *out)
{
	for (unsigned int k = 0; k < PH_FRAME_KINDS; k++)
		for (unsigned int s = 0; s < SHADES; s++)
			ph_buf_addf(out, ".k%u-%u{fill:hsl(%u,%u%%,%u%%)}", k, s, hues[k].h + (hues[k].s ? 3 * s : 0), hues[k].s,
				    hues[k].l + 3 * s);
	for (unsigned int i = 0; i < CONTAINERS; i++)
		ph_buf_addf(out, ".c%u{fill:hsl(%u,60%%,%u%%)}", i, (unsigned int)(i * 137.508) % 360, 68 + 5 * (i % 3));
	for (int i = -STEPS; i <= STEPS; i++)
		ph_buf_addf(out, ".d%d{fill:hsl(%u,%u%%,%u%%)}", i + STEPS, i < 0 ? 214 : 4, i ? 75 : 0, 92 - 7 * (unsigned int)abs(i));
}

static unsigned int container_number(struct svg *g, const char *name)
{
	for (unsigned int i = 0; i < g->containers.n; i++)
		if (!strcmp(g->containers.v[i], name))
			return i;
	*ph_vec_push(&g->containers) = name;
	return (unsigned int)g->containers.n - 1;
}

/* The number of the class, as names of classes are told to the script. */
static unsigned int class_of(struct svg *g, uint32_t at, unsigned int container)
{
	const struct ph_tree_node *n = &g->t->nodes.v[at];
	const struct ph_func *f = n->func;
	double all = (double)g->t->nodes.v[0].total, change = all ? ((double)n->total - (double)n->base) / all : 0;

	if (g->x->base) {
		double part = g->most > 0 ? sqrt(fabs(change) / g->most) : 0;
		int step = (int)lround((change < 0 ? -part : part) * STEPS);

		return PH_FRAME_KINDS * SHADES + CONTAINERS + (unsigned int)(step + STEPS);
	}
	if (g->x->by_container && at)
		return PH_FRAME_KINDS * SHADES + container % CONTAINERS;
	return f->kind * SHADES + (unsigned int)(ph_hash(PH_HASH_INIT, f->name, strlen(f->name)) >> 8) % SHADES;
}

static void add_class_name(struct ph_buf *out, unsigned int class)
{
	unsigned int kinds = PH_FRAME_KINDS * SHADES;

	if (class < kinds)
		ph_buf_addf(out, "k%u-%u", class / SHADES, class % SHADES);
	else if (class < kinds + CONTAINERS)
		ph_buf_addf(out, "c%u", class - kinds);
	else
		ph_buf_addf(out, "d%u", class - kinds - CONTAINERS);
}

static double greatest_change(const struct ph_tree *t)
{
	double most = 0, all = (double)t->nodes.v[0].total;

	ph_vec_each(n, &t->nodes)
		if (all && fabs((double)n->total - (double)n->base) / all > most)
			most = fabs((double)n->total - (double)n->base) / all;
	return most;
}

/* ---- functions ----------------------------------------------------------------------------------------- */

static const char *label_of(const struct ph_tree_node *n, uint32_t at)
{
	return at ? n->func->label : "all";
}

static uintptr_t name_of(struct svg *g, uint32_t at)
{
	const struct ph_tree_node *n = &g->t->nodes.v[at];
	ph_autofree char *key = ph_asprintf("%s\n%s", n->func->module, label_of(n, at));
	uintptr_t have = (uintptr_t)ph_strmap_get(&g->names, key);

	if (have)
		return have - 1;
	*ph_vec_push(&g->funcs) = at ? n->func : NULL;
	ph_strmap_put(&g->names, key, (void *)g->funcs.n);
	return g->funcs.n - 1;
}

static const char *count_name(const struct ph_profile *p)
{
	return p->opts.what == PH_PROFILE_EVENT ? "" : p->opts.what == PH_PROFILE_OFFCPU ? "waits" :
	       p->opts.what == PH_PROFILE_WALL ? "samples and waits" : "samples";
}

static void add_frame(struct svg *g, uint32_t at, double x, double w, unsigned int class)
{
	const struct ph_tree_node *n = &g->t->nodes.v[at];
	uint32_t row = g->x->icicle ? n->depth : g->depth - n->depth;
	double all = (double)g->t->nodes.v[0].total;
	ph_autobuf weight = { 0 };

	ph_buf_adds(g->out, "<g class=\"f\"><title>");
	ph_buf_add_xml(g->out, label_of(n, at));
	ph_profile_weight_text(g->x->p, n->total, &weight);
	ph_buf_addf(g->out, ": %.2f %%, %s</title><rect class=\"", all ? 100 * (double)n->total / all : 0, weight.p);
	add_class_name(g->out, class);
	ph_buf_addf(g->out, "\" x=\"%.2f\" y=\"%u\" width=\"%.2f\" height=\"%d\" rx=\"1\"/>", x, TOP + row * ROW, w > 1 ? w - 0.5 : w, ROW - 1);
	if ((w - 6) / CHAR_WIDTH >= 3) {
		ph_buf_addf(g->out, "<text x=\"%.2f\" y=\"%u\">", x + 3, TOP + row * ROW + ROW - 5);
		add_cut(g->out, label_of(n, at), (size_t)((w - 6) / CHAR_WIDTH));
		ph_buf_adds(g->out, "</text>");
	}
	ph_buf_adds(g->out, "</g>\n");
}

/* Draws what is wide enough into the document, and writes all of it down as numbers. */
static void add_branch(struct svg *g, struct ph_buf *numbers, uint32_t at, double x, unsigned int container)
{
	const struct ph_tree_node *n = &g->t->nodes.v[at];
	double w = (double)n->total * g->scale;
	unsigned int class;

	if (!n->total)
		return;
	if (g->x->by_container && n->depth == 1)
		container = container_number(g, n->func->name);
	class = class_of(g, at, container);
	g->used[n->func->kind] |= at;
	ph_buf_addf(numbers, "%s%u,%zu,%u,%" PRIu64 ",%" PRIu64, at ? "," : "", n->depth, (size_t)name_of(g, at), class, n->total, n->count);
	if (g->x->base)
		ph_buf_addf(numbers, ",%" PRIu64, n->base);
	if (w >= STATIC_MIN)
		add_frame(g, at, x, w, class);
	for (uint32_t c = n->child; c; c = g->t->nodes.v[c].next) {
		add_branch(g, numbers, c, x, container);
		x += (double)g->t->nodes.v[c].total * g->scale;
	}
}

/* ---- the document -------------------------------------------------------------------------------------- */

static void add_data(struct svg *g, const struct ph_buf *numbers)
{
	const struct ph_profile *p = g->x->p;
	ph_autobuf json = { 0 }, text = { 0 };
	struct ph_json j = { .out = &json };

	ph_json_obj(&j, NULL);
	ph_json_str(&j, "unit", p->unit == PH_PROFILE_NS ? "ns" : p->unit == PH_PROFILE_CYCLES ? "cycles" : "events");
	ph_json_str(&j, "count", count_name(p));
	ph_json_u64(&j, "total", g->t->nodes.v[0].total);
	ph_json_bool(&j, "icicle", g->x->icicle);
	ph_json_bool(&j, "base", g->x->base);
	ph_json_u64(&j, "row", ROW);
	ph_json_u64(&j, "top", TOP);
	ph_json_arr(&j, "classes");
	for (unsigned int i = 0; i < PH_FRAME_KINDS * SHADES + CONTAINERS + 2 * STEPS + 1; i++) {
		ph_buf_clear(&text);
		add_class_name(&text, i);
		ph_json_str(&j, NULL, text.p);
	}
	ph_json_arr_end(&j);
	for (unsigned int what = 0; what < 2; what++) {
		ph_json_arr(&j, what ? "modules" : "names");
		ph_vec_each(f, &g->funcs) {
			ph_buf_clear(&text);
			if (*f)
				ph_buf_add_term(&text, what ? (*f)->module : (*f)->label, strlen(what ? (*f)->module : (*f)->label));
			else
				ph_buf_adds(&text, what ? "" : "all");
			ph_json_str(&j, NULL, text.p ? text.p : "");
		}
		ph_json_arr_end(&j);
	}
	ph_json_obj_end(&j);
	json.len--;	/* its bracket: the numbers are the last in it */
	ph_buf_adds(g->out, "<metadata class=\"data\">");
	add_json(g->out, &json);
	ph_buf_adds(g->out, ",\"nodes\":[");
	ph_buf_add(g->out, numbers->p, numbers->len);
	ph_buf_adds(g->out, "]}</metadata>\n");
}

static void add_legend_item(struct ph_buf *out, double *x, const char *class, const char *text)
{
	size_t bytes;
	double w = 22 + (double)ph_display_width(text, SIZE_MAX, &bytes) * 6.6;

	if (*x + w > WIDTH - MARGIN)
		return;
	ph_buf_addf(out, "<g class=\"item\"><rect class=\"%s\" x=\"%.1f\" y=\"51\" width=\"11\" height=\"11\" rx=\"1\"/>"
		    "<text class=\"small\" x=\"%.1f\" y=\"61\">", class, *x, *x + 16);
	ph_buf_add_xml(out, text);
	ph_buf_adds(out, "</text></g>");
	*x += w + 8;
}

static void add_legend(struct svg *g)
{
	double x = MARGIN;
	char class[16];

	ph_buf_adds(g->out, "<g class=\"legend\">");
	if (g->x->base) {
		add_legend_item(g->out, &x, "d10", "more than before");
		add_legend_item(g->out, &x, "d0", "less than before");
	} else if (g->x->by_container) {
		for (unsigned int i = 0; i < g->containers.n && i < CONTAINERS; i++) {
			snprintf(class, sizeof(class), "c%u", i);
			add_legend_item(g->out, &x, class, g->containers.v[i]);
		}
	} else {
		for (unsigned int k = 0; k < PH_FRAME_KINDS; k++) {
			snprintf(class, sizeof(class), "k%u-1", k);
			if (g->used[k] && hues[k].legend)
				add_legend_item(g->out, &x, class, hues[k].legend);
		}
	}
	ph_buf_adds(g->out, "</g>\n");
}

struct share {
	const char *of;
	uint64_t weight;
};

static int heaviest_first(const void *pa, const void *pb)
{
	const struct share *a = pa, *b = pb;

	return a->weight != b->weight ? a->weight > b->weight ? -1 : 1 : strcmp(a->of, b->of);
}

/* " of web, db and 3 more": whose containers' stacks these are. */
static void add_whose(const struct ph_profile *p, struct ph_buf *out)
{
	struct ph_strmap at = { 0 };	/* of each container, its number in `all` and 1 */
	PH_VEC(struct share) all = { 0 };

	ph_vec_each(r, &p->rows) {
		uint32_t container = p->actors.v[r->actor].container;
		const char *of = container == PH_CONTAINER_HOST ? "the host" : ph_container_label(p->id, container);
		uintptr_t have = (uintptr_t)ph_strmap_get(&at, of);

		if (!have) {
			*ph_vec_push(&all) = (struct share){ .of = of };
			have = all.n;
			ph_strmap_put(&at, of, (void *)have);
		}
		all.v[have - 1].weight += r->weight;
	}
	if (all.n)
		qsort(all.v, all.n, sizeof(all.v[0]), heaviest_first);
	for (size_t i = 0; i < all.n && i < WHOSE; i++) {
		ph_buf_adds(out, i ? ", " : " of ");
		ph_buf_add_term(out, all.v[i].of, strlen(all.v[i].of));
	}
	if (all.n > WHOSE)
		ph_buf_addf(out, " and %zu more", all.n - WHOSE);
	ph_buf_adds(out, "");
	ph_strmap_done(&at);
	ph_vec_done(&all);
}

/* With its zone: the picture may be looked at elsewhere. */
static void add_date(struct ph_buf *out, uint64_t ns)
{
	time_t when = (time_t)(ns / PH_NSEC);
	struct tm tm = { 0 };
	char text[48];

	gmtime_r(&when, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm);
	ph_buf_adds(out, text);
}

static void add_titles(struct svg *g)
{
	const struct ph_profile *p = g->x->p;
	ph_autobuf text = { 0 };

	ph_profile_weight_text(p, p->weight, &text);
	ph_buf_addf(&text, " of %s%s", ph_profile_what_text(p), g->whose.p);
	ph_buf_addf(g->out, "<text class=\"title\" x=\"%d\" y=\"24\">", MARGIN);
	ph_buf_add_xml(g->out, text.p);
	ph_buf_addf(g->out, "</text>\n<text class=\"subtitle small\" x=\"%d\" y=\"42\">", MARGIN);
	ph_buf_clear(&text);
	if (count_name(p)[0])
		ph_buf_addf(&text, "%" PRIu64 " %s in ", p->count, count_name(p));
	ph_buf_addf(&text, "%.1f s from ", (double)(p->end_ns - p->begin_ns) / 1e9);
	add_date(&text, p->begin_ns + (uint64_t)g->x->view.offset_ns);
	if (g->x->hostname && g->x->hostname[0])
		ph_buf_addf(&text, " on %s", g->x->hostname);
	if (g->x->base) {
		ph_buf_adds(&text, ", compared with ");
		ph_profile_weight_text(g->x->base, g->x->base->weight, &text);
		ph_buf_adds(&text, " before, of which each share is shown; widths are as they are now");
	}
	ph_buf_add_xml(g->out, text.p);
	ph_buf_adds(g->out, "</text>\n");
}

static void add_begin(struct svg *g, unsigned int height)
{
	ph_buf_addf(g->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\">\n<title>", WIDTH, height, WIDTH,
		    height);
	ph_buf_add_xml(g->out, ph_profile_what_text(g->x->p));
	ph_buf_add_xml(g->out, g->whose.p);
	ph_buf_adds(g->out, "</title>\n<style>"
		    "svg{background:#fff}.back{fill:#fff}text{font:12px ui-monospace,\"DejaVu Sans Mono\",Menlo,Consolas,monospace;fill:#000}"
		    ".title{font-size:17px;font-weight:bold}.small{font-size:11px}.f{cursor:pointer}.f text{pointer-events:none}"
		    ".f:hover rect{stroke:#000;stroke-width:.7}.f:focus{outline:none}.f:focus-visible rect{stroke:#00f;stroke-width:2}"
		    ".faded rect{opacity:.55}.hit{fill:#e600e6}input,button{font:12px sans-serif}"
		    "@media (prefers-color-scheme:dark){svg{background:#1b1b1d}.back{fill:#1b1b1d}text{fill:#eee}.f text{fill:#000}input,button{color-scheme:dark}.f:hover rect{stroke:#fff}}");
	add_classes(g->out);
	ph_buf_adds(g->out, "</style>\n");
}

static int largest_before_first(const void *pa, const void *pb)
{
	const struct ph_tree_node *a = *(const struct ph_tree_node *const *)pa, *b = *(const struct ph_tree_node *const *)pb;

	return a->base > b->base ? -1 : a->base < b->base;
}

/* What was there before and has no width now: the calls that are gone, each with all that was above it. */
static void add_gone(const struct svg *g, struct ph_buf *out)
{
	PH_VEC(const struct ph_tree_node *) gone = { 0 };
	double all = (double)g->t->nodes.v[0].total, sum = 0;

	ph_vec_each(n, &g->t->nodes)
		if (g->x->base && n->depth && !n->total && n->base && g->t->nodes.v[n->parent].total) {
			*ph_vec_push(&gone) = n;
			sum += (double)n->base;
		}
	if (gone.n && all) {
		qsort(gone.v, gone.n, sizeof(gone.v[0]), largest_before_first);
		ph_buf_addf(out, "No longer there: %.1f %% of before", 100 * sum / all);
		for (size_t i = 0; i < gone.n && i < GONE_TOLD; i++)
			ph_buf_addf(out, "%s %s %.1f %%", i ? "," : ":", gone.v[i]->func->label, 100 * (double)gone.v[i]->base / all);
		if (gone.n > GONE_TOLD)
			ph_buf_addf(out, ", and %zu more", gone.n - GONE_TOLD);
	}
	ph_vec_done(&gone);
}

/* What only somebody with a script can use is not shown without. */
static void add_tools(struct svg *g)
{
	ph_autobuf gone = { 0 };

	add_gone(g, &gone);
	ph_buf_addf(g->out, "<foreignObject class=\"tools\" x=\"%d\" y=\"68\" width=\"420\" height=\"24\" display=\"none\">"
		    "<div xmlns=\"http://www.w3.org/1999/xhtml\"><input class=\"input\" type=\"search\" size=\"28\" "
		    "aria-label=\"Search functions, a regular expression\" placeholder=\"Search: / (regular expression)\"/> "
		    "<button class=\"reset\" type=\"button\" disabled=\"disabled\">Reset zoom</button></div></foreignObject>\n"
		    "<text class=\"found small\" x=\"330\" y=\"84\" aria-live=\"polite\"></text>\n"
		    "<text class=\"details small\" x=\"%d\" y=\"%d\">", MARGIN, MARGIN, TOP - 6);
	ph_buf_add_xml(g->out, gone.p ? gone.p : "");
	ph_buf_adds(g->out, "</text>\n");
}

void ph_export_svg(const struct ph_export *x, struct ph_buf *out)
{
	struct ph_tree *t = ph_tree_new(x->p, x->base, PH_TREE_NAME);
	struct svg g = { .x = x, .t = t, .out = out };
	uint64_t all = t->nodes.v[0].total;
	ph_autobuf numbers = { 0 };

	g.most = x->base ? greatest_change(t) : 0;
	g.scale = all ? (double)(WIDTH - 2 * MARGIN) / (double)all : 0;
	ph_vec_each(n, &t->nodes)
		if ((double)n->total * g.scale >= STATIC_MIN && n->depth > g.depth)
			g.depth = n->depth;
	add_whose(x->p, &g.whose);
	add_begin(&g, TOP + (g.depth + 1) * ROW + MARGIN);
	ph_buf_adds(out, "<g class=\"frames\">\n");
	add_branch(&g, &numbers, 0, MARGIN, 0);
	/* Over the functions, where the script has it follow. By now it is known what there is. */
	ph_buf_addf(out, "</g>\n<g class=\"head\"><rect class=\"back\" width=\"%d\" height=\"%d\"/>\n", WIDTH, TOP - 2);
	add_titles(&g);
	add_tools(&g);
	add_legend(&g);
	ph_buf_adds(out, "</g>\n");
	add_data(&g, &numbers);
	ph_buf_adds(out, "<script><![CDATA[\n");
	ph_buf_add(out, svg_js, sizeof(svg_js));
	ph_buf_adds(out, "]]></script>\n</svg>\n");
	ph_buf_done(&g.whose);
	ph_strmap_done(&g.names);
	ph_vec_done(&g.funcs);
	ph_vec_done(&g.containers);
	ph_tree_free(t);
}
