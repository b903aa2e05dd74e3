/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Container, pod and runtime from the shape of a cgroup path. Each part of the path is looked at with
 * the one before it; the innermost part that names a container wins, so a container in a container
 * is itself and not its host. What is below a container's cgroup (systemd's init.scope, crun's
 * container, a nested kubelet's slices) belongs to it.
 */
#include "identity/cgpath.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* A part of a path, or of a part. */
struct part {
	const char *s;
	size_t n;
};

static bool is(struct part p, const char *s)
{
	return p.n == strlen(s) && !memcmp(p.s, s, p.n);
}

static bool starts(struct part p, const char *s)
{
	size_t n = strlen(s);

	return p.n >= n && !memcmp(p.s, s, n);
}

static bool ends(struct part p, const char *s)
{
	size_t n = strlen(s);

	return p.n >= n && !memcmp(p.s + p.n - n, s, n);
}

static struct part skip(struct part p, size_t n)
{
	return (struct part){ p.s + n, p.n - n };
}

static bool cut_suffix(struct part *p, const char *s)
{
	if (!ends(*p, s))
		return false;
	p->n -= strlen(s);
	return true;
}

static bool is_hex(struct part p)
{
	for (size_t i = 0; i < p.n; i++)
		if (!isdigit((unsigned char)p.s[i]) && (p.s[i] < 'a' || p.s[i] > 'f'))
			return false;
	return p.n > 0;
}

/* Runtimes make ids of 32 random bytes. A few lose a digit on the way into other tools. */
static bool is_id(struct part p)
{
	return p.n == 64 && is_hex(p);
}

/* 8-4-4-4-12 hex digits, with dashes or (in unit names) underscores. */
static bool is_uuid(struct part p)
{
	if (p.n != 36)
		return false;
	for (size_t i = 0; i < 36; i++) {
		char c = p.s[i];

		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (c != '-' && c != '_')
				return false;
		} else if (!isxdigit((unsigned char)c)) {
			return false;
		}
	}
	return true;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Copy a name, undoing systemd's escapes (\x2d is a dash). */
static bool copy_name(struct part p, char *out, size_t size)
{
	size_t at = 0;

	if (!p.n)
		return false;
	for (size_t i = 0; i < p.n; i++) {
		char c = p.s[i];

		if (c == '\\' && i + 3 < p.n && p.s[i + 1] == 'x' &&
		    isxdigit((unsigned char)p.s[i + 2]) && isxdigit((unsigned char)p.s[i + 3])) {
			c = (char)(hex_digit(p.s[i + 2]) * 16 + hex_digit(p.s[i + 3]));
			i += 3;
		}
		if (!c)
			return false;
		if (at + 1 >= size)
			return false;
		out[at++] = c;
	}
	out[at] = 0;
	return true;
}

/* ---- Kubernetes' pods ------------------------------------------------------------------------- */

/* The uid behind "pod": a UUID, or 32 digits for pods that a node starts by itself. */
static bool take_uid(struct part p, char out[64], size_t *ret_used)
{
	struct part uuid = { p.s, 36 }, hash = { p.s, 32 };

	if (p.n >= 36 && is_uuid(uuid)) {
		for (size_t i = 0; i < 36; i++)
			out[i] = p.s[i] == '_' ? '-' : p.s[i];
		out[36] = 0;
		*ret_used = 36;
		return true;
	}
	if (p.n >= 32 && is_hex(hash)) {
		memcpy(out, p.s, 32);
		out[32] = 0;
		*ret_used = 32;
		return true;
	}
	return false;
}

/* "podUID", "kubepods-burstable-podUID.slice", also with ":cri-containerd:ID" behind. */
static bool find_pod(struct part p, char out[64])
{
	for (size_t i = 0; i + 3 < p.n; i++) {
		struct part rest = skip(p, i);
		size_t used;

		if ((i && p.s[i - 1] != '-') || !starts(rest, "pod"))
			continue;
		rest = skip(rest, 3);
		if (!take_uid(rest, out, &used))
			continue;
		rest = skip(rest, used);
		if (!rest.n || rest.s[0] == '.' || rest.s[0] == ':')
			return true;
	}
	out[0] = 0;
	return false;
}

/* ---- containers -------------------------------------------------------------------------------- */

/* "docker-ID.scope" and the like: the word before the id names the runtime. */
static const struct {
	const char *word, *runtime;
} words[] = {
	{ "docker", "docker" },
	{ "cri-containerd", "containerd" },
	{ "containerd", "containerd" },
	{ "nerdctl", "containerd" },
	{ "crio", "cri-o" },
	{ "libpod", "podman" },
	{ "libpod-payload", "podman" },
	{ "buildkit", "buildkit" },
};

static const char *runtime_of_word(struct part word)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(words); i++)
		if (is(word, words[i].word))
			return words[i].runtime;
	return NULL;
}

/* A folder that holds containers under their bare ids. */
static const struct {
	const char *dir, *runtime;
} dirs[] = {
	{ "docker", "docker" },
	{ "actions_job", "docker" },	/* --cgroup-parent of GitHub's runners */
	{ "libpod", "podman" },
	{ "k8s.io", "containerd" },
	{ "moby", "containerd" },
	{ "default", "containerd" },
	{ "ecs", "ecs" },
};

static bool take(struct ph_cgpath *r, const char *runtime, struct part name)
{
	if (!copy_name(name, r->id, sizeof(r->id)))
		return false;
	r->runtime = runtime;
	return true;
}

/* "WORD-ID" with or without ".scope", and "SLICE:WORD:ID", which is a unit name not yet split. */
static bool prefixed_id(struct part p, struct ph_cgpath *r)
{
	const char *runtime;
	struct part id;

	cut_suffix(&p, ".scope");
	if (p.n <= 65)
		return false;
	id = skip(p, p.n - 64);
	if (!is_id(id))
		return false;
	p.n -= 65;
	if (p.s[p.n] == ':') {
		const char *colon = memrchr(p.s, ':', p.n);

		if (!colon)
			return false;
		p = skip(p, (size_t)(colon + 1 - p.s));
		runtime = runtime_of_word(p);
		return take(r, runtime ? runtime : "oci", id);
	}
	if (p.s[p.n] != '-')
		return false;
	/* conmon, which only watches a container, has a scope of its own. */
	runtime = ends(p, "conmon") ? NULL : runtime_of_word(p);
	return runtime && take(r, runtime, id);
}

/* Fargate and ECS on awsvpc: 32 digits, a dash, a number. */
static bool is_ecs_id(struct part p)
{
	struct part head = { p.s, 32 };

	if (p.n < 34 || p.s[32] != '-' || !is_hex(head))
		return false;
	for (size_t i = 33; i < p.n; i++)
		if (!isdigit((unsigned char)p.s[i]))
			return false;
	return true;
}

static bool is_name(struct part p)
{
	for (size_t i = 0; i < p.n; i++)
		if (!isalnum((unsigned char)p.s[i]) && !strchr("-_.+@\\", p.s[i]))
			return false;
	return p.n > 0 && p.s[0] != '.';
}

/* systemd's machines: nspawn, rkt and libvirt's, told apart by their names. */
static bool machine(struct part prev, struct part p, struct ph_cgpath *r)
{
	static const char nspawn[] = "systemd-nspawn@", mach[] = "machine-";
	char name[sizeof(r->id)];

	if (starts(p, nspawn) && cut_suffix(&p, ".service"))
		return take(r, "nspawn", skip(p, sizeof(nspawn) - 1));
	if (is(prev, "machine") && cut_suffix(&p, ".libvirt-lxc"))
		return take(r, "libvirt-lxc", p);
	if (is(prev, "machine") && cut_suffix(&p, ".libvirt-qemu"))
		return take(r, "kvm", p);
	if (!starts(p, mach) || (!cut_suffix(&p, ".scope") && !cut_suffix(&p, ".service")))
		return false;
	p = skip(p, sizeof(mach) - 1);
	if (!copy_name(p, name, sizeof(name)))
		return false;
	if (!strncmp(name, "qemu-", 5))
		return take(r, "kvm", (struct part){ name, strlen(name) });
	if (!strncmp(name, "rkt-", 4))
		return take(r, "rkt", (struct part){ name + 4, strlen(name + 4) });
	if (!strncmp(name, "lxc-", 4)) {
		/* machine-lxc-PID-NAME */
		size_t digits = strspn(name + 4, "0123456789");

		if (digits && name[4 + digits] == '-')
			return take(r, "libvirt-lxc", (struct part){ name + 5 + digits,
								     strlen(name + 5 + digits) });
	}
	return take(r, "nspawn", (struct part){ name, strlen(name) });
}

static bool lxc(struct part prev, struct part p, struct ph_cgpath *r)
{
	static const char payload[] = "lxc.payload.";

	if (starts(p, payload))
		return take(r, "lxc", skip(p, sizeof(payload) - 1));
	if (is(prev, "lxc.payload") || is(prev, "lxc"))
		return is_name(p) && take(r, "lxc", p);
	return false;
}

/* "runc-NAME.scope": started by hand; and other names that tools of one container give. */
static bool scope(struct part p, struct ph_cgpath *r)
{
	static const struct {
		const char *prefix, *runtime;
	} kinds[] = {
		{ "runc-", "runc" }, { "crun-", "crun" }, { "youki-", "youki" },
		{ "apptainer-", "apptainer" }, { "singularity-", "apptainer" },
	};
	static const char flatpak[] = "app-flatpak-";

	if (!cut_suffix(&p, ".scope"))
		return false;
	if (is_id(p))
		return take(r, "oci", p);
	for (size_t i = 0; i < PH_ARRAY_SIZE(kinds); i++)
		if (starts(p, kinds[i].prefix))
			return take(r, kinds[i].runtime, skip(p, strlen(kinds[i].prefix)));
	if (starts(p, flatpak)) {
		/* app-flatpak-ORG.APP-NUMBER */
		const char *dash = memrchr(p.s, '-', p.n);

		p = skip(p, sizeof(flatpak) - 1);
		if (dash > p.s)
			p.n = (size_t)(dash - p.s);
		return take(r, "flatpak", p);
	}
	return false;
}

/* Nomad: ALLOC.TASK.scope in its slice, or ALLOC in its folder. */
static bool nomad(struct part top, struct part prev, struct part p, struct ph_cgpath *r)
{
	struct part uuid = { p.s, 36 };

	if (p.n < 36 || !is_uuid(uuid))
		return false;
	if (starts(top, "nomad") && ends(top, ".slice") && cut_suffix(&p, ".scope"))
		return take(r, "nomad", p);
	return is(prev, "nomad") && p.n == 36 && take(r, "nomad", p);
}

static bool in_dir(struct part prev, struct part before, struct part p, bool in_pod, bool nested,
		   size_t depth, struct ph_cgpath *r)
{
	if (is_id(p)) {
		if (is(prev, "libpod_parent"))	/* a pod of podman's, with its conmon */
			return false;
		if (in_pod)
			return take(r, "kubepods", p);
		for (size_t i = 0; i < PH_ARRAY_SIZE(dirs); i++)
			if (is(prev, dirs[i].dir))
				return take(r, dirs[i].runtime, p);
		if (is(before, "ecs"))
			return take(r, "ecs", p);
		/* Inside a container a folder of that name may be anything. */
		return !nested && take(r, "oci", p);
	}
	/* A truncated id is still the only name that its pod's container has. */
	if (in_pod && p.n >= 60 && p.n < 64 && is_hex(p))
		return take(r, "kubepods", p);
	if ((is(prev, "ecs") || is(before, "ecs")) && is_ecs_id(p))
		return take(r, "ecs", p);
	if (is(prev, "garden"))
		return is_name(p) && take(r, "garden", p);
	if (is(prev, "mesos"))
		return is_uuid(p) && take(r, "mesos", p);
	if (is(prev, "buildkit"))
		return is_name(p) && take(r, "buildkit", p);
	if (is(prev, "porthole.d"))	/* ph-launch's */
		return is_name(p) && take(r, "porthole", p);
	if (is(before, "flynn") && depth == 2)
		return is_name(p) && take(r, "flynn", p);
	/* ctr's containers have the names that people give; its namespace is the top folder. */
	if (depth == 1 && (is(prev, "default") || is(prev, "k8s.io")))
		return is_name(p) && !ends(p, ".slice") && !ends(p, ".service") &&
		       !ends(p, ".scope") && take(r, "containerd", p);
	if (is(prev, "crun") || is(prev, "runc"))
		return is_name(p) && take(r, is(prev, "crun") ? "crun" : "runc", p);
	return false;
}

/* "lxc.monitor.NAME", "libpod-conmon-ID.scope", "conmon": those are not in the container. */
static bool is_watcher(struct part p)
{
	return starts(p, "lxc.monitor") || is(p, "conmon") || starts(p, "libpod-conmon-") ||
	       starts(p, "crio-conmon-");
}

bool ph_cgpath_parse(const char *path, struct ph_cgpath *ret)
{
	struct part top = { "", 0 }, prev = { "", 0 }, before = { "", 0 };
	size_t at = 0, pod_len = 0, depth = 0;
	char pod_uid[64] = "";

	*ret = (struct ph_cgpath){ 0 };
	while (path[at]) {
		struct ph_cgpath hit = { 0 };
		struct part p;
		bool found;

		if (path[at] == '/') {
			at++;
			continue;
		}
		p = (struct part){ path + at, strcspn(path + at, "/") };
		at += p.n;
		/* Seen from inside a cgroup namespace; what is above its root cannot be known. */
		if (is(p, "..") || is(p, "."))
			continue;
		if (ends(p, ".mount"))
			break;
		if (find_pod(p, hit.pod_uid)) {
			memcpy(pod_uid, hit.pod_uid, sizeof(pod_uid));
			pod_len = at;
		}
		found = prefixed_id(p, &hit) || machine(prev, p, &hit) || lxc(prev, p, &hit) ||
			nomad(top, prev, p, &hit) || scope(p, &hit) ||
			in_dir(prev, before, p, pod_len && pod_len > ret->own_len, ret->runtime, depth,
			       &hit);
		if (found) {
			ret->runtime = hit.runtime;
			memcpy(ret->id, hit.id, sizeof(ret->id));
			ret->own_len = at;
			memcpy(ret->pod_uid, pod_uid, sizeof(ret->pod_uid));
			if (pod_uid[0] && !strcmp(hit.runtime, "oci"))
				ret->runtime = "kubepods";
			/* A container's inside begins anew: its parts are not this pod's. */
			pod_uid[0] = 0;
			pod_len = 0;
		}
		ret->watcher = !found && (ret->watcher || is_watcher(p));
		if (!depth++)
			top = p;
		before = prev;
		prev = p;
	}
	if (!ret->runtime && pod_len) {
		ret->pod_only = true;
		ret->own_len = pod_len;
		memcpy(ret->pod_uid, pod_uid, sizeof(ret->pod_uid));
	}
	return ret->runtime != NULL;
}

/* ---- /proc/PID/cgroup ---------------------------------------------------------------------------- */

static bool has_controller(struct part list, const char *name)
{
	while (list.n) {
		const char *comma = memchr(list.s, ',', list.n);
		struct part one = { list.s, comma ? (size_t)(comma - list.s) : list.n };

		if (is(one, name))
			return true;
		list = skip(list, one.n + (comma != NULL));
	}
	return false;
}

/* Where lines tell equally much: v2, then what limits most, so that all callers take the same. */
static int preference(long hierarchy, struct part controllers)
{
	if (hierarchy == 0)
		return 3;
	if (has_controller(controllers, "cpu"))
		return 2;
	return has_controller(controllers, "memory");
}

bool ph_cgpath_parse_proc(const char *content, struct ph_cgpath *ret, int *ret_hierarchy,
			  char *ret_path, size_t path_size)
{
	long best = -1;

	*ret = (struct ph_cgpath){ 0 };
	if (ret_hierarchy)
		*ret_hierarchy = -1;
	if (ret_path && path_size)
		ret_path[0] = 0;
	for (const char *line = content, *next; *line; line = next) {
		size_t n = strcspn(line, "\n");
		ph_autofree char *path = NULL;
		struct part controllers;
		struct ph_cgpath got;
		const char *colon;
		char *end;
		long hierarchy, score;

		next = line + n + (line[n] == '\n');
		if (!isdigit((unsigned char)*line))
			continue;
		hierarchy = strtol(line, &end, 10);
		if (*end != ':' || hierarchy < 0 || hierarchy > INT32_MAX)
			continue;
		colon = memchr(end + 1, ':', (size_t)(line + n - end - 1));
		if (!colon || colon[1] != '/')
			continue;
		controllers = (struct part){ end + 1, (size_t)(colon - end - 1) };
		path = strndup(colon + 1, (size_t)(line + n - colon - 1));
		if (!path)
			abort();
		ph_cgpath_parse(path, &got);
		score = (got.runtime ? 1000000 : got.pod_only ? 500000 : 0) +
			(long)(got.own_len < 100000 ? got.own_len : 99999) * 4 +
			preference(hierarchy, controllers);
		if (score <= best)
			continue;
		best = score;
		*ret = got;
		if (ret_hierarchy)
			*ret_hierarchy = (int)hierarchy;
		if (ret_path && path_size)
			snprintf(ret_path, path_size, "%s", path);
	}
	return ret->runtime != NULL;
}
