/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "identity/runtime.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define STATE_MAX (4 << 20)

static int open_within(int rootfd, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned int)flags,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, rootfd, path, &how, sizeof(how));
}

int runtime_open(int rootfd, const char *path, int flags)
{
	int fd;

	flags |= O_CLOEXEC | (flags & O_PATH ? 0 : O_NONBLOCK);
	fd = open_within(rootfd, path, flags);
	/* Before Linux 5.6; nobody's root but the host's is looked into then. */
	return fd < 0 && errno == ENOSYS ? openat(rootfd, path, flags) : fd;
}

int runtime_open_root(int procfd, int32_t pid)
{
	ph_autoclose int fd = -1;
	char path[32];

	snprintf(path, sizeof(path), "%d/root", pid);
	fd = openat(procfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : open_within(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

char *runtime_read(int rootfd, const char *path, size_t max, size_t *ret_n)
{
	ph_autoclose int fd = runtime_open(rootfd, path, O_RDONLY | O_NOFOLLOW);
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

bool runtime_has(int rootfd, const char *path)
{
	ph_autoclose int fd = runtime_open(rootfd, path, O_PATH | O_NOFOLLOW);

	return fd >= 0;
}

/* In JSON, what @text has of \u0000, which strings here cannot hold and for which all the rest would be refused, becomes U+FFFD. */
static void without_nul(char *text, size_t n)
{
	for (size_t i = 0; i + 6 <= n; i++) {
		if (text[i] != '\\')
			continue;
		if (!memcmp(text + i, "\\u0000", 6))
			memcpy(text + i + 2, "fffd", 4);
		i++;
	}
}

json_t *runtime_parse(char *text, size_t n, size_t flags)
{
	without_nul(text, n);
	return json_loadb(text, n, flags, NULL);
}

json_t *runtime_json(int rootfd, const char *path)
{
	size_t n;
	ph_autofree char *text = runtime_read(rootfd, path, STATE_MAX, &n);

	return text ? runtime_parse(text, n, 0) : NULL;
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
	return runtime_parse(at, n - (size_t)(at - text), JSON_DISABLE_EOF_CHECK);
}

static bool has_config(int rootfd, const char *bundle)
{
	ph_autofree char *path = ph_asprintf("%s/config.json", bundle);

	return runtime_has(rootfd, path);
}

static void find_bundle_dirs(struct ph_runtimes *rt)
{
	static const char *const tops[] = { "run/containerd/io.containerd.runtime.v2.task",
					    "run/containerd/io.containerd.runtime.v1.linux",
					    "run/k3s/containerd/io.containerd.runtime.v2.task",
					    "var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(tops); i++) {
		int fd = runtime_open(rt->rootfd, tops[i], O_RDONLY | O_DIRECTORY);
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
	/* A copy: who is found out below may be another. */
	ph_autofree char *kind = ph_strdup(c->runtime ? c->runtime : "");
	char *bundle = NULL;
	/* Those runtimes whose tools make containers for others: the id of one of podman's is as long. */
	bool lent = (!strcmp(kind, "runc") || !strcmp(kind, "crun")) && c->id && strlen(c->id) == 64;

	if (!runtime_safe(c->id))
		return;
	if (!strcmp(kind, "docker") || !strcmp(kind, "oci") || !strcmp(kind, "kubepods"))
		docker_describe(rt, c);
	if (!strcmp(kind, "podman") || !strcmp(kind, "cri-o") || !strcmp(kind, "oci") ||
	    !strcmp(kind, "kubepods") || lent)
		storage_describe(rt, c, bundle_hint, &bundle);
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

/* What is on record of the container of this first process. */
static void identify(struct ph_runtimes *rt, int procfd, struct ph_container *c, char **hint)
{
	struct ph_runtime_state above;
	ph_runtime_states all = { 0 };
	struct ph_proc_stat init, up;
	bool named = false;

	if (ph_proc_stat(procfd, c->init_pid, &init) < 0)
		return;
	/* What is inside of a container counts processes by itself. */
	if (!rt->files_only)
		ph_runtimes_by_hand(rt, &all);
	ph_vec_each(s, &all)
		if (s->pid == init.pid && (!s->start_ticks || s->start_ticks == init.start_ticks))
			named = runtime_take(c, s);
	ph_runtime_states_done(&all);
	if (ph_proc_stat(procfd, init.ppid, &up) < 0 ||
	    !ph_runtimes_above(rt, procfd, &up, init.pid, named || ph_runtime_has_id(c) ? c->id : NULL,
			       &above))
		return;
	*hint = ph_take(above.bundle);
	runtime_take(c, &above);
	ph_runtime_state_done(&above);
}

/* Daemons whose data is not where it usually is. */
static void learn_dockerds(struct ph_runtimes *rt, int procfd)
{
	int fd = openat(procfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ph_autoclosedir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct ph_proc_stat st;
	struct dirent *de;

	while (d && (de = readdir(d))) {
		int32_t pid = (int32_t)strtol(de->d_name, NULL, 10);
		ph_autobuf b = { 0 };
		char path[32];

		if (pid <= 0 || ph_proc_stat(procfd, pid, &st) < 0 || strcmp(st.comm, "dockerd"))
			continue;
		snprintf(path, sizeof(path), "%d/cmdline", pid);
		if (ph_read_file_at(procfd, path, 1 << 16, &b) == 0 && b.p)
			ph_runtimes_learn_dockerd(rt, b.p, b.len);
	}
}

void ph_runtime_describe(struct ph_container *c, const struct ph_scan_opts *opts, char **ret_bundle)
{
	ph_autoclose int rootfd = open(opts && opts->root ? opts->root : "/",
				       O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ph_autoclose int procfd = openat(rootfd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ph_autoclose int inner = -1;
	ph_autofree char *hint = NULL;
	struct ph_runtimes rt;

	if (ret_bundle)
		*ret_bundle = NULL;
	if (rootfd < 0 || procfd < 0)
		return;
	if (opts && opts->seen_by)
		inner = runtime_open_root(procfd, opts->seen_by);
	ph_runtimes_open(&rt, inner < 0 ? rootfd : inner, opts);
	rt.files_only = inner >= 0;
	if (c->init_pid)
		identify(&rt, procfd, c, &hint);
	if (!rt.files_only && c->runtime && !strcmp(c->runtime, "docker") && !docker_has(&rt, c))
		learn_dockerds(&rt, procfd);
	ph_runtimes_describe(&rt, c, hint, ret_bundle);
	ph_runtimes_done(&rt);
}

/* LXC has a folder for each, with its configuration. */
static void lxc_list(struct ph_runtimes *rt, ph_runtime_states *out)
{
	int fd = runtime_open(rt->rootfd, "var/lib/lxc", O_RDONLY | O_DIRECTORY);
	ph_autoclosedir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *de;

	while (d && (de = readdir(d))) {
		ph_autofree char *path = ph_asprintf("var/lib/lxc/%s/config", de->d_name);
		struct ph_runtime_state *s;

		if (!runtime_safe(de->d_name) || !runtime_has(rt->rootfd, path))
			continue;
		s = ph_vec_push(out);
		s->runtime = ph_strdup("lxc");
		s->id = ph_strdup(de->d_name);
	}
}

void ph_runtimes_list(struct ph_runtimes *rt, ph_runtime_states *out)
{
	docker_list(rt, out);
	storage_list(rt, out);
	lxc_list(rt, out);
	runtime_list_by_hand(rt, out);
}
