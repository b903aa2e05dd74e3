/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is looked at after a call failed: the queue, the views that are kept, which look for what. */
#include "collect/evidence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"

/* A round of draining may take this long for looking; what is left waits for the next. */
#define ROUND_NS (8 * 1000000UL)
#define QUEUE_MAX 1024
/* The same failure again: looked into so often, so long apart. */
#define AGAIN_MAX 4
#define AGAIN_NS (2 * PH_NSEC)
/* A view that nobody failed in for so long is let go: it holds the container's mounts. */
#define VIEW_NS (5 * PH_NSEC)
#define NS_MAX 64
#define SEEN_MAX 16384

struct seen {
	uint64_t last_ns;
	uint32_t times;
};

struct kept_ns {
	uint32_t inum;
	int fd;
	uint64_t used_ns;
};

/* What the ids of a user namespace are outside. */
struct id_maps {
	char *uid, *gid;
	uint64_t used_ns;
};

struct ph_evidence {
	struct ph_collect *c;
	int proc;			/* /proc */
	PH_VEC(struct ph_failed) queue;
	struct ph_u64map seen;		/* hash -> struct seen */
	struct ph_u64map views;		/* mount namespace -> struct ev_view */
	PH_VEC(struct kept_ns) ns;
	struct ph_u64map maps;		/* user namespace -> struct id_maps */
	uint64_t trimmed_ns, round;
	int32_t own_root;
	struct ph_emit out;
	struct ph_audit *audit;
	struct ph_net *net;
};

/* ---- views ------------------------------------------------------------------------------------- */

static void mounts_done(struct ev_view *v)
{
	ph_vec_each(m, &v->mounts) {
		free(m->point);
		free(m->root);
		free(m->fstype);
		free(m->source);
		free(m->super);
	}
	ph_vec_done(&v->mounts);
}

static void view_free(struct ev_view *v)
{
	mounts_done(v);
	free(v->cgroups);
	if (v->root >= 0)
		close(v->root);
	if (v->ns >= 0)
		close(v->ns);
	free(v);
}

/* File systems that somebody may hold up whom we must not wait for. */
static bool remote_fs(const char *type)
{
	static const char *const list[] = {
		"fuse", "nfs", "cifs", "smb", "9p", "ceph", "afs", "autofs", "virtiofs", "gfs", "ocfs",
		"lustre", "glusterfs", "coda", "orangefs",
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(list); i++)
		if (!strncmp(type, list[i], strlen(list[i])))
			return true;
	return false;
}

/* 36 35 98:0 /root /point rw,noatime shared:1 - ext3 /dev/root rw,errors=continue */
static void read_mount(struct ev_view *v, char *line)
{
	char *word[6], *rest = line, *sep = strstr(line, " - "), *type, *source, *super;
	struct ev_mount *m;

	if (!sep)
		return;
	*sep = 0;
	sep += 3;
	for (int i = 0; i < 6; i++) {
		word[i] = strsep(&rest, " ");
		if (!word[i])
			return;
	}
	type = strsep(&sep, " ");
	source = strsep(&sep, " ");
	super = sep ? sep : "";
	ph_unescape_octal(word[3]);
	ph_unescape_octal(word[4]);
	m = ph_vec_push(&v->mounts);
	*m = (struct ev_mount){
		.id = atoi(word[0]), .ro = ph_list_has(word[5], "ro"), .nosuid = ph_list_has(word[5], "nosuid"),
		.nodev = ph_list_has(word[5], "nodev"), .noexec = ph_list_has(word[5], "noexec"),
		.sb_ro = ph_list_has(super, "ro"), .remote = remote_fs(type),
		.root = ph_strdup(word[3]), .point = ph_strdup(word[4]), .fstype = ph_strdup(type),
		.source = ph_strdup(source ? source : ""), .super = ph_strdup(super),
	};
}

static void read_mounts(struct ev_view *v, int32_t tid)
{
	ph_autobuf b = { 0 };
	char path[64], *rest, *line;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", tid);
	if (ph_read_file_at(AT_FDCWD, path, 4 << 20, &b) < 0 || !b.len)
		return;
	mounts_done(v);
	rest = b.p;
	while ((line = strsep(&rest, "\n")))
		read_mount(v, line);
}

static int open_proc(int32_t tid, const char *file, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, file);
	return open(path, flags | O_CLOEXEC);
}

/* The root of @tid; @mnt is the mount whose root it is, -1: a directory below one (chroot), or not known. */
static int open_root(int32_t tid, int32_t *mnt)
{
	int fd = open_proc(tid, "root", O_PATH | O_DIRECTORY);
	struct statx stx;

	*mnt = -1;
	/* v5.8 (80340fe3605c) */
	if (fd >= 0 && statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &stx) == 0 &&
	    stx.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		*mnt = ph_mount_of(fd);
	return fd;
}

static int32_t root_mount(int32_t tid)
{
	int32_t mnt;
	int fd = open_root(tid, &mnt);

	if (fd >= 0)
		close(fd);
	return mnt;
}

static uint64_t view_key(uint32_t mnt_ns, int32_t root_mnt)
{
	return (uint64_t)mnt_ns << 32 | (uint32_t)root_mnt;
}

/* The view of @mnt_ns with that root; made, or brought up to date, from task @tid if that is (still) in it. */
static struct ev_view *view_of(struct ph_evidence *e, uint32_t mnt_ns, int32_t root_mnt, int32_t tid)
{
	struct ev_view *v = ph_u64map_get(&e->views, view_key(mnt_ns, root_mnt));
	/* Whoever has changed its root to a directory has its own: several may be on one mount. */
	bool fresh = v && v->round == e->round && (root_mnt >= 0 || v->tid == tid);
	ph_autobuf b = { 0 };
	char path[64];
	int32_t id;
	int root;

	/* Since then it may have turned to another root (pivot_root): what is there is not what was asked. */
	root = tid > 0 && mnt_ns && !fresh && ph_proc_ns(e->proc, tid, "mnt") == mnt_ns ? open_root(tid, &id) : -1;
	if (root >= 0 && id != root_mnt) {
		close(root);
	} else if (root >= 0) {
		if (!v) {
			v = ph_alloc(sizeof(*v));
			v->mnt_ns = mnt_ns;
			v->root_mnt = root_mnt;
			v->root = -1;
			v->ns = open_proc(tid, "ns/mnt", O_RDONLY);
			ph_u64map_put(&e->views, view_key(mnt_ns, root_mnt), v);
		}
		v->round = e->round;
		v->tid = tid;
		if (v->root >= 0)
			close(v->root);
		v->root = root;
		read_mounts(v, tid);
		snprintf(path, sizeof(path), "/proc/%d/cgroup", tid);
		if (ph_read_file_at(AT_FDCWD, path, 1 << 16, &b) >= 0) {
			free(v->cgroups);
			v->cgroups = ph_buf_steal(&b);
		}
	}
	if (v)
		v->used_ns = ph_now_ns();
	return v && v->root >= 0 && (root_mnt >= 0 || v->tid == tid) ? v : NULL;
}

struct ph_evidence *ph_evidence_new(struct ph_collect *c)
{
	struct ph_evidence *e = ph_alloc(sizeof(*e));

	e->c = c;
	e->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	e->round = 1;
	e->own_root = root_mount(getpid());
	e->audit = ph_audit_new();
	e->net = ph_net_new();
	return e;
}

struct ev_view *ph_look_host(struct ev_look *l)
{
	return view_of(l->e, ph_proc_ns(l->e->proc, getpid(), "mnt"), l->e->own_root, getpid());
}

const struct ev_mount *ph_look_mount(struct ph_evidence *e, uint32_t mnt_ns, int id)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&e->views, s));) {
		const struct ev_view *v = s->val;

		if (v->mnt_ns != mnt_ns)
			continue;
		ph_vec_each(m, &v->mounts)
			if (m->id == id)
				return m;
	}
	return NULL;
}

int ph_open_ns(const char *type, uint32_t inum, int32_t tid)
{
	struct stat st;
	char file[32];
	int fd;

	snprintf(file, sizeof(file), "ns/%s", type);
	fd = inum ? open_proc(tid, file, O_RDONLY) : -1;
	if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_ino != inum)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int ph_look_ns(struct ph_evidence *e, const char *type, uint32_t inum, int32_t tid)
{
	struct kept_ns *k;
	int fd;

	ph_vec_each(p, &e->ns) {
		if (p->inum == inum) {
			p->used_ns = ph_now_ns();
			return p->fd;
		}
	}
	fd = ph_open_ns(type, inum, tid);
	if (fd < 0)
		return -1;
	if (e->ns.n >= NS_MAX) {
		close(e->ns.v[0].fd);
		memmove(e->ns.v, e->ns.v + 1, (e->ns.n - 1) * sizeof(*e->ns.v));
		e->ns.n--;
	}
	k = ph_vec_push(&e->ns);
	*k = (struct kept_ns){ .inum = inum, .fd = fd, .used_ns = ph_now_ns() };
	return fd;
}

static char *read_map(int32_t tid, const char *file)
{
	ph_autobuf b = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, file);
	return ph_read_file_at(AT_FDCWD, path, 1 << 14, &b) >= 0 && b.len ? ph_buf_steal(&b) : NULL;
}

static void maps_free(struct id_maps *m)
{
	free(m->uid);
	free(m->gid);
	free(m);
}

/* Maps are written once; until then a namespace has none, and nothing is kept. */
static void keep_maps(struct ph_evidence *e, uint32_t user_ns, int32_t tid)
{
	struct id_maps *m = ph_u64map_get(&e->maps, user_ns);

	if (!user_ns || (m && ph_now_ns() - m->used_ns < VIEW_NS) || ph_proc_ns(e->proc, tid, "user") != user_ns)
		return;
	if (m)
		maps_free(ph_u64map_del(&e->maps, user_ns));
	m = ph_alloc(sizeof(*m));
	m->uid = read_map(tid, "uid_map");
	m->gid = read_map(tid, "gid_map");
	m->used_ns = ph_now_ns();
	if (m->uid && m->gid)
		ph_u64map_put(&e->maps, user_ns, m);
	else
		maps_free(m);
}

void ph_evidence_task(struct ph_evidence *e, int32_t tid)
{
	uint32_t mnt = ph_proc_ns(e->proc, tid, "mnt"), net = ph_proc_ns(e->proc, tid, "net"), user = ph_proc_ns(e->proc, tid, "user");
	int32_t root = mnt ? root_mount(tid) : -1;

	if (root >= 0 && !ph_u64map_get(&e->views, view_key(mnt, root)))
		view_of(e, mnt, root, tid);
	if (net && net != e->c->ct.host_ns[PH_NS_NET])
		ph_look_ns(e, "net", net, tid);
	if (user != e->c->ct.host_ns[PH_NS_USER])
		keep_maps(e, user, tid);
}

/* Let go of what was of no use for some time. */
static void trim(struct ph_evidence *e)
{
	uint64_t now = ph_now_ns();
	PH_VEC(uint64_t) old = { 0 };
	size_t kept = 0;

	if (now - e->trimmed_ns < PH_NSEC)
		return;
	e->trimmed_ns = now;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&e->views, s));)
		if (now - ((struct ev_view *)s->val)->used_ns > VIEW_NS)
			*ph_vec_push(&old) = s->key;
	ph_vec_each(k, &old)
		view_free(ph_u64map_del(&e->views, *k));
	old.n = 0;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&e->maps, s));)
		if (now - ((struct id_maps *)s->val)->used_ns > 12 * VIEW_NS)
			*ph_vec_push(&old) = s->key;
	ph_vec_each(k, &old)
		maps_free(ph_u64map_del(&e->maps, *k));
	ph_vec_done(&old);
	for (size_t i = 0; i < e->ns.n; i++) {
		if (now - e->ns.v[i].used_ns > VIEW_NS)
			close(e->ns.v[i].fd);
		else
			e->ns.v[kept++] = e->ns.v[i];
	}
	e->ns.n = kept;
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
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&e->views, s));)
		view_free(s->val);
	ph_u64map_done(&e->views);
	forget(e);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&e->maps, s));)
		maps_free(s->val);
	ph_u64map_done(&e->maps);
	ph_vec_each(k, &e->ns)
		close(k->fd);
	ph_vec_done(&e->ns);
	ph_vec_each(f, &e->queue)
		ph_failed_done(f);
	ph_vec_done(&e->queue);
	ph_audit_free(e->audit);
	ph_net_free(e->net);
	if (e->proc >= 0)
		close(e->proc);
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
	const struct id_maps *m;

	if (l->f->user_ns_level == 0)
		return;
	if (l->alive)
		keep_maps(l->e, l->f->user_ns, l->f->tid);
	m = ph_u64map_get(&l->e->maps, l->f->user_ns);
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
	struct ev_view *v = view_of(e, f->mnt_ns, f->root_mnt, f->tid);
	const struct ph_centry *c;

	if (f->root_mnt < 0 || (v && v->round == e->round))
		return v;
	if (v)
		v = view_of(e, f->mnt_ns, f->root_mnt, v->tid);
	c = v && v->round == e->round ? NULL : ph_u64map_get(&e->c->ct.by_index, f->container);
	return c && c->c.init_pid > 0 ? view_of(e, f->mnt_ns, f->root_mnt, c->c.init_pid) : v;
}

static int look(struct ph_evidence *e, const struct ph_failed *f, ph_event_fn fn, void *arg,
		struct ph_err *err)
{
	struct ev_look l = { .e = e, .c = e->c, .proc = e->proc, .f = f, .net = e->net, .fn = fn, .arg = arg, .err = err };

	l.alive = ph_proc_ns(e->proc, f->tid, "mnt") != 0;
	l.view = find_view(e, f);
	/* What is gone may have been in our own namespace. */
	if (!l.view && f->root_mnt == e->own_root && f->mnt_ns == ph_proc_ns(e->proc, getpid(), "mnt"))
		l.view = ph_look_host(&l);
	ph_look_ns(e, "net", f->net_ns, f->tid);
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

	e->round++;

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
	trim(e);
	return r;
}
