/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"

#define OUTPUT_ROWS 8	/* of a verb, in the place of -o */

/* The tables' own rows; of a verb that has forms beside tables, its -o. */
static void add_output(struct ph_cmd_report *r, struct ph_opt *rows)
{
	struct ph_opt table[PH_TABLE_NOPTS];
	size_t n = 0;

	ph_table_opts(&r->view->fmt, table);
	while (r->output && n < OUTPUT_ROWS && r->output[n].name) {
		rows[n] = r->output[n];
		n++;
	}
	memcpy(rows + n, table + !!n, sizeof(table) - !!n * sizeof(table[0]));
}

static int choose_table(struct ph_cmd_report *r)
{
	const struct ph_cmd_report_verb *v = r->verb;

	r->view->table = v->table;
	r->view->alone = r->table != NULL;
	return r->table ? ph_cmd_choice(v->name, v->table_option, v->tables, r->table, &r->view->table) : 0;
}

static int print_schema(struct ph_cmd_report *r)
{
	r->verb->schema(r->arg, &r->out);
	return ph_cmd_flush(&r->out) < 0 ? PH_EXIT_FAILED : PH_EXIT_OK;
}

static int check(struct ph_cmd_report *r, ph_strv *args, size_t dashdash)
{
	const struct ph_cmd_report_verb *v = r->verb;
	struct ph_err err = { 0 };
	int rc;

	if (v->columns && v->columns(r->arg, &err) < 0)
		return ph_cmd_usage(v->name, "%s", err.msg);
	rc = v->check ? v->check(r->arg, args, dashdash) : 0;
	if (!rc)
		rc = ph_cmd_source_check(&r->s, args, dashdash);
	return rc || !v->ready ? rc : v->ready(r->arg);
}

/* Everything is fed: who ran or waited meanwhile may not be selected. The analysis selects by itself. */
static int begin(struct ph_cmd_report *r, struct ph_err *err)
{
	struct ph_run *run = &r->s.run;

	run->event = r->verb->feed;
	run->arg = r->arg;
	run->follow = &r->s.co.sel;
	run->sel = NULL;
	r->view->width = ph_cmd_width();
	r->view->offset_ns = run->src->offset_ns;
	r->view->utc = r->s.utc;
	return r->verb->begin(r->arg, err);
}

/* What goes on at the end goes on until then. */
static uint64_t looked_at_until(const struct ph_cmd_source *s)
{
	uint64_t end = s->run.src->end_ns;

	return s->run.end_ns && s->run.end_ns < end ? s->run.end_ns : end;
}

static int look(struct ph_cmd_report *r)
{
	const struct ph_cmd_report_verb *v = r->verb;
	struct ph_err err = { 0 };
	int rc = ph_cmd_source_open(&r->s);

	if (rc)
		return rc;
	if (begin(r, &err) < 0)
		return ph_cmd_fail(v->name, &err);
	rc = ph_cmd_source_run(&r->s, &err);
	if (rc >= 0)
		rc = v->finish(r->arg, looked_at_until(&r->s), &err);
	if (rc >= 0)
		rc = v->report(r->arg, &r->out, &err);
	return ph_cmd_source_report(&r->s, &r->out, rc, &err);
}

static int run(struct ph_cmd_report *r, ph_strv *args, size_t dashdash)
{
	int rc = choose_table(r);

	if (rc)
		return rc;
	if (r->view->fmt.json_schema)
		return print_schema(r);
	rc = check(r, args, dashdash);
	if (rc)
		return rc;
	r->s.co.status_line = isatty(STDERR_FILENO);
	return look(r);
}

int ph_cmd_report(struct ph_cmd_report *r, int argc, char **argv)
{
	const struct ph_cmd_report_verb *v = r->verb;
	struct ph_opt output[OUTPUT_ROWS + PH_TABLE_NOPTS];
	struct ph_opt_group groups[3 + PH_CMD_SOURCE_NGROUPS] = { { "Options", r->opts }, { "Output", output } };
	ph_strv args = { 0 };
	size_t dashdash;
	int rc;

	ph_cmd_source_init(&r->s, v->name, groups + 2);
	r->s.need = v->need;
	r->s.one_result = true;
	r->s.co.everybody = v->everybody;
	add_output(r, output);
	rc = ph_cmd_options(v->name, v->intro, v->examples, groups, argc, argv, &args, &dashdash);
	if (rc < 0)
		rc = run(r, &args, dashdash);
	ph_vec_done(&args);
	ph_cmd_source_done(&r->s);
	v->done(r->arg);
	ph_buf_done(&r->out);
	ph_strv_done(&r->view->fmt.fields);
	return rc;
}

struct ph_selection *ph_cmd_report_selection(struct ph_cmd_report *r)
{
	return ph_selection_empty(&r->s.co.sel) ? NULL : &r->s.co.sel;
}
