/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_IDENTITY_CONTAINER_H
#define PH_IDENTITY_CONTAINER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"

/* The namespaces, in the order of all arrays, events and outputs (alphabetical). */
enum ph_ns {
	PH_NS_CGROUP, PH_NS_IPC, PH_NS_MNT, PH_NS_NET, PH_NS_PID, PH_NS_TIME, PH_NS_USER, PH_NS_UTS,
	PH_NS_MAX,
};

extern const char *const ph_ns_names[PH_NS_MAX];	/* "cgroup", "ipc" … */

/*
 * A container as porthole names it. Strings are owned, NULL where unknown. Its key is the cgroup
 * (hierarchy, id) with the start time, plus the namespace inodes: no one of them alone, because
 * inodes, pids and cgroup ids are used again, and sidecars share namespaces.
 */
struct ph_container {
	uint32_t index;		/* what events carry; 0 is the host */
	uint32_t parent;	/* container it runs in, 0: the host */
	char *id, *name, *runtime, *image, *state;
	char *pod, *pod_namespace, *pod_uid;
	char *uuid;		/* of a guest of KVM */
	ph_strv labels;		/* "key=value" */
	int32_t hierarchy;	/* of cgroup_path: 0 is v2 */
	char *cgroup_path;	/* in its hierarchy, as the host sees it; NULL: has no cgroup of its own */
	uint64_t cgroup_id;
	uint32_t ns[PH_NS_MAX];	/* of its first process, 0: unknown */
	int32_t init_pid;	/* host pid of its first process, 0: none; of a guest: the process that runs it */
	uint64_t start_ns;	/* Unix time */
	bool has_restarts;	/* does its runtime count how often it was started again? */
	uint32_t restarts;
};

/*
 * Guests of KVM are containers of this runtime. One whose process is in a container is there besides it: what
 * its process does is the container's, and the guest's as well.
 */
#define PH_RUNTIME_KVM "kvm"
bool ph_container_is_guest(const struct ph_container *c);
/* Is it told apart by its process, as no cgroup is its alone? */
bool ph_container_by_process(const struct ph_container *c);
/* A guest in a container. */
bool ph_container_is_within(const struct ph_container *c);

/*
 * As events have them: one a line. Of a label with line ends, which its owner may have chosen, the further lines begin with a tab; the line
 * after an empty one is a label's first, whatever it begins with.
 */
void ph_labels_join(const ph_strv *labels, struct ph_buf *out);
void ph_labels_split(const char *s, size_t n, ph_strv *ret);

/* Free the strings and zero @c. */
void ph_container_done(struct ph_container *c);

#endif
