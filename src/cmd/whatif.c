/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole what-if: what would have happened to a container under other limits. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/whatif_report.h"
#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/report.h"
#include "cmd/requests_opts.h"
#include "export/export.h"

#define VERB "what-if"

struct verb {
	struct ph_cmd_report r;
	struct ph_report_view view;
	ph_strv cpus, without;
	const char *cpuset, *disk, *goal;
	uint64_t weight, burst_ns, period_ns;
	double memory;
	bool svg;
	struct ph_cmd_requests q;
	struct ph_selection absent;
	struct ph_whatif_change change;	/* without --cpus */
	struct ph_requests *requests;
	struct ph_whatif *w;
	struct ph_whatif_report report;
};

static const char *const needed[] = {
	"sched", "wait", "syscall", "cgroup", "block", "mm", "irq", "net_dev_queue", "net_if_receive_skb", NULL
};

/* ---- options --------------------------------------------------------------------------------------- */

static void add_question(struct verb *v, double cpus)
{
	struct ph_whatif_answer *a = ph_vec_push(&v->report.answers);

	a->change = v->change;
	a->change.cpus = cpus;
}

static int parse_cpus(struct verb *v)
{
	ph_vec_each(at, &v->cpus) {
		char *end;
		double cpus = strcmp(*at, "none") == 0 ? INFINITY : strtod(*at, &end);

		if (!isinf(cpus) && (end == *at || *end || !(cpus >= PH_WHATIF_CPUS_LEAST) || cpus > PH_SIM_CPUS))
			return ph_cmd_usage(VERB, "--cpus takes numbers from 0.01 on, as 0.5,1,2, or none, not '%s'", *at);
		add_question(v, cpus);
	}
	return 0;
}

/* "2x": twice as fast, so waits are half as long. */
static int parse_disk(struct verb *v)
{
	char *end;
	double times;

	if (!v->disk)
		return 0;
	times = strtod(v->disk, &end);
	if (end == v->disk || (strcmp(end, "x") != 0 && *end) || !(times > 0) || isinf(times))
		return ph_cmd_usage(VERB, "--disk-speed takes how many times as fast, as 2x, not '%s'", v->disk);
	v->change.disk = 1 / times - 1;
	return 0;
}

static int parse_memory(void *dst, const char *value, struct ph_err *err)
{
	char *end;
	double d = strtod(value, &end);

	if (end == value || *end || !(d >= 0) || isinf(d))
		return ph_err_set(err, -EINVAL, "takes how many times as long, as 0 or 0.5, not '%s'", value);
	*(double *)dst = d - 1;
	return 0;
}

static int parse_changes(struct verb *v)
{
	struct ph_err err = { 0 };
	int r = parse_disk(v);

	if (r)
		return r;
	v->change.memory = v->memory;
	v->change.weight_percent = (uint32_t)v->weight;
	v->change.period_ns = v->period_ns;
	if (v->weight > 10000)
		return ph_cmd_usage(VERB, "--cpu-weight takes 1 to 10000, not %lu", v->weight);
	if (v->period_ns && (v->period_ns < 1000000 || v->period_ns > 1000000000))
		return ph_cmd_usage(VERB, "--period takes 1ms to 1s");
	if (v->burst_ns != UINT64_MAX)
		v->change.burst_ns = (int64_t)v->burst_ns;
	if (v->cpuset && !ph_whatif_cpus(v->cpuset, &v->change.cpuset))
		return ph_cmd_usage(VERB, "--cpuset takes CPUs, as 0-3,7, not '%s'", v->cpuset);
	v->change.confined = v->cpuset;
	ph_vec_each(at, &v->without)
		ph_strv_add(&v->absent.container, *at);
	if (v->without.n && ph_selection_check(&v->absent, &err) < 0)
		return ph_cmd_usage(VERB, "--without: %s", err.msg);
	v->change.without = v->without.n ? &v->absent : NULL;
	if (v->goal && ph_whatif_goal_parse(v->goal, &v->report.goal, &err) < 0)
		return ph_cmd_usage(VERB, "%s", err.msg);
	return parse_cpus(v);
}

static bool anything(const struct verb *v)
{
	return v->cpus.n || v->goal || v->weight || v->period_ns || v->burst_ns != UINT64_MAX || v->cpuset || v->without.n || v->disk ||
	       v->memory != 0;
}

static int columns(void *arg, struct ph_err *err)
{
	return ph_whatif_check(&((struct verb *)arg)->view.fmt, err);
}

static void schema(void *arg, struct ph_buf *out)
{
	ph_whatif_schema(out);
}

static int check(void *arg, const ph_strv *args, size_t dashdash)
{
	struct verb *v = arg;
	int r = ph_cmd_requests_check(&v->q, &v->r.s, needed);

	if (r)
		return r;
	if (!anything(v))
		return ph_cmd_usage(VERB, "what if what? --cpus 0.5,1,2, or another change");
	if (v->svg && v->view.fmt.output != PH_OUT_COLUMNS)
		return ph_cmd_usage(VERB, "--svg is another output, it goes without -o");
	if (v->svg && v->cpus.n < 2)
		return ph_cmd_usage(VERB, "--svg is a curve over --cpus, which takes two of them at least");
	if (dashdash == SIZE_MAX && ph_selection_empty(&v->r.s.co.sel))
		return ph_cmd_usage(VERB, "of which container? -c NAME or another selection%s", v->r.s.trace ? "" : ", or -- COMMAND");
	r = parse_changes(v);
	if (r)
		return r;
	if (v->report.goal.requests && !ph_cmd_requests_asked(&v->q))
		return ph_cmd_usage(VERB, "a goal for requests goes with --requests, or with --from and --to");
	if (!v->report.answers.n && !v->goal)
		add_question(v, NAN);
	return 0;
}

/* ---- the analysis ---------------------------------------------------------------------------------- */

static int begin(void *arg, struct ph_err *err)
{
	struct verb *v = arg;
	struct ph_run *run = &v->r.s.run;
	int r = ph_whatif_new(&v->w, run->id, &v->r.s.co.sel, run->src->whole || v->r.s.live, run->src->kernel_release, err);

	/* Who asks may be in another container than who answers; filters say who. */
	v->q.ask.sel = v->q.requests ? ph_cmd_report_selection(&v->r) : NULL;
	if (r >= 0 && ph_cmd_requests_asked(&v->q))
		r = ph_cmd_requests_filters(&v->q, run->src, err);
	if (r >= 0 && ph_cmd_requests_asked(&v->q))
		r = ph_requests_new(&v->requests, run->id, &v->q.ask, err);
	return r;
}

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct verb *v = arg;

	ph_whatif_feed(v->w, ev);
	if (v->requests)
		ph_requests_feed(v->requests, ev);
	return 0;
}

/* Some answers are better than none, but a curve has two points; and who reads them must know that others were asked for. */
static int interrupted(struct verb *v, size_t n, int r, struct ph_err *err)
{
	v->r.s.cut_short = r == -ECANCELED;
	if (r != -ECANCELED || n < (v->svg ? 2 : 1))
		return r;
	ph_cmd_say(VERB, "interrupted: %zu of %zu limits were simulated%s", n, v->report.answers.n,
		v->goal ? ", and for the goal no answer was found" : "");
	v->report.answers.n = n;
	v->report.goal.text = NULL;
	*err = (struct ph_err){ 0 };
	return 0;
}

static int simulate(struct verb *v, struct ph_err *err)
{
	size_t n = 0;
	int r = 0;

	while (r >= 0 && n < v->report.answers.n) {
		struct ph_whatif_answer *a = &v->report.answers.v[n];

		r = ph_whatif_ask(v->w, &a->change, &a->outcome, err);
		n += r >= 0;
	}
	if (r >= 0 && v->goal) {
		v->report.limit.change = v->change;
		r = ph_whatif_reach(v->w, &v->report.goal, &v->report.limit, err);
	}
	return interrupted(v, n, r, err);
}

static int finish(void *arg, uint64_t end_ns, struct ph_err *err)
{
	struct verb *v = arg;
	int r = v->requests ? ph_requests_finish(v->requests, err) : 0;

	/* What was recorded until the first Ctrl-C is still simulated, until the next one. */
	ph_cmd_catch_signals();
	v->w->setup.stop = ph_cmd_interrupted ? &ph_cmd_hurry : &ph_cmd_interrupted;
	if (r >= 0)
		r = ph_whatif_finish(v->w, end_ns, v->requests, err);
	if (r == -ENOENT && !err->msg[0])
		return ph_cmd_source_nothing(&v->r.s, err);
	return r < 0 ? r : simulate(v, err);
}

static int report(void *arg, struct ph_buf *out, struct ph_err *err)
{
	struct verb *v = arg;

	v->report.w = v->w;
	v->report.view = &v->view;
	if (!v->svg)
		return ph_whatif_print(&v->report, out, err);
	ph_export_whatif_svg(&v->report, out);
	return 0;
}

static void done(void *arg)
{
	struct verb *v = arg;

	ph_whatif_free(v->w);
	ph_requests_free(v->requests);
	ph_cmd_requests_done(&v->q);
	ph_selection_done(&v->absent);
	ph_strv_done(&v->cpus);
	ph_strv_done(&v->without);
	ph_vec_done(&v->report.answers);
}

static const char *const tables[] = { "limits", NULL };

static const struct ph_cmd_report_verb verb = {
	.name = VERB,
	.intro = "Says what would have happened to a container under other limits: what its tasks did and waited for is run\n"
		 "again, by the kernel's rules. What no option changes is as it was.",
	.examples = "  porthole what-if -r trace/ -c web --cpus 0.5,1,2\n"
		    "  porthole what-if -r trace/ -c web --requests answers --goal 'p99 < 20ms'\n"
		    "  porthole what-if -r trace/ -c web --without batch --disk-speed 2x\n"
		    "  porthole what-if -c web -d 10s --cpus 0.5,1,none\n",
	.need = needed, .everybody = true, .tables = tables,
	.schema = schema, .columns = columns, .check = check, .begin = begin, .feed = feed, .finish = finish, .report = report,
	.done = done,
};

int ph_cmd_whatif(int argc, char **argv)
{
	struct verb v = { .burst_ns = UINT64_MAX, .change = PH_WHATIF_NOTHING };
	const struct ph_opt opts[] = {
		{ "cpus", 0, PH_OPT_LIST, "N,...", &v.cpus, .help = "with these limits, in CPUs, one after the other: 0.5,1,2; none: without a limit" },
		{ "goal", 0, PH_OPT_STR, "GOAL", &v.goal, .help = "the smallest CPU limit with which this is so: 'p99 < 20ms' (p50, p90, p99, max of "
		  "the requests, or duration)" },
		{ "requests", 0, PH_OPT_STR, "REQUESTS", &v.q.requests, .help = "how long the container's requests take: "
		  "connections (accept to close), answers (read to write)" },
		PH_CMD_REQUESTS_ROWS(&v.q),
		{ "period", 0, PH_OPT_DURATION, "TIME", &v.period_ns, .help = "with CPU limits over periods of this length, of which the kernel's default is 100ms" },
		{ "burst", 0, PH_OPT_DURATION, "TIME", &v.burst_ns, .help = "with so much unused CPU time that may be saved for later periods" },
		{ "cpu-weight", 0, PH_OPT_U64, "N", &v.weight, .help = "with this share of the CPUs against other groups, 100 is the kernel's default" },
		{ "cpuset", 0, PH_OPT_STR, "CPUS", &v.cpuset, .help = "on these CPUs only: 0-3,7" },
		{ "without", 0, PH_OPT_LIST, "NAME", &v.without, .help = "if these containers had not been there" },
		{ "disk-speed", 0, PH_OPT_STR, "TIMES", &v.disk, .help = "with disks so many times as fast: 2x" },
		{ "memory-stall", 0, PH_OPT_CALL, "TIMES", &v.memory, .call = parse_memory, .help = "with waits for memory so many times as long; 0: with memory enough" },
		{ "svg", 0, PH_OPT_FLAG, NULL, &v.svg, .help = "the curve over --cpus as a picture, in the place of the report: --svg >curve.svg" },
		{ 0 },
	};

	v.r = (struct ph_cmd_report){ .verb = &verb, .arg = &v, .view = &v.view, .opts = opts };
	return ph_cmd_report(&v.r, argc, argv);
}
