/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests of KVM as /proc has them: descriptors, and what QEMU and others were told to be. */
#include "host_tree.h"

#include <errno.h>

#include <jansson.h>

#include "identity/detail.h"
#include "identity/guests.h"
#include "identity/scan.h"
#include "identity/select.h"

#define ID1 "1111111111111111111111111111111111111111111111111111111111111111"
#define UUID "c7a5fdbd-edaf-9455-926a-d65c16db1809"

static void add_fd(struct host *h, int pid, int fd, const char *to)
{
	ph_autofree char *path = ph_asprintf("proc/%d/fd/%d", pid, fd);

	put_link(h, path, to);
}

/* @cmdline has blanks where there are zeros. */
static void add_vmm(struct host *h, int pid, const char *comm, const char *cmdline)
{
	ph_autofree char *stat = ph_asprintf("proc/%d/stat", pid), *path = ph_asprintf("%s/proc/%d/cmdline", h->root, pid);
	ph_autofree char *text = ph_asprintf("%s ", cmdline);
	ph_autofclose FILE *f = NULL;

	put(h, stat, "%d (%s) S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 2 0 100 0 0", pid, comm);
	for (char *s = text; (s = strchr(s, ' ')); )
		*s++ = 0;
	f = fopen(path, "we");
	assert_non_null(f);
	fwrite(text, 1, strlen(cmdline) + 1, f);
	add_fd(h, pid, 0, "/dev/null");
	add_fd(h, pid, 9, "/dev/kvm");
	add_fd(h, pid, 10, "anon_inode:kvm-vm");
	add_fd(h, pid, 12, "anon_inode:kvm-vcpu:1");
	add_fd(h, pid, 11, "anon_inode:kvm-vcpu:0");
}

static void scan(struct host *h, struct ph_guests *g)
{
	struct ph_err err = { 0 };

	assert_int_equal(ph_guests_scan(g, h->root, &err), 0);
}

static void test_descriptors(void **state)
{
	struct ph_guests g;
	struct host h;

	host_new(&h, "0::/\n", V2_MOUNT);
	add_vmm(&h, 300, "tiny", "/opt/tiny -name web");
	add_fd(&h, 300, 13, "anon_inode:kvm-vcpu:10");
	add_fd(&h, 300, 14, "anon_inode:kvm-vcpu:10");		/* twice the same */
	add_fd(&h, 300, 15, "anon_inode:kvm-vcpu:-1");
	add_fd(&h, 300, 16, "anon_inode:kvm-vcpu:99999999999");
	add_fd(&h, 300, 17, "anon_inode:kvm-vcpu:1x");
	add_fd(&h, 300, 18, "anon_inode:kvm-vcpu-stats:1");
	add_fd(&h, 300, 19, "/tmp/anon_inode:kvm-vm");
	/* Only asks what there is; has nothing of KVM; is no number. */
	add_proc(&h, 301, 1, "libvirtd", "0::/\n", 0, "");
	add_fd(&h, 301, 3, "/dev/kvm");
	add_proc(&h, 302, 1, "bash", "0::/\n", 0, "");
	add_fd(&h, 302, 3, "/dev/pts/0");
	put_link(&h, "proc/self/fd/3", "anon_inode:kvm-vm");
	/* Before Linux 4.20 they have no numbers. */
	add_proc(&h, 200, 1, "old", "0::/\n", 0, "");
	add_fd(&h, 200, 3, "anon_inode:kvm-vm");
	add_fd(&h, 200, 5, "anon_inode:kvm-vm");
	add_fd(&h, 200, 4, "anon_inode:kvm-vcpu");
	scan(&h, &g);
	assert_int_equal(g.v.n, 2);
	assert_int_equal(g.v.v[0].pid, 200);
	assert_int_equal(g.v.v[0].machines, 2);
	assert_int_equal(g.v.v[0].vcpus.n, 0);
	assert_int_equal(g.v.v[1].pid, 300);
	assert_string_equal(g.v.v[1].comm, "tiny");
	assert_int_equal(g.v.v[1].machines, 1);
	assert_int_equal(g.v.v[1].vcpus.n, 3);
	assert_int_equal(g.v.v[1].vcpus.v[0], 0);
	assert_int_equal(g.v.v[1].vcpus.v[1], 1);
	assert_int_equal(g.v.v[1].vcpus.v[2], 10);
	/* Its -name may be anything. */
	assert_null(g.v.v[1].name);
	ph_guests_done(&g);
	host_done(&h);
}

static void test_names(void **state)
{
	static const struct { const char *cmdline, *name, *uuid; } cases[] = {
		{ "qemu-system-x86_64 -m 1G", NULL, NULL },
		{ "qemu-system-x86_64 -name web", "web", NULL },
		{ "/usr/bin/qemu-system-x86_64 -name guest=web,debug-threads=on -S -uuid c7a5fdbd-edaf-9455-926a-d65c16db1809",
		  "web", "c7a5fdbd-edaf-9455-926a-d65c16db1809" },
		{ "/usr/libexec/qemu-kvm --name web,process=x --uuid 1-2", "web", "1-2" },
		{ "qemu-kvm -name debug-threads=on,guest=a,,b", "a,b", NULL },
		{ "qemu-kvm -name debug-threads=on", NULL, NULL },
		{ "qemu-kvm -name debug-threads=on,b", NULL, NULL },
		{ "qemu-kvm -name first -name second", "second", NULL },
		{ "qemu-kvm -name", NULL, NULL },
		{ "qemu-kvm -name= -uuid=", NULL, NULL },
		{ "kvm -name=web", "web", NULL },
		{ "/usr/bin/firecracker --api-sock /run/x --id i-1234", "i-1234", NULL },
		{ "firecracker --id=i-1234 -uuid 1", "i-1234", NULL },
		{ "lkvm run --name a,b", "a,b", NULL },
		{ "other --name web --id 1", NULL, NULL },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		struct ph_guests g;
		struct host h;

		host_new(&h, "0::/\n", V2_MOUNT);
		add_vmm(&h, 300, "vmm", cases[i].cmdline);
		scan(&h, &g);
		assert_int_equal(g.v.n, 1);
		if (cases[i].name)
			assert_string_equal(g.v.v[0].name ? g.v.v[0].name : "(none)", cases[i].name);
		else
			assert_null(g.v.v[0].name);
		if (cases[i].uuid)
			assert_string_equal(g.v.v[0].uuid ? g.v.v[0].uuid : "(none)", cases[i].uuid);
		else
			assert_null(g.v.v[0].uuid);
		ph_guests_done(&g);
		host_done(&h);
	}
}

static void test_threads(void **state)
{
	static const struct { char comm[16]; int32_t vcpu; } cases[] = {
		{ "CPU 0/KVM", 0 }, { "CPU 12/KVM", 12 }, { "CPU 12345/KVM", 12345 }, { "CPU 1/TCG", -1 }, { "CPU -1/KVM", -1 },
		{ "CPU 1/KVMx", -1 }, { "CPU /KVM", -1 }, { "vcpu0", -1 }, { "", -1 }, { "CPU 123456/KVM", -1 },
		{ { 'C', 'P', 'U', ' ', '1', '/', 'K', 'V', 'M', 'K', 'V', 'M', 'K', 'V', 'M', 'K' }, -1 },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++)
		assert_int_equal(ph_guest_vcpu_of(cases[i].comm), cases[i].vcpu);
}

/* ---- among containers ------------------------------------------------------------------------------ */

/* A process in @cgroup that runs a guest. */
static void add_guest(struct host *h, int pid, const char *cmdline, const char *cgroup, unsigned int own)
{
	add_proc(h, pid, 1, "qemu", cgroup, own, own ? "\t1" : "");
	add_vmm(h, pid, "qemu", cmdline);
}

static void scan_host(struct host *h, struct ph_scan *scan)
{
	struct ph_scan_opts opts = { .root = h->root };
	struct ph_err err = { 0 };

	assert_int_equal(ph_scan_run(scan, &opts, &err), 0);
}

static const struct ph_host_container *find(const struct ph_scan *scan, const char *name)
{
	for (size_t i = 1; i < scan->containers.n; i++)
		if (!strcmp(scan->containers.v[i]->c.name ? scan->containers.v[i]->c.name : scan->containers.v[i]->c.id, name))
			return scan->containers.v[i];
	fail_msg("no %s", name);
	return NULL;
}

static uint32_t owner(const struct ph_scan *scan, int32_t pid)
{
	ph_vec_each(t, &scan->tasks)
		if (t->pid == pid)
			return t->container;
	fail_msg("no process %d", pid);
	return 0;
}

#define SESSION "0::/user.slice/session-3.scope\n"
#define LIBVIRT "/machine.slice/machine-qemu\\x2d3\\x2dwin10.scope"

static void all_kinds(struct host *h)
{
	host_new(h, "0::/init.scope\n", V2_MOUNT);
	put(h, "sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
	put(h, "sys/fs/cgroup" LIBVIRT "/cpu.max", "50000 100000\n");
	put(h, "sys/fs/cgroup/qemu.slice/100.scope/memory.max", "67108864\n");
	put(h, "sys/fs/cgroup/docker/" ID1 "/memory.max", "33554432\n");
	add_guest(h, 300, "qemu-kvm -name guest=win10 -uuid " UUID, "0::" LIBVIRT "/libvirt/emulator\n", 0);
	add_proc(h, 301, 1, "swtpm", "0::" LIBVIRT "\n", 0, "");
	add_proc(h, 309, 1, "bash", SESSION, 0, "");
	add_guest(h, 310, "qemu-system-x86_64 -name mine", SESSION, 0);
	add_guest(h, 320, "qemu-system-x86_64 -m 1G", "0::/qemu.slice/100.scope\n", 0);
	add_guest(h, 325, "firecracker --id fc1", "0::/up.slice\n", 0);
	add_proc(h, 326, 1, "sleep", "0::/up.slice/below.scope\n", 0, "");
	add_proc(h, 329, 1, "virt-launcher", "0::/docker/" ID1 "\n", 700, "\t1");
	add_guest(h, 330, "qemu-kvm -name guest=inner -uuid 1-2", "0::/docker/" ID1 "\n", 700);
	put(h, "var/lib/docker/containers/" ID1 "/config.v2.json", "{\"Name\":\"/vmm\",\"Config\":{\"Image\":\"x\"}}");
}

static void test_scanned(void **state)
{
	const struct ph_host_container *c, *vmm;
	struct ph_scan scan;
	struct host h;

	all_kinds(&h);
	/* Without KVM nobody's descriptors are looked at: what a cgroup's path tells is there. */
	scan_host(&h, &scan);
	assert_int_equal(scan.containers.n, 3);
	c = find(&scan, "win10");
	assert_true(ph_container_is_guest(&c->c) && !c->guest);
	ph_scan_done(&scan);
	put(&h, "dev/kvm", "");
	scan_host(&h, &scan);
	assert_int_equal(scan.containers.n, 7);
	/* libvirt's: the cgroup is the guest, with who serves it. */
	c = find(&scan, "win10");
	assert_string_equal(c->c.runtime, "kvm");
	assert_string_equal(c->c.id, "qemu-3-win10");
	assert_string_equal(c->c.uuid, UUID);
	assert_string_equal(c->c.cgroup_path, "/machine.slice/machine-qemu\\x2d3\\x2dwin10.scope");
	assert_int_equal(c->c.init_pid, 300);
	assert_int_equal(c->guest->vcpus.n, 2);
	assert_true(c->cpu.own && c->cpu.quota_us == 50000);
	assert_false(ph_container_by_process(&c->c));
	assert_int_equal(owner(&scan, 301), c->c.index);
	/* Among others in a session: its process alone. */
	c = find(&scan, "mine");
	assert_null(c->c.cgroup_path);
	assert_string_equal(c->c.id, "pid:310");
	assert_true(ph_container_by_process(&c->c) && !ph_container_is_within(&c->c));
	assert_int_equal(c->ntasks, 2);
	assert_int_equal(owner(&scan, 310), c->c.index);
	assert_int_equal(owner(&scan, 309), 0);
	/* Alone in a cgroup that nothing is known of: that is the guest's. It has no name. */
	c = find(&scan, "qemu-320");
	assert_string_equal(c->c.cgroup_path, "/qemu.slice/100.scope");
	assert_true(c->memory.own);
	/* Another one's process is below: not alone. */
	c = find(&scan, "fc1");
	assert_null(c->c.cgroup_path);
	assert_int_equal(owner(&scan, 326), 0);
	/* In a container: besides it, and its process stays the container's. */
	vmm = find(&scan, "vmm");
	c = find(&scan, "inner");
	assert_true(ph_container_is_within(&c->c));
	assert_int_equal(c->c.parent, vmm->c.index);
	assert_string_equal(c->c.id, "1-2");
	assert_null(c->c.cgroup_path);
	assert_true(c->memory.found && !c->memory.own && c->memory.bytes == 32 << 20);
	assert_int_equal(owner(&scan, 330), vmm->c.index);
	assert_int_equal(vmm->ntasks, 4);
	assert_int_equal(c->ntasks, 2);
	assert_string_equal(vmm->c.runtime, "docker");
	ph_scan_done(&scan);
	host_done(&h);
}

/* Names of what the patterns (comma-separated) select, in order of their processes. */
static void selects(const struct ph_scan *scan, const char *patterns, const char *want)
{
	struct ph_selection sel = { 0 };
	struct ph_err err = { 0 };
	ph_autobuf got = { 0 };

	ph_strv_add(&sel.container, patterns);
	if (strchr(patterns, ',')) {
		sel.container.v[0][strcspn(patterns, ",")] = 0;
		ph_strv_add(&sel.container, strchr(patterns, ',') + 1);
	}
	assert_int_equal(ph_selection_check(&sel, &err), 0);
	for (int pid = 300; pid <= 330; pid += 10) {
		const struct ph_container *c = &scan->containers.v[owner(scan, pid)]->c, *guest = NULL;

		for (size_t i = 1; i < scan->containers.n; i++)
			if (ph_container_is_within(&scan->containers.v[i]->c) && scan->containers.v[i]->c.init_pid == pid)
				guest = &scan->containers.v[i]->c;
		if (ph_selection_match_within(&sel, c, guest))
			ph_buf_addf(&got, "%s%d", got.len ? " " : "", pid);
	}
	assert_string_equal(got.p ? got.p : "", want);
	ph_selection_done(&sel);
}

/* What a guest's process does is selected by the guest's name, by its uuid, and by the container that it is in. */
static void test_selected(void **state)
{
	struct ph_selection sel = { 0 };
	struct ph_err err = { 0 };
	const struct ph_container *all[8];
	struct ph_scan scan;
	struct host h;

	all_kinds(&h);
	put(&h, "dev/kvm", "");
	scan_host(&h, &scan);
	selects(&scan, "win10", "300");
	selects(&scan, UUID, "300");
	selects(&scan, "c7a5", "300");
	selects(&scan, "c7a", "");
	selects(&scan, "m*", "310");
	selects(&scan, "vmm", "330");
	selects(&scan, "inner", "330");
	selects(&scan, "vmm,!inner", "");
	selects(&scan, "!vmm", "300 310 320");
	selects(&scan, "!inner", "300 310 320");
	selects(&scan, "win10,qemu-*", "300 320");
	ph_strv_add(&sel.container, "min");
	for (size_t i = 0; i < scan.containers.n; i++)
		all[i] = &scan.containers.v[i]->c;
	assert_int_equal(ph_selection_none(&sel, all, scan.containers.n, &err), -ENOENT);
	assert_non_null(strstr(err.msg, "none of 1 container and 5 guests; did you mean 'mine'?"));
	ph_selection_done(&sel);
	ph_scan_done(&scan);
	host_done(&h);
}

static void add_thread(struct host *h, int pid, int tid, const char *comm, unsigned int flags, unsigned int gtime, const char *call)
{
	ph_autofree char *stat = ph_asprintf("proc/%d/task/%d/stat", pid, tid), *path = ph_asprintf("proc/%d/task/%d/syscall", pid, tid);

	put(h, stat, "%d (%s) S 1 1 1 0 -1 %u 0 0 0 0 0 0 0 0 20 0 2 0 100 0 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 %u 0\n",
	    tid, comm, flags, gtime);
	if (call)
		put(h, path, "%s\n", call);
}

static void threads_are(struct host *h, int pid, const char *want)
{
	ph_autobuf got = { 0 };
	struct ph_guests g;

	scan(h, &g);
	ph_vec_each(guest, &g.v)
		if (guest->pid == pid)
			ph_vec_each(t, &guest->threads)
				ph_buf_addf(&got, "%s%d:%d", got.len ? " " : "", t->vcpu, t->tid);
	assert_string_equal(got.p ? got.p : "", want);
	ph_guests_done(&g);
}

#define HALTED(fd) "16 " fd " 0xae80 0x0 0x8 0x0 0x0 0x0 0x0"

/* Which threads run virtual CPUs, by all that can tell. */
static void test_vcpu_threads(void **state)
{
	struct host h;

	host_new(&h, "0::/\n", V2_MOUNT);
	/* By names; a name alone does it. */
	add_vmm(&h, 300, "fc", "firecracker --id a");
	add_thread(&h, 300, 300, "fc", 0, 0, "running");
	add_thread(&h, 300, 302, "fc_vcpu 1", 0, 0, "running");
	add_thread(&h, 300, 303, "fc_vcpu 0", 0, 0, NULL);
	add_thread(&h, 300, 304, "fc_vcpu 1x", 0, 0, NULL);
	threads_are(&h, 300, "0:303 1:302");
	/* One halts: 0xc is the descriptor of number 1. A worker of the kernel's has its maker's call. */
	add_vmm(&h, 310, "vm", "vm");
	add_thread(&h, 310, 310, "vm", 0, 0, "7 0x1 0x2 0x0 0x0 0x0 0x0 0x0 0x0");
	add_thread(&h, 310, 311, "vm", 0, 0, HALTED("0xc"));
	add_thread(&h, 310, 312, "kvm-nx-lpage-re", 0x4000, 0, HALTED("0xb"));
	add_thread(&h, 310, 313, "other", 0, 0, "16 0xc 0xae81 0x0 0x8 0x0 0x0 0x0 0x0");
	threads_are(&h, 310, "1:311");
	/* The other computes: it is the only one left. */
	add_thread(&h, 310, 314, "vm", 0, 0, "running");
	threads_are(&h, 310, "1:311 -1:314");
	/* Two that could be it: nobody knows. */
	add_thread(&h, 310, 315, "vm", 0, 0, "running");
	threads_are(&h, 310, "1:311");
	/* One of them has been in a guest, says the kernel; or is there at the moment. */
	add_thread(&h, 310, 315, "vm", 0, 5, "running");
	threads_are(&h, 310, "1:311 -1:315");
	add_thread(&h, 310, 315, "vm", 1, 0, "running");
	threads_are(&h, 310, "1:311 -1:315");
	/* One CPU and one thread: the number is known, too. What is no line of a stat is nobody's. */
	add_proc(&h, 320, 1, "vm", "0::/\n", 0, "");
	add_fd(&h, 320, 5, "anon_inode:kvm-vm");
	add_fd(&h, 320, 6, "anon_inode:kvm-vcpu:7");
	add_thread(&h, 320, 320, "vm", 0, 0, "running");
	put(&h, "proc/320/task/321/stat", "nonsense");
	put(&h, "proc/320/task/322/stat", ")(");
	threads_are(&h, 320, "7:320");
	host_done(&h);
}

/* What inspect tells of one. */
static void test_inspected(void **state)
{
	json_t *j, *guest;
	struct ph_scan scan;
	struct host h;

	all_kinds(&h);
	put(&h, "dev/kvm", "");
	put(&h, "proc/300/task/303/stat", "303 (CPU 1/KVM) S 1 1 1 0 -1 64 0 0 0 0 0 0 0 0 20 0 2 0 100 0 0");
	put(&h, "proc/300/task/302/stat", "302 (IO mon) S 1 1 1 0 -1 64 0 0 0 0 0 0 0 0 20 0 2 0 100 0 0");
	put(&h, "proc/300/task/304/stat", "304 (CPU 0/KVM) S 1 1 1 0 -1 64 0 0 0 0 0 0 0 0 20 0 2 0 100 0 0");
	scan_host(&h, &scan);
	j = ph_scan_detail(&scan, find(&scan, "win10")->c.index, h.root);
	guest = json_object_get(j, "guest");
	assert_string_equal(json_string_value(json_object_get(guest, "uuid")), UUID);
	assert_string_equal(json_string_value(json_object_get(guest, "program")), "qemu");
	assert_int_equal(json_array_size(json_object_get(guest, "vcpus")), 2);
	guest = json_object_get(guest, "vcpu_threads");
	assert_int_equal(json_array_size(guest), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(guest, 0), "tid")), 304);
	json_decref(j);
	j = ph_scan_detail(&scan, find(&scan, "inner")->c.index, h.root);
	assert_string_equal(json_string_value(json_object_get(j, "runs_in")), "vmm");
	json_decref(j);
	j = ph_scan_detail(&scan, find(&scan, "vmm")->c.index, h.root);
	assert_null(json_object_get(j, "guest"));
	json_decref(j);
	ph_scan_done(&scan);
	host_done(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_scanned),
		cmocka_unit_test(test_selected),
		cmocka_unit_test(test_inspected),
		cmocka_unit_test(test_vcpu_threads),
	};

	return cmocka_run_group_tests_name("guests", tests, NULL, NULL);
}
