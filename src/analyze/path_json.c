/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report for programs: an object a line, `kind` says of what. */
#include "analyze/path_report_priv.h"
#include "base/cleanup.h"

void path_json_container(struct ph_json *j, const struct ph_path *p, const char *key, uint32_t container)
{
	ph_json_str(j, key, container == PH_CONTAINER_UNKNOWN ? NULL : ph_container_label(p->id, container));
}

void path_json_name(struct ph_json *j, const char *key, const char comm[16])
{
	if (comm[0])
		ph_json_strn(j, key, comm, strnlen(comm, 16));
	else
		ph_json_null(j, key);
}

static void add_task(struct ph_json *j, const struct ph_path *p, const struct ph_trail_who *who, int32_t tid)
{
	path_json_container(j, p, "container", who->container);
	path_json_name(j, "comm", who->comm);
	ph_json_s64(j, "tid", tid);
	ph_json_s64(j, "pid", who->pid);
}

void path_json_what(struct ph_json *j, const struct ph_path *p, const struct ph_path_share *sh)
{
	const struct ph_path_thing *t = ph_path_thing(p, sh->what);
	const struct ph_cgnode *limit = t && t->limit.cgroup_id ? ph_cgtree_cpu_node(p->cgroups, t->limit.cgroup_id) : NULL;
	ph_autobuf text = { 0 };

	ph_json_str(j, "state", ph_path_state_name((enum ph_path_state)sh->state));
	ph_path_what_text(p, (enum ph_path_state)sh->state, sh->what, (enum ph_wait)sh->wait, sh->by_tid, &sh->by, &text);
	ph_json_str(j, "what", text.len ? text.p : NULL);
	if (sh->state == PH_PATH_QUEUE && sh->by_tid > 0) {
		path_json_container(j, p, "by_container", sh->by.container);
		path_json_name(j, "by_comm", sh->by.comm);
	}
	if (limit) {
		ph_json_u64(j, "limit_cgroup_id", t->limit.cgroup_id);
		ph_json_str(j, "limit_cgroup_path", limit->path);
		ph_json_u64(j, "quota_ns", t->limit.quota_ns);
		ph_json_u64(j, "period_ns", t->limit.period_ns);
	}
}

static void add_share(struct ph_json *j, const struct ph_path *p, uint64_t ns)
{
	ph_json_u64(j, "time_ns", ns);
	ph_json_f64(j, "share", (double)ns / (double)(p->end_ns - p->begin_ns));
}

static void add_step(struct ph_json *j, const struct ph_path *p, const struct ph_report_view *view, const char *band, uint64_t nr)
{
	struct ph_step s;

	if (ph_path_step(p, nr, &s) < 0)
		return;
	ph_json_line(j, "step");
	if (band)
		ph_json_str(j, "band", band);
	ph_json_u64(j, "number", nr);
	ph_json_u64(j, "begin_ns", s.begin_ns + (uint64_t)view->offset_ns);
	ph_json_u64(j, "end_ns", s.end_ns + (uint64_t)view->offset_ns);
	add_task(j, p, &s.who, s.tid);
	path_json_what(j, p, &(struct ph_path_share){ .state = s.state, .what = s.what, .wait = s.wait, .by_tid = s.by_tid, .by = s.by });
	if (s.state == PH_PATH_RAN) {
		ph_json_u64(j, "user_ns", s.part_ns[PH_PART_USER]);
		ph_json_u64(j, "kernel_ns", s.part_ns[PH_PART_KERNEL]);
		ph_json_u64(j, "interrupted_ns", s.part_ns[PH_PART_IRQ]);
		ph_json_u64(j, "steal_ns", s.part_ns[PH_PART_STEAL]);
	}
	ph_json_str(j, "then", ph_path_then_name((enum ph_path_then)s.then));
	if (s.then) {
		ph_json_s64(j, "then_tid", s.then_tid);
		path_json_name(j, "then_comm", s.then_who.comm);
	}
	ph_json_line_end(j);
}

void path_json_steps(struct ph_json *j, const struct ph_path *p, const struct ph_report_view *view, const char *band)
{
	ph_vec_each(l, &p->longest)
		add_step(j, p, view, band, l->nr);
}

static void add_rows(struct ph_json *j, const struct ph_path *p, const struct ph_report_view *view)
{
	ph_autofree struct ph_path_part *parts = NULL;
	size_t n = ph_path_parts(p, &parts);

	for (size_t i = 0; i < n; i++) {
		ph_json_line(j, "container");
		path_json_container(j, p, "container", parts[i].container);
		add_share(j, p, parts[i].ns);
		ph_json_obj(j, "state_ns");
		for (int s = 0; s < PH_PATH_STATES; s++)
			ph_json_u64(j, ph_path_state_name((enum ph_path_state)s), parts[i].state_ns[s]);
		ph_json_obj_end(j);
		ph_json_line_end(j);
	}
	ph_vec_each(sh, &p->shares) {
		ph_json_line(j, "share");
		add_task(j, p, &sh->who, sh->tid);
		path_json_what(j, p, sh);
		add_share(j, p, sh->ns);
		ph_json_u64(j, "count", sh->times);
		ph_json_line_end(j);
	}
	ph_vec_each(h, &p->helps) {
		ph_autobuf what = { 0 };

		ph_path_help_text(p, h, &what);
		ph_json_line(j, "help");
		ph_json_str(j, "resource", ph_path_resource_name(h->resource));
		ph_json_str(j, "what", what.len ? what.p : NULL);
		add_share(j, p, h->ns);
		ph_json_line_end(j);
	}
	path_json_steps(j, p, view, NULL);
}

void ph_path_json(const struct ph_path *p, const struct ph_report_view *view, struct ph_buf *out)
{
	struct ph_json j = { .out = out, .pretty = view->fmt.output == PH_OUT_JSONPRETTY };
	ph_autobuf text = { 0 }, note = { 0 };

	ph_path_verdict(p, &text);
	ph_json_line(&j, "path");
	add_task(&j, p, &p->who, p->tid);
	ph_json_s64(&j, "end_tid", p->end_tid);
	ph_json_u64(&j, "begin_ns", p->begin_ns + (uint64_t)view->offset_ns);
	ph_json_u64(&j, "end_ns", p->end_ns + (uint64_t)view->offset_ns);
	ph_json_u64(&j, "steps", p->nsteps);
	ph_json_str(&j, "text", text.p);
	ph_json_arr(&j, "notes");
	for (unsigned int i = 0; ph_path_note(p, i, &note); i++) {
		ph_json_str(&j, NULL, note.p);
		ph_buf_clear(&note);
	}
	ph_json_arr_end(&j);
	ph_json_line_end(&j);
	add_rows(&j, p, view);
}
