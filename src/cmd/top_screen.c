/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal: ncurses draws what live/top_view.c makes, and takes its keys. */
#include "cmd/top_screen.h"

#include <errno.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/cmd.h"

#define NCURSES_NOMACROS
#define NCURSES_WIDECHAR 1
#include <ncurses.h>

bool ph_cmd_screen_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static bool color;

static attr_t attribute_of(enum ph_top_style style)
{
	switch (style) {
	case PH_STYLE_HEAD:
		return (color ? (attr_t)COLOR_PAIR(1) : A_UNDERLINE) | A_BOLD;
	case PH_STYLE_SELECTED:
		return A_REVERSE;
	case PH_STYLE_TITLE:
		return A_BOLD;
	case PH_STYLE_WARN:
		return (color ? (attr_t)COLOR_PAIR(2) : A_NORMAL) | A_BOLD;
	case PH_STYLE_KEYS:
		return color ? (attr_t)COLOR_PAIR(3) : A_DIM;
	default:
		return A_NORMAL;
	}
}

/*
 * Of sizes that follow each other closely ncurses may miss the last one, as its signal comes while the one before is being
 * asked for; and what a terminal made of the old lines is not what ncurses takes them for.
 */
static void follow_size(bool resized)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col && is_term_resized(size.ws_row, size.ws_col)) {
		resizeterm(size.ws_row, size.ws_col);
		resized = true;
	}
	if (resized)
		clearok(curscr, TRUE);
}

void ph_cmd_screen_draw(struct ph_cmd_screen *s)
{
	struct ph_top_view *v = s->v;
	struct timespec now;
	int height, width;

	getmaxyx(stdscr, height, width);
	clock_gettime(CLOCK_REALTIME, &now);
	ph_top_view_draw(v, width > 0 ? (unsigned int)width : 0, height > 0 ? (unsigned int)height : 0,
			 (uint64_t)now.tv_sec * PH_NSEC + (uint64_t)now.tv_nsec);
	erase();
	for (size_t y = 0; y < v->lines.n; y++) {
		attr_t attribute = attribute_of(v->lines.v[y].style);

		attrset((int)attribute);
		mvaddstr((int)y, 0, v->lines.v[y].text.p ? v->lines.v[y].text.p : "");
		/* A selected row is one to the right end. */
		if (v->lines.v[y].style == PH_STYLE_SELECTED || v->lines.v[y].style == PH_STYLE_HEAD)
			mvchgat((int)y, 0, -1, attribute & ~(attr_t)A_COLOR, (short)PAIR_NUMBER(attribute), NULL);
	}
	attrset(A_NORMAL);
	refresh();
}

static int key_of(int c)
{
	static const struct { int curses, key; } keys[] = {
		{ KEY_UP, PH_KEY_UP }, { KEY_DOWN, PH_KEY_DOWN }, { KEY_PPAGE, PH_KEY_PAGE_UP },
		{ KEY_NPAGE, PH_KEY_PAGE_DOWN }, { KEY_HOME, PH_KEY_HOME }, { KEY_END, PH_KEY_END },
		{ KEY_ENTER, PH_KEY_ENTER }, { '\n', PH_KEY_ENTER }, { '\r', PH_KEY_ENTER },
		{ KEY_BACKSPACE, PH_KEY_BACK }, { '\b', PH_KEY_BACK }, { 127, PH_KEY_BACK }, { 27, PH_KEY_ESCAPE },
		{ KEY_F(2), PH_KEY_VIEWS }, { KEY_F(6), PH_KEY_SORT }, { KEY_F(1), 'h' }, { KEY_F(10), 'q' }, { KEY_LEFT, PH_KEY_LEFT },
		{ KEY_RIGHT, PH_KEY_RIGHT },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].curses == c)
			return keys[i].key;
	return c < 256 ? c : 0;
}

static void mouse(struct ph_top_view *v)
{
	MEVENT ev;

	if (getmouse(&ev) != OK)
		return;
	if (ev.bstate & BUTTON4_PRESSED)
		ph_top_view_key(v, PH_KEY_UP);
#ifdef BUTTON5_PRESSED
	else if (ev.bstate & BUTTON5_PRESSED)
		ph_top_view_key(v, PH_KEY_DOWN);
#endif
	else if (ev.y >= 0)
		ph_top_view_click(v, (unsigned int)ev.y, ev.bstate & BUTTON1_DOUBLE_CLICKED);
}

static void begin(struct ph_top_view *v)
{
	color = has_colors() && !getenv("NO_COLOR");
	v->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	curs_set(0);
	mousemask(BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED | BUTTON4_PRESSED
#ifdef BUTTON5_PRESSED
		  | BUTTON5_PRESSED
#endif
		  , NULL);
	if (color) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_CYAN, -1);
		init_pair(2, COLOR_RED, -1);
		init_pair(3, COLOR_GREEN, -1);
	}
}

int ph_cmd_screen_open(struct ph_cmd_screen *s, struct ph_top_view *v, struct ph_err *err)
{
	*s = (struct ph_cmd_screen){ .screen = newterm(NULL, stdout, stdin), .v = v };
	if (!s->screen)
		return ph_err_set(err, -ENOTTY, "this terminal (TERM) is not known; -b prints tables");
	begin(v);
	return 0;
}

void ph_cmd_screen_close(struct ph_cmd_screen *s)
{
	if (!s->screen)
		return;
	ph_cmd_report_done(&s->report);
	endwin();
	delscreen(s->screen);
	s->screen = NULL;
}

/* How often what a report prints is looked for. */
#define REPORT_NS (100 * 1000000ull)

int ph_cmd_screen_key(struct ph_cmd_screen *s, uint64_t wait_ns)
{
	uint64_t ms;
	bool news;
	int c;

	if (s->report.pid && wait_ns > REPORT_NS)
		wait_ns = REPORT_NS;
	ms = wait_ns / 1000000 + (wait_ns % 1000000 != 0);
	timeout(ms < INT_MAX ? (int)ms : INT_MAX);
	c = getch();
	if (c == KEY_MOUSE)
		mouse(s->v);
	else if (c != ERR && c != KEY_RESIZE && !ph_top_view_key(s->v, key_of(c)))
		return -1;
	follow_size(c == KEY_RESIZE);
	news = ph_cmd_report_follow(&s->report, s->v);
	return c != ERR || news;
}

/* ---- of this host ----------------------------------------------------------------------------------- */

int ph_cmd_screen_run(struct ph_top_view *v, struct ph_rounds *rs, struct ph_err *err)
{
	uint64_t begun = ph_now_ns(), next = begun + rs->interval_ns, pause, now = begun;
	struct ph_cmd_screen s;
	int r = ph_cmd_screen_open(&s, v, err), news = 1;

	while (r >= 0 && !ph_cmd_interrupted && (!rs->s.co.duration_ns || now - begun < rs->s.co.duration_ns)) {
		if (news)
			ph_cmd_screen_draw(&s);
		r = ph_rounds_turn(rs, &pause, err);
		if (r < 0)
			break;
		now = ph_now_ns();
		news = ph_cmd_screen_key(&s, now >= next ? 0 : next - now < pause ? next - now : pause);
		if (news < 0)
			break;
		now = ph_now_ns();
		if (now < next)
			continue;
		next = now + rs->interval_ns;
		news = 1;
		if (!v->paused) {
			r = ph_top_round(v->t, now, err);
			ph_top_view_round(v, now);
		}
	}
	ph_cmd_screen_close(&s);
	return r;
}

/* ---- of a trace ------------------------------------------------------------------------------------- */

/* An interval is shown as long as it took, within reason. */
#define SHOWN_MIN (PH_NSEC / 10)
#define SHOWN_MAX PH_NSEC
/* So much of what was read is kept to go back to. */
#define PAST_BYTES (256u << 20)

struct replay {
	struct ph_cmd_screen s;
	struct ph_rounds *rs;
	struct ph_top_view *v;
};

/* Until what comes behind the last interval is asked for. 1: the user leaves. */
static int look(struct replay *rp)
{
	uint64_t shown = rp->rs->interval_ns, until, now = ph_now_ns();
	int news = 1;

	shown = shown < SHOWN_MIN ? SHOWN_MIN : shown > SHOWN_MAX ? SHOWN_MAX : shown;
	until = now + shown;
	while (!rp->v->replay.next && !ph_cmd_interrupted) {
		if (news)
			ph_cmd_screen_draw(&rp->s);
		news = ph_cmd_screen_key(&rp->s, rp->v->paused ? SHOWN_MAX : until > now ? until - now : 0);
		if (news < 0)
			return 1;
		now = ph_now_ns();
		if (rp->v->paused) {
			until = now + shown;
		} else if (now >= until) {
			until = now + shown;
			ph_top_view_step(rp->v, 1);
			news = 1;
		}
	}
	return ph_cmd_interrupted;
}

static int another(void *arg, uint64_t unix_ns, struct ph_err *err)
{
	struct replay *rp = arg;
	int r = rp->s.screen ? 0 : ph_cmd_screen_open(&rp->s, rp->v, err);

	if (r < 0)
		return r;
	ph_top_view_arrived(rp->v, unix_ns);
	return look(rp);
}

static int finish(void *arg, int r, struct ph_err *err)
{
	struct replay *rp = arg;

	(void)err;
	if (!r && rp->s.screen) {
		ph_top_view_ended(rp->v);
		look(rp);
	}
	ph_cmd_screen_close(&rp->s);
	/* Who looks at it leaves by Ctrl-C as by q. */
	return r < 0 && r != -EINTR ? r : 0;
}

int ph_cmd_screen_trace(struct ph_rounds *rs, struct ph_top_view *v)
{
	struct replay rp = { .rs = rs, .v = v };

	ph_top_view_replay(v, rs->s.trace, rs->s.utc, PAST_BYTES);
	rs->print = another;
	rs->finish = finish;
	rs->arg = &rp;
	return ph_rounds_trace(rs);
}
