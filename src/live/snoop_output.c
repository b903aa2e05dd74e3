/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/parse.h"
#include "live/snoop_priv.h"

/* Rows as lines, and histograms. */

void ph_snoop_cells_free(struct ph_cell *cells, size_t n)
{
	for (size_t i = 0; cells && i < n; i++) {
		if (cells[i].owned)
			free((char *)cells[i].s);
		free((char *)cells[i].text);
	}
	free(cells);
}

/* ---- histograms ---------------------------------------------------------------------------------- */

/* What stands in the column that groups are made by. */
static char *key_text(const struct ph_snoop_out *o, const struct ph_cell *c)
{
	if (!c->set)
		return ph_strdup("");
	switch (o->cols[o->by].type) {
	case PH_COL_STR: return ph_strdup(c->s);
	case PH_COL_S64: return ph_asprintf("%ld", c->i);
	case PH_COL_F64: return ph_asprintf("%g", c->f);
	default: return ph_asprintf("%lu", c->u);
	}
}

static struct ph_snoop_group *group_of(struct ph_snoop_out *o, const struct ph_cell *cells)
{
	char *key = o->by == SIZE_MAX ? ph_strdup("") : key_text(o, &cells[o->by]);
	size_t at = (size_t)(uintptr_t)ph_strmap_get(&o->by_key, key);

	if (at) {
		free(key);
		return &o->groups.v[at - 1];
	}
	ph_vec_push(&o->groups)->key = key;
	ph_strmap_put(&o->by_key, key, (void *)(uintptr_t)o->groups.n);
	return &o->groups.v[o->groups.n - 1];
}

static int cmp_group(const void *pa, const void *pb)
{
	const struct ph_snoop_group *a = pa, *b = pb;

	if (a->hist.n != b->hist.n)
		return a->hist.n > b->hist.n ? -1 : 1;
	return strcmp(a->key, b->key);
}

static void hist_columns(const struct ph_snoop_group *g, bool by, struct ph_buf *out)
{
	char avg[PH_HUMAN_MAX], p50[PH_HUMAN_MAX], p99[PH_HUMAN_MAX], max[PH_HUMAN_MAX];

	if (by && *g->key)
		ph_buf_add_term(out, g->key, strlen(g->key));
	else if (by)
		ph_buf_addc(out, '-');
	ph_buf_addf(out, "%s%lu times, average %s, half below %s, 99 %% below %s, most %s\n", by ? ": " : "", g->hist.n,
		    ph_human_ns(ph_hist_avg(&g->hist), avg), ph_human_ns(ph_hist_quantile(&g->hist, 0.5), p50),
		    ph_human_ns(ph_hist_quantile(&g->hist, 0.99), p99), ph_human_ns(g->hist.max, max));
	ph_hist_draw(&g->hist, 1, 40, out);
}

static void hist_json(const struct ph_snoop_out *o, const struct ph_snoop_group *g, struct ph_buf *out)
{
	struct ph_json j = { .out = out, .pretty = o->o->fmt.output == PH_OUT_JSONPRETTY };

	ph_json_obj(&j, NULL);
	ph_json_str(&j, "snoop", o->sn->name);
	ph_json_str(&j, "by", o->by == SIZE_MAX ? NULL : o->cols[o->by].json);
	ph_json_str(&j, "value", o->by == SIZE_MAX || !*g->key ? NULL : g->key);
	ph_hist_json(&g->hist, &j, o->sn->time);
	ph_json_obj_end(&j);
	ph_buf_addc(out, '\n');
}

static void hist_csv(const struct ph_snoop_group *g, struct ph_buf *out)
{
	uint64_t lo, hi, n;

	for (unsigned int i = 0; i < ph_hist_rows(&g->hist); i++) {
		n = ph_hist_row(&g->hist, i, &lo, &hi);
		ph_buf_add_csv(out, g->key, strlen(g->key));
		ph_buf_addf(out, ",%lu,%lu,%lu\r\n", lo, hi, n);
	}
}

static void print_hist(struct ph_snoop_out *o, struct ph_buf *out)
{
	enum ph_output how = o->o->fmt.output;

	if (o->groups.n)
		qsort(o->groups.v, o->groups.n, sizeof(*o->groups.v), cmp_group);
	if (how == PH_OUT_CSV && !o->o->fmt.no_header)
		ph_buf_addf(out, "%s,from_ns,to_ns,count\r\n", o->by == SIZE_MAX ? "value" : o->cols[o->by].json);
	ph_vec_each(g, &o->groups) {
		if (how == PH_OUT_CSV)
			hist_csv(g, out);
		else if (how != PH_OUT_COLUMNS)
			hist_json(o, g, out);
		else
			hist_columns(g, o->by != SIZE_MAX, out);
	}
}

/* ---- rows -------------------------------------------------------------------------------------- */

/* What is kept at least of rows that are sorted in the end, where only some are wanted. */
#define KEEP_MIN 4096

static void time_text(struct ph_snoop_out *o, struct ph_cell *c)
{
	int64_t sec = c->i / (int64_t)PH_NSEC, ns = c->i % (int64_t)PH_NSEC;
	time_t t;
	struct tm tm;

	if (ns < 0) {
		ns += (int64_t)PH_NSEC;
		sec--;
	}
	if (sec != o->shown_sec) {
		t = (time_t)sec;
		if (o->o->utc ? !gmtime_r(&t, &tm) : !localtime_r(&t, &tm))
			tm = (struct tm){ 0 };
		strftime(o->hms, sizeof(o->hms), "%H:%M:%S", &tm);
		o->shown_sec = sec;
	}
	ph_cell_text(c, "%s.%06d", o->hms, (int)(ns / 1000));
}

void ph_snoop_out_row(struct ph_snoop_out *o, struct ph_cell *cells)
{
	uint64_t max = o->o->fmt.max_entries;

	if (o->o->hist) {
		if (cells[o->time].set)
			ph_hist_add(&group_of(o, cells)->hist, cells[o->time].u);
		ph_snoop_cells_free(cells, o->ncols);
		return;
	}
	if (o->o->fmt.output == PH_OUT_COLUMNS)
		time_text(o, &cells[PH_SNOOP_TIME]);
	*ph_vec_push(&o->table.rows) = cells;
	if (o->o->fmt.sort && max && o->table.rows.n >= KEEP_MIN && o->table.rows.n / 4 > max)
		ph_table_keep(&o->table, &o->o->fmt, max, NULL);
}

void ph_snoop_out_print(struct ph_snoop_out *o, bool last, struct ph_buf *out)
{
	struct ph_table_fmt fmt = o->o->fmt;

	if (o->o->hist) {
		if (last)
			print_hist(o, out);
		return;
	}
	if (fmt.sort) {
		if (last)
			ph_table_print(&o->table, &fmt, o->o->width, out, NULL);
		return;
	}
	/* Their number was seen to before. */
	fmt.max_entries = 0;
	if (o->table.rows.n || (last && !o->more.begun))
		ph_table_print_more(&o->table, &fmt, o->o->width, &o->more, out, NULL);
}

void ph_snoop_out_done(struct ph_snoop_out *o)
{
	ph_vec_each(g, &o->groups) {
		ph_hist_done(&g->hist);
		free(g->key);
	}
	ph_vec_done(&o->groups);
	ph_strmap_done(&o->by_key);
	ph_table_done(&o->table);
	ph_table_more_done(&o->more);
}
