/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_TRAIL_H
#define PH_ANALYZE_TRAIL_H

#include "analyze/states.h"
#include "base/err.h"

/*
 * What each task did and each CPU ran, from first to last, to be looked up by time afterwards: the execution graph,
 * its vertices times of tasks, its edges pieces of time and what a piece comes from. It is kept on disk; memory is
 * for the pieces that each task has lately had, and an index of a few hundredths of the rest.
 */
enum ph_piece_kind {
	PH_PIECE_RAN,		/* on a CPU: share */
	PH_PIECE_QUEUED,	/* runnable, others ran on `cpu` */
	PH_PIECE_THROTTLED,	/* `what`: by which limit */
	PH_PIECE_FROZEN, PH_PIECE_STOPPED, PH_PIECE_ASLEEP, PH_PIECE_UNKNOWN,
	PH_PIECE_LINK,		/* the task began at its end, as what task `from_tid` did until then */
	PH_PIECE_CPU,		/* of a CPU: it ran `from_tid`, 0: nobody, -1: not known */
};

#define PH_PIECE_PACKET 1	/* ASLEEP: what woke it was sent by `from_tid` at `from_ns` */
#define PH_PIECE_EXEC 2		/* LINK: by an exec, not by a fork */

struct ph_piece {
	uint64_t begin_ns, end_ns;
	union {
		/* RAN: of its time, in units of 2^-32; the rest is PH_PART_MODELESS. */
		struct { uint32_t user, kernel, irq, steal; } share;
		/* STOPPED, ASLEEP, UNKNOWN, LINK, CPU: who ended it, and when that began; tid -1: no task did. */
		struct { uint64_t from_ns; uint64_t woken_ns; };
	};
	int32_t from_tid, cpu;
	uint32_t what;			/* the analysis' own number, 0: nothing */
	uint8_t kind, wait, waker, flags;	/* enum ph_piece_kind, enum ph_wait, enum ph_waker */
};

/* Whose they are. */
struct ph_trail_who {
	int32_t pid;
	uint32_t container;
	char comm[16];
};

struct ph_trail;

int ph_trail_new(struct ph_trail **ret, struct ph_err *err);
void ph_trail_free(struct ph_trail *t);

/* The key of a CPU; that of a task is its tid. */
static inline int32_t ph_trail_cpu(uint32_t cpu)
{
	return -1 - (int32_t)cpu;
}

/* The next piece of @key: none begins before its last one ends, but links. Empty ones are left away. */
void ph_trail_add(struct ph_trail *t, int32_t key, const struct ph_trail_who *who, const struct ph_piece *p);
/* @key has ended; its number may be given to another. */
void ph_trail_end(struct ph_trail *t, int32_t key);
/*
 * The last piece of @key that begins before @ts_ns: what it did just then, or the last that is known of it, or the
 * link by which it began then. False: nothing was told until then, or it cannot be read.
 */
bool ph_trail_find(struct ph_trail *t, int32_t key, uint64_t ts_ns, struct ph_piece *ret, struct ph_trail_who *who);
/* First begin and last end of @key's pieces. */
bool ph_trail_span(const struct ph_trail *t, int32_t key, uint64_t *begin_ns, uint64_t *end_ns);
/* 0, or why the disk could not keep it all. */
int ph_trail_error(const struct ph_trail *t, struct ph_err *err);
uint64_t ph_trail_bytes(const struct ph_trail *t);	/* on disk */

#endif
