/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EXPORT_PROTOBUF_H
#define PH_EXPORT_PROTOBUF_H

#include "base/buf.h"

/* Messages of protocol buffers, field by field; a message in a message is made in a buffer of its own. */

static inline void pb_varint(struct ph_buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		ph_buf_addc(b, (char)(v | 0x80));
	ph_buf_addc(b, (char)v);
}

/* 0 is what a field has that is not there. */
static inline void pb_u64(struct ph_buf *b, unsigned int field, uint64_t v)
{
	if (!v)
		return;
	pb_varint(b, field << 3);
	pb_varint(b, v);
}

static inline void pb_bytes(struct ph_buf *b, unsigned int field, const void *p, size_t n)
{
	pb_varint(b, field << 3 | 2);
	pb_varint(b, n);
	ph_buf_add(b, p, n);
}

/* Clears @message for the next one. */
static inline void pb_message(struct ph_buf *b, unsigned int field, struct ph_buf *message)
{
	pb_bytes(b, field, message->p ? message->p : "", message->len);
	ph_buf_clear(message);
}

#endif
