/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EVENT_EVSET_H
#define PH_EVENT_EVSET_H

#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"
#include "event/schema.h"

/*
 * Which events, as -e names them: events, globs over their names, groups (sched, syscall …) and
 * system calls by their own name (openat: its entry and exit), "all". A leading ! takes away, + adds; a list
 * that begins with one of these, and an empty one, starts from @start. Later words win.
 */
struct ph_evset {
	ph_strv words;
	bool (*start)(const struct ph_class *cls);	/* NULL: from everything */
	/* More classes than porthole's own (a foreign trace's), by number until NULL; may be NULL. */
	const struct ph_class *(*nth)(void *arg, size_t i);
	void *arg;
	bool lenient;			/* take words that match no class that is known now */
	struct ph_u64map known;		/* class address -> answer */
};

/* Check the words: -EINVAL with the nearest name. */
int ph_evset_check(struct ph_evset *set, struct ph_err *err);
bool ph_evset_has(struct ph_evset *set, const struct ph_class *cls);
void ph_evset_done(struct ph_evset *set);

#endif
