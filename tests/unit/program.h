/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_TESTS_PROGRAM_H
#define PH_TESTS_PROGRAM_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/parse.h"

/* porthole itself, from the command line to the last byte. */
struct result {
	char *out, *err;
	int code;
	size_t lines;		/* of out */
};

/* Run `porthole ARGS` by a shell; @dir is for what it writes to standard error. */
static struct result program_run(const char *dir, const char *args)
{
	ph_autofree char *errs = ph_asprintf("%s/err", dir);
	ph_autofree char *cmd = ph_asprintf("TZ=UTC '%s' %s 2>'%s'", PH_PROGRAM, args, errs);
	struct ph_buf out = { 0 }, err = { 0 };
	struct result r = { 0 };
	char chunk[65536];
	size_t n;
	FILE *p = popen(cmd, "r");

	assert_non_null(p);
	while ((n = fread(chunk, 1, sizeof(chunk), p)))
		ph_buf_add(&out, chunk, n);
	n = (size_t)pclose(p);
	assert_true(WIFEXITED(n));
	r.code = WEXITSTATUS(n);
	for (size_t i = 0; i < out.len; i++)
		r.lines += out.p[i] == '\n';
	assert_int_equal(ph_read_file_at(AT_FDCWD, errs, 1 << 20, &err), 0);
	r.out = ph_buf_steal(&out);
	r.err = ph_buf_steal(&err);
	return r;
}

static void result_done(struct result *r)
{
	free(r->out);
	free(r->err);
}

#endif
