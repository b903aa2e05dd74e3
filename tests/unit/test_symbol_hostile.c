/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "symbol/gopclntab.h"
#include "symbol/jit.h"
#include "symbol/open.h"
#include "symbol_fixture.h"

/* What containers may put in the place of programs and lists of names; and the lists themselves. */

static char dir[] = "/tmp/test_symbol_hostile.XXXXXX";

static const char *in_dir(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const void *p, size_t n, const char *mode)
{
	FILE *f = fopen(in_dir(name), mode);

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static int add_kind(struct ph_symchild *c, uint32_t file, const char *name, enum ph_symfile_kind kind)
{
	struct ph_symfile_new what = { .kind = kind, .path = name, .root = -1 };

	what.fd = ph_symopen(-1, 0, in_dir(name), 0);
	return what.fd < 0 ? what.fd : ph_symchild_add(c, file, &what, NULL);
}

/* Everything that can be asked of a file, as of one that nothing is known of. */
static void ask_all(struct ph_symchild *c, uint32_t file)
{
	struct ph_unwind_table *t = NULL;
	struct ph_symusdts u = { 0 };
	struct ph_symfuncs f = { 0 };
	size_t n;

	assert_non_null(ph_symchild_file(c, file));
	if (!ph_symchild_table(c, file, &t, NULL))
		ph_unwind_free(t);
	for (uint64_t vaddr = 0x1000; vaddr < 0x200000; vaddr += 0x7777)
		assert_non_null(ph_symchild_name(c, file, vaddr, &n)->name);
	if (!ph_symchild_find(c, file, "m*", 100, &f, NULL))
		ph_symfuncs_done(&f);
	if (!ph_symchild_usdt(c, file, "*", "*", 100, &u, NULL))
		ph_symusdts_done(&u);
}

static void others_are_well(struct ph_symchild *c)
{
	struct ph_symfuncs f;
	size_t n;

	assert_int_equal(ph_symchild_find(c, 1, "main", 0, &f, NULL), 0);
	assert_int_equal(f.list.n, 1);
	assert_string_equal(ph_symchild_name(c, 1, f.list.v[0].vaddr, &n)->name, "main");
	ph_symfuncs_done(&f);
}

/* Cut off at any place, and with bytes changed: headers, sections, symbols, debug information, frames. */
static void test_broken_elf(void **state)
{
	const char *path = PH_SYMBOL_OBJECTS "/symbol_usdt.so";
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	struct ph_buf whole = { 0 };
	uint32_t file = 10, seed = 12345;

	(void)state;
	add_path(c, 1, "/proc/self/exe");
	assert_int_equal(ph_read_file_at(AT_FDCWD, path, 1 << 22, &whole), 0);
	for (size_t i = 0; i < 40; i++, file++) {
		write_file("cut", whole.p, whole.len * i / 40, "w");
		assert_int_equal(add_kind(c, file, "cut", PH_SYMFILE_ELF), 0);
		ask_all(c, file);
		assert_int_equal(unlink(in_dir("cut")), 0);
	}
	for (size_t i = 0; i < 120; i++, file++) {
		ph_autofree char *changed = ph_alloc(whole.len);

		memcpy(changed, whole.p, whole.len);
		for (unsigned int k = 0; k < 1 + i % 8; k++) {
			/* Half of them in the headers: of the file and its segments in front, of the sections at the end. */
			size_t room = i % 4 == 0 ? 0x300 : i % 4 == 1 ? 2000 : whole.len, at;

			seed = seed * 1664525 + 1013904223;
			at = (seed >> 8) % room;
			changed[i % 4 == 1 ? whole.len - 1 - at : at] = (char)(seed >> 3);
		}
		write_file("changed", changed, whole.len, "w");
		assert_int_equal(add_kind(c, file, "changed", PH_SYMFILE_ELF), 0);
		ask_all(c, file);
		assert_int_equal(unlink(in_dir("changed")), 0);
	}
	others_are_well(c);
	ph_buf_done(&whole);
}

/* Sections of debug information that are compressed, and are not as long as they say, or not compressed so. */
static void test_broken_packed(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 1 << 20, 1 << 30, UINT64_MAX / 2, UINT64_MAX - 7, UINT64_MAX };
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	ph_autofree char *compile = ph_asprintf("echo 'int main(void) { return 0; }' | gcc -g -O2 -gz=zlib -o %s -xc -", in_dir("packed"));
	struct ph_buf whole = { 0 };
	unsigned int packed = 0;
	uint32_t file = 10;
	Elf64_Shdr *sh;

	(void)state;
	add_path(c, 1, "/proc/self/exe");
	assert_int_equal(system(compile), 0);
	assert_int_equal(ph_read_file_at(AT_FDCWD, in_dir("packed"), 1 << 22, &whole), 0);
	sh = (Elf64_Shdr *)(whole.p + ((Elf64_Ehdr *)whole.p)->e_shoff);
	for (unsigned int i = 0; i < ((Elf64_Ehdr *)whole.p)->e_shnum; i++) {
		char *at = whole.p + sh[i].sh_offset;
		uint64_t size = sh[i].sh_size;
		Elf64_Chdr was, now;

		if (!(sh[i].sh_flags & SHF_COMPRESSED))
			continue;
		packed++;
		memcpy(&was, at, sizeof(was));
		for (size_t k = 0; k < PH_ARRAY_SIZE(sizes) + 3; k++, file++) {
			now = was;
			if (k < PH_ARRAY_SIZE(sizes))
				now.ch_size = sizes[k];
			else if (k == PH_ARRAY_SIZE(sizes))
				now.ch_type = 77;
			else if (k == PH_ARRAY_SIZE(sizes) + 1)
				sh[i].sh_size = sizeof(now) - 1;
			else
				at[sizeof(now) + 2] ^= 0x55;
			memcpy(at, &now, sizeof(now));
			write_file("packed", whole.p, whole.len, "w");
			assert_int_equal(add_kind(c, file, "packed", PH_SYMFILE_ELF), 0);
			ask_all(c, file);
			assert_int_equal(unlink(in_dir("packed")), 0);
			memcpy(at, &was, sizeof(was));
			sh[i].sh_size = size;
			if (k == PH_ARRAY_SIZE(sizes) + 2)
				at[sizeof(now) + 2] ^= 0x55;
		}
	}
	assert_true(packed);
	others_are_well(c);
	assert_int_equal(ph_symchild_deaths(c), 0);
	ph_buf_done(&whole);
}

/* What is no regular file is not opened; and a file that is nothing but holes has nothing in it. */
static void test_other_files(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	ph_autofree char *fifo = ph_strdup(in_dir("fifo")), *zero = ph_strdup(in_dir("zero")),
			 *hole = ph_strdup(in_dir("hole"));
	int fd;

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(symlink("/dev/zero", zero), 0);
	assert_int_equal(add_kind(c, 2, "fifo", PH_SYMFILE_PERF_MAP), -ENOEXEC);
	assert_int_equal(add_kind(c, 2, "zero", PH_SYMFILE_PERF_MAP), -ENOEXEC);
	assert_int_equal(add_kind(c, 2, ".", PH_SYMFILE_PERF_MAP), -ENOEXEC);
	assert_int_equal(add_kind(c, 2, "none", PH_SYMFILE_PERF_MAP), -ENOENT);
	fd = open(hole, O_RDWR | O_CREAT, 0600);
	/* 10 GiB. */
	assert_int_equal(ftruncate(fd, 10LL << 30), 0);
	close(fd);
	add_path(c, 1, "/proc/self/exe");
	for (uint32_t kind = PH_SYMFILE_ELF; kind <= PH_SYMFILE_JITDUMP; kind++) {
		assert_int_equal(add_kind(c, 10 + kind, "hole", kind), 0);
		ask_all(c, 10 + kind);
	}
	others_are_well(c);
	assert_int_equal(ph_symchild_deaths(c), 0);
}

/* A file that is cut off while its symbols are mapped makes the child die, and nobody else lose anything. */
static void test_cut_off_while_read(void **state)
{
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	struct ph_buf whole = { 0 };
	size_t n;

	(void)state;
	add_path(c, 1, "/proc/self/exe");
	assert_int_equal(ph_read_file_at(AT_FDCWD, "/proc/self/exe", 1 << 28, &whole), 0);
	write_file("shrinks", whole.p, whole.len, "w");
	ph_buf_done(&whole);
	assert_int_equal(add_kind(c, 2, "shrinks", PH_SYMFILE_ELF), 0);
	ph_symchild_name(c, 2, 0x1000, &n);
	assert_int_equal(truncate(in_dir("shrinks"), 4096), 0);
	ask_all(c, 2);
	others_are_well(c);
}

static void name_is(struct ph_symchild *c, uint32_t file, uint64_t addr, const char *name)
{
	size_t n;

	assert_string_equal(ph_symchild_name(c, file, addr, &n)->name, name);
}

/* It grows while it is used, has names with blanks, lines that are none, and code in the place of other code. */
static void test_perf_map(void **state)
{
	static const char first[] = "7f0000001000 40 LazyCompile:~work /app/a b.js:12\n"
				    "0x7f0000002000 0x20 second\nnonsense\n7f00 zz x\n7f0000003000 10 \n"
				    "ffffffffffffffff 10 overflow\n7f0000004000 100 old\n7f0000005000 10 half";
	static const char then[] = " of it\n7f0000004080 20 new\n7f0000002000 40 _ZN4shop5OrderC1Ev\n";
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();

	(void)state;
	write_file("map", first, sizeof(first) - 1, "w");
	assert_int_equal(add_kind(c, 1, "map", PH_SYMFILE_PERF_MAP), 0);
	assert_int_equal(ph_symchild_file(c, 1)->from, PH_SYMBOL_JIT);
	name_is(c, 1, 0x7f000000103f, "LazyCompile:~work /app/a b.js:12");
	name_is(c, 1, 0x7f0000001040, "");
	name_is(c, 1, 0x7f0000002000, "second");
	name_is(c, 1, 0x7f0000003000, "");
	name_is(c, 1, 0x7f00000040f0, "old");
	name_is(c, 1, 0x7f0000005000, "");
	write_file("map", then, sizeof(then) - 1, "a");
	name_is(c, 1, 0x7f0000005000, "half of it");
	name_is(c, 1, 0x7f0000004090, "new");
	name_is(c, 1, 0x7f00000040a0, "old");
	name_is(c, 1, 0x7f0000002001, "shop::Order::Order()");
	/* What is no version of a linker's, and what took the place of other code. */
	write_file("map", "7f0000004080 20 JS:*f /app/@scope/x.js:1\n", 41, "a");
	name_is(c, 1, 0x7f0000004090, "JS:*f /app/@scope/x.js:1");
	/* Written anew: shorter, longer, as long. */
	write_file("map", "1000 10 other\n", 14, "w");
	name_is(c, 1, 0x1008, "other");
	write_file("map", "2000 10 first\n1000 10 second\n", 29, "w");
	name_is(c, 1, 0x1008, "second");
	name_is(c, 1, 0x2008, "first");
	write_file("map", "2000 10 first\n1000 10 SECOND\n", 29, "w");
	name_is(c, 1, 0x1008, "SECOND");
	assert_int_equal(ph_symchild_deaths(c), 0);
}

/* What is newest is what is there, in a map of any size. */
static void test_large_map(void **state)
{
	static const char last[] = "1000 10 half of a line\n2000 10 there\n";
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	const struct ph_jitcode *is[PH_JIT_VERSIONS];
	struct ph_jit j = { .kind = PH_JIT_PERF_MAP };
	char line[64];

	(void)state;
	write_file("large", "3000 10 gone\n", 13, "w");
	assert_int_equal(truncate(in_dir("large"), 100 << 20), 0);
	write_file("large", last, sizeof(last) - 1, "a");
	assert_int_equal(truncate(in_dir("large"), (64 << 20) + (100 << 20)), 0);
	write_file("large", "\n4000 10 last\n", 14, "a");
	assert_int_equal(add_kind(c, 1, "large", PH_SYMFILE_PERF_MAP), 0);
	name_is(c, 1, 0x4000, "last");
	name_is(c, 1, 0x2000, "there");
	name_is(c, 1, 0x1000, "");
	name_is(c, 1, 0x3000, "");
	write_file("large", "5000 10 later\n", 14, "a");
	name_is(c, 1, 0x5000, "later");
	name_is(c, 1, 0x2000, "there");
	ph_jit_lines(&j, "1000 10 old\n", 12);
	for (unsigned int i = 0; i < 1000000; i++)
		ph_jit_lines(&j, line, (size_t)snprintf(line, sizeof(line), "%x 10 f%u\n", 0x100000 + 16 * i, i));
	ph_jit_lines(&j, "1000 10 new\n", 12);
	assert_int_equal(ph_jit_find(&j, 0x1000, is), 1);
	assert_string_equal(is[0]->name, "new");
	assert_int_equal(ph_jit_find(&j, 0x100000 + 16 * 500000, is), 1);
	assert_string_equal(is[0]->name, "f500000");
	ph_jit_done(&j);
}

static int open_perf_map(void)
{
	ph_autoclose int fd = ph_symfind_perf_map(getpid());

	return fd < 0 ? fd : ph_symread(fd, getpid(), 0, NULL);
}

/* By the process's own number, in its own root. */
static void test_perf_map_of_process(void **state)
{
	ph_autofree char *path = ph_asprintf("/tmp/perf-%d.map", getpid());
	struct ph_symfile_new what = { .kind = PH_SYMFILE_PERF_MAP, .path = path, .root = -1 };
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	FILE *f;

	(void)state;
	unlink(path);
	assert_int_equal(open_perf_map(), -ENOENT);
	assert_int_equal(symlink("/proc/self/exe", path), 0);
	assert_int_equal(open_perf_map(), -ENOEXEC);
	unlink(path);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("4000 10 mine\n", f);
	fclose(f);
	what.fd = open_perf_map();
	unlink(path);
	assert_true(what.fd >= 0);
	assert_int_equal(ph_symchild_add(c, 1, &what, NULL), 0);
	name_is(c, 1, 0x400f, "mine");
}

static uint64_t record_ns = 1;

static void record(struct ph_buf *b, uint32_t id, uint64_t a, uint64_t d, uint64_t e, uint64_t f, const char *name,
		   size_t code)
{
	const uint64_t rest[] = { record_ns, 0x200000001, a, d, e, f };
	uint32_t size = (uint32_t)(8 + sizeof(rest) + (id ? 8 : strlen(name) + 1) + code);
	static const char filler[100000];

	ph_buf_add(b, &id, 4);
	ph_buf_add(b, &size, 4);
	ph_buf_add(b, rest, sizeof(rest));
	if (!id)
		ph_buf_add(b, name, strlen(name) + 1);
	else
		ph_buf_add(b, &f, 8);
	ph_buf_add(b, filler, code);
}

/* What was at an address, the newest first. */
static void versions_are(struct ph_symchild *c, uint32_t file, uint64_t vaddr, const char *want)
{
	ph_autobuf is = { 0 };
	size_t n;
	const struct ph_symname *names = ph_symchild_name(c, file, vaddr, &n);

	for (size_t i = 0; i < n; i++)
		ph_buf_addf(&is, "%s%s %lu", i ? "," : "", names[i].name, (unsigned long)names[i].since_ns);
	assert_string_equal(is.p, want);
}

static void test_jitdump(void **state)
{
	static const char header[40] = "DTiJ\1\0\0\0\50";
	char timeless[sizeof(header)];
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	ph_autobuf b = { 0 };

	(void)state;
	ph_buf_add(&b, header, sizeof(header));
	/* vma, code_addr, size, index; name; code. Some code is longer than what is read at once. */
	record(&b, 0, 0x1000, 0x1000, 0x100, 1, "one", 0x100);
	record(&b, 0, 0x2000, 0x2000, 0x100, 2, "two", 90000);
	for (unsigned int i = 0; i < 3000; i++)
		record(&b, 0, 0x100000 + i * 64, 0x100000 + i * 64, 64, i, "many", 64);
	record(&b, 0, 0x3000, 0x3000, 0x100, 3, "three", 0x100);
	/* vma, old, new, size */
	record(&b, 1, 0x3000, 0x3000, 0x9000, 0x100, "", 0);
	write_file("dump", b.p, b.len, "w");
	assert_int_equal(add_kind(c, 1, "dump", PH_SYMFILE_JITDUMP), 0);
	name_is(c, 1, 0x10ff, "one");
	name_is(c, 1, 0x1100, "");
	name_is(c, 1, 0x2001, "two");
	name_is(c, 1, 0x100000 + 2999 * 64 + 63, "many");
	name_is(c, 1, 0x3001, "three");
	name_is(c, 1, 0x9001, "three");
	ph_buf_clear(&b);
	/* In the place of another: both, with when that was. */
	record_ns = 77;
	record(&b, 0, 0x1000, 0x1000, 0x80, 4, "four", 0x80);
	record_ns = 88;
	record(&b, 1, 0x1000, 0x1000, 0x9010, 0x20, "", 0);
	record_ns = 1;
	write_file("dump", b.p, b.len, "a");
	versions_are(c, 1, 0x1010, "four 77,one 1");
	versions_are(c, 1, 0x1080, "one 1");
	versions_are(c, 1, 0x9010, "four 88,three 1");
	/* Times that are those of a processor say nothing. */
	memcpy(timeless, header, sizeof(header));
	timeless[32] = 1;
	write_file("timeless", timeless, sizeof(timeless), "w");
	write_file("timeless", b.p, b.len, "a");
	assert_int_equal(add_kind(c, 3, "timeless", PH_SYMFILE_JITDUMP), 0);
	versions_are(c, 3, 0x1010, "four 0");
	ph_buf_clear(&b);
	record(&b, 0, 0x5000, 0x5000, 0x100, 3, "later", 0x100);
	write_file("dump", b.p, b.len, "a");
	name_is(c, 1, 0x5001, "later");
}

/* The runtime's table of Go 1.20, as `go build` writes it. */
static void test_gopclntab(void **state)
{
	struct ph_symtab t = { 0 };
	ph_autobuf b = { 0 };
	const uint64_t head[] = { 0x08010000fffffff1, 2, 1, 0x401000, 72, 0, 0, 0, 104 };
	const uint32_t funcs[] = { 0, 20, 0x40, 28, 0x90, 0x00, 1, 0x40, 11 };

	(void)state;
	ph_buf_add(&b, head, sizeof(head));
	ph_buf_add(&b, "\0main.main\0runtime.goexit", 26);
	ph_buf_add(&b, "\0\0\0\0\0", 6);
	ph_buf_add(&b, funcs, sizeof(funcs));
	assert_int_equal(ph_gopclntab_add(&t, (uint8_t *)b.p, b.len, 0), 2);
	ph_symtab_sort(&t);
	assert_string_equal(ph_symtab_find(&t, 0x401000)->name, "main.main");
	assert_string_equal(ph_symtab_find(&t, 0x40103f)->name, "main.main");
	assert_string_equal(ph_symtab_find(&t, 0x401040)->name, "runtime.goexit");
	assert_null(ph_symtab_find(&t, 0x401090));
	ph_symtab_done(&t);
	for (size_t n = 0; n < b.len; n++) {
		ph_autofree uint8_t *cut = ph_alloc(n + 1);

		memcpy(cut, b.p, n);
		ph_gopclntab_add(&t, cut, n, 0x1000);
	}
	ph_symtab_done(&t);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broken_elf), cmocka_unit_test(test_broken_packed),
		cmocka_unit_test(test_other_files),
		cmocka_unit_test(test_cut_off_while_read),
		cmocka_unit_test(test_perf_map),
		cmocka_unit_test(test_large_map),
		cmocka_unit_test(test_perf_map_of_process),
		cmocka_unit_test(test_jitdump),
		cmocka_unit_test(test_gopclntab),
	};

	return symbol_tests(argc, argv, dir, tests);
}
