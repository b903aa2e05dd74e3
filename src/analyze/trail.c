/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pieces are written in blocks, each of one task: so a step back in a task is one in memory, and a wake-up leads to a
 * block that its waker's next steps are in, too. What is read stays until the way has gone past it.
 */
#include "analyze/trail.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "base/spill.h"
#include "base/vec.h"

#define BLOCK 64		/* pieces */
#define BLOCKS_IN_MEMORY 8192	/* of those read */

struct block {
	struct ph_trail_who who;
	uint32_t n;
	uint32_t reserved;
	struct ph_piece piece[BLOCK];
};

/* Where a block is: its pieces begin at @begin_ns. */
struct place {
	uint64_t begin_ns, at;
};

struct row {
	int32_t key;
	uint64_t begin_ns, end_ns;
	PH_VEC(struct place) places;
	struct ph_trail_who who;
	PH_VEC(struct ph_piece) open;	/* not written yet */
	struct block *read;		/* the one that was looked at last */
	uint64_t read_at;
};

struct ph_trail {
	struct ph_spill *spill;
	struct ph_u64map rows;
	struct row *last;
	size_t nread;
};

#define HEAD offsetof(struct block, piece)

int ph_trail_new(struct ph_trail **ret, struct ph_err *err)
{
	struct ph_spill *spill;
	int r = ph_spill_open(&spill, err);

	if (r < 0)
		return r;
	*ret = ph_alloc(sizeof(**ret));
	(*ret)->spill = spill;
	return 0;
}

void ph_trail_free(struct ph_trail *t)
{
	if (!t)
		return;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&t->rows, s)); ) {
		struct row *r = s->val;

		ph_vec_done(&r->places);
		ph_vec_done(&r->open);
		free(r->read);
		free(r);
	}
	ph_u64map_done(&t->rows);
	ph_spill_close(t->spill);
	free(t);
}

static struct row *row_find(const struct ph_trail *t, int32_t key)
{
	if (ph_likely(t->last && t->last->key == key))
		return t->last;
	return ph_u64map_get(&t->rows, (uint32_t)key);
}

/* ---- writing --------------------------------------------------------------------------------------- */

static void row_write(struct ph_trail *t, struct row *r)
{
	struct block head = { .who = r->who, .n = (uint32_t)r->open.n };
	struct place *p;

	if (!r->open.n)
		return;
	p = ph_vec_push(&r->places);
	p->begin_ns = r->open.v[0].begin_ns;
	p->at = ph_spill_add(t->spill, &head, HEAD);
	ph_spill_add(t->spill, r->open.v, r->open.n * sizeof(*r->open.v));
	r->open.n = 0;
}

void ph_trail_add(struct ph_trail *t, int32_t key, const struct ph_trail_who *who, const struct ph_piece *p)
{
	struct row *r = row_find(t, key);

	if (p->begin_ns >= p->end_ns)
		return;
	if (!r) {
		r = ph_alloc(sizeof(*r));
		r->key = key;
		r->begin_ns = p->begin_ns;
		ph_u64map_put(&t->rows, (uint32_t)key, r);
	}
	t->last = r;
	if (p->begin_ns < r->end_ns && p->kind != PH_PIECE_LINK)
		return;
	if (r->open.n == BLOCK || (r->open.n && memcmp(&r->who, who, sizeof(*who)) != 0))
		row_write(t, r);
	r->who = *who;
	*ph_vec_push(&r->open) = *p;
	r->end_ns = p->end_ns;
}

void ph_trail_end(struct ph_trail *t, int32_t key)
{
	struct row *r = row_find(t, key);

	if (!r)
		return;
	row_write(t, r);
	ph_vec_done(&r->open);
}

/* ---- looking up ------------------------------------------------------------------------------------ */

static void forget_read(struct ph_trail *t)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&t->rows, s)); ) {
		struct row *r = s->val;

		free(ph_take(r->read));
	}
	t->nread = 0;
}

static const struct block *block_read(struct ph_trail *t, struct row *r, uint64_t at)
{
	if (r->read && r->read_at == at)
		return r->read;
	if (!r->read) {
		if (t->nread == BLOCKS_IN_MEMORY)
			forget_read(t);
		r->read = ph_alloc(sizeof(*r->read));
		t->nread++;
	}
	r->read_at = at;
	if (ph_spill_read(t->spill, at, r->read, HEAD) < 0 || !r->read->n || r->read->n > BLOCK ||
	    ph_spill_read(t->spill, at + HEAD, r->read->piece, r->read->n * sizeof(struct ph_piece)) < 0) {
		free(ph_take(r->read));
		t->nread--;
		return NULL;
	}
	return r->read;
}

/* The last of @n that begins before @ts; there is one. */
static const struct ph_piece *last_before(const struct ph_piece *p, size_t n, uint64_t ts)
{
	size_t lo = 0;

	while (n - lo > 1) {
		size_t mid = lo + (n - lo) / 2;

		if (p[mid].begin_ns < ts)
			lo = mid;
		else
			n = mid;
	}
	return &p[lo];
}

bool ph_trail_find(struct ph_trail *t, int32_t key, uint64_t ts, struct ph_piece *ret, struct ph_trail_who *who)
{
	struct row *r = row_find(t, key);
	const struct block *b;
	size_t lo = 0, n;

	if (!r || r->begin_ns >= ts)
		return false;
	t->last = r;
	if (r->open.n && r->open.v[0].begin_ns < ts) {
		*ret = *last_before(r->open.v, r->open.n, ts);
		*who = r->who;
		return true;
	}
	n = r->places.n;
	if (!n || r->places.v[0].begin_ns >= ts)
		return false;
	while (n - lo > 1) {
		size_t mid = lo + (n - lo) / 2;

		if (r->places.v[mid].begin_ns < ts)
			lo = mid;
		else
			n = mid;
	}
	b = block_read(t, r, r->places.v[lo].at);
	if (!b)
		return false;
	*ret = *last_before(b->piece, b->n, ts);
	*who = b->who;
	return true;
}

bool ph_trail_span(const struct ph_trail *t, int32_t key, uint64_t *begin_ns, uint64_t *end_ns)
{
	const struct row *r = row_find(t, key);

	if (!r || r->begin_ns >= r->end_ns)
		return false;
	*begin_ns = r->begin_ns;
	*end_ns = r->end_ns;
	return true;
}

int ph_trail_error(const struct ph_trail *t, struct ph_err *err)
{
	return ph_spill_error(t->spill, err);
}

uint64_t ph_trail_bytes(const struct ph_trail *t)
{
	return ph_spill_size(t->spill);
}
