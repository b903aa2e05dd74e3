/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "analyze/throttle_report.h"
#include "cmd/cmd.h"
#include "cmd/report.h"
#include "view/print.h"

#define VERB "why throttled"

struct why {
	struct ph_cmd_report r;
	const char *by;
	struct ph_throttle_view view;
	struct ph_throttle *th;
	bool events;
	struct ph_printer *printer;	/* with --events */
};

/* What divides a task's time, and what took a CPU from it. */
static const char *const needed[] = { "sched", "!sched_waking", "!sched_pi_setprio", "wait", "cgroup", "block_rq_issue", "block_rq_complete",
				      "mm_vmscan_*", NULL };

/* Events that are gathered before they are written. */
#define FLUSH_BYTES (256u << 10)

static int flush(void *arg, struct ph_err *err)
{
	struct why *w = arg;
	int r = ph_cmd_flush(&w->r.out);

	return r < 0 ? ph_err_sys(err, r, "cannot write the output") : 0;
}

/* As `porthole view` writes them. */
static int print_events(struct why *w, struct ph_err *err)
{
	static const enum ph_view_format formats[] = {
		[PH_OUT_COLUMNS] = PH_VIEW_TEXT, [PH_OUT_JSON] = PH_VIEW_JSON, [PH_OUT_JSONPRETTY] = PH_VIEW_JSONPRETTY,
		[PH_OUT_CSV] = PH_VIEW_CSV,
	};
	const struct ph_report_view *v = &w->view.base;
	const struct ph_print_opts o = {
		.format = formats[v->fmt.output], .offset_ns = v->offset_ns, .utc = v->utc, .no_header = v->fmt.no_header,
	};
	int r = ph_printer_new(&o, &w->printer, err);

	if (r == 0)
		ph_printer_header(w->printer, &w->r.out);
	return r;
}

static void schema(void *arg, struct ph_buf *out)
{
	ph_throttle_schema(out);
}

static int columns(void *arg, struct ph_err *err)
{
	return ph_throttle_check(&((struct why *)arg)->view, err);
}

static int check(void *arg, const ph_strv *args, size_t dashdash)
{
	static const char *const names[] = { "container", "pod", "cgroup", "task", NULL };
	struct why *w = arg;
	unsigned int by = PH_BY_CONTAINER;
	int r = w->by ? ph_cmd_choice(VERB, "--by", names, w->by, &by) : 0;

	w->view.by = (enum ph_throttle_by)by;
	w->r.s.tick = flush;
	w->r.s.co.block_changes = true;
	return r;
}

static int begin(void *arg, struct ph_err *err)
{
	struct why *w = arg;

	w->th = ph_throttle_new(w->r.s.run.id, ph_cmd_report_selection(&w->r));
	w->th->by_cgroup = w->view.by == PH_BY_CGROUP;
	return w->events ? print_events(w, err) : 0;
}

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct why *w = arg;

	ph_throttle_feed(w->th, ev);
	if (!w->printer || !ph_throttle_concerns(w->th, ev))
		return 0;
	ph_printer_event(w->printer, w->r.s.run.id, ev, &w->r.out);
	return w->r.out.len < FLUSH_BYTES ? 0 : flush(w, err);
}

static int finish(void *arg, uint64_t end_ns, struct ph_err *err)
{
	struct why *w = arg;

	ph_throttle_finish(w->th, end_ns);
	return w->th->containers.n || !w->th->sel ? 0 : ph_cmd_source_nothing(&w->r.s, err);
}

static int report(void *arg, struct ph_buf *out, struct ph_err *err)
{
	struct why *w = arg;
	enum ph_output output = w->view.base.fmt.output;

	if (w->events && output == PH_OUT_COLUMNS)
		ph_buf_addc(out, '\n');
	/* One table a file: of CSV it is theirs. */
	return w->events && output == PH_OUT_CSV ? 0 : ph_throttle_report(w->th, &w->view, out, err);
}

static void done(void *arg)
{
	struct why *w = arg;

	ph_throttle_free(w->th);
	ph_printer_free(w->printer);
}

static const struct ph_cmd_report_verb verb = {
	.name = VERB,
	.intro = "Says in words what kept containers from running: a CPU limit (whose, and which "
		 "would do),\nneighbours that used the CPUs, the disk, the hypervisor; and divides all their time.",
	.examples = "  porthole why throttled -c web -d 10s\n"
		    "  porthole why throttled -r trace/ -c web\n"
		    "  porthole why throttled -r trace/ --timeline --tasks\n"
		    "  porthole why throttled -r trace/ --by cgroup -o json\n",
	.need = needed, .everybody = true,
	.schema = schema, .columns = columns, .check = check, .begin = begin, .feed = feed, .finish = finish, .report = report,
	.done = done,
};

int ph_cmd_why_throttled(int argc, char **argv)
{
	struct why w = { 0 };
	const struct ph_opt opts[] = {
		{ "by", 0, PH_OPT_STR, "WHAT", &w.by, .help = "a row of the table for each container (default), pod, cgroup or task" },
		{ "tasks", 0, PH_OPT_FLAG, NULL, &w.view.tasks, .help = "also the tasks that lost most" },
		{ "timeline", 0, PH_OPT_FLAG, NULL, &w.view.timeline, .help = "also each limit, period by period" },
		{ "events", 0, PH_OPT_FLAG, NULL, &w.events, .help = "first the events that the figures come from, in order of time" },
		{ 0 },
	};

	w.r = (struct ph_cmd_report){ .verb = &verb, .arg = &w, .view = &w.view.base, .opts = opts };
	return ph_cmd_report(&w.r, argc, argv);
}
