/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_TESTS_HOST_TREE_H
#define PH_TESTS_HOST_TREE_H

#include "test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"

/* An imitated host: /proc, cgroup file systems and runtimes' state, made of plain files in a temporary folder. */
#define HOST_PIDNS 4026531836u
#define V2_MOUNT "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"

struct host {
	char root[32];
};

static inline void put(struct host *h, const char *path, const char *fmt, ...)
{
	ph_autofree char *full = ph_asprintf("%s/%s", h->root, path);
	ph_autofclose FILE *f = NULL;
	va_list ap;

	for (char *s = full + strlen(h->root) + 1; (s = strchr(s, '/')); *s++ = '/') {
		*s = 0;
		mkdir(full, 0755);
	}
	f = fopen(full, "we");
	assert_non_null(f);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
}

static inline void put_link(struct host *h, const char *path, const char *to)
{
	ph_autofree char *full = ph_asprintf("%s/%s", h->root, path);

	put(h, path, "");
	assert_int_equal(unlink(full), 0);
	assert_int_equal(symlink(to, full), 0);
}

static inline void add_ns(struct host *h, int pid, const char *type, unsigned int inum)
{
	ph_autofree char *path = ph_asprintf("proc/%d/ns/%s", pid, type);
	char to[64];

	snprintf(to, sizeof(to), "%s:[%u]", type, inum);
	put_link(h, path, to);
}

/* A process: @own is added to the host's namespace numbers of pid, mnt, net and ipc. */
static inline void add_proc(struct host *h, int pid, int ppid, const char *comm, const char *cgroup,
		     unsigned int own, const char *nspids)
{
	ph_autofree char *stat = ph_asprintf("proc/%d/stat", pid), *cg = ph_asprintf("proc/%d/cgroup", pid);
	ph_autofree char *status = ph_asprintf("proc/%d/status", pid);

	put(h, stat, "%d (%s) S %d 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 2 0 %d 0 0", pid, comm, ppid,
	    pid * 100);
	put(h, cg, "%s", cgroup);
	put(h, status, "Name:\t%s\nTgid:\t%d\nNStgid:\t%d%s\nCapEff:\t00000000a80425fb\nSeccomp:\t2\n"
	    "NoNewPrivs:\t1\n", comm, pid, pid, nspids);
	add_ns(h, pid, "cgroup", 4026531835u);
	add_ns(h, pid, "ipc", 4026531839u + own);
	add_ns(h, pid, "mnt", 4026531832u + own);
	add_ns(h, pid, "net", 4026531833u + own);
	add_ns(h, pid, "pid", HOST_PIDNS + own);
	add_ns(h, pid, "time", 4026531834u);
	add_ns(h, pid, "user", 4026531837u);
	add_ns(h, pid, "uts", 4026531838u);
}

static inline void host_new(struct host *h, const char *cgroup, const char *mounts)
{
	/* In memory: files of a disk that are written anew wait for it on some file systems (ext4). */
	strcpy(h->root, access("/dev/shm", W_OK | X_OK) ? "/tmp/ph-scan-XXXXXX" : "/dev/shm/ph-scan-XXXXXX");
	assert_non_null(mkdtemp(h->root));
	put(h, "proc/stat", "cpu 1 2 3\nbtime 1700000000\nprocesses 5\n");
	put(h, "proc/self/cgroup", "%s", cgroup);
	put(h, "proc/self/mountinfo", "%s", mounts);
	add_proc(h, 1, 0, "systemd", cgroup, 0, "");
}

static inline int rm(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static inline void host_remove(struct host *h, const char *path)
{
	ph_autofree char *full = ph_asprintf("%s/%s", h->root, path);

	assert_int_equal(nftw(full, rm, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void host_done(struct host *h)
{
	nftw(h->root, rm, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
