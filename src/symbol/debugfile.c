/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "symbol/open.h"
#include "symbol/priv.h"

/*
 * Where debug information lies beside a file: by its build id, then by the name that the file has for it (debuglink), in the
 * container, then on the host; and then what that one shares with others (dwz). What is opened is shown to the child, who knows
 * whether it belongs together. Names come from the file: of the host's files they lead to nothing but debug files.
 */
#define DEBUG "/usr/lib/debug"

enum { IN_CONTAINER, ON_HOST };

static bool hex_of(struct ph_bytes *in, char hex[2 * PH_BUILD_ID_MAX + 1])
{
	uint32_t n = ph_get_u32(in);
	struct ph_bytes id = ph_bytes_cut(in, n);

	if (in->bad || n > PH_BUILD_ID_MAX)
		return false;
	hex[0] = 0;
	for (uint32_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", id.p[i]);
	return true;
}

static bool take_alt(struct ph_symsearch *s, struct ph_bytes *in)
{
	free(s->alt_link);
	s->alt_link = ph_get_str(in);
	return hex_of(in, s->alt_id) && !in->bad;
}

bool ph_symsearch_wants(struct ph_symparent_file *f, struct ph_bytes *in)
{
	struct ph_symsearch *s = &f->search;

	free(s->link);
	s->link = ph_get_str(in);
	/* It is a name, of a file in certain places. */
	if (strchr(s->link, '/') || !strcmp(s->link, ".."))
		s->link[0] = 0;
	return take_alt(s, in);
}

void ph_symsearch_done(struct ph_symparent_file *f)
{
	struct ph_symsearch *s = &f->search;

	ph_close_ptr(&s->fd);
	free(s->path);
	free(s->link);
	free(s->alt_link);
	*s = (struct ph_symsearch){ .fd = -1, .which = PH_SYMDEBUG_N };
}

static char *by_id(const char *id)
{
	return strlen(id) > 4 ? ph_asprintf(DEBUG "/.build-id/%.2s/%s.debug", id, id + 2) : NULL;
}

static char *directory(const char *path)
{
	return ph_strndup(path, (size_t)(ph_basename(path) - path));
}

/* The host's root is looked into once. */
static bool same_as_host(int root)
{
	struct stat a, b;

	return root < 0 || (!ph_stat_kept(root, &a) && !stat("/", &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

/* The k-th place of the separate debug file; NULL: none, @end: nor are there further ones. */
static char *separate_place(const struct ph_symparent_file *f, unsigned int k, int where, bool *end)
{
	ph_autofree char *dir = directory(f->info.path);
	const char *link = f->search.link;

	if (k == 0)
		return by_id(f->info.build_id);
	/* Where the file itself is no absolute path is no place. */
	*end = k > 3 || !link || !*link || dir[0] != '/' || (where == ON_HOST && strstr(dir, "/../"));
	if (*end)
		return NULL;
	if (k == 1)
		return ph_asprintf(DEBUG "%s%s", dir, link);
	if (where == ON_HOST && !same_as_host(f->root))
		return NULL;
	return ph_asprintf("%s%s%s", dir, k == 2 ? ".debug/" : "", link);
}

static char *alt_place(const struct ph_symparent_file *f, unsigned int k, int where, bool *end)
{
	const char *link = f->search.alt_link, *below = link ? strstr(link, ".dwz/") : NULL;
	const char *of = f->info.debug_path ? f->info.debug_path : f->info.path;
	ph_autofree char *dir = directory(of);

	*end = k > 2 || !link || !*link || !f->search.alt_id[0];
	if (*end)
		return NULL;
	if (k == 0)
		return by_id(f->search.alt_id);
	if (k == 1)
		return below && !strstr(below, "..") ? ph_asprintf(DEBUG "/%s", below) : NULL;
	if (where == ON_HOST && !same_as_host(f->root))
		return NULL;
	return link[0] == '/' ? ph_strdup(link) : ph_asprintf("%s%s", dir, link);
}

static bool open_next(struct ph_symparent_file *f)
{
	struct ph_symsearch *s = &f->search;

	for (;;) {
		int where = s->next & 1, root = where == ON_HOST ? AT_FDCWD : f->root;
		unsigned int k = s->next / 2;
		bool end = false;
		char *path;

		s->next++;
		path = s->which == PH_SYMDEBUG_SEPARATE ? separate_place(f, k, where, &end) :
							   alt_place(f, k, where, &end);
		if (end && where == IN_CONTAINER)
			continue;
		if (end)
			return false;
		if (!path || (where == IN_CONTAINER && same_as_host(f->root))) {
			free(path);
			continue;
		}
		s->fd = ph_symopen(root, 0, path, 0);
		if (s->fd >= 0) {
			free(s->path);
			s->path = path;
			return true;
		}
		s->fd = -1;
		free(path);
	}
}

void ph_symjob_debug(struct ph_symjob *j, const struct ph_symparent_file *f, uint32_t which)
{
	size_t n = strlen(f->alt_id) / 2;

	j->fd = f->debug_fd[which] >= 0 ? f->debug_fd[which] : f->search.fd;
	ph_put_u32(&j->request, which);
	ph_put_u32(&j->request, which == PH_SYMDEBUG_ALT ? (uint32_t)n : 0);
	for (size_t i = 0; i < n && which == PH_SYMDEBUG_ALT; i++) {
		unsigned int byte = 0;

		sscanf(f->alt_id + 2 * i, "%2x", &byte);
		ph_put_uint(&j->request, byte, 1);
	}
}

bool ph_symsearch_next(struct ph_symchild *c, struct ph_symparent_file *f)
{
	struct ph_symsearch *s = &f->search;
	const unsigned int enough = PH_SYMBOL_DWARF | PH_SYMBOL_SYMTAB;

	for (; s->which < PH_SYMDEBUG_N; s->which++, s->next = 0) {
		if (f->debug_fd[s->which] >= 0)
			continue;
		if (s->which == PH_SYMDEBUG_SEPARATE && (f->info.from & enough) == enough)
			continue;
		if (open_next(f)) {
			memcpy(f->alt_id, s->alt_id, sizeof(f->alt_id));
			ph_symjob_debug(ph_symlink_ask(c, f, PH_SYMMSG_DEBUG), f, s->which);
			return true;
		}
	}
	return false;
}

void ph_symsearch_answered(struct ph_symparent_file *f, struct ph_symjob *j, int error)
{
	struct ph_bytes in = { (uint8_t *)j->answer.p, (uint8_t *)j->answer.p + j->answer.len, false };
	struct ph_symsearch *s = &f->search;

	if (!error && s->which == PH_SYMDEBUG_SEPARATE) {
		unsigned int from = ph_get_u32(&in);

		error = take_alt(s, &in) ? 0 : -1;
		if (!error) {
			f->info.from |= from;
			free(f->info.debug_path);
			f->info.debug_path = ph_take(s->path);
		}
	}
	if (error)
		ph_close_ptr(&s->fd);
	else
		f->debug_fd[s->which] = s->fd;
	s->fd = -1;
}
