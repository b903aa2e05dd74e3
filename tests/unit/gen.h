/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_TESTS_GEN_H
#define PH_TESTS_GEN_H

#include <string.h>

#include "base/buf.h"
#include "event/schema.h"

/*
 * Events with made-up values, for whoever wants one of each class. Values depend on @seed alone.
 * Integers have all their bits in use; strings hold what printers must escape.
 */
#define GEN_FIELDS_MAX 64
#define GEN_SEQ_MAX 5

struct gen {
	uint64_t state;
	struct ph_value v[GEN_FIELDS_MAX], seq[GEN_FIELDS_MAX][GEN_SEQ_MAX];
	char text[GEN_FIELDS_MAX][32];
};

static inline uint64_t gen_random(struct gen *g)
{
	g->state ^= g->state << 13;
	g->state ^= g->state >> 7;
	g->state ^= g->state << 17;
	return g->state;
}

static inline uint64_t gen_int(struct gen *g, const struct ph_type *t)
{
	uint64_t r = gen_random(g);
	unsigned int shift = 64 - t->bits;

	/* Sign and zero extension are what decoders get wrong. */
	return t->kind == PH_KIND_INT ? (uint64_t)((int64_t)(r << shift) >> shift)
				      : r << shift >> shift;
}

static inline void gen_value(struct gen *g, const struct ph_type *t, uint32_t i)
{
	static const char chars[] = "abc XYZ019-_/\"\\\t\n\x1b\xc3\xa9{}[],=";
	struct ph_value *v = &g->v[i];

	switch (t->kind) {
	case PH_KIND_STR:
	case PH_KIND_BYTES:
		v->n = (uint32_t)(gen_random(g) % (t->bits == 128 ? 16 : 32));
		for (uint32_t k = 0; k < v->n; k++)
			g->text[i][k] = t->kind == PH_KIND_STR
				? chars[gen_random(g) % (sizeof(chars) - 1)]
				: (char)gen_random(g);
		v->s = g->text[i];
		break;
	case PH_KIND_SEQ:
		v->n = (uint32_t)(gen_random(g) % GEN_SEQ_MAX);
		for (uint32_t k = 0; k < v->n; k++)
			g->seq[i][k].u = gen_int(g, t->elem);
		v->v = g->seq[i];
		break;
	default:
		v->u = gen_int(g, t);
	}
}

/* Values stay valid until the next call with this @g. */
static inline struct ph_event gen_event(struct gen *g, const struct ph_class *cls, uint64_t seed)
{
	struct ph_event ev = { .cls = cls, .v = g->v };

	g->state = seed * 0x9e3779b97f4a7c15ULL + 0x1234567;
	for (uint32_t i = 0; i < cls->nfields && i < GEN_FIELDS_MAX; i++)
		gen_value(g, cls->fields[i].type, i);
	ev.tid = (int32_t)(gen_random(g) % 4194304);
	ev.pid = -1;
	ev.container = (uint32_t)(gen_random(g) % 1000);
	return ev;
}

#endif
