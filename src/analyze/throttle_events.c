/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which events the figures of the selected tasks come from. */
#include <string.h>

#include "analyze/throttle.h"

#define I32(event, field) ((int32_t)ph_event_i(ev, PH_FLD(event, field), -1))

static bool task_concerns(const struct ph_throttle *th, int32_t tid)
{
	const struct ph_task *t = tid > 0 ? ph_identity_task(th->id, tid) : NULL;
	struct ph_event ev = { .tid = tid, .pid = t ? t->pid : -1, .container = t ? t->container : PH_CONTAINER_UNKNOWN };

	return tid > 0 && (!th->sel || ph_selection_match(th->sel, th->id, &ev));
}

static bool container_concerns(const struct ph_throttle *th, uint32_t index)
{
	const struct ph_container *k = ph_identity_container(th->id, index);

	if (!th->sel)
		return true;
	return k && ph_selection_by_container(th->sel) && ph_selection_match_container(th->sel, k);
}

static bool is_below(const struct ph_cgnode *n, uint64_t id)
{
	for (unsigned int depth = 0; n && depth < 64; n = n->parent, depth++)
		if (n->id == id)
			return true;
	return false;
}

/* A limit is theirs where one of them is below it. */
static bool limit_concerns(const struct ph_throttle *th, uint64_t id)
{
	int32_t hierarchy = ph_cgtree_cpu_hierarchy(th->cgroups);
	const struct ph_cgnode *n;

	if (!th->sel)
		return true;
	for (size_t i = 0; (n = ph_cgtree_nth(th->cgroups, i)); i++)
		if (n->hierarchy == hierarchy && container_concerns(th, n->container) && is_below(n, id))
			return true;
	/* Tasks may be selected otherwise than by container. */
	ph_vec_each(g, &th->containers)
		if (is_below((*g)->cgroup, id))
			return true;
	return false;
}

bool ph_throttle_concerns(const struct ph_throttle *th, const struct ph_event *ev)
{
	if (ev->cls->id >= PH_EV_STATIC_MAX || !ph_class_like_ours(ev->cls))
		return false;
	switch (ev->cls->id) {
	case PH_EV_sched_switch:
		return task_concerns(th, I32(sched_switch, prev_tid)) || task_concerns(th, I32(sched_switch, next_tid));
	case PH_EV_sched_waking:
		return task_concerns(th, I32(sched_waking, tid));
	case PH_EV_sched_wakeup:
	case PH_EV_sched_wakeup_new:
		return task_concerns(th, I32(sched_wakeup, tid));
	case PH_EV_sched_migrate_task:
		return task_concerns(th, I32(sched_migrate_task, tid));
	case PH_EV_sched_throttle_begin:
		return task_concerns(th, I32(sched_throttle_begin, tid));
	case PH_EV_sched_throttle_end:
		return task_concerns(th, I32(sched_throttle_end, tid));
	case PH_EV_sched_block:
		return task_concerns(th, I32(sched_block, tid));
	case PH_EV_sched_process_fork:
		return task_concerns(th, I32(sched_process_fork, child_tid));
	case PH_EV_sched_process_exit:
		return task_concerns(th, I32(sched_process_exit, tid));
	case PH_EV_sched_limit_begin:
		return limit_concerns(th, ph_event_u(ev, PH_FLD(sched_limit_begin, cgroup_id), 0));
	case PH_EV_sched_limit_end:
		return limit_concerns(th, ph_event_u(ev, PH_FLD(sched_limit_end, cgroup_id), 0));
	case PH_EV_container_pause:
	case PH_EV_container_unpause:
		return container_concerns(th, (uint32_t)ph_event_u(ev, PH_FLD(container_pause, index), PH_CONTAINER_UNKNOWN));
	case PH_EV_cpu_steal:
	case PH_EV_block_rq_issue:
	case PH_EV_mm_vmscan_direct_reclaim_begin:
	case PH_EV_mm_vmscan_direct_reclaim_end:
	case PH_EV_mm_vmscan_memcg_reclaim_begin:
	case PH_EV_mm_vmscan_memcg_reclaim_end:
		return task_concerns(th, ev->tid);
	case PH_EV_events_discarded:
		return true;
	}
	return false;
}
