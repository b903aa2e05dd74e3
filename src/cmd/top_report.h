/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_TOP_REPORT_H
#define PH_CMD_TOP_REPORT_H

#include <sys/types.h>

#include "live/top_view.h"

/* The verb of porthole whose output the screen shows, while it runs: a process of its own. Zero-initialise. */
struct ph_cmd_report {
	pid_t pid;		/* 0: none */
	int fd;			/* what it prints */
	unsigned int serial;	/* the last one that was run */
};

/* Begin and end it as the view wants, and hand on what it has printed; true: there is something to be drawn. */
bool ph_cmd_report_follow(struct ph_cmd_report *r, struct ph_top_view *v);
void ph_cmd_report_done(struct ph_cmd_report *r);

#endif
