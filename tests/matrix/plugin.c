/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What plugged.c loads: it calls back. */
int plugin(int (*back)(int), int n);

int plugin(int (*back)(int), int n)
{
	int r = 0;

	for (int i = 0; i < 100; i++)
		r += back(n + i) ^ r;
	return r;
}
