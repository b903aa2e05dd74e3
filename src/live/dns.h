/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_DNS_H
#define PH_LIVE_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * DNS messages (RFC 1035), as programs and name servers write them: nothing in them is believed. A message
 * may be cut off anywhere; what can be read of it is told. Names come as zone files have them, with \. and
 * \DDD, without the last dot: all of it is printable ASCII.
 */

struct ph_dns {
	uint16_t id, answers;		/* as many as it says that there are */
	uint16_t type;			/* of the first question, 0: it has none */
	uint8_t opcode, code;		/* code: of an answer, RCODE */
	bool answer, truncated;
};

/* -EBADMSG: not even a head. @name: of the first question, left empty where it has none that can be read. */
int ph_dns_parse(const void *msg, size_t n, struct ph_dns *ret, struct ph_buf *name);
/*
 * What the answers say, blanks between, at most @max of them, then "+N" for the others: addresses, names,
 * texts; of a type that is not known, the type.
 */
void ph_dns_add_answers(const void *msg, size_t n, unsigned int max, struct ph_buf *out);
void ph_dns_add_type(struct ph_buf *out, uint16_t type);	/* "AAAA", "TYPE999" */
void ph_dns_add_code(struct ph_buf *out, uint8_t code);		/* "NXDOMAIN", "RCODE15" */

#endif
