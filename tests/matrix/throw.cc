// SPDX-License-Identifier: GPL-2.0-or-later
//
// Exceptions through frames with variables to be destroyed, functions that the compiler puts into others, templates, and
// calls back from the library's sort.
//
// stack: (leaf;)?(.*;)?shop::Order::total\(int\);main;
// stack: main;
#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "matrix.h"

namespace shop {

struct Guard {
	explicit Guard(int n) : n(n) {}
	OWN ~Guard() { sink += n; }
	int n;
};

template <class T> __attribute__((always_inline)) inline T twice(T x)
{
	return leaf(static_cast<int>(x)) + x;
}

struct Order {
	std::vector<int> parts;

	/* Most frames have nothing to be destroyed: they are looked at and passed over. */
	OWN static int fails(int n)
	{
		if (n == 0)
			throw std::runtime_error(std::to_string(sink));
		return fails(n - 1) + n;
	}

	OWN static int guarded(int n)
	{
		Guard guard(n);

		return fails(n) + guard.n;
	}

	OWN int total(int n)
	{
		try {
			return guarded(n);
		} catch (const std::exception &e) {
			sink += e.what()[0];
		}
		std::sort(parts.begin(), parts.end(), [](int a, int b) { return (a ^ sink) < (b ^ sink); });
		return twice(n) + parts[0];
	}
};

}

int main()
{
	shop::Order o;

	for (int i = 0; i < 50; i++)
		o.parts.push_back(i * 7919 % 101);
	begin();
	while (!over)
		sink += o.total(40);
	return 0;
}
