/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "filter_fixture.h"

/*
 * The kernel side of filters against the user side: random expressions over random records, run by
 * a small interpreter here and, where bpf(2) is to be had, by the kernel.
 */

struct record {
	uint64_t big;
	int64_t ret;
	uint32_t container;
	int32_t tid;
	char comm[16];
	int32_t small;
	uint16_t u16;
	int8_t s8;
	uint8_t cpu;
	char text[16];
	uint32_t tail;
	char crooked[16];	/* at an offset that is a multiple of 4 only */
};

static const struct ph_filter_slot layout[] = {
	{ "big", offsetof(struct record, big), 8, false },
	{ "ret", offsetof(struct record, ret), 8, true },
	{ "small", offsetof(struct record, small), 4, true },
	{ "u16", offsetof(struct record, u16), 2, false },
	{ "s8", offsetof(struct record, s8), 1, true },
	{ "text", offsetof(struct record, text), 16, false },
	{ "crooked", offsetof(struct record, crooked), 16, false },
	{ "container", offsetof(struct record, container), 4, false, true },
	{ "tid", offsetof(struct record, tid), 4, true, true },
	{ "cpu", offsetof(struct record, cpu), 1, false, true },
	{ "comm", offsetof(struct record, comm), 16, false, true },
	{ "vtid", offsetof(struct record, small), 4, true, true },
};

static const struct ph_field fields[] = {
	{ "big", &ph_type_u64 }, { "ret", &ph_type_s64, PH_UNIT_RET }, { "small", &ph_type_s32 },
	{ "u16", &ph_type_u16 }, { "s8", &ph_type_s8 }, { "text", &ph_type_comm },
	{ "crooked", &ph_type_comm }, { "hidden", &ph_type_u32 }, { "path", &ph_type_str },
};
static const struct ph_field ctx_fields[] = { { "vtid", &ph_type_s32 } };
/* As the kernel side knows it, and as it is read: with the context. */
static const struct ph_class kernel_cls = { .name = "test_event", .fields = fields, .nfields = 9 };
static const struct ph_class user_cls = {
	.name = "test_event", .fields = fields, .nfields = 9, .ctx = ctx_fields, .nctx = 1,
};

static const struct ph_class *nth(void *arg, size_t i)
{
	return i == 0 ? &user_cls : NULL;
}

static const struct ph_filter_names names = { .nth = nth };

static uint64_t rnd_state = 88172645463325252ULL;

static uint32_t rnd(uint32_t below)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (uint32_t)((rnd_state >> 20) % below);
}

static const int64_t numbers[] = {
	0, 1, -1, 2, -2, 5, 100, 101, 127, -128, 255, 65535, INT32_MAX, INT32_MIN, UINT32_MAX,
	(int64_t)UINT32_MAX + 1, INT64_MAX, INT64_MIN, 0x80000000,
};
static const char *const words[] = { "nginx", "sh", "", "a", "fifteen-letters", "sh " };

/* The record and what user space makes of it say the same. */
static void make_event(struct record *rec, struct ph_value v[9], struct ph_value ctx[1],
		       struct ph_event *ev)
{
	memset(rec, 0, sizeof(*rec));
	rec->big = (uint64_t)numbers[rnd(PH_ARRAY_SIZE(numbers))];
	rec->ret = numbers[rnd(PH_ARRAY_SIZE(numbers))];
	rec->small = (int32_t)numbers[rnd(PH_ARRAY_SIZE(numbers))];
	rec->u16 = (uint16_t)numbers[rnd(PH_ARRAY_SIZE(numbers))];
	rec->s8 = (int8_t)numbers[rnd(PH_ARRAY_SIZE(numbers))];
	rec->cpu = (uint8_t)rnd(4);
	rec->tid = 100 + (int32_t)rnd(2);
	rec->container = rnd(4) ? rnd(3) : PH_CONTAINER_UNKNOWN;
	strcpy(rec->comm, rec->tid == 100 ? "nginx" : "sh");
	strcpy(rec->text, words[rnd(PH_ARRAY_SIZE(words))]);
	strcpy(rec->crooked, words[rnd(PH_ARRAY_SIZE(words))]);
	v[0].u = rec->big;
	v[1].i = rec->ret;
	v[2].i = rec->small;
	v[3].u = rec->u16;
	v[4].i = rec->s8;
	v[5] = (struct ph_value){ .s = rec->text, .n = (uint32_t)strlen(rec->text) };
	v[6] = (struct ph_value){ .s = rec->crooked, .n = (uint32_t)strlen(rec->crooked) };
	v[7].u = rnd(3);
	v[8] = (struct ph_value){ .s = "/etc/x", .n = 6 };
	ctx[0].i = rec->small;
	*ev = (struct ph_event){
		.cls = &user_cls, .cpu = rec->cpu, .container = rec->container, .tid = rec->tid,
		.pid = 100, .v = v, .ctx = ctx,
	};
	/* What the kernel side did not know, the model may. */
	if (ev->container == PH_CONTAINER_UNKNOWN)
		ev->container = rnd(4) ? rnd(3) : PH_CONTAINER_UNKNOWN;
}

static void number(struct ph_buf *b)
{
	int64_t v = numbers[rnd(PH_ARRAY_SIZE(numbers))];

	if (rnd(8) == 0)
		ph_buf_adds(b, "0xffffffffffffffff");
	else
		ph_buf_add_s64(b, v);
}

static void leaf(struct ph_buf *b)
{
	static const char *const nums[] = {
		"big", "ret", "small", "u16", "s8", "test_event.ret", "test_*.small", "cpu", "tid",
		"container", "pid", "vtid", "hidden", "sched_switch.prev_prio", "test_event.big", "vpid",
	};
	static const char *const strs[] = {
		"text", "crooked", "comm", "path", "test_event.text", "container", "image", "name",
		"test_event.name",
	};
	static const char *const cmps[] = { "==", "!=", "<", "<=", ">", ">=" };
	static const char *const texts[] = { "==", "!=", "~", "!~" };

	if (rnd(3)) {
		ph_buf_adds(b, nums[rnd(PH_ARRAY_SIZE(nums))]);
		if (rnd(4) == 0)
			ph_buf_addf(b, " & 0x%lx", rnd(2) ? (unsigned long)numbers[rnd(PH_ARRAY_SIZE(numbers))] :
				    (unsigned long)rnd(256));
		if (rnd(8) == 0)
			return;
		ph_buf_addf(b, " %s ", cmps[rnd(PH_ARRAY_SIZE(cmps))]);
		number(b);
		return;
	}
	ph_buf_adds(b, strs[rnd(PH_ARRAY_SIZE(strs))]);
	if (rnd(8) == 0)
		return;
	ph_buf_addf(b, " %s '%s%s'", texts[rnd(PH_ARRAY_SIZE(texts))], words[rnd(PH_ARRAY_SIZE(words))],
		    rnd(4) ? "" : "*");
}

static void expression(struct ph_buf *b, unsigned int depth)
{
	uint32_t n = 1 + rnd(3);
	const char *op = rnd(2) ? " && " : " || ";

	for (uint32_t i = 0; i < n; i++) {
		ph_buf_adds(b, i ? op : "");
		ph_buf_adds(b, rnd(4) ? "" : "!");
		if (depth && rnd(2)) {
			ph_buf_addc(b, '(');
			expression(b, depth - 1);
			ph_buf_addc(b, ')');
		} else {
			leaf(b);
		}
	}
}

/* The part of the instruction set that filters use; anything else fails the test. */
static uint64_t load(const char *p, uint8_t code)
{
	uint64_t v = 0;
	size_t n = BPF_SIZE(code) == BPF_B ? 1 : BPF_SIZE(code) == BPF_H ? 2 :
		   BPF_SIZE(code) == BPF_W ? 4 : 8;

	memcpy(&v, p, n);
	return v;
}

static bool taken(uint8_t code, uint64_t a, uint64_t b)
{
	switch (BPF_OP(code)) {
	case BPF_JA: return true;
	case BPF_JEQ: return a == b;
	case BPF_JNE: return a != b;
	case BPF_JLT: return a < b;
	case BPF_JLE: return a <= b;
	case BPF_JGT: return a > b;
	case BPF_JGE: return a >= b;
	case BPF_JSLT: return (int64_t)a < (int64_t)b;
	case BPF_JSLE: return (int64_t)a <= (int64_t)b;
	case BPF_JSGT: return (int64_t)a > (int64_t)b;
	case BPF_JSGE: return (int64_t)a >= (int64_t)b;
	default: fail_msg("jump %#x", code); return false;
	}
}

static uint64_t interpret(const struct bpf_insn *in, size_t n, const void *rec)
{
	uint64_t reg[10] = { [0] = 0xdead, [1] = (uint64_t)(uintptr_t)rec };

	for (size_t pc = 0; pc < n; pc++) {
		const struct bpf_insn *i = &in[pc];
		uint64_t b = BPF_SRC(i->code) == BPF_X ? reg[i->src_reg] : (uint64_t)(int64_t)i->imm;

		switch (BPF_CLASS(i->code)) {
		case BPF_LDX:
			assert_int_equal(i->src_reg, BPF_REG_1);
			assert_in_range(i->off, 0, sizeof(struct record) - 1);
			reg[i->dst_reg] = load((const char *)rec + i->off, i->code);
			break;
		case BPF_LD:
			assert_int_equal(i->code, BPF_LD | BPF_DW | BPF_IMM);
			assert_true(pc + 1 < n);
			reg[i->dst_reg] = (uint32_t)i->imm | (uint64_t)(uint32_t)in[++pc].imm << 32;
			break;
		case BPF_ALU64:
			assert_in_range(i->dst_reg, 0, 5);
			assert_int_not_equal(i->dst_reg, BPF_REG_1);
			if (BPF_OP(i->code) == BPF_MOV)
				reg[i->dst_reg] = b;
			else if (BPF_OP(i->code) == BPF_AND)
				reg[i->dst_reg] &= b;
			else if (BPF_OP(i->code) == BPF_LSH)
				reg[i->dst_reg] <<= b;
			else if (BPF_OP(i->code) == BPF_ARSH)
				reg[i->dst_reg] = (uint64_t)((int64_t)reg[i->dst_reg] >> b);
			else
				fail_msg("arithmetic %#x", i->code);
			break;
		case BPF_JMP:
			assert_true(i->off >= 0 && pc + 1 + (size_t)i->off <= n);
			if (taken(i->code, reg[i->dst_reg], b))
				pc += (size_t)i->off;
			break;
		default:
			fail_msg("instruction %#x", i->code);
		}
	}
	return reg[0];
}

struct random_filter {
	struct ph_buf expr;
	struct ph_filter *f;
	struct bpf_insn insn[4096];
	int n;
	bool exact;
};

static void make_filter(struct random_filter *rf)
{
	struct ph_err err = { 0 };

	do {
		ph_buf_clear(&rf->expr);
		expression(&rf->expr, 3);
		/* Some of them compare what cannot be compared. */
	} while (ph_filter_parse_names(rf->expr.p, &names, &rf->f, &err) < 0);
	rf->n = ph_filter_to_bpf(rf->f, &kernel_cls, layout, PH_ARRAY_SIZE(layout), rf->insn,
				 PH_ARRAY_SIZE(rf->insn), &rf->exact, &err);
	if (rf->n < 0)
		fail_msg("%s: %s", rf->expr.p, err.msg);
}

static void drop_filter(struct random_filter *rf)
{
	ph_filter_free(rf->f);
	ph_buf_done(&rf->expr);
}

/* What the kernel side drops, user space would have dropped; where it is exact, also the reverse. */
static void check(const struct random_filter *rf, const struct ph_event *ev, uint64_t kernel)
{
	bool user = ph_filter_match(rf->f, IDENTITY, ev);

	assert_true(kernel <= 1);
	if (kernel ? rf->exact && !user : user)
		fail_msg("%s: kernel %d, user %d, exact %d", rf->expr.p, (int)kernel, user, rf->exact);
}

static void test_differential(void **state)
{
	unsigned int exact = 0, keeps = 0, drops = 0;

	for (int i = 0; i < 4000; i++) {
		struct random_filter rf = { 0 };

		make_filter(&rf);
		exact += rf.exact;
		for (int j = 0; j < 50; j++) {
			struct ph_value v[9], ctx[1];
			struct record rec;
			struct ph_event ev;
			uint64_t kernel;

			make_event(&rec, v, ctx, &ev);
			kernel = interpret(rf.insn, (size_t)rf.n, &rec);
			kernel ? keeps++ : drops++;
			check(&rf, &ev, kernel);
		}
		drop_filter(&rf);
	}
	/* The generator would be worth nothing if it made one kind only. */
	assert_true(exact > 400 && exact < 3900);
	assert_true(keeps > 20000 && drops > 20000);
}

static void test_exactness(void **state)
{
	static const struct { const char *expr; bool exact; int insns; } cases[] = {
		{ "ret < 0", true, 5 },
		{ "comm == nginx", true, -1 },
		{ "comm == 'sixteen-letters.'", false, 1 },
		{ "comm ~ 'n*'", false, 1 },
		{ "!(comm ~ 'n*')", false, 1 },
		{ "path == '/etc/x'", false, 1 },
		{ "container == web", false, 1 },
		{ "container == 1", false, -1 },
		{ "sched_switch.prev_prio == 1", true, 1 },
		{ "name == test_event", true, 1 },
		{ "name == test_event && ret == 0", true, -1 },
		{ "hidden == 1 || ret == 1", false, 1 },
		{ "vpid == 1", false, 1 },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		struct ph_filter *f = NULL;
		struct bpf_insn insn[64];
		struct ph_err err = { 0 };
		bool exact;
		int n;

		if (ph_filter_parse_names(cases[i].expr, &names, &f, &err) < 0)
			fail_msg("%s", err.msg);
		n = ph_filter_to_bpf(f, &kernel_cls, layout, PH_ARRAY_SIZE(layout), insn, 64, &exact, &err);
		if (exact != cases[i].exact || n <= 0 || (cases[i].insns > 0 && n != cases[i].insns))
			fail_msg("%s: exact %d, %d instructions", cases[i].expr, exact, n);
		if (n > 1)
			assert_int_equal(ph_filter_to_bpf(f, &kernel_cls, layout, PH_ARRAY_SIZE(layout), insn,
							  (size_t)n - 1, &exact, &err), -E2BIG);
		ph_filter_free(f);
	}
}

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/*
 * The record lies on the program's stack, put there from a map value: nothing but the verifier's
 * own idea of alignment and initialised memory is taken for granted.
 */
static int load_program(int map, const struct random_filter *rf, char *log, size_t log_size)
{
	enum { REC = (sizeof(struct record) + 7) / 8 * 8 };
	struct bpf_insn in[4600];
	size_t n = 0, miss;

#define I(c, d, s, o, i) in[n++] = (struct bpf_insn){ .code = c, .dst_reg = d, .src_reg = s, .off = o, .imm = i }
	I(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0);
	I(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0, 0);
	I(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, 0, -4);
	I(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map);
	I(0, 0, 0, 0, 0);
	I(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_map_lookup_elem);
	miss = n;
	I(BPF_JMP | BPF_JEQ | BPF_K, BPF_REG_0, 0, 0, 0);
	I(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_0, 0, 0);
	for (int at = 0; at < REC; at += 8) {
		I(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_2, BPF_REG_6, (int16_t)at, 0);
		I(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_10, BPF_REG_2, (int16_t)(at - REC - 8), 0);
	}
	I(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_10, 0, 0);
	I(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, -REC - 8);
	memcpy(in + n, rf->insn, (size_t)rf->n * sizeof(in[0]));
	n += (size_t)rf->n;
	/* The result goes behind the record in the map value: no program type's return rules. */
	I(BPF_STX | BPF_MEM | BPF_DW, BPF_REG_6, BPF_REG_0, REC, 0);
	in[miss].off = (int16_t)(n - miss - 1);
	I(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
	I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
#undef I
	return sys_bpf(BPF_PROG_LOAD, &(union bpf_attr){
		.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
		.insns = (uintptr_t)in, .insn_cnt = (uint32_t)n, .license = (uintptr_t)"GPL",
		.log_buf = (uintptr_t)log, .log_size = (uint32_t)log_size, .log_level = log ? 1 : 0,
	});
}

static void test_kernel(void **state)
{
	enum { REC = (sizeof(struct record) + 7) / 8 * 8 };
	union bpf_attr map_attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = REC + 8, .max_entries = 1,
	};
	ph_autoclose int map = sys_bpf(BPF_MAP_CREATE, &map_attr);
	ph_autofree char *log = ph_alloc(1 << 20);
	uint32_t key = 0;

	if (map < 0) {
		print_message("bpf(2) is refused here: %s\n", strerror(errno));
		skip();
	}
	for (int i = 0; i < 300; i++) {
		struct random_filter rf = { 0 };
		ph_autoclose int prog = -1;

		make_filter(&rf);
		prog = load_program(map, &rf, NULL, 0);
		if (prog < 0 && (errno == EPERM || errno == EACCES) && i == 0 && geteuid() != 0) {
			drop_filter(&rf);
			skip();
		}
		if (prog < 0) {
			load_program(map, &rf, log, 1 << 20);
			fail_msg("%s: refused\n%.2000s", rf.expr.p, log);
		}
		for (int j = 0; j < 20; j++) {
			struct ph_value v[9], ctx[1];
			union { struct record rec; uint64_t w[REC / 8 + 1]; } val = { 0 };
			struct ph_event ev;

			make_event(&val.rec, v, ctx, &ev);
			val.w[REC / 8] = 77;
			assert_int_equal(sys_bpf(BPF_MAP_UPDATE_ELEM, &(union bpf_attr){
				.map_fd = (uint32_t)map, .key = (uintptr_t)&key, .value = (uintptr_t)&val }), 0);
			assert_int_equal(sys_bpf(BPF_PROG_TEST_RUN, &(union bpf_attr){
				.test = { .prog_fd = (uint32_t)prog } }), 0);
			assert_int_equal(sys_bpf(BPF_MAP_LOOKUP_ELEM, &(union bpf_attr){
				.map_fd = (uint32_t)map, .key = (uintptr_t)&key, .value = (uintptr_t)&val }), 0);
			assert_int_equal(val.w[REC / 8], interpret(rf.insn, (size_t)rf.n, &val.rec));
			check(&rf, &ev, val.w[REC / 8]);
		}
		drop_filter(&rf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_differential), cmocka_unit_test(test_exactness),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
