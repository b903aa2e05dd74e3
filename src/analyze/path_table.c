/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report for eyes: the sentence, then the tables that it stands on. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/path_report_priv.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"

/* Rows of a table in the report, where it is not asked for alone. */
#define ROWS_SHOWN 12

const char *const ph_path_tables[PH_PATH_TABLES + 1] = { "containers", "shares", "help", "steps", "bands", "differences" };

#define SHARE_COLS									\
	{ "TIME", "time_ns", PH_COL_NS, .help = "of the path" },			\
	{ "SHARE%", "share_percent", PH_COL_F64, .help = "in percent of the path" }

static const struct ph_col container_cols[] = {
	PATH_CONTAINER_COL,
	SHARE_COLS,
	{ "RAN", "ran_ns", PH_COL_NS, .help = "its tasks ran" },
	{ "RUN-QUEUE", "run_queue_ns", PH_COL_NS, .help = "runnable, while others ran" },
	{ "THROTTLED", "throttled_ns", PH_COL_NS, .help = "by a CPU limit" },
	{ "DISK", "disk_ns", PH_COL_NS, .help = "waiting for a block device" },
	{ "NETWORK", "network_ns", PH_COL_NS, .help = "waiting for a peer outside, or a packet under way" },
	{ "TIMER", "timer_ns", PH_COL_NS, .help = "asleep until a time" },
	{ "OTHER", "other_ns", PH_COL_NS, .help = "steal, interrupts, frozen, stopped, waits of which the source is not told" },
	{ "UNKNOWN", "unknown_ns", PH_COL_NS, .help = "nothing was recorded" },
};

static const struct ph_col share_cols[] = {
	PATH_CONTAINER_COL,
	PATH_TASK_COLS,
	PATH_STATE_COLS,
	SHARE_COLS,
	{ "TIMES", "count", PH_COL_U64, .help = "pieces of time that this is made of" },
};

static const struct ph_col help_cols[] = {
	{ "RESOURCE", "resource", PH_COL_STR, .help = "what kind of thing" },
	{ "WHICH", "what", PH_COL_STR, .help = "which of them" },
	SHARE_COLS,
};

static const struct ph_col step_cols[] = {
	{ "TIME", "time_ns", PH_COL_U64, .help = "when it began, Unix time" },
	{ "DURATION", "duration_ns", PH_COL_NS, .help = "how long" },
	PATH_CONTAINER_COL,
	PATH_TASK_COLS,
	PATH_STATE_COLS,
	{ "THEN", "then", PH_COL_STR, .help = "how the path goes on to another task: it wakes that one, sends to it, forks it, "
	  "or sleeps itself" },
	{ "USER", "user_ns", PH_COL_NS, true, .help = "running: of it in user mode" },
	{ "KERNEL", "kernel_ns", PH_COL_NS, true, .help = "in the kernel" },
};

static const struct path_columns
	containers = { container_cols, PH_ARRAY_SIZE(container_cols), NULL },
	shares = { share_cols, PH_ARRAY_SIZE(share_cols), "Who had how much of the path, in what state:" },
	helps = { help_cols, PH_ARRAY_SIZE(help_cols), "How much shorter it would be at most, without what each of these took:" },
	steps = { step_cols, PH_ARRAY_SIZE(step_cols), "The longest steps of the path, in order of time:" };

static const struct path_columns *const tables[PH_PATH_TABLES] = {
	&containers, &shares, &helps, &steps, &path_band_columns, &path_diff_columns,
};

int ph_path_check(const struct ph_report_view *view, struct ph_err *err)
{
	return ph_table_check(&view->fmt, tables[view->table]->cols, tables[view->table]->n, err);
}

void ph_path_schema(enum ph_path_table table, struct ph_buf *out)
{
	ph_table_schema(tables[table]->cols, tables[table]->n, out);
}

/* ---- cells ----------------------------------------------------------------------------------------- */

struct ph_cell *path_cell_container(struct ph_cell *c, const struct ph_path *p, uint32_t container)
{
	ph_cell_str(c, container == PH_CONTAINER_UNKNOWN ? NULL : ph_container_label(p->id, container));
	return c + 1;
}

static struct ph_cell *set_comm(struct ph_cell *c, const char comm[16])
{
	ph_autofree char *text = comm[0] ? ph_strndup(comm, 16) : NULL;

	ph_cell_str(c, text);
	return c + 1;
}

static struct ph_cell *set_task(struct ph_cell *c, const struct ph_trail_who *who, int32_t tid)
{
	c = set_comm(c, who->comm);
	if (tid > 0)
		ph_cell_s64(c, tid);
	return c + 1;
}

static struct ph_cell *set_time(struct ph_cell *c, uint64_t ns)
{
	if (ns)
		ph_cell_u64(c, ns);
	return c + 1;
}

static struct ph_cell *set_share(struct ph_cell *c, const struct ph_path *p, uint64_t ns)
{
	ph_cell_u64(c, ns);
	ph_cell_f64(c + 1, 100.0 * (double)ns / (double)(p->end_ns - p->begin_ns));
	return c + 2;
}

static struct ph_cell *set_text(struct ph_cell *c, const struct ph_buf *text)
{
	ph_cell_str(c, text->len ? text->p : NULL);
	return c + 1;
}

/* ---- rows ------------------------------------------------------------------------------------------ */

static int most_first(const void *pa, const void *pb)
{
	const struct ph_path_part *a = pa, *b = pb;

	return a->ns != b->ns ? (a->ns > b->ns ? -1 : 1) : a->container < b->container ? -1 : 1;
}

size_t ph_path_parts(const struct ph_path *p, struct ph_path_part **ret)
{
	PH_VEC(struct ph_path_part) v = { 0 };

	ph_vec_each(sh, &p->shares) {
		size_t i = 0;

		while (i < v.n && v.v[i].container != sh->who.container)
			i++;
		if (i == v.n)
			ph_vec_push(&v)->container = sh->who.container;
		v.v[i].ns += sh->ns;
		v.v[i].state_ns[sh->state] += sh->ns;
	}
	if (v.n)
		qsort(v.v, v.n, sizeof(*v.v), most_first);
	*ret = v.v;
	return v.n;
}

static void fill_containers(struct ph_table *t, const struct ph_path *p)
{
	ph_autofree struct ph_path_part *parts = NULL;
	size_t n = ph_path_parts(p, &parts);

	for (size_t i = 0; i < n; i++) {
		const uint64_t *ns = parts[i].state_ns;
		struct ph_cell *c = ph_table_row(t);

		c = path_cell_container(c, p, parts[i].container);
		c = set_share(c, p, parts[i].ns);
		c = set_time(c, ns[PH_PATH_USER] + ns[PH_PATH_KERNEL] + ns[PH_PATH_RAN]);
		c = set_time(c, ns[PH_PATH_QUEUE]);
		c = set_time(c, ns[PH_PATH_THROTTLED]);
		c = set_time(c, ns[PH_PATH_DISK]);
		c = set_time(c, ns[PH_PATH_NETWORK]);
		c = set_time(c, ns[PH_PATH_TIMER]);
		c = set_time(c, ns[PH_PATH_STEAL] + ns[PH_PATH_IRQ] + ns[PH_PATH_FROZEN] + ns[PH_PATH_STOPPED] +
			     ns[PH_PATH_INTERRUPT] + ns[PH_PATH_WAITED]);
		set_time(c, ns[PH_PATH_UNKNOWN]);
	}
}

/* The state, and what it has to do with. */
static struct ph_cell *set_state(struct ph_cell *c, const struct ph_path *p, const struct ph_path_share *sh)
{
	ph_autobuf what = { 0 };

	ph_path_what_text(p, (enum ph_path_state)sh->state, sh->what, (enum ph_wait)sh->wait, sh->by_tid, &sh->by, &what);
	ph_cell_str(c, ph_path_state_name((enum ph_path_state)sh->state));
	return set_text(c + 1, &what);
}

struct ph_cell *path_cell_share(struct ph_cell *c, const struct ph_path *p, const struct ph_path_share *sh)
{
	c = path_cell_container(c, p, sh->who.container);
	c = set_comm(c, sh->who.comm);
	return set_state(c, p, sh);
}

static void fill_share(struct ph_cell *c, const struct ph_path *p, const struct ph_path_share *sh)
{
	c = path_cell_container(c, p, sh->who.container);
	c = set_task(c, &sh->who, sh->tid);
	c = set_state(c, p, sh);
	c = set_share(c, p, sh->ns);
	ph_cell_u64(c, sh->times);
}

static void fill_help(struct ph_cell *c, const struct ph_path *p, const struct ph_path_help *h)
{
	ph_autobuf what = { 0 };

	ph_path_help_text(p, h, &what);
	ph_cell_str(c++, ph_path_resource_name(h->resource));
	c = set_text(c, &what);
	set_share(c, p, h->ns);
}

static void fill_step(struct ph_cell *c, const struct ph_path *p, const struct ph_step *s, const struct ph_report_view *view)
{
	ph_autobuf what = { 0 }, then = { 0 }, when = { 0 };
	uint64_t unix_ns = s->begin_ns + (uint64_t)view->offset_ns;

	ph_path_what_text(p, (enum ph_path_state)s->state, s->what, (enum ph_wait)s->wait, s->by_tid, &s->by, &what);
	if (s->then)
		ph_buf_adds(&then, ph_path_then_name((enum ph_path_then)s->then));
	if (s->then && s->then_who.comm[0])
		ph_buf_addf(&then, " %.*s (%d)", (int)sizeof(s->then_who.comm), s->then_who.comm, s->then_tid);
	ph_clock_text((int64_t)unix_ns, view->utc, 6, &when);
	ph_cell_u64(c, unix_ns);
	ph_cell_text(c++, "%s", when.p);
	ph_cell_u64(c++, s->end_ns - s->begin_ns);
	c = path_cell_container(c, p, s->who.container);
	c = set_task(c, &s->who, s->tid);
	ph_cell_str(c++, ph_path_state_name((enum ph_path_state)s->state));
	c = set_text(c, &what);
	c = set_text(c, &then);
	if (s->state != PH_PATH_RAN)
		return;
	c = set_time(c, s->part_ns[PH_PART_USER]);
	set_time(c, s->part_ns[PH_PART_KERNEL]);
}

void path_fill_steps(struct ph_table *t, const struct ph_path *p, const struct ph_report_view *view)
{
	struct ph_step s;

	ph_vec_each(l, &p->longest)
		if (ph_path_step(p, l->nr, &s) >= 0)
			fill_step(ph_table_row(t), p, &s, view);
}

static void fill_table(struct ph_table *t, enum ph_path_table which, const struct ph_path *p, const struct ph_report_view *view)
{
	switch (which) {
	case PH_PATH_CONTAINERS:
		fill_containers(t, p);
		break;
	case PH_PATH_SHARES:
		ph_vec_each(sh, &p->shares)
			fill_share(ph_table_row(t), p, sh);
		break;
	case PH_PATH_HELP:
		ph_vec_each(h, &p->helps)
			fill_help(ph_table_row(t), p, h);
		break;
	case PH_PATH_STEPS:
		path_fill_steps(t, p, view);
		break;
	case PH_PATH_BANDS:
	case PH_PATH_DIFFERENCES:
	case PH_PATH_TABLES:
		break;
	}
}

/* ---- sections -------------------------------------------------------------------------------------- */

int path_table_print(const struct ph_path *p, enum ph_path_table which, void (*fill)(struct ph_table *t, enum ph_path_table which,
		     void *arg), void *arg, const struct ph_report_view *view, struct ph_buf *out, struct ph_err *err)
{
	const struct path_columns *cols = tables[which];
	struct ph_report_view v = *view;
	struct ph_table t;
	int r;

	ph_table_init(&t, cols->cols, cols->n);
	fill(&t, which, arg);
	if (!view->alone && view->fmt.output == PH_OUT_COLUMNS) {
		ph_buf_addf(out, "\n%s%s", cols->title ? cols->title : "", cols->title ? "\n" : "");
		if (!v.fmt.max_entries && which != PH_PATH_STEPS)
			v.fmt.max_entries = ROWS_SHOWN;
	}
	r = ph_table_print(&t, &v.fmt, view->width, out, err);
	if (r >= 0 && !view->alone && v.fmt.max_entries && t.rows.n > v.fmt.max_entries)
		ph_buf_addf(out, "(%zu more: --table %s)\n", t.rows.n - (size_t)v.fmt.max_entries, ph_path_tables[which]);
	if (r >= 0 && !view->alone && which == PH_PATH_STEPS && p->nsteps > t.rows.n)
		ph_buf_addf(out, "(%" PRIu64 " shorter %s: --steps N)\n", p->nsteps - t.rows.n, p->nsteps - t.rows.n == 1 ? "one" : "ones");
	ph_table_done(&t);
	return r;
}

struct filling {
	const struct ph_path *p;
	const struct ph_report_view *view;
};

static void fill(struct ph_table *t, enum ph_path_table which, void *arg)
{
	struct filling *f = arg;

	fill_table(t, which, f->p, f->view);
}

int ph_path_report(const struct ph_path *p, const struct ph_report_view *view, struct ph_buf *out, struct ph_err *err)
{
	struct filling f = { p, view };
	ph_autobuf note = { 0 };
	int r = 0;

	if (!view->alone && (view->fmt.output == PH_OUT_JSON || view->fmt.output == PH_OUT_JSONPRETTY)) {
		ph_path_json(p, view, out);
		return 0;
	}
	if (view->alone || view->fmt.output == PH_OUT_CSV)
		return path_table_print(p, view->table, fill, &f, view, out, err);
	ph_path_verdict(p, out);
	ph_buf_addc(out, '\n');
	for (int which = 0; r >= 0 && which <= PH_PATH_STEPS; which++)
		r = path_table_print(p, (enum ph_path_table)which, fill, &f, view, out, err);
	for (unsigned int i = 0; r >= 0 && ph_path_note(p, i, &note); i++) {
		ph_buf_addf(out, "%snote: %s.\n", i ? "" : "\n", note.p);
		ph_buf_clear(&note);
	}
	return r;
}
