/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report for eyes: the sentence, the table with a curve, what is not known. */
#include <math.h>
#include <stdlib.h>

#include "analyze/whatif_priv.h"
#include "analyze/whatif_report.h"
#include "analyze/words.h"
#include "base/cleanup.h"

#define BAR 30
/* From this share on a gap is told of. */
#define GAP_TOLD 0.01

enum { COL_WHAT, COL_CPUS, COL_DURATION, COL_TIMES, COL_CPU, COL_THROTTLED, COL_OUT, COL_P50, COL_P90, COL_P99, COL_MAX, COL_COUNT, COL_BAR };

static const struct ph_col cols[] = {
	{ "LIMIT", "what", PH_COL_STR, .help = "recorded; again: the same, simulated; bound: without throttled time, else as recorded; "
	  "or the limit that is asked for" },
	{ "CPUS", "cpus", PH_COL_F64, true, .help = "the limit; empty: none" },
	{ "DURATION", "duration_ns", PH_COL_NS, .help = "from its tasks' first running to its end" },
	{ "TIMES", "times", PH_COL_F64, .help = "as long as recorded" },
	{ "CPU-TIME", "cpu_ns", PH_COL_NS, .help = "that it used" },
	{ "THROTTLED", "throttled_ns", PH_COL_NS, .help = "by its limits, those above and below it, on all CPUs together" },
	{ "PERIODS", "throttled_periods", PH_COL_U64, .help = "of these limits in which it was throttled" },
	{ "P50", "p50_ns", PH_COL_NS, .help = "so long half of the requests took at most" },
	{ "P90", "p90_ns", PH_COL_NS, .help = "90 % of them" },
	{ "P99", "p99_ns", PH_COL_NS, .help = "99 % of them" },
	{ "MAX", "max_ns", PH_COL_NS, .help = "the longest" },
	{ "REQUESTS", "requests", PH_COL_U64, true, .help = "how many" },
	{ "", "bar", PH_COL_STR, .help = "the duration, or the requests' P99, as a bar" },
};

int ph_whatif_check(const struct ph_table_fmt *fmt, struct ph_err *err)
{
	return ph_table_check(fmt, cols, PH_ARRAY_SIZE(cols), err);
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

/* What the curve is of. */
static uint64_t figure(const struct ph_whatif_outcome *o)
{
	return o->requests.count ? o->requests.p99_ns : o->duration_ns;
}

static void add_row(struct ph_table *t, const struct ph_whatif_report *r, const char *what, double cpus, const struct ph_whatif_outcome *o,
		    uint64_t most)
{
	struct ph_cell *c = ph_table_row(t);
	unsigned int n = most ? (unsigned int)((double)figure(o) / (double)most * BAR + 0.5) : 0;
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
	if (o->requests.count) {
		ph_cell_u64(&c[COL_P50], o->requests.p50_ns);
		ph_cell_u64(&c[COL_P90], o->requests.p90_ns);
		ph_cell_u64(&c[COL_P99], o->requests.p99_ns);
		ph_cell_u64(&c[COL_MAX], o->requests.max_ns);
		ph_cell_u64(&c[COL_COUNT], o->requests.count);
	}
	while (n--)
		ph_buf_addc(&bar, '#');
	ph_cell_str(&c[COL_BAR], bar.len ? bar.p : "");
}

static void fill(struct ph_table *t, const struct ph_whatif_report *r)
{
	const struct ph_whatif *w = r->w;
	uint64_t most = figure(&w->recorded);

	if (figure(&w->again) > most)
		most = figure(&w->again);
	ph_vec_each(a, &r->answers)
		if (figure(&a->outcome) > most)
			most = figure(&a->outcome);
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
	if (r->goal.text && !isnan(r->limit.change.cpus)) {
		ph_autobuf what = { 0 };

		ph_buf_adds(&what, "goal: ");
		add_limit(&what, r->limit.change.cpus);
		add_row(t, r, what.p, r->limit.change.cpus, &r->limit.outcome, most);
	}
}

/* What there is nothing of is not shown, where columns were not asked for. */
static const struct ph_table_fmt *columns(const struct ph_whatif_report *r, struct ph_table_fmt *ret)
{
	static const char *const with[] = { "what", "p50_ns", "p90_ns", "p99_ns", "max_ns", "cpu_ns", "throttled_ns", "throttled_periods", "bar" };
	static const char *const without[] = { "what", "duration_ns", "times", "cpu_ns", "throttled_ns", "throttled_periods", "bar" };
	const char *const *fields = r->w->recorded.requests.count ? with : without;
	size_t n = r->w->recorded.requests.count ? PH_ARRAY_SIZE(with) : PH_ARRAY_SIZE(without);

	if (r->view->fmt.fields.n || r->view->fmt.output != PH_OUT_COLUMNS)
		return &r->view->fmt;
	*ret = r->view->fmt;
	for (size_t i = 0; i < n; i++)
		ph_strv_add(&ret->fields, fields[i]);
	return ret;
}

static void add_figure(struct ph_buf *out, const struct ph_whatif_outcome *o)
{
	words_ns(out, figure(o));
}

/* "at least 0.37 CPU are needed for p99 < 20ms" */
static void add_goal(const struct ph_whatif_report *r, struct ph_buf *out)
{
	if (isnan(r->limit.change.cpus)) {
		ph_buf_adds(out, " No limit reaches ");
		words_name(out, r->goal.text);
		ph_buf_adds(out, ": without one it would be ");
	} else {
		ph_buf_adds(out, " For ");
		words_name(out, r->goal.text);
		if (isinf(r->limit.change.cpus)) {
			ph_buf_adds(out, " there must be no limit: it would be ");
		} else {
			ph_buf_addc(out, ' ');
			words_cpus(out, r->limit.change.cpus);
			ph_buf_adds(out, " is enough: it would be ");
		}
	}
	words_ns(out, *(const uint64_t *)((const char *)&r->limit.outcome + r->goal.of));
	ph_buf_addc(out, '.');
}

void ph_whatif_verdict(const struct ph_whatif_report *r, struct ph_buf *out)
{
	const struct ph_whatif *w = r->w;
	const struct ph_whatif_answer *best = NULL, *worst = NULL;

	if (w->recorded.requests.count) {
		ph_buf_addf(out, "Of %lu requests 99 %% took at most ", w->recorded.requests.count);
		add_figure(out, &w->recorded);
		ph_buf_adds(out, ", of ");
		words_container(out, w->id, w->container);
	} else {
		words_container(out, w->id, w->container);
		ph_buf_adds(out, w->ended ? " took " : " was busy for ");
		add_figure(out, &w->recorded);
	}
	ph_buf_adds(out, isinf(w->cpus) ? " without a limit" : " with a limit of ");
	if (isfinite(w->cpus))
		words_cpus(out, w->cpus);
	ph_buf_adds(out, w->changed ? ", which was changed meanwhile" : "");
	ph_vec_each(a, &r->answers) {
		if (!best || figure(&a->outcome) < figure(&best->outcome))
			best = a;
		if (!worst || figure(&a->outcome) > figure(&worst->outcome))
			worst = a;
	}
	for (const struct ph_whatif_answer *a = worst; a; a = a == best ? NULL : best) {
		ph_buf_adds(out, a == worst ? "; with " : ", with ");
		add_limit(out, isnan(a->change.cpus) ? w->cpus : a->change.cpus);
		ph_buf_adds(out, a == worst ? " it would have been " : " ");
		add_figure(out, &a->outcome);
	}
	ph_buf_addc(out, '.');
	if (r->goal.text)
		add_goal(r, out);
}

/* When periods begin, or a few percent of CPU time, makes more than a tenth of it. */
static bool by_chance(const struct ph_whatif_outcome *o)
{
	return o->most_ns - o->least_ns > figure(o) / 10;
}

bool ph_whatif_note(const struct ph_whatif_report *r, unsigned int i, struct ph_buf *out)
{
	const struct ph_whatif *w = r->w;
	unsigned int k = 1;
	double cpus, share;

	if (i == 0) {
		uint64_t was = figure(&w->recorded), is = figure(&w->again);
		double off = was ? fabs((double)is / (double)was - 1) : 0;

		ph_buf_adds(out, "Simulated with what was, it comes to ");
		words_ns(out, is);
		ph_buf_adds(out, off < 0.0005 ? ": as recorded." : ": ");
		if (off >= 0.0005) {
			words_percent(out, off);
			ph_buf_adds(out, is > was ? " more than recorded." : " less than recorded.");
		}
		return true;
	}
	ph_vec_each(a, &r->answers) {
		if (!by_chance(&a->outcome) || k++ != i)
			continue;
		cpus = isnan(a->change.cpus) ? w->cpus : a->change.cpus;
		ph_buf_adds(out, "With ");
		add_limit(out, cpus);
		share = (double)a->outcome.cpu_ns / ((double)a->outcome.duration_ns * cpus);
		/* Of a short job the first period's is most. */
		if (share < 1) {
			ph_buf_adds(out, ", of which it needs ");
			words_percent(out, share);
			ph_buf_addc(out, ',');
		}
		ph_buf_adds(out, " it may be ");
		words_ns(out, a->outcome.least_ns);
		ph_buf_adds(out, " to ");
		words_ns(out, a->outcome.most_ns);
		ph_buf_adds(out, whatif_periods_known(w, &a->change) ? ": a few percent of CPU time decide." :
			    ": when periods begin, or a few percent of CPU time, decides.");
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
	const struct ph_table_fmt *fmt = &r->view->fmt;
	bool eyes = fmt->output == PH_OUT_COLUMNS;
	struct ph_table_fmt chosen = { 0 };
	struct ph_table t;
	int rc;

	if (fmt->output == PH_OUT_JSON || fmt->output == PH_OUT_JSONPRETTY) {
		ph_whatif_json(r, out);
		return 0;
	}
	if (eyes) {
		ph_whatif_verdict(r, out);
		ph_buf_adds(out, "\n\n");
	}
	fill(&t, r);
	fmt = columns(r, &chosen);
	rc = ph_table_print(&t, fmt, r->view->width, out, err);
	ph_table_done(&t);
	if (fmt == &chosen)
		ph_strv_done(&chosen.fields);
	if (!eyes || rc < 0)
		return rc;
	ph_buf_addc(out, '\n');
	for (unsigned int i = 0; ph_whatif_note(r, i, out); i++)
		ph_buf_addc(out, '\n');
	return 0;
}
