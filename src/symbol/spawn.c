/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/spawn.h"

#include <signal.h>
#include <spawn.h>

int ph_symspawn(const char *program, const char *arg, char *const env[], const int *fds, size_t n, int first, pid_t *ret)
{
	char *argv[] = { (char *)"porthole", (char *)arg, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t signals;
	int r;

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
	r = -posix_spawn(ret, program, &actions, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return r;
}
