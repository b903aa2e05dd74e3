/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_OPENER_H
#define PH_SYMBOL_OPENER_H

#include <stdbool.h>

/*
 * A process that touches files which may never answer (symbol/mounts.h). Whoever waits for one waits uninterruptibly, and cannot
 * be ended; so it is left behind where it takes too long, and another one is started. Each file system, and all together, may take so
 * much time. May be called by several threads.
 */

/* What is at @path in the root @root, as openat2() with these @flags would find it: O_PATH, or -errno (-ETIMEDOUT: it takes too long, or took too long). */
int ph_opener_walk(int root, const char *path, int flags);
/* A copy in memory of the file that @fd (O_PATH) stands for, to be read; -EFBIG: there is no room for it. */
int ph_opener_copy(int fd);

/* The process. */
bool ph_opener_asked(const char *arg);
int ph_opener_main(void);

#endif
