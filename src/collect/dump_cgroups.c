/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What cgroups there are, and their limits. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "collect/cgdir.h"
#include "collect/dump_priv.h"
#include "identity/cgpath.h"

/* A limit file: a number, "max" or "-1" for none. @field: which word. -1 where there is no file. */
static int64_t limit_file(int dirfd, const char *name, int field)
{
	ph_autobuf b = { 0 };
	char *p, *end;
	long long v;

	if (ph_read_file_at(dirfd, name, 4096, &b) < 0)
		return -1;
	p = b.p;
	for (int i = 0; i < field && p; i++) {
		p = strchr(p, ' ');
		p += p != NULL;
	}
	if (!p)
		return -1;
	errno = 0;
	v = strtoll(p, &end, 10);
	/* v1 says "no limit" with the largest multiple of a page. */
	return end == p || errno || v >= 0x7ffffffffffff000LL ? -1 : v;
}

static int64_t first_of(int dirfd, const char *v2, const char *v1)
{
	int64_t v = limit_file(dirfd, v2, 0);

	return v >= 0 || faccessat(dirfd, v2, F_OK, 0) == 0 ? v : limit_file(dirfd, v1, 0);
}

/*
 * Whose tasks a cgroup has: the kernel side knows those of the hierarchies that tell containers apart; in
 * others (v1's memory, pids …) the same paths mean the same containers.
 */
static uint32_t cgroup_container(struct dump *d, int32_t number, uint64_t id, const char *path)
{
	uint64_t key = PH_CGKEY((uint32_t)number, id);
	struct ph_cgent ent = { 0 };
	struct ph_centry *e = NULL;
	struct ph_cgpath cp;

	if (!bpf_map_lookup_elem(d->c->ct.cgroups_fd, &key, &ent))
		return ph_ctable_resolve(&d->c->ct, ent.index, NULL);
	if (ph_cgpath_parse(path, &cp))
		e = ph_strmap_get(&d->c->ct.by_id, cp.id);
	return e ? e->c.index : PH_CONTAINER_HOST;
}

/* Files of which one is read here: what their names begin with. */
bool ph_dump_cgroup_has(const char *name)
{
	static const char *const begins[] = {
		"cpu.max", "cpu.weight", "cpu.cfs_", "cpu.shares", "cpuset.cpus", "memory.max", "memory.limit_in_bytes", "pids.max",
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(begins); i++)
		if (!strncmp(name, begins[i], strlen(begins[i])))
			return true;
	return false;
}

static int dump_cgroup(struct dump *d, int fd, int32_t number, uint64_t id, uint64_t parent,
		       const char *path, bool again)
{
	bool v2 = number == 0;
	ph_autobuf cpus = { 0 };
	struct { int64_t quota, period, burst, weight, memory, pids; } l;
	uint64_t *told = ph_cgstat_told(d->c, number, id), hash;

	l.quota = v2 ? limit_file(fd, "cpu.max", 0) : limit_file(fd, "cpu.cfs_quota_us", 0);
	l.period = v2 ? limit_file(fd, "cpu.max", 1) : limit_file(fd, "cpu.cfs_period_us", 0);
	l.burst = v2 ? limit_file(fd, "cpu.max.burst", 0) : limit_file(fd, "cpu.cfs_burst_us", 0);
	l.weight = first_of(fd, "cpu.weight", "cpu.shares");
	l.memory = first_of(fd, "memory.max", "memory.limit_in_bytes");
	l.pids = limit_file(fd, "pids.max", 0);
	if (ph_read_file_at(fd, v2 ? "cpuset.cpus.effective" : "cpuset.effective_cpus", 4096, &cpus) >= 0)
		cpus.p[strcspn(cpus.p, "\n")] = 0;
	hash = ph_hash(ph_hash(PH_HASH_INIT, &l, sizeof(l)), cpus.p ? cpus.p : "", cpus.p ? strlen(cpus.p) : 0) | 1;
	if (told && again && *told == hash)
		return 0;
	if (told)
		*told = hash;
	dump_begin(d, PH_EV_statedump_cgroup);
	ph_emit_i(&d->e, number);
	ph_emit_u(&d->e, id);
	ph_emit_u(&d->e, parent);
	ph_emit_u(&d->e, cgroup_container(d, number, id, path));
	ph_emit_i(&d->e, l.quota);
	ph_emit_u(&d->e, l.period > 0 ? (uint64_t)l.period : 0);
	ph_emit_u(&d->e, l.burst > 0 ? (uint64_t)l.burst : 0);
	ph_emit_u(&d->e, l.weight > 0 ? (uint64_t)l.weight : 0);
	ph_emit_i(&d->e, l.memory);
	ph_emit_i(&d->e, l.pids);
	ph_emit_s(&d->e, cpus.p);
	ph_emit_s(&d->e, path);
	return dump_done(d);
}

int ph_dump_cgroup(struct ph_collect *c, int dirfd, int32_t hierarchy, uint64_t id, uint64_t parent,
		   const char *path, struct ph_err *err)
{
	struct dump d = { .c = c, .fn = ph_state, .arg = c, .err = err };

	return dump_cgroup(&d, dirfd, hierarchy, id, parent, path, true);
}

static int dump_cgroups(struct dump *d, int dirfd, const char *name, struct ph_buf *path,
			int32_t number, uint64_t parent, int depth)
{
	autocgdir struct cgdir dir = { 0 };
	int r;

	if (!cgdir_open(&dir, dirfd, name, path))
		return 0;
	r = dump_cgroup(d, dir.fd, number, dir.id, parent, path->p, false);
	if (depth == CGDIR_DEPTH) {
		d->c->deep_cgroups += cgdir_next(&dir, path) != NULL;
		return r;
	}
	while (r >= 0 && (name = cgdir_next(&dir, path)))
		r = dump_cgroups(d, dir.fd, name, path, number, dir.id, depth + 1);
	return r;
}

/* All hierarchies with a controller: on v1 each says something else about the same container. */
int dump_hierarchies(struct dump *d)
{
	int rootfd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct ph_cgroupfs fs;

	if (rootfd < 0)
		return ph_err_sys(d->err, errno, "cannot open /");
	ph_cgroupfs_open(&fs, rootfd);
	for (size_t i = 0; i < fs.h.n && r >= 0; i++) {
		const struct ph_hierarchy *h = &fs.h.v[i];
		ph_autobuf path = { 0 };

		if (!h->mount || (h->num && (!h->controllers || !strncmp(h->controllers, "name=", 5))))
			continue;
		ph_buf_addc(&path, '/');
		r = dump_cgroups(d, rootfd, h->mount, &path, h->num, 0, 0);
	}
	ph_cgroupfs_done(&fs);
	close(rootfd);
	return r;
}
