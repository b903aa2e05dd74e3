/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/collect_opts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "cmd/cmd.h"
#include "event/evset.h"
#include "unwind/step.h"

void ph_cmd_collect_init(struct ph_cmd_collect *a, const char *verb)
{
	const struct ph_opt rows[PH_CMD_COLLECT_NOPTS] = {
		{ "duration", 'd', PH_OPT_DURATION, "TIME", &a->duration_ns, NULL,
		  "stop after TIME, as 10s or 5m (default: at Ctrl-C, or when the command ends)" },
		{ "context", 0, PH_OPT_LIST, "LIST", &a->contexts, NULL,
		  "fields to add to every event: vpid, vtid, ppid, procname, uid, pid_ns … or all" },
		{ "wait", 0, PH_OPT_FLAG, NULL, &a->wait, NULL,
		  "wait for a container that matches; -d counts from then" },
		{ "capture", 0, PH_OPT_SIZE, "BYTES", &a->capture_bytes, NULL,
		  "of each buffer that system calls read or write (default 32, up to 4095); of paths and "
		  "addresses 256 or this, if more" },
		{ "buffer", 0, PH_OPT_SIZE, "SIZE", &a->ring_bytes, NULL,
		  "memory between kernel and reader, for each CPU (default 16M, less on many CPUs and for samples)" },
		{ 0 },
	};

	*a = (struct ph_cmd_collect){ .verb = verb, .capture_bytes = PH_CAPTURE_DEFAULT, .child.go = -1 };
	memcpy(a->rows, rows, sizeof(rows));
	ph_selection_opts(&a->sel, a->sel_rows);
}

static bool starts_empty(const struct ph_class *c)
{
	(void)c;
	return false;
}

/* Which events get a stack; only what is recorded can. */
static int choose_stacks(struct ph_cmd_collect *a, struct ph_err *err)
{
	struct ph_evset set = { .start = starts_empty };
	const struct ph_class *c;
	bool any = false;
	int r;

	for (size_t i = 0; i < a->stacks_of.n; i++)
		ph_strv_add(&set.words, a->stacks_of.v[i]);
	r = ph_evset_check(&set, err);
	for (size_t i = 0; r >= 0 && (c = ph_class_nth(i)); i++) {
		a->with_stack[c->id] = a->chosen[c->id] && ph_event_may_have_stack(c) && ph_evset_has(&set, c);
		any |= a->with_stack[c->id];
	}
	ph_evset_done(&set);
	if (r < 0)
		return r;
	if (!any)
		return ph_err_set(err, -EINVAL, "--callstacks: none of these events is recorded (-e), or they have no stack of their own");
	a->chosen[PH_EV_callstack] = true;
	a->opts.stacks_of = a->with_stack;
	return 0;
}

int ph_cmd_collect_check(struct ph_cmd_collect *a, ph_strv *args, size_t dashdash)
{
	struct ph_err err = { 0 };

	if (dashdash != SIZE_MAX && dashdash == args->n)
		return ph_cmd_usage(a->verb, "there is no command behind --");
	if (dashdash != SIZE_MAX) {
		*ph_vec_push(args) = NULL;
		a->command = args->v + dashdash;
	}
	if (ph_selection_check(&a->sel, &err) < 0 ||
	    ph_events_choose(&a->events, a->chosen, &err) < 0 ||
	    ph_context_parse(&a->contexts, &a->opts.context, &err) < 0)
		return ph_cmd_usage(a->verb, "%s", err.msg);
	if (a->stacks_of.n && choose_stacks(a, &err) < 0)
		return ph_cmd_usage(a->verb, "%s", err.msg);
	if (a->sample_hz && !a->chosen[PH_EV_callstack])
		return ph_cmd_usage(a->verb, "--freq: no samples are recorded without -e profile");
	if (a->sample_hz > PH_SAMPLE_HZ_MAX)
		return ph_cmd_usage(a->verb, "--freq: at most %d samples a second", PH_SAMPLE_HZ_MAX);
	if (a->capture_bytes > PH_CAPTURE_MAX)
		return ph_cmd_usage(a->verb, "--capture: at most %d bytes", PH_CAPTURE_MAX);
	if (a->filter && ph_filter_parse(a->filter, &a->parsed, &err) < 0)
		return ph_cmd_usage(a->verb, "--filter: %s", err.msg);
	a->opts.events = a->chosen;
	a->opts.sel = &a->sel;
	a->opts.everybody = a->everybody;
	a->opts.sample_hz = (uint32_t)a->sample_hz;
	a->opts.block_changes = a->block_changes;
	a->opts.filter = a->parsed;
	a->opts.ring_bytes = a->ring_bytes;
	a->opts.capture_bytes = (uint32_t)a->capture_bytes;
	a->opts.wait = a->wait;
	return 0;
}

/* Start the command, stopped before its exec: its very first instruction is recorded. */
static int start_command(struct ph_cmd_collect *a, struct ph_err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return ph_err_sys(err, errno, "pipe");
	a->child.pid = fork();
	if (a->child.pid < 0)
		return ph_err_sys(err, errno, "cannot start %s", a->command[0]);
	if (a->child.pid == 0) {
		char c;

		signal(SIGPIPE, SIG_DFL);
		close(fds[1]);
		if (read(fds[0], &c, 1) != 1)
			_exit(127);
		execvp(a->command[0], a->command);
		ph_cmd_say(a->verb, "cannot run %s: %s", a->command[0], strerror(errno));
		_exit(127);
	}
	close(fds[0]);
	a->child.go = fds[1];
	return 0;
}

/* All pids of the selection and the command's; with -a the command only says how long. */
static void set_pids(struct ph_cmd_collect *a)
{
	size_t n = 0;

	if (a->everybody) {
		if (a->child.pid > 0)
			*ph_vec_push(&a->sel.pids) = a->child.pid;
		return;
	}
	a->pids = ph_alloc((a->sel.pids.n + 1) * sizeof(*a->pids));
	for (size_t i = 0; i < a->sel.pids.n; i++)
		a->pids[n++] = a->sel.pids.v[i];
	if (a->child.pid > 0 && !a->sel.all)
		a->pids[n++] = a->child.pid;
	a->opts.pids = a->pids;
	a->opts.npids = n;
}

/* Events named one by one must be there; those that a group brought along are only mentioned. */
static int check_missing(const struct ph_cmd_collect *a, struct ph_err *err)
{
	struct ph_collect_stats cs;

	ph_collect_stats(a->c, &cs);
	if (a->any_events)
		return 0;
	for (; cs.missing && *cs.missing; cs.missing++)
		for (size_t i = 0; i < a->events.n; i++)
			if (!strcmp(a->events.v[i], *cs.missing))
				return ph_err_set(err, -ENOENT,
						  "this kernel cannot record %s; 'porthole doctor' tells why",
						  *cs.missing);
	for (size_t k = 0; k < cs.refused->n; k++)
		for (size_t i = 0; i < a->events.n; i++)
			if (!strcmp(a->events.v[i], cs.refused->v[k]))
				return ph_err_set(err, -ENOEXEC, "this kernel refuses the program that records %s",
						  cs.refused->v[k]);
	return 0;
}

int ph_cmd_collect_open(struct ph_cmd_collect *a, struct ph_err *err)
{
	int r = 0;

	if (a->command)
		r = start_command(a, err);
	if (r >= 0) {
		set_pids(a);
		a->opts.command = a->child.pid > 0 ? a->child.pid : 0;
		r = ph_collect_open(&a->opts, &a->c, err);
	}
	return r < 0 ? r : check_missing(a, err);
}

int ph_cmd_collect_go(struct ph_cmd_collect *a, struct ph_err *err)
{
	a->begun_ns = a->told_ns = ph_now_ns();
	if (a->child.go < 0)
		return 0;
	if (write(a->child.go, "", 1) != 1)
		return ph_err_sys(err, errno, "cannot start %s", a->command[0]);
	close(a->child.go);
	a->child.go = -1;
	return 0;
}

bool ph_cmd_collect_over(struct ph_cmd_collect *a)
{
	struct ph_collect_stats cs;

	if (ph_cmd_interrupted)
		return true;
	if (a->child.pid > 0 && !a->child.ended)
		a->child.ended = waitpid(a->child.pid, &a->child.status, WNOHANG) == a->child.pid;
	if (a->child.ended)
		return true;
	if (!a->duration_ns)
		return false;
	ph_collect_stats(a->c, &cs);
	/* With --wait the time counts from when the first container was seen, not from the look before. */
	if (a->wait && !a->there) {
		a->begun_ns = ph_now_ns();
		a->there = cs.containers > 0;
	}
	return ph_now_ns() - a->begun_ns >= a->duration_ns;
}

void ph_cmd_collect_sleep(const struct ph_cmd_collect *a)
{
	uint64_t pause = ph_collect_pause_ns(a->c), now = ph_now_ns(), end = a->begun_ns + a->duration_ns;
	struct timespec ts;

	if (a->duration_ns && end < now + pause)
		pause = end > now ? end - now : 0;
	ts = (struct timespec){ .tv_sec = (time_t)(pause / PH_NSEC), .tv_nsec = (long)(pause % PH_NSEC) };
	if (pause)
		nanosleep(&ts, NULL);
}

void ph_cmd_collect_status(struct ph_cmd_collect *a, uint64_t bytes)
{
	uint64_t now = ph_now_ns();
	struct ph_collect_stats cs;
	char human[PH_HUMAN_MAX];
	double rate;

	if (!a->status_line || now - a->told_ns < PH_NSEC)
		return;
	ph_collect_stats(a->c, &cs);
	rate = (double)(cs.events - a->told_events) * 1e9 / (double)(now - a->told_ns);
	fprintf(stderr, "\r\033[K%.0f events/s  %" PRIu64 " events", rate, cs.events);
	if (bytes)
		fprintf(stderr, "  %s", ph_human_bytes(bytes, human));
	fprintf(stderr, "  lost %" PRIu64 "  containers %u%s", cs.lost + cs.nmissed, cs.containers,
		ph_selection_by_container(&a->sel) && !cs.containers ? " (waiting)" : "");
	fflush(stderr);
	a->told_ns = now;
	a->told_events = cs.events;
	a->status_shown = true;
}

void ph_cmd_collect_status_end(struct ph_cmd_collect *a)
{
	if (a->status_shown)
		fprintf(stderr, "\r\033[K");
	a->status_shown = false;
}

void ph_cmd_collect_missed(const struct ph_cmd_collect *a)
{
	struct ph_collect_stats cs;

	ph_collect_stats(a->c, &cs);
	for (const struct ph_missed *m = cs.missed; m && m->program; m++)
		if (m->n)
			fprintf(stderr, "%" PRIu64 " of %s missed, of whom is not known: the program that records them was "
				"interrupted, and the kernel does not call it again within itself\n", m->n, m->program);
}

/* What walking the stacks of programs took. (What is missing of them is in the report that is made.) */
static void tell_stacks(const struct ph_collect_stats *cs, bool recorded)
{
	char tables[PH_HUMAN_MAX], all[PH_HUMAN_MAX];
	uint64_t n = 0;

	for (size_t i = PH_END_COMPLETE; i < PH_COLLECT_ENDS; i++)
		n += cs->stacks.ended[i];
	if (!cs->stacks.memory_bytes)
		return;
	if (recorded)
		fprintf(stderr, "%" PRIu64 " stacks of programs, %" PRIu64 " of them complete, by tables of %" PRIu64 " files, %s; with the "
			"mappings of %" PRIu64 " processes %s of the kernel's memory\n", n, cs->stacks.ended[PH_END_COMPLETE], cs->stacks.tables,
			ph_human_bytes(cs->stacks.table_bytes, tables), cs->stacks.processes, ph_human_bytes(cs->stacks.memory_bytes, all));
	if (cs->stacks.refused)
		fprintf(stderr, "%" PRIu64 " files, processes or mappings had no room in it: stacks of these end early\n", cs->stacks.refused);
}

void ph_cmd_collect_notes(const struct ph_cmd_collect *a, bool recorded)
{
	struct ph_collect_stats cs;

	ph_collect_stats(a->c, &cs);
	tell_stacks(&cs, recorded);
	ph_cmd_collect_missed(a);
	if (cs.control_lost)
		fprintf(stderr, "%" PRIu64 " changes of containers were missed: too many at once; events may "
			"have the wrong container\n", cs.control_lost);
	if (cs.deep_cgroups)
		fprintf(stderr, "of what lies below %" PRIu64 " cgroups nothing is known, neither limits nor containers: they are too deep\n",
			cs.deep_cgroups);
	for (; cs.missing && *cs.missing; cs.missing++)
		fprintf(stderr, "not recorded, this kernel lacks it: %s\n", *cs.missing);
	for (size_t i = 0; i < cs.refused->n; i++)
		fprintf(stderr, "not recorded, this kernel refuses the program: %s\n", cs.refused->v[i]);
}

void ph_cmd_collect_done(struct ph_cmd_collect *a)
{
	/* A command that was not released ends now; one that outlives the recording goes on. */
	if (a->child.go >= 0) {
		close(a->child.go);
		waitpid(a->child.pid, &a->child.status, 0);
	}
	ph_collect_close(a->c);
	ph_filter_free(a->parsed);
	ph_selection_done(&a->sel);
	ph_strv_done(&a->events);
	ph_strv_done(&a->contexts);
	ph_strv_done(&a->stacks_of);
	free(a->pids);
}
