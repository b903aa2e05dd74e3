/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_CMD_TOP_SCREEN_H
#define PH_CMD_TOP_SCREEN_H

#include "live/top_view.h"

/* Can the view be drawn here: is this a terminal of a kind that is known? */
bool ph_cmd_screen_possible(void);
/* Until the user leaves, @duration_ns is over (0: never) or Ctrl-C. 0 or -errno with a sentence. */
int ph_cmd_screen_run(struct ph_top_view *v, uint64_t interval_ns, uint64_t duration_ns, struct ph_err *err);

#endif
