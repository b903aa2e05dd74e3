/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Causes of single network events on the loopback device, with known ports and sizes. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/load.h"

#define SERVER 7001
#define CLIENT 7002
#define PATIENCE_MS 30000

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t loopback(union address *a, bool v6, uint16_t port)
{
	memset(a, 0, sizeof(*a));
	if (v6) {
		a->in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port),
						.sin6_addr = IN6ADDR_LOOPBACK_INIT };
		return sizeof(a->in6);
	}
	a->in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	return sizeof(a->in);
}

static int bound(int type, bool v6, uint16_t port)
{
	union address a;
	socklen_t len = loopback(&a, v6, port);
	int fd = socket(v6 ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) ||
	    bind(fd, &a.sa, len))
		die("bind on the loopback device");
	return fd;
}

static void udp(bool v6)
{
	int to = bound(SOCK_DGRAM, v6, SERVER), from = bound(SOCK_DGRAM, v6, CLIENT);
	union address a;
	socklen_t len = loopback(&a, v6, SERVER);
	char b[100] = "";

	if (sendto(from, b, sizeof(b), 0, &a.sa, len) != sizeof(b) || recv(to, b, sizeof(b), 0) != sizeof(b))
		die("udp");
}

static void tcp(bool v6, bool reset)
{
	int l = bound(SOCK_STREAM, v6, SERVER), c = bound(SOCK_STREAM, v6, CLIENT), a;
	struct linger none = { .l_onoff = 1 };
	union address to;
	socklen_t len = loopback(&to, v6, SERVER);
	char text[] = "bytes";

	if (listen(l, 1) || connect(c, &to.sa, len) || (a = accept(l, NULL, NULL)) < 0)
		die("tcp");
	if (reset)
		setsockopt(c, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	else if (write(c, text, 5) != 5 || read(a, text, 5) != 5 || write(a, text, 3) != 3 || read(c, text, 3) != 3)
		die("tcp data");
	close(c);
	close(a);
	close(l);
}

/* Handling a packet is one RCU read section: whatever was begun is done. (Kernels with nohz_full have no such call.) */
static void interrupts_over(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) && errno != EINVAL && errno != ENOSYS)
		die("membarrier");
}

/* A connection gets into its listener's queue by an interrupt, which a busy CPU leaves to ksoftirqd: until it is there. */
static void wait_readable(int l)
{
	struct pollfd p = { .fd = l, .events = POLLIN };

	if (poll(&p, 1, PATIENCE_MS) != 1)
		die("nothing came in");
	interrupts_over();
}

/* The queue holds one; the second client is dropped, and sends its SYN again after a second: until it did. */
static void unanswered(void)
{
	int l = bound(SOCK_STREAM, false, SERVER), c = bound(SOCK_STREAM, false, CLIENT), d;
	union address to;
	socklen_t len = loopback(&to, false, SERVER);
	struct tcp_info info = { 0 };

	if (listen(l, 0) || connect(c, &to.sa, len))
		die("unanswered");
	wait_readable(l);
	d = bound(SOCK_STREAM, false, CLIENT + 1);
	fcntl(d, F_SETFL, O_NONBLOCK);
	if (connect(d, &to.sa, len) != -1 || errno != EINPROGRESS)
		die("unanswered");
	nanosleep(&(struct timespec){ 1, 0 }, NULL);
	for (int i = 0; !info.tcpi_total_retrans; i++) {
		if (i == PATIENCE_MS / 10)
			die("nothing was sent again");
		nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
		len = sizeof(info);
		if (getsockopt(d, IPPROTO_TCP, TCP_INFO, &info, &len))
			die("unanswered");
	}
}

/* How often a listener of this network namespace had no room, as the kernel counts it: a line of names, one of values. */
static unsigned long overflows(void)
{
	char names[8192], values[8192], *n, *v, *nsave, *vsave;
	FILE *f = fopen("/proc/net/netstat", "re");

	if (!f || !fgets(names, sizeof(names), f) || !fgets(values, sizeof(values), f))
		die("/proc/net/netstat");
	fclose(f);
	n = strtok_r(names, " ", &nsave);
	v = strtok_r(values, " ", &vsave);
	while (n && v && strcmp(n, "ListenOverflows")) {
		n = strtok_r(NULL, " ", &nsave);
		v = strtok_r(NULL, " ", &vsave);
	}
	return n && v ? strtoul(v, NULL, 10) : 0;
}

/* Both handshakes wait for the first byte; the queue holds one, the other's byte is dropped. */
static void overflow(void)
{
	int l = bound(SOCK_STREAM, false, SERVER), c = bound(SOCK_STREAM, false, CLIENT + 1);
	int d = bound(SOCK_STREAM, false, CLIENT + 2);
	union address to;
	socklen_t len = loopback(&to, false, SERVER);

	if (setsockopt(l, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){ 5 }, sizeof(int)) || listen(l, 0) ||
	    connect(c, &to.sa, len) || connect(d, &to.sa, len) || send(c, "c", 1, 0) != 1)
		die("overflow");
	wait_readable(l);
	if (send(d, "d", 1, 0) != 1)
		die("overflow");
	for (int i = 0; !overflows(); i++) {
		if (i == PATIENCE_MS)
			die("nothing was dropped");
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	interrupts_over();
}

/* A connection that is accepted 200 ms late: how long it was there at least and at most. */
static void late(void)
{
	int l = bound(SOCK_STREAM, false, SERVER), c = bound(SOCK_STREAM, false, CLIENT);
	uint64_t begin = ph_now_ns(), there, slept;
	union address to;
	socklen_t len = loopback(&to, false, SERVER);

	if (listen(l, 1) || connect(c, &to.sa, len))
		die("late");
	wait_readable(l);
	there = ph_now_ns();
	nanosleep(&(struct timespec){ 0, 200000000 }, NULL);
	slept = ph_now_ns() - there;
	if (accept(l, &to.sa, &len) < 0)
		die("late");
	printf("slept_ns=%lu waited_ns=%lu ", (unsigned long)slept, (unsigned long)(ph_now_ns() - begin));
}

#define NESTED 1000
#define LISTENERS 20	/* for each connection, at most */

/*
 * While CPU 0 opens and closes listeners, CPU 1 makes connections and breaks them: with packets of the loopback device
 * steered to CPU 0 (rps_cpus), an interrupt changes states of sockets in the midst of such changes.
 */
static void nested(void)
{
	atomic_uint *made = mmap(NULL, sizeof(*made), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int l = bound(SOCK_STREAM, false, SERVER), c, a;
	struct linger none = { .l_onoff = 1 };
	union address to;
	socklen_t len = loopback(&to, false, SERVER);
	pid_t child;

	if (made == MAP_FAILED || listen(l, 1) || (child = fork()) < 0)
		die("nested");
	if (!child) {
		pin(1);
		for (int i = 0; i < NESTED; i++) {
			c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
			if (connect(c, &to.sa, len) || (a = accept(l, NULL, NULL)) < 0)
				die("nested");
			setsockopt(c, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
			close(c);
			close(a);
			atomic_store(made, i + 1);
		}
		_exit(0);
	}
	pin(0);
	for (unsigned int n = 0; !waitpid(child, NULL, WNOHANG); ) {
		if (n == (atomic_load(made) + 1) * LISTENERS) {
			sched_yield();
			continue;
		}
		c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (listen(c, 1))
			die("nested");
		close(c);
		n++;
	}
	interrupts_over();
}

int load_net(int argc, char **argv)
{
	const char *what = arg_str(argc, argv, 1, "");
	struct stat ns;

	if (!strcmp(what, "udp"))
		udp(false);
	else if (!strcmp(what, "udp6"))
		udp(true);
	else if (!strcmp(what, "tcp"))
		tcp(false, false);
	else if (!strcmp(what, "tcp6"))
		tcp(true, false);
	else if (!strcmp(what, "reset"))
		tcp(false, true);
	else if (!strcmp(what, "overflow"))
		overflow();
	else if (!strcmp(what, "unanswered"))
		unanswered();
	else if (!strcmp(what, "late"))
		late();
	else if (!strcmp(what, "nested"))
		nested();
	else {
		fprintf(stderr, "ph-load net: udp, udp6, tcp, tcp6, reset, unanswered, overflow, late or nested\n");
		return 2;
	}
	printf("server=%d client=%d net_ns=%lu\n", SERVER, CLIENT,
	       stat("/proc/self/ns/net", &ns) ? 0 : (unsigned long)ns.st_ino);
	return 0;
}
