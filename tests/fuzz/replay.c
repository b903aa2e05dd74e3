/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "fuzz.h"

/* Run a fuzz target on the files of the given directories: what was found once stays mended. */
int main(int argc, char **argv)
{
	unsigned int n = 0;

	for (int i = 1; i < argc; i++) {
		ph_autoclosedir DIR *d = opendir(argv[i]);
		struct dirent *e;

		while (d && (e = readdir(d))) {
			ph_autobuf b = { 0 };

			if (e->d_name[0] == '.' || ph_read_file_at(dirfd(d), e->d_name, 16 << 20, &b))
				continue;
			/* A copy of the exact size: a read behind its end is then seen. */
			ph_autofree uint8_t *p = malloc(b.len ? b.len : 1);

			if (b.len)
				memcpy(p, b.p, b.len);
			LLVMFuzzerTestOneInput(p, b.len);
			n++;
		}
	}
	printf("%u inputs\n", n);
	return n ? 0 : 1;
}
