/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LAUNCH_LAUNCH_H
#define PH_LAUNCH_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/vec.h"

/*
 * ph-launch starts a container of namespaces and control groups, with nothing but libc: for the
 * demonstration and the tests, on machines which have no container runtime. It is no sandbox for
 * code that one does not trust.
 */

#define PH_LAUNCH_CGROUP "porthole.d"		/* above the containers' groups, in each hierarchy */

/* Where each running container has a file that says what must go when it ends; it is made. */
const char *ph_state_dir(void);

/* Limits; 0 is "no limit of its own". */
struct ph_limits {
	double cpu;			/* in CPUs: 0.5 */
	uint64_t cpu_period_us;
	uint64_t cpu_burst_us;
	uint64_t cpu_weight;		/* 1 to 10000, 100 is the kernel's default */
	uint64_t memory_bytes;
	uint64_t pids;
	bool few_devices;
};

/* The container's directories in every mounted cgroup hierarchy. */
struct ph_cgroups {
	struct ph_cgroup_dir {
		char *mount;		/* where the hierarchy is mounted */
		char *controllers;	/* "cpu,cpuacct", "name=systemd"; "" for v2 */
		bool v2;
		size_t made;		/* components of the path which we made, from its end */
	} *v;
	size_t n, cap;
	char *path;			/* below every mount, without slashes at its ends */
};

/*
 * Make @path in every hierarchy that lets us, and set @lim. What a hierarchy refuses is told to
 * @warn (never fatal): a container without a limit is of more use than none.
 */
void ph_cgroups_make(struct ph_cgroups *cg, const char *path, const struct ph_limits *lim,
		     void (*warn)(const char *msg));
void ph_cgroups_attach(const struct ph_cgroups *cg, pid_t pid, void (*warn)(const char *msg));
/* Kill what is left in them, and remove the directories that ph_cgroups_make() made. */
void ph_cgroups_remove(const struct ph_cgroups *cg);
/* The most components that were made in a hierarchy, and removal by that number alone, for a
 * container whose launcher is gone. */
size_t ph_cgroups_made(const struct ph_cgroups *cg);
void ph_cgroups_remove_path(const char *path, size_t made);
void ph_cgroups_done(struct ph_cgroups *cg);

/* What the child does to itself before it runs the command. */
struct ph_mounts {
	const char *rootfs;		/* a directory, "host", or NULL for the built-in one */
	const char *const *bind;	/* "SRC:DST[:rw]" */
	size_t nbind;
	bool new_proc;			/* in a pid namespace of its own: mount proc */
};

/* Give the calling process (in its own mount namespace) the root file system of @m. */
int ph_rootfs_enter(const struct ph_mounts *m, struct ph_err *err);

struct ph_confine {
	uint64_t caps;			/* capability bits to keep */
	bool no_new_privs;
	const ph_strv *seccomp;		/* names or numbers of system calls to refuse */
	int seccomp_errno;
	const ph_strv *rlimits;		/* "nofile=64" */
};

int ph_confine(const struct ph_confine *c, struct ph_err *err);
int ph_caps_parse(const char *s, uint64_t *ret, struct ph_err *err);	/* all, none, default, list */
int ph_lo_up(void);

#endif
