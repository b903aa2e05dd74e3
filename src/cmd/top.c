/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/rounds.h"
#include "cmd/top_screen.h"
#include "live/top.h"

#define VERB "top"

struct top {
	struct ph_rounds rounds;
	bool batch, begun;
};

static int print(void *arg, uint64_t unix_ns, struct ph_err *err)
{
	struct top *top = arg;
	const struct ph_top *t = &top->rounds.t;
	struct ph_table_fmt fmt = top->rounds.fmt;
	ph_autobuf out = { 0 };
	struct ph_table table;
	int r;

	ph_rounds_missing(&top->rounds, &top->rounds.fmt);
	ph_table_init(&table, ph_top_cols, PH_TOP_NCOLS);
	for (size_t i = 0; i < t->rows.n; i++)
		if (t->rows.v[i] && ph_rounds_shown(&top->rounds, t->rows.v[i]))
			ph_top_fill(t, t->rows.v[i], unix_ns, ph_table_row(&table));
	if (fmt.output == PH_OUT_COLUMNS && !fmt.no_header) {
		if (top->begun)
			ph_buf_addc(&out, '\n');
		ph_top_host_line(t, &out);
		ph_buf_addc(&out, '\n');
	}
	fmt.no_header |= fmt.output == PH_OUT_CSV && top->begun;
	top->begun = true;
	r = ph_table_print(&table, &fmt, ph_cmd_width(), &out, err);
	ph_table_done(&table);
	if (r < 0)
		return r;
	r = ph_cmd_flush(&out);
	return r < 0 && r != -EPIPE ? ph_err_sys(err, r, "cannot write") : r;
}

static bool on_screen(void *arg, const struct ph_top_row *r)
{
	return ph_rounds_shown(arg, r);
}

static int screen(struct ph_rounds *rounds)
{
	const char *sort = rounds->fmt.sort;
	bool descending = sort[0] == '-';
	struct ph_top_view view;
	struct ph_err err = { 0 };
	int r;

	ph_top_view_init(&view, &rounds->t);
	for (size_t i = 0; i < PH_TOP_NCOLS; i++) {
		if (strcmp(sort + (descending || sort[0] == '+'), ph_top_cols[i].json))
			continue;
		view.sort[PH_SHOW_CONTAINERS] = i;
		view.ascending[PH_SHOW_CONTAINERS] = (ph_top_cols[i].type == PH_COL_STR) == descending;
	}
	view.wanted = on_screen;
	view.arg = rounds;
	if (rounds->s.trace) {
		r = ph_cmd_screen_trace(rounds, &view);
		ph_top_view_done(&view);
		return r;
	}
	r = ph_cmd_screen_run(&view, rounds, &err);
	ph_top_view_done(&view);
	return ph_rounds_end(rounds, r, &err);
}

/* A terminal gets the full screen, unless tables were asked for. */
static bool wants_screen(const struct top *top)
{
	const struct ph_rounds *rs = &top->rounds;

	return !top->batch && !rs->count && rs->fmt.output == PH_OUT_COLUMNS && !rs->fmt.fields.n &&
	       ph_cmd_screen_possible();
}

static int run(struct top *top)
{
	struct ph_rounds *rs = &top->rounds;
	int r;

	/* The machine as a whole stands above eyes' tables in words; elsewhere it is a row. */
	rs->host_apart = rs->fmt.output == PH_OUT_COLUMNS;
	ph_top_wanted(&rs->fmt, &rs->want);
	rs->print = print;
	rs->arg = top;
	if (rs->s.trace)
		return wants_screen(top) ? screen(rs) : ph_rounds_trace(rs);
	r = ph_rounds_start(rs);
	if (r)
		return r;
	return wants_screen(top) ? screen(rs) : ph_rounds_run(rs);
}

int ph_cmd_top(int argc, char **argv)
{
	struct top top = { .rounds = { .verb = VERB, .interval_ns = PH_NSEC, .fmt.sort = "-cpu_percent" } };
	struct ph_rounds *rs = &top.rounds;
	struct ph_opt out_opts[PH_TABLE_NOPTS];
	const struct ph_opt own[] = {
		{ "interval", 'i', PH_OPT_DURATION, "TIME", &rs->interval_ns, .help = "between two looks (default 1s)" },
		{ "count", 'n', PH_OPT_U64, "N", &rs->count, .help = "end after N intervals" },
		{ "batch", 'b', PH_OPT_FLAG, NULL, &top.batch, .help = "a table each interval, one below the other, also on a terminal" },
		{ "no-bpf", 0, PH_OPT_FLAG, NULL, &rs->want.no_bpf, .help = "only what files tell: no system calls, and nothing is loaded into the kernel" },
		{ 0 },
	};
	struct ph_opt_group groups[3 + PH_CMD_SOURCE_NGROUPS] = { { "Options", own }, { "Output", out_opts } };
	struct ph_opt *sel_opts = rs->s.co.sel_rows;
	ph_strv args = { 0 };
	size_t dashdash;
	int r;

	ph_rounds_init(rs, groups + 2);
	/* As of every top, -n is the number of looks. */
	for (size_t i = 0; i < PH_SELECTION_NOPTS; i++)
		if (sel_opts[i].c == 'n')
			sel_opts[i].c = 0;
	ph_table_opts(&rs->fmt, out_opts);
	r = ph_cmd_options(VERB, "Shows what each container of this host uses, interval by interval: CPU time and what kept it "
			   "from\nthe CPU, memory, disks, network. Also without root, as far as that may be seen.",
			   "  porthole top -b -n 5\n"
			   "  porthole top -b -n 1 -i 10s -o json -c web | jq .cpu_percent\n"
			   "  porthole top -r trace -i 10s\n"
			   "  porthole top -b --sort -io_read_bytes_per_s --fields container,io_read_bytes_per_s\n",
			   groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	if (rs->fmt.json_schema) {
		r = ph_cmd_schema(ph_top_cols, PH_TOP_NCOLS);
		goto out;
	}
	for (size_t i = 0; i < args.n; i++)
		ph_strv_add(&rs->s.co.sel.container, args.v[i]);
	r = ph_rounds_check(rs);
	if (!r)
		r = run(&top);
out:
	ph_vec_done(&args);
	ph_rounds_done(rs);
	return r;
}
