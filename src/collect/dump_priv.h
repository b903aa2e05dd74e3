/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_COLLECT_DUMP_PRIV_H
#define PH_COLLECT_DUMP_PRIV_H

/* The insides of dump*.c. */

#include "base/clock.h"
#include "collect/priv.h"

struct dump {
	struct ph_collect *c;
	ph_event_fn fn;
	void *arg;
	struct ph_err *err;
	struct ph_emit e;
	struct ph_u64map selected;	/* threads that are, where guests are told */
};

static inline void dump_begin(struct dump *d, uint32_t id)
{
	ph_emit_begin(&d->e, id, ph_now_ns());
}

static inline int dump_done(struct dump *d)
{
	return ph_emit_done(&d->e, d->fn, d->arg, d->err);
}

/* dump_tasks.c, by iterators of the kernel side */
int dump_tasks(struct dump *d);
int dump_files(struct dump *d);
/* Only the times that tasks have had, of each. */
int dump_all_times(struct dump *d);

/* dump_cgroups.c: all hierarchies with a controller */
int dump_hierarchies(struct dump *d);

/* dump_host.c */
int dump_cpus(struct dump *d);
int dump_devices(struct dump *d);

#endif
