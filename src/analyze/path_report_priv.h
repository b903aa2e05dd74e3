/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_PATH_REPORT_PRIV_H
#define PH_ANALYZE_PATH_REPORT_PRIV_H

/* What the reports of one path and of many share. */

#include "analyze/path_report.h"
#include "base/json.h"

/* path_table.c */
struct path_columns {
	const struct ph_col *cols;
	size_t n;
	const char *title;
};

#define PATH_CONTAINER_COL { "CONTAINER", "container", PH_COL_STR, .help = "whose task it is; empty: the host's" }
#define PATH_COMM_COL { "TASK", "comm", PH_COL_STR, .help = "name of the task" }
#define PATH_TASK_COLS PATH_COMM_COL, { "TID", "tid", PH_COL_S64, .help = "its id on the host" }
#define PATH_STATE_COLS									\
	{ "STATE", "state", PH_COL_STR, .help = "what it did, or was kept from it by" },	\
	{ "WHAT", "what", PH_COL_STR, .help = "limit, device, peer; who ran meanwhile; what kind of wait" }

extern const struct path_columns path_band_columns, path_diff_columns;	/* path_compare_report.c */

/* They fill cells from @c on, and return the next one. */
struct ph_cell *path_cell_container(struct ph_cell *c, const struct ph_path *p, uint32_t container);
struct ph_cell *path_cell_share(struct ph_cell *c, const struct ph_path *p, const struct ph_path_share *sh);
void path_fill_steps(struct ph_table *t, const struct ph_path *p, const struct ph_report_view *view);
/* A table as a section of the report, or alone; @fill adds its rows. */
int path_table_print(const struct ph_path *p, enum ph_path_table which, void (*fill)(struct ph_table *t, enum ph_path_table which,
		     void *arg), void *arg, const struct ph_report_view *view, struct ph_buf *out, struct ph_err *err);

/* path_json.c */
void path_json_container(struct ph_json *j, const struct ph_path *p, const char *key, uint32_t container);
void path_json_name(struct ph_json *j, const char *key, const char comm[16]);
void path_json_what(struct ph_json *j, const struct ph_path *p, const struct ph_path_share *sh);
/* The longest steps of the present path; @band: of which, NULL where there is but one. */
void path_json_steps(struct ph_json *j, const struct ph_path *p, const struct ph_report_view *view, const char *band);

/* path_text.c: "waiting for the disk vda", "sleeps of cron" */
void path_say_help(const struct ph_path *p, const struct ph_path_help *h, struct ph_buf *out);

#endif
