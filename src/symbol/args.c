/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arguments of functions by the names that their author gave them: where they are, and what to load from there. Where a parameter
 * is when its function is entered is a matter of the machine's convention (passing.c): what DWARF says of places is right behind
 * the function's prologue, at best. What was put into another function has no prologue, and keeps to no convention: there DWARF tells
 * (location.c).
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
#include "symbol/location.h"
#include "symbol/passing.h"

/* Members of members without a name, classes of classes. */
#define NEST_MAX 16
#define PARAMS_MAX 100
/* Bytes of an enumeration's names. */
#define NAMES_MAX 2000

struct walk {
	const char *text, *p;		/* what is asked for, and how far it was read */
	struct ph_symarg *a;
	struct ph_buf *names;		/* of the values of an enumeration */
	bool remade;
	bool in_memory;			/* it is where the chain points to, not what the chain gives */
	struct ph_passed where;		/* not in memory: the registers that it is in */
	uint64_t byte;			/* of them */
	const struct ph_locator *inlined;	/* NULL: it is a function by itself */
	Dwarf_Die variable;		/* of that, what is located when it is known which byte of it is asked for */
	bool located;
	uint64_t held;			/* bits that are known of what the chain gives */
	uint64_t bit, bits;		/* of a bit field, behind where it is */
	Dwarf_Die type;
	bool has_type;
	struct ph_dwarf *dwarf;
	struct ph_err *err;
};

static bool is_char(Dwarf_Die *type)
{
	uint64_t encoding = ph_die_number(type, DW_AT_encoding, 0);

	return dwarf_tag(type) == DW_TAG_base_type && ph_type_size(type) == 1 &&
	       (encoding == DW_ATE_signed_char || encoding == DW_ATE_unsigned_char);
}

/* ---- which argument it is ------------------------------------------------------------------------- */

/* Go has its results among the arguments. */
static bool is_result(Dwarf_Die *param)
{
	Dwarf_Attribute attr;
	bool is = false;

	return dwarf_attr_integrate(param, DW_AT_variable_parameter, &attr) && !dwarf_formflag(&attr, &is) && is;
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
			const char *s = dwarf_tag(&die) == DW_TAG_formal_parameter && !is_result(&die) ? dwarf_diename(&die) : NULL;

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

static int load(struct walk *w)
{
	if (w->a->loads == PH_SYMARG_LOADS)
		return ph_err_set(w->err, -E2BIG, "'%s' takes more than %d loads from memory", w->text, PH_SYMARG_LOADS);
	w->a->loads++;
	w->in_memory = false;
	return 0;
}

/* Of what was put into another function, which may have some of it in a register and some in memory. */
static int settle_located(struct walk *w)
{
	struct ph_location at;
	uint64_t behind;
	int r = ph_locate(w->inlined, &w->variable, w->text, w->byte, &at, w->err);

	if (r < 0)
		return r;
	behind = w->byte - at.byte;
	w->located = false;
	w->a->place = at.has_reg ? PH_SYMARG_NUMBERED : PH_SYMARG_CONSTANT;
	w->a->argument = at.reg;
	w->a->loads = at.loads;
	memcpy(w->a->add, at.add, sizeof(w->a->add));
	w->held = at.bytes < 8 ? 8 * at.bytes : 64;
	if (at.in_memory) {
		w->held = at.bytes - behind < 8 ? 8 * (at.bytes - behind) : 64;
		w->in_memory = true;
		w->a->add[at.loads] += (int64_t)behind;
		return 0;
	}
	w->a->low = (uint8_t)(8 * (behind & 7));
	return behind < 8 ? 0 : ph_err_set(w->err, -EOPNOTSUPP, "'%s' is optimized out", w->text);
}

/* The value itself: from the register that it is in, or loaded. */
static int settle(struct walk *w)
{
	uint64_t piece = w->byte / 8;
	int r;

	if (w->located) {
		r = settle_located(w);
		if (r < 0)
			return r;
	}
	if (w->in_memory)
		return load(w);
	/* What was loaded before. */
	if (w->where.how != PH_PASSED_REGS && w->where.how != PH_PASSED_APART)
		return 0;
	if (w->where.how == PH_PASSED_APART) {
		for (uint32_t i = 0; i < w->where.napart; i++)
			if (w->where.apart[i].byte == w->byte)
				w->a->argument = w->where.apart[i].reg;
		w->where.how = PH_PASSED_NOWHERE;
		return w->a->argument ? 0 : ph_err_set(w->err, -EOPNOTSUPP, "'%s' is in a register for floating-point numbers, none of which can be "
						       "read", w->text);
	}
	if (piece >= PH_PASSED_PIECES || !w->where.reg[piece])
		return ph_err_set(w->err, -EOPNOTSUPP, "'%s' is in a register for floating-point numbers, none of which can be read", w->text);
	w->a->argument = w->where.reg[piece];
	w->a->low = (uint8_t)(8 * (w->byte % 8));
	w->where.how = PH_PASSED_NOWHERE;
	return 0;
}

/* Where it was handed over. */
static int begin(struct walk *w, const struct ph_passed *where, bool result)
{
	bool regs = where->how == PH_PASSED_REGS || where->how == PH_PASSED_APART, stack = !result && !regs && !where->reg[0];
	int r = 0;

	w->where = *where;
	w->a->place = result ? PH_SYMARG_RESULT : stack ? PH_SYMARG_STACK : PH_SYMARG_REGISTER;
	if (regs)
		return 0;
	w->a->argument = where->reg[0];
	if (stack) {
		w->a->add[0] = (int64_t)where->stack;
		r = where->how == PH_PASSED_POINTER ? load(w) : 0;
	}
	w->in_memory = true;
	return r;
}

static int begin_inlined(struct walk *w, const char *name, bool has)
{
	struct ph_location at;

	if (!has)
		return ph_err_set(w->err, -EOPNOTSUPP, "'%s' is optimized out", name);
	w->located = true;
	return !ph_locate(w->inlined, &w->variable, name, 0, &at, NULL) && at.in_memory && at.whole ? settle_located(w) : 0;
}

/* Of Go the first one. */
static bool result_type(Dwarf_Die *function, Dwarf_Die *ret)
{
	Dwarf_Die list = *function, die;
	Dwarf_Attribute attr;

	if (ph_type_of(function, ret))
		return true;
	if (dwarf_attr(function, DW_AT_abstract_origin, &attr) && !dwarf_formref_die(&attr, &list))
		return false;
	if (dwarf_child(&list, &die))
		return false;
	do
		if (dwarf_tag(&die) == DW_TAG_formal_parameter && is_result(&die))
			return ph_type_of(&die, ret);
	while (!dwarf_siblingof(&die, &die));
	return false;
}

/* ---- what a compiler has changed ------------------------------------------------------------------ */

/* From a function, for some of its callers: what it is handed, and returns, may be less. */
static bool is_remade(const char *symbol)
{
	return symbol && (strstr(symbol, ".isra.") || strstr(symbol, ".constprop.") || strstr(symbol, ".part."));
}

static bool is_changed(const struct walk *w, Dwarf_Die *function)
{
	return w->remade || ph_die_number(function, DW_AT_calling_convention, DW_CC_normal) == DW_CC_nocall;
}

/* The function's own of a parameter that its source's list has. */
static bool own_param(Dwarf_Die *function, Dwarf_Die *param, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Die of;

	if (dwarf_child(function, ret))
		return false;
	do
		if (dwarf_tag(ret) == DW_TAG_formal_parameter &&
		    (dwarf_dieoffset(ret) == dwarf_dieoffset(param) || (dwarf_attr(ret, DW_AT_abstract_origin, &attr) &&
		     dwarf_formref_die(&attr, &of) && dwarf_dieoffset(&of) == dwarf_dieoffset(param))))
			return true;
	while (!dwarf_siblingof(ret, ret));
	return false;
}

/* Which of the registers for integers has it by the debug information where the function begins, from 1; 0: none. */
static uint32_t entry_register(Dwarf_Die *function, Dwarf_Die *param, int machine)
{
	/* rdi, rsi, rdx, rcx, r8, r9 */
	static const uint8_t x86[] = { 5, 4, 1, 2, 8, 9 };
	Dwarf_Attribute attr;
	Dwarf_Addr low;
	Dwarf_Op *op;
	Dwarf_Die die;
	size_t n;

	if (!own_param(function, param, &die) || dwarf_entrypc(function, &low) || !dwarf_attr(&die, DW_AT_location, &attr) ||
	    dwarf_getlocation_addr(&attr, low, &op, &n, 1) != 1 || n != 1 || op->atom < DW_OP_reg0 || op->atom > DW_OP_reg31)
		return 0;
	if (machine != EM_X86_64)
		return op->atom < DW_OP_reg8 ? op->atom - DW_OP_reg0 + 1u : 0;
	for (uint32_t i = 0; i < PH_ARRAY_SIZE(x86); i++)
		if (op->atom == DW_OP_reg0 + x86[i])
			return i + 1;
	return 0;
}

static int find_param(struct walk *w, Dwarf_Die *function, int machine)
{
	size_t n = strcspn(w->p, "-.[");
	ph_autofree char *name = ph_strndup(w->p, n);
	Dwarf_Attribute attr;
	Dwarf_Die origin, *list = function, die;
	struct ph_passing passing;
	struct ph_passed where;
	unsigned int seen = 0;
	uint32_t at;

	/* The source's list: a function that was put into others may lack what they did not use. */
	if (dwarf_attr(function, DW_AT_abstract_origin, &attr) && dwarf_formref_die(&attr, &origin))
		list = &origin;
	w->p += n;
	ph_passing_begin(&passing, w->dwarf, machine, list);
	if (dwarf_child(list, &die))
		return no_param(name, list, w->err);
	do {
		const char *s;

		if (dwarf_tag(&die) != DW_TAG_formal_parameter || is_result(&die))
			continue;
		if (seen++ == PARAMS_MAX)
			break;
		s = dwarf_diename(&die);
		w->has_type = ph_type_of(&die, &w->type);
		if (w->inlined) {
			if (s && w->has_type && !strcmp(s, name))
				return begin_inlined(w, name, own_param(function, &die, &w->variable));
			continue;
		}
		/* What a constructor is told by its compiler, this one or another. */
		passing.lost |= s && *s == '&';
		passing.lost |= dwarf_hasattr(&die, DW_AT_artificial) && s && strcmp(s, "this") != 0;
		ph_passing_next(&passing, w->has_type ? &w->type : NULL, &where);
		if (!s || strcmp(s, name) != 0)
			continue;
		at = where.how == PH_PASSED_APART ? 0 : entry_register(function, &die, machine);
		/* At the first instruction, the convention holds where the compiler kept to it. */
		if (at)
			where = (struct ph_passed){ .how = PH_PASSED_REGS, .reg = { at } };
		else if (is_changed(w, function))
			return ph_err_set(w->err, -EOPNOTSUPP, "nobody can tell where '%s' is: the compiler has changed what the function is handed",
					  name);
		if (where.how == PH_PASSED_NOWHERE)
			return ph_err_set(w->err, -EOPNOTSUPP, "nobody can tell where '%s' is: it, or one in front of it, is handed over in a "
					  "way of its own", name);
		return begin(w, &where, false);
	} while (!dwarf_siblingof(&die, &die));
	return no_param(name, list, w->err);
}

/* What it returns; PH_SYMARG_NOTHING where that is nothing. */
static int find_result(struct walk *w, Dwarf_Die *function, int machine)
{
	struct ph_passing passing;
	struct ph_passed where;

	w->p += strlen(PH_SYMARG_RESULT_NAME);
	if (is_changed(w, function))
		return ph_err_set(w->err, -EOPNOTSUPP, "nobody can tell what it returns: the compiler has changed that");
	w->has_type = result_type(function, &w->type);
	/* Of an assembler's functions nobody knows. */
	if (w->has_type && dwarf_tag(&w->type) == DW_TAG_unspecified_type)
		return ph_err_set(w->err, -ENOENT, "there is no debug information about its result");
	if (!w->has_type) {
		w->a->place = PH_SYMARG_RESULT;
		w->a->argument = 1;
		w->a->kind = PH_SYMARG_NOTHING;
		return *w->p ? ph_err_set(w->err, -EINVAL, "it returns nothing") : 0;
	}
	ph_passing_begin(&passing, w->dwarf, machine, function);
	ph_passing_result(&passing, &w->type, &where);
	if (where.how == PH_PASSED_NOWHERE)
		return ph_err_set(w->err, -EOPNOTSUPP, "nobody can tell where its result is: it is handed over in a way of its own");
	return begin(w, &where, true);
}

/* ---- members -------------------------------------------------------------------------------------- */

/* *bit: behind the beginning of @type. */
static bool find_member(Dwarf_Die *type, const char *name, uint64_t *bit, uint64_t *bits, Dwarf_Die *ret, unsigned int depth)
{
	Dwarf_Die die, inner;

	if (depth > NEST_MAX || dwarf_child(type, &die))
		return false;
	do {
		int tag = dwarf_tag(&die);
		const char *s = tag == DW_TAG_member ? dwarf_diename(&die) : NULL;
		uint64_t at = 0, below = 0;

		if (tag == DW_TAG_member || tag == DW_TAG_inheritance)
			at = ph_member_bit(&die, bits);
		if (s && !strcmp(s, name)) {
			*bit += at;
			*ret = die;
			return true;
		}
		/* Without a name, or a class that this one is made of. */
		if ((tag != DW_TAG_member || s) && tag != DW_TAG_inheritance)
			continue;
		if (ph_type_of(&die, &inner) && ph_is_struct(&inner) && find_member(&inner, name, &below, bits, ret, depth + 1)) {
			*bit += at + below;
			return true;
		}
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

static void forward(struct walk *w, uint64_t bytes)
{
	if (w->in_memory)
		w->a->add[w->a->loads] += (int64_t)bytes;
	else
		w->byte += bytes;
}

/* One part of the number is elsewhere, or nowhere. */
static int parted(const struct walk *w)
{
	return ph_err_set(w->err, -EOPNOTSUPP, "'%s' is in several pieces, or a part of it is optimized out", w->text);
}

/* From a pointer to what it points to. */
static int follow(struct walk *w)
{
	int r = settle(w);

	if (r == 0 && w->a->low + 64u > w->held)
		r = parted(w);
	if (r == 0 && !ph_type_of(&w->type, &w->type))
		r = ph_err_set(w->err, -EINVAL, "'%s': nothing is known of what it points to", w->text);
	w->in_memory = true;
	return r;
}

static int element(struct walk *w)
{
	bool pointer = ph_is_pointer(&w->type);
	uint64_t n, size;
	char *end;
	int r = 0;

	errno = 0;
	n = strtoull(w->p + 1, &end, 10);
	if (errno || end == w->p + 1 || *end != ']' || n > INT32_MAX)
		return ph_err_set(w->err, -EINVAL, "'%s': a number between '[' and ']' was expected", w->text);
	w->p = end + 1;
	if (pointer)
		r = follow(w);
	else if (dwarf_tag(&w->type) != DW_TAG_array_type || !ph_type_of(&w->type, &w->type))
		r = ph_err_set(w->err, -EINVAL, "'%s': what stands in front of '[%lu]' is no array", w->text, n);
	if (r < 0)
		return r;
	size = ph_type_size(&w->type);
	if (!size && n)
		return ph_err_set(w->err, -EINVAL, "'%s': nobody knows how large one of them is", w->text);
	forward(w, n * size);
	return 0;
}

static int step(struct walk *w)
{
	bool arrow = w->p[0] == '-' && w->p[1] == '>';
	ph_autofree char *name = NULL;
	uint64_t bit = 0;
	const char *type;
	Dwarf_Die member;
	size_t n = 0;
	int r = 0;

	if (w->bits)
		return ph_err_set(w->err, -EINVAL, "'%s': a bit field has no members", w->text);
	if (*w->p == '[')
		return element(w);
	if (!arrow && *w->p != '.')
		return ph_err_set(w->err, -EINVAL, "'%s': '->', '.' or '[' was expected", w->text);
	w->p += arrow ? 2 : 1;
	while (isalnum((unsigned char)w->p[n]) || w->p[n] == '_')
		n++;
	name = ph_strndup(w->p, n);
	w->p += n;
	if (arrow && !ph_is_pointer(&w->type))
		return ph_err_set(w->err, -EINVAL, "'%s': what stands in front of '->%s' is no pointer", w->text, name);
	if (ph_is_pointer(&w->type))
		r = follow(w);
	if (r < 0)
		return r;
	if (!ph_is_struct(&w->type))
		return ph_err_set(w->err, -EINVAL, "'%s': what stands in front of '%s' has no members", w->text, name);
	type = dwarf_diename(&w->type);
	if (!ph_type_define(w->dwarf, &w->type))
		return ph_err_set(w->err, -ENOENT, "'%s': the members of '%s' are nowhere in the debug information", w->text,
				  type ? type : "it");
	if (!find_member(&w->type, name, &bit, &w->bits, &member, 0))
		return ph_err_set(w->err, -ENOENT, "'%s': '%s' has no member '%s'", w->text, type ? type : "it", name);
	forward(w, bit / 8);
	w->bit = bit % 8;
	return ph_type_of(&member, &w->type) ? 0 : ph_err_set(w->err, -EINVAL, "'%s': it has no type", w->text);
}

/* ---- what it is in the end ------------------------------------------------------------------------ */

/* "RED=0,GREEN=1"; nothing where they are more than would be of use. */
static void enumerators(struct walk *w)
{
	Dwarf_Attribute attr;
	Dwarf_Sword v;
	Dwarf_Die die;

	if (dwarf_child(&w->type, &die))
		return;
	do {
		const char *name = dwarf_diename(&die);

		if (dwarf_tag(&die) != DW_TAG_enumerator || !name || name[strspn(name, PH_SYMARG_WORD)] ||
		    !dwarf_attr(&die, DW_AT_const_value, &attr) || dwarf_formsdata(&attr, &v))
			continue;
		ph_buf_addf(w->names, "%s%s=%ld", w->names->len ? "," : "", name, v);
		w->a->is_signed |= v < 0;
	} while (w->names->len <= NAMES_MAX && !dwarf_siblingof(&die, &die));
	if (w->names->len > NAMES_MAX)
		ph_buf_clear(w->names);
}

/* A bit field by the smallest load that has all of it. */
static int bit_field(struct walk *w)
{
	uint64_t bit, size = 1;

	if (!w->in_memory) {
		/* Registers of 64 bits are as large as any load. */
		bit = 8 * w->byte + w->bit;
		w->byte = bit / 64 * 8;
		size = 8;
	} else {
		/* It may be below what it is counted from, as in a frame. */
		int64_t word = w->a->add[w->a->loads] & ~7ll;

		bit = 8 * (uint64_t)(w->a->add[w->a->loads] - word) + w->bit;
		while (size < 8 && bit % (8 * size) + w->bits > 8 * size)
			size *= 2;
		w->a->add[w->a->loads] = word + (int64_t)(bit / (8 * size) * size);
	}
	if (bit % (8 * size) + w->bits > 8 * size)
		return ph_err_set(w->err, -EOPNOTSUPP, "'%s' is a bit field across two words, which is not read", w->text);
	if (settle(w) < 0)
		return -E2BIG;
	w->a->size = (uint8_t)size;
	w->a->low = (uint8_t)(w->a->low + bit % (8 * size));
	w->a->bits = (uint8_t)w->bits;
	return 0;
}

static int array(struct walk *w)
{
	uint64_t size = ph_type_size(&w->type);
	Dwarf_Die to;

	if (!w->in_memory)
		return ph_err_set(w->err, -EINVAL, "'%s' is an array in registers: name one of its elements", w->text);
	w->a->size = 8;
	w->a->bits = 64;
	w->a->kind = ph_type_of(&w->type, &to) && is_char(&to) ? PH_SYMARG_TEXT : PH_SYMARG_ADDRESS;
	if (w->a->kind == PH_SYMARG_TEXT)
		w->a->room = (uint16_t)(size > UINT16_MAX ? UINT16_MAX : size);
	return 0;
}

/* Numbers of one byte, too: Go's and Rust's characters. */
static bool is_byte(Dwarf_Die *type)
{
	return is_char(type) || (dwarf_tag(type) == DW_TAG_base_type && ph_type_size(type) == 1 &&
				 ph_die_number(type, DW_AT_encoding, 0) == DW_ATE_unsigned);
}

static bool has_member(Dwarf_Die *type, const char *name)
{
	uint64_t bit = 0, bits = 0;
	Dwarf_Die die;

	return find_member(type, name, &bit, &bits, &die, 0);
}

/* Its members are asked for by themselves. */
static bool is_pair(struct walk *w)
{
	w->a->kind = PH_SYMARG_PAIR;
	w->a->place = PH_SYMARG_REGISTER;
	w->a->argument = 1;
	return true;
}

/*
 * A text that does not end by itself: Go's string, Rust's &str, std::string_view, nginx's ngx_str_t. It points to bytes, and has a
 * length that is called so.
 */
static bool pair(struct walk *w)
{
	static const char *const lengths[] = { "len", "length", "size", "_M_len", "__size_" };
	const char *text = NULL, *length = NULL, *name;
	Dwarf_Die die, type;
	unsigned int n = 0;
	unsigned int more = 0;

	if (!ph_is_struct(&w->type) || dwarf_tag(&w->type) == DW_TAG_union_type || dwarf_child(&w->type, &die))
		return false;
	/* libstdc++'s, whose bytes may be in itself: it points to them in any case. */
	name = dwarf_diename(&w->type);
	if (name && !strncmp(name, "basic_string<char,", 18) && has_member(&w->type, "_M_dataplus") && has_member(&w->type, "_M_string_length")) {
		ph_buf_adds(w->names, "_M_dataplus._M_p,_M_string_length");
		return is_pair(w);
	}
	do {
		if (dwarf_tag(&die) != DW_TAG_member || dwarf_hasattr(&die, DW_AT_external) || n++ > 3)
			continue;
		name = dwarf_diename(&die);
		/* A slice's. */
		more += name && !strcmp(name, "cap");
		if (!name || name[strspn(name, PH_SYMARG_WORD)] || !ph_type_of(&die, &type))
			continue;
		if (ph_is_pointer(&type)) {
			if (ph_type_of(&type, &type) && is_byte(&type))
				text = name;
			continue;
		}
		for (size_t i = 0; i < PH_ARRAY_SIZE(lengths); i++)
			if (dwarf_tag(&type) == DW_TAG_base_type && !strcmp(name, lengths[i]))
				length = lengths[i];
	} while (!dwarf_siblingof(&die, &die));
	if (n != 2 + more || !text || !length)
		return false;
	ph_buf_addf(w->names, "%s,%s", text, length);
	return is_pair(w);
}

static bool is_reference(Dwarf_Die *type)
{
	return ph_is_pointer(type) && dwarf_tag(type) != DW_TAG_pointer_type;
}

static int finish(struct walk *w)
{
	uint64_t size, encoding;
	Dwarf_Die to;
	int tag, r;

	/* C++'s stands for what it refers to. */
	while (is_reference(&w->type)) {
		r = follow(w);
		if (r < 0)
			return r;
	}
	/* Mentioned alone, it may be defined elsewhere. */
	if (ph_is_struct(&w->type))
		ph_type_define(w->dwarf, &w->type);
	tag = dwarf_tag(&w->type);
	size = ph_type_size(&w->type);
	encoding = ph_die_number(&w->type, DW_AT_encoding, 0);
	if (tag == DW_TAG_array_type)
		return array(w);
	if (pair(w))
		return 0;
	if (ph_is_struct(&w->type))
		return ph_err_set(w->err, -EINVAL, "'%s' is a struct: name one of its members", w->text);
	if (size > 8 || !size || (size & (size - 1)) || encoding == DW_ATE_complex_float)
		return ph_err_set(w->err, -EOPNOTSUPP, "'%s' is of a type that is not read (%s)", w->text,
				  dwarf_diename(&w->type) ? dwarf_diename(&w->type) : "without a name");
	w->a->kind = PH_SYMARG_NUMBER;
	w->a->is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
	if (ph_is_pointer(&w->type))
		w->a->kind = ph_type_of(&w->type, &to) && is_char(&to) ? PH_SYMARG_TEXT : PH_SYMARG_ADDRESS;
	else if (encoding == DW_ATE_float)
		w->a->kind = PH_SYMARG_FLOAT;
	else if (tag == DW_TAG_enumeration_type)
		enumerators(w);
	if (w->names->len)
		w->a->kind = PH_SYMARG_ENUM;
	if (w->bits)
		return bit_field(w);
	r = settle(w);
	w->a->size = (uint8_t)size;
	w->a->bits = (uint8_t)(8 * size);
	return r;
}

int ph_answer_arg(struct ph_childfile *f, struct ph_bytes *in, struct ph_buf *out, struct ph_err *err)
{
	struct ph_symarg a = { .size = 8, .bits = 64 };
	ph_autobuf names = { 0 };
	struct walk w = { .a = &a, .err = err, .names = &names, .held = 64 };
	struct ph_locator inlined = { .file = f };
	ph_autofree char *text = NULL;
	struct ph_dwarf *d;
	const struct ph_sym *symbol;
	Dwarf_Die function;
	struct ph_elf *elf;
	Dwarf_Addr low;
	uint64_t vaddr, offset;
	int r;

	text = ph_get_str(in);
	vaddr = ph_get_u64(in);
	offset = ph_get_u64(in);
	r = ph_childfile_elf(f, &elf, err);
	if (r)
		return r;
	d = ph_childfile_dwarf(f);
	if (d && !ph_dwarf_function(d, vaddr, &function) && ph_dwarf_split(d))
		return ph_err_set(err, -ENOENT, "its debug information is in files of its compiler's, as %s, which are not read (-gno-split-dwarf puts "
				  "it into the program): arguments are arg1, arg2 …", ph_dwarf_split(d));
	if (!d || !ph_dwarf_function(d, vaddr, &function))
		return ph_err_set(err, -ENOENT, "there is no debug information about its arguments: they are arg1, arg2 …");
	if (offset) {
		inlined.function = function;
		inlined.addr = vaddr;
		inlined.machine = ph_elf_machine(elf);
		w.inlined = &inlined;
		if (!ph_dwarf_inlined(d, offset, vaddr, &function))
			return ph_err_set(err, -ENOENT, "its debug information has changed");
	} else if (dwarf_entrypc(&function, &low) == 0 && low != vaddr)
		return ph_err_set(err, -EINVAL, "arguments have names where a function begins, and not within it: there are registers (%%…)");
	symbol = ph_symtab_find(ph_childfile_symtab(f), vaddr);
	w.remade = symbol && is_remade(symbol->name);
	w.dwarf = d;
	w.text = w.p = text;
	if (!w.inlined && strcspn(text, "-.[") == strlen(PH_SYMARG_RESULT_NAME) && !strncmp(text, PH_SYMARG_RESULT_NAME, strlen(PH_SYMARG_RESULT_NAME)))
		r = find_result(&w, &function, ph_elf_machine(elf));
	else
		r = find_param(&w, &function, ph_elf_machine(elf));
	while (*w.p && r == 0)
		r = step(&w);
	if (r == 0 && a.kind != PH_SYMARG_NOTHING)
		r = finish(&w);
	if (r == 0 && a.low + a.bits > w.held)
		r = parted(&w);
	if (r < 0)
		return r;
	ph_put_uint(out, a.place, 1);
	ph_put_u32(out, a.argument);
	ph_put_uint(out, a.loads, 1);
	ph_put_uint(out, a.size, 1);
	ph_put_uint(out, a.low, 1);
	ph_put_uint(out, a.bits, 1);
	ph_put_uint(out, a.is_signed, 1);
	ph_put_uint(out, a.kind, 1);
	ph_put_u32(out, a.room);
	for (unsigned int i = 0; i <= PH_SYMARG_LOADS; i++)
		ph_put_u64(out, (uint64_t)a.add[i]);
	ph_put_str(out, names.p ? names.p : "");
	return 0;
}
