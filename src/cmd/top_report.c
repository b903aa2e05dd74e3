/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/top_report.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"

/* In the child: what it prints, complaints too, goes to the pipe. */
static void become(int out, const ph_strv *command)
{
	char *argv[32] = { (char *)"porthole" };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (size_t i = 0; i < command->n && i + 2 < PH_ARRAY_SIZE(argv); i++)
		argv[i + 1] = command->v[i];
	signal(SIGPIPE, SIG_DFL);
	/* It ends with whoever shows it, however that ends. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(127);
	execv("/proc/self/exe", argv);
	_exit(127);
}

static int begin(struct ph_cmd_report *r, const ph_strv *command)
{
	int fds[2], error;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	r->pid = fork();
	error = r->pid < 0 ? errno : 0;
	if (r->pid == 0)
		become(fds[1], command);
	close(fds[1]);
	if (error) {
		r->pid = 0;
		close(fds[0]);
		return -error;
	}
	r->fd = fds[0];
	fcntl(r->fd, F_SETFL, O_NONBLOCK);
	return 0;
}

/* Nobody looks any more: what it would say is not waited for. */
void ph_cmd_report_done(struct ph_cmd_report *r)
{
	if (!r->pid)
		return;
	kill(r->pid, SIGKILL);
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(r->fd);
	r->pid = 0;
}

static bool take(struct ph_cmd_report *r, struct ph_top_view *v)
{
	bool came = false;
	char buf[4096];
	ssize_t n;

	while ((n = read(r->fd, buf, sizeof(buf))) > 0) {
		ph_top_view_report(v, buf, (size_t)n);
		came = true;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return came;
	ph_cmd_report_done(r);
	ph_top_view_report_end(v);
	return true;
}

bool ph_cmd_report_follow(struct ph_cmd_report *r, struct ph_top_view *v)
{
	bool wanted = false;
	int error;

	/* Also below another place: one will come back. */
	ph_vec_each(p, &v->places)
		wanted |= p->show == PH_SHOW_REPORT;
	if (r->pid && (!wanted || r->serial != v->report.serial))
		ph_cmd_report_done(r);
	if (wanted && r->serial != v->report.serial) {
		r->serial = v->report.serial;
		error = begin(r, &v->report.command);
		if (error < 0) {
			const char *why = strerror(-error);

			ph_top_view_report(v, why, strlen(why));
			ph_top_view_report_end(v);
			return true;
		}
	}
	return r->pid && take(r, v);
}
