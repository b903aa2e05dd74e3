/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an argument is in the end, by its type: a number, a text, an enumeration … */
#include "symbol/args_walk.h"

#include <dwarf.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

/* Bytes of an enumeration's names. */
#define NAMES_MAX 2000

static bool is_char(Dwarf_Die *type)
{
	uint64_t encoding = ph_die_number(type, DW_AT_encoding, 0);

	return dwarf_tag(type) == DW_TAG_base_type && ph_type_size(type) == 1 &&
	       (encoding == DW_ATE_signed_char || encoding == DW_ATE_unsigned_char);
}

/* "RED=0,GREEN=1"; nothing where they are more than would be of use. */
static void enumerators(struct args_walk *w)
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
static int bit_field(struct args_walk *w)
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
	if (args_settle(w) < 0)
		return -E2BIG;
	w->a->size = (uint8_t)size;
	w->a->low = (uint8_t)(w->a->low + bit % (8 * size));
	w->a->bits = (uint8_t)w->bits;
	return 0;
}

static int array(struct args_walk *w)
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

	return args_find_member(type, name, &bit, &bits, &die, 0);
}

/* Its members are asked for by themselves. */
static bool is_pair(struct args_walk *w)
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
static bool pair(struct args_walk *w)
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

int args_finish(struct args_walk *w)
{
	uint64_t size, encoding;
	Dwarf_Die to;
	int tag, r;

	/* C++'s stands for what it refers to. */
	while (is_reference(&w->type)) {
		r = args_follow(w);
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
	r = args_settle(w);
	w->a->size = (uint8_t)size;
	w->a->bits = (uint8_t)(8 * size);
	return r;
}

