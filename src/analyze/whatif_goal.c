/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a goal to the limit that reaches it, by halves. */
#include "analyze/whatif_goal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "analyze/whatif_priv.h"
#include "base/cleanup.h"
#include "base/parse.h"

#define OF(field) offsetof(struct ph_whatif_outcome, field)

int ph_whatif_goal_parse(const char *text, struct ph_whatif_goal *ret, struct ph_err *err)
{
	static const struct { const char *name; size_t of; } figures[] = {
		{ "duration", OF(duration_ns) }, { "p50", OF(requests.p50_ns) }, { "p90", OF(requests.p90_ns) },
		{ "p99", OF(requests.p99_ns) }, { "max", OF(requests.max_ns) },
	};
	size_t n = strcspn(text, " <");
	const char *bound = text + n + strspn(text + n, " ");
	struct ph_err why = { 0 };

	for (size_t i = 0; i < PH_ARRAY_SIZE(figures) && bound[0] == '<'; i++) {
		if (strlen(figures[i].name) != n || strncmp(text, figures[i].name, n) != 0)
			continue;
		bound += 1 + strspn(bound + 1, " ");
		*ret = (struct ph_whatif_goal){ .text = text, .of = figures[i].of, .requests = i > 0 };
		return ph_parse_duration(bound, &ret->bound_ns, &why) < 0 ? ph_err_set(err, -EINVAL, "--goal: %s", why.msg) : 0;
	}
	return ph_err_set(err, -EINVAL, "--goal takes duration, p50, p90, p99 or max, and a time, as 'p99 < 20ms', not '%s'", text);
}

static bool reached(const struct ph_whatif_goal *goal, const struct ph_whatif_outcome *o)
{
	return *(const uint64_t *)((const char *)o + goal->of) < goal->bound_ns;
}

struct search {
	struct ph_whatif *w;
	const struct ph_whatif_goal *goal;
	double low, high;		/* misses it, reaches it; as far as is known, or taken to be */
	bool once;			/* by one begin of periods, not by the middle of several */
	struct ph_whatif_answer try, best;	/* best: of high, unless once */
};

static int try(struct search *s, double cpus, struct ph_err *err)
{
	int r;

	s->try.change.cpus = cpus;
	r = whatif_ask(s->w, &s->try.change, s->once, &s->try.outcome, err);
	if (r < 0)
		return r;
	if (!reached(s->goal, &s->try.outcome)) {
		s->low = cpus;
		return 0;
	}
	s->high = cpus;
	if (!s->once)
		s->best = s->try;
	return 0;
}

/* Hundredths of a CPU, as limits are given. */
static double hundredths(double cpus)
{
	return round(cpus * 100) / 100;
}

static int halve(struct search *s, struct ph_err *err)
{
	int r = 0;

	while (r >= 0 && s->high - s->low > PH_WHATIF_CPUS_LEAST * 1.5 && s->high - s->low > s->high * 0.01) {
		double cpus = fmax(hundredths((s->low + s->high) / 2), PH_WHATIF_CPUS_LEAST);

		if (cpus >= s->high)
			break;
		r = try(s, cpus, err);
	}
	return r;
}

/*
 * Where one begin of periods has the limit, both sides of it are confirmed by several; of what is not so, the place is looked for
 * from there on, each time twice as far. Between @low and @high, of which that is known.
 */
static int narrow(struct search *s, struct ph_err *err)
{
	double low = s->low, high = s->high, at, step;
	int r;

	s->once = true;
	r = halve(s, err);
	if (r < 0)
		return r;
	at = s->high < high ? s->high : s->low;
	step = s->high - s->low;
	*s = (struct search){ s->w, s->goal, low, high, false, s->try, s->best };
	/* Until there is one on each side. */
	while (r >= 0 && at > low && at < high && (s->low == low || s->high == high)) {
		r = try(s, at, err);
		at = hundredths(s->high == at ? at - step : at + step);
		step *= 2;
	}
	return r;
}

int ph_whatif_reach(struct ph_whatif *w, const struct ph_whatif_goal *goal, struct ph_whatif_answer *a, struct ph_err *err)
{
	/* Not among limits that can make no difference. */
	const double most = w->setup.ncpus;
	struct search s = { .w = w, .goal = goal, .try = *a };
	int r;

	a->change.cpus = INFINITY;
	r = ph_whatif_ask(w, &a->change, &a->outcome, err);
	if (r < 0)
		return r;
	if (!reached(goal, &a->outcome)) {
		a->change.cpus = NAN;
		return 0;
	}
	r = try(&s, most, err);
	if (r < 0 || s.high != most)
		return r;
	if (!whatif_periods_known(w, &s.try.change))
		r = narrow(&s, err);
	if (r >= 0)
		r = halve(&s, err);
	*a = s.best;
	return r;
}
