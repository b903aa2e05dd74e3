/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_PRIV_H
#define PH_SYMBOL_PRIV_H

#include <sys/types.h>

#include "base/map.h"
#include "symbol/proto.h"
#include "symbol/symbol.h"

/* The parent's side. */

struct ph_symentry {
	size_t n;
	struct ph_symname names[];	/* behind them their strings */
};

struct ph_symparent_file {
	uint32_t id;
	enum ph_symfile_kind kind;
	uint64_t owner;
	int fd, root;
	int debug_fd[PH_SYMDEBUG_N];	/* -1: none */
	struct ph_symsearch {
		uint32_t which;		/* debug file that is looked for */
		unsigned int next;	/* candidate */
		int fd;			/* that the child looks at, -1: none */
		char *path;
		char *link, *alt_link;
		char alt_id[2 * PH_BUILD_ID_MAX + 1];
	} search;
	char alt_id[2 * PH_BUILD_ID_MAX + 1];		/* of the one that shares debug information */
	unsigned int generation;	/* of the child that knows it */
	enum ph_symlevel level;
	bool slow;			/* it was in the way of others */
	bool ready;			/* what it is was found out, well or badly */
	struct ph_symfile info;
	struct ph_u64map names;		/* address → struct ph_symentry, or &ph_sympending */
	PH_VEC(uint64_t) asked;		/* to be sent */
	bool asking;			/* it is in ph_symchild.asking */
};

/* A request, from its being made to its answer. */
struct ph_symjob {
	struct ph_symjob *next;
	uint32_t number;
	enum ph_symmsg_type type;
	struct ph_symparent_file *file;	/* NULL: it was dropped */
	uint32_t id;
	enum ph_symlevel level;
	bool again;			/* tells a new child what the former one knew */
	bool sent;
	bool forgiven;			/* a child died at it */
	int fd;				/* goes with it; the file's */
	struct ph_buf request, answer;
	struct ph_symwait *wait;	/* somebody does */
};

/* Where the answer goes that somebody waits for. */
struct ph_symwait {
	bool done;
	int error;
	struct ph_err err;
	struct ph_buf answer;
};

/* To be taken apart; it stays the wait's. */
static inline struct ph_bytes ph_symwait_answer(const struct ph_symwait *w)
{
	return (struct ph_bytes){ (uint8_t *)w->answer.p, (uint8_t *)w->answer.p + w->answer.len, false };
}

/* What is known, to be told at the next poll. */
struct ph_symready {
	uint32_t file;
	uint64_t vaddr;
};

/* For how long a process could have run and did not, as far as it was looked at. */
struct ph_starved {
	pid_t pid;
	bool runnable;
	uint64_t ran, waited, times;	/* as the kernel counts it: what it waits is in there when it has run again */
	uint64_t going_on, at_ns;
};

/* A process of child.c's, and what is asked of it. */
struct ph_symlink {
	pid_t pid;
	int sock;			/* -1: it is not there */
	bool hello;
	unsigned int generation;	/* of all that were started */
	unsigned int starts_failed;
	struct ph_symjob *jobs, **tail;
	unsigned int nsent;
	uint64_t since_ns;		/* the request that is answered next is worked on, or cannot be sent */
	struct ph_starved starved;
	uint64_t retry_ns;		/* when that is tried again, as no answer will come to tell that there is room; 0: it is not so */
};

/* Everybody's; and one for files that take long, so that nobody else waits for them. It is started when there are such. */
enum { PH_SYMLINK_ALL, PH_SYMLINK_SLOW, PH_SYMLINKS };

struct ph_symchild {
	struct ph_symchild_options o;
	struct ph_symchild_ops ops;
	char *program;
	int epoll, timer;

	/* link.c */
	struct ph_symlink links[PH_SYMLINKS];
	unsigned int generation, deaths;
	struct ph_err broken;		/* none can be started: nothing is tried any more */
	uint32_t last_number;
	uint64_t timer_ns;		/* when the timer is set to; 0: not */
	struct ph_u64map strikes;	/* owner → how often a child died of its files */
	struct ph_u64map slow;		/* owners of whose files one was in the way of others */
	char *packet;

	struct ph_u64map files;
	PH_VEC(uint32_t) asking;
	PH_VEC(struct ph_symready) told;
};

/* link.c: requests about a file travel in the order in which they are made. */
void ph_symlink_init(struct ph_symchild *c);
int ph_symlink_start(struct ph_symchild *c, struct ph_symlink *l, struct ph_err *err);
/* Where the file's requests go. */
const struct ph_symlink *ph_symlink_of(const struct ph_symchild *c, const struct ph_symparent_file *f);
/* How much more it is than when it was looked at last; of one that is looked at first, all. 0: the kernel does not count it. */
uint64_t ph_starved_more(struct ph_starved *s, pid_t pid);
bool ph_symlink_idle(const struct ph_symchild *c);
struct ph_symjob *ph_symlink_ask(struct ph_symchild *c, struct ph_symparent_file *f, enum ph_symmsg_type type);
/* Send, receive and complete what can be without waiting; then until the timer is due or the socket has something. */
void ph_symlink_pump(struct ph_symchild *c);
void ph_symlink_wait(struct ph_symchild *c, int timeout_ms);
/* Nothing of a file is answered any more. */
void ph_symlink_forget(struct ph_symchild *c, struct ph_symparent_file *f);

/* The child need not keep it. */
void ph_symlink_drop(struct ph_symchild *c, struct ph_symparent_file *f);
void ph_symlink_done(struct ph_symchild *c);

/* interp.c: of the answer to PH_SYMMSG_ADD; false: it makes no sense. */
bool ph_take_interp(struct ph_symfile *info, struct ph_bytes *in);

/* debugfile.c: the file's debug files are looked for, one candidate after the other; its fd is the answer's. */
bool ph_symsearch_wants(struct ph_symparent_file *f, struct ph_bytes *in);
/* The next candidate is asked about. False: there are none any more. */
bool ph_symsearch_next(struct ph_symchild *c, struct ph_symparent_file *f);
void ph_symsearch_answered(struct ph_symparent_file *f, struct ph_symjob *j, int error);
void ph_symsearch_done(struct ph_symparent_file *f);
/* The request about the debug file that is open as debug_fd[which], or search.fd. */
void ph_symjob_debug(struct ph_symjob *j, const struct ph_symparent_file *f, uint32_t which);

/* symbol.c: a request was answered, or failed. */
void ph_symchild_answered(struct ph_symchild *c, struct ph_symjob *j, int error, const struct ph_err *why);
/* Waiting: every request is answered in bounded time, so it ends. Until it is known what the file is; until @j is answered, into @w. */
int ph_symchild_until_ready(struct ph_symchild *c, uint32_t file, struct ph_symparent_file **ret, struct ph_err *err);
int ph_symchild_until_answered(struct ph_symchild *c, struct ph_symjob *j, struct ph_symwait *w, struct ph_err *err);
/* What is asked of files and not under way is made requests of. */
void ph_symchild_make_jobs(struct ph_symchild *c);

#endif
