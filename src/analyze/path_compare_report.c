/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the slow requests wait for that the fast ones do not: in words, tables, and for programs. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "analyze/path_compare.h"
#include "analyze/path_report_priv.h"
#include "analyze/words.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"

/* What makes the difference is told of from this share of it on; so many at most. */
#define MATTERS 0.02
#define TOLD 5

static const struct ph_col band_cols[] = {
	{ "BAND", "band", PH_COL_STR, .help = "fast or slow" },
	{ "RANK", "rank", PH_COL_STR, .help = "of all by duration, percent" },
	{ "REQUESTS", "count", PH_COL_U64, .help = "how many are in it" },
	{ "FROM", "min_ns", PH_COL_NS, .help = "the shortest of them" },
	{ "TO", "max_ns", PH_COL_NS, .help = "the longest" },
	{ "MEAN", "mean_ns", PH_COL_NS, .help = "the mean, of those whose path is walked" },
};

static const struct ph_col diff_cols[] = {
	PATH_CONTAINER_COL,
	PATH_COMM_COL,
	PATH_STATE_COLS,
	{ "FAST", "fast_ns", PH_COL_NS, .help = "of a fast one, the mean" },
	{ "SLOW", "slow_ns", PH_COL_NS, .help = "of a slow one, the mean" },
	{ "MORE%", "more_percent", PH_COL_F64, .help = "by how much that makes the slow ones slower, in percent of what they take longer" },
	{ "IN-FAST%", "in_fast_percent", PH_COL_F64, .help = "fast ones that have any of it" },
	{ "IN-SLOW%", "in_slow_percent", PH_COL_F64, .help = "slow ones that have any of it" },
};

const struct path_columns
	path_band_columns = { band_cols, PH_ARRAY_SIZE(band_cols), NULL },
	path_diff_columns = { diff_cols, PH_ARRAY_SIZE(diff_cols), "What a request's path is made of, and by how much that makes the slow ones "
			      "slower:" };

static double mean_ns(const struct ph_path_band *b, uint64_t ns)
{
	return (double)ns / (double)b->walked;
}

static double longer_ns(const struct ph_path_compare *c)
{
	return mean_ns(&c->band[PH_BAND_SLOW], c->band[PH_BAND_SLOW].ns) - mean_ns(&c->band[PH_BAND_FAST], c->band[PH_BAND_FAST].ns);
}

/* ---- words --------------------------------------------------------------------------------------------- */

/* "the slowest 1 % (20 of them, 21 ms to 40 ms)" */
static void say_band(const struct ph_path_band *b, struct ph_buf *out)
{
	if (b->to >= 100)
		ph_buf_addf(out, "the slowest %g %%", 100 - b->from);
	else
		ph_buf_addf(out, "those of rank %g to %g %%", b->from, b->to);
	ph_buf_addf(out, " (%" PRIu64 " of them, ", b->n);
	words_ns(out, b->min_ns);
	if (b->max_ns != b->min_ns)
		ph_buf_adds(out, " to "), words_ns(out, b->max_ns);
	ph_buf_addc(out, ')');
}

static const char *plural(const struct ph_requests *r)
{
	static const char *const many[] = {
		[PH_REQUESTS_FILTERS] = "requests", [PH_REQUESTS_CONNECTIONS] = "connections", [PH_REQUESTS_ANSWERS] = "answers",
	};

	return many[r->ask.kind];
}

void ph_path_compare_verdict(const struct ph_path_compare *c, struct ph_buf *out)
{
	const struct ph_path_band *fast = &c->band[PH_BAND_FAST], *slow = &c->band[PH_BAND_SLOW];
	double longer = longer_ns(c);
	size_t n = 0;

	ph_buf_addf(out, "%" PRIu64 " %.*s: half of them take ", c->r->n, (int)strlen(plural(c->r)) - (c->r->n == 1), plural(c->r));
	words_ns(out, ph_requests_quantile(c->r, 0.5));
	ph_buf_adds(out, " at most, 99 % ");
	words_ns(out, ph_requests_quantile(c->r, 0.99));
	ph_buf_adds(out, ", the longest ");
	words_ns(out, c->r->max_ns);
	ph_buf_adds(out, ". On average ");
	say_band(slow, out);
	ph_buf_adds(out, " take ");
	if (longer < 1) {
		ph_buf_adds(out, "no longer than ");
		say_band(fast, out);
		ph_buf_addc(out, '.');
		return;
	}
	words_ns(out, (uint64_t)longer);
	ph_buf_adds(out, " longer than ");
	say_band(fast, out);
	for (; n < c->more.n && n < TOLD && c->more.v[n].ns / longer >= MATTERS; n++) {
		ph_buf_adds(out, n ? ", " : ": ");
		words_percent(out, c->more.v[n].ns / longer);
		ph_buf_addc(out, ' ');
		path_say_help(c->p, &c->more.v[n].help, out);
	}
	ph_buf_adds(out, n ? "." : ", by many small things.");
}

bool ph_path_compare_note(const struct ph_path_compare *c, unsigned int i, struct ph_buf *out)
{
	const struct { uint64_t n; const char *form; } notes[] = {
		{ c->r->nunfinished, "%s that begin and are not seen to end, and so are not among these: " },
		{ c->r->nstray, "%s that end and were not seen to begin, and so are not among these: " },
		{ c->r->nnofd, "events that should begin or end %s by their descriptor, and have none: " },
	};
	unsigned int n = 0;

	for (size_t k = 0; k < PH_ARRAY_SIZE(notes); k++) {
		if (!notes[k].n || n++ != i)
			continue;
		ph_buf_addf(out, notes[k].form, plural(c->r));
		ph_buf_addf(out, "%" PRIu64, notes[k].n);
		return true;
	}
	for (int b = 0; b < PH_BANDS; b++) {
		if (c->band[b].every == 1 || n++ != i)
			continue;
		ph_buf_addf(out, "of the %s ones one in %" PRIu64 " has its path walked, %" PRIu64 " of %" PRIu64, ph_band_name((enum ph_band)b),
			    c->band[b].every, c->band[b].walked, c->band[b].n);
		return true;
	}
	return ph_path_note(c->p, i - n, out);
}

/* ---- tables -------------------------------------------------------------------------------------------- */

static void fill_band(struct ph_cell *c, enum ph_band which, const struct ph_path_band *b)
{
	ph_autofree char *rank = ph_asprintf("%g-%g", b->from, b->to);

	ph_cell_str(c++, ph_band_name(which));
	ph_cell_str(c++, rank);
	ph_cell_u64(c++, b->n);
	ph_cell_u64(c++, b->min_ns);
	ph_cell_u64(c++, b->max_ns);
	ph_cell_u64(c, (uint64_t)mean_ns(b, b->ns));
}

static void fill_diff(struct ph_cell *cell, const struct ph_path_compare *c, const struct ph_path_diff *d)
{
	double longer = longer_ns(c);

	cell = path_cell_share(cell, c->p, &d->what);
	for (int b = 0; b < PH_BANDS; b++, cell++)
		if (d->ns[b])
			ph_cell_u64(cell, (uint64_t)mean_ns(&c->band[b], d->ns[b]));
	if (longer >= 1)
		ph_cell_f64(cell, 100 * ph_path_diff_ns(c, d) / longer);
	cell++;
	for (int b = 0; b < PH_BANDS; b++, cell++)
		ph_cell_f64(cell, 100 * mean_ns(&c->band[b], d->requests[b]));
}

struct filling {
	const struct ph_path_compare *c;
	const struct ph_report_view *view;
};

static void fill(struct ph_table *t, enum ph_path_table which, void *arg)
{
	struct filling *f = arg;

	switch (which) {
	case PH_PATH_BANDS:
		for (int b = 0; b < PH_BANDS; b++)
			fill_band(ph_table_row(t), (enum ph_band)b, &f->c->band[b]);
		break;
	case PH_PATH_DIFFERENCES:
		ph_vec_each(d, &f->c->diffs)
			fill_diff(ph_table_row(t), f->c, d);
		break;
	default:
		path_fill_steps(t, f->c->p, f->view);
	}
}

/* ---- for programs -------------------------------------------------------------------------------------- */

static void add_request(struct ph_json *j, const struct ph_report_view *view, const struct ph_request *q)
{
	ph_json_u64(j, "begin_ns", q->begin_ns + (uint64_t)view->offset_ns);
	ph_json_u64(j, "end_ns", q->end_ns + (uint64_t)view->offset_ns);
	ph_json_s64(j, "begin_tid", q->begin_tid);
	ph_json_s64(j, "end_tid", q->end_tid);
}

static void add_band(struct ph_json *j, const struct ph_path_compare *c, const struct ph_report_view *view, enum ph_band which)
{
	const struct ph_path_band *b = &c->band[which];

	ph_json_line(j, "band");
	ph_json_str(j, "band", ph_band_name(which));
	ph_json_f64(j, "from_percent", b->from);
	ph_json_f64(j, "to_percent", b->to);
	ph_json_u64(j, "count", b->n);
	ph_json_u64(j, "min_ns", b->min_ns);
	ph_json_u64(j, "max_ns", b->max_ns);
	ph_json_u64(j, "walked", b->walked);
	ph_json_f64(j, "mean_ns", mean_ns(b, b->ns));
	ph_json_obj(j, "typical");
	add_request(j, view, &b->typical);
	ph_json_obj_end(j);
	ph_json_line_end(j);
}

static void add_diff(struct ph_json *j, const struct ph_path_compare *c, const struct ph_path_diff *d)
{
	ph_json_line(j, "difference");
	path_json_container(j, c->p, "container", d->what.who.container);
	path_json_name(j, "comm", d->what.who.comm);
	path_json_what(j, c->p, &d->what);
	for (int b = 0; b < PH_BANDS; b++) {
		ph_json_obj(j, ph_band_name((enum ph_band)b));
		ph_json_f64(j, "mean_ns", mean_ns(&c->band[b], d->ns[b]));
		ph_json_u64(j, "requests", d->requests[b]);
		ph_json_obj_end(j);
	}
	ph_json_f64(j, "more_ns", ph_path_diff_ns(c, d));
	ph_json_line_end(j);
}

static void add_all(struct ph_json *j, const struct ph_path_compare *c, const struct ph_report_view *view)
{
	static const struct { const char *name; double q; } quantiles[] = {
		{ "p50_ns", 0.5 }, { "p90_ns", 0.9 }, { "p95_ns", 0.95 }, { "p99_ns", 0.99 }, { "p999_ns", 0.999 },
	};
	ph_autobuf text = { 0 }, note = { 0 };

	ph_json_line(j, "requests");
	ph_json_str(j, "what", plural(c->r));
	ph_json_u64(j, "count", c->r->n);
	ph_json_u64(j, "unfinished", c->r->nunfinished);
	ph_json_u64(j, "stray", c->r->nstray);
	for (size_t i = 0; i < PH_ARRAY_SIZE(quantiles); i++)
		ph_json_u64(j, quantiles[i].name, ph_requests_quantile(c->r, quantiles[i].q));
	ph_json_u64(j, "max_ns", c->r->max_ns);
	ph_path_compare_verdict(c, &text);
	ph_json_str(j, "text", text.p);
	ph_json_arr(j, "notes");
	for (unsigned int i = 0; ph_path_compare_note(c, i, &note); i++) {
		ph_json_str(j, NULL, note.p);
		ph_buf_clear(&note);
	}
	ph_json_arr_end(j);
	ph_json_line_end(j);
	for (int b = 0; b < PH_BANDS; b++)
		add_band(j, c, view, (enum ph_band)b);
	ph_vec_each(d, &c->diffs)
		add_diff(j, c, d);
	for (int b = 0; b < PH_BANDS; b++) {
		ph_path_compare_show(c, (enum ph_band)b);
		path_json_steps(j, c->p, view, ph_band_name((enum ph_band)b));
	}
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static void say_typical(const struct ph_path_compare *c, const struct ph_report_view *view, struct ph_buf *out)
{
	const struct ph_request *q = &c->band[PH_BAND_SLOW].typical;
	ph_autobuf when = { 0 };

	ph_clock_text((int64_t)q->begin_ns + view->offset_ns, view->utc, 6, &when);
	ph_buf_addf(out, "\nA typical slow one, from %s on, takes ", when.p);
	words_ns(out, q->end_ns - q->begin_ns);
	ph_buf_adds(out, ".");
}

/* There is nothing to compare it with: it is a path like any. */
static int report_only_one(const struct ph_path_compare *c, const struct ph_report_view *view, struct ph_buf *out, struct ph_err *err)
{
	const struct ph_request *q = &c->band[PH_BAND_SLOW].typical;
	ph_autobuf when = { 0 };

	ph_clock_text((int64_t)q->begin_ns + view->offset_ns, view->utc, 6, &when);
	ph_buf_addf(out, "1 %.*s, from %s on:\n", (int)strlen(plural(c->r)) - 1, plural(c->r), when.p);
	return ph_path_report(c->p, view, out, err);
}

int ph_path_compare_report(const struct ph_path_compare *c, const struct ph_report_view *view, struct ph_buf *out, struct ph_err *err)
{
	static const enum ph_path_table order[] = { PH_PATH_BANDS, PH_PATH_DIFFERENCES, PH_PATH_STEPS };
	struct ph_json j = { .out = out, .pretty = view->fmt.output == PH_OUT_JSONPRETTY };
	struct filling f = { c, view };
	ph_autobuf note = { 0 };
	int r = 0;

	if (!view->alone && (view->fmt.output == PH_OUT_JSON || view->fmt.output == PH_OUT_JSONPRETTY)) {
		add_all(&j, c, view);
		return 0;
	}
	ph_path_compare_show(c, PH_BAND_SLOW);
	if (view->alone || view->fmt.output == PH_OUT_CSV)
		return path_table_print(c->p, view->table, fill, &f, view, out, err);
	if (c->r->n == 1)
		return report_only_one(c, view, out, err);
	ph_path_compare_verdict(c, out);
	ph_buf_addc(out, '\n');
	for (size_t i = 0; r >= 0 && i < PH_ARRAY_SIZE(order); i++) {
		if (order[i] == PH_PATH_STEPS)
			say_typical(c, view, out);
		r = path_table_print(c->p, order[i], fill, &f, view, out, err);
	}
	for (unsigned int i = 0; r >= 0 && ph_path_compare_note(c, i, &note); i++) {
		ph_buf_addf(out, "%snote: %s.\n", i ? "" : "\n", note.p);
		ph_buf_clear(&note);
	}
	return r;
}
