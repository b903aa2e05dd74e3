/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/load.h"

static volatile uint64_t sink;

/* Compute until @end_ns; the number of rounds of about a microsecond. */
static uint64_t compute_until(uint64_t end_ns)
{
	uint64_t rounds = 0, x = 88172645463325252ULL;

	do {
		for (int i = 0; i < 500; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
		}
		rounds++;
	} while (ph_now_ns() < end_ns);
	sink = x;
	return rounds;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * PH_NSEC + (uint64_t)ts.tv_nsec;
}

void sleep_ns(uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / PH_NSEC), (long)(ns % PH_NSEC) };

	while (nanosleep(&ts, &ts))
		;
}

int load_spin(int argc, char **argv)
{
	uint64_t t0 = ph_now_ns(), wall = arg_ns(argc, argv, 1, PH_NSEC);
	uint64_t rounds;

	if (argc > 2)
		pin((int)arg_u64(argc, argv, 2, 0));
	rounds = compute_until(t0 + wall);
	printf("load=spin wall_ns=%llu cpu_ns=%llu rounds=%llu\n",
	       (unsigned long long)(ph_now_ns() - t0), (unsigned long long)cpu_ns(),
	       (unsigned long long)rounds);
	return 0;
}

int load_burst(int argc, char **argv)
{
	uint64_t n = arg_u64(argc, argv, 1, 20), on = arg_ns(argc, argv, 2, 10000000);
	uint64_t off = arg_ns(argc, argv, 3, 40000000), t0 = ph_now_ns();

	for (uint64_t i = 0; i < n; i++) {
		compute_until(ph_now_ns() + on);
		sleep_ns(off);
	}
	printf("load=burst n=%llu wall_ns=%llu cpu_ns=%llu\n", (unsigned long long)n,
	       (unsigned long long)(ph_now_ns() - t0), (unsigned long long)cpu_ns());
	return 0;
}

int load_getppid(int argc, char **argv)
{
	uint64_t n = arg_u64(argc, argv, 1, 1 << 20), t0, c0, ns, cpu;

	if (argc > 2)
		pin((int)arg_u64(argc, argv, 2, 0));
	t0 = ph_now_ns();
	c0 = cpu_ns();
	for (uint64_t i = 0; i < n; i++)
		syscall(SYS_getppid);
	ns = ph_now_ns() - t0;
	cpu = cpu_ns() - c0;
	printf("load=getppid n=%llu wall_ns=%llu ns_per_call=%.1f cpu_ns_per_call=%.1f\n",
	       (unsigned long long)n, (unsigned long long)ns, n ? (double)ns / (double)n : 0.0,
	       n ? (double)cpu / (double)n : 0.0);
	return 0;
}

/* System calls at a steady rate: a millisecond's worth at a time. */
int load_rate(int argc, char **argv)
{
	uint64_t rate = arg_u64(argc, argv, 1, 100 << 10), n = 0, t0 = ph_now_ns(), now = t0;
	uint64_t end = t0 + arg_ns(argc, argv, 2, PH_NSEC);

	while (now < end) {
		uint64_t due = (now - t0) / 1000000 * rate / 1000;

		for (; n < due; n++)
			syscall(SYS_getppid);
		sleep_ns(500000);
		now = ph_now_ns();
	}
	printf("load=rate n=%llu wall_ns=%llu\n", (unsigned long long)n, (unsigned long long)(now - t0));
	return 0;
}

static void *thread_main(void *arg)
{
	compute_until(*(uint64_t *)arg);
	return NULL;
}

int load_threads(int argc, char **argv)
{
	uint64_t n = arg_u64(argc, argv, 1, 4), end;
	pthread_t *t;

	if (n < 1 || n > 10000)
		n = 4;
	t = calloc(n, sizeof(*t));
	end = ph_now_ns() + arg_ns(argc, argv, 2, 100000000);
	for (uint64_t i = 0; i < n; i++)
		if (!t || pthread_create(&t[i], NULL, thread_main, &end))
			die("pthread_create");
	for (uint64_t i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	free(t);
	printf("load=threads n=%llu cpu_ns=%llu\n", (unsigned long long)n, (unsigned long long)cpu_ns());
	return 0;
}

int load_sleep(int argc, char **argv)
{
	sleep_ns(arg_ns(argc, argv, 1, PH_NSEC));
	printf("load=sleep\n");
	return 0;
}
