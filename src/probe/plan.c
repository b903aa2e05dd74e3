/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a probe's arguments are at one place: numbers for the kernel side, names and types for readers. */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "probe/probe.h"
#include "symbol/symbol.h"

void ph_probe_plan_done(struct ph_probe_plan *p)
{
	ph_strv_done(&p->names);
	for (uint32_t i = 0; i < PH_PROBE_ARGS; i++)
		free(ph_take(p->enums[i]));
}

static bool in_kernel(const struct ph_probe_spec *s)
{
	return s->kind == PH_PROBE_TRACEPOINT || s->kind == PH_PROBE_KPROBE || s->kind == PH_PROBE_KRETPROBE;
}

/* Of what is looked for: a struct of a text's address and length, and the names of these members. */
#define PAIR 1

/* ---- what an argument begins with ---------------------------------------------------------------- */

static int usdt_nth(const struct ph_probe_site *site, uint32_t n, struct ph_probe_arg *a, enum ph_probe_type *type,
		    struct ph_err *err)
{
	const char *p = site->usdt;
	uint32_t i = 0;
	int r = 0;

	while (*(p += strspn(p, " ")) && r == 0) {
		r = ph_usdt_arg(site->machine, p, &p, a, type, err);
		if (r == 0 && ++i == n)
			return 0;
	}
	return r ? r : ph_err_set(err, -ERANGE, "it has %u arguments, not %u", i, n);
}

static const struct ph_probe_field *field_by_name(const struct ph_probe_site *site, const char *name)
{
	for (size_t i = 0; i < site->nfields; i++)
		if (!strcmp(site->fields[i].name, name))
			return &site->fields[i];
	return NULL;
}

static int no_field(const struct ph_probe_site *site, const char *name, struct ph_err *err)
{
	PH_VEC(const char *) names = { 0 };
	const char *near;
	ph_autobuf all = { 0 };

	for (size_t i = 0; i < site->nfields; i++) {
		*ph_vec_push(&names) = site->fields[i].name;
		ph_buf_addf(&all, "%s%s", i ? ", " : "", site->fields[i].name);
	}
	near = ph_nearest(name, names.v, names.n);
	ph_vec_done(&names);
	return ph_err_set(err, -EINVAL, "it has no field '%s'%s%s%s; it has %s", name, near ? ", did you mean '" : "",
			  near ? near : "", near ? "'?" : "", all.len ? all.p : "none");
}

/* As large as a number can be. */
static bool is_number(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static enum ph_probe_type number_type(uint32_t size, bool is_signed)
{
	switch (size) {
	case 1: return is_signed ? PH_PROBE_S8 : PH_PROBE_U8;
	case 2: return is_signed ? PH_PROBE_S16 : PH_PROBE_U16;
	case 4: return is_signed ? PH_PROBE_S32 : PH_PROBE_U32;
	default: return is_signed ? PH_PROBE_S64 : PH_PROBE_U64;
	}
}

/* A field of a tracepoint's record: it is read as if the record were registers. */
static void set_field(const struct ph_probe_field *f, struct ph_probe_arg *a, enum ph_probe_type *type)
{
	*a = (struct ph_probe_arg){ .has_reg = 1, .reg = (uint16_t)f->offset, .size = 8 };
	*type = f->data_loc || f->text ? PH_PROBE_STR : number_type(f->size, f->is_signed);
	if (f->data_loc)
		a->what = PH_PROBE_DATA_LOC;
	/* The offset is in the value's lower half, which has room for it: a record is smaller than a page. */
	if (f->rel_loc)
		a->add[0] = f->offset + 4;
	if (!f->data_loc && f->text)
		a->what = PH_PROBE_BYTES;
	a->size = ph_probe_type_size(*type);
	if (a->what == PH_PROBE_BYTES)
		a->max = (uint16_t)(f->size > PH_PROBE_TEXT_MAX ? PH_PROBE_TEXT_MAX : f->size);
}

static int too_many_loads(const struct ph_probe_expr *e, struct ph_err *err)
{
	return ph_err_set(err, -EINVAL, "'%s' takes more than four loads from memory", e->word);
}

static enum ph_probe_type symarg_type(const struct ph_symarg *n)
{
	switch (n->kind) {
	case PH_SYMARG_TEXT: return PH_PROBE_STR;
	case PH_SYMARG_ADDRESS: return PH_PROBE_X64;
	case PH_SYMARG_FLOAT: return n->size == 4 ? PH_PROBE_F32 : PH_PROBE_F64;
	case PH_SYMARG_ENUM: return PH_PROBE_ENUM;
	default: return number_type(n->size, n->is_signed);
	}
}

/* An argument by its name, or the result: where it is, and what to load from there. */
static int named(const struct ph_probe_site *site, const struct ph_probe_expr *e, struct ph_probe_arg *a, enum ph_probe_type *type,
		 char **names, struct ph_err *err)
{
	struct ph_symarg n = { 0 };
	int r = site->name(site->arg, e->word, &n, err);

	*names = n.names;
	if (r < 0)
		return r;
	if (n.place == PH_SYMARG_STACK)
		ph_probe_stack_place(site->machine, a);
	else if (n.place == PH_SYMARG_CONSTANT)
		*a = (struct ph_probe_arg){ .user = 1 };
	else if (n.place == PH_SYMARG_NUMBERED)
		r = ph_probe_numbered_place(site->machine, n.argument, a);
	else if (n.place == PH_SYMARG_RESULT)
		r = ph_probe_retval_place(site->machine, site->go, n.argument, a);
	else
		r = ph_probe_arg_place(site->machine, site->go, n.argument, a);
	if (r < 0)
		return ph_err_set(err, r, "'%s' is nowhere", e->word);
	for (unsigned int i = 0; i <= n.loads; i++)
		a->add[i] += n.add[i];
	a->loads = n.loads;
	a->size = n.size;
	a->low = n.low;
	a->bits = n.bits;
	a->is_signed = n.is_signed;
	a->max = n.room > PH_PROBE_TEXT_MAX ? PH_PROBE_TEXT_MAX : n.room;
	*type = symarg_type(&n);
	if (n.kind == PH_SYMARG_PAIR)
		return PAIR;
	return n.kind == PH_SYMARG_NOTHING ? -ENODATA : 0;
}

/* By its type, where that is known. -ENODATA: the function returns nothing. */
static int result(const struct ph_probe_site *site, const struct ph_probe_expr *e, struct ph_probe_arg *a, enum ph_probe_type *type,
		  char **names, struct ph_err *err)
{
	bool all = !strcmp(e->word, PH_SYMARG_RESULT_NAME);
	int r = site->name ? named(site, e, a, type, names, err) : -ENOENT;

	if (!all && !site->name)
		return ph_err_set(err, -EINVAL, "'%s': nothing is known of its type here", e->word);
	/* Who says how it is to be understood may have it of a function that returns nothing. */
	if ((r == -ENOENT && all) || (r == -ENODATA && e->type != PH_PROBE_AUTO))
		return ph_probe_retval_place(site->machine, site->go, 1, a);
	return r;
}

static int begin(const struct ph_probe_spec *s, const struct ph_probe_site *site, const struct ph_probe_expr *e,
		 struct ph_probe_arg *a, enum ph_probe_type *type, char **names, struct ph_err *err)
{
	unsigned int size, shift;
	const struct ph_probe_field *f;
	int r = 0, offset;

	*type = PH_PROBE_AUTO;
	/* 1.16 and 1.17 look alike; one has them on the stack. */
	if (site->go_old && !site->usdt && e->from != PH_PROBE_FROM_REG)
		return ph_err_set(err, -EOPNOTSUPP, "nobody can tell where a function has its arguments in Go before 1.18");
	switch (e->from) {
	case PH_PROBE_FROM_ARG:
		if (site->usdt)
			return usdt_nth(site, e->number, a, type, err);
		if (s->kind == PH_PROBE_TRACEPOINT)
			return no_field(site, e->word, err);
		if (site->inlined)
			return ph_err_set(err, -EOPNOTSUPP, "the compiler has put the function into its callers, where its arguments have names, "
					  "and there is no '%s'", e->word);
		r = ph_probe_arg_place(site->machine, site->go, e->number, a);
		return r < 0 ? ph_err_set(err, r, "nobody can tell where a function has its argument %u%s", e->number,
					  site->go ? " in Go" : "") : 0;
	case PH_PROBE_FROM_RETVAL:
		return result(site, e, a, type, names, err);
	case PH_PROBE_FROM_REG:
		if (s->kind == PH_PROBE_TRACEPOINT)
			return ph_err_set(err, -EINVAL, "a tracepoint has fields, and no registers");
		offset = ph_probe_reg(site->machine, e->word, strlen(e->word), &size, &shift);
		if (offset < 0 || shift)
			return ph_err_set(err, -EINVAL, "there is no register %%%s", e->word);
		*a = (struct ph_probe_arg){ .has_reg = 1, .reg = (uint16_t)offset, .size = (uint8_t)size, .user = 1 };
		*type = size == 8 ? PH_PROBE_AUTO : number_type(size, false);
		return 0;
	case PH_PROBE_FROM_NAME:
		if (site->name)
			return named(site, e, a, type, names, err);
		if (s->kind != PH_PROBE_TRACEPOINT)
			return ph_err_set(err, -EINVAL, "'%s': arguments are arg1, arg2 …%s here", e->word, ph_probe_is_return(s->kind) ? ", retval" : "");
		f = field_by_name(site, e->word);
		if (!f)
			return no_field(site, e->word, err);
		if (!f->data_loc && !f->text && !is_number(f->size))
			return ph_err_set(err, -EOPNOTSUPP, "'%s' is an array or a struct, which is not read", e->word);
		set_field(f, a, type);
		return 0;
	}
	return -EINVAL;
}

/* ---- and what is made of it ----------------------------------------------------------------------- */

/* As what the user wants it to be shown. */
static void cast(enum ph_probe_type to, bool loaded, struct ph_probe_arg *a, enum ph_probe_type *type)
{
	uint8_t size = ph_probe_type_size(to);

	*type = to;
	/* An address is all of a word; what was loaded by its name is not larger than it is. */
	if (to == PH_PROBE_STR || to == PH_PROBE_BUF) {
		a->size = 8;
		a->bits = 0;
	} else {
		if (loaded || !a->loads || size < a->size)
			a->size = size;
		if (a->bits > 8 * size)
			a->bits = (uint8_t)(8 * size);
	}
}

static int finish(const struct ph_probe_spec *s, const struct ph_probe_expr *e, struct ph_probe_arg *a,
		  enum ph_probe_type *type, struct ph_err *err)
{
	bool changed = e->loads || e->add[0];

	/* What is counted there are registers for integers and pointers. */
	if ((e->type == PH_PROBE_F32 || e->type == PH_PROBE_F64) && !e->loads && !a->loads && s->kind != PH_PROBE_USDT &&
	    (e->from == PH_PROBE_FROM_ARG || (e->from == PH_PROBE_FROM_RETVAL && !strcmp(e->word, PH_SYMARG_RESULT_NAME))))
		return ph_err_set(err, -EOPNOTSUPP, "'%s' is an integer's register: floating-point numbers are in others, none of which can be read",
				  e->word);
	if (changed && a->what != PH_PROBE_NUMBER)
		return ph_err_set(err, -EINVAL, "'%s' is a text, with which nothing can be added or loaded", e->word);
	if (changed && a->low)
		return ph_err_set(err, -EINVAL, "'%s' is a part of a word, with which nothing can be added or loaded", e->word);
	if (a->loads + e->loads > PH_PROBE_LOADS)
		return too_many_loads(e, err);
	/* What is loaded from memory is of the size that was asked for; what that began with was an address. */
	for (uint32_t i = 0; i <= e->loads; i++)
		a->add[a->loads + i] = (__s64)((__u64)a->add[a->loads + i] + (__u64)e->add[i]);
	a->loads = (uint8_t)(a->loads + e->loads);
	if (e->loads) {
		a->size = 8;
		a->bits = 0;
		*type = PH_PROBE_AUTO;
	}
	/* Of a text's room that is not known then. */
	if (changed)
		a->max = 0;
	if (e->type != PH_PROBE_AUTO && a->what == PH_PROBE_NUMBER)
		cast(e->type, e->loads, a, type);
	if ((*type == PH_PROBE_STR || *type == PH_PROBE_BUF) && a->what == PH_PROBE_NUMBER) {
		a->what = *type == PH_PROBE_STR ? PH_PROBE_TEXT : PH_PROBE_BUFFER;
		a->size = 8;
	}
	if (*type != PH_PROBE_STR && *type != PH_PROBE_BUF && *type != PH_PROBE_ENUM)
		a->is_signed = *type == PH_PROBE_AUTO || ph_probe_type_signed(*type);
	/* What system calls point to is the program's. */
	a->user = !in_kernel(s) || (s->kind == PH_PROBE_TRACEPOINT && (a->what == PH_PROBE_TEXT || a->what == PH_PROBE_BUFFER) && !strcmp(s->path, "syscalls"));
	/* Registers have something else at the return. */
	a->at_entry = ph_probe_is_return(s->kind) && (e->from == PH_PROBE_FROM_ARG || e->from == PH_PROBE_FROM_NAME);
	return 0;
}

/* A fixed text in a tracepoint's record: its address is the record's, which is no load. */
static void set_record_text(struct ph_probe_arg *a)
{
	if (a->what == PH_PROBE_BYTES)
		a->has_reg = 0;
}

static int value(const struct ph_probe_spec *s, const struct ph_probe_site *site, const struct ph_probe_expr *e,
		 struct ph_probe_arg *a, enum ph_probe_type *type, char **names, struct ph_err *err)
{
	int r = begin(s, site, e, a, type, names, err);

	if (r == PAIR && (e->loads || e->add[0] || e->length || (e->type != PH_PROBE_AUTO && e->type != PH_PROBE_STR)))
		r = ph_err_set(err, -EINVAL, "'%s' is a struct: name one of its members", e->word);
	if (r == 0)
		r = finish(s, e, a, type, err);
	if (r < 0 || (r == 0 && *type != PH_PROBE_ENUM))
		free(ph_take(*names));
	return r;
}

/* Lengths of texts, which come behind all that is shown. */
struct lengths {
	uint32_t n;
	struct ph_probe_arg args[PH_PROBE_ARGS];
	uint32_t of[PH_PROBE_ARGS];
};

static int add_length(const struct ph_probe_spec *s, const struct ph_probe_site *site, const struct ph_probe_expr *e,
		      uint32_t of, struct lengths *l, struct ph_err *err)
{
	enum ph_probe_type type;
	char *names = NULL;
	int r;

	if (l->n == PH_PROBE_ARGS)
		return ph_err_set(err, -EINVAL, "that is too many");
	r = value(s, site, e, &l->args[l->n], &type, &names, err);
	free(names);
	if (r == PAIR || (r == 0 && l->args[l->n].what != PH_PROBE_NUMBER))
		r = ph_err_set(err, -EINVAL, "'%s' is no number, as a length is", e->word);
	if (r == 0)
		l->of[l->n++] = of;
	return r;
}

/* "data,len" of req->uri: the text req->uri.data, of as many bytes as req->uri.len. */
static int pair(const struct ph_probe_spec *s, const struct ph_probe_site *site, const struct ph_probe_expr *e, const char *word,
		const char *members, struct ph_probe_arg *a, uint32_t of, struct lengths *l, struct ph_err *err)
{
	size_t n = strcspn(members, ",");
	ph_autofree char *text = ph_asprintf("%s.%.*s", word, (int)n, members);
	ph_autofree char *len = ph_asprintf("%s.%s", word, members + n + (members[n] != 0));
	struct ph_probe_expr t = { .from = e->from, .word = text, .type = PH_PROBE_STR }, length = { .from = e->from, .word = len };
	enum ph_probe_type type;
	char *names = NULL;
	int r = value(s, site, &t, a, &type, &names, err);

	free(names);
	return r < 0 ? r : r == PAIR ? -EINVAL : add_length(s, site, &length, of, l, err);
}

/* "**list": as list[0][0], where its type tells what that is; else it is a number. */
static bool points(const struct ph_probe_site *site, const struct ph_probe_expr *e, struct ph_probe_expr *ret)
{
	if (!site->name || !e->loads || e->add[0] || (e->from != PH_PROBE_FROM_NAME && e->from != PH_PROBE_FROM_RETVAL))
		return false;
	*ret = *e;
	ret->word = ph_strdup(e->word);
	while (ret->loads && !ret->add[0]) {
		ph_autofree char *word = ret->word;

		ret->word = ph_asprintf("%s[0]", word);
		memmove(ret->add, ret->add + 1, ret->loads-- * sizeof(*ret->add));
	}
	return true;
}

static int add_arg(const struct ph_probe_spec *s, const struct ph_probe_site *site, const struct ph_probe_expr *e,
		   struct ph_probe_plan *p, struct lengths *l, struct ph_err *err)
{
	uint32_t i = p->def.nargs, before = l->n;
	struct ph_probe_arg *a = &p->def.args[i];
	struct ph_probe_expr first = { 0 };
	enum ph_probe_type type;
	int r = points(site, e, &first) ? value(s, site, &first, a, &type, &p->enums[i], NULL) : -EINVAL;
	const char *word = r < 0 ? e->word : first.word;

	if (r < 0)
		r = value(s, site, e, a, &type, &p->enums[i], err);
	if (r == PAIR) {
		ph_autofree char *members = ph_take(p->enums[i]);

		type = PH_PROBE_STR;
		r = pair(s, site, e, word, members, a, i, l, err);
	} else if (r == 0 && e->length) {
		r = a->what == PH_PROBE_TEXT || a->what == PH_PROBE_BUFFER ? add_length(s, site, e->length, i, l, err) :
		    ph_err_set(err, -EINVAL, "'%s' has a length of its own", e->word);
	}
	free(first.word);
	if (r == -ENODATA)
		ph_err_set(err, -ENOENT, "it returns nothing");
	if (r < 0) {
		*a = (struct ph_probe_arg){ 0 };
		free(ph_take(p->enums[i]));
		l->n = before;
		return ph_err_wrap(err, r == -ENODATA ? -ENOENT : r, "'%s'", s->text);
	}
	if (type == PH_PROBE_BUF && p->def.buffer) {
		free(ph_take(p->enums[i]));
		return ph_err_set(err, -EINVAL, "'%s': a probe has at most one buffer", s->text);
	}
	if (type == PH_PROBE_BUF)
		p->def.buffer = (uint16_t)(i + 1);
	set_record_text(a);
	p->def.entry |= (uint32_t)a->at_entry << i;
	p->types[p->def.nargs++] = type;
	ph_strv_add(&p->names, e->name);
	return 0;
}

/* Behind what is shown. */
static int set_lengths(const struct ph_probe_spec *s, const struct lengths *l, struct ph_probe_plan *p, struct ph_err *err)
{
	p->def.nvalues = (uint16_t)p->def.nargs;
	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t at = p->def.nvalues++;

		if (at >= PH_PROBE_ARGS)
			return ph_err_set(err, -EINVAL, "'%s': a probe has at most %d arguments, of which lengths of texts are some",
					  s->text, PH_PROBE_ARGS);
		p->def.args[at] = l->args[i];
		p->def.args[l->of[i]].length = (uint16_t)(at + 1);
		p->def.entry |= (uint32_t)l->args[i].at_entry << at;
	}
	return 0;
}

/* Where no arguments were asked for: those that are known. */
static int add_known(const struct ph_probe_spec *s, const struct ph_probe_site *site, struct ph_probe_plan *p,
		     struct lengths *l, struct ph_err *err)
{
	struct ph_probe_expr e = { .from = PH_PROBE_FROM_RETVAL, .name = (char *)"retval", .word = (char *)"retval" };
	unsigned int texts = 0;
	int r = 0;

	/* One that cannot be read, as a floating-point number, is left out where nobody asked for it, or is none. */
	if (ph_probe_is_return(s->kind)) {
		add_arg(s, site, &e, p, l, NULL);
		return 0;
	}
	e.from = s->kind == PH_PROBE_TRACEPOINT ? PH_PROBE_FROM_NAME : PH_PROBE_FROM_ARG;
	for (size_t i = 0; i < site->nfields && p->def.nargs < PH_PROBE_ARGS && r == 0; i++) {
		const struct ph_probe_field *f = &site->fields[i];

		/* Those that every tracepoint has are columns already; arrays are no numbers. */
		if (!strncmp(f->name, "common_", 7) || (!f->text && !f->data_loc && !is_number(f->size)) ||
		    ((f->text || f->data_loc) && texts++ == PH_PROBE_TEXTS))
			continue;
		e.name = e.word = f->name;
		r = add_arg(s, site, &e, p, l, err);
	}
	for (uint32_t n = 1; site->usdt && n <= PH_PROBE_ARGS && r == 0; n++) {
		ph_autofree char *name = ph_asprintf("arg%u", n);
		struct ph_probe_arg a;
		enum ph_probe_type t;

		e.name = e.word = name;
		e.number = n;
		/* What is not understood, or is not there, is left out where nobody asked for it. */
		if (usdt_nth(site, n, &a, &t, NULL) == -ERANGE)
			break;
		add_arg(s, site, &e, p, l, NULL);
	}
	return r;
}

int ph_probe_plan(const struct ph_probe_spec *s, const struct ph_probe_site *site, uint32_t text_max,
		  struct ph_probe_plan *ret, struct ph_err *err)
{
	struct ph_probe_plan p = { 0 };
	struct lengths lengths = { 0 };
	unsigned int texts = 0;
	int r = 0;

	if (!s->has_args)
		r = add_known(s, site, &p, &lengths, err);
	for (size_t i = 0; i < s->args.n && r == 0; i++)
		r = add_arg(s, site, &s->args.v[i], &p, &lengths, err);
	if (r == 0)
		r = set_lengths(s, &lengths, &p, err);
	for (uint32_t i = 0; i < p.def.nvalues && r == 0; i++) {
		struct ph_probe_arg *a = &p.def.args[i];

		a->text = (uint8_t)texts;
		texts += i < p.def.nargs && p.types[i] == PH_PROBE_STR;
		if (!a->bits)
			a->bits = a->what == PH_PROBE_NUMBER ? (uint8_t)(8 * a->size) : 64;
	}
	p.def.go = site->go;
	if (r == 0 && texts > PH_PROBE_TEXTS)
		r = ph_err_set(err, -EINVAL, "'%s': a probe has at most %d texts", s->text, PH_PROBE_TEXTS);
	if (r < 0) {
		ph_probe_plan_done(&p);
		return r;
	}
	p.def.room = 8u * p.def.nargs + (texts + !!p.def.buffer) * text_max;
	*ret = p;
	return 0;
}
