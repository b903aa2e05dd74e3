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
#include "symbol/opener.h"

int ph_symread_here(int fd)
{
	char self[64];
	int r;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	r = open(self, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return r < 0 ? -errno : r;
}

int ph_symread(int fd, pid_t pid, uint64_t max, enum ph_mount_kind *ret_kind)
{
	enum ph_mount_kind kind;
	struct stat st;
	int r = ph_stat_kept(fd, &st);

	if (r)
		return r;
	/* What it is does not change. */
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	if (max && (uint64_t)st.st_size > max)
		return -EFBIG;
	kind = ph_mount_kind(fd, pid);
	if (ret_kind)
		*ret_kind = kind;
	return kind == PH_MOUNT_SERVED ? ph_opener_copy(fd) : ph_symread_here(fd);
}

static int walk(int root, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | (uint64_t)flags,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve };
	int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

/* Within a mount that answers there is nothing to wait for. What is mounted there may be looked at, but be another thing a moment later. */
static int find_in(int root, pid_t pid, const char *path, int flags)
{
	ph_autoclose int host = -1;
	int r = -EXDEV;

	if (root < 0) {
		host = open("/", O_PATH | O_CLOEXEC);
		return host < 0 ? -errno : walk(host, path, flags, 0);
	}
	if (ph_mount_kind(root, pid) != PH_MOUNT_SERVED)
		r = walk(root, path, flags, RESOLVE_NO_XDEV);
	return r == -EXDEV ? ph_opener_walk(root, path, flags) : r;
}

int ph_symfind(int root, pid_t pid, const char *path)
{
	return find_in(root, pid, path, 0);
}

int ph_symopen(int root, pid_t pid, const char *path, uint64_t max)
{
	ph_autoclose int fd = ph_symfind(root, pid, path);

	return fd < 0 ? fd : ph_symread(fd, pid, max, NULL);
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

int ph_symfind_perf_map(pid_t pid)
{
	ph_autofree char *root_path = ph_asprintf("/proc/%d/root", pid);
	ph_autoclose int root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int own = own_pid(pid);
	ph_autofree char *path = ph_asprintf("/tmp/perf-%d.map", own);

	if (root < 0 || !own)
		return -ESRCH;
	return find_in(root, pid, path, O_NOFOLLOW);
}

int ph_symfind_mapped(pid_t pid, uint64_t begin, uint64_t end)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", pid, (unsigned long long)begin,
		 (unsigned long long)end);
	fd = open(path, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int ph_symopen_mapped(pid_t pid, uint64_t begin, uint64_t end, enum ph_mount_kind *ret_kind)
{
	ph_autoclose int fd = ph_symfind_mapped(pid, begin, end);

	return fd < 0 ? fd : ph_symread(fd, pid, 0, ret_kind);
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
