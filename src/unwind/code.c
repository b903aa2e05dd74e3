/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a frame ends, from the instructions. At the begin of a function, which is known where something calls it, and at a
 * `ret`, the return address is what SP points at; in between, every push, pop and addition moves SP by a known
 * amount. So code is followed from each begin along its branches, and code that nothing was seen to reach (targets of
 * tables, functions that are called by pointer) as far as to something known: a `ret`, or code that was followed
 * before; where SP must be there tells where it was here. What contradicts itself gets no rule.
 *
 * On arm64 a call puts the return address into X30. It takes the place that BX has here: a register that is saved, and restored
 * before the `ret`.
 */
#include "unwind/code.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "unwind/insn.h"

/* All in words of the stack, that is 8 bytes. */
#define WORD 8
#define FAR 32000		/* more is no frame */
/* So many times the code is looked at, at most: three times is usual. */
#define WORK 32
/* Between functions there is less. */
#define PADDING 16

/* What is true before an instruction; all 0: it was not followed. */
struct state {
	int16_t depth;		/* CFA - SP; or NONE, or OUTERMOST */
	int16_t frame;		/* CFA - BP where BP is a frame pointer, else NONE; never 0 */
	int16_t fp, bx;		/* the caller's BP and BX (on arm64 the return address): CFA - where they are saved, or one of these */
};
enum {
	NONE = INT16_MIN,
	OUTERMOST,		/* BP was cleared and not saved, or the stack changed for another: there is no caller */
	SAME = 0,		/* in its register still */
	LOST = -1,
	UNKNOWN = -2,		/* to be found out by where it is restored from */
};

/* What machines differ in. */
struct machine {
	void (*read)(const uint8_t *p, size_t n, struct ph_insn *ret);
	int16_t depth;		/* where a function begins, and where it returns */
	int16_t slot;		/* the first one in which something may be saved */
	uint8_t align;		/* where functions begin, mostly */
	bool link;		/* calls leave the return address in a register */
};

static const struct machine machines[] = {
	[PH_UNWIND_X86_64] = { .read = ph_insn_read, .depth = 1, .slot = 2, .align = 16 },
	[PH_UNWIND_ARM64] = { .read = ph_insn_read_arm64, .slot = 1, .align = 4, .link = true },
};

/* What is kept of these: to decode them once more is what takes most of the time. */
enum {
	SWEPT_LENGTH = 15,
	SWEPT_BAD = 16,
	SWEPT_NOTHING = 32,	/* it begins nothing */
};

struct place {
	uint32_t at;
	struct state s;
};

struct ph_code {
	const struct machine *m;
	const uint8_t *code;
	size_t n;
	size_t aligned;		/* the address of its first byte, but for multiples of the alignment */
	struct state *states;	/* of each byte: of the instruction that begins there */
	uint8_t *called;	/* bits: something calls this */
	uint8_t *branched;	/* something jumps here */
	uint8_t *settled;	/* bits: its state is no more in question */
	uint8_t *swept;		/* of each byte: of the instruction that begins there where all are read one after the other, else 0 */
	PH_VEC(struct place) todo, later;
	PH_VEC(uint32_t) seen;	/* what is being followed */
	size_t later_n;		/* that there were before */
	/* What was found out on the way: by how much all depths are wrong, where BP and BX are restored from and stored. */
	int shift;
	bool anchored, contradicts, by_leave;
	int16_t fp_slot, bx_slot, fp_stored, bx_stored;
	uint64_t work;		/* instructions that may still be looked at: of what contradicts itself, many times */
};

static bool get_bit(const uint8_t *bits, size_t i)
{
	return bits[i / 8] >> (i % 8) & 1;
}

static void set_bit(uint8_t *bits, size_t i)
{
	bits[i / 8] |= (uint8_t)(1 << (i % 8));
}

static bool followed(const struct ph_code *c, size_t at)
{
	return c->states[at].frame != 0;
}

static bool elsewhere(const struct ph_insn *load, uint8_t reg)
{
	return load->kind == PH_INSN_LOAD && load->reg == reg && load->base < 16 && load->base != PH_X86_SP &&
	       load->base != PH_X86_BP;
}

/*
 * SP is loaded from elsewhere than this stack, at once or by another register: of another one, whose frames are not this
 * function's callers.
 */
static bool changes_stacks(const struct ph_insn *in, const struct ph_insn *before)
{
	return elsewhere(in, PH_X86_SP) || (in->kind == PH_INSN_MOVE && in->reg == PH_X86_SP && elsewhere(before, in->base));
}

/* ---- what an instruction does ----------------------------------------------------------------- */

static int16_t words(int64_t v)
{
	return v % WORD || v > FAR * WORD || v < -FAR * WORD ? NONE : (int16_t)(v / WORD);
}

/* @v words, moved by @disp bytes down. */
static int16_t moved(int16_t v, int64_t disp)
{
	int16_t by = words(disp);

	if (v == NONE || by == NONE || v - by > FAR || v - by < -FAR)
		return NONE;
	return (int16_t)(v - by);
}

/* CFA - the address of an operand, as `base` + disp. */
static int16_t slot_of(const struct state *s, const struct ph_insn *in)
{
	return in->base == PH_X86_SP ? moved(s->depth, in->disp) :
	       in->base == PH_X86_BP ? moved(s->frame, in->disp) : NONE;
}

/* The caller's value was in a register that is now written. */
static void overwritten(int16_t *saved)
{
	if (*saved == SAME)
		*saved = LOST;
}

static void write_register(struct state *s, uint8_t reg)
{
	if (reg == PH_X86_SP)
		s->depth = NONE;
	if (reg == PH_X86_BX)
		overwritten(&s->bx);
	if (reg == PH_X86_BP) {
		overwritten(&s->fp);
		s->frame = NONE;
	}
}

static void store(struct ph_code *c, struct state *s, uint8_t reg, int16_t slot)
{
	int16_t *saved = reg == PH_X86_BP ? &s->fp : reg == PH_X86_BX ? &s->bx : NULL;

	/* Only the first time it is the caller's. A frame pointer is this function's. */
	if (!saved || slot < c->m->slot || (reg == PH_X86_BP && s->frame != NONE))
		return;
	if (*saved == SAME)
		*saved = slot;
	else if (*saved == UNKNOWN)
		*(reg == PH_X86_BP ? &c->fp_stored : &c->bx_stored) = slot;
}

/*
 * @popped: it is the function's end, probably, and no variable that was put away for a while; so it is where BP comes from right below the
 * return address, as Go ends functions.
 */
static void load(struct ph_code *c, struct state *s, uint8_t reg, int16_t slot, bool popped)
{
	int16_t *saved = reg == PH_X86_BP ? &s->fp : &s->bx;
	bool restored = slot >= c->m->slot && (*saved == slot || (*saved == UNKNOWN && (popped || (reg == PH_X86_BP && slot == 2))));

	if (reg == PH_X86_SP) {
		s->depth = NONE;
		return;
	}
	if (reg != PH_X86_BP && reg != PH_X86_BX)
		return;
	if (restored && *saved == UNKNOWN)
		*(reg == PH_X86_BP ? &c->fp_slot : &c->bx_slot) = slot;
	write_register(s, reg);
	if (restored)
		*saved = SAME;
}

static void leave(struct ph_code *c, struct state *s)
{
	/* Nobody leaves but a function that begins as all that do. */
	if (s->frame == NONE && s->fp == UNKNOWN) {
		s->frame = 2;
		c->by_leave = true;
	}
	s->depth = s->frame;
	load(c, s, PH_X86_BP, s->frame, true);
	if (s->depth != NONE)
		s->depth--;
}

static void move_base(struct state *s, const struct ph_insn *in)
{
	if (in->then && in->base == PH_X86_SP)
		s->depth = moved(s->depth, in->then);
	else if (in->then)
		write_register(s, in->base);
}

/* @before: the instruction before this one; @constant: the last one that made a constant. */
static void apply(struct ph_code *c, struct state *s, const struct ph_insn *in, const struct ph_insn *before,
		  const struct ph_insn *constant)
{
	/* A frame pointer is of the stack that it came from. */
	bool outermost = s->depth == OUTERMOST || (changes_stacks(in, before) && s->frame == NONE);
	int64_t disp = in->disp;
	int16_t v;

	for (uint8_t reg = PH_X86_BX; reg <= PH_X86_BP; reg++)
		if (in->writes & 1 << reg)
			write_register(s, reg);
	switch (in->kind) {
	case PH_INSN_PUSH:
		s->depth = moved(s->depth, -WORD);
		store(c, s, in->reg, s->depth);
		break;
	case PH_INSN_POP:
		v = s->depth;
		s->depth = moved(s->depth, WORD);
		load(c, s, in->reg, v, true);
		break;
	case PH_INSN_ADD:
		if (in->base != PH_X86_NONE)
			disp = in->base == constant->reg ? disp * constant->disp : INT64_MAX;
		if (in->reg == PH_X86_SP)
			s->depth = moved(s->depth, disp);
		else if (in->reg == PH_X86_BP && s->frame != NONE)
			s->frame = moved(s->frame, disp);
		else
			write_register(s, in->reg);
		break;
	case PH_INSN_LEA:
	case PH_INSN_MOVE:
		v = slot_of(s, in);
		write_register(s, in->reg);
		if (in->reg == PH_X86_SP)
			s->depth = v;
		else if (in->reg == PH_X86_BP)
			s->frame = v;
		break;
	case PH_INSN_STORE:
		v = slot_of(s, in);
		store(c, s, in->reg, v);
		store(c, s, in->reg2, moved(v, WORD));
		move_base(s, in);
		break;
	case PH_INSN_LOAD:
		v = slot_of(s, in);
		load(c, s, in->reg, v, in->popped);
		load(c, s, in->reg2, moved(v, WORD), in->popped);
		move_base(s, in);
		break;
	case PH_INSN_CLEAR:
		if (in->reg == PH_X86_BP && s->fp == SAME)
			s->depth = OUTERMOST;
		write_register(s, in->reg);
		break;
	case PH_INSN_LEAVE:
		leave(c, s);
		break;
	default:
		break;
	}
	if (!s->frame)
		s->frame = NONE;
	if (outermost)
		s->depth = OUTERMOST;
}

/* ---- following it ----------------------------------------------------------------------------- */

/* Here the depth is @depth, whatever we thought. */
static void anchor(struct ph_code *c, const struct state *s, int depth)
{
	int shift = depth - s->depth;

	if (s->depth == NONE || s->depth == OUTERMOST)
		return;
	c->contradicts |= c->anchored && shift != c->shift;
	c->anchored = true;
	c->shift = shift;
}

static void meet(struct ph_code *c, size_t at, const struct state *s)
{
	const struct state *is = &c->states[at];
	int16_t depth = is->depth;

	if (get_bit(c->settled, at)) {
		if (depth == NONE || depth == OUTERMOST)
			return;
		anchor(c, s, depth);
		if (s->fp == UNKNOWN && c->fp_slot == NONE && is->fp != LOST)
			c->fp_slot = is->fp;
		if (s->bx == UNKNOWN && c->bx_slot == NONE && is->bx != LOST)
			c->bx_slot = is->bx;
	} else if (depth != s->depth) {
		c->contradicts |= depth != NONE && s->depth != NONE && depth != OUTERMOST && s->depth != OUTERMOST;
		/* What does not hold on all ways does not hold. */
		if (depth != OUTERMOST)
			c->states[at].depth = s->depth == OUTERMOST ? depth : NONE;
	}
}

static bool is_aligned(const struct ph_code *c, size_t at)
{
	return (c->aligned + at) % c->m->align == 0;
}

static bool has_bytes(const struct ph_code *c, size_t at, const uint8_t *bytes, size_t n)
{
	return c->n - at > n && !memcmp(c->code + at, bytes, n);
}

/* Go's functions ask first whether there is room on the stack: cmp 16(%r14), %rsp; where much is needed, lea -N(%rsp), %r12 is compared. */
static bool asks_for_room(const struct ph_code *c, size_t at)
{
	static const uint8_t cmp[] = { 0x49, 0x3b, 0x66, 0x10 }, lea[] = { 0x4c, 0x8d, 0x64, 0x24 },
			     far_lea[] = { 0x4c, 0x8d, 0xa4, 0x24 }, cmp_r12[] = { 0x4d, 0x3b, 0x66 };

	if (has_bytes(c, at, lea, sizeof(lea)))
		return has_bytes(c, at + sizeof(lea) + 1, cmp_r12, sizeof(cmp_r12));
	if (has_bytes(c, at, far_lea, sizeof(far_lea)))
		return c->n - at > 8 && has_bytes(c, at + sizeof(far_lea) + 4, cmp_r12, sizeof(cmp_r12));
	return has_bytes(c, at, cmp, sizeof(cmp));
}

/* push %rbp; mov %rsp, %rbp: right below the return address, whatever may be met on the way. */
static bool makes_frame(const struct ph_code *c, size_t at)
{
	static const uint8_t frame[] = { 0x55, 0x48, 0x89, 0xe5 };

	return !c->m->link && has_bytes(c, at, frame, sizeof(frame));
}

/* Room is made on the stack, or the return address is signed, or it is marked as what may be called. */
static bool looks_like_begin_arm64(const uint8_t *p, size_t n)
{
	static const uint8_t marks[][4] = { { 0x3f, 0x23, 0x03, 0xd5 }, { 0x7f, 0x23, 0x03, 0xd5 }, { 0x5f, 0x24, 0x03, 0xd5 } };
	struct ph_insn in;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (n >= sizeof(marks[i]) && !memcmp(p, marks[i], sizeof(marks[i])))
			return true;
	ph_insn_read_arm64(p, n, &in);
	return (in.kind == PH_INSN_ADD && in.reg == PH_ARM64_SP && in.disp < 0 && in.base == PH_X86_NONE) ||
	       (in.kind == PH_INSN_STORE && in.base == PH_ARM64_SP && in.then < 0);
}

/* The first thing that functions do, and what is seldom found behind a jump: registers are saved that are the caller's. */
static bool looks_like_begin(const struct ph_code *c, size_t at)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	size_t from = at;
	struct ph_insn in;

	if (c->m->link)
		return looks_like_begin_arm64(c->code + at, c->n - at);
	if (is_aligned(c, at) && asks_for_room(c, at))
		return true;

	if (has_bytes(c, at, endbr64, sizeof(endbr64)))
		from += sizeof(endbr64);
	c->m->read(c->code + from, c->n - from, &in);
	if (in.kind == PH_INSN_ADD && in.reg == PH_X86_SP && in.disp < 0)
		return is_aligned(c, at);
	return in.kind == PH_INSN_PUSH && (in.reg == PH_X86_BX || in.reg == PH_X86_BP || (in.reg >= 12 && in.reg <= 15));
}

/* Behind what fills up. */
static size_t skip_padding(const struct ph_code *c, size_t at)
{
	struct ph_insn in;

	for (size_t from = at; at < c->n && at - from < PADDING; at += in.len) {
		c->m->read(c->code + at, c->n - at, &in);
		if (in.kind != PH_INSN_PAD)
			break;
	}
	return at;
}

/* A function that does nothing but call another one in its place: jmp *%rdx; padding, and the next function. */
static bool hands_on(const struct ph_code *c, size_t at)
{
	struct ph_insn in;
	size_t next;

	if (!is_aligned(c, at) || get_bit(c->branched, at))
		return false;
	c->m->read(c->code + at, c->n - at, &in);
	if (in.kind != PH_INSN_JUMP || in.direct || in.base != PH_X86_NONE)
		return false;
	next = skip_padding(c, at + in.len);
	return next == c->n || (next > at + in.len && is_aligned(c, next) && (get_bit(c->called, next) || looks_like_begin(c, next)));
}

/* What is followed behind a call: a call may never come back. */
enum over { OVER_CALLS, OVER_CALLS_UNLESS_BRANCHED, NOT_OVER_CALLS };

/*
 * Another function begins behind a call, maybe after padding: the call does not come back, as of abort(). Or something jumps there, by which
 * it is reached anyway.
 */
static bool ends_in_call(const struct ph_code *c, size_t at, enum over over)
{
	size_t from = at;

	at = skip_padding(c, at);
	return at == c->n || get_bit(c->called, at) || (is_aligned(c, at) && looks_like_begin(c, at)) ||
	       (at > from && hands_on(c, at)) || (over == OVER_CALLS_UNLESS_BRANCHED && get_bit(c->branched, at));
}

static void go_to(struct ph_code *c, size_t at, const struct state *s)
{
	*ph_vec_push(&c->todo) = (struct place){ (uint32_t)at, *s };
}

/* What is above the frame of who called was taken from the stack, and then something is called: the begin of a thread, of musl. */
static bool starts_stack(const struct ph_code *c, const struct state *s, const struct ph_insn *in)
{
	return c->m->link && in->kind == PH_INSN_CALL && s->depth < c->m->depth && s->depth > OUTERMOST;
}

/* arm64's exit and exit_group, from which the kernel does not come back. */
static bool exits(const struct ph_insn *in, const struct ph_insn *before)
{
	return in->kind == PH_INSN_KERNEL && before->kind == PH_INSN_CONSTANT && before->reg == PH_ARM64_X0 + 8 &&
	       (before->disp == 93 || before->disp == 94);
}

/* One way through the code, to its end or to what was met; branches are done later. */
static void follow_one(struct ph_code *c, size_t at, struct state s, enum over over)
{
	struct ph_insn in, before = { 0 }, constant = { .reg = PH_X86_NONE };
	bool after_push = false;
	int64_t to;

	while (at < c->n && c->work) {
		c->work--;
		if (followed(c, at)) {
			meet(c, at, &s);
			return;
		}
		c->m->read(c->code + at, c->n - at, &in);
		if (in.kind == PH_INSN_BAD)
			return;
		if (starts_stack(c, &s, &in))
			s.depth = OUTERMOST;
		c->states[at] = s;
		*ph_vec_push(&c->seen) = (uint32_t)at;
		if (in.kind == PH_INSN_RETURN) {
			anchor(c, &s, c->m->depth);
			return;
		}
		if (in.kind == PH_INSN_STOP || exits(&in, &before))
			return;
		to = (int64_t)at + in.target;
		if (in.kind == PH_INSN_JUMP || in.kind == PH_INSN_BRANCH) {
			if (in.direct && to >= 0 && (uint64_t)to < c->n) {
				if (get_bit(c->called, (size_t)to) && !followed(c, (size_t)to))
					anchor(c, &s, c->m->depth);
				/* A function of its own, also where words are left on the stack for it, as by V8. */
				else if (!(in.kind == PH_INSN_JUMP && is_aligned(c, (size_t)to) && makes_frame(c, (size_t)to)))
					go_to(c, (size_t)to, &s);
			}
			/* Through a pointer of the linker's: to a function, or of the PLT to the linker, with two words for it. */
			if (in.kind == PH_INSN_JUMP && in.base == PH_X86_RIP && !(c->m->link && s.bx > 0))
				anchor(c, &s, c->m->depth + (after_push ? 2 : 0));
			if (in.kind == PH_INSN_JUMP)
				return;
		}
		after_push = in.kind == PH_INSN_PUSH && in.base == PH_X86_RIP;
		at += in.len;
		if (in.kind == PH_INSN_CALL) {
			if (ends_in_call(c, at, over) || (c->m->link && s.bx == SAME && s.depth >= c->m->depth))
				return;
			if (over == NOT_OVER_CALLS) {
				if (at < c->n)
					*ph_vec_push(&c->later) = (struct place){ (uint32_t)at, s };
				return;
			}
		}
		apply(c, &s, &in, &before, &constant);
		before = in;
		if (in.kind == PH_INSN_CONSTANT)
			constant = in;
	}
}

static void follow(struct ph_code *c, size_t at, struct state s, enum over over)
{
	c->shift = 0;
	c->anchored = c->contradicts = c->by_leave = false;
	c->fp_slot = c->bx_slot = c->fp_stored = c->bx_stored = NONE;
	c->seen.n = c->todo.n = 0;
	c->later_n = c->later.n;
	go_to(c, at, &s);
	while (c->todo.n) {
		struct place p = c->todo.v[--c->todo.n];

		follow_one(c, p.at, p.s, over);
	}
}

static void forget(struct ph_code *c)
{
	ph_vec_each(at, &c->seen)
		c->states[*at] = (struct state){ 0 };
	c->later.n = c->later_n;
}

static void settle(struct ph_code *c, bool good)
{
	ph_vec_each(at, &c->seen) {
		if (!good)
			c->states[*at] = (struct state){ NONE, NONE, LOST, LOST };
		set_bit(c->settled, *at);
	}
}

/* How sure it is what holds where code begins. */
enum belief {
	BEGINS,			/* a function, which something calls */
	MAY_BEGIN,		/* a function, if what is met on the way agrees, or it looks like one; else it is left for later */
	MAY_HOLD,		/* what is met may say by how much it is wrong */
};

/* From @at on, where @s is thought to hold. */
static void explore(struct ph_code *c, size_t at, struct state s, enum belief belief)
{
	enum over over = OVER_CALLS;
	bool moved_once = false;

	for (int tries = 0; tries < 6; tries++) {
		follow(c, at, s, over);
		if (c->contradicts && over != NOT_OVER_CALLS) {
			/* A call that never comes back, and behind it something else of the function; or another one. */
			over++;
		} else if (belief == MAY_BEGIN && (c->contradicts || c->shift || !(c->anchored || looks_like_begin(c, at) || hands_on(c, at)))) {
			forget(c);
			return;
		} else if (c->contradicts || (c->shift && (belief == BEGINS || moved_once)) ||
			   (!c->anchored && belief == MAY_HOLD)) {
			settle(c, false);
			return;
		} else if (c->shift) {
			moved_once = true;
			s = (struct state){ (int16_t)(s.depth + c->shift), NONE, UNKNOWN, UNKNOWN };
		} else if (s.fp == UNKNOWN || s.bx == UNKNOWN) {
			/* What is restored from where it was stored on the way was nobody's before. */
			s.fp = c->fp_slot == NONE || c->fp_slot == c->fp_stored ? SAME : c->fp_slot;
			s.bx = c->bx_slot == NONE || c->bx_slot == c->bx_stored ? SAME : c->bx_slot;
			if (c->by_leave) {
				s.frame = s.fp = 2;
				s.depth = NONE;
			}
		} else {
			settle(c, true);
			return;
		}
		forget(c);
	}
}

/*
 * Go has goroutines return to the second instruction of a function that nobody calls, nop; call goexit1; nop. What lies above that in memory is
 * of whoever had the stack before. On arm64 it is a zero.
 */
bool ph_code_is_goexit(const uint8_t *code, size_t n)
{
	return n >= 7 && code[0] == 0x90 && code[1] == 0xe8 && code[6] == 0x90 && (n == 7 || code[7] == 0xcc);
}

static bool is_goexit(const struct ph_code *c, size_t at)
{
	return !c->m->link && is_aligned(c, at) && ph_code_is_goexit(c->code + at, c->n - at);
}

/* The ABI has BP cleared where nobody called. */
static void explore_function(struct ph_code *c, size_t at, enum belief belief)
{
	struct state s = { c->m->depth, NONE, SAME, SAME };
	struct ph_insn in;

	c->m->read(c->code + at, c->n - at, &in);
	if ((in.kind == PH_INSN_CLEAR && in.reg == PH_X86_BP) || is_goexit(c, at))
		s.depth = OUTERMOST;
	explore(c, at, s, belief);
}

/* Where the next one is, and behind what is none, may be. */
static size_t next_swept(const struct ph_code *c, size_t at)
{
	size_t next = at + (c->swept[at] & SWEPT_LENGTH);

	while (c->swept[at] & SWEPT_BAD && next < c->n && !c->code[next])
		next++;
	return next;
}

static void sweep(struct ph_code *c)
{
	struct ph_insn in;

	for (size_t at = 0; at < c->n; at = next_swept(c, at)) {
		int64_t to;

		c->m->read(c->code + at, c->n - at, &in);
		c->swept[at] = in.len;
		if (in.kind == PH_INSN_BAD)
			c->swept[at] |= SWEPT_BAD | SWEPT_NOTHING;
		if (in.kind == PH_INSN_PAD || in.kind == PH_INSN_STOP)
			c->swept[at] |= SWEPT_NOTHING;
		to = (int64_t)at + in.target;
		if (in.direct && to >= 0 && (uint64_t)to < c->n)
			set_bit(in.kind == PH_INSN_CALL ? c->called : c->branched, (size_t)to);
	}
}

/* What nothing was seen to reach, begin by begin. */
static void explore_rest(struct ph_code *c, enum belief belief)
{
	for (size_t at = 0; at < c->n; at = next_swept(c, at)) {
		if (is_goexit(c, at) && !followed(c, at))
			explore_function(c, at, BEGINS);
		if (followed(c, at) || c->swept[at] & SWEPT_NOTHING)
			continue;
		if (belief == MAY_HOLD && makes_frame(c, at))
			explore_function(c, at, BEGINS);
		else if (belief == MAY_HOLD)
			explore(c, at, (struct state){ 100, NONE, UNKNOWN, UNKNOWN }, belief);
		else if (is_aligned(c, at) || looks_like_begin(c, at))
			explore_function(c, at, belief);
	}
}

static void explore_later(struct ph_code *c)
{
	while (c->later.n) {
		struct place p = c->later.v[--c->later.n];

		if (!followed(c, p.at))
			explore(c, p.at, p.s, MAY_HOLD);
	}
}

struct ph_code *ph_code_new(enum ph_unwind_arch arch, const uint8_t *code, size_t n, uint64_t vaddr)
{
	struct ph_code *c = ph_alloc(sizeof(*c));

	c->m = &machines[arch];
	c->code = code;
	c->n = n > UINT32_MAX ? UINT32_MAX : n;
	c->aligned = vaddr % c->m->align;
	c->states = calloc(n, sizeof(*c->states));
	c->called = calloc(n / 8 + 1, 1);
	c->branched = calloc(n / 8 + 1, 1);
	c->settled = calloc(n / 8 + 1, 1);
	c->swept = calloc(n, 1);
	if (c->states && c->called && c->branched && c->settled && c->swept)
		return c;
	ph_code_free(c);
	return NULL;
}

void ph_code_begins(struct ph_code *c, size_t at)
{
	if (at < c->n)
		set_bit(c->called, at);
}

void ph_code_follow(struct ph_code *c)
{
	c->work = (uint64_t)WORK * c->n;
	sweep(c);
	for (size_t at = 0; at < c->n; at++)
		if (get_bit(c->called, at) && !followed(c, at))
			explore_function(c, at, BEGINS);
	explore_rest(c, MAY_BEGIN);
	explore_later(c);
	explore_rest(c, MAY_HOLD);
	explore_later(c);
}

void ph_code_free(struct ph_code *c)
{
	if (!c)
		return;
	ph_vec_done(&c->todo);
	ph_vec_done(&c->later);
	ph_vec_done(&c->seen);
	free(c->states);
	free(c->called);
	free(c->branched);
	free(c->settled);
	free(c->swept);
	free(c);
}

static void saved_rule(int16_t v, __u8 *how, __s32 *off)
{
	*how = v > 0 ? PH_SAVED_CFA : v == SAME ? PH_SAVED_SAME : PH_SAVED_LOST;
	*off = v > 0 ? -v * WORD : 0;
}

bool ph_code_changes_stacks(const uint8_t *code, size_t n)
{
	struct ph_insn in, before = { 0 };

	for (size_t at = 0; at < n; at += in.len, before = in) {
		ph_insn_read(code + at, n - at, &in);
		if (changes_stacks(&in, &before))
			return true;
	}
	return false;
}

bool ph_code_reached(const struct ph_code *c, size_t at)
{
	return followed(c, at);
}

static size_t length(const struct ph_code *c, size_t at)
{
	struct ph_insn in;

	if (c->swept[at])
		return c->swept[at] & SWEPT_LENGTH;
	c->m->read(c->code + at, c->n - at, &in);
	return in.len;
}

bool ph_code_rule(const struct ph_code *c, size_t at, struct ph_unwind_rule *rule, size_t *ret_end)
{
	const struct state *s = &c->states[at];

	*rule = (struct ph_unwind_rule){ 0 };
	if (!followed(c, at)) {
		while (at < c->n && !followed(c, at))
			at++;
		*ret_end = at;
		return false;
	}
	*ret_end = at + length(c, at);
	if (s->depth == OUTERMOST) {
		rule->cfa = PH_CFA_END;
		return true;
	}
	if ((s->depth == NONE && s->frame == NONE) || (c->m->link && s->bx == LOST))
		return false;
	/* A frame pointer is right also where what was called took its arguments off the stack, as of JavaScript. */
	rule->cfa = s->frame != NONE ? PH_CFA_FP : PH_CFA_SP;
	rule->cfa_off = (s->frame != NONE ? s->frame : s->depth) * WORD;
	saved_rule(s->fp, &rule->fp, &rule->fp_off);
	if (c->m->link) {
		saved_rule(s->bx, &rule->ra, &rule->ra_off);
		return true;
	}
	rule->ra = PH_SAVED_CFA;
	rule->ra_off = -WORD;
	saved_rule(s->bx, &rule->bx, &rule->bx_off);
	return true;
}
