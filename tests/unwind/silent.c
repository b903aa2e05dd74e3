/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of target.c, compiled with frame pointers and without unwind tables. */
int silent(int n);
int here(int n);

int silent(int n)
{
	return here(n) * n + n;
}
