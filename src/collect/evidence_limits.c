/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits of cgroups and of the kernel, the memory there is, the task that a call was aimed at. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "collect/evidence.h"

#define LEVELS_MAX 16
/* A pid is looked for among this many tasks at most. */
#define TASKS_MAX 32768

static long long number_in(int dirfd, const char *file, long long none)
{
	ph_autobuf b = { 0 };

	if (ph_read_file_at(dirfd, file, 4096, &b) < 0 || !b.len)
		return none;
	return strncmp(b.p, "max", 3) ? atoll(b.p) : -1;
}

/* The number behind @key in a file of "key number" lines, -1 where it is not. */
static long long keyed_in(int dirfd, const char *file, const char *key)
{
	ph_autobuf b = { 0 };
	size_t n = strlen(key);

	if (ph_read_file_at(dirfd, file, 1 << 16, &b) < 0)
		return -1;
	for (const char *p = b.p; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (!strncmp(p, key, n) && (p[n] == ' ' || p[n] == ':'))
			return atoll(p + n + 1 + strspn(p + n + 1, " "));
	return -1;
}

/* The directory of cgroup @id where @controller is mounted: a descriptor and its path, or -1. */
static int open_cgroup(const char *controller, uint64_t id, char *path, size_t size)
{
	struct { struct file_handle h; uint64_t id; } fh = { .h = { .handle_bytes = 8, .handle_type = 0xfe } };
	const struct ph_hierarchy *h;
	struct ph_cgroupfs fs;
	char link[64], full[4096];
	int root, mount = -1, fd = -1;
	ssize_t n;

	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	ph_cgroupfs_open(&fs, root);
	h = ph_cgroupfs_by_controller(&fs, controller);
	if (h && h->mount)
		mount = openat(root, h->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* FILEID_KERNFS: the id is the handle. */
	memcpy(fh.h.f_handle, &id, sizeof(id));
	if (mount >= 0)
		fd = open_by_handle_at(mount, &fh.h, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, full, sizeof(full) - 1);
		full[n > 0 ? n : 0] = 0;
		snprintf(path, size, "%s", strlen(full) > strlen(h->mount) + 1 ? full + strlen(h->mount) + 1 : "/");
	}
	if (mount >= 0)
		close(mount);
	ph_cgroupfs_done(&fs);
	close(root);
	return fd;
}

/* From a cgroup up to its hierarchy's root: @tell is asked at each. */
static void each_ancestor(struct ev_look *l, const char *controller, uint64_t id,
			  void (*tell)(struct ev_look *l, int fd, const char *path, int level))
{
	char path[4096];
	int fd = id ? open_cgroup(controller, id, path, sizeof(path)) : -1;

	for (int level = 0; fd >= 0 && level < LEVELS_MAX; level++) {
		char *slash;
		int up;

		tell(l, fd, path, level);
		slash = strrchr(path, '/');
		if (!slash || !strcmp(path, "/"))
			break;
		slash[slash == path] = 0;
		up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = up;
	}
	if (fd >= 0)
		close(fd);
}

static void tell_pids(struct ev_look *l, int fd, const char *path, int level)
{
	long long max = number_in(fd, "pids.max", -2);

	if (max == -2)
		return;
	ph_fact(l, "pids", path, "", "max=%lld current=%lld events=%lld level=%d", max,
		number_in(fd, "pids.current", -1), keyed_in(fd, "pids.events", "max"), level);
}

void ph_look_pids(struct ev_look *l)
{
	each_ancestor(l, "pids", l->f->pids_cgroup, tell_pids);
}

/* Of memory.stat: @v2's name or, of a group with those below it, @v1's. */
static long long stat_in(int fd, const char *v2, const char *v1)
{
	long long n = keyed_in(fd, "memory.stat", v1);

	return n >= 0 ? n : keyed_in(fd, "memory.stat", v2);
}

/* "No limit" is a very large number on v1. */
#define V1_NO_LIMIT (1LL << 60)

static void tell_memory(struct ev_look *l, int fd, const char *path, int level)
{
	long long max = number_in(fd, "memory.max", -2), use, failed, kills, peak;

	if (max != -2) {
		use = number_in(fd, "memory.current", -1);
		peak = number_in(fd, "memory.peak", -1);
		failed = keyed_in(fd, "memory.events", "max");
		kills = keyed_in(fd, "memory.events", "oom_kill");
	} else {
		max = number_in(fd, "memory.limit_in_bytes", -2);
		if (max == -2)
			return;
		if (max >= V1_NO_LIMIT)
			max = -1;
		use = number_in(fd, "memory.usage_in_bytes", -1);
		peak = number_in(fd, "memory.max_usage_in_bytes", -1);
		failed = number_in(fd, "memory.failcnt", -1);
		kills = keyed_in(fd, "memory.oom_control", "oom_kill");
	}
	ph_fact(l, "memory", path, "",
		"max=%lld current=%lld peak=%lld failed=%lld oom_kills=%lld anon=%lld file=%lld shmem=%lld level=%d",
		max, use, peak, failed, kills, stat_in(fd, "anon", "total_rss"), stat_in(fd, "file", "total_cache"),
		stat_in(fd, "shmem", "total_shmem"), level);
}

#define USERS_MAX 3
#define MAPS_MAX 300000

struct user {
	long long rss;
	int pid;
};

static void add_user(struct user *top, int pid, long long rss)
{
	for (int i = 0; i < USERS_MAX; i++) {
		if (rss <= top[i].rss)
			continue;
		memmove(top + i + 1, top + i, (USERS_MAX - 1 - (size_t)i) * sizeof(*top));
		top[i] = (struct user){ rss, pid };
		return;
	}
}

static void tell_users(struct ev_look *l, int fd, const char *path, int level)
{
	struct user top[USERS_MAX] = { 0 };
	ph_autobuf b = { 0 };
	char file[64];

	if (level || ph_read_file_at(fd, "cgroup.procs", 1 << 16, &b) < 0 || !b.len)
		return;
	for (char *p = b.p; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		ph_autobuf m = { 0 };
		long long rss;

		snprintf(file, sizeof(file), "/proc/%d/statm", atoi(p));
		if (ph_read_file_at(AT_FDCWD, file, 256, &m) >= 0 && m.len && sscanf(m.p, "%*d %lld", &rss) == 1)
			add_user(top, atoi(p), rss * sysconf(_SC_PAGESIZE));
	}
	for (int i = 0; i < USERS_MAX && top[i].rss; i++) {
		ph_autobuf comm = { 0 };

		snprintf(file, sizeof(file), "/proc/%d/comm", top[i].pid);
		if (ph_read_file_at(AT_FDCWD, file, 64, &comm) < 0 || !comm.len)
			continue;
		comm.p[strcspn(comm.p, "\n")] = 0;
		ph_fact(l, "process", path, comm.p, "pid=%d rss=%lld", top[i].pid, top[i].rss);
	}
}

void ph_look_memory_users(struct ev_look *l)
{
	each_ancestor(l, "memory", l->f->memory_cgroup, tell_users);
}

/* How many mappings the process has; above the limit that is usual, counting them would take too long. */
static void tell_maps(struct ev_look *l)
{
	char path[64], b[16384];
	long long maps = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/maps", l->f->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	while ((n = read(fd, b, sizeof(b))) > 0 && maps < MAPS_MAX)
		for (ssize_t i = 0; i < n; i++)
			maps += b[i] == '\n';
	close(fd);
	ph_fact(l, "maps", "", "", "count=%lld all=%d", maps, n == 0);
}

void ph_look_memory(struct ev_look *l)
{
	each_ancestor(l, "memory", l->f->memory_cgroup, tell_memory);
	ph_look_sysctl(l, "vm/overcommit_memory");
	ph_look_sysctl(l, "vm/max_map_count");
	if (l->alive && l->f->error == ENOMEM)
		tell_maps(l);
	ph_fact(l, "meminfo", "", "",
		"MemAvailable=%lld CommitLimit=%lld Committed_AS=%lld HugePages_Total=%lld HugePages_Free=%lld",
		keyed_in(AT_FDCWD, "/proc/meminfo", "MemAvailable"), keyed_in(AT_FDCWD, "/proc/meminfo", "CommitLimit"),
		keyed_in(AT_FDCWD, "/proc/meminfo", "Committed_AS"),
		keyed_in(AT_FDCWD, "/proc/meminfo", "HugePages_Total"),
		keyed_in(AT_FDCWD, "/proc/meminfo", "HugePages_Free"));
}

void ph_look_sysctl(struct ev_look *l, const char *name)
{
	ph_autofree char *path = ph_asprintf("/proc/sys/%s", name);
	ph_autobuf b = { 0 };

	if (ph_read_file_at(AT_FDCWD, path, 4096, &b) < 0 || !b.len) {
		ph_fact(l, "sysctl", name, "", "there=0");
		return;
	}
	b.p[strcspn(b.p, "\n")] = 0;
	ph_fact(l, "sysctl", name, b.p, "there=1 value=%lld", atoll(b.p));
}

/* "none [integrity] confidentiality": the one in brackets. */
void ph_look_lockdown(struct ev_look *l)
{
	ph_autobuf b = { 0 };
	char *from, *to;

	if (ph_read_file_at(AT_FDCWD, "/sys/kernel/security/lockdown", 256, &b) < 0 || !b.len)
		return;
	from = strchr(b.p, '[');
	to = from ? strchr(from, ']') : NULL;
	if (!to)
		return;
	*to = 0;
	ph_fact(l, "lockdown", "", from + 1, "readable=1");
}

static int count_device_programs(int fd)
{
	union bpf_attr a = { .query = { .target_fd = (uint32_t)fd, .attach_type = BPF_CGROUP_DEVICE,
					.query_flags = BPF_F_QUERY_EFFECTIVE } };

	return syscall(SYS_bpf, BPF_PROG_QUERY, &a, sizeof(a)) < 0 ? -1 : (int)a.query.prog_cnt;
}

/* The device list of v1's controller; what v2's program allows only that program knows. */
void ph_look_devices(struct ev_look *l)
{
	const struct ph_hierarchy *h, *v2;
	ph_autofree char *path = NULL;
	char list[4096];
	struct ph_cgroupfs fs;
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

	if (root < 0)
		return;
	ph_cgroupfs_open(&fs, root);
	h = ph_cgroupfs_by_controller(&fs, "devices");
	v2 = ph_cgroupfs_by_num(&fs, 0);
	if (l->view && l->view->cgroups && h && h->num > 0 && h->mount &&
	    (path = ph_cgroup_path_of(l->view->cgroups, h->num))) {
		if (ph_cgroupfs_read(&fs, h, path, "devices.list", list, sizeof(list)) == 0)
			ph_fact(l, "devices", path, list, "version=1");
	} else if (l->view && l->view->cgroups && v2 && v2->mount &&
		   (path = ph_cgroup_path_of(l->view->cgroups, 0))) {
		ph_autofree char *full = ph_asprintf("/%s%s", v2->mount, path);

		fd = open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0) {
			ph_fact(l, "devices", path, "", "version=2 programs=%d", count_device_programs(fd));
			close(fd);
		}
	}
	ph_cgroupfs_done(&fs);
	close(root);
}

/* ---- the task that a call was aimed at --------------------------------------------------------------- */

static void tell_target(struct ev_look *l, int32_t pid, const char *where)
{
	ph_autobuf b = { 0 };
	char path[64], comm[64] = "";
	unsigned int ruid = 0, euid = 0, suid = 0;
	unsigned long caps = 0;
	const char *p;

	snprintf(path, sizeof(path), "%d/status", pid);
	if (ph_read_file_at(l->views->proc, path, 1 << 16, &b) < 0 || !b.len)
		return;
	if (!strncmp(b.p, "Name:\t", 6))
		snprintf(comm, sizeof(comm), "%.*s", (int)strcspn(b.p + 6, "\n"), b.p + 6);
	if ((p = strstr(b.p, "\nUid:")))
		sscanf(p + 5, "%u %u %u", &ruid, &euid, &suid);
	if ((p = strstr(b.p, "\nCapPrm:")))
		caps = strtoul(p + 8, NULL, 16);
	ph_fact(l, "target", where, comm,
		"pid=%d uid=%u euid=%u suid=%u cap_permitted=%lu user_ns=%u pid_ns=%u kthread=%d", pid, ruid, euid,
		suid, caps, ph_proc_ns(l->views->proc, pid, "user"), ph_proc_ns(l->views->proc, pid, "pid"), !strstr(b.p, "\nVmSize:"));
}

/* The host's number of the process that is @vpid in the caller's pid namespace; 0: there is none. */
static int32_t find_pid(const struct ev_look *l, int32_t vpid)
{
	ph_autoclosedir DIR *dir = opendir("/proc");
	int32_t levels[PH_PROC_LEVELS];
	struct dirent *de;
	int tasks = 0;

	while (dir && (de = readdir(dir)) && tasks++ < TASKS_MAX) {
		int32_t pid = atoi(de->d_name);
		int n;

		if (pid <= 0 || ph_proc_ns(l->views->proc, pid, "pid") != l->f->pid_ns)
			continue;
		n = ph_proc_nspid(l->views->proc, pid, levels);
		if (n > 0 && levels[n - 1] == vpid)
			return pid;
	}
	return 0;
}

void ph_look_target(struct ev_look *l, int32_t vpid)
{
	int32_t pid;

	/* A group of processes, all, or a number that nobody can have. */
	if (vpid < 0)
		vpid = vpid == -1 || vpid == INT32_MIN ? 0 : -vpid;
	if (vpid <= 0)
		return;
	pid = find_pid(l, vpid);
	if (pid)
		tell_target(l, pid, "inside");
	else
		ph_fact(l, "target", "inside", "", "pid=0");
	if (l->f->pid_ns != l->c->ct.host_ns[PH_NS_PID])
		tell_target(l, vpid, "outside");
}

/* Has this kernel the call? A weak symbol is the stub that stands for calls left out. */
void ph_look_kernel(struct ev_look *l)
{
#if defined(__x86_64__)
	ph_autofree char *sym = ph_asprintf("__%s_sys_%s", l->f->compat ? "ia32" : "x64", l->f->name);
#else
	ph_autofree char *sym = ph_asprintf("__%s_sys_%s", l->f->compat ? "arm64_compat" : "arm64", l->f->name);
#endif
	ph_autofclose FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], name[256], type;
	int has = -1;

	while (f && fgets(line, sizeof(line), f)) {
		if (has < 0)
			has = 0;
		if (sscanf(line, "%*s %c %255s", &type, name) == 2 && !strcmp(name, sym)) {
			has = type == 'T' || type == 't';
			break;
		}
	}
	ph_fact(l, "kernel", l->f->name, "", "has_call=%d", has);
}
