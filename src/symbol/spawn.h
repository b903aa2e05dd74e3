/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_SPAWN_H
#define PH_SYMBOL_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Starts @program as "porthole @arg", a process that is one of ours: in a process group of its own, as Ctrl-C ends the recording, whose last
 * names are yet to be looked up. @env is all of its environment; descriptor @fds[i] is its descriptor @first + i. 0, or -errno;
 * -ELOOP: we are such a process ourselves (PORTHOLE_CHILD is in the environment), which starts none.
 */
int ph_symspawn(const char *program, const char *arg, char *const env[], const int *fds, size_t n, int first, pid_t *ret);

#endif
