/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions of arm64, by the groups of the architecture's manual (C4.1): what they do to the stack and to the flow. */
#include <string.h>

#include "unwind/bytes.h"
#include "unwind/insn.h"

#define ZERO 31		/* X31 is SP or zero, as the instruction has it */

static uint32_t bits(uint32_t w, int from, int n)
{
	return w >> from & ((1u << n) - 1);
}

static int64_t signed_bits(uint32_t w, int from, int n)
{
	uint64_t v = bits(w, from, n), sign = 1ull << (n - 1);

	return (int64_t)(v ^ sign) - (int64_t)sign;
}

static uint8_t known_as(uint32_t reg)
{
	return reg == 29 ? PH_ARM64_FP : reg == 30 ? PH_ARM64_LR : (uint8_t)(PH_ARM64_X0 + reg);
}

static uint8_t or_sp(uint32_t reg)
{
	return reg == ZERO ? PH_ARM64_SP : known_as(reg);
}

static void write_reg(struct ph_insn *ret, uint8_t reg)
{
	if (reg < 8)
		ret->writes |= (uint8_t)(1 << reg);
}

static void add(struct ph_insn *ret, uint8_t to, uint8_t from, int64_t n)
{
	ret->kind = to == from ? PH_INSN_ADD : PH_INSN_LEA;
	ret->reg = to;
	ret->base = to == from ? PH_X86_NONE : from;
	ret->disp = n;
}

static void constant(struct ph_insn *ret, uint8_t to, int64_t n)
{
	ret->reg = to;
	ret->disp = n;
	ret->kind = n ? PH_INSN_CONSTANT : PH_INSN_CLEAR;
	if (n)
		write_reg(ret, to);
}

static void with_immediate(uint32_t w, struct ph_insn *ret)
{
	uint32_t d = bits(w, 0, 5), n = bits(w, 5, 5), opc = bits(w, 29, 2);
	bool wide = w >> 31;

	switch (bits(w, 23, 3)) {
	case 2:		/* add, sub */
		if (opc & 1) {
			write_reg(ret, known_as(d));
		} else if (!wide) {
			write_reg(ret, or_sp(d));
		} else {
			int64_t v = (int64_t)bits(w, 10, 12) << (bits(w, 22, 1) ? 12 : 0);

			add(ret, or_sp(d), or_sp(n), opc & 2 ? -v : v);
		}
		break;
	case 3:		/* addg, subg */
		write_reg(ret, or_sp(d));
		break;
	case 4:		/* and, orr, eor, ands */
		write_reg(ret, opc == 3 ? known_as(d) : or_sp(d));
		break;
	case 5:		/* movn, movz, movk */
		if (opc == 2)
			constant(ret, known_as(d), (int64_t)((uint64_t)bits(w, 5, 16) << (16 * bits(w, 21, 2))));
		else
			write_reg(ret, known_as(d));
		break;
	default:	/* adr, adrp; bit fields; extr */
		write_reg(ret, known_as(d));
	}
}

static void with_registers(uint32_t w, struct ph_insn *ret)
{
	uint32_t d = bits(w, 0, 5), n = bits(w, 5, 5), m = bits(w, 16, 5);

	/* add, sub with an extended register, which may be SP: by one of 64 bits, as it is. */
	if ((w & 0x1f200000) == 0x0b200000 && !bits(w, 29, 1)) {
		if (w >> 31 && d == n && (w & 0x7c00) == 0x6000) {
			add(ret, or_sp(d), or_sp(n), bits(w, 30, 1) ? -1 : 1);
			ret->base = known_as(m);
		} else {
			write_reg(ret, or_sp(d));
		}
		return;
	}
	if ((w & 0xffffffe0) == 0xaa1f03e0)	/* mov xd, xzr */
		constant(ret, known_as(d), 0);
	else
		write_reg(ret, known_as(d));
}

/* Of a load or store: @size bytes each of @t and, of a pair, @t2; NONE: registers that do not matter, as of vectors. */
static void access(struct ph_insn *ret, bool load, uint8_t t, uint8_t t2)
{
	ret->kind = load ? PH_INSN_LOAD : PH_INSN_STORE;
	ret->reg = t;
	ret->reg2 = t2;
}

/* Where it is at, and what SP is then. @how: 1 behind the access the base is moved, 3 before it, else not at all. */
static void address(struct ph_insn *ret, uint32_t n, uint32_t how, int64_t disp)
{
	ret->base = or_sp(n);
	ret->disp = how == 1 ? 0 : disp;
	ret->then = how == 1 || how == 3 ? disp : 0;
	/* Nobody but who restores what was saved loads so. */
	ret->popped = ret->then || ret->reg == PH_ARM64_LR || ret->reg2 == PH_ARM64_LR;
}

static void pair(uint32_t w, struct ph_insn *ret)
{
	uint32_t opc = bits(w, 30, 2), vector = bits(w, 26, 1), t = bits(w, 0, 5), t2 = bits(w, 10, 5);
	bool load = bits(w, 22, 1);
	int scale = vector ? 2 + (int)opc : opc == 2 ? 3 : opc == 1 && !load ? 4 : 2;

	if (!vector && opc == 2)
		access(ret, load, known_as(t), known_as(t2));
	else
		access(ret, load, PH_X86_NONE, PH_X86_NONE);
	if (!vector && load && opc != 2) {
		write_reg(ret, known_as(t));
		write_reg(ret, known_as(t2));
	}
	address(ret, bits(w, 5, 5), bits(w, 23, 2), (int64_t)((uint64_t)signed_bits(w, 15, 7) << scale));
}

static void single(uint32_t w, struct ph_insn *ret)
{
	uint32_t size = bits(w, 30, 2), vector = bits(w, 26, 1), opc = bits(w, 22, 2), how = bits(w, 10, 2);
	uint8_t t = known_as(bits(w, 0, 5));
	/* prfm is one of those that write nothing. */
	bool prefetch = size == 3 && opc == 2;

	if (!bits(w, 24, 1) && bits(w, 21, 1) && how != 2) {
		/* Atomic operations; ldraa, ldrab, which may move their base. */
		write_reg(ret, t);
		if (how == 3)
			write_reg(ret, or_sp(bits(w, 5, 5)));
		return;
	}
	if (!vector && size == 3 && opc < 2)
		access(ret, opc, t, PH_X86_NONE);
	else
		access(ret, vector ? opc & 1 : opc, PH_X86_NONE, PH_X86_NONE);
	if (!vector && opc && !prefetch && ret->reg == PH_X86_NONE)
		write_reg(ret, t);
	if (bits(w, 24, 1)) {
		address(ret, bits(w, 5, 5), 0, (int64_t)((uint64_t)bits(w, 10, 12) << size));
	} else if (bits(w, 21, 1)) {
		/* By an index: wherever that is, of a register it is a load. */
		if (ret->kind == PH_INSN_LOAD)
			write_reg(ret, ret->reg);
		ret->kind = PH_INSN_OTHER;
	} else {
		address(ret, bits(w, 5, 5), how, signed_bits(w, 12, 9));
	}
}

static void loads_stores(uint32_t w, struct ph_insn *ret)
{
	uint32_t kind = bits(w, 27, 3), vector = bits(w, 26, 1);

	if (kind == 5) {
		pair(w, ret);
	} else if (kind == 7) {
		single(w, ret);
	} else if (vector) {
		/* Literals; structures of vectors, which may move their base. */
		if (kind == 1)
			write_reg(ret, bits(w, 23, 1) ? or_sp(bits(w, 5, 5)) : PH_X86_NONE);
	} else {
		/* Literals, exclusive ones, with acquire and release, with tags: all that may be written. */
		write_reg(ret, known_as(bits(w, 0, 5)));
		if (kind == 1) {
			write_reg(ret, known_as(bits(w, 10, 5)));
			write_reg(ret, known_as(bits(w, 16, 5)));
		} else if (bits(w, 24, 1) && bits(w, 10, 1)) {
			write_reg(ret, or_sp(bits(w, 5, 5)));
		}
	}
}

/* Of vectors and floats, those that write a general register: fmov and conversions, umov, smov. */
static void vectors(uint32_t w, struct ph_insn *ret)
{
	uint32_t opcode = bits(w, 16, 3);

	if (((w & 0x7f20fc00) == 0x1e200000 && opcode != 2 && opcode != 3 && opcode != 7) ||
	    (w & 0x7f3e0000) == 0x1e180000 || (w & 0xbfe0fc00) == 0x0e003c00 || (w & 0xbfe0fc00) == 0x0e002c00)
		write_reg(ret, known_as(bits(w, 0, 5)));
}

static void go(struct ph_insn *ret, enum ph_insn_kind kind, int64_t words)
{
	ret->kind = kind;
	ret->direct = true;
	ret->target = 4 * words;
}

static void by_register(uint32_t w, struct ph_insn *ret)
{
	/* Of pointers that are signed, by one of two keys: 2, 3; with a modifier, or 31. */
	uint32_t n = bits(w, 5, 5), key = bits(w, 10, 6), modifier = bits(w, 0, 5);

	ret->kind = PH_INSN_BAD;
	if (bits(w, 16, 5) != 31 || key == 1 || key > 3 || (!key && modifier))
		return;
	switch (bits(w, 21, 4)) {
	case 0: case 1:
		if (key && modifier != 31)
			return;
		break;
	case 2:
		if (key && n != 31)
			return;
		ret->kind = PH_INSN_RETURN;
		return;
	case 4: case 5:
		ret->kind = PH_INSN_STOP;
		return;
	case 8: case 9:
		if (!key)
			return;
		break;
	default:
		return;
	}
	ret->kind = bits(w, 21, 1) ? PH_INSN_CALL : PH_INSN_JUMP;
	/* X16, X17 are the linker's, and of calls that are a function's last. */
	if (ret->kind == PH_INSN_JUMP && (n == 16 || n == 17))
		ret->base = PH_X86_RIP;
}

static void branches(uint32_t w, struct ph_insn *ret)
{
	if ((w & 0x7c000000) == 0x14000000)
		go(ret, w >> 31 ? PH_INSN_CALL : PH_INSN_JUMP, signed_bits(w, 0, 26));
	else if ((w & 0xff000000) == 0x54000000 || (w & 0x7e000000) == 0x34000000)
		go(ret, PH_INSN_BRANCH, signed_bits(w, 5, 19));
	else if ((w & 0x7e000000) == 0x36000000)
		go(ret, PH_INSN_BRANCH, signed_bits(w, 5, 14));
	else if ((w & 0xfe000000) == 0xd6000000)
		by_register(w, ret);
	else if ((w & 0xff00001f) == 0xd4000001)
		ret->kind = PH_INSN_KERNEL;
	else if ((w & 0xff000000) == 0xd4000000)	/* brk, hlt */
		ret->kind = bits(w, 21, 3) == 1 || bits(w, 21, 3) == 2 ? PH_INSN_STOP : PH_INSN_OTHER;
	else if (w == 0xd503201f)
		ret->kind = PH_INSN_PAD;
	else if ((w & 0xffe00000) == 0xd5200000)	/* mrs */
		write_reg(ret, known_as(bits(w, 0, 5)));
	if (ret->kind == PH_INSN_CALL)
		write_reg(ret, PH_ARM64_LR);
}

void ph_insn_read_arm64(const uint8_t *p, size_t n, struct ph_insn *ret)
{
	uint32_t w;

	*ret = (struct ph_insn){ .len = 4, .reg = PH_X86_NONE, .base = PH_X86_NONE };
	if (n < sizeof(w)) {
		ret->kind = PH_INSN_BAD;
		ret->len = (uint8_t)(n ? n : 1);
		return;
	}
	memcpy(&w, p, sizeof(w));
	if (!(w >> 16)) {
		ret->kind = PH_INSN_STOP;	/* udf */
		return;
	}
	switch (bits(w, 25, 4)) {
	case 8: case 9:
		with_immediate(w, ret);
		break;
	case 10: case 11:
		branches(w, ret);
		break;
	case 4: case 6: case 12: case 14:
		loads_stores(w, ret);
		break;
	case 5: case 13:
		with_registers(w, ret);
		break;
	case 7: case 15:
		vectors(w, ret);
		break;
	default:
		/* addvl, addpl: of SVE's registers nobody knows here how large they are. */
		if ((w & 0xffa0f800) == 0x04205000)
			write_reg(ret, or_sp(bits(w, 0, 5)));
	}
}
