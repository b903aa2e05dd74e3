/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "collect/cgdir.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool cgdir_open(struct cgdir *d, int dirfd, const char *name, const struct ph_buf *path)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	*d = (struct cgdir){ .fd = fd, .path_len = path->len };
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0)
		d->dir = fdopendir(fd);
	if (!d->dir) {
		close(fd);
		return false;
	}
	d->id = st.st_ino;
	return true;
}

const char *cgdir_next(struct cgdir *d, struct ph_buf *path)
{
	struct dirent *de;

	path->len = d->path_len;
	path->p[path->len] = 0;
	/* The kernel takes any name, also one with a dot before it. */
	do
		de = readdir(d->dir);
	while (de && (de->d_type != DT_DIR || !strcmp(de->d_name, ".") || !strcmp(de->d_name, "..")));
	if (!de)
		return NULL;
	if (path->len > 1)
		ph_buf_addc(path, '/');
	ph_buf_adds(path, de->d_name);
	return de->d_name;
}

void cgdir_close(struct cgdir *d)
{
	if (d->dir)
		closedir(d->dir);
	*d = (struct cgdir){ 0 };
}
