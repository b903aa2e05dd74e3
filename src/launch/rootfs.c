/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "launch/launch.h"

/* What a shell script in the container may want of busybox. */
static const char *const applets[] = {
	"[", "ash", "awk", "cat", "chmod", "cp", "cut", "date", "dd", "echo", "env", "expr", "false",
	"find", "grep", "head", "hostname", "id", "ip", "kill", "ln", "ls", "md5sum", "mkdir",
	"mkfifo", "mount", "mv", "nc", "ping", "printf", "ps", "pwd", "readlink", "rm", "rmdir",
	"sed", "seq", "sh", "sleep", "sort", "stat", "sync", "tail", "test", "touch", "tr", "true",
	"umount", "uname", "uniq", "unshare", "usleep", "wc", "wget", "xargs", "yes",
};

static const char *const devices[] = { "null", "zero", "full", "random", "urandom", "tty" };

/* A file of the host in the search path, or next to this program. */
static char *find_program(const char *name)
{
	static const char *const dirs[] = { "/bin", "/usr/bin", "/sbin", "/usr/sbin",
					    "/usr/local/bin", "/usr/libexec/porthole" };
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = 0;
		ph_autofree char *p = ph_asprintf("%.*s/%s", (int)(strrchr(self, '/') - self), self,
						  name);

		if (!access(p, X_OK))
			return ph_take(p);
	}
	for (size_t i = 0; i < PH_ARRAY_SIZE(dirs); i++) {
		ph_autofree char *p = ph_asprintf("%s/%s", dirs[i], name);

		if (!access(p, X_OK))
			return ph_take(p);
	}
	return NULL;
}

/* Make @path (below the new root) and its parents; the last part a file if @file. */
static int make_target(const char *root, const char *path, bool file)
{
	ph_autofree char *p = ph_asprintf("%s/%s", root, path);
	struct stat st;
	int fd;

	if (!stat(p, &st))
		return 0;
	for (char *s = p + strlen(root) + 1; *s; s++) {
		if (*s != '/')
			continue;
		*s = 0;
		if (mkdir(p, 0755) && errno != EEXIST)
			return -errno;
		*s = '/';
	}
	if (!file)
		return mkdir(p, 0755) && errno != EEXIST ? -errno : 0;
	fd = open(p, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int bind(const char *root, const char *src, const char *dst, bool rw, struct ph_err *err)
{
	ph_autofree char *to = ph_asprintf("%s/%s", root, dst);
	struct stat st;
	int r;

	if (stat(src, &st))
		return ph_err_sys(err, errno, "bind %s", src);
	r = make_target(root, dst, !S_ISDIR(st.st_mode));
	if (r)
		return ph_err_sys(err, r, "bind %s: make %s", src, dst);
	if (mount(src, to, NULL, MS_BIND | MS_REC, NULL))
		return ph_err_sys(err, errno, "bind %s to %s", src, dst);
	/*
	 * In a user namespace the flags that the source's mount has must stay: add to them what
	 * the kernel tells us they are.
	 */
	if (!rw && mount(NULL, to, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) &&
	    mount(NULL, to, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL))
		return ph_err_sys(err, errno, "make %s read-only", dst);
	return 0;
}

static int bind_spec(const char *root, const char *spec, struct ph_err *err)
{
	ph_autofree char *s = ph_strdup(spec);
	char *dst = strchr(s, ':'), *mode;

	if (!dst)
		return ph_err_set(err, EINVAL, "--bind '%s' is not SRC:DST[:rw]", spec);
	*dst++ = 0;
	mode = strchr(dst, ':');
	if (mode)
		*mode++ = 0;
	if (mode && strcmp(mode, "rw") && strcmp(mode, "ro"))
		return ph_err_set(err, EINVAL, "--bind '%s': mode is ro or rw", spec);
	return bind(root, s, dst + strspn(dst, "/"), mode && !strcmp(mode, "rw"), err);
}

/* The devices that every program may ask for, shared memory and terminals: as runtimes make them. */
static int build_dev(const char *root, struct ph_err *err)
{
	static const char *const links[][2] = {
		{ "/proc/self/fd", "dev/fd" }, { "/proc/self/fd/0", "dev/stdin" },
		{ "/proc/self/fd/1", "dev/stdout" }, { "/proc/self/fd/2", "dev/stderr" }, { "pts/ptmx", "dev/ptmx" },
	};
	ph_autofree char *shm = ph_asprintf("%s/dev/shm", root), *pts = ph_asprintf("%s/dev/pts", root);
	int r;

	for (size_t i = 0; i < PH_ARRAY_SIZE(devices); i++) {
		ph_autofree char *src = ph_asprintf("/dev/%s", devices[i]);

		r = access(src, F_OK) ? 0 : bind(root, src, src + 1, true, err);
		if (r)
			return r;
	}
	for (size_t i = 0; i < PH_ARRAY_SIZE(links); i++) {
		ph_autofree char *p = ph_asprintf("%s/%s", root, links[i][1]);

		if (symlink(links[i][0], p) && errno != EEXIST)
			return ph_err_sys(err, errno, "link %s", links[i][1]);
	}
	mkdir(shm, 0755);
	mkdir(pts, 0755);
	if (mount("shm", shm, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=1777,size=64m"))
		return ph_err_sys(err, errno, "mount /dev/shm");
	if (mount("devpts", pts, "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620"))
		return ph_err_sys(err, errno, "mount /dev/pts");
	return 0;
}

/* A tmpfs with busybox and ph-load in /bin: as much as a script needs. */
static int build_rootfs(const char *root, struct ph_err *err)
{
	static const char *const dirs[] = { "bin", "dev", "etc", "proc", "root", "run", "sys", "tmp",
					    "var" };
	ph_autofree char *busybox = find_program("busybox");
	ph_autofree char *load = find_program("ph-load");
	int r;

	if (mount("porthole", root, "tmpfs", MS_NOSUID, "mode=755,size=256m"))
		return ph_err_sys(err, errno, "mount a tmpfs");
	for (size_t i = 0; i < PH_ARRAY_SIZE(dirs); i++) {
		ph_autofree char *d = ph_asprintf("%s/%s", root, dirs[i]);

		mkdir(d, !strcmp(dirs[i], "tmp") ? 01777 : 0755);
		chmod(d, !strcmp(dirs[i], "tmp") ? 01777 : 0755);
	}
	r = build_dev(root, err);
	if (r)
		return r;
	if (!busybox && !load)
		return ph_err_set(err, ENOENT, "neither busybox nor ph-load is to be found for the root "
				  "file system (package: busybox-static)");
	if (load) {
		r = bind(root, load, "bin/ph-load", false, err);
		if (r)
			return r;
	}
	if (!busybox)
		return 0;
	r = bind(root, busybox, "bin/busybox", false, err);
	for (size_t i = 0; !r && i < PH_ARRAY_SIZE(applets); i++) {
		ph_autofree char *p = ph_asprintf("%s/bin/%s", root, applets[i]);

		if (symlink("busybox", p))
			r = ph_err_sys(err, errno, "link %s", applets[i]);
	}
	return r;
}

int ph_rootfs_enter(const struct ph_mounts *m, struct ph_err *err)
{
	bool host = m->rootfs && !strcmp(m->rootfs, "host");
	int r = 0;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return ph_err_sys(err, errno, "make mounts private");
	if (host) {
		for (size_t i = 0; !r && i < m->nbind; i++)
			r = bind_spec("", m->bind[i], err);
		if (!r && m->new_proc && mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
					       NULL))
			r = ph_err_sys(err, errno, "mount /proc");
		return r;
	}

	/* Any directory will do that hides no source of a bind: only this namespace sees the mount. */
	ph_autofree char *dir = ph_asprintf("%s/root", ph_state_dir());

	if (mkdir(dir, 0755) && errno != EEXIST)
		return ph_err_sys(err, errno, "%s", dir);
	if (m->rootfs) {
		if (mount(m->rootfs, dir, NULL, MS_BIND | MS_REC, NULL))
			return ph_err_sys(err, errno, "root file system %s", m->rootfs);
		ph_autofree char *dev = ph_asprintf("%s/dev", dir);

		/* Over what is there: of an image that is nothing, or device files that do not matter here. */
		if (!access(dev, F_OK) && mount("dev", dev, "tmpfs", MS_NOSUID, "mode=755,size=64k"))
			return ph_err_sys(err, errno, "mount /dev");
		r = access(dev, F_OK) ? 0 : build_dev(dir, err);
	} else {
		r = build_rootfs(dir, err);
	}
	for (size_t i = 0; !r && i < m->nbind; i++)
		r = bind_spec(dir, m->bind[i], err);
	if (r)
		return r;

	ph_autofree char *proc = ph_asprintf("%s/proc", dir);

	mkdir(proc, 0555);
	if (m->new_proc ? mount("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) :
			  mount("/proc", proc, NULL, MS_BIND | MS_REC, NULL))
		return ph_err_sys(err, errno, "mount /proc");

	/* pivot_root(".", "."): the old root ends up below the new one and is let go. */
	if (chdir(dir) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
		return ph_err_sys(err, errno, "change the root to %s", dir);
	return 0;
}
