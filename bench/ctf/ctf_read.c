/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "ctf/ctf.h"

/*
 * Reads a trace to its end and uses every value once, as a consumer of all fields would:
 * `ctf_read TRACE [FROM_NS]`. Prints events, seconds, KiB of memory at most, and a checksum of the values.
 * With FROM_NS: the ms to the first event at or after that time.
 */
static uint64_t sum_value(const struct ph_type *t, const struct ph_value *v);

static uint64_t sum_fields(const struct ph_field *f, const struct ph_value *v, uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += sum_value(f[i].type, &v[i]);
	return sum;
}

static uint64_t sum_value(const struct ph_type *t, const struct ph_value *v)
{
	uint64_t sum = v->n;

	switch (t->kind) {
	case PH_KIND_STR:
	case PH_KIND_BYTES:
		return v->n ? sum + (unsigned char)v->s[v->n - 1] : sum;
	case PH_KIND_SEQ:
		for (uint32_t i = 0; i < v->n; i++)
			sum += sum_value(t->elem, &v->v[i]);
		return sum;
	case PH_KIND_STRUCT:
		return sum_fields(t->fields, v->v, t->nfields);
	case PH_KIND_VARIANT:
		return sum_value(t->fields[v->sel].type, v->v);
	default:
		return v->u;
	}
}

int main(int argc, char **argv)
{
	uint64_t t0 = ph_now_ns(), n = 0, sum = 0;
	struct ph_err err = { 0 };
	struct ph_source *s;
	struct ph_event *ev;
	int r;

	if (argc < 2) {
		fprintf(stderr, "usage: ctf_read TRACE [FROM_NS]\n");
		return 2;
	}
	r = ph_ctf_open(argv[1], &s, &err);
	if (r == 0 && argc > 2)
		r = s->ops->seek(s, strtoull(argv[2], NULL, 0), &err);
	while (r >= 0 && (r = ph_source_next(s, &ev, &err)) > 0) {
		sum += ev->ts_ns + ev->cpu + sum_fields(ev->cls->ctx, ev->ctx, ev->cls->nctx) +
		       sum_fields(ev->cls->fields, ev->v, ev->cls->nfields);
		if (!n++ && argc > 2) {
			printf("%.1f\n", (double)(ph_now_ns() - t0) / 1e6);
			break;
		}
	}
	if (r < 0) {
		fprintf(stderr, "ctf_read: %s\n", err.msg);
		return 1;
	}
	if (argc == 2) {
		struct rusage ru;

		getrusage(RUSAGE_SELF, &ru);
		printf("%" PRIu64 " %.6f %ld %016" PRIx64 "\n", n, (double)(ph_now_ns() - t0) / 1e9,
		       ru.ru_maxrss, sum);
	}
	ph_source_close(s);
	return 0;
}
