/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_INSN_H
#define PH_UNWIND_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Registers, by the numbers that x86_64's instructions have for them. */
enum { PH_X86_BX = 3, PH_X86_SP = 4, PH_X86_BP = 5, PH_X86_RIP = 16, PH_X86_NONE = 255 };

/* What an instruction of x86_64 does to the stack, to SP, BP and BX, and to the flow; all else is PH_INSN_OTHER. */
enum ph_insn_kind {
	PH_INSN_OTHER,
	PH_INSN_BAD,		/* none that there is, or cut off */
	PH_INSN_PUSH,		/* register `reg`; NONE: anything else of 8 bytes, as at `base` + disp */
	PH_INSN_POP,
	PH_INSN_ADD,		/* `reg` += disp */
	PH_INSN_LEA,		/* `reg` = `base` + disp */
	PH_INSN_MOVE,		/* `reg` = `base` */
	PH_INSN_STORE,		/* at `base` + disp: `reg` */
	PH_INSN_LOAD,		/* `reg` = what is at `base` + disp */
	PH_INSN_CLEAR,		/* `reg` = 0 */
	PH_INSN_LEAVE,
	PH_INSN_CALL,		/* to `target`, or somewhere */
	PH_INSN_JUMP,		/* to `target`, or where the pointer at `base` + disp says, or somewhere */
	PH_INSN_BRANCH,
	PH_INSN_RETURN,
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
};

/* The instruction at @p, of which @n bytes are there. */
void ph_insn_read(const uint8_t *p, size_t n, struct ph_insn *ret);

#endif
