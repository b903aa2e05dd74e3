/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "event/evset.h"
#include "view/when.h"

/* Points in time and sets of events as options name them. */

/* 2026-11-21 23:30:00.25 UTC */
#define BEGIN 1795303800250000000

static void test_when(void **state)
{
	static const struct { const char *text; int64_t ns; } good[] = {
		{ "+0s", BEGIN },
		{ "+1.5s", BEGIN + 1500000000 },
		{ "+2ms", BEGIN + 2000000 },
		{ "23:30:01", BEGIN + 750000000 },
		{ "23:30:00.5", BEGIN + 250000000 },
		/* The same second, before the first event: still that day. */
		{ "23:30:00.1", BEGIN - 150000000 },
		{ "00:00:00.000000001", 1795305600000000001 },
		{ "2026-11-21 23:30:01", BEGIN + 750000000 },
		{ "2026-11-21T23:30:01.5", BEGIN + 1250000000 },
		{ "2026-11-22", 1795305600000000000 },
		{ "1795303800250000000", BEGIN },
		{ "1795303800", 1795303800000000000 },
		{ "1795303800.25", BEGIN },
	};
	static const char *const bad[] = {
		"", "x", "+", "+x", "25:00:00", "10:00:00.", "10:00:00.5x", "2026-11-21 1", "-5", "1.2.3",
		"+99999999999999h",
	};
	struct ph_err err;
	int64_t ns, from = 1, to = 2;

	for (size_t i = 0; i < PH_ARRAY_SIZE(good); i++) {
		err = (struct ph_err){ 0 };
		if (ph_when_parse(good[i].text, BEGIN, true, &ns, &err) < 0)
			fail_msg("%s: %s", good[i].text, err.msg);
		if (ns != good[i].ns)
			fail_msg("%s: %ld, not %ld", good[i].text, ns, good[i].ns);
	}
	for (size_t i = 0; i < PH_ARRAY_SIZE(bad); i++) {
		err = (struct ph_err){ 0 };
		if (ph_when_parse(bad[i], BEGIN, true, &ns, &err) >= 0 || !err.msg[0])
			fail_msg("'%s' was taken", bad[i]);
	}
	assert_int_equal(ph_when_range("+1.5s..+2s", BEGIN, true, &from, &to, &err), 0);
	assert_int_equal(from, BEGIN + 1500000000);
	assert_int_equal(to, BEGIN + 2000000000);
	from = to = 7;
	assert_int_equal(ph_when_range("..23:30:01", BEGIN, true, &from, &to, &err), 0);
	assert_true(from == 7 && to == BEGIN + 750000000);
	to = 7;
	assert_int_equal(ph_when_range("+1s..", BEGIN, true, &from, &to, &err), 0);
	assert_true(from == BEGIN + 1000000000 && to == 7);
	assert_int_equal(ph_when_range("+1s", BEGIN, true, &from, &to, &err), -EINVAL);
	/* Local time where it is asked for. */
	setenv("TZ", "XXX-2", 1);
	tzset();
	assert_int_equal(ph_when_parse("2026-11-22 01:30:00.25", BEGIN, false, &ns, &err), 0);
	assert_int_equal(ns, BEGIN);
}

static const struct ph_class foreign = { .name = "my_app:tick", .id = PH_EV_UNKNOWN };

static const struct ph_class *nth(void *arg, size_t i)
{
	return i == 0 ? &foreign : NULL;
}

static bool has(struct ph_evset *set, const char *name)
{
	return ph_evset_has(set, ph_class_by_name(name));
}

static void make(struct ph_evset *set, const char *list)
{
	struct ph_err err = { 0 };

	*set = (struct ph_evset){ .nth = nth };
	if (list)
		assert_int_equal(ph_parse_list(list, &set->words, &err), 0);
	if (ph_evset_check(set, &err) < 0)
		fail_msg("%s: %s", list, err.msg);
}

static bool is_call(const struct ph_class *cls)
{
	return cls->group == PH_GROUP_SYSCALL;
}

static void test_evset(void **state)
{
	struct ph_evset set;
	struct ph_err err = { 0 };

	make(&set, NULL);
	assert_true(has(&set, "sched_switch") && ph_evset_has(&set, &foreign));
	ph_evset_done(&set);

	make(&set, "sched,!sched_switch,openat,my_*");
	assert_true(has(&set, "sched_waking"));
	assert_false(has(&set, "sched_switch"));
	assert_true(has(&set, "syscall_entry_openat") && has(&set, "syscall_exit_openat"));
	assert_false(has(&set, "syscall_exit_openat2"));
	assert_true(ph_evset_has(&set, &foreign));
	/* From memory too. */
	assert_false(has(&set, "sched_switch"));
	ph_evset_done(&set);

	make(&set, "!sched,sched_switch");
	assert_true(has(&set, "sched_switch") && has(&set, "cap_capable"));
	assert_false(has(&set, "sched_waking"));
	/* Foreign events have no number, and so no group: not the first one by accident. */
	assert_true(ph_evset_has(&set, &foreign));
	ph_evset_done(&set);

	make(&set, "+sched,!sched_switch");
	set.start = is_call;
	assert_true(has(&set, "sched_waking") && has(&set, "syscall_entry_openat"));
	assert_false(has(&set, "sched_switch") || has(&set, "cap_capable"));
	ph_evset_done(&set);

	make(&set, "sched");
	assert_false(ph_evset_has(&set, &foreign));
	ph_evset_done(&set);

	set = (struct ph_evset){ 0 };
	ph_strv_add(&set.words, "sched_swich");
	assert_int_equal(ph_evset_check(&set, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "did you mean sched_switch?"));
	set.lenient = true;
	assert_int_equal(ph_evset_check(&set, &err), 0);
	ph_evset_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when), cmocka_unit_test(test_evset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
