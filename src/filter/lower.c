/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "event/symbols.h"
#include "filter/expr.h"

/* From a leaf of the expression to a test on the events of one class. */

const char *const ph_fattr_names[PH_FATTR_MAX] = {
	[PH_FATTR_NAME] = "name", [PH_FATTR_CPU] = "cpu", [PH_FATTR_TID] = "tid",
	[PH_FATTR_PID] = "pid", [PH_FATTR_PPID] = "ppid", [PH_FATTR_COMM] = "comm",
	[PH_FATTR_CONTAINER] = "container", [PH_FATTR_POD] = "pod",
	[PH_FATTR_NAMESPACE] = "namespace", [PH_FATTR_IMAGE] = "image", [PH_FATTR_TS] = "ts",
};

enum ph_fattr ph_fattr_by_name(const char *name)
{
	for (unsigned int i = 0; i < PH_FATTR_MAX; i++)
		if (!strcmp(name, ph_fattr_names[i]))
			return i;
	return PH_FATTR_NONE;
}

const struct ph_type *ph_fattr_type(enum ph_fattr a)
{
	switch (a) {
	case PH_FATTR_CPU:
	case PH_FATTR_CONTAINER:
		return &ph_type_u32;
	case PH_FATTR_TID:
	case PH_FATTR_PID:
	case PH_FATTR_PPID:
		return &ph_type_s32;
	case PH_FATTR_TS:
		return &ph_type_u64;
	default:
		return NULL;
	}
}

static bool is_text_op(enum ph_fop op)
{
	return op == PH_FOP_GLOB || op == PH_FOP_NGLOB;
}

static bool is_order_op(enum ph_fop op)
{
	return op >= PH_FOP_LT && op <= PH_FOP_GE;
}

static const struct ph_enum_label *find_label(const struct ph_type *type, const char *name)
{
	for (uint32_t i = 0; type->kind == PH_KIND_ENUM && i < type->nlabels; i++)
		if (!strcmp(type->labels[i].name, name))
			return &type->labels[i];
	return NULL;
}

/* The number of a name or number; the sign apart, so that 64-bit unsigned ones fit too. */
static int term_number(const struct ph_fterm *t, const struct ph_type *type, enum ph_unit unit,
		       bool *ret_neg, uint64_t *ret, struct ph_err *err)
{
	const struct ph_enum_label *label;
	const char *near[256];
	const char *hint;
	int64_t v;
	size_t n = 0;

	if (t->kind == PH_FTERM_NUM) {
		if (t->fraction)
			return ph_err_set(err, -EINVAL, "a whole number, not a fraction, is compared with it");
		*ret_neg = t->neg;
		*ret = t->u;
		return 0;
	}
	label = find_label(type, t->s);
	if (label) {
		v = label->lo;
	} else if (!ph_symbol_value(unit, t->s, t->n, &v) &&
		   /* A word with a place in the language of errno and flags is good without a unit. */
		   (t->kind == PH_FTERM_STR || ph_symbol_unit(unit) || !ph_symbol_any(t->s, t->n, &v))) {
		while (n < PH_ARRAY_SIZE(near) && (near[n] = ph_symbol_nth(unit, n)))
			n++;
		hint = n ? ph_nearest(t->s, near, n) : NULL;
		if (ph_symbol_unit(unit))
			return ph_err_set(err, -EINVAL, "'%s' is no %s%s%s%s", t->s, ph_unit_name(unit),
					  hint ? "; did you mean " : "", hint ? hint : "", hint ? "?" : "");
		return ph_err_set(err, -EINVAL, "it is a number, '%s' is not", t->s);
	}
	*ret_neg = t->neg != (v < 0) && v;
	*ret = v < 0 ? -(uint64_t)v : (uint64_t)v;
	return 0;
}

static int value_number(const ph_fvalue *val, const struct ph_type *type, enum ph_unit unit,
			bool *ret_neg, uint64_t *ret, struct ph_err *err)
{
	uint64_t all = 0, one;
	bool neg = false;
	int r;

	for (size_t i = 0; i < val->n; i++) {
		r = term_number(&val->v[i], type, unit, &neg, &one, err);
		if (r < 0)
			return r;
		all |= one;
	}
	*ret_neg = neg;
	*ret = all;
	return 0;
}

/* What a constant outside the range of the other side's type decides. */
static enum ph_flower beyond(enum ph_fop op, bool constant_is_greater)
{
	bool t = op == PH_FOP_NE ||
		 (constant_is_greater ? op == PH_FOP_LT || op == PH_FOP_LE : op == PH_FOP_GT || op == PH_FOP_GE);

	return t ? PH_FLOWER_TRUE : PH_FLOWER_FALSE;
}

static int lower_number(const struct ph_fleaf *leaf, const struct ph_type *type, enum ph_unit unit,
			bool is_signed, struct ph_fstep *s, struct ph_err *err)
{
	const struct ph_enum_label *label;
	bool neg = false;
	uint64_t u = 0;
	int r;

	if (is_text_op(leaf->op))
		return ph_err_set(err, -EINVAL, "it is a number, and ~ compares text");
	if (leaf->has_mask) {
		r = value_number(&leaf->mask, type, unit, &neg, &s->mask, err);
		if (r < 0)
			return r;
		if (neg)
			s->mask = -s->mask;
		s->has_mask = true;
		/* What a mask leaves is a set of bits. */
		is_signed = false;
	}
	s->op = leaf->op;
	if (leaf->op == PH_FOP_TRUE) {
		s->op = PH_FOP_NE;
	} else {
		r = value_number(&leaf->val, type, unit, &neg, &u, err);
		if (r < 0)
			return r;
		label = leaf->val.n == 1 && leaf->val.v[0].kind != PH_FTERM_NUM ?
			find_label(type, leaf->val.v[0].s) : NULL;
		if (label && label->lo != label->hi && !leaf->has_mask) {
			if (is_order_op(leaf->op))
				return ph_err_set(err, -EINVAL, "'%s' is a range: only == and != can be asked",
						  label->name);
			s->test = PH_FTEST_LABEL;
			s->u = (uint64_t)label->lo;
			s->hi = (uint64_t)label->hi;
			return PH_FLOWER_STEP;
		}
	}
	if (!is_signed) {
		if (neg)
			return beyond(s->op, false);
		s->test = PH_FTEST_U64;
		s->u = u;
		return PH_FLOWER_STEP;
	}
	if (!neg && u > INT64_MAX)
		return beyond(s->op, true);
	s->test = PH_FTEST_S64;
	s->u = neg ? -u : u;
	return PH_FLOWER_STEP;
}

static int lower_float(const struct ph_fleaf *leaf, struct ph_fstep *s, struct ph_err *err)
{
	if (leaf->has_mask || is_text_op(leaf->op))
		return ph_err_set(err, -EINVAL, "it is a floating-point number");
	s->test = PH_FTEST_F64;
	s->op = leaf->op;
	s->f = 0;
	if (leaf->op == PH_FOP_TRUE) {
		s->op = PH_FOP_NE;
	} else {
		if (leaf->val.n != 1 || leaf->val.v[0].kind != PH_FTERM_NUM)
			return ph_err_set(err, -EINVAL, "it is compared with one number");
		s->f = leaf->val.v[0].f;
	}
	return PH_FLOWER_STEP;
}

static int lower_text(const struct ph_fleaf *leaf, enum ph_ftest test, struct ph_fstep *s,
		      struct ph_err *err)
{
	const struct ph_fterm *t = leaf->val.n == 1 ? &leaf->val.v[0] : NULL;

	if (leaf->has_mask || is_order_op(leaf->op))
		return ph_err_set(err, -EINVAL, "it is text: only == != ~ !~ can be asked");
	s->test = test;
	s->op = leaf->op;
	if (leaf->op == PH_FOP_TRUE)
		return PH_FLOWER_STEP;
	if (!t || t->kind == PH_FTERM_NUM || t->neg)
		return ph_err_set(err, -EINVAL, "it is text, compared with a \"string\"");
	s->s = t->s;
	s->n = t->n;
	return PH_FLOWER_STEP;
}

int ph_filter_lower_leaf(const struct ph_fleaf *leaf, const struct ph_type *type, enum ph_unit unit,
			 struct ph_fstep *s, struct ph_err *err)
{
	struct ph_fstep elem = { 0 };
	int r;

	s->leaf = leaf;
	s->type = type;
	s->unit = unit;
	switch (type->kind) {
	case PH_KIND_UINT:
		return lower_number(leaf, type, unit, false, s, err);
	case PH_KIND_INT:
		return lower_number(leaf, type, unit, true, s, err);
	case PH_KIND_ENUM:
		return lower_number(leaf, type, unit, type->is_signed, s, err);
	case PH_KIND_FLOAT:
		return lower_float(leaf, s, err);
	case PH_KIND_STR:
		return lower_text(leaf, PH_FTEST_STR, s, err);
	case PH_KIND_BYTES:
		return lower_text(leaf, unit == PH_UNIT_ADDR || unit == PH_UNIT_SOCKADDR ?
				  PH_FTEST_TEXT : PH_FTEST_STR, s, err);
	case PH_KIND_SEQ:
		r = ph_filter_lower_leaf(leaf, type->elem, unit, &elem, err);
		if (r < 0)
			return r;
		break;
	case PH_KIND_VARIANT:
		break;
	default:
		return ph_err_set(err, -EINVAL, "it is a structure, which cannot be compared");
	}
	s->test = PH_FTEST_ELEMS;
	s->op = leaf->op;
	return PH_FLOWER_STEP;
}

static int lower_container(const struct ph_fleaf *leaf, struct ph_fstep *s, struct ph_err *err)
{
	if (leaf->val.n && leaf->val.v[0].kind == PH_FTERM_NUM)
		return ph_filter_lower_leaf(leaf, &ph_type_u32, PH_UNIT_NONE, s, err);
	return lower_text(leaf, PH_FTEST_CONTAINER, s, err);
}

static int lower_attr(const struct ph_fleaf *leaf, const struct ph_class *cls, struct ph_fstep *s,
		      struct ph_err *err)
{
	const struct ph_type *type = ph_fattr_type(leaf->attr);
	bool eq;
	int r;

	s->src = PH_FSRC_ATTR;
	s->idx = (uint16_t)leaf->attr;
	s->leaf = leaf;
	if (type) {
		r = leaf->attr == PH_FATTR_CONTAINER ? lower_container(leaf, s, err) :
		    ph_filter_lower_leaf(leaf, type, PH_UNIT_NONE, s, err);
		/* True for any number, but not where the attribute is unknown: keep a test for that. */
		if (r == PH_FLOWER_TRUE) {
			s->test = PH_FTEST_U64;
			s->op = PH_FOP_GE;
			s->u = 0;
			r = PH_FLOWER_STEP;
		}
		return r;
	}
	r = lower_text(leaf, PH_FTEST_STR, s, err);
	if (r < 0 || leaf->attr != PH_FATTR_NAME)
		return r;
	/* The class alone decides about the name. */
	if (s->op == PH_FOP_TRUE)
		return PH_FLOWER_TRUE;
	eq = s->op == PH_FOP_EQ || s->op == PH_FOP_NE ? !strcmp(s->s, cls->name) : ph_glob(s->s, cls->name);
	return eq == (s->op == PH_FOP_EQ || s->op == PH_FOP_GLOB) ? PH_FLOWER_TRUE : PH_FLOWER_FALSE;
}

static int find_field(const struct ph_field *fields, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n && i <= INT16_MAX; i++)
		if (!strcmp(fields[i].name, name))
			return (int)i;
	return -1;
}

int ph_filter_lower(const struct ph_fleaf *leaf, const struct ph_class *cls, struct ph_fstep *s,
		    struct ph_err *err)
{
	int i;

	if (leaf->event ? !ph_glob(leaf->event, cls->name) : leaf->attr != PH_FATTR_NONE) {
		if (leaf->event)
			return PH_FLOWER_FALSE;
		return lower_attr(leaf, cls, s, err);
	}
	i = find_field(cls->fields, cls->nfields, leaf->field);
	if (i >= 0) {
		s->src = PH_FSRC_FIELD;
		s->idx = (uint16_t)i;
		return ph_filter_lower_leaf(leaf, cls->fields[i].type, cls->fields[i].unit, s, err);
	}
	i = find_field(cls->ctx, cls->nctx, leaf->field);
	if (i >= 0) {
		s->src = PH_FSRC_CTX;
		s->idx = (uint16_t)i;
		return ph_filter_lower_leaf(leaf, cls->ctx[i].type, cls->ctx[i].unit, s, err);
	}
	return leaf->attr != PH_FATTR_NONE ? lower_attr(leaf, cls, s, err) : PH_FLOWER_FALSE;
}

struct builder {
	const struct ph_filter *f;
	ph_filter_lower_fn lower;
	void *arg;
	struct ph_fprog *prog;
};

/*
 * Steps of @node, with @negate before it, that go on at @t or @f; returns where they begin. Built
 * from the end, so a target always has a lower number. Negation only swaps targets: a leaf of
 * which nothing is known must keep the event in either polarity, so it is decided behind the swap.
 */
static uint32_t build(struct builder *b, uint32_t node, bool negate, uint32_t t, uint32_t f)
{
	const struct ph_fnode *n = &b->f->nodes.v[node];
	struct ph_fstep s = { 0 };
	enum ph_flower r;
	uint32_t next;

	switch (n->kind) {
	case PH_FNODE_NOT:
		return build(b, n->a, !negate, t, f);
	case PH_FNODE_AND:
	case PH_FNODE_OR:
		next = build(b, n->b, negate, t, f);
		if ((n->kind == PH_FNODE_AND) != negate)
			return build(b, n->a, negate, next, f);
		return build(b, n->a, negate, t, next);
	default:
		break;
	}
	r = b->lower(b->arg, &b->f->leaves.v[n->a], &s);
	if (r == PH_FLOWER_UNKNOWN)
		return t;
	if (r == PH_FLOWER_TRUE || r == PH_FLOWER_FALSE)
		return (r == PH_FLOWER_TRUE) != negate ? t : f;
	s.jt = (uint16_t)(negate ? f : t);
	s.jf = (uint16_t)(negate ? t : f);
	if (s.jt == s.jf)
		return t;
	*ph_vec_push(&b->prog->steps) = s;
	return (uint32_t)b->prog->steps.n - 1 + PH_FSTEP_FIRST;
}

void ph_filter_build(const struct ph_filter *f, ph_filter_lower_fn lower, void *arg,
		     struct ph_fprog *ret)
{
	struct builder b = { f, lower, arg, ret };

	ret->entry = build(&b, f->root, false, PH_FSTEP_KEEP, PH_FSTEP_DROP);
}
