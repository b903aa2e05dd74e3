/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_IDENTITY_DETAIL_H
#define PH_IDENTITY_DETAIL_H

#include <jansson.h>

#include "identity/scan.h"

/*
 * All there is to know of container @index, read now: namespaces and with whom they are shared,
 * capabilities, seccomp, id maps, mounts, devices, rlimits, limits along the cgroup path. What may
 * not be read is in "unseen", with the reason. The caller owns the object.
 */
json_t *ph_scan_detail(const struct ph_scan *scan, uint32_t index, const char *root);

#endif
