/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

/* The file that @fd (O_PATH) stands for, opened; what it is was looked at before, and does not change. */
static int reopen_regular(int fd, uint64_t max)
{
	char self[64];
	struct stat st;
	int r;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	if (max && (uint64_t)st.st_size > max)
		return -EFBIG;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	r = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return r < 0 ? -errno : r;
}

static int open_in(int root, const char *path, int flags, uint64_t max)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | (uint64_t)flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	ph_autoclose int host = -1, fd = -1;

	if (root < 0) {
		root = host = open("/", O_PATH | O_CLOEXEC);
		if (host < 0)
			return -errno;
	}
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	return fd < 0 ? -errno : reopen_regular(fd, max);
}

int ph_symopen(int root, const char *path, uint64_t max)
{
	return open_in(root, path, 0, max);
}

/* What the process is called in its own namespace; 0: it is gone. */
static int own_pid(pid_t pid)
{
	ph_autofree char *path = ph_asprintf("/proc/%d/status", pid);
	ph_autobuf b = { 0 };
	const char *line, *last;

	if (ph_read_file_at(AT_FDCWD, path, 1 << 16, &b))
		return 0;
	line = strstr(b.p, "\nNSpid:");
	if (!line)
		return 0;
	/* Of all namespaces that it is in, its own is the last one. */
	last = line + 1;
	for (const char *p = last; *p && *p != '\n'; p++)
		if (*p == '\t' || *p == ' ')
			last = p + 1;
	return atoi(last);
}

int ph_symopen_perf_map(pid_t pid)
{
	ph_autofree char *root_path = ph_asprintf("/proc/%d/root", pid);
	ph_autoclose int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int own = own_pid(pid);
	ph_autofree char *path = ph_asprintf("/tmp/perf-%d.map", own);

	if (root < 0 || !own)
		return -ESRCH;
	return open_in(root, path, O_NOFOLLOW, 0);
}

int ph_symopen_mapped(pid_t pid, uint64_t begin, uint64_t end)
{
	ph_autoclose int fd = -1;
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", pid, (unsigned long long)begin,
		 (unsigned long long)end);
	fd = open(path, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : reopen_regular(fd, 0);
}

int ph_symopen_image(const void *image, size_t n)
{
	ph_autoclose int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < n; ) {
		ssize_t w = write(fd, (const char *)image + done, n - done);

		if (w <= 0)
			return w ? -errno : -EIO;
		done += (size_t)w;
	}
	fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	r = fd;
	fd = -1;
	return r;
}
