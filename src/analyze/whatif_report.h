/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_WHATIF_REPORT_H
#define PH_ANALYZE_WHATIF_REPORT_H

#include "analyze/report.h"
#include "analyze/whatif_goal.h"

struct ph_whatif_report {
	const struct ph_whatif *w;
	PH_VEC(struct ph_whatif_answer) answers;	/* in the order in which they were asked */
	struct ph_whatif_goal goal;			/* text NULL: none */
	struct ph_whatif_answer limit;			/* the least that reaches it; cpus NAN: none does */
	const struct ph_report_view *view;
};

int ph_whatif_check(const struct ph_table_fmt *fmt, struct ph_err *err);
void ph_whatif_schema(struct ph_buf *out);
/* The sentence, without a line's end. */
void ph_whatif_verdict(const struct ph_whatif_report *r, struct ph_buf *out);
/* Sentences about what the answers do not know; one a call, until false. */
bool ph_whatif_note(const struct ph_whatif_report *r, unsigned int i, struct ph_buf *out);
int ph_whatif_print(const struct ph_whatif_report *r, struct ph_buf *out, struct ph_err *err);
/* whatif_json.c: one object. */
void ph_whatif_json(const struct ph_whatif_report *r, struct ph_buf *out);

#endif
