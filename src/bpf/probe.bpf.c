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

/*
 * Functions that were entered and have not returned. Where the stack pointer stood tells apart a function's calls
 * of itself; a call that never returns (longjmp, an exception) leaves a place that the next one there takes.
 */
struct probe_entry_key {
	u64 sp;
	u32 tid, probe;
};

struct probe_entry {
	u64 ts_ns, address;
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

/* The lowest @size bytes of @v, with the sign that they have. */
static __always_inline u64 probe_cut(u64 v, u32 size, bool is_signed)
{
	u32 drop = (64 - 8 * size) & 63;

	return is_signed ? (u64)((s64)(v << drop) >> drop) : v << drop >> drop;
}

static __always_inline long probe_read(void *to, u32 size, u64 from, bool user)
{
	return user ? bpf_probe_read_user(to, size, (void *)from) : bpf_probe_read_kernel(to, size, (void *)from);
}

/* @ctx: registers, or a tracepoint's record; @user: memory is the program's. 1: some memory is not there. */
static __always_inline u32 probe_value(void *ctx, const struct ph_probe_arg *a, bool user, u64 *ret)
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
		bad |= probe_read(&more, size, v, user) != 0;
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
 * Is the current task selected? Programs of uprobes may be preempted (v6.0, 8c7dcb84e3b7): what each CPU remembers of the last
 * task (current_cgent()) is not theirs to change.
 */
static __always_inline bool probe_selected(struct task_struct *cur, u64 *who)
{
	return cur->tgid != cfg.self_tgid && task_selected(cur, who);
}

/* A text at @v is put at @at behind the values; the bytes of it. */
static __always_inline u32 probe_text(struct ph_ev_probe_hit *e, const struct ph_probe_arg *a, void *ctx, u8 *tail, u32 at,
				      u64 v, bool user, u32 *bad)
{
	u32 max = cfg.probe_text;
	u16 *lens = (void *)&e->text1;
	long n;

	if (max > PH_PROBE_TEXT_MAX)
		max = PH_PROBE_TEXT_MAX;
	if (a->what == PH_PROBE_DATA_LOC)
		v = (u64)ctx + (v & 0xffff);
	else if (a->what == PH_PROBE_BYTES)
		v = (u64)ctx + a->reg;
	if (a->what == PH_PROBE_BYTES && a->size && a->size < max)
		max = a->size;
	n = user ? bpf_probe_read_user_str(tail + at, max, (void *)v) : bpf_probe_read_kernel_str(tail + at, max, (void *)v);
	if (n <= 0 || n > PH_PROBE_TEXT_MAX) {
		*bad = 1;
		return 0;
	}
	lens[a->text & (PH_PROBE_TEXTS - 1)] = (u16)(n - 1);
	return n - 1;
}

/* @regs: of a return. @kernel: memory may be the kernel's. */
static __always_inline int probe_hit(void *ctx, u64 address, struct pt_regs *regs, bool kernel)
{
	u32 number = bpf_get_attach_cookie(ctx), at;
	struct task_struct *cur = current_task();
	struct probe_entry *from = NULL;
	struct probe_entry_key key = {};
	struct ph_probe_def *d;
	u64 who;

	if (!probe_selected(cur, &who))
		return 0;
	d = bpf_map_lookup_elem(&probe_defs, &number);
	if (!d || d->nargs > PH_PROBE_ARGS)
		return 0;
	if (regs) {
		key.sp = probe_sp(regs, true);
		key.tid = cur->pid;
		key.probe = number;
		from = bpf_map_lookup_elem(&probe_entries, &key);
		address = from ? from->address : 0;
	}
	/* At a return the kernel's own address is where a walk would begin. */
	if (STACK_OF(probe_hit) && !regs && kernel)
		write_callstack(PH_EV_probe_hit, who);
	else if (STACK_OF(probe_hit) && !regs)
		write_user_callstack(PH_EV_probe_hit, who);
	EVENT_TAIL_ALONE(probe_hit, d->room, cur, who, e, tail);
	SET(e, probe, number);
	SET(e, asked, (u8)d->asked);
	SET(e, unread, 0);
	SET(e, address, address);
	SET(e, duration_ns, from ? rec_->ts_ns - from->ts_ns : 0);
	SET(e, values, (u16)d->nargs);
	SET(e, text1, 0);
	SET(e, text2, 0);
	SET(e, text3, 0);
	SET(e, text4, 0);
	at = d->nargs * 8;
	for (u32 i = 0; i < PH_PROBE_ARGS; i++) {
		const struct ph_probe_arg *a = &d->args[i];
		bool user = !kernel || a->user;
		u32 bad;
		u64 v = 0;

		if (i >= d->nargs)
			break;
		if (!regs || !a->at_entry) {
			bad = probe_value(ctx, a, user, &v);
		} else {
			bad = !from;
			if (from)
				v = from->values[i];
		}
		((u64 *)tail)[i] = probe_cut(v, a->size, a->is_signed);
		if (a->what != PH_PROBE_NUMBER) {
			((u64 *)tail)[i] = v;
			/* What the verifier of 6.1 forgets, by an instruction that the compiler cannot leave out. */
			asm volatile("%0 &= 0x3fff" : "+r"(at));
			if (!bad)
				at += probe_text(e, a, ctx, tail, at, v, user, &bad);
		}
		e->unread |= bad << i;
	}
	if (from)
		bpf_map_delete_elem(&probe_entries, &key);
	/* What is not known is user space's to judge. */
	if (cfg.filter && !e->unread && !FILTER_KEEPS(probe_hit, rec_))
		ring_discard(&slot_, rec_);
	else
		DONE_ALWAYS(probe_hit, e, at);
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
	for (u32 i = 0; d->entry && i < PH_PROBE_ARGS && i < d->nargs; i++)
		if (d->args[i].at_entry)
			probe_value(ctx, &d->args[i], !kernel, &entry.values[i]);
	key.sp = probe_sp(ctx, false);
	key.tid = cur->pid;
	key.probe = number;
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
