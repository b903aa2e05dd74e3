/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole record: what the kernel does for containers, into a trace. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/table.h"
#include "cmd/cmd.h"
#include "cmd/collect_opts.h"
#include "record/record.h"

struct args {
	struct ph_cmd_collect co;
	const char *dir;
	uint64_t max_bytes, keep;
	const char *rotate;
	bool strict, quiet, list;
};

/* ---- the list of events -------------------------------------------------------------------------- */

static int list_events(const ph_strv *chosen)
{
	static const struct ph_col cols[] = {
		{ "GROUP", "group", PH_COL_STR }, { "EVENT", "event", PH_COL_STR },
		{ "MEANING", "meaning", PH_COL_STR },
	};
	ph_autofree bool *events = ph_alloc(PH_EV_ID_MAX * sizeof(*events));
	const struct ph_table_fmt fmt = { .output = PH_OUT_COLUMNS };
	const struct ph_class *c;
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };
	struct ph_table t;
	int r;

	r = ph_events_choose(chosen, events, &err);
	if (r < 0)
		return ph_cmd_usage("record", "%s", err.msg);
	ph_table_init(&t, cols, PH_ARRAY_SIZE(cols));
	for (size_t i = 0; (c = ph_class_nth(i)); i++) {
		struct ph_cell *row;

		if (chosen->n && !events[c->id])
			continue;
		row = ph_table_row(&t);
		ph_cell_str(&row[0], ph_group_name(c->group));
		ph_cell_str(&row[1], c->name);
		ph_cell_str(&row[2], c->doc);
	}
	r = ph_table_print(&t, &fmt, ph_cmd_width(), &out, &err);
	ph_table_done(&t);
	if (r >= 0)
		r = ph_cmd_flush(&out);
	return r < 0 && r != -EPIPE ? PH_EXIT_FAILED : PH_EXIT_OK;
}

/* ---- the recording ----------------------------------------------------------------------------------- */

static int parse_rotate(const char *s, struct ph_record_opts *ro, struct ph_err *err)
{
	if (!s)
		return 0;
	if (ph_parse_duration(s, &ro->rotate_ns, NULL) == 0 && strspn(s, "0123456789.") != strlen(s) &&
	    !strpbrk(s, "kKMGT"))
		return 0;
	ro->rotate_ns = 0;
	if (ph_parse_size(s, &ro->rotate_bytes, NULL) == 0 && ro->rotate_bytes >= 4096)
		return 0;
	return ph_err_set(err, -EINVAL, "--rotate: '%s' is neither a size (64M, at least 4K) nor a time (10s)",
			  s);
}

static char *default_dir(void)
{
	char name[64];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(name, sizeof(name), "porthole-%Y%m%d-%H%M%S", &tm);
	return ph_strdup(name);
}

static int pump(struct args *a, struct ph_recorder *r, struct ph_err *err)
{
	struct ph_record_stats rs;
	int ret;

	while (!(ret = ph_recorder_turn(r, err)) && !ph_cmd_collect_over(&a->co)) {
		ph_recorder_stats(r, &rs);
		ph_cmd_collect_status(&a->co, rs.bytes);
		ph_cmd_collect_sleep(&a->co);
	}
	ph_cmd_collect_status_end(&a->co);
	return ret < 0 ? ret : 0;
}

static void report(const struct args *a, const struct ph_record_stats *rs, const char *dir)
{
	char bytes[PH_HUMAN_MAX];

	if (a->quiet)
		return;
	fprintf(stderr, "%" PRIu64 " events, %s in %s", rs->events, ph_human_bytes(rs->bytes, bytes), dir);
	if (rs->pieces > 1)
		fprintf(stderr, " (%" PRIu64 " pieces)", rs->pieces);
	if (rs->lost)
		fprintf(stderr, "; %" PRIu64 " events were lost (a larger --buffer helps)", rs->lost);
	fputc('\n', stderr);
	ph_cmd_collect_notes(&a->co, true);
}

static int run(struct args *a, struct ph_record_opts *ro)
{
	struct ph_record_stats rs = { 0 };
	struct ph_recorder *r = NULL;
	struct ph_err err = { 0 };
	int ret, rc;

	ret = ph_recorder_check(ro, &err);
	if (ret >= 0)
		ret = ph_cmd_collect_open(&a->co, &err);
	if (ret >= 0)
		ret = ph_recorder_open(a->co.c, ro, &r, &err);
	if (ret >= 0)
		ret = ph_cmd_collect_go(&a->co, &err);
	if (ret >= 0)
		ret = pump(a, r, &err);
	if (r) {
		rc = ph_recorder_close(r, &rs, ret < 0 ? NULL : &err);
		if (ret >= 0)
			ret = rc;
		report(a, &rs, ro->dir);
	}
	if (ret < 0)
		return ph_cmd_fail("record", &err);
	if (a->strict && (rs.lost || rs.missed))
		return PH_EXIT_LOST;
	return PH_EXIT_OK;
}

/* What the options say, checked and entered into the two structs; 0 or the exit code. */
static int check_usage(struct args *a, ph_strv *args, size_t dashdash, struct ph_record_opts *ro)
{
	struct ph_err err = { 0 };
	int r;

	if (args->n && dashdash != 0)
		return ph_cmd_usage("record", "'%s' is no option; a command goes behind --", args->v[0]);
	r = ph_cmd_collect_check(&a->co, args, dashdash);
	if (r)
		return r;
	if (parse_rotate(a->rotate, ro, &err) < 0)
		return ph_cmd_usage("record", "%s", err.msg);
	if (a->keep && !a->rotate)
		return ph_cmd_usage("record", "--keep goes with --rotate");
	if (!a->co.command && !a->co.sel.all && ph_selection_empty(&a->co.sel))
		return ph_cmd_usage("record", "what is to be recorded? -c NAME, another selection, -a for "
				    "everything, or -- COMMAND");
	return 0;
}

int ph_cmd_record(int argc, char **argv)
{
	struct args a = { 0 };
	struct ph_opt opts[] = {
		{ "write", 'w', PH_OPT_STR, "DIR", &a.dir, NULL,
		  "directory of the trace, which must be new or empty (default: porthole-DATE-TIME)" },
		{ "event", 'e', PH_OPT_LIST, "LIST", &a.co.events, NULL,
		  "what to record: groups, events, globs; !X leaves X out, +X adds X to the default: sched, wait, syscall, cgroup, "
		  "mm, block, net, signal; there are also irq, timer, fault, cap, kvm, denied, dns, probe, stack, profile, "
		  "calldata, and all, which is these too" },
		{ "list", 0, PH_OPT_FLAG, NULL, &a.list, NULL,
		  "print all groups and events, or what a given -e chooses, and end" },
		{ "filter", 'f', PH_OPT_STR, "EXPR", &a.co.filter, NULL,
		  "only events for which EXPR is true, e.g. 'syscall_exit_openat.ret < 0 && comm == \"nginx\"'" },
		{ "freq", 'F', PH_OPT_U64, "HZ", &a.co.sample_hz, NULL,
		  "with -e profile: samples of each CPU a second (default 99)" },
		{ "callstacks", 0, PH_OPT_LIST, "LIST", &a.co.stacks_of, NULL,
		  "events that get the stacks of their task, in kernel and program" },
		{ "max-size", 0, PH_OPT_SIZE, "SIZE", &a.max_bytes, NULL, "stop when the trace has SIZE" },
		{ "rotate", 0, PH_OPT_STR, "SIZE|TIME", &a.rotate, NULL,
		  "begin a new trace (DIR/00001, DIR/00002 …) each SIZE or TIME" },
		{ "keep", 0, PH_OPT_U64, "N", &a.keep, NULL, "with --rotate: keep the N newest" },
		{ "strict", 0, PH_OPT_FLAG, NULL, &a.strict, NULL, "exit with 3 when events were lost" },
		{ "quiet", 'q', PH_OPT_FLAG, NULL, &a.quiet, NULL, "no status line, no summary" },
		{ 0 },
	};
	struct ph_opt_group groups[] = {
		{ "Options", opts }, { "Recording", a.co.rows }, { "Selection", a.co.sel_rows }, { 0 },
	};
	ph_autofree char *dir = NULL;
	struct ph_record_opts ro = { 0 };
	ph_strv args = { 0 };
	size_t dashdash;
	int ret;

	ph_cmd_collect_init(&a.co, "record");
	ret = ph_cmd_options("record",
			     "Records what the kernel does for the selected containers into a CTF trace, until "
			     "Ctrl-C.\nThe trace names the container of every event; 'porthole view', babeltrace2 "
			     "and Trace Compass\nread it, here or elsewhere.",
			     "  porthole record -c web -d 10s -w trace            one container, ten seconds\n"
			     "  porthole record -a -e sched,block -w trace        two groups of everybody's, till Ctrl-C\n"
			     "  porthole record -e syscall -w trace -- ls -l      a command\n"
			     "  porthole record -a -w trace -- make               everybody, while a command runs\n"
			     "  porthole record -c web --rotate 1m --keep 5       always the last minutes\n"
			     "  porthole record -c 'job-*' --wait                 what will start only later\n"
			     "\nWhat a machine lacks for it, 'porthole doctor' tells.\n",
			     groups, argc, argv, &args, &dashdash);
	if (ret >= 0)
		goto out;
	if (a.list) {
		ret = list_events(&a.co.events);
		goto out;
	}
	ret = check_usage(&a, &args, dashdash, &ro);
	if (ret)
		goto out;
	dir = a.dir ? ph_strdup(a.dir) : default_dir();
	ro.dir = dir;
	ro.max_bytes = a.max_bytes;
	ro.keep = a.keep;
	a.co.status_line = isatty(STDERR_FILENO) && !a.quiet;
	ph_cmd_catch_signals();
	ret = run(&a, &ro);
out:
	ph_cmd_collect_done(&a.co);
	ph_vec_done(&args);
	return ret;
}
