/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "filter/expr.h"

/*
 * The list of tests as eBPF instructions. Each test is: load into R2, mask or extend, compare with
 * an immediate or R3, jump. Only forward jumps, so any kernel's verifier takes it.
 */

struct ctx {
	const struct ph_class *cls;
	const struct ph_filter_slot *layout;
	size_t nslots;
	bool exact;
};

static const struct ph_filter_slot *find_slot(const struct ctx *c, const char *name, bool attr)
{
	/* Loads have signed 16-bit offsets. */
	for (size_t i = 0; i < c->nslots; i++)
		if (c->layout[i].attr == attr && !strcmp(c->layout[i].name, name) &&
		    c->layout[i].offset <= INT16_MAX - 16)
			return &c->layout[i];
	return NULL;
}

static enum ph_flower unknown(struct ctx *c)
{
	c->exact = false;
	return PH_FLOWER_UNKNOWN;
}

static bool is_container(const struct ph_fstep *s)
{
	return s->src == PH_FSRC_ATTR && s->leaf->attr == PH_FATTR_CONTAINER;
}

/* A test of a number again, this time with the sign that the slot has. */
static enum ph_flower lower_slot(struct ctx *c, const struct ph_fleaf *leaf,
				 const struct ph_filter_slot *slot, struct ph_fstep *s)
{
	struct ph_type type = *s->type;
	int r;

	if (slot->size > 8 || (slot->size & (slot->size - 1)) || !slot->size)
		return unknown(c);
	if (type.kind == PH_KIND_ENUM)
		type.is_signed = slot->is_signed;
	else
		type.kind = slot->is_signed ? PH_KIND_INT : PH_KIND_UINT;
	r = ph_filter_lower_leaf(leaf, &type, s->unit, s, NULL);
	/* True for any container is not true for an unknown one. */
	return r < 0 || (r == PH_FLOWER_TRUE && is_container(s)) ? unknown(c) : (enum ph_flower)r;
}

static enum ph_flower lower(void *arg, const struct ph_fleaf *leaf, struct ph_fstep *s)
{
	struct ctx *c = arg;
	const struct ph_filter_slot *slot;
	bool attr;
	int r;

	r = ph_filter_lower(leaf, c->cls, s, NULL);
	if (r < 0)
		return PH_FLOWER_FALSE;
	if (r == PH_FLOWER_FALSE && !leaf->event && leaf->attr == PH_FATTR_NONE) {
		/*
		 * Not in the payload: a context, which the recorder may add to every event, or
		 * indeed nothing that this event has.
		 */
		for (uint32_t i = 0; i < c->cls->nfields; i++)
			if (!strcmp(c->cls->fields[i].name, leaf->field))
				return PH_FLOWER_FALSE;
		slot = find_slot(c, leaf->field, true);
		if (!slot)
			return ph_filter_known_context(leaf->field) ? unknown(c) : PH_FLOWER_FALSE;
		s->src = PH_FSRC_CTX;
		s->type = slot->is_signed ? &ph_type_s64 : &ph_type_u64;
		s->idx = (uint16_t)(slot - c->layout);
		return lower_slot(c, leaf, slot, s);
	}
	if (r != PH_FLOWER_STEP)
		return (enum ph_flower)r;
	attr = s->src != PH_FSRC_FIELD;
	slot = find_slot(c, leaf->field, attr);
	if (!slot)
		return unknown(c);
	s->idx = (uint16_t)(slot - c->layout);
	switch (s->test) {
	case PH_FTEST_U64:
	case PH_FTEST_S64:
	case PH_FTEST_LABEL:
		/* The index that the record lacks may be known by the time it is read. */
		if (is_container(s)) {
			if (slot->is_signed || slot->size != 4)
				return unknown(c);
			c->exact = false;
		}
		return lower_slot(c, leaf, slot, s);
	case PH_FTEST_STR:
		/* 16 bytes leave no room for the terminator: then the rest is not known. */
		if (slot->size != 16 || s->op == PH_FOP_GLOB || s->op == PH_FOP_NGLOB || s->n >= 16)
			return unknown(c);
		return PH_FLOWER_STEP;
	default:
		return unknown(c);
	}
}

struct emit {
	struct bpf_insn *out;
	size_t n, max;
	bool overflow;
	/* Jumps to be filled in: the instruction and the step it goes to. */
	PH_VEC(struct { size_t insn; uint32_t step; }) fixups;
};

static void insn(struct emit *e, uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	if (e->n >= e->max) {
		e->overflow = true;
		return;
	}
	e->out[e->n++] = (struct bpf_insn){ .code = code, .dst_reg = dst, .src_reg = src, .off = off,
					    .imm = imm };
}

static void jump(struct emit *e, uint8_t code, uint8_t dst, uint8_t src, int32_t imm, uint32_t step)
{
	__typeof__(e->fixups.v) f = ph_vec_push(&e->fixups);

	f->insn = e->n;
	f->step = step;
	insn(e, code, dst, src, 0, imm);
}

static void imm64(struct emit *e, uint8_t reg, uint64_t v)
{
	insn(e, BPF_LD | BPF_DW | BPF_IMM, reg, 0, 0, (int32_t)(uint32_t)v);
	insn(e, 0, 0, 0, 0, (int32_t)(uint32_t)(v >> 32));
}

static void load(struct emit *e, const struct ph_filter_slot *slot)
{
	static const uint8_t sizes[9] = { [1] = BPF_B, [2] = BPF_H, [4] = BPF_W, [8] = BPF_DW };
	int32_t shift = 64 - 8 * slot->size;

	insn(e, BPF_LDX | BPF_MEM | sizes[slot->size], BPF_REG_2, BPF_REG_1, (int16_t)slot->offset, 0);
	if (slot->is_signed && shift) {
		insn(e, BPF_ALU64 | BPF_LSH | BPF_K, BPF_REG_2, 0, 0, shift);
		insn(e, BPF_ALU64 | BPF_ARSH | BPF_K, BPF_REG_2, 0, 0, shift);
	}
}

/* Immediates are sign-extended to 64 bits, in unsigned comparisons too. */
static bool fits(uint64_t v)
{
	return (uint64_t)(int64_t)(int32_t)(uint32_t)v == v;
}

static void compare(struct emit *e, uint8_t op, uint64_t v, uint32_t step)
{
	if (fits(v)) {
		jump(e, BPF_JMP | op | BPF_K, BPF_REG_2, 0, (int32_t)(uint32_t)v, step);
		return;
	}
	imm64(e, BPF_REG_3, v);
	jump(e, BPF_JMP | op | BPF_X, BPF_REG_2, BPF_REG_3, 0, step);
}

static uint8_t jump_op(enum ph_fop op, bool is_signed)
{
	switch (op) {
	case PH_FOP_EQ: return BPF_JEQ;
	case PH_FOP_LT: return is_signed ? BPF_JSLT : BPF_JLT;
	case PH_FOP_LE: return is_signed ? BPF_JSLE : BPF_JLE;
	case PH_FOP_GT: return is_signed ? BPF_JSGT : BPF_JGT;
	case PH_FOP_GE: return is_signed ? BPF_JSGE : BPF_JGE;
	default: return BPF_JNE;
	}
}

/* Jumps to @differ at the first unequal part; falls through where all are equal. */
static void compare_comm(struct emit *e, const struct ph_fstep *s, const struct ph_filter_slot *slot,
			 uint32_t differ)
{
	/* As wide as the alignment allows: stack memory must be aligned on every machine. */
	unsigned int width = slot->offset % 8 == 0 ? 8 : slot->offset % 4 == 0 ? 4 :
			     slot->offset % 2 == 0 ? 2 : 1;
	struct ph_filter_slot part = { .size = (uint8_t)width };
	char want[16] = { 0 };

	if (s->n)
		memcpy(want, s->s, s->n);
	for (unsigned int at = 0; at < sizeof(want); at += width) {
		uint64_t v = 0;

		memcpy(&v, want + at, width);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		v >>= 64 - 8 * width;
#endif
		part.offset = slot->offset + at;
		load(e, &part);
		compare(e, BPF_JNE, v, differ);
	}
}

/* On to @step, unless its code is what follows anyway. */
static void go(struct emit *e, uint32_t step, uint32_t next)
{
	if (step != next)
		jump(e, BPF_JMP | BPF_JA, 0, 0, 0, step);
}

static enum ph_fop opposite(enum ph_fop op)
{
	static const enum ph_fop to[] = {
		[PH_FOP_EQ] = PH_FOP_NE, [PH_FOP_NE] = PH_FOP_EQ, [PH_FOP_LT] = PH_FOP_GE,
		[PH_FOP_LE] = PH_FOP_GT, [PH_FOP_GT] = PH_FOP_LE, [PH_FOP_GE] = PH_FOP_LT,
	};

	return to[op];
}

/* @next: the step whose code will stand behind this one's. */
static void emit_step(struct emit *e, const struct ctx *c, const struct ph_fstep *s, uint32_t next)
{
	const struct ph_filter_slot *slot = &c->layout[s->idx];
	struct ph_filter_slot first = { .offset = slot->offset, .size = 1 };

	switch (s->test) {
	case PH_FTEST_STR:
		if (s->op == PH_FOP_TRUE) {
			load(e, &first);
			compare(e, BPF_JNE, 0, s->jt);
			go(e, s->jf, next);
			return;
		}
		compare_comm(e, s, slot, s->op == PH_FOP_EQ ? s->jf : s->jt);
		go(e, s->op == PH_FOP_EQ ? s->jt : s->jf, next);
		return;
	case PH_FTEST_LABEL:
		load(e, slot);
		compare(e, slot->is_signed ? BPF_JSLT : BPF_JLT, s->u, s->op == PH_FOP_EQ ? s->jf : s->jt);
		compare(e, slot->is_signed ? BPF_JSGT : BPF_JGT, s->hi, s->op == PH_FOP_EQ ? s->jf : s->jt);
		go(e, s->op == PH_FOP_EQ ? s->jt : s->jf, next);
		return;
	default:
		break;
	}
	load(e, slot);
	if (is_container(s)) {
		imm64(e, BPF_REG_3, PH_CONTAINER_UNKNOWN);
		jump(e, BPF_JMP | BPF_JEQ | BPF_X, BPF_REG_2, BPF_REG_3, 0, PH_FSTEP_KEEP);
	}
	if (s->has_mask && fits(s->mask)) {
		insn(e, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_2, 0, 0, (int32_t)(uint32_t)s->mask);
	} else if (s->has_mask) {
		imm64(e, BPF_REG_3, s->mask);
		insn(e, BPF_ALU64 | BPF_AND | BPF_X, BPF_REG_2, BPF_REG_3, 0, 0);
	}
	if (s->jt == next) {
		compare(e, jump_op(opposite(s->op), s->test == PH_FTEST_S64), s->u, s->jf);
		return;
	}
	compare(e, jump_op(s->op, s->test == PH_FTEST_S64), s->u, s->jt);
	go(e, s->jf, next);
}

/* The verifier refuses instructions that cannot be reached, and folding leaves such steps. */
static void mark(const struct ph_fprog *prog, bool *live)
{
	live[prog->entry] = true;
	for (size_t i = prog->steps.n + PH_FSTEP_FIRST; i-- > PH_FSTEP_FIRST; ) {
		const struct ph_fstep *s = &prog->steps.v[i - PH_FSTEP_FIRST];

		if (!live[i])
			continue;
		live[s->jt] = live[s->jf] = true;
		if (is_container(s))
			live[PH_FSTEP_KEEP] = true;
	}
}

static void emit_all(struct emit *e, const struct ctx *c, const struct ph_fprog *prog)
{
	size_t nsteps = prog->steps.n + PH_FSTEP_FIRST;
	ph_autofree bool *live = ph_alloc(nsteps * sizeof(*live));
	ph_autofree size_t *start = ph_alloc(nsteps * sizeof(*start));

	mark(prog, live);
	for (size_t i = nsteps; i-- > PH_FSTEP_FIRST; ) {
		uint32_t next = (uint32_t)i - 1;

		/* KEEP's code stands before DROP's. */
		while (next && !live[next])
			next--;
		start[i] = e->n;
		if (live[i])
			emit_step(e, c, &prog->steps.v[i - PH_FSTEP_FIRST], next);
	}
	start[PH_FSTEP_KEEP] = e->n;
	if (live[PH_FSTEP_KEEP])
		insn(e, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1);
	if (live[PH_FSTEP_KEEP] && live[PH_FSTEP_DROP])
		insn(e, BPF_JMP | BPF_JA, 0, 0, 1, 0);
	start[PH_FSTEP_DROP] = e->n;
	if (live[PH_FSTEP_DROP])
		insn(e, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
	if (e->overflow)
		return;
	ph_vec_each(f, &e->fixups) {
		size_t off = start[f->step] - f->insn - 1;

		if (off > INT16_MAX)
			e->overflow = true;
		e->out[f->insn].off = (int16_t)off;
	}
}

int ph_filter_to_bpf(struct ph_filter *f, const struct ph_class *cls,
		     const struct ph_filter_slot *layout, size_t nslots, struct bpf_insn *out,
		     size_t max, bool *ret_exact, struct ph_err *err)
{
	struct ctx c = { .cls = cls, .layout = layout, .nslots = nslots, .exact = true };
	struct emit e = { .out = out, .max = max };
	struct ph_fprog prog = { 0 };

	ph_filter_build(f, lower, &c, &prog);
	emit_all(&e, &c, &prog);
	ph_vec_done(&prog.steps);
	ph_vec_done(&e.fixups);
	if (e.overflow)
		return ph_err_set(err, -E2BIG, "the filter is too long for the kernel (event %s, at most %zu instructions)",
				  cls->name, max);
	*ret_exact = c.exact;
	return (int)e.n;
}
