/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks are born, change their name and their cgroup, are frozen, end; and what a state dump says of them. */
#include "analyze/states_priv.h"

/* ---- births, moves, ends ------------------------------------------------------------------------- */

void st_on_move(struct ph_states *st, struct task *t, uint64_t cgroup_id, uint64_t ts)
{
	bool throttled = t->seg.state == PH_ST_THROTTLED, preempted = t->seg.preempted;
	const struct cpu *c = st_cpu_or_null(st, t->seg.cpu);

	t->seg.cgroup_id = cgroup_id;
	if (!st_is_queued(t) || t->ran_again_ns || !c || !c->outages.v.n)
		return;
	st_segment_next(st, t, PH_ST_WAIT_CPU, ts);
	t->seg.preempted = preempted && !throttled;
	st_queued(st, t, throttled);
}

void st_on_fork(struct ph_states *st, const struct ph_event *ev)
{
	int32_t tid = I32(sched_process_fork, child_tid), parent_tid = I32(sched_process_fork, parent_tid);
	struct task *t = st_task_find(st, tid), *parent = st_task_get(st, parent_tid);

	/* Whoever had that number has ended, unseen. */
	if (t) {
		if (t == parent)
			return;
		st_distrust(st, t);
		st_task_end(st, t, ev->ts_ns);
	}
	t = st_task_new(st, tid, ev->ts_ns);
	if (!t)
		return;
	t->seg.pid = I32(sched_process_fork, child_pid);
	t->seg.kthread = parent_tid == 2 || (parent && parent->seg.kthread);
	t->seg.cgroup_id = parent ? parent->seg.cgroup_id : 0;
	/* Until its parent has made it and wakes it. */
	st_go(st, t, PH_ST_BLOCKED, ev->ts_ns);
}

void st_on_exec(struct ph_states *st, const struct ph_event *ev, struct cpu *c)
{
	int32_t tid = I32(sched_process_exec, tid), old = I32(sched_process_exec, old_tid);
	struct task *me = st_task_find(st, old), *leader;

	me = me ? me : st_task_find(st, tid);
	if (me)
		me->seg.kthread = false;
	if (!me || tid <= 0 || tid > TID_LIMIT || me->seg.tid == tid)
		return;
	/* A thread takes the tid of its leader, which is dead. */
	leader = st_task_find(st, tid);
	if (leader)
		st_task_end(st, leader, ev->ts_ns);
	ph_u64map_del(&st->tasks, (uint64_t)old);
	ph_u64map_put(&st->tasks, (uint64_t)tid, me);
	if (c->cur == me) {
		st_divide(c, ev->ts_ns);
		c->tid = tid;
	}
	st_segment_split(st, me, ev->ts_ns, tid);
}

void st_on_task_exit(struct ph_states *st, const struct ph_event *ev, struct cpu *c)
{
	struct task *t = st_task_find(st, I32(sched_process_exit, tid));

	if (!t)
		return;
	if (c->cur == t)
		st_divide(c, ev->ts_ns);
	t->exiting = true;
}

void st_on_free(struct ph_states *st, const struct ph_event *ev)
{
	struct task *t = st_task_find(st, I32(sched_process_free, tid));

	/* Its last switch was lost. (The tid may have been given away: only who has exited ends.) */
	if (!t || !t->exiting)
		return;
	st_distrust(st, t);
	st_task_end(st, t, ev->ts_ns);
}

/* ---- the state dump ------------------------------------------------------------------------------ */

/* Runnable, which from LTTng may mean that it runs (@may_run): then only if a limit is out it does not. */
static void on_dump_runnable(struct ph_states *st, struct task *t, uint32_t cpu, bool may_run, uint64_t ts)
{
	struct cpu *c = st_cpu_get(st, cpu);
	struct ph_limit by;

	if (!c)
		return;
	if (ph_outage_over(&c->outages, st->cgroups, t->seg.cgroup_id, false, &by)) {
		st_segment_next(st, t, PH_ST_THROTTLED, ts);
		t->seg.cpu = (int32_t)cpu;
		t->seg.limit = by;
		st_segment_enter(st, t);
	} else if (!may_run) {
		st_wait_from(st, t, (int32_t)cpu, ts);
	}
}

void st_on_dump_state(struct ph_states *st, const struct ph_event *ev)
{
	int32_t tid = I32(lttng_statedump_process_state, tid);
	int32_t status = I32(lttng_statedump_process_state, status);
	struct task *t = st_task_find(st, tid);
	struct cpu *c;

	if (tid <= 0 || status == 4 || status == 7 || status == 3)
		return;
	t = t ? t : st_task_get(st, tid);
	if (!t)
		return;
	if (U(lttng_statedump_process_state, type, 0) == 1)
		t->seg.kthread = true;
	if (!t->seg.cgroup_id)
		t->seg.cgroup_id = U(lttng_statedump_process_state, cgroup_id, 0);
	if (t->seg.syscall < 0 && t->mode == MODE_UNKNOWN) {
		t->seg.syscall = I32(lttng_statedump_process_state, syscall);
		if (t->seg.syscall >= 0)
			t->mode = MODE_KERNEL;
	}
	if (t->seg.state != PH_ST_UNKNOWN) {
		st_on_attach(st, t, ev->ts_ns);
	} else if (status == 5) {
		st_block(st, t, STATE_INTERRUPTIBLE, ev->ts_ns);
	} else if (status == 2) {
		/* Whose dump has cgroups, ours, tells who runs. */
		on_dump_runnable(st, t, (uint32_t)U(lttng_statedump_process_state, cpu, CPU_LIMIT),
				 !ph_event_field(ev, PH_FLD(lttng_statedump_process_state, cgroup_id)), ev->ts_ns);
	} else if (status == 6) {
		c = st_cpu_get(st, (uint32_t)U(lttng_statedump_process_state, cpu, CPU_LIMIT));
		if (c && c->tid < 0)
			st_running(st, c, tid, ev->ts_ns);
	}
}

/* ---- freezing ------------------------------------------------------------------------------------ */

bool st_is_frozen(const struct ph_states *st, const struct task *t)
{
	for (size_t i = 0; i < st->frozen.n; i++)
		if (st->frozen.v[i] == t->seg.container)
			return true;
	return false;
}

void st_freeze(struct ph_states *st, uint32_t container, uint64_t ts)
{
	if (container == PH_CONTAINER_UNKNOWN)
		return;
	for (size_t i = 0; i < st->frozen.n; i++)
		if (st->frozen.v[i] == container)
			return;
	*ph_vec_push(&st->frozen) = container;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&st->tasks, s)); ) {
		struct task *t = s->val;

		if (t->seg.container != container || t->seg.state != PH_ST_BLOCKED)
			continue;
		t->frozen_asleep = true;
		st_go(st, t, PH_ST_FROZEN, ts);
	}
}

void st_thaw(struct ph_states *st, uint32_t container, uint64_t ts)
{
	size_t n = 0;

	for (size_t i = 0; i < st->frozen.n; i++)
		if (st->frozen.v[i] != container)
			st->frozen.v[n++] = st->frozen.v[i];
	if (n == st->frozen.n)
		return;
	st->frozen.n = n;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&st->tasks, s)); ) {
		struct task *t = s->val;

		if (t->seg.container != container || t->seg.state != PH_ST_FROZEN)
			continue;
		if (t->frozen_asleep)
			st_block(st, t, STATE_INTERRUPTIBLE, ts);
		else
			st_go(st, t, PH_ST_WAIT_CPU, ts);
	}
}

void st_on_cgroup_freeze(struct ph_states *st, const struct ph_event *ev, bool frozen)
{
	const struct ph_value *path = ph_event_field(ev, PH_FLD(cgroup_freeze, path));
	int32_t hierarchy = I32(cgroup_freeze, hierarchy);
	const struct ph_container *k;

	if (!path || (path->n == 1 && path->s[0] == '/'))
		return;
	for (size_t i = 1; (k = ph_identity_nth(st->id, i)); i++) {
		if (!k->cgroup_path || k->hierarchy != hierarchy ||
		    strncmp(k->cgroup_path, path->s, path->n) ||
		    (k->cgroup_path[path->n] && k->cgroup_path[path->n] != '/'))
			continue;
		if (frozen)
			st_freeze(st, k->index, ev->ts_ns);
		else
			st_thaw(st, k->index, ev->ts_ns);
	}
}
