/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files of processes. Paths are looked up in the process's own root and cannot lead out of it, whatever links a
 * container puts there; what is mapped is opened as it is mapped, also when another file has its path by now.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "probe/priv.h"
#include "symbol/open.h"

/* Where libraries and programs are that no configuration tells of. */
static const char *const folders[] = {
	"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
	"/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib", "/usr/local/lib64",
	"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
};

struct seen_file {
	dev_t dev;
	ino_t ino;
};

struct seen {
	PH_VEC(struct seen_file) v;
	probe_open_fn fn;
	void *arg;
	int n;
};

static int root_of(int32_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

uint64_t probe_root_key(int32_t pid)
{
	ph_autoclose int fd = root_of(pid);
	char path[64];
	struct stat root, ns;
	uint64_t h = PH_HASH_INIT;

	if (fd < 0 || ph_stat_kept(fd, &root) < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	if (stat(path, &ns) < 0)
		return 0;
	h = ph_hash(h, &root.st_dev, sizeof(root.st_dev));
	h = ph_hash(h, &root.st_ino, sizeof(root.st_ino));
	return ph_hash(h, &ns.st_ino, sizeof(ns.st_ino)) | 1;
}

/* Takes over @fd. */
static int give(struct seen *s, int fd, const char *path)
{
	struct stat st;
	int r;

	if (fd < 0)
		return 0;
	if (ph_stat_kept(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return 0;
	}
	ph_vec_each(f, &s->v)
		if (f->dev == st.st_dev && f->ino == st.st_ino) {
			close(fd);
			return 0;
		}
	*ph_vec_push(&s->v) = (struct seen_file){ st.st_dev, st.st_ino };
	s->n++;
	r = s->fn(s->arg, fd, path);
	return r < 0 ? r : 0;
}

/* ---- what is mapped ----------------------------------------------------------------------------- */

#define DELETED " (deleted)"

/* "libc" and "libc.so" are libc.so.6, and libc-2.31.so; "libc" is not libcrypto.so. */
static bool is_called(const char *file, const char *name)
{
	size_t n = strlen(name);

	if (strncmp(file, name, n) != 0)
		return false;
	return !file[n] || ((file[n] == '.' || file[n] == '-') && !strncmp(name, "lib", 3) &&
			    (strstr(file + n, ".so") || strstr(name, ".so")));
}

struct mapping {
	uint64_t begin, end, offset;
	char exec;
	char *path;		/* in the line */
	bool deleted;
};

/* "7f00-7f80 r-xp 0000 08:01 1234   /lib/x.so (deleted)" */
static bool parse_map(char *line, struct mapping *m)
{
	char *slash;
	size_t n;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*c%*c%c%*c %" SCNx64, &m->begin, &m->end, &m->exec, &m->offset) != 4)
		return false;
	slash = strchr(line, '/');
	if (!slash)
		return false;
	n = strcspn(slash, "\n");
	slash[n] = 0;
	m->deleted = n > strlen(DELETED) && !strcmp(slash + n - strlen(DELETED), DELETED);
	if (m->deleted)
		slash[n - strlen(DELETED)] = 0;
	ph_unescape_octal(slash);
	m->path = slash;
	return m->exec == 'x';
}

static FILE *maps_of(int32_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	return fopen(path, "re");
}

static int find_mapping(int32_t pid, int root, const struct mapping *m)
{
	int fd = ph_symfind_mapped(pid, m->begin, m->end);

	/* That takes CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE. */
	return fd < 0 && !m->deleted ? ph_symfind(root, pid, m->path) : fd;
}

static int find_mapped(struct seen *s, int32_t pid, int root, const char *name)
{
	ph_autofclose FILE *f = maps_of(pid);
	ph_autofree char *line = NULL;
	struct mapping m;
	size_t room = 0;
	int r = 0;

	while (f && r >= 0 && getline(&line, &room, f) > 0)
		if (parse_map(line, &m) && (!name ? true : strchr(name, '/') ? !strcmp(m.path, name) : is_called(ph_basename(m.path), name)))
			r = give(s, find_mapping(pid, root, &m), m.path);
	return r;
}

bool probe_mapping(int32_t pid, dev_t dev, ino_t ino, uint64_t *ret_begin, uint64_t *ret_offset)
{
	ph_autofclose FILE *f = maps_of(pid);
	ph_autoclose int root = root_of(pid);
	ph_autofree char *line = NULL;
	struct mapping m;
	struct stat st;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0) {
		/* Libraries of one name may be in several folders; and the numbers in the line are, of an overlay, those of the file below. */
		ph_autoclose int fd = parse_map(line, &m) ? find_mapping(pid, root, &m) : -1;

		if (fd >= 0 && !ph_stat_kept(fd, &st) && st.st_dev == dev && st.st_ino == ino) {
			*ret_begin = m.begin;
			*ret_offset = m.offset;
			return true;
		}
	}
	return false;
}

void probe_mapped(int32_t pid, ph_strv *names)
{
	ph_autofclose FILE *f = maps_of(pid);
	ph_autofree char *line = NULL;
	struct mapping m;
	size_t room = 0;

	while (f && names->n < 1000 && getline(&line, &room, f) > 0) {
		bool known = false;

		if (!parse_map(line, &m))
			continue;
		ph_vec_each(n, names)
			known |= !strcmp(*n, m.path);
		if (!known)
			ph_strv_add(names, m.path);
	}
}

/* ---- by path ------------------------------------------------------------------------------------ */

static int find_in_folders(struct seen *s, int32_t pid, int root, const char *name)
{
	int r = 0;

	for (size_t i = 0; i < PH_ARRAY_SIZE(folders) && r >= 0; i++) {
		ph_autofree char *path = ph_asprintf("%s/%s", folders[i], name);

		r = give(s, ph_symfind(root, pid, path), path);
	}
	return r;
}

int probe_open(int32_t pid, const char *name, bool maps, probe_open_fn fn, void *arg)
{
	struct seen s = { .fn = fn, .arg = arg };
	ph_autoclose int root = root_of(pid);
	int r = 0;

	if (root < 0)
		return 0;
	if (name && *name == '/')
		r = give(&s, ph_symfind(root, pid, name), name);
	if (maps && r >= 0)
		r = find_mapped(&s, pid, root, name);
	if (r >= 0 && name && !s.n && !strchr(name, '/'))
		r = find_in_folders(&s, pid, root, name);
	ph_vec_done(&s.v);
	return r < 0 ? r : s.n;
}

struct found_path {
	int32_t pid;
	char *path;
};

static int on_path(void *arg, int fd, const char *path)
{
	struct found_path *f = arg;
	char link[64], target[4096];
	struct stat is, there;
	ssize_t n;

	(void)path;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target) - 1);
	if (n > 0 && !f->path) {
		ph_autoclose int root = root_of(f->pid);
		ph_autoclose int at = -1;

		target[n] = 0;
		at = root < 0 ? -1 : ph_symfind(root, f->pid, target);
		/* Not moved, nor replaced, nor under another root. */
		if (at >= 0 && !ph_stat_kept(fd, &is) && !ph_stat_kept(at, &there) && is.st_dev == there.st_dev && is.st_ino == there.st_ino)
			f->path = ph_asprintf("/proc/%d/root%s", f->pid, target);
	}
	close(fd);
	return 0;
}

char *ph_probe_file_path(int32_t pid, const char *name)
{
	struct found_path f = { .pid = pid };

	probe_open(pid, name, true, on_path, &f);
	return f.path;
}
