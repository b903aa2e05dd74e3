/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "load/load.h"

/* What was called, kept until the end so that printing makes no calls in between. */
static struct {
	const char *name;
	long arg[6], ret;
	int err, nargs;
} done[256];
static int ndone;

static long call(const char *name, long nr, int nargs, const long *a)
{
	long r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);

	if (ndone < 256) {
		done[ndone].name = name;
		memcpy(done[ndone].arg, a, sizeof(done[ndone].arg));
		done[ndone].nargs = nargs;
		done[ndone].ret = r;
		done[ndone].err = r < 0 ? errno : 0;
		ndone++;
	}
	return r;
}

#define NARGS(...) (sizeof((long[]){ __VA_ARGS__ }) / sizeof(long))
#define CALL(name, ...)									\
	call(#name, SYS_##name, (int)NARGS(__VA_ARGS__), (long[6]){ __VA_ARGS__ })
#define P(p) ((long)(p))

static void files(const char *dir)
{
	char buf[256] = "the quick brown fox", out[256];
	struct iovec iov[2] = { { buf, 4 }, { buf + 4, 6 } };
	struct stat st;
	int d, f, g;
	int fds[2];

	d = (int)CALL(openat, AT_FDCWD, P(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	CALL(mkdirat, d, P("calls.d"), 0750);
	f = (int)CALL(openat, d, P("calls.d/file"), O_RDWR | O_CREAT | O_TRUNC, 0640);
	CALL(write, f, P(buf), 19);
	CALL(pwrite64, f, P(buf), 5, 100);
	CALL(writev, f, P(iov), 2);
	CALL(lseek, f, 3, SEEK_SET);
	CALL(read, f, P(out), 7);
	CALL(pread64, f, P(out), 9, 2);
	CALL(readv, f, P(iov), 2);
	CALL(fstat, f, P(&st));
	CALL(newfstatat, d, P("calls.d/file"), P(&st), 0);
	CALL(faccessat, d, P("calls.d/file"), R_OK);
	CALL(fchmod, f, 0600);
	CALL(fchmodat, d, P("calls.d/file"), 0644);
	CALL(ftruncate, f, 4096);
	CALL(fallocate, f, 0, 0, 8192);
	CALL(fsync, f);
	CALL(fdatasync, f);
	CALL(flock, f, 2);
	CALL(fcntl, f, F_GETFL);
	g = (int)CALL(dup, f);
	CALL(dup3, f, 77, O_CLOEXEC);
	CALL(close, 77);
	CALL(close, g);
	CALL(linkat, d, P("calls.d/file"), d, P("calls.d/hard"), 0);
	CALL(symlinkat, P("file"), d, P("calls.d/soft"));
	CALL(readlinkat, d, P("calls.d/soft"), P(out), sizeof(out));
	CALL(renameat2, d, P("calls.d/hard"), d, P("calls.d/name"), 0);
	CALL(unlinkat, d, P("calls.d/name"), 0);
	CALL(unlinkat, d, P("calls.d/soft"), 0);
	CALL(unlinkat, d, P("calls.d/file"), 0);
	CALL(getdents64, d, P(out), sizeof(out));
	CALL(unlinkat, d, P("calls.d"), AT_REMOVEDIR);
	CALL(close, f);
	CALL(close, d);
	CALL(pipe2, P(fds), O_CLOEXEC);
	CALL(close, fds[0]);
	CALL(close, fds[1]);
	CALL(getcwd, P(out), sizeof(out));
	CALL(chdir, P(dir));
	CALL(umask, 027);
}

static void memory(void)
{
	long p = CALL(mmap, 0, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CALL(mprotect, p, 4096, PROT_READ);
	CALL(madvise, p, 8192, MADV_DONTNEED);
	CALL(mremap, p, 16384, 8192, 0);
	CALL(munmap, p, 8192);
	CALL(memfd_create, P("calls"), MFD_CLOEXEC);
}

static void sockets(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct sockaddr_un peer;
	socklen_t len = sizeof(peer);
	char buf[64] = "hello";
	int s, c, a, pair[2], on = 1;

	snprintf(sa.sun_path + 1, sizeof(sa.sun_path) - 1, "ph-load-%d", getpid());
	s = (int)CALL(socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CALL(setsockopt, s, SOL_SOCKET, SO_REUSEADDR, P(&on), sizeof(on));
	CALL(bind, s, P(&sa), sizeof(sa));
	CALL(listen, s, 5);
	c = (int)CALL(socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CALL(connect, c, P(&sa), sizeof(sa));
	a = (int)CALL(accept4, s, 0, 0, SOCK_CLOEXEC);
	CALL(sendto, c, P(buf), 5, 0, 0, 0);
	CALL(recvfrom, a, P(buf), sizeof(buf), 0, 0, 0);
	CALL(getsockname, s, P(&peer), P(&len));
	CALL(shutdown, c, SHUT_RDWR);
	CALL(socketpair, AF_UNIX, SOCK_DGRAM, 0, P(pair));
	CALL(close, pair[0]);
	CALL(close, pair[1]);
	CALL(close, a);
	CALL(close, c);
	CALL(close, s);
}

static void waiting(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct itimerspec it = { .it_value.tv_nsec = 1000000 };
	struct timespec ts = { .tv_nsec = 1000000 };
	struct pollfd pfd = { .fd = 0, .events = 0 };
	uint64_t v = 1;
	int e, ep, t;

	e = (int)CALL(eventfd2, 3, EFD_CLOEXEC);
	ep = (int)CALL(epoll_create1, EPOLL_CLOEXEC);
	CALL(epoll_ctl, ep, EPOLL_CTL_ADD, e, P(&ev));
	CALL(epoll_pwait, ep, P(&ev), 1, 10, 0, 8);
	CALL(read, e, P(&v), 8);
	t = (int)CALL(timerfd_create, CLOCK_MONOTONIC, TFD_CLOEXEC);
	CALL(timerfd_settime, t, 0, P(&it), 0);
	CALL(read, t, P(&v), 8);
	CALL(ppoll, P(&pfd), 1, P(&ts), 0, 8);
	CALL(nanosleep, P(&ts), 0);
	CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, P(&ts), 0);
	CALL(clock_gettime, CLOCK_MONOTONIC_COARSE, P(&ts));
	CALL(close, t);
	CALL(close, ep);
	CALL(close, e);
}

static void process(void)
{
	struct rlimit rl;
	struct utsname un;
	cpu_set_t cpus;
	sigset_t set;
	char buf[32];
	int status;
	pid_t pid;

	CALL(getpid, 0);
	CALL(getuid, 0);
	CALL(uname, P(&un));
	CALL(prctl, PR_SET_NAME, P("calls-test"));
	CALL(prlimit64, 0, RLIMIT_NOFILE, 0, P(&rl));
	CALL(sched_getaffinity, 0, sizeof(cpus), P(&cpus));
	CALL(sched_yield, 0);
	CALL(setpriority, PRIO_PROCESS, 0, 5);
	CALL(getrandom, P(buf), 16, 0);
	memset(&set, 0, sizeof(set));
	CALL(rt_sigprocmask, SIG_BLOCK, P(&set), 0, 8);
	CALL(kill, getpid(), 0);
	pid = fork();
	if (!pid)
		_exit(7);
	CALL(wait4, pid, P(&status), 0, 0);
}

int load_calls(int argc, char **argv)
{
	files(arg_str(argc, argv, 1, "/tmp"));
	memory();
	sockets();
	waiting();
	process();
	for (int i = 0; i < ndone; i++) {
		printf("call=%s ret=%ld errno=%s", done[i].name, done[i].ret,
		       done[i].err ? strerrorname_np(done[i].err) : "0");
		for (int j = 0; j < done[i].nargs; j++)
			printf(" a%d=%ld", j, done[i].arg[j]);
		putchar('\n');
	}
	printf("load=calls n=%d\n", ndone);
	return 0;
}
