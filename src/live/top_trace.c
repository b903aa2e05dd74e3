/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of containers from a stream of events: their counters as of the end of each interval. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "live/top_trace_priv.h"

/* ---- rows ----------------------------------------------------------------------------------------------- */

static struct ph_top_trace_row *row_new(struct ph_top *t, uint32_t index)
{
	struct ph_top_trace_row *r = ph_alloc(sizeof(*r));

	r->hc.c.index = index;
	r->r.key = ph_asprintf("%u", index);
	r->r.hc = &r->hc;
	for (unsigned int i = 0; i < PH_TOP_HISTORY; i++)
		r->r.history[i] = -1;
	*ph_vec_push(&t->rows) = &r->r;
	return r;
}

struct ph_top_trace_row *ph_top_trace_row_of(struct ph_top *t, uint32_t index, bool make)
{
	const struct ph_container *c = ph_identity_container(t->trace->opts.id, index);
	struct ph_top_trace_row *r;

	if (!c || c->index == PH_CONTAINER_HOST)
		return NULL;
	r = ph_u64map_get(&t->trace->rows, c->index + 1ull);
	if (!r && make) {
		r = row_new(t, c->index);
		ph_u64map_put(&t->trace->rows, c->index + 1ull, r);
	}
	return r;
}

/* ---- counters as of a moment ---------------------------------------------------------------------------- */

/* The highest of a container's cgroups in each hierarchy is the container's; those below it are counted there too. */
static void find_cgroups(struct ph_top *t)
{
	const struct ph_cgtree *tree = t->trace->cgroups;
	const struct ph_cgnode *n;

	ph_vec_each(it, &t->rows) {
		struct ph_top_trace_row *r = (struct ph_top_trace_row *)*it;

		r->own.n = 0;
	}
	for (size_t i = 0; (n = ph_cgtree_nth(tree, i)); i++) {
		const struct ph_container *c = ph_identity_container(t->trace->opts.id, n->container);
		int64_t unused[PH_TOLD_N];
		struct ph_top_trace_row *r;

		if (!c || (n->parent && n->parent->container == n->container))
			continue;
		r = ph_u64map_get(&t->trace->rows, c->index + 1ull);
		/* Of those that are selected, that is told. */
		if (!r && ph_top_told_at(t->trace->told, n->hierarchy, n->id, 0, unused))
			r = ph_top_trace_row_of(t, n->container, true);
		if (r)
			*ph_vec_push(&r->own) = n;
	}
}

static bool tighter(const struct ph_cgnode *a, const struct ph_cgnode *b)
{
	return (double)a->cpu.quota_us * (double)b->cpu.period_us < (double)b->cpu.quota_us * (double)a->cpu.period_us;
}

static void find_limits(struct ph_top *t, struct ph_top_trace_row *r)
{
	const struct ph_cgtree *tree = t->trace->cgroups;
	const struct ph_cgnode *memory = ph_cgtree_memory_limit(tree, r->hc.c.index);

	r->limit = NULL;
	ph_vec_each(own, &r->own) {
		const struct ph_cgnode *n = *own;

		for (unsigned int k = 0; n && n->hierarchy == ph_cgtree_cpu_hierarchy(tree) && k < 64; n = n->parent, k++) {
			if (n->cpu.quota_us <= 0 || !n->cpu.period_us || (r->limit && !tighter(n, r->limit)))
				continue;
			r->limit = n;
			r->hc.cpu.own = n == *own;
		}
	}
	r->hc.cpu.found = r->limit;
	if (r->limit) {
		r->hc.cpu.quota_us = (uint64_t)r->limit->cpu.quota_us;
		r->hc.cpu.period_us = r->limit->cpu.period_us;
	}
	r->hc.memory.found = memory;
	r->hc.memory.bytes = memory ? (uint64_t)memory->memory_max_bytes : 0;
}

static void set_told(struct ph_top_sample *s, enum ph_top_count what, int64_t v)
{
	if (v >= 0)
		ph_top_set(s, what, (uint64_t)v);
}

/* The periods are those of the limit in force; the time is its own cgroup's, as top_cgroup.c has it. */
static void throttling(const struct ph_top_trace *tt, const struct ph_top_trace_row *r, const int64_t own[PH_TOLD_N],
		       bool begin, struct ph_top_sample *s)
{
	const struct ph_top_tally *out = r->limit ? ph_u64map_get(&tt->outages, r->limit->id) : NULL;
	int64_t of[PH_TOLD_N];

	if (!r->limit) {
		ph_top_set(s, PH_TOP_PERIODS, 0);
		ph_top_set(s, PH_TOP_THROTTLED_PERIODS, 0);
		ph_top_set(s, PH_TOP_THROTTLED, 0);
		return;
	}
	if (ph_top_told_at(tt->told, r->limit->hierarchy, r->limit->id, s->ns, of)) {
		set_told(s, PH_TOP_PERIODS, of[PH_TOLD_PERIODS]);
		set_told(s, PH_TOP_THROTTLED_PERIODS, of[PH_TOLD_THROTTLED_PERIODS]);
	}
	if (own[PH_TOLD_THROTTLED_LOCAL] >= 0)
		set_told(s, PH_TOP_THROTTLED, own[PH_TOLD_THROTTLED_LOCAL]);
	else if (r->hc.cpu.own && tt->limits)
		ph_top_set(s, PH_TOP_THROTTLED, out && !begin ? out->as_of_ns : 0);
	else if (r->hc.cpu.own)
		set_told(s, PH_TOP_THROTTLED, own[PH_TOLD_THROTTLED]);
}

/* What the kernel has counted for it, by whichever hierarchy; the others have 0 or nothing. */
static bool told_of(const struct ph_top_trace *tt, const struct ph_top_trace_row *r, uint64_t ts_ns, int64_t own[PH_TOLD_N])
{
	bool any = false;

	for (unsigned int i = 0; i < PH_TOLD_N; i++)
		own[i] = -1;
	ph_vec_each(n, &r->own) {
		int64_t v[PH_TOLD_N];

		if (!ph_top_told_at(tt->told, (*n)->hierarchy, (*n)->id, ts_ns, v))
			continue;
		any = true;
		for (unsigned int i = 0; i < PH_TOLD_N; i++)
			if (v[i] > own[i])
				own[i] = v[i];
	}
	return any;
}

static void from_told(const struct ph_top_trace *tt, const struct ph_top_trace_row *r, bool begin, struct ph_top_sample *s)
{
	static const struct { enum ph_told from; enum ph_top_count to; } counts[] = {
		{ PH_TOLD_USAGE, PH_TOP_CPU }, { PH_TOLD_USER, PH_TOP_USER }, { PH_TOLD_SYSTEM, PH_TOP_SYSTEM },
		{ PH_TOLD_CPU_SOME, PH_TOP_CPU_SOME }, { PH_TOLD_CPU_FULL, PH_TOP_CPU_FULL },
		{ PH_TOLD_IO_SOME, PH_TOP_IO_SOME }, { PH_TOLD_IO_FULL, PH_TOP_IO_FULL },
		{ PH_TOLD_MEMORY_SOME, PH_TOP_MEMORY_SOME }, { PH_TOLD_MEMORY_FULL, PH_TOP_MEMORY_FULL },
		{ PH_TOLD_FAULTS, PH_TOP_FAULTS }, { PH_TOLD_MAJOR_FAULTS, PH_TOP_MAJOR_FAULTS },
	};
	static const struct { enum ph_told from; enum ph_top_level to; } levels[] = {
		{ PH_TOLD_MEMORY, PH_TOP_MEMORY }, { PH_TOLD_OOM_KILLS, PH_TOP_OOM_KILLS }, { PH_TOLD_TASKS, PH_TOP_TASKS },
	};
	int64_t own[PH_TOLD_N];

	if (!told_of(tt, r, s->ns, own))
		return;
	for (size_t i = 0; i < PH_ARRAY_SIZE(counts); i++)
		set_told(s, counts[i].to, own[counts[i].from]);
	for (size_t i = 0; i < PH_ARRAY_SIZE(levels); i++)
		if (own[levels[i].from] >= 0)
			ph_top_set_level(s, levels[i].to, (uint64_t)own[levels[i].from]);
	if (own[PH_TOLD_MEMORY] >= 0 && own[PH_TOLD_INACTIVE_FILE] >= 0)
		ph_top_set_level(s, PH_TOP_WORKING_SET, own[PH_TOLD_MEMORY] > own[PH_TOLD_INACTIVE_FILE] ?
				 (uint64_t)(own[PH_TOLD_MEMORY] - own[PH_TOLD_INACTIVE_FILE]) : 0);
	throttling(tt, r, own, begin, s);
	if (r->hc.memory.found)
		ph_top_set_level(s, PH_TOP_MEMORY_LIMIT, r->hc.memory.bytes);
}

/*
 * What the states of its tasks add up to. Of what the hypervisor took the kernel does not say that a task had it.
 * Who has made no system call yet is taken to be in its program.
 */
static void from_tasks(const struct ph_top_trace *tt, const struct ph_top_sums *sum, struct ph_top_sample *s)
{
	const uint64_t *p = sum->part_ns;

	if (tt->counts & PH_TOP_BIT(CPU)) {
		ph_top_set(s, PH_TOP_CPU, p[PH_PART_USER] + p[PH_PART_KERNEL] + p[PH_PART_MODELESS] + p[PH_PART_IRQ]);
		ph_top_set_level(s, PH_TOP_TASKS, sum->tasks);
	}
	if (tt->counts & PH_TOP_BIT(CPU) && tt->calls) {
		ph_top_set(s, PH_TOP_USER, p[PH_PART_USER] + p[PH_PART_MODELESS]);
		ph_top_set(s, PH_TOP_SYSTEM, p[PH_PART_KERNEL] + p[PH_PART_IRQ]);
	}
	if (tt->counts & PH_TOP_BIT(RUNQ))
		ph_top_set(s, PH_TOP_RUNQ, sum->wait_ns);
}

/* Requests of block devices are a cgroup's: a guest that has none has none of them. */
static void from_events(const struct ph_top_trace *tt, const struct ph_top_trace_row *r, const struct ph_top_sums *sum,
			struct ph_top_sample *s)
{
	bool blocks = r == tt->machine || (tt->owners && !ph_container_by_process(&r->hc.c));
	uint64_t which = tt->counts & (PH_TOP_CALLS | (blocks ? PH_TOP_BLOCK : 0));

	for (unsigned int i = 0; i < PH_TOP_NCOUNTS; i++)
		if (which & 1ull << i)
			ph_top_set(s, i, sum->count[i]);
}

static void from_packets(const struct ph_top_trace *tt, const struct ph_top_trace_row *r, bool begin, struct ph_top_sample *s)
{
	uint32_t netns = r->hc.c.ns[PH_NS_NET], host = ph_identity_nth(tt->opts.id, 0)->ns[PH_NS_NET];
	const struct ph_top_tally *v = ph_u64map_get(&tt->nets, netns);

	if (!netns || !host || netns == host)
		return;
	for (unsigned int i = 0; i < PH_TOP_NCOUNTS; i++)
		if (tt->counts & PH_TOP_PACKETS & 1ull << i)
			ph_top_set(s, i, v && !begin ? v->count[i] : 0);
}

/* @begin: when all ph_top_sums were 0. */
static void sample(struct ph_top *t, struct ph_top_trace_row *r, uint64_t ts_ns, bool begin, struct ph_top_sample *s)
{
	static const struct ph_top_sums nothing;
	const struct ph_top_sums *sum = begin ? &nothing : &r->as_of;
	const struct ph_top_trace *tt = t->trace;
	bool machine = r == tt->machine;

	*s = (struct ph_top_sample){ .ns = ts_ns };
	if (machine && !tt->opts.whole)
		return;
	if (!tt->opts.filter) {
		if (!machine)
			from_told(tt, r, begin, s);
		else if (tt->counts & PH_TOP_BIT(STEAL))
			ph_top_set(s, PH_TOP_STEAL, begin ? 0 : tt->steal_ns);
		from_tasks(tt, sum, s);
	}
	from_events(tt, r, sum, s);
	if (!machine)
		from_packets(tt, r, begin, s);
}

/* ---- rounds --------------------------------------------------------------------------------------------- */

void ph_top_trace_begin(struct ph_top *t, uint64_t ts_ns)
{
	t->trace->last_ns = ts_ns;
}

static void round_of(struct ph_top *t, struct ph_top_trace_row *r, uint64_t ts_ns)
{
	const struct ph_container *c = ph_identity_container(t->trace->opts.id, r->hc.c.index);
	bool stopped;

	if (!c)
		return;
	/* Strings stay the model's, until it is fed again. */
	r->hc.c = *c;
	stopped = c->state && !strcmp(c->state, "stopped");
	r->r.gone = stopped && r->stopped;
	r->stopped = stopped;
	if (r != t->trace->machine)
		find_limits(t, r);
	r->r.before = r->r.now;
	/* It did nothing before it was met. */
	if (!r->r.before.ns)
		sample(t, r, t->trace->last_ns, true, &r->r.before);
	sample(t, r, ts_ns, false, &r->r.now);
	ph_top_remember(&r->r);
	t->trace->had_counts |= r->r.now.counted;
	t->trace->had_levels |= r->r.now.levelled;
}

void ph_top_trace_round(struct ph_top *t, uint64_t ts_ns)
{
	ph_top_trace_look(t, ts_ns);
	find_cgroups(t);
	for (size_t i = 0; i < t->rows.n; i++)
		round_of(t, (struct ph_top_trace_row *)t->rows.v[i], ts_ns);
	t->trace->last_ns = ts_ns;
}

/* ---- the whole ------------------------------------------------------------------------------------------ */

void ph_top_trace_open(struct ph_top *t, const struct ph_top_trace_opts *opts)
{
	struct ph_top_trace *tt = ph_alloc(sizeof(*tt));

	*t = (struct ph_top){ .trace = tt, .rootfd = -1, .procfd = -1 };
	tt->opts = *opts;
	if (!opts->passed)
		tt->st = ph_states_new(opts->id, &ph_top_trace_ops, t);
	tt->cgroups = ph_cgtree_new();
	tt->told = ph_top_told_new();
	tt->trusted = ph_alloc(PH_EV_ID_MAX * sizeof(*tt->trusted));
	tt->ends = ph_alloc(PH_EV_ID_MAX * sizeof(*tt->ends));
	tt->machine = row_new(t, PH_CONTAINER_HOST);
}

bool ph_top_trace_filtered(const struct ph_top *t)
{
	return t->trace->opts.filter;
}

const struct ph_top_row *ph_top_trace_at(const struct ph_top *t, uint32_t index)
{
	const struct ph_top_trace_row *r = ph_u64map_get(&t->trace->rows, index + 1ull);

	return r ? &r->r : NULL;
}

void ph_top_trace_all(struct ph_top *t)
{
	const struct ph_container *c;

	for (size_t i = 0; (c = ph_identity_nth(t->trace->opts.id, i)); i++)
		ph_top_trace_row_of(t, c->index, true);
}

uint64_t ph_top_trace_counts(const struct ph_top *t)
{
	return t->trace->counts;
}

bool ph_top_trace_had(const struct ph_top *t, uint64_t counts, uint32_t levels)
{
	return !(counts & ~t->trace->had_counts) && !(levels & ~t->trace->had_levels);
}

static void free_all(struct ph_u64map *m)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(m, s));)
		free(s->val);
	ph_u64map_done(m);
}

void ph_top_trace_close(struct ph_top *t)
{
	struct ph_top_trace *tt = t->trace;

	if (!tt)
		return;
	for (size_t i = 0; i < t->rows.n; i++) {
		struct ph_top_trace_row *r = (struct ph_top_trace_row *)t->rows.v[i];

		ph_vec_done(&r->own);
		free(r->r.key);
		free(r);
	}
	t->rows.n = 0;
	ph_u64map_done(&tt->rows);
	free_all(&tt->outages);
	free_all(&tt->nets);
	ph_states_free(tt->st);
	ph_cgtree_free(tt->cgroups);
	ph_top_told_free(tt->told);
	free(tt->trusted);
	free(tt->ends);
	free(tt);
	t->trace = NULL;
}
