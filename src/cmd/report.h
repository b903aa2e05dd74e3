/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_REPORT_H
#define PH_CMD_REPORT_H

#include "analyze/report.h"
#include "cmd/source_opts.h"

/*
 * What the verbs share that hand all events to an analysis and end in its report: options, --table and --json-schema,
 * checks, a trace or the running kernel, the loop, and what is told of losses. A verb is the rows of its own options,
 * a struct with what they fill, and these functions over that:
 *
 *	struct verb {
 *		struct ph_cmd_report r;
 *		struct ph_report_view view;
 *		…
 *	} w = { .r = { .verb = &verb, .arg = &w, .view = &w.view, .opts = opts } };
 *
 *	return ph_cmd_report(&w.r, argc, argv);
 */
struct ph_cmd_report_verb {
	const char *name, *intro, *examples;
	/* Words of -e that it needs of a kernel, ending with NULL; check() may choose others (s.need). */
	const char *const *need;
	bool everybody;			/* the kernel is recorded whole: what is selected depends on others */
	/* What @table_option ("--table") takes, ending with NULL, and the number of what is meant without it. */
	const char *table_option;
	const char *const *tables;
	unsigned int table;

	void (*schema)(void *arg, struct ph_buf *out);
	/* In this order; each but columns, check and ready must be there. Those with @err return a negative errno. */
	/* Do --fields and --sort go with the table? */
	int (*columns)(void *arg, struct ph_err *err);
	/* The verb's own options, and with the source's, before these are checked: 0, or the exit code after the sentence. */
	int (*check)(void *arg, const ph_strv *args, size_t dashdash);
	/* All is checked and nothing opened yet: so, too. */
	int (*ready)(void *arg);
	/* The source is open: make the analysis. s.run is set up to hand everything to feed(). */
	int (*begin)(void *arg, struct ph_err *err);
	int (*feed)(void *arg, const struct ph_event *ev, struct ph_err *err);	/* as ph_run.event */
	/* The stream ended at @end_ns, 0: with its last event. -ENOENT: there is nothing to report of. */
	int (*finish)(void *arg, uint64_t end_ns, struct ph_err *err);
	int (*report)(void *arg, struct ph_buf *out, struct ph_err *err);
	void (*done)(void *arg);
};

struct ph_cmd_report {
	const struct ph_cmd_report_verb *verb;
	void *arg;
	struct ph_report_view *view;
	const struct ph_opt *opts;
	/* Rows in the place of the tables' -o, before their others; NULL: none. */
	const struct ph_opt *output;
	const char *table;		/* what table_option says, by the verb's row; NULL: nothing */

	struct ph_cmd_source s;
	struct ph_buf out;		/* the report; feed() may write it bit by bit */
};

/* The whole verb. Returns the exit code. */
int ph_cmd_report(struct ph_cmd_report *r, int argc, char **argv);
/* Whom the report is about; NULL: everybody. */
struct ph_selection *ph_cmd_report_selection(struct ph_cmd_report *r);

#endif
