/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_SOURCE_OPTS_H
#define PH_CMD_SOURCE_OPTS_H

#include "cmd/collect_opts.h"
#include "record/record.h"
#include "view/run.h"

/*
 * What the verbs share that look at events, of a trace or of the running kernel: the options, opening
 * the one or the other, the loop, and what is told on standard error.
 *
 *	struct ph_cmd_source s;
 *	struct ph_opt_group groups[2 + PH_CMD_SOURCE_NGROUPS] = { { "Options", opts } };
 *
 *	ph_cmd_source_init(&s, "why", groups + 1);
 *	s.need = (const char *const[]){ "sched", "cgroup", NULL };	// or a row for -e: s.co.events
 *	r = ph_cmd_options("why", …, groups, argc, argv, &args, &dashdash);
 *	if (r < 0)
 *		r = ph_cmd_source_check(&s, &args, dashdash);
 *	if (!r)
 *		r = ph_cmd_source_open(&s);
 *	if (!r) {
 *		s.run.event = …; s.run.arg = …;
 *		rc = ph_cmd_source_run(&s, &err);
 *		… make the report in a buffer …
 *		r = ph_cmd_source_report(&s, &out, rc, &err);
 *	}
 *	ph_cmd_source_done(&s);
 *
 * Between check and open s.trace says whether it will be a trace; after open, s.run.src->live.
 */
#define PH_CMD_SOURCE_NGROUPS 3
#define PH_CMD_SOURCE_NOPTS 9

struct ph_cmd_source {
	struct ph_cmd_collect co;	/* selection, filter, -e; what goes for recording */
	const char *trace, *begin, *end, *range, *dir;
	bool utc, strict;
	struct ph_opt rows[PH_CMD_SOURCE_NOPTS];

	/* The verb's wishes, between init and check. */
	/* Words of -e that it needs of a kernel, ending with NULL; all that is recorded is handed over. */
	const char *const *need;
	bool positional;		/* an argument is the trace, as -r is */
	bool one_result;		/* nothing is printed before the end: of a trace that is not read to its end nothing at all */
	/* Between open and run: what is to be done whenever the running kernel has nothing new. */
	int (*tick)(void *arg, struct ph_err *err);

	/*
	 * run.event, run.arg, run.max are the verb's. Of the running kernel only what was chosen is
	 * handed over, as the kernel chose it: run.sel is NULL then.
	 */
	struct ph_run run;
	struct ph_evset events;
	struct ph_source *live;		/* inside of run.src */
	struct ph_recorder *recorder;
	bool stopped;
	bool cut_short;			/* set by a verb whose result is not all that was asked for, as a signal came */
};

/* Fills @groups from its first on ("Source", "Recording", "Selection") and ends them. */
void ph_cmd_source_init(struct ph_cmd_source *s, const char *verb, struct ph_opt_group *groups);
/* Check all options: 0, or the exit code after the sentence. */
int ph_cmd_source_check(struct ph_cmd_source *s, ph_strv *args, size_t dashdash);
/* Open; begins to record where it is the kernel. 0, or the exit code after the sentence. */
int ph_cmd_source_open(struct ph_cmd_source *s);
/*
 * The whole loop: to the end of the trace, of the range, the duration, the command; Ctrl-C. 0, or as
 * ph_run(), -EINTR where that came too early; what was handed over until then stays good.
 */
int ph_cmd_source_run(struct ph_cmd_source *s, struct ph_err *err);
/* A selection that met nothing says so, and what is there: -ENOENT with that sentence. */
int ph_cmd_source_nothing(struct ph_cmd_source *s, struct ph_err *err);
/* Writes the report @out, where @rc is no error; then as ph_cmd_source_end(). */
int ph_cmd_source_report(struct ph_cmd_source *s, struct ph_buf *out, int rc, struct ph_err *err);
/*
 * When the output is written: completes the trace of -w, says what there is to say of losses and of
 * what matched nothing, and of the error @rc (-EPIPE is none). Returns the exit code.
 */
int ph_cmd_source_end(struct ph_cmd_source *s, int rc, struct ph_err *err);
void ph_cmd_source_done(struct ph_cmd_source *s);

#endif
