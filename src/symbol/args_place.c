/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where an argument is, and what is loaded on the way from there. */
#include "symbol/args_walk.h"

#include <errno.h>
#include <string.h>

static int load(struct args_walk *w)
{
	if (w->a->loads == PH_SYMARG_LOADS)
		return ph_err_set(w->err, -E2BIG, "'%s' takes more than %d loads from memory", w->text, PH_SYMARG_LOADS);
	w->a->loads++;
	w->in_memory = false;
	return 0;
}

/* Of what was put into another function, which may have some of it in a register and some in memory. */
static int settle_located(struct args_walk *w)
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

int args_settle(struct args_walk *w)
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

int args_begin(struct args_walk *w, const struct ph_passed *where, bool result)
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

int args_begin_inlined(struct args_walk *w, const char *name, bool has)
{
	struct ph_location at;

	if (!has)
		return ph_err_set(w->err, -EOPNOTSUPP, "'%s' is optimized out", name);
	w->located = true;
	return !ph_locate(w->inlined, &w->variable, name, 0, &at, NULL) && at.in_memory && at.whole ? settle_located(w) : 0;
}

int args_parted(const struct args_walk *w)
{
	return ph_err_set(w->err, -EOPNOTSUPP, "'%s' is in several pieces, or a part of it is optimized out", w->text);
}

int args_follow(struct args_walk *w)
{
	int r = args_settle(w);

	if (r == 0 && w->a->low + 64u > w->held)
		r = args_parted(w);
	if (r == 0 && !ph_type_of(&w->type, &w->type))
		r = ph_err_set(w->err, -EINVAL, "'%s': nothing is known of what it points to", w->text);
	w->in_memory = true;
	return r;
}

