/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "analyze/denied.h"
#include "cmd/cmd.h"
#include "cmd/report.h"

struct why {
	struct ph_cmd_report r;
	struct ph_denied_view view;
	struct ph_denied *d;
};

static const char *const needed[] = { "denied", "oom_mark_victim", NULL };

static void schema(void *arg, struct ph_buf *out)
{
	ph_denied_schema(out);
}

static int columns(void *arg, struct ph_err *err)
{
	return ph_denied_check(&((struct why *)arg)->view, err);
}

/* Evidence is written by the recorder, for whom nobody is selected; of the running kernel, that has selected. */
static int begin(void *arg, struct ph_err *err)
{
	struct why *w = arg;
	struct ph_selection *sel = w->r.s.live ? NULL : ph_cmd_report_selection(&w->r);

	w->r.s.run.follow = sel;
	/* Of a trace, everything is selected already where nothing else is. */
	w->view.all |= w->r.s.co.sel.all && !w->r.s.live;
	w->d = ph_denied_new(w->r.s.run.id, sel);
	return 0;
}

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	ph_denied_feed(((struct why *)arg)->d, ev);
	return 0;
}

static int finish(void *arg, uint64_t end_ns, struct ph_err *err)
{
	struct why *w = arg;

	ph_denied_finish(w->d);
	return w->d->sel && ph_run_no_container(&w->r.s.run, w->d->sel) ? ph_cmd_source_nothing(&w->r.s, err) : 0;
}

static int report(void *arg, struct ph_buf *out, struct ph_err *err)
{
	struct why *w = arg;

	return ph_denied_report(w->d, &w->view, out, err);
}

static void done(void *arg)
{
	ph_denied_free(((struct why *)arg)->d);
}

static const struct ph_cmd_report_verb verb = {
	.name = "why denied",
	.intro = "Says for each system call that failed why, what the evidence is and what would change it:\n"
		 "mounts, modes and ids, capabilities, seccomp, limits, namespaces.",
	.examples = "  porthole why denied -c web -d 10s\n"
		    "  porthole why denied -- ./program\n"
		    "  porthole record -e denied -c web -w trace && porthole why denied -r trace\n",
	.need = needed,
	.schema = schema, .columns = columns, .begin = begin, .feed = feed, .finish = finish, .report = report, .done = done,
};

int ph_cmd_why_denied(int argc, char **argv)
{
	struct why w = { 0 };
	const struct ph_opt opts[] = {
		{ "ordinary", 0, PH_OPT_FLAG, NULL, &w.view.all,
		  .help = "also failures that are part of how programs work; of a trace, --all does that too" },
		{ "facts", 0, PH_OPT_FLAG, NULL, &w.view.facts, .help = "also all that was seen on the machine about each" },
		{ 0 },
	};

	w.r = (struct ph_cmd_report){ .verb = &verb, .arg = &w, .view = &w.view.base, .opts = opts };
	return ph_cmd_report(&w.r, argc, argv);
}
