/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The segment that each task is in: begun, left, cut where events are missing. And the queues that it may stand in. */
#include "analyze/states_priv.h"

#include <stdlib.h>

/* ---- queues -------------------------------------------------------------------------------------- */

static void queue_join(struct ph_states *st, struct task *t)
{
	if (!st_is_queued(t) || t->seg.cpu < 0 || (size_t)t->seg.cpu >= st->cpus.n)
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

/* ---- segments ------------------------------------------------------------------------------------ */

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

void st_segment_leave(struct ph_states *st, struct ph_segment *s)
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
	s->cut = s->preempted = s->exact = s->off_cpu = false;
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

void st_segment_next(struct ph_states *st, struct task *t, enum ph_state state, uint64_t ts)
{
	struct ph_segment out = t->seg;

	if (ts < out.begin_ns)
		ts = out.begin_ns;
	out.end_ns = ts;
	queue_leave(st, t);
	st_segment_leave(st, &out);
	segment_begin(st, t, state, ts);
}

void st_segment_enter(struct ph_states *st, struct task *t)
{
	queue_join(st, t);
	call_enter(st, &t->seg);
}

void st_go(struct ph_states *st, struct task *t, enum ph_state state, uint64_t ts)
{
	st_segment_next(st, t, state, ts);
	st_segment_enter(st, t);
}

void st_segment_split(struct ph_states *st, struct task *t, uint64_t ts, int32_t tid)
{
	struct ph_segment old = t->seg;

	st_segment_next(st, t, old.state, ts);
	t->seg.tid = tid;
	t->seg.limit = old.limit;
	t->seg.preempted = old.preempted;
	t->seg.wait = old.wait;
	t->seg.memcg = old.memcg;
	t->seg.object = old.object;
	st_segment_enter(st, t);
}

void st_distrust(struct ph_states *st, struct task *t)
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
	/* By now its number may be another's. */
	t->seg.container = out.container;
	t->seg.pid = out.pid;
	st_segment_enter(st, t);
}

/* ---- tasks --------------------------------------------------------------------------------------- */

struct task *st_task_find(const struct ph_states *st, int32_t tid)
{
	return tid > 0 ? ph_u64map_get(&st->tasks, (uint64_t)tid) : NULL;
}

struct task *st_task_new(struct ph_states *st, int32_t tid, uint64_t ts)
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
	st_segment_enter(st, t);
	return t;
}

struct task *st_task_get(struct ph_states *st, int32_t tid)
{
	struct task *t = st_task_find(st, tid);
	const struct ph_task *who;

	if (ph_likely(t || tid <= 0))
		return t;
	/* What is said of a task after its last switch does not bring it back. */
	who = ph_identity_task(st->id, tid);
	return who && who->exited ? NULL : st_task_new(st, tid, st->seen.begin_ns);
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

void st_task_end(struct ph_states *st, struct task *t, uint64_t ts)
{
	struct ph_segment out = t->seg;
	int32_t tid = out.tid;

	out.end_ns = ts > out.begin_ns ? ts : out.begin_ns;
	st_segment_leave(st, &out);
	task_forget(st, t);
	if (st->ops.end)
		st->ops.end(st->arg, tid, out.end_ns);
}
