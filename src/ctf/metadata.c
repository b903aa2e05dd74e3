/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "ctf/types.h"

/* Metadata that stands in packets, as LTTng writes it; other metadata is text as it is. */

#define META_MAGIC 0x75D11D57u
#define META_HEAD_BYTES 37

static uint32_t load32(const char *p, bool swap)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return swap ? __builtin_bswap32(v) : v;
}

int ph_ctf_meta_text(const char *data, size_t n, struct ph_buf *out, struct ph_err *err)
{
	bool swap = n >= 4 && load32(data, true) == META_MAGIC;
	size_t at = 0;

	if (n < 4 || (!swap && load32(data, false) != META_MAGIC)) {
		ph_buf_add(out, data, n);
		return 0;
	}
	while (at < n) {
		const char *p = data + at;
		uint64_t content, size;

		if (n - at < META_HEAD_BYTES || load32(p, swap) != META_MAGIC)
			return ph_err_set(err, -EBADMSG, "at byte %zu: no metadata packet", at);
		/* magic, uuid, checksum, content size, packet size (bits), compression, encryption,
		 * checksum scheme, major, minor */
		content = load32(p + 24, swap) / 8;
		size = load32(p + 28, swap) / 8;
		if (content < META_HEAD_BYTES || size < content || size > n - at)
			return ph_err_set(err, -EBADMSG, "at byte %zu: a metadata packet's sizes are "
					  "wrong", at);
		if (p[32] || p[33])
			return ph_err_set(err, -EOPNOTSUPP, "at byte %zu: the metadata is compressed or "
					  "encrypted", at);
		if (p[35] != 1)
			return ph_err_set(err, -EOPNOTSUPP, "the metadata is of CTF version %d.%d",
					  p[35], p[36]);
		ph_buf_add(out, p + META_HEAD_BYTES, content - META_HEAD_BYTES);
		at += size;
	}
	return 0;
}
