/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SOURCE_SOURCE_H
#define PH_SOURCE_SOURCE_H

#include "base/err.h"
#include "event/schema.h"

/*
 * One ordered stream of events: the running kernel, a trace on disk, or a test's list.
 * Loss is part of it: a gap arrives as an events_discarded event of the CPU that lost.
 */
struct ph_source;

struct ph_source_ops {
	/*
	 * The next event in time order. 1: *ret is valid until the next call; 0: the end;
	 * -EAGAIN: a live source has none now (wait with poll_fd or a timer); else -errno.
	 * What was returned before an error stays good.
	 */
	int (*next)(struct ph_source *s, struct ph_event **ret, struct ph_err *err);
	/*
	 * Continue with the first event at or after @ts_ns (source clock). The identity model of
	 * whoever reads is not rewound: seek before reading, or feed the state dump again.
	 * NULL: cannot seek.
	 */
	int (*seek)(struct ph_source *s, uint64_t ts_ns, struct ph_err *err);
	/*
	 * Before the first event: call @fn with what is known of who is who at the beginning, out of the
	 * order of time; the same events come again in their place. NULL: nothing is.
	 */
	void (*prime)(struct ph_source *s, void (*fn)(void *arg, struct ph_event *ev), void *arg);
	void (*close)(struct ph_source *s);
};

struct ph_source {
	const struct ph_source_ops *ops;
	const char *what;		/* "trace /tmp/t", "live": for messages; owned by the source */
	int64_t offset_ns;		/* Unix time = event time + this */
	/* Source clock; 0: unknown. The end of what is recorded now is known when it has come. */
	uint64_t begin_ns, end_ns;
	const char *hostname;		/* of the machine that was recorded, NULL: unknown */
	const char *kernel_release;	/* of its kernel, as "6.18.44", likewise */
	bool live;
	bool whole;			/* everybody's events are in it, not those of selected containers only */
};

static inline int ph_source_next(struct ph_source *s, struct ph_event **ret, struct ph_err *err)
{
	return s->ops->next(s, ret, err);
}

static inline void ph_source_prime(struct ph_source *s, void (*fn)(void *arg, struct ph_event *ev), void *arg)
{
	if (s->ops->prime)
		s->ops->prime(s, fn, arg);
}

static inline void ph_source_close(struct ph_source *s)
{
	if (s)
		s->ops->close(s);
}

#endif
