/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "fuzz.h"
#include "live/dns.h"

/* A DNS message, as a task may send or a server answer it. Whatever is in it, what comes out is printable. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of exactly this size, so that a byte read behind it is noticed. */
	uint8_t *msg = malloc(size ? size : 1);
	struct ph_buf b = { 0 };
	struct ph_dns d;

	if (!msg)
		abort();
	for (size_t i = 0; i < size; i++)
		msg[i] = data[i];
	if (!ph_dns_parse(msg, size, &d, &b)) {
		ph_dns_add_type(&b, d.type);
		ph_dns_add_code(&b, d.code);
	}
	ph_dns_add_answers(msg, size, 8, &b);
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i] < 0x20 || b.p[i] >= 0x7f)
			abort();
	/* A question has 255 bytes at most, a datum, too, but for texts of 64; each at most four characters. */
	if (b.len > 9 * (4 * 255 + 16) + 64)
		abort();
	ph_buf_done(&b);
	free(msg);
	return 0;
}
