/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_WHATIF_H
#define PH_ANALYZE_WHATIF_H

#include "analyze/program.h"
#include "analyze/requests.h"
#include "analyze/sim.h"
#include "identity/select.h"

/*
 * What would have happened to a container under other limits. The stream is read once, forward, into programs
 * (program.h); these are then run again, under the limits that were (which shows how near the answers are) and under
 * those that are asked for.
 */

/* What differs from what was recorded; of NAN, -1 and zero nothing does. */
struct ph_whatif_change {
	double cpus;			/* the container's limit; NAN: as it was; INFINITY: none */
	int64_t burst_ns;		/* -1 */
	uint64_t period_ns;
	uint32_t weight_percent;	/* 100 is what a group has of which nothing was said */
	bool confined;
	struct ph_sim_cpus cpuset;
	double disk, memory;		/* less one: how long waits for disks, for memory are */
	const struct ph_selection *without;	/* containers that are not there; NULL */
};

#define PH_WHATIF_CPUS_LEAST 0.01
#define PH_WHATIF_NOTHING { .cpus = __builtin_nan(""), .burst_ns = -1 }

/* How long requests took: the least duration that so many of 100 did not exceed. */
struct ph_whatif_latency {
	uint64_t count, p50_ns, p90_ns, p99_ns, max_ns;
};

/* What became of it. */
struct ph_whatif_outcome {
	uint64_t duration_ns, cpu_ns, throttled_ns, throttled_periods;
	struct ph_whatif_latency requests;	/* count 0: none were asked for, or there were none */
	/* Of several begins of periods: duration, or p99 of the requests, with the best and with the worst of them. */
	uint64_t least_ns, most_ns;
};

/* Of what the model does not have, or takes to be other than it may be. */
enum ph_whatif_gap {
	PH_GAP_UNKNOWN,			/* what the container's tasks did is not known: before their first event, in gaps */
	PH_GAP_STRANGERS,		/* they waited for a CPU that ran who was not recorded */
	PH_GAP_INTERRUPTS,		/* of waits, which devices and timers end, the trace has no interrupts */
	PH_GAP_OUTSIDE,			/* they waited for what the stream does not tell the source of */
	PH_GAP_STOLEN,			/* the hypervisor ran others */
	PH_GAP_MAX,
};

const char *ph_whatif_gap_text(enum ph_whatif_gap g);

/* A task, what the program does not keep. There may be very many of them. */
struct whatif_task {
	uint64_t first_ns, last_ns;	/* begin and end of its running as the container's; 0: it has not */
	uint64_t start_ns;
	/* Of a process' first thread: it has ended while others went on; who the process has ended with then, or who took its place. */
	bool left;
	bool known, chosen;		/* chosen: it has been the container's */
	uint32_t heir;			/* index + 1; 0: nobody yet */
	uint32_t living;		/* index + 1; 0: it has ended, or is not known */
};

/* The same until it ends. */
struct whatif_living {
	uint32_t seen_container, told;	/* `within` is of; ph_identity_told() then */
	int32_t seen_pid;
	bool within;			/* it is the container's at present */
	bool ran, moved;		/* on several CPUs */
	bool until;			/* its call sleeps until a time, not for so long */
	int32_t cpu;
	uint16_t mask;			/* CPUs that it may run on */
	uint64_t queued_ns, late_ns;	/* until it runs */
	uint64_t gaps_ns[PH_GAP_MAX], ns;
};

/* Some CPUs. `told`: when the recording began; else a task was bound to them by a call. */
struct whatif_mask {
	struct ph_sim_cpus cpus;
	bool told;
};

/* A call that binds the task @of, until it ends. */
struct whatif_binding {
	int32_t tid, of;
	uint16_t mask;
};

/* A class of calls: what it is to us, and where it has that. */
struct whatif_call {
	const struct ph_class *cls;
	enum { WHATIF_CALL_OTHER, WHATIF_CALL_SLEEP, WHATIF_CALL_BIND } kind;
	int32_t field, pid;
};

/* A CPU's last time without anybody, or with somebody who was not recorded. */
struct whatif_idle {
	uint64_t begin_ns, end_ns;
	bool stranger, known;
};

struct whatif_cgroup {
	uint64_t id;
	uint64_t ran_ns, own_ns;	/* tasks in it; of these the container's */
	uint64_t out_ns;		/* its limit was out, on all CPUs together */
	uint64_t outs, out_until_ns;	/* refills that some CPU waited for, and the last */
	uint64_t out_begin_ns, out_end_ns;	/* the last time that it was out */
	uint64_t quota_ns, period_ns;	/* as tasks that it throttled say */
	uint64_t refill_ns;		/* one of them went on then */
};

struct ph_packets;

struct ph_whatif {
	const struct ph_identity *id;
	/* Results. */
	struct ph_states_seen seen;
	uint32_t container;
	uint32_t group;			/* the container's, of the CPU controller; 0: not known */
	bool ended;			/* its first process has */
	uint64_t begin_ns, end_ns;	/* its first task's running; its first process' last running, if that ended, else the last of all */
	double cpus;			/* its limit, for the most of the time; INFINITY: none */
	bool changed;			/* it had others, too */
	struct ph_whatif_outcome recorded, again, bound;
	double deviation;		/* of again from recorded: of the duration, and of the requests' median */
	double gaps[PH_GAP_MAX];	/* shares of its tasks' time */
	/* Inside. */
	const struct ph_selection *sel;
	struct ph_states *st;
	struct ph_program *program;
	struct ph_packets *packets;
	PH_VEC(struct whatif_task) tasks;	/* as the program has them */
	PH_VEC(struct whatif_living) living;
	PH_VEC(uint32_t) living_free;		/* places in it */
	uint64_t gaps_ns[PH_GAP_MAX], ns;	/* of the container's tasks, once they have ended */
	PH_VEC(uint32_t) selected;		/* containers that some of these were in, and are selected */
	PH_VEC(struct whatif_idle) idle;	/* by CPU */
	PH_VEC(struct whatif_cgroup) cgroups;	/* 0 is the root */
	PH_VEC(struct ph_sim_group) groups;
	PH_VEC(struct ph_sim_group_change) changes;	/* of them, since the stream's begin */
	struct ph_u64map group_map;
	PH_VEC(uint64_t) ticks, exits;	/* when tasks were taken off their CPUs, how late idle CPUs were: samples */
	PH_VEC(struct ph_sim_point) points;
	size_t first_point;		/* of them, the begin */
	PH_VEC(uint32_t) requests;	/* of each the point of its begin, then that of its end */
	struct whatif_call calls[PH_EV_SYSCALL_EXIT - PH_EV_SYSCALL_ENTRY];	/* by number */
	PH_VEC(struct whatif_mask) masks;	/* 0 is all CPUs */
	PH_VEC(struct ph_sim_cpus) sim_masks;	/* the same, for the simulation */
	PH_VEC(struct whatif_binding) bindings;
	bool whole;			/* everybody is */
	struct ph_sim_setup setup;	/* as it was recorded; `stop` is the owner's to set, for finish and ask */
};

/*
 * @id and @sel, which chooses the container, stay the caller's. @whole: all tasks' events are in the stream. @release: of the kernel
 * by whose rules limits are kept, as "6.18.44"; NULL: one of today.
 */
int ph_whatif_new(struct ph_whatif **ret, const struct ph_identity *id, const struct ph_selection *sel, bool whole, const char *release,
		  struct ph_err *err);
void ph_whatif_free(struct ph_whatif *w);
/* "0-3,7": false, it is none. */
bool ph_whatif_cpus(const char *text, struct ph_sim_cpus *ret);
/* For every event of the stream, after ph_identity_feed(). */
void ph_whatif_feed(struct ph_whatif *w, const struct ph_event *ev);
/*
 * The stream ended at @end_ns, or its last event's time, where that is later. @requests, which were fed the same stream, are told
 * of as well; NULL: none. -ENOENT: nothing of the container was there. -ECANCELED: it was stopped.
 */
int ph_whatif_finish(struct ph_whatif *w, uint64_t end_ns, const struct ph_requests *requests, struct ph_err *err);
/* What would have been with @change; to be asked after finish, as often as one likes. -ECANCELED: it was stopped. */
int ph_whatif_ask(struct ph_whatif *w, const struct ph_whatif_change *change, struct ph_whatif_outcome *ret, struct ph_err *err);

#endif
