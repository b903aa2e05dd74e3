/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SOURCE_SYNTHETIC_H
#define PH_SOURCE_SYNTHETIC_H

#include "source/source.h"

/*
 * A source that is a list of events: what analyses are tested with, no kernel needed.
 *
 * As text, one event a line; `#` begins a comment:
 *
 *	source offset_ns=1700000000000000000 hostname=web1
 *	@1000 cpu=1 tid=7 pid=7 container=2 sched_switch prev_comm="a b" prev_tid=7 next_tid=8
 *	+1.5ms cpu=1 tid=8 sched_process_fork vtids=[12,1]
 *	+10 net_dev_queue saddr=0a000001 name=eth0
 *
 * A time is ns, or has a unit; `@` from the clock's 0, `+` from the line before. cpu is 0 where it is
 * not said, the others unknown. Fields that are not said are 0 or empty; unknown names are errors.
 * Numbers may be names where the field's unit has them: a call's number, which machines differ in, is nr=read.
 * Strings need quotes (with C's escapes) only where they hold blanks, quotes or backslashes; bytes are
 * hex digits.
 */
int ph_synthetic_parse(const char *text, struct ph_source **ret, struct ph_err *err);
/* The same from a file of at most 16 MiB. */
int ph_synthetic_open(const char *path, struct ph_source **ret, struct ph_err *err);

/* An array, in order of time; it and all it points to must outlive the source. */
struct ph_source *ph_synthetic_array(const struct ph_event *events, size_t n);

#endif
