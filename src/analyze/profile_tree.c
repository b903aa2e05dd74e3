/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyze/profile_tree.h"

#include <stdlib.h>

#include "base/cleanup.h"

#define NODES_MAX (1u << 22)
/* Outputs go down a branch by recursion, and browsers, too. */
#define DEPTH_MAX 512

/* The same function of two profiles is one. */
struct builder {
	struct ph_tree *t;
	struct ph_u64map children;
	struct ph_strmap ids;
	PH_VEC(uint32_t) of[2];		/* by number of the function, in each profile; 0: not asked yet */
	struct ph_buf text;
};

static uint32_t id_of(struct builder *b, const struct ph_profile *p, unsigned int which, uint32_t func)
{
	const struct ph_func *f = &p->funcs.v[func];
	uintptr_t id;

	while (b->of[which].n <= func)
		ph_vec_push(&b->of[which]);
	if (b->of[which].v[func])
		return b->of[which].v[func];
	ph_buf_clear(&b->text);
	ph_buf_addf(&b->text, "%u\n%s\n%s", f->kind, f->module, f->name);
	id = (uintptr_t)ph_strmap_get(&b->ids, b->text.p);
	if (!id) {
		id = b->ids.n + 1;
		ph_strmap_put(&b->ids, b->text.p, (void *)id);
	}
	b->of[which].v[func] = (uint32_t)id;
	return (uint32_t)id;
}

static uint32_t child_of(struct builder *b, uint32_t parent, const struct ph_profile *p, unsigned int which, uint32_t loc)
{
	struct ph_tree *t = b->t;
	uint64_t key = (uint64_t)parent << 32 | id_of(b, p, which, p->locs.v[loc].func);
	uintptr_t have = (uintptr_t)ph_u64map_get(&b->children, key);
	struct ph_tree_node *n;

	if (have)
		return (uint32_t)have;
	if (t->nodes.n >= NODES_MAX || t->nodes.v[parent].depth >= DEPTH_MAX)
		return 0;
	n = ph_vec_push(&t->nodes);
	n->func = ph_profile_func(p, loc);
	n->loc = &p->locs.v[loc];
	n->parent = parent;
	n->depth = t->nodes.v[parent].depth + 1;
	n->next = t->nodes.v[parent].child;
	t->nodes.v[parent].child = (uint32_t)t->nodes.n - 1;
	if (n->depth > t->depth)
		t->depth = n->depth;
	ph_u64map_put(&b->children, key, (void *)(uintptr_t)(t->nodes.n - 1));
	return (uint32_t)t->nodes.n - 1;
}

static void count(struct ph_tree_node *n, const struct ph_profile_row *row, bool is_base, bool self)
{
	if (is_base) {
		n->base += row->weight;
		n->base_self += self ? row->weight : 0;
		return;
	}
	n->total += row->weight;
	n->count += row->count;
	n->self += self ? row->weight : 0;
}

static void add(struct builder *b, const struct ph_profile *p, bool is_base)
{
	ph_locv locs = { 0 };

	ph_vec_each(row, &p->rows) {
		uint32_t at = 0;

		ph_profile_stack(p, row, true, &locs);
		count(&b->t->nodes.v[0], row, is_base, !locs.n);
		for (size_t i = 0; i < locs.n; i++) {
			uint32_t child = child_of(b, at, p, is_base, locs.v[i]);

			if (!child) {
				b->t->cut += is_base ? 0 : row->weight;
				b->t->nodes.v[at].self += is_base ? 0 : row->weight;
				b->t->nodes.v[at].base_self += is_base ? row->weight : 0;
				break;
			}
			at = child;
			count(&b->t->nodes.v[at], row, is_base, i + 1 == locs.n);
		}
	}
	ph_vec_done(&locs);
}

static void scale_base(struct ph_tree *t)
{
	uint64_t was = t->nodes.v[0].base;
	double each = was ? (double)t->nodes.v[0].total / (double)was : 0;

	ph_vec_each(n, &t->nodes) {
		n->base = (uint64_t)((double)n->base * each + 0.5);
		n->base_self = (uint64_t)((double)n->base_self * each + 0.5);
	}
}

static int by_name(const struct ph_tree_node *a, const struct ph_tree_node *b)
{
	int r = strcmp(a->func->label, b->func->label);

	return r ? r : strcmp(a->func->module, b->func->module);
}

static uint64_t weight_of(const struct ph_tree_node *n)
{
	return n->total > n->base ? n->total : n->base;
}

static int compare(const struct ph_tree_node *a, const struct ph_tree_node *b, enum ph_tree_order order)
{
	if (order == PH_TREE_HEAVIEST && weight_of(a) != weight_of(b))
		return weight_of(a) > weight_of(b) ? -1 : 1;
	return by_name(a, b);
}

/* Merge sort of a list of siblings; there may be very many. */
static uint32_t sort(struct ph_tree *t, uint32_t list, enum ph_tree_order order)
{
	struct ph_tree_node *v = t->nodes.v;
	uint32_t half, slow = list, fast, a, b, head = 0, *tail = &head;

	if (!list || !v[list].next)
		return list;
	for (fast = v[list].next; fast && v[fast].next; fast = v[v[fast].next].next)
		slow = v[slow].next;
	half = v[slow].next;
	v[slow].next = 0;
	a = sort(t, list, order);
	b = sort(t, half, order);
	while (a && b) {
		uint32_t *first = compare(&v[a], &v[b], order) <= 0 ? &a : &b;

		*tail = *first;
		tail = &v[*first].next;
		*first = v[*first].next;
	}
	*tail = a ? a : b;
	return head;
}

struct ph_tree *ph_tree_new(const struct ph_profile *p, const struct ph_profile *base, enum ph_tree_order order)
{
	struct ph_tree *t = ph_alloc(sizeof(*t));
	struct builder b = { .t = t };

	t->p = p;
	t->base = base;
	ph_vec_push(&t->nodes)->func = &p->funcs.v[0];
	add(&b, p, false);
	if (base) {
		add(&b, base, true);
		scale_base(t);
	}
	for (size_t i = 0; i < t->nodes.n; i++)
		t->nodes.v[i].child = sort(t, t->nodes.v[i].child, order);
	ph_u64map_done(&b.children);
	ph_strmap_done(&b.ids);
	ph_vec_done(&b.of[0]);
	ph_vec_done(&b.of[1]);
	ph_buf_done(&b.text);
	return t;
}

void ph_tree_free(struct ph_tree *t)
{
	if (!t)
		return;
	ph_vec_done(&t->nodes);
	free(t);
}

/* ---- by function --------------------------------------------------------------------------------------- */

static int heaviest_first(const void *pa, const void *pb)
{
	const struct ph_tree_func *a = pa, *b = pb;
	uint64_t sa = a->self > a->base_self ? a->self : a->base_self, sb = b->self > b->base_self ? b->self : b->base_self;

	if (sa != sb)
		return sa > sb ? -1 : 1;
	if (a->total != b->total)
		return a->total > b->total ? -1 : 1;
	return strcmp(a->func->label, b->func->label);
}

static bool above(const struct ph_tree *t, const struct ph_tree_node *n, const uint32_t *ids, uint32_t id)
{
	for (uint32_t at = n->parent; at; at = t->nodes.v[at].parent)
		if (ids[at] == id)
			return true;
	return false;
}

void ph_tree_functions(const struct ph_tree *t, ph_tree_funcs *out)
{
	ph_autofree uint32_t *ids = ph_alloc(t->nodes.n * sizeof(*ids));
	struct ph_strmap known = { 0 };
	ph_autobuf text = { 0 };

	out->n = 0;
	for (uint32_t i = 1; i < t->nodes.n; i++) {
		const struct ph_tree_node *n = &t->nodes.v[i];
		struct ph_tree_func *f;
		uint32_t waits = i;

		if (n->func->kind == PH_FRAME_GROUP)
			continue;
		ph_buf_clear(&text);
		ph_buf_addf(&text, "%u\n%s\n%s", n->func->kind, n->func->module, n->func->name);
		ids[i] = (uint32_t)(uintptr_t)ph_strmap_get(&known, text.p);
		if (!ids[i]) {
			*ph_vec_push(out) = (struct ph_tree_func){ .func = n->func, .loc = n->loc };
			ids[i] = (uint32_t)out->n;
			ph_strmap_put(&known, text.p, (void *)(uintptr_t)out->n);
		}
		/* Of a wait, the function that waits. */
		while (waits && t->nodes.v[waits].func->kind == PH_FRAME_WAIT)
			waits = t->nodes.v[waits].parent;
		f = &out->v[(ids[waits] ? ids[waits] : ids[i]) - 1];
		f->self += n->self;
		f->base_self += n->base_self;
		f = &out->v[ids[i] - 1];
		/* Parents come before their children in the list. */
		if (above(t, n, ids, ids[i]))
			continue;
		f->total += n->total;
		f->base_total += n->base;
	}
	ph_strmap_done(&known);
	if (out->n)
		qsort(out->v, out->n, sizeof(out->v[0]), heaviest_first);
}
