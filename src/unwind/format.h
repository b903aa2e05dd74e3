/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_FORMAT_H
#define PH_UNWIND_FORMAT_H

/*
 * The tables by which a stack is walked without frame pointers, as user space makes them and the
 * kernel side reads them: so only __u8 … __u64 and plain arrays. docs/unwinding.md describes them.
 *
 * An address of a file is found in two steps. `pages[(vaddr - base) >> PH_UNWIND_PAGE_BITS]` is the
 * index of its page's first row, the entry behind it that of the next page's. Among these rows the
 * last one at or below the address counts, and where there is none, the row before them: it reaches
 * over from an earlier page. The row names the rule.
 */

#ifndef __bpf__
#include <linux/types.h>
#endif

#define PH_UNWIND_PAGE_BITS 16
#define PH_UNWIND_PAGE (1u << PH_UNWIND_PAGE_BITS)
/* So much of a file's addresses, from its first page of code on, can have rows. */
#define PH_UNWIND_SPAN_MAX (1ull << 32)
/* Rows of a page are at different addresses, so a search halves them at most so often. */
#define PH_UNWIND_STEPS_MAX (PH_UNWIND_PAGE_BITS + 1)

struct ph_unwind_row {
	__u16 pc;		/* of the page: the low bits of the address from which on it holds */
	__u16 rule;
};

enum ph_unwind_arch { PH_UNWIND_X86_64, PH_UNWIND_ARM64 };

/* Where the caller's stack pointer was before the call, the canonical frame address (CFA). */
enum ph_unwind_cfa {
	PH_CFA_NONE,		/* there is no rule */
	PH_CFA_END,		/* nobody called this: the stack ends here, complete */
	PH_CFA_SP,		/* SP + cfa_off */
	PH_CFA_FP,		/* FP + cfa_off */
	PH_CFA_BX,		/* BX + cfa_off */
	PH_CFA_SP_DEREF,	/* what is at SP + cfa_off, + cfa_add */
	PH_CFA_FP_DEREF,	/* what is at FP + cfa_off, + cfa_add */
	PH_CFA_PLT,		/* SP + 8, + 16 where (pc & 15) >= cfa_off */
	/*
	 * Register cfa_add, by DWARF's number, + cfa_off: hand-written code that calls nobody, of ciphers
	 * mostly. At the top of a stack all registers are known.
	 */
	PH_CFA_REGISTER,
	/*
	 * FP + cfa_off; but where the return address below it has become that of another frame, whose end is at FP + cfa_add: there.
	 * Of what catches exceptions (catch.h).
	 */
	PH_CFA_CATCH,
	PH_CFA_NKINDS,
};

/* Where the caller's value of a register is; for the return address, where that is. */
enum ph_unwind_saved {
	PH_SAVED_SAME,		/* in the register still; a return address: in the link register */
	PH_SAVED_CFA,		/* at CFA + off */
	PH_SAVED_SP,		/* at SP + off */
	PH_SAVED_FP,		/* at FP + off */
	PH_SAVED_LOST,		/* nowhere that the tables could tell */
	PH_SAVED_NKINDS,
};

/* The frame of a signal: its caller was interrupted at its pc, instead of having called. Or it goes on there for another reason. */
#define PH_RULE_SIGNAL 1

/*
 * SP, FP and BX are RSP, RBP and RBX; on arm64 SP and X29, BX is not used. The link register LR
 * is arm64's X30, whose caller's value the rules tell where that is not the return address: behind a signal's
 * frame it lies 16 bytes below the return address (struct sigcontext has x30, sp, pc).
 */
struct ph_unwind_rule {
	__u8 cfa, ra, fp, bx;	/* enum ph_unwind_cfa, then enum ph_unwind_saved */
	__s32 cfa_off, ra_off, fp_off, bx_off;
	__s16 cfa_add;
	__u16 flags;
};

/* Indices of rules that every table has. */
enum { PH_RULE_NONE, PH_RULE_END, PH_RULE_FIRST };

#endif
