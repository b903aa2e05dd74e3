/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/limits.h"

#include <dirent.h>
#include <sys/resource.h>

#include "base/cleanup.h"

uint64_t ph_files_max(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return 1024;	/* what it is where nobody has set it */
	if (files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
		getrlimit(RLIMIT_NOFILE, &files);
	}
	return files.rlim_cur;
}

uint64_t ph_files_open(void)
{
	ph_autoclosedir DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	while (dir && readdir(dir))
		n++;
	return n;
}
