/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole profile: which functions CPU time, waiting time or events are of. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cmd/cmd.h"
#include "cmd/probe_opts.h"
#include "cmd/report.h"
#include "ctf/ctf.h"
#include "export/export.h"

#define VERB "profile"

enum format { TREE, TOP, FOLDED, SVG, PPROF, SPEEDSCOPE, PERF_SCRIPT, JSON, JSONPRETTY, CSV };

static const char *const formats[] = {
	"tree", "top", "folded", "svg", "pprof", "speedscope", "perf-script", "json", "jsonpretty", "csv", NULL
};

/* A recording that is looked at. */
struct side {
	struct ph_profile *p;
	struct ph_filter *filter;
};

struct verb {
	struct ph_cmd_report r;
	uint64_t hz;
	bool off_cpu, wall;
	const char *event, *diff, *filter, *min, *colors;
	ph_strv by;
	enum format format;
	struct ph_profile_opts opts;
	struct ph_export x;
	struct side side, base;
	/* Of --diff. */
	struct ph_source *base_src;
	struct ph_identity *base_id;
	/* Of -e with a probe. */
	struct ph_probes *probes;
	size_t told;
};

/* What is needed of a kernel: of time on CPUs, and of waiting. */
static const char *const needed_cpu[] = {
	"profile", "sched_process_fork", "sched_process_exec", "sched_process_exit", "sched_process_free", "task_rename", "cgroup_attach_task", NULL
};
static const char *const needed_off[] = { "profile", "sched", "wait", "cgroup", NULL };

/* ---- options -------------------------------------------------------------------------------------------- */

static int parse_by(struct verb *w)
{
	struct ph_profile_opts *o = &w->opts;

	ph_vec_each(word, &w->by) {
		unsigned int by;
		int r = ph_cmd_choice(VERB, "--by", ph_profile_by, *word, &by);

		if (r)
			return r;
		for (unsigned int i = 0; i < o->nby; i++)
			if (o->by[i] == by)
				return ph_cmd_usage(VERB, "--by has '%s' twice", *word);
		o->by[o->nby++] = (enum ph_profile_by)by;
	}
	if (!w->by.n) {
		o->by[o->nby++] = PH_BY_CONTAINER;
		o->by[o->nby++] = PH_BY_COMM;
	}
	return 0;
}

static int parse_what(struct verb *w)
{
	struct ph_err err = { 0 };
	ph_strv texts = { 0 };
	int r;

	if (w->off_cpu + w->wall + !!w->event > 1)
		return ph_cmd_usage(VERB, "one of --off-cpu, --wall and -e at a time");
	w->opts.what = w->off_cpu ? PH_PROFILE_OFFCPU : w->wall ? PH_PROFILE_WALL : w->event ? PH_PROFILE_EVENT : PH_PROFILE_CPU;
	if (!w->event)
		return 0;
	/* A probe is where its hits come from. */
	if (strchr(w->event, ':')) {
		if (w->r.s.trace)
			return ph_cmd_usage(VERB, "what a trace has of probes is -e probe_hit");
		if (!strncmp(w->event, "uretprobe:", 10) || !strncmp(w->event, "kretprobe:", 10))
			return ph_cmd_usage(VERB, "a return has no stack; what led to the call has that of its entry: uprobe, kprobe");
		ph_strv_add(&texts, w->event);
		r = ph_probes_new(&texts, PH_PROBES_MAX, 0, &w->probes, &err);
		ph_strv_done(&texts);
		if (r < 0)
			return ph_cmd_usage(VERB, "%s", err.msg);
		w->event = "probe_hit";
	}
	w->opts.event = ph_class_by_name(w->event);
	return w->opts.event ? 0 : ph_cmd_usage(VERB, "there is no event '%s'; porthole record --list has them all", w->event);
}

static int parse_min(struct verb *w)
{
	char *end;
	double v;

	if (!w->min)
		return 0;
	v = strtod(w->min, &end);
	if (end == w->min || *end || !(v >= 0 && v <= 100))
		return ph_cmd_usage(VERB, "--min takes a percentage, 0 to 100, not '%s'", w->min);
	w->x.min = v / 100;
	return 0;
}

static int parse_colors(struct verb *w)
{
	static const char *const names[] = { "kind", "container", NULL };
	unsigned int by = 0;
	int r = w->colors ? ph_cmd_choice(VERB, "--colors", names, w->colors, &by) : 0;

	if (r)
		return r;
	w->x.by_container = by == 1;
	if (w->x.by_container && w->opts.by[0] != PH_BY_CONTAINER)
		return ph_cmd_usage(VERB, "--colors container goes with --by container,… : what is of several containers has no colour");
	return 0;
}

/* Which outputs can show how two recordings differ. */
static bool compares(enum format f)
{
	return f == TREE || f == TOP || f == FOLDED || f == SVG || f == CSV;
}

static int check_output(struct verb *w)
{
	struct ph_table_fmt *t = &w->x.view.fmt;
	bool table = w->format == TOP || w->format == CSV;
	struct ph_err err = { 0 };

	t->output = w->format == CSV ? PH_OUT_CSV : PH_OUT_COLUMNS;
	w->x.pretty = w->format == JSONPRETTY;
	if (!table && (t->fields.n || t->sort || t->max_entries || t->no_header))
		return ph_cmd_usage(VERB, "--fields, --sort, --max-entries and --no-header are about the table: -o top or csv");
	if (w->diff && !compares(w->format))
		return ph_cmd_usage(VERB, "--diff goes with -o svg, tree, top, csv or folded");
	if (w->format == PPROF && isatty(STDOUT_FILENO))
		return ph_cmd_usage(VERB, "-o pprof is no text: > FILE");
	if (ph_export_top_check(t, w->diff, &err) < 0)
		return ph_cmd_usage(VERB, "%s", err.msg);
	return 0;
}

/* What the kernel is to record. */
static void ask_kernel(struct verb *w)
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

static int check(void *arg, const ph_strv *args, size_t dashdash)
{
	struct verb *w = arg;
	int r;

	w->format = (enum format)w->x.view.table;
	w->r.s.need = w->off_cpu || w->wall ? needed_off : needed_cpu;
	r = parse_by(w);
	r = r ? r : parse_what(w);
	r = r ? r : parse_min(w);
	r = r ? r : parse_colors(w);
	r = r ? r : check_output(w);
	if (!r && (!w->hz || w->hz > PH_SAMPLE_HZ_MAX))
		r = ph_cmd_usage(VERB, "-F takes 1 to %d samples a second", PH_SAMPLE_HZ_MAX);
	if (r)
		return r;
	if (w->opts.user && w->opts.kernel)
		w->opts.user = w->opts.kernel = false;
	/* It is asked here: mappings and switches are no events that anybody means. */
	w->filter = w->r.s.co.filter;
	w->r.s.co.filter = NULL;
	w->x.groups = w->by.n;
	w->opts.threads = w->format == PPROF || w->format == SPEEDSCOPE || w->format == PERF_SCRIPT;
	w->opts.samples = w->format == SPEEDSCOPE || w->format == PERF_SCRIPT;
	if (!w->r.s.trace)
		ask_kernel(w);
	return 0;
}

static int find_probes(void *arg)
{
	struct verb *w = arg;
	int r = w->probes ? ph_cmd_probes_find(&w->r.s.co, w->probes) : 0;

	ph_cmd_probes_tell(VERB, w->probes, &w->told);
	return r;
}

/* ---- a recording ---------------------------------------------------------------------------------------- */

static int feed_side(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	ph_profile_feed(((struct side *)arg)->p, ev);
	return 0;
}

static const struct ph_class *class_nth(void *arg, size_t i)
{
	return ph_ctf_class(arg, i);
}

/* Names come after the stacks that need them, maybe after the range; mappings before it. */
static int read_ahead(struct side *side, const struct ph_run *run, struct ph_err *err)
{
	uint64_t begin = run->begin_ns > run->src->begin_ns ? run->begin_ns : run->src->begin_ns;
	struct ph_source *state = NULL;
	struct ph_event *ev;
	int r;

	if (run->src->live)
		return 0;
	r = ph_ctf_state(run->src, &state, err);
	while (r >= 0 && state && (r = ph_source_next(state, &ev, err)) > 0)
		ph_profile_feed_ahead(side->p, ev, begin);
	ph_source_close(state);
	/* Wrong bytes are told of where the events themselves are read. */
	return 0;
}

static int begin_side(struct verb *w, struct side *side, struct ph_run *run, struct ph_err *err)
{
	struct ph_filter_names names = { .nth = class_nth, .arg = run->src };
	struct ph_selection *sel = &w->r.s.co.sel;
	struct ph_profile_opts opts = w->opts;
	int r = 0;

	if (w->filter)
		r = ph_filter_parse_names(w->filter, &names, &side->filter, err);
	if (r < 0)
		return ph_err_wrap(err, r, "--filter");
	opts.filter = side->filter;
	opts.sel = ph_selection_empty(sel) ? NULL : sel;
	side->p = ph_profile_new(run->id, &opts);
	return read_ahead(side, run, err);
}

static int load_base(struct verb *w, struct ph_err *err)
{
	struct ph_run run = { .event = feed_side, .arg = &w->base, .follow = &w->r.s.co.sel, .stop = &ph_cmd_interrupted };
	int r = ph_ctf_open(w->diff, &w->base_src, err);

	if (r < 0)
		return r;
	w->base_id = ph_identity_new();
	run.src = w->base_src;
	run.id = w->base_id;
	r = begin_side(w, &w->base, &run, err);
	if (r >= 0)
		r = ph_run(&run, err);
	if (r < 0)
		return ph_err_wrap(err, r, "--diff %s", w->diff);
	ph_profile_finish(w->base.p, w->base_src->end_ns);
	if (!w->base.p->count)
		return ph_err_set(err, -ENOENT, "--diff %s: there are no such stacks in it to compare with", w->diff);
	w->x.base = w->base.p;
	return 0;
}

/* ---- the verb ------------------------------------------------------------------------------------------- */

static int nothing(struct verb *w, struct ph_err *err)
{
	const struct ph_run *run = &w->r.s.run;
	const struct ph_profile *p = w->side.p;
	uint64_t stacks = 0;

	for (size_t i = 0; i < PH_ARRAY_SIZE(p->ends); i++)
		stacks += p->ends[i];
	if (p->opts.sel && ph_run_no_container(run, p->opts.sel))
		return ph_cmd_source_nothing(&w->r.s, err);
	if (stacks || run->src->live)
		return ph_err_set(err, -ENOENT, "%s: nothing of what was selected had any %s", run->src->what,
				  p->opts.event ? "such event" : ph_profile_what_text(p));
	return ph_err_set(err, -ENOENT, "%s: there are no stacks of %s in it%s", run->src->what, ph_profile_what_text(p),
			  p->others ? ", but of other events: --off-cpu, --wall or -e EVENT" : "");
}

/* Beside the output, whatever that is. */
static void tell(const struct ph_profile *p)
{
	ph_autobuf note = { 0 };

	for (unsigned int i = 0; ph_profile_note(p, i, &note); i++) {
		fprintf(stderr, "porthole " VERB ": %s\n", note.p);
		ph_buf_clear(&note);
	}
}

static int begin(void *arg, struct ph_err *err)
{
	struct verb *w = arg;
	int r = w->diff ? load_base(w, err) : 0;

	return r < 0 ? r : begin_side(w, &w->side, &w->r.s.run, err);
}

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	return feed_side(&((struct verb *)arg)->side, ev, err);
}

static int finish(void *arg, uint64_t end_ns, struct ph_err *err)
{
	struct verb *w = arg;

	ph_profile_finish(w->side.p, end_ns);
	return w->side.p->count ? 0 : nothing(w, err);
}

static int export(struct verb *w, struct ph_buf *out, struct ph_err *err)
{
	switch (w->format) {
	case TOP: case CSV:
		return ph_export_top(&w->x, out, err);
	case FOLDED:
		ph_export_folded(&w->x, out);
		return 0;
	case JSON: case JSONPRETTY:
		ph_export_json(&w->x, out);
		return 0;
	case SVG:
		ph_export_svg(&w->x, out);
		return 0;
	case PPROF:
		return ph_export_pprof(&w->x, out, err);
	case SPEEDSCOPE:
		ph_export_speedscope(&w->x, out);
		return 0;
	case PERF_SCRIPT:
		ph_export_perf_script(&w->x, out);
		return 0;
	default:
		ph_export_tree(&w->x, out);
		return 0;
	}
}

static int report(void *arg, struct ph_buf *out, struct ph_err *err)
{
	struct verb *w = arg;
	int r;

	w->x.p = w->side.p;
	w->x.hostname = w->r.s.run.src->hostname;
	r = export(w, out, err);
	if (r >= 0)
		tell(w->side.p);
	return r;
}

static void done(void *arg)
{
	struct verb *w = arg;

	ph_profile_free(w->side.p);
	ph_profile_free(w->base.p);
	ph_filter_free(w->side.filter);
	ph_filter_free(w->base.filter);
	ph_identity_free(w->base_id);
	ph_source_close(w->base_src);
	ph_cmd_probes_tell(VERB, w->probes, &w->told);
	ph_probes_free(w->probes);
	ph_strv_done(&w->by);
}

static void schema(void *arg, struct ph_buf *out)
{
	unsigned int format = ((struct verb *)arg)->x.view.table;

	if (format == TOP || format == CSV)
		ph_export_top_schema(out);
	else
		ph_export_json_schema(out);
}

static const struct ph_cmd_report_verb verb = {
	.name = VERB,
	.intro = "Says which functions of programs and of the kernel CPU time is spent in, tasks wait in, or an event comes\n"
		 "from: stacks of containers' programs, without frame pointers, with names from the containers' own files.",
	.examples = "  porthole profile -c web -d 10s\n"
		    "  porthole profile -c web -d 10s -o svg > web.svg\n"
		    "  porthole profile -c web -d 10s --off-cpu --by reason\n"
		    "  porthole profile -a -d 10s -w after/ -o svg --diff before/ > diff.svg\n"
		    "  porthole profile -r trace/ -c web -o pprof > web.pb.gz\n",
	.table_option = "-o", .tables = formats, .table = TREE,
	.schema = schema, .check = check, .ready = find_probes, .begin = begin, .feed = feed, .finish = finish, .report = report,
	.done = done,
};

int ph_cmd_profile(int argc, char **argv)
{
	struct verb w = { .hz = PH_SAMPLE_HZ, .x.min = 0.005 };
	const struct ph_opt opts[] = {
		{ "freq", 'F', PH_OPT_U64, "HZ", &w.hz, .help = "samples a second of each CPU (99)" },
		{ "off-cpu", 0, PH_OPT_FLAG, NULL, &w.off_cpu, .help = "time without a CPU, by what is waited for and who ends it" },
		{ "wall", 0, PH_OPT_FLAG, NULL, &w.wall, .help = "time on a CPU and without" },
		{ "event", 'e', PH_OPT_STR, "EVENT", &w.event, .help = "how often EVENT comes: sched_switch, syscall_entry_openat, block_rq_issue …, or a probe as "
		  "'uprobe:libc.so.6:malloc'" },
		{ "by", 0, PH_OPT_LIST, "LIST", &w.by,
		  .help = "divide stacks by container, pod, image, comm, process, thread, reason (container,comm)" },
		{ "user", 0, PH_OPT_FLAG, NULL, &w.opts.user, .help = "functions of programs alone" },
		{ "kernel", 0, PH_OPT_FLAG, NULL, &w.opts.kernel, .help = "functions of the kernel alone" },
		{ "diff", 0, PH_OPT_STR, "TRACE", &w.diff, .help = "compare with the recording TRACE" },
		{ 0 },
	};
	const struct ph_opt output[] = {
		{ "output", 'o', PH_OPT_STR, "FORMAT", &w.r.table,
		  .help = "tree, top (table of functions), folded, svg (flame graph), pprof, speedscope, perf-script, json (an object a "
			  "stack), jsonpretty, csv (the table)" },
		{ "min", 0, PH_OPT_STR, "PERCENT", &w.min, .help = "tree: leave out branches of less (0.5)" },
		{ "icicle", 0, PH_OPT_FLAG, NULL, &w.x.icicle, .help = "svg: the program's start at the top" },
		{ "colors", 0, PH_OPT_STR, "BY", &w.colors, .help = "svg: colours by kind of function (kernel, user …) or by container" },
		{ 0 },
	};

	w.r = (struct ph_cmd_report){ .verb = &verb, .arg = &w, .view = &w.x.view, .opts = opts, .output = output };
	return ph_cmd_report(&w.r, argc, argv);
}
