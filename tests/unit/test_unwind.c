/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables for walking stacks: every row of every address, compared with what elfutils makes of the same call frame
 * information; and files that are broken on purpose.
 */
#include "test.h"

#include <dwarf.h>
#include <elf.h>
#include <elfutils/libdw.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "unwind/cfi.h"
#include "unwind/table.h"

/* What elfutils says, in the words of a rule. */
struct oracle {
	Elf *elf;
	Dwarf *dwarf;
	Dwarf_CFI *cfi;
	enum ph_unwind_arch arch;
};

struct numbers {
	unsigned int ra, fp, bx, sp, general;
};

static const struct numbers numbers[] = {
	[PH_UNWIND_X86_64] = { 16, 6, 3, 7, 16 },
	[PH_UNWIND_ARM64] = { 30, 29, 99, 31, 31 },
};

static bool is_breg(const Dwarf_Op *op, unsigned int *reg, int64_t *off)
{
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		*reg = op->atom - DW_OP_breg0;
		*off = (int64_t)op->number;
		return true;
	}
	*reg = (unsigned int)op->number;
	*off = (int64_t)op->number2;
	return op->atom == DW_OP_bregx;
}

/* false: no rule can say that. */
static bool oracle_cfa(const struct oracle *o, Dwarf_Frame *frame, struct ph_unwind_rule *rule)
{
	const struct numbers *m = &numbers[o->arch];
	unsigned int reg;
	int64_t off;
	Dwarf_Op *ops;
	size_t n;

	if (dwarf_frame_cfa(frame, &ops, &n) || !n || !is_breg(&ops[0], &reg, &off) || off != (int32_t)off)
		return false;
	rule->cfa_off = (int32_t)off;
	if (n == 1) {
		rule->cfa = reg == m->sp ? PH_CFA_SP : reg == m->fp ? PH_CFA_FP :
			    reg == m->bx ? PH_CFA_BX : PH_CFA_REGISTER;
		if (rule->cfa == PH_CFA_REGISTER)
			rule->cfa_add = (__s16)reg;
		return reg < m->general || reg == m->sp;
	}
	if (n == 9 && ops[1].atom == DW_OP_breg16 && ops[5].atom == DW_OP_ge && off == 8) {
		rule->cfa = PH_CFA_PLT;
		rule->cfa_off = ops[4].atom - DW_OP_lit0;
		return true;
	}
	if (ops[1].atom != DW_OP_deref || n > 3 || (n == 3 && ops[2].atom != DW_OP_plus_uconst))
		return false;
	rule->cfa = reg == m->sp ? PH_CFA_SP_DEREF : PH_CFA_FP_DEREF;
	rule->cfa_add = n == 3 ? (__s16)ops[2].number : 0;
	return reg == m->sp || reg == m->fp;
}

/* Where a register is saved, PH_SAVED_NKINDS where there is no value at all. */
static void oracle_saved(const struct oracle *o, Dwarf_Frame *frame, unsigned int saved, __u8 *how, __s32 *off)
{
	const struct numbers *m = &numbers[o->arch];
	Dwarf_Op mem[3], *ops;
	unsigned int reg;
	int64_t at;
	size_t n;

	*off = 0;
	*how = PH_SAVED_LOST;
	assert_int_equal(dwarf_frame_register(frame, (int)saved, mem, &ops, &n), 0);
	if (!n) {
		*how = ops ? PH_SAVED_NKINDS : PH_SAVED_SAME;
		return;
	}
	/* Compilers write an offset, which elfutils makes two operators of; an expression begins with the CFA. */
	if (ops[n - 1].atom == DW_OP_stack_value)
		return;
	if (ops[0].atom == DW_OP_call_frame_cfa && n <= 2 && (n == 1 || ops[1].atom == DW_OP_plus_uconst)) {
		*how = PH_SAVED_CFA;
		*off = n == 1 ? 0 : (__s32)ops[1].number;
	} else if (n == 2 && is_breg(&ops[1], &reg, &at) && (reg == m->sp || reg == m->fp)) {
		*how = reg == m->sp ? PH_SAVED_SP : PH_SAVED_FP;
		*off = (__s32)at;
	}
}

/* Is the return address above the CFA there? It was pushed before then, by the PLT: what glibc says of _dl_runtime_resolve on arm64. */
static bool oracle_above(const struct oracle *o, uint64_t pc)
{
	ph_autofree Dwarf_Frame *frame = NULL;
	__s32 off;
	__u8 how;

	if (dwarf_cfi_addrframe(o->cfi, pc, &frame))
		return false;
	oracle_saved(o, frame, numbers[o->arch].ra, &how, &off);
	return how == PH_SAVED_CFA && off == 8;
}

/* The rule at @pc and what it is true for; 0: one, PH_CFA_NONE: there is none, -1: nothing is said of the address. */
static int oracle_rule(const struct oracle *o, uint64_t pc, struct ph_unwind_rule *rule, Dwarf_Addr *end)
{
	const struct numbers *m = &numbers[o->arch];
	ph_autofree Dwarf_Frame *frame = NULL;
	__u8 sp;
	__s32 sp_off;
	Dwarf_Addr start;
	bool signal, known;
	int ra;

	memset(rule, 0, sizeof(*rule));
	*end = pc + 1;
	if (dwarf_cfi_addrframe(o->cfi, pc, &frame))
		return -1;
	ra = dwarf_frame_info(frame, &start, end, &signal);
	assert_true(start <= pc && pc < *end);
	/* rawmemchr() of glibc on arm64 keeps it in x15 and returns there. */
	if (ra != (int)m->ra) {
		assert_true(o->arch == PH_UNWIND_ARM64 && ra == 15);
		*rule = (struct ph_unwind_rule){ .cfa = PH_CFA_NONE };
		return 0;
	}
	known = oracle_cfa(o, frame, rule);
	oracle_saved(o, frame, m->ra, &rule->ra, &rule->ra_off);
	if (rule->ra == PH_SAVED_NKINDS) {
		*rule = (struct ph_unwind_rule){ .cfa = PH_CFA_END };
		return 0;
	}
	oracle_saved(o, frame, m->fp, &rule->fp, &rule->fp_off);
	if (o->arch == PH_UNWIND_X86_64)
		oracle_saved(o, frame, m->bx, &rule->bx, &rule->bx_off);
	if (rule->fp == PH_SAVED_NKINDS)
		rule->fp = PH_SAVED_LOST;
	/* elfutils 0.188 takes RAX for the register that calls preserve, so of RBX it knows what is said of it. */
	if (rule->bx == PH_SAVED_NKINDS)
		rule->bx = PH_SAVED_SAME;
	rule->flags = signal ? PH_RULE_SIGNAL : 0;

	/* A stack pointer about which nothing is said is the CFA, in elfutils' words a value. */
	oracle_saved(o, frame, m->sp, &sp, &sp_off);
	if (sp == PH_SAVED_SP)
		known = known && rule->cfa == PH_CFA_SP_DEREF && sp_off == rule->cfa_off && !rule->cfa_add;
	else if (sp == PH_SAVED_LOST || sp == PH_SAVED_SAME) {
		Dwarf_Op mem[3], *ops;
		size_t n;

		dwarf_frame_register(frame, (int)m->sp, mem, &ops, &n);
		if (n && (n != 2 || ops[0].atom != DW_OP_call_frame_cfa || ops[1].atom != DW_OP_stack_value))
			known = false;
	} else if (sp != PH_SAVED_NKINDS) {
		known = false;
	}
	if (rule->ra == PH_SAVED_LOST || (rule->ra == PH_SAVED_SAME && o->arch == PH_UNWIND_X86_64))
		known = false;
	if (o->arch == PH_UNWIND_ARM64 && !signal &&
	    ((rule->ra == PH_SAVED_CFA && rule->ra_off == 8) || (rule->ra == PH_SAVED_SAME && oracle_above(o, *end)))) {
		rule->cfa_off += 16;
		rule->ra = rule->cfa_off ? PH_SAVED_CFA : PH_SAVED_SAME;
		rule->ra_off = rule->cfa_off ? -8 : 0;
	}
	if (!known)
		*rule = (struct ph_unwind_rule){ .cfa = PH_CFA_NONE };
	return 0;
}

/* ---- comparing ------------------------------------------------------------------------------ */

/* Of what goes over to who catches an exception: entries do not say it. test_unwind_walk.c steps through it. */
static bool is_catch(const struct ph_unwind_rule *is)
{
	return is->cfa == PH_CFA_CATCH ||
	       (is->flags & PH_RULE_SIGNAL && (is->cfa == PH_CFA_FP_DEREF || is->cfa == PH_CFA_REGISTER ||
					       (is->cfa == PH_CFA_SP && is->ra == PH_SAVED_CFA)));
}

static void same(const struct ph_unwind_table *t, uint64_t pc, const struct ph_unwind_rule *want, const char *name)
{
	const struct ph_unwind_rule *is = &t->rules[ph_unwind_find(t, pc)];

	if (!memcmp(is, want, sizeof(*is)) || is_catch(is))
		return;
	fail_msg("%s at %#lx: cfa %d %+d %d, ra %d %+d, fp %d %+d, bx %d %+d, flags %d; elfutils: cfa %d %+d %d, "
		 "ra %d %+d, fp %d %+d, bx %d %+d, flags %d", name, pc, is->cfa, is->cfa_off, is->cfa_add, is->ra,
		 is->ra_off, is->fp, is->fp_off, is->bx, is->bx_off, is->flags, want->cfa, want->cfa_off,
		 want->cfa_add, want->ra, want->ra_off, want->fp, want->fp_off, want->bx, want->bx_off, want->flags);
}

/* The rule by which arm64 and musl return from signals, found by its bytes. */
static bool is_sigreturn(const struct ph_unwind_table *t, uint64_t pc)
{
	return t->rules[ph_unwind_find(t, pc)].flags & PH_RULE_SIGNAL;
}

static uint64_t compare_code(const struct ph_unwind_table *t, const struct oracle *o,
			     const struct ph_elf_segment *s, const char *name)
{
	uint64_t compared = 0;
	struct ph_unwind_rule want;
	Dwarf_Addr end;

	for (uint64_t pc = s->vaddr; pc < s->vaddr + s->filesz; pc = end) {
		int r = oracle_rule(o, pc, &want, &end);

		/* Where there are no entries the instructions are asked: test_unwind_code.c. */
		if (r < 0)
			continue;
		same(t, pc, &want, name);
		same(t, end - 1, &want, name);
		compared++;
	}
	return compared;
}

/* Rows are where elfutils begins one, too, and each differs from the one before. */
static void compare_rows(const struct ph_unwind_table *t, const struct oracle *o, const char *name)
{
	struct ph_unwind_rule want;
	uint32_t last = PH_RULE_NONE;
	Dwarf_Addr end;

	for (uint32_t page = 0; page < t->npages; page++)
		for (uint32_t i = t->pages[page]; i < t->pages[page + 1]; i++) {
			uint64_t pc = t->base + ((uint64_t)page << PH_UNWIND_PAGE_BITS) + t->rows[i].pc;

			assert_int_equal(ph_unwind_find(t, pc), t->rows[i].rule);
			assert_int_not_equal(t->rows[i].rule, last);
			if (i > t->pages[page])
				assert_true(t->rows[i].pc > t->rows[i - 1].pc);
			if (!is_sigreturn(t, pc) && !oracle_rule(o, pc, &want, &end))
				same(t, pc, &want, name);
			last = t->rows[i].rule;
		}
	assert_int_equal(t->pages[0], 0);
	assert_int_equal(t->pages[t->npages], t->nrows);
	assert_int_equal(last, PH_RULE_NONE);
}

static void compare_elf(struct ph_elf *elf, struct oracle *o, const char *name, struct ph_unwind_stats *stats)
{
	ph_auto(ph_unwind_free_ptr) struct ph_unwind_table *t = NULL;
	const struct ph_elf_segment *s;
	uint64_t compared = 0;
	struct ph_err err = { 0 };
	size_t n;

	o->arch = ph_elf_machine(elf) == EM_AARCH64 ? PH_UNWIND_ARM64 : PH_UNWIND_X86_64;
	if (ph_unwind_compile(elf, &t, &err))
		fail_msg("%s: %s", name, err.msg);
	s = ph_elf_segments(elf, &n);
	for (size_t i = 0; i < n; i++)
		if (s[i].exec)
			compared += compare_code(t, o, &s[i], name);
	compare_rows(t, o, name);
	print_message("%s: %u rows, %lu of elfutils\n", name, t->nrows, compared);
	/* Merging may make fewer of them, but not so few. */
	assert_true(compared);
	assert_true(t->nrows > compared / 4);
	assert_int_equal(t->stats.dropped, 0);
	if (stats)
		*stats = t->stats;
}

static void compare_file(const char *path, struct ph_unwind_stats *stats)
{
	ph_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC), fd2 = open(path, O_RDONLY | O_CLOEXEC);
	ph_auto(ph_elf_close_ptr) struct ph_elf *elf = NULL;
	struct ph_err err = { 0 };
	struct oracle o = { 0 };

	if (fd < 0 || fd2 < 0 || ph_elf_open(fd, &elf, &err))
		fail_msg("%s: %s", path, err.msg);
	elf_version(EV_CURRENT);
	o.elf = elf_begin(fd2, ELF_C_READ, NULL);
	o.cfi = dwarf_getcfi_elf(o.elf);
	if (!o.cfi) {
		o.dwarf = dwarf_begin_elf(o.elf, DWARF_C_READ, NULL);
		o.cfi = dwarf_getcfi(o.dwarf);
	}
	assert_non_null(o.cfi);
	compare_elf(elf, &o, ph_basename(path), stats);
	if (o.dwarf)
		dwarf_end(o.dwarf);
	else
		dwarf_cfi_end(o.cfi);
	elf_end(o.elf);
}

/* The library that has @symbol, of those that this program runs with. */
static void loaded(const char *part, char *path, size_t n)
{
	ph_autofclose FILE *f = fopen("/proc/self/maps", "re");
	char line[4096 + 128];

	path[0] = 0;
	while (f && fgets(line, sizeof(line), f)) {
		char *p = strchr(line, '/');

		if (p && strstr(p, part)) {
			p[strcspn(p, "\n")] = 0;
			snprintf(path, n, "%s", p);
			return;
		}
	}
	fail_msg("no %s in this process", part);
}

static void test_shapes(void **state)
{
	static const char *const names[] = { "plain.so", "cet.so", "frames.so", "static", "target" };
	struct ph_unwind_stats stats;

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(names); i++) {
		ph_autofree char *path = ph_asprintf("%s/unwind_%s", PH_UNWIND_OBJECTS, names[i]);

		compare_file(path, &stats);
		if (strcmp(names[i], "plain.so"))
			continue;
#ifdef __x86_64__
		/* Of shapes_x86_64.S: one byte each. */
		assert_int_equal(stats.bare[PH_WHY_CFA_REGISTER], 1);
		assert_int_equal(stats.bare[PH_WHY_CFA_EXPRESSION], 1);
		assert_int_equal(stats.bare[PH_WHY_SP], 1);
		assert_int_equal(stats.bare[PH_WHY_RA], 1);
		assert_int_equal(stats.bare[PH_WHY_RANGE], 1);
#endif
		assert_int_equal(stats.bare[PH_WHY_BROKEN], 0);
	}
}

/* Without .eh_frame; as it is, and compressed. */
static void test_debug_frame(void **state)
{
	(void)state;
	compare_file(PH_UNWIND_OBJECTS "/unwind_debug.so", NULL);
	compare_file(PH_UNWIND_OBJECTS "/unwind_debug_gz.so", NULL);
}

/* What glibc says of _dl_runtime_resolve on arm64, to which the PLT comes with 16 bytes pushed, of which the CFA knows nothing. */
static void test_pushed_by_plt(void **state)
{
	static const uint8_t program[] = { 0x41, 0x11, 30, 0x7f, 0x41, 0x0e, 0xd0, 0x01, 0x88, 26, 0x53, 0x0e, 0, 0x41, 0x13, 2, 0 };
	static const struct { uint64_t pc; int32_t cfa_off, ra_off; uint8_t ra; } want[] = {
		{ 0, 16, -8, PH_SAVED_CFA }, { 4, 16, -8, PH_SAVED_CFA }, { 8, 224, -8, PH_SAVED_CFA }, { 84, 16, -8, PH_SAVED_CFA },
		{ 88, 0, 0, PH_SAVED_SAME },
	};
	struct ph_cie cie = { .code_align = 4, .data_align = -8, .ra = 30, .initial = { .reg = 31 } };
	struct ph_unwind_rule rule;
	struct ph_cfi_run run;

	ph_cfi_start(&run, PH_UNWIND_ARM64, &cie, (struct ph_bytes){ .p = program, .end = program + sizeof(program) }, 0);
	for (size_t i = 0; i < PH_ARRAY_SIZE(want); i++) {
		uint64_t pc = run.pc;

		assert_int_equal(pc, want[i].pc);
		assert_int_equal(ph_cfi_next(&run), i + 1 < PH_ARRAY_SIZE(want));
		assert_int_equal(ph_cfi_rule(PH_UNWIND_ARM64, &cie, &run.now, &rule), PH_WHY_NOT);
		assert_int_equal(rule.cfa, PH_CFA_SP);
		assert_int_equal(rule.cfa_off, want[i].cfa_off);
		assert_int_equal(rule.ra, want[i].ra);
		assert_int_equal(rule.ra_off, want[i].ra_off);
		assert_int_equal(rule.fp, PH_SAVED_SAME);
	}
	(void)state;
}

static void test_arm64(void **state)
{
	(void)state;
	compare_file(PH_TEST_DATA "/unwind/arm64.so", NULL);
}

static void test_libc(void **state)
{
	char path[4096];

	(void)state;
	loaded("/libc.so.6", path, sizeof(path));
	compare_file(path, NULL);
	loaded("/ld-linux-", path, sizeof(path));
	compare_file(path, NULL);
}

/* As it is in this process, which it has not in a file. */
static void test_vdso(void **state)
{
	const ElfW(Ehdr) *eh = (const void *)getauxval(AT_SYSINFO_EHDR);
	ph_auto(ph_elf_close_ptr) struct ph_elf *elf = NULL;
	struct oracle o = { 0 };
	struct ph_err err = { 0 };
	uint8_t id[PH_BUILD_ID_MAX];
	size_t size;

	(void)state;
	if (!eh)
		skip();
	size = eh->e_shoff + (size_t)eh->e_shnum * eh->e_shentsize;
	assert_int_equal(ph_elf_open_image(eh, size, &elf, &err), 0);
	o.elf = elf_memory((char *)eh, size);
	assert_int_equal(ph_elf_build_id(elf, id), 20);
	o.cfi = dwarf_getcfi_elf(o.elf);
#ifdef __x86_64__
	assert_non_null(o.cfi);
#endif
	/* arm64's has none. */
	if (o.cfi)
		compare_elf(elf, &o, "vdso", NULL);
	dwarf_cfi_end(o.cfi);
	elf_end(o.elf);
}

/* ---- the file itself ------------------------------------------------------------------------ */

static void read_all(const char *path, struct ph_buf *b)
{
	assert_int_equal(ph_read_file_at(AT_FDCWD, path, 64 << 20, b), 0);
}

static int compile_image(const void *p, size_t n, struct ph_unwind_table **t)
{
	ph_auto(ph_elf_close_ptr) struct ph_elf *elf = NULL;
	int r = ph_elf_open_image(p, n, &elf, NULL);

	return r ? r : ph_unwind_compile(elf, t, NULL);
}

static void test_segments(void **state)
{
	ph_auto(ph_elf_close_ptr) struct ph_elf *elf = NULL;
	uint8_t id[PH_BUILD_ID_MAX], want[20];
	const struct ph_elf_segment *s;
	struct ph_err err = { 0 };
	uint64_t vaddr;
	ph_autobuf b = { 0 };
	size_t n, code = 0;

	(void)state;
	read_all(PH_UNWIND_OBJECTS "/unwind_target", &b);
	assert_int_equal(ph_elf_open_image(b.p, b.len, &elf, &err), 0);
	s = ph_elf_segments(elf, &n);
	assert_true(n >= 2);
	for (size_t i = 0; i < n; i++) {
		if (!s[i].exec) {
			assert_false(s[i].offset % 4096 == 0 && s[i].filesz > 4096 &&
				     ph_elf_vaddr(elf, s[i].offset + 4095, &vaddr) && vaddr < s[i].vaddr);
			continue;
		}
		code++;
		assert_true(ph_elf_vaddr(elf, s[i].offset, &vaddr));
		assert_int_equal(vaddr, s[i].vaddr);
		assert_true(ph_elf_vaddr(elf, s[i].offset + s[i].filesz - 1, &vaddr));
		assert_int_equal(vaddr, s[i].vaddr + s[i].filesz - 1);
	}
	assert_int_equal(code, 1);
	assert_false(ph_elf_vaddr(elf, b.len + 4096, &vaddr));
	/* The linker was told which. */
	memset(want, 0xab, sizeof(want));
	assert_int_equal(ph_elf_build_id(elf, id), sizeof(want));
	assert_memory_equal(id, want, sizeof(want));
}

/* What is executable without being code has no rules, nor is it followed as if it were. */
static void test_constants(void **state)
{
	static const uint8_t like_code[] = { 0x55, 0x48, 0x89, 0xe5, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x5d, 0xc3 };
	ph_auto(ph_unwind_free_ptr) struct ph_unwind_table *t = NULL;
	ph_auto(ph_elf_close_ptr) struct ph_elf *elf = NULL;
	const struct ph_elf_code *code;
	struct ph_err err = { 0 };
	const char *constants;
	ph_autobuf b = { 0 };
	uint64_t vaddr = 0;
	size_t n;

	(void)state;
	read_all(PH_UNWIND_OBJECTS "/unwind_constants.so", &b);
	constants = memmem(b.p, b.len, like_code, sizeof(like_code));
	assert_non_null(constants);
	assert_int_equal(ph_elf_open_image(b.p, b.len, &elf, &err), 0);
	assert_true(ph_elf_vaddr(elf, (uint64_t)(constants - b.p), &vaddr));
	code = ph_elf_code(elf, &n);
	assert_non_null(code);
	for (size_t i = 0; i < n; i++)
		assert_false(vaddr >= code[i].begin && vaddr < code[i].end);
	assert_int_equal(ph_unwind_compile(elf, &t, &err), 0);
	for (size_t i = 0; i < sizeof(like_code); i++)
		assert_int_equal(ph_unwind_find(t, vaddr + i), PH_RULE_NONE);
	assert_int_equal(t->stats.followed, 0);
}

/* Section headers taken away: the same rules come of the program headers. */
static void test_no_sections(void **state)
{
	ph_auto(ph_unwind_free_ptr) struct ph_unwind_table *t = NULL, *t2 = NULL;
	ph_auto(ph_elf_close_ptr) struct ph_elf *elf = NULL;
	const struct ph_elf_code *code;
	ph_autobuf b = { 0 };
	Elf64_Ehdr *eh;
	size_t n;

	(void)state;
	read_all(PH_UNWIND_OBJECTS "/unwind_target", &b);
	assert_int_equal(ph_elf_open_image(b.p, b.len, &elf, NULL), 0);
	assert_int_equal(ph_unwind_compile(elf, &t, NULL), 0);
	code = ph_elf_code(elf, &n);
	assert_true(n >= 3);
	eh = (Elf64_Ehdr *)b.p;
	eh->e_shoff = eh->e_shnum = eh->e_shstrndx = 0;
	assert_int_equal(compile_image(b.p, b.len, &t2), 0);
	/* .fini, which is short, has no entry, and is known to be code by its section alone. */
	for (size_t i = 0; i < n; i++)
		for (uint64_t at = code[i].begin; at < code[i].end && code[i].end - code[i].begin > 24; at++)
			assert_memory_equal(&t->rules[ph_unwind_find(t, at)], &t2->rules[ph_unwind_find(t2, at)], sizeof(*t->rules));
}

static void test_not_elf(void **state)
{
	ph_auto(ph_elf_close_ptr) struct ph_elf *elf = NULL;
	struct ph_err err = { 0 };
	ph_autobuf b = { 0 };
	int fd;

	(void)state;
	assert_int_equal(ph_elf_open_image("", 0, &elf, &err), -ENOEXEC);
	assert_int_equal(ph_elf_open_image("#!/bin/sh\n", 10, &elf, &err), -ENOEXEC);
	fd = open("/dev/zero", O_RDONLY);
	assert_int_equal(ph_elf_open(fd, &elf, &err), -ENOEXEC);
	close(fd);
	fd = open("/", O_RDONLY);
	assert_int_equal(ph_elf_open(fd, &elf, &err), -ENOEXEC);
	close(fd);
	read_all(PH_UNWIND_OBJECTS "/unwind_target", &b);
	/* 32 bits, the other byte order, another machine. */
	b.p[EI_CLASS] = ELFCLASS32;
	assert_int_equal(ph_elf_open_image(b.p, b.len, &elf, &err), -ENOEXEC);
	b.p[EI_CLASS] = ELFCLASS64;
	b.p[EI_DATA] = ELFDATA2MSB;
	assert_int_equal(ph_elf_open_image(b.p, b.len, &elf, &err), -ENOEXEC);
	b.p[EI_DATA] = ELFDATA2LSB;
	((Elf64_Ehdr *)b.p)->e_machine = EM_RISCV;
	assert_int_equal(ph_elf_open_image(b.p, b.len, &elf, &err), -ENOEXEC);
}

/* A file that says that it has more than any machine: nothing of it is there, and no room is made for it. */
static void test_huge(void **state)
{
	Elf64_Ehdr eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_DYN,
			  .e_machine = EM_X86_64, .e_version = EV_CURRENT, .e_ehsize = sizeof(eh),
			  .e_phentsize = sizeof(Elf64_Phdr), .e_shentsize = sizeof(Elf64_Shdr) };
	Elf64_Phdr ph = { .p_type = PT_LOAD, .p_flags = PF_X | PF_R, .p_vaddr = 0x1000, .p_filesz = 1ULL << 42,
			  .p_memsz = 1ULL << 42 };
	Elf64_Shdr sh[3] = { { 0 }, { .sh_type = SHT_STRTAB, .sh_offset = 16384, .sh_size = 64 },
			     { .sh_type = SHT_PROGBITS, .sh_name = 1, .sh_size = 1ULL << 41 } };
	ph_auto(ph_unwind_free_ptr) struct ph_unwind_table *t = NULL;
	ph_auto(ph_elf_close_ptr) struct ph_elf *elf = NULL;
	ph_autoclose int fd = memfd_create("huge", MFD_CLOEXEC);
	struct ph_err err = { 0 };
	struct ph_elf_data data;
	ph_autobuf b = { 0 };
	const char *name = "\0.eh_frame";

	(void)state;
	assert_int_equal(ftruncate(fd, 1LL << 42), 0);
	/* Sections: the first one has their number. */
	eh.e_shoff = 4096;
	sh[0].sh_size = (1ULL << 42) / sizeof(sh[0]) - 4096;
	assert_int_equal(pwrite(fd, &eh, sizeof(eh), 0), sizeof(eh));
	assert_int_equal(pwrite(fd, sh, sizeof(sh), 4096), sizeof(sh));
	assert_int_equal(ph_elf_open(fd, &elf, &err), -EFBIG);
	/* Program headers, by the same. */
	eh.e_phoff = 8192;
	eh.e_phnum = PN_XNUM;
	sh[0].sh_size = 3;
	sh[0].sh_info = 1 << 30;
	assert_int_equal(pwrite(fd, &eh, sizeof(eh), 0), sizeof(eh));
	assert_int_equal(pwrite(fd, sh, sizeof(sh), 4096), sizeof(sh));
	assert_int_equal(ph_elf_open(fd, &elf, &err), -EFBIG);
	/* A table of frames, and the code. */
	eh.e_phnum = 1;
	eh.e_shnum = 3;
	eh.e_shstrndx = 1;
	assert_int_equal(pwrite(fd, &eh, sizeof(eh), 0), sizeof(eh));
	assert_int_equal(pwrite(fd, &ph, sizeof(ph), 8192), sizeof(ph));
	assert_int_equal(pwrite(fd, name, 10, 16384), 10);
	assert_int_equal(ph_elf_open(fd, &elf, &err), 0);
	assert_int_equal(ph_elf_eh_frame(elf, &data), -EFBIG);
	assert_int_equal(ph_unwind_compile(elf, &t, &err), -ENOENT);
}

/* A compressed table that says that it is larger than it may be. */
static void test_bomb(void **state)
{
	ph_auto(ph_elf_close_ptr) struct ph_elf *elf = NULL;
	struct ph_err err = { 0 };
	struct ph_elf_data data;
	ph_autobuf b = { 0 };
	Elf64_Ehdr *eh;
	Elf64_Shdr *sh;

	(void)state;
	read_all(PH_UNWIND_OBJECTS "/unwind_debug_gz.so", &b);
	eh = (Elf64_Ehdr *)b.p;
	sh = (Elf64_Shdr *)(b.p + eh->e_shoff);
	for (unsigned int i = 0; i < eh->e_shnum; i++)
		if (sh[i].sh_flags & SHF_COMPRESSED)
			((Elf64_Chdr *)(b.p + sh[i].sh_offset))->ch_size = 1ULL << 40;
	assert_int_equal(ph_elf_open_image(b.p, b.len, &elf, &err), 0);
	assert_int_equal(ph_elf_debug_frame(elf, &data), -EFBIG);
}

/* Rules and remembered states without end, in one function: what is too much has no rule, the rest has. */
static void test_many_rules(void **state)
{
	ph_auto(ph_unwind_free_ptr) struct ph_unwind_table *t = NULL;
	struct ph_elf_segment code = { 0x1000, 1 << 20, 0, 1 << 20, true };
	struct ph_unwind_builder b;
	struct ph_elf_data data = { 0 };
	struct ph_cfi cfi = { 0 };
	ph_autobuf s = { 0 };
	uint32_t length;

	(void)state;
	/* CFA = RSP + 8, the return address below it; then one row a byte, no two alike. */
	ph_buf_add(&s, "\24\0\0\0" "\0\0\0\0" "\1zR\0" "\1\x78\x10\1\0" "\x0c\7\x08" "\x90\1" "\0\0", 24);
	ph_buf_add(&s, "\0\0\0\0" "\34\0\0\0" "\0\x10\0\0\0\0\0\0" "\0\0\x10\0\0\0\0\0" "\0", 25);
	for (uint32_t i = 0; i < 70000; i++) {
		uint8_t set[] = { 0x41, 0x0e, (uint8_t)(0x80 | (i & 0x7f)), (uint8_t)(0x80 | (i >> 7 & 0x7f)),
				  (uint8_t)(i >> 14) };

		ph_buf_add(&s, set, sizeof(set));
	}
	for (int i = 0; i < 20; i++)
		ph_buf_addc(&s, 0x0a);
	length = (uint32_t)(s.len - 28);
	memcpy(s.p + 24, &length, 4);
	data.p = (const uint8_t *)s.p;
	data.n = s.len;
	ph_cfi_read(&cfi, &data, false);
	assert_int_equal(cfi.dropped, 0);
	assert_int_equal(cfi.fdes.n, 1);
	ph_unwind_begin(&b, PH_UNWIND_X86_64, code.vaddr);
	ph_unwind_add(&b, &cfi, NULL, &code, 1);
	t = ph_unwind_finish(&b);
	ph_cfi_done(&cfi);
	assert_int_equal(t->nrules, 65536);
	for (uint32_t i = 0; i < 65000; i += 7)
		assert_int_equal(t->rules[ph_unwind_find(t, 0x1001 + i)].cfa_off, i);
	assert_int_equal(ph_unwind_find(t, 0x1000 + 69999), PH_RULE_NONE);
	assert_true(t->stats.bare[PH_WHY_FULL] > 4000);
	assert_int_equal(t->stats.bare[PH_WHY_DEEP], (1 << 20) - 70000);
}

/* Cut off anywhere, and with bytes changed: whatever comes of it, it is a table or none, and soon. */
static void test_broken(void **state)
{
	ph_autobuf b = { 0 };
	uint32_t x = 1;

	(void)state;
	read_all(PH_UNWIND_OBJECTS "/unwind_plain.so", &b);
	for (size_t n = 0; n < b.len; n += 1 + b.len / 300) {
		ph_auto(ph_unwind_free_ptr) struct ph_unwind_table *t = NULL;
		/* Of exactly this size, so that a byte read behind it is noticed. */
		ph_autofree char *part = malloc(n ? n : 1);

		memcpy(part, b.p, n);
		compile_image(part, n, &t);
	}
	for (int i = 0; i < 1000; i++) {
		ph_auto(ph_unwind_free_ptr) struct ph_unwind_table *t = NULL;
		ph_autofree char *part = malloc(b.len);

		memcpy(part, b.p, b.len);
		for (int k = 0; k < 20; k++) {
			x = x * 1664525 + 1013904223;
			part[(x >> 8) % b.len] = (char)x;
		}
		if (compile_image(part, b.len, &t))
			continue;
		for (uint64_t pc = t->base - 16; pc < t->base + 70000; pc += 997)
			assert_true(ph_unwind_find(t, pc) < t->nrules);
	}
}

/* The files named by the arguments, to compare other ones by hand. */
static char **given;

static void test_given(void **state)
{
	(void)state;
	for (char **path = given; *path; path++)
		compare_file(*path, NULL);
}

/* musl's way back from a handler: in the call it goes on behind it, where another function begins. */
static void sigreturn_in_code(void **state)
{
	static const uint8_t code[] = {
		0x31, 0xc0, 0xc3, 0x90,					/* xor %eax, %eax; ret */
		0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05,		/* mov $15, %rax; syscall */
		0x85, 0xf6, 0xc3,					/* test %esi, %esi; ret */
	};
	ph_auto(ph_unwind_free_ptr) struct ph_unwind_table *t = NULL;
	struct ph_unwind_builder b;

	ph_unwind_begin(&b, PH_UNWIND_X86_64, PH_UNWIND_PAGE);
	ph_unwind_gap(&b, code, sizeof(code));
	t = ph_unwind_finish(&b);
	assert_non_null(t);
	for (uint64_t at = 0; at < sizeof(code); at++)
		assert_int_equal(is_sigreturn(t, PH_UNWIND_PAGE + at), at >= 3 && at <= 13);
}

/* Code that contradicts itself has no rule, and not that of the function before it; padding has. */
static void contradiction_in_code(void **state)
{
	static const uint8_t code[48] = {
		[0] = 0x48, 0x83, 0xec, 0x18, 0x48, 0x83, 0xc4, 0x18, 0xc3,	/* sub $24, %rsp; add $24, %rsp; ret */
		0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,
		/* sub $8, %rsp; je 1f; add $8, %rsp; 1: ret */
		[16] = 0x48, 0x83, 0xec, 0x08, 0x74, 0x04, 0x48, 0x83, 0xc4, 0x08, 0xc3, 0x90, 0x90, 0x90, 0x90, 0x90,
		[32] = 0x48, 0x83, 0xec, 0x18, 0x48, 0x83, 0xc4, 0x18, 0xc3,
	};
	ph_auto(ph_unwind_free_ptr) struct ph_unwind_table *t = NULL;
	struct ph_unwind_builder b;

	(void)state;
	ph_unwind_begin(&b, PH_UNWIND_X86_64, PH_UNWIND_PAGE);
	ph_unwind_gap(&b, code, sizeof(code));
	t = ph_unwind_finish(&b);
	assert_non_null(t);
	for (uint64_t at = 0; at <= 40; at++)
		assert_int_equal(t->rules[ph_unwind_find(t, PH_UNWIND_PAGE + at)].cfa,
				 at >= 16 && at < 32 ? PH_CFA_NONE : PH_CFA_SP);
}

/* Entries are looked up by an address that they have; of two of one place that of .debug_frame is the second. */
static void test_find(void **state)
{
	static const struct ph_fde unsorted[] = {
		{ .begin = 64, .size = 8, .debug = true }, { .begin = 16, .size = 16 }, { .begin = 64, .size = 8 }, { .begin = 32, .size = 4 },
	};
	static const struct { uint64_t at, begin; } cases[] = {
		{ 0, 0 }, { 15, 0 }, { 16, 16 }, { 31, 16 }, { 32, 32 }, { 35, 32 }, { 36, 0 }, { 63, 0 }, { 64, 64 }, { 71, 64 }, { 72, 0 },
		{ UINT64_MAX, 0 },
	};
	struct ph_cfi c = { 0 };

	(void)state;
	assert_null(ph_cfi_find(&c, 16));
	for (size_t i = 0; i < PH_ARRAY_SIZE(unsorted); i++)
		*ph_vec_push(&c.fdes) = unsorted[i];
	ph_cfi_sort(&c);
	assert_false(c.fdes.v[2].debug);
	assert_true(c.fdes.v[3].debug);
	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		const struct ph_fde *f = ph_cfi_find(&c, cases[i].at);

		assert_int_equal(f ? f->begin : 0, cases[i].begin);
	}
	ph_cfi_done(&c);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest by_hand[] = { cmocka_unit_test(test_given) };
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_debug_frame),
		cmocka_unit_test(test_pushed_by_plt),
		cmocka_unit_test(test_arm64),
		cmocka_unit_test(test_libc),
		cmocka_unit_test(test_vdso),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_constants),
		cmocka_unit_test(test_no_sections),
		cmocka_unit_test(test_not_elf),
		cmocka_unit_test(test_huge),
		cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(contradiction_in_code),
		cmocka_unit_test(sigreturn_in_code),
	};

	given = argv + 1;
	if (argc > 1)
		return cmocka_run_group_tests(by_hand, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
