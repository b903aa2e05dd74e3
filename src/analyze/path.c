/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the stream tells, made into a trail; then the walk, and its steps kept. */
#include "analyze/path.h"

#include <stdlib.h>

#include "analyze/path_priv.h"
#include "base/cleanup.h"

/* Limits, devices and peers that are told apart. */
#define THINGS_MAX 65536

#define CPU_LIMIT 8192

#define I32(event, field) ((int32_t)ph_event_i(ev, PH_FLD(event, field), -1))

const char *ph_path_state_name(enum ph_path_state s)
{
	static const char *const names[PH_PATH_STATES] = {
		"user", "kernel", "running", "interrupted", "steal", "run queue", "throttled", "frozen", "stopped",
		"disk", "network", "timer", "interrupt", "waiting", "unknown",
	};

	return s < PH_PATH_STATES ? names[s] : "?";
}

const char *ph_path_then_name(enum ph_path_then t)
{
	static const char *const names[] = { "goes on", "wakes", "sends to", "forks", "becomes", "sleeps" };

	return t < PH_ARRAY_SIZE(names) ? names[t] : "?";
}

/* ---- things ---------------------------------------------------------------------------------------- */

static uint32_t thing(struct ph_path *p, const struct ph_limit *limit, const struct ph_object *o)
{
	struct ph_path_thing t;
	uint64_t key, at;

	memset(&t, 0, sizeof(t));
	if (limit) {
		t.limit.cgroup_id = limit->cgroup_id;
		t.limit.quota_ns = limit->quota_ns;
		t.limit.period_ns = limit->period_ns;
	} else if (o->thing == PH_THING_NONE) {
		return 0;
	} else {
		t.object = *o;
	}
	key = ph_hash(PH_HASH_INIT, &t, sizeof(t));
	at = (uint64_t)(uintptr_t)ph_u64map_get(&p->thing_map, key);
	if (at || p->things.n >= THINGS_MAX)
		return (uint32_t)at;
	*ph_vec_push(&p->things) = t;
	at = p->things.n;
	ph_u64map_put(&p->thing_map, key, (void *)(uintptr_t)at);
	return (uint32_t)at;
}

const struct ph_path_thing *ph_path_thing(const struct ph_path *p, uint32_t what)
{
	return what && what <= p->things.n ? &p->things.v[what - 1] : NULL;
}

/* ---- segments -------------------------------------------------------------------------------------- */

/* Nearly all of what took long is rounded up to all of it. */
static uint32_t share_of(uint64_t ns, uint64_t whole)
{
	unsigned __int128 share = (((unsigned __int128)ns << 32) + whole / 2) / whole;

	return share > UINT32_MAX ? UINT32_MAX : (uint32_t)share;
}

static void add_ran(struct ph_path *p, const struct ph_trail_who *who, const struct ph_segment *s)
{
	uint64_t ns = s->end_ns - s->begin_ns;

	if (!ns)
		return;
	ph_trail_add(p->trail, s->tid, who, &(struct ph_piece){
		.kind = PH_PIECE_RAN, .begin_ns = s->begin_ns, .end_ns = s->end_ns, .from_tid = -1, .cpu = s->cpu,
		.share = { share_of(s->part_ns[PH_PART_USER], ns), share_of(s->part_ns[PH_PART_KERNEL], ns),
			   share_of(s->part_ns[PH_PART_IRQ], ns), share_of(s->part_ns[PH_PART_STEAL], ns) },
	});
}

static struct path_marks *marks_of(struct ph_path *p, int32_t cpu)
{
	if (cpu < 0 || cpu >= CPU_LIMIT)
		return NULL;
	while (p->marks.n <= (size_t)cpu)
		ph_vec_push(&p->marks);
	return &p->marks.v[cpu];
}

/* The way may leave what runs here at this instant: what it did until then is to be known. */
static void mark(struct ph_path *p, const struct ph_event *ev)
{
	struct path_marks *m = marks_of(p, (int32_t)ev->cpu);
	struct ph_segment s;

	if (!m || !ph_states_running(p->st, ev->cpu, ev->ts_ns, &s))
		return;
	if (m->n && (m->at[0].tid != s.tid || m->at[0].begin_ns != s.begin_ns))
		m->n = 0;
	if (s.end_ns <= s.begin_ns || (m->n && m->at[m->n - 1].end_ns == s.end_ns))
		return;
	if (m->n == PH_ARRAY_SIZE(m->at)) {
		/* Too many: from now on half as many. */
		for (m->n = 0; m->n < PH_ARRAY_SIZE(m->at) / 2; m->n++)
			m->at[m->n] = m->at[2 * m->n + 1];
	}
	m->at[m->n++] = s;
}

/* @whole, piece by piece between the marks. What was stolen in it is told at its end alone, and was at any time of it. */
static void add_ran_marked(struct ph_path *p, const struct ph_trail_who *who, const struct ph_segment *whole)
{
	struct path_marks *m = marks_of(p, whole->cpu);
	double own = 1 - (double)whole->part_ns[PH_PART_STEAL] / (double)(whole->end_ns - whole->begin_ns);
	struct ph_segment piece = *whole, before = { .end_ns = whole->begin_ns };

	if (!m || !m->n || m->at[0].tid != whole->tid || m->at[0].begin_ns != whole->begin_ns || m->at[m->n - 1].end_ns > whole->end_ns) {
		add_ran(p, who, whole);
		return;
	}
	for (unsigned int i = 0; i <= m->n; i++) {
		struct ph_segment now = i < m->n ? m->at[i] : *whole;

		if (i < m->n) {
			for (int k = 0; k < PH_PART_MAX; k++)
				now.part_ns[k] = (uint64_t)((double)now.part_ns[k] * own);
			now.part_ns[PH_PART_STEAL] = (uint64_t)((double)(now.end_ns - whole->begin_ns) * (1 - own));
		}
		piece.begin_ns = before.end_ns;
		piece.end_ns = now.end_ns;
		for (int k = 0; k < PH_PART_MAX; k++)
			piece.part_ns[k] = now.part_ns[k] > before.part_ns[k] ? now.part_ns[k] - before.part_ns[k] : 0;
		add_ran(p, who, &piece);
		before = now;
	}
	m->n = 0;
}

static void fill_asleep(struct ph_path *p, struct ph_piece *q, const struct ph_segment *s)
{
	struct ph_object o;

	ph_object_of(s, &o);
	q->wait = (uint8_t)s->wait;
	q->waker = (uint8_t)s->waker;
	q->what = thing(p, NULL, &o);
	q->woken_ns = s->waking_ns && s->waking_ns < s->end_ns ? s->waking_ns : s->end_ns;
	q->from_ns = q->woken_ns;
	if (s->cut)
		return;
	if (s->waker == PH_WAKER_TASK) {
		q->from_tid = s->waker_tid;
	} else if (s->waker == PH_WAKER_NET &&
		   ph_packets_woke(p->packets, s->tid, s->waking_ns, &q->from_tid, &q->from_ns)) {
		q->flags = PH_PIECE_PACKET;
		if (q->from_ns > q->woken_ns)
			q->from_ns = q->woken_ns;
	}
}

/*
 * Is its process the one that is asked for: of what is selected the oldest container's first process, else the oldest? Runtimes have older
 * ones in a container before it is one. Its first thread says so, or another one where that has ended.
 */
static void consider(struct ph_path *p, const struct ph_segment *s, const struct ph_task *who)
{
	struct ph_event ev = { .tid = s->tid, .pid = s->pid, .container = s->container };
	const struct ph_task *first = s->tid == s->pid ? who : NULL;
	bool init = (!p->to_ns || s->begin_ns < p->to_ns) && ph_identity_is_init(p->id, s->container, s->pid);
	uint64_t since;

	if (s->pid == p->tid)
		return;
	if (s->tid != s->pid) {
		if (!ph_identity_leaderless(p->id, s->pid))
			return;
		first = ph_identity_task(p->id, s->pid);
	}
	since = first && first->start_ns ? first->start_ns : s->begin_ns;
	/* (Which one it is may be told anew: of Docker's it is runc's own until it executes the container's program.) */
	if (p->tid && (init != ph_identity_is_init(p->id, p->container, p->tid) ? !init : since > p->first_ns || (since == p->first_ns && s->pid > p->tid)))
		return;
	if (p->sel && !ph_selection_match(p->sel, p->id, &ev))
		return;
	p->tid = s->pid;
	p->container = s->container;
	p->first_ns = since;
	p->begun_ns = first ? first->start_ns : 0;
	p->ended_ns = 0;
	p->last_tid = p->at_end.tid = 0;
}

/* Of the threads of the process that are there at the end of the time that is looked at, the oldest is whose path is shown. */
static void consider_end(struct ph_path *p, const struct ph_segment *s, const struct ph_task *who)
{
	/* Of whom that is not told, it has been there since before. */
	uint64_t since = who ? who->start_ns : 0;

	if (p->to_ns ? s->begin_ns >= p->to_ns || s->end_ns < p->to_ns : !p->finishing)
		return;
	/* The first one is older than all others, also where nothing is told of them, and numbers have begun anew. */
	if (s->tid != p->tid && p->at_end.tid && (p->at_end.tid == p->tid || since > p->at_end.since_ns ||
						  (since == p->at_end.since_ns && s->tid > p->at_end.tid)))
		return;
	p->at_end.tid = s->tid;
	p->at_end.since_ns = since;
}

static void on_leave(void *arg, const struct ph_segment *s)
{
	struct ph_path *p = arg;
	const struct ph_task *task = ph_identity_task(p->id, s->tid);
	struct ph_trail_who last, who = { .pid = s->pid, .container = s->container };
	struct ph_piece before, q = { .begin_ns = s->begin_ns, .end_ns = s->end_ns, .from_tid = -1, .cpu = s->cpu };

	if (s->begin_ns >= s->end_ns)
		return;
	if (p->choose)
		consider(p, s, task);
	if (p->choose && s->pid == p->tid)
		consider_end(p, s, task);
	p->settled = p->settled || (p->to_ns && s->tid == p->tid && s->end_ns >= p->to_ns);
	if (s->end_ns <= p->from_ns)
		return;
	/* One that has just given up its number has lost its name with it. */
	if (task)
		memcpy(who.comm, task->comm, sizeof(who.comm));
	else if (ph_trail_find(p->trail, s->tid, s->begin_ns, &before, &last))
		memcpy(who.comm, last.comm, sizeof(who.comm));
	switch (s->state) {
	case PH_ST_RUNNING:
		add_ran_marked(p, &who, s);
		return;
	case PH_ST_WAIT_CPU:
		q.kind = PH_PIECE_QUEUED;
		break;
	case PH_ST_THROTTLED:
		q.kind = PH_PIECE_THROTTLED;
		q.what = thing(p, &s->limit, NULL);
		break;
	case PH_ST_FROZEN:
		q.kind = PH_PIECE_FROZEN;
		break;
	case PH_ST_STOPPED:
	case PH_ST_BLOCKED:
		q.kind = s->state == PH_ST_STOPPED ? PH_PIECE_STOPPED : PH_PIECE_ASLEEP;
		fill_asleep(p, &q, s);
		break;
	case PH_ST_UNKNOWN:
	case PH_ST_MAX:
		q.kind = PH_PIECE_UNKNOWN;
	}
	ph_trail_add(p->trail, s->tid, &who, &q);
}

static void on_ran(void *arg, uint32_t cpu, int32_t tid, uint32_t container, uint64_t begin, uint64_t end)
{
	struct ph_path *p = arg;

	if (end > p->from_ns)
		ph_trail_add(p->trail, ph_trail_cpu(cpu), &(struct ph_trail_who){ .pid = -1 },
			     &(struct ph_piece){ .kind = PH_PIECE_CPU, .begin_ns = begin, .end_ns = end, .from_tid = tid });
}

static void on_end(void *arg, int32_t tid, uint64_t ts)
{
	struct ph_path *p = arg;

	ph_trail_end(p->trail, tid);
	if (!p->choose && tid == p->tid && (!p->to_ns || ts <= p->to_ns))
		p->former_ns = ts;
	if (!p->choose || p->ended_ns || tid != (p->last_tid ? p->last_tid : p->tid))
		return;
	/* Its number may be another one's later. */
	if (p->last_tid || !ph_identity_leaderless(p->id, tid))
		p->ended_ns = ts;
}

/* ---- the stream ------------------------------------------------------------------------------------ */

/* @tid begins as what @from did until @ts. */
static void link_to(struct ph_path *p, int32_t tid, int32_t from, uint64_t ts, uint8_t flags)
{
	const struct ph_task *task = ph_identity_task(p->id, tid);
	struct ph_trail_who who = { .pid = task ? task->pid : -1, .container = task ? task->container : PH_CONTAINER_UNKNOWN };

	if (tid <= 0 || from <= 0 || tid == from || ts <= p->from_ns || !ts)
		return;
	if (task)
		memcpy(who.comm, task->comm, sizeof(who.comm));
	ph_trail_add(p->trail, tid, &who,
		     &(struct ph_piece){ .kind = PH_PIECE_LINK, .begin_ns = ts - 1, .end_ns = ts, .from_tid = from, .flags = flags });
}

void ph_path_feed(struct ph_path *p, const struct ph_event *ev)
{
	ph_states_feed(p->st, ev);
	if (ev->cls->id >= PH_EV_SYSCALL_ENTRY)
		return;
	ph_packets_feed(p->packets, ev);
	switch (ev->cls->id) {
	case PH_EV_sched_waking:
		mark(p, ev);
		break;
	case PH_EV_sched_process_fork:
		mark(p, ev);
		if (ph_class_like_ours(ev->cls))
			link_to(p, I32(sched_process_fork, child_tid), I32(sched_process_fork, parent_tid), ev->ts_ns, 0);
		/* Of those that had the number that was asked for it is the last one. */
		if (p->former_ns && I32(sched_process_fork, child_tid) == p->tid && (!p->to_ns || ev->ts_ns < p->to_ns))
			p->begun_ns = ev->ts_ns;
		break;
	case PH_EV_sched_process_exit:
		if (p->choose && ev->pid == p->tid && !p->ended_ns && ph_identity_ended_after_first(p->id, ev))
			p->last_tid = ev->tid;
		break;
	case PH_EV_sched_process_exec:
		if (ph_class_like_ours(ev->cls))
			link_to(p, I32(sched_process_exec, tid), I32(sched_process_exec, old_tid), ev->ts_ns, PH_PIECE_EXEC);
		/* Its first thread has ended for another one, which is that now. */
		if (ph_class_like_ours(ev->cls) && I32(sched_process_exec, tid) == p->tid)
			p->ended_ns = p->former_ns = 0;
		break;
	case PH_EV_net_dev_queue:
		mark(p, ev);
		p->npackets++;
		break;
	case PH_EV_net_if_receive_skb:
		p->npackets++;
		break;
	case PH_EV_lttng_statedump_block_device:
	case PH_EV_statedump_mount:
		if (ph_class_like_ours(ev->cls))
			ph_devices_feed(&p->devices, ev);
		break;
	}
}

/* ---- the whole ------------------------------------------------------------------------------------- */

int ph_path_new(struct ph_path **ret, const struct ph_identity *id, const struct ph_path_ask *ask, struct ph_err *err)
{
	static const struct ph_states_ops ops = { .leave = on_leave, .ran = on_ran, .end = on_end };
	struct ph_path *p = ph_alloc(sizeof(*p));
	int r = ph_trail_new(&p->trail, err);

	if (r >= 0)
		r = ph_spill_open(&p->steps, err);
	if (r < 0) {
		ph_path_free(p);
		return r;
	}
	p->id = id;
	p->sel = ask->sel;
	p->tid = ask->tid;
	p->many = ask->many;
	p->choose = !ask->tid && !ask->many;
	p->from_ns = ask->from_ns;
	p->to_ns = ask->to_ns;
	p->nlongest = ask->nlongest;
	p->packets = ph_packets_new();
	p->st = ph_states_new(id, &ops, p);
	p->cgroups = ph_states_cgroups(p->st);
	*ret = p;
	return 0;
}

void ph_path_free(struct ph_path *p)
{
	if (!p)
		return;
	ph_states_free(p->st);
	ph_packets_free(p->packets);
	ph_trail_free(p->trail);
	ph_spill_close(p->steps);
	ph_devices_done(&p->devices);
	path_sum_done(p);
	ph_vec_done(&p->things);
	ph_vec_done(&p->marks);
	ph_u64map_done(&p->thing_map);
	free(p);
}

/* Of what was chosen the thread that ends with it, or is there at the end of the time that is looked at. */
static int32_t last_thread(const struct ph_path *p)
{
	if (p->ended_ns && (!p->to_ns || p->ended_ns <= p->to_ns))
		return p->last_tid ? p->last_tid : p->tid;
	return p->at_end.tid ? p->at_end.tid : p->tid;
}

/* From the first that is known of it, or as was asked. */
static bool set_span(struct ph_path *p)
{
	struct ph_trail_who who;
	struct ph_piece q;
	uint64_t begin, end, first_end;
	int32_t first = p->tid;

	p->end_tid = last_thread(p);
	if (!p->tid || !ph_trail_span(p->trail, p->end_tid, &begin, &end))
		return false;
	if (first != p->end_tid && !ph_trail_span(p->trail, first, &begin, &first_end))
		first = p->end_tid;
	/* Of those that had its number it is the one that was chosen. */
	if (p->begun_ns > begin)
		begin = p->begun_ns;
	if (p->ended_ns && p->ended_ns < end)
		end = p->ended_ns;
	if (p->former_ns > p->begun_ns && p->former_ns < end)
		end = p->former_ns;
	if (p->to_ns && p->to_ns < end)
		end = p->to_ns;
	/* What it did before it was first seen cannot be asked. */
	if (ph_trail_find(p->trail, first, begin + 1, &q, &who) && q.kind == PH_PIECE_UNKNOWN && q.begin_ns == begin)
		begin = q.end_ns;
	p->begin_ns = begin > p->from_ns ? begin : p->from_ns;
	p->end_ns = end;
	return p->begin_ns < p->end_ns && ph_trail_find(p->trail, first, p->end_ns, &q, &p->who);
}

/* Of the way from behind the end what is before it. */
static void on_step(void *arg, const struct ph_step *s)
{
	struct ph_path *p = arg;
	struct ph_step cut = *s;
	double keep;

	if (s->end_ns <= p->end_ns) {
		path_sum_step(p, s);
		return;
	}
	if (s->begin_ns >= p->end_ns)
		return;
	cut.end_ns = p->end_ns;
	cut.then = PH_THEN_SAME;
	keep = (double)(cut.end_ns - cut.begin_ns) / (double)(s->end_ns - s->begin_ns);
	if (s->state == PH_PATH_RAN) {
		cut.part_ns[PH_PART_MODELESS] = cut.end_ns - cut.begin_ns;
		for (int i = 0; i < PH_PART_MAX; i++) {
			if (i == PH_PART_MODELESS)
				continue;
			cut.part_ns[i] = (uint64_t)((double)s->part_ns[i] * keep);
			cut.part_ns[PH_PART_MODELESS] -= cut.part_ns[i];
		}
	}
	path_sum_step(p, &cut);
}

/* Who sleeps at the end is explained by who ends that later: the way begins there. */
static uint64_t way_from(struct ph_path *p)
{
	struct ph_trail_who who;
	struct ph_piece q;

	if (!ph_trail_find(p->trail, p->end_tid, p->end_ns, &q, &who) || q.end_ns <= p->end_ns)
		return p->end_ns;
	return q.kind == PH_PIECE_ASLEEP || q.kind == PH_PIECE_STOPPED ? q.end_ns : p->end_ns;
}

void path_steps(struct ph_path *p, int32_t tid, uint64_t begin_ns, uint64_t end_ns, void (*step)(void *arg, const struct ph_step *s),
		void *arg)
{
	path_walk(&(struct path_walk){ .trail = p->trail, .timers = p->seen.timers, .softirqs = p->seen.softirqs,
				 .step = step, .arg = arg }, tid, begin_ns, end_ns);
}

static void show(struct ph_path *p)
{
	path_sum_begin(p);
	if (p->found)
		path_steps(p, p->end_tid, p->begin_ns, way_from(p), on_step, p);
	path_sum_finish(p);
}

void path_show(struct ph_path *p, int32_t tid, uint64_t begin_ns, uint64_t end_ns)
{
	struct ph_piece q;

	p->tid = p->end_tid = tid;
	p->begin_ns = begin_ns;
	p->end_ns = end_ns;
	p->found = end_ns > begin_ns && ph_trail_find(p->trail, tid, end_ns, &q, &p->who);
	show(p);
}

int ph_path_finish(struct ph_path *p, uint64_t end_ns, struct ph_err *err)
{
	int r;

	p->finishing = true;
	ph_states_finish(p->st, end_ns);
	ph_states_seen(p->st, &p->seen);
	if (!p->many) {
		p->found = set_span(p);
		show(p);
	}
	r = ph_trail_error(p->trail, err);
	return r < 0 ? r : ph_spill_error(p->steps, err);
}

int ph_path_step(const struct ph_path *p, uint64_t i, struct ph_step *ret)
{
	return ph_spill_read(p->steps, p->steps_at + (p->nsteps - 1 - i) * sizeof(*ret), ret, sizeof(*ret));
}
