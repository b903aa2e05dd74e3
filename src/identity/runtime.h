/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_IDENTITY_RUNTIME_H
#define PH_IDENTITY_RUNTIME_H

#include <jansson.h>

#include "base/map.h"
#include "identity/proc.h"
#include "identity/scan.h"

/*
 * What the runtimes left on disk or serve about their containers. All of it is untrusted: sizes are
 * limited, what does not parse is as if it were not there, last parts of paths are not followed
 * where they are links.
 */
struct ph_runtimes {
	int rootfd;
	bool files_only;		/* a container's: ask no sockets, compare no pids */
	uint64_t timeout_ns;
	ph_strv bundle_dirs;		/* containerd's task folders, one a namespace */
	bool bundle_dirs_known;
	ph_strv docker_roots;		/* without leading slash: "var/lib/docker" */
	struct ph_strmap docker_api;	/* id -> json_t of the daemons' list */
	json_t *docker_list;		/* which owns them */
	bool docker_asked;
	ph_strv docker_sockets;
	struct ph_strmap podman;	/* id -> json_t in podman_files */
	PH_VEC(json_t *) podman_files;
	struct ph_strmap podman_dirs;	/* id -> its storage directory, owned */
	bool podman_loaded;
};

/* A container that somebody has a record of. Strings are owned, NULL unknown. */
struct ph_runtime_state {
	char *runtime, *id, *name, *bundle;
	int32_t pid;			/* of its first process */
	uint64_t start_ticks;		/* when that began, 0: not told */
	bool created;			/* it waits for its runtime's word to run its program */
};
typedef PH_VEC(struct ph_runtime_state) ph_runtime_states;

void ph_runtimes_open(struct ph_runtimes *rt, int rootfd, const struct ph_scan_opts *opts);
void ph_runtimes_done(struct ph_runtimes *rt);
/* A dockerd runs with these arguments (NUL-separated): learn where it keeps its state. */
void ph_runtimes_learn_dockerd(struct ph_runtimes *rt, const char *cmdline, size_t n);
/* @bundle_hint: where its shim or conmon has it, NULL unknown. */
void ph_runtimes_describe(struct ph_runtimes *rt, struct ph_container *c, const char *bundle_hint,
			  char **ret_bundle);
/* Containers that exist on disk, running or not: runtime and id. */
void ph_runtimes_list(struct ph_runtimes *rt, ph_runtime_states *out);
/* Those of runc and crun, with their first processes. */
void ph_runtimes_by_hand(struct ph_runtimes *rt, ph_runtime_states *out);
/*
 * What @up, the process above a container's first one (@init), tells of it: containerd's shim,
 * podman's and CRI-O's conmon, systemd-nspawn. @id: the container's where it is known, else NULL.
 */
bool ph_runtimes_above(struct ph_runtimes *rt, int procfd, const struct ph_proc_stat *up, int32_t init,
		       const char *id, struct ph_runtime_state *ret);
/*
 * Call @c what a record of it says. True: it has its id from there, as it was known by its
 * namespaces alone, or after the tool that podman, CRI-O and people all use.
 */
bool runtime_take(struct ph_container *c, struct ph_runtime_state *s);
void ph_runtime_state_done(struct ph_runtime_state *s);
void ph_runtime_states_done(ph_runtime_states *v);

/* ---- shared by runtime*.c ---- */

/*
 * Open what @path is below @rootfd, links in it too: the root may be a container's, and its links
 * whatever somebody in there liked them to be. Never waits (there may be a fifo).
 */
int runtime_open(int rootfd, const char *path, int flags);
/* The root of a process, to be searched so; -1 where that cannot be done safely. */
int runtime_open_root(int procfd, int32_t pid);
bool runtime_has(int rootfd, const char *path);
/* A regular file of at most @max bytes, its last part no link; NULL where that fails. */
char *runtime_read(int rootfd, const char *path, size_t max, size_t *ret_n);
/* JSON that somebody else wrote, as json_loadb(); changes @text. */
json_t *runtime_parse(char *text, size_t n, size_t flags);
json_t *runtime_json(int rootfd, const char *path);
/* A string member at the end of a chain of keys, NULL where there is none. */
const char *runtime_str(const json_t *j, const char *key);
/* Set where the container has none yet and @s says something. */
void runtime_set(char **dst, const char *s);
void runtime_label(struct ph_container *c, const char *key, const char *value);
/* Kubernetes' names and its count of restarts among labels or annotations. */
void runtime_kubernetes(struct ph_container *c, const json_t *labels);
/* Can this name be a part of a path below a state folder? */
bool runtime_safe(const char *name);

/* runtime_oci.c: those of runc and crun that people made */
void runtime_list_by_hand(struct ph_runtimes *rt, ph_runtime_states *out);
/* runtime_docker.c */
void docker_describe(struct ph_runtimes *rt, struct ph_container *c);
/* Is it in one of the daemons' folders that are known? */
bool docker_has(const struct ph_runtimes *rt, const struct ph_container *c);
void docker_list(struct ph_runtimes *rt, ph_runtime_states *out);
void docker_done(struct ph_runtimes *rt);
/* runtime_podman.c: podman and CRI-O, which share containers/storage */
void storage_describe(struct ph_runtimes *rt, struct ph_container *c, const char *bundle_hint,
		      char **ret_bundle);
/* Is a name in there one of CRI-O's? */
bool storage_is_crio(const char *name);
void storage_list(struct ph_runtimes *rt, ph_runtime_states *out);
void storage_done(struct ph_runtimes *rt);

#endif
