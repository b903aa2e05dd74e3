/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Known stacks, without frame pointers: the first thread computes 30 calls deep, where a signal's handler interrupts it and
 * computes as well; a second thread computes in a function of its own. The functions' names are what a profile must have.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

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

OPAQUE int stacks_leaf(int n)
{
	for (int i = 0; i < 200000; i++)
		sink += i ^ n;
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
	printf("depth=%d handled=%d\n", DEPTH, (int)handled);
	return 0;
}
