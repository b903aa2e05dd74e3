/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where in the kernel tasks wait: the stack that each left its CPU with, and the time until it was woken. */
#include <stdio.h>
#include <stdlib.h>

#include "analyze/slow_priv.h"
#include "base/cleanup.h"

/* Different stacks that are kept, and functions of one. */
#define STACKS_MAX 16384
#define FRAMES_MAX 64
/* Of the innermost ones, so many may be the tracer's and the scheduler's own. */
#define OWN_FRAMES 16

struct slow_frames {
	uint32_t n;
	uint64_t at[];
};

void stacks_event(struct ph_slow *s, const struct ph_event *ev)
{
	const struct ph_value *v = ph_event_field(ev, PH_FLD(sched_block_stack, callstack_kernel));
	struct slow_task *t = slow_task(s, (int32_t)ph_event_i(ev, PH_FLD(sched_block_stack, tid), -1));
	uint64_t key = PH_HASH_INIT;
	struct slow_frames *f;
	uint32_t n;

	s->nstacks++;
	if (!s->stacks || !t || !t->group)
		return;
	t->stack_next = NULL;
	t->stack_ns = ev->ts_ns;
	if (!v || !v->n)
		return;
	n = v->n < FRAMES_MAX ? v->n : FRAMES_MAX;
	for (uint32_t i = 0; i < n; i++)
		key = ph_hash(key, &v->v[i].u, sizeof(v->v[i].u));
	f = ph_u64map_get(&s->frames, key);
	if (!f && s->frames.n < STACKS_MAX) {
		f = ph_alloc(sizeof(*f) + n * sizeof(f->at[0]));
		f->n = n;
		for (uint32_t i = 0; i < n; i++)
			f->at[i] = v->v[i].u;
		ph_u64map_put(&s->frames, key, f);
	}
	t->stack_next = f;
}

static bool off_cpu(const struct ph_segment *seg)
{
	return seg->state == PH_ST_BLOCKED || seg->state == PH_ST_FROZEN || seg->state == PH_ST_STOPPED;
}

void stacks_enter(struct slow_task *t, const struct ph_segment *seg)
{
	if (!off_cpu(seg)) {
		t->stack = NULL;
	} else if (t->stack_next && t->stack_ns <= seg->begin_ns) {
		t->stack = t->stack_next;
		t->stack_next = NULL;
	}
}

static struct ph_slow_stack *row(struct ph_slow_group *g, unsigned int hold, const struct slow_frames *f)
{
	const void *parts[] = { f, (void *)(uintptr_t)hold };
	uint64_t key = ph_hash(PH_HASH_INIT, parts, sizeof(parts));
	struct ph_slow_stack *st = ph_u64map_get(&g->stack_map, key);

	if (st)
		return st;
	if (f && g->stacks.n >= SLOW_ROWS_MAX)
		return row(g, hold, NULL);
	st = ph_alloc(sizeof(*st));
	st->hold = hold;
	st->frames = f;
	ph_u64map_put(&g->stack_map, key, st);
	*ph_vec_push(&g->stacks) = st;
	return st;
}

void stacks_leave(const struct slow_task *t, const struct ph_segment *seg, unsigned int hold)
{
	if (off_cpu(seg))
		ph_hist_add(&row(t->group, hold, t->stack)->hist, seg->end_ns - seg->begin_ns);
}

/* ---- in words ------------------------------------------------------------------------------------------ */

/* Compilers write what they made of a function behind its name: "__schedule.constprop.0". */
static bool is_function(const char *name, const char *want)
{
	size_t n = strlen(want);

	return !strncmp(name, want, n) && (!name[n] || name[n] == '.');
}

/* The way out of the CPU is every task's, and of the tracer that looks at it. */
static uint32_t innermost(const struct ph_identity *id, const struct slow_frames *f)
{
	uint32_t i;

	for (i = 0; i < f->n && i < OWN_FRAMES; i++)
		if (is_function(ph_identity_function(id, f->at[i]), "__schedule"))
			break;
	if (i == f->n || i == OWN_FRAMES)
		return 0;
	i++;
	if (i < f->n && is_function(ph_identity_function(id, f->at[i]), "schedule"))
		i++;
	return i < f->n ? i : 0;
}

static void name_functions(struct ph_slow *s, struct ph_slow_stack *st)
{
	const struct slow_frames *f = st->frames;

	if (!f) {
		ph_strv_add(&st->functions, "(others)");
		return;
	}
	for (uint32_t i = innermost(s->id, f); i < f->n; i++) {
		const char *name = ph_identity_function(s->id, f->at[i]);
		char hex[24];

		if (!*name) {
			snprintf(hex, sizeof(hex), "0x%lx", f->at[i]);
			ph_u64map_put(&s->nameless, f->at[i], s);
		}
		ph_strv_add(&st->functions, *name ? name : hex);
	}
}

static void stack_free(struct ph_slow_stack *st)
{
	ph_strv_done(&st->functions);
	ph_hist_done(&st->hist);
	free(st);
}

static int longest_stack_first(const void *pa, const void *pb)
{
	const struct ph_slow_stack *a = *(struct ph_slow_stack *const *)pa, *b = *(struct ph_slow_stack *const *)pb;
	bool wa = ph_hold_own_will(a->hold), wb = ph_hold_own_will(b->hold);

	if (wa != wb)
		return wa ? 1 : -1;
	if (a->hist.sum != b->hist.sum)
		return a->hist.sum > b->hist.sum ? -1 : 1;
	if (a->hold != b->hold)
		return a->hold < b->hold ? -1 : 1;
	for (size_t i = 0; i < a->functions.n && i < b->functions.n; i++) {
		int r = strcmp(a->functions.v[i], b->functions.v[i]);

		if (r)
			return r;
	}
	return a->functions.n < b->functions.n ? -1 : a->functions.n > b->functions.n;
}

/* Two calls in one function are two addresses, and one row. */
void stacks_group_finish(struct ph_slow *s, struct ph_slow_group *g)
{
	struct ph_strmap same = { 0 };
	ph_autobuf key = { 0 };
	size_t kept = 0;

	ph_vec_each(it, &g->stacks) {
		struct ph_slow_stack *st = *it, *first;

		name_functions(s, st);
		ph_buf_clear(&key);
		ph_buf_addf(&key, "%u", st->hold);
		ph_vec_each(name, &st->functions) {
			ph_buf_addc(&key, '\n');
			ph_buf_adds(&key, *name);
		}
		first = ph_strmap_get(&same, key.p);
		if (first) {
			ph_hist_merge(&first->hist, &st->hist);
			stack_free(st);
			continue;
		}
		ph_strmap_put(&same, key.p, st);
		g->stacks.v[kept++] = st;
	}
	g->stacks.n = kept;
	ph_strmap_done(&same);
	ph_u64map_done(&g->stack_map);
	if (g->stacks.n)
		qsort(g->stacks.v, g->stacks.n, sizeof(*g->stacks.v), longest_stack_first);
}

void stacks_group_free(struct ph_slow_group *g)
{
	ph_vec_each(st, &g->stacks)
		stack_free(*st);
	ph_vec_done(&g->stacks);
	ph_u64map_done(&g->stack_map);
}

void stacks_free(struct ph_slow *s)
{
	for (struct ph_u64map_slot *slot = NULL; (slot = ph_u64map_next(&s->frames, slot)); )
		free(slot->val);
	ph_u64map_done(&s->frames);
	ph_u64map_done(&s->nameless);
}
