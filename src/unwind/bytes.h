/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_BYTES_H
#define PH_UNWIND_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * Reads little-endian bytes that nobody vouches for. Behind the end everything is 0 and `bad` is set,
 * so that a caller may read several values and ask once.
 */
struct ph_bytes {
	const uint8_t *p, *end;
	bool bad;
};

static inline size_t ph_bytes_left(const struct ph_bytes *b)
{
	return (size_t)(b->end - b->p);
}

static inline void ph_bytes_skip(struct ph_bytes *b, uint64_t n)
{
	if (n > ph_bytes_left(b)) {
		b->bad = true;
		n = ph_bytes_left(b);
	}
	b->p += n;
}

static inline uint64_t ph_bytes_uint(struct ph_bytes *b, unsigned int n)
{
	uint64_t v = 0;

	if (n > ph_bytes_left(b)) {
		b->bad = true;
		b->p = b->end;
		return 0;
	}
	memcpy(&v, b->p, n);
	b->p += n;
	return v;
}

static inline uint8_t ph_bytes_u8(struct ph_bytes *b)
{
	return (uint8_t)ph_bytes_uint(b, 1);
}

static inline int64_t ph_bytes_sint(struct ph_bytes *b, unsigned int n)
{
	unsigned int spare = 64 - 8 * n;

	return (int64_t)(ph_bytes_uint(b, n) << spare) >> spare;
}

/* LEB128; bits behind the 64th are dropped. Also how many it had, and its last byte. */
static inline uint64_t ph_bytes_leb(struct ph_bytes *b, unsigned int *bits, uint8_t *last)
{
	unsigned int shift = 0;
	uint64_t v = 0;
	uint8_t c;

	do {
		c = ph_bytes_u8(b);
		if (shift < 64)
			v |= (uint64_t)(c & 0x7f) << shift;
		shift += 7;
	} while ((c & 0x80) && !b->bad);
	*bits = shift;
	*last = c;
	return v;
}

static inline uint64_t ph_bytes_uleb(struct ph_bytes *b)
{
	unsigned int bits;
	uint8_t last;

	return ph_bytes_leb(b, &bits, &last);
}

static inline int64_t ph_bytes_sleb(struct ph_bytes *b)
{
	unsigned int bits;
	uint8_t last;
	uint64_t v = ph_bytes_leb(b, &bits, &last);

	if (bits < 64 && (last & 0x40))
		v |= ~0ULL << bits;
	return (int64_t)v;
}

/* The next @n bytes as a reader of their own, and behind them. */
static inline struct ph_bytes ph_bytes_cut(struct ph_bytes *b, uint64_t n)
{
	struct ph_bytes part = { .p = b->p };

	ph_bytes_skip(b, n);
	part.end = b->p;
	return part;
}

#endif
