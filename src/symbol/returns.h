/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_RETURNS_H
#define PH_SYMBOL_RETURNS_H

#include "symbol/childfile.h"

/* The places where a function returns, if it does so by nothing else. In the child only. */
int ph_answer_returns(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err);

#endif
