/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctf/decode.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

static int bad(struct ph_dec *d, const char *why)
{
	d->why = why;
	return -EBADMSG;
}

static int align(struct ph_dec *d, uint32_t a)
{
	d->pos = (d->pos + a - 1) & ~(uint64_t)(a - 1);
	return d->pos > d->end ? -ENODATA : 0;
}

/* @n bits from bit @pos on; they are there. Bits fill a byte from its low end in little endian,
 * from its high end in big endian. */
static uint64_t get_bits(const uint8_t *base, uint64_t pos, unsigned int n, bool be)
{
	const uint8_t *p = base + pos / 8;
	unsigned int skip = pos % 8, have, take;
	uint64_t v;

	if (!be) {
		v = (uint64_t)*p++ >> skip;
		for (have = 8 - skip; have < n; have += 8)
			v |= (uint64_t)*p++ << have;
		return n < 64 ? v & ((1ULL << n) - 1) : v;
	}
	have = 8 - skip;
	v = *p++ & (0xffu >> skip);
	if (n <= have)
		return v >> (have - n);
	for (n -= have; n; n -= take) {
		take = n < 8 ? n : 8;
		v = v << take | (uint64_t)(*p++ >> (8 - take));
	}
	return v;
}

static int get_int(struct ph_dec *d, const struct ph_ct *t, struct ph_value *v)
{
	unsigned int shift = 64 - t->bits;

	if (d->end - d->pos < t->bits)
		return -ENODATA;
	v->u = get_bits(d->base, d->pos, t->bits, t->order == PH_CT_BE);
	d->pos += t->bits;
	if (t->is_signed)
		v->i = (int64_t)(v->u << shift) >> shift;
	if (t->save >= 0)
		d->slots[t->save] = v->u;
	if (t->role) {
		d->role[t->role] = v->u;
		d->role_bits[t->role] = (uint8_t)t->bits;
	}
	return 0;
}

static int get_float(struct ph_dec *d, const struct ph_ct *t, struct ph_value *v)
{
	uint64_t u;
	uint32_t u32;
	float f;

	if (d->end - d->pos < t->bits)
		return -ENODATA;
	u = get_bits(d->base, d->pos, t->bits, t->order == PH_CT_BE);
	d->pos += t->bits;
	if (t->bits == 64) {
		memcpy(&v->f, &u, sizeof(v->f));
	} else {
		u32 = (uint32_t)u;
		memcpy(&f, &u32, sizeof(f));
		v->f = (double)f;
	}
	return 0;
}

static int get_string(struct ph_dec *d, struct ph_value *v)
{
	const uint8_t *p = d->base + d->pos / 8;
	const uint8_t *nul = memchr(p, 0, (size_t)(d->end / 8 - d->pos / 8));

	if (!nul)
		return -ENODATA;
	v->s = (const char *)p;
	v->n = (uint32_t)(nul - p);
	if ((uint64_t)(nul - p) > UINT32_MAX - 1)
		return bad(d, "a string is longer than 4 GiB");
	d->pos += ((uint64_t)(nul - p) + 1) * 8;
	return 0;
}

static int get_scratch(struct ph_dec *d, uint64_t n, struct ph_value **ret)
{
	if (n > (PH_DEC_SCRATCH_MAX - d->scratch->used) / sizeof(**ret) ||
	    d->scratch->used > PH_DEC_SCRATCH_MAX)
		return bad(d, "an event's values take more than 64 MiB");
	*ret = ph_pool_alloc(d->scratch, (size_t)n * sizeof(**ret));
	return 0;
}

/* Bytes stay where they are in the packet, unless they do not start at a byte. */
static int get_bytes(struct ph_dec *d, const struct ph_ct *t, uint64_t n, struct ph_value *v)
{
	if (n > (d->end - d->pos) / 8)
		return -ENODATA;
	if (d->pos % 8 == 0) {
		v->s = (const char *)d->base + d->pos / 8;
	} else {
		char *copy;

		if (n > PH_DEC_SCRATCH_MAX || d->scratch->used > PH_DEC_SCRATCH_MAX)
			return bad(d, "an event's values take more than 64 MiB");
		copy = ph_pool_alloc(d->scratch, (size_t)n);
		for (uint64_t i = 0; i < n; i++)
			copy[i] = (char)get_bits(d->base, d->pos + i * 8, 8,
						 t->elem->order == PH_CT_BE);
		v->s = copy;
	}
	v->n = t->elem->is_text ? (uint32_t)strnlen(v->s, (size_t)n) : (uint32_t)n;
	if (t->role) {
		/* A uuid: where it stands. */
		d->role[t->role] = d->pos / 8;
		d->role_bits[t->role] = 128;
	}
	d->pos += n * 8;
	return 0;
}

static int get_array(struct ph_dec *d, const struct ph_ct *t, uint64_t n, struct ph_value *v)
{
	struct ph_value *elems;
	int r = align(d, t->elem->align);

	if (r < 0)
		return r;
	if (ph_ct_is_byte(t->elem) && t->elem->align <= 8)
		return get_bytes(d, t, n, v);
	/* Elements may have no bits, so this bounds what they cost; see also empty_left. */
	if (n > d->end - d->pos + 64)
		return -ENODATA;
	r = get_scratch(d, n, &elems);
	if (r < 0)
		return r;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t before = d->pos;

		r = ph_dec_any(d, t->elem, &elems[i]);
		if (r < 0)
			return r;
		if (d->pos == before && !d->empty_left--)
			return bad(d, "there are more values without bits than bits");
	}
	v->n = (uint32_t)n;
	v->v = elems;
	/* Bytes with gaps between them: what a consumer takes for bytes must be such. */
	if (ph_ct_is_byte(t->elem)) {
		char *copy = (char *)elems;

		for (uint64_t i = 0; i < n; i++)
			copy[i] = (char)elems[i].u;
		v->s = copy;
		if (t->elem->is_text)
			v->n = (uint32_t)strnlen(copy, (size_t)n);
	}
	return 0;
}

static int get_struct(struct ph_dec *d, const struct ph_ct *t, struct ph_value *v)
{
	struct ph_value *vals = NULL, hidden;
	uint32_t n = 0;
	int r = get_scratch(d, t->n, &vals);

	for (uint32_t i = 0; i < t->n && r == 0; i++) {
		uint64_t before = d->pos;

		r = ph_dec_any(d, t->members[i].type, ph_ct_hidden(t, i) ? &hidden : &vals[n++]);
		if (r == 0 && d->pos == before && !d->empty_left--)
			r = bad(d, "there are more values without bits than bits");
	}
	v->v = vals;
	v->n = n;
	return r;
}

static int get_variant(struct ph_dec *d, const struct ph_ct *t, struct ph_value *v)
{
	uint64_t tag = d->slots[t->slot];
	struct ph_value *val;
	int r;

	for (uint32_t i = 0; i < t->nchoices; i++) {
		const struct ph_ct_choice *c = &t->choices[i];

		/* Signed or not, a tag inside of its range lies there by difference. */
		if (tag - (uint64_t)c->lo > (uint64_t)c->hi - (uint64_t)c->lo)
			continue;
		r = get_scratch(d, 1, &val);
		if (r < 0)
			return r;
		v->v = val;
		v->n = 1;
		v->sel = c->option;
		return ph_dec_any(d, t->members[c->option].type, val);
	}
	return bad(d, "a variant's tag selects none of its options");
}

int ph_dec_any(struct ph_dec *d, const struct ph_ct *t, struct ph_value *v)
{
	int r = align(d, t->align);

	if (r < 0)
		return r;
	switch (t->kind) {
	case PH_CT_INT:
	case PH_CT_ENUM:
		return get_int(d, t, v);
	case PH_CT_FLOAT:
		return get_float(d, t, v);
	case PH_CT_STRING:
		return get_string(d, v);
	case PH_CT_STRUCT:
		return get_struct(d, t, v);
	case PH_CT_VARIANT:
		return get_variant(d, t, v);
	case PH_CT_ARRAY:
		return get_array(d, t, t->n, v);
	case PH_CT_SEQ:
		if (d->slots[t->slot] > UINT32_MAX)
			return -ENODATA;
		return get_array(d, t, d->slots[t->slot], v);
	}
	return bad(d, "it has a type of no known kind");
}
