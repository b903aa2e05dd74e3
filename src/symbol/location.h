/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_LOCATION_H
#define PH_SYMBOL_LOCATION_H

#include "symbol/childfile.h"

/*
 * Where a variable is at an address within a function, by DWARF's expression for it (DWARF 5, 2.6). Of those, what a probe can follow: a
 * register, or a number, to which numbers are added, and memory that is loaded from there. Where a function is entered, passing.c
 * tells. In the child only.
 */
struct ph_location {
	bool in_memory;			/* what the steps give is its address, not its value */
	bool whole;			/* it is in one piece */
	bool has_reg;			/* else the steps begin with 0 */
	uint32_t reg;			/* by DWARF's number */
	uint8_t loads;
	int64_t add[PH_SYMARG_LOADS + 1];
	uint64_t byte;			/* of the variable, with which this piece of it begins */
	uint64_t bytes;			/* of a value: so many are known of it */
};

struct ph_locator {
	struct ph_childfile *file;
	Dwarf_Die function;		/* that the address is in */
	uint64_t addr;
	int machine;
};

/* The piece of the variable that has its @byte. -EOPNOTSUPP with a sentence, in which it is called @name: there is none. */
int ph_locate(const struct ph_locator *l, Dwarf_Die *variable, const char *name, uint64_t byte, struct ph_location *ret, struct ph_err *err);

#endif
