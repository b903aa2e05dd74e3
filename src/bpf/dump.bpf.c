/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state dump: every task, every open file, as the kernel has them (struct ph_dump_*). */

/* The number of the system call that a sleeping task is in, -1: none, or it runs. */
static __always_inline s32 dump_syscall(struct task_struct *t)
{
	struct pt_regs *regs;

	if (t->flags & PF_KTHREAD || !t->__state)
		return -1;
	regs = (struct pt_regs *)bpf_task_pt_regs(t);
	return sys_nr(regs);
}

static __always_inline void dump_levels(struct ph_dump_task *d, struct task_struct *t)
{
	struct pid *pid = t->thread_pid, *leader = t->group_leader->thread_pid;
	struct pid *parent = t->real_parent->group_leader->thread_pid;
	u32 level = pid->level, plevel = parent->level;
	u64 base = bpf_core_field_offset(pid->numbers), step = bpf_core_type_size(struct upid);

	for (u32 i = 0; i < PH_DUMP_LEVELS; i++) {
		struct upid a = {}, b = {}, c = {};

		if (i > level)
			break;
		bpf_probe_read_kernel(&a, sizeof(a), (void *)pid + base + i * step);
		bpf_probe_read_kernel(&b, sizeof(b), (void *)leader + base + i * step);
		if (i <= plevel)
			bpf_probe_read_kernel(&c, sizeof(c), (void *)parent + base + i * step);
		d->level[i].tid = a.nr;
		d->level[i].pid = b.nr;
		d->level[i].ppid = c.ns == a.ns ? c.nr : 0;
		d->level[i].inum = a.ns ? BPF_CORE_READ(a.ns, ns.inum) : 0;
		d->levels = i + 1;
	}
}

SEC("?iter/task")
int dump_task(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	struct ph_dump_task d = {};
	struct task_struct *w;
	struct nsproxy *ns;
	u64 who;

	if (!t)
		return 0;
	d.tid = t->pid;
	d.pid = t->tgid;
	w = WALK(t);
	d.ppid = w->real_parent->tgid;
	d.flags = t->flags;
	d.state = t->__state;
	d.exit_state = t->exit_state;
	d.on_cpu = t->on_cpu;
	d.cpu = task_cpu(t);
	d.syscall = dump_syscall(t);
	d.container = task_container(t);
	d.selected = task_selected(t, &who);
	d.why = who >> 32;
	d.utime_ns = t->utime;
	d.stime_ns = t->stime;
	d.runtime_ns = t->se.sum_exec_runtime;
	d.run_delay_ns = task_run_delay(t);
	d.min_flt = t->min_flt;
	d.maj_flt = t->maj_flt;
	d.files = (u64)w->files;
	d.start_ns = t->start_time;
	d.cgroup_id = w->sched_task_group->css.cgroup->kn->id;
	d.cgroup_v2_id = w->cgroups->dfl_cgrp->kn->id;
	d.uid = w->cred->uid.val;
	d.gid = w->cred->gid.val;
	d.user_level = w->cred->user_ns->level;
	ns = w->nsproxy;
	if (ns) {
		d.ns[0] = ns->cgroup_ns->ns.inum;
		d.ns[1] = ns->ipc_ns->ns.inum;
		d.ns[2] = ns->mnt_ns->ns.inum;
		d.ns[3] = ns->net_ns->ns.inum;
		d.ns[4] = pid_ns_of(t);
		d.ns[5] = ns->time_ns->ns.inum;
		d.ns[7] = ns->uts_ns->ns.inum;
	}
	d.ns[6] = w->cred->user_ns->ns.inum;
	if (w->thread_pid && w->group_leader && w->real_parent)
		dump_levels(&d, w);
	set_comm(d.comm, t);
	bpf_seq_write(ctx->meta->seq, &d, sizeof(d));
	return 0;
}

/* Limits that are out when the recording begins. */
SEC("?iter/task")
int dump_limits(struct bpf_iter__task *ctx)
{
	struct task_struct *cur = current_task(), *t = ctx->task;
	u64 who;

	if (!t)
		return 0;
	/* A runqueue's clock was right at its last tick, so that the least difference is the best. */
	if (!clock_ahead || bpf_ktime_get_ns() - WALK(cur)->se.cfs_rq->rq->clock < clock_ahead)
		clock_ahead = bpf_ktime_get_ns() - WALK(cur)->se.cfs_rq->rq->clock;
	if (WALK(t)->se.cfs_rq->throttle_count > 0 && task_selected(t, &who))
		limits_look((u64)BPF_CORE_READ(t, sched_task_group), task_cpu(t), who, false);
	return 0;
}

/*
 * Threads with a seccomp filter that sleep inside a system call when the recording begins: their
 * exit has no entry, and was not refused.
 */
SEC("?iter/task")
int dump_marks(struct bpf_iter__task *ctx)
{
	struct task_struct *t = ctx->task;
	struct sys_mark *m;
	s32 nr;

	if (!t || t->seccomp.mode != SECCOMP_MODE_FILTER || !t->__state)
		return 0;
	nr = dump_syscall(t);
	m = bpf_task_storage_get(&sys_marks, t, 0, 0);
	if (m)	/* it has entered or left a call since: that is newer than what we see */
		return 0;
	m = bpf_task_storage_get(&sys_marks, t, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (m)
		m->nr1 = nr < 0 ? 0 : nr + 1;
	return 0;
}

SEC("?iter/task_file")
int dump_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *t = ctx->task;
	struct file *f = ctx->file;
	struct ph_dump_file d = {};
	long n;

	if (!t || !f)
		return 0;
	/* Once for each process: of one whose first thread has ended, which has none any more, all the others tell. */
	if (t->pid != t->tgid && WALK(t)->group_leader->files)
		return 0;
	d.files = (u64)WALK(t)->files;
	d.tid = t->pid;
	d.fd = ctx->fd;
	d.flags = f->f_flags;
	d.mode = f->f_mode;
	n = bpf_d_path(&f->f_path, d.path, sizeof(d.path));
	d.len = n > 0 ? n - 1 : 0;
	bpf_seq_write(ctx->meta->seq, &d, sizeof(d));
	return 0;
}

struct ph_kernel_name kernel_name SEC(".data.kernel_name") = {};

/* Run by user space: of the hundred thousand names in /proc/kallsyms, stacks have some hundred. */
SEC("?syscall")
int dump_name(void *ctx)
{
	u64 address = kernel_name.address;

	return BPF_SNPRINTF(kernel_name.text, sizeof(kernel_name.text), "%pS", address);
}
