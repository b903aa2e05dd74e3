/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MATRIX_H
#define MATRIX_H

/*
 * What the programs have in common: they wait for MATRIX_IDLE_MS (300), until it is known what they have mapped, and then compute for the CPU time that the
 * environment's MATRIX_MS says (500). Each says in `stack:` lines how its stacks are: from the innermost function to the outermost,
 * a regular expression. Compiled with -fno-optimize-sibling-calls.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#ifdef __cplusplus
#define MATRIX_C extern "C"
#else
#define MATRIX_C
#endif
#define OWN __attribute__((noinline))

static volatile int over, sink;

static void is_over(int sig)
{
	over = sig;
}

static void begin(void)
{
	const char *ms = getenv("MATRIX_MS"), *idle = getenv("MATRIX_IDLE_MS");
	long us = (ms ? atol(ms) : 500) * 1000;
	struct itimerval at = { { 0, 0 }, { us / 1000000, us % 1000000 } };

	usleep((unsigned int)(idle ? atol(idle) : 300) * 1000);
	signal(SIGPROF, is_over);
	setitimer(ITIMER_PROF, &at, NULL);
}

/* Some microseconds: whoever calls it is to be met at all of its own instructions, too. */
MATRIX_C OWN int leaf(int n)
{
	for (int i = 0; i < 2000; i++)
		sink += i ^ n;
	return sink;
}

#endif
