/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_REQUESTS_H
#define PH_ANALYZE_REQUESTS_H

#include "base/err.h"
#include "base/map.h"
#include "base/vec.h"
#include "filter/filter.h"
#include "identity/select.h"

/*
 * Requests: from an event that begins one to the event that ends it. They are kept on disk; memory is for those that
 * are open.
 *
 *	ph_requests_new(&r, id, &(struct ph_requests_ask){ .kind = PH_REQUESTS_ANSWERS, .sel = sel }, &err);
 *	for each event, after ph_identity_feed(): ph_requests_feed(r, ev);
 *	ph_requests_finish(r, &err);
 *	p99 = ph_requests_quantile(r, 0.99);
 *	for (i = 0; i < r->n; i++) ph_requests_get(r, i, &one);
 */
enum ph_requests_kind {
	PH_REQUESTS_FILTERS,		/* what passes `from` begins one, what passes `to` ends one */
	PH_REQUESTS_CONNECTIONS,	/* a server's: accepted, until no process has its descriptor any more */
	PH_REQUESTS_ANSWERS,		/* on such a connection: read, until the last write before more is read */
};

/* Which end belongs to which begin: the innermost one that is open of the same task, or of the same descriptor. */
enum ph_requests_by { PH_REQUESTS_BY_TASK, PH_REQUESTS_BY_FD };

struct ph_request {
	uint64_t begin_ns, end_ns;
	int32_t begin_tid, end_tid;	/* who did what began and ended it */
	int32_t pid;			/* of who began it */
	uint32_t container;		/* likewise */
};

struct ph_requests_ask {
	enum ph_requests_kind kind;
	struct ph_filter *from, *to;	/* FILTERS: both */
	enum ph_requests_by by;		/* FILTERS */
	const struct ph_selection *sel;	/* of who begins one; NULL: everybody */
	uint64_t from_ns, to_ns;	/* source clock: those that lie within; to_ns 0: to the end */
};

struct ph_requests {
	/* Results. */
	uint64_t n;			/* complete ones */
	uint64_t nunfinished;		/* begun, and their end not seen: at the end of the stream, of a task, before a gap */
	uint64_t nstray;		/* ends of what was not seen to begin */
	uint64_t nnofd;			/* BY_FD: events that have no descriptor, which begin and end nothing */
	uint64_t max_ns;		/* the longest */
	/* Inside. */
	struct ph_requests_ask ask;
	const struct ph_identity *id;
	struct ph_spill *spill;
	struct requests_calls *calls;
	struct ph_u64map open;		/* FILTERS: begins by task or descriptor */
	struct ph_u64map holds, procs;	/* connections: by process and descriptor; the first of a process */
};

/* As --from and --to take it: a filter, or an event's name alone, which may be a glob. */
int ph_requests_filter(const char *text, const struct ph_filter_names *names, struct ph_filter **ret, struct ph_err *err);

/* The filters, the selection and @id stay the caller's. */
int ph_requests_new(struct ph_requests **ret, const struct ph_identity *id, const struct ph_requests_ask *ask,
		    struct ph_err *err);
void ph_requests_free(struct ph_requests *r);
/* For every event of the stream, after ph_identity_feed(). */
void ph_requests_feed(struct ph_requests *r, const struct ph_event *ev);
/* The stream ended. 0, or why the disk could not keep them all. */
int ph_requests_finish(struct ph_requests *r, struct ph_err *err);

/* Request @i of r->n, in about the order of their ends. */
int ph_requests_get(const struct ph_requests *r, uint64_t i, struct ph_request *ret);
/* Of all durations in order that at @rank, from 0. */
uint64_t ph_requests_ranked(const struct ph_requests *r, uint64_t rank);
/* How long the share @q (0 … 1) of all took at most: the least such duration, exactly. 0 where there are none. */
uint64_t ph_requests_quantile(const struct ph_requests *r, double q);
/* Each that took @min_ns to @max_ns, in order. */
void ph_requests_each(const struct ph_requests *r, uint64_t min_ns, uint64_t max_ns,
		      void (*fn)(void *arg, const struct ph_request *q), void *arg);

#endif
