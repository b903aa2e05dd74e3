/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What system calls point to beyond what their own events have (event/calldata.c), where that is asked for. Functions
 * that the verifier looks at once (global ones) take numbers only; it allows eight of them to be called one from the other.
 */

/* The rows of all calls. Written by user space. */
struct ph_data_def datadefs[PH_DATA_ROWS] SEC(".data.datadefs") = {};

/* struct msghdr and struct mmsghdr of 64-bit programs: what is looked at, as the stack of all functions is 512 bytes. */
#define MSG_BYTES 56
#define MSG_PARTS_AT 16
struct msg_parts {
	u64 iov, iovlen, control, controllen;
};

#define MMSG_BYTES 64
#define MMSG_LEN_AT 56

/*
 * What was not in memory at entry is there when the kernel has read it: all of the call is read again at its exit. The
 * thread waits here, with the number of its call.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, s32);
	__type(value, s32);
} late_data SEC(".maps");

u32 nlate_data;

/* What is the same of all pieces that an argument leads to, in one number. */
#define PIECE(nr, arg, at_exit)		((u64)(nr) | (u64)(arg) << 32 | (u64)(at_exit) << 36)
#define PART(part)			((u64)(part) << 40)
#define INDEX(index)			((u64)(index) << 48)

static __always_inline bool at_exit(u64 piece)
{
	return piece >> 36 & 1;
}

static __always_inline int data_fault(u64 piece)
{
	s32 tid = current_task()->pid, nr = (s32)piece;

	if (!at_exit(piece) && !bpf_map_update_elem(&late_data, &tid, &nr, BPF_NOEXIST))
		__sync_fetch_and_add(&nlate_data, 1);
	return 0;
}

/* One piece: @size bytes at @address, of which @max are recorded; @max 0: only the number is told. */
__noinline int write_data(u64 address, u64 size, u64 max, u64 piece, u64 who)
{
	struct task_struct *cur = current_task();
	u32 n = size < max ? size : max;

	if (n > CAP_MAX)
		n = CAP_MAX;
	EVENT_TAIL_ALONE(syscall_data, n, cur, who, e, tail);
	SET(e, nr, (s32)piece);
	SET(e, arg, piece >> 32 & 0xf);
	SET(e, at_exit, at_exit(piece));
	SET(e, part, piece >> 40 & 0xff);
	SET(e, index, piece >> 48);
	SET(e, size, size);
	asm volatile("" : "+r"(n));
	n &= CAP_MAX;
	if (n && bpf_probe_read_user(tail, n, (void *)address)) {
		ring_discard(&slot_, rec_);
		return data_fault(piece);
	}
	SET(e, data, n);
	DONE(syscall_data, e, n);
	return 0;
}

__noinline int write_string(u64 address, u64 max, u64 piece, u64 who)
{
	u8 bytes[16] = {};
	u32 n = 0;

	if (max > sizeof(bytes))
		max = sizeof(bytes);
	if (bpf_probe_read_user_str(bytes, sizeof(bytes), (void *)address) < 0)
		return data_fault(piece);
	for (int i = 0; i < (int)sizeof(bytes) && bytes[i]; i++)
		n++;
	return write_data(address, n, max, piece, who);
}

/* Not on the stack, and so the verifier does not follow what is known of them through the loop. */
struct data_scratch {
	struct user_iovec v;
	struct msg_parts m;
	u64 max;
	s64 filled;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct data_scratch);
} data_scratch SEC(".maps");

/* What @n iovecs point to; of a call that has returned @filled bytes, these at most. */
static __always_inline int write_vectors(struct data_scratch *s, u64 iov, u64 n, s64 filled, u64 piece, u64 who)
{
	s->filled = filled;
	for (u32 i = 0; i < PH_DATA_VECTORS && i < n; i++) {
		if (bpf_probe_read_user(&s->v, sizeof(s->v), (void *)(iov + sizeof(s->v) * i)))
			return data_fault(piece);
		s->max = cfg.capture_data;
		if (at_exit(piece) && (s64)s->max > s->filled)
			s->max = s->filled > 0 ? s->filled : 0;
		write_data((u64)s->v.base, s->v.len, s->max, piece + INDEX(i), who);
		s->filled -= s->v.len;
	}
	return 0;
}

__noinline int write_iovecs(u64 iov, u64 n, s64 filled, u64 piece, u64 who)
{
	u32 zero = 0;
	struct data_scratch *s = bpf_map_lookup_elem(&data_scratch, &zero);

	return s ? write_vectors(s, iov, n, filled, piece + PART(PH_DATA_BUFFER), who) : 0;
}

/* struct msghdr, or @size bytes that begin with one. */
__noinline int write_msg(u64 address, u64 size, s64 filled, u64 piece, u64 who)
{
	u32 zero = 0;
	struct data_scratch *s = bpf_map_lookup_elem(&data_scratch, &zero);

	if (!s)
		return 0;
	if (bpf_probe_read_user(&s->m, sizeof(s->m), (void *)address + MSG_PARTS_AT))
		return data_fault(piece);
	write_data(address, size, size, piece, who);
	if (s->m.control && s->m.controllen)
		write_data(s->m.control, s->m.controllen, 256, piece + PART(PH_DATA_CONTROL), who);
	if (s->m.iov)
		write_vectors(s, s->m.iov, s->m.iovlen, filled, piece + PART(PH_DATA_BUFFER), who);
	return 0;
}

static __always_inline int write_messages(u64 address, u64 n, u64 piece, u64 who)
{
	for (u32 i = 0; i < PH_DATA_MESSAGES; i++) {
		u64 at = address + MMSG_BYTES * i;
		u32 len = 0;

		if (i >= n || bpf_probe_read_user(&len, sizeof(len), (void *)at + MMSG_LEN_AT))
			break;
		write_msg(at, MMSG_BYTES, len, piece + INDEX(i * PH_DATA_VECTORS), who);
	}
	return 0;
}

__noinline int count_pointers(u64 address)
{
	u64 p;

	/* Kernels before 6.8 look at functions that nobody calls, too. */
	if (!cfg.call_data)
		return -1;
	for (int i = 0; i < PH_DATA_COUNT; i++) {
		if (bpf_probe_read_user(&p, sizeof(p), (void *)(address + sizeof(p) * i)))
			return -1;
		if (!p)
			return i;
	}
	return -1;
}

__noinline int count_entries(u64 address, u64 bytes)
{
	u64 at = 0;
	u16 len;

	if (!cfg.call_data)
		return -1;
	for (int i = 0; i < PH_DATA_COUNT; i++) {
		if (at >= bytes)
			return i;
		/* struct linux_dirent64: two longs, then its length. */
		if (bpf_probe_read_user(&len, sizeof(len), (void *)(address + at + 16)) || !len)
			return -1;
		at += len;
	}
	return -1;
}

/* In the frame that a handler returns to: uc_sigmask of its struct ucontext. */
#if defined(__TARGET_ARCH_x86)
#define SIGMASK_ABOVE_SP 296
#else
#define SIGMASK_ABOVE_SP 168
#endif

__noinline int write_row(u32 row, s32 nr, s64 ret, u64 who)
{
	struct task_struct *cur = current_task();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(cur);
	struct ph_data_def *d;
	u64 address, piece, n;
	int count;

	d = &datadefs[bound(row, PH_DATA_ROWS - 1)];
	if (d->if_arg && (u32)sys_arg(regs, d->if_arg - 1, false) != d->if_value)
		return 0;
	address = d->kind == PH_DATA_SIGMASK ? regs->sp + SIGMASK_ABOVE_SP : sys_arg(regs, d->arg, false);
	if (!address)
		return 0;
	piece = PIECE((u32)nr, d->arg & 7, d->at_exit & 1);
	n = sys_arg(regs, d->len_arg, false);
	switch (d->kind) {
	case PH_DATA_FIXED:
	case PH_DATA_SIGMASK:
		return write_data(address, d->size, d->size, piece, who);
	case PH_DATA_STR:
		return write_string(address, d->size, piece, who);
	case PH_DATA_RET:
		return write_data(address, ret * d->size, cfg.capture_data, piece, who);
	case PH_DATA_LIST:
		return write_data(address, ret * d->size, PH_DATA_ELEMENTS * d->size, piece, who);
	case PH_DATA_ARG_LIST:
		return write_data(address, n * d->size, PH_DATA_ELEMENTS * d->size, piece, who);
	case PH_DATA_POINTERS:
		count = count_pointers(address);
		return count < 0 ? 0 : write_data(address, count, 0, piece, who);
	case PH_DATA_DIRENTS:
		count = count_entries(address, ret);
		return count < 0 ? 0 : write_data(address, count, 0, piece, who);
	case PH_DATA_IOVEC:
		return write_iovecs(address, n, ret, piece, who);
	case PH_DATA_MSG:
		return write_msg(address, MSG_BYTES, ret, piece, who);
	case PH_DATA_MMSG:
		return write_messages(address, ret, piece, who);
	}
	return 0;
}

/* Was the call's data not in memory at its entry? */
static __always_inline bool was_late(s32 nr)
{
	s32 tid = current_task()->pid, *of = bpf_map_lookup_elem(&late_data, &tid);
	bool same;

	if (!of)
		return false;
	same = *of == nr;
	if (bpf_map_delete_elem(&late_data, &tid))
		return false;
	__sync_fetch_and_add(&nlate_data, -1);
	return same;
}

/* All that belongs to entry (@ret < 0 there) or exit of the native call @nr. One that failed has written nothing. */
__noinline int write_call_data(s32 nr, s64 ret, u64 who, u32 when)
{
	struct ph_sysdef *def = sysdef(nr, false);
	bool late = when == DATA_EXIT && nlate_data && was_late(nr);

	if (!def)
		return 0;
	for (u32 i = 0; i < PH_DATA_CALL; i++) {
		u32 row = bound(def->data + i, PH_DATA_ROWS - 1);
		struct ph_data_def *d = &datadefs[row];

		if (i >= def->ndata)
			break;
		if (d->at_exit ? when == DATA_EXIT && ret >= 0 :
				 /* What the call has changed is no longer what it was. */
				 when == DATA_ENTRY || (late && !d->in_out))
			write_row(row, nr, ret, who);
	}
	return 0;
}
