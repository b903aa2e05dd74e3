/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers that appear while recording, by what the kernel side tells of cgroups and namespaces; and their end. */
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "collect/ctable_priv.h"
#include "identity/cgpath.h"

int ph_ctable_emit_info(const struct ph_container *c, uint64_t ts_ns, ph_event_fn fn, void *arg,
			struct ph_err *err)
{
	ph_autobuf labels = { 0 };
	struct ph_emit e;

	ph_labels_join(&c->labels, &labels);
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
	ph_emit_s(&e, c->uuid);
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
int32_t ct_first_pid(int32_t tid)
{
	int32_t pid = ph_thread_group(tid);

	return pid < 0 ? tid : pid;
}

/* Name a container that no runtime's cgroup path explains, after its cgroup and its processes. */
void ct_name_by_namespaces(const struct ph_ctable *t, struct ph_container *c)
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
void ct_describe(struct ph_ctable *t, struct ph_container *c, char **ret_bundle)
{
	struct ph_centry *outer = c->parent ? ct_centry(t, c->parent) : NULL;
	struct ph_scan_opts opts = { .root = "/", .seen_by = outer ? outer->c.init_pid : 0 };

	ph_runtime_describe(c, &opts, ret_bundle);
}

/*
 * @index is a new container, @c (taken over): give it a name, tell the kernel side and the stream.
 */
int ct_new_container(struct ph_ctable *t, struct ph_container *c, uint32_t index, uint64_t ts_ns,
			 ph_event_fn fn, void *arg, struct ph_err *err)
{
	ph_autofree char *bundle = NULL;
	struct ph_centry *e;

	c->index = index;
	ct_describe(t, c, &bundle);
	if (!c->name && c->id && c->id[0])
		c->name = ph_strdup(c->id);
	if (!c->state)
		c->state = ph_strdup("created");
	e = ct_add_container(t, c);
	ct_map_index(t, index, e);
	return ph_ctable_emit_info(&e->c, ts_ns, fn, arg, err);
}

struct ph_centry *ct_find_by_id(struct ph_ctable *t, const char *id)
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
	struct ph_centry *outer = ct_centry(t, ph_ctable_resolve(t, r->index, NULL)), *e;
	struct ph_cgpath cp;
	int ret = 0;

	if (!outer || !is_inner(outer, r->path, &cp) || strlen(r->path) != cp.own_len)
		return 0;
	e = ct_find_by_id(t, cp.id);
	if (!e) {
		struct ph_container c = {
			.id = ph_strdup(cp.id), .runtime = ph_strdup(cp.runtime),
			.parent = outer->c.index, .hierarchy = r->hierarchy, .cgroup_id = r->cgroup_id,
			.cgroup_path = ph_strdup(r->path),
		};
		uint32_t index = t->next_index++;

		ret = ct_new_container(t, &c, index, r->ts_ns, fn, arg, err);
		e = ct_centry(t, index);
	}
	e->cgroups++;
	ct_tell_cgroup(t, r->hierarchy, r->cgroup_id, e->c.index, ct_kernel_flags(e->selected, true));
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
			ct_map_index(t, r->index, NULL);
			ct_tell_cgroup(t, r->hierarchy, r->cgroup_id, r->index,
				       ct_kernel_flags(t->host_selected, false));
		}
		return 0;
	}
	e = ct_find_by_id(t, cp.id);
	if (!e) {
		struct ph_container c = {
			.id = ph_strdup(cp.id), .runtime = ph_strdup(cp.runtime),
			.pod_uid = cp.pod_uid[0] ? ph_strdup(cp.pod_uid) : NULL,
			.hierarchy = r->hierarchy, .cgroup_id = r->cgroup_id,
			.cgroup_path = ph_strndup(r->path, cp.own_len ? cp.own_len : strlen(r->path)),
		};

		ret = ct_new_container(t, &c, r->index, r->ts_ns, fn, arg, err);
		e = ct_centry(t, r->index);
	} else {
		ct_map_index(t, r->index, e);
	}
	if (strlen(r->path) == cp.own_len)
		e->cgroups++;
	ct_tell_cgroup(t, r->hierarchy, r->cgroup_id, e->c.index, ct_kernel_flags(e->selected, true));
	return ret;
}

/* Its id, its namespaces' inodes and its cgroup's number may soon be somebody else's. */
int ct_stopped(struct ph_ctable *t, struct ph_centry *e, uint64_t ts_ns, ph_event_fn fn, void *arg,
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
	if (e->guest) {
		bpf_map_delete_elem(t->guests_fd, &e->guest);
		ph_u64map_del(&t->guests, (uint64_t)e->guest);
		if (t->guests_known)
			__atomic_store_n(t->guests_known, t->guests.n, __ATOMIC_RELEASE);
	}
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
		ct_own_namespaces(t, e, *key);
	other->ns_keys.n = 0;
	t->last_index = 0;
	t->last = NULL;
	return ct_stopped(t, other, ts_ns, fn, arg, err);
}

/* The first task enters a container, or a plain cgroup. */
int ct_started(struct ph_ctable *t, struct ph_centry *e, int32_t tid, uint64_t ts_ns,
		   ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct timespec now;
	int r;

	if (e->started)
		return 0;
	e->started = true;
	e->c.init_pid = ct_first_pid(tid);
	clock_gettime(CLOCK_REALTIME, &now);
	e->c.start_ns = (uint64_t)now.tv_sec * PH_NSEC + (uint64_t)now.tv_nsec - (ph_now_ns() - ts_ns);
	ct_task_namespaces(tid, e->c.ns);
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
	return ph_cgpath_parse_proc(content, &cp, NULL, NULL, 0) ? ct_find_by_id(t, cp.id) : NULL;
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
	ct_task_namespaces(r->pid, c.ns);
	if (!ct_sandbox(t, c.ns) || (c.ns[PH_NS_PID] == t->host_ns[PH_NS_PID] && is_engine(r->pid))) {
		ct_map_index(t, r->index, NULL);
		ct_tell_namespaces(t, r->ns_key, PH_CONTAINER_HOST, ct_kernel_flags(t->host_selected, false));
		return 0;
	}
	e = by_namespaces(t, c.ns);
	if (!e)
		e = by_cgroup_now(t, r->pid);
	if (e) {
		ct_map_index(t, r->index, e);
		ct_own_namespaces(t, e, r->ns_key);
		return 0;
	}
	ct_name_by_namespaces(t, &c);
	ret = ct_new_container(t, &c, r->index, r->ts_ns, fn, arg, err);
	if (ret >= 0) {
		e = ct_centry(t, r->index);
		ct_own_namespaces(t, e, r->ns_key);
		ret = ct_started(t, e, r->pid, r->ts_ns, fn, arg, err);
	}
	return ret;
}

int ph_ctable_control(struct ph_ctable *t, const struct ph_ctl *r, ph_event_fn fn, void *arg,
		      struct ph_err *err)
{
	struct ph_centry *e = ct_centry(t, ph_ctable_resolve(t, r->index, NULL));
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
		if (e && is_inner(e, r->path, &cp) && ct_find_by_id(t, cp.id))
			e = ct_find_by_id(t, cp.id);
		return e ? ct_started(t, e, r->tid, r->ts_ns, fn, arg, err) : 0;
	case PH_CTL_CG_GONE:
		if (r->index >= PH_KERNEL_INDICES)
			*ph_vec_push(&t->gone) = (struct ph_gone){ r->index, r->ts_ns };
		if (own && e->cgroups && --e->cgroups == 0)
			return ct_stopped(t, e, r->ts_ns, fn, arg, err);
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
