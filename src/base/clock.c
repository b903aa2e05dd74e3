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

void ph_clock_text(int64_t ns, bool utc, unsigned int digits, struct ph_buf *out)
{
	int64_t sec = ns / (int64_t)PH_NSEC, part = ns % (int64_t)PH_NSEC;
	struct tm tm = { 0 };
	char hms[16];
	time_t when;

	if (part < 0) {
		part += (int64_t)PH_NSEC;
		sec--;
	}
	when = (time_t)sec;
	if (!(utc ? gmtime_r(&when, &tm) : localtime_r(&when, &tm)))
		tm = (struct tm){ 0 };
	strftime(hms, sizeof(hms), "%H:%M:%S", &tm);
	ph_buf_adds(out, hms);
	for (unsigned int i = digits; i < 9; i++)
		part /= 10;
	if (digits) {
		ph_buf_addc(out, '.');
		ph_buf_add_zeros(out, (uint64_t)part, digits);
	}
}
