/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "analyze/throttle_report.h"
#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "ctf/ctf.h"
#include "view/run.h"

#define VERB "why throttled"

struct why {
	const char *trace, *by;
	bool strict;
	struct ph_selection sel;
	struct ph_throttle_view view;
	struct ph_run run;
	struct ph_throttle *th;
};

static volatile bool interrupted;

static void on_signal(int sig)
{
	interrupted = true;
}

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	ph_throttle_feed(((struct why *)arg)->th, ev);
	return 0;
}

static int parse_by(struct why *w)
{
	static const char *const names[] = { "container", "pod", "cgroup" };

	for (size_t i = 0; w->by && i < PH_ARRAY_SIZE(names); i++) {
		if (!strcmp(w->by, names[i])) {
			w->view.by = (enum ph_throttle_by)i;
			return 0;
		}
	}
	return w->by ? ph_cmd_usage(VERB, "--by takes container, pod or cgroup, not '%s'", w->by) : 0;
}

static int check_usage(struct why *w, const ph_strv *args)
{
	struct ph_err err = { 0 };

	if (args->n)
		return ph_cmd_usage(VERB, "'%s' is no option (containers are selected with -c)", args->v[0]);
	if (!w->trace)
		return ph_cmd_usage(VERB, "which trace? (-r DIR)");
	if (ph_selection_check(&w->sel, &err) < 0 || ph_throttle_check(&w->view, &err) < 0)
		return ph_cmd_usage(VERB, "%s", err.msg);
	return parse_by(w);
}

/* Everything is fed: who ran while the selected ones waited is not selected itself. */
static int analyse(struct why *w, struct ph_err *err)
{
	const struct ph_source *src = w->run.src;
	int r;

	w->run.id = ph_identity_new();
	w->run.event = feed;
	w->run.arg = w;
	w->run.stop = &interrupted;
	w->view.offset_ns = src->offset_ns;
	w->th = ph_throttle_new(w->run.id, ph_selection_empty(&w->sel) ? NULL : &w->sel);
	w->th->by_cgroup = w->view.by == PH_BY_CGROUP;
	r = ph_run(&w->run, err);
	if (r < 0)
		return r;
	ph_throttle_finish(w->th, interrupted ? 0 : src->end_ns);
	return 0;
}

/* A selection that meets nothing says so, and what is there. */
static int nothing(struct why *w)
{
	ph_autobuf text = { 0 };
	struct ph_err err = { 0 };

	w->run.by_selection = 0;
	w->run.sel = &w->sel;
	ph_run_explain(&w->run, &text);
	ph_err_set(&err, -ENOENT, "%s", text.p);
	return ph_cmd_fail(VERB, &err);
}

static int why(struct why *w)
{
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };
	int r;

	r = ph_ctf_open(w->trace, &w->run.src, &err);
	if (r < 0)
		return ph_cmd_fail(VERB, &err);
	r = analyse(w, &err);
	if (r < 0)
		return ph_cmd_fail(VERB, &err);
	if (!w->th->containers.n && !ph_selection_empty(&w->sel))
		return nothing(w);
	r = ph_throttle_report(w->th, &w->view, &out, &err);
	if (r < 0)
		return ph_cmd_usage(VERB, "%s", err.msg);
	r = ph_cmd_flush(&out);
	if (r < 0 && r != -EPIPE) {
		ph_err_sys(&err, r, "cannot write the output");
		return ph_cmd_fail(VERB, &err);
	}
	return w->strict && w->th->seen.gaps ? PH_EXIT_LOST : PH_EXIT_OK;
}

static void done(struct why *w)
{
	ph_throttle_free(w->th);
	ph_selection_done(&w->sel);
	ph_identity_free(w->run.id);
	ph_source_close(w->run.src);
	ph_strv_done(&w->view.fmt.fields);
}

int ph_cmd_why_throttled(int argc, char **argv)
{
	struct why w = { 0 };
	struct ph_opt opts[] = {
		{ "read", 'r', PH_OPT_STR, "TRACE", &w.trace,
		  .help = "the trace: a directory with CTF, or one above several" },
		{ "utc", 0, PH_OPT_FLAG, NULL, &w.view.utc, .help = "times of day in UTC" },
		{ "by", 0, PH_OPT_STR, "WHAT", &w.by, .help = "a row of the table for each container (default), pod or cgroup" },
		{ "tasks", 0, PH_OPT_FLAG, NULL, &w.view.tasks, .help = "also the tasks that lost most" },
		{ "timeline", 0, PH_OPT_FLAG, NULL, &w.view.timeline, .help = "also each limit, period by period" },
		{ "strict", 0, PH_OPT_FLAG, NULL, &w.strict, .help = "exit with 3 where events were lost" },
		{ 0 },
	};
	struct ph_opt sel[PH_SELECTION_NOPTS], output[PH_TABLE_NOPTS];
	struct ph_opt_group groups[] = {
		{ "Options", opts }, { "Selection", sel }, { "Output", output }, { 0 },
	};
	struct sigaction sa = { .sa_handler = on_signal };
	ph_autobuf schema = { 0 };
	ph_strv args = { 0 };
	size_t dashdash;
	int r;

	ph_selection_opts(&w.sel, sel);
	ph_table_opts(&w.view.fmt, output);
	r = ph_cmd_options(VERB, "Says in words what kept containers from running: a CPU limit (whose, and which "
			   "would do),\nneighbours that used the CPUs, the disk, the hypervisor; and divides all their time.",
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
	r = check_usage(&w, &args);
	if (r)
		goto out;
	w.view.width = ph_cmd_width();
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	r = why(&w);
out:
	ph_vec_done(&args);
	done(&w);
	return r;
}
