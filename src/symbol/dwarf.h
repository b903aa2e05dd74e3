/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_DWARF_H
#define PH_SYMBOL_DWARF_H

#include <elfutils/libdw.h>

#include "base/vec.h"
#include "symbol/proto.h"

/*
 * Functions that are inlined at an address, and source lines, of DWARF. In the child only; of libdw what reads, while where to look
 * is found by tables of our own: not every compiler writes .debug_aranges, and dwarf_getscopes() goes through a unit each time.
 */
struct ph_dwarf;

struct ph_dwarf_frame {
	char *name;		/* mangled, where it is; owned */
	const char *source;	/* the library's; NULL: not known */
	uint32_t line;
	uint64_t low;		/* where the function begins; 0 where it is inlined */
};

/* @alt, where there is one, has what several files of debug information share; both must stay. NULL: there is no DWARF. */
struct ph_dwarf *ph_dwarf_open(Elf *elf, Elf *alt);
void ph_dwarf_close(struct ph_dwarf *d);
/* A file that the compiler put debug information into which this one lacks (split DWARF), of several; NULL: there is none. */
const char *ph_dwarf_split(const struct ph_dwarf *d);
/* The function that the address is in, not what is inlined there; false: none is known. */
bool ph_dwarf_function(struct ph_dwarf *d, uint64_t addr, Dwarf_Die *ret);
/* Each place where a function that is wanted was put into another one, which begins at @addr; until .found() returns false. */
struct ph_dwarf_inlined {
	bool (*wanted)(void *arg, Dwarf_Die *function);		/* true also where it is not known */
	bool (*found)(void *arg, Dwarf_Die *inlined, Dwarf_Die *into, uint64_t addr);
	void *arg;
};
void ph_dwarf_each_inlined(struct ph_dwarf *d, const struct ph_dwarf_inlined *in);
/* That one again, by where it stands in the debug information; false: none that begins at @addr stands there. */
bool ph_dwarf_inlined(struct ph_dwarf *d, uint64_t offset, uint64_t addr, Dwarf_Die *ret);
/* Mangled, where it is, else with the namespaces and classes that it is in. Takes long; the caller frees. */
char *ph_dwarf_whole_name(Dwarf_Die *function);
/* A struct, union or class of this name that is defined, and not only mentioned, in any unit. */
bool ph_dwarf_struct(struct ph_dwarf *d, const char *name, Dwarf_Die *ret);
/* Innermost first. Returns how many; where it is no function that is known, 1 with the line, or 0. */
size_t ph_dwarf_find(struct ph_dwarf *d, uint64_t addr, struct ph_dwarf_frame frames[PH_SYMNAMES_MAX]);

#endif
