/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EVENT_CALLSET_H
#define PH_EVENT_CALLSET_H

#include "base/err.h"
#include "base/vec.h"
#include "event/syscalls.h"

/*
 * System calls as users of strace name them: by the C library's names (stat, which the kernel and our
 * events call newstat), and in classes (%file, %net …).
 */

/* The name that manual pages have; that of the event where both are the same. */
const char *ph_call_name(const char *event_name);

/*
 * What strace takes for -e: "open,close", "%file,%desc", "trace=…", "t=…", "all", "none"; "!" in front takes
 * away from all; "?name" may be unknown; the names of events and globs, too. Appends words as ph_evset takes
 * them, which name system calls alone; nothing for "all". "none" is an error: there would be nothing to see.
 */
int ph_callset_parse(const char *list, ph_strv *words, struct ph_err *err);

/* The classes, "%file" …, until NULL. */
const char *ph_callset_class_nth(size_t i);

#endif
