/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/location.h"

#include <dwarf.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of expressions, what compilers write takes two or three. */
#define STACK_MAX 8
/* The frame's base may be the frame's address (CFA). */
#define NEST_MAX 3

#define X86_PC 16
#define ARM64_PC 32

/* What stands on the expression's stack. */
struct number {
	bool has_reg;
	uint32_t reg;
	uint8_t loads;
	int64_t add[PH_SYMARG_LOADS + 1];
	uint64_t bytes;			/* lowest ones that are right; those above are not what the expression says */
};

struct run {
	const struct ph_locator *l;
	Dwarf_Attribute *attr;		/* NULL: the expression is of no attribute */
	struct number stack[STACK_MAX];
	unsigned int n;
	const char *why;		/* there is no place, for a sentence */
};

#define COMPUTED "is computed in a way that a probe cannot follow"
#define GONE "is optimized out"

static bool fail(struct run *x, const char *why)
{
	x->why = why;
	return false;
}

static bool push(struct run *x, bool has_reg, uint64_t reg, uint64_t add)
{
	if (x->n == STACK_MAX || reg > UINT32_MAX)
		return fail(x, COMPUTED);
	x->stack[x->n++] = (struct number){ .has_reg = has_reg, .reg = (uint32_t)reg, .add = { (int64_t)add }, .bytes = 8 };
	return true;
}

static bool is_constant(const struct number *v)
{
	return !v->has_reg && !v->loads;
}

static void add_to(struct number *v, uint64_t n)
{
	v->add[v->loads] = (int64_t)((uint64_t)v->add[v->loads] + n);
}

static bool deref(struct run *x, uint64_t bytes)
{
	struct number *v = x->n ? &x->stack[x->n - 1] : NULL;

	if (!v || v->bytes < 8 || v->loads == PH_SYMARG_LOADS || !bytes || bytes > 8)
		return fail(x, COMPUTED);
	v->loads++;
	v->bytes = bytes;
	return true;
}

/* Of the two uppermost, one of which is a constant. */
static bool binary(struct run *x, uint8_t atom)
{
	struct number *a, *b;
	uint64_t n;

	if (x->n < 2)
		return fail(x, COMPUTED);
	a = &x->stack[x->n - 2];
	b = &x->stack[x->n - 1];
	if (is_constant(a) && atom != DW_OP_minus && atom != DW_OP_shl) {
		struct number swapped = *a;

		*a = *b;
		*b = swapped;
	}
	if (!is_constant(b))
		return fail(x, COMPUTED);
	n = (uint64_t)b->add[0];
	x->n--;
	switch (atom) {
	case DW_OP_plus:
		add_to(a, n);
		return true;
	case DW_OP_minus:
		add_to(a, -n);
		return true;
	case DW_OP_shl:
		if (!is_constant(a) || n > 63)
			return fail(x, COMPUTED);
		a->add[0] = (int64_t)((uint64_t)a->add[0] << n);
		return true;
	default:
		/* The lowest bytes of it. */
		for (uint64_t bytes = 1; bytes <= 8; bytes *= 2)
			if (n == UINT64_MAX >> (64 - 8 * bytes)) {
				a->bytes = bytes < a->bytes ? bytes : a->bytes;
				return true;
			}
		return fail(x, COMPUTED);
	}
}

static bool steps(struct run *x, const Dwarf_Op *op, size_t n, unsigned int depth);

/* What expressions of the whole function count from. */
static bool frame_address(struct run *x, unsigned int depth)
{
	Dwarf *dw = dwarf_cu_getdwarf(x->l->function.cu);
	Elf *main = ph_childfile_main(x->l->file);
	Dwarf_CFI *own = main ? dwarf_getcfi_elf(main) : NULL, *debug = dw ? dwarf_getcfi(dw) : NULL;
	Dwarf_Frame *frame = NULL;
	bool is = false;
	Dwarf_Op *op;
	size_t n;

	if ((!own || dwarf_cfi_addrframe(own, x->l->addr, &frame)) && (!debug || dwarf_cfi_addrframe(debug, x->l->addr, &frame)))
		frame = NULL;
	if (frame && !dwarf_frame_cfa(frame, &op, &n) && n)
		is = steps(x, op, n, depth + 1);
	free(frame);
	dwarf_cfi_end(own);
	return is ? true : fail(x, COMPUTED);
}

static bool frame_base(struct run *x, uint64_t offset, unsigned int depth)
{
	Dwarf_Die function = x->l->function;
	Dwarf_Attribute attr;
	Dwarf_Op *op;
	size_t n;

	if (!dwarf_attr_integrate(&function, DW_AT_frame_base, &attr) || dwarf_getlocation_addr(&attr, x->l->addr, &op, &n, 1) != 1 || !n)
		return fail(x, COMPUTED);
	/* Here the register is what it has, not where. */
	if (n == 1 && op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31)
		return push(x, true, op->atom - DW_OP_reg0, offset);
	if (!steps(x, op, n, depth + 1))
		return false;
	add_to(&x->stack[x->n - 1], offset);
	return true;
}

/* An address of the file, which is mapped somewhere: as far from where we are as there. */
static bool push_address(struct run *x, const Dwarf_Op *op)
{
	Dwarf_Attribute of;
	Dwarf_Addr addr = op->number;

	if (op->atom != DW_OP_addr && (!x->attr || dwarf_getlocation_attr(x->attr, op, &of) || dwarf_formaddr(&of, &addr)))
		return fail(x, COMPUTED);
	return push(x, true, x->l->machine == EM_X86_64 ? X86_PC : ARM64_PC, addr - x->l->addr);
}

static bool step(struct run *x, const Dwarf_Op *op, unsigned int depth)
{
	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31)
		return push(x, false, 0, op->atom - DW_OP_lit0);
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31)
		return push(x, true, op->atom - DW_OP_breg0, op->number);
	switch (op->atom) {
	case DW_OP_const1u: case DW_OP_const1s: case DW_OP_const2u: case DW_OP_const2s: case DW_OP_const4u: case DW_OP_const4s:
	case DW_OP_const8u: case DW_OP_const8s: case DW_OP_constu: case DW_OP_consts:
		return push(x, false, 0, op->number);
	case DW_OP_addr: case DW_OP_addrx: case DW_OP_GNU_addr_index:
		return push_address(x, op);
	case DW_OP_bregx:
		return push(x, true, op->number, op->number2);
	case DW_OP_fbreg:
		return depth < NEST_MAX ? frame_base(x, op->number, depth) : fail(x, COMPUTED);
	case DW_OP_call_frame_cfa:
		return depth < NEST_MAX ? frame_address(x, depth) : fail(x, COMPUTED);
	case DW_OP_plus_uconst:
		if (!x->n)
			return fail(x, COMPUTED);
		add_to(&x->stack[x->n - 1], op->number);
		return true;
	case DW_OP_plus: case DW_OP_minus: case DW_OP_shl: case DW_OP_and:
		return binary(x, op->atom);
	case DW_OP_deref:
		return deref(x, 8);
	case DW_OP_deref_size:
		return deref(x, op->number);
	case DW_OP_nop:
		return true;
	case DW_OP_entry_value: case DW_OP_GNU_entry_value:
		return fail(x, "is no longer there (the caller's function had it when it was entered)");
	case DW_OP_implicit_pointer: case DW_OP_GNU_implicit_pointer:
		return fail(x, "points to what is optimized out");
	default:
		return fail(x, COMPUTED);
	}
}

/* Leaves one more on the stack. */
static bool steps(struct run *x, const Dwarf_Op *op, size_t n, unsigned int depth)
{
	unsigned int before = x->n;

	for (size_t i = 0; i < n; i++)
		if (!step(x, &op[i], depth))
			return false;
	return x->n == before + 1 ? true : fail(x, COMPUTED);
}

/* A register that a probe has: the others are for floating-point numbers and vectors. */
static bool is_general(int machine, uint64_t reg)
{
	return reg <= (machine == EM_X86_64 ? X86_PC : ARM64_PC);
}

static void set_constant(struct ph_location *ret, const void *p, uint64_t n, uint64_t byte)
{
	uint64_t v = 0, bytes = n - byte < sizeof(v) ? n - byte : sizeof(v);

	memcpy(&v, (const uint8_t *)p + byte, bytes);
	ret->add[0] = (int64_t)v;
	ret->byte += byte;
	ret->bytes = bytes;
}

/* One piece's expression; @byte of it is asked for. */
static bool piece(struct run *x, const Dwarf_Op *op, size_t n, uint64_t byte, struct ph_location *ret)
{
	struct number *v = &x->stack[0];
	Dwarf_Block block;
	uint64_t reg;

	if (!n)
		return fail(x, GONE);
	if (n == 1 && ((op->atom >= DW_OP_reg0 && op->atom <= DW_OP_reg31) || op->atom == DW_OP_regx)) {
		reg = op->atom == DW_OP_regx ? op->number : op->atom - (uint64_t)DW_OP_reg0;
		ret->bytes = 8;
		ret->has_reg = true;
		ret->reg = (uint32_t)reg;
		return is_general(x->l->machine, reg) ? true : fail(x, "is in a register for floating-point numbers, none of which can be read");
	}
	if (op->atom == DW_OP_implicit_value) {
		if (n != 1 || dwarf_getlocation_implicit_value(x->attr, op, &block) || byte >= block.length)
			return fail(x, COMPUTED);
		set_constant(ret, block.data, block.length, byte);
		return true;
	}
	ret->in_memory = op[n - 1].atom != DW_OP_stack_value;
	if (!steps(x, op, ret->in_memory ? n : n - 1, 0))
		return false;
	if ((v->has_reg && !is_general(x->l->machine, v->reg)) || (ret->in_memory && v->bytes < 8))
		return fail(x, COMPUTED);
	ret->has_reg = v->has_reg;
	ret->reg = v->reg;
	ret->loads = v->loads;
	memcpy(ret->add, v->add, sizeof(ret->add));
	ret->bytes = ret->in_memory ? UINT64_MAX : v->bytes;
	/* The last load is of as many bytes as are asked for, the lowest ones. */
	return byte && v->loads && !ret->in_memory ? fail(x, COMPUTED) : true;
}

static bool pieces(struct run *x, const Dwarf_Op *op, size_t n, uint64_t byte, struct ph_location *ret)
{
	uint64_t at = 0;
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		if (op[i].atom == DW_OP_bit_piece)
			return fail(x, COMPUTED);
		if (op[i].atom != DW_OP_piece)
			continue;
		if (byte >= at && byte - at < op[i].number) {
			ret->byte = at;
			if (!piece(x, op + from, i - from, byte - at, ret))
				return false;
			ret->bytes = op[i].number - (ret->byte - at) < ret->bytes ? op[i].number - (ret->byte - at) : ret->bytes;
			return true;
		}
		at += op[i].number;
		from = i + 1;
	}
	ret->whole = !from;
	return piece(x, op + from, from ? 0 : n, byte, ret);
}

/* It is the same wherever it is. What is written as data has no sign (DWARF 5, 7.5.5): what is cut off of it has. */
static bool constant(struct run *x, Dwarf_Attribute *attr, uint64_t byte, struct ph_location *ret)
{
	Dwarf_Block block;
	Dwarf_Word v;

	ret->whole = true;
	if (!dwarf_formblock(attr, &block) && byte < block.length) {
		set_constant(ret, block.data, block.length, byte);
		return true;
	}
	if (dwarf_formudata(attr, &v))
		return fail(x, COMPUTED);
	ret->add[0] = (int64_t)v;
	ret->bytes = 8;
	return true;
}

int ph_locate(const struct ph_locator *l, Dwarf_Die *variable, const char *name, uint64_t byte, struct ph_location *ret, struct ph_err *err)
{
	struct run x = { .l = l };
	Dwarf_Attribute attr;
	Dwarf_Op *op;
	size_t n;
	bool is;

	*ret = (struct ph_location){ 0 };
	if (dwarf_attr(variable, DW_AT_location, &attr)) {
		x.attr = &attr;
		is = dwarf_getlocation_addr(&attr, l->addr, &op, &n, 1) == 1 ? pieces(&x, op, n, byte, ret) : fail(&x, GONE);
	} else {
		is = dwarf_attr_integrate(variable, DW_AT_const_value, &attr) ? constant(&x, &attr, byte, ret) : fail(&x, GONE);
	}
	return is ? 0 : ph_err_set(err, -EOPNOTSUPP, "'%s' %s", name, x.why);
}
