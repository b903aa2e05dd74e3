/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SOURCE_MERGE_H
#define PH_SOURCE_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which of several ordered streams comes next: a binary heap of (time, stream number); equal times
 * go by the number, so the order is the same at every reading. Zero-initialise.
 */
struct ph_merge {
	struct ph_merge_entry { uint64_t ts; uint32_t stream; } *v;
	size_t n, cap;
};

void ph_merge_push(struct ph_merge *m, uint64_t ts, uint32_t stream);
/* The first stream's next time is @ts now; or it has ended. */
void ph_merge_update(struct ph_merge *m, uint64_t ts);
void ph_merge_pop(struct ph_merge *m);
void ph_merge_clear(struct ph_merge *m);
void ph_merge_done(struct ph_merge *m);

static inline const struct ph_merge_entry *ph_merge_first(const struct ph_merge *m)
{
	return m->n ? &m->v[0] : NULL;
}

static inline bool ph_merge_before(const struct ph_merge_entry *a, const struct ph_merge_entry *b)
{
	return a->ts != b->ts ? a->ts < b->ts : a->stream < b->stream;
}

#endif
