/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The path's steps: kept on disk, the longest of them remembered, summed up by who and why, and by what would help. */
#include <stdlib.h>
#include <string.h>

#include "analyze/path_priv.h"
#include "base/cleanup.h"

/* Rows that are kept apart; of more tasks those of one name are one row, so many again; what is more is one row together. */
#define SHARES_MAX 4096

const char *ph_path_resource_name(enum ph_path_resource r)
{
	static const char *const names[PH_RES_MAX] = {
		"code", "cpu", "limit", "disk", "network", "timer", "freezer", "stop", "hypervisor", "interrupts", "other",
		"unknown",
	};

	return r < PH_RES_MAX ? names[r] : "?";
}

/* ---- shares ---------------------------------------------------------------------------------------- */

/* The row of that, 0: there is none yet. */
static size_t share_find(const struct ph_path *p, const struct ph_path_share *key, uint64_t *ret_hash)
{
	*ret_hash = ph_hash(PH_HASH_INIT, key, offsetof(struct ph_path_share, ns));
	return (size_t)(uintptr_t)ph_u64map_get(&p->share_map, *ret_hash);
}

void path_share_key(const struct ph_step *s, enum ph_path_state state, struct ph_path_share *key)
{
	memset(key, 0, sizeof(*key));
	key->state = (uint8_t)state;
	key->who = s->who;
	key->tid = s->tid;
	key->what = s->what;
	key->wait = s->wait;
	/* Those that ran meanwhile are told apart by name alone. */
	key->by = s->by;
	key->by.pid = 0;
	key->by_tid = s->by_tid > 0 ? 1 : s->by_tid;
}

void path_share_rest(enum ph_path_state state, struct ph_path_share *key)
{
	memset(key, 0, sizeof(*key));
	key->state = (uint8_t)state;
	key->who = (struct ph_trail_who){ .pid = -1, .container = PH_CONTAINER_UNKNOWN };
	key->tid = key->by_tid = -1;
}

static void share_add(void *arg, const struct ph_step *s, enum ph_path_state state, uint64_t ns)
{
	struct ph_path *p = arg;
	struct ph_path_share key;
	uint64_t hash;
	size_t at;

	path_share_key(s, state, &key);
	at = share_find(p, &key, &hash);
	if (!at && p->shares.n >= SHARES_MAX) {
		key.tid = key.who.pid = 0;
		at = share_find(p, &key, &hash);
	}
	if (!at && p->shares.n >= 2 * SHARES_MAX) {
		path_share_rest(state, &key);
		at = share_find(p, &key, &hash);
	}
	if (!at) {
		*ph_vec_push(&p->shares) = key;
		at = p->shares.n;
		ph_u64map_put(&p->share_map, hash, (void *)(uintptr_t)at);
	}
	p->shares.v[at - 1].ns += ns;
	p->shares.v[at - 1].times++;
}

void path_step_parts(const struct ph_step *s, path_part_fn fn, void *arg)
{
	static const enum ph_path_state of_part[PH_PART_MAX] = {
		[PH_PART_USER] = PH_PATH_USER, [PH_PART_KERNEL] = PH_PATH_KERNEL, [PH_PART_MODELESS] = PH_PATH_RAN,
		[PH_PART_IRQ] = PH_PATH_IRQ, [PH_PART_STEAL] = PH_PATH_STEAL,
	};

	if (s->state != PH_PATH_RAN && s->end_ns > s->begin_ns)
		fn(arg, s, (enum ph_path_state)s->state, s->end_ns - s->begin_ns);
	for (int i = 0; s->state == PH_PATH_RAN && i < PH_PART_MAX; i++)
		if (s->part_ns[i])
			fn(arg, s, of_part[i], s->part_ns[i]);
}

/* ---- steps ----------------------------------------------------------------------------------------- */

/* Of those kept the shortest is on top. */
static void heap_down(struct path_long *v, size_t n, size_t i)
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		struct path_long x = v[i];

		child += child + 1 < n && v[child + 1].ns < v[child].ns;
		if (x.ns <= v[child].ns)
			return;
		v[i] = v[child];
		v[child] = x;
	}
}

static void longest_add(struct ph_path *p, uint64_t ns, uint64_t nr)
{
	if (p->longest.n < p->nlongest) {
		*ph_vec_push(&p->longest) = (struct path_long){ ns, nr };
		for (size_t i = p->longest.n / 2; p->longest.n == p->nlongest && i-- > 0; )
			heap_down(p->longest.v, p->longest.n, i);
	} else if (p->nlongest && ns > p->longest.v[0].ns) {
		p->longest.v[0] = (struct path_long){ ns, nr };
		heap_down(p->longest.v, p->longest.n, 0);
	}
}

static void step_keep(struct ph_path *p)
{
	if (p->last.begin_ns >= p->last.end_ns)
		return;
	ph_spill_add(p->steps, &p->last, sizeof(p->last));
	longest_add(p, p->last.end_ns - p->last.begin_ns, p->nsteps++);
}

static bool same(const struct ph_step *a, const struct ph_step *b)
{
	return a->tid == b->tid && a->state == b->state && a->wait == b->wait && a->what == b->what && a->by_tid == b->by_tid &&
	       !memcmp(&a->who, &b->who, sizeof(a->who)) && !memcmp(&a->by, &b->by, sizeof(a->by));
}

void path_sum_step(struct ph_path *p, const struct ph_step *s)
{
	struct ph_step *last = &p->last;

	path_step_parts(s, share_add, p);
	if (last->begin_ns == s->end_ns && s->then == PH_THEN_SAME && same(last, s)) {
		last->begin_ns = s->begin_ns;
		for (int i = 0; i < PH_PART_MAX; i++)
			last->part_ns[i] += s->part_ns[i];
		return;
	}
	step_keep(p);
	*last = *s;
}

/* ---- what would help ------------------------------------------------------------------------------- */

static enum ph_path_resource resource_of(enum ph_path_state s)
{
	static const enum ph_path_resource of[PH_PATH_STATES] = {
		[PH_PATH_USER] = PH_RES_CODE, [PH_PATH_KERNEL] = PH_RES_CODE, [PH_PATH_RAN] = PH_RES_CODE,
		[PH_PATH_IRQ] = PH_RES_INTERRUPTS, [PH_PATH_STEAL] = PH_RES_HYPERVISOR, [PH_PATH_QUEUE] = PH_RES_CPU,
		[PH_PATH_THROTTLED] = PH_RES_LIMIT, [PH_PATH_FROZEN] = PH_RES_FREEZER, [PH_PATH_STOPPED] = PH_RES_STOP,
		[PH_PATH_DISK] = PH_RES_DISK, [PH_PATH_NETWORK] = PH_RES_NETWORK, [PH_PATH_TIMER] = PH_RES_TIMER,
		[PH_PATH_INTERRUPT] = PH_RES_OTHER, [PH_PATH_WAITED] = PH_RES_OTHER, [PH_PATH_UNKNOWN] = PH_RES_UNKNOWN,
	};

	return of[s];
}

void path_help_of(const struct ph_path_share *sh, struct ph_path_help *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->resource = resource_of((enum ph_path_state)sh->state);
	switch (ret->resource) {
	case PH_RES_CODE:
	case PH_RES_TIMER:
		ret->container = sh->who.container;
		memcpy(ret->comm, sh->who.comm, sizeof(ret->comm));
		break;
	case PH_RES_LIMIT:
	case PH_RES_DISK:
	case PH_RES_NETWORK:
		ret->what = sh->what;
		break;
	default:
		break;
	}
}

static void help_add(struct ph_path *p, const struct ph_path_share *sh)
{
	struct ph_path_help new;

	path_help_of(sh, &new);
	ph_vec_each(h, &p->helps) {
		if (memcmp(h, &new, offsetof(struct ph_path_help, ns)) != 0)
			continue;
		h->ns += sh->ns;
		return;
	}
	new.ns = sh->ns;
	*ph_vec_push(&p->helps) = new;
}

/* What is not known cannot be made faster. */
static int most_help_first(const void *pa, const void *pb)
{
	const struct ph_path_help *a = pa, *b = pb;
	bool ua = a->resource == PH_RES_UNKNOWN, ub = b->resource == PH_RES_UNKNOWN;

	return ua != ub ? (ua ? 1 : -1) : a->ns != b->ns ? (a->ns > b->ns ? -1 : 1) : memcmp(a, b, offsetof(struct ph_path_help, ns));
}

static int longest_share_first(const void *pa, const void *pb)
{
	const struct ph_path_share *a = pa, *b = pb;

	return a->ns != b->ns ? (a->ns > b->ns ? -1 : 1) : memcmp(a, b, offsetof(struct ph_path_share, ns));
}

static int first_step_first(const void *pa, const void *pb)
{
	const struct path_long *a = pa, *b = pb;

	return a->nr < b->nr ? -1 : 1;
}

#define SORT(vec, by) do { if ((vec)->n) qsort((vec)->v, (vec)->n, sizeof(*(vec)->v), by); } while (0)

void path_sum_begin(struct ph_path *p)
{
	p->shares.n = p->helps.n = p->longest.n = 0;
	ph_u64map_done(&p->share_map);
	p->steps_at = ph_spill_size(p->steps);
	p->nsteps = 0;
	p->last = (struct ph_step){ 0 };
}

void path_sum_finish(struct ph_path *p)
{
	step_keep(p);
	/* They were told the last first. */
	ph_vec_each(l, &p->longest)
		l->nr = p->nsteps - 1 - l->nr;
	SORT(&p->longest, first_step_first);
	ph_vec_each(sh, &p->shares)
		help_add(p, sh);
	SORT(&p->shares, longest_share_first);
	SORT(&p->helps, most_help_first);
}

void path_sum_done(struct ph_path *p)
{
	ph_vec_done(&p->shares);
	ph_vec_done(&p->helps);
	ph_vec_done(&p->longest);
	ph_u64map_done(&p->share_map);
}
