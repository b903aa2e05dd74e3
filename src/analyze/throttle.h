/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_THROTTLE_H
#define PH_ANALYZE_THROTTLE_H

#include "analyze/cgtree.h"
#include "analyze/neighbour.h"
#include "analyze/object.h"
#include "analyze/spans.h"
#include "analyze/states.h"
#include "base/map.h"
#include "identity/select.h"

/*
 * Where the CPU time of containers went: every task's time divided without remainder, throttled time by
 * the limit that did it, and what the stream tells of each limit, period by period.
 */

/* Task time: two tasks that wait for a second have waited two seconds. Adds up to total_ns. */
struct ph_division {
	uint64_t user_ns, kernel_ns, irq_ns, steal_ns;
	uint64_t modeless_ns;		/* user or kernel: the stream does not tell */
	uint64_t own_ns, above_ns;	/* throttled: by a limit of its own, by an ancestor's */
	uint64_t wait_ns, frozen_ns, stopped_ns, unknown_ns;
	uint64_t blocked_ns[PH_WAIT_MAX];
	uint64_t total_ns;
};

static inline uint64_t ph_division_ran(const struct ph_division *d)
{
	return d->user_ns + d->kernel_ns + d->irq_ns + d->modeless_ns;
}

static inline uint64_t ph_division_blocked(const struct ph_division *d)
{
	uint64_t sum = 0;

	for (int i = 0; i < PH_WAIT_MAX; i++)
		sum += d->blocked_ns[i];
	return sum;
}

/* One period of a limit. */
struct ph_period {
	uint64_t used_ns;		/* CPU time of all tasks under the limit */
	uint64_t throttled_ns;		/* task time */
	uint64_t first_ns;		/* into it, when the first task was throttled; UINT64_MAX: none was */
	uint32_t ntasks;		/* that were throttled */
};

struct ph_throttle_limit {
	struct ph_cgnode *cgroup;
	uint64_t quota_ns, period_ns, burst_ns;
	uint64_t throttled_ns;		/* task time */
	uint64_t nsegments;
	PH_VEC(struct ph_spans) cpus;	/* some task of it was throttled on that CPU */
	struct ph_spans any;		/* on any */
	PH_VEC(struct ph_spans) told;	/* it was out on that CPU, where the stream tells: replaces cpus at the end */
	/* periods.v[i] begins at origin_ns + i * period_ns; only complete ones count. */
	uint64_t origin_ns;
	PH_VEC(struct ph_period) periods;
	uint64_t gone_ns;		/* when its cgroup was last told to have it no more; 0: never */
	/* How the phase was found: the time of a refill, and by how many more it was agreed to than not. */
	uint64_t refill_ns, voted_ns;	/* voted_ns: the last that was heard */
	int64_t votes;
	/* Results of ph_throttle_finish(). */
	uint64_t nperiods, nran_out;	/* periods in which its tasks ran, and in which it ran out */
	uint64_t into_ns;		/* median: how far into a period it ran out */
	uint32_t threads;		/* median: tasks that were throttled in such a period */
	bool changed;			/* its cgroup had others, too: what the kernel counted is of all of them, and stands at the worst */
	/* Between the first and the last time that the kernel's counters were told; 0, 0: they were not. */
	uint64_t counted_ns, kernel_ns;	/* throttled CPU time, ours and the kernel's */
	uint64_t kernel_periods, kernel_ran_out;
	uint64_t enough_ns;		/* quota that would remove 95 % of the throttled time; 0: not known */
};

struct ph_throttle_share {
	struct ph_throttle_limit *limit;
	uint64_t throttled_ns;		/* task time */
	uint32_t level;			/* above the task's cgroup, the lowest seen */
	bool own;			/* the container's own cgroup has it, or one below */
};

/* What was waited for. Compared as bytes: without padding. */
struct ph_throttle_wait_key {
	uint32_t wait;			/* enum ph_wait */
	uint32_t memcg;			/* RECLAIM: for a memory limit */
	struct ph_object object;
	uint32_t waker_container;
	char waker_comm[16];		/* who ended it, where tasks do that for each other; empty: not known */
};

struct ph_throttle_wait {
	struct ph_throttle_wait_key key;
	uint64_t ns, n;			/* task time; how often */
};

enum ph_throttle_by { PH_BY_CONTAINER, PH_BY_POD, PH_BY_CGROUP, PH_BY_TASK };

struct ph_throttle_group {
	enum ph_throttle_by by;
	uint32_t container;		/* PH_BY_CONTAINER, PH_BY_TASK */
	struct ph_cgnode *cgroup;	/* of its tasks: of PH_BY_CGROUP the group itself, else the last seen */
	int32_t tid, pid;		/* PH_BY_TASK */
	struct ph_throttle_group *home;	/* PH_BY_TASK: of the container that it was in last */
	char comm[16];
	char *pod;			/* PH_BY_POD: "namespace/name" */
	struct ph_division t;
	uint64_t ntasks;
	struct ph_spans throttled;	/* some task of it was: wall time */
	PH_VEC(struct ph_throttle_share) shares;	/* after finish: the largest first */
	PH_VEC(struct ph_throttle_wait) waits;	/* add up to t.blocked_ns; after finish: the longest first */
	size_t last_wait;
};

struct ph_throttle {
	const struct ph_identity *id;
	const struct ph_selection *sel;	/* NULL: all */
	struct ph_states *st;
	struct ph_cgtree *cgroups;
	struct ph_neighbours *nb;
	struct ph_devices devices;
	bool by_cgroup;			/* also rows a cgroup */
	/* Results. */
	struct ph_states_seen seen;
	uint64_t begin_ns, end_ns;
	PH_VEC(struct ph_throttle_limit *) limits;
	PH_VEC(struct ph_throttle_group *) containers, pods, cgroups_of, tasks;	/* tasks: of many that ended, a sum (tid -1) */
	/* Inside. */
	struct ph_throttle_group *ended;	/* the sum, until finish */
	struct ph_u64map container_map, cgroup_map, task_map, times_map;
};

/* @id and @sel stay the caller's. */
struct ph_throttle *ph_throttle_new(const struct ph_identity *id, const struct ph_selection *sel);
void ph_throttle_free(struct ph_throttle *th);
/* For every event of the stream, after ph_identity_feed(). */
void ph_throttle_feed(struct ph_throttle *th, const struct ph_event *ev);
/* The stream ended at @end_ns (or its last event's time, where that is later). */
void ph_throttle_finish(struct ph_throttle *th, uint64_t end_ns);

/* Do figures of the selected tasks come from @ev? To be asked after it was fed. */
bool ph_throttle_concerns(const struct ph_throttle *th, const struct ph_event *ev);

/* CPU time in ns of a quota as "0.5 CPU". */
static inline double ph_limit_cpus(const struct ph_throttle_limit *l, uint64_t ns)
{
	return l->period_ns ? (double)ns / (double)l->period_ns : 0;
}

#endif
