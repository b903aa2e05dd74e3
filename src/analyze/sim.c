/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events in the order of time, and tasks that go through their programs. */
#include "analyze/sim.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/sim_priv.h"
#include "base/cleanup.h"

/* ---- events ---------------------------------------------------------------------------------------- */

static bool earlier(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->nr < b->nr;
}

void sim_at(struct sim *s, uint64_t at, enum sim_event_kind kind, uint32_t who, uint32_t gen)
{
	struct sim_event e = { at, s->nr++, who, gen, kind };
	size_t i = s->heap.n;

	ph_vec_push(&s->heap);
	while (i && earlier(&e, &s->heap.v[(i - 1) / 2])) {
		s->heap.v[i] = s->heap.v[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->heap.v[i] = e;
}

static struct sim_event event_next(struct sim *s)
{
	struct sim_event first = s->heap.v[0], last = s->heap.v[--s->heap.n];
	size_t i = 0, n = s->heap.n;

	while (2 * i + 1 < n) {
		size_t below = 2 * i + 1;

		if (below + 1 < n && earlier(&s->heap.v[below + 1], &s->heap.v[below]))
			below++;
		if (!earlier(&s->heap.v[below], &last))
			break;
		s->heap.v[i] = s->heap.v[below];
		i = below;
	}
	s->heap.v[i] = last;
	return first;
}

/* ---- positions ------------------------------------------------------------------------------------- */

void sim_pass(struct sim *s, struct sim_task *t, uint64_t at, uint64_t pos, uint64_t to)
{
	for (; t->point < t->points_end && s->s->points[t->point].pos_ns <= to; t->point++) {
		struct ph_sim_point *p = &s->s->points[t->point];

		p->at_ns = p->pos_ns > pos ? at + (p->pos_ns - pos) : at;
		s->left--;
	}
}

/* @task sleeps until @at; then it goes on. */
static void sleep_until(struct sim *s, uint32_t task, uint64_t at)
{
	struct sim_task *t = s->tasks[task];

	t->state = SIM_ASLEEP;
	sim_at(s, at, SIM_TASK, task, ++t->gen);
}

/* What it waited for has come about at @at. */
static void waited(struct sim *s, uint32_t task, uint64_t at)
{
	sleep_until(s, task, at + s->tasks[task]->op.late_ns);
}

static bool nearer(const struct sim *s, uint32_t a, uint32_t b)
{
	uint64_t at = s->tasks[a]->op.from_ns, bt = s->tasks[b]->op.from_ns;

	return at != bt ? at < bt : a < b;
}

/* A skew heap: many may wait for one. */
static uint32_t waiters_merge(struct sim *s, uint32_t a, uint32_t b)
{
	uint32_t top, *at = &top;

	while (a != NOBODY && b != NOBODY) {
		uint32_t first = nearer(s, a, b) ? a : b, rest = s->tasks[first]->right;

		b = first == a ? b : a;
		s->tasks[first]->right = s->tasks[first]->left;
		*at = first;
		at = &s->tasks[first]->left;
		a = rest;
	}
	*at = a != NOBODY ? a : b;
	return top;
}

/* Takes the nearest of those that wait for @t until @pos or less. NOBODY: there is none. */
static uint32_t waiters_pop(struct sim *s, struct sim_task *t, uint64_t pos)
{
	uint32_t who = t->waiters;

	if (who == NOBODY || s->tasks[who]->op.from_ns > pos)
		return NOBODY;
	t->waiters = waiters_merge(s, s->tasks[who]->left, s->tasks[who]->right);
	return who;
}

void sim_wake_waiters(struct sim *s, struct sim_task *t)
{
	uint32_t who;

	while ((who = waiters_pop(s, t, t->pos_ns)) != NOBODY)
		waited(s, who, s->now);
}

/* True: @task waits; else it has no reason to, any more. */
static bool wait_for(struct sim *s, uint32_t task)
{
	struct sim_task *t = s->tasks[task], *from;

	if (t->op.from >= s->ntasks)
		return false;
	from = sim_task(s, t->op.from);
	if (from->absent) {
		sleep_until(s, task, s->now + (t->op.end_ns - t->op.begin_ns));
		return true;
	}
	if (from->state == SIM_RUNNABLE && from->cpu >= 0 && s->cpus[from->cpu].curr == t->op.from)
		sim_progress(s, (uint32_t)from->cpu);
	if (from->state == SIM_DONE || from->pos_ns >= t->op.from_ns)
		return false;
	if (s->s->as_recorded && from->state == SIM_RUNNABLE && t->op.from_ns <= from->op.end_ns) {
		uint64_t at_ns = from->run_ns + (t->op.from_ns > from->op.begin_ns ? t->op.from_ns - from->op.begin_ns : 0);

		waited(s, task, at_ns > s->now ? at_ns : s->now);
		return true;
	}
	t->state = SIM_WAITING;
	t->left = t->right = NOBODY;
	from->waiters = waiters_merge(s, from->waiters, task);
	if (from->state == SIM_RUNNABLE && from->cpu >= 0 && s->cpus[from->cpu].curr == t->op.from)
		sim_arm(s, (uint32_t)from->cpu);
	return true;
}

/* ---- programs -------------------------------------------------------------------------------------- */

static uint64_t length(const struct sim *s, const struct ph_op *op)
{
	uint64_t ns = op->end_ns - op->begin_ns;
	double scale = op->wait < PH_WAIT_MAX ? 1 + s->s->scale[op->wait] : 1;

	return scale <= 0 ? 0 : (uint64_t)((double)ns * scale);
}

/* The next operation that takes time: true, it is to run. False: it sleeps, or has ended. */
static bool fetch(struct sim *s, uint32_t task)
{
	struct sim_task *t = s->tasks[task];
	const struct ph_op *op;

	for (;;) {
		sim_pass(s, t, s->now, t->op.end_ns, t->op.end_ns);
		if (t->pos_ns < t->op.end_ns)
			t->pos_ns = t->op.end_ns;
		sim_wake_waiters(s, t);
		op = ph_program_next(s->s->program, task, &t->reader);
		if (!op) {
			t->state = SIM_DONE;
			t->pos_ns = UINT64_MAX;
			sim_pass(s, t, s->now, UINT64_MAX, UINT64_MAX);
			sim_wake_waiters(s, t);
			*ph_vec_push(&s->ended) = task;
			return false;
		}
		t->op = *op;
		switch ((enum ph_op_kind)op->kind) {
		case PH_OP_RUN:
			/* Limits and weights are not for those. */
			if (t->op.group >= s->s->ngroups || t->first)
				t->op.group = 0;
			return true;
		case PH_OP_SLEEP:
			if (!length(s, op))
				continue;
			sleep_until(s, task, s->now + length(s, op));
			return false;
		case PH_OP_UNTIL:
			if (op->end_ns <= s->now)
				continue;
			sleep_until(s, task, op->end_ns);
			return false;
		case PH_OP_WAIT:
			if (!wait_for(s, task))
				continue;
			return false;
		}
	}
}

bool sim_runs_on(struct sim *s, uint32_t task)
{
	return fetch(s, task);
}

/* Without CPUs: it runs as soon as it was recorded to have run after it was runnable. */
static void run_as_recorded(struct sim *s, uint32_t task)
{
	struct sim_task *t = s->tasks[task];
	uint64_t ns = t->op.end_ns - t->op.begin_ns;
	uint32_t who;

	t->run_ns = s->now + t->op.queued_ns;
	sim_pass(s, t, t->run_ns, t->op.begin_ns, t->op.end_ns);
	while ((who = waiters_pop(s, t, t->op.end_ns)) != NOBODY) {
		uint64_t from = s->tasks[who]->op.from_ns;

		waited(s, who, t->run_ns + (from > t->op.begin_ns ? from - t->op.begin_ns : 0));
	}
	sleep_until(s, task, t->run_ns + ns);
	t->state = SIM_RUNNABLE;
	for (int32_t g = t->op.group; g >= 0; g = s->groups[g].g.parent)
		s->groups[g].use.cpu_ns += ns - ns * t->op.stolen / UINT8_MAX;
}

void sim_go_on(struct sim *s, uint32_t task)
{
	struct sim_task *t = s->tasks[task];

	if (!fetch(s, task))
		return;
	if (s->s->as_recorded) {
		run_as_recorded(s, task);
		return;
	}
	t->state = SIM_RUNNABLE;
	t->group = t->op.group;
	if (t->cpu < 0)
		t->cpu = t->op.cpu < s->s->ncpus ? t->op.cpu : 0;
	sim_enqueue(s, task);
}

/* ---- the whole ------------------------------------------------------------------------------------- */

/* What a task of nice -20 to 19 weighs. */
static uint32_t weight_of(uint8_t nice)
{
	static const uint32_t weights[] = {
		88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
		9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
		1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
		110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
	};

	return weights[nice < PH_ARRAY_SIZE(weights) ? nice : 20];
}

struct sim_task *sim_task_make(struct sim *s, uint32_t task)
{
	const struct ph_program_task *p = ph_program_nth(s->s->program, task);
	struct sim_task *t = ph_alloc(sizeof(*t));

	t->waiters = NOBODY;
	t->cpu = -1;
	t->pinned = p->pinned < (int32_t)s->s->ncpus ? p->pinned : -1;
	t->first = p->first;
	t->weight = weight_of(p->nice);
	t->point = s->first_point[task];
	t->points_end = s->first_point[task + 1];
	s->tasks[task] = t;
	if (++s->ntasks_made > s->ntasks_most)
		s->ntasks_most = s->ntasks_made;
	return t;
}

static void drop(struct sim *s, uint32_t task)
{
	struct sim_task *t = s->tasks[task];

	if (!t || t == &s->done || t == &s->absent)
		return;
	ph_program_rewind(&t->reader);
	free(t);
	s->tasks[task] = &s->done;
	s->ntasks_made--;
}

static bool has_ended(const struct sim *s, uint32_t task)
{
	return s->tasks[task] && s->tasks[task]->state == SIM_DONE;
}

/* @task, or who was made after it by the same parent, is there when that comes to where it makes it. */
static void birth(struct sim *s, uint32_t task)
{
	const struct ph_program_task *p;
	struct sim_task *t;

	while (task != NOBODY && has_ended(s, task))
		task = ph_program_nth(s->s->program, task)->sibling;
	if (task == NOBODY)
		return;
	p = ph_program_nth(s->s->program, task);
	t = sim_task(s, task);
	t->unborn = true;
	t->op = (struct ph_op){ .kind = PH_OP_WAIT, .from = p->parent, .from_ns = p->parent_ns,
				.begin_ns = p->parent_ns, .end_ns = p->parent_ns };
	if (!wait_for(s, task))
		sleep_until(s, task, s->now);
}

static void begin(struct sim *s)
{
	size_t next = 0;

	s->done = s->absent = (struct sim_task){ .state = SIM_DONE, .waiters = NOBODY, .cpu = -1 };
	s->absent.absent = true;
	for (uint32_t i = 0; i < s->ntasks; i++) {
		while (next < s->s->npoints && s->s->points[next].task < i)
			next++;
		s->first_point[i] = (uint32_t)next;
		while (next < s->s->npoints && s->s->points[next].task == i)
			next++;
		if (s->s->without && s->s->without(s->s->arg, i))
			s->tasks[i] = &s->absent;
		else if (!ph_program_nth(s->s->program, i)->active)
			s->tasks[i] = &s->done;
	}
	s->first_point[s->ntasks] = (uint32_t)next;
	for (uint32_t i = 0; i < s->s->nchanges && !s->s->as_recorded; i++)
		sim_at(s, s->s->changes[i].at_ns, SIM_CHANGE, i, 0);
	/* Of those that have a parent there is nothing before that one begins. */
	for (uint32_t i = 0; i < s->ntasks; i++) {
		const struct ph_program_task *p = ph_program_nth(s->s->program, i);

		if (!has_ended(s, i) && (p->parent == UINT32_MAX || has_ended(s, p->parent)))
			sim_at(s, p->begin_ns > s->s->begin_ns ? p->begin_ns : s->s->begin_ns, SIM_TASK, i, 0);
	}
}

static void on_task(struct sim *s, uint32_t task, uint32_t gen)
{
	struct sim_task *t = sim_task(s, task);

	if (t->state == SIM_DONE || t->gen != gen)
		return;
	if (t->unborn) {
		t->unborn = false;
		birth(s, ph_program_nth(s->s->program, task)->sibling);
	}
	if (!t->begun) {
		t->begun = true;
		birth(s, ph_program_nth(s->s->program, task)->child);
	}
	sim_go_on(s, task);
}

static void handle(struct sim *s, const struct sim_event *e)
{
	switch (e->kind) {
	case SIM_TASK:
		on_task(s, e->who, e->gen);
		break;
	case SIM_CPU:
		if (s->cpus[e->who].gen == e->gen && s->cpus[e->who].curr != NOBODY)
			sim_on_cpu(s, e->who);
		break;
	case SIM_TICK:
		sim_on_tick(s, e->who);
		break;
	case SIM_PERIOD:
		sim_on_period(s, e->who);
		break;
	case SIM_SLACK:
		sim_on_slack(s, e->who);
		break;
	case SIM_CHANGE:
		sim_change(s, s->s->changes[e->who].group, &s->s->changes[e->who].to);
		break;
	}
	/* Not before: who has ended on a CPU leaves that last. */
	ph_vec_each(task, &s->ended)
		drop(s, *task);
	s->ended.n = 0;
}

static void done(struct sim *s)
{
	for (uint32_t i = 0; i < s->ntasks; i++)
		drop(s, i);
	for (size_t i = 0; i < s->s->ngroups * s->s->ncpus; i++) {
		ph_vec_done(&s->queues[i].tasks);
		ph_vec_done(&s->queues[i].groups);
	}
	for (size_t i = 0; i < s->s->ngroups; i++)
		ph_vec_done(&s->groups[i].out);
	ph_vec_done(&s->heap);
	ph_vec_done(&s->ended);
	free(s->first_point);
	free(s->tasks);
	free(s->cpus);
	free(s->queues);
	free(s->groups);
}

void ph_sim_run(const struct ph_sim_setup *setup, struct ph_sim_result *ret)
{
	struct sim s = { .s = setup, .now = setup->begin_ns, .ntasks = ph_program_ntasks(setup->program), .left = setup->npoints };

	s.tasks = ph_alloc((s.ntasks + 1) * sizeof(*s.tasks));
	s.first_point = ph_alloc((s.ntasks + 1) * sizeof(*s.first_point));
	s.cpus = ph_alloc(setup->ncpus * sizeof(*s.cpus));
	s.queues = ph_alloc(setup->ngroups * setup->ncpus * sizeof(*s.queues));
	s.groups = ph_alloc(setup->ngroups * sizeof(*s.groups));
	for (size_t i = 0; i < setup->ngroups; i++)
		s.groups[i].g = setup->groups[i];
	sim_cpu_init(&s);
	sim_limit_init(&s);
	for (size_t i = 0; i < setup->npoints; i++)
		setup->points[i].at_ns = 0;
	begin(&s);
	ret->stopped = false;
	while (s.heap.n && (s.left || !setup->npoints)) {
		struct sim_event e;

		ret->stopped = setup->stop && *setup->stop;
		if (ret->stopped)
			break;
		e = event_next(&s);
		s.now = e.at_ns;
		s.nevents++;
		handle(&s, &e);
	}
	sim_limit_finish(&s);
	ret->end_ns = s.now;
	ret->nevents = s.nevents;
	ret->ntasks_most = s.ntasks_most;
	ret->groups = ph_alloc(setup->ngroups * sizeof(*ret->groups));
	for (size_t i = 0; i < setup->ngroups; i++)
		ret->groups[i] = s.groups[i].use;
	done(&s);
}
