/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_IDENTITY_CGPATH_H
#define PH_IDENTITY_CGPATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Which container a cgroup path belongs to, by the shapes that runtimes give their paths.
 * Strings point into a static table or into @buf.
 */
struct ph_cgpath {
	const char *runtime;	/* "docker", "containerd", "cri-o", "podman", "lxc", …; NULL: no container */
	char id[128];		/* container id or name, "" where the path has none */
	char pod_uid[64];	/* with dashes, "" outside Kubernetes */
	bool pod_only;		/* the path is in a pod, and in no container of it */
	bool watcher;		/* it is of who only watches one: LXC's monitor, conmon */
	size_t own_len;		/* length of the prefix that is the container's (or pod's) own cgroup */
};

/* One path ("/system.slice/docker-….scope/init"). Returns true where it is in a container. */
bool ph_cgpath_parse(const char *path, struct ph_cgpath *ret);
/* A whole /proc/PID/cgroup: the line that tells most. @ret_hierarchy, @ret_path may be NULL. */
bool ph_cgpath_parse_proc(const char *content, struct ph_cgpath *ret, int *ret_hierarchy,
			  char *ret_path, size_t path_size);

#endif
