/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report for programs: an object a line, `kind` says of what. */
#include <stdlib.h>

#include "analyze/throttle_report.h"
#include "base/cleanup.h"
#include "base/json.h"

static void add_division(struct ph_json *j, const struct ph_division *d)
{
	ph_json_u64(j, "total_ns", d->total_ns);
	ph_json_u64(j, "user_ns", d->user_ns + d->modeless_ns);
	ph_json_u64(j, "kernel_ns", d->kernel_ns);
	ph_json_u64(j, "user_or_kernel_ns", d->modeless_ns);
	ph_json_u64(j, "interrupted_ns", d->irq_ns);
	ph_json_u64(j, "throttled_own_ns", d->own_ns);
	ph_json_u64(j, "throttled_above_ns", d->above_ns);
	ph_json_u64(j, "wait_cpu_ns", d->wait_ns);
	ph_json_u64(j, "steal_ns", d->steal_ns);
	ph_json_u64(j, "frozen_ns", d->frozen_ns);
	ph_json_u64(j, "stopped_ns", d->stopped_ns);
	ph_json_u64(j, "unknown_ns", d->unknown_ns);
	ph_json_obj(j, "blocked_ns");
	for (int i = 0; i < PH_WAIT_MAX; i++)
		ph_json_u64(j, ph_wait_name((enum ph_wait)i), d->blocked_ns[i]);
	ph_json_obj_end(j);
}

static void add_shares(struct ph_json *j, const struct ph_throttle_group *g)
{
	ph_json_u64(j, "throttled_wall_ns", ph_spans_total(&g->throttled));
	ph_json_arr(j, "throttled_by");
	ph_vec_each(sh, &g->shares) {
		ph_json_obj(j, NULL);
		ph_json_u64(j, "limit_cgroup_id", sh->limit->cgroup->id);
		ph_json_str(j, "limit_cgroup_path", sh->limit->cgroup->path);
		ph_json_u64(j, "level", sh->level);
		ph_json_bool(j, "own", sh->own);
		ph_json_u64(j, "throttled_ns", sh->throttled_ns);
		ph_json_obj_end(j);
	}
	ph_json_arr_end(j);
}

static void add_waits(struct ph_json *j, const struct ph_throttle *th, const struct ph_throttle_group *g)
{
	ph_autobuf text = { 0 };

	ph_json_arr(j, "blocked_on");
	ph_vec_each(w, &g->waits) {
		const struct ph_throttle_wait_key *key = &w->key;
		const struct ph_cgnode *limit = key->memcg ? ph_cgtree_memory_limit(th->cgroups, g->container) : NULL;

		ph_json_obj(j, NULL);
		ph_json_str(j, "wait", ph_wait_name((enum ph_wait)key->wait));
		ph_buf_clear(&text);
		ph_object_text(&th->devices, &key->object, &text);
		ph_json_str(j, "object", text.len ? text.p : NULL);
		ph_json_strn(j, "woken_by", key->waker_comm, strnlen(key->waker_comm, sizeof(key->waker_comm)));
		ph_json_str(j, "woken_by_container", key->waker_container == PH_CONTAINER_UNKNOWN ? NULL :
			    ph_container_label(th->id, key->waker_container));
		if (key->wait == PH_WAIT_RECLAIM)
			ph_json_bool(j, "memory_limit", key->memcg);
		if (limit)
			ph_json_s64(j, "memory_limit_bytes", limit->memory_max_bytes);
		ph_json_u64(j, "ns", w->ns);
		ph_json_u64(j, "times", w->n);
		ph_json_obj_end(j);
	}
	ph_json_arr_end(j);
}

static void add_runners(struct ph_json *j, const struct ph_throttle *th, const struct ph_throttle_group *g)
{
	static const char *const kinds[] = { "container", "host", "idle", "unknown" };
	static const char *const causes[] = { "cpus", "weights", "cpuset", "placement" };
	ph_autofree struct ph_runner *runners = NULL;
	const struct ph_runner *top = NULL;
	struct ph_wait_why why;
	size_t n = ph_neighbours_of(th->nb, g->container, &runners);

	ph_json_arr(j, "ran_meanwhile");
	for (size_t i = 0; i < n; i++) {
		const struct ph_runner *r = &runners[i];
		bool itself = r->kind == PH_RUNNER_CONTAINER && r->container == g->container;

		if (!top && !itself && r->kind == PH_RUNNER_CONTAINER)
			top = r;
		ph_json_obj(j, NULL);
		ph_json_str(j, "who", kinds[r->kind]);
		ph_json_str(j, "name", r->kind == PH_RUNNER_CONTAINER ? ph_container_label(th->id, r->container) :
			    r->kind == PH_RUNNER_HOST ? r->comm : NULL);
		ph_json_bool(j, "itself", itself);
		ph_json_u64(j, "waited_ns", r->ns);
		ph_json_obj_end(j);
	}
	ph_json_arr_end(j);
	ph_throttle_wait_why(th, g, top, &why);
	ph_json_str(j, "wait_cause", g->t.wait_ns ? causes[why.cause] : NULL);
	ph_json_u64(j, "waited_with_idle_cpus_ns", ph_neighbours_idle_ns(th->nb, g->container));
	ph_json_str(j, "cpuset", why.cpuset);
}

static void add_container(struct ph_json *j, const struct ph_throttle *th, const struct ph_throttle_group *g)
{
	const struct ph_container *k = ph_identity_container(th->id, g->container);

	ph_json_line(j, "container");
	ph_json_str(j, "name", g->container == PH_CONTAINER_UNKNOWN ? NULL : ph_container_label(th->id, g->container));
	ph_json_str(j, "id", k ? k->id : NULL);
	ph_json_str(j, "pod", k ? k->pod : NULL);
	ph_json_bool(j, "host", g->container == PH_CONTAINER_HOST);
}

static void add_counters(struct ph_json *j, const struct ph_throttle *th, const struct ph_cgnode *n)
{
	int64_t usage;

	if (!n || n->last.ts_ns <= n->first.ts_ns)
		return;
	ph_json_obj(j, "kernel_counted");
	ph_json_str(j, "cgroup_path", n->path);
	usage = ph_cgtree_usage_ns(th->cgroups, n);
	if (usage >= 0)
		ph_json_s64(j, "usage_ns", usage);
	else
		ph_json_null(j, "usage_ns");
	ph_json_u64(j, "same_time_ran_ns", n->ran_ns);
	ph_json_u64(j, "throttled_ns", n->last.throttled_ns - n->first.throttled_ns);
	if (n->last.throttled_local_ns >= 0)
		ph_json_s64(j, "throttled_local_ns", n->last.throttled_local_ns - n->first.throttled_local_ns);
	if (n->last.cpu_some_ns >= 0)
		ph_json_s64(j, "psi_cpu_some_ns", n->last.cpu_some_ns - n->first.cpu_some_ns);
	ph_json_obj_end(j);
}

static void add_group(struct ph_json *j, const struct ph_throttle *th, const struct ph_throttle_group *g)
{
	ph_autobuf text = { 0 };

	switch (g->by) {
	case PH_BY_CONTAINER:
		add_container(j, th, g);
		break;
	case PH_BY_POD:
		ph_json_line(j, "pod");
		ph_json_str(j, "name", g->pod);
		break;
	case PH_BY_CGROUP:
		ph_json_line(j, "cgroup");
		ph_json_str(j, "name", g->cgroup->path);
		ph_json_u64(j, "cgroup_id", g->cgroup->id);
		break;
	case PH_BY_TASK:
		ph_json_line(j, "task");
		ph_json_str(j, "name", g->comm);
		ph_json_s64(j, "tid", g->tid);
		ph_json_s64(j, "pid", g->pid);
		ph_json_str(j, "container", g->container == PH_CONTAINER_UNKNOWN ? NULL :
			    ph_container_label(th->id, g->container));
	}
	if (g->by != PH_BY_TASK) {
		ph_throttle_verdict(th, g, &text);
		ph_json_str(j, "verdict", ph_verdict_name(ph_throttle_judge(th, g)));
		ph_json_str(j, "text", text.p);
		ph_json_u64(j, "tasks", g->ntasks);
	}
	add_division(j, &g->t);
	add_shares(j, g);
	add_waits(j, th, g);
	if (g->by == PH_BY_CONTAINER || g->by == PH_BY_CGROUP)
		add_counters(j, th, g->cgroup);
	if (g->by == PH_BY_CONTAINER)
		add_runners(j, th, g);
	ph_json_line_end(j);
}

static void add_limit(struct ph_json *j, const struct ph_throttle *th, const struct ph_throttle_limit *l)
{
	uint64_t cpus = 0;

	ph_vec_each(u, &l->cpus)
		cpus += ph_spans_total(u);
	ph_json_line(j, "limit");
	ph_json_u64(j, "cgroup_id", l->cgroup->id);
	ph_json_str(j, "cgroup_path", l->cgroup->path);
	ph_json_u64(j, "quota_ns", l->quota_ns);
	ph_json_u64(j, "period_ns", l->period_ns);
	ph_json_u64(j, "burst_ns", l->burst_ns);
	ph_json_u64(j, "periods", l->nperiods);
	ph_json_u64(j, "ran_out", l->nran_out);
	ph_json_u64(j, "into_period_ns", l->into_ns);
	ph_json_u64(j, "threads", l->threads);
	if (l->enough_ns)
		ph_json_u64(j, "enough_quota_ns", l->enough_ns);
	else
		ph_json_null(j, "enough_quota_ns");
	ph_json_u64(j, "kernel_throttled_cpu_ns", l->kernel_ns);
	ph_json_u64(j, "same_time_throttled_cpu_ns", l->counted_ns);
	ph_json_u64(j, "kernel_periods", l->kernel_periods);
	ph_json_u64(j, "kernel_ran_out", l->kernel_ran_out);
	ph_json_u64(j, "throttled_ns", l->throttled_ns);
	ph_json_u64(j, "throttled_cpu_ns", cpus);
	ph_json_u64(j, "throttled_wall_ns", ph_spans_total(&l->any));
	ph_json_line_end(j);
}

static void add_periods(struct ph_json *j, const struct ph_throttle_limit *l, const struct ph_throttle_view *view)
{
	for (size_t i = 0; i < l->periods.n; i++) {
		const struct ph_period *p = &l->periods.v[i];

		ph_json_line(j, "period");
		ph_json_u64(j, "cgroup_id", l->cgroup->id);
		ph_json_u64(j, "time_ns", l->origin_ns + i * l->period_ns + (uint64_t)view->base.offset_ns);
		ph_json_u64(j, "used_ns", p->used_ns);
		if (p->first_ns == UINT64_MAX)
			ph_json_null(j, "ran_out_at_ns");
		else
			ph_json_u64(j, "ran_out_at_ns", p->first_ns);
		ph_json_u64(j, "throttled_ns", p->throttled_ns);
		ph_json_u64(j, "tasks", p->ntasks);
		ph_json_line_end(j);
	}
}

static void add_whole(struct ph_json *j, const struct ph_throttle *th, const struct ph_throttle_view *view)
{
	ph_autobuf note = { 0 };

	ph_json_line(j, "interval");
	ph_json_u64(j, "begin_ns", th->begin_ns + (uint64_t)view->base.offset_ns);
	ph_json_u64(j, "end_ns", th->end_ns + (uint64_t)view->base.offset_ns);
	ph_json_u64(j, "events", th->seen.events);
	ph_json_u64(j, "cpus", th->seen.cpus);
	ph_json_u64(j, "gaps", th->seen.gaps);
	ph_json_u64(j, "lost", th->seen.lost + th->seen.missed);
	ph_json_arr(j, "notes");
	for (unsigned int i = 0; ph_throttle_note(th, i, &note); i++) {
		ph_json_str(j, NULL, note.p);
		ph_buf_clear(&note);
	}
	ph_json_arr_end(j);
	ph_json_line_end(j);
}

void ph_throttle_json(const struct ph_throttle *th, const struct ph_throttle_view *view, struct ph_buf *out)
{
	struct ph_json j = { .out = out, .pretty = view->base.fmt.output == PH_OUT_JSONPRETTY };

	add_whole(&j, th, view);
	ph_vec_each(g, &th->containers)
		add_group(&j, th, *g);
	ph_vec_each(g, &th->pods)
		add_group(&j, th, *g);
	ph_vec_each(g, &th->cgroups_of)
		add_group(&j, th, *g);
	ph_vec_each(l, &th->limits)
		add_limit(&j, th, *l);
	for (size_t i = 0; (view->tasks || view->by == PH_BY_TASK) && i < th->tasks.n; i++)
		add_group(&j, th, th->tasks.v[i]);
	for (size_t i = 0; view->timeline && i < th->limits.n; i++)
		add_periods(&j, th->limits.v[i], view);
}
