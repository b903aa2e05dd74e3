/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scans of hosts as runtimes leave them: /proc/PID/cgroup and state files are of runc 1.1.5, crun 1.8.1,
 * containerd 1.6.20, podman 4.3.1 and Docker 20.10 on a hybrid host, shortened.
 */
#include "host_tree.h"

#include "identity/scan.h"

#define ID1 "8a60b6f13e1f5747e02459d4b9cf96aecc39921b4710a91aca46234846897da5"
#define ID2 "501905a81dd2237b5c14bc2212f6788918c810f918d1d3dd92833609d0f78e24"
#define ID3 "87a31a01a3ad1053a93b5fa2661991fe90b34a9630514de264eec7fde11fdd0c"
#define HYBRID "30 20 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n" \
	       "31 20 0:27 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n" \
	       "33 20 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
#define IN(path) "2:freezer:" path "\n1:cpu:" path "\n0::" path "\n"
/* crun leaves a hybrid host's v2 alone. */
#define IN_V1(path) "2:freezer:" path "\n1:cpu:" path "\n0::/\n"

static void begin(struct host *h)
{
	host_new(h, IN("/"), HYBRID);
	add_proc(h, 100, 1, "bash", IN("/"), 0, "");
}

static void run(struct host *h, struct ph_scan *scan, bool stopped)
{
	struct ph_scan_opts opts = { .root = h->root, .stopped = stopped };
	struct ph_err err = { 0 };

	assert_int_equal(ph_scan_run(scan, &opts, &err), 0);
}

static void end(struct host *h, struct ph_scan *scan)
{
	ph_scan_done(scan);
	host_done(h);
}

static const struct ph_host_container *find(const struct ph_scan *scan, const char *name)
{
	for (size_t i = 1; i < scan->containers.n; i++) {
		const struct ph_container *c = &scan->containers.v[i]->c;

		if (c->name && !strcmp(c->name, name))
			return scan->containers.v[i];
	}
	print_error("there is no container %s\n", name);
	return NULL;
}

static const struct ph_host_container *is(const struct ph_scan *scan, const char *name, const char *id,
					  const char *runtime, const char *state, int pid)
{
	const struct ph_host_container *hc = find(scan, name);

	assert_non_null(hc);
	assert_string_equal(hc->c.id, id);
	assert_string_equal(hc->c.runtime, runtime);
	assert_string_equal(hc->c.state, state);
	assert_int_equal(hc->c.init_pid, pid);
	return hc;
}

/* `runc run`, `crun run`: cgroups that people chose, records below /run. */
static void by_hand(void **state)
{
	const struct ph_host_container *c;
	struct ph_scan scan;
	struct host h;

	(void)state;
	begin(&h);
	add_proc(&h, 3260, 1, "sh", IN("/rnone"), 500, "\t1");
	add_proc(&h, 3265, 1, "sh", IN("/system.slice:runc:rsysd"), 510, "\t1");
	/* With the host's pid namespace; pids have come round since. */
	add_proc(&h, 3267, 1, "sh", IN("/phtest/rhost"), 520, "");
	add_ns(&h, 3267, "pid", HOST_PIDNS);
	for (int pid = 370; pid < 390; pid++) {
		ph_autofree char *stat = ph_asprintf("proc/%d/stat", pid);

		add_proc(&h, pid, 3267, "sleep", IN("/phtest/rhost"), 520, "");
		add_ns(&h, pid, "pid", HOST_PIDNS);
		put(&h, stat, "%d (sleep) S 3267 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 999999 0 0", pid);
	}
	add_proc(&h, 3270, 1, "runc:[2:INIT]", IN("/phtest/made"), 530, "\t1");
	add_proc(&h, 3280, 1, "sh", IN_V1("/phtest/c2"), 540, "\t1");
	/* A record that its runtime did not live to remove: that number is another's now. */
	add_proc(&h, 3290, 1, "sh", IN("/phtest/new"), 550, "\t1");
	put(&h, "run/runc/rnone/state.json", "{\"id\":\"rnone\",\"init_process_pid\":3260,"
	    "\"init_process_start\":326000,\"config\":{\"labels\":[\"bundle=/srv/none\"]}}");
	put(&h, "run/runc/rsysd/state.json", "{\"id\":\"rsysd\",\"init_process_pid\":3265,"
	    "\"init_process_start\":326500,\"config\":{\"labels\":[\"bundle=/srv/sysd\"]}}");
	put(&h, "run/runc/rhost/state.json", "{\"id\":\"rhost\",\"init_process_pid\":3267,"
	    "\"init_process_start\":326700,\"config\":{\"labels\":[\"bundle=/srv/host\"]}}");
	put(&h, "run/runc/rmade/state.json", "{\"id\":\"rmade\",\"init_process_pid\":3270,"
	    "\"init_process_start\":327000,\"config\":{\"labels\":[\"bundle=/srv/made\"]}}");
	put(&h, "run/runc/rmade/exec.fifo", "");
	put(&h, "run/runc/old/state.json", "{\"id\":\"old\",\"init_process_pid\":3290,"
	    "\"init_process_start\":17,\"config\":{\"labels\":[\"bundle=/srv/old\"]}}");
	put(&h, "run/crun/c2/status", "{\"pid\":3280,\"process-start-time\":328000,\"cgroup-path\":"
	    "\"/phtest/c2\",\"bundle\":\"/srv/c2\",\"owner\":\"root\",\"detached\":true}");
	run(&h, &scan, true);
	is(&scan, "rnone", "rnone", "runc", "running", 3260);
	is(&scan, "rsysd", "rsysd", "runc", "running", 3265);
	c = is(&scan, "rhost", "rhost", "runc", "running", 3267);
	assert_string_equal(c->bundle, "/srv/host");
	assert_int_equal(c->ntasks, 22);
	is(&scan, "rmade", "rmade", "runc", "created", 3270);
	is(&scan, "c2", "c2", "crun", "running", 3280);
	is(&scan, "new", "pid_ns:4026532386", "namespace", "running", 3290);
	is(&scan, "old", "old", "runc", "stopped", 0);
	end(&h, &scan);
}

/* What podman makes runc and crun make is podman's; its pods and conmons are no containers. */
static void podman(void **state)
{
	const struct ph_host_container *c;
	struct ph_scan scan;
	struct host h;

	(void)state;
	begin(&h);
	add_proc(&h, 200, 1, "conmon", IN_V1("/libpod_parent/conmon"), 0, "");
	put(&h, "proc/200/cmdline", "/usr/bin/conmon%c--api-version%c1%c-c%c" ID1 "%c-u%c" ID1 "%c-b%c"
	    "/srv/graph/vfs-containers/" ID1 "/userdata%c-n%cpblog%c", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	add_proc(&h, 201, 200, "sh", IN("/libpod_parent/libpod-" ID1), 500, "\t1");
	put(&h, "run/runc/" ID1 "/state.json", "{\"id\":\"" ID1 "\",\"init_process_pid\":201,"
	    "\"init_process_start\":20100,\"config\":{\"labels\":[\"bundle=/srv/graph/vfs-containers/" ID1
	    "/userdata\"]}}");
	put(&h, "srv/graph/vfs-containers/containers.json", "[{\"id\":\"" ID1 "\",\"names\":[\"pblog\"],"
	    "\"metadata\":\"{\\\"image-name\\\":\\\"porthole.test/app:2\\\"}\"}]");
	/* In a pod. */
	add_proc(&h, 210, 1, "conmon", IN_V1("/libpod_parent/" ID2 "/conmon"), 0, "");
	add_proc(&h, 211, 210, "sh", IN("/libpod_parent/" ID2 "/libpod-" ID3), 510, "\t1");
	put(&h, "var/lib/containers/storage/btrfs-containers/containers.json",
	    "[{\"id\":\"" ID3 "\",\"names\":[\"inpod\"],\"metadata\":\"{}\"}]");
	run(&h, &scan, false);
	c = is(&scan, "pblog", ID1, "podman", "running", 201);
	assert_string_equal(c->c.image, "porthole.test/app:2");
	assert_string_equal(c->bundle, "/srv/graph/vfs-containers/" ID1 "/userdata");
	is(&scan, "inpod", ID3, "podman", "running", 211);
	assert_int_equal(scan.containers.n, 3);
	ph_scan_done(&scan);
	/*
	 * Without rights to make cgroups (rootless): conmon's word alone. The engine has user and mount
	 * namespaces of its own, in which its processes are.
	 */
	add_proc(&h, 199, 1, "podman pause", IN("/"), 400, "");
	add_ns(&h, 199, "pid", HOST_PIDNS);
	add_proc(&h, 200, 1, "conmon", IN("/"), 400, "");
	add_ns(&h, 200, "pid", HOST_PIDNS);
	add_proc(&h, 201, 200, "sh", IN("/"), 500, "\t1");
	host_remove(&h, "run/runc");
	run(&h, &scan, false);
	c = is(&scan, "pblog", ID1, "podman", "running", 201);
	assert_string_equal(c->c.image, "porthole.test/app:2");
	assert_int_equal(c->c.parent, 0);
	assert_int_equal(scan.containers.n, 3);
	end(&h, &scan);
}

#define TASKS "srv/cd/io.containerd.runtime.v2.task/"
#define POD "/kubepods/burstable/pod0d08203e-255a-11e9-8cd9-0007cb0b2cc8/"

static void shim(struct host *h, int pid, const char *bundle)
{
	ph_autofree char *cwd = ph_asprintf("proc/%d/cwd", pid), *to = ph_asprintf("/" TASKS "%s", bundle);

	add_proc(h, pid, 1, "containerd-shim", IN("/"), 0, "");
	put_link(h, cwd, to);
}

/* containerd with a state folder of its own: `ctr -n foo run`, and a pod whose containers share a shim. */
static void containerd(void **state)
{
	const struct ph_host_container *c;
	struct ph_scan scan;
	struct host h;

	(void)state;
	begin(&h);
	shim(&h, 300, "foo/webfoo");
	add_proc(&h, 301, 300, "sh", IN("/foo/webfoo"), 500, "\t1");
	put(&h, TASKS "foo/webfoo/init.pid", "301");
	put(&h, TASKS "foo/webfoo/config.json", "{\"annotations\":{\"app\":\"x\","
	    "\"io.kubernetes.pod.name\":\"web-0\"},\"linux\":{}}");
	shim(&h, 310, "k8s.io/" ID2);
	add_proc(&h, 311, 310, "pause", IN(POD ID2), 510, "\t1");
	add_proc(&h, 312, 310, "nginx", IN(POD ID3), 520, "\t1");
	put(&h, TASKS "k8s.io/" ID2 "/config.json", "{\"annotations\":{"
	    "\"io.kubernetes.cri.container-type\":\"sandbox\",\"io.kubernetes.cri.sandbox-name\":\"front-0\"}}");
	put(&h, TASKS "k8s.io/" ID3 "/config.json", "{\"annotations\":{"
	    "\"io.kubernetes.cri.container-name\":\"web\",\"io.kubernetes.cri.container-type\":\"container\","
	    "\"io.kubernetes.cri.image-name\":\"porthole.test/app:2\","
	    "\"io.kubernetes.cri.sandbox-name\":\"front-0\",\"io.kubernetes.cri.sandbox-namespace\":\"prod\"}}");
	run(&h, &scan, false);
	c = is(&scan, "webfoo", "webfoo", "containerd", "running", 301);
	assert_string_equal(c->c.pod, "web-0");
	assert_string_equal(c->bundle, "/" TASKS "foo/webfoo");
	is(&scan, "pause", ID2, "containerd", "running", 311);
	c = is(&scan, "web", ID3, "containerd", "running", 312);
	assert_string_equal(c->c.pod, "front-0");
	assert_string_equal(c->c.pod_namespace, "prod");
	assert_string_equal(c->c.image, "porthole.test/app:2");
	assert_int_equal(scan.containers.n, 4);
	end(&h, &scan);
}

/* nsenter -t PID -m -p, -p: in the host's cgroup, in the container's namespaces. */
static void entered(void **state)
{
	struct ph_scan scan;
	struct host h;

	(void)state;
	begin(&h);
	add_proc(&h, 400, 1, "lxc-start", IN("/lxc.monitor.ph1"), 0, "");
	add_proc(&h, 401, 400, "init", IN("/lxc.payload.ph1"), 500, "\t1");
	add_proc(&h, 410, 100, "sh", IN("/"), 500, "\t9");
	add_proc(&h, 411, 410, "cat", IN("/"), 500, "\t10");
	add_proc(&h, 420, 100, "sh", IN("/"), 0, "\t11");
	add_ns(&h, 420, "pid", HOST_PIDNS + 500);
	put(&h, "var/lib/lxc/ph1/config", "lxc.uts.name = ph1\n");
	put(&h, "var/lib/lxc/ph2/config", "lxc.uts.name = ph2\n");
	run(&h, &scan, true);
	assert_int_equal(is(&scan, "ph1", "ph1", "lxc", "running", 401)->ntasks, 8);
	is(&scan, "ph2", "ph2", "lxc", "stopped", 0);
	assert_int_equal(scan.containers.n, 3);
	end(&h, &scan);
}

/* Docker in Docker: the inner daemon's folders are in the outer container, and are its word alone. */
static void nested(void **state)
{
	const struct ph_host_container *c;
	ph_autofree char *out = NULL;
	struct ph_scan scan;
	struct host h;

	(void)state;
	begin(&h);
	add_proc(&h, 500, 1, "sh", IN("/docker/" ID1), 500, "\t1");
	add_proc(&h, 501, 500, "dockerd", IN("/docker/" ID1), 500, "\t7");
	put(&h, "proc/501/cmdline", "dockerd%c--data-root%c/data%c", 0, 0, 0);
	add_proc(&h, 502, 501, "sh", IN("/docker/" ID1 "/docker/" ID2), 510, "\t9\t1");
	put(&h, "var/lib/docker/containers/" ID1 "/config.v2.json",
	    "{\"Name\":\"/outer\",\"Config\":{\"Image\":\"docker:dind\"},\"State\":{\"Running\":true}}");
	put(&h, "data/containers/" ID2 "/config.v2.json",
	    "{\"Name\":\"/not-this\",\"Config\":{\"Image\":\"a\"},\"State\":{\"Running\":true}}");
	put(&h, "proc/500/root/data/containers/" ID2 "/config.v2.json",
	    "{\"Name\":\"/inner\",\"Config\":{\"Image\":\"alpine\"},\"State\":{\"Running\":true}}");
	run(&h, &scan, false);
	c = is(&scan, "outer", ID1, "docker", "running", 500);
	assert_int_equal(is(&scan, "inner", ID2, "docker", "running", 502)->c.parent, c->c.index);
	ph_scan_done(&scan);
	/* A link that would lead out of there ends in there. */
	host_remove(&h, "proc/500/root/data");
	out = ph_asprintf("%s/data", h.root);
	put_link(&h, "proc/500/root/data", out);
	run(&h, &scan, false);
	for (size_t i = 1; i < scan.containers.n; i++)
		assert_true(!scan.containers.v[i]->c.name || strcmp(scan.containers.v[i]->c.name, "not-this"));
	end(&h, &scan);
}

static const char *label(const struct ph_host_container *c, const char *key)
{
	for (size_t i = 0; i < c->c.labels.n; i++)
		if (!strncmp(c->c.labels.v[i], key, strlen(key)))
			return c->c.labels.v[i];
	return "";
}

/* A label with what no string here can hold (\u0000, which an image may have) does not take the container's name away. */
static void nul(void **state)
{
	const struct ph_host_container *c;
	struct ph_scan scan;
	struct host h;

	(void)state;
	begin(&h);
	add_proc(&h, 500, 1, "sh", IN("/docker/" ID1), 500, "\t1");
	put(&h, "var/lib/docker/containers/" ID1 "/config.v2.json",
	    "{\"Name\":\"/web\",\"Config\":{\"Image\":\"app:2\",\"Labels\":{\"k\\u0000\":\"a\\u0000b\\\\u0000\\\\\\u0000\","
	    "\"plain\":\"1\\\\\"}},\"State\":{\"Running\":true}}");
	shim(&h, 300, "foo/made");
	add_proc(&h, 301, 300, "sh", IN("/foo/made"), 510, "\t1");
	put(&h, TASKS "foo/made/init.pid", "301");
	put(&h, TASKS "foo/made/config.json", "{\"annotations\":{\"x\":\"\\u0000\",\"io.kubernetes.pod.name\":\"web-0\"}}");
	add_proc(&h, 211, 1, "sh", IN("/libpod_parent/libpod-" ID3), 520, "\t1");
	put(&h, "var/lib/containers/storage/btrfs-containers/containers.json",
	    "[{\"id\":\"" ID3 "\",\"names\":[\"pm\"],\"metadata\":\"{\\\"x\\\":\\\"\\\\u0000\\\",\\\"image-name\\\":\\\"app:3\\\"}\"}]");
	run(&h, &scan, false);
	c = is(&scan, "web", ID1, "docker", "running", 500);
	assert_string_equal(c->c.image, "app:2");
	assert_string_equal(label(c, "k"), "k\xef\xbf\xbd=a\xef\xbf\xbd" "b\\u0000\\\xef\xbf\xbd");
	assert_string_equal(label(c, "plain"), "plain=1\\");
	assert_string_equal(is(&scan, "made", "made", "containerd", "running", 301)->c.pod, "web-0");
	assert_string_equal(is(&scan, "pm", ID3, "podman", "running", 211)->c.image, "app:3");
	end(&h, &scan);
}

/* More of them than there was room for. */
static void many_stopped(void **state)
{
	struct ph_scan scan;
	struct host h;

	(void)state;
	begin(&h);
	for (int i = 0; i < 40; i++) {
		ph_autofree char *path = ph_asprintf("var/lib/docker/containers/%.62s%02d/config.v2.json", ID1, i);

		put(&h, path, "{\"Name\":\"/c%d\",\"State\":{\"Running\":false,\"FinishedAt\":\"2026\"}}", i);
	}
	run(&h, &scan, true);
	assert_int_equal(scan.containers.n, 41);
	for (size_t i = 1; i < scan.containers.n; i++)
		assert_string_equal(scan.containers.v[i]->c.state, "stopped");
	end(&h, &scan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_hand), cmocka_unit_test(podman), cmocka_unit_test(containerd),
		cmocka_unit_test(entered), cmocka_unit_test(nested), cmocka_unit_test(nul), cmocka_unit_test(many_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
