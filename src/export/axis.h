/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EXPORT_AXIS_H
#define PH_EXPORT_AXIS_H

#include <stdint.h>

/* How far marks on an axis up to @all are apart: 1, 2, 5, 10 …, so that there are @marks at most besides that at 0. */
static inline uint64_t ph_axis_step(uint64_t all, unsigned int marks)
{
	static const unsigned int of_ten[] = { 1, 2, 5 };
	uint64_t ten = 1;

	for (;; ten *= 10)
		for (unsigned int i = 0; i < sizeof(of_ten) / sizeof(*of_ten); i++)
			if (all / ten / of_ten[i] <= marks)
				return ten * of_ten[i];
}

#endif
