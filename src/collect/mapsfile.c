/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code that a process has mapped. Since Linux 6.11 the kernel is asked for it, one mapping after the other; before, it is picked out of
 * the text of /proc/PID/maps, which has five times as many, and a path for each.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "collect/stacks.h"

/* A maps file that is longer is a program's that does nothing but map; its end is not seen. */
#define TEXT_MAX (8u << 20)
/* Above are the kernel's. */
#define USER_END (1ull << 56)

/* As in <linux/fs.h> since 6.11 (ed5d583a88a9). */
struct query {
	uint64_t size, flags, addr;
	uint64_t begin, end, vma_flags, page_size, offset, inode;
	uint32_t major, minor, name_size, build_id_size;
	uint64_t name, build_id;
};
#define QUERY _IOWR('f', 17, struct query)
enum { QUERY_WRITABLE = 2, QUERY_EXECUTABLE = 4, QUERY_NEXT = 16 };

void ph_mapsfile_text(struct ph_mapsfile *m, char *text)
{
	*m = (struct ph_mapsfile){ .fd = -1, .rest = text };
}

static int ask(const struct ph_mapsfile *m, struct query *q, uint64_t addr, uint64_t flags)
{
	q->size = sizeof(*q);
	q->addr = addr;
	q->flags = flags | QUERY_EXECUTABLE;
	return ioctl(m->fd, QUERY, q) ? -errno : 0;
}

int ph_mapsfile_open(struct ph_mapsfile *m, int proc_fd, int32_t pid, bool as_text)
{
	struct query q = { 0 };
	char path[32];
	int r;

	snprintf(path, sizeof(path), "%d/maps", pid);
	*m = (struct ph_mapsfile){ .fd = as_text ? -1 : openat(proc_fd, path, O_RDONLY | O_CLOEXEC) };
	if (!as_text && m->fd < 0)
		return -errno;
	r = as_text ? -ENOTTY : ask(m, &q, 0, QUERY_NEXT);
	/* -ENOENT: it has no code; -ESRCH: it has no memory any more. */
	if (!r || r == -ENOENT)
		return 0;
	ph_close_ptr(&m->fd);
	m->fd = -1;
	if (r == -ESRCH)
		return r;
	r = ph_read_file_at(proc_fd, path, TEXT_MAX, &m->text);
	m->rest = m->text.p;
	if (!r && !m->text.len)
		r = -ESRCH;
	if (r)
		ph_mapsfile_close(m);
	return r;
}

void ph_mapsfile_close(struct ph_mapsfile *m)
{
	ph_close_ptr(&m->fd);
	m->fd = -1;
	ph_buf_done(&m->text);
}

/* Digits up to @end, which is skipped; *@p NULL: there are others. */
static uint64_t number(char **p, int base, char end)
{
	char *from = *p, *to = from;
	uint64_t v = 0;

	if (!from)
		return 0;
	v = strtoull(from, &to, base);
	*p = to > from && *from != ' ' && *from != '-' && *from != '+' && *to == end ? to + 1 : NULL;
	return v;
}

/* "7f…-7f… r-xp 00028000 08:01 1234    /usr/lib/libc.so.6"; false: no code. */
static bool parse_line(char *line, struct ph_mapped *ret, char **path)
{
	char *perms = strchr(line, ' '), *p = line;
	uint64_t major;

	/* Most are of no code, so this is looked at first. */
	if (!perms || strnlen(perms, 6) < 6 || perms[3] != 'x' || perms[5] != ' ')
		return false;
	ret->writable = perms[2] == 'w';
	ret->begin = number(&p, 16, '-');
	ret->end = number(&p, 16, ' ');
	if (!p || p != perms + 1)
		return false;
	p = perms + 6;
	ret->offset = number(&p, 16, ' ');
	major = number(&p, 16, ':');
	ret->dev = PH_DEV(major, number(&p, 16, ' '));
	if (!p)
		return false;
	ret->ino = strtoull(p, path, 10);
	if (*path == p)
		return false;
	*path += strspn(*path, " ");
	return true;
}

static bool next_of_text(struct ph_mapsfile *m, struct ph_mapped *ret)
{
	char *line;

	while ((line = strsep(&m->rest, "\n")))
		if (parse_line(line, ret, &m->path))
			return true;
	return false;
}

static bool next_of_kernel(struct ph_mapsfile *m, struct ph_mapped *ret)
{
	struct query q = { 0 };

	if (ask(m, &q, m->from, QUERY_NEXT))
		return false;
	*ret = (struct ph_mapped){
		.begin = q.begin, .end = q.end, .offset = q.offset, .dev = PH_DEV(q.major, q.minor), .ino = q.inode,
		.writable = q.vma_flags & QUERY_WRITABLE,
	};
	m->from = q.end;
	return true;
}

bool ph_mapsfile_next(struct ph_mapsfile *m, struct ph_mapped *ret)
{
	while (m->fd >= 0 ? next_of_kernel(m, ret) : next_of_text(m, ret)) {
		if (ret->begin >= ret->end || ret->end > USER_END)
			continue;
		m->last = *ret;
		return true;
	}
	return false;
}

static void cut_deleted(char *path)
{
	static const char deleted[] = " (deleted)";
	size_t n = strlen(path);

	if (n > sizeof(deleted) - 1 && !strcmp(path + n - (sizeof(deleted) - 1), deleted))
		path[n - (sizeof(deleted) - 1)] = 0;
}

const char *ph_mapsfile_path(struct ph_mapsfile *m)
{
	struct query q = { .name = (uintptr_t)m->name, .name_size = sizeof(m->name) };

	if (m->fd >= 0) {
		m->path = m->name;
		/* Something else may be there by now, or it has no name. */
		if (ask(m, &q, m->last.begin, 0) || q.begin != m->last.begin || q.inode != m->last.ino || !q.name_size)
			m->name[0] = 0;
	}
	cut_deleted(m->path);
	return m->path;
}
