/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tasks there are and what files they have open: one pass each, as the kernel has them. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "collect/dump_priv.h"

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
	dump_begin(d, PH_EV_lttng_statedump_process_user_ns);
	ph_emit_i(&d->e, tid);
	ph_emit_i(&d->e, uid);
	ph_emit_i(&d->e, gid);
	ph_emit_i(&d->e, level);
	ph_emit_u(&d->e, inum);
	return dump_done(d);
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
		dump_begin(d, PH_EV_lttng_statedump_process_pid_ns);
		ph_emit_i(&d->e, t->tid);
		ph_emit_i(&d->e, t->level[i].tid);
		ph_emit_i(&d->e, t->level[i].pid);
		ph_emit_i(&d->e, t->level[i].ppid);
		ph_emit_i(&d->e, i);
		ph_emit_u(&d->e, t->level[i].inum);
		r = dump_done(d);
	}
	if (r >= 0 && t->ns[PH_NS_USER])
		r = dump_user_namespaces(d, t);
	for (size_t i = 0; i < PH_ARRAY_SIZE(plain) && r >= 0; i++) {
		if (!t->ns[plain[i].ns])
			continue;
		dump_begin(d, plain[i].event);
		ph_emit_i(&d->e, t->tid);
		ph_emit_u(&d->e, t->ns[plain[i].ns]);
		r = dump_done(d);
	}
	return r;
}

/* "0-3,7" */
static void cpu_list(const cpu_set_t *set, struct ph_buf *out)
{
	for (int first = 0; first < CPU_SETSIZE; first++) {
		int last = first;

		if (!CPU_ISSET(first, set))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
			last++;
		ph_buf_addf(out, last > first ? "%s%d-%d" : "%s%d", out->len ? "," : "", first, last);
		first = last;
	}
}

/* It may have ended since. */
static int dump_affinity(struct dump *d, const struct ph_dump_task *t)
{
	ph_autobuf cpus = { 0 };
	cpu_set_t set;

	if (t->flags & PF_KTHREAD || sched_getaffinity(t->tid, sizeof(set), &set) < 0 || CPU_COUNT(&set) >= sysconf(_SC_NPROCESSORS_ONLN))
		return 0;
	cpu_list(&set, &cpus);
	dump_begin(d, PH_EV_statedump_affinity);
	ph_emit_i(&d->e, t->tid);
	ph_emit_s(&d->e, cpus.p);
	return dump_done(d);
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
	dump_begin(d, PH_EV_task_times);
	ph_emit_i(&d->e, t->tid);
	ph_emit_u(&d->e, t->utime_ns);
	ph_emit_u(&d->e, t->stime_ns);
	ph_emit_u(&d->e, t->runtime_ns);
	ph_emit_u(&d->e, t->run_delay_ns);
	ph_emit_u(&d->e, t->min_flt);
	ph_emit_u(&d->e, t->maj_flt);
	return dump_done(d);
}

static int dump_task(void *arg, const void *data)
{
	const struct ph_dump_task *t = data;
	struct dump *d = arg;
	char comm[17] = "";
	int r;

	memcpy(comm, t->comm, 16);
	dump_begin(d, PH_EV_lttng_statedump_process_state);
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
	r = dump_done(d);
	if (r >= 0)
		r = dump_namespaces(d, t);
	if (r >= 0)
		r = dump_affinity(d, t);
	return r < 0 ? r : dump_times(d, t);
}

static int dump_file(void *arg, const void *data)
{
	const struct ph_dump_file *f = data;
	struct dump *d = arg;
	char path[sizeof(f->path) + 1] = "";

	memcpy(path, f->path, f->len < sizeof(f->path) ? f->len : sizeof(f->path));
	dump_begin(d, PH_EV_lttng_statedump_file_descriptor);
	ph_emit_u(&d->e, f->files);
	ph_emit_i(&d->e, (int32_t)f->fd);
	ph_emit_u(&d->e, f->flags);
	ph_emit_u(&d->e, f->mode);
	ph_emit_s(&d->e, path);
	return dump_done(d);
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

int dump_tasks(struct dump *d)
{
	return iterate(d, "dump_task", sizeof(struct ph_dump_task), dump_task);
}

int dump_files(struct dump *d)
{
	return iterate(d, "dump_file", sizeof(struct ph_dump_file), dump_file);
}

int dump_all_times(struct dump *d)
{
	return iterate(d, "dump_task", sizeof(struct ph_dump_task), dump_times);
}
