/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyze/denied.h"
#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/source_opts.h"

#define VERB "why denied"

struct why {
	struct ph_cmd_source s;
	struct ph_denied_view view;
	struct ph_denied *d;
};

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	ph_denied_feed(((struct why *)arg)->d, ev);
	return 0;
}

/* Evidence is written by the recorder, for whom nobody is selected: the analysis selects by itself. */
static int analyse(struct why *w, struct ph_err *err)
{
	struct ph_run *run = &w->s.run;
	struct ph_selection *sel = run->sel;
	int r;

	run->event = feed;
	run->arg = w;
	run->follow = sel;
	run->sel = NULL;
	w->view.offset_ns = run->src->offset_ns;
	w->view.utc = w->s.utc;
	/* Of a trace, everything is selected already where nothing else is. */
	w->view.all |= w->s.co.sel.all && !w->s.live;
	w->d = ph_denied_new(run->id, sel);
	r = ph_cmd_source_run(&w->s, err);
	ph_denied_finish(w->d);
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
	if (r >= 0 && w->d->sel && ph_run_no_container(&w->s.run, w->d->sel))
		r = ph_cmd_source_nothing(&w->s, &err);
	if (r >= 0)
		r = ph_denied_report(w->d, &w->view, &out, &err);
	return ph_cmd_source_report(&w->s, &out, r, &err);
}

static const char *const needed[] = { "denied", "oom_mark_victim", NULL };

int ph_cmd_why_denied(int argc, char **argv)
{
	struct why w = { 0 };
	struct ph_opt opts[] = {
		{ "ordinary", 0, PH_OPT_FLAG, NULL, &w.view.all,
		  .help = "also failures that are part of how programs work; of a trace, --all does that too" },
		{ "facts", 0, PH_OPT_FLAG, NULL, &w.view.facts, .help = "also all that was seen on the machine about each" },
		{ 0 },
	};
	struct ph_opt output[PH_TABLE_NOPTS];
	struct ph_opt_group groups[3 + PH_CMD_SOURCE_NGROUPS] = { { "Options", opts }, { "Output", output } };
	ph_autobuf schema = { 0 };
	struct ph_err err = { 0 };
	ph_strv args = { 0 };
	size_t dashdash;
	int r;

	ph_cmd_source_init(&w.s, VERB, groups + 2);
	w.s.need = needed;
	ph_table_opts(&w.view.fmt, output);
	r = ph_cmd_options(VERB, "Says for each system call that failed why, what the evidence is and what would change it:\n"
			   "mounts, modes and ids, capabilities, seccomp, limits, namespaces.",
			   "  porthole why denied -c web -d 10s\n"
			   "  porthole why denied -- ./program\n"
			   "  porthole record -e denied -c web -w trace && porthole why denied -r trace\n",
			   groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	if (w.view.fmt.json_schema) {
		ph_denied_schema(&schema);
		r = ph_cmd_flush(&schema) < 0 ? PH_EXIT_FAILED : PH_EXIT_OK;
		goto out;
	}
	r = ph_cmd_source_check(&w.s, &args, dashdash);
	if (!r && ph_denied_check(&w.view, &err) < 0)
		r = ph_cmd_usage(VERB, "%s", err.msg);
	if (r)
		goto out;
	w.view.width = ph_cmd_width();
	w.s.co.status_line = isatty(STDERR_FILENO);
	r = why(&w);
out:
	ph_vec_done(&args);
	ph_denied_free(w.d);
	ph_cmd_source_done(&w.s);
	ph_strv_done(&w.view.fmt.fields);
	return r;
}
