/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_COLLECT_MADECODE_H
#define PH_COLLECT_MADECODE_H

#include "collect/stacks.h"

/* Names of code that programs make while they run, from what they tell of it themselves: docs/symbols.md. */

/* The name of a place; again where other code took the place of what was told, with since when. */
typedef void (*ph_made_fn)(void *ctx, int32_t pid, uint32_t file, uint64_t address, uint64_t since_ns,
			   const struct ph_symname *name);

struct ph_madecode {
	ph_made_fn named;
	void *ctx;
	struct ph_symchild *child;
	bool broken;			/* it cannot be started */
	uint32_t last_number;
	uint64_t nplaces;
	PH_VEC(struct ph_made *) list;	/* of processes */
	struct ph_u64map by_number;
	struct ph_u64map owners;	/* by container */
};

void ph_madecode_init(struct ph_madecode *a, ph_made_fn named, void *ctx);
void ph_madecode_done(struct ph_madecode *a);
/* An address of a process is in code that it made; @file is what the stream has there. */
void ph_made_saw(struct ph_madecode *a, struct ph_mapproc *p, uint32_t file, uint64_t address);
/* What was told is told again, when it is seen. */
void ph_madecode_forget(struct ph_madecode *a);
/* Look for names, tell what was found. @last: there will be no more stacks. */
void ph_madecode_run(struct ph_madecode *a, uint64_t now_ns, bool last);
void ph_madecode_wait(struct ph_madecode *a, uint64_t timeout_ns);

/* "jit-PID.dump": programs have it mapped as if it were code, so that it is seen. */
bool ph_is_jitdump(const char *path);

#endif
