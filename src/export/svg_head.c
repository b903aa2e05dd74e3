/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands above the functions of a flame graph: what it is of, what is no longer there, the search, what colours mean. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "analyze/words.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "export/svg_priv.h"

/* Functions that are gone, of those that are compared, are named. */
#define GONE_TOLD 5
/* So are the containers. */
#define WHOSE 4

const char *svg_count_name(const struct ph_profile *p)
{
	return p->opts.what == PH_PROFILE_EVENT ? "" : p->opts.what == PH_PROFILE_OFFCPU ? "waits" :
	       p->opts.what == PH_PROFILE_WALL ? "samples and waits" : "samples";
}

static void add_legend_item(struct ph_buf *out, double *x, const char *class, const char *text)
{
	size_t bytes;
	double w = 22 + (double)ph_display_width(text, SIZE_MAX, &bytes) * 6.6;

	if (*x + w > SVG_WIDTH - SVG_MARGIN)
		return;
	ph_buf_addf(out, "<g class=\"item\"><rect class=\"%s\" x=\"%.1f\" y=\"51\" width=\"11\" height=\"11\" rx=\"1\"/>"
		    "<text class=\"small\" x=\"%.1f\" y=\"61\">", class, *x, *x + 16);
	ph_buf_add_xml(out, text);
	ph_buf_adds(out, "</text></g>");
	*x += w + 8;
}

static void add_legend(struct svg *g)
{
	double x = SVG_MARGIN;
	char class[16];

	ph_buf_adds(g->out, "<g class=\"legend\">");
	if (g->x->base) {
		add_legend_item(g->out, &x, "d10", "more than before");
		add_legend_item(g->out, &x, "d0", "less than before");
	} else if (g->x->by_container) {
		for (unsigned int i = 0; i < g->containers.n && i < SVG_CONTAINERS; i++) {
			snprintf(class, sizeof(class), "c%u", i);
			add_legend_item(g->out, &x, class, g->containers.v[i]);
		}
	} else {
		for (unsigned int k = 0; k < PH_FRAME_KINDS; k++) {
			snprintf(class, sizeof(class), "k%u-1", k);
			if (g->used[k] && svg_kind_legend(k))
				add_legend_item(g->out, &x, class, svg_kind_legend(k));
		}
	}
	ph_buf_adds(g->out, "</g>\n");
}

/* " of web, db and 3 more": whose containers' stacks these are. */
void svg_add_whose(const struct ph_profile *p, struct ph_buf *out)
{
	ph_whose all = { 0 };

	ph_whose_get(p, &all);
	for (size_t i = 0; i < all.n && i < WHOSE; i++) {
		ph_buf_adds(out, i ? ", " : " of ");
		words_name(out, all.v[i].host ? "the host" : all.v[i].name);
	}
	if (all.n > WHOSE)
		ph_buf_addf(out, " and %zu more", all.n - WHOSE);
	ph_buf_adds(out, "");
	ph_whose_done(&all);
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
	ph_buf_addf(g->out, "<text class=\"title\" x=\"%d\" y=\"24\">", SVG_MARGIN);
	ph_buf_add_xml(g->out, text.p);
	ph_buf_addf(g->out, "</text>\n<text class=\"subtitle small\" x=\"%d\" y=\"42\">", SVG_MARGIN);
	ph_buf_clear(&text);
	if (svg_count_name(p)[0])
		ph_buf_addf(&text, "%" PRIu64 " %s in ", p->count, svg_count_name(p));
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

void svg_add_begin(struct svg *g, unsigned int height)
{
	ph_buf_addf(g->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\">\n<title>", SVG_WIDTH, height, SVG_WIDTH,
		    height);
	ph_buf_add_xml(g->out, ph_profile_what_text(g->x->p));
	ph_buf_add_xml(g->out, g->whose.p);
	ph_buf_adds(g->out, "</title>\n<style>"
		    "svg{background:#fff}.back{fill:#fff}text{font:12px ui-monospace,\"DejaVu Sans Mono\",Menlo,Consolas,monospace;fill:#000}"
		    ".title{font-size:17px;font-weight:bold}.small{font-size:11px}.f{cursor:pointer}.f text{pointer-events:none}"
		    ".f:hover rect{stroke:#000;stroke-width:.7}.f:focus{outline:none}.f:focus-visible rect{stroke:#00f;stroke-width:2}"
		    ".faded rect{opacity:.55}.hit{fill:#e600e6}input,button{font:12px sans-serif}"
		    "@media (prefers-color-scheme:dark){svg{background:#1b1b1d}.back{fill:#1b1b1d}text{fill:#eee}.f text{fill:#000}input,button{color-scheme:dark}.f:hover rect{stroke:#fff}}");
	svg_add_classes(g->out);
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
		    "<text class=\"details small\" x=\"%d\" y=\"%d\">", SVG_MARGIN, SVG_MARGIN, SVG_TOP - 6);
	ph_buf_add_xml(g->out, gone.p ? gone.p : "");
	ph_buf_adds(g->out, "</text>\n");
}

/* Over the functions, where the script has it follow. */
void svg_add_head(struct svg *g)
{
	ph_buf_addf(g->out, "</g>\n<g class=\"head\"><rect class=\"back\" width=\"%d\" height=\"%d\"/>\n", SVG_WIDTH, SVG_TOP - 2);
	add_titles(g);
	add_tools(g);
	add_legend(g);
	ph_buf_adds(g->out, "</g>\n");
}
