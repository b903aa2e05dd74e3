/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_IDENTITY_SCAN_PRIV_H
#define PH_IDENTITY_SCAN_PRIV_H

/* The insides of a scan, shared by scan*.c only. */

#include "identity/cgroupfs.h"
#include "identity/proc.h"
#include "identity/runtime.h"
#include "identity/scan.h"

/* One content of /proc/PID/cgroup; the tasks of a cgroup share it. */
struct scan_cgroup {
	char *content;
	uint32_t container;		/* named by the path, 0: none */
	uint32_t owner;			/* container of all tasks in it + 1, 0: not told yet */
	bool mixed;			/* tasks of several containers, or of one and the host */
};

struct scan_proc {
	struct ph_proc_stat st;
	struct scan_cgroup *cg;		/* NULL: could not be read */
	uint32_t pid_ns, mnt_ns;	/* 0: could not be read */
	uint32_t owner;			/* container it is in */
	bool resolved, resolving;
};

/* What a scan knows of a container while it runs, by index. */
struct scan_found {
	size_t init;			/* position of its first process + 1, 0: none */
	size_t root;			/* sandboxes: the process it was found by + 1 */
	uint32_t key;			/* sandboxes: inode of the namespace that decides */
	bool sandbox;			/* found by namespaces */
	bool recorded;			/* and yet somebody has a record of it */
	bool within;			/* a guest of KVM in a container, which its process stays in */
};

struct scan_run {
	struct ph_scan *scan;
	int rootfd, procfd;
	struct ph_cgroupfs fs;
	struct ph_runtimes rt;		/* the host's */
	struct ph_u64map inner;		/* index -> struct ph_runtimes of what runs in that container */
	PH_VEC(size_t) dockerds;	/* positions */
	PH_VEC(struct scan_proc) procs;
	struct ph_u64map by_pid;	/* pid -> position + 1 */
	struct ph_strmap cgroups;	/* content -> struct scan_cgroup */
	struct ph_strmap by_path;	/* "hierarchy:path" -> index, as a pointer */
	struct ph_u64map sandboxes;	/* inode -> index + 1, as a pointer */
	struct ph_u64map places;	/* inode of a container's pid or mount namespace -> its index */
	PH_VEC(struct scan_found) found;
	uint64_t btime_ns;
	int32_t host_ref;		/* a process of the host that can be looked into */
	bool denied;
};

/* scan_tasks.c: read all processes, and put each into its container. */
int scan_tasks(struct scan_run *run, struct ph_err *err);

/* scan_guests.c: guests of KVM among them, before their containers' tasks are counted. */
void scan_guests(struct scan_run *run);
bool scan_cgroup_is_shared(const struct scan_run *run, uint32_t index, int hierarchy, const char *path);
void scan_name_guest(struct ph_host_container *hc, const struct scan_proc *init);
void scan_guest_pod(const struct scan_run *run, struct ph_container *c);

/* A new container; its index. */
uint32_t scan_add(struct scan_run *run);

#endif
