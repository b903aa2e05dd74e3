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

static const struct {
	const struct ph_col *cols;
	size_t ncols;
	const char *one, *many;
	size_t tie;		/* equal ones are in the order of this column */
} shows[PH_SHOW_N] = {
	[PH_SHOW_CONTAINERS] = { ph_top_cols, PH_TOP_NCOLS, "container", "containers", PH_TOP_COL_NAME },
	[PH_SHOW_GROUPS] = { ph_top_cols, PH_TOP_NCOLS, NULL, NULL, PH_TOP_COL_NAME },
	[PH_SHOW_PROCESSES] = { ph_top_proc_cols, PH_PROC_NCOLS, "process", "processes", PH_PROC_PID },
	[PH_SHOW_THREADS] = { ph_top_proc_cols, PH_PROC_NCOLS, "thread", "threads", PH_PROC_PID },
	[PH_SHOW_FILES] = { ph_top_file_cols, PH_FILE_NCOLS, "open file", "open files", PH_FILE_FD },
	[PH_SHOW_SOCKETS] = { ph_top_socket_cols, PH_SOCKET_NCOLS, "socket", "sockets", PH_SOCKET_REMOTE },
};

static const struct { const char *one, *many, *head; } groups[PH_TOP_NBY] = {
	[PH_TOP_BY_POD] = { "pod", "pods", "POD" },
	[PH_TOP_BY_IMAGE] = { "image", "images", "IMAGE" },
	[PH_TOP_BY_NAMESPACE] = { "namespace", "namespaces", "NAMESPACE" },
	[PH_TOP_BY_CGROUP] = { "cgroup", "cgroups", "CGROUP" },
};

/* ---- titles ------------------------------------------------------------------------------------------------- */

/* Of what the rows are, and where one is. */
static void add_where(const struct ph_top_view *v, size_t n, struct ph_buf *b)
{
	const struct ph_top_place *p = ph_top_view_here(v);
	const char *one = shows[p->show].one, *many = shows[p->show].many;

	if (p->show == PH_SHOW_GROUPS) {
		one = groups[p->by].one;
		many = groups[p->by].many;
	} else if (p->guests) {
		one = "guest";
		many = "guests";
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
	ph_buf_addf(&b, ", by %s%s", sorted_by, v->tree && ph_top_view_here(v)->show == PH_SHOW_CONTAINERS ? ", as a tree" : "");
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

	if (r->hc->c.index == PH_CONTAINER_HOST || !ph_top_view_wanted(arg, r) ||
	    (p->guests && !ph_container_is_guest(&r->hc->c)))
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
	       has_letters(v, c->id) || has_letters(v, c->uuid);
}

static struct ph_cell *add_row(struct ph_top_rows *rows, const char *key)
{
	struct ph_cell *cells = ph_table_row(&rows->table);

	ph_u64map_put(&rows->keys, (uint64_t)(uintptr_t)cells, (void *)key);
	return cells;
}

/* Takes over @key. */
static struct ph_cell *add_own_row(struct ph_top_rows *rows, char *key)
{
	*ph_vec_push(&rows->owned) = key;
	return add_row(rows, key);
}

/* Sorted by the past is sorted by the last moment of it. */
static void fill_shown(struct ph_top_view *v, struct ph_top_rows *rows, const struct ph_top_row *r, uint64_t unix_ns,
		       struct ph_cell *cells)
{
	ph_top_fill(v->t, r, unix_ns, cells);
	if (cells[PH_TOP_COL_CPU].set)
		ph_cell_f64(&cells[PH_TOP_COL_SPARK], cells[PH_TOP_COL_CPU].f);
	ph_u64map_put(&rows->of, (uint64_t)(uintptr_t)cells, (void *)r);
}

static void add_containers(struct ph_top_view *v, struct ph_top_rows *rows, uint64_t unix_ns)
{
	for (size_t i = 0; i < v->t->rows.n; i++) {
		const struct ph_top_row *r = v->t->rows.v[i];
		struct ph_cell *cells;

		if (!r || !in_group(v, r) || !passes(v, r))
			continue;
		cells = add_row(rows, r->key);
		fill_shown(v, rows, r, unix_ns, cells);
	}
}

static void add_groups(struct ph_top_view *v, struct ph_top_rows *rows, uint64_t unix_ns)
{
	ph_top_groups_make(v->t, ph_top_view_here(v)->by, in_group, v, &rows->groups);
	for (size_t i = 0; i < rows->groups.n; i++) {
		struct ph_top_group *g = rows->groups.v[i];
		struct ph_cell *cells;

		if (v->filter.len && !has_letters(v, g->hc.c.name))
			continue;
		cells = add_row(rows, g->key);
		fill_shown(v, rows, &g->row, unix_ns, cells);
		ph_cell_u64(&cells[PH_TOP_COL_MEMBERS], g->members);
	}
}

static void add_processes(struct ph_top_view *v, struct ph_top_rows *rows)
{
	bool all = !ph_top_view_here(v)->container;

	ph_vec_each(p, &v->procs.v)
		if (!v->filter.len || has_letters(v, p->comm) || (all && has_letters(v, p->container)))
			ph_top_proc_fill(p, add_own_row(rows, ph_asprintf("%d", p->id)));
}

static void add_files(struct ph_top_view *v, struct ph_top_rows *rows)
{
	ph_vec_each(f, &v->files.v)
		if (!v->filter.len || has_letters(v, f->comm) || has_letters(v, f->path))
			ph_top_file_fill(f, add_own_row(rows, ph_asprintf("%d %u", f->pid, f->fd)));
}

static void add_sockets(struct ph_top_view *v, struct ph_top_rows *rows)
{
	ph_vec_each(s, &v->files.sockets)
		if (!v->filter.len || has_letters(v, s->comm) || has_letters(v, s->local) || has_letters(v, s->remote) ||
		    has_letters(v, s->state))
			ph_top_socket_fill(s, add_own_row(rows, ph_asprintf("%s %s %s", s->proto, s->local, s->remote)));
}

static void add_rows(struct ph_top_view *v, struct ph_top_rows *rows, uint64_t unix_ns)
{
	switch (ph_top_view_here(v)->show) {
	case PH_SHOW_CONTAINERS:
		add_containers(v, rows, unix_ns);
		break;
	case PH_SHOW_GROUPS:
		add_groups(v, rows, unix_ns);
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

static void rows_done(struct ph_top_rows *rows)
{
	ph_table_done(&rows->table);
	ph_u64map_done(&rows->keys);
	ph_u64map_done(&rows->of);
	ph_strv_done(&rows->owned);
	ph_top_groups_done(&rows->groups);
}

/* The nearest container around it that is shown, 0: none. */
static uint32_t above(const struct ph_top_view *v, const struct ph_u64map *shown, const struct ph_top_row *r)
{
	for (unsigned int i = 0; i < 64 && r && r->hc->c.parent; i++) {
		if (ph_u64map_get(shown, r->hc->c.parent))
			return r->hc->c.parent;
		r = ph_top_row_at(v->t, r->hc->c.parent);
	}
	return 0;
}

static void tree_below(struct ph_top_view *v, struct ph_top_rows *rows, const struct ph_u64map *shown, uint32_t parent,
		       unsigned int depth, struct ph_cell **out, size_t *n)
{
	for (size_t i = 0; i < rows->table.rows.n && depth < 16; i++) {
		struct ph_cell *cells = rows->table.rows.v[i];
		const struct ph_top_row *r = ph_u64map_get(&rows->of, (uint64_t)(uintptr_t)cells);

		if (above(v, shown, r) != parent || r->hc->c.index == parent)
			continue;
		if (depth)
			ph_cell_text(&cells[PH_TOP_COL_NAME], "%*s%s %s", (int)(depth - 1) * 3, "", v->utf8 ? "└─" : "`-", ph_top_name(r));
		out[(*n)++] = cells;
		tree_below(v, rows, shown, r->hc->c.index, depth + 1, out, n);
	}
}

static void order_as_tree(struct ph_top_view *v, struct ph_top_rows *rows)
{
	ph_autofree struct ph_cell **out = ph_alloc((rows->table.rows.n + 1) * sizeof(*out));
	struct ph_u64map shown = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < rows->table.rows.n; i++) {
		struct ph_top_row *r = ph_u64map_get(&rows->of, (uint64_t)(uintptr_t)rows->table.rows.v[i]);

		ph_u64map_put(&shown, r->hc->c.index, r);
	}
	tree_below(v, rows, &shown, 0, 0, out, &n);
	ph_u64map_done(&shown);
	if (n == rows->table.rows.n)
		memcpy(rows->table.rows.v, out, n * sizeof(*out));
}

/* ---- tables ------------------------------------------------------------------------------------------------- */

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

/* @text: a heading, and the rows from number @at on. */
static void put_rows(struct ph_top_view *v, const struct ph_buf *text, size_t at, unsigned int width)
{
	ph_autobuf line = { 0 };
	bool head = true;

	for (const char *l = text->p; l && *l; l += strcspn(l, "\n"), l += *l == '\n', head = false) {
		size_t row = head ? v->first : at++;

		if (row < v->first || (!head && row >= v->first + v->rows_n))
			continue;
		ph_buf_clear(&line);
		ph_buf_add(&line, l, strcspn(l, "\n"));
		ph_top_put_line(v, head ? PH_STYLE_HEAD : row == v->selected ? PH_STYLE_SELECTED : PH_STYLE_PLAIN, line.p, width);
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
	/* Descending, ascending. */
	static const char *const marks[2][2] = { { "*", "^" }, { "▾", "▴" } };
	const struct ph_top_place *p = ph_top_view_here(v);
	bool containers = ph_top_view_of_containers(p->show), names;
	size_t sort = v->sort[ph_top_view_sorted_as(p->show)];
	bool ascending = v->ascending[ph_top_view_sorted_as(p->show)];
	struct ph_top_rows rows = { 0 };
	ph_autobuf text = { 0 };
	char head[32];

	memcpy(rows.cols, shows[p->show].cols, shows[p->show].ncols * sizeof(rows.cols[0]));
	if (containers) {
		rows.cols[PH_TOP_COL_SPARK] = (struct ph_col){ "LAST", "history", PH_COL_F64 };
		rows.cols[PH_TOP_COL_MEMBERS] = (struct ph_col){ "CONTS", "containers", PH_COL_U64 };
	}
	if (p->show == PH_SHOW_GROUPS)
		rows.cols[PH_TOP_COL_NAME].head = groups[p->by].head;
	if (p->guests)
		rows.cols[PH_TOP_COL_NAME].head = "GUEST";
	if (p->show == PH_SHOW_THREADS) {
		rows.cols[PH_PROC_PID].head = "TID";
		rows.cols[PH_PROC_INNER].head = "CTID";
	}
	names = rows.cols[sort].type == PH_COL_STR;
	ph_table_init(&rows.table, rows.cols, containers ? PH_TOP_SCREEN_NCOLS : shows[p->show].ncols);
	add_rows(v, &rows, unix_ns);
	ph_table_sort(&rows.table, shows[p->show].tie, false);
	/* Names from a to z, numbers from large to small. */
	ph_table_sort(&rows.table, sort, names ? ascending : !ascending);
	if (p->show == PH_SHOW_CONTAINERS && v->tree)
		order_as_tree(v, &rows);
	put_title(v, rows.table.rows.n, rows.cols[sort].head, width);
	snprintf(head, sizeof(head), "%s%s", rows.cols[sort].head, marks[v->utf8][names != ascending]);
	rows.cols[sort].head = head;
	ph_strv_done(&v->keys);
	for (size_t i = 0; i < rows.table.rows.n; i++)
		ph_strv_add(&v->keys, ph_u64map_get(&rows.keys, (uint64_t)(uintptr_t)rows.table.rows.v[i]));
	place_rows(v, height);
	ph_top_fit(v, &rows, width, &text);
	ph_top_want_fitting(v);
	put_rows(v, &text, v->first, width);
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
		struct ph_cell *cells;

		if (v->replay.past && ph_top_view_live_only(k->show))
			continue;
		cells = ph_table_row(&table);
		ph_cell_str(&cells[0], k->name);
		ph_cell_str(&cells[1], k->what);
		ph_strv_add(&v->keys, k->name);
	}
	ph_table_print(&table, &fmt, width, &text, NULL);
	ph_top_put_line(v, PH_STYLE_TITLE, "What is to be shown?", width);
	place_rows(v, height);
	put_rows(v, &text, 0, width);
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
			put_table(v, width, height, v->replay.past ? ph_top_past_end(v->replay.past, v->replay.at) : unix_ns);
	}
	while (v->lines.n + 1 < height)
		ph_top_put_line(v, PH_STYLE_PLAIN, "", width);
	/* Too many for a low screen: the last line is the keys'. */
	while (v->lines.n + 1 > height)
		ph_buf_done(&v->lines.v[--v->lines.n].text);
	ph_top_put_keys(v, width);
}
