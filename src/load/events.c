/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Causes of single kernel events, each with what a trace must say of it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
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

void pin(int cpu)
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

static void *right(void *arg)
{
	int *fd = arg;
	char b;

	prctl(PR_SET_NAME, "right");
	setpriority(PRIO_PROCESS, (id_t)gettid(), 5);
	while (read(fd[0], &b, 1) == 1)
		if (write(fd[3], &b, 1) != 1)
			break;
	return NULL;
}

/* Two threads on CPU 0 that take turns: each wakes the other and sleeps. */
static void cause_switch(void)
{
	int fd[4];
	pthread_t t;
	char b = 0;

	pin(0);
	prctl(PR_SET_NAME, "left");
	if (pipe2(fd, O_CLOEXEC) || pipe2(fd + 2, O_CLOEXEC))
		die("pipe2");
	pthread_create(&t, NULL, right, fd);
	for (int i = 0; i < 50; i++) {
		/* So that the other has come to its read() again. */
		pause_ms(1);
		if (write(fd[1], &b, 1) != 1 || read(fd[2], &b, 1) != 1)
			die("pipe");
	}
	close(fd[1]);
	pthread_join(t, NULL);
	printf("left=%d right=%d cpu=0\n", gettid(), gettid() + 1);
}

/* A thread that is not the leader starts a program, and takes the leader's id. */
static void cause_exec_thread(void)
{
	pthread_t t;

	dprintf(1, "leader=%d ", getpid());
	pthread_create(&t, NULL, exec_thread, NULL);
	pthread_join(t, NULL);
}

/* For what is not the first thread: when that has ended. */
struct outlives {
	pthread_t first;
	int fd;
	bool whole;		/* ends the process, not just itself */
};

static void *outlive(void *arg)
{
	const struct outlives *o = arg;
	char c;

	prctl(PR_SET_NAME, "outliving");
	pthread_join(o->first, NULL);
	pause_ms(20);
	if (read(o->fd, &c, 1) != 1)
		die("read");
	pause_ms(20);
	if (o->whole)
		_exit(44);
	syscall(SYS_exit, 0);
	return NULL;
}

/* Two processes whose first thread opens a file and ends, with 43; another one reads it, and ends. */
static void cause_leaderless(void)
{
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		int status;

		if (!pid) {
			static struct outlives o;
			pthread_t t;

			o = (struct outlives){ pthread_self(), open("/dev/zero", O_RDONLY), i };
			pthread_create(&t, NULL, outlive, &o);
			syscall(SYS_exit, 43);
		}
		waitpid(pid, &status, 0);
		printf("status%d=%d\n", i, status);
	}
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
	/* The kernel frees them when no CPU can be looking at them any more. */
	pause_ms(300);
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
	static const char *const types[] = { "cgroup", "ipc", "mnt", "net", "pid", "time", "user" };
	int old = open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC);
	unsigned long before = inode("uts"), after;
	pid_t pid;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		printf("%s=%lu ", types[i], inode(types[i]));
	fflush(stdout);

	if (unshare(CLONE_NEWUTS))
		die("unshare");
	after = inode("uts");
	if (setns(old, CLONE_NEWUTS))
		die("setns");
	pid = (pid_t)syscall(SYS_clone, CLONE_NEWIPC | SIGCHLD, 0, 0, 0, 0);
	if (!pid) {
		dprintf(1, "child_ipc=%lu ", inode("ipc"));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	printf("tid=%d before=%lu after=%lu child=%d\n", gettid(), before, after, pid);
}

/* Its ids from the namespace that /proc was mounted in to its own, as "NSpid:" has them. */
static void say_ids(const char *as)
{
	char line[256], *p = NULL;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && !p && fgets(line, sizeof(line), f))
		if (!strncmp(line, "NSpid:\t", 7))
			p = line + 7;
	if (!p)
		die("/proc/self/status");
	p[strcspn(p, "\n")] = 0;
	for (char *tab = p; (tab = strchr(tab, '\t'));)
		*tab = ',';
	dprintf(1, "%s=%s %s_ns=%lu ", as, p, as, inode("pid"));
	fclose(f);
}

/* A child in a new pid namespace, and in that another in yet another. */
static void cause_nest(void)
{
	pid_t pid;

	say_ids("outer");
	if (unshare(CLONE_NEWPID))
		die("unshare");
	pid = fork();
	if (!pid) {
		say_ids("middle");
		if (unshare(CLONE_NEWPID))
			_exit(1);
		pid = fork();
		if (!pid) {
			say_ids("inner");
			_exit(0);
		}
	}
	waitpid(pid, NULL, 0);
}

static void on_usr1(int sig)
{
	(void)sig;
}

static void cause_signals(void)
{
	struct sigaction sa = { .sa_handler = on_usr1, .sa_flags = SA_RESTART };
	siginfo_t info = { .si_signo = SIGRTMIN + 1, .si_errno = 5, .si_code = SI_QUEUE };

	info.si_pid = getpid();
	info.si_int = 7;
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	kill(getpid(), SIGUSR1);
	syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN + 1, &info);
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
	syscall(SYS_unlinkat, AT_FDCWD, p, 0);
	unlink(file);
	printf("path=/no/such/late-path\n");
}

/* A handler runs, then seccomp refuses: both are told right. */
static void cause_refused(void)
{
	cause_signals();
	syscall(SYS_keyctl, 1, 2, 3, 4, 5, 6);
	printf("ret=%d\n", -errno);
}

static void cause_odd_calls(void)
{
	struct iovec iov[2] = { { "first", 5 }, { "second", 6 } };
	char name[8] = { AF_UNIX, 0, 0, 'n', 'a', 'm', 'e' };
	struct msghdr m = { .msg_name = name, .msg_namelen = 7, .msg_iov = iov, .msg_iovlen = 2 };
	int null = open("/dev/null", O_WRONLY), s = socket(AF_UNIX, SOCK_DGRAM, 0);
	long minus;

	syscall(1000, 11, 22);
	syscall(0x40000001, null, "x32", 3);
	minus = syscall(-1);
	syscall(SYS_writev, null, iov, 2);
	syscall(SYS_sendmsg, s, &m, 0);
#if defined(__x86_64__)
	long r;

	/* getpid and close(-1), as a 32-bit program calls them. */
	asm volatile("int $0x80" : "=a"(r) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
	printf("getpid=%ld ", r);
	asm volatile("int $0x80" : "=a"(r) : "a"(6), "b"(-1) : "memory", "r8", "r9", "r10", "r11");
	printf("close=%ld ", r);
#endif
	printf("minus=%ld\n", minus);
}

/* Touch a page that is not there, and let the kernel touch another. */
static void cause_fault(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	unsigned long ip = 0;

	if (p == MAP_FAILED || zero < 0)
		die("fault");
#if defined(__x86_64__)
	asm volatile("lea 1f(%%rip), %0\n1: movb $1, (%1)" : "=&r"(ip) : "r"(p + 1234) : "memory");
#else
	p[1234] = 1;
#endif
	if (read(zero, p + 4096, 1) != 1)
		die("/dev/zero");
	printf("address=%lu ip=%lu kernel_address=%lu\n", (unsigned long)p + 1234, ip, (unsigned long)p + 4096);
}

static atomic_int spun_enough;

static void *spinner(void *arg)
{
	pin((int)(intptr_t)arg);
	setpriority(PRIO_PROCESS, (id_t)gettid(), 1);
	dprintf(1, "spinner%d=%d ", (int)(intptr_t)arg, gettid());
	while (!spun_enough)
		;
	return NULL;
}

static uint64_t ran_ns(clockid_t cpu)
{
	struct timespec ts;

	clock_gettime(cpu, &ts);
	return (uint64_t)ts.tv_sec * PH_NSEC + (uint64_t)ts.tv_nsec;
}

/* Timers that fire while another thread of ours has the CPU, at least one of them, and one that is disarmed. */
static void cause_timer(void)
{
	struct itimerval alarm = { .it_value.tv_sec = 10 };
	uint64_t first, t, before;
	bool met = false;
	clockid_t cpu;
	pthread_t s;

	pin(0);
	prctl(PR_SET_TIMERSLACK, 123456);
	pthread_create(&s, NULL, spinner, NULL);
	pthread_getcpuclockid(s, &cpu);
	pause_ms(50);
	first = ph_now_ns() + 10000000;
	for (t = first; t < first + 100000000 || (!met && t < first + 5 * PH_NSEC); t += 10000000) {
		struct timespec ts = { (time_t)(t / PH_NSEC), (long)(t % PH_NSEC) };

		before = ran_ns(cpu);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
		met = met || ran_ns(cpu) - before > 8000000;
	}
	setitimer(ITIMER_REAL, &alarm, NULL);
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	spun_enough = 1;
	pthread_join(s, NULL);
	printf("softexpires=%llu expires=%llu\n", (unsigned long long)first,
	       (unsigned long long)first + 123456);
}

/* Interrupts from CPU 0 to threads that compute on others: signals make reschedule, barriers call functions. */
static void cause_ipi(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t s[2];
	int n = cpus > 2 ? 2 : 1;

	signal(SIGUSR1, on_usr1);
	if (cpus < 2 || syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0))
		die("membarrier");
	pin(0);
	for (int i = 0; i < n; i++)
		pthread_create(&s[i], NULL, spinner, (void *)(intptr_t)(i + 1));
	pause_ms(50);
	/* Only who runs at that moment is asked: at some of these times both do, whatever else has their CPUs. */
	for (int i = 0; i < 100; i++) {
		pthread_kill(s[0], SIGUSR1);
		syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
		pause_ms(2 + i % 9);
	}
	spun_enough = 1;
	for (int i = 0; i < n; i++)
		pthread_join(s[i], NULL);
	printf("others=%d\n", n);
}

/*
 * 64 KiB written past the page cache in one request, in a place of the disk that is known; then as much
 * through it, left for the flusher. In /data.
 */
static void cause_write(void)
{
	static char buf[65536] __attribute__((aligned(4096)));
	struct {
		struct fiemap map;
		struct fiemap_extent first;
	} where = { .map = { .fm_length = sizeof(buf), .fm_flags = FIEMAP_FLAG_SYNC, .fm_extent_count = 1 } };
	int fd = open("/data/direct", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	memset(buf, 'd', sizeof(buf));
	/* Blocks that are written once already: else the file system writes of its own as well. */
	if (fd < 0 || pwrite(fd, buf, sizeof(buf), 0) != sizeof(buf) || fsync(fd) ||
	    fcntl(fd, F_SETFL, O_DIRECT) || ioctl(fd, FS_IOC_FIEMAP, &where) || where.map.fm_mapped_extents != 1 ||
	    pwrite(fd, buf, sizeof(buf), 0) != sizeof(buf))
		die("/data/direct");
	printf("sector=%llu bytes=%zu extent=%llu ", (unsigned long long)where.first.fe_physical / 512,
	       sizeof(buf), (unsigned long long)where.first.fe_length);
	fd = open("/data/later", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || pwrite(fd, buf, sizeof(buf), 0) != sizeof(buf))
		die("/data/later");
	printf("later=%zu\n", sizeof(buf));
}

int load_cause(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} causes[] = {
		{ "migrate", cause_migrate }, { "exec-thread", cause_exec_thread }, { "exits", cause_exits }, { "times", cause_times },
		{ "leaderless", cause_leaderless },
		{ "pi", cause_pi }, { "namespaces", cause_namespaces }, { "signals", cause_signals },
		{ "refused", cause_refused }, { "odd-calls", cause_odd_calls }, { "fault", cause_fault },
		{ "late", cause_late }, { "switch", cause_switch },
		{ "nest", cause_nest }, { "timer", cause_timer }, { "ipi", cause_ipi },
		{ "kvm", cause_kvm }, { "kvm-halt", cause_kvm_halt }, { "write", cause_write },
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
