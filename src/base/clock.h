/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BASE_CLOCK_H
#define PH_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/buf.h"

#define PH_NSEC 1000000000ULL

/* CLOCK_MONOTONIC, the clock of all live events (bpf_ktime_get_ns), in ns. */
static inline uint64_t ph_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * PH_NSEC + (uint64_t)ts.tv_nsec;
}

/*
 * Realtime minus monotonic, in ns: what turns an event's time into Unix time. The best of several
 * readings (the shortest bracket), so an interrupt between the two clock reads does not skew it.
 */
int64_t ph_clock_offset_ns(void);
/* The time of day of Unix time @ns, with that many digits of the second (0 to 9): 15:36:40.887. */
void ph_clock_text(int64_t ns, bool utc, unsigned int digits, struct ph_buf *out);

#endif
