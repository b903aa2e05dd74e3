/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_TOP_TRACE_PRIV_H
#define PH_LIVE_TOP_TRACE_PRIV_H

#include "analyze/states.h"
#include "live/top_told.h"
#include "live/top_trace.h"

/* What segments of tasks and events add up to; only grows. */
struct ph_top_sums {
	uint64_t part_ns[PH_PART_MAX], wait_ns;
	uint64_t count[PH_TOP_NCOUNTS];	/* those that are counted event by event */
	uint64_t tasks;			/* of `as_of`: those that there are */
};

/* A container, or the machine. */
struct ph_top_trace_row {
	struct ph_top_row r;
	struct ph_host_container hc;
	struct ph_top_sums closed, as_of;	/* without and with what still goes on */
	PH_VEC(const struct ph_cgnode *) own;	/* its cgroups, one of each hierarchy */
	const struct ph_cgnode *limit;		/* that sets the CPU limit in force, NULL: none */
	bool stopped;
};

/* A limit's time without quota on all CPUs, or a network namespace's traffic. */
struct ph_top_tally {
	uint64_t closed_ns, as_of_ns;
	uint64_t count[PH_TOP_NCOUNTS];
};

struct ph_top_trace {
	struct ph_top_trace_opts opts;
	struct ph_states *st;
	struct ph_cgtree *cgroups;	/* those before the range too, which the states do not see */
	struct ph_top_told *told;
	struct ph_top_trace_row *machine;
	struct ph_u64map rows;		/* container index + 1 -> struct ph_top_trace_row, without the machine */
	struct ph_u64map outages;	/* cgroup id -> struct ph_top_tally */
	struct ph_u64map nets;		/* network namespace -> struct ph_top_tally */
	const struct ph_class **trusted;	/* [PH_EV_ID_MAX] */
	bool *ends;			/* [PH_EV_ID_MAX] of calls: such an end may pass the filter */
	uint64_t counts;		/* those that the stream's events tell */
	uint64_t steal_ns, last_ns;
	uint64_t had_counts;		/* that any row has had */
	uint32_t had_levels;
	bool calls;			/* system calls divide the time on a CPU */
	bool limits;			/* when limits are out is told */
	bool owners;			/* whose a block request is, is told */
};

#define PH_TOP_BIT(what) (1ull << PH_TOP_##what)
#define PH_TOP_BLOCK (PH_TOP_BIT(READ_BYTES) | PH_TOP_BIT(WRITE_BYTES) | PH_TOP_BIT(READS) | PH_TOP_BIT(WRITES))
#define PH_TOP_CALLS (PH_TOP_BIT(SYSCALLS) | PH_TOP_BIT(ERRORS))
#define PH_TOP_PACKETS (PH_TOP_NETWORK & ~PH_TOP_BIT(NET_DROPS))

/* ---- top_trace.c: rows, and counters of them as of a moment ------------------------------------------- */

/*
 * Of the container that index stands for; NULL: it is not one, nobody knows whose it is, or nothing it did was recorded
 * so far and @make does not say that this is to change.
 */
struct ph_top_trace_row *ph_top_trace_row_of(struct ph_top *t, uint32_t index, bool make);

/* ---- top_trace_count.c: what events add up to ---------------------------------------------------------- */

/* For the states of tasks: what has ended. */
extern const struct ph_states_ops ph_top_trace_ops;
/* What still goes on at @ts_ns, into as_of of all. */
void ph_top_trace_look(struct ph_top *t, uint64_t ts_ns);

#endif
