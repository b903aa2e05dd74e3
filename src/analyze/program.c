/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations are written in blocks, each of one task; what is not full yet stays in memory until it is read. */
#include "analyze/program.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/spill.h"

#define BLOCK 64		/* operations */

struct block {
	uint64_t at;
	uint32_t n;
};

struct program_more {
	PH_VEC(struct block) blocks;	/* after the first */
	PH_VEC(struct ph_op) open;
};

/*
 * What is read comes in windows: blocks that were written at about the same time are read at about the same time, mostly of tasks
 * so short that a block has a few operations.
 */
#define WINDOW_BYTES 65536
#define WINDOWS 16

struct window {
	uint64_t nr;		/* its place in the file, and one; 0: none */
	char bytes[WINDOW_BYTES];
};

struct ph_program {
	struct ph_spill *spill;
	struct ph_u64map by_tid;	/* tid -> index of who had it last, and one */
	PH_VEC(struct ph_program_task) tasks;
	struct window *windows;	/* [WINDOWS] */
};

int ph_program_new(struct ph_program **ret, struct ph_err *err)
{
	struct ph_spill *spill;
	int r = ph_spill_open(&spill, err);

	if (r < 0)
		return r;
	*ret = ph_alloc(sizeof(**ret));
	(*ret)->spill = spill;
	(*ret)->windows = ph_alloc(WINDOWS * sizeof(struct window));
	return 0;
}

static void more_free(struct ph_program_task *t)
{
	if (!t->more)
		return;
	ph_vec_done(&t->more->blocks);
	ph_vec_done(&t->more->open);
	free(t->more);
	t->more = NULL;
}

void ph_program_free(struct ph_program *p)
{
	if (!p)
		return;
	ph_vec_each(t, &p->tasks)
		more_free(t);
	ph_vec_done(&p->tasks);
	ph_u64map_done(&p->by_tid);
	ph_spill_close(p->spill);
	free(p->windows);
	free(p);
}

/* Who has @tid, or had it last. */
static uint32_t last(const struct ph_program *p, int32_t tid)
{
	return (uint32_t)(uintptr_t)ph_u64map_get(&p->by_tid, (uint32_t)tid) - 1;
}

uint32_t ph_program_find(const struct ph_program *p, int32_t tid)
{
	uint32_t i = last(p, tid);

	return i != UINT32_MAX && p->tasks.v[i].ended ? UINT32_MAX : i;
}

uint32_t ph_program_task(struct ph_program *p, int32_t tid)
{
	uint32_t i = ph_program_find(p, tid);
	struct ph_program_task *t;

	if (i != UINT32_MAX)
		return i;
	t = ph_vec_push(&p->tasks);
	t->tid = tid;
	t->pid = t->pinned = -1;
	t->parent = t->child = t->sibling = UINT32_MAX;
	t->before = last(p, tid);
	t->container = PH_CONTAINER_UNKNOWN;
	t->nice = 20;
	ph_u64map_put(&p->by_tid, (uint32_t)tid, (void *)(uintptr_t)p->tasks.n);
	return (uint32_t)p->tasks.n - 1;
}

uint32_t ph_program_task_at(struct ph_program *p, int32_t tid, uint64_t ts)
{
	for (uint32_t i = last(p, tid); i != UINT32_MAX; i = p->tasks.v[i].before) {
		const struct ph_program_task *t = &p->tasks.v[i];

		if ((t->parent != UINT32_MAX ? t->parent_ns : t->begin_ns) <= ts)
			return i;
	}
	return ph_program_task(p, tid);
}

struct ph_program_task *ph_program_nth(const struct ph_program *p, uint32_t task)
{
	return &p->tasks.v[task];
}

uint32_t ph_program_ntasks(const struct ph_program *p)
{
	return (uint32_t)p->tasks.n;
}

void ph_program_made(struct ph_program *p, uint32_t child, uint32_t parent, uint64_t at_ns)
{
	struct ph_program_task *c = &p->tasks.v[child], *t = &p->tasks.v[parent];

	if (c->parent != UINT32_MAX)
		return;
	c->parent = parent;
	c->parent_ns = at_ns;
	if (t->child == UINT32_MAX)
		t->child = child;
	else
		p->tasks.v[t->child_last].sibling = child;
	t->child_last = child;
}

static struct window *window_at(const struct ph_program *p, uint64_t at)
{
	return &p->windows[at / WINDOW_BYTES % WINDOWS];
}

static void block_write(struct ph_program *p, struct ph_program_task *t)
{
	struct program_more *m = t->more;
	struct block b = { .n = (uint32_t)m->open.n };

	b.at = ph_spill_add(p->spill, m->open.v, m->open.n * sizeof(*m->open.v));
	/* What was read before this was there is not all. */
	window_at(p, b.at)->nr = 0;
	if (t->block_n) {
		*ph_vec_push(&m->blocks) = b;
	} else {
		t->block_at = b.at;
		t->block_n = (uint8_t)b.n;
	}
	m->open.n = 0;
}

void ph_program_add(struct ph_program *p, uint32_t task, const struct ph_op *op)
{
	struct ph_program_task *t = &p->tasks.v[task];
	struct ph_op *o;

	if (op->end_ns < t->end_ns)
		return;
	if (!t->more)
		t->more = ph_alloc(sizeof(*t->more));
	if (t->more->open.n == BLOCK)
		block_write(p, t);
	o = ph_vec_push(&t->more->open);
	*o = *op;
	if (!t->active)
		t->begin_ns = o->begin_ns;
	else if (o->begin_ns < t->end_ns)
		o->begin_ns = t->end_ns;
	t->active = true;
	t->end_ns = o->end_ns;
}

void ph_program_end(struct ph_program *p, int32_t tid)
{
	uint32_t i = ph_program_find(p, tid);
	struct ph_program_task *t;

	if (i == UINT32_MAX)
		return;
	t = &p->tasks.v[i];
	t->ended = true;
	if (!t->more)
		return;
	if (t->more->open.n)
		block_write(p, t);
	ph_vec_done(&t->more->open);
	/* Most have done so little that it is one block. */
	if (t->more->blocks.n)
		ph_vec_trim(&t->more->blocks);
	else
		more_free(t);
}

int ph_program_error(const struct ph_program *p, struct ph_err *err)
{
	return ph_spill_error(p->spill, err);
}

uint64_t ph_program_bytes(const struct ph_program *p)
{
	return ph_spill_size(p->spill);
}

static int read_window(const struct ph_program *p, struct window *w, uint64_t nr)
{
	uint64_t at = nr * WINDOW_BYTES, left = ph_spill_size(p->spill) - at;
	int r;

	w->nr = 0;
	r = ph_spill_read(p->spill, at, w->bytes, left < WINDOW_BYTES ? left : WINDOW_BYTES);
	if (r >= 0)
		w->nr = nr + 1;
	return r;
}

static int read_ops(const struct ph_program *p, uint64_t at, void *to, size_t n)
{
	while (n) {
		uint64_t nr = at / WINDOW_BYTES, from = at % WINDOW_BYTES;
		struct window *w = window_at(p, at);
		size_t part = n < WINDOW_BYTES - from ? n : WINDOW_BYTES - from;

		if (w->nr != nr + 1 && read_window(p, w, nr) < 0)
			return -1;
		memcpy(to, w->bytes + from, part);
		to = (char *)to + part;
		at += part;
		n -= part;
	}
	return 0;
}

/* The @nr-th block of @t that is written: of 0 operations, it has no such. */
static struct block block_nth(const struct ph_program_task *t, uint32_t nr)
{
	if (!nr)
		return (struct block){ t->block_at, t->block_n };
	return t->block_n && t->more && nr <= t->more->blocks.n ? t->more->blocks.v[nr - 1] : (struct block){ 0 };
}

const struct ph_op *ph_program_next(const struct ph_program *p, uint32_t task, struct ph_program_reader *r)
{
	const struct ph_program_task *t = &p->tasks.v[task];

	if (r->i == r->n) {
		struct block b = block_nth(t, r->block);
		const struct program_more *m = t->more;

		/* Behind the last of them is what is not written. */
		if (r->open || (!b.n && (!m || !m->open.n)))
			return NULL;
		r->i = 0;
		r->n = b.n ? b.n : (uint32_t)m->open.n;
		/* No block is longer than the first. */
		if (!r->ops)
			r->ops = ph_alloc(r->n * sizeof(*r->ops));
		if (!b.n) {
			memcpy(r->ops, m->open.v, m->open.n * sizeof(*r->ops));
			r->open = true;
		} else if (read_ops(p, b.at, r->ops, r->n * sizeof(*r->ops)) < 0) {
			return NULL;
		}
		r->block++;
	}
	return &r->ops[r->i++];
}

void ph_program_rewind(struct ph_program_reader *r)
{
	free(r->ops);
	*r = (struct ph_program_reader){ 0 };
}
