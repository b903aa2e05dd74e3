/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_ROUNDS_H
#define PH_CMD_ROUNDS_H

#include "base/table.h"
#include "identity/select.h"
#include "live/top.h"

/* What top and stat share: looking at the containers of this host every so often, at those that are asked for. */
struct ph_rounds {
	const char *verb;
	struct ph_selection sel;
	struct ph_table_fmt fmt;
	uint64_t interval_ns, duration_ns, count;	/* 0: until Ctrl-C */
	bool host_apart;		/* without a selection the machine is no row: it is told otherwise */
	struct ph_top_want want;
	struct ph_top t;
	/* The insides. */
	bool open;
	uint64_t begun_ns;
	struct ph_buf told;		/* what is missing, as it was told last */
};

/* Of a user's words, before anything is done: -EINVAL with a sentence. */
int ph_rounds_check(struct ph_rounds *rs, struct ph_err *err);
/* Open, and look for the first time. Prints the error itself, also that the selection meets nobody: 0 or the exit code. */
int ph_rounds_start(struct ph_rounds *rs);
/* Is this row asked for? */
bool ph_rounds_shown(const struct ph_rounds *rs, const struct ph_top_row *r);
/* A look each interval, and @print of it, until the end that was asked for. Returns the exit code. */
int ph_rounds_run(struct ph_rounds *rs, int (*print)(void *arg, uint64_t unix_ns, struct ph_err *err), void *arg);
/* What the columns that are shown lack, on standard error, and again only when that has changed. */
void ph_rounds_missing(struct ph_rounds *rs, const struct ph_table_fmt *shown);
void ph_rounds_done(struct ph_rounds *rs);

#endif
