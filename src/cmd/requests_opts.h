/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_REQUESTS_OPTS_H
#define PH_CMD_REQUESTS_OPTS_H

#include "analyze/requests.h"
#include "cmd/source_opts.h"

/* What the verbs share that look at requests: what begins and what ends one. */
struct ph_cmd_requests {
	const char *requests, *from, *to, *by;
	struct ph_requests_ask ask;	/* filled by check() and filters() */
	PH_VEC(const char *) need;
};

#define PH_CMD_REQUESTS_ROWS(q)												\
	{ "from", 0, PH_OPT_STR, "EVENT", &(q)->from, .help = "of requests that this event begins: its name, or a filter" },	\
	{ "to", 0, PH_OPT_STR, "EVENT", &(q)->to, .help = "and this one ends" },						\
	{ "by", 0, PH_OPT_STR, "PAIR", &(q)->by, .help = "which end belongs to which begin: that of the same task, or of the same fd (default task)" }

/* Was any asked for? */
bool ph_cmd_requests_asked(const struct ph_cmd_requests *q);
/*
 * Do the options go together? Of the running kernel, @s->need becomes @needed and what the filters are about. 0, or the exit code
 * after the sentence.
 */
int ph_cmd_requests_check(struct ph_cmd_requests *q, struct ph_cmd_source *s, const char *const *needed);
/* The source is open: what it alone knows the names of may be in the filters, too. */
int ph_cmd_requests_filters(struct ph_cmd_requests *q, struct ph_source *src, struct ph_err *err);
void ph_cmd_requests_done(struct ph_cmd_requests *q);

#endif
