/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The identity model: tasks, and which of them an event belongs to. */
#include "identity/model.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "identity/model_priv.h"

/* Takes the event into the model; returns the task in whose context it happened. */
typedef struct task *(*handler_fn)(struct ph_identity *id, struct ph_event *ev, struct task *t);

/* What feed needs to know of a class, found once. */
struct class_info {
	const struct ph_class *cls;
	handler_fn handler;
	int16_t tid, pid, procname, container;	/* positions of contexts, -1 */
	int16_t ns[PH_NS_MAX];
	bool any_ns, any_ctx;
	bool no_task;		/* written by the recorder: not in the context of a task */
	int32_t syscall_nr;	/* of entry classes, else -1 */
	bool syscall_exit;
	/* Of lttng_statedump_process_state before LTTng 2.12, which had the pid namespace in it. */
	int16_t old_vtid, old_vpid, old_level, old_inum;
};

/* ---- tasks --------------------------------------------------------------------------------------- */

static void exited_unlink(struct ph_identity *id, struct task *t)
{
	if (!t->t.exited)
		return;
	if (t->prev)
		t->prev->next = t->next;
	else
		id->exited_first = t->next;
	if (t->next)
		t->next->prev = t->prev;
	else
		id->exited_last = t->prev;
	t->prev = t->next = NULL;
	id->nexited--;
}

static void task_drop(struct ph_identity *id, struct task *t)
{
	if (!t)
		return;
	exited_unlink(id, t);
	derived_leave(id, t);
	ph_vec_each(c, &id->cpus)
		if (c->cur == t)
			c->cur = NULL;
	ph_u64map_del(&id->tasks, (uint64_t)t->t.tid);
	free(t);
}

static void task_clear(struct task *t, int32_t tid)
{
	*t = (struct task){ .t = { .tid = tid, .pid = -1, .ppid = -1, .in_syscall = -1,
				   .container = PH_CONTAINER_UNKNOWN } };
}

static struct task *task_find(const struct ph_identity *id, int32_t tid)
{
	return tid >= 0 ? ph_u64map_get(&id->tasks, (uint64_t)tid) : NULL;
}

/* A task that begins now: whatever had its tid before is another one. */
static struct task *task_new(struct ph_identity *id, int32_t tid)
{
	struct task *t = task_find(id, tid);

	if (tid < 0 || tid > TID_LIMIT)
		return NULL;
	if (t) {
		exited_unlink(id, t);
		derived_leave(id, t);
	} else {
		t = ph_alloc(sizeof(*t));
		ph_u64map_put(&id->tasks, (uint64_t)tid, t);
	}
	task_clear(t, tid);
	if (tid == 0) {
		/* The idle tasks of all CPUs. */
		t->t.pid = 0;
		t->t.container = PH_CONTAINER_HOST;
		t->kthread = true;
	}
	return t;
}

static struct task *task_get(struct ph_identity *id, int32_t tid)
{
	struct task *t = task_find(id, tid);

	/* It ran for the last time: who shows up under its number now is a new task. */
	if (!t || t->gone)
		return task_new(id, tid);
	return t;
}

static void task_exit(struct ph_identity *id, struct task *t)
{
	t->t.in_syscall = -1;
	if (t->t.exited)
		return;
	derived_leave(id, t);
	t->t.exited = true;
	t->prev = id->exited_last;
	if (t->prev)
		t->prev->next = t;
	else
		id->exited_first = t;
	id->exited_last = t;
	id->nexited++;
}

static void task_revive(struct ph_identity *id, struct task *t)
{
	if (!t->t.exited)
		return;
	exited_unlink(id, t);
	t->t.exited = t->gone = false;
	t->stale = true;
}

static struct cpu *cpu_get(struct ph_identity *id, uint32_t cpu)
{
	if (ph_unlikely(cpu >= id->cpus.n)) {
		if (cpu >= CPU_LIMIT)
			return NULL;
		while (id->cpus.n <= cpu)
			ph_vec_push(&id->cpus);
	}
	return &id->cpus.v[cpu];
}

static inline void set_comm(struct task *t, const struct ph_value *v)
{
	uint32_t n;

	if (!v || !v->s)
		return;
	n = v->n < sizeof(t->t.comm) - 1 ? v->n : sizeof(t->t.comm) - 1;
	if (ph_likely(!memcmp(t->t.comm, v->s, n) && !t->t.comm[n]))
		return;
	memset(t->t.comm, 0, sizeof(t->t.comm));
	memcpy(t->t.comm, v->s, n);
}

static inline void set_ns(struct task *t, unsigned int type, uint32_t inum)
{
	if (inum && t->t.ns[type] != inum) {
		t->t.ns[type] = inum;
		t->stale = true;
	}
}

static inline void set_container(struct ph_identity *id, struct task *t, uint32_t index)
{
	if (index == PH_CONTAINER_UNKNOWN)
		return;
	t->t.container = canon_index(id, index);
	if (ph_unlikely(id->guests.n))
		t->t.container = guest_index(id, t->t.container, t->t.pid);
}

/* ---- scheduler events ------------------------------------------------------------------------ */

#define U(event, field, otherwise) ph_event_u(ev, PH_FLD(event, field), otherwise)
#define I32(event, field) ((int32_t)ph_event_i(ev, PH_FLD(event, field), -1))
#define V(event, field) ph_event_field(ev, PH_FLD(event, field))

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
			parent->t.pid = ppid;
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
	child->t.pid = pid;
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
	me->t.pid = tid;
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

	if (!dead || !dead->t.tid)
		return t;
	set_comm(dead, V(sched_process_exit, comm));
	/* Its container must be known to whoever sees this event, so derive it before it ends. */
	if (dead->stale && !id->own)
		derive_container(id, dead);
	task_exit(id, dead);
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

/* ---- cgroups and containers -------------------------------------------------------------------- */

static struct task *on_cgroup_mkdir(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	cgroup_seen(id, I32(cgroup_mkdir, hierarchy), U(cgroup_mkdir, id, 0), 0,
		    (uint32_t)U(cgroup_mkdir, container, PH_CONTAINER_UNKNOWN),
		    V(cgroup_mkdir, path));
	return t;
}

static struct task *on_cgroup_rmdir(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	cgroup_gone(id, I32(cgroup_rmdir, hierarchy), U(cgroup_rmdir, id, 0));
	return t;
}

static struct task *on_cgroup_dump(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	uint32_t index = (uint32_t)U(statedump_cgroup, container, PH_CONTAINER_UNKNOWN);

	cgroup_seen(id, I32(statedump_cgroup, hierarchy), U(statedump_cgroup, id, 0),
		    U(statedump_cgroup, parent_id, 0), index, V(statedump_cgroup, path));
	if (ev->container == PH_CONTAINER_UNKNOWN)
		ev->container = index;
	return t;
}

static struct task *on_cgroup_attach(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	struct task *who = task_get(id, I32(cgroup_attach_task, tid));
	uint32_t index = (uint32_t)U(cgroup_attach_task, container, PH_CONTAINER_UNKNOWN);

	cgroup_seen(id, I32(cgroup_attach_task, hierarchy), U(cgroup_attach_task, id, 0), 0,
		    PH_CONTAINER_UNKNOWN, V(cgroup_attach_task, path));
	if (who) {
		set_comm(who, V(cgroup_attach_task, comm));
		set_container(id, who, index);
	}
	return t;
}

static struct task *on_container_info(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	container_info(id, ev);
	if (ev->container == PH_CONTAINER_UNKNOWN)
		ev->container = (uint32_t)U(container_info, index, PH_CONTAINER_UNKNOWN);
	return t;
}

static struct task *on_container_index(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	container_set_alias(id, (uint32_t)U(container_index, index, CONTAINER_LIMIT),
			    (uint32_t)U(container_index, container, CONTAINER_LIMIT));
	if (ev->container == PH_CONTAINER_UNKNOWN)
		ev->container = (uint32_t)U(container_index, container, PH_CONTAINER_UNKNOWN);
	return t;
}

static struct task *on_container_event(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	container_event(id, ev);
	if (ev->container == PH_CONTAINER_UNKNOWN)
		ev->container = (uint32_t)U(container_start, index, PH_CONTAINER_UNKNOWN);
	return t;
}

/* ---- state dump ---------------------------------------------------------------------------------- */

static void dump_pid_level(struct ph_identity *id, struct task *who, int32_t level, int32_t vtid,
			   int32_t vpid, uint32_t inum)
{
	if (level < 0 || level >= PH_PID_LEVELS || !inum)
		return;
	who->t.vtid[level] = vtid;
	who->t.vpid[level] = vpid;
	who->pid_chain[level] = inum;
	if (level >= who->t.levels) {
		/* Levels come inner to outer (LTTng) or outer to inner; the innermost is its own. */
		for (int32_t l = who->t.levels; l < level; l++)
			who->t.vtid[l] = who->t.vpid[l] = -1;
		who->t.levels = (uint8_t)(level + 1);
		set_ns(who, PH_NS_PID, inum);
	}
	if (level == 0 && who->t.tid == 1)
		id->host_ns[PH_NS_PID] = inum;
}

/* A dumped task which is told nothing about is in the context of the dumper, not of itself. */
static struct task *dumped(struct ph_event *ev, struct task *t, struct task *who)
{
	if (!who)
		return t;
	if (ev->container == PH_CONTAINER_UNKNOWN && !t)
		ev->container = who->t.container;
	return t;
}

static struct task *on_dump_state(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	struct task *who = task_get(id, I32(lttng_statedump_process_state, tid));
	const struct class_info *ci = ph_u64map_get(&id->classes, (uintptr_t)ev->cls);
	int64_t type = ph_event_i(ev, PH_FLD(lttng_statedump_process_state, type), 0);

	if (!who)
		return t;
	task_revive(id, who);
	who->t.pid = I32(lttng_statedump_process_state, pid);
	who->t.ppid = I32(lttng_statedump_process_state, ppid);
	set_comm(who, V(lttng_statedump_process_state, name));
	set_container(id, who, (uint32_t)U(lttng_statedump_process_state, container,
					   PH_CONTAINER_UNKNOWN));
	who->t.start_ns = U(lttng_statedump_process_state, start_ns, 0);
	if (V(lttng_statedump_process_state, syscall))
		who->t.in_syscall = I32(lttng_statedump_process_state, syscall);
	who->kthread = type == 1;
	if (who->kthread)
		who->t.container = PH_CONTAINER_HOST;
	if (I32(lttng_statedump_process_state, status) == 7)	/* dead */
		task_exit(id, who);
	who->stale = true;
	if (ci->old_vtid >= 0 && ci->old_vpid >= 0 && ci->old_level >= 0 && ci->old_inum >= 0)
		dump_pid_level(id, who, (int32_t)ev->v[ci->old_level].i,
			       (int32_t)ev->v[ci->old_vtid].i, (int32_t)ev->v[ci->old_vpid].i,
			       (uint32_t)ev->v[ci->old_inum].u);
	else
		who->t.levels = 0;	/* this dump's process_pid_ns events follow */
	who->user_level = 0;
	return dumped(ev, t, who);
}

static struct task *on_dump_pid_ns(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	struct task *who = task_get(id, I32(lttng_statedump_process_pid_ns, tid));

	if (!who)
		return t;
	dump_pid_level(id, who, I32(lttng_statedump_process_pid_ns, ns_level),
		       I32(lttng_statedump_process_pid_ns, vtid),
		       I32(lttng_statedump_process_pid_ns, vpid),
		       (uint32_t)U(lttng_statedump_process_pid_ns, ns_inum, 0));
	return dumped(ev, t, who);
}

static struct task *on_dump_user_ns(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	struct task *who = task_get(id, I32(lttng_statedump_process_user_ns, tid));
	int32_t level = I32(lttng_statedump_process_user_ns, ns_level);
	uint32_t inum = (uint32_t)U(lttng_statedump_process_user_ns, ns_inum, 0);

	if (!who)
		return t;
	/* The innermost is its own, in whatever order they come. */
	if (level >= who->user_level) {
		who->user_level = level;
		set_ns(who, PH_NS_USER, inum);
	}
	if (level == 0 && who->t.tid == 1)
		id->host_ns[PH_NS_USER] = inum;
	return dumped(ev, t, who);
}

/* The six events of one namespace have the same two fields. */
static struct task *dump_ns(struct ph_identity *id, struct ph_event *ev, struct task *t,
			    enum ph_ns type)
{
	struct task *who = task_get(id, I32(lttng_statedump_process_mnt_ns, tid));
	uint32_t inum = (uint32_t)U(lttng_statedump_process_mnt_ns, ns_inum, 0);

	if (!who)
		return t;
	set_ns(who, type, inum);
	if (who->t.tid == 1 && inum) {
		id->host_ns[type] = inum;
		id->slots.v[PH_CONTAINER_HOST].cont->c.ns[type] = inum;
	}
	return dumped(ev, t, who);
}

#define DUMP_NS(lower, upper)								\
static struct task *on_dump_##lower(struct ph_identity *id, struct ph_event *ev, struct task *t) \
{											\
	return dump_ns(id, ev, t, PH_NS_##upper);					\
}
DUMP_NS(cgroup, CGROUP)
DUMP_NS(ipc, IPC)
DUMP_NS(mnt, MNT)
DUMP_NS(net, NET)
DUMP_NS(uts, UTS)
DUMP_NS(time, TIME)

static int outer_first(const void *pa, const void *pb)
{
	const struct task *a = *(struct task *const *)pa, *b = *(struct task *const *)pb;

	if (a->t.levels != b->t.levels)
		return a->t.levels < b->t.levels ? -1 : 1;
	return a->t.tid < b->t.tid ? -1 : 1;
}

static struct task *on_dump_end(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	PH_VEC(struct task *) stale = { 0 };

	id->complete = true;
	if (id->own)
		return t;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&id->tasks, s)); )
		if (((struct task *)s->val)->stale)
			*ph_vec_push(&stale) = s->val;
	/* Containers get their parents from those further out, so these go first. */
	if (stale.n)
		qsort(stale.v, stale.n, sizeof(*stale.v), outer_first);
	for (size_t i = 0; i < stale.n; i++)
		derive_container(id, stale.v[i]);
	ph_vec_done(&stale);
	return t;
}

static struct task *on_discarded(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	struct cpu *cpu = cpu_get(id, (uint32_t)U(events_discarded, gap_cpu, ev->cpu));

	/* Who runs there now was not seen; a wrong name would be worse than none. */
	if (cpu)
		cpu->cur = NULL;
	return t;
}

static struct task *on_symbol(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	const struct ph_value *name = V(kernel_symbol, name);
	uint64_t address = U(kernel_symbol, address, 0);

	if (name && name->n && id->functions.n < FUNCTIONS_MAX)
		free(ph_u64map_put(&id->functions, address,
				   ph_strndup(name->s, name->n < FUNCTION_NAME_MAX ? name->n : FUNCTION_NAME_MAX)));
	return t;
}

/* ---- classes ------------------------------------------------------------------------------------- */

static handler_fn handler_of(uint32_t event)
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
	ON(cgroup_mkdir, on_cgroup_mkdir);
	ON(cgroup_rmdir, on_cgroup_rmdir);
	ON(cgroup_attach_task, on_cgroup_attach);
	ON(container_info, on_container_info);
	ON(container_index, on_container_index);
	ON(container_start, on_container_event);
	ON(container_stop, on_container_event);
	ON(container_pause, on_container_event);
	ON(container_unpause, on_container_event);
	ON(lttng_statedump_process_state, on_dump_state);
	ON(lttng_statedump_process_pid_ns, on_dump_pid_ns);
	ON(lttng_statedump_process_user_ns, on_dump_user_ns);
	ON(lttng_statedump_process_cgroup_ns, on_dump_cgroup);
	ON(lttng_statedump_process_ipc_ns, on_dump_ipc);
	ON(lttng_statedump_process_mnt_ns, on_dump_mnt);
	ON(lttng_statedump_process_net_ns, on_dump_net);
	ON(lttng_statedump_process_uts_ns, on_dump_uts);
	ON(lttng_statedump_process_time_ns, on_dump_time);
	ON(lttng_statedump_end, on_dump_end);
	ON(statedump_cgroup, on_cgroup_dump);
	ON(events_discarded, on_discarded);
	ON(kernel_symbol, on_symbol);
#undef ON
	}
	return NULL;
}

static bool is_int(const struct ph_type *t)
{
	return t->kind == PH_KIND_INT || t->kind == PH_KIND_UINT || t->kind == PH_KIND_ENUM;
}

static int16_t find_field(const struct ph_field *fields, uint32_t n, const char *name, bool str)
{
	for (uint32_t i = 0; i < n && i < INT16_MAX; i++)
		if (!strcmp(fields[i].name, name) &&
		    (str ? fields[i].type->kind == PH_KIND_STR : is_int(fields[i].type)))
			return (int16_t)i;
	return -1;
}

static struct class_info *class_learn(struct ph_identity *id, const struct ph_class *cls)
{
	struct class_info *ci = ph_alloc(sizeof(*ci));
	const struct ph_class *ours;
	bool entry = cls->id >= PH_EV_SYSCALL_ENTRY && cls->id < PH_EV_SYSCALL_EXIT;
	bool compat = cls->id >= PH_EV_COMPAT_ENTRY && cls->id < PH_EV_COMPAT_EXIT;

	ci->cls = cls;
	ci->syscall_nr = entry || compat ? cls->syscall_nr : -1;
	ci->syscall_exit = !entry && !compat && cls->id >= PH_EV_SYSCALL_ENTRY;
	ci->tid = find_field(cls->ctx, cls->nctx, "tid", false);
	ci->pid = find_field(cls->ctx, cls->nctx, "pid", false);
	ci->procname = find_field(cls->ctx, cls->nctx, "procname", true);
	ci->container = find_field(cls->ctx, cls->nctx, "container", false);
	for (unsigned int i = 0; i < PH_NS_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%s_ns", ph_ns_names[i]);
		ci->ns[i] = find_field(cls->ctx, cls->nctx, name, false);
		ci->any_ns |= ci->ns[i] >= 0;
	}
	ci->any_ctx = ci->any_ns || ci->pid >= 0 || ci->procname >= 0 || ci->container >= 0;
	ci->old_vtid = find_field(cls->fields, cls->nfields, "vtid", false);
	ci->old_vpid = find_field(cls->fields, cls->nfields, "vpid", false);
	ci->old_level = find_field(cls->fields, cls->nfields, "ns_level", false);
	ci->old_inum = find_field(cls->fields, cls->nfields, "ns_inum", false);
	ours = cls->id < PH_EV_STATIC_MAX ? ph_class_by_id(cls->id) : NULL;
	if (ours) {
		ci->no_task = ours->group == PH_GROUP_STATEDUMP || ours->group == PH_GROUP_META ||
			      ours->group == PH_GROUP_CONTAINER;
		if (ph_class_like_ours(cls))
			ci->handler = handler_of(cls->id);
	}
	/* Only our own recorder tells containers; without it they are looked for in namespaces. */
	if (ci->container >= 0)
		id->own = true;
	for (uint32_t i = 0; ours && i < ours->nfields; i++)
		if (ours->fields[i].unit == PH_UNIT_CONTAINER && (!cls->canon || cls->canon[i] >= 0))
			id->own = true;
	ph_u64map_put(&id->classes, (uintptr_t)cls, ci);
	return ci;
}

static inline struct class_info *class_get(struct ph_identity *id, const struct ph_class *cls)
{
	/* Classes are a few tens of bytes apart or more. */
	size_t at = ((uintptr_t)cls >> 4 ^ (uintptr_t)cls >> 12) % PH_ARRAY_SIZE(id->cache);
	struct class_info *ci = id->cache[at];

	if (ph_likely(ci && ci->cls == cls))
		return ci;
	ci = ph_u64map_get(&id->classes, (uintptr_t)cls);
	if (!ci)
		ci = class_learn(id, cls);
	id->cache[at] = ci;
	return ci;
}

/* ---- feed ------------------------------------------------------------------------------------------ */

static void take_contexts(struct ph_identity *id, const struct class_info *ci, struct ph_event *ev,
			  struct task *t)
{
	if (ci->pid >= 0 && t->t.pid < 0)
		t->t.pid = (int32_t)ev->ctx[ci->pid].i;
	if (ci->procname >= 0)
		set_comm(t, &ev->ctx[ci->procname]);
	for (unsigned int i = 0; ci->any_ns && i < PH_NS_MAX; i++)
		if (ci->ns[i] >= 0)
			set_ns(t, i, (uint32_t)ev->ctx[ci->ns[i]].u);
}

void ph_identity_feed(struct ph_identity *id, struct ph_event *ev)
{
	const struct class_info *ci = class_get(id, ev->cls);
	struct cpu *cpu = cpu_get(id, ev->cpu);
	struct task *t = NULL;

	if (ph_unlikely(id->nexited > EXITED_MAX))
		task_drop(id, id->exited_first);
	if (ci->tid >= 0 && ev->tid < 0)
		ev->tid = (int32_t)ev->ctx[ci->tid].i;
	if (ci->container >= 0 && ev->container == PH_CONTAINER_UNKNOWN)
		ev->container = (uint32_t)ev->ctx[ci->container].u;
	if (ci->pid >= 0 && ev->pid < 0)
		ev->pid = (int32_t)ev->ctx[ci->pid].i;

	if (ev->tid >= 0) {
		if (ph_likely(cpu && cpu->cur && cpu->cur->t.tid == ev->tid)) {
			t = cpu->cur;
		} else {
			t = task_get(id, ev->tid);
			if (cpu && !ci->no_task)
				cpu->cur = t;
		}
	} else if (cpu && !ci->no_task) {
		t = cpu->cur;
	}
	if (t && ci->any_ctx)
		take_contexts(id, ci, ev, t);
	if (ci->handler) {
		t = ci->handler(id, ev, t);
	} else if (t) {
		if (ci->syscall_nr >= 0)
			t->t.in_syscall = ci->syscall_nr;
		else if (ci->syscall_exit)
			t->t.in_syscall = -1;
	}
	if (!t) {
		ev->container = canon_index(id, ev->container);
		return;
	}
	if (ev->tid < 0)
		ev->tid = t->t.tid;
	if (ev->pid >= 0)
		t->t.pid = ev->pid;
	else
		ev->pid = t->t.pid;
	if (ev->container != PH_CONTAINER_UNKNOWN) {
		ev->container = canon_index(id, ev->container);
		if (ph_unlikely(id->guests.n) && !ci->no_task)
			ev->container = guest_index(id, ev->container, ev->pid);
		if (!ci->no_task)
			t->t.container = ev->container;
	} else {
		if (t->stale && !id->own)
			derive_container(id, t);
		ev->container = t->t.container;
	}
}

struct ph_identity *ph_identity_new(void)
{
	struct ph_identity *id = ph_alloc(sizeof(*id));

	model_containers_init(id);
	task_new(id, 0);
	return id;
}

void ph_identity_free(struct ph_identity *id)
{
	if (!id)
		return;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&id->tasks, s)); )
		free(s->val);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&id->classes, s)); )
		free(s->val);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&id->functions, s)); )
		free(s->val);
	ph_u64map_done(&id->functions);
	ph_u64map_done(&id->tasks);
	ph_u64map_done(&id->classes);
	ph_vec_done(&id->cpus);
	model_containers_free(id);
	free(id);
}

const struct ph_task *ph_identity_task(const struct ph_identity *id, int32_t tid)
{
	struct task *t = task_find(id, tid);

	return t ? &t->t : NULL;
}

const char *ph_identity_function(const struct ph_identity *id, uint64_t address)
{
	const char *name = ph_u64map_get(&id->functions, address);

	return name ? name : "";
}
