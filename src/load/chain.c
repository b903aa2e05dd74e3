/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks that wait for each other in known ways, and say how long each of them computed: what critical paths are compared
 * with. Who is waited for begins when the waiter sleeps, so that its time is the path's however busy the machine is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/chain.h"
#include "load/load.h"

#define PORT 7013
#define ROUNDS 20

pid_t tid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

uint64_t own_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * PH_NSEC + (uint64_t)ts.tv_nsec;
}

uint64_t compute(uint64_t ns)
{
	volatile uint64_t x = 88172645463325252ULL;
	uint64_t begin = own_cpu_ns(), now;

	do {
		for (int i = 0; i < 2000; i++)
			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		now = own_cpu_ns();
	} while (now < begin + ns);
	return now - begin;
}

void say(const char *name, uint64_t since)
{
	dprintf(1, "stage=%s ran_ns=%llu\n", name, (unsigned long long)(own_cpu_ns() - since));
}

bool sleeps(pid_t who)
{
	char path[64], text[512], *state;
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", who);
	fd = open(path, O_RDONLY);
	if (fd < 0) {
		snprintf(path, sizeof(path), "/proc/%d/stat", who);
		fd = open(path, O_RDONLY);
	}
	if (fd < 0)
		die(path);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	state = strrchr(text, ')');
	return state && state[2] == 'S';
}

void until_sleeps(pid_t who)
{
	while (who && !sleeps(who))
		sleep_ns(200000);
}

void stage(const char *name, pid_t waiter, uint64_t ns)
{
	uint64_t since;

	prctl(PR_SET_NAME, name);
	until_sleeps(waiter);
	since = own_cpu_ns();
	compute(ns);
	say(name, since);
}

pid_t child(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	return pid;
}

/* ---- shapes ---------------------------------------------------------------------------------------- */

pid_t the_main;
static uint64_t main_since;
static _Atomic pid_t the_short;

/* The last one, however the CPUs are divided. */
static void *long_thread(void *arg)
{
	uint64_t since;

	stage("c-long", the_main, 120 * MS);
	since = own_cpu_ns();
	while (!the_short || !syscall(SYS_tgkill, getpid(), the_short, 0))
		compute(MS);
	say("c-long", since);
	return NULL;
}

/* Not waited for: it has ended when the other one is joined. */
static void *short_thread(void *arg)
{
	the_short = tid();
	stage("c-short", the_main, 40 * MS);
	return NULL;
}

static void shape_join(void)
{
	pthread_t a, b;

	if (pthread_create(&a, NULL, long_thread, NULL) || pthread_create(&b, NULL, short_thread, NULL))
		die("pthread_create");
	pthread_join(a, NULL);
	pthread_join(b, NULL);
}

static void shape_nested(void)
{
	pid_t middle;

	if (!child()) {
		middle = tid();
		stage("c-middle", the_main, 40 * MS);
		if (!child()) {
			stage("c-inner", middle, 80 * MS);
			_exit(0);
		}
		wait(NULL);
		stage("c-middle", 0, 40 * MS);
		_exit(0);
	}
	wait(NULL);
}

void pass(int fd)
{
	if (write(fd, "x", 1) != 1)
		die("write");
}

void take(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		die("read");
}

static void shape_pipe(void)
{
	int a[2], b[2];
	pid_t filter;

	if (pipe(a) || pipe(b))
		die("pipe");
	filter = child();
	if (!filter) {
		prctl(PR_SET_NAME, "c-filter");
		take(a[0]);
		stage("c-filter", the_main, 60 * MS);
		pass(b[1]);
		_exit(0);
	}
	if (!child()) {
		until_sleeps(filter);
		stage("c-source", the_main, 60 * MS);
		pass(a[1]);
		_exit(0);
	}
	take(b[0]);
	wait(NULL);
	wait(NULL);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int held[2];

static void *holder_thread(void *arg)
{
	pthread_mutex_lock(&lock);
	pass(held[1]);
	stage("c-holder", the_main, 100 * MS);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void shape_lock(void)
{
	pthread_t t;

	if (pipe(held) || pthread_create(&t, NULL, holder_thread, NULL))
		die("pthread_create");
	take(held[0]);
	pthread_mutex_lock(&lock);
	pthread_join(t, NULL);
}

static void shape_timer(void)
{
	if (!child()) {
		prctl(PR_SET_NAME, "c-sleeper");
		until_sleeps(the_main);
		sleep_ns(100 * MS);
		stage("c-sleeper", 0, 20 * MS);
		_exit(0);
	}
	wait(NULL);
}

static void level(int n, pid_t waiter)
{
	static const char *const names[] = { "c-level-1", "c-level-2", "c-level-3" };
	pid_t self = tid();

	prctl(PR_SET_NAME, names[n]);
	until_sleeps(waiter);
	sleep_ns(30 * MS);
	stage(names[n], 0, 20 * MS);
	if (n == 2)
		return;
	if (!child()) {
		level(n + 1, self);
		_exit(0);
	}
	wait(NULL);
}

/* Sleepers in sleepers. */
static void shape_inception(void)
{
	if (!child()) {
		level(0, the_main);
		_exit(0);
	}
	wait(NULL);
}

static void on_signal(int nr)
{
}

static void shape_signal(void)
{
	sigset_t usr1, none;

	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	signal(SIGUSR1, on_signal);
	if (!child()) {
		stage("c-sender", the_main, 80 * MS);
		kill(the_main, SIGUSR1);
		_exit(0);
	}
	sigsuspend(&none);
	wait(NULL);
}

static void shape_tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int l = socket(AF_INET, SOCK_STREAM, 0), c;

	if (setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) || bind(l, (struct sockaddr *)&a, sizeof(a)) ||
	    listen(l, 1))
		die("listen on the loopback device");
	if (!child()) {
		c = accept(l, NULL, NULL);
		take(c);
		stage("c-server", the_main, 80 * MS);
		pass(c);
		_exit(0);
	}
	c = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(c, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
	pass(c);
	take(c);
	wait(NULL);
}

/* A token goes round. */
static void shape_ring(void)
{
	static const char *const names[] = { "c-main", "c-ring-1", "c-ring-2" };
	uint64_t since;
	int p[3][2];

	for (int i = 0; i < 3; i++)
		if (pipe(p[i]))
			die("pipe");
	for (int i = 1; i < 3; i++) {
		if (child())
			continue;
		prctl(PR_SET_NAME, names[i]);
		since = own_cpu_ns();
		for (int n = 0; n < ROUNDS; n++) {
			take(p[i][0]);
			compute(3 * MS);
			pass(p[(i + 1) % 3][1]);
		}
		say(names[i], since);
		_exit(0);
	}
	for (int n = 0; n < ROUNDS; n++) {
		compute(3 * MS);
		pass(p[1][1]);
		take(p[0][0]);
	}
	wait(NULL);
	wait(NULL);
}

/* It looks for its child when that one has long ended: nobody was waited for. */
static void shape_late(void)
{
	siginfo_t dead = { 0 };

	if (!child()) {
		stage("c-early", 0, 20 * MS);
		_exit(0);
	}
	do
		compute(MS);
	while (waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) || !dead.si_pid);
	compute(20 * MS);
	wait(NULL);
}

static void *last_thread(void *arg)
{
	stage("c-last", 0, 40 * MS);
	return NULL;
}

/* The first thread ends by itself, and the process with another one. */
static void shape_outlive(void)
{
	pthread_t t;

	say("c-main", main_since);
	if (pthread_create(&t, NULL, last_thread, NULL))
		die("pthread_create");
	pthread_exit(NULL);
}

/* A pipe has room for a page: who writes more waits for who reads. */
static void shape_full(void)
{
	enum { PAGES = 5, PAGE = 4096 };
	static const char page[PAGE];
	char buf[PAGE];
	int p[2];

	if (pipe(p) || fcntl(p[1], F_SETPIPE_SZ, PAGE) != PAGE)
		die("pipe");
	if (!child()) {
		for (int i = 0; i < PAGES; i++) {
			if (i < PAGES - 1)
				stage("c-reader", the_main, 20 * MS);
			if (!read_all(p[0], buf, PAGE))
				die("read");
		}
		_exit(0);
	}
	for (int i = 0; i < PAGES; i++)
		write_all(p[1], page, PAGE);
	wait(NULL);
}

/* Few looks at the clock, which are system calls. */
static void compute_in_user(uint64_t ns)
{
	volatile uint64_t x = 1;
	uint64_t end = own_cpu_ns() + ns;

	do
		for (int i = 0; i < 500000; i++)
			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
	while (own_cpu_ns() < end);
}

static void compute_in_kernel(uint64_t ns)
{
	static char buf[1 << 20];
	uint64_t end = own_cpu_ns() + ns;

	do
		if (getrandom(buf, sizeof(buf), 0) < 0)
			die("getrandom");
	while (own_cpu_ns() < end);
}

/* One in its own code, the next one in the kernel. */
static void shape_modes(void)
{
	static const struct {
		const char *name;
		void (*fn)(uint64_t ns);
	} modes[] = { { "c-user", compute_in_user }, { "c-kernel", compute_in_kernel } };
	uint64_t since;

	for (int i = 0; i < 2; i++) {
		if (!child()) {
			prctl(PR_SET_NAME, modes[i].name);
			until_sleeps(the_main);
			since = own_cpu_ns();
			modes[i].fn(80 * MS);
			say(modes[i].name, since);
			_exit(0);
		}
		wait(NULL);
	}
}

int load_chain(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} shapes[] = {
		{ "join", shape_join }, { "nested", shape_nested }, { "pipe", shape_pipe }, { "lock", shape_lock },
		{ "timer", shape_timer }, { "signal", shape_signal }, { "tcp", shape_tcp }, { "ring", shape_ring },
		{ "inception", shape_inception }, { "imbalance", shape_imbalance }, { "filelock", shape_filelock },
		{ "preempt", shape_preempt }, { "disk", shape_disk }, { "random", shape_random }, { "late", shape_late },
		{ "full", shape_full }, { "modes", shape_modes }, { "outlive", shape_outlive },
	};
	const char *what = arg_str(argc, argv, 1, "");
	uint64_t begin = ph_now_ns();
	void (*fn)(void) = NULL;

	if (!strcmp(what, "serve"))
		return chain_serve(arg_str(argc, argv, 2, "/data/socket"), arg_ns(argc, argv, 3, 10 * MS), arg_u64(argc, argv, 4, 4));
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (!strcmp(shapes[i].name, what))
			fn = shapes[i].fn;
	if (!fn && strcmp(what, "ask") != 0) {
		fprintf(stderr, "ph-load chain: there is no shape '%s': serve ask", what);
		for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
			fprintf(stderr, " %s", shapes[i].name);
		fputc('\n', stderr);
		return 2;
	}
	the_main = tid();
	until_sleeps(getppid());
	prctl(PR_SET_NAME, "c-main");
	main_since = own_cpu_ns();
	compute(30 * MS);
	if (fn)
		fn();
	else
		chain_ask(arg_str(argc, argv, 2, "/data/socket"), arg_u64(argc, argv, 3, 10), arg_u64(argc, argv, 4, 4));
	compute(30 * MS);
	say("c-main", main_since);
	printf("wall_ns=%llu\n", (unsigned long long)(ph_now_ns() - begin));
	return 0;
}
