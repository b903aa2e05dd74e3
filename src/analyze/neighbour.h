/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_NEIGHBOUR_H
#define PH_ANALYZE_NEIGHBOUR_H

#include "analyze/states.h"

/*
 * Who ran on the CPU while tasks of a container waited for it. Fed with the segments of states.h; the
 * work is in proportion to the containers that wait on a CPU, not to their tasks.
 */
enum ph_runner_kind {
	PH_RUNNER_CONTAINER,	/* the waiting task's own container included */
	PH_RUNNER_HOST,		/* tasks of the host, by name */
	PH_RUNNER_IDLE,		/* the CPU idled: it had not turned to the task yet */
	PH_RUNNER_UNKNOWN,	/* not recorded */
};

struct ph_runner {
	enum ph_runner_kind kind;
	uint32_t container;	/* PH_RUNNER_CONTAINER */
	char comm[16];		/* PH_RUNNER_HOST */
	uint64_t ns;		/* task time that was waited while it ran */
};

struct ph_neighbours;

struct ph_neighbours *ph_neighbours_new(const struct ph_identity *id);
void ph_neighbours_free(struct ph_neighbours *nb);
/* From the ops of states.h, of the same names; enter and leave with WAIT_CPU segments only. */
void ph_neighbours_enter(struct ph_neighbours *nb, const struct ph_segment *s);
void ph_neighbours_leave(struct ph_neighbours *nb, const struct ph_segment *s);
void ph_neighbours_ran(struct ph_neighbours *nb, uint32_t cpu, int32_t tid, uint32_t container,
		       uint64_t begin_ns, uint64_t end_ns);
void ph_neighbours_runs(struct ph_neighbours *nb, uint32_t cpu, int32_t tid, uint64_t ts_ns);

/* Who ran while tasks of @container waited, the longest first. The caller frees *@ret. */
size_t ph_neighbours_of(const struct ph_neighbours *nb, uint32_t container, struct ph_runner **ret);
/* Of its tasks' waiting: how much while some CPU of the machine was idle. */
uint64_t ph_neighbours_idle_ns(const struct ph_neighbours *nb, uint32_t container);

#endif
