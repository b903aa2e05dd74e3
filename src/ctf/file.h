/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CTF_FILE_H
#define PH_CTF_FILE_H

#include "ctf/trace.h"

/*
 * One stream file: its packets, and the next event in it. Packets are read whole into a buffer that
 * is used again, so memory does not grow with the file, and a file that shrinks meanwhile is an error
 * and no SIGBUS; only packets above PH_CT_READ_MAX are mapped. Buffer and descriptor are held only from
 * the first packet that is read to the end: a recording may have many parts.
 */
#define PH_CT_READ_MAX (4u << 20)

struct ph_ct_packet {
	uint64_t off, bytes;		/* in the file, as the packet says */
	uint64_t begin_ns, end_ns;	/* of the trace's clock; end UINT64_MAX: not known */
};

enum ph_ct_next { PH_NEXT_NONE, PH_NEXT_GAP, PH_NEXT_EVENT };

struct ph_ct_file {
	char *path;
	int fd;				/* -1: not open */
	uint64_t bytes;
	const struct ph_ct_trace *trace;
	PH_VEC(struct ph_ct_packet) packets;
	struct ph_err broken;		/* why what stands behind the last packet cannot be read */
	bool cut;			/* the last packet is cut off by the file's end */
	ph_strv warnings;		/* what is odd */
	struct ph_buf word;

	size_t at;			/* packet in memory, or to be read next */
	bool loaded;
	uint8_t *buf;			/* its bytes, PH_DEC_PAD more */
	size_t cap;
	void *map;
	size_t map_bytes;
	struct ph_dec d;
	struct ph_pool scratch;
	uint64_t *slots;
	const struct ph_ct_stream_class *sc;
	uint64_t cycles;		/* the clock as of the last event */
	uint32_t cpu;

	/* of the packet before: what losses are told from */
	bool has_last;
	uint64_t last_discarded, last_seq, last_end_ns;

	enum ph_ct_next next;
	uint64_t next_ns;		/* its time, adjusted to the source's clock */
	const struct ph_ct_class *next_class;
	uint64_t next_pos;		/* bit where the event's header began */
	struct ph_value gap[4];
	struct ph_value *vals;
	uint64_t skip_ns;		/* a gap that ended before is none: after a seek */
};

/* Open and index. Errors in packets do not fail it: they come when reading gets there. */
int ph_ct_file_open(const struct ph_ct_trace *trace, const char *path, struct ph_ct_file *f,
		    struct ph_err *err);
void ph_ct_file_done(struct ph_ct_file *f);

/* Find the next event or gap: 1 and f->next, next_ns; 0: the end; or an error with its place. */
int ph_ct_file_next(struct ph_ct_file *f, struct ph_err *err);
/* Decode what ph_ct_file_next() found. 1; 0: it is cut off at the file's end; or an error. */
int ph_ct_file_take(struct ph_ct_file *f, struct ph_event *ev, struct ph_err *err);
/* Go to the first packet that may hold @ns (the source's clock) or later. */
void ph_ct_file_seek(struct ph_ct_file *f, uint64_t ns);

#endif
