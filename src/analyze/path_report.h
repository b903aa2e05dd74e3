/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_PATH_REPORT_H
#define PH_ANALYZE_PATH_REPORT_H

#include "analyze/path.h"
#include "analyze/report.h"

/* The sentence, without a line's end. Names are escaped for a terminal. */
void ph_path_verdict(const struct ph_path *p, struct ph_buf *out);
/* Sentences about what the stream lacks, and what that does to the path; one a call, until false. */
bool ph_path_note(const struct ph_path *p, unsigned int i, struct ph_buf *out);

/* "vda", "10.0.0.5:5432", "0.2 CPU at /pod"; nothing where there is nothing. */
void ph_path_thing_text(const struct ph_path *p, uint32_t what, struct ph_buf *out);
/* What a step or share of @state has to do with: its thing, who ran meanwhile, what kind of wait. */
void ph_path_what_text(const struct ph_path *p, enum ph_path_state state, uint32_t what, enum ph_wait wait, int32_t by_tid,
		       const struct ph_trail_who *by, struct ph_buf *out);
/* What would have to be faster: "nginx of web", "vda", "more CPU" */
void ph_path_help_text(const struct ph_path *p, const struct ph_path_help *h, struct ph_buf *out);

enum ph_path_table {
	PH_PATH_CONTAINERS, PH_PATH_SHARES, PH_PATH_HELP, PH_PATH_STEPS,
	PH_PATH_BANDS, PH_PATH_DIFFERENCES,	/* of many paths; and the steps of one of them */
	PH_PATH_TABLES
};
extern const char *const ph_path_tables[PH_PATH_TABLES + 1];	/* ending with NULL */

/* What a container's tasks have of the path. */
struct ph_path_part {
	uint32_t container;
	uint64_t ns, state_ns[PH_PATH_STATES];
};
/* Of all containers on it, the most first; the caller frees *@ret. */
size_t ph_path_parts(const struct ph_path *p, struct ph_path_part **ret);

int ph_path_check(const struct ph_report_view *view, struct ph_err *err);
void ph_path_schema(enum ph_path_table table, struct ph_buf *out);
/* All of it, for eyes, or as JSON or CSV by view->fmt.output. */
int ph_path_report(const struct ph_path *p, const struct ph_report_view *view, struct ph_buf *out, struct ph_err *err);
/* path_json.c: an object a line, `kind` says of what. */
void ph_path_json(const struct ph_path *p, const struct ph_report_view *view, struct ph_buf *out);

#endif
