/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/spawn.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>

#include "base/vec.h"

#define CHILD "PORTHOLE_CHILD"

int ph_symspawn(const char *program, const char *arg, char *const env[], const int *fds, size_t n, int first, pid_t *ret)
{
	char *argv[] = { (char *)"porthole", (char *)arg, NULL };
	PH_VEC(char *) all = { 0 };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t signals;
	int r;

	/* A program that does not ask what it was started for would do as its parent does, and so would the next. */
	if (getenv(CHILD))
		return -ELOOP;
	while (*env)
		*ph_vec_push(&all) = *env++;
	*ph_vec_push(&all) = (char *)CHILD "=1";
	*ph_vec_push(&all) = NULL;
	posix_spawn_file_actions_init(&actions);
	for (size_t i = 0; i < n; i++)
		posix_spawn_file_actions_adddup2(&actions, fds[i], first + (int)i);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&attr, &signals);
	sigfillset(&signals);
	posix_spawnattr_setsigdefault(&attr, &signals);
	r = -posix_spawn(ret, program, &actions, &attr, argv, all.v);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	ph_vec_done(&all);
	return r;
}
