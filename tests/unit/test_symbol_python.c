/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the child tells of files that are Python. */
#include "test.h"

#include <string.h>

#include "symbol_fixture.h"

#define OBJECT(name) PH_SYMBOL_OBJECTS "/symbol_python" name ".so"

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
		cmocka_unit_test(test_cold),
	};

	/* The child is this program. */
	if (ph_symchild_asked(argc, argv))
		return ph_symchild_main(argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
