/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_SPANS_H
#define PH_ANALYZE_SPANS_H

#include "base/vec.h"

/*
 * A set of instants: spans of time, put in in nearly the order of their ends, that may overlap. Of very
 * many, the oldest are kept as a sum only.
 */
struct ph_span {
	uint64_t begin_ns, end_ns;
};

struct ph_spans {
	PH_VEC(struct ph_span) s;	/* in order, apart */
	uint64_t folded_ns, floor_ns;	/* what lies before floor_ns, and can be added to no more */
};

void ph_spans_add(struct ph_spans *u, uint64_t begin_ns, uint64_t end_ns);
uint64_t ph_spans_total(const struct ph_spans *u);
/* Of what is not folded: within [@begin_ns, @end_ns). */
uint64_t ph_spans_within(const struct ph_spans *u, uint64_t begin_ns, uint64_t end_ns);
/* Of what is not folded: those that ended within (@begin_ns, @end_ns], as a whole. */
uint64_t ph_spans_ended(const struct ph_spans *u, uint64_t begin_ns, uint64_t end_ns);
/* Nothing of it lies before @begin_ns. */
void ph_spans_clip(struct ph_spans *u, uint64_t begin_ns);
/* All of @from into @to. */
void ph_spans_merge(struct ph_spans *to, const struct ph_spans *from);
void ph_spans_done(struct ph_spans *u);

#endif
