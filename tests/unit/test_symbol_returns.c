/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where functions return: machine code of x86_64 and arm64 in files that are made of it, whichever of them this runs on; and what objdump
 * finds in a library.
 */
#include "test.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "symbol_fixture.h"

static char dir[] = "/tmp/porthole-returns.XXXXXX";

#define TEXT 0x1000		/* where code is, in the file; in memory BASE behind that */
#define BASE 0x400000

struct function {
	const char *name, *hex;
};

/* "c3 0f 05": bytes; "d65f03c0!": a word, the lowest byte first. */
static void code(struct ph_buf *b, const char *hex)
{
	unsigned int v;
	int used;
	char end;

	for (; sscanf(hex, " %x%n", &v, &used) == 1; hex += used + (end == '!')) {
		end = hex[used];
		ph_buf_add(b, &v, end == '!' ? 4 : 1);
	}
}

/* A file of these functions, one behind the other; @go: with the table of a Go program. */
static char *make(int machine, const struct function *f, size_t n, const uint32_t *go)
{
	enum { NONE, TEXT_SECTION, SYMTAB, STRTAB, SHSTRTAB, GO };
	static const char names[] = "\0.text\0.symtab\0.strtab\0.shstrtab\0.gopclntab";
	struct ph_buf file = { 0 }, syms = { 0 }, strs = { 0 }, text = { 0 };
	Elf64_Shdr sh[GO + 1] = { 0 };
	Elf64_Ehdr eh = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_DYN, .e_version = EV_CURRENT,
			  .e_machine = (Elf64_Half)machine, .e_ehsize = sizeof(eh), .e_phoff = sizeof(eh), .e_phnum = 1,
			  .e_phentsize = sizeof(Elf64_Phdr), .e_shentsize = sizeof(*sh), .e_shnum = go ? GO + 1 : GO, .e_shstrndx = SHSTRTAB };
	Elf64_Phdr ph = { .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_offset = TEXT, .p_vaddr = BASE + TEXT, .p_align = 0x1000 };
	ph_autofree char *path = ph_asprintf("%s/file", dir);
	FILE *out;

	ph_buf_add(&syms, &(Elf64_Sym){ 0 }, sizeof(Elf64_Sym));
	ph_buf_addc(&strs, 0);
	for (size_t i = 0; i < n; i++) {
		Elf64_Sym s = { .st_name = (Elf64_Word)strs.len, .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = TEXT_SECTION,
				.st_value = BASE + TEXT + text.len };

		code(&text, f[i].hex);
		s.st_size = BASE + TEXT + text.len - s.st_value;
		ph_buf_add(&syms, &s, sizeof(s));
		ph_buf_add(&strs, f[i].name, strlen(f[i].name) + 1);
	}
	sh[TEXT_SECTION] = (Elf64_Shdr){ 1, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, BASE + TEXT, TEXT, text.len, 0, 0, 4, 0 };
	sh[SYMTAB] = (Elf64_Shdr){ 7, SHT_SYMTAB, 0, 0, TEXT + text.len, syms.len, STRTAB, 1, 8, sizeof(Elf64_Sym) };
	sh[STRTAB] = (Elf64_Shdr){ 15, SHT_STRTAB, 0, 0, sh[SYMTAB].sh_offset + syms.len, strs.len, 0, 0, 1, 0 };
	sh[SHSTRTAB] = (Elf64_Shdr){ 23, SHT_STRTAB, 0, 0, sh[STRTAB].sh_offset + strs.len, sizeof(names), 0, 0, 1, 0 };
	sh[GO] = (Elf64_Shdr){ 33, SHT_PROGBITS, 0, 0, sh[SHSTRTAB].sh_offset + sizeof(names), sizeof(*go), 0, 0, 1, 0 };
	ph.p_filesz = ph.p_memsz = text.len;
	eh.e_shoff = sh[GO].sh_offset + sizeof(*go);
	ph_buf_add(&file, &eh, sizeof(eh));
	ph_buf_add(&file, &ph, sizeof(ph));
	while (file.len < TEXT)
		ph_buf_addc(&file, 0);
	ph_buf_add(&file, text.p, text.len);
	ph_buf_add(&file, syms.p, syms.len);
	ph_buf_add(&file, strs.p, strs.len);
	ph_buf_add(&file, names, sizeof(names));
	ph_buf_add(&file, go ? go : &(uint32_t){ 0 }, sizeof(*go));
	ph_buf_add(&file, sh, sizeof(sh));
	out = fopen(path, "w");
	assert_non_null(out);
	assert_int_equal(fwrite(file.p, 1, file.len, out), file.len);
	assert_int_equal(fclose(out), 0);
	ph_buf_done(&file);
	ph_buf_done(&syms);
	ph_buf_done(&strs);
	ph_buf_done(&text);
	return ph_take(path);
}

/* Offsets from the first function's begin, or the sentence. */
static char *returns(struct ph_symchild *c, uint32_t file, uint64_t vaddr, uint64_t size)
{
	ph_symoffsets at;
	struct ph_err err = { 0 };
	ph_autobuf b = { 0 };

	if (ph_symchild_returns(c, file, vaddr, size, &at, &err) < 0)
		return ph_strdup(err.msg);
	ph_buf_adds(&b, "");
	ph_vec_each(o, &at)
		ph_buf_addf(&b, "%s%ld", b.len ? " " : "", (long)(*o - TEXT));
	ph_vec_done(&at);
	return ph_buf_steal(&b);
}

#define JUMPS "it may leave by a jump into another function"
#define UNKNOWN "its machine code is not understood"
#define GO_1_16 0xfffffffa
#define GO_1_18 0xfffffff0

static void test_code(void **state)
{
	static const struct {
		int machine;
		const char *hex, *cold;
		uint32_t go;
		const char *is;
	} cases[] = {
		/* ret; repz ret; ret $8; bnd ret */
		{ EM_X86_64, "c3", NULL, 0, "0" },
		{ EM_X86_64, "31 c0 f3 c3 c2 08 00 f2 c3", NULL, 0, "2 4 7" },
		/* What looks like one within an instruction: mov $0xc3c3c3c3, %eax */
		{ EM_X86_64, "b8 c3 c3 c3 c3 c3", NULL, 0, "5" },
		/* test; je +1; ret; ret: both. A call returns here. */
		{ EM_X86_64, "85 ff 74 01 c3 e8 00 10 00 00 c3", NULL, 0, "4 10" },
		/* jmp to itself, and one past its end; a branch there */
		{ EM_X86_64, "eb fe c3", NULL, 0, "2" },
		{ EM_X86_64, "eb 01 c3", NULL, 0, JUMPS },
		{ EM_X86_64, "75 01 c3", NULL, 0, JUMPS },
		{ EM_X86_64, "e9 00 00 00 80 c3", NULL, 0, JUMPS },
		/* jmp *%rax: of C a tail call or a switch, of Go a switch */
		{ EM_X86_64, "ff e0 c3", NULL, 0, JUMPS },
		{ EM_X86_64, "ff e0 c3", NULL, GO_1_18, "2" },
		{ EM_X86_64, "c3", NULL, GO_1_16, "it is of Go before 1.18, which does not tell who runs" },
		/* A part of it elsewhere, to which it jumps and which jumps back. */
		{ EM_X86_64, "75 02 c3 c3", "eb fa c3", 0, "2 3 6" },
		{ EM_X86_64, "75 02 c3 c3", "e9 00 01 00 00 c3", 0, JUMPS },
		/* Bytes that are no instruction, and one that is cut off. */
		{ EM_X86_64, "06 c3", NULL, 0, UNKNOWN },
		{ EM_X86_64, "c3 48", NULL, 0, UNKNOWN },
		{ EM_X86_64, "c3 e8 00", NULL, 0, UNKNOWN },
		/* It never returns: hlt; jmp */
		{ EM_X86_64, "f4 eb fd", NULL, 0, "" },
		/* ret; ret x1; retaa; retab */
		{ EM_AARCH64, "d65f03c0!", NULL, 0, "0" },
		{ EM_AARCH64, "d503201f! d65f0020! d65f0bff! d65f0fff!", NULL, 0, "4 8 12" },
		/* b: to itself, back, beyond the end; bl is none */
		{ EM_AARCH64, "14000000! d65f03c0!", NULL, 0, "4" },
		{ EM_AARCH64, "d503201f! 17ffffff! d65f03c0!", NULL, 0, "8" },
		{ EM_AARCH64, "14000002! d65f03c0!", NULL, 0, JUMPS },
		{ EM_AARCH64, "94000400! d65f03c0!", NULL, 0, "4" },
		/* b.ne +4, cbz w0 -4, cbnz x1 +8: within; the same beyond */
		{ EM_AARCH64, "54000021! 34ffffe0! b5000041! d503201f! d65f03c0!", NULL, 0, "16" },
		{ EM_AARCH64, "54000041! d65f03c0!", NULL, 0, JUMPS },
		{ EM_AARCH64, "34ffffe0! d65f03c0!", NULL, 0, JUMPS },
		{ EM_AARCH64, "b5000041! d65f03c0!", NULL, 0, JUMPS },
		/* tbz w0, #0, +4; tbnz x0, #63, -4 */
		{ EM_AARCH64, "36000020! b7ffffe0! d65f03c0!", NULL, 0, "8" },
		{ EM_AARCH64, "36000040! d65f03c0!", NULL, 0, JUMPS },
		{ EM_AARCH64, "b7ffffe0! d65f03c0!", NULL, 0, JUMPS },
		/* br x16; braaz x0; br of Go's switch */
		{ EM_AARCH64, "d61f0200! d65f03c0!", NULL, 0, JUMPS },
		{ EM_AARCH64, "d61f081f! d65f03c0!", NULL, 0, JUMPS },
		{ EM_AARCH64, "d61f0200! d65f03c0!", NULL, GO_1_18, "4" },
		{ EM_AARCH64, "54000061! d65f03c0! d65f03c0!", "17fffffe! d65f03c0!", 0, "4 8 16" },
		/* Half an instruction at its end. */
		{ EM_AARCH64, "d65f03c0! c0 03", NULL, 0, UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		const struct function f[] = { { "f", cases[i].hex }, { "f.cold", cases[i].cold } };
		ph_autofree char *path = make(cases[i].machine, f, cases[i].cold ? 2 : 1, cases[i].go ? &cases[i].go : NULL), *is = NULL;
		ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
		ph_autobuf bytes = { 0 };

		code(&bytes, f[0].hex);
		add_path(c, 1, path);
		is = returns(c, 1, BASE + TEXT, bytes.len);
		if (strcmp(is, cases[i].is) != 0)
			fail_msg("%s: %s, not %s", cases[i].hex, is, cases[i].is);
		assert_int_equal(ph_symchild_file(c, 1)->from & (PH_SYMBOL_GO | PH_SYMBOL_GO_OLD),
				 !cases[i].go ? 0 : PH_SYMBOL_GO | (cases[i].go == GO_1_16 ? PH_SYMBOL_GO_OLD : 0));
		assert_int_equal(ph_symchild_deaths(c), 0);
	}
}

/* What the file says of where the function is, and how large. */
static void test_bounds(void **state)
{
	static const char nowhere[] = "nobody knows where it ends";
	const struct function f[] = { { "f", "c3 c3 c3 c3" } };
	ph_autofree char *path = make(EM_X86_64, f, 1, NULL);
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	static const struct {
		uint64_t vaddr, size;
	} cases[] = {
		{ BASE + TEXT, 0 }, { BASE + TEXT, 1ull << 40 }, { BASE + TEXT, UINT64_MAX }, { BASE, 4 }, { BASE + TEXT + 4, 1 },
		{ UINT64_MAX, 1 }, { UINT64_MAX - 1, UINT64_MAX }, { 0, 16 },
	};

	(void)state;
	add_path(c, 1, path);
	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		ph_autofree char *is = returns(c, 1, cases[i].vaddr, cases[i].size);

		assert_string_equal(is, nowhere);
	}
	assert_int_equal(ph_symchild_deaths(c), 0);
}

/* A function that is nothing but returns is no function: to probe each of them would be what its author wants. */
static void test_too_many(void **state)
{
	ph_autobuf hex = { 0 };
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	ph_autofree char *path = NULL, *most = NULL, *more = NULL;
	struct function f = { .name = "f" };

	(void)state;
	for (int i = 0; i < 5000; i++)
		ph_buf_adds(&hex, "c3 ");
	f.hex = hex.p;
	path = make(EM_X86_64, &f, 1, NULL);
	add_path(c, 1, path);
	most = returns(c, 1, BASE + TEXT, 4096);
	assert_memory_equal(most, "0 1 2 3", 7);
	more = returns(c, 1, BASE + TEXT, 4097);
	assert_string_equal(more, "it has more than 4096 instructions that return");
}

/* Any bytes: an answer, or a sentence, and no place outside. */
static void test_hostile(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	uint32_t seed = 4711;

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		const char *names[] = { "f", i % 3 ? "g" : "f.cold" };
		struct ph_buf hex[2] = { { 0 }, { 0 } };
		struct function f[2];
		ph_autofree char *path = NULL;
		ph_symoffsets at;

		for (size_t k = 0; k < 2; k++) {
			for (unsigned int n = 0; n < 40; n++) {
				seed = seed * 1664525 + 1013904223;
				ph_buf_addf(&hex[k], "%x ", (seed >> 24) % 5 ? seed >> 16 & 0xff : 0xc3);
			}
			f[k] = (struct function){ names[k], hex[k].p };
		}
		path = make(i % 2 ? EM_X86_64 : EM_AARCH64, f, 2, NULL);
		add_path(c, i, path);
		if (ph_symchild_returns(c, i, BASE + TEXT, 40, &at, NULL) == 0)
			ph_vec_each(o, &at)
				assert_in_range(*o, TEXT, TEXT + 79);
		ph_vec_done(&at);
		ph_buf_done(&hex[0]);
		ph_buf_done(&hex[1]);
	}
	assert_int_equal(ph_symchild_deaths(c), 0);
}

/* What objdump shows of the C library, function by function. */
static void test_objdump(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	ph_autofree char *path = said("ldd /bin/sh | awk '$1 == \"libc.so.6\" { printf \"%%s\", $3 }'"), *theirs = NULL;
	PH_VEC(uint64_t) all = { 0 };
	struct ph_symfuncs funcs;
	size_t compared = 0;

	(void)state;
	if (system("objdump --version >/dev/null 2>&1") != 0)
		skip();
	add_path(c, 1, path);
	theirs = said("objdump -d --no-show-raw-insn '%s' | awk '$2 ~ /^ret/ || $3 ~ /^ret/ { print $1 }'", path);
	for (char *p = theirs, *end; strtoull(p, &end, 16) && end > p; p = end + strcspn(end, "\n"))
		*ph_vec_push(&all) = strtoull(p, NULL, 16);
	assert_int_equal(ph_symchild_find(c, 1, "str*", 1000, &funcs, NULL), 0);
	ph_vec_each(f, &funcs.list) {
		ph_symoffsets at;
		size_t k = 0;

		if (f->chosen || !f->size || ph_symchild_returns(c, 1, f->vaddr, f->size, &at, NULL) < 0)
			continue;
		ph_vec_each(a, &all) {
			if (*a - f->vaddr >= f->size)
				continue;
			if (k >= at.n || at.v[k] - f->offset != *a - f->vaddr)
				fail_msg("%s returns at 0x%lx, says objdump", f->name, *a);
			k++;
		}
		assert_int_equal(k, at.n);
		compared++;
		ph_vec_done(&at);
	}
	ph_symfuncs_done(&funcs);
	ph_vec_done(&all);
	assert_true(compared > 10);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code), cmocka_unit_test(test_bounds), cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_objdump),
	};

	return symbol_tests(argc, argv, dir, tests);
}
