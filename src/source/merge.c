/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/merge.h"

#include <stdlib.h>

#include "base/buf.h"

static void sift_down(struct ph_merge *m, size_t i)
{
	struct ph_merge_entry e = m->v[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= m->n)
			break;
		if (child + 1 < m->n && ph_merge_before(&m->v[child + 1], &m->v[child]))
			child++;
		if (!ph_merge_before(&m->v[child], &e))
			break;
		m->v[i] = m->v[child];
		i = child;
	}
	m->v[i] = e;
}

void ph_merge_push(struct ph_merge *m, uint64_t ts, uint32_t stream)
{
	struct ph_merge_entry e = { ts, stream };
	size_t i = m->n++;

	if (m->n > m->cap) {
		m->cap = m->cap ? 2 * m->cap : 16;
		m->v = ph_realloc(m->v, m->cap * sizeof(*m->v));
	}
	for (; i && ph_merge_before(&e, &m->v[(i - 1) / 2]); i = (i - 1) / 2)
		m->v[i] = m->v[(i - 1) / 2];
	m->v[i] = e;
}

void ph_merge_update(struct ph_merge *m, uint64_t ts)
{
	m->v[0].ts = ts;
	sift_down(m, 0);
}

void ph_merge_pop(struct ph_merge *m)
{
	m->v[0] = m->v[--m->n];
	if (m->n)
		sift_down(m, 0);
}

void ph_merge_clear(struct ph_merge *m)
{
	m->n = 0;
}

void ph_merge_done(struct ph_merge *m)
{
	free(m->v);
	*m = (struct ph_merge){ 0 };
}
