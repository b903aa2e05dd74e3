/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_TOP_VIEW_PRIV_H
#define PH_LIVE_TOP_VIEW_PRIV_H

#include "live/top_view.h"

/* ---- top_view.c: where one is, what keys do ----------------------------------------------------------- */

/* The column that this is sorted by, and how: of @show. */
static inline enum ph_top_show ph_top_view_sorted_as(enum ph_top_show show)
{
	return show == PH_SHOW_GROUPS ? PH_SHOW_CONTAINERS : show;
}

const struct ph_top_row *ph_top_view_row(const struct ph_top_view *v, const char *key);
/* Is it among what the user selected? Without the host, unless that was asked for. */
bool ph_top_view_wanted(void *arg, const struct ph_top_row *r);
/* Whatever was looked at before: does whoever made the view want to see it? */
bool ph_top_view_chosen(void *arg, const struct ph_top_row *r);

/* Is that of the running machine alone? */
static inline bool ph_top_view_live_only(enum ph_top_show show)
{
	return show != PH_SHOW_CONTAINERS && show != PH_SHOW_GROUPS && show != PH_SHOW_REPORT && show != PH_SHOW_VIEWS;
}

void ph_top_view_say(struct ph_top_view *v, const char *text);
/* What the selected row stands for, or, where rows are not anybody's, what is looked at; false: nothing. */
bool ph_top_view_target(const struct ph_top_view *v, struct ph_top_place *ret);
/* In the place of another one of files, sockets and reports: one goes back to what was selected, not through all of them. */
void ph_top_view_go_beside(struct ph_top_view *v, struct ph_top_place p);
void ph_top_place_done(struct ph_top_place *p);

/* What F2 offers. */
struct ph_top_view_kind {
	const char *name, *what;
	enum ph_top_show show;
	enum ph_top_by by;
	bool guests;
};
extern const struct ph_top_view_kind ph_top_view_kinds[];	/* ends with name NULL */

/* ---- top_reports.c ------------------------------------------------------------------------------------ */

void ph_top_view_of_selected(struct ph_top_view *v, enum ph_top_show show);
void ph_top_view_calls(struct ph_top_view *v);
void ph_top_view_throttled(struct ph_top_view *v);
void ph_top_view_profile(struct ph_top_view *v);
void ph_top_view_inspect(struct ph_top_view *v);

/* ---- top_draw.c, top_fit.c ---------------------------------------------------------------------------- */

struct ph_top_rows {
	struct ph_table table;
	struct ph_col cols[PH_TOP_SCREEN_NCOLS];
	struct ph_u64map keys;		/* cells -> key */
	struct ph_u64map of;		/* cells -> struct ph_top_row */
	ph_strv owned;			/* keys that are nobody else's */
	ph_top_groups groups;
};

bool ph_top_view_of_containers(enum ph_top_show show);
/* The rows that are on the screen (v->first, v->rows_n), with a heading; takes away the others. */
void ph_top_fit(struct ph_top_view *v, struct ph_top_rows *rows, unsigned int width, struct ph_buf *out);
void ph_top_want_fitting(struct ph_top_view *v);

/* ---- top_lines.c ------------------------------------------------------------------------------------- */

/* Cut to the width; a terminal that has no UTF-8 gets one ? for each other character. */
void ph_top_put_line(struct ph_top_view *v, enum ph_top_style style, const char *text, unsigned int width);
/*
 * Text of many lines as it fits: prose goes on in the next line, tables are cut, with their first @x cells to the
 * left of the screen.
 */
void ph_top_wrap(const char *text, unsigned int width, size_t x, ph_strv *out);
/* The machine's line, over as many lines as it takes. */
void ph_top_put_host(struct ph_top_view *v, unsigned int width);
void ph_top_put_help(struct ph_top_view *v, unsigned int width);
/* The keys that do something here, the most useful first: as many as there is room for. */
void ph_top_put_keys(struct ph_top_view *v, unsigned int width);

#endif
