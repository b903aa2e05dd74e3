/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_CALLS_H
#define PH_LIVE_CALLS_H

#include "base/table.h"

/*
 * System calls as strace prints them, which the view "syscalls" has beyond the others: lines with decoded
 * arguments, in the order of events (what another thread's line comes into is "unfinished" and "resumed"),
 * and the summary of -C.
 */

enum ph_calls_time { PH_CALLS_NO_TIME, PH_CALLS_SEC, PH_CALLS_USEC, PH_CALLS_UNIX };

struct ph_calls_opts {
	ph_strv set;			/* words of ph_callset_parse(), empty: all */
	uint64_t string_max;		/* bytes that are shown of a buffer */
	bool paths;			/* descriptors with what they stand for */
	bool succeeded, failed;		/* only those */
	bool summary, only_summary;
	/* Of the lines: */
	enum ph_calls_time time;
	bool relative, duration;
};

/* Columns of the summary, for --fields, --sort and --json-schema. */
const struct ph_col *ph_calls_summary_cols(size_t *ret_n);

#endif
