/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state dump. Tasks and files come from BPF iterators (one pass, as the kernel has them),
 * cgroups, mounts and devices from /proc and /sys. Events are recorded meanwhile, so whatever
 * changes during the dump is in the trace as well.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "collect/cgdir.h"
#include "collect/priv.h"
#include "identity/cgpath.h"
#include "identity/guests.h"

struct dump {
	struct ph_collect *c;
	ph_event_fn fn;
	void *arg;
	struct ph_err *err;
	struct ph_emit e;
	struct ph_u64map selected;	/* threads that are, where guests are told */
};

static void begin(struct dump *d, uint32_t id)
{
	ph_emit_begin(&d->e, id, ph_now_ns());
}

static int done(struct dump *d)
{
	return ph_emit_done(&d->e, d->fn, d->arg, d->err);
}

/* ---- tasks ---------------------------------------------------------------------------------------- */

#define PF_KTHREAD 0x00200000

/* LTTng's task status: 2 runnable, 4 zombie, 5 waiting, 6 running, 7 dead. */
static int task_status(const struct ph_dump_task *t)
{
	if (t->exit_state & 0x20)
		return 4;
	if (t->exit_state & 0x10)
		return 7;
	if (t->on_cpu)
		return 6;
	return t->state ? 5 : 2;
}

/* @id of the host as the task's user namespace has it; @map is uid_map or gid_map. -1: not at all. */
static int32_t inner_id(int32_t tid, const char *map, uint32_t id)
{
	ph_autobuf b = { 0 };
	unsigned int inside, outside, count;
	char path[64], *rest, *line;

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, map);
	if (ph_read_file_at(AT_FDCWD, path, 1 << 16, &b) < 0)
		return -1;
	rest = b.p;
	while ((line = strsep(&rest, "\n")))
		if (sscanf(line, "%u %u %u", &inside, &outside, &count) == 3 && id >= outside &&
		    id - outside < count)
			return (int32_t)(inside + (id - outside));
	return -1;
}

static int dump_user_ns(struct dump *d, int32_t tid, int32_t uid, int32_t gid, uint32_t level, uint32_t inum)
{
	begin(d, PH_EV_lttng_statedump_process_user_ns);
	ph_emit_i(&d->e, tid);
	ph_emit_i(&d->e, uid);
	ph_emit_i(&d->e, gid);
	ph_emit_i(&d->e, level);
	ph_emit_u(&d->e, inum);
	return done(d);
}

/* The host's and its own, with its ids in each. */
static int dump_user_namespaces(struct dump *d, const struct ph_dump_task *t)
{
	uint32_t host = d->c->ct.host_ns[PH_NS_USER];
	int r = dump_user_ns(d, t->tid, (int32_t)t->uid, (int32_t)t->gid, 0,
			     t->user_level ? host : t->ns[PH_NS_USER]);

	if (r < 0 || !t->user_level)
		return r;
	return dump_user_ns(d, t->tid, inner_id(t->tid, "uid_map", t->uid), inner_id(t->tid, "gid_map", t->gid),
			    t->user_level, t->ns[PH_NS_USER]);
}

static int dump_namespaces(struct dump *d, const struct ph_dump_task *t)
{
	static const struct {
		uint32_t event;
		enum ph_ns ns;
	} plain[] = {
		{ PH_EV_lttng_statedump_process_cgroup_ns, PH_NS_CGROUP },
		{ PH_EV_lttng_statedump_process_ipc_ns, PH_NS_IPC },
		{ PH_EV_lttng_statedump_process_mnt_ns, PH_NS_MNT },
		{ PH_EV_lttng_statedump_process_net_ns, PH_NS_NET },
		{ PH_EV_lttng_statedump_process_uts_ns, PH_NS_UTS },
		{ PH_EV_lttng_statedump_process_time_ns, PH_NS_TIME },
	};
	int r = 0;

	for (uint32_t i = 0; i < t->levels && r >= 0; i++) {
		begin(d, PH_EV_lttng_statedump_process_pid_ns);
		ph_emit_i(&d->e, t->tid);
		ph_emit_i(&d->e, t->level[i].tid);
		ph_emit_i(&d->e, t->level[i].pid);
		ph_emit_i(&d->e, t->level[i].ppid);
		ph_emit_i(&d->e, i);
		ph_emit_u(&d->e, t->level[i].inum);
		r = done(d);
	}
	if (r >= 0 && t->ns[PH_NS_USER])
		r = dump_user_namespaces(d, t);
	for (size_t i = 0; i < PH_ARRAY_SIZE(plain) && r >= 0; i++) {
		if (!t->ns[plain[i].ns])
			continue;
		begin(d, plain[i].event);
		ph_emit_i(&d->e, t->tid);
		ph_emit_u(&d->e, t->ns[plain[i].ns]);
		r = done(d);
	}
	return r;
}

static int dump_times(void *arg, const void *data)
{
	const struct ph_dump_task *t = data;
	struct dump *d = arg;
	char comm[17] = "";
	bool selected;

	memcpy(comm, t->comm, 16);
	ph_ctable_resolve(&d->c->ct, t->why, &selected);
	if (!t->selected || !selected || (d->c->comms_in_user && !ph_selection_match_comm(d->c->sel, comm)))
		return 0;
	ph_u64map_put(&d->selected, (uint64_t)t->tid, d);
	begin(d, PH_EV_task_times);
	ph_emit_i(&d->e, t->tid);
	ph_emit_u(&d->e, t->utime_ns);
	ph_emit_u(&d->e, t->stime_ns);
	ph_emit_u(&d->e, t->runtime_ns);
	ph_emit_u(&d->e, t->run_delay_ns);
	ph_emit_u(&d->e, t->min_flt);
	ph_emit_u(&d->e, t->maj_flt);
	return done(d);
}

static int dump_task(void *arg, const void *data)
{
	const struct ph_dump_task *t = data;
	struct dump *d = arg;
	char comm[17] = "";
	int r;

	memcpy(comm, t->comm, 16);
	begin(d, PH_EV_lttng_statedump_process_state);
	ph_emit_i(&d->e, t->tid);
	ph_emit_i(&d->e, t->pid);
	ph_emit_i(&d->e, t->ppid);
	ph_emit_s(&d->e, comm);
	ph_emit_i(&d->e, !!(t->flags & PF_KTHREAD));
	ph_emit_i(&d->e, 5);
	ph_emit_i(&d->e, 0);
	ph_emit_i(&d->e, task_status(t));
	ph_emit_u(&d->e, (uint32_t)t->cpu);
	ph_emit_u(&d->e, t->files);
	ph_emit_u(&d->e, ph_ctable_resolve(&d->c->ct, t->container, NULL));
	ph_emit_u(&d->e, d->c->cfg.identity == PH_ID_CPU && t->cgroup_id > 1 ? t->cgroup_id :
									       t->cgroup_v2_id);
	ph_emit_u(&d->e, t->start_ns);
	ph_emit_i(&d->e, t->syscall);
	r = done(d);
	if (r >= 0)
		r = dump_namespaces(d, t);
	return r < 0 ? r : dump_times(d, t);
}

static int dump_file(void *arg, const void *data)
{
	const struct ph_dump_file *f = data;
	struct dump *d = arg;
	char path[sizeof(f->path) + 1] = "";

	memcpy(path, f->path, f->len < sizeof(f->path) ? f->len : sizeof(f->path));
	begin(d, PH_EV_lttng_statedump_file_descriptor);
	ph_emit_u(&d->e, f->files);
	ph_emit_i(&d->e, (int32_t)f->fd);
	ph_emit_u(&d->e, f->flags);
	ph_emit_u(&d->e, f->mode);
	ph_emit_s(&d->e, path);
	return done(d);
}

/* Run an iterator that writes structs of @size bytes. */
static int iterate(struct dump *d, const char *program, size_t size, int (*fn)(void *, const void *))
{
	struct bpf_program *p = bpf_object__find_program_by_name(d->c->obj, program);
	struct bpf_link *link = bpf_program__attach_iter(p, NULL);
	ph_autofree char *buf = ph_alloc(1 << 16);
	size_t have = 0, at;
	int fd, r = 0;
	ssize_t n;

	if (!link)
		return ph_err_sys(d->err, -errno, "state dump: cannot run %s", program);
	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		r = ph_err_sys(d->err, fd, "state dump: cannot run %s", program);
	while (r >= 0) {
		n = read(fd, buf + have, (1 << 16) - have);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			r = ph_err_sys(d->err, errno, "state dump: %s", program);
		if (n <= 0)
			break;
		have += (size_t)n;
		for (at = 0; have - at >= size && r >= 0; at += size)
			r = fn(d, buf + at);
		memmove(buf, buf + at, have - at);
		have -= at;
	}
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return r;
}

struct selected {
	struct dump d;
	void (*fn)(void *arg, int32_t pid, uint32_t container);
	void *arg;
};

static int on_selected(void *arg, const void *data)
{
	struct selected *s = arg;
	const struct ph_dump_task *t = data;

	if (t->selected && !(t->flags & PF_KTHREAD) && t->pid != s->d.c->cfg.self_tgid)
		s->fn(s->arg, t->pid, ph_ctable_resolve(&s->d.c->ct, t->container, NULL));
	return 0;
}

int ph_dump_selected(struct ph_collect *c, void (*fn)(void *arg, int32_t pid, uint32_t container), void *arg,
		     struct ph_err *err)
{
	struct selected s = { .d = { .c = c, .err = err }, .fn = fn, .arg = arg };

	return iterate(&s.d, "dump_task", sizeof(struct ph_dump_task), on_selected);
}

/* ---- cgroups -------------------------------------------------------------------------------------- */

/* A limit file: a number, "max" or "-1" for none. @field: which word. -1 where there is no file. */
static int64_t limit_file(int dirfd, const char *name, int field)
{
	ph_autobuf b = { 0 };
	char *p, *end;
	long long v;

	if (ph_read_file_at(dirfd, name, 4096, &b) < 0)
		return -1;
	p = b.p;
	for (int i = 0; i < field && p; i++) {
		p = strchr(p, ' ');
		p += p != NULL;
	}
	if (!p)
		return -1;
	errno = 0;
	v = strtoll(p, &end, 10);
	/* v1 says "no limit" with the largest multiple of a page. */
	return end == p || errno || v >= 0x7ffffffffffff000LL ? -1 : v;
}

static int64_t first_of(int dirfd, const char *v2, const char *v1)
{
	int64_t v = limit_file(dirfd, v2, 0);

	return v >= 0 || faccessat(dirfd, v2, F_OK, 0) == 0 ? v : limit_file(dirfd, v1, 0);
}

/*
 * Whose tasks a cgroup has: the kernel side knows those of the hierarchies that tell containers apart; in
 * others (v1's memory, pids …) the same paths mean the same containers.
 */
static uint32_t cgroup_container(struct dump *d, int32_t number, uint64_t id, const char *path)
{
	uint64_t key = PH_CGKEY((uint32_t)number, id);
	struct ph_cgent ent = { 0 };
	struct ph_centry *e = NULL;
	struct ph_cgpath cp;

	if (!bpf_map_lookup_elem(d->c->ct.cgroups_fd, &key, &ent))
		return ph_ctable_resolve(&d->c->ct, ent.index, NULL);
	if (ph_cgpath_parse(path, &cp))
		e = ph_strmap_get(&d->c->ct.by_id, cp.id);
	return e ? e->c.index : PH_CONTAINER_HOST;
}

static int dump_cgroup(struct dump *d, int fd, int32_t number, uint64_t id, uint64_t parent,
		       const char *path)
{
	bool v2 = number == 0;
	ph_autobuf cpus = { 0 };
	int64_t quota, period, weight, memory;

	quota = v2 ? limit_file(fd, "cpu.max", 0) : limit_file(fd, "cpu.cfs_quota_us", 0);
	period = v2 ? limit_file(fd, "cpu.max", 1) : limit_file(fd, "cpu.cfs_period_us", 0);
	weight = first_of(fd, "cpu.weight", "cpu.shares");
	memory = first_of(fd, "memory.max", "memory.limit_in_bytes");
	if (ph_read_file_at(fd, v2 ? "cpuset.cpus.effective" : "cpuset.effective_cpus", 4096, &cpus) >= 0)
		cpus.p[strcspn(cpus.p, "\n")] = 0;
	begin(d, PH_EV_statedump_cgroup);
	ph_emit_i(&d->e, number);
	ph_emit_u(&d->e, id);
	ph_emit_u(&d->e, parent);
	ph_emit_u(&d->e, cgroup_container(d, number, id, path));
	ph_emit_i(&d->e, quota);
	ph_emit_u(&d->e, period > 0 ? (uint64_t)period : 0);
	quota = v2 ? limit_file(fd, "cpu.max.burst", 0) : limit_file(fd, "cpu.cfs_burst_us", 0);
	ph_emit_u(&d->e, quota > 0 ? (uint64_t)quota : 0);
	ph_emit_u(&d->e, weight > 0 ? (uint64_t)weight : 0);
	ph_emit_i(&d->e, memory);
	ph_emit_i(&d->e, limit_file(fd, "pids.max", 0));
	ph_emit_s(&d->e, cpus.p);
	ph_emit_s(&d->e, path);
	return done(d);
}

int ph_dump_cgroup(struct ph_collect *c, int dirfd, int32_t hierarchy, uint64_t id, uint64_t parent,
		   const char *path, struct ph_err *err)
{
	struct dump d = { .c = c, .fn = ph_state, .arg = c, .err = err };

	return dump_cgroup(&d, dirfd, hierarchy, id, parent, path);
}

static int dump_cgroups(struct dump *d, int dirfd, const char *name, struct ph_buf *path,
			int32_t number, uint64_t parent, int depth)
{
	autocgdir struct cgdir dir = { 0 };
	int r;

	if (!cgdir_open(&dir, dirfd, name, path))
		return 0;
	r = dump_cgroup(d, dir.fd, number, dir.id, parent, path->p);
	while (r >= 0 && depth < CGDIR_DEPTH && (name = cgdir_next(&dir, path)))
		r = dump_cgroups(d, dir.fd, name, path, number, dir.id, depth + 1);
	return r;
}

/* All hierarchies with a controller: on v1 each says something else about the same container. */
static int dump_hierarchies(struct dump *d)
{
	int rootfd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct ph_cgroupfs fs;

	if (rootfd < 0)
		return ph_err_sys(d->err, errno, "cannot open /");
	ph_cgroupfs_open(&fs, rootfd);
	for (size_t i = 0; i < fs.h.n && r >= 0; i++) {
		const struct ph_hierarchy *h = &fs.h.v[i];
		ph_autobuf path = { 0 };

		if (!h->mount || (h->num && (!h->controllers || !strncmp(h->controllers, "name=", 5))))
			continue;
		ph_buf_addc(&path, '/');
		r = dump_cgroups(d, rootfd, h->mount, &path, h->num, 0, 0);
	}
	ph_cgroupfs_done(&fs);
	close(rootfd);
	return r;
}

/* ---- containers ------------------------------------------------------------------------------ */

/* All containers as they are now: the table may grow while they are written. */
static size_t snapshot(const struct ph_ctable *t, struct ph_centry ***ret)
{
	size_t n = 0;

	*ret = ph_alloc(t->by_index.n * sizeof(**ret));
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&t->by_index, s));)
		(*ret)[n++] = s->val;
	return n;
}

static int dump_containers(struct dump *d)
{
	ph_autofree struct ph_centry **all = NULL;
	size_t n = snapshot(&d->c->ct, &all);
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++)
		if (!all[i]->stopped)
			r = ph_ctable_emit_info(&all[i]->c, ph_now_ns(), d->fn, d->arg, d->err);
	return r;
}

/* ---- mounts ----------------------------------------------------------------------------------------- */

/* mountinfo: id parent major:minor root mountpoint options [tags…] - fstype source super_options */
static int dump_mount_line(struct dump *d, uint32_t mnt_ns, char *line)
{
	char *word[6], *rest = line, *fstype, *source, *super;
	unsigned int major = 0, minor = 0;
	char *sep;

	for (int i = 0; i < 6; i++)
		word[i] = strsep(&rest, " ");
	sep = rest ? strstr(rest, "- ") : NULL;
	if (!sep || !word[5])
		return 0;
	sep += 2;
	fstype = strsep(&sep, " ");
	source = strsep(&sep, " ");
	super = strsep(&sep, " ");
	sscanf(word[2], "%u:%u", &major, &minor);
	begin(d, PH_EV_statedump_mount);
	ph_emit_u(&d->e, mnt_ns);
	ph_emit_i(&d->e, atoi(word[0]));
	ph_emit_i(&d->e, atoi(word[1]));
	ph_emit_u(&d->e, major << 20 | minor);
	ph_emit_s(&d->e, word[3]);
	ph_emit_s(&d->e, word[4]);
	ph_emit_s(&d->e, word[5]);
	ph_emit_s(&d->e, fstype);
	ph_emit_s(&d->e, source);
	ph_emit_s(&d->e, super);
	return done(d);
}

static int dump_mounts_of(struct dump *d, int32_t pid, uint32_t mnt_ns)
{
	ph_autobuf b = { 0 };
	char path[64], *rest, *line;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	if (ph_read_file_at(AT_FDCWD, path, 4 << 20, &b) < 0)
		return 0;
	rest = b.p;
	while (r >= 0 && (line = strsep(&rest, "\n")))
		if (*line)
			r = dump_mount_line(d, mnt_ns, line);
	return r;
}

/* The host's mounts, then those of each container whose mount namespace was not seen yet. */
static int dump_mounts(struct dump *d)
{
	ph_autofree struct ph_centry **all = NULL;
	struct ph_u64map seen = { 0 };
	size_t n;
	int r = 0;

	ph_u64map_put(&seen, d->c->ct.host_ns[PH_NS_MNT], d);
	r = dump_mounts_of(d, getpid(), d->c->ct.host_ns[PH_NS_MNT]);
	n = snapshot(&d->c->ct, &all);
	for (size_t i = 0; i < n && r >= 0; i++) {
		const struct ph_container *c = &all[i]->c;
		uint32_t ns = c->ns[PH_NS_MNT];

		if (!c->init_pid || !ns || ph_u64map_put(&seen, ns, d))
			continue;
		r = dump_mounts_of(d, c->init_pid, ns);
	}
	ph_u64map_done(&seen);
	return r;
}

/* ---- the host ---------------------------------------------------------------------------------------- */

static int dump_devices(struct dump *d)
{
	ph_autobuf b = { 0 };
	struct ifaddrs *ifs = NULL;
	char *rest, *line;
	int r = 0;

	if (ph_read_file_at(AT_FDCWD, "/proc/partitions", 1 << 20, &b) >= 0) {
		rest = b.p;
		while (r >= 0 && (line = strsep(&rest, "\n"))) {
			unsigned int major, minor;
			char name[64];

			if (sscanf(line, "%u %u %*u %63s", &major, &minor, name) != 3)
				continue;
			begin(d, PH_EV_lttng_statedump_block_device);
			ph_emit_u(&d->e, major << 20 | minor);
			ph_emit_s(&d->e, name);
			r = done(d);
		}
	}
	if (r >= 0 && getifaddrs(&ifs) == 0) {
		for (struct ifaddrs *i = ifs; i && r >= 0; i = i->ifa_next) {
			char addr[INET_ADDRSTRLEN] = "";

			if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
				continue;
			inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)i->ifa_addr)->sin_addr, addr,
				  sizeof(addr));
			begin(d, PH_EV_lttng_statedump_network_interface);
			ph_emit_s(&d->e, i->ifa_name);
			ph_emit_s(&d->e, addr);
			r = done(d);
		}
		freeifaddrs(ifs);
	}
	return r;
}

static int cpu_file(uint32_t cpu, const char *name)
{
	ph_autobuf b = { 0 };
	char path[128];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/topology/%s", cpu, name);
	return ph_read_file_at(AT_FDCWD, path, 256, &b) < 0 ? -1 : atoi(b.p);
}

/* The value behind "key\t: " in one block of /proc/cpuinfo, into @out; "" where it is not there. */
static void cpuinfo(const char *block, const char *key, char *out, size_t size)
{
	const char *p = block ? strstr(block, key) : NULL;
	size_t n;

	out[0] = 0;
	p = p ? strstr(p, ": ") : NULL;
	if (!p)
		return;
	n = strcspn(p + 2, "\n");
	snprintf(out, size, "%.*s", (int)n, p + 2);
}

static int dump_cpus(struct dump *d)
{
	ph_autobuf b = { 0 };
	struct utsname uts;
	int r = 0;

	uname(&uts);
	ph_read_file_at(AT_FDCWD, "/proc/cpuinfo", 4 << 20, &b);
	for (uint32_t cpu = 0; cpu < d->c->ncpus && r >= 0; cpu++) {
		char vendor[64], family[16], model[16], name[128], cores[16];

		if (cpu_file(cpu, "core_id") < 0 && cpu > 0)
			continue;
		cpuinfo(b.p, "vendor_id", vendor, sizeof(vendor));
		cpuinfo(b.p, "cpu family", family, sizeof(family));
		cpuinfo(b.p, "model\t", model, sizeof(model));
		cpuinfo(b.p, "model name", name, sizeof(name));
		cpuinfo(b.p, "cpu cores", cores, sizeof(cores));
		begin(d, PH_EV_lttng_statedump_cpu_topology);
		ph_emit_s(&d->e, uts.machine);
		ph_emit_s(&d->e, vendor);
		ph_emit_u(&d->e, (uint32_t)atoi(family));
		ph_emit_u(&d->e, (uint32_t)atoi(model));
		ph_emit_s(&d->e, name);
		ph_emit_i(&d->e, cpu_file(cpu, "physical_package_id"));
		ph_emit_i(&d->e, cpu_file(cpu, "core_id"));
		ph_emit_u(&d->e, (uint32_t)atoi(cores));
		ph_emit_u(&d->e, cpu);
		r = done(d);
	}
	return r;
}

/* ---- guests ------------------------------------------------------------------------------------------ */

static bool records_kvm(const struct ph_collect *c)
{
	const struct ph_class *cls;

	for (size_t i = 0; (cls = ph_class_nth(i)); i++)
		if (cls->group == PH_GROUP_KVM && c->events[cls->id])
			return true;
	return false;
}

static int dump_guest(struct dump *d, const struct ph_guest *g)
{
	PH_VEC(struct ph_value) vcpus = { 0 }, tids = { 0 }, numbers = { 0 };
	int r;

	ph_vec_each(v, &g->vcpus)
		ph_vec_push(&vcpus)->i = *v;
	/* Who looks at the trace takes them for shown: others' are not. */
	ph_vec_each(t, &g->threads) {
		if (!ph_u64map_get(&d->selected, (uint64_t)t->tid))
			continue;
		ph_vec_push(&tids)->i = t->tid;
		ph_vec_push(&numbers)->i = t->vcpu;
	}
	begin(d, PH_EV_kvm_guest);
	ph_emit_i(&d->e, g->pid);
	ph_emit_s(&d->e, g->name);
	ph_emit_s(&d->e, g->uuid);
	ph_emit_seq(&d->e, vcpus.v, (uint32_t)vcpus.n);
	ph_emit_seq(&d->e, tids.v, (uint32_t)tids.n);
	ph_emit_seq(&d->e, numbers.v, (uint32_t)numbers.n);
	r = done(d);
	ph_vec_done(&vcpus);
	ph_vec_done(&tids);
	ph_vec_done(&numbers);
	return r;
}

/* Only for who looks at them: all descriptors of the machine are read. */
static int dump_guests(struct dump *d)
{
	struct ph_guests guests;
	int r;

	if (!records_kvm(d->c))
		return 0;
	r = ph_guests_scan(&guests, "/", d->err);
	for (size_t i = 0; i < guests.v.n && r >= 0; i++)
		r = dump_guest(d, &guests.v.v[i]);
	ph_guests_done(&guests);
	return r;
}

int ph_collect_dump(struct ph_collect *c, ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct dump d = { .c = c, .fn = ph_state, .arg = c, .err = err };
	int r;

	c->dumping = true;
	c->state = fn;
	c->state_arg = arg;
	/* First of all what is told of before everything else: hits and stacks may be older than the dump. */
	r = c->probing ? ph_probing_run(c, true, ph_state, c, err) : 0;
	if (c->stacks && r >= 0)
		r = ph_stacks_dump(c, ph_state, c, err);
	if (r >= 0) {
		begin(&d, PH_EV_lttng_statedump_start);
		r = done(&d);
	}
	if (r >= 0)
		r = dump_cpus(&d);
	if (r >= 0)
		r = dump_devices(&d);
	if (r >= 0)
		r = dump_containers(&d);
	if (r >= 0)
		r = dump_hierarchies(&d);
	if (r >= 0)
		r = iterate(&d, "dump_task", sizeof(struct ph_dump_task), dump_task);
	if (r >= 0)
		r = ph_cgstat_round(c, true, err);
	if (r >= 0)
		r = iterate(&d, "dump_file", sizeof(struct ph_dump_file), dump_file);
	if (r >= 0)
		r = dump_mounts(&d);
	if (r >= 0)
		r = dump_guests(&d);
	if (r >= 0) {
		begin(&d, PH_EV_lttng_statedump_end);
		r = done(&d);
	}
	ph_u64map_done(&d.selected);
	c->dumping = false;
	return r;
}

int ph_collect_counts(struct ph_collect *c, ph_event_fn fn, void *arg, struct ph_err *err)
{
	struct dump d = { .c = c, .fn = ph_state, .arg = c, .err = err };
	int r;

	c->dumping = true;
	c->state = fn;
	c->state_arg = arg;
	r = iterate(&d, "dump_task", sizeof(struct ph_dump_task), dump_times);
	if (r >= 0)
		r = dump_guests(&d);
	if (r >= 0)
		r = ph_cgstat_round(c, true, err);
	ph_u64map_done(&d.selected);
	c->dumping = false;
	return r;
}
