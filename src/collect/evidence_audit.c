/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel writes into its audit log about a refusal: AppArmor's, SELinux's, Landlock's, seccomp's kills. */
#include <ctype.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parse.h"
#include "collect/evidence.h"
#include "event/syscalls.h"

/* Newer than the headers of some distributions we build on. */
#define PH_AUDIT_LANDLOCK_ACCESS 1423

/* Records a round; those waiting for their failure, and failures for their record. */
#define READ_MAX 256
#define WAITING 32
#define TEXT_MAX 480
/* A record has the time of the last tick, a failure that of its end. */
#define NEAR_NS (100 * 1000000UL)
#define OLD_NS PH_NSEC

struct record {
	uint64_t ns;		/* on the stream's clock; 0: none, or told */
	int type, pid;		/* pid -1: it has none */
	char name[256];		/* of the file, "" none */
	char text[TEXT_MAX];
};

struct failure {
	struct ph_failed f;	/* no strings */
	char path[256];
	bool killed;
};

struct ph_audit {
	int fd;
	struct record rec[WAITING];
	struct failure fail[WAITING];
	unsigned int nrec, nfail;
};

/* Needs CAP_AUDIT_READ and the first network namespace; without them there is nothing to be heard. */
struct ph_audit *ph_audit_new(void)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = 1u << (AUDIT_NLGRP_READLOG - 1) };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_AUDIT);
	struct ph_audit *a;

	if (fd < 0)
		return NULL;
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		close(fd);
		return NULL;
	}
	a = ph_alloc(sizeof(*a));
	a->fd = fd;
	return a;
}

void ph_audit_free(struct ph_audit *a)
{
	if (!a)
		return;
	close(a->fd);
	free(a);
}

/* The value behind " @key=", or NULL. */
static const char *value_of(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *p = text; (p = strstr(p, key)); p += n)
		if (p > text && p[-1] == ' ' && p[n] == '=')
			return p + n + 1;
	return NULL;
}

/* A name as audit writes it: quoted, or in hexadecimal where it has odd characters. */
static void copy_name(const char *v, char *to, size_t size)
{
	size_t n = 0;

	if (*v == '"') {
		for (v++; *v && *v != '"' && n + 1 < size; v++)
			to[n++] = *v;
	} else {
		unsigned int c;

		for (; isxdigit((unsigned char)v[0]) && isxdigit((unsigned char)v[1]) && n + 1 < size; v += 2) {
			sscanf(v, "%2x", &c);
			to[n++] = (char)c;
		}
	}
	to[n] = 0;
}

/* "audit(1700000000.123:45): …" into @r; false: none of those that are asked for. */
static bool parse(struct record *r, int type, const char *text)
{
	long sec, ms;
	struct timespec real;
	const char *v, *body;

	if (sscanf(text, "audit(%ld.%ld:", &sec, &ms) != 2 || !(body = strstr(text, "): ")))
		return false;
	/* Complain mode, and SELinux's permissive one, refuse nothing. */
	if (type == AUDIT_AVC && !strstr(body, "apparmor=\"DENIED\"") &&
	    (!strstr(body, " denied ") || strstr(body, " permissive=1")))
		return false;
	clock_gettime(CLOCK_REALTIME, &real);
	*r = (struct record){ .type = type, .pid = -1 };
	r->ns = ph_now_ns() - (uint64_t)((real.tv_sec - sec) * (long)PH_NSEC + real.tv_nsec - ms * 1000000);
	snprintf(r->text, sizeof(r->text), "%s", body + 3);
	if ((v = value_of(body, "pid")))
		r->pid = atoi(v);
	if ((v = value_of(body, "name")) || (v = value_of(body, "path")))
		copy_name(v, r->name, sizeof(r->name));
	return true;
}

static void read_records(struct ph_audit *a)
{
	union { struct nlmsghdr h; char b[9000]; } m;

	for (int i = 0; i < READ_MAX; i++) {
		struct sockaddr_nl from;
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(a->fd, &m, sizeof(m) - 1, 0, (struct sockaddr *)&from, &len);

		if (n < 0 && errno == ENOBUFS)
			continue;
		if (n < 0)
			return;
		/* Of the kernel alone. Its length is of the text on some versions, of the whole on others. */
		if (n <= NLMSG_HDRLEN || from.nl_pid)
			continue;
		m.b[n] = 0;
		if (m.h.nlmsg_type != AUDIT_AVC && m.h.nlmsg_type != AUDIT_SECCOMP && m.h.nlmsg_type != PH_AUDIT_LANDLOCK_ACCESS)
			continue;
		if (parse(&a->rec[a->nrec % WAITING], m.h.nlmsg_type, m.b + NLMSG_HDRLEN))
			a->nrec++;
	}
}

static uint64_t apart(const struct record *r, const struct failure *x)
{
	return r->ns > x->f.ts_ns ? r->ns - x->f.ts_ns : x->f.ts_ns - r->ns;
}

static bool matches(const struct record *r, const struct failure *x)
{
	if (!r->ns || !x->f.ts_ns || apart(r, x) > NEAR_NS || (r->type == AUDIT_SECCOMP) != x->killed)
		return false;
	if (x->killed)
		return r->pid == x->f.tid || r->pid == x->f.pid;
	/* Landlock's have no number: the whole path has to do. */
	if (r->pid < 0)
		return r->name[0] && x->f.error == EACCES && !strcmp(r->name, x->path);
	if (r->pid != x->f.pid && r->pid != x->f.tid)
		return false;
	return !r->name[0] || !x->path[0] || !strcmp(ph_basename(r->name), ph_basename(x->path));
}

static struct record *nearest(struct ph_audit *a, const struct failure *x)
{
	struct record *best = NULL;

	for (unsigned int k = 0; k < WAITING; k++) {
		struct record *r = &a->rec[k];

		if (matches(r, x) && (!best || apart(r, x) < apart(best, x)))
			best = r;
	}
	return best;
}

static const char *module_of(const struct record *r)
{
	return r->type == AUDIT_SECCOMP ? "seccomp" : r->type == PH_AUDIT_LANDLOCK_ACCESS ? "landlock" :
	       strstr(r->text, "apparmor=") ? "apparmor" : "selinux";
}

static struct failure *wait_for(struct ph_audit *a, const struct ph_failed *f)
{
	struct failure *x = &a->fail[a->nfail++ % WAITING];

	*x = (struct failure){ .f = { .ts_ns = f->ts_ns, .tid = f->tid, .pid = f->pid, .container = f->container,
				      .error = f->error } };
	return x;
}

void ph_audit_failed(struct ph_audit *a, const struct ph_failed *f)
{
	ph_autofree char *path = NULL;
	struct failure *x;

	if (!a || f->refused || (f->error != EACCES && f->error != EPERM))
		return;
	x = wait_for(a, f);
	path = f->call->path ? ph_failed_path(f) : NULL;
	snprintf(x->path, sizeof(x->path), "%s", path ? path : f->path);
}

void ph_audit_killed(struct ph_audit *a, const struct ph_event *ev)
{
	struct ph_failed f = { .ts_ns = ev->ts_ns, .tid = ev->tid, .pid = ev->pid, .container = ev->container };

	if (a)
		wait_for(a, &f)->killed = true;
}

/* Which call the filter did not let through: the number is of this machine. */
static void tell_call(struct ev_look *l, const struct record *r)
{
	const char *nr = value_of(r->text, "syscall"), *arch = value_of(r->text, "arch");
	const struct ph_syscall *s;

	if (!nr || !arch)
		return;
	s = ph_syscall_by_nr(atoi(nr), !(strtoul(arch, NULL, 16) & __AUDIT_ARCH_64BIT));
	if (s)
		ph_fact(l, "audit_call", s->name, "", "nr=%d", atoi(nr));
}

int ph_audit_tell(struct ph_audit *a, struct ev_look *l)
{
	uint64_t now = ph_now_ns();

	if (!a)
		return 0;
	read_records(a);
	for (unsigned int i = 0; i < WAITING && l->r >= 0; i++) {
		struct failure *x = &a->fail[i];
		struct record *r = nearest(a, x);
		const char *code = r ? value_of(r->text, "code") : NULL;

		if (r) {
			l->f = &x->f;
			ph_fact(l, "audit", module_of(r), r->text, "type=%d code=%lld", r->type, code ? strtoll(code, NULL, 0) : -1);
			if (r->type == AUDIT_SECCOMP)
				tell_call(l, r);
		}
		if (r || now > x->f.ts_ns + OLD_NS)
			x->f.ts_ns = 0;
		if (r)
			r->ns = 0;
	}
	return l->r;
}
