/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scheduler: switches, wake-ups, the life of tasks. */

/* Is either task selected, which one as far as was asked? The event happens in @cur. */
enum { CUR_SELECTED = 1, OTHER_SELECTED = 2 };

static __always_inline u32 either_selected(struct task_struct *cur, struct task_struct *other, u64 *who)
{
	bool ours;
	u64 others;

	if (current_surely_selected(cur, who, &ours))
		return CUR_SELECTED;
	if (!cfg.select || !task_selected(other, &others))
		return ours;
	*who = or_of(*who, ours, others);
	return OTHER_SELECTED | ours;
}

/* ---- switches and wake-ups -------------------------------------------------------------------- */

/*
 * As __trace_sched_switch_state(): the highest bit of TASK_REPORT, 0 for a preempted task. (Who is preempted on its way out has an
 * exit state already, and will run again.)
 */
static __always_inline s64 switch_state(struct task_struct *prev, u32 state, bool preempt)
{
	if (preempt)
		return 0;
	if ((state & 0x402) == 0x402)	/* TASK_IDLE */
		return 0x80;
	if (state & STATE_REPORTED_D)
		state |= 0x02;
	state = (state | prev->exit_state) & 0x7f;
	if (!state)
		return 0;
	for (int bit = 6; bit >= 0; bit--)
		if (state & (1 << bit))
			return 1 << bit;
	return 0;
}

/* What the hypervisor took from this CPU since its last switch. */
static __always_inline u64 stolen(struct task_struct *cur)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct ph_ring_ctl *ctl = bpf_map_lookup_elem(&ring_ctl, &cpu);
	u64 now = cpu_stolen(cur) + 1, before;

	if (!ctl)
		return 0;
	before = ctl->steal;
	if (now == before)
		return 0;
	ctl->steal = now;
	return before ? now - before : 0;
}

static __always_inline int emit_steal(struct task_struct *t, u64 ns, u64 who)
{
	EVENT_ALONE(cpu_steal, t, who, e);
	SET(e, steal_ns, ns);
	DONE(cpu_steal, e, 0);
	return 0;
}

SEC("?tp_btf/sched_switch")
int sched_switch(u64 *ctx)
{
	bool preempt = ctx[0];
	struct task_struct *prev = (void *)ctx[1], *next = (void *)ctx[2];
	u64 steal = cfg.write_steal ? stolen(prev) : 0;
	u32 state = 0, cpu = bpf_get_smp_processor_id();
	s64 waits;
	u32 selected;
	bool ours;
	u64 who;

	selected = either_selected(prev, next, &who);
	if (!selected)
		return 0;
	ours = selected & CUR_SELECTED;
	if (steal && (ours || !prev->pid))
		emit_steal(prev, steal, who);
	if (!preempt)
		state = cfg.switch_has_state ? (u32)ctx[3] : prev->__state;
	/* The kernel may have called no program when it got the CPU: its next span is not this one's. */
	if (nthrottled && ours)
		throttle_end(prev, OWN(who));
	if (ours && prev->pid) {
		bool out = WALK(prev)->se.cfs_rq->throttle_count > 0;

		/* Otherwise its refill may have been overlooked, as may have been the switch to it. */
		if (out || LIMITS_OUT(cpu))
			limits_look((u64)BPF_CORE_READ(prev, sched_task_group), cpu, OWN(who), true);
		if (out && task_throttled(prev, preempt || !state))
			throttle_begin(OWN(who));
	}
	if (LIMITS_OUT(cpu) && next->pid)
		limits_look((u64)BPF_CORE_READ(next, sched_task_group), cpu, who, true);
	waits = switch_state(prev, state, preempt);
	if (cfg.write_block && ours && waits && WALK(prev)->mm)
		emit_block(prev, waits, state, OWN(who));
	if (cfg.write_stack && ours && waits && WALK(prev)->mm)
		emit_stack(ctx, prev, OWN(who));
	if (cfg.write_switch) {
		/* A stack of the task that leaves, which may not be the one that was asked for. */
		if (STACK_OF(sched_switch) && ours)
			write_callstack(PH_EV_sched_switch, OWN(who));
		EVENT_ALONE(sched_switch, prev, who, e);
		set_comm(e->prev_comm, prev);
		SET(e, prev_tid, prev->pid);
		SET(e, prev_prio, prev->prio - 100);
		SET(e, prev_state, waits);
		set_comm(e->next_comm, next);
		SET(e, next_tid, next->pid);
		SET(e, next_prio, next->prio - 100);
		DONE(sched_switch, e, 0);
	}
	if (nthrottled)
		throttle_end(next, who_is(next));
	return 0;
}

#define WAKE(name, look)								\
SEC("?tp_btf/" #name)									\
int BPF_PROG(name, struct task_struct *p)						\
{											\
	struct task_struct *cur = current_task();					\
	u64 who;									\
											\
	if (!either_selected(cur, p, &who))					\
		return 0;								\
	look										\
	EVENT(name, cur, who, e);							\
	set_comm(e->comm, p);								\
	SET(e, tid, p->pid);								\
	SET(e, prio, p->prio - 100);							\
	SET(e, target_cpu, task_cpu(p));						\
	DONE(name, e, 0);								\
	return 0;									\
}

/* Where groups are throttled as a whole, a task that wakes up may find its group's quota used up. */
#define LOOK_WHOLE									\
	if (throttles_groups() && WALK(p)->se.cfs_rq->throttle_count > 0) {			\
		u64 whose = who;							\
											\
		if (!cfg.select || task_selected(p, &whose))				\
			limits_look((u64)BPF_CORE_READ(p, sched_task_group), task_cpu(p), WHO(who, whose >> 32), true);	\
	}

WAKE(sched_waking, )
WAKE(sched_wakeup, LOOK_WHOLE)
WAKE(sched_wakeup_new, LOOK_WHOLE)

SEC("?tp_btf/sched_migrate_task")
int BPF_PROG(sched_migrate_task, struct task_struct *p, int dest_cpu)
{
	struct task_struct *cur = current_task();
	u64 who;

	if (!either_selected(cur, p, &who))
		return 0;
	EVENT(sched_migrate_task, cur, who, e);
	set_comm(e->comm, p);
	SET(e, tid, p->pid);
	SET(e, prio, p->prio - 100);
	SET(e, orig_cpu, task_cpu(p));
	SET(e, dest_cpu, dest_cpu);
	DONE(sched_migrate_task, e, 0);
	return 0;
}

SEC("?tp_btf/sched_pi_setprio")
int BPF_PROG(sched_pi_setprio, struct task_struct *p, struct task_struct *donor)
{
	struct task_struct *cur = current_task();
	u64 who;

	if (!either_selected(cur, p, &who))
		return 0;
	EVENT(sched_pi_setprio, cur, who, e);
	set_comm(e->comm, p);
	SET(e, tid, p->pid);
	SET(e, oldprio, p->prio - 100);
	/* Without a donor it goes back to what is its own, which prio is not at this moment. */
	SET(e, newprio, (donor && donor->prio < p->normal_prio ? donor->prio : p->normal_prio) - 100);
	DONE(sched_pi_setprio, e, 0);
	return 0;
}

/* ---- the life of tasks --------------------------------------------------------------------------- */

static __always_inline int emit_namespaces(struct task_struct *t, u64 who, u64 flags)
{
	struct nsproxy *ns = WALK(t)->nsproxy;

	if (!ns)
		return 0;
	EVENT_ALONE(sched_process_namespaces, t, who, e);
	SET(e, tid, t->pid);
	SET(e, flags, flags);
	SET(e, cgroup_ns, ns->cgroup_ns->ns.inum);
	SET(e, ipc_ns, ns->ipc_ns->ns.inum);
	SET(e, mnt_ns, ns->mnt_ns->ns.inum);
	SET(e, net_ns, ns->net_ns->ns.inum);
	SET(e, pid_ns, ns->pid_ns_for_children->ns.inum);
	SET(e, time_ns, ns->time_ns->ns.inum);
	SET(e, user_ns, WALK(t)->cred->user_ns->ns.inum);
	SET(e, uts_ns, ns->uts_ns->ns.inum);
	DONE(sched_process_namespaces, e, 0);
	return 0;
}

/*
 * Inodes of a task's namespaces, in the order of enum ph_ns; all 0: it is exiting. That of pids is the
 * one for its children: its own never changes.
 */
struct ns_set {
	u32 inum[8];
};

static __always_inline void ns_of(struct task_struct *t, struct ns_set *to)
{
	struct nsproxy *ns = WALK(t)->nsproxy;

	__builtin_memset(to, 0, sizeof(*to));
	to->inum[6] = WALK(t)->cred->user_ns->ns.inum;
	if (!ns)
		return;
	to->inum[0] = ns->cgroup_ns->ns.inum;
	to->inum[1] = ns->ipc_ns->ns.inum;
	to->inum[2] = ns->mnt_ns->ns.inum;
	to->inum[3] = ns->net_ns->ns.inum;
	to->inum[4] = ns->pid_ns_for_children->ns.inum;
	to->inum[5] = ns->time_ns->ns.inum;
	to->inum[7] = ns->uts_ns->ns.inum;
}

/* @flag where @a and @b differ, without a branch: the verifier would walk through all combinations. */
static __always_inline u64 if_differ(u32 a, u32 b, u64 flag)
{
	u64 x = a ^ b;

	asm volatile("" : "+r"(x));
	x = (x + 0xffffffff) >> 32;	/* 1 if it is not 0 */
	asm volatile("" : "+r"(x));
	return x * flag;
}

/* CLONE_NEW* of those that differ. */
static __always_inline u64 ns_changes(const struct ns_set *a, const struct ns_set *b)
{
	return if_differ(a->inum[0], b->inum[0], 0x02000000) |
	       if_differ(a->inum[1], b->inum[1], 0x08000000) |
	       if_differ(a->inum[2], b->inum[2], 0x00020000) |
	       if_differ(a->inum[3], b->inum[3], 0x40000000) |
	       if_differ(a->inum[4], b->inum[4], 0x20000000) |
	       if_differ(a->inum[5], b->inum[5], 0x00000080) |
	       if_differ(a->inum[6], b->inum[6], 0x10000000) |
	       if_differ(a->inum[7], b->inum[7], 0x04000000);
}

static __always_inline u64 ns_difference(struct task_struct *a, struct task_struct *b)
{
	struct ns_set x, y;

	if (WALK(a)->nsproxy == WALK(b)->nsproxy && WALK(a)->cred == WALK(b)->cred)
		return 0;
	ns_of(a, &x);
	ns_of(b, &y);
	if (!WALK(a)->nsproxy || !WALK(b)->nsproxy)
		return x.inum[6] != y.inum[6] ? 0x10000000 : 0;
	return ns_changes(&x, &y);
}

/*
 * A task that left the host's namespaces and is in no container's cgroup may be the first of a
 * container made of namespaces alone: it gets an index here, before its first instruction, and user
 * space decides what it is.
 */
static __always_inline void note_namespaces(struct task_struct *t)
{
	struct ph_cgent *known = task_cgent(t), fresh = {};
	u64 key = ns_key(t);
	struct ph_ctl *c;

	if (!key || key == cfg.host_ns_key || (known && known->index))
		return;
	if (bpf_map_lookup_elem(&namespaces, &key))
		return;
	fresh.index = __sync_fetch_and_add(&next_index, 1);
	fresh.flags = cfg.new_flags;
	c = bpf_ringbuf_reserve(&control, sizeof(*c), 0);
	if (!c) {
		__sync_fetch_and_add(&control_lost, 1);
		return;
	}
	__builtin_memset(c, 0, offsetof(struct ph_ctl, path));
	c->path[0] = 0;
	c->kind = PH_CTL_NS_NEW;
	c->index = fresh.index;
	c->flags = fresh.flags;
	c->tid = t->pid;
	c->pid = t->tgid;
	c->ts_ns = bpf_ktime_get_ns();
	c->ns_key = key;
	bpf_ringbuf_submit(c, BPF_RB_NO_WAKEUP);
	bpf_map_update_elem(&namespaces, &key, &fresh, BPF_NOEXIST);
}

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	u64 who;
	u64 last;
	u32 child_container, level, n, tgid = child->tgid, ptgid = parent->tgid;
	struct pid *pid = WALK(child)->thread_pid;
	struct pid_namespace *inner;
	struct upid *numbers;
	bool first;
	u64 changed;

	if (cfg.by_pid && child->pid == child->tgid) {
		u32 *p = bpf_map_lookup_elem(&pids, &ptgid);

		if (p)
			bpf_map_update_elem(&pids, &tgid, p, BPF_ANY);
	}
	if (cfg.stacks && child->pid == child->tgid)
		maps_inherit(ptgid, tgid);
	changed = ns_difference(child, parent);
	/* After unshare(CLONE_NEWPID) the child alone is in the new one, under the same nsproxy. */
	first = pid->level != WALK(parent)->thread_pid->level;
	if (changed || first)
		note_namespaces(child);
	if (cfg.select || changed || first || WALK(child)->cgroups != WALK(parent)->cgroups)
		__sync_fetch_and_add(&generation, 1);
	/* WALK(): this is verified for each way to here, and is asked at each fork alone. */
	child_container = task_container(child);
	if (!either_selected(WALK(parent), WALK(child), &who)) {
		/* Of a process that was named all children are selected, once they have the name that was asked for. */
		if (!cfg.by_pid || !cfg.by_comm || !process_selected(child))
			return 0;
		who = OWN(child_container);
	}
	level = pid->level;
	n = level < PH_DUMP_LEVELS ? level + 1 : PH_DUMP_LEVELS;
	{
		/* Of more room than they take in the end: there is none for them on the stack. */
		EVENT_TAIL(sched_process_fork, PH_DUMP_LEVELS * sizeof(struct upid), parent, who, e, tail);
		set_comm(e->parent_comm, parent);
		SET(e, parent_tid, parent->pid);
		SET(e, parent_pid, parent->tgid);
		SET(e, parent_ns_inum, pid_ns_of(parent));
		set_comm(e->child_comm, child);
		SET(e, child_tid, child->pid);
		SET(e, child_pid, child->tgid);
		SET(e, child_container, child_container);
		SET(e, child_start_ns, child->start_time);
		/*
		 * Without a branch: what follows would be verified for each number of levels. (That it is at most 8, Linux 6.1 has
		 * forgotten by now.)
		 */
		last = n - 1;
		asm volatile("" : "+r"(last));
		last &= PH_DUMP_LEVELS - 1;
		numbers = (struct upid *)tail;
		bpf_probe_read_kernel(numbers, last * sizeof(*numbers) + sizeof(*numbers), (void *)pid + bpf_core_field_offset(pid->numbers));
		inner = numbers[last].ns;
#pragma unroll
		for (u32 i = 0; i < PH_DUMP_LEVELS; i++)
			*(s32 *)(tail + 4 * i) = numbers[i].nr;
		SET(e, vtids, n);
		SET(e, child_ns_inum, inner ? BPF_CORE_READ(inner, ns.inum) : 0);
		DONE_ALWAYS(sched_process_fork, e, 4 * n);
	}
	if (changed)
		emit_namespaces(child, WHO(child_container, child_container), changed);
	return 0;
}

SEC("?tp_btf/task_rename")
int BPF_PROG(task_rename, struct task_struct *t, const char *comm)
{
	struct task_struct *cur = current_task();
	char newcomm[16] __attribute__((aligned(8))) = "";
	u64 who;

	/* An exec gives the last part of a path, of any length. */
	bpf_probe_read_kernel_str(newcomm, sizeof(newcomm), comm);
	if (!either_selected(WALK(cur), WALK(t), &who)) {
		/* Whoever gets a selected name must be known by it from here on. */
		if (!cfg.by_comm || !task_selected_as(t, newcomm, &who))
			return 0;
	}
	EVENT(task_rename, cur, who, e);
	SET(e, tid, t->pid);
	set_comm(e->oldcomm, t);
	*(u64 *)e->newcomm = *(u64 *)newcomm;
	*(u64 *)(e->newcomm + 8) = *(u64 *)(newcomm + 8);
	SET(e, oom_score_adj, WALK(t)->signal->oom_score_adj);
	DONE_ALWAYS(task_rename, e, 0);
	return 0;
}

SEC("?tp_btf/sched_process_exec")
int BPF_PROG(sched_process_exec, struct task_struct *t, s32 old_tid, struct linux_binprm *bprm)
{
	u64 who;
	u32 at = 0;
	u64 changed = ns_difference(t, WALK(t)->real_parent);

	if (cfg.stacks)
		maps_forget(t->tgid);
	if (changed)
		note_namespaces(t);
	if (!task_selected(t, &who))
		return 0;
	if (changed)
		emit_namespaces(t, who, changed);
	EVENT_TAIL(sched_process_exec, 256, t, who, e, tail);
	SET(e, tid, t->pid);
	SET(e, old_tid, old_tid);
	at = TAIL_STR(e, filename, tail, at, 256, bprm->filename);
	DONE_ALWAYS(sched_process_exec, e, at);
	return 0;
}

SEC("?tp_btf/sched_process_exit")
int BPF_PROG(sched_process_exit, struct task_struct *t)
{
	struct task_struct *leader = WALK(t)->group_leader;
	struct signal_struct *process = WALK(t)->signal;
	bool last = process->live.counter == 0;
	char name[16] __attribute__((aligned(8)));
	u32 tgid = t->tgid;
	s32 tid = t->pid;
	u64 who;

	if (nthrottled && !bpf_map_delete_elem(&throttled, &tid))
		__sync_fetch_and_add(&nthrottled, -1);
	if (!task_selected(t, &who)) {
		/* A process has the name of its first thread, and may end with another. */
		if (!last || !cfg.by_comm)
			return 0;
		set_comm(name, leader);
		if (!task_selected_as(t, name, &who))
			return 0;
	}
	EVENT(sched_process_exit, t, who, e);
	set_comm(e->comm, t);
	SET(e, tid, t->pid);
	SET(e, prio, t->prio - 100);
	SET(e, exit_code, t->exit_code);
	SET(e, utime_ns, t->utime);
	SET(e, stime_ns, t->stime);
	SET(e, runtime_ns, t->se.sum_exec_runtime);
	SET(e, run_delay_ns, task_run_delay(t));
	SET(e, process_status, !last ? 0 : process->flags & SIGNAL_GROUP_EXIT ? process->group_exit_code : leader->exit_code);
	SET(e, process_end, last ? 2 : process->flags & SIGNAL_GROUP_EXIT ? 3 : 1);
	DONE_ALWAYS(sched_process_exit, e, 0);
	if (cfg.by_pid && last)
		bpf_map_delete_elem(&pids, &tgid);
	return 0;
}

SEC("?tp_btf/sched_process_free")
int BPF_PROG(sched_process_free, struct task_struct *t)
{
	struct task_struct *cur = current_task();
	u64 who;

	if (!task_selected(t, &who))
		return 0;
	EVENT(sched_process_free, cur, WHO(task_container(cur), who), e);
	set_comm(e->comm, t);
	SET(e, tid, t->pid);
	SET(e, prio, t->prio - 100);
	DONE(sched_process_free, e, 0);
	return 0;
}
