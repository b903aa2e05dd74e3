/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Container indices. The kernel side gives an index to every cgroup (and set of namespaces) that
 * appears while recording, so that nothing of a new container is missed; here it is decided what
 * each index means. Several may mean one container: its cgroups in other hierarchies, and those that
 * it makes below its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "collect/priv.h"
#include "identity/cgpath.h"

/* The namespaces of a task; false where it is gone or may not be looked into. */
static bool task_namespaces(int32_t tid, uint32_t ns[PH_NS_MAX])
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool any = false;

	for (int i = 0; i < PH_NS_MAX; i++) {
		ns[i] = proc < 0 ? 0 : ph_proc_ns(proc, tid, ph_ns_names[i]);
		any |= ns[i] != 0;
	}
	if (proc >= 0)
		close(proc);
	return any;
}

void ph_host_namespaces(uint32_t ns[PH_NS_MAX])
{
	if (!task_namespaces(1, ns))
		task_namespaces(getpid(), ns);
}

uint64_t ph_tracked_hierarchies(const struct ph_cgroupfs *fs)
{
	const struct ph_hierarchy *cpu = ph_cgroupfs_by_controller(fs, "cpu");
	const struct ph_hierarchy *blkio = ph_cgroupfs_by_controller(fs, "blkio");

	return 1 | (cpu && cpu->num < 64 ? 1ULL << cpu->num : 0) |
	       (blkio && blkio->num < 64 ? 1ULL << blkio->num : 0);
}

/*
 * Do these namespaces make a container of their own? A pid namespace does, or a mount namespace
 * together with another one: a private mount namespace alone is what many services have.
 */
static bool sandbox(const struct ph_ctable *t, const uint32_t ns[PH_NS_MAX])
{
	unsigned int own = 0;

	if (ns[PH_NS_PID] && ns[PH_NS_PID] != t->host_ns[PH_NS_PID])
		return true;
	for (int i = 0; i < PH_NS_MAX; i++)
		own += ns[i] && ns[i] != t->host_ns[i];
	return own >= 2 && ns[PH_NS_MNT] != t->host_ns[PH_NS_MNT];
}

static struct ph_centry *centry(struct ph_ctable *t, uint32_t index)
{
	return ph_u64map_get(&t->by_index, index);
}

struct ph_ix *ph_ctable_ix(struct ph_ctable *t, uint32_t index)
{
	struct ph_ix *ix = ph_u64map_get(&t->ix, index);

	if (!ix) {
		ix = ph_alloc(sizeof(*ix));
		ph_u64map_put(&t->ix, index, ix);
	}
	return ix;
}

void ph_ctable_init(struct ph_ctable *t, const struct ph_selection *sel, bool everybody, int cgroups_fd,
		    int namespaces_fd, uint64_t *generation)
{
	static const struct ph_container host;

	*t = (struct ph_ctable){ .sel = sel, .everybody = everybody, .cgroups_fd = cgroups_fd,
				 .namespaces_fd = namespaces_fd, .generation = generation,
				 .next_index = 1 };
	ph_host_namespaces(t->host_ns);
	t->host_selected = everybody || !sel || ph_selection_match_container(sel, &host);
}

static void centry_free(struct ph_centry *e)
{
	ph_container_done(&e->c);
	ph_vec_done(&e->ns_keys);
	free(e);
}

void ph_ctable_done(struct ph_ctable *t)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&t->ix, s));) {
		free(((struct ph_ix *)s->val)->path);
		free(s->val);
	}
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&t->by_index, s));)
		centry_free(s->val);
	ph_vec_done(&t->gone);
	ph_u64map_done(&t->ix);
	ph_u64map_done(&t->by_index);
	ph_strmap_done(&t->by_id);
}

uint32_t ph_ctable_resolve(struct ph_ctable *t, uint32_t index, bool *ret_selected)
{
	struct ph_ix *ix;
	bool selected = t->host_selected;
	uint32_t canonical = PH_CONTAINER_HOST;

	if (index == PH_CONTAINER_UNKNOWN)
		canonical = index;
	/* The last one asked for is nearly always the next one. */
	else if (index) {
		if (index == t->last_index && t->last) {
			ix = t->last;
		} else {
			ix = ph_ctable_ix(t, index);
			t->last = ix;
			t->last_index = index;
		}
		if (ix->e) {
			canonical = ix->e->c.index;
			selected = ix->e->selected;
		}
	}
	if (ret_selected)
		*ret_selected = selected;
	return canonical;
}

/* Tell the kernel side what to do with the tasks of a cgroup (and of cgroups made in it). */
static void tell_cgroup(struct ph_ctable *t, int32_t hierarchy, uint64_t id, uint32_t index,
			uint32_t flags)
{
	struct ph_cgent e = { .index = index, .flags = flags };
	uint64_t key = PH_CGKEY((uint32_t)hierarchy, id);

	bpf_map_update_elem(t->cgroups_fd, &key, &e, BPF_ANY);
	t->changes++;
	__atomic_add_fetch(t->generation, 1, __ATOMIC_RELEASE);
}

static void tell_namespaces(struct ph_ctable *t, uint64_t key, uint32_t index, uint32_t flags)
{
	struct ph_cgent e = { .index = index, .flags = flags };

	bpf_map_update_elem(t->namespaces_fd, &key, &e, BPF_ANY);
	__atomic_add_fetch(t->generation, 1, __ATOMIC_RELEASE);
}

static uint32_t kernel_flags(bool selected, bool container)
{
	return (selected ? PH_CG_SELECTED : 0) | (container ? PH_CG_CONTAINER : 0);
}

/* Tasks of the host's cgroups that are in these namespaces are @e's from now on. */
static void own_namespaces(struct ph_ctable *t, struct ph_centry *e, uint64_t key)
{
	*ph_vec_push(&e->ns_keys) = key;
	tell_namespaces(t, key, e->c.index, kernel_flags(e->selected, true));
}

static void tell_namespaces_again(struct ph_ctable *t, const struct ph_centry *e)
{
	ph_vec_each(key, &e->ns_keys)
		tell_namespaces(t, *key, e->c.index, kernel_flags(e->selected, true));
}

static void decide(struct ph_ctable *t, struct ph_centry *e)
{
	t->nselected -= e->matches;
	e->matches = !t->sel || ph_selection_match_container(t->sel, &e->c);
	e->selected = e->matches || t->everybody;
	t->nselected += e->matches;
}

/* A container under its canonical index. Takes over what @c owns. */
static struct ph_centry *add_container(struct ph_ctable *t, const struct ph_container *c)
{
	struct ph_centry *e = ph_alloc(sizeof(*e));

	e->c = *c;
	decide(t, e);
	ph_u64map_put(&t->by_index, c->index, e);
	if (c->id && c->id[0])
		ph_strmap_put(&t->by_id, c->id, e);
	return e;
}

static void map_index(struct ph_ctable *t, uint32_t index, struct ph_centry *e)
{
	struct ph_ix *ix = ph_ctable_ix(t, index);

	ix->state = PH_IX_KNOWN;
	ix->e = e;
}

/* ---- what is there when recording begins ------------------------------------------------------ */

/*
 * Enter a cgroup and all below it. @cur is the container that the parent is in; a container's own
 * cgroup changes it. Cgroups that the kernel side has entered meanwhile keep their index, which is
 * then another name of the same container.
 */
static void walk(struct ph_ctable *t, int dirfd, const char *name, struct ph_buf *path,
		 int32_t hierarchy, const struct ph_strmap *own, struct ph_centry *cur, int depth)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	ph_autoclosedir DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct ph_centry *here = ph_strmap_get(own, path->p);
	struct ph_cgent known;
	struct dirent *de;
	struct stat st;
	uint64_t key;
	bool fresh;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (here)
		cur = here;
	if (fstat(fd, &st) < 0)
		return;
	key = PH_CGKEY((uint32_t)hierarchy, st.st_ino);
	fresh = !bpf_map_lookup_elem(t->cgroups_fd, &key, &known) && known.index >= PH_KERNEL_INDICES;
	if (fresh && cur)
		map_index(t, known.index, cur);
	/* One that came after the scan is for its control record to explain. */
	if (!fresh || cur)
		tell_cgroup(t, hierarchy, st.st_ino, cur ? cur->c.index : PH_CONTAINER_HOST,
			    kernel_flags(cur ? cur->selected : t->host_selected, cur));
	if (here)
		here->cgroups++;
	while (depth < 64 && (de = readdir(dir))) {
		size_t len = path->len;

		if (de->d_type != DT_DIR || de->d_name[0] == '.')
			continue;
		if (len > 1)
			ph_buf_addc(path, '/');
		ph_buf_adds(path, de->d_name);
		walk(t, fd, de->d_name, path, hierarchy, own, cur, depth + 1);
		path->len = len;
		path->p[len] = 0;
	}
}

int ph_ctable_scan(struct ph_ctable *t, struct ph_err *err)
{
	struct ph_scan scan = { 0 };
	struct ph_scan_opts opts = { .root = "/" };
	struct ph_strmap own = { 0 };
	int r, rootfd;
	struct ph_cgroupfs fs;
	uint64_t tracked;

	r = ph_scan_run(&scan, &opts, err);
	if (r < 0)
		return r;
	for (size_t i = 1; i < scan.containers.n; i++) {
		struct ph_host_container *hc = scan.containers.v[i];
		struct ph_centry *e = add_container(t, &hc->c);

		hc->c = (struct ph_container){ 0 };	/* it is the table's now */
		e->started = e->settled = e->c.init_pid > 0;
		map_index(t, e->c.index, e);
		if (e->c.cgroup_path)
			ph_strmap_put(&own, e->c.cgroup_path, e);
		if (hc->cpu_cgroup && !ph_strmap_get(&own, hc->cpu_cgroup))
			ph_strmap_put(&own, hc->cpu_cgroup, e);
		/* Of one with a cgroup it is what nsenter brings in from another. */
		if (e->c.ns[PH_NS_MNT] && (!e->c.cgroup_path || sandbox(t, e->c.ns)))
			own_namespaces(t, e, PH_NSKEY(e->c.ns[PH_NS_MNT], e->c.ns[PH_NS_PID]));
		if (e->c.cgroup_path && e->c.ns[PH_NS_PID] && e->c.ns[PH_NS_PID] != t->host_ns[PH_NS_PID])
			own_namespaces(t, e, PH_NSKEY(t->host_ns[PH_NS_MNT], e->c.ns[PH_NS_PID]));
	}
	t->next_index = (uint32_t)scan.containers.n;
	ph_scan_done(&scan);
	rootfd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rootfd < 0) {
		ph_strmap_done(&own);
		return ph_err_sys(err, errno, "cannot open /");
	}
	ph_cgroupfs_open(&fs, rootfd);
	tracked = ph_tracked_hierarchies(&fs);
	ph_vec_each(h, &fs.h) {
		ph_autobuf path = { 0 };

		if (!h->mount || h->num >= 64 || !(tracked & 1ULL << h->num))
			continue;
		ph_buf_addc(&path, '/');
		walk(t, rootfd, h->mount, &path, h->num, &own, NULL, 0);
	}
	ph_cgroupfs_done(&fs);
	close(rootfd);
	ph_strmap_done(&own);
	return r;
}

/* ---- what appears while recording --------------------------------------------------------------- */

int ph_ctable_emit_info(const struct ph_container *c, uint64_t ts_ns, ph_event_fn fn, void *arg,
			struct ph_err *err)
{
	ph_autobuf labels = { 0 };
	struct ph_emit e;

	for (size_t i = 0; i < c->labels.n; i++)
		ph_buf_addf(&labels, "%s%s", i ? "\n" : "", c->labels.v[i]);
	ph_emit_begin(&e, PH_EV_container_info, ts_ns);
	ph_emit_u(&e, c->index);
	ph_emit_s(&e, c->id);
	ph_emit_s(&e, c->name);
	ph_emit_s(&e, c->runtime);
	ph_emit_s(&e, c->image);
	ph_emit_s(&e, c->pod);
	ph_emit_s(&e, c->pod_namespace);
	ph_emit_s(&e, c->pod_uid);
	ph_emit_s(&e, labels.p);
	ph_emit_s(&e, c->state);
	ph_emit_s(&e, c->cgroup_path);
	ph_emit_i(&e, c->hierarchy);
	ph_emit_u(&e, c->cgroup_id);
	ph_emit_u(&e, c->parent);
	ph_emit_i(&e, c->init_pid);
	ph_emit_u(&e, c->start_ns);
	for (int i = 0; i < PH_NS_MAX; i++)
		ph_emit_u(&e, c->ns[i]);
	return ph_emit_done(&e, fn, arg, err);
}

static int emit_life(uint32_t id, const struct ph_centry *ce, uint64_t ts_ns, ph_event_fn fn,
		     void *arg, struct ph_err *err)
{
	struct ph_emit e;

	ph_emit_begin(&e, id, ts_ns);
	ph_emit_u(&e, ce->c.index);
	ph_emit_s(&e, ce->c.name ? ce->c.name : ce->c.id);
	if (id == PH_EV_container_start)
		ph_emit_i(&e, ce->c.init_pid);
	return ph_emit_done(&e, fn, arg, err);
}

static void set_state(struct ph_container *c, const char *state)
{
	free(c->state);
	c->state = ph_strdup(state);
}

int32_t ph_thread_group(int32_t tid)
{
	ph_autobuf b = { 0 };
	char path[64], *p;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	if (ph_read_file_at(AT_FDCWD, path, 1 << 16, &b) < 0)
		return -1;
	p = strstr(b.p, "\nTgid:");
	return p ? (int32_t)strtol(p + 6, NULL, 10) : -1;
}

/* The process of a task that may be gone already: then it was hardly more than a thread of its own. */
static int32_t first_pid(int32_t tid)
{
	int32_t pid = ph_thread_group(tid);

	return pid < 0 ? tid : pid;
}

/* Name a container that no runtime's cgroup path explains, after its cgroup and its processes. */
static void name_by_namespaces(const struct ph_ctable *t, struct ph_container *c)
{
	bool own_pid = c->ns[PH_NS_PID] && c->ns[PH_NS_PID] != t->host_ns[PH_NS_PID];
	struct ph_proc_stat up = { 0 }, self = { 0 };
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *comms[] = { up.comm, self.comm };

	if (proc >= 0) {
		if (ph_proc_stat(proc, c->init_pid, &self) >= 0)
			ph_proc_stat(proc, self.ppid, &up);
		close(proc);
	}
	ph_sandbox_name(c, comms, PH_ARRAY_SIZE(comms), own_pid ? "pid" : "mnt",
			c->ns[own_pid ? PH_NS_PID : PH_NS_MNT]);
}

/* Of a container in a container the runtime keeps its state in there too. */
static void describe(struct ph_ctable *t, struct ph_container *c, char **ret_bundle)
{
	struct ph_centry *outer = c->parent ? centry(t, c->parent) : NULL;
	struct ph_scan_opts opts = { .root = "/", .seen_by = outer ? outer->c.init_pid : 0 };

	ph_runtime_describe(c, &opts, ret_bundle);
}

/*
 * @index is a new container, @c (taken over): give it a name, tell the kernel side and the stream.
 */
static int new_container(struct ph_ctable *t, struct ph_container *c, uint32_t index, uint64_t ts_ns,
			 ph_event_fn fn, void *arg, struct ph_err *err)
{
	ph_autofree char *bundle = NULL;
	struct ph_centry *e;

	c->index = index;
	describe(t, c, &bundle);
	if (!c->name && c->id && c->id[0])
		c->name = ph_strdup(c->id);
	if (!c->state)
		c->state = ph_strdup("created");
	e = add_container(t, c);
	map_index(t, index, e);
	return ph_ctable_emit_info(&e->c, ts_ns, fn, arg, err);
}

static struct ph_centry *find_by_id(struct ph_ctable *t, const char *id)
{
	return id[0] ? ph_strmap_get(&t->by_id, id) : NULL;
}

/* The container in @outer that this cgroup is of, or is to be: @ret says what its path says. */
static bool is_inner(const struct ph_centry *outer, const char *path, struct ph_cgpath *ret)
{
	size_t n = outer->c.cgroup_path ? strlen(outer->c.cgroup_path) : 0;

	return n && !strncmp(path, outer->c.cgroup_path, n) && path[n] == '/' &&
	       ph_cgpath_parse(path, ret) && ret->own_len > n && strcmp(ret->id, outer->c.id);
}

/* Nobody has to hurry here: a container in a container is the outer one's until we have read this. */
static int inner_new(struct ph_ctable *t, const struct ph_ctl *r, ph_event_fn fn, void *arg,
		     struct ph_err *err)
{
	struct ph_centry *outer = centry(t, ph_ctable_resolve(t, r->index, NULL)), *e;
	struct ph_cgpath cp;
	int ret = 0;

	if (!outer || !is_inner(outer, r->path, &cp) || strlen(r->path) != cp.own_len)
		return 0;
	e = find_by_id(t, cp.id);
	if (!e) {
		struct ph_container c = {
			.id = ph_strdup(cp.id), .runtime = ph_strdup(cp.runtime),
			.parent = outer->c.index, .hierarchy = r->hierarchy, .cgroup_id = r->cgroup_id,
			.cgroup_path = ph_strdup(r->path),
		};
		uint32_t index = t->next_index++;

		ret = new_container(t, &c, index, r->ts_ns, fn, arg, err);
		e = centry(t, index);
	}
	e->cgroups++;
	tell_cgroup(t, r->hierarchy, r->cgroup_id, e->c.index, kernel_flags(e->selected, true));
	return ret;
}

static int cgroup_new(struct ph_ctable *t, const struct ph_ctl *r, ph_event_fn fn, void *arg,
		      struct ph_err *err)
{
	struct ph_ix *ix = ph_ctable_ix(t, r->index);
	struct ph_cgpath cp;
	struct ph_centry *e;
	int ret = 0;

	if (r->flags & PH_CG_CONTAINER)		/* below a known container: it has the parent's index */
		return inner_new(t, r, fn, arg, err);
	if (ix->state == PH_IX_KNOWN)		/* the scan has seen it */
		return 0;
	ix->hierarchy = r->hierarchy;
	ix->cgroup_id = r->cgroup_id;
	free(ix->path);
	ix->path = ph_strdup(r->path);
	if (!ph_cgpath_parse(r->path, &cp)) {
		ix->state = PH_IX_MAYBE;
		/* The first process of what is watched begins in here, and is not to take it for its own. */
		if (cp.watcher) {
			map_index(t, r->index, NULL);
			tell_cgroup(t, r->hierarchy, r->cgroup_id, r->index,
				    kernel_flags(t->host_selected, false));
		}
		return 0;
	}
	if (cp.pod_only) {
		map_index(t, r->index, NULL);
		tell_cgroup(t, r->hierarchy, r->cgroup_id, r->index, PH_CG_PENDING | PH_CG_SELECTED);
		return 0;
	}
	e = find_by_id(t, cp.id);
	if (!e) {
		struct ph_container c = {
			.id = ph_strdup(cp.id), .runtime = ph_strdup(cp.runtime),
			.pod_uid = cp.pod_uid[0] ? ph_strdup(cp.pod_uid) : NULL,
			.hierarchy = r->hierarchy, .cgroup_id = r->cgroup_id,
			.cgroup_path = ph_strndup(r->path, cp.own_len ? cp.own_len : strlen(r->path)),
		};

		ret = new_container(t, &c, r->index, r->ts_ns, fn, arg, err);
		e = centry(t, r->index);
	} else {
		map_index(t, r->index, e);
	}
	if (strlen(r->path) == cp.own_len)
		e->cgroups++;
	tell_cgroup(t, r->hierarchy, r->cgroup_id, e->c.index, kernel_flags(e->selected, true));
	return ret;
}

/* Its id, its namespaces' inodes and its cgroup's number may soon be somebody else's. */
static int stopped(struct ph_ctable *t, struct ph_centry *e, uint64_t ts_ns, ph_event_fn fn, void *arg,
		   struct ph_err *err)
{
	if (e->stopped)
		return 0;
	e->stopped = true;
	e->stopped_ns = ts_ns;
	t->nstopped++;
	if (e->c.id && ph_strmap_get(&t->by_id, e->c.id) == e)
		ph_strmap_del(&t->by_id, e->c.id);
	ph_vec_each(key, &e->ns_keys)
		bpf_map_delete_elem(t->namespaces_fd, key);
	__atomic_add_fetch(t->generation, 1, __ATOMIC_RELEASE);
	set_state(&e->c, "stopped");
	return emit_life(PH_EV_container_stop, e, ts_ns, fn, arg, err);
}

/*
 * A first process that had its namespaces before it entered the container's cgroup was taken for
 * another container: it is this one.
 */
static int absorb(struct ph_ctable *t, struct ph_centry *e, uint64_t ts_ns, ph_event_fn fn, void *arg,
		  struct ph_err *err)
{
	struct ph_centry *other = NULL;

	for (struct ph_u64map_slot *s = NULL; !other && (s = ph_u64map_next(&t->by_index, s));) {
		struct ph_centry *c = s->val;

		if (c != e && !c->c.cgroup_path && !c->stopped && c->c.init_pid == e->c.init_pid)
			other = c;
	}
	if (!other || !e->c.cgroup_path)
		return 0;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&t->ix, s));) {
		struct ph_ix *ix = s->val;

		if (ix->e == other)
			ix->e = e;
	}
	ph_vec_each(key, &other->ns_keys)
		own_namespaces(t, e, *key);
	other->ns_keys.n = 0;
	t->last_index = 0;
	t->last = NULL;
	return stopped(t, other, ts_ns, fn, arg, err);
}

/* The first task enters a container, or a plain cgroup. */
static int started(struct ph_ctable *t, struct ph_centry *e, int32_t tid, uint64_t ts_ns,
		   ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct timespec now;
	int r;

	if (e->started)
		return 0;
	e->started = true;
	e->c.init_pid = first_pid(tid);
	clock_gettime(CLOCK_REALTIME, &now);
	e->c.start_ns = (uint64_t)now.tv_sec * PH_NSEC + (uint64_t)now.tv_nsec - (ph_now_ns() - ts_ns);
	task_namespaces(tid, e->c.ns);
	set_state(&e->c, "running");
	r = ph_ctable_emit_info(&e->c, ts_ns, fn, arg, err);
	if (r >= 0)
		r = emit_life(PH_EV_container_start, e, ts_ns, fn, arg, err);
	return r < 0 ? r : absorb(t, e, ts_ns, fn, arg, err);
}

/* The container with a cgroup whose mount or, failing that, pid namespace it is: somebody entered it. */
static struct ph_centry *by_namespaces(struct ph_ctable *t, const uint32_t ns[PH_NS_MAX])
{
	static const enum ph_ns kinds[] = { PH_NS_MNT, PH_NS_PID };

	for (size_t i = 0; i < PH_ARRAY_SIZE(kinds); i++) {
		uint32_t inum = ns[kinds[i]];

		if (!inum || inum == t->host_ns[kinds[i]])
			continue;
		for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&t->by_index, s));) {
			struct ph_centry *e = s->val;

			if (e->c.cgroup_path && !e->stopped && e->c.ns[kinds[i]] == inum)
				return e;
		}
	}
	return NULL;
}

/* The container whose cgroup @pid has entered since, as the first process of one does. */
static struct ph_centry *by_cgroup_now(struct ph_ctable *t, int32_t pid)
{
	char path[32], content[16384];
	struct ph_cgpath cp;
	ph_autoclose int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, content, sizeof(content) - 1);
	if (n <= 0)
		return NULL;
	content[n] = 0;
	return ph_cgpath_parse_proc(content, &cp, NULL, NULL, 0) ? find_by_id(t, cp.id) : NULL;
}

static bool is_engine(int32_t pid)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ph_proc_stat st = { 0 };
	bool r = proc >= 0 && ph_proc_stat(proc, pid, &st) >= 0 && ph_sandbox_is_engine(st.comm);

	if (proc >= 0)
		close(proc);
	return r;
}

static int namespaces_new(struct ph_ctable *t, const struct ph_ctl *r, ph_event_fn fn, void *arg,
			  struct ph_err *err)
{
	struct ph_container c = { .init_pid = r->pid, .parent = PH_CONTAINER_HOST };
	struct ph_ix *ix = ph_ctable_ix(t, r->index);
	struct ph_centry *e;
	int ret;

	if (ix->state == PH_IX_KNOWN)
		return 0;
	task_namespaces(r->pid, c.ns);
	if (!sandbox(t, c.ns) || (c.ns[PH_NS_PID] == t->host_ns[PH_NS_PID] && is_engine(r->pid))) {
		map_index(t, r->index, NULL);
		tell_namespaces(t, r->ns_key, PH_CONTAINER_HOST, kernel_flags(t->host_selected, false));
		return 0;
	}
	e = by_namespaces(t, c.ns);
	if (!e)
		e = by_cgroup_now(t, r->pid);
	if (e) {
		map_index(t, r->index, e);
		own_namespaces(t, e, r->ns_key);
		return 0;
	}
	name_by_namespaces(t, &c);
	ret = new_container(t, &c, r->index, r->ts_ns, fn, arg, err);
	if (ret >= 0) {
		e = centry(t, r->index);
		own_namespaces(t, e, r->ns_key);
		ret = started(t, e, r->pid, r->ts_ns, fn, arg, err);
	}
	return ret;
}

int ph_ctable_control(struct ph_ctable *t, const struct ph_ctl *r, ph_event_fn fn, void *arg,
		      struct ph_err *err)
{
	struct ph_centry *e = centry(t, ph_ctable_resolve(t, r->index, NULL));
	bool own = e && e->c.cgroup_path && !strcmp(e->c.cgroup_path, r->path);
	struct ph_cgpath cp;

	switch (r->kind) {
	case PH_CTL_CG_NEW:
		t->changes++;
		return cgroup_new(t, r, fn, arg, err);
	case PH_CTL_NS_NEW:
		return namespaces_new(t, r, fn, arg, err);
	case PH_CTL_CG_ATTACH:
		/* Into a container in that one, before the kernel side was told of it? */
		if (e && is_inner(e, r->path, &cp) && find_by_id(t, cp.id))
			e = find_by_id(t, cp.id);
		return e ? started(t, e, r->tid, r->ts_ns, fn, arg, err) : 0;
	case PH_CTL_CG_GONE:
		if (r->index >= PH_KERNEL_INDICES)
			*ph_vec_push(&t->gone) = (struct ph_gone){ r->index, r->ts_ns };
		if (own && e->cgroups && --e->cgroups == 0)
			return stopped(t, e, r->ts_ns, fn, arg, err);
		return 0;
	case PH_CTL_CG_FREEZE:
	case PH_CTL_CG_UNFREEZE:
		if (!own)
			return 0;
		set_state(&e->c, r->kind == PH_CTL_CG_FREEZE ? "paused" : "running");
		return emit_life(r->kind == PH_CTL_CG_FREEZE ? PH_EV_container_pause :
							       PH_EV_container_unpause,
				 e, r->ts_ns, fn, arg, err);
	}
	return 0;
}

/*
 * A container that was first seen by its namespaces has entered a cgroup of its own: that names it
 * better, and the selection may want it by that name.
 */
static int adopt_cgroup(struct ph_ctable *t, struct ph_centry *e, struct ph_container *c,
			uint64_t ts_ns, ph_event_fn fn, void *arg, struct ph_err *err)
{
	if (e->c.cgroup_path) {
		ph_container_done(c);
		return 0;
	}
	c->index = e->c.index;
	c->parent = e->c.parent;
	c->start_ns = e->c.start_ns;
	c->state = ph_take(e->c.state);
	ph_strmap_del(&t->by_id, e->c.id);
	ph_container_done(&e->c);
	e->c = *c;
	ph_strmap_put(&t->by_id, e->c.id, e);
	decide(t, e);
	tell_namespaces_again(t, e);
	return ph_ctable_emit_info(&e->c, ts_ns, fn, arg, err);
}

/* Is it the first of a pid namespace, or has who entered the container first gone? */
static bool takes_over(const struct ph_centry *e, int32_t tid)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int32_t pids[PH_PROC_LEVELS];
	struct ph_proc_stat st;
	bool r = false;
	int n;

	if (proc < 0)
		return false;
	n = ph_proc_nspid(proc, tid, pids);
	r = (n > 1 && pids[n - 1] == 1) || ph_proc_stat(proc, e->c.init_pid, &st) < 0;
	close(proc);
	return r;
}

/* All its cgroups, after the selection has been asked again. */
static void tell_again(struct ph_ctable *t, struct ph_centry *e)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&t->ix, s));) {
		const struct ph_ix *ix = s->val;

		if (ix->e == e && ix->path)
			tell_cgroup(t, ix->hierarchy, ix->cgroup_id, e->c.index,
				    kernel_flags(e->selected, true));
	}
	tell_namespaces_again(t, e);
}

/* What is on record of it now that it runs: where that is only now, it may be selected by it. */
static void learn_more(struct ph_ctable *t, struct ph_centry *e)
{
	bool selected = e->selected, nameless = !e->c.name || !strcmp(e->c.name, e->c.id);
	ph_autofree char *bundle = NULL, *id = NULL;

	if (!nameless && ph_runtime_has_id(&e->c))
		return;
	if (nameless) {
		free(e->c.name);
		e->c.name = NULL;
	}
	id = ph_strdup(e->c.id);
	describe(t, &e->c, &bundle);
	if (!e->c.name)
		e->c.name = ph_strdup(e->c.id);
	if (strcmp(id, e->c.id)) {
		if (ph_strmap_get(&t->by_id, id) == e)
			ph_strmap_del(&t->by_id, id);
		ph_strmap_put(&t->by_id, e->c.id, e);
	}
	decide(t, e);
	if (e->selected != selected)
		tell_again(t, e);
}

/*
 * A program begins in a container: @tid runs it. Who starts a container changes namespaces on the
 * way, and runc's first process is not the one that stays: the first program's process, its
 * namespaces and what its runtime has written of it until then are the container's.
 */
static int settle(struct ph_ctable *t, struct ph_centry *e, int32_t tid, bool exec, uint64_t ts_ns,
		  ph_event_fn fn, void *arg, struct ph_err *err)
{
	uint32_t ns[PH_NS_MAX] = { 0 };

	if ((e->c.init_pid != tid && !takes_over(e, tid)) || !task_namespaces(tid, ns))
		return 0;
	if (e->c.init_pid == tid && !memcmp(ns, e->c.ns, sizeof(ns)) && (!exec || e->settled))
		return 0;
	e->settled |= exec;
	e->c.init_pid = first_pid(tid);
	memcpy(e->c.ns, ns, sizeof(ns));
	if (exec)
		learn_more(t, e);
	return ph_ctable_emit_info(&e->c, ts_ns, fn, arg, err);
}

int ph_ctable_recheck(struct ph_ctable *t, uint32_t index, int32_t tid, bool exec, uint64_t ts_ns,
		      ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct ph_centry *e = centry(t, ph_ctable_resolve(t, index, NULL));
	struct ph_container c = { 0 };
	struct ph_ix *ix;
	int r;

	if (e && e->started && !e->stopped && (e->c.init_pid == tid || !e->settled))
		return settle(t, e, tid, exec, ts_ns, fn, arg, err);
	if (index < PH_KERNEL_INDICES || index == PH_CONTAINER_UNKNOWN)
		return 0;
	ix = ph_ctable_ix(t, index);
	if (ix->state != PH_IX_MAYBE || !task_namespaces(tid, c.ns) || !sandbox(t, c.ns))
		return 0;
	c.init_pid = first_pid(tid);
	c.cgroup_path = ph_strdup(ix->path);
	c.hierarchy = ix->hierarchy;
	c.cgroup_id = ix->cgroup_id;
	name_by_namespaces(t, &c);
	e = find_by_id(t, c.id);
	if (e)
		r = adopt_cgroup(t, e, &c, ts_ns, fn, arg, err);
	else
		r = new_container(t, &c, index, ts_ns, fn, arg, err);
	if (r < 0)
		return r;
	e = e ? e : centry(t, index);
	/* Its cgroups in all hierarchies have the same path. */
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&t->ix, s));) {
		struct ph_ix *other = s->val;

		if (other != ix && (other->state != PH_IX_MAYBE || strcmp(other->path, ix->path)))
			continue;
		other->state = PH_IX_KNOWN;
		other->e = e;
		e->cgroups++;
		tell_cgroup(t, other->hierarchy, other->cgroup_id, e->c.index,
			    kernel_flags(e->selected, true));
	}
	return started(t, e, tid, ts_ns, fn, arg, err);
}

int ph_ctable_exited(struct ph_ctable *t, uint32_t index, int32_t tid, uint64_t ts_ns,
		     ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct ph_centry *e = centry(t, ph_ctable_resolve(t, index, NULL));

	if (!e || e->c.cgroup_path || e->c.init_pid != tid)
		return 0;
	return stopped(t, e, ts_ns, fn, arg, err);
}

/* Far more than the buffers hold. */
#define KEEP_NS (10 * PH_NSEC)

static void forget_index(struct ph_ctable *t, uint32_t index)
{
	struct ph_ix *ix = ph_u64map_del(&t->ix, index);

	if (ix) {
		free(ix->path);
		free(ix);
	}
}

/* All indices that mean @e, found first: a map must not change under its iterator. */
static void forget_container(struct ph_ctable *t, struct ph_centry *e)
{
	PH_VEC(uint32_t) indices = { 0 };

	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&t->ix, s));)
		if (((struct ph_ix *)s->val)->e == e)
			*ph_vec_push(&indices) = (uint32_t)s->key;
	for (size_t i = 0; i < indices.n; i++)
		forget_index(t, indices.v[i]);
	ph_vec_done(&indices);
	ph_u64map_del(&t->by_index, e->c.index);
	centry_free(e);
	t->nstopped--;
}

void ph_ctable_expire(struct ph_ctable *t, uint64_t now_ns)
{
	PH_VEC(struct ph_centry *) old = { 0 };
	size_t n = 0;

	if (now_ns - t->expired_ns < PH_NSEC)
		return;
	t->expired_ns = now_ns;
	t->last_index = 0;
	t->last = NULL;
	while (n < t->gone.n && t->gone.v[n].ts_ns + KEEP_NS < now_ns)
		forget_index(t, t->gone.v[n++].index);
	if (n) {
		memmove(t->gone.v, t->gone.v + n, (t->gone.n - n) * sizeof(*t->gone.v));
		t->gone.n -= n;
	}
	if (!t->nstopped)
		return;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&t->by_index, s));) {
		struct ph_centry *e = s->val;

		if (e->stopped && e->stopped_ns + KEEP_NS < now_ns)
			*ph_vec_push(&old) = e;
	}
	for (size_t i = 0; i < old.n; i++)
		forget_container(t, old.v[i]);
	ph_vec_done(&old);
}
