/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole probe: a line for each time that a function, USDT probe or tracepoint is hit. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cmd/cmd.h"
#include "cmd/probe_opts.h"
#include "cmd/rows.h"
#include "ctf/ctf.h"
#include "live/probe_view.h"

#define VERB "probe"
struct verb {
	struct ph_cmd_rows rows;
	ph_strv texts, by;
	uint64_t max_probes;
	const char *hist;
	bool count, stacks;
	struct ph_probes *probes;
	struct ph_probe_view *view;
	struct ph_col *cols;
	size_t ncols;
	struct ph_probe_sums *sums;
	size_t told;		/* of the probes' notes */
};

/* ---- the loop --------------------------------------------------------------------------------------- */

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct verb *w = arg;

	ph_probe_view_learn(w->view, ev);
	ph_cmd_probes_tell(VERB, w->probes, &w->told);
	return ph_cmd_rows_feed(&w->rows, ev, err);
}

static void learn(void *arg, struct ph_event *ev)
{
	ph_probe_view_learn(((struct verb *)arg)->view, ev);
}

/* What is probed, before the first hit: the columns come from it. */
static int learn_all(struct verb *w, struct ph_err *err)
{
	struct ph_source *src = w->rows.s.run.src, *state = NULL;
	struct ph_event *ev;
	int r;

	if (w->rows.s.live) {
		ph_source_prime(src, learn, w);
		return 0;
	}
	r = ph_ctf_state(src, &state, err);
	while (r >= 0 && state && (r = ph_source_next(state, &ev, err)) > 0)
		ph_probe_view_learn(w->view, ev);
	ph_source_close(state);
	if (r >= 0 && !ph_probe_view_known(w->view))
		return ph_err_set(err, -ENOENT, "%s has no hits of probes ('porthole probe -w' records them)", src->what);
	return r < 0 ? r : 0;
}

static int make_view(struct verb *w, struct ph_err *err)
{
	struct ph_probe_sums_opts so = { .fmt = &w->rows.o.fmt, .hist = w->hist, .by = &w->by, .width = w->rows.o.width };
	int r = learn_all(w, err);
	const struct ph_snoop *sn;

	if (r < 0)
		return r;
	sn = ph_probe_view_snoop(w->view);
	w->cols = ph_probe_view_cols(w->view, &w->ncols);
	if (w->count || w->hist) {
		if (w->rows.o.fmt.fields.n || (w->hist && w->rows.o.fmt.sort))
			return ph_err_set(err, -EINVAL, "--fields%s about lines, not sums", w->hist ? " and --sort are" : " is");
		r = ph_probe_sums_new(w->cols, w->ncols, &so, &w->sums, err);
		if (r < 0)
			return r;
		w->rows.o.fmt.sort = NULL;
		w->rows.o.row = ph_probe_sums_add;
		w->rows.o.row_arg = w->sums;
	}
	return ph_snooping_new(sn, &w->rows.o, &w->rows.snooping, err);
}

static int finish(struct verb *w, int r, struct ph_err *err)
{
	int f = 0;

	/* What was read before an error stays good. */
	if (r == -EPIPE || (r == -EINTR && w->sums))
		return r;
	if (w->sums)
		f = ph_probe_sums_print(w->sums, &w->rows.out, err);
	else if (r != -EINTR)
		ph_snooping_finish(w->rows.snooping, w->rows.s.run.id, &w->rows.out);
	if (f >= 0)
		f = ph_cmd_flush(&w->rows.out);
	return f < 0 && r >= 0 ? ph_err_sys(err, f, "cannot write the output") : r;
}

static void explain(struct verb *w)
{
	const struct ph_snoop_seen *seen = ph_snooping_seen(w->rows.snooping);

	/* The kernel keeps back what the filter does not want. */
	if (!seen->events)
		ph_cmd_say(VERB, "nobody who is selected hit a probe%s", w->probes && !w->probes->points.n ?
			": nothing was there to be probed" : w->probes && w->rows.o.filter ? " for which the filter is true" : "");
	else if (!seen->selected)
		ph_cmd_say(VERB, "of %" PRIu64 " hits none is of who is selected", seen->found);
	else
		ph_cmd_say(VERB, "the filter matches none of the %" PRIu64 " hits", seen->selected);
}

static int look(struct verb *w)
{
	struct ph_err err = { 0 };
	int r;

	w->rows.s.one_result = w->count || w->hist;
	r = ph_cmd_rows_open(&w->rows, feed);
	if (r)
		return r;
	r = make_view(w, &err);
	if (r == -EINVAL)
		return ph_cmd_usage(VERB, "%s", err.msg);
	if (r >= 0) {
		r = ph_cmd_source_run(&w->rows.s, &err);
		r = finish(w, r, &err);
		if (r >= 0 && !ph_snooping_seen(w->rows.snooping)->shown && w->rows.s.run.passed)
			explain(w);
	}
	return ph_cmd_source_end(&w->rows.s, r, &err);
}

/* ---- options --------------------------------------------------------------------------------------- */

static const char *const needed[] = { "probe", NULL };
static const char *const needed_stacks[] = { "probe", "profile", NULL };

/* Probes stand in front of the command. */
static void split(struct verb *w, ph_strv *args, size_t *dashdash)
{
	size_t n = *dashdash < args->n ? *dashdash : args->n;

	for (size_t i = 0; i < n; i++)
		ph_strv_add(&w->texts, args->v[i]);
	memmove(args->v, args->v + n, (args->n - n) * sizeof(*args->v));
	args->n -= n;
	if (*dashdash != SIZE_MAX)
		*dashdash = 0;
}

static int check(struct verb *w, ph_strv *args, size_t dashdash)
{
	struct ph_err err = { 0 };
	int r;

	split(w, args, &dashdash);
	if (w->rows.s.trace && w->texts.n)
		return ph_cmd_usage(VERB, "a trace has the probes that were recorded; '%s' is one of a running system", w->texts.v[0]);
	if (!w->rows.s.trace && !w->texts.n)
		return ph_cmd_usage(VERB, "what is to be probed? As 'uprobe:/usr/sbin/nginx:ngx_http_*', 'usdt:libc.so.6:libc:*', "
				    "'tracepoint:sched:sched_switch'; or -r TRACE ('porthole probes' lists what there is)");
	if (w->count && w->hist)
		return ph_cmd_usage(VERB, "--hist counts, too: one of --count and --hist");
	if (w->by.n && !w->count && !w->hist)
		return ph_cmd_usage(VERB, "--by goes with --count or --hist");
	if (w->texts.n && ph_probes_new(&w->texts, w->max_probes, w->rows.s.co.capture_bytes == PH_CAPTURE_DEFAULT ? PH_CAPTURE_NAME :
					(uint32_t)w->rows.s.co.capture_bytes, &w->probes, &err) < 0)
		return ph_cmd_usage(VERB, "%s", err.msg);
	/* The filter is over columns. */
	w->rows.o.filter = ph_take(w->rows.s.co.filter);
	if (w->stacks && !w->rows.s.dir)
		return ph_cmd_usage(VERB, "--stacks goes with -w; porthole profile -e PROBE shows them without a recording");
	if (w->stacks) {
		w->rows.s.need = needed_stacks;
		ph_strv_add(&w->rows.s.co.stacks_of, "probe_hit");
	}
	r = ph_cmd_source_check(&w->rows.s, args, dashdash);
	if (r || !w->probes)
		return r;
	w->rows.s.co.opts.probe_filter = w->rows.o.filter;
	r = ph_cmd_probes_find(&w->rows.s.co, w->probes);
	ph_cmd_probes_tell(VERB, w->probes, &w->told);
	return r;
}

static const char intro[] =
	"Prints a line for each time that a function of a program or library, a USDT probe, a tracepoint or a function\n"
	"of the kernel is hit in containers, with arguments, texts, results and times.\n\n"
	"Probes:\n"
	"  uprobe:PATH:FUNCTION      a function is entered; PATH is a file as the container has it, or a\n"
	"                            library's or program's name; FUNCTION a name, a glob, NAME+8, 0xADDRESS\n"
	"  uretprobe:PATH:FUNCTION   it returns: retval, and the time since it was entered\n"
	"  usdt:PATH:PROVIDER:NAME   a probe that the program's author put in\n"
	"  tracepoint:CATEGORY:NAME  of the kernel\n"
	"  kprobe:FUNCTION, kretprobe:FUNCTION\n"
	"Behind each, what is wanted of its arguments: (arg1, str(arg2), retval, u32(*(arg1+8)), len=arg3).";

int ph_cmd_probe(int argc, char **argv)
{
	struct verb w = { .max_probes = PH_PROBES_MAX };
	struct ph_opt opts[] = {
		{ "if", 0, PH_OPT_STR, "EXPR", &w.rows.s.co.filter, .help = "the same as --filter" },
		{ "count", 0, PH_OPT_FLAG, NULL, &w.count, .help = "no lines, but how many there were, of each function or as --by says" },
		{ "hist", 0, PH_OPT_STR, "FIELD", &w.hist, .help = "no lines, but how FIELD is spread: arg2, retval, duration_ns" },
		{ "by", 0, PH_OPT_LIST, "LIST", &w.by, .help = "with --count and --hist: for each value of these columns: container,comm" },
		{ "min", 0, PH_OPT_CALL, "TIME", &w.rows.o, ph_cmd_rows_min, .help = "only returns that took at least TIME" },
		{ "stacks", 0, PH_OPT_FLAG, NULL, &w.stacks, .help = "with -w: record what led to each hit, for porthole profile -r DIR -e probe_hit" },
		{ "max-probes", 0, PH_OPT_U64, "N", &w.max_probes, .help = "functions that a glob may mean in a file (default 512)" },
		{ 0 },
	};
	struct ph_opt output[PH_TABLE_NOPTS];
	struct ph_opt_group groups[3 + PH_CMD_SOURCE_NGROUPS] = { { "Options", opts }, { "Output", output } };
	ph_strv args = { 0 };
	size_t dashdash;
	int r;

	ph_cmd_rows_init(&w.rows, VERB, "lines for which EXPR is true, over their fields, as 'arg1 > 4096 && comm == \"nginx\"'",
			 groups + 2);
	w.rows.s.need = needed;
	ph_table_opts(&w.rows.o.fmt, output);
	r = ph_cmd_options(VERB, intro, "  porthole probe -c web 'uprobe:libc.so.6:malloc(arg1)' --if 'arg1 > 1048576'\n"
			   "  porthole probe -c web 'uretprobe:/usr/sbin/nginx:ngx_http_*' --hist duration_ns --by function\n",
			   groups, argc, argv, &args, &dashdash);
	if (r < 0) {
		w.view = ph_probe_view_new();
		if (w.rows.o.fmt.json_schema) {
			ph_snoop_schema(ph_probe_view_snoop(w.view), &w.rows.o, &w.rows.out);
			r = ph_cmd_flush(&w.rows.out) < 0 ? PH_EXIT_FAILED : PH_EXIT_OK;
		} else {
			r = check(&w, &args, dashdash);
			if (!r)
				r = look(&w);
		}
	}
	ph_vec_done(&args);
	ph_probe_sums_free(w.sums);
	ph_cmd_rows_done(&w.rows);
	ph_cmd_probes_tell(VERB, w.probes, &w.told);
	ph_probe_view_free(w.view);
	ph_probes_free(w.probes);
	ph_strv_done(&w.texts);
	ph_strv_done(&w.by);
	free(w.cols);
	return r;
}
