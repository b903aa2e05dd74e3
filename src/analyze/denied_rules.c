/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of rules by which a failure is judged, and those that belong to no subject. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "analyze/denied_priv.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "event/symbols.h"

/* ---- facts ------------------------------------------------------------------------------------------ */

const struct ph_denied_fact *dn_fact(const struct dn *c, const char *what, const char *subject)
{
	ph_vec_each(f, &c->g->facts)
		if (!strcmp(f->what, what) && (!subject || !strcmp(f->subject, subject)))
			return f;
	return NULL;
}

bool dn_number(const struct ph_denied_fact *f, const char *name, long long *ret)
{
	size_t n = strlen(name);

	for (const char *p = f ? f->facts : NULL; p && *p; p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL) {
		if (!strncmp(p, name, n) && p[n] == '=') {
			*ret = strtoll(p + n + 1, NULL, 10);
			return true;
		}
	}
	return false;
}

long long dn_num(const struct ph_denied_fact *f, const char *name, long long otherwise)
{
	long long v;

	return dn_number(f, name, &v) ? v : otherwise;
}

static void vaddf(struct ph_buf *b, const char *fmt, va_list ap)
{
	char *s = NULL;

	if (vasprintf(&s, fmt, ap) >= 0)
		ph_buf_adds(b, s);
	free(s);
}

bool dn_say(struct dn *c, const char *cause, const char *fmt, ...)
{
	va_list ap;

	c->v->cause = cause;
	ph_buf_clear(&c->v->why);
	va_start(ap, fmt);
	vaddf(&c->v->why, fmt, ap);
	va_end(ap);
	return true;
}

void dn_change(struct dn *c, const char *fmt, ...)
{
	va_list ap;

	ph_buf_clear(&c->v->change);
	va_start(ap, fmt);
	vaddf(&c->v->change, fmt, ap);
	va_end(ap);
}

void dn_evidence(struct dn *c, const char *fmt, ...)
{
	ph_autobuf b = { 0 };
	va_list ap;

	va_start(ap, fmt);
	vaddf(&b, fmt, ap);
	va_end(ap);
	ph_strv_add(&c->v->evidence, b.p ? b.p : "");
}

static void walk_file(struct dn_walk *w, const struct ph_denied_fact *f)
{
	struct dn_file *x;

	if (w->n >= DN_DEPTH)
		return;
	x = &w->file[w->n++];
	*x = (struct dn_file){
		.fact = f, .path = f->subject, .mode = (unsigned int)dn_num(f, "mode", 0),
		.uid = (unsigned int)dn_num(f, "uid", 0), .gid = (unsigned int)dn_num(f, "gid", 0),
		.mnt = (int)dn_num(f, "mnt", -1), .dir = dn_num(f, "dir", 0) == 1, .link = dn_num(f, "link", 0) == 1,
	};
}

/* Facts about a path come in the order of the walk, with "path" at the end. */
void dn_walks(struct dn *c)
{
	struct dn_walk *w = &c->walk[0];

	ph_vec_each(f, &c->g->facts) {
		if (!strcmp(f->what, "component"))
			walk_file(w, f);
		else if (!strcmp(f->what, "acl") && w->n)
			w->file[w->n - 1].acl = f->text;
		else if (!strcmp(f->what, "missing"))
			w->missing = f->subject;
		else if (!strcmp(f->what, "mount"))
			w->mount = f;
		else if (!strcmp(f->what, "room"))
			w->room = f;
		else if (!strcmp(f->what, "unseen"))
			w->unseen = f;
		else if (!strcmp(f->what, "host_path"))
			w->host = f;
		else if (!strcmp(f->what, "path")) {
			w->path = f->subject;
			w->known = dn_num(f, "known", 0) == 1;
			w->error = (int)dn_num(f, "errno", 0);
			if (++c->nwalks >= PH_ARRAY_SIZE(c->walk))
				return;
			w = &c->walk[c->nwalks];
		}
	}
}

/* ---- capabilities ------------------------------------------------------------------------------------- */

const char *dn_cap_name(unsigned int cap, char *buf, size_t size)
{
	ph_autobuf b = { 0 };

	if (ph_symbol_add(&b, PH_UNIT_CAP, cap))
		snprintf(buf, size, "%s", b.p);
	else
		snprintf(buf, size, "capability %u", cap);
	return buf;
}

bool dn_has_cap(const struct dn *c, unsigned int cap)
{
	return c->f->cap_effective >> cap & 1;
}

bool dn_capability(struct dn *c, unsigned int cap, const char *what)
{
	const struct ph_failed *f = c->f;
	bool asked = f->cap_refused >> cap & 1, host = f->call->where == PH_CAP_HOST;
	char name[64];

	if (!f->full || (f->caps_watched && !asked))
		return false;
	dn_cap_name(cap, name, sizeof(name));
	if (dn_has_cap(c, cap)) {
		/* It has it, in a user namespace of its own: without the tracepoint that is all we know. */
		if (!f->user_ns_level || (!asked && !host))
			return false;
		dn_say(c, "capability-user-namespace", "%s needs %s in %s; the task has it only in its own user "
		       "namespace %u, so even root of the container may not", what, name,
		       asked && f->cap_refused_ns ? "the user namespace that owns the object" :
		       "the host's user namespace", f->user_ns);
		if (asked)
			dn_evidence(c, "the kernel asked for %s in user namespace %u and did not find it", name,
				    f->cap_refused_ns);
		dn_change(c, "run it without a user namespace of its own and with %s; on the host the same "
			  "capability would suffice", name);
		return true;
	}
	dn_say(c, "capability", "%s needs %s, which the task does not have", what, name);
	if (asked)
		dn_evidence(c, "the kernel asked for %s in user namespace %u and did not find it", name,
			    f->cap_refused_ns);
	else
		dn_evidence(c, "by the credentials alone: this kernel does not tell which capability it asked for");
	dn_evidence(c, "effective capabilities 0x%llx, bounding set 0x%llx, user id %u on the host",
		    (unsigned long long)f->cap_effective, (unsigned long long)f->cap_bounding, f->euid);
	if (f->user_ns_level && (host || (asked && f->cap_refused_ns != f->user_ns)))
		dn_change(c, "a capability in the container's user namespace %u would not do: it takes %s in the "
			  "host's", f->user_ns, name);
	else if (f->cap_bounding >> cap & 1)
		dn_change(c, "run it as root, or give the program %s (it is in the container's bounding set); on "
			  "the host root has it", name);
	else
		dn_change(c, "add %s to the container (docker run --cap-add %s), which its bounding set lacks; "
			  "on the host root has it", name, strncmp(name, "CAP_", 4) ? name : name + 4);
	return true;
}

/* What the call itself demands, whatever it is about. */
static bool rule_capability(struct dn *c)
{
	const struct ph_failcall *k = c->f->call;
	ph_autofree char *what = NULL;

	if (!dn_refused(c) || !c->f->full)
		return false;
	what = ph_asprintf("%s()", c->f->name);
	if (k->cap && dn_capability(c, k->cap - 1u, what))
		return true;
	/* BPF and PERFMON were split from SYS_ADMIN, which does as well. */
	if ((dn_is(c, "bpf") || dn_is(c, "perf_event_open")) && c->f->cap_refused >> CAP_SYS_ADMIN & 1)
		return dn_capability(c, CAP_SYS_ADMIN, what);
	return false;
}

/* The kernel asked for some capability during the call; no rule before this one knew why. */
static bool rule_any_capability(struct dn *c)
{
	const uint64_t of_files = 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_DAC_READ_SEARCH;
	bool path = c->f->call->path != 0;
	ph_autofree char *what = NULL;

	if (!dn_refused(c) || !c->f->cap_refused || c->f->call->kind == PH_FAIL_MEMORY)
		return false;
	/* A file that asks by itself who opens it (/dev/mem, a sysctl), where all on the way to it was allowed. */
	if (path && (c->f->call->kind != PH_FAIL_OPEN || !c->nwalks || !c->walk[0].known || c->walk[0].error ||
		     c->f->cap_refused & of_files))
		return false;
	what = path ? ph_asprintf("opening %s", c->walk[0].path) : ph_asprintf("%s()", c->f->name);
	for (unsigned int cap = 0; cap < 64; cap++) {
		if (!(c->f->cap_refused >> cap & 1) || !dn_capability(c, cap, what))
			continue;
		if (c->f->cap_refused & ~(1ull << cap))
			dn_evidence(c, "it asked for others as well (mask 0x%llx): one of them would have done",
				    (unsigned long long)c->f->cap_refused);
		return true;
	}
	return false;
}

/* The process in proc that the path leads to belongs to another user than the one who asks. */
static bool others_process(const struct dn *c, const struct dn_walk *w)
{
	for (unsigned int i = 0; i < w->n; i++) {
		const char *name = strrchr(w->file[i].path, '/');

		if (name && name[1] && strspn(name + 1, "0123456789") == strlen(name + 1))
			return w->file[i].uid != c->f->fsuid;
	}
	return false;
}

/* Links and files of another process in proc are for who might trace it. */
static bool rule_proc(struct dn *c)
{
	const struct dn_walk *w = &c->walk[0];

	if (!dn_refused(c) || !c->nwalks || !w->mount || strncmp(w->mount->text, "proc ", 5) ||
	    (!c->f->caps_watched && !others_process(c, w)))
		return false;
	if (!dn_capability(c, CAP_SYS_PTRACE, "looking into a process of other ids or with more capabilities"))
		return false;
	c->v->cause = "ptrace";
	return true;
}

/* ---- seccomp, no_new_privs, LSM, kernel ------------------------------------------------------------------ */

static bool rule_seccomp(struct dn *c)
{
	ph_autobuf err = { 0 };

	if (!c->f->refused)
		return false;
	ph_symbol_add(&err, PH_UNIT_RET, -c->f->error);
	dn_say(c, "seccomp", "the container's seccomp filter refuses %s() and makes it fail with %s; the kernel never "
	       "began the call", c->f->name, err.p ? err.p : "an error");
	dn_evidence(c, "the call ended without having been entered%s%s",
		    c->f->full && c->f->seccomp == 2 ? "; seccomp mode 2, a filter" : "",
		    c->f->error == ENOSYS ? "; ENOSYS is pretended" : "");
	dn_evidence(c, "SECCOMP_RET_ERRNO, or a supervisor's answer (SECCOMP_RET_USER_NOTIF): the two look alike");
	dn_change(c, "allow %s in the seccomp profile (docker run --security-opt seccomp=PROFILE.json)", c->f->name);
	return true;
}

/* A set-user-id program that did not become its owner. */
static bool rule_setuid(struct dn *c)
{
	const struct ph_failed *f = c->f;

	if (!dn_refused(c) || !f->full || f->setuid < 0 || (uint32_t)f->setuid == f->euid)
		return false;
	if (!f->no_new_privs && !f->nosuid)
		return false;
	dn_say(c, f->nosuid ? "nosuid" : "no-new-privs", "%s is set-user-id %d, but %s kept it from becoming that user: "
	       "it runs as %u", f->comm, f->setuid, f->nosuid ? "the nosuid flag of the mount it lies on" :
	       "no_new_privs", f->euid);
	dn_evidence(c, "no_new_privs %d, nosuid %d, program's owner %d, effective user id %u", f->no_new_privs,
		    f->nosuid, f->setuid, f->euid);
	dn_change(c, f->nosuid ? "put the program on a mount without nosuid" :
		  "start the container without no_new_privs (docker run without --security-opt no-new-privileges; "
		  "allowPrivilegeEscalation: true)");
	return true;
}

static bool rule_nosys(struct dn *c)
{
	const struct ph_denied_fact *k = dn_fact(c, "kernel", NULL);
	long long has = dn_num(k, "has_call", -1);

	if (c->f->error != ENOSYS)
		return false;
	if (has == 0) {
		dn_say(c, "no-syscall", "this kernel has no %s()", c->f->name);
		dn_evidence(c, "the kernel's symbols have only the stub for calls that were left out");
		dn_change(c, "a kernel with that call");
	} else if (has == 1) {
		dn_say(c, "no-syscall-here", "this kernel has %s(), yet it answered ENOSYS, and no filter did: the "
		       "request or the file system behind it is not supported", c->f->name);
	} else {
		dn_say(c, "undetermined", "ENOSYS: whether this kernel has %s() is not known", c->f->name);
		dn_change(c, "record as root, so that /proc/kallsyms can be read");
	}
	return true;
}

static bool rule_chroot(struct dn *c)
{
	const struct ph_failed *f = c->f;

	if (!dn_is(c, "chroot") || f->error != EPERM)
		return false;
	return dn_capability(c, CAP_SYS_CHROOT, "chroot()");
}

/* What the kernel wrote into the audit log about this very call. */
static bool rule_audit(struct dn *c)
{
	static const struct { const char *module, *who, *how; } modules[] = {
		{ "apparmor", "AppArmor", "allow it in the profile, or run the container with another one (docker run --security-opt "
		  "apparmor=PROFILE; aa-status lists them)" },
		{ "selinux", "SELinux", "give the file a label that the container may use (docker run -v …:z), or allow it in the policy "
		  "(audit2allow)" },
		{ "landlock", "Landlock", "allow it in the program's Landlock rules" },
	};
	const struct ph_denied_fact *a = dn_fact(c, "audit", NULL);

	if (!dn_refused(c) || !a)
		return false;
	for (size_t i = 0; i < PH_ARRAY_SIZE(modules); i++) {
		if (strcmp(a->subject, modules[i].module))
			continue;
		dn_say(c, modules[i].module, "%s refused it, says the kernel's audit record", modules[i].who);
		dn_evidence(c, "audit: %s", a->text);
		dn_change(c, "%s", modules[i].how);
		return true;
	}
	return false;
}

/* What a locked down kernel refuses root, too. */
static bool locked_call(const struct dn *c, bool confidential)
{
	static const char *const calls[] = { "init_module", "finit_module", "kexec_load", "kexec_file_load", "iopl", "ioperm" };
	static const char *const secret[] = { "perf_event_open", "bpf" };
	const struct dn_walk *w = &c->walk[0];
	const struct dn_file *last = c->nwalks && w->n ? &w->file[w->n - 1] : NULL;

	for (size_t i = 0; i < PH_ARRAY_SIZE(calls); i++)
		if (dn_is(c, calls[i]))
			return true;
	for (size_t i = 0; confidential && i < PH_ARRAY_SIZE(secret); i++)
		if (dn_is(c, secret[i]))
			return true;
	if (c->f->call->kind != PH_FAIL_OPEN || !last || !w->known || w->error)
		return false;
	/* /dev/mem, /dev/kmem, /dev/port; /dev/cpu/N/msr */
	if (dn_num(last->fact, "chr", 0) && ((dn_num(last->fact, "major", 0) == 1 && (dn_num(last->fact, "minor", 0) == 1 ||
	    dn_num(last->fact, "minor", 0) == 2 || dn_num(last->fact, "minor", 0) == 4)) || dn_num(last->fact, "major", 0) == 202))
		return true;
	return w->mount && (!strncmp(w->mount->text, "debugfs ", 8) ||
			    (confidential && (!strncmp(w->mount->text, "tracefs ", 8) || !strcmp(w->path, "/proc/kcore"))));
}

static bool rule_lockdown(struct dn *c)
{
	const struct ph_denied_fact *l = dn_fact(c, "lockdown", NULL);
	const struct ph_failed *f = c->f;
	bool confidential = l && !strcmp(l->text, "confidentiality");

	if (f->error != EPERM || !f->full || !l || (!confidential && strcmp(l->text, "integrity")) || f->cap_refused ||
	    f->user_ns_level || (f->call->cap && !dn_has_cap(c, f->call->cap - 1u)) || !locked_call(c, confidential))
		return false;
	dn_say(c, "lockdown", "the host's kernel is locked down (%s): nobody may do this, root of the host neither", l->text);
	dn_evidence(c, "/sys/kernel/security/lockdown: %s; by elimination: the task had the capability that it takes%s", l->text,
		    f->caps_watched ? ", and the kernel missed none" : "");
	dn_change(c, "do without it; lockdown ends with another boot only (lockdown= of the kernel's command line, Secure Boot)");
	return true;
}

/* Modes and owners allow it, no capability was asked for: what judges besides is an LSM. */
static bool rule_lsm(struct dn *c)
{
	static const char *const judges[] = { "selinux", "apparmor", "smack", "tomoyo", "landlock", "bpf" };
	const struct ph_denied_fact *l = dn_fact(c, "lsm", NULL);
	ph_autobuf active = { 0 };
	int n = 0;

	if (!dn_refused(c) || !l || !c->nwalks || !c->walk[0].known || c->walk[0].error || c->g->f.cap_refused)
		return false;
	if (c->f->call->kind != PH_FAIL_OPEN && c->f->call->kind != PH_FAIL_EXEC &&
	    c->f->call->kind != PH_FAIL_CREATE && c->f->call->kind != PH_FAIL_LOOKUP)
		return false;
	for (size_t i = 0; i < PH_ARRAY_SIZE(judges); i++) {
		/* A task that AppArmor does not confine is not refused by it. */
		if (!ph_list_has(l->text, judges[i]) || (!strcmp(judges[i], "apparmor") && !strcmp(l->subject, "unconfined")))
			continue;
		ph_buf_addf(&active, "%s%s", n ? ", " : "", judges[i]);
		n++;
	}
	if (!n)
		return false;
	if (c->f->landlocked) {
		dn_say(c, "landlock", "mode, owner and mount allow it; the program, or one that it descends from, restricted itself with "
		       "Landlock");
		dn_evidence(c, "landlock_restrict_self() was seen; the rest by elimination (security modules: %s)", l->text);
		dn_change(c, "allow %s in the program's Landlock rules", c->walk[0].path);
	} else if (n == 1 && strcmp(active.p, "bpf") && strcmp(active.p, "landlock")) {
		dn_say(c, "lsm", "mode, owner and mount allow it, and the only security module here that judges files is %s: it refused",
		       active.p);
		dn_evidence(c, "by elimination; security modules of this kernel: %s", l->text);
		dn_change(c, "look for the refusal in the audit log, and allow it in the policy");
	} else {
		dn_say(c, "undetermined", "mode, owner and mount allow it; a security module (%s) may have refused", active.p);
		dn_change(c, "the audit log (ausearch -m avc, dmesg) tells which; record from before the program's start, so that a "
			  "Landlock restriction is seen");
	}
	if (l->subject[0])
		dn_evidence(c, "security label of the task: %s", l->subject);
	return true;
}

/* ---- ordinary failures ---------------------------------------------------------------------------------- */

static const struct ordinary {
	int error;
	const char *call;		/* prefix; NULL: any */
	const char *why;
} ordinary[] = {
	{ ECHILD, NULL, "there is no child to wait for" },
	{ ENOTTY, "ioctl", "asks whether a file is a terminal (or another kind of device)" },
	{ EEXIST, "mkdir", "the directory is there already" },
	{ EEXIST, NULL, "it is there already" },
	{ ESPIPE, NULL, "a pipe or socket has no position" },
	{ EINVAL, "readlink", "asks whether a path is a link" },
	{ ENODATA, NULL, "asks for an extended attribute that is not set" },
	{ EOPNOTSUPP, NULL, "asks for what the object does not have" },
	{ ENOTCONN, NULL, "the socket is not connected" }, { EISCONN, NULL, "the socket is connected already" },
	{ EPIPE, NULL, "the reader has gone" }, { ECONNRESET, NULL, "the peer has gone" },
	{ ENOPROTOOPT, NULL, "asks for an option that the socket does not have" },
	{ ERANGE, NULL, "asks for the size of a buffer" }, { EBADF, NULL, "the descriptor is not open" },
	{ ENXIO, NULL, "there is no such device, or nobody at the other end" }, { ENOTEMPTY, NULL, "the directory is not empty" },
	{ ENOTDIR, NULL, "part of the path is no directory" }, { EISDIR, NULL, "it is a directory" },
	{ EXDEV, NULL, "source and target are on different mounts" }, { ELOOP, "open", "the path is a link that was not to be followed, or links lead in a circle" },
	{ ECANCELED, NULL, "the work was cancelled" }, { ENOMSG, NULL, "there is no message" },
	{ EFAULT, NULL, "an address of the program's that is not valid" }, { ESRCH, "futex", "the owner has gone" },
	{ ENOEXEC, "exec", "it is no program that the kernel knows (a shell tries it as a script)" },
	{ ENOENT, "unlink", "there is nothing to remove" }, { ENOENT, "rmdir", "there is nothing to remove" },
	{ EPERM, "epoll_ctl", "a file of this kind is always ready: it cannot be waited for" },
	{ ENOENT, "epoll_ctl", "the descriptor was not watched" }, { ENOENT, "bpf", "there is no such element" },
	{ ENODEV, "ioctl", "asks for what the device does not have" },
	{ EBUSY, NULL, "it is in use" },
};

static bool rule_ordinary(struct dn *c)
{
	const struct ph_failed *f = c->f;

	if (!ph_fail_recorded(f->call, f->error)) {
		c->v->ordinary = true;
		return dn_say(c, "ordinary", "%s", f->error == EINTR ? "a signal came meanwhile" :
			      f->error == EAGAIN ? "there was nothing yet, and it was not to wait" : "it goes on in the background");
	}
	/* read() of a directory, and the like, are errors of the program: nobody refused anything. */
	for (size_t i = 0; i < PH_ARRAY_SIZE(ordinary); i++) {
		const struct ordinary *o = &ordinary[i];

		if (f->error != o->error || (o->call && strncmp(f->name, o->call, strlen(o->call))))
			continue;
		if (o->error == EEXIST && f->call->kind != PH_FAIL_CREATE && f->call->kind != PH_FAIL_OPEN &&
		    strcmp(f->name, "epoll_ctl"))
			continue;
		c->v->ordinary = true;
		return dn_say(c, "ordinary", "%s", o->why);
	}
	if ((!strcmp(f->name, "access") || !strncmp(f->name, "faccessat", 9)) && !c->g->fatal) {
		c->v->ordinary = true;
		return dn_say(c, "ordinary", "asks whether it might, and takes no for an answer");
	}
	/* What goes beyond the limit for buffers (CAP_NET_ADMIN): whoever may not then asks for less. */
	if (dn_is(c, "setsockopt") && f->error == EPERM && f->arg[1] == SOL_SOCKET && !c->g->fatal &&
	    (f->arg[2] == SO_SNDBUFFORCE || f->arg[2] == SO_RCVBUFFORCE)) {
		c->v->ordinary = true;
		return dn_say(c, "ordinary", "asks for larger buffers than others may have");
	}
	/* prctl, setsockopt, fcntl …: probing for what this kernel can. */
	if (f->error == EINVAL && f->call->kind != PH_FAIL_NS && f->call->kind != PH_FAIL_RLIMIT) {
		c->v->ordinary = true;
		return dn_say(c, "invalid", "the arguments are not valid for this call here");
	}
	return false;
}

/* ---- the table -------------------------------------------------------------------------------------------- */

static bool rule_undetermined(struct dn *c)
{
	ph_autobuf err = { 0 };

	ph_symbol_add(&err, PH_UNIT_RET, -c->f->error);
	dn_say(c, "undetermined", c->f->full ? "no rule explains %s of %s()" : "the trace does not tell why %s came of %s()",
	       err.p ? err.p : "the error", c->f->name);
	if (!c->f->full)
		dn_change(c, "record with -e denied: this trace has the calls, but not what the kernel and the machine "
			  "knew of them");
	else if (c->walk[0].unseen)
		dn_change(c, "%s is on a file system that must not be asked (%s): look at it from inside",
			  c->walk[0].unseen->subject, c->walk[0].unseen->text);
	else if (c->f->user_ns_level && c->nwalks && c->f->error == EACCES && !dn_fact(c, "uid_map", NULL))
		dn_change(c, "the maps of its user namespace were gone before they could be read: record before it starts, or keep "
			  "the container running");
	else if (dn_fact(c, "gone", NULL))
		dn_change(c, "the container was gone before it could be looked at: record before it starts, or keep it "
			  "running");
	else if (!c->g->facts_ns)
		dn_change(c, "nothing was seen of it on the machine (too many failures at once, or no right to look: "
			  "CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH)");
	else
		dn_change(c, "'--facts' lists what was seen; the audit log and dmesg may tell more");
	return true;
}

/* In this order: what is certain by itself, what is no refusal, then by subject, the general last. */
static const dn_rule rules[] = {
	dn_rule_kill,
	rule_seccomp,
	rule_nosys,
	dn_rule_kind,
	dn_rule_ids,
	rule_ordinary,
	rule_audit,
	rule_setuid,
	dn_rule_unix,
	dn_rule_port,
	dn_rule_connect,
	dn_rule_fork,
	dn_rule_namespaces,
	dn_rule_inotify,
	dn_rule_memory,
	dn_rule_rlimit,
	dn_rule_target,
	dn_rule_path_missing,
	dn_rule_room,
	dn_rule_mount,
	rule_chroot,
	rule_proc,
	dn_rule_permission,
	dn_rule_device,
	dn_rule_owner,
	rule_capability,
	rule_any_capability,
	rule_lockdown,
	rule_lsm,
	rule_undetermined,
};

#define LOOKED_LATE_NS 200000000	/* ten times what it takes usually */

void ph_denied_judge(const struct ph_denied *d, struct ph_denied_group *g)
{
	struct dn c = { .d = d, .g = g, .f = &g->f, .v = &g->v };

	dn_walks(&c);
	for (size_t i = 0; i < PH_ARRAY_SIZE(rules); i++)
		if (rules[i](&c))
			break;
	if (g->looked_ns > g->facts_ns + LOOKED_LATE_NS) {
		char after[PH_HUMAN_MAX];

		dn_evidence(&c, "the machine was looked at only %s after the call: what had ended or changed by then is not seen",
			    ph_human_ns(g->looked_ns - g->facts_ns, after));
	}
}
