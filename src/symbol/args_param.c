/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which argument is meant, by its name. Where a parameter is when its function is entered is a matter of the machine's convention
 * (passing.c): what DWARF says of places is right behind the function's prologue, at best. What was put into another function has no
 * prologue, and keeps to no convention: there DWARF tells (location.c).
 */
#include "symbol/args_walk.h"

#include <dwarf.h>
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define PARAMS_MAX 100

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

static bool is_changed(const struct args_walk *w, Dwarf_Die *function)
{
	return is_remade(w->symbol) || ph_die_number(function, DW_AT_calling_convention, DW_CC_normal) == DW_CC_nocall;
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

int args_find_param(struct args_walk *w, Dwarf_Die *function, int machine)
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
				return args_begin_inlined(w, name, own_param(function, &die, &w->variable));
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
		return args_begin(w, &where, false);
	} while (!dwarf_siblingof(&die, &die));
	return no_param(name, list, w->err);
}

int args_find_result(struct args_walk *w, Dwarf_Die *function, int machine)
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
	return args_begin(w, &where, true);
}

