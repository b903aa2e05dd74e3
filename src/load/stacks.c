/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Known stacks, without frame pointers: the first thread computes 30 calls deep, where a signal's handler interrupts it and
 * computes as well; a second thread computes in a function of its own. The functions' names are what a profile must have. What is
 * said at the end is how much was computed in how much CPU time, which being looked at costs.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>

#include "base/clock.h"
#include "load/load.h"

#define OPAQUE __attribute__((noinline, noclone, optimize("no-optimize-sibling-calls,omit-frame-pointer")))
#define DEPTH 30

int stacks_leaf(int n);
int stacks_deep(int n);
void stacks_handler(int sig);
void *stacks_thread(void *arg);

static volatile int sink;
static volatile sig_atomic_t handled;
static uint64_t until_ns;
static unsigned long turns;	/* of the innermost function */

OPAQUE int stacks_leaf(int n)
{
	for (int i = 0; i < 200000; i++)
		sink += i ^ n;
	__atomic_fetch_add(&turns, 1, __ATOMIC_RELAXED);
	return sink;
}

OPAQUE int stacks_deep(int n)
{
	int r = n ? stacks_deep(n - 1) : stacks_leaf(n);

	sink = r;
	return r + n;
}

OPAQUE void stacks_handler(int sig)
{
	handled++;
	sink += stacks_leaf(sig) + stacks_leaf(sig);
}

OPAQUE void *stacks_thread(void *arg)
{
	while (ph_now_ns() < until_ns)
		sink += stacks_leaf(1);
	return arg;
}

int load_stacks(int argc, char **argv)
{
	/* No multiple of what samples are taken at: these would always find it at the same place. */
	const struct itimerval every = { { 0, 17300 }, { 0, 17300 } }, never = { { 0, 0 }, { 0, 0 } };
	struct timespec cpu;
	sigset_t alarm;
	pthread_t thread;

	until_ns = ph_now_ns() + arg_ns(argc, argv, 1, PH_NSEC);
	signal(SIGALRM, stacks_handler);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &alarm, NULL);	/* of the thread that is made */
	if (pthread_create(&thread, NULL, stacks_thread, NULL))
		die("thread");
	pthread_sigmask(SIG_UNBLOCK, &alarm, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	while (ph_now_ns() < until_ns)
		sink += stacks_deep(DEPTH);
	setitimer(ITIMER_REAL, &never, NULL);
	pthread_join(thread, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	printf("depth=%d handled=%d turns=%lu cpu_ns=%llu\n", DEPTH, (int)handled, turns,
	       (unsigned long long)cpu.tv_sec * PH_NSEC + (unsigned long long)cpu.tv_nsec);
	return 0;
}
