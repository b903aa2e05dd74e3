/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CTF_LEX_H
#define PH_CTF_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ctf/pool.h"

/* Tokens of TSDL. Keywords are identifiers here: which word means something depends on the place. */
enum ph_tok_kind { PH_TOK_END, PH_TOK_IDENT, PH_TOK_INT, PH_TOK_STR, PH_TOK_PUNCT };

#define PH_PUNCT_ASSIGN	0x100	/* := */
#define PH_PUNCT_DOTS	0x101	/* ... */
#define PH_PUNCT_ARROW	0x102	/* -> */

struct ph_tok {
	enum ph_tok_kind kind;
	const char *s;		/* identifier or unescaped string, NUL-terminated, of the pool */
	uint64_t u;		/* integer */
	int punct;		/* the character, or PH_PUNCT_* */
	unsigned int line;
};

struct ph_lex {
	const char *p, *end;
	unsigned int line;
	struct ph_pool *pool;
	struct ph_tok tok;	/* the present one */
};

/* Read the next token into lx->tok: 0, or -EBADMSG with "line N: …". */
int ph_lex_next(struct ph_lex *lx, struct ph_err *err);

#endif
