/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the stream tells of tasks, made into their programs. */
#include <stdlib.h>
#include <string.h>

#include "analyze/packets.h"
#include "analyze/whatif_priv.h"
#include "base/cleanup.h"

#define CPU_LIMIT 1024
#define SAMPLES_MAX 4096
#define TIMER_ABSTIME 1

#define I32(event, field) ((int32_t)ph_event_i(ev, PH_FLD(event, field), -1))

static struct whatif_task *task_at(struct ph_whatif *w, uint32_t i)
{
	while (w->tasks.n <= i)
		ph_vec_push(&w->tasks);
	return &w->tasks.v[i];
}

static struct whatif_living *living_at(struct ph_whatif *w, uint32_t i)
{
	struct whatif_task *t = task_at(w, i);

	if (!t->living && w->living_free.n) {
		t->living = w->living_free.v[--w->living_free.n];
	} else if (!t->living) {
		ph_vec_push(&w->living);
		t->living = (uint32_t)w->living.n;
	}
	return &w->living.v[t->living - 1];
}

void whatif_learn_end(struct ph_whatif *w, uint32_t i)
{
	struct whatif_task *t = i < w->tasks.n ? &w->tasks.v[i] : NULL;
	struct whatif_living *l = t && t->living ? &w->living.v[t->living - 1] : NULL;
	struct ph_program_task *p;

	if (!l)
		return;
	p = ph_program_nth(w->program, i);
	/* A thread of the kernel that was always on one CPU is one of those that may not leave it. */
	if (p->kthread && l->ran && !l->moved)
		p->pinned = l->cpu;
	w->ns += t->chosen ? l->ns : 0;
	for (int k = 0; k < PH_GAP_MAX; k++)
		w->gaps_ns[k] += t->chosen ? l->gaps_ns[k] : 0;
	*l = (struct whatif_living){ 0 };
	*ph_vec_push(&w->living_free) = t->living;
	t->living = 0;
}

static void end(struct ph_whatif *w, int32_t tid)
{
	uint32_t i = ph_program_find(w->program, tid);

	if (i == UINT32_MAX)
		return;
	whatif_learn_end(w, i);
	ph_program_end(w->program, tid);
}

static void note_selected(struct ph_whatif *w, uint32_t container)
{
	ph_vec_each(at, &w->selected)
		if (*at == container)
			return;
	*ph_vec_push(&w->selected) = container;
	/* In their order. */
	for (size_t i = w->selected.n - 1; i && w->selected.v[i - 1] > container; i--) {
		w->selected.v[i] = w->selected.v[i - 1];
		w->selected.v[i - 1] = container;
	}
}

/* Is it the container's? And whose it is, for whoever reads the program. */
static struct whatif_living *living_of(struct ph_whatif *w, const struct ph_segment *s, uint32_t i)
{
	const struct ph_task *who = ph_identity_task(w->id, s->tid);
	struct ph_program_task *p = ph_program_nth(w->program, i);
	struct whatif_living *l = living_at(w, i);
	struct whatif_task *t = task_at(w, i);
	struct ph_event ev = { .tid = s->tid, .pid = s->pid, .container = s->container };

	p->kthread = s->kthread;
	if (!t->start_ns)
		t->start_ns = who && who->start_ns ? who->start_ns : s->begin_ns;
	if (t->known && l->seen_container == s->container && l->seen_pid == s->pid && l->told == ph_identity_told(w->id))
		return l;
	t->known = true;
	l->told = ph_identity_told(w->id);
	p->pid = l->seen_pid = s->pid;
	p->container = l->seen_container = s->container;
	l->within = s->container != PH_CONTAINER_HOST && s->container != PH_CONTAINER_UNKNOWN && ph_selection_match(w->sel, w->id, &ev);
	t->chosen = t->chosen || l->within;
	if (l->within)
		note_selected(w, s->container);
	return l;
}

static void sample(struct ph_whatif *w, bool tick, uint64_t ns)
{
	if (tick && w->ticks.n < SAMPLES_MAX)
		*ph_vec_push(&w->ticks) = ns;
	else if (!tick && w->exits.n < SAMPLES_MAX)
		*ph_vec_push(&w->exits) = ns;
}

static struct whatif_idle *idle_of(struct ph_whatif *w, int32_t cpu)
{
	if (cpu < 0 || cpu >= CPU_LIMIT)
		return NULL;
	while (w->idle.n <= (size_t)cpu)
		ph_vec_push(&w->idle);
	return &w->idle.v[cpu];
}

/* ---- segments -------------------------------------------------------------------------------------- */

static void add_run(struct ph_whatif *w, uint32_t i, struct whatif_living *l, const struct ph_segment *s)
{
	uint64_t ns = s->end_ns - s->begin_ns;
	uint16_t group = whatif_group(w, s->cgroup_id);
	struct whatif_task *t = &w->tasks.v[i];
	struct whatif_cgroup *g = &w->cgroups.v[group];

	ph_program_add(w->program, i, &(struct ph_op){
		.kind = PH_OP_RUN, .begin_ns = s->begin_ns, .end_ns = s->end_ns, .queued_ns = l->queued_ns,
		.late_ns = l->late_ns < UINT32_MAX ? (uint32_t)l->late_ns : UINT32_MAX,
		.group = group, .from = l->mask, .cpu = s->cpu < 0 ? 0 : (uint16_t)s->cpu,
		.flags = !s->part_ns[PH_PART_USER] && !s->part_ns[PH_PART_MODELESS] ? PH_OP_KERNEL : 0,
		.stolen = (uint8_t)(s->part_ns[PH_PART_STEAL] * UINT8_MAX / ns),
	});
	l->queued_ns = l->late_ns = 0;
	l->moved = l->moved || (l->ran && l->cpu != s->cpu);
	l->ran = true;
	l->cpu = s->cpu;
	g->ran_ns += ns - s->part_ns[PH_PART_STEAL];
	if (l->within) {
		g->own_ns += ns;
		t->first_ns = t->first_ns ? t->first_ns : s->begin_ns;
		t->last_ns = s->end_ns;
	}
	l->gaps_ns[PH_GAP_STOLEN] += s->part_ns[PH_PART_STEAL];
}

/* It was runnable. What its CPU idled meanwhile, or ran who was not recorded, it would have waited in any case. */
static void add_queued(struct ph_whatif *w, struct whatif_living *l, const struct ph_segment *s)
{
	const struct whatif_idle *c = idle_of(w, s->cpu);
	uint64_t ns;

	l->queued_ns += s->end_ns - s->begin_ns;
	if (s->preempted)
		sample(w, true, s->begin_ns);
	if (!c || c->end_ns != s->end_ns || c->begin_ns >= c->end_ns)
		return;
	ns = s->end_ns - (c->begin_ns > s->begin_ns ? c->begin_ns : s->begin_ns);
	if (c->stranger)
		l->gaps_ns[PH_GAP_STRANGERS] += ns;
	if (s->preempted)
		return;
	l->late_ns += ns;
	if (!c->stranger)
		sample(w, false, ns);
}

static void add_throttled(struct ph_whatif *w, struct whatif_living *l, const struct ph_segment *s)
{
	struct whatif_cgroup *g = &w->cgroups.v[whatif_group(w, s->limit.cgroup_id)];

	sample(w, true, s->begin_ns);
	l->late_ns = 0;
	if (!s->limit.quota_ns)
		return;
	g->quota_ns = s->limit.quota_ns;
	g->period_ns = s->limit.period_ns;
	if (s->exact && !s->cut)
		g->refill_ns = s->end_ns;
}

static bool by_task(const struct ph_states_seen *seen, const struct ph_segment *s)
{
	return s->waker == PH_WAKER_TASK && s->waker_tid > 0 && s->waker_tid != s->tid &&
	       !ph_states_waker_doubtful(s->wait, seen->timers, seen->softirqs);
}

static void add_asleep(struct ph_whatif *w, uint32_t i, struct whatif_living *l, const struct ph_segment *s)
{
	uint64_t waking = s->waking_ns && s->waking_ns < s->end_ns ? s->waking_ns : s->end_ns, from_ns = waking;
	struct ph_op op = { .begin_ns = s->begin_ns, .end_ns = s->end_ns, .kind = PH_OP_SLEEP, .wait = (uint8_t)s->wait };
	struct ph_states_seen seen;
	int32_t from = -1;

	/* Nobody knows how it went on. */
	if (s->cut)
		return;
	ph_states_seen(w->st, &seen);
	if (by_task(&seen, s))
		from = s->waker_tid;
	else if (s->waker == PH_WAKER_NET && !ph_packets_woke(w->packets, s->tid, s->waking_ns, &from, &from_ns))
		from = -1;
	if (from > 0) {
		uint64_t late = s->end_ns > from_ns ? s->end_ns - from_ns : 0;

		op.kind = PH_OP_WAIT;
		op.from = ph_program_task_at(w->program, from, from_ns);
		op.from_ns = from_ns;
		op.late_ns = late < UINT32_MAX ? (uint32_t)late : UINT32_MAX;
	} else if (s->wait == PH_WAIT_IDLE || (s->wait == PH_WAIT_TIMER && l->until)) {
		op.kind = PH_OP_UNTIL;
	} else if (s->waker == PH_WAKER_UNKNOWN || (!seen.irqs && s->wait != PH_WAIT_TIMER && s->wait != PH_WAIT_DISK)) {
		l->gaps_ns[seen.irqs ? PH_GAP_OUTSIDE : PH_GAP_INTERRUPTS] += s->end_ns - s->begin_ns;
	}
	ph_program_add(w->program, i, &op);
}

/* For most of a time of which nothing is known one of its limits was out: that is why. */
static bool was_out(struct ph_whatif *w, const struct ph_segment *s)
{
	struct ph_cgtree *t = ph_states_cgroups(w->st);

	for (const struct ph_cgnode *n = s->cgroup_id ? ph_cgtree_cpu_node(t, s->cgroup_id) : NULL; n; n = n->parent) {
		const struct whatif_cgroup *g = &w->cgroups.v[whatif_group(w, n->id)];
		uint64_t begin = g->out_begin_ns > s->begin_ns ? g->out_begin_ns : s->begin_ns;
		uint64_t end = g->out_end_ns < s->end_ns ? g->out_end_ns : s->end_ns;

		if (end > begin && end - begin > (s->end_ns - s->begin_ns) / 2)
			return true;
	}
	return false;
}

static void add_unknown(struct ph_whatif *w, uint32_t i, struct whatif_living *l, const struct ph_segment *s)
{
	struct ph_op op = { .kind = PH_OP_SLEEP, .begin_ns = s->begin_ns, .end_ns = s->end_ns };

	if (s->cut || was_out(w, s))
		return;
	/* It is seen from then on. */
	if (!ph_program_nth(w->program, i)->active && ph_program_nth(w->program, i)->parent == UINT32_MAX)
		op.kind = PH_OP_UNTIL;
	l->gaps_ns[PH_GAP_UNKNOWN] += s->end_ns - s->begin_ns;
	ph_program_add(w->program, i, &op);
}

static void on_leave(void *arg, const struct ph_segment *s)
{
	struct ph_whatif *w = arg;
	struct whatif_living *l;
	uint32_t i;

	/* A task begins with a segment that has no length, before it is told who made it. */
	if (s->begin_ns >= s->end_ns)
		return;
	i = ph_program_task(w->program, s->tid);
	l = living_of(w, s, i);
	l->ns += s->end_ns - s->begin_ns;
	switch (s->state) {
	case PH_ST_RUNNING:
		add_run(w, i, l, s);
		break;
	case PH_ST_WAIT_CPU:
		add_queued(w, l, s);
		break;
	case PH_ST_THROTTLED:
		add_throttled(w, l, s);
		break;
	case PH_ST_BLOCKED:
		add_asleep(w, i, l, s);
		break;
	case PH_ST_FROZEN:
	case PH_ST_STOPPED:
		ph_program_add(w->program, i, &(struct ph_op){ .kind = PH_OP_SLEEP, .begin_ns = s->begin_ns, .end_ns = s->end_ns });
		break;
	case PH_ST_UNKNOWN:
	case PH_ST_MAX:
		add_unknown(w, i, l, s);
	}
}

/* Who cannot be recorded had the CPU at that time, and has it again. */
static void stranger_ran(struct ph_whatif *w, uint32_t cpu, uint64_t begin, uint64_t end)
{
	uint32_t i = ph_program_task(w->program, -1 - (int32_t)cpu);
	struct ph_program_task *p = ph_program_nth(w->program, i);

	p->pinned = (int32_t)cpu;
	p->first = true;
	ph_program_add(w->program, i, &(struct ph_op){ .kind = PH_OP_UNTIL, .begin_ns = p->active ? p->end_ns : begin, .end_ns = begin });
	ph_program_add(w->program, i, &(struct ph_op){ .kind = PH_OP_RUN, .begin_ns = begin, .end_ns = end, .cpu = (uint16_t)cpu });
}

static void on_ran(void *arg, uint32_t cpu, int32_t tid, uint32_t container, uint64_t begin, uint64_t end)
{
	struct ph_whatif *w = arg;
	struct whatif_idle *c = tid <= 0 ? idle_of(w, (int32_t)cpu) : NULL;

	if (!c)
		return;
	/* Before a CPU's first event nothing is known of it: it may as well have been idle. */
	if (tid < 0 && w->whole && c->known) {
		stranger_ran(w, cpu, begin, end);
		return;
	}
	c->known = true;
	/* One after the other is one. */
	if (c->end_ns != begin || c->stranger != (tid < 0))
		c->begin_ns = begin;
	c->end_ns = end;
	c->stranger = tid < 0;
}

static void on_out(void *arg, const struct ph_limit *l, uint32_t cpu, uint64_t begin, uint64_t end)
{
	struct ph_whatif *w = arg;
	struct whatif_cgroup *g = &w->cgroups.v[whatif_group(w, l->cgroup_id)];
	uint64_t period = l->period_ns ? l->period_ns : g->period_ns;

	g->out_ns += end - begin;
	g->out_begin_ns = begin;
	g->out_end_ns = end;
	if (!period)
		return;
	/* One that ended the waits of several CPUs is one. Who owed more than a period brings waited for several. */
	if (begin >= g->out_until_ns)
		g->outs += (end - begin + period - 1) / period;
	else if (end > g->out_until_ns)
		g->outs += (end - g->out_until_ns + period / 2) / period;
	if (end > g->out_until_ns)
		g->out_until_ns = end;
}

static void on_end(void *arg, int32_t tid, uint64_t ts)
{
	end(arg, tid);
}

const struct ph_states_ops whatif_learn = { .leave = on_leave, .ran = on_ran, .out = on_out, .end = on_end };

/* ---- events ---------------------------------------------------------------------------------------- */

/* @tid goes on from what @from had done until @ts. */
static void link_to(struct ph_whatif *w, int32_t tid, int32_t from, uint64_t ts)
{
	uint32_t parent, child;
	uint16_t mask;

	if (tid <= 0 || from <= 0 || tid == from || !ts)
		return;
	parent = ph_program_task(w->program, from);
	child = ph_program_task(w->program, tid);
	mask = living_at(w, parent)->mask;
	living_at(w, child)->mask = mask;
	if (ph_program_nth(w->program, child)->active)
		ph_program_add(w->program, child,
			       &(struct ph_op){ .kind = PH_OP_WAIT, .begin_ns = ts, .end_ns = ts, .from = parent, .from_ns = ts });
	else
		ph_program_made(w->program, child, parent, ts);
}

static void set_heir(struct ph_whatif *w, uint32_t first, uint32_t heir)
{
	task_at(w, heir);
	task_at(w, first)->heir = heir + 1;
}

/* The first thread of a process may end before it: then it ends with another one. */
static void on_task_exit(struct ph_whatif *w, const struct ph_event *ev)
{
	const struct ph_task *first = ph_identity_task(w->id, ev->pid);
	uint32_t i;

	if (ev->tid == ev->pid) {
		task_at(w, ph_program_task(w->program, ev->tid))->left = ph_identity_leaderless(w->id, ev->pid);
		return;
	}
	if (!ph_identity_ended_after_first(w->id, ev))
		return;
	i = ph_program_task_at(w->program, ev->pid, ev->ts_ns);
	/* It may have been one when the recording began. */
	if (!task_at(w, i)->known) {
		ph_program_nth(w->program, i)->pid = ev->pid;
		task_at(w, i)->start_ns = first ? first->start_ns : 0;
	}
	set_heir(w, i, ph_program_task(w->program, ev->tid));
}

/* A thread takes the number of its process' first one, which has ended for it. */
static void on_exec(struct ph_whatif *w, const struct ph_event *ev)
{
	int32_t tid = I32(sched_process_exec, tid), old = I32(sched_process_exec, old_tid);
	uint32_t first, next;

	if (tid <= 0 || old <= 0 || tid == old)
		return;
	first = ph_program_task_at(w->program, tid, ev->ts_ns);
	link_to(w, tid, old, ev->ts_ns);
	next = ph_program_task(w->program, tid);
	if (first != next)
		set_heir(w, first, next);
}

/* Who runs before others, and which share those have that do not. */
static void on_switch(struct ph_whatif *w, const struct ph_event *ev)
{
	int64_t prio = ph_event_i(ev, PH_FLD(sched_switch, next_prio), 20);
	int32_t tid = I32(sched_switch, next_tid);
	struct ph_program_task *p;

	if (tid <= 0 || !ph_class_like_ours(ev->cls))
		return;
	p = ph_program_nth(w->program, ph_program_task(w->program, tid));
	p->first = prio < 0;
	p->nice = prio >= 0 && prio < 40 ? (uint8_t)prio : 20;
}

/* ---- calls ------------------------------------------------------------------------------------------ */

static int32_t field_of(const struct ph_class *cls, const char *name, bool bytes)
{
	for (uint32_t i = 0; i < cls->nfields; i++) {
		enum ph_kind kind = cls->fields[i].type->kind;

		if (!strcmp(cls->fields[i].name, name) && (bytes ? kind == PH_KIND_BYTES : kind == PH_KIND_INT || kind == PH_KIND_UINT))
			return (int32_t)i;
	}
	return -1;
}

static struct whatif_call call_of(const struct ph_class *cls)
{
	struct whatif_call c = { .cls = cls };

	if (!strcmp(cls->name, "syscall_entry_clock_nanosleep")) {
		c.kind = WHATIF_CALL_SLEEP;
		c.field = field_of(cls, "flags", false);
	} else if (!strcmp(cls->name, "syscall_entry_sched_setaffinity")) {
		c.kind = WHATIF_CALL_BIND;
		c.field = field_of(cls, "user_mask_ptr_data", true);
		c.pid = field_of(cls, "pid", false);
	}
	if (c.field < 0 || c.pid < 0)
		c.kind = WHATIF_CALL_OTHER;
	return c;
}

static uint16_t mask_of(struct ph_whatif *w, const struct ph_sim_cpus *cpus, bool told)
{
	for (size_t i = 1; i < w->masks.n; i++)
		if (w->masks.v[i].told == told && !memcmp(&w->masks.v[i].cpus, cpus, sizeof(*cpus)))
			return (uint16_t)i;
	if (w->masks.n > UINT16_MAX)
		return 0;
	*ph_vec_push(&w->masks) = (struct whatif_mask){ *cpus, told };
	return (uint16_t)(w->masks.n - 1);
}

/* The task that @caller's namespace numbers @vtid; 0: itself. -1: it is not known. */
static int32_t numbered(const struct ph_whatif *w, int32_t caller, int32_t vtid)
{
	const struct ph_task *c = ph_identity_task(w->id, caller);

	if (!vtid)
		return caller;
	if (!c || !c->levels)
		return -1;
	for (uint32_t i = 0; i < ph_program_ntasks(w->program); i++) {
		const struct ph_task *t = ph_identity_task(w->id, ph_program_nth(w->program, i)->tid);

		if (t && t->levels == c->levels && t->ns[PH_NS_PID] == c->ns[PH_NS_PID] && t->vtid[t->levels - 1] == vtid)
			return t->tid;
	}
	return -1;
}

static void on_bind(struct ph_whatif *w, const struct ph_event *ev, const struct whatif_call *c)
{
	const struct ph_value *data = &ev->v[c->field];
	struct ph_sim_cpus cpus = { 0 };
	int32_t of = numbered(w, ev->tid, (int32_t)ev->v[c->pid].i);

	for (uint32_t cpu = 0; cpu < PH_SIM_CPUS && cpu / 8 < data->n; cpu++)
		if ((uint8_t)data->s[cpu / 8] >> (cpu % 8) & 1)
			ph_sim_cpu_add(&cpus, cpu);
	if (of > 0 && data->n)
		*ph_vec_push(&w->bindings) = (struct whatif_binding){ ev->tid, of, mask_of(w, &cpus, false) };
}

static void on_call(struct ph_whatif *w, const struct ph_event *ev)
{
	struct whatif_call *c = &w->calls[ev->cls->id - PH_EV_SYSCALL_ENTRY];

	if (ev->cls != c->cls)
		*c = call_of(ev->cls);
	/* A sleep until a time on the clock does not begin later because the task comes later to it. */
	if (c->kind == WHATIF_CALL_SLEEP)
		living_at(w, ph_program_task(w->program, ev->tid))->until = ev->v[c->field].u & TIMER_ABSTIME;
	else if (c->kind == WHATIF_CALL_BIND)
		on_bind(w, ev, c);
}

/* Who ends a call ends what it has begun: tasks are bound where it succeeded. */
static void on_return(struct ph_whatif *w, const struct ph_event *ev)
{
	for (size_t i = 0; i < w->bindings.n; i++) {
		struct whatif_binding b = w->bindings.v[i];
		int32_t ret = field_of(ev->cls, "ret", false);

		if (b.tid != ev->tid)
			continue;
		w->bindings.v[i] = w->bindings.v[--w->bindings.n];
		if (ret >= 0 && ev->v[ret].i >= 0)
			living_at(w, ph_program_task(w->program, b.of))->mask = b.mask;
		return;
	}
}

static void on_told_mask(struct ph_whatif *w, const struct ph_event *ev)
{
	const struct ph_value *list = ph_class_like_ours(ev->cls) ? ph_event_field(ev, PH_FLD(statedump_affinity, cpus)) : NULL;
	ph_autofree char *text = list ? ph_asprintf("%.*s", (int)list->n, list->s) : NULL;
	struct ph_sim_cpus cpus;

	if (text && ph_whatif_cpus(text, &cpus))
		living_at(w, ph_program_task(w->program, I32(statedump_affinity, tid)))->mask = mask_of(w, &cpus, true);
}

void whatif_learn_event(struct ph_whatif *w, const struct ph_event *ev)
{
	if (ev->cls->id >= PH_EV_SYSCALL_ENTRY) {
		if (ev->cls->id < PH_EV_SYSCALL_EXIT && ev->tid > 0)
			on_call(w, ev);
		else if (w->bindings.n)
			on_return(w, ev);
		return;
	}
	ph_packets_feed(w->packets, ev);
	switch (ev->cls->id) {
	case PH_EV_statedump_affinity:
		on_told_mask(w, ev);
		break;
	case PH_EV_sched_switch:
		on_switch(w, ev);
		break;
	case PH_EV_sched_process_fork:
		if (!ph_class_like_ours(ev->cls))
			break;
		/* Of who had its number before the end was not seen: in a gap, or it is only known to have woken somebody. */
		end(w, I32(sched_process_fork, child_tid));
		link_to(w, I32(sched_process_fork, child_tid), I32(sched_process_fork, parent_tid), ev->ts_ns);
		break;
	case PH_EV_sched_process_exec:
		if (ph_class_like_ours(ev->cls))
			on_exec(w, ev);
		break;
	case PH_EV_sched_process_exit:
		if (ph_class_like_ours(ev->cls) && ev->pid > 0)
			on_task_exit(w, ev);
		break;
	}
}
