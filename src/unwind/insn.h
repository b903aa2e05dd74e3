/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_INSN_H
#define PH_UNWIND_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Registers, by the numbers that x86_64's instructions have for them. */
enum { PH_X86_BX = 3, PH_X86_SP = 4, PH_X86_BP = 5, PH_X86_RIP = 16, PH_X86_NONE = 255 };
/* Those of arm64 that are followed have the same: X30 in BX's place, X29 in BP's. All others are at their number from X0 on. */
enum { PH_ARM64_LR = PH_X86_BX, PH_ARM64_SP = PH_X86_SP, PH_ARM64_FP = PH_X86_BP, PH_ARM64_X0 = 32 };

/* What an instruction does to the stack, to SP, BP and BX, and to the flow; all else is PH_INSN_OTHER. */
enum ph_insn_kind {
	PH_INSN_OTHER,
	PH_INSN_BAD,		/* none that there is, or cut off */
	PH_INSN_PUSH,		/* register `reg`; NONE: anything else of 8 bytes, as at `base` + disp */
	PH_INSN_POP,
	PH_INSN_ADD,		/* `reg` += disp; where there is a `base`, so many times what that is (1, -1) */
	PH_INSN_LEA,		/* `reg` = `base` + disp */
	PH_INSN_MOVE,		/* `reg` = `base` */
	PH_INSN_STORE,		/* at `base` + disp: `reg`, and `reg2` in the next word; then `base` += `then` */
	PH_INSN_LOAD,		/* the same: `reg` and `reg2` = what is there */
	PH_INSN_CLEAR,		/* `reg` = 0 */
	PH_INSN_CONSTANT,	/* `reg` = disp */
	PH_INSN_LEAVE,
	PH_INSN_CALL,		/* to `target`, or somewhere */
	PH_INSN_JUMP,		/* to `target`, or where the pointer at `base` + disp says, or somewhere */
	PH_INSN_BRANCH,
	PH_INSN_RETURN,
	PH_INSN_KERNEL,		/* arm64's call of the kernel, which gives back all registers but X0 */
	PH_INSN_STOP,		/* nothing runs on from here */
	PH_INSN_PAD,		/* does nothing */
};

struct ph_insn {
	enum ph_insn_kind kind;
	uint8_t len;
	uint8_t reg, base;
	uint8_t writes;		/* bits 1 << register, of BX, SP and BP, where the kind does not tell */
	bool direct;		/* `target` is known */
	int64_t disp;
	int64_t target;		/* of calls and jumps, counted from the begin of the instruction */
	/* Of arm64's loads and stores. */
	uint8_t reg2;
	bool popped;		/* as who restores what was saved loads it */
	int64_t then;
};

/* The instruction at @p, of which @n bytes are there. */
void ph_insn_read(const uint8_t *p, size_t n, struct ph_insn *ret);
void ph_insn_read_arm64(const uint8_t *p, size_t n, struct ph_insn *ret);

#endif
