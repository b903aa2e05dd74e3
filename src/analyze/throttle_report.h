/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_THROTTLE_REPORT_H
#define PH_ANALYZE_THROTTLE_REPORT_H

#include "analyze/report.h"
#include "analyze/throttle.h"

/* What took the time of a group, the one thing that cost it most. */
enum ph_verdict {
	PH_VERDICT_NONE,	/* no task of it was seen */
	PH_VERDICT_IDLE,	/* it wanted next to nothing */
	PH_VERDICT_RAN,		/* it wanted CPUs and had them */
	PH_VERDICT_THROTTLED, PH_VERDICT_WAITED, PH_VERDICT_STEAL, PH_VERDICT_FROZEN, PH_VERDICT_STOPPED,
	PH_VERDICT_BLOCKED,	/* disk, page faults, reclaim, locks */
};

enum ph_verdict ph_throttle_judge(const struct ph_throttle *th, const struct ph_throttle_group *g);
const char *ph_verdict_name(enum ph_verdict v);		/* "throttled" */

/* Why it was waited for CPUs. */
enum ph_wait_cause {
	PH_CAUSE_CPUS,		/* too few for all */
	PH_CAUSE_WEIGHTS, PH_CAUSE_CPUSET,
	PH_CAUSE_PLACEMENT,	/* there was an idle CPU, and nothing of the cgroups' kept it from that */
};

struct ph_wait_why {
	enum ph_wait_cause cause;
	uint64_t weight, other_weight;	/* where the two part from each other; 0: not told */
	bool shares;			/* cpu.shares of v1 */
	const char *cpuset, *all_cpus;	/* lives with the cgroups; NULL: not told */
	double idle_share;		/* of the waiting, with some CPU idle */
};
/* @top: the container that ran most meanwhile, NULL: none. */
void ph_throttle_wait_why(const struct ph_throttle *th, const struct ph_throttle_group *g,
			  const struct ph_runner *top, struct ph_wait_why *ret);

/* "web", "the host", "pod default/web-1": escaped for a terminal. */
void ph_throttle_name(const struct ph_throttle *th, const struct ph_throttle_group *g, struct ph_buf *out);
void ph_runner_name(const struct ph_throttle *th, const struct ph_runner *r, struct ph_buf *out);
/* "0.5 CPU (cpu.max 50000 100000 at /pod)" */
void ph_limit_text(const struct ph_throttle *th, const struct ph_throttle_limit *l, struct ph_buf *out);

/* "disk vda", "pipe, woken by postgres in db" */
void ph_throttle_wait_text(const struct ph_throttle *th, const struct ph_throttle_group *g,
			   const struct ph_throttle_wait_key *key, struct ph_buf *out);

/* The sentence, without a line's end. */
void ph_throttle_verdict(const struct ph_throttle *th, const struct ph_throttle_group *g, struct ph_buf *out);

struct ph_throttle_view {
	struct ph_report_view base;
	enum ph_throttle_by by;		/* rows of the table */
	bool tasks, timeline;
};

/* All of it, for eyes, or as JSON or CSV by view->base.fmt.output. */
int ph_throttle_report(const struct ph_throttle *th, const struct ph_throttle_view *view, struct ph_buf *out,
		       struct ph_err *err);
int ph_throttle_check(const struct ph_throttle_view *view, struct ph_err *err);
void ph_throttle_schema(struct ph_buf *out);

/* Sentences about what the stream lacks, and what that does to the figures; one a call, until false. */
bool ph_throttle_note(const struct ph_throttle *th, unsigned int i, struct ph_buf *out);

/* throttle_json.c: an object a line for each container, limit, task, period; one for the whole. */
void ph_throttle_json(const struct ph_throttle *th, const struct ph_throttle_view *view, struct ph_buf *out);

#endif
