/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_TOP_PROCS_H
#define PH_LIVE_TOP_PROCS_H

#include "live/top.h"

/* Is this container to be shown? */
typedef bool (*ph_top_wanted_fn)(void *arg, const struct ph_top_row *r);

/* Whose processes are looked at. */
struct ph_top_scope {
	const struct ph_top_row *row;	/* of this container; NULL: of all that are @wanted */
	int32_t pid;			/* of them this one, 0: all */
	ph_top_wanted_fn wanted;
	void *arg;
};

/* @fn for each of them, with its container. */
typedef void (*ph_top_process_fn)(void *arg, const struct ph_scan_task *task, const struct ph_top_row *r);
void ph_top_each_process(const struct ph_top *t, const struct ph_top_scope *scope, ph_top_process_fn fn, void *arg);

/* Processes, or their threads, while somebody looks at them. */
struct ph_top_proc {
	int32_t id;		/* of the process or thread, on the host */
	int32_t pid;		/* of its process */
	int32_t inner;		/* as the container has it, 0: not known */
	char state;
	char comm[64];
	char container[64];	/* cut */
	char args[512];		/* likewise; of processes */
	uint64_t threads, rss;
	double cpu, wait;	/* %, < 0: not known yet */
};

struct ph_top_procs {
	PH_VEC(struct ph_top_proc) v;
	struct ph_u64map seen;
	uint32_t round;
	uint64_t ns;		/* when */
};

enum { PH_PROC_CONTAINER, PH_PROC_PID, PH_PROC_INNER, PH_PROC_PROCESS, PH_PROC_STATE, PH_PROC_CPU, PH_PROC_WAIT,
       PH_PROC_THREADS, PH_PROC_RSS, PH_PROC_COMM, PH_PROC_ARGS, PH_PROC_NCOLS };
extern const struct ph_col ph_top_proc_cols[PH_PROC_NCOLS];

/* Look again: at processes, or at the threads of each. */
void ph_top_procs_round(struct ph_top_procs *p, struct ph_top *t, const struct ph_top_scope *scope, bool threads,
			uint64_t now_ns);
void ph_top_procs_done(struct ph_top_procs *p);
void ph_top_proc_fill(const struct ph_top_proc *p, struct ph_cell *cells);

#endif
