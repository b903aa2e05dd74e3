/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "analyze/slow_report.h"
#include "cmd/cmd.h"
#include "cmd/report.h"

#define VERB "why slow"
#define TOP_MAX 10000

struct why {
	struct ph_cmd_report r;
	struct ph_report_view view;
	ph_strv calls;
	uint64_t top;
	bool stacks;
	struct ph_slow *slow;
};

/* The first only where it is asked for. */
static const char *const needed[] = {
	"stack", "sched", "wait", "syscall", "cgroup", "block", "mm", "inet_sock_set_state", "tcp_retransmit_skb",
	"tcp_listen_overflow", NULL
};

/* What CSV has, and the schema tells of: of what was asked for. */
static const struct ph_report_view *view(struct why *w)
{
	if (w->stacks && !w->view.alone)
		w->view.table = PH_SLOW_STACKS;
	return &w->view;
}

static void schema(void *arg, struct ph_buf *out)
{
	ph_slow_schema(view(arg)->table, out);
}

static int columns(void *arg, struct ph_err *err)
{
	return ph_slow_check(view(arg), err);
}

static int check(void *arg, const ph_strv *args, size_t dashdash)
{
	struct why *w = arg;

	w->stacks |= w->view.alone && w->view.table == PH_SLOW_STACKS;
	w->r.s.need = w->stacks ? needed : needed + 1;
	return w->top && w->top <= TOP_MAX ? 0 : ph_cmd_usage(VERB, "--top takes 1 to %d", TOP_MAX);
}

static int begin(void *arg, struct ph_err *err)
{
	struct why *w = arg;

	w->slow = ph_slow_new(w->r.s.run.id, ph_cmd_report_selection(&w->r));
	w->slow->top = (unsigned int)w->top;
	w->slow->stacks = w->stacks;
	return w->calls.n ? ph_slow_choose_calls(w->slow, &w->calls, err) : 0;
}

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	ph_slow_feed(((struct why *)arg)->slow, ev);
	return 0;
}

static int finish(void *arg, uint64_t end_ns, struct ph_err *err)
{
	struct why *w = arg;

	ph_slow_finish(w->slow, end_ns);
	return w->slow->groups.n || !w->slow->sel ? 0 : ph_cmd_source_nothing(&w->r.s, err);
}

static int report(void *arg, struct ph_buf *out, struct ph_err *err)
{
	struct why *w = arg;

	return ph_slow_report(w->slow, &w->view, out, err);
}

static void done(void *arg)
{
	struct why *w = arg;

	ph_slow_free(w->slow);
	ph_strv_done(&w->calls);
}

static const struct ph_cmd_report_verb verb = {
	.name = VERB,
	.intro = "Says in words what containers wait for: CPUs, disks, memory, locks, peers; with run-queue and\n"
		 "wake-up latency, the slowest system calls and what they waited for, block requests, TCP.",
	.examples = "  porthole why slow -c web -d 10s\n"
		    "  porthole why slow -r trace/ -c web\n"
		    "  porthole why slow -r trace/ --syscall fsync,fdatasync --top 20\n"
		    "  porthole why slow -r trace/ --table disks -o csv\n",
	.everybody = true,
	.table_option = "--table", .tables = ph_slow_tables, .table = PH_SLOW_CALLS,
	.schema = schema, .columns = columns, .check = check, .begin = begin, .feed = feed, .finish = finish, .report = report,
	.done = done,
};

int ph_cmd_why_slow(int argc, char **argv)
{
	struct why w = { .top = 10 };
	const struct ph_opt opts[] = {
		{ "syscall", 0, PH_OPT_LIST, "CALLS", &w.calls, .help = "only these system calls, and waits in them; patterns too" },
		{ "stacks", 0, PH_OPT_FLAG, NULL, &w.stacks, .help = "where in the kernel tasks waited, by call stacks" },
		{ "top", 0, PH_OPT_U64, "N", &w.top, .help = "keep the N slowest system calls (10)" },
		{ "table", 0, PH_OPT_STR, "TABLE", &w.r.table,
		  .help = "one table alone: containers, waits, calls (of CSV), slowest, disks, queue, tcp, stacks (of CSV with --stacks)" },
		{ 0 },
	};

	w.r = (struct ph_cmd_report){ .verb = &verb, .arg = &w, .view = &w.view, .opts = opts };
	return ph_cmd_report(&w.r, argc, argv);
}
