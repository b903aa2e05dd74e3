/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One asks and one answers, in containers that share process ids: over a Unix socket (an address is its path), TCP (tcp:IPV4), two
 * named pipes (pipe:PATH), or memory (memory:PATH). Who asks tells his number, and the answer is computed once he sleeps.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/chain.h"
#include "load/load.h"

#define PORT 7014
#define GOODBYE UINT32_MAX

/* The way to the other one, as one of both has it. */
struct line {
	int in, out;
	_Atomic uint32_t *from, *to;	/* memory; 0: there is nothing */
};

static bool is(const char *address, const char *kind, const char **rest)
{
	size_t n = strlen(kind);

	*rest = address + n;
	return !strncmp(address, kind, n);
}

/* ---- TCP ----------------------------------------------------------------------------------------------------------------- */

static struct sockaddr_in inet_address(const char *host)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };

	if (inet_pton(AF_INET, host, &a.sin_addr) != 1)
		die(host);
	return a;
}

static int tcp_listen(const char *host)
{
	struct sockaddr_in a = inet_address(host);
	int l = socket(AF_INET, SOCK_STREAM, 0);

	if (setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) || bind(l, (struct sockaddr *)&a, sizeof(a)) || listen(l, 1))
		die("listen");
	return l;
}

static int tcp_connect(const char *host)
{
	struct sockaddr_in a = inet_address(host);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)))
		die("connect");
	return fd;
}

/* ---- pipes and memory ----------------------------------------------------------------------------------------------------- */

static int pipe_open(const char *path, const char *end, int flags)
{
	char name[256];
	int fd;

	snprintf(name, sizeof(name), "%s%s", path, end);
	mkfifo(name, 0600);
	fd = open(name, flags | O_CLOEXEC);
	if (fd < 0)
		die(name);
	return fd;
}

static _Atomic uint32_t *memory(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *p;

	if (fd < 0 || ftruncate(fd, 4096))
		die(path);
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		die("mmap");
	close(fd);
	return p;
}

/* ---- both -------------------------------------------------------------------------------------------------------------------- */

static void line_pass(struct line *l, uint32_t what, size_t bytes)
{
	char *text;

	if (l->to) {
		*l->to = what;
		syscall(SYS_futex, l->to, FUTEX_WAKE, 1, NULL, NULL, 0);
		return;
	}
	text = calloc(1, bytes);
	if (!text)
		die("calloc");
	memcpy(text, &what, sizeof(what));
	write_all(l->out, text, bytes);
	free(text);
}

/* False: there will be no more. */
static bool line_take(struct line *l, uint32_t *what, size_t bytes)
{
	char *text;
	bool more;

	if (l->from) {
		while (!*l->from)
			syscall(SYS_futex, l->from, FUTEX_WAIT, 0, NULL, NULL, 0);
		*what = atomic_exchange(l->from, 0);
		return *what != GOODBYE;
	}
	text = calloc(1, bytes);
	if (!text)
		die("calloc");
	more = read_all(l->in, text, bytes);
	memcpy(what, text, sizeof(*what));
	free(text);
	return more;
}

static void answer(struct line *l, uint64_t ns, size_t bytes)
{
	uint64_t ran = 0, since;
	uint32_t who;

	while (line_take(l, &who, sizeof(who))) {
		until_sleeps((pid_t)who);
		since = own_cpu_ns();
		compute(ns);
		/* Until who asked sleeps, and once he is awake again, his path is his own. */
		ran += own_cpu_ns() - since;
		line_pass(l, 1, bytes);
	}
	say("c-server", own_cpu_ns() - ran);
}

int chain_serve(const char *address, uint64_t ns, size_t bytes)
{
	struct line l = { 0 };
	const char *rest;

	prctl(PR_SET_NAME, "c-server");
	if (is(address, "memory:", &rest)) {
		l.from = memory(rest);
		l.to = l.from + 1;
		answer(&l, ns, bytes);
	} else if (is(address, "pipe:", &rest)) {
		l.in = pipe_open(rest, ".ask", O_RDONLY);
		l.out = pipe_open(rest, ".answer", O_WRONLY);
		answer(&l, ns, bytes);
	} else {
		int listening = is(address, "tcp:", &rest) ? tcp_listen(rest) : listen_unix(address);

		while ((l.in = l.out = accept(listening, NULL, NULL)) >= 0) {
			answer(&l, ns, bytes);
			close(l.in);
		}
		return 1;
	}
	return 0;
}

void chain_ask(const char *address, uint64_t n, size_t bytes)
{
	struct line l = { 0 };
	const char *rest;
	uint32_t what;

	if (is(address, "memory:", &rest)) {
		l.to = memory(rest);
		l.from = l.to + 1;
	} else if (is(address, "pipe:", &rest)) {
		l.out = pipe_open(rest, ".ask", O_WRONLY);
		l.in = pipe_open(rest, ".answer", O_RDONLY);
	} else {
		l.in = l.out = is(address, "tcp:", &rest) ? tcp_connect(rest) : must_connect_unix(address);
	}
	while (n--) {
		compute(2 * MS);
		dprintf(1, "asked_ns=%llu\n", (unsigned long long)ph_now_ns());
		line_pass(&l, (uint32_t)getpid(), sizeof(what));
		line_take(&l, &what, bytes);
		dprintf(1, "answered_ns=%llu\n", (unsigned long long)ph_now_ns());
	}
	if (l.to)
		line_pass(&l, GOODBYE, sizeof(what));
}
