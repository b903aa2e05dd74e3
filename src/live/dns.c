/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "live/dns.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/symbols.h"

#define HEAD 12			/* bytes before the first question */
#define NAME_MAX_WIRE 255	/* bytes of a name, with the lengths of its labels */
#define TEXT_MAX 64		/* bytes that are shown of a text */

enum { A = 1, NS = 2, CNAME = 5, SOA = 6, PTR = 12, MX = 15, TXT = 16, AAAA = 28, SRV = 33, DNAME = 39 };

struct msg {
	const uint8_t *p;
	size_t n;
};

static uint16_t u16_at(const struct msg *m, size_t at)
{
	return (uint16_t)(m->p[at] << 8 | m->p[at + 1]);
}

static bool has(const struct msg *m, size_t at, size_t n)
{
	return at <= m->n && m->n - at >= n;
}

/* @escape: characters that stand for themselves only behind a backslash. */
static void add_byte(struct ph_buf *out, uint8_t c, const char *escape)
{
	if (c < 0x20 || c >= 0x7f)
		ph_buf_addf(out, "\\%03u", c);
	else if (strchr(escape, c))
		ph_buf_addf(out, "\\%c", c);
	else
		ph_buf_addc(out, (char)c);
}

/*
 * The name at *@at, behind which *@at is then; @out NULL: it is only gone past. A pointer must lead to before
 * where this run of labels began: so there is no loop. False: it is cut off, or none.
 */
static bool add_name(const struct msg *m, size_t *at, struct ph_buf *out)
{
	size_t pos = *at, begin = *at, wire = 0;
	bool moved = false;

	for (;;) {
		uint8_t len;

		if (!has(m, pos, 1))
			return false;
		len = m->p[pos];
		if ((len & 0xc0) == 0xc0) {
			size_t to;

			if (!has(m, pos, 2))
				return false;
			to = u16_at(m, pos) & 0x3fff;
			if (!moved)
				*at = pos + 2;
			moved = true;
			if (to >= begin || to < HEAD)
				return false;
			pos = begin = to;
			continue;
		}
		wire += len + 1u;
		if (len & 0xc0 || wire > NAME_MAX_WIRE || !has(m, pos + 1, len))
			return false;
		if (!len)
			break;
		if (out && wire > len + 1u)
			ph_buf_addc(out, '.');
		for (size_t i = 0; out && i < len; i++)
			add_byte(out, m->p[pos + 1 + i], ". \\\"");
		pos += len + 1u;
	}
	if (out && wire == 1)
		ph_buf_addc(out, '.');
	if (!moved)
		*at = pos + 1;
	return true;
}

int ph_dns_parse(const void *msg, size_t n, struct ph_dns *ret, struct ph_buf *name)
{
	struct msg m = { msg, n };
	ph_autobuf asked = { 0 };
	size_t at = HEAD;

	*ret = (struct ph_dns){ 0 };
	if (n < HEAD)
		return -EBADMSG;
	ret->id = u16_at(&m, 0);
	ret->answer = m.p[2] & 0x80;
	ret->opcode = m.p[2] >> 3 & 15;
	ret->truncated = m.p[2] & 2;
	ret->code = m.p[3] & 15;
	ret->answers = u16_at(&m, 6);
	if (!u16_at(&m, 4) || !add_name(&m, &at, &asked) || !has(&m, at, 4))
		return 0;
	ret->type = u16_at(&m, at);
	ph_buf_add(name, asked.p, asked.len);
	return 0;
}

/* ---- answers ------------------------------------------------------------------------------------- */

static void add_text(const struct msg *m, size_t at, size_t end, struct ph_buf *out)
{
	size_t shown = 0;

	ph_buf_addc(out, '"');
	while (at < end) {
		size_t len = m->p[at++];

		for (; len && at < end; len--, at++)
			if (shown++ < TEXT_MAX)
				add_byte(out, m->p[at], "\"\\");
	}
	ph_buf_adds(out, shown > TEXT_MAX ? "\"..." : "\"");
}

/* What the record of @type at @at says, its data is @len bytes that are all there. */
static bool add_data(const struct msg *m, uint16_t type, size_t at, size_t len, struct ph_buf *out)
{
	/* A name may point back out of the data, but begins and ends in it. */
	struct msg upto = { m->p, at + len };
	size_t begin = at, skip = 0;

	switch (type) {
	case A:
	case AAAA:
		return len == (type == A ? 4 : 16) && ph_symbol_add_addr(out, (const char *)m->p + at, len);
	case TXT:
		add_text(m, at, at + len, out);
		return true;
	case SRV:
		skip = 6;
		break;
	case MX:
		skip = 2;
		break;
	case NS: case CNAME: case SOA: case PTR: case DNAME:
		break;
	default:
		return false;
	}
	if (len < skip)
		return false;
	at += skip;
	if (!add_name(&upto, &at, out))
		return false;
	/* The port of a service; priorities are left out. */
	if (type == SRV)
		ph_buf_addf(out, ":%u", u16_at(m, begin + 4));
	return true;
}

/* The record at *@at, behind which *@at is then; false: it is cut off. */
static bool add_record(const struct msg *m, size_t *at, struct ph_buf *out)
{
	ph_autobuf data = { 0 };
	uint16_t type, len;

	if (!add_name(m, at, NULL) || !has(m, *at, 10))
		return false;
	type = u16_at(m, *at);
	len = u16_at(m, *at + 8);
	*at += 10;
	if (!has(m, *at, len))
		return false;
	if (add_data(m, type, *at, len, &data))
		ph_buf_add(out, data.p, data.len);
	else
		ph_dns_add_type(out, type);
	*at += len;
	return true;
}

void ph_dns_add_answers(const void *msg, size_t n, unsigned int max, struct ph_buf *out)
{
	struct msg m = { msg, n };
	unsigned int all, shown = 0;
	size_t at = HEAD;

	if (n < HEAD)
		return;
	for (unsigned int q = u16_at(&m, 4); q; q--) {
		if (!add_name(&m, &at, NULL) || !has(&m, at, 4))
			return;
		at += 4;
	}
	all = u16_at(&m, 6);
	for (; shown < all && shown < max; shown++) {
		size_t len = out->len;

		if (shown)
			ph_buf_addc(out, ' ');
		if (!add_record(&m, &at, out)) {
			out->len = len;
			if (out->p)
				out->p[len] = 0;
			break;
		}
	}
	if (shown < all)
		ph_buf_addf(out, "%s+%u", shown ? " " : "", all - shown);
}

/* ---- names of numbers ------------------------------------------------------------------------------ */

void ph_dns_add_type(struct ph_buf *out, uint16_t type)
{
	static const struct {
		uint16_t type;
		const char *name;
	} names[] = {
		{ A, "A" }, { NS, "NS" }, { CNAME, "CNAME" }, { SOA, "SOA" }, { PTR, "PTR" }, { 13, "HINFO" }, { MX, "MX" },
		{ TXT, "TXT" }, { AAAA, "AAAA" }, { 29, "LOC" }, { SRV, "SRV" }, { 35, "NAPTR" }, { DNAME, "DNAME" },
		{ 41, "OPT" }, { 43, "DS" }, { 44, "SSHFP" }, { 46, "RRSIG" }, { 47, "NSEC" }, { 48, "DNSKEY" },
		{ 50, "NSEC3" }, { 52, "TLSA" }, { 64, "SVCB" }, { 65, "HTTPS" }, { 99, "SPF" }, { 251, "IXFR" },
		{ 252, "AXFR" }, { 255, "ANY" }, { 257, "CAA" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(names); i++) {
		if (names[i].type == type) {
			ph_buf_adds(out, names[i].name);
			return;
		}
	}
	ph_buf_addf(out, "TYPE%u", type);
}

void ph_dns_add_code(struct ph_buf *out, uint8_t code)
{
	static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
					     "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE" };

	if (code < PH_ARRAY_SIZE(names))
		ph_buf_adds(out, names[code]);
	else
		ph_buf_addf(out, "RCODE%u", code);
}
