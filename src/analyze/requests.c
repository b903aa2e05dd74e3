/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests: kept on disk, ranked by how long they took; and those that filters begin and end. */
#include "analyze/requests.h"

#include <stdlib.h>

#include "analyze/requests_priv.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "base/spill.h"

/* Begins that are remembered at once. */
#define OPEN_MAX 65536
/* Those of one task within each other. */
#define NESTED_MAX 256
/* Read at once. */
#define CHUNK 1024

/* The begins of a task or descriptor, the innermost last. */
struct opened {
	PH_VEC(struct ph_request) v;
};

void requests_add(struct ph_requests *r, const struct ph_request *q)
{
	uint64_t ns = q->end_ns - q->begin_ns;

	if (q->end_ns < q->begin_ns || q->begin_ns < r->ask.from_ns || (r->ask.to_ns && q->end_ns > r->ask.to_ns))
		return;
	ph_spill_add(r->spill, q, sizeof(*q));
	r->n++;
	if (ns > r->max_ns)
		r->max_ns = ns;
}

bool requests_selected(const struct ph_requests *r, const struct ph_event *ev)
{
	return !r->ask.sel || ph_selection_match(r->ask.sel, r->id, ev);
}

/* ---- begun and ended by filters ---------------------------------------------------------------------- */

static void opened_drop(struct ph_requests *r, uint64_t key)
{
	struct opened *o = ph_u64map_del(&r->open, key);

	if (!o)
		return;
	r->nunfinished += o->v.n;
	ph_vec_done(&o->v);
	free(o);
}

static void opened_drop_all(struct ph_requests *r)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&r->open, s)); ) {
		struct opened *o = s->val;

		r->nunfinished += o->v.n;
		ph_vec_done(&o->v);
		free(o);
	}
	ph_u64map_done(&r->open);
}

static void begin(struct ph_requests *r, uint64_t key, const struct ph_event *ev)
{
	struct opened *o = ph_u64map_get(&r->open, key);

	if (!o) {
		if (r->open.n >= OPEN_MAX)
			opened_drop_all(r);
		o = ph_alloc(sizeof(*o));
		ph_u64map_put(&r->open, key, o);
	}
	if (o->v.n == NESTED_MAX) {
		/* Begins without an end: the oldest is none. */
		memmove(o->v.v, o->v.v + 1, (o->v.n - 1) * sizeof(*o->v.v));
		o->v.n--;
		r->nunfinished++;
	}
	*ph_vec_push(&o->v) = (struct ph_request){
		.begin_ns = ev->ts_ns, .begin_tid = ev->tid, .pid = ev->pid, .container = ev->container,
	};
}

/* False: nothing is open. */
static bool end(struct ph_requests *r, uint64_t key, const struct ph_event *ev)
{
	struct opened *o = ph_u64map_get(&r->open, key);
	struct ph_request *q;

	if (!o)
		return false;
	q = &o->v.v[--o->v.n];
	q->end_ns = ev->ts_ns;
	q->end_tid = ev->tid;
	requests_add(r, q);
	if (!o->v.n)
		opened_drop(r, key);
	return true;
}

static bool key_of(struct ph_requests *r, const struct ph_event *ev, uint64_t *ret)
{
	int32_t fd;

	if (ev->tid <= 0)
		return false;
	*ret = (uint32_t)ev->tid;
	if (r->ask.by == PH_REQUESTS_BY_TASK)
		return true;
	fd = calls_fd(r->calls, ev);
	if (fd < 0 || ev->pid <= 0) {
		r->nnofd++;
		return false;
	}
	*ret = requests_fd_key(ev->pid, fd);
	return true;
}

static void filters_feed(struct ph_requests *r, const struct ph_event *ev)
{
	bool ends = ph_filter_match(r->ask.to, r->id, ev);
	bool begins = ph_filter_match(r->ask.from, r->id, ev) && requests_selected(r, ev);
	uint64_t key;

	if (r->ask.by == PH_REQUESTS_BY_FD)
		calls_feed(r->calls, ev);
	/* What both ends and begins ends the one before. */
	if ((ends || begins) && key_of(r, ev, &key)) {
		if (ends && !end(r, key, ev) && !begins && requests_selected(r, ev))
			r->nstray++;
		if (begins)
			begin(r, key, ev);
	}
	if (ev->cls->id == PH_EV_sched_process_exit && r->ask.by == PH_REQUESTS_BY_TASK && ev->tid > 0)
		opened_drop(r, (uint32_t)ev->tid);
	else if (ev->cls->id == PH_EV_events_discarded)
		opened_drop_all(r);
}

/* porthole's own, then a foreign trace's. */
static const struct ph_class *class_nth(const struct ph_filter_names *names, size_t i, size_t *own)
{
	const struct ph_class *c = i < *own ? ph_class_nth(i) : NULL;

	if (c)
		return c;
	*own = i < *own ? i : *own;
	return names && names->nth ? names->nth(names->arg, i - *own) : NULL;
}

static bool is_event(const char *name, const struct ph_filter_names *names, const char **ret_near)
{
	PH_VEC(const char *) all = { 0 };
	const struct ph_class *c;
	size_t own = SIZE_MAX;
	bool is = false;

	for (size_t i = 0; !is && (c = class_nth(names, i, &own)); i++) {
		is = !strcmp(c->name, name);
		*ph_vec_push(&all) = c->name;
	}
	*ret_near = is ? NULL : ph_nearest(name, all.v, all.n);
	ph_vec_done(&all);
	return is;
}

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:"

int ph_requests_filter(const char *text, const struct ph_filter_names *names, struct ph_filter **ret, struct ph_err *err)
{
	bool glob = strchr(text, '*') && !text[strspn(text, NAME_CHARS "*?")];
	ph_autofree char *named = NULL;
	const char *near = NULL;
	int r;

	if (glob || is_event(text, names, &near))
		named = ph_asprintf("name %s \"%s\"", glob ? "~" : "==", text);
	r = ph_filter_parse_names(named ? named : text, names, ret, err);
	/* One word that is no filter was to be an event. */
	if (r < 0 && !named && !text[strspn(text, NAME_CHARS)])
		return ph_err_set(err, r, "there is no event '%s'%s%s%s", text, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return r;
}

/* ---- the whole ------------------------------------------------------------------------------------- */

int ph_requests_new(struct ph_requests **ret, const struct ph_identity *id, const struct ph_requests_ask *ask,
		    struct ph_err *err)
{
	struct ph_spill *spill;
	struct ph_requests *r;
	int e = ph_spill_open(&spill, err);

	if (e < 0)
		return e;
	r = ph_alloc(sizeof(*r));
	r->spill = spill;
	r->id = id;
	r->ask = *ask;
	r->calls = calls_new();
	*ret = r;
	return 0;
}

void ph_requests_free(struct ph_requests *r)
{
	if (!r)
		return;
	opened_drop_all(r);
	conns_free(r);
	calls_free(r->calls);
	ph_spill_close(r->spill);
	free(r);
}

void ph_requests_feed(struct ph_requests *r, const struct ph_event *ev)
{
	if (r->ask.kind == PH_REQUESTS_FILTERS)
		filters_feed(r, ev);
	else
		conns_feed(r, ev);
}

int ph_requests_finish(struct ph_requests *r, struct ph_err *err)
{
	if (r->ask.kind == PH_REQUESTS_FILTERS)
		opened_drop_all(r);
	else
		conns_finish(r);
	return ph_spill_error(r->spill, err);
}

/* ---- afterwards ------------------------------------------------------------------------------------ */

int ph_requests_get(const struct ph_requests *r, uint64_t i, struct ph_request *ret)
{
	return ph_spill_read(r->spill, i * sizeof(*ret), ret, sizeof(*ret));
}

void ph_requests_each(const struct ph_requests *r, uint64_t min_ns, uint64_t max_ns,
		      void (*fn)(void *arg, const struct ph_request *q), void *arg)
{
	ph_autofree struct ph_request *q = ph_alloc(CHUNK * sizeof(*q));

	for (uint64_t i = 0; i < r->n; i += CHUNK) {
		size_t n = r->n - i < CHUNK ? (size_t)(r->n - i) : CHUNK;

		if (ph_spill_read(r->spill, i * sizeof(*q), q, n * sizeof(*q)) < 0)
			return;
		for (size_t k = 0; k < n; k++)
			if (q[k].end_ns - q[k].begin_ns >= min_ns && q[k].end_ns - q[k].begin_ns <= max_ns)
				fn(arg, &q[k]);
	}
}

/* Digits of 16 bits, the highest first: with each the range that the value is in becomes smaller. */
struct ranking {
	uint64_t *count;
	uint64_t low_ns;
	unsigned int shift;
};

static void count_one(void *arg, const struct ph_request *q)
{
	struct ranking *k = arg;

	k->count[(q->end_ns - q->begin_ns - k->low_ns) >> k->shift]++;
}

uint64_t ph_requests_ranked(const struct ph_requests *r, uint64_t rank)
{
	struct ranking k = { 0 };
	uint64_t high_ns = UINT64_MAX;

	if (rank >= r->n)
		return 0;
	while (r->max_ns >> k.shift > UINT16_MAX)
		k.shift += 16;
	k.count = ph_alloc((UINT16_MAX + 1) * sizeof(*k.count));
	for (;; k.shift -= 16) {
		uint64_t digit = 0;

		memset(k.count, 0, (UINT16_MAX + 1) * sizeof(*k.count));
		ph_requests_each(r, k.low_ns, high_ns, count_one, &k);
		while (digit < UINT16_MAX && rank >= k.count[digit])
			rank -= k.count[digit++];
		k.low_ns += digit << k.shift;
		if (!k.shift)
			break;
		high_ns = k.low_ns + ((uint64_t)1 << k.shift) - 1;
	}
	free(k.count);
	return k.low_ns;
}

uint64_t ph_requests_quantile(const struct ph_requests *r, double q)
{
	uint64_t rank = q <= 0 ? 0 : (uint64_t)(q * (double)r->n);

	/* The share q of n is a whole number: that many, not one more. */
	if (rank && (double)rank == q * (double)r->n)
		rank--;
	return r->n ? ph_requests_ranked(r, rank < r->n ? rank : r->n - 1) : 0;
}
