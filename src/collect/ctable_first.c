/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first program of a container: by then it is known what a cgroup or a process was for. */
#include <fcntl.h>
#include <unistd.h>

#include "collect/ctable_priv.h"

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
	ct_decide(t, e);
	ct_tell_namespaces_again(t, e);
	return ph_ctable_emit_info(&e->c, ts_ns, fn, arg, err);
}

/*
 * Is it the first of a pid namespace? Or has who entered the container first gone? But not a child of the first one,
 * whose exec may be told before that of its parent, by another CPU.
 */
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
	if (n > 1 && pids[n - 1] == 1)
		r = true;
	else if (ph_proc_stat(proc, e->c.init_pid, &st) < 0)
		r = n <= 1 || (ph_proc_stat(proc, tid, &st) >= 0 && ph_proc_nspid(proc, st.ppid, pids) < n);
	close(proc);
	return r;
}

/* All its cgroups, after the selection has been asked again. */
static void tell_again(struct ph_ctable *t, struct ph_centry *e)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&t->ix, s));) {
		const struct ph_ix *ix = s->val;

		if (ix->e == e && ix->path)
			ct_tell_cgroup(t, ix->hierarchy, ix->cgroup_id, e->c.index,
				       ct_kernel_flags(e->selected, true));
	}
	ct_tell_namespaces_again(t, e);
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
	ct_describe(t, &e->c, &bundle);
	if (!e->c.name)
		e->c.name = ph_strdup(e->c.id);
	if (strcmp(id, e->c.id)) {
		if (ph_strmap_get(&t->by_id, id) == e)
			ph_strmap_del(&t->by_id, id);
		ph_strmap_put(&t->by_id, e->c.id, e);
	}
	ct_decide(t, e);
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

	if ((e->c.init_pid != tid && !takes_over(e, tid)) || !ct_task_namespaces(tid, ns))
		return 0;
	if (e->c.init_pid == tid && !memcmp(ns, e->c.ns, sizeof(ns)) && (!exec || e->settled))
		return 0;
	e->settled |= exec;
	e->c.init_pid = ct_first_pid(tid);
	memcpy(e->c.ns, ns, sizeof(ns));
	if (exec)
		learn_more(t, e);
	return ph_ctable_emit_info(&e->c, ts_ns, fn, arg, err);
}

int ph_ctable_recheck(struct ph_ctable *t, uint32_t index, int32_t tid, bool exec, uint64_t ts_ns,
		      ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct ph_centry *e = ct_centry(t, ph_ctable_resolve(t, index, NULL));
	struct ph_container c = { 0 };
	struct ph_ix *ix;
	int r;

	if (e && e->started && !e->stopped && (e->c.init_pid == tid || !e->settled))
		return settle(t, e, tid, exec, ts_ns, fn, arg, err);
	if (index < PH_KERNEL_INDICES || index == PH_CONTAINER_UNKNOWN)
		return 0;
	ix = ph_ctable_ix(t, index);
	if (ix->state != PH_IX_MAYBE || !ct_task_namespaces(tid, c.ns) || !ct_sandbox(t, c.ns))
		return 0;
	c.init_pid = ct_first_pid(tid);
	c.cgroup_path = ph_strdup(ix->path);
	c.hierarchy = ix->hierarchy;
	c.cgroup_id = ix->cgroup_id;
	ct_name_by_namespaces(t, &c);
	e = ct_find_by_id(t, c.id);
	if (e)
		r = adopt_cgroup(t, e, &c, ts_ns, fn, arg, err);
	else
		r = ct_new_container(t, &c, index, ts_ns, fn, arg, err);
	if (r < 0)
		return r;
	e = e ? e : ct_centry(t, index);
	/* Its cgroups in all hierarchies have the same path. */
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&t->ix, s));) {
		struct ph_ix *other = s->val;

		if (other != ix && (other->state != PH_IX_MAYBE || strcmp(other->path, ix->path)))
			continue;
		other->state = PH_IX_KNOWN;
		other->e = e;
		e->cgroups++;
		ct_tell_cgroup(t, other->hierarchy, other->cgroup_id, e->c.index,
			       ct_kernel_flags(e->selected, true));
	}
	return ct_started(t, e, tid, ts_ns, fn, arg, err);
}

int ph_ctable_exited(struct ph_ctable *t, uint32_t index, int32_t pid, uint64_t ts_ns,
		     ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct ph_centry *e = t->guests.n ? ph_u64map_get(&t->guests, (uint64_t)pid) : NULL;

	if (!e)
		e = ct_centry(t, ph_ctable_resolve(t, index, NULL));
	if (!e || e->c.cgroup_path || e->c.init_pid != pid)
		return 0;
	return ct_stopped(t, e, ts_ns, fn, arg, err);
}
