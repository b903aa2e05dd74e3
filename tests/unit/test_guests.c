/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests of KVM as /proc has them: descriptors, and what QEMU and others were told to be. */
#include "host_tree.h"

#include "identity/guests.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests_name("guests", tests, NULL, NULL);
}
