/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls that fail: with whose credentials, against which limits, on which path. */

/* Native numbers, then those of 32-bit calls. Written by user space. */
struct ph_faildef faildefs[2 * PH_NSYSCALLS] SEC(".data.faildefs") = {};

struct call_mark {
	u64 refused;		/* capabilities that were asked for in vain since the thread's call began */
	u32 ns;
	u8 landlocked;		/* it restricted itself, or who made it did */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call_mark);
} call_marks SEC(".maps");

/* v6.14 (tracepoint cap_capable); before, the credentials alone have to tell. */
SEC("?tp_btf/cap_capable")
int BPF_PROG(mark_caps, const struct cred *cred, struct user_namespace *target,
	     struct user_namespace *capable, int cap, int ret)
{
	struct call_mark *m;

	if (!ret)
		return 0;
	CURRENT_SELECTED(cur, who);
	m = bpf_task_storage_get(&call_marks, cur, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (m) {
		m->refused |= 1ull << (cap & 63);
		m->ns = target->ns.inum;
	}
	return 0;
}

SEC("?tp_btf/sched_process_fork")
int BPF_PROG(mark_landlock, struct task_struct *parent, struct task_struct *child)
{
	struct call_mark *m = bpf_task_storage_get(&call_marks, parent, 0, 0);

	if (!m || !m->landlocked)
		return 0;
	m = bpf_task_storage_get(&call_marks, child, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (m)
		m->landlocked = 1;
	return 0;
}

/* The same number, for the verifier, which forgets bounds that the compiler knows. @mask: 2^n - 1. */
static __always_inline u32 bound(u32 n, u32 mask)
{
	asm volatile("" : "+r"(n));
	return n & mask;
}

#define WALK_MAX 40		/* components and mounts */
#define WALK_ROOM PH_FAIL_PATH

struct walk_buf {
	u8 bytes[2 * WALK_ROOM];
};

/*
 * The names on the way from a path up to the task's root, innermost first, each with its NUL: user
 * space turns them round. A name does not tell where it is mounted: mounts are crossed as they come.
 * Nothing where the way does not end at the root, or is too long: half a path would be another path.
 */
__noinline int path_up(struct walk_buf *to, u64 mnt_addr, u64 dentry_addr)
{
	struct task_struct *cur = current_task();
	struct dentry *d = (struct dentry *)dentry_addr, *root_d;
	struct mount *m;
	struct vfsmount *root_m;
	u32 at = 0;

	if (!cfg.failures || !to || !d || !mnt_addr)
		return 0;
	root_d = BPF_CORE_READ(cur, fs, root.dentry);
	root_m = BPF_CORE_READ(cur, fs, root.mnt);
	m = (void *)(mnt_addr - bpf_core_field_offset(struct mount, mnt));
	for (int i = 0; i < WALK_MAX; i++) {
		const unsigned char *name;
		struct dentry *parent;
		long n;

		/* One range in each round, or Linux 6.1's verifier walks through all of them. */
		at = bound(at, 2 * WALK_ROOM - 1);
		if (d == root_d && (u64)m + bpf_core_field_offset(struct mount, mnt) == (u64)root_m) {
			if (!at)	/* the root itself: an empty name */
				to->bytes[at++] = 0;
			return bound(at, 2 * WALK_ROOM - 1);
		}
		parent = BPF_CORE_READ(d, d_parent);
		if (parent == d) {	/* the root of a mount (or a pipe, a socket) */
			struct mount *up = BPF_CORE_READ(m, mnt_parent);

			if (up == m || !up)
				break;
			d = BPF_CORE_READ(m, mnt_mountpoint);
			m = up;
			continue;
		}
		if (at >= WALK_ROOM - 256)
			break;
		name = BPF_CORE_READ(d, d_name.name);
		n = bpf_probe_read_kernel_str(to->bytes + bound(at, WALK_ROOM - 1), 256, name);
		if (n <= 0)
			break;
		at += n;
		d = parent;
	}
	return 0;
}

static __always_inline u64 limit_use(struct task_struct *t, u32 limit)
{
	struct mm_struct *mm = WALK(t)->mm;
	struct ucounts *uc = WALK(t)->cred->ucounts;
	u64 n = ~0ull;
	u32 i;

	switch (limit) {
	case 9:		/* RLIMIT_AS */
		return mm ? mm->total_vm * PAGE_BYTES : n;
	case 2:		/* RLIMIT_DATA */
		return mm ? mm->data_vm * PAGE_BYTES : n;
	case 8:		/* RLIMIT_MEMLOCK, as mlock counts it */
		return mm ? mm->locked_vm * PAGE_BYTES : n;
	case 6:		/* RLIMIT_NPROC */
		i = bpf_core_enum_value(enum rlimit_type, UCOUNT_RLIMIT_NPROC);
		break;
	case 11:	/* RLIMIT_SIGPENDING */
		i = bpf_core_enum_value(enum rlimit_type, UCOUNT_RLIMIT_SIGPENDING);
		break;
	case 12:	/* RLIMIT_MSGQUEUE */
		i = bpf_core_enum_value(enum rlimit_type, UCOUNT_RLIMIT_MSGQUEUE);
		break;
	default:
		return n;
	}
	if (bpf_core_field_exists(uc->rlimit))
		bpf_probe_read_kernel(&n, sizeof(n), (void *)uc + bpf_core_field_offset(uc->rlimit) + 8 * i);
	return n;
}

static __always_inline u64 limit_cur(struct task_struct *t, u32 limit)
{
	u64 cur = 0;

	bpf_probe_read_kernel(&cur, sizeof(cur), &t->signal->rlim[limit & 15].rlim_cur);
	return cur;
}

#define S_ISUID 04000
#define MNT_NOSUID 1

/* The mount whose root is the task's; -1: a directory below one (chroot). */
static __always_inline s32 root_mount(struct task_struct *t)
{
	struct vfsmount *mnt = BPF_CORE_READ(t, fs, root.mnt);
	struct mount *m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);

	if (BPF_CORE_READ(t, fs, root.dentry) != BPF_CORE_READ(mnt, mnt_root))
		return -1;
	return BPF_CORE_READ(m, mnt_id);
}

/* Of its fields only the place is the same on all kernels. */
static __always_inline u64 caps_at(const void *set)
{
	u64 caps = 0;

	bpf_probe_read_kernel(&caps, sizeof(caps), set);
	return caps;
}

static __always_inline void put_credentials(struct ph_ev_syscall_failed *e, struct task_struct *t)
{
	const struct cred *c = WALK(t)->cred;
	struct nsproxy *ns = WALK(t)->nsproxy;

	SET(e, uid, c->uid.val);
	SET(e, euid, c->euid.val);
	SET(e, fsuid, c->fsuid.val);
	SET(e, gid, c->gid.val);
	SET(e, fsgid, c->fsgid.val);
	SET(e, cap_effective, caps_at(&c->cap_effective));
	SET(e, cap_permitted, caps_at(&c->cap_permitted));
	SET(e, cap_bounding, caps_at(&c->cap_bset));
	SET(e, user_ns, c->user_ns->ns.inum);
	SET(e, user_ns_level, c->user_ns->level);
	SET(e, mnt_ns, ns ? ns->mnt_ns->ns.inum : 0);
	SET(e, net_ns, ns ? ns->net_ns->ns.inum : 0);
	SET(e, pid_ns, pid_ns_of(t));
	SET(e, root_mnt, root_mount(t));
	SET(e, no_new_privs, t->atomic_flags & 1);
	SET(e, seccomp, t->seccomp.mode);
	SET(e, caps_watched, cfg.caps_watched);
	SET(e, setuid, -1);
	SET(e, nosuid, 0);
	if (WALK(t)->mm) {
		struct file *exe = BPF_CORE_READ(t, mm, exe_file);

		if (BPF_CORE_READ(exe, f_inode, i_mode) & S_ISUID) {
			SET(e, setuid, BPF_CORE_READ(exe, f_inode, i_uid.val));
			SET(e, nosuid, BPF_CORE_READ(exe, f_path.mnt, mnt_flags) & MNT_NOSUID);
		}
	}
	SET(e, memory_cgroup, memory_cgroup(t));
	SET(e, pids_cgroup, 0);
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		SET(e, pids_cgroup, controller_cgroup(t, bpf_core_enum_value(enum cgroup_subsys_id,
									     pids_cgrp_id)));
}

static __always_inline void put_limits(struct ph_ev_syscall_failed *e, struct task_struct *t,
				       const struct ph_faildef *def)
{
	SET(e, limit, (s32)def->limit - 1);
	SET(e, limit_cur, 0);
	SET(e, limit_use, ~0ull);
	SET(e, limit2, (s32)def->limit2 - 1);
	SET(e, limit2_cur, 0);
	SET(e, limit2_use, ~0ull);
	if (def->limit) {
		SET(e, limit_cur, limit_cur(t, def->limit - 1));
		SET(e, limit_use, limit_use(t, def->limit - 1));
	}
	if (def->limit2) {
		SET(e, limit2_cur, limit_cur(t, def->limit2 - 1));
		SET(e, limit2_use, limit_use(t, def->limit2 - 1));
	}
}

static __always_inline u64 arg_of(const struct ph_ev_syscall_failed *e, u32 plus1)
{
	switch (plus1) {
	case 1: return e->arg0;
	case 2: return e->arg1;
	case 3: return e->arg2;
	case 4: return e->arg3;
	case 5: return e->arg4;
	default: return e->arg5;
	}
}

#define USER_NS_MAX 8

struct full_count {
	s64 max, use;
	u32 ns, found;
};

/* Count @nr of enum ucount_type: the innermost user namespace in which it is at its limit. */
__noinline int full_ucount(struct full_count *to, u32 nr)
{
	struct task_struct *t = current_task();
	struct ucounts *uc = (struct ucounts *)BPF_CORE_READ(t, cred, ucounts);

	if (!cfg.failures || !to)
		return 0;
	for (int level = 0; level < USER_NS_MAX && uc; level++) {
		struct user_namespace *ns = BPF_CORE_READ(uc, ns);

		bpf_probe_read_kernel(&to->use, 8, (void *)uc + bpf_core_field_offset(uc->ucount) + 8 * (u64)nr);
		bpf_probe_read_kernel(&to->max, 8, (void *)ns + bpf_core_field_offset(ns->ucount_max) + 8 * (u64)nr);
		if (to->use >= to->max) {
			to->ns = BPF_CORE_READ(ns, ns.inum);
			to->found = 1;
			return 1;
		}
		uc = BPF_CORE_READ(ns, ucounts);
	}
	return 0;
}

#define CLONE_NEWTIME 0x80
#define EMFILE 24
#define ENOSPC 28
#define EUSERS 87

/*
 * What is counted for each user of a namespace and of all above it, and may be at its limit:
 * namespaces that were asked for, inotify. Told by the clone flag, inotify's as PH_UCOUNT_*.
 */
static __always_inline void put_ucount(struct ph_ev_syscall_failed *e, struct task_struct *t,
				       const struct ph_faildef *def, long ret)
{
	struct full_count full = {};
	u64 want = 0;

	SET(e, ucount, 0);
	if (ret == -ENOSPC || ret == -EMFILE || ret == -EUSERS) {
		want = def->ucount == PH_UCOUNT_FLAGS ? e->arg0 & ~(u64)(PH_UCOUNT_INSTANCES | PH_UCOUNT_WATCHES) :
		       def->ucount == PH_UCOUNT_WORD ? e->word & ~(u64)(PH_UCOUNT_INSTANCES | PH_UCOUNT_WATCHES) :
		       def->ucount;
#define COUNT(flag, what)									\
		if (!full.found && want & (flag) &&						\
		    bpf_core_enum_value_exists(enum ucount_type, UCOUNT_##what) &&		\
		    full_ucount(&full, bpf_core_enum_value(enum ucount_type, UCOUNT_##what)))	\
			SET(e, ucount, (flag))
		COUNT(0x10000000, USER_NAMESPACES);
		COUNT(0x20000000, PID_NAMESPACES);
		COUNT(0x04000000, UTS_NAMESPACES);
		COUNT(0x08000000, IPC_NAMESPACES);
		COUNT(0x40000000, NET_NAMESPACES);
		COUNT(0x00020000, MNT_NAMESPACES);
		COUNT(0x02000000, CGROUP_NAMESPACES);
		COUNT(CLONE_NEWTIME, TIME_NAMESPACES);
		COUNT(PH_UCOUNT_INSTANCES, INOTIFY_INSTANCES);
		COUNT(PH_UCOUNT_WATCHES, INOTIFY_WATCHES);
#undef COUNT
	}
	SET(e, ucount_max, full.max);
	SET(e, ucount_use, full.use);
	SET(e, ucount_ns, full.ns);
}

static __always_inline struct ph_faildef *faildef(long nr, u32 compat)
{
	u32 i = nr;

	if (i >= PH_NSYSCALLS)
		i = PH_NSYSCALLS - 1;
	if (compat)
		i += PH_NSYSCALLS;
	return i < 2 * PH_NSYSCALLS ? &faildefs[i] : NULL;
}

#define AT_FDCWD -100

/* Where a relative path begins, or what the call's descriptor is. */
static __always_inline u32 put_base(struct walk_buf *to, struct task_struct *t, s32 fd)
{
	struct vfsmount *mnt;
	struct dentry *d;

	if (fd == AT_FDCWD) {
		mnt = BPF_CORE_READ(t, fs, pwd.mnt);
		d = BPF_CORE_READ(t, fs, pwd.dentry);
	} else {
		struct fdtable *fdt = BPF_CORE_READ(t, files, fdt);
		struct file **table = BPF_CORE_READ(fdt, fd), *f = NULL;

		if (fd < 0 || (u32)fd >= BPF_CORE_READ(fdt, max_fds))
			return 0;
		bpf_probe_read_kernel(&f, sizeof(f), table + fd);
		if (!f)
			return 0;
		mnt = BPF_CORE_READ(f, f_path.mnt);
		d = BPF_CORE_READ(f, f_path.dentry);
	}
	return path_up(to, (u64)mnt, (u64)d);
}

/* One string at @p, at most @max bytes with its NUL; without it, its length. */
static __always_inline u32 put_string(u8 *to, u64 p, u32 max)
{
	long n = p ? bpf_probe_read_user_str(to, max, (void *)p) : 0;

	return n > 0 && n <= max ? n - 1 : 0;
}

struct addr_buf {
	u8 bytes[PH_FAIL_ADDR];
};

/* The address that a socket was to be connected to, as connect() takes it. */
__noinline int peer_of(struct addr_buf *to, u32 fd)
{
	struct task_struct *cur = current_task();
	struct sock_common *c;
	u16 family;

	if (!cfg.failures || !to)
		return 0;
	c = fd_sock(cur, fd);
	if (!c)
		return 0;
	family = BPF_CORE_READ(c, skc_family);
	*(u16 *)to->bytes = family;
	*(u16 *)(to->bytes + 2) = BPF_CORE_READ(c, skc_dport);
	if (family == AF_INET) {
		*(u32 *)(to->bytes + 4) = BPF_CORE_READ(c, skc_daddr);
		*(u64 *)(to->bytes + 8) = 0;
		return 16;
	}
	if (family != AF_INET6)
		return 0;
	*(u32 *)(to->bytes + 4) = 0;
	bpf_probe_read_kernel(to->bytes + 8, 16, (void *)c + bpf_core_field_offset(struct sock_common, skc_v6_daddr));
	*(u32 *)(to->bytes + 24) = 0;
	return 28;
}

#define FAIL_TAIL (3 * PH_FAIL_PATH + PH_FAIL_ADDR + 4 * PH_FAIL_GROUPS)

static __noinline int emit_failed(struct task_struct *cur, struct ph_faildef *def, long ret, u64 who,
				  u32 flags)
{
	bool compat = flags & CALL_COMPAT;
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(cur);
	struct call_mark *m;
	u32 at = 0, n;
	u64 word = 0;
	s32 fd = -1;

	EVENT_TAIL_ALONE(syscall_failed, FAIL_TAIL, cur, who, e, tail);
	SET(e, nr, (s32)sys_nr(regs));
	SET(e, name, 0);	/* user space knows it by the number */
	SET(e, compat, compat);
	SET(e, ret, ret);
	SET(e, arg0, sys_arg(regs, 0, compat));
	SET(e, arg1, sys_arg(regs, 1, compat));
	SET(e, arg2, sys_arg(regs, 2, compat));
	SET(e, arg3, sys_arg(regs, 3, compat));
	SET(e, arg4, sys_arg(regs, 4, compat));
	SET(e, arg5, sys_arg(regs, 5, compat));
	if (def->word)
		bpf_probe_read_user(&word, sizeof(word), (void *)arg_of(e, def->word));
	SET(e, word, word);
	SET(e, refused, !!(flags & CALL_REFUSED));
	SET(e, late, !!(flags & CALL_LATE));
	set_comm(e->comm, cur);
	put_credentials(e, cur);
	put_limits(e, cur, def);
	put_ucount(e, cur, def, ret);
	m = bpf_task_storage_get(&call_marks, cur, 0, 0);
	SET(e, cap_refused, m ? m->refused : 0);
	SET(e, cap_refused_ns, m ? m->ns : 0);
	SET(e, landlocked, m ? m->landlocked : 0);

	n = def->path ? put_string(tail, arg_of(e, def->path), PH_FAIL_PATH) : 0;
	SET(e, path, n);
	if (def->fd)
		fd = arg_of(e, def->fd);
	else if (def->path && (!n || tail[0] != '/'))
		fd = def->dirfd ? (s32)arg_of(e, def->dirfd) : AT_FDCWD;
	at = bound(n, PH_FAIL_PATH - 1);
	n = def->path2 ? put_string(tail + at, arg_of(e, def->path2), PH_FAIL_PATH) : 0;
	SET(e, path2, n);
	at += bound(n, PH_FAIL_PATH - 1);
	n = fd != -1 ? put_base((struct walk_buf *)(tail + at), cur, fd) : 0;
	SET(e, base, n);
	at += bound(n, 2 * WALK_ROOM - 1);
	n = 0;
	if (flags & CALL_LATE) {
		n = peer_of((struct addr_buf *)(tail + at), e->arg0);
	} else if (def->addr && def->addr < 6) {
		u64 len = arg_of(e, def->addr + 1);

		if (len > PH_FAIL_ADDR)
			len = PH_FAIL_ADDR;
		if (len && !bpf_probe_read_user(tail + at, len, (void *)arg_of(e, def->addr)))
			n = len;
	}
	SET(e, addr, n);
	at += bound(n, 2 * PH_FAIL_ADDR - 1);
	n = BPF_CORE_READ(cur, cred, group_info, ngroups);
	if (n > PH_FAIL_GROUPS)
		n = PH_FAIL_GROUPS;
	if (bpf_probe_read_kernel(tail + at, 4 * n, &WALK(cur)->cred->group_info->gid[0]))
		n = 0;
	SET(e, groups, n);
	at += 4 * n;
	asm volatile("" : "+r"(at));
	if (at > FAIL_TAIL)
		at = FAIL_TAIL;
	DONE(syscall_failed, e, at);
	return 0;
}

#define SOL_SOCKET 1
#define SO_ERROR 4

/* How a connect() ended that went on in the background: getsockopt(SO_ERROR) tells, once. */
static __always_inline u64 late_error(struct pt_regs *regs, u32 flags)
{
	bool compat = flags & CALL_COMPAT;
	u32 error = 0;

	if ((u32)sys_arg(regs, 1, compat) != SOL_SOCKET || (u32)sys_arg(regs, 2, compat) != SO_ERROR)
		return 0;
	bpf_probe_read_user(&error, sizeof(error), (void *)sys_arg(regs, 3, compat));
	return error;
}

/* Each call's end: forget the capabilities it asked for, tell if it failed. */
__noinline int call_ended(long ret, u64 who, u32 flags)
{
	struct task_struct *cur = current_task();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(cur);
	u64 error = -(u64)ret, word;
	struct ph_faildef *def;
	struct call_mark *m;

	if (!cfg.failures)
		return 0;
	def = faildef(sys_nr(regs), flags & CALL_COMPAT);
	if (def && def->note == PH_NOTE_SO_ERROR && !ret)
		error = late_error(regs, flags);
	if (error < 192) {
		word = error >> 6;
		if (def && word < 3 && def->errnos[word] >> (error & 63) & 1)
			emit_failed(cur, def, -(s64)error, who, flags | (ret ? 0 : CALL_LATE));
	}
	m = bpf_task_storage_get(&call_marks, cur, 0, 0);
	if (m)
		m->refused = 0;
	if (def && def->note == PH_NOTE_LANDLOCK && !ret) {
		m = bpf_task_storage_get(&call_marks, cur, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
		if (m)
			m->landlocked = 1;
	}
	return 0;
}
