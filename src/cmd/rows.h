/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_ROWS_H
#define PH_CMD_ROWS_H

#include "cmd/source_opts.h"
#include "live/snoop.h"

/* What the verbs share that print a row for each thing that happened: trace, probe. */
struct ph_cmd_rows {
	struct ph_cmd_source s;
	struct ph_snoop_opts o;
	struct ph_snooping *snooping;	/* the verb makes it, before the first event */
	struct ph_buf out;
	uint64_t printed;
};

/* As ph_cmd_source_init(), with a help of --filter's own: it is over columns. */
void ph_cmd_rows_init(struct ph_cmd_rows *w, const char *verb, const char *filter_help, struct ph_opt_group *groups);
/* Of an option --min TIME, for PH_OPT_CALL with &w->o. */
int ph_cmd_rows_min(void *opts, const char *value, struct ph_err *err);
/* As ph_cmd_source_open(); events go to @event, with @arg, of which @w is the first member. */
int ph_cmd_rows_open(struct ph_cmd_rows *w, int (*event)(void *arg, const struct ph_event *ev, struct ph_err *err));
int ph_cmd_rows_feed(struct ph_cmd_rows *w, const struct ph_event *ev, struct ph_err *err);
void ph_cmd_rows_done(struct ph_cmd_rows *w);

#endif
