/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole what-if: what would have happened to a container under other limits. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "analyze/whatif_report.h"
#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "cmd/source_opts.h"

#define VERB "what-if"

struct verb {
	struct ph_cmd_source s;
	ph_strv cpus;
	struct ph_whatif *w;
	struct ph_whatif_report report;
};

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	ph_whatif_feed(((struct verb *)arg)->w, ev);
	return 0;
}

/* The values of --cpus, a question each. */
static int parse_cpus(struct verb *v)
{
	ph_vec_each(at, &v->cpus) {
		struct ph_whatif_answer a = { .change = PH_WHATIF_NOTHING };
		char *end;

		a.change.cpus = strcmp(*at, "none") == 0 ? INFINITY : strtod(*at, &end);
		if (!isinf(a.change.cpus) && (end == *at || *end || !(a.change.cpus >= 0.01) || a.change.cpus > PH_SIM_CPUS))
			return ph_cmd_usage(VERB, "--cpus takes numbers from 0.01 on, as 0.5,1,2, or none, not '%s'", *at);
		*ph_vec_push(&v->report.answers) = a;
	}
	return 0;
}

static int check_usage(struct verb *v, ph_strv *args, size_t dashdash)
{
	struct ph_err err = { 0 };

	if (!v->cpus.n)
		return ph_cmd_usage(VERB, "what if what? --cpus 0.5,1,2");
	if (ph_whatif_check(&v->report, &err) < 0)
		return ph_cmd_usage(VERB, "%s", err.msg);
	if (dashdash == SIZE_MAX && ph_selection_empty(&v->s.co.sel))
		return ph_cmd_usage(VERB, "of which container? -c NAME or another selection%s", v->s.trace ? "" : ", or -- COMMAND");
	return ph_cmd_source_check(&v->s, args, dashdash);
}

static int prepare(struct verb *v, struct ph_err *err)
{
	struct ph_run *run = &v->s.run;

	run->event = feed;
	run->arg = v;
	run->follow = &v->s.co.sel;
	run->sel = NULL;
	return ph_whatif_new(&v->w, run->id, &v->s.co.sel, err);
}

static int analyse(struct verb *v, struct ph_err *err)
{
	int r = ph_cmd_source_run(&v->s, err);

	if (r >= 0)
		r = ph_whatif_finish(v->w, ph_cmd_interrupted && !v->s.live ? 0 : v->s.run.src->end_ns, err);
	if (r == -ENOENT)
		return ph_cmd_source_nothing(&v->s, err);
	ph_vec_each(a, &v->report.answers)
		if (r >= 0)
			r = ph_whatif_ask(v->w, &a->change, &a->outcome, err);
	return r;
}

static int what_if(struct verb *v)
{
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };
	int r = ph_cmd_source_open(&v->s);

	if (r)
		return r;
	if (prepare(v, &err) < 0)
		return ph_cmd_fail(VERB, &err);
	r = analyse(v, &err);
	v->report.w = v->w;
	if (r >= 0)
		r = ph_whatif_print(&v->report, &out, &err);
	return ph_cmd_source_report(&v->s, &out, r, &err);
}

static void done(struct verb *v)
{
	ph_whatif_free(v->w);
	ph_cmd_source_done(&v->s);
	ph_strv_done(&v->report.fmt.fields);
	ph_strv_done(&v->cpus);
	ph_vec_done(&v->report.answers);
}

static const char *const needed[] = {
	"sched", "wait", "syscall", "cgroup", "block", "mm", "irq", "net_dev_queue", "net_if_receive_skb", NULL
};

int ph_cmd_whatif(int argc, char **argv)
{
	struct verb v = { 0 };
	struct ph_opt opts[] = {
		{ "cpus", 0, PH_OPT_LIST, "N,...", &v.cpus, .help = "with these CPU limits, one after the other: 0.5,1,2; none: without one" },
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

	ph_cmd_source_init(&v.s, VERB, groups + 2);
	v.s.co.everybody = true;
	ph_table_opts(&v.report.fmt, output);
	r = ph_cmd_options(VERB, "Says what would have happened to a container under other limits: what its tasks did and waited for is run\n"
			   "again, by the kernel's rules.",
			   "  porthole what-if -r trace/ -c web --cpus 0.5,1,2\n"
			   "  porthole what-if -c web -d 10s --cpus 0.5,1,none\n", groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	if (v.report.fmt.json_schema) {
		ph_whatif_schema(&schema);
		r = ph_cmd_flush(&schema) < 0 ? PH_EXIT_FAILED : PH_EXIT_OK;
		goto out;
	}
	v.s.need = needed;
	r = parse_cpus(&v);
	if (!r)
		r = check_usage(&v, &args, dashdash);
	if (r)
		goto out;
	v.report.width = ph_cmd_width();
	v.s.co.status_line = isatty(STDERR_FILENO);
	r = what_if(&v);
out:
	ph_vec_done(&args);
	done(&v);
	return r;
}
