/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a path was refused: not there, another kind of file, the mount, no room. */
#include <errno.h>
#include <sys/mman.h>

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
		ph_autofree char *word = ph_shell_word(w->path);

		dn_say(c, "mount-namespace", "%s is on the host, but not in the container's mount namespace %u", w->path,
		       f->mnt_ns);
		dn_evidence(c, "in the container %s is missing; on the host the path exists", w->missing);
		dn_change(c, "mount it into the container (docker run -v %s:%s:ro) or put it into the image", word, word);
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

bool dn_is_device(const struct dn_walk *w)
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
				ph_autofree char *word = ph_shell_word(m->subject);

				dn_say(c, "read-only-mount", "the mount %s is read-only (flag ro)%s", m->subject,
				       strcmp(m->subject, "/") ? "" : ": the container's root");
				dn_change(c, strcmp(m->subject, "/") ? "mount it writable (docker run -v …:%s:rw)" :
					  "run it without --read-only, or put a writable mount where it writes", word);
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
		if (f->error == EACCES && f->call->kind == PH_FAIL_OPEN && dn_is_device(w) && dn_num(m, "nodev", 0)) {
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
