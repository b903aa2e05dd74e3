/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a dump of the state tells of tasks: porthole's own, and LTTng's of all its versions. */
#include <stdlib.h>

#include "identity/model_priv.h"

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
	task_set_pid(id, who, I32(lttng_statedump_process_state, pid));
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
	/* A zombie: so is the first thread of a process while others go on. */
	who->left = I32(lttng_statedump_process_state, status) == 4;
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

handler_fn dump_handler(uint32_t event)
{
	switch (event) {
#define ON(event_, fn) case PH_EV_##event_: return fn
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
#undef ON
	}
	return NULL;
}
