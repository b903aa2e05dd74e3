/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_COLLECT_OPTS_H
#define PH_CMD_COLLECT_OPTS_H

#include <sys/types.h>

#include "base/opt.h"
#include "collect/collect.h"

/*
 * What the verbs share that let the kernel record: their options, the command behind --, when it is
 * over, and what is told on standard error.
 */
#define PH_CMD_COLLECT_NOPTS 6

struct ph_cmd_collect {
	const char *verb;
	/* The options. */
	struct ph_selection sel;
	ph_strv events, contexts;
	const char *filter;
	uint64_t duration_ns, ring_bytes, capture_bytes;
	bool wait;
	struct ph_opt rows[PH_CMD_COLLECT_NOPTS], sel_rows[PH_SELECTION_NOPTS];

	bool any_events;	/* those that this kernel lacks are only mentioned, though they were named */
	/*
	 * What is not selected is recorded too, for who looks at neighbours: the verb itself asks the
	 * selection, in which the command's process is then.
	 */
	ph_strv stacks_of;	/* events with the stacks of their task */
	uint64_t sample_hz;
	bool everybody, block_changes;	/* as of struct ph_collect_opts */
	char **command;		/* NULL: none */
	struct ph_collect *c;

	struct ph_collect_opts opts;
	bool chosen[PH_EV_ID_MAX], with_stack[PH_EV_ID_MAX];
	struct ph_filter *parsed;
	int32_t *pids;
	struct {
		pid_t pid;
		int go;		/* the child waits for a byte or the end here; -1: there is no command */
		int status;
		bool ended;
	} child;
	uint64_t begun_ns, told_ns, told_events;
	bool there;		/* with --wait: a container was seen */
	bool status_line, status_shown;
};

/* Options and their rows: rows (under "Recording") and sel_rows ("Selection"). */
void ph_cmd_collect_init(struct ph_cmd_collect *a, const char *verb);
/* The command is @args from @dashdash on. Checks and parses all options: 0 or the exit code. */
int ph_cmd_collect_check(struct ph_cmd_collect *a, ph_strv *args, size_t dashdash);
/* Starts the command, which waits, loads the kernel side; an event that was asked for must be there. */
int ph_cmd_collect_open(struct ph_cmd_collect *a, struct ph_err *err);
/* Lets the command begin; --duration counts from now. */
int ph_cmd_collect_go(struct ph_cmd_collect *a, struct ph_err *err);
/* Is the time over, the command at its end, or Ctrl-C pressed? */
bool ph_cmd_collect_over(struct ph_cmd_collect *a);
/* Until the buffers should be drained again, or the time is over. */
void ph_cmd_collect_sleep(const struct ph_cmd_collect *a);
/* The line that is renewed each second; on where standard error is a terminal and @on. @bytes: 0: none. */
void ph_cmd_collect_status(struct ph_cmd_collect *a, uint64_t bytes);
void ph_cmd_collect_status_end(struct ph_cmd_collect *a);
/* What was not recorded and why, in the end; of a trace that was @recorded, also what its stacks took. */
void ph_cmd_collect_notes(const struct ph_cmd_collect *a, bool recorded);
/* Of these, only which events were missed (struct ph_missed). */
void ph_cmd_collect_missed(const struct ph_cmd_collect *a);
void ph_cmd_collect_done(struct ph_cmd_collect *a);

#endif
