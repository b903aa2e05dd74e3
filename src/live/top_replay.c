/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "live/top_replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/schema.h"
#include "live/top_view_priv.h"

/* ---- intervals ------------------------------------------------------------------------------------------ */

struct interval {
	uint64_t begin_ns, end_ns;	/* Unix time */
	struct ph_top_host host;
	struct ph_buf rows;		/* struct kept, each with its samples packed behind it */
};

struct kept {
	uint32_t at;			/* in ph_top.rows, which only gets longer */
	bool gone;
	struct ph_host_limit cpu, memory;
};

struct ph_top_past {
	PH_VEC(struct interval) v;
	size_t first, bytes, most;
	uint64_t origin_ns;
};

struct ph_top_past *ph_top_past_new(size_t most)
{
	struct ph_top_past *p = ph_alloc(sizeof(*p));

	p->most = most;
	return p;
}

void ph_top_past_free(struct ph_top_past *p)
{
	if (!p)
		return;
	ph_vec_each(i, &p->v)
		ph_buf_done(&i->rows);
	ph_vec_done(&p->v);
	free(p);
}

/* Most counters are not known of most rows. */
static void pack(struct ph_buf *b, const struct ph_top_sample *s)
{
	ph_buf_add(b, &s->ns, sizeof(s->ns));
	ph_buf_add(b, &s->counted, sizeof(s->counted));
	ph_buf_add(b, &s->levelled, sizeof(s->levelled));
	for (unsigned int i = 0; i < PH_TOP_NCOUNTS; i++)
		if (s->counted & 1ull << i)
			ph_buf_add(b, &s->count[i], sizeof(s->count[i]));
	for (unsigned int i = 0; i < PH_TOP_NLEVELS; i++)
		if (s->levelled & 1u << i)
			ph_buf_add(b, &s->level[i], sizeof(s->level[i]));
}

static const char *take(const char *from, void *to, size_t n)
{
	memcpy(to, from, n);
	return from + n;
}

static const char *unpack(const char *from, struct ph_top_sample *s)
{
	*s = (struct ph_top_sample){ 0 };
	from = take(from, &s->ns, sizeof(s->ns));
	from = take(from, &s->counted, sizeof(s->counted));
	from = take(from, &s->levelled, sizeof(s->levelled));
	for (unsigned int i = 0; i < PH_TOP_NCOUNTS; i++)
		if (s->counted & 1ull << i)
			from = take(from, &s->count[i], sizeof(s->count[i]));
	for (unsigned int i = 0; i < PH_TOP_NLEVELS; i++)
		if (s->levelled & 1u << i)
			from = take(from, &s->level[i], sizeof(s->level[i]));
	return from;
}

static void forget(struct ph_top_past *p)
{
	while (p->bytes > p->most && p->first + 1 < p->v.n) {
		struct ph_buf *b = &p->v.v[p->first++].rows;

		p->bytes -= b->len;
		ph_buf_done(b);
	}
}

void ph_top_past_add(struct ph_top_past *p, struct ph_top *t, uint64_t unix_ns, ph_top_wanted_fn shown, void *arg)
{
	const struct ph_top_row *machine = t->rows.v[0];
	struct interval *in = ph_vec_push(&p->v);

	in->end_ns = unix_ns;
	in->begin_ns = unix_ns - ph_top_interval(machine);
	in->host = t->host;
	if (p->v.n == 1)
		p->origin_ns = in->begin_ns;
	for (size_t i = 0; i < t->rows.n; i++) {
		struct ph_top_row *r = t->rows.v[i];
		struct kept k = { .at = (uint32_t)i, .cpu = r->hc->cpu, .memory = r->hc->memory };

		/* The machine's line is not chosen. */
		r->gone = i && !shown(arg, r);
		k.gone = r->gone;
		ph_buf_add(&in->rows, &k, sizeof(k));
		pack(&in->rows, &r->before);
		pack(&in->rows, &r->now);
	}
	p->bytes += in->rows.len;
	forget(p);
}

size_t ph_top_past_first(const struct ph_top_past *p)
{
	return p->first;
}

size_t ph_top_past_n(const struct ph_top_past *p)
{
	return p->v.n;
}

uint64_t ph_top_past_begin(const struct ph_top_past *p, size_t at)
{
	return p->v.v[at].begin_ns;
}

uint64_t ph_top_past_end(const struct ph_top_past *p, size_t at)
{
	return p->v.v[at].end_ns;
}

uint64_t ph_top_past_origin(const struct ph_top_past *p)
{
	return p->origin_ns;
}

static void put_back(const struct interval *in, struct ph_top *t)
{
	const char *at = in->rows.p, *end = at + in->rows.len;

	t->host = in->host;
	while (at < end) {
		struct ph_host_container *hc;
		struct ph_top_row *r;
		struct kept k;

		at = take(at, &k, sizeof(k));
		r = t->rows.v[k.at];
		at = unpack(at, &r->before);
		at = unpack(at, &r->now);
		/* It is top_trace.c's, as all of the row is. */
		hc = (struct ph_host_container *)r->hc;
		hc->cpu = k.cpu;
		hc->memory = k.memory;
		r->gone = k.gone;
		ph_top_remember(r);
	}
}

/* The past of the CPU time is that of the intervals before. */
void ph_top_past_show(const struct ph_top_past *p, struct ph_top *t, size_t at)
{
	size_t from = at + 1 > p->first + PH_TOP_HISTORY ? at + 1 - PH_TOP_HISTORY : p->first;

	ph_vec_each(it, &t->rows) {
		struct ph_top_row *r = *it;

		r->gone = true;
		for (unsigned int i = 0; i < PH_TOP_HISTORY; i++)
			r->history[i] = -1;
	}
	for (; from <= at; from++)
		put_back(&p->v.v[from], t);
}

/* ---- steps ---------------------------------------------------------------------------------------------- */

void ph_top_view_replay(struct ph_top_view *v, const char *trace, bool utc, size_t most)
{
	v->replay = (struct ph_top_replay){ .past = ph_top_past_new(most), .trace = trace, .utc = utc, .more = true };
}

void ph_top_view_arrived(struct ph_top_view *v, uint64_t unix_ns)
{
	struct ph_top_replay *rp = &v->replay;

	ph_top_past_add(rp->past, v->t, unix_ns, ph_top_view_chosen, v);
	rp->at = ph_top_past_n(rp->past) - 1;
	rp->next = false;
}

void ph_top_view_ended(struct ph_top_view *v)
{
	v->replay.more = v->replay.next = false;
	v->paused = true;
	ph_top_view_say(v, "the trace ends here; Left goes back");
}

void ph_top_view_step(struct ph_top_view *v, int by)
{
	struct ph_top_replay *rp = &v->replay;
	size_t last = ph_top_past_n(rp->past) - 1;

	if (by > 0 && rp->at == last) {
		rp->next = rp->more;
		if (!rp->more)
			ph_top_view_ended(v);
		return;
	}
	if (by < 0 && rp->at == ph_top_past_first(rp->past)) {
		ph_top_view_say(v, rp->at ? "what was before is not kept" : "the trace begins here");
		return;
	}
	rp->at = by < 0 ? rp->at - 1 : rp->at + 1;
	ph_top_past_show(rp->past, v->t, rp->at);
}
