/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_IDENTITY_RUNTIME_H
#define PH_IDENTITY_RUNTIME_H

#include <jansson.h>

#include "base/map.h"
#include "identity/scan.h"

/*
 * What the runtimes left on disk or serve about their containers. All of it is untrusted: sizes are
 * limited, what does not parse is as if it were not there, last parts of paths are not followed
 * where they are links.
 */
struct ph_runtimes {
	int rootfd;
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

/* A container that a runtime which keeps no names (runc, crun by hand) has a record of. */
struct ph_runtime_state {
	char *runtime, *id, *bundle;
	int32_t pid;
};
typedef PH_VEC(struct ph_runtime_state) ph_runtime_states;

void ph_runtimes_open(struct ph_runtimes *rt, int rootfd, const struct ph_scan_opts *opts);
void ph_runtimes_done(struct ph_runtimes *rt);
/* A dockerd runs with these arguments (NUL-separated): learn where it keeps its state. */
void ph_runtimes_learn_dockerd(struct ph_runtimes *rt, const char *cmdline, size_t n);
/* @bundle_hint: where the shim stands, NULL unknown. */
void ph_runtimes_describe(struct ph_runtimes *rt, struct ph_container *c, const char *bundle_hint,
			  char **ret_bundle);
/* Containers that exist on disk, running or not: runtime and id. */
void ph_runtimes_list(struct ph_runtimes *rt, ph_runtime_states *out);
/* Those of runc and crun, with their first processes. */
void ph_runtimes_by_hand(struct ph_runtimes *rt, ph_runtime_states *out);
void ph_runtime_states_done(ph_runtime_states *v);

/* ---- shared by runtime*.c ---- */

/* A regular file of at most @max bytes, its last part no link; NULL where that fails. */
char *runtime_read(int rootfd, const char *path, size_t max, size_t *ret_n);
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

/* runtime_docker.c */
void docker_describe(struct ph_runtimes *rt, struct ph_container *c);
void docker_list(struct ph_runtimes *rt, ph_runtime_states *out);
void docker_done(struct ph_runtimes *rt);
/* runtime_podman.c: podman and CRI-O, which share containers/storage */
void storage_describe(struct ph_runtimes *rt, struct ph_container *c, char **ret_bundle);
void storage_list(struct ph_runtimes *rt, ph_runtime_states *out);
void storage_done(struct ph_runtimes *rt);

#endif
