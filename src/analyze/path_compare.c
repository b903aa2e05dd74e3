/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of requests: those of the bands walked one by one, and summed up side by side. */
#include "analyze/path_compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "analyze/path_priv.h"
#include "base/cleanup.h"

/* Rows that are kept apart; what is more is one row together. */
#define DIFFS_MAX 4096
/* Paths that are walked of a band: those of requests that are served at once may have much in common. */
#define WALKED_MAX 20000

const char *ph_band_name(enum ph_band b)
{
	return b == PH_BAND_FAST ? "fast" : "slow";
}

double ph_path_diff_ns(const struct ph_path_compare *c, const struct ph_path_diff *d)
{
	const struct ph_path_band *b = c->band;

	return (double)d->ns[PH_BAND_SLOW] / (double)b[PH_BAND_SLOW].walked -
	       (double)d->ns[PH_BAND_FAST] / (double)b[PH_BAND_FAST].walked;
}

/* ---- sums -------------------------------------------------------------------------------------------- */

static struct ph_path_diff *diff_of(struct ph_path_compare *c, struct ph_path_share *key)
{
	uint64_t hash = ph_hash(PH_HASH_INIT, key, offsetof(struct ph_path_share, ns));
	size_t at = (size_t)(uintptr_t)ph_u64map_get(&c->diff_map, hash);

	if (at)
		return &c->diffs.v[at - 1];
	if (c->diffs.n >= DIFFS_MAX && key->tid != -1) {
		path_share_rest((enum ph_path_state)key->state, key);
		return diff_of(c, key);
	}
	ph_vec_push(&c->diffs)->what = *key;
	ph_u64map_put(&c->diff_map, hash, (void *)(uintptr_t)c->diffs.n);
	return &c->diffs.v[c->diffs.n - 1];
}

static void add_part(void *arg, const struct ph_step *s, enum ph_path_state state, uint64_t ns)
{
	struct ph_path_compare *c = arg;
	struct ph_path_share key;
	struct ph_path_diff *d;

	path_share_key(s, state, &key);
	/* Whichever of a program's threads it was. */
	key.tid = 0;
	key.who.pid = 0;
	d = diff_of(c, &key);
	d->ns[c->now] += ns;
	d->requests[c->now] += d->last != c->nr;
	d->last = c->nr;
}

static void add_step(void *arg, const struct ph_step *s)
{
	path_step_parts(s, add_part, arg);
}

static void add_request(void *arg, const struct ph_request *q)
{
	struct ph_path_compare *c = arg;
	struct ph_path_band *b = &c->band[c->now];

	/* Multiples of the golden section are spread evenly, and in step with nothing. */
	if (b->every > 1 && c->seen++ * 0x9e3779b97f4a7c15 >= UINT64_MAX / b->every)
		return;
	b->walked++;
	b->ns += q->end_ns - q->begin_ns;
	c->nr++;
	path_steps(c->p, q->end_tid, q->begin_ns, q->end_ns, add_step, c);
}

static void count_one(void *arg, const struct ph_request *q)
{
	++*(uint64_t *)arg;
}

static void typical_one(void *arg, const struct ph_request *q)
{
	struct ph_request *typical = arg;

	if (!typical->end_ns)
		*typical = *q;
}

static void band_fill(struct ph_path_compare *c, enum ph_band which, const double percent[2])
{
	struct ph_path_band *b = &c->band[which];
	double n = (double)c->r->n;
	uint64_t from = (uint64_t)floor(percent[0] * n / 100), to = (uint64_t)ceil(percent[1] * n / 100), middle;

	/* There is one at least. */
	if (from >= c->r->n)
		from = c->r->n - 1;
	if (to <= from)
		to = from + 1;
	b->from = percent[0];
	b->to = percent[1];
	b->min_ns = ph_requests_ranked(c->r, from);
	b->max_ns = ph_requests_ranked(c->r, to - 1);
	middle = ph_requests_ranked(c->r, from + (to - from) / 2);
	ph_requests_each(c->r, middle, middle, typical_one, &b->typical);
	ph_requests_each(c->r, b->min_ns, b->max_ns, count_one, &b->n);
	b->every = (b->n + WALKED_MAX - 1) / WALKED_MAX;
	c->now = which;
	c->seen = 0;
	ph_requests_each(c->r, b->min_ns, b->max_ns, add_request, c);
}

/* ---- what differs ------------------------------------------------------------------------------------ */

static int most_more_first(const void *pa, const void *pb)
{
	const struct ph_path_more *a = pa, *b = pb;

	return a->ns != b->ns ? (a->ns > b->ns ? -1 : 1) : memcmp(&a->help, &b->help, sizeof(a->help));
}

static int most_diff_first(const void *pa, const void *pb, void *arg)
{
	const struct ph_path_diff *a = pa, *b = pb;
	double x = ph_path_diff_ns(arg, a), y = ph_path_diff_ns(arg, b);

	return x != y ? (x > y ? -1 : 1) : memcmp(&a->what, &b->what, offsetof(struct ph_path_share, ns));
}

static void sort(struct ph_path_compare *c)
{
	ph_vec_each(d, &c->diffs) {
		struct ph_path_more new = { .ns = ph_path_diff_ns(c, d) };
		bool found = false;

		path_help_of(&d->what, &new.help);
		ph_vec_each(m, &c->more) {
			if (memcmp(&m->help, &new.help, sizeof(m->help)) != 0)
				continue;
			m->ns += new.ns;
			found = true;
			break;
		}
		if (!found)
			*ph_vec_push(&c->more) = new;
	}
	if (c->diffs.n)
		qsort_r(c->diffs.v, c->diffs.n, sizeof(*c->diffs.v), most_diff_first, c);
	if (c->more.n)
		qsort(c->more.v, c->more.n, sizeof(*c->more.v), most_more_first);
}

int ph_path_compare_new(struct ph_path_compare **ret, struct ph_path *p, const struct ph_requests *r,
			const double percent[PH_BANDS][2], struct ph_err *err)
{
	struct ph_path_compare *c;
	int e;

	if (!r->n)
		return ph_err_set(err, -ENOENT, "there is no request that begins and ends%s", r->nunfinished ? "; some begin" :
				  r->nstray ? "; some end" : "");
	c = ph_alloc(sizeof(*c));
	c->p = p;
	c->r = r;
	band_fill(c, PH_BAND_FAST, percent[PH_BAND_FAST]);
	band_fill(c, PH_BAND_SLOW, percent[PH_BAND_SLOW]);
	sort(c);
	ph_path_compare_show(c, PH_BAND_SLOW);
	e = ph_trail_error(p->trail, err);
	if (e < 0)
		ph_path_compare_free(c);
	else
		*ret = c;
	return e;
}

void ph_path_compare_free(struct ph_path_compare *c)
{
	if (!c)
		return;
	ph_vec_done(&c->diffs);
	ph_vec_done(&c->more);
	ph_u64map_done(&c->diff_map);
	free(c);
}

void ph_path_compare_show(const struct ph_path_compare *c, enum ph_band b)
{
	const struct ph_request *q = &c->band[b].typical;

	path_show(c->p, q->end_tid, q->begin_ns, q->end_ns);
}
