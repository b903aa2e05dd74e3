/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_WHATIF_REPORT_H
#define PH_ANALYZE_WHATIF_REPORT_H

#include "analyze/whatif.h"
#include "base/table.h"

/* What was asked, and the answer. */
struct ph_whatif_answer {
	struct ph_whatif_change change;
	struct ph_whatif_outcome outcome;
};

struct ph_whatif_report {
	const struct ph_whatif *w;
	PH_VEC(struct ph_whatif_answer) answers;	/* in the order in which they were asked */
	struct ph_table_fmt fmt;
	unsigned int width;
};

int ph_whatif_check(const struct ph_whatif_report *r, struct ph_err *err);
void ph_whatif_schema(struct ph_buf *out);
/* The sentence, without a line's end. */
void ph_whatif_verdict(const struct ph_whatif_report *r, struct ph_buf *out);
/* Sentences about what the answers do not know; one a call, until false. */
bool ph_whatif_note(const struct ph_whatif_report *r, unsigned int i, struct ph_buf *out);
int ph_whatif_print(const struct ph_whatif_report *r, struct ph_buf *out, struct ph_err *err);
/* whatif_json.c: one object. */
void ph_whatif_json(const struct ph_whatif_report *r, struct ph_buf *out);

#endif
