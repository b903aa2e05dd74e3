/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU limits: which one ran out on which CPU from when to when, and which task was taken off by it.
 *
 * No kernel has a tracepoint for it. A limit is out on a CPU while its group's runqueue there is marked
 * throttled. That is looked at where it may have changed: at each switch from a task below the limit and,
 * where whole groups are throttled (before v6.18), at its wake-ups; at the end of the timers that refill
 * the quota; and since v6.3 in the interrupt by which the timer's CPU asks others to go on.
 */

/* For an event about @t that is certainly selected. */
static __always_inline u64 who_is(struct task_struct *t)
{
	u32 index = task_container(t);

	return WHO(index, index);
}

/* ---- limits ------------------------------------------------------------------------------------ */

#define ANY_CPU ~0ULL
#define NO_QUOTA ~0ULL		/* RUNTIME_INF */
#define MAX_LEVELS 16

struct limit_key {
	u64 group;		/* address of the task_group */
	u64 cpu;		/* ANY_CPU: it was met at all */
};

struct limit {
	u64 cgroup_id;		/* an address may be used again */
	u64 clock;		/* the runqueue's clock when it ran out */
	u64 begin_ns, end_ns;	/* end_ns 0: it is out */
	s64 ahead;		/* throttle_clock_ahead() */
	u64 why;		/* index of the container by which it was met */
};

/*
 * LRU: groups go without a word. Both maps are preallocated: they are written while the runqueue is locked,
 * and before v6.1 (fba1a1c6c912) a map that allocates may wake kswapd, which takes a runqueue's lock.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct limit_key);
	__type(value, struct limit);
} limits SEC(".maps");

/* How many are out on a CPU (modulo): spares the look-up at every switch where none is. */
#define CPUS 1024
s32 limits_out[CPUS];
#define LIMITS_OUT(cpu) limits_out[(cpu) & (CPUS - 1)]
/* What is to be added to a runqueue's clock to get ours, as it was last. */
s64 clock_ahead;
/* The functions of the two timers, learnt from any group's. */
u64 period_timer, slack_timer;

static __always_inline struct cfs_rq *group_rq(struct task_group *tg, u32 cpu)
{
	struct cfs_rq *rq = NULL;

	bpf_probe_read_kernel(&rq, sizeof(rq), BPF_CORE_READ(tg, cfs_rq) + cpu);
	return rq;
}

static __always_inline bool is_throttled(struct cfs_rq *rq)
{
	return rq && BPF_CORE_READ_BITFIELD_PROBED(rq, throttled);
}

/* Time that groups' own tasks were throttled on this runqueue until it was let go at last. False: there is no such clock. */
static __always_inline bool throttle_clock(struct cfs_rq *rq, u64 *ret)
{
	struct cfs_rq___self *self = (void *)rq;

	return bpf_core_field_exists(self->throttled_clock_self_time) &&
	       !bpf_probe_read_kernel(ret, sizeof(*ret), &self->throttled_clock_self_time);
}

/* For a limit that is out: to be added to throttle_clock() to get our time of its end. */
static __always_inline s64 throttle_clock_ahead(struct cfs_rq *rq)
{
	struct cfs_rq___self *self = (void *)rq;
	u64 clock = 0, since = 0;

	if (!throttle_clock(rq, &clock) ||
	    bpf_probe_read_kernel(&since, sizeof(since), &self->throttled_clock_self) || !since)
		return 0;
	return since - clock + clock_ahead;
}

static __always_inline int limit_begin(struct task_struct *cur, struct task_group *tg, u32 cpu, u64 who,
				       struct limit *l)
{
	EVENT_ALONE(sched_limit_begin, cur, who, e);
	SET(e, cgroup_id, l->cgroup_id);
	SET(e, on_cpu, cpu);
	/* What was read of clocks may be a little ahead. */
	if (l->begin_ns > rec_->ts_ns || rec_->ts_ns - l->begin_ns > 10000000000ULL)
		l->begin_ns = rec_->ts_ns;
	SET(e, begin_ns, l->begin_ns);
	SET(e, quota_ns, BPF_CORE_READ(tg, cfs_bandwidth.quota));
	SET(e, period_ns, BPF_CORE_READ(tg, cfs_bandwidth.period));
	SET(e, whole, throttles_groups());
	DONE(sched_limit_begin, e, 0);
	return 0;
}

/*
 * Nobody may have looked when it was refilled: the kernel calls no program within itself, and some call none while an
 * agent of the machine's host runs. But the throttle clock stands still since then.
 */
static __always_inline int limit_end(struct task_struct *cur, struct cfs_rq *rq, u32 cpu, u64 who, struct limit *l)
{
	u64 end = 0, now = bpf_ktime_get_ns();

	if (throttle_clock(rq, &end))
		end += l->ahead;
	if (end <= l->begin_ns || end > now)
		end = now;
	/* Two CPUs may see it at once. */
	if (__sync_val_compare_and_swap(&l->end_ns, 0, end))
		return 0;
	__sync_fetch_and_add(&LIMITS_OUT(cpu), -1);
	EVENT_ALONE(sched_limit_end, cur, who, e);
	SET(e, cgroup_id, l->cgroup_id);
	SET(e, on_cpu, cpu);
	SET(e, begin_ns, l->begin_ns);
	SET(e, throttled_ns, l->end_ns > l->begin_ns ? l->end_ns - l->begin_ns : 0);
	DONE(sched_limit_end, e, 0);
	return 0;
}

/*
 * Tell if something changed with the limit of @group on @cpu. @fresh: that runqueue's clock is of now. Not static, and
 * with plain numbers for arguments: the verifier goes through such a function once, not at every call.
 */
__noinline int limit_look(u64 group, u32 cpu, u64 who, u32 fresh)
{
	struct task_struct *cur = current_task();
	struct task_group *tg = (struct task_group *)group;
	struct limit_key key = { .group = group, .cpu = cpu };
	struct limit *l = bpf_map_lookup_elem(&limits, &key), now = {};
	struct cfs_rq *rq = group_rq(tg, cpu);
	bool is = is_throttled(rq);

	if (!is && (!l || l->end_ns))
		return 0;
	now.cgroup_id = BPF_CORE_READ(tg, css.cgroup, kn, id);
	/* Since v6.18 the clock starts when the first task is taken off. */
	now.clock = is ? BPF_CORE_READ(rq, throttled_clock) : 0;
	if (l && !l->end_ns) {
		if (l->cgroup_id == now.cgroup_id && l->clock == now.clock)
			return 0;
		limit_end(cur, rq, cpu, who, l);
	}
	if (!now.clock)
		return 0;
	if (fresh)
		clock_ahead = bpf_ktime_get_ns() - BPF_CORE_READ(rq, rq, clock);
	now.begin_ns = now.clock + clock_ahead;
	/* The interrupt came when what it was refilled with had been used up again. */
	if (l && l->cgroup_id == now.cgroup_id && l->clock == now.clock)
		now.begin_ns = l->end_ns;
	now.ahead = throttle_clock_ahead(rq);
	now.why = who >> 32;
	limit_begin(cur, tg, cpu, who, &now);
	if (bpf_map_update_elem(&limits, &key, &now, BPF_ANY))
		return 0;
	__sync_fetch_and_add(&LIMITS_OUT(cpu), 1);
	key.cpu = ANY_CPU;
	bpf_map_update_elem(&limits, &key, &now, BPF_ANY);
	return 0;
}

/* The limits above @group, where a task is on the runqueue of @cpu. */
__noinline int limits_look(u64 group, u32 cpu, u64 who, u32 fresh)
{
	struct task_group *tg = (struct task_group *)group;

	for (u32 i = 0; i < MAX_LEVELS && tg; i++) {
		/* One that is taken away may be out at that moment. */
		if (BPF_CORE_READ(tg, cfs_bandwidth.quota) != NO_QUOTA || BPF_CORE_READ(tg, cfs_bandwidth.nr_throttled))
			limit_look((u64)tg, cpu, who, fresh);
		tg = BPF_CORE_READ(tg, parent);
	}
	return 0;
}

/* ---- refills ----------------------------------------------------------------------------------- */

/* The group that @timer refills, 0: it is some other timer. @ctx: where its address stands, to get it as a number. */
static __always_inline u64 timer_group(struct task_struct *cur, struct hrtimer *timer, void *ctx)
{
	u64 function = (u64)timer->function, at = 0;
	struct task_group *tg;

	if (!period_timer) {
		tg = WALK(cur)->sched_task_group;
		period_timer = (u64)tg->cfs_bandwidth.period_timer.function;
		slack_timer = (u64)tg->cfs_bandwidth.slack_timer.function;
	}
	if (function != period_timer && function != slack_timer)
		return 0;
	bpf_probe_read_kernel(&at, sizeof(at), ctx);
	return at - (function == period_timer ? bpf_core_field_offset(tg->cfs_bandwidth.period_timer) :
						bpf_core_field_offset(tg->cfs_bandwidth.slack_timer));
}

/* Linux before 5.17, which has no bpf_loop: its verifier goes through a loop turn by turn, up to cfg.ncpus, which it knows. */
#define CPUS_MAX 1024

struct look_ctx {
	u64 group, who;
};

static int look_at_cpu(u32 cpu, struct look_ctx *c)
{
	limit_look(c->group, cpu, c->who, false);
	return 0;
}

/* The limit of @group on all CPUs, or only on this one. */
static __always_inline int look_around(struct task_struct *cur, u64 group, bool all)
{
	struct limit_key key = { .group = group, .cpu = ANY_CPU };
	struct limit *met = bpf_map_lookup_elem(&limits, &key);
	struct look_ctx c = { .group = group };

	if (!met)
		return 0;
	c.who = WHO(task_container(cur), met->why);
	if (!all)
		limit_look(group, bpf_get_smp_processor_id(), c.who, false);
	else if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_loop))
		bpf_loop(cfg.ncpus, look_at_cpu, &c, 0);
	else
		for (u32 i = 0; i < CPUS_MAX && i < cfg.ncpus; i++)
			look_at_cpu(i, &c);
	return 0;
}

/* Before the refill: a task that was moved here may have found no quota, which no switch tells. */
SEC("?tp_btf/hrtimer_expire_entry")
int BPF_PROG(throttle_timer_entry, struct hrtimer *timer, ktime_t *now)
{
	struct task_struct *cur = current_task();
	u64 group = throttles_groups() ? timer_group(cur, timer, ctx) : 0;

	return group ? look_around(cur, group, true) : 0;
}

/* After it: before v6.3 the timer refills all CPUs, since then the own one. */
SEC("?tp_btf/hrtimer_expire_exit")
int BPF_PROG(throttle_timer_exit, struct hrtimer *timer)
{
	struct task_struct *cur = current_task();
	u64 group = timer_group(cur, timer, ctx);

	return group ? look_around(cur, group, !bpf_core_type_exists(struct rq___csd) ||
						       !bpf_core_field_exists(((struct rq___csd *)0)->cfsb_csd_list)) : 0;
}

/* The limit of @group is refilled on @cpu; the CPU runs a task of @container meanwhile. */
__noinline int limit_over(u64 group, u32 cpu, u32 container)
{
	struct limit_key key = { .group = group, .cpu = cpu };
	struct limit *l = bpf_map_lookup_elem(&limits, &key);

	if (l && !l->end_ns)
		limit_end(current_task(), group_rq((struct task_group *)group, cpu), cpu, WHO(container, l->why), l);
	return 0;
}

/* The interrupt that lets groups go: those on the list are let go now. */
SEC("?raw_tp/csd_function_entry")
int throttle_csd(u64 *ctx)
{
	struct task_struct *cur = current_task();
	struct rq *rq = WALK(cur)->se.cfs_rq->rq;
	u64 at = (u64)rq + bpf_core_field_offset(struct rq___csd, cfsb_csd_list), next = 0;
	u32 cpu = bpf_get_smp_processor_id(), container;

	if (!LIMITS_OUT(cpu) || ctx[1] != (u64)rq + bpf_core_field_offset(struct rq___csd, cfsb_csd))
		return 0;
	container = task_container(cur);
	bpf_probe_read_kernel(&next, sizeof(next), (void *)at);
	for (u32 n = 0; n < 16 && next && next != at; n++) {
		struct cfs_rq *q = (void *)next - bpf_core_field_offset(struct cfs_rq___csd, throttled_csd_list);

		limit_over((u64)BPF_CORE_READ(q, tg), cpu, container);
		if (bpf_probe_read_kernel(&next, sizeof(next), (void *)next))
			break;
	}
	return 0;
}

/* ---- tasks ------------------------------------------------------------------------------------- */

struct throttle {
	u64 begin_ns;
	s64 ahead;		/* throttle_clock_ahead() of the group, 0: it has none */
	u64 limit_id;
	u64 group, limit;	/* addresses of its task_group and of the limit's */
	u32 cpu;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, s32);
	__type(value, struct throttle);
} throttled SEC(".maps");

/* How many are in the map: spares the look-up at every switch where nobody is throttled. */
u32 nthrottled;

/*
 * Which limit ran out: the nearest group, from the task's own upwards, that is marked throttled. The mark
 * may be gone already, where the refill came between: then the nearest that has a limit.
 */
static __always_inline struct task_group *throttle_culprit(struct task_struct *t, u32 cpu, u32 *level)
{
	struct task_group *tg = WALK(t)->sched_task_group, *with_limit = NULL;

	for (u32 i = 0; i < MAX_LEVELS && tg; i++) {
		if (is_throttled(group_rq(tg, cpu))) {
			*level = i;
			return tg;
		}
		if (!with_limit && BPF_CORE_READ(tg, cfs_bandwidth.quota) != NO_QUOTA) {
			*level = i;
			with_limit = tg;
		}
		tg = BPF_CORE_READ(tg, parent);
	}
	return with_limit;
}

/* The current task loses its CPU. (Not inline: the stack is short of it. Not static: as limit_look().) */
__noinline int throttle_begin(u64 who)
{
	struct task_struct *t = current_task();
	u32 level = 0, cpu = bpf_get_smp_processor_id();
	struct task_group *tg = throttle_culprit(t, cpu, &level);
	struct throttle th = {};
	s32 tid = t->pid;

	if (!tg)
		return 0;
	EVENT_ALONE(sched_throttle_begin, t, who, e);
	set_comm(e->comm, t);
	SET(e, tid, tid);
	SET(e, cgroup_id, WALK(t)->sched_task_group->css.cgroup->kn->id);
	th.limit_id = BPF_CORE_READ(tg, css.cgroup, kn, id);
	SET(e, limit_cgroup_id, th.limit_id);
	SET(e, limit_level, level);
	SET(e, quota_ns, BPF_CORE_READ(tg, cfs_bandwidth.quota));
	SET(e, period_ns, BPF_CORE_READ(tg, cfs_bandwidth.period));
	SET(e, nr_throttled, BPF_CORE_READ(tg, cfs_bandwidth.nr_throttled));
	th.begin_ns = rec_->ts_ns;
	th.group = (u64)WALK(t)->sched_task_group;
	th.limit = (u64)tg;
	th.cpu = cpu;
	th.ahead = throttle_clock_ahead(group_rq(WALK(t)->sched_task_group, cpu));
	DONE(sched_throttle_begin, e, 0);
	if (!bpf_map_update_elem(&throttled, &tid, &th, BPF_NOEXIST))
		__sync_fetch_and_add(&nthrottled, 1);
	return 0;
}

/*
 * How much of the @span since @th->begin_ns @t was throttled; the rest it waited for a CPU. Until its group's throttle
 * clock stopped on the CPU that it was taken from; before v6.6, which has none, until the limit was refilled there.
 * False: neither is known.
 */
static __always_inline bool throttled_of(struct task_struct *t, const struct throttle *th, u64 span, u64 *ret)
{
	struct limit_key key = { .group = th->limit, .cpu = th->cpu };
	u64 end = 0;

	if (th->ahead) {
		if ((u64)WALK(t)->sched_task_group != th->group || !throttle_clock(group_rq(WALK(t)->sched_task_group, th->cpu), &end))
			return false;
		end += th->ahead;
	} else {
		struct limit *l = bpf_map_lookup_elem(&limits, &key);

		if (!l)
			return false;
		end = l->end_ns;
	}
	if (end < th->begin_ns)
		return false;
	end -= th->begin_ns;
	*ret = end < span ? end : span;
	return true;
}

/* @t gets a CPU again after it was throttled. */
static __always_inline int throttle_end(struct task_struct *t, u64 who)
{
	s32 tid = t->pid;
	struct throttle *th = bpf_map_lookup_elem(&throttled, &tid), copy;
	u64 span, ns;
	bool exact;

	if (!th)
		return 0;
	copy = *th;
	if (bpf_map_delete_elem(&throttled, &tid))
		return 0;
	__sync_fetch_and_add(&nthrottled, -1);
	EVENT_ALONE(sched_throttle_end, t, who, e);
	set_comm(e->comm, t);
	SET(e, tid, tid);
	SET(e, limit_cgroup_id, copy.limit_id);
	SET(e, begin_ns, copy.begin_ns);
	span = rec_->ts_ns - copy.begin_ns;
	ns = span;
	exact = throttled_of(t, &copy, span, &ns);
	SET(e, throttled_ns, ns);
	SET(e, exact, exact);
	DONE(sched_throttle_end, e, 0);
	return 0;
}
