/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "identity/cgroupfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

static void add_hierarchies(struct ph_cgroupfs *fs, char *content)
{
	char *save = NULL;

	for (char *l = strtok_r(content, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *end, *colon;
		long num = strtol(l, &end, 10);

		if (*end != ':' || num < 0 || num > INT32_MAX)
			continue;
		colon = strchr(end + 1, ':');
		if (!colon)
			continue;
		*ph_vec_push(&fs->h) = (struct ph_hierarchy){
			.num = (int)num,
			.controllers = ph_strndup(end + 1, (size_t)(colon - end - 1)),
		};
	}
}

static bool is_mount_of(const struct ph_hierarchy *h, bool v2, const char *super)
{
	ph_autofree char *list = NULL;

	if (v2 || h->num == 0)
		return v2 && h->num == 0;
	/* v1: all of the hierarchy's controllers stand among the super block's options. */
	list = ph_strdup(h->controllers);
	for (char *save = NULL, *c = strtok_r(list, ",", &save); c; c = strtok_r(NULL, ",", &save))
		if (!ph_list_has(super, c))
			return false;
	return *h->controllers;
}

static void add_mounts(struct ph_cgroupfs *fs, char *content)
{
	char *save = NULL;

	for (char *l = strtok_r(content, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *dash = strstr(l, " - cgroup");
		char root[4096], mount[4096], type[16], super[1024];

		if (!dash || sscanf(l, "%*d %*d %*s %4095s %4095s", root, mount) != 2 ||
		    sscanf(dash, " - %15s %*s %1023s", type, super) != 2)
			continue;
		ph_unescape_octal(root);
		ph_unescape_octal(mount);
		ph_vec_each(h, &fs->h) {
			if (h->mount || !is_mount_of(h, !strcmp(type, "cgroup2"), super))
				continue;
			h->mount = ph_strdup(mount + (mount[0] == '/'));
			h->root = ph_strdup(root);
		}
	}
}

void ph_cgroupfs_open(struct ph_cgroupfs *fs, int rootfd)
{
	ph_autobuf cgroup = { 0 }, mounts = { 0 };

	*fs = (struct ph_cgroupfs){ .rootfd = rootfd };
	if (ph_read_file_at(rootfd, "proc/self/cgroup", 1 << 20, &cgroup) == 0 && cgroup.p)
		add_hierarchies(fs, cgroup.p);
	if (ph_read_file_at(rootfd, "proc/self/mountinfo", 64 << 20, &mounts) == 0 && mounts.p)
		add_mounts(fs, mounts.p);
	ph_vec_each(h, &fs->h) {
		char buf[512];

		if (h->num || ph_cgroupfs_read(fs, h, h->root ? h->root : "/", "cgroup.controllers",
					       buf, sizeof(buf)) < 0)
			continue;
		for (char *c = buf; *c; c++)
			*c = *c == ' ' ? ',' : *c;
		free(h->controllers);
		h->controllers = ph_strdup(buf);
	}
}

void ph_cgroupfs_done(struct ph_cgroupfs *fs)
{
	ph_vec_each(h, &fs->h) {
		free(h->controllers);
		free(h->mount);
		free(h->root);
	}
	ph_vec_done(&fs->h);
	for (struct ph_strmap_slot *s = NULL; (s = ph_strmap_next(&fs->limits, s)); )
		free(s->val);
	ph_strmap_done(&fs->limits);
}

const struct ph_hierarchy *ph_cgroupfs_by_num(const struct ph_cgroupfs *fs, int num)
{
	ph_vec_each(h, &fs->h)
		if (h->num == num)
			return h;
	return NULL;
}

const struct ph_hierarchy *ph_cgroupfs_by_controller(const struct ph_cgroupfs *fs,
						     const char *controller)
{
	ph_vec_each(h, &fs->h)
		if (ph_list_has(h->controllers, controller))
			return h;
	/* v2 freezes without a controller. */
	return !strcmp(controller, "freezer") ? ph_cgroupfs_by_num(fs, 0) : NULL;
}

char *ph_cgroup_path_of(const char *content, int num)
{
	for (const char *l = content; *l; ) {
		size_t n = strcspn(l, "\n");
		char *end;
		const char *colon;

		if (strtol(l, &end, 10) == num && *end == ':') {
			colon = memchr(end + 1, ':', (size_t)(l + n - end - 1));
			if (colon && colon[1] == '/')
				return ph_strndup(colon + 1, (size_t)(l + n - colon - 1));
		}
		l += n + (l[n] == '\n');
	}
	return NULL;
}

/* "mount/path" below the root descriptor; false where this mount does not show @path. */
static bool locate(const struct ph_hierarchy *h, const char *path, const char *file, char *out,
		   size_t size)
{
	size_t n;
	int r;

	if (!h || !h->mount || strstr(path, "/../"))
		return false;
	n = strlen(h->root);
	if (n > 1) {
		if (strncmp(path, h->root, n) || (path[n] && path[n] != '/'))
			return false;
		path += n;
	}
	r = snprintf(out, size, "%s%s%s%s", h->mount, path, file ? "/" : "", file ? file : "");
	return r > 0 && (size_t)r < size;
}

int ph_cgroupfs_read(const struct ph_cgroupfs *fs, const struct ph_hierarchy *h, const char *path,
		     const char *file, char *buf, size_t size)
{
	ph_autoclose int fd = -1;
	char at[8192];
	ssize_t n;

	if (!locate(h, path, file, at, sizeof(at)))
		return -ENOENT;
	fd = openat(fs->rootfd, at, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	while (n && buf[n - 1] == '\n')
		n--;
	buf[n] = 0;
	return 0;
}

int ph_cgroupfs_dir(const struct ph_cgroupfs *fs, const struct ph_hierarchy *h, const char *path)
{
	char at[8192];
	int fd;

	if (!locate(h, path, NULL, at, sizeof(at)))
		return -ENOENT;
	fd = openat(fs->rootfd, at, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

uint64_t ph_cgroupfs_id(const struct ph_cgroupfs *fs, const struct ph_hierarchy *h, const char *path)
{
	char at[8192];
	struct stat st;

	if (!locate(h, path, NULL, at, sizeof(at)) || fstatat(fs->rootfd, at, &st, 0) < 0)
		return 0;
	return st.st_ino;
}

void ph_cgroupfs_cpu(struct ph_cgroupfs *fs, const struct ph_hierarchy *h, const char *path,
		     struct ph_host_limit *ret)
{
	unsigned long long quota, period, burst;
	char buf[128];

	*ret = (struct ph_host_limit){ 0 };
	if (h->num == 0) {
		if (ph_cgroupfs_read(fs, h, path, "cpu.max", buf, sizeof(buf)) < 0 ||
		    sscanf(buf, "%llu %llu", &quota, &period) != 2)
			return;
	} else {
		if (ph_cgroupfs_read(fs, h, path, "cpu.cfs_quota_us", buf, sizeof(buf)) < 0 ||
		    buf[0] == '-' || sscanf(buf, "%llu", &quota) != 1)
			return;
		if (ph_cgroupfs_read(fs, h, path, "cpu.cfs_period_us", buf, sizeof(buf)) < 0 ||
		    sscanf(buf, "%llu", &period) != 1)
			return;
	}
	if (!period)
		return;
	ret->found = true;
	ret->quota_us = quota;
	ret->period_us = period;
	if (ph_cgroupfs_read(fs, h, path, h->num ? "cpu.cfs_burst_us" : "cpu.max.burst", buf,
			     sizeof(buf)) == 0 && sscanf(buf, "%llu", &burst) == 1)
		ret->burst_us = burst;
}

void ph_cgroupfs_memory(struct ph_cgroupfs *fs, const struct ph_hierarchy *h, const char *path,
			struct ph_host_limit *ret)
{
	unsigned long long bytes;
	char buf[64];

	*ret = (struct ph_host_limit){ 0 };
	if (ph_cgroupfs_read(fs, h, path, h->num ? "memory.limit_in_bytes" : "memory.max", buf,
			     sizeof(buf)) < 0 || sscanf(buf, "%llu", &bytes) != 1)
		return;
	/* v1 says "no limit" with the largest number of whole pages. */
	if (h->num && bytes >= (1ULL << 62))
		return;
	ret->found = true;
	ret->bytes = bytes;
}

static const struct ph_host_limit *one_limit(struct ph_cgroupfs *fs, const struct ph_hierarchy *h,
					bool cpu, const char *path)
{
	ph_autobuf key = { 0 };
	struct ph_host_limit *l;

	ph_buf_addf(&key, "%c%s", cpu ? 'c' : 'm', path);
	l = ph_strmap_get(&fs->limits, key.p);
	if (!l) {
		l = ph_alloc(sizeof(*l));
		(cpu ? ph_cgroupfs_cpu : ph_cgroupfs_memory)(fs, h, path, l);
		ph_strmap_put(&fs->limits, key.p, l);
	}
	return l;
}

static bool tighter(bool cpu, const struct ph_host_limit *a, const struct ph_host_limit *b)
{
	if (!b->found)
		return true;
	if (!cpu)
		return a->bytes < b->bytes;
	return (double)a->quota_us / (double)a->period_us < (double)b->quota_us / (double)b->period_us;
}

void ph_cgroupfs_limit(struct ph_cgroupfs *fs, const char *controller, const char *path,
		       struct ph_host_limit *ret)
{
	const struct ph_hierarchy *h = ph_cgroupfs_by_controller(fs, controller);
	bool cpu = !strcmp(controller, "cpu");
	ph_autofree char *at = ph_strdup(path);
	size_t len;

	*ret = (struct ph_host_limit){ 0 };
	if (!h || !at)
		return;
	for (;;) {
		const struct ph_host_limit *l = one_limit(fs, h, cpu, at);

		if (l->found && tighter(cpu, l, ret)) {
			free(ret->where);
			*ret = *l;
			ret->where = ph_strdup(at);
			ret->own = !strcmp(at, path);
		}
		len = strlen(at);
		while (len && at[len - 1] != '/')
			len--;
		if (len <= 1)
			return;		/* a root has no limits */
		at[len - 1] = 0;
	}
}

bool ph_cgroupfs_frozen(const struct ph_cgroupfs *fs, const struct ph_hierarchy *h, const char *path)
{
	char buf[256];

	if (!h)
		return false;
	if (h->num)
		return ph_cgroupfs_read(fs, h, path, "freezer.state", buf, sizeof(buf)) == 0 &&
		       (!strcmp(buf, "FROZEN") || !strcmp(buf, "FREEZING"));
	return ph_cgroupfs_read(fs, h, path, "cgroup.events", buf, sizeof(buf)) == 0 &&
	       strstr(buf, "frozen 1");
}
