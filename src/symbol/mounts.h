/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_MOUNTS_H
#define PH_SYMBOL_MOUNTS_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Which files may be opened and read without fear. Of the file systems that a container can mount by itself, one waits for
 * somebody who may never answer, and cannot be interrupted: FUSE, which a program serves; and so does an overlay of layers that are
 * on one. To open a file there, to look at it, even to close it may take for ever.
 */
enum ph_mount_kind {
	PH_MOUNT_SERVED,	/* it may be one of these */
	PH_MOUNT_PLAIN,
	PH_MOUNT_LAYERS,	/* an overlay that the host has mounted: layers of an image, and a container's own above them */
};

/*
 * Of what @fd (O_PATH) stands for. @pid: a process that has it mounted, as far as one is known, else 0; without one, what only containers
 * have mounted counts as served. Nobody is asked but the kernel.
 */
enum ph_mount_kind ph_mount_kind(int fd, pid_t pid);

/* As fstat(), of what the kernel has: whoever serves the file is not asked. */
int ph_stat_kept(int fd, struct stat *ret);

/* A mount of its own, in no place where anybody could find it, of @type with the option @key=@value (NULL: none): O_PATH of its root, or -errno. */
int ph_mount_alone(const char *type, const char *key, const char *value);

#endif
