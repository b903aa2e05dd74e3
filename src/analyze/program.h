/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_PROGRAM_H
#define PH_ANALYZE_PROGRAM_H

#include "analyze/states.h"
#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"

/*
 * What each task did, without the time for which a CPU or a limit kept it waiting: a program that can be run again
 * under other circumstances. Where a task waited for another one, the operation says how far that one has to come, in
 * the time that was recorded; so a task's position in its program is such a time, too.
 * Programs are kept on disk, and read from first to last.
 */
enum ph_op_kind {
	PH_OP_RUN,		/* so long on a CPU */
	PH_OP_SLEEP,		/* keeps its length */
	PH_OP_UNTIL,		/* until end_ns on the clock, at once if that is over */
	PH_OP_WAIT,		/* until task `from` has come to from_ns */
};

#define PH_OP_KERNEL 1		/* RUN: all of it in the kernel */

struct ph_op {
	uint64_t begin_ns, end_ns;	/* as recorded: the position in the program before and after */
	union {
		uint64_t from_ns;	/* WAIT */
		uint64_t queued_ns;	/* RUN: for so long it was runnable before, and others ran */
	};
	uint32_t from;			/* WAIT: task, by its index; RUN: CPUs that it might be on, by the owner's index, 0: all */
	uint32_t late_ns;		/* RUN: woken, its CPU took so long to turn to it though it was idle; WAIT: after from_ns */
	uint16_t group;			/* RUN: whose CPU time it is, by the index that the owner gives */
	uint16_t cpu;			/* RUN: where */
	uint8_t kind, wait, flags;	/* enum ph_op_kind; enum ph_wait, of SLEEP */
	uint8_t stolen;			/* RUN: of 255, the hypervisor ran something else: nobody's CPU time */
};

/* A task, from its birth, or from when it was first seen. There may be very many of them. */
struct ph_program_task {
	int32_t tid, pid;
	uint32_t container;		/* of its last operation */
	/* Who made it, at parent_ns; whom it made, in that order: the first, and the next of one parent. UINT32_MAX: none, or not known. */
	uint32_t parent, child, sibling;
	uint64_t parent_ns;
	uint64_t begin_ns, end_ns;
	int32_t pinned;			/* to this CPU; -1: to none */
	uint8_t nice;			/* -20 is 0 */
	bool kthread, ended;
	bool active;			/* it has an operation */
	bool first;			/* it runs before all that are not */
	/* Inside. */
	uint8_t block_n;		/* operations of its first block, which is at block_at; 0: none is written */
	uint32_t child_last, before;	/* before: who had its number; UINT32_MAX: nobody */
	uint64_t block_at;
	struct program_more *more;	/* its other blocks, and what is not written; NULL: there are none */
};

struct ph_program;

int ph_program_new(struct ph_program **ret, struct ph_err *err);
void ph_program_free(struct ph_program *p);

/* The index of the task that has the number @tid at present, which may be anything; made where there is none. */
uint32_t ph_program_task(struct ph_program *p, int32_t tid);
/* Of the one that had it at @ts: it may have ended since, and its number be another's. */
uint32_t ph_program_task_at(struct ph_program *p, int32_t tid, uint64_t ts);
/* UINT32_MAX: none has. */
uint32_t ph_program_find(const struct ph_program *p, int32_t tid);
/* Pointers last until another task is made. */
struct ph_program_task *ph_program_nth(const struct ph_program *p, uint32_t task);
uint32_t ph_program_ntasks(const struct ph_program *p);

/* @child, of which there is no operation yet, was made by @parent at @at_ns, after all that this one made before. */
void ph_program_made(struct ph_program *p, uint32_t child, uint32_t parent, uint64_t at_ns);
/* The next operation of @task; one that would begin before the last one's end is cut. */
void ph_program_add(struct ph_program *p, uint32_t task, const struct ph_op *op);
/* It has ended; its number may be given to another. */
void ph_program_end(struct ph_program *p, int32_t tid);
int ph_program_error(const struct ph_program *p, struct ph_err *err);
uint64_t ph_program_bytes(const struct ph_program *p);	/* on disk */

/* Reads a program. Zero-initialise; ph_program_rewind() frees what it has. */
struct ph_program_reader {
	struct ph_op *ops;
	uint32_t n, i, block;
	bool open;			/* the last block is read */
};

/* NULL: that was the last. It lasts until the next call. */
const struct ph_op *ph_program_next(const struct ph_program *p, uint32_t task, struct ph_program_reader *r);
void ph_program_rewind(struct ph_program_reader *r);

#endif
