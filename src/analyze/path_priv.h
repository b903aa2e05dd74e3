/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_PATH_PRIV_H
#define PH_ANALYZE_PATH_PRIV_H

/* The insides of path*.c. */

#include "analyze/packets.h"
#include "analyze/path.h"

/* path_walk.c: tells @step of each step, the last first. */
struct path_walk {
	struct ph_trail *trail;
	bool timers, softirqs;	/* the stream has these: what seems woken by a task, and not by one of them, is */
	void (*step)(void *arg, const struct ph_step *s);
	void *arg;
};
void path_walk(const struct path_walk *w, int32_t tid, uint64_t begin_ns, uint64_t end_ns);

/* path_sum.c: path_sum_begin(), each step, the last first, path_sum_finish(). */
void path_sum_begin(struct ph_path *p);
void path_sum_step(struct ph_path *p, const struct ph_step *s);
void path_sum_finish(struct ph_path *p);
void path_sum_done(struct ph_path *p);
/* What a step is of: one state, or while it ran several. */
typedef void (*path_part_fn)(void *arg, const struct ph_step *s, enum ph_path_state state, uint64_t ns);
void path_step_parts(const struct ph_step *s, path_part_fn fn, void *arg);
/* The row that it is summed up in, without times; and the one for what there are too many rows of. */
void path_share_key(const struct ph_step *s, enum ph_path_state state, struct ph_path_share *key);
void path_share_rest(enum ph_path_state state, struct ph_path_share *key);
void path_help_of(const struct ph_path_share *sh, struct ph_path_help *ret);

/* path.c: the path of @tid from @begin_ns to @end_ns into the results; or each step of it to a function. */
void path_show(struct ph_path *p, int32_t tid, uint64_t begin_ns, uint64_t end_ns);
void path_steps(struct ph_path *p, int32_t tid, uint64_t begin_ns, uint64_t end_ns, void (*step)(void *arg, const struct ph_step *s),
		void *arg);

#endif
