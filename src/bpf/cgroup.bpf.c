/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cgroups come and go: a new one has its entry before any task can enter it, so a container is
 * attributed from its first instruction. User space learns of it through the control ring.
 */

/* v1 has a dozen hierarchies; those that name nobody to us are left alone. */
static __always_inline bool tracked(struct cgroup *c)
{
	u32 hierarchy = WALK(c)->root->hierarchy_id;

	return hierarchy < 64 && cfg.hierarchies & 1ULL << hierarchy;
}

static __always_inline struct ph_ctl *control_begin(u32 kind, struct cgroup *c)
{
	struct ph_ctl *r = bpf_ringbuf_reserve(&control, sizeof(*r), 0);

	if (!r) {
		__sync_fetch_and_add(&control_lost, 1);
		return NULL;
	}
	__builtin_memset(r, 0, offsetof(struct ph_ctl, path));
	r->path[0] = 0;
	r->kind = kind;
	r->hierarchy = WALK(c)->root->hierarchy_id;
	r->cgroup_id = WALK(c)->kn->id;
	r->ts_ns = bpf_ktime_get_ns();
	return r;
}

static __always_inline void control_path(struct ph_ctl *r, const char *path)
{
	bpf_probe_read_kernel_str(r->path, sizeof(r->path), path);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

SEC("?tp_btf/cgroup_mkdir")
int BPF_PROG(track_cgroup_mkdir, struct cgroup *c, const char *path)
{
	struct cgroup *parent = WALK(c)->self.parent->cgroup;
	u64 key = cgroup_key(WALK(c)), pkey = cgroup_key(parent);
	struct ph_cgent *up = cgent(pkey), fresh = {};
	struct ph_ctl *r;

	if (!tracked(c))
		return 0;
	if (up && up->flags & PH_CG_CONTAINER) {
		fresh = *up;
	} else {
		fresh.index = __sync_fetch_and_add(&next_index, 1);
		fresh.flags = cfg.new_flags;
	}
	r = control_begin(PH_CTL_CG_NEW, c);
	if (r) {
		r->index = fresh.index;
		r->flags = fresh.flags;
		r->parent_id = parent->kn->id;
		control_path(r, path);
	}
	bpf_map_update_elem(&cgroups, &key, &fresh, BPF_ANY);
	__sync_fetch_and_add(&generation, 1);
	return 0;
}

SEC("?tp_btf/cgroup_rmdir")
int BPF_PROG(track_cgroup_rmdir, struct cgroup *c, const char *path)
{
	u64 key = cgroup_key(WALK(c));
	struct ph_cgent *e = cgent(key);
	struct ph_ctl *r;

	if (!tracked(c))
		return 0;
	r = control_begin(PH_CTL_CG_GONE, c);
	if (r) {
		r->index = e ? e->index : 0;
		control_path(r, path);
	}
	bpf_map_delete_elem(&cgroups, &key);
	__sync_fetch_and_add(&generation, 1);
	return 0;
}

SEC("?tp_btf/cgroup_attach_task")
int BPF_PROG(track_cgroup_attach, struct cgroup *c, const char *path, struct task_struct *t)
{
	struct ph_cgent *e = cgent(cgroup_key(WALK(c)));
	struct ph_ctl *r;

	__sync_fetch_and_add(&generation, 1);
	if (!e || !e->index)
		return 0;
	r = control_begin(PH_CTL_CG_ATTACH, c);
	if (r) {
		r->index = e->index;
		r->tid = t->pid;
		r->pid = t->tgid;
		control_path(r, path);
	}
	return 0;
}

#define TRACK_FREEZE(name, kind_)					\
SEC("?tp_btf/" #name)							\
int BPF_PROG(track_##name, struct cgroup *c, const char *path)		\
{									\
	struct ph_cgent *e = cgent(cgroup_key(WALK(c)));			\
	struct ph_ctl *r = control_begin(kind_, c);			\
									\
	if (r) {							\
		r->index = e ? e->index : 0;				\
		control_path(r, path);					\
	}								\
	return 0;							\
}

TRACK_FREEZE(cgroup_freeze, PH_CTL_CG_FREEZE)
TRACK_FREEZE(cgroup_unfreeze, PH_CTL_CG_UNFREEZE)

/* ---- the same as events of the trace ---------------------------------------------------------- */

#define CGROUP_SELECTED(c, cur, entry, who)						\
	struct task_struct *cur = current_task();						\
	struct ph_cgent *entry = cgent(cgroup_key(WALK(c)));						\
	u64 who;										\
	if (!current_selected(cur, &who)) {							\
		if (!cfg.by_container || !entry || !(entry->flags & PH_CG_SELECTED))		\
			return 0;								\
		who = WHO(who, entry->index);							\
	}

SEC("?tp_btf/cgroup_mkdir")
int BPF_PROG(cgroup_mkdir, struct cgroup *c, const char *path)
{
	u32 at = 0;

	CGROUP_SELECTED(c, cur, entry, who);
	EVENT_TAIL(cgroup_mkdir, PH_CTL_PATH, cur, who, e, tail);
	SET(e, hierarchy, WALK(c)->root->hierarchy_id);
	SET(e, id, WALK(c)->kn->id);
	SET(e, level, c->level);
	SET(e, container, entry ? entry->index : PH_CONTAINER_HOST);
	at = TAIL_STR(e, path, tail, at, PH_CTL_PATH, path);
	DONE(cgroup_mkdir, e, at);
	return 0;
}

#define CGROUP_EVENT(name)								\
SEC("?tp_btf/" #name)									\
int BPF_PROG(name, struct cgroup *c, const char *path)					\
{											\
	u32 at = 0;									\
											\
	CGROUP_SELECTED(c, cur, entry, who);					\
	EVENT_TAIL(name, PH_CTL_PATH, cur, who, e, tail);				\
	SET(e, hierarchy, WALK(c)->root->hierarchy_id);					\
	SET(e, id, WALK(c)->kn->id);								\
	SET(e, level, c->level);							\
	at = TAIL_STR(e, path, tail, at, PH_CTL_PATH, path);				\
	DONE(name, e, at);								\
	return 0;									\
}

CGROUP_EVENT(cgroup_rmdir)
CGROUP_EVENT(cgroup_freeze)
CGROUP_EVENT(cgroup_unfreeze)

SEC("?tp_btf/cgroup_attach_task")
int BPF_PROG(cgroup_attach_task, struct cgroup *c, const char *path, struct task_struct *t)
{
	u32 at = 0;

	CGROUP_SELECTED(c, cur, entry, who);
	EVENT_TAIL(cgroup_attach_task, PH_CTL_PATH, cur, who, e, tail);
	SET(e, hierarchy, WALK(c)->root->hierarchy_id);
	SET(e, id, WALK(c)->kn->id);
	SET(e, level, c->level);
	SET(e, tid, t->pid);
	set_comm(e->comm, t);
	SET(e, container, entry ? entry->index : PH_CONTAINER_HOST);
	at = TAIL_STR(e, path, tail, at, PH_CTL_PATH, path);
	DONE(cgroup_attach_task, e, at);
	return 0;
}
