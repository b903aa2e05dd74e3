/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/parse.h"
#include "event/symbols.h"
#include "filter_fixture.h"

static const struct ph_enum_label labels[] = {
	{ "red", 1, 1 }, { "green", 2, 2 }, { "blueish", 10, 20 },
};
static const struct ph_type color = { .kind = PH_KIND_ENUM, .bits = 8, .nlabels = 3, .labels = labels };
static const struct ph_type f64 = { .kind = PH_KIND_FLOAT, .bits = 64 };
static const struct ph_field alternatives[] = {
	{ "number", &ph_type_s32 }, { "text", &ph_type_str },
};
static const struct ph_type variant = { .kind = PH_KIND_VARIANT, .nfields = 2, .fields = alternatives };

static const struct ph_field exit_fields[] = {
	{ "ret", &ph_type_s64, PH_UNIT_RET }, { "filename", &ph_type_str },
	{ "flags", &ph_type_s32, PH_UNIT_OPEN_FLAGS }, { "addr", &ph_type_bytes, PH_UNIT_SOCKADDR },
};
static const struct ph_field context[] = { { "vtid", &ph_type_s32, PH_UNIT_TID } };
static const struct ph_class exit_openat = {
	.name = "syscall_exit_openat", .fields = exit_fields, .nfields = 4, .ctx = context, .nctx = 1,
};
static const struct ph_field odd_fields[] = {
	{ "color", &color }, { "ratio", &f64 }, { "ids", &ph_type_s32v }, { "any", &variant },
	{ "big", &ph_type_u64 }, { "tid", &ph_type_s32 }, { "dev", &ph_type_u32, PH_UNIT_DEV },
};
static const struct ph_class odd = { .name = "ust:odd event", .fields = odd_fields, .nfields = 7 };

static const struct ph_class *nth(void *arg, size_t i)
{
	return i == 0 ? &exit_openat : i == 1 ? &odd : NULL;
}

static const struct ph_filter_names names = { .nth = nth };

static const char sockaddr[] = "\2\0\x1f\x90\x0a\0\0\1\0\0\0\0\0\0\0";
static const struct ph_value openat_v[] = {
	{ .i = -2 }, { .s = "/etc/passwd!", .n = 11 }, { .u = 01101 }, { .s = sockaddr, .n = 16 },
};
static const struct ph_value vtid[] = { { .i = 7 } };
static const struct ph_event openat_ev = {
	.cls = &exit_openat, .ts_ns = 5000000, .cpu = 3, .container = 1, .tid = 100, .pid = 100,
	.v = openat_v, .ctx = vtid,
};
static const struct ph_value ids[] = { { .i = 4 }, { .i = 5 } }, any_text = { .s = "hello", .n = 5 };
static const struct ph_value odd_v[] = {
	{ .u = 15 }, { .f = 0.5 }, { .v = ids, .n = 2 }, { .v = &any_text, .n = 1, .sel = 1 },
	{ .u = UINT64_MAX }, { .i = 55 }, { .u = 8 << 20 | 3 },
};
static const struct ph_event odd_ev = {
	.cls = &odd, .cpu = 0, .container = PH_CONTAINER_UNKNOWN, .tid = -1, .pid = -1, .v = odd_v,
};

struct expect {
	const char *expr;
	bool openat, odd;
};

static const struct expect expected[] = {
	/* Numbers, names of numbers. */
	{ "ret < 0", true, false },
	{ "ret == -2", true, false },
	{ "ret == -ENOENT", true, false },
	{ "ret == 'ENOENT'", false, false },
	{ "ret != -ENOENT", false, false },
	{ "ret >= 0", false, false },
	{ "syscall_exit_openat.ret < 0", true, false },
	{ "syscall_exit_*.ret < 0", true, false },
	{ "sched_switch.prev_prio < 0", false, false },
	{ "ret == 0xfffffffffffffffe", false, false },
	{ "ret < 0xfffffffffffffffe", true, false },
	{ "big == 0xffffffffffffffff", false, true },
	{ "big == -1", false, false },
	{ "big > -1", false, true },
	{ "big", false, true },
	{ "flags & O_CREAT", true, false },
	{ "flags & O_TRUNC", true, false },
	{ "flags & O_EXCL", false, false },
	{ "flags & (O_CREAT|O_EXCL) == O_CREAT", true, false },
	{ "flags & O_CREAT|O_EXCL != O_CREAT", false, false },
	{ "flags == O_WRONLY|O_CREAT|O_TRUNC", true, false },
	{ "flags == 01101", true, false },
	{ "ts == 5ms && cpu == 3", true, false },
	{ "ts >= 4K", true, false },
	{ "ts < 4KiB", false, true },
	{ "dev == '8:3'", false, true },
	{ "dev == '8:4'", false, false },
	/* Enumerations, floats, sequences, variants. */
	{ "color == blueish", false, true },
	{ "color != blueish", false, false },
	{ "color == red", false, false },
	{ "color > green", false, true },
	{ "ratio < 0.75", false, true },
	{ "ratio == 1", false, false },
	{ "ids == 5", false, true },
	{ "ids == 6", false, false },
	{ "ids != 6", false, true },
	{ "ids != 5", false, false },
	{ "ids > 4", false, true },
	{ "any == hello", false, true },
	{ "any ~ h*", false, true },
	{ "any == 5", false, false },
	/* Text. */
	{ "filename == \"/etc/passwd\"", true, false },
	{ "filename == '/etc/passwd!'", false, false },
	{ "filename == \"\\x2fetc/passwd\"", true, false },
	{ "filename ~ '/etc/*'", true, false },
	{ "filename !~ '/etc/*'", false, false },
	{ "filename ~ '/usr/*'", false, false },
	{ "filename !~ '/usr/*'", true, false },
	{ "addr == '10.0.0.1:8080'", true, false },
	{ "addr ~ '10.0.*'", true, false },
	{ "filename", true, false },
	/* Attributes and contexts; EVENT.tid is the payload where there is one. */
	{ "name == syscall_exit_openat", true, false },
	{ "name ~ 'syscall_*'", true, false },
	{ "name !~ 'syscall_*'", false, true },
	{ "comm == nginx", true, false },
	{ "comm != nginx", false, false },
	{ "comm ~ 'ng*'", true, false },
	{ "tid == 100 && pid == 100 && ppid == 1", true, false },
	{ "tid == 55", false, false },
	{ "'ust:odd event'.tid == 55", false, true },
	{ "*.tid == 55", false, true },
	{ "*.tid == 100", true, false },
	{ "tid != -5", true, false },
	{ "tid < 0xffffffffffffffff", true, false },
	{ "vtid == 7", true, false },
	{ "container == web", true, false },
	{ "container == '3f2a9c01deadbeef'", true, false },
	{ "container == '3f2a'", true, false },
	{ "container == '3f2'", false, false },
	{ "container ~ 'w*'", true, false },
	{ "container == 1", true, false },
	{ "container != 2", true, false },
	{ "container", true, false },
	{ "container == host", false, false },
	{ "container != host", true, false },
	{ "pod == 'shop-1' && namespace == prod && image ~ 'nginx:*'", true, false },
	{ "pod != x", true, false },
	/* Two truth values: what is lacking compares false, and ! turns that around. */
	{ "!(ret == 0)", true, true },
	{ "!ret == 0", true, true },
	{ "!!(ret == -2)", true, false },
	{ "!(comm == nginx)", false, true },
	{ "!(ret < 0 && cpu == 3)", false, true },
	{ "!(ret < 0 || cpu == 0)", false, false },
	/* Precedence: && over ||. */
	{ "cpu == 3 || cpu == 0 && ret == 1", true, false },
	{ "(cpu == 3 || cpu == 0) && big", false, true },
	{ "cpu == 0 && ret == 1 || cpu == 3", true, false },
};

static struct ph_filter *parse(const char *expr)
{
	struct ph_filter *f = NULL;
	struct ph_err err = { 0 };

	if (ph_filter_parse_names(expr, &names, &f, &err) < 0)
		fail_msg("%s: %s", expr, err.msg);
	return f;
}

static void test_match(void **state)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(expected); i++) {
		const struct expect *x = &expected[i];
		struct ph_filter *f = parse(x->expr);
		bool a = ph_filter_match(f, IDENTITY, &openat_ev);
		bool b = ph_filter_match(f, IDENTITY, &odd_ev);

		if (a != x->openat || b != x->odd)
			fail_msg("%s: openat %d (want %d), odd %d (want %d)", x->expr, a, x->openat, b,
				 x->odd);
		/* Once more, from the programs that are kept by now. */
		assert_int_equal(ph_filter_match(f, IDENTITY, &openat_ev), x->openat);
		if (a)
			assert_true(ph_filter_may_match(f, &exit_openat));
		ph_filter_free(f);
	}
}

static void test_host(void **state)
{
	struct ph_event ev = openat_ev;
	struct ph_filter *f = parse("container == host");
	struct ph_filter *g = parse("container");

	ev.container = PH_CONTAINER_HOST;
	assert_true(ph_filter_match(f, IDENTITY, &ev));
	assert_false(ph_filter_match(g, IDENTITY, &ev));
	/* Without a model: what is in the event still counts. */
	assert_false(ph_filter_match(f, NULL, &ev));
	ph_filter_free(f);
	ph_filter_free(g);
	f = parse("cpu == 3 && !(comm == x)");
	assert_true(ph_filter_match(f, NULL, &ev));
	ph_filter_free(f);
}

static void test_errors(void **state)
{
	static const struct { const char *expr, *says; } bad[] = {
		{ "", "it is empty" },
		{ "ret", NULL },
		{ "ret <", "at its end: a value is missing" },
		{ "(cpu == 1", "')' is missing" },
		{ "cpu == 1)", "column 9): ')' without '('" },
		{ "cpu == 1 tid == 2", "column 10): && or || is missing" },
		{ "cpu = 1", "did you mean '=='?" },
		{ "5 == cpu", "begins with the name" },
		{ "cpu == 1x", "'1x' is not a number" },
		{ "cpu == 99999999999999999999", "too large" },
		{ "cpu == -9223372036854775809", "does not fit" },
		{ "cpu == 1.5", "fraction" },
		{ "comm == \"x", "does not end" },
		{ "comm == \"\\q\"", "unknown escape" },
		{ "comm == \"\\x0\"", "two hexadecimal" },
		{ "comm == \"\\x00\"", "zero byte" },
		{ "comm < \"a\"", "only == != ~ !~" },
		{ "comm == 5", "compared with a \"string\"" },
		{ "cpu ~ 5", "~ compares text" },
		{ "sched_swich.prev_tid == 1", "did you mean sched_switch?" },
		{ "sched_switch.prev_tod == 1", "did you mean prev_tid?" },
		{ "sched_switch.prev_tod == 1", "it has prev_comm, prev_tid" },
		{ "prev_stat == 1", "did you mean prev_state?" },
		{ "sched_switch", "is an event: write sched_switch.FIELD" },
		{ "nosuch_*.ret == 1", "there is no event 'nosuch_*'" },
		{ "cap == CAP_SYS_ADMN", "did you mean CAP_SYS_ADMIN?" },
		{ "ret == -ENOENTT", "did you mean ENOENT?" },
		{ "sched_switch.prev_tid == hello", "it is a number, 'hello' is not" },
		{ "flags & O_CREAT|-1", "joined" },
		{ "color < blueish", "is a range" },
		{ "cpu == \x01", "no meaning" },
		{ ".ret == 1", "not EVENT.FIELD" },
		{ "'x' == 1", "a string on the left is an event" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(bad); i++) {
		struct ph_filter *f = NULL;
		struct ph_err err = { 0 };
		int r = ph_filter_parse_names(bad[i].expr, &names, &f, &err);

		if (!bad[i].says) {
			assert_int_equal(r, 0);
		} else {
			if (r != -EINVAL || !strstr(err.msg, bad[i].says))
				fail_msg("%s: %d \"%s\", not \"%s\"", bad[i].expr, r, err.msg, bad[i].says);
			assert_null(f);
		}
		ph_filter_free(f);
	}
}

/* Nesting and length have limits that are errors, not crashes. */
static void test_limits(void **state)
{
	ph_autobuf b = { 0 };
	struct ph_filter *f = NULL;
	struct ph_err err = { 0 };

	for (int i = 0; i < 100000; i++)
		ph_buf_adds(&b, i % 2 ? "!" : "(");
	assert_int_equal(ph_filter_parse(b.p, &f, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "too deeply nested"));
	ph_buf_clear(&b);
	for (int i = 0; i < 3000; i++)
		ph_buf_addf(&b, "%scpu == %d", i ? " || " : "", i);
	assert_int_equal(ph_filter_parse(b.p, &f, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "too many comparisons"));
	ph_buf_clear(&b);
	for (int i = 0; i < 1900; i++)
		ph_buf_addf(&b, "%scpu == %d", i ? " || " : "", 1900 - i);
	f = parse(b.p);
	assert_true(ph_filter_match(f, NULL, &openat_ev));
	assert_false(ph_filter_match(f, NULL, &odd_ev));
	ph_filter_free(f);
}

static void test_lenient(void **state)
{
	static const struct ph_filter_names lenient = { .lenient = true };
	struct ph_filter *f = NULL;
	struct ph_err err = { 0 };

	assert_int_equal(ph_filter_parse("big == 0xffffffffffffffff", &f, &err), -EINVAL);
	assert_int_equal(ph_filter_parse_names("big == 0xffffffffffffffff && color == blueish", &lenient, &f,
					       &err), 0);
	assert_true(ph_filter_match(f, NULL, &odd_ev));
	assert_false(ph_filter_match(f, NULL, &openat_ev));
	ph_filter_free(f);
	/* Contexts that a recorder may add are known without it. */
	f = NULL;
	assert_int_equal(ph_filter_parse("sched_switch.pid_nss == 5 || vpid == 1", &f, &err), -EINVAL);
	assert_int_equal(ph_filter_parse("sched_switch.cgroup_ns == 5", &f, &err), 0);
	ph_filter_free(f);
}

/* Every line in a box of the documentation is a filter. */
static void test_documentation(void **state)
{
	ph_autobuf doc = { 0 };
	bool in = false;
	size_t n = 0;

	assert_int_equal(ph_read_file_at(AT_FDCWD, PH_TEST_DATA "/../../docs/filter.md", 1 << 20, &doc), 0);
	for (char *line = strtok(doc.p, "\n"); line; line = strtok(NULL, "\n")) {
		struct ph_filter *f = NULL;
		struct ph_err err = { 0 };

		if (!strncmp(line, "```", 3)) {
			in = !strcmp(line, "```filter");
			continue;
		}
		if (!in)
			continue;
		if (ph_filter_parse(line, &f, &err) < 0)
			fail_msg("%s", err.msg);
		ph_filter_free(f);
		n++;
	}
	assert_true(n >= 15);
}

static void test_symbols(void **state)
{
	static const struct { enum ph_unit unit; int64_t v; const char *text; } sym[] = {
		{ PH_UNIT_RET, -2, "ENOENT" }, { PH_UNIT_RET, -512, "ERESTARTSYS" },
		{ PH_UNIT_RET, -11, "EAGAIN" }, { PH_UNIT_RET, -110, "ETIMEDOUT" },
		{ PH_UNIT_RET, 2, NULL }, { PH_UNIT_RET, -4000, NULL }, { PH_UNIT_RET, INT64_MIN, NULL },
		{ PH_UNIT_SIGNAL, 9, "SIGKILL" }, { PH_UNIT_SIGNAL, 34, "SIGRT34" },
		{ PH_UNIT_SIGNAL, 0, NULL }, { PH_UNIT_CAP, 21, "CAP_SYS_ADMIN" },
		{ PH_UNIT_CAP, 40, "CAP_CHECKPOINT_RESTORE" }, { PH_UNIT_CAP, 41, NULL },
		{ PH_UNIT_CAP, -1, NULL }, { PH_UNIT_TCPSTATE, 10, "TCP_LISTEN" },
		{ PH_UNIT_SOFTIRQ, 3, "NET_RX" }, { PH_UNIT_STATE, 0, "R" }, { PH_UNIT_STATE, 1, "S" },
		{ PH_UNIT_STATE, 2, "D" }, { PH_UNIT_STATE, 0x402, "I" }, { PH_UNIT_STATE, 0x102, "D" },
		{ PH_UNIT_STATE, 0x20, "Z" }, { PH_UNIT_STATE, INT64_MIN, NULL },
		{ PH_UNIT_OPEN_FLAGS, 0, "O_RDONLY" },
		{ PH_UNIT_OPEN_FLAGS, 02000101, "O_WRONLY|O_CREAT|O_CLOEXEC" },
		{ PH_UNIT_OPEN_FLAGS, 04010000, "O_RDONLY|O_SYNC" }, { PH_UNIT_OPEN_FLAGS, 3, "O_ACCMODE" },
		{ PH_UNIT_OPEN_FLAGS, 0x40000000, "O_RDONLY|0x40000000" },
		{ PH_UNIT_CLONE_FLAGS, 0x11, "SIGCHLD" },
		{ PH_UNIT_CLONE_FLAGS, 0x20020011, "CLONE_NEWNS|CLONE_NEWPID|SIGCHLD" },
		{ PH_UNIT_CLONE_FLAGS, 0x80, "CLONE_NEWTIME" }, { PH_UNIT_CLONE_FLAGS, 0, NULL },
		{ PH_UNIT_RWBS, 37, "WRITE|READ|SYNC" }, { PH_UNIT_DEV, 8 << 20 | 1, "8:1" },
		{ PH_UNIT_NONE, 1, NULL }, { PH_UNIT_DIRFD, -100, "AT_FDCWD" }, { PH_UNIT_DIRFD, 3, NULL },
		{ PH_UNIT_MMAP_PROT, 3, "PROT_READ|PROT_WRITE" }, { PH_UNIT_MMAP_PROT, 0, NULL },
		{ PH_UNIT_MMAP_FLAGS, 0x22, "MAP_ANONYMOUS|MAP_PRIVATE" },
		{ PH_UNIT_SOCK_TYPE, 02000001, "SOCK_CLOEXEC|SOCK_STREAM" },
		{ PH_UNIT_FUTEX_OP, 129, "FUTEX_WAKE|FUTEX_PRIVATE_FLAG" },
		{ PH_UNIT_FUTEX_OP, 0, "FUTEX_WAIT" }, { PH_UNIT_SOCK_FAMILY, 10, "AF_INET6" },
		{ PH_UNIT_MSG_FLAGS, 0x4040, "MSG_DONTWAIT|MSG_NOSIGNAL" },
		{ PH_UNIT_FCNTL_CMD, 1030, "F_DUPFD_CLOEXEC" }, { PH_UNIT_CLOCK, 1, "CLOCK_MONOTONIC" },
	};
	ph_autobuf b = { 0 };
	int64_t v;

	for (size_t i = 0; i < PH_ARRAY_SIZE(sym); i++) {
		ph_buf_clear(&b);
		assert_int_equal(ph_symbol_add(&b, sym[i].unit, sym[i].v), sym[i].text != NULL);
		if (sym[i].text)
			assert_string_equal(b.p, sym[i].text);
		else
			assert_int_equal(b.len, 0);
	}
	/* What is printed can be asked for. */
	assert_true(ph_symbol_value(PH_UNIT_RET, "EWOULDBLOCK", 11, &v) && v == EAGAIN);
	assert_true(ph_symbol_value(PH_UNIT_OPEN_FLAGS, "O_LARGEFILE", 11, &v) && v);
	assert_false(ph_symbol_value(PH_UNIT_OPEN_FLAGS, "O_", 2, &v));
	assert_false(ph_symbol_value(PH_UNIT_DEV, "8:", 2, &v));
}

static void test_sockaddr(void **state)
{
	static const struct { const char *bytes; size_t n; const char *text; } addr[] = {
		{ "\2\0\0\x50\x7f\0\0\1", 8, "127.0.0.1:80" },
		{ "\2\0\0\x50\x7f\0\0", 7, NULL },
		{ "\x0a\0\x1f\x90\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 24, "[::1]:8080" },
		{ "\1\0/run/x.sock\0junk", 18, "unix:/run/x.sock" },
		{ "\1\0\0abs\x1b[m", 9, "unix:@abs\\x1b[m" },
		{ "\1\0", 2, "unix:" },
		{ "\x10\0\0\0\x39\5\0\0\0\0\0\0", 12, "netlink:1337" },
		{ "\x11\0", 2, "family 17" },
		{ "\1", 1, NULL }, { "", 0, NULL },
	};
	ph_autobuf b = { 0 };

	for (size_t i = 0; i < PH_ARRAY_SIZE(addr); i++) {
		ph_buf_clear(&b);
		assert_int_equal(ph_symbol_add_sockaddr(&b, addr[i].bytes, addr[i].n), addr[i].text != NULL);
		if (addr[i].text)
			assert_string_equal(b.p, addr[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_match), cmocka_unit_test(test_host), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_lenient),
		cmocka_unit_test(test_documentation), cmocka_unit_test(test_symbols), cmocka_unit_test(test_sockaddr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
