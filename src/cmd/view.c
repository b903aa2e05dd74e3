/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "cmd/cmd.h"
#include "cmd/source_opts.h"
#include "ctf/ctf.h"
#include "view/print.h"
#include "view/stats.h"

/* What is gathered before it is written: large enough that writing costs nothing. */
#define FLUSH_BYTES (256u << 10)

struct view {
	struct ph_cmd_source s;
	enum ph_view_format format;
	ph_strv fields;
	uint64_t max;
	bool no_header, json_schema, stats;

	struct ph_printer *printer;
	struct ph_stats *st;
	struct ph_buf out;
	bool tty;
};

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

static int flush(void *arg, struct ph_err *err)
{
	struct view *v = arg;
	int r = ph_cmd_flush(&v->out);

	return r < 0 ? ph_err_sys(err, r, "cannot write the output") : 0;
}

static int print_event(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct view *v = arg;

	ph_printer_event(v->printer, v->s.run.id, ev, &v->out);
	/* What the running kernel has comes in rounds, and is written when one ends. */
	if (v->out.len < FLUSH_BYTES && (!v->tty || v->s.live))
		return 0;
	return flush(v, err);
}

static int count_event(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct view *v = arg;

	(void)err;
	ph_stats_event(v->st, ev);
	return 0;
}

static int prepare(struct view *v, struct ph_err *err)
{
	const struct ph_source *src = v->s.run.src;

	v->s.run.arg = v;
	if (v->stats) {
		v->st = ph_stats_new();
		v->s.run.event = count_event;
		return 0;
	}
	v->s.run.max = v->max;
	v->s.run.event = print_event;
	return ph_printer_new(&(struct ph_print_opts){
		.format = v->format, .offset_ns = src->offset_ns, .hostname = src->hostname,
		.utc = v->s.utc, .fields = &v->fields, .any_field = ph_ctf_class(v->s.run.src, 0) != NULL,
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

	return ph_stats_print(v->st, &v->s.run, &fmt, ph_cmd_width(), v->s.utc, &v->out, err);
}

static int view(struct view *v)
{
	struct ph_err err = { 0 };
	int r, w;

	r = ph_cmd_source_open(&v->s);
	if (r)
		return r;
	r = prepare(v, &err);
	if (r < 0)
		return ph_cmd_usage("view", "%s", err.msg);
	if (v->printer)
		ph_printer_header(v->printer, &v->out);
	r = ph_cmd_source_run(&v->s, &err);
	if (r >= 0 && v->stats)
		r = print_stats(v, &err);
	/* What was read before an error stays good. */
	w = r == -EPIPE ? 0 : ph_cmd_flush(&v->out);
	if (w < 0 && r >= 0)
		r = ph_err_sys(&err, w, "cannot write the output");
	return ph_cmd_source_end(&v->s, r, &err);
}

static void done(struct view *v)
{
	ph_printer_free(v->printer);
	ph_stats_free(v->st);
	ph_cmd_source_done(&v->s);
	ph_strv_done(&v->fields);
	ph_buf_done(&v->out);
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
		{ "event", 'e', PH_OPT_LIST, "LIST", &v.s.co.events,
		  .help = "these events only: names, globs, groups (sched, syscall …), names of system calls; !X leaves X out" },
		{ "stats", 0, PH_OPT_FLAG, NULL, &v.stats,
		  .help = "no events, but how many there are by type, container and CPU, and losses" },
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
	struct ph_opt_group groups[3 + PH_CMD_SOURCE_NGROUPS] = {
		{ "Options", opts }, { "Output", output },
	};
	ph_strv args = { 0 };
	size_t dashdash;
	int r;

	ph_cmd_source_init(&v.s, "view", groups + 2);
	v.s.positional = true;
	v.s.tick = flush;
	r = ph_cmd_options("view", "Prints events in time order: when, in which container, which task, on which CPU, "
			   "what.\nOf a trace (porthole's, LTTng's or any other CTF 1.8), or, with a selection or a "
			   "command\nin its place, of the running kernel.",
			   "  porthole view trace/ -c web -e sched\n"
			   "  porthole view trace/ --filter 'syscall_exit_*.ret == -ENOENT' --range +1s..+2s\n"
			   "  porthole view trace/ --stats\n"
			   "  porthole view -c web -e syscall -d 5s              now, for five seconds\n"
			   "  porthole view -e openat,connect -- curl -s web     what a command opens and asks\n",
			   groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	if (v.json_schema) {
		print_schema(&v.out);
		r = PH_EXIT_OK;
		goto out;
	}
	r = v.stats && v.fields.n ?
		    ph_cmd_usage("view", "--fields chooses among columns of events, not of --stats") :
		    ph_cmd_source_check(&v.s, &args, dashdash);
	if (r)
		goto out;
	v.s.one_result = v.stats;
	v.tty = isatty(STDOUT_FILENO);
	r = view(&v);
out:
	ph_vec_done(&args);
	done(&v);
	return r;
}
