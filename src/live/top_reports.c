/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What belongs to the selected row: its files and sockets, and what verbs of porthole say of it. */
#include "live/top_view_priv.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"

/* How long a report looks at the running kernel. */
#define CALLS_SECONDS "3"
#define THROTTLED_SECONDS "5"
#define PROFILE_SECONDS "5"

/* The selection that means @p and nobody else; false: there is none. */
static bool selection_of(const struct ph_top_view *v, const struct ph_top_place *p, ph_strv *args)
{
	static const char *const groups[PH_TOP_NBY] = {
		[PH_TOP_BY_POD] = "--podname", [PH_TOP_BY_IMAGE] = "--image", [PH_TOP_BY_NAMESPACE] = "--namespace",
		[PH_TOP_BY_CGROUP] = "--cgroup",
	};
	const struct ph_top_row *r = ph_top_view_row(v, p->container);

	if (p->pid && !(r && r->hc->c.init_pid == p->pid && ph_container_is_guest(&r->hc->c))) {
		*ph_vec_push(args) = ph_asprintf("--pid=%d", p->pid);
	} else if (r) {
		*ph_vec_push(args) = ph_asprintf("--container=%s", r->hc->c.id ? r->hc->c.id : ph_top_name(r));
	} else if (!p->container && p->group && *p->group) {
		const char *slash = p->by == PH_TOP_BY_POD ? strchr(p->group, '/') : NULL;

		if (slash)
			*ph_vec_push(args) = ph_asprintf("--namespace=%.*s", (int)(slash - p->group), p->group);
		*ph_vec_push(args) = ph_asprintf("%s=%s", groups[p->by], slash ? slash + 1 : p->group);
	} else {
		return false;
	}
	return true;
}

#define NOTHING_SELECTED "nothing is selected"
#define LIVE_ONLY "that is asked of the running machine: a trace does not have it"

void ph_top_view_of_selected(struct ph_top_view *v, enum ph_top_show show)
{
	struct ph_top_place p;

	if (v->replay.past) {
		ph_top_view_say(v, LIVE_ONLY);
		return;
	}
	if (!ph_top_view_target(v, &p)) {
		ph_top_view_say(v, NOTHING_SELECTED);
		return;
	}
	if (!p.container && !p.pid) {
		ph_top_view_say(v, "of one container: Enter goes to those of the group");
		ph_top_place_done(&p);
		return;
	}
	p.show = show;
	ph_top_view_go_beside(v, p);
}

/* The same of a trace: of the interval that is on the screen. */
static void add_interval(const struct ph_top_replay *rp, ph_strv *command)
{
	*ph_vec_push(command) = ph_asprintf("--read=%s", rp->trace);
	*ph_vec_push(command) = ph_asprintf("--range=%" PRIu64 "..%" PRIu64, ph_top_past_begin(rp->past, rp->at),
					    ph_top_past_end(rp->past, rp->at));
	if (rp->utc)
		ph_strv_add(command, "--utc");
}

/* What a verb of porthole says of the selected row; @duration: so many seconds of the running kernel, NULL: it needs none. */
static void show_report(struct ph_top_view *v, const char *what, const char *const *args, const char *duration)
{
	struct ph_top_report *rep = &v->report;
	ph_strv selection = { 0 };
	struct ph_top_place p;

	if (duration && v->t->want.no_bpf) {
		ph_top_view_say(v, "that is asked of the kernel, which --no-bpf does without");
		return;
	}
	if (!ph_top_view_target(v, &p)) {
		ph_top_view_say(v, NOTHING_SELECTED);
		return;
	}
	if (!selection_of(v, &p, &selection)) {
		ph_top_view_say(v, p.container ? "it has ended" : "these have nothing in common that could be selected");
		ph_top_place_done(&p);
		return;
	}
	ph_strv_done(&rep->command);
	for (; *args; args++)
		ph_strv_add(&rep->command, *args);
	/* One comes back to what it is of. */
	v->paused |= v->replay.past != NULL;
	if (v->replay.past)
		add_interval(&v->replay, &rep->command);
	else if (duration)
		*ph_vec_push(&rep->command) = ph_asprintf("--duration=%ss", duration);
	for (size_t i = 0; i < selection.n; i++)
		ph_strv_add(&rep->command, selection.v[i]);
	ph_strv_done(&selection);
	ph_buf_clear(&rep->text);
	rep->what = what;
	rep->serial++;
	rep->running = true;
	rep->begun_ns = 0;
	rep->x = 0;
	p.show = PH_SHOW_REPORT;
	ph_top_view_go_beside(v, p);
}

void ph_top_view_calls(struct ph_top_view *v)
{
	static const char *const args[] = {
		"why", "slow", "--table", "calls", "--fields", "call,count,errors,total_ns,avg_ns,p99_ns,max_ns,mostly",
		NULL,
	};

	show_report(v, v->replay.past ? "its system calls in this interval" : "its system calls in " CALLS_SECONDS " s", args, CALLS_SECONDS);
}

void ph_top_view_throttled(struct ph_top_view *v)
{
	static const char *const args[] = { "why", "throttled", NULL };

	show_report(v, v->replay.past ? "what kept it from running in this interval" :
				       "what kept it from running in " THROTTLED_SECONDS " s", args, THROTTLED_SECONDS);
}

void ph_top_view_profile(struct ph_top_view *v)
{
	static const char *const args[] = { "profile", NULL };

	show_report(v, v->replay.past ? "its functions in this interval" : "its functions in " PROFILE_SECONDS " s", args, PROFILE_SECONDS);
}

void ph_top_view_inspect(struct ph_top_view *v)
{
	static const char *const args[] = { "inspect", NULL };

	if (v->replay.past)
		ph_top_view_say(v, LIVE_ONLY);
	else
		show_report(v, "namespaces, capabilities, mounts, limits", args, NULL);
}

void ph_top_view_report(struct ph_top_view *v, const char *text, size_t n)
{
	ph_buf_add(&v->report.text, text, n);
}

void ph_top_view_report_end(struct ph_top_view *v)
{
	v->report.running = false;
}
