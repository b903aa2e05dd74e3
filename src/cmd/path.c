/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole path: what a task really waited for between two instants, across containers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyze/path_report.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/source_opts.h"
#include "export/export.h"

#define VERB "path"
#define STEPS_MAX 1000000
#define TID_LIMIT 4194304	/* there is none beyond on Linux */

struct verb {
	struct ph_cmd_source s;
	const char *table;
	uint64_t tid, steps, to_ns;	/* to_ns: the range's end, in the source's clock; 0: none */
	bool svg, ranged;
	struct ph_path_view view;
	struct ph_path *path;
};

/* Who sleeps when the range ends is woken later: so long that is waited for. */
#define AFTER_NS (10 * PH_NSEC)

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct verb *w = arg;

	ph_path_feed(w->path, ev);
	return w->to_ns && ev->ts_ns >= w->to_ns && w->path->settled;
}

static int parse_table(struct verb *w)
{
	/* What CSV is of, where nothing is said. */
	w->view.table = PH_PATH_SHARES;
	for (size_t i = 0; w->table && ph_path_tables[i]; i++) {
		if (strcmp(w->table, ph_path_tables[i]) != 0)
			continue;
		w->view.table = (enum ph_path_table)i;
		w->view.alone = true;
		return 0;
	}
	return w->table ? ph_cmd_usage(VERB, "--table takes containers, shares, help or steps, not '%s'", w->table) : 0;
}

static int check_usage(struct verb *w, ph_strv *args, size_t dashdash)
{
	struct ph_err err = { 0 };
	int r;

	if (w->tid > TID_LIMIT)
		return ph_cmd_usage(VERB, "--task takes a thread's id, 1 to %d", TID_LIMIT);
	if (!w->steps || w->steps > STEPS_MAX)
		return ph_cmd_usage(VERB, "--steps takes 1 to %d", STEPS_MAX);
	if (w->svg && (w->view.alone || w->view.fmt.output != PH_OUT_COLUMNS))
		return ph_cmd_usage(VERB, "--svg is another output, it goes without -o and --table");
	if (ph_path_check(&w->view, &err) < 0)
		return ph_cmd_usage(VERB, "%s", err.msg);
	/* Of a trace there is no other way to say whose path it is; the machine is recorded whole in any case. */
	if (!w->tid && dashdash == SIZE_MAX && ph_selection_empty(&w->s.co.sel))
		return ph_cmd_usage(VERB, "whose? --task TID, -p PID, -c NAME or another selection%s",
				    w->s.trace ? "" : ", or -- COMMAND");
	if (w->tid && !w->s.trace && dashdash == SIZE_MAX && ph_selection_empty(&w->s.co.sel))
		w->s.co.sel.all = true;
	r = ph_cmd_source_check(&w->s, args, dashdash);
	return r;
}

/* What is before the range is fed as well: who sleeps when it begins has gone to sleep earlier. */
static int prepare(struct verb *w, struct ph_err *err)
{
	struct ph_selection *sel = &w->s.co.sel;
	struct ph_run *run = &w->s.run;
	struct ph_path_ask ask = {
		.tid = (int32_t)w->tid, .sel = sel, .from_ns = run->begin_ns, .to_ns = run->end_ns, .nlongest = w->steps,
	};

	/* The kernel knows the command's process; so must who asks again. */
	if (w->s.live && w->s.co.child.pid > 0)
		*ph_vec_push(&sel->pids) = w->s.co.child.pid;
	run->event = feed;
	run->arg = w;
	run->follow = sel;
	run->sel = NULL;
	run->begin_ns = 0;
	w->to_ns = run->end_ns;
	if (w->to_ns)
		run->end_ns += AFTER_NS;
	w->ranged = ask.from_ns || ask.to_ns;
	w->view.offset_ns = run->src->offset_ns;
	w->view.utc = w->s.utc;
	return ph_path_new(&w->path, run->id, &ask, err);
}

static int analyse(struct verb *w, struct ph_err *err)
{
	int r = ph_cmd_source_run(&w->s, err);

	if (r >= 0)
		r = ph_path_finish(w->path, (ph_cmd_interrupted && !w->s.live) || w->to_ns ? 0 : w->s.run.src->end_ns, err);
	if (r < 0 || w->path->found)
		return r;
	if (w->tid)
		return ph_err_set(err, -ENOENT, "there is no task %d in %s", (int)w->tid, w->ranged ? "that time" :
				  w->s.trace ? "this trace" : "what was recorded");
	return ph_cmd_source_nothing(&w->s, err);
}

static int path(struct verb *w)
{
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };
	int r = ph_cmd_source_open(&w->s);

	if (r)
		return r;
	if (prepare(w, &err) < 0)
		return ph_cmd_fail(VERB, &err);
	r = analyse(w, &err);
	if (r >= 0 && w->svg)
		ph_export_path_svg(w->path, &out);
	else if (r >= 0)
		r = ph_path_report(w->path, &w->view, &out, &err);
	return ph_cmd_source_report(&w->s, &out, r, &err);
}

static void done(struct verb *w)
{
	ph_path_free(w->path);
	ph_cmd_source_done(&w->s);
	ph_strv_done(&w->view.fmt.fields);
}

static const char *const needed[] = {
	"sched", "wait", "syscall", "cgroup", "block", "mm", "irq", "net_dev_queue", "net_if_receive_skb", NULL
};

int ph_cmd_path(int argc, char **argv)
{
	struct verb w = { .steps = 20 };
	struct ph_opt opts[] = {
		{ "task", 0, PH_OPT_U64, "TID", &w.tid,
		  .help = "of the thread with this id on the host; else of the main thread of the oldest process selected" },
		{ "svg", 0, PH_OPT_FLAG, NULL, &w.svg, .help = "a picture of the path, a lane a task, in the place of the report: --svg >path.svg" },
		{ "steps", 0, PH_OPT_U64, "N", &w.steps, .help = "show the N longest steps (20)" },
		{ "table", 0, PH_OPT_STR, "TABLE", &w.table, .help = "one table alone: containers, shares (of CSV), help, steps" },
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
	r = ph_cmd_options(VERB, "Shows what a task really waited for: the chain of running and waiting, through wake-ups, forks, sockets,\n"
			   "pipes, locks and kernel threads, across containers, that made it take as long as it did.",
			   "  porthole path -r trace/ -c web\n"
			   "  porthole path -r trace/ --task 4711 --range +1s..+1.5s\n"
			   "  porthole path -c web -d 10s\n"
			   "  porthole path -- make\n", groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	r = parse_table(&w);
	if (r)
		goto out;
	if (w.view.fmt.json_schema) {
		ph_path_schema(w.view.table, &schema);
		r = ph_cmd_flush(&schema) < 0 ? PH_EXIT_FAILED : PH_EXIT_OK;
		goto out;
	}
	w.s.need = needed;
	r = check_usage(&w, &args, dashdash);
	if (r)
		goto out;
	w.view.width = ph_cmd_width();
	w.s.co.status_line = isatty(STDERR_FILENO);
	r = path(&w);
out:
	ph_vec_done(&args);
	done(&w);
	return r;
}
