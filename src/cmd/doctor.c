/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole doctor: what this machine allows, and what to change. */
#include <errno.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "cmd/cmd.h"
#include "collect/doctor.h"

enum { COL_AREA, COL_CHECK, COL_STATUS, COL_FOUND, COL_ADVICE, COL_MAX };

static const struct ph_col cols[COL_MAX] = {
	[COL_AREA] = { "AREA", "area", PH_COL_STR,
		       .help = "kernel, rights, cgroups, events (by group), features, extras, "
			       "trial, verdict" },
	[COL_CHECK] = { "CHECK", "check", PH_COL_STR, .help = "what was looked at" },
	[COL_STATUS] = { "STATUS", "status", PH_COL_STR,
			 .help = "yes, part (with less), no, unknown, or info (porthole works "
				 "either way)" },
	[COL_FOUND] = { "FOUND", "found", PH_COL_STR, .help = "what is there, or missing" },
	/* Sentences: in columns they stand below the table. */
	[COL_ADVICE] = { "ADVICE", "advice", PH_COL_STR, .hidden = true,
			 .help = "what it means, what to change" },
};

static struct ph_cell *add(struct ph_table *t, const char *area, const char *check,
			   const char *status, const char *found, const char *advice)
{
	struct ph_cell *row = ph_table_row(t);

	ph_cell_str(&row[COL_AREA], area);
	ph_cell_str(&row[COL_CHECK], check);
	ph_cell_str(&row[COL_STATUS], status);
	ph_cell_str(&row[COL_FOUND], found);
	ph_cell_str(&row[COL_ADVICE], advice);
	return row;
}

/* For what does not work: what to change. */
static void add_advice(const struct ph_doctor *d, struct ph_buf *out)
{
	int width = 0;

	ph_vec_each(c, d)
		if (c->advice && c->status != PH_CHECK_INFO && (int)strlen(c->name) > width)
			width = (int)strlen(c->name);
	if (!width)
		return;
	ph_buf_adds(out, "\nWhat it means, what to change:\n");
	ph_vec_each(c, d)
		if (c->advice && c->status != PH_CHECK_INFO)
			ph_buf_addf(out, "  %-*s  %s\n", width, c->name, c->advice);
}

static int print(const struct ph_doctor *d, const struct ph_table_fmt *fmt, struct ph_buf *out,
		 struct ph_err *err)
{
	ph_autofree char *verdict = ph_doctor_verdict(d);
	struct ph_table t;
	int r;

	ph_table_init(&t, cols, COL_MAX);
	ph_vec_each(c, d) {
		struct ph_cell *row = add(&t, c->area, c->name, ph_check_status_name(c->status),
					  c->found, c->advice);

		if (c->status == PH_CHECK_INFO && c->advice)
			ph_cell_text(&row[COL_FOUND], "%s (%s)", c->found, c->advice);
	}
	if (fmt->output != PH_OUT_COLUMNS)
		add(&t, "verdict", "record", d->works ? "yes" : "no", verdict, NULL);
	/* Never cut to the terminal's width: what is missing stands at the end of the line. */
	r = ph_table_print(&t, fmt, 0, out, err);
	ph_table_done(&t);
	if (r < 0 || fmt->output != PH_OUT_COLUMNS)
		return r;
	if (!fmt->fields.n)
		add_advice(d, out);
	ph_buf_addf(out, "\nVerdict: %s.\n", verdict);
	return r;
}

int ph_cmd_doctor(int argc, char **argv)
{
	struct ph_opt output[PH_TABLE_NOPTS];
	struct ph_opt_group groups[] = { { "Output", output }, { 0 } };
	struct ph_table_fmt fmt = { 0 };
	struct ph_doctor d = { 0 };
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };
	ph_strv args = { 0 };
	size_t dashdash;
	int r;

	ph_table_opts(&fmt, output);
	r = ph_cmd_options("doctor",
			   "Tells what can be recorded on this machine with this user's rights, and "
			   "for what cannot,\nwhy and what to change. Tries a recording of 100 ms "
			   "where it may. Works for any user.\nExits with 0 where recording works, "
			   "with 1 where it does not.",
			   "  porthole doctor\n"
			   "  porthole doctor -o json | jq 'select(.status == \"no\")'\n",
			   groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	if (args.n) {
		r = ph_cmd_usage("doctor", "'%s' is no option", args.v[0]);
		goto out;
	}
	if (ph_table_check(&fmt, cols, COL_MAX, &err) < 0) {
		r = ph_cmd_usage("doctor", "%s", err.msg);
		goto out;
	}
	if (fmt.json_schema) {
		r = ph_cmd_schema(cols, COL_MAX);
		goto out;
	}
	ph_doctor_run(&d, "/");
	r = print(&d, &fmt, &out, &err);
	if (r >= 0) {
		r = ph_cmd_flush(&out);
		if (r < 0 && r != -EPIPE)
			ph_err_sys(&err, r, "cannot write");
	}
	if (r < 0 && r != -EPIPE)
		r = ph_cmd_fail("doctor", &err);
	else
		r = d.works ? PH_EXIT_OK : PH_EXIT_FAILED;
	ph_doctor_done(&d);
out:
	ph_vec_done(&args);
	ph_strv_done(&fmt.fields);
	return r;
}
