/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One wait each: for a pipe, a socket, a lock, a child … and what a trace must say of it, as JSON in
 * the fields' names. What is said of files and sockets comes from fstat and getsockname.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "load/load.h"

#define PORT 7003

/* What is to be waited for comes after this. */
static void pause_a_moment(void)
{
	nanosleep(&(struct timespec){ 0, 60000000 }, NULL);
}

/* What the trace must say: of the call, */
static void expect(long nr, bool compat, unsigned long a, unsigned long b, unsigned long c)
{
	printf("expect={\"comm\":\"waiter\",\"nr\":%ld,\"compat\":%d,\"arg0\":%lu,\"arg1\":%lu,\"arg2\":%lu", nr,
	       compat, a, b, c);
}

/* of the file that it works on, and of its socket. */
static void expect_file(int fd)
{
	struct stat st = { 0 };

	if (fd >= 0 && fstat(fd, &st))
		die("fstat");
	printf(",\"fd\":%d,\"mode\":%u,\"dev\":%u,\"ino\":%lu", fd, st.st_mode & S_IFMT,
	       major(st.st_dev) << 20 | minor(st.st_dev), (unsigned long)st.st_ino);
}

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static void expect_end(const char *name, int (*get)(int, struct sockaddr *, socklen_t *), int fd, bool v6)
{
	union address a = { 0 };
	socklen_t len = sizeof(a);
	char text[INET6_ADDRSTRLEN];

	/* One that is not connected has no peer: all zeros. */
	if (get(fd, &a.sa, &len) && errno != ENOTCONN)
		die("getsockname");
	if (v6)
		inet_ntop(AF_INET6, &a.in6.sin6_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET, &a.in.sin_addr, text, sizeof(text));
	printf(",\"%cport\":%u,\"%caddr\":\"%s\"", *name, ntohs(v6 ? a.in6.sin6_port : a.in.sin_port), *name,
	       text);
}

static void expect_no_socket(void)
{
	printf(",\"family\":0,\"protocol\":0,\"sport\":0,\"dport\":0,\"saddr\":\"\",\"daddr\":\"\",\"peer_ino\":0}\n");
}

static void expect_inet(int fd, int protocol, bool v6)
{
	printf(",\"family\":%d,\"protocol\":%d", v6 ? AF_INET6 : AF_INET, protocol);
	expect_end("source", getsockname, fd, v6);
	expect_end("dest", getpeername, fd, v6);
	printf(",\"peer_ino\":0}\n");
}

static void expect_unix(int peer)
{
	struct stat st = { 0 };

	if (peer >= 0 && fstat(peer, &st))
		die("fstat");
	printf(",\"family\":%d,\"protocol\":0,\"sport\":0,\"dport\":0,\"saddr\":\"\",\"daddr\":\"\",\"peer_ino\":%lu}\n",
	       AF_UNIX, (unsigned long)st.st_ino);
}

static char buf[16];

static void later_write(int fd)
{
	if (fork())
		return;
	pause_a_moment();
	if (write(fd, "x", 1) != 1)
		die("write");
	_exit(0);
}

static void wait_pipe(void)
{
	int p[2];

	if (pipe(p))
		die("pipe");
	later_write(p[1]);
	expect(SYS_read, false, (unsigned long)p[0], (unsigned long)buf, 7);
	expect_file(p[0]);
	expect_no_socket();
	syscall(SYS_read, p[0], buf, 7);
}

static void wait_unix(void)
{
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
		die("socketpair");
	later_write(s[1]);
	expect(SYS_recvfrom, false, (unsigned long)s[0], (unsigned long)buf, 7);
	expect_file(s[0]);
	expect_unix(s[1]);
	syscall(SYS_recvfrom, s[0], buf, 7, 0, NULL, NULL);
}

static socklen_t loopback(union address *a, bool v6)
{
	memset(a, 0, sizeof(*a));
	if (v6) {
		a->in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(PORT),
						.sin6_addr = IN6ADDR_LOOPBACK_INIT };
		return sizeof(a->in6);
	}
	a->in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(PORT),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return sizeof(a->in);
}

static int bound(int type, bool v6)
{
	union address a;
	socklen_t len = loopback(&a, v6);
	int fd = socket(v6 ? AF_INET6 : AF_INET, type, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) ||
	    bind(fd, &a.sa, len))
		die("bind on the loopback device");
	return fd;
}

static void receive(int fd, int protocol, bool v6)
{
	expect(SYS_recvfrom, false, (unsigned long)fd, (unsigned long)buf, 7);
	expect_file(fd);
	expect_inet(fd, protocol, v6);
	syscall(SYS_recvfrom, fd, buf, 7, 0, NULL, NULL);
}

static void connected(bool v6)
{
	int l = bound(SOCK_STREAM, v6), c = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0), a;
	union address to;
	socklen_t len = loopback(&to, v6);

	if (listen(l, 1) || connect(c, &to.sa, len) || (a = accept(l, NULL, NULL)) < 0)
		die("tcp");
	later_write(c);
	receive(a, IPPROTO_TCP, v6);
}

static void wait_tcp(void) { connected(false); }
static void wait_tcp6(void) { connected(true); }

static void wait_udp(void)
{
	int to = bound(SOCK_DGRAM, false), from = socket(AF_INET, SOCK_DGRAM, 0);
	union address a;
	socklen_t len = loopback(&a, false);

	if (connect(from, &a.sa, len))
		die("connect");
	later_write(from);
	receive(to, IPPROTO_UDP, false);
}

static void wait_accept(void)
{
	int l = bound(SOCK_STREAM, false), c;
	union address a;
	socklen_t len = loopback(&a, false);

	if (listen(l, 1))
		die("listen");
	if (!fork()) {
		pause_a_moment();
		c = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(c, &a.sa, len))
			die("connect");
		_exit(0);
	}
	expect(SYS_accept4, false, (unsigned long)l, 0, 0);
	expect_file(l);
	expect_inet(l, IPPROTO_TCP, false);
	syscall(SYS_accept4, l, NULL, NULL, 0);
}

static void expect_plain(long nr, unsigned long a, unsigned long b, unsigned long c)
{
	expect(nr, false, a, b, c);
	expect_file(-1);
	expect_no_socket();
}

static void wait_futex(void)
{
	int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*word = 5;
	if (!fork()) {
		pause_a_moment();
		syscall(SYS_futex, word, FUTEX_WAKE, 1);
		_exit(0);
	}
	expect_plain(SYS_futex, (unsigned long)word, FUTEX_WAIT, 5);
	syscall(SYS_futex, word, FUTEX_WAIT, 5, NULL, NULL, 0);
}

static void wait_sleep(void)
{
	struct timespec t = { 0, 60000000 }, left;

	expect_plain(SYS_nanosleep, (unsigned long)&t, (unsigned long)&left, 3);
	syscall(SYS_nanosleep, &t, &left, 3);
}

static void wait_child(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		pause_a_moment();
		_exit(0);
	}
	expect_plain(SYS_wait4, (unsigned long)pid, (unsigned long)&status, 0);
	syscall(SYS_wait4, pid, &status, 0, NULL);
}

static void wait_poll(void)
{
	struct pollfd p = { .events = POLLIN };
	int fd[2];

	if (pipe(fd))
		die("pipe");
	p.fd = fd[0];
	later_write(fd[1]);
	expect_plain(SYS_ppoll, (unsigned long)&p, 1, 0);
	syscall(SYS_ppoll, &p, 1, NULL, NULL, 0);
}

/* The descriptor is that of the set. */
static void wait_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd[2], ep = epoll_create1(0);

	if (pipe(fd) || epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &ev))
		die("epoll_ctl");
	later_write(fd[1]);
	expect(SYS_epoll_pwait, false, (unsigned long)ep, (unsigned long)&ev, 1);
	expect_file(ep);
	expect_no_socket();
	syscall(SYS_epoll_pwait, ep, &ev, 1, -1, NULL, 0);
}

/* A page that nobody brings for a while, touched in user mode. */
static void wait_fault(void)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .range = { (unsigned long)p, 4096 },
				       .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_zeropage zero = { .range = reg.range };

	if (fd < 0) {
		printf("unavailable=%d\n", errno);
		return;
	}
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg))
		die("userfaultfd");
	/* It has the descriptor, which speaks of our memory. */
	if (!fork()) {
		pause_a_moment();
		if (ioctl(fd, UFFDIO_ZEROPAGE, &zero))
			die("UFFDIO_ZEROPAGE");
		_exit(0);
	}
	expect_plain(-1, 0, 0, 0);
	*(volatile char *)p = 1;
}

#if defined(__x86_64__)
/* read, as a 32-bit program calls it. */
static void wait_compat(void)
{
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int p[2];
	long r;

	if (pipe(p) || low == MAP_FAILED)
		die("pipe");
	later_write(p[1]);
	expect(3, true, (unsigned long)p[0], (unsigned long)low, 7);
	expect_file(p[0]);
	expect_no_socket();
	asm volatile("int $0x80" : "=a"(r) : "a"(3), "b"(p[0]), "c"(low), "d"(7)
		     : "memory", "r8", "r9", "r10", "r11");
	if (r != 1)
		printf("unavailable=%ld\n", -r);
}
#endif

int load_wait(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} waits[] = {
		{ "pipe", wait_pipe }, { "unix", wait_unix }, { "tcp", wait_tcp }, { "tcp6", wait_tcp6 },
		{ "udp", wait_udp }, { "accept", wait_accept }, { "futex", wait_futex }, { "sleep", wait_sleep },
		{ "child", wait_child }, { "poll", wait_poll }, { "epoll", wait_epoll }, { "fault", wait_fault },
#if defined(__x86_64__)
		{ "compat", wait_compat },
#endif
	};
	const char *what = arg_str(argc, argv, 1, "");

	prctl(PR_SET_NAME, "waiter");
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		if (!strcmp(waits[i].name, what)) {
			waits[i].fn();
			wait(NULL);
			return 0;
		}
	fprintf(stderr, "ph-load wait: there is no wait '%s':", what);
	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
		fprintf(stderr, " %s", waits[i].name);
	fputc('\n', stderr);
	return 2;
}
