/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cmd/cmd.h"
#include "cmd/scan_opts.h"
#include "cmd/top_screen.h"
#include "live/top.h"

#define VERB "top"

struct top {
	struct ph_selection sel;
	struct ph_table_fmt fmt;
	uint64_t interval_ns, duration_ns, count;
	bool batch;
	struct ph_top_want want;
	struct ph_top t;
	struct ph_buf told;	/* what is missing, as it was told last */
};

static uint64_t unix_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * PH_NSEC + (uint64_t)ts.tv_nsec;
}

/* The machine as a whole stands above eyes' tables in words; elsewhere it is a row. */
static bool shown(const struct top *top, const struct ph_top_row *r)
{
	const struct ph_selection *sel = &top->sel;

	if (r->hc->c.index != PH_CONTAINER_HOST)
		return ph_cmd_scan_match(sel, &top->t.scan, r->hc);
	if (sel->host || sel->all)
		return ph_cmd_scan_match(sel, &top->t.scan, r->hc);
	return ph_selection_empty(sel) && top->fmt.output != PH_OUT_COLUMNS;
}

static int print(struct top *top, bool first, struct ph_err *err)
{
	struct ph_table_fmt fmt = top->fmt;
	uint64_t now = unix_now_ns();
	ph_autobuf out = { 0 };
	struct ph_table table;
	int r;

	ph_table_init(&table, ph_top_cols, PH_TOP_NCOLS);
	for (size_t i = 0; i < top->t.rows.n; i++)
		if (top->t.rows.v[i] && shown(top, top->t.rows.v[i]))
			ph_top_fill(&top->t, top->t.rows.v[i], now, ph_table_row(&table));
	if (fmt.output == PH_OUT_COLUMNS && !fmt.no_header) {
		if (!first)
			ph_buf_addc(&out, '\n');
		ph_top_host_line(&top->t, &out);
		ph_buf_addc(&out, '\n');
	}
	fmt.no_header |= fmt.output == PH_OUT_CSV && !first;
	r = ph_table_print(&table, &fmt, ph_cmd_width(), &out, err);
	ph_table_done(&table);
	if (r < 0)
		return r;
	r = ph_cmd_flush(&out);
	return r < 0 && r != -EPIPE ? ph_err_sys(err, r, "cannot write") : r;
}

/* On standard error, and again only when it has changed. */
static void tell_missing(struct top *top)
{
	ph_autobuf now = { 0 };
	char *save = NULL;

	ph_top_missing(&top->t, &top->fmt, &now);
	if (!now.p || (top->told.p && !strcmp(top->told.p, now.p)))
		return;
	ph_buf_clear(&top->told);
	ph_buf_adds(&top->told, now.p);
	for (char *l = strtok_r(now.p, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		fprintf(stderr, "porthole %s: %s\n", VERB, l);
}

/* Until @at; Ctrl-C ends it. */
static void sleep_until(uint64_t at)
{
	struct timespec ts = { .tv_sec = (time_t)(at / PH_NSEC), .tv_nsec = (long)(at % PH_NSEC) };

	while (!ph_cmd_interrupted && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
		;
}

/* A selection that meets nobody says so, and who is there. */
static bool nobody(const struct top *top)
{
	for (size_t i = 0; i < top->t.rows.n; i++)
		if (top->t.rows.v[i] && shown(top, top->t.rows.v[i]))
			return false;
	return !ph_selection_empty(&top->sel);
}

static bool on_screen(void *arg, const struct ph_top_row *r)
{
	return shown(arg, r);
}

static int screen(struct top *top, struct ph_err *err)
{
	struct ph_top_view view;
	int r;

	ph_top_view_init(&view, &top->t);
	for (size_t i = 0; i < PH_TOP_NCOLS; i++) {
		bool descending = top->fmt.sort[0] == '-';

		if (strcmp(top->fmt.sort + (descending || top->fmt.sort[0] == '+'), ph_top_cols[i].json))
			continue;
		view.sort[PH_SHOW_CONTAINERS] = i;
		view.ascending[PH_SHOW_CONTAINERS] = (ph_top_cols[i].type == PH_COL_STR) == descending;
	}
	view.wanted = on_screen;
	view.arg = top;
	r = ph_cmd_screen_run(&view, top->interval_ns, top->duration_ns, err);
	ph_top_view_done(&view);
	return r < 0 ? ph_cmd_fail(VERB, err) : PH_EXIT_OK;
}

/* A terminal gets the full screen, unless tables were asked for. */
static bool wants_screen(const struct top *top)
{
	return !top->batch && !top->count && top->fmt.output == PH_OUT_COLUMNS && !top->fmt.fields.n &&
	       ph_cmd_screen_possible();
}

static int run(struct top *top, struct ph_err *err)
{
	uint64_t begun = ph_now_ns(), next = begun;
	int r = ph_top_round(&top->t, begun, err);

	if (r >= 0 && nobody(top))
		return ph_cmd_scan_none(VERB, &top->sel, &top->t.scan);
	if (r >= 0 && wants_screen(top))
		return screen(top, err);
	for (uint64_t n = 0; r >= 0 && (!top->count || n < top->count); n++) {
		uint64_t now;

		next += top->interval_ns;
		sleep_until(next);
		if (ph_cmd_interrupted)
			return PH_EXIT_OK;
		now = ph_now_ns();
		/* Who was stopped for a while does not make up for it. */
		if (now > next + top->interval_ns)
			next = now;
		r = ph_top_round(&top->t, now, err);
		if (r < 0)
			break;
		tell_missing(top);
		r = print(top, n == 0, err);
		if (top->duration_ns && now - begun >= top->duration_ns)
			break;
	}
	if (r == -EPIPE)
		r = 0;
	return r < 0 ? ph_cmd_fail(VERB, err) : PH_EXIT_OK;
}

static int check(struct top *top, ph_strv *args, struct ph_err *err)
{
	for (size_t i = 0; i < args->n; i++)
		ph_strv_add(&top->sel.container, args->v[i]);
	if (ph_selection_check(&top->sel, err) < 0 ||
	    ph_table_check(&top->fmt, ph_top_cols, PH_TOP_NCOLS, err) < 0)
		return ph_cmd_usage(VERB, "%s", err->msg);
	if (top->interval_ns < PH_NSEC / 20)
		return ph_cmd_usage(VERB, "--interval: at least 50ms");
	return PH_EXIT_OK;
}

int ph_cmd_top(int argc, char **argv)
{
	struct top top = { .interval_ns = PH_NSEC, .fmt.sort = "-cpu_percent" };
	struct ph_opt sel_opts[PH_SELECTION_NOPTS], out_opts[PH_TABLE_NOPTS];
	const struct ph_opt own[] = {
		{ "interval", 'i', PH_OPT_DURATION, "TIME", &top.interval_ns, .help = "between two looks (default 1s)" },
		{ "count", 'n', PH_OPT_U64, "N", &top.count, .help = "end after N intervals" },
		{ "duration", 'd', PH_OPT_DURATION, "TIME", &top.duration_ns, .help = "end after TIME" },
		{ "batch", 'b', PH_OPT_FLAG, NULL, &top.batch, .help = "a table each interval, one below the other, also on a terminal" },
		{ "no-bpf", 0, PH_OPT_FLAG, NULL, &top.want.no_bpf, .help = "only what files tell: no system calls, and nothing is loaded into the kernel" },
		{ 0 },
	};
	const struct ph_opt_group groups[] = {
		{ "Options", own }, { "Selection", sel_opts }, { "Output", out_opts }, { 0 },
	};
	struct ph_err err = { 0 };
	ph_strv args = { 0 };
	size_t dashdash;
	int r;

	ph_selection_opts(&top.sel, sel_opts);
	/* As of every top, -n is the number of looks. */
	for (size_t i = 0; i < PH_SELECTION_NOPTS; i++)
		if (sel_opts[i].c == 'n')
			sel_opts[i].c = 0;
	ph_table_opts(&top.fmt, out_opts);
	r = ph_cmd_options(VERB, "Shows what each container of this host uses, interval by interval: CPU time and what kept it "
			   "from\nthe CPU, memory, disks, network. Also without root, as far as that may be seen.",
			   "  porthole top -b -n 5\n"
			   "  porthole top -b -n 1 -i 10s -o json -c web | jq .cpu_percent\n"
			   "  porthole top -b --sort -io_read_bytes_per_s --fields container,io_read_bytes_per_s\n",
			   groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	if (top.fmt.json_schema) {
		r = ph_cmd_schema(ph_top_cols, PH_TOP_NCOLS);
		goto out;
	}
	r = check(&top, &args, &err);
	if (r == PH_EXIT_OK) {
		ph_cmd_catch_signals();
		ph_top_wanted(&top.fmt, &top.want);
		r = ph_top_open(&top.t, "/", &top.want, &err) < 0 ? ph_cmd_fail(VERB, &err) : run(&top, &err);
		ph_top_close(&top.t);
	}
out:
	ph_buf_done(&top.told);
	ph_vec_done(&args);
	ph_selection_done(&top.sel);
	ph_strv_done(&top.fmt.fields);
	return r;
}
