/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time that tasks have no CPU: each wait with the stack that the task left its CPU with. */
#include <stdio.h>
#include <stdlib.h>

#include "analyze/profile_priv.h"
#include "base/cleanup.h"

#define WAITERS_MAX (1u << 20)
/* A task is seen to leave its CPU, with a stack, after a few waits at most. */
#define EARLY_MAX 8

static struct waiter *waiter_of(struct ph_profile *p, int32_t tid)
{
	struct waiter *w = tid > 0 ? ph_u64map_get(&p->priv->waiters, (uint64_t)tid) : NULL;

	if (w || tid <= 0 || p->priv->waiters.n >= WAITERS_MAX)
		return w;
	w = ph_alloc(sizeof(*w));
	ph_u64map_put(&p->priv->waiters, (uint64_t)tid, w);
	return w;
}

/* A wait whose beginning was not seen. */
static void add_unseen(struct ph_profile *p, struct ph_profile_row *row, uint64_t ts_ns, uint32_t cpu, uint64_t ns)
{
	row->node = profile_note_node(p, 0, NOTE_UNSEEN);
	p->stackless_ns += ns;
	profile_add(p, row, ts_ns, cpu, ns);
}

static void leave_out(struct ph_profile *p, uint64_t ns)
{
	p->left_out++;
	p->left_out_ns += ns;
}

static void waiter_free(struct ph_profile *p, struct waiter *w)
{
	if (!w)
		return;
	ph_vec_each(e, &w->early)
		leave_out(p, e->ns);
	ph_vec_done(&w->early);
	free(w);
}

void profile_wait_stack(struct ph_profile *p, uint64_t ts_ns, uint32_t node, int32_t tid)
{
	struct waiter *w = waiter_of(p, tid);

	if (!w)
		return;
	w->next = node;
	w->next_ns = ts_ns;
	w->seen = true;
	ph_vec_each(e, &w->early)
		add_unseen(p, &e->row, e->ts_ns, e->cpu, e->ns);
	ph_vec_done(&w->early);
}

static bool off_cpu(const struct ph_segment *seg)
{
	return seg->state == PH_ST_UNKNOWN ? seg->off_cpu : seg->state != PH_ST_RUNNING;
}

static void on_enter(void *arg, const struct ph_segment *seg)
{
	struct ph_profile *p = arg;
	struct waiter *w = waiter_of(p, seg->tid);

	if (!w)
		return;
	if (seg->state == PH_ST_UNKNOWN) {
		/* That it is still the same wait is known when it ends. */
		w->maybe = w->node;
		w->node = 0;
	} else if (seg->state == PH_ST_RUNNING) {
		w->node = 0;
	} else if (w->next && w->next_ns <= seg->begin_ns) {
		/* What follows, until it runs again, is the same wait. */
		w->node = w->next;
		w->next = 0;
	}
}

static bool selected(const struct ph_profile *p, struct waiter *w, const struct ph_segment *seg)
{
	if (w->known && w->pid == seg->pid && w->container == seg->container && w->told == ph_identity_told(p->id))
		return w->selected;
	w->known = true;
	w->told = ph_identity_told(p->id);
	w->pid = seg->pid;
	w->container = seg->container;
	w->selected = profile_selects(p, seg->container, seg->pid, seg->tid);
	return w->selected;
}

static const char *reason_of(const struct ph_segment *seg)
{
	switch (seg->state) {
	case PH_ST_WAIT_CPU:	return seg->preempted ? "[preempted]" : "[run queue]";
	case PH_ST_THROTTLED:	return "[throttled]";
	case PH_ST_FROZEN:	return "[frozen]";
	case PH_ST_STOPPED:	return "[stopped]";
	case PH_ST_UNKNOWN:	return "[wake-up not seen]";
	default:		return NULL;
	}
}

static uint32_t reason_loc(struct ph_profile *p, const struct ph_segment *seg)
{
	const char *fixed = reason_of(seg);
	char text[32];

	if (!fixed)
		snprintf(text, sizeof(text), seg->wait == PH_WAIT_RECLAIM && seg->memcg ? "[%s of the cgroup]" : "[%s]",
			 ph_wait_name(seg->wait));
	return profile_loc(p, PH_FRAME_WAIT, fixed ? fixed : text);
}

static uint32_t waker_loc(struct ph_profile *p, const struct ph_segment *seg)
{
	const struct ph_task *t = seg->waker == PH_WAKER_TASK ? ph_identity_task(p->id, seg->waker_tid) : NULL;
	char text[160];

	if (seg->state != PH_ST_BLOCKED || seg->cut || seg->waker == PH_WAKER_UNKNOWN)
		return 0;
	/* Where interrupts are not recorded: the task that one came upon has nothing to do with it. */
	if (seg->waker == PH_WAKER_TASK && (seg->wait == PH_WAIT_TIMER || seg->wait == PH_WAIT_DISK || seg->wait == PH_WAIT_FAULT))
		return 0;
	if (!t)
		snprintf(text, sizeof(text), "[woken by %s%s]", seg->waker == PH_WAKER_TASK ? "a " : "", ph_waker_name(seg->waker));
	else if (seg->waker_container == seg->container || seg->waker_container == PH_CONTAINER_UNKNOWN)
		snprintf(text, sizeof(text), "[woken by %.16s]", t->comm);
	else
		snprintf(text, sizeof(text), "[woken by %.16s %s%.100s]", t->comm, seg->waker_container ? "of " : "on the host",
			 ph_container_label(p->id, seg->waker_container));
	return profile_loc(p, PH_FRAME_WAIT, text);
}

static void on_leave(void *arg, const struct ph_segment *seg)
{
	struct ph_profile *p = arg;
	struct waiter *w = waiter_of(p, seg->tid);
	struct ph_profile_row row = { 0 };
	uint64_t ns = seg->end_ns - seg->begin_ns;
	uint32_t cpu = seg->cpu < 0 ? 0 : (uint32_t)seg->cpu;
	const struct ph_task *t;

	if (!w || !ns || !selected(p, w, seg))
		return;
	if (seg->state == PH_ST_RUNNING)
		p->priv->ran_ns += ns;
	if (!off_cpu(seg) || (seg->state == PH_ST_BLOCKED && seg->wait == PH_WAIT_IDLE))
		return;
	t = ph_identity_task(p->id, seg->tid);
	row.actor = profile_actor(p, seg->container, seg->pid, seg->tid, t ? t->comm : "");
	row.reason = reason_loc(p, seg);
	row.waker = waker_loc(p, seg);
	row.node = seg->state == PH_ST_UNKNOWN ? w->maybe : w->node;
	if (row.node)
		profile_add(p, &row, seg->begin_ns, cpu, ns);
	else if (w->seen)
		add_unseen(p, &row, seg->begin_ns, cpu, ns);
	else if (w->early.n < EARLY_MAX)
		*ph_vec_push(&w->early) = (struct early){ .row = row, .ts_ns = seg->begin_ns, .cpu = cpu, .ns = ns };
	else
		leave_out(p, ns);
}

static void on_end(void *arg, int32_t tid, uint64_t ts)
{
	struct ph_profile *p = arg;

	waiter_free(p, ph_u64map_del(&p->priv->waiters, (uint64_t)tid));
}

void profile_wait_new(struct ph_profile *p)
{
	static const struct ph_states_ops ops = { .enter = on_enter, .leave = on_leave, .end = on_end };

	p->priv->st = ph_states_new(p->id, &ops, p);
}

void profile_wait_finish(struct ph_profile *p)
{
	if (!p->priv->st)
		return;
	ph_states_finish(p->priv->st, p->end_ns);
	for (struct ph_u64map_slot *slot = NULL; (slot = ph_u64map_next(&p->priv->waiters, slot)); )
		waiter_free(p, slot->val);
	ph_u64map_done(&p->priv->waiters);
}

void profile_wait_free(struct ph_profile *p)
{
	for (struct ph_u64map_slot *slot = NULL; (slot = ph_u64map_next(&p->priv->waiters, slot)); )
		waiter_free(p, slot->val);
	ph_u64map_done(&p->priv->waiters);
	ph_states_free(p->priv->st);
}
