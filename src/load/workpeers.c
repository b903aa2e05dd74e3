/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixed work of two processes, in containers of their own: of a server and those that ask it, of a producer and a consumer. */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/load.h"
#include "load/work.h"

#define PATIENCE_NS (20 * PH_NSEC)

static int connect_soon(const char *path)
{
	uint64_t end = ph_now_ns() + PATIENCE_NS;
	int fd;

	while ((fd = connect_unix(path)) < 0) {
		if (ph_now_ns() > end)
			die(path);
		sleep_ns(1000000);
	}
	return fd;
}

static int accepted(int l)
{
	int fd = accept4(l, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		die("accept");
	return fd;
}

/* ---- a server, whose workers take who asks next ---------------------------------------------------------------------- */

struct server {
	int epoll, over;
	uint64_t open, n;
	uint64_t *took;		/* from when a worker has read it */
	uint64_t max;
	pthread_mutex_t lock;
};

static void watch(struct server *s, int op, int fd)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT, .data.fd = fd };

	if (epoll_ctl(s->epoll, op, fd, &e))
		die("epoll_ctl");
}

static void hung_up(struct server *s, int fd)
{
	close(fd);
	pthread_mutex_lock(&s->lock);
	if (!--s->open && eventfd_write(s->over, 1))
		die("eventfd");
	pthread_mutex_unlock(&s->lock);
}

/* False: the other end is closed. */
static bool answer(struct server *s, int fd)
{
	uint64_t steps, since;

	if (!read_all(fd, (char *)&steps, sizeof(steps)))
		return false;
	since = ph_now_ns();
	work_steps(steps);
	write_all(fd, (const char *)&steps, sizeof(steps));
	pthread_mutex_lock(&s->lock);
	if (s->n < s->max)
		s->took[s->n++] = ph_now_ns() - since;
	pthread_mutex_unlock(&s->lock);
	return true;
}

static void *worker(void *arg)
{
	struct server *s = arg;
	struct epoll_event e;

	for (;;) {
		if (epoll_wait(s->epoll, &e, 1, -1) != 1)
			continue;
		if (e.data.fd == s->over)
			return NULL;
		if (answer(s, e.data.fd))
			watch(s, EPOLL_CTL_MOD, e.data.fd);
		else
			hung_up(s, e.data.fd);
	}
}

struct own {
	struct server *s;
	int fd;
};

static void *own_thread(void *arg)
{
	struct own *o = arg;

	while (answer(o->s, o->fd))
		;
	close(o->fd);
	return NULL;
}

/* With no WORKERS, each connection has a thread of its own. */
int work_serve(int argc, char **argv)
{
	const char *path = arg_str(argc, argv, 2, "/data/socket");
	uint64_t connections = arg_u64(argc, argv, 3, 8), nworkers = arg_u64(argc, argv, 4, 2), begin = ph_now_ns();
	struct server s = { .epoll = epoll_create1(EPOLL_CLOEXEC), .over = eventfd(0, EFD_CLOEXEC), .open = connections, .max = 1000000 };
	struct epoll_event over = { .events = EPOLLIN, .data.fd = s.over };
	uint64_t nthreads = nworkers ? nworkers : connections;
	pthread_t *t = work_zeros(nthreads, sizeof(*t));
	struct own *own = work_zeros(connections, sizeof(*own));
	int l = listen_unix(path);

	s.took = work_zeros(s.max, sizeof(*s.took));
	pthread_mutex_init(&s.lock, NULL);
	if (epoll_ctl(s.epoll, EPOLL_CTL_ADD, s.over, &over))
		die("epoll_ctl");
	for (uint64_t i = 0; i < connections; i++) {
		own[i] = (struct own){ &s, accepted(l) };
		if (nworkers)
			watch(&s, EPOLL_CTL_ADD, own[i].fd);
	}
	for (uint64_t i = 0; i < nthreads; i++)
		if (pthread_create(&t[i], NULL, nworkers ? worker : own_thread, nworkers ? (void *)&s : (void *)&own[i]))
			die("pthread_create");
	for (uint64_t i = 0; i < nthreads; i++)
		pthread_join(t[i], NULL);
	free(own);
	unlink(path);
	work_said("serve", begin, s.took, s.n);
	free(s.took);
	free(t);
	return 0;
}

/* ---- those that ask it ----------------------------------------------------------------------------------------------- */

struct asker {
	pthread_t thread;
	struct askers *all;
	uint64_t nr;
	int fd;
};

struct askers {
	bool open;			/* at times of their own, whether what was asked is answered or not */
	uint64_t n, requests, gap_ns, begin_ns;
	uint64_t *due, *steps, *took;	/* of each request; who asks it: by turns */
	pthread_barrier_t ready;
};

static void *ask(void *arg)
{
	struct asker *a = arg;
	struct askers *s = a->all;
	uint64_t answer, since;

	pthread_barrier_wait(&s->ready);
	pthread_barrier_wait(&s->ready);
	for (uint64_t i = a->nr; i < s->requests; i += s->n) {
		if (s->open)
			work_until(s->begin_ns + s->due[i]);
		else
			sleep_ns(s->gap_ns);
		/* As a trace has it: not from when it was due. */
		since = ph_now_ns();
		work_begins();
		write_all(a->fd, (const char *)&s->steps[i], sizeof(s->steps[i]));
		if (!read_all(a->fd, (char *)&answer, sizeof(answer)))
			die("read");
		work_ends();
		s->took[i] = ph_now_ns() - since;
	}
	close(a->fd);
	return NULL;
}

/* The same sequence every time. */
static double random_share(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (double)((*state >> 33) + 1) / 2147483649.0;
}

/* A request has half to three halves of STEPS; of an open load GAP is the mean between two, of a closed one what each pauses. */
int work_ask(int argc, char **argv)
{
	const char *path = arg_str(argc, argv, 2, "/data/socket"), *kind = arg_str(argc, argv, 3, "closed");
	struct askers s = { .open = !strcmp(kind, "open"), .n = arg_u64(argc, argv, 4, 8), .requests = arg_u64(argc, argv, 5, 500),
			    .gap_ns = arg_ns(argc, argv, 6, 5000000) };
	uint64_t steps = arg_u64(argc, argv, 7, 1000000), state = 42;
	struct asker *a = work_zeros(s.n, sizeof(*a));
	double at = 0;

	s.due = work_zeros(s.requests, sizeof(*s.due));
	s.steps = work_zeros(s.requests, sizeof(*s.steps));
	s.took = work_zeros(s.requests, sizeof(*s.took));
	for (uint64_t i = 0; i < s.requests; i++) {
		at -= log(random_share(&state)) * (double)s.gap_ns;
		s.due[i] = (uint64_t)at;
		s.steps[i] = (uint64_t)((double)steps * (0.5 + random_share(&state)));
	}
	if (pthread_barrier_init(&s.ready, NULL, (unsigned)s.n + 1))
		die("pthread_barrier_init");
	for (uint64_t i = 0; i < s.n; i++) {
		a[i] = (struct asker){ .all = &s, .nr = i, .fd = connect_soon(path) };
		if (pthread_create(&a[i].thread, NULL, ask, &a[i]))
			die("pthread_create");
	}
	pthread_barrier_wait(&s.ready);
	s.begin_ns = ph_now_ns();
	pthread_barrier_wait(&s.ready);
	for (uint64_t i = 0; i < s.n; i++)
		pthread_join(a[i].thread, NULL);
	work_said(s.open ? "open" : "closed", s.begin_ns, s.took, s.requests);
	free(a);
	free(s.due);
	free(s.steps);
	free(s.took);
	return 0;
}

/* ---- a producer, and who consumes what it makes ------------------------------------------------------------------------ */

#define ITEM 4096

/* No more than a few items are on their way. */
int work_produce(int argc, char **argv)
{
	uint64_t n = arg_u64(argc, argv, 3, 200), steps = arg_u64(argc, argv, 4, 2000000), begin = ph_now_ns();
	int fd = connect_soon(arg_str(argc, argv, 2, "/data/socket"));
	char item[ITEM] = { 0 };

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ 4 * ITEM }, sizeof(int)))
		die("SO_SNDBUF");
	for (uint64_t i = 0; i < n; i++) {
		work_steps(steps);
		write_all(fd, item, sizeof(item));
	}
	close(fd);
	work_said("produce", begin, NULL, 0);
	return 0;
}

/* A request is what it does for an item. */
int work_consume(int argc, char **argv)
{
	const char *path = arg_str(argc, argv, 2, "/data/socket");
	uint64_t steps = arg_u64(argc, argv, 3, 2000000), max = 100000, n = 0, begin = ph_now_ns();
	uint64_t *took = work_zeros(max, sizeof(*took));
	int l = listen_unix(path), fd = accepted(l);
	char item[ITEM];

	while (read_all(fd, item, sizeof(item))) {
		uint64_t since = ph_now_ns();

		work_begins();
		work_steps(steps);
		work_ends();
		if (n < max)
			took[n++] = ph_now_ns() - since;
	}
	unlink(path);
	work_said("consume", begin, took, n);
	free(took);
	return 0;
}
