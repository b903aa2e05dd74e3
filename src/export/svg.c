/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flame graph as one SVG file. What is wide enough at first is drawn into it, for viewers without scripts; all functions are in
 * it as numbers and names, from which svg.js draws anew when somebody zooms. Names are XML's or JSON's text, never markup.
 */
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "export/svg_priv.h"
#include "svg.js.h"

#define CHAR_WIDTH 7.25
/* Without a script, narrower ones are not drawn; the script draws them when they are wide enough. */
#define STATIC_MIN 1.5

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
	svg_add_class_name(g->out, class);
	ph_buf_addf(g->out, "\" x=\"%.2f\" y=\"%u\" width=\"%.2f\" height=\"%d\" rx=\"1\"/>", x, SVG_TOP + row * SVG_ROW, w > 1 ? w - 0.5 : w, SVG_ROW - 1);
	if ((w - 6) / CHAR_WIDTH >= 3) {
		ph_buf_addf(g->out, "<text x=\"%.2f\" y=\"%u\">", x + 3, SVG_TOP + row * SVG_ROW + SVG_ROW - 5);
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
		container = svg_container_number(g, n->func->name);
	class = svg_class(g, at, container);
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
	ph_json_str(&j, "count", svg_count_name(p));
	ph_json_u64(&j, "total", g->t->nodes.v[0].total);
	ph_json_bool(&j, "icicle", g->x->icicle);
	ph_json_bool(&j, "base", g->x->base);
	ph_json_u64(&j, "row", SVG_ROW);
	ph_json_u64(&j, "top", SVG_TOP);
	ph_json_arr(&j, "classes");
	for (unsigned int i = 0; i < svg_classes(); i++) {
		ph_buf_clear(&text);
		svg_add_class_name(&text, i);
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

void ph_export_svg(const struct ph_export *x, struct ph_buf *out)
{
	struct ph_tree *t = ph_tree_new(x->p, x->base, PH_TREE_NAME);
	struct svg g = { .x = x, .t = t, .out = out };
	uint64_t all = t->nodes.v[0].total;
	ph_autobuf numbers = { 0 };

	g.most = x->base ? svg_greatest_change(t) : 0;
	g.scale = all ? (double)(SVG_WIDTH - 2 * SVG_MARGIN) / (double)all : 0;
	ph_vec_each(n, &t->nodes)
		if ((double)n->total * g.scale >= STATIC_MIN && n->depth > g.depth)
			g.depth = n->depth;
	svg_add_whose(x->p, &g.whose);
	svg_add_begin(&g, SVG_TOP + (g.depth + 1) * SVG_ROW + SVG_MARGIN);
	ph_buf_adds(out, "<g class=\"frames\">\n");
	add_branch(&g, &numbers, 0, SVG_MARGIN, 0);
	/* By now it is known what there is. */
	svg_add_head(&g);
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
