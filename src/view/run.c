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
/* The recorder comes to tell of a new container that much later than the first event of it, at most. */
#define TOLD_LATE_NS (2 * PH_NSEC)

/* What a trace of ours tells of who is who, in a small stream of its own: read once more, ahead. */
struct ahead {
	struct ph_source *src;
	struct ph_event *ev;		/* the next of it */
	uint64_t until_ns;		/* up to there nothing is to be read ahead; UINT64_MAX: it has ended */
};

/* Wrong bytes are told of when the events themselves are read as far as there. */
static void ahead_next(struct ahead *a)
{
	struct ph_err err = { 0 };

	a->until_ns = UINT64_MAX;
	if (ph_source_next(a->src, &a->ev, &err) > 0)
		a->until_ns = a->ev->ts_ns > TOLD_LATE_NS ? a->ev->ts_ns - TOLD_LATE_NS : 0;
}

/*
 * Go to the beginning of the range, knowing who is who: as of there, and as of the end of the first
 * state dump; the dump is made while events are recorded already, and these must not stay without a
 * name. Of another trace the beginning is read as it comes.
 */
static int go_to_begin(struct ph_run *r, const struct ph_selection *follow, struct ahead *a,
		       struct ph_err *err)
{
	uint64_t from = r->begin_ns > r->src->begin_ns ? r->begin_ns : r->src->begin_ns;
	bool dumped = false;
	int rc;

	a->until_ns = UINT64_MAX;
	if (!r->src->ops->seek)
		return 0;
	rc = ph_ctf_state(r->src, &a->src, err);
	if (rc < 0 || !a->src)
		return rc;
	for (ahead_next(a); a->until_ns != UINT64_MAX; ahead_next(a)) {
		if (a->ev->ts_ns >= from && (dumped || a->ev->ts_ns - from > DUMP_MAX_NS))
			break;
		ph_identity_feed(r->id, a->ev);
		dumped = dumped || a->ev->cls->id == PH_EV_lttng_statedump_end;
	}
	/* Who is a child of whom is told by the events themselves: also by those before the range. */
	return r->src->ops->seek(r->src, follow && follow->pids.n ? 0 : r->begin_ns, err);
}

static void feed(void *id, struct ph_event *ev)
{
	ph_identity_feed(id, ev);
}

static int run(struct ph_run *r, struct ahead *a, struct ph_err *err)
{
	struct ph_selection *follow = r->sel ? r->sel : r->follow;
	struct ph_event *ev;
	int rc;

	rc = go_to_begin(r, follow, a, err);
	if (rc < 0)
		return rc;
	ph_source_prime(r->src, feed, r->id);
	for (;;) {
		if (ph_unlikely(r->stop && *r->stop))
			return ph_err_set(err, -EINTR, "interrupted");
		rc = ph_source_next(r->src, &ev, err);
		if (ph_unlikely(rc == -EAGAIN)) {
			rc = r->idle ? r->idle(r->idle_arg, err) : 1;
			if (rc)
				return rc < 0 ? rc : 0;
			continue;
		}
		if (rc <= 0)
			return rc;
		while (ph_unlikely(ev->ts_ns >= a->until_ns)) {
			ph_identity_introduce(r->id, a->ev);
			ahead_next(a);
		}
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

int ph_run(struct ph_run *r, struct ph_err *err)
{
	struct ahead a = { 0 };
	int rc = run(r, &a, err);

	ph_source_close(a.src);
	return rc;
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
