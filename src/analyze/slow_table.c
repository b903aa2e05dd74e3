/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report for eyes: verdicts, then the tables and histograms that they stand on. */
#include <errno.h>
#include <inttypes.h>

#include "analyze/slow_report.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "event/symbols.h"

/* Rows of a table in the report, where it is not asked for alone. */
#define ROWS_SHOWN 12
#define BAR_WIDTH 40
/* Of lines with functions, where the output is no terminal. */
#define STACK_WIDTH 120

const char *const ph_slow_tables[PH_SLOW_TABLES + 1] = { "containers", "waits", "calls", "slowest", "disks", "queue", "tcp", "stacks" };

/* ---- columns ------------------------------------------------------------------------------------------- */

#define CONTAINER_COL { "CONTAINER", "container", PH_COL_STR, .help = "whose it is" }
/* Filled by set_hist(). */
#define HIST_COLS									\
	{ "AVG", "avg_ns", PH_COL_NS, .help = "of one" },				\
	{ "P50", "p50_ns", PH_COL_NS, true, .help = "half of them were shorter" },	\
	{ "P99", "p99_ns", PH_COL_NS, .help = "99 of 100 were shorter" },		\
	{ "MAX", "max_ns", PH_COL_NS, .help = "the longest" }

static const struct ph_col container_cols[] = {
	CONTAINER_COL,
	{ "TASKS", "tasks", PH_COL_U64, .help = "how many were seen" },
	{ "RAN", "run_ns", PH_COL_NS, .help = "task time on a CPU" },
	{ "CPU-WAIT", "cpu_ns", PH_COL_NS, .help = "runnable, while others ran" },
	{ "THROTTLED", "throttled_ns", PH_COL_NS, .help = "by a CPU limit" },
	{ "DISK", "disk_ns", PH_COL_NS, .help = "waiting for a block device" },
	{ "FAULT", "fault_ns", PH_COL_NS, .help = "waiting in page faults" },
	{ "RECLAIM", "reclaim_ns", PH_COL_NS, .help = "waiting while it freed memory" },
	{ "LOCK", "lock_ns", PH_COL_NS, .help = "locks of the kernel or of files" },
	{ "FUTEX", "futex_ns", PH_COL_NS, .help = "locks and conditions of the program" },
	{ "SOCKET", "socket_ns", PH_COL_NS, .help = "waiting for a peer that it asked" },
	{ "PIPE", "pipe_ns", PH_COL_NS, .help = "the other end of a pipe" },
	{ "OTHER", "other_ns", PH_COL_NS, .help = "frozen, stopped, or not known for what" },
	{ "OWN-WILL", "own_will_ns", PH_COL_NS, .help = "sleep, poll, a child, a client: nothing to do" },
	{ "MAJFLT", "major_faults", PH_COL_U64, .help = "page faults that needed the disk, as the kernel counts them" },
	{ "UNKNOWN", "unknown_ns", PH_COL_NS, true, .help = "before it was first seen, and across gaps" },
};

static const struct ph_col wait_cols[] = {
	CONTAINER_COL,
	{ "FOR", "for", PH_COL_STR, .help = "what kind of wait" },
	{ "WHAT", "object", PH_COL_STR, .help = "device, peer, port" },
	{ "TIMES", "count", PH_COL_U64, .help = "how often" },
	{ "TOTAL", "total_ns", PH_COL_NS, .help = "task time" },
	HIST_COLS,
};

static const struct ph_col call_cols[] = {
	CONTAINER_COL,
	{ "CALL", "call", PH_COL_STR, .help = "name of the system call" },
	{ "COUNT", "count", PH_COL_U64, .help = "how many began and returned" },
	{ "ERRORS", "errors", PH_COL_U64, .help = "how many of them failed" },
	{ "TOTAL", "total_ns", PH_COL_NS, .help = "time in the call: what follows behind MAX adds up to it" },
	HIST_COLS,
	{ "RAN", "run_ns", PH_COL_NS, .help = "on a CPU" },
	{ "CPU-WAIT", "cpu_ns", PH_COL_NS, .help = "runnable, while others ran; throttled" },
	{ "BLOCKED", "blocked_ns", PH_COL_NS, .help = "waiting for anything else" },
	{ "MOSTLY", "mostly", PH_COL_STR, .help = "what that was, most of it" },
	{ "UNFINISHED", "unfinished", PH_COL_U64, true, .help = "had not returned at the end; not in COUNT and TOTAL" },
};

static const struct ph_col slowest_cols[] = {
	CONTAINER_COL,
	{ "TIME", "time_ns", PH_COL_U64, .help = "when it began, Unix time" },
	{ "TASK", "comm", PH_COL_STR, .help = "name of the thread" },
	{ "TID", "tid", PH_COL_S64, .help = "its id on the host" },
	{ "CALL", "call", PH_COL_STR, .help = "name of the system call" },
	{ "DURATION", "duration_ns", PH_COL_NS, .help = "how long" },
	{ "RET", "ret", PH_COL_S64, .help = "its result" },
	{ "RAN", "run_ns", PH_COL_NS, .help = "of it on a CPU" },
	{ "CPU-WAIT", "cpu_ns", PH_COL_NS, .help = "of it runnable, while others ran; throttled" },
	{ "BLOCKED", "blocked_ns", PH_COL_NS, .help = "of it waiting" },
	{ "LONGEST-WAIT", "waited_for", PH_COL_STR, .help = "what its longest wait was for, and how long" },
	{ "WOKEN-BY", "woken_by", PH_COL_STR, .help = "who ended that wait" },
	{ "ON", "on", PH_COL_STR, .help = "its path or descriptor" },
};

static const struct ph_col disk_cols[] = {
	CONTAINER_COL,
	{ "DEVICE", "device", PH_COL_STR, .help = "block device" },
	{ "OP", "op", PH_COL_STR, .help = "read, write, discard, flush" },
	{ "COUNT", "count", PH_COL_U64, .help = "requests that were finished" },
	{ "BYTES", "size_bytes", PH_COL_BYTES, .help = "of them" },
	{ "AVG", "avg_ns", PH_COL_NS, .help = "from issue to completion" },
	{ "P50", "p50_ns", PH_COL_NS, .help = "half of them were faster" },
	{ "P99", "p99_ns", PH_COL_NS, .help = "99 of 100 were faster" },
	{ "MAX", "max_ns", PH_COL_NS, .help = "the slowest" },
	{ "QUEUED", "queued", PH_COL_U64, .help = "of them were in the scheduler's queue before" },
	{ "Q-AVG", "queue_avg_ns", PH_COL_NS, .help = "for so long" },
	{ "Q-P99", "queue_p99_ns", PH_COL_NS, .help = "99 of 100 less long" },
	{ "Q-MAX", "queue_max_ns", PH_COL_NS, .help = "at most" },
	{ "ERRORS", "errors", PH_COL_U64, .help = "requests that failed" },
};

static const struct ph_col queue_cols[] = {
	CONTAINER_COL,
	{ "DEVICE", "device", PH_COL_STR, .help = "that it had requests on" },
	{ "OTHER", "other", PH_COL_STR, .help = "who had, too, at the same time" },
	{ "TOGETHER", "time_ns", PH_COL_NS, .help = "for how long both had" },
	{ "REQUESTS", "requests", PH_COL_U64, .help = "of the other in that time" },
	{ "BYTES", "size_bytes", PH_COL_BYTES, .help = "of them" },
};

static const struct ph_col tcp_cols[] = {
	CONTAINER_COL,
	{ "WITH", "object", PH_COL_STR, .help = "peer, or own port" },
	{ "CONNECTS", "connects", PH_COL_U64, .help = "connections that it made" },
	{ "AVG", "connect_avg_ns", PH_COL_NS, .help = "until they were established" },
	{ "P99", "connect_p99_ns", PH_COL_NS, .help = "99 of 100 were faster" },
	{ "MAX", "connect_max_ns", PH_COL_NS, .help = "the slowest" },
	{ "FAILED", "failed", PH_COL_U64, .help = "that did not get there" },
	{ "RESENT", "retransmits", PH_COL_U64, .help = "segments that were sent again" },
	{ "ACCEPTED", "accepted", PH_COL_U64, .help = "connections of others" },
	{ "A-AVG", "accept_avg_ns", PH_COL_NS, .help = "that they waited in the accept queue" },
	{ "A-MAX", "accept_max_ns", PH_COL_NS, .help = "at most" },
	{ "FULL", "queue_full", PH_COL_U64, .help = "how often that queue was full" },
};

static const struct ph_col stack_cols[] = {
	CONTAINER_COL,
	{ "FOR", "for", PH_COL_STR, .help = "what kind of wait" },
	{ "TIMES", "count", PH_COL_U64, .help = "how often" },
	{ "TOTAL", "total_ns", PH_COL_NS, .help = "task time" },
	HIST_COLS,
	{ "STACK", "stack", PH_COL_STR, .help = "functions of the kernel, the innermost first" },
	{ "FOLDED", "folded", PH_COL_STR, true, .help = "the outermost first, as flame graphs are drawn from" },
};

static const struct { const struct ph_col *cols; size_t n; const char *title; } tables[PH_SLOW_TABLES] = {
	{ container_cols, PH_ARRAY_SIZE(container_cols), NULL },
	{ wait_cols, PH_ARRAY_SIZE(wait_cols), "What tasks waited for (above all what was not of their own will):" },
	{ call_cols, PH_ARRAY_SIZE(call_cols), "System calls, those first that were kept from returning longest:" },
	{ slowest_cols, PH_ARRAY_SIZE(slowest_cols), "Slowest system calls, without waiting of their own will:" },
	{ disk_cols, PH_ARRAY_SIZE(disk_cols), "Block requests:" },
	{ queue_cols, PH_ARRAY_SIZE(queue_cols), "Who else had requests on the device meanwhile:" },
	{ tcp_cols, PH_ARRAY_SIZE(tcp_cols), "TCP:" },
	{ stack_cols, PH_ARRAY_SIZE(stack_cols), NULL },
};

int ph_slow_check(const struct ph_report_view *view, struct ph_err *err)
{
	bool json = view->fmt.output == PH_OUT_JSON || view->fmt.output == PH_OUT_JSONPRETTY;

	if ((view->fmt.fields.n || view->fmt.sort) && !view->alone)
		return ph_err_set(err, -EINVAL, "--fields and --sort are about one table: say which with --table");
	if (view->fmt.max_entries && json && !view->alone)
		return ph_err_set(err, -EINVAL, "--max-entries is about tables: JSON has all of the report; say which with --table");
	return ph_table_check(&view->fmt, tables[view->table].cols, tables[view->table].n, err);
}

void ph_slow_schema(enum ph_slow_table table, struct ph_buf *out)
{
	ph_table_schema(tables[table].cols, tables[table].n, out);
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

/* Nothing is a dash: what there is stands out. */
static struct ph_cell *set_time(struct ph_cell *c, uint64_t ns)
{
	ph_cell_u64(c, ns);
	if (!ns)
		ph_cell_text(c, "-");
	return c + 1;
}

static struct ph_cell *set_count(struct ph_cell *c, uint64_t n)
{
	ph_cell_u64(c, n);
	if (!n)
		ph_cell_text(c, "-");
	return c + 1;
}

static struct ph_cell *set_str(struct ph_cell *c, const char *text)
{
	ph_cell_str(c, text);
	return c + 1;
}

static struct ph_cell *set_container(struct ph_cell *c, const struct ph_slow *s, uint32_t container)
{
	return set_str(c, container == PH_CONTAINER_HOST ? "(host)" : container == PH_CONTAINER_UNKNOWN ? "?" :
		       ph_container_label(s->id, container));
}

static struct ph_cell *set_object(struct ph_cell *c, const struct ph_slow *s, const struct ph_object *o)
{
	ph_autobuf text = { 0 };

	ph_object_text(&s->devices, o, &text);
	return set_str(c, text.p);
}

static void fill_container(struct ph_cell *c, const struct ph_slow *s, const struct ph_slow_group *g)
{
	static const unsigned int shown[] = { PH_HOLD_RUN, PH_HOLD_CPU, PH_HOLD_THROTTLED, PH_WAIT_DISK, PH_WAIT_FAULT,
					      PH_WAIT_RECLAIM, PH_WAIT_LOCK, PH_WAIT_FUTEX, PH_WAIT_SOCKET, PH_WAIT_PIPE };
	uint64_t own = 0;

	for (unsigned int i = 0; i < PH_HOLD_MAX; i++)
		own += ph_hold_own_will(i) ? g->ns[i] : 0;
	c = set_container(c, s, g->container);
	c = set_count(c, g->ntasks);
	for (size_t i = 0; i < PH_ARRAY_SIZE(shown); i++)
		c = set_time(c, g->ns[shown[i]]);
	c = set_time(c, g->ns[PH_WAIT_OTHER] + g->ns[PH_HOLD_FROZEN] + g->ns[PH_HOLD_STOPPED]);
	c = set_time(c, own);
	c = set_count(c, g->major_faults);
	set_time(c, g->ns[PH_HOLD_UNKNOWN]);
}

static struct ph_cell *set_hist(struct ph_cell *c, const struct ph_hist *h)
{
	c = set_time(c, ph_hist_avg(h));
	c = set_time(c, ph_hist_quantile(h, 0.5));
	c = set_time(c, ph_hist_quantile(h, 0.99));
	return set_time(c, h->max);
}

static void fill_wait(struct ph_cell *c, const struct ph_slow *s, const struct ph_slow_group *g,
		      const struct ph_slow_wait *w)
{
	c = set_container(c, s, g->container);
	c = set_str(c, ph_hold_name(w->hold));
	c = set_object(c, s, &w->object);
	c = set_count(c, w->hist.n);
	c = set_time(c, w->hist.sum);
	set_hist(c, &w->hist);
}

/* The largest part that is neither running nor waiting for a CPU. */
static unsigned int largest(const uint64_t ns[PH_HOLD_MAX], uint64_t *blocked)
{
	unsigned int best = PH_HOLD_MAX;

	*blocked = 0;
	for (unsigned int i = 0; i < PH_HOLD_MAX; i++) {
		if (i == PH_HOLD_RUN || i == PH_HOLD_CPU || i == PH_HOLD_THROTTLED || !ns[i])
			continue;
		*blocked += ns[i];
		if (best == PH_HOLD_MAX || ns[i] > ns[best])
			best = i;
	}
	return best;
}

static struct ph_cell *set_parts(struct ph_cell *c, const uint64_t ns[PH_HOLD_MAX], unsigned int *most)
{
	uint64_t blocked;

	*most = largest(ns, &blocked);
	c = set_time(c, ns[PH_HOLD_RUN]);
	c = set_time(c, ns[PH_HOLD_CPU] + ns[PH_HOLD_THROTTLED]);
	return set_time(c, blocked);
}

static void fill_call(struct ph_cell *c, const struct ph_slow *s, const struct ph_slow_group *g,
		      const struct ph_slow_call *call)
{
	unsigned int most;

	c = set_container(c, s, g->container);
	c = set_str(c, ph_slow_call_name(call->nr, call->compat));
	c = set_count(c, call->hist.n);
	c = set_count(c, call->errors);
	c = set_time(c, call->hist.sum);
	c = set_hist(c, &call->hist);
	c = set_parts(c, call->ns, &most);
	c = set_str(c, most < PH_HOLD_MAX ? ph_hold_name(most) : NULL);
	set_count(c, call->unfinished);
}

static struct ph_cell *set_when(struct ph_cell *c, uint64_t ts, const struct ph_report_view *view)
{
	uint64_t unix_ns = ts + (uint64_t)view->offset_ns;
	ph_autobuf text = { 0 };

	ph_clock_text((int64_t)unix_ns, view->utc, 6, &text);
	ph_cell_u64(c, unix_ns);
	ph_cell_text(c, "%s", text.p);
	return c + 1;
}

static struct ph_cell *set_ret(struct ph_cell *c, const struct ph_slow_one *one)
{
	ph_autobuf name = { 0 };

	if (one->unfinished) {
		ph_cell_text(c, "(not yet)");
		return c + 1;
	}
	ph_cell_s64(c, one->ret);
	if (one->ret < 0 && ph_symbol_add(&name, PH_UNIT_RET, one->ret))
		ph_cell_text(c, "%s", name.p);
	return c + 1;
}

static struct ph_cell *set_waited(struct ph_cell *c, const struct ph_slow *s, const struct ph_slow_one *one)
{
	ph_autobuf text = { 0 };
	char ns[PH_HUMAN_MAX];

	if (one->hold_ns) {
		ph_buf_adds(&text, ph_hold_name(one->hold));
		if (one->object.thing != PH_THING_NONE)
			ph_buf_addc(&text, ' ');
		ph_object_text(&s->devices, &one->object, &text);
		ph_buf_addf(&text, " %s", ph_human_ns(one->hold_ns, ns));
	}
	return set_str(c, text.p);
}

static struct ph_cell *set_waker(struct ph_cell *c, const struct ph_slow *s, const struct ph_slow_one *one)
{
	ph_autobuf text = { 0 };

	if (one->waker_tid > 0) {
		ph_buf_addf(&text, "%s (%d)", one->waker_comm[0] ? one->waker_comm : "?", one->waker_tid);
		if (one->waker_container != one->container && one->waker_container != PH_CONTAINER_UNKNOWN) {
			ph_buf_adds(&text, " of ");
			ph_slow_name(s, one->waker_container, &text);
		}
	} else if (one->waker != PH_WAKER_UNKNOWN) {
		ph_buf_adds(&text, ph_waker_name(one->waker));
	}
	return set_str(c, text.p);
}

static void fill_slowest(struct ph_cell *c, const struct ph_slow *s, const struct ph_slow_one *one,
			 const struct ph_report_view *view)
{
	unsigned int most;

	c = set_container(c, s, one->container);
	c = set_when(c, one->begin_ns, view);
	c = set_str(c, one->comm[0] ? one->comm : NULL);
	ph_cell_s64(c++, one->tid);
	c = set_str(c, ph_slow_call_name(one->nr, one->compat));
	c = set_time(c, one->ns);
	c = set_ret(c, one);
	c = set_parts(c, one->part_ns, &most);
	c = set_waited(c, s, one);
	c = set_waker(c, s, one);
	if (one->text[0]) {
		set_str(c, one->text);
	} else if (one->fd >= 0) {
		ph_autobuf fd = { 0 };

		ph_buf_addf(&fd, "fd %d", one->fd);
		set_str(c, fd.p);
	}
}

static void fill_disk(struct ph_cell *c, const struct ph_slow *s, const struct ph_slow_disk *d)
{
	c = set_container(c, s, d->container);
	c = set_object(c, s, &(struct ph_object){ .thing = PH_THING_DISK, .dev = d->dev });
	c = set_str(c, ph_slow_op_name(d->op));
	c = set_count(c, d->device.n);
	ph_cell_u64(c++, d->bytes);
	c = set_hist(c, &d->device);
	c = set_count(c, d->queue.n);
	c = set_time(c, ph_hist_avg(&d->queue));
	c = set_time(c, ph_hist_quantile(&d->queue, 0.99));
	c = set_time(c, d->queue.max);
	set_count(c, d->errors);
}

static void fill_queue(struct ph_cell *c, const struct ph_slow *s, const struct ph_slow_user *u)
{
	c = set_container(c, s, u->container);
	c = set_object(c, s, &(struct ph_object){ .thing = PH_THING_DISK, .dev = u->dev });
	c = set_container(c, s, u->other);
	c = set_time(c, u->ns);
	c = set_count(c, u->requests);
	ph_cell_u64(c, u->bytes);
}

static void fill_net(struct ph_cell *c, const struct ph_slow *s, const struct ph_slow_group *g,
		     const struct ph_slow_net *n)
{
	c = set_container(c, s, g->container);
	c = set_object(c, s, &n->object);
	c = set_count(c, n->connect.n);
	c = set_time(c, ph_hist_avg(&n->connect));
	c = set_time(c, ph_hist_quantile(&n->connect, 0.99));
	c = set_time(c, n->connect.max);
	c = set_count(c, n->failed);
	c = set_count(c, n->retransmits);
	c = set_count(c, n->accept.n);
	c = set_time(c, ph_hist_avg(&n->accept));
	c = set_time(c, n->accept.max);
	set_count(c, n->overflows);
}

static void fill_stack(struct ph_cell *c, const struct ph_slow *s, const struct ph_slow_group *g,
		       const struct ph_slow_stack *st)
{
	ph_autobuf inner = { 0 }, outer = { 0 };
	size_t n = st->functions.n;

	for (size_t i = 0; i < n; i++) {
		ph_buf_adds(&inner, i ? " < " : "");
		ph_buf_adds(&inner, st->functions.v[i]);
		ph_buf_adds(&outer, i ? ";" : "");
		ph_buf_adds(&outer, st->functions.v[n - 1 - i]);
	}
	c = set_container(c, s, g->container);
	c = set_str(c, ph_hold_name(st->hold));
	c = set_count(c, st->hist.n);
	c = set_time(c, st->hist.sum);
	c = set_hist(c, &st->hist);
	c = set_str(c, inner.p);
	set_str(c, outer.p);
}

/* Containers of which something was seen. */
static bool worth_a_row(const struct ph_slow *s, const struct ph_slow_group *g)
{
	uint64_t known = 0;

	for (unsigned int i = 0; i < PH_HOLD_MAX; i++)
		known += i == PH_HOLD_UNKNOWN ? 0 : g->ns[i];
	return g->container != PH_CONTAINER_UNKNOWN || known * 1000 > s->end_ns - s->begin_ns;
}

static void fill_table(struct ph_table *t, enum ph_slow_table which, const struct ph_slow *s,
		       const struct ph_report_view *view)
{
	if (which == PH_SLOW_SLOWEST) {
		ph_vec_each(one, &s->slowest)
			fill_slowest(ph_table_row(t), s, one, view);
		return;
	}
	if (which == PH_SLOW_QUEUE) {
		ph_vec_each(u, &s->users)
			fill_queue(ph_table_row(t), s, *u);
		return;
	}
	ph_vec_each(it, &s->groups) {
		const struct ph_slow_group *g = *it;

		if (!worth_a_row(s, g))
			continue;
		if (which == PH_SLOW_CONTAINERS)
			fill_container(ph_table_row(t), s, g);
		for (size_t i = 0; which == PH_SLOW_WAITS && i < g->waits.n; i++)
			fill_wait(ph_table_row(t), s, g, g->waits.v[i]);
		for (size_t i = 0; which == PH_SLOW_CALLS && i < g->calls.n; i++)
			fill_call(ph_table_row(t), s, g, g->calls.v[i]);
		for (size_t i = 0; which == PH_SLOW_DISKS && i < g->disks.n; i++)
			fill_disk(ph_table_row(t), s, g->disks.v[i]);
		for (size_t i = 0; which == PH_SLOW_TCP && i < g->nets.n; i++)
			fill_net(ph_table_row(t), s, g, g->nets.v[i]);
		for (size_t i = 0; which == PH_SLOW_STACKS && i < g->stacks.n; i++)
			fill_stack(ph_table_row(t), s, g, g->stacks.v[i]);
	}
}

/* ---- sections ---------------------------------------------------------------------------------------- */

static int print_table(const struct ph_slow *s, enum ph_slow_table which, const struct ph_report_view *view,
		       struct ph_buf *out, struct ph_err *err)
{
	struct ph_report_view v = *view;
	struct ph_table t;
	int r = 0;

	ph_table_init(&t, tables[which].cols, tables[which].n);
	fill_table(&t, which, s, view);
	if (!view->alone && view->fmt.output == PH_OUT_COLUMNS) {
		if (tables[which].title && t.rows.n)
			ph_buf_addf(out, "\n%s\n", tables[which].title);
		if (!v.fmt.max_entries && which != PH_SLOW_CONTAINERS)
			v.fmt.max_entries = which == PH_SLOW_SLOWEST ? s->top : ROWS_SHOWN;
	}
	if (t.rows.n || view->alone || view->fmt.output != PH_OUT_COLUMNS)
		r = ph_table_print(&t, &v.fmt, view->width, out, err);
	if (r >= 0 && !view->alone && v.fmt.max_entries && t.rows.n > v.fmt.max_entries && which != PH_SLOW_SLOWEST)
		ph_buf_addf(out, "(%zu more: --table %s)\n", t.rows.n - (size_t)v.fmt.max_entries, ph_slow_tables[which]);
	ph_table_done(&t);
	return r;
}

static void print_hist(const struct ph_slow *s, const struct ph_slow_group *g, const struct ph_hist *h, const char *what,
		       struct ph_buf *out)
{
	char a[PH_HUMAN_MAX];

	if (!h->n)
		return;
	ph_buf_addf(out, "\n%s of ", what);
	ph_slow_name(s, g->container, out);
	ph_buf_addf(out, ": %" PRIu64 " time%s", h->n, h->n == 1 ? "" : "s");
	ph_buf_addf(out, ", least %s", ph_human_ns(h->min, a));
	ph_buf_addf(out, ", average %s", ph_human_ns(ph_hist_avg(h), a));
	ph_buf_addf(out, ", half below %s", ph_human_ns(ph_hist_quantile(h, 0.5), a));
	ph_buf_addf(out, ", 99 %% below %s", ph_human_ns(ph_hist_quantile(h, 0.99), a));
	ph_buf_addf(out, ", most %s", ph_human_ns(h->max, a));
	ph_buf_addf(out, ", together %s\n", ph_human_ns(h->sum, a));
	ph_hist_draw(h, 2, BAR_WIDTH, out);
}

/* Stacks are too long for columns. */
static void print_stacks(const struct ph_slow *s, const struct ph_slow_group *g, const struct ph_report_view *view,
			 struct ph_buf *out)
{
	size_t shown = view->fmt.max_entries ? view->fmt.max_entries : ROWS_SHOWN;
	unsigned int width = view->width ? view->width : STACK_WIDTH;
	char total[PH_HUMAN_MAX], avg[PH_HUMAN_MAX];

	if (!g->stacks.n)
		return;
	ph_buf_adds(out, "\nWhere in the kernel tasks of ");
	ph_slow_name(s, g->container, out);
	ph_buf_adds(out, " waited, the innermost function first:\n");
	for (size_t i = 0; i < g->stacks.n && i < shown; i++) {
		const struct ph_slow_stack *st = g->stacks.v[i];
		size_t line;

		ph_buf_addf(out, "  %s, %s, %" PRIu64 " time%s, %s on average\n", ph_human_ns(st->hist.sum, total),
			    ph_hold_name(st->hold), st->hist.n, st->hist.n == 1 ? "" : "s",
			    ph_human_ns(ph_hist_avg(&st->hist), avg));
		line = out->len;
		ph_buf_adds(out, "     ");
		ph_vec_each(name, &st->functions) {
			if (name > st->functions.v)
				ph_buf_adds(out, " <");
			if (out->len - line + strlen(*name) + 3 > width && out->len - line > 5) {
				ph_buf_adds(out, "\n     ");
				line = out->len - 5;
			}
			ph_buf_addc(out, ' ');
			ph_buf_add_term(out, *name, strlen(*name));
		}
		ph_buf_addc(out, '\n');
	}
	if (g->stacks.n > shown)
		ph_buf_addf(out, "(%zu more: --table stacks)\n", g->stacks.n - shown);
}

/* Is there something to say of it beside the table? The host is told of where it is asked for, or alone. */
static bool worth_a_verdict(const struct ph_slow *s, const struct ph_slow_group *g)
{
	if (g->container == PH_CONTAINER_UNKNOWN)
		return false;
	if (g->container != PH_CONTAINER_HOST || (s->sel && !s->sel->all))
		return true;
	ph_vec_each(other, &s->groups)
		if ((*other)->container != PH_CONTAINER_HOST && (*other)->container != PH_CONTAINER_UNKNOWN)
			return false;
	return true;
}

static int print_report(const struct ph_slow *s, const struct ph_report_view *view, struct ph_buf *out, struct ph_err *err)
{
	ph_autobuf note = { 0 };
	int r = 0;

	ph_vec_each(it, &s->groups) {
		if (!worth_a_verdict(s, *it))
			continue;
		ph_slow_verdict_text(s, *it, out);
		ph_buf_addc(out, '\n');
	}
	ph_buf_adds(out, out->len ? "\n" : "");
	for (int which = 0; r >= 0 && which < PH_SLOW_STACKS; which++) {
		r = print_table(s, (enum ph_slow_table)which, view, out, err);
		/* The waits for CPUs have a form that matters. */
		for (size_t i = 0; which == PH_SLOW_WAITS && i < s->groups.n; i++) {
			const struct ph_slow_group *g = s->groups.v[i];

			if (!worth_a_verdict(s, g))
				continue;
			print_hist(s, g, &g->run_queue, "Waiting in a run queue", out);
			print_hist(s, g, &g->wakeup, "From wake-up to running", out);
			print_hist(s, g, &g->reclaim, "Direct reclaim", out);
			print_hist(s, g, &g->memcg_reclaim, "Reclaim under a memory limit", out);
		}
	}
	ph_vec_each(g, &s->groups)
		if (worth_a_verdict(s, *g))
			print_stacks(s, *g, view, out);
	for (unsigned int i = 0; r >= 0 && ph_slow_note(s, i, &note); i++) {
		ph_buf_addf(out, "%snote: %s.\n", i ? "" : "\n", note.p);
		ph_buf_clear(&note);
	}
	return r;
}

int ph_slow_report(const struct ph_slow *s, const struct ph_report_view *view, struct ph_buf *out, struct ph_err *err)
{
	if (!view->alone && (view->fmt.output == PH_OUT_JSON || view->fmt.output == PH_OUT_JSONPRETTY)) {
		ph_slow_json(s, view, out);
		return 0;
	}
	if (view->alone || view->fmt.output == PH_OUT_CSV)
		return print_table(s, view->table, view, out, err);
	return print_report(s, view, out, err);
}
