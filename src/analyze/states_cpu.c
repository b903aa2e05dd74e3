/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each CPU does: which task it runs, what that time goes to, in whose context a wake-up comes. */
#include "analyze/states_priv.h"

/* ---- what runs ----------------------------------------------------------------------------------- */

struct cpu *st_cpu_get(struct ph_states *st, uint32_t cpu)
{
	if (ph_unlikely(cpu >= st->cpus.n)) {
		if (cpu >= CPU_LIMIT)
			return NULL;
		while (st->cpus.n <= cpu) {
			struct cpu *c = ph_vec_push(&st->cpus);

			c->tid = -1;
			c->since_ns = c->last_ns = c->mark_ns = st->seen.begin_ns;
			c->container = PH_CONTAINER_UNKNOWN;
		}
	}
	return &st->cpus.v[cpu];
}

static enum ph_part part_now(const struct cpu *c)
{
	if (c->depth)
		return PH_PART_IRQ;
	if (c->cur->seg.kthread || c->cur->exiting)
		return PH_PART_KERNEL;
	switch (c->cur->mode) {
	case MODE_USER:		return PH_PART_USER;
	case MODE_KERNEL:	return PH_PART_KERNEL;
	default:		return PH_PART_MODELESS;
	}
}

void st_divide_as_of(const struct cpu *c, uint64_t ts, struct ph_segment *s)
{
	if (s->state == PH_ST_RUNNING && ts > c->mark_ns)
		s->part_ns[part_now(c)] += ts - c->mark_ns;
}

void st_divide(struct cpu *c, uint64_t ts)
{
	if (c->cur)
		st_divide_as_of(c, ts, &c->cur->seg);
	c->mark_ns = ts;
}

void st_call_ran(struct ph_states *st, const struct cpu *c, int32_t tid, uint64_t begin, uint64_t end)
{
	if (st->ops.ran && begin < end)
		st->ops.ran(st->arg, (uint32_t)(c - st->cpus.v), tid,
			    tid < 0 ? PH_CONTAINER_UNKNOWN : c->container, begin, end);
}

void st_lose_current(struct ph_states *st, struct cpu *c, uint64_t ts)
{
	uint64_t last = c->last_ns > c->since_ns ? c->last_ns : c->since_ns;
	struct task *t = c->cur;

	st_settle_throttle(st, c);
	if (last < c->mark_ns)
		last = c->mark_ns;
	if (t && t->seg.state == PH_ST_RUNNING) {
		st_divide(c, last);
		st_go(st, t, PH_ST_UNKNOWN, last);
	}
	st_call_ran(st, c, c->tid, c->since_ns, last);
	st_call_ran(st, c, -1, last, ts);
	c->cur = NULL;
	c->tid = -1;
	c->since_ns = c->mark_ns = ts;
	c->depth = 0;
	if (st->ops.runs)
		st->ops.runs(st->arg, (uint32_t)(c - st->cpus.v), -1, ts);
}

void st_leave_other(struct ph_states *st, const struct task *t, const struct cpu *c, uint64_t ts)
{
	if (ph_likely(t->seg.state != PH_ST_RUNNING && !t->ran_again_ns))
		return;
	ph_vec_each(other, &st->cpus)
		if (other->cur == t && other != c)
			st_lose_current(st, other, ts);
}

void st_set_current(struct ph_states *st, struct cpu *c, struct task *t, int32_t tid, uint64_t ts)
{
	const struct ph_task *who = ph_identity_task(st->id, tid);

	c->cur = t;
	c->tid = tid;
	c->container = who ? who->container : PH_CONTAINER_UNKNOWN;
	c->since_ns = c->last_ns = c->mark_ns = ts;
	c->depth = 0;
	c->seen = true;
	if (st->ops.runs)
		st->ops.runs(st->arg, (uint32_t)(c - st->cpus.v), tid, ts);
}

void st_on_attach(struct ph_states *st, struct task *t, uint64_t ts)
{
	const struct ph_task *who = ph_identity_task(st->id, t->seg.tid);

	if (!who || who->container == t->seg.container || t->ran_again_ns)
		return;
	ph_vec_each(c, &st->cpus) {
		if (c->cur != t)
			continue;
		st_divide(c, ts);
		st_call_ran(st, c, c->tid, c->since_ns, ts);
		c->since_ns = ts;
		c->container = who->container;
	}
	st_segment_split(st, t, ts, t->seg.tid);
}

void st_woken_unseen(struct ph_states *st, struct task *t)
{
	uint64_t slept = t->seg.begin_ns, until = UINT64_MAX;
	const struct unseen *oldest = &st->unseen[st->nunseen % UNSEEN_KEPT];

	for (size_t i = 0; i < UNSEEN_KEPT && i < st->nunseen; i++)
		if (st->unseen[i].end_ns > slept && st->unseen[i].begin_ns < until)
			until = st->unseen[i].begin_ns;
	/* It may be so still. */
	ph_vec_each(c, &st->cpus)
		if (c->tid && c->last_ns <= c->since_ns && c->since_ns < until)
			until = c->since_ns;
	if (until == UINT64_MAX || until <= slept || (st->nunseen > UNSEEN_KEPT && oldest->end_ns > slept) ||
	    !(st->seen.wakings + st->seen.wakeups))
		st_distrust(st, t);
	else
		st_go(st, t, PH_ST_UNKNOWN, until);
}

struct task *st_unseen_switch(struct ph_states *st, struct cpu *c, int32_t tid, uint64_t ts)
{
	/* When another was last known to have it, also where it is no longer known who has. */
	uint64_t other_ns = c->tid < 0 || c->last_ns > c->since_ns ? c->last_ns : c->since_ns;
	struct task *t;

	st->unseen[st->nunseen++ % UNSEEN_KEPT] = (struct unseen){ c->tid < 0 ? c->since_ns : other_ns, ts };
	if (c->tid >= 0) {
		st->seen.holes += ts >= st->gaps_end_ns;
		st_lose_current(st, c, ts);
	} else {
		st_call_ran(st, c, -1, c->since_ns, ts);
	}
	t = st_task_get(st, tid);
	if (t) {
		st_leave_other(st, t, c, ts);
		if (t->seg.state == PH_ST_BLOCKED && t->waking_ns)
			st_wake(st, t, t->waking_ns);
		/* It has left no CPU since it began to wait, and as long as another one had this one it did wait. */
		if (st_is_queued(t) && !t->ran_again_ns && t->seg.begin_ns < other_ns) {
			st->seen.inexact += t->seg.state == PH_ST_THROTTLED;
			st_go(st, t, PH_ST_UNKNOWN, other_ns);
		} else if (t->seg.state == PH_ST_BLOCKED) {
			st_woken_unseen(st, t);
		} else {
			st_distrust(st, t);
		}
		t->seg.cpu = (int32_t)(c - st->cpus.v);
	}
	return t;
}

struct task *st_running(struct ph_states *st, struct cpu *c, int32_t tid, uint64_t ts)
{
	struct task *t;

	if (ph_likely(c->tid == tid || tid < 0)) {
		c->last_ns = ts;
		if (ph_unlikely(c->cur && c->cur->seg.container == PH_CONTAINER_UNKNOWN))
			st_on_attach(st, c->cur, ts);
		return c->cur;
	}
	t = st_unseen_switch(st, c, tid, ts);
	if (t)
		st_go(st, t, PH_ST_RUNNING, ts);
	st_set_current(st, c, t, tid, ts);
	return t;
}

/* ---- interrupts ---------------------------------------------------------------------------------- */

static void push(struct ph_states *st, struct cpu *c, enum frame_kind kind, uint32_t nr, uint64_t ts)
{
	st->seen.irqs++;
	st->seen.timers += kind == FRAME_HRTIMER || kind == FRAME_VECTOR_TIMER;
	st->seen.softirqs += kind == FRAME_SOFTIRQ;
	st_divide(c, ts);
	if (c->depth == STACK_MAX)
		c->depth = 0;	/* exits were lost: nothing nests this deep */
	c->stack[c->depth++] = (struct frame){ .kind = kind, .nr = nr };
}

static void pop(struct cpu *c, enum frame_kind kind, uint64_t ts)
{
	unsigned int i = c->depth;

	st_divide(c, ts);
	while (i > 0 && c->stack[i - 1].kind != kind)
		i--;
	if (i > 0)
		c->depth = i - 1;
}

static void set_frame_disk(struct cpu *c)
{
	for (unsigned int i = 0; i < c->depth; i++)
		c->stack[i].disk = true;
}

enum ph_waker st_waker_of(const struct ph_states *st, const struct cpu *c, int32_t tid)
{
	const struct frame *f;

	if (!c->depth)
		return tid > 0 ? PH_WAKER_TASK : tid == 0 && st->seen.irqs ? PH_WAKER_IRQ : PH_WAKER_UNKNOWN;
	f = &c->stack[c->depth - 1];
	if (f->disk)
		return PH_WAKER_DISK;
	switch (f->kind) {
	case FRAME_HRTIMER:
	case FRAME_VECTOR_TIMER:
		return PH_WAKER_TIMER;
	case FRAME_IPI:
	case FRAME_VECTOR_IPI:
		return PH_WAKER_IPI;
	case FRAME_IRQ:
		return PH_WAKER_IRQ;
	case FRAME_SOFTIRQ:
		break;
	}
	switch (f->nr) {	/* enum in include/linux/interrupt.h */
	case 1: case 8:	return PH_WAKER_TIMER;
	case 2: case 3:	return PH_WAKER_NET;
	case 4: case 5:	return PH_WAKER_DISK;
	}
	return PH_WAKER_IRQ;
}

/* ---- system calls -------------------------------------------------------------------------------- */

void st_on_syscall(struct ph_states *st, struct cpu *c, struct task *t, const struct ph_event *ev)
{
	bool entry = ev->cls->id < PH_EV_SYSCALL_EXIT || (ev->cls->id >= PH_EV_COMPAT_ENTRY &&
							  ev->cls->id < PH_EV_COMPAT_EXIT);

	st->seen.syscalls++;
	if (!t)
		return;
	st_divide(c, ev->ts_ns);
	t->nr_known = true;
	t->rq_dev = 0;
	t->reclaim = false;
	t->mode = entry ? MODE_KERNEL : MODE_USER;
	t->seg.syscall = entry ? ev->cls->syscall_nr : -1;
	t->seg.compat = ev->cls->id >= PH_EV_COMPAT_ENTRY;
}

/* ---- steal --------------------------------------------------------------------------------------- */

void st_on_steal(struct ph_states *st, struct cpu *c, const struct ph_event *ev)
{
	static const enum ph_part parts[] = { PH_PART_USER, PH_PART_KERNEL, PH_PART_IRQ, PH_PART_MODELESS };
	uint64_t ns = U(cpu_steal, steal_ns, 0), ran = 0, taken = 0;
	struct task *t = c->cur;

	st->seen.steals++;
	if (!t || t->seg.state != PH_ST_RUNNING)
		return;
	st_divide(c, ev->ts_ns);
	for (size_t i = 0; i < PH_ARRAY_SIZE(parts); i++)
		ran += t->seg.part_ns[parts[i]];
	if (ns > ran)
		ns = ran;
	for (size_t i = 0; ran && i < PH_ARRAY_SIZE(parts); i++) {
		uint64_t *part = &t->seg.part_ns[parts[i]];
		uint64_t cut = (uint64_t)((double)*part / (double)ran * (double)ns);

		*part -= cut;
		taken += cut;
	}
	t->seg.part_ns[PH_PART_STEAL] += taken;
}

void st_on_context_event(struct ph_states *st, struct cpu *c, struct task *t, const struct ph_event *ev)
{
	uint64_t ts = ev->ts_ns;

	switch (ev->cls->id) {
	case PH_EV_irq_handler_entry:
		push(st, c, FRAME_IRQ, 0, ts);
		break;
	case PH_EV_irq_handler_exit:
		pop(c, FRAME_IRQ, ts);
		break;
	case PH_EV_irq_softirq_entry:
		push(st, c, FRAME_SOFTIRQ, (uint32_t)U(irq_softirq_entry, vec, 0), ts);
		break;
	case PH_EV_irq_softirq_exit:
		pop(c, FRAME_SOFTIRQ, ts);
		break;
	case PH_EV_timer_hrtimer_expire_entry:
		push(st, c, FRAME_HRTIMER, 0, ts);
		break;
	case PH_EV_timer_hrtimer_expire_exit:
		pop(c, FRAME_HRTIMER, ts);
		break;
	case PH_EV_ipi_entry:
		push(st, c, FRAME_IPI, 0, ts);
		break;
	case PH_EV_ipi_exit:
		pop(c, FRAME_IPI, ts);
		break;
	case PH_EV_x86_irq_vectors_local_timer_entry:
		push(st, c, FRAME_VECTOR_TIMER, 0, ts);
		break;
	case PH_EV_x86_irq_vectors_local_timer_exit:
		pop(c, FRAME_VECTOR_TIMER, ts);
		break;
	case PH_EV_x86_irq_vectors_reschedule_entry:
	case PH_EV_x86_irq_vectors_call_function_entry:
	case PH_EV_x86_irq_vectors_call_function_single_entry:
		push(st, c, FRAME_VECTOR_IPI, 0, ts);
		break;
	case PH_EV_x86_irq_vectors_reschedule_exit:
	case PH_EV_x86_irq_vectors_call_function_exit:
	case PH_EV_x86_irq_vectors_call_function_single_exit:
		pop(c, FRAME_VECTOR_IPI, ts);
		break;
	case PH_EV_mm_vmscan_direct_reclaim_begin:
	case PH_EV_mm_vmscan_memcg_reclaim_begin:
		if (!t)
			break;
		t->reclaim = true;
		t->reclaim_memcg = ev->cls->id == PH_EV_mm_vmscan_memcg_reclaim_begin;
		break;
	case PH_EV_mm_vmscan_direct_reclaim_end:
	case PH_EV_mm_vmscan_memcg_reclaim_end:
		if (t)
			t->reclaim = false;
		break;
	case PH_EV_block_rq_issue:
		if (t && !c->depth)
			t->rq_dev = (uint32_t)U(block_rq_issue, dev, 0);
		break;
	case PH_EV_block_rq_complete:
		set_frame_disk(c);
		break;
	case PH_EV_callstack:
		if (U(callstack, trigger, 0) != PH_EV_sched_switch)
			break;
		c->walk_end_ns = ts;
		c->walk_ns = U(callstack, walk_ns, 0);
		break;
	}
}
