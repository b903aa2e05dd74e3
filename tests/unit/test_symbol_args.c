/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments of functions by their names: what g++ wrote of them, in DWARF 4 and 5. */
#include "test.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "symbol_fixture.h"

/* What depends on how a machine hands arguments over. */
#if defined(__x86_64__)
#define PH_EITHER(x86_64, arm64) x86_64
#else
#define PH_EITHER(x86_64, arm64) arm64
#endif

static char dir[] = "/tmp/porthole-args.XXXXXX";

/* *@ret_inlined: not 0 where it was put into another one. */
static uint64_t address(struct ph_symchild *c, const char *function, uint64_t *ret_inlined)
{
	struct ph_symfuncs f;
	uint64_t at;

	assert_int_equal(ph_symchild_find(c, 1, function, 2, &f, NULL), 0);
	assert_int_equal(f.list.n, 1);
	at = f.list.v[0].vaddr;
	*ret_inlined = f.list.v[0].inlined;
	ph_symfuncs_done(&f);
	return at;
}

static char *arg(struct ph_symchild *c, const char *function, const char *text)
{
	static const char *const kinds[] = { "", " address", " text", " float", " enum", " nothing", " pair" };
	static const char *const places[] = { "", "stack ", "result ", "dwarf ", "constant " };
	struct ph_symarg a;
	struct ph_err err = { 0 };
	ph_autobuf b = { 0 };
	uint64_t inlined, at = address(c, function, &inlined);

	if (ph_symchild_arg(c, 1, at, inlined, text, &a, &err) < 0)
		return ph_strdup(err.msg);
	ph_buf_addf(&b, "%s%u", places[a.place], a.argument);
	for (unsigned int i = 0; i <= a.loads; i++)
		ph_buf_addf(&b, "%s+%ld", i ? " *" : "", a.add[i]);
	ph_buf_addf(&b, " %u%s%s", a.size, a.is_signed ? "s" : "", kinds[a.kind]);
	if (a.low || a.bits != 8 * a.size)
		ph_buf_addf(&b, " bits %u+%u", a.low, a.bits);
	if (a.room)
		ph_buf_addf(&b, " room %u", a.room);
	ph_buf_addf(&b, "%s%s", *a.names ? " " : "", a.names);
	free(a.names);
	return ph_buf_steal(&b);
}

static void test_names(void **state)
{
	static const struct {
		const char *function, *text, *is;
	} cases[] = {
		{ "args_plain", "a", "1+0 4s" },
		{ "args_plain", "b", "2+0 2" },
		{ "args_plain", "c", "3+0 8 text" },
		{ "args_plain", "d", "'d' is in a register for floating-point numbers, none of which can be read" },
		{ "args_plain", "e", "4+0 8s" },
		{ "args_plain", "req", "5+0 8 address" },
		{ "args_plain", "req->first", "5+0 *+0 4" },
		{ "args_plain", "req->id", "5+8 *+0 8s" },
		{ "args_plain", "req->small", "5+16 *+0 1" },
		{ "args_plain", "req->large", "5+16 *+0 4" },
		{ "args_plain", "req->done", "5+20 *+0 1" },
		{ "args_plain", "req->inside.name", "5+24 8 text room 16" },
		{ "args_plain", "req->inside.port", "5+48 *+0 2s" },
		{ "args_plain", "req->outside->title", "5+56 *+16 *+0 8 text" },
		{ "args_plain", "req->outside.port", "5+56 *+24 *+0 2s" },
		{ "args_plain", "req->next->next->id", "5+64 *+64 *+8 *+0 8s" },
		{ "args_plain", "req->colour", "5+88 *+0 4 enum RED=0,GREEN=1" },
		{ "args_plain", "req->bits", "5+72 *+0 1 bits 0+3" },
		{ "args_plain", "req->ratio", "5+80 *+0 8 float" },
		{ "args_plain", "req->inside", "'req->inside' is a struct: name one of its members" },
		{ "args_plain", "req->none", "'req->none': 'request' has no member 'none'" },
		{ "args_plain", "a->b", "'a->b': what stands in front of '->b' is no pointer" },
		{ "args_plain", "e.b", "'e.b': what stands in front of 'b' has no members" },
		{ "args_plain", "rek", "it has no argument 'rek', did you mean 'req'?; it has a, b, c, d, e, req" },
		{ "args_plain", "req->next->next->next->next->id", "'req->next->next->next->next->id' takes more than 4 loads from memory" },
		{ "args_hard", "one", "1+0 8s" },
		{ "args_hard", "two", "'two' is a struct: name one of its members" },
		{ "args_hard", "three", "4+0 8s" },
		{ "args_other", "o->two", "1+8 *+0 8 text" },
		{ "args_plain", "req->wide", "5+92 *+0 4s bits 0+17" },
		{ "args_plain", "req->share", "5+96 *+0 4 float" },
		{ "args_plain", "req->way", "5+100 *+0 1s enum UP=1,DOWN=-1" },
		{ "args_plain", "req->pairs[2].b", "5+144 *+0 8s" },
		{ "args_plain", "req->pairs[2]", "'req->pairs[2]' is a struct: name one of its members" },
		{ "args_plain", "req->pairs", "5+104 8 address" },
		{ "args_plain", "req->inside.title", "5+40 *+0 8 text" },
		{ "args_plain", "req->id[1]", "'req->id[1]': what stands in front of '[1]' is no array" },
		{ "args_plain", "req->bits.x", "'req->bits.x': a bit field has no members" },
		{ "args_passed", "m.whole", "1+0 4s" },
		{ "args_passed", "m.part", "1+0 4 float bits 32+32" },
		{ "args_passed", "m.more", PH_EITHER("'m.more' is in a register for floating-point numbers, none of which can be read", "2+0 8 float") },
		{ "args_passed", "large.v[2]", PH_EITHER("stack 0+16 *+0 8s", "3+16 *+0 8s") },
		{ "args_passed", "h.inside.value", PH_EITHER("2+0 *+0 8s", "4+0 *+0 8s") },
		{ "args_passed", "p.value", PH_EITHER("3+0 8s", "5+0 8s") },
		{ "args_passed", "d", "'d' is in a register for floating-point numbers, none of which can be read" },
		{ "args_passed", "last", PH_EITHER("4+0 8 address", "6+0 8 address") },
		{ "args_passed", "last[2]", PH_EITHER("4+16 *+0 8s", "6+16 *+0 8s") },
		{ "args_passed", "retval", "'retval' is in a register for floating-point numbers, none of which can be read" },
		{ "args_many", "e", "5+0 8s" },
		{ "args_many", "split.b", PH_EITHER("stack 0+8 *+0 8s", "7+0 8s") },
		{ "args_many", "f", PH_EITHER("6+0 8s", "8+0 8s") },
		{ "args_many", "h", PH_EITHER("stack 0+24 *+0 8s", "stack 0+8 *+0 8s") },
		{ "args_many", "m.whole", PH_EITHER("stack 0+32 *+0 4s", "stack 0+16 *+0 4s") },
		{ "args_many", "m.more", PH_EITHER("stack 0+40 *+0 8 float", "stack 0+24 *+0 8 float") },
		{ "args_many", "retval.a", "result 1+0 8s" },
		{ "args_many", "retval.b", "result 2+0 8s" },
		{ "args_many", "retval", "'retval' is a struct: name one of its members" },
		{ "args_words", "words[1]", "1+8 *+0 8 text" },
		{ "args_words", "list[0]->id", "2+0 *+8 *+0 8s" },
		{ "args_words", "nothing", "nobody can tell where 'nothing' is: it, or one in front of it, is handed over in a way of its own" },
		{ "args_words", "retval->next->id", "result 1+64 *+8 *+0 8s" },
		{ "args_nothing", "retval", "result 1+0 8 nothing" },
		{ "args_nothing", "retval->x", "it returns nothing" },
		{ "args_nothing", "s", "1+0 2s" },
		{ "args_result", "retval.v[1]", PH_EITHER("result 1+8 *+0 8s", "nobody can tell where its result is: it is handed over in a way of its own") },
		{ "args_plain", "retval", "result 1+0 4s" },
		{ "args_texts", "view", "1+0 8 pair _M_str,_M_len" },
		{ "args_texts", "view._M_str", "2+0 8 text" },
		{ "args_texts", "view._M_len", "1+0 8" },
		{ "args_texts", "c", "3+0 8 address" },
		{ "args_texts", "c[0]", "1+0 8 pair bytes,len" },
		{ "args_texts", "c->bytes", "3+8 *+0 8 text" },
		{ "args_texts", "c[0].len", "3+0 *+0 2" },
		{ "args_texts", "no", "'no' is a struct: name one of its members" },
		{ "args_texts", "retval", "1+0 8 pair _M_str,_M_len" },
		{ "args_texts", "retval._M_str", "result 2+0 8 text" },
		{ "args_cxx", "text", "1+0 8 pair _M_dataplus._M_p,_M_string_length" },
		{ "args_cxx", "text._M_string_length", "1+8 *+0 8" },
		{ "args_cxx", "number", "2+0 *+0 8s" },
		{ "args_cxx", "by_value", "1+0 8 pair _M_dataplus._M_p,_M_string_length" },
		{ "args_cxx", "by_value._M_dataplus._M_p", "3+0 *+0 8 text" },
		{ "args_result", "first", PH_EITHER("2+0 8s", "1+0 8s") },
		{ "args_result", "req->id", PH_EITHER("3+8 *+0 8s", "2+8 *+0 8s") },
	};
	static const struct {
		const char *function, *text, *is[2];
	} by_compiler[] = {
		{ "args_changed", "a", { "1+0 8s", "1+0 8s" } },
		{ "args_changed", "b", { "2+0 8s", "3+0 8s" } },
		{ "args_changed", "dead", { "nobody can tell where 'dead' is: the compiler has changed what the function is handed", "2+0 8s" } },
		{ "args_changed", "retval", { "nobody can tell what it returns: the compiler has changed that", "result 1+0 8s" } },
		{ "args_words", "behind", { PH_EITHER("3+0 8s", "4+0 8s"), "nobody can tell where 'behind' is: it, or one in front of it, is "
					    "handed over in a way of its own" } },
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
		/* What the compiler keeps in registers, its debug information tells where the function begins. */
		for (size_t i = 0; i < PH_ARRAY_SIZE(by_compiler); i++) {
			ph_autofree char *is = arg(c, by_compiler[i].function, by_compiler[i].text);

			assert_string_equal(is, by_compiler[i].is[f]);
		}
		none = arg(c, "_fini", "a");
		assert_string_equal(none, "there is no debug information about its arguments: they are arg1, arg2 …");
	}
}

/*
 * Debug information that a container made up: of each file every question has an answer, which makes sense or is a sentence; and of the next
 * one, what is asked is right.
 */
static void test_hostile(void **state)
{
	static const char *const functions[] = { "args_plain", "args_many", "args_words", "args_result", "args_within" };
	static const char *const texts[] = { "a", "req->first", "req->outside->title", "req->next->next->id", "req->colour", "req->bits",
					     "m.whole", "retval", "retval.a", "retval->next->id", "words[1]", "list[0]->id", "none" };
	ph_auto(ph_symchild_free_ptr) struct ph_symchild *c = symchild();
	ph_autofree char *path = ph_asprintf("%s/whole.so", dir), *is = NULL, *first = NULL, *last = NULL;
	struct ph_buf whole = { 0 };
	uint32_t seed = 99, debug, end;
	uint64_t at[PH_ARRAY_SIZE(functions)], inlined[PH_ARRAY_SIZE(functions)];
	size_t answers = 0;

	(void)state;
	free(said("g++ -O1 -g -fPIC -shared -o %s %s/args.cc %s/args_other.cc", path, PH_SYMBOL_SOURCES, PH_SYMBOL_SOURCES));
	/* Where the debug information begins and ends in the file. */
	first = said("readelf -SW %s | sed -n 's/.* \\.debug_.* PROGBITS *[0-9a-f]* \\([0-9a-f]*\\) .*/\\1/p' | sort | head -n 1", path);
	last = said("readelf -SW %s | sed -n 's/.* \\.symtab *SYMTAB *[0-9a-f]* \\([0-9a-f]*\\) .*/\\1/p'", path);
	debug = (uint32_t)strtoul(first, NULL, 16);
	end = (uint32_t)strtoul(last, NULL, 16);
	assert_int_equal(ph_read_file_at(AT_FDCWD, path, 1 << 22, &whole), 0);
	assert_true(debug > 0 && debug < end && end < whole.len);
	add_path(c, 1, path);
	for (size_t i = 0; i < PH_ARRAY_SIZE(functions); i++)
		at[i] = address(c, functions[i], &inlined[i]);
	assert_true(inlined[4] > 0);
	for (uint32_t file = 2; file < 80; file++) {
		ph_autofree char *broken = ph_asprintf("%s/broken.so", dir), *changed = ph_alloc(whole.len);
		FILE *f = fopen(broken, "w");

		memcpy(changed, whole.p, whole.len);
		for (unsigned int k = 0; k < 1u << file % 10; k++) {
			seed = seed * 1664525 + 1013904223;
			changed[debug + (seed >> 8) % (end - debug)] = (char)(seed >> 3);
		}
		assert_non_null(f);
		assert_int_equal(fwrite(changed, 1, whole.len, f), whole.len);
		assert_int_equal(fclose(f), 0);
		add_path(c, file, broken);
		assert_int_equal(unlink(broken), 0);
		for (size_t i = 0; i < PH_ARRAY_SIZE(functions) * PH_ARRAY_SIZE(texts); i++) {
			struct ph_symarg a = { 0 };
			struct ph_err err = { 0 };

			if (ph_symchild_arg(c, file, at[i % PH_ARRAY_SIZE(functions)], inlined[i % PH_ARRAY_SIZE(functions)],
					    texts[i / PH_ARRAY_SIZE(functions)], &a, &err) < 0) {
				assert_true(*err.msg);
				continue;
			}
			answers++;
			assert_true(a.loads <= PH_SYMARG_LOADS && a.size && a.size <= 8 && !(a.size & (a.size - 1)));
			assert_true(a.bits && a.bits + a.low <= 64 && a.place < PH_SYMARG_PLACES && a.kind < PH_SYMARG_KINDS);
			free(a.names);
		}
	}
	assert_true(answers > 100);
	is = arg(c, "args_plain", "req->next->next->id");
	assert_string_equal(is, "5+64 *+64 *+8 *+0 8s");
	ph_buf_done(&whole);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_hostile),
	};

	return symbol_tests(argc, argv, dir, tests);
}
