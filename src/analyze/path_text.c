/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a path means, in words. */
#include <stdio.h>
#include <string.h>

#include "analyze/path_report_priv.h"
#include "analyze/words.h"
#include "base/cleanup.h"

/* A resource is told of from this share of the path on; so many at most. */
#define MATTERS 0.02
#define TOLD 5

static void add_comm(struct ph_buf *out, const char comm[16])
{
	if (comm[0])
		ph_buf_add_term(out, comm, strnlen(comm, 16));
	else
		ph_buf_adds(out, "an unknown task");
}

/* "nginx of web", "cron on the host" */
static void add_task(const struct ph_path *p, struct ph_buf *out, const char comm[16], uint32_t container)
{
	add_comm(out, comm);
	if (container == PH_CONTAINER_HOST)
		ph_buf_adds(out, " on the host");
	else if (container != PH_CONTAINER_UNKNOWN)
		ph_buf_adds(out, " of "), words_container(out, p->id, container);
}

static const char *limit_path(const struct ph_path *p, const struct ph_limit *l)
{
	const struct ph_cgnode *n = l->cgroup_id ? ph_cgtree_cpu_node(p->cgroups, l->cgroup_id) : NULL;

	return n ? n->path : NULL;
}

void ph_path_thing_text(const struct ph_path *p, uint32_t what, struct ph_buf *out)
{
	const struct ph_path_thing *t = ph_path_thing(p, what);
	const char *path;

	if (!t)
		return;
	if (!t->limit.period_ns) {
		ph_object_text(&p->devices, &t->object, out);
		return;
	}
	words_cpus(out, (double)t->limit.quota_ns / (double)t->limit.period_ns);
	path = limit_path(p, &t->limit);
	if (path)
		ph_buf_adds(out, " at "), words_name(out, path);
}

void ph_path_what_text(const struct ph_path *p, enum ph_path_state state, uint32_t what, enum ph_wait wait, int32_t by_tid,
		       const struct ph_trail_who *by, struct ph_buf *out)
{
	if (state == PH_PATH_QUEUE) {
		if (by_tid > 0)
			add_task(p, out, by->comm, by->container);
		else
			ph_buf_adds(out, by_tid == 0 ? "the CPU was idle" : by_tid == PH_BY_WAKEUP ? "the wake-up itself" : "not known who ran");
	} else if (state == PH_PATH_WAITED) {
		ph_buf_adds(out, ph_wait_name(wait));
	} else {
		ph_path_thing_text(p, what, out);
	}
}

void ph_path_help_text(const struct ph_path *p, const struct ph_path_help *h, struct ph_buf *out)
{
	switch (h->resource) {
	case PH_RES_CODE:
	case PH_RES_TIMER:
		add_task(p, out, h->comm, h->container);
		break;
	case PH_RES_LIMIT:
	case PH_RES_DISK:
	case PH_RES_NETWORK:
		ph_path_thing_text(p, h->what, out);
		break;
	default:
		break;
	}
}

/* ---- the sentence ---------------------------------------------------------------------------------- */

void path_say_help(const struct ph_path *p, const struct ph_path_help *h, struct ph_buf *out)
{
	static const struct { const char *with, *without; } words[PH_RES_MAX] = {
		[PH_RES_CODE] = { "%s running", "" }, [PH_RES_CPU] = { "", "waiting for a CPU" },
		[PH_RES_LIMIT] = { "throttled by the limit of %s", "throttled" },
		[PH_RES_DISK] = { "waiting for the disk %s", "waiting for a disk" },
		[PH_RES_NETWORK] = { "waiting for the network (%s)", "waiting for the network" },
		[PH_RES_TIMER] = { "sleeps of %s", "" }, [PH_RES_FREEZER] = { "", "frozen" }, [PH_RES_STOP] = { "", "stopped" },
		[PH_RES_HYPERVISOR] = { "", "taken by the hypervisor" }, [PH_RES_INTERRUPTS] = { "", "interrupts" },
		[PH_RES_OTHER] = { "", "waits of which the source is not told" }, [PH_RES_UNKNOWN] = { "", "unknown" },
	};
	ph_autobuf what = { 0 };
	const char *form;

	ph_path_help_text(p, h, &what);
	form = what.len ? words[h->resource].with : words[h->resource].without;
	for (; *form; form++) {
		if (form[0] == '%' && form[1] == 's') {
			ph_buf_adds(out, what.p);
			form++;
		} else {
			ph_buf_addc(out, *form);
		}
	}
}

static void say_best(const struct ph_path *p, const struct ph_path_help *h, struct ph_buf *out)
{
	ph_autobuf what = { 0 };

	ph_path_help_text(p, h, &what);
	switch (h->resource) {
	case PH_RES_CODE:
		ph_buf_addf(out, "Less to do for %s would help most", what.p);
		break;
	case PH_RES_CPU:
		ph_buf_adds(out, "More CPU, or fewer neighbours, would help most");
		break;
	case PH_RES_LIMIT:
		ph_buf_adds(out, "A higher limit would help most");
		break;
	case PH_RES_DISK:
		ph_buf_adds(out, "A faster disk, or less of it, would help most");
		break;
	case PH_RES_NETWORK:
		ph_buf_adds(out, "A faster answer from the network would help most");
		break;
	case PH_RES_TIMER:
		ph_buf_addf(out, "Shorter sleeps of %s would help most", what.p);
		break;
	default:
		return;
	}
	ph_buf_adds(out, ": by ");
	words_percent(out, words_share(h->ns, p->end_ns - p->begin_ns));
	ph_buf_adds(out, " at most.");
}

void ph_path_verdict(const struct ph_path *p, struct ph_buf *out)
{
	uint64_t all = p->end_ns - p->begin_ns;
	size_t n = 0;

	add_task(p, out, p->who.comm, p->who.container);
	ph_buf_addf(out, " (%d", p->tid);
	if (p->end_tid != p->tid)
		ph_buf_addf(out, ", at the end its thread %d", p->end_tid);
	ph_buf_adds(out, "): ");
	words_ns(out, all);
	ph_buf_adds(out, ", of which ");
	for (; n < p->helps.n && n < TOLD && words_share(p->helps.v[n].ns, all) >= MATTERS; n++) {
		ph_buf_adds(out, n ? ", " : "");
		words_percent(out, words_share(p->helps.v[n].ns, all));
		ph_buf_addc(out, ' ');
		path_say_help(p, &p->helps.v[n], out);
	}
	ph_buf_adds(out, n ? ". " : "all is in small parts. ");
	if (p->helps.n)
		say_best(p, &p->helps.v[0], out);
	if (out->p[out->len - 1] == ' ')
		out->p[--out->len] = 0;
}

/* ---- notes ----------------------------------------------------------------------------------------- */

/* Of several containers it is one's path: whose is told, and whose it might be. */
static bool say_others(const struct ph_path *p, struct ph_buf *out)
{
	PH_VEC(const struct ph_container *) selected = { 0 };
	const struct ph_container *c;
	bool several;

	if (!p->choose || !p->sel || !ph_selection_by_container(p->sel))
		return false;
	for (size_t i = 1; (c = ph_identity_nth(p->id, i)); i++)
		if (ph_selection_match_container(p->sel, c))
			*ph_vec_push(&selected) = c;
	several = selected.n > 1;
	if (several) {
		ph_autobuf list = { 0 };

		ph_buf_addf(out, "%zu containers are selected, and this is the path of their oldest process: ", selected.n);
		ph_selection_list(selected.v, selected.n, &list);
		ph_buf_add_term(out, list.p, list.len);
	}
	ph_vec_done(&selected);
	return several;
}

bool ph_path_note(const struct ph_path *p, unsigned int i, struct ph_buf *out)
{
	const struct ph_states_seen *s = &p->seen;
	const struct { bool there; const char *text; } notes[] = {
		{ !s->switches, "there are no switches of tasks (-e sched): what they did is not known" },
		{ s->switches && !s->wakings && !s->wakeups,
		  "there are no wake-ups (-e sched): whom a task waited for is not known" },
		{ s->switches && !s->irqs, "there are no interrupts (-e irq): a wake-up by one counts as that of the task which it "
		  "interrupted, but where a timer or a disk was waited for" },
		{ s->switches && s->irqs && !s->timers, "there are no timers (timer_hrtimer_expire_*): a wake-up by one counts as that of "
		  "the task which it interrupted, but where a timer was waited for" },
		{ s->switches && s->irqs && !s->softirqs, "there are no softirqs (irq_softirq_*): a wake-up by a disk or a packet counts "
		  "as that of the task which it interrupted, but where a disk was waited for" },
		{ s->switches && !p->npackets,
		  "there are no packets (-e net): where a task waited for a socket of the network, the path does not go to the sender" },
		{ s->switches && !s->blocks && !s->syscalls,
		  "there are no system calls and no reasons for waiting (-e syscall,wait): for what a task waited is not known" },
		{ s->switches && !s->throttles && ph_cgtree_cpu_hierarchy(p->cgroups) < 0, "the recorder knew nothing of CPU limits (LTTng has "
		  "no events of them): what was throttled counts as run queue" },
		{ p->former_ns && p->begun_ns > p->former_ns,
		  "this number was another task's before, which has ended: it is the last one's path (--range asks for the other)" },
		{ s->gaps, "events were lost in gaps: what tasks did meanwhile is unknown" },
	};
	unsigned int n = 0;

	if (say_others(p, out) && n++ == i)
		return true;
	ph_buf_clear(out);
	for (size_t k = 0; k < PH_ARRAY_SIZE(notes); k++) {
		if (!notes[k].there || n++ != i)
			continue;
		ph_buf_adds(out, notes[k].text);
		return true;
	}
	return false;
}
