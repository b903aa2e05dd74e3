/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_PROTO_H
#define PH_SYMBOL_PROTO_H

#include "base/buf.h"
#include "unwind/bytes.h"
#include "unwind/unwind.h"

/*
 * What parent and child say to each other, by a SOCK_SEQPACKET socket. Both are the same build, so there are no versions. A
 * request is one packet, with a descriptor where it brings a file. An answer is one or more, of the same number, the
 * last one marked. Whatever comes from the child is checked: a hostile file may be what speaks.
 *
 * Answers are copied rather than passed as memory that is shared: what a child can make its parent and the machine hold is
 * then what the parent takes.
 */
enum ph_symmsg_type {
	PH_SYMMSG_HELLO,	/* the child's first: it is confined */
	PH_SYMMSG_ADD,
	PH_SYMMSG_DEBUG,	/* a candidate for the debug information of a file */
	PH_SYMMSG_TABLE,
	PH_SYMMSG_NAMES,
	PH_SYMMSG_FIND,
	PH_SYMMSG_USDT,
	PH_SYMMSG_ARG,
	PH_SYMMSG_RETURNS,
	PH_SYMMSG_SLOTS,
	PH_SYMMSG_DROP,
	PH_SYMMSG_NTYPES,
};

struct ph_symmsg {
	uint32_t number;
	uint8_t type;
	uint8_t last;		/* of an answer: nothing follows */
	uint16_t level;		/* of a request: enum ph_symlevel */
	uint32_t file;
	int32_t error;		/* of an answer: negative errno, and what follows is a sentence */
};

/* How much is dared with a file: less after the child died of it. */
enum ph_symlevel {
	PH_SYMLEVEL_ALL,
	PH_SYMLEVEL_SYMBOLS,	/* no DWARF */
	PH_SYMLEVEL_NOTHING,
};

/* Which debug file a candidate is for. */
enum { PH_SYMDEBUG_SEPARATE, PH_SYMDEBUG_ALT, PH_SYMDEBUG_N };

#define PH_SYMMSG_PACKET 65536		/* the largest one, with its header */
#define PH_SYMCHILD_FD 3		/* the child's end of the socket */
#define PH_SYMCHILD_ARG "symbol-child"
#define PH_SYMCHILD_CPU_ENV "PORTHOLE_SYMBOL_CPU_MS"
#define PH_SYMCHILD_MEM_ENV "PORTHOLE_SYMBOL_MEMORY"

/* Names and sentences that are longer are cut. */
#define PH_SYMSTR_MAX 4096
/* Functions that are inlined into each other at one place; more are cut off. */
#define PH_SYMNAMES_MAX 64

static inline void ph_put_uint(struct ph_buf *b, uint64_t v, unsigned int n)
{
	ph_buf_add(b, &v, n);
}

static inline void ph_put_u32(struct ph_buf *b, uint32_t v)
{
	ph_put_uint(b, v, 4);
}

static inline void ph_put_u64(struct ph_buf *b, uint64_t v)
{
	ph_put_uint(b, v, 8);
}

/* NULL is "". */
static inline void ph_put_str(struct ph_buf *b, const char *s)
{
	size_t n = s ? strnlen(s, PH_SYMSTR_MAX) : 0;

	ph_put_u32(b, (uint32_t)n);
	if (n)
		ph_buf_add(b, s, n);
}

/* A copy, the caller's; "" where it is not there or longer than it may be, which makes the reader bad. */
char *ph_get_str(struct ph_bytes *b);

static inline uint32_t ph_get_u32(struct ph_bytes *b)
{
	return (uint32_t)ph_bytes_uint(b, 4);
}

static inline uint64_t ph_get_u64(struct ph_bytes *b)
{
	return ph_bytes_uint(b, 8);
}

/* Tables, checked when they are read. */
void ph_symtable_put(struct ph_buf *b, const struct ph_unwind_table *t);
struct ph_unwind_table *ph_symtable_get(struct ph_bytes *b);

#endif
