/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where one is and what keys do; top_draw.c has the lines. */
#include "live/top_view_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/schema.h"

/* Columns that a key moves a report by, and how far it goes. */
#define REPORT_STEP 16
#define REPORT_WIDEST 400

const struct ph_top_view_kind ph_top_view_kinds[] = {
	{ "containers", "each container", PH_SHOW_CONTAINERS, 0, false },
	{ "pods", "Kubernetes pods: their containers added up", PH_SHOW_GROUPS, PH_TOP_BY_POD, false },
	{ "images", "the containers of each image", PH_SHOW_GROUPS, PH_TOP_BY_IMAGE, false },
	{ "namespaces", "those of each Kubernetes namespace", PH_SHOW_GROUPS, PH_TOP_BY_NAMESPACE, false },
	{ "cgroups", "those of each cgroup that has containers directly below it", PH_SHOW_GROUPS, PH_TOP_BY_CGROUP, false },
	{ "guests", "virtual machines of KVM; Enter shows what runs their virtual CPUs", PH_SHOW_CONTAINERS, 0, true },
	{ "processes", "the processes of all containers", PH_SHOW_PROCESSES, 0, false },
	{ "threads", "their threads", PH_SHOW_THREADS, 0, false },
	{ NULL, NULL, 0, 0, false },
};

void ph_top_view_init(struct ph_top_view *v, struct ph_top *t)
{
	*v = (struct ph_top_view){
		.t = t,
		.levels = t->want.levels,
		.sort = { [PH_SHOW_CONTAINERS] = PH_TOP_COL_CPU, [PH_SHOW_PROCESSES] = PH_PROC_CPU,
			  [PH_SHOW_THREADS] = PH_PROC_CPU, [PH_SHOW_FILES] = PH_FILE_PID, [PH_SHOW_SOCKETS] = PH_SOCKET_LOCAL },
		.ascending = { [PH_SHOW_FILES] = true },
	};
	ph_vec_push(&v->places)->show = PH_SHOW_CONTAINERS;
}

void ph_top_place_done(struct ph_top_place *p)
{
	free(p->group);
	free(p->container);
	free(p->name);
	free(p->selected_key);
}

void ph_top_view_done(struct ph_top_view *v)
{
	ph_vec_each(p, &v->places)
		ph_top_place_done(p);
	ph_vec_done(&v->places);
	ph_top_procs_done(&v->procs);
	ph_top_files_done(&v->files);
	ph_top_past_free(v->replay.past);
	ph_strv_done(&v->report.command);
	ph_buf_done(&v->report.text);
	ph_buf_done(&v->filter);
	ph_buf_done(&v->note);
	free(v->selected_key);
	ph_strv_done(&v->keys);
	ph_vec_done(&v->fitting);
	ph_vec_each(l, &v->lines)
		ph_buf_done(&l->text);
	ph_vec_done(&v->lines);
}

const struct ph_top_row *ph_top_view_row(const struct ph_top_view *v, const char *key)
{
	for (size_t i = 0; key && i < v->t->rows.n; i++)
		if (v->t->rows.v[i] && !strcmp(v->t->rows.v[i]->key, key))
			return v->t->rows.v[i];
	return NULL;
}

bool ph_top_view_chosen(void *arg, const struct ph_top_row *r)
{
	const struct ph_top_view *v = arg;

	return v->wanted ? v->wanted(v->arg, r) : r->hc->c.index != PH_CONTAINER_HOST;
}

bool ph_top_view_wanted(void *arg, const struct ph_top_row *r)
{
	const struct ph_top_view *v = arg;

	/* When the interval came, that was asked. */
	if (v->replay.past)
		return !r->gone && r->hc->c.index != PH_CONTAINER_HOST;
	return ph_top_view_chosen(arg, r);
}

void ph_top_view_round(struct ph_top_view *v, uint64_t now_ns)
{
	const struct ph_top_place *p = ph_top_view_here(v);
	const struct ph_top_scope scope = {
		.row = ph_top_view_row(v, p->container), .pid = p->pid, .wanted = ph_top_view_wanted, .arg = v,
	};
	bool files = p->show == PH_SHOW_FILES || p->show == PH_SHOW_SOCKETS;

	if (!files && p->show != PH_SHOW_PROCESSES && p->show != PH_SHOW_THREADS)
		return;
	/* Who looks at processes wants those of now: the host is scanned in the next round. */
	v->t->lost_one = true;
	if (p->container && !scope.row) {
		v->procs.v.n = 0;
		ph_top_files_done(&v->files);
	} else if (files) {
		ph_top_files_round(&v->files, v->t, &scope);
	} else {
		ph_top_procs_round(&v->procs, v->t, &scope, p->show == PH_SHOW_THREADS, now_ns);
	}
}

/* ---- from place to place ------------------------------------------------------------------------------------ */

static void select_row(struct ph_top_view *v, size_t at)
{
	if (at >= v->keys.n)
		at = v->keys.n ? v->keys.n - 1 : 0;
	v->selected = at;
	free(v->selected_key);
	v->selected_key = v->keys.n ? ph_strdup(v->keys.v[at]) : NULL;
}

/* At the uppermost place, @key selected. */
static void arrive(struct ph_top_view *v, char *key)
{
	v->selected = v->first = 0;
	free(v->selected_key);
	v->selected_key = key;
	v->fitting.n = 0;
	memset(v->widths, 0, sizeof(v->widths));
	ph_strv_done(&v->keys);
	ph_buf_clear(&v->filter);
	ph_top_procs_done(&v->procs);
	ph_top_files_done(&v->files);
	ph_top_view_round(v, ph_now_ns());
}

/* Takes over @p. */
static void go_to(struct ph_top_view *v, struct ph_top_place p)
{
	struct ph_top_place *from = ph_top_view_here(v);

	free(from->selected_key);
	from->selected_key = v->selected < v->keys.n ? ph_strdup(v->keys.v[v->selected]) : NULL;
	*ph_vec_push(&v->places) = p;
	arrive(v, NULL);
}

static void leave(struct ph_top_view *v)
{
	ph_top_place_done(&v->places.v[--v->places.n]);
}

static void go_out(struct ph_top_view *v)
{
	if (v->places.n == 1)
		return;
	leave(v);
	arrive(v, ph_take(ph_top_view_here(v)->selected_key));
}

static void choose_view(struct ph_top_view *v, const char *name)
{
	for (const struct ph_top_view_kind *k = ph_top_view_kinds; k->name; k++) {
		if (strcmp(k->name, name))
			continue;
		while (v->places.n)
			leave(v);
		*ph_vec_push(&v->places) = (struct ph_top_place){ .show = k->show, .by = k->by, .guests = k->guests };
		arrive(v, NULL);
		return;
	}
}

static int32_t process_of(const struct ph_top_view *v, int32_t tid)
{
	ph_vec_each(p, &v->procs.v)
		if (p->id == tid)
			return p->pid;
	return 0;
}

bool ph_top_view_target(const struct ph_top_view *v, struct ph_top_place *ret)
{
	const struct ph_top_place *p = ph_top_view_here(v);
	const char *key = v->selected < v->keys.n ? v->keys.v[v->selected] : NULL;
	const struct ph_top_row *r;

	*ret = (struct ph_top_place){ .by = p->by, .group = ph_strdup(p->group), .container = ph_strdup(p->container),
				      .name = ph_strdup(p->name), .pid = p->pid };
	switch (p->show) {
	case PH_SHOW_GROUPS:
		ret->group = ph_strdup(key);
		return key != NULL;
	case PH_SHOW_CONTAINERS:
		r = ph_top_view_row(v, key);
		if (!r)
			break;
		ret->container = ph_strdup(r->key);
		ret->name = ph_strdup(ph_top_name(r));
		if (p->guests)
			ret->pid = r->hc->c.init_pid;
		return true;
	case PH_SHOW_PROCESSES:
	case PH_SHOW_THREADS:
		ret->pid = key ? process_of(v, (int32_t)strtol(key, NULL, 10)) : 0;
		if (ret->pid)
			return true;
		break;
	case PH_SHOW_VIEWS:
		break;
	default:
		return true;
	}
	ph_top_place_done(ret);
	return false;
}

static void go_in(struct ph_top_view *v)
{
	enum ph_top_show show = ph_top_view_here(v)->show;
	struct ph_top_place p;

	if (show == PH_SHOW_VIEWS) {
		if (v->selected < v->keys.n)
			choose_view(v, v->keys.v[v->selected]);
		return;
	}
	if (show > PH_SHOW_PROCESSES || !ph_top_view_target(v, &p))
		return;
	if (v->replay.past && show != PH_SHOW_GROUPS) {
		ph_top_view_say(v, "processes are those of the running machine; s and w look at this interval");
		ph_top_place_done(&p);
		return;
	}
	p.show = show == PH_SHOW_GROUPS ? PH_SHOW_CONTAINERS :
		 show == PH_SHOW_CONTAINERS && !ph_top_view_here(v)->guests ? PH_SHOW_PROCESSES : PH_SHOW_THREADS;
	go_to(v, p);
}

static void show_views(struct ph_top_view *v)
{
	if (ph_top_view_here(v)->show == PH_SHOW_VIEWS)
		go_out(v);
	else
		go_to(v, (struct ph_top_place){ .show = PH_SHOW_VIEWS });
}

void ph_top_view_say(struct ph_top_view *v, const char *text)
{
	ph_buf_clear(&v->note);
	ph_buf_adds(&v->note, text);
}

void ph_top_view_go_beside(struct ph_top_view *v, struct ph_top_place p)
{
	enum ph_top_show from = ph_top_view_here(v)->show;

	if (v->places.n > 1 && (from == PH_SHOW_FILES || from == PH_SHOW_SOCKETS || from == PH_SHOW_REPORT)) {
		leave(v);
		*ph_vec_push(&v->places) = p;
		arrive(v, NULL);
	} else {
		go_to(v, p);
	}
}

/* ---- keys -------------------------------------------------------------------------------------------------- */

static void move_sort(struct ph_top_view *v, int by)
{
	size_t at = 0, *sort = &v->sort[ph_top_view_sorted_as(ph_top_view_here(v)->show)];

	if (!v->fitting.n)
		return;
	while (at < v->fitting.n && v->fitting.v[at] != *sort)
		at++;
	at = at == v->fitting.n ? 0 : (at + v->fitting.n + (size_t)by) % v->fitting.n;
	*sort = v->fitting.v[at];
}

/* In a trace time goes from left to right; it stops for who goes by himself. */
static void sideways(struct ph_top_view *v, int by)
{
	if (!v->replay.past) {
		move_sort(v, by);
		return;
	}
	if (ph_top_view_here(v)->show == PH_SHOW_REPORT)
		return;
	v->paused = true;
	ph_top_view_step(v, by);
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

/* In a report lines are moved over the screen, there is nothing to be selected. */
static bool report_key(struct ph_top_view *v, int key)
{
	size_t page = v->rows_n > 1 ? v->rows_n - 1 : 1, *first = &v->first;

	switch (key) {
	case PH_KEY_UP: case 'k':
		*first -= *first ? 1 : 0;
		return true;
	case PH_KEY_DOWN: case 'j':
		++*first;
		return true;
	case PH_KEY_PAGE_UP:
		*first -= *first < page ? *first : page;
		return true;
	case PH_KEY_PAGE_DOWN: case ' ':
		*first += page;
		return true;
	case PH_KEY_HOME: case 'g':
		*first = 0;
		return true;
	case PH_KEY_END: case 'G':
		*first = SIZE_MAX / 2;
		return true;
	case PH_KEY_LEFT:
		v->report.x -= v->report.x < REPORT_STEP ? v->report.x : REPORT_STEP;
		return true;
	case PH_KEY_RIGHT:
		v->report.x += v->report.x < REPORT_WIDEST ? REPORT_STEP : 0;
		return true;
	default:
		return false;
	}
}

bool ph_top_view_key(struct ph_top_view *v, int key)
{
	size_t page = v->rows_n > 1 ? v->rows_n - 1 : 1;
	enum ph_top_show show = ph_top_view_here(v)->show;

	ph_buf_clear(&v->note);
	if (v->typing && (key < PH_KEY_UP || key == PH_KEY_ENTER || key == PH_KEY_ESCAPE || key == PH_KEY_BACK)) {
		type(v, key);
		return true;
	}
	if (v->help && key != 'q') {
		v->help = false;
		return true;
	}
	if (show == PH_SHOW_REPORT && report_key(v, key))
		return true;
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
		if (v->filter.len)
			ph_buf_clear(&v->filter);
		else
			go_out(v);
		break;
	case '<':
		move_sort(v, -1);
		break;
	case '>': case PH_KEY_SORT:
		move_sort(v, 1);
		break;
	case PH_KEY_LEFT: case ',':
		sideways(v, -1);
		break;
	case PH_KEY_RIGHT: case '.':
		sideways(v, 1);
		break;
	case 'r':
		v->ascending[ph_top_view_sorted_as(show)] ^= true;
		break;
	case 't':
		v->tree = !v->tree;
		break;
	case 's':
		ph_top_view_calls(v);
		break;
	case 'w':
		ph_top_view_throttled(v);
		break;
	case 'p':
		ph_top_view_profile(v);
		break;
	case 'i':
		ph_top_view_inspect(v);
		break;
	case 'f':
		ph_top_view_of_selected(v, PH_SHOW_FILES);
		break;
	case 'n':
		ph_top_view_of_selected(v, PH_SHOW_SOCKETS);
		break;
	case PH_KEY_VIEWS: case 'v':
		show_views(v);
		break;
	case '/':
		v->typing = show < PH_SHOW_REPORT;
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
