/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The doctor on hosts that are made of a few files. */
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>

#include "collect/doctor.h"
#include "test.h"

#include "base/cleanup.h"

struct host {
	char root[64];
	struct ph_doctor d;
};

static void put(const struct host *h, const char *path, const char *text)
{
	ph_autofree char *full = ph_asprintf("%s/%s", h->root, path);
	FILE *f;

	for (char *p = full + strlen(h->root) + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		mkdir(full, 0755);
		*p = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void host_make(struct host *h)
{
	*h = (struct host){ .root = "/tmp/porthole-doctor.XXXXXX" };
	assert_non_null(mkdtemp(h->root));
	put(h, "proc/sys/kernel/osrelease", "6.1.0-30-amd64\n");
	put(h, "proc/self/status", "Name:\tx\nUid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n"
				   "Seccomp:\t0\n");
	put(h, "proc/self/uid_map", "         0          0 4294967295\n");
	put(h, "proc/self/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n");
	put(h, "proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t0\t80\t1\n");
	put(h, "sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
}

static int rm(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static void host_done(struct host *h)
{
	ph_doctor_done(&h->d);
	nftw(h->root, rm, 16, FTW_DEPTH | FTW_PHYS);
}

static const struct ph_check *check(struct host *h, const char *area, const char *name)
{
	if (!h->d.n)
		ph_doctor_run(&h->d, h->root);
	ph_vec_each(c, &h->d)
		if (!strcmp(c->area, area) && !strcmp(c->name, name))
			return c;
	return NULL;
}

#define assert_check(h, area, name, is, text) do {				\
	const struct ph_check *c_ = check(h, area, name);			\
	assert_non_null(c_);							\
	assert_string_equal(ph_check_status_name(c_->status), is);		\
	if (!strstr(c_->found, text))						\
		fail_msg("%s %s: '%s' lacks '%s'", area, name, c_->found, text); \
} while (0)

static void test_v2_user(void **state)
{
	ph_autofree char *verdict = NULL;
	struct host h;

	host_make(&h);
	assert_check(&h, "kernel", "release", "yes", "Linux 6.1.0-30-amd64");
	assert_check(&h, "kernel", "lockdown", "unknown", "securityfs is not mounted");
	assert_non_null(strstr(check(&h, "kernel", "lockdown")->advice, "mount -t securityfs"));
	assert_check(&h, "rights", "user", "info", "uid 1000");
	assert_check(&h, "rights", "CAP_BPF", "no", "not there");
	assert_check(&h, "rights", "CAP_SYS_PTRACE", "part", "not there");
	assert_false(h.d.may_load);
	assert_check(&h, "cgroups", "layout", "yes", "v2 (at /sys/fs/cgroup)");
	assert_check(&h, "cgroups", "v2 controllers", "yes", "cpuset cpu io memory pids");
	assert_check(&h, "cgroups", "containers named by", "yes", "v2 (/sys/fs/cgroup)");
	assert_null(check(&h, "cgroups", "memory limits"));
	assert_check(&h, "extras", "kprobes", "no", "CONFIG_KPROBES");
	verdict = ph_doctor_verdict(&h.d);
	assert_non_null(strstr(verdict, "nothing can be recorded here with these rights"));
	host_done(&h);
}

static void test_capabilities(void **state)
{
	struct host h;

	host_make(&h);
	/* BPF and PERFMON alone. */
	put(&h, "proc/self/status", "Uid:\t1000\t1000\nCapEff:\t000000c000000000\nSeccomp:\t2\n");
	assert_check(&h, "rights", "CAP_BPF", "yes", "load");
	assert_check(&h, "rights", "CAP_PERFMON", "yes", "trace");
	assert_check(&h, "rights", "CAP_DAC_READ_SEARCH", "part", "not there");
	assert_check(&h, "rights", "seccomp", "part", "filter");
	assert_true(h.d.may_load);
	host_done(&h);

	host_make(&h);
	put(&h, "proc/self/status", "Uid:\t0\t0\nCapEff:\t0000000000200000\nSeccomp:\t0\n");
	assert_check(&h, "rights", "CAP_BPF", "yes", "CAP_SYS_ADMIN");
	assert_true(h.d.may_load);
	host_done(&h);

	/* All of them, in a user namespace: worth nothing. */
	host_make(&h);
	put(&h, "proc/self/status", "Uid:\t0\t0\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n");
	put(&h, "proc/self/uid_map", "         0     100000      65536\n");
	assert_check(&h, "rights", "user namespace", "no", "not the host's");
	assert_false(h.d.may_load);
	host_done(&h);

	/* A user namespace without a map yet. */
	host_make(&h);
	put(&h, "proc/self/uid_map", "");
	assert_check(&h, "rights", "user namespace", "no", "not the host's");
	host_done(&h);
}

static void test_lockdown(void **state)
{
	static const struct {
		const char *file, *status, *found;
	} rows[] = {
		{ "[none] integrity confidentiality\n", "yes", "none" },
		{ "none [integrity] confidentiality\n", "yes", "integrity" },
		{ "none integrity [confidentiality]\n", "no", "confidentiality" },
		{ NULL, "yes", "not in this kernel" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(rows); i++) {
		struct host h;

		host_make(&h);
		put(&h, "proc/self/mounts", "securityfs /sys/kernel/security securityfs rw 0 0\n");
		if (rows[i].file)
			put(&h, "sys/kernel/security/lockdown", rows[i].file);
		assert_check(&h, "kernel", "lockdown", rows[i].status, rows[i].found);
		host_done(&h);
	}
}

static void test_cgroup_layouts(void **state)
{
	static const char v1_list[] = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t3\t80\t1\n"
				      "memory\t4\t80\t1\nrdma\t0\t1\t1\n";
	struct host h;

	host_make(&h);
	put(&h, "proc/cgroups", v1_list);
	put(&h, "proc/self/mounts", "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
				    "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n");
	assert_check(&h, "cgroups", "layout", "yes", "hybrid");
	assert_check(&h, "cgroups", "v1 controllers", "yes", "cpu, memory (not mounted)");
	assert_check(&h, "cgroups", "containers named by", "yes", "v1, /sys/fs/cgroup/cpu,cpuacct");
	assert_check(&h, "cgroups", "memory limits", "part", "no memory controller");
	host_done(&h);

	host_make(&h);
	put(&h, "proc/self/mounts", "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n");
	assert_check(&h, "cgroups", "layout", "yes", "v1 (no v2)");
	assert_check(&h, "cgroups", "containers named by", "part", "neither");
	host_done(&h);

	host_make(&h);
	put(&h, "proc/self/mounts", "proc /proc proc rw 0 0\n");
	assert_check(&h, "cgroups", "layout", "no", "no cgroup file system");
	host_done(&h);
}

static void test_kernel(void **state)
{
	struct host h;

	host_make(&h);
	put(&h, "proc/sys/kernel/osrelease", "5.4.0-200-generic\n");
	put(&h, "proc/self/limits", "Limit                     Soft Limit           Hard Limit           Units     \n"
				    "Max locked memory         65536                65536                bytes     \n");
	put(&h, "proc/sys/net/core/bpf_jit_enable", "0\n");
	assert_check(&h, "kernel", "release", "no", "5.4.0");
	assert_check(&h, "kernel", "rlimit_memlock", "part", "65536 bytes");
	assert_check(&h, "kernel", "bpf_jit", "part", "interpreted");
	host_done(&h);

	/* Nothing at all to read: every answer is "unknown", none is wrong. */
	host_make(&h);
	nftw(h.root, rm, 16, FTW_DEPTH | FTW_PHYS);
	assert_check(&h, "kernel", "release", "unknown", "");
	assert_check(&h, "rights", "process", "unknown", "");
	assert_false(h.d.may_load);
	host_done(&h);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_v2_user),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_lockdown),
		cmocka_unit_test(test_cgroup_layouts),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
