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

struct ph_top_dirs {
	struct { int fd; bool v2; } at[NPLACES];
	bool own_limit;		/* the CPU limit in force is its own */
};

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
	}
	d->at[AT_V2].v2 = true;
	d->at[AT_V2].fd = open_at(fs, ph_cgroupfs_by_num(fs, 0), own_path(hc, 0));
	d->at[AT_LIMIT].fd = -1;
	d->own_limit = !hc->cpu.found || hc->cpu.own;
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
	free(d);
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

static bool lone(int dir, const char *file, uint64_t *ret)
{
	char buf[64], *end;

	if (!ph_top_read(dir, file, buf, sizeof(buf)))
		return false;
	*ret = strtoull(buf, &end, 10);
	return end != buf;
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

static int cpu_v2(int dir, struct ph_top_sample *s)
{
	static const struct { const char *key; enum ph_top_count to; } rows[] = {
		{ "usage_usec", PH_TOP_CPU }, { "user_usec", PH_TOP_USER }, { "system_usec", PH_TOP_SYSTEM },
	};
	char buf[4096];
	uint64_t v;

	if (!ph_top_read(dir, "cpu.stat", buf, sizeof(buf)))
		return errno == ENODEV ? -ENODEV : 0;
	for (size_t i = 0; i < PH_ARRAY_SIZE(rows); i++)
		if (ph_top_number(buf, rows[i].key, &v))
			ph_top_set(s, rows[i].to, v * 1000);
	return 0;
}

static int cpu_v1(int dir, struct ph_top_sample *s)
{
	uint64_t v;

	if (!lone(dir, "cpuacct.usage", &v))
		return errno == ENODEV ? -ENODEV : 0;
	ph_top_set(s, PH_TOP_CPU, v);
	if (lone(dir, "cpuacct.usage_user", &v))
		ph_top_set(s, PH_TOP_USER, v);
	if (lone(dir, "cpuacct.usage_sys", &v))
		ph_top_set(s, PH_TOP_SYSTEM, v);
	return 0;
}

/* The periods are those of the limit in force; the time is its own cgroup's where the kernel tells that. */
static void throttling(const struct ph_top_dirs *d, struct ph_top_sample *s)
{
	int place = d->own_limit ? AT_CPU : AT_LIMIT;
	uint64_t periods, throttled, t;
	char buf[4096];

	if (d->at[place].fd >= 0 && ph_top_read(d->at[place].fd, "cpu.stat", buf, sizeof(buf))) {
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
	if (d->at[AT_CPU].fd < 0 || !ph_top_read(d->at[AT_CPU].fd, "cpu.stat.local", buf, sizeof(buf)))
		return;
	if (ph_top_number(buf, "throttled_usec", &t))
		ph_top_set(s, PH_TOP_THROTTLED, t * 1000);
	else if (ph_top_number(buf, "throttled_time", &t))
		ph_top_set(s, PH_TOP_THROTTLED, t);
}

/* ---- memory ------------------------------------------------------------------------------------------- */

static void memory(int dir, bool v2, struct ph_top_sample *s)
{
	uint64_t usage, inactive, v;
	char buf[8192];

	if (!lone(dir, v2 ? "memory.current" : "memory.usage_in_bytes", &usage))
		return;
	ph_top_set_level(s, PH_TOP_MEMORY, usage);
	if (ph_top_read(dir, "memory.stat", buf, sizeof(buf))) {
		if (ph_top_number(buf, v2 ? "inactive_file" : "total_inactive_file", &inactive))
			ph_top_set_level(s, PH_TOP_WORKING_SET, usage > inactive ? usage - inactive : 0);
		if (ph_top_number(buf, v2 ? "pgfault" : "total_pgfault", &v))
			ph_top_set(s, PH_TOP_FAULTS, v);
		if (ph_top_number(buf, v2 ? "pgmajfault" : "total_pgmajfault", &v))
			ph_top_set(s, PH_TOP_MAJOR_FAULTS, v);
	}
	if (ph_top_read(dir, v2 ? "memory.events" : "memory.oom_control", buf, sizeof(buf)) &&
	    ph_top_number(buf, "oom_kill", &v))
		ph_top_set_level(s, PH_TOP_OOM_KILLS, v);
}

/* ---- block I/O ------------------------------------------------------------------------------------------ */

/* "254:0 rbytes=1 wbytes=2 rios=3 wios=4 …", a line for each device. */
static void io_v2(int dir, struct ph_top_sample *s)
{
	static const struct { const char *key; enum ph_top_count to; } rows[] = {
		{ " rbytes=", PH_TOP_READ_BYTES }, { " wbytes=", PH_TOP_WRITE_BYTES },
		{ " rios=", PH_TOP_READS }, { " wios=", PH_TOP_WRITES },
	};
	char buf[16384];

	if (!ph_top_read(dir, "io.stat", buf, sizeof(buf)))
		return;
	for (size_t i = 0; i < PH_ARRAY_SIZE(rows); i++) {
		uint64_t sum = 0;

		for (const char *at = buf; (at = strstr(at, rows[i].key)); at++)
			sum += strtoull(at + strlen(rows[i].key), NULL, 10);
		ph_top_set(s, rows[i].to, sum);
	}
}

/* "254:0 Read 1" and so on, with "Total 3" at the end. */
static void io_v1(int dir, const char *recursive, const char *plain, enum ph_top_count reads,
		  enum ph_top_count writes, struct ph_top_sample *s)
{
	uint64_t r = 0, w = 0;
	char buf[16384];

	if (!ph_top_read(dir, recursive, buf, sizeof(buf)) && !ph_top_read(dir, plain, buf, sizeof(buf)))
		return;
	for (const char *at = buf; (at = strstr(at, " Read ")); at++)
		r += strtoull(at + 6, NULL, 10);
	for (const char *at = buf; (at = strstr(at, " Write ")); at++)
		w += strtoull(at + 7, NULL, 10);
	ph_top_set(s, reads, r);
	ph_top_set(s, writes, w);
}

/* ---- all of it ------------------------------------------------------------------------------------------ */

static void pressures(int dir, struct ph_top_sample *s)
{
	static const struct { const char *file; enum ph_top_count some, full; } rows[] = {
		{ "cpu.pressure", PH_TOP_CPU_SOME, PH_TOP_CPU_FULL },
		{ "io.pressure", PH_TOP_IO_SOME, PH_TOP_IO_FULL },
		{ "memory.pressure", PH_TOP_MEMORY_SOME, PH_TOP_MEMORY_FULL },
	};
	char buf[512];
	uint64_t ns;

	for (size_t i = 0; i < PH_ARRAY_SIZE(rows); i++) {
		if (!ph_top_read(dir, rows[i].file, buf, sizeof(buf)))
			continue;
		if (ph_top_pressure(buf, "some ", &ns))
			ph_top_set(s, rows[i].some, ns);
		if (ph_top_pressure(buf, "full ", &ns))
			ph_top_set(s, rows[i].full, ns);
	}
}

int ph_top_cgroup(const struct ph_top_dirs *d, struct ph_top_sample *s)
{
	uint64_t v;
	int r = 0;

	if (d->at[AT_CPUACCT].fd >= 0 && !d->at[AT_CPUACCT].v2)
		r = cpu_v1(d->at[AT_CPUACCT].fd, s);
	else if (d->at[AT_V2].fd >= 0)
		r = cpu_v2(d->at[AT_V2].fd, s);
	if (r < 0)
		return r;
	throttling(d, s);
	if (d->at[AT_MEMORY].fd >= 0)
		memory(d->at[AT_MEMORY].fd, d->at[AT_MEMORY].v2, s);
	if (d->at[AT_PIDS].fd >= 0 && lone(d->at[AT_PIDS].fd, "pids.current", &v))
		ph_top_set_level(s, PH_TOP_TASKS, v);
	if (d->at[AT_IO].fd >= 0 && d->at[AT_IO].v2) {
		io_v2(d->at[AT_IO].fd, s);
	} else if (d->at[AT_IO].fd >= 0) {
		io_v1(d->at[AT_IO].fd, "blkio.throttle.io_service_bytes_recursive",
		      "blkio.throttle.io_service_bytes", PH_TOP_READ_BYTES, PH_TOP_WRITE_BYTES, s);
		io_v1(d->at[AT_IO].fd, "blkio.throttle.io_serviced_recursive", "blkio.throttle.io_serviced",
		      PH_TOP_READS, PH_TOP_WRITES, s);
	}
	if (d->at[AT_V2].fd >= 0)
		pressures(d->at[AT_V2].fd, s);
	return 0;
}
