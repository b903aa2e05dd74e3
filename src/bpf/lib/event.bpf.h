/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BPF_EVENT_BPF_H
#define PH_BPF_EVENT_BPF_H

#include "ident.bpf.h"

/*
 * Writing one event:
 *
 *	EVENT(sched_waking, cur, who, e);		// returns from the program when there is no room
 *	SET(e, tid, p->pid);
 *	DONE(sched_waking, e, 0);
 */

/* Fields of packed records, as one store each: the compiler must not take them apart into bytes. */
#define SET(e, field, value) (*(typeof((e)->field) *)(void *)&(e)->field = (value))

static __always_inline void set_comm(void *dst, struct task_struct *t)
{
	const u64 *src = (const u64 *)t->comm;
	u64 *to = dst;

	to[0] = src[0];
	to[1] = src[1];
}

/* As the task itself sees them: its parent is 0 when it is outside. */
static __always_inline void fill_vpids(struct ph_rec_ctx *c, struct task_struct *t)
{
	struct pid *pid = t->thread_pid, *leader = t->group_leader->thread_pid;
	struct pid *parent = t->real_parent->group_leader->thread_pid;
	u32 level = pid ? pid->level : 0;	/* none: the task is exiting */
	struct upid me = upid_at(pid, level), up = upid_at(parent, level);

	c->vtid = me.nr;
	c->vpid = upid_at(leader, level).nr;
	c->vppid = up.ns == me.ns ? up.nr : 0;
}

static __always_inline void fill_context(struct ph_rec_ctx *c, struct task_struct *t)
{
	struct task_struct *w = WALK(t);

	if (cfg.context & PH_CTX_PPID)
		c->ppid = w->real_parent->tgid;
	if (cfg.context & PH_CTX_VPID)
		fill_vpids(c, w);
	if (cfg.context & PH_CTX_PRIO) {
		c->prio = t->prio - 100;
		c->nice = t->static_prio - 120;
	}
	if (cfg.context & PH_CTX_CRED) {
		const struct cred *cred = w->cred;

		c->uid = cred->uid.val;
		c->euid = cred->euid.val;
		c->suid = cred->suid.val;
		c->gid = cred->gid.val;
		c->egid = cred->egid.val;
		c->sgid = cred->sgid.val;
	}
	if (cfg.context & PH_CTX_NS) {
		struct nsproxy *ns = w->nsproxy;

		if (ns) {
			c->ns[0] = ns->cgroup_ns->ns.inum;
			c->ns[1] = ns->ipc_ns->ns.inum;
			c->ns[2] = ns->mnt_ns->ns.inum;
			c->ns[3] = ns->net_ns->ns.inum;
			c->ns[4] = pid_ns_of(w);
			c->ns[5] = ns->time_ns->ns.inum;
			c->ns[7] = ns->uts_ns->ns.inum;
		} else {
			for (int i = 0; i < 8; i++)
				c->ns[i] = 0;
		}
		c->ns[6] = w->cred->user_ns->ns.inum;
	}
	if (cfg.context & PH_CTX_PROCNAME)
		set_comm(c->procname, t);
	if (cfg.context & PH_CTX_CGROUP)
		c->cgroup_id = cfg.identity == PH_ID_CPU ? w->sched_task_group->css.cgroup->kn->id :
							   w->cgroups->dfl_cgrp->kn->id;
}

#define CTX_BYTES (cfg.context ? sizeof(struct ph_rec_ctx) : 0)
#define REC_BYTES(payload) (sizeof(struct ph_rec) + CTX_BYTES + (payload))

/* Reserve a record with @payload bytes behind header and contexts; returns where they begin. */
static __always_inline void *rec_begin(struct slot *s, struct ph_rec **ret_rec, u32 payload,
				       struct task_struct *cur, u64 who)
{
	struct ph_rec *r = ring_reserve(s, ALIGN8(REC_BYTES(payload)));

	if (!r)
		return NULL;
	*ret_rec = r;
	r->container = (u32)who;
	r->why = who >> 32;
	r->tid = cur->pid;
	r->pid = cur->tgid;
	if (cfg.context)
		fill_context((struct ph_rec_ctx *)(r + 1), cur);
	return (u8 *)(r + 1) + CTX_BYTES;
}

/*
 * The place of a filter expression, one for each event: user space writes its code over the filler
 * before loading (collect/filter.c). R1 is the record; the code falls through with R0: keep or not.
 * What is left of the filler is jumped over by a condition that the verifier knows to be true: it would
 * walk through it at each call otherwise (and may not find code that nothing leads to).
 */
#define PH_STRING(x) #x
#define FILTER_SLOT(name, insns)							\
	__attribute__((noinline, naked, used)) static int filter_##name(void)		\
	{										\
		asm volatile("r0 = 1\n"							\
			     "r2 = 0\n"							\
			     "if r2 == 0 goto 1f\n"					\
			     ".rept " PH_STRING(insns) "\n"				\
			     "goto +0\n"						\
			     ".endr\n"							\
			     "1: exit\n" ::: "r0", "r1", "r2", "r3", "r4", "r5", "memory"); \
	}

/* Called by hand: the argument of a function without a C body has no name, which BTF demands. */
#define FILTER_KEEPS(name, rec) ({							\
	u64 keep_;									\
	asm volatile("r1 = %[rec_]\n"							\
		     "call filter_" #name "\n"						\
		     "%[keep_] = r0\n"							\
		     : [keep_] "=r"(keep_)						\
		     : [rec_] "r"(rec)							\
		     : "r0", "r1", "r2", "r3", "r4", "r5", "memory");			\
	keep_;										\
})

#define PH_EVENT(num, name, group, doc, fields) FILTER_SLOT(name, 160)
#include "event/events.def"
#undef PH_EVENT
FILTER_SLOT(syscall_entry, 1500)
FILTER_SLOT(syscall_exit, 1500)

/* The stacks of the current task, for the event that the next record is of (callstack.bpf.h). */
static __noinline int write_callstack(u32 trigger, u64 who);

#define STACK_OF(name) (cfg.stack_of[PH_EV_##name / 64] >> PH_EV_##name % 64 & 1)
#define STACK(name, who)								\
	do {											\
		if (STACK_OF(name))								\
			write_callstack(PH_EV_##name, who);					\
	} while (0)

/*
 * …_ALONE: without a stack before it. So in functions: calls may be nested 512 bytes of stack deep, and the verifier counts those
 * that are never made (ph_event_may_have_stack()).
 */
#define EVENT(name, cur, who, e)								\
	STACK(name, who);									\
	EVENT_ALONE(name, cur, who, e)

#define EVENT_ALONE(name, cur, who, e)							\
	struct slot slot_;									\
	struct ph_rec *rec_;									\
	struct ph_ev_##name *e = rec_begin(&slot_, &rec_, sizeof(*e), cur, who);		\
	if (!e)											\
		return 0

/* The same with up to @tail_max more bytes behind the fixed fields: `tail` points there. */
#define EVENT_TAIL(name, tail_max, cur, who, e, tail)					\
	STACK(name, who);									\
	EVENT_TAIL_ALONE(name, tail_max, cur, who, e, tail)

#define EVENT_TAIL_ALONE(name, tail_max, cur, who, e, tail)				\
	struct slot slot_;									\
	struct ph_rec *rec_;									\
	u8 *tail;										\
	struct ph_ev_##name *e =								\
		rec_begin(&slot_, &rec_, sizeof(*e) + (tail_max), cur, who);		\
	if (!e)											\
		return 0;									\
	tail = (u8 *)(e + 1)

#define DONE(name, e, tail_used)								\
	do {											\
		if (cfg.filter && !FILTER_KEEPS(name, rec_))						\
			ring_discard(&slot_, rec_);						\
		else										\
			ring_commit(&slot_, rec_, PH_EV_##name,					\
				    REC_BYTES(sizeof(*(e)) + (tail_used)));			\
	} while (0)

/* Of events that are in every recording (ph_event_always()): no filter is asked. */
#define DONE_ALWAYS(name, e, tail_used)								\
	ring_commit(&slot_, rec_, PH_EV_##name, REC_BYTES(sizeof(*(e)) + (tail_used)))

/* Append the kernel string @p to a tail at @at (< @max); the new position. Sets @len_field. */
#define TAIL_STR(e, field, tail, at, max, p) ({							\
	long n_ = bpf_probe_read_kernel_str((tail) + (at), (max), (p));			\
	u32 len_ = n_ > 0 ? (u32)n_ - 1 : 0;							\
	if (len_ > (max))									\
		len_ = (max);									\
	SET(e, field, len_);									\
	(at) + len_;										\
})

/* The task in whose context a probe runs. */
static __always_inline struct task_struct *current_task(void)
{
	return bpf_get_current_task_btf();
}

/* Return unless the current task is selected and is not the recorder itself. */
#define CURRENT_SELECTED(cur, who)							\
	struct task_struct *cur = current_task();						\
	u64 who;										\
	if (cur->tgid == cfg.self_tgid || !current_selected(cur, &who))			\
		return 0

/* The pointer in an array of pointers. (To load it, any struct with a pointer in it will do.) */
static __always_inline void *pointer_at(void *at)
{
#ifdef PH_RDONLY_CAST
	return CAST(at - bpf_core_field_offset(struct path, mnt), struct path)->mnt;
#else
	void *p = NULL;

	bpf_probe_read_kernel(&p, sizeof(p), at);
	return p;
#endif
}

/* The file behind a descriptor of @t, which is the current task; NULL: there is none any more. */
static __always_inline struct file *fd_file(struct task_struct *t, u32 fd)
{
	struct files_struct *files = WALK(t)->files;
	struct fdtable *fdt;

	if (!files)
		return NULL;
	fdt = files->fdt;
	if (fd >= fdt->max_fds)
		return NULL;
	return pointer_at(fdt->fd + fd);
}

/* The socket that descriptor @fd of @t, the current task, is; NULL: it is none. */
static __always_inline struct sock_common *fd_sock(struct task_struct *t, u32 fd)
{
	struct file *f = fd_file(t, fd);
	struct inode *inode;
	void *sock;

	if (!f)
		return NULL;
	inode = FETCH(f, struct file, f_inode);
	if ((FETCH(inode, struct inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	sock = FETCH(f, struct file, private_data);
	return (struct sock_common *)FETCH(sock, struct socket, sk);
}

/* The cgroup of @t for controller @i; 0: none. */
static __always_inline u64 controller_cgroup(struct task_struct *t, u32 i)
{
	struct cgroup_subsys_state *css = NULL;
	struct css_set *set = WALK(t)->cgroups;

	bpf_probe_read_kernel(&css, sizeof(css), (void *)set + bpf_core_field_offset(set->subsys) + 8 * i);
	return css ? BPF_CORE_READ(css, cgroup, kn, id) : 0;
}

static __always_inline u64 memory_cgroup(struct task_struct *t)
{
	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return 0;
	return controller_cgroup(t, bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id));
}

#include "callstack.bpf.h"

#endif
