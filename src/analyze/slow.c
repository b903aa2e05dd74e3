/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tasks waited for, by container: off-CPU time, run queues, faults and reclaim. */
#include "analyze/slow.h"

#include <stdlib.h>

#include "analyze/slow_priv.h"
#include "base/cleanup.h"
#include "event/syscalls.h"

/* Containers that are kept apart: indices come from traces. */
#define GROUPS_MAX 16384
#define TID_LIMIT 4194304	/* there is none beyond on Linux */

#define U(event, field, otherwise) ph_event_u(ev, PH_FLD(event, field), otherwise)
#define I32(event, field) ((int32_t)ph_event_i(ev, PH_FLD(event, field), -1))

const char *ph_hold_name(unsigned int hold)
{
	static const char *const names[] = {
		[PH_HOLD_CLIENT] = "client", [PH_HOLD_CPU] = "cpu", [PH_HOLD_THROTTLED] = "throttled",
		[PH_HOLD_FROZEN] = "frozen", [PH_HOLD_STOPPED] = "stopped", [PH_HOLD_UNKNOWN] = "unknown",
		[PH_HOLD_RUN] = "running",
	};

	return hold < PH_WAIT_MAX ? ph_wait_name((enum ph_wait)hold) : hold < PH_HOLD_MAX ? names[hold] : "?";
}

bool ph_hold_own_will(unsigned int hold)
{
	switch (hold) {
	case PH_WAIT_TIMER: case PH_WAIT_POLL: case PH_WAIT_SIGNAL: case PH_WAIT_IDLE: case PH_WAIT_TTY:
	case PH_WAIT_CHILD: case PH_HOLD_CLIENT:
		return true;
	}
	return false;
}

uint64_t ph_slow_held(const uint64_t ns[PH_HOLD_MAX])
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < PH_HOLD_MAX; i++)
		if (i != PH_HOLD_RUN && i != PH_HOLD_UNKNOWN && !ph_hold_own_will(i))
			sum += ns[i];
	return sum;
}

/* ---- groups and tasks ----------------------------------------------------------------------------------- */

struct ph_slow_group *slow_group(struct ph_slow *s, uint32_t container)
{
	struct ph_slow_group *g;

	if (ph_likely(s->last_group && s->last_group_at == container))
		return s->last_group;
	g = ph_u64map_get(&s->group_map, container);
	if (!g && s->groups.n >= GROUPS_MAX && container != PH_CONTAINER_UNKNOWN)
		return slow_group(s, PH_CONTAINER_UNKNOWN);
	if (!g) {
		g = ph_alloc(sizeof(*g));
		g->container = container;
		ph_u64map_put(&s->group_map, container, g);
		*ph_vec_push(&s->groups) = g;
	}
	s->last_group_at = container;
	s->last_group = g;
	return g;
}

bool slow_container_selected(const struct ph_slow *s, uint32_t container)
{
	const struct ph_container *k = ph_identity_container(s->id, container);

	if (!s->sel)
		return true;
	/* Tasks are selected: what is charged to a container is theirs where one of them is in it. */
	if (!ph_selection_by_container(s->sel))
		return ph_u64map_get(&s->group_map, container);
	return k && ph_selection_match_container(s->sel, k);
}

static void task_is_in(struct ph_slow *s, struct slow_task *t, const struct ph_segment *seg)
{
	struct ph_event ev = { .tid = seg->tid, .pid = seg->pid, .container = seg->container };

	t->pid = seg->pid;
	t->container = seg->container;
	t->told = ph_identity_told(s->id);
	t->selected = !s->sel || ph_selection_match(s->sel, s->id, &ev);
	t->group = t->selected ? slow_group(s, seg->container) : NULL;
}

struct slow_task *slow_task(const struct ph_slow *s, int32_t tid)
{
	return tid > 0 ? ph_u64map_get(&s->task_map, (uint64_t)tid) : NULL;
}

static struct slow_task *task_of(struct ph_slow *s, const struct ph_segment *seg)
{
	struct slow_task *t = slow_task(s, seg->tid);

	if (!t) {
		t = ph_alloc(sizeof(*t));
		t->tid = seg->tid;
		ph_u64map_put(&s->task_map, (uint64_t)seg->tid, t);
		task_is_in(s, t, seg);
		if (t->group)
			t->group->ntasks++;
	} else if (ph_unlikely(t->container != seg->container || t->pid != seg->pid || t->told != ph_identity_told(s->id))) {
		struct ph_slow_group *before = t->group;

		task_is_in(s, t, seg);
		if (t->group != before) {
			if (before && before->ntasks)
				before->ntasks--;
			if (t->group)
				t->group->ntasks++;
		}
	}
	return t;
}

/* ---- what is waited for ---------------------------------------------------------------------------------- */

unsigned int slow_hold_of(const struct ph_segment *seg)
{
	switch (seg->state) {
	case PH_ST_RUNNING:	return PH_HOLD_RUN;
	case PH_ST_WAIT_CPU:	return PH_HOLD_CPU;
	case PH_ST_THROTTLED:	return PH_HOLD_THROTTLED;
	case PH_ST_FROZEN:	return PH_HOLD_FROZEN;
	case PH_ST_STOPPED:	return PH_HOLD_STOPPED;
	case PH_ST_BLOCKED:
		return ph_object_is_client(seg) ? (unsigned int)PH_HOLD_CLIENT : seg->wait;
	default:		return PH_HOLD_UNKNOWN;
	}
}

static void wait_add(struct ph_slow_group *g, unsigned int hold, const struct ph_object *o, uint64_t ns)
{
	struct ph_object rest = { .thing = PH_THING_REST };
	uint64_t key = ph_hash(PH_HASH_INIT + hold, o, sizeof(*o));
	struct ph_slow_wait *w = ph_u64map_get(&g->wait_map, key);

	if (!w && g->waits.n >= SLOW_ROWS_MAX) {
		o = &rest;
		key = ph_hash(PH_HASH_INIT + hold, o, sizeof(*o));
		w = ph_u64map_get(&g->wait_map, key);
	}
	if (!w) {
		w = ph_alloc(sizeof(*w));
		w->hold = hold;
		w->object = *o;
		ph_u64map_put(&g->wait_map, key, w);
		*ph_vec_push(&g->waits) = w;
	}
	ph_hist_add(&w->hist, ns);
}

/* ---- segments ---------------------------------------------------------------------------------------- */

static void on_enter(void *arg, const struct ph_segment *seg)
{
	struct ph_slow *s = arg;
	struct slow_task *t = task_of(s, seg);

	if (seg->state == PH_ST_WAIT_CPU)
		ph_neighbours_enter(s->nb, seg);
	if (!t->group)
		return;
	if (s->stacks)
		stacks_enter(t, seg);
	switch (seg->state) {
	case PH_ST_WAIT_CPU:
		if (!t->waits) {
			t->waits = true;
			t->torn = false;
			t->wait_ns = 0;
			t->waking_ns = seg->waking_ns;
		}
		break;
	case PH_ST_RUNNING:
		/* One whose beginning is not the stream's. */
		if (t->waits && !t->torn) {
			ph_hist_add(&t->group->run_queue, t->wait_ns);
			if (t->waking_ns && t->waking_ns <= seg->begin_ns)
				ph_hist_add(&t->group->wakeup, seg->begin_ns - t->waking_ns);
		}
		t->waits = false;
		break;
	case PH_ST_THROTTLED:
		/* Its wait goes on afterwards, and is then no matter of the wake-up. */
		t->waking_ns = 0;
		break;
	default:
		t->waits = false;
	}
}

static void on_leave(void *arg, const struct ph_segment *seg)
{
	struct ph_slow *s = arg;
	uint64_t ns = seg->end_ns - seg->begin_ns;
	struct slow_task *t = task_of(s, seg);
	struct ph_object o;
	unsigned int hold;

	if (seg->state == PH_ST_WAIT_CPU)
		ph_neighbours_leave(s->nb, seg);
	if (!t->group)
		return;
	if (seg->state == PH_ST_WAIT_CPU) {
		t->wait_ns += ns;
		t->torn |= seg->cut;
	}
	if (!ns)
		return;
	hold = slow_hold_of(seg);
	t->group->ns[hold] += ns;
	if (seg->state == PH_ST_RUNNING)
		return;
	ph_object_of(seg, &o);
	if (seg->state != PH_ST_UNKNOWN && calls_chosen(s, seg->syscall, seg->compat)) {
		wait_add(t->group, hold, &o, ns);
		if (t->stack)
			stacks_leave(t, seg, hold);
	}
	calls_leave(s, t, seg, hold, &o);
}

static void on_ran(void *arg, uint32_t cpu, int32_t tid, uint32_t container, uint64_t begin, uint64_t end)
{
	ph_neighbours_ran(((struct ph_slow *)arg)->nb, cpu, tid, container, begin, end);
}

static void on_runs(void *arg, uint32_t cpu, int32_t tid, uint64_t ts)
{
	ph_neighbours_runs(((struct ph_slow *)arg)->nb, cpu, tid, ts);
}

static void on_end(void *arg, int32_t tid, uint64_t ts)
{
	struct ph_slow *s = arg;

	free(ph_u64map_del(&s->task_map, (uint64_t)tid));
	free(ph_u64map_del(&s->fault_map, (uint64_t)tid));
}

/* ---- memory -------------------------------------------------------------------------------------------- */

static void reclaim_end(struct ph_slow *s, const struct ph_event *ev, bool memcg)
{
	struct slow_task *t = slow_task(s, ev->tid);

	if (!t || !t->reclaim_ns)
		return;
	if (t->group && t->reclaim_ns >= s->gap_ns) {
		ph_hist_add(memcg ? &t->group->memcg_reclaim : &t->group->reclaim, ev->ts_ns - t->reclaim_ns);
		t->group->reclaimed_pages += memcg ? U(mm_vmscan_memcg_reclaim_end, nr_reclaimed, 0)
						   : U(mm_vmscan_direct_reclaim_end, nr_reclaimed, 0);
	}
	t->reclaim_ns = 0;
}

/* How many faults a task has had is told before and after it is known whose it is. */
struct faults {
	uint64_t major;
};

static struct faults *faults_begin(struct ph_slow *s, int32_t tid, uint64_t major)
{
	struct faults *f;

	if (tid <= 0 || tid > TID_LIMIT)
		return NULL;
	f = ph_alloc(sizeof(*f));
	f->major = major;
	free(ph_u64map_put(&s->fault_map, (uint64_t)tid, f));
	return f;
}

static void on_times(struct ph_slow *s, const struct ph_event *ev)
{
	int32_t tid = I32(task_times, tid);
	struct slow_task *t = slow_task(s, tid);
	struct faults *f = ph_u64map_get(&s->fault_map, (uint64_t)tid);
	uint64_t n = U(task_times, maj_flt, 0);

	if (!ph_event_field(ev, PH_FLD(task_times, maj_flt)))
		return;
	f = f ? f : faults_begin(s, tid, n);
	if (!f)
		return;
	/* Until it is known whose it is, they wait. */
	if (!t || !t->group || t->container == PH_CONTAINER_UNKNOWN)
		return;
	if (n > f->major)
		t->group->major_faults += n - f->major;
	f->major = n;
}

/* ---- the whole --------------------------------------------------------------------------------------- */

struct ph_slow *ph_slow_new(const struct ph_identity *id, const struct ph_selection *sel)
{
	static const struct ph_states_ops ops = {
		.enter = on_enter, .leave = on_leave, .ran = on_ran, .runs = on_runs, .end = on_end,
	};
	struct ph_slow *s = ph_alloc(sizeof(*s));

	s->id = id;
	s->sel = sel;
	s->top = 10;
	s->nb = ph_neighbours_new(id);
	s->st = ph_states_new(id, &ops, s);
	s->cgroups = ph_states_cgroups(s->st);
	return s;
}

static void map_free(struct ph_u64map *m)
{
	for (struct ph_u64map_slot *slot = NULL; (slot = ph_u64map_next(m, slot)); )
		free(slot->val);
	ph_u64map_done(m);
}

static void group_free(struct ph_slow_group *g)
{
	ph_vec_each(w, &g->waits) {
		ph_hist_done(&(*w)->hist);
		free(*w);
	}
	ph_vec_each(c, &g->calls) {
		ph_hist_done(&(*c)->hist);
		free(*c);
	}
	ph_vec_each(d, &g->disks) {
		ph_hist_done(&(*d)->device);
		ph_hist_done(&(*d)->queue);
		free(*d);
	}
	ph_vec_each(n, &g->nets) {
		ph_hist_done(&(*n)->connect);
		ph_hist_done(&(*n)->accept);
		free(*n);
	}
	ph_vec_done(&g->waits);
	ph_vec_done(&g->calls);
	ph_vec_done(&g->disks);
	ph_vec_done(&g->nets);
	ph_u64map_done(&g->wait_map);
	ph_u64map_done(&g->disk_map);
	ph_u64map_done(&g->net_map);
	stacks_group_free(g);
	ph_hist_done(&g->run_queue);
	ph_hist_done(&g->wakeup);
	ph_hist_done(&g->reclaim);
	ph_hist_done(&g->memcg_reclaim);
	free(g->call_of[0]);
	free(g->call_of[1]);
	free(g);
}

void ph_slow_free(struct ph_slow *s)
{
	if (!s)
		return;
	ph_vec_each(g, &s->groups)
		group_free(*g);
	ph_vec_each(u, &s->users)
		free(*u);
	ph_vec_done(&s->groups);
	ph_vec_done(&s->users);
	ph_vec_done(&s->slowest);
	map_free(&s->task_map);
	map_free(&s->fault_map);
	ph_devices_done(&s->devices);
	ph_u64map_done(&s->group_map);
	blocks_free(s);
	nets_free(s);
	stacks_free(s);
	ph_neighbours_free(s->nb);
	ph_states_free(s->st);
	free(s->chosen[0]);
	free(s->chosen[1]);
	free(s->classes);
	free(s);
}

static void on_event(struct ph_slow *s, const struct ph_event *ev)
{
	struct slow_task *t;

	switch (ev->cls->id) {
	case PH_EV_mm_vmscan_direct_reclaim_begin:
	case PH_EV_mm_vmscan_memcg_reclaim_begin:
		t = slow_task(s, ev->tid);
		if (t)
			t->reclaim_ns = ev->ts_ns;
		break;
	case PH_EV_mm_vmscan_direct_reclaim_end:
		reclaim_end(s, ev, false);
		break;
	case PH_EV_mm_vmscan_memcg_reclaim_end:
		reclaim_end(s, ev, true);
		break;
	case PH_EV_sched_block_stack:
		stacks_event(s, ev);
		break;
	case PH_EV_task_times:
		on_times(s, ev);
		break;
	case PH_EV_sched_process_fork:
		faults_begin(s, I32(sched_process_fork, child_tid), 0);
		break;
	case PH_EV_events_discarded:
		if (!ph_event_gap_in_cpu(ev))
			break;
		s->gap_ns = U(events_discarded, end_ns, ev->ts_ns);
		if (s->gap_ns < ev->ts_ns)
			s->gap_ns = ev->ts_ns;
		nets_gap(s);
		blocks_event(s, ev);
		break;
	case PH_EV_lttng_statedump_block_device:
	case PH_EV_statedump_mount:
		ph_devices_feed(&s->devices, ev);
		break;
	case PH_EV_block_rq_insert:
	case PH_EV_block_rq_issue:
	case PH_EV_block_rq_complete:
		s->nblock++;
		blocks_event(s, ev);
		break;
	case PH_EV_inet_sock_set_state:
	case PH_EV_tcp_retransmit_skb:
	case PH_EV_tcp_listen_overflow:
		s->nnet++;
		nets_event(s, ev);
		break;
	}
}

void ph_slow_feed(struct ph_slow *s, const struct ph_event *ev)
{
	ph_states_feed(s->st, ev);
	if (ev->cls->id >= PH_EV_SYSCALL_ENTRY) {
		calls_event(s, ev);
		return;
	}
	switch (ev->cls->group) {
	case PH_GROUP_MM: case PH_GROUP_META: case PH_GROUP_STATEDUMP: case PH_GROUP_BLOCK: case PH_GROUP_NET:
	case PH_GROUP_STACK: case PH_GROUP_PROFILE:
		break;
	default:
		if (ev->cls->id != PH_EV_sched_process_fork)
			return;
	}
	if (ev->cls->id < PH_EV_STATIC_MAX && ph_class_like_ours(ev->cls))
		on_event(s, ev);
}

static int longest_wait_first(const void *pa, const void *pb)
{
	const struct ph_slow_wait *a = *(struct ph_slow_wait *const *)pa, *b = *(struct ph_slow_wait *const *)pb;
	bool wa = ph_hold_own_will(a->hold), wb = ph_hold_own_will(b->hold);

	if (wa != wb)
		return wa ? 1 : -1;
	if (a->hist.sum != b->hist.sum)
		return a->hist.sum > b->hist.sum ? -1 : 1;
	return a->hold < b->hold ? -1 : a->hold > b->hold ? 1 : memcmp(&a->object, &b->object, sizeof(a->object));
}

static int most_held_first(const void *pa, const void *pb)
{
	const struct ph_slow_group *a = *(struct ph_slow_group *const *)pa, *b = *(struct ph_slow_group *const *)pb;
	uint64_t ha = ph_slow_held(a->ns), hb = ph_slow_held(b->ns);

	if (ha != hb)
		return ha > hb ? -1 : 1;
	return a->container < b->container ? -1 : a->container > b->container;
}

static int longest_disk_first(const void *pa, const void *pb)
{
	const struct ph_slow_disk *a = *(struct ph_slow_disk *const *)pa, *b = *(struct ph_slow_disk *const *)pb;
	uint64_t ta = a->device.sum + a->queue.sum, tb = b->device.sum + b->queue.sum;

	if (ta != tb)
		return ta > tb ? -1 : 1;
	return a->dev != b->dev ? (a->dev < b->dev ? -1 : 1) : (int)a->op - (int)b->op;
}

static int worst_net_first(const void *pa, const void *pb)
{
	const struct ph_slow_net *a = *(struct ph_slow_net *const *)pa, *b = *(struct ph_slow_net *const *)pb;
	uint64_t ta = a->connect.sum + a->accept.sum, tb = b->connect.sum + b->accept.sum;

	if (a->retransmits + a->overflows != b->retransmits + b->overflows)
		return a->retransmits + a->overflows > b->retransmits + b->overflows ? -1 : 1;
	if (ta != tb)
		return ta > tb ? -1 : 1;
	return memcmp(&a->object, &b->object, sizeof(a->object));
}

#define SORT(vec, by) do { if ((vec)->n) qsort((vec)->v, (vec)->n, sizeof(*(vec)->v), by); } while (0)

void ph_slow_finish(struct ph_slow *s, uint64_t end_ns)
{
	ph_states_finish(s->st, end_ns);
	ph_states_seen(s->st, &s->seen);
	s->begin_ns = s->seen.begin_ns;
	s->end_ns = s->seen.end_ns;
	calls_finish(s);
	blocks_finish(s, s->end_ns);
	ph_vec_each(it, &s->groups) {
		struct ph_slow_group *g = *it;

		calls_group_finish(g);
		stacks_group_finish(s, g);
		SORT(&g->waits, longest_wait_first);
		SORT(&g->disks, longest_disk_first);
		SORT(&g->nets, worst_net_first);
	}
	SORT(&s->groups, most_held_first);
}
