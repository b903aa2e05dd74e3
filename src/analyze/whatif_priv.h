/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_WHATIF_PRIV_H
#define PH_ANALYZE_WHATIF_PRIV_H

/* The insides of whatif*.c. */

#include "analyze/whatif.h"

/* whatif_learn.c: the stream's segments, made into programs. */
extern const struct ph_states_ops whatif_learn;
void whatif_learn_event(struct ph_whatif *w, const struct ph_event *ev);
/* Of a task of the program that has ended, or at the end of all: no more is learnt of it. */
void whatif_learn_end(struct ph_whatif *w, uint32_t task);

/* whatif.c */
/* Is it known when periods of the container's limit begin? Else that is chance, and each figure is the middle of several tries. */
bool whatif_periods_known(const struct ph_whatif *w, const struct ph_whatif_change *change);
/* @once: ph_whatif_ask() with one try, for a rough answer. */
int whatif_ask(struct ph_whatif *w, const struct ph_whatif_change *change, bool once, struct ph_whatif_outcome *ret, struct ph_err *err);

/* whatif_groups.c */
uint16_t whatif_group(struct ph_whatif *w, uint64_t cgroup_id);
/* What is known of cgroups at the end of the stream, for the simulation. */
void whatif_groups_make(struct ph_whatif *w);
/* CPUs that tasks were bound to, for the simulation: after the groups. */
void whatif_masks_make(struct ph_whatif *w);
/* The container's own cgroup: the topmost that is its; 0: none was told. */
uint32_t whatif_groups_of(const struct ph_whatif *w, uint32_t container);
/* Is @group that of the container, or one below it? */
bool whatif_groups_below(const struct ph_whatif *w, uint32_t group);
/* The same, or one above it? */
bool whatif_groups_related(const struct ph_whatif *w, const struct ph_sim_group *groups, uint32_t group);
/* When the timer ticks, as far as one can see that. */
void whatif_ticks(const struct ph_whatif *w, uint64_t *tick_ns, uint64_t *at_ns);

#endif
