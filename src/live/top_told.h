/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_TOP_TOLD_H
#define PH_LIVE_TOP_TOLD_H

#include "event/schema.h"

/*
 * What the kernel has counted for cgroups, as a stream has it (cgroup_stat): readings about a second apart. Between two
 * of them a counter is taken to have grown evenly, so that what intervals show adds up to what it grew by.
 */
enum ph_told {
	PH_TOLD_USAGE, PH_TOLD_USER, PH_TOLD_SYSTEM,
	PH_TOLD_PERIODS, PH_TOLD_THROTTLED_PERIODS, PH_TOLD_THROTTLED, PH_TOLD_THROTTLED_LOCAL,
	PH_TOLD_CPU_SOME, PH_TOLD_CPU_FULL, PH_TOLD_IO_SOME, PH_TOLD_IO_FULL, PH_TOLD_MEMORY_SOME, PH_TOLD_MEMORY_FULL,
	PH_TOLD_FAULTS, PH_TOLD_MAJOR_FAULTS,
	PH_TOLD_NCOUNTS,
	/* As it is at the moment. */
	PH_TOLD_MEMORY = PH_TOLD_NCOUNTS, PH_TOLD_INACTIVE_FILE, PH_TOLD_OOM_KILLS, PH_TOLD_TASKS,
	PH_TOLD_N,
};

struct ph_top_told;

struct ph_top_told *ph_top_told_new(void);
void ph_top_told_free(struct ph_top_told *t);
/* Each event, in order; most say nothing of it. */
void ph_top_told_feed(struct ph_top_told *t, const struct ph_event *ev);
/* As of @ts_ns; -1: not told. Those that others than this hierarchy count are 0 or -1. False: nothing is told of it. */
bool ph_top_told_at(const struct ph_top_told *t, int32_t hierarchy, uint64_t id, uint64_t ts_ns, int64_t ret[PH_TOLD_N]);

#endif
