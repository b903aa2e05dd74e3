/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the child tells of files that are Ruby. */
#include "test.h"

#include <stdio.h>

#include "symbol_fixture.h"

#define OBJECT(name) PH_SYMBOL_OBJECTS "/symbol_" name ".so"

/* What runs the instructions, and what the compiler has put elsewhere of it: without a .symtab, too, that tells where. */
static void runs(const char *const paths[2], int version, enum ph_interp_tls_how how)
{
#ifdef __x86_64__
	ph_autofree char *exec = said("nm -S %s | sed -n 's/ [tT] rb_vm_exec$//p'", paths[0]);
	ph_autofree char *core = said("nm -S %s | sed -n 's/ t vm_exec_core$//p'", paths[0]);
	ph_autofree char *cold = said("nm -S %s | sed -n 's/ t vm_exec_core.cold$//p'", paths[0]);
	ph_autofree char *own = said("nm %s | sed -n 's/ [bB] ruby_current_ec$//p'", paths[0]);
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	unsigned long code_begin, code_size, begin, size, cold_begin = 0, cold_size = 0;

	assert_int_equal(sscanf(exec, "%lx %lx", &code_begin, &code_size), 2);
	assert_int_equal(sscanf(core, "%lx %lx", &begin, &size), 2);
#ifndef __clang__
	assert_int_equal(sscanf(cold, "%lx %lx", &cold_begin, &cold_size), 2);
#endif
	for (uint32_t i = 0; i < 2; i++) {
		const struct ph_interp *in;

		add_path(c, i, paths[i]);
		in = &ph_symchild_file(c, i)->interp;
		assert_int_equal(in->kind, PH_INTERP_RUBY);
		assert_int_equal(in->version, version);
		assert_int_equal(in->code_begin, code_begin);
		assert_int_equal(in->code_end, code_begin + code_size);
		assert_true(ph_interp_loops(in, begin) && ph_interp_loops(in, begin + size - 1) && !ph_interp_loops(in, begin + size));
		assert_int_equal(in->loop_cold_begin, cold_begin);
		assert_int_equal(in->loop_cold_end, cold_begin + cold_size);
		assert_true(!cold_begin || ph_interp_loops(in, cold_begin));
		assert_false(ph_interp_runs(in, begin) || ph_interp_loops(in, in->code_begin));
		assert_int_equal(in->own.how, how);
		/* The other is by what the dynamic linker writes. */
		if (how == PH_TLS_GLIBC)
			assert_int_equal(in->own.off, strtol(own, NULL, 16));
	}
#else
	/* Where its threads have their variables is not known. */
	(void)paths;
	(void)version;
	(void)how;
	skip();
#endif
}

static void test_exported(void **state)
{
	static const char *const paths[] = { OBJECT("ruby31"), OBJECT("ruby31_stripped") };

	(void)state;
	runs(paths, 31, PH_TLS_OFFSET);
}

static void test_not_exported(void **state)
{
	static const char *const paths[] = { OBJECT("ruby33"), OBJECT("ruby33_stripped") };

	(void)state;
	runs(paths, 33, PH_TLS_GLIBC);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exported),
		cmocka_unit_test(test_not_exported),
	};

	/* The child is this program. */
	if (ph_symchild_asked(argc, argv))
		return ph_symchild_main(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
