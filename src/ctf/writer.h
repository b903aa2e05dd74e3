/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CTF_WRITER_H
#define PH_CTF_WRITER_H

#include "base/buf.h"
#include "ctf/ctf.h"

/*
 * Inside of the writer: what its files share.
 *
 * The event header is a variant as LTTng's, sized for us: one byte of id, 24 bits of time. 255 means
 * that a 32-bit id and a 64-bit time follow. 4 bytes an event against 6 of LTTng's large header, and
 * 254 more classes than its compact one; 24 bits of ns last 16.7 ms, so a quiet CPU pays the extended
 * form, a busy one never does.
 */
#define PH_CTF_ID_EXTENDED 255u
#define PH_CTF_TS_BITS 24

/* Longest metadata integers that stand before a sequence: "_name_length". */
#define PH_CTF_LENGTH_MAX UINT16_MAX

/* What is done for one field; integers are stored in the next size of whole bytes. */
enum ph_wop_kind {
	PH_WOP_8, PH_WOP_16, PH_WOP_24, PH_WOP_32, PH_WOP_64, PH_WOP_F32,
	PH_WOP_STR, PH_WOP_BYTES, PH_WOP_SEQ, PH_WOP_STRUCT,
};

/* A compiled event class. */
struct ph_wclass {
	uint32_t id;
	uint32_t nops;
	uint32_t fixed_bytes;		/* header, context and payload without the variable parts */
	bool has_var;
	uint8_t *ops;			/* enum ph_wop_kind, one a field */
	const struct ph_class *cls;
};

/* Bits that an integer takes in the trace. */
static inline unsigned int ph_wint_bits(const struct ph_type *t)
{
	return t->bits <= 32 ? (t->bits + 7u) / 8 * 8 : 64;
}

/* TSDL text. All return 0 or -EOPNOTSUPP/-EINVAL with a sentence. */
int ph_tsdl_head(struct ph_buf *out, const struct ph_ctf_env *env, const uint8_t uuid[16],
		 const struct ph_field *ctx, uint32_t nctx, struct ph_err *err);
int ph_tsdl_class(struct ph_buf *out, const struct ph_class *cls, uint32_t id, struct ph_err *err);

/* Operations for @n fields: into @ops, and the bytes that do not depend on values. */
int ph_wops_compile(const struct ph_field *fields, uint32_t n, uint8_t *ops, uint32_t *fixed_bytes,
		    bool *has_var, struct ph_err *err);
/* Bytes of the variable parts; UINT64_MAX where a length is above what its length field holds. */
uint64_t ph_wops_var(const uint8_t *ops, const struct ph_field *fields, const struct ph_value *v,
		     uint32_t n);
/* Append the values at @p, which has room; returns the end. */
uint8_t *ph_wops_put(const uint8_t *ops, const struct ph_field *fields, const struct ph_value *v,
		     uint32_t n, uint8_t *p);

#endif
