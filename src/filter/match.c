/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "event/symbols.h"
#include "filter/expr.h"

/* Events against the list of tests of their class. */

static enum ph_flower lower(void *arg, const struct ph_fleaf *leaf, struct ph_fstep *ret)
{
	int r = ph_filter_lower(leaf, arg, ret, NULL);

	/* A comparison that this class's type cannot have is one with what the event lacks. */
	return r < 0 ? PH_FLOWER_FALSE : (enum ph_flower)r;
}

static const struct ph_fprog *prog_of(struct ph_filter *f, const struct ph_class *cls)
{
	uint64_t key = (uint64_t)(uintptr_t)cls;
	size_t slot = (key >> 4 ^ key >> 10) % PH_ARRAY_SIZE(f->recent);
	struct ph_fprog *prog;

	if (ph_likely(f->recent[slot].cls == cls))
		return f->recent[slot].prog;
	prog = ph_u64map_get(&f->progs, key);
	if (!prog) {
		prog = ph_alloc(sizeof(*prog));
		ph_filter_build(f, lower, (void *)cls, prog);
		ph_u64map_put(&f->progs, key, prog);
	}
	f->recent[slot].cls = cls;
	f->recent[slot].prog = prog;
	return prog;
}

static bool glob(const char *pattern, const char *s, size_t n)
{
	char small[256];
	ph_autofree char *big = NULL;

	if (n < sizeof(small)) {
		memcpy(small, s, n);
		small[n] = 0;
		return ph_glob(pattern, small);
	}
	big = ph_strndup(s, n);
	return ph_glob(pattern, big);
}

#define TEST(name, type)						\
	static bool name(enum ph_fop op, type a, type b)		\
	{								\
		switch (op) {						\
		case PH_FOP_EQ: return a == b;				\
		case PH_FOP_NE: return a != b;				\
		case PH_FOP_LT: return a < b;				\
		case PH_FOP_LE: return a <= b;				\
		case PH_FOP_GT: return a > b;				\
		case PH_FOP_GE: return a >= b;				\
		default: return false;					\
		}							\
	}
TEST(test_u64, uint64_t)
TEST(test_s64, int64_t)
TEST(test_f64, double)
#undef TEST

/* == and ~, without regard to negation. */
static bool text_equal(const struct ph_fstep *s, const char *text, size_t n)
{
	if (s->op == PH_FOP_GLOB || s->op == PH_FOP_NGLOB)
		return glob(s->s, text, n);
	return n == s->n && !memcmp(text, s->s, n);
}

static bool test_text(const struct ph_fstep *s, const char *text, size_t n)
{
	if (s->op == PH_FOP_TRUE)
		return n != 0;
	return text_equal(s, text, n) == (s->op == PH_FOP_EQ || s->op == PH_FOP_GLOB);
}

static bool test_value(const struct ph_fstep *s, const struct ph_value *v);

/* Values whose type is only known now, or of which there are several. */
static bool test_elems(const struct ph_fstep *s, const struct ph_value *v)
{
	const struct ph_type *type = s->type;
	bool negated = s->op == PH_FOP_NE || s->op == PH_FOP_NGLOB;
	struct ph_fstep one = { 0 };
	int r;

	if (type->kind == PH_KIND_VARIANT) {
		if (v->sel >= type->nfields)
			return false;
		r = ph_filter_lower_leaf(s->leaf, type->fields[v->sel].type,
					 type->fields[v->sel].unit, &one, NULL);
		return r == PH_FLOWER_TRUE || (r == PH_FLOWER_STEP && test_value(&one, v->v));
	}
	r = ph_filter_lower_leaf(s->leaf, type->elem, s->unit, &one, NULL);
	if (r != PH_FLOWER_STEP)
		return r == PH_FLOWER_TRUE && (v->n || negated);
	for (uint32_t i = 0; i < v->n; i++)
		if (test_value(&one, &v->v[i]) != negated)
			return !negated;
	return negated;
}

static bool test_value(const struct ph_fstep *s, const struct ph_value *v)
{
	switch (s->test) {
	case PH_FTEST_U64:
		return test_u64(s->op, s->has_mask ? v->u & s->mask : v->u, s->u);
	case PH_FTEST_S64:
		return test_s64(s->op, v->i, s->i);
	case PH_FTEST_F64:
		return test_f64(s->op, v->f, s->f);
	case PH_FTEST_STR:
		return test_text(s, v->s, v->n);
	case PH_FTEST_LABEL: {
		bool in = s->type->is_signed ? v->i >= s->i && v->i <= (int64_t)s->hi :
			  v->u >= s->u && v->u <= s->hi;

		return in == (s->op == PH_FOP_EQ);
	}
	case PH_FTEST_TEXT: {
		ph_autobuf b = { 0 };
		bool known = s->unit == PH_UNIT_ADDR ? ph_symbol_add_addr(&b, v->s, v->n) :
			     ph_symbol_add_sockaddr(&b, v->s, v->n);

		return known && test_text(s, b.p, b.len);
	}
	case PH_FTEST_ELEMS:
		return test_elems(s, v);
	default:
		return false;
	}
}

/* Shorter prefixes of an id would match by chance; the selection's -c has the same rule. */
#define ID_PREFIX_MIN 4

static bool container_equal(const struct ph_fstep *s, const struct ph_container *c)
{
	const char *name = c->index == PH_CONTAINER_HOST ? "host" : c->name;

	if (name && text_equal(s, name, strlen(name)))
		return true;
	if (!c->id || c->index == PH_CONTAINER_HOST)
		return false;
	if (text_equal(s, c->id, strlen(c->id)))
		return true;
	return (s->op == PH_FOP_EQ || s->op == PH_FOP_NE) && s->n >= ID_PREFIX_MIN &&
	       !strncmp(c->id, s->s, s->n);
}

static bool test_container(const struct ph_fstep *s, const struct ph_identity *id,
			   const struct ph_event *ev)
{
	const struct ph_container *c;

	if (ev->container == PH_CONTAINER_UNKNOWN)
		return false;
	if (s->op == PH_FOP_TRUE)
		return ev->container != PH_CONTAINER_HOST;
	c = id ? ph_identity_container(id, ev->container) : NULL;
	return c && container_equal(s, c) == (s->op == PH_FOP_EQ || s->op == PH_FOP_GLOB);
}

static bool test_string(const struct ph_fstep *s, const char *text)
{
	return text && test_text(s, text, strlen(text));
}

static bool test_attr(const struct ph_fstep *s, const struct ph_identity *id,
		      const struct ph_event *ev)
{
	const struct ph_container *c;
	const struct ph_task *task;
	struct ph_value v = { 0 };

	switch ((enum ph_fattr)s->idx) {
	case PH_FATTR_CPU:
		v.u = ev->cpu;
		return test_value(s, &v);
	case PH_FATTR_TID:
		v.i = ev->tid;
		return ev->tid >= 0 && test_value(s, &v);
	case PH_FATTR_PID:
		v.i = ev->pid;
		return ev->pid >= 0 && test_value(s, &v);
	case PH_FATTR_TS:
		v.u = ev->ts_ns;
		return test_value(s, &v);
	case PH_FATTR_PPID:
		task = id ? ph_identity_task(id, ev->tid) : NULL;
		v.i = task ? task->ppid : -1;
		return v.i >= 0 && test_value(s, &v);
	case PH_FATTR_COMM:
		task = id ? ph_identity_task(id, ev->tid) : NULL;
		return task && test_text(s, task->comm, strnlen(task->comm, sizeof(task->comm)));
	case PH_FATTR_CONTAINER:
		if (s->test == PH_FTEST_CONTAINER)
			return test_container(s, id, ev);
		v.u = ev->container;
		return ev->container != PH_CONTAINER_UNKNOWN && test_value(s, &v);
	default:
		break;
	}
	c = id && ev->container != PH_CONTAINER_UNKNOWN ? ph_identity_container(id, ev->container) : NULL;
	if (!c)
		return false;
	switch ((enum ph_fattr)s->idx) {
	case PH_FATTR_POD: return test_string(s, c->pod);
	case PH_FATTR_NAMESPACE: return test_string(s, c->pod_namespace);
	case PH_FATTR_IMAGE: return test_string(s, c->image);
	default: return false;
	}
}

bool ph_filter_match(struct ph_filter *f, const struct ph_identity *id, const struct ph_event *ev)
{
	const struct ph_fprog *prog = prog_of(f, ev->cls);
	uint32_t at = prog->entry;

	while (at >= PH_FSTEP_FIRST) {
		const struct ph_fstep *s = &prog->steps.v[at - PH_FSTEP_FIRST];
		bool t;

		if (s->src == PH_FSRC_FIELD)
			t = test_value(s, &ev->v[s->idx]);
		else if (s->src == PH_FSRC_CTX)
			t = test_value(s, &ev->ctx[s->idx]);
		else
			t = test_attr(s, id, ev);
		at = t ? s->jt : s->jf;
	}
	return at == PH_FSTEP_KEEP;
}

bool ph_filter_may_match(struct ph_filter *f, const struct ph_class *cls)
{
	return prog_of(f, cls)->entry != PH_FSTEP_DROP;
}
