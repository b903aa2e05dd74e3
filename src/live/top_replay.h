/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_TOP_REPLAY_H
#define PH_LIVE_TOP_REPLAY_H

#include "live/top_procs.h"

/*
 * The intervals of a trace as far as it has been read, to be looked at once more: top_trace.c goes forward only. Rows are
 * put back to what they were at the end of one. @most: bytes; the oldest are forgotten.
 */
struct ph_top_past;

struct ph_top_past *ph_top_past_new(size_t most);
void ph_top_past_free(struct ph_top_past *p);
/*
 * After each ph_top_trace_round(), before which ph_top_past_show() must have put the last one back. @unix_ns: the interval's
 * end; @shown: rows that are asked for as of now, the others stay away.
 */
void ph_top_past_add(struct ph_top_past *p, struct ph_top *t, uint64_t unix_ns, ph_top_wanted_fn shown, void *arg);
/* They are numbered from 0; those before the first are forgotten, there are n - first. */
size_t ph_top_past_first(const struct ph_top_past *p);
size_t ph_top_past_n(const struct ph_top_past *p);
void ph_top_past_show(const struct ph_top_past *p, struct ph_top *t, size_t at);
/* When it began and ended, Unix time; and when the first one began. */
uint64_t ph_top_past_begin(const struct ph_top_past *p, size_t at);
uint64_t ph_top_past_end(const struct ph_top_past *p, size_t at);
uint64_t ph_top_past_origin(const struct ph_top_past *p);

/* A trace on the screen: where one is in it. */
struct ph_top_replay {
	struct ph_top_past *past;	/* NULL: the running host is looked at */
	const char *trace;		/* for commands */
	bool utc;
	bool more;			/* the trace may go on behind the last interval that was read */
	bool next;			/* which is to be read now: the user, or time, has come there */
	size_t at;			/* on the screen */
};

struct ph_top_view;
/* Begin to go through @trace; nothing is there to be looked at before ph_top_view_arrived(). */
void ph_top_view_replay(struct ph_top_view *v, const char *trace, bool utc, size_t most);
/* Another interval has been read: look at it. */
void ph_top_view_arrived(struct ph_top_view *v, uint64_t unix_ns);
/* One on, or back; says where the trace ends. */
void ph_top_view_step(struct ph_top_view *v, int by);
/* Behind the last interval there is nothing more to read. */
void ph_top_view_ended(struct ph_top_view *v);

#endif
