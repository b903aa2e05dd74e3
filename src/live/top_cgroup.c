/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel counts for a container's cgroup, in whichever hierarchy it counts it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "identity/cgroupfs.h"
#include "live/top.h"

/* Whoever counts it; V2 has CPU time and pressure of every cgroup, whatever its controllers. */
enum { AT_CPU, AT_CPUACCT, AT_MEMORY, AT_PIDS, AT_IO, AT_V2, AT_LIMIT, NPLACES };

static const char *const controllers[AT_V2] = { "cpu", "cpuacct", "memory", "pids", "blkio" };

/* Each file that is read: kept open, which halves what a reading costs. */
enum {
	F_USAGE, F_USER, F_SYSTEM, F_CPU, F_LIMIT, F_LOCAL, F_MEMORY, F_MEMORY_STAT, F_OOM, F_PIDS, F_IO, F_IOS,
	F_PSI_CPU, F_PSI_IO, F_PSI_MEMORY, NFILES,
};

struct ph_top_dirs {
	struct { int fd; bool v2; } at[NPLACES];
	int file[NFILES];	/* -1: not opened yet, -2: not there */
	bool limited;		/* there is a CPU limit in force */
	bool own_limit;		/* and it is its own, or there is none */
	char *where;		/* else the cgroup that sets it */
	bool io_counted;	/* v1: something is counted in that hierarchy */
	unsigned int skipped;	/* rounds in which it was taken to be as before */
};

/* A container that used no CPU was not active; what others do to it (reclaim, write-back) shows a little later. */
#define SKIP_MAX 4

static const char *own_path(const struct ph_host_container *hc, int num)
{
	ph_vec_each(cg, &hc->cgroups)
		if (cg->hierarchy == num)
			return cg->path;
	return NULL;
}

static int open_at(const struct ph_cgroupfs *fs, const struct ph_hierarchy *h, const char *path)
{
	int fd = h && path ? ph_cgroupfs_dir(fs, h, path) : -1;

	return fd < 0 ? -1 : fd;
}

/*
 * Since v6.10 (a3166c51702b) v1 counts what goes to devices for which some cgroup has a limit, and that alone: a file
 * without any device says nothing where the whole machine's has none either.
 */
static bool io_counted(const struct ph_cgroupfs *fs, const struct ph_hierarchy *h)
{
	int root = open_at(fs, h, "/");
	char buf[16384];
	bool counted;

	if (root < 0)
		return true;
	counted = !ph_top_read(root, "blkio.throttle.io_service_bytes_recursive", buf, sizeof(buf)) || strstr(buf, " Read ");
	close(root);
	return counted;
}

struct ph_top_dirs *ph_top_dirs_open(const struct ph_cgroupfs *fs, const struct ph_host_container *hc)
{
	struct ph_top_dirs *d = ph_alloc(sizeof(*d));

	for (unsigned int i = 0; i < AT_V2; i++) {
		const struct ph_hierarchy *h = ph_cgroupfs_by_controller(fs, controllers[i]);

		/* v2 calls it by another name. */
		if (!h && i == AT_IO)
			h = ph_cgroupfs_by_controller(fs, "io");
		d->at[i].v2 = h && h->num == 0;
		d->at[i].fd = h ? open_at(fs, h, own_path(hc, h->num)) : -1;
		if (i == AT_IO && h && !d->at[i].v2)
			d->io_counted = io_counted(fs, h);
	}
	d->at[AT_V2].v2 = true;
	d->at[AT_V2].fd = open_at(fs, ph_cgroupfs_by_num(fs, 0), own_path(hc, 0));
	d->at[AT_LIMIT].fd = -1;
	for (unsigned int i = 0; i < NFILES; i++)
		d->file[i] = -1;
	d->limited = hc->cpu.found;
	d->own_limit = !hc->cpu.found || hc->cpu.own;
	d->where = ph_strdup(hc->cpu.where);
	if (!d->own_limit) {
		const struct ph_hierarchy *h = ph_cgroupfs_by_controller(fs, "cpu");

		d->at[AT_LIMIT].v2 = h && h->num == 0;
		d->at[AT_LIMIT].fd = open_at(fs, h, hc->cpu.where);
	}
	return d;
}

void ph_top_dirs_free(struct ph_top_dirs *d)
{
	if (!d)
		return;
	for (unsigned int i = 0; i < NPLACES; i++)
		if (d->at[i].fd >= 0)
			close(d->at[i].fd);
	for (unsigned int i = 0; i < NFILES; i++)
		if (d->file[i] >= 0)
			close(d->file[i]);
	free(d->where);
	free(d);
}

bool ph_top_dirs_current(const struct ph_top_dirs *d, const struct ph_host_container *hc)
{
	return d->limited == hc->cpu.found && d->own_limit == (!hc->cpu.found || hc->cpu.own) &&
	       (d->own_limit || !strcmp(d->where ? d->where : "", hc->cpu.where ? hc->cpu.where : ""));
}

#define SMALL_PIECE 2048

/* A file of the cgroup at @place; @file is opened once. 0, or -errno: -ENODEV where the cgroup has gone. */
static int read_file(struct ph_top_dirs *d, int place, int file, const char *name, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n = 0;

	if (d->file[file] == -2 || d->at[place].fd < 0)
		return -ENOENT;
	if (d->file[file] < 0)
		d->file[file] = openat(d->at[place].fd, name, O_RDONLY | O_CLOEXEC);
	if (d->file[file] < 0) {
		/* Descriptors may run out; what is not there will not be. */
		if (errno == ENOENT)
			d->file[file] = -2;
		return -errno;
	}
	/* More than one page comes in pieces, each of about a page: behind a small one there is nothing. */
	while (len < size - 1 && (n = pread(d->file[file], buf + len, size - 1 - len, (off_t)len)) > 0) {
		len += (size_t)n;
		if (n < SMALL_PIECE)
			break;
	}
	buf[len] = 0;
	return n < 0 && !len ? -errno : 0;
}

bool ph_top_read(int dir, const char *file, char *buf, size_t size)
{
	int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;
	size_t len = 0;

	if (fd < 0)
		return false;
	/* More than one page comes in pieces. */
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)n;
	n = n < 0 && !len ? -errno : 0;
	close(fd);
	buf[len] = 0;
	errno = (int)-n;
	return n == 0;
}

bool ph_top_number(const char *text, const char *key, uint64_t *ret)
{
	size_t n = strlen(key);

	for (const char *l = text; *l; l += strcspn(l, "\n"), l += *l == '\n') {
		if (strncmp(l, key, n) || (l[n] != ' ' && l[n] != ':'))
			continue;
		*ret = strtoull(l + n + 1, NULL, 10);
		return true;
	}
	return false;
}

static int lone(struct ph_top_dirs *d, int place, int file, const char *name, uint64_t *ret)
{
	char buf[64], *end;
	int r = read_file(d, place, file, name, buf, sizeof(buf));

	if (r < 0)
		return r;
	*ret = strtoull(buf, &end, 10);
	return end == buf ? -EBADMSG : 0;
}

bool ph_top_pressure(const char *text, const char *kind, uint64_t *ret_ns)
{
	const char *l = strstr(text, kind), *total = l ? strstr(l, "total=") : NULL;

	if (!total || total > l + strcspn(l, "\n"))
		return false;
	*ret_ns = strtoull(total + 6, NULL, 10) * 1000;
	return true;
}

/* ---- CPU --------------------------------------------------------------------------------------------- */

static int cpu_v2(struct ph_top_dirs *d, struct ph_top_sample *s)
{
	static const struct { const char *key; enum ph_top_count to; } rows[] = {
		{ "usage_usec", PH_TOP_CPU }, { "user_usec", PH_TOP_USER }, { "system_usec", PH_TOP_SYSTEM },
	};
	char buf[4096];
	uint64_t v;
	int r = read_file(d, AT_V2, F_USAGE, "cpu.stat", buf, sizeof(buf));

	for (size_t i = 0; r == 0 && i < PH_ARRAY_SIZE(rows); i++)
		if (ph_top_number(buf, rows[i].key, &v))
			ph_top_set(s, rows[i].to, v * 1000);
	return r;
}

static int cpu_v1(struct ph_top_dirs *d, struct ph_top_sample *s)
{
	uint64_t v;
	int r = lone(d, AT_CPUACCT, F_USAGE, "cpuacct.usage", &v);

	if (r < 0)
		return r;
	ph_top_set(s, PH_TOP_CPU, v);
	if (lone(d, AT_CPUACCT, F_USER, "cpuacct.usage_user", &v) == 0)
		ph_top_set(s, PH_TOP_USER, v);
	if (lone(d, AT_CPUACCT, F_SYSTEM, "cpuacct.usage_sys", &v) == 0)
		ph_top_set(s, PH_TOP_SYSTEM, v);
	return 0;
}

/* The periods are those of the limit in force; the time is its own cgroup's where the kernel tells that. */
static void throttling(struct ph_top_dirs *d, struct ph_top_sample *s)
{
	int place = d->own_limit ? AT_CPU : AT_LIMIT;
	uint64_t periods, throttled, t;
	char buf[4096];

	if (!d->limited) {
		if (d->at[AT_CPU].fd >= 0) {
			ph_top_set(s, PH_TOP_PERIODS, 0);
			ph_top_set(s, PH_TOP_THROTTLED_PERIODS, 0);
			ph_top_set(s, PH_TOP_THROTTLED, 0);
		}
		return;
	}
	if (read_file(d, place, F_LIMIT, "cpu.stat", buf, sizeof(buf)) == 0) {
		if (ph_top_number(buf, "nr_periods", &periods) && ph_top_number(buf, "nr_throttled", &throttled)) {
			ph_top_set(s, PH_TOP_PERIODS, periods);
			ph_top_set(s, PH_TOP_THROTTLED_PERIODS, throttled);
		}
		if (d->own_limit && ph_top_number(buf, "throttled_usec", &t))
			ph_top_set(s, PH_TOP_THROTTLED, t * 1000);
		else if (d->own_limit && ph_top_number(buf, "throttled_time", &t))
			ph_top_set(s, PH_TOP_THROTTLED, t);
	}
	/* Since v6.6 (677ea015f231): by its own limit and by those above it. */
	if (read_file(d, AT_CPU, F_LOCAL, "cpu.stat.local", buf, sizeof(buf)) < 0)
		return;
	if (ph_top_number(buf, "throttled_usec", &t))
		ph_top_set(s, PH_TOP_THROTTLED, t * 1000);
	else if (ph_top_number(buf, "throttled_time", &t))
		ph_top_set(s, PH_TOP_THROTTLED, t);
}

/* ---- memory ------------------------------------------------------------------------------------------- */

static void memory(struct ph_top_dirs *d, const struct ph_top_want *want, struct ph_top_sample *s)
{
	bool v2 = d->at[AT_MEMORY].v2;
	uint64_t usage, inactive, v;
	char buf[8192];

	if (lone(d, AT_MEMORY, F_MEMORY, v2 ? "memory.current" : "memory.usage_in_bytes", &usage) < 0)
		return;
	ph_top_set_level(s, PH_TOP_MEMORY, usage);
	if (read_file(d, AT_MEMORY, F_MEMORY_STAT, "memory.stat", buf, sizeof(buf)) == 0) {
		if (ph_top_number(buf, v2 ? "inactive_file" : "total_inactive_file", &inactive))
			ph_top_set_level(s, PH_TOP_WORKING_SET, usage > inactive ? usage - inactive : 0);
		if (ph_top_number(buf, v2 ? "pgfault" : "total_pgfault", &v))
			ph_top_set(s, PH_TOP_FAULTS, v);
		if (ph_top_number(buf, v2 ? "pgmajfault" : "total_pgmajfault", &v))
			ph_top_set(s, PH_TOP_MAJOR_FAULTS, v);
	}
	if (want->levels & 1u << PH_TOP_OOM_KILLS &&
	    read_file(d, AT_MEMORY, F_OOM, v2 ? "memory.events" : "memory.oom_control", buf, sizeof(buf)) == 0 &&
	    ph_top_number(buf, "oom_kill", &v))
		ph_top_set_level(s, PH_TOP_OOM_KILLS, v);
}

/* ---- block I/O ------------------------------------------------------------------------------------------ */

/* "254:0 rbytes=1 wbytes=2 rios=3 wios=4 …", a line for each device. */
static void io_v2(struct ph_top_dirs *d, struct ph_top_sample *s)
{
	static const struct { const char *key; enum ph_top_count to; } rows[] = {
		{ " rbytes=", PH_TOP_READ_BYTES }, { " wbytes=", PH_TOP_WRITE_BYTES },
		{ " rios=", PH_TOP_READS }, { " wios=", PH_TOP_WRITES },
	};
	char buf[16384];

	if (read_file(d, AT_IO, F_IO, "io.stat", buf, sizeof(buf)) < 0)
		return;
	for (size_t i = 0; i < PH_ARRAY_SIZE(rows); i++) {
		uint64_t sum = 0;

		for (const char *at = buf; (at = strstr(at, rows[i].key)); at++)
			sum += strtoull(at + strlen(rows[i].key), NULL, 10);
		ph_top_set(s, rows[i].to, sum);
	}
}

/* "254:0 Read 1" and so on, with "Total 3" at the end. What has no _recursive has no containers below. */
static void io_v1(struct ph_top_dirs *d, int file, const char *recursive, const char *plain, enum ph_top_count reads,
		  enum ph_top_count writes, struct ph_top_sample *s)
{
	uint64_t r = 0, w = 0;
	char buf[16384];

	if (read_file(d, AT_IO, file, recursive, buf, sizeof(buf)) < 0) {
		if (d->file[file] == -2)
			d->file[file] = -1;
		if (read_file(d, AT_IO, file, plain, buf, sizeof(buf)) < 0)
			return;
	}
	if (!d->io_counted && !strstr(buf, " Read "))
		return;
	for (const char *at = buf; (at = strstr(at, " Read ")); at++)
		r += strtoull(at + 6, NULL, 10);
	for (const char *at = buf; (at = strstr(at, " Write ")); at++)
		w += strtoull(at + 7, NULL, 10);
	ph_top_set(s, reads, r);
	ph_top_set(s, writes, w);
}

static void io(struct ph_top_dirs *d, const struct ph_top_want *want, struct ph_top_sample *s)
{
	if (d->at[AT_IO].v2) {
		io_v2(d, s);
		return;
	}
	io_v1(d, F_IO, "blkio.throttle.io_service_bytes_recursive", "blkio.throttle.io_service_bytes",
	      PH_TOP_READ_BYTES, PH_TOP_WRITE_BYTES, s);
	if (want->counts & (1ull << PH_TOP_READS | 1ull << PH_TOP_WRITES))
		io_v1(d, F_IOS, "blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced", PH_TOP_READS,
		      PH_TOP_WRITES, s);
}

/* ---- all of it ------------------------------------------------------------------------------------------ */

static void pressures(struct ph_top_dirs *d, const struct ph_top_want *want, struct ph_top_sample *s)
{
	static const struct { const char *name; int file; enum ph_top_count some, full; } rows[] = {
		{ "cpu.pressure", F_PSI_CPU, PH_TOP_CPU_SOME, PH_TOP_CPU_FULL },
		{ "io.pressure", F_PSI_IO, PH_TOP_IO_SOME, PH_TOP_IO_FULL },
		{ "memory.pressure", F_PSI_MEMORY, PH_TOP_MEMORY_SOME, PH_TOP_MEMORY_FULL },
	};
	char buf[512];
	uint64_t ns;

	for (size_t i = 0; i < PH_ARRAY_SIZE(rows); i++) {
		if (!(want->counts & (1ull << rows[i].some | 1ull << rows[i].full)) ||
		    read_file(d, AT_V2, rows[i].file, rows[i].name, buf, sizeof(buf)) < 0)
			continue;
		if (ph_top_pressure(buf, "some ", &ns))
			ph_top_set(s, rows[i].some, ns);
		if (ph_top_pressure(buf, "full ", &ns))
			ph_top_set(s, rows[i].full, ns);
	}
}

/* Everything but the time is as before. */
static void keep(const struct ph_top_sample *last, struct ph_top_sample *s)
{
	static const uint64_t others = PH_TOP_NETWORK | PH_TOP_KERNEL;
	uint64_t ns = s->ns;

	*s = *last;
	s->ns = ns;
	s->counted &= ~others;
	s->levelled &= ~(1u << PH_TOP_FILES);
	s->level[PH_TOP_FILES] = 0;
}

int ph_top_cgroup(struct ph_top_dirs *d, const struct ph_top_want *want, const struct ph_top_sample *last,
		  struct ph_top_sample *s)
{
	bool cpu = false;
	uint64_t v;
	int r = 0;

	if (d->at[AT_CPUACCT].fd >= 0 && !d->at[AT_CPUACCT].v2) {
		r = cpu_v1(d, s);
		cpu = r == 0;
	} else if (d->at[AT_V2].fd >= 0) {
		r = cpu_v2(d, s);
		cpu = r == 0 && s->counted & 1ull << PH_TOP_CPU;
	}
	if (r == -ENODEV)
		return r;
	if (!want->each_round && cpu && last->counted & 1ull << PH_TOP_CPU && last->count[PH_TOP_CPU] == s->count[PH_TOP_CPU] &&
	    d->skipped++ < SKIP_MAX) {
		keep(last, s);
		/* Who waits for a disk all the time uses no CPU. */
		pressures(d, want, s);
		return 0;
	}
	d->skipped = 0;
	throttling(d, s);
	memory(d, want, s);
	if (lone(d, AT_PIDS, F_PIDS, "pids.current", &v) == 0)
		ph_top_set_level(s, PH_TOP_TASKS, v);
	io(d, want, s);
	pressures(d, want, s);
	return 0;
}
