/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What events add up to, for containers and for the machine: it only grows. top_trace.c makes rows of it. */
#include <string.h>

#include "base/cleanup.h"
#include "live/top_trace_priv.h"

#define ETHERNET_BYTES 14		/* the header that a device takes off what it receives */
#define RW_WRITE 1u
#define RW_READ 4u
#define LOOP_MAJOR 7			/* these devices' I/O is that of others once more */
#define CPU_LIMIT 8192			/* numbers come from traces */
#define U(event, field) ph_event_u(ev, PH_FLD(event, field), 0)

static struct ph_top_tally *tally_of(struct ph_u64map *m, uint64_t key)
{
	struct ph_top_tally *v = ph_u64map_get(m, key);

	if (!v) {
		v = ph_alloc(sizeof(*v));
		ph_u64map_put(m, key, v);
	}
	return v;
}

/* ---- what tasks do -------------------------------------------------------------------------------------- */

static void add_segment(struct ph_top_sums *to, const struct ph_segment *s)
{
	for (unsigned int i = 0; s->state == PH_ST_RUNNING && i < PH_PART_MAX; i++)
		to->part_ns[i] += s->part_ns[i];
	if (s->state == PH_ST_WAIT_CPU || s->state == PH_ST_THROTTLED)
		to->wait_ns += s->end_ns - s->begin_ns;
}

/* Of tasks that never did anything the state dump tells, too, whoever is selected. */
static struct ph_top_trace_row *row_of_segment(struct ph_top *t, const struct ph_segment *s)
{
	bool did = s->state == PH_ST_RUNNING || s->state == PH_ST_WAIT_CPU || s->state == PH_ST_THROTTLED;

	return ph_top_trace_row_of(t, s->container, did);
}

/* Of the guest in a container, besides that, whose process it is; NULL: of none. */
static struct ph_top_trace_row *row_of_guest(struct ph_top *t, int32_t pid)
{
	const struct ph_container *guest = ph_identity_guest(t->trace->opts.id, pid);

	return guest ? ph_top_trace_row_of(t, guest->index, true) : NULL;
}

static void on_leave(void *arg, const struct ph_segment *s)
{
	struct ph_top *t = arg;
	struct ph_top_trace_row *r = row_of_segment(t, s), *guest = row_of_guest(t, s->pid);

	add_segment(&t->trace->machine->closed, s);
	if (r)
		add_segment(&r->closed, s);
	if (guest)
		add_segment(&guest->closed, s);
}

static void on_out(void *arg, const struct ph_limit *l, uint32_t cpu, uint64_t begin_ns, uint64_t end_ns)
{
	struct ph_top *t = arg;

	(void)cpu;
	if (l->cgroup_id && end_ns > begin_ns)
		tally_of(&t->trace->outages, l->cgroup_id)->closed_ns += end_ns - begin_ns;
}

const struct ph_states_ops ph_top_trace_ops = { .leave = on_leave, .out = on_out };

/* Who selects by process asks who is in which container. */
static void add_process(struct ph_top *t, int32_t pid, uint32_t container)
{
	const struct ph_task *who = ph_identity_task(t->trace->opts.id, pid);
	struct ph_scan_task *task = ph_vec_push(&t->scan.tasks);

	*task = (struct ph_scan_task){ .pid = pid, .container = container };
	if (who)
		memcpy(task->comm, who->comm, sizeof(task->comm));
}

/* Is it the one that tells of its process? Of one whose first thread has ended, another does. */
static bool tells_process(const struct ph_top *t, const struct ph_segment *s)
{
	const struct ph_task *first = s->pid > 0 && s->pid != s->tid ? ph_identity_task(t->trace->opts.id, s->pid) : NULL;

	if (s->tid == s->pid || !first || !first->exited)
		return s->tid == s->pid;
	ph_vec_each(task, &t->scan.tasks)
		if (task->pid == s->pid)
			return false;
	return true;
}

static void on_open(void *arg, const struct ph_segment *s)
{
	struct ph_top *t = arg;
	struct ph_top_trace_row *r = row_of_segment(t, s), *guest = row_of_guest(t, s->pid);

	add_segment(&t->trace->machine->as_of, s);
	t->trace->machine->as_of.tasks++;
	if (r) {
		add_segment(&r->as_of, s);
		r->as_of.tasks++;
	}
	if (guest) {
		add_segment(&guest->as_of, s);
		guest->as_of.tasks++;
	}
	if (tells_process(t, s))
		add_process(t, s->pid, r ? r->hc.c.index : s->container);
}

static void on_out_open(void *arg, const struct ph_limit *l, uint32_t cpu, uint64_t begin_ns, uint64_t end_ns)
{
	struct ph_top *t = arg;

	(void)cpu;
	if (l->cgroup_id && end_ns > begin_ns)
		tally_of(&t->trace->outages, l->cgroup_id)->as_of_ns += end_ns - begin_ns;
}

void ph_top_trace_look(struct ph_top *t, uint64_t ts_ns)
{
	static const struct ph_states_ops ops = { .leave = on_open, .out = on_out_open };
	struct ph_top_trace *tt = t->trace;

	ph_vec_each(it, &t->rows) {
		struct ph_top_trace_row *r = (struct ph_top_trace_row *)*it;

		r->as_of = r->closed;
	}
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&tt->outages, s));)
		((struct ph_top_tally *)s->val)->as_of_ns = ((struct ph_top_tally *)s->val)->closed_ns;
	t->scan.tasks.n = 0;
	if (tt->st)
		ph_states_look(tt->st, ts_ns, &ops, t);
}

/* ---- what is counted event by event --------------------------------------------------------------------- */

static void count(struct ph_top *t, struct ph_top_trace_row *r, enum ph_top_count what, uint64_t n)
{
	t->trace->machine->closed.count[what] += n;
	if (r)
		r->closed.count[what] += n;
}

static void on_call_end(struct ph_top *t, const struct ph_event *ev, int64_t ret)
{
	struct ph_top_trace_row *r = ph_top_trace_row_of(t, ev->container, true), *guest = row_of_guest(t, ev->pid);
	/* Those from 512 on never reach the program: the call is begun again. */
	bool failed = ret < 0 && ret > -512;

	count(t, r, PH_TOP_SYSCALLS, 1);
	if (failed)
		count(t, r, PH_TOP_ERRORS, 1);
	if (guest) {
		guest->closed.count[PH_TOP_SYSCALLS]++;
		guest->closed.count[PH_TOP_ERRORS] += failed;
	}
}

static void on_block(struct ph_top *t, const struct ph_event *ev)
{
	uint64_t whose = ph_event_u(ev, PH_FLD(block_rq_complete, io_container), PH_CONTAINER_UNKNOWN);
	struct ph_top_trace_row *r = ph_top_trace_row_of(t, (uint32_t)whose, true);
	uint64_t rwbs = U(block_rq_complete, rwbs), bytes = U(block_rq_complete, bytes);
	bool read = rwbs & RW_READ;

	if (!(rwbs & (RW_READ | RW_WRITE)) || !bytes || (!r && U(block_rq_complete, dev) >> 20 == LOOP_MAJOR))
		return;
	count(t, r, read ? PH_TOP_READ_BYTES : PH_TOP_WRITE_BYTES, bytes);
	count(t, r, read ? PH_TOP_READS : PH_TOP_WRITES, 1);
}

/* Packets are those of their device's network namespace, whoever runs at the moment. */
static void on_packet(struct ph_top *t, const struct ph_value *name, uint64_t netns, uint64_t bytes, bool received)
{
	struct ph_top_tally *v;

	if (!netns || (name && name->n == 2 && !memcmp(name->s, "lo", 2)))
		return;
	v = tally_of(&t->trace->nets, netns);
	v->count[received ? PH_TOP_RX_BYTES : PH_TOP_TX_BYTES] += bytes;
	v->count[received ? PH_TOP_RX_PACKETS : PH_TOP_TX_PACKETS]++;
}

/* Where the end of a call does not pass the filter, whatever it is, its beginning counts. */
static bool is_call_begin(uint32_t id)
{
	return (id >= PH_EV_SYSCALL_ENTRY && id < PH_EV_SYSCALL_EXIT) || (id >= PH_EV_COMPAT_ENTRY && id < PH_EV_COMPAT_EXIT);
}

static uint32_t end_of(uint32_t begin)
{
	return begin + (PH_EV_SYSCALL_EXIT - PH_EV_SYSCALL_ENTRY);
}

static bool is_call_end(uint32_t id)
{
	return (id >= PH_EV_SYSCALL_EXIT && id < PH_EV_COMPAT_ENTRY) || id >= PH_EV_COMPAT_EXIT;
}

static void on_event(struct ph_top *t, const struct ph_event *ev)
{
	switch (ev->cls->id) {
	case PH_EV_seccomp_refused:
		on_call_end(t, ev, ph_event_i(ev, PH_FLD(seccomp_refused, ret), 0));
		break;
	case PH_EV_block_rq_complete:
		on_block(t, ev);
		break;
	case PH_EV_net_dev_queue:
		on_packet(t, ph_event_field(ev, PH_FLD(net_dev_queue, name)), U(net_dev_queue, netns), U(net_dev_queue, len), false);
		break;
	case PH_EV_net_if_receive_skb:
		on_packet(t, ph_event_field(ev, PH_FLD(net_if_receive_skb, name)), U(net_if_receive_skb, netns),
			  U(net_if_receive_skb, len) + ETHERNET_BYTES, true);
		break;
	case PH_EV_cpu_steal:
		t->trace->steal_ns += U(cpu_steal, steal_ns);
		break;
	default:
		/* What it returned is the first field of all of them. */
		if (is_call_end(ev->cls->id))
			on_call_end(t, ev, ph_event_i(ev, 0, 0));
		else if (t->trace->opts.filter && is_call_begin(ev->cls->id) && !t->trace->ends[end_of(ev->cls->id)])
			count(t, ph_top_trace_row_of(t, ev->container, true), PH_TOP_SYSCALLS, 1);
	}
}

static bool trusted(struct ph_top_trace *tt, const struct ph_class *cls)
{
	if (cls->id == PH_EV_UNKNOWN || cls->id >= PH_EV_ID_MAX)
		return false;
	if (tt->trusted[cls->id] == cls)
		return true;
	if (!ph_class_like_ours(cls))
		return false;
	tt->trusted[cls->id] = cls;
	return true;
}

static void see_cpu(struct ph_top *t, uint64_t cpu)
{
	if (cpu >= t->host.cpus && cpu < CPU_LIMIT)
		t->host.cpus = (uint32_t)cpu + 1;
}

static void feed_cgroups(struct ph_top_trace *tt, const struct ph_event *ev)
{
	if (ev->cls->group == PH_GROUP_STATEDUMP || ev->cls->group == PH_GROUP_CGROUP)
		ph_cgtree_feed(tt->cgroups, ev);
}

void ph_top_trace_feed(struct ph_top *t, const struct ph_event *ev)
{
	struct ph_top_trace *tt = t->trace;

	if (tt->opts.passed) {
		if (trusted(tt, ev->cls))
			on_event(t, ev);
		return;
	}
	ph_states_feed(tt->st, ev);
	see_cpu(t, ev->cpu);
	if (!trusted(tt, ev->cls))
		return;
	feed_cgroups(tt, ev);
	if (ev->cls->id == PH_EV_lttng_statedump_cpu_topology)
		see_cpu(t, U(lttng_statedump_cpu_topology, cpu));
	else if (!tt->opts.filter || ph_filter_match(tt->opts.filter, tt->opts.id, ev))
		on_event(t, ev);
}

/* ---- which kinds of events there are --------------------------------------------------------------------- */

static bool has_field(const struct ph_class *cls, unsigned int fld)
{
	return !cls->canon || cls->canon[fld] >= 0;
}

static bool may_pass(struct ph_filter *filter, const struct ph_class *cls)
{
	return !filter || ph_filter_may_match(filter, cls);
}

/* Which columns an event of this kind is counted in. */
static uint64_t counted_in(const struct ph_class *cls)
{
	switch (cls->id) {
	case PH_EV_block_rq_complete:
		return PH_TOP_BLOCK;
	case PH_EV_net_dev_queue:
	case PH_EV_net_if_receive_skb:
		return PH_TOP_PACKETS;
	case PH_EV_seccomp_refused:
		return PH_TOP_CALLS;
	default:
		return is_call_end(cls->id) ? PH_TOP_CALLS : is_call_begin(cls->id) ? PH_TOP_BIT(SYSCALLS) : 0;
	}
}

bool ph_top_trace_choose(struct ph_filter *filter, uint64_t counts, bool events[PH_EV_ID_MAX])
{
	const struct ph_class *cls;
	bool any = false;

	memset(events, 0, PH_EV_ID_MAX * sizeof(*events));
	for (size_t i = 0; (cls = ph_class_nth(i)); i++)
		events[cls->id] = counted_in(cls) & counts && may_pass(filter, cls);
	for (uint32_t id = 0; id < PH_EV_ID_MAX; id++) {
		if (is_call_begin(id) && events[end_of(id)])
			events[id] = false;
		any |= events[id];
	}
	return any;
}

/* Whoever happens to run handles a container's packets. */
static void packets_of(struct ph_top_trace *tt, const struct ph_class *cls, unsigned int netns)
{
	if (tt->opts.whole && has_field(cls, netns))
		tt->counts |= PH_TOP_PACKETS;
}

void ph_top_trace_class(struct ph_top *t, const struct ph_class *cls)
{
	struct ph_top_trace *tt = t->trace;

	if (!trusted(tt, cls) || !may_pass(tt->opts.filter, cls))
		return;
	switch (cls->id) {
	case PH_EV_sched_switch:
		tt->counts |= PH_TOP_BIT(CPU);
		break;
	case PH_EV_cpu_steal:
		tt->counts |= PH_TOP_BIT(STEAL);
		break;
	case PH_EV_sched_wakeup:
		tt->counts |= PH_TOP_BIT(RUNQ);
		break;
	case PH_EV_sched_limit_begin:
		tt->limits = true;
		break;
	case PH_EV_block_rq_complete:
		tt->counts |= PH_TOP_BLOCK;
		tt->owners |= has_field(cls, PH_FLD(block_rq_complete, io_container));
		break;
	case PH_EV_net_dev_queue:
		packets_of(tt, cls, PH_FLD(net_dev_queue, netns));
		break;
	case PH_EV_net_if_receive_skb:
		packets_of(tt, cls, PH_FLD(net_if_receive_skb, netns));
		break;
	default:
		if (is_call_end(cls->id)) {
			tt->counts |= PH_TOP_CALLS;
			tt->calls = tt->ends[cls->id] = true;
		} else if (tt->opts.filter && is_call_begin(cls->id)) {
			tt->counts |= PH_TOP_BIT(SYSCALLS);
		}
	}
}

void ph_top_trace_ahead(struct ph_top *t, const struct ph_event *ev)
{
	ph_top_told_feed(t->trace->told, ev);
	if (trusted(t->trace, ev->cls))
		feed_cgroups(t->trace, ev);
}
