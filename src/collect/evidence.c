/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is looked at after a call failed: the queue, and what is looked at for which failure. */
#include "collect/evidence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"

/* A round of draining may take this long for looking; what is left waits for the next. */
#define ROUND_NS (8 * 1000000UL)
#define QUEUE_MAX 1024
/* The same failure again: looked into so often, so long apart. */
#define AGAIN_MAX 4
#define AGAIN_NS (2 * PH_NSEC)
#define SEEN_MAX 16384

struct seen {
	uint64_t last_ns;
	uint32_t times;
};

struct ph_evidence {
	struct ph_collect *c;
	PH_VEC(struct ph_failed) queue;
	struct ph_u64map seen;		/* hash -> struct seen */
	struct ev_views views;
	struct ph_emit out;
	struct ph_audit *audit;
	struct ph_net *net;
};

struct ph_evidence *ph_evidence_new(struct ph_collect *c)
{
	struct ph_evidence *e = ph_alloc(sizeof(*e));

	e->c = c;
	ev_views_init(&e->views);
	e->audit = ph_audit_new();
	e->net = ph_net_new();
	return e;
}

void ph_evidence_task(struct ph_evidence *e, int32_t tid)
{
	ev_views_task(&e->views, tid, e->c->ct.host_ns);
}

static void forget(struct ph_evidence *e)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&e->seen, s));)
		free(s->val);
	ph_u64map_done(&e->seen);
}

void ph_evidence_free(struct ph_evidence *e)
{
	if (!e)
		return;
	ev_views_done(&e->views);
	forget(e);
	ph_vec_each(f, &e->queue)
		ph_failed_done(f);
	ph_vec_done(&e->queue);
	ph_audit_free(e->audit);
	ph_net_free(e->net);
	free(e);
}

/* ---- the queue ------------------------------------------------------------------------------------ */

/* Failures with the same answer: of the same program, for the same thing, by the same rights. */
static uint64_t failure_key(const struct ph_failed *f)
{
	uint64_t h = PH_HASH_INIT;
	uint32_t ids[] = { f->container, f->mnt_ns, f->fsuid, f->fsgid, f->user_ns, (uint32_t)f->error,
			   f->nr, f->refused };

	h = ph_hash(h, ids, sizeof(ids));
	h = ph_hash(h, f->path, strlen(f->path) + 1);
	h = ph_hash(h, f->path2, strlen(f->path2) + 1);
	h = ph_hash(h, f->base, strlen(f->base) + 1);
	h = ph_hash(h, f->addr, f->addr_len);
	h = ph_hash(h, f->comm, strlen(f->comm));
	h = ph_hash(h, &f->cap_effective, sizeof(f->cap_effective));
	if (f->call->pid)
		h = ph_hash(h, &f->arg[f->call->pid - 1], 8);
	return h;
}

static bool due(struct ph_evidence *e, const struct ph_failed *f)
{
	uint64_t key = failure_key(f);
	struct seen *s = ph_u64map_get(&e->seen, key);

	if (!s) {
		if (e->seen.n >= SEEN_MAX)
			forget(e);
		s = ph_alloc(sizeof(*s));
		ph_u64map_put(&e->seen, key, s);
	} else if (s->times >= AGAIN_MAX || f->ts_ns - s->last_ns < AGAIN_NS) {
		return false;
	}
	s->times++;
	s->last_ns = f->ts_ns;
	return true;
}

/* A process is killed for want of memory: what is there to be seen is as after a call that found none. */
static void read_kill(struct ph_failed *f, const struct ph_event *ev)
{
	*f = (struct ph_failed){
		.ts_ns = ev->ts_ns, .tid = ev->tid, .pid = ev->pid, .container = ev->container,
		.error = ENOMEM, .name = ph_strdup("oom-kill"), .path = ph_strdup(""), .path2 = ph_strdup(""),
		.base = ph_strdup(""), .call = ph_failcall(""), .root_mnt = -1,
		.memory_cgroup = ph_event_u(ev, PH_FLD(oom_mark_victim, memory_cgroup), 0),
	};
}

void ph_evidence_failed(struct ph_evidence *e, const struct ph_event *ev)
{
	struct ph_failed f;

	if (ev->cls->id == PH_EV_oom_mark_victim)
		read_kill(&f, ev);
	else
		ph_failed_read(&f, ev);
	if (e->queue.n >= QUEUE_MAX || !due(e, &f)) {
		ph_failed_done(&f);
		return;
	}
	*ph_vec_push(&e->queue) = f;
}

void ph_evidence_exit(struct ph_evidence *e, const struct ph_event *ev)
{
	if ((ph_event_i(ev, PH_FLD(sched_process_exit, exit_code), 0) & 0x7f) == SIGSYS)
		ph_audit_killed(e->audit, ev);
}

/* ---- one look --------------------------------------------------------------------------------------- */

struct ev_view *ph_look_host(struct ev_look *l)
{
	return ev_view_of(l->views, ph_proc_ns(l->views->proc, getpid(), "mnt"), l->views->own_root, getpid());
}

void ph_fact(struct ev_look *l, const char *what, const char *subject, const char *text,
	     const char *facts, ...)
{
	struct ph_emit *o = &l->e->out;
	char line[512];
	va_list ap;

	if (l->r < 0)
		return;
	va_start(ap, facts);
	vsnprintf(line, sizeof(line), facts, ap);
	va_end(ap);
	ph_emit_begin(o, PH_EV_denial_evidence, ph_now_ns());
	o->ev.container = l->f->container;
	o->ev.tid = l->f->tid;
	o->ev.pid = l->f->pid;
	ph_emit_u(o, l->f->ts_ns);
	ph_emit_i(o, l->f->tid);
	ph_emit_s(o, what);
	ph_emit_s(o, subject);
	ph_emit_s(o, line);
	ph_emit_s(o, text);
	l->r = ph_emit_done(o, l->fn, l->arg, l->err);
}

int ph_look_proc(const struct ev_look *l, const char *file, struct ph_buf *b)
{
	char path[64];

	if (!l->alive)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/%s", l->f->tid, file);
	return ph_read_file_at(AT_FDCWD, path, 1 << 16, b);
}

static void look_ids(struct ev_look *l)
{
	const struct ev_id_maps *m;

	if (l->f->user_ns_level == 0)
		return;
	m = ev_id_maps(l->views, l->f->user_ns, l->alive ? l->f->tid : -1);
	if (!m)
		return;
	ph_fact(l, "uid_map", "", m->uid, "user_ns=%u", l->f->user_ns);
	ph_fact(l, "gid_map", "", m->gid, "user_ns=%u", l->f->user_ns);
}

static void look_lsm(struct ev_look *l)
{
	ph_autobuf list = { 0 }, label = { 0 };

	if (ph_read_file_at(AT_FDCWD, "/sys/kernel/security/lsm", 4096, &list) < 0) {
		ph_fact(l, "lsm", "", "", "readable=0");
		return;
	}
	if (ph_look_proc(l, "attr/current", &label) < 0)
		ph_buf_clear(&label);
	for (size_t i = 0; i < label.len; i++)
		if (label.p[i] == '\n' || !label.p[i])
			label.len = i;
	if (label.p)
		label.p[label.len] = 0;
	ph_fact(l, "lsm", label.p ? label.p : "", list.p ? list.p : "", "readable=1");
}

/* Does the call look its path up to the end of a last link? */
static bool follows(const struct ph_failed *f)
{
	const char *n = f->name;

	if (!strcmp(n, "newlstat") || !strcmp(n, "lstat") || !strncmp(n, "readlink", 8) || n[0] == 'l' ||
	    f->call->kind == PH_FAIL_CREATE)
		return false;
	if (!strcmp(n, "newfstatat") || !strcmp(n, "fchownat"))
		return !(f->arg[!strcmp(n, "fchownat") ? 4 : 3] & AT_SYMLINK_NOFOLLOW);
	if (!strcmp(n, "openat") || !strcmp(n, "open"))
		return !(f->arg[!strcmp(n, "openat") ? 2 : 1] & O_NOFOLLOW);
	return true;
}

static void look_paths(struct ev_look *l)
{
	const struct ph_failed *f = l->f;
	ph_autofree char *path = ph_failed_path(f);

	if ((!f->call->path && !f->call->fd) || !path)
		return;
	if (f->call->path && !f->path[0] && f->error == ENOENT)
		return;
	ph_look_path(l, path, follows(f));
	/* The place where the second name is to be; its directory is what may refuse. */
	if (f->path2[0] == '/' && f->call->kind == PH_FAIL_CREATE && strncmp(f->name, "symlink", 7))
		ph_look_path(l, f->path2, false);
	else if (f->path2[0] == '/' && f->call->kind == PH_FAIL_MOUNT)
		ph_look_path(l, f->path2, true);
}

static void look_fds(struct ev_look *l)
{
	ph_autoclosedir DIR *dir = NULL;
	char path[64];
	int n = -2;

	snprintf(path, sizeof(path), "/proc/%d/fd", l->f->tid);
	dir = l->alive ? opendir(path) : NULL;
	while (dir && readdir(dir))
		n++;
	if (dir)
		ph_fact(l, "fds", "", "", "count=%d", n);
}

static void look_at(struct ev_look *l)
{
	const struct ph_failed *f = l->f;
	enum ph_fail_kind kind = f->call->kind;

	/* What seccomp refuses needs no looking: the kernel did not either. */
	if (f->refused)
		return;
	if (!strcmp(f->name, "oom-kill")) {
		ph_look_memory(l);
		ph_look_memory_users(l);
		return;
	}
	if (f->error == EBADF || f->error == EFAULT || f->error == ENOTTY)
		return;
	if (f->error == EMFILE)
		look_fds(l);
	if (f->error == ENFILE)
		ph_look_sysctl(l, "fs/file-nr");
	/* Where there is no memory for a file, a call may say that there are too many. */
	if (f->error == ENFILE)
		ph_look_memory(l);
	if (f->error == ENOSYS) {
		ph_look_kernel(l);
		return;
	}
	look_paths(l);
	if (f->error == ENOENT && !f->call->addr)
		return;
	if (f->error == EACCES && (kind == PH_FAIL_OPEN || kind == PH_FAIL_CREATE)) {
		ph_look_sysctl(l, "fs/protected_regular");
		ph_look_sysctl(l, "fs/protected_fifos");
	}
	if (f->error == EACCES)
		ph_look_sysctl(l, "fs/protected_symlinks");
	if (f->error == EACCES || f->error == EPERM || f->error == EOVERFLOW || f->error == EINVAL)
		look_ids(l);
	if (f->error == EACCES || f->error == EPERM) {
		look_lsm(l);
		if (kind == PH_FAIL_OPEN || !strncmp(f->name, "mknod", 5))
			ph_look_devices(l);
		if (f->error == EPERM && (kind == PH_FAIL_OPEN || kind == PH_FAIL_SYSTEM))
			ph_look_lockdown(l);
	}
	switch (kind) {
	case PH_FAIL_FORK:
		if (f->error == EAGAIN) {
			ph_look_pids(l);
			ph_look_sysctl(l, "kernel/threads-max");
			ph_look_sysctl(l, "kernel/pid_max");
		}
		/* fall through */
	case PH_FAIL_NS:
		if (f->error == EPERM)
			ph_look_sysctl(l, "kernel/unprivileged_userns_clone");
		break;
	case PH_FAIL_MEMORY: case PH_FAIL_MLOCK:
		ph_look_memory(l);
		break;
	case PH_FAIL_SIGNAL: case PH_FAIL_PTRACE: case PH_FAIL_PRIO: case PH_FAIL_RLIMIT:
		if (f->call->pid)
			ph_look_target(l, (int32_t)f->arg[f->call->pid - 1]);
		if (kind == PH_FAIL_PTRACE)
			ph_look_sysctl(l, "kernel/yama/ptrace_scope");
		break;
	case PH_FAIL_SOCKET: case PH_FAIL_CONNECT: case PH_FAIL_BIND: case PH_FAIL_SEND:
		ph_look_net(l);
		break;
	case PH_FAIL_SYSTEM:
		if (!strcmp(f->name, "bpf"))
			ph_look_sysctl(l, "kernel/unprivileged_bpf_disabled");
		if (!strcmp(f->name, "perf_event_open"))
			ph_look_sysctl(l, "kernel/perf_event_paranoid");
		if (!strcmp(f->name, "syslog"))
			ph_look_sysctl(l, "kernel/dmesg_restrict");
		break;
	default:
		break;
	}
	if (f->error == ENOMEM && kind != PH_FAIL_MEMORY && kind != PH_FAIL_MLOCK)
		ph_look_memory(l);
}

/* The task itself may be gone: then as another sees it that is in its place, with the mounts that there are now. */
static struct ev_view *find_view(struct ph_evidence *e, const struct ph_failed *f)
{
	struct ev_view *v = ev_view_of(&e->views, f->mnt_ns, f->root_mnt, f->tid);
	const struct ph_centry *c;

	if (f->root_mnt < 0 || (v && v->round == e->views.round))
		return v;
	if (v)
		v = ev_view_of(&e->views, f->mnt_ns, f->root_mnt, v->tid);
	c = v && v->round == e->views.round ? NULL : ph_u64map_get(&e->c->ct.by_index, f->container);
	return c && c->c.init_pid > 0 ? ev_view_of(&e->views, f->mnt_ns, f->root_mnt, c->c.init_pid) : v;
}

static int look(struct ph_evidence *e, const struct ph_failed *f, ph_event_fn fn, void *arg,
		struct ph_err *err)
{
	struct ev_look l = { .e = e, .c = e->c, .views = &e->views, .f = f, .net = e->net, .fn = fn, .arg = arg, .err = err };

	l.alive = ph_proc_ns(e->views.proc, f->tid, "mnt") != 0;
	l.view = find_view(e, f);
	/* What is gone may have been in our own namespace. */
	if (!l.view && f->root_mnt == e->views.own_root && f->mnt_ns == ph_proc_ns(e->views.proc, getpid(), "mnt"))
		l.view = ph_look_host(&l);
	ph_look_ns(&e->views, "net", f->net_ns, f->tid);
	if (!l.view && f->mnt_ns)
		ph_fact(&l, "gone", "", "", "mnt_ns=%u", f->mnt_ns);
	look_at(&l);
	ph_audit_failed(e->audit, f);
	return l.r;
}

#define PASSES 3

/* First what is rare: a search for a file fails in many places, and seldom matters; the host's least. */
static int pass_of(const struct ph_failed *f)
{
	return f->error != ENOENT ? 0 : f->container ? 1 : 2;
}

int ph_evidence_run(struct ph_evidence *e, ph_event_fn fn, void *arg, struct ph_err *err)
{
	uint64_t begin = ph_now_ns();
	size_t kept = 0;
	int r = 0;

	e->views.round++;

	for (int pass = 0; pass < PASSES; pass++) {
		for (size_t i = 0; i < e->queue.n && r >= 0; i++) {
			struct ph_failed *f = &e->queue.v[i];

			if (!f->name || pass_of(f) != pass)
				continue;
			if (ph_now_ns() - begin > ROUND_NS)
				break;
			r = look(e, f, fn, arg, err);
			ph_failed_done(f);
		}
	}
	for (size_t i = 0; i < e->queue.n; i++)
		if (e->queue.v[i].name)
			e->queue.v[kept++] = e->queue.v[i];
	e->queue.n = kept;
	/* Whatever fails from now on is later than what was answered. */
	if (!kept)
		ph_net_forget(e->net);
	if (r >= 0)
		r = ph_audit_tell(e->audit, &(struct ev_look){ .e = e, .c = e->c, .fn = fn, .arg = arg, .err = err });
	ev_views_trim(&e->views);
	return r;
}
