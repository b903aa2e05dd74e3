/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_IDENTITY_SCAN_H
#define PH_IDENTITY_SCAN_H

#include "base/err.h"
#include "base/map.h"
#include "identity/container.h"
#include "identity/guests.h"

/*
 * What the running host's /proc, cgroup file systems and runtime state say of its containers.
 * Used by ps, inspect, pid and, for names and limits, by the recorder. Works without root for what
 * may be seen; what could not be seen is counted and told.
 */

struct ph_host_limit {
	bool found;
	uint64_t quota_us, period_us, burst_us;	/* CPU */
	uint64_t bytes;				/* memory */
	char *where;				/* path of the cgroup that sets it, owned */
	bool own;				/* it is the container's own */
};

/* A cgroup in one of the hierarchies. */
struct ph_cgroup_at {
	int32_t hierarchy;	/* 0: v2 */
	char *path;
};

struct ph_host_container {
	struct ph_container c;
	PH_VEC(struct ph_cgroup_at) cgroups;	/* its own, where it has one: none for the host */
	uint32_t ntasks;
	unsigned int pid_level;		/* depth of its pid namespace, 0: the host's */
	struct ph_host_limit cpu, memory;	/* in force: the container's own or the tightest ancestor's */
	int32_t cpu_hierarchy;
	char *cpu_cgroup;		/* path in the cpu controller's hierarchy */
	char *bundle;			/* OCI bundle, NULL unknown */
	struct ph_guest *guest;		/* what was found of a guest of KVM; NULL: it is none, or could not be looked into */
};

/* A process and the container that it is in. */
struct ph_scan_task {
	int32_t pid;
	uint32_t container;
	char comm[16];
};

struct ph_scan {
	PH_VEC(struct ph_host_container *) containers;	/* by index; [0] is the host */
	PH_VEC(struct ph_scan_task) tasks;	/* processes in user space, as /proc lists them */
	uint32_t hidden;		/* tasks that could not be looked into */
	char *hidden_why;		/* sentence, NULL */
};

struct ph_scan_opts {
	const char *root;	/* "/" or a tree made by a test */
	bool stopped;		/* also those that the runtimes know but that do not run */
	bool no_names;		/* cgroups and namespaces only: do not ask runtimes */
	int32_t seen_by;	/* ph_runtime_describe(): its runtime sees the files that this process sees */
	uint64_t runtime_timeout_ns;	/* for each runtime socket; 0: 200 ms */
};

int ph_scan_run(struct ph_scan *scan, const struct ph_scan_opts *opts, struct ph_err *err);
void ph_scan_done(struct ph_scan *scan);

/*
 * Engines that users run without root live in user and mount namespaces of their own, with all their
 * helpers, and are no containers.
 */
bool ph_sandbox_is_engine(const char *comm);
/*
 * Name a container that has only namespaces of its own (@c: cgroup_path, init_pid): after its cgroup
 * where that is not a unit, else after what runs in it. @comms: names of the processes that led to
 * it, outermost first, its first process last: a known launcher among them is its runtime. @ns,
 * @inum: the namespace that decides, which is its id.
 */
void ph_sandbox_name(struct ph_container *c, const char *const *comms, size_t n, const char *ns,
		     uint32_t inum);

/* Does its cgroup's path tell its id? */
bool ph_runtime_has_id(const struct ph_container *c);
/*
 * Fill in name, image, pod, labels, state of one container from what its runtime left on disk or
 * serves: @c has runtime, id, cgroup_path, pod_uid; where it has init_pid, what is on record of that
 * process may change runtime and id too. For containers that appear while recording.
 * Never fails: what is unknown stays NULL.
 */
void ph_runtime_describe(struct ph_container *c, const struct ph_scan_opts *opts, char **ret_bundle);

#endif
