/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the child tells of files that are Ruby. */
#include "test.h"

#include <stdio.h>

#include "symbol_fixture.h"

#define OBJECT(name) PH_SYMBOL_OBJECTS "/symbol_" name ".so"

/* What runs the instructions, and what the compiler has put elsewhere of it: without a .symtab, too, that tells where. */
static void test_loop(void **state)
{
#ifdef __x86_64__
	ph_autofree char *core = said("nm -S %s | sed -n 's/ t vm_exec_core$//p'", OBJECT("ruby"));
	ph_autofree char *cold = said("nm -S %s | sed -n 's/ t vm_exec_core.cold$//p'", OBJECT("ruby"));
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	const char *const paths[] = { OBJECT("ruby"), OBJECT("ruby_stripped") };
	unsigned long begin, size, cold_begin = 0, cold_size = 0;

	assert_int_equal(sscanf(core, "%lx %lx", &begin, &size), 2);
#ifndef __clang__
	assert_int_equal(sscanf(cold, "%lx %lx", &cold_begin, &cold_size), 2);
#endif
	for (uint32_t i = 0; i < PH_ARRAY_SIZE(paths); i++) {
		const struct ph_interp *in;

		add_path(c, i, paths[i]);
		in = &ph_symchild_file(c, i)->interp;
		assert_int_equal(in->kind, PH_INTERP_RUBY);
		assert_int_equal(in->version, 31);
		assert_true(ph_interp_loops(in, begin) && ph_interp_loops(in, begin + size - 1) && !ph_interp_loops(in, begin + size));
		assert_int_equal(in->loop_cold_begin, cold_begin);
		assert_int_equal(in->loop_cold_end, cold_begin + cold_size);
		assert_true(!cold_begin || ph_interp_loops(in, cold_begin));
		assert_false(ph_interp_runs(in, begin) || ph_interp_loops(in, in->code_begin));
	}
#else
	/* Where its threads have their variables is not known. */
	skip();
#endif
	(void)state;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop),
	};

	/* The child is this program. */
	if (ph_symchild_asked(argc, argv))
		return ph_symchild_main(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
