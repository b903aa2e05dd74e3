/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_UNWIND_H
#define PH_UNWIND_UNWIND_H

#include "base/err.h"
#include "unwind/cfi.h"
#include "unwind/elf.h"
#include "unwind/format.h"

/*
 * What a table was made of. Bytes are of code; `bare` is what entries describe without a rule coming of it, `followed`
 * what has a rule from its instructions.
 */
struct ph_unwind_stats {
	uint64_t entries, dropped;	/* functions; records that say nothing usable */
	uint64_t followed;
	uint64_t ruled, bare[PH_WHY_N];
};

/* How to walk through the code of one file (format.h). */
struct ph_unwind_table {
	enum ph_unwind_arch arch;
	uint64_t base;			/* address of the first page, a multiple of its size */
	uint32_t npages, nrows, nrules;
	uint32_t *pages;		/* npages + 1 */
	struct ph_unwind_row *rows;
	struct ph_unwind_rule *rules;
	struct ph_unwind_stats stats;
};

/*
 * Compile .eh_frame, and .debug_frame for what that one leaves out. -ENOENT: the file has nothing of the
 * kind; its code may keep frame pointers.
 */
int ph_unwind_compile(struct ph_elf *elf, struct ph_unwind_table **ret, struct ph_err *err);
void ph_unwind_free(struct ph_unwind_table *t);

/* Where functions, or parts of them, begin and how long they are, by address: what the same sections tell of files without names. */
struct ph_unwind_functions {
	struct ph_unwind_function {
		uint64_t begin;
		uint32_t size;
	} *v;
	size_t n;
};
/* None where the file has nothing of the kind; @ret->v is to be freed. */
void ph_unwind_functions(struct ph_elf *elf, struct ph_unwind_functions *ret);
/* The one that @vaddr is in; NULL: none. */
const struct ph_unwind_function *ph_unwind_function_at(const struct ph_unwind_functions *f, uint64_t vaddr);

/* The code to which a signal's handler returns, as C libraries have it. */
const uint8_t *ph_unwind_sigreturn(enum ph_unwind_arch arch, size_t *ret_n);

/* The index of the rule for an address as the file counts; PH_RULE_NONE outside of it. */
uint32_t ph_unwind_find(const struct ph_unwind_table *t, uint64_t vaddr);
/* Bytes that pages, rows and rules take. */
size_t ph_unwind_size(const struct ph_unwind_table *t);
/* "an offset is too large" */
const char *ph_unwind_why_text(enum ph_unwind_why why);

static inline void ph_unwind_free_ptr(struct ph_unwind_table **t)
{
	ph_unwind_free(*t);
}

#endif
