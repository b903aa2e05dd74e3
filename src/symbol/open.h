/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_OPEN_H
#define PH_SYMBOL_OPEN_H

#include <stdint.h>
#include <sys/types.h>

#include "symbol/mounts.h"

/*
 * Files of containers, in two steps. First one is found: a descriptor that stands for it (O_PATH), of whatever is there, or -errno. A path
 * is followed as it would be in the container, so that no link of its leads elsewhere. @root is O_PATH of its root, negative: the host's;
 * @pid a process that has these mounts, 0: none is known.
 */
int ph_symfind(int root, pid_t pid, const char *path);
/*
 * What the process has mapped from @begin to @end: also where it was deleted, or replaced since. Where /proc/PID/map_files may not be
 * opened, -EPERM; then there is only its path.
 */
int ph_symfind_mapped(pid_t pid, uint64_t begin, uint64_t end);
/*
 * The process's /tmp/perf-PID.map, by its own number in its own root. What is there is its own to say, so where it is a link it is
 * not followed.
 */
int ph_symfind_perf_map(pid_t pid);
/*
 * Then it is opened to be read, @fd stays the caller's. What is not a regular file is not opened at all: a fifo waits, a device may do anything (-ENOEXEC).
 * -EFBIG: it is larger than @max, where that is not 0. Of what may never answer (PH_MOUNT_SERVED in *@ret_kind, which may be NULL) it is a copy,
 * or -ETIMEDOUT.
 */
int ph_symread(int fd, pid_t pid, uint64_t max, enum ph_mount_kind *ret_kind);

/* Both. */
int ph_symopen(int root, pid_t pid, const char *path, uint64_t max);
int ph_symopen_mapped(pid_t pid, uint64_t begin, uint64_t end, enum ph_mount_kind *ret_kind);

/* A descriptor as of a file, with these bytes: of the vDSO, which no file is. */
int ph_symopen_image(const void *image, size_t n);

/* What @fd stands for, by whoever may wait for it. */
int ph_symread_here(int fd);

#endif
