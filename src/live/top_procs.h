/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_TOP_PROCS_H
#define PH_LIVE_TOP_PROCS_H

#include "live/top.h"

/* The processes of a container, or the threads of a process, while somebody looks at them. */
struct ph_top_proc {
	int32_t id;		/* of the process or thread, on the host */
	int32_t inner;		/* as the container has it, 0: not known */
	char state;
	char comm[64];
	uint64_t threads, rss;
	double cpu, wait;	/* %, < 0: not known yet */
};

struct ph_top_procs {
	PH_VEC(struct ph_top_proc) v;
	struct ph_u64map seen;
	uint32_t round;
	uint64_t ns;		/* when */
};

enum { PH_PROC_PID, PH_PROC_INNER, PH_PROC_STATE, PH_PROC_CPU, PH_PROC_WAIT, PH_PROC_THREADS, PH_PROC_RSS,
       PH_PROC_COMM, PH_PROC_NCOLS };
extern const struct ph_col ph_top_proc_cols[PH_PROC_NCOLS];

/* Look again: at @container's processes where @pid is 0, else at @pid's threads. */
void ph_top_procs_round(struct ph_top_procs *p, struct ph_top *t, uint32_t container, int32_t pid, uint64_t now_ns);
void ph_top_procs_done(struct ph_top_procs *p);
void ph_top_proc_fill(const struct ph_top_proc *p, struct ph_cell *cells);

#endif
