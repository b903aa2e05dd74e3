/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments of functions by their names: what g++ wrote of them, in DWARF 4 and 5. */
#include "test.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "symbol_fixture.h"

/* x86_64 hands over where a large result is to be put as the first argument. */
#if defined(__x86_64__)
#define PH_SECOND "2"
#define PH_THIRD "3"
#else
#define PH_SECOND "1"
#define PH_THIRD "2"
#endif

static char dir[] = "/tmp/porthole-args.XXXXXX";

static uint64_t address(struct ph_symchild *c, const char *function)
{
	struct ph_symfuncs f;
	uint64_t at;

	assert_int_equal(ph_symchild_find(c, 1, function, 2, &f, NULL), 0);
	assert_int_equal(f.list.n, 1);
	at = f.list.v[0].vaddr;
	ph_symfuncs_done(&f);
	return at;
}

static char *arg(struct ph_symchild *c, const char *function, const char *text)
{
	static const char *const kinds[] = { "", " address", " text" };
	struct ph_symarg a;
	struct ph_err err = { 0 };
	ph_autobuf b = { 0 };

	if (ph_symchild_arg(c, 1, address(c, function), text, &a, &err) < 0)
		return ph_strdup(err.msg);
	ph_buf_addf(&b, "%u", a.argument);
	for (unsigned int i = 0; i <= a.loads; i++)
		ph_buf_addf(&b, "%s+%ld", i ? " *" : "", a.add[i]);
	ph_buf_addf(&b, " %u%s%s", a.size, a.is_signed ? "s" : "", kinds[a.kind]);
	return ph_buf_steal(&b);
}

static void test_names(void **state)
{
	/* What is in two registers hides what is behind it; a large result is an argument. */
	static const struct {
		const char *function, *text, *is;
	} cases[] = {
		{ "args_plain", "a", "1+0 4s" },
		{ "args_plain", "b", "2+0 2" },
		{ "args_plain", "c", "3+0 8 text" },
		{ "args_plain", "d", "'d' is a floating-point number, which is in no register that can be read" },
		{ "args_plain", "e", "4+0 8s" },
		{ "args_plain", "req", "5+0 8 address" },
		{ "args_plain", "req->first", "5+0 *+0 4" },
		{ "args_plain", "req->id", "5+8 *+0 8s" },
		{ "args_plain", "req->small", "5+16 *+0 1" },
		{ "args_plain", "req->large", "5+16 *+0 4" },
		{ "args_plain", "req->done", "5+20 *+0 1" },
		{ "args_plain", "req->inside.name", "5+24 8 text" },
		{ "args_plain", "req->inside.port", "5+48 *+0 2s" },
		{ "args_plain", "req->outside->title", "5+56 *+16 *+0 8 text" },
		{ "args_plain", "req->outside.port", "5+56 *+24 *+0 2s" },
		{ "args_plain", "req->next->next->id", "5+64 *+64 *+8 *+0 8s" },
		{ "args_plain", "req->colour", "5+88 *+0 4" },
		{ "args_plain", "req->bits", "'req->bits': bit fields are not read" },
		{ "args_plain", "req->ratio", "'req->ratio' is of a type that is not read (double)" },
		{ "args_plain", "req->inside", "'req->inside' is a struct: name one of its members" },
		{ "args_plain", "req->none", "'req->none': 'request' has no member 'none'" },
		{ "args_plain", "a->b", "'a->b': what stands in front of '->b' is no pointer" },
		{ "args_plain", "e.b", "'e.b': what stands in front of 'b' has no members" },
		{ "args_plain", "rek", "it has no argument 'rek', did you mean 'req'?; it has a, b, c, d, e, req" },
		{ "args_plain", "req->next->next->next->next->id", "'req->next->next->next->next->id' takes more than 4 loads from memory" },
		{ "args_hard", "one", "1+0 8s" },
		{ "args_hard", "two", "'two' is passed by value in several parts" },
		{ "args_hard", "three", "nobody can tell where 'three' is: in front of it something is passed by value in several parts" },
		{ "args_other", "o->two", "1+8 *+0 8 text" },
		{ "args_result", "first", PH_SECOND "+0 8s" },
		{ "args_result", "req->id", PH_THIRD "+8 *+0 8s" },
	};
	static const char *const flags[] = { "-O2 -gdwarf-5", "-O0 -gdwarf-4" };

	(void)state;
	for (size_t f = 0; f < PH_ARRAY_SIZE(flags); f++) {
		ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
		ph_autofree char *path = ph_asprintf("%s/args%zu.so", dir, f), *none = NULL;

		free(said("g++ %s -fPIC -shared -o %s %s/args.cc %s/args_other.cc", flags[f], path, PH_SYMBOL_SOURCES, PH_SYMBOL_SOURCES));
		add_path(c, 1, path);
		for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
			ph_autofree char *is = arg(c, cases[i].function, cases[i].text);

			assert_string_equal(is, cases[i].is);
		}
		none = arg(c, "_fini", "a");
		assert_string_equal(none, "there is no debug information about its arguments: they are arg1, arg2 …");
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
	};
	int r;

	if (ph_symchild_asked(argc, argv))
		return ph_symchild_main();
	if (!mkdtemp(dir))
		return 1;
	r = cmocka_run_group_tests(tests, NULL, NULL);
	free(said("rm -rf %s", dir));
	return r;
}
