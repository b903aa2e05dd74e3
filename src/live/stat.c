/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "live/stat.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/schema.h"

#define GAP 2

/* From left to right; where they do not fit those with the highest rank go first. */
static const struct { enum ph_top_col col; unsigned int rank; } places[] = {
	{ PH_TOP_COL_TIME, 0 }, { PH_TOP_COL_NAME, 0 }, { PH_TOP_COL_CPU, 1 }, { PH_TOP_COL_USER, 15 },
	{ PH_TOP_COL_SYSTEM, 16 }, { PH_TOP_COL_OF_LIMIT, 9 }, { PH_TOP_COL_THROTTLED, 2 }, { PH_TOP_COL_RUNQ, 3 },
	{ PH_TOP_COL_CPU_SOME, 5 }, { PH_TOP_COL_MEM_SOME, 7 }, { PH_TOP_COL_IO_SOME, 6 }, { PH_TOP_COL_WSET, 4 },
	{ PH_TOP_COL_READ, 11 }, { PH_TOP_COL_WRITE, 12 }, { PH_TOP_COL_RX, 13 }, { PH_TOP_COL_TX, 14 },
	{ PH_TOP_COL_SYSCALLS, 10 }, { PH_TOP_COL_ERRORS, 17 }, { PH_TOP_COL_STEAL, 8 }, { PH_TOP_COL_HOST_CPU, 18 },
	{ PH_TOP_COL_HOST_STEAL, 8 },
};
#define NPLACES PH_ARRAY_SIZE(places)

/* ---- which columns -------------------------------------------------------------------------------------- */

/* Its own list of fields replaces ours. */
static bool has_own(const struct ph_table_fmt *fmt)
{
	for (size_t i = 0; i < fmt->fields.n; i++)
		if (fmt->fields.v[i][0] != '+')
			return true;
	return false;
}

void ph_stat_want(const struct ph_table_fmt *fmt, struct ph_top_want *want)
{
	for (size_t i = 0; i < NPLACES && !has_own(fmt); i++)
		ph_top_want_col(want, places[i].col);
	ph_top_wanted(fmt, want);
	want->each_round = true;
}

static bool usual(const struct ph_stat *st, enum ph_top_col col)
{
	switch (col) {
	case PH_TOP_COL_NAME:
		return !st->one || st->fmt->output != PH_OUT_COLUMNS;
	case PH_TOP_COL_STEAL:
		return st->machine;
	case PH_TOP_COL_HOST_CPU:
	case PH_TOP_COL_HOST_STEAL:
		return !st->machine;
	default:
		return true;
	}
}

static size_t width_of(const struct ph_stat *st, enum ph_top_col col)
{
	const struct ph_col *c = &ph_top_cols[col];
	size_t w = strlen(c->head), unused;

	if (w < c->width)
		w = c->width;
	if (col == PH_TOP_COL_TIME)
		w = strlen("23:59:59") + (st->digits ? 1 + st->digits : 0);
	for (size_t i = 0; col == PH_TOP_COL_NAME && i < st->t->rows.n; i++) {
		const struct ph_top_row *r = st->t->rows.v[i];
		size_t n = r && st->wanted(st->arg, r) ? ph_display_width(ph_top_name(r), SIZE_MAX, &unused) : 0;

		w = n > w ? n : w;
	}
	return w;
}

static void choose(struct ph_stat *st, unsigned int width)
{
	struct ph_table_fmt *fmt = &st->shown;
	size_t total = 0;
	bool in[NPLACES];

	ph_strv_done(&fmt->fields);
	*fmt = *st->fmt;
	memset(&fmt->fields, 0, sizeof(fmt->fields));
	/* JSON has every field, whoever reads it picks. */
	if (!has_own(st->fmt) && (fmt->output == PH_OUT_COLUMNS || fmt->output == PH_OUT_CSV)) {
		for (size_t i = 0; i < NPLACES; i++) {
			in[i] = usual(st, places[i].col);
			total += in[i] ? width_of(st, places[i].col) + GAP : 0;
		}
		while (width && total > width + GAP) {
			size_t worst = 0;

			for (size_t i = 1; i < NPLACES; i++)
				if (in[i] && (!in[worst] || places[i].rank > places[worst].rank))
					worst = i;
			if (!places[worst].rank)
				break;
			in[worst] = false;
			total -= width_of(st, places[worst].col) + GAP;
		}
		for (size_t i = 0; i < NPLACES; i++)
			if (in[i])
				ph_strv_add(&fmt->fields, ph_top_cols[places[i].col].json);
	}
	for (size_t i = 0; i < st->fmt->fields.n; i++)
		ph_strv_add(&fmt->fields, st->fmt->fields.v[i]);
}

/* ---- lines ---------------------------------------------------------------------------------------------- */

static void fill(const struct ph_stat *st, uint64_t unix_ns, struct ph_table *table)
{
	ph_autobuf time = { 0 };

	ph_clock_text((int64_t)unix_ns, st->utc, st->digits, &time);
	for (size_t i = 0; i < st->t->rows.n; i++) {
		const struct ph_top_row *r = st->t->rows.v[i];
		struct ph_cell *cells;

		if (!r || !st->wanted(st->arg, r))
			continue;
		cells = ph_table_row(table);
		ph_top_fill(st->t, r, unix_ns, cells);
		ph_cell_text(&cells[PH_TOP_COL_TIME], "%s", time.p);
	}
}

int ph_stat_round(struct ph_stat *st, uint64_t unix_ns, unsigned int width, unsigned int height, struct ph_buf *out,
		  struct ph_err *err)
{
	struct ph_table table;
	size_t lines;
	int r;

	ph_table_init(&table, ph_top_cols, PH_TOP_NCOLS);
	fill(st, unix_ns, &table);
	lines = table.rows.n;
	if (st->fmt->max_entries && lines > st->fmt->max_entries)
		lines = st->fmt->max_entries;
	if (!lines) {
		ph_table_done(&table);
		return 0;
	}
	/* A heading above what is on the screen, the line of the cursor included. */
	if (st->fmt->output == PH_OUT_COLUMNS &&
	    (width != st->width || (height > 4 && st->lines + lines + 2 > height)))
		ph_table_more_done(&st->more);
	if (!st->more.begun) {
		choose(st, width);
		st->width = width;
		st->lines = 0;
	}
	r = ph_table_print_more(&table, &st->shown, width, &st->more, out, err);
	st->lines += lines;
	ph_table_done(&table);
	return r < 0 ? r : (int)lines;
}

void ph_stat_done(struct ph_stat *st)
{
	ph_table_more_done(&st->more);
	ph_strv_done(&st->shown.fields);
}
