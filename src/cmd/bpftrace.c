/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole bpftrace: the installed bpftrace with a program that was written for a host, on containers. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cmd/cmd.h"
#include "cmd/scan_opts.h"
#include "event/schema.h"
#include "probe/bpftrace.h"
#include "probe/resolve.h"

#define VERB "bpftrace"
#define PROGRAM_MAX (4u << 20)
/* Each container is a copy of the program. */
#define CONTAINERS_MAX 32
/* Of what a container did in the end, bpftrace prints what it has not yet, before it is asked to end. */
#define GRACE_MS 1000

struct verb {
	struct ph_selection sel;
	const char *text, *program;
	bool print;
	struct ph_scan scan;
	PH_VEC(struct ph_bpftrace_container) containers;
};

static char *file_of(const struct ph_bpftrace_container *c, const char *path, void *arg)
{
	(void)arg;
	return ph_probe_file_path(c->pid, path);
}

/*
 * Whose namespaces a task has, by loads that every bpftrace with BTF can do. A mount namespace is a container's own,
 * whatever else it shares; a pid namespace is the next best; the cgroup is asked for where neither is.
 */
static char *predicate(const struct ph_container *c, const uint32_t host[PH_NS_MAX])
{
	if (c->ns[PH_NS_MNT] && c->ns[PH_NS_MNT] != host[PH_NS_MNT])
		return ph_asprintf("curtask->nsproxy->mnt_ns->ns.inum == %u", c->ns[PH_NS_MNT]);
	if (c->ns[PH_NS_PID] && c->ns[PH_NS_PID] != host[PH_NS_PID])
		return ph_asprintf("curtask->nsproxy->pid_ns_for_children->ns.inum == %u", c->ns[PH_NS_PID]);
	if (c->cgroup_id && !c->hierarchy)
		return ph_asprintf("cgroup == %lu", c->cgroup_id);
	return NULL;
}

static int choose(struct verb *w)
{
	const struct ph_container *host;
	const struct ph_scan_opts o = { 0 };
	struct ph_err err = { 0 };

	if (ph_scan_run(&w->scan, &o, &err) < 0)
		return ph_cmd_fail(VERB, &err);
	host = &w->scan.containers.v[PH_CONTAINER_HOST]->c;
	ph_vec_each(hc, &w->scan.containers) {
		const struct ph_container *c = &(*hc)->c;
		struct ph_bpftrace_container *b;
		char *p;

		if (c->index == PH_CONTAINER_HOST || !c->init_pid || !ph_cmd_scan_match(&w->sel, &w->scan, *hc))
			continue;
		p = predicate(c, host->ns);
		if (!p) {
			ph_cmd_say(VERB, "%s has no namespace and no cgroup by which bpftrace could know it",
				c->name ? c->name : c->id);
			continue;
		}
		b = ph_vec_push(&w->containers);
		*b = (struct ph_bpftrace_container){ .name = c->name ? c->name : c->id, .predicate = p, .pid = c->init_pid,
						     .cgroup_id = c->cgroup_id, .file = file_of };
	}
	if (!w->containers.n)
		return ph_cmd_scan_none(VERB, &w->sel, &w->scan);
	if (w->containers.n > CONTAINERS_MAX)
		return ph_cmd_usage(VERB, "%zu containers are selected, at most %d can be", w->containers.n, CONTAINERS_MAX);
	return 0;
}

/* As a file that bpftrace can open: it lives as long as bpftrace has it open. */
static int as_file(const struct ph_buf *b)
{
	int fd = memfd_create("porthole.bt", 0);

	for (size_t at = 0; fd >= 0 && at < b->len; ) {
		ssize_t n = write(fd, b->p + at, b->len - at);

		if (n < 0) {
			close(fd);
			return -1;
		}
		at += (size_t)n;
	}
	return fd;
}

/* ---- while it runs ---------------------------------------------------------------------------------- */

/* A descriptor for each container that can be read when its first process has ended. */
static void watch(const struct verb *w, struct pollfd *fds)
{
	for (size_t i = 0; i < w->containers.n; i++)
		fds[i] = (struct pollfd){ .fd = (int)syscall(SYS_pidfd_open, w->containers.v[i].pid, 0), .events = POLLIN };
}

/* The program has its containers' numbers in it, so that one that begins anew is another one. Which of @n go on? */
static size_t tell_ended(const struct verb *w, struct pollfd *fds, bool *told, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		if (fds[i].fd >= 0 && !(fds[i].revents & POLLIN)) {
			left++;
			continue;
		}
		if (!told[i])
			ph_cmd_say(VERB, "%s has ended; where it begins anew, this program does not see it", w->containers.v[i].name);
		told[i] = true;
		if (fds[i].fd >= 0)
			close(fds[i].fd);
		fds[i].fd = -1;
	}
	return left;
}

/* 128 + its number where a signal ended it, as shells have it. */
static int exit_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Until bpftrace has ended, which it is asked to when no container is left: it prints its maps then. */
static int attend(const struct verb *w, pid_t child, int signals)
{
	size_t n = w->containers.n, left;
	struct pollfd fds[CONTAINERS_MAX + 1];
	bool told[CONTAINERS_MAX] = { 0 }, asked = false;
	struct signalfd_siginfo si;
	int status, ready;

	watch(w, fds);
	for (;;) {
		left = tell_ended(w, fds, told, n);
		fds[n] = (struct pollfd){ .fd = signals, .events = POLLIN };
		ready = poll(fds, n + 1, left || asked ? -1 : GRACE_MS);
		if (ready == 0) {
			kill(child, SIGINT);
			asked = true;
		}
		if (ready <= 0 || !(fds[n].revents & POLLIN) || read(signals, &si, sizeof(si)) != (ssize_t)sizeof(si))
			continue;
		if (si.ssi_signo != SIGCHLD) {
			/* A terminal's signals are sent to both of us. */
			if (si.ssi_code != SI_KERNEL)
				kill(child, (int)si.ssi_signo);
		} else if (waitpid(child, &status, WNOHANG) == child) {
			for (size_t i = 0; i < n; i++)
				if (fds[i].fd >= 0)
					close(fds[i].fd);
			return exit_code(status);
		}
	}
}

static int start(const struct verb *w, char **argv, struct ph_err *err)
{
	sigset_t set, before;
	ph_autoclose int signals = -1;
	pid_t child;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &before);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	child = signals < 0 ? -1 : fork();
	if (child < 0)
		return ph_err_sys(err, errno, "cannot run bpftrace");
	if (child)
		return attend(w, child, signals);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigprocmask(SIG_SETMASK, &before, NULL);
	execvp("bpftrace", argv);
	if (errno == ENOENT)
		ph_err_set(err, -ENOENT, "bpftrace is not installed on this machine ('apt install bpftrace' or the like); 'porthole probe' needs no other program");
	else
		ph_err_sys(err, errno, "cannot run bpftrace");
	_exit(ph_cmd_fail(VERB, err));
}

/* What stands behind -- are options and arguments of bpftrace's. */
static int run(const struct verb *w, const struct ph_buf *program, const ph_strv *args, size_t from)
{
	PH_VEC(char *) argv = { 0 };
	ph_autofree char *path = NULL;
	struct ph_err err = { 0 };
	int fd = as_file(program), r;
	size_t i = from;

	if (fd < 0) {
		ph_err_sys(&err, errno, "cannot pass the program on");
		return ph_cmd_fail(VERB, &err);
	}
	path = ph_asprintf("/proc/self/fd/%d", fd);
	*ph_vec_push(&argv) = (char *)"bpftrace";
	/* Its options come before the program, whose arguments are what follows. */
	for (; i < args->n && args->v[i][0] == '-'; i++)
		*ph_vec_push(&argv) = args->v[i];
	*ph_vec_push(&argv) = path;
	for (; i < args->n; i++)
		*ph_vec_push(&argv) = args->v[i];
	*ph_vec_push(&argv) = NULL;
	r = start(w, argv.v, &err);
	ph_vec_done(&argv);
	close(fd);
	return r < 0 ? ph_cmd_fail(VERB, &err) : r;
}

static int rewrite(struct verb *w, const ph_strv *args, size_t from)
{
	ph_autobuf program = { 0 }, out = { 0 };
	struct ph_err err = { 0 };
	ph_strv notes = { 0 };
	int r = 0;

	if (!w->text) {
		r = ph_read_file_at(AT_FDCWD, w->program, PROGRAM_MAX, &program);
		if (r < 0)
			ph_err_sys(&err, r, "cannot read it");
	} else {
		ph_buf_adds(&program, w->text);
	}
	if (r >= 0)
		r = ph_bpftrace_rewrite(program.p ? program.p : "", w->containers.v, w->containers.n, &out, &notes, &err);
	if (r < 0 && w->program)
		ph_err_wrap(&err, r, "%s", w->program);
	ph_vec_each(n, &notes)
		ph_cmd_say(VERB, "%s", *n);
	ph_strv_done(&notes);
	if (r < 0)
		return ph_cmd_fail(VERB, &err);
	if (w->print)
		return ph_cmd_flush(&out) < 0 ? PH_EXIT_FAILED : PH_EXIT_OK;
	return run(w, &out, args, from);
}

int ph_cmd_bpftrace(int argc, char **argv)
{
	struct verb w = { 0 };
	struct ph_opt opts[] = {
		{ "execute", 'e', PH_OPT_STR, "PROGRAM", &w.text, .help = "the program itself, in the place of a file" },
		{ "print", 0, PH_OPT_FLAG, NULL, &w.print, .help = "print the program as it would be run, and end" },
		{ 0 },
	};
	struct ph_opt sel_opts[PH_SELECTION_NOPTS];
	struct ph_opt_group groups[] = { { "Options", opts }, { "Selection", sel_opts }, { 0 } };
	struct ph_err err = { 0 };
	ph_strv args = { 0 };
	size_t dashdash, n;
	int r;

	ph_selection_opts(&w.sel, sel_opts);
	r = ph_cmd_options(VERB, "Runs a program of bpftrace that was written for a host on containers: paths of uprobes and USDT probes\n"
			   "become those of the containers' files, what happens elsewhere is left out, and $container_pid,\n"
			   "$container_cgroupid and $container_name are known. What stands behind -- is bpftrace's.",
			   "  porthole bpftrace -c web -e 'uprobe:libc.so.6:malloc { @[comm] = hist(arg0); }'\n"
			   "  porthole bpftrace -c web opensnoop.bt\n", groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	n = dashdash < args.n ? dashdash : args.n;
	if (!w.text && n)
		w.program = args.v[0];
	if ((!w.text && !n) || n > 1 || (w.text && n))
		r = ph_cmd_usage(VERB, n ? "one program at a time; its arguments stand behind --" : "which program? A file, or -e PROGRAM");
	else if (ph_selection_check(&w.sel, &err) < 0)
		r = ph_cmd_usage(VERB, "%s", err.msg);
	else if (!w.sel.all && ph_selection_empty(&w.sel))
		r = ph_cmd_usage(VERB, "on which container? -c NAME, another selection, or -a for all");
	else
		r = choose(&w);
	if (r < 0 || r == PH_EXIT_OK)
		r = rewrite(&w, &args, dashdash == SIZE_MAX ? args.n : n);
out:
	ph_vec_each(c, &w.containers)
		free((char *)c->predicate);
	ph_vec_done(&w.containers);
	ph_vec_done(&args);
	ph_scan_done(&w.scan);
	ph_selection_done(&w.sel);
	return r;
}
