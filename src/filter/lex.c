/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/lex.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/parse.h"

int ph_filter_fail(struct ph_err *err, const char *expr, size_t pos, const char *fmt, ...)
{
	ph_autofree char *msg = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&msg, fmt, ap) < 0)
		msg = NULL;
	va_end(ap);
	if (!expr[pos])
		return ph_err_set(err, -EINVAL, "in the filter, at its end: %s", msg);
	return ph_err_set(err, -EINVAL, "in the filter, at '%.24s%s' (column %zu): %s", expr + pos,
			  strlen(expr + pos) > 24 ? "…" : "", pos + 1, msg);
}

/* Names, event globs (sys*_exit_[ab]) and LTTng-UST's provider:event. */
static bool word_char(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("_.:*?[]@$", c)) || (unsigned char)c >= 0x80;
}

static int lex_string(struct ph_lexer *l, struct ph_err *err)
{
	const char *s = l->at;
	char quote = *s++;

	for (; *s != quote; s++) {
		unsigned int v = 0;

		if (!*s)
			return ph_filter_fail(err, l->expr, l->pos, "the string does not end");
		if (*s != '\\') {
			ph_buf_addc(&l->text, *s);
			continue;
		}
		switch (*++s) {
		case 'n': ph_buf_addc(&l->text, '\n'); break;
		case 't': ph_buf_addc(&l->text, '\t'); break;
		case 'r': ph_buf_addc(&l->text, '\r'); break;
		case '\\': case '"': case '\'': ph_buf_addc(&l->text, *s); break;
		case 'x':
			for (int i = 0; i < 2; i++) {
				s++;
				if (!isxdigit((unsigned char)*s))
					return ph_filter_fail(err, l->expr, (size_t)(s - l->expr),
							      "\\x wants two hexadecimal digits");
				v = v * 16 + (unsigned int)(isdigit((unsigned char)*s) ? *s - '0' :
							    (*s | 32) - 'a' + 10);
			}
			if (!v)
				return ph_filter_fail(err, l->expr, l->pos,
						      "a string cannot have a zero byte");
			ph_buf_addc(&l->text, (char)v);
			break;
		default:
			return ph_filter_fail(err, l->expr, (size_t)(s - l->expr) - 1,
					      "unknown escape; there are \\n \\t \\r \\\\ \\\" \\' \\xNN "
					      "(a glob's own backslash is written twice)");
		}
	}
	l->at = s + 1;
	l->tok = PH_TOK_STR;
	return 0;
}

static int lex_number(struct ph_lexer *l, struct ph_err *err)
{
	static const char *const durations[] = { "ns", "us", "ms", "s", "sec", "m", "min", "h", "d" };
	size_t n = 0, digits;
	ph_autofree char *s = NULL;
	struct ph_err cause = { 0 };
	char *end;

	while (isalnum((unsigned char)l->at[n]) || l->at[n] == '.')
		n++;
	s = ph_strndup(l->at, n);
	l->at += n;
	l->tok = PH_TOK_NUM;
	l->num = (struct ph_fterm){ .kind = PH_FTERM_NUM };
	errno = 0;
	l->num.u = strtoull(s, &end, 0);
	if (errno == ERANGE)
		return ph_filter_fail(err, l->expr, l->pos, "'%s' is too large a number", s);
	l->num.f = (double)l->num.u;
	if (!*end)
		return 0;
	digits = strspn(s, "0123456789.");
	if (!s[digits]) {
		l->num.f = strtod(s, &end);
		l->num.fraction = true;
		if (!*end)
			return 0;
	}
	for (size_t i = 0; i < PH_ARRAY_SIZE(durations); i++) {
		if (strcmp(s + digits, durations[i]))
			continue;
		if (ph_parse_duration(s, &l->num.u, &cause) < 0)
			return ph_filter_fail(err, l->expr, l->pos, "%s", cause.msg);
		l->num.f = (double)l->num.u;
		return 0;
	}
	if (!s[digits] || ph_parse_size(s, &l->num.u, &cause) < 0)
		return ph_filter_fail(err, l->expr, l->pos,
				      "'%s' is not a number (10, 0x1f, 0644, 5ms, 4K)", s);
	l->num.f = (double)l->num.u;
	return 0;
}

int ph_lex(struct ph_lexer *l, struct ph_err *err)
{
	static const struct { char text[3]; enum ph_tok tok; } ops[] = {
		{ "&&", PH_TOK_ANDAND }, { "||", PH_TOK_OROR }, { "==", PH_TOK_EQ },
		{ "!=", PH_TOK_NE }, { "<=", PH_TOK_LE }, { ">=", PH_TOK_GE }, { "!~", PH_TOK_NGLOB },
		{ "<", PH_TOK_LT }, { ">", PH_TOK_GT }, { "~", PH_TOK_GLOB }, { "!", PH_TOK_NOT },
		{ "&", PH_TOK_AND }, { "|", PH_TOK_OR }, { "(", PH_TOK_LPAR }, { ")", PH_TOK_RPAR },
		{ "-", PH_TOK_MINUS },
	};
	const char *start;

	while (isspace((unsigned char)*l->at))
		l->at++;
	start = l->at;
	l->pos = (size_t)(start - l->expr);
	ph_buf_clear(&l->text);
	if (!*start) {
		l->tok = PH_TOK_END;
		return 0;
	}
	if (*start == '"' || *start == '\'')
		return lex_string(l, err);
	if (isdigit((unsigned char)*start))
		return lex_number(l, err);
	if (word_char(*start)) {
		while (word_char(*l->at))
			l->at++;
		ph_buf_add(&l->text, start, (size_t)(l->at - start));
		l->tok = PH_TOK_WORD;
		return 0;
	}
	for (size_t i = 0; i < PH_ARRAY_SIZE(ops); i++) {
		size_t n = strlen(ops[i].text);

		if (!strncmp(start, ops[i].text, n)) {
			l->at += n;
			l->tok = ops[i].tok;
			return 0;
		}
	}
	return ph_filter_fail(err, l->expr, l->pos, *start == '=' ?
			      "'=' compares nothing; did you mean '=='?" :
			      "this character has no meaning here");
}
