/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

static void out_of_memory(void)
{
	static const char msg[] = "porthole: out of memory\n";

	fwrite(msg, 1, sizeof(msg) - 1, stderr);
	_Exit(1);
}

void *ph_alloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *ph_realloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		out_of_memory();
	return p;
}

char *ph_strdup(const char *s)
{
	return s ? ph_strndup(s, strlen(s)) : NULL;
}

char *ph_strndup(const char *s, size_t n)
{
	char *p = ph_alloc(n + 1);

	memcpy(p, s, n);
	return p;
}

char *ph_asprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	if (vasprintf(&p, fmt, ap) < 0)
		out_of_memory();
	va_end(ap);
	return p;
}

void ph_buf_done(struct ph_buf *b)
{
	free(b->p);
	*b = (struct ph_buf){ 0 };
}

void ph_buf_grow(struct ph_buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 64;

	while (cap - b->len <= more)
		cap *= 2;
	b->p = ph_realloc(b->p, cap);
	b->cap = cap;
	b->p[b->len] = 0;
}

char *ph_buf_steal(struct ph_buf *b)
{
	char *p;

	ph_buf_reserve(b, 1);
	p = b->p;
	*b = (struct ph_buf){ 0 };
	return p;
}

void ph_buf_addf(struct ph_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	ph_buf_reserve(b, 1);
	n = vsnprintf(b->p + b->len, b->cap - b->len, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= b->cap - b->len) {
		ph_buf_reserve(b, (size_t)n + 1);
		va_start(ap, fmt);
		vsnprintf(b->p + b->len, b->cap - b->len, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
}

static const char digit_pairs[201] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

void ph_buf_add_u64(struct ph_buf *b, uint64_t v)
{
	char tmp[20];
	unsigned int at = sizeof(tmp);

	while (v >= 100) {
		at -= 2;
		memcpy(tmp + at, digit_pairs + 2 * (v % 100), 2);
		v /= 100;
	}
	if (v >= 10) {
		at -= 2;
		memcpy(tmp + at, digit_pairs + 2 * v, 2);
	} else {
		tmp[--at] = (char)('0' + v);
	}
	ph_buf_add(b, tmp + at, sizeof(tmp) - at);
}

void ph_buf_add_s64(struct ph_buf *b, int64_t v)
{
	if (v < 0)
		ph_buf_addc(b, '-');
	ph_buf_add_u64(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void ph_buf_add_hex(struct ph_buf *b, uint64_t v)
{
	char tmp[18];
	unsigned int at = sizeof(tmp);

	do {
		tmp[--at] = "0123456789ABCDEF"[v & 15];
		v >>= 4;
	} while (v);
	tmp[--at] = 'x';
	tmp[--at] = '0';
	ph_buf_add(b, tmp + at, sizeof(tmp) - at);
}

void ph_buf_add_zeros(struct ph_buf *b, uint64_t v, unsigned int n)
{
	unsigned int i = n;

	ph_buf_reserve(b, n + 1);
	for (; i >= 2; v /= 100) {
		i -= 2;
		memcpy(b->p + b->len + i, digit_pairs + 2 * (v % 100), 2);
	}
	if (i)
		b->p[b->len] = (char)('0' + v % 10);
	b->len += n;
	b->p[b->len] = 0;
}

/* Length of the valid UTF-8 sequence at @s (at most @n bytes), and what it stands for; 0 where there is none. */
static size_t utf8_len(const unsigned char *s, size_t n, uint32_t *ret)
{
	uint32_t c = s[0], min;
	size_t len;

	*ret = c;
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		len = 2, c &= 0x1f, min = 0x80;
	else if (c >= 0xe0 && c <= 0xef)
		len = 3, c &= 0x0f, min = 0x800;
	else if (c >= 0xf0 && c <= 0xf4)
		len = 4, c &= 0x07, min = 0x10000;
	else
		return 0;
	if (n < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	*ret = c;
	return c >= min && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) ? len : 0;
}

/*
 * What a terminal acts upon, and what nobody sees: with it a name looks like another one, or like the words around it. That are the control
 * characters (C1, too, which some terminals know), the ends of lines, what turns the direction of writing (U+202E: the rest of the
 * line is shown from right to left), what has neither a glyph nor a width, and two that XML must not have.
 */
static bool is_unseen(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} unseen[] = {
		{ 0, 0x1f }, { 0x7f, 0x9f }, { 0xad, 0xad }, { 0x34f, 0x34f }, { 0x61c, 0x61c }, { 0x115f, 0x1160 }, { 0x180e, 0x180e },
		{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xfeff, 0xfeff }, { 0xffa0, 0xffa0 },
		{ 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0x1bca0, 0x1bca3 }, { 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++)
		if (c <= unseen[i].last)
			return c >= unseen[i].first;
	return false;
}

/* Joiners, without which some languages are spelled wrongly and families fall apart, but between letters of ASCII there are none to join. */
static bool joins(uint32_t c, const char *s, size_t at)
{
	return (c == 0x200c || c == 0x200d) && at && (unsigned char)s[at - 1] >= 0x80;
}

/* How many bytes at @s are printable ASCII, which goes as it is; but for quotation marks and backslashes where @quoted. */
static size_t plain_len(const char *s, size_t n, bool quoted)
{
	size_t i = 0;

	while (i < n && s[i] >= 0x20 && s[i] < 0x7f && !(quoted && (s[i] == '"' || s[i] == '\\')))
		i++;
	return i;
}

/* As JSON has characters by number: UTF-16. */
static void add_u(struct ph_buf *b, uint32_t c)
{
	if (c >= 0x10000) {
		ph_buf_addf(b, "\\u%04x", 0xd800 + ((c - 0x10000) >> 10));
		c = 0xdc00 + ((c - 0x10000) & 0x3ff);
	}
	ph_buf_addf(b, "\\u%04x", c);
}

void ph_buf_add_json(struct ph_buf *b, const char *s, size_t n)
{
	uint32_t c;
	size_t len;

	ph_buf_addc(b, '"');
	for (size_t i = 0; i < n; i += len) {
		len = plain_len(s + i, n - i, true);
		if (len) {
			ph_buf_add(b, s + i, len);
			continue;
		}
		len = utf8_len((const unsigned char *)s + i, n - i, &c);
		if (!len) {
			ph_buf_adds(b, "\\ufffd");
			len = 1;
		} else if (c == '"' || c == '\\') {
			ph_buf_addc(b, '\\');
			ph_buf_addc(b, (char)c);
		} else if (c == '\n') {
			ph_buf_adds(b, "\\n");
		} else if (c == '\t') {
			ph_buf_adds(b, "\\t");
		} else if (is_unseen(c)) {
			add_u(b, c);
		} else {
			ph_buf_add(b, s + i, len);
		}
	}
	ph_buf_addc(b, '"');
}

void ph_buf_add_term(struct ph_buf *b, const char *s, size_t n)
{
	uint32_t c;
	size_t len;

	for (size_t i = 0; i < n; i += len) {
		len = plain_len(s + i, n - i, false);
		if (len) {
			ph_buf_add(b, s + i, len);
			continue;
		}
		len = utf8_len((const unsigned char *)s + i, n - i, &c);
		if (!len || (is_unseen(c) && !joins(c, s, i))) {
			len = len ? len : 1;
			for (size_t k = 0; k < len; k++)
				ph_buf_addf(b, "\\x%02x", (unsigned char)s[i + k]);
		} else {
			ph_buf_add(b, s + i, len);
		}
	}
}

void ph_buf_add_xml(struct ph_buf *b, const char *s)
{
	ph_autobuf safe = { 0 };

	ph_buf_add_term(&safe, s, strlen(s));
	for (size_t i = 0; i < safe.len; i++) {
		switch (safe.p[i]) {
		case '&':	ph_buf_adds(b, "&amp;"); break;
		case '<':	ph_buf_adds(b, "&lt;"); break;
		case '>':	ph_buf_adds(b, "&gt;"); break;
		case '"':	ph_buf_adds(b, "&quot;"); break;
		case '\'':	ph_buf_adds(b, "&#39;"); break;
		default:	ph_buf_addc(b, safe.p[i]);
		}
	}
}

void ph_buf_add_csv(struct ph_buf *b, const char *s, size_t n)
{
	ph_autobuf safe = { 0 };
	bool quote;

	ph_buf_add_term(&safe, s, n);
	quote = safe.len && (safe.p[0] == ' ' || safe.p[safe.len - 1] == ' ' || strpbrk(safe.p, "\","));
	if (quote)
		ph_buf_addc(b, '"');
	for (size_t i = 0; i < safe.len; i++) {
		if (safe.p[i] == '"')
			ph_buf_addc(b, '"');
		ph_buf_addc(b, safe.p[i]);
	}
	if (quote)
		ph_buf_addc(b, '"');
}

char *ph_shell_word(const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.+-@=:,%";
	ph_autobuf b = { 0 };

	if (*s && !s[strspn(s, plain)])
		return ph_strdup(s);
	ph_buf_addc(&b, '\'');
	for (; *s; s++) {
		if (*s == '\'')
			ph_buf_adds(&b, "'\\'");
		ph_buf_addc(&b, *s);
	}
	ph_buf_addc(&b, '\'');
	return ph_buf_steal(&b);
}
