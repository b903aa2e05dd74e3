/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_PROFILE_H
#define PH_ANALYZE_PROFILE_H

#include "analyze/states.h"
#include "base/map.h"
#include "base/vec.h"
#include "filter/filter.h"
#include "identity/select.h"

/*
 * Profiles: which functions CPU time, waiting time or events are of, from the stream alone. Stacks are kept once,
 * as a tree of places; a place is an address of a file, which does not change from process to process. Names are
 * given at the end, because the stream tells them after the stack that needs them.
 */

/* What is summed up. */
enum ph_profile_what {
	PH_PROFILE_CPU,		/* samples of what CPUs do */
	PH_PROFILE_OFFCPU,	/* time between leaving a CPU and having one again */
	PH_PROFILE_WALL,	/* both */
	PH_PROFILE_EVENT,	/* how often an event came, by what led to it */
};

/* As the event callstack has it. */
enum ph_profile_unit { PH_PROFILE_NS, PH_PROFILE_CYCLES, PH_PROFILE_COUNT };

/* What stacks may be divided by. */
enum ph_profile_by {
	PH_BY_CONTAINER, PH_BY_POD, PH_BY_IMAGE, PH_BY_COMM, PH_BY_PROCESS, PH_BY_THREAD, PH_BY_REASON, PH_BY_MAX,
};

enum ph_frame_kind {
	PH_FRAME_GROUP,		/* no function: what stacks are divided by */
	PH_FRAME_KERNEL, PH_FRAME_USER,
	PH_FRAME_INLINED,	/* a function that the compiler put into the next one */
	PH_FRAME_JIT,		/* made while the program runs */
	PH_FRAME_INTERPRETER,	/* of a program in Python, PHP … */
	PH_FRAME_WAIT,		/* no function: what is waited for, and who ended that */
	PH_FRAME_NONE,		/* no function: what is known of a part of a stack in its place */
	PH_FRAME_KINDS,
};

const char *ph_frame_kind_name(enum ph_frame_kind kind);	/* "kernel" */

/* A function, or what stands in a stack in the place of one. */
struct ph_func {
	enum ph_frame_kind kind;
	bool named;			/* else `name` is module+0x12ab */
	const char *name;
	const char *label;		/* with _[k] of the kernel, _[i] inlined, _[j] made at run time */
	const char *module;		/* file's name without folders, "" of the kernel itself and of no function */
};

/* A place of a function, which is what frames are. */
struct ph_loc {
	uint32_t func;			/* index in funcs */
	uint32_t file;			/* index in files, UINT32_MAX: in none */
	uint64_t address;		/* as the file calls it; of the kernel and of JIT code as it is */
	const char *source;		/* "": not known */
	uint32_t line;			/* 0: not known */
	uint32_t made;			/* whose [anonymous code] it is, if that could have names: index in made, from 1; 0: none */
};

/* A file with code. */
struct ph_profile_file {
	uint32_t number;		/* in the stream */
	const char *path, *module, *build_id;
	uint64_t nameless;		/* weight of stacks with functions of it that have no names */
	const char *not_shown;		/* why functions of programs that it runs are not shown; "": they are, or it runs none */
	uint64_t running;		/* weight of stacks with it, where they are not */
	const char *problem;		/* why; "": it has no debug symbols, or that was not told */
	const char *distribution, *install;	/* whose package has its debug symbols, the command; "": not known */
};

/* A process that made code while it ran. */
struct ph_profile_made {
	int32_t pid, its_pid;		/* its_pid: as its container calls it; 0: not known */
	uint32_t container;
	const char *runtime;		/* by what, "java"; "": not known; NULL: not asked yet */
	const char *remedy;		/* how it is got to tell names */
	uint32_t file;			/* index in files, of the runtime; UINT32_MAX: none */
	uint64_t nameless;		/* weight of stacks with code of it that has no names */
};

/* Whose a stack is; as fine as it was asked for. */
struct ph_actor {
	uint32_t container;
	int32_t pid, tid;		/* 0: not told apart */
	const char *comm, *process;	/* process: its leader's, "" where not known */
	bool others;			/* more of the container than are told apart */
	uint32_t group[PH_BY_MAX];	/* locs, in the order of opts.by */
};

/* A stack of somebody. */
struct ph_profile_row {
	uint32_t node, actor;
	uint32_t reason, waker;		/* locs; 0: none */
	uint64_t weight, count;
};

/* One sample, where the order of time is asked for. */
struct ph_profile_sample {
	uint64_t ts_ns, weight;
	uint32_t row, cpu;
};

struct ph_profile_opts {
	enum ph_profile_what what;
	const struct ph_class *event;	/* PH_PROFILE_EVENT */
	bool user, kernel;		/* only frames of the one; neither: both */
	enum ph_profile_by by[PH_BY_MAX];
	unsigned int nby;
	bool threads;			/* tell threads apart, whatever `by` says */
	bool samples;			/* keep each */
	const struct ph_selection *sel;	/* NULL: all */
	struct ph_filter *filter;	/* of events, or of the callstacks of samples; NULL: all */
};

typedef PH_VEC(uint32_t) ph_locv;

struct ph_profile {
	struct ph_profile_opts opts;
	const struct ph_identity *id;
	/* Results. */
	enum ph_profile_unit unit;
	uint64_t weight, count;		/* of all rows */
	uint64_t begin_ns, end_ns;
	PH_VEC(struct ph_profile_row) rows;
	PH_VEC(struct ph_profile_sample) samples;
	PH_VEC(struct ph_actor) actors;
	PH_VEC(struct ph_func) funcs;
	PH_VEC(struct ph_loc) locs;	/* [0] is none */
	PH_VEC(struct ph_profile_file *) files;
	PH_VEC(struct ph_profile_made) made;
	/* What the reader of the figures must know. */
	uint64_t ends[16];		/* stacks by enum ph_unwind_end */
	uint64_t stackless_ns;		/* of waits whose beginning was not seen */
	uint64_t left_out, left_out_ns;	/* waits of tasks that no stack was recorded of */
	uint64_t nameless_kernel;	/* weight of stacks with kernel functions without names */
	uint64_t unmapped;		/* weight of stacks with addresses that are in no known file */
	uint64_t others;		/* stacks of events that were not asked for */
	uint64_t other_unit;		/* samples in another unit than the first */
	uint64_t crowded;		/* weight of stacks that are cut short, or put together, for want of room */
	uint64_t samples_left_out;
	uint64_t gaps, lost;
	/* Inside. */
	uint64_t now_ns;
	struct profile *priv;
};

/* @id and what @opts points to stay the caller's. */
struct ph_profile *ph_profile_new(const struct ph_identity *id, const struct ph_profile_opts *opts);
void ph_profile_free(struct ph_profile *p);
/* For every event of the stream, in order, after ph_identity_feed(). */
void ph_profile_feed(struct ph_profile *p, const struct ph_event *ev);
/*
 * What tells names and mappings, ahead of its place in the stream: all names, and mappings of before @begin_ns.
 * Once for each of them, before the first ph_profile_feed().
 */
void ph_profile_feed_ahead(struct ph_profile *p, const struct ph_event *ev, uint64_t begin_ns);
/* The stream ended at @end_ns (or its last event's time, where that is later): names, sums. */
void ph_profile_finish(struct ph_profile *p, uint64_t end_ns);

/* After the end: the locs of a row, from the outermost, what it is divided by in front; @out is overwritten. */
void ph_profile_stack(const struct ph_profile *p, const struct ph_profile_row *row, bool groups, ph_locv *out);

/* As it is shown: "web", "(host)". */
static inline const char *ph_profile_container(const struct ph_profile *p, uint32_t container)
{
	return container == PH_CONTAINER_HOST ? "(host)" : ph_container_label(p->id, container);
}

static inline const struct ph_func *ph_profile_func(const struct ph_profile *p, uint32_t loc)
{
	return &p->funcs.v[p->locs.v[loc].func];
}

/* "1.5 s", "2.3 G cycles", "12 times". */
void ph_profile_weight_text(const struct ph_profile *p, uint64_t weight, struct ph_buf *out);
/* "CPU time", "off-CPU time", "sched_switch". */
const char *ph_profile_what_text(const struct ph_profile *p);
/* Sentences about what the figures lack, one a call, until false. */
bool ph_profile_note(const struct ph_profile *p, unsigned int i, struct ph_buf *out);
extern const char *const ph_profile_by[PH_BY_MAX + 1];	/* their names, ending with NULL */

#endif
