/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/dwarf.h"

#include <dwarf.h>
#include <stdlib.h>

#include "base/cleanup.h"

/* Units, or functions of a unit, that a file may have: the largest programs have some ten thousand, and a million. */
#define RANGES_MAX (1u << 23)
/* Namespaces in namespaces in classes. */
#define NEST_MAX 64

struct range {
	uint64_t low, high;
	uint32_t of;		/* index of the unit, or of the function */
};

struct unit {
	Dwarf_Die die;
	bool read;
	PH_VEC(struct range) ranges;
	PH_VEC(Dwarf_Die) functions;
};

struct ph_dwarf {
	Dwarf *dw, *alt;
	const char *split;
	PH_VEC(struct range) ranges;
	PH_VEC(struct unit) units;
};

static int by_low(const void *va, const void *vb)
{
	const struct range *a = va, *b = vb;

	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	/* The longer one first, so that what is found is the inner one. */
	return a->high != b->high ? (a->high > b->high ? -1 : 1) : 0;
}

/* The last one that begins at or below; those of units and functions do not overlap, save for some that lie in another one. */
static const struct range *find(const struct range *v, size_t n, uint64_t addr)
{
	size_t lo = ph_before(r, v, n, r->low <= addr);

	for (size_t back = 0; lo && back < 16; back++)
		if (v[--lo].high > addr)
			return &v[lo];
	return NULL;
}

/* Each range of addresses of @die that has any; 0 is where the linker puts functions that it has left out. */
#define each_range(die, low, high)							\
	for (ptrdiff_t at_ = 0; low = 0, high = 0, (at_ = dwarf_ranges(die, at_, &(Dwarf_Addr){ 0 }, &low, &high)) > 0; ) \
		if (low && high > low)

static void add_units(struct ph_dwarf *d)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Addr low, high;
	Dwarf_Die die;
	uint8_t type;

	while (!dwarf_get_units(d->dw, cu, &cu, NULL, &type, &die, NULL)) {
		uint32_t n = (uint32_t)d->units.n;
		Dwarf_Attribute attr;

		if (dwarf_attr(&die, DW_AT_dwo_name, &attr) || dwarf_attr(&die, DW_AT_GNU_dwo_name, &attr))
			d->split = dwarf_formstring(&attr);
		if (dwarf_tag(&die) != DW_TAG_compile_unit)
			continue;
		ph_vec_push(&d->units)->die = die;
		each_range(&die, low, high) {
			if (d->ranges.n == RANGES_MAX)
				return;
			*ph_vec_push(&d->ranges) = (struct range){ low, high, n };
		}
	}
}

struct ph_dwarf *ph_dwarf_open(Elf *elf, Elf *alt)
{
	struct ph_dwarf *d;
	Dwarf *dw = elf ? dwarf_begin_elf(elf, DWARF_C_READ, NULL) : NULL;

	if (!dw)
		return NULL;
	d = ph_alloc(sizeof(*d));
	d->dw = dw;
	d->alt = alt ? dwarf_begin_elf(alt, DWARF_C_READ, NULL) : NULL;
	if (d->alt)
		dwarf_setalt(dw, d->alt);
	add_units(d);
	if (d->ranges.n)
		qsort(d->ranges.v, d->ranges.n, sizeof(*d->ranges.v), by_low);
	return d;
}

const char *ph_dwarf_split(const struct ph_dwarf *d)
{
	return d->split;
}

void ph_dwarf_close(struct ph_dwarf *d)
{
	if (!d)
		return;
	ph_vec_each(u, &d->units) {
		ph_vec_done(&u->ranges);
		ph_vec_done(&u->functions);
	}
	ph_vec_done(&d->units);
	ph_vec_done(&d->ranges);
	dwarf_end(d->dw);
	dwarf_end(d->alt);
	free(d);
}

static void add_function(struct unit *u, Dwarf_Die *die)
{
	uint32_t n = (uint32_t)u->functions.n;
	Dwarf_Addr low, high;

	if (!dwarf_hasattr(die, DW_AT_low_pc) && !dwarf_hasattr(die, DW_AT_ranges))
		return;
	*ph_vec_push(&u->functions) = *die;
	each_range(die, low, high)
		if (u->ranges.n < RANGES_MAX)
			*ph_vec_push(&u->ranges) = (struct range){ low, high, n };
}

/* Functions stand in a unit, in namespaces, and in types. */
static bool is_scope(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_class_type || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type;
}

static void add_functions(struct unit *u, Dwarf_Die *parent, unsigned int depth)
{
	Dwarf_Die die;

	if (depth > NEST_MAX || dwarf_child(parent, &die))
		return;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram)
			add_function(u, &die);
		else if (is_scope(tag))
			add_functions(u, &die, depth + 1);
	} while (!dwarf_siblingof(&die, &die));
}

/* What of a function is at the address: the chain of inlined ones, outermost first. Returns how many with itself. */
static size_t chain(Dwarf_Die *function, uint64_t addr, Dwarf_Die dies[PH_SYMNAMES_MAX])
{
	Dwarf_Die at = *function, die;
	size_t n = 1;

	dies[0] = *function;
	for (unsigned int depth = 0; depth < 4 * PH_SYMNAMES_MAX && n < PH_SYMNAMES_MAX; depth++) {
		bool found = false;

		if (dwarf_child(&at, &die))
			break;
		do {
			int tag = dwarf_tag(&die);

			found = (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
				 tag == DW_TAG_try_block || tag == DW_TAG_catch_block) &&
				dwarf_haspc(&die, addr) > 0;
			if (found && tag == DW_TAG_inlined_subroutine)
				dies[n++] = die;
		} while (!found && !dwarf_siblingof(&die, &die));
		if (!found)
			break;
		at = die;
	}
	return n;
}

static const char *linkage_name(Dwarf_Die *die)
{
	Dwarf_Attribute attr;

	return dwarf_attr_integrate(die, DW_AT_linkage_name, &attr) || dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attr) ?
		       dwarf_formstring(&attr) : NULL;
}

static char *name_of(Dwarf_Die *die)
{
	const char *s = linkage_name(die);

	if (!s)
		s = dwarf_diename(die);
	return ph_strdup(s ? s : "");
}

char *ph_dwarf_whole_name(Dwarf_Die *function)
{
	Dwarf_Die *scopes = NULL, at = *function, next;
	Dwarf_Attribute attr;
	ph_autobuf b = { 0 };
	int n;

	if (linkage_name(function))
		return name_of(function);
	/* Where the source has it. */
	for (unsigned int depth = 0; depth < 4 && (dwarf_attr(&at, DW_AT_abstract_origin, &attr) || dwarf_attr(&at, DW_AT_specification, &attr)) &&
	     dwarf_formref_die(&attr, &next); depth++)
		at = next;
	n = dwarf_getscopes_die(&at, &scopes);
	for (int i = n; i-- > 1; ) {
		int tag = dwarf_tag(&scopes[i]);
		const char *name = dwarf_diename(&scopes[i]);

		if (is_scope(tag) && (name || tag == DW_TAG_namespace))
			ph_buf_addf(&b, "%s::", name ? name : "(anonymous namespace)");
	}
	free(scopes);
	ph_buf_adds(&b, dwarf_diename(&at) ? dwarf_diename(&at) : "");
	return ph_buf_steal(&b);
}

static uint64_t number(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attr;
	Dwarf_Word v;

	return dwarf_attr(die, name, &attr) && !dwarf_formudata(&attr, &v) ? v : 0;
}

/* Where an inlined function was called. */
static void call_of(Dwarf_Die *unit, Dwarf_Die *inlined, struct ph_dwarf_frame *f)
{
	uint64_t file = number(inlined, DW_AT_call_file), line = number(inlined, DW_AT_call_line);
	Dwarf_Files *files;
	size_t n;

	f->line = line <= UINT32_MAX ? (uint32_t)line : 0;
	if (!dwarf_getsrcfiles(unit, &files, &n) && file < n)
		f->source = dwarf_filesrc(files, file, NULL, NULL);
}

static bool line_of(Dwarf_Die *unit, uint64_t addr, struct ph_dwarf_frame *f)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, addr);
	int n = 0;

	if (!line)
		return false;
	f->source = dwarf_linesrc(line, NULL, NULL);
	f->line = !dwarf_lineno(line, &n) && n > 0 ? (uint32_t)n : 0;
	return true;
}

static void read_unit(struct unit *u)
{
	if (u->read)
		return;
	add_functions(u, &u->die, 0);
	if (u->ranges.n)
		qsort(u->ranges.v, u->ranges.n, sizeof(*u->ranges.v), by_low);
	u->read = true;
}

/* The unit that the address is in, read; NULL: none. */
static struct unit *unit_at(struct ph_dwarf *d, uint64_t addr)
{
	const struct range *r = find(d->ranges.v, d->ranges.n, addr);
	struct unit *u = r ? &d->units.v[r->of] : NULL;

	if (u)
		read_unit(u);
	return u;
}

bool ph_dwarf_function(struct ph_dwarf *d, uint64_t addr, Dwarf_Die *ret)
{
	struct unit *u = unit_at(d, addr);
	const struct range *r = u ? find(u->ranges.v, u->ranges.n, addr) : NULL;

	if (r)
		*ret = u->functions.v[r->of];
	return r != NULL;
}

/* Where it begins; compilers tell of one in pieces which of them is first. */
static bool entry_of(Dwarf_Die *inlined, Dwarf_Addr *ret)
{
	Dwarf_Addr high, base;

	return (!dwarf_entrypc(inlined, ret) && *ret) || (dwarf_ranges(inlined, 0, &base, ret, &high) > 0 && *ret && high > *ret);
}

static bool each_inlined(Dwarf_Die *function, Dwarf_Die *parent, unsigned int depth, const struct ph_dwarf_inlined *in)
{
	Dwarf_Addr addr;
	Dwarf_Die die;

	if (depth > NEST_MAX || dwarf_child(parent, &die))
		return true;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_inlined_subroutine && entry_of(&die, &addr) && !in->found(in->arg, &die, function, addr))
			return false;
		if ((tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block || tag == DW_TAG_catch_block) &&
		    !each_inlined(function, &die, depth + 1, in))
			return false;
	} while (!dwarf_siblingof(&die, &die));
	return true;
}

/* Is there a function that was put into others, and is asked for? Most units have none, which need not be gone through. */
static bool has_inlined(Dwarf_Die *parent, unsigned int depth, bool (*wanted)(void *arg, Dwarf_Die *function), void *arg)
{
	Dwarf_Die die;

	if (depth > NEST_MAX || dwarf_child(parent, &die))
		return false;
	do {
		int tag = dwarf_tag(&die);
		uint64_t how = tag == DW_TAG_subprogram ? number(&die, DW_AT_inline) : DW_INL_not_inlined;

		if ((how == DW_INL_inlined || how == DW_INL_declared_inlined) && wanted(arg, &die))
			return true;
		if (is_scope(tag) && has_inlined(&die, depth + 1, wanted, arg))
			return true;
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

/* Made when the whole program was optimized (LTO): what is in it, other units tell. */
static bool is_of_others(Dwarf_Die *unit)
{
	const char *name = dwarf_diename(unit);

	return name && !strcmp(name, "<artificial>");
}

void ph_dwarf_each_inlined(struct ph_dwarf *d, const struct ph_dwarf_inlined *in)
{
	ph_vec_each(u, &d->units) {
		if (!is_of_others(&u->die) && !has_inlined(&u->die, 0, in->wanted, in->arg))
			continue;
		read_unit(u);
		ph_vec_each(f, &u->functions)
			if (!each_inlined(f, f, 0, in))
				return;
	}
}

bool ph_dwarf_inlined(struct ph_dwarf *d, uint64_t offset, uint64_t addr, Dwarf_Die *ret)
{
	Dwarf_Addr at;

	return dwarf_offdie(d->dw, offset, ret) && dwarf_tag(ret) == DW_TAG_inlined_subroutine && entry_of(ret, &at) && at == addr;
}

static bool is_defined(Dwarf_Die *die, const char *name)
{
	const char *s = dwarf_diename(die);

	return s && !strcmp(s, name) && !dwarf_hasattr(die, DW_AT_declaration);
}

static bool find_struct(Dwarf_Die *parent, const char *name, Dwarf_Die *ret, unsigned int depth)
{
	if (depth > NEST_MAX || dwarf_child(parent, ret))
		return false;
	do {
		Dwarf_Die inner;

		switch (dwarf_tag(ret)) {
		case DW_TAG_structure_type: case DW_TAG_class_type: case DW_TAG_union_type:
			if (is_defined(ret, name))
				return true;
			break;
		case DW_TAG_namespace:
			if (find_struct(ret, name, &inner, depth + 1)) {
				*ret = inner;
				return true;
			}
			break;
		default:
			break;
		}
	} while (!dwarf_siblingof(ret, ret));
	return false;
}

bool ph_dwarf_struct(struct ph_dwarf *d, const char *name, Dwarf_Die *ret)
{
	ph_vec_each(u, &d->units)
		if (find_struct(&u->die, name, ret, 0))
			return true;
	return false;
}

size_t ph_dwarf_find(struct ph_dwarf *d, uint64_t addr, struct ph_dwarf_frame frames[PH_SYMNAMES_MAX])
{
	Dwarf_Die dies[PH_SYMNAMES_MAX];
	struct unit *u = unit_at(d, addr);
	const struct range *r;
	Dwarf_Addr low;
	bool line;
	size_t n;

	if (!u)
		return 0;
	memset(frames, 0, PH_SYMNAMES_MAX * sizeof(*frames));
	line = line_of(&u->die, addr, &frames[0]);
	r = find(u->ranges.v, u->ranges.n, addr);
	if (!r) {
		frames[0].name = ph_strdup("");
		return line ? 1 : (free(frames[0].name), 0);
	}
	n = chain(&u->functions.v[r->of], addr, dies);
	/* The innermost is where the line is; every other one, where it calls the next. */
	for (size_t i = 0; i < n; i++) {
		frames[i].name = name_of(&dies[n - 1 - i]);
		if (i)
			call_of(&u->die, &dies[n - i], &frames[i]);
	}
	frames[n - 1].low = dwarf_lowpc(&dies[0], &low) ? r->low : low;
	return n;
}
