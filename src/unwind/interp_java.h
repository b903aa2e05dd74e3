/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_INTERP_JAVA_H
#define PH_UNWIND_INTERP_JAVA_H

/*
 * Stacks of Java (HotSpot, x86_64): code that it has compiled keeps no frame pointer, but how large the frame is stands in front of the code. As
 * step.h and interp.h, for user space and the kernel side alike.
 */

#ifndef __bpf__
#include <stdbool.h>
#endif
#include "unwind/step.h"

/*
 * Where HotSpot has what, as it says itself (gHotSpotVMStructs): its code is in heaps, which are divided into segments; a map of these has
 * a byte for each, how many segments it is back to where the block begins, or to one that says it. A block is a head, and what is
 * told of the code (CodeBlob), and the code.
 */
struct ph_java {
	__u16 list_n, list_v;			/* list of heaps → how many, → the heaps */
	__u16 heap_begin, heap_end, heap_map, heap_log2;
	__u16 block_head;			/* bytes */
	__u16 blob_name, blob_frame, blob_complete, blob_code;
	__u16 blob_method;			/* of compiled methods */
	__u16 method_const, const_pool;
	/* What only names need (ph_interp_name_java()): */
	__u16 const_name, pool_symbols, pool_class, class_name, symbol_n, symbol_bytes;
	__u8 code_is_far;			/* blob_code has how far away the code is, else where */
	__u8 one_heap;				/* the list is none: it is where the heap is */
	__u8 known;
	__u8 pad_[5];
};

/* What is read on the way: on the stack of a BPF program there is no room for it. */
struct ph_java_scratch {
	__u64 begin, end, map, log2;		/* the heap that was found last; all 0 at the beginning of a walk */
	__u64 at, word, list, code;
	__u64 blob;				/* that the frame is of; 0: it is of none */
	__u64 method;				/* of the frame, when it is one; 0: it is another's */
};

/* The first 8 bytes of names of blobs. */
#define PH_JAVA_NAME(a, b, c, d, e, f, g, h) \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)
#define PH_JAVA_NMETHOD PH_JAVA_NAME('n', 'm', 'e', 't', 'h', 'o', 'd', 0)
#define PH_JAVA_NATIVE PH_JAVA_NAME('n', 'a', 't', 'i', 'v', 'e', ' ', 'n')
#define PH_JAVA_INTERPRETER PH_JAVA_NAME('I', 'n', 't', 'e', 'r', 'p', 'r', 'e')
#define PH_JAVA_VTABLE PH_JAVA_NAME('v', 't', 'a', 'b', 'l', 'e', ' ', 'c')
#define PH_JAVA_STUBS PH_JAVA_NAME('S', 't', 'u', 'b', 'R', 'o', 'u', 't')
#define PH_JAVA_ADAPTER PH_JAVA_NAME('I', '2', 'C', '/', 'C', '2', 'I', ' ')

/* Code that is compiled and code that is not have heaps of their own, and so has what HotSpot begins with. */
#define PH_JAVA_HEAPS 3
/* Each goes back over 254 segments of mostly 128 bytes: as large as the interpreter is. */
#define PH_JAVA_HOPS 16

ph_unwind_inline bool ph_java_heap(const struct ph_java *j, __u64 list, __u64 pc, struct ph_java_scratch *v, ph_unwind_read read, void *ctx)
{
	__u64 n;

	if (v->begin <= pc && pc < v->end)
		return true;
	if (j->one_heap) {
		v->list = list;
		n = 1;
	} else {
		if (read(ctx, list, &v->at) || read(ctx, v->at + (j->list_n & ~7u), &n) || read(ctx, v->at + j->list_v, &v->list))
			return false;
		n = n >> 8 * (j->list_n & 7) & 0xffffffff;
	}
#ifdef __bpf__
#pragma unroll
#endif
	for (unsigned int i = 0; i < PH_JAVA_HEAPS; i++) {
		if (i >= n || read(ctx, v->list + 8ull * i, &v->at) || read(ctx, v->at + j->heap_begin, &v->begin) ||
		    read(ctx, v->at + j->heap_end, &v->end))
			break;
		if (v->begin <= pc && pc < v->end)
			return !read(ctx, v->at + j->heap_map, &v->map) && !read(ctx, v->at + (j->heap_log2 & ~7u), &v->log2);
	}
	v->begin = v->end = 0;
	return false;
}

/* The blob that @pc is in. */
ph_unwind_inline bool ph_java_blob(const struct ph_java *j, __u64 pc, struct ph_java_scratch *v, ph_unwind_read read, void *ctx)
{
	__u64 log2 = v->log2 >> 8 * (j->heap_log2 & 7) & 31, segment = (pc - v->begin) >> log2, back;

	for (unsigned int i = 0; i < PH_JAVA_HOPS; i++) {
		v->at = v->map + segment;
		if (read(ctx, v->at & ~7ull, &v->word))
			return false;
		back = v->word >> 8 * (v->at & 7) & 0xff;
		if (!back) {
			v->blob = v->begin + (segment << log2) + j->block_head;
			return true;
		}
		/* 255: nobody has it. */
		if (back == 255 || back > segment)
			return false;
		segment -= back;
	}
	return false;
}

/* sub $N, %rsp */
#define PH_JAVA_IS_SUB(code) (((code) & 0xfffdff) == 0xec8148)

/* Is there one right before @pc? Behind it a method may wait for others until it counts as begun: some instructions. */
#define PH_JAVA_WAIT_BYTES 20
ph_unwind_inline bool ph_java_subtracted(__u64 pc, struct ph_java_scratch *v, ph_unwind_read read, void *ctx)
{
	bool found = false;

	for (unsigned int i = 4; i < 4 + PH_JAVA_WAIT_BYTES; i++)
		found |= !read(ctx, pc - i, &v->word) && PH_JAVA_IS_SUB(v->word);
	return found;
}

/*
 * A method that is compiled, at an instruction that was interrupted: how far below the caller's stack pointer this is. It begins with
 * push %rbp; sub $N, %rsp (or the other way round, with a mov), and ends with add $N, %rsp; pop %rbp; what asks for safepoints; ret.
 */
ph_unwind_inline __u64 ph_java_interrupted(const struct ph_java *j, __u64 pc, __u64 complete, __u64 frame, struct ph_java_scratch *v, bool *saved,
					   ph_unwind_read read, void *ctx)
{
	__u64 code = 0, before = 0;

	if (read(ctx, pc, &code) || read(ctx, pc - 8, &before))
		return frame;
	before >>= 56;
	if (pc < v->code + complete) {
		/* mov %rbp, N(%rsp) */
		*saved = (code & 0xff3fffff) != 0x242c8948;
		if (!*saved || ph_java_subtracted(pc, v, read, ctx))
			return frame;
		/* mov %rsp, %rbp; sub behind a push or that. */
		if ((code & 0xffffff) == 0xec8b48 || (code & 0xffffff) == 0xe58948 ||
		    (PH_JAVA_IS_SUB(code) && (before == 0x55 || before == 0xec || before == 0xe5)))
			return 16;
		*saved = false;
		return 8;
	}
	/* pop %rbp */
	if ((code & 0xff) == 0x5d)
		return 16;
	/* ret; mov N(%r15), %r10, test %eax, (%r10) and ret; cmp N(%r15), %rsp; ja and ret; test %eax, … and ret */
	if ((code & 0xffffffff00ffffff) == 0xc302854100578b4d ||
	    ((code & 0xff00000000ffffff) == 0x4100000000978b4d && !read(ctx, pc + 8, &v->word) && (v->word & 0xffffff) == 0xc30285) ||
	    (code & 0xff) == 0xc3 || (code & 0xff) == 0xc2 || (code & 0x3fffff) == 0x273b49 ||
	    ((code & 0xffff) == 0x870f && (code >> 48 & 0xff) == 0xc3) || ((code & 0xffff) == 0x0585 && (code >> 48 & 0xff) == 0xc3) ||
	    ((code & 0xfffb) == 0x8541 && (code >> 24 & 0xff) == 0xc3)) {
		*saved = false;
		return 8;
	}
	return frame;
}

/*
 * One step out of code that HotSpot has made. @list: where it has its list of heaps. Then v->method is what it was of.
 * PH_STEP_NO_RULE: it is not in a heap, or of a kind that keeps a frame pointer.
 */
ph_unwind_inline enum ph_unwind_step ph_java_step(const struct ph_java *j, __u64 list, struct ph_java_scratch *v, struct ph_unwind_regs *r,
						  ph_unwind_read read, void *ctx)
{
	__u64 exact = r->flags & PH_REGS_EXACT, pc = r->pc - !exact, name = 0, frame = 0, complete = 0, cfa, fp = r->fp;
	bool saved = true;

	v->method = v->blob = 0;
	if (!ph_java_heap(j, list, pc, v, read, ctx) || !ph_java_blob(j, pc, v, read, ctx))
		return PH_STEP_NO_RULE;
	if (read(ctx, v->blob + j->blob_name, &v->at) || read(ctx, v->at, &name)) {
		v->blob = 0;
		return PH_STEP_NO_RULE;
	}
	if (name == PH_JAVA_INTERPRETER) {
		/* A frame has, below where its caller's frame pointer is: where its caller's stack ends, …, the method. */
		if (!(r->flags & PH_REGS_FP) || !r->fp || r->fp < r->sp || r->fp & 7 || read(ctx, r->fp - 8, &cfa) || read(ctx, r->fp + 8, &pc) ||
		    read(ctx, r->fp, &fp) || cfa < r->fp + 16 || !pc)
			return PH_STEP_NO_RULE;
		if (read(ctx, r->fp - 24, &v->method))
			v->method = 0;
	} else if (name == PH_JAVA_STUBS && r->flags & PH_REGS_FP && r->fp >= r->sp && !(r->fp & 7) && !read(ctx, r->fp + 8, &v->word) &&
		   v->word == ~0ull) {
		/* In which a method waits before it begins: it pushes a word before it saves the frame pointer. */
		cfa = r->fp + 24;
		if (read(ctx, r->fp + 16, &pc) || read(ctx, r->fp, &fp))
			return PH_STEP_UNREADABLE;
	} else {
		if (name != PH_JAVA_NMETHOD && name != PH_JAVA_NATIVE) {
			/* Some have no frame, and jump. The others keep a frame pointer: from push %rbp until ret. */
			if (exact && name != PH_JAVA_VTABLE && name != PH_JAVA_ADAPTER &&
			    (read(ctx, pc, &v->word) || ((v->word & 0xff) != 0x55 && (v->word & 0xff) != 0xc3)))
				return PH_STEP_NO_RULE;
			frame = exact ? 8 : 0;
			saved = !exact;
		} else if (read(ctx, v->blob + j->blob_method, &v->method)) {
			v->method = 0;
		}
		if (!frame) {
			if (read(ctx, v->blob + (j->blob_frame & ~7u), &frame) || read(ctx, v->blob + (j->blob_complete & ~7u), &complete) ||
			    read(ctx, v->blob + (j->blob_code & ~7u), &v->code))
				return PH_STEP_NO_RULE;
			frame = 8 * (frame >> 8 * (j->blob_frame & 7) & 0xffffffff);
			complete = complete >> 8 * (j->blob_complete & 7) & 0x7fff;
			if (j->code_is_far)
				v->code = v->blob + (v->code >> 8 * (j->blob_code & 7) & 0xffffffff);
			if (frame < 16 || frame >> 20)
				return PH_STEP_NO_RULE;
			if (exact)
				frame = ph_java_interrupted(j, pc, complete, frame, v, &saved, read, ctx);
		}
		cfa = r->sp + frame;
		if (read(ctx, cfa - 8, &pc) || (saved && read(ctx, cfa - 16, &fp)))
			return PH_STEP_UNREADABLE;
	}
	r->pc = pc;
	r->sp = cfa;
	r->fp = fp;
	r->flags = PH_REGS_FP;
	return pc ? PH_STEP_CALLER : PH_STEP_END;
}

/*
 * What the frame of that step was of: a method, if it leads to what its name is read from (else it is none yet, or none any more), or a
 * blob, by PH_JAVA_BLOB. 0: nothing that has a name.
 */
#define PH_JAVA_METHOD 0
#define PH_JAVA_BLOB 1
ph_unwind_inline __u64 ph_java_of(const struct ph_java *j, struct ph_java_scratch *v, __u64 *where, ph_unwind_read read, void *ctx)
{
	*where = PH_JAVA_METHOD;
	if (v->method && !(v->method & 7) && !read(ctx, v->method + j->method_const, &v->at) && v->at && !(v->at & 7) &&
	    !read(ctx, v->at + j->const_pool, &v->word) && v->word && !(v->word & 7))
		return v->method;
	*where = PH_JAVA_BLOB;
	return v->blob;
}

#endif
