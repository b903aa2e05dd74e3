/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server of which most requests compute only, and of each twenty one waits besides: for a lock, for a server in another
 * container, for a time. Everybody says what it computed and how long it took: what paths of requests are compared with.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/load.h"

#define MS 1000000ul
#define FAST_NS (2 * MS)
#define SLOW_NS (20 * MS)
#define EVERY 20

static const char *const kinds[] = { "fast", "lock", "back", "sleep" };

static void put(int fd, char c)
{
	if (write(fd, &c, 1) != 1)
		die("write");
}

static bool get(int fd, char *c)
{
	return read(fd, c, 1) == 1;
}

/* Computes once @waiter sleeps; says so, and what it took to look whether it does. */
static void compute_for(pid_t waiter, const char *what)
{
	uint64_t since = own_cpu_ns(), around;

	until_sleeps(waiter);
	around = own_cpu_ns() - since;
	dprintf(1, "%s ran_ns=%llu around_ns=%llu\n", what, (unsigned long long)compute(SLOW_NS), (unsigned long long)around);
}

/* ---- who is waited for ------------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int go[2], held[2];
static pid_t server;

/* Has the lock while nobody wants it; who does, tells it to compute first. */
static void *holder(void *arg)
{
	char c;

	prctl(PR_SET_NAME, "q-holder");
	for (;;) {
		pthread_mutex_lock(&lock);
		put(held[1], 'h');
		if (!get(go[0], &c))
			die("read");
		compute_for(server, "lock");
		pthread_mutex_unlock(&lock);
		get(go[0], &c);
	}
	return NULL;
}

static void wait_for_lock(void)
{
	char c;

	put(go[1], 'g');
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
	put(go[1], 'g');
	get(held[0], &c);
}

static int back(const char *path)
{
	int l = listen_unix(path), c;
	socklen_t len = sizeof(struct ucred);
	struct ucred peer;
	char byte;

	prctl(PR_SET_NAME, "q-back");
	while ((c = accept(l, NULL, NULL)) >= 0) {
		if (getsockopt(c, SOL_SOCKET, SO_PEERCRED, &peer, &len))
			die("SO_PEERCRED");
		while (get(c, &byte)) {
			compute_for(peer.pid, "back");
			put(c, byte);
		}
		close(c);
	}
	return 1;
}

/* ---- the server -------------------------------------------------------------------------------------- */

static int serve(const char *path, const char *behind)
{
	int b = must_connect_unix(behind), l = listen_unix(path), c;
	pthread_t t;
	char kind;

	server = getpid();
	prctl(PR_SET_NAME, "q-server");
	if (pipe(go) || pipe(held) || pthread_create(&t, NULL, holder, NULL) || !get(held[0], &kind))
		die("pthread_create");
	while ((c = accept(l, NULL, NULL)) >= 0) {
		uint64_t whole = ph_now_ns(), since, ns = 0, ran = 0;
		char answer = 0;

		while (get(c, &kind)) {
			since = ph_now_ns();
			ran = own_cpu_ns();
			compute(FAST_NS);
			if (kind == 1)
				wait_for_lock();
			else if (kind == 2)
				put(b, 'q'), get(b, &answer);
			else if (kind == 3)
				sleep_ns(SLOW_NS);
			ran = own_cpu_ns() - ran;
			ns = ph_now_ns() - since;
			put(c, 'a');
			answer = kind;
		}
		whole = ph_now_ns() - whole;
		close(c);
		dprintf(1, "%s ran=%llu answers=%llu connections=%llu\n", kinds[(int)answer], (unsigned long long)ran,
			(unsigned long long)ns, (unsigned long long)whole);
	}
	return 1;
}

/* A connection a request. */
static int ask(const char *path, uint64_t n)
{
	prctl(PR_SET_NAME, "q-client");
	for (uint64_t i = 0; i < n; i++) {
		char kind = i % EVERY == EVERY - 1 ? (char)(1 + i / EVERY % 3) : 0, answer;
		int c = must_connect_unix(path);
		uint64_t since = ph_now_ns();

		put(c, kind);
		if (!get(c, &answer))
			die("read");
		printf("%s ns=%llu\n", kinds[(int)kind], (unsigned long long)(ph_now_ns() - since));
		close(c);
	}
	return 0;
}

int load_requests(int argc, char **argv)
{
	const char *what = arg_str(argc, argv, 1, "");

	if (!strcmp(what, "back"))
		return back(arg_str(argc, argv, 2, "/data/back"));
	if (!strcmp(what, "serve"))
		return serve(arg_str(argc, argv, 2, "/data/server"), arg_str(argc, argv, 3, "/data/back"));
	if (!strcmp(what, "ask"))
		return ask(arg_str(argc, argv, 2, "/data/server"), arg_u64(argc, argv, 3, 400));
	fprintf(stderr, "ph-load requests: back [SOCKET], serve [SOCKET] [BACK], ask [SOCKET] [N]\n");
	return 2;
}
