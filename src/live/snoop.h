/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_SNOOP_H
#define PH_LIVE_SNOOP_H

#include "base/table.h"
#include "identity/select.h"
#include "live/calls.h"

/*
 * Live views that have a line for each thing that happened: what it was, who did it, how long it took. A
 * view is a row of the table in snoops.c (which events, how they are paired, which columns); the engine in
 * snoop.c is one for all, and sees the stream alone, so that a view is the same of the running kernel and
 * of a trace.
 */

struct ph_snoop;

/* The table, to NULL; by name, NULL where there is none. */
const struct ph_snoop *ph_snoop_nth(size_t i);
const struct ph_snoop *ph_snoop_by_name(const char *name);
const char *ph_snoop_name(const struct ph_snoop *sn);
const char *ph_snoop_summary(const struct ph_snoop *sn);
/* An example of its use, as for --help. */
const char *ph_snoop_example(const struct ph_snoop *sn);
/*
 * The events that it is made of, as words of -e, and with @also those that some columns live on; what this
 * architecture lacks is left out.
 */
void ph_snoop_events(const struct ph_snoop *sn, bool also, ph_strv *out);
/* Is it the one about system calls, whose options are ph_snoop_opts.calls? */
bool ph_snoop_calls(const struct ph_snoop *sn);
/* Does it tell how long something took? What is shown then, where nothing is asked for: 0: everything. */
bool ph_snoop_timed(const struct ph_snoop *sn, uint64_t *ret_min_ns);

struct ph_snoop_opts {
	struct ph_table_fmt fmt;	/* json_schema: to be asked of ph_snoop_schema() */
	const char *filter;		/* over the columns, NULL: none */
	bool has_min;
	uint64_t min_ns;		/* only what took at least this; has_min false: the view's own */
	bool hist;			/* histograms in the place of rows … */
	const char *by;			/* … one for each value of this column, NULL: one of all */
	unsigned int width;		/* of the terminal, 0: unlimited */
	int64_t offset_ns;		/* Unix time = event time + this */
	bool utc;
	/*
	 * Whose rows. NULL: everybody's. @chosen: the stream has nothing but what was selected already, and
	 * only rows about another task than the event's own are to be asked for.
	 */
	const struct ph_selection *sel;
	bool chosen;
	struct ph_calls_opts calls;
	/* Who sums rows up gets the cells of each that is shown, and nothing is printed. */
	void (*row)(void *arg, const struct ph_cell *cells);
	void *row_arg;
};

struct ph_snooping;

/* @opts and what it points to must outlive it. -EINVAL: a column, a filter, that is not. */
int ph_snooping_new(const struct ph_snoop *sn, const struct ph_snoop_opts *opts, struct ph_snooping **ret,
		    struct ph_err *err);
void ph_snooping_free(struct ph_snooping *s);
/* For every event of the stream, in order, after ph_identity_feed(). 1: as many rows as were wanted. */
int ph_snooping_feed(struct ph_snooping *s, const struct ph_identity *id, const struct ph_event *ev);
/* What can be printed already: nothing where it is to be sorted, or for histograms and summaries. */
void ph_snooping_print(struct ph_snooping *s, const struct ph_identity *id, struct ph_buf *out);
/* The rest. */
void ph_snooping_finish(struct ph_snooping *s, const struct ph_identity *id, struct ph_buf *out);
/* Of the summary, where @o asks for that alone. */
void ph_snoop_schema(const struct ph_snoop *sn, const struct ph_snoop_opts *o, struct ph_buf *out);

/* How far things got, for who must explain why there is nothing to see. */
struct ph_snoop_seen {
	uint64_t events;	/* that begin, end or are rows */
	uint64_t found;		/* rows made of them */
	uint64_t selected;	/* of those: of who is selected */
	uint64_t shown;		/* and passed filter and minimum */
	uint64_t cut;		/* begun, and their end was lost in a gap of the stream */
};
const struct ph_snoop_seen *ph_snooping_seen(const struct ph_snooping *s);

#endif
