/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyze/histogram.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/parse.h"

/*
 * Values below 16 have a bucket each. Above, the bucket is the position of the highest bit and the four
 * bits behind it: [16 .. 31] are buckets 16 … 31, [32 .. 63] are 32 … 47, two values each, and so on.
 */
#define SUB_BITS 4
#define SUB (1u << SUB_BITS)

static unsigned int bucket_of(uint64_t v)
{
	unsigned int shift;

	if (v < SUB)
		return (unsigned int)v;
	shift = 63 - (unsigned int)__builtin_clzl(v) - SUB_BITS;
	return (shift << SUB_BITS) + (unsigned int)(v >> shift);
}

/* The least value of bucket @i; of the one behind the last, 2^64 is cut to the greatest number. */
static uint64_t bucket_begin(unsigned int i)
{
	unsigned int shift;

	if (i < 2 * SUB)
		return i;
	shift = (i >> SUB_BITS) - 1;
	if (shift > 63 - SUB_BITS)
		return UINT64_MAX;
	return (uint64_t)(SUB | (i & (SUB - 1))) << shift;
}

static void grow(struct ph_hist *h, unsigned int n)
{
	/* Whole powers of two. */
	n = (n + SUB - 1) & ~(SUB - 1);
	h->bucket = ph_realloc(h->bucket, n * sizeof(*h->bucket));
	memset(h->bucket + h->nbuckets, 0, (n - h->nbuckets) * sizeof(*h->bucket));
	h->nbuckets = n;
}

void ph_hist_add(struct ph_hist *h, uint64_t value)
{
	unsigned int b = bucket_of(value);

	if (ph_unlikely(b >= h->nbuckets))
		grow(h, b + 1);
	h->bucket[b]++;
	if (!h->n || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->n++;
	h->sum += value;
}

void ph_hist_merge(struct ph_hist *to, const struct ph_hist *from)
{
	if (!from->n)
		return;
	if (from->nbuckets > to->nbuckets)
		grow(to, from->nbuckets);
	for (unsigned int i = 0; i < from->nbuckets; i++)
		to->bucket[i] += from->bucket[i];
	if (!to->n || from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	to->n += from->n;
	to->sum += from->sum;
}

void ph_hist_done(struct ph_hist *h)
{
	free(h->bucket);
	*h = (struct ph_hist){ 0 };
}

uint64_t ph_hist_quantile(const struct ph_hist *h, double q)
{
	double want = q * (double)h->n;
	uint64_t below = 0;

	if (!h->n)
		return 0;
	if (want >= (double)h->n)
		return h->max;
	for (unsigned int i = 0; i < h->nbuckets; i++) {
		uint64_t lo = bucket_begin(i), width = bucket_begin(i + 1) - lo, v;

		if (!h->bucket[i] || (double)(below + h->bucket[i]) < want) {
			below += h->bucket[i];
			continue;
		}
		/* As if those of the bucket were spread over it evenly. */
		v = lo + (uint64_t)((double)(width - 1) * ((want - (double)below) / (double)h->bucket[i]));
		return v < h->min ? h->min : v > h->max ? h->max : v;
	}
	return h->max;
}

/* ---- rows ------------------------------------------------------------------------------------------- */

/* Row 0 is the value 0, row i [2^(i-1), 2^i). */
static unsigned int row_of(uint64_t v)
{
	return v ? 64 - (unsigned int)__builtin_clzl(v) : 0;
}

unsigned int ph_hist_rows(const struct ph_hist *h)
{
	return h->n ? row_of(h->max) - row_of(h->min) + 1 : 0;
}

uint64_t ph_hist_row(const struct ph_hist *h, unsigned int i, uint64_t *lo, uint64_t *hi)
{
	unsigned int row = row_of(h->min) + i, from, to;
	uint64_t n = 0;

	*lo = row ? 1ul << (row - 1) : 0;
	*hi = row < 64 ? 1ul << row : UINT64_MAX;
	from = bucket_of(*lo);
	to = row < 64 ? bucket_of(*hi) : h->nbuckets;
	for (unsigned int b = from; b < to && b < h->nbuckets; b++)
		n += h->bucket[b];
	return n;
}

void ph_hist_draw(const struct ph_hist *h, unsigned int indent, unsigned int width, struct ph_buf *out)
{
	unsigned int rows = ph_hist_rows(h);
	uint64_t most = 1, lo, hi;

	for (unsigned int i = 0; i < rows; i++) {
		uint64_t n = ph_hist_row(h, i, &lo, &hi);

		most = n > most ? n : most;
	}
	for (unsigned int i = 0; i < rows; i++) {
		uint64_t n = ph_hist_row(h, i, &lo, &hi);
		/* What is there is seen. */
		unsigned int len = (unsigned int)((double)n / (double)most * width + 0.5), bar = n && !len ? 1 : len;
		char a[PH_HUMAN_MAX], b[PH_HUMAN_MAX];

		ph_buf_addf(out, "%*s%8s .. %-8s |", (int)indent, "", ph_human_ns(lo, a), ph_human_ns(hi, b));
		for (unsigned int k = 0; k < width; k++)
			ph_buf_addc(out, k < bar ? '#' : ' ');
		ph_buf_addf(out, "| %lu\n", n);
	}
}

void ph_hist_json(const struct ph_hist *h, struct ph_json *j, const char *key)
{
	unsigned int rows = ph_hist_rows(h);
	uint64_t lo, hi = 0;

	ph_json_obj(j, key);
	ph_json_u64(j, "count", h->n);
	ph_json_u64(j, "sum_ns", h->sum);
	ph_json_u64(j, "min_ns", h->min);
	ph_json_u64(j, "max_ns", h->max);
	ph_json_u64(j, "avg_ns", ph_hist_avg(h));
	ph_json_u64(j, "p50_ns", ph_hist_quantile(h, 0.5));
	ph_json_u64(j, "p90_ns", ph_hist_quantile(h, 0.9));
	ph_json_u64(j, "p99_ns", ph_hist_quantile(h, 0.99));
	ph_json_arr(j, "edges_ns");
	for (unsigned int i = 0; i < rows; i++) {
		ph_hist_row(h, i, &lo, &hi);
		ph_json_u64(j, NULL, lo);
	}
	if (rows)
		ph_json_u64(j, NULL, hi);
	ph_json_arr_end(j);
	ph_json_arr(j, "counts");
	for (unsigned int i = 0; i < rows; i++)
		ph_json_u64(j, NULL, ph_hist_row(h, i, &lo, &hi));
	ph_json_arr_end(j);
	ph_json_obj_end(j);
}
