/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules from instructions: known pieces of code, and files that have unwind tables, of which these must say the same.
 */
#include "test.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "unwind/code.h"
#include "unwind/insn.h"
#include "unwind/unwind.h"

/* "48 83 ec 08" */
static size_t bytes(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned int v;
	int used;

	for (; sscanf(hex, "%x%n", &v, &used) == 1; hex += used)
		out[n++] = (uint8_t)v;
	return n;
}

/* "a9bf7bfd 910003fd", as disassemblers write them */
static size_t words(const char *hex, uint8_t *out)
{
	uint32_t v;
	size_t n = 0;
	int used;

	for (; sscanf(hex, "%x%n", &v, &used) == 1; hex += used, n += sizeof(v))
		memcpy(out + n, &v, sizeof(v));
	return n;
}

static void test_insn(void **state)
{
	static const struct {
		const char *hex;
		struct ph_insn want;
	} cases[] = {
		{ "55", { PH_INSN_PUSH, 1, PH_X86_BP, PH_X86_NONE } },
		{ "41 5d", { PH_INSN_POP, 2, 13, PH_X86_NONE } },
		{ "ff 35 44 33 22 11", { PH_INSN_PUSH, 6, PH_X86_NONE, PH_X86_RIP, .disp = 0x11223344 } },
		{ "48 83 ec 18", { PH_INSN_ADD, 4, PH_X86_SP, PH_X86_NONE, .disp = -24 } },
		{ "48 81 c4 88 00 00 00", { PH_INSN_ADD, 7, PH_X86_SP, PH_X86_NONE, .disp = 0x88 } },
		{ "48 83 fc 18", { PH_INSN_OTHER, 4, PH_X86_NONE, PH_X86_NONE } },		/* cmp */
		{ "48 83 e4 f0", { PH_INSN_OTHER, 4, PH_X86_NONE, PH_X86_NONE, .writes = 1 << PH_X86_SP } },
		{ "48 89 e5", { PH_INSN_MOVE, 3, PH_X86_BP, PH_X86_SP } },
		{ "48 8b ec", { PH_INSN_MOVE, 3, PH_X86_BP, PH_X86_SP } },
		{ "89 e5", { PH_INSN_OTHER, 2, PH_X86_NONE, PH_X86_NONE, .writes = 1 << PH_X86_BP } },
		{ "48 8d 65 d8", { PH_INSN_LEA, 4, PH_X86_SP, PH_X86_BP, .disp = -40 } },
		{ "48 8d 6c 24 70", { PH_INSN_LEA, 5, PH_X86_BP, PH_X86_SP, .disp = 0x70 } },
		{ "48 89 6c 24 10", { PH_INSN_STORE, 5, PH_X86_BP, PH_X86_SP, .disp = 16 } },
		{ "48 8b 6c 24 10", { PH_INSN_LOAD, 5, PH_X86_BP, PH_X86_SP, .disp = 16 } },
		{ "48 8b 1d 10 00 00 00", { PH_INSN_LOAD, 7, PH_X86_BX, PH_X86_RIP, .disp = 16 } },
		{ "31 ed", { PH_INSN_CLEAR, 2, PH_X86_BP, PH_X86_NONE } },
		{ "30 db", { PH_INSN_OTHER, 2, PH_X86_NONE, PH_X86_NONE, .writes = 1 << PH_X86_BX } },	/* xor %bl */
		{ "88 c7", { PH_INSN_OTHER, 2, PH_X86_NONE, PH_X86_NONE, .writes = 1 << PH_X86_BX } },	/* %bh */
		{ "88 c5", { PH_INSN_OTHER, 2, PH_X86_NONE, PH_X86_NONE } },				/* %ch */
		{ "40 88 c5", { PH_INSN_OTHER, 3, PH_X86_NONE, PH_X86_NONE, .writes = 1 << PH_X86_BP } },	/* %bpl */
		{ "48 39 dd", { PH_INSN_OTHER, 3, PH_X86_NONE, PH_X86_NONE } },
		{ "c9", { PH_INSN_LEAVE, 1, PH_X86_NONE, PH_X86_NONE } },
		{ "c2 08 00", { PH_INSN_RETURN, 3, PH_X86_NONE, PH_X86_NONE } },
		{ "f3 c3", { PH_INSN_RETURN, 2, PH_X86_NONE, PH_X86_NONE } },
		{ "e8 fb ff ff ff", { PH_INSN_CALL, 5, PH_X86_NONE, PH_X86_NONE, .direct = true, .target = 0 } },
		{ "41 ff d1", { PH_INSN_CALL, 3, PH_X86_NONE, PH_X86_NONE } },
		{ "eb 10", { PH_INSN_JUMP, 2, PH_X86_NONE, PH_X86_NONE, .direct = true, .target = 18 } },
		{ "f2 ff 25 10 00 00 00", { PH_INSN_JUMP, 7, PH_X86_NONE, PH_X86_RIP, .disp = 16 } },
		{ "ff 24 c5 00 00 00 00", { PH_INSN_JUMP, 7, PH_X86_NONE, PH_X86_NONE } },
		{ "0f 84 00 01 00 00", { PH_INSN_BRANCH, 6, PH_X86_NONE, PH_X86_NONE, .direct = true, .target = 0x106 } },
		{ "0f 0b", { PH_INSN_STOP, 2, PH_X86_NONE, PH_X86_NONE } },
		{ "66 2e 0f 1f 84 00 00 00 00 00", { PH_INSN_PAD, 10, PH_X86_NONE, PH_X86_NONE } },
		{ "48 b8 88 77 66 55 44 33 22 11", { PH_INSN_OTHER, 10, PH_X86_NONE, PH_X86_NONE } },
		{ "66 bd 22 11", { PH_INSN_OTHER, 4, PH_X86_NONE, PH_X86_NONE, .writes = 1 << PH_X86_BP } },
		{ "66 81 fb 22 11", { PH_INSN_OTHER, 5, PH_X86_NONE, PH_X86_NONE } },
		{ "f7 04 24 44 33 22 11", { PH_INSN_OTHER, 7, PH_X86_NONE, PH_X86_NONE } },	/* test */
		{ "f7 1c 24", { PH_INSN_OTHER, 3, PH_X86_NONE, PH_X86_NONE } },			/* neg */
		{ "c5 f8 77", { PH_INSN_OTHER, 3, PH_X86_NONE, PH_X86_NONE } },			/* vzeroupper */
		{ "c4 e2 e8 f3 dd", { PH_INSN_OTHER, 5, PH_X86_NONE, PH_X86_NONE } },		/* blsmsk into RDX */
		{ "62 f1 7c 48 28 5c 24 01", { PH_INSN_OTHER, 8, PH_X86_NONE, PH_X86_NONE } },	/* vmovaps 64(%rsp), %zmm3 */
		{ "62 f3 7d 48 25 c0 ff", { PH_INSN_OTHER, 7, PH_X86_NONE, PH_X86_NONE } },	/* vpternlogd $255 */
		{ "8f e8 78 c2 ff 10", { PH_INSN_OTHER, 6, PH_X86_NONE, PH_X86_NONE } },		/* vprotd */
		{ "66 0f 3a 16 c5 01", { PH_INSN_OTHER, 6, PH_X86_NONE, PH_X86_NONE, .writes = 1 << PH_X86_BP } },
		{ "66 0f 6f 64 24 10", { PH_INSN_OTHER, 6, PH_X86_NONE, PH_X86_NONE } },		/* movdqa to %xmm4 */
		/* What general registers they write, as objdump says: mulx, in both places; masks, which are none. */
#define WRITES(hex, n, what) { hex, { PH_INSN_OTHER, n, PH_X86_NONE, PH_X86_NONE, .writes = what } }
		WRITES("c4 e2 e3 f6 c8", 5, 1 << PH_X86_BX),		/* mulx %rax, %rbx, %rcx */
		WRITES("c4 e2 f3 f6 e8", 5, 1 << PH_X86_BP),		/* mulx %rax, %rcx, %rbp */
		WRITES("c5 ec 41 e1", 4, 0),				/* kandw %k1, %k2, %k4 */
		WRITES("c5 ed 4b d9", 4, 0),				/* kunpckbw %k1, %k2, %k3 */
		WRITES("c5 f8 92 d8", 4, 0),				/* kmovw %eax, %k3 */
		WRITES("c5 f8 93 db", 4, 1 << PH_X86_BX),		/* kmovw %k3, %ebx */
		WRITES("c5 f8 98 db", 4, 0),				/* kortestw %k3, %k3 */
		WRITES("0f 45 d8", 3, 1 << PH_X86_BX),			/* cmovne %eax, %ebx */
		WRITES("0f c7 f3", 3, 1 << PH_X86_BX),			/* rdrand %ebx */
		WRITES("48 0f c7 fd", 4, 1 << PH_X86_BP),		/* rdseed %rbp */
		WRITES("48 0f c7 0c 24", 5, 0),				/* cmpxchg16b (%rsp) */
		WRITES("f3 48 0f ae c3", 5, 1 << PH_X86_BX),		/* rdfsbase %rbx */
		WRITES("0f ae e8", 3, 0),				/* lfence */
		WRITES("f3 48 0f 1e cb", 5, 1 << PH_X86_BX),		/* rdsspq %rbx */
		WRITES("f3 0f 1e fa", 4, 0),				/* endbr64 */
		WRITES("8c db", 2, 1 << PH_X86_BX),			/* mov %ds, %ebx */
		WRITES("0f 03 d8", 3, 1 << PH_X86_BX),			/* lsl %eax, %ebx */
		WRITES("62 f1 7e 08 78 d8", 6, 1 << PH_X86_BX),		/* vcvttss2usi %xmm0, %ebx */
		WRITES("62 f1 ff 08 78 e8", 6, 1 << PH_X86_BP),		/* vcvttsd2usi %xmm0, %rbp */
		WRITES("62 f1 7c 48 78 d9", 6, 0),			/* vcvttps2udq %zmm1, %zmm3 */
		WRITES("62 f5 7e 08 2c d8", 6, 1 << PH_X86_BX),		/* vcvttsh2si %xmm0, %ebx */
		WRITES("62 f5 7d 08 7e c3", 6, 1 << PH_X86_BX),		/* vmovw %xmm0, %ebx */
		WRITES("62 f5 6c 48 58 d9", 6, 0),			/* vaddph %zmm1, %zmm2, %zmm3 */
		WRITES("62 f6 6d 48 98 d9", 6, 0),			/* vfmadd132ph %zmm1, %zmm2, %zmm3 */
#undef WRITES
		{ "00 00", { PH_INSN_BAD, 1, PH_X86_NONE, PH_X86_NONE } },
		{ "06", { PH_INSN_BAD, 1, PH_X86_NONE, PH_X86_NONE } },
		{ "48 81 ec 00 00", { PH_INSN_BAD, 1, PH_X86_NONE, PH_X86_NONE } },			/* cut off */
	};
	struct ph_insn in;
	uint8_t b[32];

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		const struct ph_insn *w = &cases[i].want;
		size_t n = bytes(cases[i].hex, b);

		ph_insn_read(b, n, &in);
		if (in.kind != w->kind || in.len != w->len || in.reg != w->reg || in.base != w->base ||
		    in.writes != w->writes || in.direct != w->direct || in.disp != w->disp ||
		    (in.direct && in.target != w->target))
			fail_msg("%s: kind %d, %d bytes, reg %d, base %d, writes %#x, disp %ld, target %d %ld", cases[i].hex,
				 in.kind, in.len, in.reg, in.base, in.writes, in.disp, in.direct, in.target);
	}
}

static void test_insn_arm64(void **state)
{
#define X(n) (PH_ARM64_X0 + (n))
#define LR (1 << PH_ARM64_LR)
#define FP (1 << PH_ARM64_FP)
#define SP (1 << PH_ARM64_SP)
#define NO PH_X86_NONE
	static const struct {
		uint32_t word;
		struct ph_insn want;
	} cases[] = {
		{ 0xa9bd7bfd, { PH_INSN_STORE, 4, PH_ARM64_FP, PH_ARM64_SP, .disp = -48, .reg2 = PH_ARM64_LR, .then = -48 } },
		{ 0xa90153f3, { PH_INSN_STORE, 4, X(19), PH_ARM64_SP, .disp = 16, .reg2 = X(20) } },
		{ 0xa8c37bfd, { PH_INSN_LOAD, 4, PH_ARM64_FP, PH_ARM64_SP, .reg2 = PH_ARM64_LR, .then = 48 } },
		{ 0xa9437bfd, { PH_INSN_LOAD, 4, PH_ARM64_FP, PH_ARM64_SP, .disp = 48, .reg2 = PH_ARM64_LR } },
		{ 0xf81f0ffe, { PH_INSN_STORE, 4, PH_ARM64_LR, PH_ARM64_SP, .disp = -16, .reg2 = NO, .then = -16 } },
		{ 0xf84107fe, { PH_INSN_LOAD, 4, PH_ARM64_LR, PH_ARM64_SP, .reg2 = NO, .then = 16 } },
		{ 0xf9000bfd, { PH_INSN_STORE, 4, PH_ARM64_FP, PH_ARM64_SP, .disp = 16, .reg2 = NO } },
		{ 0xf85f83bd, { PH_INSN_LOAD, 4, PH_ARM64_FP, PH_ARM64_FP, .disp = -8, .reg2 = NO } },
		{ 0x6dbc27e8, { PH_INSN_STORE, 4, NO, PH_ARM64_SP, .disp = -64, .reg2 = NO, .then = -64 } },	/* stp d8, d9, [sp, #-64]! */
		{ 0xadbf7bfd, { PH_INSN_STORE, 4, NO, PH_ARM64_SP, .disp = -32, .reg2 = NO, .then = -32 } },	/* stp q29, q30 */
		{ 0x3c9f0fe0, { PH_INSN_STORE, 4, NO, PH_ARM64_SP, .disp = -16, .reg2 = NO, .then = -16 } },	/* str q0 */
		{ 0xb9000bfd, { PH_INSN_STORE, 4, NO, PH_ARM64_SP, .disp = 8, .reg2 = NO } },			/* str w29 */
		{ 0xb9400bfd, { PH_INSN_LOAD, 4, NO, PH_ARM64_SP, .writes = FP, .disp = 8, .reg2 = NO } },	/* ldr w29 */
		{ 0x294177fe, { PH_INSN_LOAD, 4, NO, PH_ARM64_SP, .writes = FP | LR, .disp = 8, .reg2 = NO } },	/* ldp w30, w29 */
		{ 0xfd4007fe, { PH_INSN_LOAD, 4, NO, PH_ARM64_SP, .disp = 8, .reg2 = NO } },			/* ldr d30 */
		{ 0xf860681d, { PH_INSN_OTHER, 4, PH_ARM64_FP, NO, .writes = FP, .reg2 = NO } },		/* ldr x29, [x0, x0] */
		{ 0xf820681d, { PH_INSN_OTHER, 4, PH_ARM64_FP, NO, .reg2 = NO } },				/* str x29, [x0, x0] */
		{ 0xf8e0001e, { PH_INSN_OTHER, 4, NO, NO, .writes = LR } },					/* ldaddal x0, x30, [x0] */
		{ 0xc85f7c1d, { PH_INSN_OTHER, 4, NO, NO, .writes = FP } },					/* ldxr x29, [x0] */
		{ 0x5800001e, { PH_INSN_OTHER, 4, NO, NO, .writes = LR } },					/* ldr x30, . */
		{ 0x5c00001e, { PH_INSN_OTHER, 4, NO, NO } },							/* ldr d30, . */
		{ 0x4c9f73fe, { PH_INSN_OTHER, 4, NO, NO, .writes = SP } },					/* st1 {v30.16b}, [sp], #16 */
		{ 0xf98003fd, { PH_INSN_LOAD, 4, NO, PH_ARM64_SP, .reg2 = NO } },				/* prfm #29, [sp] */
		{ 0xd10083ff, { PH_INSN_ADD, 4, PH_ARM64_SP, NO, .disp = -32 } },
		{ 0x914007ff, { PH_INSN_ADD, 4, PH_ARM64_SP, NO, .disp = 4096 } },
		{ 0xcb2c63ff, { PH_INSN_ADD, 4, PH_ARM64_SP, X(12), .disp = -1 } },				/* sub sp, sp, x12 */
		{ 0x8b2c63ff, { PH_INSN_ADD, 4, PH_ARM64_SP, X(12), .disp = 1 } },
		{ 0xcb2c6fff, { PH_INSN_OTHER, 4, NO, NO, .writes = SP } },					/* sub sp, sp, x12, lsl #3 */
		{ 0xcb00003d, { PH_INSN_OTHER, 4, NO, NO, .writes = FP } },					/* sub x29, x1, x0 */
		{ 0xeb2063ff, { PH_INSN_OTHER, 4, NO, NO } },							/* cmp sp, x0 */
		{ 0xf10083ff, { PH_INSN_OTHER, 4, NO, NO } },							/* cmp sp, #32 */
		{ 0x910003fd, { PH_INSN_LEA, 4, PH_ARM64_FP, PH_ARM64_SP } },					/* mov x29, sp */
		{ 0x910043fd, { PH_INSN_LEA, 4, PH_ARM64_FP, PH_ARM64_SP, .disp = 16 } },
		{ 0x910003bf, { PH_INSN_LEA, 4, PH_ARM64_SP, PH_ARM64_FP } },
		{ 0xd10043bf, { PH_INSN_LEA, 4, PH_ARM64_SP, PH_ARM64_FP, .disp = -16 } },
		{ 0x110003fd, { PH_INSN_OTHER, 4, NO, NO, .writes = FP } },					/* add w29, wsp, #0 */
		{ 0x927cec1f, { PH_INSN_OTHER, 4, NO, NO, .writes = SP } },					/* and sp, x0, #-16 */
		{ 0xf27cec1f, { PH_INSN_OTHER, 4, NO, NO } },							/* tst x0, #-16 */
		{ 0xd282060c, { PH_INSN_CONSTANT, 4, X(12), NO, .disp = 0x1030 } },
		{ 0xd2a0003e, { PH_INSN_CONSTANT, 4, PH_ARM64_LR, NO, .writes = LR, .disp = 0x10000 } },
		{ 0xf2a0003e, { PH_INSN_OTHER, 4, NO, NO, .writes = LR } },					/* movk */
		{ 0xd280001d, { PH_INSN_CLEAR, 4, PH_ARM64_FP, NO } },
		{ 0xaa1f03fd, { PH_INSN_CLEAR, 4, PH_ARM64_FP, NO } },						/* mov x29, xzr */
		{ 0xaa1e03fd, { PH_INSN_OTHER, 4, NO, NO, .writes = FP } },					/* mov x29, x30 */
		{ 0x9000001e, { PH_INSN_OTHER, 4, NO, NO, .writes = LR } },					/* adrp */
		{ 0xd53bd05d, { PH_INSN_OTHER, 4, NO, NO, .writes = FP } },					/* mrs x29, tpidr_el0 */
		{ 0xd51bd05d, { PH_INSN_OTHER, 4, NO, NO } },							/* msr tpidr_el0, x29 */
		{ 0x9e66001e, { PH_INSN_OTHER, 4, NO, NO, .writes = LR } },					/* fmov x30, d0 */
		{ 0x9e67001e, { PH_INSN_OTHER, 4, NO, NO } },							/* fmov d30, x0 */
		{ 0x1e78001d, { PH_INSN_OTHER, 4, NO, NO, .writes = FP } },					/* fcvtzs w29, d0 */
		{ 0x9e62001e, { PH_INSN_OTHER, 4, NO, NO } },							/* scvtf d30, x0 */
		{ 0x4e083c1d, { PH_INSN_OTHER, 4, NO, NO, .writes = FP } },					/* umov x29, v0.d[0] */
		{ 0x1e60281e, { PH_INSN_OTHER, 4, NO, NO } },							/* fadd d30, d0, d0 */
		{ 0x043f57df, { PH_INSN_OTHER, 4, NO, NO, .writes = SP } },					/* addvl sp, sp, #-2 */
		{ 0x97ffffff, { PH_INSN_CALL, 4, NO, NO, .writes = LR, .direct = true, .target = -4 } },
		{ 0xd63f0000, { PH_INSN_CALL, 4, NO, NO, .writes = LR } },
		{ 0xd73f0801, { PH_INSN_CALL, 4, NO, NO, .writes = LR } },					/* blraa x0, x1 */
		{ 0x14000010, { PH_INSN_JUMP, 4, NO, NO, .direct = true, .target = 64 } },
		{ 0xd61f0220, { PH_INSN_JUMP, 4, NO, PH_X86_RIP } },						/* br x17 */
		{ 0xd61f0000, { PH_INSN_JUMP, 4, NO, NO } },
		{ 0x54000041, { PH_INSN_BRANCH, 4, NO, NO, .direct = true, .target = 8 } },
		{ 0xb4ffffe0, { PH_INSN_BRANCH, 4, NO, NO, .direct = true, .target = -4 } },
		{ 0xb7f80040, { PH_INSN_BRANCH, 4, NO, NO, .direct = true, .target = 8 } },
		{ 0xd65f03c0, { PH_INSN_RETURN, 4, NO, NO } },
		{ 0xd65f0bff, { PH_INSN_RETURN, 4, NO, NO } },							/* retaa */
		{ 0xd65f0be1, { PH_INSN_RETURN, 4, NO, NO } },							/* retaasppcr x1 */
		{ 0xd65f0f1f, { PH_INSN_BAD, 4, NO, NO } },
		{ 0xd65f3900, { PH_INSN_BAD, 4, NO, NO } },
		{ 0xd65f03c1, { PH_INSN_BAD, 4, NO, NO } },
		{ 0xd64003c0, { PH_INSN_BAD, 4, NO, NO } },
		{ 0xd4000001, { PH_INSN_KERNEL, 4, NO, NO } },							/* svc */
		{ 0xd4200000, { PH_INSN_STOP, 4, NO, NO } },							/* brk */
		{ 0x00000000, { PH_INSN_STOP, 4, NO, NO } },							/* udf */
		{ 0xd503201f, { PH_INSN_PAD, 4, NO, NO } },
		{ 0xd503233f, { PH_INSN_OTHER, 4, NO, NO } },							/* paciasp */
	};
	struct ph_insn in;

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		const struct ph_insn *w = &cases[i].want;

		ph_insn_read_arm64((const uint8_t *)&cases[i].word, 4, &in);
		if (in.kind != w->kind || in.len != w->len || in.reg != w->reg || in.reg2 != w->reg2 || in.base != w->base ||
		    in.writes != w->writes || in.direct != w->direct || in.disp != w->disp || in.then != w->then ||
		    (in.direct && in.target != w->target))
			fail_msg("%08x: kind %d, reg %d %d, base %d, writes %#x, disp %ld then %ld, target %d %ld", cases[i].word, in.kind,
				 in.reg, in.reg2, in.base, in.writes, in.disp, in.then, in.direct, in.target);
	}
	ph_insn_read_arm64((const uint8_t *)&cases[0].word, 3, &in);
	assert_int_equal(in.kind, PH_INSN_BAD);
	assert_int_equal(in.len, 3);
#undef X
#undef LR
#undef FP
#undef SP
#undef NO
}

/* ---- pieces of code --------------------------------------------------------------------------- */

static uint8_t code[512];
static size_t code_n;
static struct ph_code *of_code;

static void follow_arm64(const char *hex)
{
	ph_code_free(of_code);
	code_n = words(hex, code);
	of_code = ph_code_new(PH_UNWIND_ARM64, code, code_n, 0);
	ph_code_follow(of_code);
}

static void follow_at(uint64_t vaddr, const char *hex, bool begin)
{
	ph_code_free(of_code);
	code_n = bytes(hex, code);
	of_code = ph_code_new(PH_UNWIND_X86_64, code, code_n, vaddr);
	if (begin)
		ph_code_begins(of_code, 0);
	ph_code_follow(of_code);
}

static void follow_from(const char *hex, bool begin)
{
	follow_at(0, hex, begin);
}

static void follow(const char *hex)
{
	follow_from(hex, false);
}

/* CFA = SP + cfa; where BP is saved, from the CFA, 0: nowhere. */
static void by_sp(size_t at, int cfa, int fp)
{
	struct ph_unwind_rule r;
	size_t end;

	if (!ph_code_rule(of_code, at, &r, &end) || r.cfa != PH_CFA_SP || r.cfa_off != cfa || r.ra != PH_SAVED_CFA ||
	    r.ra_off != -8 || r.fp != (fp ? PH_SAVED_CFA : PH_SAVED_SAME) || r.fp_off != fp)
		fail_msg("at %zu: cfa %d %+d, ra %d %+d, fp %d %+d; not sp %+d, fp %+d", at, r.cfa, r.cfa_off, r.ra, r.ra_off,
			 r.fp, r.fp_off, cfa, fp);
	assert_true(end > at);
}

static int cfa_at(size_t at)
{
	struct ph_unwind_rule r;
	size_t end;

	return ph_code_rule(of_code, at, &r, &end) ? r.cfa : PH_CFA_NONE;
}

static void test_function(void **state)
{
	struct ph_unwind_rule r;
	size_t end;

	(void)state;
	/* push %rbp; push %rbx; sub $24, %rsp; xor %ebp, %ebp; je 1f; call 0; 1: add $24, %rsp; pop %rbx; pop %rbp; ret */
	follow("55 53 48 83 ec 18 31 ed 74 05 e8 f1 ff ff ff 48 83 c4 18 5b 5d c3");
	by_sp(0, 8, 0);
	by_sp(1, 16, -16);
	by_sp(2, 24, -16);
	by_sp(6, 48, -16);
	by_sp(8, 48, -16);
	by_sp(15, 48, -16);
	by_sp(19, 24, -16);
	by_sp(20, 16, -16);
	by_sp(21, 8, 0);
	assert_true(ph_code_rule(of_code, 6, &r, &end));
	assert_int_equal(r.bx, PH_SAVED_CFA);
	assert_int_equal(r.bx_off, -24);
	assert_int_equal(end, 8);
	/* push %rbp; mov %rsp, %rbp; and $-64, %rsp; sub %rax, %rsp; call 0; leave; ret */
	follow("55 48 89 e5 48 83 e4 c0 48 29 c4 e8 f0 ff ff ff c9 c3");
	by_sp(1, 16, -16);
	for (size_t at = 4; at <= 16; at += at == 4 ? 4 : at == 11 ? 5 : 3) {
		assert_true(ph_code_rule(of_code, at, &r, &end));
		assert_int_equal(r.cfa, PH_CFA_FP);
		assert_int_equal(r.cfa_off, 16);
		assert_int_equal(r.fp_off, -16);
	}
	by_sp(17, 8, 0);
	/* Moves in the place of pushes: sub $24, %rsp; mov %rbp, 16(%rsp); xor %ebp, %ebp; mov 16(%rsp), %rbp; add $24, %rsp; ret */
	follow("48 83 ec 18 48 89 6c 24 10 31 ed 48 8b 6c 24 10 48 83 c4 18 c3");
	by_sp(4, 32, 0);
	by_sp(9, 32, -16);
	by_sp(11, 32, -16);
	by_sp(16, 32, 0);
}

/* The begin of musl's programs and threads, where BP is cleared, which nobody saved. */
static void test_outermost(void **state)
{
	(void)state;
	/* xor %rbp, %rbp; mov %rsp, %rdi; and $-16, %rsp; call 15; nop; 15: sub $8, %rsp; call *%rdi; ud2 */
	follow_from("48 31 ed 48 89 e7 48 83 e4 f0 e8 01 00 00 00 90 48 83 ec 08 ff d7 0f 0b", true);
	for (size_t at = 0; at < 15; at += at == 10 ? 5 : at == 6 ? 4 : 3)
		assert_int_equal(cfa_at(at), PH_CFA_END);
	by_sp(16, 8, 0);
	by_sp(20, 16, 0);
	/* syscall; test %eax, %eax; jne 1f; xor %ebp, %ebp; pop %rdi; call *%r9; hlt; 1: ret */
	follow("0f 05 85 c0 75 07 31 ed 5f 41 ff d1 f4 c3");
	by_sp(0, 8, 0);
	by_sp(6, 8, 0);
	assert_int_equal(cfa_at(8), PH_CFA_END);
	assert_int_equal(cfa_at(9), PH_CFA_END);
	by_sp(13, 8, 0);
}

/* As Go does: push %rbp; mov 56(%rdx), %rsp; call 0; ud2. What it has put away on its own stack is another matter. */
static void test_other_stack(void **state)
{
	(void)state;
	follow_from("55 48 8b 62 38 e8 f6 ff ff ff 0f 0b", true);
	by_sp(1, 16, -16);
	assert_int_equal(cfa_at(5), PH_CFA_END);
	assert_true(ph_code_changes_stacks(code, code_n));
	/* mov 56(%rdx), %rbx; mov %rbx, %rsp */
	follow_from("55 48 8b 5a 38 48 89 dc e8 f3 ff ff ff 0f 0b", true);
	by_sp(5, 16, -16);
	assert_int_equal(cfa_at(8), PH_CFA_END);
	assert_true(ph_code_changes_stacks(code, code_n));
	follow_from("55 48 8b 64 24 38 e8 f5 ff ff ff 0f 0b", true);
	assert_int_equal(cfa_at(6), PH_CFA_NONE);
	assert_false(ph_code_changes_stacks(code, code_n));
}

static void by_frame(size_t at)
{
	struct ph_unwind_rule r;
	size_t end;

	assert_true(ph_code_rule(of_code, at, &r, &end));
	assert_int_equal(r.cfa, PH_CFA_FP);
	assert_int_equal(r.cfa_off, 16);
	assert_int_equal(r.fp, PH_SAVED_CFA);
	assert_int_equal(r.fp_off, -16);
}

/* As Go's compiler writes functions: cmp 16(%r14), %rsp; jbe 1f; sub $24, %rsp; mov %rbp, 16(%rsp); lea 16(%rsp), %rbp; … */
#define GO_BEGIN(jbe) "49 3b 66 10 76 " jbe " 48 83 ec 18 48 89 6c 24 10 48 8d 6c 24 10 "

static void test_go(void **state)
{
	(void)state;
	/*
	 * test %eax, %eax; je 2f; mov 16(%rsp), %rbp; add $24, %rsp; ret; 2: call 0, which does not come back; nop; 1: call 0, for a larger
	 * stack; jmp 0
	 */
	follow(GO_BEGIN("22") "85 c0 74 0a 48 8b 6c 24 10 48 83 c4 18 c3 e8 d9 ff ff ff 90 e8 d3 ff ff ff eb d1");
	by_sp(6, 8, 0);
	by_sp(10, 32, 0);
	by_sp(15, 32, -16);
	by_frame(20);
	by_sp(29, 32, 0);
	by_sp(33, 8, 0);
	by_frame(34);
	by_sp(40, 8, 0);
	by_sp(45, 8, 0);
	/* Of one that never returns nothing tells where it ends: 2: call *%rax; jmp 2b; nop; 1: call *%rcx; jmp 0 */
	follow(GO_BEGIN("13") "ff d0 eb fc 90 ff d1 eb e3");
	by_frame(20);
	by_sp(25, 8, 0);
	/* Going over to another stack and back again, the frame pointer stays: mov 56(%rdx), %rsp; call *%rax; mov %r12, %rsp */
	follow_from("48 83 ec 18 48 89 6c 24 10 48 8d 6c 24 10 48 8b 62 38 ff d0 4c 89 e4 48 8b 6c 24 10 48 83 c4 18 c3", true);
	for (size_t at = 14; at <= 23; at += at == 14 ? 4 : at == 18 ? 2 : 3)
		by_frame(at);
	/* Goroutines return behind the first instruction of what nobody calls: nop; call 0; nop. What returns is none. */
	follow_from("c3 cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc 90 e8 ea ff ff ff 90 cc cc cc cc cc cc cc cc cc", false);
	assert_int_equal(cfa_at(16), PH_CFA_END);
	assert_int_equal(cfa_at(17), PH_CFA_END);
	follow_from("90 e8 fa ff ff ff c3", true);
	by_sp(1, 8, 0);
	/* Functions begin at addresses of 16, wherever the code that is followed does: sub $24, %rsp; call *%rax; jmp 4b */
	follow_at(0x1006, "cc cc cc cc cc cc cc cc cc cc 48 83 ec 18 ff d0 eb fc", false);
	by_sp(14, 32, 0);
	follow_at(0x1005, "cc cc cc cc cc cc cc cc cc cc 48 83 ec 18 ff d0 eb fc", false);
	assert_int_equal(cfa_at(14), PH_CFA_NONE);
}

/* What nothing is seen to reach: by where it goes. */
/*
 * As V8 hands what it pushed to another function: push %rax, four times; jmp 16; and there: push %rbp; mov %rsp, %rbp; and $-16, %rsp; call *%rbx;
 * mov 8(%rbp), %rcx; mov (%rbp), %rbp; lea 8(%r15), %rsp; push %rcx; ret
 */
static void test_words_left(void **state)
{
	(void)state;
	follow_from("50 50 50 50 eb 0a cc cc cc cc cc cc cc cc cc cc 55 48 89 e5 48 83 e4 f0 ff d3 48 8b 4d 08 48 8b 6d 00 49 8d 67 08 51 c3", true);
	by_sp(4, 40, 0);
	by_sp(16, 8, 0);
	by_sp(17, 16, -16);
	by_frame(24);
	by_frame(26);
}

static void test_unreached(void **state)
{
	(void)state;
	/*
	 * push %rbp; sub $16, %rsp; jmp *%rax; a table's target: call 0; jmp 2f; another: xor %eax, %eax; 2: add $16, %rsp;
	 * pop %rbp; ret
	 */
	follow("55 48 83 ec 10 ff e0 e8 f4 ff ff ff eb 02 31 c0 48 83 c4 10 5d c3");
	by_sp(7, 32, -16);
	by_sp(12, 32, -16);
	by_sp(14, 32, -16);
	by_sp(16, 32, -16);
	by_sp(20, 16, -16);
	/* The same, with a frame pointer: push %rbp; mov %rsp, %rbp; jmp *%rax; call 0; leave; ret */
	follow("55 48 89 e5 ff e0 e8 f5 ff ff ff c9 c3");
	assert_int_equal(cfa_at(6), PH_CFA_FP);
	by_sp(12, 8, 0);
	/* A call that does not come back, padding, and a function that something calls: call 16; nop; 16: push %rbx; pop %rbx; ret */
	follow("48 83 ec 08 e8 07 00 00 00 0f 1f 80 00 00 00 00 53 5b c3");
	by_sp(4, 16, 0);
	by_sp(16, 8, 0);
	by_sp(17, 16, 0);
	/* The same, and a function that calls another one in its place: jmp *%rdx; nobody calls it by its address. */
	follow("48 83 ec 08 e8 27 00 00 00 0f 1f 80 00 00 00 00 ff e2");
	by_sp(4, 16, 0);
	by_sp(16, 8, 0);
	/* sub $8, %rsp; je 1f; add $8, %rsp; 1: ret: it contradicts itself. */
	follow("48 83 ec 08 74 04 48 83 c4 08 c3");
	assert_int_equal(cfa_at(10), PH_CFA_NONE);
	/* Nothing says where it ends. */
	follow("90 53 ff d0 0f 0b");
	assert_int_equal(cfa_at(2), PH_CFA_SP);		/* it looks like a begin */
	follow("90 89 c8 ff d0 0f 0b");
	assert_int_equal(cfa_at(1), PH_CFA_NONE);
}

/* A PLT as lld writes it: its first entry, which calls the linker with two words more, then entries. */
static void test_plt(void **state)
{
	(void)state;
	follow("ff 35 00 10 00 00 ff 25 00 10 00 00 0f 1f 40 00 "
	       "ff 25 00 10 00 00 68 00 00 00 00 e9 e0 ff ff ff "
	       "ff 25 00 10 00 00 68 01 00 00 00 e9 d0 ff ff ff");
	by_sp(0, 16, 0);
	by_sp(6, 24, 0);
	by_sp(16, 8, 0);
	by_sp(22, 8, 0);
	by_sp(27, 16, 0);
	by_sp(38, 8, 0);
	by_sp(43, 16, 0);
}

/* CFA = @from + cfa; where the return address and X29 are saved, from the CFA, 0: in their registers. */
static void by_link(size_t at, int from, int cfa, int ra, int fp)
{
	struct ph_unwind_rule r;
	size_t end;

	if (!ph_code_rule(of_code, at, &r, &end) || r.cfa != from || r.cfa_off != cfa || r.ra_off != ra || r.fp_off != fp ||
	    r.ra != (ra ? PH_SAVED_CFA : PH_SAVED_SAME) || r.fp != (fp ? PH_SAVED_CFA : PH_SAVED_SAME))
		fail_msg("at %zu: cfa %d %+d, ra %d %+d, fp %d %+d; not %d %+d, ra %+d, fp %+d", at, r.cfa, r.cfa_off, r.ra,
			 r.ra_off, r.fp, r.fp_off, from, cfa, ra, fp);
}

static void test_arm64(void **state)
{
	(void)state;
	/*
	 * stp x29, x30, [sp, #-48]!; stp x19, x20, [sp, #16]; cbz x0, 1f; bl 0; 1: ldp x19, x20, [sp, #16]; ldp x29, x30, [sp], #48;
	 * ret; a leaf: add x0, x0, #1; ret
	 */
	follow_arm64("a9bd7bfd a90153f3 b4000040 97fffffd a94153f3 a8c37bfd d65f03c0 91000400 d65f03c0");
	by_link(0, PH_CFA_SP, 0, 0, 0);
	for (size_t at = 4; at <= 20; at += 4)
		by_link(at, PH_CFA_SP, 48, -40, -48);
	by_link(24, PH_CFA_SP, 0, 0, 0);
	by_link(28, PH_CFA_SP, 0, 0, 0);
	by_link(32, PH_CFA_SP, 0, 0, 0);
	/* str x30, [sp, #-16]!; sub sp, sp, #64; bl 0; add sp, sp, #64; ldr x30, [sp], #16; ret */
	follow_arm64("f81f0ffe d10103ff 97fffffe 910103ff f84107fe d65f03c0");
	by_link(4, PH_CFA_SP, 16, -16, 0);
	by_link(8, PH_CFA_SP, 80, -16, 0);
	by_link(16, PH_CFA_SP, 16, -16, 0);
	by_link(20, PH_CFA_SP, 0, 0, 0);
	/* With a frame pointer, and room of a size that only it knows: stp; mov x29, sp; sub sp, sp, x1; bl 0; mov sp, x29; ldp; ret */
	follow_arm64("a9be7bfd 910003fd cb2163ff 97fffffd 910003bf a8c27bfd d65f03c0");
	for (size_t at = 8; at <= 20; at += 4)
		by_link(at, PH_CFA_FP, 32, -24, -32);
	by_link(24, PH_CFA_SP, 0, 0, 0);
	/* Room of a constant: mov x12, #0x1030; sub sp, sp, x12; stp x29, x30, [sp]; bl 0; ldp x29, x30, [sp]; mov; add; ret */
	follow_arm64("d282060c cb2c63ff a9007bfd 97fffffd a9407bfd d282060c 8b2c63ff d65f03c0");
	by_link(8, PH_CFA_SP, 0x1030, 0, 0);
	by_link(12, PH_CFA_SP, 0x1030, -0x1028, -0x1030);
	by_link(20, PH_CFA_SP, 0x1030, 0, 0);
	by_link(28, PH_CFA_SP, 0, 0, 0);
	/* By a table: stp x29, x30, [sp, #-16]!; br x0; bl 0; b 2f; mov x0, #1; 2: ldp x29, x30, [sp], #16; ret */
	follow_arm64("a9bf7bfd d61f0000 97fffffe 14000002 d2800020 a8c17bfd d65f03c0");
	for (size_t at = 8; at <= 20; at += 4)
		by_link(at, PH_CFA_SP, 16, -8, -16);
	by_link(24, PH_CFA_SP, 0, 0, 0);
	/* A call that does not come back, for which nothing is saved; behind it another function, which nothing calls. */
	follow_arm64("d2800020 97ffffff f9400000 d65f03c0");
	by_link(0, PH_CFA_SP, 0, 0, 0);
	by_link(8, PH_CFA_SP, 0, 0, 0);
	/* X30 is used otherwise, and nowhere else is what it had: mov x30, #1; ret x9 */
	follow_arm64("d280003e d65f0120");
	by_link(0, PH_CFA_SP, 0, 0, 0);
	assert_int_equal(cfa_at(4), PH_CFA_NONE);
}

static void test_arm64_plt(void **state)
{
	(void)state;
	/* stp x16, x30, [sp, #-16]!; adrp x16; ldr x17, [x16]; add x16, x16, #0; br x17; nop; nop; nop; adrp x16; ldr; add; br x17 */
	follow_arm64("a9bf7bf0 90000010 f9400211 91000210 d61f0220 d503201f d503201f d503201f 90000010 f9400211 91000210 d61f0220");
	by_link(0, PH_CFA_SP, 0, 0, 0);
	for (size_t at = 4; at <= 16; at += 4)
		by_link(at, PH_CFA_SP, 16, -8, 0);
	for (size_t at = 32; at <= 44; at += 4)
		by_link(at, PH_CFA_SP, 0, 0, 0);
}

/* The begin of musl's programs and of its threads. */
static void test_arm64_outermost(void **state)
{
	(void)state;
	/* mov x29, #0; mov x30, #0; mov x0, sp; and sp, x0, #-16; bl 0; udf */
	follow_arm64("d280001d d280001e 910003e0 927cec1f 97fffffc 00000000");
	for (size_t at = 0; at <= 16; at += 4)
		assert_int_equal(cfa_at(at), PH_CFA_END);
	/* svc #0; cbz x0, 1f; ret; 1: ldp x1, x0, [sp], #16; blr x1; mov x8, #93; svc #0; behind it another function */
	follow_arm64("d4000001 b4000040 d65f03c0 a8c103e1 d63f0020 d2800ba8 d4000001 f9400000 d65f03c0");
	by_link(0, PH_CFA_SP, 0, 0, 0);
	by_link(12, PH_CFA_SP, 0, 0, 0);
	for (size_t at = 16; at <= 24; at += 4)
		assert_int_equal(cfa_at(at), PH_CFA_END);
	by_link(28, PH_CFA_SP, 0, 0, 0);
}

/* ---- whole files ------------------------------------------------------------------------------ */

struct compared {
	struct ph_code *code;
	uint64_t base;
	unsigned long all, none, wrong, frame_wrong, ra_wrong;
};

static void begins(void *ctx, uint64_t vaddr)
{
	struct compared *c = ctx;

	if (vaddr >= c->base)
		ph_code_begins(c->code, vaddr - c->base);
}

/* What is saved below SP was restored already, and may be read from either. */
static bool same_fp(const struct ph_unwind_rule *is, const struct ph_unwind_rule *want)
{
	return (is->fp == want->fp && is->fp_off == want->fp_off) ||
	       (is->fp == PH_SAVED_SAME && want->fp == PH_SAVED_CFA && is->cfa == PH_CFA_SP && is->cfa_off < -want->fp_off);
}

/*
 * Of arm64, entries may tell of both some instructions after they were saved or restored, together with others. Until then they are in
 * both places.
 */
static bool same_on_arm64(const struct ph_unwind_rule *is, const struct ph_unwind_rule *want)
{
	return is->cfa == want->cfa && is->cfa_off == want->cfa_off && (is->ra == PH_SAVED_SAME) != (want->ra == PH_SAVED_SAME);
}

static bool same_ra(const struct ph_unwind_rule *is, const struct ph_unwind_rule *want)
{
	return is->ra == want->ra && is->ra_off == want->ra_off;
}

/* Each instruction of which entries tell, but for frames of signals and PLTs. By SP or by BP is the same where both hold. */
static void compare_code(struct compared *c, const struct ph_unwind_table *t, size_t n)
{
	size_t end;

	for (size_t at = 0; at < n; at = end) {
		const struct ph_unwind_rule *want = &t->rules[ph_unwind_find(t, c->base + at)];
		struct ph_unwind_rule is;
		bool found = ph_code_rule(c->code, at, &is, &end);

		assert_true(end > at);
		if (want->cfa == PH_CFA_NONE || want->cfa == PH_CFA_PLT || want->flags)
			continue;
		c->all++;
		if (!found)
			c->none++;
		else if (is.cfa != want->cfa && (is.cfa == PH_CFA_END || want->cfa > PH_CFA_FP))
			c->wrong++;
		else if (is.cfa == want->cfa && is.cfa != PH_CFA_END && is.cfa_off != want->cfa_off)
			c->wrong++;
		else if (is.cfa == PH_CFA_END || (t->arch == PH_UNWIND_ARM64 && same_on_arm64(&is, want)))
			continue;
		else if (!same_ra(&is, want))
			c->ra_wrong++;
		else if (!same_fp(&is, want))
			c->frame_wrong++;
	}
}

/* So many of a thousand may be wrong, or without a rule. */
static void compare_file(const char *path, unsigned long wrong, unsigned long none)
{
	ph_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ph_auto(ph_unwind_free_ptr) struct ph_unwind_table *t = NULL;
	ph_auto(ph_elf_close_ptr) struct ph_elf *elf = NULL;
	const struct ph_elf_segment *s;
	struct compared c = { 0 };
	struct ph_err err = { 0 };
	size_t n;

	if (fd < 0 || ph_elf_open(fd, &elf, &err) || ph_unwind_compile(elf, &t, &err))
		fail_msg("%s: %s", path, err.msg);
	s = ph_elf_segments(elf, &n);
	for (size_t i = 0; i < n; i++) {
		ph_autofree uint8_t *b = malloc(s[i].filesz + 1);

		if (!s[i].exec)
			continue;
		assert_true(ph_elf_read(elf, s[i].offset, b, s[i].filesz));
		c.base = s[i].vaddr;
		c.code = ph_code_new(t->arch, b, s[i].filesz, s[i].vaddr);
		ph_elf_functions(elf, begins, &c);
		ph_code_follow(c.code);
		compare_code(&c, t, s[i].filesz);
		ph_code_free(c.code);
	}
	print_message("%s: of %lu instructions %lu have no rule, %lu another, %lu another return address, %lu another BP\n", path,
		      c.all, c.none, c.wrong, c.ra_wrong, c.frame_wrong);
	assert_true(c.all > 50);
	assert_true(c.wrong * 1000 <= c.all * wrong);
	assert_true(c.ra_wrong * 1000 <= c.all * wrong);
	assert_true(c.frame_wrong * 1000 <= c.all * wrong);
	assert_true(c.none * 1000 <= c.all * none);
}

static void test_files(void **state)
{
	(void)state;
	compare_file(PH_TEST_DATA "/unwind/arm64.so", 5, 100);
#ifdef __x86_64__
	/* The expression of a function that realigns its stack is one of these. */
	compare_file(PH_UNWIND_OBJECTS "/unwind_target", 5, 200);
	/* All of libc: what is wrong is behind calls that never come back, in cold code. */
	compare_file(PH_UNWIND_OBJECTS "/unwind_static", 30, 150);
#endif
}

/* The files named by the arguments, to compare other ones by hand. */
static char **given;

static void test_given(void **state)
{
	(void)state;
	for (char **p = given; *p; p++)
		compare_file(*p, 1000, 1000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_insn),
		cmocka_unit_test(test_insn_arm64),
		cmocka_unit_test(test_function),
		cmocka_unit_test(test_outermost),
		cmocka_unit_test(test_other_stack),
		cmocka_unit_test(test_go),
		cmocka_unit_test(test_words_left),
		cmocka_unit_test(test_unreached),
		cmocka_unit_test(test_plt),
		cmocka_unit_test(test_arm64),
		cmocka_unit_test(test_arm64_plt),
		cmocka_unit_test(test_arm64_outermost),
		cmocka_unit_test(test_files),
	};
	const struct CMUnitTest by_hand[] = { cmocka_unit_test(test_given) };

	given = argv + 1;
	return argc > 1 ? cmocka_run_group_tests(by_hand, NULL, NULL) : cmocka_run_group_tests(tests, NULL, NULL);
}
