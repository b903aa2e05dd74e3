/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_COLLECT_PACKAGES_H
#define PH_COLLECT_PACKAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "symbol/package.h"

/*
 * What packages the debug symbols of files are in, looked up beside the recording: lists of packages lie on disks, and file systems
 * of containers may not answer at all.
 */
struct ph_packages;

struct ph_packages *ph_packages_new(void);
/* Does not wait for what is under way. */
void ph_packages_free(struct ph_packages *p);
/* @root (O_PATH, -1: the host's) is its own from now on. @owner is a container's number: each has its own share of time. */
void ph_packages_ask(struct ph_packages *p, uint32_t file, uint32_t owner, int root, const char *path, const char *build_id);
/* One that was found out; false: none yet. What it has is the caller's. */
bool ph_packages_next(struct ph_packages *p, uint32_t *ret_file, struct ph_symbol_package *ret);
/* Until all is answered, or for @timeout_ns. */
void ph_packages_wait(struct ph_packages *p, uint64_t timeout_ns);

#endif
