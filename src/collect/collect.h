/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_COLLECT_COLLECT_H
#define PH_COLLECT_COLLECT_H

#include "base/err.h"
#include "base/vec.h"
#include "event/schema.h"
#include "filter/filter.h"
#include "identity/select.h"
#include "source/source.h"

/*
 * The running kernel as a producer of events: loads the BPF programs that the chosen events need,
 * drains the CPUs' buffers, names the containers. One thread uses a collector.
 */
struct ph_collect;
struct ph_probes;

struct ph_collect_opts {
	const bool *events;		/* [PH_EV_ID_MAX], see ph_events_choose() */
	const struct ph_selection *sel;	/* checked; NULL: everything */
	struct ph_filter *filter;	/* NULL: none */
	const int32_t *pids;		/* processes selected one by one, children included */
	size_t npids;
	int32_t command;		/* the caller's child that is to be seen; others, which read files for it, are not. 0: none */
	uint64_t ring_bytes;		/* buffer of each CPU, 0: by number of CPUs; rounded up */
	uint32_t capture_bytes;		/* of buffers, at most; of names PH_CAPTURE_NAME or this */
	uint32_t context;		/* PH_CTX_* */
	bool wait;			/* a selection that matches nothing yet is no error */
	bool block_changes;		/* sched_block only where it differs from the task's last, at least 7 times a second */
	bool count;			/* the kernel side counts for each container: ph_collect_counted() */
	struct ph_probes *probes;	/* where the user wants events: probe_hit; NULL: nowhere. It grows while recording */
	const char *probe_filter;	/* over the arguments: what the kernel side can tell does not pass is not recorded */
	uint32_t sample_hz;		/* with the event callstack: samples a second and CPU; 0: PH_SAMPLE_HZ or, with stacks_of, none */
	const bool *stacks_of;		/* [PH_EV_ID_MAX]: a callstack stands before each of these; NULL: of none */
	bool everybody;			/* record who is not selected, too: @sel only says who must be there */
};

#define PH_SAMPLE_HZ 99
#define PH_SAMPLE_HZ_MAX 20000
#define PH_CAPTURE_DEFAULT 32
#define PH_CAPTURE_NAME 256
#define PH_CAPTURE_MAX 4095

/* A consumer of events; 0, or -errno which stops the draining. */
typedef int (*ph_event_fn)(void *arg, const struct ph_event *ev, struct ph_err *err);

/* Load and attach. Recording has begun when it returns 0; events wait in the buffers. */
int ph_collect_open(const struct ph_collect_opts *opts, struct ph_collect **ret, struct ph_err *err);
/* Detach: no event is recorded any more; what is in the buffers can still be drained. */
void ph_collect_stop(struct ph_collect *c);
void ph_collect_close(struct ph_collect *c);

int ph_collect_ncpus(const struct ph_collect *c);
/* Is it everybody's events that are recorded, and all of them that were chosen? */
bool ph_collect_whole(const struct ph_collect *c);
/* Contexts that events carry, for ph_ctf_create(); tid and container first. */
const struct ph_field *ph_collect_context(const struct ph_collect *c, uint32_t *ret_n);

/*
 * One round. First @state gets what is new about containers; then, for each CPU, @cpu gets the
 * events that were recorded before the round began, in order of time of that CPU; and after each
 * CPU that lost some, @lost the number of further events lost. All see each CPU's number in ev->cpu.
 * @lost with PH_CPU_UNKNOWN: events that were missed, see struct ph_missed.
 */
struct ph_drain {
	ph_event_fn state, cpu;
	void (*lost)(void *arg, uint32_t cpu, uint64_t n);
	void *arg;
};
int ph_collect_drain(struct ph_collect *c, const struct ph_drain *to, struct ph_err *err);

/* How full the fullest buffer is, 0 to 100; from PH_BUSY_PERCENT on whoever drains should not sleep. */
unsigned int ph_collect_fill(const struct ph_collect *c);
#define PH_BUSY_PERCENT 15
/* How long to sleep before draining again, ns. */
uint64_t ph_collect_pause_ns(const struct ph_collect *c);

/* State dump: hosts's devices and CPUs, cgroups, containers, tasks, files, mounts; to @fn, in order. */
int ph_collect_dump(struct ph_collect *c, ph_event_fn fn, void *arg, struct ph_err *err);

/*
 * What the kernel has counted so far for tasks and cgroups (task_times, cgroup_stat), of which the dump
 * gave the beginning: for the end of a recording, before ph_collect_stop().
 */
int ph_collect_counts(struct ph_collect *c, ph_event_fn fn, void *arg, struct ph_err *err);

/*
 * The collector as a source of one stream, in order of time over all CPUs, in the place of drain and
 * dump; @c stays the caller's and outlives it. The state dump is made now, and is in the stream where its
 * time is; ops->prime tells it beforehand, for what was recorded meanwhile. Each -EAGAIN ends a
 * round; sleep ph_collect_pause_ns(). An event is handed out when no CPU can have an earlier one any
 * more, some milliseconds late. A CPU that owes a record which it has begun keeps the others back for a
 * limited time; a record that comes later nevertheless gets the time of what was handed out before it.
 */
int ph_live_open(struct ph_collect *c, struct ph_source **ret, struct ph_err *err);
/*
 * Adds what the kernel has counted and stops the collector: what is in the buffers is still handed out,
 * then the source ends.
 */
int ph_live_stop(struct ph_source *s, struct ph_err *err);

/*
 * The kernel does not call a program that is running on that CPU already: what happens in an interrupt of
 * the program that records such events is missed. Whose they were is not known.
 */
struct ph_missed {
	const char *program;	/* named after the event */
	uint64_t n;
};

#define PH_COLLECT_ENDS 10
struct ph_collect_stats {
	uint64_t events, lost;
	uint64_t nmissed;
	const struct ph_missed *missed;	/* by program, most with none; ends with program NULL */
	uint64_t control_lost;	/* news about containers for which there was no room */
	uint64_t deep_cgroups;	/* so deep that those below are not looked at */
	uint32_t containers;	/* selected ones seen so far */
	const char *const *missing;	/* chosen events that this kernel does not have, NULL-ended */
	const ph_strv *refused;		/* those whose programs its verifier does not take */
	struct {
		uint64_t memory_bytes;	/* what walks take in the kernel: tables and mappings */
		uint64_t tables, table_bytes;
		uint64_t processes;	/* that are looked after */
		uint64_t refused;	/* files, processes and mappings for which there was no room */
		uint64_t ended[PH_COLLECT_ENDS];	/* why stacks ended (enum ph_unwind_end) */
	} stacks;
};
void ph_collect_stats(const struct ph_collect *c, struct ph_collect_stats *ret);

/* ---- counting in the kernel, for who wants sums and no events ------------------------------------------ */

enum ph_counted {
	PH_COUNTED_SYSCALLS, PH_COUNTED_ERRORS,
	PH_COUNTED_WAIT_NS,		/* ready, without a CPU; summed over tasks */
	PH_COUNTED_SENT_BYTES, PH_COUNTED_RECEIVED_BYTES,	/* of IP sockets, Linux 6.3 */
	PH_COUNTED_N,
};

/* @c: NULL for what is in no container. @known: a bit for each of @v that this kernel counts. */
typedef void (*ph_counted_fn)(void *arg, const struct ph_container *c, const uint64_t v[PH_COUNTED_N], uint32_t known);
/*
 * What was counted so far, for each container that did anything, to @fn; takes in what is new about containers
 * before. To be called every few seconds at least. Sums only grow, but for a task that is moved to another
 * cgroup: it takes along what it waited.
 */
int ph_collect_counted(struct ph_collect *c, ph_counted_fn fn, void *arg, struct ph_err *err);

/* ---- choosing events ---------------------------------------------------------------------------- */

/*
 * -e: groups, events and globs ("sched,syscall_*_openat,!sched_migrate_task"); NULL or empty: the
 * default groups. Sets events[id]; -EINVAL for a name that is neither, with the nearest.
 */
int ph_events_choose(const ph_strv *names, bool events[PH_EV_ID_MAX], struct ph_err *err);
bool ph_group_default(enum ph_group g);
/*
 * Events without which later ones have no names: they are in every recording of the tasks that are
 * selected, whatever events and filter were chosen (as perf's COMM and FORK records are).
 */
bool ph_event_always(const struct ph_class *c);
/* Can the stacks of its task stand before it? */
bool ph_event_may_have_stack(const struct ph_class *c);
/* --context: names as LTTng's add-context has them, or "all"; -EINVAL with the nearest. */
int ph_context_parse(const ph_strv *names, uint32_t *ret_mask, struct ph_err *err);

/* ---- what this kernel allows, for doctor and for messages ---------------------------------------- */

struct ph_program {
	const char *name;	/* of the BPF program: the event it writes, or track_… */
	const char *tracepoint;	/* "sched_switch" */
	bool available;		/* the kernel (or a loaded module) has the tracepoint */
	const char *why;	/* what is missing and since when, where not */
};

/* All programs with what this kernel has of them. Needs no privilege. Ends with name NULL. */
int ph_programs_list(struct ph_program **ret, struct ph_err *err);
void ph_programs_free(struct ph_program *list);

/* How this thread's last ph_collect_open() was refused, in the kernel's or libbpf's words; "": not. */
const char *ph_collect_last_words(void);

/* The kernel's BTF: -ENOENT with a sentence where there is none. */
int ph_kernel_btf_check(struct ph_err *err);

#endif
