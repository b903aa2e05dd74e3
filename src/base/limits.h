/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BASE_LIMITS_H
#define PH_BASE_LIMITS_H

#include <stdint.h>

/* How many files this process may have open, from now on as many as it can allow itself (RLIMIT_NOFILE). */
uint64_t ph_files_max(void);
/* How many it has open, or a few more. */
uint64_t ph_files_open(void);

#endif
