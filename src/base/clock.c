/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"

int64_t ph_clock_offset_ns(void)
{
	uint64_t best = UINT64_MAX;
	int64_t offset = 0;

	for (int i = 0; i < 16; i++) {
		struct timespec rt;
		uint64_t a, b;

		a = ph_now_ns();
		clock_gettime(CLOCK_REALTIME, &rt);
		b = ph_now_ns();
		if (b - a < best) {
			best = b - a;
			offset = (int64_t)((uint64_t)rt.tv_sec * PH_NSEC + (uint64_t)rt.tv_nsec -
					   (a + (b - a) / 2));
		}
	}
	return offset;
}
