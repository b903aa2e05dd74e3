/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of CPU time: tasks that one keeps off the CPU, and when it is refilled. */
#include "analyze/states_priv.h"

/* sched_throttle_begin is written by the same program as the switch, less than this before it. */
#define BEGIN_EARLY_NS 1000000

void st_queued(struct ph_states *st, struct task *t, bool let_go)
{
	const struct cpu *c = st_cpu_or_null(st, t->seg.cpu);

	if (c && ph_unlikely(c->outages.v.n) &&
	    ph_outage_over(&c->outages, st->cgroups, t->seg.cgroup_id, !let_go, &t->seg.limit))
		t->seg.state = PH_ST_THROTTLED;
	st_segment_enter(st, t);
}

void st_wait_from(struct ph_states *st, struct task *t, int32_t cpu, uint64_t ts)
{
	bool preempted = t->seg.state == PH_ST_WAIT_CPU && t->seg.preempted;

	st_segment_next(st, t, PH_ST_WAIT_CPU, ts);
	t->seg.cpu = cpu;
	t->seg.preempted = preempted;
	st_queued(st, t, false);
}

/*
 * A throttled task runs again since t->ran_again_ns, and no refill of its limit was seen: of the span,
 * @throttled_ns were throttled, where that is told, the rest it waited for the CPU.
 */
static void end_throttle(struct ph_states *st, struct cpu *c, struct task *t, uint64_t throttled_ns,
			 bool exact)
{
	uint64_t again = t->ran_again_ns, at = t->seg.begin_ns;

	t->ran_again_ns = 0;
	c->throttle_ends = NULL;
	st->seen.inexact += !exact;
	t->seg.exact = exact;
	if (throttled_ns < again - at) {
		st_segment_next(st, t, PH_ST_WAIT_CPU, at + throttled_ns);
		t->seg.cpu = (int32_t)(c - st->cpus.v);
		st_segment_enter(st, t);
	}
	st_segment_next(st, t, PH_ST_RUNNING, again);
	t->seg.cpu = (int32_t)(c - st->cpus.v);
	st_segment_enter(st, t);
}

void st_outage_end(struct ph_states *st, struct cpu *c, struct ph_outage *o, uint64_t ts)
{
	struct ph_outage was = *o;

	*o = c->outages.v.v[--c->outages.v.n];
	if (ts < was.begin_ns)
		ts = was.begin_ns;
	if (st->ops.out)
		st->ops.out(st->arg, &was.limit, (uint32_t)(c - st->cpus.v), was.begin_ns, ts);
	/* Who leaves the queue here comes back to its end. */
	for (size_t i = c->queue.n; i-- > 0; ) {
		struct task *t = c->queue.v[i];

		if (t->seg.state != PH_ST_THROTTLED || t->seg.limit.cgroup_id != was.limit.cgroup_id ||
		    t->ran_again_ns)
			continue;
		t->seg.exact = true;
		st_segment_next(st, t, PH_ST_WAIT_CPU, ts);
		st_queued(st, t, true);
	}
}

void st_refute_outages(struct ph_states *st, struct cpu *c, const struct task *t, uint64_t ts)
{
	struct ph_limit by;

	while (ph_outage_over(&c->outages, st->cgroups, t->seg.cgroup_id, true, &by))
		st_outage_end(st, c, ph_outage_of(&c->outages, by.cgroup_id), ts);
}

void st_on_limit_begin(struct ph_states *st, const struct ph_event *ev)
{
	struct cpu *c = st_cpu_get(st, (uint32_t)U(sched_limit_begin, on_cpu, CPU_LIMIT));
	struct ph_outage *o, new = {
		.limit = {
			.cgroup_id = U(sched_limit_begin, cgroup_id, 0),
			.quota_ns = U(sched_limit_begin, quota_ns, 0),
			.period_ns = U(sched_limit_begin, period_ns, 0),
		},
		.begin_ns = U(sched_limit_begin, begin_ns, ev->ts_ns),
		.whole = U(sched_limit_begin, whole, 0),
	};

	if (!c)
		return;
	if (new.begin_ns > ev->ts_ns)
		new.begin_ns = ev->ts_ns;
	/* The end was lost: when it was is not known. */
	o = ph_outage_of(&c->outages, new.limit.cgroup_id);
	if (o)
		st_outage_end(st, c, o, o->begin_ns);
	*ph_vec_push(&c->outages.v) = new;
	for (size_t i = c->queue.n; new.whole && i-- > 0; ) {
		struct task *t = c->queue.v[i];
		struct ph_limit by;

		if (t->seg.state == PH_ST_WAIT_CPU &&
		    ph_outage_over(&c->outages, st->cgroups, t->seg.cgroup_id, true, &by))
			st_wait_from(st, t, t->seg.cpu, new.begin_ns);
	}
}

void st_on_limit_end(struct ph_states *st, const struct ph_event *ev)
{
	struct cpu *c = st_cpu_get(st, (uint32_t)U(sched_limit_end, on_cpu, CPU_LIMIT));
	struct ph_outage *o = c ? ph_outage_of(&c->outages, U(sched_limit_end, cgroup_id, 0)) : NULL;
	uint64_t end = U(sched_limit_end, begin_ns, 0) + U(sched_limit_end, throttled_ns, 0);

	if (o)
		st_outage_end(st, c, o, end && end < ev->ts_ns ? end : ev->ts_ns);
}

void st_on_limit_gone(struct ph_states *st, const struct ph_event *ev)
{
	if (I32(cgroup_rmdir, hierarchy) != ph_cgtree_cpu_hierarchy(st->cgroups))
		return;
	ph_vec_each(c, &st->cpus) {
		struct ph_outage *o = ph_outage_of(&c->outages, U(cgroup_rmdir, id, 0));

		if (o)
			st_outage_end(st, c, o, ev->ts_ns);
	}
}

void st_settle_throttle(struct ph_states *st, struct cpu *c)
{
	if (ph_unlikely(c->throttle_ends))
		end_throttle(st, c, c->throttle_ends, UINT64_MAX, false);
}

void st_on_throttle_begin(struct ph_states *st, const struct ph_event *ev)
{
	struct task *t = st_task_get(st, I32(sched_throttle_begin, tid));

	st->seen.throttles++;
	if (!t)
		return;
	t->will_throttle = true;
	t->seg.cgroup_id = U(sched_throttle_begin, cgroup_id, 0);
	t->limit = (struct ph_limit){
		.cgroup_id = U(sched_throttle_begin, limit_cgroup_id, 0),
		.level = (uint32_t)U(sched_throttle_begin, limit_level, 0),
		.quota_ns = U(sched_throttle_begin, quota_ns, 0),
		.period_ns = U(sched_throttle_begin, period_ns, 0),
	};
}

void st_on_throttle_end(struct ph_states *st, struct cpu *c, const struct ph_event *ev)
{
	struct task *t = c->throttle_ends;
	uint64_t span, early;

	if (!t || t->seg.tid != I32(sched_throttle_end, tid)) {
		st_settle_throttle(st, c);
		return;
	}
	/* The span began with sched_throttle_begin, a moment before the switch. */
	span = U(sched_throttle_end, throttled_ns, UINT64_MAX);
	early = t->seg.begin_ns - U(sched_throttle_end, begin_ns, t->seg.begin_ns);
	if (span != UINT64_MAX && early < BEGIN_EARLY_NS && early < span)
		span -= early;
	end_throttle(st, c, t, span, U(sched_throttle_end, exact, 0));
}
