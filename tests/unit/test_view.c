/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "ctf/ctf.h"
#include "program.h"

/*
 * porthole view on a small trace, from the command line to the last byte: two containers, told in
 * the recorder's own stream; ten seconds of system calls in both and on the host; a gap.
 */
#define OFFSET 1795303800000000000	/* 2026-11-21 23:30:00 UTC */
#define SEC 1000000000ULL
#define STEPS 1000			/* an event of each task every 10 ms */

struct fixture {
	char dir[32];
	char *trace;
};

struct writer {
	struct ph_ctf_writer *w;
	struct ph_ctf_stream *state, *cpu;
	struct ph_value v[64];
	struct ph_event ev;
};

static void begin(struct writer *w, uint32_t id, uint64_t ts)
{
	memset(w->v, 0, sizeof(w->v));
	w->ev = (struct ph_event){ .cls = ph_class_by_id(id), .ts_ns = ts, .v = w->v, .tid = -1, .pid = -1 };
	for (uint32_t i = 0; i < w->ev.cls->nfields; i++)
		if (w->ev.cls->fields[i].type->kind == PH_KIND_STR)
			w->v[i].s = "";
}

static void set_str(struct writer *w, unsigned int fld, const char *s)
{
	w->v[fld].s = s;
	w->v[fld].n = (uint32_t)strlen(s);
}

static void emit(struct writer *w, struct ph_ctf_stream *st)
{
	struct ph_err err = { 0 };

	assert_int_equal(ph_ctf_write(st, &w->ev, &err), 0);
}

static void write_state(struct writer *w)
{
	static const char *const names[] = { "web", "db" };
	static const char *const comms[] = { "nginx", "postgres" };

	for (uint32_t i = 0; i < 2; i++) {
		begin(w, PH_EV_container_info, 1 * SEC);
		w->v[PH_FLD(container_info, index)].u = i + 1;
		set_str(w, PH_FLD(container_info, name), names[i]);
		set_str(w, PH_FLD(container_info, id), i ? "77770000aaaa" : "3f2a9c01dead");
		set_str(w, PH_FLD(container_info, image), i ? "postgres:16" : "nginx:1.25");
		emit(w, w->state);
		begin(w, PH_EV_lttng_statedump_process_state, 1 * SEC);
		w->v[PH_FLD(lttng_statedump_process_state, tid)].i = 101 + (int32_t)i;
		w->v[PH_FLD(lttng_statedump_process_state, pid)].i = 101 + (int32_t)i;
		w->v[PH_FLD(lttng_statedump_process_state, container)].u = i + 1;
		set_str(w, PH_FLD(lttng_statedump_process_state, name), comms[i]);
		emit(w, w->state);
	}
}

/* Task 100 is the host's, 101 and 102 the containers'; every tenth call fails. */
static void write_calls(struct writer *w)
{
	const struct ph_class *exit = ph_class_by_name("syscall_exit_openat");
	struct ph_err err = { 0 };

	for (uint64_t i = 0; i < STEPS; i++) {
		for (uint32_t task = 0; task < 3; task++) {
			begin(w, exit->id, 2 * SEC + i * 10000000 + task);
			w->v[0].i = i % 10 ? 3 : -2;
			w->ev.tid = 100 + (int32_t)task;
			w->ev.container = task;
			emit(w, w->cpu);
		}
		if (i == STEPS / 2)
			ph_ctf_discarded(w->cpu, 7);
		if (i % 50 == 0)
			assert_int_equal(ph_ctf_flush(w->cpu, w->ev.ts_ns, &err), 0);
	}
}

/* With the state at its beginning. */
static void writer_begin(struct writer *w, const char *trace)
{
	static const struct ph_ctf_env env = { .hostname = "h", .trace_name = "t", .offset_ns = OFFSET };
	struct ph_err err = { 0 };

	assert_int_equal(ph_ctf_create(trace, &env, NULL, 0, &w->w, &err), 0);
	assert_int_equal(ph_ctf_stream(w->w, "state", 0, &w->state, &err), 0);
	assert_int_equal(ph_ctf_stream(w->w, "channel0", 0, &w->cpu, &err), 0);
	write_state(w);
}

static int setup(void **state)
{
	struct fixture *f = ph_alloc(sizeof(*f));
	struct writer w = { 0 };
	struct ph_err err = { 0 };

	strcpy(f->dir, "/tmp/ph-view-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->trace = ph_asprintf("%s/trace", f->dir);
	writer_begin(&w, f->trace);
	write_calls(&w);
	assert_int_equal(ph_ctf_close(w.w, 12 * SEC, &err), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	ph_autofree char *cmd = ph_asprintf("rm -rf '%s'", f->dir);

	assert_int_equal(system(cmd), 0);
	free(f->trace);
	free(f);
	return 0;
}

/* Run `porthole view TRACE ARGS`. */
static struct result view(const struct fixture *f, const char *args)
{
	ph_autofree char *line = ph_asprintf("view '%s' %s", f->trace, args);

	return program_run(f->dir, line);
}

struct run {
	const char *args;
	size_t lines;		/* on stdout */
	int code;
	const char *out, *err;	/* to be found there; NULL: stderr says nothing at all */
};

#define GAP "porthole view: 7 events were lost in 1 gap"

static void test_runs(void **state)
{
	static const struct run runs[] = {
		/* Four events of state, the calls, the gap. */
		{ "", 3 * STEPS + 5, 0, "web nginx 101:101 cpu0 syscall_exit_openat: { ret = -2 ENOENT", GAP },
		{ "-c web -e openat", STEPS + 1, 0, "events_discarded: { count = 7", GAP },
		{ "-c 'w*,db' -e openat", 2 * STEPS + 1, 0, NULL, GAP },
		{ "-c '!web' -e syscall", 2 * STEPS + 1, 0, NULL, GAP },
		{ "--host -e syscall --max-entries 5", 5, 0, NULL, NULL },
		{ "-f 'ret == -ENOENT && comm == nginx' -o csv --fields tid,ret", STEPS / 10 + 2, 0,
		  "tid,ret\n101,-2\n", GAP },
		{ "-f 'container == db' --range +1s..+2s", 100, 0, "db postgres 102:102", NULL },
		{ "--begin 23:30:09 --end 23:30:09.5 -e openat", 150, 0, "[23:30:09.000000000]", NULL },
		{ "--begin '2026-11-21 23:30:11.99'", 3, 0, "db postgres", NULL },
		{ "-o json --no-header --range +10.9s.. -c web", 10, 0, "\"container\":\"web\",\"comm\":\"nginx\"", NULL },
		{ "--strict -e sched", 1, 3, NULL, "lost" },
		{ "--strict --max-entries 1", 1, 0, NULL, NULL },
		{ "--fields event,ret --max-entries 5 -e openat", 5, 0, "syscall_exit_openat: { ret = -2 ENOENT }\n", NULL },
		{ "--stats", 15, 0, "\nsyscall_exit_openat             3000", GAP },
		{ "--stats -o json -c db", 4, 0, "{\"section\":\"container\",\"container\":\"db\",\"count\":1000,", GAP },
		{ "--json-schema", 86, 0, "\"time_ns\"", NULL },
		/* What is asked for is not there. */
		{ "-c wbe", 1, 0, NULL, "web" },
		{ "-e sched", 1, 0, NULL, "none of the 3004 selected events is among those of -e" },
		{ "-f 'ret == 77'", 1, 0, NULL, "the filter matches none of the 3004" },
		{ "--begin +1h", 0, 0, NULL, "no events in this range of time" },
		/* Wrong usage. */
		{ "-f 'rte == 77'", 0, 2, NULL, "did you mean ret?" },
		{ "-e sched_swich", 0, 2, NULL, "did you mean sched_switch?" },
		{ "--begin yesterday", 0, 2, NULL, "is not a time" },
		{ "--range +2s..+1s", 0, 2, NULL, "ends before it begins" },
		{ "-o xml", 0, 2, NULL, "none of text, json" },
		{ "another", 0, 2, NULL, "one trace at a time" },
		{ "--stats --fields x", 0, 2, NULL, "--fields" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(runs); i++) {
		const struct run *x = &runs[i];
		struct result r = view(*state, x->args);

		if (r.code != x->code || r.lines != x->lines || (x->out && !strstr(r.out, x->out)) ||
		    (x->err ? !strstr(r.err, x->err) : r.err[0]))
			fail_msg("view %s: exit %d, %zu lines, stderr \"%s\", stdout \"%.3000s\"", x->args, r.code,
				 r.lines, r.err, r.out);
		result_done(&r);
	}
}

/* After a seek events say the same as without one. */
static void test_seek(void **state)
{
	struct result all = view(*state, "-o json -e openat"), part = view(*state, "-o json -e openat --begin +7.995s");
	char *tail = strstr(all.out, "{\"time_ns\":1795303809000000000");

	assert_non_null(tail);
	assert_string_equal(part.out, tail);
	result_done(&all);
	result_done(&part);
}

/* The state dump is made while events are recorded already: those before it have names too. */
static void test_before_the_dump(void **state)
{
	struct fixture early = *(struct fixture *)*state;
	struct writer w = { 0 };
	struct ph_err err = { 0 };
	struct result r;

	early.trace = ph_asprintf("%s/early", early.dir);
	writer_begin(&w, early.trace);
	begin(&w, PH_EV_lttng_statedump_end, 1 * SEC);
	emit(&w, w.state);
	begin(&w, ph_class_by_name("syscall_exit_openat")->id, SEC / 2);
	w.ev.tid = 101;
	w.ev.container = 1;
	emit(&w, w.cpu);
	assert_int_equal(ph_ctf_close(w.w, 12 * SEC, &err), 0);
	r = view(&early, "-c web -f 'comm == nginx' --fields container,comm,pid,tid");
	assert_string_equal(r.out, "web nginx 101:101\n");
	result_done(&r);
	/* Also where all is read from the beginning, for whose children there are. */
	r = view(&early, "-p 101 -e syscall --fields container,comm,pid,tid");
	assert_string_equal(r.out, "web nginx 101:101\n");
	result_done(&r);
	free(early.trace);
}

/*
 * A container that appears is told of when the recorder comes to it, which may be after its first
 * events, and after what the recorder said of later ones: these events are its own from the first on.
 * What happens to it then is told at its time.
 */
static void test_told_late(void **state)
{
	struct fixture late = *(struct fixture *)*state;
	const uint64_t at[] = { 2 * SEC, 60 * SEC };
	struct writer w = { 0 };
	struct ph_err err = { 0 };
	struct result r;

	late.trace = ph_asprintf("%s/late", late.dir);
	writer_begin(&w, late.trace);
	begin(&w, PH_EV_lttng_statedump_end, 1 * SEC);
	emit(&w, w.state);
	for (uint32_t i = 0; i < 2; i++) {
		begin(&w, ph_class_by_name("syscall_exit_openat")->id, at[i]);
		w.ev.tid = 200 + (int32_t)i;
		w.ev.container = 10 + i;
		emit(&w, w.cpu);
		w.ev.ts_ns += 1;
		w.ev.container = 20 + i;
		emit(&w, w.cpu);
		begin(&w, PH_EV_container_info, at[i] + SEC / 2);
		w.v[PH_FLD(container_info, index)].u = 10 + i;
		set_str(&w, PH_FLD(container_info, name), i ? "second" : "first");
		emit(&w, w.state);
		begin(&w, PH_EV_container_index, at[i] + SEC / 2);
		w.v[PH_FLD(container_index, index)].u = 20 + i;
		w.v[PH_FLD(container_index, container)].u = 10 + i;
		emit(&w, w.state);
		/* One that is known is not told of ahead: its new name is of later. */
		begin(&w, PH_EV_container_info, at[i] + SEC);
		w.v[PH_FLD(container_info, index)].u = 10 + i;
		set_str(&w, PH_FLD(container_info, name), i ? "second-renamed" : "first-renamed");
		emit(&w, w.state);
	}
	/* One of which the id is told at once and the name later, and another that then has its number. */
	for (uint32_t i = 0; i < 6; i++) {
		begin(&w, PH_EV_container_info, 80 * SEC + i * SEC / 2);
		w.v[PH_FLD(container_info, index)].u = 30;
		set_str(&w, PH_FLD(container_info, id), i < 4 ? "0123456789abcdef" : "fedcba9876543210");
		set_str(&w, PH_FLD(container_info, name), i == 2 || i == 3 ? "third" : "");
		emit(&w, w.state);
		begin(&w, ph_class_by_name("syscall_exit_openat")->id, 80 * SEC + i * SEC / 2 + 1);
		w.ev.tid = 300 + (int32_t)i;
		w.ev.container = 30;
		emit(&w, w.cpu);
	}
	assert_int_equal(ph_ctf_close(w.w, 120 * SEC, &err), 0);
	r = view(&late, "-e openat --fields container,tid");
	assert_string_equal(r.out, "first 200\nfirst 200\nsecond 201\nsecond 201\n"
			    "third 300\nthird 301\nthird 302\nthird 303\nfedcba987654 304\nfedcba987654 305\n");
	result_done(&r);
	r = view(&late, "-e openat -c second --begin +58s --fields container,tid");
	assert_string_equal(r.out, "second 201\nsecond 201\n");
	result_done(&r);
	free(late.trace);
}

static void test_pipes(void **state)
{
	struct result r = view(*state, "| head -1");

	assert_int_equal(r.lines, 1);
	assert_string_equal(r.err, "");
	result_done(&r);
	r = view(*state, ">/dev/full");
	assert_int_equal(r.code, 1);
	assert_non_null(strstr(r.err, "cannot write the output: No space left"));
	result_done(&r);
}

static void test_babeltrace(void **state)
{
	const struct fixture *f = *state;
	ph_autofree char *cmd = ph_asprintf("TZ=UTC babeltrace2 '%s' 2>/dev/null >'%s/want'", f->trace, f->dir);
	ph_autofree char *path = ph_asprintf("%s/want", f->dir);
	ph_autobuf want = { 0 };
	struct result r;

	if (system("command -v babeltrace2 >/dev/null") != 0)
		skip();
	assert_int_equal(system(cmd), 0);
	r = view(f, "-o babeltrace");
	assert_int_equal(ph_read_file_at(AT_FDCWD, path, 1 << 24, &want), 0);
	assert_true(r.lines == 3 * STEPS + 4);
	assert_string_equal(r.out, want.p);
	result_done(&r);
}

static void test_no_trace(void **state)
{
	struct fixture none = *(struct fixture *)*state;
	struct result r;

	none.trace = (char *)"/nonexistent";
	r = view(&none, "");
	assert_int_equal(r.code, 1);
	assert_non_null(strstr(r.err, "/nonexistent"));
	result_done(&r);
	none.trace = none.dir;
	r = view(&none, "--max-entries 1");
	assert_int_equal(r.code, 0);
	result_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs), cmocka_unit_test(test_seek),
		cmocka_unit_test(test_before_the_dump), cmocka_unit_test(test_told_late),
		cmocka_unit_test(test_pipes), cmocka_unit_test(test_babeltrace),
		cmocka_unit_test(test_no_trace),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
