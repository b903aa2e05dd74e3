/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks leave CPUs and come onto them, are woken and wait for one. */
#include "analyze/states_priv.h"

/* ---- switches ------------------------------------------------------------------------------------ */

void st_wake(struct ph_states *st, struct task *t, uint64_t ts)
{
	struct ph_segment *s = &t->seg;

	s->waker = t->waker;
	s->waker_tid = t->waker_tid;
	s->context_tid = t->context_tid;
	s->waker_container = t->waker_container;
	s->waking_ns = t->waking_ns;
	if (s->state == PH_ST_BLOCKED) {
		s->wait = ph_block_woken(s->wait, t->uninterruptible, t->waker);
		if (s->wait == PH_WAIT_DISK && !s->object.dev)
			s->object.dev = t->rq_dev;
	}
	t->waking_ns = 0;
	st_segment_next(st, t, PH_ST_WAIT_CPU, ts);
	st_queued(st, t, false);
}

static bool asleep(const struct task *t)
{
	return t->seg.state == PH_ST_BLOCKED || t->seg.state == PH_ST_STOPPED || t->seg.state == PH_ST_FROZEN;
}

/*
 * When a task that sleeps was woken, of which no event tells and which now gets a CPU; 0: that cannot be known. Who is moved to another CPU in
 * its sleep is so as it wakes; and a CPU with nothing to do (@idle) takes who comes at once, unless a limit was out (@limited).
 */
static uint64_t woken_at(const struct task *t, bool idle, bool limited, uint64_t ts)
{
	if (limited || t->seg.state != PH_ST_BLOCKED)
		return 0;
	return t->moved_ns > t->seg.begin_ns ? t->moved_ns : idle ? ts : 0;
}

/* It was seen to leave its CPU and to come onto this one, and unless events were lost it did not run in between. */
static void woken_unseen(struct ph_states *st, struct task *t)
{
	bool whole = st->gaps_end_ns <= t->seg.begin_ns;

	st_woken_unseen(st, t);
	t->seg.off_cpu = whole;
}

static void switch_in(struct ph_states *st, struct cpu *c, struct task *t, bool idle, uint64_t ts)
{
	int32_t cpu = (int32_t)(c - st->cpus.v);
	bool limited = c->outages.v.n;

	st_leave_other(st, t, c, ts);
	if (ph_unlikely(limited))
		st_refute_outages(st, c, t, ts);
	if (t->seg.state == PH_ST_THROTTLED) {
		t->ran_again_ns = ts;
		c->throttle_ends = t;
		return;
	}
	if (asleep(t)) {
		bool told = st->seen.wakings + st->seen.wakeups;
		uint64_t woken = t->waking_ns ? t->waking_ns : told ? woken_at(t, idle, limited, ts) : 0;

		if (!t->waking_ns) {
			t->waker = PH_WAKER_UNKNOWN;
			t->waker_tid = t->context_tid = -1;
			t->waker_container = PH_CONTAINER_UNKNOWN;
		}
		if (woken)
			st_wake(st, t, woken);
		else if (told && t->seg.state == PH_ST_BLOCKED)
			woken_unseen(st, t);
	}
	t->waking_ns = 0;
	st_segment_next(st, t, PH_ST_RUNNING, ts);
	t->seg.cpu = cpu;
	/* When the call ends is told only where calls are recorded. */
	if (!t->nr_known)
		t->seg.syscall = -1;
	st_segment_enter(st, t);
}

void st_block(struct ph_states *st, struct task *t, uint64_t state, uint64_t ts)
{
	struct ph_block b = { .nr = t->seg.syscall, .nr_known = t->nr_known, .compat = t->seg.compat,
			      .object.fd = -1 };

	/* A recorder may tell changes only. */
	if (t->block.told)
		b = t->block;
	b.kthread = t->seg.kthread;
	b.reclaim = t->reclaim;
	b.idle = state & STATE_IDLE;
	b.uninterruptible = state & STATE_UNINTERRUPTIBLE;
	b.rq_dev = t->rq_dev;
	t->uninterruptible = b.uninterruptible;
	st_segment_next(st, t, PH_ST_BLOCKED, ts);
	t->seg.wait = ph_block_reason(&b);
	t->seg.memcg = t->seg.wait == PH_WAIT_RECLAIM && t->reclaim_memcg;
	t->seg.object = b.object;
	if (b.told) {
		t->seg.syscall = b.nr;
		t->seg.compat = b.compat;
	}
	if ((t->seg.wait == PH_WAIT_DISK || t->seg.wait == PH_WAIT_FAULT) && t->rq_dev)
		t->seg.object.dev = t->rq_dev;
	st_segment_enter(st, t);
}

static void take_address(uint8_t to[16], const struct ph_value *v)
{
	if (v)
		memcpy(to, v->s, v->n < 16 ? v->n : 16);
}

void st_on_block(struct ph_states *st, const struct ph_event *ev)
{
	struct task *t = st_task_get(st, I32(sched_block, tid));
	struct ph_wait_object *o;

	st->seen.blocks++;
	if (!t)
		return;
	t->block = (struct ph_block){
		.told = true, .nr_known = true, .nr = I32(sched_block, nr), .compat = U(sched_block, compat, 0),
		.freezer = U(sched_block, state, 0) & STATE_FREEZER,
	};
	o = &t->block.object;
	o->fd = I32(sched_block, fd);
	o->mode = (uint32_t)U(sched_block, mode, 0);
	o->dev = (uint32_t)U(sched_block, dev, 0);
	o->ino = U(sched_block, ino, 0);
	o->family = (uint16_t)U(sched_block, family, 0);
	o->protocol = (uint16_t)U(sched_block, protocol, 0);
	o->sport = (uint16_t)U(sched_block, sport, 0);
	o->dport = (uint16_t)U(sched_block, dport, 0);
	o->peer_ino = U(sched_block, peer_ino, 0);
	take_address(o->saddr, ph_event_field(ev, PH_FLD(sched_block, saddr)));
	take_address(o->daddr, ph_event_field(ev, PH_FLD(sched_block, daddr)));
}

static void switch_out(struct ph_states *st, struct task *t, uint64_t state, uint64_t ts)
{
	uint64_t reported = state & STATE_REPORT;

	if (t->exiting && (reported & STATE_DEAD)) {
		st_task_end(st, t, ts);
		return;
	}
	if (t->will_throttle && !reported) {
		st_segment_next(st, t, PH_ST_THROTTLED, ts);
		t->seg.limit = t->limit;
		st_segment_enter(st, t);
	} else if (st_is_frozen(st, t) || (reported && t->block.freezer)) {
		t->frozen_asleep = reported != 0;
		st_go(st, t, PH_ST_FROZEN, ts);
	} else if (!reported) {
		st_segment_next(st, t, PH_ST_WAIT_CPU, ts);
		t->seg.preempted = true;
		st_queued(st, t, false);
	} else if (reported & STATE_STOPPED) {
		st_go(st, t, PH_ST_STOPPED, ts);
	} else {
		st_block(st, t, reported, ts);
	}
	t->will_throttle = false;
	/* Who is woken before it sleeps gets a sched_wakeup afterwards, or never slept. */
	if (!st->seen.wakeups)
		t->waking_ns = 0;
}

/*
 * When the switch was that @ev tells of. Where it has a stack, that was walked before it was told: what the tracer does there is
 * nobody's wait, and the kernel has charged what leaves the CPU until then.
 */
static uint64_t switched_at(const struct cpu *c, const struct ph_event *ev)
{
	uint64_t ts = c->walk_end_ns - c->walk_ns;

	if (!c->walk_ns || c->walk_ns > c->walk_end_ns || c->last_ns != c->walk_end_ns)
		return ev->ts_ns;
	return ts > c->since_ns ? ts : c->since_ns;
}

void st_on_switch(struct ph_states *st, struct cpu *c, const struct ph_event *ev)
{
	int32_t prev_tid = I32(sched_switch, prev_tid), next_tid = I32(sched_switch, next_tid);
	uint64_t ts = switched_at(c, ev);
	struct task *prev, *next;

	st->seen.switches++;
	st_settle_throttle(st, c);
	c->depth = 0;	/* no interrupt lasts across a switch */
	if (c->tid != prev_tid) {
		prev = st_unseen_switch(st, c, prev_tid, ts);
	} else {
		prev = c->cur;
		c->last_ns = ts;
		st_divide(c, ts);
		st_call_ran(st, c, prev_tid, c->since_ns, ts);
	}
	c->cur = NULL;
	if (prev)
		switch_out(st, prev, (uint64_t)ph_event_i(ev, PH_FLD(sched_switch, prev_state), 0), ts);
	next = st_task_get(st, next_tid);
	if (next)
		switch_in(st, c, next, prev_tid == 0, ts);
	st_set_current(st, c, next, next_tid, ts);
}

/* ---- wake-ups ------------------------------------------------------------------------------------ */

void st_on_waking(struct ph_states *st, struct cpu *c, const struct ph_event *ev)
{
	struct task *t = st_task_get(st, I32(sched_waking, tid));

	st->seen.wakings++;
	if (!t)
		return;
	t->waking_ns = ev->ts_ns;
	t->waker = st_waker_of(st, c, c->tid);
	t->context_tid = c->tid;
	t->waker_tid = t->waker == PH_WAKER_TASK ? c->tid : -1;
	t->waker_container = t->waker == PH_WAKER_TASK ? ev->container : PH_CONTAINER_UNKNOWN;
}

/* It waits on in another CPU's queue, or is moved there while it is throttled. */
static void wait_elsewhere(struct ph_states *st, struct task *t, int32_t cpu, uint64_t ts)
{
	bool throttled = t->seg.state == PH_ST_THROTTLED;
	struct cpu *c = st_cpu_or_null(st, t->seg.cpu);

	if (t->seg.cpu == cpu || cpu < 0 || t->ran_again_ns)
		return;
	/* Where no refills are told, how long it was throttled is said when it runs. */
	if (throttled && !(c && ph_outage_of(&c->outages, t->seg.limit.cgroup_id)))
		return;
	st_cpu_get(st, (uint32_t)cpu);
	if (!throttled) {
		st_wait_from(st, t, cpu, ts);
		return;
	}
	t->seg.exact = true;
	st_segment_next(st, t, PH_ST_WAIT_CPU, ts);
	t->seg.cpu = cpu;
	st_queued(st, t, true);
}

void st_on_wakeup(struct ph_states *st, struct cpu *c, const struct ph_event *ev, bool fresh)
{
	struct task *t = st_task_get(st, I32(sched_wakeup, tid));
	int32_t cpu = I32(sched_wakeup, target_cpu);

	st->seen.wakeups++;
	if (!t)
		return;
	/* Without sched_waking this is all; it may come in the target's interrupt. */
	if (!t->waking_ns) {
		t->waker = fresh ? PH_WAKER_TASK : st->seen.wakings ? PH_WAKER_UNKNOWN : st_waker_of(st, c, c->tid);
		t->context_tid = c->tid;
		t->waker_tid = t->waker == PH_WAKER_TASK ? c->tid : -1;
		t->waker_container = t->waker == PH_WAKER_TASK ? ev->container : PH_CONTAINER_UNKNOWN;
	}
	if (asleep(t) || t->seg.state == PH_ST_UNKNOWN) {
		if (cpu >= 0)
			t->seg.cpu = cpu;
		st_wake(st, t, ev->ts_ns);
	} else if (t->seg.state == PH_ST_WAIT_CPU) {
		wait_elsewhere(st, t, cpu, ev->ts_ns);
	}
	t->waking_ns = 0;
}

void st_on_migrate(struct ph_states *st, const struct ph_event *ev)
{
	struct task *t = st_task_get(st, I32(sched_migrate_task, tid));
	int32_t to = I32(sched_migrate_task, dest_cpu);

	if (!t || to < 0)
		return;
	if (st_is_queued(t))
		wait_elsewhere(st, t, to, ev->ts_ns);
	else if (t->seg.state != PH_ST_RUNNING)
		t->seg.cpu = to;
	if (asleep(t) && t->moved_ns <= t->seg.begin_ns)
		t->moved_ns = ev->ts_ns;
}
