/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyze/throttle_report.h"
#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/source_opts.h"
#include "view/print.h"

#define VERB "why throttled"

struct why {
	struct ph_cmd_source s;
	const char *by;
	struct ph_throttle_view view;
	struct ph_throttle *th;
	bool events;
	struct ph_printer *printer;	/* with --events */
	struct ph_buf out;
};

/* Events that are gathered before they are written. */
#define FLUSH_BYTES (256u << 10)

static int flush(void *arg, struct ph_err *err)
{
	struct why *w = arg;
	int r = ph_cmd_flush(&w->out);

	return r < 0 ? ph_err_sys(err, r, "cannot write the output") : 0;
}

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct why *w = arg;

	ph_throttle_feed(w->th, ev);
	if (!w->printer || !ph_throttle_concerns(w->th, ev))
		return 0;
	ph_printer_event(w->printer, w->s.run.id, ev, &w->out);
	return w->out.len < FLUSH_BYTES ? 0 : flush(w, err);
}

static int parse_by(struct why *w)
{
	static const char *const names[] = { "container", "pod", "cgroup", "task" };

	for (size_t i = 0; w->by && i < PH_ARRAY_SIZE(names); i++) {
		if (!strcmp(w->by, names[i])) {
			w->view.by = (enum ph_throttle_by)i;
			return 0;
		}
	}
	return w->by ? ph_cmd_usage(VERB, "--by takes container, pod, cgroup or task, not '%s'", w->by) : 0;
}

static int check_usage(struct why *w, ph_strv *args, size_t dashdash)
{
	struct ph_err err = { 0 };
	int r = ph_cmd_source_check(&w->s, args, dashdash);

	if (r)
		return r;
	if (ph_throttle_check(&w->view, &err) < 0)
		return ph_cmd_usage(VERB, "%s", err.msg);
	return parse_by(w);
}

/* As `porthole view` writes them. */
static int print_events(struct why *w, struct ph_err *err)
{
	static const enum ph_view_format formats[] = {
		[PH_OUT_COLUMNS] = PH_VIEW_TEXT, [PH_OUT_JSON] = PH_VIEW_JSON, [PH_OUT_JSONPRETTY] = PH_VIEW_JSONPRETTY,
		[PH_OUT_CSV] = PH_VIEW_CSV,
	};
	const struct ph_print_opts o = {
		.format = formats[w->view.fmt.output], .offset_ns = w->s.run.src->offset_ns, .utc = w->s.utc,
		.no_header = w->view.fmt.no_header,
	};
	int r = ph_printer_new(&o, &w->printer, err);

	if (r == 0)
		ph_printer_header(w->printer, &w->out);
	return r;
}

/* Everything is fed: who ran while the selected ones waited is not selected itself. */
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
	w->th = ph_throttle_new(run->id, ph_selection_empty(&w->s.co.sel) ? NULL : &w->s.co.sel);
	w->th->by_cgroup = w->view.by == PH_BY_CGROUP;
	r = w->events ? print_events(w, err) : 0;
	if (r >= 0)
		r = ph_cmd_source_run(&w->s, err);
	if (r >= 0)
		ph_throttle_finish(w->th, ph_cmd_interrupted && !w->s.live ? 0 : run->src->end_ns);
	return r;
}

static int why(struct why *w)
{
	struct ph_err err = { 0 };
	int r;

	r = ph_cmd_source_open(&w->s);
	if (r)
		return r;
	r = analyse(w, &err);
	if (r >= 0 && !w->th->containers.n && w->th->sel)
		r = ph_cmd_source_nothing(&w->s, &err);
	if (r >= 0 && w->events && w->view.fmt.output == PH_OUT_COLUMNS)
		ph_buf_addc(&w->out, '\n');
	/* One table a file: of CSV it is theirs. */
	if (r >= 0 && (!w->events || w->view.fmt.output != PH_OUT_CSV))
		r = ph_throttle_report(w->th, &w->view, &w->out, &err);
	return ph_cmd_source_report(&w->s, &w->out, r, &err);
}

static void done(struct why *w)
{
	ph_throttle_free(w->th);
	ph_printer_free(w->printer);
	ph_buf_done(&w->out);
	ph_cmd_source_done(&w->s);
	ph_strv_done(&w->view.fmt.fields);
}

/* What divides a task's time, and what took a CPU from it. */
static const char *const needed[] = { "sched", "!sched_waking", "!sched_pi_setprio", "wait", "cgroup", "block_rq_issue", "block_rq_complete",
				      "mm_vmscan_*", NULL };

int ph_cmd_why_throttled(int argc, char **argv)
{
	struct why w = { 0 };
	struct ph_opt opts[] = {
		{ "by", 0, PH_OPT_STR, "WHAT", &w.by, .help = "a row of the table for each container (default), pod, cgroup or task" },
		{ "tasks", 0, PH_OPT_FLAG, NULL, &w.view.tasks, .help = "also the tasks that lost most" },
		{ "timeline", 0, PH_OPT_FLAG, NULL, &w.view.timeline, .help = "also each limit, period by period" },
		{ "events", 0, PH_OPT_FLAG, NULL, &w.events, .help = "first the events that the figures come from, in order of time" },
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
	w.s.need = needed;
	w.s.tick = flush;
	w.s.co.everybody = w.s.co.block_changes = true;
	ph_table_opts(&w.view.fmt, output);
	r = ph_cmd_options(VERB, "Says in words what kept containers from running: a CPU limit (whose, and which "
			   "would do),\nneighbours that used the CPUs, the disk, the hypervisor; and divides all their time.",
			   "  porthole why throttled -c web -d 10s\n"
			   "  porthole why throttled -r trace/ -c web\n"
			   "  porthole why throttled -r trace/ --timeline --tasks\n"
			   "  porthole why throttled -r trace/ --by cgroup -o json\n", groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	if (w.view.fmt.json_schema) {
		ph_throttle_schema(&schema);
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
