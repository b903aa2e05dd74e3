/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recursion of 30 calls, without a frame pointer if the compiler is not asked for one.
 *
 * stack: (leaf;)?(deep;){1,31}main;
 * stack: main;
 */
#include "matrix.h"

int deep(int n);

OWN int deep(int n)
{
	int r = n ? deep(n - 1) : leaf(n);

	sink = r;
	return r + n;
}

int main(void)
{
	begin();
	while (!over)
		sink += deep(30);
	return 0;
}
