/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shapes of ph-load chain in which tasks are kept waiting by what they share: a barrier, a file's lock, a CPU, a device. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/chain.h"
#include "load/load.h"

/* ---- one of them is slow, each time another ---------------------------------------------------------------------------- */

#define THREADS 4
#define CYCLES 8

static pthread_barrier_t barrier;
static pid_t tids[THREADS];
static atomic_int arrived[CYCLES];

static bool all_wait(int cycle, int but)
{
	if (arrived[cycle] < THREADS - 1)
		return false;
	for (int i = 0; i < THREADS; i++)
		if (i != but && !sleeps(tids[i]))
			return false;
	return true;
}

/*
 * All sleep at the barrier before the slow one begins. What the others compute until then is waited for, too: the path is
 * that of the first, as it is the one that the process waits for, and turns to the slow one when the first sleeps. So each
 * says what it computed as the slow one, but the first all of it.
 */
static void *imbalanced(void *arg)
{
	int self = (int)(intptr_t)arg;
	uint64_t ran = 0, ns;
	char name[16];

	snprintf(name, sizeof(name), "c-worker-%d", self);
	prctl(PR_SET_NAME, name);
	tids[self] = tid();
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < CYCLES; i++) {
		while (i % THREADS == self && !all_wait(i, self))
			sleep_ns(1000000);
		ns = compute((i % THREADS == self ? 20 : 4) * MS);
		if (i % THREADS == self || !self)
			ran += ns;
		arrived[i]++;
		pthread_barrier_wait(&barrier);
	}
	say(name, own_cpu_ns() - ran);
	return NULL;
}

void shape_imbalance(void)
{
	pthread_t t[THREADS];

	if (pthread_barrier_init(&barrier, NULL, THREADS))
		die("pthread_barrier_init");
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, imbalanced, (void *)(intptr_t)i))
			die("pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

/* ---- a file's lock, which three want, and the second sleeps while it has it -------------------------------------------- */

static void file_lock(int fd, short type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLKW, &lock))
		die("F_SETLKW");
}

void shape_filelock(void)
{
	int fd = open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600), held[2], go[2];
	pid_t pid, last = 0;
	char name[16];

	if (fd < 0 || pipe(held) || pipe(go))
		die("a file in /tmp");
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "c-fighter-%d", i);
		pid = child();
		if (pid) {
			if (!i)
				take(held[0]);
			else
				until_sleeps(pid);
			last = pid;
			continue;
		}
		prctl(PR_SET_NAME, name);
		file_lock(fd, F_WRLCK);
		if (!i) {
			pass(held[1]);
			take(go[0]);
		}
		if (i == 1)
			sleep_ns(50 * MS);
		stage(name, the_main, 40 * MS);
		file_lock(fd, F_UNLCK);
		_exit(0);
	}
	pass(go[1]);
	/* Who waits for each would have the one before on its path until that has ended, and not only until it lets go. */
	waitpid(last, NULL, 0);
	while (wait(NULL) > 0)
		;
}

/* ---- another one's pulses, on the same CPU ----------------------------------------------------------------------------- */

/* It never waits for that one, but its CPU has other things to do. */
void shape_preempt(void)
{
	atomic_int *over = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t since;

	if (over == MAP_FAILED)
		die("mmap");
	pin(0);
	if (!child()) {
		prctl(PR_SET_NAME, "c-pulse");
		since = own_cpu_ns();
		for (int i = 0; i < 5; i++) {
			sleep_ns(10 * MS);
			compute(20 * MS);
		}
		say("c-pulse", since);
		*over = 1;
		_exit(0);
	}
	while (!*over)
		compute(MS);
	wait(NULL);
}

/* ---- a disk, past the page cache ---------------------------------------------------------------------------------------- */

#define BLOCK 65536
#define READS 300

/* Says when it read. */
void shape_disk(void)
{
	char *block = aligned_alloc(4096, BLOCK);
	int fd = open("/data", O_RDWR | O_TMPFILE | O_DIRECT | O_CLOEXEC, 0600);
	uint64_t began;

	if (fd < 0 || !block)
		die("a file in /data");
	memset(block, 'x', BLOCK);
	for (int i = 0; i < 8; i++)
		if (pwrite(fd, block, BLOCK, i * BLOCK) != BLOCK || fsync(fd))
			die("write");
	began = ph_now_ns();
	for (int i = 0; i < READS; i++)
		if (pread(fd, block, BLOCK, i % 8 * BLOCK) != BLOCK)
			die("read");
	dprintf(1, "range=%llu..%llu\n", (unsigned long long)began, (unsigned long long)ph_now_ns());
	close(fd);
	free(block);
}

/* ---- a device that answers with an interrupt, and is no disk ------------------------------------------------------------ */

/* Says how long it was without a CPU while it read. */
void shape_random(void)
{
	char buf[64];
	int fd = open("/dev/hwrng", O_RDONLY | O_CLOEXEC);
	uint64_t began = ph_now_ns(), ran = own_cpu_ns();

	if (fd < 0)
		die("/dev/hwrng");
	for (int i = 0; i < 50; i++)
		if (!read_all(fd, buf, sizeof(buf)))
			die("read");
	dprintf(1, "waited_ns=%llu\n", (unsigned long long)(ph_now_ns() - began - (own_cpu_ns() - ran)));
	close(fd);
}
