/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Causes of single kernel events, each with what a trace must say of it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "load/load.h"

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

/* From CPU 0 to CPU 1, once. */
static void cause_migrate(void)
{
	pin(0);
	prctl(PR_SET_NAME, "mover");
	pin(1);
	printf("tid=%d from=0 to=1\n", gettid());
}

static void *exec_thread(void *arg)
{
	char *const argv[] = { "ph-load", "sleep", "1ms", NULL };

	(void)arg;
	dprintf(1, "thread=%d\n", gettid());
	execv("/proc/self/exe", argv);
	return NULL;
}

/* A thread that is not the leader starts a program, and takes the leader's id. */
static void cause_exec_thread(void)
{
	pthread_t t;

	dprintf(1, "leader=%d ", getpid());
	pthread_create(&t, NULL, exec_thread, NULL);
	pthread_join(t, NULL);
}

static void cause_exits(void)
{
	pid_t a = fork(), b;

	if (!a)
		_exit(42);
	waitpid(a, NULL, 0);
	b = fork();
	if (!b) {
		pause();
		_exit(0);
	}
	kill(b, SIGTERM);
	waitpid(b, NULL, 0);
	printf("exit=%d killed=%d\n", a, b);
}

/* Computes, then calls the kernel, for as much CPU time each; says what the kernel counted. */
static void use_cpu(uint64_t ns)
{
	char line[64] = "";
	struct timespec t = { 0 };
	uint64_t used = 0;
	int fd;

	while (used < ns) {
		for (volatile int i = 0; i < 100000; i++)
			;
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
		used = (uint64_t)t.tv_sec * PH_NSEC + (uint64_t)t.tv_nsec;
	}
	fd = open("/dev/zero", O_RDONLY);
	while (used < 2 * ns) {
		static char page[1 << 16];

		for (int i = 0; i < 20; i++)
			if (read(fd, page, sizeof(page)) < 0)
				die("/dev/zero");
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
		used = (uint64_t)t.tv_sec * PH_NSEC + (uint64_t)t.tv_nsec;
	}
	fd = open("/proc/self/schedstat", O_RDONLY);
	if (fd < 0 || read(fd, line, sizeof(line) - 1) < 0)
		die("/proc/self/schedstat");
	line[strcspn(line, "\n")] = 0;
	line[strcspn(line, " ")] = '=';
	printf("delay%d=%s\n", getpid(), strchr(line, '=') + 1);
}

static uint64_t rusage_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * PH_NSEC + (uint64_t)t.tv_usec * 1000;
}

/* Two children share one CPU: what the kernel says that each has used. */
static void cause_times(void)
{
	struct rusage ru;
	pid_t pid;

	pin(0);
	for (int i = 0; i < 2; i++) {
		if (fork())
			continue;
		use_cpu(150000000);
		exit(0);
	}
	while ((pid = wait4(-1, NULL, 0, &ru)) > 0)
		printf("user%d=%llu system%d=%llu\n", pid, (unsigned long long)rusage_ns(ru.ru_utime), pid,
		       (unsigned long long)rusage_ns(ru.ru_stime));
}

static atomic_int pi_lock, pi_held;

static long futex_pi(int op)
{
	return syscall(SYS_futex, &pi_lock, op | FUTEX_PRIVATE_FLAG, 0, NULL, NULL, 0);
}

static void *pi_owner(void *arg)
{
	prctl(PR_SET_NAME, "owner");
	setpriority(PRIO_PROCESS, (id_t)gettid(), 10);
	pi_lock = gettid();
	atomic_store((atomic_int *)arg, gettid());
	pi_held = 1;
	pause_ms(50);
	/* There is a waiter: the kernel hands the lock over and takes the borrowed priority back. */
	futex_pi(FUTEX_UNLOCK_PI);
	return NULL;
}

/* A nice thread holds what one that is less nice waits for: it borrows the priority. */
static void cause_pi(void)
{
	atomic_int owner = 0;
	pthread_t t;

	pthread_create(&t, NULL, pi_owner, &owner);
	while (!pi_held)
		pause_ms(1);
	if (futex_pi(FUTEX_LOCK_PI))
		die("FUTEX_LOCK_PI");
	pthread_join(t, NULL);
	printf("owner=%d normal=30 boosted=20\n", owner);
}

static unsigned long inode(const char *ns)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/self/ns/%s", ns);
	return stat(path, &st) ? 0 : st.st_ino;
}

/* unshare, setns back, clone with a new namespace. */
static void cause_namespaces(void)
{
	int old = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	unsigned long before = inode("uts"), after;
	pid_t pid;

	if (unshare(CLONE_NEWUTS))
		die("unshare");
	after = inode("uts");
	if (setns(old, CLONE_NEWUTS))
		die("setns");
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWIPC | SIGCHLD, 0, 0, 0, 0);
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	printf("tid=%d before=%lu after=%lu child=%d\n", gettid(), before, after, pid);
}

static void on_usr1(int sig)
{
	(void)sig;
}

static void cause_signals(void)
{
	struct sigaction sa = { .sa_handler = on_usr1, .sa_flags = SA_RESTART };
	union sigval v = { .sival_int = 7 };

	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	kill(getpid(), SIGUSR1);
	sigqueue(getpid(), SIGRTMIN + 1, v);
	printf("pid=%d handler=%lu\n", getpid(), (unsigned long)on_usr1);
}

/* A page of a file that is in no page table: the path in it cannot be read at the entry. */
static void cause_late(void)
{
	static const char file[] = "/tmp/ph-load-late";
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *p;

	if (fd < 0 || ftruncate(fd, 4096) || pwrite(fd, "/no/such/late-path", 19, 0) != 19)
		die(file);
	p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	madvise(p, 4096, MADV_RANDOM);
	syscall(SYS_unlink, p);
	unlink(file);
	printf("path=/no/such/late-path\n");
}

/* A handler runs, then seccomp refuses: both are told right. */
static void cause_refused(void)
{
	cause_signals();
	syscall(SYS_keyctl, 1, 2, 3, 4, 5);
	printf("ret=%d\n", -errno);
}

static void cause_odd_calls(void)
{
	struct iovec iov[2] = { { "first", 5 }, { "second", 6 } };
	char name[8] = { AF_UNIX, 0, 0, 'n', 'a', 'm', 'e' };
	struct msghdr m = { .msg_name = name, .msg_namelen = 7, .msg_iov = iov, .msg_iovlen = 2 };
	int null = open("/dev/null", O_WRONLY), s = socket(AF_UNIX, SOCK_DGRAM, 0);
	long r, minus;

	syscall(1000, 11, 22);
	syscall(0x40000001, null, "x32", 3);
	minus = syscall(-1);
	syscall(SYS_writev, null, iov, 2);
	syscall(SYS_sendmsg, s, &m, 0);
#if defined(__x86_64__)
	/* getpid and close(-1), as a 32-bit program calls them. */
	asm volatile("int $0x80" : "=a"(r) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
	printf("getpid=%ld ", r);
	asm volatile("int $0x80" : "=a"(r) : "a"(6), "b"(-1) : "memory", "r8", "r9", "r10", "r11");
	printf("close=%ld ", r);
#endif
	printf("minus=%ld\n", minus);
}

/* Touch one page that is not there. */
static void cause_fault(void)
{
	volatile char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*p = 1;
	printf("address=%lu\n", (unsigned long)p);
}

int load_cause(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} causes[] = {
		{ "migrate", cause_migrate }, { "exec-thread", cause_exec_thread }, { "exits", cause_exits }, { "times", cause_times },
		{ "pi", cause_pi }, { "namespaces", cause_namespaces }, { "signals", cause_signals },
		{ "refused", cause_refused }, { "odd-calls", cause_odd_calls }, { "fault", cause_fault },
		{ "late", cause_late },
	};
	const char *what = arg_str(argc, argv, 1, "");

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (!strcmp(causes[i].name, what)) {
			causes[i].fn();
			return 0;
		}
	fprintf(stderr, "ph-load cause: there is no cause '%s':", what);
	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		fprintf(stderr, " %s", causes[i].name);
	fputc('\n', stderr);
	return 2;
}
