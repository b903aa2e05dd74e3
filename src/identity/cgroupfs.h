/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_IDENTITY_CGROUPFS_H
#define PH_IDENTITY_CGROUPFS_H

#include "base/map.h"
#include "identity/scan.h"

/*
 * The cgroup hierarchies that are mounted: one for v2, one a (set of) controller(s) for v1, or both
 * (hybrid). Limits are read once a cgroup and remembered.
 */
struct ph_hierarchy {
	int num;			/* 0: v2 */
	char *controllers;		/* "cpu,cpuacct", "name=systemd"; v2: what its root offers */
	char *mount;			/* without the leading slash, NULL: not mounted */
	char *root;			/* of the mount in the hierarchy: "/" outside containers */
};

struct ph_cgroupfs {
	int rootfd;
	PH_VEC(struct ph_hierarchy) h;
	struct ph_strmap limits;	/* "kind mount path" -> struct ph_host_limit */
};

/* @rootfd stays the caller's. Reads proc/self/{cgroup,mountinfo}. */
void ph_cgroupfs_open(struct ph_cgroupfs *fs, int rootfd);
void ph_cgroupfs_done(struct ph_cgroupfs *fs);

const struct ph_hierarchy *ph_cgroupfs_by_num(const struct ph_cgroupfs *fs, int num);
/* The hierarchy that has @controller ("cpu", "memory", "freezer", "name=systemd"), or NULL. */
const struct ph_hierarchy *ph_cgroupfs_by_controller(const struct ph_cgroupfs *fs,
						     const char *controller);
/* The path of hierarchy @num in a /proc/PID/cgroup; NULL or an owned string. */
char *ph_cgroup_path_of(const char *content, int num);

/* A small file of a cgroup, trimmed, into @buf: 0 or -errno. */
int ph_cgroupfs_read(const struct ph_cgroupfs *fs, const struct ph_hierarchy *h, const char *path,
		     const char *file, char *buf, size_t size);
/* The directory of a cgroup, for who reads its files again and again: a descriptor or -errno. */
int ph_cgroupfs_dir(const struct ph_cgroupfs *fs, const struct ph_hierarchy *h, const char *path);
/* The inode of the directory, which is its id; 0 unknown. */
uint64_t ph_cgroupfs_id(const struct ph_cgroupfs *fs, const struct ph_hierarchy *h, const char *path);

/* The limit that this one cgroup sets; ->found false where it sets none. */
void ph_cgroupfs_cpu(struct ph_cgroupfs *fs, const struct ph_hierarchy *h, const char *path,
		     struct ph_host_limit *ret);
void ph_cgroupfs_memory(struct ph_cgroupfs *fs, const struct ph_hierarchy *h, const char *path,
			struct ph_host_limit *ret);
/* The one in force at @path: its own or the tightest ancestor's; ->where is owned. */
void ph_cgroupfs_limit(struct ph_cgroupfs *fs, const char *controller, const char *path,
		       struct ph_host_limit *ret);
/* Is @path of freezer hierarchy @h frozen, by itself or an ancestor? */
bool ph_cgroupfs_frozen(const struct ph_cgroupfs *fs, const struct ph_hierarchy *h, const char *path);

#endif
