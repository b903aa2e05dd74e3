/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls into the vDSO and, through the PLT, into a library; a call back from there.
 *
 * stack: ([^;]+;){0,3}(vdso|plt)[^;]*;main;
 * stack: ([^;]+;)*sorting[^;]*;main;
 * stack: main;
 */
#include <string.h>
#include <time.h>

#include "matrix.h"

static char text[64];

static OWN int vdso(void)
{
	struct timespec ts;

	for (int i = 0; i < 100; i++) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		sink += (int)ts.tv_nsec;
	}
	return sink;
}

static OWN int plt(int n)
{
	for (int i = 0; i < 200; i++) {
		text[i & 31] = (char)('a' + (n & 7));
		sink += (int)strlen(text);
	}
	return sink;
}

static OWN int compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static OWN int sorting(int n)
{
	int numbers[64];

	for (int i = 0; i < 64; i++)
		numbers[i] = i * 7919 % 101 * n;
	qsort(numbers, 64, sizeof(*numbers), compare);
	return numbers[n & 63];
}

int main(void)
{
	memset(text, 'x', 32);
	begin();
	while (!over)
		sink += vdso() + plt(over) + sorting(3);
	return 0;
}
