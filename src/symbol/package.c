/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/package.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "symbol/open.h"

/* Lists of files are a container's own: so much of them is read at most. */
#define LIST_MAX (16u << 20)
#define LISTS_MAX 20000
#define DPKG "/var/lib/dpkg/info"

static bool read_in(int root, const char *path, struct ph_buf *b)
{
	ph_autoclose int fd = ph_symopen(root, path, LIST_MAX);
	size_t n;

	ph_buf_clear(b);
	if (fd < 0)
		return false;
	for (ssize_t got = 1; got > 0 && b->len < LIST_MAX; b->len += (size_t)got) {
		ph_buf_reserve(b, 65536);
		got = read(fd, b->p + b->len, 65535);
		if (got < 0)
			return false;
	}
	n = b->len;
	ph_buf_reserve(b, 1);
	b->p[n] = 0;
	return true;
}

/* A directory of that root, to be listed. */
static DIR *open_dir(int root, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	ph_autoclose int host = -1;
	int fd;
	DIR *d;

	if (root < 0)
		root = host = open("/", O_PATH | O_CLOEXEC);
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	d = fd < 0 ? NULL : fdopendir(fd);
	if (fd >= 0 && !d)
		close(fd);
	return d;
}

/* As a line of its own. */
static bool has_line(const struct ph_buf *b, const char *line)
{
	size_t n = strlen(line);

	for (const char *p = b->p; p && (p = memmem(p, b->len - (size_t)(p - b->p), line, n)); p++)
		if ((p == b->p || p[-1] == '\n') && (p[n] == '\n' || !p[n]))
			return true;
	return false;
}

/* PACKAGE.list or PACKAGE:ARCH.list has the paths of its files; some of them without /usr, into which they were moved since. */
static char *of_dpkg(int root, const char *path)
{
	ph_autoclosedir DIR *d = open_dir(root, DPKG);
	const char *bare = strncmp(path, "/usr/", 5) ? NULL : path + 4;
	ph_autofree char *moved = bare ? NULL : ph_asprintf("/usr%s", path);
	unsigned int n = 0;
	ph_autobuf b = { 0 };
	struct dirent *e;

	while (d && (e = readdir(d)) && n++ < LISTS_MAX) {
		size_t len = strlen(e->d_name);
		ph_autofree char *list = NULL;

		if (len < 6 || strcmp(e->d_name + len - 5, ".list"))
			continue;
		list = ph_asprintf(DPKG "/%s", e->d_name);
		if (read_in(root, list, &b) && (has_line(&b, path) || has_line(&b, bare ? bare : moved)))
			return ph_strndup(e->d_name, strcspn(e->d_name, ":") < len - 5 ?
						     strcspn(e->d_name, ":") : len - 5);
	}
	return NULL;
}

/* P:PACKAGE, then F:DIRECTORY without the first slash, R:NAME for each file in it. */
static char *of_apk(int root, const char *path)
{
	ph_autobuf b = { 0 };
	const char *package = NULL, *dir = NULL;

	if (!read_in(root, "/lib/apk/db/installed", &b))
		return NULL;
	for (char *save, *line = strtok_r(b.p, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "P:", 2)) {
			package = line + 2;
			dir = NULL;
		} else if (!strncmp(line, "F:", 2)) {
			dir = line + 2;
		} else if (!strncmp(line, "R:", 2) && dir && package && path[0] == '/') {
			size_t n = strlen(dir);

			if (!strncmp(path + 1, dir, n) && path[1 + n] == '/' && !strcmp(path + n + 2, line + 2))
				return ph_strdup(package);
		}
	}
	return NULL;
}

char *ph_symbol_package(int root, const char *path, const char **ret_suffix)
{
	char *package = of_dpkg(root, path);

	if (package) {
		/* The one that is packed by hand. */
		*ret_suffix = !strcmp(package, "libc6") ? "-dbg" : "-dbgsym";
		return package;
	}
	*ret_suffix = "-dbg";
	return of_apk(root, path);
}

static bool has_rpm(int root)
{
	ph_autoclosedir DIR *now = open_dir(root, "/usr/lib/sysimage/rpm"), *then = open_dir(root, "/var/lib/rpm");

	return now || then;
}

char *ph_symfile_advice(const struct ph_symfile *f, int root)
{
	bool symbols = f->from & (PH_SYMBOL_SYMTAB | PH_SYMBOL_SEPARATE | PH_SYMBOL_DEBUGDATA | PH_SYMBOL_GO);
	const char *missing = symbols ? "no inlined functions and source lines" : "no symbols but those it exports";
	ph_autofree char *package = NULL, *id = NULL;
	const char *suffix;

	if (f->error || (f->from & (PH_SYMBOL_DWARF | PH_SYMBOL_JIT)) || f->path[0] != '/')
		return NULL;
	id = f->build_id[0] ? ph_asprintf("build id %s", f->build_id) : ph_strdup("which has no build id");
	package = ph_symbol_package(root, f->path, &suffix);
	if (package)
		return ph_asprintf("%s (%s): %s; they are in the package %s%s, if its distribution has one, to be installed in the "
				   "container or on the host", f->path, id, missing, package, suffix);
	if (has_rpm(root))
		return ph_asprintf("%s (%s): %s; 'dnf debuginfo-install %s' in the container or on the host knows the package",
				   f->path, id, missing, f->path);
	if (f->build_id[0])
		return ph_asprintf("%s (%s): %s; it is of no package; its debug file would be found as "
				   "/usr/lib/debug/.build-id/%.2s/%s.debug, in the container or on the host", f->path, id,
				   missing, f->build_id, f->build_id + 2);
	return ph_asprintf("%s (%s): %s; it is of no package", f->path, id, missing);
}
