/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole trace NAME: a line for each thing that happened; the views are those of live/snoops.c. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cmd/cmd.h"
#include "cmd/rows.h"
#include "cmd/trace_calls.h"

struct trace {
	struct ph_cmd_rows w;
	const struct ph_snoop *sn;
	const char *verb;
};

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	return ph_cmd_rows_feed(arg, ev, err);
}

/* Why there is nothing to see, where the loop, to which all events are handed over, cannot tell. */
static void explain(struct trace *t)
{
	const struct ph_snoop_seen *seen = ph_snooping_seen(t->w.snooping);
	struct ph_run *run = &t->w.s.run;
	ph_autobuf why = { 0 };
	ph_strv events = { 0 };
	uint64_t min;

	if (!seen->events && run->seen && t->w.o.calls.set.n) {
		ph_buf_addf(&why, "%s: there are none of the calls of -e", run->src->what);
	} else if (!seen->events && run->seen) {
		ph_snoop_events(t->sn, false, &events);
		ph_buf_addf(&why, "%s: there is nothing of what this view is made of:", run->src->what);
		ph_vec_each(e, &events)
			ph_buf_addf(&why, "%s %s", e == events.v ? "" : ",", *e);
		ph_strv_done(&events);
	} else if (!seen->found || !seen->selected) {
		run->sel = ph_selection_empty(&t->w.s.co.sel) ? NULL : &t->w.s.co.sel;
		run->by_selection = !seen->found || !run->sel;
		run->by_events = 0;
		if (run->by_selection)
			ph_buf_addf(&why, "%s: what began has not ended", run->src->what);
		else
			ph_run_explain(run, &why);
	} else if (ph_snoop_timed(t->sn, &min) && (t->w.o.has_min ? t->w.o.min_ns : min) && !t->w.o.hist) {
		ph_buf_addf(&why, "%s: there are %" PRIu64 ", but none that took so long%s (--min)", run->src->what,
			    seen->selected, t->w.o.filter ? " or passed the filter" : "");
	} else {
		ph_buf_addf(&why, "%s: the filter matches none of the %" PRIu64, run->src->what, seen->selected);
	}
	ph_cmd_say(t->verb, "%s", why.p);
}

static int trace(struct trace *t)
{
	const struct ph_snoop_seen *seen;
	struct ph_err err = { 0 };
	int r, w;

	r = ph_cmd_rows_open(&t->w, feed);
	if (r)
		return r;
	r = ph_cmd_source_run(&t->w.s, &err);
	/* What was read before an error stays good. */
	if (r != -EPIPE) {
		/* What has not ended where it was cut short has an end; and sums would look like those of all. */
		if (r != -EINTR)
			ph_snooping_finish(t->w.snooping, t->w.s.run.id, &t->w.out);
		w = ph_cmd_flush(&t->w.out);
		if (w < 0 && r >= 0)
			r = ph_err_sys(&err, w, "cannot write the output");
	}
	seen = ph_snooping_seen(t->w.snooping);
	if (r >= 0 && !seen->shown && t->w.s.run.passed)
		explain(t);
	if (seen->cut)
		ph_cmd_say(t->verb, "of %" PRIu64 " the end was lost", seen->cut);
	return ph_cmd_source_end(&t->w.s, r, &err);
}

static int list(int code)
{
	ph_autobuf b = { 0 };
	const struct ph_snoop *sn;

	ph_buf_adds(&b, "Usage: porthole trace NAME [selection] [options] [-- COMMAND]\n\n"
			"Prints a line for each thing of a kind that happens in containers: when, in which, who,\n"
			"what, how long it took. Of the running kernel or, with -r, of a trace.\n\nSnoops:\n");
	for (size_t i = 0; (sn = ph_snoop_nth(i)); i++)
		ph_buf_addf(&b, "  %-10s %s\n", ph_snoop_name(sn), ph_snoop_summary(sn));
	ph_buf_adds(&b, "\n'porthole trace NAME --help' tells its options, --json-schema its columns.\n");
	return ph_cmd_flush(&b) < 0 ? PH_EXIT_FAILED : code;
}

static const struct ph_snoop *find(const char *name)
{
	const struct ph_snoop *sn = ph_snoop_by_name(name);
	PH_VEC(const char *) names = { 0 };
	const char *near;

	if (sn)
		return sn;
	for (size_t i = 0; (sn = ph_snoop_nth(i)); i++)
		*ph_vec_push(&names) = ph_snoop_name(sn);
	near = ph_nearest(name, names.v, names.n);
	ph_cmd_usage("trace", "there is no snoop '%s'%s%s%s ('porthole trace' tells all)", name,
		     near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	ph_vec_done(&names);
	return NULL;
}

/* The filter is over columns: what is paired must not be filtered by the kernel. */
static int check(struct trace *t, ph_strv *args, size_t dashdash)
{
	struct ph_err err = { 0 };
	int r;

	t->w.o.filter = ph_take(t->w.s.co.filter);
	r = ph_cmd_source_check(&t->w.s, args, dashdash);
	if (r)
		return r;
	r = ph_snooping_new(t->sn, &t->w.o, &t->w.snooping, &err);
	return r < 0 ? ph_cmd_usage(t->verb, "%s", err.msg) : 0;
}

static int run(struct trace *t, int argc, char **argv)
{
	struct ph_opt opts[] = {
		{ "min", 0, PH_OPT_CALL, "TIME", &t->w.o, ph_cmd_rows_min,
		  .help = "only what took at least TIME; of snoops that have a time" },
		{ "hist", 0, PH_OPT_FLAG, NULL, &t->w.o.hist,
		  .help = "no lines, but a histogram of the times, in the end" },
		{ "by", 0, PH_OPT_STR, "FIELD", &t->w.o.by,
		  .help = "with --hist: one for each value of FIELD: container, call, comm …" },
		{ 0 },
	};
	struct ph_opt output[PH_TABLE_NOPTS];
	struct ph_opt_group groups[4 + PH_CMD_SOURCE_NGROUPS] = { { "Options", opts }, { "Output", output } };
	struct ph_opt calls[PH_TRACE_CALLS_NOPTS];
	bool has_calls = ph_snoop_calls(t->sn);
	struct ph_trace_calls tc;
	ph_autofree char *intro = NULL, *classes = NULL, *verb = ph_asprintf("trace %s", ph_snoop_name(t->sn));
	PH_VEC(const char *) need = { 0 };
	ph_strv events = { 0 }, args = { 0 };
	size_t dashdash;
	uint64_t min;
	int r;

	t->verb = verb;
	if (has_calls) {
		groups[2] = (struct ph_opt_group){ "As strace", calls };
		classes = ph_trace_calls_intro();
	}
	ph_cmd_rows_init(&t->w, verb, "lines for which EXPR is true, over their fields, as 'comm == \"nginx\" && pid != 1'",
			 groups + 2 + has_calls);
	if (has_calls)
		ph_trace_calls_init(&tc, &t->w.o, &t->w.s, calls);
	ph_table_opts(&t->w.o.fmt, output);
	intro = ph_asprintf("Shows %s.%s%s", ph_snoop_summary(t->sn),
			    ph_snoop_timed(t->sn, &min) && min ? "\nWithout --min, those of 10 ms and more." : "",
			    classes ? classes : "");
	r = ph_cmd_options(verb, intro, ph_snoop_example(t->sn), groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	ph_snoop_events(t->sn, true, &events);
	if (has_calls)
		ph_trace_calls_apply(&tc, &events);
	ph_vec_each(e, &events)
		*ph_vec_push(&need) = *e;
	*ph_vec_push(&need) = NULL;
	t->w.s.need = need.v;
	if (t->w.o.fmt.json_schema) {
		ph_snoop_schema(t->sn, &t->w.o, &t->w.out);
		r = ph_cmd_flush(&t->w.out) < 0 ? PH_EXIT_FAILED : PH_EXIT_OK;
		goto out;
	}
	r = check(t, &args, dashdash);
	if (!r)
		r = trace(t);
out:
	ph_vec_done(&args);
	ph_vec_done(&need);
	ph_strv_done(&events);
	ph_strv_done(&t->w.o.calls.set);
	ph_cmd_rows_done(&t->w);
	return r;
}

int ph_cmd_trace(int argc, char **argv)
{
	struct trace t = { 0 };

	if (argc < 2)
		return list(PH_EXIT_OK);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return list(PH_EXIT_OK);
	t.sn = find(argv[1]);
	return t.sn ? run(&t, argc - 1, argv + 1) : PH_EXIT_USAGE;
}
