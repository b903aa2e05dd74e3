/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BPF_IDENT_BPF_H
#define PH_BPF_IDENT_BPF_H

#include "ring.bpf.h"

/*
 * Who is who, in numbers only: the container index of a task, and whether it is selected.
 *
 * The cgroup names the container. On cgroup v1 and hybrid hosts that is the group the scheduler
 * charges (sched_task_group), because bpf_get_current_cgroup_id() is 1 for everybody there; tasks
 * in its root are looked up in the v2 hierarchy. A task that no cgroup puts into a container may
 * still be in one made of namespaces alone (unshare, bubblewrap): those are keyed by the inodes of
 * its mount and pid namespaces, and only tasks that left the host's pay for that look-up.
 */

#define PH_CONTAINER_HOST 0u
#define PH_CONTAINER_UNKNOWN 0xffffffffu

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct ph_cgent);
} cgroups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct ph_cgent);
} namespaces SEC(".maps");

/* Processes named one by one (-p, -- COMMAND), PH_SEL_ONLY or PH_SEL_NOT; children are added at fork. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, u32);
} pids SEC(".maps");

/* Processes that run guests of KVM which no cgroup is for: the guest, and whether it is selected. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct ph_cgent);
} guests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, char[16]);
	__type(value, u32);
} comms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} control SEC(".maps");

/* Next free container index; set by user space above those it gave out. */
u32 next_index SEC(".data.next_index") = 1;
/* Counts changes that may give a pointer a new meaning; user space counts too. */
u64 generation SEC(".data.generation") = 1;
/* How many processes are in `guests`. */
u64 guests_known SEC(".data.guests_known") = 0;
/* Control records for which there was no room: told to the user. */
u64 control_lost SEC(".data.control_lost") = 0;

/*
 * The recorder, or one of the processes that read files for it (symbol/)? As a child of its it is known from its first instant on. What
 * happens in interrupts is somebody else's and does not ask this: those are at work for seconds.
 */
static __always_inline bool is_recorder(struct task_struct *t)
{
	if (t->tgid == cfg.self_tgid)
		return true;
	return cfg.children && WALK(t)->real_parent->tgid == cfg.self_tgid && t->tgid != cfg.command_tgid;
}

static __always_inline u64 cgroup_key(struct cgroup *c)
{
	return PH_CGKEY(c->root->hierarchy_id, c->kn->id);
}

/* Number and namespace of a process on level @level; all 0 where it has none. */
static __always_inline struct upid upid_at(struct pid *pid, u32 level)
{
	struct upid up = {};

	/*
	 * The size that every kernel has, as a constant: Linux 6.1's verifier forgets the bounds of a
	 * product with a relocated one.
	 */
	if (pid && level <= 32 && level <= pid->level)
		bpf_probe_read_kernel(&up, sizeof(up),
				      (void *)pid + bpf_core_field_offset(pid->numbers) +
					      (u64)level * sizeof(struct upid));
	return up;
}

/*
 * The pid namespace that @t is in: after unshare(CLONE_NEWPID) or setns() not the one its children will be in, which is loaded faster,
 * but the one that its own number is of.
 */
static __always_inline u32 pid_ns_of(struct task_struct *t)
{
	struct task_struct *w = WALK(t);
	struct nsproxy *ns = w->nsproxy;
	struct pid_namespace *in;
	struct upid own;
	u32 level;

	if (!ns)	/* the task is exiting */
		return 0;
	level = w->thread_pid->level;
	in = ns->pid_ns_for_children;
	if (in->level == level)
		return in->ns.inum;
	own = upid_at(w->thread_pid, level);
	return own.ns ? FETCH(own.ns, struct pid_namespace, ns.inum) : 0;
}

static __always_inline u64 ns_key(struct task_struct *t)
{
	struct nsproxy *ns = WALK(t)->nsproxy;

	if (!ns)	/* the task is exiting */
		return 0;
	return PH_NSKEY(ns->mnt_ns->ns.inum, pid_ns_of(t));
}

static __always_inline struct ph_cgent *cgent(u64 key)
{
	return bpf_map_lookup_elem(&cgroups, &key);
}

/* The entry of the container that @t is in; NULL: the host, or not known yet. */
static __always_inline struct ph_cgent *task_cgent(struct task_struct *t)
{
	struct task_struct *w = WALK(t);
	struct ph_cgent *e = NULL;
	u64 id, key;

	if (cfg.identity == PH_ID_CPU) {
		id = w->sched_task_group->css.cgroup->kn->id;
		if (id > 1)
			e = cgent(PH_CGKEY(cfg.cpu_hierarchy, id));
		if (e && (e->index || e->flags & PH_CG_CONTAINER))
			return e;
	}
	id = w->cgroups->dfl_cgrp->kn->id;
	if (id > 1) {
		struct ph_cgent *v2 = cgent(PH_CGKEY(0, id));

		if (v2)
			e = v2;
		if (e && e->index)
			return e;
	}
	key = ns_key(w);
	if (key != cfg.host_ns_key && key) {
		struct ph_cgent *ns = bpf_map_lookup_elem(&namespaces, &key);

		if (ns)
			e = ns;
	}
	return e;
}

static __always_inline bool ns_selected(struct task_struct *t)
{
	struct nsproxy *ns = WALK(t)->nsproxy;
	bool only = false, in = false;

	if (!ns)
		return false;
	for (u32 i = 0; i < PH_MAX_NS_SEL && i < cfg.nns; i++) {
		u32 is;

		switch (cfg.ns[i].type) {
		case 0: is = ns->cgroup_ns->ns.inum; break;
		case 1: is = ns->ipc_ns->ns.inum; break;
		case 2: is = ns->mnt_ns->ns.inum; break;
		case 3: is = ns->net_ns->ns.inum; break;
		case 4: is = pid_ns_of(t); break;
		case 5: is = ns->time_ns->ns.inum; break;
		case 6: is = WALK(t)->cred->user_ns->ns.inum; break;
		default: is = ns->uts_ns->ns.inum; break;
		}
		if (cfg.ns[i].not) {
			if (is == cfg.ns[i].inum)
				return false;
		} else {
			only = true;
			in |= is == cfg.ns[i].inum;
		}
	}
	return in || !only;
}

/* @how: what a map says of a task, NULL nothing; @asked: what was asked of all tasks. */
static __always_inline bool named(const u32 *how, u32 asked)
{
	if (how && *how == PH_SEL_NOT)
		return false;
	return how || !(asked & PH_SEL_ONLY);
}

/* Which namespaces, as one number: levels are at most 32, and an nsproxy is longer than that. */
static __always_inline u64 ns_place(struct task_struct *t)
{
	return (u64)t->nsproxy + t->thread_pid->level;
}

/*
 * The same for the current task, nearly always without a look-up: each CPU remembers the answer for
 * the last pair of cgroups and namespaces (two pointers, which all tasks of a container share; with
 * the level of the pid namespace, because who called unshare(CLONE_NEWPID) shares the second with its
 * children and is not where they are).
 * Pointers may be used again for something else; whatever can make such a new pair counts the
 * generation up: a cgroup that comes or goes, a task that is moved or born into one, a changed
 * entry. (unshare and setns change the pointer of a task whose own events were the last here.)
 * An interrupt's probe may nest in the update: it has the same current task, and finds the entry
 * either empty or whole.
 * (No WALK(): what is cast is loaded with a look at the address, some nanoseconds in every event.)
 */
static __always_inline struct ph_cgent current_cgent(struct task_struct *t)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct ph_ring_ctl *ctl = bpf_map_lookup_elem(&ring_ctl, &cpu);
	u64 css = (u64)t->cgroups, ns = ns_place(t), gen = READ_ONCE(generation);
	struct ph_cgent found = {}, *e;

	if (cfg.host_selected)
		found.flags = PH_CG_SELECTED;
	if (!ctl)
		return found;
	if (ctl->seen_cgroups == css && ctl->seen_nsproxy == ns && ctl->seen_generation == gen) {
		u64 word = ctl->seen_entry;

		found.index = word;
		found.flags = word >> 32;
		return found;
	}
	e = task_cgent(t);
	if (e)
		found = *e;
	WRITE_ONCE(ctl->seen_cgroups, 0);
	WRITE_ONCE(ctl->seen_nsproxy, ns);
	WRITE_ONCE(ctl->seen_generation, gen);
	WRITE_ONCE(ctl->seen_entry, (u64)found.flags << 32 | found.index);
	WRITE_ONCE(ctl->seen_cgroups, css);
	return found;
}

/*
 * Whose an event is, in one word: low half the container index of the task it happened in, high
 * half that of the task for which it was selected. User space may learn later that the latter is
 * not selected after all (it was a cgroup that nobody knew yet) and drops the event then.
 */
#define WHO(container, why) ((u64)(why) << 32 | (u32)(container))
/* For what concerns the first alone. */
#define OWN(who) WHO(who, who)

static __always_inline bool process_selected(struct task_struct *t)
{
	u32 tgid = t->tgid;

	return named(bpf_map_lookup_elem(&pids, &tgid), cfg.by_pid);
}

/*
 * The same for the current task: each CPU remembers its last answer. It stands until the next fork,
 * before which no other process can have the number.
 */
static __always_inline bool current_process_selected(struct task_struct *t)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct ph_ring_ctl *ctl = bpf_map_lookup_elem(&ring_ctl, &cpu);
	u64 gen = READ_ONCE(generation), yes;

	if (!ctl)
		return process_selected(t);
	if ((u32)ctl->named_process == t->tgid && ctl->named_generation == gen)
		return ctl->named_process >> 32;
	yes = process_selected(t);
	WRITE_ONCE(ctl->named_generation, 0);
	WRITE_ONCE(ctl->named_process, yes << 32 | (u32)t->tgid);
	WRITE_ONCE(ctl->named_generation, gen);
	return yes;
}

/* What is said of the guest whose process @t is of; NULL: it is of none, or not asked about. */
static __always_inline struct ph_cgent *guest_of(struct task_struct *t)
{
	u32 tgid = t->tgid;

	return READ_ONCE(guests_known) ? bpf_map_lookup_elem(&guests, &tgid) : NULL;
}

/* @e: the entry of @t's container; @current: @t is the current task; @name: instead of @t's, or NULL. */
static __always_inline bool entry_selected(struct task_struct *t, struct ph_cgent e, bool current,
					   const char *name, u64 *who)
{
	*who = WHO(e.index, e.index);
	if (!cfg.select)
		return true;
	if (cfg.by_container) {
		struct ph_cgent *guest = guest_of(t);

		if (!((guest ? guest->flags : e.flags) & PH_CG_SELECTED))
			return false;
		if (guest)
			*who = WHO(e.index, guest->index);
	}
	if (cfg.by_pid && !(current ? current_process_selected(t) : process_selected(t)))
		return false;
	if (cfg.by_comm) {
		char comm[16];

		if (name)
			__builtin_memcpy(comm, name, 16);
		else
			__builtin_memcpy(comm, t->comm, 16);
		if (!named(bpf_map_lookup_elem(&comms, comm), cfg.by_comm))
			return false;
	}
	return !cfg.nns || ns_selected(t);
}

/* Is the current task @t selected? */
static __always_inline bool current_selected(struct task_struct *t, u64 *who)
{
	return entry_selected(t, current_cgent(t), true, NULL, who);
}

/*
 * Is it surely, and may a second one not be asked? *@ours: it is selected, but perhaps only because
 * nobody knows yet whose its cgroup is, and may turn out not to be.
 */
static __always_inline bool current_surely_selected(struct task_struct *t, u64 *who, bool *ours)
{
	struct ph_cgent e = current_cgent(t);

	*ours = entry_selected(t, e, true, NULL, who);
	return *ours && !(cfg.select && e.flags & PH_CG_PENDING);
}

/* The event is as well that of @container, a selected one. */
static __always_inline u64 or_of(u64 who, bool ours, u32 container)
{
	return WHO(who, container | (ours ? PH_WHY_EITHER : 0));
}

/* Is @t, any task, selected if this were its name? */
static __always_inline bool task_selected_as(struct task_struct *t, const char *name, u64 *who)
{
	struct ph_cgent *e = task_cgent(t), none = {};

	if (cfg.host_selected)
		none.flags = PH_CG_SELECTED;
	return entry_selected(t, e ? *e : none, false, name, who);
}

/* Is @t, any task, selected? */
static __always_inline bool task_selected(struct task_struct *t, u64 *who)
{
	return task_selected_as(t, NULL, who);
}

static __always_inline u32 task_container(struct task_struct *t)
{
	struct ph_cgent *e = task_cgent(t);

	return e ? e->index : PH_CONTAINER_HOST;
}

#endif
