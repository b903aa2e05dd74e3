/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report for programs: an object a line, `kind` says of what. */
#include "analyze/slow_report.h"
#include "base/cleanup.h"
#include "base/json.h"

static void add_container(struct ph_json *j, const struct ph_slow *s, const char *key, uint32_t container)
{
	ph_json_str(j, key, container == PH_CONTAINER_UNKNOWN ? NULL : ph_container_label(s->id, container));
}

static void add_parts(struct ph_json *j, const char *key, const uint64_t ns[PH_HOLD_MAX])
{
	ph_json_obj(j, key);
	for (unsigned int i = 0; i < PH_HOLD_MAX; i++)
		ph_json_u64(j, ph_hold_name(i), ns[i]);
	ph_json_obj_end(j);
}

static void add_object(struct ph_json *j, const struct ph_slow *s, const struct ph_object *o)
{
	ph_autobuf text = { 0 };

	ph_object_text(&s->devices, o, &text);
	ph_json_str(j, "object", text.p);
	if (o->thing == PH_THING_DISK)
		ph_json_u64(j, "dev", o->dev);
	if (o->thing == PH_THING_PEER || o->thing == PH_THING_PORT)
		ph_json_u64(j, "port", o->port);
}

static void add_group(struct ph_json *j, const struct ph_slow *s, const struct ph_slow_group *g)
{
	const struct ph_container *k = ph_identity_container(s->id, g->container);
	uint64_t ns, of;
	ph_autobuf text = { 0 };
	enum ph_slow_verdict v = ph_slow_judge(s, g, &ns, &of);

	ph_slow_verdict_text(s, g, &text);
	ph_json_line(j, "container");
	add_container(j, s, "name", g->container);
	ph_json_str(j, "id", k ? k->id : NULL);
	ph_json_str(j, "pod", k ? k->pod : NULL);
	ph_json_bool(j, "host", g->container == PH_CONTAINER_HOST);
	ph_json_str(j, "verdict", ph_slow_verdict_name(v));
	ph_json_str(j, "text", text.p);
	ph_json_u64(j, "cost_ns", ns);
	ph_json_u64(j, "of_ns", of);
	ph_json_u64(j, "tasks", g->ntasks);
	ph_json_u64(j, "system_calls", g->ncalls);
	add_parts(j, "task_time_ns", g->ns);
	ph_hist_json(&g->run_queue, j, "run_queue");
	ph_hist_json(&g->wakeup, j, "wakeup");
	ph_hist_json(&g->reclaim, j, "direct_reclaim");
	ph_hist_json(&g->memcg_reclaim, j, "memcg_reclaim");
	ph_json_u64(j, "reclaimed_pages", g->reclaimed_pages);
	ph_json_u64(j, "major_faults", g->major_faults);
	ph_json_line_end(j);
}

static void add_rows(struct ph_json *j, const struct ph_slow *s, const struct ph_slow_group *g)
{
	ph_vec_each(it, &g->waits) {
		const struct ph_slow_wait *w = *it;

		ph_json_line(j, "wait");
		add_container(j, s, "container", g->container);
		ph_json_str(j, "for", ph_hold_name(w->hold));
		ph_json_bool(j, "own_will", ph_hold_own_will(w->hold));
		add_object(j, s, &w->object);
		ph_hist_json(&w->hist, j, "time");
		ph_json_line_end(j);
	}
	ph_vec_each(it, &g->stacks) {
		const struct ph_slow_stack *st = *it;

		ph_json_line(j, "stack");
		add_container(j, s, "container", g->container);
		ph_json_str(j, "for", ph_hold_name(st->hold));
		ph_json_bool(j, "own_will", ph_hold_own_will(st->hold));
		ph_json_arr(j, "functions");
		ph_vec_each(name, &st->functions)
			ph_json_str(j, NULL, *name);
		ph_json_arr_end(j);
		ph_hist_json(&st->hist, j, "time");
		ph_json_line_end(j);
	}
	ph_vec_each(it, &g->calls) {
		const struct ph_slow_call *c = *it;

		ph_json_line(j, "system_call");
		add_container(j, s, "container", g->container);
		ph_json_str(j, "call", ph_slow_call_name(c->nr, c->compat));
		ph_json_bool(j, "compat", c->compat);
		ph_json_u64(j, "errors", c->errors);
		ph_json_u64(j, "unfinished", c->unfinished);
		ph_hist_json(&c->hist, j, "time");
		add_parts(j, "parts_ns", c->ns);
		ph_json_line_end(j);
	}
	ph_vec_each(it, &g->disks) {
		const struct ph_slow_disk *d = *it;

		ph_json_line(j, "block");
		add_container(j, s, "container", g->container);
		add_object(j, s, &(struct ph_object){ .thing = PH_THING_DISK, .dev = d->dev });
		ph_json_str(j, "op", ph_slow_op_name(d->op));
		ph_json_u64(j, "bytes", d->bytes);
		ph_json_u64(j, "errors", d->errors);
		ph_hist_json(&d->device, j, "device");
		ph_hist_json(&d->queue, j, "queue");
		ph_json_line_end(j);
	}
	ph_vec_each(it, &g->nets) {
		const struct ph_slow_net *n = *it;

		ph_json_line(j, "tcp");
		add_container(j, s, "container", g->container);
		add_object(j, s, &n->object);
		ph_hist_json(&n->connect, j, "connect");
		ph_json_u64(j, "connect_failed", n->failed);
		ph_json_u64(j, "retransmits", n->retransmits);
		ph_hist_json(&n->accept, j, "accept_queue");
		ph_json_u64(j, "accept_queue_full", n->overflows);
		ph_json_u64(j, "backlog", n->backlog);
		ph_json_line_end(j);
	}
}

static void add_slowest(struct ph_json *j, const struct ph_slow *s, const struct ph_slow_one *one,
			const struct ph_report_view *view)
{
	ph_json_line(j, "slow_call");
	ph_json_u64(j, "time_ns", one->begin_ns + (uint64_t)view->offset_ns);
	add_container(j, s, "container", one->container);
	ph_json_str(j, "comm", one->comm);
	ph_json_s64(j, "tid", one->tid);
	ph_json_s64(j, "pid", one->pid);
	ph_json_str(j, "call", ph_slow_call_name(one->nr, one->compat));
	ph_json_u64(j, "duration_ns", one->ns);
	ph_json_bool(j, "unfinished", one->unfinished);
	if (one->unfinished)
		ph_json_null(j, "ret");
	else
		ph_json_s64(j, "ret", one->ret);
	if (one->fd >= 0)
		ph_json_s64(j, "fd", one->fd);
	else
		ph_json_null(j, "fd");
	ph_json_str(j, "path", one->text[0] ? one->text : NULL);
	add_parts(j, "parts_ns", one->part_ns);
	ph_json_str(j, "waited_for", one->hold_ns ? ph_hold_name(one->hold) : NULL);
	ph_json_u64(j, "waited_ns", one->hold_ns);
	add_object(j, s, &one->object);
	ph_json_str(j, "woken_by", one->waker_tid > 0 ? one->waker_comm : NULL);
	if (one->waker_tid > 0)
		ph_json_s64(j, "woken_by_tid", one->waker_tid);
	else
		ph_json_null(j, "woken_by_tid");
	ph_json_str(j, "woken_in", one->waker_tid > 0 && one->waker_container != PH_CONTAINER_UNKNOWN ?
		    ph_container_label(s->id, one->waker_container) : NULL);
	ph_json_line_end(j);
}

static void add_whole(struct ph_json *j, const struct ph_slow *s, const struct ph_report_view *view)
{
	ph_autobuf note = { 0 };

	ph_json_line(j, "interval");
	ph_json_u64(j, "begin_ns", s->begin_ns + (uint64_t)view->offset_ns);
	ph_json_u64(j, "end_ns", s->end_ns + (uint64_t)view->offset_ns);
	ph_json_u64(j, "events", s->seen.events);
	ph_json_u64(j, "cpus", s->seen.cpus);
	ph_json_u64(j, "gaps", s->seen.gaps);
	ph_json_u64(j, "lost", s->seen.lost + s->seen.missed);
	ph_json_u64(j, "doubtful_calls", s->doubtful);
	ph_json_u64(j, "stray_requests", s->nstray);
	ph_json_arr(j, "notes");
	for (unsigned int i = 0; ph_slow_note(s, i, &note); i++) {
		ph_json_str(j, NULL, note.p);
		ph_buf_clear(&note);
	}
	ph_json_arr_end(j);
	ph_json_line_end(j);
}

void ph_slow_json(const struct ph_slow *s, const struct ph_report_view *view, struct ph_buf *out)
{
	struct ph_json j = { .out = out, .pretty = view->fmt.output == PH_OUT_JSONPRETTY };

	add_whole(&j, s, view);
	ph_vec_each(g, &s->groups)
		add_group(&j, s, *g);
	ph_vec_each(g, &s->groups)
		add_rows(&j, s, *g);
	ph_vec_each(u, &s->users) {
		ph_json_line(&j, "queue");
		add_container(&j, s, "container", (*u)->container);
		add_object(&j, s, &(struct ph_object){ .thing = PH_THING_DISK, .dev = (*u)->dev });
		add_container(&j, s, "other", (*u)->other);
		ph_json_u64(&j, "time_ns", (*u)->ns);
		ph_json_u64(&j, "requests", (*u)->requests);
		ph_json_u64(&j, "bytes", (*u)->bytes);
		ph_json_line_end(&j);
	}
	ph_vec_each(one, &s->slowest)
		add_slowest(&j, s, one, view);
}
