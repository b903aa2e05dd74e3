/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_RECORD_RECORD_H
#define PH_RECORD_RECORD_H

#include "collect/collect.h"

/*
 * The recorder: pumps a collector's events into a CTF trace, one stream file per CPU and one for
 * the state dump and the containers. With rotation, each piece is a trace of its own (with its own
 * state dump) in DIR/00001, DIR/00002 …
 */
struct ph_record_opts {
	const char *dir;
	uint64_t max_bytes;		/* stop when the trace has this size; 0: never */
	uint64_t rotate_bytes, rotate_ns;	/* begin a new piece; 0: never */
	uint64_t keep;			/* pieces to keep, the oldest are removed; 0: all */
	/*
	 * Somebody else reads the collector and hands on what comes, in order, by ph_recorder_put(): the
	 * recorder neither drains nor dumps the state. Goes without rotation.
	 */
	bool fed;
	int64_t offset_ns;		/* that source's */
};

struct ph_recorder;

/* What ph_recorder_open() would fail of that is known before there is a collector: whether @opts->dir can be written into. */
int ph_recorder_check(const struct ph_record_opts *opts, struct ph_err *err);

/* Takes a started collector (which stays the caller's); writes the state dump, unless it is fed. */
int ph_recorder_open(struct ph_collect *c, const struct ph_record_opts *opts,
		     struct ph_recorder **ret, struct ph_err *err);

/*
 * One turn: drain, flush at least twice a second, rotate. 0, or 1 when max_bytes is reached. After
 * an error (a full disk) what was written so far is a readable trace.
 */
int ph_recorder_turn(struct ph_recorder *r, struct ph_err *err);
/* An event of ph_live_open()'s source, as it comes (before an identity model completes it). */
int ph_recorder_put(struct ph_recorder *r, const struct ph_event *ev, struct ph_err *err);
/*
 * A source that has what @inner has, and writes it away on the way: a recorder opened as `fed`, which
 * stays the caller's. @inner is the new source's.
 */
struct ph_source *ph_tee_new(struct ph_source *inner, struct ph_recorder *r);

struct ph_record_stats {
	uint64_t events, lost, missed, bytes, pieces;
};
void ph_recorder_stats(const struct ph_recorder *r, struct ph_record_stats *ret);

/*
 * Finish: stops the collector, drains what is left, completes the trace. Frees @r even on error.
 * @stats, where not NULL, receives the final numbers.
 */
int ph_recorder_close(struct ph_recorder *r, struct ph_record_stats *stats, struct ph_err *err);

#endif
