/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_PROBE_VIEW_H
#define PH_LIVE_PROBE_VIEW_H

#include "live/snoop.h"

/*
 * Hits of probes as rows: a snoop whose columns are the arguments of the probes that the stream tells of. First
 * ph_probe_view_learn() takes in every probe_point that is known beforehand, then the snoop is made, then every event
 * of the stream goes to learn() and to the snoop.
 */
struct ph_probe_view;

struct ph_probe_view *ph_probe_view_new(void);
void ph_probe_view_free(struct ph_probe_view *v);
void ph_probe_view_learn(struct ph_probe_view *v, const struct ph_event *ev);
/* How many probes it knows. */
size_t ph_probe_view_known(const struct ph_probe_view *v);
/* Its columns stay as they are from here on. The view's own. */
const struct ph_snoop *ph_probe_view_snoop(struct ph_probe_view *v);
/* All columns, common ones included; the caller frees. */
struct ph_col *ph_probe_view_cols(struct ph_probe_view *v, size_t *ret_n);

/* ---- probe_sums.c: rows summed up ---------------------------------------------------------------- */

/* --count and --hist, for each value of the columns in --by. */
struct ph_probe_sums;

struct ph_probe_sums_opts {
	const struct ph_table_fmt *fmt;	/* of the sums: copied */
	const char *hist;		/* column whose values are to be spread out; NULL: count alone */
	const ph_strv *by;
	unsigned int width;
};

/* @cols must outlive it. -EINVAL: a column that is not there, also of fmt->sort. */
int ph_probe_sums_new(const struct ph_col *cols, size_t ncols, const struct ph_probe_sums_opts *o,
		      struct ph_probe_sums **ret, struct ph_err *err);
void ph_probe_sums_free(struct ph_probe_sums *s);
/* As ph_snoop_opts.row. */
void ph_probe_sums_add(void *sums, const struct ph_cell *cells);
int ph_probe_sums_print(struct ph_probe_sums *s, struct ph_buf *out, struct ph_err *err);

#endif
