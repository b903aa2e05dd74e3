/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_IDENTITY_SELECT_H
#define PH_IDENTITY_SELECT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/opt.h"
#include "identity/model.h"

/*
 * The selection, the same for every verb: -c/--container, --podname, -n/--namespace, -l/--selector,
 * --image, -p/--pid, --cgroup, --ns, --comm, --host, -a/--all. Comma lists; a leading ! excludes.
 * Different options are ANDed, values of one option ORed. Container patterns match the name, the id
 * (of a hexadecimal one, any prefix of at least 4 characters) or a glob of either; of a guest of KVM the uuid too.
 */
struct ph_selection {
	ph_strv container, podname, pod_namespace, label, image, cgroup, comm, ns, pid;
	bool host, all;
	PH_VEC(int32_t) pids;		/* parsed by ph_selection_check(), and a command's; negative: excluded */
	struct ph_u64map born;		/* processes that are as those are: their children, to any depth */
	struct { enum ph_ns type; uint32_t inum; bool not; } *ns_sel;
	size_t nns;
};

#define PH_SELECTION_NOPTS 12
void ph_selection_opts(struct ph_selection *sel, struct ph_opt opts[PH_SELECTION_NOPTS]);
void ph_selection_done(struct ph_selection *sel);
/* Parse and check the values; -EINVAL with a sentence. */
int ph_selection_check(struct ph_selection *sel, struct ph_err *err);

/* Nothing given: everything. */
bool ph_selection_empty(const struct ph_selection *sel);
/* Does the selection say anything about containers (name, pod, label, image, cgroup, --host)? */
bool ph_selection_by_container(const struct ph_selection *sel);
/* Is this container (index 0: the host) selected by the options about containers? */
bool ph_selection_match_container(const struct ph_selection *sel, const struct ph_container *c);
/* The same of what a process does that is in @c and runs @guest there (NULL: none): it is selected by either. */
bool ph_selection_match_within(const struct ph_selection *sel, const struct ph_container *c,
			       const struct ph_container *guest);
/* Does --comm select a task of this name? */
bool ph_selection_match_comm(const struct ph_selection *sel, const char *comm);
/*
 * Keep track of whose children are selected with --pid. To be called for every event of the stream,
 * after ph_identity_feed() and before ph_selection_match().
 */
void ph_selection_follow(struct ph_selection *sel, const struct ph_event *ev);
/* Is this event selected: container, pid, comm, namespaces of its task? To be asked after feed. */
bool ph_selection_match(const struct ph_selection *sel, const struct ph_identity *id,
			const struct ph_event *ev);

/* The @n containers that are selected, by name and the number that tells each from all others: "web (#1, 4f5e01234567), web (#7)". */
void ph_selection_list(const struct ph_container *const *c, size_t n, struct ph_buf *out);
/*
 * The sentence for a selection that matched none of @n containers: what was asked, what is there,
 * with the nearest names. Returns -ENOENT.
 */
int ph_selection_none(const struct ph_selection *sel, const struct ph_container *const *c, size_t n,
		      struct ph_err *err);

#endif
