/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_TOP_SCREEN_H
#define PH_CMD_TOP_SCREEN_H

#include "cmd/rounds.h"
#include "cmd/top_report.h"
#include "live/top_view.h"

/* Can the view be drawn here: is this a terminal of a kind that is known? */
bool ph_cmd_screen_possible(void);
/* The terminal, while a view is on it. */
struct ph_cmd_screen {
	void *screen;			/* ncurses' own; NULL: closed */
	struct ph_top_view *v;
	struct ph_cmd_report report;
};
int ph_cmd_screen_open(struct ph_cmd_screen *s, struct ph_top_view *v, struct ph_err *err);
void ph_cmd_screen_close(struct ph_cmd_screen *s);
void ph_cmd_screen_draw(struct ph_cmd_screen *s);
/* Waits for a key, at most so long, and obeys it. 1: there is something new to draw; 0: not; -1: the user leaves. */
int ph_cmd_screen_key(struct ph_cmd_screen *s, uint64_t wait_ns);

/* Until the user leaves, the duration is over (0: never) or Ctrl-C. 0 or -errno with a sentence. */
int ph_cmd_screen_run(struct ph_top_view *v, struct ph_rounds *rs, struct ph_err *err);
/* The same of a trace, as far as that goes; prints what there is to say. The exit code. */
int ph_cmd_screen_trace(struct ph_rounds *rs, struct ph_top_view *v);

#endif
