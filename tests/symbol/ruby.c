/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that says it is Ruby 3.1 or 3.3 (RUBY): what runs its instructions is not exported, and the compiler puts a part of that elsewhere.
 * From 3.3 on, nothing else is exported that has to do with it, either.
 */
#include <stdlib.h>

#include "parts.h"

#if RUBY == 31
#define EXPORTED
const char ruby_version[] = "3.1.2";
__thread void *ruby_current_ec __attribute__((tls_model("initial-exec")));
#else
#define EXPORTED __attribute__((visibility("hidden")))
const char ruby_version[] = "3.3.8";
extern __thread void *ruby_current_ec;
/* It is another file's there, whose compiler does not know that it is not exported, and one of several. */
__asm__(".section .tbss,\"awT\",%nobits\n\t.balign 8\n\t.zero 8\n\t.hidden ruby_current_ec\n\t.globl ruby_current_ec\n"
	"ruby_current_ec:\n\t.zero 8\n\t.zero 8\n\t.previous");
#endif

/* To the next instruction's code: with this at the end of each, they are hundreds. */
#if defined(__x86_64__) && RUBY > 31
#define JUMPS(n) __asm__ volatile(".rept " #n "\n\tjmp *%%rax\n\t.endr" : : : "memory")
#else
#define JUMPS(n)
#endif

void *rb_errinfo(void);
void *rb_errinfo(void)
{
	return ((void **)ruby_current_ec)[15];
}

/* As large as it is there. */
__attribute__((noinline)) static long vm_exec_core(const long *code, long n)
{
	long v = 0;

	JUMPS(120);
	__asm__ volatile(".rept 17000\n\tnop\n\t.endr" : "+r"(v));
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

/* There are larger ones, and smaller ones that call it. */
long match_at(long n);
long match_at(long n)
{
	JUMPS(70);
	__asm__ volatile(".rept 34000\n\tnop\n\t.endr" : "+r"(n));
	return n;
}

long table(void);
long table(void)
{
	return vm_exec_core((void *)0, 0) + 1;
}

EXPORTED long rb_vm_exec(const long *code, long n);
EXPORTED long rb_vm_exec(const long *code, long n)
{
	long v = (long)ruby_current_ec;

	for (long i = 0; i < n; i++)
		v += vm_exec_core(code + i, n) + usual(v);
	return v;
}

/* As what is exported does. */
long run(const long *code);
long run(const long *code)
{
	if (!code)
		abort();
	return rb_vm_exec(code, 1) + 1;
}
