/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_VIEW_RUN_H
#define PH_VIEW_RUN_H

#include "event/evset.h"
#include "filter/filter.h"
#include "identity/select.h"
#include "source/source.h"

/*
 * The loop that every view and analysis goes through: next event, feed the identity model, select,
 * filter, hand over. The same for a trace and for a live source.
 */
struct ph_run {
	struct ph_source *src;
	struct ph_identity *id;
	/* What to hand over; each may be NULL: everything. */
	struct ph_selection *sel;
	struct ph_selection *follow;	/* with sel NULL: the one that event() asks by itself */
	struct ph_filter *filter;
	struct ph_evset *events;
	uint64_t begin_ns, end_ns;	/* source clock, begin <= time < end; end 0: no end */
	uint64_t max;			/* hand over at most this many, 0: all */

	/*
	 * An event that passed; gaps (events_discarded) always do, within the range: what follows
	 * may miss its cause. 0 goes on, 1 ends the run quietly, negative is an error.
	 */
	int (*event)(void *arg, const struct ph_event *ev, struct ph_err *err);
	void *arg;
	/* A live source has nothing now: wait. 0 goes on, 1 ends the run. NULL: that is the end. */
	int (*idle)(void *idle_arg, struct ph_err *err);
	void *idle_arg;
	const volatile bool *stop;	/* ends the run when it becomes true, with -EINTR; may be NULL */

	/* Results. */
	uint64_t seen, passed;		/* events within the range (gaps left out), and handed over */
	uint64_t by_selection, by_events;	/* of those: passed the selection; and -e */
	uint64_t gaps, lost;		/* gaps, and events lost in them */
};

int ph_run(struct ph_run *r, struct ph_err *err);

/* Does @sel name containers, of which the stream has told none until now? */
bool ph_run_no_container(const struct ph_run *r, const struct ph_selection *sel);
/*
 * Why nothing passed: a sentence that says which of selection, -e, filter and range let nothing
 * through, and what is there instead. Only to be asked where r->passed is 0.
 */
void ph_run_explain(const struct ph_run *r, struct ph_buf *out);

#endif
