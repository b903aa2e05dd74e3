/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CTF_INSTANCE_H
#define PH_CTF_INSTANCE_H

#include "ctf/types.h"

/* The dynamic scopes, outermost first: a reference may name any that stands in front of it. */
enum ph_ct_scope {
	PH_SCOPE_PACKET_HEADER, PH_SCOPE_PACKET_CONTEXT, PH_SCOPE_EVENT_HEADER, PH_SCOPE_STREAM_CONTEXT,
	PH_SCOPE_EVENT_CONTEXT, PH_SCOPE_FIELDS, PH_SCOPE_MAX,
};

/*
 * Makes instances of types. roots[] holds those that are already there; the scopes of one event class
 * are made in order. A referenced integer gets a slot, where decoding leaves its value.
 */
struct ph_inst {
	struct ph_pool *pool;
	uint8_t order;			/* of the trace */
	struct ph_ct *roots[PH_SCOPE_MAX];
	uint32_t nslots;
	uint32_t nodes;			/* made so far */
	uint64_t work;			/* comparisons of names so far */

	/* while one is made */
	enum ph_ct_scope scope;
	uint32_t nframes;
	struct ph_ct *frames[PH_CT_DEPTH_MAX + 1];
};

/* @type NULL: the scope is absent, roots[scope] becomes NULL. */
int ph_inst_make(struct ph_inst *in, enum ph_ct_scope scope, struct ph_ct *type, struct ph_err *err);

/* Member @i of a structure is the length of the sequence behind it and nothing else, as LTTng has it:
 * consumers get the sequence alone. */
bool ph_ct_hidden(const struct ph_ct *t, uint32_t i);
/* The name for consumers: without one leading underscore. */
const char *ph_ct_name(const char *name);
/* An 8-bit integer: what strings of bytes are made of. */
bool ph_ct_is_byte(const struct ph_ct *t);

#endif
