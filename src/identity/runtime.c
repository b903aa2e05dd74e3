/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "identity/runtime.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define STATE_MAX (4 << 20)

char *runtime_read(int rootfd, const char *path, size_t max, size_t *ret_n)
{
	/* O_NONBLOCK: somebody may have put a fifo there. */
	ph_autoclose int fd = openat(rootfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ph_autofree char *buf = NULL;
	struct stat st;
	size_t at = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
		return NULL;
	buf = ph_alloc((size_t)st.st_size + 1);
	while (at < (size_t)st.st_size) {
		ssize_t n = read(fd, buf + at, (size_t)st.st_size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	buf[at] = 0;
	*ret_n = at;
	return ph_take(buf);
}

json_t *runtime_json(int rootfd, const char *path)
{
	size_t n;
	ph_autofree char *text = runtime_read(rootfd, path, STATE_MAX, &n);

	return text ? json_loadb(text, n, 0, NULL) : NULL;
}

const char *runtime_str(const json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

void runtime_set(char **dst, const char *s)
{
	if (!*dst && s && *s)
		*dst = ph_strdup(s);
}

bool runtime_safe(const char *name)
{
	return name && *name && *name != '.' && !strchr(name, '/');
}

void runtime_label(struct ph_container *c, const char *key, const char *value)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < c->labels.n; i++)
		if (!strncmp(c->labels.v[i], key, n) && c->labels.v[i][n] == '=')
			return;
	*ph_vec_push(&c->labels) = ph_asprintf("%s=%s", key, value);
}

static void kubernetes_restarts(struct ph_container *c, const char *text)
{
	struct ph_err err = { 0 };
	uint64_t n;

	if (c->has_restarts || !text || ph_parse_u64(text, &n, &err) < 0 || n > UINT32_MAX)
		return;
	c->has_restarts = true;
	c->restarts = (uint32_t)n;
}

void runtime_kubernetes(struct ph_container *c, const json_t *labels)
{
	/* A pod's container that is started again is a new one to the runtime: only the kubelet counts. */
	kubernetes_restarts(c, runtime_str(labels, "io.kubernetes.container.restartCount"));
	kubernetes_restarts(c, runtime_str(labels, "annotation.io.kubernetes.container.restartCount"));
	runtime_set(&c->pod, runtime_str(labels, "io.kubernetes.pod.name"));
	runtime_set(&c->pod_namespace, runtime_str(labels, "io.kubernetes.pod.namespace"));
	runtime_set(&c->pod_uid, runtime_str(labels, "io.kubernetes.pod.uid"));
	runtime_set(&c->name, runtime_str(labels, "io.kubernetes.container.name"));
}

void ph_runtimes_open(struct ph_runtimes *rt, int rootfd, const struct ph_scan_opts *opts)
{
	*rt = (struct ph_runtimes){ .rootfd = rootfd };
	rt->timeout_ns = opts && opts->runtime_timeout_ns ? opts->runtime_timeout_ns : 200000000;
	ph_strv_add(&rt->docker_roots, "var/lib/docker");
	ph_strv_add(&rt->docker_sockets, "run/docker.sock");
}

void ph_runtimes_done(struct ph_runtimes *rt)
{
	docker_done(rt);
	storage_done(rt);
	ph_strv_done(&rt->bundle_dirs);
	ph_strv_done(&rt->docker_roots);
	ph_strv_done(&rt->docker_sockets);
}

void ph_runtime_states_done(ph_runtime_states *v)
{
	for (size_t i = 0; i < v->n; i++) {
		free(v->v[i].runtime);
		free(v->v[i].id);
		free(v->v[i].bundle);
	}
	ph_vec_done(v);
}

static void add_path(ph_strv *v, const char *path, size_t n)
{
	ph_autofree char *p = NULL;

	if (!n || *path != '/')
		return;
	p = ph_strndup(path + 1, n - 1);
	for (size_t i = 0; i < v->n; i++)
		if (!strcmp(v->v[i], p))
			return;
	ph_strv_add(v, p);
}

void ph_runtimes_learn_dockerd(struct ph_runtimes *rt, const char *cmdline, size_t n)
{
	const char *end = cmdline + n, *next;

	for (const char *a = cmdline; a < end; a = next) {
		static const struct {
			const char *opt, *skip;
			bool socket;
		} opts[] = { { "--data-root", "", false }, { "-g", "", false },
			     { "-H", "unix://", true }, { "--host", "unix://", true } };

		next = a + strnlen(a, (size_t)(end - a)) + 1;
		for (size_t i = 0; i < PH_ARRAY_SIZE(opts); i++) {
			size_t len = strlen(opts[i].opt), skip = strlen(opts[i].skip), have;
			const char *val = NULL;

			if (strncmp(a, opts[i].opt, len))
				continue;
			if (a[len] == '=')
				val = a + len + 1;
			else if (!a[len] && next < end)
				val = next;
			if (!val || strncmp(val, opts[i].skip, skip))
				continue;
			val += skip;
			have = strnlen(val, (size_t)(end - val));
			add_path(opts[i].socket ? &rt->docker_sockets : &rt->docker_roots, val, have);
		}
	}
}

/* ---- OCI bundles ----------------------------------------------------------------------------------- */

/*
 * The annotations of a bundle's config.json. The file holds a whole seccomp profile, which would
 * cost most of the time of a scan: only the object behind the key is parsed. The key cannot be met
 * inside of a string, where its quotes would be escaped.
 */
static json_t *annotations(int rootfd, const char *bundle)
{
	static const char key[] = "\"annotations\":";
	ph_autofree char *path = ph_asprintf("%s/config.json", bundle);
	ph_autofree char *text = NULL;
	char *at;
	size_t n;

	text = runtime_read(rootfd, path, STATE_MAX, &n);
	at = text ? memmem(text, n, key, sizeof(key) - 1) : NULL;
	if (!at)
		return NULL;
	at += sizeof(key) - 1;
	at += strspn(at, " \t\r\n");
	return json_loadb(at, n - (size_t)(at - text), JSON_DISABLE_EOF_CHECK, NULL);
}

static bool has_config(int rootfd, const char *bundle)
{
	ph_autofree char *path = ph_asprintf("%s/config.json", bundle);

	return faccessat(rootfd, path, F_OK, 0) == 0;
}

static void find_bundle_dirs(struct ph_runtimes *rt)
{
	static const char *const tops[] = { "run/containerd/io.containerd.runtime.v2.task",
					    "run/containerd/io.containerd.runtime.v1.linux",
					    "run/k3s/containerd/io.containerd.runtime.v2.task",
					    "var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(tops); i++) {
		int fd = openat(rt->rootfd, tops[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ph_autoclosedir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
		struct dirent *de;

		while (d && (de = readdir(d)))
			if (de->d_name[0] != '.')
				*ph_vec_push(&rt->bundle_dirs) = ph_asprintf("%s/%s", tops[i], de->d_name);
	}
	rt->bundle_dirs_known = true;
}

/* A task's folder has the same name in whatever namespace of containerd it is. */
static char *containerd_bundle(struct ph_runtimes *rt, const char *id)
{
	if (!rt->bundle_dirs_known)
		find_bundle_dirs(rt);
	for (size_t i = 0; i < rt->bundle_dirs.n; i++) {
		char *path = ph_asprintf("%s/%s", rt->bundle_dirs.v[i], id);

		if (has_config(rt->rootfd, path))
			return path;
		free(path);
	}
	return NULL;
}

static void from_annotations(struct ph_container *c, const json_t *a)
{
	const char *type = runtime_str(a, "io.kubernetes.cri.container-type");
	const char *key;
	json_t *v;

	if (!type)
		type = runtime_str(a, "io.kubernetes.cri-o.ContainerType");
	runtime_set(&c->name, runtime_str(a, "io.kubernetes.cri.container-name"));
	runtime_set(&c->pod, runtime_str(a, "io.kubernetes.cri.sandbox-name"));
	runtime_set(&c->pod_namespace, runtime_str(a, "io.kubernetes.cri.sandbox-namespace"));
	runtime_set(&c->pod_uid, runtime_str(a, "io.kubernetes.cri.sandbox-uid"));
	runtime_set(&c->image, runtime_str(a, "io.kubernetes.cri.image-name"));
	runtime_set(&c->image, runtime_str(a, "io.kubernetes.cri-o.ImageName"));
	runtime_kubernetes(c, a);
	runtime_set(&c->name, runtime_str(a, "nerdctl/name"));
	/* The container that only holds a pod's namespaces has no name of its own. */
	if (type && !strcmp(type, "sandbox"))
		runtime_set(&c->name, "pause");
	json_object_foreach((json_t *)a, key, v)
		if (json_is_string(v) && strlen(key) < 256 && json_string_length(v) < 1024)
			runtime_label(c, key, json_string_value(v));
}

static void describe_bundle(struct ph_runtimes *rt, struct ph_container *c, const char *bundle)
{
	json_t *a = annotations(rt->rootfd, bundle);

	if (json_is_object(a))
		from_annotations(c, a);
	json_decref(a);
}

void ph_runtimes_describe(struct ph_runtimes *rt, struct ph_container *c, const char *bundle_hint,
			  char **ret_bundle)
{
	const char *kind = c->runtime ? c->runtime : "";
	char *bundle = NULL;

	if (!runtime_safe(c->id))
		return;
	if (!strcmp(kind, "docker") || !strcmp(kind, "oci") || !strcmp(kind, "kubepods"))
		docker_describe(rt, c);
	if (!strcmp(kind, "podman") || !strcmp(kind, "cri-o") || !strcmp(kind, "oci") ||
	    !strcmp(kind, "kubepods"))
		storage_describe(rt, c, &bundle);
	/* A shim stands in its container's bundle, wherever its daemon keeps them. */
	if (!bundle && bundle_hint && has_config(rt->rootfd, bundle_hint + (*bundle_hint == '/')))
		bundle = ph_strdup(bundle_hint + (*bundle_hint == '/'));
	if (!bundle && strlen(c->id) == 64)
		bundle = containerd_bundle(rt, c->id);
	if (bundle && (!c->name || !strcmp(c->runtime, "cri-o"))) {
		describe_bundle(rt, c, bundle);
		/* Shared by all CRI runtimes, the path does not tell which; the bundle does. */
		if (!strcmp(kind, "kubepods") || !strcmp(kind, "oci")) {
			const char *real = strstr(bundle, "containerd") ? "containerd" :
					   strstr(bundle, "overlay-containers") ? "cri-o" : NULL;

			if (real) {
				free(c->runtime);
				c->runtime = ph_strdup(real);
			}
		}
	}
	/* LXC and its kin know their containers by name only. */
	if (!c->name && strlen(c->id) != 64)
		c->name = ph_strdup(c->id);
	if (bundle && ret_bundle && !*ret_bundle)
		*ret_bundle = ph_asprintf("/%s", bundle);
	free(bundle);
}

void ph_runtime_describe(struct ph_container *c, const struct ph_scan_opts *opts, char **ret_bundle)
{
	ph_autoclose int rootfd = open(opts && opts->root ? opts->root : "/",
				       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ph_runtimes rt;

	if (ret_bundle)
		*ret_bundle = NULL;
	if (rootfd < 0)
		return;
	ph_runtimes_open(&rt, rootfd, opts);
	ph_runtimes_describe(&rt, c, NULL, ret_bundle);
	ph_runtimes_done(&rt);
}

/* ---- runc and crun by hand ------------------------------------------------------------------------ */

static void take_state(ph_runtime_states *out, const char *runtime, const char *id, json_t *j)
{
	const json_t *labels = json_object_get(json_object_get(j, "config"), "labels");
	const char *bundle = runtime_str(j, "bundle");
	struct ph_runtime_state *s;
	json_int_t pid = json_integer_value(json_object_get(j, "init_process_pid"));
	size_t i;
	json_t *l;

	if (!pid)
		pid = json_integer_value(json_object_get(j, "pid"));
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
}

static void states_in(struct ph_runtimes *rt, const char *dir, const char *runtime, const char *file,
		      ph_runtime_states *out)
{
	int fd = openat(rt->rootfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
			take_state(out, runtime, de->d_name, j);
		json_decref(j);
	}
}

void ph_runtimes_by_hand(struct ph_runtimes *rt, ph_runtime_states *out)
{
	int fd = openat(rt->rootfd, "run/user", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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

void ph_runtimes_list(struct ph_runtimes *rt, ph_runtime_states *out)
{
	docker_list(rt, out);
	storage_list(rt, out);
}
