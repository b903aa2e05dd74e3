/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Probes that the user names: one program for each way of attaching. Which probe it is, is the cookie that it was
 * attached with; what it is to look at stands in probe_defs.
 */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ph_probe_def);
} probe_defs SEC(".maps");

/* Places are attached, and left, one after the other: all count from one moment to another. */
u64 probing SEC(".data.probing") = 0;

/*
 * Functions that were entered and have not returned. Where the stack pointer stood tells apart a function's calls
 * of itself; a call that never returns (longjmp, an exception) leaves a place that the next one there takes.
 */
struct probe_entry_key {
	u64 sp;			/* of Go: below the stack's upper end, where a frame stays when the stack is moved */
	u64 who;		/* the thread; of Go, its `g` */
	u32 pid, probe;
};

struct probe_entry {
	u64 ts_ns, address, unread;
	u64 values[PH_PROBE_ARGS];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct probe_entry_key);
	__type(value, struct probe_entry);
} probe_entries SEC(".maps");

/*
 * Much of this is without branches, and what is summed up over the arguments is summed up in memory: else the verifier
 * walks through each argument once for every way through those before it.
 */

/* What the last load, or the register, has around the value is left out. */
static __always_inline u64 probe_cut(u64 v, const struct ph_probe_arg *a)
{
	u32 drop = 64 - a->bits;

	v <<= (drop - a->low) & 63;
	drop &= 63;
	return a->is_signed ? (u64)((s64)v >> drop) : v >> drop;
}

/*
 * Memory that was never touched, or that the kernel took away, is not there yet. To wait for it is for who may sleep (@kernel: in
 * functions of the kernel nobody), and holds no room in a buffer meanwhile.
 */
static __always_inline long probe_read(void *to, u32 size, u64 from, bool user, bool kernel)
{
	long r;

	/* Functions of the kernel are handed addresses of programs, too; no address is both. */
	if (!user && !bpf_probe_read_kernel(to, size, (void *)from))
		return 0;
	r = bpf_probe_read_user(to, size, (void *)from);
	if (r && user && !kernel && cfg.probe_sleeps)
		r = bpf_copy_from_user(to, size, (void *)from);
	return r;
}

/* @ctx: registers, or a tracepoint's record; @user: memory is the program's. 1: some memory is not there. */
static __always_inline u32 probe_value(void *ctx, const struct ph_probe_arg *a, bool user, bool kernel, u64 *ret)
{
	u64 v = 0, more = 0;
	u32 size, bad = 0;

	bpf_probe_read_kernel(&v, sizeof(v), ctx + a->reg);
	bpf_probe_read_kernel(&more, sizeof(more), ctx + a->index);
	v = (v & -(u64)(a->has_reg & 1)) + ((more & -(u64)(a->has_index & 1)) << (a->shift & 63)) + a->add[0];
	for (u32 i = 0; i < PH_PROBE_LOADS; i++) {
		if (i >= a->loads)
			break;
		size = i + 1 == a->loads && a->size < 8 ? a->size : 8;
		more = 0;
		bad |= probe_read(&more, size, v, user, kernel) != 0;
		v = more + a->add[i + 1];
	}
	*ret = v;
	return bad;
}

/* Where the stack pointer stood when the function was entered: a return has taken the address from it on x86. */
static __always_inline u64 probe_sp(struct pt_regs *regs, bool is_return)
{
#if defined(__TARGET_ARCH_x86)
	return regs->sp - (is_return ? 8 : 0);
#else
	return regs->sp;
#endif
}

/*
 * false: nobody can tell. Of Go, the register may hold something else, as in its assembly: what it points to must be a
 * `g` (runtime/runtime2.go, since Go 1.0), whose stack we are on.
 */
static __always_inline bool probe_key(struct pt_regs *regs, const struct ph_probe_def *d, u32 number, struct task_struct *cur,
				      bool is_return, bool kernel, struct probe_entry_key *key)
{
	u64 stack[2] = {};	/* lo, hi */

	key->sp = probe_sp(regs, is_return && !d->at_returns);
	key->who = cur->pid;
	key->pid = cur->tgid;
	key->probe = number;
	if (!d->go)
		return true;
	key->who = regs_go(regs);
	if (probe_read(stack, sizeof(stack), key->who, true, kernel) || key->sp < stack[0] || key->sp > stack[1])
		return false;
	key->sp = stack[1] - key->sp;
	return true;
}

/*
 * Is the current task selected? Programs of uprobes may be preempted (v6.0, 8c7dcb84e3b7): what each CPU remembers of the last
 * task (current_cgent()) is not theirs to change.
 */
static __always_inline bool probe_selected(struct task_struct *cur, u64 *who)
{
	return READ_ONCE(probing) && !is_recorder(cur) && task_selected(cur, who);
}

struct probe_hit {
	void *ctx;
	struct task_struct *cur;
	const struct ph_probe_def *d;
	u64 who, address, duration;
	u32 number, unread;
	u64 values[PH_PROBE_ARGS];
};

/* A text at @v, of at most @room bytes, is put at @at behind the values; the bytes of it. */
static __always_inline u32 probe_text(struct ph_ev_probe_hit *e, const struct ph_probe_arg *a, void *ctx, u8 *tail, u32 at,
				      u64 v, u64 room, bool user, u32 *bad)
{
	u32 max = cfg.probe_text;
	u16 *lens = (void *)&e->text1;
	long n;

	if (a->what == PH_PROBE_DATA_LOC)
		v = (u64)ctx + (v & 0xffff);
	else if (a->what == PH_PROBE_BYTES)
		v = (u64)ctx + a->reg;
	/* With no end where the room ends, one is written behind. */
	if (room < max)
		max = room + 1;
	/* Of all this, the verifier of 6.1 believes what is compared last. */
	asm volatile("" : "+r"(max));
	if (max > PH_PROBE_TEXT_MAX)
		max = PH_PROBE_TEXT_MAX;
	n = user ? -1 : bpf_probe_read_kernel_str(tail + at, max, (void *)v);
	if (n <= 0)
		n = bpf_probe_read_user_str(tail + at, max, (void *)v);
	if (n <= 0 || n > PH_PROBE_TEXT_MAX) {
		*bad = 1;
		return 0;
	}
	lens[a->text & (PH_PROBE_TEXTS - 1)] = (u16)(n - 1);
	return n - 1;
}

/* Bytes at @v, whatever they are: as many as @room says, or as there is room for. */
static __always_inline u32 probe_buffer(struct ph_ev_probe_hit *e, u8 *tail, u32 at, u64 v, u64 room, bool user, u32 *bad)
{
	u32 n = cfg.probe_text;

	if (room < n)
		n = room;
	asm volatile("" : "+r"(n));
	if (n > PH_PROBE_TEXT_MAX)
		n = PH_PROBE_TEXT_MAX;
	if ((user || bpf_probe_read_kernel(tail + at, n, (void *)v)) && bpf_probe_read_user(tail + at, n, (void *)v)) {
		*bad = 1;
		return 0;
	}
	e->buffer = (u16)n;
	return n;
}

/* Bytes that a text has at most; of a length below 0 none. */
static __always_inline u64 probe_room(const struct probe_hit *h, const struct ph_probe_arg *a, u32 *bad)
{
	u32 from = (a->length - 1) & (PH_PROBE_ARGS - 1);

	if (!a->length)
		return a->max ? a->max : ~0ull;
	*bad |= h->unread >> from & 1;
	return (s64)h->values[from] > 0 ? h->values[from] : 0;
}

/* What a text at @v may reach into is brought into memory, where that may be waited for. */
static __always_inline void probe_touch(u64 v)
{
	u32 max = cfg.probe_text;
	u8 byte;

	probe_read(&byte, 1, v, true, false);
	if (((v + max - 1) ^ v) & ~0xfffull)
		probe_read(&byte, 1, v + max - 1, true, false);
}

/*
 * The record of a hit. 1: it passes the filter; @write: then it stays. What is not known is user space's to judge.
 */
static __always_inline int probe_record(struct probe_hit *h, bool write, bool kernel)
{
	const struct ph_probe_def *d = h->d;
	u32 at = d->nargs * 8;
	bool keep;

	EVENT_TAIL_ALONE(probe_hit, d->room, h->cur, h->who, e, tail);
	SET(e, probe, h->number);
	SET(e, asked, (u8)d->asked);
	SET(e, unread, h->unread & ((1 << d->nargs) - 1));
	SET(e, address, h->address);
	SET(e, duration_ns, h->duration);
	SET(e, values, (u16)d->nargs);
	SET(e, text1, 0);
	SET(e, text2, 0);
	SET(e, text3, 0);
	SET(e, text4, 0);
	SET(e, buffer, 0);
	for (u32 i = 0; i < PH_PROBE_ARGS; i++) {
		const struct ph_probe_arg *a = &d->args[i];
		u32 bad = h->unread >> i & 1;
		u64 room;

		if (i >= d->nargs)
			break;
		((u64 *)tail)[i] = h->values[i];
		if (a->what == PH_PROBE_NUMBER || a->what == PH_PROBE_BUFFER || bad)
			continue;
		room = probe_room(h, a, &bad);
		if (!room)
			continue;
		/* What the verifier of 6.1 forgets, by an instruction that the compiler cannot leave out. */
		asm volatile("%0 &= 0x3fff" : "+r"(at));
		at += probe_text(e, a, h->ctx, tail, at, h->values[i], room, !kernel || a->user, &bad);
		e->unread |= bad << i;
	}
	/* It stands behind all texts. */
	if (d->buffer) {
		const struct ph_probe_arg *a = &d->args[(d->buffer - 1) & (PH_PROBE_ARGS - 1)];
		u32 bit = 1u << ((d->buffer - 1) & (PH_PROBE_ARGS - 1)), bad = 0;
		u64 room = probe_room(h, a, &bad);

		if (room && !bad && !(e->unread & bit)) {
			asm volatile("%0 &= 0x3fff" : "+r"(at));
			at += probe_buffer(e, tail, at, h->values[(d->buffer - 1) & (PH_PROBE_ARGS - 1)], room, !kernel || a->user, &bad);
		}
		e->unread |= bad ? bit : 0;
	}
	keep = !cfg.filter || e->unread || FILTER_KEEPS(probe_hit, rec_);
	if (keep && write)
		DONE_ALWAYS(probe_hit, e, at);
	else
		ring_discard(&slot_, rec_);
	return keep;
}

/* @regs: of a return. @kernel: memory may be the kernel's. */
static __always_inline int probe_hit(void *ctx, u64 address, struct pt_regs *regs, bool kernel)
{
	struct probe_hit h = { .ctx = ctx, .cur = current_task(), .address = address, .number = bpf_get_attach_cookie(ctx) };
	struct probe_entry_key key = {};
	/* At a return the kernel's own address is where a walk would begin. */
	bool stack = STACK_OF(probe_hit) && !regs;

	if (!probe_selected(h.cur, &h.who))
		return 0;
	h.d = bpf_map_lookup_elem(&probe_defs, &h.number);
	if (!h.d || h.d->nvalues > PH_PROBE_ARGS)
		return 0;
	if (regs) {
		u64 now = bpf_ktime_get_ns();
		struct probe_entry *from = NULL;

		if (probe_key(regs, h.d, h.number, h.cur, true, kernel, &key))
			from = bpf_map_lookup_elem(&probe_entries, &key);
		if (from) {
			h.address = from->address;
			h.duration = now - from->ts_ns;
			h.unread = from->unread;
			for (u32 i = 0; i < PH_PROBE_ARGS; i++)
				h.values[i] = from->values[i];
			bpf_map_delete_elem(&probe_entries, &key);
		} else {
			h.unread = h.d->entry;
		}
	}
	for (u32 i = 0; i < PH_PROBE_ARGS; i++) {
		const struct ph_probe_arg *a = &h.d->args[i];

		if (i >= h.d->nvalues)
			break;
		if (!regs || !a->at_entry)
			h.unread |= probe_value(ctx, a, !kernel || a->user, kernel, &h.values[i]) << i;
		h.values[i] = probe_cut(h.values[i], a);
		if (cfg.probe_sleeps && !kernel && (a->what == PH_PROBE_TEXT || a->what == PH_PROBE_BUFFER))
			probe_touch(h.values[i]);
	}
	if (stack && cfg.filter && !probe_record(&h, false, kernel))
		return 0;
	if (stack && kernel)
		write_callstack(PH_EV_probe_hit, h.who);
	else if (stack)
		write_user_callstack(PH_EV_probe_hit, h.who);
	probe_record(&h, true, kernel);
	return 0;
}

/* The function of a probe of its return is entered. */
static __always_inline int probe_entered(struct pt_regs *ctx, bool kernel)
{
	u32 number = bpf_get_attach_cookie(ctx);
	struct probe_entry_key key = {};
	struct probe_entry entry = {};
	struct task_struct *cur = current_task();
	struct ph_probe_def *d;
	u64 who;

	if (!probe_selected(cur, &who))
		return 0;
	d = bpf_map_lookup_elem(&probe_defs, &number);
	if (!d)
		return 0;
	for (u32 i = 0; d->entry && i < PH_PROBE_ARGS && i < d->nvalues; i++)
		if (d->args[i].at_entry)
			entry.unread |= probe_value(ctx, &d->args[i], !kernel, kernel, &entry.values[i]) << i;
	if (!probe_key(ctx, d, number, cur, false, kernel, &key))
		return 0;
	entry.address = regs_ip(ctx);
	entry.ts_ns = bpf_ktime_get_ns();
	bpf_map_update_elem(&probe_entries, &key, &entry, BPF_ANY);
	return 0;
}

SEC("?uprobe")
int probe_user(struct pt_regs *ctx)
{
	return probe_hit(ctx, regs_ip(ctx), NULL, false);
}

SEC("?uprobe")
int probe_user_entry(struct pt_regs *ctx)
{
	return probe_entered(ctx, false);
}

/* Also attached to instructions that return: the stack is as at the entry then. */
SEC("?uprobe")
int probe_user_return(struct pt_regs *ctx)
{
	return probe_hit(ctx, 0, ctx, false);
}

SEC("?kprobe")
int probe_kernel(struct pt_regs *ctx)
{
	return probe_hit(ctx, regs_ip(ctx), NULL, true);
}

SEC("?kprobe")
int probe_kernel_entry(struct pt_regs *ctx)
{
	return probe_entered(ctx, true);
}

SEC("?kprobe")
int probe_kernel_return(struct pt_regs *ctx)
{
	return probe_hit(ctx, 0, ctx, true);
}

SEC("?tracepoint")
int probe_tracepoint(void *ctx)
{
	return probe_hit(ctx, 0, NULL, true);
}

/*
 * Which files the recorder itself has mapped, the real ones: what it opened in two containers may be the same file of
 * one image, and would be probed twice.
 */
SEC("?iter/task_vma")
int dump_vma(struct bpf_iter__task_vma *ctx)
{
	struct ph_dump_vma d = {};
	struct file *f;

	if (!ctx->task || !ctx->vma || ctx->task->tgid != cfg.self_tgid)
		return 0;
	f = ctx->vma->vm_file;
	if (!f)
		return 0;
	d.begin = ctx->vma->vm_start;
	d.inode = f->f_inode->i_ino;
	d.dev = f->f_inode->i_sb->s_dev;
	bpf_seq_write(ctx->meta->seq, &d, sizeof(d));
	return 0;
}
