/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_TESTS_CTF_DIR_H
#define PH_TESTS_CTF_DIR_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "test.h"

/* For tests of traces: a directory of one's own for each, and what babeltrace2 says of a trace in it. */
struct dir {
	char path[64];
};

ph_unused static int setup(void **state)
{
	struct dir *d = ph_alloc(sizeof(*d));

	strcpy(d->path, "/tmp/ph-ctf-XXXXXX");
	assert_non_null(mkdtemp(d->path));
	*state = d;
	return 0;
}

ph_unused static int teardown(void **state)
{
	struct dir *d = *state;
	ph_autofree char *cmd = ph_asprintf("rm -rf '%s'", d->path);

	assert_int_equal(system(cmd), 0);
	free(d);
	return 0;
}

/* What babeltrace2 prints of a trace; NULL where it is missing. It may say @said on stderr, else nothing. */
ph_unused static char *babeltrace_saying(const char *path, const char *options, const char *said)
{
	ph_autofree char *cmd = ph_asprintf("babeltrace2 %s '%s' 2>'%s/../bt.err'", options, path, path);
	ph_autofree char *errs = ph_asprintf("%s/../bt.err", path);
	ph_autobuf words = { 0 };
	struct ph_buf out = { 0 };
	char chunk[4096];
	size_t n;
	FILE *f;

	if (system("command -v babeltrace2 >/dev/null") != 0)
		return NULL;
	f = popen(cmd, "r");
	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)))
		ph_buf_add(&out, chunk, n);
	ph_buf_adds(&out, "");
	n = (size_t)pclose(f);
	assert_int_equal(ph_read_file_at(AT_FDCWD, errs, 1 << 20, &words), 0);
	if (!said && words.len)
		fprintf(stderr, "babeltrace2: %s\n", words.p);
	if (said)
		assert_non_null(strstr(words.p, said));
	else
		assert_int_equal(words.len, 0);
	assert_int_equal(n, 0);
	return ph_buf_steal(&out);
}

ph_unused static char *babeltrace(const char *path, const char *options)
{
	return babeltrace_saying(path, options, NULL);
}

#endif
