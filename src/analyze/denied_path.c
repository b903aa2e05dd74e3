/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a path was refused: not there, the mount, mode and owner, ACL, ids, devices, room. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analyze/denied_priv.h"
#include "base/cleanup.h"
#include "base/parse.h"

/* ---- not there ------------------------------------------------------------------------------------------- */

/* Places and names that programs try one after the other: to find nothing there is their way. */
bool ph_denied_searched(const char *path)
{
	static const char *const parts[] = {
		"/locale", "LC_MESSAGES", ".so", "/gconv", "ld.so.", "/terminfo", "/node_modules", "package.json",
		".pyc", "__pycache__", "/python", ".py", "/perl", ".pm", "/nscd/", "/charmaps", "/hwcaps", "/usr/local/",
		"/etc/gcrypt/", "/etc/gnutls/", "/etc/selinux/", "zoneinfo", "/etc/localtime", "/.git", "/i18n", "/nls/", ".conf.d", "/dist-packages", "/site-packages",
	};
	static const char *const dirs[] = { "/bin/", "/sbin/", "/lib/", "/lib64/", "/lib32/", "/include/", "/libexec/" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(parts); i++)
		if (strstr(path, parts[i]))
			return true;
	for (size_t i = 0; i < PH_ARRAY_SIZE(dirs); i++)
		if (strstr(path, dirs[i]))
			return true;
	return false;
}

static bool is_number(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

/* hidepid=1, 2, 4 or by name, of the proc mount that the walk ended on. */
static const char *hidepid_of(const struct dn_walk *w)
{
	const char *p;

	if (!w->mount || strncmp(w->mount->text, "proc ", 5) || !(p = strstr(w->mount->text, "hidepid=")))
		return NULL;
	return !strncmp(p, "hidepid=0", 9) || !strncmp(p, "hidepid=off", 11) ? NULL : p;
}

static bool hidden_pid(struct dn *c, const struct dn_walk *w)
{
	const char *opt = hidepid_of(w);
	const char *at = w->missing ? w->missing : w->path;
	size_t n = w->mount ? strlen(w->mount->subject) : 0;
	ph_autofree char *first = NULL;

	if (!opt || !at || strncmp(at, w->mount->subject, n))
		return false;
	at += n + (at[n] == '/');
	first = ph_strndup(at, strcspn(at, "/"));
	if (!is_number(first))
		return false;
	dn_say(c, "hidepid", "%s is mounted with %.*s: processes of others are not shown", w->mount->subject,
	       (int)strcspn(opt, ", "), opt);
	dn_evidence(c, "mount %s: %s", w->mount->subject, w->mount->text);
	dn_change(c, "mount proc without hidepid, put the user into its gid= group, or give CAP_SYS_PTRACE");
	return true;
}

/* An empty read-only tmpfs, or a device that swallows all, put over a path by the runtime. */
static bool masked(const struct dn_walk *w)
{
	const struct dn_file *last = w->n ? &w->file[w->n - 1] : NULL;

	if (!w->mount || !strcmp(w->mount->subject, "/") || strstr(w->mount->subject, "/dev") == w->mount->subject)
		return false;
	if (!strncmp(w->mount->text, "tmpfs ", 6) && dn_num(w->mount, "ro", 0) &&
	    (!strncmp(w->mount->subject, "/proc/", 6) || !strncmp(w->mount->subject, "/sys/", 5)))
		return true;
	return last && !strcmp(last->path, w->mount->subject) && dn_num(last->fact, "chr", 0) &&
	       dn_num(last->fact, "major", 0) == 1 && dn_num(last->fact, "minor", 0) == 3;
}

static void say_masked(struct dn *c, const struct dn_walk *w)
{
	dn_say(c, "masked-path", "%s is masked: the runtime has mounted %s over it", w->mount->subject,
	       !strncmp(w->mount->text, "tmpfs ", 6) ? "an empty read-only tmpfs" : "/dev/null");
	dn_evidence(c, "mount %s: %s", w->mount->subject, w->mount->text);
	dn_change(c, "take it out of the runtime's masked paths (docker run --security-opt systempaths=unconfined)");
}

/* The end of a search for a command or a library. */
static bool say_not_found(struct dn *c)
{
	const char *name = ph_basename(c->f->path);
	ph_autobuf places = { 0 };
	unsigned int n = 0;

	ph_vec_each(p, &c->d->groups) {
		const struct ph_denied_group *g = *p;

		if (g->f.error != ENOENT || g->f.container != c->f->container || strcmp(g->f.comm, c->f->comm) ||
		    strcmp(ph_basename(g->f.path), name))
			continue;
		if (n++ < 12)
			ph_buf_addf(&places, "%s%.*s", n > 1 ? " " : "", (int)(ph_basename(g->f.path) - g->f.path), g->f.path);
		ph_vec_each(x, &g->facts)
			if (!strcmp(x->what, "host_path") && dn_num(x, "known", 0) && !dn_num(x, "errno", -1))
				dn_evidence(c, "on the host it is at %s", x->subject);
	}
	dn_say(c, "not-found", "%s was looked for in %u place%s, and is in none of them", name, n, n > 1 ? "s" : "");
	dn_evidence(c, "looked for in %s%s; the process ended with code 127", places.p ? places.p : "", n > 12 ? " …" : "");
	dn_change(c, strstr(name, ".so") ? "install the package with that library in the image, or set LD_LIBRARY_PATH" :
		  "install the program in the image, or correct its name or PATH");
	return true;
}

bool dn_rule_path_missing(struct dn *c)
{
	const struct ph_failed *f = c->f;
	const struct dn_walk *w = NULL;
	long long host = -1;

	if (f->error != ENOENT || (!f->call->path && !f->call->addr))
		return false;
	if (f->call->path && !f->path[0]) {
		c->v->ordinary = true;
		return dn_say(c, "ordinary", "an empty path");
	}
	for (unsigned int i = 0; i < c->nwalks; i++)
		if (c->walk[i].error == ENOENT && (!w || (f->call->kind == PH_FAIL_CREATE && i)))
			w = &c->walk[i];
	if (w && hidden_pid(c, w))
		return true;
	if (w && masked(w)) {
		say_masked(c, w);
		return true;
	}
	if (w && w->host && dn_num(w->host, "known", 0))
		host = dn_num(w->host, "errno", -1);
	if (c->g->sought)
		return say_not_found(c);
	c->v->ordinary = !c->g->fatal || c->g->elsewhere ||
			 (f->call->kind != PH_FAIL_EXEC && ph_denied_searched(f->path));
	if (!f->full || (!w && !c->nwalks)) {
		if (c->v->ordinary)
			return dn_say(c, "not-there", "there is no such path; programs look in many places");
		return false;
	}
	if (!w) {
		/* There when it was looked for a moment later; or of a script's interpreter. */
		const struct ph_denied_fact *in = f->call->kind == PH_FAIL_EXEC ? dn_fact(c, "interpreter", NULL) : NULL;

		if (dn_num(in, "errno", 0) == ENOENT) {
			bool script = dn_num(in, "script", 0);

			c->v->ordinary = false;
			dn_say(c, "interpreter-missing", "%s is there, but %s, %s, is not", c->walk[0].path,
			       script ? "the interpreter of its first line" : "the dynamic loader that it was linked for", in->subject);
			dn_change(c, script ? "install %s in the image, or correct the first line (a carriage return at its end counts)" :
				  "it is of another C library or architecture: take a static one, or an image that has %s", in->subject);
			return true;
		}
		if (!c->walk[0].known || c->walk[0].error)
			return false;
		if (hidden_pid(c, &c->walk[0]))
			return true;
		if (f->call->kind == PH_FAIL_EXEC && c->g->fatal)
			return false;
		c->v->ordinary = true;
		return dn_say(c, "not-there-yet", "the path was not there then, and is now");
	}
	if (host == 0) {
		dn_say(c, "mount-namespace", "%s is on the host, but not in the container's mount namespace %u", w->path,
		       f->mnt_ns);
		dn_evidence(c, "in the container %s is missing; on the host the path exists", w->missing);
		dn_change(c, "mount it into the container (docker run -v %s:%s:ro) or put it into the image", w->path, w->path);
		return true;
	}
	dn_say(c, "not-there", "%s exists neither in the container nor on the host",
	       w->missing && strcmp(w->missing, w->path) ? w->missing : w->path);
	if (host < 0)
		dn_say(c, "not-there", "%s does not exist%s", w->missing ? w->missing : w->path,
		       w->host ? "; the host's path could not be told" : "");
	dn_change(c, "make it, or correct the path");
	return true;
}

static void mount_evidence(struct dn *c, const struct ph_denied_fact *m)
{
	dn_evidence(c, "mount %s:%s%s%s%s%s (%s)", m->subject, dn_num(m, "ro", 0) ? " ro" : " rw",
		    dn_num(m, "nosuid", 0) ? ",nosuid" : "", dn_num(m, "nodev", 0) ? ",nodev" : "",
		    dn_num(m, "noexec", 0) ? ",noexec" : "", dn_num(m, "sb_ro", 0) ? "; the file system itself ro" : "",
		    m->text);
}

/* ---- another kind of file ------------------------------------------------------------------------------------- */

/* A directory where a file was meant, or the other way round: of a source that is missing Docker makes a directory. */
bool dn_rule_kind(struct dn *c)
{
	bool dir = c->f->error == EISDIR;

	if (!c->f->full || (!dir && c->f->error != ENOTDIR))
		return false;
	for (unsigned int i = 0; i < c->nwalks; i++) {
		const struct dn_walk *w = &c->walk[i];
		const struct dn_file *last = w->n ? &w->file[w->n - 1] : NULL;
		const char *at = w->missing ? w->missing : w->path;
		bool other;

		if (!last || !w->known || last->link || last->dir != dir || w->error != (dir || !w->missing ? 0 : ENOTDIR))
			continue;
		/* There the host has what was wanted: the whole path, or a file. */
		other = w->host && dn_num(w->host, "known", 0) && !dn_num(w->host, "errno", -1) && !dn_num(w->host, "same", 0) &&
			(!dir || !dn_num(w->host, "dir", 0));
		c->v->ordinary = !c->g->fatal;
		if (other) {
			dn_say(c, "mount-namespace", "%s is %s in the container; on the host it is %s", at,
			       dir ? "a directory" : "no directory", dir ? "a file" : "one");
			dn_change(c, "look at what is mounted there: where the source of a bind mount is missing, Docker makes a directory");
		} else {
			dn_say(c, dir ? "is-a-directory" : "not-a-directory", "%s is %s", at, dir ? "a directory" : "no directory");
			dn_change(c, dir ? "give the path of a file; where the source of a bind mount is missing, Docker makes a directory" :
				  "correct the path");
		}
		if (w->mount)
			mount_evidence(c, w->mount);
		return true;
	}
	return false;
}

/* ---- the mount ------------------------------------------------------------------------------------------------ */

static bool wants_exec(const struct ph_failed *f)
{
	return f->call->kind == PH_FAIL_EXEC ||
	       ((!strcmp(f->name, "mmap") || !strcmp(f->name, "mprotect")) && f->arg[2] & PROT_EXEC);
}

static bool is_device(const struct dn_walk *w)
{
	return w->n && (dn_num(w->file[w->n - 1].fact, "chr", 0) || dn_num(w->file[w->n - 1].fact, "blk", 0));
}

bool dn_rule_mount(struct dn *c)
{
	const struct ph_failed *f = c->f;

	for (unsigned int i = 0; i < c->nwalks; i++) {
		const struct dn_walk *w = &c->walk[i];
		const struct ph_denied_fact *m = w->mount;

		if (!m)
			continue;
		if (f->error == EROFS && (dn_num(m, "ro", 0) || dn_num(m, "sb_ro", 0))) {
			bool flag = dn_num(m, "ro", 0);

			if (masked(w)) {
				say_masked(c, w);
				return true;
			}
			if (flag && (!strncmp(m->text, "proc ", 5) || !strncmp(m->text, "sysfs ", 6) ||
				     !strncmp(m->text, "cgroup", 6))) {
				dn_say(c, "read-only-path", "%s is a read-only mount of %.*s: the runtime protects it", m->subject,
				       (int)strcspn(m->text, " "), m->text);
				dn_change(c, "the runtime's read-only paths (docker run --security-opt systempaths=unconfined, "
					  "--privileged); sysctls of a namespace: --sysctl");
			} else if (flag) {
				dn_say(c, "read-only-mount", "the mount %s is read-only (flag ro)%s", m->subject,
				       strcmp(m->subject, "/") ? "" : ": the container's root");
				dn_change(c, strcmp(m->subject, "/") ? "mount it writable (docker run -v …:%s:rw)" :
					  "run it without --read-only, or put a writable mount where it writes", m->subject);
			} else {
				dn_say(c, "read-only-filesystem", "the file system at %s is read-only as a whole", m->subject);
				dn_change(c, "remount the file system writable on the host; errors of the disk make it so, too (dmesg)");
			}
			mount_evidence(c, m);
			return true;
		}
		if (dn_refused(c) && wants_exec(f) && dn_num(m, "noexec", 0) && !w->error) {
			dn_say(c, "noexec", "%s lies on the mount %s, which has noexec", w->path, m->subject);
			mount_evidence(c, m);
			dn_change(c, "mount %s without noexec, or put the program elsewhere", m->subject);
			return true;
		}
		if (f->error == EACCES && f->call->kind == PH_FAIL_OPEN && is_device(w) && dn_num(m, "nodev", 0)) {
			dn_say(c, "nodev", "%s is a device on the mount %s, which has nodev", w->path, m->subject);
			mount_evidence(c, m);
			dn_change(c, "give the container the device by its runtime (docker run --device), or mount %s without nodev",
				  m->subject);
			return true;
		}
		if (dn_refused(c) && hidden_pid(c, w))
			return true;
	}
	return false;
}

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
		dn_say(c, "acl", "%s %s needs %s; its POSIX ACL gives the task by '%s' only %s", doing, x->path,
		       perm_word(need), entry, perm_word(has));
		dn_evidence(c, "ACL of %s: %s", x->path, x->acl);
		dn_change(c, "setfacl -m u:%u:… %s on the host", f->fsuid, x->path);
	} else {
		dn_say(c, "file-mode", "%s %s needs %s; mode %04o (owner %u:%u) gives %s %s", doing, x->path, perm_word(need),
		       x->mode, x->uid, x->gid, class, perm_word(has));
		dn_change(c, !(x->mode & 0111) && need & X && !x->dir ? "chmod +x %s" :
			  "run it as the owner, or change mode or owner of %s (chmod, chown)", x->path);
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
		dn_say(c, "immutable", "%s has the attribute %s", last->path, dn_num(last->fact, "immutable", 0) ?
		       "immutable: nobody may change it" : "append-only");
		dn_change(c, "chattr -%c %s on the host", dn_num(last->fact, "immutable", 0) ? 'i' : 'a', last->path);
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
		if (f->error != EPERM || !w->known || w->error || !is_device(w))
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

/* ---- room ------------------------------------------------------------------------------------------------------- */

bool dn_rule_room(struct dn *c)
{
	const struct ph_denied_fact *r = NULL, *m = NULL;
	const struct ph_failed *f = c->f;
	const char *point;

	if ((f->error != ENOSPC && f->error != EDQUOT) || f->call->kind == PH_FAIL_NS || f->call->kind == PH_FAIL_INOTIFY)
		return false;
	for (unsigned int i = 0; i < c->nwalks && !r; i++) {
		r = c->walk[i].room;
		m = c->walk[i].mount;
	}
	if (!r)
		return false;
	point = r->subject;
	if (f->error == EDQUOT) {
		if (!strcmp(r->text, "btrfs")) {
			dn_say(c, "quota", "the quota of the subvolume is used up on the file system at %s (btrfs)", point);
			dn_change(c, "remove files, or raise the quota (btrfs qgroup show, btrfs qgroup limit on the host)");
		} else {
			dn_say(c, "quota", "the quota of user %u, group %u or of the project is used up on the file system at %s (%s)",
			       f->fsuid, f->fsgid, point, r->text);
			dn_change(c, "remove files, or raise the quota (repquota, setquota on the host)");
		}
	} else if (dn_num(r, "files", 0) && !dn_num(r, "ffree", 1)) {
		dn_say(c, "no-inodes", "the file system at %s (%s) has no inodes left: all %lld are used", point, r->text,
		       dn_num(r, "files", 0));
		dn_change(c, "remove files, or make the file system with more inodes (tmpfs: nr_inodes=)");
	} else if (dn_num(r, "bavail", 0) * dn_num(r, "bsize", 0) < 1 << 20) {
		dn_say(c, "no-space", "the file system at %s (%s) is full%s", point, r->text,
		       !strcmp(r->text, "overlay") ? ": what the container writes goes to the upper layer, on the host's disk" : "");
		dn_change(c, "free space or enlarge it%s", !strcmp(r->text, "tmpfs") ? " (tmpfs: size=)" : "");
	} else {
		dn_say(c, "undetermined", "the file system at %s (%s) says that it has room; a quota of the project or a reservation may "
		       "stand against it", point, r->text);
		dn_change(c, "look at the quotas of the host's file system (repquota -P, xfs_quota)");
	}
	dn_evidence(c, "at %s: %lld of %lld blocks of %lld bytes free, %lld of %lld inodes", point, dn_num(r, "bavail", 0),
		    dn_num(r, "blocks", 0), dn_num(r, "bsize", 0), dn_num(r, "ffree", 0), dn_num(r, "files", 0));
	if (m)
		mount_evidence(c, m);
	return true;
}
