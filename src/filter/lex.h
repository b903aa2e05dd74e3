/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_FILTER_LEX_H
#define PH_FILTER_LEX_H

#include "filter/expr.h"

enum ph_tok {
	PH_TOK_END, PH_TOK_WORD, PH_TOK_STR, PH_TOK_NUM, PH_TOK_LPAR, PH_TOK_RPAR, PH_TOK_NOT,
	PH_TOK_ANDAND, PH_TOK_OROR, PH_TOK_AND, PH_TOK_OR, PH_TOK_MINUS,
	PH_TOK_EQ, PH_TOK_NE, PH_TOK_LT, PH_TOK_LE, PH_TOK_GT, PH_TOK_GE, PH_TOK_GLOB, PH_TOK_NGLOB,
};

struct ph_lexer {
	const char *expr, *at;
	enum ph_tok tok;
	size_t pos, len;	/* of the token in expr */
	struct ph_buf text;	/* WORD, STR: without quotes and escapes */
	struct ph_fterm num;	/* NUM */
};

/* Go to the next token: 0, or -EINVAL with the place. */
int ph_lex(struct ph_lexer *l, struct ph_err *err);
/* -EINVAL: "in the filter, at 'rest' (column 7): sentence". */
int ph_filter_fail(struct ph_err *err, const char *expr, size_t pos, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
