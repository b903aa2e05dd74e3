/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of sockets both: what others listen at, and the calls that fail there. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "load/deny.h"
#include "load/load.h"

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/* 127.0.0.1 80, ::1 80, /path -, @name - */
static socklen_t address(union address *to, char **a)
{
	memset(to, 0, sizeof(*to));
	if (a[0][0] == '/' || a[0][0] == '@') {
		size_t n = strlen(a[0]);

		to->un.sun_family = AF_UNIX;
		memcpy(to->un.sun_path, a[0], n < sizeof(to->un.sun_path) ? n : sizeof(to->un.sun_path) - 1);
		if (a[0][0] == '@')
			to->un.sun_path[0] = 0;
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	}
	if (strchr(a[0], ':')) {
		to->in6.sin6_family = AF_INET6;
		to->in6.sin6_port = htons((uint16_t)atoi(a[1]));
		inet_pton(AF_INET6, a[0], &to->in6.sin6_addr);
		return sizeof(to->in6);
	}
	to->in.sin_family = AF_INET;
	to->in.sin_port = htons((uint16_t)atoi(a[1]));
	inet_pton(AF_INET, a[0], &to->in.sin_addr);
	return sizeof(to->in);
}

static int sock(const union address *to, int flags)
{
	int fd = socket(to->sa.sa_family, SOCK_STREAM | flags, 0);

	if (fd < 0)
		die("socket");
	return fd;
}

static void step_listen(char **a)
{
	union address to;
	socklen_t n = address(&to, a);
	int fd = sock(&to, SOCK_CLOEXEC);

	if (bind(fd, &to.sa, n) || listen(fd, 5))
		die("listen");
}

static void step_udp(char **a)
{
	union address to;
	socklen_t n = address(&to, a);
	int fd = socket(to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, &to.sa, n))
		die("bind");
}

/* The file of a socket that nobody has any more. */
static void step_left_behind(char **a)
{
	char *args[] = { a[0], NULL };
	union address to;
	socklen_t n = address(&to, args);
	int fd = sock(&to, 0);

	if (bind(fd, &to.sa, n))
		die("bind");
	close(fd);
}

static int call_connect(char **a)
{
	union address to;
	socklen_t n = address(&to, a);

	return deny_result(connect(sock(&to, 0), &to.sa, n));
}

/* As event loops do it: the error comes later. */
static int call_connect_later(char **a)
{
	union address to;
	socklen_t n = address(&to, a);
	int fd = sock(&to, SOCK_NONBLOCK), error = 0;
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (!connect(fd, &to.sa, n) || errno != EINPROGRESS)
		return errno;
	poll(&p, 1, 5000);
	n = sizeof(error);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n))
		die("getsockopt");
	return error;
}

static int call_bind(char **a)
{
	union address to;
	socklen_t n = address(&to, a);

	return deny_result(bind(sock(&to, 0), &to.sa, n));
}

static int call_raw(char **a)
{
	(void)a;
	return deny_result(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

const struct deny_word deny_sockets[] = {
	{ "listen", 2, step_listen, NULL }, { "udp", 2, step_udp, NULL }, { "left-behind", 1, step_left_behind, NULL },
	{ "connect", 2, NULL, call_connect }, { "connect-later", 2, NULL, call_connect_later },
	{ "bind", 2, NULL, call_bind }, { "raw", 0, NULL, call_raw },
	{ 0 }
};
