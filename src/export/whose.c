/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Containers and their tasks: who spent what, and whose a function is. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "export/parts.h"

/* ---- containers ---------------------------------------------------------------------------------------- */

static int heaviest_task(const void *pa, const void *pb)
{
	const struct ph_whose_part *a = pa, *b = pb;

	return a->weight != b->weight ? a->weight > b->weight ? -1 : 1 : strcmp(a->of, b->of);
}

static int heaviest_container(const void *pa, const void *pb)
{
	const struct ph_whose_container *a = pa, *b = pb;

	return a->weight != b->weight ? a->weight > b->weight ? -1 : 1 : strcmp(a->name, b->name);
}

/* What @key had in @m is a number from 1 on; @next is it where there is none yet. */
static uintptr_t number_of(struct ph_strmap *m, const char *key, size_t next)
{
	uintptr_t have = (uintptr_t)ph_strmap_get(m, key);

	if (have)
		return have;
	ph_strmap_put(m, key, (void *)(uintptr_t)next);
	return next;
}

void ph_whose_get(const struct ph_profile *p, ph_whose *out)
{
	struct ph_strmap containers = { 0 }, tasks = { 0 };
	ph_autobuf key = { 0 };

	ph_vec_each(row, &p->rows) {
		const struct ph_actor *a = &p->actors.v[row->actor];
		const struct ph_container *known = ph_identity_container(p->id, a->container);
		const char *name = ph_profile_container(p, a->container), *task = a->comm[0] ? a->comm : "?";
		size_t nr = number_of(&containers, name, out->n + 1), task_nr;
		struct ph_whose_container *c;

		if (nr > out->n)
			*ph_vec_push(out) = (struct ph_whose_container){ .name = name, .image = known ? known->image : NULL,
									      .host = a->container == PH_CONTAINER_HOST };
		c = &out->v[nr - 1];
		ph_buf_clear(&key);
		ph_buf_addf(&key, "%zu %s", nr, task);
		task_nr = number_of(&tasks, key.p, c->tasks.n + 1);
		if (task_nr > c->tasks.n)
			*ph_vec_push(&c->tasks) = (struct ph_whose_part){ .of = task };
		c->weight += row->weight;
		c->tasks.v[task_nr - 1].weight += row->weight;
	}
	ph_vec_each(c, out)
		qsort(c->tasks.v, c->tasks.n, sizeof(c->tasks.v[0]), heaviest_task);
	if (out->n)
		qsort(out->v, out->n, sizeof(out->v[0]), heaviest_container);
	ph_strmap_done(&containers);
	ph_strmap_done(&tasks);
}

void ph_whose_done(ph_whose *w)
{
	ph_vec_each(c, w)
		ph_vec_done(&c->tasks);
	ph_vec_done(w);
}

/* ---- functions ----------------------------------------------------------------------------------------- */

struct share {
	uint32_t container;
	uint64_t weight, most, all;
};

static struct share *share_of(struct ph_u64map *m, uint64_t key)
{
	struct share *s = ph_u64map_get(m, key);

	if (!s) {
		s = ph_alloc(sizeof(*s));
		ph_u64map_put(m, key, s);
	}
	return s;
}

static uint64_t func_key(const struct ph_func *f)
{
	uint64_t h = ph_hash(PH_HASH_INIT + f->kind, f->module, strlen(f->module) + 1);

	return ph_hash(h, f->name, strlen(f->name));
}

void ph_owners_find(const struct ph_profile *p, struct ph_owners *o)
{
	ph_locv locs = { 0 };

	ph_vec_each(row, &p->rows) {
		uint32_t container = p->actors.v[row->actor].container;

		ph_profile_stack(p, row, false, &locs);
		for (size_t i = 0; i < locs.n; i++) {
			uint64_t key = func_key(ph_profile_func(p, locs.v[i]));
			struct share *pair = share_of(&o->by_pair, ph_hash(key, &container, sizeof(container)));
			struct share *of = share_of(&o->by_func, key);

			pair->weight += row->weight;
			of->all += row->weight;
			if (pair->weight >= of->most) {
				of->most = pair->weight;
				of->container = container;
			}
		}
	}
	ph_vec_done(&locs);
}

void ph_owners_done(struct ph_owners *o)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&o->by_pair, s)); )
		free(s->val);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&o->by_func, s)); )
		free(s->val);
	ph_u64map_done(&o->by_pair);
	ph_u64map_done(&o->by_func);
}

void ph_owners_cell(struct ph_cell *c, const struct ph_profile *p, const struct ph_owners *o, const struct ph_func *f)
{
	const struct share *s = ph_u64map_get(&o->by_func, func_key(f));
	ph_autobuf text = { 0 };

	if (!s)
		return;
	ph_buf_adds(&text, ph_profile_container(p, s->container));
	if (s->most < s->all)
		ph_buf_adds(&text, " +");
	ph_cell_str(c, text.p);
}
