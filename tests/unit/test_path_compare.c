/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of requests of which it is known what the slow ones wait for. */
#include "test.h"

#include <stdlib.h>

#include "analyze/path_compare.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "export/export.h"
#include "path_stream.h"
#include "source/synthetic.h"

struct asked {
	struct ph_identity *id;
	struct ph_path *p;
	struct ph_requests *r;
	struct ph_path_compare *c;
	struct ph_filter *from, *to;
};

static int ask(struct asked *a, const char *events, enum ph_requests_kind kind, const double percent[PH_BANDS][2], struct ph_err *err)
{
	ph_autofree char *text = ph_asprintf("%s%s", setup, events);
	struct ph_requests_ask what = { .kind = kind };
	struct ph_source *src;
	struct ph_event *ev;

	*a = (struct asked){ .id = ph_identity_new() };
	assert_int_equal(ph_requests_filter("syscall_entry_getpid", NULL, &a->from, err), 0);
	assert_int_equal(ph_requests_filter("syscall_entry_getppid", NULL, &a->to, err), 0);
	what.from = a->from;
	what.to = a->to;
	assert_int_equal(ph_path_new(&a->p, a->id, &(struct ph_path_ask){ .many = true, .nlongest = 100 }, err), 0);
	assert_int_equal(ph_requests_new(&a->r, a->id, &what, err), 0);
	if (ph_synthetic_parse(text, &src, err) < 0)
		fail_msg("%s", err->msg);
	while (ph_source_next(src, &ev, err) > 0) {
		ph_identity_feed(a->id, ev);
		ph_path_feed(a->p, ev);
		ph_requests_feed(a->r, ev);
	}
	ph_source_close(src);
	assert_int_equal(ph_path_finish(a->p, 0, err), 0);
	assert_int_equal(ph_requests_finish(a->r, err), 0);
	return ph_path_compare_new(&a->c, a->p, a->r, percent, err);
}

static void done(struct asked *a)
{
	ph_path_compare_free(a->c);
	ph_requests_free(a->r);
	ph_path_free(a->p);
	ph_filter_free(a->from);
	ph_filter_free(a->to);
	ph_identity_free(a->id);
}

/* ---- of known composition -------------------------------------------------------------------------------- */

#define LONG 1000
#define FAST 100

static void at(struct ph_buf *b, uint64_t ns, const char *what)
{
	ph_buf_addf(b, "@%lu %s\n", ns, what);
}

/*
 * @n requests of task 7: each computes for 100 to 199. Each twentieth then waits for task 20 of another container, which
 * computes for 400, and waits 50 for its CPU, which task 30 has meanwhile.
 */
static void stream(struct ph_buf *b, unsigned int n)
{
	uint64_t t = 1000;

	ph_buf_adds(b, BEGIN);
	for (unsigned int i = 0; i < n; i++, t += LONG) {
		uint64_t end = t + FAST + i % 100;

		at(b, t, "cpu=0 tid=7 syscall_entry_getpid");
		at(b, t, "cpu=0 tid=7 syscall_exit_getpid");
		if (i % 20 == 19) {
			at(b, end, "cpu=0 tid=7 sched_waking tid=20 comm=postgres target_cpu=1");
			at(b, end, "cpu=0 tid=7 sched_wakeup tid=20 comm=postgres target_cpu=1");
			at(b, end, "cpu=1 tid=0 sched_switch prev_tid=0 next_tid=20 next_comm=postgres");
			at(b, end, "cpu=0 tid=7 sched_switch prev_tid=7 prev_comm=nginx prev_state=1 next_tid=30 next_comm=cron");
			end += 400;
			at(b, end, "cpu=1 tid=20 sched_waking tid=7 comm=nginx target_cpu=0");
			at(b, end, "cpu=1 tid=20 sched_wakeup tid=7 comm=nginx target_cpu=0");
			at(b, end + 10, "cpu=1 tid=20 sched_switch prev_tid=20 prev_comm=postgres prev_state=1 next_tid=0");
			end += 50;
			at(b, end, "cpu=0 tid=30 sched_switch prev_tid=30 prev_comm=cron prev_state=1 next_tid=7 next_comm=nginx");
		}
		at(b, end, "cpu=0 tid=7 syscall_entry_getppid");
		at(b, end, "cpu=0 tid=7 syscall_exit_getppid");
	}
}

static const struct ph_path_diff *find(const struct ph_path_compare *c, const char *comm, enum ph_path_state state)
{
	ph_vec_each(d, &c->diffs)
		if (d->what.state == state && !strncmp(d->what.who.comm, comm, 16))
			return d;
	fail_msg("nothing of %s", comm);
	return NULL;
}

/* In whatever mode. */
static uint64_t ran(const struct ph_path_compare *c, const char *comm)
{
	uint64_t ns = 0;

	ph_vec_each(d, &c->diffs)
		if (d->what.state <= PH_PATH_RAN && !strncmp(d->what.who.comm, comm, 16))
			ns += d->ns[PH_BAND_SLOW];
	return ns;
}

/* The shares of a band are all of its requests' time. */
static void is_whole(const struct ph_path_compare *c)
{
	for (int b = 0; b < PH_BANDS; b++) {
		uint64_t ns = 0;

		ph_vec_each(d, &c->diffs)
			ns += d->ns[b];
		assert_int_equal(ns, c->band[b].ns);
	}
}

static void test_composition(void **state)
{
	static const double percent[PH_BANDS][2] = { { 45, 55 }, { 95, 100 } };
	const struct ph_path_diff *d;
	ph_autobuf b = { 0 }, text = { 0 }, svg = { 0 };
	struct ph_err err = { 0 };
	struct asked a;

	stream(&b, 2000);
	assert_int_equal(ask(&a, b.p, PH_REQUESTS_FILTERS, percent, &err), 0);
	is_whole(a.c);
	assert_int_equal(a.r->n, 2000);
	assert_int_equal(ph_requests_quantile(a.r, 0.95), 198);
	/* Each twentieth: 119, 139, 159, 179, 199, and 450 more. */
	assert_int_equal(a.c->band[PH_BAND_SLOW].n, 100);
	assert_int_equal(a.c->band[PH_BAND_SLOW].min_ns, 569);
	assert_int_equal(a.c->band[PH_BAND_SLOW].max_ns, 649);
	assert_int_equal(a.c->band[PH_BAND_SLOW].ns, 100 * (159 + 450));
	/* Of the middle all that take as long as one of it. */
	assert_int_equal(a.c->band[PH_BAND_FAST].min_ns, 147);
	assert_int_equal(a.c->band[PH_BAND_FAST].max_ns, 156);
	assert_int_equal(a.c->band[PH_BAND_FAST].n, 200);
	d = find(a.c, "postgres", PH_PATH_RAN);
	assert_ptr_equal(d, &a.c->diffs.v[0]);
	assert_int_equal(d->ns[PH_BAND_SLOW], 100 * 400);
	assert_int_equal(d->requests[PH_BAND_SLOW], 100);
	assert_int_equal(d->ns[PH_BAND_FAST], 0);
	assert_int_equal(d->requests[PH_BAND_FAST], 0);
	assert_true(ph_path_diff_ns(a.c, d) == 400);
	d = find(a.c, "nginx", PH_PATH_QUEUE);
	assert_int_equal(d->ns[PH_BAND_SLOW], 100 * 50);
	assert_string_equal(d->what.by.comm, "cron");
	/* The typical one is one of its band, and shown as a path is. */
	assert_int_equal(a.c->band[PH_BAND_SLOW].typical.end_ns - a.c->band[PH_BAND_SLOW].typical.begin_ns, 609);
	ph_path_compare_show(a.c, PH_BAND_SLOW);
	assert_int_equal(a.p->end_ns - a.p->begin_ns, 609);
	assert_int_equal(a.p->shares.v[0].ns, 400);
	ph_path_compare_show(a.c, PH_BAND_FAST);
	assert_int_equal(a.p->end_ns - a.p->begin_ns, a.c->band[PH_BAND_FAST].typical.end_ns - a.c->band[PH_BAND_FAST].typical.begin_ns);
	assert_int_equal(a.p->shares.n, 1);
	ph_path_compare_verdict(a.c, &text);
	assert_string_equal(text.p, "2000 requests: half of them take 151 ns at most, 99 % 629 ns, the longest 649 ns. On average the slowest 5 % "
			    "(100 of them, 569 ns to 649 ns) take 457 ns longer than those of rank 45 to 55 % (200 of them, 147 ns to 156 ns): 87 % "
			    "postgres of db running, 11 % waiting for a CPU.");
	ph_export_compare_svg(a.c, &svg);
	assert_non_null(strstr(svg.p, "A typical fast one"));
	assert_non_null(strstr(svg.p, "A typical slow one: 609 ns. Of this band (95 to 100 % by duration) are 100, 569 ns to 649 ns."));
	/* The same scale: a fast one is as much shorter. */
	assert_null(strstr(svg.p, "nan"));
	done(&a);
}

/* More than are walked: one in so many of them. */
static void test_many(void **state)
{
	static const double percent[PH_BANDS][2] = { { 0, 100 }, { 99, 100 } };
	const struct ph_path_diff *d;
	ph_autobuf b = { 0 }, note = { 0 };
	struct ph_err err = { 0 };
	struct asked a;

	stream(&b, 42000);
	assert_int_equal(ask(&a, b.p, PH_REQUESTS_FILTERS, percent, &err), 0);
	is_whole(a.c);
	assert_int_equal(a.c->band[PH_BAND_FAST].n, 42000);
	assert_int_equal(a.c->band[PH_BAND_FAST].every, 3);
	assert_in_range(a.c->band[PH_BAND_FAST].walked, 13998, 14002);
	d = find(a.c, "postgres", PH_PATH_RAN);
	/* Each twentieth: so many of these, too. */
	assert_in_range(d->requests[PH_BAND_FAST], 14000 / 20 - 2, 14000 / 20 + 2);
	assert_int_equal(d->ns[PH_BAND_FAST], d->requests[PH_BAND_FAST] * 400);
	assert_int_equal(a.c->band[PH_BAND_SLOW].walked, 420);
	assert_int_equal(d->ns[PH_BAND_SLOW], 420 * 400);
	assert_true(ph_path_compare_note(a.c, 0, &note));
	assert_non_null(strstr(note.p, "of the fast ones one in 3 has its path walked, "));
	done(&a);
}

static void test_few(void **state)
{
	static const double percent[PH_BANDS][2] = { { 45, 55 }, { 99, 100 } };
	ph_autobuf b = { 0 }, text = { 0 }, note = { 0 }, report = { 0 };
	struct ph_err err = { 0 };
	struct asked a;

	/* One: it is both. */
	stream(&b, 1);
	ph_buf_adds(&b, "@5000 cpu=0 tid=7 syscall_entry_getppid\n@6000 cpu=0 tid=7 syscall_entry_getpid\n");
	assert_int_equal(ask(&a, b.p, PH_REQUESTS_FILTERS, percent, &err), 0);
	is_whole(a.c);
	assert_int_equal(a.c->band[PH_BAND_FAST].n, 1);
	assert_int_equal(a.c->band[PH_BAND_SLOW].n, 1);
	ph_path_compare_verdict(a.c, &text);
	assert_string_equal(text.p, "1 request: half of them take 100 ns at most, 99 % 100 ns, the longest 100 ns. On average the slowest 1 % "
			    "(1 of them, 100 ns) take no longer than those of rank 45 to 55 % (1 of them, 100 ns).");
	/* And shown as any path. */
	assert_int_equal(ph_path_compare_report(a.c, &(struct ph_report_view){ .utc = true }, &report, &err), 0);
	assert_ptr_equal(strstr(report.p, "1 request, from 00:00:00.000001 on:\nnginx of web (7): 100 ns, of which 100 % nginx of web running."), report.p);
	assert_true(ph_path_compare_note(a.c, 0, &note));
	assert_string_equal(note.p, "requests that begin and are not seen to end, and so are not among these: 1");
	ph_buf_clear(&note);
	assert_true(ph_path_compare_note(a.c, 1, &note));
	assert_string_equal(note.p, "requests that end and were not seen to begin, and so are not among these: 1");
	done(&a);
	/* None. */
	ph_buf_clear(&b);
	stream(&b, 0);
	assert_true(ask(&a, b.p, PH_REQUESTS_FILTERS, percent, &err) < 0);
	assert_string_equal(err.msg, "there is no request that begins and ends");
	done(&a);
}

/* One begins, another ends it: the path goes from the end back to the begin. */
static void test_handed_on(void **state)
{
	static const double percent[PH_BANDS][2] = { { 0, 100 }, { 0, 100 } };
	struct ph_err err = { 0 };
	struct asked a;

	assert_int_equal(ask(&a, BEGIN "@1000 cpu=0 tid=7 syscall_entry_accept4 fd=3\n@1000 cpu=0 tid=7 syscall_exit_accept4 ret=5\n"
			     WAKE(1100, 0, 7, 8, 1) RUN(1120, 1, 0, 0, 8) "@1500 cpu=1 tid=8 syscall_entry_close fd=5\n"
			     "@1500 cpu=1 tid=8 syscall_exit_close ret=0\n" RUN(2000, 1, 8, 1, 0), PH_REQUESTS_CONNECTIONS, percent, &err), 0);
	is_whole(a.c);
	assert_int_equal(a.c->band[PH_BAND_SLOW].ns, 500);
	assert_int_equal(ran(a.c, "nginx"), 100);
	assert_int_equal(find(a.c, "worker", PH_PATH_QUEUE)->ns[PH_BAND_SLOW], 20);
	assert_int_equal(ran(a.c, "worker"), 380);
	done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_composition), cmocka_unit_test(test_many), cmocka_unit_test(test_few), cmocka_unit_test(test_handed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
