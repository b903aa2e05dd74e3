/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the scheduler tells of tasks: who runs, births, names, ends. */
#include "identity/model_priv.h"

static struct task *on_switch(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	int32_t prev_tid = I32(sched_switch, prev_tid);
	struct task *prev = t && t->t.tid == prev_tid ? t : task_get(id, prev_tid), *next;
	struct cpu *cpu;

	if (prev) {
		set_comm(prev, V(sched_switch, prev_comm));
		/* It may sleep once more on its way out; dead are the exit states, and TASK_DEAD before 4.14. */
		prev->gone = prev->t.exited && prev->t.tid &&
			     (U(sched_switch, prev_state, 0x70) & 0x70);
	}
	next = task_get(id, I32(sched_switch, next_tid));
	if (next)
		set_comm(next, V(sched_switch, next_comm));
	cpu = cpu_get(id, ev->cpu);
	if (cpu)
		cpu->cur = next;
	return prev;
}

static void fork_pids(struct task *child, const struct task *parent, const struct ph_value *vtids,
		      bool thread)
{
	unsigned int n;

	if (!vtids || !vtids->n)
		return;
	n = vtids->n < PH_PID_LEVELS ? vtids->n : PH_PID_LEVELS;
	child->t.levels = (uint8_t)n;
	for (unsigned int i = 0; i < n; i++) {
		int32_t vtid = (int32_t)vtids->v[i].i;
		bool known = parent && i < parent->t.levels;

		child->t.vtid[i] = vtid;
		child->t.vpid[i] = !thread ? vtid : known ? parent->t.vpid[i] : -1;
		child->pid_chain[i] = known ? parent->pid_chain[i] : 0;
	}
	child->pid_chain[n - 1] = child->t.ns[PH_NS_PID];
	/* The parent may be unknown to the state dump, the namespace it is in is not. */
	if (parent && parent->t.levels == 0 && n > 1 &&
	    parent->t.ns[PH_NS_PID] != child->t.ns[PH_NS_PID])
		child->pid_chain[n - 2] = parent->t.ns[PH_NS_PID];
}

static struct task *on_fork(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	struct task *parent = task_get(id, I32(sched_process_fork, parent_tid)), *child;
	int32_t tid = I32(sched_process_fork, child_tid);
	int32_t ppid = I32(sched_process_fork, parent_pid), pid = I32(sched_process_fork, child_pid);
	bool thread = ppid >= 0 && pid == ppid;
	uint32_t index;

	if (parent) {
		set_comm(parent, V(sched_process_fork, parent_comm));
		if (ppid >= 0)
			task_set_pid(id, parent, ppid);
		set_ns(parent, PH_NS_PID, (uint32_t)U(sched_process_fork, parent_ns_inum, 0));
		if (parent->stale && !id->own)
			derive_container(id, parent);
	}
	if (tid <= 0 || (parent && parent->t.tid == tid))
		return parent ? parent : t;
	child = task_new(id, tid);
	if (!child)
		return parent ? parent : t;
	guest_gone(id, tid);	/* whose number it was */
	task_set_pid(id, child, pid);
	set_comm(child, V(sched_process_fork, child_comm));
	child->t.start_ns = U(sched_process_fork, child_start_ns, 0);
	if (!child->t.start_ns)
		child->t.start_ns = ev->ts_ns;
	if (parent) {
		child->t.ppid = thread ? parent->t.ppid : ppid;
		memcpy(child->t.ns, parent->t.ns, sizeof(child->t.ns));
		child->kthread = parent->kthread && parent->t.tid == 2;
	}
	set_ns(child, PH_NS_PID, (uint32_t)U(sched_process_fork, child_ns_inum, 0));
	fork_pids(child, parent, V(sched_process_fork, vtids), thread);
	index = (uint32_t)U(sched_process_fork, child_container, PH_CONTAINER_UNKNOWN);
	if (index != PH_CONTAINER_UNKNOWN)
		set_container(id, child, index);
	else if (parent && id->own)
		child->t.container = parent->t.container;
	if (!id->own)
		derive_container(id, child);
	return parent ? parent : t;
}

static struct task *on_exec(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	int32_t tid = I32(sched_process_exec, tid), old = I32(sched_process_exec, old_tid);
	const struct ph_value *file = V(sched_process_exec, filename);
	struct cpu *cpu = cpu_get(id, ev->cpu);
	struct task *leader, *me;

	if (tid <= 0 || tid > TID_LIMIT)
		return t;
	/*
	 * A thread that is not the leader takes over the leader's tid, and with it the place of the
	 * leader, which is dead. The dead one's sched_process_free comes under the thread's old tid.
	 */
	me = old > 0 && old != tid ? task_find(id, old) : NULL;
	leader = task_find(id, tid);
	if (me) {
		if (leader) {
			if (me->t.ppid < 0)
				me->t.ppid = leader->t.ppid;
			/* It had the leader's tid already when exec renamed it. */
			me->renamed = leader->renamed;
			if (leader->renamed)
				memcpy(me->t.comm, leader->t.comm, sizeof(me->t.comm));
			if (!me->t.levels && leader->t.levels) {
				me->t.levels = leader->t.levels;
				memcpy(me->pid_chain, leader->pid_chain, sizeof(me->pid_chain));
				memcpy(me->t.vpid, leader->t.vpid, sizeof(me->t.vpid));
			}
			memcpy(me->t.vtid, me->t.vpid, sizeof(me->t.vtid));
			task_drop(id, leader);
		}
		ph_u64map_del(&id->tasks, (uint64_t)old);
		me->t.tid = tid;
		ph_u64map_put(&id->tasks, (uint64_t)tid, me);
	} else {
		/* Not known under its old tid: the process is known through its leader at best. */
		me = leader ? leader : task_new(id, tid);
		task_revive(id, me);
	}
	task_set_pid(id, me, tid);
	ev->tid = tid;
	if (cpu)
		cpu->cur = me;
	/* The kernel names the task after the last part of the path, before this event. */
	if (file && file->n && !me->renamed) {
		const char *slash = memrchr(file->s, '/', file->n);
		struct ph_value comm = { .s = slash ? slash + 1 : file->s };

		comm.n = (uint32_t)(file->s + file->n - comm.s);
		set_comm(me, &comm);
	}
	return me;
}

static struct task *on_rename(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	int32_t tid = I32(task_rename, tid);
	struct task *named = task_get(id, tid);

	if (named) {
		set_comm(named, V(task_rename, newcomm));
		named->renamed = true;
	}
	return t;
}

static struct task *on_task_exit(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	struct task *dead = task_get(id, I32(sched_process_exit, tid));

	id->ended = id->ended_after_first = false;
	if (!dead || !dead->t.tid)
		return t;
	set_comm(dead, V(sched_process_exit, comm));
	/* Its container must be known to whoever sees this event, so derive it before it ends. */
	if (dead->stale && !id->own)
		derive_container(id, dead);
	task_exit(id, dead);
	id->ended = process_ends(id, ev, dead->t.pid >= 0 ? dead->t.pid : ev->pid);
	process_left(id, ev, dead, dead->t.pid >= 0 ? dead->t.pid : ev->pid);
	return dead;
}

static struct task *on_free(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	struct task *dead = task_find(id, I32(sched_process_free, tid));

	/* It comes late, from RCU: the tid may have been given to another task meanwhile. */
	if (!dead || !dead->t.exited)
		return t;
	task_drop(id, dead);
	return t == dead ? NULL : t;
}

static struct task *on_namespaces(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	struct task *who = task_get(id, I32(sched_process_namespaces, tid));
	const unsigned int first = PH_FLD(sched_process_namespaces, cgroup_ns);

	if (!who)
		return t;
	for (unsigned int i = 0; i < PH_NS_MAX; i++)
		if (i != PH_NS_PID)	/* is about its children */
			set_ns(who, i, (uint32_t)ph_event_u(ev, first + i, 0));
	return t ? t : who;
}

handler_fn sched_handler(uint32_t event)
{
	switch (event) {
#define ON(event_, fn) case PH_EV_##event_: return fn
	ON(sched_switch, on_switch);
	ON(sched_process_fork, on_fork);
	ON(sched_process_exec, on_exec);
	ON(task_rename, on_rename);
	ON(sched_process_exit, on_task_exit);
	ON(sched_process_free, on_free);
	ON(sched_process_namespaces, on_namespaces);
#undef ON
	}
	return NULL;
}
