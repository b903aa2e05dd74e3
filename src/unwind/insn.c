/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions of x86_64: how long they are, and what they do to the stack. Opcodes are as in the manuals' maps. */
#include "unwind/insn.h"

#include <string.h>

#include "unwind/bytes.h"

struct decode {
	struct ph_bytes in;
	struct ph_insn *ret;
	uint8_t rex, map;	/* map: 0 one byte, 1 0F, 2 0F38, 3 0F3A */
	bool rex_there, vex, op16, rep;
	bool scalar;		/* with VEX: the prefix is F2 or F3 */
	uint8_t op, mod, reg, rm;	/* with REX's bits */
	bool indexed;
	int64_t disp;
};

static bool wide(const struct decode *d)
{
	return d->rex & 8;
}

static void write_reg(struct decode *d, uint8_t reg)
{
	if (reg == PH_X86_BX || reg == PH_X86_SP || reg == PH_X86_BP)
		d->ret->writes |= (uint8_t)(1 << reg);
}

/* Of 8 bits: without REX, the numbers 4 to 7 are AH to BH. */
static void write_byte(struct decode *d, uint8_t reg)
{
	if (d->rex_there || reg < 4)
		write_reg(d, reg);
	else if (reg == 7)
		write_reg(d, PH_X86_BX);
}

static void write_rm(struct decode *d)
{
	if (d->mod == 3)
		write_reg(d, d->rm);
}

static void take_modrm(struct decode *d)
{
	uint8_t b = ph_bytes_u8(&d->in), sib, base;

	d->mod = b >> 6;
	d->reg = (uint8_t)((b >> 3 & 7) | (d->rex & 4) << 1);
	d->rm = (uint8_t)((b & 7) | (d->rex & 1) << 3);
	if (d->mod == 3)
		return;
	base = b & 7;
	if (base == 4) {
		sib = ph_bytes_u8(&d->in);
		base = sib & 7;
		d->rm = (uint8_t)(base | (d->rex & 1) << 3);
		d->indexed = (sib >> 3 & 7) != 4 || (d->rex & 2);
		if (base == 5 && d->mod == 0) {
			d->disp = ph_bytes_sint(&d->in, 4);
			d->rm = PH_X86_NONE;
			return;
		}
	} else if (base == 5 && d->mod == 0) {
		d->disp = ph_bytes_sint(&d->in, 4);
		d->rm = PH_X86_RIP;
		return;
	}
	if (d->mod == 1)
		d->disp = ph_bytes_sint(&d->in, 1);
	else if (d->mod == 2)
		d->disp = ph_bytes_sint(&d->in, 4);
}

static int64_t take_imm(struct decode *d, unsigned int n)
{
	return ph_bytes_sint(&d->in, n);
}

/* 16 or 32 bits. */
static int64_t take_immz(struct decode *d)
{
	return take_imm(d, d->op16 && !wide(d) ? 2 : 4);
}

static void is(struct decode *d, enum ph_insn_kind kind, uint8_t reg, uint8_t base, int64_t disp)
{
	d->ret->kind = kind;
	d->ret->reg = reg;
	d->ret->base = base;
	d->ret->disp = disp;
}

static void goes(struct decode *d, enum ph_insn_kind kind, unsigned int n)
{
	d->ret->kind = kind;
	d->ret->direct = true;
	d->ret->target = take_imm(d, n);	/* ph_insn_read() adds the length */
}

/* A move of 64 bits between registers or with memory. */
static void is_move(struct decode *d, bool to_reg)
{
	uint8_t to = to_reg ? d->reg : d->rm, from = to_reg ? d->rm : d->reg;

	if (d->mod == 3) {
		if (wide(d))
			is(d, PH_INSN_MOVE, to, from, 0);
		else
			write_reg(d, to);
	} else if (to_reg) {
		is(d, PH_INSN_LOAD, d->reg, d->indexed ? PH_X86_NONE : d->rm, d->disp);
	} else if (wide(d) && !d->indexed) {
		is(d, PH_INSN_STORE, d->reg, d->rm, d->disp);
	}
}

/* 80, 81, 83: the operation is in the register's place. */
static void is_alu_imm(struct decode *d, int64_t imm)
{
	uint8_t what = d->reg & 7;

	if (d->mod != 3 || what == 7)
		return;
	if (d->op != 0x80 && wide(d) && (what == 0 || what == 5))
		is(d, PH_INSN_ADD, d->rm, PH_X86_NONE, what ? -imm : imm);
	else if (d->op == 0x80)
		write_byte(d, d->rm);
	else
		write_reg(d, d->rm);
}

/* FE and FF, F6 and F7. */
static void is_group(struct decode *d)
{
	uint8_t what = d->reg & 7;

	if (d->op == 0xff) {
		switch (what) {
		case 2:
		case 3:
			d->ret->kind = PH_INSN_CALL;
			return;
		case 4:
		case 5:
			is(d, PH_INSN_JUMP, PH_X86_NONE, d->mod == 3 || d->indexed ? PH_X86_NONE : d->rm, d->disp);
			return;
		case 6:
			if (d->mod == 3)
				is(d, PH_INSN_PUSH, d->rm, PH_X86_NONE, 0);
			else
				is(d, PH_INSN_PUSH, PH_X86_NONE, d->indexed ? PH_X86_NONE : d->rm, d->disp);
			return;
		case 7:
			d->ret->kind = PH_INSN_BAD;
			return;
		}
	}
	if ((d->op == 0xfe || d->op == 0xff ? what < 2 : what == 2 || what == 3) && d->mod == 3) {
		if (d->op & 1)
			write_reg(d, d->rm);
		else
			write_byte(d, d->rm);
	}
}

/* 00 to 3F: eight operations, of which 38 to 3F compares. */
static void arithmetic(struct decode *d)
{
	bool compares = d->op >= 0x38;

	switch (d->op & 7) {
	case 4:
		take_imm(d, 1);
		return;
	case 5:
		take_immz(d);
		return;
	case 6:
	case 7:
		d->ret->kind = PH_INSN_BAD;
		return;
	}
	take_modrm(d);
	/* 00 00, with which the linker fills up between sections. */
	if (d->op == 0 && d->in.p[-1] == 0)
		d->ret->kind = PH_INSN_BAD;
	if (compares)
		return;
	/* xor and sub of a register with itself. */
	if (d->mod == 3 && d->reg == d->rm && ((d->op & ~2) == 0x31 || (d->op & ~2) == 0x29)) {
		is(d, PH_INSN_CLEAR, d->reg, PH_X86_NONE, 0);
		return;
	}
	switch (d->op & 3) {
	case 0:
		if (d->mod == 3)
			write_byte(d, d->rm);
		break;
	case 1:
		write_rm(d);
		break;
	case 2:
		write_byte(d, d->reg);
		break;
	case 3:
		write_reg(d, d->reg);
	}
}

static void one_byte(struct decode *d)
{
	uint8_t op = d->op, low = (uint8_t)((op & 7) | (d->rex & 1) << 3);

	if (op < 0x40) {
		arithmetic(d);
		return;
	}
	switch (op) {
	case 0x50 ... 0x57:
		is(d, PH_INSN_PUSH, low, PH_X86_NONE, 0);
		return;
	case 0x58 ... 0x5f:
		is(d, PH_INSN_POP, low, PH_X86_NONE, 0);
		return;
	case 0x63:
		take_modrm(d);
		write_reg(d, d->reg);
		return;
	case 0x68:
		take_immz(d);
		is(d, PH_INSN_PUSH, PH_X86_NONE, PH_X86_NONE, 0);
		return;
	case 0x69:
		take_modrm(d);
		take_immz(d);
		write_reg(d, d->reg);
		return;
	case 0x6a:
		take_imm(d, 1);
		is(d, PH_INSN_PUSH, PH_X86_NONE, PH_X86_NONE, 0);
		return;
	case 0x6b:
		take_modrm(d);
		take_imm(d, 1);
		write_reg(d, d->reg);
		return;
	case 0x70 ... 0x7f:
	case 0xe0 ... 0xe3:
		goes(d, PH_INSN_BRANCH, 1);
		return;
	case 0x80:
	case 0x83:
		take_modrm(d);
		is_alu_imm(d, take_imm(d, 1));
		return;
	case 0x81:
		take_modrm(d);
		is_alu_imm(d, take_immz(d));
		return;
	case 0x84:
	case 0x85:
	case 0x8e:
	case 0xd8 ... 0xdf:
		take_modrm(d);
		return;
	case 0x86:
	case 0x87:
		take_modrm(d);
		write_reg(d, d->reg);
		write_rm(d);
		return;
	case 0x88:
		take_modrm(d);
		if (d->mod == 3)
			write_byte(d, d->rm);
		return;
	case 0x8c:
		take_modrm(d);
		write_rm(d);
		return;
	case 0x89:
		take_modrm(d);
		is_move(d, false);
		return;
	case 0x8a:
		take_modrm(d);
		write_byte(d, d->reg);
		return;
	case 0x8b:
		take_modrm(d);
		is_move(d, true);
		return;
	case 0x8d:
		take_modrm(d);
		if (d->mod == 3)
			d->ret->kind = PH_INSN_BAD;
		else
			is(d, PH_INSN_LEA, d->reg, d->indexed || !wide(d) ? PH_X86_NONE : d->rm, d->disp);
		return;
	case 0x8f:
		take_modrm(d);
		is(d, PH_INSN_POP, d->mod == 3 ? d->rm : PH_X86_NONE, PH_X86_NONE, 0);
		return;
	case 0x90:
		d->ret->kind = d->rex & 1 ? PH_INSN_OTHER : PH_INSN_PAD;
		return;
	case 0x91 ... 0x97:
		write_reg(d, low);
		return;
	case 0x9c:
		is(d, PH_INSN_PUSH, PH_X86_NONE, PH_X86_NONE, 0);
		return;
	case 0x9d:
		is(d, PH_INSN_POP, PH_X86_NONE, PH_X86_NONE, 0);
		return;
	case 0xa0 ... 0xa3:
		take_imm(d, 8);
		return;
	case 0xa8:
	case 0xcd:
	case 0xe4 ... 0xe7:
		take_imm(d, 1);
		return;
	case 0xa9:
		take_immz(d);
		return;
	case 0xb0 ... 0xb7:
		take_imm(d, 1);
		write_byte(d, low);
		return;
	case 0xb8 ... 0xbf:
		take_imm(d, wide(d) ? 8 : d->op16 ? 2 : 4);
		write_reg(d, low);
		return;
	case 0xc0:
	case 0xc1:
		take_modrm(d);
		take_imm(d, 1);
		write_rm(d);
		return;
	case 0xd0 ... 0xd3:
		take_modrm(d);
		write_rm(d);
		return;
	case 0xc2:
	case 0xca:
		take_imm(d, 2);
		d->ret->kind = PH_INSN_RETURN;
		return;
	case 0xc3:
	case 0xcb:
		d->ret->kind = PH_INSN_RETURN;
		return;
	case 0xc6:
		take_modrm(d);
		take_imm(d, 1);
		if (d->mod == 3)
			write_byte(d, d->rm);
		return;
	case 0xc7:
		take_modrm(d);
		take_immz(d);
		write_rm(d);
		return;
	case 0xc8:
		take_imm(d, 3);
		d->ret->writes = 1 << PH_X86_SP | 1 << PH_X86_BP;
		return;
	case 0xc9:
		d->ret->kind = PH_INSN_LEAVE;
		return;
	case 0xcc:
	case 0xf1:
	case 0xf4:
	case 0xcf:
		d->ret->kind = PH_INSN_STOP;
		return;
	case 0xe8:
		goes(d, PH_INSN_CALL, 4);
		return;
	case 0xe9:
		goes(d, PH_INSN_JUMP, 4);
		return;
	case 0xeb:
		goes(d, PH_INSN_JUMP, 1);
		return;
	case 0xf6:
	case 0xf7:
		take_modrm(d);
		if ((d->reg & 7) < 2) {
			if (op & 1)
				take_immz(d);
			else
				take_imm(d, 1);
		}
		is_group(d);
		return;
	case 0xfe:
	case 0xff:
		take_modrm(d);
		is_group(d);
		return;
	case 0x60 ... 0x62:
	case 0x82:
	case 0x9a:
	case 0xc4 ... 0xc5:
	case 0xce:
	case 0xd4 ... 0xd6:
	case 0xea:
		d->ret->kind = PH_INSN_BAD;
		return;
	}
	/* 6C to 6F, 98 to 9F, A4 to A7, AA to AF, D7, EC to EF, F5, F8 to FD: no operands, none of these registers. */
}

static void two_bytes(struct decode *d)
{
	uint8_t op = d->op;

	switch (op) {
	case 0x0b:
		d->ret->kind = PH_INSN_STOP;
		return;
	case 0x04 ... 0x09:
	case 0x0e:
	case 0x30 ... 0x35:
	case 0x37:
	case 0xa2:
	case 0xaa:
		if (op == 0xa2)
			write_reg(d, PH_X86_BX);
		return;
	case 0x77:
		return;
	case 0x80 ... 0x8f:
		if (!d->vex) {
			goes(d, PH_INSN_BRANCH, 4);
			return;
		}
		break;
	case 0xa0:
	case 0xa8:
		is(d, PH_INSN_PUSH, PH_X86_NONE, PH_X86_NONE, 0);
		return;
	case 0xa1:
	case 0xa9:
		is(d, PH_INSN_POP, PH_X86_NONE, PH_X86_NONE, 0);
		return;
	case 0xc8 ... 0xcf:
		write_reg(d, (uint8_t)((op & 7) | (d->rex & 1) << 3));
		return;
	}
	take_modrm(d);
	switch (op) {
	case 0x0f:
	case 0x70 ... 0x73:
	case 0xc2:
	case 0xc4:
	case 0xc6:
		take_imm(d, 1);
		return;
	case 0xa4:
	case 0xac:
	case 0xba:
		take_imm(d, 1);
		write_rm(d);
		return;
	case 0xc5:
		take_imm(d, 1);
		write_reg(d, d->reg);
		return;
	case 0x1e:		/* endbr64 is one of these, and rdssp */
		if (d->rep && (d->reg & 7) == 1)
			write_rm(d);
		return;
	case 0x1f:
		d->ret->kind = PH_INSN_PAD;
		return;
	case 0x40 ... 0x4f:
		if (!d->vex)		/* cmov; with VEX they are of masks */
			write_reg(d, d->reg);
		return;
	case 0x78:
	case 0x79:
		if (d->scalar)		/* to an integer without a sign */
			write_reg(d, d->reg);
		return;
	case 0x02:
	case 0x03:
	case 0x2c:
	case 0x2d:
	case 0x50:
	case 0xaf:
	case 0xb6 ... 0xb8:
	case 0xbc ... 0xbf:
	case 0xd7:
		write_reg(d, d->reg);
		return;
	case 0x7e:
		if (!d->rep)
			write_rm(d);
		return;
	case 0x90 ... 0x9f:
		if (!d->vex && d->mod == 3)
			write_byte(d, d->rm);
		else if (d->vex && op == 0x93)	/* kmov, from a mask */
			write_reg(d, d->reg);
		return;
	case 0xae:
		if (d->rep && (d->reg & 7) < 2)	/* rdfsbase, rdgsbase */
			write_rm(d);
		return;
	case 0xc0:
	case 0xc1:
		write_reg(d, d->reg);
		write_rm(d);
		return;
	case 0xa3:
		return;
	case 0xa5:
	case 0xab:
	case 0xad:
	case 0xb0:
	case 0xb1:
	case 0xb3:
	case 0xbb:
	case 0xc7:		/* rdrand, rdseed, rdpid */
		write_rm(d);
	}
}

static void three_bytes(struct decode *d)
{
	take_modrm(d);
	if (d->map == 3)
		take_imm(d, 1);
	/* Those with general registers: BMI, movbe, crc32; pextr of map 3. */
	if (d->map == 2 && d->op >= 0xf0 && d->op != 0xf3)
		write_reg(d, d->reg);
	else if (d->map == 3 && d->op == 0xf0)
		write_reg(d, d->reg);
	else if (d->map == 3 && d->op >= 0x14 && d->op <= 0x17)
		write_rm(d);
}

/* VEX, EVEX and XOP (62 and 8F): their bits stand for the prefixes, and say which map. */
static void take_vex(struct decode *d, uint8_t first)
{
	uint8_t b = ph_bytes_u8(&d->in), vvvv;

	d->vex = d->rex_there = true;
	d->rex = ~b >> 5 & 4;
	d->map = 1;
	if (first == 0xc5) {
		vvvv = b;
	} else {
		d->rex |= (~b >> 5 & 2) | (~b >> 5 & 1);
		d->map = b & (first == 0x62 ? 7 : 31);
		vvvv = ph_bytes_u8(&d->in);
		d->rex |= vvvv >> 4 & 8;
		if (first == 0x62)
			ph_bytes_u8(&d->in);
	}
	d->op16 = (vvvv & 3) == 1;
	d->rep = (vvvv & 3) == 2;
	d->scalar = vvvv & 2;
	d->op = ph_bytes_u8(&d->in);
	/* blsr and its like, and mulx, name a register that they write there. */
	if (d->map == 2 && (d->op == 0xf3 || (d->op == 0xf6 && (vvvv & 3) == 3)))
		write_reg(d, ~vvvv >> 3 & 15);
	if (first == 0x8f && d->map >= 8 && d->map <= 10) {
		take_modrm(d);
		if (d->map != 9)
			take_imm(d, d->map == 8 ? 1 : 4);
		return;
	}
	/* 5 and 6: half precision, which has what map 1 has, and what map 2 has. */
	if (d->map == 1 || (first == 0x62 && d->map == 5))
		two_bytes(d);
	else if (first == 0x62 && d->map == 6)
		take_modrm(d);
	else if (d->map == 2 || d->map == 3)
		three_bytes(d);
	else
		d->ret->kind = PH_INSN_BAD;
}

void ph_insn_read(const uint8_t *p, size_t n, struct ph_insn *ret)
{
	struct decode d = { .in = { p, p + (n > 15 ? 15 : n), false }, .ret = ret };
	uint8_t b;

	*ret = (struct ph_insn){ .reg = PH_X86_NONE, .base = PH_X86_NONE };
	for (;;) {
		b = ph_bytes_u8(&d.in);
		if (b == 0x66)
			d.op16 = true;
		else if (b == 0xf3)
			d.rep = true;
		else if (b != 0xf2 && b != 0x26 && b != 0x2e && b != 0x36 && b != 0x3e && b != 0x64 && b != 0x65 &&
			 b != 0x67 && b != 0xf0)
			break;
	}
	if ((b & 0xf0) == 0x40) {
		d.rex = b & 15;
		d.rex_there = true;
		b = ph_bytes_u8(&d.in);
	}
	d.op = b;
	/* XOP is a pop of which the register's place has other numbers than 0. */
	if (b == 0xc4 || b == 0xc5 || b == 0x62 || (b == 0x8f && ph_bytes_left(&d.in) && (*d.in.p & 0x38))) {
		take_vex(&d, b);
	} else if (b == 0x0f) {
		d.op = ph_bytes_u8(&d.in);
		d.map = d.op == 0x38 ? 2 : d.op == 0x3a ? 3 : 1;
		if (d.map > 1)
			d.op = ph_bytes_u8(&d.in);
		if (d.map == 1)
			two_bytes(&d);
		else
			three_bytes(&d);
	} else {
		one_byte(&d);
	}
	ret->len = (uint8_t)(d.in.p - p);
	ret->target += ret->len;
	if (d.in.bad || ret->kind == PH_INSN_BAD)
		*ret = (struct ph_insn){ .kind = PH_INSN_BAD, .len = 1, .reg = PH_X86_NONE, .base = PH_X86_NONE };
}
