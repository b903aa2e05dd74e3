/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CTF_DECODE_H
#define PH_CTF_DECODE_H

#include "ctf/instance.h"

/* Bytes that may be read (not used) behind the end of a packet in memory. */
#define PH_DEC_PAD 16
/* An event's nested values may take this much memory. */
#define PH_DEC_SCRATCH_MAX (64u << 20)

/* Where decoding is, in one packet. Positions are bits from the packet's begin. */
struct ph_dec {
	const uint8_t *base;
	uint64_t pos, end;
	uint64_t *slots;
	struct ph_pool *scratch;	/* nested values of the present event */
	uint64_t empty_left;		/* values without bits that may still come in this packet */
	const char *why;		/* after an error: what is wrong, in words */
	uint64_t role[PH_ROLE_MAX];
	uint8_t role_bits[PH_ROLE_MAX];	/* 0: not met */
};

/* Any type at any position. 0; -EBADMSG, -E2BIG with d->why; -ENODATA: the packet ends before. */
int ph_dec_any(struct ph_dec *d, const struct ph_ct *t, struct ph_value *v);

/*
 * The plan of an event class: contexts and fields as a list of operations. What starts at a byte and
 * has this machine's byte order is a load from a run that is checked once; the rest is ph_dec_any().
 */
struct ph_op {
	uint8_t code;
	uint16_t dst;		/* value */
	uint32_t off;		/* in the run; a slot */
	union {
		const struct ph_ct *type;
		uint64_t n;
	};
};

struct ph_plan {
	struct ph_op *ops;
	uint32_t nvals;		/* visible values first, then hidden ones */
};

#define PH_PLAN_VALS_MAX 32768

/*
 * Make the plan of @roots (structures or NULL, in order). @byte_start: it always begins at a byte.
 * Ops are of @pool. 0 or -E2BIG.
 */
int ph_plan_make(struct ph_plan *plan, struct ph_pool *pool, struct ph_ct *const *roots,
		 uint32_t nroots, bool byte_start, struct ph_err *err);
/* Decode at d->pos into @v, which has plan->nvals elements. Errors as ph_dec_any(). */
int ph_plan_run(const struct ph_plan *plan, struct ph_dec *d, struct ph_value *v);

#endif
