/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a limit did, period by period, and which one would do. */
#include <stdlib.h>

#include "analyze/throttle_priv.h"
#include "base/cleanup.h"

#define CPU_LIMIT 8192
/* Refills of one timer are this near to each other, modulo the period. */
#define PHASE_NEAR_NS 1000000
/* The kernel allows a second. */
#define PERIOD_MAX_NS 1000000000000
/* As far as periods are kept: at 100 ms, a day. */
#define PERIODS_MAX (1u << 20)

/* ---- periods --------------------------------------------------------------------------------------- */

static struct ph_period *period_at(struct ph_throttle_limit *l, uint64_t i)
{
	if (i >= PERIODS_MAX)
		return NULL;
	while (l->periods.n <= i)
		ph_vec_push(&l->periods)->first_ns = UINT64_MAX;
	return &l->periods.v[i];
}

/* Cut [@begin, @end) at the periods; nothing before the phase is known. */
static void spread(struct ph_throttle_limit *l, uint64_t begin, uint64_t end, bool ran)
{
	if (!l->origin_ns || end <= l->origin_ns)
		return;
	if (begin < l->origin_ns)
		begin = l->origin_ns;
	while (begin < end) {
		uint64_t i = (begin - l->origin_ns) / l->period_ns;
		uint64_t next = l->origin_ns + (i + 1) * l->period_ns;
		struct ph_period *p = period_at(l, i);
		uint64_t until = next < end ? next : end;

		if (!p)
			return;
		if (ran)
			p->used_ns += until - begin;
		else
			p->throttled_ns += until - begin;
		begin = until;
	}
}

static void note_begin(struct ph_throttle_limit *l, uint64_t ts)
{
	struct ph_period *p;

	if (!l->origin_ns || ts < l->origin_ns)
		return;
	p = period_at(l, (ts - l->origin_ns) / l->period_ns);
	if (!p)
		return;
	ts = (ts - l->origin_ns) % l->period_ns;
	if (ts < p->first_ns)
		p->first_ns = ts;
	p->ntasks++;
}

/*
 * Throttled tasks are let go when the period timer refills the quota; a few get what another CPU gave back
 * and are let go between. So the time that most agree on, modulo the period, is the timer's. It does not
 * change while the limit is the same: the kernel moves the timer on by whole periods.
 */
static bool in_phase(const struct ph_throttle_limit *l, uint64_t a, uint64_t b)
{
	uint64_t off = (a > b ? a - b : b - a) % l->period_ns;

	return off < PHASE_NEAR_NS || l->period_ns - off < PHASE_NEAR_NS;
}

static void note_refill(struct ph_throttle_limit *l, uint64_t ts)
{
	/* All that one refill lets go have one vote. */
	if (l->voted_ns && ts - l->voted_ns < PHASE_NEAR_NS)
		return;
	l->voted_ns = ts;
	if (!l->votes) {
		l->refill_ns = ts;
		l->votes = 1;
		if (l->origin_ns && in_phase(l, ts, l->origin_ns))
			return;
		/* What was counted before, with another phase, is counted no more. */
		l->origin_ns = ts;
		l->periods.n = 0;
	} else if (in_phase(l, ts, l->refill_ns)) {
		l->votes += l->votes < 8;
	} else {
		l->votes--;
	}
}

/* ---- segments -------------------------------------------------------------------------------------- */

void limits_ran(struct ph_throttle *th, const struct ph_segment *s)
{
	struct ph_cgnode *n;
	unsigned int depth = 0;

	if (!th->limits.n || !s->cgroup_id)
		return;
	for (n = ph_cgtree_cpu_node(th->cgroups, s->cgroup_id); n && depth < 64; n = n->parent, depth++)
		if (n->data)
			spread(n->data, s->begin_ns, s->end_ns, true);
}

static bool is_of(const struct ph_throttle_limit *l, const struct ph_cgnode *n, uint64_t quota_ns, uint64_t period_ns)
{
	return l->cgroup == n && l->quota_ns == quota_ns && l->period_ns == period_ns;
}

/*
 * Periods of one limit say nothing of another: where somebody changed it, each has its own. One that is set again goes on in its
 * phase, as the kernel's timer does; where that is not so, the next refills say.
 */
static struct ph_throttle_limit *limit_of(struct ph_throttle *th, struct ph_cgnode *n, const struct ph_limit *of)
{
	struct ph_throttle_limit *l = NULL;

	ph_vec_each(at, &th->limits)
		if (is_of(*at, n, of->quota_ns, of->period_ns))
			l = *at;
	if (l)
		return l;
	l = ph_alloc(sizeof(*l));
	l->cgroup = n;
	l->quota_ns = of->quota_ns;
	l->period_ns = of->period_ns;
	*ph_vec_push(&th->limits) = l;
	return l;
}

/* True: it is the one that its cgroup was told to have last. */
static bool note_burst(struct ph_throttle_limit *l)
{
	const struct ph_cglimits *c = &l->cgroup->cpu;

	if (c->quota_us <= 0 || !is_of(l, l->cgroup, (uint64_t)c->quota_us * 1000, c->period_us * 1000))
		return false;
	l->burst_ns = c->burst_us * 1000;
	return true;
}

/* The limit that held at @at: not the one of now, if it was told to be gone since. */
static struct ph_throttle_limit *limit_get(struct ph_throttle *th, const struct ph_limit *of, uint64_t at)
{
	struct ph_cgnode *n = of->cgroup_id ? ph_cgtree_cpu_node(th->cgroups, of->cgroup_id) : NULL;
	struct ph_throttle_limit *l;

	if (!n || !of->period_ns || of->period_ns > PERIOD_MAX_NS)
		return NULL;
	l = n->data;
	if (!l || !is_of(l, n, of->quota_ns, of->period_ns)) {
		l = limit_of(th, n, of);
		if (at >= l->gone_ns)
			n->data = l;
	}
	note_burst(l);
	return l;
}

void limits_told(struct ph_throttle *th, int32_t hierarchy, uint64_t id, uint64_t ts)
{
	struct ph_cgnode *n = ph_cgtree_get(th->cgroups, hierarchy, id);
	struct ph_throttle_limit *l = n && hierarchy == ph_cgtree_cpu_hierarchy(th->cgroups) ? n->data : NULL;

	if (!l || note_burst(l))
		return;
	/* What runs from now on has another one, or none. Whom it still held up tells of it when it goes on. */
	l->gone_ns = ts;
	n->data = NULL;
}

struct ph_throttle_limit *limits_throttled(struct ph_throttle *th, const struct ph_segment *s)
{
	struct ph_throttle_limit *l = limit_get(th, &s->limit, s->begin_ns);

	if (!l)
		return NULL;
	l->throttled_ns += s->end_ns - s->begin_ns;
	l->nsegments++;
	ph_spans_add(&l->any, s->begin_ns, s->end_ns);
	if (s->cpu >= 0 && s->cpu < CPU_LIMIT) {
		while (l->cpus.n <= (size_t)s->cpu)
			ph_vec_push(&l->cpus);
		ph_spans_add(&l->cpus.v[s->cpu], s->begin_ns, s->end_ns);
	}
	note_begin(l, s->begin_ns);
	spread(l, s->begin_ns, s->end_ns, false);
	if (!s->cut && !l->told.n)
		note_refill(l, s->end_ns);
	return l;
}

void limits_out(struct ph_throttle *th, const struct ph_limit *of, uint32_t cpu, uint64_t begin, uint64_t end)
{
	struct ph_throttle_limit *l = limit_get(th, of, begin);

	if (!l || cpu >= CPU_LIMIT)
		return;
	while (l->told.n <= cpu)
		ph_vec_push(&l->told);
	ph_spans_add(&l->told.v[cpu], begin, end);
	note_refill(l, end);
}

/* ---- which one would do ------------------------------------------------------------------------------ */

/* Consecutive periods in which it ran out, and the one in which what was left over was done. */
struct episode {
	uint64_t enough_ns, throttled_ns;
};

static int smaller_first(const void *pa, const void *pb)
{
	const struct episode *a = pa, *b = pb;

	return a->enough_ns < b->enough_ns ? -1 : a->enough_ns > b->enough_ns;
}

/*
 * The work of an episode came, as far as can be known, at its beginning. Unhindered it would be done by as
 * many CPUs as there are threads for, so in one period at most that many CPUs' time is wanted, and no more
 * than all of the work.
 */
static uint64_t enough(struct ph_throttle *th, struct ph_throttle_limit *l)
{
	PH_VEC(struct episode) eps = { 0 };
	uint64_t total = 0, sum = 0, ret = 0;

	for (size_t i = 0; i < l->periods.n; i++) {
		struct episode e = { 0 };
		uint64_t work = 0, threads = 0, most;

		if (l->periods.v[i].first_ns == UINT64_MAX)
			continue;
		for (; i < l->periods.n; i++) {
			const struct ph_period *p = &l->periods.v[i];

			work += p->used_ns;
			e.throttled_ns += p->throttled_ns;
			if (p->ntasks > threads)
				threads = p->ntasks;
			if (p->first_ns == UINT64_MAX)
				break;
		}
		if (threads > th->seen.cpus)
			threads = th->seen.cpus;
		most = (threads ? threads : 1) * l->period_ns;
		e.enough_ns = work < most ? work : most;
		total += e.throttled_ns;
		*ph_vec_push(&eps) = e;
	}
	if (eps.n)
		qsort(eps.v, eps.n, sizeof(*eps.v), smaller_first);
	ph_vec_each(e, &eps) {
		sum += e->throttled_ns;
		ret = e->enough_ns;
		if ((double)sum >= 0.95 * (double)total)
			break;
	}
	ph_vec_done(&eps);
	return ret > l->quota_ns ? ret : 0;
}

static int by_value(const void *pa, const void *pb)
{
	uint64_t a = *(const uint64_t *)pa, b = *(const uint64_t *)pb;

	return a < b ? -1 : a > b;
}

static uint64_t median(uint64_t *v, size_t n)
{
	if (!n)
		return 0;
	qsort(v, n, sizeof(*v), by_value);
	return v[n / 2];
}

/* The kernel counts a span when it ends; what is only gathered from tasks may be cut anywhere. */
static void compare_with_kernel(struct ph_throttle_limit *l)
{
	const struct ph_cgstat *a = &l->cgroup->first, *b = &l->cgroup->last;

	if (b->ts_ns <= a->ts_ns || b->throttled_ns < a->throttled_ns)
		return;
	l->kernel_ns = b->throttled_ns - a->throttled_ns;
	l->kernel_periods = b->nr_periods - a->nr_periods;
	l->kernel_ran_out = b->nr_throttled - a->nr_throttled;
	ph_vec_each(u, &l->told)
		l->counted_ns += ph_spans_ended(u, a->ts_ns, b->ts_ns);
	for (size_t i = 0; !l->told.n && i < l->cpus.n; i++)
		l->counted_ns += ph_spans_within(&l->cpus.v[i], a->ts_ns, b->ts_ns);
}

/* What the stream says of the limit itself goes before what can be gathered from its tasks. */
static void take_told(struct ph_throttle *th, struct ph_throttle_limit *l)
{
	if (!l->told.n)
		return;
	ph_vec_each(u, &l->cpus)
		ph_spans_done(u);
	ph_vec_done(&l->cpus);
	ph_spans_done(&l->any);
	l->any = (struct ph_spans){ 0 };
	ph_vec_each(u, &l->told) {
		ph_spans_clip(u, th->begin_ns);
		ph_spans_merge(&l->any, u);
		*ph_vec_push(&l->cpus) = *u;
	}
	ph_vec_done(&l->told);
}

static void limit_finish(struct ph_throttle *th, struct ph_throttle_limit *l)
{
	PH_VEC(uint64_t) into = { 0 }, tasks = { 0 };

	/* The last period is cut by the stream's end. */
	if (l->periods.n && l->origin_ns + l->periods.n * l->period_ns > th->end_ns)
		l->periods.n--;
	ph_vec_each(p, &l->periods) {
		l->nperiods += p->used_ns || p->throttled_ns;
		if (p->first_ns == UINT64_MAX)
			continue;
		l->nran_out++;
		*ph_vec_push(&into) = p->first_ns;
		*ph_vec_push(&tasks) = p->ntasks;
	}
	l->into_ns = median(into.v, into.n);
	l->threads = (uint32_t)median(tasks.v, tasks.n);
	l->enough_ns = enough(th, l);
	compare_with_kernel(l);
	take_told(th, l);
	ph_vec_done(&into);
	ph_vec_done(&tasks);
}

static int worst_first(const void *pa, const void *pb)
{
	const struct ph_throttle_limit *a = *(struct ph_throttle_limit *const *)pa;
	const struct ph_throttle_limit *b = *(struct ph_throttle_limit *const *)pb;

	if (a->throttled_ns != b->throttled_ns)
		return a->throttled_ns > b->throttled_ns ? -1 : 1;
	return a->cgroup->id < b->cgroup->id ? -1 : 1;
}

/* The kernel counts for a cgroup, whatever its limit is: that is compared once, with all that it was. */
static void compare_once(struct ph_throttle *th, size_t i)
{
	struct ph_throttle_limit *first = th->limits.v[i];

	for (size_t k = i + 1; k < th->limits.n; k++) {
		struct ph_throttle_limit *l = th->limits.v[k];

		if (l->cgroup != first->cgroup)
			continue;
		first->changed = l->changed = true;
		first->counted_ns += l->counted_ns;
		l->counted_ns = l->kernel_ns = l->kernel_periods = l->kernel_ran_out = 0;
	}
}

void limits_finish(struct ph_throttle *th)
{
	ph_vec_each(l, &th->limits)
		limit_finish(th, *l);
	if (th->limits.n)
		qsort(th->limits.v, th->limits.n, sizeof(*th->limits.v), worst_first);
	for (size_t i = 0; i < th->limits.n; i++)
		compare_once(th, i);
}

void limits_done(struct ph_throttle *th)
{
	ph_vec_each(it, &th->limits) {
		struct ph_throttle_limit *l = *it;

		ph_vec_each(u, &l->cpus)
			ph_spans_done(u);
		ph_vec_done(&l->cpus);
		ph_vec_each(u, &l->told)
			ph_spans_done(u);
		ph_vec_done(&l->told);
		ph_spans_done(&l->any);
		ph_vec_done(&l->periods);
		free(l);
	}
	ph_vec_done(&th->limits);
}
