/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyze/slow_report.h"
#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/source_opts.h"

#define VERB "why slow"
#define TOP_MAX 10000

struct why {
	struct ph_cmd_source s;
	const char *table;
	ph_strv calls;
	uint64_t top;
	bool stacks;
	struct ph_slow_view view;
	struct ph_slow *slow;
};

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	ph_slow_feed(((struct why *)arg)->slow, ev);
	return 0;
}

static int parse_table(struct why *w)
{
	/* What CSV is of, where nothing is said. */
	w->view.table = PH_SLOW_CALLS;
	for (size_t i = 0; w->table && ph_slow_tables[i]; i++) {
		if (strcmp(w->table, ph_slow_tables[i]) != 0)
			continue;
		w->view.table = (enum ph_slow_table)i;
		w->view.alone = true;
		w->stacks |= i == PH_SLOW_STACKS;
		return 0;
	}
	if (!w->table)
		return 0;
	return ph_cmd_usage(VERB, "--table takes containers, waits, calls, slowest, disks, queue, tcp or stacks, not '%s'", w->table);
}

static int check_usage(struct why *w, ph_strv *args, size_t dashdash)
{
	struct ph_err err = { 0 };
	int r = ph_cmd_source_check(&w->s, args, dashdash);

	if (!r && (!w->top || w->top > TOP_MAX))
		r = ph_cmd_usage(VERB, "--top takes 1 to %d", TOP_MAX);
	if (!r && ph_slow_check(&w->view, &err) < 0)
		r = ph_cmd_usage(VERB, "%s", err.msg);
	return r;
}

/* Everything is fed: who used CPUs and disks meanwhile is not selected itself. */
static int analyse(struct why *w, struct ph_err *err)
{
	struct ph_run *run = &w->s.run;
	int r;

	run->event = feed;
	run->arg = w;
	run->follow = &w->s.co.sel;
	run->sel = NULL;
	w->view.offset_ns = run->src->offset_ns;
	w->view.utc = w->s.utc;
	w->slow = ph_slow_new(run->id, ph_selection_empty(&w->s.co.sel) ? NULL : &w->s.co.sel);
	w->slow->top = (unsigned int)w->top;
	w->slow->stacks = w->stacks;
	r = w->calls.n ? ph_slow_choose_calls(w->slow, &w->calls, err) : 0;
	if (r >= 0)
		r = ph_cmd_source_run(&w->s, err);
	if (r >= 0)
		ph_slow_finish(w->slow, ph_cmd_interrupted && !w->s.live ? 0 : run->src->end_ns);
	return r;
}

static int why(struct why *w)
{
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };
	int r;

	r = ph_cmd_source_open(&w->s);
	if (r)
		return r;
	r = analyse(w, &err);
	if (r >= 0 && !w->slow->groups.n && w->slow->sel)
		r = ph_cmd_source_nothing(&w->s, &err);
	if (r >= 0)
		r = ph_slow_report(w->slow, &w->view, &out, &err);
	return ph_cmd_source_report(&w->s, &out, r, &err);
}

static void done(struct why *w)
{
	ph_slow_free(w->slow);
	ph_cmd_source_done(&w->s);
	ph_strv_done(&w->view.fmt.fields);
	ph_strv_done(&w->calls);
}

/* The first only where it is asked for. */
static const char *const needed[] = {
	"stack", "sched", "wait", "syscall", "cgroup", "block", "mm", "inet_sock_set_state", "tcp_retransmit_skb",
	"tcp_listen_overflow", NULL
};

int ph_cmd_why_slow(int argc, char **argv)
{
	struct why w = { .top = 10 };
	struct ph_opt opts[] = {
		{ "syscall", 0, PH_OPT_LIST, "CALLS", &w.calls, .help = "only these system calls, and waits in them; patterns too" },
		{ "stacks", 0, PH_OPT_FLAG, NULL, &w.stacks, .help = "where in the kernel tasks waited, by call stacks" },
		{ "top", 0, PH_OPT_U64, "N", &w.top, .help = "keep the N slowest system calls (10)" },
		{ "table", 0, PH_OPT_STR, "TABLE", &w.table,
		  .help = "one table alone: containers, waits, calls (of CSV), slowest, disks, queue, tcp, stacks" },
		{ 0 },
	};
	struct ph_opt output[PH_TABLE_NOPTS];
	struct ph_opt_group groups[3 + PH_CMD_SOURCE_NGROUPS] = {
		{ "Options", opts }, { "Output", output },
	};
	ph_autobuf schema = { 0 };
	ph_strv args = { 0 };
	size_t dashdash;
	int r;

	ph_cmd_source_init(&w.s, VERB, groups + 2);
	w.s.co.everybody = true;
	ph_table_opts(&w.view.fmt, output);
	r = ph_cmd_options(VERB, "Says in words what containers wait for: CPUs, disks, memory, locks, peers; with run-queue and\n"
			   "wake-up latency, the slowest system calls and what they waited for, block requests, TCP.",
			   "  porthole why slow -c web -d 10s\n"
			   "  porthole why slow -r trace/ -c web\n"
			   "  porthole why slow -r trace/ --syscall fsync,fdatasync --top 20\n"
			   "  porthole why slow -r trace/ --table disks -o csv\n", groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	r = parse_table(&w);
	if (r)
		goto out;
	w.s.need = w.stacks ? needed : needed + 1;
	if (w.view.fmt.json_schema) {
		ph_slow_schema(w.view.table, &schema);
		r = ph_cmd_flush(&schema) < 0 ? PH_EXIT_FAILED : PH_EXIT_OK;
		goto out;
	}
	r = check_usage(&w, &args, dashdash);
	if (r)
		goto out;
	w.view.width = ph_cmd_width();
	w.s.co.status_line = isatty(STDERR_FILENO);
	r = why(&w);
out:
	ph_vec_done(&args);
	done(&w);
	return r;
}
