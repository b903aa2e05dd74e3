/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "identity/guests.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "identity/proc.h"

/* No machine has so many: what a made-up /proc says is not believed without end. */
#define VCPUS_MAX 4096
#define CMDLINE_MAX (256 << 10)
/* Machines are among the first descriptors of who has one; a server may have a hundred thousand of others. */
#define DESCRIPTORS_FIRST 1024

/* Programs that run guests, by the beginning of their name, and the options that say which. */
static const struct program {
	const char *program, *name, *uuid;
} programs[] = {
	{ "qemu", "-name", "-uuid" },
	{ "kvm", "-name", "-uuid" },
	{ "firecracker", "--id", NULL },
	{ "lkvm", "--name", NULL },
	{ "crosvm", "--name", NULL },
};

void ph_guest_done(struct ph_guest *g)
{
	free(g->name);
	free(g->uuid);
	ph_vec_done(&g->vcpus);
	ph_vec_done(&g->threads);
}

void ph_guests_done(struct ph_guests *g)
{
	ph_vec_each(guest, &g->v)
		ph_guest_done(guest);
	ph_vec_done(&g->v);
}

int32_t ph_guest_vcpu_of(const char comm[16])
{
	char name[17] = "", rest[8] = "";
	int32_t n;

	memcpy(name, comm, 16);
	if (sscanf(name, "CPU %5d%7s", &n, rest) != 2 || n < 0 || strcmp(rest, "/KVM") != 0)
		return -1;
	return n;
}

char *ph_guest_of_machine(const char *machine)
{
	size_t digits = strncmp(machine, "qemu-", 5) ? 0 : strspn(machine + 5, "0123456789");

	return ph_strdup(digits && machine[5 + digits] == '-' && machine[6 + digits] ? machine + 6 + digits : machine);
}

/* ---- what it was told to be --------------------------------------------------------------------- */

/*
 * The name of QEMU's -name: "web", "web,debug-threads=on", "guest=web,process=x". A comma in a value is
 * written twice.
 */
static char *qemu_name(const char *arg)
{
	ph_autobuf item = { 0 };

	for (bool first = true; *arg; first = false) {
		ph_buf_clear(&item);
		for (; *arg && (*arg != ',' || arg[1] == ','); arg++) {
			arg += *arg == ',';
			ph_buf_addc(&item, *arg);
		}
		arg += *arg == ',';
		if (item.len && !strncmp(item.p, "guest=", 6))
			return ph_strdup(item.p + 6);
		if (item.len && first && !strchr(item.p, '='))
			return ph_buf_steal(&item);
	}
	return NULL;
}

/* @arg is option @opt, with one dash or two; its value behind "=" or in the argument that follows. */
static const char *value_of(const char *arg, const char *next, const char *opt)
{
	size_t len;

	if (!opt || arg[0] != '-')
		return NULL;
	arg += arg[1] == '-';
	opt += opt[1] == '-';
	len = strlen(opt);
	if (strncmp(arg, opt, len) != 0)
		return NULL;
	return arg[len] == '=' ? arg + len + 1 : arg[len] ? NULL : next;
}

static void read_cmdline(int procfd, struct ph_guest *g)
{
	const struct program *p = NULL;
	const char *base, *arg, *end;
	ph_autobuf b = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "%d/cmdline", g->pid);
	if (ph_read_file_at(procfd, path, CMDLINE_MAX, &b) < 0 || !b.len)
		return;
	base = strrchr(b.p, '/');
	base = base ? base + 1 : b.p;
	for (size_t i = 0; i < PH_ARRAY_SIZE(programs) && !p; i++)
		if (!strncmp(base, programs[i].program, strlen(programs[i].program)))
			p = &programs[i];
	if (!p)
		return;
	/* The buffer ends with a 0 of its own. */
	end = b.p + b.len;
	for (arg = b.p + strlen(b.p) + 1; arg < end; arg += strlen(arg) + 1) {
		const char *next = arg + strlen(arg) + 1, *v;

		next = next < end ? next : NULL;
		v = value_of(arg, next, p->name);
		if (v && *v) {
			free(g->name);
			g->name = !strcmp(p->name, "-name") ? qemu_name(v) : ph_strdup(v);
		}
		v = value_of(arg, next, p->uuid);
		if (v && *v) {
			free(g->uuid);
			g->uuid = ph_strdup(v);
		}
	}
}

/* ---- descriptors --------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static void add_vcpu(struct ph_guest *g, const char *number)
{
	char *end;
	long n = strtol(number, &end, 10);

	if (end == number || *end || n < 0 || n > INT32_MAX || g->vcpus.n >= VCPUS_MAX)
		return;
	ph_vec_each(v, &g->vcpus)
		if (*v == n)
			return;
	*ph_vec_push(&g->vcpus) = (int32_t)n;
}

/* Older kernels do not number them: "anon_inode:kvm-vcpu" (before 4.20). */
static int read_descriptors(int procfd, struct ph_guest *g)
{
	static const char vm[] = "anon_inode:kvm-vm", vcpu[] = "anon_inode:kvm-vcpu";
	ph_autoclosedir DIR *dir = NULL;
	char path[64], link[PATH_MAX];
	struct dirent *de;
	int fd;

	snprintf(path, sizeof(path), "%d/fd", g->pid);
	fd = openat(procfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		int r = -errno;

		if (fd >= 0)
			close(fd);
		return r;
	}
	for (unsigned int i = 0; (de = readdir(dir)) && (i < DESCRIPTORS_FIRST || g->machines || g->vcpus.n); i++) {
		ssize_t n = readlinkat(fd, de->d_name, link, sizeof(link) - 1);

		if (n < 0)
			continue;
		link[n] = 0;
		if (!strcmp(link, vm))
			g->machines++;
		else if (!strncmp(link, vcpu, sizeof(vcpu) - 1) && link[sizeof(vcpu) - 1] == ':')
			add_vcpu(g, link + sizeof(vcpu));
	}
	if (g->vcpus.n)
		qsort(g->vcpus.v, g->vcpus.n, sizeof(*g->vcpus.v), by_number);
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct ph_guest *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

int ph_guest_read(int procfd, int32_t pid, const char comm[16], struct ph_guest *ret)
{
	int r;

	*ret = (struct ph_guest){ .pid = pid };
	r = read_descriptors(procfd, ret);
	if (r < 0 || (!ret->machines && !ret->vcpus.n)) {
		ph_guest_done(ret);
		*ret = (struct ph_guest){ 0 };
		return r;
	}
	memcpy(ret->comm, comm, sizeof(ret->comm) - 1);
	read_cmdline(procfd, ret);
	ph_guest_read_threads(procfd, ret);
	return 1;
}

bool ph_guests_possible(int rootfd)
{
	return !faccessat(rootfd, "dev/kvm", F_OK, 0) || !faccessat(rootfd, "sys/module/kvm", F_OK, 0);
}

int ph_guests_scan(struct ph_guests *g, const char *root, struct ph_err *err)
{
	ph_autofree char *path = ph_asprintf("%s/proc", root);
	ph_autoclosedir DIR *dir = opendir(path);
	struct dirent *de;

	*g = (struct ph_guests){ 0 };
	if (!dir)
		return ph_err_sys(err, -errno, "cannot read %s", path);
	while ((de = readdir(dir))) {
		int32_t pid = atoi(de->d_name);
		struct ph_guest guest;
		struct ph_proc_stat st;
		int r;

		if (pid <= 0 || ph_proc_stat(dirfd(dir), pid, &st) < 0 || st.kthread)
			continue;
		r = ph_guest_read(dirfd(dir), pid, st.comm, &guest);
		g->hidden += r == -EACCES || r == -EPERM;
		if (r > 0)
			*ph_vec_push(&g->v) = guest;
	}
	if (g->v.n)
		qsort(g->v.v, g->v.n, sizeof(*g->v.v), by_pid);
	return 0;
}
