/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_TOP_VIEW_H
#define PH_LIVE_TOP_VIEW_H

#include "live/top_files.h"
#include "live/top_group.h"
#include "live/top_replay.h"

/*
 * The full-screen view without a screen: keys go in, lines come out. What draws them (ncurses, a test) knows
 * nothing of containers, and nothing here knows of terminals.
 */
enum ph_top_key {	/* below: characters */
	PH_KEY_UP = 0x200000, PH_KEY_DOWN, PH_KEY_PAGE_UP, PH_KEY_PAGE_DOWN, PH_KEY_HOME, PH_KEY_END, PH_KEY_ENTER,
	PH_KEY_BACK, PH_KEY_ESCAPE, PH_KEY_SORT, PH_KEY_LEFT, PH_KEY_RIGHT, PH_KEY_VIEWS,
};

enum ph_top_style { PH_STYLE_PLAIN, PH_STYLE_HEAD, PH_STYLE_SELECTED, PH_STYLE_TITLE, PH_STYLE_WARN, PH_STYLE_KEYS };

struct ph_top_line {
	struct ph_buf text;	/* printable, no wider than the screen */
	enum ph_top_style style;
};

enum ph_top_show {
	PH_SHOW_CONTAINERS, PH_SHOW_GROUPS, PH_SHOW_PROCESSES, PH_SHOW_THREADS, PH_SHOW_FILES, PH_SHOW_SOCKETS,
	PH_SHOW_REPORT,		/* what a verb of porthole prints */
	PH_SHOW_VIEWS,		/* what can be looked at */
	PH_SHOW_N,
};

/* What rows of containers have on the screen besides top.def: the past, and how many containers a group has. */
enum { PH_TOP_COL_SPARK = PH_TOP_NCOLS, PH_TOP_COL_MEMBERS, PH_TOP_SCREEN_NCOLS };

/* What is looked at; they lie one above the other, the way back out. */
struct ph_top_place {
	enum ph_top_show show;
	enum ph_top_by by;	/* what groups are of */
	bool guests;		/* guests of KVM alone */
	char *group;		/* the one that is looked into, NULL: none */
	char *container, *name;	/* likewise the container: its key, and what eyes know it by */
	int32_t pid;		/* and the process, 0: all of them */
	char *selected_key;	/* while another place is above it */
};

struct ph_top_report {
	unsigned int serial;	/* another number: another command is to be run */
	ph_strv command;	/* arguments of porthole */
	const char *what;
	struct ph_buf text;	/* as far as it has come */
	bool running;
	uint64_t begun_ns;	/* Unix time when it was drawn first, 0: not yet */
	size_t x;		/* how far tables are moved to the left */
};

struct ph_top_view {
	struct ph_top *t;
	ph_top_wanted_fn wanted;	/* NULL: all */
	void *arg;
	bool utf8;		/* of the terminal */
	PH_VEC(struct ph_top_place) places;
	struct ph_top_procs procs;
	struct ph_top_files files;
	struct ph_top_report report;
	struct ph_top_replay replay;
	struct ph_buf filter;
	struct ph_buf note;	/* why a key did nothing, until the next one */
	uint32_t levels;	/* that are wanted whatever is on the screen */
	bool typing, help, tree, paused;
	size_t sort[PH_SHOW_N];	/* a column; groups have that of containers */
	bool ascending[PH_SHOW_N];
	size_t selected, first;	/* of the rows; the first on the screen */
	char *selected_key;	/* stays selected wherever it goes; NULL: the row does */
	ph_strv keys;		/* of the rows as drawn last */
	PH_VEC(size_t) fitting;	/* columns as drawn last */
	size_t widths[PH_TOP_SCREEN_NCOLS];	/* that they need; they do not shrink while one looks at them */
	unsigned int rows_at, rows_n;	/* where on the screen the rows are */
	PH_VEC(struct ph_top_line) lines;
};

void ph_top_view_init(struct ph_top_view *v, struct ph_top *t);
void ph_top_view_done(struct ph_top_view *v);
/* After each ph_top_round(); of a trace it is ph_top_view_arrived(). */
void ph_top_view_round(struct ph_top_view *v, uint64_t now_ns);
/* false: the user wants to leave. */
bool ph_top_view_key(struct ph_top_view *v, int key);
/* A click on line @y; @twice: a double one. */
void ph_top_view_click(struct ph_top_view *v, unsigned int y, bool twice);
/* Make v->lines: @height of them, each at most @width wide. @unix_ns: now, whatever is looked at. */
void ph_top_view_draw(struct ph_top_view *v, unsigned int width, unsigned int height, uint64_t unix_ns);

/*
 * Where PH_SHOW_REPORT is looked at, whoever draws runs `porthole` with v->report.command, once for each serial,
 * says what it prints, and that it has ended.
 */
void ph_top_view_report(struct ph_top_view *v, const char *text, size_t n);
void ph_top_view_report_end(struct ph_top_view *v);

static inline struct ph_top_place *ph_top_view_here(const struct ph_top_view *v)
{
	return &v->places.v[v->places.n - 1];
}

#endif
