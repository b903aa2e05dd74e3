/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Namespaces as the tasks see them that fail in them: mounts, roots, ids. Held for a while, so that they can be looked at when the
 * task has gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "collect/evidence.h"

/* A view that nobody failed in for so long is let go: it holds the container's mounts. */
#define VIEW_NS (5 * PH_NSEC)
#define NS_MAX 64

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

struct ev_view *ev_view_of(struct ev_views *e, uint32_t mnt_ns, int32_t root_mnt, int32_t tid)
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

const struct ev_mount *ph_look_mount(const struct ev_views *e, uint32_t mnt_ns, int id)
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

int ph_look_ns(struct ev_views *e, const char *type, uint32_t inum, int32_t tid)
{
	struct ev_kept_ns *k;
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
	*k = (struct ev_kept_ns){ .inum = inum, .fd = fd, .used_ns = ph_now_ns() };
	return fd;
}

static char *read_map(int32_t tid, const char *file)
{
	ph_autobuf b = { 0 };
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, file);
	return ph_read_file_at(AT_FDCWD, path, 1 << 14, &b) >= 0 && b.len ? ph_buf_steal(&b) : NULL;
}

static void maps_free(struct ev_id_maps *m)
{
	free(m->uid);
	free(m->gid);
	free(m);
}

/* Maps are written once; until then a namespace has none, and nothing is kept. */
static void keep_maps(struct ev_views *e, uint32_t user_ns, int32_t tid)
{
	struct ev_id_maps *m = ph_u64map_get(&e->maps, user_ns);

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

const struct ev_id_maps *ev_id_maps(struct ev_views *e, uint32_t user_ns, int32_t tid)
{
	if (tid > 0)
		keep_maps(e, user_ns, tid);
	return ph_u64map_get(&e->maps, user_ns);
}

void ev_views_task(struct ev_views *e, int32_t tid, const uint32_t *host_ns)
{
	uint32_t mnt = ph_proc_ns(e->proc, tid, "mnt"), net = ph_proc_ns(e->proc, tid, "net"), user = ph_proc_ns(e->proc, tid, "user");
	int32_t root = mnt ? root_mount(tid) : -1;

	if (root >= 0 && !ph_u64map_get(&e->views, view_key(mnt, root)))
		ev_view_of(e, mnt, root, tid);
	if (net && net != host_ns[PH_NS_NET])
		ph_look_ns(e, "net", net, tid);
	if (user != host_ns[PH_NS_USER])
		keep_maps(e, user, tid);
}

void ev_views_trim(struct ev_views *e)
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
		if (now - ((struct ev_id_maps *)s->val)->used_ns > 12 * VIEW_NS)
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

void ev_views_init(struct ev_views *e)
{
	*e = (struct ev_views){ .proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), .round = 1, .own_root = root_mount(getpid()) };
}

void ev_views_done(struct ev_views *e)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&e->views, s));)
		view_free(s->val);
	ph_u64map_done(&e->views);
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&e->maps, s));)
		maps_free(s->val);
	ph_u64map_done(&e->maps);
	ph_vec_each(k, &e->ns)
		close(k->fd);
	ph_vec_done(&e->ns);
	if (e->proc >= 0)
		close(e->proc);
}
