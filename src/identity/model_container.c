/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The containers of the identity model: as events tell them; and the cgroups by which they are known. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "identity/model_priv.h"

/*
 * Inodes of the initial namespaces which the kernel fixes (include/linux/proc_ns.h). Those of mnt
 * and net are fixed by new kernels only: they are learned from the dump of process 1.
 */
static const uint32_t initial_ns[PH_NS_MAX] = {
	[PH_NS_IPC] = 0xefffffff, [PH_NS_UTS] = 0xeffffffe, [PH_NS_USER] = 0xeffffffd,
	[PH_NS_PID] = 0xeffffffc, [PH_NS_CGROUP] = 0xeffffffb, [PH_NS_TIME] = 0xeffffffa,
};

void model_containers_init(struct ph_identity *id)
{
	memcpy(id->host_ns, initial_ns, sizeof(id->host_ns));
	container_make(id, PH_CONTAINER_HOST);
}

static void cgroup_free(struct cgroup *cg)
{
	free(cg->path);
	free(cg);
}

void model_containers_free(struct ph_identity *id)
{
	ph_vec_each(c, &id->order) {
		ph_container_done(&(*c)->c);
		free(*c);
	}
	ph_vec_done(&id->order);
	ph_vec_done(&id->slots);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&id->cgroups, s)); )
		cgroup_free(s->val);
	ph_u64map_done(&id->cgroups);
	ph_strmap_done(&id->cgroup_paths);
	ph_u64map_done(&id->derived);
	ph_u64map_done(&id->guests);
}

static void slots_reach(struct ph_identity *id, uint32_t index)
{
	while (id->slots.n <= index)
		ph_vec_push(&id->slots);
}

void container_make_label(struct cont *c)
{
	if (c->c.index == PH_CONTAINER_HOST)
		c->label[0] = 0;
	else if (c->c.id)
		snprintf(c->label, sizeof(c->label), "%.12s", c->c.id);
	else
		snprintf(c->label, sizeof(c->label), "#%u", c->c.index);
}

/* The container of @index, made where it is new; NULL where the number is absurd. */
struct cont *container_make(struct ph_identity *id, uint32_t index)
{
	struct cont *c;
	size_t at;

	if (index >= CONTAINER_LIMIT)
		return NULL;
	slots_reach(id, index);
	if (id->slots.v[index].cont)
		return id->slots.v[index].cont;
	c = ph_alloc(sizeof(*c));
	c->c.index = index;
	container_make_label(c);
	id->slots.v[index].cont = c;
	id->slots.v[index].canon = 0;
	ph_vec_push(&id->order);
	for (at = id->order.n - 1; at && id->order.v[at - 1]->c.index > index; at--)
		id->order.v[at] = id->order.v[at - 1];
	id->order.v[at] = c;
	return c;
}

static void container_set_alias(struct ph_identity *id, uint32_t index, uint32_t of)
{
	if (index >= CONTAINER_LIMIT || of >= CONTAINER_LIMIT || index == PH_CONTAINER_HOST)
		return;
	of = canon_index(id, of);
	if (of == index)
		return;
	slots_reach(id, index);
	id->slots.v[index].canon = of + 1;
}

/* ---- cgroups ----------------------------------------------------------------------------------- */

/* Ids are unique in a hierarchy only; what is stored is compared, so a clash is no wrong answer. */
static uint64_t cgroup_key(int32_t hierarchy, uint64_t cgid)
{
	return cgid ^ (uint64_t)(uint32_t)hierarchy << 48;
}

static struct cgroup *cgroup_find(const struct ph_identity *id, int32_t hierarchy, uint64_t cgid)
{
	struct cgroup *cg = ph_u64map_get(&id->cgroups, cgroup_key(hierarchy, cgid));

	return cg && cg->hierarchy == hierarchy && cg->id == cgid ? cg : NULL;
}

static void path_key(struct ph_buf *b, int32_t hierarchy, const char *path, size_t n)
{
	ph_buf_clear(b);
	ph_buf_addf(b, "%d:", hierarchy);
	ph_buf_add(b, path, n);
}

static uint64_t parent_by_path(struct ph_identity *id, struct ph_buf *key, const struct cgroup *cg)
{
	const char *slash = strrchr(cg->path, '/');
	struct cgroup *up;

	if (!slash || !slash[1])
		return 0;
	path_key(key, cg->hierarchy, cg->path, slash == cg->path ? 1 : (size_t)(slash - cg->path));
	up = ph_strmap_get(&id->cgroup_paths, key->p);
	return up ? up->id : 0;
}

static void forget_path(struct ph_identity *id, struct cgroup *cg)
{
	ph_autobuf key = { 0 };

	if (!cg->path)
		return;
	path_key(&key, cg->hierarchy, cg->path, strlen(cg->path));
	if (ph_strmap_get(&id->cgroup_paths, key.p) == cg)
		ph_strmap_del(&id->cgroup_paths, key.p);
	free(cg->path);
	cg->path = NULL;
}

static void cgroup_gone(struct ph_identity *id, int32_t hierarchy, uint64_t cgid)
{
	struct cgroup *cg = cgroup_find(id, hierarchy, cgid);

	if (!cg)
		return;
	ph_u64map_del(&id->cgroups, cgroup_key(hierarchy, cgid));
	forget_path(id, cg);
	cgroup_free(cg);
}

static void cgroup_seen(struct ph_identity *id, int32_t hierarchy, uint64_t cgid, uint64_t parent,
			uint32_t container, const struct ph_value *path)
{
	struct cgroup *cg = cgroup_find(id, hierarchy, cgid);
	ph_autobuf key = { 0 };

	if (!cgid)
		return;
	if (!cg) {
		struct cgroup *former;

		cg = ph_alloc(sizeof(*cg));
		*cg = (struct cgroup){ .hierarchy = hierarchy, .id = cgid,
				       .container = PH_CONTAINER_UNKNOWN };
		former = ph_u64map_put(&id->cgroups, cgroup_key(hierarchy, cgid), cg);
		if (former) {
			forget_path(id, former);
			cgroup_free(former);
		}
	}
	if (container != PH_CONTAINER_UNKNOWN)
		cg->container = container;
	if (path && path->n && (!cg->path || strlen(cg->path) != path->n ||
				memcmp(cg->path, path->s, path->n))) {
		forget_path(id, cg);
		cg->path = ph_strndup(path->s, path->n);
		path_key(&key, hierarchy, cg->path, strlen(cg->path));
		ph_strmap_put(&id->cgroup_paths, key.p, cg);
	}
	if (parent)
		cg->parent = parent;
	else if (!cg->parent && cg->path)
		cg->parent = parent_by_path(id, &key, cg);
}

const struct ph_container *ph_identity_by_cgroup(const struct ph_identity *id, int32_t hierarchy,
						 uint64_t cgroup_id)
{
	/* Deeper than any cgroup tree; ends circles in a trace that lies. */
	for (unsigned int depth = 0; depth < 256; depth++) {
		struct cgroup *cg = cgroup_find(id, hierarchy, cgroup_id);

		if (!cg)
			return NULL;
		if (cg->container != PH_CONTAINER_UNKNOWN)
			return ph_identity_container(id, cg->container);
		cgroup_id = cg->parent;
	}
	return NULL;
}

/* ---- what is told of them ------------------------------------------------------------------------ */

/* @keep: what is known stays where nothing is said. */
static void set_str(char **dst, const struct ph_value *v, bool keep)
{
	if (!v || (keep && !v->n))
		return;
	free(*dst);
	*dst = v->n ? ph_strndup(v->s, v->n) : NULL;
}

static void set_labels(ph_strv *labels, const struct ph_value *v, bool keep)
{
	if (!v || (keep && !v->n))
		return;
	ph_strv_done(labels);
	ph_labels_split(v->s, v->n, labels);
}

/* Is that its id? Who has none is known by the index alone, which may have been another one's. */
static bool is_called(const struct cont *c, const struct ph_value *id)
{
	return c->c.id && id && strlen(c->c.id) == id->n && !memcmp(c->c.id, id->s, id->n);
}

static void container_info(struct ph_identity *id, const struct ph_event *ev)
{
#define FIELD(name) ph_event_field(ev, PH_FLD(container_info, name))
	uint32_t index = (uint32_t)ph_event_u(ev, PH_FLD(container_info, index), CONTAINER_LIMIT);
	struct cont *c = container_make(id, index);
	bool same;

	if (!c)
		return;
	id->told++;
	id->slots.v[index].canon = 0;
	/* What it is called may have been told ahead, and is not known to the recorder at this place. */
	same = is_called(c, FIELD(id));
	set_str(&c->c.id, FIELD(id), false);
	set_str(&c->c.name, FIELD(name), same);
	set_str(&c->c.runtime, FIELD(runtime), same);
	set_str(&c->c.image, FIELD(image), same);
	set_str(&c->c.pod, FIELD(pod), same);
	set_str(&c->c.pod_namespace, FIELD(pod_namespace), same);
	set_str(&c->c.pod_uid, FIELD(pod_uid), same);
	set_str(&c->c.state, FIELD(state), same);
	set_str(&c->c.cgroup_path, FIELD(cgroup_path), same);
	set_str(&c->c.uuid, FIELD(uuid), same);
	set_labels(&c->c.labels, FIELD(labels), same);
	c->c.hierarchy = (int32_t)ph_event_i(ev, PH_FLD(container_info, hierarchy), 0);
	c->c.cgroup_id = ph_event_u(ev, PH_FLD(container_info, cgroup_id), 0);
	c->c.parent = (uint32_t)ph_event_u(ev, PH_FLD(container_info, parent), 0);
	c->c.init_pid = (int32_t)ph_event_i(ev, PH_FLD(container_info, init_pid), 0);
	c->c.start_ns = ph_event_u(ev, PH_FLD(container_info, start_ns), 0);
	for (unsigned int i = 0; i < PH_NS_MAX; i++)
		c->c.ns[i] = (uint32_t)ph_event_u(ev, PH_FLD(container_info, cgroup_ns) + i, 0);
	if (ph_container_by_process(&c->c))
		ph_u64map_put(&id->guests, (uint64_t)c->c.init_pid, c);
	if (c->c.cgroup_id)
		cgroup_seen(id, c->c.hierarchy, c->c.cgroup_id, 0, index, FIELD(cgroup_path));
	container_make_label(c);
#undef FIELD
}

uint32_t ph_identity_told(const struct ph_identity *id)
{
	return id->told;
}

void ph_identity_introduce(struct ph_identity *id, const struct ph_event *ev)
{
	bool info = ev->cls->id == PH_EV_container_info, alias = ev->cls->id == PH_EV_container_index;
	uint32_t index;

	if (!info && !alias)
		return;
	/* Both begin with the index. */
	index = (uint32_t)ph_event_u(ev, PH_FLD(container_info, index), CONTAINER_LIMIT);
	if (index < id->slots.n && (id->slots.v[index].cont || id->slots.v[index].canon)) {
		const struct cont *c = id->slots.v[index].cont;
		const struct ph_value *name = ph_event_field(ev, PH_FLD(container_info, name));

		/* A runtime writes down what a container is called when that runs already. */
		if (!info || !c || id->slots.v[index].canon || c->c.name || !name || !name->n ||
		    !is_called(c, ph_event_field(ev, PH_FLD(container_info, id))))
			return;
	}
	if (info)
		container_info(id, ev);
	else
		container_set_alias(id, index, (uint32_t)ph_event_u(ev, PH_FLD(container_index, container),
								    CONTAINER_LIMIT));
}

static void container_event(struct ph_identity *id, const struct ph_event *ev)
{
	/* start, stop, pause and unpause all begin with the index. */
	uint32_t index = (uint32_t)ph_event_u(ev, PH_FLD(container_start, index), CONTAINER_LIMIT);
	struct cont *c = container_make(id, canon_index(id, index));
	const char *state = "running";

	if (!c)
		return;
	id->told++;
	if (ev->cls->id == PH_EV_container_stop)
		state = "stopped";
	else if (ev->cls->id == PH_EV_container_pause)
		state = "paused";
	else if (ev->cls->id == PH_EV_container_start)
		c->c.init_pid = (int32_t)ph_event_i(ev, PH_FLD(container_start, init_pid),
						    c->c.init_pid);
	if (ev->cls->id == PH_EV_container_start && !c->c.name) {
		set_str(&c->c.name, ph_event_field(ev, PH_FLD(container_start, name)), false);
		container_make_label(c);
	}
	free(c->c.state);
	c->c.state = ph_strdup(state);
}

/* ---- guests of KVM ----------------------------------------------------------------------------- */

void guest_gone(struct ph_identity *id, int32_t pid)
{
	if (id->guests.n && pid > 0)
		ph_u64map_del(&id->guests, (uint64_t)pid);
}

uint32_t guest_index(const struct ph_identity *id, uint32_t index, int32_t pid)
{
	const struct cont *c = pid > 0 ? ph_u64map_get(&id->guests, (uint64_t)pid) : NULL;

	return c && index == PH_CONTAINER_HOST && !c->c.parent ? c->c.index : index;
}

const struct ph_container *ph_identity_guest(const struct ph_identity *id, int32_t pid)
{
	const struct cont *c = id->guests.n && pid > 0 ? ph_u64map_get(&id->guests, (uint64_t)pid) : NULL;

	return c && ph_container_is_within(&c->c) ? &c->c : NULL;
}

/* ---- questions ----------------------------------------------------------------------------------- */

const struct ph_container *ph_identity_container(const struct ph_identity *id, uint32_t index)
{
	index = canon_index(id, index);
	if (index >= id->slots.n || !id->slots.v[index].cont)
		return NULL;
	return &id->slots.v[index].cont->c;
}

bool ph_identity_is_init(const struct ph_identity *id, uint32_t container, int32_t pid)
{
	const struct ph_container *c = container != PH_CONTAINER_HOST && pid > 0 ? ph_identity_container(id, container) : NULL;

	return c && c->init_pid == pid;
}

const struct ph_container *ph_identity_nth(const struct ph_identity *id, size_t i)
{
	return i < id->order.n ? &id->order.v[i]->c : NULL;
}

const char *ph_container_label(const struct ph_identity *id, uint32_t index)
{
	struct ph_identity *w = (struct ph_identity *)id;
	char *label;

	index = canon_index(id, index);
	if (index == PH_CONTAINER_UNKNOWN)
		return "?";
	if (index < id->slots.n && id->slots.v[index].cont) {
		const struct cont *c = id->slots.v[index].cont;

		return index && c->c.name ? c->c.name : c->label;
	}
	/* Not told yet; a few of them may be in use at once. */
	label = w->labels[w->next_label++ % PH_ARRAY_SIZE(w->labels)];
	snprintf(label, sizeof(w->labels[0]), "#%u", index);
	return label;
}

/* ---- events -------------------------------------------------------------------------------------- */

static struct task *on_cgroup_mkdir(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	cgroup_seen(id, I32(cgroup_mkdir, hierarchy), U(cgroup_mkdir, id, 0), 0,
		    (uint32_t)U(cgroup_mkdir, container, PH_CONTAINER_UNKNOWN),
		    V(cgroup_mkdir, path));
	return t;
}

static struct task *on_cgroup_rmdir(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	cgroup_gone(id, I32(cgroup_rmdir, hierarchy), U(cgroup_rmdir, id, 0));
	return t;
}

static struct task *on_cgroup_dump(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	uint32_t index = (uint32_t)U(statedump_cgroup, container, PH_CONTAINER_UNKNOWN);

	cgroup_seen(id, I32(statedump_cgroup, hierarchy), U(statedump_cgroup, id, 0),
		    U(statedump_cgroup, parent_id, 0), index, V(statedump_cgroup, path));
	if (ev->container == PH_CONTAINER_UNKNOWN)
		ev->container = index;
	return t;
}

static struct task *on_cgroup_attach(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	struct task *who = task_get(id, I32(cgroup_attach_task, tid));
	uint32_t index = (uint32_t)U(cgroup_attach_task, container, PH_CONTAINER_UNKNOWN);

	cgroup_seen(id, I32(cgroup_attach_task, hierarchy), U(cgroup_attach_task, id, 0), 0,
		    PH_CONTAINER_UNKNOWN, V(cgroup_attach_task, path));
	if (who) {
		set_comm(who, V(cgroup_attach_task, comm));
		set_container(id, who, index);
	}
	return t;
}

static struct task *on_container_info(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	container_info(id, ev);
	if (ev->container == PH_CONTAINER_UNKNOWN)
		ev->container = (uint32_t)U(container_info, index, PH_CONTAINER_UNKNOWN);
	return t;
}

static struct task *on_container_index(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	container_set_alias(id, (uint32_t)U(container_index, index, CONTAINER_LIMIT),
			    (uint32_t)U(container_index, container, CONTAINER_LIMIT));
	if (ev->container == PH_CONTAINER_UNKNOWN)
		ev->container = (uint32_t)U(container_index, container, PH_CONTAINER_UNKNOWN);
	return t;
}

static struct task *on_container_event(struct ph_identity *id, struct ph_event *ev, struct task *t)
{
	container_event(id, ev);
	if (ev->container == PH_CONTAINER_UNKNOWN)
		ev->container = (uint32_t)U(container_start, index, PH_CONTAINER_UNKNOWN);
	return t;
}

handler_fn container_handler(uint32_t event)
{
	switch (event) {
#define ON(event_, fn) case PH_EV_##event_: return fn
	ON(cgroup_mkdir, on_cgroup_mkdir);
	ON(cgroup_rmdir, on_cgroup_rmdir);
	ON(cgroup_attach_task, on_cgroup_attach);
	ON(container_info, on_container_info);
	ON(container_index, on_container_index);
	ON(container_start, on_container_event);
	ON(container_stop, on_container_event);
	ON(container_pause, on_container_event);
	ON(container_unpause, on_container_event);
	ON(statedump_cgroup, on_cgroup_dump);
#undef ON
	}
	return NULL;
}
