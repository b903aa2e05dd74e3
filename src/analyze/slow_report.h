/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_SLOW_REPORT_H
#define PH_ANALYZE_SLOW_REPORT_H

#include "analyze/slow.h"
#include "analyze/report.h"

/* What held a container up most. */
enum ph_slow_verdict {
	PH_SLOW_NONE,		/* no task of it was seen */
	PH_SLOW_IDLE,		/* it waited for work */
	PH_SLOW_RAN,		/* it computed */
	PH_SLOW_THROTTLED, PH_SLOW_CPU, PH_SLOW_DISK, PH_SLOW_FAULT, PH_SLOW_RECLAIM, PH_SLOW_LOCK, PH_SLOW_FROZEN,
	PH_SLOW_STOPPED,
	PH_SLOW_PEER,		/* a service that it asks */
	PH_SLOW_OTHERS,		/* other tasks: futex, pipe */
};

/* *@ret_ns: the time that it cost; *@ret_of_ns: the time that this is a share of. */
enum ph_slow_verdict ph_slow_judge(const struct ph_slow *s, const struct ph_slow_group *g, uint64_t *ret_ns,
				   uint64_t *ret_of_ns);
const char *ph_slow_verdict_name(enum ph_slow_verdict v);	/* "disk" */
/* The sentence, without a line's end. */
void ph_slow_verdict_text(const struct ph_slow *s, const struct ph_slow_group *g, struct ph_buf *out);
/* Sentences about what the stream lacks, and what that does to the figures; one a call, until false. */
bool ph_slow_note(const struct ph_slow *s, unsigned int i, struct ph_buf *out);

/* Escaped for a terminal. */
void ph_slow_name(const struct ph_slow *s, uint32_t container, struct ph_buf *out);
const char *ph_slow_call_name(int32_t nr, bool compat);

enum ph_slow_table { PH_SLOW_CONTAINERS, PH_SLOW_WAITS, PH_SLOW_CALLS, PH_SLOW_SLOWEST, PH_SLOW_DISKS, PH_SLOW_QUEUE, PH_SLOW_TCP, PH_SLOW_STACKS, PH_SLOW_TABLES };
extern const char *const ph_slow_tables[PH_SLOW_TABLES + 1];	/* ending with NULL */

int ph_slow_check(const struct ph_report_view *view, struct ph_err *err);
void ph_slow_schema(enum ph_slow_table table, struct ph_buf *out);
/* All of it, for eyes, or as JSON or CSV by view->fmt.output. */
int ph_slow_report(const struct ph_slow *s, const struct ph_report_view *view, struct ph_buf *out, struct ph_err *err);
/* slow_json.c: an object a line, `kind` says of what. */
void ph_slow_json(const struct ph_slow *s, const struct ph_report_view *view, struct ph_buf *out);

#endif
