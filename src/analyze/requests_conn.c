/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections of servers. One is made by accept; who forks, copies its descriptors, and what is closed in one process may be
 * open in another: the connection ends with the last descriptor. What is read and written on it are requests and answers.
 */
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdlib.h>

#include "analyze/requests_priv.h"
#include "base/cleanup.h"

/* Descriptors that are remembered at once. */
#define HOLDS_MAX 262144

#define I32(event, field) ((int32_t)ph_event_i(ev, PH_FLD(event, field), -1))

enum conn_state { CONN_IDLE, CONN_ASKED, CONN_ANSWERED };

struct conn {
	struct ph_request whole, answer;
	unsigned int holds;
	enum conn_state state;
	bool accepted;			/* its begin was seen */
	bool lost;			/* there was no room for one of its descriptors: its end is not seen */
};

/* A descriptor of a process. */
struct hold {
	struct conn *conn;
	struct hold *next, *prev;	/* of the same process */
	int32_t pid, fd;
	bool cloexec;
};

/* ---- descriptors ------------------------------------------------------------------------------------- */

static struct hold *hold_get(const struct ph_requests *r, int32_t pid, int32_t fd)
{
	return fd < 0 || pid <= 0 ? NULL : ph_u64map_get(&r->holds, requests_fd_key(pid, fd));
}

static void answer_end(struct ph_requests *r, struct conn *c)
{
	if (c->state == CONN_ANSWERED)
		requests_add(r, &c->answer);
	else if (c->state == CONN_ASKED)
		r->nunfinished++;
	c->state = CONN_IDLE;
}

/* @ev: what closed it; NULL: that was not seen. */
static void conn_end(struct ph_requests *r, struct conn *c, const struct ph_event *ev)
{
	if (r->ask.kind == PH_REQUESTS_ANSWERS) {
		answer_end(r, c);
	} else if (c->accepted && ev && !c->lost) {
		c->whole.end_ns = ev->ts_ns;
		c->whole.end_tid = ev->tid;
		requests_add(r, &c->whole);
	} else if (c->accepted) {
		r->nunfinished++;
	}
	free(c);
}

static void hold_drop(struct ph_requests *r, struct hold *h, const struct ph_event *ev)
{
	ph_u64map_del(&r->holds, requests_fd_key(h->pid, h->fd));
	if (h->next)
		h->next->prev = h->prev;
	if (h->prev)
		h->prev->next = h->next;
	else if (h->next)
		ph_u64map_put(&r->procs, (uint32_t)h->pid, h->next);
	else
		ph_u64map_del(&r->procs, (uint32_t)h->pid);
	if (!--h->conn->holds)
		conn_end(r, h->conn, ev);
	free(h);
}

static void hold_add(struct ph_requests *r, int32_t pid, int32_t fd, struct conn *c, bool cloexec)
{
	struct hold *h = hold_get(r, pid, fd), *first;

	if (h && h->conn == c) {
		h->cloexec = cloexec;
		return;
	}
	/* That it was closed was not seen. */
	if (h)
		hold_drop(r, h, NULL);
	c->lost |= r->holds.n >= HOLDS_MAX;
	if (r->holds.n >= HOLDS_MAX)
		return;
	h = ph_alloc(sizeof(*h));
	*h = (struct hold){ .conn = c, .pid = pid, .fd = fd, .cloexec = cloexec };
	first = ph_u64map_get(&r->procs, (uint32_t)pid);
	h->next = first;
	if (first)
		first->prev = h;
	ph_u64map_put(&r->procs, (uint32_t)pid, h);
	ph_u64map_put(&r->holds, requests_fd_key(pid, fd), h);
	c->holds++;
}

static struct conn *conn_new(struct ph_requests *r, const struct ph_event *ev, int32_t fd, bool accepted, bool cloexec)
{
	struct conn *c = ph_alloc(sizeof(*c));

	c->whole = (struct ph_request){ .begin_ns = ev->ts_ns, .begin_tid = ev->tid, .pid = ev->pid, .container = ev->container };
	c->accepted = accepted;
	hold_add(r, ev->pid, fd, c, cloexec);
	if (c->holds)
		return c;
	r->nunfinished += accepted;
	free(c);
	return NULL;
}

/* All at once: to look for the next one in a map that gets emptier would take longer with each. */
static void drop_all(struct ph_requests *r)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&r->holds, s)); ) {
		struct hold *h = s->val;

		if (!--h->conn->holds)
			conn_end(r, h->conn, NULL);
		free(h);
	}
	ph_u64map_done(&r->holds);
	ph_u64map_done(&r->procs);
}

/* ---- calls ------------------------------------------------------------------------------------------- */

static void close_range_(struct ph_requests *r, const struct ph_event *ev, const struct requests_call *call)
{
	struct hold *next;

	for (struct hold *h = ph_u64map_get(&r->procs, (uint32_t)ev->pid); h; h = next) {
		next = h->next;
		if ((uint32_t)h->fd < (uint32_t)call->fd || (uint32_t)h->fd > (uint32_t)call->fd2)
			continue;
		if (call->flags & CLOSE_RANGE_CLOEXEC)
			h->cloexec = true;
		else
			hold_drop(r, h, ev);
	}
}

static void on_entry(struct ph_requests *r, const struct ph_event *ev, const struct requests_call *call)
{
	struct hold *h = hold_get(r, ev->pid, call->fd);

	if (call->op == REQ_OP_CLOSE_RANGE)
		close_range_(r, ev, call);
	else if (h && call->op == REQ_OP_CLOSE)
		hold_drop(r, h, ev);
}

static void on_read(struct ph_requests *r, struct conn *c, const struct ph_event *ev)
{
	if (c->state == CONN_ASKED)
		return;
	answer_end(r, c);
	c->state = CONN_ASKED;
	c->answer = (struct ph_request){ .begin_ns = ev->ts_ns, .begin_tid = ev->tid, .pid = ev->pid, .container = ev->container };
}

/* It is answered when the last of it was sent, not when who did so has a CPU again to return from the call. */
static void on_write(struct conn *c, const struct ph_event *ev, const struct requests_call *call)
{
	if (c->state == CONN_IDLE)
		return;
	c->state = CONN_ANSWERED;
	c->answer.end_ns = call->sent_ns ? call->sent_ns : ev->ts_ns;
	c->answer.end_tid = ev->tid;
}

static void on_return(struct ph_requests *r, const struct ph_event *ev, const struct requests_call *call)
{
	int64_t ret = calls_ret(r->calls, ev);
	struct hold *h;

	if (ret < 0 || ret > INT32_MAX)
		return;
	if (call->op == REQ_OP_ACCEPT) {
		if (requests_selected(r, ev))
			conn_new(r, ev, (int32_t)ret, true, call->flags & O_CLOEXEC);
		return;
	}
	h = hold_get(r, ev->pid, call->fd);
	if (call->op == REQ_OP_DUP && call->fd2 >= 0 && call->fd2 != call->fd) {
		/* The new one is closed first. */
		struct hold *old = hold_get(r, ev->pid, call->fd2);

		if (old && (!h || old->conn != h->conn))
			hold_drop(r, old, ev);
	}
	if (!h)
		return;
	switch (call->op) {
	case REQ_OP_DUP:
		hold_add(r, h->pid, (int32_t)ret, h->conn, call->flags & O_CLOEXEC);
		break;
	case REQ_OP_FCNTL:
		if (call->flags == F_DUPFD || call->flags == F_DUPFD_CLOEXEC)
			hold_add(r, h->pid, (int32_t)ret, h->conn, call->flags == F_DUPFD_CLOEXEC);
		else if (call->flags == F_SETFD)
			h->cloexec = call->fd2 & FD_CLOEXEC;
		break;
	case REQ_OP_READ:
		if (ret)
			on_read(r, h->conn, ev);
		break;
	case REQ_OP_WRITE:
		if (ret)
			on_write(h->conn, ev, call);
		break;
	}
}

/* A connection that was there before: a task waits for what it is asked, and its own port is the service's. */
static void on_block(struct ph_requests *r, const struct ph_event *ev)
{
	const struct requests_call *call = calls_of(r->calls, ev->tid);
	int32_t fd = I32(sched_block, fd);
	uint64_t sport = ph_event_u(ev, PH_FLD(sched_block, sport), 0), dport = ph_event_u(ev, PH_FLD(sched_block, dport), 0);

	if (!call || !call->open || call->op != REQ_OP_READ || fd < 0 || fd != call->fd || !sport || sport >= dport)
		return;
	if (!hold_get(r, ev->pid, fd) && requests_selected(r, ev))
		conn_new(r, ev, fd, false, false);
}

/* ---- processes --------------------------------------------------------------------------------------- */

static void on_fork(struct ph_requests *r, int32_t parent, int32_t child)
{
	if (parent <= 0 || child <= 0 || parent == child)
		return;
	for (struct hold *h = ph_u64map_get(&r->procs, (uint32_t)parent); h; h = h->next)
		hold_add(r, child, h->fd, h->conn, h->cloexec);
}

static void on_exec(struct ph_requests *r, const struct ph_event *ev)
{
	struct hold *next;

	for (struct hold *h = ph_u64map_get(&r->procs, (uint32_t)ev->pid); h; h = next) {
		next = h->next;
		if (h->cloexec)
			hold_drop(r, h, ev);
	}
}

static void on_process_end(struct ph_requests *r, const struct ph_event *ev)
{
	for (struct hold *h; (h = ph_u64map_get(&r->procs, (uint32_t)ev->pid)); )
		hold_drop(r, h, ev);
}

/* ---- the stream -------------------------------------------------------------------------------------- */

void conns_feed(struct ph_requests *r, const struct ph_event *ev)
{
	const struct requests_call *call;

	if (ev->cls->id == PH_EV_events_discarded)
		drop_all(r);
	if (ev->tid <= 0)
		return;
	calls_feed(r->calls, ev);
	if (ev->cls->id >= PH_EV_SYSCALL_ENTRY) {
		call = calls_of(r->calls, ev->tid);
		if (!call || call->op == REQ_OP_NONE || ev->pid <= 0)
			return;
		if (calls_is_entry(ev))
			on_entry(r, ev, call);
		else
			on_return(r, ev, call);
		return;
	}
	switch (ev->cls->id) {
	case PH_EV_sched_block:
		if (ph_class_like_ours(ev->cls))
			on_block(r, ev);
		break;
	case PH_EV_sched_process_fork:
		if (ph_class_like_ours(ev->cls))
			on_fork(r, I32(sched_process_fork, parent_pid), I32(sched_process_fork, child_pid));
		break;
	case PH_EV_sched_process_exec:
		on_exec(r, ev);
		break;
	case PH_EV_sched_process_exit:
		if (ph_identity_process_ended(r->id, ev))
			on_process_end(r, ev);
		break;
	}
}

void conns_finish(struct ph_requests *r)
{
	drop_all(r);
}

void conns_free(struct ph_requests *r)
{
	drop_all(r);
}
