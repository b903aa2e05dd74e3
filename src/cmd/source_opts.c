/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/source_opts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cmd/cmd.h"
#include "ctf/ctf.h"
#include "view/when.h"

void ph_cmd_source_init(struct ph_cmd_source *s, const char *verb, struct ph_opt_group *groups)
{
	const struct ph_opt rows[PH_CMD_SOURCE_NOPTS] = {
		{ "read", 'r', PH_OPT_STR, "TRACE", &s->trace,
		  .help = "a trace in the place of the running kernel: a directory with CTF, or one above "
			  "several" },
		{ "write", 'w', PH_OPT_STR, "DIR", &s->dir,
		  .help = "record what the kernel does into a trace as well" },
		{ "filter", 'f', PH_OPT_STR, "EXPR", &s->co.filter,
		  .help = "events for which EXPR is true, as 'syscall_exit_*.ret < 0 && comm == \"nginx\"'" },
		{ "begin", 0, PH_OPT_STR, "TIME", &s->begin,
		  .help = "of a trace: from TIME on: +1.5s since the beginning, 10:00:00.5, "
			  "\"2026-11-21 10:00:00\", Unix ns" },
		{ "end", 0, PH_OPT_STR, "TIME", &s->end, .help = "of a trace: until before TIME" },
		{ "range", 0, PH_OPT_STR, "FROM..TO", &s->range, .help = "both at once: +1.5s..+2s" },
		{ "utc", 0, PH_OPT_FLAG, NULL, &s->utc, .help = "times of day in UTC" },
		{ "strict", 0, PH_OPT_FLAG, NULL, &s->strict, .help = "exit with 3 where events were lost" },
		{ 0 },
	};

	*s = (struct ph_cmd_source){ 0 };
	ph_cmd_collect_init(&s->co, verb);
	memcpy(s->rows, rows, sizeof(rows));
	*groups++ = (struct ph_opt_group){ "Source", s->rows };
	*groups++ = (struct ph_opt_group){ "Of the running kernel", s->co.rows };
	*groups++ = (struct ph_opt_group){ "Selection", s->co.sel_rows };
	*groups = (struct ph_opt_group){ 0 };
}

/* What goes with the running kernel only, as it was given; NULL: nothing. */
static const char *live_option(const struct ph_cmd_source *s)
{
	const struct ph_cmd_collect *co = &s->co;

	return s->dir ? "--write" : co->duration_ns ? "--duration" : co->contexts.n ? "--context" :
	       co->wait ? "--wait" : co->ring_bytes ? "--buffer" :
	       co->capture_bytes != PH_CAPTURE_DEFAULT ? "--capture" : NULL;
}

static int check_trace(struct ph_cmd_source *s, size_t dashdash)
{
	const char *opt = live_option(s);
	struct ph_err err = { 0 };

	if (dashdash != SIZE_MAX)
		return ph_cmd_usage(s->co.verb, "a command goes without a trace");
	if (opt)
		return ph_cmd_usage(s->co.verb, "%s goes without a trace", opt);
	if (s->range && (s->begin || s->end))
		return ph_cmd_usage(s->co.verb, "--range goes without --begin and --end");
	if (ph_selection_check(&s->co.sel, &err) < 0)
		return ph_cmd_usage(s->co.verb, "%s", err.msg);
	return 0;
}

int ph_cmd_source_check(struct ph_cmd_source *s, ph_strv *args, size_t dashdash)
{
	size_t n = dashdash < args->n ? dashdash : args->n;

	if (n > 1 || (n && (s->trace || !s->positional)))
		return ph_cmd_usage(s->co.verb, s->positional ? "one trace at a time, not also '%s'" :
				    "'%s' is no option; a command goes behind --", args->v[n - 1]);
	if (n)
		s->trace = args->v[0];
	for (size_t i = 0; s->need && s->need[i]; i++)
		ph_strv_add(&s->co.events, s->need[i]);
	s->co.any_events = s->need != NULL;
	if (s->trace)
		return check_trace(s, dashdash);
	if (s->range || s->begin || s->end)
		return ph_cmd_usage(s->co.verb, "--begin, --end and --range are about a trace: -r TRACE");
	if (dashdash == SIZE_MAX && !s->co.sel.all && ph_selection_empty(&s->co.sel))
		return ph_cmd_usage(s->co.verb, "of what? %s; or of this machine: -c NAME, another selection, "
				    "-a for everything, or -- COMMAND",
				    s->positional ? "A trace (porthole view DIR)" : "-r TRACE");
	return ph_cmd_collect_check(&s->co, args, dashdash);
}

/* ---- opening ---------------------------------------------------------------------------------- */

/* The range in the source's clock. */
static int set_range(struct ph_cmd_source *s, struct ph_err *err)
{
	const struct ph_source *src = s->run.src;
	int64_t begin = (int64_t)(src->begin_ns + (uint64_t)src->offset_ns), from = INT64_MIN, to = INT64_MAX;
	int r = 0;

	if (s->range)
		r = ph_when_range(s->range, begin, s->utc, &from, &to, err);
	if (r == 0 && s->begin)
		r = ph_when_parse(s->begin, begin, s->utc, &from, err);
	if (r == 0 && s->end)
		r = ph_when_parse(s->end, begin, s->utc, &to, err);
	if (r < 0)
		return r;
	if (from >= to)
		return ph_err_set(err, -EINVAL, "the range of time ends before it begins");
	if (from > src->offset_ns)
		s->run.begin_ns = (uint64_t)from - (uint64_t)src->offset_ns;
	if (to < INT64_MAX)
		s->run.end_ns = to > src->offset_ns ? (uint64_t)to - (uint64_t)src->offset_ns : 1;
	return 0;
}

static int open_live(struct ph_cmd_source *s, struct ph_err *err)
{
	int r = s->dir ? ph_recorder_check(&(struct ph_record_opts){ .dir = s->dir }, err) : 0;

	if (r >= 0)
		r = ph_cmd_collect_open(&s->co, err);
	if (r >= 0)
		r = ph_live_open(s->co.c, &s->live, err);
	if (r < 0)
		return r;
	s->run.src = s->live;
	if (!s->dir)
		return 0;
	r = ph_recorder_open(s->co.c, &(struct ph_record_opts){
		.dir = s->dir, .fed = true, .offset_ns = s->live->offset_ns }, &s->recorder, err);
	if (r >= 0)
		s->run.src = ph_tee_new(s->live, s->recorder);
	return r;
}

static const struct ph_class *class_nth(void *arg, size_t i)
{
	return ph_ctf_class(arg, i);
}

/* What is recorded where nothing is chosen, but for what only tells who is who. */
static bool usual(const struct ph_class *cls)
{
	return ph_group_default(cls->group) && cls->group != PH_GROUP_STATEDUMP;
}

/* What the trace's own metadata decides: names in filters and -e, times. */
static int prepare(struct ph_cmd_source *s, struct ph_err *err)
{
	struct ph_filter_names names = { .nth = class_nth, .arg = s->run.src };
	int r = set_range(s, err);

	if (r == 0 && s->co.filter)
		r = ph_filter_parse_names(s->co.filter, &names, &s->run.filter, err);
	if (r < 0)
		return r;
	s->events.nth = class_nth;
	s->events.arg = s->run.src;
	s->events.start = s->live ? usual : NULL;
	for (size_t i = 0; i < s->co.events.n; i++)
		ph_strv_add(&s->events.words, s->co.events.v[i]);
	return ph_evset_check(&s->events, err);
}

int ph_cmd_source_open(struct ph_cmd_source *s)
{
	struct ph_err err = { 0 };
	int r;

	if (s->trace && s->one_result)
		ph_cmd_end_at_once(s->co.verb);
	else
		ph_cmd_catch_signals();
	ph_cmd_stop = s->trace ? &ph_cmd_interrupted : &ph_cmd_hurry;
	r = ph_cmd_can_write(&err);
	if (r < 0)
		return ph_cmd_fail(s->co.verb, &err);
	r = s->trace ? ph_ctf_open(s->trace, &s->run.src, &err) : open_live(s, &err);
	if (r == -EINTR)
		return ph_cmd_cut_short(s->co.verb, "there was more to come");
	if (r < 0)
		return ph_cmd_fail(s->co.verb, &err);
	r = prepare(s, &err);
	if (r < 0)
		return r == -EINVAL ? ph_cmd_usage(s->co.verb, "%s", err.msg) : ph_cmd_fail(s->co.verb, &err);
	/* Who says what it needs takes all that is there, of a trace too. */
	s->run.events = s->need ? NULL : &s->events;
	s->run.sel = s->live || ph_selection_empty(&s->co.sel) ? NULL : &s->co.sel;
	s->run.id = ph_identity_new();
	return 0;
}

/* ---- the loop --------------------------------------------------------------------------------- */

static int idle(void *arg, struct ph_err *err)
{
	struct ph_cmd_source *s = arg;
	struct ph_record_stats rs = { 0 };
	int r = s->tick ? s->tick(s->run.arg, err) : 0;

	if (r)
		return r;
	if (s->recorder) {
		r = ph_recorder_turn(s->recorder, err);
		if (r < 0)
			return r;
		ph_recorder_stats(s->recorder, &rs);
	}
	if (ph_cmd_collect_over(&s->co))
		return ph_live_stop(s->live, err);
	ph_cmd_collect_status(&s->co, rs.bytes);
	ph_cmd_collect_sleep(&s->co);
	return 0;
}

int ph_cmd_source_run(struct ph_cmd_source *s, struct ph_err *err)
{
	int r = 0;

	s->run.stop = ph_cmd_stop;
	if (s->live) {
		s->run.idle = idle;
		s->run.idle_arg = s;
		r = ph_cmd_collect_go(&s->co, err);
	}
	if (r >= 0)
		r = ph_run(&s->run, err);
	ph_cmd_collect_status_end(&s->co);
	return r;
}

/* What the reader of the output must know beside it. */
static void tell(const struct ph_cmd_source *s)
{
	struct ph_collect_stats cs = { 0 };
	ph_autobuf why = { 0 };
	const char *w;

	for (size_t i = 0; (w = ph_ctf_warning(s->run.src, i)); i++)
		ph_cmd_say(s->co.verb, "%s", w);
	if (!s->run.passed) {
		ph_run_explain(&s->run, &why);
		ph_cmd_say(s->co.verb, "%s", why.p);
	}
	if (s->live)
		ph_collect_stats(s->co.c, &cs);
	if (s->run.lost)
		ph_cmd_say(s->co.verb, "%" PRIu64 " events were lost in %" PRIu64 " %s: what follows may miss its cause%s", s->run.lost,
			   s->run.gaps, s->run.gaps == 1 ? "gap" : "gaps", cs.lost ? " (a larger --buffer helps)" : "");
	if (s->live)
		ph_cmd_collect_notes(&s->co, s->dir);
}

int ph_cmd_source_nothing(struct ph_cmd_source *s, struct ph_err *err)
{
	ph_autobuf text = { 0 };

	s->run.by_selection = 0;
	s->run.sel = &s->co.sel;
	ph_run_explain(&s->run, &text);
	return ph_err_set(err, -ENOENT, "%s", text.p);
}

int ph_cmd_source_report(struct ph_cmd_source *s, struct ph_buf *out, int rc, struct ph_err *err)
{
	if (rc >= 0) {
		rc = ph_cmd_flush(out);
		if (rc < 0)
			ph_err_sys(err, rc, "cannot write the output");
	}
	return ph_cmd_source_end(s, rc, err);
}

int ph_cmd_source_end(struct ph_cmd_source *s, int rc, struct ph_err *err)
{
	int r = 0;

	if (s->recorder)
		r = ph_recorder_close(ph_take(s->recorder), NULL, rc < 0 ? NULL : err);
	if (rc == -EPIPE)
		return PH_EXIT_OK;
	if (rc == -EINTR)
		return ph_cmd_cut_short(s->co.verb, s->one_result ? "there is no result" : "there was more to come");
	tell(s);
	if (rc < 0 || r < 0)
		ph_cmd_fail(s->co.verb, err);
	if (s->cut_short)
		return PH_EXIT_INTERRUPTED;
	if (rc < 0 || r < 0)
		return PH_EXIT_FAILED;
	return s->strict && s->run.lost ? PH_EXIT_LOST : PH_EXIT_OK;
}

void ph_cmd_source_done(struct ph_cmd_source *s)
{
	if (s->recorder)
		ph_recorder_close(s->recorder, NULL, NULL);
	ph_filter_free(s->run.filter);
	ph_evset_done(&s->events);
	ph_identity_free(s->run.id);
	ph_source_close(s->run.src);
	ph_cmd_collect_done(&s->co);
}
