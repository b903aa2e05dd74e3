/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A path, component for component, as a container sees it and as the host does. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/parse.h"
#include "collect/evidence.h"
#include "symbol/mounts.h"

#define LINKS_MAX 20
#define DEPTH_MAX 64

/* A walk: each step opens one name below the last directory, with O_PATH and without following. */
struct walk {
	struct ev_look *l;
	struct ev_view *v;
	bool quiet;		/* only the end counts */
	int fd[DEPTH_MAX];	/* of the directories so far, [0] the root */
	int depth;
	struct ph_buf at;	/* the path so far, without links */
	int mounts[DEPTH_MAX];
	struct stat st;		/* of the last component found */
	int links;
};

/* What a task in a chroot is told of mounts lacks the one that its root is on: others of its namespace know it. */
static const struct ev_mount *mount_by_id(const struct walk *w, int id)
{
	ph_vec_each(m, &w->v->mounts)
		if (m->id == id)
			return m;
	return w->v->root_mnt < 0 ? ph_look_mount(w->l->views, w->v->mnt_ns, id) : NULL;
}

/* The mount that a descriptor is on, asked of the kernel alone: no file system is involved. */
int ph_mount_of(int fd)
{
	char path[64], buf[256];
	const char *p;
	ssize_t n;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY | O_CLOEXEC);
	if (info < 0)
		return -1;
	n = read(info, buf, sizeof(buf) - 1);
	close(info);
	if (n <= 0)
		return -1;
	buf[n] = 0;
	p = strstr(buf, "mnt_id:");
	return p ? atoi(p + 7) : -1;
}

static const char *type_word(mode_t mode)
{
	return S_ISDIR(mode) ? "dir" : S_ISREG(mode) ? "file" : S_ISLNK(mode) ? "link" :
	       S_ISCHR(mode) ? "chr" : S_ISBLK(mode) ? "blk" : S_ISFIFO(mode) ? "fifo" : "sock";
}

static void tell_mount(struct walk *w, const struct ev_mount *m)
{
	ph_autofree char *text = ph_asprintf("%s %s %s", m->fstype, m->source, m->super);

	ph_fact(w->l, "mount", m->point, text, "id=%d ro=%d nosuid=%d nodev=%d noexec=%d sb_ro=%d remote=%d",
		m->id, m->ro, m->nosuid, m->nodev, m->noexec, m->sb_ro, m->remote);
}

/* Entries as setfacl writes them; 8 bytes each behind a version of 4. */
static void tell_acl(struct walk *w, int fd)
{
	static const char *const tags[] = { [0x01] = "user:", [0x02] = "user", [0x04] = "group:",
					    [0x08] = "group", [0x10] = "mask:", [0x20] = "other:" };
	ph_autobuf out = { 0 };
	uint8_t acl[1028];
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = getxattr(path, "system.posix_acl_access", acl, sizeof(acl));
	for (ssize_t at = 4; n > 4 && at + 8 <= n; at += 8) {
		uint16_t tag, perm;
		uint32_t id;

		memcpy(&tag, acl + at, 2);
		memcpy(&perm, acl + at + 2, 2);
		memcpy(&id, acl + at + 4, 4);
		if (tag >= PH_ARRAY_SIZE(tags) || !tags[tag])
			continue;
		ph_buf_addf(&out, "%s%s", out.len ? "," : "", tags[tag]);
		if (tag == 0x02 || tag == 0x08)
			ph_buf_addf(&out, ":%u", id);
		ph_buf_addf(&out, ":%c%c%c", perm & 4 ? 'r' : '-', perm & 2 ? 'w' : '-', perm & 1 ? 'x' : '-');
	}
	if (out.len)
		ph_fact(w->l, "acl", w->at.p, out.p, "entries=%zd", (n - 4) / 8);
}

static int attributes(int fd, uint64_t which)
{
	struct statx stx;

	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &stx) == 0 &&
	       stx.stx_attributes & which;
}

/* Is what a descriptor stands for on a file system that may be asked? */
static bool answers(const struct walk *w, int fd, const struct ev_mount *m)
{
	return m && !m->remote && ph_mount_kind(fd, w->v->tid) != PH_MOUNT_SERVED;
}

/* 0 to go on, and where a link leads; 1: the walk ends here. */
static int found(struct walk *w, int fd, char *link, size_t size)
{
	int id = ph_mount_of(fd);
	const struct ev_mount *m = mount_by_id(w, id);
	ssize_t n;

	w->mounts[w->depth < DEPTH_MAX ? w->depth : DEPTH_MAX - 1] = id;
	if (!answers(w, fd, m)) {
		if (m)
			tell_mount(w, m);
		ph_fact(w->l, "unseen", w->at.p, m ? m->fstype : "", "mnt=%d", id);
		return 1;
	}
	n = readlinkat(fd, "", link, size - 1);
	link[n > 0 ? n : 0] = 0;
	if (fstatat(fd, "", &w->st, AT_EMPTY_PATH | AT_NO_AUTOMOUNT) < 0)
		return 1;
	if (w->quiet)
		return 0;
	ph_fact(w->l, "component", w->at.len ? w->at.p : "/", link,
		"%s=1 mode=%u uid=%u gid=%u mnt=%d dev=%u:%u ino=%lu major=%u minor=%u immutable=%d append=%d",
		type_word(w->st.st_mode), w->st.st_mode & 07777, w->st.st_uid, w->st.st_gid, id,
		major(w->st.st_dev), minor(w->st.st_dev), w->st.st_ino, major(w->st.st_rdev),
		minor(w->st.st_rdev), attributes(fd, STATX_ATTR_IMMUTABLE), attributes(fd, STATX_ATTR_APPEND));
	if (w->l->f->error == EACCES && !S_ISLNK(w->st.st_mode))
		tell_acl(w, fd);
	return 0;
}

static void pop(struct walk *w)
{
	char *slash;

	if (!w->depth)
		return;
	close(w->fd[w->depth--]);
	slash = strrchr(w->at.p, '/');
	w->at.len = slash ? (size_t)(slash - w->at.p) : 0;
	w->at.p[w->at.len] = 0;
}

/* What /proc/self is for the task: its own number in its pid namespace. */
static bool self_link(struct walk *w, const char *name, char *link, size_t size)
{
	const struct ev_mount *m = mount_by_id(w, w->mounts[w->depth]);
	ph_autobuf b = { 0 };
	const char *p;

	if (!m || strcmp(m->fstype, "proc") || (strcmp(name, "self") && strcmp(name, "thread-self")))
		return false;
	if (ph_look_proc(w->l, "status", &b) < 0 || !(p = strstr(b.p, "\nNStgid:")))
		return false;
	p += 8;
	snprintf(link, size, "%.*s", (int)strcspn(p, "\n"), p);
	memmove(link, strrchr(link, '\t') ? strrchr(link, '\t') + 1 : link,
		strlen(strrchr(link, '\t') ? strrchr(link, '\t') + 1 : link) + 1);
	return true;
}

/*
 * Walk @path from the root of the view: 0 the end was reached, w->st is it; a positive errno as the
 * container would get it; -1: it cannot be told.
 */
static int walk(struct walk *w, const char *path, bool follow)
{
	ph_autofree char *todo = ph_strdup(path);
	char *rest = todo;

	while (*rest) {
		char *name = rest, *end, link[4096];
		size_t before = w->at.len;
		bool last;
		int fd;

		name += strspn(name, "/");
		end = name + strcspn(name, "/");
		last = !end[strspn(end, "/")];
		rest = *end ? end + 1 : end;
		*end = 0;
		if (!*name || !strcmp(name, "."))
			continue;
		if (!strcmp(name, "..")) {
			pop(w);
			continue;
		}
		if (w->depth + 1 >= DEPTH_MAX)
			return -1;
		ph_buf_addf(&w->at, "/%s", name);
		fd = openat(w->fd[w->depth], name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0) {
			int e = errno;

			if (!w->quiet)
				ph_fact(w->l, "missing", w->at.p, "", "errno=%d last=%d", e, last);
			return e;
		}
		w->depth++;
		w->fd[w->depth] = fd;
		if (found(w, fd, link, sizeof(link)))
			return -1;
		if (!S_ISLNK(w->st.st_mode)) {
			if (!last && !S_ISDIR(w->st.st_mode)) {
				if (!w->quiet)
					ph_fact(w->l, "missing", w->at.p, "", "errno=%d last=0", ENOTDIR);
				return ENOTDIR;
			}
			continue;
		}
		if (last && !follow)
			continue;
		if (++w->links > LINKS_MAX)
			return ELOOP;
		pop(w);
		w->at.len = before;
		if (w->at.p)
			w->at.p[before] = 0;
		self_link(w, name, link, sizeof(link));
		/* A link into the kernel (pipe:[1], a deleted file) leads nowhere that can be looked at. */
		if (!link[0] || (link[0] != '/' && strchr(link, '[')))
			return -1;
		if (link[0] == '/')
			while (w->depth)
				pop(w);
		ph_autofree char *old = todo;

		todo = ph_asprintf("%s/%s", link, rest);
		rest = todo;
	}
	return 0;
}

static int begin(struct walk *w, struct ev_look *l, struct ev_view *v, bool quiet)
{
	*w = (struct walk){ .l = l, .v = v, .quiet = quiet };
	w->fd[0] = fcntl(v->root, F_DUPFD_CLOEXEC, 0);
	ph_buf_adds(&w->at, "");
	w->mounts[0] = ph_mount_of(v->root);
	return w->fd[0] < 0 ? -errno : 0;
}

static void end(struct walk *w)
{
	while (w->depth)
		pop(w);
	if (w->fd[0] >= 0)
		close(w->fd[0]);
	ph_buf_done(&w->at);
}

static void tell_room(struct walk *w)
{
	const struct ev_mount *m = mount_by_id(w, w->mounts[w->depth]);
	struct statfs fs;

	if (!answers(w, w->fd[w->depth], m) || fstatfs(w->fd[w->depth], &fs) < 0)
		return;
	ph_fact(w->l, "room", m->point, m->fstype,
		"bsize=%ld blocks=%lu bfree=%lu bavail=%lu files=%lu ffree=%lu", (long)fs.f_bsize,
		fs.f_blocks, fs.f_bfree, fs.f_bavail, fs.f_files, fs.f_ffree);
}

/* The same name outside: is it there, and is it the same file? */
static void look_host(struct ev_look *l, const char *path, bool follow, const struct stat *inside)
{
	struct ev_view *v = ph_look_host(l);
	struct walk w;
	int r;

	if (!v || v == l->view || begin(&w, l, v, true) < 0)
		return;
	r = walk(&w, path, follow);
	if (r < 0)
		ph_fact(l, "host_path", path, "", "known=0");
	else if (r)
		ph_fact(l, "host_path", path, "", "known=1 errno=%d", r);
	else
		ph_fact(l, "host_path", path, "", "known=1 errno=0 %s=1 mode=%u uid=%u gid=%u same=%d",
			type_word(w.st.st_mode), w.st.st_mode & 07777, w.st.st_uid, w.st.st_gid,
			inside && inside->st_dev == w.st.st_dev && inside->st_ino == w.st.st_ino);
	end(&w);
}

/* The interpreter of a script's first line or a program's dynamic loader, into @to; 1: a script, 2: a loader. */
static int interpreter_of(const uint8_t *b, size_t n, char *to, size_t size)
{
	size_t at = 2, len;
	Elf64_Ehdr e;

	if (n > 2 && b[0] == '#' && b[1] == '!') {
		while (at < n && (b[at] == ' ' || b[at] == '\t'))
			at++;
		for (len = 0; at + len < n && !strchr(" \t\n", b[at + len]) && len < size - 1; len++)
			to[len] = (char)b[at + len];
		to[len] = 0;
		return len ? 1 : 0;
	}
	if (n < sizeof(e) || memcmp(b, ELFMAG, SELFMAG) || b[EI_CLASS] != ELFCLASS64)
		return 0;
	memcpy(&e, b, sizeof(e));
	for (unsigned int i = 0; i < e.e_phnum; i++) {
		size_t off = e.e_phoff + i * sizeof(Elf64_Phdr);
		Elf64_Phdr p;

		if (e.e_phentsize != sizeof(p) || e.e_phoff > n || off + sizeof(p) > n)
			return 0;
		memcpy(&p, b + off, sizeof(p));
		if (p.p_type != PT_INTERP)
			continue;
		if (p.p_offset > n || p.p_filesz > n - p.p_offset || !p.p_filesz || p.p_filesz > size)
			return 0;
		memcpy(to, b + p.p_offset, p.p_filesz);
		to[p.p_filesz - 1] = 0;
		return 2;
	}
	return 0;
}

/*
 * execve says ENOENT of a program that is there: what it needs is not. The one place where a file is
 * opened: a regular one on a file system that may be asked, by the descriptor that the walk has.
 */
static void look_interpreter(struct walk *w)
{
	uint8_t head[4096];
	char link[64], name[256];
	struct walk to;
	ssize_t n;
	int fd, kind, r;

	if (!S_ISREG(w->st.st_mode))
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", w->fd[w->depth]);
	fd = open(link, O_RDONLY | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
	if (fd < 0)
		return;
	n = pread(fd, head, sizeof(head), 0);
	close(fd);
	kind = n > 0 ? interpreter_of(head, (size_t)n, name, sizeof(name)) : 0;
	if (!kind || name[0] != '/' || begin(&to, w->l, w->v, true) < 0)
		return;
	r = walk(&to, name, true);
	if (r >= 0)
		ph_fact(w->l, "interpreter", name, "", "script=%d errno=%d", kind == 1, r);
	end(&to);
}

void ph_look_path(struct ev_look *l, const char *path, bool follow)
{
	const struct ev_mount *m;
	struct walk w;
	char none[1];
	int r;

	if (!l->view || begin(&w, l, l->view, false) < 0)
		return;
	r = found(&w, w.fd[0], none, sizeof(none)) ? -1 : walk(&w, path, follow);
	/* The mount of the last thing found, which decides what may be done there. */
	m = mount_by_id(&w, w.mounts[w.depth]);
	if (m && !m->remote)
		tell_mount(&w, m);
	if (l->f->error == ENOSPC || l->f->error == EDQUOT)
		tell_room(&w);
	if (!r && l->f->call->kind == PH_FAIL_EXEC && l->f->error == ENOENT)
		look_interpreter(&w);
	look_host(l, path, follow, r == 0 ? &w.st : NULL);
	ph_fact(l, "path", path, "", "known=%d errno=%d", r >= 0, r < 0 ? 0 : r);
	end(&w);
}
