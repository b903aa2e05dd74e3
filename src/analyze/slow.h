/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_SLOW_H
#define PH_ANALYZE_SLOW_H

#include "analyze/cgtree.h"
#include "analyze/histogram.h"
#include "analyze/neighbour.h"
#include "analyze/object.h"
#include "analyze/states.h"
#include "base/map.h"
#include "identity/select.h"

/*
 * Where latency comes from: what tasks of each container waited for and how long each time, their system
 * calls, their block requests, connections, faults and reclaim. Memory is bounded: sums, histograms and the
 * slowest few, however long the stream.
 */

/* What a task's time goes to; the first are those of enum ph_wait. */
enum ph_hold {
	PH_HOLD_CLIENT = PH_WAIT_MAX,	/* a socket of a server: until somebody asks */
	PH_HOLD_CPU, PH_HOLD_THROTTLED, PH_HOLD_FROZEN, PH_HOLD_STOPPED, PH_HOLD_UNKNOWN, PH_HOLD_RUN, PH_HOLD_MAX,
};

const char *ph_hold_name(unsigned int hold);	/* "disk", "cpu", "running" */
/* Waits that a program asks for when it has nothing to do: sleep, poll, a child, a client. */
bool ph_hold_own_will(unsigned int hold);

/* Waits of one kind for one thing. */
struct ph_slow_wait {
	unsigned int hold;
	struct ph_object object;
	struct ph_hist hist;
};

/* Waits of one kind at one place in the kernel. */
struct ph_slow_stack {
	unsigned int hold;
	const struct slow_frames *frames;	/* inside; NULL: more places than are kept apart */
	ph_strv functions;			/* the innermost first */
	struct ph_hist hist;
};

/* Calls of one name. */
struct ph_slow_call {
	int32_t nr;			/* -1: not known */
	bool compat;
	uint64_t errors, unfinished;
	uint64_t ns[PH_HOLD_MAX];	/* adds up to hist.sum */
	struct ph_hist hist;
};

/* One call. */
struct ph_slow_one {
	uint64_t begin_ns, ns, rank_ns;	/* rank: without waits of its own will and what is not known, where calls were not chosen */
	uint64_t part_ns[PH_HOLD_MAX];
	int32_t tid, pid, nr;
	bool compat, unfinished;
	uint32_t container;
	char comm[16];
	int64_t ret;
	int32_t fd;			/* -1: it has none */
	char text[64];			/* its path, the beginning of it */
	/* Its longest wait. */
	unsigned int hold;
	uint64_t hold_ns;		/* 0: it never waited */
	struct ph_object object;
	enum ph_waker waker;
	int32_t waker_tid;
	uint32_t waker_container;
	char waker_comm[16];
};

/* Block requests of a container on a device. */
enum ph_slow_op { PH_OP_READ, PH_OP_WRITE, PH_OP_DISCARD, PH_OP_FLUSH, PH_OP_OTHER, PH_OP_MAX };

const char *ph_slow_op_name(enum ph_slow_op op);	/* "read" */

struct ph_slow_disk {
	uint32_t container, dev;
	enum ph_slow_op op;
	uint64_t bytes, errors;
	struct ph_hist device, queue;	/* issue to complete; insert to issue, where it was queued */
};

/* @other had requests on @dev under way while @container had. */
struct ph_slow_user {
	uint32_t container, dev, other;
	uint64_t ns, bytes, requests;
};

/* TCP of a container: to a peer (connections that it made), or on a port of its own. */
struct ph_slow_net {
	struct ph_object object;
	struct ph_hist connect;		/* SYN sent to established */
	uint64_t failed, retransmits;
	struct ph_hist accept;		/* established to accepted */
	uint64_t overflows, backlog;
};

struct ph_slow_group {
	uint32_t container;
	uint64_t ntasks;
	uint64_t ns[PH_HOLD_MAX];	/* task time; adds up to all of it */
	struct ph_hist run_queue;	/* each time that a task waited for a CPU, until it ran */
	struct ph_hist wakeup;		/* sched_waking until it ran */
	struct ph_hist reclaim, memcg_reclaim;
	uint64_t reclaimed_pages;
	uint64_t major_faults;		/* as the kernel counts them */
	uint64_t ncalls;
	PH_VEC(struct ph_slow_wait *) waits;
	PH_VEC(struct ph_slow_call *) calls;
	PH_VEC(struct ph_slow_disk *) disks;
	PH_VEC(struct ph_slow_net *) nets;
	PH_VEC(struct ph_slow_stack *) stacks;
	/* Inside. */
	struct ph_u64map wait_map, disk_map, net_map, stack_map;
	struct ph_slow_call **call_of[2];
};

struct ph_slow {
	const struct ph_identity *id;
	const struct ph_selection *sel;	/* NULL: all */
	bool *chosen[2];		/* calls by number, as --syscall has them; NULL: all */
	unsigned int top;		/* slowest calls that are kept */
	bool stacks;			/* stacks, too */
	struct ph_states *st;
	struct ph_cgtree *cgroups;
	struct ph_neighbours *nb;
	/* Results. */
	struct ph_states_seen seen;
	uint64_t begin_ns, end_ns;
	uint64_t doubtful;		/* calls whose length a gap makes uncertain */
	uint64_t nblock, nnet;		/* events of those kinds */
	uint64_t nissued, ncompleted;	/* requests */
	uint64_t nstacks;
	struct ph_u64map nameless;	/* places in stacks that have no name */
	uint64_t nstray;		/* requests finished that were not seen to begin */
	PH_VEC(struct ph_slow_group *) groups;
	PH_VEC(struct ph_slow_one) slowest;	/* the slowest first */
	PH_VEC(struct ph_slow_user *) users;	/* of the devices' queues, the longest first */
	/* Inside. */
	struct ph_u64map group_map, task_map, fault_map, frames;
	struct ph_devices devices;
	struct ph_slow_class *classes;
	struct ph_slow_blocks *blocks;
	struct ph_slow_nets *netio;
	uint64_t gap_ns;		/* the last gap's end */
	uint32_t last_group_at;
	struct ph_slow_group *last_group;
};

/* @id and @sel stay the caller's. */
struct ph_slow *ph_slow_new(const struct ph_identity *id, const struct ph_selection *sel);
/* Only calls of these names (globs); -EINVAL with a sentence. Before the first event. */
int ph_slow_choose_calls(struct ph_slow *s, const ph_strv *names, struct ph_err *err);
void ph_slow_free(struct ph_slow *s);
/* For every event of the stream, after ph_identity_feed(). */
void ph_slow_feed(struct ph_slow *s, const struct ph_event *ev);
/* The stream ended at @end_ns (or its last event's time, where that is later). */
void ph_slow_finish(struct ph_slow *s, uint64_t end_ns);

/* Of calls and of containers: without running, what is not known, and waits of their own will. */
uint64_t ph_slow_held(const uint64_t ns[PH_HOLD_MAX]);

#endif
