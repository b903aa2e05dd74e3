/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader's side of the per-CPU buffers (bpf/lib/ring.bpf.h) and of the control ring. */
#include <errno.h>

#include "base/clock.h"
#include "collect/priv.h"

int ph_state(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	struct ph_event copy = *ev;
	struct ph_collect *c = arg;

	if (c->filter_id)
		ph_identity_feed(c->filter_id, &copy);
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

static const struct ph_rec *rec_at(const struct ph_collect *c, uint32_t cpu, uint64_t pos)
{
	uint64_t chunk = (uint64_t)cpu * c->cfg.chunks + (pos / PH_CHUNK & (c->cfg.chunks - 1));

	return (const void *)(c->rings + chunk * PH_CHUNK_BYTES + (pos & (PH_CHUNK - 1)));
}

static int one(struct ph_collect *c, const struct ph_drain *to, const struct ph_rec *r, uint32_t len,
	       uint32_t id, struct ph_err *err)
{
	int n = 0;

	/* What a new program or new namespaces may show of a plain cgroup; what an exit ends. */
	if (id == PH_EV_sched_process_exec || id == PH_EV_sched_process_namespaces)
		n = ph_ctable_recheck(&c->ct, r->container, r->tid, r->ts_ns, ph_state, c, err);
	else if (id == PH_EV_sched_process_exit)
		n = ph_ctable_exited(&c->ct, r->container, r->tid, r->ts_ns, ph_state, c, err);
	if (n < 0)
		return n;
	if (c->comms_in_user) {
		char comm[17] = "";

		memcpy(comm, ((const struct ph_rec_ctx *)(const void *)(r + 1))->procname, 16);
		if (!ph_selection_match_comm(c->sel, comm))
			return 0;
	}
	if (ph_decode(&c->dec, r, len, id) <= 0 || !c->events[c->dec.ev.cls->id])
		return 0;
	if (c->filter_id) {
		ph_identity_feed(c->filter_id, &c->dec.ev);
		if (!c->filter_exact && !ph_event_always(c->dec.ev.cls) &&
		    !ph_filter_match(c->filter, c->filter_id, &c->dec.ev))
			return 0;
	}
	c->nevents++;
	return to->cpu(to->arg, &c->dec.ev, err);
}

static int drain_cpu(struct ph_collect *c, uint32_t cpu, uint64_t head, const struct ph_drain *to,
		     struct ph_err *err)
{
	struct ph_ring_ctl *ctl = &c->ctl[cpu];
	uint64_t pos = ctl->tail, lost;
	int r = 0;

	c->dec.ev.cpu = cpu;
	while (pos < head && r >= 0) {
		const struct ph_rec *rec = rec_at(c, cpu, pos);
		uint64_t word = __atomic_load_n(&rec->commit, __ATOMIC_ACQUIRE);
		uint32_t len = (uint32_t)(word >> 16 & 0xffff) << 3, id = word & 0xffff;

		/* Reserved but not committed yet: it and what follows is for the next round. */
		if ((uint32_t)(word >> 32) != ((uint32_t)(pos >> 3) ^ c->cfg.secret) ||
		    len < sizeof(*rec) || len > PH_REC_MAX)
			break;
		if (id)
			r = one(c, to, rec, len, id, err);
		pos += len;
		/* Give room back as we go, but not for every record: the line is shared. */
		if (pos - ctl->tail >= PH_CHUNK / 4)
			__atomic_store_n(&ctl->tail, pos, __ATOMIC_RELEASE);
	}
	__atomic_store_n(&ctl->tail, pos, __ATOMIC_RELEASE);
	lost = __atomic_load_n(&ctl->lost, __ATOMIC_RELAXED);
	if (lost != c->lost_seen[cpu]) {
		to->lost(to->arg, cpu, lost - c->lost_seen[cpu]);
		c->lost_seen[cpu] = lost;
	}
	return r;
}

static int drain_round(struct ph_collect *c, const struct ph_drain *to, struct ph_err *err)
{
	uint64_t *heads = c->heads;
	int r;

	/*
	 * Heads first, then what is known of containers: then every container that an event up to
	 * these heads names has been told.
	 */
	for (uint32_t cpu = 0; cpu < c->ncpus; cpu++)
		heads[cpu] = __atomic_load_n(&c->ctl[cpu].head, __ATOMIC_ACQUIRE);
	c->control_r = 0;
	c->control_err = err;
	r = ring_buffer__consume(c->control);
	if (r < 0)
		return ph_err_sys(err, r, "cannot read the control ring");
	if (c->control_r < 0)
		return c->control_r;
	if (!c->dumping)	/* a dump walks the containers while it drains */
		ph_ctable_expire(&c->ct, ph_now_ns());
	for (uint32_t cpu = 0; cpu < c->ncpus; cpu++) {
		r = drain_cpu(c, cpu, heads[cpu], to, err);
		if (r < 0)
			return r;
	}
	return 0;
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
	};
	ret->control_lost = *c->control_lost;
	for (uint32_t cpu = 0; cpu < c->ncpus; cpu++)
		ret->lost += c->lost_seen[cpu];
}
