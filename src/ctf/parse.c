/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctf/lex.h"
#include "ctf/types.h"

/*
 * TSDL by recursive descent (CTF 1.8.3, appendix C). Names of types live in nested scopes, all of
 * them in one table a scope: "struct x", "enum x", "variant x", and aliases as their words with
 * single spaces ("unsigned long").
 */
struct scope {
	struct scope *up;
	struct ph_strmap types;
};

struct parser {
	struct ph_lex lx;
	struct ph_ctf_meta *m;
	struct scope *scope;
	struct ph_err *err;
	unsigned int depth;
};

/* The right side of "name = value;". */
struct value {
	enum { VAL_INT, VAL_STR, VAL_WORD } kind;
	const char *s;
	uint64_t u;
	bool negative;
};

static int fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct parser *p, const char *fmt, ...)
{
	ph_autofree char *msg = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&msg, fmt, ap) < 0)
		msg = NULL;
	va_end(ap);
	return ph_err_set(p->err, -EBADMSG, "line %u: %s", p->lx.tok.line, msg ? msg : "");
}

static int next(struct parser *p)
{
	return ph_lex_next(&p->lx, p->err);
}

static bool is_punct(const struct parser *p, int c)
{
	return p->lx.tok.kind == PH_TOK_PUNCT && p->lx.tok.punct == c;
}

static bool is_ident(const struct parser *p, const char *s)
{
	return p->lx.tok.kind == PH_TOK_IDENT && !strcmp(p->lx.tok.s, s);
}

static const char *token_name(const struct parser *p)
{
	static const char *const kinds[] = {
		[PH_TOK_END] = "the end", [PH_TOK_IDENT] = "a word", [PH_TOK_INT] = "a number",
		[PH_TOK_STR] = "a string", [PH_TOK_PUNCT] = "punctuation",
	};

	return p->lx.tok.kind == PH_TOK_IDENT ? p->lx.tok.s : kinds[p->lx.tok.kind];
}

static int expect(struct parser *p, int c, const char *what)
{
	if (!is_punct(p, c))
		return fail(p, "%s is expected, there is %s", what, token_name(p));
	return next(p);
}

/* ---- scopes ---------------------------------------------------------------------------------- */

static void push_scope(struct parser *p, struct scope *s)
{
	*s = (struct scope){ .up = p->scope };
	p->scope = s;
}

static void pop_scope(struct parser *p)
{
	struct scope *s = p->scope;

	p->scope = s->up;
	ph_strmap_done(&s->types);
}

static struct ph_ct *find_type(const struct parser *p, const char *name)
{
	for (const struct scope *s = p->scope; s; s = s->up) {
		struct ph_ct *t = ph_strmap_get(&s->types, name);

		if (t)
			return t;
	}
	return NULL;
}

static int add_type(struct parser *p, const char *name, struct ph_ct *t)
{
	if (ph_strmap_get(&p->scope->types, name))
		return fail(p, "type \"%s\" is there already", name);
	ph_strmap_put(&p->scope->types, name, t);
	return 0;
}

static struct ph_ct *new_type(struct parser *p, enum ph_ct_kind kind)
{
	struct ph_ct *t = ph_pool_alloc(&p->m->pool, sizeof(*t));

	t->kind = kind;
	t->align = 1;
	t->base = 10;
	t->depth = 1;
	t->save = t->slot = -1;
	return t;
}

/* @child goes into @t: depth, and the alignment that it asks for. */
static int adopt(struct parser *p, struct ph_ct *t, const struct ph_ct *child)
{
	if (child->depth >= PH_CT_DEPTH_MAX)
		return fail(p, "types are nested more than %u deep", PH_CT_DEPTH_MAX);
	if (t->depth <= child->depth)
		t->depth = child->depth + 1;
	if (t->kind != PH_CT_VARIANT && t->align < child->align)
		t->align = child->align;
	return 0;
}

/* ---- values and paths ------------------------------------------------------------------------- */

/* word.word.word, also with "->": joined by points. */
static int parse_path(struct parser *p, const char **ret)
{
	ph_autobuf path = { 0 };
	int r;

	for (;;) {
		if (p->lx.tok.kind != PH_TOK_IDENT)
			return fail(p, "a name is expected, there is %s", token_name(p));
		ph_buf_adds(&path, p->lx.tok.s);
		r = next(p);
		if (r < 0)
			return r;
		if (!is_punct(p, '.') && !is_punct(p, PH_PUNCT_ARROW))
			break;
		ph_buf_addc(&path, '.');
		r = next(p);
		if (r < 0)
			return r;
	}
	*ret = ph_pool_strndup(&p->m->pool, path.p, path.len);
	return 0;
}

static int parse_value(struct parser *p, struct value *v)
{
	int r;

	*v = (struct value){ 0 };
	if (is_punct(p, '-') || is_punct(p, '+')) {
		v->negative = is_punct(p, '-');
		r = next(p);
		if (r < 0)
			return r;
		if (p->lx.tok.kind != PH_TOK_INT)
			return fail(p, "a number is expected behind the sign");
	}
	switch (p->lx.tok.kind) {
	case PH_TOK_INT:
		v->kind = VAL_INT;
		v->u = v->negative ? -p->lx.tok.u : p->lx.tok.u;
		return next(p);
	case PH_TOK_STR:
		v->kind = VAL_STR;
		v->s = p->lx.tok.s;
		return next(p);
	case PH_TOK_IDENT:
		v->kind = VAL_WORD;
		return parse_path(p, &v->s);
	default:
		return fail(p, "a value is expected, there is %s", token_name(p));
	}
}

static int want_int(struct parser *p, const struct value *v, uint64_t max, uint64_t *ret)
{
	if (v->kind != VAL_INT || v->negative || v->u > max)
		return fail(p, "a number from 0 to %" PRIu64 " is expected", max);
	*ret = v->u;
	return 0;
}

static int want_bool(struct parser *p, const struct value *v, bool *ret)
{
	if (v->kind == VAL_INT)
		*ret = v->u != 0;
	else if (!strcmp(v->s, "true") || !strcmp(v->s, "TRUE"))
		*ret = true;
	else if (!strcmp(v->s, "false") || !strcmp(v->s, "FALSE"))
		*ret = false;
	else
		return fail(p, "true or false is expected, there is \"%s\"", v->s);
	return 0;
}

static int want_align(struct parser *p, const struct value *v, uint32_t *ret)
{
	uint64_t u = 0;
	int r = want_int(p, v, 1u << 16, &u);

	if (r < 0)
		return r;
	if (!u || (u & (u - 1)))
		return fail(p, "an alignment is not a power of two");
	*ret = (uint32_t)u;
	return 0;
}

static int want_order(struct parser *p, const struct value *v, uint8_t *ret)
{
	if (v->kind != VAL_INT && (!strcmp(v->s, "le") || !strcmp(v->s, "little_endian")))
		*ret = PH_CT_LE;
	else if (v->kind != VAL_INT && (!strcmp(v->s, "be") || !strcmp(v->s, "network") ||
					!strcmp(v->s, "big_endian")))
		*ret = PH_CT_BE;
	else if (v->kind != VAL_INT && !strcmp(v->s, "native"))
		*ret = PH_CT_NATIVE;
	else
		return fail(p, "a byte order is not le, be, network or native");
	return 0;
}

static int want_text(struct parser *p, const struct value *v, bool *ret)
{
	if (v->kind != VAL_INT && (!strcmp(v->s, "UTF8") || !strcmp(v->s, "utf8") ||
				   !strcmp(v->s, "UTF-8") || !strcmp(v->s, "utf-8") ||
				   !strcmp(v->s, "ASCII") || !strcmp(v->s, "ascii")))
		*ret = true;
	else if (v->kind != VAL_INT && (!strcmp(v->s, "none") || !strcmp(v->s, "NONE")))
		*ret = false;
	else
		return fail(p, "an encoding is not none, UTF8 or ASCII");
	return 0;
}

static int want_base(struct parser *p, const struct value *v, uint8_t *ret)
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
	return fail(p, "a base is not 2, 8, 10 or 16");
}

/* "clock.NAME.value" */
static int want_clock(struct parser *p, const struct value *v, const char **ret)
{
	const char *end = v->kind == VAL_WORD ? strrchr(v->s, '.') : NULL;

	if (!end || strncmp(v->s, "clock.", 6) || end <= v->s + 6 || strcmp(end, ".value"))
		return fail(p, "an integer is mapped to something that is not clock.NAME.value");
	*ret = ph_pool_strndup(&p->m->pool, v->s + 6, (size_t)(end - v->s - 6));
	return 0;
}

static int want_uuid(struct parser *p, const struct value *v, uint8_t uuid[16])
{
	const char *s = v->kind == VAL_STR ? v->s : "";

	for (int i = 0; i < 16; i++) {
		unsigned int b;

		if (*s == '-')
			s++;
		if (strspn(s, "0123456789abcdefABCDEF") < 2 || sscanf(s, "%2x", &b) != 1)
			return fail(p, "a uuid is malformed");
		uuid[i] = (uint8_t)b;
		s += 2;
	}
	return *s ? fail(p, "a uuid is malformed") : 0;
}

/* { name = value; … } given to @set; the brace is the present token. */
static int parse_attrs(struct parser *p, void *dst,
		       int (*set)(struct parser *p, void *dst, const char *name, const struct value *v))
{
	int r = expect(p, '{', "{");

	while (r == 0 && !is_punct(p, '}')) {
		const char *name;
		struct value v;

		r = parse_path(p, &name);
		if (r == 0)
			r = expect(p, '=', "=");
		if (r == 0)
			r = parse_value(p, &v);
		if (r == 0)
			r = set(p, dst, name, &v);
		if (r == 0)
			r = expect(p, ';', ";");
	}
	return r < 0 ? r : next(p);
}

/* ---- types -------------------------------------------------------------------------------------- */

static int parse_type(struct parser *p, struct ph_ct **ret);

static int set_integer(struct parser *p, void *dst, const char *name, const struct value *v)
{
	struct ph_ct *t = dst;
	uint64_t u = 0;
	int r;

	if (!strcmp(name, "size")) {
		r = want_int(p, v, 64, &u);
		if (r == 0 && !u)
			r = fail(p, "an integer has no bits");
		t->bits = (uint16_t)u;
		return r;
	}
	if (!strcmp(name, "align"))
		return want_align(p, v, &t->align);
	if (!strcmp(name, "signed"))
		return want_bool(p, v, &t->is_signed);
	if (!strcmp(name, "byte_order"))
		return want_order(p, v, &t->order);
	if (!strcmp(name, "base"))
		return want_base(p, v, &t->base);
	if (!strcmp(name, "encoding"))
		return want_text(p, v, &t->is_text);
	if (!strcmp(name, "map"))
		return want_clock(p, v, &t->clock);
	return 0;	/* what later versions of the format may say of an integer */
}

struct float_attrs {
	struct ph_ct *t;
	uint64_t exp_dig, mant_dig;
};

static int set_float(struct parser *p, void *dst, const char *name, const struct value *v)
{
	struct float_attrs *f = dst;

	if (!strcmp(name, "exp_dig"))
		return want_int(p, v, 64, &f->exp_dig);
	if (!strcmp(name, "mant_dig"))
		return want_int(p, v, 64, &f->mant_dig);
	if (!strcmp(name, "align"))
		return want_align(p, v, &f->t->align);
	if (!strcmp(name, "byte_order"))
		return want_order(p, v, &f->t->order);
	return 0;
}

static int set_string(struct parser *p, void *dst, const char *name, const struct value *v)
{
	return !strcmp(name, "encoding") ? want_text(p, v, &((struct ph_ct *)dst)->is_text) : 0;
}

static int parse_integer(struct parser *p, struct ph_ct **ret)
{
	struct ph_ct *t = new_type(p, PH_CT_INT);
	int r;

	t->align = 0;
	r = parse_attrs(p, t, set_integer);
	if (r < 0)
		return r;
	if (!t->bits)
		return fail(p, "an integer has no size");
	if (!t->align)
		t->align = t->bits % 8 ? 1 : 8;
	*ret = t;
	return 0;
}

static int parse_float(struct parser *p, struct ph_ct **ret)
{
	struct float_attrs f = { .t = new_type(p, PH_CT_FLOAT) };
	int r = parse_attrs(p, &f, set_float);

	if (r < 0)
		return r;
	if (!(f.exp_dig == 8 && f.mant_dig == 24) && !(f.exp_dig == 11 && f.mant_dig == 53))
		return fail(p, "a floating point number is neither of 32 nor of 64 bits");
	f.t->bits = (uint16_t)(f.exp_dig + f.mant_dig);
	*ret = f.t;
	return 0;
}

static int parse_string(struct parser *p, struct ph_ct **ret)
{
	struct ph_ct *t = new_type(p, PH_CT_STRING);

	t->align = 8;
	t->is_text = true;
	*ret = t;
	return is_punct(p, '{') ? parse_attrs(p, t, set_string) : 0;
}

/* One declarator: name[2][len]. The last bracket is the innermost array, as in C. */
static int parse_declarator(struct parser *p, struct ph_ct *type, const char **name,
			    struct ph_ct **ret)
{
	struct ph_ct *dims[8];
	unsigned int n = 0;
	int r;

	if (p->lx.tok.kind != PH_TOK_IDENT)
		return fail(p, "a name is expected, there is %s", token_name(p));
	*name = p->lx.tok.s;
	r = next(p);
	while (r == 0 && is_punct(p, '[')) {
		if (n == PH_ARRAY_SIZE(dims))
			return fail(p, "an array has more than %zu dimensions", PH_ARRAY_SIZE(dims));
		r = next(p);
		if (r < 0)
			return r;
		if (p->lx.tok.kind == PH_TOK_INT) {
			dims[n] = new_type(p, PH_CT_ARRAY);
			if (p->lx.tok.u > UINT32_MAX)
				return fail(p, "an array has more than %u elements", UINT32_MAX);
			dims[n]->n = (uint32_t)p->lx.tok.u;
			r = next(p);
		} else {
			dims[n] = new_type(p, PH_CT_SEQ);
			r = parse_path(p, &dims[n]->ref);
		}
		n++;
		if (r == 0)
			r = expect(p, ']', "]");
	}
	if (r < 0)
		return r;
	while (n--) {
		dims[n]->elem = type;
		r = adopt(p, dims[n], type);
		if (r < 0)
			return r;
		type = dims[n];
	}
	*ret = type;
	return 0;
}

/* The words that an alias stands for or is named by: "unsigned long", "uint8_t *". */
static int parse_alias_name(struct parser *p, const char **ret)
{
	ph_autobuf name = { 0 };
	int r = 0;

	while (r == 0 && (p->lx.tok.kind == PH_TOK_IDENT || is_punct(p, '*'))) {
		if (name.len)
			ph_buf_addc(&name, ' ');
		if (p->lx.tok.kind == PH_TOK_IDENT)
			ph_buf_adds(&name, p->lx.tok.s);
		else
			ph_buf_addc(&name, '*');
		r = next(p);
	}
	if (r == 0 && !name.len)
		r = fail(p, "a name is expected, there is %s", token_name(p));
	if (r == 0)
		*ret = ph_pool_strndup(&p->m->pool, name.p, name.len);
	return r;
}

/* typealias TYPE := NAME; or typedef TYPE NAME[…], …; — the keyword is the present token. */
static int parse_naming(struct parser *p)
{
	bool alias = is_ident(p, "typealias");
	const char *name;
	struct ph_ct *t, *full;
	int r = next(p);

	if (r == 0)
		r = parse_type(p, &t);
	if (r < 0)
		return r;
	if (alias) {
		r = expect(p, PH_PUNCT_ASSIGN, ":=");
		if (r == 0)
			r = parse_alias_name(p, &name);
		if (r == 0)
			r = add_type(p, name, t);
		return r < 0 ? r : expect(p, ';', ";");
	}
	for (;;) {
		r = parse_declarator(p, t, &name, &full);
		if (r == 0)
			r = add_type(p, name, full);
		if (r < 0 || !is_punct(p, ','))
			break;
		r = next(p);
		if (r < 0)
			break;
	}
	return r < 0 ? r : expect(p, ';', ";");
}

static int add_member(struct parser *p, struct ph_ct *t, const char *name, struct ph_ct *type,
		      uint32_t *cap, struct ph_strmap *seen)
{
	if (ph_strmap_get(seen, name))
		return fail(p, "\"%s\" is there twice", name);
	ph_strmap_put(seen, name, type);
	if (t->n == *cap) {
		struct ph_ct_member *old = t->members;

		*cap = *cap ? *cap * 2 : 8;
		t->members = ph_pool_alloc(&p->m->pool, *cap * sizeof(*t->members));
		if (old)
			memcpy(t->members, old, t->n * sizeof(*old));
	}
	t->members[t->n++] = (struct ph_ct_member){ name, type };
	return adopt(p, t, type);
}

/* Members of a structure, options of a variant: behind the opening brace, up to and with the other. */
static int parse_members(struct parser *p, struct ph_ct *t, struct ph_strmap *seen)
{
	uint32_t cap = 0;
	int r = 0;

	while (r == 0 && !is_punct(p, '}')) {
		struct ph_ct *type, *full;
		const char *name;

		if (is_ident(p, "typealias") || is_ident(p, "typedef")) {
			r = parse_naming(p);
			continue;
		}
		r = parse_type(p, &type);
		if (r < 0)
			return r;
		if (is_punct(p, ';')) {		/* "struct x { … };" only makes the name known */
			r = next(p);
			continue;
		}
		for (;;) {
			r = parse_declarator(p, type, &name, &full);
			if (r == 0)
				r = add_member(p, t, name, full, &cap, seen);
			if (r < 0)
				return r;
			if (!is_punct(p, ','))
				break;
			r = next(p);
			if (r < 0)
				return r;
		}
		r = expect(p, ';', ";");
	}
	return r < 0 ? r : next(p);
}

static int parse_body(struct parser *p, struct ph_ct *t)
{
	struct ph_strmap seen = { 0 };
	struct scope s;
	int r = next(p);

	push_scope(p, &s);
	if (r == 0)
		r = parse_members(p, t, &seen);
	pop_scope(p);
	ph_strmap_done(&seen);
	return r;
}

/* Behind "struct", "variant", "enum": the name if there is one, as the key of its table entry. */
static int parse_tag_name(struct parser *p, const char *keyword, const char **ret)
{
	*ret = NULL;
	if (p->lx.tok.kind != PH_TOK_IDENT)
		return 0;
	*ret = ph_pool_alloc(&p->m->pool, strlen(keyword) + strlen(p->lx.tok.s) + 2);
	sprintf((char *)*ret, "%s %s", keyword, p->lx.tok.s);
	return next(p);
}

static int parse_struct(struct parser *p, struct ph_ct **ret)
{
	struct ph_ct *t = NULL;
	const char *key;
	int r = parse_tag_name(p, "struct", &key);

	if (r < 0)
		return r;
	if (is_punct(p, '{')) {
		t = new_type(p, PH_CT_STRUCT);
		r = parse_body(p, t);
		if (r == 0 && key)
			r = add_type(p, key, t);
	} else if (key) {
		t = find_type(p, key);
		if (!t)
			r = fail(p, "there is no \"%s\"", key);
	} else {
		r = fail(p, "a structure has neither a name nor a body");
	}
	if (r == 0 && is_ident(p, "align")) {
		struct value v;
		uint32_t align = 1;

		r = next(p);
		if (r == 0)
			r = expect(p, '(', "(");
		if (r == 0)
			r = parse_value(p, &v);
		if (r == 0)
			r = want_align(p, &v, &align);
		if (r == 0)
			r = expect(p, ')', ")");
		if (r == 0 && t->align < align)
			t->align = align;
	}
	if (r == 0)
		*ret = t;
	return r;
}

static int parse_variant(struct parser *p, struct ph_ct **ret)
{
	const char *key, *tag = NULL;
	struct ph_ct *t = NULL;
	int r = parse_tag_name(p, "variant", &key);

	if (r == 0 && is_punct(p, '<')) {
		r = next(p);
		if (r == 0)
			r = parse_path(p, &tag);
		if (r == 0)
			r = expect(p, '>', ">");
	}
	if (r < 0)
		return r;
	if (is_punct(p, '{')) {
		t = new_type(p, PH_CT_VARIANT);
		r = parse_body(p, t);
		if (r == 0 && key)
			r = add_type(p, key, t);
	} else if (key) {
		struct ph_ct *named = find_type(p, key);

		if (!named)
			return fail(p, "there is no \"%s\"", key);
		t = new_type(p, PH_CT_VARIANT);
		*t = *named;
	} else {
		r = fail(p, "a variant has neither a name nor a body");
	}
	if (r < 0)
		return r;
	if (tag) {
		/* The named one may be used again with another tag. */
		struct ph_ct *own = new_type(p, PH_CT_VARIANT);

		*own = *t;
		own->ref = tag;
		t = own;
	}
	*ret = t;
	return 0;
}

static int parse_label(struct parser *p, struct ph_enum_label *l, uint64_t *follow)
{
	struct value v;
	int r;

	if (p->lx.tok.kind != PH_TOK_IDENT && p->lx.tok.kind != PH_TOK_STR)
		return fail(p, "a label is expected, there is %s", token_name(p));
	l->name = p->lx.tok.s;
	l->lo = l->hi = (int64_t)*follow;
	r = next(p);
	if (r == 0 && is_punct(p, '=')) {
		r = next(p);
		if (r == 0)
			r = parse_value(p, &v);
		if (r == 0 && v.kind != VAL_INT)
			r = fail(p, "a label's value is not a number");
		if (r < 0)
			return r;
		l->lo = l->hi = (int64_t)v.u;
		if (is_punct(p, PH_PUNCT_DOTS)) {
			r = next(p);
			if (r == 0)
				r = parse_value(p, &v);
			if (r == 0 && v.kind != VAL_INT)
				r = fail(p, "a label's value is not a number");
			if (r < 0)
				return r;
			l->hi = (int64_t)v.u;
		}
	}
	*follow = (uint64_t)l->hi + 1;
	return r;
}

static int parse_labels(struct parser *p, struct ph_ct *t)
{
	PH_VEC(struct ph_enum_label) labels = { 0 };
	uint64_t follow = 0;
	int r = next(p);

	while (r == 0 && !is_punct(p, '}')) {
		r = parse_label(p, ph_vec_push(&labels), &follow);
		if (r < 0 || is_punct(p, '}'))
			break;
		r = expect(p, ',', ",");
	}
	if (r == 0) {
		t->n = (uint32_t)labels.n;
		t->labels = ph_pool_alloc(&p->m->pool, labels.n * sizeof(*labels.v));
		if (labels.n)
			memcpy(t->labels, labels.v, labels.n * sizeof(*labels.v));
		r = next(p);
	}
	ph_vec_done(&labels);
	return r;
}

static int parse_enum(struct parser *p, struct ph_ct **ret)
{
	struct ph_ct *t, *of = NULL;
	const char *key;
	int r = parse_tag_name(p, "enum", &key);

	if (r == 0 && is_punct(p, ':')) {
		r = next(p);
		if (r == 0)
			r = parse_type(p, &of);
	}
	if (r < 0)
		return r;
	if (!is_punct(p, '{')) {
		t = key ? find_type(p, key) : NULL;
		if (!t)
			return fail(p, "there is no \"%s\"", key ? key : "enum");
		*ret = t;
		return 0;
	}
	if (!of)
		of = find_type(p, "int");
	if (!of || of->kind != PH_CT_INT)
		return fail(p, "an enumeration is not of an integer type");
	t = new_type(p, PH_CT_ENUM);
	t->elem = of;
	t->bits = of->bits;
	t->align = of->align;
	t->is_signed = of->is_signed;
	t->order = of->order;
	t->base = of->base;
	t->clock = of->clock;
	r = parse_labels(p, t);
	if (r == 0 && key)
		r = add_type(p, key, t);
	*ret = t;
	return r;
}

/* A type by its words: C's own, of which there may be several, or one name. */
static int parse_named(struct parser *p, struct ph_ct **ret)
{
	static const char *const c_words[] = {
		"char", "short", "int", "long", "float", "double", "signed", "unsigned", "void", "_Bool",
		"_Complex", "_Imaginary",
	};
	ph_autobuf name = { 0 };
	int r = 0;

	while (r == 0 && p->lx.tok.kind == PH_TOK_IDENT) {
		bool is_c = false;

		if (is_ident(p, "const")) {
			r = next(p);
			continue;
		}
		for (size_t i = 0; i < PH_ARRAY_SIZE(c_words); i++)
			is_c |= is_ident(p, c_words[i]);
		if (!is_c && name.len)
			break;
		if (name.len)
			ph_buf_addc(&name, ' ');
		ph_buf_adds(&name, p->lx.tok.s);
		r = next(p);
		if (!is_c)
			break;
	}
	while (r == 0 && is_punct(p, '*')) {
		ph_buf_adds(&name, " *");
		r = next(p);
	}
	if (r < 0)
		return r;
	if (!name.len)
		return fail(p, "a type is expected, there is %s", token_name(p));
	*ret = find_type(p, name.p);
	return *ret ? 0 : fail(p, "there is no type \"%s\"", name.p);
}

static int parse_type(struct parser *p, struct ph_ct **ret)
{
	static const struct { const char *word; int (*parse)(struct parser *p, struct ph_ct **ret); } kinds[] = {
		{ "integer", parse_integer }, { "floating_point", parse_float },
		{ "string", parse_string }, { "struct", parse_struct }, { "variant", parse_variant },
		{ "enum", parse_enum },
	};
	int r = 0;

	while (r == 0 && is_ident(p, "const"))
		r = next(p);
	if (r < 0)
		return r;
	if (p->depth >= PH_CT_DEPTH_MAX)
		return fail(p, "types are nested more than %u deep", PH_CT_DEPTH_MAX);
	p->depth++;
	for (size_t i = 0; i < PH_ARRAY_SIZE(kinds); i++) {
		if (is_ident(p, kinds[i].word)) {
			r = next(p);
			if (r == 0)
				r = kinds[i].parse(p, ret);
			p->depth--;
			return r;
		}
	}
	r = parse_named(p, ret);
	p->depth--;
	return r;
}

/* ---- blocks ---------------------------------------------------------------------------------------- */

/* What a block is: its "name = value" and "name := type" lines. Unknown ones are left alone. */
struct block {
	int (*value)(struct parser *p, void *dst, const char *name, const struct value *v);
	int (*type)(struct parser *p, void *dst, const char *name, struct ph_ct *t);
};

static int parse_assignment(struct parser *p, const struct block *b, void *dst)
{
	struct ph_ct *t;
	const char *name;
	struct value v;
	int r = parse_path(p, &name);

	if (r < 0)
		return r;
	if (is_punct(p, PH_PUNCT_ASSIGN)) {
		r = next(p);
		if (r == 0)
			r = parse_type(p, &t);
		if (r == 0 && b->type)
			r = b->type(p, dst, name, t);
	} else {
		r = expect(p, '=', "= or :=");
		if (r == 0)
			r = parse_value(p, &v);
		if (r == 0)
			r = b->value(p, dst, name, &v);
	}
	return r < 0 ? r : expect(p, ';', ";");
}

static bool starts_type(const struct parser *p)
{
	return is_ident(p, "struct") || is_ident(p, "variant") || is_ident(p, "enum");
}

static int parse_block(struct parser *p, const struct block *b, void *dst)
{
	struct scope s;
	struct ph_ct *t;
	int r = next(p);

	push_scope(p, &s);
	if (r == 0)
		r = expect(p, '{', "{");
	while (r == 0 && !is_punct(p, '}')) {
		if (is_ident(p, "typealias") || is_ident(p, "typedef")) {
			r = parse_naming(p);
		} else if (starts_type(p)) {
			r = parse_type(p, &t);
			if (r == 0)
				r = expect(p, ';', ";");
		} else {
			r = parse_assignment(p, b, dst);
		}
	}
	pop_scope(p);
	if (r == 0)
		r = next(p);
	return r < 0 ? r : expect(p, ';', ";");
}

static int want_struct(struct parser *p, const char *name, struct ph_ct *t, struct ph_ct **ret)
{
	if (t->kind != PH_CT_STRUCT)
		return fail(p, "%s is not a structure", name);
	if (*ret)
		return fail(p, "%s is there twice", name);
	*ret = t;
	return 0;
}

static int trace_value(struct parser *p, void *dst, const char *name, const struct value *v)
{
	struct ph_ctf_meta *m = dst;

	if (!strcmp(name, "byte_order")) {
		int r = want_order(p, v, &m->order);

		return r == 0 && m->order == PH_CT_NATIVE ? fail(p, "the byte order is not said") : r;
	}
	if (!strcmp(name, "uuid")) {
		m->has_uuid = true;
		return want_uuid(p, v, m->uuid);
	}
	if (!strcmp(name, "major") && (v->kind != VAL_INT || v->u != 1))
		return fail(p, "the trace is not of CTF version 1");
	return 0;
}

static int trace_type(struct parser *p, void *dst, const char *name, struct ph_ct *t)
{
	struct ph_ctf_meta *m = dst;

	return !strcmp(name, "packet.header") ? want_struct(p, name, t, &m->packet_header) : 0;
}

static int env_value(struct parser *p, void *dst, const char *name, const struct value *v)
{
	struct ph_ctf_meta *m = dst;
	struct ph_ct_env *e;

	if (v->kind == VAL_WORD)
		return fail(p, "env.%s is neither a string nor a number", name);
	e = ph_vec_push(&m->env);
	e->name = name;
	e->s = v->s;
	e->i = (int64_t)v->u;
	return 0;
}

static int clock_value(struct parser *p, void *dst, const char *name, const struct value *v)
{
	struct ph_ct_clock *c = dst;
	uint64_t u = 0;
	int r;

	if (!strcmp(name, "name")) {
		if (v->kind == VAL_INT)
			return fail(p, "a clock's name is a number");
		c->name = v->s;
		return 0;
	}
	if (!strcmp(name, "uuid")) {
		c->has_uuid = true;
		return want_uuid(p, v, c->uuid);
	}
	if (!strcmp(name, "freq")) {
		r = want_int(p, v, UINT64_MAX, &u);
		if (r == 0 && !u)
			r = fail(p, "a clock's frequency is 0");
		c->freq = u;
		return r;
	}
	if (!strcmp(name, "offset_s") || !strcmp(name, "offset")) {
		if (v->kind != VAL_INT)
			return fail(p, "a clock's %s is not a number", name);
		*(strcmp(name, "offset") ? &c->offset_s : &c->offset) = (int64_t)v->u;
	}
	return 0;
}

static int stream_value(struct parser *p, void *dst, const char *name, const struct value *v)
{
	struct ph_ct_stream *s = dst;

	return !strcmp(name, "id") ? want_int(p, v, UINT64_MAX, &s->id) : 0;
}

static int stream_type(struct parser *p, void *dst, const char *name, struct ph_ct *t)
{
	struct ph_ct_stream *s = dst;

	if (!strcmp(name, "packet.context"))
		return want_struct(p, name, t, &s->packet_context);
	if (!strcmp(name, "event.header"))
		return want_struct(p, name, t, &s->event_header);
	if (!strcmp(name, "event.context"))
		return want_struct(p, name, t, &s->event_context);
	return 0;
}

static int event_value(struct parser *p, void *dst, const char *name, const struct value *v)
{
	struct ph_ct_event *e = dst;

	if (!strcmp(name, "id"))
		return want_int(p, v, UINT64_MAX, &e->id);
	if (!strcmp(name, "stream_id"))
		return want_int(p, v, UINT64_MAX, &e->stream_id);
	if (!strcmp(name, "name")) {
		if (v->kind == VAL_INT)
			return fail(p, "an event's name is a number");
		e->name = v->s;
	}
	return 0;
}

static int event_type(struct parser *p, void *dst, const char *name, struct ph_ct *t)
{
	struct ph_ct_event *e = dst;

	if (!strcmp(name, "fields"))
		return want_struct(p, name, t, &e->fields);
	if (!strcmp(name, "context"))
		return want_struct(p, name, t, &e->context);
	return 0;
}

static int ignore_value(struct parser *p, void *dst, const char *name, const struct value *v)
{
	(void)p, (void)dst, (void)name, (void)v;
	return 0;
}

static int parse_trace(struct parser *p)
{
	static const struct block b = { trace_value, trace_type };
	int r;

	if (p->m->has_trace)
		return fail(p, "there are two trace blocks");
	p->m->has_trace = true;
	r = parse_block(p, &b, p->m);
	return r == 0 && p->m->order == PH_CT_NATIVE ? fail(p, "the trace block has no byte_order") : r;
}

static int parse_env(struct parser *p)
{
	static const struct block b = { env_value, NULL };

	return parse_block(p, &b, p->m);
}

static int parse_clock(struct parser *p)
{
	static const struct block b = { clock_value, NULL };
	struct ph_ct_clock c = { .freq = 1000000000 };
	int r = parse_block(p, &b, &c);

	if (r == 0 && !c.name)
		r = fail(p, "a clock has no name");
	if (r == 0)
		*ph_vec_push(&p->m->clocks) = c;
	return r;
}

static int parse_stream(struct parser *p)
{
	static const struct block b = { stream_value, stream_type };
	struct ph_ct_stream s = { 0 };
	int r = parse_block(p, &b, &s);

	if (r == 0 && p->m->streams.n >= PH_CT_STREAMS_MAX)
		r = fail(p, "there are more than %u streams", PH_CT_STREAMS_MAX);
	ph_vec_each(other, &p->m->streams)
		if (r == 0 && other->id == s.id)
			r = fail(p, "there are two streams with id %" PRIu64, s.id);
	if (r == 0)
		*ph_vec_push(&p->m->streams) = s;
	return r;
}

static int parse_event(struct parser *p)
{
	static const struct block b = { event_value, event_type };
	struct ph_ct_event e = { 0 };
	int r = parse_block(p, &b, &e);

	if (r == 0 && !e.name)
		r = fail(p, "an event has no name");
	if (r == 0)
		*ph_vec_push(&p->m->events) = e;
	return r;
}

static int parse_callsite(struct parser *p)
{
	static const struct block b = { ignore_value, NULL };

	return parse_block(p, &b, NULL);
}

static int parse_top(struct parser *p)
{
	static const struct { const char *word; int (*parse)(struct parser *p); } blocks[] = {
		{ "trace", parse_trace }, { "env", parse_env }, { "clock", parse_clock },
		{ "stream", parse_stream }, { "event", parse_event }, { "callsite", parse_callsite },
		{ "typealias", parse_naming }, { "typedef", parse_naming },
	};
	struct ph_ct *t;
	int r;

	if (is_punct(p, ';'))
		return next(p);
	for (size_t i = 0; i < PH_ARRAY_SIZE(blocks); i++)
		if (is_ident(p, blocks[i].word))
			return blocks[i].parse(p);
	if (!starts_type(p))
		return fail(p, "a block or a type is expected, there is %s", token_name(p));
	r = parse_type(p, &t);
	return r < 0 ? r : expect(p, ';', ";");
}

int ph_ctf_meta_parse(struct ph_ctf_meta *m, const char *text, size_t n, struct ph_err *err)
{
	struct parser p = {
		.lx = { .p = text, .end = text + n, .line = 1, .pool = &m->pool }, .m = m, .err = err,
	};
	struct scope top;
	int r;

	push_scope(&p, &top);
	r = next(&p);
	while (r == 0 && p.lx.tok.kind != PH_TOK_END)
		r = parse_top(&p);
	while (p.scope)
		pop_scope(&p);
	if (r == 0 && !m->has_trace)
		r = ph_err_set(err, -EBADMSG, "there is no trace block");
	return r;
}

void ph_ctf_meta_done(struct ph_ctf_meta *m)
{
	ph_vec_done(&m->clocks);
	ph_vec_done(&m->streams);
	ph_vec_done(&m->events);
	ph_vec_done(&m->env);
	ph_pool_done(&m->pool);
}

/* ---- packetized metadata ------------------------------------------------------------------------ */

#define META_MAGIC 0x75D11D57u
#define META_HEAD_BYTES 37

static uint32_t load32(const char *p, bool swap)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return swap ? __builtin_bswap32(v) : v;
}

int ph_ctf_meta_text(const char *data, size_t n, struct ph_buf *out, struct ph_err *err)
{
	bool swap = n >= 4 && load32(data, true) == META_MAGIC;
	size_t at = 0;

	if (n < 4 || (!swap && load32(data, false) != META_MAGIC)) {
		ph_buf_add(out, data, n);
		return 0;
	}
	while (at < n) {
		const char *p = data + at;
		uint64_t content, size;

		if (n - at < META_HEAD_BYTES || load32(p, swap) != META_MAGIC)
			return ph_err_set(err, -EBADMSG, "at byte %zu: no metadata packet", at);
		/* magic, uuid, checksum, content size, packet size (bits), compression, encryption,
		 * checksum scheme, major, minor */
		content = load32(p + 24, swap) / 8;
		size = load32(p + 28, swap) / 8;
		if (content < META_HEAD_BYTES || size < content || size > n - at)
			return ph_err_set(err, -EBADMSG, "at byte %zu: a metadata packet's sizes are "
					  "wrong", at);
		if (p[32] || p[33])
			return ph_err_set(err, -EOPNOTSUPP, "at byte %zu: the metadata is compressed or "
					  "encrypted", at);
		if (p[35] != 1)
			return ph_err_set(err, -EOPNOTSUPP, "the metadata is of CTF version %d.%d",
					  p[35], p[36]);
		ph_buf_add(out, p + META_HEAD_BYTES, content - META_HEAD_BYTES);
		at += size;
	}
	return 0;
}
