/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole profile: which functions CPU time, waiting time or events are of. */
#include "cmd/profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "cmd/probe_opts.h"
#include "ctf/ctf.h"

/* ---- a recording ---------------------------------------------------------------------------------------- */

static int feed_side(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	ph_profile_feed(((struct profile_side *)arg)->p, ev);
	return 0;
}

static const struct ph_class *class_nth(void *arg, size_t i)
{
	return ph_ctf_class(arg, i);
}

/* Names come after the stacks that need them, maybe after the range; mappings before it. */
static int read_ahead(struct profile_side *side, const struct ph_run *run, struct ph_err *err)
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

static int begin_side(struct profile_verb *w, struct profile_side *side, struct ph_run *run, struct ph_err *err)
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

static int load_base(struct profile_verb *w, struct ph_err *err)
{
	struct ph_run run = { .event = feed_side, .arg = &w->base, .follow = &w->r.s.co.sel };
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

/* Before the kernel records: what is read in the meantime might be much. */
static int ready(void *arg)
{
	struct profile_verb *w = arg;
	struct ph_err err = { 0 };
	int r;

	ph_cmd_end_at_once(PROFILE_VERB);
	if (w->diff && load_base(w, &err) < 0)
		return ph_cmd_fail(PROFILE_VERB, &err);
	r = w->probes ? ph_cmd_probes_find(&w->r.s.co, w->probes) : 0;
	ph_cmd_probes_tell(PROFILE_VERB, w->probes, &w->told);
	return r;
}

static int nothing(struct profile_verb *w, struct ph_err *err)
{
	const struct ph_run *run = &w->r.s.run;
	const struct ph_profile *p = w->side.p;
	uint64_t stacks = 0;

	for (size_t i = 0; i < PH_ARRAY_SIZE(p->ends); i++)
		stacks += p->ends[i];
	if (p->opts.sel && ph_run_no_container(run, p->opts.sel))
		return ph_cmd_source_nothing(&w->r.s, err);
	if (p->left_out)
		return ph_err_set(err, -ENOENT, "%s: of the waits of what was selected there is no stack: they had begun before%s", run->src->what,
				  run->src->live ? "" : ", or it was recorded without --callstacks sched_switch");
	if (p->opts.event && (stacks || run->src->live))
		return ph_err_set(err, -ENOENT, "%s: nothing of what was selected had any such event", run->src->what);
	if (stacks || run->src->live)
		return ph_err_set(err, -ENOENT, "%s: nothing of what was selected had any %s%s", run->src->what, ph_profile_what_text(p),
				  p->opts.what == PH_PROFILE_CPU ? "; what it waits for, --off-cpu shows" : "");
	return ph_err_set(err, -ENOENT, "%s: there are no stacks of %s in it%s", run->src->what, ph_profile_what_text(p),
			  p->others ? ", but of other events: --off-cpu, --wall or -e EVENT" :
			  p->opts.what == PH_PROFILE_CPU ? ": nothing of what was selected ran, or it was recorded without -e profile" : "");
}

/* Beside the output, whatever that is. */
static void tell(const struct ph_profile *p)
{
	ph_autobuf note = { 0 };

	for (unsigned int i = 0; ph_profile_note(p, i, &note); i++) {
		ph_cmd_say(PROFILE_VERB, "%s", note.p);
		ph_buf_clear(&note);
	}
}

static int begin(void *arg, struct ph_err *err)
{
	struct profile_verb *w = arg;

	return begin_side(w, &w->side, &w->r.s.run, err);
}

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	return feed_side(&((struct profile_verb *)arg)->side, ev, err);
}

static int finish(void *arg, uint64_t end_ns, struct ph_err *err)
{
	struct profile_verb *w = arg;

	ph_profile_finish(w->side.p, end_ns);
	return w->side.p->count ? 0 : nothing(w, err);
}

static int export(struct profile_verb *w, struct ph_buf *out, struct ph_err *err)
{
	switch (w->format) {
	case PROFILE_TOP: case PROFILE_CSV:
		return ph_export_top(&w->x, out, err);
	case PROFILE_FOLDED:
		ph_export_folded(&w->x, out);
		return 0;
	case PROFILE_JSON: case PROFILE_JSONPRETTY:
		ph_export_json(&w->x, out);
		return 0;
	case PROFILE_SVG:
		ph_export_svg(&w->x, out);
		return 0;
	case PROFILE_PPROF:
		return ph_export_pprof(&w->x, out, err);
	case PROFILE_SPEEDSCOPE:
		ph_export_speedscope(&w->x, out);
		return 0;
	case PROFILE_PERF_SCRIPT:
		ph_export_perf_script(&w->x, out);
		return 0;
	default:
		ph_export_tree(&w->x, out);
		return 0;
	}
}

static int report(void *arg, struct ph_buf *out, struct ph_err *err)
{
	struct profile_verb *w = arg;
	int r;

	w->x.p = w->side.p;
	w->x.hostname = w->r.s.run.src->hostname;
	r = export(w, out, err);
	/* For people it is in the report. */
	if (r >= 0 && w->format != PROFILE_TREE)
		tell(w->side.p);
	return r;
}

static void done(void *arg)
{
	struct profile_verb *w = arg;

	ph_profile_free(w->side.p);
	ph_profile_free(w->base.p);
	ph_filter_free(w->side.filter);
	ph_filter_free(w->base.filter);
	ph_identity_free(w->base_id);
	ph_source_close(w->base_src);
	ph_cmd_probes_tell(PROFILE_VERB, w->probes, &w->told);
	ph_probes_free(w->probes);
	ph_strv_done(&w->by);
}

static void schema(void *arg, struct ph_buf *out)
{
	unsigned int format = ((struct profile_verb *)arg)->x.view.table;

	if (format == PROFILE_TOP || format == PROFILE_CSV)
		ph_export_top_schema(out);
	else
		ph_export_json_schema(out);
}

static const struct ph_cmd_report_verb verb = {
	.name = PROFILE_VERB,
	.intro = "Says which functions of programs and of the kernel CPU time is spent in, tasks wait in, or an event comes\n"
		 "from: stacks of containers' programs, without frame pointers, with names from the containers' own files.",
	.examples = "  porthole profile -c web -d 10s\n"
		    "  porthole profile -c web -d 10s -o svg > web.svg\n"
		    "  porthole profile -c web -d 10s --off-cpu --by reason\n"
		    "  porthole profile -a -d 10s -w after/ -o svg --diff before/ > diff.svg\n"
		    "  porthole profile -r trace/ -c web -o pprof > web.pb.gz\n",
	.table_option = "-o", .tables = profile_formats, .table = PROFILE_TREE,
	.schema = schema, .check = profile_check, .ready = ready, .begin = begin, .feed = feed, .finish = finish, .report = report,
	.done = done,
};

int ph_cmd_profile(int argc, char **argv)
{
	struct profile_verb w = { .hz = PH_SAMPLE_HZ, .x.min = 0.01 };
	const struct ph_opt opts[] = {
		{ "freq", 'F', PH_OPT_U64, "HZ", &w.hz, .help = "samples a second of each CPU (default 99)" },
		{ "off-cpu", 0, PH_OPT_FLAG, NULL, &w.off_cpu, .help = "in the place of CPU time: time without a CPU, by what is waited for and who ends it" },
		{ "wall", 0, PH_OPT_FLAG, NULL, &w.wall, .help = "both: time on a CPU and without" },
		{ "event", 'e', PH_OPT_STR, "EVENT", &w.event, .help = "in the place of time: how often EVENT comes, by what led to it: sched_switch, syscall_entry_openat … (record --list has "
		  "all), or a probe as 'uprobe:libc.so.6:malloc'" },
		{ "by", 0, PH_OPT_LIST, "LIST", &w.by,
		  .help = "divide stacks by container, pod, image, comm (the thread's name), process, thread, reason (what is waited for), in this "
			  "order (default container,comm)" },
		{ "user", 0, PH_OPT_FLAG, NULL, &w.opts.user, .help = "functions of programs alone (default: both)" },
		{ "kernel", 0, PH_OPT_FLAG, NULL, &w.opts.kernel, .help = "functions of the kernel alone" },
		{ "diff", 0, PH_OPT_STR, "TRACE", &w.diff, .help = "compare with the recording TRACE, of which the other options select as well" },
		{ 0 },
	};
	const struct ph_opt output[] = {
		{ "output", 'o', PH_OPT_STR, "FORMAT", &w.r.table,
		  .help = "tree (default: a report and calls, for reading), top (table of functions), csv (the same), svg (flame graph), "
			  "folded (for flamegraph.pl), pprof, speedscope, perf-script, json (an object a stack), jsonpretty" },
		{ "min", 0, PH_OPT_STR, "PERCENT", &w.min, .help = "tree: leave out branches of less than this share (default 1)" },
		{ "icicle", 0, PH_OPT_FLAG, NULL, &w.x.icicle, .help = "svg: the program's start at the top (default: at the bottom)" },
		{ "colors", 0, PH_OPT_STR, "BY", &w.colors, .help = "svg: colours by kind (of function: kernel, user …; default) or container" },
		{ 0 },
	};

	w.r = (struct ph_cmd_report){ .verb = &verb, .arg = &w, .view = &w.x.view, .opts = opts, .output = output };
	return ph_cmd_report(&w.r, argc, argv);
}
