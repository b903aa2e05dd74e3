/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs of call frame information: instructions, the expressions that matter, and what rule comes of them. */
#include <dwarf.h>

#include "unwind/cfi.h"

/* The numbers that DWARF gives the registers that are followed. */
struct machine {
	uint8_t sp, fp, bx, ra;
	uint8_t general;	/* so many general registers come first */
};

static const struct machine machines[] = {
	[PH_UNWIND_X86_64] = { .sp = 7, .fp = 6, .bx = 3, .ra = 16, .general = 16 },
	/* BX is none here: 32 is no general register's number, and its rules are not kept. */
	[PH_UNWIND_ARM64] = { .sp = 31, .fp = 29, .bx = 32, .ra = 30, .general = 31 },
};

static int followed(const struct ph_cfi_run *r, uint64_t reg)
{
	const struct machine *m = &machines[r->arch];

	if (reg == m->fp)
		return PH_REG_FP;
	if (reg == r->cie->ra)
		return PH_REG_RA;
	if (reg == m->sp)
		return PH_REG_SP;
	if (reg == m->bx)
		return PH_REG_BX;
	return -1;
}

static void set(struct ph_cfi_run *r, uint64_t reg, uint8_t how, int64_t at)
{
	int i = followed(r, reg);

	if (i < 0)
		return;
	r->now.how[i] = how;
	r->now.at[i] = at;
	r->changed = true;
}

static void restore(struct ph_cfi_run *r, uint64_t reg)
{
	int i = followed(r, reg);

	if (i >= 0)
		set(r, reg, r->cie->initial.how[i], r->cie->initial.at[i]);
}

static void set_cfa(struct ph_cfi_run *r, uint8_t cfa, uint64_t reg, int64_t off)
{
	r->now.cfa = cfa;
	r->now.reg = reg;
	r->now.off = off;
	r->now.add = 0;
	r->changed = true;
}

static int64_t times(uint64_t n, int64_t factor)
{
	return (int64_t)(n * (uint64_t)factor);
}

/* DW_OP_bregN, DW_OP_bregx: a register plus an offset. */
static bool take_breg(struct ph_bytes *e, uint64_t *reg, int64_t *off)
{
	uint8_t op = ph_bytes_u8(e);

	if (op >= DW_OP_breg0 && op <= DW_OP_breg31)
		*reg = op - DW_OP_breg0;
	else if (op == DW_OP_bregx)
		*reg = ph_bytes_uleb(e);
	else
		return false;
	*off = ph_bytes_sleb(e);
	return !e->bad;
}

/*
 * Where a register was saved: compilers write "register + offset" where they realigned the stack, libc
 * for the frames of signals.
 */
static void save_expression(struct ph_cfi_run *r, uint64_t saved, struct ph_bytes e)
{
	const struct machine *m = &machines[r->arch];
	struct ph_bytes at_cfa = e;
	uint64_t reg;
	int64_t off;

	if (followed(r, saved) < 0)
		return;
	if (take_breg(&e, &reg, &off) && !ph_bytes_left(&e) && (reg == m->sp || reg == m->fp)) {
		set(r, saved, reg == m->sp ? PH_SAVED_SP : PH_SAVED_FP, off);
		return;
	}
	/* The CFA is there before the expression begins. */
	if (ph_bytes_u8(&at_cfa) == DW_OP_plus_uconst) {
		uint64_t n = ph_bytes_uleb(&at_cfa);

		if (!at_cfa.bad && !ph_bytes_left(&at_cfa)) {
			set(r, saved, PH_SAVED_CFA, (int64_t)n);
			return;
		}
	}
	set(r, saved, PH_SAVED_LOST, 0);
}

/*
 * The linker's expression for its PLT, whose entries have 16 bytes, of which the one at @n pushes:
 * RSP + 8 + ((RIP & 15) >= n) << 3.
 */
static bool plt_expression(const struct ph_cfi_run *r, struct ph_bytes e, int64_t *ret_n)
{
	static const uint8_t front[] = { DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and };
	static const uint8_t back[] = { DW_OP_ge, DW_OP_lit3, DW_OP_shl, DW_OP_plus };

	if (r->arch != PH_UNWIND_X86_64 || ph_bytes_left(&e) != sizeof(front) + 1 + sizeof(back) ||
	    memcmp(e.p, front, sizeof(front)) || memcmp(e.p + sizeof(front) + 1, back, sizeof(back)) ||
	    e.p[sizeof(front)] < DW_OP_lit0 || e.p[sizeof(front)] > DW_OP_lit15)
		return false;
	*ret_n = e.p[sizeof(front)] - DW_OP_lit0;
	return true;
}

/* REG + OFF; what is there; what is there, plus a number (OpenSSL's, where it keeps the stack pointer on the stack). */
static void cfa_expression(struct ph_cfi_run *r, struct ph_bytes e)
{
	uint64_t reg;
	int64_t off, n;

	if (plt_expression(r, e, &n)) {
		set_cfa(r, PH_CFI_PLT, 0, n);
		return;
	}
	set_cfa(r, PH_CFI_BAD, 0, 0);
	if (!take_breg(&e, &reg, &off))
		return;
	if (!ph_bytes_left(&e)) {
		set_cfa(r, PH_CFI_REG, reg, off);
		return;
	}
	if (ph_bytes_u8(&e) != DW_OP_deref)
		return;
	if (!ph_bytes_left(&e)) {
		set_cfa(r, PH_CFI_DEREF, reg, off);
	} else if (ph_bytes_u8(&e) == DW_OP_plus_uconst) {
		uint64_t add = ph_bytes_uleb(&e);

		if (e.bad || ph_bytes_left(&e))
			return;
		set_cfa(r, PH_CFI_DEREF, reg, off);
		r->now.add = (int64_t)add;
	}
}

/* True where the program now moves on by that much. */
static bool advance(struct ph_cfi_run *r, uint64_t delta)
{
	delta *= r->cie->code_align;
	if (!delta)
		return false;
	/* What goes round the end of the addresses comes from nobody's compiler. */
	if (r->pc + delta < r->pc) {
		r->bad = PH_WHY_BROKEN;
		return false;
	}
	r->pc += delta;
	return true;
}

static bool set_loc(struct ph_cfi_run *r, uint64_t pc)
{
	if (pc < r->pc)
		r->bad = PH_WHY_BROKEN;
	if (pc <= r->pc)
		return false;
	r->pc = pc;
	return true;
}

/* The CFA is counted from a register: only then a part of it can be set. */
static bool cfa_is_reg(struct ph_cfi_run *r)
{
	if (r->now.cfa == PH_CFI_REG)
		return true;
	set_cfa(r, PH_CFI_BAD, 0, 0);
	return false;
}

static void remember(struct ph_cfi_run *r)
{
	if (r->depth == sizeof(r->remembered) / sizeof(r->remembered[0]))
		r->bad = PH_WHY_DEEP;
	else
		r->remembered[r->depth++] = r->now;
}

static void recall(struct ph_cfi_run *r)
{
	if (!r->depth) {
		r->bad = PH_WHY_BROKEN;
		return;
	}
	r->now = r->remembered[--r->depth];
	r->changed = true;
}

/* DW_CFA_val_offset: the value is CFA + @off itself. */
static void set_value(struct ph_cfi_run *r, uint64_t reg, int64_t off)
{
	/* That the stack pointer is the CFA is what holds without a word, too. */
	bool plain = followed(r, reg) == PH_REG_SP && !off;

	set(r, reg, plain ? PH_SAVED_SAME : PH_SAVED_LOST, 0);
}

/* Instructions with their operands behind them. True where the program moves on. */
static bool extended(struct ph_cfi_run *r, uint8_t op)
{
	int64_t align = r->cie->data_align;
	struct ph_bytes *in = &r->in;
	uint64_t reg, other;

	switch (op) {
	case DW_CFA_nop:
		return false;
	case DW_CFA_set_loc:
		/* Addresses in programs are encoded as the entries' are; relocated ones are not worth it. */
		if ((r->cie->fde_encoding & 0x7f) != DW_EH_PE_absptr)
			break;
		return set_loc(r, ph_bytes_uint(in, 8));
	case DW_CFA_advance_loc1:
		return advance(r, ph_bytes_uint(in, 1));
	case DW_CFA_advance_loc2:
		return advance(r, ph_bytes_uint(in, 2));
	case DW_CFA_advance_loc4:
		return advance(r, ph_bytes_uint(in, 4));
	case DW_CFA_MIPS_advance_loc8:
		return advance(r, ph_bytes_uint(in, 8));
	case DW_CFA_offset_extended:
		reg = ph_bytes_uleb(in);
		set(r, reg, PH_SAVED_CFA, times(ph_bytes_uleb(in), align));
		return false;
	case DW_CFA_offset_extended_sf:
		reg = ph_bytes_uleb(in);
		set(r, reg, PH_SAVED_CFA, times((uint64_t)ph_bytes_sleb(in), align));
		return false;
	case DW_CFA_GNU_negative_offset_extended:
		reg = ph_bytes_uleb(in);
		set(r, reg, PH_SAVED_CFA, times(-ph_bytes_uleb(in), align));
		return false;
	case DW_CFA_val_offset:
		reg = ph_bytes_uleb(in);
		set_value(r, reg, times(ph_bytes_uleb(in), align));
		return false;
	case DW_CFA_val_offset_sf:
		reg = ph_bytes_uleb(in);
		set_value(r, reg, times((uint64_t)ph_bytes_sleb(in), align));
		return false;
	case DW_CFA_restore_extended:
		restore(r, ph_bytes_uleb(in));
		return false;
	case DW_CFA_undefined:
		set(r, ph_bytes_uleb(in), PH_CFI_UNDEFINED, 0);
		return false;
	case DW_CFA_same_value:
		set(r, ph_bytes_uleb(in), PH_SAVED_SAME, 0);
		return false;
	case DW_CFA_register:
		reg = ph_bytes_uleb(in);
		other = ph_bytes_uleb(in);
		set(r, reg, other == reg ? PH_SAVED_SAME : PH_SAVED_LOST, 0);
		return false;
	case DW_CFA_remember_state:
		remember(r);
		return false;
	case DW_CFA_restore_state:
		recall(r);
		return false;
	case DW_CFA_def_cfa:
		reg = ph_bytes_uleb(in);
		set_cfa(r, PH_CFI_REG, reg, (int64_t)ph_bytes_uleb(in));
		return false;
	case DW_CFA_def_cfa_sf:
		reg = ph_bytes_uleb(in);
		set_cfa(r, PH_CFI_REG, reg, times((uint64_t)ph_bytes_sleb(in), align));
		return false;
	case DW_CFA_def_cfa_register:
		reg = ph_bytes_uleb(in);
		if (cfa_is_reg(r))
			set_cfa(r, PH_CFI_REG, reg, r->now.off);
		return false;
	case DW_CFA_def_cfa_offset:
		other = ph_bytes_uleb(in);
		if (cfa_is_reg(r))
			set_cfa(r, PH_CFI_REG, r->now.reg, (int64_t)other);
		return false;
	case DW_CFA_def_cfa_offset_sf:
		other = (uint64_t)times((uint64_t)ph_bytes_sleb(in), align);
		if (cfa_is_reg(r))
			set_cfa(r, PH_CFI_REG, r->now.reg, (int64_t)other);
		return false;
	case DW_CFA_def_cfa_expression:
		cfa_expression(r, ph_bytes_cut(in, ph_bytes_uleb(in)));
		return false;
	case DW_CFA_expression:
		reg = ph_bytes_uleb(in);
		save_expression(r, reg, ph_bytes_cut(in, ph_bytes_uleb(in)));
		return false;
	case DW_CFA_val_expression:
		set(r, ph_bytes_uleb(in), PH_SAVED_LOST, 0);
		ph_bytes_cut(in, ph_bytes_uleb(in));
		return false;
	case DW_CFA_GNU_args_size:
		ph_bytes_uleb(in);
		return false;
	case DW_CFA_AARCH64_negate_ra_state:
		/* Return addresses are signed from here on, or no more: the walk takes signatures off anyway. */
		if (r->arch == PH_UNWIND_ARM64)
			return false;
		break;
	}
	r->bad = PH_WHY_BROKEN;
	return false;
}

/*
 * A return address above the CFA: on arm64 the PLT has pushed it, and glibc's _dl_runtime_resolve, which goes on from there, says so
 * from its second instruction on, but counts the CFA from below what was pushed. It is so from the first instruction on.
 */
static bool pushed_by_plt(const struct ph_cfi_run *r)
{
	struct ph_bytes in = r->in;

	if (r->arch != PH_UNWIND_ARM64 || r->cie->signal || (ph_bytes_u8(&in) & 0xc0) != DW_CFA_advance_loc ||
	    ph_bytes_u8(&in) != DW_CFA_offset_extended_sf || ph_bytes_uleb(&in) != machines[r->arch].ra)
		return false;
	return ph_bytes_sleb(&in) * r->cie->data_align == 8 && !in.bad;
}

void ph_cfi_start(struct ph_cfi_run *r, enum ph_unwind_arch arch, const struct ph_cie *cie,
		  struct ph_bytes program, uint64_t pc)
{
	r->arch = arch;
	r->cie = cie;
	r->in = program;
	r->pc = pc;
	r->now = cie->initial;
	r->depth = 0;
	r->changed = true;
	r->bad = cie->bad;
	if (pushed_by_plt(r))
		set(r, machines[arch].ra, PH_SAVED_CFA, 8);
}

bool ph_cfi_next(struct ph_cfi_run *r)
{
	struct ph_bytes *in = &r->in;

	while (!r->bad && ph_bytes_left(in)) {
		uint8_t op = *in->p++, low = op & 0x3f;
		bool moved = false;

		switch (op & 0xc0) {
		case DW_CFA_advance_loc:
			moved = advance(r, low);
			break;
		case DW_CFA_offset:
			set(r, low, PH_SAVED_CFA, times(ph_bytes_uleb(in), r->cie->data_align));
			break;
		case DW_CFA_restore:
			restore(r, low);
			break;
		default:
			moved = extended(r, op);
		}
		if (in->bad)
			r->bad = PH_WHY_BROKEN;
		if (moved && !r->bad)
			return true;
	}
	return false;
}

static bool fits(int64_t v)
{
	return v == (int32_t)v;
}

static enum ph_unwind_why cfa_rule(const struct machine *m, const struct ph_cfi_state *s,
				   struct ph_unwind_rule *rule)
{
	if (!fits(s->off) || s->add != (int16_t)s->add)
		return PH_WHY_RANGE;
	rule->cfa_off = (int32_t)s->off;
	rule->cfa_add = (int16_t)s->add;
	switch (s->cfa) {
	case PH_CFI_PLT:
		rule->cfa = PH_CFA_PLT;
		return PH_WHY_NOT;
	case PH_CFI_REG:
		rule->cfa = s->reg == m->sp ? PH_CFA_SP : s->reg == m->fp ? PH_CFA_FP :
			    s->reg == m->bx ? PH_CFA_BX : s->reg < m->general ? PH_CFA_REGISTER : PH_CFA_NONE;
		if (rule->cfa == PH_CFA_REGISTER)
			rule->cfa_add = (__s16)s->reg;
		return rule->cfa ? PH_WHY_NOT : PH_WHY_CFA_REGISTER;
	case PH_CFI_DEREF:
		rule->cfa = s->reg == m->sp ? PH_CFA_SP_DEREF : s->reg == m->fp ? PH_CFA_FP_DEREF :
			    PH_CFA_NONE;
		return rule->cfa ? PH_WHY_NOT : PH_WHY_CFA_REGISTER;
	}
	return PH_WHY_CFA_EXPRESSION;
}

/* A register whose loss ends no walk by itself. */
static void saved_rule(const struct ph_cfi_state *s, int i, __u8 *how, __s32 *off)
{
	*how = s->how[i] == PH_CFI_UNDEFINED || !fits(s->at[i]) ? PH_SAVED_LOST : s->how[i];
	*off = *how == PH_SAVED_SAME || *how == PH_SAVED_LOST ? 0 : (__s32)s->at[i];
}

/* The CFA is above what the PLT has pushed; once that is popped, the address is in its register again. */
static void above_pushed(const struct machine *m, struct ph_cfi_state *s)
{
	int64_t n = s->at[PH_REG_RA] + 8;

	s->off += n;
	for (int i = 0; i < PH_REG_N; i++)
		if (s->how[i] == PH_SAVED_CFA)
			s->at[i] -= n;
	if (s->cfa == PH_CFI_REG && s->reg == m->sp && s->off + s->at[PH_REG_RA] < 0)
		s->how[PH_REG_RA] = PH_SAVED_SAME;
}

enum ph_unwind_why ph_cfi_rule(enum ph_unwind_arch arch, const struct ph_cie *cie,
			       const struct ph_cfi_state *state, struct ph_unwind_rule *ret)
{
	const struct machine *m = &machines[arch];
	struct ph_unwind_rule rule = { 0 };
	struct ph_cfi_state fixed, *s = &fixed;
	enum ph_unwind_why why;

	fixed = *state;
	if (arch == PH_UNWIND_ARM64 && !cie->signal && s->how[PH_REG_RA] == PH_SAVED_CFA && s->at[PH_REG_RA] == 8)
		above_pushed(m, s);
	*ret = rule;
	if (cie->ra != m->ra)
		return PH_WHY_RA;
	if (s->how[PH_REG_RA] == PH_CFI_UNDEFINED) {
		ret->cfa = PH_CFA_END;
		return PH_WHY_NOT;
	}
	why = cfa_rule(m, s, &rule);
	if (why)
		return why;
	/* What the frame of a signal says: the stack pointer is saved, and that is the CFA. */
	if (s->how[PH_REG_SP] != PH_SAVED_SAME &&
	    (s->how[PH_REG_SP] != PH_SAVED_SP || rule.cfa != PH_CFA_SP_DEREF || rule.cfa_add ||
	     s->at[PH_REG_SP] != s->off))
		return PH_WHY_SP;
	if (s->how[PH_REG_RA] == PH_SAVED_LOST || (s->how[PH_REG_RA] == PH_SAVED_SAME && arch == PH_UNWIND_X86_64))
		return PH_WHY_RA;
	if (!fits(s->at[PH_REG_RA]))
		return PH_WHY_RANGE;
	saved_rule(s, PH_REG_RA, &rule.ra, &rule.ra_off);
	saved_rule(s, PH_REG_FP, &rule.fp, &rule.fp_off);
	if (arch == PH_UNWIND_X86_64)
		saved_rule(s, PH_REG_BX, &rule.bx, &rule.bx_off);
	if (cie->signal)
		rule.flags = PH_RULE_SIGNAL;
	*ret = rule;
	return PH_WHY_NOT;
}
