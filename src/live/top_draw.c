/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of the full-screen view. */
#include "live/top_view_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "event/schema.h"

/* What the screen has besides top.def: the last minute, and how many containers a group has. */
#define COL_SPARK PH_TOP_NCOLS
#define COL_MEMBERS (PH_TOP_NCOLS + 1)
#define NCOLS (PH_TOP_NCOLS + 2)

/* From left to right; on a narrow screen those with the highest number go first. */
static const struct { size_t col; unsigned int rank; } places[] = {
	{ PH_TOP_COL_NAME, 0 }, { COL_MEMBERS, 1 }, { PH_TOP_COL_CPU, 2 }, { PH_TOP_COL_USER, 17 }, { PH_TOP_COL_SYSTEM, 18 },
	{ COL_SPARK, 15 }, { PH_TOP_COL_OF_LIMIT, 6 }, { PH_TOP_COL_THROTTLED, 3 }, { PH_TOP_COL_RUNQ, 4 },
	{ PH_TOP_COL_TASKS, 13 }, { PH_TOP_COL_WSET, 5 }, { PH_TOP_COL_MEM_OF, 7 }, { PH_TOP_COL_FAULTS, 14 },
	{ PH_TOP_COL_READ, 9 }, { PH_TOP_COL_WRITE, 10 }, { PH_TOP_COL_RX, 11 }, { PH_TOP_COL_TX, 12 },
	{ PH_TOP_COL_SYSCALLS, 8 }, { PH_TOP_COL_ERRORS, 16 }, { PH_TOP_COL_FILES, 20 }, { PH_TOP_COL_RESTARTS, 22 },
	{ PH_TOP_COL_OOM, 21 }, { PH_TOP_COL_AGE, 19 }, { PH_TOP_COL_IMAGE, 23 },
};

/* Groups have what can be added up. */
static bool has_column(enum ph_top_show show, size_t col)
{
	return show == PH_SHOW_GROUPS ? col != PH_TOP_COL_IMAGE && col != PH_TOP_COL_RESTARTS : col != COL_MEMBERS;
}

static const struct {
	const struct ph_col *cols;
	size_t ncols;
	const char *one, *many;
} shows[PH_SHOW_N] = {
	[PH_SHOW_CONTAINERS] = { ph_top_cols, PH_TOP_NCOLS, "container", "containers" },
	[PH_SHOW_GROUPS] = { ph_top_cols, PH_TOP_NCOLS, NULL, NULL },
	[PH_SHOW_PROCESSES] = { ph_top_proc_cols, PH_PROC_NCOLS, "process", "processes" },
	[PH_SHOW_THREADS] = { ph_top_proc_cols, PH_PROC_NCOLS, "thread", "threads" },
	[PH_SHOW_FILES] = { ph_top_file_cols, PH_FILE_NCOLS, "open file", "open files" },
	[PH_SHOW_SOCKETS] = { ph_top_socket_cols, PH_SOCKET_NCOLS, "socket", "sockets" },
};

static const struct { const char *one, *many, *head; } groups[PH_TOP_NBY] = {
	[PH_TOP_BY_POD] = { "pod", "pods", "POD" },
	[PH_TOP_BY_IMAGE] = { "image", "images", "IMAGE" },
	[PH_TOP_BY_NAMESPACE] = { "namespace", "namespaces", "NAMESPACE" },
	[PH_TOP_BY_CGROUP] = { "cgroup", "cgroups", "CGROUP" },
};

static bool of_containers(enum ph_top_show show)
{
	return show == PH_SHOW_CONTAINERS || show == PH_SHOW_GROUPS;
}

/* ---- titles ------------------------------------------------------------------------------------------------- */

/* Of what the rows are, and where one is. */
static void add_where(const struct ph_top_view *v, size_t n, struct ph_buf *b)
{
	const struct ph_top_place *p = ph_top_view_here(v);
	const char *one = shows[p->show].one, *many = shows[p->show].many;

	if (p->show == PH_SHOW_GROUPS) {
		one = groups[p->by].one;
		many = groups[p->by].many;
	}
	if (p->show != PH_SHOW_GROUPS && !p->container && p->group) {
		ph_buf_addf(b, "%s ", groups[p->by].one);
		ph_buf_add_term(b, *p->group ? p->group : "(none)", strlen(*p->group ? p->group : "(none)"));
		ph_buf_adds(b, ": ");
	}
	if (p->container) {
		ph_buf_add_term(b, p->name, strlen(p->name));
		ph_buf_addf(b, "%s: ", ph_top_view_row(v, p->container) ? "" : " (has ended)");
	}
	if (p->show == PH_SHOW_REPORT && p->pid)
		ph_buf_addf(b, "process %d: ", p->pid);
	if (p->show == PH_SHOW_REPORT) {
		ph_buf_adds(b, v->report.what);
		return;
	}
	ph_buf_addf(b, "%zu %s", n, n == 1 ? one : many);
	if (p->pid)
		ph_buf_addf(b, " of process %d", p->pid);
}

static void put_title(struct ph_top_view *v, size_t shown, const char *sorted_by, unsigned int width)
{
	ph_autobuf b = { 0 };

	add_where(v, shown, &b);
	ph_buf_addf(&b, ", by %s", sorted_by);
	if (v->files.unreadable)
		ph_buf_adds(&b, "  (some may not be seen: that takes root)");
	if (v->paused)
		ph_buf_adds(&b, "  PAUSED");
	if (v->typing || v->filter.len) {
		ph_buf_adds(&b, "  filter: ");
		if (v->filter.len)
			ph_buf_add_term(&b, v->filter.p, v->filter.len);
		ph_buf_adds(&b, v->typing ? "_" : "");
	}
	ph_top_put_line(v, PH_STYLE_TITLE, b.p, width);
}

/* ---- rows --------------------------------------------------------------------------------------------------- */

static bool has_letters(const struct ph_top_view *v, const char *s)
{
	return s && strcasestr(s, v->filter.p);
}

/* Is it to be shown, whatever is typed? */
static bool in_group(void *arg, const struct ph_top_row *r)
{
	const struct ph_top_view *v = arg;
	const struct ph_top_place *p = ph_top_view_here(v);
	ph_autofree char *key = NULL;

	if (r->hc->c.index == PH_CONTAINER_HOST || !ph_top_view_wanted(arg, r))
		return false;
	if (!p->group || p->show == PH_SHOW_GROUPS)
		return true;
	key = ph_top_group_key(p->by, &r->hc->c);
	return !strcmp(key, p->group);
}

static bool passes(const struct ph_top_view *v, const struct ph_top_row *r)
{
	const struct ph_container *c = &r->hc->c;

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
	ph_strv owned;			/* keys that are nobody else's */
	ph_top_groups groups;
};

static struct ph_cell *add_row(struct rows *rows, const char *key)
{
	struct ph_cell *cells = ph_table_row(&rows->table);

	ph_u64map_put(&rows->keys, (uint64_t)(uintptr_t)cells, (void *)key);
	return cells;
}

/* Takes over @key. */
static struct ph_cell *add_own_row(struct rows *rows, char *key)
{
	*ph_vec_push(&rows->owned) = key;
	return add_row(rows, key);
}

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

		if (!r || !in_group(v, r) || !passes(v, r))
			continue;
		cells = add_row(rows, r->key);
		ph_top_fill(v->t, r, unix_ns, cells);
		cap(&cells[PH_TOP_COL_NAME], width);
		cap(&cells[PH_TOP_COL_IMAGE], width);
		spark(v, r, &cells[COL_SPARK]);
		ph_u64map_put(&rows->tree, (uint64_t)(uintptr_t)cells, (void *)r);
	}
}

static void add_groups(struct ph_top_view *v, struct rows *rows, unsigned int width, uint64_t unix_ns)
{
	ph_top_groups_make(v->t, ph_top_view_here(v)->by, in_group, v, &rows->groups);
	for (size_t i = 0; i < rows->groups.n; i++) {
		struct ph_top_group *g = rows->groups.v[i];
		struct ph_cell *cells;

		if (v->filter.len && !has_letters(v, g->hc.c.name))
			continue;
		cells = add_row(rows, g->key);
		ph_top_fill(v->t, &g->row, unix_ns, cells);
		cap(&cells[PH_TOP_COL_NAME], width);
		spark(v, &g->row, &cells[COL_SPARK]);
		ph_cell_u64(&cells[COL_MEMBERS], g->members);
	}
}

static void add_processes(struct ph_top_view *v, struct rows *rows)
{
	bool all = !ph_top_view_here(v)->container;

	ph_vec_each(p, &v->procs.v)
		if (!v->filter.len || has_letters(v, p->comm) || (all && has_letters(v, p->container)))
			ph_top_proc_fill(p, add_own_row(rows, ph_asprintf("%d", p->id)));
}

static void add_files(struct ph_top_view *v, struct rows *rows)
{
	ph_vec_each(f, &v->files.v)
		if (!v->filter.len || has_letters(v, f->comm) || has_letters(v, f->path))
			ph_top_file_fill(f, add_own_row(rows, ph_asprintf("%d %u", f->pid, f->fd)));
}

static void add_sockets(struct ph_top_view *v, struct rows *rows)
{
	ph_vec_each(s, &v->files.sockets)
		if (!v->filter.len || has_letters(v, s->comm) || has_letters(v, s->local) || has_letters(v, s->remote) ||
		    has_letters(v, s->state))
			ph_top_socket_fill(s, add_own_row(rows, ph_asprintf("%s %s %s", s->proto, s->local, s->remote)));
}

static void add_rows(struct ph_top_view *v, struct rows *rows, unsigned int width, uint64_t unix_ns)
{
	switch (ph_top_view_here(v)->show) {
	case PH_SHOW_CONTAINERS:
		add_containers(v, rows, width, unix_ns);
		break;
	case PH_SHOW_GROUPS:
		add_groups(v, rows, width, unix_ns);
		break;
	case PH_SHOW_FILES:
		add_files(v, rows);
		break;
	case PH_SHOW_SOCKETS:
		add_sockets(v, rows);
		break;
	default:
		add_processes(v, rows);
		break;
	}
}

static void rows_done(struct rows *rows)
{
	ph_table_done(&rows->table);
	ph_u64map_done(&rows->keys);
	ph_u64map_done(&rows->tree);
	ph_strv_done(&rows->owned);
	ph_top_groups_done(&rows->groups);
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

		if (above(v, shown, r) != parent || r->hc->c.index == parent)
			continue;
		if (depth)
			ph_cell_text(&cells[PH_TOP_COL_NAME], "%*s`- %s", (int)(depth - 1) * 3, "", ph_top_name(r));
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

/* ---- tables ------------------------------------------------------------------------------------------------- */

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

/* Of the less important columns as many as fit. */
static void choose(struct ph_top_view *v, unsigned int ranks, size_t ncols)
{
	const struct ph_top_place *p = ph_top_view_here(v);

	v->fitting.n = 0;
	if (of_containers(p->show)) {
		for (size_t i = 0; i < PH_ARRAY_SIZE(places); i++)
			if (places[i].rank < ranks && has_column(p->show, places[i].col))
				*ph_vec_push(&v->fitting) = places[i].col;
		return;
	}
	for (size_t i = 0; i < ncols; i++)
		if (ph_top_proc_cols != shows[p->show].cols || i != PH_PROC_CONTAINER || !p->container)
			*ph_vec_push(&v->fitting) = i;
}

static void print_fitting(struct ph_top_view *v, struct rows *rows, unsigned int width, struct ph_buf *out)
{
	bool drops = of_containers(ph_top_view_here(v)->show);

	for (unsigned int ranks = PH_ARRAY_SIZE(places); ranks > 1; ranks--) {
		struct ph_table_fmt fmt = { 0 };

		choose(v, ranks, rows->table.ncols);
		for (size_t i = 0; i < v->fitting.n; i++)
			ph_strv_add(&fmt.fields, rows->cols[v->fitting.v[i]].json);
		ph_buf_clear(out);
		ph_table_print(&rows->table, &fmt, drops && ranks > 6 ? 0 : width, out, NULL);
		ph_strv_done(&fmt.fields);
		if (!drops || widest_line(out) <= width)
			return;
	}
}

/* What nobody looks at is not read. */
static void want_fitting(struct ph_top_view *v)
{
	v->t->want.levels = v->levels;
	if (!of_containers(ph_top_view_here(v)->show))
		return;
	for (size_t i = 0; i < v->fitting.n; i++)
		if (v->fitting.v[i] < PH_TOP_NCOLS)
			ph_top_want_col(&v->t->want, v->fitting.v[i]);
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
		ph_top_put_line(v, head ? PH_STYLE_HEAD : at - 1 == v->selected ? PH_STYLE_SELECTED : PH_STYLE_PLAIN, line.p, width);
	}
}

static void place_rows(struct ph_top_view *v, unsigned int height)
{
	v->rows_at = (unsigned int)v->lines.n + 1;
	v->rows_n = height > v->rows_at + 1 ? height - v->rows_at - 1 : 0;
	follow_selected(v);
}

static void put_table(struct ph_top_view *v, unsigned int width, unsigned int height, uint64_t unix_ns)
{
	const struct ph_top_place *p = ph_top_view_here(v);
	bool containers = of_containers(p->show), names;
	size_t sort = v->sort[ph_top_view_sorted_as(p->show)];
	bool ascending = v->ascending[ph_top_view_sorted_as(p->show)];
	struct rows rows = { 0 };
	ph_autobuf text = { 0 };
	char head[32];

	memcpy(rows.cols, shows[p->show].cols, shows[p->show].ncols * sizeof(rows.cols[0]));
	if (containers) {
		rows.cols[COL_SPARK] = (struct ph_col){ "LAST", "history", PH_COL_STR };
		rows.cols[COL_MEMBERS] = (struct ph_col){ "CONTS", "containers", PH_COL_U64 };
	}
	if (p->show == PH_SHOW_GROUPS)
		rows.cols[PH_TOP_COL_NAME].head = groups[p->by].head;
	names = rows.cols[sort].type == PH_COL_STR;
	ph_table_init(&rows.table, rows.cols, containers ? NCOLS : shows[p->show].ncols);
	add_rows(v, &rows, width, unix_ns);
	/* Names from a to z, numbers from large to small. */
	ph_table_sort(&rows.table, sort, names ? ascending : !ascending);
	if (p->show == PH_SHOW_CONTAINERS && v->tree)
		order_as_tree(v, &rows);
	put_title(v, rows.table.rows.n, rows.cols[sort].head, width);
	snprintf(head, sizeof(head), "%s%s", rows.cols[sort].head, v->utf8 ? "▾" : "*");
	rows.cols[sort].head = head;
	print_fitting(v, &rows, width, &text);
	want_fitting(v);
	ph_strv_done(&v->keys);
	for (size_t i = 0; i < rows.table.rows.n; i++)
		ph_strv_add(&v->keys, ph_u64map_get(&rows.keys, (uint64_t)(uintptr_t)rows.table.rows.v[i]));
	place_rows(v, height);
	put_rows(v, &text, width);
	rows_done(&rows);
}

static void put_views(struct ph_top_view *v, unsigned int width, unsigned int height)
{
	static const struct ph_col cols[] = {
		{ "VIEW", "view", PH_COL_STR, .help = "what to show" }, { "SHOWS", "shows", PH_COL_STR, .help = "what that is" },
	};
	struct ph_table_fmt fmt = { 0 };
	struct ph_table table;
	ph_autobuf text = { 0 };

	ph_table_init(&table, cols, PH_ARRAY_SIZE(cols));
	ph_strv_done(&v->keys);
	for (const struct ph_top_view_kind *k = ph_top_view_kinds; k->name; k++) {
		struct ph_cell *cells = ph_table_row(&table);

		ph_cell_str(&cells[0], k->name);
		ph_cell_str(&cells[1], k->what);
		ph_strv_add(&v->keys, k->name);
	}
	ph_table_print(&table, &fmt, width, &text, NULL);
	ph_top_put_line(v, PH_STYLE_TITLE, "What is to be shown?", width);
	place_rows(v, height);
	put_rows(v, &text, width);
	ph_table_done(&table);
}

static void put_report(struct ph_top_view *v, unsigned int width, unsigned int height, uint64_t unix_ns)
{
	struct ph_top_report *rep = &v->report;
	ph_autobuf title = { 0 };
	ph_strv lines = { 0 };

	add_where(v, 0, &title);
	if (!rep->begun_ns)
		rep->begun_ns = unix_ns;
	/* It takes a moment to begin, and longer on a busy machine: one sees that it goes on. */
	if (rep->running && !rep->text.len)
		ph_buf_addf(&title, ": looking for %" PRIu64 " s now", (uint64_t)((unix_ns > rep->begun_ns ? unix_ns - rep->begun_ns : 0) / PH_NSEC));
	ph_top_put_line(v, PH_STYLE_TITLE, title.p, width);
	ph_top_wrap(rep->text.p ? rep->text.p : "", width, rep->x, &lines);
	if (!lines.n && !rep->running)
		ph_strv_add(&lines, "There was nothing.");
	v->rows_at = (unsigned int)v->lines.n;
	v->rows_n = height > v->rows_at + 1 ? height - v->rows_at - 1 : 0;
	if (v->first + v->rows_n > lines.n)
		v->first = lines.n > v->rows_n ? lines.n - v->rows_n : 0;
	for (size_t i = v->first; i < lines.n && i < v->first + v->rows_n; i++)
		ph_top_put_line(v, PH_STYLE_PLAIN, lines.v[i], width);
	ph_strv_done(&v->keys);
	ph_strv_done(&lines);
}

void ph_top_view_draw(struct ph_top_view *v, unsigned int width, unsigned int height, uint64_t unix_ns)
{
	enum ph_top_show show = ph_top_view_here(v)->show;

	ph_vec_each(l, &v->lines)
		ph_buf_done(&l->text);
	v->lines.n = 0;
	if (!width || !height)
		return;
	if (v->help) {
		ph_top_put_help(v, width);
	} else {
		ph_top_put_host(v, width);
		if (show == PH_SHOW_VIEWS)
			put_views(v, width, height);
		else if (show == PH_SHOW_REPORT)
			put_report(v, width, height, unix_ns);
		else
			put_table(v, width, height, unix_ns);
	}
	while (v->lines.n + 1 < height)
		ph_top_put_line(v, PH_STYLE_PLAIN, "", width);
	/* Too many for a low screen: the last line is the keys'. */
	while (v->lines.n + 1 > height)
		ph_buf_done(&v->lines.v[--v->lines.n].text);
	ph_top_put_keys(v, width);
}
