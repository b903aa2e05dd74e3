/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests: which end belongs to which begin, of streams of which that is known; and ranks of many. */
#include "test.h"

#include <stdlib.h>

#include "analyze/requests.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "source/synthetic.h"

/* Container 1 "web": process 7 with threads 7, 8 and 9. On the host process 30. */
static const char setup[] =
	"@0 container_info index=1 name=web cgroup_path=/web cgroup_id=12\n"
	"@0 lttng_statedump_process_state tid=7 pid=7 name=nginx container=1 cgroup_id=12 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=8 pid=7 name=worker container=1 cgroup_id=12 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=9 pid=7 name=worker container=1 cgroup_id=12 status=5 syscall=-1\n"
	"@0 lttng_statedump_process_state tid=30 pid=30 name=cron container=0 cgroup_id=1 status=5 syscall=-1\n";

#define CALL(from, to, task, name, args, ret) "@" #from " tid=" #task " syscall_entry_" #name " " args "\n@" #to " tid=" #task \
	" syscall_exit_" #name " ret=" #ret "\n"
#define ACCEPT(time, task, fd) CALL(time, time, task, accept4, "fd=3", fd)
#define READ(time, task, fd) CALL(time, time, task, read, "fd=" #fd, 10)
#define WRITE(time, task, fd) CALL(time, time, task, write, "fd=" #fd, 10)
#define CLOSE(time, task, fd) CALL(time, time, task, close, "fd=" #fd, 0)

struct asked {
	struct ph_identity *id;
	struct ph_requests *r;
	struct ph_filter *from, *to;
};

static struct asked ask(const char *events, struct ph_requests_ask what, const char *from, const char *to)
{
	struct asked a = { .id = ph_identity_new() };
	ph_autofree char *text = ph_asprintf("%s%s", setup, events);
	struct ph_source *src;
	struct ph_err err = { 0 };
	struct ph_event *ev;

	if ((from && (ph_requests_filter(from, NULL, &a.from, &err) < 0 || ph_requests_filter(to, NULL, &a.to, &err) < 0)) ||
	    ph_synthetic_parse(text, &src, &err) < 0)
		fail_msg("%s", err.msg);
	what.from = a.from;
	what.to = a.to;
	assert_int_equal(ph_requests_new(&a.r, a.id, &what, &err), 0);
	while (ph_source_next(src, &ev, &err) > 0) {
		ph_identity_feed(a.id, ev);
		ph_requests_feed(a.r, ev);
	}
	assert_int_equal(ph_requests_finish(a.r, &err), 0);
	ph_source_close(src);
	return a;
}

static void done(struct asked *a)
{
	ph_requests_free(a->r);
	ph_filter_free(a->from);
	ph_filter_free(a->to);
	ph_identity_free(a->id);
}

static void is(struct asked *a, uint64_t unfinished, uint64_t stray, const char *want)
{
	ph_autobuf b = { 0 };

	ph_buf_adds(&b, "");
	for (uint64_t i = 0; i < a->r->n; i++) {
		struct ph_request q;

		assert_int_equal(ph_requests_get(a->r, i, &q), 0);
		ph_buf_addf(&b, "%s%lu by %d - %lu by %d", i ? "; " : "", q.begin_ns, q.begin_tid, q.end_ns, q.end_tid);
	}
	assert_string_equal(b.p, want);
	assert_int_equal(a->r->nunfinished, unfinished);
	assert_int_equal(a->r->nstray, stray);
	done(a);
}

static void filters(const char *events, enum ph_requests_by by, const char *from, const char *to, uint64_t unfinished, uint64_t stray,
		    const char *want)
{
	struct asked a = ask(events, (struct ph_requests_ask){ .kind = PH_REQUESTS_FILTERS, .by = by }, from, to);

	is(&a, unfinished, stray, want);
}

static void connections(enum ph_requests_kind kind, const char *events, uint64_t unfinished, const char *want)
{
	struct asked a = ask(events, (struct ph_requests_ask){ .kind = kind }, NULL, NULL);

	is(&a, unfinished, 0, want);
}

/* ---- filters ------------------------------------------------------------------------------------------- */

#define BEGIN "syscall_entry_getpid"
#define END "syscall_entry_getppid"
#define B(time, task) "@" #time " tid=" #task " syscall_entry_getpid\n"
#define E(time, task) "@" #time " tid=" #task " syscall_entry_getppid\n"

static void test_by_task(void **state)
{
	struct ph_filter *f;
	struct ph_err err = { 0 };

	/* Two tasks at once, each its own. */
	filters(B(10, 7) B(20, 8) E(30, 7) E(50, 8) B(60, 7) E(61, 7), PH_REQUESTS_BY_TASK, BEGIN, END, 0, 0,
		"10 by 7 - 30 by 7; 20 by 8 - 50 by 8; 60 by 7 - 61 by 7");
	/* One within another. */
	filters(B(10, 7) B(20, 7) E(30, 7) E(40, 7), PH_REQUESTS_BY_TASK, BEGIN, END, 0, 0, "20 by 7 - 30 by 7; 10 by 7 - 40 by 7");
	/* An end without a begin; begins without an end: of a task that lives, and of one that ends. */
	filters(E(10, 7) B(20, 7) B(30, 8) "@40 tid=8 sched_process_exit tid=8\n" E(50, 8), PH_REQUESTS_BY_TASK, BEGIN, END, 2, 2, "");
	/* What was lost in a gap may have been the end, and the next begin. */
	filters(B(10, 7) "@20 events_discarded count=1 gap_cpu=0\n" E(30, 7), PH_REQUESTS_BY_TASK, BEGIN, END, 1, 1, "");
	/* What ends one begins the next. */
	filters(B(10, 7) B(30, 7) B(60, 7), PH_REQUESTS_BY_TASK, BEGIN, BEGIN, 1, 0, "10 by 7 - 30 by 7; 30 by 7 - 60 by 7");
	/* Of events by a pattern; of one that there is not. */
	filters(B(10, 7) E(30, 7), PH_REQUESTS_BY_TASK, "*_getpid", "name ~ \"*_getppid\"", 0, 0, "10 by 7 - 30 by 7");
	assert_true(ph_requests_filter("syscall_entry_getpod", NULL, &f, &err) < 0);
	assert_string_equal(err.msg, "there is no event 'syscall_entry_getpod'; did you mean 'syscall_entry_getpid'?");
	/* In no task's context, nothing. */
	filters("@10 tid=0 syscall_entry_getpid\n@20 tid=0 syscall_entry_getppid\n", PH_REQUESTS_BY_TASK, BEGIN, END, 0, 0, "");
}

static void test_never_ending(void **state)
{
	ph_autobuf b = { 0 };
	struct asked a;

	for (int i = 0; i < 1000; i++)
		ph_buf_addf(&b, "@%d tid=7 syscall_entry_getpid\n", 10 + i);
	ph_buf_adds(&b, "@2000 tid=7 syscall_entry_getppid\n");
	a = ask(b.p, (struct ph_requests_ask){ .kind = PH_REQUESTS_FILTERS }, BEGIN, END);
	is(&a, 999, 0, "1009 by 7 - 2000 by 7");
}

static void test_by_fd(void **state)
{
	const char *read = "syscall_exit_read.ret > 0", *write = "syscall_exit_write.ret > 0";

	/* One thread reads, another one answers; of two descriptors at once. */
	filters(READ(10, 7, 5) READ(20, 8, 6) WRITE(30, 7, 6) WRITE(40, 9, 5), PH_REQUESTS_BY_FD, read, write, 0, 0,
		"20 by 8 - 30 by 7; 10 by 7 - 40 by 9");
	/* The same number in another process is another one. */
	filters(READ(10, 7, 5) WRITE(30, 30, 5) WRITE(40, 8, 5), PH_REQUESTS_BY_FD, read, write, 0, 1, "10 by 7 - 40 by 8");
	/* What accept returns. */
	filters(ACCEPT(10, 7, 5) CLOSE(30, 8, 3) CLOSE(50, 8, 5), PH_REQUESTS_BY_FD, "syscall_exit_accept4.ret >= 0", "syscall_entry_close",
		0, 1, "10 by 7 - 50 by 8");
}

static void test_no_fd(void **state)
{
	struct asked a = ask(B(10, 7) E(20, 7), (struct ph_requests_ask){ .kind = PH_REQUESTS_FILTERS, .by = PH_REQUESTS_BY_FD }, BEGIN, END);

	assert_int_equal(a.r->nnofd, 2);
	is(&a, 0, 0, "");
}

static void test_selected(void **state)
{
	struct ph_selection sel = { 0 };
	struct ph_err err = { 0 };
	struct asked a;

	ph_strv_add(&sel.container, "web");
	assert_int_equal(ph_selection_check(&sel, &err), 0);
	a = ask(B(10, 7) B(11, 30) E(20, 7) E(21, 30), (struct ph_requests_ask){ .kind = PH_REQUESTS_FILTERS, .sel = &sel }, BEGIN, END);
	is(&a, 0, 0, "10 by 7 - 20 by 7");
	ph_selection_done(&sel);
	/* A range: what lies in it. */
	a = ask(B(10, 7) E(20, 7) B(30, 7) E(40, 7) B(45, 7) E(51, 7),
		(struct ph_requests_ask){ .kind = PH_REQUESTS_FILTERS, .from_ns = 11, .to_ns = 50 }, BEGIN, END);
	is(&a, 0, 0, "30 by 7 - 40 by 7");
}

/* ---- connections --------------------------------------------------------------------------------------- */

#define CONNECTIONS(events, unfinished, want) connections(PH_REQUESTS_CONNECTIONS, events, unfinished, want)
#define ANSWERS(events, unfinished, want) connections(PH_REQUESTS_ANSWERS, events, unfinished, want)

static void test_connections(void **state)
{
	/* Accepted by one thread, closed by another one; the number is used again; another descriptor is no connection. */
	CONNECTIONS(ACCEPT(10, 7, 5) READ(15, 8, 5) CLOSE(20, 8, 5) ACCEPT(30, 7, 5) CLOSE(35, 7, 6) CLOSE(40, 9, 5) ACCEPT(50, 7, 5), 1,
		    "10 by 7 - 20 by 8; 30 by 7 - 40 by 9");
	CONNECTIONS(CALL(10, 10, 7, accept4, "fd=3", -11) CLOSE(20, 8, 5), 0, "");
	/* A process that ends closes all it has; one of its threads does not. */
	CONNECTIONS(ACCEPT(10, 7, 5) "@20 tid=8 sched_process_exit tid=8\n@20 tid=9 sched_process_exit tid=9\n"
		    "@30 tid=7 sched_process_exit tid=7\n", 0, "10 by 7 - 30 by 7");
	/* Its first one may end long before the others; so it does where another one starts a program. */
	CONNECTIONS(ACCEPT(10, 7, 5) "@20 tid=7 sched_process_exit tid=7\n" READ(25, 8, 5) "@30 tid=8 sched_process_exit tid=8\n"
		    "@40 tid=9 sched_process_exit tid=9\n", 0, "10 by 7 - 40 by 9");
	CONNECTIONS(ACCEPT(10, 7, 5) "@20 tid=7 sched_process_exit tid=7\n@25 tid=9 sched_process_exit tid=9\n"
		    "@30 tid=7 sched_process_exec tid=7 old_tid=8\n" CLOSE(40, 7, 5), 0, "10 by 7 - 40 by 7");
	CONNECTIONS(ACCEPT(10, 7, 5) ACCEPT(11, 7, 6) ACCEPT(12, 7, 9) CALL(20, 20, 8, close_range, "fd=5 max_fd=7", 0), 1,
		    "11 by 7 - 20 by 8; 10 by 7 - 20 by 8");
	/* In a gap it may have been closed. */
	CONNECTIONS(ACCEPT(10, 7, 5) "@20 events_discarded count=1 gap_cpu=0\n" CLOSE(40, 7, 5), 1, "");
	/* Its close was not seen. */
	CONNECTIONS(ACCEPT(10, 7, 5) ACCEPT(20, 7, 5) CLOSE(40, 7, 5), 1, "20 by 7 - 40 by 7");
}

#define FORK(time, parent, child) "@" #time " tid=" #parent " sched_process_fork parent_tid=" #parent " parent_pid=" #parent \
	" child_tid=" #child " child_pid=" #child " vtids=[" #child "]\n"

static void test_forking_servers(void **state)
{
	/* The parent closes its own at once; the child serves, and ends. */
	CONNECTIONS(ACCEPT(10, 7, 5) FORK(12, 7, 40) CLOSE(15, 7, 5) CLOSE(80, 40, 5) "@90 tid=40 sched_process_exit tid=40\n", 0,
		    "10 by 7 - 80 by 40");
	CONNECTIONS(ACCEPT(10, 7, 5) FORK(12, 7, 40) CLOSE(15, 7, 5) "@90 tid=40 sched_process_exit tid=40\n", 0, "10 by 7 - 90 by 40");
	/* As a super-server does: on descriptors 0 and 1, of a program that it starts. */
	CONNECTIONS(ACCEPT(10, 7, 5) FORK(12, 7, 40) CALL(20, 20, 40, dup2, "oldfd=5 newfd=0", 0) CALL(21, 21, 40, dup, "fildes=0", 1)
		    CLOSE(22, 40, 5) CLOSE(23, 7, 5) CLOSE(50, 40, 0) CLOSE(60, 40, 1), 0, "10 by 7 - 60 by 40");
	/* What is closed by exec. */
	CONNECTIONS(CALL(10, 10, 7, accept4, "fd=3 flags=0x80000", 5) FORK(12, 7, 40) "@20 tid=40 sched_process_exec tid=40 old_tid=40\n"
		    CLOSE(30, 7, 5), 0, "10 by 7 - 30 by 7");
	CONNECTIONS(ACCEPT(10, 7, 5) CALL(11, 11, 7, fcntl, "fd=5 cmd=2 arg=1", 0) FORK(12, 7, 40) CLOSE(13, 7, 5)
		    "@20 tid=40 sched_process_exec tid=40 old_tid=40\n", 0, "10 by 7 - 20 by 40");
	/* No longer by exec: a copy onto itself has not that flag. */
	CONNECTIONS(ACCEPT(10, 7, 5) CALL(11, 11, 7, dup3, "oldfd=5 newfd=6 flags=0x80000", 6) CALL(12, 12, 7, dup2, "oldfd=5 newfd=6", 6)
		    CLOSE(13, 7, 5) "@20 tid=7 sched_process_exec tid=7 old_tid=7\n" CLOSE(30, 7, 6), 0, "10 by 7 - 30 by 7");
	/* Another descriptor takes its number. */
	CONNECTIONS(ACCEPT(10, 7, 5) CALL(20, 20, 7, dup2, "oldfd=1 newfd=5", 5) CLOSE(30, 7, 5), 0, "10 by 7 - 20 by 7");
}

/* Children have more descriptors than are remembered: of connections that one of these may have, no end is made up. */
static void test_many_descriptors(void **state)
{
	enum { CONNECTIONS_N = 600, CHILDREN = 600 };
	ph_autobuf b = { 0 };

	for (int i = 0; i < CONNECTIONS_N; i++)
		ph_buf_addf(&b, "@%d tid=7 syscall_entry_accept4 fd=3\n@%d tid=7 syscall_exit_accept4 ret=%d\n", 10 + i, 10 + i, 10 + i);
	for (int i = 0; i < CHILDREN; i++)
		ph_buf_addf(&b, "@2000 tid=7 sched_process_fork parent_tid=7 parent_pid=7 child_tid=%d child_pid=%d vtids=[%d]\n", 1000 + i,
			    1000 + i, 1000 + i);
	CONNECTIONS(b.p, CONNECTIONS_N, "");
	ph_buf_adds(&b, "@3000 tid=7 sched_process_exit tid=7\n");
	for (int i = 0; i < CHILDREN * 3 / 4; i++)
		ph_buf_addf(&b, "@3000 tid=%d sched_process_exit tid=%d\n", 1000 + i, 1000 + i);
	CONNECTIONS(b.p, CONNECTIONS_N, "");
}

static void test_answers(void **state)
{
	/* Two on one connection; parts of a request, parts of an answer; one that is not answered. */
	ANSWERS(ACCEPT(10, 7, 5) READ(20, 7, 5) READ(22, 7, 5) WRITE(30, 8, 5) WRITE(33, 9, 5) READ(50, 7, 5) WRITE(60, 7, 5)
		READ(70, 7, 5) CLOSE(80, 7, 5), 1, "20 by 7 - 33 by 9; 50 by 7 - 60 by 7");
	/* The end of a stream is no request; nor is what a server says unasked. */
	ANSWERS(ACCEPT(10, 7, 5) WRITE(15, 7, 5) READ(20, 7, 5) WRITE(30, 7, 5) CALL(40, 40, 7, read, "fd=5", 0)
		CALL(41, 41, 7, read, "fd=5", -11) CLOSE(50, 7, 5), 0, "20 by 7 - 30 by 7");
	/* What is no server's connection. */
	ANSWERS(READ(20, 7, 5) WRITE(30, 7, 5), 0, "");
	/* The last of it is sent before the call returns. */
	ANSWERS(ACCEPT(10, 7, 5) READ(20, 7, 5) "@30 tid=7 syscall_entry_sendto fd=5\n@31 cpu=1 tid=30 sched_waking tid=9\n"
		"@32 tid=7 net_dev_queue\n@33 tid=7 sched_waking tid=30\n@50 tid=7 syscall_exit_sendto ret=10\n"
		"@51 tid=7 sched_waking tid=9\n", 0, "20 by 7 - 33 by 7");
	/* From a file. */
	ANSWERS(ACCEPT(10, 7, 5) READ(20, 7, 5) CALL(30, 31, 7, sendfile64, "out_fd=5 in_fd=9", 100), 0, "20 by 7 - 31 by 7");
	/* Of 32-bit programs. */
	ANSWERS("@10 tid=7 compat_syscall_entry_accept4 fd=3\n@11 tid=7 compat_syscall_exit_accept4 ret=5\n"
		"@12 tid=7 compat_syscall_entry_read fd=5\n@13 tid=7 compat_syscall_exit_read ret=5\n"
		"@14 tid=7 compat_syscall_entry_write fd=5\n@15 tid=7 compat_syscall_exit_write ret=5\n", 0, "13 by 7 - 15 by 7");
}

static void test_older_connections(void **state)
{
	/* Made before: a task waits on it, at the service's port. */
	ANSWERS("@10 tid=7 syscall_entry_read fd=5\n@11 tid=7 sched_block tid=7 fd=5 family=2 sport=80 dport=40000\n"
		"@20 tid=7 syscall_exit_read ret=10\n" WRITE(30, 7, 5), 0, "20 by 7 - 30 by 7");
	/* Waited for when the stream begins. */
	CONNECTIONS("@10 tid=7 syscall_exit_accept4 ret=5\n" CLOSE(20, 7, 5), 0, "10 by 7 - 20 by 7");
	ANSWERS("@10 tid=7 syscall_exit_accept4 ret=5\n" "@20 tid=7 syscall_exit_read ret=10\n" READ(25, 7, 5) WRITE(30, 7, 5), 0, "25 by 7 - 30 by 7");
	/* That of a client. */
	ANSWERS("@10 tid=7 syscall_entry_read fd=5\n@11 tid=7 sched_block tid=7 fd=5 family=2 sport=40000 dport=80\n"
		"@20 tid=7 syscall_exit_read ret=10\n" WRITE(30, 7, 5), 0, "");
}

/* ---- ranks --------------------------------------------------------------------------------------------- */

static int least_first(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void count(void *arg, const struct ph_request *q)
{
	uint64_t *sum = arg;

	sum[0]++;
	sum[1] += q->end_ns - q->begin_ns;
}

static void test_quantiles(void **state)
{
	enum { N = 5000 };
	static const double qs[] = { 0, 0.01, 0.5, 0.5001, 0.95, 0.99, 0.999, 1 };
	struct asked a = { .id = ph_identity_new() };
	uint64_t *all = ph_alloc(N * sizeof(*all)), sum[2] = { 0 }, want[2] = { 0 };
	struct ph_err err = { 0 };
	uint64_t seed = 1;

	assert_int_equal(ph_requests_filter(BEGIN, NULL, &a.from, &err), 0);
	assert_int_equal(ph_requests_filter(END, NULL, &a.to, &err), 0);
	assert_int_equal(ph_requests_new(&a.r, a.id, &(struct ph_requests_ask){ .kind = PH_REQUESTS_FILTERS, .from = a.from, .to = a.to },
					 &err), 0);
	assert_int_equal(ph_requests_quantile(a.r, 0.5), 0);
	/* From ns to weeks, many alike. */
	for (int i = 0; i < N; i++) {
		static const struct ph_value none[16];
		struct ph_event ev = { .cls = ph_class_by_name(BEGIN), .ts_ns = (uint64_t)i << 51, .tid = 7, .pid = 7, .v = none };

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		all[i] = seed >> 33 >> (seed >> 20) % 31 << (seed >> 13) % 20;
		ph_requests_feed(a.r, &ev);
		ev.cls = ph_class_by_name(END);
		ev.ts_ns += all[i];
		ph_requests_feed(a.r, &ev);
	}
	assert_int_equal(ph_requests_finish(a.r, &err), 0);
	assert_int_equal(a.r->n, N);
	qsort(all, N, sizeof(*all), least_first);
	for (size_t i = 0; i < PH_ARRAY_SIZE(qs); i++) {
		/* The least of which so many are not above it. */
		size_t rank = 0;

		while (rank + 1 < N && (double)(rank + 1) < qs[i] * N)
			rank++;
		assert_int_equal(ph_requests_quantile(a.r, qs[i]), all[rank]);
	}
	ph_requests_each(a.r, all[N / 2], all[N - 100], count, sum);
	for (int i = 0; i < N; i++) {
		if (all[i] < all[N / 2] || all[i] > all[N - 100])
			continue;
		want[0]++;
		want[1] += all[i];
	}
	assert_int_equal(sum[0], want[0]);
	assert_int_equal(sum[1], want[1]);
	free(all);
	done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_task), cmocka_unit_test(test_never_ending), cmocka_unit_test(test_by_fd),
		cmocka_unit_test(test_no_fd), cmocka_unit_test(test_selected), cmocka_unit_test(test_connections),
		cmocka_unit_test(test_forking_servers), cmocka_unit_test(test_answers), cmocka_unit_test(test_older_connections),
		cmocka_unit_test(test_many_descriptors), cmocka_unit_test(test_quantiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
