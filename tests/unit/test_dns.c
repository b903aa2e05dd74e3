/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DNS messages: what they say, cut off anywhere, and made to harm. */
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/cleanup.h"
#include "live/dns.h"

/* A literal with its length. */
#define M(s) (s), sizeof(s) - 1

/* An answer to "a.example", type A, with this many records; and its question. */
#define HEAD(records) "\x12\x34\x81\x80\0\1\0" records "\0\0\0\0"
#define QUESTION "\1a\7example\0\0\1\0\1"
#define RECORD(type, len, data) "\xc0\x0c\0" type "\0\1\0\0\0\x3c\0" len data

static void question(const char *msg, size_t n, const char *want)
{
	ph_autobuf b = { 0 };
	struct ph_dns d;

	assert_int_equal(ph_dns_parse(msg, n, &d, &b), 0);
	assert_string_equal(b.p ? b.p : "", want);
}

static void answers(const char *msg, size_t n, const char *want)
{
	ph_autobuf b = { 0 };

	ph_dns_add_answers(msg, n, 3, &b);
	assert_string_equal(b.p ? b.p : "", want);
}

static void test_head(void **state)
{
	ph_autobuf b = { 0 };
	struct ph_dns d;

	assert_int_equal(ph_dns_parse(M("\x12\x34\x83\x83\0\1\0\2\0\0\0\0" QUESTION), &d, &b), 0);
	assert_int_equal(d.id, 0x1234);
	assert_true(d.answer && d.truncated);
	assert_int_equal(d.opcode, 0);
	assert_int_equal(d.code, 3);
	assert_int_equal(d.answers, 2);
	assert_int_equal(d.type, 1);
	assert_string_equal(b.p, "a.example");
	assert_int_equal(ph_dns_parse(M("\x12\x34\x29\0\0\0\0\0\0\0\0\0"), &d, &b), 0);
	assert_false(d.answer || d.truncated);
	assert_int_equal(d.opcode, 5);
	assert_int_equal(d.type, 0);
	for (size_t n = 0; n < 12; n++)
		assert_int_equal(ph_dns_parse("\x12\x34\1\0\0\1\0\0\0\0\0\0", n, &d, &b), -EBADMSG);
	(void)state;
}

static void test_names(void **state)
{
	char name[12 + 4 * 64 + 5] = "\0\0\1\0\0\1\0\0\0\0\0", *p;

	question(M(HEAD("\0") "\0\0\2\0\1"), ".");
	question(M(HEAD("\0") "\4a.b\\\3 \"\n\2\xc3\xa9\0\0\1\0\1"), "a\\.b\\\\.\\ \\\"\\010.\\195\\169");
	/* No room for the type, a label behind the end, one of a kind that there is not. */
	question(M(HEAD("\0") "\1a\0\0\1\0"), "");
	question(M(HEAD("\0") "\5abc"), "");
	question(M(HEAD("\0") "\x41" "a\0\0\1\0\1"), "");
	/* 255 bytes are a name, 256 are none. */
	for (size_t last = 61; last <= 62; last++) {
		ph_autobuf b = { 0 };
		struct ph_dns d;

		p = name + 12;
		for (int i = 0; i < 4; i++) {
			size_t len = i < 3 ? 63 : last;

			*p++ = (char)len;
			memset(p, 'x', len);
			p += len;
		}
		memcpy(p, "\0\0\1\0\1", 5);
		assert_int_equal(ph_dns_parse(name, (size_t)(p + 5 - name), &d, &b), 0);
		assert_int_equal(b.len, last == 61 ? 3 * 64 + 61 : 0);
	}
	(void)state;
}

static void too_long(int sig)
{
	(void)sig;
	fail_msg("a name has no end");
}

static void test_pointers(void **state)
{
	static const struct itimerval soon = { .it_value.tv_sec = 5 }, never;

	/* Of its own time: who follows a pointer to itself does so for ever. */
	signal(SIGPROF, too_long);
	setitimer(ITIMER_PROF, &soon, NULL);
	/* To later, to itself, into the head, each to the other, cut in half. */
	question(M(HEAD("\0") "\xc0\x10\0\1\1b\0\0\1\0\1"), "");
	question(M(HEAD("\0") "\xc0\x0c\0\1\0\1"), "");
	question(M(HEAD("\0") "\xc0\x04\0\1\0\1"), "");
	question(M(HEAD("\0") "\1a\xc0\x0c\0\1\0\1"), "");
	question(M(HEAD("\0") "\1a\xc0"), "");
	answers(M(HEAD("\1") QUESTION "\xc0\x1b\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4"), "+1");
	/* Backwards twice is a name. */
	answers(M(HEAD("\2") QUESTION RECORD("\5", "\4", "\1b\xc0\x0e") RECORD("\5", "\4", "\1c\xc0\x27")), "b.example c.b.example");
	/* A pointer from the data to where the data is. */
	answers(M(HEAD("\1") QUESTION RECORD("\5", "\2", "\xc0\x27")), "CNAME");
	setitimer(ITIMER_PROF, &never, NULL);
	(void)state;
}

static void test_answers(void **state)
{
	answers(M(HEAD("\0") QUESTION), "");
	answers(M(HEAD("\2") QUESTION RECORD("\1", "\4", "\xc0\0\2\1")
		  RECORD("\x1c", "\x10", "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7")), "192.0.2.1 2001:db8::7");
	answers(M(HEAD("\3") QUESTION RECORD("\x0f", "\6", "\0\x0a\1m\xc0\x0e") RECORD("\x21", "\x0a", "\0\1\0\2\x01\xbb\1s\xc0\x0e")
		  RECORD("\x10", "\x0a", "\3a\"b\5\1c\xff z")), "m.example s.example:443 \"a\\\"b\\001c\\255 z\"");
	/* Of the wrong size, of a type that is not known, and more than are wanted. */
	answers(M(HEAD("\2") QUESTION RECORD("\1", "\3", "\1\2\3") RECORD("\xf0", "\1", "x")), "A TYPE240");
	answers(M(HEAD("\5") QUESTION RECORD("\1", "\4", "\1\1\1\1") RECORD("\1", "\4", "\1\1\1\2") RECORD("\1", "\4", "\1\1\1\3")),
		"1.1.1.1 1.1.1.2 1.1.1.3 +2");
	/* A name that does not end in its record, a service without one, a text that says to be longer than it is. */
	answers(M(HEAD("\2") QUESTION RECORD("\5", "\2", "\5a") RECORD("\x21", "\5", "\0\0\0\0\0")), "CNAME SRV");
	answers(M(HEAD("\1") QUESTION RECORD("\x10", "\3", "\x40" "ab")), "\"ab\"");
	(void)state;
}

/* What is cut off is not told, what is before it is. */
static void test_cut(void **state)
{
	static const char msg[] = HEAD("\2") QUESTION RECORD("\1", "\4", "\1\1\1\1") RECORD("\1", "\4", "\1\1\1\2");
	size_t n = sizeof(msg) - 1;

	for (size_t i = 12; i <= n; i++) {
		/* A copy that has no byte more. */
		char *copy = ph_alloc(i);

		memcpy(copy, msg, i);
		answers(copy, i, i == n ? "1.1.1.1 1.1.1.2" : i >= n - 16 ? "1.1.1.1 +1" : i >= n - 32 ? "+2" : "");
		free(copy);
	}
	(void)state;
}

static void test_numbers(void **state)
{
	ph_autobuf b = { 0 };

	ph_dns_add_type(&b, 28);
	ph_dns_add_type(&b, 999);
	ph_dns_add_code(&b, 2);
	ph_dns_add_code(&b, 15);
	assert_string_equal(b.p, "AAAATYPE999SERVFAILRCODE15");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head), cmocka_unit_test(test_names), cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_answers), cmocka_unit_test(test_cut), cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
