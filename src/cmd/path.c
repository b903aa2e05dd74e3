/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole path: what a task really waited for between two instants, across containers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/path_compare.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/report.h"
#include "cmd/requests_opts.h"
#include "export/export.h"

#define VERB "path"
#define STEPS_MAX 1000000
#define TID_LIMIT 4194304	/* there is none beyond on Linux */

struct verb {
	struct ph_cmd_report r;
	uint64_t tid, steps, to_ns;	/* to_ns: the range's end, in the source's clock; 0: none */
	bool svg, ranged;
	const char *fast, *slow;
	double percent[PH_BANDS][2];
	struct ph_cmd_requests q;
	struct ph_report_view view;
	struct ph_path *path;
	struct ph_requests *all;
	struct ph_path_compare *compare;
};

/* Who sleeps when the range ends is woken later: so long that is waited for. */
#define AFTER_NS (10 * PH_NSEC)

static const char *const needed[] = {
	"sched", "wait", "syscall", "cgroup", "block", "mm", "irq", "net_dev_queue", "net_if_receive_skb", NULL
};

/* Requests, not one path? */
static bool many(const struct verb *w)
{
	return ph_cmd_requests_asked(&w->q);
}

/* Where nothing is said. */
static void choose_table(struct verb *w)
{
	if (many(w) && !w->view.alone)
		w->view.table = PH_PATH_DIFFERENCES;
}

static void schema(void *arg, struct ph_buf *out)
{
	struct verb *w = arg;

	choose_table(w);
	ph_path_schema(w->view.table, out);
}

static int columns(void *arg, struct ph_err *err)
{
	struct verb *w = arg;

	choose_table(w);
	return ph_path_check(&w->view, err);
}

/* "45..55" */
static int parse_band(const char *option, const char *text, double ret[2])
{
	const char *dots = text ? strstr(text, "..") : NULL;
	ph_autofree char *from = dots ? ph_strndup(text, (size_t)(dots - text)) : NULL;
	char *end[2];

	if (!text)
		return 0;
	if (dots && from[0] && dots[2]) {
		ret[0] = strtod(from, &end[0]);
		ret[1] = strtod(dots + 2, &end[1]);
		if (!*end[0] && !*end[1] && ret[0] >= 0 && ret[0] < ret[1] && ret[1] <= 100)
			return 0;
	}
	return ph_cmd_usage(VERB, "%s takes ranks in percent, as 99..100, not '%s'", option, text);
}

static int parse_requests(struct verb *w)
{
	int r;

	if (!many(w) && (w->fast || w->slow))
		return ph_cmd_usage(VERB, "--fast and --slow go with --requests, or with --from and --to");
	if (many(w) && w->tid)
		return ph_cmd_usage(VERB, "--task is one path's, it goes without requests");
	if (w->view.alone && w->view.table != PH_PATH_STEPS && many(w) != (w->view.table >= PH_PATH_BANDS))
		return ph_cmd_usage(VERB, "--table takes %s, not '%s'", many(w) ? "bands, differences or steps, of requests" :
				    "containers, shares, help or steps, of one path", ph_path_tables[w->view.table]);
	r = parse_band("--fast", w->fast, w->percent[PH_BAND_FAST]);
	return r ? r : parse_band("--slow", w->slow, w->percent[PH_BAND_SLOW]);
}

static int check(void *arg, const ph_strv *args, size_t dashdash)
{
	struct verb *w = arg;
	struct ph_selection *sel = &w->r.s.co.sel;
	bool nobody = dashdash == SIZE_MAX && ph_selection_empty(sel);
	int r = ph_cmd_requests_check(&w->q, &w->r.s, needed);

	if (!r)
		r = parse_requests(w);
	if (r)
		return r;
	if (w->tid > TID_LIMIT)
		return ph_cmd_usage(VERB, "--task takes a thread's id, 1 to %d", TID_LIMIT);
	if (!w->steps || w->steps > STEPS_MAX)
		return ph_cmd_usage(VERB, "--steps takes 1 to %d", STEPS_MAX);
	if (w->svg && (w->view.alone || w->view.fmt.output != PH_OUT_COLUMNS))
		return ph_cmd_usage(VERB, "--svg is another output, it goes without -o and --table");
	/* Of a trace there is no other way to say whose path it is; the machine is recorded whole in any case. */
	if (!w->tid && !many(w) && nobody)
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
		.many = many(w),
	};
	int r;

	run->begin_ns = 0;
	w->to_ns = run->end_ns;
	if (w->to_ns && !many(w))
		run->end_ns += AFTER_NS;
	w->ranged = ask.from_ns || ask.to_ns;
	w->q.ask.sel = ph_cmd_report_selection(&w->r);
	w->q.ask.from_ns = ask.from_ns;
	w->q.ask.to_ns = ask.to_ns;
	r = ph_path_new(&w->path, run->id, &ask, err);
	if (r >= 0 && many(w))
		r = ph_cmd_requests_filters(&w->q, run->src, err);
	return r >= 0 && many(w) ? ph_requests_new(&w->all, run->id, &w->q.ask, err) : r;
}

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct verb *w = arg;

	ph_path_feed(w->path, ev);
	if (w->all)
		ph_requests_feed(w->all, ev);
	return w->to_ns && ev->ts_ns >= w->to_ns && (w->all || w->path->settled);
}

static int finish(void *arg, uint64_t end_ns, struct ph_err *err)
{
	struct verb *w = arg;
	int r = ph_path_finish(w->path, w->to_ns ? 0 : end_ns, err);

	if (r >= 0 && w->all)
		r = ph_requests_finish(w->all, err);
	if (r >= 0 && w->all)
		return ph_path_compare_new(&w->compare, w->path, w->all, w->percent, err);
	if (r < 0 || w->path->found)
		return r;
	if (w->tid)
		return ph_err_set(err, -ENOENT, "there is no task %d in %s", (int)w->tid, w->ranged ? "that time" :
				  w->r.s.trace ? "this trace" : "what was recorded");
	if (w->path->tid && w->ranged)
		return ph_err_set(err, -ENOENT, "of what is selected nothing was there in that time");
	return ph_cmd_source_nothing(&w->r.s, err);
}

static int report(void *arg, struct ph_buf *out, struct ph_err *err)
{
	struct verb *w = arg;

	if (w->compare && !w->svg)
		return ph_path_compare_report(w->compare, &w->view, out, err);
	if (!w->svg)
		return ph_path_report(w->path, &w->view, out, err);
	if (w->compare)
		ph_export_compare_svg(w->compare, out);
	else
		ph_export_path_svg(w->path, out);
	return 0;
}

static void done(void *arg)
{
	struct verb *w = arg;

	ph_path_compare_free(w->compare);
	ph_requests_free(w->all);
	ph_path_free(w->path);
	ph_cmd_requests_done(&w->q);
}

static const struct ph_cmd_report_verb verb = {
	.name = VERB,
	.intro = "Shows what a task really waited for: the chain of running and waiting, through wake-ups, forks, sockets,\n"
		 "pipes, locks and kernel threads, across containers, that made it take as long as it did.",
	.examples = "  porthole path -r trace/ -c web\n"
		    "  porthole path -r trace/ --task 4711 --range +1s..+1.5s\n"
		    "  porthole path -r trace/ -c web --requests answers\n"
		    "  porthole path -c web -d 10s\n"
		    "  porthole path -- make\n",
	.need = needed, .everybody = true,
	.table_option = "--table", .tables = ph_path_tables, .table = PH_PATH_SHARES,
	.schema = schema, .columns = columns, .check = check, .begin = begin, .feed = feed, .finish = finish, .report = report,
	.done = done,
};

int ph_cmd_path(int argc, char **argv)
{
	struct verb w = { .steps = 20, .percent = { { 45, 55 }, { 99, 100 } } };
	const struct ph_opt opts[] = {
		{ "task", 0, PH_OPT_U64, "TID", &w.tid,
		  .help = "the path of the thread with this id on the host (default: of the container's first process, else of the oldest selected, from its first thread to its end)" },
		{ "requests", 0, PH_OPT_STR, "REQUESTS", &w.q.requests, .help = "of a server's requests, the slow ones compared with the fast ones: "
		  "connections (accept to close), answers (read to write)" },
		PH_CMD_REQUESTS_ROWS(&w.q),
		{ "fast", 0, PH_OPT_STR, "RANKS", &w.fast, .help = "which of them are the fast ones, by duration in percent (default 45..55)" },
		{ "slow", 0, PH_OPT_STR, "RANKS", &w.slow, .help = "which are the slow ones (default 99..100)" },
		{ "svg", 0, PH_OPT_FLAG, NULL, &w.svg, .help = "a picture of the path, a lane a task, in the place of the report: --svg >path.svg" },
		{ "steps", 0, PH_OPT_U64, "N", &w.steps, .help = "show the N longest steps (default 20)" },
		{ "table", 0, PH_OPT_STR, "TABLE", &w.r.table, .help = "one table alone: containers, shares (default of CSV), help, steps; of requests bands, differences (default of CSV), steps" },
		{ 0 },
	};

	w.r = (struct ph_cmd_report){ .verb = &verb, .arg = &w, .view = &w.view, .opts = opts };
	return ph_cmd_report(&w.r, argc, argv);
}
