/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A signal's handler on the stack that it interrupts and one on a stack of its own, in the first thread and in another.
 *
 * stack: ([^;]+;){0,3}(main|thread);
 * stack: ((leaf;)?(usual|other);)?__restore_rt;(.*;)?(main|thread);
 * stack: (leaf;)?work;(main|thread);
 */
#include <pthread.h>
#include <stdio.h>

#include "matrix.h"

static char room[65536];

static OWN void usual(int sig)
{
	for (int i = 0; i < 50; i++)
		sink += leaf(sig);
}

static OWN void other(int sig)
{
	for (int i = 0; i < 50; i++)
		sink += leaf(sig + i);
}

static OWN int work(int n)
{
	for (int i = 0; i < 100; i++)
		sink += leaf(n);
	return sink;
}

static OWN void *thread(void *arg)
{
	const stack_t s = { .ss_sp = room, .ss_size = sizeof(room) };

	sigaltstack(&s, NULL);
	while (!over) {
		sink += work(1);
		raise(SIGUSR1);
	}
	return arg;
}

int main(void)
{
	struct sigaction sa = { .sa_handler = usual, .sa_flags = SA_RESTART };
	const struct itimerval every = { { 0, 1700 }, { 0, 1700 } };
	pthread_t t;

	begin();
	sigemptyset(&sa.sa_mask);
	sigaction(SIGALRM, &sa, NULL);
	sa.sa_handler = other;
	sa.sa_flags |= SA_ONSTACK;
	sigaction(SIGUSR1, &sa, NULL);
	if (pthread_create(&t, NULL, thread, NULL))
		return 1;
	setitimer(ITIMER_REAL, &every, NULL);
	while (!over) {
		sink += work(2);
		raise(SIGALRM);
	}
	pthread_join(t, NULL);
	return 0;
}
