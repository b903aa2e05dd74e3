/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_DENIED_H
#define PH_ANALYZE_DENIED_H

#include "analyze/report.h"
#include "base/map.h"
#include "event/failed.h"
#include "identity/select.h"

/*
 * Why did that call fail? From the stream alone: failures (syscall_failed), what the collector saw
 * on the machine about them (denial_evidence), kills. Equal failures are one group; each group gets
 * a verdict by a table of rules, the most specific first. A rule that lacks what it needs does not
 * guess: the verdict is then "undetermined", and says what would settle it.
 */

/* What was seen on the machine about a failure: a denial_evidence event, kept. */
struct ph_denied_fact {
	char *what, *subject, *facts, *text;
};

struct ph_denied_verdict {
	const char *cause;	/* stable name: "seccomp", "read-only-mount" …; NULL: not judged yet */
	bool ordinary;		/* part of how programs work: folded */
	struct ph_buf why;	/* a clause: "the mount /data is read-only (ro)" */
	struct ph_buf change;	/* what would change it; empty: nothing to be said */
	ph_strv evidence;	/* facts it rests on, one a line */
};

/* Equal failures. */
struct ph_denied_group {
	struct ph_failed f;	/* the first of them, or the one that was looked into */
	uint64_t count, first_ns, last_ns;
	bool fatal;		/* the process failed at once after one of them */
	bool sought;		/* it failed because it found nothing of this name anywhere (exit code 127) */
	bool elsewhere;		/* the same name was looked for in other directories, too */
	bool killed;		/* no call: the kernel killed the process */
	char *by;		/* seccomp-kill: the call, where it was told; owned, may be NULL */
	uint64_t rss_bytes;	/* oom-kill: anonymous memory of the victim, 0: not told */
	PH_VEC(struct ph_denied_fact) facts;
	uint64_t facts_ns;	/* time of the failure they are about, 0: none */
	uint64_t looked_ns;	/* when the last of them was found */
	uint32_t nlisted;	/* failures by which facts find it */
	struct ph_denied_verdict v;
};

struct ph_denied {
	const struct ph_identity *id;
	const struct ph_selection *sel;
	struct ph_u64map by_key;	/* hash -> group */
	struct ph_u64map by_call;	/* (time, thread) of a failure -> group */
	struct ph_u64map last;		/* process -> its last failures */
	struct ph_u64map calls;		/* thread -> the call it is in, where only entry and exit are told */
	struct ph_u64map refused;	/* thread -> name of the call that seccomp refused it last */
	PH_VEC(struct ph_denied_group *) groups;
	uint64_t failures, gaps;
	uint64_t dropped;		/* failures of more kinds than are kept */
	bool full;			/* there were syscall_failed events */
};

struct ph_denied *ph_denied_new(const struct ph_identity *id, const struct ph_selection *sel);
void ph_denied_free(struct ph_denied *d);
void ph_denied_feed(struct ph_denied *d, const struct ph_event *ev);
/* No more events: judge all groups; the ones that matter first, by time. */
void ph_denied_finish(struct ph_denied *d);

/* denied_path.c: a place where programs look for many things, mostly in vain. */
bool ph_denied_searched(const char *path);
/* denied_rules.c: the verdict of one group. */
void ph_denied_judge(const struct ph_denied *d, struct ph_denied_group *g);

struct ph_denied_view {
	struct ph_report_view base;
	bool all;		/* ordinary ones too */
	bool facts;		/* all that was seen, beside what the verdict rests on */
};
int ph_denied_check(const struct ph_denied_view *view, struct ph_err *err);
int ph_denied_report(struct ph_denied *d, const struct ph_denied_view *view, struct ph_buf *out,
		     struct ph_err *err);
void ph_denied_schema(struct ph_buf *out);
/* What was asked: open("/etc/shadow", O_WRONLY), connect(10.0.0.1:80). Escaped for a terminal. */
void ph_denied_call(const struct ph_denied_group *g, struct ph_buf *out);

#endif
