/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "identity/detail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "event/schema.h"
#include "event/symbols.h"
#include "identity/cgroupfs.h"
#include "identity/proc.h"

struct detail {
	const struct ph_scan *scan;
	const struct ph_host_container *hc;
	int rootfd, procfd;
	json_t *out, *unseen;
};

/* Text from outside: what is not UTF-8 is escaped, because JSON cannot carry it. */
static json_t *text(const char *s)
{
	json_t *j = s ? json_string(s) : json_null();
	ph_autobuf b = { 0 };

	if (j)
		return j;
	ph_buf_add_term(&b, s, strlen(s));
	j = json_string(b.p ? b.p : "");
	return j ? j : json_null();
}

static bool read_proc(struct detail *d, const char *file, size_t max, struct ph_buf *b)
{
	char path[64], why[128];
	int r;

	if (!d->hc->c.init_pid)
		return false;
	snprintf(path, sizeof(path), "%d/%s", d->hc->c.init_pid, file);
	r = ph_read_file_at(d->procfd, path, max, b);
	if (r == 0 && b->p)
		return true;
	snprintf(why, sizeof(why), "/proc/%s: %s", path, strerror(-r));
	json_array_append_new(d->unseen, text(why));
	return false;
}

/* ---- who and where --------------------------------------------------------------------------------- */

static const char *label(const struct ph_scan *scan, uint32_t index)
{
	const struct ph_container *c = &scan->containers.v[index]->c;

	if (index == PH_CONTAINER_HOST)
		return "host";
	return c->name ? c->name : c->id ? c->id : "?";
}

static void add_basics(struct detail *d)
{
	const struct ph_container *c = &d->hc->c;
	json_t *labels = json_array();

	json_object_set_new(d->out, "container", text(c->name));
	json_object_set_new(d->out, "id", text(c->id));
	json_object_set_new(d->out, "runtime", text(c->runtime));
	json_object_set_new(d->out, "image", text(c->image));
	json_object_set_new(d->out, "state", text(c->state));
	json_object_set_new(d->out, "pod", text(c->pod));
	json_object_set_new(d->out, "namespace", text(c->pod_namespace));
	json_object_set_new(d->out, "pod_uid", text(c->pod_uid));
	json_object_set_new(d->out, "runs_in", text(c->parent < d->scan->containers.n ?
						     label(d->scan, c->parent) : NULL));
	json_object_set_new(d->out, "bundle", text(d->hc->bundle));
	json_object_set_new(d->out, "pid", c->init_pid ? json_integer(c->init_pid) : json_null());
	json_object_set_new(d->out, "tasks", json_integer(d->hc->ntasks));
	json_object_set_new(d->out, "start_unix_ns",
			    c->start_ns ? json_integer((json_int_t)c->start_ns) : json_null());
	json_object_set_new(d->out, "cgroup", text(c->cgroup_path));
	json_object_set_new(d->out, "hierarchy", json_integer(c->hierarchy));
	json_object_set_new(d->out, "cgroup_id", json_integer((json_int_t)c->cgroup_id));
	for (size_t i = 0; i < c->labels.n; i++)
		json_array_append_new(labels, text(c->labels.v[i]));
	json_object_set_new(d->out, "labels", labels);
}

static void add_guest(struct detail *d)
{
	const struct ph_guest *g = d->hc->guest;
	json_t *guest = json_object(), *vcpus = json_array(), *threads = json_array();

	json_object_set_new(guest, "uuid", text(d->hc->c.uuid));
	json_object_set_new(guest, "program", text(g ? g->comm : NULL));
	for (size_t i = 0; g && i < g->vcpus.n; i++)
		json_array_append_new(vcpus, json_integer(g->vcpus.v[i]));
	for (size_t i = 0; g && i < g->threads.n; i++) {
		const struct ph_guest_thread *t = &g->threads.v[i];
		json_t *one = json_object();

		json_object_set_new(one, "vcpu", t->vcpu < 0 ? json_null() : json_integer(t->vcpu));
		json_object_set_new(one, "tid", json_integer(t->tid));
		json_object_set_new(one, "comm", text(t->comm));
		json_array_append_new(threads, one);
	}
	json_object_set_new(guest, "vcpus", vcpus);
	json_object_set_new(guest, "vcpu_threads", threads);
	json_object_set_new(d->out, "guest", guest);
}

static void add_namespaces(struct detail *d)
{
	const struct ph_container *c = &d->hc->c;
	json_t *all = json_array();

	for (unsigned int i = 0; i < PH_NS_MAX; i++) {
		json_t *ns = json_object(), *shared = json_array();

		json_object_set_new(ns, "type", json_string(ph_ns_names[i]));
		json_object_set_new(ns, "inode", c->ns[i] ? json_integer(c->ns[i]) : json_null());
		for (uint32_t k = 0; c->ns[i] && k < d->scan->containers.n; k++)
			if (k != c->index && d->scan->containers.v[k]->c.ns[i] == c->ns[i])
				json_array_append_new(shared, text(label(d->scan, k)));
		json_object_set_new(ns, "shared_with", shared);
		json_array_append_new(all, ns);
	}
	json_object_set_new(d->out, "namespaces", all);
}

/* ---- /proc/PID/status ------------------------------------------------------------------------------ */

static const char *status_field(const struct ph_buf *b, const char *key)
{
	const char *at = strstr(b->p, key);

	return at ? at + strlen(key) + strspn(at + strlen(key), " \t") : NULL;
}

static json_t *capabilities(const char *hex)
{
	uint64_t set = hex ? strtoull(hex, NULL, 16) : 0;
	json_t *names = json_array();

	for (int i = 0; i < 64; i++) {
		ph_autobuf b = { 0 };

		if (!(set >> i & 1))
			continue;
		if (!ph_symbol_add(&b, PH_UNIT_CAP, i))
			ph_buf_addf(&b, "CAP_%d", i);
		json_array_append_new(names, text(b.p));
	}
	return names;
}

static void add_status(struct detail *d)
{
	static const char *const seccomp[] = { "off", "strict", "filter" };
	static const struct {
		const char *key, *name;
	} caps[] = { { "\nCapEff:", "effective" }, { "\nCapPrm:", "permitted" },
		     { "\nCapBnd:", "bounding" }, { "\nCapInh:", "inheritable" },
		     { "\nCapAmb:", "ambient" } };
	json_t *sets = json_object(), *levels = json_array();
	int32_t pids[PH_PROC_LEVELS];
	ph_autobuf b = { 0 };
	const char *at;
	int n;

	if (!read_proc(d, "status", 1 << 16, &b)) {
		json_decref(sets);
		json_decref(levels);
		return;
	}
	n = ph_proc_nspid(d->procfd, d->hc->c.init_pid, pids);
	for (int i = 0; i < n; i++)
		json_array_append_new(levels, json_integer(pids[i]));
	json_object_set_new(d->out, "pids", levels);
	for (size_t i = 0; i < PH_ARRAY_SIZE(caps); i++)
		json_object_set_new(sets, caps[i].name, capabilities(status_field(&b, caps[i].key)));
	json_object_set_new(d->out, "capabilities", sets);
	at = status_field(&b, "\nSeccomp:");
	json_object_set_new(d->out, "seccomp", text(at && *at >= '0' && *at <= '2' ?
						     seccomp[*at - '0'] : NULL));
	at = status_field(&b, "\nSeccomp_filters:");
	json_object_set_new(d->out, "seccomp_filters", at ? json_integer(atoi(at)) : json_null());
	at = status_field(&b, "\nNoNewPrivs:");
	json_object_set_new(d->out, "no_new_privs", at ? json_boolean(*at == '1') : json_null());
}

static void add_id_map(struct detail *d, const char *file)
{
	json_t *map = json_array();
	unsigned long inside, outside, count;
	ph_autobuf b = { 0 };
	char *save = NULL;

	if (read_proc(d, file, 1 << 16, &b)) {
		for (char *l = strtok_r(b.p, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
			json_t *one;

			if (sscanf(l, "%lu %lu %lu", &inside, &outside, &count) != 3)
				continue;
			one = json_object();
			json_object_set_new(one, "inside", json_integer((json_int_t)inside));
			json_object_set_new(one, "outside", json_integer((json_int_t)outside));
			json_object_set_new(one, "count", json_integer((json_int_t)count));
			json_array_append_new(map, one);
		}
	}
	json_object_set_new(d->out, file, map);
}

static void add_mounts(struct detail *d)
{
	json_t *mounts = json_array();
	ph_autobuf b = { 0 };
	char *save = NULL;

	if (read_proc(d, "mountinfo", 16 << 20, &b)) {
		for (char *l = strtok_r(b.p, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
			char root[4096], point[4096], opts[1024], type[64], source[4096];
			char *dash = strstr(l, " - ");
			json_t *one;

			if (!dash || sscanf(l, "%*d %*d %*s %4095s %4095s %1023s", root, point, opts) != 3 ||
			    sscanf(dash, " - %63s %4095s", type, source) != 2)
				continue;
			one = json_object();
			json_object_set_new(one, "mountpoint", text(point));
			json_object_set_new(one, "type", text(type));
			json_object_set_new(one, "source", text(source));
			json_object_set_new(one, "root", text(root));
			json_object_set_new(one, "options", text(opts));
			json_array_append_new(mounts, one);
		}
	}
	json_object_set_new(d->out, "mounts", mounts);
}

static void add_rlimits(struct detail *d)
{
	json_t *all = json_array();
	ph_autobuf b = { 0 };
	char *save = NULL;

	if (read_proc(d, "limits", 1 << 16, &b)) {
		for (char *l = strtok_r(b.p, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
			char soft[32], hard[32];
			json_t *one;
			size_t n = 25;

			/* The name takes 26 columns: "Max open files            1024   1024   files". */
			if (strncmp(l, "Max ", 4) || strlen(l) < 26 ||
			    sscanf(l + 26, "%31s %31s", soft, hard) != 2)
				continue;
			while (n && l[n] == ' ')
				n--;
			l[n + 1] = 0;
			one = json_object();
			json_object_set_new(one, "limit", text(l + 4));
			json_object_set_new(one, "soft", text(soft));
			json_object_set_new(one, "hard", text(hard));
			json_array_append_new(all, one);
		}
	}
	json_object_set_new(d->out, "rlimits", all);
}

/* ---- cgroups --------------------------------------------------------------------------------------- */

/* What each controller's files say of limits: {file on v2, file on v1}. */
static const struct {
	const char *controller, *v2[6], *v1[6];
} limit_files[] = {
	{ "cpu", { "cpu.max", "cpu.max.burst", "cpu.weight" },
	  { "cpu.cfs_quota_us", "cpu.cfs_period_us", "cpu.cfs_burst_us", "cpu.shares" } },
	{ "cpuset", { "cpuset.cpus.effective", "cpuset.mems.effective" },
	  { "cpuset.effective_cpus", "cpuset.effective_mems" } },
	{ "memory", { "memory.max", "memory.high", "memory.low", "memory.min", "memory.swap.max" },
	  { "memory.limit_in_bytes", "memory.soft_limit_in_bytes", "memory.memsw.limit_in_bytes" } },
	{ "pids", { "pids.max" }, { "pids.max" } },
	{ "io", { "io.max", "io.weight" }, { NULL } },
	{ "blkio", { NULL }, { "blkio.throttle.read_bps_device", "blkio.throttle.write_bps_device",
			       "blkio.throttle.read_iops_device", "blkio.throttle.write_iops_device" } },
};

static void add_level(const struct ph_cgroupfs *fs, const struct ph_hierarchy *h, size_t kind,
		      const char *path, json_t *levels)
{
	const char *const *files = h->num ? limit_files[kind].v1 : limit_files[kind].v2;
	json_t *one = json_object();

	json_object_set_new(one, "cgroup", text(path));
	for (size_t i = 0; i < 6 && files[i]; i++) {
		char buf[4096];

		if (ph_cgroupfs_read(fs, h, path, files[i], buf, sizeof(buf)) < 0)
			continue;
		for (char *c = buf; *c; c++)
			*c = *c == '\n' ? ';' : *c;
		/* v1's "none" is a number. */
		json_object_set_new(one, files[i], !strncmp(buf, "9223372036854", 13) ?
				    json_string("max") : text(buf));
	}
	if (json_object_size(one) > 1)
		json_array_append(levels, one);
	json_decref(one);
}

static void add_devices(struct detail *d, const struct ph_cgroupfs *fs, const char *content)
{
	const struct ph_hierarchy *h = ph_cgroupfs_by_controller(fs, "devices");
	ph_autofree char *path = h ? ph_cgroup_path_of(content, h->num) : NULL;
	json_t *rules = json_array();
	char buf[16384], *save = NULL;

	if (!h) {
		json_array_append_new(rules, json_string("decided by a BPF program of the cgroup (v2); "
							 "see bpftool cgroup tree"));
	} else if (path && ph_cgroupfs_read(fs, h, path, "devices.list", buf, sizeof(buf)) == 0) {
		for (char *l = strtok_r(buf, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
			json_array_append_new(rules, text(l));
	}
	json_object_set_new(d->out, "devices", rules);
}

static void add_cgroups(struct detail *d)
{
	json_t *all = json_object(), *paths = json_object();
	ph_autobuf content = { 0 };
	struct ph_cgroupfs fs;

	ph_cgroupfs_open(&fs, d->rootfd);
	if (read_proc(d, "cgroup", 1 << 20, &content)) {
		ph_vec_each(h, &fs.h) {
			ph_autofree char *path = ph_cgroup_path_of(content.p, h->num);

			json_object_set_new(paths, h->num ? h->controllers : "v2", text(path));
		}
		for (size_t k = 0; k < PH_ARRAY_SIZE(limit_files); k++) {
			const struct ph_hierarchy *h =
				ph_cgroupfs_by_controller(&fs, limit_files[k].controller);
			ph_autofree char *path = h ? ph_cgroup_path_of(content.p, h->num) : NULL;
			json_t *levels;

			if (!path)
				continue;
			levels = json_array();
			/* From its own cgroup up to the root: any of them can be the one that hurts. */
			while (strcmp(path, "/")) {
				char *slash;

				add_level(&fs, h, k, path, levels);
				slash = strrchr(path, '/');
				if (!slash || slash == path)
					break;
				*slash = 0;
			}
			json_object_set_new(all, limit_files[k].controller, levels);
		}
		add_devices(d, &fs, content.p);
	}
	json_object_set_new(d->out, "cgroups", paths);
	json_object_set_new(d->out, "limits", all);
	ph_cgroupfs_done(&fs);
}

json_t *ph_scan_detail(const struct ph_scan *scan, uint32_t index, const char *root)
{
	ph_autoclose int rootfd = open(root ? root : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ph_autoclose int procfd = rootfd < 0 ? -1 : openat(rootfd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct detail d = { .scan = scan, .hc = scan->containers.v[index], .rootfd = rootfd,
			    .procfd = procfd, .out = json_object(), .unseen = json_array() };

	add_basics(&d);
	if (ph_container_is_guest(&d.hc->c))
		add_guest(&d);
	add_namespaces(&d);
	if (d.hc->c.init_pid && procfd >= 0) {
		add_status(&d);
		add_id_map(&d, "uid_map");
		add_id_map(&d, "gid_map");
		add_mounts(&d);
		add_rlimits(&d);
		add_cgroups(&d);
	}
	json_object_set_new(d.out, "unseen", d.unseen);
	return d.out;
}
