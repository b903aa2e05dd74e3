/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of the running kernel that pass a filter, as counters of the rows that files fill otherwise. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "live/top_trace_priv.h"
#include "source/source.h"

struct ph_top_events {
	struct ph_top counted;		/* rows of the containers that the stream tells of */
	struct ph_identity *id;
	struct ph_source *src;
};

static void prime(void *id, struct ph_event *ev)
{
	ph_identity_feed(id, ev);
}

void ph_top_events_open(struct ph_top *t, const struct ph_top_trace_opts *opts, const bool *events, struct ph_identity *id,
			struct ph_source *src)
{
	struct ph_top_events *e = ph_alloc(sizeof(*e));
	const struct ph_class *cls;

	t->events = e;
	e->id = id;
	e->src = src;
	ph_top_trace_open(&e->counted, opts);
	for (size_t i = 0; (cls = ph_class_nth(i)); i++)
		if (events[cls->id])
			ph_top_trace_class(&e->counted, cls);
	ph_source_prime(src, prime, id);
}

void ph_top_events_close(struct ph_top *t)
{
	if (!t->events)
		return;
	ph_top_close(&t->events->counted);
	free(t->events);
	t->events = NULL;
}

int ph_top_events_turn(struct ph_top *t, void (*see)(void *arg, const struct ph_event *ev), void *arg, struct ph_err *err)
{
	struct ph_top_events *e = t->events;
	struct ph_event *ev;
	int r;

	while ((r = ph_source_next(e->src, &ev, err)) > 0) {
		ph_identity_feed(e->id, ev);
		ph_top_trace_feed(&e->counted, ev);
		see(arg, ev);
	}
	return r == -EAGAIN ? 0 : r < 0 ? r : 1;
}

uint64_t ph_top_events_counts(const struct ph_top *t)
{
	return ph_top_trace_counts(&t->events->counted);
}

static void put(struct ph_top_row *to, const struct ph_top_sample *from)
{
	for (unsigned int i = 0; i < PH_TOP_NCOUNTS; i++)
		if (from->counted & 1ull << i)
			ph_top_set(&to->now, i, from->count[i]);
}

/* What files say of such counters is of all events, and no part of a sum of some of them. */
static void begin_anew(struct ph_top_row *r, uint64_t counts)
{
	r->now.counted &= ~counts;
	counts &= ~PH_TOP_NETWORK;	/* of a network namespace of its own, which may not be known */
	if (ph_container_by_process(&r->hc->c))
		counts &= ~PH_TOP_BLOCK;
	for (unsigned int i = 0; i < PH_TOP_NCOUNTS; i++)
		if (counts & 1ull << i && r->hc->c.index)
			ph_top_set(&r->now, i, 0);
}

void ph_top_events_round(struct ph_top *t, uint64_t now_ns)
{
	struct ph_top_events *e = t->events;
	struct ph_strmap by_id = { 0 };

	if (!e)
		return;
	ph_top_trace_all(&e->counted);
	ph_top_trace_round(&e->counted, now_ns);
	ph_vec_each(r, &t->rows)
		if (*r)
			begin_anew(*r, ph_top_events_counts(t));
	ph_top_by_id(t, &by_id);
	ph_vec_each(r, &e->counted.rows) {
		const struct ph_container *c = &(*r)->hc->c;
		struct ph_top_row *to = c->index == PH_CONTAINER_HOST ? t->rows.v[0] : c->id ? ph_strmap_get(&by_id, c->id) : NULL;

		if (to)
			put(to, &(*r)->now);
	}
	ph_strmap_done(&by_id);
}
