/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader's side of the per-CPU buffers (bpf/lib/ring.bpf.h) and of the control ring. */
#include <errno.h>

#include "base/clock.h"
#include "collect/evidence.h"
#include "collect/priv.h"

int ph_state(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct ph_event copy = *ev;
	struct ph_collect *c = arg;

	if (c->filter_id)
		ph_identity_feed(c->filter_id, &copy);
	if (ev->ts_ns > c->state_ns)
		c->state_ns = ev->ts_ns;
	return c->state(c->state_arg, ev, err);
}

static int on_control(void *arg, void *data, size_t size)
{
	struct ph_collect *c = arg;

	if (size < sizeof(struct ph_ctl) || c->control_r < 0)
		return 0;
	c->control_r = ph_ctable_control(&c->ct, data, ph_state, c, c->control_err);
	return 0;
}

int ph_control_open(struct ph_collect *c, int fd, struct ph_err *err)
{
	c->control = ring_buffer__new(fd, on_control, c, NULL);
	return c->control ? 0 : ph_err_sys(err, -errno, "cannot map the control ring");
}

int ph_control_round(struct ph_collect *c, struct ph_err *err)
{
	int r;

	c->control_r = 0;
	c->control_err = err;
	r = c->control ? ring_buffer__consume(c->control) : 0;
	return r < 0 ? ph_err_sys(err, r, "cannot read the control ring") : c->control_r;
}

static inline bool committed(const struct ph_collect *c, uint32_t cpu, uint64_t pos, struct ph_found *ret)
{
	uint64_t chunk = (uint64_t)cpu * c->cfg.chunks + (pos / PH_CHUNK & (c->cfg.chunks - 1));
	const struct ph_rec *rec = (const void *)(c->rings + chunk * PH_CHUNK_BYTES + (pos & (PH_CHUNK - 1)));
	uint64_t word = __atomic_load_n(&rec->commit, __ATOMIC_ACQUIRE);

	ret->rec = rec;
	ret->len = (uint32_t)(word >> 16 & 0xffff) << 3;
	ret->id = word & 0xffff;
	return (uint32_t)(word >> 32) == ((uint32_t)(pos >> 3) ^ c->cfg.secret) &&
	       ret->len >= sizeof(*rec) && ret->len <= PH_REC_MAX;
}

bool ph_ring_at(const struct ph_collect *c, uint32_t cpu, uint64_t pos, struct ph_found *ret)
{
	return committed(c, cpu, pos, ret);
}

/* Is it the end of a task with which its process ends? */
static bool ends_process(struct ph_collect *c, const struct ph_found *f)
{
	return f->id == PH_EV_sched_process_exit && ph_decode(&c->dec, f->rec, f->len, f->id) > 0 &&
	       ph_event_u(&c->dec.ev, PH_FLD(sched_process_exit, process_end), 0) == PH_PROCESS_ENDED;
}

/* Does a pattern of --comm meet the task's name, or that which it gets? */
static bool named_so(struct ph_collect *c, const struct ph_found *f)
{
	const struct ph_rec_ctx *ctx = (const void *)(f->rec + 1);
	const struct ph_value *v;
	char comm[17] = "";

	memcpy(comm, ctx->procname, 16);
	/* Of a process the name is its first thread's, and that need not be the last; who is a child has its name later. */
	if (ph_selection_match_comm(c->sel, comm) || ends_process(c, f) || (c->cfg.by_pid && f->id == PH_EV_sched_process_fork))
		return true;
	if (f->id != PH_EV_task_rename || ph_decode(&c->dec, f->rec, f->len, f->id) <= 0)
		return false;
	v = ph_event_field(&c->dec.ev, PH_FLD(task_rename, newcomm));
	snprintf(comm, sizeof(comm), "%.*s", (int)v->n, v->s);
	return ph_selection_match_comm(c->sel, comm);
}

/* Of a stack before an event, the first functions are of what has recorded it. */
static void kernel_part(struct ph_collect *c)
{
	struct ph_value *stack = &c->dec.v[PH_FLD(callstack, callstack_kernel)];

	if (ph_event_u(&c->dec.ev, PH_FLD(callstack, trigger), 0)) {
		uint32_t n = ph_kallsyms_ours(c->kallsyms, stack);

		stack->v += n;
		stack->n -= n;
	}
	ph_kallsyms_saw(c->kallsyms, stack);
}

static inline int to_event(struct ph_collect *c, const struct ph_found *f, struct ph_err *err)
{
	const struct ph_rec *r = f->rec;
	uint32_t id = f->id;
	int n = 0;

	/* Programs are detached one by one, which takes milliseconds: calls of tasks whose switches are told no more. */
	if (ph_unlikely(c->stopped_ns && r->ts_ns > c->stopped_ns))
		return 0;
	/* What a new program or new namespaces may show of a plain cgroup; what an exit ends. */
	if (id == PH_EV_sched_process_exec || id == PH_EV_sched_process_namespaces)
		n = ph_ctable_recheck(&c->ct, r->container, r->tid, id == PH_EV_sched_process_exec,
				      r->ts_ns, ph_state, c, err);
	else if (ends_process(c, f))
		n = ph_ctable_exited(&c->ct, r->container, r->pid, r->ts_ns, ph_state, c, err);
	if (n < 0)
		return n;
	if (c->comms_in_user && !named_so(c, f))
		return 0;
	if (ph_decode(&c->dec, r, f->len, id) <= 0 || !c->events[c->dec.ev.cls->id])
		return 0;
	if (c->filter_id) {
		ph_identity_feed(c->filter_id, &c->dec.ev);
		if (!c->filter_exact && !ph_event_always(c->dec.ev.cls) &&
		    !ph_filter_match(c->filter, c->filter_id, &c->dec.ev))
			return 0;
	}
	if (c->evidence && (c->dec.ev.cls->id == PH_EV_syscall_failed || id == PH_EV_oom_mark_victim))
		ph_evidence_failed(c->evidence, &c->dec.ev);
	else if (c->evidence && id == PH_EV_sched_process_exec)
		ph_evidence_task(c->evidence, r->tid);
	else if (c->evidence && id == PH_EV_sched_process_exit)
		ph_evidence_exit(c->evidence, &c->dec.ev);
	if (c->probing && id == PH_EV_sched_process_exec)
		ph_probing_exec(c->probing, c->dec.ev.container, r->tid);
	if (c->kallsyms && id == PH_EV_sched_block_stack)
		ph_kallsyms_saw(c->kallsyms, ph_event_field(&c->dec.ev, PH_FLD(sched_block_stack, callstack_kernel)));
	if (c->kallsyms && id == PH_EV_callstack)
		kernel_part(c);
	if (c->stacks)
		ph_stacks_saw(c, &c->dec.ev);
	c->nevents++;
	return 1;
}

int ph_ring_event(struct ph_collect *c, uint32_t cpu, const struct ph_found *f, struct ph_err *err)
{
	c->dec.ev.cpu = cpu;
	return to_event(c, f, err);
}

void ph_ring_release(struct ph_collect *c, uint32_t cpu, uint64_t pos)
{
	__atomic_store_n(&c->ctl[cpu].tail, pos, __ATOMIC_RELEASE);
}

uint64_t ph_ring_lost(struct ph_collect *c, uint32_t cpu)
{
	uint64_t lost = __atomic_load_n(&c->ctl[cpu].lost, __ATOMIC_RELAXED);
	uint64_t n = lost - c->lost_seen[cpu];

	c->lost_seen[cpu] = lost;
	return n;
}

uint64_t ph_ring_missed(struct ph_collect *c)
{
	/* Once all is detached there is no later round that it may be left to. */
	return ph_misses_round(&c->misses, ph_now_ns(), !c->links.n);
}

static int drain_cpu(struct ph_collect *c, uint32_t cpu, uint64_t head, const struct ph_drain *to,
		     struct ph_err *err)
{
	uint64_t pos = c->ctl[cpu].tail, released = pos, lost;
	struct ph_found f;
	int r = 0;

	c->dec.ev.cpu = cpu;
	/* Reserved but not committed yet: it and what follows is for the next round. */
	while (pos < head && r >= 0 && committed(c, cpu, pos, &f)) {
		if (f.id)
			r = to_event(c, &f, err);
		if (r > 0)
			r = to->cpu(to->arg, &c->dec.ev, err);
		pos += f.len;
		/* Give room back as we go, but not for every record: the line is shared. */
		if (pos - released >= PH_RELEASE_BYTES)
			ph_ring_release(c, cpu, released = pos);
	}
	ph_ring_release(c, cpu, pos);
	lost = ph_ring_lost(c, cpu);
	if (lost)
		to->lost(to->arg, cpu, lost);
	return r;
}

/* What is looked up for events that were drained: why calls failed, the names of functions. */
static int look_into(struct ph_collect *c, struct ph_err *err)
{
	int r = c->stacks ? ph_stacks_run(c, ph_state, c, err) : 0;

	if (c->evidence && r >= 0)
		r = ph_evidence_run(c->evidence, ph_state, c, err);
	if (c->kallsyms && r >= 0)
		r = ph_kallsyms_run(c->kallsyms, ph_state, c, err);
	return c->probing && r >= 0 ? ph_probing_run(c, false, ph_state, c, err) : r;
}

int ph_ring_round(struct ph_collect *c, struct ph_err *err)
{
	int r;

	/*
	 * Heads first, then what is known of containers: then every container that an event up to
	 * these heads names has been told.
	 */
	for (uint32_t cpu = 0; cpu < c->ncpus; cpu++)
		c->heads[cpu] = __atomic_load_n(&c->ctl[cpu].head, __ATOMIC_ACQUIRE);
	r = ph_control_round(c, err);
	if (r < 0)
		return r;
	if (!c->dumping) {	/* a dump walks the containers while it drains */
		ph_ctable_expire(&c->ct, ph_now_ns());
		r = ph_cgstat_round(c, false, err);
		if (r < 0)
			return r;
	}
	/* Of the round before this one; who drains whole rounds need not wait so long. */
	return look_into(c, err);
}

static int drain_round(struct ph_collect *c, const struct ph_drain *to, struct ph_err *err)
{
	int r = ph_ring_round(c, err);
	uint64_t missed;

	for (uint32_t cpu = 0; cpu < c->ncpus && r >= 0; cpu++)
		r = drain_cpu(c, cpu, c->heads[cpu], to, err);
	missed = ph_ring_missed(c);
	if (missed)
		to->lost(to->arg, PH_CPU_UNKNOWN, missed);
	if (r >= 0)
		r = look_into(c, err);
	return r < 0 ? r : 0;
}

int ph_collect_drain(struct ph_collect *c, const struct ph_drain *to, struct ph_err *err)
{
	/* A state dump drains between its events: its consumer is put back. */
	ph_event_fn state = c->state;
	void *arg = c->state_arg;
	int r;

	c->state = to->state;
	c->state_arg = to->arg;
	r = drain_round(c, to, err);
	c->state = state;
	c->state_arg = arg;
	return r;
}

/* The buffers hold some tenths of a second of a storm: look often enough. */
#define PAUSE_NS (20 * 1000000UL)
/* While stacks end early, as it is under way what files are. */
#define PAUSE_BUSY_NS (2 * 1000000UL)

uint64_t ph_collect_pause_ns(const struct ph_collect *c)
{
	if (ph_collect_fill(c) >= PH_BUSY_PERCENT)
		return 0;
	return c->stacks && ph_stacks_busy(c->stacks) ? PAUSE_BUSY_NS : PAUSE_NS;
}

unsigned int ph_collect_fill(const struct ph_collect *c)
{
	uint64_t most = 0;

	for (uint32_t cpu = 0; cpu < c->ncpus; cpu++) {
		uint64_t used = __atomic_load_n(&c->ctl[cpu].head, __ATOMIC_RELAXED) - c->ctl[cpu].tail;

		if (used > most)
			most = used;
	}
	return (unsigned int)(most * 100 / ((uint64_t)c->cfg.chunks * PH_CHUNK));
}

void ph_collect_stats(const struct ph_collect *c, struct ph_collect_stats *ret)
{
	*ret = (struct ph_collect_stats){
		.events = c->nevents, .containers = c->ct.nselected, .missing = c->missing,
		.refused = &c->refused,
	};
	ret->nmissed = c->misses.total;
	ret->missed = c->misses.programs.v;
	ret->control_lost = *c->control_lost;
	ret->deep_cgroups = c->deep_cgroups;
	for (uint32_t cpu = 0; cpu < c->ncpus; cpu++)
		ret->lost += c->lost_seen[cpu];
	if (c->stacks)
		ph_stacks_stats(c->stacks, ret);
}
