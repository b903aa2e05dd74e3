/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_SYMTAB_H
#define PH_SYMBOL_SYMTAB_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"

/*
 * Functions by address, of one or more symbol tables. In the child only.
 */
struct ph_sym {
	uint64_t addr;
	uint64_t end;		/* behind its last byte; where it tells no size, up to the next or its section's end */
	const char *name;	/* in the ELF file, or in `names` */
	uint32_t rank;		/* of those at one address, the highest is shown */
	bool sized;
	bool chosen;		/* it is what finds the function of this name, when the program starts (IFUNC) */
};

struct ph_symtab {
	PH_VEC(struct ph_sym) syms;
	uint64_t *reach;	/* the largest `end` of all up to here: how far back a look-up must go */
	size_t n;		/* syms that are looked up: one for each address, in front */
	ph_strv names;
};

/* The functions of an ELF file's .symtab and .dynsym (@type SHT_SYMTAB, SHT_DYNSYM); the file must stay. Returns how many. */
size_t ph_symtab_add_elf(struct ph_symtab *t, Elf *elf, uint32_t type);
/* One; the name is copied. */
void ph_symtab_add(struct ph_symtab *t, uint64_t addr, uint64_t size, const char *name);
/* After the last one was added. */
void ph_symtab_sort(struct ph_symtab *t);
/* The innermost function that the address is in; NULL: none. */
const struct ph_sym *ph_symtab_find(const struct ph_symtab *t, uint64_t addr);
void ph_symtab_done(struct ph_symtab *t);

#endif
