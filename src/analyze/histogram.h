/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_HISTOGRAM_H
#define PH_ANALYZE_HISTOGRAM_H

#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

/*
 * How often which value was seen: count, sum, least and greatest are exact; values lie in buckets, 16 for
 * each power of two, so that a quantile is wrong by 3 % at most. Its size grows with the logarithm of the
 * greatest value: below 8 KiB. Zero-initialise it.
 */
struct ph_hist {
	uint64_t n, sum, min, max;
	uint64_t *bucket;
	uint32_t nbuckets;
};

void ph_hist_add(struct ph_hist *h, uint64_t value);
void ph_hist_merge(struct ph_hist *to, const struct ph_hist *from);
void ph_hist_done(struct ph_hist *h);

/* 0 where it is empty. */
static inline uint64_t ph_hist_avg(const struct ph_hist *h)
{
	return h->n ? h->sum / h->n : 0;
}

/* The value that the share @q (0 … 1) of all are not above; 0 where it is empty. */
uint64_t ph_hist_quantile(const struct ph_hist *h, double q);

/* Rows of a power of two each, without the empty ones at both ends: 1: *@lo <= value < *@hi. */
unsigned int ph_hist_rows(const struct ph_hist *h);
uint64_t ph_hist_row(const struct ph_hist *h, unsigned int i, uint64_t *lo, uint64_t *hi);

/* Times in ns, drawn: a line a row, each indented by @indent blanks; @width of the longest bar. */
void ph_hist_draw(const struct ph_hist *h, unsigned int indent, unsigned int width, struct ph_buf *out);
/* {"count", "sum_ns", "min_ns", "max_ns", "avg_ns", "p50_ns", "p90_ns", "p99_ns", "edges_ns", "counts"}: one edge more than counts. */
void ph_hist_json(const struct ph_hist *h, struct ph_json *j, const char *key);

#endif
