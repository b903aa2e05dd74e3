/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>

/* Functions in functions: templates, methods, static ones, lambdas. */
#define inside __attribute__((always_inline)) inline
#define outside __attribute__((noinline, noclone, used))

namespace shop {

template <class T> inside T twice(T x)
{
	if (x > 1000)
		printf("%ld\n", (long)x);
	return x + x;
}

namespace {
inside long four_times(long x)
{
	return twice(twice(x)) + atoi("1");
}
}

class Order {
public:
	long total(int a, const char *b);
	inside long one(long x)
	{
		auto add = [x](long y) __attribute__((always_inline)) { return four_times(x) + y; };

		return add(3) + (long)puts("one");
	}
	long sum = 0;
};

outside long Order::total(int a, const char *b)
{
	for (int i = 0; i < a; i++)
		sum += one(i) + b[i];
	return sum;
}

outside static long hidden(long x)
{
	if (x > 2)
		return hidden(x / 2) * 3 + atoi("7");
	if (x < 0)
		abort();
	return x;
}

}

extern "C" outside int entry(int argc, char **argv)
{
	shop::Order o;

	return (int)(o.total(argc, argv[0]) + shop::hidden(argc));
}

int main(int argc, char **argv)
{
	return entry(argc, argv);
}
