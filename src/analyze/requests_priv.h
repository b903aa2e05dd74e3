/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_REQUESTS_PRIV_H
#define PH_ANALYZE_REQUESTS_PRIV_H

/* The insides of requests*.c. */

#include "analyze/requests.h"

/* requests.c */
void requests_add(struct ph_requests *r, const struct ph_request *q);
bool requests_selected(const struct ph_requests *r, const struct ph_event *ev);

/* requests_calls.c: the system calls that make, use and end descriptors. */
enum requests_op {
	REQ_OP_NONE, REQ_OP_OPEN, REQ_OP_ACCEPT, REQ_OP_DUP, REQ_OP_FCNTL, REQ_OP_CLOSE, REQ_OP_CLOSE_RANGE, REQ_OP_READ,
	REQ_OP_WRITE,
};

/* A call as it was entered; what it does not have is -1 or 0. */
struct requests_call {
	uint8_t op;			/* enum requests_op */
	bool open;			/* it has not returned */
	int32_t fd, fd2;		/* the one that it is about; DUP: the new one, CLOSE_RANGE: the last, FCNTL: the argument */
	uint32_t flags;			/* FCNTL: the command */
	uint64_t sent_ns;		/* the last packet sent, or task woken, in it */
};

struct requests_calls *calls_new(void);
void calls_free(struct requests_calls *k);
void calls_feed(struct requests_calls *k, const struct ph_event *ev);
bool calls_is_entry(const struct ph_event *ev);
bool calls_is_exit(const struct ph_event *ev);
/* The last one that @tid entered; NULL: it is not known. */
const struct requests_call *calls_of(const struct requests_calls *k, int32_t tid);
/* What a call that ends returns; of other events -1. */
int64_t calls_ret(struct requests_calls *k, const struct ph_event *ev);
/* The descriptor that an event is about, -1: it has none. After calls_feed(). */
int32_t calls_fd(struct requests_calls *k, const struct ph_event *ev);

/* requests_conn.c: connections of servers, by who has a descriptor for them. */
void conns_feed(struct ph_requests *r, const struct ph_event *ev);
void conns_finish(struct ph_requests *r);
void conns_free(struct ph_requests *r);

static inline uint64_t requests_fd_key(int32_t pid, int32_t fd)
{
	return (uint64_t)(uint32_t)pid << 32 | (uint32_t)fd;
}

#endif
