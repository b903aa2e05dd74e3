/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CTF_PARSE_H
#define PH_CTF_PARSE_H

#include "ctf/lex.h"
#include "ctf/types.h"

/*
 * TSDL by recursive descent (CTF 1.8.3, appendix C). Names of types live in nested scopes, all of
 * them in one table a scope: "struct x", "enum x", "variant x", and aliases as their words with
 * single spaces ("unsigned long").
 */
struct ph_tp_scope {
	struct ph_tp_scope *up;
	struct ph_strmap types;
};

struct ph_tp {
	struct ph_lex lx;
	struct ph_ctf_meta *m;
	struct ph_tp_scope *scope;
	struct ph_err *err;
	unsigned int depth;
};

/* The right side of "name = value;". */
struct ph_tp_val {
	enum { VAL_INT, VAL_STR, VAL_WORD } kind;
	const char *s;
	uint64_t u;
	bool negative;
};

/* "line N: …"; returns -EBADMSG, as all below do. */
int ph_tp_fail(struct ph_tp *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The present token is p->lx.tok. */
int ph_tp_next(struct ph_tp *p);
bool ph_tp_is_punct(const struct ph_tp *p, int c);
bool ph_tp_is_ident(const struct ph_tp *p, const char *s);
const char *ph_tp_token_name(const struct ph_tp *p);
int ph_tp_expect(struct ph_tp *p, int c, const char *what);
/* Names of types. */
void ph_tp_push_scope(struct ph_tp *p, struct ph_tp_scope *s);
void ph_tp_pop_scope(struct ph_tp *p);
struct ph_ct *ph_tp_find_type(const struct ph_tp *p, const char *name);
int ph_tp_add_type(struct ph_tp *p, const char *name, struct ph_ct *t);
/* word.word.word, also with "->": joined by points. */
int ph_tp_path(struct ph_tp *p, const char **ret);
int ph_tp_value(struct ph_tp *p, struct ph_tp_val *v);
/* { name = value; … } given to @set; the brace is the present token. */
int ph_tp_attrs(struct ph_tp *p, void *dst,
		int (*set)(struct ph_tp *p, void *dst, const char *name, const struct ph_tp_val *v));
/* What a value must be for an attribute. */
int ph_tp_want_int(struct ph_tp *p, const struct ph_tp_val *v, uint64_t max, uint64_t *ret);
int ph_tp_want_bool(struct ph_tp *p, const struct ph_tp_val *v, bool *ret);
int ph_tp_want_align(struct ph_tp *p, const struct ph_tp_val *v, uint32_t *ret);
int ph_tp_want_order(struct ph_tp *p, const struct ph_tp_val *v, uint8_t *ret);
int ph_tp_want_text(struct ph_tp *p, const struct ph_tp_val *v, bool *ret);
int ph_tp_want_base(struct ph_tp *p, const struct ph_tp_val *v, uint8_t *ret);
int ph_tp_want_clock(struct ph_tp *p, const struct ph_tp_val *v, const char **ret);
int ph_tp_want_uuid(struct ph_tp *p, const struct ph_tp_val *v, uint8_t uuid[16]);
/* A type; and `typealias TYPE := NAME;` or `typedef TYPE NAME[…], …;` with the keyword present. */
int ph_tp_type(struct ph_tp *p, struct ph_ct **ret);
int ph_tp_naming(struct ph_tp *p);

#endif
