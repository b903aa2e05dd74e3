/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_PLT_H
#define PH_SYMBOL_PLT_H

#include "symbol/symtab.h"

/* What stands behind the name of the function that an entry leads to. */
#define PH_PLT_MARK "@plt"

/* Entries by which functions of other files are called, as `malloc@plt`: x86_64 and arm64, whichever linker made them. */
void ph_plt_add(struct ph_symtab *t, Elf *elf);

#endif
