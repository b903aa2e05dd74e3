/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report for eyes: the sentence, the table with a curve, what is not known. */
#include <math.h>
#include <stdlib.h>

#include "analyze/whatif_report.h"
#include "analyze/words.h"
#include "base/cleanup.h"

#define BAR 30
/* From this share on a gap is told of. */
#define GAP_TOLD 0.01

enum { COL_WHAT, COL_CPUS, COL_DURATION, COL_TIMES, COL_CPU, COL_THROTTLED, COL_OUT, COL_BAR };

static const struct ph_col cols[] = {
	{ "LIMIT", "what", PH_COL_STR, .help = "recorded; again: the same, simulated; bound: without throttled time, else as recorded; "
	  "or the limit that is asked for" },
	{ "CPUS", "cpus", PH_COL_F64, true, .help = "the limit; empty: none" },
	{ "DURATION", "duration_ns", PH_COL_NS, .help = "from its tasks' first running to its end" },
	{ "TIMES", "times", PH_COL_F64, .help = "as long as recorded" },
	{ "CPU-TIME", "cpu_ns", PH_COL_NS, .help = "that it used" },
	{ "THROTTLED", "throttled_ns", PH_COL_NS, .help = "by its limits, those above and below it, on all CPUs together" },
	{ "PERIODS", "throttled_periods", PH_COL_U64, .help = "of these limits in which it was throttled" },
	{ "", "bar", PH_COL_STR, .help = "the duration as a bar" },
};

int ph_whatif_check(const struct ph_whatif_report *r, struct ph_err *err)
{
	return ph_table_check(&r->fmt, cols, PH_ARRAY_SIZE(cols), err);
}

void ph_whatif_schema(struct ph_buf *out)
{
	ph_table_schema(cols, PH_ARRAY_SIZE(cols), out);
}

/* "0.5 CPU", "no limit" */
static void add_limit(struct ph_buf *out, double cpus)
{
	if (isinf(cpus))
		ph_buf_adds(out, "no limit");
	else
		words_cpus(out, cpus);
}

static void add_row(struct ph_table *t, const struct ph_whatif_report *r, const char *what, double cpus, const struct ph_whatif_outcome *o,
		    uint64_t most)
{
	struct ph_cell *c = ph_table_row(t);
	unsigned int n = most ? (unsigned int)((double)o->duration_ns / (double)most * BAR + 0.5) : 0;
	ph_autobuf bar = { 0 };

	ph_cell_str(&c[COL_WHAT], what);
	if (isfinite(cpus))
		ph_cell_f64(&c[COL_CPUS], cpus);
	ph_cell_u64(&c[COL_DURATION], o->duration_ns);
	if (r->w->recorded.duration_ns) {
		double times = (double)o->duration_ns / (double)r->w->recorded.duration_ns;

		ph_cell_f64(&c[COL_TIMES], times);
		ph_cell_text(&c[COL_TIMES], "%.2f", times);
	}
	ph_cell_u64(&c[COL_CPU], o->cpu_ns);
	ph_cell_u64(&c[COL_THROTTLED], o->throttled_ns);
	ph_cell_u64(&c[COL_OUT], o->throttled_periods);
	while (n--)
		ph_buf_addc(&bar, '#');
	ph_cell_str(&c[COL_BAR], bar.len ? bar.p : "");
}

static void fill(struct ph_table *t, const struct ph_whatif_report *r)
{
	const struct ph_whatif *w = r->w;
	uint64_t most = w->recorded.duration_ns;

	if (w->again.duration_ns > most)
		most = w->again.duration_ns;
	ph_vec_each(a, &r->answers)
		if (a->outcome.duration_ns > most)
			most = a->outcome.duration_ns;
	ph_table_init(t, cols, PH_ARRAY_SIZE(cols));
	add_row(t, r, "recorded", w->cpus, &w->recorded, most);
	add_row(t, r, "again", w->cpus, &w->again, most);
	add_row(t, r, "bound", INFINITY, &w->bound, most);
	ph_vec_each(a, &r->answers) {
		double cpus = isnan(a->change.cpus) ? w->cpus : a->change.cpus;
		ph_autobuf what = { 0 };

		add_limit(&what, cpus);
		add_row(t, r, what.p, cpus, &a->outcome, most);
	}
}

void ph_whatif_verdict(const struct ph_whatif_report *r, struct ph_buf *out)
{
	const struct ph_whatif *w = r->w;
	const struct ph_whatif_answer *best = NULL, *worst = NULL;

	words_container(out, w->id, w->container);
	ph_buf_adds(out, w->ended ? " took " : " was busy for ");
	words_ns(out, w->recorded.duration_ns);
	ph_buf_adds(out, isinf(w->cpus) ? " without a limit" : " with a limit of ");
	if (isfinite(w->cpus))
		words_cpus(out, w->cpus);
	ph_vec_each(a, &r->answers) {
		if (!best || a->outcome.duration_ns < best->outcome.duration_ns)
			best = a;
		if (!worst || a->outcome.duration_ns > worst->outcome.duration_ns)
			worst = a;
	}
	for (const struct ph_whatif_answer *a = worst; a; a = a == best ? NULL : best) {
		ph_buf_adds(out, a == worst ? "; with " : ", with ");
		add_limit(out, isnan(a->change.cpus) ? w->cpus : a->change.cpus);
		ph_buf_adds(out, a == worst ? " it would have been " : " ");
		words_ns(out, a->outcome.duration_ns);
	}
	ph_buf_addc(out, '.');
}

bool ph_whatif_note(const struct ph_whatif_report *r, unsigned int i, struct ph_buf *out)
{
	const struct ph_whatif *w = r->w;
	unsigned int k = 1;

	if (i == 0) {
		ph_buf_adds(out, "Simulated with what was, it comes to ");
		words_ns(out, w->again.duration_ns);
		ph_buf_adds(out, w->deviation < 0.0005 ? ": as recorded." : ": ");
		if (w->deviation >= 0.0005) {
			words_percent(out, w->deviation);
			ph_buf_adds(out, w->again.duration_ns > w->recorded.duration_ns ? " more than recorded." : " less than recorded.");
		}
		return true;
	}
	for (int g = 0; g < PH_GAP_MAX; g++) {
		if (w->gaps[g] < GAP_TOLD || k++ != i)
			continue;
		ph_buf_adds(out, "Not in the model: ");
		words_percent(out, w->gaps[g]);
		ph_buf_addf(out, " of its tasks' time, %s.", ph_whatif_gap_text((enum ph_whatif_gap)g));
		return true;
	}
	return false;
}

int ph_whatif_print(const struct ph_whatif_report *r, struct ph_buf *out, struct ph_err *err)
{
	bool eyes = r->fmt.output == PH_OUT_COLUMNS;
	struct ph_table t;
	int rc;

	if (r->fmt.output == PH_OUT_JSON || r->fmt.output == PH_OUT_JSONPRETTY) {
		ph_whatif_json(r, out);
		return 0;
	}
	if (eyes) {
		ph_whatif_verdict(r, out);
		ph_buf_adds(out, "\n\n");
	}
	fill(&t, r);
	rc = ph_table_print(&t, &r->fmt, r->width, out, err);
	ph_table_done(&t);
	if (!eyes || rc < 0)
		return rc;
	ph_buf_addc(out, '\n');
	for (unsigned int i = 0; ph_whatif_note(r, i, out); i++)
		ph_buf_addc(out, '\n');
	return 0;
}
