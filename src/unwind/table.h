/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_TABLE_H
#define PH_UNWIND_TABLE_H

#include "unwind/unwind.h"

/* A table that is being made, from the lowest address to the highest. */
struct ph_unwind_builder {
	enum ph_unwind_arch arch;
	uint64_t base;
	uint64_t end;			/* up to here it is made */
	uint32_t last_rule;
	uint64_t row_at;		/* where the last row begins */
	PH_VEC(uint32_t) pages;
	PH_VEC(struct ph_unwind_row) rows;
	PH_VEC(struct ph_unwind_rule) rules;
	uint32_t *slots;		/* hash table over rules: index + 1 */
	size_t nslots, scanned;
	const struct ph_cfi *cfi;	/* its functions are sorted */
	PH_VEC(uint64_t) begins;	/* of functions without entries, where that was asked for; sorted */
	bool begins_known;
	size_t code_at;			/* the first section of code that does not end before `end` */
	uint64_t begin;			/* of a function whose entry was wrong, the last of these */
	struct ph_cfi_run run;
	struct ph_unwind_stats stats;
};

void ph_unwind_begin(struct ph_unwind_builder *b, enum ph_unwind_arch arch, uint64_t first);
/* The functions of @c in these segments, which are sorted by address; @elf NULL: without their code. */
void ph_unwind_add(struct ph_unwind_builder *b, struct ph_cfi *c, struct ph_elf *elf,
		   const struct ph_elf_segment *segments, size_t n);
/* Code that has no entries, from where the table is made: what in it is known by its bytes. */
void ph_unwind_gap(struct ph_unwind_builder *b, const uint8_t *code, size_t n);
/* The builder is used up. */
struct ph_unwind_table *ph_unwind_finish(struct ph_unwind_builder *b);

#endif
