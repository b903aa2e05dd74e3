/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes the compiler put a part of the function that calls these elsewhere. */
#ifndef PH_TESTS_SYMBOL_PARTS_H
#define PH_TESTS_SYMBOL_PARTS_H

long rare(long n);
__attribute__((cold, noinline)) long rare(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

long usual(long n);
__attribute__((noinline)) long usual(long n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

#endif
