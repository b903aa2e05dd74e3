/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a task that leaves its CPU waits for: its system call, and the file or socket that this works
 * on. Asked where it blocks, so a call that does not block costs nothing.
 */
#include "lib/sysdef.bpf.h"

/* The inode number of the socket that @sk, a Unix socket, is connected with. */
static __always_inline u64 peer_inode(struct sock *sk)
{
	struct socket *peer;

	if (!bpf_core_type_exists(struct unix_sock) || !bpf_core_type_exists(struct socket_alloc))
		return 0;
	sk = FETCH(sk, struct unix_sock, peer);
	if (!sk)
		return 0;
	peer = FETCH(sk, struct sock, sk_socket);
	if (!peer)	/* it was closed, or nobody has accepted the connection yet */
		return 0;
	peer = (void *)peer - bpf_core_field_offset(struct socket_alloc, socket);
	return FETCH(peer, struct socket_alloc, vfs_inode.i_ino);
}

/* What there is to say of a socket; the bytes of its addresses in the tail. */
static __always_inline u32 set_socket(struct ph_ev_sched_block *e, u8 *tail, struct file *f)
{
	struct socket *sock = FETCH(f, struct file, private_data);
	struct sock *sk = FETCH(sock, struct socket, sk);
	u16 family;

	if (!sk)
		return 0;
	family = FETCH(sk, struct sock, __sk_common.skc_family);
	SET(e, family, family);
	SET(e, protocol, FETCH(sk, struct sock, sk_protocol));
	if (family == AF_UNIX) {
		SET(e, peer_ino, peer_inode(sk));
		return 0;
	}
	if (family != AF_INET && family != AF_INET6)
		return 0;
	SET(e, sport, FETCH(sk, struct sock, __sk_common.skc_num));
	SET(e, dport, swap16(FETCH(sk, struct sock, __sk_common.skc_dport)));
	if (family == AF_INET) {
		SET(e, saddr, 4);
		SET(e, daddr, 4);
		*(u32 *)tail = FETCH(sk, struct sock, __sk_common.skc_rcv_saddr);
		*(u32 *)(tail + 4) = FETCH(sk, struct sock, __sk_common.skc_daddr);
		return 8;
	}
	SET(e, saddr, 16);
	SET(e, daddr, 16);
	bpf_probe_read_kernel(tail, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	bpf_probe_read_kernel(tail + 16, 16, &sk->__sk_common.skc_v6_daddr);
	return 32;
}

/*
 * What each task waited for last, where only changes are told: a word, which is written at once. Tasks that
 * share a place tell more than they must. Every eighth of a second all is told again: another file may have got
 * the descriptor, and an event been lost.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, u64);
} waits SEC(".maps");

static __always_inline bool waits_as_before(struct task_struct *t, s32 nr, s32 fd, s64 state)
{
	u64 tid = t->pid, now = bpf_ktime_get_ns() >> 27 & 0x3fff;
	u64 word = tid << 42 | (u64)(nr & 0x3ff) << 32 | (u64)(fd & 0xffff) << 16 | (state & STATE_IN_FREEZER ? 3 : state & 3) << 14 | now;
	u32 at = tid & 16383;
	u64 *last = bpf_map_lookup_elem(&waits, &at);

	if (!last || *last == word)
		return last;
	*last = word;
	return false;
}

/* @t, the current task, leaves its CPU in @state; @raw: as the kernel has it. */
static __always_inline int emit_block(struct task_struct *t, s64 state, u32 raw, u64 who)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(t);
	s32 nr = t->flags & PF_WORKER ? -1 : (s32)sys_nr(regs), fd = -1;
	struct inode *inode = NULL;
	struct file *f = NULL;
	bool compat = false;
	u16 mode = 0;
	u32 at = 0;

	if (in_freezer(t, raw))
		state |= STATE_IN_FREEZER;
	if (nr < 0) {
		nr = -1;
	} else {
		struct ph_sysdef *def;

		compat = sys_compat(t);
		def = sysdef(nr, compat);
		if (def && def->on_fd)
			fd = sys_arg(regs, 0, compat);
	}
	if (cfg.block_changes && waits_as_before(t, nr, fd, state))
		return 0;
	if (fd >= 0)
		f = fd_file(t, fd);
	if (f) {
		inode = FETCH(f, struct file, f_inode);
		mode = FETCH(inode, struct inode, i_mode) & S_IFMT;
	}
	EVENT_TAIL_ALONE(sched_block, mode == S_IFSOCK ? 32 : 0, t, who, e, tail);
	set_comm(e->comm, t);
	SET(e, tid, t->pid);
	SET(e, state, state);
	SET(e, nr, nr);
	SET(e, compat, compat);
	SET(e, arg0, nr < 0 ? 0 : sys_arg(regs, 0, compat));
	SET(e, arg1, nr < 0 ? 0 : sys_arg(regs, 1, compat));
	SET(e, arg2, nr < 0 ? 0 : sys_arg(regs, 2, compat));
	SET(e, fd, fd);
	SET(e, mode, mode);
	SET(e, dev, 0);
	SET(e, ino, 0);
	SET(e, family, 0);
	SET(e, protocol, 0);
	SET(e, sport, 0);
	SET(e, dport, 0);
	SET(e, saddr, 0);
	SET(e, daddr, 0);
	SET(e, peer_ino, 0);
	if (inode) {
		struct super_block *sb = FETCH(inode, struct inode, i_sb);

		SET(e, dev, FETCH(sb, struct super_block, s_dev));
		SET(e, ino, FETCH(inode, struct inode, i_ino));
	}
	if (mode == S_IFSOCK)
		at = set_socket(e, tail, f);
	DONE(sched_block, e, at);
	return 0;
}

/* Where it does. */
static __always_inline int emit_stack(void *ctx, struct task_struct *t, u64 who)
{
	long n;

	EVENT_TAIL_ALONE(sched_block_stack, 8 * PH_STACK_MAX, t, who, e, tail);
	set_comm(e->comm, t);
	SET(e, tid, t->pid);
	n = bpf_get_stack(ctx, tail, 8 * PH_STACK_MAX, 0);
	if (n < 0 || n > 8 * PH_STACK_MAX)
		n = 0;
	SET(e, callstack_kernel, n >> 3);
	DONE(sched_block_stack, e, n);
	return 0;
}
