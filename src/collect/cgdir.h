/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_COLLECT_CGDIR_H
#define PH_COLLECT_CGDIR_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* A cgroup's directory, to read its files and to go through those below it. Zero-initialise. */
struct cgdir {
	DIR *dir;
	int fd;
	uint64_t id;		/* of the cgroup */
	size_t path_len;
};

/* How deep one looks: whoever may make cgroups may make them as deep as he likes, and each is an open file here. */
#define CGDIR_DEPTH 64

/* @path is the cgroup's. False: it has gone meanwhile. */
bool cgdir_open(struct cgdir *d, int dirfd, const char *name, const struct ph_buf *path);
/* The name of the next one below, with which @path then ends; NULL: there is none, and @path is as at first. */
const char *cgdir_next(struct cgdir *d, struct ph_buf *path);
void cgdir_close(struct cgdir *d);
#define autocgdir __attribute__((cleanup(cgdir_close)))

#endif
