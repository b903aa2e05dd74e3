/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctf/parse.h"

/* What the parser of types and that of blocks have in common: tokens, scopes of names, values. */

int ph_tp_fail(struct ph_tp *p, const char *fmt, ...)
{
	ph_autofree char *msg = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&msg, fmt, ap) < 0)
		msg = NULL;
	va_end(ap);
	return ph_err_set(p->err, -EBADMSG, "line %u: %s", p->lx.tok.line, msg ? msg : "");
}

int ph_tp_next(struct ph_tp *p)
{
	return ph_lex_next(&p->lx, p->err);
}

bool ph_tp_is_punct(const struct ph_tp *p, int c)
{
	return p->lx.tok.kind == PH_TOK_PUNCT && p->lx.tok.punct == c;
}

bool ph_tp_is_ident(const struct ph_tp *p, const char *s)
{
	return p->lx.tok.kind == PH_TOK_IDENT && !strcmp(p->lx.tok.s, s);
}

const char *ph_tp_token_name(const struct ph_tp *p)
{
	static const char *const kinds[] = {
		[PH_TOK_END] = "the end", [PH_TOK_IDENT] = "a word", [PH_TOK_INT] = "a number",
		[PH_TOK_STR] = "a string", [PH_TOK_PUNCT] = "punctuation",
	};

	return p->lx.tok.kind == PH_TOK_IDENT ? p->lx.tok.s : kinds[p->lx.tok.kind];
}

int ph_tp_expect(struct ph_tp *p, int c, const char *what)
{
	if (!ph_tp_is_punct(p, c))
		return ph_tp_fail(p, "%s is expected, there is %s", what, ph_tp_token_name(p));
	return ph_tp_next(p);
}

/* ---- scopes ---------------------------------------------------------------------------------- */

void ph_tp_push_scope(struct ph_tp *p, struct ph_tp_scope *s)
{
	*s = (struct ph_tp_scope){ .up = p->scope };
	p->scope = s;
}

void ph_tp_pop_scope(struct ph_tp *p)
{
	struct ph_tp_scope *s = p->scope;

	p->scope = s->up;
	ph_strmap_done(&s->types);
}

struct ph_ct *ph_tp_find_type(const struct ph_tp *p, const char *name)
{
	for (const struct ph_tp_scope *s = p->scope; s; s = s->up) {
		struct ph_ct *t = ph_strmap_get(&s->types, name);

		if (t)
			return t;
	}
	return NULL;
}

int ph_tp_add_type(struct ph_tp *p, const char *name, struct ph_ct *t)
{
	if (ph_strmap_get(&p->scope->types, name))
		return ph_tp_fail(p, "type \"%s\" is there already", name);
	ph_strmap_put(&p->scope->types, name, t);
	return 0;
}

/* ---- values and paths ------------------------------------------------------------------------- */

/* word.word.word, also with "->": joined by points. */
int ph_tp_path(struct ph_tp *p, const char **ret)
{
	ph_autobuf path = { 0 };
	int r;

	for (;;) {
		if (p->lx.tok.kind != PH_TOK_IDENT)
			return ph_tp_fail(p, "a name is expected, there is %s", ph_tp_token_name(p));
		ph_buf_adds(&path, p->lx.tok.s);
		r = ph_tp_next(p);
		if (r < 0)
			return r;
		if (!ph_tp_is_punct(p, '.') && !ph_tp_is_punct(p, PH_PUNCT_ARROW))
			break;
		ph_buf_addc(&path, '.');
		r = ph_tp_next(p);
		if (r < 0)
			return r;
	}
	*ret = ph_pool_strndup(&p->m->pool, path.p, path.len);
	return 0;
}

int ph_tp_value(struct ph_tp *p, struct ph_tp_val *v)
{
	int r;

	*v = (struct ph_tp_val){ 0 };
	if (ph_tp_is_punct(p, '-') || ph_tp_is_punct(p, '+')) {
		v->negative = ph_tp_is_punct(p, '-');
		r = ph_tp_next(p);
		if (r < 0)
			return r;
		if (p->lx.tok.kind != PH_TOK_INT)
			return ph_tp_fail(p, "a number is expected behind the sign");
	}
	switch (p->lx.tok.kind) {
	case PH_TOK_INT:
		v->kind = VAL_INT;
		v->u = v->negative ? -p->lx.tok.u : p->lx.tok.u;
		return ph_tp_next(p);
	case PH_TOK_STR:
		v->kind = VAL_STR;
		v->s = p->lx.tok.s;
		return ph_tp_next(p);
	case PH_TOK_IDENT:
		v->kind = VAL_WORD;
		return ph_tp_path(p, &v->s);
	default:
		return ph_tp_fail(p, "a value is expected, there is %s", ph_tp_token_name(p));
	}
}

int ph_tp_want_int(struct ph_tp *p, const struct ph_tp_val *v, uint64_t max, uint64_t *ret)
{
	if (v->kind != VAL_INT || v->negative || v->u > max)
		return ph_tp_fail(p, "a number from 0 to %" PRIu64 " is expected", max);
	*ret = v->u;
	return 0;
}

int ph_tp_want_bool(struct ph_tp *p, const struct ph_tp_val *v, bool *ret)
{
	if (v->kind == VAL_INT)
		*ret = v->u != 0;
	else if (!strcmp(v->s, "true") || !strcmp(v->s, "TRUE"))
		*ret = true;
	else if (!strcmp(v->s, "false") || !strcmp(v->s, "FALSE"))
		*ret = false;
	else
		return ph_tp_fail(p, "true or false is expected, there is \"%s\"", v->s);
	return 0;
}

int ph_tp_want_align(struct ph_tp *p, const struct ph_tp_val *v, uint32_t *ret)
{
	uint64_t u = 0;
	int r = ph_tp_want_int(p, v, 1u << 16, &u);

	if (r < 0)
		return r;
	if (!u || (u & (u - 1)))
		return ph_tp_fail(p, "an alignment is not a power of two");
	*ret = (uint32_t)u;
	return 0;
}

int ph_tp_want_order(struct ph_tp *p, const struct ph_tp_val *v, uint8_t *ret)
{
	if (v->kind != VAL_INT && (!strcmp(v->s, "le") || !strcmp(v->s, "little_endian")))
		*ret = PH_CT_LE;
	else if (v->kind != VAL_INT && (!strcmp(v->s, "be") || !strcmp(v->s, "network") ||
					!strcmp(v->s, "big_endian")))
		*ret = PH_CT_BE;
	else if (v->kind != VAL_INT && !strcmp(v->s, "native"))
		*ret = PH_CT_NATIVE;
	else
		return ph_tp_fail(p, "a byte order is not le, be, network or native");
	return 0;
}

int ph_tp_want_text(struct ph_tp *p, const struct ph_tp_val *v, bool *ret)
{
	if (v->kind != VAL_INT && (!strcmp(v->s, "UTF8") || !strcmp(v->s, "utf8") ||
				   !strcmp(v->s, "UTF-8") || !strcmp(v->s, "utf-8") ||
				   !strcmp(v->s, "ASCII") || !strcmp(v->s, "ascii")))
		*ret = true;
	else if (v->kind != VAL_INT && (!strcmp(v->s, "none") || !strcmp(v->s, "NONE")))
		*ret = false;
	else
		return ph_tp_fail(p, "an encoding is not none, UTF8 or ASCII");
	return 0;
}

int ph_tp_want_base(struct ph_tp *p, const struct ph_tp_val *v, uint8_t *ret)
{
	static const struct { const char *name; uint8_t base; } names[] = {
		{ "decimal", 10 }, { "dec", 10 }, { "d", 10 }, { "i", 10 }, { "u", 10 },
		{ "hexadecimal", 16 }, { "hex", 16 }, { "x", 16 }, { "X", 16 }, { "p", 16 },
		{ "octal", 8 }, { "oct", 8 }, { "o", 8 }, { "binary", 2 }, { "b", 2 },
	};

	if (v->kind == VAL_INT && !v->negative && (v->u == 2 || v->u == 8 || v->u == 10 || v->u == 16)) {
		*ret = (uint8_t)v->u;
		return 0;
	}
	for (size_t i = 0; v->kind != VAL_INT && i < PH_ARRAY_SIZE(names); i++) {
		if (!strcmp(v->s, names[i].name)) {
			*ret = names[i].base;
			return 0;
		}
	}
	return ph_tp_fail(p, "a base is not 2, 8, 10 or 16");
}

/* "clock.NAME.value" */
int ph_tp_want_clock(struct ph_tp *p, const struct ph_tp_val *v, const char **ret)
{
	const char *end = v->kind == VAL_WORD ? strrchr(v->s, '.') : NULL;

	if (!end || strncmp(v->s, "clock.", 6) || end <= v->s + 6 || strcmp(end, ".value"))
		return ph_tp_fail(p, "an integer is mapped to something that is not clock.NAME.value");
	*ret = ph_pool_strndup(&p->m->pool, v->s + 6, (size_t)(end - v->s - 6));
	return 0;
}

int ph_tp_want_uuid(struct ph_tp *p, const struct ph_tp_val *v, uint8_t uuid[16])
{
	const char *s = v->kind == VAL_STR ? v->s : "";

	for (int i = 0; i < 16; i++) {
		unsigned int b;

		if (*s == '-')
			s++;
		if (strspn(s, "0123456789abcdefABCDEF") < 2 || sscanf(s, "%2x", &b) != 1)
			return ph_tp_fail(p, "a uuid is malformed");
		uuid[i] = (uint8_t)b;
		s += 2;
	}
	return *s ? ph_tp_fail(p, "a uuid is malformed") : 0;
}

/* { name = value; … } given to @set; the brace is the present token. */
int ph_tp_attrs(struct ph_tp *p, void *dst,
		int (*set)(struct ph_tp *p, void *dst, const char *name, const struct ph_tp_val *v))
{
	int r = ph_tp_expect(p, '{', "{");

	while (r == 0 && !ph_tp_is_punct(p, '}')) {
		const char *name;
		struct ph_tp_val v;

		r = ph_tp_path(p, &name);
		if (r == 0)
			r = ph_tp_expect(p, '=', "=");
		if (r == 0)
			r = ph_tp_value(p, &v);
		if (r == 0)
			r = set(p, dst, name, &v);
		if (r == 0)
			r = ph_tp_expect(p, ';', ";");
	}
	return r < 0 ? r : ph_tp_next(p);
}
