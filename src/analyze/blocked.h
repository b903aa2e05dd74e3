/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_BLOCKED_H
#define PH_ANALYZE_BLOCKED_H

#include "analyze/states.h"

/* What is known of why a task leaves its CPU to wait. */
struct ph_block {
	bool told;			/* by sched_block: nr and object are the kernel's own */
	bool freezer;			/* told: it waits to be thawed */
	bool kthread, reclaim;
	bool uninterruptible;		/* task state D */
	bool idle;			/* task state I */
	int32_t nr;			/* system call, -1: none (user mode, page fault) or unknown */
	bool nr_known;			/* -1 means none */
	bool compat;
	uint32_t rq_dev;		/* device of a request it gave in this call, 0: none */
	struct ph_wait_object object;
};

enum ph_wait ph_block_reason(const struct ph_block *b);
/* The same with what the wake-up has told. */
enum ph_wait ph_block_woken(enum ph_wait wait, bool uninterruptible, enum ph_waker waker);

#endif
