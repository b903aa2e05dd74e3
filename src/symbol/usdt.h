/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_USDT_H
#define PH_SYMBOL_USDT_H

#include <stdbool.h>

#include "unwind/bytes.h"

/* One probe as its note has it; the strings point into the note. */
struct ph_usdt_note {
	uint64_t pc, base, semaphore;
	const char *provider, *name, *args;
};

/* The next one of .note.stapsdt; false: there are no more. What is broken is left out, or ends it. */
bool ph_usdt_next(struct ph_bytes *in, struct ph_usdt_note *ret);

#endif
