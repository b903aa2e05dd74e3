/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What people read of a profile: the head, the tree of calls, names that are too long. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "export/parts.h"
#include "profile_stream.h"

static struct ph_profile_opts opts;

static int reset(void **state)
{
	opts = (struct ph_profile_opts){ .by = { PH_BY_CONTAINER, PH_BY_COMM }, .nby = 2 };
	return 0;
}

static char *report(const char *events, double min, unsigned int width)
{
	struct ph_buf out = { 0 };
	struct profiled d;

	profiled_of(&d, &opts, events);
	ph_export_tree(&(struct ph_export){ .p = d.p, .min = min, .view.width = width }, &out);
	profiled_done(&d);
	return ph_buf_steal(&out);
}

static void calls_are(const char *events, double min, unsigned int width, const char *want)
{
	ph_autofree char *out = report(events, min, width);
	const char *calls = strstr(out, "\nCalls, ");

	assert_non_null(calls);
	assert_string_equal(strchr(calls + 1, '\n') + 1, want);
}

#define SAMPLE(weight, user) \
	"+10 cpu=0 tid=7 pid=7 container=1 callstack weight=" weight " comm=nginx tid=7 callstack_user=[" user "] user_end=1\n"

static void test_all(void **state)
{
	static const char events[] = SAMPLE("600000", "0x401100,0x402001,0x403011") SAMPLE("398000", "0x7f0000000555,0x403011")
		"+10 cpu=0 tid=7 pid=7 container=1 callstack weight=2000 comm=nginx tid=7 callstack_user=[0x12345] user_end=3\n" NAMES;
	ph_autofree char *out = report(events, 0.005, 0);

	assert_string_equal(out,
		"1 ms of CPU time in 0.0 s, 14285.71 CPUs: 3 samples\n"
		"\n"
		"SHARE%  TIME  CONTAINER  IMAGE       TASKS\n"
		" 100.0  1 ms  web        nginx:1.27  nginx\n"
		"\n"
		"Functions by their own share (TOTAL: with what they call):\n"
		"SELF%  TOTAL%  IN         FUNCTION\n"
		" 60.0    60.0  nginx      next\n"
		" 39.8    39.8  libc.so.6  libc.so.6+0x28555\n"
		"  0.2     0.2  -          [unknown]\n"
		"\n"
		"note: of so few samples a share of 10 % is 10 ± 35 %; longer, or with a higher -F, there are more\n"
		"note: 33 % of the programs' stacks end before the program's start: 33 % an address without a rule\n"
		"note: 0.2 % of the stacks have addresses that no known mapping has: [unknown]\n"
		"note: functions without names: debug symbols have them, in the container or on the host when it is recorded; install them "
		"there, or get them by debuginfod-find debuginfo BUILD-ID\n"
		"- 40 % of the stacks: /lib/libc.so.6, build id abcdef\n"
		"\n"
		"Calls, from the outermost: shares of the whole, of 0.5 % and more (--min)\n"
		"100.0 %  web / nginx\n"
		" 99.8 %    main (nginx)\n"
		" 60.0 %      serve → parse → next_[i]\n"
		" 39.8 %      libc.so.6+0x28555\n");
}

/* What goes on in one way is on one line, as far as less than a line's worth is left behind; what calls itself is there once. */
static void test_chains(void **state)
{
	static const char events[] =
		SAMPLE("900", "0x402000,0x402001,0x402001,0x403011") SAMPLE("40", "0x403010") SAMPLE("30", "0x7f0000000555,0x402001,0x403011")
		SAMPLE("30", "0x401100,0x403011") NAMES;

	/* serve calls serve calls serve with 900, and once the C library with 30: 40 of main's are its own. */
	calls_are(events, 0.05, 0, "100.0 %  web / nginx\n100.0 %    main (nginx)\n 93.0 %      serve ×3\n");
	calls_are(events, 0.02, 0, "100.0 %  web / nginx\n100.0 %    main (nginx)\n 93.0 %      serve\n 90.0 %        serve ×2\n"
				   "  3.0 %        libc.so.6+0x28555\n  3.0 %      parse → next_[i]\n");
	/* A container and its task of the same name are no calls. */
	calls_are("+10 cpu=0 tid=7 pid=7 container=1 callstack weight=1 comm=web tid=7 callstack_user=[0x402000] user_end=1\n" NAMES, 0.05, 0,
		  "100.0 %  web / web\n100.0 %    serve (nginx)\n");
	/* Without a limit, what has all of it is on the line, and nothing else. */
	calls_are(SAMPLE("9", "0x402000,0x403011") SAMPLE("1", "0x403010") NAMES, 0, 0,
		  "100.0 %  web / nginx\n100.0 %    main (nginx)\n 90.0 %      serve\n");
}

/* What is too little for a line is counted where others have one, and it is worth one together. */
static void test_more(void **state)
{
	static const char events[] = SAMPLE("900", "0x402000,0x403011") SAMPLE("40", "0x401100,0x403011") SAMPLE("60", "0x7f0000000555,0x403011") NAMES;

	calls_are(events, 0.07, 0, "100.0 %  web / nginx\n100.0 %    main (nginx)\n 90.0 %      serve\n 10.0 %      (2 more)\n");
	/* Nothing looks as if it were all there. */
	calls_are(events, 0.95, 0, "100.0 %  web / nginx\n100.0 %    main (nginx)\n");
}

/* A line is as long as the terminal is wide: names are shortened first, then functions left out of its middle. */
static void test_width(void **state)
{
	ph_autobuf stack = { 0 }, events = { 0 };

	for (unsigned int i = 0; i < 12; i++)
		ph_buf_addf(&stack, "%s0x40%x001", i ? "," : "", i + 4);
	ph_buf_addf(&events, "+10 cpu=0 tid=7 pid=7 container=1 callstack weight=10 comm=nginx tid=7 callstack_user=[%s] user_end=1\n", stack.p);
	for (unsigned int i = 0; i < 12; i++)
		ph_buf_addf(&events, "+0 user_symbol file=1 vaddr=0x%x name=function_%c\n", (i + 4) * 0x1000 + (i ? 0 : 1), 'l' - (int)i);
	calls_are(events.p, 0.01, 0, "100.0 %  web / nginx\n"
		  "100.0 %    function_a (nginx) → function_b → function_c → function_d → function_e → function_f → function_g\n"
		  "           → function_h → function_i → function_j → function_k → function_l\n");
	calls_are(events.p, 0.01, 80, "100.0 %  web / nginx\n"
		  "100.0 %    function_a (nginx) → function_b → (8 more) → function_k → function_l\n");
	calls_are(events.p, 0.01, 60, "100.0 %  web / nginx\n100.0 %    function_a (nginx) → (10 more) → function_l\n");
	calls_are(events.p, 0.01, 46, "100.0 %  web / nginx\n100.0 %    …ion_a (nginx) → (10 more) → …ion_l\n");
}

/* Task 7 of web and 20 of db: who has how much, of which tasks, in what of whom. */
static void test_containers(void **state)
{
	ph_autobuf events = { 0 };
	ph_autofree char *out = NULL;

	ph_buf_adds(&events, SAMPLE("600", "0x402000,0x403011") "+10 cpu=0 tid=8 pid=7 container=1 callstack weight=100 comm=worker tid=8 "
		    "callstack_kernel=[0xffff1000,0xffff2000] callstack_user=[0x403010] user_end=1\n"
		    "+10 cpu=0 tid=20 pid=20 container=2 callstack weight=200 comm=sh tid=20 callstack_kernel=[0xffff1000,0xffff2000] user_end=0\n"
		    "+10 cpu=0 tid=99 pid=99 container=0 callstack weight=100 comm=cron tid=99 callstack_kernel=[0xffff2000] user_end=0\n" NAMES);
	out = report(events.p, 0.01, 0);
	assert_non_null(strstr(out, "SHARE%    TIME  CONTAINER  IMAGE       TASKS\n"
				    "  70.0  700 ns  web        nginx:1.27  nginx 60.0, worker 10.0\n"
				    "  20.0  200 ns  db         -           sh\n"
				    "  10.0  100 ns  (host)     -           cron\n"));
	assert_non_null(strstr(out, "SELF%  TOTAL%  CONTAINER  IN      FUNCTION\n"
				    " 60.0    60.0  web        nginx   serve\n"
				    " 30.0    30.0  db +       kernel  do_read\n"
				    " 10.0    40.0  db +       kernel  do_syscall\n"));
	assert_non_null(strstr(out, "\n 70.0 %  web\n 60.0 %    nginx\n 60.0 %      main (nginx) → serve\n"
				    " 10.0 %    worker\n 10.0 %      main (nginx) → do_syscall (kernel) → do_read\n"
				    " 20.0 %  db / sh\n 20.0 %    do_syscall (kernel) → do_read\n"));
}

/* More than there is room for is told with its share. */
static void test_many_containers(void **state)
{
	ph_autobuf events = { 0 };
	ph_autofree char *out = NULL;

	for (unsigned int i = 10; i < 24; i++)
		ph_buf_addf(&events, "@0 container_info index=%u name=c%u cgroup_path=/c%u cgroup_id=%u\n", i, i, i, 100 + i);
	for (unsigned int i = 10; i < 24; i++)
		ph_buf_addf(&events, "+10 cpu=0 tid=%u pid=%u container=%u callstack weight=%u comm=a%u tid=%u callstack_kernel=[0xffff1000] user_end=0\n",
			    i, i, i, i < 14 ? 5 : 98, i, i);
	ph_buf_adds(&events, NAMES);
	out = report(events.p, 0.01, 0);
	assert_non_null(strstr(out, "   0.5    5 ns  c10        a10\n") ? NULL : out);
	assert_non_null(strstr(out, "(4 more, together 2.0 %)\n"));
}

/* Task 7 waits for 5 us, until db's postgres wakes it, and then 2 us for a CPU. */
static const char waits[] =
	"@1000 cpu=0 tid=0 sched_waking tid=7 target_cpu=0\n@1000 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	"@1000 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7 next_comm=nginx\n"
	"@1500 cpu=0 tid=7 pid=7 container=1 callstack weight=3000 comm=nginx tid=7 callstack_user=[0x401100,0x403011] user_end=1\n"
	"@1990 cpu=0 tid=7 pid=7 container=1 syscall_entry_futex\n"
	"@2000 cpu=0 tid=7 pid=7 container=1 callstack trigger=1 weight=1 unit=2 comm=nginx tid=7 "
	"callstack_kernel=[0xffff5000,0xffff4000,0xffff3000] callstack_user=[0x402000,0x403011] user_end=1\n"
	"@2000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 prev_comm=nginx next_tid=20 next_comm=postgres\n"
	"@7000 cpu=0 tid=20 sched_waking tid=7 target_cpu=0\n@7000 cpu=0 tid=20 sched_wakeup tid=7 target_cpu=0\n"
	"@9000 cpu=0 tid=20 sched_switch prev_tid=20 prev_state=1 next_tid=7 next_comm=nginx prev_comm=postgres\n" NAMES;

static void test_waits(void **state)
{
	struct ph_selection sel = { 0 };
	struct ph_err err = { 0 };
	ph_autofree char *out = NULL;

	ph_strv_add(&sel.comm, "nginx");
	assert_int_equal(ph_selection_check(&sel, &err), 0);
	opts.sel = &sel;
	opts.what = PH_PROFILE_WALL;
	out = report(waits, 0.01, 0);
	assert_ptr_equal(strstr(out, "11 us of wall-clock time in 0.0 s: 1 sample, 3 waits\n"), out);
	assert_non_null(strstr(out, "\nWhat was waited for:\n"
				    "SHARE%  TIME  TIMES  FOR          ENDED-BY\n"
				    "  45.5  5 us      1  [futex]      [woken by postgres of db]\n"
				    "  27.3  3 us      -  (on a CPU)   -\n"
				    "  18.2  2 us      1  [run queue]  -\n"
				    "   9.1  1 us      1  [other]      -\n"));
	assert_non_null(strstr(out, " 45.5 %        [futex] → [woken by postgres of db]\n"));
	free(ph_take(out));
	/* Of waits alone it is the table of waits that says where time is spent. */
	opts.what = PH_PROFILE_OFFCPU;
	out = report(waits, 0.01, 0);
	assert_null(strstr(out, "Functions by"));
	assert_non_null(strstr(out, "What was waited for"));
	free(ph_take(out));
	/* A wait's reason, where stacks are divided by it, is no function of theirs. */
	opts.by[0] = PH_BY_REASON;
	opts.nby = 1;
	out = report(waits, 0.01, 0);
	assert_non_null(strstr(out, " 62.5 %  [futex]\n 62.5 %    main (nginx) → serve → futex_wait (kernel) → [futex] → [woken by postgres of db]\n"));
	ph_selection_done(&sel);
}

static void test_event(void **state)
{
	ph_autofree char *out = NULL;

	opts.what = PH_PROFILE_EVENT;
	opts.event = ph_class_by_name("sched_switch");
	out = report(waits, 0.01, 0);
	assert_ptr_equal(strstr(out, "sched_switch came 1 time in 0.0 s"), out);
	assert_non_null(strstr(out, "SHARE%  TIMES  CONTAINER  IMAGE       TASKS\n 100.0      1  web "));
	assert_non_null(strstr(out, "note: 1 stacks of other events were recorded, too"));
	/* It says exactly how often. */
	assert_null(strstr(out, "so few samples"));
}

static void test_compare(void **state)
{
	static const char before[] = SAMPLE("10", "0x402000") SAMPLE("10", "0x403010") NAMES;
	static const char now[] = SAMPLE("30", "0x402000") SAMPLE("10", "0x403010") NAMES;
	ph_autobuf out = { 0 };
	struct profiled a, b;

	profiled_of(&a, &opts, now);
	profiled_of(&b, &opts, before);
	ph_export_tree(&(struct ph_export){ .p = a.p, .base = b.p }, &out);
	assert_non_null(strstr(out.p, "\ncompared with 20 ns in 0.0 s"));
	assert_non_null(strstr(out.p, "SELF%  ±SELF  TOTAL%  IN     FUNCTION\n 25.0  -25.0    25.0  nginx  main\n 75.0   25.0    75.0  nginx  serve\n"));
	assert_non_null(strstr(out.p, " 75.0 %   +25.0    serve (nginx)\n"));
	assert_non_null(strstr(out.p, " 25.0 %   -25.0    main (nginx)\n"));
	profiled_done(&a);
	profiled_done(&b);
}

/* A note goes on below, between words. */
static void test_wide_notes(void **state)
{
	ph_autofree char *out = report(SAMPLE("10", "0x402000") NAMES, 0.01, 58);

	assert_non_null(strstr(out, "\nnote: of so few samples a share of 10 % is 10 ± 60 %;\n"
				    "    longer, or with a higher -F, there are more\n"));
}

/* Gaps make every share doubtful: it must be there, whatever is on standard error. */
static void test_lost(void **state)
{
	ph_autofree char *out = report(SAMPLE("10", "0x402000") "+0 cpu=0 events_discarded count=12\n" NAMES, 0.01, 0);

	assert_non_null(strstr(out, "\nnote: 12 events were lost in 1 gap, samples among them\n"));
}

static void shortened(const char *name, size_t width, const char *want)
{
	ph_autobuf out = { 0 };

	ph_shorten(name, width, &out);
	assert_string_equal(out.p, want);
}

static void test_shorten(void **state)
{
	static const char visit[] = "unsigned long shop::registry<std::map<int, std::pair<int, int> >, 3>::visit<void (*)(int)>(std::pair<int, int> const&)";

	shortened("main", 4, "main");
	/* The innermost brackets go first. */
	shortened(visit, 200, visit);
	shortened(visit, 115, "unsigned long shop::registry<std::map<int, std::pair<…> >, 3>::visit<void (*)(int)>(std::pair<int, int> const&)");
	shortened(visit, 100, "unsigned long shop::registry<std::map<…>, 3>::visit<void (…)(…)>(std::pair<…> const&)");
	shortened(visit, 60, "unsigned long shop::registry<…>::visit<…>(…)");
	/* Then the beginning. */
	shortened(visit, 32, "…shop::registry<…>::visit<…>(…)");
	shortened("a_very_long_function", 10, "…_function");
	/* Operators are no brackets, nor is an arrow. */
	shortened("bool std::operator< <char, std::allocator<char> >(std::string const&)", 40, "bool std::operator< <…>(…)");
	shortened("a::operator()<b<c> >(d<e>)", 20, "a::operator()<…>(…)");
	shortened("a<b>::operator->(int, int, int)", 21, "a<…>::operator->(…)");
	shortened("operator<<<char>(std::ostream&, char)", 20, "operator<<<…>(…)");
	shortened("f<decltype(a->b)>(int, int)", 12, "f<…>(…)");
	/* Empty ones stay, what has no end ends, and what does not match is taken as it is. */
	shortened("f(int, int, int, g())()", 10, "f(…)()");
	shortened("std::map<std::vector<int, std::allocat", 20, "std::map<…");
	shortened("a)b(c>d<e and more", 8, "…nd more");
	/* No byte of it is a terminal's command. */
	shortened("\x1b[31mred", 30, "\\x1b[31mred");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_all, reset), cmocka_unit_test_setup(test_chains, reset), cmocka_unit_test_setup(test_more, reset),
		cmocka_unit_test_setup(test_width, reset), cmocka_unit_test_setup(test_containers, reset),
		cmocka_unit_test_setup(test_many_containers, reset), cmocka_unit_test_setup(test_waits, reset),
		cmocka_unit_test_setup(test_event, reset), cmocka_unit_test_setup(test_compare, reset),
		cmocka_unit_test_setup(test_wide_notes, reset), cmocka_unit_test_setup(test_lost, reset), cmocka_unit_test(test_shorten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
