/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_OPEN_H
#define PH_SYMBOL_OPEN_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Opens what a container has at @path, to be read: as it would be found in it, so that no link of its leads elsewhere. @root is
 * O_PATH of its root, AT_FDCWD the host's. What is not a regular file is not opened at all: a fifo waits, a device may do
 * anything. A file descriptor, or -errno (-ENOEXEC: no regular file; -EFBIG: larger than @max, where that is not 0).
 */
int ph_symopen(int root, const char *path, uint64_t max);
/*
 * What the process has mapped from @begin to @end: also where it was deleted, or replaced since. Where /proc/PID/map_files may not be
 * opened, -EPERM; then there is only its path.
 */
int ph_symopen_mapped(pid_t pid, uint64_t begin, uint64_t end);
/*
 * The process's /tmp/perf-PID.map, by its own number in its own root. What is there is its own to say, so where it is a link it is
 * not followed. The descriptor, or -errno.
 */
int ph_symopen_perf_map(pid_t pid);
/* A descriptor as of a file, with these bytes: of the vDSO, which no file is. */
int ph_symopen_image(const void *image, size_t n);

#endif
