/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctf/decode.h"

/*
 * Operations are threaded: each ends in a jump of its own to the next, so that the branch predictor
 * learns which one follows which. An operation of a run loads from the run's begin.
 */
#define OPS(X)										\
	X(END) X(RUN) X(U8) X(U16) X(U24) X(U32) X(U64) X(S8) X(S16) X(S24) X(S32) X(F32)			\
	X(TEXT) X(BYTES) X(STR) X(SEQ_BYTES) X(SEQ_TEXT) X(SAVE) X(ALIGN) X(ANY)

enum op_code {
#define X(name) OP_##name,
	OPS(X)
#undef X
};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ORDER_HERE PH_CT_LE
#else
#define ORDER_HERE PH_CT_BE
#endif

/* ---- making -------------------------------------------------------------------------------------- */

struct maker {
	PH_VEC(struct ph_op) ops;
	int64_t run;		/* index of the open run's OP_RUN, -1: none */
	bool at_byte;		/* the position is known to be at a byte */
	uint32_t visible, hidden;
};

static struct ph_op *emit(struct maker *m, enum op_code code, uint16_t dst)
{
	struct ph_op *op = ph_vec_push(&m->ops);

	op->code = (uint8_t)code;
	op->dst = dst;
	return op;
}

static void emit_align(struct maker *m, uint32_t a)
{
	if (a == 1 || (a <= 8 && m->at_byte))
		return;
	m->run = -1;
	emit(m, OP_ALIGN, 0)->n = a;
	m->at_byte = a >= 8;
}

/* An operation on @size bytes of the present run. */
static struct ph_op *emit_in_run(struct maker *m, enum op_code code, uint16_t dst, uint64_t size)
{
	struct ph_op *op;

	if (m->run < 0 || m->ops.v[m->run].n + size > UINT32_MAX) {
		m->run = (int64_t)m->ops.n;
		emit(m, OP_RUN, 0);
	}
	op = emit(m, code, dst);
	op->off = (uint32_t)m->ops.v[m->run].n;
	m->ops.v[m->run].n += size;
	return op;
}

static int int_code(const struct ph_ct *t)
{
	switch (t->bits) {
	case 8:
		return t->is_signed ? OP_S8 : OP_U8;
	case 16:
		return t->is_signed ? OP_S16 : OP_U16;
	case 24:
		if (ORDER_HERE == PH_CT_LE)
			return t->is_signed ? OP_S24 : OP_U24;
		break;
	case 32:
		return t->is_signed ? OP_S32 : OP_U32;
	case 64:
		return OP_U64;
	}
	return -1;
}

static bool is_plain(const struct ph_ct *t)
{
	return t->align >= 8 && (t->order == ORDER_HERE || t->bits == 8);
}

static bool is_plain_byte(const struct ph_ct *t)
{
	return ph_ct_is_byte(t) && t->align == 8;
}

static void emit_field(struct maker *m, const struct ph_ct *t, uint16_t dst)
{
	int code = t->kind == PH_CT_INT || t->kind == PH_CT_ENUM ? int_code(t) : -1;

	if (t->kind == PH_CT_FLOAT)
		code = t->bits == 64 ? OP_U64 : OP_F32;
	if (code >= 0 && is_plain(t)) {
		emit_align(m, t->align);
		emit_in_run(m, (enum op_code)code, dst, t->bits / 8);
		if (t->save >= 0)
			emit(m, OP_SAVE, dst)->off = (uint32_t)t->save;
	} else if (t->kind == PH_CT_STRING) {
		emit_align(m, 8);
		m->run = -1;
		emit(m, OP_STR, dst);
	} else if (t->kind == PH_CT_ARRAY && is_plain_byte(t->elem)) {
		emit_align(m, 8);
		emit_in_run(m, t->elem->is_text ? OP_TEXT : OP_BYTES, dst, t->n)->n = t->n;
	} else if (t->kind == PH_CT_SEQ && is_plain_byte(t->elem)) {
		emit_align(m, 8);
		m->run = -1;
		emit(m, t->elem->is_text ? OP_SEQ_TEXT : OP_SEQ_BYTES, dst)->off = (uint32_t)t->slot;
	} else {
		m->run = -1;
		emit(m, OP_ANY, dst)->type = t;
		m->at_byte = false;
	}
}

static uint32_t count_hidden(struct ph_ct *const *roots, uint32_t nroots, uint32_t *all)
{
	uint32_t hidden = 0;

	*all = 0;
	for (uint32_t r = 0; r < nroots; r++) {
		for (uint32_t i = 0; roots[r] && i < roots[r]->n; i++)
			hidden += ph_ct_hidden(roots[r], i);
		*all += roots[r] ? roots[r]->n : 0;
	}
	return hidden;
}

int ph_plan_make(struct ph_plan *plan, struct ph_pool *pool, struct ph_ct *const *roots,
		 uint32_t nroots, bool byte_start, struct ph_err *err)
{
	struct maker m = { .run = -1, .at_byte = byte_start };
	uint32_t all, hidden = count_hidden(roots, nroots, &all);

	if (all > PH_PLAN_VALS_MAX)
		return ph_err_set(err, -E2BIG, "it has more than %u fields", PH_PLAN_VALS_MAX);
	m.hidden = all - hidden;	/* behind all that is visible */
	for (uint32_t r = 0; r < nroots; r++) {
		if (!roots[r])
			continue;
		emit_align(&m, roots[r]->align);
		for (uint32_t i = 0; i < roots[r]->n; i++) {
			bool hide = ph_ct_hidden(roots[r], i);

			emit_field(&m, roots[r]->members[i].type,
				   (uint16_t)(hide ? m.hidden++ : m.visible++));
		}
	}
	emit(&m, OP_END, 0);
	plan->nvals = all;
	plan->ops = ph_pool_alloc(pool, m.ops.n * sizeof(*m.ops.v));
	memcpy(plan->ops, m.ops.v, m.ops.n * sizeof(*m.ops.v));
	ph_vec_done(&m.ops);
	return 0;
}

/* ---- running -------------------------------------------------------------------------------------- */

#define LOAD(type, p) ({ type x_; memcpy(&x_, (p), sizeof(x_)); x_; })

/* Length of a string that ends before @end; SIZE_MAX where it does not. Most are a few words long. */
static inline size_t string_length(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *nul = p;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	/* A zero byte is the lowest that borrows here; PH_DEC_PAD lets the load pass the end. */
	for (; nul < end && nul - p < 32; nul += 8) {
		uint64_t w = LOAD(uint64_t, nul);
		uint64_t zero = (w - 0x0101010101010101ULL) & ~w & 0x8080808080808080ULL;

		if (zero) {
			nul += __builtin_ctzll(zero) / 8;
			return nul < end ? (size_t)(nul - p) : SIZE_MAX;
		}
	}
	if (nul >= end)
		return SIZE_MAX;
#endif
	nul = memchr(nul, 0, (size_t)(end - nul));
	return nul ? (size_t)(nul - p) : SIZE_MAX;
}

int ph_plan_run(const struct ph_plan *plan, struct ph_dec *d, struct ph_value *v)
{
#define X(name) [OP_##name] = &&op_##name,
	static const void *const labels[] = { OPS(X) };
#undef X
	const struct ph_op *op = plan->ops;
	const uint8_t *base = d->base, *end = base + d->end / 8;
	/* The position is p and, where only OP_ANY may follow, some bits more. */
	const uint8_t *p = base + d->pos / 8, *run = p;
	unsigned int rest = d->pos % 8;
	size_t len;
	int r;

#define NEXT() goto *labels[(++op)->code]
	goto *labels[op->code];
op_RUN:
	if (ph_unlikely((uint64_t)(end - p) < op->n))
		goto no_data;
	run = p;
	p += op->n;
	NEXT();
op_U8:
	v[op->dst].u = run[op->off];
	NEXT();
op_U16:
	v[op->dst].u = LOAD(uint16_t, run + op->off);
	NEXT();
op_U24:
	v[op->dst].u = LOAD(uint32_t, run + op->off) & 0xffffff;
	NEXT();
op_U32:
	v[op->dst].u = LOAD(uint32_t, run + op->off);
	NEXT();
op_U64:
	v[op->dst].u = LOAD(uint64_t, run + op->off);
	NEXT();
op_S8:
	v[op->dst].i = LOAD(int8_t, run + op->off);
	NEXT();
op_S16:
	v[op->dst].i = LOAD(int16_t, run + op->off);
	NEXT();
op_S24:
	v[op->dst].i = (int32_t)(LOAD(uint32_t, run + op->off) << 8) >> 8;
	NEXT();
op_S32:
	v[op->dst].i = LOAD(int32_t, run + op->off);
	NEXT();
op_F32:
	v[op->dst].f = (double)LOAD(float, run + op->off);
	NEXT();
op_TEXT:
	v[op->dst].s = (const char *)run + op->off;
	v[op->dst].n = (uint32_t)strnlen((const char *)run + op->off, (size_t)op->n);
	NEXT();
op_BYTES:
	v[op->dst].s = (const char *)run + op->off;
	v[op->dst].n = (uint32_t)op->n;
	NEXT();
op_STR:
	len = string_length(p, end);
	if (ph_unlikely(len > UINT32_MAX))
		goto no_data;
	v[op->dst].s = (const char *)p;
	v[op->dst].n = (uint32_t)len;
	p += len + 1;
	NEXT();
op_SEQ_BYTES:
op_SEQ_TEXT:
	len = d->slots[op->off];
	if (ph_unlikely((uint64_t)(end - p) < len || len > UINT32_MAX))
		goto no_data;
	v[op->dst].s = (const char *)p;
	v[op->dst].n = (uint32_t)(op->code == OP_SEQ_TEXT ? strnlen((const char *)p, len) : len);
	p += len;
	NEXT();
op_SAVE:
	d->slots[op->off] = v[op->dst].u;
	NEXT();
op_ALIGN:
	d->pos = (uint64_t)(p - base) * 8 + rest;
	d->pos = (d->pos + op->n - 1) & ~(op->n - 1);
	if (ph_unlikely(d->pos > d->end))
		goto no_data;
	p = base + d->pos / 8;
	rest = d->pos % 8;
	NEXT();
op_ANY:
	d->pos = (uint64_t)(p - base) * 8 + rest;
	r = ph_dec_any(d, op->type, &v[op->dst]);
	if (ph_unlikely(r < 0))
		return r;
	p = base + d->pos / 8;
	rest = d->pos % 8;
	NEXT();
op_END:
	d->pos = (uint64_t)(p - base) * 8 + rest;
	return 0;
no_data:
	d->pos = (uint64_t)(p - base) * 8 + rest;
	return -ENODATA;
#undef NEXT
}
