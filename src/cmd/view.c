/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/table.h"
#include "cmd/cmd.h"
#include "ctf/ctf.h"
#include "view/print.h"
#include "view/run.h"
#include "view/stats.h"
#include "view/when.h"

/* What is gathered before it is written: large enough that writing costs nothing. */
#define FLUSH_BYTES (256u << 10)

struct view {
	const char *trace, *filter_expr, *begin, *end, *range;
	struct ph_evset events;
	struct ph_selection sel;
	enum ph_view_format format;
	ph_strv fields;
	uint64_t max;
	bool no_header, json_schema, stats, strict, utc;

	struct ph_run run;
	struct ph_printer *printer;
	struct ph_stats *st;
	struct ph_buf out;
	bool tty;
};

static volatile bool interrupted;

static void on_signal(int sig)
{
	interrupted = true;
}

static int parse_format(void *dst, const char *value, struct ph_err *err)
{
	static const struct { const char *name; enum ph_view_format format; } formats[] = {
		{ "text", PH_VIEW_TEXT }, { "columns", PH_VIEW_TEXT }, { "json", PH_VIEW_JSON },
		{ "jsonpretty", PH_VIEW_JSONPRETTY }, { "csv", PH_VIEW_CSV },
		{ "babeltrace", PH_VIEW_BABELTRACE }, { "bt", PH_VIEW_BABELTRACE },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(formats); i++) {
		if (!strcmp(value, formats[i].name)) {
			*(enum ph_view_format *)dst = formats[i].format;
			return 0;
		}
	}
	return ph_err_set(err, -EINVAL, "'%s' is none of text, json, jsonpretty, csv, babeltrace", value);
}

static int print_event(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct view *v = arg;
	int r;

	ph_printer_event(v->printer, v->run.id, ev, &v->out);
	if (v->out.len < FLUSH_BYTES && !v->tty)
		return 0;
	r = ph_cmd_flush(&v->out);
	return r < 0 ? ph_err_sys(err, r, "cannot write the output") : 0;
}

static int count_event(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct view *v = arg;

	ph_stats_event(v->st, ev);
	return 0;
}

static const struct ph_class *class_nth(void *arg, size_t i)
{
	return ph_ctf_class(arg, i);
}

/* The range in the source's clock. */
static int set_range(struct view *v, struct ph_err *err)
{
	const struct ph_source *src = v->run.src;
	int64_t begin = (int64_t)(src->begin_ns + (uint64_t)src->offset_ns), from = INT64_MIN, to = INT64_MAX;
	int r = 0;

	if (v->range)
		r = ph_when_range(v->range, begin, v->utc, &from, &to, err);
	if (r == 0 && v->begin)
		r = ph_when_parse(v->begin, begin, v->utc, &from, err);
	if (r == 0 && v->end)
		r = ph_when_parse(v->end, begin, v->utc, &to, err);
	if (r < 0)
		return r;
	if (from >= to)
		return ph_err_set(err, -EINVAL, "the range of time ends before it begins");
	if (from > src->offset_ns)
		v->run.begin_ns = (uint64_t)from - (uint64_t)src->offset_ns;
	if (to < INT64_MAX)
		v->run.end_ns = to > src->offset_ns ? (uint64_t)to - (uint64_t)src->offset_ns : 1;
	return 0;
}

/* What the trace's own metadata decides: names in filters and -e, times. Wrong usage if it fails. */
static int prepare(struct view *v, struct ph_err *err)
{
	struct ph_filter_names names = { .nth = class_nth, .arg = v->run.src };
	int r = set_range(v, err);

	if (r == 0 && v->filter_expr)
		r = ph_filter_parse_names(v->filter_expr, &names, &v->run.filter, err);
	if (r < 0)
		return r;
	v->events.nth = class_nth;
	v->events.arg = v->run.src;
	r = ph_evset_check(&v->events, err);
	if (r < 0)
		return r;
	v->run.events = &v->events;
	v->run.sel = ph_selection_empty(&v->sel) ? NULL : &v->sel;
	v->run.max = v->stats ? 0 : v->max;
	v->run.arg = v;
	v->run.stop = &interrupted;
	v->run.id = ph_identity_new();
	if (v->stats) {
		v->st = ph_stats_new();
		v->run.event = count_event;
		return 0;
	}
	v->run.event = print_event;
	return ph_printer_new(&(struct ph_print_opts){
		.format = v->format, .offset_ns = v->run.src->offset_ns, .hostname = v->run.src->hostname,
		.utc = v->utc, .fields = &v->fields, .any_field = ph_ctf_class(v->run.src, 0) != NULL,
		.no_header = v->no_header }, &v->printer, err);
}

static int print_stats(struct view *v, struct ph_err *err)
{
	static const enum ph_output outputs[] = {
		[PH_VIEW_TEXT] = PH_OUT_COLUMNS, [PH_VIEW_BABELTRACE] = PH_OUT_COLUMNS,
		[PH_VIEW_JSON] = PH_OUT_JSON, [PH_VIEW_JSONPRETTY] = PH_OUT_JSONPRETTY,
		[PH_VIEW_CSV] = PH_OUT_CSV,
	};
	struct ph_table_fmt fmt = { .output = outputs[v->format], .no_header = v->no_header,
				    .max_entries = v->max };

	return ph_stats_print(v->st, &v->run, &fmt, ph_cmd_width(), v->utc, &v->out, err);
}

static void say(const char *text)
{
	ph_autobuf b = { 0 };

	ph_buf_add_term(&b, text, strlen(text));
	fprintf(stderr, "porthole view: %s\n", b.p ? b.p : "");
}

/* What the reader of the output must know beside it. */
static void tell(struct view *v)
{
	ph_autobuf why = { 0 };
	const char *w;

	for (size_t i = 0; !v->stats && (w = ph_ctf_warning(v->run.src, i)); i++)
		say(w);
	if (!v->run.passed && !interrupted) {
		ph_run_explain(&v->run, &why);
		say(why.p);
	}
	if (v->run.lost)
		fprintf(stderr, "porthole view: %lu events were lost in %lu %s: what follows may miss its cause\n",
			v->run.lost, v->run.gaps, v->run.gaps == 1 ? "gap" : "gaps");
}

static int view(struct view *v)
{
	struct ph_err err = { 0 };
	int r, w;

	r = ph_ctf_open(v->trace, &v->run.src, &err);
	if (r < 0)
		return ph_cmd_fail("view", &err);
	r = prepare(v, &err);
	if (r < 0)
		return r == -EINVAL ? ph_cmd_usage("view", "%s", err.msg) : ph_cmd_fail("view", &err);
	if (v->printer)
		ph_printer_header(v->printer, &v->out);
	r = ph_run(&v->run, &err);
	if (r >= 0 && v->stats)
		r = print_stats(v, &err);
	/* What was read before an error stays good. */
	w = r == -EPIPE ? 0 : ph_cmd_flush(&v->out);
	if (w < 0 && r >= 0)
		r = ph_err_sys(&err, w, "cannot write the output");
	if (r == -EPIPE)
		return PH_EXIT_OK;
	tell(v);
	if (r < 0)
		return ph_cmd_fail("view", &err);
	return v->strict && v->run.lost ? PH_EXIT_LOST : PH_EXIT_OK;
}

static void done(struct view *v)
{
	ph_printer_free(v->printer);
	ph_stats_free(v->st);
	ph_filter_free(v->run.filter);
	ph_evset_done(&v->events);
	ph_selection_done(&v->sel);
	ph_identity_free(v->run.id);
	ph_source_close(v->run.src);
	ph_strv_done(&v->fields);
	ph_buf_done(&v->out);
}

static int check_usage(struct view *v, const ph_strv *args)
{
	struct ph_err err = { 0 };

	if (args->n > 1 || (args->n && v->trace))
		return ph_cmd_usage("view", "one trace at a time, not also '%s'", args->v[args->n - 1]);
	if (args->n)
		v->trace = args->v[0];
	if (!v->trace)
		return ph_cmd_usage("view", "which trace? (porthole view DIR)");
	if (v->range && (v->begin || v->end))
		return ph_cmd_usage("view", "--range goes without --begin and --end");
	if (v->stats && v->fields.n)
		return ph_cmd_usage("view", "--fields chooses among columns of events, not of --stats");
	if (ph_selection_check(&v->sel, &err) < 0)
		return ph_cmd_usage("view", "%s", err.msg);
	return 0;
}

static void print_schema(struct ph_buf *out)
{
	ph_printer_schema(out);
	ph_cmd_flush(out);
}

int ph_cmd_view(int argc, char **argv)
{
	struct view v = { 0 };
	struct ph_opt opts[] = {
		{ "read", 'r', PH_OPT_STR, "TRACE", &v.trace,
		  .help = "the trace: a directory with CTF, or one above several" },
		{ "event", 'e', PH_OPT_LIST, "LIST", &v.events.words,
		  .help = "these events only: names, globs, groups (sched, syscall …), names of system calls; !X leaves X out" },
		{ "filter", 'f', PH_OPT_STR, "EXPR", &v.filter_expr,
		  .help = "events for which EXPR is true, as 'syscall_exit_*.ret < 0 && comm == \"nginx\"'" },
		{ "begin", 0, PH_OPT_STR, "TIME", &v.begin,
		  .help = "from TIME on: +1.5s since the beginning, 10:00:00.5, \"2026-11-21 10:00:00\", Unix ns" },
		{ "end", 0, PH_OPT_STR, "TIME", &v.end, .help = "until before TIME" },
		{ "range", 0, PH_OPT_STR, "FROM..TO", &v.range, .help = "both at once: +1.5s..+2s" },
		{ "utc", 0, PH_OPT_FLAG, NULL, &v.utc, .help = "times of day in UTC" },
		{ "stats", 0, PH_OPT_FLAG, NULL, &v.stats,
		  .help = "no events, but how many there are by type, container and CPU, and losses" },
		{ "strict", 0, PH_OPT_FLAG, NULL, &v.strict, .help = "exit with 3 where events were lost" },
		{ 0 },
	};
	struct ph_opt output[] = {
		{ "output", 'o', PH_OPT_CALL, "FORMAT", &v.format, parse_format,
		  .help = "text, json (one object a line), jsonpretty, csv, or babeltrace (as babeltrace2 prints)" },
		{ "fields", 0, PH_OPT_LIST, "LIST", &v.fields,
		  .help = "these columns and fields only; +NAME adds one (time, delta, container, comm, pid, tid, cpu, event, fields, container_id, image, pod, namespace, or any field of an event)" },
		{ "max-entries", 0, PH_OPT_U64, "N", &v.max, .help = "the first N events (rows of --stats) only" },
		{ "no-header", 0, PH_OPT_FLAG, NULL, &v.no_header, .help = "no line of headings" },
		{ "json-schema", 0, PH_OPT_FLAG, NULL, &v.json_schema,
		  .help = "print what the JSON output's fields mean, and end" },
		{ 0 },
	};
	struct ph_opt sel[PH_SELECTION_NOPTS];
	struct ph_opt_group groups[] = {
		{ "Options", opts }, { "Selection", sel }, { "Output", output }, { 0 },
	};
	struct sigaction sa = { .sa_handler = on_signal };
	ph_strv args = { 0 };
	size_t dashdash;
	int r;

	ph_selection_opts(&v.sel, sel);
	r = ph_cmd_options("view", "Prints the events of a trace in time order: when, in which container, which "
			   "task, on\nwhich CPU, what. Reads porthole's traces, LTTng's and any other CTF 1.8.",
			   "  porthole view trace/ -c web -e sched\n"
			   "  porthole view trace/ --filter 'syscall_exit_*.ret == -ENOENT' --range +1s..+2s\n"
			   "  porthole view trace/ --stats\n", groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	if (v.json_schema) {
		print_schema(&v.out);
		r = PH_EXIT_OK;
		goto out;
	}
	r = check_usage(&v, &args);
	if (r)
		goto out;
	v.tty = isatty(STDOUT_FILENO);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	r = view(&v);
out:
	ph_vec_done(&args);
	done(&v);
	return r;
}
