/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way back from an instant of a task to an earlier one. Where it was awake the way is what it did. Where it slept
 * and a task woke it, the way is that task's, from the wake-up back to when the sleep began, and so on for its own
 * sleeps in that time; then it goes on before the sleep. So time only falls, each step is taken once, and the sleepers
 * that wait for the way to come back to them are as many as tasks at most: each slept until it was left.
 */
#include <stdlib.h>
#include <string.h>

#include "analyze/path_priv.h"
#include "base/cleanup.h"
#include "base/vec.h"

/* Of times that cannot be: jumps without a step back that are made before one stops. */
#define JUMPS_MAX 64

struct sleeper {
	int32_t tid;
	uint64_t bound_ns;	/* where the way comes back to it is the present bound; this is the one then */
};

struct walk {
	const struct path_walk *w;
	int32_t tid;
	uint64_t at_ns, bound_ns;
	PH_VEC(struct sleeper) sleepers;
	unsigned int jumps;
	/* How the way goes on from what comes next, seen forward. */
	enum ph_path_then then;
	int32_t then_tid;
	struct ph_trail_who then_who;
};

/* ---- steps ----------------------------------------------------------------------------------------- */

static void step(struct walk *k, struct ph_step *s, uint64_t begin)
{
	s->tid = k->tid;
	s->begin_ns = begin;
	s->end_ns = k->at_ns;
	if (s->begin_ns >= s->end_ns)
		return;
	s->then = (uint8_t)k->then;
	s->then_tid = k->then_tid;
	s->then_who = k->then_who;
	k->w->step(k->w->arg, s);
	k->at_ns = begin;
	k->then = PH_THEN_SAME;
	k->then_tid = 0;
	k->then_who = (struct ph_trail_who){ 0 };
	k->jumps = 0;
}

/* What rounding leaves over is no part of its own. */
#define ROUNDING_NS 4

/* The parts of a piece are taken to be evenly spread in it. */
static void step_ran(struct walk *k, const struct ph_piece *p, struct ph_step *s, uint64_t begin)
{
	static const enum ph_part parts[] = { PH_PART_USER, PH_PART_KERNEL, PH_PART_IRQ, PH_PART_STEAL };
	const uint32_t share[] = { p->share.user, p->share.kernel, p->share.irq, p->share.steal };
	uint64_t ns = k->at_ns - begin, rest = ns;
	enum ph_part most = PH_PART_USER;

	for (size_t i = 0; i < PH_ARRAY_SIZE(parts); i++) {
		uint64_t x = (uint64_t)(((unsigned __int128)share[i] * ns + (1u << 31)) >> 32);

		s->part_ns[parts[i]] = x < rest ? x : rest;
		rest -= s->part_ns[parts[i]];
		if (s->part_ns[parts[i]] > s->part_ns[most])
			most = parts[i];
	}
	s->part_ns[rest < ROUNDING_NS && s->part_ns[most] ? most : PH_PART_MODELESS] += rest;
	s->state = PH_PATH_RAN;
	step(k, s, begin);
}

/* It was runnable on @cpu: a step for each that ran there meanwhile. */
static void step_queued(struct walk *k, int32_t cpu, struct ph_step *s, uint64_t begin)
{
	s->state = PH_PATH_QUEUE;
	while (k->at_ns > begin) {
		struct ph_trail_who none;
		struct ph_piece ran;
		uint64_t until = begin;

		s->by_tid = -1;
		s->by = (struct ph_trail_who){ .pid = -1, .container = PH_CONTAINER_UNKNOWN };
		if (cpu >= 0 && ph_trail_find(k->w->trail, ph_trail_cpu((uint32_t)cpu), k->at_ns, &ran, &none)) {
			if (ran.end_ns < k->at_ns) {
				until = ran.end_ns > begin ? ran.end_ns : begin;
			} else {
				until = ran.begin_ns > begin ? ran.begin_ns : begin;
				s->by_tid = ran.from_tid;
				if (ran.from_tid > 0)
					ph_trail_find(k->w->trail, ran.from_tid, k->at_ns, &ran, &s->by);
			}
		}
		step(k, s, until);
	}
}

static void step_unexplained(struct walk *k, const struct ph_piece *p, struct ph_step *s, uint64_t begin)
{
	s->wait = p->wait;
	s->what = p->what;
	if (p->kind == PH_PIECE_STOPPED)
		s->state = PH_PATH_STOPPED;
	else if (p->waker == PH_WAKER_TIMER || p->wait == PH_WAIT_TIMER)
		s->state = PH_PATH_TIMER;
	else if (p->waker == PH_WAKER_DISK || p->wait == PH_WAIT_DISK || (p->wait == PH_WAIT_FAULT && p->what))
		s->state = PH_PATH_DISK;
	else if (p->waker == PH_WAKER_NET || p->wait == PH_WAIT_SOCKET)
		s->state = PH_PATH_NETWORK;
	else if (p->waker == PH_WAKER_IRQ || p->waker == PH_WAKER_IPI)
		s->state = PH_PATH_INTERRUPT;
	else
		s->state = PH_PATH_WAITED;
	step(k, s, begin);
}

/* ---- the way --------------------------------------------------------------------------------------- */

/* A sleep is explained by who ended it where that one is known to have been awake then. */
static bool leads_on(struct walk *k, const struct ph_piece *p, uint64_t begin)
{
	struct ph_trail_who who;
	struct ph_piece q;

	if (p->from_tid <= 0 || p->from_tid == k->tid || p->end_ns > k->at_ns || k->jumps >= JUMPS_MAX)
		return false;
	if (ph_states_waker_doubtful((enum ph_wait)p->wait, k->w->timers, k->w->softirqs))
		return false;
	/* The way ends before. */
	if (p->from_ns <= begin)
		return true;
	if (!ph_trail_find(k->w->trail, p->from_tid, p->from_ns, &q, &who))
		return false;
	if (q.end_ns < p->from_ns || q.kind == PH_PIECE_UNKNOWN)
		return false;
	return (q.kind != PH_PIECE_ASLEEP && q.kind != PH_PIECE_STOPPED) || q.end_ns == p->from_ns;
}

static void asleep(struct walk *k, const struct ph_piece *p, struct ph_step *s, uint64_t begin)
{
	uint64_t from = p->from_ns > begin ? p->from_ns : begin, woken = p->woken_ns > begin ? p->woken_ns : begin;

	if (!leads_on(k, p, begin)) {
		step_unexplained(k, p, s, begin);
		return;
	}
	/* From the wake-up until it was in a queue; and a packet's way before it. */
	if (woken < k->at_ns) {
		s->state = PH_PATH_QUEUE;
		s->by_tid = PH_BY_WAKEUP;
		step(k, s, woken);
		s->by_tid = 0;
	}
	if (from < k->at_ns) {
		s->state = PH_PATH_NETWORK;
		s->what = p->what;
		s->wait = p->wait;
		step(k, s, from);
	}
	if (k->at_ns <= begin)
		return;
	*ph_vec_push(&k->sleepers) = (struct sleeper){ k->tid, k->bound_ns };
	k->bound_ns = begin;
	k->then = p->flags & PH_PIECE_PACKET ? PH_THEN_SENT : PH_THEN_WOKE;
	k->then_tid = k->tid;
	k->then_who = s->who;
	k->tid = p->from_tid;
	k->jumps++;
}

static void go(struct walk *k)
{
	struct ph_step s = { 0 };
	struct ph_piece p;
	uint64_t begin;

	if (!ph_trail_find(k->w->trail, k->tid, k->at_ns, &p, &s.who) || p.end_ns < k->at_ns) {
		s.state = PH_PATH_UNKNOWN;
		s.who.container = s.who.comm[0] ? s.who.container : PH_CONTAINER_UNKNOWN;
		step(k, &s, k->bound_ns);
		return;
	}
	begin = p.begin_ns > k->bound_ns ? p.begin_ns : k->bound_ns;
	switch ((enum ph_piece_kind)p.kind) {
	case PH_PIECE_RAN:
		step_ran(k, &p, &s, begin);
		break;
	case PH_PIECE_QUEUED:
		step_queued(k, p.cpu, &s, begin);
		break;
	case PH_PIECE_THROTTLED:
	case PH_PIECE_FROZEN:
		s.state = p.kind == PH_PIECE_FROZEN ? PH_PATH_FROZEN : PH_PATH_THROTTLED;
		s.what = p.what;
		step(k, &s, begin);
		break;
	case PH_PIECE_STOPPED:
	case PH_PIECE_ASLEEP:
		asleep(k, &p, &s, begin);
		break;
	case PH_PIECE_LINK:
		if (k->jumps++ >= JUMPS_MAX || p.from_tid <= 0 || p.from_tid == k->tid) {
			s.state = PH_PATH_UNKNOWN;
			step(k, &s, k->bound_ns);
			break;
		}
		k->then = p.flags & PH_PIECE_EXEC ? PH_THEN_BECAME : PH_THEN_FORKED;
		k->then_tid = k->tid;
		k->then_who = s.who;
		k->tid = p.from_tid;
		break;
	case PH_PIECE_UNKNOWN:
	case PH_PIECE_CPU:
		s.state = PH_PATH_UNKNOWN;
		step(k, &s, begin);
		break;
	}
}

void path_walk(const struct path_walk *w, int32_t tid, uint64_t begin_ns, uint64_t end_ns)
{
	struct walk k = { .w = w, .tid = tid, .at_ns = end_ns, .bound_ns = begin_ns };

	for (;;) {
		struct sleeper *back;

		if (k.at_ns > k.bound_ns) {
			go(&k);
			continue;
		}
		if (!k.sleepers.n)
			break;
		back = &k.sleepers.v[--k.sleepers.n];
		k.then = PH_THEN_SLEPT;
		k.then_tid = k.tid;
		k.then_who = (struct ph_trail_who){ 0 };
		k.tid = back->tid;
		k.bound_ns = back->bound_ns;
	}
	ph_vec_done(&k.sleepers);
}
