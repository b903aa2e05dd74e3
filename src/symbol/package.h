/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_PACKAGE_H
#define PH_SYMBOL_PACKAGE_H

#include "symbol/symbol.h"

/*
 * What to install to get the names that are missing, as a sentence, the caller's; NULL: its symbols and source lines are there, or
 * it is no program. @root is O_PATH of its container's root, -1 the host's. It reads the package manager's lists there, which
 * takes some 10 ms: for reports, once a file.
 */
char *ph_symfile_advice(const struct ph_symfile *f, int root);

/* The package of the file, as Debian's or Alpine's database in that root has it; NULL: neither knows it. */
char *ph_symbol_package(int root, const char *path, const char **ret_suffix);

#endif
