// SPDX-License-Identifier: GPL-2.0-or-later
// Functions whose arguments are of many kinds, for looking them up by name. The numbers are checked at run time: the
// fields of a struct are where the test says.
#include <cstdint>
#include <string>
#include <string_view>

struct base {
	uint32_t first;
};

struct pair {
	long a, b;
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
	int wide : 17;
	float share;
	enum : int8_t { UP = 1, DOWN = -1 } way;
	pair pairs[3];
};

struct opaque;		// defined in another file

struct big {
	long v[8];
};

struct mixed {		// an integer and a float share a register; a double has one of its own
	int whole;
	float part;
	double more;
};

struct owner {		// must not be copied as it is
	long value;
	owner(long v) : value(v) {}
	owner(const owner &o) : value(o.value) {}
};

struct holder {		// nor what has one
	owner inside;
};

struct plain {		// what its compiler copies, may be
	long value;
	plain(long v) : value(v) {}
	plain(const plain &) = default;
};

struct none {};

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

extern "C" __attribute__((noinline)) float args_passed(mixed m, big large, holder h, plain p, double d, long *last)
{
	asm volatile("" ::"m"(m), "m"(large), "m"(h), "m"(p), "m"(d), "r"(last) : "memory");
	return 0;
}

extern "C" __attribute__((noinline)) pair args_many(long a, long b, long c, long d, long e, pair split, long f, long g, long h, mixed m)
{
	asm volatile("" ::"m"(a), "m"(b), "m"(c), "m"(d), "m"(e), "m"(split), "m"(f), "m"(g), "m"(h), "m"(m) : "memory");
	return split;
}

extern "C" __attribute__((noinline)) request *args_words(const char **words, request **list, none nothing, long behind)
{
	asm volatile("" ::"r"(words), "r"(list), "m"(nothing), "r"(behind) : "memory");
	return *list;
}

extern "C" __attribute__((noinline)) void args_nothing(short s)
{
	asm volatile("" ::"r"((int)s) : "memory");
}

extern "C" __attribute__((noinline)) big args_result(long first, request &req)
{
	big b = {};

	asm volatile("" ::"r"(first), "r"(&req) : "memory");
	return b;
}

static inline __attribute__((always_inline)) long args_within(long a, request *req, mixed m)
{
	asm volatile("nop" ::"r"(a), "r"(req), "m"(m) : "memory");
	return a;
}

extern "C" __attribute__((noinline)) long args_outer(long a, request *req, mixed m)
{
	asm volatile("nop" ::: "memory");
	return args_within(a + 1, req->next, m);
}

struct counted {
	unsigned short len;
	unsigned char *bytes;
};

struct no_text {
	long len;
	int *numbers;
};

extern "C" __attribute__((noinline)) std::string_view args_texts(std::string_view view, counted *c, no_text no)
{
	asm volatile("" ::"m"(view), "r"(c), "m"(no) : "memory");
	return view;
}

extern "C" __attribute__((noinline)) void args_cxx(const std::string &text, long &number, std::string by_value)
{
	asm volatile("" ::"r"(&text), "r"(&number), "r"(&by_value) : "memory");
}

/* The compiler hands over two of these, where it makes things fast. */
static __attribute__((noinline)) long args_changed(long a, long dead, long b)
{
	asm volatile("" ::"r"(a), "r"(b) : "memory");
	return a;
}

extern "C" long args_changes(long n)
{
	return args_changed(n, 7, n + 1) + args_changed(n + 2, 8, n);
}

extern "C" __attribute__((noinline)) long args_other(opaque *o)
{
	asm volatile("" ::"r"(o) : "memory");
	return 0;
}
