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
};

struct ph_recorder;

/* Takes a started collector (which stays the caller's); writes the state dump. */
int ph_recorder_open(struct ph_collect *c, const struct ph_record_opts *opts,
		     struct ph_recorder **ret, struct ph_err *err);

/*
 * One turn: drain, flush at least twice a second, rotate. 0, or 1 when max_bytes is reached. After
 * an error (a full disk) what was written so far is a readable trace.
 */
int ph_recorder_turn(struct ph_recorder *r, struct ph_err *err);
/* How long to sleep before the next turn, ns. */
uint64_t ph_recorder_pause_ns(const struct ph_recorder *r);

struct ph_record_stats {
	uint64_t events, lost, bytes, pieces;
};
void ph_recorder_stats(const struct ph_recorder *r, struct ph_record_stats *ret);

/*
 * Finish: stops the collector, drains what is left, completes the trace. Frees @r even on error.
 * @stats, where not NULL, receives the final numbers.
 */
int ph_recorder_close(struct ph_recorder *r, struct ph_record_stats *stats, struct ph_err *err);

#endif
