/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls with every kind of argument, good and bad, from threads and children: what another
 * tracer is compared with. Nothing is checked here; what counts is what both saw.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "load/load.h"

/* As the kernel takes it: without the C library's own checks and changes. */
#define CALL(name, ...) syscall(SYS_##name, ##__VA_ARGS__)
#define BAD ((void *)1)
#define HOLE ((void *)0xdead00000000)

/* @text at the very end of a page behind which there is nothing. */
static char *at_the_edge(const char *text, size_t len)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(p + 4096, 4096);
	return memcpy(p + 4096 - len, text, len);
}

static char *long_path(size_t len)
{
	char *p = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		p[i] = i % 50 ? (char)('a' + i % 26) : '/';
	p[len] = 0;
	return p;
}

static void paths(void)
{
	static const char *const odd[] = {
		"/tmp/k\303\244se-\346\227\245\346\234\254", "/tmp/\033[31mred\n\t\"quoted\\", "\377\376\200", "",
		".", "/proc/self/fd/", "a//b/../c",
	};
	struct stat st;
	char out[128];
	int d, f;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		CALL(openat, AT_FDCWD, odd[i], O_RDONLY, 0);
		CALL(faccessat2, -1, odd[i], R_OK | X_OK, AT_EACCESS);
	}
	for (size_t len = 254; len <= 258; len++)
		CALL(openat, AT_FDCWD, long_path(len), O_PATH, 0);
	CALL(openat, AT_FDCWD, long_path(4095), O_RDONLY, 0);
	CALL(openat, AT_FDCWD, long_path(5000), O_RDONLY, 0);
	CALL(openat, AT_FDCWD, NULL, O_RDONLY, 0);
	CALL(openat, AT_FDCWD, BAD, O_RDONLY, 0);
	CALL(openat, AT_FDCWD, HOLE, O_RDONLY, 0);
	CALL(openat, AT_FDCWD, -1L, O_RDONLY, 0);
	CALL(openat, AT_FDCWD, at_the_edge("/no/edge", 9), O_RDONLY, 0);
	CALL(openat, AT_FDCWD, at_the_edge("/no/end-of-it", 13), O_RDONLY, 0);

	d = (int)CALL(openat, AT_FDCWD, "/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0);
	f = (int)CALL(openat, d, "file", O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NONBLOCK, 04755);
	CALL(openat, d, "file", O_WRONLY | O_CREAT | O_EXCL, 0777);
	CALL(openat, d, "file", ~0, -1);
	CALL(openat, d, ".", O_TMPFILE | O_RDWR, 0600);
	CALL(mkdirat, d, "dir", 01777);
	CALL(mknodat, d, "fifo", S_IFIFO | 0622, 0);
	CALL(mknodat, d, "device", S_IFCHR | 0600, 0xffffffff);
	CALL(symlinkat, "file", d, "link");
	CALL(linkat, d, "file", d, "hard", AT_SYMLINK_FOLLOW);
	CALL(readlinkat, d, "link", out, sizeof(out));
	CALL(readlinkat, d, "link", out, 2);
	CALL(readlinkat, d, "file", out, sizeof(out));
	CALL(readlinkat, d, "link", BAD, sizeof(out));
	CALL(newfstatat, d, "file", &st, AT_SYMLINK_NOFOLLOW);
	CALL(newfstatat, f, "", &st, AT_EMPTY_PATH);
	CALL(newfstatat, d, "file", BAD, 0);
	CALL(statx, d, "file", AT_STATX_DONT_SYNC, 0x7ff, out);
	CALL(renameat2, d, "hard", d, "soft", RENAME_NOREPLACE);
	CALL(fchmodat, d, "file", 0644);
	CALL(fchownat, d, "file", -1, -1, AT_SYMLINK_NOFOLLOW);
	CALL(fchmod, f, 06777);
	CALL(fchown, f, 0, 0);
	CALL(utimensat, d, "file", (struct timespec[2]){ { 1, 2 }, { -3, UTIME_OMIT } }, 0);
	CALL(truncate, "/tmp/file", 5000000000L);
	CALL(truncate, "/tmp/file", -1L);
	CALL(ftruncate, f, 100L);
	CALL(setxattr, "/tmp/file", "trusted.x", "a\0b\377", 4L, 1);
	CALL(getxattr, "/tmp/file", "trusted.x", out, sizeof(out));
	CALL(getxattr, "/tmp/file", "trusted.none", out, 0L);
	CALL(listxattr, "/tmp/file", out, sizeof(out));
	CALL(removexattr, "/tmp/file", "trusted.x");
	CALL(unlinkat, d, "soft", 0);
	CALL(unlinkat, d, "dir", 0);
	CALL(unlinkat, d, "dir", AT_REMOVEDIR);
	CALL(statfs, "/tmp", BAD);
	CALL(chdir, "/nowhere");
	CALL(fchdir, d);
	CALL(getcwd, out, sizeof(out));
	CALL(getcwd, out, 1L);
	CALL(chroot, "/nowhere");
	CALL(mount, "none", "/nowhere", "tmpfs", 0xc0ed0000 | 1, "size=1m");
	CALL(mount, NULL, "/nowhere", NULL, 1L << 14, NULL);
	CALL(umount2, "/nowhere", 8);
	CALL(name_to_handle_at, d, "file", BAD, out, 0);
	CALL(inotify_init1, O_CLOEXEC);
	CALL(inotify_add_watch, -1, "/tmp/file", 0xfff);
	CALL(memfd_create, "a memory file", 1);
#ifdef __x86_64__
	CALL(open, "/tmp/file", O_RDWR | O_DSYNC, 0);
	CALL(stat, "/tmp/file", &st);
	CALL(lstat, "/tmp/link", &st);
	CALL(access, "/tmp/none", F_OK);
	CALL(rename, "/tmp/file", "/tmp/other");
	CALL(unlink, "/tmp/other");
	CALL(readlink, "/tmp/link", out, 100);
	CALL(chmod, "/tmp/none", 07777);
	CALL(chown, "/tmp/none", 1, -2);
	CALL(mkdir, "/tmp/made", -1);
	CALL(rmdir, "/tmp/made");
	CALL(symlink, "to", "/tmp/from");
	CALL(link, "/tmp/none", "/tmp/to");
	CALL(creat, "/tmp/fifo/x", 0444);
#endif
}

static void data(void)
{
	char big[5000], out[5000];
	struct iovec iov[3] = { { NULL, 0 }, { big, 7 }, { big + 100, 3000 } };
	struct iovec wrong[2] = { { BAD, 5 }, { big, 5 } };
	struct flock lock = { .l_type = F_WRLCK, .l_start = 10, .l_len = 20 };
	long off = 5;
	int fds[2], f, g, n;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	f = (int)CALL(openat, AT_FDCWD, "/tmp/data", O_RDWR | O_CREAT, 0600);
	for (size_t len = 30; len <= 34; len++)
		CALL(write, f, big, len);
	CALL(write, f, big, sizeof(big));
	CALL(write, f, big, 0L);
	CALL(write, f, NULL, 0L);
	CALL(write, f, BAD, 10L);
	CALL(write, f, at_the_edge("edge", 4), 4L);
	CALL(write, f, at_the_edge("edge", 4), 40L);
	CALL(write, -1, big, 10L);
	CALL(write, 77, big, -1L);
	CALL(pwrite64, f, big, 10L, 1L << 40);
	CALL(pwrite64, f, big, 10L, -1L);
	CALL(pread64, f, out, 12L, 3L);
	CALL(lseek, f, -10L, SEEK_END);
	CALL(lseek, f, -10L, SEEK_SET);
	CALL(lseek, f, 0L, 99);
	CALL(lseek, f, 0L, SEEK_SET);
	CALL(read, f, out, 33L);
	CALL(read, f, out, 5000L);
	CALL(read, f, BAD, 10L);
	CALL(read, -7, out, 10L);
	CALL(read, f, out, 0L);
	CALL(writev, f, iov, 3L);
	CALL(writev, f, wrong, 2L);
	CALL(writev, f, BAD, 2L);
	CALL(writev, f, iov, -1L);
	CALL(pwritev, f, iov, 3L, 10L, 0L);
	CALL(preadv, f, iov, 3L, 0L, 0L);
	CALL(preadv2, f, iov, 3L, -1L, -1L, 1);
	CALL(readv, f, iov, 0L);
	g = (int)CALL(openat, AT_FDCWD, "/tmp/more", O_RDWR | O_CREAT, 0600);
	CALL(sendfile, g, f, &off, 100L);
	CALL(sendfile, g, f, NULL, 100L);
	CALL(copy_file_range, f, NULL, g, &off, 50L, 0);
	CALL(fallocate, g, 3, 4096L, 1L << 33);
	CALL(fadvise64, g, 0L, 0L, 4);
	CALL(sync_file_range, g, 0L, 10L, 7);
	CALL(fsync, g);
	CALL(fdatasync, -1);
	CALL(flock, g, 6);
	CALL(dup, g);
	CALL(dup, -1);
	CALL(dup3, g, 100, O_CLOEXEC);
	CALL(dup3, g, g, 0);
	CALL(fcntl, g, F_DUPFD_CLOEXEC, 200L);
	CALL(fcntl, g, F_SETFD, 1L);
	CALL(fcntl, g, F_SETFL, (long)O_APPEND);
	CALL(fcntl, g, F_SETLK, &lock);
	CALL(fcntl, g, 0x7fffffff, -1L);
	CALL(ioctl, g, 0x541b, &n);
	CALL(ioctl, g, 0xffffffff, -1L);
	CALL(ioctl, -1, 0x5401, out);
	CALL(pipe2, fds, O_NONBLOCK | O_CLOEXEC);
	CALL(pipe2, BAD, 0);
	CALL(read, fds[0], out, 1L);
	CALL(splice, f, &off, fds[1], NULL, 20L, 1);
	CALL(tee, fds[0], fds[1], 10L, 2);
	CALL(vmsplice, fds[1], iov, 3L, 0);
	CALL(close, fds[0]);
	CALL(close, fds[0]);
	CALL(close, -1);
	CALL(close_range, 1000, 2000, 4);
	CALL(getdents64, f, out, 100);
#ifdef __x86_64__
	CALL(pipe, fds);
	CALL(dup2, g, 150);
	CALL(dup2, -1, -1);
#endif
}

static int sock_pair[2];

static void addresses(void)
{
	struct sockaddr_in in = { AF_INET, htons(80), { htonl(INADDR_LOOPBACK) }, { 0 } };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(65535),
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT, .sin6_scope_id = 3 };
	struct sockaddr_un un = { AF_UNIX, "/tmp/a socket" }, ab = { AF_UNIX, "\0abstract" };
	struct sockaddr_un full = { .sun_family = AF_UNIX };
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_pid = 12, .nl_groups = 0x80 };
	struct sockaddr_storage got;
	char buf[600], name[64];
	struct iovec iov[2] = { { "one", 3 }, { "two", 3 } }, in_iov = { buf, sizeof(buf) };
	struct msghdr m = { &un, sizeof(un), iov, 2, NULL, 0, 0 };
	struct msghdr r = { &got, sizeof(got), &in_iov, 1, NULL, 0, 0 };
	struct mmsghdr mm[2] = { { m, 0 }, { m, 0 } };
	socklen_t len;
	int s, t, one = 1;

	memset(full.sun_path, 'x', sizeof(full.sun_path));
	s = (int)CALL(socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	CALL(connect, s, &in, sizeof(in));
	CALL(connect, s, &in, 2);
	CALL(connect, s, &in, 0);
	CALL(connect, s, &in, -1);
	CALL(connect, s, BAD, sizeof(in));
	CALL(connect, s, NULL, sizeof(in));
	CALL(connect, s, at_the_edge((char *)&in, sizeof(in)), sizeof(in));
	CALL(connect, s, at_the_edge((char *)&in, sizeof(in)), 100);
	in.sin_family = AF_UNSPEC;
	CALL(connect, s, &in, sizeof(in));
	in.sin_family = AF_INET;
	in.sin_addr.s_addr = 0;
	in.sin_port = 0;
	CALL(bind, s, &in, sizeof(in));
	CALL(listen, s, -1);
	len = sizeof(got);
	CALL(getsockname, s, &got, &len);
	CALL(getpeername, s, &got, &len);
	CALL(getsockname, s, &got, NULL);
	CALL(accept4, s, &got, &len, SOCK_CLOEXEC);
	CALL(setsockopt, s, SOL_SOCKET, SO_REUSEADDR, &one, 4);
	CALL(setsockopt, s, IPPROTO_TCP, 1, &one, 4);
	CALL(setsockopt, s, -1, -1, BAD, -1);
	len = 4;
	CALL(getsockopt, s, SOL_SOCKET, SO_TYPE, &one, &len);
	CALL(getsockopt, -1, 1, 3, &one, &len);
	CALL(shutdown, s, SHUT_WR);
	s = (int)CALL(socket, AF_INET6, SOCK_DGRAM, 0);
	CALL(connect, s, &in6, sizeof(in6));
	CALL(sendto, s, "to", 2L, MSG_DONTWAIT | MSG_NOSIGNAL, &in6, sizeof(in6));
	CALL(sendto, s, "to", 2L, 0, NULL, 0);
	in6.sin6_addr = (struct in6_addr){ { { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff } } };
	CALL(sendto, s, BAD, 2L, -1, &in6, sizeof(in6));
	CALL(recvfrom, s, buf, sizeof(buf), MSG_DONTWAIT, &got, &len);
	s = (int)CALL(socket, AF_UNIX, SOCK_DGRAM, 0);
	t = (int)CALL(socket, AF_UNIX, SOCK_DGRAM, 0);
	CALL(bind, s, &un, sizeof(un));
	CALL(bind, t, &ab, 11);
	CALL(bind, t, &full, sizeof(full));
	CALL(connect, t, &full, sizeof(full));
	CALL(connect, t, &un, sizeof(un) - 20);
	memset(buf, 'm', sizeof(buf));
	CALL(sendto, t, buf, 500L, 0, &un, sizeof(un));
	len = sizeof(got);
	CALL(recvfrom, s, buf, 100L, 0, &got, &len);
	CALL(sendmsg, t, &m, 0);
	CALL(recvmsg, s, &r, MSG_PEEK);
	CALL(recvmsg, s, &r, 0);
	CALL(recvmsg, s, &r, MSG_DONTWAIT);
	CALL(sendmsg, t, BAD, 0);
	CALL(sendmmsg, t, mm, 2, 0);
	CALL(recvmmsg, s, mm, 2, MSG_DONTWAIT, NULL);
	CALL(getsockname, t, &got, &len);
	snprintf(name, sizeof(name), "/tmp/k\303\244se.sock");
	memcpy(un.sun_path, name, sizeof(name));
	CALL(bind, t, &un, 2 + strlen(name) + 1);
	s = (int)CALL(socket, AF_NETLINK, SOCK_RAW, 0);
	CALL(bind, s, &nl, sizeof(nl));
	CALL(socket, -1, -1, -1);
	CALL(socketpair, AF_UNIX, SOCK_STREAM, 0, sock_pair);
	CALL(socketpair, AF_INET, SOCK_STREAM, 0, sock_pair);
}

static void memory(void)
{
	char vec[16], *q;
	long p = CALL(mmap, 0L, 16384L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);

	CALL(mmap, 0L, 0L, 0, 0, 0, 0L);
	CALL(mmap, 12345L, -1L, -1, -1, 5, -1L);
	CALL(mprotect, p, 4096L, PROT_READ | PROT_EXEC);
	CALL(mprotect, 1L, -1L, -1L);
	CALL(madvise, p, 8192L, MADV_DONTNEED);
	CALL(madvise, p, 8192L, -1);
	CALL(mlock, p, 4096L);
	CALL(munlock, p, 4096L);
	CALL(mincore, p, 4096L, vec);
	CALL(msync, p, 4096L, MS_SYNC);
	q = (char *)CALL(mremap, p, 16384L, 8192L, 0L, 0L);
	CALL(mremap, q, 8192L, 65536L, (long)MREMAP_MAYMOVE, 0L);
	CALL(munmap, 1L, 4096L);
	CALL(brk, 0L);
	CALL(brk, -1L);
	CALL(process_vm_readv, getpid(), NULL, 0L, NULL, 0L, 0L);
	CALL(mlockall, 0);
}

static void waits(void)
{
	struct timespec ts = { 0, 1000000 }, bad = { -1, 2000000000 };
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u64 = 0x1122334455667788 }, got[4];
	struct pollfd pfd[3] = { { -1, POLLIN, 0 }, { 1, POLLOUT, 0 }, { 999, POLLIN | POLLPRI, 0 } };
	struct itimerspec it = { { 5, 6 }, { 0, 1 } };
	int e, f, word = 5, timer;
	char buf[8];
	unsigned long set = 1;

	e = (int)CALL(epoll_create1, EPOLL_CLOEXEC);
	f = (int)CALL(eventfd2, 7, O_NONBLOCK);
	CALL(epoll_ctl, e, EPOLL_CTL_ADD, f, &ev);
	CALL(epoll_ctl, e, EPOLL_CTL_ADD, -1, &ev);
	CALL(epoll_ctl, e, 99, f, BAD);
	CALL(epoll_pwait, e, got, 4, 0, NULL, 8L);
	CALL(epoll_pwait, e, got, -1, -1, NULL, 8L);
	CALL(ppoll, pfd, 3L, &ts, NULL, 8L);
	CALL(pselect6, 3, &set, NULL, NULL, &ts, NULL);
	f = (int)CALL(timerfd_create, CLOCK_MONOTONIC, O_CLOEXEC);
	CALL(timerfd_settime, f, TFD_TIMER_ABSTIME, &it, NULL);
	CALL(read, f, buf, 8L);
	CALL(timerfd_gettime, f, &it);
	CALL(nanosleep, &ts, NULL);
	CALL(nanosleep, &bad, &ts);
	CALL(nanosleep, NULL, NULL);
	CALL(clock_nanosleep, CLOCK_MONOTONIC, 0, &ts, NULL);
	CALL(clock_gettime, CLOCK_BOOTTIME, &ts);
	CALL(clock_gettime, -6, &ts);
	CALL(clock_getres, 1234, &ts);
	CALL(timer_create, CLOCK_REALTIME, NULL, &timer);
	CALL(timer_settime, timer, 0, &it, NULL);
	CALL(timer_delete, timer);
	CALL(timer_delete, -1);
	ts = (struct timespec){ 0, 1000 };
	CALL(futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 4, &ts, NULL, 0);
	CALL(futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 5, &ts, NULL, 0);
	CALL(futex, &word, FUTEX_WAKE, -1, NULL, NULL, -1);
	CALL(futex, BAD, FUTEX_WAIT, 0, NULL, NULL, 0);
	CALL(sched_yield);
#ifdef __x86_64__
	CALL(poll, pfd, 3, 1);
	CALL(poll, pfd, -1, 0);
	CALL(epoll_wait, e, got, 4, 0);
	CALL(select, 2, &set, NULL, &set, &(struct timeval){ 0, 10 });
	CALL(gettimeofday, BAD, NULL);
	CALL(time, NULL);
#endif
}

static void identity(void)
{
	struct rlimit rl = { 100, 200 };
	struct __user_cap_header_struct cap = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];
	struct { unsigned int size, policy; unsigned long flags, rest[6]; } attr = { 48, 0, 0, { 0 } };
	gid_t groups[] = { 1, 2, 100000, 4294967294u };
	unsigned long mask = 3;
	struct utsname u;
	int a, b, c;

	CALL(getpid);
	CALL(gettid);
	CALL(getppid);
	CALL(getuid);
	CALL(getpgid, 0);
	CALL(getpgid, -1);
	CALL(getsid, 0x7fffffff);
	CALL(setpgid, 0, 0);
	CALL(setsid);
	CALL(setresuid, -1, -1, -1);
	CALL(setreuid, 0, -1);
	CALL(setgid, 0);
	CALL(getresgid, &a, &b, &c);
	CALL(setgroups, 4, groups);
	CALL(getgroups, 4, groups);
	CALL(setgroups, -1, groups);
	CALL(capget, &cap, caps);
	CALL(capset, &cap, caps);
	CALL(getpriority, PRIO_PROCESS, 0);
	CALL(setpriority, PRIO_PROCESS, 0, -5);
	CALL(setpriority, PRIO_PROCESS, 0, 3);
	CALL(sched_setscheduler, 0, -1, &a);
	CALL(sched_getscheduler, 0);
	CALL(sched_setaffinity, 0, sizeof(mask), &mask);
	CALL(sched_getaffinity, 0, 8L, &mask);
	CALL(sched_getaffinity, -1, 8L, &mask);
	CALL(sched_getattr, 0, &attr, 48, 0);
	CALL(sched_setattr, 0, &attr, 0);
	CALL(prlimit64, 0, RLIMIT_CORE, &rl, &rl);
	CALL(prlimit64, 0, 99, NULL, NULL);
	CALL(getrusage, -1, BAD);
	CALL(umask, 077);
	CALL(uname, &u);
	CALL(sysinfo, BAD);
	CALL(times, NULL);
	CALL(personality, -1);
	CALL(sethostname, "a\0b", 3L);
	CALL(prctl, PR_SET_NAME, "renamed", 1L, -2L, 3L);
	CALL(prctl, -1, -1L, -1L, -1L, -1L);
	CALL(getrandom, &a, 4L, 1);
	CALL(getcpu, &a, NULL, NULL);
	CALL(unshare, 1);
	CALL(setns, -1, -1);
	CALL(keyctl, 0L, -3L, 1L, 0L, 0L);
	CALL(add_key, "user", "of mine", "payload", 7L, -2);
	CALL(bpf, -1, NULL, 0);
	CALL(perf_event_open, BAD, -1, -1, -1, 8L);
	CALL(io_uring_setup, 0, BAD);
	CALL(pidfd_open, getpid(), 0);
	CALL(openat2, AT_FDCWD, "/tmp/none", &(unsigned long[3]){ O_RDWR, 0, 4 }, 24L);
	CALL(rt_sigpending, &mask, 8L);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal }, restart = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct itimerval in = { { 0, 0 }, { 0, 20000 } };
	siginfo_t info = { .si_code = SI_QUEUE, .si_value.sival_int = -9 };
	unsigned long set = 1ul << (SIGUSR2 - 1);
	int fds[2];
	pid_t pid;
	char c;

	sigaction(SIGALRM, &sa, NULL);
	CALL(kill, getpid(), 0);
	CALL(kill, -0x7fffffff, SIGTERM);
	CALL(kill, getpid(), 99);
	CALL(rt_sigprocmask, SIG_BLOCK, &set, NULL, 8L);
	CALL(tgkill, getpid(), gettid(), SIGUSR2);
	CALL(tkill, gettid(), 0);
	CALL(rt_sigtimedwait, &set, &info, &(struct timespec){ 1, 0 }, 8L);
	info = (siginfo_t){ .si_code = SI_QUEUE };
	CALL(rt_sigqueueinfo, getpid(), SIGALRM, &info);
	CALL(signalfd4, -1, &set, 8L, O_CLOEXEC);
	CALL(sigaltstack, NULL, BAD);
	CALL(rt_sigaction, SIGKILL, BAD, NULL, 8L);
	CALL(rt_sigaction, -1, NULL, NULL, 3L);
	/* Interrupted: fails, is begun again, and goes on by restart_syscall. */
	CALL(setitimer, ITIMER_REAL, &in, NULL);
	CALL(rt_sigsuspend, &set, 8L);
	CALL(setitimer, ITIMER_REAL, &in, NULL);
	CALL(nanosleep, &(struct timespec){ 5, 0 }, &(struct timespec){ 0, 0 });
	sigaction(SIGALRM, &restart, NULL);
	CALL(pipe2, fds, 0);
	pid = fork();
	if (!pid) {
		CALL(nanosleep, &(struct timespec){ 0, 100000000 }, NULL);
		CALL(write, fds[1], "x", 1L);
		CALL(exit_group, 3);
	}
	CALL(setitimer, ITIMER_REAL, &in, NULL);
	CALL(read, fds[0], &c, 1L);
	CALL(wait4, pid, NULL, 0, NULL);
}

static void *thread(void *arg)
{
	long n = (long)arg;
	char buf[40];

	for (int i = 0; i < 5; i++) {
		snprintf(buf, sizeof(buf), "/tmp/thread-%ld-%d", n, i);
		CALL(openat, (int)-n, buf, O_RDONLY, (int)n);
		CALL(write, sock_pair[0], buf, strlen(buf));
		CALL(lseek, sock_pair[1], n << 32, i);
	}
	return NULL;
}

static void children(void)
{
	char *args[] = { "ph-load", "sleep", "1ms", "k\303\244se", "", NULL }, *env[] = { "A=b", NULL };
	struct clone_args ca = { .flags = CLONE_FS | CLONE_FILES, .exit_signal = SIGCHLD };
	pthread_t t[3];
	siginfo_t info;
	int status;
	pid_t pid;

	for (long i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, thread, (void *)(i + 1));
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);

	CALL(execve, "/nowhere", args, env);
	CALL(execve, BAD, args, env);
	CALL(execve, "/tmp", BAD, NULL);
	CALL(execveat, -1, "nothing", args, env, AT_EMPTY_PATH);
	pid = vfork();
	if (!pid) {
		CALL(execve, "/proc/self/exe", args, env);
		_exit(9);
	}
	CALL(wait4, pid, &status, 0, NULL);
	pid = (pid_t)CALL(clone3, &ca, sizeof(ca));
	if (!pid)
		CALL(exit, -1);
	CALL(waitid, P_PID, pid, &info, WEXITED, NULL);
	CALL(clone3, BAD, sizeof(ca));
	CALL(clone3, &ca, -1L);
	pid = (pid_t)CALL(clone, SIGCHLD | CLONE_PARENT_SETTID, 0L, &status, 0L, 0L);
	if (!pid) {
		CALL(kill, getpid(), SIGKILL);
		_exit(0);
	}
	CALL(wait4, -1, &status, __WALL, NULL);
	CALL(wait4, -1, &status, WNOHANG, NULL);
	CALL(clone, -1L, 0L, 0L, 0L, 0L);
}

int load_kinds(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	paths();
	data();
	addresses();
	memory();
	waits();
	identity();
	signals();
	children();
	CALL(exit_group, 0x1234567);
	return 0;
}
