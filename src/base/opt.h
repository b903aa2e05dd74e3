/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BASE_OPT_H
#define PH_BASE_OPT_H

#include "base/err.h"
#include "base/vec.h"

/*
 * Command-line options as rows; the row is also the line of --help, the completion and what the
 * man page is checked against. Rows are grouped, so verbs share groups (selection, output).
 *
 *	struct ph_opt opts[] = {
 *		{ "duration", 'd', PH_OPT_DURATION, "TIME", &duration_ns, .help = "stop after TIME" },
 *		{ 0 }
 *	};
 *	struct ph_opt_group groups[] = { { "Options", opts }, { "Selection", sel_opts }, { 0 } };
 *
 * GNU habits: --name VALUE, --name=VALUE, -nVALUE, clusters, `--` ends options. Options after the
 * first argument are still options unless @stop_at_arg.
 */
enum ph_opt_kind {
	PH_OPT_FLAG,		/* bool *: true */
	PH_OPT_STR,		/* const char **: points into argv */
	PH_OPT_U64,		/* uint64_t * */
	PH_OPT_SIZE,		/* uint64_t *, bytes */
	PH_OPT_DURATION,	/* uint64_t *, ns */
	PH_OPT_LIST,		/* ph_strv *: comma list, appended at each use */
	PH_OPT_STRV,		/* ph_strv *: one string a use, commas kept */
	PH_OPT_CALL,		/* call(dst, value): for what the others cannot say */
};

struct ph_opt {
	const char *name;
	char c;
	enum ph_opt_kind kind;
	const char *arg;	/* metavariable; NULL for flags */
	void *dst;
	int (*call)(void *dst, const char *value, struct ph_err *err);
	const char *help;
};

struct ph_opt_group {
	const char *title;
	const struct ph_opt *opts;
};

/*
 * Parse @argv[1..]; *@ret_args receives the index-free rest (argv pointers, in order), and
 * *@ret_dashdash the index in it of the first argument after `--`, or SIZE_MAX.
 * 0; -EINVAL with a sentence; 1 when --help/-h was seen (the caller prints help).
 */
int ph_opt_parse(const struct ph_opt_group *groups, int argc, char **argv, ph_strv *ret_args,
		 size_t *ret_dashdash, struct ph_err *err);

/* Append the option groups as help text, wrapped to 80 columns. */
void ph_opt_help(const struct ph_opt_group *groups, struct ph_buf *out);

#endif
