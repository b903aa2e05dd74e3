/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every task does at every instant: one state machine a task, driven by the stream. */
#include "analyze/states.h"

#include <stdlib.h>

#include "analyze/blocked.h"
#include "analyze/cgtree.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "base/vec.h"

/* Numbers come from traces: what is beyond these does not exist on Linux. */
#define TID_LIMIT 4194304
#define CPU_LIMIT 8192
#define STACK_MAX 8		/* interrupts that nest on one CPU */
/* sched_throttle_begin is written by the same program as the switch, less than this before it. */
#define BEGIN_EARLY_NS 1000000

/* As sched_switch has them in all tracers (include/linux/sched.h, TASK_REPORT). */
#define STATE_INTERRUPTIBLE 0x01
#define STATE_UNINTERRUPTIBLE 0x02
#define STATE_STOPPED 0x0c	/* by a signal, by a tracer */
#define STATE_DEAD 0x70		/* exit states; 0x40 is TASK_DEAD before Linux 4.14 */
#define STATE_IDLE 0x80
#define STATE_FREEZER 0x8000	/* of sched_block only: in the freezer of cgroup v1 */
#define STATE_REPORT 0xff	/* 0x100 and more: preempted, as LTTng writes it */

enum mode { MODE_UNKNOWN, MODE_USER, MODE_KERNEL };

struct task {
	struct ph_segment seg;		/* the open one */
	enum mode mode;
	bool exiting;
	bool nr_known;			/* seg.syscall -1 means: in none */
	bool uninterruptible;		/* BLOCKED */
	bool frozen_asleep;		/* FROZEN: it was blocked, and is again when it thaws */
	bool reclaim, reclaim_memcg;
	uint32_t rq_dev;		/* of a block request in this call */
	/* A sched_waking that no sched_wakeup has followed yet. */
	uint64_t waking_ns;		/* 0: none */
	enum ph_waker waker;
	int32_t waker_tid, context_tid;
	uint32_t waker_container;
	/* Told just before the switch that it is about. */
	bool will_throttle;
	struct ph_limit limit;
	struct ph_block block;
	/* THROTTLED, and on a CPU again since then: sched_throttle_end is still to come. */
	uint64_t ran_again_ns;
	int32_t queue;			/* of the CPU in whose queue it is, -1: in none */
	size_t queue_at;		/* its place there */
};

enum frame_kind { FRAME_IRQ, FRAME_SOFTIRQ, FRAME_HRTIMER, FRAME_IPI, FRAME_VECTOR_TIMER, FRAME_VECTOR_IPI };

struct frame {
	enum frame_kind kind;
	uint32_t nr;			/* of the softirq */
	bool disk;			/* a block request was finished in it */
};

struct cpu {
	struct task *cur;		/* NULL: idle or unknown */
	int32_t tid;			/* 0: idle, -1: unknown */
	uint32_t container;
	bool seen;
	uint64_t since_ns;		/* it runs `tid` since then */
	uint64_t last_ns;		/* the last event that shows that it does */
	uint64_t mark_ns;		/* its time is divided up to here */
	struct task *throttle_ends;	/* runs, and its sched_throttle_end must be the next event here */
	struct frame stack[STACK_MAX];
	unsigned int depth;
	struct ph_outages outages;
	PH_VEC(struct task *) queue;	/* those that wait for it or are throttled on it */
};

/* Events are missing somewhere in it. */
struct gap {
	uint64_t begin_ns, end_ns;
	uint32_t cpu;
};

struct ph_states {
	const struct ph_identity *id;
	struct ph_states_ops ops;
	void *arg;
	struct ph_u64map tasks;		/* tid -> struct task */
	PH_VEC(struct cpu) cpus;
	PH_VEC(struct gap) gaps;	/* by begin, those of one CPU without overlap */
	uint64_t gaps_end_ns;		/* the latest end */
	PH_VEC(uint32_t) frozen;	/* containers */
	struct ph_cgtree *cgroups;
	struct ph_states_seen seen;
	bool begun, done;
	const struct ph_class *trusted[PH_EV_STATIC_MAX];
};

#define U(event, field, otherwise) ph_event_u(ev, PH_FLD(event, field), otherwise)
#define I32(event, field) ((int32_t)ph_event_i(ev, PH_FLD(event, field), -1))

/* ---- queues ---------------------------------------------------------------------------------------- */

static bool is_queued(const struct task *t)
{
	return t->seg.state == PH_ST_WAIT_CPU || t->seg.state == PH_ST_THROTTLED;
}

static void queue_join(struct ph_states *st, struct task *t)
{
	if (!is_queued(t) || t->seg.cpu < 0 || (size_t)t->seg.cpu >= st->cpus.n)
		return;
	t->queue = t->seg.cpu;
	t->queue_at = st->cpus.v[t->queue].queue.n;
	*ph_vec_push(&st->cpus.v[t->queue].queue) = t;
}

static void queue_leave(struct ph_states *st, struct task *t)
{
	struct cpu *c;

	if (t->queue < 0)
		return;
	c = &st->cpus.v[t->queue];
	c->queue.v[t->queue_at] = c->queue.v[--c->queue.n];
	c->queue.v[t->queue_at]->queue_at = t->queue_at;
	t->queue = -1;
}

/* ---- segments -------------------------------------------------------------------------------------- */

static void call_enter(struct ph_states *st, const struct ph_segment *s)
{
	if (st->ops.enter)
		st->ops.enter(st->arg, s);
}

/* Does a gap make what @s says of this time uncertain? What runs on a CPU without losses is seen. */
static bool gap_matters(const struct gap *g, const struct ph_segment *s)
{
	return s->state != PH_ST_RUNNING || g->cpu == (uint32_t)s->cpu;
}

/* The nearest doubtful time in [@from, @to) of @s. */
static bool find_doubt(const struct ph_states *st, const struct ph_segment *s, uint64_t from, uint64_t to,
		       uint64_t *ret_begin, uint64_t *ret_end)
{
	bool any = false;

	for (size_t i = st->gaps.n; i-- > 0; ) {
		const struct gap *g = &st->gaps.v[i];
		uint64_t b = g->begin_ns > from ? g->begin_ns : from;
		uint64_t e = g->end_ns < to ? g->end_ns : to;

		if (b >= e || !gap_matters(g, s))
			continue;
		if (!any || b < *ret_begin) {
			*ret_begin = b;
			*ret_end = e;
		}
		any = true;
	}
	return any;
}

/* The parts of a running segment, cut to the length that it now has. */
static void fit_parts(struct ph_segment *s, uint64_t whole_ns)
{
	uint64_t len = s->end_ns - s->begin_ns, sum = 0;

	if (s->state != PH_ST_RUNNING || len == whole_ns)
		return;
	for (unsigned int i = 0; i < PH_PART_MAX; i++) {
		s->part_ns[i] = whole_ns ? (uint64_t)((double)s->part_ns[i] / (double)whole_ns * (double)len) : 0;
		if (s->part_ns[i] > len - sum)
			s->part_ns[i] = len - sum;
		sum += s->part_ns[i];
	}
	s->part_ns[PH_PART_MODELESS] += len - sum;
}

/* @s is left, and an empty successor of that state entered at its end. */
static void leave_piece(struct ph_states *st, struct ph_segment *s, enum ph_state next, uint64_t begin,
			uint64_t end, uint64_t whole_ns)
{
	struct ph_segment out = *s;

	out.begin_ns = begin;
	out.end_ns = end;
	out.cut = true;
	if (s->state != PH_ST_RUNNING)
		memset(out.part_ns, 0, sizeof(out.part_ns));
	fit_parts(&out, whole_ns);
	st->ops.leave(st->arg, &out);
	out = *s;
	out.begin_ns = end;
	out.end_ns = 0;
	out.state = next;
	memset(out.part_ns, 0, sizeof(out.part_ns));
	call_enter(st, &out);
}

static void segment_leave(struct ph_states *st, struct ph_segment *s)
{
	uint64_t whole = s->end_ns - s->begin_ns, begin = 0, end = 0;
	enum ph_state state = s->state;

	/* Short of a gap there is one piece. */
	while (ph_unlikely(st->gaps.n) && s->begin_ns < st->gaps_end_ns && state != PH_ST_UNKNOWN &&
	       find_doubt(st, s, s->begin_ns, s->end_ns, &begin, &end)) {
		leave_piece(st, s, PH_ST_UNKNOWN, s->begin_ns, begin, whole);
		s->state = PH_ST_UNKNOWN;
		if (end < s->end_ns) {
			leave_piece(st, s, state, begin, end, 0);
			s->state = state;
			/* It may be another wait than the one before. */
			if (state == PH_ST_BLOCKED) {
				s->wait = PH_WAIT_OTHER;
				s->memcg = false;
				s->object = (struct ph_wait_object){ .fd = -1 };
			}
		}
		s->begin_ns = s->state == PH_ST_UNKNOWN ? begin : end;
		if (s->state == PH_ST_UNKNOWN) {
			s->cut = true;
			memset(s->part_ns, 0, sizeof(s->part_ns));
			break;
		}
	}
	fit_parts(s, whole);
	st->ops.leave(st->arg, s);
}

static void segment_begin(struct ph_states *st, struct task *t, enum ph_state state, uint64_t ts)
{
	const struct ph_task *who = ph_identity_task(st->id, t->seg.tid);
	struct ph_segment *s = &t->seg;

	if (who) {
		s->container = who->container;
		if (who->pid >= 0)
			s->pid = who->pid;
	}
	s->begin_ns = ts;
	s->end_ns = 0;
	s->state = state;
	s->cut = s->preempted = s->exact = false;
	memset(s->part_ns, 0, sizeof(s->part_ns));
	memset(&s->limit, 0, sizeof(s->limit));
	if (state != PH_ST_WAIT_CPU) {
		s->waker = PH_WAKER_UNKNOWN;
		s->waker_tid = s->context_tid = -1;
		s->waker_container = PH_CONTAINER_UNKNOWN;
		s->waking_ns = 0;
	}
	if (state != PH_ST_BLOCKED) {
		s->wait = PH_WAIT_OTHER;
		s->memcg = false;
		s->object = (struct ph_wait_object){ .fd = -1 };
	}
}

/* @t leaves its state at @ts; it may say what it likes of its next one before segment_enter(). */
static void segment_next(struct ph_states *st, struct task *t, enum ph_state state, uint64_t ts)
{
	struct ph_segment out = t->seg;

	if (ts < out.begin_ns)
		ts = out.begin_ns;
	out.end_ns = ts;
	queue_leave(st, t);
	segment_leave(st, &out);
	segment_begin(st, t, state, ts);
}

static void segment_enter(struct ph_states *st, struct task *t)
{
	queue_join(st, t);
	call_enter(st, &t->seg);
}

static void go(struct ph_states *st, struct task *t, enum ph_state state, uint64_t ts)
{
	segment_next(st, t, state, ts);
	segment_enter(st, t);
}

/* The same state goes on under another name or container. */
static void segment_split(struct ph_states *st, struct task *t, uint64_t ts, int32_t tid)
{
	struct ph_segment old = t->seg;

	segment_next(st, t, old.state, ts);
	t->seg.tid = tid;
	t->seg.limit = old.limit;
	t->seg.preempted = old.preempted;
	t->seg.wait = old.wait;
	t->seg.memcg = old.memcg;
	t->seg.object = old.object;
	segment_enter(st, t);
}

/* What was thought of its present state does not hold. */
static void distrust(struct ph_states *st, struct task *t)
{
	struct ph_segment out = t->seg;

	if (out.state == PH_ST_UNKNOWN)
		return;
	queue_leave(st, t);
	out.end_ns = out.begin_ns;
	out.cut = true;
	memset(out.part_ns, 0, sizeof(out.part_ns));
	st->ops.leave(st->arg, &out);
	segment_begin(st, t, PH_ST_UNKNOWN, out.begin_ns);
	segment_enter(st, t);
}

/* ---- tasks ------------------------------------------------------------------------------------------- */

static struct task *task_find(const struct ph_states *st, int32_t tid)
{
	return tid > 0 ? ph_u64map_get(&st->tasks, (uint64_t)tid) : NULL;
}

static struct task *task_new(struct ph_states *st, int32_t tid, uint64_t ts)
{
	struct task *t;

	if (tid <= 0 || tid > TID_LIMIT)
		return NULL;
	t = ph_alloc(sizeof(*t));
	t->seg.tid = tid;
	t->seg.pid = -1;
	t->seg.container = PH_CONTAINER_UNKNOWN;
	t->seg.cpu = -1;
	t->seg.syscall = -1;
	t->queue = -1;
	ph_u64map_put(&st->tasks, (uint64_t)tid, t);
	segment_begin(st, t, PH_ST_UNKNOWN, ts);
	segment_enter(st, t);
	return t;
}

/* A task that is mentioned for the first time was there before, unless it is born (on_fork). */
static struct task *task_get(struct ph_states *st, int32_t tid)
{
	struct task *t = task_find(st, tid);
	const struct ph_task *who;

	if (ph_likely(t || tid <= 0))
		return t;
	/* What is said of a task after its last switch does not bring it back. */
	who = ph_identity_task(st->id, tid);
	return who && who->exited ? NULL : task_new(st, tid, st->seen.begin_ns);
}

static void task_forget(struct ph_states *st, struct task *t)
{
	ph_vec_each(c, &st->cpus) {
		if (c->cur == t)
			c->cur = NULL;
		if (c->throttle_ends == t)
			c->throttle_ends = NULL;
	}
	queue_leave(st, t);
	ph_u64map_del(&st->tasks, (uint64_t)t->seg.tid);
	free(t);
}

static void task_end(struct ph_states *st, struct task *t, uint64_t ts)
{
	struct ph_segment out = t->seg;
	int32_t tid = out.tid;

	out.end_ns = ts > out.begin_ns ? ts : out.begin_ns;
	segment_leave(st, &out);
	task_forget(st, t);
	if (st->ops.end)
		st->ops.end(st->arg, tid, out.end_ns);
}

static bool is_frozen(const struct ph_states *st, const struct task *t)
{
	for (size_t i = 0; i < st->frozen.n; i++)
		if (st->frozen.v[i] == t->seg.container)
			return true;
	return false;
}

/* ---- CPUs ---------------------------------------------------------------------------------------------- */

static struct cpu *cpu_get(struct ph_states *st, uint32_t cpu)
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

/* The time since the last change of mode belongs to what the CPU did until now. */
static void divide(struct cpu *c, uint64_t ts)
{
	if (c->cur && c->cur->seg.state == PH_ST_RUNNING && ts > c->mark_ns)
		c->cur->seg.part_ns[part_now(c)] += ts - c->mark_ns;
	c->mark_ns = ts;
}

static void call_ran(struct ph_states *st, const struct cpu *c, int32_t tid, uint64_t begin, uint64_t end)
{
	if (st->ops.ran && begin < end)
		st->ops.ran(st->arg, (uint32_t)(c - st->cpus.v), tid,
			    tid < 0 ? PH_CONTAINER_UNKNOWN : c->container, begin, end);
}

static void settle_throttle(struct ph_states *st, struct cpu *c);

/* What ran on @c does so no more, and when it stopped was not recorded: later than its last event. */
static void lose_current(struct ph_states *st, struct cpu *c, uint64_t ts)
{
	uint64_t last = c->last_ns > c->since_ns ? c->last_ns : c->since_ns;
	struct task *t = c->cur;

	settle_throttle(st, c);
	if (last < c->mark_ns)
		last = c->mark_ns;
	if (t && t->seg.state == PH_ST_RUNNING) {
		divide(c, last);
		go(st, t, PH_ST_UNKNOWN, last);
	}
	call_ran(st, c, c->tid, c->since_ns, last);
	call_ran(st, c, -1, last, ts);
	c->cur = NULL;
	c->tid = -1;
	c->since_ns = c->mark_ns = ts;
	c->depth = 0;
	if (st->ops.runs)
		st->ops.runs(st->arg, (uint32_t)(c - st->cpus.v), -1, ts);
}

/* @t comes onto @c, and was not seen to leave another CPU. */
static void leave_other(struct ph_states *st, const struct task *t, const struct cpu *c, uint64_t ts)
{
	if (ph_likely(t->seg.state != PH_ST_RUNNING && !t->ran_again_ns))
		return;
	ph_vec_each(other, &st->cpus)
		if (other->cur == t && other != c)
			lose_current(st, other, ts);
}

static void set_current(struct ph_states *st, struct cpu *c, struct task *t, int32_t tid, uint64_t ts)
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

/* Containers and cgroups become known, or change, while a state lasts. */
static void on_attach(struct ph_states *st, struct task *t, uint64_t ts)
{
	const struct ph_task *who = ph_identity_task(st->id, t->seg.tid);

	if (!who || who->container == t->seg.container || t->ran_again_ns)
		return;
	ph_vec_each(c, &st->cpus) {
		if (c->cur != t)
			continue;
		divide(c, ts);
		call_ran(st, c, c->tid, c->since_ns, ts);
		c->since_ns = ts;
		c->container = who->container;
	}
	segment_split(st, t, ts, t->seg.tid);
}

/* An event in the context of @tid on @c: so that is what runs there, whatever we knew. */
static struct task *running(struct ph_states *st, struct cpu *c, int32_t tid, uint64_t ts)
{
	struct task *t;

	if (ph_likely(c->tid == tid || tid < 0)) {
		c->last_ns = ts;
		if (ph_unlikely(c->cur && c->cur->seg.container == PH_CONTAINER_UNKNOWN))
			on_attach(st, c->cur, ts);
		return c->cur;
	}
	if (c->tid >= 0) {
		st->seen.holes += ts >= st->gaps_end_ns;
		lose_current(st, c, ts);
	} else {
		call_ran(st, c, -1, c->since_ns, ts);
	}
	t = task_get(st, tid);
	if (t) {
		leave_other(st, t, c, ts);
		distrust(st, t);
		t->seg.cpu = (int32_t)(c - st->cpus.v);
		go(st, t, PH_ST_RUNNING, ts);
	}
	set_current(st, c, t, tid, ts);
	return t;
}

/* ---- throttling ------------------------------------------------------------------------------------ */

static struct cpu *cpu_or_null(struct ph_states *st, int32_t cpu)
{
	return cpu >= 0 && (size_t)cpu < st->cpus.n ? &st->cpus.v[cpu] : NULL;
}

/*
 * @t, which has left its last state, is runnable in the queue of seg.cpu: throttled, if a limit keeps it off
 * there. Where tasks are throttled one by one (Linux 6.18) that is told of each, and one that is @let_go by a
 * limit may be kept by another.
 */
static void queued(struct ph_states *st, struct task *t, bool let_go)
{
	const struct cpu *c = cpu_or_null(st, t->seg.cpu);

	if (c && ph_unlikely(c->outages.v.n) &&
	    ph_outage_over(&c->outages, st->cgroups, t->seg.cgroup_id, !let_go, &t->seg.limit))
		t->seg.state = PH_ST_THROTTLED;
	segment_enter(st, t);
}

/* From @ts on @t waits in the queue of @cpu. */
static void wait_from(struct ph_states *st, struct task *t, int32_t cpu, uint64_t ts)
{
	bool preempted = t->seg.state == PH_ST_WAIT_CPU && t->seg.preempted;

	segment_next(st, t, PH_ST_WAIT_CPU, ts);
	t->seg.cpu = cpu;
	t->seg.preempted = preempted;
	queued(st, t, false);
}

/*
 * A throttled task runs again since t->ran_again_ns, and no refill of its limit was seen: of the span,
 * @throttled_ns were throttled, where that is told, the rest it waited for the CPU.
 */
static void end_throttle(struct ph_states *st, struct cpu *c, struct task *t, uint64_t throttled_ns,
			 bool exact)
{
	uint64_t again = t->ran_again_ns, at = t->seg.begin_ns;

	t->ran_again_ns = 0;
	c->throttle_ends = NULL;
	st->seen.inexact += !exact;
	t->seg.exact = exact;
	if (throttled_ns < again - at) {
		segment_next(st, t, PH_ST_WAIT_CPU, at + throttled_ns);
		t->seg.cpu = (int32_t)(c - st->cpus.v);
		segment_enter(st, t);
	}
	segment_next(st, t, PH_ST_RUNNING, again);
	t->seg.cpu = (int32_t)(c - st->cpus.v);
	segment_enter(st, t);
}

/* The limit of @o, which is out on @c, is so no more. */
static void outage_end(struct ph_states *st, struct cpu *c, struct ph_outage *o, uint64_t ts)
{
	struct ph_outage was = *o;

	*o = c->outages.v.v[--c->outages.v.n];
	if (ts < was.begin_ns)
		ts = was.begin_ns;
	if (st->ops.out)
		st->ops.out(st->arg, &was.limit, (uint32_t)(c - st->cpus.v), was.begin_ns, ts);
	/* Who leaves the queue here comes back to its end. */
	for (size_t i = c->queue.n; i-- > 0; ) {
		struct task *t = c->queue.v[i];

		if (t->seg.state != PH_ST_THROTTLED || t->seg.limit.cgroup_id != was.limit.cgroup_id ||
		    t->ran_again_ns)
			continue;
		t->seg.exact = true;
		segment_next(st, t, PH_ST_WAIT_CPU, ts);
		queued(st, t, true);
	}
}

/* Where groups are throttled as a whole, none is out whose task comes onto the CPU: the refill was not seen. */
static void refute_outages(struct ph_states *st, struct cpu *c, const struct task *t, uint64_t ts)
{
	struct ph_limit by;

	while (ph_outage_over(&c->outages, st->cgroups, t->seg.cgroup_id, true, &by))
		outage_end(st, c, ph_outage_of(&c->outages, by.cgroup_id), ts);
}

static void on_limit_begin(struct ph_states *st, const struct ph_event *ev)
{
	struct cpu *c = cpu_get(st, (uint32_t)U(sched_limit_begin, on_cpu, CPU_LIMIT));
	struct ph_outage *o, new = {
		.limit = {
			.cgroup_id = U(sched_limit_begin, cgroup_id, 0),
			.quota_ns = U(sched_limit_begin, quota_ns, 0),
			.period_ns = U(sched_limit_begin, period_ns, 0),
		},
		.begin_ns = U(sched_limit_begin, begin_ns, ev->ts_ns),
		.whole = U(sched_limit_begin, whole, 0),
	};

	if (!c)
		return;
	if (new.begin_ns > ev->ts_ns)
		new.begin_ns = ev->ts_ns;
	/* The end was lost: when it was is not known. */
	o = ph_outage_of(&c->outages, new.limit.cgroup_id);
	if (o)
		outage_end(st, c, o, o->begin_ns);
	*ph_vec_push(&c->outages.v) = new;
	for (size_t i = c->queue.n; new.whole && i-- > 0; ) {
		struct task *t = c->queue.v[i];
		struct ph_limit by;

		if (t->seg.state == PH_ST_WAIT_CPU &&
		    ph_outage_over(&c->outages, st->cgroups, t->seg.cgroup_id, true, &by))
			wait_from(st, t, t->seg.cpu, new.begin_ns);
	}
}

static void on_limit_end(struct ph_states *st, const struct ph_event *ev)
{
	struct cpu *c = cpu_get(st, (uint32_t)U(sched_limit_end, on_cpu, CPU_LIMIT));
	struct ph_outage *o = c ? ph_outage_of(&c->outages, U(sched_limit_end, cgroup_id, 0)) : NULL;
	uint64_t end = U(sched_limit_end, begin_ns, 0) + U(sched_limit_end, throttled_ns, 0);

	if (o)
		outage_end(st, c, o, end && end < ev->ts_ns ? end : ev->ts_ns);
}

/* It is removed: it has no tasks any more, and no refill will be told. */
static void on_limit_gone(struct ph_states *st, const struct ph_event *ev)
{
	if (I32(cgroup_rmdir, hierarchy) != ph_cgtree_cpu_hierarchy(st->cgroups))
		return;
	ph_vec_each(c, &st->cpus) {
		struct ph_outage *o = ph_outage_of(&c->outages, U(cgroup_rmdir, id, 0));

		if (o)
			outage_end(st, c, o, ev->ts_ns);
	}
}

static void settle_throttle(struct ph_states *st, struct cpu *c)
{
	if (ph_unlikely(c->throttle_ends))
		end_throttle(st, c, c->throttle_ends, UINT64_MAX, false);
}

static void on_throttle_begin(struct ph_states *st, const struct ph_event *ev)
{
	struct task *t = task_get(st, I32(sched_throttle_begin, tid));

	st->seen.throttles++;
	if (!t)
		return;
	t->will_throttle = true;
	t->seg.cgroup_id = U(sched_throttle_begin, cgroup_id, 0);
	t->limit = (struct ph_limit){
		.cgroup_id = U(sched_throttle_begin, limit_cgroup_id, 0),
		.level = (uint32_t)U(sched_throttle_begin, limit_level, 0),
		.quota_ns = U(sched_throttle_begin, quota_ns, 0),
		.period_ns = U(sched_throttle_begin, period_ns, 0),
	};
}

static void on_throttle_end(struct ph_states *st, struct cpu *c, const struct ph_event *ev)
{
	struct task *t = c->throttle_ends;
	uint64_t span, early;

	if (!t || t->seg.tid != I32(sched_throttle_end, tid)) {
		settle_throttle(st, c);
		return;
	}
	/* The span began with sched_throttle_begin, a moment before the switch. */
	span = U(sched_throttle_end, throttled_ns, UINT64_MAX);
	early = t->seg.begin_ns - U(sched_throttle_end, begin_ns, t->seg.begin_ns);
	if (span != UINT64_MAX && early < BEGIN_EARLY_NS && early < span)
		span -= early;
	end_throttle(st, c, t, span, U(sched_throttle_end, exact, 0));
}

/* ---- switches -------------------------------------------------------------------------------------- */

/* A task that slept is awake since its sched_wakeup, or sched_waking where that is all there is. */
static void wake(struct ph_states *st, struct task *t, uint64_t ts)
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
	segment_next(st, t, PH_ST_WAIT_CPU, ts);
	queued(st, t, false);
}

static bool asleep(const struct task *t)
{
	return t->seg.state == PH_ST_BLOCKED || t->seg.state == PH_ST_STOPPED || t->seg.state == PH_ST_FROZEN;
}

static void switch_in(struct ph_states *st, struct cpu *c, struct task *t, uint64_t ts)
{
	int32_t cpu = (int32_t)(c - st->cpus.v);

	leave_other(st, t, c, ts);
	if (ph_unlikely(c->outages.v.n))
		refute_outages(st, c, t, ts);
	if (t->seg.state == PH_ST_THROTTLED) {
		t->ran_again_ns = ts;
		c->throttle_ends = t;
		return;
	}
	if (asleep(t)) {
		if (t->waking_ns)
			wake(st, t, t->waking_ns);
		else if (st->seen.wakings + st->seen.wakeups && t->seg.state == PH_ST_BLOCKED)
			distrust(st, t);	/* its wake-up is missing */
	}
	t->waking_ns = 0;
	segment_next(st, t, PH_ST_RUNNING, ts);
	t->seg.cpu = cpu;
	/* When the call ends is told only where calls are recorded. */
	if (!t->nr_known)
		t->seg.syscall = -1;
	segment_enter(st, t);
}

static void block(struct ph_states *st, struct task *t, uint64_t state, uint64_t ts)
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
	segment_next(st, t, PH_ST_BLOCKED, ts);
	t->seg.wait = ph_block_reason(&b);
	t->seg.memcg = t->seg.wait == PH_WAIT_RECLAIM && t->reclaim_memcg;
	t->seg.object = b.object;
	if (b.told) {
		t->seg.syscall = b.nr;
		t->seg.compat = b.compat;
	}
	if ((t->seg.wait == PH_WAIT_DISK || t->seg.wait == PH_WAIT_FAULT) && t->rq_dev)
		t->seg.object.dev = t->rq_dev;
	segment_enter(st, t);
}

static void take_address(uint8_t to[16], const struct ph_value *v)
{
	if (v)
		memcpy(to, v->s, v->n < 16 ? v->n : 16);
}

/* The recorder says why the task, which is about to leave its CPU, will wait. */
static void on_block(struct ph_states *st, const struct ph_event *ev)
{
	struct task *t = task_get(st, I32(sched_block, tid));
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
		task_end(st, t, ts);
		return;
	}
	if (t->will_throttle && !reported) {
		segment_next(st, t, PH_ST_THROTTLED, ts);
		t->seg.limit = t->limit;
		segment_enter(st, t);
	} else if (is_frozen(st, t) || (reported && t->block.freezer)) {
		t->frozen_asleep = reported != 0;
		go(st, t, PH_ST_FROZEN, ts);
	} else if (!reported) {
		segment_next(st, t, PH_ST_WAIT_CPU, ts);
		t->seg.preempted = true;
		queued(st, t, false);
	} else if (reported & STATE_STOPPED) {
		go(st, t, PH_ST_STOPPED, ts);
	} else {
		block(st, t, reported, ts);
	}
	t->will_throttle = false;
	/* Who is woken before it sleeps gets a sched_wakeup afterwards, or never slept. */
	if (!st->seen.wakeups)
		t->waking_ns = 0;
}

static void on_switch(struct ph_states *st, struct cpu *c, const struct ph_event *ev)
{
	int32_t prev_tid = I32(sched_switch, prev_tid), next_tid = I32(sched_switch, next_tid);
	uint64_t ts = ev->ts_ns;
	struct task *prev, *next;

	st->seen.switches++;
	settle_throttle(st, c);
	c->depth = 0;	/* no interrupt lasts across a switch */
	if (c->tid != prev_tid) {
		/* The switch to it was not recorded. Since when it runs is not known. */
		if (c->tid >= 0) {
			st->seen.holes += ts >= st->gaps_end_ns;
			lose_current(st, c, ts);
		} else {
			call_ran(st, c, -1, c->since_ns, ts);
		}
		prev = task_get(st, prev_tid);
		if (prev) {
			leave_other(st, prev, c, ts);
			distrust(st, prev);
			prev->seg.cpu = (int32_t)(c - st->cpus.v);
		}
	} else {
		prev = c->cur;
		divide(c, ts);
		call_ran(st, c, prev_tid, c->since_ns, ts);
	}
	c->cur = NULL;
	if (prev)
		switch_out(st, prev, (uint64_t)ph_event_i(ev, PH_FLD(sched_switch, prev_state), 0), ts);
	next = task_get(st, next_tid);
	if (next)
		switch_in(st, c, next, ts);
	set_current(st, c, next, next_tid, ts);
}

/* ---- wake-ups -------------------------------------------------------------------------------------- */

static enum ph_waker waker_of(const struct ph_states *st, const struct cpu *c, int32_t tid)
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

static void on_waking(struct ph_states *st, struct cpu *c, const struct ph_event *ev)
{
	struct task *t = task_get(st, I32(sched_waking, tid));

	st->seen.wakings++;
	if (!t)
		return;
	t->waking_ns = ev->ts_ns;
	t->waker = waker_of(st, c, c->tid);
	t->context_tid = c->tid;
	t->waker_tid = t->waker == PH_WAKER_TASK ? c->tid : -1;
	t->waker_container = t->waker == PH_WAKER_TASK ? ev->container : PH_CONTAINER_UNKNOWN;
}

/* It waits on in another CPU's queue, or is moved there while it is throttled. */
static void wait_elsewhere(struct ph_states *st, struct task *t, int32_t cpu, uint64_t ts)
{
	bool throttled = t->seg.state == PH_ST_THROTTLED;
	struct cpu *c = cpu_or_null(st, t->seg.cpu);

	if (t->seg.cpu == cpu || cpu < 0 || t->ran_again_ns)
		return;
	/* Where no refills are told, how long it was throttled is said when it runs. */
	if (throttled && !(c && ph_outage_of(&c->outages, t->seg.limit.cgroup_id)))
		return;
	cpu_get(st, (uint32_t)cpu);
	if (!throttled) {
		wait_from(st, t, cpu, ts);
		return;
	}
	t->seg.exact = true;
	segment_next(st, t, PH_ST_WAIT_CPU, ts);
	t->seg.cpu = cpu;
	queued(st, t, true);
}

static void on_wakeup(struct ph_states *st, struct cpu *c, const struct ph_event *ev, bool fresh)
{
	struct task *t = task_get(st, I32(sched_wakeup, tid));
	int32_t cpu = I32(sched_wakeup, target_cpu);

	st->seen.wakeups++;
	if (!t)
		return;
	/* Without sched_waking this is all; it may come in the target's interrupt. */
	if (!t->waking_ns) {
		t->waker = fresh ? PH_WAKER_TASK : st->seen.wakings ? PH_WAKER_UNKNOWN : waker_of(st, c, c->tid);
		t->context_tid = c->tid;
		t->waker_tid = t->waker == PH_WAKER_TASK ? c->tid : -1;
		t->waker_container = t->waker == PH_WAKER_TASK ? ev->container : PH_CONTAINER_UNKNOWN;
	}
	if (asleep(t) || t->seg.state == PH_ST_UNKNOWN) {
		if (cpu >= 0)
			t->seg.cpu = cpu;
		wake(st, t, ev->ts_ns);
	} else if (t->seg.state == PH_ST_WAIT_CPU) {
		wait_elsewhere(st, t, cpu, ev->ts_ns);
	}
	t->waking_ns = 0;
}

static void on_migrate(struct ph_states *st, const struct ph_event *ev)
{
	struct task *t = task_get(st, I32(sched_migrate_task, tid));
	int32_t to = I32(sched_migrate_task, dest_cpu);

	if (!t || to < 0)
		return;
	if (is_queued(t))
		wait_elsewhere(st, t, to, ev->ts_ns);
	else if (t->seg.state != PH_ST_RUNNING)
		t->seg.cpu = to;
}

/* ---- the life of tasks -------------------------------------------------------------------------- */

/* Into another cgroup, of the cpu controller's. */
static void on_move(struct ph_states *st, struct task *t, uint64_t cgroup_id, uint64_t ts)
{
	bool throttled = t->seg.state == PH_ST_THROTTLED, preempted = t->seg.preempted;
	const struct cpu *c = cpu_or_null(st, t->seg.cpu);

	t->seg.cgroup_id = cgroup_id;
	if (!is_queued(t) || t->ran_again_ns || !c || !c->outages.v.n)
		return;
	segment_next(st, t, PH_ST_WAIT_CPU, ts);
	t->seg.preempted = preempted && !throttled;
	queued(st, t, throttled);
}

static void on_fork(struct ph_states *st, const struct ph_event *ev)
{
	int32_t tid = I32(sched_process_fork, child_tid), parent_tid = I32(sched_process_fork, parent_tid);
	struct task *t = task_find(st, tid), *parent = task_get(st, parent_tid);

	/* Whoever had that number has ended, unseen. */
	if (t) {
		if (t == parent)
			return;
		distrust(st, t);
		task_end(st, t, ev->ts_ns);
	}
	t = task_new(st, tid, ev->ts_ns);
	if (!t)
		return;
	t->seg.pid = I32(sched_process_fork, child_pid);
	t->seg.kthread = parent_tid == 2 || (parent && parent->seg.kthread);
	t->seg.cgroup_id = parent ? parent->seg.cgroup_id : 0;
	/* Until its parent has made it and wakes it. */
	go(st, t, PH_ST_BLOCKED, ev->ts_ns);
}

static void on_exec(struct ph_states *st, const struct ph_event *ev, struct cpu *c)
{
	int32_t tid = I32(sched_process_exec, tid), old = I32(sched_process_exec, old_tid);
	struct task *me = task_find(st, old), *leader;

	me = me ? me : task_find(st, tid);
	if (me)
		me->seg.kthread = false;
	if (!me || tid <= 0 || tid > TID_LIMIT || me->seg.tid == tid)
		return;
	/* A thread takes the tid of its leader, which is dead. */
	leader = task_find(st, tid);
	if (leader)
		task_end(st, leader, ev->ts_ns);
	ph_u64map_del(&st->tasks, (uint64_t)old);
	ph_u64map_put(&st->tasks, (uint64_t)tid, me);
	if (c->cur == me) {
		divide(c, ev->ts_ns);
		c->tid = tid;
	}
	segment_split(st, me, ev->ts_ns, tid);
}

static void on_task_exit(struct ph_states *st, const struct ph_event *ev, struct cpu *c)
{
	struct task *t = task_find(st, I32(sched_process_exit, tid));

	if (!t)
		return;
	if (c->cur == t)
		divide(c, ev->ts_ns);
	t->exiting = true;
}

static void on_free(struct ph_states *st, const struct ph_event *ev)
{
	struct task *t = task_find(st, I32(sched_process_free, tid));

	/* Its last switch was lost. (The tid may have been given away: only who has exited ends.) */
	if (!t || !t->exiting)
		return;
	distrust(st, t);
	task_end(st, t, ev->ts_ns);
}

/* Runnable, which with some recorders may mean that it runs: only if a limit is out it does not. */
static void on_dump_runnable(struct ph_states *st, struct task *t, uint32_t cpu, uint64_t ts)
{
	struct cpu *c = cpu_get(st, cpu);
	struct ph_limit by;

	if (!c || !ph_outage_over(&c->outages, st->cgroups, t->seg.cgroup_id, false, &by))
		return;
	segment_next(st, t, PH_ST_THROTTLED, ts);
	t->seg.cpu = (int32_t)cpu;
	t->seg.limit = by;
	segment_enter(st, t);
}

static void on_dump_state(struct ph_states *st, const struct ph_event *ev)
{
	int32_t tid = I32(lttng_statedump_process_state, tid);
	int32_t status = I32(lttng_statedump_process_state, status);
	struct task *t = task_find(st, tid);
	struct cpu *c;

	if (tid <= 0 || status == 4 || status == 7 || status == 3)
		return;
	t = t ? t : task_get(st, tid);
	if (!t)
		return;
	if (U(lttng_statedump_process_state, type, 0) == 1)
		t->seg.kthread = true;
	if (!t->seg.cgroup_id)
		t->seg.cgroup_id = U(lttng_statedump_process_state, cgroup_id, 0);
	if (t->seg.syscall < 0 && t->mode == MODE_UNKNOWN) {
		t->seg.syscall = I32(lttng_statedump_process_state, syscall);
		if (t->seg.syscall >= 0)
			t->mode = MODE_KERNEL;
	}
	if (t->seg.state != PH_ST_UNKNOWN) {
		on_attach(st, t, ev->ts_ns);
	} else if (status == 5) {
		block(st, t, STATE_INTERRUPTIBLE, ev->ts_ns);
	} else if (status == 2) {
		on_dump_runnable(st, t, (uint32_t)U(lttng_statedump_process_state, cpu, CPU_LIMIT), ev->ts_ns);
	} else if (status == 6) {
		c = cpu_get(st, (uint32_t)U(lttng_statedump_process_state, cpu, CPU_LIMIT));
		if (c && c->tid < 0)
			running(st, c, tid, ev->ts_ns);
	}
}

/* ---- freezing ---------------------------------------------------------------------------------------- */

static void freeze(struct ph_states *st, uint32_t container, uint64_t ts)
{
	if (container == PH_CONTAINER_UNKNOWN)
		return;
	for (size_t i = 0; i < st->frozen.n; i++)
		if (st->frozen.v[i] == container)
			return;
	*ph_vec_push(&st->frozen) = container;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&st->tasks, s)); ) {
		struct task *t = s->val;

		if (t->seg.container != container || t->seg.state != PH_ST_BLOCKED)
			continue;
		t->frozen_asleep = true;
		go(st, t, PH_ST_FROZEN, ts);
	}
}

static void thaw(struct ph_states *st, uint32_t container, uint64_t ts)
{
	size_t n = 0;

	for (size_t i = 0; i < st->frozen.n; i++)
		if (st->frozen.v[i] != container)
			st->frozen.v[n++] = st->frozen.v[i];
	if (n == st->frozen.n)
		return;
	st->frozen.n = n;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&st->tasks, s)); ) {
		struct task *t = s->val;

		if (t->seg.container != container || t->seg.state != PH_ST_FROZEN)
			continue;
		if (t->frozen_asleep)
			block(st, t, STATE_INTERRUPTIBLE, ts);
		else
			go(st, t, PH_ST_WAIT_CPU, ts);
	}
}

/* Of cgroup v2; a group above containers freezes all of them. */
static void on_cgroup_freeze(struct ph_states *st, const struct ph_event *ev, bool frozen)
{
	const struct ph_value *path = ph_event_field(ev, PH_FLD(cgroup_freeze, path));
	int32_t hierarchy = I32(cgroup_freeze, hierarchy);
	const struct ph_container *k;

	if (!path || (path->n == 1 && path->s[0] == '/'))
		return;
	for (size_t i = 1; (k = ph_identity_nth(st->id, i)); i++) {
		if (!k->cgroup_path || k->hierarchy != hierarchy ||
		    strncmp(k->cgroup_path, path->s, path->n) ||
		    (k->cgroup_path[path->n] && k->cgroup_path[path->n] != '/'))
			continue;
		if (frozen)
			freeze(st, k->index, ev->ts_ns);
		else
			thaw(st, k->index, ev->ts_ns);
	}
}

/* ---- interrupts ------------------------------------------------------------------------------------ */

static void push(struct ph_states *st, struct cpu *c, enum frame_kind kind, uint32_t nr, uint64_t ts)
{
	st->seen.irqs++;
	divide(c, ts);
	if (c->depth == STACK_MAX)
		c->depth = 0;	/* exits were lost: nothing nests this deep */
	c->stack[c->depth++] = (struct frame){ .kind = kind, .nr = nr };
}

static void pop(struct cpu *c, enum frame_kind kind, uint64_t ts)
{
	unsigned int i = c->depth;

	divide(c, ts);
	while (i > 0 && c->stack[i - 1].kind != kind)
		i--;
	if (i > 0)
		c->depth = i - 1;
}

/* ---- system calls ------------------------------------------------------------------------------------ */

static void on_syscall(struct ph_states *st, struct cpu *c, struct task *t, const struct ph_event *ev)
{
	bool entry = ev->cls->id < PH_EV_SYSCALL_EXIT || (ev->cls->id >= PH_EV_COMPAT_ENTRY &&
							  ev->cls->id < PH_EV_COMPAT_EXIT);

	st->seen.syscalls++;
	if (!t)
		return;
	divide(c, ev->ts_ns);
	t->nr_known = true;
	t->rq_dev = 0;
	t->reclaim = false;
	t->mode = entry ? MODE_KERNEL : MODE_USER;
	t->seg.syscall = entry ? ev->cls->syscall_nr : -1;
	t->seg.compat = ev->cls->id >= PH_EV_COMPAT_ENTRY;
}

/* ---- steal ------------------------------------------------------------------------------------------- */

/* The hypervisor had the CPU for so long since its last switch: of what ran, in proportion. */
static void on_steal(struct ph_states *st, struct cpu *c, const struct ph_event *ev)
{
	static const enum ph_part parts[] = { PH_PART_USER, PH_PART_KERNEL, PH_PART_IRQ, PH_PART_MODELESS };
	uint64_t ns = U(cpu_steal, steal_ns, 0), ran = 0, taken = 0;
	struct task *t = c->cur;

	st->seen.steals++;
	if (!t || t->seg.state != PH_ST_RUNNING)
		return;
	divide(c, ev->ts_ns);
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

/* ---- the rest ------------------------------------------------------------------------------------------ */

static void on_gap(struct ph_states *st, const struct ph_event *ev)
{
	uint32_t cpu = (uint32_t)U(events_discarded, gap_cpu, ev->cpu);
	uint64_t begin = U(events_discarded, begin_ns, ev->ts_ns), end = U(events_discarded, end_ns, ev->ts_ns);
	struct cpu *c = cpu_get(st, cpu);

	st->seen.gaps++;
	st->seen.lost += U(events_discarded, count, 0);
	if (begin > ev->ts_ns)
		begin = ev->ts_ns;
	if (end < ev->ts_ns)
		end = ev->ts_ns;
	/* Refills may be among what was lost. */
	ph_vec_each(it, &st->cpus)
		while (it->outages.v.n)
			outage_end(st, it, it->outages.v.v, begin);
	if (c) {
		divide(c, ev->ts_ns);
		c->depth = 0;
	}
	if (begin == end)
		end++;
	st->seen.gap_ns += end - begin;
	for (size_t i = st->gaps.n; i-- > 0; ) {
		struct gap *g = &st->gaps.v[i];

		if (g->cpu != cpu || g->end_ns < begin)
			continue;
		if (g->end_ns < end)
			g->end_ns = end;
		if (g->begin_ns > begin)
			g->begin_ns = begin;
		end = 0;
		break;
	}
	if (end)
		*ph_vec_push(&st->gaps) = (struct gap){ begin, end, cpu };
	end = U(events_discarded, end_ns, ev->ts_ns);
	if (end < ev->ts_ns + 1)
		end = ev->ts_ns + 1;
	if (st->gaps_end_ns < end)
		st->gaps_end_ns = end;
}

static void set_frame_disk(struct cpu *c)
{
	for (unsigned int i = 0; i < c->depth; i++)
		c->stack[i].disk = true;
}

/* Events that only say something of the task that runs, or of its interrupts. */
static void on_context_event(struct ph_states *st, struct cpu *c, struct task *t, const struct ph_event *ev)
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
	}
}

static void on_event(struct ph_states *st, struct cpu *c, struct task *t, const struct ph_event *ev)
{
	struct task *who;

	switch (ev->cls->id) {
	case PH_EV_sched_waking:
		on_waking(st, c, ev);
		break;
	case PH_EV_sched_wakeup:
		on_wakeup(st, c, ev, false);
		break;
	case PH_EV_sched_wakeup_new:
		on_wakeup(st, c, ev, true);
		break;
	case PH_EV_sched_migrate_task:
		on_migrate(st, ev);
		break;
	case PH_EV_sched_throttle_begin:
		on_throttle_begin(st, ev);
		break;
	case PH_EV_sched_limit_begin:
		on_limit_begin(st, ev);
		break;
	case PH_EV_sched_limit_end:
		on_limit_end(st, ev);
		break;
	case PH_EV_cpu_steal:
		on_steal(st, c, ev);
		break;
	case PH_EV_sched_block:
		on_block(st, ev);
		break;
	case PH_EV_sched_process_fork:
		on_fork(st, ev);
		break;
	case PH_EV_sched_process_exec:
		on_exec(st, ev, c);
		break;
	case PH_EV_sched_process_exit:
		on_task_exit(st, ev, c);
		break;
	case PH_EV_sched_process_free:
		on_free(st, ev);
		break;
	case PH_EV_lttng_statedump_process_state:
		on_dump_state(st, ev);
		break;
	case PH_EV_cgroup_attach_task:
		who = task_find(st, I32(cgroup_attach_task, tid));
		if (!who)
			break;
		on_attach(st, who, ev->ts_ns);
		if (I32(cgroup_attach_task, hierarchy) == ph_cgtree_cpu_hierarchy(st->cgroups))
			on_move(st, who, U(cgroup_attach_task, id, 0), ev->ts_ns);
		break;
	case PH_EV_cgroup_rmdir:
		on_limit_gone(st, ev);
		break;
	case PH_EV_cgroup_freeze:
		on_cgroup_freeze(st, ev, true);
		break;
	case PH_EV_cgroup_unfreeze:
		on_cgroup_freeze(st, ev, false);
		break;
	case PH_EV_container_pause:
		freeze(st, (uint32_t)U(container_pause, index, PH_CONTAINER_UNKNOWN), ev->ts_ns);
		break;
	case PH_EV_container_unpause:
		thaw(st, (uint32_t)U(container_unpause, index, PH_CONTAINER_UNKNOWN), ev->ts_ns);
		break;
	default:
		on_context_event(st, c, t, ev);
	}
}

/* Written by the kernel in the context of the task that runs, whose tid it carries? */
static bool in_context(const struct ph_class *cls)
{
	switch (cls->group) {
	case PH_GROUP_STATEDUMP:
	case PH_GROUP_CONTAINER:
	case PH_GROUP_META:
		return false;
	default:
		return cls->id != PH_EV_sched_process_exec;	/* has the new tid already */
	}
}

static bool trusted(struct ph_states *st, const struct ph_class *cls)
{
	if (ph_likely(st->trusted[cls->id] == cls))
		return true;
	if (!ph_class_like_ours(cls))
		return false;
	st->trusted[cls->id] = cls;
	return true;
}

void ph_states_feed(struct ph_states *st, const struct ph_event *ev)
{
	uint32_t id = ev->cls->id;
	struct task *t = NULL;
	struct cpu *c;

	if (ph_unlikely(!st->begun)) {
		st->begun = true;
		st->seen.begin_ns = ev->ts_ns;
	}
	st->seen.events++;
	st->seen.end_ns = ev->ts_ns;
	if (id >= PH_EV_SYSCALL_ENTRY) {
		c = cpu_get(st, ev->cpu);
		if (!c)
			return;
		settle_throttle(st, c);
		on_syscall(st, c, running(st, c, ev->tid, ev->ts_ns), ev);
		return;
	}
	if (id == PH_EV_UNKNOWN || id >= PH_EV_STATIC_MAX || ph_unlikely(!trusted(st, ev->cls)))
		return;
	if (id == PH_EV_events_discarded) {
		on_gap(st, ev);
		return;
	}
	if (ev->cls->group == PH_GROUP_STATEDUMP || ev->cls->group == PH_GROUP_CGROUP)
		ph_cgtree_feed(st->cgroups, ev);
	if (ev->cls->group == PH_GROUP_STATEDUMP && id != PH_EV_lttng_statedump_process_state)
		return;
	c = cpu_get(st, ev->cpu);
	if (!c)
		return;
	if (id == PH_EV_sched_switch) {
		on_switch(st, c, ev);
		return;
	}
	if (id == PH_EV_sched_throttle_end) {
		on_throttle_end(st, c, ev);
		return;
	}
	if (in_context(ev->cls)) {
		settle_throttle(st, c);
		t = running(st, c, ev->tid, ev->ts_ns);
	} else if (id == PH_EV_sched_process_exec) {
		settle_throttle(st, c);
	}
	on_event(st, c, t, ev);
}

/* ---- the whole ------------------------------------------------------------------------------------- */

struct ph_states *ph_states_new(const struct ph_identity *id, const struct ph_states_ops *ops, void *arg)
{
	struct ph_states *st = ph_alloc(sizeof(*st));

	st->id = id;
	st->ops = *ops;
	st->arg = arg;
	st->cgroups = ph_cgtree_new();
	return st;
}

static int by_tid(const void *pa, const void *pb)
{
	const struct task *a = *(struct task *const *)pa, *b = *(struct task *const *)pb;

	return a->seg.tid < b->seg.tid ? -1 : 1;
}

void ph_states_finish(struct ph_states *st, uint64_t end_ns)
{
	PH_VEC(struct task *) all = { 0 };

	if (st->done)
		return;
	st->done = true;
	if (end_ns < st->seen.end_ns)
		end_ns = st->seen.end_ns;
	st->seen.end_ns = end_ns;
	ph_vec_each(c, &st->cpus) {
		settle_throttle(st, c);
		divide(c, end_ns);
		for (size_t i = 0; st->ops.out && i < c->outages.v.n; i++)
			st->ops.out(st->arg, &c->outages.v.v[i].limit, (uint32_t)(c - st->cpus.v), c->outages.v.v[i].begin_ns,
				    end_ns);
		if (!c->seen)
			continue;
		call_ran(st, c, c->tid, c->since_ns, end_ns);
		st->seen.cpus = (uint32_t)(c - st->cpus.v) + 1;
	}
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&st->tasks, s)); )
		*ph_vec_push(&all) = s->val;
	/* In an order that does not depend on the table's. */
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_tid);
	ph_vec_each(t, &all) {
		struct ph_segment out = (*t)->seg;

		out.end_ns = end_ns;
		out.cut = true;
		segment_leave(st, &out);
	}
	ph_vec_done(&all);
}

void ph_states_free(struct ph_states *st)
{
	if (!st)
		return;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&st->tasks, s)); )
		free(s->val);
	ph_vec_each(c, &st->cpus) {
		ph_vec_done(&c->outages.v);
		ph_vec_done(&c->queue);
	}
	ph_u64map_done(&st->tasks);
	ph_vec_done(&st->cpus);
	ph_vec_done(&st->gaps);
	ph_vec_done(&st->frozen);
	ph_cgtree_free(st->cgroups);
	free(st);
}

struct ph_cgtree *ph_states_cgroups(struct ph_states *st)
{
	return st->cgroups;
}

void ph_states_seen(const struct ph_states *st, struct ph_states_seen *ret)
{
	*ret = st->seen;
}

const char *ph_state_name(enum ph_state s)
{
	static const char *const names[PH_ST_MAX] = {
		"unknown", "running", "throttled", "waiting for a CPU", "frozen", "stopped", "blocked",
	};

	return s < PH_ST_MAX ? names[s] : "?";
}

const char *ph_wait_name(enum ph_wait w)
{
	static const char *const names[PH_WAIT_MAX] = {
		"other", "disk", "socket", "futex", "pipe", "timer", "poll", "child", "fault", "reclaim",
		"lock", "tty", "signal", "idle",
	};

	return w < PH_WAIT_MAX ? names[w] : "?";
}

const char *ph_part_name(enum ph_part p)
{
	static const char *const names[PH_PART_MAX] = { "user", "kernel", "user or kernel", "interrupted", "steal" };

	return p < PH_PART_MAX ? names[p] : "?";
}

const char *ph_waker_name(enum ph_waker w)
{
	static const char *const names[PH_WAKER_MAX] = { "unknown", "task", "timer", "disk", "network",
							 "interrupt", "ipi" };

	return w < PH_WAKER_MAX ? names[w] : "?";
}
