/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctf/lex.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"

static int bad(struct ph_lex *lx, struct ph_err *err, const char *what)
{
	return ph_err_set(err, -EBADMSG, "line %u: %s", lx->line, what);
}

static bool at(const struct ph_lex *lx, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(lx->end - lx->p) >= n && !memcmp(lx->p, s, n);
}

static int skip_space(struct ph_lex *lx, struct ph_err *err)
{
	while (lx->p < lx->end) {
		if (*lx->p == '\n') {
			lx->line++;
			lx->p++;
		} else if (isspace((unsigned char)*lx->p) || *lx->p == '\0') {
			lx->p++;	/* NUL: padding of packetized metadata */
		} else if (at(lx, "//")) {
			while (lx->p < lx->end && *lx->p != '\n')
				lx->p++;
		} else if (at(lx, "/*")) {
			for (lx->p += 2; !at(lx, "*/"); lx->p++) {
				if (lx->p >= lx->end)
					return bad(lx, err, "a comment is not closed");
				lx->line += *lx->p == '\n';
			}
			lx->p += 2;
		} else {
			break;
		}
	}
	return 0;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static int lex_number(struct ph_lex *lx, struct ph_err *err)
{
	unsigned int base = 10;
	uint64_t v = 0;
	bool any = false;

	if (at(lx, "0x") || at(lx, "0X")) {
		base = 16;
		lx->p += 2;
	} else if (at(lx, "0b") || at(lx, "0B")) {
		base = 2;
		lx->p += 2;
	} else if (*lx->p == '0') {
		base = 8;
	}
	for (; lx->p < lx->end && isxdigit((unsigned char)*lx->p); lx->p++) {
		unsigned int c = (unsigned char)*lx->p;
		unsigned int digit = isdigit((int)c) ? c - '0' : (unsigned int)tolower((int)c) - 'a' + 10;

		if (digit >= base)
			return bad(lx, err, "a number has a digit that its base lacks");
		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, digit, &v))
			return bad(lx, err, "a number does not fit in 64 bits");
		any = true;
	}
	while (lx->p < lx->end && strchr("uUlL", *lx->p) && *lx->p)
		lx->p++;
	if (!any || (lx->p < lx->end && is_word(*lx->p)))
		return bad(lx, err, "a number has no digits or a word behind it");
	lx->tok.kind = PH_TOK_INT;
	lx->tok.u = v;
	return 0;
}

/* One escaped character behind a backslash, as in C. */
static int lex_escape(struct ph_lex *lx, char *c)
{
	static const char from[] = "abfnrtv\\'\"?", to[] = "\a\b\f\n\r\t\v\\'\"?";
	const char *known;
	unsigned int v = 0;
	int n = 0;

	if (lx->p >= lx->end)
		return -1;
	if (*lx->p >= '0' && *lx->p <= '7') {
		for (; n < 3 && lx->p < lx->end && *lx->p >= '0' && *lx->p <= '7'; n++)
			v = v * 8 + (unsigned int)(*lx->p++ - '0');
		*c = (char)v;
		return 0;
	}
	if (*lx->p == 'x') {
		for (lx->p++; n < 2 && lx->p < lx->end && isxdigit((unsigned char)*lx->p); n++) {
			unsigned int d = (unsigned int)tolower((unsigned char)*lx->p++);

			v = v * 16 + (d <= '9' ? d - '0' : d - 'a' + 10);
		}
		*c = (char)v;
		return n ? 0 : -1;
	}
	known = *lx->p ? strchr(from, *lx->p) : NULL;
	if (!known)
		return -1;
	*c = to[known - from];
	lx->p++;
	return 0;
}

static int lex_string(struct ph_lex *lx, struct ph_err *err)
{
	char quote = *lx->p++;
	ph_autobuf text = { 0 };

	while (lx->p < lx->end && *lx->p != quote && *lx->p != '\n') {
		char c = *lx->p++;

		if (c == '\\' && lex_escape(lx, &c) < 0)
			return bad(lx, err, "a string has an escape that is none");
		ph_buf_addc(&text, c);
	}
	if (lx->p >= lx->end || *lx->p != quote)
		return bad(lx, err, "a string is not closed");
	lx->p++;
	lx->tok.kind = quote == '"' ? PH_TOK_STR : PH_TOK_INT;
	if (quote == '\'' && text.len != 1)
		return bad(lx, err, "a character constant is not one character");
	lx->tok.u = text.len ? (unsigned char)text.p[0] : 0;
	lx->tok.s = ph_pool_strndup(lx->pool, text.p ? text.p : "", text.len);
	return 0;
}

int ph_lex_next(struct ph_lex *lx, struct ph_err *err)
{
	const char *start;
	int r = skip_space(lx, err);

	if (r < 0)
		return r;
	lx->tok = (struct ph_tok){ .line = lx->line };
	if (lx->p >= lx->end)
		return 0;
	start = lx->p;
	if (isdigit((unsigned char)*lx->p))
		return lex_number(lx, err);
	if (*lx->p == '"' || *lx->p == '\'')
		return lex_string(lx, err);
	if (is_word(*lx->p)) {
		while (lx->p < lx->end && is_word(*lx->p))
			lx->p++;
		lx->tok.kind = PH_TOK_IDENT;
		lx->tok.s = ph_pool_strndup(lx->pool, start, (size_t)(lx->p - start));
		return 0;
	}
	lx->tok.kind = PH_TOK_PUNCT;
	if (at(lx, ":=")) {
		lx->tok.punct = PH_PUNCT_ASSIGN;
		lx->p += 2;
	} else if (at(lx, "...")) {
		lx->tok.punct = PH_PUNCT_DOTS;
		lx->p += 3;
	} else if (at(lx, "->")) {
		lx->tok.punct = PH_PUNCT_ARROW;
		lx->p += 2;
	} else if (strchr("{}[]<>();:,.=*-+", *lx->p)) {
		lx->tok.punct = *lx->p++;
	} else {
		return ph_err_set(err, -EBADMSG, "line %u: there is a byte 0x%02x outside of strings",
				  lx->line, (unsigned char)*lx->p);
	}
	return 0;
}
