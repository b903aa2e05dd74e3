/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/opt.h"
#include "base/parse.h"
#include "launch/launch.h"

static const struct {
	const char *name;	/* as in /proc/PID/ns */
	int flag;
} ns_types[] = {
	{ "pid", CLONE_NEWPID }, { "mnt", CLONE_NEWNS }, { "net", CLONE_NEWNET },
	{ "uts", CLONE_NEWUTS }, { "ipc", CLONE_NEWIPC }, { "cgroup", CLONE_NEWCGROUP },
	{ "user", CLONE_NEWUSER }, { "time", CLONE_NEWTIME },
};

#define NS_DEFAULT (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWCGROUP)

static struct {
	const char *name, *cgroup, *hostname, *rootfs, *caps, *cpu, *stop, *log;
	ph_strv unshare, share, join, bind, seccomp, rlimits, env;
	struct ph_limits lim;
	uint64_t seccomp_errno, timeout_ns, uid_base;
	bool no_new_privs, detach, no_cgroup, cleanup, list, quiet;
} opt = { .caps = "default", .seccomp_errno = EPERM, .uid_base = 100000 };

static const struct ph_opt main_opts[] = {
	{ "name", 'n', PH_OPT_STR, "NAME", &opt.name, .help = "the container's name, also its host name and cgroup" },
	{ "detach", 'd', PH_OPT_FLAG, NULL, &opt.detach, .help = "print the host pid of its first process and return once that runs the command" },
	{ "log", 'l', PH_OPT_STR, "FILE", &opt.log, .help = "where the container's output goes (with --detach by default nowhere)" },
	{ "timeout", 't', PH_OPT_DURATION, "TIME", &opt.timeout_ns, .help = "kill the container after TIME" },
	{ "env", 'e', PH_OPT_STRV, "K=V", &opt.env, .help = "a variable for the command" },
	{ "quiet", 'q', PH_OPT_FLAG, NULL, &opt.quiet, .help = "do not say which limits could not be set" },
	{ 0 }
};

static const struct ph_opt ns_opts[] = {
	{ "unshare", 'u', PH_OPT_LIST, "TYPES", &opt.unshare, .help = "new namespaces: pid, mnt, net, uts, ipc, cgroup, user, time, or all (default: all but user and time)" },
	{ "share", 's', PH_OPT_LIST, "TYPES", &opt.share, .help = "keep the host's: --share pid is what Docker calls --pid=host" },
	{ "join-ns", 'j', PH_OPT_LIST, "TYPE:PID", &opt.join, .help = "enter the namespace of another process" },
	{ "uid-base", 0, PH_OPT_U64, "UID", &opt.uid_base, .help = "host uid and gid of root in a new user namespace (default 100000; without root: ours)" },
	{ "rootfs", 'r', PH_OPT_STR, "DIR", &opt.rootfs, .help = "root file system: a directory, or host (default: a tmpfs with busybox and ph-load)" },
	{ "bind", 'b', PH_OPT_STRV, "SRC:DST[:rw]", &opt.bind, .help = "bind a path of the host, read-only unless rw" },
	{ "hostname", 0, PH_OPT_STR, "NAME", &opt.hostname, .help = "another host name" },
	{ 0 }
};

static const struct ph_opt limit_opts[] = {
	{ "cgroup", 0, PH_OPT_STR, "PATH", &opt.cgroup, .help = "below each hierarchy's root (default: " PH_LAUNCH_CGROUP "/NAME)" },
	{ "no-cgroup", 0, PH_OPT_FLAG, NULL, &opt.no_cgroup, .help = "stay in our cgroups" },
	{ "cpus", 0, PH_OPT_STR, "N", &opt.cpu, .help = "CPU limit, as 0.5" },
	{ "cpu-period", 0, PH_OPT_U64, "USEC", &opt.lim.cpu_period_us, .help = "period of that limit (default 100000)" },
	{ "cpu-burst", 0, PH_OPT_U64, "USEC", &opt.lim.cpu_burst_us, .help = "unused quota that may be saved" },
	{ "cpu-weight", 0, PH_OPT_U64, "N", &opt.lim.cpu_weight, .help = "share of the CPU against its siblings, 1 to 10000" },
	{ "memory", 'm', PH_OPT_SIZE, "SIZE", &opt.lim.memory_bytes, .help = "memory limit" },
	{ "pids", 0, PH_OPT_U64, "N", &opt.lim.pids, .help = "most tasks" },
	{ "few-devices", 0, PH_OPT_FLAG, NULL, &opt.lim.few_devices, .help = "only the devices that every container has: null, zero, full, random, terminals" },
	{ "rlimit", 0, PH_OPT_LIST, "NAME=N", &opt.rlimits, .help = "a resource limit of the process" },
	{ "caps", 0, PH_OPT_STR, "LIST", &opt.caps, .help = "capabilities to keep: all, none, default (Docker's), or names" },
	{ "no-new-privs", 0, PH_OPT_FLAG, NULL, &opt.no_new_privs, .help = "set no_new_privs" },
	{ "seccomp", 0, PH_OPT_LIST, "CALLS", &opt.seccomp, .help = "system calls to refuse, by name or number" },
	{ "seccomp-errno", 0, PH_OPT_U64, "N", &opt.seccomp_errno, .help = "what a refused call returns (default 1, EPERM)" },
	{ 0 }
};

static const struct ph_opt admin_opts[] = {
	{ "list", 0, PH_OPT_FLAG, NULL, &opt.list, .help = "the running containers: name, host pid, cgroup" },
	{ "stop", 0, PH_OPT_STR, "NAME", &opt.stop, .help = "kill a container and wait until it is gone" },
	{ "cleanup", 0, PH_OPT_FLAG, NULL, &opt.cleanup, .help = "remove what containers left whose launcher was killed" },
	{ 0 }
};

static const struct ph_opt_group groups[] = {
	{ "Options", main_opts }, { "Namespaces and files", ns_opts }, { "Limits", limit_opts },
	{ "Instead of a container", admin_opts }, { 0 }
};

static int fail(const struct ph_err *err)
{
	fprintf(stderr, "ph-launch: %s\n", err->msg);
	return 125;	/* as `docker run` does, apart from what a command may return */
}

static void warn(const char *msg)
{
	if (!opt.quiet)
		fprintf(stderr, "ph-launch: %s: %s\n", opt.name ? opt.name : "", msg);
}

/* --- state files: "NAME" holds launcher pid, its start time, init pid, made, cgroup path --- */

const char *ph_state_dir(void)
{
	static char dir[64];

	if (!dir[0]) {
		if (geteuid() || (mkdir("/run/porthole-launch", 0755) && errno != EEXIST))
			snprintf(dir, sizeof(dir), "/tmp/porthole-launch-%u", geteuid());
		else
			snprintf(dir, sizeof(dir), "/run/porthole-launch");
		mkdir(dir, 0755);
	}
	return dir;
}

struct state {
	int launcher, init;
	unsigned long long start;	/* of the launcher: a pid alone may have been given to another */
	size_t made;
	char cgroup[512];
};

/* 0 where there is no such process (any more). */
static unsigned long long start_time(int pid)
{
	char path[64];
	ph_autobuf b = { 0 };
	unsigned long long t;
	char *end, state;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (ph_read_file_at(AT_FDCWD, path, 4096, &b) || !(end = strrchr(b.p, ')')))
		return 0;
	/* A zombie does nothing more for its container, however long nobody waits for it. */
	return sscanf(end + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		      "%*s %*s %llu", &state, &t) == 2 && state != 'Z' ? t : 0;
}

static char *state_path(const char *name)
{
	return ph_asprintf("%s/%s.state", ph_state_dir(), name);
}

static int write_state(const struct state *s, struct ph_err *err)
{
	ph_autofree char *path = state_path(opt.name);
	ph_autofree char *tmp = ph_asprintf("%s.%d", path, getpid());
	FILE *f = fopen(tmp, "we");

	if (!f)
		return ph_err_sys(err, errno, "%s", tmp);
	fprintf(f, "%d %llu %d %zu %s\n", s->launcher, s->start, s->init, s->made,
		s->cgroup[0] ? s->cgroup : "-");
	if (fclose(f) || rename(tmp, path))
		return ph_err_sys(err, errno, "%s", path);
	return 0;
}

static bool read_state(const char *name, struct state *s)
{
	ph_autofree char *path = state_path(name);
	ph_autobuf b = { 0 };

	return !ph_read_file_at(AT_FDCWD, path, 4096, &b) && b.p &&
	       sscanf(b.p, "%d %llu %d %zu %511s", &s->launcher, &s->start, &s->init, &s->made,
		      s->cgroup) == 5;
}

static bool running(const struct state *s)
{
	return s->start && start_time(s->launcher) == s->start;
}

static void remove_state(const char *name)
{
	ph_autofree char *path = state_path(name);

	unlink(path);
}

static int each_state(int (*fn)(const char *name, const struct state *s))
{
	ph_autoclosedir DIR *d = opendir(ph_state_dir());
	struct dirent *e;

	while (d && (e = readdir(d))) {
		size_t n = strlen(e->d_name);
		struct state s;

		if (n <= 6 || strcmp(e->d_name + n - 6, ".state"))
			continue;
		e->d_name[n - 6] = 0;
		if (read_state(e->d_name, &s))
			fn(e->d_name, &s);
	}
	return 0;
}

static int list_one(const char *name, const struct state *s)
{
	if (running(s))
		printf("%s\t%d\t/%s\n", name, s->init, s->cgroup[0] == '-' ? "" : s->cgroup);
	return 0;
}

static int cleanup_one(const char *name, const struct state *s)
{
	if (running(s))
		return 0;
	if (strcmp(s->cgroup, "-"))
		ph_cgroups_remove_path(s->cgroup, s->made);
	remove_state(name);
	printf("removed what was left of %s\n", name);
	return 0;
}

static int stop(const char *name, struct ph_err *err)
{
	struct state s;

	if (!read_state(name, &s) || !running(&s))
		return ph_err_set(err, ENOENT, "no container '%s' is running", name);
	/* The launcher kills and removes everything on SIGTERM. */
	kill(s.launcher, SIGTERM);
	for (int i = 0; i < 1000 && running(&s); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	return running(&s) ? ph_err_set(err, ETIMEDOUT, "'%s' did not end", name) : 0;
}

/* --- the container --- */

static int ns_flag(const char *name, size_t n, struct ph_err *err)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(ns_types); i++)
		if (strlen(ns_types[i].name) == n && !strncmp(ns_types[i].name, name, n))
			return ns_types[i].flag;
	return ph_err_set(err, EINVAL, "'%s': namespaces are pid, mnt, net, uts, ipc, cgroup, user "
			  "and time", name);
}

static int wanted_namespaces(int *ret, struct ph_err *err)
{
	int flags = opt.unshare.n ? 0 : NS_DEFAULT, f;

	ph_vec_each(s, &opt.unshare) {
		if (!strcmp(*s, "all")) {
			flags = NS_DEFAULT | CLONE_NEWUSER | CLONE_NEWTIME;
			continue;
		}
		f = ns_flag(*s, strlen(*s), err);
		if (f < 0)
			return f;
		flags |= f;
	}
	ph_vec_each(s, &opt.share) {
		f = ns_flag(*s, strlen(*s), err);
		if (f < 0)
			return f;
		flags &= ~f;
	}
	ph_vec_each(s, &opt.join) {
		f = ns_flag(*s, strcspn(*s, ":"), err);
		if (f < 0)
			return f;
		flags &= ~f;
	}
	*ret = flags;
	return 0;
}

/*
 * Enter others' namespaces. The launcher does, so that a new user namespace does not take away the
 * right to (a pid namespace takes effect for the child to come); but for the mount namespace, in
 * which it would not find its cgroups again: that one is the child's.
 */
static int join_namespaces(bool mnt, struct ph_err *err)
{
	ph_vec_each(s, &opt.join) {
		const char *colon = strchr(*s, ':');
		uint64_t pid;
		char path[64];

		if (!strncmp(*s, "mnt:", 4) != mnt)
			continue;
		if (!colon || ph_parse_u64(colon + 1, &pid, NULL))
			return ph_err_set(err, EINVAL, "--join-ns '%s' is not TYPE:PID", *s);
		snprintf(path, sizeof(path), "/proc/%llu/ns/%.*s", (unsigned long long)pid,
			 (int)(colon - *s), *s);
		ph_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || setns(fd, ns_flag(*s, (size_t)(colon - *s), NULL)))
			return ph_err_sys(err, errno, "join %s", path);
	}
	return 0;
}

static int write_map(pid_t pid, const char *file, unsigned int host, unsigned int count,
		     struct ph_err *err)
{
	ph_autofree char *path = ph_asprintf("/proc/%d/%s", pid, file);
	ph_autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || dprintf(fd, "0 %u %u\n", host, count) < 0)
		return ph_err_sys(err, errno, "%s", path);
	return 0;
}

static int map_ids(pid_t pid, struct ph_err *err)
{
	bool root = !geteuid();
	unsigned int count = root ? 65536 : 1;
	int r;

	if (!root) {
		/* The kernel wants this of those who may not map other groups than their own. */
		ph_autofree char *path = ph_asprintf("/proc/%d/setgroups", pid);
		ph_autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

		if (fd >= 0 && write(fd, "deny", 4) < 0)
			return ph_err_sys(err, errno, "%s", path);
	}
	r = write_map(pid, "gid_map", root ? (unsigned int)opt.uid_base : getegid(), count, err);
	return r ? r : write_map(pid, "uid_map", root ? (unsigned int)opt.uid_base : geteuid(), count, err);
}

static int child_setup(int flags, struct ph_err *err)
{
	const char *hostname = opt.hostname ? opt.hostname : opt.name;
	struct ph_mounts m = {
		.rootfs = opt.rootfs, .bind = (const char *const *)opt.bind.v, .nbind = opt.bind.n,
		.new_proc = flags & CLONE_NEWPID,
	};
	struct ph_confine c = {
		.no_new_privs = opt.no_new_privs, .seccomp = &opt.seccomp,
		.seccomp_errno = (int)opt.seccomp_errno, .rlimits = &opt.rlimits,
	};
	int r;

	r = join_namespaces(true, err);
	if (r)
		return r;
	if (flags & CLONE_NEWUSER) {
		if (!(r = setgroups(0, NULL)) || errno == EPERM)
			r = setresgid(0, 0, 0) || setresuid(0, 0, 0);
		if (r)
			return ph_err_sys(err, errno, "become root of the user namespace");
	}
	if (flags & CLONE_NEWCGROUP && unshare(CLONE_NEWCGROUP))
		return ph_err_sys(err, errno, "new cgroup namespace");
	if (flags & CLONE_NEWUTS && sethostname(hostname, strlen(hostname)))
		return ph_err_sys(err, errno, "set the host name");
	if (flags & CLONE_NEWNET && (r = ph_lo_up()))
		return ph_err_sys(err, r, "bring lo up");
	if (flags & CLONE_NEWNS && (r = ph_rootfs_enter(&m, err)))
		return r;
	r = ph_caps_parse(opt.caps, &c.caps, err);
	return r ? r : ph_confine(&c, err);
}

/* A file of the host, so before the change of the root. */
static int open_log(struct ph_err *err)
{
	int fd = opt.log ? open(opt.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;

	if (!opt.log)
		return 0;
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		return ph_err_sys(err, errno, "%s", opt.log);
	close(fd);
	return 0;
}

/* The container's first process; it comes back only with an error, which goes through @report. */
static void child_main(int flags, int go, int report, const sigset_t *mask, char **argv)
{
	static char *const base_env[] = { "PATH=/bin:/sbin:/usr/bin:/usr/sbin:/usr/local/bin", "HOME=/root", "TERM=dumb",
					  "container=porthole" };
	PH_VEC(char *) env = { 0 };
	struct ph_err err = { 0 };
	char c;

	/* Not beyond the launcher, which alone can remove what is outside. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (read(go, &c, 1) != 1)
		_exit(125);	/* the launcher failed and has said so */
	if (!open_log(&err) && !child_setup(flags, &err)) {
		for (size_t i = 0; i < PH_ARRAY_SIZE(base_env); i++)
			*ph_vec_push(&env) = base_env[i];
		ph_vec_each(e, &opt.env)
			*ph_vec_push(&env) = *e;
		*ph_vec_push(&env) = NULL;
		/* setresuid() above clears it. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvpe(argv[0], argv, env.v);
		ph_err_sys(&err, errno, "run %s", argv[0]);
	}
	if (write(report, err.msg, strlen(err.msg)) < 0)
		perror("ph-launch");
	_exit(125);
}

/* Wait for the container's end, a signal to us or the timeout; the exit code of the container. */
static int wait_for_end(pid_t child, int sigfd)
{
	struct pollfd pfd = { .fd = sigfd, .events = POLLIN };
	uint64_t end = opt.timeout_ns ? ph_now_ns() + opt.timeout_ns : 0;
	int status;

	for (;;) {
		int left = -1;
		struct signalfd_siginfo si;

		if (end) {
			uint64_t now = ph_now_ns();

			left = now < end ? (int)((end - now) / 1000000 + 1) : 0;
		}
		if (waitpid(child, &status, WNOHANG) == child)
			break;
		if (!poll(&pfd, 1, left)) {
			kill(child, SIGKILL);
			end = 0;
			continue;
		}
		if (read(sigfd, &si, sizeof(si)) == sizeof(si) && si.ssi_signo != SIGCHLD)
			kill(child, SIGKILL);
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/*
 * Start the container, tell @ready (if it is one) the pid or the error, wait for its end, and
 * remove what it had.
 */
static int run(char **argv, int ready, struct ph_err *err)
{
	struct ph_cgroups cg = { 0 };
	struct state st = { .launcher = getpid(), .start = start_time(getpid()) };
	int go[2], report[2], flags, r, sigfd, code = 125;
	sigset_t mask, old;
	ssize_t n;
	pid_t child;

	r = wanted_namespaces(&flags, err);
	if (r)
		return code;
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, &old);
	sigfd = signalfd(-1, &mask, SFD_CLOEXEC);
	if (sigfd < 0 || pipe2(go, O_CLOEXEC) || pipe2(report, O_CLOEXEC)) {
		ph_err_sys(err, errno, "pipe");
		return code;
	}

	if (!opt.no_cgroup) {
		ph_autofree char *path = opt.cgroup ? ph_strdup(opt.cgroup) :
			ph_asprintf(PH_LAUNCH_CGROUP "/%s", opt.name);

		/* Told before they are made: whoever cleans up after us must know of them. */
		snprintf(st.cgroup, sizeof(st.cgroup), "%s", path);
		st.made = 1;
		r = write_state(&st, err);
		if (!r)
			ph_cgroups_make(&cg, path, &opt.lim, warn);
		st.made = ph_cgroups_made(&cg);
	}
	if (!r)
		r = write_state(&st, err);
	if (!r)
		r = join_namespaces(false, err);
	if (!r && flags & CLONE_NEWTIME && !(flags & CLONE_NEWUSER) && unshare(CLONE_NEWTIME))
		r = ph_err_sys(err, errno, "new time namespace");
	if (r)
		goto out;

	/* Cgroup and time namespaces are entered later and earlier: see child_setup() and above. */
	child = (pid_t)syscall(SYS_clone, (flags & ~(CLONE_NEWCGROUP | CLONE_NEWTIME)) | SIGCHLD, NULL,
			       NULL, NULL, NULL);
	if (child < 0) {
		r = ph_err_sys(err, errno, "new namespaces");
		goto out;
	}
	if (!child) {
		close(go[1]);
		close(report[0]);
		if (ready >= 0)
			close(ready);
		child_main(flags, go[0], report[1], &old, argv);
	}
	close(go[0]);
	close(report[1]);
	st.init = child;
	ph_cgroups_attach(&cg, child, warn);
	if (flags & CLONE_NEWUSER)
		r = map_ids(child, err);
	if (!r)
		r = write_state(&st, err);
	if (!r && write(go[1], "g", 1) != 1)
		r = ph_err_sys(err, errno, "start");
	close(go[1]);

	/* The end of this pipe is closed by a successful execve. */
	n = r ? 0 : read(report[0], err->msg, sizeof(err->msg) - 1);
	if (n > 0) {
		err->msg[n] = 0;
		r = err->code = -ECANCELED;
	}
	if (!r && ready >= 0) {
		dprintf(ready, "%d\n", child);
		close(ready);
	}
	code = wait_for_end(child, sigfd);
out:
	ph_cgroups_remove(&cg);
	ph_cgroups_done(&cg);
	remove_state(opt.name);
	return r ? 125 : code;
}

/* With --detach a second process stays as the launcher; this one returns when the command runs. */
static int run_detached(char **argv, struct ph_err *err)
{
	ph_autobuf b = { 0 };
	int ready[2], null;
	char c;

	if (pipe2(ready, O_CLOEXEC))
		return ph_err_sys(err, errno, "pipe"), 125;
	switch (fork()) {
	case -1:
		return ph_err_sys(err, errno, "fork"), 125;
	case 0:
		setsid();
		close(ready[0]);
		/* stderr stays for warnings; the command's own is redirected as it starts. */
		null = open("/dev/null", O_RDWR | O_CLOEXEC);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		if (!opt.log)
			opt.log = "/dev/null";
		run(argv, ready[1], err);
		if (err->code)
			dprintf(ready[1], "!%s", err->msg);
		_exit(0);
	}
	close(ready[1]);
	while (read(ready[0], &c, 1) == 1)
		ph_buf_addc(&b, c);
	if (b.len && b.p[0] != '!') {
		fputs(b.p, stdout);
		return 0;
	}
	ph_err_set(err, ECANCELED, "%s", b.len ? b.p + 1 : "the launcher died");
	return 125;
}

static int check_name(struct ph_err *err)
{
	static char own[32];
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	struct state s;

	if (!opt.name) {
		snprintf(own, sizeof(own), "c%d", getpid());
		opt.name = own;
	}
	if (!opt.name[0] || opt.name[0] == '.' || strspn(opt.name, ok) != strlen(opt.name) ||
	    strlen(opt.name) > 63)
		return ph_err_set(err, EINVAL, "the name '%s' is not of letters, digits, '_', '.' and '-'",
				  opt.name);
	if (opt.cgroup && (opt.cgroup[0] == '/' || strstr(opt.cgroup, "..") ||
			   !opt.cgroup[0] || opt.cgroup[strlen(opt.cgroup) - 1] == '/' ||
			   strlen(opt.cgroup) > 500 || strpbrk(opt.cgroup, " \n")))
		return ph_err_set(err, EINVAL, "--cgroup '%s' is not a path below a hierarchy's root, "
				  "as a/b", opt.cgroup);
	if (read_state(opt.name, &s)) {
		if (running(&s))
			return ph_err_set(err, EEXIST, "a container '%s' is running", opt.name);
		cleanup_one(opt.name, &s);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct ph_err err = { 0 };
	ph_strv args = { 0 };
	ph_autobuf help = { 0 };
	size_t dashdash;
	char *end;
	int r;

	r = ph_opt_parse(groups, argc, argv, &args, &dashdash, &err);
	if (r == 1) {
		ph_buf_adds(&help, "usage: ph-launch [options] -- COMMAND [ARGUMENT...]\n\n"
			    "Run COMMAND in a container of its own.\n\n");
		ph_opt_help(groups, &help);
		fputs(help.p, stdout);
		return 0;
	}
	if (r)
		return fail(&err);
	if (opt.cleanup || opt.list)
		return each_state(opt.cleanup ? cleanup_one : list_one);
	if (opt.stop)
		return stop(opt.stop, &err) ? fail(&err) : 0;
	if (opt.cpu) {
		opt.lim.cpu = strtod(opt.cpu, &end);
		if (*end || !(opt.lim.cpu > 0 && opt.lim.cpu < 10000))
			return ph_err_set(&err, EINVAL, "--cpus '%s' is not a number of CPUs", opt.cpu),
			       fail(&err);
	}
	if (!args.n)
		return ph_err_set(&err, EINVAL, "no command; see ph-launch --help"), fail(&err);
	if (check_name(&err))
		return fail(&err);
	*ph_vec_push(&args) = NULL;
	r = opt.detach ? run_detached(args.v, &err) : run(args.v, -1, &err);
	return err.code ? fail(&err) : r;
}
