/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctf/parse.h"

/* Types of TSDL. */

static struct ph_ct *new_type(struct ph_tp *p, enum ph_ct_kind kind)
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
static int adopt(struct ph_tp *p, struct ph_ct *t, const struct ph_ct *child)
{
	if (child->depth >= PH_CT_DEPTH_MAX)
		return ph_tp_fail(p, "types are nested more than %u deep", PH_CT_DEPTH_MAX);
	if (t->depth <= child->depth)
		t->depth = child->depth + 1;
	if (t->kind != PH_CT_VARIANT && t->align < child->align)
		t->align = child->align;
	return 0;
}

static int set_integer(struct ph_tp *p, void *dst, const char *name, const struct ph_tp_val *v)
{
	struct ph_ct *t = dst;
	uint64_t u = 0;
	int r;

	if (!strcmp(name, "size")) {
		r = ph_tp_want_int(p, v, 64, &u);
		if (r == 0 && !u)
			r = ph_tp_fail(p, "an integer has no bits");
		t->bits = (uint16_t)u;
		return r;
	}
	if (!strcmp(name, "align"))
		return ph_tp_want_align(p, v, &t->align);
	if (!strcmp(name, "signed"))
		return ph_tp_want_bool(p, v, &t->is_signed);
	if (!strcmp(name, "byte_order"))
		return ph_tp_want_order(p, v, &t->order);
	if (!strcmp(name, "base"))
		return ph_tp_want_base(p, v, &t->base);
	if (!strcmp(name, "encoding"))
		return ph_tp_want_text(p, v, &t->is_text);
	if (!strcmp(name, "map"))
		return ph_tp_want_clock(p, v, &t->clock);
	return 0;	/* what later versions of the format may say of an integer */
}

struct float_attrs {
	struct ph_ct *t;
	uint64_t exp_dig, mant_dig;
};

static int set_float(struct ph_tp *p, void *dst, const char *name, const struct ph_tp_val *v)
{
	struct float_attrs *f = dst;

	if (!strcmp(name, "exp_dig"))
		return ph_tp_want_int(p, v, 64, &f->exp_dig);
	if (!strcmp(name, "mant_dig"))
		return ph_tp_want_int(p, v, 64, &f->mant_dig);
	if (!strcmp(name, "align"))
		return ph_tp_want_align(p, v, &f->t->align);
	if (!strcmp(name, "byte_order"))
		return ph_tp_want_order(p, v, &f->t->order);
	return 0;
}

static int set_string(struct ph_tp *p, void *dst, const char *name, const struct ph_tp_val *v)
{
	return !strcmp(name, "encoding") ? ph_tp_want_text(p, v, &((struct ph_ct *)dst)->is_text) : 0;
}

static int parse_integer(struct ph_tp *p, struct ph_ct **ret)
{
	struct ph_ct *t = new_type(p, PH_CT_INT);
	int r;

	t->align = 0;
	r = ph_tp_attrs(p, t, set_integer);
	if (r < 0)
		return r;
	if (!t->bits)
		return ph_tp_fail(p, "an integer has no size");
	if (!t->align)
		t->align = t->bits % 8 ? 1 : 8;
	*ret = t;
	return 0;
}

static int parse_float(struct ph_tp *p, struct ph_ct **ret)
{
	struct float_attrs f = { .t = new_type(p, PH_CT_FLOAT) };
	int r = ph_tp_attrs(p, &f, set_float);

	if (r < 0)
		return r;
	if (!(f.exp_dig == 8 && f.mant_dig == 24) && !(f.exp_dig == 11 && f.mant_dig == 53))
		return ph_tp_fail(p, "a floating point number is neither of 32 nor of 64 bits");
	f.t->bits = (uint16_t)(f.exp_dig + f.mant_dig);
	*ret = f.t;
	return 0;
}

static int parse_string(struct ph_tp *p, struct ph_ct **ret)
{
	struct ph_ct *t = new_type(p, PH_CT_STRING);

	t->align = 8;
	t->is_text = true;
	*ret = t;
	return ph_tp_is_punct(p, '{') ? ph_tp_attrs(p, t, set_string) : 0;
}

/* One declarator: name[2][len]. The last bracket is the innermost array, as in C. */
static int parse_declarator(struct ph_tp *p, struct ph_ct *type, const char **name,
			    struct ph_ct **ret)
{
	struct ph_ct *dims[8];
	unsigned int n = 0;
	int r;

	if (p->lx.tok.kind != PH_TOK_IDENT)
		return ph_tp_fail(p, "a name is expected, there is %s", ph_tp_token_name(p));
	*name = p->lx.tok.s;
	r = ph_tp_next(p);
	while (r == 0 && ph_tp_is_punct(p, '[')) {
		if (n == PH_ARRAY_SIZE(dims))
			return ph_tp_fail(p, "an array has more than %zu dimensions", PH_ARRAY_SIZE(dims));
		r = ph_tp_next(p);
		if (r < 0)
			return r;
		if (p->lx.tok.kind == PH_TOK_INT) {
			dims[n] = new_type(p, PH_CT_ARRAY);
			if (p->lx.tok.u > UINT32_MAX)
				return ph_tp_fail(p, "an array has more than %u elements", UINT32_MAX);
			dims[n]->n = (uint32_t)p->lx.tok.u;
			r = ph_tp_next(p);
		} else {
			dims[n] = new_type(p, PH_CT_SEQ);
			r = ph_tp_path(p, &dims[n]->ref);
		}
		n++;
		if (r == 0)
			r = ph_tp_expect(p, ']', "]");
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
static int parse_alias_name(struct ph_tp *p, const char **ret)
{
	ph_autobuf name = { 0 };
	int r = 0;

	while (r == 0 && (p->lx.tok.kind == PH_TOK_IDENT || ph_tp_is_punct(p, '*'))) {
		if (name.len)
			ph_buf_addc(&name, ' ');
		if (p->lx.tok.kind == PH_TOK_IDENT)
			ph_buf_adds(&name, p->lx.tok.s);
		else
			ph_buf_addc(&name, '*');
		r = ph_tp_next(p);
	}
	if (r == 0 && !name.len)
		r = ph_tp_fail(p, "a name is expected, there is %s", ph_tp_token_name(p));
	if (r == 0)
		*ret = ph_pool_strndup(&p->m->pool, name.p, name.len);
	return r;
}

/* typealias TYPE := NAME; or typedef TYPE NAME[…], …; — the keyword is the present token. */
int ph_tp_naming(struct ph_tp *p)
{
	bool alias = ph_tp_is_ident(p, "typealias");
	const char *name;
	struct ph_ct *t, *full;
	int r = ph_tp_next(p);

	if (r == 0)
		r = ph_tp_type(p, &t);
	if (r < 0)
		return r;
	if (alias) {
		r = ph_tp_expect(p, PH_PUNCT_ASSIGN, ":=");
		if (r == 0)
			r = parse_alias_name(p, &name);
		if (r == 0)
			r = ph_tp_add_type(p, name, t);
		return r < 0 ? r : ph_tp_expect(p, ';', ";");
	}
	for (;;) {
		r = parse_declarator(p, t, &name, &full);
		if (r == 0)
			r = ph_tp_add_type(p, name, full);
		if (r < 0 || !ph_tp_is_punct(p, ','))
			break;
		r = ph_tp_next(p);
		if (r < 0)
			break;
	}
	return r < 0 ? r : ph_tp_expect(p, ';', ";");
}

static int add_member(struct ph_tp *p, struct ph_ct *t, const char *name, struct ph_ct *type,
		      uint32_t *cap, struct ph_strmap *seen)
{
	if (ph_strmap_get(seen, name))
		return ph_tp_fail(p, "\"%s\" is there twice", name);
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
static int parse_members(struct ph_tp *p, struct ph_ct *t, struct ph_strmap *seen)
{
	uint32_t cap = 0;
	int r = 0;

	while (r == 0 && !ph_tp_is_punct(p, '}')) {
		struct ph_ct *type, *full;
		const char *name;

		if (ph_tp_is_ident(p, "typealias") || ph_tp_is_ident(p, "typedef")) {
			r = ph_tp_naming(p);
			continue;
		}
		r = ph_tp_type(p, &type);
		if (r < 0)
			return r;
		if (ph_tp_is_punct(p, ';')) {		/* "struct x { … };" only makes the name known */
			r = ph_tp_next(p);
			continue;
		}
		for (;;) {
			r = parse_declarator(p, type, &name, &full);
			if (r == 0)
				r = add_member(p, t, name, full, &cap, seen);
			if (r < 0)
				return r;
			if (!ph_tp_is_punct(p, ','))
				break;
			r = ph_tp_next(p);
			if (r < 0)
				return r;
		}
		r = ph_tp_expect(p, ';', ";");
	}
	return r < 0 ? r : ph_tp_next(p);
}

static int parse_body(struct ph_tp *p, struct ph_ct *t)
{
	struct ph_strmap seen = { 0 };
	struct ph_tp_scope s;
	int r = ph_tp_next(p);

	ph_tp_push_scope(p, &s);
	if (r == 0)
		r = parse_members(p, t, &seen);
	ph_tp_pop_scope(p);
	ph_strmap_done(&seen);
	return r;
}

/* Behind "struct", "variant", "enum": the name if there is one, as the key of its table entry. */
static int parse_tag_name(struct ph_tp *p, const char *keyword, const char **ret)
{
	*ret = NULL;
	if (p->lx.tok.kind != PH_TOK_IDENT)
		return 0;
	*ret = ph_pool_alloc(&p->m->pool, strlen(keyword) + strlen(p->lx.tok.s) + 2);
	sprintf((char *)*ret, "%s %s", keyword, p->lx.tok.s);
	return ph_tp_next(p);
}

/* "NAME { … }" declares a type, "{ … }" is one without a name, "NAME" one that was declared. @what: "a structure". */
static int parse_body_or_name(struct ph_tp *p, enum ph_ct_kind kind, const char *key, const char *what, struct ph_ct **ret)
{
	int r;

	if (ph_tp_is_punct(p, '{')) {
		*ret = new_type(p, kind);
		r = parse_body(p, *ret);
		return r < 0 || !key ? r : ph_tp_add_type(p, key, *ret);
	}
	if (!key)
		return ph_tp_fail(p, "%s has neither a name nor a body", what);
	*ret = ph_tp_find_type(p, key);
	return *ret ? 0 : ph_tp_fail(p, "there is no \"%s\"", key);
}

/* "(N)", behind "align" */
static int parse_align(struct ph_tp *p, uint32_t *ret)
{
	struct ph_tp_val v;
	int r = ph_tp_next(p);

	if (r == 0)
		r = ph_tp_expect(p, '(', "(");
	if (r == 0)
		r = ph_tp_value(p, &v);
	if (r == 0)
		r = ph_tp_want_align(p, &v, ret);
	return r < 0 ? r : ph_tp_expect(p, ')', ")");
}

static int parse_struct(struct ph_tp *p, struct ph_ct **ret)
{
	struct ph_ct *t = NULL;
	uint32_t align = 1;
	const char *key;
	int r = parse_tag_name(p, "struct", &key);

	if (r == 0)
		r = parse_body_or_name(p, PH_CT_STRUCT, key, "a structure", &t);
	if (r == 0 && ph_tp_is_ident(p, "align"))
		r = parse_align(p, &align);
	if (r < 0)
		return r;
	if (t->align < align)
		t->align = align;
	*ret = t;
	return 0;
}

static int parse_variant(struct ph_tp *p, struct ph_ct **ret)
{
	const char *key, *tag = NULL;
	struct ph_ct *t = NULL;
	int r = parse_tag_name(p, "variant", &key);

	if (r == 0 && ph_tp_is_punct(p, '<')) {
		r = ph_tp_next(p);
		if (r == 0)
			r = ph_tp_path(p, &tag);
		if (r == 0)
			r = ph_tp_expect(p, '>', ">");
	}
	if (r == 0)
		r = parse_body_or_name(p, PH_CT_VARIANT, key, "a variant", &t);
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

/* The number behind '=' or '...', which is the current token. */
static int label_value(struct ph_tp *p, int64_t *ret)
{
	struct ph_tp_val v;
	int r = ph_tp_next(p);

	if (r == 0)
		r = ph_tp_value(p, &v);
	if (r == 0 && v.kind != VAL_INT)
		r = ph_tp_fail(p, "a label's value is not a number");
	if (r == 0)
		*ret = (int64_t)v.u;
	return r;
}

static int parse_label(struct ph_tp *p, struct ph_enum_label *l, uint64_t *follow)
{
	int r;

	if (p->lx.tok.kind != PH_TOK_IDENT && p->lx.tok.kind != PH_TOK_STR)
		return ph_tp_fail(p, "a label is expected, there is %s", ph_tp_token_name(p));
	l->name = p->lx.tok.s;
	l->lo = l->hi = (int64_t)*follow;
	r = ph_tp_next(p);
	if (r == 0 && ph_tp_is_punct(p, '=')) {
		r = label_value(p, &l->lo);
		l->hi = l->lo;
		if (r == 0 && ph_tp_is_punct(p, PH_PUNCT_DOTS))
			r = label_value(p, &l->hi);
		if (r < 0)
			return r;
	}
	*follow = (uint64_t)l->hi + 1;
	return r;
}

static int parse_labels(struct ph_tp *p, struct ph_ct *t)
{
	PH_VEC(struct ph_enum_label) labels = { 0 };
	uint64_t follow = 0;
	int r = ph_tp_next(p);

	while (r == 0 && !ph_tp_is_punct(p, '}')) {
		r = parse_label(p, ph_vec_push(&labels), &follow);
		if (r < 0 || ph_tp_is_punct(p, '}'))
			break;
		r = ph_tp_expect(p, ',', ",");
	}
	if (r == 0) {
		t->n = (uint32_t)labels.n;
		t->labels = ph_pool_alloc(&p->m->pool, labels.n * sizeof(*labels.v));
		if (labels.n)
			memcpy(t->labels, labels.v, labels.n * sizeof(*labels.v));
		r = ph_tp_next(p);
	}
	ph_vec_done(&labels);
	return r;
}

static int parse_enum(struct ph_tp *p, struct ph_ct **ret)
{
	struct ph_ct *t, *of = NULL;
	const char *key;
	int r = parse_tag_name(p, "enum", &key);

	if (r == 0 && ph_tp_is_punct(p, ':')) {
		r = ph_tp_next(p);
		if (r == 0)
			r = ph_tp_type(p, &of);
	}
	if (r < 0)
		return r;
	if (!ph_tp_is_punct(p, '{')) {
		t = key ? ph_tp_find_type(p, key) : NULL;
		if (!t)
			return ph_tp_fail(p, "there is no \"%s\"", key ? key : "enum");
		*ret = t;
		return 0;
	}
	if (!of)
		of = ph_tp_find_type(p, "int");
	if (!of || of->kind != PH_CT_INT)
		return ph_tp_fail(p, "an enumeration is not of an integer type");
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
		r = ph_tp_add_type(p, key, t);
	*ret = t;
	return r;
}

/* A type by its words: C's own, of which there may be several, or one name. */
static int parse_named(struct ph_tp *p, struct ph_ct **ret)
{
	static const char *const c_words[] = {
		"char", "short", "int", "long", "float", "double", "signed", "unsigned", "void", "_Bool",
		"_Complex", "_Imaginary",
	};
	ph_autobuf name = { 0 };
	int r = 0;

	while (r == 0 && p->lx.tok.kind == PH_TOK_IDENT) {
		bool is_c = false;

		if (ph_tp_is_ident(p, "const")) {
			r = ph_tp_next(p);
			continue;
		}
		for (size_t i = 0; i < PH_ARRAY_SIZE(c_words); i++)
			is_c |= ph_tp_is_ident(p, c_words[i]);
		if (!is_c && name.len)
			break;
		if (name.len)
			ph_buf_addc(&name, ' ');
		ph_buf_adds(&name, p->lx.tok.s);
		r = ph_tp_next(p);
		if (!is_c)
			break;
	}
	while (r == 0 && ph_tp_is_punct(p, '*')) {
		ph_buf_adds(&name, " *");
		r = ph_tp_next(p);
	}
	if (r < 0)
		return r;
	if (!name.len)
		return ph_tp_fail(p, "a type is expected, there is %s", ph_tp_token_name(p));
	*ret = ph_tp_find_type(p, name.p);
	return *ret ? 0 : ph_tp_fail(p, "there is no type \"%s\"", name.p);
}

int ph_tp_type(struct ph_tp *p, struct ph_ct **ret)
{
	static const struct {
		const char *word;
		int (*parse)(struct ph_tp *p, struct ph_ct **ret);
	} kinds[] = {
		{ "integer", parse_integer }, { "floating_point", parse_float },
		{ "string", parse_string }, { "struct", parse_struct }, { "variant", parse_variant },
		{ "enum", parse_enum },
	};
	int r = 0;

	while (r == 0 && ph_tp_is_ident(p, "const"))
		r = ph_tp_next(p);
	if (r < 0)
		return r;
	if (p->depth >= PH_CT_DEPTH_MAX)
		return ph_tp_fail(p, "types are nested more than %u deep", PH_CT_DEPTH_MAX);
	p->depth++;
	for (size_t i = 0; i < PH_ARRAY_SIZE(kinds); i++) {
		if (ph_tp_is_ident(p, kinds[i].word)) {
			r = ph_tp_next(p);
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
