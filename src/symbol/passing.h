/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_PASSING_H
#define PH_SYMBOL_PASSING_H

#include "symbol/dwarf.h"

/*
 * Where a function's arguments are when it is entered, and its result when it returns, by the types that DWARF has of them and
 * the machine's convention: the System V ABI of x86_64 (3.2.3), the procedure call standard of arm64 (6.8), Go's since 1.17
 * (src/cmd/compile/abi-internal.md). In the child only.
 */

#define PH_PASSED_PIECES 2
#define PH_PASSED_LEAVES 32

struct ph_passed {
	/* NOWHERE: nobody can tell. POINTER: what the register, or the stack, has is the address of it. APART: each number in it has a register. */
	enum { PH_PASSED_NOWHERE, PH_PASSED_REGS, PH_PASSED_STACK, PH_PASSED_POINTER, PH_PASSED_APART } how;
	/* For each 8 bytes, which of the registers for integers has it, from 1; 0: one for floating-point numbers, or none. */
	uint32_t reg[PH_PASSED_PIECES];
	uint64_t stack;			/* behind the first byte that is handed over there */
	struct {
		uint16_t byte, reg;	/* what begins there is in this one, 0: one for floating-point numbers */
	} apart[PH_PASSED_LEAVES];
	uint32_t napart;
};

struct ph_passing {
	struct ph_dwarf *dwarf;
	int machine, language;
	uint32_t ints, floats;		/* registers that are taken */
	uint64_t stack;
	bool lost;			/* there was one that nobody can tell the place of */
};

/* @function: as the source has it. */
void ph_passing_begin(struct ph_passing *p, struct ph_dwarf *d, int machine, Dwarf_Die *function);
/* The next argument; @type NULL: it has none that is known. */
void ph_passing_next(struct ph_passing *p, Dwarf_Die *type, struct ph_passed *ret);
/* Registers are those of results. */
void ph_passing_result(const struct ph_passing *p, Dwarf_Die *type, struct ph_passed *ret);

/* ---- of DWARF, for who else asks about types ---------------------------------------------------- */

/* What it is without typedef, const …; false: nothing (void). */
bool ph_type_of(Dwarf_Die *die, Dwarf_Die *ret);
uint64_t ph_die_number(Dwarf_Die *die, unsigned int name, uint64_t otherwise);
bool ph_is_struct(Dwarf_Die *type);
bool ph_is_pointer(Dwarf_Die *type);
/* Where a struct is mentioned alone, another unit may define it; false: none does. */
bool ph_type_define(struct ph_dwarf *d, Dwarf_Die *type);
/* Bytes of a type, 0: not known. */
uint64_t ph_type_size(Dwarf_Die *type);
/* Where a member begins, in bits; *@ret_bits: as many it has, 0: all of its type. */
uint64_t ph_member_bit(Dwarf_Die *member, uint64_t *ret_bits);

#endif
