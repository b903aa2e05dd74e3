/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The intervals of a trace. */
#include "cmd/rounds.h"

#include <errno.h>

#include "cmd/cmd.h"
#include "ctf/ctf.h"
#include "live/top_trace.h"

static int end_of_interval(struct ph_rounds *rs, uint64_t ts_ns, struct ph_err *err)
{
	int r;

	ph_top_trace_round(&rs->t, ts_ns);
	for (size_t i = 0; !rs->shown && i < rs->t.rows.n; i++)
		rs->shown = ph_rounds_shown(rs, rs->t.rows.v[i]);
	r = rs->print(rs->arg, ts_ns + (uint64_t)rs->s.run.src->offset_ns, err);
	rs->left = r > 0;
	if (r)
		return r;
	return rs->count && ++rs->n >= rs->count;
}

/* All intervals that end until @ts_ns. 1: that is as many as were asked for. */
static int until(struct ph_rounds *rs, uint64_t ts_ns, struct ph_err *err)
{
	int r = 0;

	for (; !r && ts_ns >= rs->next_ns && !ph_cmd_interrupted; rs->next_ns += rs->interval_ns)
		r = end_of_interval(rs, rs->next_ns, err);
	return !r && ph_cmd_interrupted ? -EINTR : r;
}

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct ph_rounds *rs = arg;
	const struct ph_run *run = &rs->s.run;
	int r;

	if (!rs->begun_ns) {
		rs->begun_ns = run->begin_ns > run->src->begin_ns ? run->begin_ns : ev->ts_ns;
		rs->next_ns = rs->begun_ns + rs->interval_ns;
		ph_top_trace_begin(&rs->t, rs->begun_ns);
	}
	if (rs->end_ns && ev->ts_ns > rs->end_ns)
		return 1;
	r = until(rs, ev->ts_ns, err);
	if (r)
		return r;
	rs->last_ns = ev->ts_ns;
	if (ev->cls->id == PH_EV_events_discarded)
		rs->t.host.lost += ph_event_u(ev, PH_FLD(events_discarded, count), 0);
	ph_top_trace_feed(&rs->t, ev);
	return 0;
}

/* Until the last event, as what happened after it is not known, or to the range's end: the last may be a short one. */
static int last_interval(struct ph_rounds *rs, struct ph_err *err)
{
	const struct ph_run *run = &rs->s.run;
	uint64_t known = rs->end_ns ? rs->end_ns : run->src->end_ns, end = rs->last_ns;
	int r;

	if (run->end_ns && run->end_ns <= known)
		end = run->end_ns;
	if (!rs->begun_ns || rs->left || (rs->count && rs->n >= rs->count))
		return 0;
	r = until(rs, end, err);
	if (r || end <= rs->next_ns - rs->interval_ns)
		return r < 0 ? r : 0;
	r = end_of_interval(rs, end, err);
	return r < 0 ? r : 0;
}

/*
 * What the kernel itself counted is told about once a second: who knows the next reading, too, can divide it. With the
 * last ones the recording ends: from then on events are switched off, one kind after the other.
 */
static int read_ahead(struct ph_rounds *rs, struct ph_err *err)
{
	struct ph_source *state = NULL;
	bool dumping = true;
	struct ph_event *ev;
	int r = ph_ctf_state(rs->s.run.src, &state, err);

	while (r >= 0 && state && (r = ph_source_next(state, &ev, err)) > 0) {
		uint32_t id = ev->cls->id;

		ph_top_trace_ahead(&rs->t, ev);
		if (id == PH_EV_lttng_statedump_start || id == PH_EV_lttng_statedump_end)
			dumping = id == PH_EV_lttng_statedump_start;
		if (dumping)
			rs->end_ns = 0;
		else if (id == PH_EV_task_times)
			rs->end_ns = ev->ts_ns;
	}
	ph_source_close(state);
	return r;
}

static int analyse(struct ph_rounds *rs, struct ph_err *err)
{
	struct ph_run *run = &rs->s.run;
	const struct ph_top_trace_opts opts = { .id = run->id, .filter = run->filter, .whole = run->src->whole };
	const struct ph_class *cls;
	int r;

	ph_top_trace_open(&rs->t, &opts);
	rs->open = true;
	for (size_t i = 0; (cls = ph_ctf_class(run->src, i)); i++)
		ph_top_trace_class(&rs->t, cls);
	r = read_ahead(rs, err);
	if (r < 0)
		return r;
	/* Who ran and who waited is told by all events; the rows are selected, and what is counted is filtered. */
	run->event = feed;
	run->arg = rs;
	run->sel = NULL;
	run->filter = NULL;
	r = ph_cmd_source_run(&rs->s, err);
	if (r >= 0)
		r = last_interval(rs, err);
	rs->over = true;
	if (rs->finish)
		r = rs->finish(rs->arg, rs->left ? 1 : r, err);
	if (r >= 0 && rs->last_fmt)
		ph_rounds_missing(rs, rs->last_fmt);
	if (r >= 0 && run->passed && !rs->shown)
		r = ph_selection_empty(&rs->s.co.sel) ?
			    ph_err_set(err, -ENOENT, "%s: it tells of no containers, and not of the whole machine", run->src->what) :
			    ph_cmd_source_nothing(&rs->s, err);
	return r;
}

int ph_rounds_trace(struct ph_rounds *rs)
{
	struct ph_err err = { 0 };
	struct ph_filter *filter;
	int r = ph_cmd_source_open(&rs->s);

	if (r)
		return r;
	filter = rs->s.run.filter;
	r = analyse(rs, &err);
	rs->s.run.filter = filter;
	return ph_cmd_source_end(&rs->s, r, &err);
}
