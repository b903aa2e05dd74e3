/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A resolver and its name server in one, which ask and answer as the common resolvers do. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "load/load.h"

enum { A = 1, CNAME = 5, PTR = 12, AAAA = 28 };
enum { NOERROR = 0, NXDOMAIN = 3 };

#define LATE_NS 20000000	/* after which the first answers come */

struct message {
	size_t n;
	uint8_t b[512];
};

static void put(struct message *m, const void *p, size_t n)
{
	if (n > sizeof(m->b) - m->n)
		die("dns: a message too long");
	memcpy(m->b + m->n, p, n);
	m->n += n;
}

static void put16(struct message *m, unsigned int v)
{
	put(m, (uint8_t[]){ (uint8_t)(v >> 8), (uint8_t)v }, 2);
}

static void put_name(struct message *m, const char *name)
{
	while (*name) {
		size_t n = strcspn(name, ".");

		put(m, &(uint8_t){ (uint8_t)n }, 1);
		put(m, name, n);
		name += n + (name[n] == '.');
	}
	put(m, "", 1);
}

static struct message question(unsigned int id, const char *name, unsigned int type)
{
	struct message m = { 0 };

	put16(&m, id);
	put16(&m, 0x0100);
	put16(&m, 1);
	put(&m, "\0\0\0\0\0", 6);
	put_name(&m, name);
	put16(&m, type);
	put16(&m, 1);
	return m;
}

/* A record of the name that was asked for. */
static void put_record(struct message *m, unsigned int type, const void *data, size_t n)
{
	put16(m, 0xc00c);
	put16(m, type);
	put16(m, 1);
	put(m, "\0\0\0\x3c", 4);
	put16(m, (unsigned int)n);
	put(m, data, n);
	m->b[7]++;
}

static struct message answer(const struct message *q, unsigned int code)
{
	struct message m = *q;

	m.b[2] |= 0x80;
	m.b[3] = (uint8_t)(0x80 | code);
	return m;
}

static struct sockaddr_in at;	/* of the server */

static int server(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) || (type == SOCK_STREAM && listen(fd, 1)))
		die("dns: port 53 of the loopback device");
	return fd;
}

static int client(int type, bool connected)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || (connected && connect(fd, (const struct sockaddr *)&at, sizeof(at))))
		die("dns: connect");
	return fd;
}

/* Take one query, and answer it; @code < 0: do not. */
static void serve(int fd, int code, unsigned int type, const void *data, size_t n)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	struct message q = { 0 }, m;
	ssize_t got = recvfrom(fd, q.b, sizeof(q.b), 0, (struct sockaddr *)&from, &len);

	if (got < 0)
		die("dns: the server");
	q.n = (size_t)got;
	if (code < 0)
		return;
	m = answer(&q, (unsigned int)code);
	/* An alias, and where that leads. */
	if (type == A) {
		static const char alias[] = "\5alias\7example";

		put_record(&m, CNAME, alias, sizeof(alias));
	}
	if (type)
		put_record(&m, type, data, n);
	if (sendto(fd, m.b, m.n, 0, (const struct sockaddr *)&from, len) < 0)
		die("dns: the server");
}

/* A and AAAA in one call, as glibc has it. */
static void both(int s)
{
	struct message q[2] = { question(101, "both.example", A), question(102, "both.example", AAAA) };
	struct iovec iov[2] = { { q[0].b, q[0].n }, { q[1].b, q[1].n } };
	struct mmsghdr mm[2] = { { .msg_hdr = { .msg_iov = &iov[0], .msg_iovlen = 1 } },
				 { .msg_hdr = { .msg_iov = &iov[1], .msg_iovlen = 1 } } };
	struct in6_addr six;
	int fd = client(SOCK_DGRAM, true);

	inet_pton(AF_INET6, "2001:db8::7", &six);
	if (sendmmsg(fd, mm, 2, 0) != 2)
		die("dns: sendmmsg");
	nanosleep(&(struct timespec){ 0, LATE_NS }, NULL);
	serve(s, NOERROR, A, "\xc0\0\2\7", 4);
	serve(s, NOERROR, AAAA, &six, 16);
	for (int i = 0; i < 2; i++)
		if (recvfrom(fd, q[0].b, sizeof(q[0].b), 0, NULL, NULL) < 0)
			die("dns: recvfrom");
	close(fd);
}

/* On a socket that is not connected, as musl does. */
static void nowhere(int s)
{
	struct message q = question(103, "nowhere.example", A);
	struct sockaddr_in from;
	struct iovec iov = { q.b, sizeof(q.b) };
	struct msghdr msg = { .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1 };
	int fd = client(SOCK_DGRAM, false);

	if (sendto(fd, q.b, q.n, 0, (const struct sockaddr *)&at, sizeof(at)) < 0)
		die("dns: sendto");
	serve(s, NXDOMAIN, 0, NULL, 0);
	if (recvmsg(fd, &msg, 0) < 0)
		die("dns: recvmsg");
	close(fd);
}

/* Twice without an answer; write and read, as Go does. */
static void silent(int s)
{
	struct message q = question(104, "silent.example", A);
	int fd = client(SOCK_DGRAM, true);

	for (int i = 0; i < 2; i++) {
		if (write(fd, q.b, q.n) < 0)
			die("dns: write");
		serve(s, -1, 0, NULL, 0);
	}
	close(fd);
}

/* A name of an address, by TCP: the length and the message in two buffers there, in two reads back. */
static void by_tcp(void)
{
	int l = server(SOCK_STREAM), fd = client(SOCK_STREAM, true), s = accept(l, NULL, NULL);
	struct message q = question(105, "7.2.0.192.in-addr.arpa", PTR), m = answer(&q, NOERROR), name = { 0 };
	uint8_t len[2] = { (uint8_t)(q.n >> 8), (uint8_t)q.n };
	struct iovec iov[2] = { { len, 2 }, { q.b, q.n } };

	put_name(&name, "both.example");
	put_record(&m, PTR, name.b, name.n);
	if (s < 0 || writev(fd, iov, 2) < 0 || recv(s, q.b, 2 + q.n, MSG_WAITALL) < 0)
		die("dns: tcp");
	len[0] = (uint8_t)(m.n >> 8);
	len[1] = (uint8_t)m.n;
	if (send(s, len, 2, MSG_MORE) < 0 || send(s, m.b, m.n, 0) < 0 || read(fd, len, 2) != 2 || read(fd, q.b, m.n) < 0)
		die("dns: tcp");
	close(s);
	close(fd);
	close(l);
}

int load_dns(int argc, char **argv)
{
	struct stat ns;
	int s;

	(void)argc;
	(void)argv;
	at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	s = server(SOCK_DGRAM);
	both(s);
	nowhere(s);
	silent(s);
	by_tcp();
	printf("late_ns=%d net_ns=%lu\n", LATE_NS, stat("/proc/self/ns/net", &ns) ? 0 : (unsigned long)ns.st_ino);
	return 0;
}
