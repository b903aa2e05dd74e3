/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_CFI_H
#define PH_UNWIND_CFI_H

#include "base/map.h"
#include "base/vec.h"
#include "unwind/bytes.h"
#include "unwind/elf.h"
#include "unwind/format.h"

/*
 * Call frame information: what DWARF 5, section 6.4, and the LSB for .eh_frame say. Entries are found
 * here, programs (instructions that change rules) are run by cfi_run.c.
 */

/* Why a range of code has no rule; the names are ph_unwind_why_name(). */
enum ph_unwind_why {
	PH_WHY_NOT,		/* it has one */
	PH_WHY_CFA_REGISTER,	/* the CFA is counted from no general register */
	PH_WHY_CFA_EXPRESSION,	/* an expression of a form that is not known */
	PH_WHY_SP,		/* the caller's stack pointer is not the CFA */
	PH_WHY_RA,		/* the return address is nowhere in memory */
	PH_WHY_RANGE,		/* an offset is too large */
	PH_WHY_BROKEN,		/* instructions that there are not, or cut off */
	PH_WHY_DEEP,		/* more remembered states than are kept */
	PH_WHY_FULL,		/* more different rules than a table can have */
	PH_WHY_N,
};

/* Registers that are followed. */
enum { PH_REG_RA, PH_REG_FP, PH_REG_BX, PH_REG_SP, PH_REG_N };

enum ph_cfi_cfa { PH_CFI_REG, PH_CFI_DEREF, PH_CFI_PLT, PH_CFI_BAD };

/* What a program has made of the rules so far. */
struct ph_cfi_state {
	uint64_t reg;			/* from which the CFA is counted */
	int64_t off, add;
	uint8_t cfa;			/* enum ph_cfi_cfa */
	uint8_t how[PH_REG_N];		/* enum ph_unwind_saved, or one of the following */
	int64_t at[PH_REG_N];
};
enum { PH_CFI_UNDEFINED = PH_SAVED_NKINDS };

struct ph_cie {
	uint64_t code_align, ra;
	int64_t data_align;
	uint8_t fde_encoding;
	bool signal, has_augmentation;
	enum ph_unwind_why bad;		/* of its program */
	struct ph_cfi_state initial;
};

struct ph_fde {
	uint64_t begin;
	const uint8_t *program;
	uint32_t size, program_n;
	uint32_t cie;			/* in ph_cfi.cies */
	bool debug;			/* of .debug_frame */
};

/* All entries of the sections that were read. */
struct ph_cfi {
	enum ph_unwind_arch arch;
	PH_VEC(struct ph_cie) cies;
	PH_VEC(struct ph_fde) fdes;
	uint64_t dropped;		/* entries that say nothing usable */
};

/* Add the entries of a section; it must stay. */
void ph_cfi_read(struct ph_cfi *c, const struct ph_elf_data *data, bool debug);
void ph_cfi_done(struct ph_cfi *c);
/* Entries by address; of two with the same one that of .debug_frame is the second. */
void ph_cfi_sort(struct ph_cfi *c);
/* The one that has the address, of sorted ones; NULL: none has. */
const struct ph_fde *ph_cfi_find(const struct ph_cfi *c, uint64_t vaddr);

/*
 * A program that is being run. ph_cfi_next() goes on to where it moves to the next address: what was true
 * up to there is `now`. At its end it returns false; with `bad` set nothing is known from the last address on.
 */
struct ph_cfi_run {
	enum ph_unwind_arch arch;
	const struct ph_cie *cie;
	struct ph_bytes in;
	uint64_t pc;
	struct ph_cfi_state now;
	struct ph_cfi_state remembered[16];
	unsigned int depth;
	bool changed;			/* `now` may be another than the caller saw, who clears it */
	enum ph_unwind_why bad;
};

void ph_cfi_start(struct ph_cfi_run *r, enum ph_unwind_arch arch, const struct ph_cie *cie,
		  struct ph_bytes program, uint64_t pc);
bool ph_cfi_next(struct ph_cfi_run *r);
/* The rule of a state; why there is none, where it is PH_CFA_NONE. */
enum ph_unwind_why ph_cfi_rule(enum ph_unwind_arch arch, const struct ph_cie *cie,
			       const struct ph_cfi_state *s, struct ph_unwind_rule *rule);

#endif
