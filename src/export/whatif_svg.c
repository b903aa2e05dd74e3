/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long the container or its requests would have taken, over its CPU limit: a curve a figure, as one SVG picture. */
#include <math.h>
#include <stdlib.h>

#include "analyze/whatif_report.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "export/export.h"

#define LEFT 90
#define PLOT_W 640
#define PLOT_H 320
#define TOP 56
#define RIGHT 110
#define BELOW 50
#define LINES 4			/* across the plot */

struct curve {
	const char *name, *colour;
	size_t of;		/* in struct ph_whatif_outcome */
};

struct picture {
	const struct ph_whatif_report *r;
	struct ph_buf *out;
	double most_cpus, width;	/* the largest limit, and how far from the left it is */
	bool unlimited;			/* what has no limit is at the right end, behind it */
	uint64_t most_ns;
};

#define OF(field) offsetof(struct ph_whatif_outcome, field)

static const struct curve of_job[] = { { "duration", "#4a90e2", OF(duration_ns) }, { 0 } };
static const struct curve of_requests[] = {
	{ "p50", "#4a90e2", OF(requests.p50_ns) }, { "p90", "#f5a623", OF(requests.p90_ns) }, { "p99", "#d0021b", OF(requests.p99_ns) },
	{ "max", "#9b9b9b", OF(requests.max_ns) }, { 0 },
};

static const struct curve *curves_of(const struct ph_whatif_report *r)
{
	return r->w->recorded.requests.count ? of_requests : of_job;
}

static uint64_t value(const struct ph_whatif_outcome *o, const struct curve *c)
{
	return *(const uint64_t *)((const char *)o + c->of);
}

static double x_of(const struct picture *g, double cpus)
{
	return LEFT + (isinf(cpus) ? PLOT_W : cpus / g->most_cpus * g->width);
}

static double y_of(const struct picture *g, uint64_t ns)
{
	return TOP + PLOT_H - (double)ns / (double)g->most_ns * PLOT_H;
}

static void measure(struct picture *g)
{
	g->unlimited = isinf(g->r->w->cpus);
	g->most_cpus = g->unlimited ? 0 : g->r->w->cpus;
	for (const struct curve *c = curves_of(g->r); c->name; c++) {
		if (value(&g->r->w->recorded, c) > g->most_ns)
			g->most_ns = value(&g->r->w->recorded, c);
		ph_vec_each(a, &g->r->answers) {
			if (value(&a->outcome, c) > g->most_ns)
				g->most_ns = value(&a->outcome, c);
			g->unlimited |= isinf(a->change.cpus);
			if (!isinf(a->change.cpus) && a->change.cpus > g->most_cpus)
				g->most_cpus = a->change.cpus;
		}
	}
	g->width = g->unlimited ? (double)PLOT_W * LINES / (LINES + 1) : PLOT_W;
	if (g->most_cpus <= 0)
		g->most_cpus = 1;
	if (!g->most_ns)
		g->most_ns = 1;
}

static void draw_axes(const struct picture *g)
{
	for (int i = 0; i <= LINES; i++) {
		uint64_t ns = g->most_ns / LINES * (uint64_t)i;
		double y = y_of(g, ns), x = x_of(g, g->most_cpus / LINES * i);
		char text[PH_HUMAN_MAX];

		ph_buf_addf(g->out, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>"
			    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT, LEFT + PLOT_W, y, y, LEFT - 6, y + 4,
			    ns ? ph_human_ns(ns, text) : "0");
		ph_buf_addf(g->out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.3g</text>\n", x, TOP + PLOT_H + 16,
			    g->most_cpus / LINES * i);
	}
	if (g->unlimited)
		ph_buf_addf(g->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">none</text>\n", LEFT + PLOT_W, TOP + PLOT_H + 16);
	ph_buf_addf(g->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">CPU limit</text>\n", LEFT + PLOT_W / 2, TOP + PLOT_H + 36);
}

static int by_cpus(const void *pa, const void *pb)
{
	const struct ph_whatif_answer *a = pa, *b = pb;

	return a->change.cpus < b->change.cpus ? -1 : a->change.cpus > b->change.cpus;
}

static void draw_curve(const struct picture *g, const struct curve *c, const struct ph_whatif_answer *sorted, size_t n, int nr)
{
	char text[PH_HUMAN_MAX];

	ph_buf_addf(g->out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", c->colour);
	for (size_t i = 0; i < n; i++)
		ph_buf_addf(g->out, "%.1f,%.1f ", x_of(g, sorted[i].change.cpus), y_of(g, value(&sorted[i].outcome, c)));
	ph_buf_adds(g->out, "\"/>\n");
	for (size_t i = 0; i < n; i++) {
		ph_buf_addf(g->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"><title>", x_of(g, sorted[i].change.cpus),
			    y_of(g, value(&sorted[i].outcome, c)), c->colour);
		if (isinf(sorted[i].change.cpus))
			ph_buf_adds(g->out, "no limit");
		else
			ph_buf_addf(g->out, "%g CPU", sorted[i].change.cpus);
		ph_buf_addf(g->out, ": %s %s</title></circle>\n", c->name, ph_human_ns(value(&sorted[i].outcome, c), text));
	}
	/* As recorded: a square. */
	ph_buf_addf(g->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"8\" height=\"8\" fill=\"none\" stroke=\"%s\"><title>recorded: %s %s</title></rect>\n",
		    x_of(g, g->r->w->cpus) - 4, y_of(g, value(&g->r->w->recorded, c)) - 4, c->colour, c->name,
		    ph_human_ns(value(&g->r->w->recorded, c), text));
	ph_buf_addf(g->out, "<rect x=\"%d\" y=\"%d\" width=\"10\" height=\"10\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">%s</text>\n",
		    LEFT + PLOT_W + 16, TOP + 18 * nr, c->colour, LEFT + PLOT_W + 32, TOP + 9 + 18 * nr, c->name);
}

void ph_export_whatif_svg(const struct ph_whatif_report *r, struct ph_buf *out)
{
	struct picture g = { .r = r, .out = out };
	ph_autofree struct ph_whatif_answer *sorted = ph_alloc((r->answers.n + 1) * sizeof(*sorted));
	ph_autobuf verdict = { 0 };
	int n = 0;

	measure(&g);
	ph_whatif_verdict(r, &verdict);
	memcpy(sorted, r->answers.v, r->answers.n * sizeof(*sorted));
	qsort(sorted, r->answers.n, sizeof(*sorted), by_cpus);
	ph_buf_addf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
		    "font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
		    "<text x=\"10\" y=\"20\" font-size=\"12\">", LEFT + PLOT_W + RIGHT, TOP + PLOT_H + BELOW, LEFT + PLOT_W + RIGHT,
		    TOP + PLOT_H + BELOW);
	ph_buf_add_xml(out, verdict.p);
	ph_buf_adds(out, "</text>\n");
	draw_axes(&g);
	for (const struct curve *c = curves_of(r); c->name; c++)
		draw_curve(&g, c, sorted, r->answers.n, n++);
	ph_buf_adds(out, "</svg>\n");
}
