/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole path: what a task really waited for between two instants, across containers. */
#include <errno.h>
#include <stdio.h>

#include "analyze/path_report.h"
#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/report.h"
#include "export/export.h"

#define VERB "path"
#define STEPS_MAX 1000000
#define TID_LIMIT 4194304	/* there is none beyond on Linux */

struct verb {
	struct ph_cmd_report r;
	uint64_t tid, steps, to_ns;	/* to_ns: the range's end, in the source's clock; 0: none */
	bool svg, ranged;
	struct ph_report_view view;
	struct ph_path *path;
};

/* Who sleeps when the range ends is woken later: so long that is waited for. */
#define AFTER_NS (10 * PH_NSEC)

static const char *const needed[] = {
	"sched", "wait", "syscall", "cgroup", "block", "mm", "irq", "net_dev_queue", "net_if_receive_skb", NULL
};

static void schema(void *arg, struct ph_buf *out)
{
	ph_path_schema(((struct verb *)arg)->view.table, out);
}

static int columns(void *arg, struct ph_err *err)
{
	return ph_path_check(&((struct verb *)arg)->view, err);
}

static int check(void *arg, const ph_strv *args, size_t dashdash)
{
	struct verb *w = arg;
	struct ph_selection *sel = &w->r.s.co.sel;
	bool nobody = dashdash == SIZE_MAX && ph_selection_empty(sel);

	if (w->tid > TID_LIMIT)
		return ph_cmd_usage(VERB, "--task takes a thread's id, 1 to %d", TID_LIMIT);
	if (!w->steps || w->steps > STEPS_MAX)
		return ph_cmd_usage(VERB, "--steps takes 1 to %d", STEPS_MAX);
	if (w->svg && (w->view.alone || w->view.fmt.output != PH_OUT_COLUMNS))
		return ph_cmd_usage(VERB, "--svg is another output, it goes without -o and --table");
	/* Of a trace there is no other way to say whose path it is; the machine is recorded whole in any case. */
	if (!w->tid && nobody)
		return ph_cmd_usage(VERB, "whose? --task TID, -p PID, -c NAME or another selection%s",
				    w->r.s.trace ? "" : ", or -- COMMAND");
	if (nobody && !w->r.s.trace)
		sel->all = true;
	return 0;
}

/* What is before the range is fed as well: who sleeps when it begins has gone to sleep earlier. */
static int begin(void *arg, struct ph_err *err)
{
	struct verb *w = arg;
	struct ph_run *run = &w->r.s.run;
	struct ph_path_ask ask = {
		.tid = (int32_t)w->tid, .sel = &w->r.s.co.sel, .from_ns = run->begin_ns, .to_ns = run->end_ns, .nlongest = w->steps,
	};

	run->begin_ns = 0;
	w->to_ns = run->end_ns;
	if (w->to_ns)
		run->end_ns += AFTER_NS;
	w->ranged = ask.from_ns || ask.to_ns;
	return ph_path_new(&w->path, run->id, &ask, err);
}

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct verb *w = arg;

	ph_path_feed(w->path, ev);
	return w->to_ns && ev->ts_ns >= w->to_ns && w->path->settled;
}

static int finish(void *arg, uint64_t end_ns, struct ph_err *err)
{
	struct verb *w = arg;
	int r = ph_path_finish(w->path, w->to_ns ? 0 : end_ns, err);

	if (r < 0 || w->path->found)
		return r;
	if (w->tid)
		return ph_err_set(err, -ENOENT, "there is no task %d in %s", (int)w->tid, w->ranged ? "that time" :
				  w->r.s.trace ? "this trace" : "what was recorded");
	return ph_cmd_source_nothing(&w->r.s, err);
}

static int report(void *arg, struct ph_buf *out, struct ph_err *err)
{
	struct verb *w = arg;

	if (!w->svg)
		return ph_path_report(w->path, &w->view, out, err);
	ph_export_path_svg(w->path, out);
	return 0;
}

static void done(void *arg)
{
	ph_path_free(((struct verb *)arg)->path);
}

static const struct ph_cmd_report_verb verb = {
	.name = VERB,
	.intro = "Shows what a task really waited for: the chain of running and waiting, through wake-ups, forks, sockets,\n"
		 "pipes, locks and kernel threads, across containers, that made it take as long as it did.",
	.examples = "  porthole path -r trace/ -c web\n"
		    "  porthole path -r trace/ --task 4711 --range +1s..+1.5s\n"
		    "  porthole path -c web -d 10s\n"
		    "  porthole path -- make\n",
	.need = needed, .everybody = true,
	.table_option = "--table", .tables = ph_path_tables, .table = PH_PATH_SHARES,
	.schema = schema, .columns = columns, .check = check, .begin = begin, .feed = feed, .finish = finish, .report = report,
	.done = done,
};

int ph_cmd_path(int argc, char **argv)
{
	struct verb w = { .steps = 20 };
	const struct ph_opt opts[] = {
		{ "task", 0, PH_OPT_U64, "TID", &w.tid,
		  .help = "of the thread with this id on the host; else of the main thread of the oldest process selected" },
		{ "svg", 0, PH_OPT_FLAG, NULL, &w.svg, .help = "a picture of the path, a lane a task, in the place of the report: --svg >path.svg" },
		{ "steps", 0, PH_OPT_U64, "N", &w.steps, .help = "show the N longest steps (20)" },
		{ "table", 0, PH_OPT_STR, "TABLE", &w.r.table, .help = "one table alone: containers, shares (of CSV), help, steps" },
		{ 0 },
	};

	w.r = (struct ph_cmd_report){ .verb = &verb, .arg = &w, .view = &w.view, .opts = opts };
	return ph_cmd_report(&w.r, argc, argv);
}
