/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Container indices. The kernel side gives an index to every cgroup (and set of namespaces) that
 * appears while recording, so that nothing of a new container is missed; here it is decided what
 * each index means. Several may mean one container: its cgroups in other hierarchies, and those that
 * it makes below its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "collect/cgdir.h"
#include "collect/ctable_priv.h"
#include "identity/cgpath.h"

/* The namespaces of a task; false where it is gone or may not be looked into. */
bool ct_task_namespaces(int32_t tid, uint32_t ns[PH_NS_MAX])
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
	if (!ct_task_namespaces(1, ns))
		ct_task_namespaces(getpid(), ns);
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
bool ct_sandbox(const struct ph_ctable *t, const uint32_t ns[PH_NS_MAX])
{
	unsigned int own = 0;

	if (ns[PH_NS_PID] && ns[PH_NS_PID] != t->host_ns[PH_NS_PID])
		return true;
	for (int i = 0; i < PH_NS_MAX; i++)
		own += ns[i] && ns[i] != t->host_ns[i];
	return own >= 2 && ns[PH_NS_MNT] != t->host_ns[PH_NS_MNT];
}

struct ph_centry *ct_centry(struct ph_ctable *t, uint32_t index)
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
		    int namespaces_fd, int guests_fd, uint64_t *guests_known, uint64_t *generation)
{
	static const struct ph_container host;

	*t = (struct ph_ctable){ .sel = sel, .everybody = everybody, .cgroups_fd = cgroups_fd,
				 .namespaces_fd = namespaces_fd, .guests_fd = guests_fd,
				 .guests_known = guests_known, .generation = generation,
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
	ph_u64map_done(&t->guests);
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
void ct_tell_cgroup(struct ph_ctable *t, int32_t hierarchy, uint64_t id, uint32_t index,
			uint32_t flags)
{
	struct ph_cgent e = { .index = index, .flags = flags };
	uint64_t key = PH_CGKEY((uint32_t)hierarchy, id);

	bpf_map_update_elem(t->cgroups_fd, &key, &e, BPF_ANY);
	t->changes++;
	__atomic_add_fetch(t->generation, 1, __ATOMIC_RELEASE);
}

void ct_tell_namespaces(struct ph_ctable *t, uint64_t key, uint32_t index, uint32_t flags)
{
	struct ph_cgent e = { .index = index, .flags = flags };

	bpf_map_update_elem(t->namespaces_fd, &key, &e, BPF_ANY);
	__atomic_add_fetch(t->generation, 1, __ATOMIC_RELEASE);
}

uint32_t ct_kernel_flags(bool selected, bool container)
{
	return (selected ? PH_CG_SELECTED : 0) | (container ? PH_CG_CONTAINER : 0);
}

/* Tasks of the host's cgroups that are in these namespaces are @e's from now on. */
void ct_own_namespaces(struct ph_ctable *t, struct ph_centry *e, uint64_t key)
{
	*ph_vec_push(&e->ns_keys) = key;
	ct_tell_namespaces(t, key, e->c.index, ct_kernel_flags(e->selected, true));
}

void ct_tell_namespaces_again(struct ph_ctable *t, const struct ph_centry *e)
{
	ph_vec_each(key, &e->ns_keys)
		ct_tell_namespaces(t, *key, e->c.index, ct_kernel_flags(e->selected, true));
}

void ct_decide(struct ph_ctable *t, struct ph_centry *e)
{
	t->nselected -= e->matches;
	e->matches = !t->sel || ph_selection_match_container(t->sel, &e->c);
	e->selected = e->matches || t->everybody;
	t->nselected += e->matches;
}

/* A guest of KVM without a cgroup of its own: what its process does is the guest's. */
static void own_process(struct ph_ctable *t, struct ph_centry *e)
{
	struct ph_cgent ent = { .index = e->c.index };
	uint32_t pid = (uint32_t)e->c.init_pid;

	if (ph_container_is_within(&e->c) && t->sel) {
		struct ph_centry *in = ct_centry(t, e->c.parent);

		e->selected = t->everybody || (in && ph_selection_match_within(t->sel, &in->c, &e->c));
	}
	ent.flags = ct_kernel_flags(e->selected, true);
	e->guest = e->c.init_pid;
	ph_u64map_put(&t->guests, pid, e);
	bpf_map_update_elem(t->guests_fd, &pid, &ent, BPF_ANY);
	if (t->guests_known)
		__atomic_store_n(t->guests_known, t->guests.n, __ATOMIC_RELEASE);
}

/* A container under its canonical index. Takes over what @c owns. */
struct ph_centry *ct_add_container(struct ph_ctable *t, const struct ph_container *c)
{
	struct ph_centry *e = ph_alloc(sizeof(*e));

	e->c = *c;
	ct_decide(t, e);
	ph_u64map_put(&t->by_index, c->index, e);
	if (c->id && c->id[0])
		ph_strmap_put(&t->by_id, c->id, e);
	return e;
}

void ct_map_index(struct ph_ctable *t, uint32_t index, struct ph_centry *e)
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
	struct ph_centry *here = ph_strmap_get(own, path->p);
	autocgdir struct cgdir d = { 0 };
	struct ph_cgent known;
	uint64_t key;
	bool fresh;

	if (!cgdir_open(&d, dirfd, name, path))
		return;
	if (here)
		cur = here;
	key = PH_CGKEY((uint32_t)hierarchy, d.id);
	fresh = !bpf_map_lookup_elem(t->cgroups_fd, &key, &known) && known.index >= PH_KERNEL_INDICES;
	if (fresh && cur)
		ct_map_index(t, known.index, cur);
	/* One that came after the scan is for its control record to explain. */
	if (!fresh || cur)
		ct_tell_cgroup(t, hierarchy, d.id, cur ? cur->c.index : PH_CONTAINER_HOST,
			       ct_kernel_flags(cur ? cur->selected : t->host_selected, cur));
	if (here)
		here->cgroups++;
	while (depth < CGDIR_DEPTH && (name = cgdir_next(&d, path)))
		walk(t, d.fd, name, path, hierarchy, own, cur, depth + 1);
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
		struct ph_centry *e = ct_add_container(t, &hc->c);

		hc->c = (struct ph_container){ 0 };	/* it is the table's now */
		e->started = e->settled = e->c.init_pid > 0;
		ct_map_index(t, e->c.index, e);
		if (ph_container_by_process(&e->c)) {
			own_process(t, e);
			continue;
		}
		if (e->c.cgroup_path)
			ph_strmap_put(&own, e->c.cgroup_path, e);
		ph_vec_each(at, &hc->cgroups)
			if (!ph_strmap_get(&own, at->path))
				ph_strmap_put(&own, at->path, e);
		/* Of one with a cgroup it is what nsenter brings in from another. */
		if (e->c.ns[PH_NS_MNT] && (!e->c.cgroup_path || ct_sandbox(t, e->c.ns)))
			ct_own_namespaces(t, e, PH_NSKEY(e->c.ns[PH_NS_MNT], e->c.ns[PH_NS_PID]));
		if (e->c.cgroup_path && e->c.ns[PH_NS_PID] && e->c.ns[PH_NS_PID] != t->host_ns[PH_NS_PID])
			ct_own_namespaces(t, e, PH_NSKEY(t->host_ns[PH_NS_MNT], e->c.ns[PH_NS_PID]));
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
