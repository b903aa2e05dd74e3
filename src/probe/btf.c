/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments of the kernel's functions by their names: by the types that the kernel carries (BTF). */
#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "probe/priv.h"

/* Members of members without a name. */
#define NEST_MAX 16
/* Bytes of an enumeration's names. */
#define NAMES_MAX 2000

struct walk {
	const struct btf *btf;
	const char *text, *p;		/* what is asked for, and how far it was read */
	struct ph_symarg *a;
	const struct btf_type *type;	/* NULL: void */
	bool in_memory;			/* it is where the chain points to, not what the chain gives */
	uint32_t bit, bits;		/* of a bit field, behind where it is */
	struct ph_err *err;
};

static const struct btf_type *type_of(const struct btf *btf, uint32_t id)
{
	int r = btf__resolve_type(btf, id);

	return r > 0 ? btf__type_by_id(btf, (uint32_t)r) : NULL;
}

static const char *name_of(const struct btf *btf, uint32_t offset)
{
	const char *s = btf__name_by_offset(btf, offset);

	return s ? s : "";
}

static bool is_char(const struct btf *btf, const struct btf_type *t)
{
	return t && btf_is_int(t) && t->size == 1 && strstr(name_of(btf, t->name_off), "char");
}

static int load(struct walk *w)
{
	if (!w->in_memory)
		return 0;
	if (w->a->loads == PH_SYMARG_LOADS)
		return ph_err_set(w->err, -E2BIG, "'%s' takes more than %d loads from memory", w->text, PH_SYMARG_LOADS);
	w->a->loads++;
	w->in_memory = false;
	return 0;
}

/* ---- which argument it is ------------------------------------------------------------------------- */

static int no_param(const struct walk *w, const struct btf_type *proto, const char *name)
{
	const struct btf_param *params = btf_params(proto);
	PH_VEC(const char *) names = { 0 };
	ph_autobuf all = { 0 };
	const char *near;
	int r;

	for (unsigned int i = 0; i < btf_vlen(proto); i++) {
		*ph_vec_push(&names) = name_of(w->btf, params[i].name_off);
		ph_buf_addf(&all, "%s%s", i ? ", " : "", names.v[i]);
	}
	near = ph_nearest(name, names.v, names.n);
	r = ph_err_set(w->err, -ENOENT, "it has no argument '%s'%s%s%s; it has %s", name, near ? ", did you mean '" : "", near ? near : "",
		       near ? "'?" : "", all.len ? all.p : "none");
	ph_vec_done(&names);
	return r;
}

static int find_param(struct walk *w, const struct btf_type *proto)
{
	size_t n = strcspn(w->p, "-.[");
	ph_autofree char *name = ph_strndup(w->p, n);
	const struct btf_param *params = btf_params(proto);
	bool lost = false;

	w->p += n;
	for (unsigned int i = 0; i < btf_vlen(proto); i++) {
		w->type = type_of(w->btf, params[i].type);
		/* What is more than a word, and all behind it, goes by rules of its own. */
		lost |= !w->type || btf_is_composite(w->type) || (btf_is_int(w->type) && w->type->size > 8) || i == (ph_probe_machine() == EM_X86_64 ? 6 : 8);
		w->a->argument = i + 1;
		if (strcmp(name_of(w->btf, params[i].name_off), name) != 0)
			continue;
		return lost ? ph_err_set(w->err, -EOPNOTSUPP, "nobody can tell where '%s' is: it, or one in front of it, is handed over in a "
					 "way of its own", name) : 0;
	}
	return no_param(w, proto, name);
}

static int find_result(struct walk *w, const struct btf_type *proto)
{
	w->p += strlen(PH_SYMARG_RESULT_NAME);
	w->a->place = PH_SYMARG_RESULT;
	w->a->argument = 1;
	w->type = type_of(w->btf, proto->type);
	if (!w->type) {
		w->a->kind = PH_SYMARG_NOTHING;
		return *w->p ? ph_err_set(w->err, -EINVAL, "it returns nothing") : 0;
	}
	return btf_is_composite(w->type) ? ph_err_set(w->err, -EOPNOTSUPP, "nobody can tell where its result is: it is handed over in a way "
						      "of its own") : 0;
}

/* ---- members -------------------------------------------------------------------------------------- */

static bool find_member(struct walk *w, const struct btf_type *t, const char *name, uint32_t bit, unsigned int depth)
{
	const struct btf_member *m = btf_members(t);

	for (unsigned int i = 0; i < btf_vlen(t); i++) {
		const char *is = name_of(w->btf, m[i].name_off);
		uint32_t at = bit + btf_member_bit_offset(t, i);
		const struct btf_type *type = type_of(w->btf, m[i].type);

		if (!*is && type && btf_is_composite(type) && depth < NEST_MAX && find_member(w, type, name, at, depth + 1))
			return true;
		if (strcmp(is, name) != 0)
			continue;
		w->type = type;
		w->bits = btf_member_bitfield_size(t, i);
		w->bit = at % 8;
		w->a->add[w->a->loads] += at / 8;
		return true;
	}
	return false;
}

static int follow(struct walk *w)
{
	int r = load(w);

	w->type = type_of(w->btf, w->type->type);
	w->in_memory = true;
	return r < 0 || w->type ? r : ph_err_set(w->err, -EINVAL, "'%s': nothing is known of what it points to", w->text);
}

static int element(struct walk *w)
{
	char *end;
	uint64_t n;
	int64_t size;
	uint32_t id;
	int r = 0;

	errno = 0;
	n = strtoull(w->p + 1, &end, 10);
	if (errno || *end != ']' || n > INT32_MAX)
		return ph_err_set(w->err, -EINVAL, "'%s': a number between '[' and ']' was expected", w->text);
	w->p = end + 1;
	if (btf_is_array(w->type)) {
		id = btf_array(w->type)->type;
		w->type = type_of(w->btf, id);
	} else if (btf_is_ptr(w->type)) {
		id = w->type->type;
		r = follow(w);
	} else {
		return ph_err_set(w->err, -EINVAL, "'%s': what stands in front of '[%lu]' is no array", w->text, n);
	}
	if (r < 0)
		return r;
	size = btf__resolve_size(w->btf, id);
	if (!w->type || size <= 0)
		return ph_err_set(w->err, -EINVAL, "'%s': nobody knows how large one of them is", w->text);
	w->a->add[w->a->loads] += (int64_t)n * size;
	return 0;
}

static int step(struct walk *w)
{
	bool arrow = w->p[0] == '-' && w->p[1] == '>';
	ph_autofree char *name = NULL;
	size_t n = 0;
	int r;

	if (!w->type || w->bits)
		return ph_err_set(w->err, -EINVAL, "'%s': a bit field has no members", w->text);
	if (*w->p == '[')
		return element(w);
	w->p += arrow ? 2 : 1;
	while (isalnum((unsigned char)w->p[n]) || w->p[n] == '_')
		n++;
	name = ph_strndup(w->p, n);
	w->p += n;
	if (arrow && !btf_is_ptr(w->type))
		return ph_err_set(w->err, -EINVAL, "'%s': what stands in front of '->%s' is no pointer", w->text, name);
	r = btf_is_ptr(w->type) ? follow(w) : 0;
	if (r < 0)
		return r;
	if (!btf_is_composite(w->type))
		return ph_err_set(w->err, -EINVAL, "'%s': what stands in front of '%s' has no members", w->text, name);
	if (!find_member(w, w->type, name, 0, 0))
		return ph_err_set(w->err, -ENOENT, "'%s': '%s' has no member '%s'", w->text, name_of(w->btf, w->type->name_off), name);
	return w->type ? 0 : ph_err_set(w->err, -EINVAL, "'%s': it has no type", w->text);
}

/* ---- what it is in the end ------------------------------------------------------------------------ */

static void enumerators(struct walk *w)
{
	bool is_signed = btf_kflag(w->type);
	ph_autobuf names = { 0 };

	for (unsigned int i = 0; i < btf_vlen(w->type) && btf_is_enum(w->type); i++) {
		const struct btf_enum *e = &btf_enum(w->type)[i];

		is_signed |= e->val < 0;
		ph_buf_addf(&names, "%s%s=%d", i ? "," : "", name_of(w->btf, e->name_off), e->val);
	}
	w->a->is_signed = is_signed;
	if (!names.len || names.len > NAMES_MAX)
		return;
	w->a->kind = PH_SYMARG_ENUM;
	w->a->names = ph_buf_steal(&names);
}

/* By the smallest load that has all of it. */
static int bit_field(struct walk *w)
{
	uint64_t bit = 8 * (uint64_t)w->a->add[w->a->loads] + w->bit, size = 1;

	while (size < 8 && bit % (8 * size) + w->bits > 8 * size)
		size *= 2;
	if (bit % (8 * size) + w->bits > 8 * size)
		return ph_err_set(w->err, -EOPNOTSUPP, "'%s' is a bit field across two words, which is not read", w->text);
	w->a->add[w->a->loads] = (int64_t)(bit / (8 * size) * size);
	w->a->size = (uint8_t)size;
	w->a->low = (uint8_t)(bit % (8 * size));
	w->a->bits = (uint8_t)w->bits;
	return load(w);
}

static int finish(struct walk *w)
{
	const struct btf_type *t = w->type;

	if (btf_is_array(t)) {
		w->a->kind = is_char(w->btf, type_of(w->btf, btf_array(t)->type)) ? PH_SYMARG_TEXT : PH_SYMARG_ADDRESS;
		if (w->a->kind == PH_SYMARG_TEXT)
			w->a->room = (uint16_t)(btf_array(t)->nelems > UINT16_MAX ? UINT16_MAX : btf_array(t)->nelems);
		return 0;
	}
	if (btf_is_composite(t))
		return ph_err_set(w->err, -EINVAL, "'%s' is a struct: name one of its members", w->text);
	w->a->size = btf_is_ptr(t) ? 8 : (uint8_t)t->size;
	if (btf_is_ptr(t))
		w->a->kind = is_char(w->btf, type_of(w->btf, t->type)) ? PH_SYMARG_TEXT : PH_SYMARG_ADDRESS;
	else if (btf_is_any_enum(t))
		enumerators(w);
	else if (btf_is_int(t) && t->size <= 8)
		w->a->is_signed = btf_int_encoding(t) & BTF_INT_SIGNED;
	else
		return ph_err_set(w->err, -EOPNOTSUPP, "'%s' is of a type that is not read", w->text);
	if (w->bits)
		return bit_field(w);
	w->a->bits = (uint8_t)(8 * w->a->size);
	return load(w);
}

int probe_btf_arg(const struct btf *btf, const char *function, const char *text, struct ph_symarg *ret, struct ph_err *err)
{
	struct ph_symarg a = { .size = 8, .bits = 64 };
	struct walk w = { .btf = btf, .text = text, .p = text, .a = &a, .err = err };
	size_t n = strlen(PH_SYMARG_RESULT_NAME);
	const struct btf_type *t = NULL;
	int r;

	r = btf ? btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) : -ENOENT;
	if (r > 0)
		t = btf__type_by_id(btf, (uint32_t)r);
	t = t ? btf__type_by_id(btf, t->type) : NULL;
	if (!t || !btf_is_func_proto(t))
		return ph_err_set(err, -ENOENT, "the kernel tells nothing of the arguments of %s: they are arg1, arg2 …", function);
	r = strcspn(text, "-.[") == n && !strncmp(text, PH_SYMARG_RESULT_NAME, n) ? find_result(&w, t) : find_param(&w, t);
	while (*w.p && r == 0)
		r = step(&w);
	if (r == 0 && a.kind != PH_SYMARG_NOTHING)
		r = finish(&w);
	if (r < 0)
		free(a.names);
	else
		*ret = a;
	return r;
}
