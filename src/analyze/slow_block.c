/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block requests: how long in the queue and in the device, whose, and who else used the device meanwhile. */
#include <stdlib.h>

#include "analyze/slow_priv.h"
#include "base/cleanup.h"

/* Requests that are followed at once: a request that was merged into another is never heard of again. */
#define OPEN_MAX 65536
/* Containers whose requests on one device are told apart at one time. */
#define TENANTS_MAX 64
#define DEVICES_MAX 256

#define U(event, field, otherwise) ph_event_u(ev, PH_FLD(event, field), otherwise)

/* RWBS: bits of LTTng's encoding. */
#define RW_WRITE 1u
#define RW_DISCARD 2u
#define RW_READ 4u
#define RW_FLUSH 256u

struct request {
	uint64_t insert_ns, issue_ns;	/* 0: was not */
	uint32_t container, bytes;
	enum ph_slow_op op;
	struct device *device;		/* where it is counted among those under way, NULL: it is not */
};

/* A container that has, or had, requests under way on a device. */
struct tenant {
	uint32_t container, n;
	uint64_t last_ns;		/* when its last one ended */
};

struct device {
	uint32_t dev;
	uint64_t since_ns;		/* nobody came or went since then */
	PH_VEC(struct tenant) tenants;
};

struct ph_slow_blocks {
	struct ph_u64map open;		/* device and sector -> struct request */
	struct ph_u64map devices;
	struct ph_u64map users;		/* device and two containers -> struct ph_slow_user */
};

static struct ph_slow_blocks *blocks_of(struct ph_slow *s)
{
	if (!s->blocks)
		s->blocks = ph_alloc(sizeof(*s->blocks));
	return s->blocks;
}

static enum ph_slow_op op_of(uint32_t rwbs)
{
	if (rwbs & RW_FLUSH)
		return PH_OP_FLUSH;
	return rwbs & RW_READ ? PH_OP_READ : rwbs & RW_WRITE ? PH_OP_WRITE : rwbs & RW_DISCARD ? PH_OP_DISCARD : PH_OP_OTHER;
}

static uint64_t place(uint32_t dev, uint64_t sector, uint32_t rwbs)
{
	/* What is freed may be discarded while it is written anew. A flush has no place, and there is one at a time. */
	uint64_t k[3] = { dev, rwbs & RW_FLUSH ? UINT64_MAX : sector, op_of(rwbs) };

	return ph_hash(PH_HASH_INIT, k, sizeof(k));
}

const char *ph_slow_op_name(enum ph_slow_op op)
{
	static const char *const names[PH_OP_MAX] = { "read", "write", "discard", "flush", "other" };

	return op < PH_OP_MAX ? names[op] : "?";
}

/* ---- who is on the device ----------------------------------------------------------------------------------- */

static struct ph_slow_user *user_of(struct ph_slow *s, uint32_t dev, uint32_t container, uint32_t other)
{
	uint32_t k[3] = { dev, container, other };
	uint64_t key = ph_hash(PH_HASH_INIT, k, sizeof(k));
	struct ph_slow_user *u = ph_u64map_get(&s->blocks->users, key);

	if (u)
		return u;
	if (s->users.n >= OPEN_MAX)
		return NULL;
	u = ph_alloc(sizeof(*u));
	u->dev = dev;
	u->container = container;
	u->other = other;
	ph_u64map_put(&s->blocks->users, key, u);
	*ph_vec_push(&s->users) = u;
	return u;
}

/* The time since somebody came or went was one of each of them to all others. */
static void share_time(struct ph_slow *s, struct device *d, uint64_t ts)
{
	uint64_t ns = ts > d->since_ns ? ts - d->since_ns : 0;

	d->since_ns = ts;
	if (!ns || d->tenants.n < 2)
		return;
	ph_vec_each(a, &d->tenants) {
		if (!a->n || !slow_container_selected(s, a->container))
			continue;
		ph_vec_each(b, &d->tenants) {
			struct ph_slow_user *u = a == b || !b->n ? NULL : user_of(s, d->dev, a->container, b->container);

			if (u)
				u->ns += ns;
		}
	}
}

static struct tenant *tenant_of(struct device *d, uint32_t container)
{
	struct tenant *oldest = NULL;

	ph_vec_each(t, &d->tenants) {
		if (t->container == container)
			return t;
		if (!t->n && (!oldest || t->last_ns < oldest->last_ns))
			oldest = t;
	}
	if (d->tenants.n < TENANTS_MAX)
		oldest = ph_vec_push(&d->tenants);
	if (oldest)
		*oldest = (struct tenant){ .container = container };
	return oldest;
}

static void comes(struct ph_slow *s, struct request *rq, uint32_t dev, uint64_t ts)
{
	struct device *d = ph_u64map_get(&s->blocks->devices, dev);
	struct tenant *me;

	if (!d) {
		if (s->blocks->devices.n >= DEVICES_MAX)
			return;
		d = ph_alloc(sizeof(*d));
		d->dev = dev;
		ph_u64map_put(&s->blocks->devices, dev, d);
	}
	share_time(s, d, ts);
	me = tenant_of(d, rq->container);
	if (!me)
		return;
	me->n++;
	rq->device = d;
}

/* Those who had requests under way at any time of this one met it. */
static void met(struct ph_slow *s, const struct device *d, const struct request *rq)
{
	ph_vec_each(t, &d->tenants) {
		struct ph_slow_user *u;

		if (t->container == rq->container || (!t->n && t->last_ns <= rq->issue_ns) ||
		    !slow_container_selected(s, t->container))
			continue;
		u = user_of(s, d->dev, t->container, rq->container);
		if (u) {
			u->bytes += rq->bytes;
			u->requests++;
		}
	}
}

static void goes(struct ph_slow *s, struct request *rq, uint64_t ts)
{
	struct device *d = ph_take(rq->device);
	struct tenant *me;

	if (!d)
		return;
	share_time(s, d, ts);
	met(s, d, rq);
	me = tenant_of(d, rq->container);
	if (me && me->n) {
		me->n--;
		me->last_ns = ts;
	}
}

/* ---- requests ---------------------------------------------------------------------------------------------- */

static void forget_all(struct ph_slow *s, uint64_t ts)
{
	for (struct ph_u64map_slot *slot = NULL; (slot = ph_u64map_next(&s->blocks->open, slot)); ) {
		goes(s, slot->val, ts);
		free(slot->val);
	}
	ph_u64map_done(&s->blocks->open);
}

static struct request *request_at(struct ph_slow *s, uint64_t key, uint64_t ts)
{
	struct request *rq = ph_u64map_get(&s->blocks->open, key);

	if (rq)
		return rq;
	if (s->blocks->open.n >= OPEN_MAX)
		forget_all(s, ts);
	rq = ph_alloc(sizeof(*rq));
	ph_u64map_put(&s->blocks->open, key, rq);
	return rq;
}

/* Whose: as the kernel charges it, or else who gave it, if that is a container. */
static uint32_t whose(const struct ph_event *ev, uint32_t io)
{
	if ((io == PH_CONTAINER_UNKNOWN || io == PH_CONTAINER_HOST) && ev->container != PH_CONTAINER_UNKNOWN)
		return ev->container;
	return io;
}

static void on_insert(struct ph_slow *s, const struct ph_event *ev)
{
	uint32_t dev = (uint32_t)U(block_rq_insert, dev, 0), rwbs = (uint32_t)U(block_rq_insert, rwbs, 0);
	uint64_t key = place(dev, U(block_rq_insert, sector, 0), rwbs);
	struct request *rq = request_at(s, key, ev->ts_ns);

	goes(s, rq, ev->ts_ns);
	*rq = (struct request){ .insert_ns = ev->ts_ns };
}

static void on_issue(struct ph_slow *s, const struct ph_event *ev)
{
	uint32_t dev = (uint32_t)U(block_rq_issue, dev, 0), rwbs = (uint32_t)U(block_rq_issue, rwbs, 0);
	uint64_t key = place(dev, U(block_rq_issue, sector, 0), rwbs);
	struct request *rq = request_at(s, key, ev->ts_ns);

	s->nissued++;
	goes(s, rq, ev->ts_ns);
	rq->issue_ns = ev->ts_ns;
	rq->bytes = (uint32_t)U(block_rq_issue, bytes, 0);
	rq->op = op_of(rwbs);
	rq->container = whose(ev, (uint32_t)U(block_rq_issue, io_container, PH_CONTAINER_UNKNOWN));
	comes(s, rq, dev, ev->ts_ns);
}

static struct ph_slow_disk *disk_of(struct ph_slow_group *g, uint32_t dev, enum ph_slow_op op)
{
	uint64_t key = (uint64_t)dev << 3 | (uint64_t)op;
	struct ph_slow_disk *d = ph_u64map_get(&g->disk_map, key);

	if (d || g->disks.n >= SLOW_ROWS_MAX)
		return d;
	d = ph_alloc(sizeof(*d));
	d->container = g->container;
	d->dev = dev;
	d->op = op;
	ph_u64map_put(&g->disk_map, key, d);
	*ph_vec_push(&g->disks) = d;
	return d;
}

static void on_complete(struct ph_slow *s, const struct ph_event *ev)
{
	uint32_t dev = (uint32_t)U(block_rq_complete, dev, 0), rwbs = (uint32_t)U(block_rq_complete, rwbs, 0);
	uint64_t sector = U(block_rq_complete, sector, 0), key = place(dev, sector, rwbs);
	uint32_t bytes = (uint32_t)U(block_rq_complete, bytes, 0);
	struct request *rq;
	struct ph_slow_disk *d;

	/* A write that was completed before the flush behind it ends once more, with nothing. */
	if (!bytes && !(rwbs & RW_FLUSH))
		return;
	rq = ph_u64map_del(&s->blocks->open, key);
	s->ncompleted++;
	if (!rq || !rq->issue_ns) {
		s->nstray++;
		free(rq);
		return;
	}
	goes(s, rq, ev->ts_ns);
	d = slow_container_selected(s, rq->container) ? disk_of(slow_group(s, rq->container), dev, rq->op) : NULL;
	if (d) {
		ph_hist_add(&d->device, ev->ts_ns - rq->issue_ns);
		if (rq->insert_ns && rq->insert_ns <= rq->issue_ns)
			ph_hist_add(&d->queue, rq->issue_ns - rq->insert_ns);
		d->bytes += bytes < rq->bytes ? bytes : rq->bytes;
		d->errors += ph_event_i(ev, PH_FLD(block_rq_complete, error), 0) != 0;
	}
	free(rq);
}

void blocks_event(struct ph_slow *s, const struct ph_event *ev)
{
	blocks_of(s);
	switch (ev->cls->id) {
	case PH_EV_block_rq_insert:
		on_insert(s, ev);
		break;
	case PH_EV_block_rq_issue:
		on_issue(s, ev);
		break;
	case PH_EV_block_rq_complete:
		on_complete(s, ev);
		break;
	default:
		/* A gap: what was under way may have ended in it. */
		forget_all(s, ev->ts_ns);
	}
}

static int longest_first(const void *pa, const void *pb)
{
	const struct ph_slow_user *a = *(struct ph_slow_user *const *)pa, *b = *(struct ph_slow_user *const *)pb;

	if (a->ns != b->ns)
		return a->ns > b->ns ? -1 : 1;
	return a->other < b->other ? -1 : a->other > b->other;
}

void blocks_finish(struct ph_slow *s, uint64_t end_ns)
{
	if (!s->blocks)
		return;
	forget_all(s, end_ns);
	if (s->users.n)
		qsort(s->users.v, s->users.n, sizeof(*s->users.v), longest_first);
}

void blocks_free(struct ph_slow *s)
{
	struct ph_slow_blocks *b = s->blocks;

	if (!b)
		return;
	for (struct ph_u64map_slot *slot = NULL; (slot = ph_u64map_next(&b->open, slot)); )
		free(slot->val);
	for (struct ph_u64map_slot *slot = NULL; (slot = ph_u64map_next(&b->devices, slot)); ) {
		struct device *d = slot->val;

		ph_vec_done(&d->tenants);
		free(d);
	}
	ph_u64map_done(&b->open);
	ph_u64map_done(&b->devices);
	ph_u64map_done(&b->users);
	free(b);
}
