/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_THROTTLE_PRIV_H
#define PH_ANALYZE_THROTTLE_PRIV_H

/* The insides of throttle*.c. */

#include "analyze/throttle.h"
#include "base/map.h"

void ph_division_add(struct ph_division *to, const struct ph_division *from);

/* throttle_limit.c: a RUNNING, a THROTTLED segment; NULL where the limit is not told. */
void limits_ran(struct ph_throttle *th, const struct ph_segment *s);
struct ph_throttle_limit *limits_throttled(struct ph_throttle *th, const struct ph_segment *s);
/* It was out on a CPU. */
void limits_out(struct ph_throttle *th, const struct ph_limit *of, uint32_t cpu, uint64_t begin, uint64_t end);
/* It was told which limit a cgroup has now. */
void limits_told(struct ph_throttle *th, int32_t hierarchy, uint64_t id, uint64_t ts);
void limits_finish(struct ph_throttle *th);
void limits_done(struct ph_throttle *th);

/* throttle_wait.c: a BLOCKED segment. */
void waits_add(struct ph_throttle *th, struct ph_throttle_group *const *groups, size_t n, const struct ph_segment *s);
void waits_merge(struct ph_throttle_group *to, const struct ph_throttle_group *from);
void waits_finish(struct ph_throttle_group *g);

#endif
