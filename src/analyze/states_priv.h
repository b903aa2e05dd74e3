/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_STATES_PRIV_H
#define PH_ANALYZE_STATES_PRIV_H

/* The insides of states*.c. */

#include "analyze/blocked.h"
#include "analyze/cgtree.h"
#include "analyze/states.h"
#include "base/cleanup.h"
#include "base/map.h"
#include "base/vec.h"

/* Numbers come from traces: what is beyond these does not exist on Linux. */
#define TID_LIMIT 4194304
#define CPU_LIMIT 8192
#define STACK_MAX 8		/* interrupts that nest on one CPU */

/* As sched_switch has them in all tracers (include/linux/sched.h, TASK_REPORT). */
#define STATE_INTERRUPTIBLE 0x01
#define STATE_UNINTERRUPTIBLE 0x02
#define STATE_STOPPED 0x0c	/* by a signal, by a tracer */
#define STATE_DEAD 0x70		/* exit states; 0x40 is TASK_DEAD before Linux 4.14 */
#define STATE_IDLE 0x80
#define STATE_FREEZER 0x8000	/* of sched_block only: in the freezer of cgroup v1 */
#define STATE_REPORT 0xff	/* 0x100 and more: preempted, as LTTng writes it */

enum mode { MODE_UNKNOWN, MODE_USER, MODE_KERNEL };

struct task {
	struct ph_segment seg;		/* the open one */
	enum mode mode;
	bool exiting;
	bool nr_known;			/* seg.syscall -1 means: in none */
	bool uninterruptible;		/* BLOCKED */
	bool frozen_asleep;		/* FROZEN: it was blocked, and is again when it thaws */
	bool reclaim, reclaim_memcg;
	uint32_t rq_dev;		/* of a block request in this call */
	/* A sched_waking that no sched_wakeup has followed yet. */
	uint64_t waking_ns;		/* 0: none */
	uint64_t moved_ns;		/* when it was first moved to another CPU in the last sleep in which it was, 0: never */
	enum ph_waker waker;
	int32_t waker_tid, context_tid;
	uint32_t waker_container;
	/* Told just before the switch that it is about. */
	bool will_throttle;
	struct ph_limit limit;
	struct ph_block block;
	/* THROTTLED, and on a CPU again since then: sched_throttle_end is still to come. */
	uint64_t ran_again_ns;
	int32_t queue;			/* of the CPU in whose queue it is, -1: in none */
	size_t queue_at;		/* its place there */
};

enum frame_kind { FRAME_IRQ, FRAME_SOFTIRQ, FRAME_HRTIMER, FRAME_IPI, FRAME_VECTOR_TIMER, FRAME_VECTOR_IPI };

struct frame {
	enum frame_kind kind;
	uint32_t nr;			/* of the softirq */
	bool disk;			/* a block request was finished in it */
};

struct cpu {
	struct task *cur;		/* NULL: idle or unknown */
	int32_t tid;			/* 0: idle, -1: unknown */
	uint32_t container;
	bool seen;
	uint64_t since_ns;		/* it runs `tid` since then */
	uint64_t last_ns;		/* the last event that shows that it does */
	uint64_t mark_ns;		/* its time is divided up to here */
	uint64_t walk_end_ns, walk_ns;	/* a stack for the switch that follows was told, and how long it was walked */
	struct task *throttle_ends;	/* runs, and its sched_throttle_end must be the next event here */
	struct frame stack[STACK_MAX];
	unsigned int depth;
	struct ph_outages outages;
	PH_VEC(struct task *) queue;	/* those that wait for it or are throttled on it */
};

/* Events are missing somewhere in it. */
struct gap {
	uint64_t begin_ns, end_ns;
	uint32_t cpu;
};

/* It was not told who had a CPU, nor what was done there, wake-ups as well. */
struct unseen {
	uint64_t begin_ns, end_ns;
};
#define UNSEEN_KEPT 64

struct ph_states {
	const struct ph_identity *id;
	struct ph_states_ops ops;
	void *arg;
	struct ph_u64map tasks;		/* tid -> struct task */
	PH_VEC(struct cpu) cpus;
	PH_VEC(struct gap) gaps;	/* by begin, those of one CPU without overlap */
	uint64_t gaps_end_ns;		/* the latest end */
	struct unseen unseen[UNSEEN_KEPT];	/* the last ones, by their end */
	uint64_t nunseen;
	PH_VEC(uint32_t) frozen;	/* containers */
	struct ph_cgtree *cgroups;
	struct ph_states_seen seen;
	bool begun, done;
	const struct ph_class *trusted[PH_EV_STATIC_MAX];
};

#define U(event, field, otherwise) ph_event_u(ev, PH_FLD(event, field), otherwise)
#define I32(event, field) ((int32_t)ph_event_i(ev, PH_FLD(event, field), -1))

static inline bool st_is_queued(const struct task *t)
{
	return t->seg.state == PH_ST_WAIT_CPU || t->seg.state == PH_ST_THROTTLED;
}

static inline struct cpu *st_cpu_or_null(struct ph_states *st, int32_t cpu)
{
	return cpu >= 0 && (size_t)cpu < st->cpus.n ? &st->cpus.v[cpu] : NULL;
}

/* states_segment.c */
void st_segment_leave(struct ph_states *st, struct ph_segment *s);
/* @t leaves its state at @ts; it may say what it likes of its next one before st_segment_enter(). */
void st_segment_next(struct ph_states *st, struct task *t, enum ph_state state, uint64_t ts);
void st_segment_enter(struct ph_states *st, struct task *t);
void st_go(struct ph_states *st, struct task *t, enum ph_state state, uint64_t ts);
/* The same state goes on under another name or container. */
void st_segment_split(struct ph_states *st, struct task *t, uint64_t ts, int32_t tid);
/* What was thought of its present state does not hold. */
void st_distrust(struct ph_states *st, struct task *t);
struct task *st_task_find(const struct ph_states *st, int32_t tid);
struct task *st_task_new(struct ph_states *st, int32_t tid, uint64_t ts);
/* A task that is mentioned for the first time was there before, unless it is born (st_on_fork). */
struct task *st_task_get(struct ph_states *st, int32_t tid);
void st_task_end(struct ph_states *st, struct task *t, uint64_t ts);

/* states_cpu.c */
struct cpu *st_cpu_get(struct ph_states *st, uint32_t cpu);
/* The time since the last change of mode belongs to what the CPU did until now. */
void st_divide(struct cpu *c, uint64_t ts);
/* The same for @s, which is of what runs, and @c stays as it is. */
void st_divide_as_of(const struct cpu *c, uint64_t ts, struct ph_segment *s);
void st_call_ran(struct ph_states *st, const struct cpu *c, int32_t tid, uint64_t begin, uint64_t end);
/* What ran on @c does so no more, and when it stopped was not recorded: later than its last event. */
void st_lose_current(struct ph_states *st, struct cpu *c, uint64_t ts);
/* @t comes onto @c, and was not seen to leave another CPU. */
void st_leave_other(struct ph_states *st, const struct task *t, const struct cpu *c, uint64_t ts);
void st_set_current(struct ph_states *st, struct cpu *c, struct task *t, int32_t tid, uint64_t ts);
/* Containers and cgroups become known, or change, while a state lasts. */
void st_on_attach(struct ph_states *st, struct task *t, uint64_t ts);
/* @t was blocked and is awake, and who woke it was not told: it slept until that could be hidden. */
void st_woken_unseen(struct ph_states *st, struct task *t);
/* @tid has @c, and the switch to it was not recorded: since when is not known. NULL: it is nobody. */
struct task *st_unseen_switch(struct ph_states *st, struct cpu *c, int32_t tid, uint64_t ts);
/* An event in the context of @tid on @c: so that is what runs there, whatever we knew. */
struct task *st_running(struct ph_states *st, struct cpu *c, int32_t tid, uint64_t ts);
enum ph_waker st_waker_of(const struct ph_states *st, const struct cpu *c, int32_t tid);
void st_on_syscall(struct ph_states *st, struct cpu *c, struct task *t, const struct ph_event *ev);
/* The hypervisor had the CPU for so long since its last switch: of what ran, in proportion. */
void st_on_steal(struct ph_states *st, struct cpu *c, const struct ph_event *ev);
/* Events that only say something of the task that runs, or of its interrupts. */
void st_on_context_event(struct ph_states *st, struct cpu *c, struct task *t, const struct ph_event *ev);

/* states_throttle.c */
/*
 * @t, which has left its last state, is runnable in the queue of seg.cpu: throttled, if a limit keeps it off
 * there. Where tasks are throttled one by one (Linux 6.18) that is told of each, and one that is @let_go by a
 * limit may be kept by another.
 */
void st_queued(struct ph_states *st, struct task *t, bool let_go);
/* From @ts on @t waits in the queue of @cpu. */
void st_wait_from(struct ph_states *st, struct task *t, int32_t cpu, uint64_t ts);
/* The limit of @o, which is out on @c, is so no more. */
void st_outage_end(struct ph_states *st, struct cpu *c, struct ph_outage *o, uint64_t ts);
/* Where groups are throttled as a whole, none is out whose task comes onto the CPU: the refill was not seen. */
void st_refute_outages(struct ph_states *st, struct cpu *c, const struct task *t, uint64_t ts);
void st_on_limit_begin(struct ph_states *st, const struct ph_event *ev);
void st_on_limit_end(struct ph_states *st, const struct ph_event *ev);
/* It is removed: it has no tasks any more, and no refill will be told. */
void st_on_limit_gone(struct ph_states *st, const struct ph_event *ev);
void st_settle_throttle(struct ph_states *st, struct cpu *c);
void st_on_throttle_begin(struct ph_states *st, const struct ph_event *ev);
void st_on_throttle_end(struct ph_states *st, struct cpu *c, const struct ph_event *ev);

/* states_switch.c */
/* A task that slept is awake since its sched_wakeup, or sched_waking where that is all there is. */
void st_wake(struct ph_states *st, struct task *t, uint64_t ts);
void st_block(struct ph_states *st, struct task *t, uint64_t state, uint64_t ts);
/* The recorder says why the task, which is about to leave its CPU, will wait. */
void st_on_block(struct ph_states *st, const struct ph_event *ev);
void st_on_switch(struct ph_states *st, struct cpu *c, const struct ph_event *ev);
void st_on_waking(struct ph_states *st, struct cpu *c, const struct ph_event *ev);
void st_on_wakeup(struct ph_states *st, struct cpu *c, const struct ph_event *ev, bool fresh);
void st_on_migrate(struct ph_states *st, const struct ph_event *ev);

/* states_life.c */
/* Into another cgroup, of the cpu controller's. */
void st_on_move(struct ph_states *st, struct task *t, uint64_t cgroup_id, uint64_t ts);
void st_on_fork(struct ph_states *st, const struct ph_event *ev);
void st_on_exec(struct ph_states *st, const struct ph_event *ev, struct cpu *c);
void st_on_task_exit(struct ph_states *st, const struct ph_event *ev, struct cpu *c);
void st_on_free(struct ph_states *st, const struct ph_event *ev);
void st_on_dump_state(struct ph_states *st, const struct ph_event *ev);
bool st_is_frozen(const struct ph_states *st, const struct task *t);
void st_freeze(struct ph_states *st, uint32_t container, uint64_t ts);
void st_thaw(struct ph_states *st, uint32_t container, uint64_t ts);
/* Of cgroup v2; a group above containers freezes all of them. */
void st_on_cgroup_freeze(struct ph_states *st, const struct ph_event *ev, bool frozen);

#endif
