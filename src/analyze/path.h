/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_PATH_H
#define PH_ANALYZE_PATH_H

#include "analyze/object.h"
#include "analyze/trail.h"
#include "base/map.h"
#include "base/spill.h"
#include "identity/select.h"

/*
 * The critical path of a task between two instants: what it did, and while it slept what those did that it waited
 * for, and those that they waited for. It is as long as the time between the two, without gap and overlap.
 * The stream is read once, forward, into a trail on disk; the path is then walked backward.
 */
enum ph_path_state {
	PH_PATH_USER, PH_PATH_KERNEL,
	PH_PATH_RAN,		/* one of both */
	PH_PATH_IRQ,		/* interrupts on its CPU */
	PH_PATH_STEAL,
	PH_PATH_QUEUE,		/* runnable: `by` ran on its CPU */
	PH_PATH_THROTTLED,	/* `what`: the limit */
	PH_PATH_FROZEN, PH_PATH_STOPPED,
	PH_PATH_DISK,		/* `what`: the device */
	PH_PATH_NETWORK,	/* `what`: the peer; or a packet under way on this host */
	PH_PATH_TIMER, PH_PATH_INTERRUPT,
	PH_PATH_WAITED,		/* for what the stream does not tell the source of; `wait` says which kind */
	PH_PATH_UNKNOWN,
	PH_PATH_STATES,
};

const char *ph_path_state_name(enum ph_path_state s);	/* "run queue" */

/* How the path goes from a step to the next one, which may be of another task. */
enum ph_path_then {
	PH_THEN_SAME,		/* the same task goes on, or it is the end */
	PH_THEN_WOKE, PH_THEN_SENT, PH_THEN_FORKED,
	PH_THEN_BECAME,		/* by an exec: a thread takes its leader's number */
	PH_THEN_SLEPT,		/* it goes to sleep, and the path to what it waits for */
};

const char *ph_path_then_name(enum ph_path_then t);	/* "woke" */

#define PH_BY_WAKEUP (-2)	/* nobody: the wake-up itself, until it was in a queue */

struct ph_step {
	uint64_t begin_ns, end_ns;
	uint64_t part_ns[PH_PART_MAX];	/* PH_PATH_RAN, which stands for all of running here */
	struct ph_trail_who who, by, then_who;
	int32_t tid, by_tid, then_tid;	/* by: PH_PATH_QUEUE; 0: the CPU idled, -1: not known, or PH_BY_WAKEUP */
	uint32_t what;
	uint8_t state, wait, then;
	uint8_t reserved;
};

/* What a step has to do with, beside tasks: a limit, or a device, a peer. */
struct ph_path_thing {
	struct ph_limit limit;		/* cgroup_id 0: it is none */
	struct ph_object object;
};

/* Steps of one task in one state, for one reason, together. */
struct ph_path_share {
	struct ph_trail_who who, by;
	int32_t tid, by_tid;
	uint32_t what;
	uint8_t state, wait;
	uint16_t reserved;
	uint64_t ns, times;
};

/* What would make the path shorter, if it were faster. */
enum ph_path_resource {
	PH_RES_CODE,		/* what a program computes */
	PH_RES_CPU,		/* more of them, or fewer neighbours */
	PH_RES_LIMIT, PH_RES_DISK, PH_RES_NETWORK, PH_RES_TIMER, PH_RES_FREEZER, PH_RES_STOP, PH_RES_HYPERVISOR,
	PH_RES_INTERRUPTS, PH_RES_OTHER, PH_RES_UNKNOWN, PH_RES_MAX,
};

const char *ph_path_resource_name(enum ph_path_resource r);	/* "code" */

struct ph_path_help {
	enum ph_path_resource resource;
	uint32_t container;		/* CODE, TIMER: whose */
	char comm[16];
	uint32_t what;			/* LIMIT, DISK, NETWORK */
	uint32_t reserved;
	uint64_t ns;
};

/* What runs on a CPU, as it was when it woke others or sent something. */
struct path_marks {
	unsigned int n;
	struct ph_segment at[16];
};

/* A step by its number. */
struct path_long {
	uint64_t ns, nr;
};

/* What is asked. */
struct ph_path_ask {
	int32_t tid;			/* 0: of what is selected, a container's first process, else the oldest, to its end */
	const struct ph_selection *sel;	/* NULL: everything */
	uint64_t from_ns, to_ns;	/* source clock; to_ns 0: to the end */
	size_t nlongest;		/* steps that are to be told one by one */
	bool many;			/* not one path, but those of requests (path_compare.h); tid is 0 */
};

struct ph_path {
	const struct ph_identity *id;
	/* Results. */
	struct ph_states_seen seen;
	bool found;			/* the task that was asked for, with something known of it */
	int32_t tid;			/* of a process that was chosen its first thread, */
	struct ph_trail_who who;
	int32_t end_tid;		/* and the one that the path ends with: another one, where that has ended before */
	uint64_t begin_ns, end_ns, nsteps;
	bool settled;			/* before the end of the stream: what comes after to_ns is of no use any more */
	PH_VEC(struct ph_path_share) shares;	/* the longest first */
	PH_VEC(struct ph_path_help) helps;	/* so */
	PH_VEC(struct path_long) longest;	/* in order of time */
	struct ph_cgtree *cgroups;
	struct ph_devices devices;
	uint64_t npackets;
	/* Inside. */
	const struct ph_selection *sel;
	bool choose, many;
	uint64_t from_ns, to_ns;
	size_t nlongest;
	struct ph_states *st;
	struct ph_trail *trail;
	struct ph_spill *steps;		/* the last first */
	uint64_t steps_at;		/* those of the present path */
	struct ph_step last;
	struct ph_packets *packets;
	PH_VEC(struct path_marks) marks;	/* by CPU */
	PH_VEC(struct ph_path_thing) things;
	struct ph_u64map thing_map, share_map;
	uint64_t first_ns;		/* when the task that is to be shown began, as far as that is seen */
	uint64_t begun_ns, ended_ns;	/* that and its process' end, as they are told; 0: not */
	uint64_t former_ns;		/* the number that was asked for was one's that ended then; 0: no */
	int32_t last_tid;		/* the process ends with this one, as the first one has ended before; 0: not yet, or not so */
	struct { int32_t tid; uint64_t since_ns; } at_end;	/* the oldest of the process that is there at the end */
	bool finishing;
	uint32_t container;		/* in which that task was when it was chosen */
};

/* @id and ask->sel stay the caller's. */
int ph_path_new(struct ph_path **ret, const struct ph_identity *id, const struct ph_path_ask *ask, struct ph_err *err);
void ph_path_free(struct ph_path *p);
/* For every event of the stream, after ph_identity_feed(). */
void ph_path_feed(struct ph_path *p, const struct ph_event *ev);
/* The stream ended at @end_ns (or its last event's time, where that is later): walk. */
int ph_path_finish(struct ph_path *p, uint64_t end_ns, struct ph_err *err);

/* Step @i of nsteps, in order of time. */
int ph_path_step(const struct ph_path *p, uint64_t i, struct ph_step *ret);
/* NULL: nothing. */
const struct ph_path_thing *ph_path_thing(const struct ph_path *p, uint32_t what);

#endif
