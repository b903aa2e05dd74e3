/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A critical path as one SVG picture: a lane a task, time from left to right, what a task has of the path in the colour of its
 * container; while it did not run, in the lower half why. What is too short to be seen is summed up pixel by pixel, so that the
 * picture's size does not depend on the path's length.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "analyze/path_compare.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "export/axis.h"
#include "export/export.h"

#define LABELS 250
#define NAMES 172			/* of these what a name may have */
#define PLOT 940
#define ROW 22
#define BAR 16
#define TOP 64
#define LINE 16			/* of words above it */
#define BELOW 30			/* the last lane: the legend */
#define MARGIN 10
/* Lanes; the rest share one. */
#define LANES 40
/* Steps from this width on, in pixels, are drawn one by one. */
#define ALONE 0.5

struct lane {
	int32_t tid;
	uint32_t container;
	char comm[16];
	uint64_t ns;
	double ran[PLOT], waited[PLOT];		/* of each pixel, by steps that are not drawn one by one */
};

/* As their colours are numbered: of all that is drawn together. */
struct colours {
	PH_VEC(uint32_t) containers;
};

struct picture {
	const struct ph_path *p;
	struct ph_buf *out;
	PH_VEC(struct lane *) lanes;
	struct lane *rest;			/* the last of them: of tasks without a lane; NULL: all have one */
	struct colours *colours;
	struct ph_u64map of_tid;
	double scale;				/* pixels of a nanosecond */
	double top;				/* of the first lane */
};

/* ---- colours --------------------------------------------------------------------------------------- */

static const char *const state_colours[PH_PATH_STATES] = {
	[PH_PATH_IRQ] = "#777", [PH_PATH_STEAL] = "#444", [PH_PATH_QUEUE] = "#f5a623", [PH_PATH_THROTTLED] = "#d0021b",
	[PH_PATH_FROZEN] = "#7fdbff", [PH_PATH_STOPPED] = "#85144b", [PH_PATH_DISK] = "#8b572a", [PH_PATH_NETWORK] = "#4a90e2",
	[PH_PATH_TIMER] = "#d8d8d8", [PH_PATH_INTERRUPT] = "#2ca89a", [PH_PATH_WAITED] = "#b39ddb", [PH_PATH_UNKNOWN] = "#fff",
};

static void add_colour(struct picture *g, uint32_t container)
{
	struct colours *k = g->colours;
	size_t i = 0;

	while (i < k->containers.n && k->containers.v[i] != container)
		i++;
	if (i == k->containers.n)
		*ph_vec_push(&k->containers) = container;
	if (container == PH_CONTAINER_HOST || container == PH_CONTAINER_UNKNOWN)
		ph_buf_adds(g->out, "#667");
	else
		ph_buf_addf(g->out, "hsl(%u,60%%,%u%%)", (unsigned int)((double)i * 137.508 + 200) % 360, 45 + 8 * (unsigned int)(i % 3));
}

static void add_container(struct picture *g, uint32_t container)
{
	const char *label = ph_container_label(g->p->id, container);

	ph_buf_add_xml(g->out, container == PH_CONTAINER_HOST ? "the host" : container == PH_CONTAINER_UNKNOWN ? "unknown" : label);
}

static void add_comm(struct picture *g, const char comm[16])
{
	ph_autofree char *text = ph_strndup(comm, 16);

	ph_buf_add_xml(g->out, text);
}

/* ---- lanes ----------------------------------------------------------------------------------------- */

static int most_first(const void *pa, const void *pb)
{
	const struct lane *a = *(struct lane *const *)pa, *b = *(struct lane *const *)pb;

	return a->ns != b->ns ? (a->ns > b->ns ? -1 : 1) : a->tid < b->tid ? -1 : 1;
}

/* The task that was asked for, then the others container by container, in the order of the most. */
static int drawn_first(const void *pa, const void *pb, void *arg)
{
	const struct lane *a = *(struct lane *const *)pa, *b = *(struct lane *const *)pb;
	const struct ph_path *p = arg;
	bool first_a = a->tid == p->tid, first_b = b->tid == p->tid;

	if (first_a != first_b)
		return first_a ? -1 : 1;
	if ((a->container == p->who.container) != (b->container == p->who.container))
		return a->container == p->who.container ? -1 : 1;
	return a->container != b->container ? (a->container < b->container ? -1 : 1) : most_first(pa, pb);
}

static struct lane *lane_new(int32_t tid, uint32_t container, const char comm[16])
{
	struct lane *l = ph_alloc(sizeof(*l));

	l->tid = tid;
	l->container = container;
	memcpy(l->comm, comm, sizeof(l->comm));
	return l;
}

static void to_rest(struct picture *g, uint64_t ns)
{
	if (!g->rest)
		g->rest = lane_new(-1, PH_CONTAINER_UNKNOWN, (const char[16]){ "other tasks" });
	g->rest->ns += ns;
}

static void make_lanes(struct picture *g)
{
	ph_vec_each(sh, &g->p->shares) {
		struct lane *l = ph_u64map_get(&g->of_tid, (uint32_t)sh->tid);

		if (sh->tid <= 0) {
			to_rest(g, sh->ns);
			continue;
		}
		if (!l) {
			l = lane_new(sh->tid, sh->who.container, sh->who.comm);
			ph_u64map_put(&g->of_tid, (uint32_t)sh->tid, l);
			*ph_vec_push(&g->lanes) = l;
		}
		l->ns += sh->ns;
	}
	if (g->lanes.n)
		qsort(g->lanes.v, g->lanes.n, sizeof(*g->lanes.v), most_first);
	while (g->lanes.n > LANES) {
		struct lane *l = g->lanes.v[--g->lanes.n];

		to_rest(g, l->ns);
		ph_u64map_del(&g->of_tid, (uint32_t)l->tid);
		free(l);
	}
	if (g->lanes.n)
		qsort_r(g->lanes.v, g->lanes.n, sizeof(*g->lanes.v), drawn_first, (void *)g->p);
	if (g->rest)
		*ph_vec_push(&g->lanes) = g->rest;
}

static size_t lane_of(const struct picture *g, int32_t tid)
{
	const struct lane *l = ph_u64map_get(&g->of_tid, (uint32_t)tid);
	size_t i = 0;

	l = l ? l : g->rest;
	while (i < g->lanes.n && g->lanes.v[i] != l)
		i++;
	return i;
}

static double y_of(const struct picture *g, size_t lane)
{
	return g->top + (double)lane * ROW;
}

/* ---- steps ----------------------------------------------------------------------------------------- */

static void add_title(struct picture *g, const struct ph_step *s)
{
	char ns[PH_HUMAN_MAX];
	ph_autobuf what = { 0 };

	ph_buf_adds(g->out, "<title>");
	add_comm(g, s->who.comm);
	ph_buf_addf(g->out, " (%d) of ", s->tid);
	add_container(g, s->who.container);
	ph_buf_addf(g->out, ": %s", ph_path_state_name((enum ph_path_state)s->state));
	ph_path_what_text(g->p, (enum ph_path_state)s->state, s->what, (enum ph_wait)s->wait, s->by_tid, &s->by, &what);
	if (what.len) {
		ph_buf_adds(g->out, ", ");
		ph_buf_add_xml(g->out, what.p);
	}
	ph_buf_addf(g->out, ", %s", ph_human_ns(s->end_ns - s->begin_ns, ns));
	if (s->then) {
		ph_buf_addf(g->out, "; then %s ", ph_path_then_name((enum ph_path_then)s->then));
		add_comm(g, s->then_who.comm);
	}
	ph_buf_adds(g->out, "</title>");
}

static void add_rect(struct picture *g, double x, double y, double w, double h)
{
	ph_buf_addf(g->out, "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" fill=\"", LABELS + x, y, w, h);
}

static void draw_step(struct picture *g, const struct ph_step *s, size_t lane, double x, double w)
{
	const char *colour = state_colours[s->state];

	ph_buf_adds(g->out, "<g>");
	add_rect(g, x, y_of(g, lane), w, colour ? BAR / 2.0 : BAR);
	add_colour(g, s->who.container);
	ph_buf_adds(g->out, "\"/>");
	if (colour) {
		add_rect(g, x, y_of(g, lane) + BAR / 2.0, w, BAR / 2.0);
		ph_buf_addf(g->out, "%s\"/>", colour);
	}
	add_title(g, s);
	ph_buf_adds(g->out, "</g>\n");
}

/* Part by part into the pixels that it lies in. */
static void sum_step(struct lane *l, const struct ph_step *s, double x, double w)
{
	double *sum = state_colours[s->state] ? l->waited : l->ran;

	for (double end = x + w; x < end; ) {
		size_t i = (size_t)x;
		double to = (double)(i + 1) < end ? (double)(i + 1) : end;

		if (i >= PLOT)
			return;
		sum[i] += to - x;
		x = to;
	}
}

static void draw_steps(struct picture *g)
{
	size_t before = SIZE_MAX;

	for (uint64_t i = 0; i < g->p->nsteps; i++) {
		struct ph_step s;
		double x, w;
		size_t lane;

		if (ph_path_step(g->p, i, &s) < 0)
			return;
		lane = lane_of(g, s.tid);
		if (lane == g->lanes.n)
			continue;
		x = (double)(s.begin_ns - g->p->begin_ns) * g->scale;
		w = (double)(s.end_ns - s.begin_ns) * g->scale;
		if (w < ALONE) {
			sum_step(g->lanes.v[lane], &s, x, w);
			before = SIZE_MAX;
			continue;
		}
		if (before != SIZE_MAX && before != lane)
			ph_buf_addf(g->out, "<path d=\"M%.2f %.1fV%.1f\" stroke=\"#000\" stroke-width=\"0.6\"/>\n", LABELS + x,
				    y_of(g, before) + BAR / 2.0, y_of(g, lane) + BAR / 2.0);
		draw_step(g, &s, lane, x, w);
		before = lane;
	}
}

/* The more of a pixel's time, the stronger. */
static void draw_sums(struct picture *g)
{
	for (size_t lane = 0; lane < g->lanes.n; lane++) {
		const struct lane *l = g->lanes.v[lane];

		for (size_t i = 0; i < PLOT; i++) {
			double all = l->ran[i] + l->waited[i];

			if (all < 0.02)
				continue;
			add_rect(g, (double)i, y_of(g, lane), 1, BAR);
			add_colour(g, l->container);
			ph_buf_addf(g->out, "\" opacity=\"%.2f\"/>\n", 0.2 + 0.8 * l->ran[i] + 0.4 * l->waited[i] > 1 ? 1 :
				    0.2 + 0.8 * l->ran[i] + 0.4 * l->waited[i]);
		}
	}
}

/* ---- around them ----------------------------------------------------------------------------------- */

static void add_text(struct picture *g, double x, double y, const char *attributes)
{
	ph_buf_addf(g->out, "<text x=\"%.1f\" y=\"%.1f\"%s>", x, y, attributes);
}

static void add_name(struct picture *g, const struct lane *l)
{
	add_comm(g, l->comm);
	if (l != g->rest) {
		ph_buf_addf(g->out, " (%d) ", l->tid);
		add_container(g, l->container);
	}
}

/* A name that is too long is cut off, and is all there to whoever points at it. */
static void draw_labels(struct picture *g)
{
	for (size_t i = 0; i < g->lanes.n; i++) {
		const struct lane *l = g->lanes.v[i];
		double y = y_of(g, i);

		add_rect(g, 0, y + BAR + 2, PLOT, 0.5);
		ph_buf_adds(g->out, "#ddd\"/>");
		if (l != g->rest) {
			add_rect(g, MARGIN - LABELS, y + 4, 8, 8);
			add_colour(g, l->container);
			ph_buf_adds(g->out, "\"/>");
		}
		ph_buf_addf(g->out, "<svg x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%d\"><title>", MARGIN + 13, y, NAMES, BAR);
		add_name(g, l);
		ph_buf_adds(g->out, "</title><text y=\"12\">");
		add_name(g, l);
		ph_buf_addf(g->out, "</text></svg><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.1f %%</text>\n", LABELS - 8, y + 12,
			    100.0 * (double)l->ns / (double)(g->p->end_ns - g->p->begin_ns));
	}
}

/* All of the width, whatever part of it the path has. */
static void draw_axis(struct picture *g)
{
	uint64_t all = (uint64_t)(PLOT / g->scale + 0.5), step = ph_axis_step(all, 6);
	char ns[PH_HUMAN_MAX];

	for (uint64_t t = 0; t <= all; t += step) {
		double x = (double)t * g->scale;

		add_rect(g, x, g->top - 3, 0.5, (double)g->lanes.n * ROW);
		ph_buf_addf(g->out, "#ddd\"/><text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">+%s</text>\n", LABELS + x, g->top - 6,
			    t == 0 ? "start" : x > PLOT - 20 ? "end" : "middle", t ? ph_human_ns(t, ns) : "0");
	}
}

static void draw_legend(struct picture *g)
{
	uint64_t ns[PH_PATH_STATES] = { 0 };
	double x = 0, y = y_of(g, g->lanes.n) + 8;

	ph_vec_each(sh, &g->p->shares)
		ns[sh->state] += sh->ns;
	for (int i = 0; i < PH_PATH_STATES; i++) {
		if (!ns[i] || !state_colours[i])
			continue;
		add_rect(g, x, y, 10, 10);
		ph_buf_addf(g->out, "%s\" stroke=\"#888\" stroke-width=\"0.5\"/>", state_colours[i]);
		add_text(g, LABELS + x + 14, y + 9, "");
		ph_buf_addf(g->out, "%s</text>\n", ph_path_state_name((enum ph_path_state)i));
		x += 26 + 7 * (double)strlen(ph_path_state_name((enum ph_path_state)i));
	}
}

/* The present path, its lanes from @top on, as wide as @all_ns. Returns where it ends. */
static double draw_path(const struct ph_path *p, struct colours *colours, double top, uint64_t all_ns, struct ph_buf *out)
{
	struct picture g = { .p = p, .out = out, .colours = colours, .scale = PLOT / (double)all_ns, .top = top };
	double end;

	make_lanes(&g);
	end = y_of(&g, g.lanes.n) + BELOW;
	draw_axis(&g);
	draw_labels(&g);
	draw_steps(&g);
	draw_sums(&g);
	draw_legend(&g);
	ph_vec_each(l, &g.lanes)
		free(*l);
	ph_vec_done(&g.lanes);
	ph_u64map_done(&g.of_tid);
	return end;
}

static void add_line(struct ph_buf *out, double y, const char *text)
{
	ph_buf_addf(out, "<text x=\"%d\" y=\"%.0f\" font-size=\"12\">", MARGIN, y);
	ph_buf_add_xml(out, text);
	ph_buf_adds(out, "</text>\n");
}

static void add_head(struct ph_buf *out, double height)
{
	ph_buf_addf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" height=\"%.0f\" "
		    "font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		    LABELS + PLOT + MARGIN, height, LABELS + PLOT + MARGIN, height);
}

void ph_export_path_svg(const struct ph_path *p, struct ph_buf *out)
{
	ph_autobuf verdict = { 0 }, path = { 0 };
	struct colours colours = { 0 };
	const char *best;

	add_head(out, draw_path(p, &colours, TOP, p->end_ns - p->begin_ns, &path));
	ph_vec_done(&colours.containers);
	ph_path_verdict(p, &verdict);
	/* A line a sentence. */
	best = strstr(verdict.p, ". ");
	for (const char *next; best && (next = strstr(best + 1, ". ")); )
		best = next;
	if (best) {
		add_line(out, 34, best + 2);
		verdict.p[best - verdict.p + 1] = 0;
	}
	add_line(out, 18, verdict.p);
	ph_buf_adds(out, path.p);
	ph_buf_adds(out, "</svg>\n");
}

static void say_typical(const struct ph_path_compare *c, enum ph_band b, struct ph_buf *out)
{
	const struct ph_path_band *band = &c->band[b];
	char ns[PH_HUMAN_MAX], min[PH_HUMAN_MAX], max[PH_HUMAN_MAX];

	ph_buf_addf(out, "A typical %s one: %s. Of this band (%g to %g %% by duration) are %" PRIu64 ", %s to %s.", ph_band_name(b),
		    ph_human_ns(band->typical.end_ns - band->typical.begin_ns, ns), band->from, band->to, band->n,
		    ph_human_ns(band->min_ns, min), ph_human_ns(band->max_ns, max));
}

/* Where the line ends that @text begins with: a sentence, or what comes before its colon; NULL: it is the last one. */
static char *line_end(char *text)
{
	char *sentence = strstr(text, ". "), *colon = strstr(text, "): ");

	if (colon && (!sentence || colon < sentence))
		return colon + 2;
	return sentence ? sentence + 1 : NULL;
}

void ph_export_compare_svg(const struct ph_path_compare *c, struct ph_buf *out)
{
	ph_autobuf verdict = { 0 }, paths = { 0 };
	struct colours colours = { 0 };
	uint64_t all = 1;
	double y = 18, top;
	char *sentence;

	if (c->r->n == 1) {
		ph_export_path_svg(c->p, out);
		return;
	}
	for (int b = 0; b < PH_BANDS; b++)
		if (c->band[b].typical.end_ns - c->band[b].typical.begin_ns > all)
			all = c->band[b].typical.end_ns - c->band[b].typical.begin_ns;
	ph_path_compare_verdict(c, &verdict);
	top = y;
	for (char *s = verdict.p; s; s = line_end(s))
		top += LINE;
	for (int b = 0; b < PH_BANDS; b++) {
		ph_autobuf words = { 0 };

		say_typical(c, (enum ph_band)b, &words);
		add_line(&paths, top + LINE, words.p);
		ph_path_compare_show(c, (enum ph_band)b);
		top = draw_path(c->p, &colours, top + 3 * LINE, all, &paths);
	}
	ph_vec_done(&colours.containers);
	add_head(out, top);
	for (sentence = verdict.p; sentence; y += LINE) {
		char *end = line_end(sentence);

		if (end)
			*end = 0;
		add_line(out, y, sentence);
		sentence = end ? end + 1 : NULL;
	}
	ph_buf_adds(out, paths.p);
	ph_buf_adds(out, "</svg>\n");
}
