/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments of functions by the names that their author gave them: which of the argument registers, and what to load from there.
 * Where a parameter is when its function is entered is a matter of the machine's convention, and of its place in the list: what DWARF says
 * of places is right behind the function's prologue, at best.
 */
#include "symbol/args.h"

#include <ctype.h>
#include <dwarf.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "symbol/childfile.h"
#include "symbol/dwarf.h"

/* Members of members without a name, classes of classes. */
#define NEST_MAX 16
#define PARAMS_MAX 100
#define TYPES_MAX 64

struct walk {
	const char *text, *p;		/* what is asked for, and how far it was read */
	struct ph_symarg *a;
	bool in_memory;			/* it is where the chain points to, not what the chain gives */
	Dwarf_Die type;
	bool has_type;
	struct ph_dwarf *dwarf;
	struct ph_err *err;
};

static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Die type;

	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, &type) && dwarf_peel_type(&type, ret) == 0;
}

static uint64_t number(Dwarf_Die *die, unsigned int name, uint64_t otherwise)
{
	Dwarf_Attribute attr;
	Dwarf_Word v;

	return dwarf_attr_integrate(die, name, &attr) && !dwarf_formudata(&attr, &v) ? v : otherwise;
}

static bool is_struct(int tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

static bool is_pointer(int tag)
{
	return tag == DW_TAG_pointer_type || tag == DW_TAG_reference_type || tag == DW_TAG_rvalue_reference_type;
}

static bool is_char(Dwarf_Die *type)
{
	uint64_t encoding = number(type, DW_AT_encoding, 0);

	return dwarf_tag(type) == DW_TAG_base_type && number(type, DW_AT_byte_size, 0) == 1 &&
	       (encoding == DW_ATE_signed_char || encoding == DW_ATE_unsigned_char);
}

/* ---- which argument it is ------------------------------------------------------------------------- */

enum how { IN_REGISTER, ELSEWHERE, UNKNOWN };

static enum how passed(Dwarf_Die *type, bool known)
{
	int tag = known ? dwarf_tag(type) : 0;
	uint64_t size = known ? number(type, DW_AT_byte_size, 8) : 0;

	if (is_pointer(tag) || tag == DW_TAG_enumeration_type || tag == DW_TAG_ptr_to_member_type || tag == DW_TAG_unspecified_type)
		return size <= 8 ? IN_REGISTER : UNKNOWN;
	if (tag != DW_TAG_base_type || size > 8)
		return UNKNOWN;
	return number(type, DW_AT_encoding, 0) == DW_ATE_float ? ELSEWHERE : IN_REGISTER;
}

/* The machine hands over where a large result is to be put, on x86_64 as a first argument that nobody wrote. */
static bool result_is_argument(Dwarf_Die *function, int machine)
{
	Dwarf_Die type;

	return machine == EM_X86_64 && type_of(function, &type) && is_struct(dwarf_tag(&type)) &&
	       (number(&type, DW_AT_byte_size, 0) > 16 ||
		number(&type, DW_AT_calling_convention, 0) == DW_CC_pass_by_reference);
}

static int no_param(const char *name, Dwarf_Die *function, struct ph_err *err)
{
	PH_VEC(const char *) names = { 0 };
	ph_autobuf all = { 0 };
	const char *near;
	Dwarf_Die die;
	int r;

	if (!dwarf_child(function, &die))
		do {
			const char *s = dwarf_tag(&die) == DW_TAG_formal_parameter ? dwarf_diename(&die) : NULL;

			if (!s || names.n == PARAMS_MAX)
				continue;
			ph_buf_addf(&all, "%s%s", names.n ? ", " : "", s);
			*ph_vec_push(&names) = s;
		} while (!dwarf_siblingof(&die, &die));
	near = ph_nearest(name, names.v, names.n);
	r = ph_err_set(err, -ENOENT, "it has no argument '%s'%s%s%s; it has %s", name, near ? ", did you mean '" : "", near ? near : "",
		       near ? "'?" : "", all.len ? all.p : "none");
	ph_vec_done(&names);
	return r;
}

static int find_param(struct walk *w, Dwarf_Die *function, int machine)
{
	size_t n = strcspn(w->p, "-.");
	ph_autofree char *name = ph_strndup(w->p, n);
	uint32_t at = result_is_argument(function, machine);
	Dwarf_Attribute attr;
	Dwarf_Die origin, *list = function, die;
	bool lost = false;
	unsigned int seen = 0;

	/* The source's list: a function that was put into others may lack what they did not use. */
	if (dwarf_attr(function, DW_AT_abstract_origin, &attr) && dwarf_formref_die(&attr, &origin))
		list = &origin;
	w->p += n;
	if (dwarf_child(list, &die))
		return no_param(name, list, w->err);
	do {
		const char *s;
		enum how how;

		if (dwarf_tag(&die) != DW_TAG_formal_parameter)
			continue;
		if (seen++ == PARAMS_MAX)
			break;
		s = dwarf_diename(&die);
		w->has_type = type_of(&die, &w->type);
		how = passed(&w->type, w->has_type);
		at += how == IN_REGISTER;
		if (s && !strcmp(s, name)) {
			if (how != IN_REGISTER)
				return ph_err_set(w->err, -EOPNOTSUPP, "'%s' is %s", name, how == ELSEWHERE ? "a floating-point number, "
						  "which is in no register that can be read" : "passed by value in several parts");
			if (lost)
				return ph_err_set(w->err, -EOPNOTSUPP, "nobody can tell where '%s' is: in front of it something is passed by "
						  "value in several parts", name);
			w->a->argument = at;
			return 0;
		}
		lost |= how == UNKNOWN;
	} while (!dwarf_siblingof(&die, &die));
	return no_param(name, list, w->err);
}

/* ---- members -------------------------------------------------------------------------------------- */

static bool find_member(Dwarf_Die *type, const char *name, uint64_t *offset, Dwarf_Die *ret, unsigned int depth)
{
	Dwarf_Die die, inner;

	if (depth > NEST_MAX || dwarf_child(type, &die))
		return false;
	do {
		int tag = dwarf_tag(&die);
		const char *s = tag == DW_TAG_member ? dwarf_diename(&die) : NULL;
		uint64_t at = number(&die, DW_AT_data_member_location, 0), below = 0;

		if (s && !strcmp(s, name)) {
			*offset += at;
			*ret = die;
			return true;
		}
		/* Without a name, or a class that this one is made of. */
		if ((tag != DW_TAG_member || s) && tag != DW_TAG_inheritance)
			continue;
		if (type_of(&die, &inner) && is_struct(dwarf_tag(&inner)) && find_member(&inner, name, &below, ret, depth + 1)) {
			*offset += at + below;
			return true;
		}
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

static int load(struct walk *w)
{
	if (w->a->loads == PH_SYMARG_LOADS)
		return ph_err_set(w->err, -E2BIG, "'%s' takes more than %d loads from memory", w->text, PH_SYMARG_LOADS);
	w->a->loads++;
	w->in_memory = false;
	return 0;
}

static int step(struct walk *w)
{
	bool arrow = w->p[0] == '-' && w->p[1] == '>';
	ph_autofree char *name = NULL;
	const char *type;
	Dwarf_Die member;
	uint64_t offset = 0;
	size_t n = 0;
	int r = 0;

	if (!arrow && *w->p != '.')
		return ph_err_set(w->err, -EINVAL, "'%s': '->' or '.' was expected", w->text);
	w->p += arrow ? 2 : 1;
	while (isalnum((unsigned char)w->p[n]) || w->p[n] == '_')
		n++;
	name = ph_strndup(w->p, n);
	w->p += n;
	if (arrow || is_pointer(dwarf_tag(&w->type))) {
		if (!is_pointer(dwarf_tag(&w->type)))
			return ph_err_set(w->err, -EINVAL, "'%s': what stands in front of '->%s' is no pointer", w->text, name);
		r = w->in_memory ? load(w) : 0;
		if (r == 0 && !type_of(&w->type, &w->type))
			return ph_err_set(w->err, -EINVAL, "'%s': nothing is known of what it points to", w->text);
		w->in_memory = true;
	}
	if (r < 0)
		return r;
	if (!is_struct(dwarf_tag(&w->type)) || !w->in_memory)
		return ph_err_set(w->err, -EINVAL, "'%s': what stands in front of '%s' has no members", w->text, name);
	type = dwarf_diename(&w->type);
	if (dwarf_hasattr(&w->type, DW_AT_declaration) && (!type || !ph_dwarf_struct(w->dwarf, type, &w->type)))
		return ph_err_set(w->err, -ENOENT, "'%s': the members of '%s' are nowhere in the debug information", w->text,
				  type ? type : "it");
	if (!find_member(&w->type, name, &offset, &member, 0))
		return ph_err_set(w->err, -ENOENT, "'%s': '%s' has no member '%s'", w->text, type ? type : "it", name);
	if (dwarf_hasattr(&member, DW_AT_bit_size))
		return ph_err_set(w->err, -EOPNOTSUPP, "'%s': bit fields are not read", w->text);
	w->a->add[w->a->loads] += (int64_t)offset;
	return type_of(&member, &w->type) ? 0 : ph_err_set(w->err, -EINVAL, "'%s': it has no type", w->text);
}

/* ---- what it is in the end ------------------------------------------------------------------------ */

static int finish(struct walk *w)
{
	int tag = dwarf_tag(&w->type);
	uint64_t size = number(&w->type, DW_AT_byte_size, is_pointer(tag) ? 8 : 0), encoding = number(&w->type, DW_AT_encoding, 0);
	Dwarf_Die to;

	if (tag == DW_TAG_array_type) {
		w->a->size = 8;
		w->a->kind = type_of(&w->type, &to) && is_char(&to) ? PH_SYMARG_TEXT : PH_SYMARG_ADDRESS;
		return 0;
	}
	if (is_struct(tag))
		return ph_err_set(w->err, -EINVAL, "'%s' is a struct: name one of its members", w->text);
	if (encoding == DW_ATE_float || size > 8 || !size || (size & (size - 1)))
		return ph_err_set(w->err, -EOPNOTSUPP, "'%s' is of a type that is not read (%s)", w->text,
				  dwarf_diename(&w->type) ? dwarf_diename(&w->type) : "without a name");
	w->a->size = (uint8_t)size;
	w->a->is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
	w->a->kind = PH_SYMARG_NUMBER;
	if (is_pointer(tag))
		w->a->kind = type_of(&w->type, &to) && is_char(&to) ? PH_SYMARG_TEXT : PH_SYMARG_ADDRESS;
	return w->in_memory ? load(w) : 0;
}

int ph_answer_arg(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err)
{
	struct ph_symarg a = { 0 };
	struct walk w = { .a = &a, .err = err };
	ph_autofree char *text = NULL, *at = NULL;
	struct ph_dwarf *d;
	Dwarf_Die function;
	struct ph_elf *elf;
	uint64_t vaddr;
	int r;

	ph_get_u64(in);
	text = ph_get_str(in);
	at = ph_get_str(in);
	r = ph_childfile_elf(f, &elf, err);
	if (r || ph_parse_u64(at, &vaddr, err))
		return r ? r : -EINVAL;
	d = ph_childfile_dwarf(f);
	if (!d || !ph_dwarf_function(d, vaddr, &function))
		return ph_err_set(err, -ENOENT, "there is no debug information about its arguments: they are arg1, arg2 …");
	w.dwarf = d;
	w.text = w.p = text;
	r = find_param(&w, &function, ph_elf_machine(elf));
	for (unsigned int i = 0; *w.p && r == 0 && i < TYPES_MAX; i++)
		r = step(&w);
	if (r == 0)
		r = finish(&w);
	if (r < 0)
		return r;
	ph_put_u32(out, a.argument);
	ph_put_uint(out, a.loads, 1);
	ph_put_uint(out, a.size, 1);
	ph_put_uint(out, a.is_signed, 1);
	ph_put_uint(out, a.kind, 1);
	for (unsigned int i = 0; i <= PH_SYMARG_LOADS; i++)
		ph_put_u64(out, (uint64_t)a.add[i]);
	return 0;
}
