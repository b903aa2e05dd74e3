/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "live/top_trace.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/states.h"
#include "base/cleanup.h"
#include "live/top_told.h"

#define ETHERNET_BYTES 14		/* the header that a device takes off what it receives */
#define RW_WRITE 1u
#define RW_READ 4u
#define LOOP_MAJOR 7			/* these devices' I/O is that of others once more */
#define CPU_LIMIT 8192			/* numbers come from traces */

/* What segments of tasks and events add up to; only grows. */
struct sums {
	uint64_t part_ns[PH_PART_MAX], wait_ns;
	uint64_t count[PH_TOP_NCOUNTS];	/* those that are counted event by event */
	uint64_t tasks;			/* of `as_of`: those that there are */
};

/* A container, or the machine. */
struct row {
	struct ph_top_row r;
	struct ph_host_container hc;
	struct sums closed, as_of;	/* without and with what still goes on */
	PH_VEC(const struct ph_cgnode *) own;	/* its cgroups, one of each hierarchy */
	const struct ph_cgnode *limit;	/* that sets the CPU limit in force, NULL: none */
	bool told, stopped;
};

/* A limit's time without quota on all CPUs, or a network namespace's traffic. */
struct tally {
	uint64_t closed_ns, as_of_ns;
	uint64_t count[PH_TOP_NCOUNTS];
};

struct ph_top_trace {
	struct ph_top_trace_opts opts;
	struct ph_states *st;
	struct ph_cgtree *cgroups;	/* those before the range too, which the states do not see */
	struct ph_top_told *told;
	struct row *machine;
	struct ph_u64map rows;		/* container index + 1 -> struct row, without the machine */
	struct ph_u64map outages;	/* cgroup id -> struct tally */
	struct ph_u64map nets;		/* network namespace -> struct tally */
	const struct ph_class **trusted;	/* [PH_EV_ID_MAX] */
	uint64_t counts;		/* those that the stream's events tell */
	uint64_t steal_ns, last_ns;
	uint64_t had_counts;		/* that any row has had */
	uint32_t had_levels;
	bool calls;			/* system calls divide the time on a CPU */
	bool limits;			/* when limits are out is told */
	bool owners;			/* whose a block request is, is told */
};

#define BIT(what) (1ull << PH_TOP_##what)
#define BLOCK_BITS (BIT(READ_BYTES) | BIT(WRITE_BYTES) | BIT(READS) | BIT(WRITES))
#define CALL_BITS (BIT(SYSCALLS) | BIT(ERRORS))
#define NET_BITS (PH_TOP_NETWORK & ~BIT(NET_DROPS))
#define U(event, field) ph_event_u(ev, PH_FLD(event, field), 0)

/* ---- rows ----------------------------------------------------------------------------------------------- */

static struct row *row_new(struct ph_top *t, uint32_t index)
{
	struct row *r = ph_alloc(sizeof(*r));

	r->hc.c.index = index;
	r->r.hc = &r->hc;
	for (unsigned int i = 0; i < PH_TOP_HISTORY; i++)
		r->r.history[i] = -1;
	*ph_vec_push(&t->rows) = &r->r;
	return r;
}

/*
 * Of the container that index stands for; NULL: it is not one, nobody knows whose it is, or nothing it did was recorded
 * so far and @make does not say that this is to change.
 */
static struct row *row_of(struct ph_top *t, uint32_t index, bool make)
{
	const struct ph_container *c = ph_identity_container(t->trace->opts.id, index);
	struct row *r;

	if (!c || c->index == PH_CONTAINER_HOST)
		return NULL;
	r = ph_u64map_get(&t->trace->rows, c->index + 1ull);
	if (!r && make) {
		r = row_new(t, c->index);
		ph_u64map_put(&t->trace->rows, c->index + 1ull, r);
	}
	return r;
}

static struct tally *tally_of(struct ph_u64map *m, uint64_t key)
{
	struct tally *v = ph_u64map_get(m, key);

	if (!v) {
		v = ph_alloc(sizeof(*v));
		ph_u64map_put(m, key, v);
	}
	return v;
}

/* ---- what tasks do -------------------------------------------------------------------------------------- */

static void add_segment(struct sums *to, const struct ph_segment *s)
{
	for (unsigned int i = 0; s->state == PH_ST_RUNNING && i < PH_PART_MAX; i++)
		to->part_ns[i] += s->part_ns[i];
	if (s->state == PH_ST_WAIT_CPU || s->state == PH_ST_THROTTLED)
		to->wait_ns += s->end_ns - s->begin_ns;
}

/* Of tasks that never did anything the state dump tells, too, whoever is selected. */
static struct row *row_of_segment(struct ph_top *t, const struct ph_segment *s)
{
	return row_of(t, s->container, s->state == PH_ST_RUNNING || s->state == PH_ST_WAIT_CPU || s->state == PH_ST_THROTTLED);
}

static void on_leave(void *arg, const struct ph_segment *s)
{
	struct ph_top *t = arg;
	struct row *r = row_of_segment(t, s);

	add_segment(&t->trace->machine->closed, s);
	if (r)
		add_segment(&r->closed, s);
}

static void on_out(void *arg, const struct ph_limit *l, uint32_t cpu, uint64_t begin_ns, uint64_t end_ns)
{
	struct ph_top *t = arg;

	(void)cpu;
	if (l->cgroup_id && end_ns > begin_ns)
		tally_of(&t->trace->outages, l->cgroup_id)->closed_ns += end_ns - begin_ns;
}

/* Who selects by process asks who is in which container. */
static void add_process(struct ph_top *t, int32_t pid, uint32_t container)
{
	const struct ph_task *who = ph_identity_task(t->trace->opts.id, pid);
	struct ph_scan_task *task = ph_vec_push(&t->scan.tasks);

	*task = (struct ph_scan_task){ .pid = pid, .container = container };
	if (who)
		memcpy(task->comm, who->comm, sizeof(task->comm));
}

static void on_open(void *arg, const struct ph_segment *s)
{
	struct ph_top *t = arg;
	struct row *r = row_of_segment(t, s);

	add_segment(&t->trace->machine->as_of, s);
	t->trace->machine->as_of.tasks++;
	if (r) {
		add_segment(&r->as_of, s);
		r->as_of.tasks++;
	}
	if (s->tid == s->pid)
		add_process(t, s->pid, r ? r->hc.c.index : s->container);
}

static void on_out_open(void *arg, const struct ph_limit *l, uint32_t cpu, uint64_t begin_ns, uint64_t end_ns)
{
	struct ph_top *t = arg;

	(void)cpu;
	if (l->cgroup_id && end_ns > begin_ns)
		tally_of(&t->trace->outages, l->cgroup_id)->as_of_ns += end_ns - begin_ns;
}

static void look(struct ph_top *t, uint64_t ts_ns)
{
	static const struct ph_states_ops ops = { .leave = on_open, .out = on_out_open };
	struct ph_top_trace *tt = t->trace;

	ph_vec_each(it, &t->rows) {
		struct row *r = (struct row *)*it;

		r->as_of = r->closed;
	}
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&tt->outages, s));)
		((struct tally *)s->val)->as_of_ns = ((struct tally *)s->val)->closed_ns;
	t->scan.tasks.n = 0;
	ph_states_look(tt->st, ts_ns, &ops, t);
}

/* ---- what is counted event by event --------------------------------------------------------------------- */

static void count(struct ph_top *t, struct row *r, enum ph_top_count what, uint64_t n)
{
	t->trace->machine->closed.count[what] += n;
	if (r)
		r->closed.count[what] += n;
}

static void on_call_end(struct ph_top *t, const struct ph_event *ev, int64_t ret)
{
	struct row *r = row_of(t, ev->container, true);

	count(t, r, PH_TOP_SYSCALLS, 1);
	/* Those from 512 on never reach the program: the call is begun again. */
	if (ret < 0 && ret > -512)
		count(t, r, PH_TOP_ERRORS, 1);
}

static void on_block(struct ph_top *t, const struct ph_event *ev)
{
	struct row *r = row_of(t, (uint32_t)ph_event_u(ev, PH_FLD(block_rq_complete, io_container), PH_CONTAINER_UNKNOWN), true);
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
	struct tally *v;

	if (!netns || (name && name->n == 2 && !memcmp(name->s, "lo", 2)))
		return;
	v = tally_of(&t->trace->nets, netns);
	v->count[received ? PH_TOP_RX_BYTES : PH_TOP_TX_BYTES] += bytes;
	v->count[received ? PH_TOP_RX_PACKETS : PH_TOP_TX_PACKETS]++;
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

/* ---- counters as of a moment ---------------------------------------------------------------------------- */

/* The highest of a container's cgroups in each hierarchy is the container's; those below it are counted there too. */
static void find_cgroups(struct ph_top *t)
{
	const struct ph_cgtree *tree = t->trace->cgroups;
	const struct ph_cgnode *n;

	ph_vec_each(it, &t->rows) {
		struct row *r = (struct row *)*it;

		r->own.n = 0;
	}
	for (size_t i = 0; (n = ph_cgtree_nth(tree, i)); i++) {
		const struct ph_container *c = ph_identity_container(t->trace->opts.id, n->container);
		int64_t unused[PH_TOLD_N];
		struct row *r;

		if (!c || (n->parent && n->parent->container == n->container))
			continue;
		r = ph_u64map_get(&t->trace->rows, c->index + 1ull);
		/* Of those that are selected, that is told. */
		if (!r && ph_top_told_at(t->trace->told, n->hierarchy, n->id, 0, unused))
			r = row_of(t, n->container, true);
		if (r)
			*ph_vec_push(&r->own) = n;
	}
}

static bool tighter(const struct ph_cgnode *a, const struct ph_cgnode *b)
{
	return (double)a->cpu_quota_us * (double)b->cpu_period_us < (double)b->cpu_quota_us * (double)a->cpu_period_us;
}

static void find_limits(struct ph_top *t, struct row *r)
{
	const struct ph_cgtree *tree = t->trace->cgroups;
	const struct ph_cgnode *memory = ph_cgtree_memory_limit(tree, r->hc.c.index);

	r->limit = NULL;
	ph_vec_each(own, &r->own) {
		const struct ph_cgnode *n = *own;

		for (unsigned int k = 0; n && n->hierarchy == ph_cgtree_cpu_hierarchy(tree) && k < 64; n = n->parent, k++) {
			if (n->cpu_quota_us <= 0 || !n->cpu_period_us || (r->limit && !tighter(n, r->limit)))
				continue;
			r->limit = n;
			r->hc.cpu.own = n == *own;
		}
	}
	r->hc.cpu.found = r->limit;
	if (r->limit) {
		r->hc.cpu.quota_us = (uint64_t)r->limit->cpu_quota_us;
		r->hc.cpu.period_us = r->limit->cpu_period_us;
	}
	r->hc.memory.found = memory;
	r->hc.memory.bytes = memory ? (uint64_t)memory->memory_max_bytes : 0;
}

static void set_told(struct ph_top_sample *s, enum ph_top_count what, int64_t v)
{
	if (v >= 0)
		ph_top_set(s, what, (uint64_t)v);
}

/* The periods are those of the limit in force; the time is its own cgroup's, as top_cgroup.c has it. */
static void throttling(const struct ph_top_trace *tt, const struct row *r, const int64_t own[PH_TOLD_N], bool begin,
		       struct ph_top_sample *s)
{
	const struct tally *out = r->limit ? ph_u64map_get(&tt->outages, r->limit->id) : NULL;
	int64_t of[PH_TOLD_N];

	if (!r->limit) {
		ph_top_set(s, PH_TOP_PERIODS, 0);
		ph_top_set(s, PH_TOP_THROTTLED_PERIODS, 0);
		ph_top_set(s, PH_TOP_THROTTLED, 0);
		return;
	}
	if (ph_top_told_at(tt->told, r->limit->hierarchy, r->limit->id, s->ns, of)) {
		set_told(s, PH_TOP_PERIODS, of[PH_TOLD_PERIODS]);
		set_told(s, PH_TOP_THROTTLED_PERIODS, of[PH_TOLD_THROTTLED_PERIODS]);
	}
	if (own[PH_TOLD_THROTTLED_LOCAL] >= 0)
		set_told(s, PH_TOP_THROTTLED, own[PH_TOLD_THROTTLED_LOCAL]);
	else if (r->hc.cpu.own && tt->limits)
		ph_top_set(s, PH_TOP_THROTTLED, out && !begin ? out->as_of_ns : 0);
	else if (r->hc.cpu.own)
		set_told(s, PH_TOP_THROTTLED, own[PH_TOLD_THROTTLED]);
}

/* What the kernel has counted for it, by whichever hierarchy; the others have 0 or nothing. */
static bool told_of(const struct ph_top_trace *tt, const struct row *r, uint64_t ts_ns, int64_t own[PH_TOLD_N])
{
	bool any = false;

	for (unsigned int i = 0; i < PH_TOLD_N; i++)
		own[i] = -1;
	ph_vec_each(n, &r->own) {
		int64_t v[PH_TOLD_N];

		if (!ph_top_told_at(tt->told, (*n)->hierarchy, (*n)->id, ts_ns, v))
			continue;
		any = true;
		for (unsigned int i = 0; i < PH_TOLD_N; i++)
			if (v[i] > own[i])
				own[i] = v[i];
	}
	return any;
}

static void from_told(const struct ph_top_trace *tt, const struct row *r, bool begin, struct ph_top_sample *s)
{
	static const struct { enum ph_told from; enum ph_top_count to; } counts[] = {
		{ PH_TOLD_USAGE, PH_TOP_CPU }, { PH_TOLD_USER, PH_TOP_USER }, { PH_TOLD_SYSTEM, PH_TOP_SYSTEM },
		{ PH_TOLD_CPU_SOME, PH_TOP_CPU_SOME }, { PH_TOLD_CPU_FULL, PH_TOP_CPU_FULL },
		{ PH_TOLD_IO_SOME, PH_TOP_IO_SOME }, { PH_TOLD_IO_FULL, PH_TOP_IO_FULL },
		{ PH_TOLD_MEMORY_SOME, PH_TOP_MEMORY_SOME }, { PH_TOLD_MEMORY_FULL, PH_TOP_MEMORY_FULL },
		{ PH_TOLD_FAULTS, PH_TOP_FAULTS }, { PH_TOLD_MAJOR_FAULTS, PH_TOP_MAJOR_FAULTS },
	};
	static const struct { enum ph_told from; enum ph_top_level to; } levels[] = {
		{ PH_TOLD_MEMORY, PH_TOP_MEMORY }, { PH_TOLD_OOM_KILLS, PH_TOP_OOM_KILLS }, { PH_TOLD_TASKS, PH_TOP_TASKS },
	};
	int64_t own[PH_TOLD_N];

	if (!told_of(tt, r, s->ns, own))
		return;
	for (size_t i = 0; i < PH_ARRAY_SIZE(counts); i++)
		set_told(s, counts[i].to, own[counts[i].from]);
	for (size_t i = 0; i < PH_ARRAY_SIZE(levels); i++)
		if (own[levels[i].from] >= 0)
			ph_top_set_level(s, levels[i].to, (uint64_t)own[levels[i].from]);
	if (own[PH_TOLD_MEMORY] >= 0 && own[PH_TOLD_INACTIVE_FILE] >= 0)
		ph_top_set_level(s, PH_TOP_WORKING_SET, own[PH_TOLD_MEMORY] > own[PH_TOLD_INACTIVE_FILE] ?
				 (uint64_t)(own[PH_TOLD_MEMORY] - own[PH_TOLD_INACTIVE_FILE]) : 0);
	throttling(tt, r, own, begin, s);
	if (r->hc.memory.found)
		ph_top_set_level(s, PH_TOP_MEMORY_LIMIT, r->hc.memory.bytes);
}

/*
 * What the states of its tasks add up to. Of what the hypervisor took the kernel does not say that a task had it.
 * Who has made no system call yet is taken to be in its program.
 */
static void from_tasks(const struct ph_top_trace *tt, const struct sums *sum, struct ph_top_sample *s)
{
	const uint64_t *p = sum->part_ns;

	if (tt->counts & BIT(CPU)) {
		ph_top_set(s, PH_TOP_CPU, p[PH_PART_USER] + p[PH_PART_KERNEL] + p[PH_PART_MODELESS] + p[PH_PART_IRQ]);
		ph_top_set_level(s, PH_TOP_TASKS, sum->tasks);
	}
	if (tt->counts & BIT(CPU) && tt->calls) {
		ph_top_set(s, PH_TOP_USER, p[PH_PART_USER] + p[PH_PART_MODELESS]);
		ph_top_set(s, PH_TOP_SYSTEM, p[PH_PART_KERNEL] + p[PH_PART_IRQ]);
	}
	if (tt->counts & BIT(RUNQ))
		ph_top_set(s, PH_TOP_RUNQ, sum->wait_ns);
}

static void from_events(const struct ph_top_trace *tt, const struct sums *sum, bool machine, struct ph_top_sample *s)
{
	uint64_t which = tt->counts & (CALL_BITS | (machine || tt->owners ? BLOCK_BITS : 0));

	for (unsigned int i = 0; i < PH_TOP_NCOUNTS; i++)
		if (which & 1ull << i)
			ph_top_set(s, i, sum->count[i]);
}

static void from_packets(const struct ph_top_trace *tt, const struct row *r, bool begin, struct ph_top_sample *s)
{
	uint32_t netns = r->hc.c.ns[PH_NS_NET], host = ph_identity_nth(tt->opts.id, 0)->ns[PH_NS_NET];
	const struct tally *v = ph_u64map_get(&tt->nets, netns);

	if (!netns || !host || netns == host)
		return;
	for (unsigned int i = 0; i < PH_TOP_NCOUNTS; i++)
		if (tt->counts & NET_BITS & 1ull << i)
			ph_top_set(s, i, v && !begin ? v->count[i] : 0);
}

/* @begin: when all sums were 0. */
static void sample(struct ph_top *t, struct row *r, uint64_t ts_ns, bool begin, struct ph_top_sample *s)
{
	static const struct sums nothing;
	const struct sums *sum = begin ? &nothing : &r->as_of;
	const struct ph_top_trace *tt = t->trace;
	bool machine = r == tt->machine;

	*s = (struct ph_top_sample){ .ns = ts_ns };
	if (machine && !tt->opts.whole)
		return;
	if (!tt->opts.filter) {
		if (!machine)
			from_told(tt, r, begin, s);
		else if (tt->counts & BIT(STEAL))
			ph_top_set(s, PH_TOP_STEAL, begin ? 0 : tt->steal_ns);
		from_tasks(tt, sum, s);
	}
	from_events(tt, sum, machine, s);
	if (!machine)
		from_packets(tt, r, begin, s);
}

/* ---- rounds --------------------------------------------------------------------------------------------- */

void ph_top_trace_begin(struct ph_top *t, uint64_t ts_ns)
{
	t->trace->last_ns = ts_ns;
}

static void round_of(struct ph_top *t, struct row *r, uint64_t ts_ns)
{
	const struct ph_container *c = ph_identity_container(t->trace->opts.id, r->hc.c.index);
	bool stopped;

	if (!c)
		return;
	/* Strings stay the model's, until it is fed again. */
	r->hc.c = *c;
	stopped = c->state && !strcmp(c->state, "stopped");
	r->r.gone = stopped && r->stopped;
	r->stopped = stopped;
	if (r != t->trace->machine)
		find_limits(t, r);
	r->r.before = r->r.now;
	/* It did nothing before it was met. */
	if (!r->r.before.ns)
		sample(t, r, t->trace->last_ns, true, &r->r.before);
	sample(t, r, ts_ns, false, &r->r.now);
	ph_top_remember(&r->r);
	t->trace->had_counts |= r->r.now.counted;
	t->trace->had_levels |= r->r.now.levelled;
}

void ph_top_trace_round(struct ph_top *t, uint64_t ts_ns)
{
	look(t, ts_ns);
	find_cgroups(t);
	for (size_t i = 0; i < t->rows.n; i++)
		round_of(t, (struct row *)t->rows.v[i], ts_ns);
	t->trace->last_ns = ts_ns;
}

/* ---- the whole ------------------------------------------------------------------------------------------ */

void ph_top_trace_open(struct ph_top *t, const struct ph_top_trace_opts *opts)
{
	static const struct ph_states_ops ops = { .leave = on_leave, .out = on_out };
	struct ph_top_trace *tt = ph_alloc(sizeof(*tt));

	*t = (struct ph_top){ .trace = tt, .rootfd = -1, .procfd = -1 };
	tt->opts = *opts;
	tt->st = ph_states_new(opts->id, &ops, t);
	tt->cgroups = ph_cgtree_new();
	tt->told = ph_top_told_new();
	tt->trusted = ph_alloc(PH_EV_ID_MAX * sizeof(*tt->trusted));
	tt->machine = row_new(t, PH_CONTAINER_HOST);
}

static bool has_field(const struct ph_class *cls, unsigned int fld)
{
	return !cls->canon || cls->canon[fld] >= 0;
}

/* Whoever happens to run handles a container's packets. */
static void packets_of(struct ph_top_trace *tt, const struct ph_class *cls, unsigned int netns)
{
	if (tt->opts.whole && has_field(cls, netns))
		tt->counts |= NET_BITS;
}

void ph_top_trace_class(struct ph_top *t, const struct ph_class *cls)
{
	struct ph_top_trace *tt = t->trace;

	if (!trusted(tt, cls))
		return;
	switch (cls->id) {
	case PH_EV_sched_switch:
		tt->counts |= BIT(CPU);
		break;
	case PH_EV_cpu_steal:
		tt->counts |= BIT(STEAL);
		break;
	case PH_EV_sched_wakeup:
		tt->counts |= BIT(RUNQ);
		break;
	case PH_EV_sched_limit_begin:
		tt->limits = true;
		break;
	case PH_EV_block_rq_complete:
		tt->counts |= BLOCK_BITS;
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
			tt->counts |= CALL_BITS;
			tt->calls = true;
		}
	}
}

bool ph_top_trace_filtered(const struct ph_top *t)
{
	return t->trace->opts.filter;
}

bool ph_top_trace_had(const struct ph_top *t, uint64_t counts, uint32_t levels)
{
	return !(counts & ~t->trace->had_counts) && !(levels & ~t->trace->had_levels);
}

void ph_top_trace_ahead(struct ph_top *t, const struct ph_event *ev)
{
	ph_top_told_feed(t->trace->told, ev);
	if (trusted(t->trace, ev->cls))
		feed_cgroups(t->trace, ev);
}

static void free_all(struct ph_u64map *m)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(m, s));)
		free(s->val);
	ph_u64map_done(m);
}

void ph_top_trace_close(struct ph_top *t)
{
	struct ph_top_trace *tt = t->trace;

	if (!tt)
		return;
	for (size_t i = 0; i < t->rows.n; i++) {
		struct row *r = (struct row *)t->rows.v[i];

		ph_vec_done(&r->own);
		free(r);
	}
	t->rows.n = 0;
	ph_u64map_done(&tt->rows);
	free_all(&tt->outages);
	free_all(&tt->nets);
	ph_states_free(tt->st);
	ph_cgtree_free(tt->cgroups);
	ph_top_told_free(tt->told);
	free(tt->trusted);
	free(tt);
	t->trace = NULL;
}
