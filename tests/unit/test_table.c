/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <locale.h>
#include <string.h>

#include <jansson.h>

#include "base/cleanup.h"
#include "base/table.h"

static const struct ph_col cols[] = {
	{ "NAME", "name", PH_COL_STR, .help = "who" },
	{ "N", "count", PH_COL_S64 },
	{ "MEM", "mem_bytes", PH_COL_BYTES },
	{ "OK", "ok", PH_COL_BOOL, .hidden = true },
	{ "PATH", "path", PH_COL_STR },
};

static void fill(struct ph_table *t)
{
	struct ph_cell *r;

	ph_table_init(t, cols, PH_ARRAY_SIZE(cols));
	r = ph_table_row(t);
	ph_cell_str(&r[0], "b\x1b[2J");
	ph_cell_s64(&r[1], -5);
	ph_cell_u64(&r[2], 1536 << 10);
	ph_cell_u64(&r[3], 1);
	ph_cell_str(&r[4], "/a/very/long/path");
	r = ph_table_row(t);
	ph_cell_str(&r[0], "a,\"q\"");
	ph_cell_s64(&r[1], 30);
	ph_cell_u64(&r[2], 1);
	ph_cell_text(&r[2], "tiny");
	ph_table_row(t);
}

static char *print(struct ph_table_fmt fmt, unsigned int width)
{
	struct ph_err err = { 0 };
	struct ph_buf out = { 0 };
	struct ph_table t;

	fill(&t);
	assert_int_equal(ph_table_print(&t, &fmt, width, &out, &err), 0);
	ph_table_done(&t);
	return ph_buf_steal(&out);
}

static void columns(void **state)
{
	ph_autofree char *s = print((struct ph_table_fmt){ 0 }, 0);

	(void)state;
	assert_string_equal(s,
		"NAME       N      MEM  PATH\n"
		"b\\x1b[2J  -5  1.5 MiB  /a/very/long/path\n"
		"a,\"q\"     30     tiny  -\n"
		"-          -        -  -\n");
}

static void cut_to_width(void **state)
{
	ph_autofree char *s = print((struct ph_table_fmt){ 0 }, 32);
	ph_autofree char *narrow = print((struct ph_table_fmt){ 0 }, 10);
	char *save = NULL;

	(void)state;
	assert_non_null(strstr(s, "/a/very/~\n"));
	for (char *l = strtok_r(narrow, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		assert_true(strlen(l) <= 10);
}

static void wide_characters(void **state)
{
	static const struct ph_col two[] = { { "A", "a", PH_COL_STR }, { "B", "b", PH_COL_STR } };
	struct ph_table_fmt fmt = { 0 };
	struct ph_buf out = { 0 };
	struct ph_table t;
	struct ph_cell *r;

	(void)state;
	ph_table_init(&t, two, 2);
	r = ph_table_row(&t);
	ph_cell_str(&r[0], "h\xc3\xa9");
	ph_cell_str(&r[1], "x");
	r = ph_table_row(&t);
	ph_cell_str(&r[0], "abc");
	ph_cell_str(&r[1], "y");
	assert_int_equal(ph_table_print(&t, &fmt, 0, &out, NULL), 0);
	assert_string_equal(out.p, "A    B\nh\xc3\xa9   x\nabc  y\n");
	ph_table_done(&t);
	ph_buf_done(&out);
}

static void json_rows(void **state)
{
	ph_autofree char *s = print((struct ph_table_fmt){ .output = PH_OUT_JSON }, 20);
	char *plus = (char *)"path";
	struct ph_table_fmt one = { .output = PH_OUT_JSON, .fields = { &plus, 1, 1 } };
	ph_autofree char *only = print(one, 0);
	ph_autofree char *pretty = print((struct ph_table_fmt){ .output = PH_OUT_JSONPRETTY,
								.max_entries = 1 }, 0);
	json_t *j;

	(void)state;
	assert_non_null(strstr(s, "{\"name\":\"b\\u001b[2J\",\"count\":-5,\"mem_bytes\":1572864,"
				  "\"ok\":true,\"path\":\"/a/very/long/path\"}\n"));
	assert_non_null(strstr(s, "{\"name\":null,\"count\":null,\"mem_bytes\":null,\"ok\":null,"
				  "\"path\":null}\n"));
	assert_string_equal(only, "{\"path\":\"/a/very/long/path\"}\n{\"path\":null}\n{\"path\":null}\n");
	j = json_loads(pretty, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(j, "count")), -5);
	json_decref(j);
}

static void csv(void **state)
{
	ph_autofree char *s = print((struct ph_table_fmt){ .output = PH_OUT_CSV, .max_entries = 2 }, 0);

	(void)state;
	assert_string_equal(s, "name,count,mem_bytes,path\r\n"
			       "b\\x1b[2J,-5,1572864,/a/very/long/path\r\n"
			       "\"a,\"\"q\"\"\",30,1,\r\n");
}

static void fields_and_sort(void **state)
{
	char *list[] = { (char *)"+ok" };
	char *two[] = { (char *)"count", (char *)"name", (char *)"+ok" };
	struct ph_table_fmt add = { .fields = { list, 1, 1 }, .no_header = true, .max_entries = 1 };
	struct ph_table_fmt pick = { .fields = { two, 3, 3 }, .sort = "-count", .no_header = true };
	struct ph_table_fmt up = { .fields = { two, 1, 1 }, .sort = "count", .no_header = true };
	ph_autofree char *a = print(add, 0);
	ph_autofree char *p = print(pick, 0);
	ph_autofree char *u = print(up, 0);

	(void)state;
	assert_string_equal(a, "b\\x1b[2J  -5  1.5 MiB  /a/very/long/path  yes\n");
	assert_string_equal(p, "30  a,\"q\"     -\n-5  b\\x1b[2J  yes\n -  -         -\n");
	assert_string_equal(u, "-5\n30\n -\n");
}

/* Rows that come bit by bit: one heading, columns that only grow, and are no narrower than they say. */
static void bit_by_bit(void **state)
{
	static const struct ph_col two[] = { { "A", "a", PH_COL_STR, .width = 4 }, { "B", "b", PH_COL_U64 } };
	const char *names[] = { "x", "longer one", "y" };
	struct ph_table_fmt fmt = { 0 }, csv = { .output = PH_OUT_CSV };
	struct ph_table_more more = { 0 }, other = { 0 };
	struct ph_buf out = { 0 }, lines = { 0 };
	struct ph_table t;

	ph_table_init(&t, two, 2);
	for (size_t i = 0; i < PH_ARRAY_SIZE(names); i++) {
		struct ph_cell *r = ph_table_row(&t);

		ph_cell_str(&r[0], names[i]);
		ph_cell_u64(&r[1], i);
		assert_int_equal(ph_table_print_more(&t, &fmt, 0, &more, &out, NULL), 0);
		assert_int_equal(t.rows.n, 0);
		ph_cell_u64(&ph_table_row(&t)[1], i);
		assert_int_equal(ph_table_print_more(&t, &csv, 0, &other, &lines, NULL), 0);
	}
	assert_string_equal(out.p, "A     B\nx     0\nlonger one  1\ny           2\n");
	assert_string_equal(lines.p, "a,b\r\n,0\r\n,1\r\n,2\r\n");
	ph_table_more_done(&more);
	ph_table_more_done(&other);
	ph_table_done(&t);
	ph_buf_done(&out);
	ph_buf_done(&lines);
	(void)state;
}

static void best_ones_are_kept(void **state)
{
	struct ph_table_fmt fmt = { .sort = "-count" }, wrong = { .sort = "x" };
	struct ph_table t;

	fill(&t);
	assert_int_equal(ph_table_keep(&t, &wrong, 2, NULL), -EINVAL);
	assert_int_equal(t.rows.n, 3);
	assert_int_equal(ph_table_keep(&t, &fmt, 2, NULL), 0);
	assert_int_equal(t.rows.n, 2);
	assert_int_equal(t.rows.v[0][1].i, 30);
	assert_int_equal(t.rows.v[1][1].i, -5);
	ph_table_done(&t);
	(void)state;
}

static void unknown_names(void **state)
{
	char *bad[] = { (char *)"+pth" };
	struct ph_table_fmt fmt = { .fields = { bad, 1, 1 } };
	struct ph_table_fmt sort = { .sort = "-cuont" };
	struct ph_err err = { 0 };

	(void)state;
	assert_int_equal(ph_table_check(&fmt, cols, PH_ARRAY_SIZE(cols), &err), -EINVAL);
	assert_non_null(strstr(err.msg, "no field 'pth'; did you mean 'path'?"));
	assert_int_equal(ph_table_check(&sort, cols, PH_ARRAY_SIZE(cols), &err), -EINVAL);
	assert_non_null(strstr(err.msg, "did you mean 'count'"));
	sort.sort = "ok";
	assert_int_equal(ph_table_check(&sort, cols, PH_ARRAY_SIZE(cols), &err), 0);
}

static void schema(void **state)
{
	ph_autobuf out = { 0 };
	json_t *j, *p;

	(void)state;
	ph_table_schema(cols, PH_ARRAY_SIZE(cols), &out);
	j = json_loads(out.p, 0, NULL);
	p = json_object_get(json_object_get(j, "properties"), "mem_bytes");
	assert_string_equal(json_string_value(json_array_get(json_object_get(p, "type"), 0)), "integer");
	p = json_object_get(json_object_get(j, "properties"), "name");
	assert_string_equal(json_string_value(json_object_get(p, "description")), "who");
	json_decref(j);
}

static void option_rows(void **state)
{
	struct ph_table_fmt fmt = { 0 };
	struct ph_opt opts[PH_TABLE_NOPTS];
	struct ph_opt_group groups[] = { { "Output", opts }, { 0 } };
	char *good[] = { "x", "-o", "csv", "--fields", "a,+b", "--sort=-a", "--max-entries", "3", NULL };
	char *bad[] = { "x", "-o", "xml", NULL };
	struct ph_err err = { 0 };
	ph_strv args = { 0 };
	size_t dd;

	(void)state;
	ph_table_opts(&fmt, opts);
	assert_int_equal(ph_opt_parse(groups, 8, good, &args, &dd, &err), 0);
	assert_int_equal(fmt.output, PH_OUT_CSV);
	assert_int_equal(fmt.fields.n, 2);
	assert_string_equal(fmt.sort, "-a");
	assert_int_equal(fmt.max_entries, 3);
	assert_int_equal(ph_opt_parse(groups, 3, bad, &args, &dd, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "xml"));
	ph_strv_done(&fmt.fields);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns), cmocka_unit_test(cut_to_width),
		cmocka_unit_test(wide_characters), cmocka_unit_test(json_rows), cmocka_unit_test(csv),
		cmocka_unit_test(fields_and_sort), cmocka_unit_test(bit_by_bit),
		cmocka_unit_test(best_ones_are_kept), cmocka_unit_test(unknown_names),
		cmocka_unit_test(schema), cmocka_unit_test(option_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
