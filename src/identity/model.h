/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_IDENTITY_MODEL_H
#define PH_IDENTITY_MODEL_H

#include "event/schema.h"
#include "identity/container.h"

/*
 * The identity model: who is who as of a point in the stream. It is built from events only (state
 * dump, fork, exec, exit, container_info …), so it is the same live, on our traces and on LTTng's.
 *
 *	while (ph_source_next(src, &ev, &err) > 0) {
 *		ph_identity_feed(id, ev);	// first: fills ev->tid, pid, container where unknown
 *		... use ev, ph_identity_task(id, ev->tid), ph_identity_container(id, ev->container)
 *	}
 */
struct ph_identity;

#define PH_PID_LEVELS 8

struct ph_task {
	int32_t tid, pid, ppid;		/* host numbering; -1 unknown */
	uint32_t container;		/* index, PH_CONTAINER_UNKNOWN */
	char comm[16];
	uint32_t ns[8];			/* enum ph_ns order, 0 unknown */
	uint8_t levels;			/* pid namespace levels known in vtid[], 0: unknown */
	int32_t vtid[PH_PID_LEVELS], vpid[PH_PID_LEVELS];	/* [0] is the host's */
	uint64_t start_ns;		/* source clock, 0 unknown */
	int32_t in_syscall;		/* number of the call it is in, -1 none or unknown */
	bool exited;			/* kept until its sched_process_free or its tid is used again */
};

struct ph_identity *ph_identity_new(void);
void ph_identity_free(struct ph_identity *id);

/*
 * Take @ev into the model and complete it: tid from contexts or from the task that runs on its CPU,
 * pid from the task, container from contexts or the task. To be called once for each event, in order.
 * Classes must live as long as the model: it remembers them by address.
 */
void ph_identity_feed(struct ph_identity *id, struct ph_event *ev);
/*
 * @ev is still to come (and to be fed in its place): if it introduces a container of which nothing is
 * known yet, or another index of one, take that.
 */
void ph_identity_introduce(struct ph_identity *id, const struct ph_event *ev);

/* NULL where unknown. Pointers are valid until the next feed. */
const struct ph_task *ph_identity_task(const struct ph_identity *id, int32_t tid);
/*
 * Has the process of @ev's task ended with it? @ev is the event that was fed last. That is so of the last end of a thread, once;
 * its first one may end long before. Of a stream that does not say which is the last, it is where none is known that lives.
 */
bool ph_identity_process_ended(const struct ph_identity *id, const struct ph_event *ev);
/* The wait status of the process that has ended so. */
int64_t ph_identity_process_status(const struct ph_event *ev);
/* Is process @pid the first one of the container, as was told? */
bool ph_identity_is_init(const struct ph_identity *id, uint32_t container, int32_t pid);
/* Has the first thread of process @pid ended by itself (pthread_exit), so that others went on? */
bool ph_identity_leaderless(const struct ph_identity *id, int32_t pid);
/*
 * Is @ev, the event that was fed last, the end of a thread with which such a process ends? That is the first of those that end
 * because all of them shall, else the last one.
 */
bool ph_identity_ended_after_first(const struct ph_identity *id, const struct ph_event *ev);
const struct ph_container *ph_identity_container(const struct ph_identity *id, uint32_t index);
/* Another number whenever something is told of a container: its name may come long after its first task. */
uint32_t ph_identity_told(const struct ph_identity *id);
/* The guest of KVM in a container, besides it, that process @pid runs; NULL: none. */
const struct ph_container *ph_identity_guest(const struct ph_identity *id, int32_t pid);
/* Container of the cgroup (hierarchy, id) or of its nearest known ancestor. */
const struct ph_container *ph_identity_by_cgroup(const struct ph_identity *id, int32_t hierarchy,
						 uint64_t cgroup_id);
/* All containers ever seen, in order of their index, until NULL; 0 (the host) is always there. */
const struct ph_container *ph_identity_nth(const struct ph_identity *id, size_t i);
/* The function that a kernel address of a stack is in, "" where the stream has not told it. */
const char *ph_identity_function(const struct ph_identity *id, uint64_t address);
/* What columns show: the name, else the short id, else "#<index>"; "" for the host, "?" unknown. */
const char *ph_container_label(const struct ph_identity *id, uint32_t index);

#endif
