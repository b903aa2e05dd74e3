/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/vec.h"

#define MOUNTINFO_MAX (16u << 20)

struct mount {
	uint64_t id;
	dev_t dev;
	enum ph_mount_kind kind;
};

/* "36 35 0:42 / /mnt rw,relatime shared:1 - fuse.sshfs host: rw". Blanks in names are escaped. */
static bool read_mount(const char *line, struct mount *ret)
{
	const char *type = strstr(line, " - ");
	unsigned int maj, min;
	unsigned long long id;

	if (!type || sscanf(line, "%llu %*u %u:%u", &id, &maj, &min) != 3)
		return false;
	type += 3;
	*ret = (struct mount){
		.id = id, .dev = makedev(maj, min),
		.kind = !strncmp(type, "fuse", 4) ? PH_MOUNT_SERVED : !strncmp(type, "overlay ", 8) ? PH_MOUNT_LAYERS : PH_MOUNT_PLAIN,
	};
	return true;
}

/* ---- our own mounts ------------------------------------------------------------------------------ */

/* Which no container can change. The list is read when it has changed. */
static struct {
	pthread_mutex_t lock;
	int fd;
	PH_VEC(struct mount) v;
} own = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

static void look_at_own(void)
{
	struct pollfd p = { .events = POLLPRI };
	ph_autobuf b = { 0 };
	char *rest, *line;

	if (own.fd < 0)
		own.fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	else if ((p.fd = own.fd, poll(&p, 1, 0)) == 0)
		return;
	own.v.n = 0;
	if (ph_read_file_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &b) < 0)
		return;
	rest = b.p;
	while ((line = strsep(&rest, "\n"))) {
		struct mount m;

		if (read_mount(line, &m))
			*ph_vec_push(&own.v) = m;
	}
}

/* By the mount; else by the file system, which is mounted elsewhere, too. While a file of it is open, its numbers are no other's. */
static bool is_own(uint64_t id, dev_t dev, enum ph_mount_kind *ret)
{
	const struct mount *found = NULL;

	pthread_mutex_lock(&own.lock);
	look_at_own();
	ph_vec_each(m, &own.v) {
		if (m->id == id) {
			found = m;
			break;
		}
		if (m->dev == dev)
			found = m;
	}
	if (found)
		*ret = found->kind;
	pthread_mutex_unlock(&own.lock);
	return found;
}

/* ---- others' ------------------------------------------------------------------------------------- */

/* Files of btrfs, and of overlays of several file systems, have devices that no mount has; and what is unmounted is in no list. */
static bool is_of(pid_t pid, uint64_t id, struct mount *ret)
{
	ph_autofree char *path = ph_asprintf("/proc/%d/mountinfo", pid);
	ph_autobuf b = { 0 };
	char *rest, *line;

	if (ph_read_file_at(AT_FDCWD, path, MOUNTINFO_MAX, &b) < 0)
		return false;
	rest = b.p;
	while ((line = strsep(&rest, "\n")))
		if (read_mount(line, ret) && ret->id == id)
			return true;
	return false;
}

/* The kernel's own mount, which is in no list: of memory files. */
static bool is_memory(dev_t dev)
{
	static dev_t memory;
	ph_autoclose int fd = -1;
	struct stat st;

	if (!memory) {
		fd = memfd_create("device", MFD_CLOEXEC);
		if (fd >= 0 && !fstat(fd, &st))
			memory = st.st_dev;
	}
	return dev == memory;
}

int ph_mount_alone(const char *type, const char *key, const char *value)
{
	ph_autoclose int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0 || (key && syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, key, value, 0)) ||
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -errno;
	fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The kernel lists who serves: a directory each, and there are none. Where it has no such file systems at all, there is no list either. */
static bool nobody_serves(void)
{
	ph_autoclose int mount = ph_mount_alone("fusectl", NULL, NULL);
	ph_autoclosedir DIR *d = NULL;
	const struct dirent *e;
	int fd;

	if (mount < 0)
		return mount == -ENODEV;
	fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			return false;
	return d;
}

enum ph_mount_kind ph_mount_kind(int fd, pid_t pid)
{
	enum ph_mount_kind kind;
	struct mount there;
	struct statx st;
	dev_t dev;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_MNT_ID, &st))
		return PH_MOUNT_SERVED;
	dev = makedev(st.stx_dev_major, st.stx_dev_minor);
	if (is_own(st.stx_mnt_id, dev, &kind))
		return kind;
	if (is_memory(dev))
		return PH_MOUNT_PLAIN;
	if (pid > 0 && is_of(pid, st.stx_mnt_id, &there)) {
		if (there.kind == PH_MOUNT_PLAIN || (there.kind == PH_MOUNT_LAYERS && is_own(there.id, there.dev, &kind)))
			return there.kind;
	}
	return nobody_serves() ? PH_MOUNT_PLAIN : PH_MOUNT_SERVED;
}

int ph_stat_kept(int fd, struct stat *ret)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &st))
		return -errno;
	*ret = (struct stat){
		.st_dev = makedev(st.stx_dev_major, st.stx_dev_minor), .st_ino = st.stx_ino, .st_mode = st.stx_mode, .st_uid = st.stx_uid,
		.st_size = (off_t)st.stx_size, .st_mtim = { st.stx_mtime.tv_sec, st.stx_mtime.tv_nsec },
		.st_ctim = { st.stx_ctime.tv_sec, st.stx_ctime.tv_nsec },
	};
	return 0;
}
