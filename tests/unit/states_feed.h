/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_TESTS_STATES_FEED_H
#define PH_TESTS_STATES_FEED_H

#include "analyze/states.h"
#include "source/source.h"

/* All of @src, which is closed, through the states of tasks; the stream ends at @end_ns. */
static void feed(struct ph_source *src, const struct ph_states_ops *ops, void *arg, uint64_t end_ns,
		 struct ph_states_seen *ret)
{
	struct ph_identity *id = ph_identity_new();
	struct ph_states *st = ph_states_new(id, ops, arg);
	struct ph_err err = { 0 };
	struct ph_event *ev;

	while (ph_source_next(src, &ev, &err) > 0) {
		ph_identity_feed(id, ev);
		ph_states_feed(st, ev);
	}
	ph_states_finish(st, end_ns);
	ph_states_seen(st, ret);
	ph_states_free(st);
	ph_identity_free(id);
	ph_source_close(src);
}

#endif
