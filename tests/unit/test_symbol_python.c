/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the child tells of files that are Python: where that has what, which from 3.13 on each file says of itself. */
#include "test.h"

#include <string.h>

#include "symbol_fixture.h"

#define OBJECT(name) PH_SYMBOL_OBJECTS "/symbol_python" name ".so"

/* Copy a file of ours with a word of its _PyRuntime changed. */
static char *with_word(const char *object, size_t i, uint64_t word)
{
	ph_autofree char *at = said("readelf -W --dyn-syms %s | awk '$8 == \"_PyRuntime\" { print $2, $7 }'", object);
	char *path = ph_strdup("/tmp/symbol_python.XXXXXX");
	unsigned long vaddr, section, begin, offset;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(sscanf(at, "%lx %lu", &vaddr, &section), 2);
	ph_autofree char *where = said("cp %s %s; readelf -W -S %s | sed -n 's/^ *\\[ *%lu\\] [^ ]* *PROGBITS *//p'", object, path, object, section);
	assert_int_equal(sscanf(where, "%lx %lx", &begin, &offset), 2);
	assert_int_equal(pwrite(fd, &word, sizeof(word), (off_t)(offset + vaddr - begin + 8 * i)), sizeof(word));
	close(fd);
	return path;
}

/* As these versions were seen to be, by their programs' stacks. */
static void test_offsets(void **state)
{
	static const struct {
		const char *path;
		unsigned int head, threads, bytes, entry, thread;
	} files[] = {
		{ OBJECT("13"), 632, 7344, 200, 70, 152 }, { OBJECT("14"), 808, 7344, 208, 74, 152 },
		{ OBJECT("15"), 936, 7336, 208, 74, 176 }, { OBJECT("13_stripped"), 632, 7344, 200, 70, 152 },
	};
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();

	(void)state;
	for (uint32_t i = 0; i < PH_ARRAY_SIZE(files); i++) {
		ph_autofree char *root = said("nm -D %s | sed -n 's/ [BD] _PyRuntime$//p'", files[i].path);
		const struct ph_interp *in;

		add_path(c, i, files[i].path);
		in = &ph_symchild_file(c, i)->interp;
		assert_int_equal(in->kind, PH_INTERP_PYTHON);
		assert_int_equal(in->root, strtoull(root, NULL, 16));
		assert_int_equal(in->frames, PH_PY_SHIM);
		assert_int_equal(in->runtime_head, files[i].head);
		assert_int_equal(in->interp_threads, files[i].threads);
		assert_int_equal(in->thread_id, files[i].thread);
		assert_int_equal(in->thread_frame, 72);
		assert_int_equal(in->frame_back, 8);
		assert_int_equal(in->frame_code, 0);
		assert_int_equal(in->frame_lasti, 56);
		assert_int_equal(in->frame_entry, files[i].entry);
		assert_int_equal(in->code_bytes, files[i].bytes);
		assert_int_equal(in->code_file, 112);
		assert_int_equal(in->code_name, 128);
		assert_int_equal(in->code_line, 68);
		assert_int_equal(in->code_lines, 136);
		assert_int_equal(in->text, 40);
	}
}

/* Where it cannot be told, that is said. */
static void test_unknown(void **state)
{
	static const struct {
		const char *path;
		size_t word;
		uint64_t is;
		const char *says;
	} files[] = {
		{ OBJECT("16"), 2, 0, ": Python 3.16" },
		{ OBJECT("13"), 2, 1, ": Python without its global lock" },
		{ OBJECT("13"), 0, 0, ": a Python 3.13 that does not tell where it has what" },
		{ OBJECT("14"), 1, 0x030d00f0, ": a Python 3.14 that does not tell where it has what" },
		/* An offset of no structure that there may be; a string that begins elsewhere. */
		{ OBJECT("14"), 9, 65536, ": a Python 3.14 of another layout" },
		{ OBJECT("15"), 88, 40, ": a Python 3.15 of another layout" },
	};
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();

	(void)state;
	for (uint32_t i = 0; i < PH_ARRAY_SIZE(files); i++) {
		ph_autofree char *path = with_word(files[i].path, files[i].word, files[i].is);
		ph_autofree char *says = ph_asprintf("%s%s", path, files[i].says);
		const struct ph_symfile *f;

		add_path(c, i, path);
		unlink(path);
		f = ph_symchild_file(c, i);
		assert_int_equal(f->interp.kind, PH_INTERP_NONE);
		assert_non_null(f->interp_message);
		assert_string_equal(f->interp_message, says);
	}
}

/* What the compiler has put elsewhere of the function: without a .symtab, too, that tells where. */
static void test_cold(void **state)
{
	ph_autofree char *nm = said("nm -S %s | sed -n 's/ t _PyEval_EvalFrameDefault.cold$//p'", OBJECT("13"));
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	const char *const paths[] = { OBJECT("13"), OBJECT("13_stripped") };
	unsigned long begin = 0, size = 0;

	(void)state;
#ifndef __clang__
	assert_int_equal(sscanf(nm, "%lx %lx", &begin, &size), 2);
#endif
	for (uint32_t i = 0; i < PH_ARRAY_SIZE(paths); i++) {
		const struct ph_interp *in;

		add_path(c, i, paths[i]);
		in = &ph_symchild_file(c, i)->interp;
		assert_int_equal(in->cold_begin, begin);
		assert_int_equal(in->cold_end, begin + size);
		assert_true(!begin || ph_interp_runs(in, begin));
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_cold),
	};

	/* The child is this program. */
	if (ph_symchild_asked(argc, argv))
		return ph_symchild_main(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
