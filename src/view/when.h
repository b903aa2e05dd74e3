/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_VIEW_WHEN_H
#define PH_VIEW_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A point in a trace, as --begin, --end and --range name it:
 *	+1.5s			since the trace's beginning
 *	10:00:00.5		a time of day, of the trace's first day or the one after
 *	2026-11-21 10:00:00.5	(or with a T between)
 *	1795258800000000000	Unix time in ns; 1795258800.5: in s
 * In local time, or UTC with @utc. @begin_ns: Unix time at which the trace begins.
 */
int ph_when_parse(const char *s, int64_t begin_ns, bool utc, int64_t *ret_ns, struct ph_err *err);
/* FROM..TO, either of which may be missing; *ret_ are left alone then. */
int ph_when_range(const char *s, int64_t begin_ns, bool utc, int64_t *ret_from, int64_t *ret_to,
		  struct ph_err *err);

#endif
