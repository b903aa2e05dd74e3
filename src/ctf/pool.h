/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CTF_POOL_H
#define PH_CTF_POOL_H

#include <stddef.h>

/*
 * Memory that is given back all at once: a trace's types, an event's nested values. What it gave
 * stays where it is. Zero-initialise; ph_pool_done() frees.
 */
struct ph_pool {
	struct ph_pool_chunk *chunk;	/* the one in use, older ones behind it */
	size_t used;			/* in all chunks */
};

/* Zeroed, aligned for any type. */
void *ph_pool_alloc(struct ph_pool *p, size_t n);
char *ph_pool_strndup(struct ph_pool *p, const char *s, size_t n);
/* Forget all, keep one chunk for what comes next. */
void ph_pool_reset(struct ph_pool *p);
void ph_pool_done(struct ph_pool *p);

#endif
