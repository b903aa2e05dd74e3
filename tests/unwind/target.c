/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program whose stacks are known: test_unwind_walk.c runs it, and looks at it each time that it raises SIGUSR2.
 * Its functions' names are what the walk must find.
 *
 *	target chain|thread|steps|noreturn|silent
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OPAQUE __attribute__((noinline, noclone, visibility("default")))
/* So that a call stays one: what follows it needs its result. */
#define KEEP(x) ({ int v_ = (x); __asm__ volatile("" : "+r"(v_)); v_; })

int deep(int n);
int room(int n);
int wide(int n);
int compare(const void *a, const void *b);
int sorts(int n);
int here(int n);
void handler(int sig);
void *thread_main(void *arg);
int steps(int n);
void leaves(int n) __attribute__((noreturn));
void ends(int n);
int silent(int n);
int calls_silent(int n);

static volatile int sorted;

OPAQUE int here(int n)
{
	return KEEP(raise(SIGUSR2)) + n;
}

OPAQUE void handler(int sig)
{
	KEEP(here(sig));
}

OPAQUE int compare(const void *a, const void *b)
{
	/* Once, and from a function that libc calls. */
	if (!sorted++)
		KEEP(raise(SIGUSR1));
	return *(const int *)a - *(const int *)b;
}

OPAQUE int sorts(int n)
{
	int v[] = { n, 3, 1, 2 };

	qsort(v, 4, sizeof(v[0]), compare);
	return KEEP(v[1]);
}

/* A frame whose size nobody knows before, aligned further than the ABI does. */
OPAQUE int room(int n)
{
	char fixed[64] __attribute__((aligned(64)));
	char *p = __builtin_alloca((size_t)n * 16 + 1);

	memset(fixed, n, sizeof(fixed));
	memset(p, n, (size_t)n * 16);
	__asm__ volatile("" : : "r"(p), "r"(fixed) : "memory");
	return KEEP(sorts(p[n] + fixed[n]));
}

OPAQUE int wide(int n)
{
	int a = KEEP(n + 1), b = KEEP(n + 2), c = KEEP(n + 3), d = KEEP(n + 4), e = KEEP(n + 5), f = KEEP(n + 6);
	int r = KEEP(room(n));

	return a + b + c + d + e + f + r;
}

OPAQUE int deep(int n)
{
	return KEEP(n ? deep(n - 1) : wide(5)) + 1;
}

OPAQUE void *thread_main(void *arg)
{
	KEEP(deep(3));
	return arg;
}

/* Into the vDSO: the call that does not try again when the clock ticked meanwhile, which it always has by the next step. */
#ifdef __x86_64__
#define TIMES() ((int)time(NULL))
#else
#define TIMES() clock_getres(CLOCK_REALTIME, &(struct timespec){ 0 })
#endif

/* Through the PLT, the first time by way of the dynamic linker. */
OPAQUE int steps(int n)
{
	KEEP(here(n));
	KEEP(atoi("12"));
	KEEP(TIMES());
	KEEP((int)strtol("12", NULL, 0));
	KEEP(here(n));
	return n;
}

OPAQUE void leaves(int n)
{
	_exit(here(n));
}

/* Its call is its last instruction: it would return into the next function. */
OPAQUE void ends(int n)
{
	char fixed[64];

	memset(fixed, n, sizeof(fixed));
	__asm__ volatile("" : : "r"(fixed) : "memory");
	leaves(n);
}

OPAQUE int calls_silent(int n)
{
	return KEEP(silent(n)) + 1;
}

int main(int argc, char **argv)
{
	static char stack[65536];
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };

	if (argc < 2 || sigaltstack(&alt, NULL) || sigaction(SIGUSR1, &sa, NULL))
		return 2;
	if (!strcmp(argv[1], "thread")) {
		pthread_t t;

		return pthread_create(&t, NULL, thread_main, NULL) || pthread_join(t, NULL);
	}
	if (!strcmp(argv[1], "noreturn"))
		ends(1);
	if (!strcmp(argv[1], "silent"))
		return KEEP(calls_silent(1));
	if (!strcmp(argv[1], "steps"))
		return KEEP(steps(0));
	return KEEP(deep(30)) == 0;
}
