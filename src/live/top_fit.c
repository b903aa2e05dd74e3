/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of the full-screen view: which columns there is room for, how wide they are, and their text. */
#include "live/top_view_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/*
 * From left to right. Each gets its place in the order of the ranks, where there is still room for it. A column that
 * few machines have anything for is shown where anybody has.
 */
static const struct { size_t col; unsigned int rank; bool rare; } places[] = {
	{ PH_TOP_COL_NAME, 0 }, { PH_TOP_COL_MEMBERS, 1 }, { PH_TOP_COL_CPU, 2 }, { PH_TOP_COL_USER, 17 },
	{ PH_TOP_COL_SYSTEM, 18 }, { PH_TOP_COL_SPARK, 15 }, { PH_TOP_COL_LIMIT, 24 }, { PH_TOP_COL_OF_LIMIT, 6 },
	{ PH_TOP_COL_THROTTLED, 3 }, { PH_TOP_COL_RUNQ, 4 }, { PH_TOP_COL_TASKS, 13 }, { PH_TOP_COL_WSET, 5 },
	{ PH_TOP_COL_MEM_LIMIT, 25 }, { PH_TOP_COL_MEM_OF, 7 }, { PH_TOP_COL_FAULTS, 14 }, { PH_TOP_COL_MAJOR, 26 },
	{ PH_TOP_COL_READ, 9 }, { PH_TOP_COL_WRITE, 10 }, { PH_TOP_COL_READS, 29 }, { PH_TOP_COL_WRITES, 30 },
	{ PH_TOP_COL_RX, 11 }, { PH_TOP_COL_TX, 12 }, { PH_TOP_COL_RX_PACKETS, 31 }, { PH_TOP_COL_TX_PACKETS, 32 },
	{ PH_TOP_COL_DROPS, 33 }, { PH_TOP_COL_SOCKET_RX, 34 }, { PH_TOP_COL_SOCKET_TX, 35 },
	{ PH_TOP_COL_SYSCALLS, 8 }, { PH_TOP_COL_ERRORS, 16 }, { PH_TOP_COL_FILES, 20 },
	{ PH_TOP_COL_RESTARTS, 22, true }, { PH_TOP_COL_OOM, 21 }, { PH_TOP_COL_AGE, 19 }, { PH_TOP_COL_PID, 27 },
	{ PH_TOP_COL_RUNTIME, 28 }, { PH_TOP_COL_IMAGE, 23, true },
};

/* These are wider where there is room left, as far as they have more to show. */
#define NAME_WIDTH 32
#define IMAGE_WIDTH 16
#define SPARK_WIDTH 10
#define ARGS_WIDTH 12		/* below this arguments tell nothing */

bool ph_top_view_of_containers(enum ph_top_show show)
{
	return show == PH_SHOW_CONTAINERS || show == PH_SHOW_GROUPS;
}

/* Groups have what can be added up. */
static bool has_column(enum ph_top_show show, size_t col)
{
	if (show == PH_SHOW_GROUPS)
		return col != PH_TOP_COL_IMAGE && col != PH_TOP_COL_RESTARTS && col != PH_TOP_COL_PID && col != PH_TOP_COL_RUNTIME;
	return col != PH_TOP_COL_MEMBERS;
}

static bool anybody_has(const struct ph_table *t, size_t col)
{
	for (size_t i = 0; i < t->rows.n; i++)
		if (t->rows.v[i][col].set)
			return true;
	return false;
}

/* What numbers mostly need: columns do not move whenever one gets a digit more. */
static uint8_t usual_width(const struct ph_col *col)
{
	switch (col->type) {
	case PH_COL_F64:
		return strchr(col->head, '%') ? 5 : 7;
	case PH_COL_BYTES:
	case PH_COL_NS:
		return 7;
	case PH_COL_S64:
		return 6;
	default:
		return 0;
	}
}

/* Do its numbers change all the time, so that the columns are to be steady? */
static bool steady(enum ph_top_show show)
{
	return show != PH_SHOW_FILES && show != PH_SHOW_SOCKETS;
}

/* Take away the rows above and below the screen. */
static void keep_visible(const struct ph_top_view *v, struct ph_table *t)
{
	const struct ph_table_fmt unsorted = { 0 };
	size_t n = t->rows.n > v->first ? t->rows.n - v->first : 0;

	n = n < v->rows_n ? n : v->rows_n;
	for (size_t i = 0; i < n; i++) {
		struct ph_cell *cells = t->rows.v[i];

		t->rows.v[i] = t->rows.v[v->first + i];
		t->rows.v[v->first + i] = cells;
	}
	ph_table_keep(t, &unsorted, n, NULL);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* As wide as it would like to be, out of the cells that are @left. */
static void widen(size_t *width, size_t wanted, size_t *left)
{
	size_t more = wanted > *width ? least(wanted - *width, *left) : 0;

	*width += more;
	*left -= more;
}

/* A long name must not cost columns. */
static size_t name_width(unsigned int width)
{
	return width / 4 < 12 ? 12 : least(width / 4, NAME_WIDTH);
}

/* @widths: of all columns as they would like to be; they get those that they have. */
static void choose(struct ph_top_view *v, unsigned int width, const bool *had, size_t *widths)
{
	size_t name = widths[PH_TOP_COL_NAME], image = widths[PH_TOP_COL_IMAGE], left = width;
	enum ph_top_show show = ph_top_view_here(v)->show;
	bool chosen[PH_ARRAY_SIZE(places)] = { 0 };

	widths[PH_TOP_COL_NAME] = least(name, name_width(width));
	widths[PH_TOP_COL_IMAGE] = least(image, IMAGE_WIDTH);
	widths[PH_TOP_COL_SPARK] = width / 10 < SPARK_WIDTH ? SPARK_WIDTH : least(width / 10, PH_TOP_HISTORY);
	for (unsigned int rank = 0; rank < 64; rank++) {
		for (size_t i = 0; i < PH_ARRAY_SIZE(places); i++) {
			size_t takes = widths[places[i].col] + (rank ? PH_TABLE_GAP : 0);

			if (places[i].rank != rank || !has_column(show, places[i].col) || (places[i].rare && !had[i]) ||
			    (rank && takes > left))
				continue;
			chosen[i] = true;
			left -= least(takes, left);
		}
	}
	widen(&widths[PH_TOP_COL_NAME], name, &left);
	v->fitting.n = 0;
	for (size_t i = 0; i < PH_ARRAY_SIZE(places); i++) {
		if (!chosen[i])
			continue;
		*ph_vec_push(&v->fitting) = places[i].col;
		if (places[i].col == PH_TOP_COL_IMAGE)
			widen(&widths[PH_TOP_COL_IMAGE], image, &left);
	}
	widen(&widths[PH_TOP_COL_SPARK], PH_TOP_HISTORY, &left);
}

static void cut(const struct ph_top_view *v, struct ph_cell *c, size_t max)
{
	const char *s = c->text ? c->text : c->set ? c->s : NULL;
	ph_autobuf b = { 0 };
	size_t bytes;

	if (!s || !max)
		return;
	ph_buf_add_term(&b, s, strlen(s));
	if (ph_display_width(b.p ? b.p : "", SIZE_MAX, &bytes) <= max)
		return;
	ph_display_width(b.p, max - 1, &bytes);
	ph_cell_text(c, "%.*s%s", (int)bytes, b.p, v->utf8 ? "…" : "~");
}

/* The past as a row of bars, each as high as its part of what is usual there: one CPU, or more. */
static void spark(const struct ph_top_view *v, const struct ph_top_row *r, size_t width, struct ph_cell *c)
{
	static const char *const bars[2][9] = {
		{ " ", ".", ":", "-", "=", "+", "*", "#", "@" },
		{ " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" },
	};
	ph_autobuf b = { 0 };
	float most = 100;

	for (unsigned int i = 0; i < PH_TOP_HISTORY; i++)
		most = r->history[i] > most ? r->history[i] : most;
	for (size_t i = PH_TOP_HISTORY - width; i < PH_TOP_HISTORY; i++) {
		float h = r->history[i];
		unsigned int n = h <= 0 ? 0 : 1 + (unsigned int)(h / most * 7.99f);

		ph_buf_adds(&b, bars[v->utf8][h < 0 ? 0 : n > 8 ? 8 : n]);
	}
	ph_cell_text(c, "%s", b.p);
}

static void fit_containers(struct ph_top_view *v, struct ph_top_rows *rows, unsigned int width, const bool *had,
			   size_t *widths)
{
	choose(v, width, had, widths);
	for (size_t i = 0; i < rows->table.rows.n; i++) {
		struct ph_cell *cells = rows->table.rows.v[i];

		cut(v, &cells[PH_TOP_COL_NAME], widths[PH_TOP_COL_NAME]);
		cut(v, &cells[PH_TOP_COL_IMAGE], widths[PH_TOP_COL_IMAGE]);
		spark(v, ph_u64map_get(&rows->of, (uint64_t)(uintptr_t)cells), widths[PH_TOP_COL_SPARK],
		      &cells[PH_TOP_COL_SPARK]);
	}
}

static void fit_others(struct ph_top_view *v, const struct ph_top_rows *rows, unsigned int width, size_t *widths)
{
	const struct ph_top_place *p = ph_top_view_here(v);
	bool processes = p->show == PH_SHOW_PROCESSES, threads = p->show == PH_SHOW_THREADS;
	/* What the title says, and what a thread has as all of its process have it. */
	bool hidden[PH_PROC_NCOLS] = {
		[PH_PROC_CONTAINER] = p->container, [PH_PROC_PROCESS] = processes || p->pid, [PH_PROC_THREADS] = threads,
		[PH_PROC_RSS] = threads, [PH_PROC_ARGS] = threads,
	};

	if (processes || threads) {
		size_t total = 0;

		widths[PH_PROC_CONTAINER] = least(widths[PH_PROC_CONTAINER], name_width(width));
		for (size_t i = 0; i < rows->table.rows.n; i++)
			cut(v, &rows->table.rows.v[i][PH_PROC_CONTAINER], widths[PH_PROC_CONTAINER]);
		for (size_t i = 0; i < PH_PROC_ARGS; i++)
			total += hidden[i] ? 0 : widths[i] + PH_TABLE_GAP;
		hidden[PH_PROC_ARGS] |= total + ARGS_WIDTH > width;
	}
	v->fitting.n = 0;
	for (size_t i = 0; i < rows->table.ncols; i++)
		if (!(processes || threads) || !hidden[i])
			*ph_vec_push(&v->fitting) = i;
}

void ph_top_fit(struct ph_top_view *v, struct ph_top_rows *rows, unsigned int width, struct ph_buf *out)
{
	bool containers = ph_top_view_of_containers(ph_top_view_here(v)->show), had[PH_ARRAY_SIZE(places)] = { 0 };
	size_t widths[PH_TOP_SCREEN_NCOLS];
	struct ph_table_more more = { widths, false };
	struct ph_table_fmt fmt = { 0 };

	for (size_t i = 0; containers && i < PH_ARRAY_SIZE(places); i++)
		had[i] = places[i].rare && anybody_has(&rows->table, places[i].col);
	for (size_t i = 0; steady(ph_top_view_here(v)->show) && i < rows->table.ncols; i++)
		rows->cols[i].width = usual_width(&rows->cols[i]);
	keep_visible(v, &rows->table);
	ph_table_measure(&rows->table, v->widths);
	memcpy(widths, v->widths, sizeof(widths));
	if (containers)
		fit_containers(v, rows, width, had, widths);
	else
		fit_others(v, rows, width, widths);
	for (size_t i = 0; i < v->fitting.n; i++)
		ph_strv_add(&fmt.fields, rows->cols[v->fitting.v[i]].json);
	ph_table_print_more(&rows->table, &fmt, width, &more, out, NULL);
	ph_strv_done(&fmt.fields);
}

/* What nobody looks at is not read. */
void ph_top_want_fitting(struct ph_top_view *v)
{
	size_t sort = v->sort[PH_SHOW_CONTAINERS];

	v->t->want.levels = v->levels;
	v->t->want.seldom = true;
	if (!ph_top_view_of_containers(ph_top_view_here(v)->show))
		return;
	/* The past is kept of all. */
	v->t->want.counts = 1ull << PH_TOP_CPU;
	if (sort < PH_TOP_NCOLS)
		ph_top_want_col(&v->t->want, sort);
	for (size_t i = 0; i < v->fitting.n; i++)
		if (v->fitting.v[i] < PH_TOP_NCOLS)
			ph_top_want_col(&v->t->want, v->fitting.v[i]);
}
