/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long the container or its requests would have taken, over its CPU limit: a curve a figure, as one SVG picture. */
#include <math.h>
#include <stdlib.h>

#include "analyze/whatif_report.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "export/axis.h"
#include "export/export.h"

#define LEFT 90
#define PLOT_W 640
#define PLOT_H 320
#define TOP 40			/* of the words above it, one line of them */
#define RIGHT 150
#define BELOW 50
#define MARKS 5			/* on an axis, at most */
#define LINE 16			/* of words */
#define LINE_CHARS 125

struct curve {
	const char *name, *colour;
	size_t of;		/* in struct ph_whatif_outcome */
	bool ranges;		/* it is what least_ns and most_ns there are of */
};

struct picture {
	const struct ph_whatif_report *r;
	struct ph_buf *out;
	double most_cpus, width;	/* the end of the axis, and how far from the left it is */
	double step_cpus;
	bool unlimited;			/* what has no limit is at the right end, behind it */
	uint64_t most_ns, step_ns;
	int top;
};

#define OF(field) offsetof(struct ph_whatif_outcome, field)

static const struct curve of_job[] = { { "duration", "#4a90e2", OF(duration_ns), true }, { 0 } };
static const struct curve of_requests[] = {
	{ "p50", "#4a90e2", OF(requests.p50_ns) }, { "p90", "#f5a623", OF(requests.p90_ns) }, { "p99", "#d0021b", OF(requests.p99_ns), true },
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

/* NAN: another thing was changed, and the limit was what it was. */
static double x_of(const struct picture *g, double cpus)
{
	if (isnan(cpus))
		cpus = g->r->w->cpus;
	return LEFT + (isinf(cpus) ? PLOT_W : cpus / g->most_cpus * g->width);
}

static double y_of(const struct picture *g, uint64_t ns)
{
	return g->top + PLOT_H - (double)ns / (double)g->most_ns * PLOT_H;
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
			if (c->ranges && a->outcome.most_ns > g->most_ns)
				g->most_ns = a->outcome.most_ns;
			g->unlimited |= isinf(a->change.cpus);
			if (isfinite(a->change.cpus) && a->change.cpus > g->most_cpus)
				g->most_cpus = a->change.cpus;
		}
	}
	g->width = g->unlimited ? (double)PLOT_W * MARKS / (MARKS + 1) : PLOT_W;
	if (g->most_cpus <= 0)
		g->most_cpus = 1;
	/* Both axes end at a mark. */
	g->step_cpus = (double)ph_axis_step((uint64_t)(g->most_cpus * 1000), MARKS) / 1000;
	g->most_cpus = ceil(g->most_cpus / g->step_cpus - 1e-9) * g->step_cpus;
	g->step_ns = ph_axis_step(g->most_ns, MARKS);
	g->most_ns = (g->most_ns / g->step_ns + !!(g->most_ns % g->step_ns)) * g->step_ns;
	if (!g->most_ns)
		g->most_ns = 1;
}

static void draw_axes(const struct picture *g)
{
	char text[PH_HUMAN_MAX];

	for (uint64_t ns = 0; ns <= g->most_ns; ns += g->step_ns) {
		double y = y_of(g, ns);

		ph_buf_addf(g->out, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>"
			    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT, LEFT + PLOT_W, y, y, LEFT - 6, y + 4,
			    ns ? ph_human_ns(ns, text) : "0");
	}
	for (int i = 0; i * g->step_cpus < g->most_cpus + 1e-9; i++)
		ph_buf_addf(g->out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.3g</text>\n", x_of(g, i * g->step_cpus),
			    g->top + PLOT_H + 16, i * g->step_cpus);
	if (g->unlimited)
		ph_buf_addf(g->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">none</text>\n", LEFT + PLOT_W, g->top + PLOT_H + 16);
	ph_buf_addf(g->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">limit, CPUs</text>\n", LEFT + PLOT_W / 2,
		    g->top + PLOT_H + 36);
}

static int by_cpus(const void *pa, const void *pb)
{
	const struct ph_whatif_answer *a = pa, *b = pb;

	return a->change.cpus < b->change.cpus ? -1 : a->change.cpus > b->change.cpus;
}

static void draw_point(const struct picture *g, const struct curve *c, const struct ph_whatif_answer *a)
{
	double x = x_of(g, a->change.cpus);
	char text[PH_HUMAN_MAX];

	ph_buf_addf(g->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"><title>", x, y_of(g, value(&a->outcome, c)), c->colour);
	if (isnan(a->change.cpus))
		ph_buf_adds(g->out, "as it was");
	else if (isinf(a->change.cpus))
		ph_buf_adds(g->out, "no limit");
	else
		ph_buf_addf(g->out, "%g CPU", a->change.cpus);
	ph_buf_addf(g->out, ": %s %s</title></circle>\n", c->name, ph_human_ns(value(&a->outcome, c), text));
}

/* Between what it is at the best and at the worst. */
static void draw_range(const struct picture *g, const struct curve *c, const struct ph_whatif_answer *a)
{
	char least[PH_HUMAN_MAX], most[PH_HUMAN_MAX];
	double x = x_of(g, a->change.cpus);

	if (a->outcome.most_ns <= a->outcome.least_ns)
		return;
	ph_buf_addf(g->out, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" stroke-opacity=\"0.4\" stroke-width=\"5\">"
		    "<title>%s %s to %s</title></line>\n", x, x, y_of(g, a->outcome.least_ns), y_of(g, a->outcome.most_ns), c->colour, c->name,
		    ph_human_ns(a->outcome.least_ns, least), ph_human_ns(a->outcome.most_ns, most));
}

static void draw_curve(const struct picture *g, const struct curve *c, const struct ph_whatif_answer *sorted, size_t n)
{
	char text[PH_HUMAN_MAX];

	for (size_t i = 0; c->ranges && i < n; i++)
		draw_range(g, c, &sorted[i]);
	ph_buf_addf(g->out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", c->colour);
	for (size_t i = 0; i < n; i++)
		ph_buf_addf(g->out, "%.1f,%.1f ", x_of(g, sorted[i].change.cpus), y_of(g, value(&sorted[i].outcome, c)));
	ph_buf_adds(g->out, "\"/>\n");
	for (size_t i = 0; i < n; i++)
		draw_point(g, c, &sorted[i]);
	ph_buf_addf(g->out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"8\" height=\"8\" fill=\"none\" stroke=\"%s\"><title>recorded: %s %s</title></rect>\n",
		    x_of(g, g->r->w->cpus) - 4, y_of(g, value(&g->r->w->recorded, c)) - 4, c->colour, c->name,
		    ph_human_ns(value(&g->r->w->recorded, c), text));
}

static void draw_legend(const struct picture *g)
{
	int x = LEFT + PLOT_W + 16, y = g->top;

	for (const struct curve *c = curves_of(g->r); c->name; c++, y += LINE)
		ph_buf_addf(g->out, "<rect x=\"%d\" y=\"%d\" width=\"10\" height=\"10\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">%s</text>\n",
			    x, y, c->colour, x + 16, y + 9, c->name);
	ph_buf_addf(g->out, "<rect x=\"%d\" y=\"%d\" width=\"8\" height=\"8\" fill=\"none\" stroke=\"#555\"/><text x=\"%d\" y=\"%d\">as recorded</text>\n",
		    x + 1, y + 1, x + 16, y + 9);
	ph_vec_each(a, &g->r->answers) {
		if (a->outcome.most_ns <= a->outcome.least_ns)
			continue;
		y += LINE;
		ph_buf_addf(g->out, "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%d\" stroke=\"#555\" stroke-opacity=\"0.4\" stroke-width=\"5\"/>"
			    "<text x=\"%d\" y=\"%d\">best and worst case</text>\n", x + 5, x + 5, y - 1, y + 11, x + 16, y + 9);
		break;
	}
}

/* In lines of @out; returns how many. */
static int draw_words(char *words, struct ph_buf *out)
{
	int n = 0;

	while (*words) {
		size_t len = strlen(words), at = len;

		if (len > LINE_CHARS) {
			for (at = LINE_CHARS; at > 0 && words[at] != ' '; at--)
				;
			at = at ? at : len;
		}
		len = at + (words[at] == ' ');
		words[at] = 0;
		ph_buf_addf(out, "<text x=\"10\" y=\"%d\" font-size=\"12\">", 20 + LINE * n++);
		ph_buf_add_xml(out, words);
		ph_buf_adds(out, "</text>\n");
		words += len;
	}
	return n;
}

void ph_export_whatif_svg(const struct ph_whatif_report *r, struct ph_buf *out)
{
	struct picture g = { .r = r, .out = out };
	ph_autofree struct ph_whatif_answer *sorted = ph_alloc((r->answers.n + 1) * sizeof(*sorted));
	ph_autobuf verdict = { 0 }, words = { 0 };

	measure(&g);
	ph_whatif_verdict(r, &verdict);
	verdict.p[strcspn(verdict.p, "\n")] = 0;
	g.top = TOP + LINE * draw_words(verdict.p, &words);
	memcpy(sorted, r->answers.v, r->answers.n * sizeof(*sorted));
	qsort(sorted, r->answers.n, sizeof(*sorted), by_cpus);
	ph_buf_addf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
		    "font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n%s",
		    LEFT + PLOT_W + RIGHT, g.top + PLOT_H + BELOW, LEFT + PLOT_W + RIGHT, g.top + PLOT_H + BELOW, words.p);
	draw_axes(&g);
	for (const struct curve *c = curves_of(r); c->name; c++)
		draw_curve(&g, c, sorted, r->answers.n);
	draw_legend(&g);
	ph_buf_adds(out, "</svg>\n");
}
