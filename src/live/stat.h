/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_STAT_H
#define PH_LIVE_STAT_H

#include "base/table.h"
#include "live/top.h"

/*
 * The rounds of top as lines that stand below each other, one for each row of a round: what porthole stat prints. Its
 * usual columns are some of top.def; a terminal gets those that it has room for, and the headings on every screenful.
 */
struct ph_stat {
	const struct ph_top *t;
	const struct ph_table_fmt *fmt;
	bool (*wanted)(void *arg, const struct ph_top_row *r);
	void *arg;
	bool one;		/* one row a round, whose name everybody knows */
	bool machine;		/* the machine is among the rows: others need not tell of it */
	bool utc;
	unsigned int digits;	/* of the second, in times */
	/* The insides. */
	struct ph_table_more more;
	unsigned int width;
	size_t lines;		/* since the headings */
	struct ph_table_fmt shown;
};

/* What it takes to print that. */
void ph_stat_want(const struct ph_table_fmt *fmt, struct ph_top_want *want);
/*
 * The lines of a round into @out, for a terminal of @width times @height (0: none). Returns how many, or -errno.
 * Zero-initialise @st, then fill in the upper part.
 */
int ph_stat_round(struct ph_stat *st, uint64_t unix_ns, unsigned int width, unsigned int height, struct ph_buf *out,
		  struct ph_err *err);
void ph_stat_done(struct ph_stat *st);

#endif
