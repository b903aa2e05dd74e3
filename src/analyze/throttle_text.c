/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sums mean, in words. */
#include <stdio.h>
#include <stdlib.h>

#include "analyze/throttle_report.h"
#include "analyze/words.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "identity/cgpath.h"

/* Below this share of the time that tasks were up to something, nothing is called a cause. */
#define MATTERS 0.02

/* ---- names ------------------------------------------------------------------------------------------ */

void ph_throttle_name(const struct ph_throttle *th, const struct ph_throttle_group *g, struct ph_buf *out)
{
	switch (g->by) {
	case PH_BY_POD:
		ph_buf_adds(out, "pod ");
		words_name(out, g->pod);
		break;
	case PH_BY_CGROUP:
		if (g->cgroup->path)
			words_name(out, g->cgroup->path);
		else
			ph_buf_addf(out, "cgroup %lu", g->cgroup->id);
		break;
	case PH_BY_TASK:
		if (g->tid < 0) {
			ph_buf_addf(out, "%lu tasks that ended", g->ntasks);
			break;
		}
		words_name(out, g->comm[0] ? g->comm : "?");
		ph_buf_addf(out, " (%d)", g->tid);
		break;
	case PH_BY_CONTAINER:
		words_container(out, th->id, g->container);
	}
}

void ph_runner_name(const struct ph_throttle *th, const struct ph_runner *r, struct ph_buf *out)
{
	switch (r->kind) {
	case PH_RUNNER_CONTAINER:
		words_container(out, th->id, r->container);
		break;
	case PH_RUNNER_HOST:
		words_name(out, r->comm);
		ph_buf_adds(out, " on the host");
		break;
	case PH_RUNNER_IDLE:
		ph_buf_adds(out, "nobody (the CPU had not turned to it yet)");
		break;
	case PH_RUNNER_UNKNOWN:
		ph_buf_adds(out, "tasks that were not recorded");
	}
}

static void add_cgroup(struct ph_buf *b, const struct ph_cgnode *n)
{
	if (n->path)
		words_name(b, n->path);
	else
		ph_buf_addf(b, "cgroup %lu", n->id);
}

/* "worker", "postgres in db", "sshd on the host" */
static void add_waker(const struct ph_throttle *th, const struct ph_throttle_group *g,
		      const struct ph_throttle_wait_key *key, struct ph_buf *out)
{
	ph_buf_add_term(out, key->waker_comm, strnlen(key->waker_comm, sizeof(key->waker_comm)));
	if (key->waker_container == PH_CONTAINER_UNKNOWN ||
	    (g->by != PH_BY_POD && key->waker_container == g->container))
		return;
	ph_buf_adds(out, key->waker_container == PH_CONTAINER_HOST ? " on " : " in ");
	words_container(out, th->id, key->waker_container);
}

static void add_memory_limit(const struct ph_throttle *th, uint32_t container, struct ph_buf *out)
{
	const struct ph_cgnode *n = ph_cgtree_memory_limit(th->cgroups, container);
	char text[PH_HUMAN_MAX];

	if (!n)
		return;
	ph_buf_addf(out, " of %s (%s at ", ph_human_bytes((uint64_t)n->memory_max_bytes, text),
		    n->hierarchy > 0 ? "memory.limit_in_bytes" : "memory.max");
	add_cgroup(out, n);
	ph_buf_addc(out, ')');
}

void ph_throttle_wait_text(const struct ph_throttle *th, const struct ph_throttle_group *g,
			   const struct ph_throttle_wait_key *key, struct ph_buf *out)
{
	static const char *const names[PH_WAIT_MAX] = {
		[PH_WAIT_OTHER] = "what is not known", [PH_WAIT_DISK] = "disk", [PH_WAIT_SOCKET] = "socket",
		[PH_WAIT_FUTEX] = "futex", [PH_WAIT_PIPE] = "pipe", [PH_WAIT_TIMER] = "timer", [PH_WAIT_POLL] = "poll",
		[PH_WAIT_CHILD] = "child", [PH_WAIT_FAULT] = "page faults", [PH_WAIT_RECLAIM] = "reclaim of memory",
		[PH_WAIT_LOCK] = "kernel or file lock", [PH_WAIT_TTY] = "terminal or character device",
		[PH_WAIT_SIGNAL] = "signal", [PH_WAIT_IDLE] = "kernel threads without work",
	};
	ph_autobuf object = { 0 };

	ph_buf_adds(out, names[key->wait]);
	ph_object_text(&th->devices, &key->object, &object);
	if (key->object.thing == PH_THING_PORT)
		ph_buf_addf(out, ", clients of %s", object.p);
	else if (key->object.thing == PH_THING_UNIX)
		ph_buf_adds(out, ", Unix");
	else if (key->object.thing == PH_THING_REST)
		ph_buf_adds(out, ", others");
	else if (object.len)
		ph_buf_addf(out, " %s", object.p);
	if (key->memcg) {
		ph_buf_adds(out, " under its limit");
		if (g->by != PH_BY_POD)
			add_memory_limit(th, g->container, out);
	}
	if (key->waker_comm[0]) {
		ph_buf_adds(out, ", woken by ");
		add_waker(th, g, key, out);
	}
}

void ph_limit_text(const struct ph_throttle *th, const struct ph_throttle_limit *l, struct ph_buf *out)
{
	uint64_t quota = l->quota_ns / 1000, period = l->period_ns / 1000, burst = l->burst_ns / 1000;

	words_cpus(out, ph_limit_cpus(l, l->quota_ns));
	if (ph_cgtree_cpu_hierarchy(th->cgroups) > 0) {
		ph_buf_addf(out, " (cpu.cfs_quota_us %lu of cpu.cfs_period_us %lu", quota, period);
		if (burst)
			ph_buf_addf(out, ", cpu.cfs_burst_us %lu", burst);
	} else {
		ph_buf_addf(out, " (cpu.max %lu %lu", quota, period);
		if (burst)
			ph_buf_addf(out, ", cpu.max.burst %lu", burst);
	}
	ph_buf_adds(out, " at ");
	add_cgroup(out, l->cgroup);
	ph_buf_addc(out, ')');
}

/* ---- judgement -------------------------------------------------------------------------------------- */

/* Waiting that is no idleness: the task is in the middle of its work. */
static uint64_t held_up(const struct ph_division *d)
{
	return d->blocked_ns[PH_WAIT_DISK] + d->blocked_ns[PH_WAIT_FAULT] + d->blocked_ns[PH_WAIT_RECLAIM] +
	       d->blocked_ns[PH_WAIT_LOCK];
}

/* Time in which its tasks had a CPU or would have liked one. */
static uint64_t wanted(const struct ph_division *d)
{
	return ph_division_ran(d) + d->own_ns + d->above_ns + d->wait_ns + d->steal_ns;
}

enum ph_verdict ph_throttle_judge(const struct ph_throttle *th, const struct ph_throttle_group *g)
{
	const struct ph_division *d = &g->t;
	const struct { enum ph_verdict v; uint64_t ns; } causes[] = {
		{ PH_VERDICT_THROTTLED, d->own_ns + d->above_ns }, { PH_VERDICT_WAITED, d->wait_ns },
		{ PH_VERDICT_STEAL, d->steal_ns }, { PH_VERDICT_FROZEN, d->frozen_ns },
		{ PH_VERDICT_STOPPED, d->stopped_ns }, { PH_VERDICT_BLOCKED, held_up(d) },
	};
	uint64_t busy = wanted(d) + held_up(d) + d->frozen_ns + d->stopped_ns;
	enum ph_verdict ret = PH_VERDICT_NONE;
	uint64_t most = 0;

	if (!d->total_ns)
		return PH_VERDICT_NONE;
	if (words_share(busy, th->end_ns - th->begin_ns) < MATTERS / 2)
		return PH_VERDICT_IDLE;
	/* That is what was asked, and what can be changed: the rest is said besides. */
	if (words_share(causes[0].ns, busy) >= 5 * MATTERS)
		return PH_VERDICT_THROTTLED;
	for (size_t i = 0; i < PH_ARRAY_SIZE(causes); i++) {
		if (causes[i].ns > most && words_share(causes[i].ns, busy) >= MATTERS) {
			most = causes[i].ns;
			ret = causes[i].v;
		}
	}
	return ret ? ret : PH_VERDICT_RAN;
}

const char *ph_verdict_name(enum ph_verdict v)
{
	static const char *const names[] = { "unseen", "idle", "ran", "throttled", "waited", "steal", "frozen",
					     "stopped", "blocked" };

	return v < PH_ARRAY_SIZE(names) ? names[v] : "?";
}

/* The container's cgroup in the hierarchy of the cpu controller. */
static const struct ph_cgnode *cpu_cgroup(const struct ph_throttle *th, uint32_t container)
{
	int32_t hierarchy = ph_cgtree_cpu_hierarchy(th->cgroups);
	struct ph_cgnode *n;

	for (size_t i = 0; (n = ph_cgtree_nth(th->cgroups, i)); i++)
		if (n->hierarchy == hierarchy && n->container == container && n->cpu.weight)
			return n;
	return NULL;
}

/* The two groups below the nearest that has both: their weights are what the scheduler compared. */
static bool compared_weights(const struct ph_cgnode *a, const struct ph_cgnode *b, uint64_t *wa, uint64_t *wb)
{
	for (unsigned int i = 0; a && i < 64; a = a->parent, i++) {
		const struct ph_cgnode *o = b;

		for (unsigned int k = 0; o && k < 64; o = o->parent, k++) {
			if (!a->parent || a->parent != o->parent || a == o)
				continue;
			*wa = a->cpu.weight;
			*wb = o->cpu.weight;
			return *wa && *wb;
		}
	}
	return false;
}

static const char *cpuset_of(const struct ph_throttle *th, uint32_t container, const char **all)
{
	const char *ret = NULL;
	struct ph_cgnode *n;

	*all = NULL;
	for (size_t i = 0; (n = ph_cgtree_nth(th->cgroups, i)); i++) {
		if (!n->cpu.cpuset)
			continue;
		if (!n->parent || !n->parent->cpu.cpuset)
			*all = n->cpu.cpuset;
		if (n->container == container)
			ret = n->cpu.cpuset;
	}
	return ret;
}

void ph_throttle_wait_why(const struct ph_throttle *th, const struct ph_throttle_group *g,
			  const struct ph_runner *top, struct ph_wait_why *ret)
{
	const struct ph_cgnode *own, *other;

	*ret = (struct ph_wait_why){ .shares = ph_cgtree_cpu_hierarchy(th->cgroups) > 0 };
	if (g->container == PH_CONTAINER_UNKNOWN)
		return;
	ret->cpuset = cpuset_of(th, g->container, &ret->all_cpus);
	ret->idle_share = words_share(ph_neighbours_idle_ns(th->nb, g->container), g->t.wait_ns);
	if (top && top->kind == PH_RUNNER_CONTAINER && top->container != g->container) {
		own = cpu_cgroup(th, g->container);
		other = cpu_cgroup(th, top->container);
		if (own && other)
			compared_weights(own, other, &ret->weight, &ret->other_weight);
	}
	if (ret->cpuset && ret->all_cpus && strcmp(ret->cpuset, ret->all_cpus) && ret->idle_share >= 0.5)
		ret->cause = PH_CAUSE_CPUSET;
	else if (ret->weight && ret->weight * 2 <= ret->other_weight)
		ret->cause = PH_CAUSE_WEIGHTS;
	else if (ret->idle_share >= 0.5)
		ret->cause = PH_CAUSE_PLACEMENT;
}

/* ---- sentences ------------------------------------------------------------------------------------- */

static bool is_pods(const char *path)
{
	struct ph_cgpath parsed;

	return path && !ph_cgpath_parse(path, &parsed) && parsed.pod_only && !path[parsed.own_len];
}

/* "its own limit", "its pod's limit", "the limit of /a, 2 levels above its cgroup," */
static void say_whose(const struct ph_throttle_share *sh, struct ph_buf *out)
{
	const struct ph_cgnode *n = sh->limit->cgroup;

	if (sh->own)
		ph_buf_adds(out, "its own limit");
	else if (is_pods(n->path))
		ph_buf_adds(out, "its pod's limit");
	else if (sh->level == 1)
		ph_buf_adds(out, "the limit of its parent cgroup");
	else
		ph_buf_addf(out, "the limit of a cgroup %u levels above", sh->level);
}

static void say_limit(const struct ph_throttle *th, const struct ph_throttle_group *g,
		      const struct ph_throttle_share *sh, struct ph_buf *out)
{
	const struct ph_throttle_limit *l = sh->limit;
	uint64_t ran_out = l->nran_out, periods = l->nperiods;

	say_whose(sh, out);
	ph_buf_adds(out, " of ");
	ph_limit_text(th, l, out);
	/* The kernel's own count, where it covers more than what we could see of the periods. */
	if (!l->changed && l->kernel_periods > l->nperiods + 1) {
		ran_out = l->kernel_ran_out;
		periods = l->kernel_periods;
	}
	if (ran_out) {
		ph_buf_addf(out, " ran out in %lu of %lu periods", ran_out, periods);
		if (l->into_ns) {
			ph_buf_adds(out, ", ");
			words_ns(out, l->into_ns);
			ph_buf_adds(out, " into each");
		}
	} else {
		ph_buf_adds(out, " ran out");
	}
	if (!sh->own && !g->t.own_ns)
		ph_buf_adds(out, "; the container's own cpu.stat shows 0, because the limit is not on its cgroup");
	else if (sh->own && sh->level > 0 && sh->level < UINT32_MAX)
		ph_buf_adds(out, "; cpu.stat of the cgroup below it that its tasks are in shows 0");
}

static void say_remedy(const struct ph_throttle_limit *l, struct ph_buf *out)
{
	if (!l->threads && !l->enough_ns)
		return;
	ph_buf_adds(out, ". ");
	if (l->threads > 1)
		ph_buf_addf(out, "The demand comes from %u threads at once", l->threads);
	else if (l->threads)
		ph_buf_adds(out, "The demand comes from one thread at a time");
	if (!l->enough_ns)
		return;
	ph_buf_adds(out, l->threads ? "; " : "");
	/* Rounded up: less would not do. */
	words_cpus(out, (double)((l->enough_ns * 20 + l->period_ns - 1) / l->period_ns) / 20);
	ph_buf_adds(out, " would remove 95 % of it");
}

static void say_throttled(const struct ph_throttle *th, const struct ph_throttle_group *g, struct ph_buf *out)
{
	uint64_t all = g->t.own_ns + g->t.above_ns;

	ph_buf_adds(out, " was throttled ");
	words_percent(out, words_share(ph_spans_total(&g->throttled), th->end_ns - th->begin_ns));
	ph_buf_adds(out, " of the time");
	if (!g->shares.n) {
		ph_buf_adds(out, "; by which limit was not recorded");
		return;
	}
	for (size_t i = 0; i < g->shares.n && i < 3; i++) {
		const struct ph_throttle_share *sh = &g->shares.v[i];

		if (i && words_share(sh->throttled_ns, all) < 0.05)
			break;
		ph_buf_adds(out, i ? ". " : ": ");
		if (g->shares.n > 1 && words_share(g->shares.v[1].throttled_ns, all) >= 0.05) {
			words_percent(out, words_share(sh->throttled_ns, all));
			ph_buf_adds(out, " of that because ");
		}
		say_limit(th, g, sh, out);
		say_remedy(sh->limit, out);
	}
}

/* " was not throttled", or how little it was. */
static void say_not_throttled(const struct ph_throttle *th, const struct ph_throttle_group *g, struct ph_buf *out)
{
	if (!g->t.own_ns && !g->t.above_ns) {
		ph_buf_adds(out, " was not throttled");
		return;
	}
	ph_buf_adds(out, " was throttled ");
	words_percent(out, words_share(ph_spans_total(&g->throttled), th->end_ns - th->begin_ns));
	ph_buf_adds(out, " of the time only");
}

static void say_cause_of_wait(const struct ph_wait_why *why, const struct ph_throttle *th, struct ph_buf *out)
{
	switch (why->cause) {
	case PH_CAUSE_CPUSET:
		ph_buf_adds(out, ". Its cpuset made it so: it may use CPUs ");
		words_name(out, why->cpuset);
		ph_buf_adds(out, " of ");
		words_name(out, why->all_cpus);
		ph_buf_adds(out, ", and in ");
		words_percent(out, why->idle_share);
		ph_buf_adds(out, " of that time another CPU was idle");
		break;
	case PH_CAUSE_WEIGHTS:
		ph_buf_addf(out, ". Weights made it so (%s %lu : %lu)", why->shares ? "cpu.shares" : "cpu.weight",
			    why->weight, why->other_weight);
		break;
	case PH_CAUSE_PLACEMENT:
		ph_buf_adds(out, ". In ");
		words_percent(out, why->idle_share);
		ph_buf_adds(out, " of that time a CPU was idle: its threads are bound to CPUs, or the scheduler had not moved "
			    "them yet");
		break;
	case PH_CAUSE_CPUS:
		ph_buf_addf(out, ". There were too few CPUs for all (%u)", th->seen.cpus);
	}
}

/* "waited 45 % of the time that it wanted to run, for CPUs that db (60 %), cc1 on the host (30 %) used" */
static void say_wait(const struct ph_throttle *th, const struct ph_throttle_group *g, struct ph_buf *out)
{
	ph_autofree struct ph_runner *runners = NULL;
	const struct ph_runner *top = NULL;
	struct ph_wait_why why;
	bool others = false;
	size_t n = 0;

	ph_buf_adds(out, "waited ");
	words_percent(out, words_share(g->t.wait_ns, wanted(&g->t)));
	ph_buf_adds(out, " of the time that it wanted to run");
	if (g->by == PH_BY_CONTAINER)
		n = ph_neighbours_of(th->nb, g->container, &runners);
	for (size_t i = 0; i < n && i < 3; i++) {
		const struct ph_runner *r = &runners[i];

		if (i && words_share(r->ns, g->t.wait_ns) < 0.1)
			break;
		ph_buf_adds(out, i ? ", " : ", for CPUs that ");
		if (r->kind == PH_RUNNER_CONTAINER && r->container == g->container)
			ph_buf_adds(out, "its own other tasks");
		else
			ph_runner_name(th, r, out);
		ph_buf_adds(out, " (");
		words_percent(out, words_share(r->ns, g->t.wait_ns));
		ph_buf_addc(out, ')');
		others |= r->kind != PH_RUNNER_CONTAINER || r->container != g->container;
	}
	if (n)
		ph_buf_adds(out, " used");
	if (!others && n)
		return;
	/* Weights are those of containers. */
	for (size_t i = 0; i < n && !top; i++)
		if (runners[i].kind == PH_RUNNER_CONTAINER && runners[i].container != g->container)
			top = &runners[i];
	ph_throttle_wait_why(th, g, top, &why);
	say_cause_of_wait(&why, th, out);
}

static void say_waited(const struct ph_throttle *th, const struct ph_throttle_group *g, struct ph_buf *out)
{
	say_not_throttled(th, g, out);
	ph_buf_adds(out, ": it ");
	say_wait(th, g, out);
}

/* Of the waits of a kind: the device, or the limit, where one makes up most of it. */
static void say_longest(const struct ph_throttle *th, const struct ph_throttle_group *g, enum ph_wait wait,
			struct ph_buf *out)
{
	const struct ph_throttle_wait *w = NULL;
	ph_autobuf object = { 0 };

	ph_vec_each(it, &g->waits)
		if (!w && it->key.wait == (uint32_t)wait)
			w = it;
	if (!w || words_share(w->ns, g->t.blocked_ns[wait]) < 0.5)
		return;
	if (w->key.memcg) {
		ph_buf_adds(out, " under its limit");
		if (g->by != PH_BY_POD)
			add_memory_limit(th, g->container, out);
	} else if (w->key.object.thing == PH_THING_DISK) {
		ph_object_text(&th->devices, &w->key.object, &object);
		ph_buf_addf(out, wait == PH_WAIT_DISK ? " %s" : " from %s", object.p);
	}
}

static void say_blocked(const struct ph_throttle *th, const struct ph_throttle_group *g, struct ph_buf *out)
{
	static const struct { enum ph_wait wait; const char *text; } kinds[] = {
		{ PH_WAIT_DISK, "for the disk" }, { PH_WAIT_FAULT, "for page faults" },
		{ PH_WAIT_RECLAIM, "to reclaim memory" }, { PH_WAIT_LOCK, "for locks in the kernel" },
	};
	uint64_t busy = wanted(&g->t) + held_up(&g->t);
	const char *sep = ": its tasks waited ";
	bool used[PH_ARRAY_SIZE(kinds)] = { 0 };

	say_not_throttled(th, g, out);
	for (size_t n = 0; n < PH_ARRAY_SIZE(kinds); n++) {
		size_t most = SIZE_MAX;

		for (size_t i = 0; i < PH_ARRAY_SIZE(kinds); i++)
			if (!used[i] && (most == SIZE_MAX ||
					 g->t.blocked_ns[kinds[i].wait] > g->t.blocked_ns[kinds[most].wait]))
				most = i;
		used[most] = true;
		if (n && words_share(g->t.blocked_ns[kinds[most].wait], busy) < MATTERS)
			break;
		ph_buf_adds(out, sep);
		words_percent(out, words_share(g->t.blocked_ns[kinds[most].wait], busy));
		ph_buf_addf(out, " of the time %s", kinds[most].text);
		say_longest(th, g, kinds[most].wait, out);
		sep = ", ";
	}
}

static void say_ran(const struct ph_throttle *th, const struct ph_throttle_group *g, struct ph_buf *out)
{
	const struct ph_division *d = &g->t;

	say_not_throttled(th, g, out);
	ph_buf_adds(out, " nor kept waiting: it ran ");
	words_ns(out, ph_division_ran(d));
	ph_buf_adds(out, ", ");
	words_percent(out, words_share(ph_division_ran(d), wanted(d)));
	ph_buf_adds(out, " of the time that it wanted to");
}

static void say_idle(const struct ph_throttle *th, const struct ph_throttle_group *g, struct ph_buf *out)
{
	enum ph_wait most = PH_WAIT_OTHER;

	say_not_throttled(th, g, out);
	ph_buf_adds(out, ": it was idle");
	for (int i = 0; i < PH_WAIT_MAX; i++)
		if (g->t.blocked_ns[i] > g->t.blocked_ns[most])
			most = (enum ph_wait)i;
	if (g->t.blocked_ns[most] && most != PH_WAIT_OTHER)
		ph_buf_addf(out, ", most of the time in %s", ph_wait_name(most));
}

void ph_throttle_verdict(const struct ph_throttle *th, const struct ph_throttle_group *g, struct ph_buf *out)
{
	const struct ph_division *d = &g->t;
	uint64_t busy = wanted(d) + held_up(d) + d->frozen_ns + d->stopped_ns;

	ph_throttle_name(th, g, out);
	switch (ph_throttle_judge(th, g)) {
	case PH_VERDICT_NONE:
		ph_buf_adds(out, ": no task of it was seen");
		return;
	case PH_VERDICT_IDLE:
		say_idle(th, g, out);
		break;
	case PH_VERDICT_RAN:
		say_ran(th, g, out);
		break;
	case PH_VERDICT_THROTTLED:
		say_throttled(th, g, out);
		if (words_share(d->wait_ns, wanted(d)) < 5 * MATTERS)
			break;
		ph_buf_adds(out, ". Besides, it ");
		say_wait(th, g, out);
		break;
	case PH_VERDICT_WAITED:
		say_waited(th, g, out);
		break;
	case PH_VERDICT_STEAL:
		say_not_throttled(th, g, out);
		ph_buf_adds(out, ": the hypervisor took its CPUs away for ");
		words_percent(out, words_share(d->steal_ns, wanted(d)));
		ph_buf_adds(out, " of the time that it wanted to run. That is decided outside of this machine");
		break;
	case PH_VERDICT_FROZEN:
		say_not_throttled(th, g, out);
		ph_buf_adds(out, ": it was frozen (paused) for ");
		words_percent(out, words_share(d->frozen_ns, busy));
		ph_buf_adds(out, " of the time that its tasks were not idle");
		break;
	case PH_VERDICT_STOPPED:
		say_not_throttled(th, g, out);
		ph_buf_adds(out, ": tasks of it were stopped by a signal or a debugger for ");
		words_ns(out, d->stopped_ns);
		break;
	case PH_VERDICT_BLOCKED:
		say_blocked(th, g, out);
		break;
	}
	ph_buf_addc(out, '.');
}

/* ---- notes ------------------------------------------------------------------------------------------- */

bool ph_throttle_note(const struct ph_throttle *th, unsigned int i, struct ph_buf *out)
{
	const struct ph_states_seen *s = &th->seen;

	/* One that does not apply lets the next one have its number. */
	if (s->gaps && i-- == 0) {
		ph_buf_addf(out, "%lu events were lost in %lu %s, ", s->lost, s->gaps, s->gaps == 1 ? "gap" : "gaps");
		words_ns(out, s->gap_ns);
		ph_buf_adds(out, " long together: what tasks did then is counted as unknown");
		return true;
	}
	if (!s->switches && i-- == 0) {
		ph_buf_adds(out, "there are no sched_switch events: nothing can be said of the time (record with -e sched)");
		return true;
	}
	if (words_share(s->holes, s->switches) > 0.05 && i-- == 0) {
		ph_buf_adds(out, "only selected tasks were recorded: who else ran while they waited is known only in part, "
			    "and whether CPUs were idle (record with -a)");
		return true;
	}
	if (s->switches && !s->wakeups && !s->wakings && i-- == 0) {
		ph_buf_adds(out, "there are no wake-ups (sched_wakeup, sched_waking): waiting for a CPU after sleep counts as sleep");
		return true;
	}
	if (s->switches && !s->throttles && ph_cgtree_cpu_hierarchy(th->cgroups) < 0 && i-- == 0) {
		ph_buf_adds(out, "the recorder knew nothing of limits: throttled time counts as waiting for a CPU");
		return true;
	}
	if (s->inexact && i-- == 0) {
		ph_buf_addf(out, "when %lu of %lu throttled spans ended is not known: they count until the task ran again, which "
			    "is too long", s->inexact, s->throttles);
		return true;
	}
	return false;
}
