/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that fail for a known cause: steps that arrange it, then the call. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "load/load.h"

/* ---- steps: they may not fail ------------------------------------------------------------------ */

static void step_as(char **a)
{
	unsigned int id = (unsigned int)atoi(a[0]);

	if (setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id))
		die("as");
	/* So that others of that user may be looked at, as they are of a program that began so. */
	prctl(PR_SET_DUMPABLE, 1);
}

static void step_groups(char **a)
{
	gid_t g[2] = { (gid_t)atoi(a[0]), (gid_t)atoi(a[1]) };

	if (setgroups(2, g))
		die("setgroups");
}

/* The ids alone: groups stay. */
static void step_user(char **a)
{
	unsigned int id = (unsigned int)atoi(a[0]);

	if (setresgid(id, id + 1, id + 1) || setresuid(id, id + 2, id + 2))
		die("user");
}

static void step_nnp(char **a)
{
	(void)a;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("no_new_privs");
}

static void step_cd(char **a)
{
	if (chdir(a[0]))
		die("chdir");
}

static void step_chroot(char **a)
{
	if (chroot(a[0]) || chdir("/"))
		die("chroot");
}

static void step_mkdir(char **a)
{
	if (mkdir(a[0], 0777) || chmod(a[0], (mode_t)strtoul(a[1], NULL, 8)))
		die("mkdir");
}

static void step_file(char **a)
{
	int fd = open(a[0], O_CREAT | O_WRONLY, 0600);

	if (fd < 0 || write(fd, "x\n", 2) != 2 || fchmod(fd, (mode_t)strtoul(a[1], NULL, 8)))
		die("file");
	close(fd);
}

/* A copy of this program. */
static void step_copy(char **a)
{
	int from = open("/proc/self/exe", O_RDONLY), to = open(a[0], O_CREAT | O_WRONLY, 0755);

	if (from < 0 || to < 0)
		die("copy");
	while (1) {
		char b[65536];
		ssize_t n = read(from, b, sizeof(b));

		if (n <= 0)
			break;
		if (write(to, b, (size_t)n) != n)
			die("copy");
	}
	if (fchmod(to, (mode_t)strtoul(a[1], NULL, 8)))
		die("copy");
	close(from);
	close(to);
}

static void step_own(char **a)
{
	if (chown(a[0], (uid_t)atoi(a[1]), (gid_t)atoi(a[1])))
		die("chown");
}

static void step_device(char **a)
{
	if (mknod(a[0], S_IFCHR | 0666, makedev((unsigned int)atoi(a[1]), (unsigned int)atoi(a[2]))) ||
	    chmod(a[0], 0666))
		die("mknod");
}

/* TYPE DIR FLAGS(ro,nosuid,nodev,noexec or -) DATA: of two steps on one place the second changes the flags. */
static void step_mount(char **a)
{
	unsigned long flags = (strstr(a[2], "ro") ? MS_RDONLY : 0) | (strstr(a[2], "nosuid") ? MS_NOSUID : 0) |
			      (strstr(a[2], "nodev") ? MS_NODEV : 0) | (strstr(a[2], "noexec") ? MS_NOEXEC : 0);
	const char *data = strcmp(a[3], "-") ? a[3] : NULL;

	if (!strcmp(a[0], "flags") ? mount(NULL, a[1], NULL, MS_BIND | MS_REMOUNT | flags, NULL) :
	    !strcmp(a[0], "remount") ? mount(NULL, a[1], NULL, MS_REMOUNT | flags, data) :
	    a[0][0] == '/' ? mount(a[0], a[1], NULL, MS_BIND, NULL) : mount(a[0], a[1], a[0], flags, data))
		die("mount");
}

/* An ACL for one user: owner rwx, group and others nothing. */
static void step_acl(char **a)
{
	struct { uint32_t version; struct { uint16_t tag, perm; uint32_t id; } e[5]; } acl = {
		2, { { 0x01, 7, ~0u }, { 0x02, (uint16_t)atoi(a[2]), (uint32_t)atoi(a[1]) }, { 0x04, 0, ~0u },
		     { 0x10, 7, ~0u }, { 0x20, 7, ~0u } } };

	if (syscall(SYS_setxattr, a[0], "system.posix_acl_access", &acl, sizeof(acl), 0))
		die("acl");
}

static void step_landlock(char **a)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE };
	long fd;

	(void)a;
	fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_landlock_restrict_self, fd, 0))
		die("landlock");
	close((int)fd);
}

static void step_filter(uint32_t action, int nr)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { 4, f };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p))
		die("seccomp");
}

static void step_sysctl(char **a)
{
	int fd = open(a[0], O_WRONLY);

	if (fd < 0 || write(fd, a[1], strlen(a[1])) < 0)
		die(a[0]);
	close(fd);
}

static void step_unshare(char **a)
{
	if (unshare((int)strtoul(a[0], NULL, 0)))
		die("unshare");
}

/* Stay for so many milliseconds after the call: so that one can be looked at. */
static unsigned int hold_ms;
static void step_hold(char **a) { hold_ms = (unsigned int)atoi(a[0]); }

/* Another user's process beside us, for as long as we live; its number in $1 of what follows is "-". */
static pid_t beside;
static void step_beside(char **a)
{
	int ready[2];
	char c;

	if (pipe(ready))
		die("pipe");
	beside = fork();
	if (beside < 0)
		die("fork");
	if (!beside) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		step_as(a);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		while (1)
			pause();
	}
	if (read(ready[0], &c, 1) != 1)
		die("beside");
}

/* A file that nobody may change. */
static void step_immutable(char **a)
{
	int fd = open(a[0], O_RDONLY), flags = 0;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags))
		die("immutable");
	flags |= FS_IMMUTABLE_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags))
		die("immutable");
	close(fd);
}

/* ---- the call: errno's number, 0 if it was not refused ------------------------------------------- */

static int result(long r)
{
	return r < 0 ? errno : 0;
}

static int call_open(char **a)
{
	int flags = strchr(a[1], 'c') ? O_CREAT : 0;

	flags |= strchr(a[1], 'w') ? strchr(a[1], 'r') ? O_RDWR : O_WRONLY : O_RDONLY;
	return result(open(a[0], flags | O_CLOEXEC | O_NONBLOCK, 0644));
}

static int call_exec(char **a)
{
	return result(execl(a[0], a[0], "sleep", "0s", NULL));
}

static int call_mkdir(char **a) { return result(mkdir(a[0], 0755)); }
static int call_rename(char **a) { return result(rename(a[0], a[1])); }
static int call_unlink(char **a) { return result(unlink(a[0])); }
static int call_chmod(char **a) { return result(chmod(a[0], 0644)); }
static int call_chown(char **a) { return result(chown(a[0], (uid_t)atoi(a[1]), (gid_t)-1)); }
static int call_stat(char **a) { struct stat st; return result(stat(a[0], &st)); }

static int call_readlink(char **a)
{
	char b[256];

	return result(readlink(a[0], b, sizeof(b)));
}

static int call_mknod(char **a)
{
	return result(mknod(a[0], S_IFCHR | 0666, makedev((unsigned int)atoi(a[1]), (unsigned int)atoi(a[2]))));
}

/* Writes until it is refused. */
static int call_write(char **a)
{
	static char b[65536];
	int fd = open(a[0], O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	ssize_t n = 0;

	signal(SIGXFSZ, SIG_IGN);
	if (fd < 0)
		die("open");
	for (int i = 0; i < 4096 && n >= 0; i++)
		n = write(fd, b, sizeof(b));
	return result(n);
}

static int call_inodes(char **a)
{
	char path[256];
	int fd = 0;

	for (int i = 0; i < 4096 && fd >= 0; i++) {
		snprintf(path, sizeof(path), "%s/%d", a[0], i);
		fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd >= 0)
			close(fd);
	}
	return result(fd);
}

static int call_files(char **a)
{
	int fd = 0;

	(void)a;
	while (fd >= 0)
		fd = open("/dev/null", O_RDONLY);
	return errno;
}

static int call_mmap(char **a)
{
	void *p = mmap(NULL, strtoul(a[0], NULL, 0), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int call_hugetlb(char **a)
{
	void *p = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	(void)a;
	return p == MAP_FAILED ? errno : 0;
}

/* Memory that is promised, and counted as such. */
static int call_commit(char **a)
{
	void *p = mmap(NULL, strtoul(a[0], NULL, 0), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

/* Mappings of one page that cannot be joined, until no more are allowed. */
static int call_maps(char **a)
{
	void *p = NULL;

	(void)a;
	for (int i = 0; i < 1 << 20 && p != MAP_FAILED; i++)
		p = mmap(NULL, 4096, i & 1 ? PROT_READ : PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? errno : 0;
}

static int call_timers(char **a)
{
	int r = 0;

	(void)a;
	for (int i = 0; i < 1 << 16 && !r; i++) {
		timer_t t;

		r = timer_create(CLOCK_MONOTONIC, NULL, &t);
	}
	return result(r);
}

static int call_mlock(char **a)
{
	size_t n = strtoul(a[0], NULL, 0);
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : result(mlock(p, n));
}

/* Fills pipes, whose memory is charged to the cgroup; nothing of it can be reclaimed. */
static int call_pipes(char **a)
{
	static char b[65536];
	int fd[300][2], n = sizeof(fd) / sizeof(*fd);

	(void)a;
	for (int i = 0; i < n; i++)
		if (pipe2(fd[i], O_NONBLOCK))
			die("pipe");
	for (int i = 0; i < n; i++)
		if (write(fd[i][1], b, sizeof(b)) < 0)
			return errno;
	return 0;
}

/* Children that wait, until no more are allowed. */
static int call_fork(char **a)
{
	int hold[2];
	pid_t pid = 0;
	char c;

	(void)a;
	if (pipe(hold))
		die("pipe");
	for (int i = 0; i < 200 && pid >= 0; i++) {
		pid = fork();
		if (!pid) {
			close(hold[1]);
			_exit(read(hold[0], &c, 1) < 0);
		}
	}
	return result(pid);
}

static int call_unshare(char **a) { return result(unshare((int)strtoul(a[0], NULL, 0))); }

static int call_inotify(char **a)
{
	int fd = 0;

	(void)a;
	while (fd >= 0)
		fd = inotify_init1(0);
	return errno;
}

static int call_watch(char **a)
{
	int fd = inotify_init1(0), wd = 0;
	char path[256];

	for (int i = 0; i < 4096 && wd >= 0; i++) {
		snprintf(path, sizeof(path), "%s/%d", a[0], i);
		mkdir(path, 0755);
		wd = inotify_add_watch(fd, path, IN_CREATE);
	}
	return result(wd);
}

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

static int call_idle(char **a)
{
	(void)a;
	while (pause() < 0)
		;
	return 0;
}

static int call_connect(char **a)
{
	union address to;
	socklen_t n = address(&to, a);

	return result(connect(sock(&to, 0), &to.sa, n));
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

	return result(bind(sock(&to, 0), &to.sa, n));
}

static int call_raw(char **a)
{
	(void)a;
	return result(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static pid_t target(const char *s)
{
	return strcmp(s, "-") ? atoi(s) : beside;
}

static int call_kill(char **a) { return result(kill(target(a[0]), 0)); }
static int call_ptrace(char **a) { return result(ptrace(PTRACE_SEIZE, target(a[0]), NULL, NULL)); }

static int call_mount(char **a)
{
	return result(mount("tmpfs", a[0], "tmpfs", 0, NULL));
}

static int call_hostname(char **a) { return result(sethostname(a[0], strlen(a[0]))); }
static int call_chroot(char **a) { return result(chroot(a[0])); }
static int call_nice(char **a) { return result(setpriority(PRIO_PROCESS, 0, atoi(a[0]))); }

/* To the time that it is: harmless where it is not refused. */
static int call_settime(char **a)
{
	struct timespec t;

	(void)a;
	clock_gettime(CLOCK_REALTIME, &t);
	return result(syscall(SYS_clock_settime, CLOCK_REALTIME, &t));
}

static int call_iopl(char **a)
{
	(void)a;
#ifdef SYS_iopl
	return result(syscall(SYS_iopl, 3));
#else
	errno = ENOSYS;
	return ENOSYS;
#endif
}

/* A module of no contents: who may load none is refused before that is seen. */
static int call_module(char **a)
{
	static char image[64];

	(void)a;
	return result(syscall(SYS_init_module, image, sizeof(image), ""));
}

static int call_rlimit(char **a)
{
	struct rlimit r;

	(void)a;
	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_max++;
	return result(setrlimit(RLIMIT_NOFILE, &r));
}

static int call_bpf(char **a)
{
	char attr[128] = "";

	(void)a;
	return result(syscall(SYS_bpf, 5 /* BPF_PROG_LOAD */, attr, sizeof(attr)));
}

/* A call that Linux has had no more since 2.6, or (generic numbers) since 3.1. */
static int call_nosys(char **a)
{
	(void)a;
#ifdef SYS_create_module
	return result(syscall(SYS_create_module, NULL, 0));
#else
	return result(syscall(SYS_nfsservctl, 0, NULL, NULL));
#endif
}

static int call_errno(char **a)
{
	step_filter(SECCOMP_RET_ERRNO | (uint32_t)atoi(a[0]), SYS_getpgid);
	return result(syscall(SYS_getpgid, 0));
}

static int call_killed(char **a)
{
	(void)a;
	step_filter(SECCOMP_RET_KILL_PROCESS, SYS_getpgid);
	return result(syscall(SYS_getpgid, 0));
}

static const struct verb {
	const char *name;
	int nargs;
	void (*step)(char **args);
	int (*call)(char **args);
} verbs[] = {
	{ "hold", 1, step_hold, NULL }, { "as", 1, step_as, NULL }, { "groups", 2, step_groups, NULL },
	{ "user", 1, step_user, NULL }, { "nnp", 0, step_nnp, NULL }, { "cd", 1, step_cd, NULL },
	{ "in-root", 1, step_chroot, NULL }, { "make-dir", 2, step_mkdir, NULL }, { "file", 2, step_file, NULL },
	{ "copy", 2, step_copy, NULL }, { "own", 2, step_own, NULL }, { "device", 3, step_device, NULL }, { "mounted", 4, step_mount, NULL },
	{ "immutable", 1, step_immutable, NULL }, { "acl", 3, step_acl, NULL }, { "landlock", 0, step_landlock, NULL }, { "sysctl", 2, step_sysctl, NULL },
	{ "in-ns", 1, step_unshare, NULL }, { "beside", 1, step_beside, NULL }, { "listen", 2, step_listen, NULL }, { "udp", 2, step_udp, NULL },
	{ "left-behind", 1, step_left_behind, NULL }, { "idle", 0, NULL, call_idle },
	{ "open", 2, NULL, call_open }, { "exec", 1, NULL, call_exec }, { "mkdir", 1, NULL, call_mkdir },
	{ "unlink", 1, NULL, call_unlink }, { "rename", 2, NULL, call_rename }, { "chmod", 1, NULL, call_chmod }, { "chown", 2, NULL, call_chown },
	{ "stat", 1, NULL, call_stat }, { "readlink", 1, NULL, call_readlink }, { "mknod", 3, NULL, call_mknod }, { "write", 1, NULL, call_write },
	{ "inodes", 1, NULL, call_inodes }, { "files", 0, NULL, call_files }, { "mmap", 1, NULL, call_mmap },
	{ "commit", 1, NULL, call_commit }, { "maps", 0, NULL, call_maps }, { "timers", 0, NULL, call_timers },
	{ "iopl", 0, NULL, call_iopl }, { "module", 0, NULL, call_module },
	{ "hugetlb", 0, NULL, call_hugetlb }, { "mlock", 1, NULL, call_mlock }, { "pipes", 0, NULL, call_pipes }, { "fork", 0, NULL, call_fork },
	{ "unshare", 1, NULL, call_unshare }, { "inotify", 0, NULL, call_inotify }, { "watch", 1, NULL, call_watch },
	{ "connect", 2, NULL, call_connect }, { "connect-later", 2, NULL, call_connect_later },
	{ "bind", 2, NULL, call_bind }, { "raw", 0, NULL, call_raw }, { "kill", 1, NULL, call_kill },
	{ "ptrace", 1, NULL, call_ptrace }, { "mount", 1, NULL, call_mount }, { "hostname", 1, NULL, call_hostname },
	{ "chroot", 1, NULL, call_chroot }, { "nice", 1, NULL, call_nice }, { "settime", 0, NULL, call_settime },
	{ "rlimit", 0, NULL, call_rlimit }, { "bpf", 0, NULL, call_bpf }, { "nosys", 0, NULL, call_nosys },
	{ "errno", 1, NULL, call_errno }, { "killed", 0, NULL, call_killed },
};

/* The words of @argv as steps, up to the first call. "self PATH": go on as that program. */
int load_deny(int argc, char **argv)
{
	for (int i = 1; i < argc;) {
		const struct verb *v = NULL;

		if (!strcmp(argv[i], "self") && i + 1 < argc) {
			char **rest = argv + i + 1;
			char *path = rest[0], *args[64] = { path, (char *)"deny" };
			int n = 2;

			for (rest++; *rest && n < 63; rest++)
				args[n++] = *rest;
			execv(path, args);
			die("self");
		}
		for (size_t k = 0; k < sizeof(verbs) / sizeof(*verbs) && !v; k++)
			if (!strcmp(argv[i], verbs[k].name) && i + verbs[k].nargs < argc)
				v = &verbs[k];
		if (!v) {
			fprintf(stderr, "ph-load deny: there is no '%s', or too few words follow\n", argv[i]);
			return 2;
		}
		if (v->step) {
			v->step(argv + i + 1);
			i += v->nargs + 1;
			continue;
		}
		i = v->call(argv + i + 1);
		usleep(hold_ms * 1000);
		printf("deny=%s errno=%s\n", v->name, i ? strerrorname_np(i) : "0");
		return i ? 1 : 0;
	}
	printf("words:");
	for (size_t k = 0; k < sizeof(verbs) / sizeof(*verbs); k++)
		printf(" %s", verbs[k].name);
	printf(" self\n");
	return argc > 1 ? 2 : 0;
}
