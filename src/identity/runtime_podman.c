/* SPDX-License-Identifier: GPL-2.0-or-later */
/* podman and CRI-O keep their containers in containers/storage: one list, one folder a container. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "identity/runtime.h"

/* @dir: the "overlay-containers" of a storage. */
static void load_dir(struct ph_runtimes *rt, const char *dir)
{
	ph_autofree char *path = ph_asprintf("%s/containers.json", dir);
	json_t *list = runtime_json(rt->rootfd, path), *one;
	size_t i;

	if (!json_is_array(list)) {
		json_decref(list);
		return;
	}
	*ph_vec_push(&rt->podman_files) = list;
	json_array_foreach(list, i, one) {
		const char *id = runtime_str(one, "id");
		char *former;

		if (!runtime_safe(id))
			continue;
		ph_strmap_put(&rt->podman, id, one);
		former = ph_strmap_put(&rt->podman_dirs, id, ph_asprintf("%s/%s/userdata", dir, id));
		free(former);
	}
}

/* The folder is named after the driver of its layers: overlay, vfs, btrfs … */
static void load(struct ph_runtimes *rt, const char *storage)
{
	int fd = runtime_open(rt->rootfd, storage, O_RDONLY | O_DIRECTORY);
	ph_autoclosedir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	static const char suffix[] = "-containers";
	struct dirent *de;

	while (d && (de = readdir(d))) {
		size_t n = strlen(de->d_name);
		ph_autofree char *dir = NULL;

		if (n < sizeof(suffix) || strcmp(de->d_name + n + 1 - sizeof(suffix), suffix))
			continue;
		dir = ph_asprintf("%s/%s", storage, de->d_name);
		load_dir(rt, dir);
	}
}

/* A bundle outside of the usual storages tells where another one is: DIR/ID/userdata. */
static void learn(struct ph_runtimes *rt, const char *id, const char *bundle)
{
	ph_autofree char *tail = ph_asprintf("/%s/userdata", id), *dir = NULL;
	size_t n = strlen(bundle), k = strlen(tail);

	if (*bundle != '/' || n <= k + 1 || strcmp(bundle + n - k, tail))
		return;
	dir = ph_strndup(bundle + 1, n - k - 1);
	load_dir(rt, dir);
}

/* Root's storage and that of each user with a home folder. */
static void load_all(struct ph_runtimes *rt)
{
	int fd;
	ph_autoclosedir DIR *d = NULL;
	struct dirent *de;

	if (rt->podman_loaded)
		return;
	rt->podman_loaded = true;
	load(rt, "var/lib/containers/storage");
	load(rt, "root/.local/share/containers/storage");
	fd = runtime_open(rt->rootfd, "home", O_RDONLY | O_DIRECTORY);
	d = fd >= 0 ? fdopendir(fd) : NULL;
	while (d && (de = readdir(d))) {
		ph_autofree char *storage = NULL;

		if (de->d_name[0] == '.')
			continue;
		storage = ph_asprintf("home/%s/.local/share/containers/storage", de->d_name);
		load(rt, storage);
	}
}

void storage_done(struct ph_runtimes *rt)
{
	ph_strmap_done(&rt->podman);
	for (struct ph_strmap_slot *s = NULL; (s = ph_strmap_next(&rt->podman_dirs, s)); )
		free(s->val);
	ph_strmap_done(&rt->podman_dirs);
	for (size_t i = 0; i < rt->podman_files.n; i++)
		json_decref(rt->podman_files.v[i]);
	ph_vec_done(&rt->podman_files);
}

/* CRI-O's containers have names made of five parts; the annotations have them one by one. */
bool storage_is_crio(const char *name)
{
	return name && !strncmp(name, "k8s_", 4);
}

void storage_describe(struct ph_runtimes *rt, struct ph_container *c, const char *bundle_hint,
		      char **ret_bundle)
{
	json_t *j, *meta = NULL;
	ph_autofree char *text = NULL;
	const char *name, *dir;

	load_all(rt);
	j = ph_strmap_get(&rt->podman, c->id);
	if (!j && bundle_hint) {
		learn(rt, c->id, bundle_hint);
		j = ph_strmap_get(&rt->podman, c->id);
	}
	if (!j)
		return;
	name = json_string_value(json_array_get(json_object_get(j, "names"), 0));
	if (!storage_is_crio(name))
		runtime_set(&c->name, name);
	/* The metadata is JSON in a string. */
	text = ph_strdup(runtime_str(j, "metadata"));
	meta = text ? runtime_parse(text, strlen(text), 0) : NULL;
	runtime_set(&c->image, runtime_str(meta, "image-name"));
	if (storage_is_crio(name)) {
		runtime_set(&c->pod, runtime_str(meta, "pod-name"));
		runtime_set(&c->name, runtime_str(json_object_get(meta, "metadata"), "name"));
	}
	if (strcmp(c->runtime, "podman") && strcmp(c->runtime, "cri-o")) {
		free(c->runtime);
		c->runtime = ph_strdup(storage_is_crio(name) ? "cri-o" : "podman");
	}
	json_decref(meta);
	dir = ph_strmap_get(&rt->podman_dirs, c->id);
	*ret_bundle = ph_strdup(dir);
}

void storage_list(struct ph_runtimes *rt, ph_runtime_states *out)
{
	load_all(rt);
	for (struct ph_strmap_slot *s = NULL; (s = ph_strmap_next(&rt->podman, s)); ) {
		const char *name = json_string_value(json_array_get(json_object_get(s->val, "names"), 0));
		struct ph_runtime_state *st;

		st = ph_vec_push(out);
		st->runtime = ph_strdup(storage_is_crio(name) ? "cri-o" : "podman");
		st->id = ph_strdup(s->key);
	}
}
