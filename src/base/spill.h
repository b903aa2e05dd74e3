/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BASE_SPILL_H
#define PH_BASE_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * What may become larger than memory: bytes are appended, and read back from anywhere. It is a file without a name in
 * $TMPDIR, else /var/tmp, else /tmp. Of errors the first stays, so that whoever appends need not look each time.
 */
struct ph_spill;

int ph_spill_open(struct ph_spill **ret, struct ph_err *err);
void ph_spill_close(struct ph_spill *s);		/* NULL: nothing */
uint64_t ph_spill_size(const struct ph_spill *s);
/* Returns where they are. */
uint64_t ph_spill_add(struct ph_spill *s, const void *data, size_t n);
/* 0, or negative: then @to is zeroed. */
int ph_spill_read(struct ph_spill *s, uint64_t at, void *to, size_t n);
/* 0, or the first error of all, with a sentence. */
int ph_spill_error(const struct ph_spill *s, struct ph_err *err);

#endif
