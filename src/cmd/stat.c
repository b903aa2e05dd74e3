/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "cmd/cmd.h"
#include "cmd/rounds.h"
#include "live/stat.h"

#define VERB "stat"

struct stat_cmd {
	struct ph_rounds rounds;
	struct ph_stat stat;
	bool begun;
	bool alone;		/* nobody of those selected is there, and that has been told */
};

static bool wanted(void *arg, const struct ph_top_row *r)
{
	return ph_rounds_shown(arg, r);
}

/* Does the selection name one thing, and is it one? Then there is no need to tell them apart. */
static bool names_one(const struct ph_selection *sel)
{
	if (sel->all || sel->podname.n || sel->pod_namespace.n || sel->label.n || sel->image.n || sel->cgroup.n ||
	    sel->comm.n || sel->ns.n || sel->pid.n)
		return false;
	if (sel->host)
		return !sel->container.n;
	return sel->container.n == 1 && sel->container.v[0][0] != '!' && !strpbrk(sel->container.v[0], "*?[");
}

/* When it is known who is there. */
static void begin(struct stat_cmd *s)
{
	struct ph_rounds *rs = &s->rounds;
	size_t n = 0;

	for (size_t i = 0; i < rs->t.rows.n; i++)
		n += rs->t.rows.v[i] && ph_rounds_shown(rs, rs->t.rows.v[i]);
	/* A trace may tell of others later. */
	s->stat.one = n == 1 && names_one(&rs->s.co.sel);
	s->stat.machine = rs->t.rows.n && ph_rounds_shown(rs, rs->t.rows.v[0]);
	s->begun = true;
}

static int print(void *arg, uint64_t unix_ns, struct ph_err *err)
{
	struct stat_cmd *s = arg;
	struct ph_rounds *rs = &s->rounds;
	ph_autobuf out = { 0 };
	int r;

	if (!s->begun)
		begin(s);
	r = ph_stat_round(&s->stat, unix_ns, ph_cmd_width(), ph_cmd_height(), &out, err);

	if (r < 0)
		return r;
	if (r)
		ph_rounds_missing(rs, &s->stat.shown);
	else if (!s->alone && !rs->s.trace)
		ph_cmd_say(VERB, "what was selected has ended; waiting for it to be there again");
	s->alone = !r;
	r = ph_cmd_flush(&out);
	return r < 0 && r != -EPIPE ? ph_err_sys(err, r, "cannot write") : r;
}

static int run(struct stat_cmd *s)
{
	struct ph_rounds *rs = &s->rounds;
	int r;

	ph_stat_want(&rs->fmt, &rs->want);
	s->stat = (struct ph_stat){ .t = &rs->t, .fmt = &rs->fmt, .wanted = wanted, .arg = rs, .utc = rs->s.utc,
				    .digits = rs->interval_ns % PH_NSEC ? 3 : 0 };
	rs->print = print;
	rs->arg = s;
	if (rs->s.trace) {
		r = ph_rounds_trace(rs);
	} else {
		r = ph_rounds_start(rs);
		if (!r)
			r = ph_rounds_run(rs);
	}
	ph_stat_done(&s->stat);
	return r;
}

/* [INTERVAL [COUNT]] */
static int arguments(struct ph_rounds *rs, const ph_strv *args, struct ph_err *err)
{
	if (args->n > 2)
		return ph_err_set(err, -EINVAL, "too many arguments: INTERVAL and COUNT are all that it takes");
	if (args->n > 0 && ph_parse_duration(args->v[0], &rs->interval_ns, err) < 0)
		return ph_err_set(err, -EINVAL, "'%s' is no interval (try 5 or 100ms); a container is selected with -c",
				  args->v[0]);
	if (args->n > 1 && (ph_parse_u64(args->v[1], &rs->count, err) < 0 || !rs->count))
		return ph_err_set(err, -EINVAL, "'%s' is no count: how many intervals, at least 1", args->v[1]);
	return 0;
}

int ph_cmd_stat(int argc, char **argv)
{
	struct stat_cmd s = { .rounds = { .verb = VERB, .interval_ns = PH_NSEC, .fmt.sort = "container" } };
	struct ph_rounds *rs = &s.rounds;
	struct ph_opt out_opts[PH_TABLE_NOPTS];
	const struct ph_opt own[] = {
		{ "no-bpf", 0, PH_OPT_FLAG, NULL, &rs->want.no_bpf, .help = "only what files tell: no system calls, and nothing is loaded into the kernel" },
		{ 0 },
	};
	struct ph_opt_group groups[3 + PH_CMD_SOURCE_NGROUPS] = { { "Options", own }, { "Output", out_opts } };
	struct ph_err err = { 0 };
	ph_strv args = { 0 };
	size_t dashdash;
	int r;

	ph_rounds_init(rs, groups + 2);
	ph_table_opts(&rs->fmt, out_opts);
	r = ph_cmd_options(VERB, "Prints what each container of this host used, and what kept it from running, a line each "
			   "INTERVAL\n(default 1s), COUNT times or until Ctrl-C; the machine as a whole is (host), or stands in "
			   "the last\ncolumns. Also without root, as far as that may be seen.",
			   "  porthole stat -c web 5\n"
			   "  porthole stat 1 10 -c '*' --sort -cpu_percent --max-entries 3\n"
			   "  porthole stat -c web 10s 6 -o json | jq .throttled_percent\n"
			   "  porthole stat -r trace 100ms\n",
			   groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	if (rs->fmt.json_schema) {
		r = ph_cmd_schema(ph_top_cols, PH_TOP_NCOLS);
		goto out;
	}
	r = arguments(rs, &args, &err) < 0 ? ph_cmd_usage(VERB, "%s", err.msg) : ph_rounds_check(rs);
	if (!r)
		r = run(&s);
out:
	ph_vec_done(&args);
	ph_rounds_done(rs);
	return r;
}
