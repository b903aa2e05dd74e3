/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_GOPCLNTAB_H
#define PH_SYMBOL_GOPCLNTAB_H

#include "symbol/symtab.h"

/*
 * Functions of a Go program, by the table that its runtime needs for tracebacks, which stripping leaves: of Go 1.2, 1.16, 1.18,
 * 1.20 and what came since. @text is where its section .text begins. Returns how many.
 */
size_t ph_gopclntab_add(struct ph_symtab *t, const uint8_t *p, size_t n, uint64_t text);
/* Is it of Go 1.18 or later, which keeps arguments and the goroutine in registers? */
bool ph_gopclntab_registers(const uint8_t *p, size_t n);

#endif
