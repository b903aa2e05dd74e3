/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may do what with a file: mode, owner, ACL, ids of user namespaces, devices. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "analyze/denied_priv.h"
#include "base/cleanup.h"

/* ---- mode, owner, ACL, ids --------------------------------------------------------------------------------------- */

enum { X = 1, W = 2, R = 4 };

static bool in_group(const struct ph_failed *f, unsigned int gid)
{
	if (f->fsgid == gid)
		return true;
	for (uint32_t i = 0; i < f->ngroups; i++)
		if ((unsigned int)f->groups[i] == gid)
			return true;
	return false;
}

static unsigned int perm_of(const char *s)
{
	return (s[0] == 'r' ? R : 0) | (s[1] == 'w' ? W : 0) | (s[2] == 'x' ? X : 0);
}

/* By the ACL, as acl(5) says; *@entry: the entry that decided. */
static unsigned int by_acl(const struct ph_failed *f, const struct dn_file *x, char *entry, size_t size)
{
	unsigned int mask = R | W | X, best = 0;
	ph_autofree char *list = ph_strdup(x->acl);
	char *rest = list, *e;
	bool group = false, named = false;
	const char *m = strstr(x->acl, "mask::");

	if (m)
		mask = perm_of(m + 6);
	snprintf(entry, size, "owner");
	if (f->fsuid == x->uid)
		return x->mode >> 6 & 7;
	while ((e = strsep(&rest, ","))) {
		char *perm = strrchr(e, ':');
		unsigned int id;

		if (!perm)
			continue;
		if (sscanf(e, "user:%u:", &id) == 1 && id == f->fsuid) {
			snprintf(entry, size, "%s", e);
			return perm_of(perm + 1) & mask;
		}
		if (sscanf(e, "group:%u:", &id) == 1 && in_group(f, id)) {
			group = named = true;
			best |= perm_of(perm + 1) & mask;
			snprintf(entry, size, "%s", e);
		} else if (!strncmp(e, "group::", 7) && in_group(f, x->gid)) {
			group = true;
			best |= perm_of(perm + 1) & mask;
			if (!named)
				snprintf(entry, size, "%s", e);
		}
	}
	if (group)
		return best;
	snprintf(entry, size, "other");
	return x->mode & 7;
}

static unsigned int by_mode(const struct ph_failed *f, const struct dn_file *x, const char **class)
{
	if (f->fsuid == x->uid) {
		*class = "owner";
		return x->mode >> 6 & 7;
	}
	if (in_group(f, x->gid)) {
		*class = "group";
		return x->mode >> 3 & 7;
	}
	*class = "others";
	return x->mode & 7;
}

/* What the ids are inside a user namespace whose maps nobody saw cannot be told. */
static bool ids_unknown(const struct dn *c)
{
	return c->f->user_ns_level && !(dn_fact(c, "uid_map", NULL) && dn_fact(c, "gid_map", NULL));
}

/* Is the host's @id known in the task's user namespace; *@inside: as what. */
static bool mapped(const struct dn *c, const char *which, unsigned int id, unsigned int *inside)
{
	const struct ph_denied_fact *m = dn_fact(c, which, NULL);

	*inside = id;
	if (!c->f->user_ns_level || !m)
		return true;
	for (const char *p = m->text; *p; p += strcspn(p, "\n") + (p[strcspn(p, "\n")] == '\n')) {
		unsigned int in, out, n;

		if (sscanf(p, "%u %u %u", &in, &out, &n) == 3 && id >= out && id - out < n) {
			*inside = in + (id - out);
			return true;
		}
	}
	return false;
}

static bool overrides(const struct dn *c, const struct dn_file *x, unsigned int need)
{
	unsigned int a, b;

	if (!mapped(c, "uid_map", x->uid, &a) || !mapped(c, "gid_map", x->gid, &b))
		return false;
	if (dn_has_cap(c, CAP_DAC_OVERRIDE))
		return !(need & X) || x->dir || x->mode & 0111;
	return dn_has_cap(c, CAP_DAC_READ_SEARCH) && !(need & W) && (x->dir || !(need & X));
}

static const char *perm_word(unsigned int need)
{
	static const char *const words[] = { "nothing", "execute", "write", "write and execute", "read",
					     "read and execute", "read and write", "all" };

	return words[need & 7];
}

static void say_ids(struct dn *c, const struct dn_file *x)
{
	const struct ph_failed *f = c->f;
	unsigned int uid, gid;

	dn_evidence(c, "%s: mode %04o, owner %u, group %u on the host", x->path, x->mode, x->uid, x->gid);
	dn_evidence(c, "the task: user %u, group %u on the host%s", f->fsuid, f->fsgid,
		    f->ngroups ? ", and supplementary groups" : "");
	if (f->user_ns_level) {
		bool u = mapped(c, "uid_map", x->uid, &uid), g = mapped(c, "gid_map", x->gid, &gid);

		if (u && g)
			dn_evidence(c, "in the container's user namespace %u that owner is %u, the group %u", f->user_ns, uid, gid);
		else
			dn_evidence(c, "in the container's user namespace %u the %s has no id", f->user_ns,
				    u ? "group" : "owner");
	}
}

/* What the host has under the same name may be something else, which misleads who looks there. */
static void another_file(struct dn *c, const struct dn_file *x)
{
	for (unsigned int i = 0; i < c->nwalks; i++) {
		const struct dn_walk *w = &c->walk[i];

		if (w->path && !strcmp(w->path, x->path) && w->host && dn_num(w->host, "known", 0) &&
		    !dn_num(w->host, "errno", 0) && !dn_num(w->host, "same", 1))
			dn_evidence(c, "%s on the host is another file: mode %04llo, owner %lld", w->path,
				    (unsigned long long)dn_num(w->host, "mode", 0), dn_num(w->host, "uid", 0));
	}
}

/* Does @x give the task @need? True when it does not, and the verdict is said. */
static bool refuses(struct dn *c, const struct dn_file *x, unsigned int need, const char *doing)
{
	const struct ph_failed *f = c->f;
	unsigned int has, inside;
	const char *class = "";
	char entry[64] = "";

	has = by_mode(f, x, &class);
	if (x->acl)
		has = by_acl(f, x, entry, sizeof(entry));
	if ((has & need) == need || overrides(c, x, need))
		return false;
	/* Root of a user namespace has no power over what is not mapped there. */
	if (f->user_ns_level && (!mapped(c, "uid_map", x->uid, &inside) || !mapped(c, "gid_map", x->gid, &inside))) {
		dn_say(c, "unmapped-id", "%s %s belongs to user %u, group %u of the host, which the container's user namespace "
		       "does not map: it is nobody's there, and no capability helps", doing, x->path, x->uid, x->gid);
		dn_change(c, "map these ids into the container, change the owner on the host to one that is mapped, or use an "
			  "id-mapped mount");
	} else if (x->acl && strcmp(entry, "owner")) {
		ph_autofree char *word = ph_shell_word(x->path);

		dn_say(c, "acl", "%s %s needs %s; its POSIX ACL gives the task by '%s' only %s", doing, x->path,
		       perm_word(need), entry, perm_word(has));
		dn_evidence(c, "ACL of %s: %s", x->path, x->acl);
		dn_change(c, "setfacl -m u:%u:… %s on the host", f->fsuid, word);
	} else {
		ph_autofree char *word = ph_shell_word(x->path);

		dn_say(c, "file-mode", "%s %s needs %s; mode %04o (owner %u:%u) gives %s %s", doing, x->path, perm_word(need),
		       x->mode, x->uid, x->gid, class, perm_word(has));
		dn_change(c, !(x->mode & 0111) && need & X && !x->dir ? "chmod +x %s" :
			  "run it as the owner, or change mode or owner of %s (chmod, chown)", word);
	}
	say_ids(c, x);
	another_file(c, x);
	return true;
}

static uint64_t open_flags(const struct ph_failed *f)
{
	return !strcmp(f->name, "open") ? f->arg[1] : !strcmp(f->name, "openat2") ? f->word :
	       !strcmp(f->name, "creat") ? O_WRONLY | O_CREAT | O_TRUNC : f->arg[2];
}

static unsigned int open_needs(const struct ph_failed *f)
{
	uint64_t flags = open_flags(f);
	unsigned int need = (flags & O_ACCMODE) == O_RDONLY ? R : (flags & O_ACCMODE) == O_WRONLY ? W : R | W;

	if (flags & O_PATH)
		return 0;
	return need | (flags & O_TRUNC ? W : 0);
}

/* What the call needs of the last component, and of the directory that it is in. */
static void needs(const struct dn *c, const struct dn_walk *w, unsigned int *last, unsigned int *parent)
{
	const struct ph_failed *f = c->f;

	*last = *parent = 0;
	switch (f->call->kind) {
	case PH_FAIL_OPEN:
		*last = open_needs(f);
		*parent = w->error == ENOENT ? W : 0;
		break;
	case PH_FAIL_EXEC:
		*last = X;
		break;
	case PH_FAIL_CREATE:
		*parent = W;
		break;
	case PH_FAIL_INOTIFY:
		*last = R;
		break;
	case PH_FAIL_CONNECT: case PH_FAIL_SEND:
		*last = W;
		break;
	case PH_FAIL_BIND:
		*parent = W;
		break;
	case PH_FAIL_LOOKUP:
		if (dn_is(c, "chdir") || dn_is(c, "chroot"))
			*last = X;
		else if (dn_is(c, "access") || !strncmp(f->name, "faccessat", 9))
			*last = (unsigned int)f->arg[dn_is(c, "access") ? 1 : 2] & 7;
		break;
	case PH_FAIL_ATTR:
		if (strstr(f->name, "truncate") || strstr(f->name, "xattr") || strstr(f->name, "utime"))
			*last = W;
		break;
	default:
		break;
	}
}

/* Sysctls that keep a program, root too, from opening what others put into a sticky directory. */
static bool rule_protected(struct dn *c, const struct dn_walk *w)
{
	const struct dn_file *last = w->n ? &w->file[w->n - 1] : NULL, *dir = w->n > 1 ? &w->file[w->n - 2] : NULL;
	const struct ph_failed *f = c->f;
	bool fifo = last && dn_num(last->fact, "fifo", 0);
	const char *name = fifo ? "fs/protected_fifos" : "fs/protected_regular";
	const struct ph_denied_fact *s = dn_fact(c, "sysctl", name);

	if (f->call->kind != PH_FAIL_OPEN || !w->known || w->error || !dir || !(dir->mode & 01000) || dn_num(s, "value", 0) <= 0 ||
	    !(fifo || dn_num(last->fact, "file", 0)) || last->uid == dir->uid || last->uid == f->fsuid ||
	    !(open_flags(f) & O_CREAT) || !(dir->mode & 0002 || (dn_num(s, "value", 0) >= 2 && dir->mode & 0020)))
		return false;
	dn_say(c, "protected-file", "%s belongs to user %u and lies in the sticky directory %s: with %s=%lld nobody else may open it "
	       "with O_CREAT, root neither", last->path, last->uid, dir->path, fifo ? "fs.protected_fifos" : "fs.protected_regular",
	       dn_num(s, "value", 0));
	dn_change(c, "open it without O_CREAT, let its owner do it, or put it into another directory");
	say_ids(c, last);
	return true;
}

bool dn_rule_permission(struct dn *c)
{
	if (c->f->error != EACCES || !c->f->full || ids_unknown(c))
		return false;
	for (unsigned int i = 0; i < c->nwalks; i++) {
		struct dn_walk *w = &c->walk[i];
		bool there = w->known && !w->error;
		unsigned int last, parent, end = w->n;
		int dir = -1;

		if (there && end)
			end--;
		for (unsigned int k = 0; k < end; k++) {
			if (!w->file[k].dir)
				continue;
			/* Only what leads there: a link may have led away from directories that were passed. */
			if (refuses(c, &w->file[k], X, "going through"))
				return true;
			dir = (int)k;
		}
		needs(c, w, &last, &parent);
		if (parent && dir >= 0 && refuses(c, &w->file[dir], W | X, "making or removing an entry in"))
			return true;
		if (there && w->n && !w->file[w->n - 1].link) {
			const struct dn_file *x = &w->file[w->n - 1];

			/* Nobody executes what has no x at all, root neither. */
			if (last && refuses(c, x, last, c->f->call->kind == PH_FAIL_EXEC ? "executing" : "using"))
				return true;
		}
		if (there && c->f->call->kind == PH_FAIL_EXEC && w->n && !w->file[w->n - 1].link &&
		    !dn_num(w->file[w->n - 1].fact, "file", 0)) {
			dn_say(c, "not-a-file", "%s is no regular file: it cannot be executed", w->path);
			dn_change(c, "give the path of a program");
			return true;
		}
		if (rule_protected(c, w))
			return true;
	}
	return false;
}

/* Changing what is another's: chmod, chown, times, removal from a sticky directory. */
bool dn_rule_owner(struct dn *c)
{
	const struct ph_failed *f = c->f;
	const struct dn_walk *w = &c->walk[0];
	const struct dn_file *last = w->n ? &w->file[w->n - 1] : NULL, *dir = w->n > 1 ? &w->file[w->n - 2] : NULL;
	unsigned int inside;

	if (!dn_refused(c) || !f->full || !c->nwalks || !w->known || w->error || !last || ids_unknown(c))
		return false;
	if (dn_num(last->fact, "immutable", 0) || dn_num(last->fact, "append", 0)) {
		ph_autofree char *word = ph_shell_word(last->path);

		dn_say(c, "immutable", "%s has the attribute %s", last->path, dn_num(last->fact, "immutable", 0) ?
		       "immutable: nobody may change it" : "append-only");
		dn_change(c, "chattr -%c %s on the host", dn_num(last->fact, "immutable", 0) ? 'i' : 'a', word);
		say_ids(c, last);
		return true;
	}
	if (f->call->kind == PH_FAIL_ATTR && f->user_ns_level &&
	    (!mapped(c, "uid_map", last->uid, &inside) || !mapped(c, "gid_map", last->gid, &inside))) {
		dn_say(c, "unmapped-id", "%s belongs to user %u, group %u of the host, which the container's user namespace does not "
		       "map: nobody there may change it", last->path, last->uid, last->gid);
		say_ids(c, last);
		dn_change(c, "map these ids into the container, or change the owner on the host");
		return true;
	}
	if (strstr(f->name, "chown")) {
		if (dn_capability(c, CAP_CHOWN, "giving a file to another owner"))
			goto owner;
	} else if (f->call->kind == PH_FAIL_ATTR && f->fsuid != last->uid) {
		if (dn_capability(c, CAP_FOWNER, "changing what another owns"))
			goto owner;
	}
	if (f->call->kind == PH_FAIL_CREATE && dir && dir->mode & 01000 && f->fsuid != dir->uid && f->fsuid != last->uid) {
		dn_say(c, "sticky-directory", "%s belongs to user %u, and in %s, which is sticky (mode %04o), only owners remove or "
		       "rename", last->path, last->uid, dir->path, dir->mode);
		say_ids(c, last);
		dn_change(c, "run it as the owner, or with CAP_FOWNER");
		return true;
	}
	return false;
owner:
	say_ids(c, last);
	return true;
}

/* ---- ids ------------------------------------------------------------------------------------------------------ */

/* Has the host an id for what @id is in the container? -1 stands for "as it was". */
static bool has_outside(const struct ph_denied_fact *map, uint64_t id)
{
	if ((uint32_t)id == UINT32_MAX)
		return true;
	for (const char *p = map->text; *p; p += strcspn(p, "\n") + (p[strcspn(p, "\n")] == '\n')) {
		unsigned int in, n;

		if (sscanf(p, "%u %*u %u", &in, &n) == 2 && (uint32_t)id >= in && (uint32_t)id - in < n)
			return true;
	}
	return false;
}

static const struct { const char *call; int uid, nuid, gid, ngid; } id_args[] = {
	{ "chown", 1, 1, 2, 1 }, { "lchown", 1, 1, 2, 1 }, { "fchown", 1, 1, 2, 1 }, { "fchownat", 2, 1, 3, 1 },
	{ "setuid", 0, 1, 0, 0 }, { "setreuid", 0, 2, 0, 0 }, { "setresuid", 0, 3, 0, 0 },
	{ "setgid", 0, 0, 0, 1 }, { "setregid", 0, 0, 0, 2 }, { "setresgid", 0, 0, 0, 3 },
};

static bool say_no_id(struct dn *c, const char *who, const char *map, uint64_t id)
{
	const struct ph_denied_fact *m = dn_fact(c, map, NULL);

	dn_say(c, "unmapped-id", "%s %u of the container is nobody on the host: its user namespace %u does not map it", who,
	       (uint32_t)id, c->f->user_ns);
	for (const char *p = m->text; *p; p += strcspn(p, "\n") + (p[strcspn(p, "\n")] == '\n')) {
		unsigned int in, out, n;

		if (sscanf(p, "%u %u %u", &in, &out, &n) == 3)
			dn_evidence(c, "%s: %u to %u are %u to %u on the host", map, in, in + n - 1, out, out + n - 1);
	}
	dn_change(c, "give the container more ids (/etc/subuid and /etc/subgid on the host; podman: system migrate), or use ids that it "
		  "has");
	return true;
}

/* Ids that the container's user namespace does not have: EINVAL for whoever names one. */
bool dn_rule_ids(struct dn *c)
{
	const struct ph_denied_fact *u = dn_fact(c, "uid_map", NULL), *g = dn_fact(c, "gid_map", NULL);
	const struct ph_failed *f = c->f;

	if (!f->full || f->error != EINVAL || !f->user_ns_level || !u || !g)
		return false;
	for (size_t i = 0; i < PH_ARRAY_SIZE(id_args); i++) {
		if (strcmp(f->name, id_args[i].call))
			continue;
		for (int k = 0; k < id_args[i].nuid; k++)
			if (!has_outside(u, f->arg[id_args[i].uid + k]))
				return say_no_id(c, "user", "uid_map", f->arg[id_args[i].uid + k]);
		for (int k = 0; k < id_args[i].ngid; k++)
			if (!has_outside(g, f->arg[id_args[i].gid + k]))
				return say_no_id(c, "group", "gid_map", f->arg[id_args[i].gid + k]);
	}
	return false;
}

/* ---- devices --------------------------------------------------------------------------------------------------- */

/* Does a list of v1's devices controller ("c 1:3 rwm") allow @access of this device? */
static bool allowed(const char *list, char type, long long major, long long minor, const char *access)
{
	for (const char *p = list; *p; p += strcspn(p, "\n") + (p[strcspn(p, "\n")] == '\n')) {
		char t, maj[16], min[16], acc[8];
		bool all = true;

		if (sscanf(p, "%c %15[0-9*]:%15[0-9*] %7s", &t, maj, min, acc) != 4)
			continue;
		for (const char *a = access; *a; a++)
			all &= strchr(acc, *a) != NULL;
		if (all && (t == 'a' || (t == type && (*maj == '*' || atoll(maj) == major) &&
					  (*min == '*' || atoll(min) == minor))))
			return true;
	}
	return false;
}

bool dn_rule_device(struct dn *c)
{
	const struct ph_denied_fact *d = dn_fact(c, "devices", NULL);
	const struct ph_failed *f = c->f;
	const struct dn_walk *w = &c->walk[0];
	bool node = !strncmp(f->name, "mknod", 5);
	long long major, minor;
	char type, access[4] = "";
	unsigned int need;

	if (!dn_refused(c) || !f->full || !d)
		return false;
	if (node) {
		uint64_t mode = f->arg[dn_is(c, "mknod") ? 1 : 2], dev = f->arg[dn_is(c, "mknod") ? 2 : 3];

		if (((mode & S_IFMT) != S_IFCHR && (mode & S_IFMT) != S_IFBLK) || f->error != EPERM)
			return false;
		if (dn_capability(c, CAP_MKNOD, "making a device"))
			return true;
		type = (mode & S_IFMT) == S_IFCHR ? 'c' : 'b';
		major = (long long)(dev >> 8 & 0xfff);
		minor = (long long)((dev & 0xff) | (dev >> 12 & 0xfff00));
		strcpy(access, "m");
	} else {
		if (f->error != EPERM || !w->known || w->error || !dn_is_device(w))
			return false;
		type = dn_num(w->file[w->n - 1].fact, "chr", 0) ? 'c' : 'b';
		major = dn_num(w->file[w->n - 1].fact, "major", 0);
		minor = dn_num(w->file[w->n - 1].fact, "minor", 0);
		need = open_needs(f);
		snprintf(access, sizeof(access), "%s%s", need & R ? "r" : "", need & W ? "w" : "");
	}
	if (dn_num(d, "version", 0) == 1) {
		if (allowed(d->text, type, major, minor, access))
			return false;
		dn_say(c, "device-cgroup", "the device cgroup %s does not allow '%s' of device %c %lld:%lld", d->subject, access,
		       type, major, minor);
		dn_evidence(c, "devices.list of %s has no line that allows it", d->subject);
	} else if (dn_num(d, "programs", 0) > 0 && !f->cap_refused) {
		dn_say(c, "device-cgroup", "opening device %c %lld:%lld was refused although mode and owner allow it, and the cgroup %s "
		       "has a device program", type, major, minor, d->subject);
		dn_evidence(c, "by elimination: what a device program of cgroup v2 allows, only it knows");
	} else {
		return false;
	}
	dn_change(c, "docker run --device (or --device-cgroup-rule '%c %lld:%lld %s')", type, major, minor, access);
	return true;
}
