/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that differ in all that a task is known by, and stay: what contexts are compared with. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/load.h"

static uint64_t end_ns;

/* Something to see of this task, over and over. */
static void *stay(const char *name)
{
	prctl(PR_SET_NAME, name);
	while (ph_now_ns() < end_ns)
		syscall(SYS_nanosleep, &(struct timespec){ 0, 5000000 }, NULL);
	return NULL;
}

static void *plain(void *name)
{
	return stay(name);
}

static void *nice_one(void *name)
{
	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 7);
	return stay(name);
}

/* The C library would change all threads. */
static void *other_ids(void *name)
{
	syscall(SYS_setresgid, 4, 5, 6);
	syscall(SYS_setresuid, 1, 2, 3);
	return stay(name);
}

static void *real_time(void *name)
{
	struct sched_param p = { .sched_priority = 5 };

	sched_setscheduler(0, SCHED_FIFO, &p);
	return stay(name);
}

static void *own_namespaces(void *name)
{
	if (unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET))
		die("unshare");
	return stay(name);
}

static void threads(void)
{
	static const struct {
		void *(*fn)(void *);
		char *name;
	} kinds[] = {
		{ plain, "who-plain" }, { nice_one, "who-nice" }, { other_ids, "who-ids" },
		{ real_time, "who-fifo" }, { own_namespaces, "who-ns" },
	};
	pthread_t t;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (pthread_create(&t, NULL, kinds[i].fn, kinds[i].name))
			die("pthread_create");
}

/* A container in the container, as far as its tasks can tell. */
static void inner(void)
{
	pthread_t t;

	if (unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWTIME))
		die("unshare");
	if (!fork()) {
		if (pthread_create(&t, NULL, plain, "who-inner-2"))
			die("pthread_create");
		if (!fork())
			stay("who-child");
		else
			stay("who-inner");
		exit(0);
	}
	stay("who-outer");
}

int load_who(int argc, char **argv)
{
	end_ns = ph_now_ns() + arg_ns(argc, argv, 1, 10000000000);
	if (!fork()) {
		inner();
		wait(NULL);
		exit(0);
	}
	threads();
	stay("who-main");
	wait(NULL);
	return 0;
}
