/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_WALK_H
#define PH_UNWIND_WALK_H

#include "unwind/step.h"
#include "unwind/unwind.h"

/* Executable memory of a process, and the table of the file that is mapped there. */
struct ph_unwind_map {
	uint64_t begin, end;
	uint64_t bias;				/* an address minus this is the file's */
	const struct ph_unwind_table *table;	/* NULL: none */
};

struct ph_unwind_frame {
	uint64_t pc;
	bool exact;		/* else pc is a return address */
	bool guessed;		/* found by the frame pointer */
};

/*
 * Walk a stack as the kernel side does it. @maps are sorted; @top has all general registers where @regs are, by
 * DWARF's numbers, and may be NULL. Returns the number of frames, the first of which is that of @regs; *@ret_last
 * says why there are no more, PH_STEP_CALLER: @max.
 */
size_t ph_unwind_walk(enum ph_unwind_arch arch, const struct ph_unwind_map *maps, size_t n,
		      struct ph_unwind_regs regs, const uint64_t *top, ph_unwind_read read, void *ctx,
		      struct ph_unwind_frame *frames, size_t max, enum ph_unwind_step *ret_last);

/* "an address without a rule", for an enum ph_unwind_end. */
const char *ph_unwind_end_text(unsigned int end);

#endif
