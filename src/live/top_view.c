/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "live/top_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "event/schema.h"

#define COL_SPARK PH_TOP_NCOLS
#define NCOLS (PH_TOP_NCOLS + 1)

/* From left to right; on a narrow screen those with the highest number go first. */
static const struct { size_t col; unsigned int rank; } places[] = {
	{ PH_TOP_COL_NAME, 0 }, { PH_TOP_COL_CPU, 1 }, { PH_TOP_COL_USER, 16 }, { PH_TOP_COL_SYSTEM, 17 },
	{ COL_SPARK, 14 }, { PH_TOP_COL_OF_LIMIT, 5 }, { PH_TOP_COL_THROTTLED, 2 }, { PH_TOP_COL_RUNQ, 3 },
	{ PH_TOP_COL_TASKS, 12 }, { PH_TOP_COL_WSET, 4 }, { PH_TOP_COL_MEM_OF, 6 }, { PH_TOP_COL_FAULTS, 13 },
	{ PH_TOP_COL_READ, 8 }, { PH_TOP_COL_WRITE, 9 }, { PH_TOP_COL_RX, 10 }, { PH_TOP_COL_TX, 11 },
	{ PH_TOP_COL_SYSCALLS, 7 }, { PH_TOP_COL_ERRORS, 15 }, { PH_TOP_COL_OOM, 19 }, { PH_TOP_COL_AGE, 18 },
	{ PH_TOP_COL_IMAGE, 20 },
};

void ph_top_view_init(struct ph_top_view *v, struct ph_top *t)
{
	*v = (struct ph_top_view){ .t = t, .sort = { PH_TOP_COL_CPU, PH_PROC_CPU, PH_PROC_CPU } };
}

void ph_top_view_done(struct ph_top_view *v)
{
	ph_top_procs_done(&v->procs);
	ph_buf_done(&v->filter);
	free(v->container);
	free(v->container_name);
	free(v->selected_key);
	ph_strv_done(&v->keys);
	ph_vec_done(&v->fitting);
	ph_vec_each(l, &v->lines)
		ph_buf_done(&l->text);
	ph_vec_done(&v->lines);
}

static const struct ph_top_row *row_by_key(const struct ph_top_view *v, const char *key)
{
	for (size_t i = 0; key && i < v->t->rows.n; i++)
		if (v->t->rows.v[i] && !strcmp(v->t->rows.v[i]->key, key))
			return v->t->rows.v[i];
	return NULL;
}

void ph_top_view_round(struct ph_top_view *v, uint64_t now_ns)
{
	const struct ph_top_row *r = row_by_key(v, v->container);

	if (v->show == PH_SHOW_CONTAINERS)
		return;
	/* Who looks at processes wants those of now: the host is scanned in the next round. */
	v->t->lost_one = true;
	if (r)
		ph_top_procs_round(&v->procs, v->t, r->hc->c.index, v->show == PH_SHOW_THREADS ? v->pid : 0, now_ns);
	else
		v->procs.v.n = 0;
}

/* ---- keys -------------------------------------------------------------------------------------------------- */

static void select_row(struct ph_top_view *v, size_t at)
{
	if (at >= v->keys.n)
		at = v->keys.n ? v->keys.n - 1 : 0;
	v->selected = at;
	free(v->selected_key);
	v->selected_key = v->keys.n ? ph_strdup(v->keys.v[at]) : NULL;
}

static void enter_show(struct ph_top_view *v, enum ph_top_show show)
{
	v->show = show;
	v->selected = v->first = 0;
	free(v->selected_key);
	v->selected_key = NULL;
	v->fitting.n = 0;
	ph_buf_clear(&v->filter);
	ph_top_procs_done(&v->procs);
	ph_top_view_round(v, ph_now_ns());
}

static void go_in(struct ph_top_view *v)
{
	const struct ph_top_row *r;

	if (v->selected >= v->keys.n)
		return;
	if (v->show == PH_SHOW_CONTAINERS) {
		r = row_by_key(v, v->keys.v[v->selected]);
		if (!r)
			return;
		free(v->container);
		free(v->container_name);
		v->container = ph_strdup(r->key);
		v->container_name = ph_strdup(r->hc->c.name ? r->hc->c.name : r->hc->c.id ? r->hc->c.id : "?");
		enter_show(v, PH_SHOW_PROCESSES);
	} else if (v->show == PH_SHOW_PROCESSES) {
		v->pid = (int32_t)strtol(v->keys.v[v->selected], NULL, 10);
		enter_show(v, PH_SHOW_THREADS);
	}
}

static void go_out(struct ph_top_view *v)
{
	ph_autofree char *from = NULL;

	if (v->show == PH_SHOW_CONTAINERS)
		return;
	from = v->show == PH_SHOW_THREADS ? ph_asprintf("%d", v->pid) : ph_strdup(v->container);
	enter_show(v, v->show - 1);
	/* Back to where one came from. */
	v->selected_key = ph_take(from);
}

static void move_sort(struct ph_top_view *v, int by)
{
	size_t at = 0;

	if (!v->fitting.n)
		return;
	while (at < v->fitting.n && v->fitting.v[at] != v->sort[v->show])
		at++;
	at = at == v->fitting.n ? 0 : (at + v->fitting.n + (size_t)by) % v->fitting.n;
	v->sort[v->show] = v->fitting.v[at];
}

/* While a filter is typed, keys are its letters. */
static void type(struct ph_top_view *v, int key)
{
	if (key == PH_KEY_ENTER) {
		v->typing = false;
	} else if (key == PH_KEY_ESCAPE) {
		v->typing = false;
		ph_buf_clear(&v->filter);
	} else if (key == PH_KEY_BACK) {
		/* A whole character. */
		while (v->filter.len && ((unsigned char)v->filter.p[v->filter.len - 1] & 0xc0) == 0x80)
			v->filter.p[--v->filter.len] = 0;
		if (v->filter.len)
			v->filter.p[--v->filter.len] = 0;
	} else if (key >= ' ' && key < 256 && key != 127 && v->filter.len < 100) {
		ph_buf_addc(&v->filter, (char)key);
	}
}

bool ph_top_view_key(struct ph_top_view *v, int key)
{
	size_t page = v->rows_n > 1 ? v->rows_n - 1 : 1;

	if (v->typing && (key < PH_KEY_UP || key == PH_KEY_ENTER || key == PH_KEY_ESCAPE || key == PH_KEY_BACK)) {
		type(v, key);
		return true;
	}
	if (v->help && key != 'q') {
		v->help = false;
		return true;
	}
	switch (key) {
	case 'q': case 'Q':
		return false;
	case PH_KEY_UP: case 'k':
		select_row(v, v->selected ? v->selected - 1 : 0);
		break;
	case PH_KEY_DOWN: case 'j':
		select_row(v, v->selected + 1);
		break;
	case PH_KEY_PAGE_UP:
		select_row(v, v->selected > page ? v->selected - page : 0);
		break;
	case PH_KEY_PAGE_DOWN:
		select_row(v, v->selected + page);
		break;
	case PH_KEY_HOME: case 'g':
		select_row(v, 0);
		break;
	case PH_KEY_END: case 'G':
		select_row(v, SIZE_MAX);
		break;
	case PH_KEY_ENTER:
		go_in(v);
		break;
	case PH_KEY_BACK:
		go_out(v);
		break;
	case PH_KEY_ESCAPE:
		ph_buf_clear(&v->filter);
		break;
	case '<': case PH_KEY_LEFT:
		move_sort(v, -1);
		break;
	case '>': case PH_KEY_RIGHT: case PH_KEY_SORT:
		move_sort(v, 1);
		break;
	case 'r':
		v->ascending[v->show] = !v->ascending[v->show];
		break;
	case 't':
		v->tree = !v->tree;
		break;
	case '/':
		v->typing = true;
		break;
	case ' ':
		v->paused = !v->paused;
		break;
	case 'h': case '?':
		v->help = true;
		break;
	default:
		break;
	}
	return true;
}

void ph_top_view_click(struct ph_top_view *v, unsigned int y, bool twice)
{
	v->help = false;
	if (y < v->rows_at || y >= v->rows_at + v->rows_n || v->first + (y - v->rows_at) >= v->keys.n)
		return;
	select_row(v, v->first + (y - v->rows_at));
	if (twice)
		go_in(v);
}

/* ---- lines -------------------------------------------------------------------------------------------------- */

/* Cut to the width; a terminal that has no UTF-8 gets one ? for each other character. */
static void put_line(struct ph_top_view *v, enum ph_top_style style, const char *text, unsigned int width)
{
	struct ph_top_line *l = ph_vec_push(&v->lines);
	size_t bytes;

	l->style = style;
	ph_display_width(text, width, &bytes);
	if (v->utf8) {
		ph_buf_add(&l->text, text, bytes);
		return;
	}
	ph_buf_reserve(&l->text, 1);
	l->text.p[0] = 0;
	for (size_t i = 0; i < bytes && l->text.len < width; i++)
		if ((unsigned char)text[i] < 0x80)
			ph_buf_addc(&l->text, text[i]);
		else if (((unsigned char)text[i] & 0xc0) == 0xc0)
			ph_buf_addc(&l->text, '?');
}

/* The machine's line, over as many lines as it takes; its parts stand two blanks apart. */
static void put_host(struct ph_top_view *v, unsigned int width)
{
	ph_autobuf all = { 0 }, line = { 0 };
	char *part, *next;

	ph_top_host_line(v->t, &all);
	for (part = all.p; part && v->lines.n < 4; part = next) {
		next = strstr(part, "  ");
		if (next) {
			*next = 0;
			next += 2;
		}
		if (line.len && line.len + 2 + strlen(part) > width) {
			put_line(v, PH_STYLE_PLAIN, line.p, width);
			ph_buf_clear(&line);
		}
		if (!strncmp(part, "STEAL", 5)) {
			if (line.len)
				put_line(v, PH_STYLE_PLAIN, line.p, width);
			ph_buf_clear(&line);
			put_line(v, PH_STYLE_WARN, part, width);
			continue;
		}
		ph_buf_addf(&line, "%s%s", line.len ? "  " : "", part);
	}
	if (line.len)
		put_line(v, PH_STYLE_PLAIN, line.p, width);
}

static void put_title(struct ph_top_view *v, size_t shown, const char *sorted_by, unsigned int width)
{
	ph_autobuf b = { 0 };

	if (v->show != PH_SHOW_CONTAINERS)
		ph_buf_add_term(&b, v->container_name, strlen(v->container_name));
	if (v->show != PH_SHOW_CONTAINERS && !row_by_key(v, v->container))
		ph_buf_adds(&b, " (has ended)");
	if (v->show == PH_SHOW_CONTAINERS)
		ph_buf_addf(&b, "%zu container%s", shown, shown == 1 ? "" : "s");
	else if (v->show == PH_SHOW_PROCESSES)
		ph_buf_addf(&b, ": %zu process%s", shown, shown == 1 ? "" : "es");
	else
		ph_buf_addf(&b, ": %zu thread%s of process %d", shown, shown == 1 ? "" : "s", v->pid);
	ph_buf_addf(&b, ", by %s", sorted_by);
	if (v->paused)
		ph_buf_adds(&b, "  PAUSED");
	if (v->typing || v->filter.len) {
		ph_buf_adds(&b, "  filter: ");
		if (v->filter.len)
			ph_buf_add_term(&b, v->filter.p, v->filter.len);
		ph_buf_adds(&b, v->typing ? "_" : "");
	}
	put_line(v, PH_STYLE_TITLE, b.p, width);
}

static void put_help(struct ph_top_view *v, unsigned int width)
{
	static const char *const text[] = {
		"Up Down PgUp PgDn Home End   select a row (also k j g G, the mouse)",
		"Enter                        go in: processes of the container, threads of the process",
		"Backspace                    go back out",
		"< > F6                       sort by another column",
		"r                            the other way round",
		"/                            show only what has these letters in its name, image, pod or id; Esc: all",
		"t                            containers below those that they run in",
		"Space                        pause",
		"q                            quit",
		"",
		"Percentages of time are of one CPU. LIM%: of the CPU limit; THR%: periods in which it ran out; RUNQ%: time",
		"that ready tasks waited for a CPU; MEM: working set. man porthole-top tells more.",
		"",
	};
	struct ph_table_fmt fmt = { 0 };
	ph_autobuf missing = { 0 };
	char *save = NULL;

	put_line(v, PH_STYLE_TITLE, "porthole top", width);
	for (size_t i = 0; i < PH_ARRAY_SIZE(text); i++)
		put_line(v, PH_STYLE_PLAIN, text[i], width);
	ph_top_missing(v->t, &fmt, &missing);
	for (char *l = missing.p ? strtok_r(missing.p, "\n", &save) : NULL; l; l = strtok_r(NULL, "\n", &save))
		put_line(v, PH_STYLE_WARN, l, width);
}

/* ---- rows --------------------------------------------------------------------------------------------------- */

static bool has_letters(const struct ph_top_view *v, const char *s)
{
	return s && strcasestr(s, v->filter.p);
}

static bool passes(const struct ph_top_view *v, const struct ph_top_row *r)
{
	const struct ph_container *c = &r->hc->c;

	if (c->index == PH_CONTAINER_HOST || (v->wanted && !v->wanted(v->arg, r)))
		return false;
	return !v->filter.len || has_letters(v, c->name) || has_letters(v, c->image) || has_letters(v, c->pod) ||
	       has_letters(v, c->id);
}

/* The last minute as a row of bars, each as high as its part of what is usual there: one CPU, or more. */
static void spark(const struct ph_top_view *v, const struct ph_top_row *r, struct ph_cell *c)
{
	static const char *const bars[2][9] = {
		{ " ", ".", ":", "-", "=", "+", "*", "#", "@" },
		{ " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" },
	};
	ph_autobuf b = { 0 };
	float most = 100;

	for (unsigned int i = 0; i < PH_TOP_HISTORY; i++)
		most = r->history[i] > most ? r->history[i] : most;
	for (unsigned int i = PH_TOP_HISTORY - 20; i < PH_TOP_HISTORY; i++) {
		float h = r->history[i];
		unsigned int n = h <= 0 ? 0 : 1 + (unsigned int)(h / most * 7.99f);

		ph_buf_adds(&b, bars[v->utf8][h < 0 ? 0 : n > 8 ? 8 : n]);
	}
	ph_cell_str(c, b.p);
}

struct rows {
	struct ph_table table;
	struct ph_col cols[NCOLS];
	struct ph_u64map keys;		/* cells -> key */
	struct ph_u64map tree;		/* cells -> struct ph_top_row */
};

/* A long name must not cost columns. */
static void cap(struct ph_cell *c, unsigned int width)
{
	size_t max = width / 4 > 12 ? width / 4 : 12, bytes;
	ph_autobuf b = { 0 };

	if (!c->set || !c->s || c->text)
		return;
	ph_buf_add_term(&b, c->s, strlen(c->s));
	if (ph_display_width(b.p ? b.p : "", SIZE_MAX, &bytes) <= max)
		return;
	ph_display_width(b.p, max - 1, &bytes);
	ph_cell_text(c, "%.*s~", (int)bytes, b.p);
}

static void add_containers(struct ph_top_view *v, struct rows *rows, unsigned int width, uint64_t unix_ns)
{
	for (size_t i = 0; i < v->t->rows.n; i++) {
		const struct ph_top_row *r = v->t->rows.v[i];
		struct ph_cell *cells;

		if (!r || !passes(v, r))
			continue;
		cells = ph_table_row(&rows->table);
		ph_top_fill(v->t, r, unix_ns, cells);
		cap(&cells[PH_TOP_COL_NAME], width);
		cap(&cells[PH_TOP_COL_IMAGE], width);
		spark(v, r, &cells[COL_SPARK]);
		ph_u64map_put(&rows->keys, (uint64_t)(uintptr_t)cells, r->key);
		ph_u64map_put(&rows->tree, (uint64_t)(uintptr_t)cells, (void *)r);
	}
}

static void add_processes(struct ph_top_view *v, struct rows *rows, ph_strv *keys)
{
	ph_vec_each(p, &v->procs.v) {
		struct ph_cell *cells;

		if (v->filter.len && !has_letters(v, p->comm))
			continue;
		cells = ph_table_row(&rows->table);
		ph_top_proc_fill(p, cells);
		*ph_vec_push(keys) = ph_asprintf("%d", p->id);
		ph_u64map_put(&rows->keys, (uint64_t)(uintptr_t)cells, keys->v[keys->n - 1]);
	}
}

/* The nearest container around it that is shown, 0: none. */
static uint32_t above(const struct ph_top_view *v, const bool *shown, const struct ph_top_row *r)
{
	uint32_t up = r->hc->c.parent;

	for (unsigned int i = 0; i < 64 && up && up < v->t->rows.n; i++) {
		if (shown[up])
			return up;
		up = v->t->scan.containers.v[up]->c.parent;
	}
	return 0;
}

static void tree_below(struct ph_top_view *v, struct rows *rows, const bool *shown, uint32_t parent, unsigned int depth,
		       struct ph_cell **out, size_t *n)
{
	for (size_t i = 0; i < rows->table.rows.n && depth < 16; i++) {
		struct ph_cell *cells = rows->table.rows.v[i];
		const struct ph_top_row *r = ph_u64map_get(&rows->tree, (uint64_t)(uintptr_t)cells);
		const char *name = r->hc->c.name ? r->hc->c.name : r->hc->c.id ? r->hc->c.id : "-";

		if (above(v, shown, r) != parent || r->hc->c.index == parent)
			continue;
		if (depth)
			ph_cell_text(&cells[PH_TOP_COL_NAME], "%*s`- %s", (int)(depth - 1) * 3, "", name);
		out[(*n)++] = cells;
		tree_below(v, rows, shown, r->hc->c.index, depth + 1, out, n);
	}
}

static void order_as_tree(struct ph_top_view *v, struct rows *rows)
{
	ph_autofree struct ph_cell **out = ph_alloc((rows->table.rows.n + 1) * sizeof(*out));
	ph_autofree bool *shown = ph_alloc((v->t->rows.n + 1) * sizeof(*shown));
	size_t n = 0;

	for (size_t i = 0; i < rows->table.rows.n; i++) {
		const struct ph_top_row *r = ph_u64map_get(&rows->tree, (uint64_t)(uintptr_t)rows->table.rows.v[i]);

		shown[r->hc->c.index] = true;
	}
	tree_below(v, rows, shown, 0, 0, out, &n);
	if (n == rows->table.rows.n)
		memcpy(rows->table.rows.v, out, n * sizeof(*out));
}

/* Those columns that the width has room for: of the less important ones as many as fit. */
static size_t widest_line(const struct ph_buf *b)
{
	ph_autobuf line = { 0 };
	size_t most = 0, bytes;

	for (const char *l = b->p; l && *l; l += strcspn(l, "\n"), l += *l == '\n') {
		size_t w;

		ph_buf_clear(&line);
		ph_buf_add(&line, l, strcspn(l, "\n"));
		w = ph_display_width(line.p, SIZE_MAX, &bytes);
		most = w > most ? w : most;
	}
	return most;
}

static void choose(struct ph_top_view *v, unsigned int ranks, size_t ncols)
{
	v->fitting.n = 0;
	if (v->show != PH_SHOW_CONTAINERS) {
		for (size_t i = 0; i < ncols; i++)
			*ph_vec_push(&v->fitting) = i;
		return;
	}
	for (size_t i = 0; i < PH_ARRAY_SIZE(places); i++)
		if (places[i].rank < ranks)
			*ph_vec_push(&v->fitting) = places[i].col;
}

static void print_fitting(struct ph_top_view *v, struct rows *rows, size_t ncols, unsigned int width, struct ph_buf *out)
{
	for (unsigned int ranks = PH_ARRAY_SIZE(places); ranks > 1; ranks--) {
		struct ph_table_fmt fmt = { 0 };

		choose(v, ranks, ncols);
		for (size_t i = 0; i < v->fitting.n; i++)
			ph_strv_add(&fmt.fields, rows->cols[v->fitting.v[i]].json);
		ph_buf_clear(out);
		ph_table_print(&rows->table, &fmt, ranks > 6 ? 0 : width, out, NULL);
		ph_strv_done(&fmt.fields);
		if (widest_line(out) <= width)
			return;
	}
}

static void follow_selected(struct ph_top_view *v)
{
	for (size_t i = 0; v->selected_key && i < v->keys.n; i++)
		if (!strcmp(v->keys.v[i], v->selected_key))
			v->selected = i;
	if (v->selected >= v->keys.n)
		v->selected = v->keys.n ? v->keys.n - 1 : 0;
	if (v->selected < v->first)
		v->first = v->selected;
	if (v->rows_n && v->selected >= v->first + v->rows_n)
		v->first = v->selected - v->rows_n + 1;
	if (v->first + v->rows_n > v->keys.n)
		v->first = v->keys.n > v->rows_n ? v->keys.n - v->rows_n : 0;
}

static void put_rows(struct ph_top_view *v, const struct ph_buf *text, unsigned int width)
{
	ph_autobuf line = { 0 };
	size_t at = 0;

	for (const char *l = text->p; l && *l; l += strcspn(l, "\n"), l += *l == '\n', at++) {
		bool head = at == 0;

		if (!head && (at - 1 < v->first || at - 1 >= v->first + v->rows_n))
			continue;
		ph_buf_clear(&line);
		ph_buf_add(&line, l, strcspn(l, "\n"));
		put_line(v, head ? PH_STYLE_HEAD : at - 1 == v->selected ? PH_STYLE_SELECTED : PH_STYLE_PLAIN, line.p, width);
	}
}

static void put_table(struct ph_top_view *v, unsigned int width, unsigned int height, uint64_t unix_ns)
{
	bool containers = v->show == PH_SHOW_CONTAINERS;
	size_t ncols = containers ? NCOLS : PH_PROC_NCOLS, sort = v->sort[v->show];
	struct rows rows = { 0 };
	ph_autobuf text = { 0 };
	ph_strv owned = { 0 };
	bool names;
	char head[32];

	memcpy(rows.cols, containers ? ph_top_cols : ph_top_proc_cols,
	       (containers ? PH_TOP_NCOLS : PH_PROC_NCOLS) * sizeof(rows.cols[0]));
	if (containers)
		rows.cols[COL_SPARK] = (struct ph_col){ "LAST", "history", PH_COL_STR };
	names = rows.cols[sort].type == PH_COL_STR;
	ph_table_init(&rows.table, rows.cols, ncols);
	if (containers)
		add_containers(v, &rows, width, unix_ns);
	else
		add_processes(v, &rows, &owned);
	/* Names from a to z, numbers from large to small. */
	ph_table_sort(&rows.table, sort, names ? v->ascending[v->show] : !v->ascending[v->show]);
	if (containers && v->tree)
		order_as_tree(v, &rows);
	put_title(v, rows.table.rows.n, rows.cols[sort].head, width);
	snprintf(head, sizeof(head), "%s%s", rows.cols[sort].head, v->utf8 ? "▾" : "*");
	rows.cols[sort].head = head;
	print_fitting(v, &rows, ncols, width, &text);
	ph_strv_done(&v->keys);
	for (size_t i = 0; i < rows.table.rows.n; i++)
		ph_strv_add(&v->keys, ph_u64map_get(&rows.keys, (uint64_t)(uintptr_t)rows.table.rows.v[i]));
	v->rows_at = (unsigned int)v->lines.n + 1;
	v->rows_n = height > v->rows_at + 1 ? height - v->rows_at - 1 : 0;
	follow_selected(v);
	put_rows(v, &text, width);
	ph_table_done(&rows.table);
	ph_u64map_done(&rows.keys);
	ph_u64map_done(&rows.tree);
	ph_strv_done(&owned);
}

void ph_top_view_draw(struct ph_top_view *v, unsigned int width, unsigned int height, uint64_t unix_ns)
{
	ph_vec_each(l, &v->lines)
		ph_buf_done(&l->text);
	v->lines.n = 0;
	if (!width || !height)
		return;
	if (v->help) {
		put_help(v, width);
	} else {
		put_host(v, width);
		put_table(v, width, height, unix_ns);
	}
	while (v->lines.n + 1 < height)
		put_line(v, PH_STYLE_PLAIN, "", width);
	/* Too many for a low screen: the last line is the keys'. */
	while (v->lines.n + 1 > height)
		ph_buf_done(&v->lines.v[--v->lines.n].text);
	put_line(v, PH_STYLE_KEYS,
		 "h help  q quit  Enter in  Backspace out  / filter  < > sort  t tree  Space pause", width);
}
