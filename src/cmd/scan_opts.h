/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_SCAN_OPTS_H
#define PH_CMD_SCAN_OPTS_H

#include "identity/scan.h"
#include "identity/select.h"

/* What ps, inspect and pid share: scanning the host and choosing among its containers. */

/* Scan; prints the error itself: 0 or the exit code. What could not be seen is told on stderr. */
int ph_cmd_scan(const char *verb, struct ph_scan *scan, bool stopped);
/* Does @sel select this container, by its own options and by --pid, --comm and --ns too? */
bool ph_cmd_scan_match(const struct ph_selection *sel, const struct ph_scan *scan,
		       const struct ph_host_container *hc);
/* The sentence for a selection without a match, on stderr; returns the exit code. */
int ph_cmd_scan_none(const char *verb, const struct ph_selection *sel, const struct ph_scan *scan);
/* Index of the container that process @pid is in, -1: no such process. */
int64_t ph_cmd_scan_of_pid(const struct ph_scan *scan, int32_t pid);
/* "0.50 (pod)", "512 MiB (/system.slice)": a limit and whose it is; "-" without one. */
char *ph_cmd_cpu_text(const struct ph_host_container *hc);
char *ph_cmd_memory_text(const struct ph_host_container *hc);

#endif
