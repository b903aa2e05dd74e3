/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyze/spans.h"

#include <stdlib.h>

#define SPANS_MAX (1u << 16)

static void fold(struct ph_spans *u)
{
	size_t n = u->s.n / 2;

	for (size_t i = 0; i < n; i++)
		u->folded_ns += u->s.v[i].end_ns - u->s.v[i].begin_ns;
	u->floor_ns = u->s.v[n - 1].end_ns;
	memmove(u->s.v, u->s.v + n, (u->s.n - n) * sizeof(*u->s.v));
	u->s.n -= n;
}

void ph_spans_add(struct ph_spans *u, uint64_t begin, uint64_t end)
{
	size_t at, after;

	if (begin < u->floor_ns)
		begin = u->floor_ns;
	if (begin >= end)
		return;
	/* @at: the first that touches it; @after: the first behind it. */
	for (after = u->s.n; after > 0 && u->s.v[after - 1].begin_ns > end; )
		after--;
	for (at = after; at > 0 && u->s.v[at - 1].end_ns >= begin; )
		at--;
	if (at == after) {
		ph_vec_push(&u->s);
		memmove(u->s.v + at + 1, u->s.v + at, (u->s.n - 1 - at) * sizeof(*u->s.v));
		u->s.v[at] = (struct ph_span){ begin, end };
		if (u->s.n > SPANS_MAX)
			fold(u);
		return;
	}
	if (u->s.v[at].begin_ns > begin)
		u->s.v[at].begin_ns = begin;
	if (u->s.v[after - 1].end_ns > end)
		end = u->s.v[after - 1].end_ns;
	u->s.v[at].end_ns = end;
	memmove(u->s.v + at + 1, u->s.v + after, (u->s.n - after) * sizeof(*u->s.v));
	u->s.n -= after - at - 1;
}

uint64_t ph_spans_total(const struct ph_spans *u)
{
	return u->folded_ns + ph_spans_within(u, 0, UINT64_MAX);
}

uint64_t ph_spans_within(const struct ph_spans *u, uint64_t begin, uint64_t end)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < u->s.n; i++) {
		uint64_t b = u->s.v[i].begin_ns > begin ? u->s.v[i].begin_ns : begin;
		uint64_t e = u->s.v[i].end_ns < end ? u->s.v[i].end_ns : end;

		sum += b < e ? e - b : 0;
	}
	return sum;
}

uint64_t ph_spans_ended(const struct ph_spans *u, uint64_t begin, uint64_t end)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < u->s.n; i++)
		if (u->s.v[i].end_ns > begin && u->s.v[i].end_ns <= end)
			sum += u->s.v[i].end_ns - u->s.v[i].begin_ns;
	return sum;
}

void ph_spans_clip(struct ph_spans *u, uint64_t begin)
{
	for (size_t i = 0; i < u->s.n && u->s.v[i].begin_ns < begin; i++) {
		u->s.v[i].begin_ns = begin;
		if (u->s.v[i].end_ns < begin)
			u->s.v[i].end_ns = begin;
	}
}

void ph_spans_merge(struct ph_spans *to, const struct ph_spans *from)
{
	to->folded_ns += from->folded_ns;
	for (size_t i = 0; i < from->s.n; i++)
		ph_spans_add(to, from->s.v[i].begin_ns, from->s.v[i].end_ns);
}

void ph_spans_done(struct ph_spans *u)
{
	ph_vec_done(&u->s);
}
