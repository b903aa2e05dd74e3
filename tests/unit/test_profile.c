/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profiles of streams whose truth is known, as folded stacks. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/profile_priv.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "export/export.h"
#include "source/synthetic.h"
#include "profile_stream.h"

/* Options are set, then fold() is called. */
static struct ph_profile_opts opts;
static const char *filter, *select_comm;

static void reset(void)
{
	opts = (struct ph_profile_opts){ .by = { PH_BY_CONTAINER, PH_BY_COMM }, .nby = 2 };
	filter = select_comm = NULL;
}

static void fold(struct profiled *d, const char *events, struct ph_buf *out)
{
	struct ph_selection sel = { 0 };
	struct ph_err err = { 0 };

	if (filter)
		assert_int_equal(ph_filter_parse(filter, &opts.filter, &err), 0);
	if (select_comm) {
		ph_strv_add(&sel.comm, select_comm);
		assert_int_equal(ph_selection_check(&sel, &err), 0);
		opts.sel = &sel;
	}
	profiled_of(d, &opts, events);
	ph_export_folded(&(struct ph_export){ .p = d->p }, out);
	ph_filter_free(opts.filter);
	ph_selection_done(&sel);
}

static void check(const char *events, const char *want)
{
	struct profiled d;
	ph_autobuf out = { 0 };

	fold(&d, events, &out);
	assert_string_equal(out.p ? out.p : "", want);
	profiled_done(&d);
	reset();
}

static void test_names(void **state)
{
	reset();
	/* Frame 0 as it is, callers less one; an inlined function, one without a name, one nowhere; the kernel's. */
	check("+10 cpu=0 tid=7 pid=7 container=1 callstack weight=10 comm=nginx tid=7 callstack_user=[0x401100,0x402001,0x403011] user_end=1\n"
	      "+10 cpu=0 tid=7 pid=7 container=1 callstack weight=5 comm=nginx tid=7 callstack_kernel=[0xffff1000,0xffff2000] "
	      "callstack_user=[0x7f0000000555,0x403011] user_end=1\n"
	      "+10 cpu=0 tid=7 pid=7 container=1 callstack weight=1 comm=nginx tid=7 callstack_user=[0x12345] user_end=3\n"
	      NAMES,
	      "web;nginx;[incomplete];[unknown] 1\n"
	      "web;nginx;main;libc.so.6+0x28555;do_syscall_[k];do_read_[k] 5\n"
	      "web;nginx;main;serve;parse;next_[i] 10\n");
}

static void test_who(void **state)
{
	static const char events[] =
		"+10 cpu=0 tid=7 pid=7 container=1 callstack weight=10 comm=nginx tid=7 callstack_user=[0x403010] user_end=1\n"
		"+10 cpu=0 tid=8 pid=7 container=1 callstack weight=20 comm=worker tid=8 callstack_user=[0x403010] user_end=1\n"
		"+10 cpu=0 tid=20 pid=20 container=0 callstack weight=40 comm=sh tid=20 callstack_kernel=[0xffff2000] user_end=0\n"
		/* An idle CPU's, and one of an event that is not asked for. */
		"+10 cpu=0 tid=0 pid=0 callstack weight=80 comm=swapper tid=0 callstack_kernel=[0xffff2000] user_end=0\n"
		"+10 cpu=0 tid=7 pid=7 container=1 callstack trigger=2 weight=1 unit=2 comm=nginx tid=7 callstack_user=[0x403010] user_end=1\n"
		NAMES;

	reset();
	check(events, "(host);sh;do_syscall_[k] 40\nweb;nginx;main 10\nweb;worker;main 20\n");
	opts.by[0] = PH_BY_PROCESS;
	opts.nby = 1;
	check(events, "nginx 7;main 30\nsh 20;do_syscall_[k] 40\n");
	opts.by[0] = PH_BY_THREAD;
	opts.nby = 1;
	check(events, "nginx 7;main 10\nsh 20;do_syscall_[k] 40\nworker 8;main 20\n");
	opts.by[0] = PH_BY_POD;
	opts.by[1] = PH_BY_IMAGE;
	check(events, "(host);(host);do_syscall_[k] 40\nshop/web-1;nginx:1.27;main 30\n");
	opts.nby = 0;
	check(events, "do_syscall_[k] 40\nmain 30\n");
	opts.user = true;
	check(events, "(host);sh;[kernel] 40\nweb;nginx;main 10\nweb;worker;main 20\n");
	opts.kernel = true;
	check(events, "(host);sh;do_syscall_[k] 40\nweb;nginx;[user] 10\nweb;worker;[user] 20\n");
	select_comm = "worker";
	check(events, "web;worker;main 20\n");
	filter = "weight > 10 && comm == worker";
	check(events, "web;worker;main 20\n");
	opts.what = PH_PROFILE_EVENT;
	opts.event = ph_class_by_id(2);
	check(events, "web;nginx;main 1\n");
	/* The probe itself is no part of what led to the event. */
	opts.what = PH_PROFILE_EVENT;
	opts.event = ph_class_by_id(PH_EV_sched_waking);
	check("+10 cpu=0 tid=7 pid=7 container=1 callstack trigger=2 weight=1 unit=2 comm=nginx tid=7 "
	      "callstack_kernel=[0xffff7000,0xffff6000,0xffff5800,0xffff2000] callstack_user=[0x403010] user_end=1\n"
	      "+1 kernel_symbol address=0xffff7000 name=__bpf_get_stack\n+0 kernel_symbol address=0xffff6000 name=bpf_trace_run1\n"
	      "+0 kernel_symbol address=0xffff5800 name=__traceiter_sched_waking\n" NAMES, "web;nginx;main;do_syscall_[k] 1\n");
}

/* A filter is about the event behind the stack. */
static void test_filter_of_event(void **state)
{
	static const char events[] =
		"+10 cpu=0 tid=7 pid=7 container=1 callstack trigger=2 weight=1 unit=2 comm=nginx tid=7 callstack_user=[0x403010] user_end=1\n"
		"+0 cpu=0 tid=7 pid=7 container=1 sched_waking comm=x tid=20\n"
		"+10 cpu=0 tid=7 pid=7 container=1 callstack trigger=2 weight=1 unit=2 comm=nginx tid=7 callstack_user=[0x401100] user_end=1\n"
		"+0 cpu=0 tid=7 pid=7 container=1 sched_waking comm=x tid=21\n" NAMES;

	reset();
	opts.what = PH_PROFILE_EVENT;
	opts.event = ph_class_by_id(PH_EV_sched_waking);
	check(events, "web;nginx;main 1\nweb;nginx;parse;next_[i] 1\n");
	opts.what = PH_PROFILE_EVENT;
	opts.event = ph_class_by_id(PH_EV_sched_waking);
	filter = "sched_waking.tid == 20";
	check(events, "web;nginx;main 1\n");
}

/* What a process has mapped changes, and children begin with it. */
static void test_mappings(void **state)
{
#define SAMPLE(tid, pid) "+10 cpu=0 tid=" #tid " pid=" #pid " container=1 callstack weight=1 comm=nginx tid=" #tid \
	" callstack_user=[0x403010] user_end=1\n"
	reset();
	/* A child has its parent's; when it runs another program, no more, and the parent still. */
	check("+10 cpu=0 tid=7 pid=7 container=1 sched_process_fork parent_tid=7 parent_pid=7 child_tid=9 child_pid=9 child_container=1\n"
	      SAMPLE(9, 9) "+1 process_map pid=9\n" SAMPLE(9, 9)
	      "+10 process_map pid=9 begin=0x400000 end=0x410000 vaddr=0 file=2\n" SAMPLE(9, 9) SAMPLE(7, 7) NAMES,
	      "web;nginx;[unknown] 1\nweb;nginx;libc.so.6+0x3010 1\nweb;nginx;main 2\n");
	/* A library in the place of a part of another file: what is before and behind stays. */
	check("+10 process_map pid=7 begin=0x402000 end=0x404000 vaddr=0x9000 file=2\n" SAMPLE(7, 7)
	      "+10 cpu=0 tid=7 pid=7 container=1 callstack weight=1 comm=nginx tid=7 callstack_user=[0x401100] user_end=1\n"
	      "+10 cpu=0 tid=7 pid=7 container=1 callstack weight=1 comm=nginx tid=7 callstack_user=[0x404000] user_end=1\n" NAMES,
	      "web;nginx;libc.so.6+0xa010 1\nweb;nginx;nginx+0x4000 1\nweb;nginx;parse;next_[i] 1\n");
	/* A recording that does not tell that by mappings. */
	check("+10 cpu=0 tid=7 pid=7 container=1 sched_process_exec tid=7 old_tid=7 filename=x\n" SAMPLE(7, 7) NAMES, "web;nginx;[unknown] 1\n");
	/* One function at two places, of which only the beginning is known: one line. */
	check("+10 process_map pid=7 begin=0x402000 end=0x404000 vaddr=0x9000 file=2\n" SAMPLE(7, 7)
	      "+10 cpu=0 tid=7 pid=7 container=1 callstack weight=1 comm=nginx tid=7 callstack_user=[0x403020] user_end=1\n"
	      "+0 user_symbol file=2 vaddr=0xa010 name=\"\" offset=0x10\n+0 user_symbol file=2 vaddr=0xa020 name=\"\" offset=0x20\n" NAMES,
	      "web;nginx;libc.so.6+0xa000 2\n");
	/* Code that is made at run time is a process's own. */
	check("+10 mapped_file file=3 path=//anon\n+0 process_map pid=7 begin=0x9000 end=0xa000 vaddr=0x9000 file=3\n"
	      "+0 process_map pid=20 begin=0x9000 end=0xa000 vaddr=0x9000 file=3\n"
	      "+0 user_symbol file=3 vaddr=0x9100 pid=7 name=LazyCompile:~f\n"
	      "+10 cpu=0 tid=7 pid=7 container=1 callstack weight=1 comm=node tid=7 callstack_user=[0x9100] user_end=1\n"
	      "+10 cpu=0 tid=20 pid=20 container=0 callstack weight=1 comm=node tid=20 callstack_user=[0x9100] user_end=1\n" NAMES,
	      "(host);node;[anonymous code] 1\nweb;node;LazyCompile:~f_[j] 1\n");
	/* Memory without a file has no names of a file, but where it is one. */
	check("+10 mapped_file file=3 path=/memfd:code\n+0 process_map pid=7 begin=0x9000 end=0xa000 vaddr=0 file=3\n"
	      "+0 mapped_file file=4 path=/memfd:lib build_id=12\n+0 process_map pid=7 begin=0xa000 end=0xb000 vaddr=0 file=4\n"
	      "+0 user_symbol file=3 vaddr=0x9100 pid=7 name=f\n+0 user_symbol file=4 vaddr=0x100 name=g\n"
	      "+10 cpu=0 tid=7 pid=7 container=1 callstack weight=1 comm=x tid=7 callstack_user=[0x9100,0xa101] user_end=1\n" NAMES,
	      "web;x;g;f_[j] 1\n");
}

/* Code takes the place of other code: each stack has what was there then. */
static void test_made_anew(void **state)
{
#define AT(ts) "@" #ts " cpu=0 tid=7 pid=7 container=1 callstack weight=1 comm=node tid=7 callstack_user=[0x9100] user_end=1\n"
	static const char code[] = "@10 mapped_file file=3 path=//anon\n@10 process_map pid=7 begin=0x9000 end=0xa000 vaddr=0x9000 file=3\n";
	static const char late[] = "@10 mapped_file file=3 path=//anon\n@10 process_map pid=7 begin=0x9000 end=0xa000 vaddr=0x9000 file=3\n"
		AT(30) AT(60) "@70 user_symbol file=3 vaddr=0x9100 pid=7 name=one since_ns=20\n" AT(80)
		"@120 user_symbol file=3 vaddr=0x9100 pid=7 name=two since_ns=110\n" AT(130) AT(140) AT(150);
	ph_autobuf events = { 0 };

	(void)state;
	reset();
	/* Told in any order; before the first there was something else. */
	ph_buf_addf(&events, "%s@11 user_symbol file=3 vaddr=0x9100 pid=7 name=three since_ns=100\n"
		    "@11 user_symbol file=3 vaddr=0x9100 pid=7 name=one since_ns=20\n"
		    "@11 user_symbol file=3 vaddr=0x9100 pid=7 name=two since_ns=50\n%s", code,
		    AT(15) AT(20) AT(30) AT(50) AT(99) AT(100) AT(101) AT(200) AT(300));
	check(events.p, "web;node;[anonymous code] 1\nweb;node;one_[j] 2\nweb;node;three_[j] 4\nweb;node;two_[j] 2\n");
	/* Told after it was seen. */
	check(late, "web;node;one_[j] 3\nweb;node;two_[j] 3\n");
}

/* What stands in the interpreter's frames is not told twice. */
static void test_trampolines(void **state)
{
	static const char files[] =
		"@10 mapped_file file=3 path=//anon\n@10 process_map pid=7 begin=0x9000 end=0xa000 vaddr=0x9000 file=3\n"
		"@10 mapped_file file=4 path=//python3.12\n"
		"@10 process_map pid=7 begin=0x9000000000000000 end=0xa000000000000000 vaddr=0x9000000000000000 file=4\n"
		"@10 user_symbol file=4 vaddr=0x9000000000000001 pid=7 name=f source=a.py line=3\n"
		"@10 user_symbol file=3 vaddr=0x9100 pid=7 name=py::f:/a.py\n@10 user_symbol file=3 vaddr=0x9200 pid=7 name=other\n";
	ph_autobuf events = { 0 };

	(void)state;
	reset();
	ph_buf_addf(&events, "%s+10 cpu=0 tid=7 pid=7 container=1 callstack weight=1 comm=py tid=7 "
		    "callstack_user=[0x9000000000000001,0x9101,0x9201,0x9000000000000002,0x9201] user_end=1\n"
		    "+10 cpu=0 tid=7 pid=7 container=1 callstack weight=1 comm=py tid=7 callstack_user=[0x9100] user_end=1\n", files);
	check(events.p, "web;py;other_[j];f;other_[j];f 1\nweb;py;py::f:/a.py_[j] 1\n");
}

/* Task 7 leaves its CPU with a stack, is woken by db's task 20, and waits for a CPU. */
static const char waits[] =
	"@1000 cpu=0 tid=0 sched_waking tid=7 target_cpu=0\n@1000 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n"
	"@1000 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7 next_comm=nginx\n"
	"@1500 cpu=0 tid=7 pid=7 container=1 callstack weight=100 comm=nginx tid=7 callstack_user=[0x401100,0x403011] user_end=1\n"
	"@1990 cpu=0 tid=7 pid=7 container=1 syscall_entry_futex\n"
	"@2000 cpu=0 tid=7 pid=7 container=1 callstack trigger=1 weight=1 unit=2 comm=nginx tid=7 "
	"callstack_kernel=[0xffff5000,0xffff4000,0xffff3000] callstack_user=[0x402000,0x403011] user_end=1\n"
	"@2000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 prev_comm=nginx next_tid=20 next_comm=postgres\n"
	"@7000 cpu=0 tid=20 sched_waking tid=7 target_cpu=0\n@7000 cpu=0 tid=20 sched_wakeup tid=7 target_cpu=0\n"
	"@9000 cpu=0 tid=20 sched_switch prev_tid=20 prev_state=1 next_tid=7 next_comm=nginx prev_comm=postgres\n"
	"@9500 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=20 prev_comm=nginx next_comm=postgres\n"
	"@9900 cpu=0 tid=20 sched_switch prev_tid=20 prev_state=0 next_tid=7 next_comm=nginx prev_comm=postgres\n" NAMES;

static void test_off_cpu(void **state)
{
	reset();
	opts.what = PH_PROFILE_OFFCPU;
	select_comm = "nginx";
	check(waits, "web;nginx;[stack not seen];[other] 1000\nweb;nginx;[stack not seen];[preempted] 400\n"
		     "web;nginx;main;serve;futex_wait_[k];[futex];[woken by postgres of db] 5000\n"
		     "web;nginx;main;serve;futex_wait_[k];[run queue] 2000\n");
	opts.what = PH_PROFILE_WALL;
	opts.by[0] = PH_BY_REASON;
	opts.nby = 1;
	select_comm = "nginx";
	check(waits, "[futex];main;serve;futex_wait_[k];[futex];[woken by postgres of db] 5000\n"
		     "[other];[stack not seen];[other] 1000\n"
		     "[preempted];[stack not seen];[preempted] 400\n"
		     "[run queue];main;serve;futex_wait_[k];[run queue] 2000\n"
		     "main;parse;next_[i] 100\n");
}

/* A wait of which the end was not seen is one all the same, and belongs to its stack. Where it may have run in between it is none. */
static void test_woken_unseen(void **state)
{
	static const char *const stream =
		"@0 cpu=0 tid=0 sched_waking tid=7 target_cpu=0\n@0 cpu=0 tid=0 sched_wakeup tid=7 target_cpu=0\n"
		"@0 cpu=0 tid=0 sched_switch prev_tid=0 next_tid=7 next_comm=nginx\n"
		"@2000 cpu=0 tid=7 pid=7 container=1 callstack trigger=1 weight=1 unit=2 comm=nginx tid=7 callstack_user=[0x402000,0x403011] user_end=1\n"
		"@2000 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=1 prev_comm=nginx next_tid=20 next_comm=postgres\n%s"
		"@9000 cpu=0 tid=20 sched_switch prev_tid=20 prev_state=1 next_tid=7 next_comm=nginx prev_comm=postgres\n"
		"@9500 cpu=0 tid=7 sched_switch prev_tid=7 prev_state=0 next_tid=20 prev_comm=nginx next_comm=postgres\n"
		"@9900 cpu=0 tid=20 sched_switch prev_tid=20 prev_state=0 next_tid=7 next_comm=nginx prev_comm=postgres\n" NAMES;
	char events[8192];

	for (int lost = 0; lost < 2; lost++) {
		reset();
		opts.what = PH_PROFILE_OFFCPU;
		select_comm = "nginx";
		snprintf(events, sizeof(events), stream, lost ? "@6000 cpu=0 tid=20 events_discarded begin_ns=5000 end_ns=6000 count=3 gap_cpu=0\n" : "");
		check(events, lost ? "web;nginx;[stack not seen];[preempted] 400\n" :
				     "web;nginx;[stack not seen];[preempted] 400\nweb;nginx;main;serve;[wake-up not seen] 7000\n");
	}
}

/* Tasks that are not recorded themselves stand beside those that are. */
static void test_left_out(void **state)
{
	struct profiled d;
	ph_autobuf out = { 0 }, note = { 0 };

	reset();
	opts.what = PH_PROFILE_OFFCPU;
	opts.nby = 1;
	fold(&d, waits, &out);
	assert_null(strstr(out.p, "db;"));
	assert_null(strstr(out.p, "preempted];[preempted"));
	assert_int_equal(d.p->weight, 8400);
	for (unsigned int i = 0; ph_profile_note(d.p, i, &note); i++)
		ph_buf_addc(&note, '\n');
	assert_non_null(strstr(note.p, "waits are left out, of tasks that are not seen to leave a CPU with a stack"));
	profiled_done(&d);
	reset();
}

static void missing_is(const char *event, const char *wanted)
{
	ph_autofree char *events = ph_asprintf("+10 cpu=0 tid=7 pid=7 container=1 callstack weight=9 comm=nginx tid=7 "
					       "callstack_user=[0x7f0000000555,0x403011] user_end=1\n" NAMES "+0 symbols_missing file=2 %s\n", event);
	ph_autobuf folded = { 0 }, note = { 0 };
	struct profiled d;

	reset();
	fold(&d, events, &folded);
	assert_true(ph_profile_note(d.p, 1, &note));
	assert_string_equal(note.p, wanted);
	profiled_done(&d);
	reset();
}

/* Why a file has no names, and what to install, as the recorder found it; both are words of a container's. */
static void test_missing(void **state)
{
	(void)state;
	missing_is("distribution=\"debian 12\" install=\"apt install libc6-dbg\"",
		   "  100 % of the stacks: /lib/libc.so.6, build id abcdef: apt install libc6-dbg (debian 12)");
	missing_is("problem=\"the process that reads symbols took too long\"",
		   "  100 % of the stacks: /lib/libc.so.6, build id abcdef: the process that reads symbols took too long");
	missing_is("distribution=\"\\x1b[31m\" install=\"apt install x\"",
		   "  100 % of the stacks: /lib/libc.so.6, build id abcdef: apt install x (\\x1b[31m)");
	/* A command of a trace that is none of ours. */
	missing_is("distribution=\"debian 12\" install=\"apt install x; id\"", "  100 % of the stacks: /lib/libc.so.6, build id abcdef");
	missing_is("distribution=\"debian 12\" install=\"rm x\"", "  100 % of the stacks: /lib/libc.so.6, build id abcdef");
}

/* One file in two images is missing once, with the command of whichever has one. */
static void test_missing_of_images(void **state)
{
	struct profiled d;
	ph_autobuf folded = { 0 }, note = { 0 };

	(void)state;
	reset();
	fold(&d, "+1 mapped_file file=7 path=/lib/libc.so.6 build_id=abcdef\n+1 process_map pid=20 begin=0x500000 end=0x501000 vaddr=0x1000 file=7\n"
		 "+1 mapped_file file=8 path=/lib/b.so build_id=\"\"\n+1 process_map pid=20 begin=0x600000 end=0x601000 vaddr=0x1000 file=8\n"
		 "+1 mapped_file file=9 path=/lib/c.so build_id=\"\"\n+1 process_map pid=20 begin=0x700000 end=0x701000 vaddr=0x1000 file=9\n"
		 "+10 cpu=0 tid=7 pid=7 container=1 callstack weight=40 comm=nginx tid=7 callstack_user=[0x7f0000000555,0x403011] user_end=1\n"
		 "+10 cpu=0 tid=20 pid=20 container=2 callstack weight=30 comm=sh tid=20 callstack_user=[0x500010] user_end=1\n"
		 "+10 cpu=0 tid=20 pid=20 container=2 callstack weight=20 comm=sh tid=20 callstack_user=[0x600010] user_end=1\n"
		 "+10 cpu=0 tid=20 pid=20 container=2 callstack weight=10 comm=sh tid=20 callstack_user=[0x700010] user_end=1\n" NAMES
		 "+0 symbols_missing file=7 distribution=\"debian 12\" install=\"apt install libc6-dbg\"\n", &folded);
	assert_true(ph_profile_note(d.p, 1, &note));
	assert_string_equal(note.p, "  70 % of the stacks: /lib/libc.so.6, build id abcdef: apt install libc6-dbg (debian 12)");
	ph_buf_clear(&note);
	/* Of what has no build id nobody knows whether it is the same. */
	assert_true(ph_profile_note(d.p, 2, &note));
	assert_string_equal(note.p, "  20 % of the stacks: /lib/b.so, which has no build id");
	ph_buf_clear(&note);
	assert_true(ph_profile_note(d.p, 3, &note));
	assert_string_equal(note.p, "  10 % of the stacks: /lib/c.so, which has no build id");
	profiled_done(&d);
	reset();
}

/* What an interpreter runs is not shown: of which stacks, and why, once a file. */
static void test_not_shown(void **state)
{
	static const char events[] =
		"+10 mapped_file file=5 path=/usr/bin/ruby not_shown=\"/usr/bin/ruby: Ruby 9\\n.9\"\n"
		"+0 process_map pid=7 begin=0x9000 end=0xa000 vaddr=0 file=5\n"
		"+10 cpu=0 tid=7 pid=7 container=1 callstack weight=3 comm=r tid=7 callstack_user=[0x403010,0x9101,0x9201] user_end=1\n"
		"+10 cpu=0 tid=7 pid=7 container=1 callstack weight=1 comm=r tid=7 callstack_user=[0x403010] user_end=1\n"
		"+0 user_symbol file=5 vaddr=0x100 name=rb_yield\n+0 user_symbol file=5 vaddr=0x200 name=main\n" NAMES;
	ph_autobuf folded = { 0 }, notes = { 0 };
	struct profiled d;

	(void)state;
	reset();
	fold(&d, events, &folded);
	for (unsigned int i = 0; ph_profile_note(d.p, i, &notes); i++)
		ph_buf_addc(&notes, '\n');
	assert_string_equal(notes.p, "75 % of the stacks show an interpreter's functions, not its program's: /usr/bin/ruby: Ruby 9\\x0a.9\n");
	profiled_done(&d);
	reset();
}

/* Code that a program made and tells no names of: by what it is known who made it, and how it is got to tell them. */
static void made_is(const char *files, const char *wanted, const char *json)
{
	ph_autofree char *events = ph_asprintf("%s+1 mapped_file file=9 path=//anon\n+0 process_map pid=7 begin=0x9000 end=0xa000 vaddr=0x9000 file=9\n"
		"+0 process_map pid=8 begin=0x9000 end=0xa000 vaddr=0x9000 file=9\n"
		"+10 cpu=0 tid=7 pid=7 container=1 callstack weight=6 comm=r tid=7 callstack_user=[0x9100,0x9201] user_end=1\n"
		"+10 cpu=0 tid=7 pid=7 container=1 callstack weight=2 comm=r tid=7 callstack_user=[0x403010] user_end=1\n"
		"+10 cpu=0 tid=8 pid=8 container=1 callstack weight=2 comm=r tid=8 callstack_user=[0x9300] user_end=1\n"
		"+0 user_symbol file=9 vaddr=0x9300 pid=8 name=told\n" NAMES, files);
	ph_autobuf folded = { 0 }, notes = { 0 }, rows = { 0 };
	struct profiled d;

	reset();
	fold(&d, events, &folded);
	for (unsigned int i = 0; ph_profile_note(d.p, i, &notes); i++)
		ph_buf_addc(&notes, '\n');
	assert_string_equal(notes.p ? notes.p : "", wanted);
	ph_export_json(&(struct ph_export){ .p = d.p }, &rows);
	if (json)
		assert_non_null(strstr(rows.p, json));
	else
		assert_null(strstr(rows.p, "\"remedy\":\""));
	profiled_done(&d);
	reset();
}

#define MADE "[anonymous code] is code that programs made while they ran: it has names if they are asked to tell them\n"
#define HAS(path) "+1 mapped_file file=5 path=" path " build_id=ab\n+0 process_map pid=7 begin=0x5000 end=0x6000 vaddr=0 file=5\n"

static void test_made(void **state)
{
	(void)state;
	made_is(HAS("/jvm/lib/server/libjvm.so"), MADE "  60 % of the stacks: java of web, process 7: run `jcmd PID Compiler.perfmap` there while it is recorded "
		"(from Java 17 on; once more when it has compiled more), or start it with -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit, or with "
		"perf-map-agent; -XX:+PreserveFramePointer completes its stacks\n",
		"\"path\":\"/jvm/lib/server/libjvm.so\",\"build_id\":\"ab\",\"problem\":\"the program made this code while it ran, and tells no name of it\","
		"\"distribution\":null,\"install\":null,\"remedy\":\"run `jcmd PID Compiler.perfmap` there");
	made_is(HAS("/usr/bin/node"), MADE "  60 % of the stacks: node of web, process 7: start it with --perf-basic-prof --interpreted-frames-native-stack "
		"(or these in NODE_OPTIONS)\n", "\"remedy\":\"start it with --perf-basic-prof");
	made_is(HAS("/usr/lib/php/20220829/opcache.so"), MADE "  60 % of the stacks: PHP of web, process 7: start it with opcache.jit_buffer_size=0 (php.ini, or -d): "
		"without the JIT its functions are known and its stacks complete; opcache.jit_debug=16 names what the JIT compiles, not of php-fpm's and Apache's "
		"children\n", "\"remedy\":\"start it with opcache.jit_buffer_size=0");
	made_is(HAS("/usr/lib/libruby-3.3.so.3.3"), MADE "  60 % of the stacks: ruby of web, process 7: start it with --yjit-perf (from Ruby 3.3 on)\n",
		"\"remedy\":\"start it with --yjit-perf");
	/* Others have no remedy: it is not known. */
	made_is(HAS("/usr/bin/nodes"), "", NULL);
	made_is("", "", NULL);
	/* A mapping that another process has is not this one's. */
	made_is("+1 mapped_file file=5 path=/libjvm.so\n+0 process_map pid=8 begin=0x5000 end=0x6000 vaddr=0 file=5\n", "", NULL);
}

/* Templates have names of thousands of letters, and differ at their end. */
static void test_long_names(void **state)
{
	ph_autofree char *begin = ph_alloc(4001);
	ph_autofree char *events = NULL, *want = NULL;

	(void)state;
	reset();
	memset(begin, 'x', 4000);
	events = ph_asprintf("+10 cpu=0 tid=7 pid=7 container=1 callstack weight=1 comm=nginx tid=7 callstack_user=[0x401100,0x403011] user_end=1\n"
			     "+50 user_symbol file=1 vaddr=0x1100 name=%s_find\n+0 user_symbol file=1 vaddr=0x3010 name=%s_at\n", begin, begin);
	want = ph_asprintf("web;nginx;%s_at;%s_find 1\n", begin, begin);
	check(events, want);
}

/* What a trace says may be anything. */
static void test_hostile(void **state)
{
	reset();
	/* Mappings that end before they begin, files of reserved numbers, names with what outputs are made of. */
	check("+1 process_map pid=7 begin=0x5000 end=0x1000 file=1\n+1 process_map pid=7 begin=0x1000 end=0xffffffffffffffff file=4294967295\n"
	      "+1 process_map pid=-5 begin=1 end=2 file=1\n+1 user_symbol file=1 vaddr=0x3010 depth=4000000000 name=x\n"
	      "+1 user_symbol file=1 vaddr=0x3010 depth=3 name=\"a;b\\n\\x1b[31m 5\"\n"
	      "+10 cpu=0 tid=7 pid=7 container=1 callstack weight=1 comm=\"a;b\" tid=7 callstack_user=[0x403010] user_end=77\n"
	      "+10 cpu=9999999 tid=7 pid=7 container=77 callstack weight=1 unit=7 comm=n tid=7 callstack_user=[0xffffffffffffffff,0] user_end=1\n"
	      "+0 user_symbol file=1 vaddr=0x3010 name=main\n",
	      "web;a:b;[incomplete];a:b\\x0a\\x1b[31m 5;main 1\n");
}

/* As many names as a program likes to give itself: what comes behind them stays its container's. */
static void test_many_tasks(void **state)
{
	struct ph_identity *id = ph_identity_new();
	struct ph_profile_row row = { 0 };
	struct ph_profile *p;
	ph_autobuf out = { 0 };
	unsigned int i = 0;
	char comm[16];

	reset();
	opts.by[1] = PH_BY_PROCESS;
	p = ph_profile_new(id, &opts);
	for (unsigned int n = 0; n < ACTORS_MAX; n++) {
		snprintf(comm, sizeof(comm), "c%u", n);
		assert_int_equal(profile_actor(p, 5, 7, 7, comm), n);
	}
	for (uint32_t container = 5; container < 7; container++)
		for (int k = 0; k < 2; k++) {
			snprintf(comm, sizeof(comm), "new-%d", k);
			row.actor = profile_actor(p, container, 8 + k, 8 + k, comm);
			assert_int_equal(row.actor, ACTORS_MAX + container - 5);
			profile_add(p, &row, 1, 0, container);
		}
	assert_int_equal(profile_actor(p, 5, 7, 7, "c0"), 0);
	ph_profile_finish(p, 0);
	ph_export_folded(&(struct ph_export){ .p = p }, &out);
	assert_string_equal(out.p, "#5;[others] 10\n#6;[others] 12\n");
	ph_buf_clear(&out);
	while (ph_profile_note(p, i++, &out))
		ph_buf_addc(&out, '\n');
	assert_non_null(strstr(out.p, "100 % are of more different stacks, or tasks, than are kept apart"));
	ph_profile_free(p);
	ph_identity_free(id);
	reset();
}

static void test_compare(void **state)
{
	static const char slow[] = "+10 cpu=0 tid=7 pid=7 container=1 callstack weight=30 comm=nginx tid=7 callstack_user=[0x402000] user_end=1\n"
		"+10 cpu=0 tid=7 pid=7 container=1 callstack weight=10 comm=nginx tid=7 callstack_user=[0x403010] user_end=1\n" NAMES;
	static const char fast[] = "+10 cpu=0 tid=7 pid=7 container=1 callstack weight=10 comm=nginx tid=7 callstack_user=[0x402000] user_end=1\n"
		"+10 cpu=0 tid=7 pid=7 container=1 callstack weight=10 comm=nginx tid=7 callstack_user=[0x403010] user_end=1\n" NAMES;
	struct profiled a, b;
	ph_autobuf out = { 0 };

	reset();
	profiled_of(&a, &opts, slow);
	profiled_of(&b, &opts, fast);
	ph_export_folded(&(struct ph_export){ .p = a.p, .base = b.p }, &out);
	/* 20 became 40: each half of before counts 20. */
	assert_string_equal(out.p, "web;nginx;main 20 10\nweb;nginx;serve 20 30\n");
	profiled_done(&a);
	profiled_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names), cmocka_unit_test(test_who), cmocka_unit_test(test_filter_of_event),
		cmocka_unit_test(test_mappings), cmocka_unit_test(test_made_anew), cmocka_unit_test(test_trampolines),
		cmocka_unit_test(test_off_cpu), cmocka_unit_test(test_woken_unseen), cmocka_unit_test(test_left_out), cmocka_unit_test(test_missing),
		cmocka_unit_test(test_missing_of_images), cmocka_unit_test(test_not_shown), cmocka_unit_test(test_made),
		cmocka_unit_test(test_long_names), cmocka_unit_test(test_hostile), cmocka_unit_test(test_many_tasks), cmocka_unit_test(test_compare),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
