/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_DENIED_PRIV_H
#define PH_ANALYZE_DENIED_PRIV_H

#include "analyze/denied.h"

/* Among denied_*.c: what a rule sees. */

/* A component of a path as the container has it. */
struct dn_file {
	const struct ph_denied_fact *fact;
	const char *path, *acl;		/* NULL: none */
	unsigned int mode, uid, gid;
	int mnt;
	bool dir, link;
};

#define DN_DEPTH 80
/* One path that was looked at, of which a call may have two. */
struct dn_walk {
	const char *path;
	struct dn_file file[DN_DEPTH];
	unsigned int n;
	bool known;		/* it was walked to its end, or to what is missing */
	int error;		/* what the walk met: 0 the file is there */
	const char *missing;	/* the first component that is not there */
	const struct ph_denied_fact *mount, *room, *host, *unseen;
};

struct dn {
	const struct ph_denied *d;
	const struct ph_denied_group *g;
	const struct ph_failed *f;
	struct ph_denied_verdict *v;
	struct dn_walk walk[2];
	unsigned int nwalks;
};

/* A rule: true when it has decided. */
typedef bool (*dn_rule)(struct dn *c);

/* The first fact of this kind (and subject, if not NULL), and a number of it. */
const struct ph_denied_fact *dn_fact(const struct dn *c, const char *what, const char *subject);
bool dn_number(const struct ph_denied_fact *f, const char *name, long long *ret);
long long dn_num(const struct ph_denied_fact *f, const char *name, long long otherwise);

bool dn_say(struct dn *c, const char *cause, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void dn_change(struct dn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void dn_evidence(struct dn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void dn_walks(struct dn *c);

static inline bool dn_is(const struct dn *c, const char *name)
{
	return !strcmp(c->f->name, name);
}

static inline bool dn_refused(const struct dn *c)
{
	return c->f->error == 1 /* EPERM */ || c->f->error == 13 /* EACCES */;
}

/* "CAP_SYS_ADMIN" */
const char *dn_cap_name(unsigned int cap, char *buf, size_t size);
/* Says that capability @cap is missing, and where, unless the task had it. @what needs it. */
bool dn_capability(struct dn *c, unsigned int cap, const char *what);
bool dn_has_cap(const struct dn *c, unsigned int cap);

/* denied_path.c */
bool dn_rule_path_missing(struct dn *c);
bool dn_rule_kind(struct dn *c);
bool dn_rule_mount(struct dn *c);
bool dn_rule_room(struct dn *c);
/* Does it end on one? */
bool dn_is_device(const struct dn_walk *w);
/* denied_rights.c */
bool dn_rule_permission(struct dn *c);
bool dn_rule_owner(struct dn *c);
bool dn_rule_ids(struct dn *c);
bool dn_rule_device(struct dn *c);
/* denied_limits.c */
bool dn_rule_kill(struct dn *c);
bool dn_rule_fork(struct dn *c);
bool dn_rule_namespaces(struct dn *c);
bool dn_rule_inotify(struct dn *c);
bool dn_rule_memory(struct dn *c);
bool dn_rule_rlimit(struct dn *c);
/* denied_net.c */
bool dn_rule_port(struct dn *c);
bool dn_rule_connect(struct dn *c);
bool dn_rule_unix(struct dn *c);
bool dn_rule_target(struct dn *c);

#endif
