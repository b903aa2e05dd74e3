/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/map.h"
#include "base/opt.h"
#include "base/parse.h"
#include "event/schema.h"

static void buf_numbers(void **state)
{
	ph_autobuf b = { 0 };

	(void)state;
	ph_buf_add_u64(&b, 0);
	ph_buf_addc(&b, ' ');
	ph_buf_add_u64(&b, UINT64_MAX);
	ph_buf_addc(&b, ' ');
	ph_buf_add_s64(&b, INT64_MIN);
	ph_buf_addc(&b, ' ');
	ph_buf_add_hex(&b, 0xdeadbeef);
	ph_buf_addc(&b, ' ');
	ph_buf_add_hex(&b, 0);
	ph_buf_addc(&b, ' ');
	ph_buf_add_zeros(&b, 42, 9);
	assert_string_equal(b.p, "0 18446744073709551615 -9223372036854775808 0xDEADBEEF 0x0 000000042");
}

static void buf_escapes(void **state)
{
	static const char evil[] = "a\x1b[31m\"\\\n\xff\xc2\x9b\xc3\xa9";
	ph_autobuf b = { 0 };

	(void)state;
	ph_buf_add_term(&b, evil, sizeof(evil) - 1);
	assert_string_equal(b.p, "a\\x1b[31m\"\\\\x0a\\xff\\xc2\\x9b\xc3\xa9");
	ph_buf_clear(&b);
	ph_buf_add_json(&b, evil, sizeof(evil) - 1);
	assert_string_equal(b.p, "\"a\\u001b[31m\\\"\\\\\\n\\ufffd\\u009b\xc3\xa9\"");
	ph_buf_clear(&b);
	ph_buf_add_csv(&b, "say \"hi\"", 8);
	ph_buf_addc(&b, ',');
	ph_buf_add_csv(&b, "plain", 5);
	ph_buf_addc(&b, ',');
	ph_buf_add_csv(&b, "\x1b,\xff\r\n", 5);
	ph_buf_addc(&b, ',');
	ph_buf_add_csv(&b, NULL, 0);
	assert_string_equal(b.p, "\"say \"\"hi\"\"\",plain,\"\\x1b,\\xff\\x0d\\x0a\",");
	ph_buf_clear(&b);
	ph_buf_add_xml(&b, "<a b=\"c\" d='e'>&\x1b\xef\xbf\xbf");
	assert_string_equal(b.p, "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\\x1b\\xef\\xbf\\xbf");
}

/* What nobody sees, or what turns the direction in which the rest of the line is shown. */
static void buf_unseen(void **state)
{
	static const struct {
		const char *s, *term, *json;
	} cases[] = {
		{ "\xc2\x80", "\\xc2\\x80", "\\u0080" }, { "\xc2\xad", "\\xc2\\xad", "\\u00ad" },
		{ "\xd8\x9c", "\\xd8\\x9c", "\\u061c" }, { "\xe2\x80\x8b", "\\xe2\\x80\\x8b", "\\u200b" },
		{ "\xe2\x80\x8f", "\\xe2\\x80\\x8f", "\\u200f" }, { "\xe2\x80\xa8", "\\xe2\\x80\\xa8", "\\u2028" },
		{ "\xe2\x80\xa9", "\\xe2\\x80\\xa9", "\\u2029" }, { "\xe2\x80\xaa", "\\xe2\\x80\\xaa", "\\u202a" },
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae", "\\u202e" }, { "\xe2\x81\xa6", "\\xe2\\x81\\xa6", "\\u2066" },
		{ "\xe2\x81\xa9", "\\xe2\\x81\\xa9", "\\u2069" }, { "\xef\xbb\xbf", "\\xef\\xbb\\xbf", "\\ufeff" },
		{ "\xef\xbf\xbe", "\\xef\\xbf\\xbe", "\\ufffe" }, { "\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81", "\\udb40\\udc41" },
		{ "\x7f", "\\x7f", "\\u007f" },
		/* No UTF-8: half of a pair, longer than it must be, beyond the last one, cut off. */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\ufffd\\ufffd\\ufffd" }, { "\xc0\x9b", "\\xc0\\x9b", "\\ufffd\\ufffd" },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\\ufffd\\ufffd\\ufffd\\ufffd" }, { "\xe2\x80", "\\xe2\\x80", "\\ufffd\\ufffd" },
		/* A joiner that has nothing to join. */
		{ "we\xe2\x80\x8d" "b", "we\\xe2\\x80\\x8db", "we\\u200db" }, { "\xe2\x80\x8c", "\\xe2\\x80\\x8c", "\\u200c" },
		{ "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", "\xf0\x9f\x91\xa9\\u200d\xf0\x9f\x91\xa7" },
		/* Names as people give them. */
		{ "\xc3\xa9", NULL, NULL }, { "\xe6\x97\xa5\xe6\x9c\xac", NULL, NULL }, { "\xf0\x9f\x9a\x80", NULL, NULL }, { "\xd7\xa9\xd7\x9c", NULL, NULL },
		{ "\xef\xbf\xbd", NULL, NULL }, { "e\xcc\x81", NULL, NULL }, { "\xe2\x80\xa6", NULL, NULL }, { "\xc2\xa0", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		ph_autofree char *json = ph_asprintf("\"%s\"", cases[i].json ? cases[i].json : cases[i].s);
		ph_autobuf b = { 0 };

		ph_buf_add_term(&b, cases[i].s, strlen(cases[i].s));
		assert_string_equal(b.p, cases[i].term ? cases[i].term : cases[i].s);
		ph_buf_clear(&b);
		ph_buf_add_json(&b, cases[i].s, strlen(cases[i].s));
		assert_string_equal(b.p, json);
	}
}

/* As a shell takes it. */
static void shell_words(void **state)
{
	static const char *const words[] = {
		"", "/usr/bin/x-1.2_3+a@b=c:d,e%f", "a b", "it's", "'", "$(id)", "`id`", "a;b&c|d>e<f", "a\\b\"c", "*?[a]~!#", "a\nb\t\x1b", "\xff\xc3\xa9",
	};

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(words); i++) {
		ph_autofree char *word = ph_shell_word(words[i]), *command = ph_asprintf("printf %%s. %s", word), *want = ph_asprintf("%s.", words[i]);
		char got[128] = "";
		FILE *f = popen(command, "r");

		assert_non_null(f);
		assert_int_equal(fread(got, 1, sizeof(got), f), strlen(want));
		assert_int_equal(pclose(f), 0);
		assert_string_equal(got, want);
		assert_int_equal(!strcmp(word, words[i]), i == 1);
	}
}

static void before(void **state)
{
	static const int v[] = { 1, 3, 3, 3, 7, 9 };

	(void)state;
	for (size_t n = 0; n <= PH_ARRAY_SIZE(v); n++)
		for (int what = 0; what < 11; what++) {
			size_t below = 0, up_to = 0;

			for (size_t i = 0; i < n; i++) {
				below += v[i] < what;
				up_to += v[i] <= what;
			}
			assert_int_equal(ph_before(p, v, n, *p < what), below);
			assert_int_equal(ph_before(p, v, n, *p <= what), up_to);
		}
	assert_int_equal(ph_before(p, (int *)NULL, 0, *p < 1), 0);
}

static void map_churn(void **state)
{
	struct ph_u64map m = { 0 };
	struct ph_strmap sm = { 0 };
	char key[32];

	(void)state;
	for (uint64_t i = 0; i < 20000; i++) {
		assert_null(ph_u64map_put(&m, i, (void *)(i + 1)));
		if (i >= 100)
			assert_ptr_equal(ph_u64map_del(&m, i - 100), (void *)(i - 99));
	}
	assert_int_equal(m.n, 100);
	assert_true(m.mask < 1024);	/* deleting leaves no tombstones */
	for (uint64_t i = 0; i < 20000; i++)
		assert_ptr_equal(ph_u64map_get(&m, i), i >= 19900 ? (void *)(i + 1) : NULL);
	for (uintptr_t i = 0; i < 3000; i++) {
		snprintf(key, sizeof(key), "k%zu", (size_t)i);
		ph_strmap_put(&sm, key, (void *)(i + 1));
	}
	for (uintptr_t i = 0; i < 3000; i += 2) {
		snprintf(key, sizeof(key), "k%zu", (size_t)i);
		assert_ptr_equal(ph_strmap_del(&sm, key), (void *)(i + 1));
	}
	for (uintptr_t i = 0; i < 3000; i++) {
		snprintf(key, sizeof(key), "k%zu", (size_t)i);
		assert_ptr_equal(ph_strmap_get(&sm, key), i % 2 ? (void *)(i + 1) : NULL);
	}
	ph_u64map_done(&m);
	ph_strmap_done(&sm);
}

static void parsers(void **state)
{
	struct ph_err err = { 0 };
	uint64_t v;

	(void)state;
	assert_int_equal(ph_parse_duration("1.5ms", &v, &err), 0);
	assert_int_equal(v, 1500000);
	assert_int_equal(ph_parse_duration("2", &v, &err), 0);
	assert_int_equal(v, 2000000000);
	assert_int_equal(ph_parse_duration("5 parsec", &v, &err), -EINVAL);
	assert_int_equal(ph_parse_size("64M", &v, &err), 0);
	assert_int_equal(v, 64 << 20);
	assert_int_equal(ph_parse_size("-1", &v, &err), -EINVAL);
	assert_int_equal(ph_parse_u64("12x", &v, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "12x"));
	assert_true(ph_glob("web-*", "web-1"));
	assert_false(ph_glob("web", "web-1"));
}

static void options(void **state)
{
	const char *name = NULL;
	bool all = false;
	uint64_t dur = 0;
	ph_strv list = { 0 }, args = { 0 };
	struct ph_opt opts[] = {
		{ "name", 'n', PH_OPT_STR, "NAME", &name, .help = "a name" },
		{ "all", 'a', PH_OPT_FLAG, NULL, &all, .help = "all" },
		{ "duration", 'd', PH_OPT_DURATION, "TIME", &dur, .help = "how long" },
		{ "event", 'e', PH_OPT_LIST, "LIST", &list, .help = "which" },
		{ 0 },
	};
	struct ph_opt_group groups[] = { { "Options", opts }, { 0 } };
	char *good[] = { "x", "-ad5s", "pos", "--name=web", "-e", "a,b", "--", "-z", NULL };
	char *bad[] = { "x", "--nme", "web", NULL };
	struct ph_err err = { 0 };
	size_t dd;

	(void)state;
	assert_int_equal(ph_opt_parse(groups, 8, good, &args, &dd, &err), 0);
	assert_true(all);
	assert_int_equal(dur, 5000000000);
	assert_string_equal(name, "web");
	assert_int_equal(list.n, 2);
	assert_int_equal(args.n, 2);
	assert_int_equal(dd, 1);
	assert_string_equal(args.v[1], "-z");
	assert_int_equal(ph_opt_parse(groups, 3, bad, &args, &dd, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "did you mean '--name'"));
	ph_strv_done(&list);
	ph_vec_done(&args);
}

static void words(void **state)
{
	static const char *const escaped[][2] = {
		{ "/a\\040b\\134", "/a b\\" }, { "/\\04", "/\\04" }, { "\\999\\400", "\\999\\400" }, { "", "" },
	};

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(escaped); i++) {
		ph_autofree char *s = ph_strdup(escaped[i][0]);

		ph_unescape_octal(s);
		assert_string_equal(s, escaped[i][1]);
	}
	assert_true(ph_list_has("rw,nosuid,ro", "ro"));
	assert_true(ph_list_has("ro", "ro"));
	assert_false(ph_list_has("rw,roots,pro", "ro"));
	assert_false(ph_list_has("", "ro"));
	assert_false(ph_list_has(NULL, "ro"));
	assert_string_equal(ph_basename("/a/b"), "b");
	assert_string_equal(ph_basename("b"), "b");
	assert_string_equal(ph_basename("/a/"), "");
}

static void clock_text(void **state)
{
	static const struct { int64_t ns; unsigned int digits; const char *text; } cases[] = {
		{ 1795304200887117042, 6, "23:36:40.887117" }, { 1795304200887117042, 3, "23:36:40.887" },
		{ 1795304200087117042, 9, "23:36:40.087117042" }, { 0, 0, "00:00:00" }, { -1, 9, "23:59:59.999999999" },
	};

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		ph_autobuf b = { 0 };

		ph_clock_text(cases[i].ns, true, cases[i].digits, &b);
		assert_string_equal(b.p, cases[i].text);
	}
}

static void json(void **state)
{
	ph_autobuf b = { 0 };
	struct ph_json j = { .out = &b };

	(void)state;
	ph_json_obj(&j, NULL);
	ph_json_str(&j, "a", "x");
	ph_json_arr(&j, "l");
	ph_json_u64(&j, NULL, 1);
	ph_json_s64(&j, NULL, -1);
	ph_json_arr_end(&j);
	ph_json_obj(&j, "o");
	ph_json_obj_end(&j);
	ph_json_str(&j, "none", NULL);
	ph_json_obj_end(&j);
	assert_string_equal(b.p, "{\"a\":\"x\",\"l\":[1,-1],\"o\":{},\"none\":null}");
}

static void classes(void **state)
{
	const struct ph_class *c = ph_class_by_name("sched_switch");
	uint32_t last = 0;

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->id, PH_EV_sched_switch);
	assert_string_equal(c->fields[PH_FLD(sched_switch, next_tid)].name, "next_tid");
	assert_string_equal(ph_class_by_id(PH_EV_signal_generate)->fields[1].name, "errno");
	for (size_t i = 0; (c = ph_class_nth(i)); i++) {
		assert_true(c->id > last);	/* ascending, so unique */
		last = c->id;
		assert_ptr_equal(ph_class_by_name(c->name), c);
	}
	assert_int_equal(ph_class_by_name("lttng_statedump_start")->nfields, 0);
}

static void nearest(void **state)
{
	static const char *const names[] = { "shop-db", "shop-web", "batch" };

	(void)state;
	/* Two letters in each other's place are one mistake. */
	assert_string_equal(ph_nearest("shop-wbe", names, 3), "shop-web");
	assert_string_equal(ph_nearest("shp-db", names, 3), "shop-db");
	assert_string_equal(ph_nearest("batsh", names, 3), "batch");
	assert_null(ph_nearest("cron", names, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_numbers), cmocka_unit_test(buf_escapes), cmocka_unit_test(buf_unseen), cmocka_unit_test(shell_words), cmocka_unit_test(nearest),
		cmocka_unit_test(before), cmocka_unit_test(map_churn), cmocka_unit_test(parsers), cmocka_unit_test(options), cmocka_unit_test(words),
		cmocka_unit_test(clock_text),
		cmocka_unit_test(json), cmocka_unit_test(classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
