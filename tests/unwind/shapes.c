/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions whose frames differ, compiled in several ways: what test_unwind.c compares tables of. Also for arm64 without
 * its libc, and so without headers:
 *
 *	clang --target=aarch64-linux-gnu -O2 -fPIC -fomit-frame-pointer -fasynchronous-unwind-tables \
 *		-mbranch-protection=standard -shared -nostdlib -fuse-ld=lld -Wl,-z,max-page-size=4096 -Wl,-s \
 *		-Wl,--build-id=none -o ../data/unwind/arm64.so shapes.c
 */
int shapes_outer(int n, char *s);

extern int puts(const char *);
extern void abort(void);
extern void *memset(void *, int, unsigned long);
extern void qsort(void *, unsigned long, unsigned long, int (*)(const void *, const void *));

static __attribute__((noinline)) int leaf(int a, int b)
{
	return a * 7 + b;
}

static __attribute__((noinline)) int on_stack(int n, char *s)
{
	char *p = __builtin_alloca((unsigned long)n);

	memset(p, n, (unsigned long)n);
	return leaf(p[n / 2], s[0]);
}

/* The stack is aligned beyond what callers give: the frame is found by what was pushed. */
static __attribute__((noinline)) int aligned(int n, char *s)
{
	char room[128] __attribute__((aligned(64)));
	char *p = __builtin_alloca((unsigned long)n);

	memset(room, n, sizeof(room));
	memset(p, n, (unsigned long)n);
	return on_stack(room[n & 127] + p[0], s);
}

static __attribute__((noinline)) int large(int n)
{
	char room[70000];

	memset(room, n, sizeof(room));
	return puts(room + n);
}

static __attribute__((noinline, noreturn)) void fails(const char *s)
{
	puts(s);
	abort();
}

static __attribute__((noinline)) int many(int a, int b, int c, int d, int e, int f, int g, int h)
{
	int x = leaf(a, b), y = leaf(c, d), z = leaf(e, f), v = leaf(g, h);

	for (int i = 0; i < x; i++) {
		y += leaf(z, i);
		z += leaf(v, y);
		if (y == 12345)
			fails("y");
	}
	return x + y + z + v + large(a);
}

static int compare(const void *a, const void *b)
{
	return *(const char *)a - *(const char *)b;
}

int shapes_outer(int n, char *s)
{
	if (n > 100)
		fails(s);
	qsort(s, (unsigned long)n, 1, compare);
	if (n > 1)
		return shapes_outer(n / 2, s) + aligned(n, s);
	return many(n, s[0], s[1], s[2], s[3], n, n, n);
}
