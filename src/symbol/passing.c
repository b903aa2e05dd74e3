/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/passing.h"

#include <dwarf.h>
#include <elf.h>
#include <string.h>

/* Structs in structs, arrays of arrays. */
#define NEST_MAX 16
/* What is larger is in memory, on both machines, whatever is in it. */
#define SHAPE_MAX 64
/* Of one argument. */
#define LOOKS_MAX 4096

#ifndef DW_LANG_Go
#define DW_LANG_Go 0x16
#endif
#ifndef DW_LANG_Rust
#define DW_LANG_Rust 0x1c
#endif

/* ---- types ---------------------------------------------------------------------------------------- */

bool ph_type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attr;
	Dwarf_Die type;

	return dwarf_attr_integrate(die, DW_AT_type, &attr) && dwarf_formref_die(&attr, &type) && dwarf_peel_type(&type, ret) == 0;
}

uint64_t ph_die_number(Dwarf_Die *die, unsigned int name, uint64_t otherwise)
{
	Dwarf_Attribute attr;
	Dwarf_Word v;

	return dwarf_attr_integrate(die, name, &attr) && !dwarf_formudata(&attr, &v) ? v : otherwise;
}

bool ph_is_struct(Dwarf_Die *type)
{
	int tag = dwarf_tag(type);

	return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

bool ph_is_pointer(Dwarf_Die *type)
{
	int tag = dwarf_tag(type);

	return tag == DW_TAG_pointer_type || tag == DW_TAG_reference_type || tag == DW_TAG_rvalue_reference_type;
}

bool ph_type_define(struct ph_dwarf *d, Dwarf_Die *type)
{
	const char *name = dwarf_diename(type);

	return !dwarf_hasattr(type, DW_AT_declaration) || (name && ph_dwarf_struct(d, name, type));
}

uint64_t ph_type_size(Dwarf_Die *type)
{
	Dwarf_Word size;

	if (ph_is_pointer(type))
		return ph_die_number(type, DW_AT_byte_size, 8);
	return dwarf_aggregate_size(type, &size) == 0 ? size : 0;
}

uint64_t ph_member_bit(Dwarf_Die *member, uint64_t *ret_bits)
{
	uint64_t byte = ph_die_number(member, DW_AT_data_member_location, 0), bits = ph_die_number(member, DW_AT_bit_size, 0), unit;
	Dwarf_Die type;

	*ret_bits = bits;
	if (!bits)
		return 8 * byte;
	if (dwarf_hasattr(member, DW_AT_data_bit_offset))
		return ph_die_number(member, DW_AT_data_bit_offset, 0);
	/* Before DWARF 4: counted from the highest bit of what it is stored in. */
	unit = ph_die_number(member, DW_AT_byte_size, ph_type_of(member, &type) ? ph_type_size(&type) : 0);
	return 8 * byte + 8 * unit - ph_die_number(member, DW_AT_bit_offset, 0) - bits;
}

/* ---- what a type is made of ------------------------------------------------------------------------- */

struct shape {
	struct ph_dwarf *dwarf;
	uint64_t size, align;
	bool ints[PH_PASSED_PIECES], floats[PH_PASSED_PIECES];	/* what each 8 bytes have */
	uint64_t float_size;		/* of all floating-point numbers in it; 0: they differ */
	unsigned int nfloats, nints;
	bool odd;			/* has a place that its type does not have by nature */
	bool x87;
	bool unknown, by_pointer;
	unsigned int looks;		/* types that may still be looked at */
};

static void number(struct shape *s, uint64_t offset, uint64_t size, bool is_float)
{
	size_t piece = offset / 8;

	s->odd |= size && offset % size;
	if (size > s->align)
		s->align = size;
	if (is_float)
		s->float_size = !s->nfloats++ || s->float_size == size ? size : 0;
	else
		s->nints++;
	for (; piece < PH_PASSED_PIECES && 8 * piece < offset + size; piece++)
		*(is_float ? &s->floats[piece] : &s->ints[piece]) = true;
}

static void base_type(Dwarf_Die *type, uint64_t offset, struct shape *s)
{
	uint64_t size = ph_type_size(type), encoding = ph_die_number(type, DW_AT_encoding, 0);
	const char *name = dwarf_diename(type);

	if (encoding == DW_ATE_complex_float && size <= 16) {
		number(s, offset, size / 2, true);
		number(s, offset + size / 2, size / 2, true);
	} else if (encoding == DW_ATE_float && size <= 8) {
		number(s, offset, size, true);
	} else if (encoding == DW_ATE_float && size == 16) {
		/* x87's, or one of 128 bits in a register of its own; arm64 has but those. */
		s->x87 |= name && !strcmp(name, "long double");
		number(s, offset, size, true);
	} else if (size && size <= 16 && encoding != DW_ATE_complex_float && encoding != DW_ATE_float) {
		number(s, offset, size, false);
	} else {
		s->unknown = true;
	}
}

static void look(Dwarf_Die *type, uint64_t offset, struct shape *s, unsigned int depth);

/* "~peer", "peer(const peer &)", written by hand: what the compiler makes by itself copies bit by bit, where members allow it. */
static bool is_special(Dwarf_Die *function, Dwarf_Die *of)
{
	const char *name = dwarf_diename(function), *class = dwarf_diename(of);
	bool copies = false;
	Dwarf_Die die, type;

	if (!name || !class || dwarf_hasattr(function, DW_AT_artificial) ||
	    ph_die_number(function, DW_AT_defaulted, DW_DEFAULTED_no) == DW_DEFAULTED_in_class)
		return false;
	if (*name == '~')
		return true;
	if (strncmp(name, class, strlen(name)) != 0 || (class[strlen(name)] && class[strlen(name)] != '<') || dwarf_child(function, &die))
		return false;
	do
		copies |= dwarf_tag(&die) == DW_TAG_formal_parameter && !dwarf_hasattr(&die, DW_AT_artificial) && ph_type_of(&die, &type) &&
			  ph_is_pointer(&type) && dwarf_tag(&type) != DW_TAG_pointer_type && ph_type_of(&type, &type) &&
			  dwarf_dieoffset(&type) == dwarf_dieoffset(of);
	while (!dwarf_siblingof(&die, &die));
	return copies;
}

/* C++ hands over by address what must not be copied bit by bit. Some compilers tell, of others it follows from what it is made of. */
static void class_type(Dwarf_Die *type, struct shape *s)
{
	uint64_t how = ph_die_number(type, DW_AT_calling_convention, 0);
	Dwarf_Die die;

	s->by_pointer |= how == DW_CC_pass_by_reference;
	if (how || dwarf_child(type, &die))
		return;
	do {
		int tag = dwarf_tag(&die);
		bool function = tag == DW_TAG_subprogram;

		s->by_pointer |= (function && is_special(&die, type)) ||
				 ((function || tag == DW_TAG_inheritance) && ph_die_number(&die, DW_AT_virtuality, 0));
	} while (!dwarf_siblingof(&die, &die));
}

static void members(Dwarf_Die *type, uint64_t offset, struct shape *s, unsigned int depth)
{
	Dwarf_Die die, inner;
	uint64_t bit, bits;

	s->unknown |= !ph_type_define(s->dwarf, type);
	class_type(type, s);
	if (dwarf_child(type, &die))
		return;
	do {
		int tag = dwarf_tag(&die);

		/* Those of Rust that are several things in turn. */
		s->unknown |= tag == DW_TAG_variant_part;
		if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) || dwarf_hasattr(&die, DW_AT_external))
			continue;
		bit = ph_member_bit(&die, &bits);
		if (!ph_type_of(&die, &inner))
			s->unknown = true;
		else if (bits)
			number(s, offset + bit / 8, 1, false);
		else
			look(&inner, offset + bit / 8, s, depth + 1);
	} while (!dwarf_siblingof(&die, &die));
}

/* Adds what stands @offset bytes behind the beginning. */
static void look(Dwarf_Die *type, uint64_t offset, struct shape *s, unsigned int depth)
{
	int tag = dwarf_tag(type);
	uint64_t size = ph_type_size(type), each;
	Dwarf_Die of;

	if (depth > NEST_MAX || !s->looks--) {
		s->unknown = true;
	} else if (tag == DW_TAG_base_type) {
		base_type(type, offset, s);
	} else if (ph_is_pointer(type) || tag == DW_TAG_enumeration_type || tag == DW_TAG_unspecified_type) {
		number(s, offset, size ? size : 8, false);
	} else if (tag == DW_TAG_ptr_to_member_type && (size == 8 || size == 16)) {
		number(s, offset, 8, false);
		if (size == 16)
			number(s, offset + 8, 8, false);
	} else if (ph_is_struct(type)) {
		members(type, offset, s, depth);
	} else if (tag == DW_TAG_array_type && !dwarf_hasattr(type, DW_AT_GNU_vector) && ph_type_of(type, &of)) {
		each = ph_type_size(&of);
		/* What is behind the first few makes no difference. */
		for (uint64_t at = 0; each && at < size && at <= SHAPE_MAX; at += each)
			look(&of, offset + at, s, depth + 1);
		s->unknown |= !each;
	} else {
		s->unknown = true;
	}
}

static struct shape shape_of(const struct ph_passing *p, Dwarf_Die *type)
{
	struct shape s = { .dwarf = p->dwarf, .looks = LOOKS_MAX };

	if (!type || (ph_is_struct(type) && !ph_type_define(p->dwarf, type))) {
		s.unknown = true;
		return s;
	}
	s.size = ph_type_size(type);
	look(type, 0, &s, 0);
	if (!s.size && !ph_is_struct(type))
		s.size = s.align;
	s.align = ph_die_number(type, DW_AT_alignment, s.align) > s.align ? ph_die_number(type, DW_AT_alignment, 0) : s.align;
	/* Nobody promises more of Rust: two words are two arguments. */
	if (p->language == DW_LANG_Rust && ph_is_struct(type))
		s.unknown |= s.size != 16 || s.nints != 2 || s.nfloats || !s.ints[0] || !s.ints[1];
	/* Nothing at all, or the one byte of C++: compilers differ. */
	s.unknown |= !s.nints && !s.nfloats;
	return s;
}

/* ---- where it goes ---------------------------------------------------------------------------------- */

static uint32_t pieces(const struct shape *s)
{
	return (uint32_t)((s->size + 7) / 8);
}

static void on_stack(struct ph_passing *p, uint64_t size, uint64_t align, struct ph_passed *ret)
{
	ret->how = PH_PASSED_STACK;
	if (align > 8)
		p->stack = (p->stack + 15) & ~15ull;
	ret->stack = p->stack;
	p->stack += (size + 7) & ~7ull;
}

static void by_pointer(struct ph_passing *p, uint32_t max, struct ph_passed *ret)
{
	if (p->ints < max)
		ret->reg[0] = ++p->ints;
	else
		on_stack(p, 8, 8, ret);
	ret->how = PH_PASSED_POINTER;
}

/* In which kind of register each 8 bytes are; false: it is in memory. */
static bool x86_registers(const struct shape *s, uint32_t *ret_ints, uint32_t *ret_floats)
{
	*ret_ints = *ret_floats = 0;
	if (s->size > 16 || s->odd || s->x87)
		return false;
	for (uint32_t i = 0; i < pieces(s); i++)
		++*(s->ints[i] ? ret_ints : ret_floats);
	/* A number of 128 bits has both halves in one. */
	if (*ret_floats == 2 && s->float_size == 16)
		*ret_floats = 1;
	return true;
}

static void x86_next(struct ph_passing *p, const struct shape *s, struct ph_passed *ret)
{
	uint32_t ints, floats;

	if (s->by_pointer) {
		by_pointer(p, 6, ret);
		return;
	}
	if (!x86_registers(s, &ints, &floats) || p->ints + ints > 6 || p->floats + floats > 8) {
		on_stack(p, s->size, s->align, ret);
		return;
	}
	ret->how = PH_PASSED_REGS;
	for (uint32_t i = 0; i < pieces(s); i++)
		ret->reg[i] = s->ints[i] ? ++p->ints : 0;
	p->floats += floats;
}

/* Up to four floating-point numbers of one size. */
static uint32_t arm64_floats(const struct shape *s)
{
	return !s->nints && s->float_size && s->size / s->float_size <= 4 ? (uint32_t)(s->size / s->float_size) : 0;
}

static void arm64_next(struct ph_passing *p, const struct shape *s, struct ph_passed *ret)
{
	uint32_t floats = s->by_pointer ? 0 : arm64_floats(s);

	if (floats) {
		if (p->floats + floats <= 8) {
			p->floats += floats;
			ret->how = PH_PASSED_REGS;
			return;
		}
		p->floats = 8;
		on_stack(p, s->size, s->align, ret);
		return;
	}
	if (s->by_pointer || s->size > 16) {
		by_pointer(p, 8, ret);
		return;
	}
	if (s->align > 8)
		p->ints = (p->ints + 1) & ~1u;
	if (p->ints + pieces(s) > 8) {
		p->ints = 8;
		on_stack(p, s->size, s->align, ret);
		return;
	}
	ret->how = PH_PASSED_REGS;
	for (uint32_t i = 0; i < pieces(s); i++)
		ret->reg[i] = ++p->ints;
}

/* ---- Go --------------------------------------------------------------------------------------------- */

struct go_shape {
	uint32_t ints, floats, max_ints, max_floats;
	uint64_t align;
	bool fits, unknown;
	unsigned int looks;
	struct ph_passed *out;
};

static void go_number(struct go_shape *g, uint64_t offset, uint64_t size, bool is_float)
{
	uint32_t *n = is_float ? &g->floats : &g->ints;

	if (size > g->align)
		g->align = size;
	g->fits &= ++*n <= (is_float ? g->max_floats : g->max_ints) && g->out->napart < PH_PASSED_LEAVES && offset <= UINT16_MAX;
	if (!g->fits)
		return;
	g->out->apart[g->out->napart].byte = (uint16_t)offset;
	g->out->apart[g->out->napart++].reg = is_float ? 0 : (uint16_t)g->ints;
}

static void go_look(Dwarf_Die *type, uint64_t offset, struct go_shape *g, unsigned int depth)
{
	int tag = dwarf_tag(type);
	uint64_t size = ph_type_size(type), encoding = ph_die_number(type, DW_AT_encoding, 0), each, bits;
	Dwarf_Die die, of;

	if (depth > NEST_MAX || !g->looks--) {
		g->unknown = true;
	} else if (tag == DW_TAG_base_type && encoding == DW_ATE_complex_float) {
		go_number(g, offset, size / 2, true);
		go_number(g, offset + size / 2, size / 2, true);
	} else if (tag == DW_TAG_base_type && size && size <= 8) {
		go_number(g, offset, size, encoding == DW_ATE_float);
	} else if (ph_is_pointer(type) || tag == DW_TAG_subroutine_type) {
		go_number(g, offset, 8, false);
	} else if (tag == DW_TAG_structure_type) {
		if (!dwarf_child(type, &die))
			do {
				if (dwarf_tag(&die) != DW_TAG_member)
					continue;
				if (ph_type_of(&die, &of))
					go_look(&of, offset + ph_member_bit(&die, &bits) / 8, g, depth + 1);
				else
					g->unknown = true;
			} while (!dwarf_siblingof(&die, &die));
	} else if (tag == DW_TAG_array_type && ph_type_of(type, &of)) {
		each = ph_type_size(&of);
		/* Of more than one element it is on the stack, where its alignment counts. */
		if (size)
			go_look(&of, offset, g, depth + 1);
		g->fits &= size <= each;
	} else {
		g->unknown = true;
	}
}

/* All of it in registers, or all of it on the stack. */
static void go_next(struct ph_passing *p, Dwarf_Die *type, struct ph_passed *ret)
{
	bool x86 = p->machine == EM_X86_64;
	struct go_shape g = { .ints = p->ints, .floats = p->floats, .max_ints = x86 ? 9 : 16, .max_floats = x86 ? 15 : 16, .align = 1,
			      .fits = true, .looks = LOOKS_MAX, .out = ret };

	*ret = (struct ph_passed){ 0 };
	if (type)
		go_look(type, 0, &g, 0);
	p->lost |= !type || g.unknown;
	if (p->lost)
		return;
	if (g.fits) {
		p->ints = g.ints;
		p->floats = g.floats;
		ret->how = PH_PASSED_APART;
		return;
	}
	p->stack = (p->stack + g.align - 1) & ~(g.align - 1);
	*ret = (struct ph_passed){ .how = PH_PASSED_STACK, .stack = p->stack };
	p->stack += ph_type_size(type);
}

/* ---- all -------------------------------------------------------------------------------------------- */

void ph_passing_next(struct ph_passing *p, Dwarf_Die *type, struct ph_passed *ret)
{
	struct shape s;

	if (p->language == DW_LANG_Go) {
		go_next(p, type, ret);
		return;
	}
	s = shape_of(p, type);
	*ret = (struct ph_passed){ 0 };
	p->lost |= s.unknown && !s.by_pointer;
	if (p->lost)
		return;
	if (p->machine == EM_X86_64)
		x86_next(p, &s, ret);
	else
		arm64_next(p, &s, ret);
}

void ph_passing_begin(struct ph_passing *p, struct ph_dwarf *d, int machine, Dwarf_Die *function)
{
	struct ph_passed result;
	Dwarf_Die unit, type;

	*p = (struct ph_passing){ .dwarf = d, .machine = machine };
	if (dwarf_diecu(function, &unit, NULL, NULL))
		p->language = dwarf_srclang(&unit);
	if (p->language == DW_LANG_Go) {
		/* Of arm64, what calls keeps room for the address to return to. */
		p->stack = machine == EM_X86_64 ? 0 : 8;
		return;
	}
	/* The machine hands over where a large result is to be put, on x86_64 as a first argument that nobody wrote. */
	if (!ph_type_of(function, &type) || !ph_is_struct(&type))
		return;
	ph_passing_result(p, &type, &result);
	if (machine == EM_X86_64)
		p->ints += result.how == PH_PASSED_POINTER;
	p->lost = result.how == PH_PASSED_NOWHERE && (machine == EM_X86_64 || p->language == DW_LANG_Rust);
}

void ph_passing_result(const struct ph_passing *p, Dwarf_Die *type, struct ph_passed *ret)
{
	struct ph_passing first = { .machine = p->machine };
	uint32_t ints, floats, n = 0;
	struct shape s;

	if (p->language == DW_LANG_Go) {
		go_next(&first, type, ret);
		if (ret->how != PH_PASSED_APART)
			*ret = (struct ph_passed){ 0 };
		return;
	}
	s = shape_of(p, type);
	*ret = (struct ph_passed){ 0 };
	if (s.unknown && !s.by_pointer)
		return;
	/* x87's numbers have a stack of their own. */
	if (s.x87 && s.size <= 16 && p->machine == EM_X86_64)
		return;
	if (p->machine == EM_X86_64 && (s.by_pointer || !x86_registers(&s, &ints, &floats))) {
		ret->how = PH_PASSED_POINTER;
		ret->reg[0] = 1;
		return;
	}
	/* arm64: nobody says where it was put. */
	if (p->machine != EM_X86_64 && !arm64_floats(&s) && (s.by_pointer || s.size > 16))
		return;
	ret->how = PH_PASSED_REGS;
	for (uint32_t i = 0; i < pieces(&s) && i < PH_PASSED_PIECES; i++)
		ret->reg[i] = p->machine == EM_X86_64 ? (s.ints[i] ? ++n : 0) : arm64_floats(&s) ? 0 : ++n;
}
