/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sums mean, in words. */
#include <stdio.h>
#include <stdlib.h>

#include "analyze/slow_report.h"
#include "analyze/words.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "event/syscalls.h"

/* Below this share of the time that tasks were up to something, nothing is called a cause. */
#define MATTERS 0.02
/* From here on it is the cause, whatever else was waited for. */
#define SURELY 0.1

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* ---- names ------------------------------------------------------------------------------------------ */

void ph_slow_name(const struct ph_slow *s, uint32_t container, struct ph_buf *out)
{
	words_container(out, s->id, container);
}

const char *ph_slow_call_name(int32_t nr, bool compat)
{
	const struct ph_syscall *c = nr < 0 ? NULL : ph_syscall_by_nr(nr, compat);

	return c ? c->name : "unknown";
}

/* ---- the verdict -------------------------------------------------------------------------------------- */

static uint64_t reclaim_ns(const struct ph_slow_group *g)
{
	uint64_t all = g->reclaim.sum + g->memcg_reclaim.sum;

	return all > g->ns[PH_WAIT_RECLAIM] ? all : g->ns[PH_WAIT_RECLAIM];
}

/* What the machine kept from it, and what it had of it. */
static uint64_t wanted(const struct ph_slow_group *g)
{
	return g->ns[PH_HOLD_RUN] + g->ns[PH_HOLD_CPU] + g->ns[PH_HOLD_THROTTLED] + g->ns[PH_HOLD_FROZEN] +
	       g->ns[PH_HOLD_STOPPED] + g->ns[PH_WAIT_DISK] + g->ns[PH_WAIT_FAULT] + g->ns[PH_WAIT_RECLAIM] +
	       g->ns[PH_WAIT_LOCK];
}

enum ph_slow_verdict ph_slow_judge(const struct ph_slow *s, const struct ph_slow_group *g, uint64_t *ret_ns,
				   uint64_t *ret_of_ns)
{
	const struct { enum ph_slow_verdict v; uint64_t ns; } held[] = {
		{ PH_SLOW_THROTTLED, g->ns[PH_HOLD_THROTTLED] }, { PH_SLOW_CPU, g->ns[PH_HOLD_CPU] },
		{ PH_SLOW_DISK, g->ns[PH_WAIT_DISK] }, { PH_SLOW_FAULT, g->ns[PH_WAIT_FAULT] },
		{ PH_SLOW_RECLAIM, reclaim_ns(g) }, { PH_SLOW_LOCK, g->ns[PH_WAIT_LOCK] },
		{ PH_SLOW_FROZEN, g->ns[PH_HOLD_FROZEN] }, { PH_SLOW_STOPPED, g->ns[PH_HOLD_STOPPED] },
	};
	uint64_t others = g->ns[PH_WAIT_FUTEX] + g->ns[PH_WAIT_PIPE], all = wanted(g);
	enum ph_slow_verdict v = PH_SLOW_NONE;
	uint64_t ns = 0;

	for (size_t i = 0; i < PH_ARRAY_SIZE(held); i++) {
		if (held[i].ns > ns) {
			ns = held[i].ns;
			v = held[i].v;
		}
	}
	*ret_ns = ns;
	*ret_of_ns = all;
	/* What next to nothing was seen of was idle, or the rest of one that ended. */
	if (words_share(all + g->ns[PH_WAIT_SOCKET] + others, s->end_ns - s->begin_ns) < 0.001)
		return g->ntasks || all ? PH_SLOW_IDLE : PH_SLOW_NONE;
	if (words_share(ns, all) >= SURELY)
		return v;
	if (g->ns[PH_WAIT_SOCKET] > all) {
		*ret_ns = g->ns[PH_WAIT_SOCKET];
		*ret_of_ns = all + g->ns[PH_WAIT_SOCKET];
		return PH_SLOW_PEER;
	}
	if (words_share(ns, all) >= MATTERS)
		return v;
	if (others > all) {
		*ret_ns = others;
		*ret_of_ns = all + others;
		return PH_SLOW_OTHERS;
	}
	*ret_ns = g->ns[PH_HOLD_RUN];
	return words_share(g->ns[PH_HOLD_RUN], s->end_ns - s->begin_ns) < 0.005 ? PH_SLOW_IDLE : PH_SLOW_RAN;
}

const char *ph_slow_verdict_name(enum ph_slow_verdict v)
{
	static const char *const names[] = { "unseen", "idle", "ran", "throttled", "cpu", "disk", "fault", "reclaim", "lock",
					     "frozen", "stopped", "peer", "others" };

	return v < PH_ARRAY_SIZE(names) ? names[v] : "?";
}

/* ---- the sentences ------------------------------------------------------------------------------------ */

static void say_cpu(const struct ph_slow *s, const struct ph_slow_group *g, struct ph_buf *out)
{
	ph_autofree struct ph_runner *runners = NULL;
	size_t n = ph_neighbours_of(s->nb, g->container, &runners), shown = 0;
	const struct ph_hist *h = &g->run_queue;
	uint64_t all = 0;

	ph_buf_addf(out, ", %lu time%s: half of these waits took more than ", h->n, plural(h->n));
	words_ns(out, ph_hist_quantile(h, 0.5));
	ph_buf_adds(out, ", one in a hundred ");
	words_ns(out, ph_hist_quantile(h, 0.99));
	ph_buf_adds(out, " and more, the longest ");
	words_ns(out, h->max);
	for (size_t i = 0; i < n; i++)
		all += runners[i].ns;
	for (size_t i = 0; i < n && shown < 2; i++) {
		const struct ph_runner *r = &runners[i];

		if (r->kind == PH_RUNNER_IDLE || r->kind == PH_RUNNER_UNKNOWN || words_share(r->ns, all) < 0.05)
			continue;
		ph_buf_adds(out, shown++ ? " and " : ". Meanwhile ran ");
		if (r->kind == PH_RUNNER_HOST) {
			words_name(out, r->comm);
			ph_buf_adds(out, " on the host");
		} else if (r->container == g->container) {
			ph_buf_adds(out, "its own other tasks");
		} else {
			ph_slow_name(s, r->container, out);
		}
		ph_buf_adds(out, " (");
		words_percent(out, words_share(r->ns, all));
		ph_buf_addc(out, ')');
	}
	ph_buf_adds(out, ". More CPU, a larger weight or fewer neighbours would help");
}

static uint64_t in_calls(const struct ph_slow_group *g, const char *const *names, unsigned int hold, uint64_t *count)
{
	uint64_t ns = 0;

	*count = 0;
	ph_vec_each(c, &g->calls) {
		const char *name = ph_slow_call_name((*c)->nr, (*c)->compat);

		for (size_t i = 0; names[i]; i++) {
			if (strcmp(name, names[i]) != 0)
				continue;
			ns += (*c)->ns[hold];
			*count += (*c)->hist.n;
		}
	}
	return ns;
}

static const struct ph_slow_user *main_user(const struct ph_slow *s, uint32_t container, uint32_t dev)
{
	ph_vec_each(u, &s->users)
		if ((*u)->container == container && (*u)->dev == dev)
			return *u;
	return NULL;
}

static void say_disk(const struct ph_slow *s, const struct ph_slow_group *g, uint64_t ns, struct ph_buf *out)
{
	static const char *const ops[PH_OP_MAX][2] = { { "reads", "read" }, { "writes", "write" }, { "discards", "discard" },
						     { "flushes", "flush" }, { "requests", "request" } };
	static const char *const syncs[] = { "fsync", "fdatasync", "sync", "syncfs", "msync", "sync_file_range", NULL };
	const struct ph_slow_disk *d = NULL;
	const struct ph_slow_user *u;
	uint64_t count, sync_ns = in_calls(g, syncs, PH_WAIT_DISK, &count);

	if (words_share(sync_ns, ns) >= 0.2) {
		ph_buf_adds(out, ", ");
		words_ns(out, sync_ns);
		ph_buf_addf(out, " of it in %lu fsync and the like", count);
	}
	if (g->disks.n)
		d = g->disks.v[0];
	if (!d)
		return;
	ph_buf_adds(out, ". ");
	ph_device_text(&s->devices, d->dev, out);
	ph_buf_addf(out, " took ");
	words_ns(out, ph_hist_avg(&d->device));
	ph_buf_addf(out, " for each of its %lu %s on average, one in a hundred ", d->device.n, ops[d->op][d->device.n == 1]);
	words_ns(out, ph_hist_quantile(&d->device, 0.99));
	ph_buf_adds(out, " and more");
	if (ph_hist_avg(&d->queue) * 10 >= ph_hist_avg(&d->device)) {
		ph_buf_adds(out, ", after ");
		words_ns(out, ph_hist_avg(&d->queue));
		ph_buf_adds(out, " in the queue");
	}
	u = main_user(s, g->container, d->dev);
	if (!u || !u->requests)
		return;
	ph_buf_adds(out, ". Meanwhile ");
	ph_slow_name(s, u->other, out);
	ph_buf_addf(out, " had %lu request%s of ", u->requests, plural(u->requests));
	words_bytes(out, u->bytes);
	ph_buf_adds(out, " there");
}

static void say_limit(const struct ph_slow *s, const struct ph_slow_group *g, struct ph_buf *out)
{
	const struct ph_cgnode *limit = ph_cgtree_memory_limit(s->cgroups, g->container);

	if (!limit)
		return;
	ph_buf_adds(out, ". Its memory is limited to ");
	words_bytes(out, (uint64_t)limit->memory_max_bytes);
	ph_buf_adds(out, "; more would help");
}

static void say_reclaim(const struct ph_slow *s, const struct ph_slow_group *g, struct ph_buf *out)
{
	uint64_t n = g->reclaim.n + g->memcg_reclaim.n, max = g->reclaim.max;

	if (g->memcg_reclaim.max > max)
		max = g->memcg_reclaim.max;
	if (n) {
		ph_buf_addf(out, ", %lu time%s, the longest ", n, plural(n));
		words_ns(out, max);
		ph_buf_addf(out, "%s", g->memcg_reclaim.sum > g->reclaim.sum ? ", under the limit of its memory cgroup"
									      : ", because the whole machine had none left");
	}
	say_limit(s, g, out);
}

/* The call in which most of a kind of waiting was done. */
static const struct ph_slow_call *most_in(const struct ph_slow_group *g, unsigned int hold)
{
	const struct ph_slow_call *best = NULL;

	ph_vec_each(c, &g->calls)
		if ((*c)->ns[hold] && (!best || (*c)->ns[hold] > best->ns[hold]))
			best = *c;
	return best;
}

static void say_in_call(const struct ph_slow_group *g, unsigned int hold, struct ph_buf *out)
{
	const struct ph_slow_call *c = most_in(g, hold);

	if (!c)
		return;
	ph_buf_addf(out, ", mostly in %s (%lu call%s, ", ph_slow_call_name(c->nr, c->compat), c->hist.n, plural(c->hist.n));
	words_ns(out, ph_hist_avg(&c->hist));
	ph_buf_adds(out, " on average)");
}

static const struct ph_slow_wait *longest(const struct ph_slow_group *g, unsigned int hold)
{
	ph_vec_each(w, &g->waits)
		if ((*w)->hold == hold)
			return *w;
	return NULL;
}

static void say_wait(const struct ph_slow *s, const struct ph_slow_wait *w, struct ph_buf *out)
{
	if (!w)
		return;
	if (w->object.thing != PH_THING_NONE) {
		ph_buf_adds(out, ", longest for ");
		ph_object_text(&s->devices, &w->object, out);
	}
	ph_buf_addf(out, " (%lu time%s, ", w->hist.n, plural(w->hist.n));
	words_ns(out, ph_hist_avg(&w->hist));
	ph_buf_adds(out, " on average, at most ");
	words_ns(out, w->hist.max);
	ph_buf_addc(out, ')');
}

static void say_others(const struct ph_slow *s, const struct ph_slow_group *g, struct ph_buf *out)
{
	unsigned int hold = PH_WAIT_FUTEX;

	if (g->ns[PH_WAIT_PIPE] > g->ns[hold])
		hold = PH_WAIT_PIPE;
	ph_buf_adds(out, hold == PH_WAIT_FUTEX ? "a lock or a condition that other threads of it give (futex)" :
						 "the other end of a pipe");
	say_wait(s, longest(g, hold), out);
	ph_buf_adds(out, hold == PH_WAIT_FUTEX ? ". If these are idle workers, it is no delay" : "");
}

/* What TCP adds, whatever else is said. */
static void say_net(const struct ph_slow *s, const struct ph_slow_group *g, struct ph_buf *out)
{
	const struct ph_slow_net *full = NULL, *lossy = NULL;

	ph_vec_each(n, &g->nets) {
		if ((*n)->overflows && (!full || (*n)->overflows > full->overflows))
			full = *n;
		if ((*n)->retransmits && (!lossy || (*n)->retransmits > lossy->retransmits))
			lossy = *n;
	}
	if (full) {
		ph_buf_addf(out, " Its port %u turned connections away %lu time%s: %lu may wait to be accepted (the backlog of "
			    "listen), and it was full.", full->object.port, full->overflows, plural(full->overflows), full->backlog);
	}
	if (lossy && lossy->retransmits >= 3) {
		ph_buf_addf(out, " TCP had to send %lu segments again, ", lossy->retransmits);
		ph_buf_adds(out, lossy->object.thing == PH_THING_PEER ? "to " : "to clients of ");
		ph_object_text(&s->devices, &lossy->object, out);
		ph_buf_addc(out, '.');
	}
}

void ph_slow_verdict_text(const struct ph_slow *s, const struct ph_slow_group *g, struct ph_buf *out)
{
	uint64_t ns, of;
	enum ph_slow_verdict v = ph_slow_judge(s, g, &ns, &of);

	ph_slow_name(s, g->container, out);
	switch (v) {
	case PH_SLOW_NONE:
		ph_buf_adds(out, ": no task of it was seen");
		break;
	case PH_SLOW_IDLE:
		ph_buf_adds(out, " was idle: it waited for something to do");
		break;
	case PH_SLOW_RAN:
		ph_buf_adds(out, " was not kept waiting: ");
		words_percent(out, words_share(ns, of));
		ph_buf_adds(out, " of the time that it was busy it ran (");
		words_ns(out, ns);
		ph_buf_adds(out, " of CPU time). To be faster it must compute less, or on more CPUs at once");
		break;
	default:
		break;
	case PH_SLOW_PEER:
		ph_buf_adds(out, " waited ");
		words_percent(out, words_share(ns, of));
		ph_buf_adds(out, " of its time for answers over sockets");
		say_wait(s, longest(g, PH_WAIT_SOCKET), out);
		break;
	case PH_SLOW_OTHERS:
		ph_buf_adds(out, " waited ");
		words_percent(out, words_share(ns, of));
		ph_buf_adds(out, " of its time for ");
		say_others(s, g, out);
		break;
	}
	if (v >= PH_SLOW_THROTTLED && v <= PH_SLOW_STOPPED) {
		static const char *const what[] = {
			[PH_SLOW_THROTTLED] = "throttled by a CPU limit", [PH_SLOW_CPU] = "waiting for a CPU",
			[PH_SLOW_DISK] = "waiting for disks", [PH_SLOW_FAULT] = "waiting for pages that it touched (page faults)",
			[PH_SLOW_RECLAIM] = "freeing memory", [PH_SLOW_LOCK] = "waiting for locks of the kernel or of files",
			[PH_SLOW_FROZEN] = "frozen (paused)", [PH_SLOW_STOPPED] = "stopped by a signal or a debugger",
		};

		ph_buf_adds(out, " spent ");
		words_percent(out, words_share(ns, of));
		ph_buf_addf(out, " of the time that it was busy %s", what[v]);
	}
	switch (v) {
	case PH_SLOW_THROTTLED:
		ph_buf_adds(out, "; porthole why throttled tells which, and what would do");
		break;
	case PH_SLOW_CPU:
		say_cpu(s, g, out);
		break;
	case PH_SLOW_DISK:
		say_disk(s, g, ns, out);
		break;
	case PH_SLOW_FAULT:
		if (g->major_faults)
			ph_buf_addf(out, ", %lu of which needed the disk", g->major_faults);
		say_limit(s, g, out);
		break;
	case PH_SLOW_RECLAIM:
		say_reclaim(s, g, out);
		break;
	case PH_SLOW_LOCK:
		say_in_call(g, PH_WAIT_LOCK, out);
		break;
	default:
		break;
	}
	ph_buf_addc(out, '.');
	say_net(s, g, out);
}

/* ---- notes ------------------------------------------------------------------------------------------- */

bool ph_slow_note(const struct ph_slow *s, unsigned int i, struct ph_buf *out)
{
	const struct ph_states_seen *n = &s->seen;

	/* One that does not apply lets the next one have its number. */
	if (n->gaps && i-- == 0) {
		ph_buf_addf(out, "%lu event%s lost in %lu gap%s, ", n->lost, n->lost == 1 ? " was" : "s were", n->gaps,
			    plural(n->gaps));
		words_ns(out, n->gap_ns);
		ph_buf_adds(out, " long together: what tasks did then is counted as unknown");
		if (s->doubtful)
			ph_buf_addf(out, ", and %lu call%s not counted", s->doubtful, s->doubtful == 1 ? " is" : "s are");
		return true;
	}
	if (!n->switches && i-- == 0) {
		ph_buf_adds(out, "there are no sched_switch events: what was waited for is not known (record with -e +sched,+wait)");
		return true;
	}
	if (!n->syscalls && i-- == 0) {
		ph_buf_adds(out, "there are no system calls: their times are not known, and what was waited for only in part "
				 "(record with -e +syscall)");
		return true;
	}
	if (n->switches && !n->blocks && i-- == 0) {
		ph_buf_adds(out, "there are no sched_block events: what descriptor a call waited for is not known (record with -e +wait)");
		return true;
	}
	if (n->switches && !n->wakings && !n->wakeups && i-- == 0) {
		ph_buf_adds(out, "there are no wake-ups (sched_waking, sched_wakeup): waiting for a CPU after sleep counts as sleep");
		return true;
	}
	if (words_share(n->holes, n->switches) > 0.05 && i-- == 0) {
		ph_buf_adds(out, "only selected tasks were recorded: who else used CPUs and disks is known only in part (record with -a)");
		return true;
	}
	if (!s->nblock && i-- == 0) {
		ph_buf_adds(out, "there are no block requests: there were none, or they were not recorded (-e +block)");
		return true;
	}
	if (s->nissued > 2 * s->ncompleted && i-- == 0) {
		ph_buf_addf(out, "of %lu block requests only %lu were seen to end: who ends them was not selected (record with -a)",
			    s->nissued, s->ncompleted);
		return true;
	}
	if (s->stacks && !s->nstacks && i-- == 0) {
		ph_buf_adds(out, "there are no stacks: where in the kernel tasks waited is not known (record with -e +stack)");
		return true;
	}
	if (s->nameless.n && i-- == 0) {
		ph_buf_addf(out, "%zu place%s in stacks %s without a name: the kernel did not tell of what functions they "
			    "are, or the recording ended too early", s->nameless.n, plural(s->nameless.n),
			    s->nameless.n == 1 ? "is" : "are");
		return true;
	}
	if (!s->nnet && i-- == 0) {
		ph_buf_adds(out, "there are no TCP events: there were none, or they were not recorded (-e +net)");
		return true;
	}
	return false;
}
