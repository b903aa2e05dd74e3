/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctf/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define CHUNK_MIN 16384

struct ph_pool_chunk {
	struct ph_pool_chunk *older;
	size_t cap, len;
	max_align_t data[];
};

void *ph_pool_alloc(struct ph_pool *p, size_t n)
{
	struct ph_pool_chunk *c = p->chunk;
	void *ret;

	n = (n + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	if (!c || c->cap - c->len < n) {
		size_t cap = n > CHUNK_MIN ? n : CHUNK_MIN;

		/* Grow with use, so that a large event costs few chunks. */
		if (cap < p->used / 2)
			cap = p->used / 2;
		c = ph_realloc(NULL, sizeof(*c) + cap);
		c->cap = cap;
		c->len = 0;
		c->older = p->chunk;
		p->chunk = c;
	}
	ret = (char *)c->data + c->len;
	c->len += n;
	p->used += n;
	return memset(ret, 0, n);
}

char *ph_pool_strndup(struct ph_pool *p, const char *s, size_t n)
{
	char *ret = ph_pool_alloc(p, n + 1);

	memcpy(ret, s, n);
	return ret;
}

void ph_pool_reset(struct ph_pool *p)
{
	struct ph_pool_chunk *c = p->chunk, *older;

	p->used = 0;
	if (!c)
		return;
	for (older = c->older; older; older = c->older) {
		c->older = older->older;
		free(older);
	}
	c->len = 0;
	/* One event with a long sequence must not hold its memory for the rest of the trace. */
	if (c->cap > 64 * CHUNK_MIN) {
		free(c);
		p->chunk = NULL;
	}
}

void ph_pool_done(struct ph_pool *p)
{
	struct ph_pool_chunk *c, *older;

	for (c = p->chunk; c; c = older) {
		older = c->older;
		free(c);
	}
	*p = (struct ph_pool){ 0 };
}
