/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/bpf_common.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "launch/launch.h"

/* Every mounted cgroup hierarchy once, from mountinfo: v1, v2, or both (hybrid). */
static void find_hierarchies(struct ph_cgroups *cg)
{
	ph_autofclose FILE *f = fopen("/proc/self/mountinfo", "re");
	ph_autofree char *line = NULL;
	size_t cap = 0;

	if (!f)
		return;
	while (getline(&line, &cap, f) > 0) {
		char *tail = strstr(line, " - "), *type, *super, *save;
		ph_autofree char *mount = NULL;
		struct ph_cgroup_dir *d;
		bool seen = false;

		if (!tail || sscanf(line, "%*s %*s %*s %*s %ms", &mount) != 1)
			continue;
		type = strtok_r(tail + 3, " \n", &save);
		if (!type || (strcmp(type, "cgroup") && strcmp(type, "cgroup2")))
			continue;
		strtok_r(NULL, " \n", &save);
		super = strtok_r(NULL, " \n", &save);
		ph_unescape_octal(mount);

		/* The v1 super options are "rw,cpu,cpuacct": behind rw or ro come the controllers. */
		if (super && !strncmp(super, "rw", 2))
			super += super[2] == ',' ? 3 : 2;
		if (!strcmp(type, "cgroup2") || !super)
			super = "";
		for (size_t i = 0; i < cg->n; i++)
			seen |= !strcmp(cg->v[i].controllers, super) &&
				cg->v[i].v2 == !strcmp(type, "cgroup2");
		if (seen)
			continue;
		d = ph_vec_push(cg);
		d->mount = ph_take(mount);
		d->controllers = ph_strdup(super);
		d->v2 = !strcmp(type, "cgroup2");
	}
}

static bool has_controller(const struct ph_cgroup_dir *d, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = d->controllers; *p; p += strcspn(p, ","), p += *p == ',')
		if (!strncmp(p, name, n) && (p[n] == ',' || !p[n]))
			return true;
	return false;
}

static char *dir_file(const struct ph_cgroup_dir *d, const char *path, const char *file)
{
	return ph_asprintf("%s/%s/%s", d->mount, path, file);
}

static int write_file(const char *path, const char *val)
{
	ph_autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, val, strlen(val)) < 0 ? -errno : 0;
}

/* A v1 cpuset group takes no task before it has CPUs and memory nodes: copy the parent's. */
static void inherit_cpuset(const struct ph_cgroup_dir *d, const char *parent, const char *path)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(files); i++) {
		ph_autofree char *from = dir_file(d, parent, files[i]);
		ph_autofree char *to = dir_file(d, path, files[i]);
		ph_autobuf b = { 0 };

		if (!ph_read_file_at(AT_FDCWD, from, 4096, &b) && b.len)
			write_file(to, b.p);
	}
}

/*
 * Let the children of a group which we made have the controllers that it has. (In a group that we
 * did not make nothing is changed: what its owner has not enabled stays unavailable.)
 */
static void enable_controllers(const struct ph_cgroup_dir *d, const char *path)
{
	ph_autofree char *from = dir_file(d, path, "cgroup.controllers");
	ph_autofree char *to = dir_file(d, path, "cgroup.subtree_control");
	ph_autobuf b = { 0 };
	char *save = NULL;

	if (ph_read_file_at(AT_FDCWD, from, 4096, &b) || !b.len)
		return;
	for (char *c = strtok_r(b.p, " \n", &save); c; c = strtok_r(NULL, " \n", &save)) {
		ph_autofree char *plus = ph_asprintf("+%s", c);

		write_file(to, plus);
	}
}

static int make_path_once(struct ph_cgroup_dir *d, const char *path)
{
	ph_autofree char *part = ph_strdup(path);
	size_t len = strlen(part);

	d->made = 0;
	for (size_t i = 1; i <= len; i++) {
		ph_autofree char *dir = NULL;
		ph_autofree char *parent = NULL;
		char *slash;

		if (part[i] && part[i] != '/')
			continue;
		part[i] = 0;
		dir = ph_asprintf("%s/%s", d->mount, part);
		if (!mkdir(dir, 0755)) {
			d->made++;
			slash = strrchr(part, '/');
			parent = slash ? ph_strndup(part, (size_t)(slash - part)) : ph_strdup("");
			if (has_controller(d, "cpuset"))
				inherit_cpuset(d, parent, part);
			if (d->v2 && i < len)
				enable_controllers(d, part);
		} else if (errno != EEXIST) {
			return -errno;
		} else if (d->v2 && i < len && !strcmp(part, "porthole.d")) {
			/* Another launcher made it, maybe a moment ago: it may not have come to this. */
			enable_controllers(d, part);
		}
		if (i < len)
			part[i] = '/';
	}
	return 0;
}

/* Another container that ends may remove the empty parent between two of our steps: begin again. */
static int make_path(struct ph_cgroup_dir *d, const char *path)
{
	int r = -ENOENT;

	for (int i = 0; i < 100 && r == -ENOENT; i++)
		r = make_path_once(d, path);
	return r;
}

struct limit_file {
	const char *controller;
	const char *v1, *v2;		/* NULL: that version has no such file */
	char value_v1[64], value_v2[64];
	const char *what;
};

static void set_limit(const struct ph_cgroups *cg, const struct limit_file *l,
		      void (*warn)(const char *msg))
{
	ph_autofree char *msg = NULL;
	int r = -ENOENT;

	for (size_t i = 0; i < cg->n; i++) {
		const struct ph_cgroup_dir *d = &cg->v[i];
		const char *name = d->v2 ? l->v2 : l->v1;
		ph_autofree char *file = NULL;

		if (!name || (!d->v2 && !has_controller(d, l->controller)))
			continue;
		file = dir_file(d, cg->path, name);
		/* On a hybrid host the controller is in one of the two: absence here is normal. */
		if (access(file, F_OK))
			continue;
		r = write_file(file, d->v2 ? l->value_v2 : l->value_v1);
		if (!r)
			return;
		msg = ph_asprintf("%s not set: %s: %s", l->what, file, strerror(-r));
		warn(msg);
		return;
	}
	msg = ph_asprintf("%s not set: no cgroup hierarchy offers the %s controller at /%s "
			  "(on v2 it must be in cgroup.subtree_control of the parent group)",
			  l->what, l->controller, cg->path);
	warn(msg);
}

/* A limit that is the same number in both versions. */
static void set_number(const struct ph_cgroups *cg, void (*warn)(const char *msg), const char *controller,
		       const char *v1, const char *v2, const char *what, uint64_t value)
{
	struct limit_file l = { controller, v1, v2, .what = what };

	snprintf(l.value_v1, sizeof(l.value_v1), "%llu", (unsigned long long)value);
	memcpy(l.value_v2, l.value_v1, sizeof(l.value_v2));
	set_limit(cg, &l, warn);
}

/* Character devices that every container may use; beside them terminals. */
static const struct { int major, minor; } few_devices[] = {
	{ 1, 3 }, { 1, 5 }, { 1, 7 }, { 1, 8 }, { 1, 9 }, { 5, 0 }, { 5, 2 },
};

#define PTS_MAJOR 136
#define INSN(code_, dst, off_, imm_) \
	((struct bpf_insn){ .code = (code_), .dst_reg = (dst), .src_reg = BPF_REG_1, .off = (off_), .imm = (imm_) })

/* Version 2 asks a program: devices may be made, and used if they are in the list. */
static int attach_device_program(const char *dir)
{
	struct bpf_insn p[32], *to = p;
	int n = PH_ARRAY_SIZE(few_devices);
	union bpf_attr a = { 0 };
	ph_autoclose int cgroup = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), prog = -1;

	if (cgroup < 0)
		return -errno;
	/* r2: what is to be done; r3: number of the device */
	*to++ = INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, 0, 0);
	*to++ = INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_3, 4, 0);
	*to++ = INSN(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_4, 8, 0);
	*to++ = INSN(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_2, 0, 16);
	*to++ = INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_2, n + 5, BPF_DEVCG_ACC_MKNOD);
	*to++ = INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_3, n + 4, PTS_MAJOR);
	*to++ = INSN(BPF_ALU64 | BPF_LSH | BPF_K, BPF_REG_3, 0, 20);
	*to = INSN(BPF_ALU64 | BPF_ADD | BPF_X, BPF_REG_3, 0, 0);
	to++->src_reg = BPF_REG_4;
	for (int i = 0; i < n; i++)
		*to++ = INSN(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_3, (short)(n - i + 1), few_devices[i].major << 20 | few_devices[i].minor);
	*to++ = INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0);
	*to++ = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0);
	*to++ = INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 1);
	*to++ = INSN(BPF_JMP | BPF_EXIT, 0, 0, 0);
	for (struct bpf_insn *i = p; i < to; i++)
		if (BPF_CLASS(i->code) != BPF_LDX && BPF_SRC(i->code) == BPF_K)
			i->src_reg = 0;
	a.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	a.insns = (uint64_t)(uintptr_t)p;
	a.insn_cnt = (uint32_t)(to - p);
	a.license = (uint64_t)(uintptr_t)"GPL";
	prog = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a));
	if (prog < 0)
		return -errno;
	a = (union bpf_attr){ .target_fd = (uint32_t)cgroup, .attach_bpf_fd = (uint32_t)prog,
			      .attach_type = BPF_CGROUP_DEVICE };
	return syscall(SYS_bpf, BPF_PROG_ATTACH, &a, sizeof(a)) < 0 ? -errno : 0;
}

/* Version 1 has a list: nothing, then lines that allow. */
static int write_device_list(const struct ph_cgroup_dir *d, const char *path)
{
	ph_autofree char *deny = dir_file(d, path, "devices.deny"), *allow = dir_file(d, path, "devices.allow");
	int r = write_file(deny, "a");
	char line[64];

	if (!r)
		r = write_file(allow, "c *:* m");
	for (size_t i = 0; !r && i < PH_ARRAY_SIZE(few_devices); i++) {
		snprintf(line, sizeof(line), "c %d:%d rwm", few_devices[i].major, few_devices[i].minor);
		r = write_file(allow, line);
	}
	snprintf(line, sizeof(line), "c %d:* rwm", PTS_MAJOR);
	return r ? r : write_file(allow, line);
}

static void limit_devices(const struct ph_cgroups *cg, void (*warn)(const char *msg))
{
	const struct ph_cgroup_dir *v1 = NULL, *v2 = NULL;
	ph_autofree char *msg = NULL, *dir = NULL;
	int r = -ENOENT;

	for (size_t i = 0; i < cg->n; i++) {
		if (cg->v[i].v2)
			v2 = &cg->v[i];
		else if (has_controller(&cg->v[i], "devices"))
			v1 = &cg->v[i];
	}
	if (v1) {
		r = write_device_list(v1, cg->path);
	} else if (v2) {
		dir = ph_asprintf("%s/%s", v2->mount, cg->path);
		r = attach_device_program(dir);
	}
	if (r) {
		msg = ph_asprintf("devices are not limited: %s", strerror(-r));
		warn(msg);
	}
}

static void set_limits(const struct ph_cgroups *cg, const struct ph_limits *lim,
		       void (*warn)(const char *msg))
{
	unsigned long long period = lim->cpu_period_us ? lim->cpu_period_us : 100000;
	unsigned long long quota = (unsigned long long)(lim->cpu * (double)period);

	if (lim->cpu > 0) {
		struct limit_file p = { "cpu", "cpu.cfs_period_us", NULL, .what = "CPU period" };
		struct limit_file q = { "cpu", "cpu.cfs_quota_us", "cpu.max", .what = "CPU limit" };

		snprintf(p.value_v1, sizeof(p.value_v1), "%llu", period);
		snprintf(q.value_v1, sizeof(q.value_v1), "%llu", quota);
		snprintf(q.value_v2, sizeof(q.value_v2), "%llu %llu", quota, period);
		for (size_t i = 0; i < cg->n; i++) {
			if (!cg->v[i].v2 && has_controller(&cg->v[i], "cpu"))
				set_limit(cg, &p, warn);
		}
		set_limit(cg, &q, warn);
	}
	if (lim->cpu_burst_us)
		set_number(cg, warn, "cpu", "cpu.cfs_burst_us", "cpu.max.burst", "CPU burst", lim->cpu_burst_us);
	if (lim->cpu_weight) {
		struct limit_file l = { "cpu", "cpu.shares", "cpu.weight", .what = "CPU weight" };

		/* Shares 2..262144 to weight 1..10000, the mapping that OCI runtimes use. */
		snprintf(l.value_v1, sizeof(l.value_v1), "%llu",
			 2 + (unsigned long long)(lim->cpu_weight - 1) * 262142 / 9999);
		snprintf(l.value_v2, sizeof(l.value_v2), "%llu",
			 (unsigned long long)lim->cpu_weight);
		set_limit(cg, &l, warn);
	}
	if (lim->memory_bytes)
		set_number(cg, warn, "memory", "memory.limit_in_bytes", "memory.max", "memory limit",
			   lim->memory_bytes);
	if (lim->pids)
		set_number(cg, warn, "pids", "pids.max", "pids.max", "pids limit", lim->pids);
	if (lim->few_devices)
		limit_devices(cg, warn);
}

void ph_cgroups_make(struct ph_cgroups *cg, const char *path, const struct ph_limits *lim,
		     void (*warn)(const char *msg))
{
	cg->path = ph_strdup(path);
	find_hierarchies(cg);
	for (size_t i = 0; i < cg->n; ) {
		struct ph_cgroup_dir *d = &cg->v[i];
		int r = -ENOENT;

		/* A parent may vanish under our hands: its last container removes it. */
		for (int tries = 0; r == -ENOENT && tries < 10; tries++)
			r = make_path(d, path);
		if (!r) {
			i++;
			continue;
		}
		ph_autofree char *msg = ph_asprintf("no cgroup in %s: %s", d->mount, strerror(-r));

		warn(msg);
		free(d->mount);
		free(d->controllers);
		*d = cg->v[--cg->n];
	}
	if (!cg->n)
		warn("no cgroup hierarchy can be written here: the container stays in ours, without limits");
	else
		set_limits(cg, lim, warn);
}

void ph_cgroups_attach(const struct ph_cgroups *cg, pid_t pid, void (*warn)(const char *msg))
{
	char val[16];

	snprintf(val, sizeof(val), "%d", pid);
	for (size_t i = 0; i < cg->n; i++) {
		ph_autofree char *file = dir_file(&cg->v[i], cg->path, "cgroup.procs");
		int r = write_file(file, val);

		if (r) {
			ph_autofree char *msg = ph_asprintf("%s: %s", file, strerror(-r));

			warn(msg);
		}
	}
}

/* Kill every task of one directory. 1 if there was any. */
static int kill_dir(const char *dir)
{
	ph_autofree char *procs = ph_asprintf("%s/cgroup.procs", dir);
	ph_autofclose FILE *f = fopen(procs, "re");
	int pid, any = 0;

	while (f && fscanf(f, "%d", &pid) == 1) {
		if (pid > 0 && pid != getpid())
			kill(pid, SIGKILL);
		any = 1;
	}
	return any;
}

/*
 * rmdir, killing what is inside; the kernel needs a moment until the last task has left. Groups
 * below it were made by the container (or for a container in it): they go first.
 */
static void remove_dir(const char *dir)
{
	ph_autoclosedir DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (e->d_type != DT_DIR || !strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		ph_autofree char *sub = ph_asprintf("%s/%s", dir, e->d_name);

		remove_dir(sub);
	}
	for (int i = 0; i < 500 && rmdir(dir) < 0 && errno == EBUSY; i++) {
		kill_dir(dir);
		nanosleep(&(struct timespec){ .tv_nsec = i < 20 ? 1000000 : 10000000 }, NULL);
	}
}

/* Remove the last @count components of mount/path, the innermost first; parents only if empty. */
static void remove_up(const char *mount, const char *path, size_t count)
{
	ph_autofree char *part = ph_strdup(path);

	for (size_t i = 0; i < count; i++) {
		ph_autofree char *dir = ph_asprintf("%s/%s", mount, part);
		char *slash = strrchr(part, '/');

		if (i == 0)
			remove_dir(dir);
		else if (rmdir(dir) < 0)
			return;
		if (!slash)
			return;
		*slash = 0;
	}
}

/*
 * How many components of @path are ours to remove: what we made; all below our own top directory,
 * which several containers share and the last one removes.
 */
static size_t ours(const char *path, size_t made)
{
	size_t parts = 1;

	for (const char *p = path; *p; p++)
		parts += *p == '/';
	return made && !strncmp(path, PH_LAUNCH_CGROUP "/", strlen(PH_LAUNCH_CGROUP) + 1) ? parts : made;
}

size_t ph_cgroups_made(const struct ph_cgroups *cg)
{
	size_t made = 0;

	for (size_t i = 0; i < cg->n; i++)
		if (cg->v[i].made > made)
			made = cg->v[i].made;
	return made;
}

void ph_cgroups_remove(const struct ph_cgroups *cg)
{
	for (size_t i = 0; i < cg->n; i++)
		remove_up(cg->v[i].mount, cg->path, ours(cg->path, cg->v[i].made));
}

void ph_cgroups_remove_path(const char *path, size_t made)
{
	struct ph_cgroups cg = { 0 };

	find_hierarchies(&cg);
	for (size_t i = 0; i < cg.n; i++)
		remove_up(cg.v[i].mount, path, ours(path, made));
	ph_cgroups_done(&cg);
}

void ph_cgroups_done(struct ph_cgroups *cg)
{
	ph_vec_each(d, cg) {
		free(d->mount);
		free(d->controllers);
	}
	ph_vec_done(cg);
	free(cg->path);
	cg->path = NULL;
}
