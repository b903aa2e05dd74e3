/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_TOP_TRACE_H
#define PH_LIVE_TOP_TRACE_H

#include "filter/filter.h"
#include "live/top.h"

/*
 * The rows of top from a stream of events in the place of files and the kernel's maps: the same counters, as of the end of
 * each interval. What the stream tells of every moment (who ran, who waited, calls, I/O, packets) is summed up from its
 * events; of what the kernel alone counts it has readings (top_told.h). A counter that the stream has nothing of is
 * absent, as one that the kernel does not have.
 *
 *	ph_top_trace_open(&t, &opts);
 *	ph_top_trace_class(&t, cls);		// each kind of event that is in it
 *	ph_top_trace_ahead(&t, ev);		// what can be read beforehand of what the kernel counted
 *	ph_top_trace_begin(&t, ts_ns);
 *	ph_top_trace_feed(&t, ev);		// each event, after ph_identity_feed()
 *	ph_top_trace_round(&t, ts_ns);		// each time an interval ends, with the events before that fed
 *	ph_top_close(&t);
 */
struct ph_top_trace_opts {
	const struct ph_identity *id;
	struct ph_filter *filter;	/* NULL, or what counts: then only what is counted event by event is known */
	bool whole;			/* everybody's events are in it: there is a row for the machine */
	bool passed;			/* only what has passed the filter is fed, and only that is to be counted */
};

void ph_top_trace_open(struct ph_top *t, const struct ph_top_trace_opts *opts);
void ph_top_trace_class(struct ph_top *t, const struct ph_class *cls);
void ph_top_trace_ahead(struct ph_top *t, const struct ph_event *ev);
void ph_top_trace_begin(struct ph_top *t, uint64_t ts_ns);
void ph_top_trace_feed(struct ph_top *t, const struct ph_event *ev);
void ph_top_trace_round(struct ph_top *t, uint64_t ts_ns);
bool ph_top_trace_filtered(const struct ph_top *t);
/*
 * The kinds of events that these counters are made of, of which any can pass the filter; false: there are none. Where no
 * end of a call can pass, its beginning counts.
 */
bool ph_top_trace_choose(struct ph_filter *filter, uint64_t counts, bool events[PH_EV_ID_MAX]);
/* The container's row, NULL: it has none. */
const struct ph_top_row *ph_top_trace_at(const struct ph_top *t, uint32_t index);
/* A row for each container that is known, whether or not it did anything. */
void ph_top_trace_all(struct ph_top *t);
/* Which counters events that pass the filter make. */
uint64_t ph_top_trace_counts(const struct ph_top *t);
/* Has any row had these, a bit each? */
bool ph_top_trace_had(const struct ph_top *t, uint64_t counts, uint32_t levels);
void ph_top_trace_close(struct ph_top *t);	/* for ph_top_close() */

#endif
