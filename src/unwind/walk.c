/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unwind/walk.h"

static const struct ph_unwind_map *map_at(const struct ph_unwind_map *maps, size_t n, uint64_t pc)
{
	size_t from = 0, to = n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (maps[middle].end <= pc)
			from = middle + 1;
		else
			to = middle;
	}
	return from < n && maps[from].begin <= pc ? &maps[from] : NULL;
}

size_t ph_unwind_walk(enum ph_unwind_arch arch, const struct ph_unwind_map *maps, size_t n,
		      struct ph_unwind_regs regs, const uint64_t *top, ph_unwind_read read, void *ctx,
		      struct ph_unwind_frame *frames, size_t max, enum ph_unwind_step *ret_last)
{
	enum ph_unwind_step s = PH_STEP_CALLER;
	bool guessed = false;
	size_t i = 0;

	while (i < max && s == PH_STEP_CALLER) {
		uint64_t pc = regs.pc - !(regs.flags & PH_REGS_EXACT);
		const struct ph_unwind_map *m = map_at(maps, n, pc);
		const struct ph_unwind_table *t = m ? m->table : NULL;
		const struct ph_unwind_rule *rule = t ? &t->rules[ph_unwind_find(t, pc - m->bias)] : NULL;

		if (guessed && !m) {
			s = PH_STEP_NO_RULE;
			break;
		}
		if (!i && top && rule && rule->cfa == PH_CFA_REGISTER) {
			regs.other = top[rule->cfa_add];
			regs.flags |= PH_REGS_OTHER;
		}
		frames[i++] = (struct ph_unwind_frame){ regs.pc, regs.flags & PH_REGS_EXACT, guessed };
		guessed = false;
		s = rule ? ph_unwind_step(arch, rule, &regs, read, ctx) : PH_STEP_NO_RULE;
		if (s == PH_STEP_NO_RULE && m)
			s = ph_unwind_step_ret(arch, &regs, read, ctx);
		if (s == PH_STEP_NO_RULE && m) {
			s = ph_unwind_step_fp(arch, &regs, read, ctx);
			guessed = true;
		}
	}
	*ret_last = s;
	return i;
}

const char *ph_unwind_end_text(unsigned int end)
{
	static const char *const texts[PH_END_NKINDS] = {
		[PH_END_NOT_WALKED] = "not walked", [PH_END_COMPLETE] = "complete",
		[PH_END_FRAMES] = "as many frames as are kept", [PH_END_NO_RULE] = "an address without a rule",
		[PH_END_LOST] = "a register that is not known", [PH_END_UNREADABLE] = "memory that cannot be read",
		[PH_END_STACK] = "a frame that is not above the one before",
		[PH_END_NO_TABLE] = "code of a file whose table is not there yet",
		[PH_END_NO_MAPS] = "mappings that are not known yet",
		[PH_END_BUSY] = "another walk under way",
	};

	return end < PH_END_NKINDS ? texts[end] : "an unknown reason";
}
