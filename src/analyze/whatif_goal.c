/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a goal to the limit that reaches it, by halves. */
#include "analyze/whatif_goal.h"

#include <errno.h>
#include <math.h>
#include <string.h>

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

/* Not among limits that can make no difference. */
static double most(const struct ph_whatif *w)
{
	return w->setup.ncpus;
}

int ph_whatif_reach(struct ph_whatif *w, const struct ph_whatif_goal *goal, struct ph_whatif_answer *a, struct ph_err *err)
{
	double low = 0, high = most(w);
	struct ph_whatif_answer try = *a;
	int r;

	a->change.cpus = INFINITY;
	r = ph_whatif_ask(w, &a->change, &a->outcome, err);
	if (r < 0)
		return r;
	if (!reached(goal, &a->outcome)) {
		a->change.cpus = NAN;
		return 0;
	}
	/* Hundredths of a CPU, as limits are given. */
	for (try.change.cpus = high; high - low > PH_WHATIF_CPUS_LEAST * 1.5 && high - low > high * 0.01; ) {
		r = ph_whatif_ask(w, &try.change, &try.outcome, err);
		if (r < 0)
			return r;
		if (reached(goal, &try.outcome)) {
			*a = try;
			high = try.change.cpus;
		} else if (isinf(a->change.cpus)) {
			return 0;
		} else {
			low = try.change.cpus;
		}
		try.change.cpus = fmax(round((low + high) / 2 * 100) / 100, PH_WHATIF_CPUS_LEAST);
		if (try.change.cpus >= high)
			return 0;
	}
	return 0;
}
