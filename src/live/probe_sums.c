/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hits counted, and their values spread out, for each value of some columns. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/histogram.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "base/parse.h"
#include "live/probe_view.h"

#define BY_MAX 8

struct group {
	char *value[BY_MAX];		/* as text; NULL: it has none */
	uint64_t n, negative, unknown;	/* values below 0; hits without the value */
	struct ph_hist hist;
};

struct ph_probe_sums {
	const struct ph_col *cols;
	struct ph_probe_sums_opts o;
	struct ph_table_fmt fmt;
	size_t by[BY_MAX], nby, hist;	/* columns */
	struct ph_col counts[BY_MAX + 1];	/* of --count's table: those, and how many */
	struct ph_strmap by_key;	/* number of the group, plus 1 */
	PH_VEC(struct group) groups;
	struct ph_buf key;
};

static int find(const struct ph_col *cols, size_t ncols, const char *option, const char *name, size_t *ret, struct ph_err *err)
{
	struct ph_table_fmt fmt = { .sort = name };
	struct ph_err known = { 0 };

	for (size_t i = 0; i < ncols; i++)
		if (!strcmp(cols[i].json, name)) {
			*ret = i;
			return 0;
		}
	/* It names what there is. */
	ph_table_check(&fmt, cols, ncols, &known);
	return ph_err_set(err, -EINVAL, "%s%s", option, known.msg + strlen("--sort"));
}

static int set_counts(struct ph_probe_sums *s, struct ph_err *err)
{
	for (size_t i = 0; i < s->nby; i++)
		s->counts[i] = (struct ph_col){ .head = s->cols[s->by[i]].head, .json = s->cols[s->by[i]].json, .type = PH_COL_STR };
	s->counts[s->nby] = (struct ph_col){ .head = "COUNT", .json = "count", .type = PH_COL_U64 };
	if (!s->fmt.sort)
		s->fmt.sort = "-count";
	return ph_table_check(&s->fmt, s->counts, s->nby + 1, err);
}

int ph_probe_sums_new(const struct ph_col *cols, size_t ncols, const struct ph_probe_sums_opts *o,
		      struct ph_probe_sums **ret, struct ph_err *err)
{
	struct ph_probe_sums *s = ph_alloc(sizeof(*s));
	int r = 0;

	s->cols = cols;
	s->o = *o;
	s->fmt = *o->fmt;
	s->hist = SIZE_MAX;
	if (o->hist)
		r = find(cols, ncols, "--hist", o->hist, &s->hist, err);
	if (r == 0 && o->hist && (cols[s->hist].type == PH_COL_STR || cols[s->hist].type == PH_COL_F64))
		r = ph_err_set(err, -EINVAL, "--hist: %s is %s, and no whole number", o->hist,
			       cols[s->hist].type == PH_COL_STR ? "a text" : "a floating-point number");
	for (size_t i = 0; i < o->by->n && r == 0; i++) {
		if (s->nby == BY_MAX)
			r = ph_err_set(err, -E2BIG, "--by: at most %d columns", BY_MAX);
		else
			r = find(cols, ncols, "--by", o->by->v[i], &s->by[s->nby++], err);
	}
	if (r == 0 && !o->by->n && !o->hist)
		r = find(cols, ncols, "--by", "function", &s->by[s->nby++], err);
	if (r == 0 && !o->hist)
		r = set_counts(s, err);
	if (r < 0)
		ph_probe_sums_free(s);
	else
		*ret = s;
	return r;
}

void ph_probe_sums_free(struct ph_probe_sums *s)
{
	if (!s)
		return;
	ph_vec_each(g, &s->groups) {
		for (size_t i = 0; i < BY_MAX; i++)
			free(g->value[i]);
		ph_hist_done(&g->hist);
	}
	ph_vec_done(&s->groups);
	ph_strmap_done(&s->by_key);
	ph_buf_done(&s->key);
	free(s);
}

static char *text(const struct ph_col *col, const struct ph_cell *c)
{
	if (!c->set)
		return NULL;
	switch (col->type) {
	case PH_COL_STR: return ph_strdup(c->s);
	case PH_COL_S64: return ph_asprintf("%ld", c->i);
	case PH_COL_F64: return ph_asprintf("%g", c->f);
	default: return ph_asprintf("%lu", c->u);
	}
}

static struct group *group_of(struct ph_probe_sums *s, const struct ph_cell *cells)
{
	char *value[BY_MAX] = { 0 };
	struct group *g;
	size_t at;

	ph_buf_clear(&s->key);
	ph_buf_adds(&s->key, "");
	for (size_t i = 0; i < s->nby; i++) {
		value[i] = text(&s->cols[s->by[i]], &cells[s->by[i]]);
		ph_buf_addf(&s->key, "%s\x1f", value[i] ? value[i] : "\x1e");
	}
	at = (size_t)(uintptr_t)ph_strmap_get(&s->by_key, s->key.p);
	if (at) {
		for (size_t i = 0; i < s->nby; i++)
			free(value[i]);
		return &s->groups.v[at - 1];
	}
	g = ph_vec_push(&s->groups);
	memcpy(g->value, value, sizeof(value));
	ph_strmap_put(&s->by_key, s->key.p, (void *)(uintptr_t)s->groups.n);
	return g;
}

void ph_probe_sums_add(void *sums, const struct ph_cell *cells)
{
	struct ph_probe_sums *s = sums;
	struct group *g = group_of(s, cells);
	const struct ph_cell *c = s->hist == SIZE_MAX ? NULL : &cells[s->hist];

	g->n++;
	if (!c)
		return;
	if (!c->set)
		g->unknown++;
	else if (s->cols[s->hist].type == PH_COL_S64 && c->i < 0)
		g->negative++;
	else
		ph_hist_add(&g->hist, c->u);
}

/* ---- counts --------------------------------------------------------------------------------------- */

static int print_counts(struct ph_probe_sums *s, struct ph_buf *out, struct ph_err *err)
{
	struct ph_table t;
	int r;

	ph_table_init(&t, s->counts, s->nby + 1);
	ph_vec_each(g, &s->groups) {
		struct ph_cell *row = ph_table_row(&t);

		for (size_t i = 0; i < s->nby; i++)
			ph_cell_str(&row[i], g->value[i]);
		ph_cell_u64(&row[s->nby], g->n);
	}
	r = ph_table_print(&t, &s->fmt, s->o.width, out, err);
	ph_table_done(&t);
	return r;
}

/* ---- histograms ------------------------------------------------------------------------------------- */

static int by_count(const void *pa, const void *pb)
{
	const struct group *a = pa, *b = pb;

	return a->n != b->n ? (a->n > b->n ? -1 : 1) : 0;
}

static const char *shown(const struct ph_probe_sums *s, uint64_t v, char buf[PH_HUMAN_MAX])
{
	if (s->cols[s->hist].type == PH_COL_NS)
		return ph_human_ns(v, buf);
	snprintf(buf, PH_HUMAN_MAX, "%lu", v);
	return buf;
}

static void draw(const struct ph_probe_sums *s, const struct ph_hist *h, struct ph_buf *out)
{
	const unsigned int width = 40;
	uint64_t most = 1, lo, hi;

	for (unsigned int i = 0; i < ph_hist_rows(h); i++) {
		uint64_t n = ph_hist_row(h, i, &lo, &hi);

		most = n > most ? n : most;
	}
	for (unsigned int i = 0; i < ph_hist_rows(h); i++) {
		uint64_t n = ph_hist_row(h, i, &lo, &hi);
		unsigned int len = (unsigned int)((double)n / (double)most * width + 0.5), bar = n && !len ? 1 : len;
		char a[PH_HUMAN_MAX], b[PH_HUMAN_MAX];

		ph_buf_addf(out, " %10s .. %-10s |", shown(s, lo, a), shown(s, hi, b));
		for (unsigned int k = 0; k < width; k++)
			ph_buf_addc(out, k < bar ? '#' : ' ');
		ph_buf_addf(out, "| %lu\n", n);
	}
}

static void hist_columns(const struct ph_probe_sums *s, const struct group *g, struct ph_buf *out)
{
	char avg[PH_HUMAN_MAX], half[PH_HUMAN_MAX], p99[PH_HUMAN_MAX], max[PH_HUMAN_MAX];

	for (size_t i = 0; i < s->nby; i++) {
		const char *v = g->value[i] ? g->value[i] : "-";

		ph_buf_adds(out, i ? ", " : "");
		ph_buf_add_term(out, v, strlen(v));
	}
	ph_buf_addf(out, "%s%lu times", s->nby ? ": " : "", g->n);
	if (g->hist.n)
		ph_buf_addf(out, ", %s: average %s, half below %s, 99 %% below %s, most %s", s->cols[s->hist].json,
			    shown(s, ph_hist_avg(&g->hist), avg), shown(s, ph_hist_quantile(&g->hist, 0.5), half),
			    shown(s, ph_hist_quantile(&g->hist, 0.99), p99), shown(s, g->hist.max, max));
	if (g->negative)
		ph_buf_addf(out, ", %lu times below 0", g->negative);
	if (g->unknown)
		ph_buf_addf(out, ", %lu times not known", g->unknown);
	ph_buf_addc(out, '\n');
	draw(s, &g->hist, out);
}

static void hist_json(const struct ph_probe_sums *s, const struct group *g, struct ph_buf *out)
{
	struct ph_json j = { .out = out, .pretty = s->fmt.output == PH_OUT_JSONPRETTY };
	uint64_t lo, hi = 0;

	ph_json_obj(&j, NULL);
	for (size_t i = 0; i < s->nby; i++)
		ph_json_str(&j, s->cols[s->by[i]].json, g->value[i]);
	ph_json_str(&j, "values", s->cols[s->hist].json);
	ph_json_u64(&j, "hits", g->n);
	ph_json_u64(&j, "negative", g->negative);
	ph_json_u64(&j, "unknown", g->unknown);
	ph_json_u64(&j, "count", g->hist.n);
	ph_json_u64(&j, "sum", g->hist.sum);
	ph_json_u64(&j, "min", g->hist.min);
	ph_json_u64(&j, "max", g->hist.max);
	ph_json_u64(&j, "p50", ph_hist_quantile(&g->hist, 0.5));
	ph_json_u64(&j, "p99", ph_hist_quantile(&g->hist, 0.99));
	ph_json_arr(&j, "edges");
	for (unsigned int i = 0; i < ph_hist_rows(&g->hist); i++) {
		ph_hist_row(&g->hist, i, &lo, &hi);
		ph_json_u64(&j, NULL, lo);
	}
	if (g->hist.n)
		ph_json_u64(&j, NULL, hi);
	ph_json_arr_end(&j);
	ph_json_arr(&j, "counts");
	for (unsigned int i = 0; i < ph_hist_rows(&g->hist); i++)
		ph_json_u64(&j, NULL, ph_hist_row(&g->hist, i, &lo, &hi));
	ph_json_arr_end(&j);
	ph_json_obj_end(&j);
	ph_buf_addc(out, '\n');
}

static void hist_csv(const struct ph_probe_sums *s, const struct group *g, struct ph_buf *out)
{
	uint64_t lo, hi, n;

	for (unsigned int i = 0; i < ph_hist_rows(&g->hist); i++) {
		n = ph_hist_row(&g->hist, i, &lo, &hi);
		for (size_t k = 0; k < s->nby; k++) {
			ph_buf_add_csv(out, g->value[k] ? g->value[k] : "", g->value[k] ? strlen(g->value[k]) : 0);
			ph_buf_addc(out, ',');
		}
		ph_buf_addf(out, "%lu,%lu,%lu\r\n", lo, hi, n);
	}
}

static void csv_head(const struct ph_probe_sums *s, struct ph_buf *out)
{
	for (size_t k = 0; k < s->nby; k++)
		ph_buf_addf(out, "%s,", s->cols[s->by[k]].json);
	ph_buf_adds(out, "from,to,count\r\n");
}

int ph_probe_sums_print(struct ph_probe_sums *s, struct ph_buf *out, struct ph_err *err)
{
	if (s->hist == SIZE_MAX)
		return print_counts(s, out, err);
	if (s->groups.n)
		qsort(s->groups.v, s->groups.n, sizeof(*s->groups.v), by_count);
	if (s->fmt.output == PH_OUT_CSV && !s->fmt.no_header)
		csv_head(s, out);
	for (size_t i = 0; i < s->groups.n && (!s->fmt.max_entries || i < s->fmt.max_entries); i++) {
		const struct group *g = &s->groups.v[i];

		if (s->fmt.output == PH_OUT_CSV)
			hist_csv(s, g, out);
		else if (s->fmt.output != PH_OUT_COLUMNS)
			hist_json(s, g, out);
		else
			hist_columns(s, g, out);
	}
	return 0;
}
