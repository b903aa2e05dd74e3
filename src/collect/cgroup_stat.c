/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel counts for cgroups: CPU time, throttling, pressure, memory, tasks; and their limits, when
 * somebody changes them. Read for the cgroups of selected containers and for those above them, whose limits
 * are theirs too, in each hierarchy that has such things. A container may come and go meanwhile: whatever
 * changes in the table of containers makes the set of cgroups be looked up again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "collect/cgdir.h"
#include "collect/priv.h"

/* A round costs some ten microseconds for each cgroup that did something. */
#define ROUND_NS PH_NSEC
#define LOOK_NS (PH_NSEC / 5)
/*
 * All there are are looked through whenever there is a new one. Each takes some ten microseconds, a host may have ten thousand, and containers that
 * begin by the dozen would have it done all the time: not more than so many a second.
 */
#define LOOKED_A_SECOND 4000
#define MAX_CGROUPS 320		/* and no more than a quarter of our descriptors, two each */
#define TEXT_MAX 8192
#define STAT_NS 1000000	/* to read a file takes some microseconds, in an emulated machine hundreds */

struct ph_cgstat_entry {
	int32_t hierarchy;
	uint64_t id;
	uint32_t index;		/* as the kernel side knows it */
	int dir, fd;		/* fd: the file that changes whenever the cgroup does something; -1: it counts nothing */
	int watch;		/* of its files; -1: there are none left */
	uint64_t seen;		/* hash of what stood there last, 0: never read */
	bool marked;
	bool limits;		/* they may have changed */
	uint64_t told;		/* hash of those that were told last, 0: none were */
	char *path;
	uint64_t parent;
};

static void entry_free(struct ph_cgstat *s, struct ph_cgstat_entry *e)
{
	if (e->watch >= 0)
		inotify_rm_watch(s->notify - 1, e->watch);
	if (e->fd >= 0)
		close(e->fd);
	close(e->dir);
	free(e->path);
	free(e);
}

void ph_cgstat_done(struct ph_cgstat *s)
{
	for (struct ph_u64map_slot *m = NULL; (m = ph_u64map_next(&s->entries, m));)
		entry_free(s, m->val);
	ph_u64map_done(&s->entries);
	if (s->notify > 0)
		close(s->notify - 1);
}

uint64_t *ph_cgstat_told(struct ph_collect *c, int32_t hierarchy, uint64_t id)
{
	struct ph_cgstat_entry *e = ph_u64map_get(&c->cgstat.entries, PH_CGKEY((uint32_t)hierarchy, id));

	return e ? &e->told : NULL;
}

/* ---- which cgroups ------------------------------------------------------------------------------ */

static const char *const controllers[] = { "cpu", "cpuacct", "cpuset", "memory", "pids" };

/* What tells for each kind of hierarchy that something happened. */
static const char *const telling[] = { "cpu.stat", "cpuacct.usage", "memory.usage_in_bytes", "pids.current" };

struct look {
	struct ph_collect *c;
	struct ph_strmap *paths;	/* path -> index + 1, of all hierarchies that name containers */
	const struct ph_hierarchy *h;
	bool tracked, host;		/* host: the second pass, for cgroups of no container */
};

static int open_telling(int dir)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(telling); i++) {
		int fd = openat(dir, telling[i], O_RDONLY | O_CLOEXEC);

		/* v1's cpu hierarchy may be without cpuacct: then the throttling alone tells. */
		if (fd >= 0 && i == 0 && faccessat(dir, telling[1], R_OK, 0) == 0) {
			close(fd);
			continue;
		}
		if (fd >= 0 || errno == EMFILE)
			return fd;
	}
	return -1;
}

/* The kernel says who writes to its files: as it does of any file that is watched. */
static int watch(struct ph_cgstat *s, int dir)
{
	char name[64];

	if (!s->notify) {
		s->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC) + 1;
		s->notify = s->notify > 0 ? s->notify : -1;
	}
	snprintf(name, sizeof(name), "/proc/self/fd/%d", dir);
	return s->notify > 0 ? inotify_add_watch(s->notify - 1, name, IN_MODIFY) : -1;
}

static void keep(struct look *l, int dir, uint64_t id, uint64_t parent, const char *path, uint32_t index)
{
	struct ph_cgstat *s = &l->c->cgstat;
	uint64_t key = PH_CGKEY((uint32_t)l->h->num, id);
	struct ph_cgstat_entry *e = ph_u64map_get(&s->entries, key);
	int copy, fd;

	if (e) {
		e->index = index;
		e->marked = true;
		return;
	}
	if (s->entries.n >= s->most)
		return;
	fd = open_telling(dir);
	if (fd < 0 && (errno == EMFILE || faccessat(dir, "cpuset.cpus", F_OK, 0)))
		return;		/* it counts nothing, and has no limits */
	copy = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	if (copy < 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	e = ph_alloc(sizeof(*e));
	*e = (struct ph_cgstat_entry){ .hierarchy = l->h->num, .id = id, .index = index, .dir = copy,
				       .fd = fd, .watch = watch(s, copy), .marked = true, .limits = !l->c->dumping,
				       .path = ph_strdup(path), .parent = parent };
	ph_u64map_put(&s->entries, key, e);
}

/* The index of the cgroup at @path; that of the one above where nobody knows better. */
static uint32_t index_of(struct look *l, uint64_t id, const char *path, uint32_t above)
{
	uint64_t key = PH_CGKEY((uint32_t)l->h->num, id);
	struct ph_cgent ent;
	void *known;

	if (l->tracked) {
		if (bpf_map_lookup_elem(l->c->ct.cgroups_fd, &key, &ent))
			return above;
		if (ent.index)
			ph_strmap_put(l->paths, path, (void *)(uintptr_t)(ent.index + 1ULL));
		return ent.index;
	}
	known = ph_strmap_get(l->paths, path);
	return known ? (uint32_t)((uintptr_t)known - 1) : above;
}

/* Keep those of selected containers, and what lies above them. True: something here was kept. */
static bool look_at(struct look *l, int dirfd, const char *name, struct ph_buf *path, uint64_t parent,
		    uint32_t above, int depth)
{
	autocgdir struct cgdir d = { 0 };
	bool selected, wanted = false;
	uint32_t index;

	if (!cgdir_open(&d, dirfd, name, path))
		return false;
	l->c->cgstat.looked++;
	index = index_of(l, d.id, path->p, above);
	while (depth < CGDIR_DEPTH && (name = cgdir_next(&d, path)))
		wanted |= look_at(l, d.fd, name, path, d.id, index, depth + 1);
	if (ph_ctable_resolve(&l->c->ct, index, &selected) == PH_CONTAINER_HOST)
		wanted |= selected && l->host;
	else
		wanted |= selected;
	if (wanted)
		keep(l, d.fd, d.id, parent, path->p, index);
	return wanted;
}

/* Where the first processes of selected containers are, in hierarchies that name no containers. */
static void add_processes(struct ph_collect *c, const struct ph_hierarchy *h, struct ph_strmap *paths)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&c->ct.by_index, s));) {
		const struct ph_centry *e = s->val;
		ph_autofree char *path = NULL;
		ph_autobuf text = { 0 };
		char name[64];

		if (!e->selected || e->stopped || e->c.init_pid <= 0)
			continue;
		snprintf(name, sizeof(name), "/proc/%d/cgroup", e->c.init_pid);
		if (ph_read_file_at(AT_FDCWD, name, 1 << 16, &text) < 0)
			continue;
		path = ph_cgroup_path_of(text.p, h->num);
		/* A container without cgroups of its own lives in the host's. */
		if (path && path[1] && e->c.cgroup_path && !ph_strmap_get(paths, path))
			ph_strmap_put(paths, path, (void *)(uintptr_t)(e->c.index + 1ULL));
	}
}

static bool counts(const struct ph_cgroupfs *fs, const struct ph_hierarchy *h)
{
	if (!h->mount)
		return false;
	for (size_t i = 0; i < PH_ARRAY_SIZE(controllers); i++)
		if (ph_cgroupfs_by_controller(fs, controllers[i]) == h)
			return true;
	return h->num == 0;
}

static size_t most_cgroups(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur / 8 > MAX_CGROUPS)
		return MAX_CGROUPS;
	return files.rlim_cur / 8;
}

static void look(struct ph_collect *c)
{
	int rootfd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	PH_VEC(uint64_t) old = { 0 };
	struct ph_strmap paths = { 0 };
	struct ph_cgroupfs fs;
	uint64_t tracked;

	if (rootfd < 0)
		return;
	c->cgstat.most = most_cgroups();
	c->cgstat.looked = 0;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&c->cgstat.entries, s));)
		((struct ph_cgstat_entry *)s->val)->marked = false;
	ph_cgroupfs_open(&fs, rootfd);
	tracked = ph_tracked_hierarchies(&fs);
	/* Containers before the host: there may be too many. Hierarchies that name containers first. */
	for (int pass = 0; pass < 4; pass++) {
		bool names = pass % 2 == 0;

		if (pass >= 2 && !c->ct.host_selected)
			break;
		ph_vec_each(h, &fs.h) {
			struct look l = { .c = c, .paths = &paths, .h = h, .host = pass >= 2 };
			ph_autobuf path = { 0 };

			l.tracked = h->num < 64 && (tracked & 1ULL << h->num);
			if (l.tracked != names || !counts(&fs, h))
				continue;
			if (!names)
				add_processes(c, h, &paths);
			ph_buf_addc(&path, '/');
			look_at(&l, rootfd, h->mount, &path, 0, PH_CONTAINER_HOST, 0);
		}
	}
	ph_cgroupfs_done(&fs);
	ph_strmap_done(&paths);
	close(rootfd);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&c->cgstat.entries, s));)
		if (!((struct ph_cgstat_entry *)s->val)->marked)
			*ph_vec_push(&old) = s->key;
	for (size_t i = 0; i < old.n; i++)
		entry_free(&c->cgstat, ph_u64map_del(&c->cgstat.entries, old.v[i]));
	ph_vec_done(&old);
}

/* ---- their numbers ------------------------------------------------------------------------------ */

/* A whole file into @text; false where it is not there or may not be read. */
static bool read_text(int dir, const char *name, char text[TEXT_MAX])
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, TEXT_MAX - 1) : -1;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	return n >= 0;
}

/* The number behind @key and a blank at the beginning of a line; @otherwise where there is none. */
static int64_t number(const char *text, const char *key, int64_t otherwise)
{
	size_t n = strlen(key);

	for (const char *l = text; *l; l += strcspn(l, "\n"), l += *l == '\n')
		if (!strncmp(l, key, n) && l[n] == ' ')
			return strtoll(l + n, NULL, 10);
	return otherwise;
}

/* A file with one number. */
static int64_t lone(int dir, const char *name, char text[TEXT_MAX], int64_t otherwise)
{
	char *end;
	int64_t v;

	if (!read_text(dir, name, text))
		return otherwise;
	v = strtoll(text, &end, 10);
	return end == text ? otherwise : v;
}

static uint64_t times(int64_t v, uint64_t by)
{
	return v > 0 ? (uint64_t)v * by : 0;
}

/*
 * cpu.stat into @text, and the time that it is of. Who compares what the kernel counts with events must know that
 * well: if we lost the CPU meanwhile, it is read again.
 */
static uint64_t read_cpu_stat(int dir, char text[TEXT_MAX])
{
	uint64_t before, after;
	int tries = 0;

	do {
		before = ph_now_ns();
		read_text(dir, "cpu.stat", text);
		after = ph_now_ns();
	} while (after - before > STAT_NS && ++tries < 10);
	return before + (after - before) / 2;
}

/* @stat: cpu.stat. */
static void put_usage(struct ph_emit *e, int dir, bool v2, const char *stat, char text[TEXT_MAX])
{
	if (v2) {
		ph_emit_u(e, times(number(stat, "usage_usec", 0), 1000));
		ph_emit_u(e, times(number(stat, "user_usec", 0), 1000));
		ph_emit_u(e, times(number(stat, "system_usec", 0), 1000));
	} else {
		ph_emit_u(e, times(lone(dir, "cpuacct.usage", text, 0), 1));
		ph_emit_u(e, times(lone(dir, "cpuacct.usage_user", text, 0), 1));
		ph_emit_u(e, times(lone(dir, "cpuacct.usage_sys", text, 0), 1));
	}
}

static void put_throttling(struct ph_emit *e, int dir, bool v2, const char *stat, char text[TEXT_MAX])
{
	int64_t bursts = number(stat, "nr_bursts", 0), local = -1;
	int64_t burst = v2 ? number(stat, "burst_usec", 0) : number(stat, "burst_time", 0);

	ph_emit_u(e, times(number(stat, "nr_periods", 0), 1));
	ph_emit_u(e, times(number(stat, "nr_throttled", 0), 1));
	ph_emit_u(e, v2 ? times(number(stat, "throttled_usec", 0), 1000) :
			  times(number(stat, "throttled_time", 0), 1));
	if (v2 && read_text(dir, "cpu.stat.local", text))
		local = number(text, "throttled_usec", -1);
	ph_emit_i(e, local < 0 ? -1 : local * 1000);
	ph_emit_u(e, times(bursts, 1));
	ph_emit_u(e, times(burst, v2 ? 1000 : 1));
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", and so for "full"; in microseconds. */
static int64_t pressure(const char *text, const char *kind)
{
	const char *l = strstr(text, kind), *total = l ? strstr(l, "total=") : NULL;

	if (!total || total > l + strcspn(l, "\n"))
		return -1;
	return strtoll(total + 6, NULL, 10) * 1000;
}

static void put_pressure(struct ph_emit *e, int dir, char text[TEXT_MAX])
{
	static const char *const files[] = { "cpu.pressure", "io.pressure", "memory.pressure" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(files); i++) {
		bool is = read_text(dir, files[i], text);

		ph_emit_i(e, is ? pressure(text, "some ") : -1);
		ph_emit_i(e, is ? pressure(text, "full ") : -1);
	}
}

/* @stat: memory.stat, empty where there is none. */
static void put_memory(struct ph_emit *e, int dir, bool v2, const char *stat, char text[TEXT_MAX])
{
	ph_emit_i(e, lone(dir, v2 ? "memory.current" : "memory.usage_in_bytes", text, -1));
	ph_emit_i(e, number(stat, v2 ? "file" : "total_cache", -1));
	ph_emit_i(e, read_text(dir, v2 ? "memory.events" : "memory.oom_control", text) ?
			     number(text, "oom_kill", -1) : -1);
	ph_emit_i(e, v2 ? number(text, "max", -1) : lone(dir, "memory.failcnt", text, -1));
}

/* Who has begun by now is told first. A dump walks the containers: what changes them is for its own pauses. */
static int catch_up(struct ph_collect *c, struct ph_err *err)
{
	return c->dumping ? 0 : ph_control_round(c, err);
}

static int emit(struct ph_collect *c, const struct ph_cgstat_entry *s, struct ph_err *err)
{
	bool v2 = s->hierarchy == 0;
	char stat[TEXT_MAX], memory[TEXT_MAX], text[TEXT_MAX];
	uint64_t ts = read_cpu_stat(s->dir, stat);
	int r = catch_up(c, err);
	struct ph_emit e;

	if (r < 0)
		return r;
	ph_emit_begin(&e, PH_EV_cgroup_stat, ts);
	ph_emit_i(&e, s->hierarchy);
	ph_emit_u(&e, s->id);
	ph_emit_u(&e, ph_ctable_resolve(&c->ct, s->index, NULL));
	put_usage(&e, s->dir, v2, stat, text);
	put_throttling(&e, s->dir, v2, stat, text);
	put_pressure(&e, s->dir, text);
	read_text(s->dir, "memory.stat", memory);
	put_memory(&e, s->dir, v2, memory, text);
	ph_emit_i(&e, lone(s->dir, "pids.current", text, -1));
	ph_emit_i(&e, read_text(s->dir, "pids.events", text) ? number(text, "max", -1) : -1);
	ph_emit_i(&e, number(memory, v2 ? "inactive_file" : "total_inactive_file", -1));
	ph_emit_i(&e, number(memory, v2 ? "pgfault" : "total_pgfault", -1));
	ph_emit_i(&e, number(memory, v2 ? "pgmajfault" : "total_pgmajfault", -1));
	return ph_emit_done(&e, ph_state, c, err);
}

/* Did something happen in it? -ENODEV: it was removed. */
static int changed(struct ph_cgstat_entry *e)
{
	char text[TEXT_MAX];
	ssize_t n = pread(e->fd, text, sizeof(text), 0);
	uint64_t now;

	if (n < 0)
		return errno == ENODEV ? -ENODEV : 0;
	now = ph_hash(PH_HASH_INIT, text, (size_t)n) | 1;	/* 0: not read yet */
	if (now == e->seen)
		return 0;
	e->seen = now;
	return 1;
}

/* ---- limits that change ------------------------------------------------------------------------- */

/* Of a cpuset also what others have left may change, below it and beside it. */
static void note_write(struct ph_cgstat *s, int wd, const char *name)
{
	bool cpuset = !strncmp(name, "cpuset.", 7);
	const struct ph_cgstat_entry *of = NULL;

	if (!ph_dump_cgroup_has(name))
		return;
	for (struct ph_u64map_slot *m = NULL; (m = ph_u64map_next(&s->entries, m));) {
		struct ph_cgstat_entry *e = m->val;

		if (e->watch != wd)
			continue;
		e->limits = true;
		of = e;
	}
	for (struct ph_u64map_slot *m = NULL; cpuset && of && (m = ph_u64map_next(&s->entries, m));) {
		struct ph_cgstat_entry *e = m->val;

		e->limits = e->limits || e->hierarchy == of->hierarchy;
	}
}

/* True: something was written. */
static bool read_notes(struct ph_cgstat *s)
{
	_Alignas(struct inotify_event) char buf[4096];
	bool any = false;
	ssize_t n;

	while (s->notify > 0 && (n = read(s->notify - 1, buf, sizeof(buf))) > 0) {
		for (const char *p = buf; p < buf + n;) {
			const struct inotify_event *ev = (const void *)p;

			any = true;
			/* Who has lost count looks at all. */
			for (struct ph_u64map_slot *m = NULL; ev->mask & IN_Q_OVERFLOW && (m = ph_u64map_next(&s->entries, m));)
				((struct ph_cgstat_entry *)m->val)->limits = true;
			if (ev->len)
				note_write(s, ev->wd, ev->name);
			p += sizeof(*ev) + ev->len;
		}
	}
	return any;
}

static int tell_limits(struct ph_collect *c, struct ph_cgstat_entry *e, struct ph_err *err)
{
	int r;

	if (!e->limits)
		return 0;
	e->limits = false;
	r = catch_up(c, err);
	return r < 0 ? r : ph_dump_cgroup(c, e->dir, e->hierarchy, e->id, e->parent, e->path, err);
}

/* ---- rounds ------------------------------------------------------------------------------------- */

uint64_t ph_cgstat_pause_ns(uint64_t looked)
{
	uint64_t pause = looked * (PH_NSEC / LOOKED_A_SECOND);

	return pause > LOOK_NS ? pause : LOOK_NS;
}

/* Are there others than before? */
static bool look_again(struct ph_collect *c, bool now)
{
	struct ph_cgstat *s = &c->cgstat;

	if (s->changes == c->ct.changes || (!now && ph_now_ns() - s->look_ns < ph_cgstat_pause_ns(s->looked)))
		return false;
	s->changes = c->ct.changes;
	s->look_ns = ph_now_ns();
	look(c);
	return true;
}

void ph_cgstat_begin(struct ph_collect *c)
{
	if (c->events[PH_EV_cgroup_stat])
		look_again(c, true);
}

int ph_cgstat_round(struct ph_collect *c, bool all, struct ph_err *err)
{
	struct ph_cgstat *s = &c->cgstat;
	PH_VEC(uint64_t) gone = { 0 };
	uint64_t now = ph_now_ns();
	bool due = all || now - s->round_ns >= ROUND_NS, some;
	int r = 0;

	if (!c->events[PH_EV_cgroup_stat])
		return 0;
	some = look_again(c, all);
	some = read_notes(s) || some;
	if (!due && !some)
		return 0;
	if (due)
		s->round_ns = now;
	for (struct ph_u64map_slot *m = NULL; r >= 0 && (m = ph_u64map_next(&s->entries, m));) {
		struct ph_cgstat_entry *e = m->val;
		int is = 0;

		/* Between rounds, only what is new. */
		if (e->fd >= 0 && (due || !e->seen))
			is = changed(e);
		if (is < 0)
			*ph_vec_push(&gone) = m->key;
		/* Nobody says when those are written. */
		e->limits = e->limits || (e->watch < 0 && due && (is > 0 || all));
		if (is >= 0)
			r = tell_limits(c, e, err);
		if (r >= 0 && e->fd >= 0 && is >= 0 && (all || is))
			r = emit(c, e, err);
	}
	for (size_t i = 0; i < gone.n; i++)
		entry_free(s, ph_u64map_del(&s->entries, gone.v[i]));
	ph_vec_done(&gone);
	return r;
}
