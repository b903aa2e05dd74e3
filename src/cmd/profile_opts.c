/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of porthole profile, and what they ask of the kernel. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "cmd/probe_opts.h"
#include "cmd/profile.h"

const char *const profile_formats[] = {
	"tree", "top", "folded", "svg", "pprof", "speedscope", "perf-script", "json", "jsonpretty", "csv", NULL
};

/* What is needed of a kernel: of time on CPUs, and of waiting. */
static const char *const needed_cpu[] = {
	"profile", "sched_process_fork", "sched_process_exec", "sched_process_exit", "sched_process_free", "task_rename", "cgroup_attach_task", NULL
};
static const char *const needed_off[] = { "profile", "sched", "wait", "cgroup", NULL };

static int parse_by(struct profile_verb *w)
{
	struct ph_profile_opts *o = &w->opts;

	ph_vec_each(word, &w->by) {
		unsigned int by;
		int r = ph_cmd_choice(PROFILE_VERB, "--by", ph_profile_by, *word, &by);

		if (r)
			return r;
		for (unsigned int i = 0; i < o->nby; i++)
			if (o->by[i] == by)
				return ph_cmd_usage(PROFILE_VERB, "--by has '%s' twice", *word);
		o->by[o->nby++] = (enum ph_profile_by)by;
	}
	if (!w->by.n) {
		o->by[o->nby++] = PH_BY_CONTAINER;
		o->by[o->nby++] = PH_BY_COMM;
	}
	return 0;
}

static int no_event(const char *name)
{
	PH_VEC(const char *) names = { 0 };
	const struct ph_class *c;
	const char *near;
	int r;

	for (size_t i = 0; (c = ph_class_nth(i)); i++)
		*ph_vec_push(&names) = c->name;
	near = ph_nearest(name, names.v, names.n);
	r = ph_cmd_usage(PROFILE_VERB, "there is no event '%s'%s%s%s; porthole record --list has them all", name, near ? "; did you mean '" : "",
			 near ? near : "", near ? "'?" : "");
	ph_vec_done(&names);
	return r;
}

static int parse_what(struct profile_verb *w)
{
	struct ph_err err = { 0 };
	ph_strv texts = { 0 };
	int r;

	if (w->off_cpu + w->wall + !!w->event > 1)
		return ph_cmd_usage(PROFILE_VERB, "one of --off-cpu, --wall and -e at a time");
	w->opts.what = w->off_cpu ? PH_PROFILE_OFFCPU : w->wall ? PH_PROFILE_WALL : w->event ? PH_PROFILE_EVENT : PH_PROFILE_CPU;
	if (!w->event)
		return 0;
	/* A probe is where its hits come from. */
	if (strchr(w->event, ':')) {
		if (w->r.s.trace)
			return ph_cmd_usage(PROFILE_VERB, "what a trace has of probes is -e probe_hit");
		if (!strncmp(w->event, "uretprobe:", 10) || !strncmp(w->event, "kretprobe:", 10))
			return ph_cmd_usage(PROFILE_VERB, "a return has no stack; what led to the call has that of its entry: uprobe, kprobe");
		ph_strv_add(&texts, w->event);
		r = ph_probes_new(&texts, PH_PROBES_MAX, 0, &w->probes, &err);
		ph_strv_done(&texts);
		if (r < 0)
			return ph_cmd_usage(PROFILE_VERB, "%s", err.msg);
		w->event = "probe_hit";
	}
	w->opts.event = ph_class_by_name(w->event);
	return w->opts.event ? 0 : no_event(w->event);
}

static int parse_min(struct profile_verb *w)
{
	char *end;
	double v;

	if (!w->min)
		return 0;
	v = strtod(w->min, &end);
	if (end == w->min || *end || !(v >= 0 && v <= 100))
		return ph_cmd_usage(PROFILE_VERB, "--min takes a percentage, 0 to 100, not '%s'", w->min);
	w->x.min = v / 100;
	return 0;
}

static int parse_colors(struct profile_verb *w)
{
	static const char *const names[] = { "kind", "container", NULL };
	unsigned int by = 0;
	int r = w->colors ? ph_cmd_choice(PROFILE_VERB, "--colors", names, w->colors, &by) : 0;

	if (r)
		return r;
	w->x.by_container = by == 1;
	if (w->x.by_container && w->opts.by[0] != PH_BY_CONTAINER)
		return ph_cmd_usage(PROFILE_VERB, "--colors container goes with --by container,… : what is of several containers has no colour");
	return 0;
}

/* Which outputs can show how two recordings differ. */
static bool compares(enum profile_format f)
{
	return f == PROFILE_TREE || f == PROFILE_TOP || f == PROFILE_FOLDED || f == PROFILE_SVG || f == PROFILE_CSV;
}

static int check_output(struct profile_verb *w)
{
	struct ph_table_fmt *t = &w->x.view.fmt;
	bool table = w->format == PROFILE_TOP || w->format == PROFILE_CSV;
	struct ph_err err = { 0 };

	t->output = w->format == PROFILE_CSV ? PH_OUT_CSV : PH_OUT_COLUMNS;
	w->x.pretty = w->format == PROFILE_JSONPRETTY;
	if (!table && (t->fields.n || t->sort || t->max_entries || t->no_header))
		return ph_cmd_usage(PROFILE_VERB, "--fields, --sort, --max-entries and --no-header are about the table: -o top or csv");
	if (w->diff && !compares(w->format))
		return ph_cmd_usage(PROFILE_VERB, "--diff goes with -o svg, tree, top, csv or folded");
	if (w->format == PROFILE_PPROF && isatty(STDOUT_FILENO))
		return ph_cmd_usage(PROFILE_VERB, "-o pprof is no text: > FILE");
	if (ph_export_top_check(t, w->diff, &err) < 0)
		return ph_cmd_usage(PROFILE_VERB, "%s", err.msg);
	return 0;
}

/* What the kernel is to record. */
static void ask_kernel(struct profile_verb *w)
{
	struct ph_cmd_collect *co = &w->r.s.co;

	if (w->opts.what == PH_PROFILE_CPU || w->opts.what == PH_PROFILE_WALL)
		co->sample_hz = w->hz;
	if (w->opts.what == PH_PROFILE_OFFCPU || w->opts.what == PH_PROFILE_WALL)
		ph_strv_add(&co->stacks_of, "sched_switch");
	if (w->event) {
		ph_strv_add(&co->events, w->event);
		ph_strv_add(&co->stacks_of, w->event);
	}
}

int profile_check(void *arg, const ph_strv *args, size_t dashdash)
{
	struct profile_verb *w = arg;
	int r;

	w->format = (enum profile_format)w->x.view.table;
	w->r.s.need = w->off_cpu || w->wall ? needed_off : needed_cpu;
	r = parse_by(w);
	r = r ? r : parse_what(w);
	r = r ? r : parse_min(w);
	r = r ? r : parse_colors(w);
	r = r ? r : check_output(w);
	if (!r && (!w->hz || w->hz > PH_SAMPLE_HZ_MAX))
		r = ph_cmd_usage(PROFILE_VERB, "-F takes 1 to %d samples a second", PH_SAMPLE_HZ_MAX);
	if (r)
		return r;
	if (w->opts.user && w->opts.kernel)
		w->opts.user = w->opts.kernel = false;
	/* It is asked here: mappings and switches are no events that anybody means. */
	w->filter = w->r.s.co.filter;
	w->r.s.co.filter = NULL;
	w->x.groups = w->by.n;
	w->opts.threads = w->format == PROFILE_PPROF || w->format == PROFILE_SPEEDSCOPE || w->format == PROFILE_PERF_SCRIPT;
	w->opts.samples = w->format == PROFILE_SPEEDSCOPE || w->format == PROFILE_PERF_SCRIPT;
	if (!w->r.s.trace)
		ask_kernel(w);
	return 0;
}
