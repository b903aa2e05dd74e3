/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What blocked tasks waited for: which device, which peer, and who ended the wait. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analyze/throttle_priv.h"
#include "base/cleanup.h"

/* Rows of a group that are kept apart; what is more is one row for each kind of wait. */
#define ROWS_MAX 64

/* 127.0.0.0/8, ::1, and the former in the clothes of the latter. */
static bool is_loopback(const struct ph_wait_object *o)
{
	static const uint8_t self[16] = { [15] = 1 }, mapped[13] = { [10] = 0xff, [11] = 0xff, [12] = 127 };

	if (o->family == AF_INET)
		return o->daddr[0] == 127;
	return o->family == AF_INET6 && (!memcmp(o->daddr, self, 16) || !memcmp(o->daddr, mapped, 13));
}

/* Is the wait one that tasks end for each other? What an interrupt ends is ended in the context of anybody. */
static bool ended_by_tasks(const struct ph_segment *s)
{
	switch (s->wait) {
	case PH_WAIT_FUTEX: case PH_WAIT_PIPE: case PH_WAIT_CHILD: case PH_WAIT_LOCK: case PH_WAIT_SIGNAL:
		return true;
	case PH_WAIT_SOCKET:
		return s->object.family == AF_UNIX || is_loopback(&s->object);
	default:
		return false;
	}
}

static void key_of(const struct ph_throttle *th, const struct ph_segment *s, struct ph_throttle_wait_key *key)
{
	const struct ph_task *t;

	memset(key, 0, sizeof(*key));
	key->wait = (uint32_t)s->wait;
	key->memcg = s->memcg;
	ph_object_of(s, &key->object);
	key->waker_container = PH_CONTAINER_UNKNOWN;
	if (s->waker != PH_WAKER_TASK || s->waker_tid <= 0 || !ended_by_tasks(s))
		return;
	t = ph_identity_task(th->id, s->waker_tid);
	if (!t || !t->comm[0])
		return;
	key->waker_container = s->waker_container;
	memcpy(key->waker_comm, t->comm, strnlen(t->comm, sizeof(key->waker_comm)));
}

static struct ph_throttle_wait *row_of(struct ph_throttle_group *g, const struct ph_throttle_wait_key *key)
{
	struct ph_throttle_wait_key rest = {
		.wait = key->wait, .object.thing = PH_THING_REST, .waker_container = PH_CONTAINER_UNKNOWN,
	};
	struct ph_throttle_wait *w;

	ph_vec_each(it, &g->waits)
		if (!memcmp(&it->key, key, sizeof(*key)))
			return it;
	if (g->waits.n >= ROWS_MAX && key->object.thing != PH_THING_REST)
		return row_of(g, &rest);
	w = ph_vec_push(&g->waits);
	w->key = *key;
	return w;
}

static void add(struct ph_throttle_group *g, const struct ph_throttle_wait_key *key, uint64_t ns, uint64_t n)
{
	struct ph_throttle_wait *w;

	/* Mostly it is what was waited for last. */
	if (g->last_wait < g->waits.n && !memcmp(&g->waits.v[g->last_wait].key, key, sizeof(*key))) {
		w = &g->waits.v[g->last_wait];
	} else {
		w = row_of(g, key);
		g->last_wait = (size_t)(w - g->waits.v);
	}
	w->ns += ns;
	w->n += n;
}

void waits_add(struct ph_throttle *th, struct ph_throttle_group *const *groups, size_t n, const struct ph_segment *s)
{
	struct ph_throttle_wait_key key;

	key_of(th, s, &key);
	for (size_t i = 0; i < n; i++)
		add(groups[i], &key, s->end_ns - s->begin_ns, 1);
}

void waits_merge(struct ph_throttle_group *to, const struct ph_throttle_group *from)
{
	ph_vec_each(w, &from->waits)
		add(to, &w->key, w->ns, w->n);
}

static int longest_first(const void *pa, const void *pb)
{
	const struct ph_throttle_wait *a = pa, *b = pb;

	if (a->ns != b->ns)
		return a->ns > b->ns ? -1 : 1;
	return memcmp(&a->key, &b->key, sizeof(a->key));
}

void waits_finish(struct ph_throttle_group *g)
{
	if (g->waits.n)
		qsort(g->waits.v, g->waits.n, sizeof(*g->waits.v), longest_first);
}
