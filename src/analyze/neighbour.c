/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who ran while others waited. */
#include "analyze/neighbour.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "base/vec.h"

#define CPU_LIMIT 8192
/* Runs that a CPU remembers, for waits whose begin or end is told later. */
#define LOG_SIZE 1024u

struct run {
	uint64_t begin_ns, end_ns;
	uint32_t runner;
};

/*
 * Tasks of one container that wait for one CPU. The present run began at cpu.settled_ns. When it ends, at
 * e, they have waited left_ns + ntasks * (e - settled_ns) - late_ns in it: those that left, the whole run
 * for each that is still there, less what was over when they came.
 */
struct waiter {
	uint32_t container;
	uint32_t ntasks;
	uint64_t left_ns, late_ns;
};

struct cpu {
	uint64_t settled_ns;
	PH_VEC(struct waiter) waiters;
	struct run *log;
	uint64_t nruns;
	bool idle;
};

/* [container][runner] */
struct cell {
	uint32_t container, runner;
	int64_t ns;
	struct cell *next;		/* of that container */
};

struct container {
	struct cell *cells;
	int64_t idle_ns;
};

struct ph_neighbours {
	const struct ph_identity *id;
	PH_VEC(struct cpu) cpus;
	PH_VEC(struct ph_runner) runners;
	struct ph_strmap by_comm;	/* runner + 1 */
	struct ph_u64map by_container, cells, containers;
	unsigned int nidle;		/* CPUs */
	uint64_t idle_ns, idle_since_ns;	/* time in which some CPU was idle, up to now */
};

enum { RUNNER_IDLE, RUNNER_UNKNOWN };

struct ph_neighbours *ph_neighbours_new(const struct ph_identity *id)
{
	struct ph_neighbours *nb = ph_alloc(sizeof(*nb));

	nb->id = id;
	ph_vec_push(&nb->runners)->kind = PH_RUNNER_IDLE;
	ph_vec_push(&nb->runners)->kind = PH_RUNNER_UNKNOWN;
	return nb;
}

static void free_values(struct ph_u64map *m)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(m, s)); )
		free(s->val);
	ph_u64map_done(m);
}

void ph_neighbours_free(struct ph_neighbours *nb)
{
	if (!nb)
		return;
	ph_vec_each(c, &nb->cpus) {
		ph_vec_done(&c->waiters);
		free(c->log);
	}
	ph_vec_done(&nb->cpus);
	ph_vec_done(&nb->runners);
	ph_strmap_done(&nb->by_comm);
	ph_u64map_done(&nb->by_container);
	free_values(&nb->cells);
	free_values(&nb->containers);
	free(nb);
}

static struct cpu *cpu_get(struct ph_neighbours *nb, int32_t cpu)
{
	if (cpu < 0 || cpu >= CPU_LIMIT)
		return NULL;
	while (nb->cpus.n <= (size_t)cpu)
		ph_vec_push(&nb->cpus)->log = ph_alloc(LOG_SIZE * sizeof(struct run));
	return &nb->cpus.v[cpu];
}

/* ---- runners ------------------------------------------------------------------------------------- */

/* "kworker/0:1H" is kworker: which of them it was tells nobody anything. */
static void host_name(const struct ph_neighbours *nb, int32_t tid, char ret[16])
{
	const struct ph_task *t = ph_identity_task(nb->id, tid);
	const char *name = t && t->comm[0] ? t->comm : "?";
	size_t n = 0;

	while (n < 15 && name[n] && (!n || (name[n] != '/' && name[n] != ':'))) {
		ret[n] = name[n];
		n++;
	}
	ret[n] = 0;
}

static uint32_t runner_of(struct ph_neighbours *nb, int32_t tid, uint32_t container)
{
	struct ph_runner r = { .kind = PH_RUNNER_CONTAINER, .container = container };
	uintptr_t at;

	if (tid == 0)
		return RUNNER_IDLE;
	if (tid < 0 || container == PH_CONTAINER_UNKNOWN)
		return RUNNER_UNKNOWN;
	if (container == PH_CONTAINER_HOST) {
		r.kind = PH_RUNNER_HOST;
		host_name(nb, tid, r.comm);
		at = (uintptr_t)ph_strmap_get(&nb->by_comm, r.comm);
	} else {
		at = (uintptr_t)ph_u64map_get(&nb->by_container, container);
	}
	if (ph_likely(at))
		return (uint32_t)at - 1;
	*ph_vec_push(&nb->runners) = r;
	at = nb->runners.n;
	if (r.kind == PH_RUNNER_HOST)
		ph_strmap_put(&nb->by_comm, r.comm, (void *)at);
	else
		ph_u64map_put(&nb->by_container, container, (void *)at);
	return (uint32_t)at - 1;
}

static struct container *container_get(struct ph_neighbours *nb, uint32_t container)
{
	struct container *k = ph_u64map_get(&nb->containers, container);

	if (!k) {
		k = ph_alloc(sizeof(*k));
		ph_u64map_put(&nb->containers, container, k);
	}
	return k;
}

static void charge(struct ph_neighbours *nb, uint32_t container, uint32_t runner, int64_t ns)
{
	uint64_t key = (uint64_t)container << 32 | runner;
	struct cell *cell = ph_u64map_get(&nb->cells, key);
	struct container *k;

	if (!cell) {
		cell = ph_alloc(sizeof(*cell));
		cell->container = container;
		cell->runner = runner;
		ph_u64map_put(&nb->cells, key, cell);
		k = container_get(nb, container);
		cell->next = k->cells;
		k->cells = cell;
	}
	cell->ns += ns;
}

/* ---- waiting --------------------------------------------------------------------------------------- */

static struct waiter *waiter_get(struct cpu *c, uint32_t container)
{
	struct waiter *w;

	ph_vec_each(it, &c->waiters)
		if (it->container == container)
			return it;
	w = ph_vec_push(&c->waiters);
	w->container = container;
	return w;
}

/* [@begin, c->settled_ns) was not charged, or wrongly was: @sign. */
static void charge_past(struct ph_neighbours *nb, struct cpu *c, uint32_t container, uint64_t begin, int sign)
{
	uint64_t n = c->nruns < LOG_SIZE ? c->nruns : LOG_SIZE, known = c->settled_ns;

	for (uint64_t i = 1; i <= n && known > begin; i++) {
		const struct run *r = &c->log[(c->nruns - i) % LOG_SIZE];
		uint64_t b = r->begin_ns > begin ? r->begin_ns : begin;

		if (r->end_ns > b)
			charge(nb, container, r->runner, sign * (int64_t)(r->end_ns - b));
		known = b;
	}
	if (known > begin)
		charge(nb, container, RUNNER_UNKNOWN, sign * (int64_t)(known - begin));
}

static uint64_t idle_until(const struct ph_neighbours *nb, uint64_t ts)
{
	return nb->idle_ns + (nb->nidle && ts > nb->idle_since_ns ? ts - nb->idle_since_ns : 0);
}

void ph_neighbours_enter(struct ph_neighbours *nb, const struct ph_segment *s)
{
	struct cpu *c = cpu_get(nb, s->cpu);
	uint64_t begin = s->begin_ns;
	struct waiter *w;

	container_get(nb, s->container)->idle_ns -= (int64_t)idle_until(nb, begin);
	if (!c)
		return;
	if (begin < c->settled_ns) {
		charge_past(nb, c, s->container, begin, 1);
		begin = c->settled_ns;
	}
	w = waiter_get(c, s->container);
	w->ntasks++;
	w->late_ns += begin - c->settled_ns;
}

void ph_neighbours_leave(struct ph_neighbours *nb, const struct ph_segment *s)
{
	struct cpu *c = cpu_get(nb, s->cpu);
	uint64_t end = s->end_ns;
	struct waiter *w;

	container_get(nb, s->container)->idle_ns += (int64_t)idle_until(nb, end);
	if (!c)
		return;
	if (end < c->settled_ns) {
		charge_past(nb, c, s->container, end > s->begin_ns ? end : s->begin_ns, -1);
		end = c->settled_ns;
	}
	w = waiter_get(c, s->container);
	w->ntasks--;
	w->left_ns += end - c->settled_ns;
}

void ph_neighbours_ran(struct ph_neighbours *nb, uint32_t cpu, int32_t tid, uint32_t container, uint64_t begin,
		       uint64_t end)
{
	struct cpu *c = cpu_get(nb, (int32_t)cpu);
	size_t n = 0;
	uint32_t runner;

	if (!c || end <= begin)
		return;
	runner = runner_of(nb, tid, container);
	for (size_t i = 0; i < c->waiters.n; i++) {
		struct waiter *w = &c->waiters.v[i];
		uint64_t ns = w->left_ns + w->ntasks * (end - c->settled_ns) - w->late_ns;

		if (ns)
			charge(nb, w->container, runner, (int64_t)ns);
		w->left_ns = w->late_ns = 0;
		if (w->ntasks)
			c->waiters.v[n++] = *w;
	}
	c->waiters.n = n;
	c->settled_ns = end;
	c->log[c->nruns++ % LOG_SIZE] = (struct run){ begin, end, runner };
}

void ph_neighbours_runs(struct ph_neighbours *nb, uint32_t cpu, int32_t tid, uint64_t ts)
{
	struct cpu *c = cpu_get(nb, (int32_t)cpu);
	bool idle = tid == 0;

	if (!c || c->idle == idle)
		return;
	c->idle = idle;
	nb->idle_ns = idle_until(nb, ts);
	nb->idle_since_ns = ts;
	nb->nidle += idle ? 1 : -1u;
}

/* ---- results --------------------------------------------------------------------------------------- */

static int longest_first(const void *pa, const void *pb)
{
	const struct ph_runner *a = pa, *b = pb;

	if (a->ns != b->ns)
		return a->ns > b->ns ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->container != b->container)
		return a->container < b->container ? -1 : 1;
	return strcmp(a->comm, b->comm);
}

size_t ph_neighbours_of(const struct ph_neighbours *nb, uint32_t container, struct ph_runner **ret)
{
	const struct container *k = ph_u64map_get(&nb->containers, container);
	PH_VEC(struct ph_runner) list = { 0 };

	for (const struct cell *cell = k ? k->cells : NULL; cell; cell = cell->next) {
		struct ph_runner *r;

		if (cell->ns <= 0)
			continue;
		r = ph_vec_push(&list);
		*r = nb->runners.v[cell->runner];
		r->ns = (uint64_t)cell->ns;
	}
	if (list.n)
		qsort(list.v, list.n, sizeof(*list.v), longest_first);
	*ret = list.v;
	return list.n;
}

uint64_t ph_neighbours_idle_ns(const struct ph_neighbours *nb, uint32_t container)
{
	const struct container *k = ph_u64map_get(&nb->containers, container);

	return k && k->idle_ns > 0 ? (uint64_t)k->idle_ns : 0;
}
