/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EVENT_EVSET_H
#define PH_EVENT_EVSET_H

#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"
#include "event/schema.h"

/*
 * Which events, as -e names them: events, globs over their names, groups (sched, syscall …) and
 * system calls by their own name (openat: its entry and exit). A leading ! takes away; a list that
 * begins with that starts from everything. Later words win.
 */
struct ph_evset {
	ph_strv words;
	/* More classes than porthole's own (a foreign trace's), by number until NULL; may be NULL. */
	const struct ph_class *(*nth)(void *arg, size_t i);
	void *arg;
	bool lenient;			/* take words that match no class that is known now */
	struct ph_u64map known;		/* class address -> answer */
};

/* Check the words: -EINVAL with the nearest name. No words: everything is in the set. */
int ph_evset_check(struct ph_evset *set, struct ph_err *err);
bool ph_evset_has(struct ph_evset *set, const struct ph_class *cls);
void ph_evset_done(struct ph_evset *set);

#endif
