/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter/filter.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "filter/lex.h"

/*
 *	or   = and { "||" and }
 *	and  = not { "&&" not }
 *	not  = "!" not | "(" or ")" | NAME [ "&" value ] [ op value ]
 *	value = term { "|" term } | "(" value ")"
 *	term = [ "-" ] NUMBER | STRING | [ "-" ] WORD
 */

/* Deeper nesting and longer lists than anyone writes; recursion and jump widths rest on them. */
#define MAX_DEPTH 200
#define MAX_LEAVES 2000

struct parser {
	struct ph_lexer lex;
	struct ph_filter *f;
	unsigned int depth;
};

static int fail(struct parser *p, struct ph_err *err, const char *sentence)
{
	return ph_filter_fail(err, p->lex.expr, p->lex.pos, "%s", sentence);
}

static uint32_t add_node(struct ph_filter *f, int kind, uint32_t a, uint32_t b)
{
	struct ph_fnode *n = ph_vec_push(&f->nodes);

	n->kind = kind;
	n->a = a;
	n->b = b;
	return (uint32_t)f->nodes.n - 1;
}

static int parse_term(struct parser *p, ph_fvalue *out, struct ph_err *err)
{
	struct ph_fterm t = { 0 };
	int r;

	if (p->lex.tok == PH_TOK_MINUS) {
		t.neg = true;
		r = ph_lex(&p->lex, err);
		if (r < 0)
			return r;
		if (p->lex.tok != PH_TOK_NUM && p->lex.tok != PH_TOK_WORD)
			return fail(p, err, "a number or an errno name belongs behind '-'");
	}
	switch (p->lex.tok) {
	case PH_TOK_NUM:
		p->lex.num.neg = t.neg;
		t = p->lex.num;
		if (t.neg)
			t.f = -t.f;
		if (t.neg && t.u > (uint64_t)INT64_MAX + 1)
			return fail(p, err, "this negative number does not fit into 64 bits");
		if (t.u == 0 && !t.fraction)
			t.neg = false;
		break;
	case PH_TOK_WORD:
	case PH_TOK_STR:
		t.kind = p->lex.tok == PH_TOK_STR ? PH_FTERM_STR : PH_FTERM_WORD;
		t.n = p->lex.text.len;
		t.s = ph_strndup(p->lex.text.p ? p->lex.text.p : "", t.n);
		break;
	default:
		return fail(p, err, "a value is missing (a number, a \"string\" or a name like ENOENT)");
	}
	*ph_vec_push(out) = t;
	return ph_lex(&p->lex, err);
}

static int parse_value(struct parser *p, ph_fvalue *out, struct ph_err *err)
{
	bool par = p->lex.tok == PH_TOK_LPAR;
	int r = par ? ph_lex(&p->lex, err) : 0;

	if (r < 0)
		return r;
	for (;;) {
		r = parse_term(p, out, err);
		if (r < 0)
			return r;
		if (p->lex.tok != PH_TOK_OR)
			break;
		r = ph_lex(&p->lex, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < out->n && out->n > 1; i++)
		if (out->v[i].kind == PH_FTERM_STR || out->v[i].neg || out->v[i].fraction)
			return fail(p, err, "only flags and positive whole numbers can be joined with '|'");
	if (!par)
		return 0;
	if (p->lex.tok != PH_TOK_RPAR)
		return fail(p, err, "')' is missing behind the value");
	return ph_lex(&p->lex, err);
}

static bool comparison(enum ph_tok tok, enum ph_fop *ret)
{
	static const struct { enum ph_tok tok; enum ph_fop op; } ops[] = {
		{ PH_TOK_EQ, PH_FOP_EQ }, { PH_TOK_NE, PH_FOP_NE }, { PH_TOK_LT, PH_FOP_LT },
		{ PH_TOK_LE, PH_FOP_LE }, { PH_TOK_GT, PH_FOP_GT }, { PH_TOK_GE, PH_FOP_GE },
		{ PH_TOK_GLOB, PH_FOP_GLOB }, { PH_TOK_NGLOB, PH_FOP_NGLOB },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(ops); i++) {
		if (ops[i].tok == tok) {
			*ret = ops[i].op;
			return true;
		}
	}
	return false;
}

/* NAME, EVENT.FIELD or "any event name".FIELD */
static int parse_name(struct parser *p, struct ph_fleaf *leaf, struct ph_err *err)
{
	bool quoted = p->lex.tok == PH_TOK_STR;
	const char *text, *dot;
	int r;

	if (!quoted && p->lex.tok != PH_TOK_WORD)
		return fail(p, err, "a comparison begins with the name of a field or attribute");
	leaf->pos = p->lex.pos;
	if (quoted) {
		leaf->event = ph_strdup(p->lex.text.p ? p->lex.text.p : "");
		r = ph_lex(&p->lex, err);
		if (r < 0)
			return r;
		text = p->lex.text.p;
		if (p->lex.tok != PH_TOK_WORD || text[0] != '.' || !text[1])
			return fail(p, err, "a string on the left is an event: \"EVENT\".FIELD");
		leaf->field = ph_strdup(text + 1);
	} else {
		text = p->lex.text.p;
		dot = strrchr(text, '.');
		if (dot && (dot == text || !dot[1]))
			return fail(p, err, "this is not EVENT.FIELD");
		if (dot)
			leaf->event = ph_strndup(text, (size_t)(dot - text));
		leaf->field = ph_strdup(dot ? dot + 1 : text);
	}
	leaf->attr = ph_fattr_by_name(leaf->field);
	return ph_lex(&p->lex, err);
}

static int parse_leaf(struct parser *p, uint32_t *ret, struct ph_err *err)
{
	uint32_t at = (uint32_t)p->f->leaves.n;
	struct ph_fleaf *leaf;
	int r;

	if (at >= MAX_LEAVES)
		return fail(p, err, "too many comparisons");
	/* In the vector from the start, so that what it owns is freed with the filter. */
	leaf = ph_vec_push(&p->f->leaves);
	r = parse_name(p, leaf, err);
	if (r < 0)
		return r;
	if (p->lex.tok == PH_TOK_AND) {
		leaf->has_mask = true;
		r = ph_lex(&p->lex, err);
		if (r < 0)
			return r;
		r = parse_value(p, &leaf->mask, err);
		if (r < 0)
			return r;
	}
	leaf->op = PH_FOP_TRUE;
	if (comparison(p->lex.tok, &leaf->op)) {
		r = ph_lex(&p->lex, err);
		if (r < 0)
			return r;
		r = parse_value(p, &leaf->val, err);
		if (r < 0)
			return r;
	}
	*ret = add_node(p->f, PH_FNODE_LEAF, at, 0);
	return 0;
}

static int parse_or(struct parser *p, uint32_t *ret, struct ph_err *err);

static int parse_not(struct parser *p, uint32_t *ret, struct ph_err *err)
{
	bool par = p->lex.tok == PH_TOK_LPAR;
	int r;

	if (!par && p->lex.tok != PH_TOK_NOT)
		return parse_leaf(p, ret, err);
	if (++p->depth > MAX_DEPTH)
		return fail(p, err, "too deeply nested");
	r = ph_lex(&p->lex, err);
	if (r < 0)
		return r;
	if (par) {
		r = parse_or(p, ret, err);
		if (r < 0)
			return r;
		if (p->lex.tok != PH_TOK_RPAR)
			return fail(p, err, "')' is missing");
		r = ph_lex(&p->lex, err);
	} else {
		r = parse_not(p, ret, err);
		if (r >= 0)
			*ret = add_node(p->f, PH_FNODE_NOT, *ret, 0);
	}
	p->depth--;
	return r;
}

/* A loop: only parentheses and ! recurse here. */
static int parse_list(struct parser *p, enum ph_tok tok, int kind,
		      int (*element)(struct parser *p, uint32_t *ret, struct ph_err *err),
		      uint32_t *ret, struct ph_err *err)
{
	uint32_t b;
	int r;

	r = element(p, ret, err);
	while (r >= 0 && p->lex.tok == tok) {
		r = ph_lex(&p->lex, err);
		if (r < 0)
			return r;
		r = element(p, &b, err);
		if (r >= 0)
			*ret = add_node(p->f, kind, *ret, b);
	}
	return r;
}

static int parse_and(struct parser *p, uint32_t *ret, struct ph_err *err)
{
	return parse_list(p, PH_TOK_ANDAND, PH_FNODE_AND, parse_not, ret, err);
}

static int parse_or(struct parser *p, uint32_t *ret, struct ph_err *err)
{
	return parse_list(p, PH_TOK_OROR, PH_FNODE_OR, parse_and, ret, err);
}

static int parse_all(struct parser *p, struct ph_err *err)
{
	int r = ph_lex(&p->lex, err);

	if (r < 0)
		return r;
	if (p->lex.tok == PH_TOK_END)
		return fail(p, err, "it is empty");
	r = parse_or(p, &p->f->root, err);
	if (r < 0)
		return r;
	if (p->lex.tok == PH_TOK_RPAR)
		return fail(p, err, "')' without '('");
	if (p->lex.tok != PH_TOK_END)
		return fail(p, err, "&& or || is missing before this");
	return 0;
}

int ph_filter_parse_names(const char *expr, const struct ph_filter_names *names,
			  struct ph_filter **ret, struct ph_err *err)
{
	struct ph_filter *f = ph_alloc(sizeof(*f));
	struct parser p = { .lex = { .expr = expr, .at = expr }, .f = f };
	int r;

	r = parse_all(&p, err);
	ph_buf_done(&p.lex.text);
	if (r >= 0)
		r = ph_filter_check(f, names, expr, err);
	if (r < 0) {
		ph_filter_free(f);
		return r;
	}
	*ret = f;
	return 0;
}

int ph_filter_parse(const char *expr, struct ph_filter **ret, struct ph_err *err)
{
	return ph_filter_parse_names(expr, NULL, ret, err);
}

static void value_done(ph_fvalue *v)
{
	ph_vec_each(t, v)
		free(t->s);
	ph_vec_done(v);
}

void ph_filter_free(struct ph_filter *f)
{
	if (!f)
		return;
	ph_vec_each(leaf, &f->leaves) {
		free(leaf->event);
		free(leaf->field);
		value_done(&leaf->mask);
		value_done(&leaf->val);
	}
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&f->progs, s)); ) {
		struct ph_fprog *prog = s->val;

		ph_vec_done(&prog->steps);
		free(prog);
	}
	ph_u64map_done(&f->progs);
	ph_vec_done(&f->leaves);
	ph_vec_done(&f->nodes);
	free(f);
}
