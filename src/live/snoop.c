/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of events: begun, ended, joined, given up, shown. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "live/calls_priv.h"
#include "live/snoop_engine.h"

#define BEGUN_MAX (1u << 16)

/* ---- rows -------------------------------------------------------------------------------------- */

static void row_free(struct ph_snooping *s, struct ph_snoop_row *row)
{
	if (!row)
		return;
	if (s->calls && s->calls->lines)
		ph_call_lines_forget(s->calls->lines, row);
	ph_call_free(row->call);
	ph_snoop_cells_free(row->cells, s->ncols);
	free(row);
}

static uint64_t key_of(const struct sn_plan_step *ps, const struct ph_event *ev)
{
	uint64_t key = ps->nkeys ? ev->v[ps->key[0]].u : (uint64_t)(uint32_t)(ps->process ? ev->pid : ev->tid);

	/* Threads and addresses are themselves; of several numbers a mix is as good as unique. */
	for (uint8_t i = 1; i < ps->nkeys; i++)
		key = (key ^ key >> 29) * 0xbf58476d1ce4e5b9 + ev->v[ps->key[i]].u;
	return key;
}

static uint64_t join_of(const struct sn_plan_step *ps, const struct ph_event *ev)
{
	const struct ph_value *v = ps->join >= 0 ? &ev->v[ps->join] : NULL;

	if (!v)
		return 0;
	return ev->cls->fields[ps->join].type->kind == PH_KIND_BYTES ? ph_hash(PH_HASH_INIT, v->s, v->s ? v->n : 0) : v->u;
}

static void set_container(struct ph_snoop_row *row, const struct ph_identity *id, uint64_t index)
{
	const struct ph_container *c;

	if (index >= PH_CONTAINER_UNKNOWN)
		return;
	c = ph_identity_container(id, (uint32_t)index);
	index = c ? c->index : index;
	/* Where I/O is charged to nobody, it is still its task's. */
	if (index || row->container == PH_CONTAINER_UNKNOWN)
		row->container = (uint32_t)index;
}

static struct ph_snoop_row *row_new(struct ph_snooping *s, const struct ph_identity *id, const struct ph_event *ev,
				    const struct sn_plan *p, const struct sn_plan_step *ps)
{
	struct ph_snoop_row *row = ph_alloc(sizeof(*row));
	const struct ph_task *t;

	*row = (struct ph_snoop_row){ .begin_ns = ev->ts_ns, .cpu = ev->cpu, .container = ev->container,
				      .by_container = ev->container, .tid = ev->tid, .pid = ev->pid,
				      .by_tid = ev->tid, .by_pid = ev->pid, .what = ps->st->what };
	row->cells = ph_alloc(s->ncols * sizeof(*row->cells));
	row->call = s->calls ? ph_call_new() : NULL;
	if (ps->st->nobody) {
		row->tid = row->pid = -1;
		row->container = PH_CONTAINER_UNKNOWN;
	} else if (p->task >= 0 && (int32_t)ev->v[p->task].i != ev->tid) {
		/* 0: it is not known. */
		row->tid = ev->v[p->task].i > 0 ? (int32_t)ev->v[p->task].i : -1;
		t = ph_identity_task(id, row->tid);
		row->pid = t ? t->pid : -1;
		row->container = t ? t->container : PH_CONTAINER_UNKNOWN;
	}
	if (ps->process && ph_identity_task(id, row->pid))
		row->tid = row->pid;
	if (p->other_task >= 0) {
		row->by_tid = (int32_t)ev->v[p->other_task].i;
		t = ph_identity_task(id, row->by_tid);
		row->by_pid = t ? t->pid : -1;
		row->by_container = t ? t->container : PH_CONTAINER_UNKNOWN;
	}
	if (p->other_container >= 0)
		row->by_container = (uint32_t)ev->v[p->other_container].u;
	return row;
}

/* What this event tells of the row. */
static void tell(struct ph_snooping *s, const struct ph_identity *id, const struct ph_event *ev,
		 const struct sn_plan *p, struct ph_snoop_row *row, bool last)
{
	struct ph_snoop_at at = { .id = id, .ev = ev, .row = row, .world = s->world, .sn = s->sn,
				   .last = last };
	const struct ph_snoop_col *cols = s->sn->cols;

	if (p->container >= 0)
		set_container(row, id, ev->v[p->container].u);
	ph_snoop_identify(id, row);
	if (row->call)
		ph_call_tell(s->calls, row->call, &at);
	ph_vec_each(pc, &p->cols)
		ph_snoop_set(id, &row->cells[PH_SNOOP_NCOMMON + pc->col], cols[pc->col].col.type,
			     &ev->cls->fields[pc->field], &ev->v[pc->field]);
	for (size_t i = 0; cols[i].col.json; i++)
		if (cols[i].get)
			cols[i].get(&at, &row->cells[PH_SNOOP_NCOMMON + i]);
	if (!last)
		row->mark_ns = ev->ts_ns;
}

static bool is_selected(const struct ph_snooping *s, const struct ph_identity *id, const struct ph_snoop_row *row)
{
	const struct ph_snoop *sn = s->sn;
	struct ph_event ev = { .container = row->container, .tid = row->tid, .pid = row->pid };

	if (!s->o->sel || (s->o->chosen && !sn->task && !sn->container))
		return true;
	if (ph_selection_match(s->o->sel, id, &ev))
		return true;
	ev = (struct ph_event){ .container = row->by_container, .tid = row->by_tid, .pid = row->by_pid };
	return sn->either && ph_selection_match(s->o->sel, id, &ev);
}

/* ---- events ------------------------------------------------------------------------------------ */

/* The row is complete; takes it over. */
static void emit(struct ph_snooping *s, const struct ph_identity *id, struct ph_snoop_row *row)
{
	struct ph_cell *time = s->time < s->ncols ? &row->cells[s->time] : NULL;

	s->seen.found++;
	if (!is_selected(s, id, row))
		goto drop;
	s->seen.selected++;
	if (time && s->min_ns && (row->endless ? row->end_ns - row->begin_ns < s->min_ns : !time->set || time->u < s->min_ns))
		goto drop;
	if (row->call && (ph_call_failed(row->call) ? s->o->calls.succeeded : s->o->calls.failed))
		goto drop;
	ph_cell_s64(&row->cells[PH_SNOOP_TIME], (int64_t)(row->begin_ns + (uint64_t)s->o->offset_ns));
	if (!sn_passes(s, id, row))
		goto drop;
	s->seen.shown++;
	if (s->o->row) {
		s->o->row(s->o->row_arg, row->cells);
		goto drop;
	}
	if (s->calls && s->calls->summary)
		ph_call_summary_add(s->calls->summary, id, row);
	if (s->calls && s->calls->lines)
		ph_call_lines_end(s->calls->lines, id, row);
	else if (!s->calls || !s->o->calls.only_summary)
		ph_snoop_out_row(&s->out, ph_take(row->cells));
drop:
	row_free(s, row);
}

/* As many rows as were wanted? */
static bool enough(const struct ph_snooping *s)
{
	uint64_t max = s->o->fmt.sort || s->o->hist ? 0 : s->o->fmt.max_entries;

	return max && !s->o->row && s->seen.shown >= max;
}

/* Its end did not come; takes the row over. */
static void give_up(struct ph_snooping *s, const struct ph_identity *id, struct ph_snoop_row *row)
{
	row->endless = true;
	row->end_ns = s->now_ns;
	emit(s, id, row);
}

static int cmp_begin(const void *pa, const void *pb)
{
	const struct ph_snoop_row *a = *(struct ph_snoop_row *const *)pa, *b = *(struct ph_snoop_row *const *)pb;

	return a->begin_ns != b->begin_ns ? (a->begin_ns < b->begin_ns ? -1 : 1) : 0;
}

/* All of this process (-1: of every), that began at @before or earlier. */
static void give_up_all(struct ph_snooping *s, const struct ph_identity *id, int32_t pid, uint64_t before)
{
	PH_VEC(struct ph_snoop_row *) rows = { 0 };
	PH_VEC(uint64_t) keys = { 0 };

	for (struct ph_u64map_slot *sl = NULL; (sl = ph_u64map_next(&s->begun, sl)); ) {
		struct ph_snoop_row *row = sl->val;

		if (row->begin_ns <= before && (pid < 0 || row->pid == pid)) {
			*ph_vec_push(&keys) = sl->key;
			*ph_vec_push(&rows) = row;
		}
	}
	ph_vec_each(key, &keys)
		ph_u64map_del(&s->begun, *key);
	if (rows.n)
		qsort(rows.v, rows.n, sizeof(*rows.v), cmp_begin);
	for (size_t i = 0; i < rows.n; i++) {
		if (enough(s))
			row_free(s, rows.v[i]);
		else
			give_up(s, id, rows.v[i]);
	}
	ph_vec_done(&keys);
	ph_vec_done(&rows);
}

/* What has waited long enough for its end. */
static void expire(struct ph_snooping *s, const struct ph_identity *id, const struct ph_event *ev)
{
	uint64_t wait = s->sn->wait_ns;

	if (ev->ts_ns >= s->late_ns) {
		s->late_ns = ev->ts_ns + 1000000000;
		if (ev->ts_ns > wait)
			give_up_all(s, id, -1, ev->ts_ns - wait);
	}
	if (ev->pid > 0 && ph_identity_process_ended(id, ev))
		give_up_all(s, id, ev->pid, UINT64_MAX);
}

/* Of the same task and container, with what this event tells. */
static void begin_next(struct ph_snooping *s, const struct ph_identity *id, const struct ph_event *ev,
		       const struct sn_plan *p, const struct ph_snoop_row *row, const char *what, uint64_t key)
{
	struct ph_snoop_row *next = ph_alloc(sizeof(*next));

	*next = *row;
	next->begin_ns = ev->ts_ns;
	next->cpu = ev->cpu;
	next->what = what;
	next->cells = ph_alloc(s->ncols * sizeof(*next->cells));
	tell(s, id, ev, p, next, false);
	row_free(s, ph_u64map_put(&s->begun, key, next));
}

static void take(struct ph_snooping *s, const struct ph_identity *id, const struct ph_event *ev, const struct sn_plan *p,
		 const struct sn_plan_step *ps)
{
	uint64_t key = key_of(ps, ev);
	struct ph_snoop_row *row;
	uint64_t join = 0;

	switch (ps->act) {
	case PH_SNOOP_ROW:
		row = ps->st->key ? ph_u64map_del(&s->begun, key) : NULL;
		if (!row)
			row = row_new(s, id, ev, p, ps);
		row->begin_ns = row->end_ns = ev->ts_ns;
		row->cpu = ev->cpu;
		row->single = true;
		tell(s, id, ev, p, row, true);
		emit(s, id, row);
		return;
	case PH_SNOOP_BEGIN:
		row = ps->st->keep ? ph_u64map_get(&s->begun, key) : NULL;
		if (row) {
			tell(s, id, ev, p, row, false);
			return;
		}
		if (s->sn->wait_ns) {
			join = join_of(ps, ev);
			row = ph_u64map_get(&s->begun, key);
			if (row && row->join != join)
				return;
			if (row)
				give_up(s, id, ph_u64map_del(&s->begun, key));
		}
		row = row_new(s, id, ev, p, ps);
		row->join = join;
		tell(s, id, ev, p, row, false);
		row_free(s, ph_u64map_put(&s->begun, key, row));
		if (s->calls && s->calls->lines && is_selected(s, id, row))
			ph_call_lines_begin(s->calls->lines, id, row);
		return;
	case PH_SNOOP_ADD:
		row = ph_u64map_get(&s->begun, key);
		if (!row)
			return;
		if (ps->st->finds && row->tid < 0) {
			row->tid = row->by_tid = ev->tid;
			row->pid = row->by_pid = ev->pid;
		}
		tell(s, id, ev, p, row, false);
		return;
	case PH_SNOOP_END:
		row = ph_u64map_del(&s->begun, key);
		if (!row)
			return;
		if (ps->st->what)
			row->what = ps->st->what;
		row->end_ns = ev->ts_ns;
		tell(s, id, ev, p, row, true);
		if (ps->st->next)
			begin_next(s, id, ev, p, row, ps->st->next, key);
		emit(s, id, row);
		return;
	case PH_SNOOP_MOVE:
		row = ph_u64map_del(&s->begun, key);
		if (!row)
			return;
		row->tid = ev->tid;
		tell(s, id, ev, p, row, false);
		row_free(s, ph_u64map_put(&s->begun, (uint64_t)(uint32_t)ev->tid, row));
		return;
	case PH_SNOOP_DROP:
		row_free(s, ph_u64map_del(&s->begun, key));
		return;
	case PH_SNOOP_CALL:
		return;
	}
}

/* What had begun before a gap may have ended in it, and begun anew. */
static void forget(struct ph_snooping *s, uint64_t before)
{
	PH_VEC(uint64_t) keys = { 0 };

	for (struct ph_u64map_slot *sl = NULL; (sl = ph_u64map_next(&s->begun, sl)); )
		if (((struct ph_snoop_row *)sl->val)->begin_ns < before)
			*ph_vec_push(&keys) = sl->key;
	for (size_t i = 0; i < keys.n; i++)
		row_free(s, ph_u64map_del(&s->begun, keys.v[i]));
	s->seen.cut += keys.n;
	ph_vec_done(&keys);
}

/*
 * What never ends (a request that was merged into another) must not add up: the older half of time goes, of
 * which most has come to nothing.
 */
static void trim(struct ph_snooping *s, uint64_t now)
{
	uint64_t oldest = now, cut = s->seen.cut;

	if (ph_likely(s->begun.n <= BEGUN_MAX))
		return;
	for (struct ph_u64map_slot *sl = NULL; (sl = ph_u64map_next(&s->begun, sl)); ) {
		const struct ph_snoop_row *row = sl->val;

		oldest = row->begin_ns < oldest ? row->begin_ns : oldest;
	}
	forget(s, oldest + (now - oldest) / 2 + 1);
	s->seen.cut = cut;
}

/* What is no call, but stands among their lines. */
static void tell_task(struct ph_snooping *s, const struct ph_identity *id, const struct ph_event *ev)
{
	struct ph_snoop_row row = { .container = ev->container, .tid = ev->tid, .pid = ev->pid };

	if ((ev->cls->id != PH_EV_sched_process_exit && ev->cls->id != PH_EV_signal_deliver) ||
	    !ph_class_like_ours(ev->cls) || !is_selected(s, id, &row))
		return;
	if (ev->cls->id == PH_EV_sched_process_exit)
		ph_call_lines_exit(s->calls->lines, id, ev);
	else
		ph_call_lines_signal(s->calls->lines, id, ev);
}

int ph_snooping_feed(struct ph_snooping *s, const struct ph_identity *id, const struct ph_event *ev)
{
	const struct sn_plan *p;

	s->now_ns = ev->ts_ns;
	if (ev->cls->id == PH_EV_events_discarded) {
		if (ph_event_gap_in_cpu(ev))
			forget(s, ph_event_u(ev, PH_FLD(events_discarded, end_ns), ev->ts_ns));
		return 0;
	}
	if (s->sn->wait_ns)
		expire(s, id, ev);
	if (enough(s))
		return 1;
	p = sn_plan_of(s, ev->cls);
	/* What a call closes is still open to its entry, and what it opens is so to its exit. */
	if (p->call_exit)
		ph_snoop_world_feed(s->world, id, ev);
	for (size_t i = 0; i < p->steps.n; i++) {
		const struct sn_plan_step *ps = &p->steps.v[i];

		if (ps->st->when && !ps->st->when(ev, id, s->world))
			continue;
		s->seen.events += ps->act != PH_SNOOP_ADD && (!s->calls || ps->st->act == PH_SNOOP_CALL);
		take(s, id, ev, p, ps);
		if (enough(s))
			return 1;
	}
	if (s->calls && s->calls->lines)
		tell_task(s, id, ev);
	trim(s, ev->ts_ns);
	if (!p->call_exit)
		ph_snoop_world_feed(s->world, id, ev);
	return 0;
}

const struct ph_snoop_seen *ph_snooping_seen(const struct ph_snooping *s)
{
	return &s->seen;
}

static void print_lines(struct ph_snooping *s, struct ph_buf *out)
{
	struct ph_buf *lines = &s->calls->lines->out;

	if (lines->len)
		ph_buf_add(out, lines->p, lines->len);
	ph_buf_clear(lines);
}

void ph_snooping_print(struct ph_snooping *s, const struct ph_identity *id, struct ph_buf *out)
{
	if (s->calls && s->calls->lines) {
		if (s->o->chosen)
			ph_call_lines_wait(s->calls->lines, id);
		print_lines(s, out);
	} else if (!s->o->row && (!s->calls || !s->o->calls.only_summary)) {
		ph_snoop_out_print(&s->out, false, out);
	}
}

void ph_snooping_finish(struct ph_snooping *s, const struct ph_identity *id, struct ph_buf *out)
{
	if (s->sn->wait_ns)
		give_up_all(s, id, -1, UINT64_MAX);
	if (s->calls && s->calls->lines) {
		ph_call_lines_finish(s->calls->lines, id);
		print_lines(s, out);
	} else if (!s->o->row && (!s->calls || !s->o->calls.only_summary)) {
		ph_snoop_out_print(&s->out, true, out);
	}
	if (s->calls && s->calls->summary)
		ph_call_summary_print(s->calls->summary, &s->o->fmt, s->o->width, out);
}

/* ---- making and freeing -------------------------------------------------------------------------- */

static size_t find_col(const struct ph_snooping *s, const char *name)
{
	for (size_t i = 0; name && i < s->ncols; i++)
		if (!strcmp(s->cols[i].json, name))
			return i;
	return SIZE_MAX;
}

static int check(struct ph_snooping *s, struct ph_err *err)
{
	const struct ph_snoop_opts *o = s->o;
	const struct ph_col *cols = s->cols;
	size_t ncols = s->ncols;
	int r;

	if (o->calls.only_summary)
		cols = ph_calls_summary_cols(&ncols);
	r = ph_table_check(&o->fmt, cols, ncols, err);

	if (r < 0)
		return r;
	if (!s->sn->time && (o->hist || o->has_min))
		return ph_err_set(err, -EINVAL, "'trace %s' has no times, so there is no %s", s->sn->name,
				  o->hist ? "histogram" : "--min");
	if (o->by && !o->hist)
		return ph_err_set(err, -EINVAL, "--by goes with --hist");
	if (o->hist && (o->fmt.fields.n || o->fmt.sort || o->fmt.max_entries))
		return ph_err_set(err, -EINVAL, "--fields, --sort and --max-entries are about rows, not histograms");
	if (o->by && s->out.by == SIZE_MAX) {
		struct ph_table_fmt fmt = { .sort = o->by };
		struct ph_err known = { 0 };

		/* It names what there is. */
		ph_table_check(&fmt, s->cols, s->ncols, &known);
		return ph_err_set(err, -EINVAL, "--by%s", known.msg + strlen("--sort"));
	}
	return sn_parse_filter(s, err);
}

int ph_snooping_new(const struct ph_snoop *sn, const struct ph_snoop_opts *opts, struct ph_snooping **ret,
		    struct ph_err *err)
{
	struct ph_snooping *s = ph_alloc(sizeof(*s));
	size_t nsteps = 0;
	int r;

	s->sn = sn;
	s->o = opts;
	s->world = ph_snoop_world_new();
	s->cols = sn_all_cols(sn, &s->ncols);
	s->time = find_col(s, sn->time);
	s->min_ns = opts->has_min ? opts->min_ns : opts->hist ? 0 : sn->min_ns;
	while (sn->steps[nsteps].events)
		nsteps++;
	s->sets = ph_alloc((nsteps + 1) * sizeof(*s->sets));
	for (size_t i = 0; i < nsteps; i++)
		sn_add_words(sn->steps[i].events, false, &s->sets[i].words);
	if (sn->calls) {
		s->calls = ph_calls_new(opts);
		if (opts->calls.set.n) {
			ph_strv_done(&s->sets[0].words);
			ph_vec_each(w, &opts->calls.set)
				ph_strv_add(&s->sets[0].words, *w);
		}
	}
	s->out = (struct ph_snoop_out){ .sn = sn, .o = opts, .cols = s->cols, .ncols = s->ncols, .time = s->time,
					.by = find_col(s, opts->by), .shown_sec = INT64_MIN };
	ph_table_init(&s->out.table, s->cols, s->ncols);
	r = check(s, err);
	if (r < 0) {
		ph_snooping_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

void ph_snooping_free(struct ph_snooping *s)
{
	if (!s)
		return;
	for (struct ph_u64map_slot *sl = NULL; (sl = ph_u64map_next(&s->plans, sl)); ) {
		struct sn_plan *p = sl->val;

		ph_vec_done(&p->steps);
		ph_vec_done(&p->cols);
		free(p);
	}
	for (struct ph_u64map_slot *sl = NULL; (sl = ph_u64map_next(&s->begun, sl)); )
		row_free(s, sl->val);
	for (struct ph_u64map_slot *sl = NULL; (sl = ph_u64map_next(&s->shapes, sl)); )
		free(sl->val);
	for (size_t i = 0; s->sn->steps[i].events; i++)
		ph_evset_done(&s->sets[i]);
	ph_u64map_done(&s->plans);
	ph_u64map_done(&s->begun);
	ph_u64map_done(&s->shapes);
	ph_filter_free(s->filter);
	ph_calls_free(s->calls);
	ph_snoop_world_free(s->world);
	ph_snoop_out_done(&s->out);
	free(s->sets);
	free(s->cols);
	free(s);
}
