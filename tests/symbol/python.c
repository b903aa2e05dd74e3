/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that says it is Python 3.PYTHON: what the real one's _PyRuntime begins with (3.13.0 of pyenv, 3.14.10 and 3.15.2 of Debian), and a
 * function of which the compiler puts a part elsewhere.
 */
#include <stdint.h>

#include "parts.h"

const unsigned long Py_Version = 0x030000f0ul | PYTHON << 16;

struct {
	char cookie[8];
	uint64_t w[95];
} _PyRuntime = { "xdebugpy", {
	0x030000f0ul | PYTHON << 16, 0,
#if PYTHON == 13
	283320, 608, 632, 194968, 7272, 7264, 7344, 7400, 7656, 7640, 7648, 16, 7752, 0, 7768, 7760, 304, 0, 8, 16, 72, 152, 160, 232, 32,
	80, 8, 0, 56, 72, 70, 208, 112, 120, 128, 136, 68, 52, 96, 104, 200, 16, 8, 416, 24, 88, 168, 32, 24, 16, 40, 24, 16, 48, 32, 40, 24,
	16, 32, 16, 24, 40, 16, 32, 64, 32, 16, 40, 240, 200,
#elif PYTHON == 14
	316616, 784, 808, 225864, 7280, 7272, 7344, 7360, 7408, 7688, 7672, 7680, 16, 7784, 0, 7800, 7792, 7992, 0, 832, 0, 8, 16, 72, 152,
	160, 232, 32, 88, 8, 0, 56, 80, 74, 64, 0, 216, 112, 120, 128, 136, 68, 52, 96, 104, 208, 0, 16, 8, 416, 24, 88, 168, 40, 32, 16, 40,
	24, 16, 200, 24, 40, 32, 48, 32, 40, 24, 16, 32, 16, 24, 40, 16, 32, 64, 32, 16, 40, 264, 192, 160, 24, 72, 67, 0, 8, 24, 304, 8076,
#else
	346568, 912, 936, 226240, 7272, 7264, 7336, 7352, 7400, 7592, 7576, 7584, 16, 7736, 0, 7752, 7744, 7944, 0, 888, 0, 8, 16, 72, 80, 88,
	96, 176, 184, 256, 32, 36, 40, 136, 288, 0, 88, 8, 0, 56, 80, 74, 64, 0, 216, 112, 120, 128, 136, 68, 52, 96, 104, 208, 0, 16, 8, 424,
	24, 88, 168, 32, 288, 944, 888, 40, 32, 16, 40, 24, 16, 200, 24, 40, 32, 48, 32, 40, 24, 16, 32, 16, 24, 40, 16, 32, 64, 32, 16, 40,
#endif
} };

/* To the beginning of another function it may jump more often, and into the PLT, of which functions each have a part; nobody runs this. */
#ifdef __x86_64__
#define ANOTHER __asm__ volatile("jc another\n\tjnc 1f\n\tjmp usual@PLT\n1:");
#else
#define ANOTHER __asm__ volatile("b.cs another");
#endif

void another(void);
__attribute__((used, noinline, visibility("hidden"))) void another(void)
{
	__asm__ volatile("");
}

long _PyEval_EvalFrameDefault(const long *code, long n);
long _PyEval_EvalFrameDefault(const long *code, long n)
{
	long v = 0;

	ANOTHER ANOTHER ANOTHER ANOTHER ANOTHER ANOTHER
	for (long i = 0; i < n; i++) {
		switch (code[i]) {
		case 0: v += usual(v); break;
		case 1: v -= rare(v); break;
		case 2: v ^= rare(i); break;
		case 3: v |= usual(i); break;
		default: return rare(v) + rare(i);
		}
	}
	return v + usual(n);
}
