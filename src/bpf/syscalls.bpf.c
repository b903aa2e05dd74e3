/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls: entry and exit with arguments, and what pointers among them point to. */
#include "lib/sysdef.bpf.h"

/*
 * Strings whose page was not in memory at entry cannot be read there (a probe may not sleep). The
 * kernel reads them itself during the call, so they can be read at its exit: the thread waits here.
 */
struct late {
	s32 nr;
	u32 which;		/* bit mask of captures */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, s32);
	__type(value, struct late);
} late_args SEC(".maps");

u32 nlate;

/*
 * A call that seccomp refuses ends without having begun (x86 and arm64 trace the entry after
 * seccomp, the exit always). So each thread that has a seccomp filter is marked at entry and the
 * mark is taken away at exit: an exit without mark was refused. A thread that has no mark storage
 * yet was inside the call when the recording began.
 */
struct sys_mark {
	s32 nr1;		/* number + 1 of the call it is in, 0: none */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sys_mark);
} sys_marks SEC(".maps");

#define ENOSYS 38

/* Captures may take this much of a record; the rest is header, contexts and arguments. */
#define CAP_ROOM (PH_REC_MAX - 1024)
#define CAP_MAX 4095

/* struct msghdr and iovec of 64-bit programs, as far as they are looked at. */
struct user_iovec {
	u64 base, len;
};

struct user_msghdr {
	u64 name;
	u32 namelen, pad_;
	struct user_iovec *iov;
	u64 iovlen;
};

/* Where a capture goes: its length, then the bytes. Twice the room helps the verifier's bounds. */
struct cap_buf {
	u16 len;
	u8 bytes[2 * CAP_MAX];
};

struct cap_args {
	u64 arg[6];
	s64 ret;		/* < 0 at entry */
	u32 compat;
};

/* argv: the strings one behind the other, each with its NUL, until the room is full. */
static __always_inline u32 capture_argv(struct cap_buf *to, u64 argv, u32 max, bool compat)
{
	u32 at = 0, width = compat ? 4 : 8;

	for (u32 i = 0; i < PH_MAX_ARGV; i++) {
		u64 p = 0;
		long n;

		if (bpf_probe_read_user(&p, width, (void *)(argv + width * i)) || !p)
			break;
		if (at >= max || at >= CAP_MAX)
			break;
		n = bpf_probe_read_user_str(to->bytes + at, max - at, (void *)p);
		if (n < 0)
			break;
		/* Of an empty string kernels before 6.13 say 0, and not 1 as of its NUL. */
		at += n ? n : 1;
	}
	return at > max ? max : at;
}

/*
 * Make one capture; returns the bytes used, at most 2 + CAP_MAX. What cannot be read is marked
 * PH_CAP_FAULT. A global function: the verifier looks at it once, not at each of its calls.
 */
__noinline int capture(struct cap_buf *to, const struct ph_capture *c, const struct cap_args *a)
{
	struct user_msghdr msg = {};
	struct user_iovec iov = {};
	u32 max, n32 = 0;
	u64 len = 0;
	void *p;
	long n;

	if (!to || !c || !a)
		return 0;
	max = c->whole ? cfg.capture_name : cfg.capture_data;
	if (max > CAP_MAX)
		max = CAP_MAX;
	to->len = 0;
	if (c->arg > 5 || c->len_arg > 5)
		return 2;
	p = (void *)a->arg[c->arg];
	if (!p)
		return 2;
	switch (c->kind) {
	case PH_CAP_STR:
		n = bpf_probe_read_user_str(to->bytes, max, p);
		if (n < 0)
			goto fault;
		n = n ? n - 1 : 0;
		to->len = n;
		return 2 + n;
	case PH_CAP_ARGV:
		n = capture_argv(to, (u64)p, max, a->compat);
		to->len = n;
		return 2 + n;
	case PH_CAP_ARG_LEN:
		len = a->arg[c->len_arg] * c->len;
		break;
	case PH_CAP_RET_LEN:
		/* Some calls return more than the buffer holds (MSG_TRUNC, getxattr). */
		len = a->ret > 0 ? (u64)a->ret : 0;
		if (len > a->arg[c->len_arg])
			len = a->arg[c->len_arg];
		len *= c->len;
		break;
	case PH_CAP_PTR_LEN:
		if (bpf_probe_read_user(&n32, sizeof(n32), (void *)a->arg[c->len_arg]))
			goto fault;
		len = n32;
		break;
	case PH_CAP_FIXED:
		len = c->len;
		break;
	case PH_CAP_MSG:
	case PH_CAP_MSG_NAME:
		if (a->compat)	/* 32-bit structs: not followed */
			return 2;
		if (bpf_probe_read_user(&msg, sizeof(msg), p))
			goto fault;
		if (c->kind == PH_CAP_MSG_NAME) {
			p = (void *)msg.name;
			len = msg.namelen;
			break;
		}
		p = msg.iov;
		/* fall through */
	case PH_CAP_IOVEC:
		if (!p || a->compat)
			return 2;
		if (bpf_probe_read_user(&iov, sizeof(iov), p))
			goto fault;
		p = (void *)iov.base;
		len = iov.len;
		if (a->ret >= 0 && len > (u64)a->ret)
			len = a->ret;
		break;
	}
	if (len > max)
		len = max;
	if (!p || !len)
		return 2;
	if (bpf_probe_read_user(to->bytes, len, p))
		goto fault;
	to->len = len;
	return 2 + len;
fault:
	to->len = PH_CAP_FAULT;
	return 2;
}

static __always_inline void put_args(u64 *to, struct pt_regs *regs, u32 nargs, bool compat)
{
	switch (nargs) {
	default: to[5] = sys_arg(regs, 5, compat);	/* fall through */
	case 5: to[4] = sys_arg(regs, 4, compat);	/* fall through */
	case 4: to[3] = sys_arg(regs, 3, compat);	/* fall through */
	case 3: to[2] = sys_arg(regs, 2, compat);	/* fall through */
	case 2: to[1] = sys_arg(regs, 1, compat);	/* fall through */
	case 1: to[0] = sys_arg(regs, 0, compat);	/* fall through */
	case 0: break;
	}
}

/* All captures of a call behind its arguments; the bytes used. *@faults: strings not in memory. */
static __always_inline u32 captures(u8 *to, const struct ph_capture *c, struct pt_regs *regs, s64 ret,
				    bool compat, u32 *faults)
{
	struct cap_args a = { .ret = ret, .compat = compat };
	u32 at = 0;

	put_args(a.arg, regs, 6, compat);
#pragma unroll
	for (int i = 0; i < PH_MAX_CAPTURES; i++) {
		struct cap_buf *buf = (void *)(to + at);
		u32 n;

		if (!c[i].kind)
			break;
		if (at > CAP_ROOM - sizeof(*buf))
			break;
		n = capture(buf, &c[i], &a);
		if (n > 2 + CAP_MAX)
			break;
		if (c[i].kind == PH_CAP_STR && buf->len == PH_CAP_FAULT)
			*faults |= 1 << i;
		at += n;
	}
	return at;
}

/*
 * No tracepoint tells that unshare or setns changed a task's namespaces, and the call's arguments do
 * not tell which (setns takes 0 for any): they are compared with those at its entry. Where no system
 * calls are recorded, the task's next fork or exec tells.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, s32);
	__type(value, struct ns_set);
} ns_before SEC(".maps");

static __always_inline bool changes_namespaces(long nr, bool compat)
{
	return compat ? nr == NR_COMPAT_UNSHARE || nr == NR_COMPAT_SETNS :
			nr == NR_UNSHARE || nr == NR_SETNS;
}

static __noinline void remember_namespaces(struct task_struct *t)
{
	struct ns_set now;
	s32 tid = t->pid;

	ns_of(t, &now);
	bpf_map_update_elem(&ns_before, &tid, &now, BPF_ANY);
}

static __noinline int compare_namespaces(struct task_struct *t)
{
	struct ns_set now, *before;
	s32 tid = t->pid;
	u64 flags, who;

	before = bpf_map_lookup_elem(&ns_before, &tid);
	if (!before)
		return 0;
	ns_of(t, &now);
	flags = ns_changes(&now, before);
	bpf_map_delete_elem(&ns_before, &tid);
	if (!flags)
		return 0;
	note_namespaces(t);
	if (task_selected(t, &who))
		emit_namespaces(t, who, flags);
	return 0;
}

static __noinline void remember_late(s32 tid, s32 nr, u32 which)
{
	struct late l = { .nr = nr, .which = which };

	if (!bpf_map_update_elem(&late_args, &tid, &l, BPF_NOEXIST))
		__sync_fetch_and_add(&nlate, 1);
}

/* A bound for the verifier. */
static __always_inline u32 room(u32 n)
{
	return n > CAP_ROOM ? CAP_ROOM : n;
}

/*
 * Threads that are not recorded should pay nearly nothing. Where the answer can only change together
 * with the generation (which every fork counts up where this is used: the stack of a thread that ended
 * is given to a new one), each CPU remembers the thread it last answered no for. The place of its
 * saved registers names it: to ask for the current task would cost a call, which the mitigations of
 * many CPUs make the dearest part.
 */
static __always_inline bool may_skip(void)
{
	return cfg.select && !cfg.by_comm && !cfg.nns;
}

static __always_inline bool skipped(struct pt_regs *regs)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct ph_ring_ctl *ctl = bpf_map_lookup_elem(&ring_ctl, &cpu);

	return ctl && ctl->skip_regs == (u64)regs && ctl->skip_generation == READ_ONCE(generation);
}

static __always_inline void skip(struct pt_regs *regs)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct ph_ring_ctl *ctl = bpf_map_lookup_elem(&ring_ctl, &cpu);

	if (!ctl)
		return;
	ctl->skip_generation = READ_ONCE(generation);
	ctl->skip_regs = (u64)regs;
}

/* calldata.bpf.c */
enum { DATA_ENTRY, DATA_EXIT };
__noinline int write_call_data(s32 nr, s64 ret, u64 who, u32 when);

/* The number of a call's event, as a callstack's trigger. */
static __always_inline u32 call_class(s32 nr, bool compat, u32 base)
{
	return base + ((u32)nr < PH_NSYSCALLS ? nr : PH_NSYSCALLS - 1) + (compat ? PH_EV_COMPAT : 0);
}

SEC("?tp_btf/sys_enter")
int BPF_PROG(sys_enter, struct pt_regs *regs, long id)
{
	u32 nargs, fixed, at = 0, faults = 0;
	struct task_struct *cur;
	struct ph_rec_enter *e;
	struct ph_sysdef *def;
	struct ph_rec *rec;
	struct slot s;
	bool compat;
	u64 who;

	if (may_skip() && skipped(regs))
		return 0;
	cur = current_task();
	if (is_recorder(cur) || !current_selected(cur, &who)) {
		if (may_skip())
			skip(regs);
		return 0;
	}
	if (cfg.mark_seccomp && cur->seccomp.mode == SECCOMP_MODE_FILTER) {
		struct sys_mark *m = bpf_task_storage_get(&sys_marks, cur, 0,
							  BPF_LOCAL_STORAGE_GET_F_CREATE);

		if (m)
			m->nr1 = (s32)id + 1;
	}
	compat = sys_compat(cur);
	if (changes_namespaces(id, compat))
		remember_namespaces(cur);
	def = sysdef(id, compat);
	if (!def || !def->enter)
		return 0;
	nargs = def->nargs & 7;
	if (nargs > 6)
		nargs = 6;
	fixed = sizeof(*e) + 8 * nargs;
	if (cfg.call_stacks && def->stack & PH_STACK_ENTRY)
		write_callstack(call_class(id, compat, PH_EV_SYSCALL_ENTRY), who);
	e = rec_begin(&s, &rec, fixed + room(def->in_room), cur, who);
	if (!e)
		return 0;
	e->nr = id;
	e->compat = compat;
	e->nargs = nargs;
	put_args(e->args, regs, nargs, compat);
	if (def->in[0].kind)
		at = captures((u8 *)e + fixed, def->in, regs, -1, compat, &faults);
	if (cfg.filter && !FILTER_KEEPS(syscall_entry, rec)) {
		ring_discard(&s, rec);
		return 0;
	}
	ring_commit(&s, rec, PH_EV_SYSCALL_ENTRY, REC_BYTES(fixed + at));
	if (faults && def->exit)
		remember_late(cur->pid, id, faults);
	if (cfg.call_data && !compat)
		write_call_data(id, -1, who, DATA_ENTRY);
	return 0;
}

/*
 * These two are global functions, which the verifier looks at once: on each path through sys_exit
 * they are more than that of Linux 6.1 goes through. They may take numbers only.
 */
__noinline int emit_refused(long ret, u64 who, u32 compat)
{
	struct task_struct *cur = current_task();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(cur);

	EVENT_TAIL_ALONE(seccomp_refused, 8, cur, who, e, tail);
	SET(e, nr, (s32)sys_nr(regs));
	/* User space knows the name, by the number and its table. */
	SET(e, name, 1);
	*tail = compat;
	SET(e, ret, ret);
	SET(e, arg0, sys_arg(regs, 0, compat));
	SET(e, arg1, sys_arg(regs, 1, compat));
	SET(e, arg2, sys_arg(regs, 2, compat));
	SET(e, arg3, sys_arg(regs, 3, compat));
	SET(e, arg4, sys_arg(regs, 4, compat));
	SET(e, arg5, sys_arg(regs, 5, compat));
	DONE(seccomp_refused, e, 1);
	return 0;
}

/* The strings that could not be read at entry, if they can be now. */
__noinline int emit_late(u64 who, u32 compat)
{
	struct task_struct *cur = current_task();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(cur);
	struct late *l, copy;
	struct ph_sysdef *def;
	s32 tid = cur->pid;

	l = bpf_map_lookup_elem(&late_args, &tid);
	if (!l)
		return 0;
	copy = *l;
	if (bpf_map_delete_elem(&late_args, &tid))
		return 0;
	__sync_fetch_and_add(&nlate, -1);
	def = sysdef(copy.nr, compat);
	/* An exec that succeeded has other memory and registers: nothing can be read any more. */
	if (!def || sys_nr(regs) != copy.nr)
		return 0;
	for (int i = 0; i < PH_MAX_CAPTURES; i++) {
		u32 max = cfg.capture_name > CAP_MAX ? CAP_MAX : cfg.capture_name;
		long n;

		if (!(copy.which & (1 << i)))
			continue;
		EVENT_TAIL_ALONE(syscall_late_string, max, cur, who, e, tail);
		SET(e, nr, copy.nr);
		SET(e, arg, def->in[i].arg);
		n = bpf_probe_read_user_str(tail, max, (void *)sys_arg(regs, def->in[i].arg, compat));
		n = n > 0 ? n - 1 : 0;
		SET(e, value, n);
		DONE(syscall_late_string, e, n & CAP_MAX);
	}
	return 0;
}

/* denied.bpf.c */
#define CALL_COMPAT 1
#define CALL_REFUSED 2
#define CALL_LATE 4
__noinline int call_ended(long ret, u64 who, u32 flags);

SEC("?tp_btf/sys_exit")
int BPF_PROG(sys_exit, struct pt_regs *regs, long ret)
{
	u32 nargs, fixed, at = 0, faults = 0;
	struct task_struct *cur;
	struct ph_rec_exit *e;
	struct ph_sysdef *def;
	struct ph_rec *rec;
	struct slot s;
	bool compat, refused = false;
	long nr;
	u64 who;

	if (may_skip() && skipped(regs))
		return 0;
	cur = current_task();
	if (is_recorder(cur) || !current_selected(cur, &who)) {
		if (may_skip())
			skip(regs);
		return 0;
	}
	compat = sys_compat(cur);
	nr = sys_nr(regs);
	/* The interrupted call's registers are back; a call with the number -1 there never was one. */
	if (nr == -1 && ret != -ENOSYS)
		nr = compat ? NR_COMPAT_SIGRETURN : NR_SIGRETURN;
	def = sysdef(nr, compat);
	if (!def)
		return 0;
	if (changes_namespaces(nr, compat))
		compare_namespaces(cur);
	if (cfg.mark_seccomp && cur->seccomp.mode == SECCOMP_MODE_FILTER) {
		struct sys_mark *m = bpf_task_storage_get(&sys_marks, cur, 0, 0);

		if (m) {
			refused = m->nr1 == 0;
			if (refused)
				emit_refused(ret, who, compat);
			m->nr1 = 0;
		}
	}
	if (cfg.failures)
		call_ended(ret, who, (compat ? CALL_COMPAT : 0) | (refused ? CALL_REFUSED : 0));
	if (!def->exit)
		return 0;
	if (nlate)
		emit_late(who, compat);
	if (cfg.call_data && !compat)
		write_call_data(nr, ret, who, DATA_EXIT);
	nargs = def->exit_nargs & 7;
	if (nargs > 6)
		nargs = 6;
	fixed = sizeof(*e) + 8 * nargs;
	if (cfg.call_stacks && def->stack & PH_STACK_EXIT)
		write_callstack(call_class(nr, compat, PH_EV_SYSCALL_EXIT), who);
	e = rec_begin(&s, &rec, fixed + room(def->out_room), cur, who);
	if (!e)
		return 0;
	e->nr = nr;
	e->compat = compat;
	e->nargs = nargs;
	e->ret = ret;
	put_args(e->args, regs, nargs, compat);
	/* A call that failed has written nothing. */
	if (def->out[0].kind && ret >= 0)
		at = captures((u8 *)e + fixed, def->out, regs, ret, compat, &faults);
	if (cfg.filter && !FILTER_KEEPS(syscall_exit, rec))
		ring_discard(&s, rec);
	else
		ring_commit(&s, rec, PH_EV_SYSCALL_EXIT, REC_BYTES(fixed + at));
	return 0;
}

/*
 * A child returns from fork through sys_exit without an entry of its own, and inherits the filter:
 * its mark says that it is inside a call.
 */
SEC("?tp_btf/sched_process_fork")
int BPF_PROG(mark_fork, struct task_struct *parent, struct task_struct *child)
{
	struct sys_mark *m;

	if (child->seccomp.mode != SECCOMP_MODE_FILTER)
		return 0;
	m = bpf_task_storage_get(&sys_marks, child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (m)
		m->nr1 = 1;
	return 0;
}
