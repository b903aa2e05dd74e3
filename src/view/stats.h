/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_VIEW_STATS_H
#define PH_VIEW_STATS_H

#include "base/table.h"
#include "view/run.h"

/* What is in a stream: events by type and by container, time range, losses by CPU, containers. */
struct ph_stats;

struct ph_stats *ph_stats_new(void);
void ph_stats_free(struct ph_stats *st);
/* The events that count; gaps go into the losses. */
void ph_stats_event(struct ph_stats *st, const struct ph_event *ev);
/*
 * Append all tables: under headings in columns; in JSON and CSV each row says its table in
 * "section".
 */
int ph_stats_print(const struct ph_stats *st, const struct ph_run *run, const struct ph_table_fmt *fmt,
		   unsigned int width, bool utc, struct ph_buf *out, struct ph_err *err);

#endif
