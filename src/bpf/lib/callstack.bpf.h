/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BPF_CALLSTACK_BPF_H
#define PH_BPF_CALLSTACK_BPF_H

#include "event.bpf.h"
#include "unwind/interp.h"

/*
 * The stacks of the current task. That of the program is walked by the tables of its files (docs/unwinding.md), which
 * user space puts into the store; registers are those with which it entered the kernel.
 *
 * A step is the callback of bpf_for_each_map_elem() over a map with as many elements as there may be
 * frames: the verifier looks at it once, on Linux 5.15 too, and not at all where no stack is asked for. (A
 * function that is verified on its own would be in every program; one that is not, as often as it may be called.)
 */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, PH_STORE_CHUNKS);
	__type(key, u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, 1);
		__uint(map_flags, BPF_F_MMAPABLE);
		__type(key, u32);
		__uint(value_size, PH_STORE_CHUNK);
	});
} store SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PH_STORE_FILES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct ph_store_table);
} tables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct ph_store_proc);
} procs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PH_STORE_FILES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ph_file_key);
	__type(value, struct ph_known_file);
} known_files SEC(".maps");

/* Words of struct pt_regs. */
#if defined(__TARGET_ARCH_x86)
#define NREGS 21
#define REG_FP 4
#define REG_BX 5
#define REG_CALL 15	/* orig_ax: the number of the system call, else -1 */
#define NR_SIGRETURN 15
#define REG_PC 16
#define REG_CS 17
#define REG_SP 19
#define UNWIND_ARCH PH_UNWIND_X86_64
#else
#define NREGS 36
#define REG_FP 29
#define REG_LR 30
#define REG_SP 31
#define REG_PC 32
#define REG_PSTATE 33
#define REG_CALL 35	/* syscallno */
#define NR_SIGRETURN 139
#define UNWIND_ARCH PH_UNWIND_ARM64
#endif

#define FRAMES_MASK 511		/* both stacks together are shorter */
_Static_assert(PH_FRAMES_KERNEL + PH_FRAMES_USER <= FRAMES_MASK, "frames of both stacks");

#define NODE_WORDS 32

/* What a walk has in hand: too much for the stack of a program. */
struct walk {
	u32 busy;
	u32 nkernel, nuser, end;
	struct ph_unwind_regs regs;
	u64 begin_ns;		/* of a walk for an event */
	u64 guessed;		/* the frame was found by the frame pointer */
	struct ph_store_proc proc;
	struct ph_store_map map;	/* of the last frame: the next is mostly in it, too */
	u64 see;		/* the kernel's own mappings are asked, not `proc` */
	u64 node[NODE_WORDS];	/* of these */
	struct ph_interp_state interp;
	u64 interp_id;		/* the thread's pointer */
	/* What is given to the kernel by its address; on a program's stack there is no room for it. */
	u64 frame;
	u32 tid, at;
	struct ph_v8_key v8;
	struct ph_v8_scratch v8_scratch;
	struct ph_java_scratch java;
	/* Of the frame that is looked at: interpreted ones took its place, and no more will. */
	u8 replaced, interp_over, not_top;
	u8 started;	/* the innermost frames are of a function that calls an interpreter */
	u8 fiber;	/* a fiber's stack begins here */
	u8 pad_[3];
	u64 top[NREGS + 3];	/* registers; what more an index may reach */
	u64 frames[FRAMES_MASK + 1];	/* of the kernel, then of the program */
};

/* A walk may be interrupted by another one, in an interrupt, and that again. */
#define WALKS 3
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, WALKS);
	__type(key, u32);
	__type(value, struct walk);
} walks SEC(".maps");

/* Steps of a walk: for each frame one, of Ruby up to two, and again if it begins anew, and some to look among an interpreter's threads. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4 * PH_FRAMES_USER + 160);
	__type(key, u32);
	__type(value, u32);
} frames SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PH_STORE_INTERPS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, u32);
	__type(value, struct ph_interp);
} interps SEC(".maps");

/* Where an interpreter has a thread, by the thread's number: not to be looked for each time. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, u32);
	__type(value, u64);
} interp_threads SEC(".maps");

/* Where V8 has what a frame's name is read from: its collector moves it. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct ph_v8_key);
	__type(value, u64);
} v8_functions SEC(".maps");

/* ---- the store -------------------------------------------------------------------------------- */

static __always_inline u8 *store_chunk(u64 pos)
{
	u32 at = pos / PH_STORE_CHUNK, zero = 0;
	void *chunk = bpf_map_lookup_elem(&store, &at);

	return chunk ? bpf_map_lookup_elem(chunk, &zero) : NULL;
}

/* @a < @b ? @yes : @no, of numbers below 1 << 63, without a branch. */
static __always_inline u64 if_less(u64 a, u64 b, u64 yes, u64 no)
{
	u64 less = a - b;

	/* Where the compiler knows what the numbers may be, it would make a branch of the one as of the other. */
	asm volatile("" : "+r"(less));
	less = (u64)((s64)less >> 63);
	asm volatile("" : "+r"(less));
	return no ^ ((yes ^ no) & less);
}

/* What is at @pos; its size is a power of two, and it is aligned to that. */
#define STORE_AT(chunk, pos, type) ((type *)((chunk) + ((pos) & (PH_STORE_CHUNK - sizeof(type)))))

static __always_inline bool in_map(struct walk *w, const struct ph_store_map *m, u64 pc)
{
	if (m->begin > pc || m->end <= pc)
		return false;
	w->map.begin = m->begin;
	w->map.end = m->end;
	w->map.bias = m->bias;
	w->map.file = m->file;
	return true;
}

/* Device and inode as /proc/PID/maps has them. */
static __always_inline void file_key(struct file *f, struct ph_file_key *key)
{
	struct inode *inode = FETCH(f, struct file, f_inode);
	struct super_block *sb;

	/* Of a file on an overlay, what the user has opened, which /proc and perf tell of. */
	if (cfg.backing_path && FETCH(f, struct file, f_mode) & FMODE_BACKING) {
		void *user_path = (void *)f + cfg.backing_path;
		struct dentry *d = FETCH(user_path, struct path, dentry);

		inode = FETCH(d, struct dentry, d_inode);
	}
	sb = FETCH(inode, struct inode, i_sb);
	key->ino = FETCH(inode, struct inode, i_ino);
	key->dev = FETCH(sb, struct super_block, s_dev);
}

/*
 * The mapping that an address is in, out of the tree that the kernel has of them: a lock cannot be waited for here, so what is found
 * may be half changed; it counts if it says itself that it is the right one. Nodes (linux/maple_tree.h): the parent, limits, and behind
 * them what is up to each limit; of the last one there is none. A pointer's low byte has the kind of its node: of 16, of 10.
 */
static __always_inline struct vm_area_struct *find_vma(struct walk *w, struct mm_struct *mm, u64 pc)
{
	u64 node = (u64)BPF_CORE_READ(mm, mm_mt.ma_root);	/* a number: it is no pointer yet */

#pragma unroll
	for (int level = 0; level < MAPLE_LEVELS; level++) {
		u64 kind = node >> 3 & 15, limits = if_less(kind, MAPLE_ARANGE_64, 15, 9), at = 0, over = 0;

		if (kind < MAPLE_LEAF_64 || kind > MAPLE_ARANGE_64 ||
		    bpf_probe_read_kernel(w->node, sizeof(w->node), (void *)(node & ~255ull)))
			return NULL;
#pragma unroll
		for (int i = 0; i < 15; i++) {
			u64 limit = w->node[1 + i] >> 12;

			over |= if_less(limit, pc >> 12, 0, 1) | if_less(i, limits, 0, 1);
			if (i)	/* 0: there are no more */
				over |= if_less(limit, 1, 1, 0);
			at += 1 - over;
		}
		at += 1 + limits;
		asm volatile("" : "+r"(at));
		node = w->node[at & (NODE_WORDS - 1)];
		if (kind == MAPLE_LEAF_64)
			return (struct vm_area_struct *)node;
	}
	return NULL;
}

/* v6.1 (d4af56c5c7c6): the tree, and with it the way to look things up in it. */
#define SEES_MAPS bpf_core_field_exists(struct mm_struct, mm_mt)

/*
 * The same as user space would tell of it. A global function on all kernels, as it is in one program alone: each way down the tree would be
 * another one through the rest of a step.
 */
__noinline int see_map(u32 slot, u64 pc)
{
	struct walk *w = bpf_map_lookup_elem(&walks, &slot);
	struct ph_file_key key = {};
	struct ph_store_map m = {};
	struct ph_known_file *known;
	struct vm_area_struct *v;
	struct mm_struct *mm;
	struct file *f;

	if (!w || !SEES_MAPS)
		return false;
	mm = FETCH(current_task(), struct task_struct, mm);
	v = find_vma(w, mm, pc);
	if (!v || FETCH(v, struct vm_area_struct, vm_mm) != mm || !(FETCH(v, struct vm_area_struct, vm_flags) & VM_EXEC))
		return false;
	m.begin = FETCH(v, struct vm_area_struct, vm_start);
	m.end = FETCH(v, struct vm_area_struct, vm_end);
	f = FETCH(v, struct vm_area_struct, vm_file);
	if (f)
		file_key(f, &key);
	m.file = PH_CODE_ANON;
	if (f || m.begin == (u64)FETCH(mm, struct mm_struct, context.vdso)) {
		known = bpf_map_lookup_elem(&known_files, &key);
		m.file = known ? known->file : PH_CODE_UNKNOWN;
		if (known)
			m.bias = m.begin - known->bias - (f ? FETCH(v, struct vm_area_struct, vm_pgoff) * PAGE_BYTES : 0);
	}
	return in_map(w, &m, pc);
}

static __always_inline bool find_map(struct walk *w, u32 slot, u64 pc, bool may_see)
{
	u64 lo = 0, n = w->proc.n;
	struct ph_store_map *m;
	u8 *chunk;

	if (w->map.begin <= pc && pc < w->map.end)
		return true;
	if (may_see && w->see)
		return see_map(slot, pc);
	if (!n)
		return false;
	chunk = store_chunk(w->proc.maps);
	if (!chunk)
		return false;
	/* Halves of what is left: no branches in it, or the verifier would walk through all ways to search. */
	for (int i = 0; i < PH_STORE_MAPS_STEPS; i++) {
		u64 half = n / 2, at = lo + half;

		m = STORE_AT(chunk, w->proc.maps + at * sizeof(*m), struct ph_store_map);
		lo = if_less(pc, m->begin, lo, at);
		n -= half;
	}
	return in_map(w, STORE_AT(chunk, w->proc.maps + lo * sizeof(*m), struct ph_store_map), pc);
}

/*
 * The rule's number in the last of @n rows from @first on that does not begin behind @at, the first of which never does; -1: the
 * rows are not there.
 */
VERIFIED_ONCE int find_row(u64 first, u64 n, u64 at)
{
	u8 *chunk = store_chunk(first);
	u64 lo = 0;

	if (!chunk)
		return -1;
	for (int i = 0; i < PH_UNWIND_STEPS_MAX; i++) {
		u64 half = n / 2, middle = lo + half, pc;

		pc = *STORE_AT(chunk, first + middle * sizeof(u32), u32) & 0xffff;
		lo = if_less(at, pc, lo, middle);
		n -= half;
	}
	return *STORE_AT(chunk, first + lo * sizeof(u32), u32) >> 16;
}

/* The rule for an address of a file; NULL: there is none. */
static __always_inline struct ph_unwind_rule *find_rule(struct ph_store_table *t, u64 vaddr)
{
	u64 at = vaddr - t->base, page = at >> PH_UNWIND_PAGE_BITS, pos;
	struct ph_store_page *pg;
	s64 rule;
	u8 *chunk;

	if (vaddr < t->base || page >= t->npages)
		return NULL;
	pos = t->pages + page * sizeof(*pg);
	chunk = store_chunk(pos);
	if (!chunk)
		return NULL;
	pg = STORE_AT(chunk, pos, struct ph_store_page);
	rule = pg->n ? find_row((u64)pg->first * sizeof(u32), pg->n, at & (PH_UNWIND_PAGE - 1)) : -1;
	if (rule < 0 || rule >= t->nrules)
		return NULL;
	pos = t->rules + rule * sizeof(union ph_store_rule);
	chunk = store_chunk(pos);
	return chunk ? &STORE_AT(chunk, pos, union ph_store_rule)->rule : NULL;
}

/*
 * A new process has what its parent has, until it runs a program. User space hears of both later, and may write then what was
 * true before the exec: ph_store_proc's `stack` tells.
 */
static __always_inline void maps_inherit(u32 parent, u32 child)
{
	struct ph_store_proc *p = bpf_map_lookup_elem(&procs, &parent), copy;

	if (!p)
		return;
	copy = *p;
	bpf_map_update_elem(&procs, &child, &copy, BPF_NOEXIST);
}

static __always_inline void maps_forget(u32 pid)
{
	bpf_map_delete_elem(&procs, &pid);
}

/* ---- a walk ------------------------------------------------------------------------------------- */

static __always_inline int read_user(void *ctx, u64 addr, u64 *value)
{
	return bpf_probe_read_user(value, sizeof(*value), (void *)addr);
}

static __always_inline u32 end_of(enum ph_unwind_step s)
{
	switch (s) {
	case PH_STEP_END: return PH_END_COMPLETE;
	case PH_STEP_LOST: return PH_END_LOST;
	case PH_STEP_UNREADABLE: return PH_END_UNREADABLE;
	case PH_STEP_STACK: return PH_END_STACK;
	default: return PH_END_NO_RULE;
	}
}

static __always_inline void push_frame(struct walk *w, u64 frame)
{
	w->frames[(w->nkernel + w->nuser++) & FRAMES_MASK] = frame;
}

/* The thread that was found last time is the one still. */
static __always_inline void interp_recall(struct walk *w, const struct ph_interp *in)
{
	u64 *known = bpf_map_lookup_elem(&interp_threads, &w->tid);

	if (!known || read_user(NULL, *known + in->thread_id, &w->interp.of.own) ||
	    !ph_interp_is_thread(in, w->interp.of.own, w->interp_id))
		return;
	w->interp.thread = *known;
	w->interp.at = PH_INTERP_SEARCH;
}

/* Interpreted frames in the place of the function that runs them, one a step; w->at: which interpreter. 1: ask again. */
VERIFIED_ONCE int interp_step(u32 slot)
{
	struct walk *w = bpf_map_lookup_elem(&walks, &slot);
	const struct ph_interp *in = w ? bpf_map_lookup_elem(&interps, &w->at) : NULL;
	enum ph_interp_step s;

	if (!in)
		return 0;
	w->tid = (u32)bpf_get_current_pid_tgid();
	if (w->interp.at == PH_INTERP_NEW && in->kind == PH_INTERP_PYTHON)
		interp_recall(w, in);
	s = ph_interp_step(in, &w->interp, w->map.bias, w->interp_id, &w->frame, read_user, NULL);
	if (s == PH_INTERP_AGAIN) {
		if (w->interp.at == PH_INTERP_IN && in->kind == PH_INTERP_PYTHON)
			bpf_map_update_elem(&interp_threads, &w->tid, &w->interp.thread, BPF_ANY);
		return true;
	}
	if (s == PH_INTERP_FRAME || s == PH_INTERP_LAST) {
		/* One less is looked up, as of return addresses. */
		push_frame(w, w->frame + (w->nuser > 0));
		w->replaced = 1;
	}
	w->interp_over = s != PH_INTERP_FRAME;
	return !w->interp_over;
}

/* Where a fiber's stack begins: on with that of who resumed it. */
VERIFIED_ONCE int fiber_step(u32 slot)
{
	struct walk *w = bpf_map_lookup_elem(&walks, &slot);
	const struct ph_interp *in = w ? bpf_map_lookup_elem(&interps, &w->at) : NULL;

	return in && in->kind == PH_INTERP_PHP &&
	       ph_interp_php_fiber(in, &w->interp, UNWIND_ARCH, w->map.bias, &w->regs, read_user, NULL);
}

/* Code without rules that is V8's, or was made: a function of JavaScript takes its place, if the frame is of one. */
VERIFIED_ONCE int v8_step(u32 slot)
{
	struct walk *w = bpf_map_lookup_elem(&walks, &slot);
	u64 ids = bpf_get_current_pid_tgid(), *known;
	const struct ph_interp *in;

	if (!w)
		return 0;
	w->at = w->proc.v8 - 1;
	in = bpf_map_lookup_elem(&interps, &w->at);
	if (!in || !(w->regs.flags & PH_REGS_FP))
		return 0;
	w->v8.word = ph_v8_frame(in, w->regs.fp, (u32)ids, &w->v8_scratch, read_user, NULL);
	if (!w->v8.word)
		return 0;
	w->frames[(w->nkernel + w->nuser - 1) & FRAMES_MASK] = w->v8.word + (w->nuser > 1);
	w->v8.pid = ids >> 32;
	known = bpf_map_lookup_elem(&v8_functions, &w->v8);
	if (!known || *known != w->v8_scratch.shared)
		bpf_map_update_elem(&v8_functions, &w->v8, &w->v8_scratch.shared, BPF_ANY);
	return 1;
}

/* Code that Java has made: how to go on, and what takes its place. */
VERIFIED_ONCE int java_step(u32 slot)
{
	struct walk *w = bpf_map_lookup_elem(&walks, &slot);
	const struct ph_interp *in;
	u64 of, where;
	int s;

	if (!w)
		return PH_STEP_NO_RULE;
	w->at = w->proc.java - 1;
	in = bpf_map_lookup_elem(&interps, &w->at);
	if (!in)
		return PH_STEP_NO_RULE;
	s = ph_java_step(&in->java, w->proc.java_list, &w->java, &w->regs, read_user, NULL);
	of = ph_java_of(&in->java, &w->java, &where, read_user, NULL);
	if (of)
		w->frames[(w->nkernel + w->nuser - 1) & FRAMES_MASK] = ph_interp_frame(PH_INTERP_JAVA, of, where) + (w->nuser > 1);
	return s;
}

/* From the innermost frame on. */
static __always_inline void walk_begin(struct walk *w, enum ph_interp_shift shift)
{
	w->nuser = 0;
	w->regs.pc = w->top[REG_PC];
	w->regs.sp = w->top[REG_SP];
	w->regs.fp = w->top[REG_FP];
#if defined(__TARGET_ARCH_x86)
	w->regs.bx = w->top[REG_BX];
	w->regs.flags = PH_REGS_FP | PH_REGS_BX | PH_REGS_EXACT;
#else
	w->regs.lr = w->top[REG_LR];
	w->regs.flags = PH_REGS_FP | PH_REGS_LR | PH_REGS_EXACT;
#endif
	w->guessed = 0;
	w->java.begin = w->java.end = 0;
	w->interp.at = PH_INTERP_NEW;
	w->interp.frame = w->interp.thread = w->interp.owner = 0;
	w->interp.between = w->interp.without = 0;
	w->interp.shift = shift;
	w->replaced = w->interp_over = w->not_top = w->started = w->fiber = 0;
}

/* Were the innermost frames those of the innermost call of the interpreter? As soon as that can be told. */
static __always_inline enum ph_interp_shift interp_shift(struct walk *w, enum ph_unwind_step s)
{
	if (w->interp.shift)
		return PH_INTERP_EVEN;
	if (s == PH_STEP_END)
		return ph_interp_counted(&w->interp, w->started);
	/* The stack pointer is where the frame of the function that was just left ended. */
	if (s != PH_STEP_CALLER || !w->interp_over || !w->interp.owner)
		return PH_INTERP_EVEN;
	if (w->interp.owner >= w->regs.sp)
		return PH_INTERP_OUT;
	w->interp.shift = PH_INTERP_SHIFTED;
	return PH_INTERP_EVEN;
}

/* From a frame to its caller, as ph_unwind_walk() does it. 1: there is none. */
static __always_inline long step(u32 *which, bool may_see)
{
	struct ph_unwind_rule *rule = NULL;
	enum ph_interp_shift shift;
	enum ph_unwind_step s;
	struct ph_store_table *t;
	struct walk *w;
	u64 pc, exact;
	bool mapped;

	w = bpf_map_lookup_elem(&walks, which);
	if (!w)
		return 1;
	exact = w->regs.flags & PH_REGS_EXACT;
	pc = w->regs.pc - !exact;
	mapped = find_map(w, *which, pc, may_see);
	if (!mapped && w->guessed) {
		w->end = PH_END_NO_RULE;
		return 1;
	}
	if (w->nuser >= PH_FRAMES_USER)
		return 1;
	t = mapped ? bpf_map_lookup_elem(&tables, &w->map.file) : NULL;
	if (t && t->interp && !w->interp_over) {
		const struct ph_interp *in;

		w->at = t->interp - 1;
		in = bpf_map_lookup_elem(&interps, &w->at);
		if (in && ph_interp_loops(in, pc - w->map.bias))
			w->replaced = 1;
		else if (in && ph_interp_runs(in, pc - w->map.bias) && interp_step(*which))
			return 0;
		else if (in && w->nuser < 2 && ph_interp_starts(in, pc - w->map.bias))
			w->started = 1;
		w->fiber = in && ph_interp_fiber_begins(in, pc - w->map.bias);
	}
	/* From a call of the interpreter on it is counted from 0. */
	w->interp.between = w->interp_over ? 0 : w->interp.between + (w->interp.between < 2);
	/* Who was interrupted is told as if it had called: one less is looked up for all but the first. */
	if (!w->replaced)
		push_frame(w, w->regs.pc + (exact && w->nuser));
	if (!mapped) {
		w->end = PH_END_NO_MAPS;
		return 1;
	}
	if (!t || t->state == PH_TABLE_NONE) {
		w->end = PH_END_NO_TABLE;
		return 1;
	}
	w->guessed = 0;
	s = PH_STEP_NO_RULE;
	if (t->state == PH_TABLE_RULES)
		rule = find_rule(t, pc - w->map.bias);
	if (rule) {
		/*
		 * What a signal's handler returns to is the begin of a function, which nobody called. In the call by which that goes
		 * back, the next instruction is of another function.
		 */
		if (rule->flags & PH_RULE_SIGNAL && !exact && w->nuser)
			w->frames[(w->nkernel + w->nuser - 1) & FRAMES_MASK] = w->regs.pc + 1;
		else if (rule->flags & PH_RULE_SIGNAL && !w->not_top && (s32)w->top[REG_CALL] == NR_SIGRETURN)
			w->frames[w->nkernel & FRAMES_MASK] = w->regs.pc - 1;
		if (!w->not_top && rule->cfa == PH_CFA_REGISTER) {
			u32 reg = (u16)rule->cfa_add;

			w->regs.other = reg < NREGS ? w->top[reg] : 0;
			w->regs.flags |= PH_REGS_OTHER;
		}
		s = ph_unwind_step(UNWIND_ARCH, rule, &w->regs, read_user, NULL);
	}
	if (s == PH_STEP_NO_RULE && w->proc.v8 && (t->state == PH_TABLE_MADE || t->interp == w->proc.v8))
		v8_step(*which);
	if (s == PH_STEP_NO_RULE && w->proc.java && t->state == PH_TABLE_MADE)
		s = java_step(*which);
	if (s == PH_STEP_NO_RULE)
		s = ph_unwind_step_ret(UNWIND_ARCH, &w->regs, read_user, NULL);
	if (s == PH_STEP_NO_RULE && (w->regs.fp || t->state != PH_TABLE_MADE)) {
		s = ph_unwind_step_fp(UNWIND_ARCH, &w->regs, read_user, NULL);
		w->guessed = 1;
	}
	if (w->fiber)
		s = PH_STEP_END;
	if (s == PH_STEP_END && w->interp.frame && fiber_step(*which))
		s = PH_STEP_CALLER;
	shift = interp_shift(w, s);
	if (shift) {
		walk_begin(w, shift);
		return 0;
	}
	w->not_top = 1;
	w->replaced = w->interp_over = 0;
	if (s == PH_STEP_CALLER) {
		w->fiber = 0;
		return 0;
	}
	w->end = w->fiber ? PH_END_NO_RULE : end_of(s);
	return 1;
}

static long walk_step(void *map, u32 *key, u32 *value, u32 *which)
{
	return step(which, false);
}

/* The same in samples: in programs with many ways to a stack, as that of calls, the verifier would not come to an end with it. */
static long walk_step_seeing(void *map, u32 *key, u32 *value, u32 *which)
{
	return step(which, true);
}

/* A free place for a walk, which is taken then; NULL: all are. */
static __always_inline struct walk *walk_take(u32 *ret_slot)
{
	struct walk *w;

#pragma unroll
	for (u32 i = 0; i < WALKS; i++) {
		u32 slot = i;

		w = bpf_map_lookup_elem(&walks, &slot);
		if (w && !__sync_val_compare_and_swap(&w->busy, 0, 1)) {
			*ret_slot = slot;
			w->nkernel = w->nuser = 0;
			w->end = PH_END_NOT_WALKED;
			return w;
		}
	}
	return NULL;
}

static __always_inline bool compat_mode(struct walk *w)
{
#if defined(__TARGET_ARCH_x86)
	return (w->top[REG_CS] & 0xffff) == 0x23;	/* __USER32_CS */
#else
	return w->top[REG_PSTATE] & 0x10;		/* PSR_MODE32_BIT */
#endif
}

/* The thread pointer; on arm64 what it was when the thread left its CPU last: it is set once, when a program or a thread begins. */
static __always_inline u64 interp_thread_id(struct task_struct *t)
{
#if defined(__TARGET_ARCH_x86)
	return t->thread.fsbase;
#else
	return t->thread.uw.tp_value;
#endif
}

/*
 * In exec the memory may be the new program's, and the registers still the old one's: it leads nowhere. Before and after that moment the two
 * belong together.
 */
static __always_inline bool strays_in_exec(struct walk *w, struct task_struct *t)
{
	struct task_struct___exec *exec = (void *)t;

	return w->end > PH_END_FRAMES && w->end < PH_END_NO_TABLE && bpf_core_field_exists(exec->in_execve) &&
	       BPF_CORE_READ_BITFIELD_PROBED(exec, in_execve);
}

static __always_inline void walk_user(struct walk *w, u32 slot, struct task_struct *t, bool sample)
{
	struct ph_store_proc *p;
	u32 pid = t->tgid;

	if (t->flags & (PF_KTHREAD | PF_WORKER) || !WALK(t)->mm)
		return;
	/* In exec: the program has nowhere to begin yet. */
	if (!WALK(WALK(t)->mm)->start_code)
		return;
	if (bpf_probe_read_kernel(w->top, NREGS * sizeof(u64), (void *)bpf_task_pt_regs(t)))
		return;
	walk_begin(w, PH_INTERP_EVEN);
	w->interp_id = interp_thread_id(t);
	w->map.begin = w->map.end = 0;
	w->proc.n = 0;
	w->see = 0;
	p = bpf_map_lookup_elem(&procs, &pid);
	if (!compat_mode(w)) {
		bool known = p && p->stack == WALK(WALK(t)->mm)->start_stack;

		if (known)
			w->proc = *p;
		/* A program that has just begun, or loaded a library: user space has not looked yet. */
		w->see = sample && SEES_MAPS && (!known || p->exec_pages != (u32)WALK(WALK(t)->mm)->exec_vm);
	}
	w->end = PH_END_FRAMES;
	if (sample && SEES_MAPS)
		bpf_for_each_map_elem(&frames, walk_step_seeing, &slot, 0);
	else
		bpf_for_each_map_elem(&frames, walk_step, &slot, 0);
	if (strays_in_exec(w, t)) {
		w->nuser = 0;
		w->end = PH_END_NOT_WALKED;
	}
}

/* Write what was walked, and give the place back. @w NULL: there was none. */
static __always_inline void callstack_done(struct walk *w, struct task_struct *t, u64 who, u32 trigger,
					   u64 weight, u32 unit)
{
	u32 nkernel = w ? w->nkernel : 0, nuser = w ? w->nuser : 0, bytes = (nkernel + nuser) * sizeof(u64);
	struct ph_ev_callstack *e;
	struct ph_rec *rec_;
	struct slot slot_;

	e = rec_begin(&slot_, &rec_, sizeof(*e) + bytes, t, who);
	if (e) {
		SET(e, trigger, trigger);
		SET(e, weight, weight);
		SET(e, unit, unit);
		set_comm(e->comm, t);
		SET(e, tid, t->pid);
		SET(e, callstack_kernel, nkernel);
		SET(e, callstack_user, nuser);
		SET(e, user_end, w ? w->end : PH_END_BUSY);
		SET(e, walk_ns, w && trigger ? rec_->ts_ns - w->begin_ns : 0);
		bytes &= 8 * FRAMES_MASK;
		if (w)
			bpf_probe_read_kernel(e + 1, bytes, w->frames);
		DONE(callstack, e, bytes);
	}
	if (w)
		WRITE_ONCE(w->busy, 0);
}

static __always_inline int write_stacks(u32 trigger, u64 who, bool kernel)
{
	struct task_struct *t = current_task();
	struct walk *w;
	u32 slot = 0;

	if (!t->pid)
		return 0;
	w = walk_take(&slot);
	if (w) {
		long n;

		w->begin_ns = bpf_ktime_get_ns();
		n = kernel ? bpf_get_task_stack(t, w->frames, 8 * PH_FRAMES_KERNEL, 0) : 0;
		w->nkernel = n > 0 && n <= 8 * PH_FRAMES_KERNEL ? n >> 3 : 0;
		walk_user(w, slot, t, false);
	}
	callstack_done(w, t, who, trigger, 1, 2);
	return 0;
}

static __noinline int write_callstack(u32 trigger, u64 who)
{
	return write_stacks(trigger, who, true);
}

/* Of a trap that is the tracer's own: what the kernel does there is of no interest. */
static __noinline int write_user_callstack(u32 trigger, u64 who)
{
	return write_stacks(trigger, who, false);
}

#endif
