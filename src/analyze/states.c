/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every task does at every instant: one state machine a task, driven by the stream. */
#include "analyze/states_priv.h"

#include <stdlib.h>

/* ---- the stream ---------------------------------------------------------------------------------- */

static void on_gap(struct ph_states *st, const struct ph_event *ev)
{
	uint32_t cpu = (uint32_t)U(events_discarded, gap_cpu, ev->cpu);
	uint64_t begin = U(events_discarded, begin_ns, ev->ts_ns), end = U(events_discarded, end_ns, ev->ts_ns);
	struct cpu *c = st_cpu_get(st, cpu);

	/* What switches tasks runs with interrupts off: such events are never missed. */
	if (!ph_event_gap_in_cpu(ev)) {
		st->seen.missed += U(events_discarded, count, 0);
		return;
	}
	st->seen.gaps++;
	st->seen.lost += U(events_discarded, count, 0);
	if (begin > ev->ts_ns)
		begin = ev->ts_ns;
	if (end < ev->ts_ns)
		end = ev->ts_ns;
	/* Refills may be among what was lost. */
	ph_vec_each(it, &st->cpus)
		while (it->outages.v.n)
			st_outage_end(st, it, it->outages.v.v, begin);
	if (c) {
		st_divide(c, ev->ts_ns);
		c->depth = 0;
	}
	if (begin == end)
		end++;
	st->seen.gap_ns += end - begin;
	for (size_t i = st->gaps.n; i-- > 0; ) {
		struct gap *g = &st->gaps.v[i];

		if (g->cpu != cpu || g->end_ns < begin)
			continue;
		if (g->end_ns < end)
			g->end_ns = end;
		if (g->begin_ns > begin)
			g->begin_ns = begin;
		end = 0;
		break;
	}
	if (end)
		*ph_vec_push(&st->gaps) = (struct gap){ begin, end, cpu };
	end = U(events_discarded, end_ns, ev->ts_ns);
	if (end < ev->ts_ns + 1)
		end = ev->ts_ns + 1;
	if (st->gaps_end_ns < end)
		st->gaps_end_ns = end;
}

static void on_event(struct ph_states *st, struct cpu *c, struct task *t, const struct ph_event *ev)
{
	struct task *who;

	switch (ev->cls->id) {
	case PH_EV_sched_waking:
		st_on_waking(st, c, ev);
		break;
	case PH_EV_sched_wakeup:
		st_on_wakeup(st, c, ev, false);
		break;
	case PH_EV_sched_wakeup_new:
		st_on_wakeup(st, c, ev, true);
		break;
	case PH_EV_sched_migrate_task:
		st_on_migrate(st, ev);
		break;
	case PH_EV_sched_throttle_begin:
		st_on_throttle_begin(st, ev);
		break;
	case PH_EV_sched_limit_begin:
		st_on_limit_begin(st, ev);
		break;
	case PH_EV_sched_limit_end:
		st_on_limit_end(st, ev);
		break;
	case PH_EV_cpu_steal:
		st_on_steal(st, c, ev);
		break;
	case PH_EV_sched_block:
		st_on_block(st, ev);
		break;
	case PH_EV_sched_process_fork:
		st_on_fork(st, ev);
		break;
	case PH_EV_sched_process_exec:
		st_on_exec(st, ev, c);
		break;
	case PH_EV_sched_process_exit:
		st_on_task_exit(st, ev, c);
		break;
	case PH_EV_sched_process_free:
		st_on_free(st, ev);
		break;
	case PH_EV_lttng_statedump_process_state:
		st_on_dump_state(st, ev);
		break;
	case PH_EV_cgroup_attach_task:
		who = st_task_find(st, I32(cgroup_attach_task, tid));
		if (!who)
			break;
		st_on_attach(st, who, ev->ts_ns);
		if (I32(cgroup_attach_task, hierarchy) == ph_cgtree_cpu_hierarchy(st->cgroups))
			st_on_move(st, who, U(cgroup_attach_task, id, 0), ev->ts_ns);
		break;
	case PH_EV_cgroup_rmdir:
		st_on_limit_gone(st, ev);
		break;
	case PH_EV_cgroup_freeze:
		st_on_cgroup_freeze(st, ev, true);
		break;
	case PH_EV_cgroup_unfreeze:
		st_on_cgroup_freeze(st, ev, false);
		break;
	case PH_EV_container_pause:
		st_freeze(st, (uint32_t)U(container_pause, index, PH_CONTAINER_UNKNOWN), ev->ts_ns);
		break;
	case PH_EV_container_unpause:
		st_thaw(st, (uint32_t)U(container_unpause, index, PH_CONTAINER_UNKNOWN), ev->ts_ns);
		break;
	default:
		st_on_context_event(st, c, t, ev);
	}
}

/* Written by the kernel in the context of the task that runs, whose tid it carries? */
static bool in_context(const struct ph_class *cls)
{
	switch (cls->group) {
	case PH_GROUP_STATEDUMP:
	case PH_GROUP_CONTAINER:
	case PH_GROUP_META:
		return false;
	default:
		/* The one has the new tid already, the other that of the child which is being made. */
		return cls->id != PH_EV_sched_process_exec && cls->id != PH_EV_sched_process_namespaces;
	}
}

static bool trusted(struct ph_states *st, const struct ph_class *cls)
{
	if (ph_likely(st->trusted[cls->id] == cls))
		return true;
	if (!ph_class_like_ours(cls))
		return false;
	st->trusted[cls->id] = cls;
	return true;
}

void ph_states_feed(struct ph_states *st, const struct ph_event *ev)
{
	uint32_t id = ev->cls->id;
	struct task *t = NULL;
	struct cpu *c;

	if (ph_unlikely(!st->begun)) {
		st->begun = true;
		st->seen.begin_ns = ev->ts_ns;
	}
	st->seen.events++;
	st->seen.end_ns = ev->ts_ns;
	if (id >= PH_EV_SYSCALL_ENTRY) {
		c = st_cpu_get(st, ev->cpu);
		if (!c)
			return;
		st_settle_throttle(st, c);
		st_on_syscall(st, c, st_running(st, c, ev->tid, ev->ts_ns), ev);
		return;
	}
	if (id == PH_EV_UNKNOWN || id >= PH_EV_STATIC_MAX || ph_unlikely(!trusted(st, ev->cls)))
		return;
	if (id == PH_EV_events_discarded) {
		on_gap(st, ev);
		return;
	}
	if (ev->cls->group == PH_GROUP_STATEDUMP || ev->cls->group == PH_GROUP_CGROUP)
		ph_cgtree_feed(st->cgroups, ev);
	if (ev->cls->group == PH_GROUP_STATEDUMP && id != PH_EV_lttng_statedump_process_state)
		return;
	c = st_cpu_get(st, ev->cpu);
	if (!c)
		return;
	if (id == PH_EV_sched_switch) {
		st_on_switch(st, c, ev);
		return;
	}
	if (id == PH_EV_sched_throttle_end) {
		st_on_throttle_end(st, c, ev);
		return;
	}
	if (in_context(ev->cls)) {
		st_settle_throttle(st, c);
		t = st_running(st, c, ev->tid, ev->ts_ns);
	} else if (id == PH_EV_sched_process_exec) {
		st_settle_throttle(st, c);
	}
	on_event(st, c, t, ev);
}

/* ---- the whole ----------------------------------------------------------------------------------- */

struct ph_states *ph_states_new(const struct ph_identity *id, const struct ph_states_ops *ops, void *arg)
{
	struct ph_states *st = ph_alloc(sizeof(*st));

	st->id = id;
	st->ops = *ops;
	st->arg = arg;
	st->cgroups = ph_cgtree_new();
	return st;
}

static int by_tid(const void *pa, const void *pb)
{
	const struct task *a = *(struct task *const *)pa, *b = *(struct task *const *)pb;

	return a->seg.tid < b->seg.tid ? -1 : 1;
}

static void tell_outages(struct ph_states *st, const struct cpu *c, uint64_t end_ns)
{
	for (size_t i = 0; st->ops.out && i < c->outages.v.n; i++)
		st->ops.out(st->arg, &c->outages.v.v[i].limit, (uint32_t)(c - st->cpus.v), c->outages.v.v[i].begin_ns, end_ns);
}

/* What @t is in, as if it ended. */
static void tell_open(struct ph_states *st, const struct task *t, uint64_t end_ns)
{
	const struct cpu *c = st_cpu_or_null(st, t->seg.cpu);
	struct ph_segment out = t->seg;

	out.end_ns = end_ns > out.begin_ns ? end_ns : out.begin_ns;
	out.cut = true;
	if (c && c->cur == t)
		st_divide_as_of(c, end_ns, &out);
	st_segment_leave(st, &out);
}

void ph_states_finish(struct ph_states *st, uint64_t end_ns)
{
	PH_VEC(struct task *) all = { 0 };

	if (st->done)
		return;
	st->done = true;
	if (end_ns < st->seen.end_ns)
		end_ns = st->seen.end_ns;
	st->seen.end_ns = end_ns;
	ph_vec_each(c, &st->cpus) {
		st_settle_throttle(st, c);
		st_divide(c, end_ns);
		tell_outages(st, c, end_ns);
		if (!c->seen)
			continue;
		st_call_ran(st, c, c->tid, c->since_ns, end_ns);
		st->seen.cpus = (uint32_t)(c - st->cpus.v) + 1;
	}
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&st->tasks, s)); )
		*ph_vec_push(&all) = s->val;
	/* In an order that does not depend on the table's. */
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_tid);
	ph_vec_each(t, &all)
		tell_open(st, *t, end_ns);
	ph_vec_done(&all);
}

void ph_states_look(struct ph_states *st, uint64_t now_ns, const struct ph_states_ops *ops, void *arg)
{
	struct ph_states_ops own_ops = st->ops;
	void *own_arg = st->arg;

	if (st->done)
		return;
	st->ops = *ops;
	st->arg = arg;
	ph_vec_each(c, &st->cpus)
		tell_outages(st, c, now_ns);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&st->tasks, s)); )
		tell_open(st, s->val, now_ns);
	st->ops = own_ops;
	st->arg = own_arg;
}

bool ph_states_running(const struct ph_states *st, uint32_t cpu, uint64_t now_ns, struct ph_segment *ret)
{
	const struct cpu *c = cpu < st->cpus.n ? &st->cpus.v[cpu] : NULL;

	if (!c || !c->cur || c->cur->seg.state != PH_ST_RUNNING)
		return false;
	*ret = c->cur->seg;
	ret->end_ns = now_ns;
	st_divide_as_of(c, now_ns, ret);
	return true;
}

void ph_states_free(struct ph_states *st)
{
	if (!st)
		return;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&st->tasks, s)); )
		free(s->val);
	ph_vec_each(c, &st->cpus) {
		ph_vec_done(&c->outages.v);
		ph_vec_done(&c->queue);
	}
	ph_u64map_done(&st->tasks);
	ph_vec_done(&st->cpus);
	ph_vec_done(&st->gaps);
	ph_vec_done(&st->frozen);
	ph_cgtree_free(st->cgroups);
	free(st);
}

struct ph_cgtree *ph_states_cgroups(struct ph_states *st)
{
	return st->cgroups;
}

void ph_states_seen(const struct ph_states *st, struct ph_states_seen *ret)
{
	*ret = st->seen;
}

/* ---- names --------------------------------------------------------------------------------------- */

const char *ph_state_name(enum ph_state s)
{
	static const char *const names[PH_ST_MAX] = {
		"unknown", "running", "throttled", "waiting for a CPU", "frozen", "stopped", "blocked",
	};

	return s < PH_ST_MAX ? names[s] : "?";
}

const char *ph_wait_name(enum ph_wait w)
{
	static const char *const names[PH_WAIT_MAX] = {
		"other", "disk", "socket", "futex", "pipe", "timer", "poll", "child", "fault", "reclaim",
		"lock", "tty", "signal", "idle",
	};

	return w < PH_WAIT_MAX ? names[w] : "?";
}

const char *ph_part_name(enum ph_part p)
{
	static const char *const names[PH_PART_MAX] = { "user", "kernel", "user or kernel", "interrupted", "steal" };

	return p < PH_PART_MAX ? names[p] : "?";
}

const char *ph_waker_name(enum ph_waker w)
{
	static const char *const names[PH_WAKER_MAX] = { "unknown", "task", "timer", "disk", "network",
							 "interrupt", "ipi" };

	return w < PH_WAKER_MAX ? names[w] : "?";
}
