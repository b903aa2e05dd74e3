/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runc and crun keep of their containers; what the process above a first one tells of it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "identity/cgpath.h"
#include "identity/runtime.h"

static void state_free(struct ph_runtime_state *s)
{
	free(s->runtime);
	free(s->id);
	free(s->name);
	free(s->bundle);
}

void ph_runtime_state_done(struct ph_runtime_state *s)
{
	state_free(s);
	*s = (struct ph_runtime_state){ 0 };
}

void ph_runtime_states_done(ph_runtime_states *v)
{
	for (size_t i = 0; i < v->n; i++)
		state_free(&v->v[i]);
	ph_vec_done(v);
}

bool ph_runtime_has_id(const struct ph_container *c)
{
	struct ph_cgpath cp;

	return c->cgroup_path && ph_cgpath_parse(c->cgroup_path, &cp);
}

static bool is_vague(const struct ph_container *c)
{
	return !ph_runtime_has_id(c) || !strcmp(c->runtime, "oci") || !strcmp(c->runtime, "runc") ||
	       !strcmp(c->runtime, "crun");
}

bool runtime_take(struct ph_container *c, struct ph_runtime_state *s)
{
	bool vague = is_vague(c);

	if (vague) {
		free(c->runtime);
		free(c->name);
		c->runtime = ph_take(s->runtime);
		c->name = NULL;
		if (s->id) {
			free(c->id);
			c->id = ph_take(s->id);
		}
	}
	if (s->created) {
		free(c->state);
		c->state = ph_strdup("created");
	}
	if (!c->name)
		c->name = ph_take(s->name);
	return vague;
}

/* ---- state.json, status --------------------------------------------------------------------------- */

static json_int_t either(const json_t *j, const char *runc, const char *crun)
{
	const json_t *v = json_object_get(j, runc);

	return json_integer_value(v ? v : json_object_get(j, crun));
}

static void take_state(struct ph_runtimes *rt, ph_runtime_states *out, const char *runtime,
		       const char *dir, const char *id, json_t *j)
{
	const json_t *labels = json_object_get(json_object_get(j, "config"), "labels");
	ph_autofree char *fifo = ph_asprintf("%s/%s/exec.fifo", dir, id);
	json_int_t pid = either(j, "init_process_pid", "pid");
	json_int_t start = either(j, "init_process_start", "process-start-time");
	const char *bundle = runtime_str(j, "bundle");
	struct ph_runtime_state *s;
	size_t i;
	json_t *l;

	if (pid <= 0 || pid > INT32_MAX)
		return;
	json_array_foreach(labels, i, l) {
		const char *v = json_string_value(l);

		if (v && !strncmp(v, "bundle=", 7))
			bundle = v + 7;
	}
	s = ph_vec_push(out);
	s->runtime = ph_strdup(runtime);
	s->id = ph_strdup(id);
	s->bundle = ph_strdup(bundle);
	s->pid = (int32_t)pid;
	s->start_ticks = start > 0 ? (uint64_t)start : 0;
	/* What `create` has made waits there for `start`. */
	s->created = runtime_has(rt->rootfd, fifo);
}

static void states_in(struct ph_runtimes *rt, const char *dir, const char *runtime, const char *file,
		      ph_runtime_states *out)
{
	int fd = runtime_open(rt->rootfd, dir, O_RDONLY | O_DIRECTORY);
	ph_autoclosedir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *de;

	while (d && (de = readdir(d))) {
		ph_autofree char *path = NULL;
		json_t *j;

		if (!runtime_safe(de->d_name))
			continue;
		path = ph_asprintf("%s/%s/%s", dir, de->d_name, file);
		j = runtime_json(rt->rootfd, path);
		if (json_is_object(j))
			take_state(rt, out, runtime, dir, de->d_name, j);
		json_decref(j);
	}
}

void ph_runtimes_by_hand(struct ph_runtimes *rt, ph_runtime_states *out)
{
	int fd = runtime_open(rt->rootfd, "run/user", O_RDONLY | O_DIRECTORY);
	ph_autoclosedir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *de;

	states_in(rt, "run/runc", "runc", "state.json", out);
	states_in(rt, "run/crun", "crun", "status", out);
	while (d && (de = readdir(d))) {
		ph_autofree char *runc = ph_asprintf("run/user/%s/runc", de->d_name);
		ph_autofree char *crun = ph_asprintf("run/user/%s/crun", de->d_name);

		if (de->d_name[0] == '.')
			continue;
		states_in(rt, runc, "runc", "state.json", out);
		states_in(rt, crun, "crun", "status", out);
	}
}

void runtime_list_by_hand(struct ph_runtimes *rt, ph_runtime_states *out)
{
	size_t first = out->n, kept;

	ph_runtimes_by_hand(rt, out);
	/* Ids of that length are of those who have a list of their own. */
	kept = first;
	for (size_t i = first; i < out->n; i++) {
		if (strlen(out->v[i].id) == 64)
			state_free(&out->v[i]);
		else
			out->v[kept++] = out->v[i];
	}
	out->n = kept;
}

/* ---- the process above ---------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The file in which a shim keeps the number of its container's first process. */
static bool init_is(struct ph_runtimes *rt, const char *dir, const char *id, int32_t pid)
{
	ph_autofree char *path = ph_asprintf("%s/%s/init.pid", dir, id);
	ph_autofree char *text = NULL;
	size_t n;

	text = rt->files_only ? NULL : runtime_read(rt->rootfd, path, 64, &n);
	return text && strtol(text, NULL, 10) == pid;
}

/*
 * A shim stands in the bundle of the container that it was started for. One of a pod has the pod's
 * other containers too, whose bundles are beside.
 */
static bool of_shim(struct ph_runtimes *rt, int procfd, int32_t shim, int32_t init, const char *id,
		    struct ph_runtime_state *ret)
{
	ph_autofree char *dir = NULL;
	char path[32], cwd[4096], *slash;
	ssize_t n;

	snprintf(path, sizeof(path), "%d/cwd", shim);
	n = readlinkat(procfd, path, cwd, sizeof(cwd) - 1);
	if (n <= 0 || cwd[0] != '/')
		return false;
	cwd[n] = 0;
	slash = strrchr(cwd, '/');
	dir = ph_strndup(cwd + 1, slash > cwd ? (size_t)(slash - cwd - 1) : 0);
	if (id) {
		ret->id = ph_strdup(id);
	} else if (init_is(rt, dir, slash + 1, init)) {
		ret->id = ph_strdup(slash + 1);
	} else {
		int fd = runtime_open(rt->rootfd, dir, O_RDONLY | O_DIRECTORY);
		ph_autoclosedir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
		struct dirent *de;

		while (!ret->id && d && (de = readdir(d)))
			if (runtime_safe(de->d_name) && init_is(rt, dir, de->d_name, init))
				ret->id = ph_strdup(de->d_name);
		if (!ret->id)
			return false;
	}
	ret->runtime = ph_strdup(strcmp(base_name(dir), "moby") ? "containerd" : "docker");
	ret->bundle = ph_asprintf("/%s/%s", dir, ret->id);
	return true;
}

/* conmon was told everything: -c ID -n NAME -b BUNDLE. */
static bool of_conmon(int procfd, int32_t conmon, const char *id, struct ph_runtime_state *ret)
{
	ph_autobuf b = { 0 };
	char path[32];

	snprintf(path, sizeof(path), "%d/cmdline", conmon);
	if (ph_read_file_at(procfd, path, 1 << 16, &b) < 0 || !b.p)
		return false;
	for (const char *a = b.p; a < b.p + b.len; a += strlen(a) + 1) {
		const char *next = a + strlen(a) + 1;

		if (next >= b.p + b.len)
			break;
		if (!ret->id && (!strcmp(a, "-c") || !strcmp(a, "--cid")))
			ret->id = ph_strdup(next);
		else if (!ret->name && (!strcmp(a, "-n") || !strcmp(a, "--name")))
			ret->name = ph_strdup(next);
		else if (!ret->bundle && (!strcmp(a, "-b") || !strcmp(a, "--bundle")))
			ret->bundle = ph_strdup(next);
	}
	if (!runtime_safe(ret->id) || (id && strcmp(ret->id, id)))
		return false;
	ret->runtime = ph_strdup(storage_is_crio(ret->name) ? "cri-o" : "podman");
	if (storage_is_crio(ret->name)) {	/* made of five parts, which the annotations have one by one */
		free(ret->name);
		ret->name = NULL;
	}
	return true;
}

/* nspawn without machined tells its machine's name to nobody: -M NAME, or the folder's. */
static bool of_nspawn(int procfd, int32_t nspawn, struct ph_runtime_state *ret)
{
	const char *machine = NULL, *dir = NULL, *slash;
	ph_autobuf b = { 0 };
	char path[32];

	snprintf(path, sizeof(path), "%d/cmdline", nspawn);
	if (ph_read_file_at(procfd, path, 1 << 16, &b) < 0 || !b.p)
		return false;
	for (const char *a = b.p; a < b.p + b.len; a += strlen(a) + 1) {
		const char *next = a + strlen(a) + 1;

		if (!strncmp(a, "--machine=", 10))
			machine = a + 10;
		else if (!strncmp(a, "--directory=", 12))
			dir = a + 12;
		else if (next < b.p + b.len && !strcmp(a, "-M"))
			machine = next;
		else if (next < b.p + b.len && !strcmp(a, "-D"))
			dir = next;
		else if (!strcmp(a, "--"))
			break;
	}
	slash = dir ? strrchr(dir, '/') : NULL;
	ret->runtime = ph_strdup("nspawn");
	ret->name = ph_strdup(machine ? machine : slash && slash[1] ? slash + 1 : dir);
	return ret->name;
}

bool ph_runtimes_above(struct ph_runtimes *rt, int procfd, const struct ph_proc_stat *up, int32_t init,
		       const char *id, struct ph_runtime_state *ret)
{
	bool r = false;

	*ret = (struct ph_runtime_state){ 0 };
	if (!strncmp(up->comm, "containerd-shim", 15))
		r = of_shim(rt, procfd, up->pid, init, id, ret);
	else if (!strcmp(up->comm, "conmon"))
		r = of_conmon(procfd, up->pid, id, ret);
	else if (!strcmp(up->comm, "systemd-nspawn"))
		r = of_nspawn(procfd, up->pid, ret);
	if (!r)
		ph_runtime_state_done(ret);
	return r;
}
