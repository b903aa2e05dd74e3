/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CTF_TRACE_H
#define PH_CTF_TRACE_H

#include "ctf/decode.h"

/* One trace directory's metadata, made ready for decoding. */

/* An event class. */
struct ph_ct_class {
	struct ph_class cls;
	struct ph_plan plan;
	int32_t tid_at, pid_at, container_at;	/* contexts, -1: not there */
	uint32_t no_container;		/* what stands for the unknown one: all ones */
	const struct ph_ct_turn *turn;	/* of the other machine's trace: what becomes this machine's; NULL: nothing */
};

/*
 * An event header of LTTng's shape in little endian: an enumeration of at most 16 bits that is the
 * id, and a variant which holds a timestamp, or for one value of the id a 32-bit id and a 64-bit
 * timestamp. Other shapes are decoded by ph_dec_any().
 */
struct ph_ct_fast_header {
	bool ok;
	uint8_t id_bits, ts_shift, ts_bits;
	uint8_t bytes;			/* of the short form */
	uint16_t align_bytes;
	uint8_t long_id_at, long_ts_at, long_bytes;
	uint64_t long_value, short_max;	/* of the id */
};

struct ph_ct_stream_class {
	uint64_t id;
	struct ph_ct *packet_context, *event_header, *event_context;	/* instances or NULL */
	struct ph_ct_fast_header fast;
	struct ph_ct_class **by_id;	/* ids below nby_id */
	uint32_t nby_id;
	struct ph_u64map others;	/* ids above, plus 1 */
};

struct ph_ct_trace {
	char *path;
	struct ph_ctf_meta meta;
	struct ph_ct *packet_header;
	struct ph_ct_stream_class *streams;
	size_t nstreams;
	uint32_t nslots;
	uint32_t nvals_max;		/* of any event class */
	const struct ph_ct_clock *clock;
	int64_t offset_ns;		/* Unix time of the clock's 0 */
	int64_t adjust_ns;		/* added to all times: puts traces on one clock */
	const char *hostname, *kernel_release;
	bool whole;			/* as of struct ph_source */
	bool other;			/* it is the other machine's (event/machine.h) */
};

/* Read and compile @path/metadata. *ret is freed by ph_ct_trace_free(). */
int ph_ct_trace_open(const char *path, struct ph_ct_trace **ret, struct ph_err *err);
void ph_ct_trace_free(struct ph_ct_trace *t);

const struct ph_ct_stream_class *ph_ct_trace_stream(const struct ph_ct_trace *t, uint64_t id);

static inline const struct ph_ct_class *ph_ct_class_get(const struct ph_ct_stream_class *s, uint64_t id)
{
	return id < s->nby_id ? s->by_id[id] : ph_u64map_get(&s->others, id + 1);
}

/* Cycles of the trace's clock as ns, without offsets. */
uint64_t ph_ct_cycles_ns(const struct ph_ct_trace *t, uint64_t cycles);

/* Fill @c->cls from the instances of its scopes; memory of @pool. */
void ph_ct_class_make(struct ph_ct_class *c, struct ph_pool *pool, const char *name,
		      const struct ph_ct *stream_ctx, const struct ph_ct *event_ctx,
		      const struct ph_ct *fields);
/* Find out what of a class of the other machine's trace becomes this machine's; memory of @pool. */
void ph_ct_turn_make(struct ph_ct_class *c, struct ph_pool *pool);
/* Do that to an event's values (@v, cls.nfields); @pool lasts until the next event. */
void ph_ct_turn(const struct ph_ct_class *c, struct ph_value *v, struct ph_pool *pool);

/* Recognise the header's shape. */
void ph_ct_fast_header_make(struct ph_ct_fast_header *f, const struct ph_ct *header);

#endif
