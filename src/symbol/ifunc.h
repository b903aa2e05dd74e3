/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_IFUNC_H
#define PH_SYMBOL_IFUNC_H

#include "symbol/childfile.h"

/* The words that get the address of what a function that chooses (IFUNC) has chosen, when the program starts. In the child only. */
int ph_answer_slots(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err);

#endif
