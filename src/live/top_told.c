/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "live/top_told.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/vec.h"

struct reading {
	uint64_t ts_ns;
	int64_t v[PH_TOLD_N];
};

/* Of one cgroup, in order of time. */
struct series {
	bool born;		/* made while recording: its counters began with it */
	PH_VEC(struct reading) v;
};

struct ph_top_told {
	struct ph_u64map hierarchies[64];	/* v2 and those of v1; cgroup id -> struct series */
	bool dumped;				/* what was there at the beginning has been told */
};

struct ph_top_told *ph_top_told_new(void)
{
	return ph_alloc(sizeof(struct ph_top_told));
}

void ph_top_told_free(struct ph_top_told *t)
{
	for (size_t i = 0; t && i < PH_ARRAY_SIZE(t->hierarchies); i++) {
		struct ph_u64map *m = &t->hierarchies[i];

		for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(m, s));) {
			ph_vec_done(&((struct series *)s->val)->v);
			free(s->val);
		}
		ph_u64map_done(m);
	}
	free(t);
}

static const unsigned int fields[PH_TOLD_N] = {
	[PH_TOLD_USAGE] = PH_FLD(cgroup_stat, usage_ns), [PH_TOLD_USER] = PH_FLD(cgroup_stat, user_ns),
	[PH_TOLD_SYSTEM] = PH_FLD(cgroup_stat, system_ns), [PH_TOLD_PERIODS] = PH_FLD(cgroup_stat, nr_periods),
	[PH_TOLD_THROTTLED_PERIODS] = PH_FLD(cgroup_stat, nr_throttled), [PH_TOLD_THROTTLED] = PH_FLD(cgroup_stat, throttled_ns),
	[PH_TOLD_THROTTLED_LOCAL] = PH_FLD(cgroup_stat, throttled_local_ns),
	[PH_TOLD_CPU_SOME] = PH_FLD(cgroup_stat, cpu_some_ns), [PH_TOLD_CPU_FULL] = PH_FLD(cgroup_stat, cpu_full_ns),
	[PH_TOLD_IO_SOME] = PH_FLD(cgroup_stat, io_some_ns), [PH_TOLD_IO_FULL] = PH_FLD(cgroup_stat, io_full_ns),
	[PH_TOLD_MEMORY_SOME] = PH_FLD(cgroup_stat, memory_some_ns), [PH_TOLD_MEMORY_FULL] = PH_FLD(cgroup_stat, memory_full_ns),
	[PH_TOLD_FAULTS] = PH_FLD(cgroup_stat, page_faults), [PH_TOLD_MAJOR_FAULTS] = PH_FLD(cgroup_stat, major_faults),
	[PH_TOLD_INACTIVE_FILE] = PH_FLD(cgroup_stat, memory_inactive_file_bytes),
	[PH_TOLD_MEMORY] = PH_FLD(cgroup_stat, memory_bytes), [PH_TOLD_OOM_KILLS] = PH_FLD(cgroup_stat, oom_kills),
	[PH_TOLD_TASKS] = PH_FLD(cgroup_stat, pids_current),
};

void ph_top_told_feed(struct ph_top_told *t, const struct ph_event *ev)
{
	uint64_t hierarchy, id;
	struct series *s;
	struct reading *r;

	t->dumped |= ev->cls->id == PH_EV_lttng_statedump_end;
	if (ev->cls->id != PH_EV_cgroup_stat || !ph_class_like_ours(ev->cls))
		return;
	hierarchy = ph_event_u(ev, PH_FLD(cgroup_stat, hierarchy), 0);
	id = ph_event_u(ev, PH_FLD(cgroup_stat, id), 0);
	if (hierarchy >= PH_ARRAY_SIZE(t->hierarchies) || !id)
		return;
	s = ph_u64map_get(&t->hierarchies[hierarchy], id);
	if (!s) {
		s = ph_alloc(sizeof(*s));
		s->born = t->dumped;
		ph_u64map_put(&t->hierarchies[hierarchy], id, s);
	}
	/* In order, whoever wrote it. */
	if (s->v.n && ev->ts_ns <= s->v.v[s->v.n - 1].ts_ns)
		return;
	r = ph_vec_push(&s->v);
	r->ts_ns = ev->ts_ns;
	for (unsigned int i = 0; i < PH_TOLD_N; i++)
		r->v[i] = ph_event_i(ev, fields[i], -1);
}

/* How many readings are from @ts_ns or before. */
static size_t until(const struct series *s, uint64_t ts_ns)
{
	return ph_before(r, s->v.v, s->v.n, r->ts_ns <= ts_ns);
}

static int64_t between(const struct reading *a, const struct reading *b, unsigned int i, uint64_t ts_ns)
{
	double share = (double)(ts_ns - a->ts_ns) / (double)(b->ts_ns - a->ts_ns);

	if (a->v[i] < 0 || b->v[i] < a->v[i])
		return a->v[i];
	return a->v[i] + (int64_t)((double)(b->v[i] - a->v[i]) * share);
}

bool ph_top_told_at(const struct ph_top_told *t, int32_t hierarchy, uint64_t id, uint64_t ts_ns, int64_t ret[PH_TOLD_N])
{
	const struct series *s;
	size_t n;

	if (hierarchy < 0 || (size_t)hierarchy >= PH_ARRAY_SIZE(t->hierarchies))
		return false;
	s = ph_u64map_get(&t->hierarchies[hierarchy], id);
	if (!s)
		return false;
	n = until(s, ts_ns);
	for (unsigned int i = 0; i < PH_TOLD_N; i++) {
		const struct reading *last = &s->v.v[n ? n - 1 : 0];

		ret[i] = last->v[i];
		if (n && n < s->v.n && i < PH_TOLD_NCOUNTS)
			ret[i] = between(last, last + 1, i, ts_ns);
		else if (!n && s->born && ret[i] > 0)
			ret[i] = 0;
	}
	return true;
}
