/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that the compiler puts into others; each says what it was handed, in the order in which its arguments are asked for. */
#include <stdarg.h>
#include <stdio.h>

#define INSIDE static inline __attribute__((always_inline))
#define OUTSIDE __attribute__((noinline, noclone))

struct item {
	int id;
	const char *name;
	struct item *next;
	unsigned small : 3, wide : 20;
};

struct pair {
	long a;
	int b, c;
};

struct item fixed = { 41, "fixed", &fixed, 5, 99999 };
long table[] = { 10, 20, 30 };

OUTSIDE void say(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
}

OUTSIDE void fill(struct item *items, int n)
{
	for (int i = 0; i < n; i++)
		items[i] = (struct item){ 100 + i, "filled", &items[0], (unsigned)i, 1000u + (unsigned)i };
}

INSIDE long add(int a, long b)
{
	say("add %d %ld", a, b);
	return a + b;
}

INSIDE long look(const struct item *item, unsigned char c)
{
	say("look %d %s %d %d %d %d", item->id, item->name, item->next->id, item->small, item->wide, c);
	return item->id;
}

INSIDE long sum(struct pair p, const long *list, short s)
{
	say("sum %ld %d %d %ld %d", p.a, p.b, p.c, list[1], s);
	return p.a + s;
}

/* One in another. */
INSIDE long twice(signed char x, long y)
{
	say("twice %d %ld", x, y);
	return add(2 * x, y) + add(x, 2 * y);
}

OUTSIDE long registers(int x, long y)
{
	return add(x, y) + add(x + 1, y - 1) + twice((signed char)x, y);
}

OUTSIDE long constants(void)
{
	return add(7, -3) + add(-200, 1L << 40) + twice(-1, 12345678901L);
}

OUTSIDE long on_stack(long a, long b, long c, long d, long e, long f, long g, long h)
{
	struct item items[3];

	fill(items, 3);
	return add((int)g, h) + look(&items[2], 200) + add((int)a, f) + b + c + d + e + look(items, 1);
}

OUTSIDE long addresses(int n)
{
	return look(&fixed, 3) + sum((struct pair){ n, 2, n + 1 }, table, -4) + sum((struct pair){ 8, n, 9 }, &table[1], (short)n);
}

OUTSIDE long in_a_loop(const struct item *item, int n)
{
	long all = 0;

	for (int i = 0; i < n; i++, item = item->next)
		all += look(item, (unsigned char)i) + add(i, all);
	return all;
}

int main(int argc, char **argv)
{
	long all = registers(3 * argc, 50) + constants() + on_stack(1, 2, 3, 4, 5, 6, 7, 8) + addresses(60 * argc) + in_a_loop(&fixed, 2);

	(void)argv;
	return all == 0;
}
