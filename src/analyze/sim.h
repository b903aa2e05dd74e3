/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_SIM_H
#define PH_ANALYZE_SIM_H

#include "analyze/program.h"

/*
 * Runs programs by the kernel's rules on CPUs that do not exist: run queues by weight, group by group; cpusets; limits
 * of CPU time, nested, with what each CPU takes of them at a time. It knows nothing of streams, and gives the same
 * answer each time.
 */
#define PH_SIM_CPUS 1024

struct ph_sim_cpus {
	uint64_t bits[PH_SIM_CPUS / 64];
};

static inline bool ph_sim_cpu_in(const struct ph_sim_cpus *s, uint32_t cpu)
{
	return s->bits[cpu / 64] >> (cpu % 64) & 1;
}

static inline void ph_sim_cpu_add(struct ph_sim_cpus *s, uint32_t cpu)
{
	s->bits[cpu / 64] |= 1ULL << (cpu % 64);
}

#define PH_SIM_WEIGHT 1024	/* of a task of nice 0, and of a group that nothing was said of */

struct ph_sim_group {
	int32_t parent;			/* -1: it is a root; stays so */
	uint32_t weight;
	int64_t quota_ns;		/* -1: no limit */
	uint64_t period_ns, burst_ns;
	uint64_t phase_ns;		/* a time at which one of its periods begins */
	bool confined;			/* to: */
	struct ph_sim_cpus cpus;
};

/* From then on a group is so. */
struct ph_sim_group_change {
	uint64_t at_ns;
	uint32_t group;
	struct ph_sim_group to;
};

/* A position in a program, and when it was reached. */
struct ph_sim_point {
	uint32_t task;
	uint32_t nr;			/* the owner's own */
	uint64_t pos_ns;
	uint64_t at_ns;			/* result; 0: it never was */
};

struct ph_sim_setup {
	const struct ph_program *program;
	const struct ph_sim_group *groups;	/* 0 is a root */
	size_t ngroups;
	const struct ph_sim_group_change *changes;	/* in the order of time */
	size_t nchanges;
	uint32_t ncpus;
	uint64_t begin_ns;
	/* The timer's interrupt, at which CPU time is counted and tasks are changed; and when one is. */
	uint64_t tick_ns, tick_at_ns;
	uint64_t slice_ns;		/* for so long nobody takes the CPU from who has just got it; 0: as the kernel has it */
	uint64_t bandwidth_slice_ns;	/* that a CPU takes of a limit; 0: 5 ms */
	uint64_t exit_ns;		/* until an idle CPU runs who is woken, where that was not recorded */
	bool kernel_runs_on;		/* since 6.18: who is in the kernel is not throttled before it leaves it */
	/* No CPUs and limits: each wait for a CPU is as long as recorded. */
	bool as_recorded;
	double scale[PH_WAIT_MAX];	/* of SLEEP, less one: -1 is none at all */
	const struct ph_sim_cpus *masks;	/* CPUs that tasks may run on: `from` of RUN; 0 is all */
	size_t nmasks;
	double charge;			/* likewise of CPU time, as limits count it */
	/* True: this one never was; who waited for it waits as long as recorded. May be NULL. */
	bool (*without)(void *arg, uint32_t task);
	void *arg;
	struct ph_sim_point *points;	/* by task, then by position */
	size_t npoints;			/* the end is when all were reached; 0: when all programs have ended */
	const volatile bool *stop;	/* ends it when it becomes true; may be NULL */
};

struct ph_sim_use {
	uint64_t cpu_ns, throttled_ns;	/* of all CPUs together */
	uint64_t periods, throttled_periods;
};

struct ph_sim_result {
	struct ph_sim_use *groups;	/* as in the setup, each with those below it; freed by the caller */
	uint64_t end_ns, nevents;
	uint32_t ntasks_most;		/* were under way at once */
	bool stopped;			/* before its end */
};

void ph_sim_run(const struct ph_sim_setup *setup, struct ph_sim_result *ret);

#endif
