/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/load.h"

#define BUF_MAX (1 << 20)

void write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w <= 0)
			die("write");
		p += w;
		n -= (size_t)w;
	}
}

bool read_all(int fd, char *p, size_t n)
{
	while (n) {
		ssize_t r = read(fd, p, n);

		if (r <= 0)
			return false;
		p += r;
		n -= (size_t)r;
	}
	return true;
}

static char *buffer(size_t n)
{
	char *b = malloc(n ? n : 1);

	if (!b)
		die("malloc");
	memset(b, 'x', n);
	return b;
}

/* Until it is ended: what tells one container's calls from another's, at the price of no process. */
int load_marks(int argc, char **argv)
{
	const char *path = arg_str(argc, argv, 1, "/mark");
	uint64_t pause = arg_ns(argc, argv, 2, 30000000);

	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			close(fd);
		sleep_ns(pause);
	}
}

int load_io(int argc, char **argv)
{
	const char *dir = arg_str(argc, argv, 1, "/tmp");
	uint64_t n = arg_u64(argc, argv, 2, 20), size = arg_u64(argc, argv, 3, 4096);
	const char *times = arg_str(argc, argv, 4, NULL);
	uint64_t fsync_ns = 0;
	char path[4096], *b;
	FILE *f = NULL;
	int fd;

	if (size > BUF_MAX)
		size = BUF_MAX;
	b = buffer(size);
	if (times && !(f = fopen(times, "we")))
		die(times);
	snprintf(path, sizeof(path), "%s/ph-load.%d", dir, getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		die(path);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t ns;

		if (pwrite(fd, b, size, 0) != (ssize_t)size)
			die(path);
		ns = ph_now_ns();
		if (fsync(fd))
			die(path);
		ns = ph_now_ns() - ns;
		fsync_ns += ns;
		if (f)
			fprintf(f, "%llu\n", (unsigned long long)ns);
		if (pread(fd, b, size, 0) != (ssize_t)size)
			die(path);
	}
	close(fd);
	unlink(path);
	if (f && fclose(f))
		die(times);
	printf("load=io n=%llu size=%llu path=%s fsync_ns=%llu\n", (unsigned long long)n, (unsigned long long)size, path,
	       (unsigned long long)fsync_ns);
	free(b);
	return 0;
}

int listen_unix(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 64))
		die(path);
	chmod(path, 0777);
	return fd;
}

int connect_unix(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int must_connect_unix(const char *path)
{
	int fd = connect_unix(path);

	if (fd < 0)
		die(path);
	return fd;
}

static int listen_tcp(uint16_t *ret_port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sa.sin_port = htons(*ret_port);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(fd, 64) ||
	    getsockname(fd, (struct sockaddr *)&sa, &len))
		die("listen on 127.0.0.1");
	*ret_port = ntohs(sa.sin_port);
	return fd;
}

static int connect_tcp(uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		die("connect to 127.0.0.1");
	return fd;
}

static bool readable_until(int fd, uint64_t end_ns)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = ph_now_ns();

	return now < end_ns && poll(&p, 1, (int)((end_ns - now) / 1000000 + 1)) > 0;
}

/* A table that answers "get KEY" and writes a line to its log for each, synced now and then. */
int load_db(int argc, char **argv)
{
	const char *path = arg_str(argc, argv, 1, "/tmp/db.sock");
	uint64_t end = ph_now_ns() + arg_ns(argc, argv, 2, PH_NSEC);
	const char *dir = arg_str(argc, argv, 3, "/tmp");
	char req[64], row[512], log[4096];
	unsigned long long n = 0;
	int srv = listen_unix(path), fd;
	FILE *f;

	snprintf(log, sizeof(log), "%s/db.log", dir);
	f = fopen(log, "we");
	if (!f)
		die(log);
	memset(row, 'r', sizeof(row));
	while (readable_until(srv, end)) {
		fd = accept4(srv, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			die("accept");
		if (read_all(fd, req, sizeof(req))) {
			fprintf(f, "%llu %.16s\n", n, req);
			fflush(f);
			if (n % 8 == 0)
				fdatasync(fileno(f));
			write_all(fd, row, sizeof(row));
			n++;
		}
		close(fd);
	}
	fclose(f);
	unlink(path);
	printf("load=db requests=%llu\n", n);
	return 0;
}

static void pause_ns(uint64_t ns)
{
	nanosleep(&(struct timespec){ (time_t)(ns / PH_NSEC), (long)(ns % PH_NSEC) }, NULL);
}

/* One page: ask the db, put its answer into HTTP. */
static void serve_page(int fd, const char *db)
{
	char req[256], key[64] = "get page", row[512], page[1024];
	int len, d;

	if (!read_all(fd, req, sizeof(req)))
		return;
	d = must_connect_unix(db);
	write_all(d, key, sizeof(key));
	if (!read_all(d, row, sizeof(row)))
		die("answer of the db");
	close(d);
	len = snprintf(page, sizeof(page), "HTTP/1.0 200 OK\r\nContent-Length: %zu\r\n\r\n%.*s",
		       sizeof(row), (int)sizeof(row), row);
	write_all(fd, page, (size_t)len);
}

int load_web(int argc, char **argv)
{
	const char *db = arg_str(argc, argv, 1, "/tmp/db.sock");
	uint64_t end = ph_now_ns() + arg_ns(argc, argv, 2, PH_NSEC);
	uint64_t gap = arg_ns(argc, argv, 3, 5000000);
	uint16_t port = 8080;
	unsigned long long n = 0;
	int srv = listen_tcp(&port), fd;
	pid_t client;

	signal(SIGPIPE, SIG_IGN);
	/* The db may come up after us. */
	while ((fd = connect_unix(db)) < 0 && ph_now_ns() < end)
		pause_ns(10000000);
	close(fd);
	client = fork();
	if (client < 0)
		die("fork");
	if (!client) {
		char req[256] = "GET / HTTP/1.0\r\n\r\n", page[1024];

		while (ph_now_ns() + 100000000 < end) {
			fd = connect_tcp(port);
			write_all(fd, req, sizeof(req));
			while (read(fd, page, sizeof(page)) > 0)
				;
			close(fd);
			pause_ns(gap);
		}
		_exit(0);
	}
	while (readable_until(srv, end)) {
		fd = accept4(srv, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			die("accept");
		serve_page(fd, db);
		close(fd);
		n++;
	}
	waitpid(client, NULL, 0);
	printf("load=web pages=%llu port=%u\n", n, port);
	return 0;
}

int load_sock(int argc, char **argv)
{
	const char *kind = arg_str(argc, argv, 1, "tcp");
	uint64_t n = arg_u64(argc, argv, 2, 100), size = arg_u64(argc, argv, 3, 64);
	bool tcp = !strcmp(kind, "tcp");
	char path[64], *b;
	uint16_t port = 0;
	int srv, fd, status = 0;
	pid_t client;

	if (size > BUF_MAX)
		size = BUF_MAX;
	b = buffer(size);
	snprintf(path, sizeof(path), "/tmp/ph-load.%d.sock", getpid());
	srv = tcp ? listen_tcp(&port) : listen_unix(path);
	client = fork();
	if (client < 0)
		die("fork");
	if (!client) {
		fd = tcp ? connect_tcp(port) : connect_unix(path);
		for (uint64_t i = 0; i < n; i++) {
			write_all(fd, b, size);
			if (!read_all(fd, b, size))
				die("read");
		}
		_exit(0);
	}
	fd = accept4(srv, NULL, NULL, SOCK_CLOEXEC);
	while (fd >= 0 && read_all(fd, b, size))
		write_all(fd, b, size);
	waitpid(client, &status, 0);
	if (!tcp)
		unlink(path);
	free(b);
	printf("load=sock kind=%s n=%llu size=%llu port=%u\n", tcp ? "tcp" : "unix",
	       (unsigned long long)n, (unsigned long long)size, port);
	return status ? 1 : 0;
}

int load_pingpong(int argc, char **argv)
{
	uint64_t n = arg_u64(argc, argv, 1, 1000), t0, ns;
	int a[2], b[2];
	pid_t pid;
	char c = 'p';

	if (pipe(a) || pipe(b))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		/* Only the parent has these now: when it ends, so does this. */
		close(a[1]);
		close(b[0]);
		for (uint64_t i = 0; i < n; i++)
			if (read(a[0], &c, 1) != 1 || write(b[1], &c, 1) != 1)
				_exit(1);
		_exit(0);
	}
	t0 = ph_now_ns();
	for (uint64_t i = 0; i < n; i++)
		if (write(a[1], &c, 1) != 1 || read(b[0], &c, 1) != 1)
			die("pipe");
	ns = ph_now_ns() - t0;
	waitpid(pid, NULL, 0);
	printf("load=pingpong n=%llu child=%d ns_per_round=%.1f\n", (unsigned long long)n, pid,
	       n ? (double)ns / (double)n : 0.0);
	return 0;
}
