/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums of states by container, pod, cgroup and task; throttled time by the limit that did it. */
#include "analyze/throttle.h"

#include <stdlib.h>

#include "analyze/throttle_priv.h"
#include "base/cleanup.h"

/* Ended tasks of which a row is kept. */
#define DEAD_MAX 4096

static struct ph_throttle_group *group_new(enum ph_throttle_by by)
{
	struct ph_throttle_group *g = ph_alloc(sizeof(*g));

	g->by = by;
	g->container = PH_CONTAINER_UNKNOWN;
	g->tid = g->pid = -1;
	return g;
}

static void group_free(struct ph_throttle_group *g)
{
	if (!g)
		return;
	free(g->pod);
	ph_spans_done(&g->throttled);
	ph_vec_done(&g->shares);
	ph_vec_done(&g->waits);
	free(g);
}

static struct ph_throttle_group *container_group(struct ph_throttle *th, uint32_t container)
{
	struct ph_throttle_group *g = ph_u64map_get(&th->container_map, container);

	if (g)
		return g;
	g = group_new(PH_BY_CONTAINER);
	g->container = container;
	ph_u64map_put(&th->container_map, container, g);
	*ph_vec_push(&th->containers) = g;
	return g;
}

static struct ph_throttle_group *cgroup_group(struct ph_throttle *th, struct ph_cgnode *n)
{
	struct ph_throttle_group *g = ph_u64map_get(&th->cgroup_map, n->id);

	if (g)
		return g;
	g = group_new(PH_BY_CGROUP);
	g->cgroup = n;
	ph_u64map_put(&th->cgroup_map, n->id, g);
	*ph_vec_push(&th->cgroups_of) = g;
	return g;
}

static struct ph_throttle_group *task_group(struct ph_throttle *th, const struct ph_segment *s)
{
	struct ph_throttle_group *g = ph_u64map_get(&th->task_map, (uint64_t)s->tid);
	const struct ph_task *t;
	bool fresh = !g;

	if (fresh) {
		g = group_new(PH_BY_TASK);
		g->tid = s->tid;
		g->ntasks = 1;
		ph_u64map_put(&th->task_map, (uint64_t)s->tid, g);
	}
	if (s->container != PH_CONTAINER_UNKNOWN)
		g->container = s->container;
	g->pid = s->pid;
	/* Its name changes while it runs, or has run. */
	if (!fresh && s->state != PH_ST_RUNNING)
		return g;
	t = ph_identity_task(th->id, s->tid);
	if (t && t->comm[0])
		memcpy(g->comm, t->comm, sizeof(g->comm));
	return g;
}

/* The group of the container that task @g is in: mostly the same as the last time. */
static struct ph_throttle_group *home_group(struct ph_throttle *th, struct ph_throttle_group *g, uint32_t container)
{
	if (!g->home || g->home->container != container)
		g->home = container_group(th, container);
	return g->home;
}

/* The cgroup that it is charged to, likewise. */
static struct ph_cgnode *charged_to(struct ph_throttle *th, const struct ph_throttle_group *g, uint64_t cgroup_id)
{
	if (!cgroup_id)
		return NULL;
	if (g->cgroup && g->cgroup->id == cgroup_id && g->cgroup->hierarchy == ph_cgtree_cpu_hierarchy(th->cgroups))
		return g->cgroup;
	return ph_cgtree_cpu_node(th->cgroups, cgroup_id);
}

/* ---- sums ------------------------------------------------------------------------------------------- */

static void divide(struct ph_division *d, const struct ph_segment *s, bool own)
{
	uint64_t ns = s->end_ns - s->begin_ns;

	d->total_ns += ns;
	switch (s->state) {
	case PH_ST_RUNNING:
		d->user_ns += s->part_ns[PH_PART_USER];
		d->kernel_ns += s->part_ns[PH_PART_KERNEL];
		d->modeless_ns += s->part_ns[PH_PART_MODELESS];
		d->irq_ns += s->part_ns[PH_PART_IRQ];
		d->steal_ns += s->part_ns[PH_PART_STEAL];
		break;
	case PH_ST_THROTTLED:
		*(own ? &d->own_ns : &d->above_ns) += ns;
		break;
	case PH_ST_WAIT_CPU:
		d->wait_ns += ns;
		break;
	case PH_ST_FROZEN:
		d->frozen_ns += ns;
		break;
	case PH_ST_STOPPED:
		d->stopped_ns += ns;
		break;
	case PH_ST_BLOCKED:
		d->blocked_ns[s->wait] += ns;
		break;
	default:
		d->unknown_ns += ns;
	}
}

void ph_division_add(struct ph_division *to, const struct ph_division *from)
{
	to->user_ns += from->user_ns;
	to->kernel_ns += from->kernel_ns;
	to->irq_ns += from->irq_ns;
	to->steal_ns += from->steal_ns;
	to->modeless_ns += from->modeless_ns;
	to->own_ns += from->own_ns;
	to->above_ns += from->above_ns;
	to->wait_ns += from->wait_ns;
	to->frozen_ns += from->frozen_ns;
	to->stopped_ns += from->stopped_ns;
	to->unknown_ns += from->unknown_ns;
	for (int i = 0; i < PH_WAIT_MAX; i++)
		to->blocked_ns[i] += from->blocked_ns[i];
	to->total_ns += from->total_ns;
}

static struct ph_throttle_share *share_of(struct ph_throttle_group *g, struct ph_throttle_limit *l)
{
	struct ph_throttle_share *sh;

	ph_vec_each(it, &g->shares)
		if (it->limit == l)
			return it;
	sh = ph_vec_push(&g->shares);
	sh->limit = l;
	sh->level = UINT32_MAX;
	return sh;
}

static void add_share(struct ph_throttle_group *g, struct ph_throttle_limit *l, uint64_t ns, uint32_t level,
		      bool own)
{
	struct ph_throttle_share *sh = share_of(g, l);

	sh->throttled_ns += ns;
	if (level < sh->level)
		sh->level = level;
	sh->own = own;
}

static void add(struct ph_throttle_group *g, const struct ph_segment *s, struct ph_throttle_limit *l, bool own)
{
	divide(&g->t, s, own);
	if (s->state != PH_ST_THROTTLED)
		return;
	ph_spans_add(&g->throttled, s->begin_ns, s->end_ns);
	if (l)
		add_share(g, l, s->end_ns - s->begin_ns, s->limit.level, own);
}

/* Is the limit the container's own: on its cgroup, or on one that it made itself below that? */
static bool is_own(const struct ph_throttle *th, const struct ph_segment *s, const struct ph_throttle_limit *l)
{
	const struct ph_container *k = ph_identity_container(th->id, s->container);
	size_t n;

	if (s->limit.level == 0)
		return true;
	if (!l || !k || !k->index || !k->cgroup_path || !l->cgroup->path)
		return false;
	n = strlen(k->cgroup_path);
	return n > 1 && !strncmp(l->cgroup->path, k->cgroup_path, n) &&
	       (!l->cgroup->path[n] || l->cgroup->path[n] == '/');
}

static bool selected(const struct ph_throttle *th, const struct ph_segment *s)
{
	struct ph_event ev = { .tid = s->tid, .pid = s->pid, .container = s->container };

	return !th->sel || ph_selection_match(th->sel, th->id, &ev);
}

static void group_merge(struct ph_throttle_group *to, const struct ph_throttle_group *from)
{
	ph_division_add(&to->t, &from->t);
	to->ntasks += from->ntasks;
	ph_spans_merge(&to->throttled, &from->throttled);
	ph_vec_each(sh, &from->shares)
		add_share(to, sh->limit, sh->throttled_ns, sh->level, sh->own);
	waits_merge(to, from);
}

static void on_leave(void *arg, const struct ph_segment *s)
{
	struct ph_throttle *th = arg;
	struct ph_throttle_group *groups[3];
	struct ph_throttle_limit *l = NULL;
	struct ph_cgnode *n;
	size_t ngroups = 0;
	bool own = false;

	if (s->state == PH_ST_WAIT_CPU) {
		ph_neighbours_leave(th->nb, s);
	} else if (s->state == PH_ST_RUNNING) {
		limits_ran(th, s);
		if (s->cgroup_id)
			ph_cgtree_ran(ph_cgtree_cpu_node(th->cgroups, s->cgroup_id), s->begin_ns, s->end_ns);
	}
	if (s->state == PH_ST_THROTTLED) {
		l = limits_throttled(th, s);
		own = is_own(th, s, l);
	}
	if (s->begin_ns == s->end_ns || !selected(th, s))
		return;
	groups[ngroups++] = task_group(th, s);
	groups[ngroups++] = home_group(th, groups[0], s->container);
	n = charged_to(th, groups[0], s->cgroup_id);
	for (size_t i = 0; n && i < ngroups; i++)
		groups[i]->cgroup = n;
	if (n && th->by_cgroup)
		groups[ngroups++] = cgroup_group(th, n);
	for (size_t i = 0; i < ngroups; i++)
		add(groups[i], s, l, own);
	if (s->state == PH_ST_BLOCKED)
		waits_add(th, groups, ngroups, s);
}

static void on_enter(void *arg, const struct ph_segment *s)
{
	struct ph_throttle *th = arg;

	if (s->state == PH_ST_WAIT_CPU)
		ph_neighbours_enter(th->nb, s);
}

static void on_ran(void *arg, uint32_t cpu, int32_t tid, uint32_t container, uint64_t begin, uint64_t end)
{
	ph_neighbours_ran(((struct ph_throttle *)arg)->nb, cpu, tid, container, begin, end);
}

static void on_out(void *arg, const struct ph_limit *l, uint32_t cpu, uint64_t begin, uint64_t end)
{
	limits_out(arg, l, cpu, begin, end);
}

static void on_runs(void *arg, uint32_t cpu, int32_t tid, uint64_t ts)
{
	ph_neighbours_runs(((struct ph_throttle *)arg)->nb, cpu, tid, ts);
}

/* What a task lost: by this they are ranked. */
static uint64_t lost_ns(const struct ph_throttle_group *g)
{
	return g->t.own_ns + g->t.above_ns + g->t.wait_ns;
}

static int most_lost_first(const void *pa, const void *pb)
{
	const struct ph_throttle_group *a = *(struct ph_throttle_group *const *)pa;
	const struct ph_throttle_group *b = *(struct ph_throttle_group *const *)pb;

	if (lost_ns(a) != lost_ns(b))
		return lost_ns(a) > lost_ns(b) ? -1 : 1;
	if (ph_division_ran(&a->t) != ph_division_ran(&b->t))
		return ph_division_ran(&a->t) > ph_division_ran(&b->t) ? -1 : 1;
	return a->tid < b->tid ? -1 : a->tid > b->tid;
}

/* ---- user and kernel mode, where the stream has no system calls ------------------------------------------ */

/* What the kernel has counted for a task in ticks: at first and at last. */
struct times {
	uint64_t user0_ns, kernel0_ns, user_ns, kernel_ns;
};

static void note_times(struct ph_throttle *th, int32_t tid, uint64_t user, uint64_t kernel, bool dumped)
{
	struct times *t = ph_u64map_get(&th->times_map, (uint64_t)tid);

	if (tid <= 0)
		return;
	if (!t) {
		t = ph_alloc(sizeof(*t));
		ph_u64map_put(&th->times_map, (uint64_t)tid, t);
		/* One that is told only when it ends was born in the stream. */
		if (dumped) {
			t->user0_ns = user;
			t->kernel0_ns = kernel;
		}
	}
	t->user_ns = user;
	t->kernel_ns = kernel;
}

static void shift(struct ph_division *d, uint64_t user, uint64_t kernel)
{
	/* It may have been in another container for a while. */
	if (user + kernel > d->modeless_ns)
		return;
	d->modeless_ns -= user + kernel;
	d->user_ns += user;
	d->kernel_ns += kernel;
}

/* Its running time that may be either is divided as the kernel's ticks are. */
static void settle_modes(struct ph_throttle *th, struct ph_throttle_group *g)
{
	struct times *t = ph_u64map_del(&th->times_map, (uint64_t)g->tid);
	uint64_t user = t ? t->user_ns - t->user0_ns : 0, kernel = t ? t->kernel_ns - t->kernel0_ns : 0;
	uint64_t all = g->t.modeless_ns;

	if (t && user + kernel && all && user <= INT64_MAX && kernel <= INT64_MAX) {
		user = (uint64_t)((double)all * ((double)user / (double)(user + kernel)));
		user = user < all ? user : all;
		kernel = all - user;
		shift(&g->t, user, kernel);
		shift(&container_group(th, g->container)->t, user, kernel);
		if (g->cgroup && th->by_cgroup)
			shift(&cgroup_group(th, g->cgroup)->t, user, kernel);
	}
	free(t);
}

/* Its sums stay, so that those of the tasks are those of their containers. */
static void drop_task(struct ph_throttle *th, struct ph_throttle_group *g)
{
	if (!th->ended)
		th->ended = group_new(PH_BY_TASK);
	group_merge(th->ended, g);
	group_free(g);
}

static void keep_ended(struct ph_throttle *th, struct ph_throttle_group *g)
{
	settle_modes(th, g);
	container_group(th, g->container)->ntasks++;
	if (g->cgroup && th->by_cgroup)
		cgroup_group(th, g->cgroup)->ntasks++;
	*ph_vec_push(&th->tasks) = g;
	if (th->tasks.n < DEAD_MAX)
		return;
	qsort(th->tasks.v, th->tasks.n, sizeof(*th->tasks.v), most_lost_first);
	while (th->tasks.n > DEAD_MAX / 2)
		drop_task(th, th->tasks.v[--th->tasks.n]);
}

static void on_end(void *arg, int32_t tid, uint64_t ts)
{
	struct ph_throttle *th = arg;
	struct ph_throttle_group *g = ph_u64map_del(&th->task_map, (uint64_t)tid);

	if (g)
		keep_ended(th, g);
}

/* ---- the whole -------------------------------------------------------------------------------------- */

struct ph_throttle *ph_throttle_new(const struct ph_identity *id, const struct ph_selection *sel)
{
	static const struct ph_states_ops ops = {
		.enter = on_enter, .leave = on_leave, .ran = on_ran, .runs = on_runs, .out = on_out, .end = on_end,
	};
	struct ph_throttle *th = ph_alloc(sizeof(*th));

	th->id = id;
	th->sel = sel;
	th->nb = ph_neighbours_new(id);
	th->st = ph_states_new(id, &ops, th);
	th->cgroups = ph_states_cgroups(th->st);
	return th;
}

void ph_throttle_free(struct ph_throttle *th)
{
	if (!th)
		return;
	ph_vec_each(g, &th->containers)
		group_free(*g);
	ph_vec_each(g, &th->pods)
		group_free(*g);
	ph_vec_each(g, &th->cgroups_of)
		group_free(*g);
	ph_vec_each(g, &th->tasks)
		group_free(*g);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&th->task_map, s)); )
		group_free(s->val);
	ph_vec_done(&th->containers);
	ph_vec_done(&th->pods);
	ph_vec_done(&th->cgroups_of);
	ph_vec_done(&th->tasks);
	group_free(th->ended);
	limits_done(th);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&th->times_map, s)); )
		free(s->val);
	ph_u64map_done(&th->times_map);
	ph_u64map_done(&th->container_map);
	ph_u64map_done(&th->cgroup_map);
	ph_u64map_done(&th->task_map);
	ph_devices_done(&th->devices);
	ph_neighbours_free(th->nb);
	ph_states_free(th->st);
	free(th);
}

void ph_throttle_feed(struct ph_throttle *th, const struct ph_event *ev)
{
	/* The times of a task that ends are told before its last segment is left. */
	if (ph_unlikely(ev->cls->id == PH_EV_task_times || ev->cls->id == PH_EV_sched_process_exit) &&
	    ph_class_like_ours(ev->cls)) {
		if (ev->cls->id == PH_EV_task_times)
			note_times(th, (int32_t)ph_event_i(ev, PH_FLD(task_times, tid), -1),
				   ph_event_u(ev, PH_FLD(task_times, utime_ns), 0),
				   ph_event_u(ev, PH_FLD(task_times, stime_ns), 0), true);
		else if (ph_event_field(ev, PH_FLD(sched_process_exit, utime_ns)))
			note_times(th, (int32_t)ph_event_i(ev, PH_FLD(sched_process_exit, tid), -1),
				   ph_event_u(ev, PH_FLD(sched_process_exit, utime_ns), 0),
				   ph_event_u(ev, PH_FLD(sched_process_exit, stime_ns), 0), false);
	}
	if (ev->cls->group == PH_GROUP_STATEDUMP && ev->cls->id < PH_EV_STATIC_MAX && ph_class_like_ours(ev->cls))
		ph_devices_feed(&th->devices, ev);
	ph_states_feed(th->st, ev);
	if (ev->cls->id == PH_EV_statedump_cgroup && ph_class_like_ours(ev->cls))
		limits_told(th, (int32_t)ph_event_i(ev, PH_FLD(statedump_cgroup, hierarchy), 0),
			    ph_event_u(ev, PH_FLD(statedump_cgroup, id), 0), ev->ts_ns);
}

static int largest_share_first(const void *pa, const void *pb)
{
	const struct ph_throttle_share *a = pa, *b = pb;

	return a->throttled_ns > b->throttled_ns ? -1 : a->throttled_ns < b->throttled_ns;
}

static void make_pods(struct ph_throttle *th)
{
	struct ph_strmap pods = { 0 };

	ph_vec_each(it, &th->containers) {
		struct ph_throttle_group *c = *it, *g;
		const struct ph_container *k = ph_identity_container(th->id, c->container);
		ph_autofree char *name = NULL;

		if (!k || (!k->pod && !k->pod_uid))
			continue;
		name = ph_asprintf("%s%s%s", k->pod_namespace ? k->pod_namespace : "",
				   k->pod_namespace ? "/" : "", k->pod ? k->pod : k->pod_uid);
		g = ph_strmap_get(&pods, name);
		if (!g) {
			g = group_new(PH_BY_POD);
			g->pod = ph_take(name);
			ph_strmap_put(&pods, g->pod, g);
			*ph_vec_push(&th->pods) = g;
		}
		group_merge(g, c);
	}
	ph_strmap_done(&pods);
}

static void finish_groups(struct ph_throttle_group **v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		waits_finish(v[i]);
		if (v[i]->shares.n)
			qsort(v[i]->shares.v, v[i]->shares.n, sizeof(*v[i]->shares.v), largest_share_first);
	}
	if (n)
		qsort(v, n, sizeof(*v), most_lost_first);
}

void ph_throttle_finish(struct ph_throttle *th, uint64_t end_ns)
{
	ph_states_finish(th->st, end_ns);
	ph_states_seen(th->st, &th->seen);
	th->begin_ns = th->seen.begin_ns;
	th->end_ns = th->seen.end_ns;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&th->task_map, s)); ) {
		struct ph_throttle_group *g = s->val;

		settle_modes(th, g);
		container_group(th, g->container)->ntasks++;
		if (g->cgroup && th->by_cgroup)
			cgroup_group(th, g->cgroup)->ntasks++;
		*ph_vec_push(&th->tasks) = g;
	}
	ph_u64map_done(&th->task_map);
	limits_finish(th);
	make_pods(th);
	finish_groups(th->containers.v, th->containers.n);
	finish_groups(th->pods.v, th->pods.n);
	finish_groups(th->cgroups_of.v, th->cgroups_of.n);
	finish_groups(th->tasks.v, th->tasks.n);
	if (th->ended) {
		finish_groups(&th->ended, 1);
		*ph_vec_push(&th->tasks) = th->ended;
		th->ended = NULL;
	}
}
