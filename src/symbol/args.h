/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_ARGS_H
#define PH_SYMBOL_ARGS_H

#include "symbol/childfile.h"

/* "req->id" of the function at an address; struct ph_symarg. In the child only. */
int ph_answer_arg(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err);

#endif
