/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole record: what the kernel does for containers, into a trace. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/table.h"
#include "cmd/cmd.h"
#include "record/record.h"

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	interrupted = sig;
}

struct args {
	struct ph_selection sel;
	ph_strv events, contexts;
	const char *dir, *filter;
	uint64_t duration_ns, max_bytes, keep, ring_bytes, capture_bytes;
	const char *rotate;
	bool wait, strict, quiet, list;
};

/* ---- a command of the user's ------------------------------------------------------------------- */

struct child {
	pid_t pid;
	int go;		/* writing end: the child waits until it is closed or written to */
	int status;
	bool released, ended;
};

/* Start the command, stopped before its exec: its very first instruction is recorded. */
static int start_command(struct child *ch, char **argv, struct ph_err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return ph_err_sys(err, errno, "pipe");
	ch->pid = fork();
	if (ch->pid < 0)
		return ph_err_sys(err, errno, "cannot start %s", argv[0]);
	if (ch->pid == 0) {
		char c;

		signal(SIGPIPE, SIG_DFL);
		close(fds[1]);
		if (read(fds[0], &c, 1) != 1)
			_exit(127);
		execvp(argv[0], argv);
		fprintf(stderr, "porthole record: cannot run %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(fds[0]);
	ch->go = fds[1];
	return 0;
}

static void child_poll(struct child *ch)
{
	if (ch->pid > 0 && !ch->ended && waitpid(ch->pid, &ch->status, WNOHANG) == ch->pid)
		ch->ended = true;
}

/* ---- the status line ------------------------------------------------------------------------------ */

struct status {
	bool on;
	uint64_t at_ns, events;
};

static void show_status(struct status *st, const struct ph_recorder *r, const struct ph_collect *c,
			const struct ph_selection *sel)
{
	uint64_t now = ph_now_ns();
	struct ph_collect_stats cs;
	struct ph_record_stats rs;
	char bytes[PH_HUMAN_MAX];
	double rate;

	if (!st->on || now - st->at_ns < PH_NSEC)
		return;
	ph_recorder_stats(r, &rs);
	ph_collect_stats(c, &cs);
	rate = (double)(rs.events - st->events) * 1e9 / (double)(now - st->at_ns);
	fprintf(stderr, "\r\033[K%.0f events/s  %" PRIu64 " events  %s  lost %" PRIu64, rate, rs.events,
		ph_human_bytes(rs.bytes, bytes), rs.lost);
	fprintf(stderr, "  containers %u%s", cs.containers,
		ph_selection_by_container(sel) && !cs.containers ? " (waiting)" : "");
	fflush(stderr);
	st->at_ns = now;
	st->events = rs.events;
}

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

/* All pids of the selection and the command's. */
static void collect_pids(const struct ph_selection *sel, const struct child *ch, int32_t **pids,
			 size_t *n)
{
	*pids = ph_alloc((sel->pids.n + 1) * sizeof(**pids));
	*n = 0;
	for (size_t i = 0; i < sel->pids.n; i++)
		(*pids)[(*n)++] = sel->pids.v[i];
	if (ch->pid > 0)
		(*pids)[(*n)++] = ch->pid;
}

static void sleep_ns(uint64_t ns)
{
	struct timespec ts = { .tv_sec = (time_t)(ns / PH_NSEC), .tv_nsec = (long)(ns % PH_NSEC) };

	nanosleep(&ts, NULL);
}

static int pump(const struct args *a, struct ph_recorder *r, struct ph_collect *c, struct child *ch,
		struct ph_err *err)
{
	struct status st = { .on = isatty(STDERR_FILENO) && !a->quiet, .at_ns = ph_now_ns() };
	uint64_t begin = ph_now_ns();
	struct ph_collect_stats cs;
	int ret;

	for (;;) {
		uint64_t pause;

		ret = ph_recorder_turn(r, err);
		if (ret || interrupted)
			break;
		child_poll(ch);
		if (ch->ended)
			break;
		ph_collect_stats(c, &cs);
		/* With --wait the time counts from the first container. */
		if (a->wait && !cs.containers)
			begin = ph_now_ns();
		if (a->duration_ns && ph_now_ns() - begin >= a->duration_ns)
			break;
		show_status(&st, r, c, &a->sel);
		pause = ph_recorder_pause_ns(r);
		if (a->duration_ns && begin + a->duration_ns < ph_now_ns() + pause)
			pause = begin + a->duration_ns > ph_now_ns() ?
					begin + a->duration_ns - ph_now_ns() : 0;
		if (pause)
			sleep_ns(pause);
	}
	if (st.on)
		fprintf(stderr, "\r\033[K");
	return ret < 0 ? ret : 0;
}

static void report(const struct args *a, const struct ph_record_stats *rs,
		   const struct ph_collect_stats *cs, const char *dir)
{
	const char *const *missing = cs->missing;
	char bytes[PH_HUMAN_MAX];

	if (a->quiet)
		return;
	fprintf(stderr, "%" PRIu64 " events, %s in %s", rs->events, ph_human_bytes(rs->bytes, bytes), dir);
	if (rs->pieces > 1)
		fprintf(stderr, " (%" PRIu64 " pieces)", rs->pieces);
	if (rs->lost)
		fprintf(stderr, "; %" PRIu64 " events were lost (a larger --buffer helps)", rs->lost);
	fputc('\n', stderr);
	if (cs->control_lost)
		fprintf(stderr, "%" PRIu64 " changes of containers were missed: too many at once; events may "
			"have the wrong container\n", cs->control_lost);
	for (; missing && *missing; missing++)
		fprintf(stderr, "not recorded, this kernel lacks it: %s\n", *missing);
}

/* Events named one by one must be there; those that a group brought along are only mentioned. */
static int check_missing(const struct args *a, const char *const *missing, struct ph_err *err)
{
	for (; missing && *missing; missing++)
		for (size_t i = 0; i < a->events.n; i++)
			if (!strcmp(a->events.v[i], *missing))
				return ph_err_set(err, -ENOENT,
						  "this kernel cannot record %s; 'porthole doctor' tells why",
						  *missing);
	return 0;
}

static int run(struct args *a, struct ph_record_opts *ro, struct ph_collect_opts *co, char **command)
{
	struct child ch = { .go = -1 };
	struct ph_collect_stats cs;
	struct ph_record_stats rs = { 0 };
	struct ph_recorder *r = NULL;
	struct ph_collect *c = NULL;
	ph_autofree int32_t *pids = NULL;
	struct ph_err err = { 0 };
	int ret = 0, rc;

	if (command)
		ret = start_command(&ch, command, &err);
	if (ret >= 0) {
		collect_pids(&a->sel, &ch, &pids, &co->npids);
		co->pids = pids;
		ret = ph_collect_open(co, &c, &err);
	}
	if (ret >= 0) {
		ph_collect_stats(c, &cs);
		ret = check_missing(a, cs.missing, &err);
	}
	if (ret >= 0)
		ret = ph_recorder_open(c, ro, &r, &err);
	if (ret >= 0) {
		if (ch.go >= 0 && write(ch.go, "", 1) != 1)
			ret = ph_err_sys(&err, errno, "cannot start %s", command[0]);
		ch.released = ret >= 0;
		if (ret >= 0)
			ret = pump(a, r, c, &ch, &err);
	}
	if (r) {
		rc = ph_recorder_close(r, &rs, ret < 0 ? NULL : &err);
		if (ret >= 0)
			ret = rc;
		ph_collect_stats(c, &cs);
		report(a, &rs, &cs, ro->dir);
	}
	if (ch.go >= 0)
		close(ch.go);
	/* A command that was not released ends now; one that outlives the recording goes on. */
	if (ch.pid > 0 && !ch.released)
		waitpid(ch.pid, &ch.status, 0);
	ph_collect_close(c);
	if (ret < 0)
		return ph_cmd_fail("record", &err);
	if (a->strict && rs.lost)
		return PH_EXIT_LOST;
	return PH_EXIT_OK;
}

/* What the options say, checked and entered into the two structs; 0 or the exit code. */
static int check_usage(struct args *a, const ph_strv *args, size_t dashdash, struct ph_collect_opts *co,
		       bool *events, struct ph_record_opts *ro)
{
	struct ph_err err = { 0 };

	if (args->n && dashdash != 0)
		return ph_cmd_usage("record", "'%s' is no option; a command goes behind --", args->v[0]);
	if (dashdash == 0 && !args->n)
		return ph_cmd_usage("record", "there is no command behind --");
	if (ph_selection_check(&a->sel, &err) < 0 || ph_events_choose(&a->events, events, &err) < 0 ||
	    ph_context_parse(&a->contexts, &co->context, &err) < 0 || parse_rotate(a->rotate, ro, &err) < 0)
		return ph_cmd_usage("record", "%s", err.msg);
	if (a->keep && !a->rotate)
		return ph_cmd_usage("record", "--keep goes with --rotate");
	if (a->capture_bytes > PH_CAPTURE_MAX)
		return ph_cmd_usage("record", "--capture: at most %d bytes", PH_CAPTURE_MAX);
	if (!args->n && !a->sel.all && ph_selection_empty(&a->sel))
		return ph_cmd_usage("record", "what is to be recorded? -c NAME, another selection, -a for "
				    "everything, or -- COMMAND");
	if (a->filter && ph_filter_parse(a->filter, &co->filter, &err) < 0)
		return ph_cmd_usage("record", "--filter: %s", err.msg);
	return 0;
}

int ph_cmd_record(int argc, char **argv)
{
	struct args a = { .capture_bytes = PH_CAPTURE_DEFAULT };
	struct ph_opt sel_opts[PH_SELECTION_NOPTS];
	struct ph_opt opts[] = {
		{ "write", 'w', PH_OPT_STR, "DIR", &a.dir, NULL,
		  "directory of the trace, which must be new or empty (default: porthole-DATE-TIME)" },
		{ "event", 'e', PH_OPT_LIST, "LIST", &a.events, NULL,
		  "what to record: groups, events, globs; !X leaves X out. Default: sched, wait, syscall, cgroup, "
		  "mm, block, net, signal; there are also irq, timer, fault, cap, kvm, and all" },
		{ "list", 0, PH_OPT_FLAG, NULL, &a.list, NULL,
		  "print all groups and events, or what a given -e chooses, and end" },
		{ "filter", 'f', PH_OPT_STR, "EXPR", &a.filter, NULL,
		  "only events for which EXPR is true, e.g. 'syscall_exit_openat.ret < 0 && comm == \"nginx\"'" },
		{ "context", 0, PH_OPT_LIST, "LIST", &a.contexts, NULL,
		  "fields to add to every event: vpid, vtid, ppid, procname, uid, pid_ns … or all" },
		{ "duration", 'd', PH_OPT_DURATION, "TIME", &a.duration_ns, NULL, "stop after TIME (10s, 5m)" },
		{ "max-size", 0, PH_OPT_SIZE, "SIZE", &a.max_bytes, NULL, "stop when the trace has SIZE" },
		{ "rotate", 0, PH_OPT_STR, "SIZE|TIME", &a.rotate, NULL,
		  "begin a new trace (DIR/00001, DIR/00002 …) each SIZE or TIME" },
		{ "keep", 0, PH_OPT_U64, "N", &a.keep, NULL, "with --rotate: keep the N newest" },
		{ "wait", 0, PH_OPT_FLAG, NULL, &a.wait, NULL,
		  "wait for a container that matches; -d counts from then" },
		{ "capture", 0, PH_OPT_SIZE, "BYTES", &a.capture_bytes, NULL,
		  "of each buffer that system calls read or write (default 32, up to 4095); of paths and "
		  "addresses 256 or this, if more" },
		{ "buffer", 0, PH_OPT_SIZE, "SIZE", &a.ring_bytes, NULL,
		  "memory between kernel and recorder, for each CPU (default 16M, less on many CPUs)" },
		{ "strict", 0, PH_OPT_FLAG, NULL, &a.strict, NULL, "exit with 3 when events were lost" },
		{ "quiet", 'q', PH_OPT_FLAG, NULL, &a.quiet, NULL, "no status line, no summary" },
		{ 0 },
	};
	struct ph_opt_group groups[] = { { "Options", opts }, { "Selection", sel_opts }, { 0 } };
	struct sigaction sa = { .sa_handler = on_signal };
	ph_autofree bool *events = ph_alloc(PH_EV_ID_MAX * sizeof(*events));
	ph_autofree char *dir = NULL;
	struct ph_collect_opts co = { .events = events };
	struct ph_record_opts ro = { 0 };
	ph_strv args = { 0 };
	size_t dashdash;
	int ret;

	ph_selection_opts(&a.sel, sel_opts);
	ret = ph_cmd_options("record",
			     "Records what the kernel does for the selected containers into a CTF trace, until "
			     "Ctrl-C.\nThe trace names the container of every event; 'porthole view', babeltrace2 "
			     "and Trace Compass\nread it, here or elsewhere.",
			     "  porthole record -c web -d 10s -w trace            one container, ten seconds\n"
			     "  porthole record -a -e sched,block -w trace        two groups of everybody's, till Ctrl-C\n"
			     "  porthole record -e syscall -w trace -- ls -l      a command\n"
			     "  porthole record -c web --rotate 1m --keep 5       always the last minutes\n"
			     "  porthole record -c 'job-*' --wait                 what will start only later\n"
			     "\nWhat a machine lacks for it, 'porthole doctor' tells.\n",
			     groups, argc, argv, &args, &dashdash);
	if (ret >= 0)
		goto out;
	if (a.list) {
		ret = list_events(&a.events);
		goto out;
	}
	ret = check_usage(&a, &args, dashdash, &co, events, &ro);
	if (ret)
		goto out;
	dir = a.dir ? ph_strdup(a.dir) : default_dir();
	ro.dir = dir;
	ro.max_bytes = a.max_bytes;
	ro.keep = a.keep;
	co.sel = &a.sel;
	co.ring_bytes = a.ring_bytes;
	co.capture_bytes = (uint32_t)a.capture_bytes;
	co.wait = a.wait;
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	*ph_vec_push(&args) = NULL;
	ret = run(&a, &ro, &co, dashdash == 0 ? args.v : NULL);
out:
	ph_filter_free(co.filter);
	ph_selection_done(&a.sel);
	ph_vec_done(&args);
	ph_strv_done(&a.events);
	ph_strv_done(&a.contexts);
	return ret;
}
