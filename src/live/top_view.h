/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_TOP_VIEW_H
#define PH_LIVE_TOP_VIEW_H

#include "live/top_procs.h"

/*
 * The full-screen view without a screen: keys go in, lines come out. What draws them (ncurses, a test) knows
 * nothing of containers, and nothing here knows of terminals.
 */
enum ph_top_key {	/* below: characters */
	PH_KEY_UP = 0x200000, PH_KEY_DOWN, PH_KEY_PAGE_UP, PH_KEY_PAGE_DOWN, PH_KEY_HOME, PH_KEY_END, PH_KEY_ENTER,
	PH_KEY_BACK, PH_KEY_ESCAPE, PH_KEY_SORT, PH_KEY_LEFT, PH_KEY_RIGHT,
};

enum ph_top_style { PH_STYLE_PLAIN, PH_STYLE_HEAD, PH_STYLE_SELECTED, PH_STYLE_TITLE, PH_STYLE_WARN, PH_STYLE_KEYS };

struct ph_top_line {
	struct ph_buf text;	/* printable, no wider than the screen */
	enum ph_top_style style;
};

enum ph_top_show { PH_SHOW_CONTAINERS, PH_SHOW_PROCESSES, PH_SHOW_THREADS };

struct ph_top_view {
	struct ph_top *t;
	/* Is this container to be shown? NULL: all. */
	bool (*wanted)(void *arg, const struct ph_top_row *r);
	void *arg;
	bool utf8;		/* of the terminal */
	enum ph_top_show show;
	char *container;	/* key of the one that is looked into */
	char *container_name;
	int32_t pid;		/* process whose threads are shown */
	struct ph_top_procs procs;
	struct ph_buf filter;
	bool typing, help, tree, paused;
	size_t sort[3];		/* a column, for each of enum ph_top_show */
	bool ascending[3];
	size_t selected, first;	/* of the rows; the first on the screen */
	char *selected_key;	/* stays selected wherever it goes; NULL: the row does */
	ph_strv keys;		/* of the rows as drawn last */
	PH_VEC(size_t) fitting;	/* columns as drawn last */
	unsigned int rows_at, rows_n;	/* where on the screen the rows are */
	PH_VEC(struct ph_top_line) lines;
};

void ph_top_view_init(struct ph_top_view *v, struct ph_top *t);
void ph_top_view_done(struct ph_top_view *v);
/* After each ph_top_round(). */
void ph_top_view_round(struct ph_top_view *v, uint64_t now_ns);
/* false: the user wants to leave. */
bool ph_top_view_key(struct ph_top_view *v, int key);
/* A click on line @y; @twice: a double one. */
void ph_top_view_click(struct ph_top_view *v, unsigned int y, bool twice);
/* Make v->lines: @height of them, each at most @width wide. */
void ph_top_view_draw(struct ph_top_view *v, unsigned int width, unsigned int height, uint64_t unix_ns);

#endif
