/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The doctor's look at the host: kernel, rights, cgroups. Needs no privilege. */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/parse.h"
#include "collect/doctor.h"
#include "collect/priv.h"

/* Numbers of include/uapi/linux/capability.h: older headers lack the newest. */
enum {
	BIT_DAC_READ_SEARCH = 2, BIT_SYS_PTRACE = 19, BIT_SYS_ADMIN = 21, BIT_PERFMON = 38,
	BIT_BPF = 39,
};

/* Inode of the first pid namespace (PROC_PID_INIT_INO): ABI. */
#define PID_NS_INIT 4026531836u

/* The file's first line, without its end; NULL, and errno is set, where it cannot be read. */
static char *first_line(const struct ph_doctor *d, const char *path)
{
	ph_autobuf b = { 0 };
	int r = ph_read_file_at(d->root, path, 1 << 16, &b);

	if (r < 0) {
		errno = -r;
		return NULL;
	}
	if (!b.p)
		return ph_strdup("");
	b.p[strcspn(b.p, "\n")] = 0;
	return ph_strdup(b.p);
}

/* The value behind "KEY:" in proc/self/status. */
static char *status_value(const char *status, const char *key)
{
	size_t n = strlen(key);

	for (const char *l = status; l && *l; l = strchr(l, '\n')) {
		l += *l == '\n';
		if (strncmp(l, key, n) || l[n] != ':')
			continue;
		l += n + 1;
		l += strspn(l, " \t");
		return ph_strndup(l, strcspn(l, "\n"));
	}
	return NULL;
}

static bool exists(const struct ph_doctor *d, const char *path)
{
	return faccessat(d->root, path, F_OK, 0) == 0;
}

/* The first mount of @type (and with option @opt, where given); the caller frees it. */
static char *mount_of(const struct ph_doctor *d, const char *type, const char *opt)
{
	int fd = openat(d->root, "proc/self/mounts", O_RDONLY | O_CLOEXEC);
	FILE *f = fd >= 0 ? fdopen(fd, "r") : NULL;
	struct mntent *m;
	char *dir = NULL;

	if (!f) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	while (!dir && (m = getmntent(f)))
		if (!strcmp(m->mnt_type, type) && (!opt || hasmntopt(m, opt)))
			dir = ph_strdup(m->mnt_dir);
	fclose(f);
	return dir;
}

/* ---- kernel ---------------------------------------------------------------------------------- */

static void check_release(struct ph_doctor *d, unsigned int *ret_version)
{
	ph_autofree char *rel = first_line(d, "proc/sys/kernel/osrelease");
	unsigned int major = 0, minor = 0;
	struct utsname u = { 0 };
	bool enough;

	uname(&u);
	if (!rel || sscanf(rel, "%u.%u", &major, &minor) != 2) {
		ph_check_add(d, "kernel", "release", PH_CHECK_UNKNOWN, NULL, "%s",
			     rel ? rel : "not readable");
		return;
	}
	*ret_version = major << 16 | minor;
	enough = *ret_version >= (5 << 16 | 15);
	ph_check_add(d, "kernel", "release", enough ? PH_CHECK_YES : PH_CHECK_NO,
		     enough ? NULL : "Linux 5.15 is the oldest that porthole records on",
		     "Linux %s", rel);
#if defined(__x86_64__) || defined(__aarch64__)
	ph_check_add(d, "kernel", "architecture", PH_CHECK_YES, NULL, "%s", u.machine);
#else
	ph_check_add(d, "kernel", "architecture", PH_CHECK_NO,
		     "recording is built for x86_64 and arm64; traces can be read everywhere", "%s",
		     u.machine);
#endif
}

static void check_lockdown(struct ph_doctor *d)
{
	ph_autofree char *line = first_line(d, "sys/kernel/security/lockdown");
	ph_autofree char *fs = mount_of(d, "securityfs", NULL);
	char *mode = line ? strchr(line, '[') : NULL;

	if (mode) {
		bool all = !strncmp(mode, "[confidentiality]", 17);

		mode[1 + strcspn(mode + 1, "]")] = 0;
		ph_check_add(d, "kernel", "lockdown", all ? PH_CHECK_NO : PH_CHECK_YES,
			     all ? "the kernel's memory may not be read by BPF: boot with "
				   "lockdown=integrity or without lockdown" : NULL,
			     "%s", mode + 1);
	} else if (fs && !line && errno == ENOENT) {
		ph_check_add(d, "kernel", "lockdown", PH_CHECK_YES, NULL, "not in this kernel");
	} else {
		ph_check_add(d, "kernel", "lockdown", PH_CHECK_UNKNOWN,
			     fs ? "read /sys/kernel/security/lockdown as root"
				: "to see it: mount -t securityfs securityfs /sys/kernel/security; "
				  "cat /sys/kernel/security/lockdown",
			     fs ? "not readable" : "securityfs is not mounted");
	}
}

static void check_knobs(struct ph_doctor *d, unsigned int version)
{
	static const char *const unpriv[] = { "ordinary users may load some kinds",
					      "root and CAP_BPF only, until the next boot",
					      "root and CAP_BPF only" };
	ph_autofree char *bpf = first_line(d, "proc/sys/kernel/unprivileged_bpf_disabled");
	ph_autofree char *perf = first_line(d, "proc/sys/kernel/perf_event_paranoid");
	ph_autofree char *jit = first_line(d, "proc/sys/net/core/bpf_jit_enable");
	ph_autofree char *limits = NULL, *tracefs = mount_of(d, "tracefs", NULL);
	ph_autobuf b = { 0 };
	unsigned int v = bpf ? (unsigned int)atoi(bpf) : 0;

	if (bpf)
		ph_check_add(d, "kernel", "unprivileged_bpf", PH_CHECK_INFO,
			     "never enough for tracing, which needs CAP_BPF and CAP_PERFMON",
			     "%s: %s", bpf, unpriv[v < PH_ARRAY_SIZE(unpriv) ? v : 2]);
	if (jit && !strcmp(jit, "0"))
		ph_check_add(
			d, "kernel", "bpf_jit", PH_CHECK_PART,
			"recording costs several times as much: sysctl net.core.bpf_jit_enable=1",
			"off: BPF programs are interpreted");
	/* v5.11 (3ac1f01b43b6 and others): the memory of BPF counts for its cgroup instead. */
	if (ph_read_file_at(d->root, "proc/self/limits", 1 << 16, &b) == 0 && b.p) {
		char *l = strstr(b.p, "Max locked memory");

		limits = l ? ph_strndup(l + 17, strcspn(l + 17, "\n")) : NULL;
	}
	if (limits) {
		char soft[32] = "";
		bool counts = version && version < (5 << 16 | 11);
		enum ph_check_status status = PH_CHECK_INFO;

		sscanf(limits, "%31s", soft);
		if (counts)
			status = strcmp(soft, "unlimited") ? PH_CHECK_PART : PH_CHECK_YES;
		ph_check_add(d, "kernel", "rlimit_memlock", status,
			     counts ? "BPF memory counts against it before Linux 5.11: ulimit -l "
				      "unlimited"
				    : "not counted for BPF since Linux 5.11",
			     "%s%s", soft, strcmp(soft, "unlimited") ? " bytes" : "");
	}
	if (perf)
		ph_check_add(d, "kernel", "perf_event_paranoid", PH_CHECK_INFO,
			     "asked only of users without CAP_PERFMON", "%s", perf);
	ph_check_add(d, "kernel", "tracefs", PH_CHECK_INFO,
		     "not needed: porthole finds tracepoints in the BTF", "%s%s",
		     tracefs ? "mounted at " : "not mounted", tracefs ? tracefs : "");
}

/* What no event needs: BPF on any function of the kernel or of programs, sampling. */
void ph_doctor_extras(struct ph_doctor *d)
{
	static const struct {
		const char *name, *path, *yes, *no;
	} rows[] = {
		{ "kprobes", "sys/bus/event_source/devices/kprobe",
		  "the kernel's functions can be probed",
		  "not in this kernel (CONFIG_KPROBES, CONFIG_KPROBE_EVENTS)" },
		{ "uprobes", "sys/bus/event_source/devices/uprobe",
		  "functions of programs can be probed",
		  "not in this kernel (CONFIG_UPROBE_EVENTS)" },
		{ "hardware counters", "sys/bus/event_source/devices/cpu",
		  "the CPU counts cycles and misses", "none, as in most virtual machines" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(rows); i++) {
		bool have = exists(d, rows[i].path);

		ph_check_add(d, "extras", rows[i].name, have ? PH_CHECK_YES : PH_CHECK_NO, NULL,
			     "%s", have ? rows[i].yes : rows[i].no);
	}
	if (!exists(d, "dev/kvm"))
		ph_check_add(d, "extras", "kvm", PH_CHECK_NO, NULL, "no /dev/kvm");
	else
		ph_check_add(d, "extras", "kvm", PH_CHECK_YES, NULL, "/dev/kvm is there");
}

void ph_doctor_kernel(struct ph_doctor *d)
{
	unsigned int version = 0;

	check_release(d, &version);
	check_lockdown(d);
	check_knobs(d, version);
}

/* ---- rights ---------------------------------------------------------------------------------- */

static void check_caps(struct ph_doctor *d, uint64_t caps)
{
	static const struct {
		int bit;
		const char *name;
		bool needed; /* nothing can be recorded without it */
		const char *what, *without;
	} rows[] = {
		{ BIT_BPF, "CAP_BPF", true, "to load BPF programs",
		  "recording needs it: run as root, or setcap cap_bpf,cap_perfmon,cap_sys_ptrace,"
		  "cap_dac_read_search=ep porthole" },
		{ BIT_PERFMON, "CAP_PERFMON", true, "to trace the kernel",
		  "recording needs it, as CAP_BPF" },
		{ BIT_SYS_PTRACE, "CAP_SYS_PTRACE", false,
		  "to see the namespaces of others' processes",
		  "without it containers that are made of namespaces alone (unshare, bubblewrap) "
		  "count as host" },
		{ BIT_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", false,
		  "to read what runtimes left on disk",
		  "without it containers may be recorded under their ids: no names, images, "
		  "labels" },
	};

	d->may_load = true;
	for (size_t i = 0; i < PH_ARRAY_SIZE(rows); i++) {
		bool own = caps >> rows[i].bit & 1;
		bool admin = rows[i].needed && caps >> BIT_SYS_ADMIN & 1;
		enum ph_check_status status = rows[i].needed ? PH_CHECK_NO : PH_CHECK_PART;

		if (own || admin)
			status = PH_CHECK_YES;
		d->may_load &= status != PH_CHECK_NO;
		ph_check_add(d, "rights", rows[i].name, status,
			     own || admin ? NULL : rows[i].without, "%s%s", rows[i].what,
			     own ? "" : admin ? ": CAP_SYS_ADMIN is there instead" : ": not there");
	}
}

void ph_doctor_rights(struct ph_doctor *d)
{
	ph_autofree char *map = first_line(d, "proc/self/uid_map"), *uid = NULL, *caps = NULL,
			 *seccomp = NULL;
	unsigned long inside = 0, outside = 0, count = 0;
	ph_autobuf b = { 0 };
	char link[64];
	unsigned int ino;
	ssize_t n;

	if (ph_read_file_at(d->root, "proc/self/status", 1 << 16, &b) < 0 || !b.p) {
		ph_check_add(d, "rights", "process", PH_CHECK_UNKNOWN, "mount proc",
			     "/proc is not readable");
		return;
	}
	uid = status_value(b.p, "Uid");
	caps = status_value(b.p, "CapEff");
	seccomp = status_value(b.p, "Seccomp");
	if (uid)
		uid[strcspn(uid, "\t ")] = 0;
	ph_check_add(d, "rights", "user", PH_CHECK_INFO, NULL, "uid %s%s", uid ? uid : "?",
		     uid && !strcmp(uid, "0") ? " (root)" : "");
	check_caps(d, caps ? strtoull(caps, NULL, 16) : 0);
	/* The first one maps all ids; a new one none, until somebody writes its map. */
	if (map &&
	    (sscanf(map, "%lu %lu %lu", &inside, &outside, &count) != 3 || count != 4294967295ul)) {
		d->may_load = false;
		ph_check_add(d, "rights", "user namespace", PH_CHECK_NO,
			     "capabilities count for this namespace only: run on the host, outside "
			     "of containers",
			     "not the host's");
	}
	n = readlinkat(d->root, "proc/self/ns/pid", link, sizeof(link) - 1);
	link[n > 0 ? n : 0] = 0;
	if (sscanf(link, "pid:[%u]", &ino) == 1 && ino != PID_NS_INIT)
		ph_check_add(d, "rights", "pid namespace", PH_CHECK_PART,
			     "host pids and other containers are not seen from here: run on the "
			     "host, or in a container with --pid=host",
			     "not the host's");
	if (seccomp && strcmp(seccomp, "0"))
		ph_check_add(d, "rights", "seccomp", PH_CHECK_PART,
			     "it may refuse bpf() and perf_event_open(): the trial below tells",
			     "this process runs under a filter");
}

/* ---- cgroups --------------------------------------------------------------------------------- */

/* "cpu at /sys/fs/cgroup/cpu, …" of all v1 controllers. */
static void v1_controllers(const struct ph_doctor *d, struct ph_buf *b)
{
	ph_autobuf list = { 0 };
	char name[64];
	int number;

	if (ph_read_file_at(d->root, "proc/cgroups", 1 << 16, &list) < 0)
		return;
	for (const char *l = list.p; l && *l; l = strchr(l, '\n')) {
		ph_autofree char *at = NULL;

		l += *l == '\n';
		if (*l == '#' || sscanf(l, "%63s %d", name, &number) != 2 || !number)
			continue;
		at = mount_of(d, "cgroup", name);
		ph_buf_addf(b, "%s%s", b->len ? ", " : "", name);
		if (!at)
			ph_buf_adds(b, " (not mounted)");
	}
}

void ph_doctor_cgroups(struct ph_doctor *d)
{
	ph_autofree char *v2 = mount_of(d, "cgroup2", NULL), *v1 = mount_of(d, "cgroup", NULL);
	ph_autofree char *cpu = mount_of(d, "cgroup", "cpu"),
			 *mem = mount_of(d, "cgroup", "memory");
	ph_autofree char *controllers = NULL;
	ph_autobuf v1_list = { 0 };

	if (v2) {
		ph_autofree char *path = ph_asprintf("%s/cgroup.controllers", v2 + (*v2 == '/'));

		controllers = first_line(d, path);
	}
	v1_controllers(d, &v1_list);
	if (!v1 && !v2) {
		ph_check_add(
			d, "cgroups", "layout", PH_CHECK_NO,
			"containers cannot be told apart: mount -t cgroup2 none /sys/fs/cgroup",
			"no cgroup file system is mounted");
		return;
	}
	ph_check_add(d, "cgroups", "layout", PH_CHECK_YES, NULL, "%s%s%s",
		     v1 && v2 ? "hybrid (v1 and v2 at " : v2 ? "v2 (at " : "v1 (",
		     v2 ? v2 : "no v2", ")");
	if (v1)
		ph_check_add(d, "cgroups", "v1 controllers", PH_CHECK_YES, NULL, "%s",
			     v1_list.len ? v1_list.p : "none");
	if (v2 && controllers && *controllers)
		ph_check_add(d, "cgroups", "v2 controllers", PH_CHECK_YES, NULL, "%s", controllers);
	if (cpu)
		ph_check_add(d, "cgroups", "containers named by", PH_CHECK_YES, NULL,
			     "the cpu controller's hierarchy (v1, %s)%s", cpu,
			     v2 ? ", then v2" : "");
	else if (v2)
		ph_check_add(d, "cgroups", "containers named by", PH_CHECK_YES, NULL, "v2 (%s)",
			     v2);
	else
		ph_check_add(d, "cgroups", "containers named by", PH_CHECK_PART,
			     "mount the v1 cpu hierarchy: mount -t cgroup -o cpu none "
			     "/sys/fs/cgroup/cpu",
			     "neither v2 nor the v1 cpu hierarchy is mounted: namespaces only");
	if (!mem && !(controllers && strstr(controllers, "memory")))
		ph_check_add(d, "cgroups", "memory limits", PH_CHECK_PART,
			     "containers' memory limits are not known",
			     "no memory controller is mounted");
}
