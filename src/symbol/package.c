/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/package.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "symbol/open.h"

/* What is read at most: of one list of files, of all, and how many of them. A system of 5,000 packages has 60 MiB. */
#define LIST_MAX (16u << 20)
#define LISTS_BYTES (256u << 20)
#define LISTS_MAX 20000
#define DPKG "/var/lib/dpkg/info"
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-._"

/* What installs them, in front of their name. */
#define APT "apt install "
#define APK "apk add "
#define DNF "dnf --enablerepo='*debug*' install /usr/lib/debug/.build-id/"
#define ZYPPER "zypper install -C 'debuginfo(build-id)="

bool ph_symbol_installs(const char *s)
{
	static const char *const commands[] = { APT, APK, DNF, ZYPPER };

	for (size_t i = 0; i < PH_ARRAY_SIZE(commands); i++) {
		size_t n = strlen(commands[i]);

		if (!strncmp(s, commands[i], n))
			return s[n] != '-' && !s[n + strspn(s + n, NAME_CHARS "/)'")];
	}
	return false;
}

static bool read_in(int root, const char *path, struct ph_buf *b)
{
	ph_autoclose int fd = ph_symopen(root, 0, path, LIST_MAX);
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

/* A directory of that root, to be listed; not where whoever lists it may wait for ever. */
static DIR *open_dir(int root, const char *path)
{
	ph_autoclose int at = ph_symfind(root, 0, path);
	int fd = at < 0 || ph_mount_kind(at, 0) == PH_MOUNT_SERVED ? -1 : openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !d)
		close(fd);
	return d;
}

/* Names of packages and distributions have these letters alone, whatever is written there. */
static char *plain_name(const char *s, size_t n)
{
	return n && n < 128 && strspn(s, NAME_CHARS) >= n && s[0] != '-' ? ph_strndup(s, n) : NULL;
}

/*
 * As a line of its own. Some lists have paths without /usr, into which they were moved since, and some files are at paths without it still.
 */
static bool lists(const struct ph_buf *b, const char *path)
{
	static const char usr[] = { '/', 'u', 's', 'r' };
	const char *bare = strncmp(path, "/usr/", 5) ? path : path + sizeof(usr);
	size_t n = strlen(bare);

	for (const char *p = b->p; p && (p = memmem(p, b->len - (size_t)(p - b->p), bare, n)); p++) {
		bool moved = (size_t)(p - b->p) >= sizeof(usr) && !memcmp(p - sizeof(usr), usr, sizeof(usr));
		const char *begin = moved ? p - sizeof(usr) : p;

		if ((begin == b->p || begin[-1] == '\n') && (p[n] == '\n' || !p[n]))
			return true;
	}
	return false;
}

/* PACKAGE.list or PACKAGE:ARCH.list has the paths of its files. All have debug symbols made by debhelper but the C library. */
static char *dpkg_of_list(const char *name)
{
	size_t n = strcspn(name, ":");
	ph_autofree char *package = plain_name(name, n < strlen(name) - 5 ? n : strlen(name) - 5);

	return package ? ph_asprintf(APT "%s%s", package, !strcmp(package, "libc6") ? "-dbg" : "-dbgsym") : ph_strdup("");
}

static void install_dpkg(int root, struct ph_symbol_wanted *v, size_t n)
{
	ph_autoclosedir DIR *d = open_dir(root, DPKG);
	unsigned int nlists = 0;
	uint64_t bytes = 0;
	size_t left = n;
	ph_autobuf b = { 0 };
	struct dirent *e;

	while (left && d && (e = readdir(d)) && nlists++ < LISTS_MAX && bytes < LISTS_BYTES) {
		size_t len = strlen(e->d_name);
		ph_autofree char *list = NULL;

		if (len < 6 || strcmp(e->d_name + len - 5, ".list"))
			continue;
		list = ph_asprintf(DPKG "/%s", e->d_name);
		if (!read_in(root, list, &b))
			continue;
		bytes += b.len;
		for (size_t i = 0; i < n; i++) {
			if (v[i].found.install || !lists(&b, v[i].path))
				continue;
			v[i].found.install = dpkg_of_list(e->d_name);
			left--;
		}
	}
}

/* P:PACKAGE and o:WHAT IT IS BUILT FROM, after which debug symbols are called; then F:DIRECTORY without the first slash, R:NAME for each file. */
static char *of_apk(int root, const char *path)
{
	ph_autobuf b = { 0 };
	const char *package = NULL, *dir = NULL;

	if (!read_in(root, "/lib/apk/db/installed", &b))
		return NULL;
	for (char *save, *line = strtok_r(b.p, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "P:", 2) || !strncmp(line, "o:", 2)) {
			package = line + 2;
			dir = NULL;
		} else if (!strncmp(line, "F:", 2)) {
			dir = line + 2;
		} else if (!strncmp(line, "R:", 2) && dir && package && path[0] == '/') {
			size_t n = strlen(dir);

			if (!strncmp(path + 1, dir, n) && path[1 + n] == '/' && !strcmp(path + n + 2, line + 2))
				return plain_name(package, strlen(package));
		}
	}
	return NULL;
}

/* ---- distributions ------------------------------------------------------------------------------------- */

static void install_apk(int root, struct ph_symbol_wanted *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ph_autofree char *package = of_apk(root, v[i].path);

		v[i].found.install = package ? ph_asprintf(APK "%s-dbg", package) : NULL;
	}
}

/* RPM's database is no text, but packages with debug symbols say of which build ids these are. */
static void install_dnf(int root, struct ph_symbol_wanted *v, size_t n)
{
	(void)root;
	for (size_t i = 0; i < n; i++)
		if (strlen(v[i].build_id) > 2)
			v[i].found.install = ph_asprintf(DNF "%.2s/%s.debug", v[i].build_id, v[i].build_id + 2);
}

static void install_zypper(int root, struct ph_symbol_wanted *v, size_t n)
{
	(void)root;
	for (size_t i = 0; i < n; i++)
		if (*v[i].build_id)
			v[i].found.install = ph_asprintf(ZYPPER "%s'", v[i].build_id);
}

static const struct {
	const char *distribution;	/* ID, or one of ID_LIKE */
	void (*install)(int root, struct ph_symbol_wanted *v, size_t n);
} distributions[] = {
	{ "debian", install_dpkg }, { "ubuntu", install_dpkg }, { "alpine", install_apk }, { "fedora", install_dnf }, { "rhel", install_dnf },
	{ "centos", install_dnf }, { "suse", install_zypper }, { "opensuse", install_zypper },
};

/* The value of @key, without quotes; "": it has none. */
static char *os_release(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, n) && line[n] == '=') {
			const char *value = line + n + 1;

			value += *value == '"' || *value == '\'';
			return ph_strndup(value, strcspn(value, "\"'\n"));
		}
	}
	return ph_strdup("");
}

static void install(int root, const char *id, const char *like, struct ph_symbol_wanted *v, size_t n)
{
	ph_autofree char *ids = ph_asprintf(" %s %s ", id, like);

	for (size_t i = 0; i < PH_ARRAY_SIZE(distributions); i++) {
		ph_autofree char *word = ph_asprintf(" %s ", distributions[i].distribution);

		if (strstr(ids, word)) {
			distributions[i].install(root, v, n);
			return;
		}
	}
}

void ph_symbol_packages(int root, struct ph_symbol_wanted *v, size_t n)
{
	ph_autofree char *id = NULL, *like = NULL, *version = NULL, *plain_id = NULL, *plain_version = NULL;
	ph_autobuf b = { 0 };

	if (!read_in(root, "/etc/os-release", &b) && !read_in(root, "/usr/lib/os-release", &b))
		ph_buf_adds(&b, "");
	id = os_release(b.p, "ID");
	like = os_release(b.p, "ID_LIKE");
	version = os_release(b.p, "VERSION_ID");
	plain_id = plain_name(id, strlen(id));
	plain_version = plain_name(version, strlen(version));
	install(root, id, like, v, n);
	for (size_t i = 0; i < n; i++) {
		v[i].found.distribution = plain_id && plain_version ? ph_asprintf("%s %s", plain_id, plain_version) :
					  ph_strdup(plain_id ? plain_id : "");
		if (!v[i].found.install)
			v[i].found.install = ph_strdup("");
	}
}

void ph_symbol_package_done(struct ph_symbol_package *p)
{
	free(p->distribution);
	free(p->install);
	*p = (struct ph_symbol_package){ 0 };
}
