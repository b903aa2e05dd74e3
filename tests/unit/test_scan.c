/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scans of imitated hosts: a /proc, cgroup file systems and runtimes' state made of plain files. */
#include "host_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "identity/detail.h"
#include "identity/scan.h"

#define ID1 "1111111111111111111111111111111111111111111111111111111111111111"
#define ID2 "2222222222222222222222222222222222222222222222222222222222222222"
#define ID3 "3333333333333333333333333333333333333333333333333333333333333333"
#define UID "0d08203e-255a-11e9-8cd9-0007cb0b2cc8"
#define POD "/kubepods/burstable/pod" UID

static const struct ph_host_container *find(const struct ph_scan *scan, const char *name)
{
	for (size_t i = 1; i < scan->containers.n; i++) {
		const struct ph_container *c = &scan->containers.v[i]->c;

		if ((c->name && !strcmp(c->name, name)) || (c->id && !strcmp(c->id, name)))
			return scan->containers.v[i];
	}
	return NULL;
}

static void run(struct host *h, struct ph_scan *scan, bool stopped)
{
	struct ph_scan_opts opts = { .root = h->root, .stopped = stopped };
	struct ph_err err = { 0 };

	assert_int_equal(ph_scan_run(scan, &opts, &err), 0);
}


/* containerd's CRI on v2: the CPU limit is the pod's, the memory limit the container's. */
static void kubernetes_v2(void **state)
{
	const struct ph_host_container *c;
	struct ph_scan scan;
	struct host h;

	(void)state;
	host_new(&h, "0::/init.scope\n", V2_MOUNT);
	put(&h, "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
	put(&h, "sys/fs/cgroup/kubepods/cpu.max", "400000 100000\n");
	put(&h, "sys/fs/cgroup" POD "/cpu.max", "50000 100000\n");
	put(&h, "sys/fs/cgroup" POD "/memory.max", "max\n");
	put(&h, "sys/fs/cgroup" POD "/" ID1 "/cpu.max", "max 100000\n");
	put(&h, "sys/fs/cgroup" POD "/" ID1 "/memory.max", "67108864\n");
	put(&h, "sys/fs/cgroup" POD "/" ID1 "/cgroup.events", "populated 1\nfrozen 1\n");
	add_proc(&h, 50, 1, "containerd-shim", "0::/system.slice/containerd.service\n", 0, "");
	add_proc(&h, 60, 50, "nginx", "0::" POD "/" ID1 "\n", 700, "\t1");
	add_proc(&h, 61, 60, "nginx", "0::" POD "/" ID1 "/sub\n", 700, "\t7");
	put(&h, "run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID1 "/config.json",
	    "{\"process\":{\"env\":[\"X=\\\"annotations\\\":{\"]},\"annotations\":{"
	    "\"io.kubernetes.cri.container-name\":\"web\",\"io.kubernetes.cri.sandbox-name\":\"front-0\","
	    "\"io.kubernetes.cri.sandbox-namespace\":\"prod\",\"io.kubernetes.container.restartCount\":\"4\","
	    "\"io.kubernetes.cri.image-name\":\"docker.io/library/nginx:1.25\"},\"linux\":{}}");
	run(&h, &scan, false);
	assert_int_equal(scan.containers.n, 2);
	c = find(&scan, "web");
	assert_non_null(c);
	assert_string_equal(c->c.runtime, "containerd");
	assert_string_equal(c->c.id, ID1);
	assert_string_equal(c->c.pod, "front-0");
	assert_string_equal(c->c.pod_namespace, "prod");
	assert_string_equal(c->c.pod_uid, UID);
	assert_string_equal(c->c.image, "docker.io/library/nginx:1.25");
	assert_true(c->c.has_restarts && c->c.restarts == 4);
	assert_string_equal(c->c.state, "paused");
	assert_string_equal(c->c.cgroup_path, POD "/" ID1);
	assert_int_equal(c->c.init_pid, 60);
	assert_int_equal(c->ntasks, 4);
	assert_int_equal(c->pid_level, 1);
	assert_int_equal(c->c.ns[PH_NS_NET], 4026531833u + 700);
	assert_true(c->c.cgroup_id != 0);
	assert_int_equal(c->c.start_ns / 1000000000, 1700000060);
	assert_true(c->cpu.found && !c->cpu.own);
	assert_int_equal(c->cpu.quota_us, 50000);
	assert_string_equal(c->cpu.where, POD);
	assert_true(c->memory.own);
	assert_int_equal(c->memory.bytes, 64 << 20);
	ph_scan_done(&scan);
	host_done(&h);
}

/* Hybrid: limits in v1 hierarchies. Docker's state on disk, a container that does not run. */
static void docker_hybrid(void **state)
{
	static const char host[] = "3:memory:/\n2:cpu,cpuacct:/\n1:freezer:/\n0::/\n";
	static const char in[] = "3:memory:/docker/" ID1 "\n2:cpu,cpuacct:/docker/" ID1
				 "\n1:freezer:/docker/" ID1 "\n0::/docker/" ID1 "\n";
	static const char nested[] = "3:memory:/docker/" ID1 "/docker/" ID2 "\n2:cpu,cpuacct:/docker/" ID1
				     "/docker/" ID2 "\n1:freezer:/docker/" ID1 "/docker/" ID2
				     "\n0::/docker/" ID1 "/docker/" ID2 "\n";
	const struct ph_host_container *c, *inner;
	struct ph_scan scan;
	struct host h;

	(void)state;
	host_new(&h, host, "30 20 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		 "31 20 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
		 "32 20 0:28 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n"
		 "33 20 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
	put(&h, "sys/fs/cgroup/cpu,cpuacct/docker/" ID1 "/cpu.cfs_quota_us", "25000\n");
	put(&h, "sys/fs/cgroup/cpu,cpuacct/docker/" ID1 "/cpu.cfs_period_us", "100000\n");
	put(&h, "sys/fs/cgroup/cpu,cpuacct/docker/" ID1 "/docker/" ID2 "/cpu.cfs_quota_us", "-1\n");
	put(&h, "sys/fs/cgroup/memory/docker/" ID1 "/memory.limit_in_bytes", "9223372036854771712\n");
	put(&h, "sys/fs/cgroup/freezer/docker/" ID1 "/freezer.state", "THAWED\n");
	add_proc(&h, 60, 1, "dockerd", in, 700, "\t1");
	add_proc(&h, 70, 60, "sleep) R 1 (", nested, 800, "\t9\t1");
	put(&h, "var/lib/docker/containers/" ID1 "/config.v2.json",
	    "{\"Name\":\"/dind\",\"Config\":{\"Image\":\"docker:dind\",\"Labels\":{\"app\":\"ci\"}},"
	    "\"State\":{\"Running\":true},\"RestartCount\":2}");
	put(&h, "var/lib/docker/containers/" ID3 "/config.v2.json",
	    "{\"Name\":\"/old\",\"Config\":{\"Image\":\"alpine\"},\"State\":{\"Running\":false,"
	    "\"FinishedAt\":\"2026-01-01T00:00:00Z\"}}");
	run(&h, &scan, true);
	c = find(&scan, "dind");
	assert_non_null(c);
	assert_string_equal(c->c.labels.v[0], "app=ci");
	assert_true(c->c.has_restarts && c->c.restarts == 2);
	assert_string_equal(c->c.state, "running");
	assert_true(c->cpu.own);
	assert_int_equal(c->cpu_hierarchy, 2);
	assert_false(c->memory.found);
	inner = find(&scan, ID2);
	assert_non_null(inner);
	assert_int_equal(inner->c.parent, c->c.index);
	assert_int_equal(inner->pid_level, 2);
	assert_false(inner->cpu.own);
	assert_int_equal(inner->cpu.quota_us, 25000);
	assert_string_equal(inner->cpu.where, "/docker/" ID1);
	c = find(&scan, "old");
	assert_non_null(c);
	assert_string_equal(c->c.state, "stopped");
	assert_int_equal(c->ntasks, 0);
	ph_scan_done(&scan);
	run(&h, &scan, false);
	assert_null(find(&scan, "old"));
	ph_scan_done(&scan);
	host_done(&h);
}

/* Without a cgroup of their own: by namespaces. Services with namespaces are none. */
static void sandboxes(void **state)
{
	const struct ph_host_container *c, *inner;
	struct ph_scan scan;
	struct host h;

	(void)state;
	host_new(&h, "0::/\n", V2_MOUNT);
	add_proc(&h, 100, 1, "bash", "0::/user.slice/session.scope\n", 0, "");
	add_proc(&h, 101, 100, "bwrap", "0::/user.slice/session.scope\n", 0, "");
	add_proc(&h, 102, 101, "bwrap", "0::/user.slice/session.scope\n", 500, "\t1");
	add_proc(&h, 103, 102, "firefox", "0::/user.slice/session.scope\n", 500, "\t2");
	add_proc(&h, 104, 103, "zygote", "0::/user.slice/session.scope\n", 600, "\t3\t1");
	/* unshare -munif: its own mount, net and ipc namespaces, the host's pid namespace. */
	add_proc(&h, 110, 100, "unshare", "0::/user.slice/session.scope\n", 650, "");
	add_ns(&h, 110, "pid", HOST_PIDNS);
	/* nsenter into the first. */
	add_proc(&h, 120, 100, "sh", "0::/user.slice/session.scope\n", 500, "\t40");
	/* PrivateTmp, PrivateNetwork, PrivateIPC of a service. */
	add_proc(&h, 130, 1, "resolved", "0::/system.slice/resolved.service\n", 660, "");
	add_ns(&h, 130, "pid", HOST_PIDNS);
	/* A launcher's own cgroup gives the name. */
	add_proc(&h, 140, 100, "server", "0::/demo/web\n", 670, "\t1");
	run(&h, &scan, false);
	c = find(&scan, "bwrap-102");
	assert_non_null(c);
	assert_string_equal(c->c.runtime, "bubblewrap");
	assert_int_equal(c->c.init_pid, 102);
	assert_int_equal(c->ntasks, 6);		/* two threads each, with the one that entered */
	assert_null(c->c.cgroup_path);
	inner = find(&scan, "zygote-104");
	assert_non_null(inner);
	assert_int_equal(inner->c.parent, c->c.index);
	assert_int_equal(inner->pid_level, 2);
	assert_non_null(find(&scan, "unshare-110"));
	assert_null(find(&scan, "resolved-130"));
	c = find(&scan, "web");
	assert_non_null(c);
	assert_string_equal(c->c.cgroup_path, "/demo/web");
	assert_int_equal(scan.containers.n, 5);
	ph_scan_done(&scan);
	host_done(&h);
}

/* Podman's list and folder, runc's record; what is broken or a trap is as if it were not there. */
static void state_on_disk(void **state)
{
	const struct ph_host_container *c;
	struct ph_scan scan;
	struct host h;
	ph_autofree char *deep = NULL;

	(void)state;
	host_new(&h, "0::/\n", V2_MOUNT);
	add_proc(&h, 60, 1, "app", "0::/machine.slice/libpod-" ID1 ".scope/container\n", 700, "\t1");
	add_proc(&h, 70, 1, "app", "0::/docker/" ID2 "\n", 800, "\t1");
	add_proc(&h, 80, 1, "app", "0::/box\n", 900, "\t1");
	add_proc(&h, 90, 1, "app", "0::/system.slice/machine-..\\x2f..\\x2fetc.scope\n", 950, "\t1");
	put(&h, "var/lib/containers/storage/overlay-containers/containers.json",
	    "[{\"id\":\"" ID1 "\",\"names\":[\"blog\"],\"metadata\":\"{\\\"image-name\\\":"
	    "\\\"ghost:5\\\"}\"},{\"id\":7},null]");
	put(&h, "run/runc/mybox/state.json", "{\"id\":\"mybox\",\"init_process_pid\":80,\"config\":"
	    "{\"labels\":[\"bundle=/srv/box\"]}}");
	put(&h, "run/runc/broken/state.json", "{\"id\":");
	put_link(&h, "var/lib/docker/containers/" ID2 "/config.v2.json", "/etc/passwd");
	run(&h, &scan, false);
	c = find(&scan, "blog");
	assert_non_null(c);
	assert_string_equal(c->c.runtime, "podman");
	assert_string_equal(c->c.image, "ghost:5");
	c = find(&scan, "mybox");
	assert_non_null(c);
	assert_string_equal(c->c.runtime, "runc");
	assert_string_equal(c->bundle, "/srv/box");
	c = find(&scan, ID2);
	assert_non_null(c);
	assert_null(c->c.name);
	ph_scan_done(&scan);
	/* Nested deeper than any parser should follow. */
	deep = ph_alloc(200001);
	memset(deep, '[', 200000);
	put(&h, "var/lib/containers/storage/overlay-containers/containers.json", "%s", deep);
	run(&h, &scan, true);
	ph_scan_done(&scan);
	host_done(&h);
}

static void details(void **state)
{
	struct ph_scan scan;
	json_t *j, *ns, *caps;
	struct host h;
	bool found = false;
	size_t i;

	(void)state;
	host_new(&h, "0::/\n", V2_MOUNT);
	put(&h, "sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
	put(&h, "sys/fs/cgroup/docker/cpu.max", "100000 100000\n");
	put(&h, "sys/fs/cgroup/docker/" ID1 "/cpu.max", "max 100000\n");
	add_proc(&h, 60, 1, "app", "0::/docker/" ID1 "\n", 700, "\t1");
	add_proc(&h, 61, 1, "app", "0::/docker/" ID2 "\n", 800, "\t1");
	add_ns(&h, 61, "net", 4026531833u + 700);
	put(&h, "proc/60/uid_map", "         0     100000      65536\n");
	put(&h, "proc/60/mountinfo", "1 0 0:5 / / rw - overlay \xff rw\n");
	run(&h, &scan, false);
	j = ph_scan_detail(&scan, find(&scan, ID1)->c.index, h.root);
	ns = json_array_get(json_object_get(j, "namespaces"), PH_NS_NET);
	assert_string_equal(json_string_value(json_array_get(json_object_get(ns, "shared_with"), 0)), ID2);
	ns = json_array_get(json_object_get(j, "namespaces"), PH_NS_UTS);
	assert_string_equal(json_string_value(json_array_get(json_object_get(ns, "shared_with"), 0)),
			    "host");
	caps = json_object_get(json_object_get(j, "capabilities"), "effective");
	for (i = 0; i < json_array_size(caps); i++)
		found |= !strcmp(json_string_value(json_array_get(caps, i)), "CAP_NET_RAW");
	assert_true(found);
	assert_int_equal(json_array_size(caps), 14);
	assert_string_equal(json_string_value(json_object_get(j, "seccomp")), "filter");
	assert_true(json_is_true(json_object_get(j, "no_new_privs")));
	assert_int_equal(json_integer_value(json_object_get(
		json_array_get(json_object_get(j, "uid_map"), 0), "outside")), 100000);
	assert_string_equal(json_string_value(json_object_get(
		json_array_get(json_object_get(j, "mounts"), 0), "source")), "\\xff");
	/* Along the whole path: the container's own, then docker's. */
	assert_int_equal(json_array_size(json_object_get(json_object_get(j, "limits"), "cpu")), 2);
	/* limits, gid_map are not in this /proc. */
	assert_int_equal(json_array_size(json_object_get(j, "unseen")), 2);
	json_decref(j);
	ph_scan_done(&scan);
	host_done(&h);
}

static void no_proc(void **state)
{
	struct ph_scan_opts opts = { .root = "/nonexistent" };
	struct ph_err err = { 0 };
	struct ph_scan scan;

	(void)state;
	assert_int_equal(ph_scan_run(&scan, &opts, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "/nonexistent"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kubernetes_v2), cmocka_unit_test(docker_hybrid),
		cmocka_unit_test(sandboxes), cmocka_unit_test(state_on_disk), cmocka_unit_test(details),
		cmocka_unit_test(no_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
