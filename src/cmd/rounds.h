/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_ROUNDS_H
#define PH_CMD_ROUNDS_H

#include "base/table.h"
#include "cmd/source_opts.h"
#include "identity/select.h"
#include "live/top.h"

/*
 * What top and stat share: rows of containers every so often, of those that are asked for; of this host as it runs,
 * recording as well or not, or of a trace.
 */
struct ph_rounds {
	const char *verb;
	struct ph_cmd_source s;		/* options: the trace, the selection, what is recorded */
	struct ph_table_fmt fmt;
	uint64_t interval_ns, count;	/* count 0: until Ctrl-C, or the end */
	bool host_apart;		/* without a selection the machine is no row: it is told otherwise */
	struct ph_top_want want;
	struct ph_top t;
	/* Each interval, when its numbers are there; of a trace, 1: that is enough. */
	int (*print)(void *arg, uint64_t unix_ns, struct ph_err *err);
	/* Of a trace: nothing more is to come (@r: 0, 1 of print, an error), before anything is said; NULL: no matter. */
	int (*finish)(void *arg, int r, struct ph_err *err);
	void *arg;
	/* The insides. */
	bool open;
	uint64_t begun_ns, next_ns, last_ns, end_ns, n;
	/* Of a trace: something was there to print; it has been read; the user has left; what was shown last. */
	bool shown, over, left;
	const struct ph_table_fmt *last_fmt;
	uint64_t lost;			/* of what was recorded */
	struct ph_buf told;		/* what is missing, as it was told last */
};

/* Fills @groups with what is common: as ph_cmd_source_init(). */
void ph_rounds_init(struct ph_rounds *rs, struct ph_opt_group *groups);
/* Of a user's words, before anything is done: 0, or the exit code after the sentence. */
int ph_rounds_check(struct ph_rounds *rs);
/*
 * Of the running host: open, and look for the first time. Prints the error itself, also that the selection meets
 * nobody: 0 or the exit code.
 */
int ph_rounds_start(struct ph_rounds *rs);
/* Is this row asked for? */
bool ph_rounds_shown(const struct ph_rounds *rs, const struct ph_top_row *r);
/* Then a look each interval, until the end that was asked for. Returns the exit code. */
int ph_rounds_run(struct ph_rounds *rs);
/*
 * Or by who looks himself (ph_top_round()): takes in and writes away what has come, to be called again after *@pause_ns;
 * and in the end, @rc being an error or not, the exit code.
 */
int ph_rounds_turn(struct ph_rounds *rs, uint64_t *pause_ns, struct ph_err *err);
int ph_rounds_end(struct ph_rounds *rs, int rc, struct ph_err *err);
/* In the place of the two: all intervals of the trace. */
int ph_rounds_trace(struct ph_rounds *rs);
/* What the columns that are shown lack, on standard error, and again only when that has changed. */
void ph_rounds_missing(struct ph_rounds *rs, const struct ph_table_fmt *shown);
void ph_rounds_done(struct ph_rounds *rs);

#endif
