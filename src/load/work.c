/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fixed amount of work in known shapes: as many steps take as much CPU time under any limit, and what a limit does is
 * in how long it took. Each says that itself: from its beginning to its end, and how long every request took.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/parse.h"
#include "load/load.h"
#include "load/work.h"

#define BLOCK 65536

static volatile uint64_t sink;
static bool all_times;		/* of requests are said, one a line behind the other line */

/* Each waits for the one before it, a nanosecond or two. */
void work_steps(uint64_t n)
{
	uint64_t x = 88172645463325252ULL;

	while (n--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	sink = x;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * PH_NSEC + (uint64_t)ts.tv_nsec;
}

void *work_zeros(uint64_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		die("calloc");
	return p;
}

void work_until(uint64_t when_ns)
{
	struct timespec ts = { (time_t)(when_ns / PH_NSEC), (long)(when_ns % PH_NSEC) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

void work_begins(void)
{
	syscall(SYS_getppid);
}

void work_ends(void)
{
	syscall(SYS_getpgid, 0);
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The least that so many of a hundred took at most. */
static unsigned long long percentile(const uint64_t *sorted, uint64_t n, uint64_t percent)
{
	return sorted[(n * percent + 99) / 100 - 1];
}

/*
 * How long this process has been there, to half a tick of 10 ms: what a container's runtime does in it before it runs this program is
 * the container's, too.
 */
static uint64_t life_ns(void)
{
	uint64_t tick = PH_NSEC / (uint64_t)sysconf(_SC_CLK_TCK), start, now;
	ph_autobuf b = { 0 };
	struct timespec ts;
	char *end;
	unsigned long long ticks;

	if (ph_read_file_at(AT_FDCWD, "/proc/self/stat", 4096, &b) || !(end = strrchr(b.p, ')')) ||
	    sscanf(end + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &ticks) != 1)
		die("/proc/self/stat");
	clock_gettime(CLOCK_BOOTTIME, &ts);
	now = (uint64_t)ts.tv_sec * PH_NSEC + (uint64_t)ts.tv_nsec;
	start = ticks * tick + tick / 2;
	return now > start ? now - start : 0;
}

void work_said(const char *shape, uint64_t begin_ns, uint64_t *took_ns, uint64_t n)
{
	printf("load=work shape=%s wall_ns=%llu life_ns=%llu cpu_ns=%llu requests=%llu", shape, (unsigned long long)(ph_now_ns() - begin_ns),
	       (unsigned long long)life_ns(), (unsigned long long)cpu_ns(), (unsigned long long)n);
	if (n) {
		qsort(took_ns, n, sizeof(*took_ns), by_size);
		printf(" p50_ns=%llu p90_ns=%llu p99_ns=%llu max_ns=%llu", percentile(took_ns, n, 50), percentile(took_ns, n, 90),
		       percentile(took_ns, n, 99), percentile(took_ns, n, 100));
	}
	putchar('\n');
	for (uint64_t i = 0; all_times && i < n; i++)
		printf("%llu\n", (unsigned long long)took_ns[i]);
}

/* How many steps are a millisecond's, on an idle CPU. */
static int work_calibrate(int argc, char **argv)
{
	const uint64_t n = 2000000;
	uint64_t best = UINT64_MAX;

	(void)argc;
	(void)argv;
	for (int i = 0; i < 50; i++) {
		uint64_t before = cpu_ns(), ns;

		work_steps(n);
		ns = cpu_ns() - before;
		best = ns < best ? ns : best;
	}
	printf("load=work shape=calibrate steps_per_ms=%llu\n", (unsigned long long)(n * 1000000 / best));
	return 0;
}

static int work_compute(int argc, char **argv)
{
	uint64_t begin = ph_now_ns();

	work_steps(arg_u64(argc, argv, 2, 200000000));
	work_said("compute", begin, NULL, 0);
	return 0;
}

struct team {
	pthread_barrier_t all;
	uint64_t n, rounds, steps;
};

struct member {
	pthread_t thread;
	struct team *team;
	uint64_t nr;
};

static void *independent(void *arg)
{
	struct member *m = arg;

	work_steps(m->team->steps);
	return NULL;
}

/* The last of them has more than twice as much to do as the first, and all wait for it. */
static void *in_step(void *arg)
{
	struct member *m = arg;
	struct team *t = m->team;

	for (uint64_t i = 0; i < t->rounds; i++) {
		pthread_barrier_wait(&t->all);
		work_steps(t->steps * 2 * (m->nr + 2) / (t->n + 3));
		pthread_barrier_wait(&t->all);
	}
	return NULL;
}

static struct member *members(struct team *t, void *(*fn)(void *))
{
	struct member *m = work_zeros(t->n, sizeof(*m));

	for (uint64_t i = 0; i < t->n; i++) {
		m[i] = (struct member){ .team = t, .nr = i };
		if (pthread_create(&m[i].thread, NULL, fn, &m[i]))
			die("pthread_create");
	}
	return m;
}

static void joined(struct team *t, struct member *m)
{
	for (uint64_t i = 0; i < t->n; i++)
		pthread_join(m[i].thread, NULL);
	free(m);
}

static int work_parallel(int argc, char **argv)
{
	struct team t = { .n = arg_u64(argc, argv, 2, 4), .steps = arg_u64(argc, argv, 3, 50000000) };
	uint64_t begin = ph_now_ns();

	joined(&t, members(&t, independent));
	work_said("parallel", begin, NULL, 0);
	return 0;
}

static int work_forkjoin(int argc, char **argv)
{
	struct team t = { .n = arg_u64(argc, argv, 2, 4), .rounds = arg_u64(argc, argv, 3, 20), .steps = arg_u64(argc, argv, 4, 2000000) };
	uint64_t begin = ph_now_ns(), since, *took = work_zeros(t.rounds, sizeof(*took));
	struct member *m;

	if (pthread_barrier_init(&t.all, NULL, (unsigned)t.n + 1))
		die("pthread_barrier_init");
	m = members(&t, in_step);
	for (uint64_t i = 0; i < t.rounds; i++) {
		since = ph_now_ns();
		work_begins();
		pthread_barrier_wait(&t.all);
		pthread_barrier_wait(&t.all);
		work_ends();
		took[i] = ph_now_ns() - since;
	}
	joined(&t, m);
	work_said("forkjoin", begin, took, t.rounds);
	free(took);
	return 0;
}

/* So many are due at once at fixed times, as a clock's jobs are; one that is due while another runs comes after it, and is counted from then on. */
static int work_cron(int argc, char **argv)
{
	uint64_t n = arg_u64(argc, argv, 2, 20), every = arg_ns(argc, argv, 3, 100000000), steps = arg_u64(argc, argv, 4, 5000000);
	uint64_t at_once = arg_u64(argc, argv, 5, 1), begin = ph_now_ns(), since, *took = work_zeros(n, sizeof(*took));

	for (uint64_t i = 0; i < n; i++) {
		uint64_t due = begin + (i / (at_once ? at_once : 1) + 1) * every;

		work_until(due);
		since = ph_now_ns();
		work_begins();
		work_steps(steps);
		work_ends();
		took[i] = ph_now_ns() - since;
	}
	work_said("cron", begin, took, n);
	free(took);
	return 0;
}

/* In turn it computes and waits for the disk, past the page cache. */
static int work_mixed(int argc, char **argv)
{
	const char *dir = arg_str(argc, argv, 2, "/data");
	uint64_t n = arg_u64(argc, argv, 3, 100), steps = arg_u64(argc, argv, 4, 2000000), blocks = arg_u64(argc, argv, 5, 4);
	uint64_t begin = ph_now_ns(), since, *took = work_zeros(n, sizeof(*took));
	char path[4096], *block = aligned_alloc(4096, BLOCK);
	int fd;

	snprintf(path, sizeof(path), "%s/ph-load.%d", dir, getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT, 0600);
	if (fd < 0 || !block)
		die(path);
	unlink(path);
	memset(block, 'x', BLOCK);
	for (uint64_t i = 0; i < blocks; i++)
		if (pwrite(fd, block, BLOCK, (off_t)(i * BLOCK)) != BLOCK)
			die(path);
	if (fsync(fd))
		die(path);
	for (uint64_t i = 0; i < n; i++) {
		since = ph_now_ns();
		work_begins();
		work_steps(steps);
		for (uint64_t k = 0; k < blocks; k++)
			if (pread(fd, block, BLOCK, (off_t)(k * BLOCK)) != BLOCK)
				die(path);
		work_ends();
		took[i] = ph_now_ns() - since;
	}
	work_said("mixed", begin, took, n);
	close(fd);
	free(block);
	free(took);
	return 0;
}

int load_work(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*fn)(int argc, char **argv);
	} shapes[] = {
		{ "calibrate", work_calibrate }, { "compute", work_compute }, { "parallel", work_parallel }, { "forkjoin", work_forkjoin },
		{ "cron", work_cron }, { "mixed", work_mixed }, { "serve", work_serve }, { "ask", work_ask },
		{ "produce", work_produce }, { "consume", work_consume },
	};
	const char *what = arg_str(argc, argv, 1, "");

	if (!strcmp(what, "times")) {
		all_times = true;
		what = arg_str(--argc, ++argv, 1, "");
	}
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (!strcmp(shapes[i].name, what))
			return shapes[i].fn(argc, argv);
	fprintf(stderr, "ph-load work: there is no shape '%s':", what);
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		fprintf(stderr, " %s", shapes[i].name);
	fputc('\n', stderr);
	return 2;
}
