/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_STATES_H
#define PH_ANALYZE_STATES_H

#include "analyze/cgtree.h"
#include "analyze/outage.h"
#include "event/schema.h"
#include "identity/model.h"

/*
 * What every task does at every instant, from the stream alone: its time from the stream's first to
 * its last event, or from its birth to its end, is cut into segments without gap or overlap. Every
 * analysis of time (why throttled, why slow, the critical path, what-if) is made of these segments.
 */
enum ph_state {
	PH_ST_UNKNOWN,		/* before the task was first seen, and across a gap in the stream */
	PH_ST_RUNNING,		/* on a CPU; divided in `part` */
	PH_ST_THROTTLED,	/* taken off its CPU by a CFS bandwidth limit */
	PH_ST_WAIT_CPU,		/* runnable, and others run */
	PH_ST_FROZEN,		/* by its cgroup */
	PH_ST_STOPPED,		/* by a signal or a tracer */
	PH_ST_BLOCKED,		/* waits for something, see enum ph_wait */
	PH_ST_MAX,
};

/* What a running task's CPU did in its time. */
enum ph_part {
	PH_PART_USER, PH_PART_KERNEL,
	PH_PART_MODELESS,	/* its own, but the trace does not tell which of the two */
	PH_PART_IRQ,		/* interrupts, softirqs, timers: not its own work */
	PH_PART_STEAL,		/* the hypervisor ran something else */
	PH_PART_MAX,
};

/* What a blocked task waits for. */
enum ph_wait {
	PH_WAIT_OTHER, PH_WAIT_DISK, PH_WAIT_SOCKET, PH_WAIT_FUTEX, PH_WAIT_PIPE, PH_WAIT_TIMER, PH_WAIT_POLL,
	PH_WAIT_CHILD, PH_WAIT_FAULT, PH_WAIT_RECLAIM, PH_WAIT_LOCK /* kernel or file lock */,
	PH_WAIT_TTY, PH_WAIT_SIGNAL, PH_WAIT_IDLE /* a kernel thread without work */, PH_WAIT_MAX,
};

/* In whose context a wake-up came. */
enum ph_waker {
	PH_WAKER_UNKNOWN, PH_WAKER_TASK, PH_WAKER_TIMER, PH_WAKER_DISK, PH_WAKER_NET, PH_WAKER_IRQ,
	PH_WAKER_IPI, PH_WAKER_MAX,
};

/* What a descriptor that is waited for is; all zero where unknown. */
struct ph_wait_object {
	int32_t fd;			/* -1: none */
	uint32_t mode;			/* S_IFMT bits of its inode */
	uint32_t dev;			/* of its file system; of a disk wait: the block device */
	uint64_t ino;
	uint16_t family, protocol, sport, dport;	/* of a socket */
	uint8_t saddr[16], daddr[16];
	uint64_t peer_ino;		/* of a Unix socket: the inode of its peer */
};

struct ph_segment {
	int32_t tid, pid;
	uint32_t container;		/* as of its begin */
	uint64_t cgroup_id;		/* that its CPU time is charged to, 0: unknown */
	uint64_t begin_ns, end_ns;	/* source clock */
	enum ph_state state;
	int32_t cpu;			/* RUNNING: where; WAIT_CPU, THROTTLED: whose queue; else the last one; -1 */
	bool kthread;
	bool cut;			/* the stream ended, or a gap came, before the state did */
	uint64_t part_ns[PH_PART_MAX];	/* RUNNING; adds up to end - begin */
	struct ph_limit limit;		/* THROTTLED */
	bool off_cpu;			/* UNKNOWN, at its end: it had no CPU in all of it; whether it slept or waited for one is not known */
	bool exact;			/* THROTTLED: its end is the kernel's, not "until it ran again" */
	bool preempted;			/* WAIT_CPU: it was running before, not woken */
	/* BLOCKED: */
	enum ph_wait wait;
	bool memcg;			/* PH_WAIT_RECLAIM: for a cgroup's memory limit, not for the machine's */
	int32_t syscall;		/* number of the call it is in (also of RUNNING at its end), -1: none or unknown */
	bool compat;
	struct ph_wait_object object;
	/* BLOCKED at its end, and the WAIT_CPU that follows: who woke it. */
	enum ph_waker waker;
	int32_t waker_tid;		/* PH_WAKER_TASK, else -1 */
	uint32_t waker_container;
	int32_t context_tid;		/* whom the waker interrupted, or waker_tid; 0: an idle CPU, -1: unknown */
	uint64_t waking_ns;		/* sched_waking; 0: unknown */
};

struct ph_states;

struct ph_states_ops {
	/*
	 * A task enters a state (what is known at its begin is set, end_ns 0). May be NULL. Where only a
	 * later event tells, this comes late: begin_ns may lie before events that were fed already.
	 */
	void (*enter)(void *arg, const struct ph_segment *s);
	/*
	 * It has left the state that it entered last. Segments of a task come in order; of one instant,
	 * leave before enter. What is said here holds: a state that turned out to be uncertain is left
	 * empty, and UNKNOWN is entered in its place; so end_ns may lie in the past, as begin_ns above.
	 */
	void (*leave)(void *arg, const struct ph_segment *s);
	/*
	 * CPU @cpu ran @tid (0: idle, -1: not recorded or lost) of @container from @begin_ns to @end_ns,
	 * in order for each CPU; called before the leave and enter of @end_ns. May be NULL.
	 */
	void (*ran)(void *arg, uint32_t cpu, int32_t tid, uint32_t container, uint64_t begin_ns,
		    uint64_t end_ns);
	/* CPU @cpu turns to @tid (0: idle, -1: not known). May be NULL. */
	void (*runs)(void *arg, uint32_t cpu, int32_t tid, uint64_t ts_ns);
	/*
	 * A limit was out on CPU @cpu: what the kernel counts as throttled. Before the leaves that follow from its
	 * end; its begin may lie before the stream's. Streams without sched_limit_* tell none. May be NULL.
	 */
	void (*out)(void *arg, const struct ph_limit *l, uint32_t cpu, uint64_t begin_ns, uint64_t end_ns);
	/* The task has ended, after its last leave. May be NULL. */
	void (*end)(void *arg, int32_t tid, uint64_t ts_ns);
};

/* @id: the model that is fed before this is. Both stay the caller's. */
struct ph_states *ph_states_new(const struct ph_identity *id, const struct ph_states_ops *ops, void *arg);
/* To be called for every event of the stream, in order, after ph_identity_feed(). */
void ph_states_feed(struct ph_states *st, const struct ph_event *ev);
/* The stream ends at @end_ns: what is open is left, `cut`. */
void ph_states_finish(struct ph_states *st, uint64_t end_ns);
/*
 * As of @now_ns, which lies in nobody's past: what is open is told to @ops (leave and out, with @arg), `cut`, and goes on.
 * Together with what was left until then it is what the kernel's counters would be at that moment.
 */
void ph_states_look(struct ph_states *st, uint64_t now_ns, const struct ph_states_ops *ops, void *arg);
/* What runs on @cpu, as if it left that at @now_ns, which lies in nobody's past. False: it idles, or is not known. */
bool ph_states_running(const struct ph_states *st, uint32_t cpu, uint64_t now_ns, struct ph_segment *ret);
void ph_states_free(struct ph_states *st);

/* The cgroups of the stream; they live as long as @st. */
struct ph_cgtree *ph_states_cgroups(struct ph_states *st);

/* What the stream had: without some kinds of events a division is coarser, and reports say so. */
struct ph_states_seen {
	uint64_t events, switches, wakings, wakeups, syscalls, throttles, blocks, steals;
	uint64_t irqs, timers, softirqs; /* interrupts of any kind; of these */
	uint64_t inexact;		/* throttled spans whose end is only "until it ran again" */
	uint64_t holes;			/* switches that do not follow on their CPU's last: other tasks' are not recorded */
	uint64_t gaps, lost, gap_ns;	/* ns of all CPUs' gaps together */
	uint64_t missed;		/* single events, which tear no gap */
	uint64_t begin_ns, end_ns;
	uint32_t cpus;			/* highest CPU with an event, and one */
};
void ph_states_seen(const struct ph_states *st, struct ph_states_seen *ret);
/*
 * Whoever seems to have ended such a wait may have been interrupted by what did: timers end waits for the clock, softirqs those
 * for disks, and the stream does not have them.
 */
static inline bool ph_states_waker_doubtful(enum ph_wait wait, bool timers, bool softirqs)
{
	return (!timers && wait == PH_WAIT_TIMER) || (!softirqs && (wait == PH_WAIT_DISK || wait == PH_WAIT_FAULT));
}

const char *ph_state_name(enum ph_state s);	/* "throttled" */
const char *ph_wait_name(enum ph_wait w);	/* "disk" */
const char *ph_part_name(enum ph_part p);	/* "user" */
const char *ph_waker_name(enum ph_waker w);	/* "timer" */

#endif
