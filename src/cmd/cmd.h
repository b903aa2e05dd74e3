/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_CMD_H
#define PH_CMD_CMD_H

#include "base/opt.h"
#include "base/table.h"

/* Exit codes, the same for every verb. */
enum ph_exit {
	PH_EXIT_OK = 0, PH_EXIT_FAILED = 1, PH_EXIT_USAGE = 2, PH_EXIT_LOST = 3,
	PH_EXIT_INTERRUPTED = 128,	/* of main() alone: the process ends by the signal */
};

/* A verb: one row of commands.def, one file of this folder. argv[0] is the verb. */
struct ph_cmd {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *args;	/* "[-c NAME] [options]": behind the verb in usage lines */
	const char *summary;	/* half a line, for `porthole --help` */
};

extern const struct ph_cmd ph_cmds[];	/* ends with name NULL */

#define PH_CMD_AS(name_, verb_, args_, summary_) int ph_cmd_##name_(int argc, char **argv);
#define PH_CMD(name_, args_, summary_) PH_CMD_AS(name_, #name_, args_, summary_)
#include "cmd/commands.def"
#undef PH_CMD
#undef PH_CMD_AS

/* The questions of `porthole why`. */
#define PH_WHY(name_, summary_) int ph_cmd_why_##name_(int argc, char **argv);
#include "cmd/why.def"
#undef PH_WHY

/*
 * Parse a verb's options. Prints help (exit OK) or the error with a pointer to --help (exit USAGE)
 * itself. Returns -1 to go on, else the exit code. @intro: a paragraph for --help, may be NULL;
 * @examples likewise, printed last.
 */
int ph_cmd_options(const char *verb, const char *intro, const char *examples,
		   const struct ph_opt_group *groups, int argc, char **argv, ph_strv *ret_args,
		   size_t *ret_dashdash);

/* "porthole VERB: message" on stderr, escaped for a terminal. */
void ph_cmd_say(const char *verb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Likewise; returns PH_EXIT_FAILED. */
int ph_cmd_fail(const char *verb, const struct ph_err *err);
int ph_cmd_usage(const char *verb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * Which of @names, which end with NULL, the word behind @option is. 0, or the exit code after the sentence:
 * "--by takes container, pod or task, not 'week'".
 */
int ph_cmd_choice(const char *verb, const char *option, const char *const *names, const char *word, unsigned int *ret);

/*
 * Write all of @b to stdout and clear it: 0 or a negative errno (-EPIPE when the reader has gone,
 * which verbs treat as a quiet end; -EINTR where *ph_cmd_stop; ENOSPC and the like are errors).
 */
int ph_cmd_flush(struct ph_buf *b);
/* Would it fail in any case? To be asked before a verb looks at anything for seconds. */
int ph_cmd_can_write(struct ph_err *err);

/* --json-schema of a verb that prints these columns; the exit code. */
int ph_cmd_schema(const struct ph_col *cols, size_t n);

/*
 * Ctrl-C and SIGTERM end a verb in good order from here on: the first sets ph_cmd_interrupted, the
 * second ph_cmd_hurry.
 */
void ph_cmd_catch_signals(void);
extern volatile bool ph_cmd_interrupted, ph_cmd_hurry;
/* Which of the two ends what is under way: the second of the running kernel, whose recording the first ends; of a trace the first. */
extern const volatile bool *ph_cmd_stop;
/*
 * From here on they end the process, after a sentence: of what was read so far there could only be a result that
 * looks like that of the whole trace.
 */
void ph_cmd_end_at_once(const char *verb);
/* "porthole VERB: interrupted: WHAT" on stderr; returns PH_EXIT_INTERRUPTED. */
int ph_cmd_cut_short(const char *verb, const char *what);

/* Columns and lines of the terminal on stdout, 0 where it is none. */
unsigned int ph_cmd_width(void);
unsigned int ph_cmd_height(void);

#endif
