// SPDX-License-Identifier: GPL-2.0-or-later
// Functions whose arguments are of many kinds, for looking them up by name. The numbers are checked at run time: the
// fields of a struct are where the test says.
#include <cstdint>

struct base {
	uint32_t first;
};

struct peer {
	char name[16];
	const char *title;
	int16_t port;
};

struct request : base {
	int64_t id;
	struct {
		union {
			uint8_t small;
			uint32_t large;
		};
		bool done;
	};
	peer inside, *outside;
	request *next;
	unsigned bits : 3;
	double ratio;
	enum { RED, GREEN } colour;
};

struct pair {
	long a, b;
};

struct opaque;		// defined in another file

struct big {
	long v[8];
};

extern "C" __attribute__((noinline)) int args_plain(int a, unsigned short b, const char *c, double d, long e, request *req)
{
	asm volatile("" ::"r"((long)a), "r"((long)b), "r"(c), "m"(d), "r"(e), "r"(req) : "memory");
	return a;
}

extern "C" __attribute__((noinline)) long args_hard(long one, pair two, long three, opaque *four)
{
	asm volatile("" ::"r"(one), "m"(two), "r"(three), "r"(four) : "memory");
	return one;
}

extern "C" __attribute__((noinline)) big args_result(long first, request &req)
{
	big b = {};

	asm volatile("" ::"r"(first), "r"(&req) : "memory");
	return b;
}

extern "C" __attribute__((noinline)) long args_other(opaque *o)
{
	asm volatile("" ::"r"(o) : "memory");
	return 0;
}
