/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole probes: what `porthole probe` can be given. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"
#include "probe/resolve.h"

#define VERB "probes"
/* Lines are written when there are so many. */
#define LINES 4096

enum { COL_PROBE, COL_KIND, COL_PATH, COL_FUNCTION, COL_SHOWN, COL_ARGS, COL_OFFSET, COL_SIZE, COL_MAX };

static const struct ph_col cols[COL_MAX] = {
	[COL_PROBE] = { "PROBE", "probe", PH_COL_STR, .width = 40, .help = "as porthole probe takes it" },
	[COL_KIND] = { "KIND", "kind", PH_COL_STR, true, "uprobe, usdt, tracepoint, kprobe", 10 },
	[COL_PATH] = { "PATH", "path", PH_COL_STR, true, "the file, as its process has it; of a tracepoint its category", 20 },
	[COL_FUNCTION] = { "FUNCTION", "function", PH_COL_STR, true, "or PROVIDER:NAME, or a tracepoint", 20 },
	[COL_SHOWN] = { "NAME", "name", PH_COL_STR, true, "of a function, as its author wrote it (C++, Rust)", 20 },
	[COL_ARGS] = { "ARGS", "args", PH_COL_STR, .help = "of USDT: where its arguments are, as the program says" },
	[COL_OFFSET] = { "OFFSET", "offset", PH_COL_U64, true, "of the first byte in the file", 10 },
	[COL_SIZE] = { "SIZE", "size_bytes", PH_COL_BYTES, true, "of the function, null: not known", 8 },
};

struct verb {
	struct ph_selection sel;
	struct ph_table_fmt fmt;
	struct ph_table table;
	struct ph_table_more more;
	struct ph_buf out;
	uint64_t found, failed;
};

static int flush(struct verb *w)
{
	struct ph_table_fmt fmt = w->fmt;

	fmt.max_entries = 0;
	if (w->fmt.sort)
		return 0;
	ph_table_print_more(&w->table, &fmt, ph_cmd_width(), &w->more, &w->out, NULL);
	return ph_cmd_flush(&w->out);
}

static int on_found(void *arg, const struct ph_probe_found *f)
{
	struct verb *w = arg;
	ph_autofree char *usdt = f->provider ? ph_asprintf("%s:%s", f->provider, f->function) : NULL;
	struct ph_cell *row;

	if (w->fmt.max_entries && !w->fmt.sort && w->found == w->fmt.max_entries)
		return -EPIPE;
	w->found++;
	row = ph_table_row(&w->table);
	ph_cell_str(&row[COL_PROBE], f->text);
	ph_cell_str(&row[COL_KIND], ph_probe_kind_name(f->kind));
	ph_cell_str(&row[COL_PATH], f->path);
	ph_cell_str(&row[COL_FUNCTION], usdt ? usdt : f->function);
	ph_cell_str(&row[COL_SHOWN], f->shown);
	ph_cell_str(&row[COL_ARGS], f->args);
	if (f->kind != PH_PROBE_TRACEPOINT && f->kind != PH_PROBE_KPROBE)
		ph_cell_u64(&row[COL_OFFSET], f->offset);
	if (f->size)
		ph_cell_u64(&row[COL_SIZE], f->size);
	return w->table.rows.n >= LINES && flush(w) < 0 ? -EPIPE : 0;
}

static void on_note(void *arg, const char *path, const char *why)
{
	(void)path;
	((struct verb *)arg)->failed++;
	ph_cmd_say(VERB, "%s", why);
}

static int list(struct verb *w, const char *pattern)
{
	ph_probe_processes procs = { 0 };
	struct ph_err err = { 0 };
	int r = 0;

	if (!ph_probe_is_kernel(pattern))
		r = ph_probe_select(&w->sel, &procs, &err);
	if (r < 0) {
		ph_vec_done(&procs);
		return ph_cmd_fail(VERB, &err);
	}
	ph_table_init(&w->table, cols, COL_MAX);
	r = ph_probe_list(&procs, pattern, true, on_found, on_note, w);
	ph_vec_done(&procs);
	if (r == -EPIPE)
		r = 0;
	if (w->fmt.sort) {
		ph_table_print(&w->table, &w->fmt, ph_cmd_width(), &w->out, NULL);
		r = ph_cmd_flush(&w->out);
	} else if (r >= 0) {
		r = flush(w);
	}
	if (r < 0 && r != -EPIPE) {
		ph_err_sys(&err, r, "cannot write the output");
		return ph_cmd_fail(VERB, &err);
	}
	if (!w->found) {
		ph_cmd_say(VERB, "nothing%s%s%s can be probed", pattern ? " that matches '" : "", pattern ? pattern : "",
			pattern ? "'" : "");
		return PH_EXIT_FAILED;
	}
	return PH_EXIT_OK;
}

int ph_cmd_probes(int argc, char **argv)
{
	struct verb w = { 0 };
	struct ph_opt sel_opts[PH_SELECTION_NOPTS], output[PH_TABLE_NOPTS];
	struct ph_opt_group groups[] = { { "Selection", sel_opts }, { "Output", output }, { 0 } };
	struct ph_err err = { 0 };
	ph_strv args = { 0 };
	const char *pattern;
	size_t dashdash;
	int r;

	ph_selection_opts(&w.sel, sel_opts);
	ph_table_opts(&w.fmt, output);
	r = ph_cmd_options(VERB, "Lists what can be probed: functions and USDT probes of the programs and libraries that the processes of\n"
			   "containers have mapped, tracepoints, and system calls among them; with kprobe: functions of the kernel.\n"
			   "PATTERN is a glob over whole lines, or a part of them.",
			   "  porthole probes -c web 'uprobe:*nginx:*http*'\n"
			   "  porthole probes -c web 'usdt:*'\n"
			   "  porthole probes tracepoint:syscalls:sys_enter_\n", groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	pattern = args.n ? args.v[0] : NULL;
	if (w.fmt.json_schema)
		r = ph_cmd_schema(cols, COL_MAX);
	else if (args.n > 1)
		r = ph_cmd_usage(VERB, "one pattern at a time, not also '%s'", args.v[1]);
	else if (ph_table_check(&w.fmt, cols, COL_MAX, &err) < 0 || ph_selection_check(&w.sel, &err) < 0)
		r = ph_cmd_usage(VERB, "%s", err.msg);
	else if (!ph_probe_is_kernel(pattern) && !w.sel.all && ph_selection_empty(&w.sel))
		r = ph_cmd_usage(VERB, "of what? -c NAME, another selection, -a for everything; or 'tracepoint:*', 'kprobe:*'");
	else
		r = list(&w, pattern);
out:
	ph_vec_done(&args);
	ph_table_done(&w.table);
	ph_table_more_done(&w.more);
	ph_selection_done(&w.sel);
	ph_strv_done(&w.fmt.fields);
	ph_buf_done(&w.out);
	return r;
}
