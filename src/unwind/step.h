/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_STEP_H
#define PH_UNWIND_STEP_H

/*
 * One step of a walk, from a frame to its caller: what user space (walk.c) and the kernel side do alike. No loops, and memory
 * is read by the caller's function, at most six words a step. Included by both, as format.h.
 */

#include "unwind/format.h"

#define ph_unwind_inline static inline __attribute__((always_inline))

/* Of struct ph_unwind_regs: what is known. */
enum {
	PH_REGS_FP = 1,
	PH_REGS_LR = 2,
	PH_REGS_BX = 4,		/* its value is `bx` */
	PH_REGS_BX_AT = 8,	/* its value is at the address `bx`; read when it is asked for, which is seldom */
	/*
	 * The next instruction is the one at pc, as at the top of a stack and where a signal interrupted.
	 * Without it, pc is where a call returns to, and the call may have been the last of its function:
	 * look up pc - 1.
	 */
	PH_REGS_EXACT = 16,
	PH_REGS_OTHER = 32,	/* `other` is the register that the rule here names (PH_CFA_REGISTER) */
};

struct ph_unwind_regs {
	__u64 pc, sp, fp, lr, bx, other;
	__u32 flags;
};

enum ph_unwind_step {
	PH_STEP_CALLER,		/* the registers are the caller's now */
	PH_STEP_END,		/* there is no caller: the stack is complete */
	PH_STEP_NO_RULE,	/* ask ph_unwind_step_fp() */
	PH_STEP_LOST,		/* the rule needs a register that is not known */
	PH_STEP_UNREADABLE,
	PH_STEP_STACK,		/* the caller's frame is not above this one */
	PH_STEP_NKINDS,
};

/* Why a walk is over, as the event callstack has it (user_end): numbers in traces, which stay. */
enum ph_unwind_end {
	PH_END_NOT_WALKED,	/* there is no program: a thread of the kernel, or one in the middle of exec */
	PH_END_COMPLETE,
	PH_END_FRAMES,		/* as many frames as are kept */
	PH_END_NO_RULE,
	PH_END_LOST,
	PH_END_UNREADABLE,
	PH_END_STACK,
	PH_END_NO_TABLE,	/* of the file: none yet, or not for want of memory */
	PH_END_NO_MAPS,		/* of the process: not known yet */
	PH_END_BUSY,		/* an interrupt's walk in another's, for which there is no room */
	PH_END_NKINDS,
};

/* 0, or anything else where it cannot be read. */
typedef int (*ph_unwind_read)(void *ctx, __u64 addr, __u64 *value);

/*
 * arm64 signs return addresses in the bits above those of an address. Nothing is mapped above 48 bits unless a
 * program asks for it by address.
 */
#define PH_UNWIND_ARM64_PC ((1ull << 48) - 1)

/* Where a saved register is; 0 where that is not known. */
ph_unwind_inline __u64 ph_unwind_saved_at(__u8 how, __s32 off, const struct ph_unwind_regs *r, __u64 cfa)
{
	switch (how) {
	case PH_SAVED_CFA:
		return cfa + (__u64)(__s64)off;
	case PH_SAVED_SP:
		return r->sp + (__u64)(__s64)off;
	case PH_SAVED_FP:
		return r->flags & PH_REGS_FP ? r->fp + (__u64)(__s64)off : 0;
	}
	return 0;
}

ph_unwind_inline enum ph_unwind_step ph_unwind_cfa(const struct ph_unwind_rule *rule,
						   const struct ph_unwind_regs *r, ph_unwind_read read,
						   void *ctx, __u64 *cfa)
{
	__u64 off = (__u64)(__s64)rule->cfa_off, bx = r->bx, there, ra, its_ra;

	switch (rule->cfa) {
	case PH_CFA_SP:
		*cfa = r->sp + off;
		return PH_STEP_CALLER;
	case PH_CFA_PLT:
		*cfa = r->sp + ((r->pc & 15) >= off ? 16 : 8);
		return PH_STEP_CALLER;
	case PH_CFA_SP_DEREF:
		if (read(ctx, r->sp + off, cfa))
			return PH_STEP_UNREADABLE;
		*cfa += (__u64)(__s64)rule->cfa_add;
		return PH_STEP_CALLER;
	case PH_CFA_FP:
	case PH_CFA_FP_DEREF:
		if (!(r->flags & PH_REGS_FP))
			return PH_STEP_LOST;
		*cfa = r->fp + off;
		if (rule->cfa == PH_CFA_FP)
			return PH_STEP_CALLER;
		if (read(ctx, r->fp + off, cfa))
			return PH_STEP_UNREADABLE;
		*cfa += (__u64)(__s64)rule->cfa_add;
		return PH_STEP_CALLER;
	case PH_CFA_BX:
		if (!(r->flags & (PH_REGS_BX | PH_REGS_BX_AT)))
			return PH_STEP_LOST;
		if ((r->flags & PH_REGS_BX_AT) && read(ctx, r->bx, &bx))
			return PH_STEP_UNREADABLE;
		*cfa = bx + off;
		return PH_STEP_CALLER;
	case PH_CFA_REGISTER:
		*cfa = r->other + off;
		return r->flags & PH_REGS_OTHER ? PH_STEP_CALLER : PH_STEP_LOST;
	case PH_CFA_CATCH:
		if (!(r->flags & PH_REGS_FP))
			return PH_STEP_LOST;
		*cfa = r->fp + off;
		if (!read(ctx, r->fp + (__u64)(__s64)rule->cfa_add, &there) && !read(ctx, there - 8, &its_ra) &&
		    !read(ctx, *cfa - 8, &ra) && ra == its_ra)
			*cfa = there;
		return PH_STEP_CALLER;
	case PH_CFA_END:
		return PH_STEP_END;
	}
	return PH_STEP_NO_RULE;
}

ph_unwind_inline enum ph_unwind_step ph_unwind_step(enum ph_unwind_arch arch, const struct ph_unwind_rule *rule,
						    struct ph_unwind_regs *r, ph_unwind_read read, void *ctx)
{
	__u64 cfa = 0, at, pc = 0, lr = 0, fp = r->fp;
	enum ph_unwind_step s = ph_unwind_cfa(rule, r, read, ctx, &cfa);
	__u32 flags = r->flags & (PH_REGS_FP | PH_REGS_BX | PH_REGS_BX_AT);

	if (s != PH_STEP_CALLER)
		return s;
	/*
	 * Stacks grow downwards, so a caller's frame is above; a leaf of arm64 has none of its own. Signals may have
	 * a stack of their own, anywhere.
	 */
	if (!(rule->flags & PH_RULE_SIGNAL) && (cfa < r->sp || (cfa == r->sp && rule->ra != PH_SAVED_SAME)))
		return PH_STEP_STACK;

	if (rule->ra == PH_SAVED_SAME) {
		if (!(r->flags & PH_REGS_LR))
			return PH_STEP_LOST;
		pc = r->lr;
	} else {
		at = ph_unwind_saved_at(rule->ra, rule->ra_off, r, cfa);
		if (!at)
			return PH_STEP_LOST;
		if (read(ctx, at, &pc))
			return PH_STEP_UNREADABLE;
		/* struct sigcontext of arm64: x30, sp, pc. Who was interrupted may not have saved it yet. */
		if (arch == PH_UNWIND_ARM64 && (rule->flags & PH_RULE_SIGNAL) && !read(ctx, at - 16, &lr))
			flags |= PH_REGS_LR;
	}

	if (rule->fp != PH_SAVED_SAME) {
		flags &= ~(__u32)PH_REGS_FP;
		at = ph_unwind_saved_at(rule->fp, rule->fp_off, r, cfa);
		if (at && !read(ctx, at, &fp))
			flags |= PH_REGS_FP;
	}
	if (rule->bx != PH_SAVED_SAME) {
		flags &= ~(__u32)(PH_REGS_BX | PH_REGS_BX_AT);
		r->bx = ph_unwind_saved_at(rule->bx, rule->bx_off, r, cfa);
		if (r->bx)
			flags |= PH_REGS_BX_AT;
	}
	if (arch == PH_UNWIND_ARM64)
		pc &= PH_UNWIND_ARM64_PC;
	if (rule->flags & PH_RULE_SIGNAL)
		flags |= PH_REGS_EXACT;
	r->pc = pc;
	r->sp = cfa;
	r->fp = fp;
	r->lr = lr;
	r->flags = flags;
	/* Nothing returns to address 0: libraries that mark a thread's first frame otherwise than by DWARF put it there. */
	return pc ? PH_STEP_CALLER : PH_STEP_END;
}

/*
 * Where there is no rule, by what will be run: code that returns at once, "add $N, %rsp; ret", says where to. So do Python's
 * trampolines, which stand between the interpreter and itself (-X perf). What they were called with is its caller's still.
 */
ph_unwind_inline enum ph_unwind_step ph_unwind_step_ret(enum ph_unwind_arch arch, struct ph_unwind_regs *r,
							ph_unwind_read read, void *ctx)
{
	__u64 code, pc, sp = r->sp;

	if (arch != PH_UNWIND_X86_64 || read(ctx, r->pc, &code) || (code & 0xff87ffffff) != 0xc300c48348)
		return PH_STEP_NO_RULE;
	sp += code >> 24 & 0x7f;
	if (read(ctx, sp, &pc))
		return PH_STEP_UNREADABLE;
	r->pc = pc;
	r->sp = sp + 8;
	r->flags &= ~(__u32)PH_REGS_EXACT;
	return pc ? PH_STEP_CALLER : PH_STEP_END;
}

/*
 * The same where there is no rule, by the frame pointer: it points at the caller's, above which is the return address.
 * A guess for code that does not keep them: a caller outside of all code is none. Whatever the caller's own frame pointer
 * is (it may keep none), the stack pointer grows, so this ends. 0 is the outermost frame's by the ABI.
 */
ph_unwind_inline enum ph_unwind_step ph_unwind_step_fp(enum ph_unwind_arch arch, struct ph_unwind_regs *r,
						       ph_unwind_read read, void *ctx)
{
	__u64 fp, pc;

	if (!(r->flags & PH_REGS_FP))
		return PH_STEP_NO_RULE;
	if (!r->fp)
		return PH_STEP_END;
	if (r->fp < r->sp || (r->fp & 7))
		return PH_STEP_NO_RULE;
	if (read(ctx, r->fp, &fp) || read(ctx, r->fp + 8, &pc))
		return PH_STEP_UNREADABLE;
	if (arch == PH_UNWIND_ARM64)
		pc &= PH_UNWIND_ARM64_PC;
	r->pc = pc;
	r->sp = r->fp + 16;
	r->fp = fp;
	r->flags = PH_REGS_FP;
	return pc ? PH_STEP_CALLER : PH_STEP_END;
}

#endif
