/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CTF_TYPES_H
#define PH_CTF_TYPES_H

#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"
#include "ctf/pool.h"
#include "event/schema.h"

/*
 * What the metadata says. Types are trees. Those that the parser makes are shared through their
 * names; a scope's (an event's fields, a packet's context) are copies, "instances", in which the
 * references of sequences and variants are resolved.
 */
enum ph_ct_kind {
	PH_CT_INT, PH_CT_FLOAT, PH_CT_ENUM, PH_CT_STRING, PH_CT_STRUCT, PH_CT_VARIANT, PH_CT_ARRAY,
	PH_CT_SEQ,
};

enum ph_ct_order { PH_CT_NATIVE, PH_CT_LE, PH_CT_BE };

#define PH_CT_DEPTH_MAX 32		/* of nesting, in the text and in types */
/* Names make large trees of short texts: what one trace's instances may hold, and cost to make. */
#define PH_CT_NODES_MAX (1u << 20)
#define PH_CT_WORK_MAX (1u << 28)
#define PH_CT_STREAMS_MAX 1024

struct ph_ct;

struct ph_ct_member {
	const char *name;		/* as written, with its underscore */
	struct ph_ct *type;
};

/* Values of a variant's tag that select an option. */
struct ph_ct_choice {
	int64_t lo, hi;
	uint32_t option;
};

struct ph_ct {
	enum ph_ct_kind kind;
	uint8_t order;			/* enum ph_ct_order */
	uint8_t base;
	uint8_t depth;			/* of the tree below */
	bool is_signed, is_text, is_clock;
	uint16_t bits;
	uint32_t align;			/* bits, a power of two, at least 1 */
	uint32_t n;			/* members, labels, elements of an array */
	struct ph_ct *elem;		/* of arrays and sequences; an enumeration's integer */
	struct ph_ct_member *members;
	struct ph_enum_label *labels;
	const char *clock;		/* name of the clock an integer is a time of, or NULL */
	const char *ref;		/* a sequence's length, a variant's tag, as written */

	/* of instances */
	int32_t save;			/* integers: slot where others find the value, -1: none does */
	int32_t slot;			/* sequences, variants: slot of the reference */
	struct ph_ct_choice *choices;
	uint32_t nchoices;
	uint8_t role;			/* enum ph_ct_role */
	const struct ph_type *ph;	/* what consumers see */
};

/* Members of headers and packet contexts that mean something by their name. */
enum ph_ct_role {
	PH_ROLE_NONE, PH_ROLE_MAGIC, PH_ROLE_UUID, PH_ROLE_STREAM_ID, PH_ROLE_TS_BEGIN, PH_ROLE_TS_END,
	PH_ROLE_CONTENT_SIZE, PH_ROLE_PACKET_SIZE, PH_ROLE_SEQ_NUM, PH_ROLE_DISCARDED, PH_ROLE_CPU_ID,
	PH_ROLE_EVENT_ID, PH_ROLE_TIME, PH_ROLE_MAX,
};

struct ph_ct_clock {
	const char *name;
	uint8_t uuid[16];
	bool has_uuid;
	uint64_t freq;
	int64_t offset_s, offset;	/* seconds, and cycles */
};

struct ph_ct_event {
	const char *name;
	uint64_t id, stream_id;
	struct ph_ct *context, *fields;	/* NULL where absent */
};

struct ph_ct_stream {
	uint64_t id;
	struct ph_ct *packet_context, *event_header, *event_context;
};

struct ph_ct_env {
	const char *name, *s;		/* s NULL: an integer */
	int64_t i;
};

struct ph_ctf_meta {
	struct ph_pool pool;		/* of all that hangs here */
	uint8_t uuid[16];
	bool has_uuid, has_trace;
	uint8_t order;			/* PH_CT_LE, PH_CT_BE */
	struct ph_ct *packet_header;
	PH_VEC(struct ph_ct_clock) clocks;
	PH_VEC(struct ph_ct_stream) streams;
	PH_VEC(struct ph_ct_event) events;
	PH_VEC(struct ph_ct_env) env;
};

/* Text of a metadata file: as it is, or taken out of its packets. 0 or -EBADMSG with a sentence. */
int ph_ctf_meta_text(const char *data, size_t n, struct ph_buf *out, struct ph_err *err);
/* Parse TSDL. @m must be zeroed, and given to ph_ctf_meta_done() also after an error. */
int ph_ctf_meta_parse(struct ph_ctf_meta *m, const char *text, size_t n, struct ph_err *err);
void ph_ctf_meta_done(struct ph_ctf_meta *m);

#endif
