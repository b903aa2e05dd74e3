/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers of streams that do not tell any: found by the namespaces that tasks are in. */
#include <stdlib.h>

#include "identity/model_priv.h"

static bool foreign(const struct ph_identity *id, const struct ph_task *t, enum ph_ns type)
{
	return t->ns[type] && id->host_ns[type] && t->ns[type] != id->host_ns[type];
}

/*
 * The namespace that makes a task contained. Services of an init system have mount, net and uts
 * namespaces of their own too; what they do not have is a pid, cgroup or ipc namespace, or a user
 * namespace together with a mount namespace. LTTng's namespaces are all there is to go by here.
 */
static int deciding_ns(const struct ph_identity *id, const struct ph_task *t)
{
	if (foreign(id, t, PH_NS_PID))
		return PH_NS_PID;
	if (foreign(id, t, PH_NS_CGROUP))
		return PH_NS_CGROUP;
	if (foreign(id, t, PH_NS_MNT) &&
	    (foreign(id, t, PH_NS_IPC) || foreign(id, t, PH_NS_USER) ||
	     (foreign(id, t, PH_NS_NET) && foreign(id, t, PH_NS_UTS))))
		return PH_NS_MNT;
	return -1;
}

/*
 * Tasks of one pid namespace are one container unless their cgroup namespaces say otherwise (the
 * containers of a pod may share the pid namespace). One that has not left the host's cgroup
 * namespace is still being set up by its runtime.
 */
static bool same_container(const struct ph_identity *id, const struct cont *c, const struct ph_task *t)
{
	uint32_t a = c->c.ns[PH_NS_CGROUP], b = t->ns[PH_NS_CGROUP];
	uint32_t host = id->host_ns[PH_NS_CGROUP];

	return !a || !b || a == host || b == host || a == b;
}

static struct cont *find_derived(struct ph_identity *id, uint32_t inum, const struct ph_task *t)
{
	for (struct cont *c = ph_u64map_get(&id->derived, inum); c; c = c->same)
		if (same_container(id, c, t))
			return c;
	return NULL;
}

/* Who entered a container's other namespaces, or launched it, without being in the one it is found by. */
static struct cont *find_entered(struct ph_identity *id, enum ph_ns type, const struct task *t)
{
	if (type != PH_NS_MNT && type != PH_NS_CGROUP)
		return NULL;
	ph_vec_each(c, &id->order)
		if ((*c)->derived && (*c)->ntasks && (*c)->c.ns[type] == t->t.ns[type])
			return *c;
	return NULL;
}

static void key_set(struct ph_identity *id, struct cont *c, enum ph_ns type, uint32_t inum)
{
	struct cont *last = ph_u64map_get(&id->derived, inum);

	c->key = inum;
	while (last && last->same)
		last = last->same;
	if (last)
		last->same = c;
	else
		ph_u64map_put(&id->derived, inum, c);
	free(c->c.name);
	c->c.name = ph_asprintf("%s_ns:%u", ph_ns_names[type], inum);
	container_make_label(c);
}

static void key_drop(struct ph_identity *id, struct cont *c)
{
	struct cont *head = ph_u64map_get(&id->derived, c->key), **at;

	for (at = &head; *at; at = &(*at)->same) {
		if (*at == c) {
			*at = c->same;
			break;
		}
	}
	if (head)
		ph_u64map_put(&id->derived, c->key, head);
	else
		ph_u64map_del(&id->derived, c->key);
	c->same = NULL;
}

/*
 * A container is made step by step: what was known by its mount namespace so far gets a namespace that
 * says more, of the task itself or of the launcher's child (unshare --fork --pid --mount).
 */
static struct cont *make_out_of(struct ph_identity *id, enum ph_ns type, const struct task *t)
{
	const struct task *up = t->t.ppid > 0 ? ph_u64map_get(&id->tasks, (uint64_t)t->t.ppid) : NULL;
	uint32_t mnt = t->t.ns[PH_NS_MNT];

	if (type == PH_NS_MNT || !mnt)
		return NULL;
	for (struct cont *c = ph_u64map_get(&id->derived, mnt); c; c = c->same) {
		bool alone = t->counted && t->t.container == c->c.index && c->ntasks == 1;
		bool child = up && up->counted && up->t.container == c->c.index;

		if (!alone && !child)
			continue;
		key_drop(id, c);
		key_set(id, c, type, t->t.ns[type]);
		c->c.ns[type] = t->t.ns[type];
		return c;
	}
	return NULL;
}

static struct cont *make_derived(struct ph_identity *id, enum ph_ns type, struct task *t)
{
	uint32_t index = id->order.v[id->order.n - 1]->c.index + 1;
	struct cont *c = make_out_of(id, type, t);

	if (c)
		return c;
	c = container_make(id, index);
	if (!c)
		return NULL;
	c->derived = true;
	key_set(id, c, type, t->t.ns[type]);
	c->c.runtime = ph_strdup("namespace");
	c->c.state = ph_strdup("running");
	return c;
}

/*
 * The container around it: its parent process's, where that is further out, or the first one of the
 * nearest outer pid namespace which has one.
 */
static uint32_t outer_container(struct ph_identity *id, const struct task *t)
{
	const struct task *up = t->t.ppid > 0 ? ph_u64map_get(&id->tasks, (uint64_t)t->t.ppid) : NULL;

	if (up && up->counted && up->t.ns[PH_NS_PID] != t->t.ns[PH_NS_PID])
		return up->t.container;
	for (unsigned int l = t->t.levels; l-- > 1; ) {
		struct cont *c = NULL;

		if (l + 1 < t->t.levels)
			c = ph_u64map_get(&id->derived, t->pid_chain[l]);
		if (c)
			return c->c.index;
	}
	return PH_CONTAINER_HOST;
}

static void join(struct ph_identity *id, struct cont *c, struct task *t)
{
	bool first = c->ntasks == 0 && !c->c.init_pid, own;

	/* Process 1 of the pid namespace is its first; failing that, the first one that was seen. */
	if (first || (t->t.levels > 1 && t->t.vtid[t->t.levels - 1] == 1 &&
		      c->key == t->t.ns[PH_NS_PID]))
		c->c.init_pid = t->t.pid > 0 ? t->t.pid : t->t.tid;
	/* What its first process has counts: a runtime's way there begins with the host's. */
	own = c->c.init_pid == t->t.tid;
	for (unsigned int i = 0; i < PH_NS_MAX; i++) {
		bool known = c->c.ns[i] && !(i == PH_NS_CGROUP && c->c.ns[i] == id->host_ns[i]);

		if (t->t.ns[i] && (own || !known))
			c->c.ns[i] = t->t.ns[i];
	}
	if (t->t.levels > 1)
		c->c.parent = outer_container(id, t);
	if (t->t.container == c->c.index && t->counted)
		return;
	derived_leave(id, t);
	t->t.container = c->c.index;
	t->counted = true;
	c->ntasks++;
}

void derived_leave(struct ph_identity *id, struct task *t)
{
	struct cont *c;
	bool init;

	if (!t->counted)
		return;
	t->counted = false;
	c = id->slots.v[t->t.container].cont;
	if (!c || --c->ntasks)
		return;
	/*
	 * Nobody left that we know of. Without a state dump there may be others, so only the end of
	 * the namespace's own init proves that the inode can come back as another container.
	 */
	init = t->t.levels > 1 && t->t.vtid[t->t.levels - 1] == 1;
	if (!id->complete && !init)
		return;
	key_drop(id, c);
	free(c->c.state);
	c->c.state = ph_strdup("stopped");
}

void derive_container(struct ph_identity *id, struct task *t)
{
	struct cont *c;
	int type;

	t->stale = false;
	if (t->t.exited)
		return;
	type = t->kthread ? -1 : deciding_ns(id, &t->t);
	if (type < 0) {
		bool host = t->kthread || t->t.ns[PH_NS_PID] == id->host_ns[PH_NS_PID];

		derived_leave(id, t);
		if (host)
			t->t.container = PH_CONTAINER_HOST;
		return;
	}
	if (t->counted) {
		c = id->slots.v[t->t.container].cont;
		if (c->key != t->t.ns[type] || !same_container(id, c, &t->t))
			c = NULL;
	} else {
		c = NULL;
	}
	if (!c)
		c = find_derived(id, t->t.ns[type], &t->t);
	if (!c)
		c = find_entered(id, (enum ph_ns)type, t);
	if (!c)
		c = make_derived(id, (enum ph_ns)type, t);
	if (c)
		join(id, c, t);
}
