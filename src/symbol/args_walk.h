/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_ARGS_WALK_H
#define PH_SYMBOL_ARGS_WALK_H

#include "symbol/childfile.h"
#include "symbol/location.h"
#include "symbol/passing.h"

/*
 * One argument, "req->peers[2].name": args_param.c finds where "req" is, args.c goes on from there member by member, args_place.c
 * says what is loaded on the way, and args_value.c what kind of a value it is in the end. In the child only.
 */
struct args_walk {
	const char *text, *p;		/* what is asked for, and how far it was read */
	struct ph_symarg *a;
	struct ph_buf *names;		/* of the values of an enumeration */
	const char *symbol;		/* of the function, NULL: none */
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

/* In the type, or in what is part of it without a name; *@bit: behind its beginning; *@bits: as many, 0: all of its type. */
bool args_find_member(Dwarf_Die *type, const char *name, uint64_t *bit, uint64_t *bits, Dwarf_Die *ret, unsigned int depth);

/* ---- args_param.c ------------------------------------------------------------------------------- */

/* What the text begins with; else its result, PH_SYMARG_NOTHING where it has none. */
int args_find_param(struct args_walk *w, Dwarf_Die *function, int machine);
int args_find_result(struct args_walk *w, Dwarf_Die *function, int machine);

/* ---- args_place.c ------------------------------------------------------------------------------- */

/* Where it was handed over. */
int args_begin(struct args_walk *w, const struct ph_passed *where, bool result);
/* Where what was put into another function has it; !@has: nothing is said of it there. */
int args_begin_inlined(struct args_walk *w, const char *name, bool has);
/* The value itself: from the register that it is in, or loaded. */
int args_settle(struct args_walk *w);
/* From a pointer to what it points to. */
int args_follow(struct args_walk *w);
/* Fails: one part of the number is elsewhere, or nowhere. */
int args_parted(const struct args_walk *w);

/* ---- args_value.c ------------------------------------------------------------------------------- */

int args_finish(struct args_walk *w);

#endif
