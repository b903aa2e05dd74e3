/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Java: a memory in which it has told where it has what, and code of a method, after each instruction of which the caller is known. */
#include "test.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "unwind/interp_file.h"

#define BASE 0x100000ull
#define SIZE 0x10000u

static uint8_t mem[SIZE];
static size_t texts;

static bool memory(void *ctx, uint64_t addr, void *buf, size_t n)
{
	(void)ctx;
	if (addr < BASE || addr + n > BASE + SIZE)
		return false;
	memcpy(buf, mem + (addr - BASE), n);
	return true;
}

static int word(void *ctx, __u64 addr, __u64 *ret)
{
	return memory(ctx, addr, ret, sizeof(*ret)) ? 0 : -1;
}

static void put(uint64_t addr, uint64_t value, size_t n)
{
	memcpy(mem + (addr - BASE), &value, n);
}

static uint64_t put_text(const char *s)
{
	uint64_t at = BASE + 0xe000 + texts;

	memcpy(mem + (at - BASE), s, strlen(s) + 1);
	texts += strlen(s) + 1;
	return at;
}

/* Where what is; the stack is at the end of all. */
enum {
	FIELDS = 0x1000, SIZES = 0x2000, LIST_AT = 0x3000, LIST = 0x3010, LIST_V = 0x3040, HEAP1 = 0x3080, HEAP2 = 0x3100, MAP = 0x3200,
	METHOD = 0x3400, CONST = 0x3440, POOL = 0x3480, CLASS = 0x3500, NAME = 0x3540, CLASS_NAME = 0x3580,
	CODE = 0x4000, STACK = 0xd000,
	SEGMENT = 64, BLOB = CODE + 3 * SEGMENT, TEXT_AT = 160,
};

/* 8 has one heap, and no list. */
enum version { JAVA_8, JAVA_9, JAVA_23, NVERSIONS };

/* What it says of itself: as versions before 23 have it, and later ones. */
static const struct told {
	const char *type, *field;
	int only;	/* 1: before 23, 2: since */
	uint32_t offset;
} told[] = {
	{ "GenericGrowableArray", "_len", 1, 4 }, { "GrowableArrayBase", "_len", 2, 4 }, { "GrowableArray<int>", "_data", 0, 8 },
	{ "CodeHeap", "_memory", 0, 8 }, { "CodeHeap", "_segmap", 0, 40 }, { "CodeHeap", "_log2_segment_size", 0, 76 },
	{ "VirtualSpace", "_low_boundary", 0, 0 }, { "VirtualSpace", "_low", 0, 8 }, { "VirtualSpace", "_high", 0, 16 },
	{ "CodeBlob", "_name", 0, 8 }, { "CodeBlob", "_frame_complete_offset", 0, 18 }, { "CodeBlob", "_frame_size", 0, 20 },
	{ "CodeBlob", "_code_begin", 1, 24 }, { "CodeBlob", "_code_offset", 2, 28 }, { "CompiledMethod", "_method", 1, 32 },
	{ "nmethod", "_method", 2, 32 }, { "Method", "_constMethod", 0, 8 }, { "ConstMethod", "_constants", 0, 8 },
	{ "ConstMethod", "_name_index", 0, 34 }, { "ConstantPool", "_pool_holder", 0, 24 }, { "Klass", "_name", 0, 24 },
	{ "Symbol", "_length", 0, 4 }, { "Symbol", "_body", 0, 6 }, { "Thread", "_osthread", 0, 9999 },
};

static void put_symbol(uint64_t at, const char *s)
{
	put(at + 4, strlen(s), 2);
	memcpy(mem + (at + 6 - BASE), s, strlen(s));
}

/* The first heap is somewhere else; in the second are a block of three segments that is nobody's, and one with the method. */
static void make(enum version version, uint64_t text_at)
{
	uint64_t at = BASE + FIELDS;
	bool since = version == JAVA_23;

	memset(mem, 0, sizeof(mem));
	texts = 0;
	put(BASE, BASE + FIELDS, 8);
	put(BASE + 8, BASE + SIZES, 8);
	for (size_t i = 0; i < PH_ARRAY_SIZE(told); i++) {
		if (told[i].only == (since ? 1 : 2))
			continue;
		put(at, put_text(told[i].type), 8);
		put(at + 8, put_text(told[i].field), 8);
		put(at + 32, told[i].offset, 8);
		at += 48;
	}
	put(at, put_text("CodeCache"), 8);
	put(at + 8, put_text(version == JAVA_8 ? "_heap" : "_heaps"), 8);
	put(at + 24, 1, 4);
	put(at + 40, BASE + LIST_AT, 8);
	put(BASE + SIZES, put_text("HeapBlock"), 8);
	put(BASE + SIZES + 32, 8, 8);
	put(BASE + SIZES + 40, put_text("ConstantPool"), 8);
	put(BASE + SIZES + 72, 72, 8);

	put(BASE + LIST_AT, BASE + (version == JAVA_8 ? HEAP2 : LIST), 8);
	put(BASE + LIST + 4, 2, 4);
	put(BASE + LIST + 8, BASE + LIST_V, 8);
	put(BASE + LIST_V, BASE + HEAP1, 8);
	put(BASE + LIST_V + 8, BASE + HEAP2, 8);
	put(BASE + HEAP2 + 16, BASE + CODE, 8);
	put(BASE + HEAP2 + 24, BASE + CODE + 600 * SEGMENT, 8);
	put(BASE + HEAP2 + 48, BASE + MAP, 8);
	put(BASE + HEAP2 + 76, 6, 4);
	memset(mem + MAP, 0xff, 512);
	for (unsigned int i = 0; i < 300; i++)
		mem[MAP + 3 + i] = (uint8_t)(i < 255 ? i : i - 254);

	put(BASE + BLOB + 8 + 8, put_text("nmethod"), 8);
	put(BASE + BLOB + 8 + 18, text_at, 2);
	put(BASE + BLOB + 8 + 20, 6, 4);
	if (since)
		put(BASE + BLOB + 8 + 28, TEXT_AT, 4);
	else
		put(BASE + BLOB + 8 + 24, BASE + BLOB + 8 + TEXT_AT, 8);
	put(BASE + BLOB + 8 + 32, BASE + METHOD, 8);
	put(BASE + METHOD + 8, BASE + CONST, 8);
	put(BASE + CONST + 8, BASE + POOL, 8);
	put(BASE + CONST + 34, 3, 2);
	put(BASE + POOL + 24, BASE + CLASS, 8);
	put(BASE + POOL + 72 + 24, BASE + NAME, 8);
	put(BASE + CLASS + 24, BASE + CLASS_NAME, 8);
	put_symbol(BASE + NAME, "forEach");
	put_symbol(BASE + CLASS_NAME, "java/util/List$Über");
}

static void layout(struct ph_interp *in, uint64_t *list)
{
	assert_true(ph_interp_of_version(PH_INTERP_JAVA, 0, 62, in));
	in->root = 0;
	in->statement = 8;
	assert_int_equal(ph_java_layout(in, BASE, memory, NULL, list), 0);
	assert_int_equal(*list, BASE + LIST_AT);
}

struct instruction {
	const char *bytes;
	uint32_t n;
	int32_t below;		/* the caller's stack pointer, counted from this one, before it */
	bool saved;		/* the caller's RBP is on the stack */
	bool complete;		/* from here on the frame counts as there */
};

/* mov %eax, -N(%rsp); push; sub; nop; cmpl N(%r15), …; jne; nop; call; add; pop; cmp N(%r15), %rsp; ja; ret */
static const struct instruction bang[] = {
	{ "\x89\x84\x24\x00\xc0\xfe\xff", 7, 8, false, false }, { "\x55", 1, 8, false, false }, { "\x48\x83\xec\x20", 4, 16, true, false },
	{ "\x90", 1, 48, true, false }, { "\x41\x81\x7f\x20\x01\x00\x00\x00", 8, 48, true, false }, { "\x0f\x85\x9c\x00\x00\x00", 6, 48, true, false },
	{ "\x90", 1, 48, true, true }, { "\xe8\x10\x00\x00\x00", 5, 48, true, false }, { "\x48\x83\xc4\x20", 4, 48, true, false },
	{ "\x5d", 1, 16, true, false }, { "\x49\x3b\x67\x28", 4, 8, false, false }, { "\x0f\x87\x55\x00\x00\x00", 6, 8, false, false },
	{ "\xc3", 1, 8, false, false },
};
/* The same with a frame pointer, as earlier versions ask for safepoints, and with large numbers. */
static const struct instruction pointer[] = {
	{ "\x55", 1, 8, false, false }, { "\x48\x8b\xec", 3, 16, true, false }, { "\x48\x81\xec\x20\x00\x00\x00", 7, 16, true, false },
	{ "\x90", 1, 48, true, true }, { "\x48\x81\xc4\x20\x00\x00\x00", 7, 48, true, false }, { "\x5d", 1, 16, true, false },
	{ "\x49\x3b\xa7\x40\x03\x00\x00", 7, 8, false, false }, { "\x0f\x87\x55\x00\x00\x00", 6, 8, false, false }, { "\xc3", 1, 8, false, false },
	{ "\x5d", 1, 16, true, false }, { "\x41\x85\x02", 3, 8, false, false }, { "\xc3", 1, 8, false, false },
	{ "\x85\x05\x00\x00\x00\x00", 6, 8, false, false }, { "\xc3", 1, 8, false, false },
	{ "\x5d", 1, 16, true, false }, { "\x4d\x8b\x57\x70", 4, 8, false, false }, { "\x41\x85\x02", 3, 8, false, false }, { "\xc3", 1, 8, false, false },
	{ "\x4d\x8b\x97\x08\x01\x00\x00", 7, 8, false, false }, { "\x41\x85\x02", 3, 8, false, false }, { "\xc3", 1, 8, false, false },
	/* Not at the end: within a loop. */
	{ "\x4d\x8b\x57\x70", 4, 48, true, false }, { "\x41\x85\x02", 3, 48, true, false }, { "\x90", 1, 48, true, false },
	{ "\x4d\x8b\x97\x08\x01\x00\x00", 7, 48, true, false }, { "\x41\x85\x02", 3, 48, true, false }, { "\x90", 1, 48, true, false },
};
/* sub; mov %rbp, N(%rsp): where the stack is not looked at. */
static const struct instruction moved[] = {
	{ "\x48\x83\xec\x28", 4, 8, false, false }, { "\x48\x89\x6c\x24\x20", 5, 48, false, false }, { "\x90", 1, 48, true, true },
	{ "\xc3", 1, 8, false, false },
};

#define SP (BASE + STACK)
#define FP (BASE + STACK + 0x800)
#define CALLER 0x7777
#define ITS_FP 0x9999

static void run(const struct instruction *v, size_t n, enum version version)
{
	uint64_t text_at = 0, at = BASE + BLOB + 8 + TEXT_AT, list;
	struct ph_interp in;

	for (size_t i = 0; i < n && !v[i].complete; i++)
		text_at += v[i].n;
	make(version, text_at);
	for (size_t i = 0, to = at - BASE; i < n; to += v[i++].n)
		memcpy(mem + to, v[i].bytes, v[i].n);
	layout(&in, &list);
	for (size_t i = 0; i < n; at += v[i++].n) {
		struct ph_java_scratch s = { 0 };
		struct ph_unwind_regs r = { .pc = at, .sp = SP, .fp = FP, .flags = PH_REGS_FP | PH_REGS_EXACT };
		__u64 where;

		memset(mem + STACK, 0, 256);
		put(SP + (uint64_t)v[i].below - 8, CALLER, 8);
		if (v[i].saved)
			put(SP + (uint64_t)v[i].below - 16, ITS_FP, 8);
		assert_int_equal(ph_java_step(&in.java, list, &s, &r, word, NULL), PH_STEP_CALLER);
		assert_int_equal(r.pc, CALLER);
		assert_int_equal(r.sp, SP + (uint64_t)v[i].below);
		assert_int_equal(r.fp, v[i].saved ? ITS_FP : FP);
		assert_int_equal(ph_java_of(&in.java, &s, &where, word, NULL), BASE + METHOD);
		assert_int_equal(where, PH_JAVA_METHOD);
	}
}

static void test_instructions(void **state)
{
	(void)state;
	for (enum version version = 0; version < NVERSIONS; version++) {
		run(bang, PH_ARRAY_SIZE(bang), version);
		run(pointer, PH_ARRAY_SIZE(pointer), version);
		run(moved, PH_ARRAY_SIZE(moved), version);
	}
}

static void name_is(const struct ph_interp *in, uint64_t of, uint64_t where, const char *want)
{
	struct ph_interp_name name = { 0 };

	assert_int_equal(ph_interp_name(in, ph_interp_frame(PH_INTERP_JAVA, of, where), memory, NULL, &name), 0);
	assert_string_equal(name.name.p, want);
	assert_int_equal(name.line, 0);
	ph_interp_name_done(&name);
}

/* Whatever it is called from: nothing is asked of the instructions then. In a large block the map goes back more than once. */
static void test_called(void **state)
{
	static const unsigned int segments[] = { 4, 255, 258, 260 };
	struct ph_interp in;
	uint64_t list;

	(void)state;
	make(JAVA_23, 16);
	layout(&in, &list);
	for (size_t i = 0; i < PH_ARRAY_SIZE(segments); i++) {
		struct ph_java_scratch s = { 0 };
		struct ph_unwind_regs r = { .pc = BASE + CODE + segments[i] * SEGMENT + 1, .sp = SP, .fp = FP, .flags = PH_REGS_FP };

		put(SP + 40, CALLER, 8);
		put(SP + 32, ITS_FP, 8);
		assert_int_equal(ph_java_step(&in.java, list, &s, &r, word, NULL), PH_STEP_CALLER);
		assert_int_equal(r.pc, CALLER);
		assert_int_equal(r.sp, SP + 48);
		assert_int_equal(r.fp, ITS_FP);
		assert_int_equal(s.blob, BASE + BLOB + 8);
	}
	name_is(&in, BASE + METHOD, PH_JAVA_METHOD, "java.util.List$Über.forEach");
	name_is(&in, BASE + BLOB + 8, PH_JAVA_BLOB, "nmethod");
}

/* The interpreter's frames have the method, and where their caller's stack ends, which is not right above them. */
static void test_interpreter(void **state)
{
	struct ph_unwind_regs r = { .pc = BASE + BLOB + 200, .sp = SP, .fp = SP + 64, .flags = PH_REGS_FP | PH_REGS_EXACT };
	struct ph_java_scratch s = { 0 };
	struct ph_interp in;
	uint64_t list;
	__u64 where;

	(void)state;
	make(JAVA_9, 0);
	layout(&in, &list);
	put(BASE + BLOB + 8 + 8, put_text("Interpreter"), 8);
	put(SP + 64, ITS_FP, 8);
	put(SP + 72, CALLER, 8);
	put(SP + 56, SP + 112, 8);
	put(SP + 40, BASE + METHOD, 8);
	assert_int_equal(ph_java_step(&in.java, list, &s, &r, word, NULL), PH_STEP_CALLER);
	assert_int_equal(r.pc, CALLER);
	assert_int_equal(r.sp, SP + 112);
	assert_int_equal(r.fp, ITS_FP);
	assert_int_equal(ph_java_of(&in.java, &s, &where, word, NULL), BASE + METHOD);
	/* It is none that leads to a name: the interpreter stands in its place. */
	put(BASE + METHOD + 8, 0, 8);
	assert_int_equal(ph_java_of(&in.java, &s, &where, word, NULL), BASE + BLOB + 8);
	name_is(&in, BASE + BLOB + 8, where, "Interpreter");
	/* No frame of its. */
	r = (struct ph_unwind_regs){ .pc = BASE + BLOB + 200, .sp = SP, .fp = SP - 64, .flags = PH_REGS_FP };
	assert_int_equal(ph_java_step(&in.java, list, &s, &r, word, NULL), PH_STEP_NO_RULE);
}

/* Stubs: some have no frame, others keep a frame pointer, from their first instruction to the last. */
static void test_stubs(void **state)
{
	static const struct {
		const char *name;
		uint8_t code;
		bool steps;
	} stubs[] = { { "vtable chunks", 0x48, true }, { "I2C/C2I adapters", 0x48, true }, { "StubRoutines (1)", 0x55, true },
		      { "StubRoutines (1)", 0xc3, true }, { "StubRoutines (1)", 0x48, false } };
	struct ph_interp in;
	uint64_t list;

	(void)state;
	make(JAVA_9, 0);
	layout(&in, &list);
	for (size_t i = 0; i < PH_ARRAY_SIZE(stubs); i++) {
		struct ph_unwind_regs r = { .pc = BASE + BLOB + 200, .sp = SP, .fp = FP, .flags = PH_REGS_FP | PH_REGS_EXACT };
		struct ph_java_scratch s = { 0 };

		put(BASE + BLOB + 8 + 8, put_text(stubs[i].name), 8);
		put(BASE + BLOB + 8 + 20, 0, 4);
		put(r.pc, stubs[i].code, 1);
		put(SP, CALLER, 8);
		assert_int_equal(ph_java_step(&in.java, list, &s, &r, word, NULL), stubs[i].steps ? PH_STEP_CALLER : PH_STEP_NO_RULE);
		if (stubs[i].steps)
			assert_int_equal(r.sp, SP + 8);
		name_is(&in, s.blob, PH_JAVA_BLOB, stubs[i].name);
	}
}

/* The stub in which a method waits before it begins has a word above the frame pointer that it has saved; it calls C++. */
static void test_barrier(void **state)
{
	struct ph_interp in;
	uint64_t list;

	(void)state;
	make(JAVA_23, 0);
	layout(&in, &list);
	put(BASE + BLOB + 8 + 8, put_text("StubRoutines (final stubs)"), 8);
	put(BASE + BLOB + 8 + 20, 0, 4);
	put(SP + 64, ITS_FP, 8);
	put(SP + 72, ~0ull, 8);
	put(SP + 80, CALLER, 8);
	/* When it has called, or is interrupted; then what is no frame of its: the stack is above it, an address is there. */
	for (unsigned int i = 0; i < 4; i++) {
		struct ph_unwind_regs r = { .pc = BASE + BLOB + 200, .sp = SP + (i == 2 ? 72 : 0), .fp = SP + 64,
					    .flags = PH_REGS_FP | (i == 1 ? PH_REGS_EXACT : 0) };
		struct ph_java_scratch s = { 0 };

		put(SP + 72, i == 3 ? CALLER : ~0ull, 8);
		assert_int_equal(ph_java_step(&in.java, list, &s, &r, word, NULL), i < 2 ? PH_STEP_CALLER : PH_STEP_NO_RULE);
		if (i >= 2)
			continue;
		assert_int_equal(r.pc, CALLER);
		assert_int_equal(r.sp, SP + 88);
		assert_int_equal(r.fp, ITS_FP);
		assert_int_equal(r.flags, PH_REGS_FP);
	}
}

/* What is nobody's, in no heap, or in circles: there is no rule. A Java that has not begun yet tells nothing. */
static void test_nothing(void **state)
{
	static const uint64_t nowhere[] = { BASE + CODE + SEGMENT, BASE + CODE + 400 * SEGMENT, BASE + CODE + 600 * SEGMENT, BASE + 1, 0 };
	struct ph_interp in;
	uint64_t list;

	(void)state;
	make(JAVA_23, 0);
	layout(&in, &list);
	for (size_t i = 0; i < PH_ARRAY_SIZE(nowhere); i++) {
		struct ph_unwind_regs r = { .pc = nowhere[i], .sp = SP, .fp = FP, .flags = PH_REGS_FP };
		struct ph_java_scratch s = { 0 };

		assert_int_equal(ph_java_step(&in.java, list, &s, &r, word, NULL), PH_STEP_NO_RULE);
		assert_int_equal(r.pc, nowhere[i]);
		assert_int_equal(s.blob, 0);
	}
	for (size_t i = 0; i < PH_ARRAY_SIZE(told); i++)
		put(BASE + FIELDS + 48 * i + 32, 0, 8);
	put(BASE + SIZES + 32, 0, 8);
	assert_int_equal(ph_java_layout(&in, BASE, memory, NULL, &list), -EAGAIN);
	put(BASE, BASE + SIZE + 8, 8);
	assert_int_equal(ph_java_layout(&in, BASE, memory, NULL, &list), -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instructions), cmocka_unit_test(test_called), cmocka_unit_test(test_interpreter), cmocka_unit_test(test_stubs),
		cmocka_unit_test(test_barrier), cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
