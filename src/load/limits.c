/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load/load.h"

int load_forks(int argc, char **argv)
{
	uint64_t n = arg_u64(argc, argv, 1, 10), done = 0;

	for (uint64_t i = 0; i < n; i++) {
		pid_t pid = fork();
		int status;

		if (pid < 0)
			die("fork");
		if (!pid)
			_exit((int)(i & 63));
		if (waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == (int)(i & 63))
			done++;
	}
	printf("load=forks n=%llu\n", (unsigned long long)done);
	return done == n ? 0 : 1;
}

/* Print how a call ended by its errno's name, so that tests need no table. */
static void ended(const char *call, long r)
{
	printf("load=fail call=%s errno=%s\n", call, r < 0 ? strerrorname_np(errno) : "0");
}

/*
 * Each call is made once; how the last ones fail depends on the container's confinement. None does
 * any harm where it is not refused: on a host, as root.
 */
int load_fail(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	ended("openat_enoent", syscall(SYS_openat, AT_FDCWD, "/no/such/file", O_RDONLY, 0));
	ended("openat_enotdir", syscall(SYS_openat, AT_FDCWD, "/proc/self/stat/x", O_RDONLY, 0));
	ended("openat_eisdir", syscall(SYS_openat, AT_FDCWD, "/", O_WRONLY, 0));
	ended("openat_efault", syscall(SYS_openat, AT_FDCWD, (void *)8, O_RDONLY, 0));
	ended("read_ebadf", syscall(SYS_read, 1000000, NULL, 0));
	ended("kill_esrch", syscall(SYS_kill, 0x7ffffff0, 0));
	ended("mkdirat_eexist", syscall(SYS_mkdirat, AT_FDCWD, "/", 0755));
	ended("mount", syscall(SYS_mount, "none", "/", "no-such-fs", 0, NULL));
	ended("sethostname", syscall(SYS_sethostname, "x", (size_t)-1));
	ended("ptrace", syscall(SYS_ptrace, PTRACE_PEEKDATA, 0x7ffffff0, NULL, NULL));
	ended("unshare", syscall(SYS_unshare, 0x04000000 /* CLONE_NEWUTS */));
	ended("keyctl", syscall(SYS_keyctl, 0, 0, 0, 0, 0));
	ended("openat_kcore", syscall(SYS_openat, AT_FDCWD, "/proc/kcore", O_RDONLY, 0));
	return 0;
}

/* A child takes the memory, so that the report survives the limit. */
int load_alloc(int argc, char **argv)
{
	uint64_t size = arg_u64(argc, argv, 1, 64 << 20), step = 1 << 20;
	volatile uint64_t *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	if (done == MAP_FAILED)
		die("mmap");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		while (*done < size) {
			char *p = mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			if (p == MAP_FAILED)
				_exit(errno == ENOMEM ? 12 : 1);
			memset(p, 1, step);
			*done += step;
		}
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("load=alloc bytes=%llu child=%d killed=%d\n", (unsigned long long)*done, pid,
	       WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	return 0;
}

int load_pids(int argc, char **argv)
{
	uint64_t n = arg_u64(argc, argv, 1, 1000), made = 0;
	int hold[2], e = 0;
	char c;

	if (pipe(hold))
		die("pipe");
	while (made < n) {
		pid_t pid = fork();

		if (pid < 0) {
			e = errno;
			break;
		}
		if (!pid) {
			/* Until the parent closes its end. */
			close(hold[1]);
			_exit(read(hold[0], &c, 1) < 0);
		}
		made++;
	}
	close(hold[1]);
	while (wait(NULL) > 0)
		;
	printf("load=pids n=%llu errno=%s\n", (unsigned long long)made, e ? strerrorname_np(e) : "0");
	return 0;
}
