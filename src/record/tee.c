/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/buf.h"
#include "record/record.h"

struct tee {
	struct ph_source src;
	struct ph_source *inner;
	struct ph_recorder *r;
};

static int tee_next(struct ph_source *s, struct ph_event **ret, struct ph_err *err)
{
	struct tee *t = (struct tee *)s;
	int r = ph_source_next(t->inner, ret, err), w;

	t->src.end_ns = t->inner->end_ns;
	if (r <= 0)
		return r;
	w = ph_recorder_put(t->r, *ret, err);
	return w < 0 ? w : r;
}

static void tee_close(struct ph_source *s)
{
	struct tee *t = (struct tee *)s;

	ph_source_close(t->inner);
	free(t);
}

static void tee_prime(struct ph_source *s, void (*fn)(void *arg, struct ph_event *ev), void *arg)
{
	struct tee *t = (struct tee *)s;

	ph_source_prime(t->inner, fn, arg);
}

static const struct ph_source_ops tee_ops = {
	.next = tee_next, .prime = tee_prime, .close = tee_close,
};

struct ph_source *ph_tee_new(struct ph_source *inner, struct ph_recorder *r)
{
	struct tee *t = ph_alloc(sizeof(*t));

	t->src = *inner;
	t->src.ops = &tee_ops;
	t->inner = inner;
	t->r = r;
	return &t->src;
}
