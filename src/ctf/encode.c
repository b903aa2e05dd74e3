/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctf/writer.h"

/*
 * Values to bytes. Every field starts at a byte and has the machine's byte order, so encoding is a
 * store; there is no padding, and an event's size is known before its first byte is written.
 */

static int int_op(const struct ph_type *t)
{
	switch (ph_wint_bits(t)) {
	case 8:
		return PH_WOP_8;
	case 16:
		return PH_WOP_16;
	case 24:
		return PH_WOP_24;
	case 32:
		return PH_WOP_32;
	default:
		return PH_WOP_64;
	}
}

/* -1: cannot be written. */
static int op_of(const struct ph_type *t)
{
	switch (t->kind) {
	case PH_KIND_UINT:
	case PH_KIND_INT:
	case PH_KIND_ENUM:
		return int_op(t);
	case PH_KIND_FLOAT:
		return t->bits == 32 ? PH_WOP_F32 : PH_WOP_64;
	case PH_KIND_STR:
		return PH_WOP_STR;
	case PH_KIND_BYTES:
		return PH_WOP_BYTES;
	case PH_KIND_SEQ:
		return PH_WOP_SEQ;
	case PH_KIND_STRUCT:
		return PH_WOP_STRUCT;
	case PH_KIND_VARIANT:
		break;
	}
	return -1;
}

/* Bytes of one value that are there whatever the value is. */
static uint32_t fixed_of(int op)
{
	switch (op) {
	case PH_WOP_8:
	case PH_WOP_STR:	/* its terminator */
		return 1;
	case PH_WOP_16:
	case PH_WOP_BYTES:	/* its length */
	case PH_WOP_SEQ:
		return 2;
	case PH_WOP_24:
		return 3;
	case PH_WOP_32:
	case PH_WOP_F32:
		return 4;
	case PH_WOP_64:
		return 8;
	}
	return 0;
}

int ph_wops_compile(const struct ph_field *fields, uint32_t n, uint8_t *ops, uint32_t *fixed_bytes,
		    bool *has_var, struct ph_err *err)
{
	for (uint32_t i = 0; i < n; i++) {
		int op = op_of(fields[i].type);

		if (op < 0)
			return ph_err_set(err, -EOPNOTSUPP, "field \"%s\" is a variant, which cannot "
					  "be written", fields[i].name);
		ops[i] = (uint8_t)op;
		*fixed_bytes += fixed_of(op);
		if (op >= PH_WOP_STR)
			*has_var = true;
	}
	return 0;
}

static uint64_t value_var(int op, const struct ph_type *t, const struct ph_value *v);

/* All bytes of a value inside a sequence or structure, which have no compiled operations. */
static uint64_t value_size(const struct ph_type *t, const struct ph_value *v)
{
	int op = op_of(t);
	uint64_t var = value_var(op, t, v);

	return var == UINT64_MAX ? var : fixed_of(op) + var;
}

static uint64_t sum_of(const struct ph_type *t, const struct ph_value *v)
{
	bool is_seq = t->kind == PH_KIND_SEQ;
	uint32_t n = is_seq ? v->n : t->nfields;
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t one = value_size(is_seq ? t->elem : t->fields[i].type, &v->v[i]);

		if (one == UINT64_MAX)
			return one;
		sum += one;
	}
	return sum;
}

static uint64_t value_var(int op, const struct ph_type *t, const struct ph_value *v)
{
	switch (op) {
	case PH_WOP_STR:
		return v->n;
	case PH_WOP_BYTES:
		return v->n > PH_CTF_LENGTH_MAX ? UINT64_MAX : v->n;
	case PH_WOP_SEQ:
		if (v->n > PH_CTF_LENGTH_MAX)
			return UINT64_MAX;
		if (op_of(t->elem) < PH_WOP_STR)
			return (uint64_t)v->n * fixed_of(op_of(t->elem));
		return sum_of(t, v);
	case PH_WOP_STRUCT:
		return sum_of(t, v);
	}
	return 0;
}

uint64_t ph_wops_var(const uint8_t *ops, const struct ph_field *fields, const struct ph_value *v,
		     uint32_t n)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t one;

		if (ops[i] < PH_WOP_STR)
			continue;
		one = value_var(ops[i], fields[i].type, &v[i]);
		if (ph_unlikely(one == UINT64_MAX))
			return one;
		sum += one;
	}
	return sum;
}

#define STORE(type, val) do {		\
	type x_ = (type)(val);		\
	memcpy(p, &x_, sizeof(x_));	\
	p += sizeof(x_);		\
} while (0)

static uint8_t *put_value(int op, const struct ph_type *t, const struct ph_value *v, uint8_t *p);

static uint8_t *put_many(const struct ph_type *t, const struct ph_value *v, uint8_t *p)
{
	bool is_seq = t->kind == PH_KIND_SEQ;
	uint32_t n = is_seq ? v->n : t->nfields;

	for (uint32_t i = 0; i < n; i++) {
		const struct ph_type *et = is_seq ? t->elem : t->fields[i].type;

		p = put_value(op_of(et), et, &v->v[i], p);
	}
	return p;
}

static inline __attribute__((always_inline)) uint8_t *
put_value(int op, const struct ph_type *t, const struct ph_value *v, uint8_t *p)
{
	const void *nul;

	switch (op) {
	case PH_WOP_8:
		STORE(uint8_t, v->u);
		break;
	case PH_WOP_16:
		STORE(uint16_t, v->u);
		break;
	case PH_WOP_24:
		if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
			STORE(uint16_t, v->u);
			*p++ = (uint8_t)(v->u >> 16);
		} else {
			*p++ = (uint8_t)(v->u >> 16);
			STORE(uint16_t, v->u);
		}
		break;
	case PH_WOP_32:
		STORE(uint32_t, v->u);
		break;
	case PH_WOP_64:
		STORE(uint64_t, v->u);
		break;
	case PH_WOP_F32:
		STORE(float, v->f);
		break;
	case PH_WOP_STR:
		/* A CTF string ends at its first NUL, so one inside the value cuts it. */
		nul = v->n ? memccpy(p, v->s, 0, v->n) : NULL;
		if (nul)
			return (uint8_t *)nul;
		p += v->n;
		*p++ = 0;
		break;
	case PH_WOP_BYTES:
		STORE(uint16_t, v->n);
		if (v->n)
			memcpy(p, v->s, v->n);
		p += v->n;
		break;
	case PH_WOP_SEQ:
		STORE(uint16_t, v->n);
		return put_many(t, v, p);
	case PH_WOP_STRUCT:
		return put_many(t, v, p);
	}
	return p;
}

uint8_t *ph_wops_put(const uint8_t *ops, const struct ph_field *fields, const struct ph_value *v,
		     uint32_t n, uint8_t *p)
{
	for (uint32_t i = 0; i < n; i++)
		p = put_value(ops[i], fields[i].type, &v[i], p);
	return p;
}
