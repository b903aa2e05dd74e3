/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/histogram.h"
#include "base/buf.h"

static int ascending(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return a < b ? -1 : a > b;
}

/* Against the sorted values themselves. */
static void test_quantiles(void **state)
{
	static const double q[] = { 0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 1 };
	enum { N = 20000 };
	uint64_t *v = malloc(N * sizeof(*v)), sum = 0, x = 88172645463325252ul;
	struct ph_hist h = { 0 };

	for (int i = 0; i < N; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		v[i] = x >> (20 + x % 30);
		sum += v[i];
		ph_hist_add(&h, v[i]);
	}
	qsort(v, N, sizeof(*v), ascending);
	assert_int_equal(h.n, N);
	assert_int_equal(h.sum, sum);
	assert_int_equal(h.min, v[0]);
	assert_int_equal(h.max, v[N - 1]);
	assert_int_equal(ph_hist_avg(&h), sum / N);
	for (size_t i = 0; i < sizeof(q) / sizeof(q[0]); i++) {
		size_t at = (size_t)(q[i] * N);
		uint64_t want = v[at ? at - 1 : 0], got = ph_hist_quantile(&h, q[i]);

		/* Within a bucket, whose width is a sixteenth. */
		assert_true(got <= want + want / 15 + 1 && want <= got + got / 15 + 1);
	}
	free(v);
	ph_hist_done(&h);
}

static void test_edges(void **state)
{
	static const uint64_t values[] = { 0, 1, 15, 16, 17, 31, 32, 33, 1023, 1024, 1ul << 40, (1ul << 63) - 1, 1ul << 63,
					   UINT64_MAX };
	struct ph_hist h = { 0 };
	uint64_t lo, hi, n = 0, last = 0;

	assert_int_equal(ph_hist_rows(&h), 0);
	assert_int_equal(ph_hist_quantile(&h, 0.5), 0);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct ph_hist one = { 0 };

		ph_hist_add(&h, values[i]);
		ph_hist_add(&one, values[i]);
		assert_int_equal(ph_hist_quantile(&one, 0), values[i]);
		assert_int_equal(ph_hist_quantile(&one, 0.5), values[i]);
		assert_int_equal(ph_hist_quantile(&one, 1), values[i]);
		assert_int_equal(ph_hist_rows(&one), 1);
		assert_int_equal(ph_hist_row(&one, 0, &lo, &hi), 1);
		assert_true(lo <= values[i] && (values[i] < hi || hi == UINT64_MAX));
		ph_hist_done(&one);
	}
	assert_int_equal(ph_hist_rows(&h), 65);
	for (unsigned int i = 0; i < 65; i++) {
		n += ph_hist_row(&h, i, &lo, &hi);
		assert_int_equal(lo, last);	/* without a hole */
		last = hi;
	}
	assert_int_equal(n, h.n);
	assert_int_equal(last, UINT64_MAX);
	assert_true(h.nbuckets * sizeof(*h.bucket) <= 8192);
	ph_hist_done(&h);
}

static void test_merge(void **state)
{
	struct ph_hist a = { 0 }, b = { 0 }, all = { 0 };

	for (uint64_t i = 0; i < 1000; i++) {
		ph_hist_add(i % 3 ? &a : &b, i * i);
		ph_hist_add(&all, i * i);
	}
	ph_hist_merge(&a, &b);
	assert_int_equal(a.n, all.n);
	assert_int_equal(a.sum, all.sum);
	assert_int_equal(a.min, all.min);
	assert_int_equal(a.max, all.max);
	assert_memory_equal(a.bucket, all.bucket, all.nbuckets * sizeof(*all.bucket));
	ph_hist_done(&b);
	ph_hist_merge(&b, &all);
	ph_hist_merge(&b, &(struct ph_hist){ 0 });
	assert_int_equal(b.n, all.n);
	ph_hist_done(&a);
	ph_hist_done(&b);
	ph_hist_done(&all);
}

static void test_drawn(void **state)
{
	struct ph_hist h = { 0 };
	struct ph_buf b = { 0 };
	struct ph_json j = { .out = &b };

	for (int i = 0; i < 100; i++)
		ph_hist_add(&h, 5000);
	ph_hist_add(&h, 1024);
	ph_hist_add(&h, 70000);
	ph_hist_draw(&h, 2, 10, &b);
	assert_string_equal(b.p,
			    "   1.02 us .. 2.05 us  |#         | 1\n"
			    "   2.05 us .. 4.1 us   |          | 0\n"
			    "    4.1 us .. 8.19 us  |##########| 100\n"
			    "   8.19 us .. 16.4 us  |          | 0\n"
			    "   16.4 us .. 32.8 us  |          | 0\n"
			    "   32.8 us .. 65.5 us  |          | 0\n"
			    "   65.5 us .. 131 us   |#         | 1\n");
	ph_buf_clear(&b);
	ph_hist_json(&h, &j, NULL);
	assert_non_null(strstr(b.p, "\"count\":102,"));
	assert_non_null(strstr(b.p, "\"sum_ns\":571024,\"min_ns\":1024,\"max_ns\":70000,\"avg_ns\":5598,"));
	assert_non_null(strstr(b.p, "\"edges_ns\":[1024,2048,4096,8192,16384,32768,65536,131072],\"counts\":[1,0,100,0,0,0,1]"));
	ph_buf_done(&b);
	ph_hist_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
