/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "ctf/ctf.h"
#include "gen.h"
#include "view/print.h"

/* Events as lines, in every format; babeltrace2 judges the one that imitates it. */

#define OFFSET 1700000000000000000

static const char EVIL[] = "a\"b\\c\n\x1b[2J\x7f\xc3\xa9\xff,'?";

/* A model with a container "web", a task "nginx" in it, and one that tries to move the cursor. */
static struct ph_identity *identity(void)
{
	static const struct { const char *name; uint32_t index; } containers[] = {
		{ "web", 1 }, { "evil\x1b[m", 2 },
	};
	struct ph_identity *id = ph_identity_new();
	struct ph_value v[64];
	struct ph_event ev = { .v = v, .tid = -1, .pid = -1, .container = PH_CONTAINER_UNKNOWN };

	for (size_t i = 0; i < PH_ARRAY_SIZE(containers); i++) {
		memset(v, 0, sizeof(v));
		ev.cls = ph_class_by_id(PH_EV_container_info);
		for (uint32_t k = 0; k < ev.cls->nfields; k++)
			v[k].s = ev.cls->fields[k].type->kind == PH_KIND_STR ? "" : NULL;
		v[PH_FLD(container_info, index)].u = containers[i].index;
		v[PH_FLD(container_info, name)] = (struct ph_value){
			.s = containers[i].name, .n = (uint32_t)strlen(containers[i].name) };
		v[PH_FLD(container_info, id)] = (struct ph_value){ .s = "3f2a9c01", .n = 8 };
		v[PH_FLD(container_info, image)] = (struct ph_value){ .s = "nginx:1", .n = 7 };
		ph_identity_feed(id, &ev);
	}
	memset(v, 0, sizeof(v));
	ev.cls = ph_class_by_id(PH_EV_lttng_statedump_process_state);
	v[PH_FLD(lttng_statedump_process_state, tid)].i = 102;
	v[PH_FLD(lttng_statedump_process_state, pid)].i = 100;
	v[PH_FLD(lttng_statedump_process_state, name)] = (struct ph_value){ .s = "nginx", .n = 5 };
	v[PH_FLD(lttng_statedump_process_state, container)].u = 1;
	ph_identity_feed(id, &ev);
	return id;
}

static const struct ph_enum_label labels[] = { { "red", 0, 3 }, { "green", 2, 9 } };
static const struct ph_type color = { .kind = PH_KIND_ENUM, .bits = 8, .nlabels = 2, .labels = labels };
static const struct ph_type f64 = { .kind = PH_KIND_FLOAT, .bits = 64 };
static const struct ph_type octal = { .kind = PH_KIND_INT, .bits = 8, .base = 8 };
static const struct ph_field members[] = { { "x", &octal }, { "s", &ph_type_str } };
static const struct ph_type pair = { .kind = PH_KIND_STRUCT, .nfields = 2, .fields = members };
static const struct ph_field odd_fields[] = {
	{ "color", &color }, { "ratio", &f64 }, { "pair", &pair }, { "ids", &ph_type_s32v },
	{ "data", &ph_type_bytes }, { "argv", &ph_type_bytes, PH_UNIT_ARGV },
	{ "to", &ph_type_bytes, PH_UNIT_SOCKADDR }, { "wait", &ph_type_u64, PH_UNIT_NS },
	{ "size_bytes", &ph_type_u64, PH_UNIT_BYTES }, { "whose", &ph_type_u32, PH_UNIT_CONTAINER },
	{ "evil", &ph_type_str },
};
static const struct ph_field odd_ctx[] = {
	{ "tid", &ph_type_s32, PH_UNIT_TID }, { "vtid", &ph_type_s32, PH_UNIT_VPID },
};
static const struct ph_class odd = {
	.name = "my:odd", .fields = odd_fields, .nfields = PH_ARRAY_SIZE(odd_fields),
	.ctx = odd_ctx, .nctx = 2,
};

/* The printer's lines of a few events that have everything. */
static char *print(enum ph_view_format format, const char *fields)
{
	static const struct ph_value pair_v[] = { { .i = -9 }, { .s = "p", .n = 1 } };
	static const struct ph_value ids[] = { { .i = 4 }, { .i = -5 } };
	static const struct ph_value odd_v[] = {
		{ .u = 2 }, { .f = 0.5 }, { .v = pair_v }, { .v = ids, .n = 2 },
		{ .s = "\x00\x01\xfe", .n = 3 }, { .s = "ls\0-l\0a b", .n = 9 },
		{ .s = "\2\0\0\x50\x7f\0\0\1", .n = 8 }, { .u = 1500 }, { .u = 4096 }, { .u = 1 },
		{ .s = EVIL, .n = sizeof(EVIL) - 1 },
	};
	static const struct ph_value odd_c[] = { { .i = 102 }, { .i = 7 } };
	static const struct ph_value sw[] = {
		{ .s = "nginx", .n = 5 }, { .i = 102 }, { .i = 20 }, { .i = 2 }, { .s = "a b", .n = 3 },
		{ .i = 7 }, { .i = 20 },
	};
	static const struct ph_value cap[] = { { .i = 21 }, { .u = 4026531837 }, { .u = 5 }, { .i = -1 } };
	static const struct ph_value flags[] = { { .i = 102 }, { .u = 0x20020000 } };
	struct ph_event ev[] = {
		{ .cls = ph_class_by_id(PH_EV_sched_switch), .ts_ns = 123456789, .cpu = 1, .container = 1,
		  .tid = 102, .pid = 100, .v = sw },
		{ .cls = ph_class_by_id(PH_EV_cap_capable), .ts_ns = 123456799, .cpu = 0, .container = 2,
		  .tid = 5, .pid = -1, .v = cap },
		{ .cls = &odd, .ts_ns = 61000000001, .container = 0, .tid = 0, .pid = 0, .v = odd_v,
		  .ctx = odd_c },
		{ .cls = ph_class_by_id(PH_EV_lttng_statedump_start), .ts_ns = 61000000001, .tid = -1,
		  .pid = -1, .container = PH_CONTAINER_UNKNOWN },
		{ .cls = ph_class_by_id(PH_EV_sched_process_namespaces), .ts_ns = 61000000000, .tid = 102,
		  .pid = 100, .container = 1, .v = flags },
	};
	struct ph_value namespaces[16] = { 0 };
	struct ph_identity *id = identity();
	struct ph_printer *p = NULL;
	struct ph_err err = { 0 };
	struct ph_buf out = { 0 };
	ph_strv list = { 0 };

	memcpy(namespaces, flags, sizeof(flags));
	ev[4].v = namespaces;
	if (fields)
		assert_int_equal(ph_parse_list(fields, &list, &err), 0);
	if (ph_printer_new(&(struct ph_print_opts){ .format = format, .offset_ns = OFFSET, .utc = true,
						    .hostname = "host1", .fields = &list, .any_field = true },
			   &p, &err) < 0)
		fail_msg("%s", err.msg);
	ph_printer_header(p, &out);
	for (size_t i = 0; i < PH_ARRAY_SIZE(ev); i++)
		ph_printer_event(p, id, &ev[i], &out);
	ph_printer_free(p);
	ph_identity_free(id);
	ph_strv_done(&list);
	return ph_buf_steal(&out);
}

/* Golden files are made anew with PH_UPDATE_GOLDEN=1, to be read before they are committed. */
static void golden(enum ph_view_format format, const char *fields, const char *name)
{
	ph_autofree char *got = print(format, fields);
	ph_autofree char *path = ph_asprintf("%s/print/%s", PH_TEST_DATA, name);
	ph_autobuf want = { 0 };
	FILE *f;

	if (getenv("PH_UPDATE_GOLDEN")) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(got, f);
		fclose(f);
		return;
	}
	assert_int_equal(ph_read_file_at(AT_FDCWD, path, 1 << 20, &want), 0);
	assert_string_equal(got, want.p);
}

static void test_golden(void **state)
{
	golden(PH_VIEW_TEXT, NULL, "events.txt");
	golden(PH_VIEW_TEXT, "time,event,prev_tid,ret", "some.txt");
	golden(PH_VIEW_TEXT, "comm,+image", "image.txt");
	golden(PH_VIEW_BABELTRACE, NULL, "events.bt");
	golden(PH_VIEW_JSON, NULL, "events.json");
	golden(PH_VIEW_JSONPRETTY, "event,ret", "some.jsonpretty");
	golden(PH_VIEW_CSV, NULL, "events.csv");
	golden(PH_VIEW_CSV, "event,evil,ret,container_id,delta", "some.csv");
}

/* Whatever stands in an event: one line, of printable characters only. */
static void test_untrusted(void **state)
{
	struct ph_printer *p[2] = { NULL, NULL };
	const struct ph_class *c;
	ph_autobuf out = { 0 };
	struct gen g;

	ph_printer_new(&(struct ph_print_opts){ .format = PH_VIEW_TEXT }, &p[0], NULL);
	ph_printer_new(&(struct ph_print_opts){ .format = PH_VIEW_JSON }, &p[1], NULL);
	for (size_t i = 0; (c = ph_class_nth(i)); i++) {
		for (uint64_t seed = 0; seed < 4; seed++) {
			struct ph_event ev = gen_event(&g, c, i * 7 + seed);
			json_t *j;

			ph_buf_clear(&out);
			ph_printer_event(p[0], NULL, &ev, &out);
			assert_ptr_equal(strchr(out.p, '\n'), out.p + out.len - 1);
			for (size_t k = 0; k + 1 < out.len; k++)
				assert_true((unsigned char)out.p[k] >= 0x20 && out.p[k] != 0x7f);
			ph_buf_clear(&out);
			ph_printer_event(p[1], NULL, &ev, &out);
			assert_ptr_equal(strchr(out.p, '\n'), out.p + out.len - 1);
			/* jansson has no unsigned 64-bit integers: larger ones as reals. */
			j = json_loads(out.p, JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES, NULL);
			if (!j)
				fail_msg("not JSON: %s", out.p);
			json_decref(j);
		}
	}
	ph_printer_free(p[0]);
	ph_printer_free(p[1]);
}

/* What a trace calls its events, values and host is as little to be trusted as what is in it. */
static void test_names(void **state)
{
	static const struct ph_enum_label evil_labels[] = { { EVIL, 0, 9 } };
	static const struct ph_type evil_enum = { .kind = PH_KIND_ENUM, .bits = 8, .nlabels = 1, .labels = evil_labels };
	static const struct ph_field fields[] = { { "x", &evil_enum }, { "s", &ph_type_str } };
	static const struct ph_class evil = { .name = EVIL, .fields = fields, .nfields = 2 };
	static const struct ph_value v[] = { { .u = 2 }, { .s = EVIL, .n = sizeof(EVIL) - 1 } };
	struct ph_event ev = { .cls = &evil, .container = PH_CONTAINER_UNKNOWN, .tid = -1, .pid = -1, .v = v };

	(void)state;
	for (int format = PH_VIEW_TEXT; format <= PH_VIEW_CSV; format++) {
		struct ph_print_opts o = { .format = (enum ph_view_format)format, .hostname = EVIL };
		struct ph_printer *p = NULL;
		struct ph_err err = { 0 };
		ph_autobuf out = { 0 };

		assert_int_equal(ph_printer_new(&o, &p, &err), 0);
		ph_printer_event(p, NULL, &ev, &out);
		ph_printer_free(p);
		assert_true(out.len > 3 * sizeof(EVIL));
		for (size_t i = 0; i < out.len; i++)
			if ((unsigned char)out.p[i] < ' ' || out.p[i] == 0x7f || out.p[i] == '\xff')
				assert_true(out.p[i] == '\n' && (format == PH_VIEW_JSONPRETTY || i + 1 == out.len));
	}
}

static void test_errors(void **state)
{
	struct ph_printer *p = NULL;
	struct ph_err err = { 0 };
	ph_strv fields = { 0 };
	struct ph_print_opts o = { .fields = &fields };
	ph_autobuf out = { 0 };
	json_t *j;

	ph_strv_add(&fields, "contaner");
	assert_true(ph_printer_new(&o, &p, &err) < 0);
	assert_non_null(strstr(err.msg, "did you mean container?"));
	o.any_field = true;
	assert_int_equal(ph_printer_new(&o, &p, &err), 0);
	ph_printer_free(p);
	o.format = PH_VIEW_BABELTRACE;
	assert_true(ph_printer_new(&o, &p, &err) < 0);
	ph_strv_done(&fields);
	ph_printer_schema(&out);
	j = json_loads(out.p, 0, NULL);
	assert_non_null(json_object_get(json_object_get(j, "properties"), "time_ns"));
	json_decref(j);
}

/* Lengths of sequences are fields of the trace; events made by hand lack them. */
static void drop_lengths(char *text)
{
	char *to = text, *end;

	for (char *from = text; *from; ) {
		end = *from == '_' && (from[-1] == ' ') ? strstr(from, "_length = ") : NULL;
		if (end && !memchr(from, ' ', (size_t)(end - from))) {
			from = strchr(end + 10, ',') + 2;
			continue;
		}
		*to++ = *from++;
	}
	*to = 0;
}

static void test_babeltrace(void **state)
{
	static const struct ph_field ctx[] = { { "tid", &ph_type_s32 }, { "container", &ph_type_u32 } };
	struct ph_ctf_env env = { .hostname = "host1", .trace_name = "t", .offset_ns = OFFSET };
	char dir[] = "/tmp/ph-print-XXXXXX";
	ph_autofree char *path = NULL, *cmd = NULL;
	ph_autobuf want = { 0 }, got = { 0 };
	struct ph_printer *p = NULL;
	struct ph_ctf_writer *w;
	struct ph_ctf_stream *st[2];
	PH_VEC(struct ph_class *) classes = { 0 };
	const struct ph_class *c;
	struct ph_err err = { 0 };
	uint64_t ts = 5000;
	char chunk[4096];
	struct gen g;
	size_t n;
	FILE *f;

	if (system("command -v babeltrace2 >/dev/null") != 0)
		skip();
	assert_non_null(mkdtemp(dir));
	path = ph_asprintf("%s/trace", dir);
	assert_int_equal(ph_ctf_create(path, &env, NULL, 0, &w, &err), 0);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(ph_ctf_stream(w, "channel0", i, &st[i], &err), 0);
	ph_printer_new(&(struct ph_print_opts){ .format = PH_VIEW_BABELTRACE, .offset_ns = OFFSET, .utc = true,
						.hostname = "host1" }, &p, &err);
	for (uint32_t i = 0; (c = ph_class_nth(i)); i++) {
		struct ph_class with_ctx = *c;
		struct ph_event ev = gen_event(&g, c, i);
		struct ph_value v[2] = { { .i = ev.tid }, { .u = ev.container } };

		ev.ts_ns = ts += 1 + (uint64_t)i * i * i;
		ev.cpu = i % 2;
		assert_int_equal(ph_ctf_write(st[ev.cpu], &ev, &err), 0);
		with_ctx.ctx = ctx;
		with_ctx.nctx = 2;
		/* Printers know classes by address: each has its own until the printer is gone. */
		*ph_vec_push(&classes) = ph_alloc(sizeof(with_ctx));
		*classes.v[i] = with_ctx;
		ev.cls = classes.v[i];
		ev.ctx = v;
		ph_printer_event(p, NULL, &ev, &want);
	}
	assert_int_equal(ph_ctf_close(w, ts, &err), 0);
	ph_printer_free(p);
	ph_vec_each(cls, &classes)
		free(*cls);
	ph_vec_done(&classes);
	cmd = ph_asprintf("babeltrace2 --clock-gmt '%s'; rm -rf '%s'", path, dir);
	f = popen(cmd, "r");
	while ((n = fread(chunk, 1, sizeof(chunk), f)))
		ph_buf_add(&got, chunk, n);
	assert_int_equal(pclose(f), 0);
	drop_lengths(got.p);
	for (char *a = want.p, *b = got.p; ; a = strchr(a, '\n') + 1, b = strchr(b, '\n') + 1) {
		char *ea = strchr(a, '\n'), *eb = strchr(b, '\n');
		ph_autobuf safe = { 0 };

		assert_int_equal(!ea, !eb);
		if (!ea)
			break;
		*ea = *eb = 0;
		/* It prints broken UTF-8 and C1 as they are. */
		ph_buf_add_term(&safe, b, strlen(b));
		assert_string_equal(a, safe.p);
		*ea = *eb = '\n';
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden), cmocka_unit_test(test_untrusted), cmocka_unit_test(test_names),
		cmocka_unit_test(test_errors), cmocka_unit_test(test_babeltrace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
