/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that fail: each returns the number of its error, 0 if it was not refused. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "load/deny.h"
#include "load/load.h"

static int call_idle(char **a)
{
	(void)a;
	while (pause() < 0)
		;
	return 0;
}

static int call_open(char **a)
{
	int flags = strchr(a[1], 'c') ? O_CREAT : 0;

	flags |= strchr(a[1], 'w') ? strchr(a[1], 'r') ? O_RDWR : O_WRONLY : O_RDONLY;
	return deny_result(open(a[0], flags | O_CLOEXEC | O_NONBLOCK, 0644));
}

static int call_exec(char **a)
{
	return deny_result(execl(a[0], a[0], "sleep", "0s", NULL));
}

static int call_mkdir(char **a) { return deny_result(mkdir(a[0], 0755)); }
static int call_rename(char **a) { return deny_result(rename(a[0], a[1])); }
static int call_unlink(char **a) { return deny_result(unlink(a[0])); }
static int call_chmod(char **a) { return deny_result(chmod(a[0], 0644)); }
static int call_chown(char **a) { return deny_result(chown(a[0], (uid_t)atoi(a[1]), (gid_t)-1)); }
static int call_stat(char **a) { struct stat st; return deny_result(stat(a[0], &st)); }

static int call_readlink(char **a)
{
	char b[256];

	return deny_result(readlink(a[0], b, sizeof(b)));
}

static int call_mknod(char **a)
{
	return deny_result(mknod(a[0], S_IFCHR | 0666, makedev((unsigned int)atoi(a[1]), (unsigned int)atoi(a[2]))));
}

/* Writes until it is refused. */
static int call_write(char **a)
{
	static char b[65536];
	int fd = open(a[0], O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	ssize_t n = 0;

	signal(SIGXFSZ, SIG_IGN);
	if (fd < 0)
		die("open");
	for (int i = 0; i < 4096 && n >= 0; i++)
		n = write(fd, b, sizeof(b));
	return deny_result(n);
}

static int call_inodes(char **a)
{
	char path[256];
	int fd = 0;

	for (int i = 0; i < 4096 && fd >= 0; i++) {
		snprintf(path, sizeof(path), "%s/%d", a[0], i);
		fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd >= 0)
			close(fd);
	}
	return deny_result(fd);
}

static int call_files(char **a)
{
	int fd = 0;

	(void)a;
	while (fd >= 0)
		fd = open("/dev/null", O_RDONLY);
	return errno;
}

static int call_mmap(char **a)
{
	void *p = mmap(NULL, strtoul(a[0], NULL, 0), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int call_hugetlb(char **a)
{
	void *p = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	(void)a;
	return p == MAP_FAILED ? errno : 0;
}

/* Memory that is promised, and counted as such. */
static int call_commit(char **a)
{
	void *p = mmap(NULL, strtoul(a[0], NULL, 0), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

/* Mappings of one page that cannot be joined, until no more are allowed. */
static int call_maps(char **a)
{
	void *p = NULL;

	(void)a;
	for (int i = 0; i < 1 << 20 && p != MAP_FAILED; i++)
		p = mmap(NULL, 4096, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? errno : 0;
}

static int call_timers(char **a)
{
	int r = 0;

	(void)a;
	for (int i = 0; i < 1 << 16 && !r; i++) {
		timer_t t;

		r = timer_create(CLOCK_MONOTONIC, NULL, &t);
	}
	return deny_result(r);
}

static int call_mlock(char **a)
{
	size_t n = strtoul(a[0], NULL, 0);
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : deny_result(mlock(p, n));
}

/* Fills pipes, whose memory is charged to the cgroup; nothing of it can be reclaimed. */
static int call_pipes(char **a)
{
	static char b[65536];
	int fd[300][2], n = sizeof(fd) / sizeof(*fd);

	(void)a;
	for (int i = 0; i < n; i++)
		if (pipe2(fd[i], O_NONBLOCK))
			die("pipe");
	for (int i = 0; i < n; i++)
		if (write(fd[i][1], b, sizeof(b)) < 0)
			return errno;
	return 0;
}

/* Children that wait, until no more are allowed. */
static int call_fork(char **a)
{
	int hold[2];
	pid_t pid = 0;
	char c;

	(void)a;
	if (pipe(hold))
		die("pipe");
	for (int i = 0; i < 200 && pid >= 0; i++) {
		pid = fork();
		if (!pid) {
			close(hold[1]);
			_exit(read(hold[0], &c, 1) < 0);
		}
	}
	return deny_result(pid);
}

static int call_unshare(char **a) { return deny_result(unshare((int)strtoul(a[0], NULL, 0))); }

static int call_inotify(char **a)
{
	int fd = 0;

	(void)a;
	while (fd >= 0)
		fd = inotify_init1(0);
	return errno;
}

static int call_watch(char **a)
{
	int fd = inotify_init1(0), wd = 0;
	char path[256];

	for (int i = 0; i < 4096 && wd >= 0; i++) {
		snprintf(path, sizeof(path), "%s/%d", a[0], i);
		mkdir(path, 0755);
		wd = inotify_add_watch(fd, path, IN_CREATE);
	}
	return deny_result(wd);
}

static pid_t target(const char *s)
{
	return strcmp(s, "-") ? atoi(s) : deny_beside;
}

static int call_kill(char **a) { return deny_result(kill(target(a[0]), 0)); }
static int call_ptrace(char **a) { return deny_result(ptrace(PTRACE_SEIZE, target(a[0]), NULL, NULL)); }

static int call_mount(char **a)
{
	return deny_result(mount("tmpfs", a[0], "tmpfs", 0, NULL));
}

static int call_hostname(char **a) { return deny_result(sethostname(a[0], strlen(a[0]))); }
static int call_chroot(char **a) { return deny_result(chroot(a[0])); }
static int call_nice(char **a) { return deny_result(setpriority(PRIO_PROCESS, 0, atoi(a[0]))); }

/* To the time that it is: harmless where it is not refused. */
static int call_settime(char **a)
{
	struct timespec t;

	(void)a;
	clock_gettime(CLOCK_REALTIME, &t);
	return deny_result(syscall(SYS_clock_settime, CLOCK_REALTIME, &t));
}

static int call_iopl(char **a)
{
	(void)a;
#ifdef SYS_iopl
	return deny_result(syscall(SYS_iopl, 3));
#else
	errno = ENOSYS;
	return ENOSYS;
#endif
}

/* A module of no contents: who may load none is refused before that is seen. */
static int call_module(char **a)
{
	static char image[64];

	(void)a;
	return deny_result(syscall(SYS_init_module, image, sizeof(image), ""));
}

static int call_rlimit(char **a)
{
	struct rlimit r;

	(void)a;
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_max++;
	return deny_result(setrlimit(RLIMIT_NOFILE, &r));
}

static int call_bpf(char **a)
{
	char attr[128] = "";

	(void)a;
	return deny_result(syscall(SYS_bpf, 5 /* BPF_PROG_LOAD */, attr, sizeof(attr)));
}

/* A call that Linux has had no more since 2.6, or (generic numbers) since 3.1. */
static int call_nosys(char **a)
{
	(void)a;
#ifdef SYS_create_module
	return deny_result(syscall(SYS_create_module, NULL, 0));
#else
	return deny_result(syscall(SYS_nfsservctl, 0, NULL, NULL));
#endif
}

static int call_errno(char **a)
{
	deny_filter(SECCOMP_RET_ERRNO | (uint32_t)atoi(a[0]), SYS_getpgid);
	return deny_result(syscall(SYS_getpgid, 0));
}

static int call_killed(char **a)
{
	(void)a;
	deny_filter(SECCOMP_RET_KILL_PROCESS, SYS_getpgid);
	return deny_result(syscall(SYS_getpgid, 0));
}

const struct deny_word deny_calls[] = {
	{ "idle", 0, NULL, call_idle }, { "open", 2, NULL, call_open }, { "exec", 1, NULL, call_exec },
	{ "mkdir", 1, NULL, call_mkdir }, { "unlink", 1, NULL, call_unlink }, { "rename", 2, NULL, call_rename },
	{ "chmod", 1, NULL, call_chmod }, { "chown", 2, NULL, call_chown }, { "stat", 1, NULL, call_stat },
	{ "readlink", 1, NULL, call_readlink }, { "mknod", 3, NULL, call_mknod }, { "write", 1, NULL, call_write },
	{ "inodes", 1, NULL, call_inodes }, { "files", 0, NULL, call_files }, { "mmap", 1, NULL, call_mmap },
	{ "commit", 1, NULL, call_commit }, { "maps", 0, NULL, call_maps }, { "timers", 0, NULL, call_timers },
	{ "iopl", 0, NULL, call_iopl }, { "module", 0, NULL, call_module }, { "hugetlb", 0, NULL, call_hugetlb },
	{ "mlock", 1, NULL, call_mlock }, { "pipes", 0, NULL, call_pipes }, { "fork", 0, NULL, call_fork },
	{ "unshare", 1, NULL, call_unshare }, { "inotify", 0, NULL, call_inotify }, { "watch", 1, NULL, call_watch },
	{ "kill", 1, NULL, call_kill }, { "ptrace", 1, NULL, call_ptrace }, { "mount", 1, NULL, call_mount },
	{ "hostname", 1, NULL, call_hostname }, { "chroot", 1, NULL, call_chroot }, { "nice", 1, NULL, call_nice },
	{ "settime", 0, NULL, call_settime }, { "rlimit", 0, NULL, call_rlimit }, { "bpf", 0, NULL, call_bpf },
	{ "nosys", 0, NULL, call_nosys }, { "errno", 1, NULL, call_errno }, { "killed", 0, NULL, call_killed },
	{ 0 }
};
