/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/catch.h"

#include <string.h>

#include "unwind/insn.h"

enum { RSI = 6, RDI = 7 };
#define WORD 8

static bool ends(const uint8_t *code, size_t n, struct ph_catch *c)
{
	static const uint8_t to_stack[] = { 0x48, 0x89, 0xcc }, jump[] = { 0x59, 0xff, 0xe1 };
	const uint8_t *p = code + c->leave;
	size_t left = n - c->leave;

	if (left < sizeof(to_stack) + sizeof(jump) || memcmp(p, to_stack, sizeof(to_stack)))
		return false;
	p += sizeof(to_stack);
	c->ret = c->leave + sizeof(to_stack);
	c->end = c->ret + 1;
	/* Where jumps are guarded by the processor it is no `ret`, which would not be back to a call. */
	if (!memcmp(p, jump, sizeof(jump))) {
		c->jump = c->ret + 1;
		c->end = c->ret + sizeof(jump);
		return true;
	}
	return *p == 0xc3;
}

/*
 * The call in question is followed by another one, of a function that does nothing, for debuggers: what it is told are the other's stack
 * pointer (RDI) and where that goes on (RSI), which are neighbours in a structure.
 */
bool ph_catch_find(const uint8_t *code, size_t n, size_t leave, struct ph_catch *ret)
{
	int64_t rsi = 0, rdi = 0;
	struct ph_catch c = { .leave = leave };
	struct ph_insn in;
	bool found = false;

	if (leave > n || !ends(code, n, &c))
		return false;
	for (size_t at = 0; at < leave; at += in.len) {
		ph_insn_read(code + at, n - at, &in);
		if (in.kind == PH_INSN_BAD)
			return false;
		if (in.kind == PH_INSN_RETURN)
			found = false;
		if (in.kind == PH_INSN_CALL) {
			if (c.after && rsi && rsi == rdi + WORD) {
				*ret = c;
				ret->sp = (int32_t)rdi;
				found = true;
			}
			c.call = at;
			c.after = at + in.len;
			rsi = rdi = 0;
		}
		if (in.kind == PH_INSN_LOAD && in.base == PH_X86_BP) {
			rsi = in.reg == RSI ? in.disp : rsi;
			rdi = in.reg == RDI ? in.disp : rdi;
		}
	}
	return found;
}
