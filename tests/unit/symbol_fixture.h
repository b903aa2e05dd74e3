/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_TESTS_SYMBOL_FIXTURE_H
#define PH_TESTS_SYMBOL_FIXTURE_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "symbol/symbol.h"

static struct ph_symchild *symchild_patient(const struct ph_symchild_ops *ops, void *ctx, uint64_t patience_ns)
{
	const struct ph_symchild_options o = { .ops = ops, .ctx = ctx, .patience_ns = patience_ns };
	struct ph_symchild *c = NULL;
	struct ph_err err = { 0 };

	if (ph_symchild_new(&o, &c, &err))
		fail_msg("%s", err.msg);
	return c;
}

static ph_unused struct ph_symchild *symchild(void)
{
	return symchild_patient(NULL, NULL, 0);
}

static ph_unused void add_path(struct ph_symchild *c, uint32_t file, const char *path)
{
	struct ph_symfile_new what = { .fd = open(path, O_RDONLY | O_CLOEXEC), .path = path, .root = -1 };
	struct ph_err err = { 0 };

	if (what.fd < 0)
		fail_msg("%s cannot be opened", path);
	if (ph_symchild_add(c, file, &what, &err))
		fail_msg("%s", err.msg);
}

/* SIGSTOP, SIGKILL, to who is asked about @file; it has happened when this returns. */
static ph_unused void stop(struct ph_symchild *c, uint32_t file, int sig)
{
	pid_t pid = ph_symchild_pid(c, file);
	siginfo_t info;

	assert_true(pid > 0);
	assert_int_equal(kill(pid, sig), 0);
	/* Seen, and left for its parent. */
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED | WNOWAIT), 0);
}

/* What a command prints. */
static ph_unused char *said(const char *fmt, ...)
{
	struct ph_buf out = { 0 };
	char chunk[4096], *cmd;
	va_list ap;
	size_t n;
	FILE *p;

	va_start(ap, fmt);
	if (vasprintf(&cmd, fmt, ap) < 0)
		abort();
	va_end(ap);
	p = popen(cmd, "r");
	assert_non_null(p);
	while ((n = fread(chunk, 1, sizeof(chunk), p)))
		ph_buf_add(&out, chunk, n);
	pclose(p);
	free(cmd);
	return ph_buf_steal(&out);
}

/* main() of a program that is the child, too: the tests, with @dir, a template of mkdtemp(), made for them and removed. */
#define symbol_tests(argc, argv, dir, tests) symbol_tests_run(argc, argv, dir, #tests, tests, PH_ARRAY_SIZE(tests))
static ph_unused int symbol_tests_run(int argc, char **argv, char *dir, const char *name, const struct CMUnitTest *tests, size_t n)
{
	int r;

	if (ph_symchild_asked(argc, argv))
		return ph_symchild_main(argv);
	if (!mkdtemp(dir))
		return 1;
	r = _cmocka_run_group_tests(name, tests, n, NULL, NULL);
	free(said("rm -rf %s", dir));
	return r;
}

#endif
