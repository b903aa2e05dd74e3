/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/trace_calls.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "event/callset.h"

/* As much of a buffer as strace shows. */
#define STRING_MAX 32

static int add_set(void *dst, const char *value, struct ph_err *err)
{
	struct ph_trace_calls *tc = dst;

	return ph_callset_parse(value, &tc->o->calls.set, err);
}

static int more_time(void *dst, const char *value, struct ph_err *err)
{
	struct ph_trace_calls *tc = dst;

	(void)value;
	if (tc->o->calls.time == PH_CALLS_UNIX)
		return ph_err_set(err, -EINVAL, "three times at most");
	tc->o->calls.time++;
	return 0;
}

static int set_string_max(void *dst, const char *value, struct ph_err *err)
{
	struct ph_trace_calls *tc = dst;

	tc->has_string_max = true;
	return ph_parse_size(value, &tc->o->calls.string_max, err);
}

void ph_trace_calls_init(struct ph_trace_calls *tc, struct ph_snoop_opts *o, struct ph_cmd_source *s,
			 struct ph_opt rows[PH_TRACE_CALLS_NOPTS])
{
	const struct ph_opt opts[] = {
		{ "trace", 'e', PH_OPT_CALL, "CALLSET", tc, add_set,
		  .help = "only these calls, and only they are recorded: open,close; a class: %file; ! in front: all "
			  "but these" },
		{ "summary-only", 'C', PH_OPT_FLAG, NULL, &o->calls.only_summary,
		  .help = "no lines, but calls, errors and times by call, in the end" },
		{ "summary", 0, PH_OPT_FLAG, NULL, &o->calls.summary, .help = "the lines, and then that summary" },
		{ "syscall-times", 'T', PH_OPT_FLAG, NULL, &o->calls.duration,
		  .help = "how long each call took, behind it: <0.000012>" },
		{ "timestamps", 't', PH_OPT_CALL, NULL, tc, more_time,
		  .help = "the time of day in front; -tt: with microseconds; -ttt: Unix time" },
		{ "relative-timestamps", 0, PH_OPT_FLAG, NULL, &o->calls.relative,
		  .help = "the time since the line before" },
		{ "decode-fds", 'y', PH_OPT_FLAG, NULL, &o->calls.paths,
		  .help = "descriptors with the path or the peer that they stand for" },
		{ "string-limit", 's', PH_OPT_CALL, "BYTES", tc, set_string_max,
		  .help = "how much of buffers is shown, and recorded (default 32); paths are shown whole" },
		{ "successful-only", 'z', PH_OPT_FLAG, NULL, &o->calls.succeeded, .help = "calls that succeed" },
		{ "failed-only", 'Z', PH_OPT_FLAG, NULL, &o->calls.failed, .help = "calls that fail" },
		{ 0 },
	};

	_Static_assert(sizeof(opts) / sizeof(opts[0]) <= PH_TRACE_CALLS_NOPTS, "rows");
	*tc = (struct ph_trace_calls){ .o = o, .s = s };
	o->calls.string_max = STRING_MAX;
	memcpy(rows, opts, sizeof(opts));
}

void ph_trace_calls_apply(struct ph_trace_calls *tc, ph_strv *need)
{
	static const char files[] = "open,openat,openat2,creat,close,dup,dup2,dup3,fcntl,socket,connect,accept,accept4,bind";
	struct ph_cmd_collect *co = &tc->s->co;
	/* A filter may be about them. */
	bool shows_args = !tc->o->calls.only_summary || tc->o->filter;
	ph_strv all = { 0 };
	struct ph_err err;

	/* In the place of all calls those that are asked for. */
	ph_vec_each(w, need)
		if ((strcmp(*w, "syscall") || !tc->o->calls.set.n) && (strcmp(*w, "syscall_data") || shows_args))
			ph_strv_add(&all, *w);
	ph_vec_each(w, &tc->o->calls.set)
		ph_strv_add(&all, *w);
	if (tc->o->calls.paths && tc->o->calls.set.n)
		ph_callset_parse(files, &all, &err);
	ph_strv_done(need);
	*need = all;
	/* Both ends of a buffer's length: as much as is shown is recorded, and the other way round. */
	if (!tc->has_string_max)
		tc->o->calls.string_max = co->capture_bytes;
	else if (!tc->s->trace && co->capture_bytes == PH_CAPTURE_DEFAULT && tc->o->calls.string_max > PH_CAPTURE_DEFAULT)
		co->capture_bytes = tc->o->calls.string_max;
}

char *ph_trace_calls_intro(void)
{
	struct ph_buf b = { 0 };
	const char *name;

	ph_buf_adds(&b, "\nClasses for -e:");
	for (size_t i = 0; (name = ph_callset_class_nth(i)); i++)
		ph_buf_addf(&b, "%s%s", i == 9 ? "\n                " : " ", name);
	return ph_buf_steal(&b);
}
