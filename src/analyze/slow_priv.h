/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_SLOW_PRIV_H
#define PH_ANALYZE_SLOW_PRIV_H

/* The insides of slow*.c. */

#include "analyze/slow.h"

/* Rows of a container, of one kind, that are kept apart; what is more is one row together. */
#define SLOW_ROWS_MAX 512

struct slow_call_open {
	uint64_t begin_ns;		/* 0: it is in none that was seen to begin */
	int32_t nr, fd;
	bool compat;
	uint64_t ns[PH_HOLD_MAX];
	struct ph_slow_one worst;	/* hold, hold_ns, object, waker* */
	char text[64];
};

struct slow_task {
	int32_t tid, pid;
	uint32_t container;
	uint32_t told;			/* ph_identity_told() as of `selected` */
	bool selected;
	struct ph_slow_group *group;
	struct slow_call_open call;
	/* It waits for a CPU. */
	uint64_t wait_ns, waking_ns;
	bool waits, torn;		/* torn: a gap lies in it */
	uint64_t reclaim_ns;		/* since then */
	/* Where it is about to wait, since when that is known; where it waits. */
	const struct slow_frames *stack_next, *stack;
	uint64_t stack_ns;
};

struct ph_slow_group *slow_group(struct ph_slow *s, uint32_t container);
bool slow_container_selected(const struct ph_slow *s, uint32_t container);
struct slow_task *slow_task(const struct ph_slow *s, int32_t tid);

unsigned int slow_hold_of(const struct ph_segment *seg);

/* slow_calls.c */
void calls_event(struct ph_slow *s, const struct ph_event *ev);
void calls_leave(struct ph_slow *s, struct slow_task *t, const struct ph_segment *seg, unsigned int hold,
		 const struct ph_object *o);
void calls_finish(struct ph_slow *s);
void calls_group_finish(struct ph_slow_group *g);
bool calls_chosen(const struct ph_slow *s, int32_t nr, bool compat);

/* slow_block.c */
void blocks_event(struct ph_slow *s, const struct ph_event *ev);
void blocks_finish(struct ph_slow *s, uint64_t end_ns);
void blocks_free(struct ph_slow *s);

/* slow_stacks.c */
void stacks_event(struct ph_slow *s, const struct ph_event *ev);
/* The task enters a state in which it has (or has no more) a place where it waits. */
void stacks_enter(struct slow_task *t, const struct ph_segment *seg);
void stacks_leave(const struct slow_task *t, const struct ph_segment *seg, unsigned int hold);
void stacks_group_finish(struct ph_slow *s, struct ph_slow_group *g);
void stacks_group_free(struct ph_slow_group *g);
void stacks_free(struct ph_slow *s);

/* slow_net.c */
void nets_event(struct ph_slow *s, const struct ph_event *ev);
/* A task has accepted a connection; @port of the peer, 0: not told. */
void nets_accepted(struct ph_slow *s, uint32_t container, uint64_t ts, uint16_t port);
void nets_gap(struct ph_slow *s);
void nets_free(struct ph_slow *s);

#endif
