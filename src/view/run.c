/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/run.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctf/ctf.h"

static bool is_gap(const struct ph_event *ev)
{
	return ev->cls->id == PH_EV_events_discarded;
}

/* Does @ev pass? Counts how far it got. */
static bool wanted(struct ph_run *r, const struct ph_event *ev)
{
	if (is_gap(ev)) {
		r->gaps++;
		r->lost += ph_event_u(ev, PH_FLD(events_discarded, count), 0);
		return true;
	}
	r->seen++;
	if (r->sel && !ph_selection_match(r->sel, r->id, ev))
		return false;
	r->by_selection++;
	if (r->events && !ph_evset_has(r->events, ev->cls))
		return false;
	r->by_events++;
	if (r->filter && !ph_filter_match(r->filter, r->id, ev))
		return false;
	r->passed++;
	return true;
}

/* A dump takes milliseconds; one that does not end within this was cut off. */
#define DUMP_MAX_NS (10 * PH_NSEC)

/*
 * Go to the beginning of the range, knowing who is who: a trace of ours tells that in a small stream
 * of its own, which is read alone, up to there and to the end of the first state dump; the dump is
 * made while events are recorded already, and these must not stay without a name. Of another trace
 * the beginning is read as it comes.
 */
static int go_to_begin(struct ph_run *r, const struct ph_selection *follow, struct ph_err *err)
{
	uint64_t from = r->begin_ns > r->src->begin_ns ? r->begin_ns : r->src->begin_ns;
	struct ph_event *ev;
	bool dumped = false;
	int rc;

	if (!r->src->ops->seek || !ph_ctf_only_state(r->src))
		return 0;
	while ((rc = ph_source_next(r->src, &ev, err)) > 0) {
		if (ev->ts_ns >= from && (dumped || ev->ts_ns - from > DUMP_MAX_NS))
			break;
		ph_identity_feed(r->id, ev);
		dumped = dumped || ev->cls->id == PH_EV_lttng_statedump_end;
	}
	if (rc < 0)
		return rc;
	/* Who is a child of whom is told by the events themselves: also by those before the range. */
	return r->src->ops->seek(r->src, follow && follow->pids.n ? 0 : r->begin_ns, err);
}

static void feed(void *id, struct ph_event *ev)
{
	ph_identity_feed(id, ev);
}

int ph_run(struct ph_run *r, struct ph_err *err)
{
	struct ph_selection *follow = r->sel ? r->sel : r->follow;
	struct ph_event *ev;
	int rc;

	rc = go_to_begin(r, follow, err);
	if (rc < 0)
		return rc;
	if (r->src->ops->prime)
		r->src->ops->prime(r->src, feed, r->id);
	for (;;) {
		if (ph_unlikely(r->stop && *r->stop))
			return 0;
		rc = ph_source_next(r->src, &ev, err);
		if (ph_unlikely(rc == -EAGAIN)) {
			rc = r->idle ? r->idle(r->idle_arg, err) : 1;
			if (rc)
				return rc < 0 ? rc : 0;
			continue;
		}
		if (rc <= 0)
			return rc;
		ph_identity_feed(r->id, ev);
		if (follow)
			ph_selection_follow(follow, ev);
		if (ev->ts_ns < r->begin_ns)
			continue;
		if (r->end_ns && ev->ts_ns >= r->end_ns)
			return 0;
		if (!wanted(r, ev))
			continue;
		rc = r->event(r->arg, ev, err);
		if (rc || (r->max && r->passed >= r->max))
			return rc < 0 ? rc : 0;
	}
}

bool ph_run_no_container(const struct ph_run *r, const struct ph_selection *sel)
{
	const struct ph_container *c;
	bool any = !ph_selection_by_container(sel);

	for (size_t i = 0; !any && (c = ph_identity_nth(r->id, i)); i++)
		any = ph_selection_match_container(sel, c);
	return !any;
}

/* What it has in the place of those that it has not. */
static void add_containers(const struct ph_run *r, struct ph_buf *out)
{
	PH_VEC(const struct ph_container *) all = { 0 };
	const struct ph_container *c;
	struct ph_err err = { 0 };

	for (size_t i = 0; (c = ph_identity_nth(r->id, i)); i++)
		*ph_vec_push(&all) = c;
	ph_selection_none(r->sel, all.v, all.n, &err);
	ph_vec_done(&all);
	ph_buf_adds(out, err.msg);
}

void ph_run_explain(const struct ph_run *r, struct ph_buf *out)
{
	ph_buf_addf(out, "%s: ", r->src->what);
	if (!r->seen && r->src->live) {
		ph_buf_adds(out, "nothing of what was selected happened");
	} else if (!r->seen) {
		ph_buf_adds(out, r->begin_ns || r->end_ns ? "there are no events in this range of time" :
			    "there are no events in it");
	} else if (!r->by_selection) {
		if (ph_run_no_container(r, r->sel))
			add_containers(r, out);
		else
			ph_buf_addf(out, "the selection matches none of its %lu events", r->seen);
	} else if (!r->by_events) {
		ph_buf_addf(out, "none of the %lu selected events is among those of -e (--stats tells which "
			    "there are)", r->by_selection);
	} else {
		ph_buf_addf(out, "the filter matches none of the %lu selected events", r->by_events);
	}
}
