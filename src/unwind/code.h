/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_CODE_H
#define PH_UNWIND_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "unwind/format.h"

/*
 * Rules for code of which the file says nothing, as of musl's C library: found by following what its instructions do to
 * the stack pointer and RBP, of arm64 to X29 and X30.
 */
struct ph_code;

/* The code from @vaddr on; it need not begin with a function. It must stay. */
struct ph_code *ph_code_new(enum ph_unwind_arch arch, const uint8_t *code, size_t n, uint64_t vaddr);
/* A function begins at that offset: of these it need not find out. */
void ph_code_begins(struct ph_code *c, size_t at);
void ph_code_follow(struct ph_code *c);
void ph_code_free(struct ph_code *c);
/* The rule at an offset, and up to which it holds at least; false: none was found. */
bool ph_code_rule(const struct ph_code *c, size_t at, struct ph_unwind_rule *rule, size_t *ret_end);
/* What is not reached is nothing that is run, mostly. */
bool ph_code_reached(const struct ph_code *c, size_t at);

/* Whether this function of x86_64 goes over to another stack, which entries cannot tell. */
bool ph_code_changes_stacks(const uint8_t *code, size_t n);
/* Whether this function of x86_64 is what goroutines return to: nobody called that. */
bool ph_code_is_goexit(const uint8_t *code, size_t n);

static inline void ph_code_free_ptr(struct ph_code **c)
{
	ph_code_free(*c);
}

#endif
