/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A recursion of more calls than a walk keeps: what is kept of it is the inner part, and it is told as cut off.
 *
 * stack: (leaf;)?(many;){383,384}\[incomplete\];$
 * stack: (leaf;)?(many;){1,383}main;
 * stack: main;
 */
#include "matrix.h"

int many(int n);

OWN int many(int n)
{
	int r = 0;

	/* As long in the depth as it takes to get there. */
	if (n)
		r = many(n - 1);
	else
		for (int i = 0; i < 20; i++)
			r += leaf(n);
	sink = r;
	return r + n;
}

int main(void)
{
	begin();
	while (!over)
		sink += many(1000);
	return 0;
}
