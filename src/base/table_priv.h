/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BASE_TABLE_PRIV_H
#define PH_BASE_TABLE_PRIV_H

/* Between table.c and table_print.c. */

#include "base/table.h"

typedef PH_VEC(size_t) table_cols;

/* Which columns are shown, in which order; by which one is sorted. */
int table_choose_cols(const struct ph_table_fmt *fmt, const struct ph_col *cols, size_t ncols, table_cols *list, struct ph_err *err);
int table_choose_sort(const struct ph_table_fmt *fmt, const struct ph_col *cols, size_t ncols, size_t *ret_col, bool *ret_desc,
		      struct ph_err *err);
/* Take away the rows from @n on. */
void table_cut_rows(struct ph_table *t, size_t n);

#endif
