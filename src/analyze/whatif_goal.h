/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_WHATIF_GOAL_H
#define PH_ANALYZE_WHATIF_GOAL_H

#include "analyze/whatif.h"

/* The least limit with which something is below a bound. */
struct ph_whatif_goal {
	const char *text;		/* as it was given */
	size_t of;			/* offset of the figure in struct ph_whatif_outcome */
	bool requests;			/* it is one of the requests' */
	uint64_t bound_ns;
};

/* What was asked, and the answer. */
struct ph_whatif_answer {
	struct ph_whatif_change change;
	struct ph_whatif_outcome outcome;
};

/* "p99 < 20ms": @text stays the caller's. */
int ph_whatif_goal_parse(const char *text, struct ph_whatif_goal *ret, struct ph_err *err);
/*
 * @a->change says what else differs; its cpus become the answer, to 1 % or a hundredth of a CPU: NAN where not even all CPUs
 * reach the goal, then with the outcome of no limit. More CPU time is taken to be never worse.
 */
int ph_whatif_reach(struct ph_whatif *w, const struct ph_whatif_goal *goal, struct ph_whatif_answer *a, struct ph_err *err);

#endif
