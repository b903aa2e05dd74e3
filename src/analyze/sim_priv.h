/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_SIM_PRIV_H
#define PH_ANALYZE_SIM_PRIV_H

#include "analyze/sim.h"

#define NOBODY UINT32_MAX

enum sim_event_kind { SIM_TASK, SIM_CPU, SIM_TICK, SIM_PERIOD, SIM_SLACK, SIM_CHANGE };

struct sim_event {
	uint64_t at_ns, nr;		/* of one time, in the order in which they were made */
	uint32_t who, gen;		/* gen: of SIM_TASK, SIM_CPU: another one makes this void */
	enum sim_event_kind kind;
};

enum sim_state {
	SIM_ASLEEP,			/* until an event */
	SIM_WAITING,			/* for op.from */
	SIM_RUNNABLE, SIM_DONE,
};

struct sim_task {
	struct ph_program_reader reader;
	struct ph_op op;
	uint64_t pos_ns;		/* in its program, as of its CPU's `until_ns` while it runs */
	uint64_t run_ns;		/* as_recorded: when the RUN began */
	/* lag: that it had when it left its queue; until `until` it keeps the CPU if it has not had more than others */
	int64_t vruntime, deadline, until, lag;
	uint32_t gen, group, weight;
	uint32_t waiters, left, right;	/* those that wait for it: a heap, the nearest position first; its links there */
	int32_t cpu;
	uint32_t point, points_end;
	enum sim_state state;
	bool fresh;			/* has not run since it was woken */
	bool absent, first;
	bool begun;
	bool unborn;			/* waits until its parent makes it */
	int32_t pinned;			/* -1: no */
};

/* A group on a CPU. */
struct sim_queue {
	PH_VEC(uint32_t) tasks;		/* runnable, also the one that runs */
	PH_VEC(uint32_t) groups;	/* likewise those below it that have some and are not throttled */
	uint32_t nr;			/* tasks in it and below, without those throttled below it */
	int64_t load, weight;		/* of those directly in it; its own in the queue above, 0: it is not in that */
	bool throttled;
	int64_t vruntime, deadline, until, lag;
	int64_t left_ns;		/* of the limit, here */
	uint64_t since_ns;		/* throttled */
};

struct sim_group {
	struct ph_sim_group g;
	int64_t load;			/* of all CPUs */
	int64_t pool_ns;
	bool active, slack, idle;	/* timers; idle: nothing was taken since the last period */
	uint64_t next_ns;		/* the next period */
	PH_VEC(uint32_t) out;		/* CPUs, in the order in which it ran out there */
	struct ph_sim_use use;
};

struct sim_cpu {
	uint32_t curr;			/* NOBODY: idle */
	uint64_t until_ns;		/* so far its task has been moved on */
	uint64_t charged_ns;		/* so far its time has been counted */
	uint32_t gen;
	bool ticking, expired;		/* expired: who runs has had a slice */
};

struct sim {
	const struct ph_sim_setup *s;
	uint64_t now, nr, left;		/* left: points that were not reached yet */
	PH_VEC(struct sim_event) heap;
	/* Of all there may be very many, of those that are under way few: NULL, it has not begun and nobody waits for it. */
	struct sim_task **tasks;
	struct sim_task done, absent;	/* those that have ended, or have nothing to do; that never were */
	PH_VEC(uint32_t) ended;		/* by the present event */
	uint32_t *first_point;		/* of each task; of none, the last is their number */
	uint32_t ntasks, ntasks_made, ntasks_most;
	struct sim_cpu *cpus;
	struct sim_group *groups;
	struct sim_queue *queues;	/* [group][cpu] */
	int64_t slice_ns, take_ns;
	uint64_t nevents;
};

static inline struct sim_queue *sim_queue(const struct sim *s, uint32_t group, uint32_t cpu)
{
	return &s->queues[(size_t)group * s->s->ncpus + cpu];
}

/* sim.c */
struct sim_task *sim_task_make(struct sim *s, uint32_t task);

static inline struct sim_task *sim_task(struct sim *s, uint32_t task)
{
	return s->tasks[task] ? s->tasks[task] : sim_task_make(s, task);
}

void sim_at(struct sim *s, uint64_t at, enum sim_event_kind kind, uint32_t who, uint32_t gen);
/* Position @pos of @t was reached at @at, and it went on evenly from there: what is in between has its time. */
void sim_pass(struct sim *s, struct sim_task *t, uint64_t at, uint64_t pos, uint64_t to);
/* Who waits for @t until where it is now. */
void sim_wake_waiters(struct sim *s, struct sim_task *t);
/* @t has done its operation; it is not in any queue. */
void sim_go_on(struct sim *s, uint32_t task);
/* The same of who runs: false, it does not run any more. */
bool sim_runs_on(struct sim *s, uint32_t task);

/* sim_cpu.c */
void sim_cpu_init(struct sim *s);
void sim_enqueue(struct sim *s, uint32_t task);
void sim_on_cpu(struct sim *s, uint32_t cpu);
void sim_on_tick(struct sim *s, uint32_t cpu);
void sim_resched(struct sim *s, uint32_t cpu);
/* When does who runs on @cpu end its operation, or come to where another one waits for it? */
void sim_arm(struct sim *s, uint32_t cpu);
/* Move who runs on @cpu to where it is now. */
void sim_progress(struct sim *s, uint32_t cpu);
/* @group has become what @to says. */
void sim_change(struct sim *s, uint32_t group, const struct ph_sim_group *to);
/* @group may have tasks that run on @cpu, or none: tell those above. */
void sim_queue_shown(struct sim *s, uint32_t group, uint32_t cpu, uint32_t nr);
void sim_queue_hidden(struct sim *s, uint32_t group, uint32_t cpu, uint32_t nr);

/* sim_limit.c */
void sim_limit_init(struct sim *s);
bool sim_limit_use(struct sim *s, uint32_t group, uint32_t cpu, int64_t ns);	/* true: it is out */
bool sim_limit_enter(struct sim *s, uint32_t group, uint32_t cpu);	/* its first task here; true: it is out */
void sim_limit_leave(struct sim *s, uint32_t group, uint32_t cpu);	/* its last */
void sim_limit_throttle(struct sim *s, uint32_t group, uint32_t cpu);
void sim_on_period(struct sim *s, uint32_t group);
void sim_on_slack(struct sim *s, uint32_t group);
/* Its limit has become another one. */
void sim_limit_changed(struct sim *s, uint32_t group);
void sim_limit_finish(struct sim *s);

#endif
