/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls about descriptors: an exit tells the result alone, so of each task the call that it is in is remembered. */
#include <stdlib.h>
#include <string.h>

#include "analyze/requests_priv.h"
#include "base/cleanup.h"

/* Where a trace's class has what is looked at: -1 it has not. */
struct class {
	const struct ph_class *cls;
	int16_t ret, fd, fd2, flags;
	uint8_t op;
};

struct requests_calls {
	struct class *classes;		/* by the class's id */
	struct ph_u64map tasks;		/* tid -> struct requests_call */
};

static const struct { const char *call; enum requests_op op; const char *fd, *fd2, *flags; } calls[] = {
	{ "accept", REQ_OP_ACCEPT, NULL, NULL, NULL }, { "accept4", REQ_OP_ACCEPT, NULL, NULL, "flags" },
	{ "open", REQ_OP_OPEN, NULL, NULL, NULL }, { "openat", REQ_OP_OPEN, NULL, NULL, NULL },
	{ "openat2", REQ_OP_OPEN, NULL, NULL, NULL }, { "creat", REQ_OP_OPEN, NULL, NULL, NULL },
	{ "socket", REQ_OP_OPEN, NULL, NULL, NULL },
	{ "dup", REQ_OP_DUP, "fildes", NULL, NULL }, { "dup2", REQ_OP_DUP, "oldfd", "newfd", NULL },
	{ "dup3", REQ_OP_DUP, "oldfd", "newfd", "flags" },
	{ "fcntl", REQ_OP_FCNTL, "fd", "arg", "cmd" }, { "fcntl64", REQ_OP_FCNTL, "fd", "arg", "cmd" },
	{ "close", REQ_OP_CLOSE, "fd", NULL, NULL }, { "close_range", REQ_OP_CLOSE_RANGE, "fd", "max_fd", "flags" },
	{ "read", REQ_OP_READ, "fd", NULL, NULL }, { "readv", REQ_OP_READ, "fd", NULL, NULL },
	{ "recvfrom", REQ_OP_READ, "fd", NULL, NULL }, { "recvmsg", REQ_OP_READ, "fd", NULL, NULL },
	{ "recvmmsg", REQ_OP_READ, "fd", NULL, NULL }, { "recv", REQ_OP_READ, "fd", NULL, NULL },
	{ "write", REQ_OP_WRITE, "fd", NULL, NULL }, { "writev", REQ_OP_WRITE, "fd", NULL, NULL },
	{ "sendto", REQ_OP_WRITE, "fd", NULL, NULL }, { "sendmsg", REQ_OP_WRITE, "fd", NULL, NULL },
	{ "sendmmsg", REQ_OP_WRITE, "fd", NULL, NULL }, { "send", REQ_OP_WRITE, "fd", NULL, NULL },
	{ "sendfile64", REQ_OP_WRITE, "out_fd", NULL, NULL }, { "sendfile", REQ_OP_WRITE, "out_fd", NULL, NULL },
	{ "splice", REQ_OP_WRITE, "fd_out", NULL, NULL },
};

static bool is_int(const struct ph_type *t)
{
	return t->kind == PH_KIND_INT || t->kind == PH_KIND_UINT;
}

static int16_t field(const struct ph_class *cls, const char *name)
{
	for (uint32_t i = 0; name && i < cls->nfields; i++)
		if (is_int(cls->fields[i].type) && !strcmp(cls->fields[i].name, name))
			return (int16_t)i;
	return -1;
}

/* "read" of compat_syscall_exit_read; NULL: the class is of no call. */
static const char *call_name(const struct ph_class *cls)
{
	static const char *const before[] = { "syscall_entry_", "syscall_exit_", "compat_syscall_entry_", "compat_syscall_exit_" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(before); i++)
		if (!strncmp(cls->name, before[i], strlen(before[i])))
			return cls->name + strlen(before[i]);
	return NULL;
}

static const struct class *class_of(struct requests_calls *k, const struct ph_class *cls)
{
	struct class *c;
	const char *name;

	if (ph_unlikely(!k->classes))
		k->classes = ph_alloc(PH_EV_ID_MAX * sizeof(*k->classes));
	c = &k->classes[cls->id];
	if (ph_likely(c->cls == cls))
		return c;
	*c = (struct class){ .cls = cls, .ret = field(cls, "ret"), .fd = -1, .fd2 = -1, .flags = -1 };
	for (uint32_t i = cls->nfields; i-- > 0; )
		if (is_int(cls->fields[i].type) && cls->fields[i].unit == PH_UNIT_FD)
			c->fd = (int16_t)i;
	name = call_name(cls);
	for (size_t i = 0; name && i < PH_ARRAY_SIZE(calls); i++) {
		if (strcmp(name, calls[i].call) != 0)
			continue;
		c->op = calls[i].op;
		if (calls[i].fd)
			c->fd = field(cls, calls[i].fd);
		c->fd2 = field(cls, calls[i].fd2);
		c->flags = field(cls, calls[i].flags);
	}
	return c;
}

struct requests_calls *calls_new(void)
{
	return ph_alloc(sizeof(struct requests_calls));
}

void calls_free(struct requests_calls *k)
{
	if (!k)
		return;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&k->tasks, s)); )
		free(s->val);
	ph_u64map_done(&k->tasks);
	free(k->classes);
	free(k);
}

bool calls_is_entry(const struct ph_event *ev)
{
	uint32_t id = ev->cls->id;

	return (id >= PH_EV_SYSCALL_ENTRY && id < PH_EV_SYSCALL_EXIT) || (id >= PH_EV_COMPAT_ENTRY && id < PH_EV_COMPAT_EXIT);
}

bool calls_is_exit(const struct ph_event *ev)
{
	return ev->cls->id >= PH_EV_SYSCALL_ENTRY && !calls_is_entry(ev);
}

const struct requests_call *calls_of(const struct requests_calls *k, int32_t tid)
{
	return ph_u64map_get(&k->tasks, (uint32_t)tid);
}

static int32_t number(const struct ph_event *ev, int16_t at)
{
	return at < 0 ? -1 : (int32_t)ev->v[at].i;
}

static struct requests_call *call_get(struct requests_calls *k, int32_t tid, bool wanted)
{
	struct requests_call *call = ph_u64map_get(&k->tasks, (uint32_t)tid);

	if (!call && wanted) {
		call = ph_alloc(sizeof(*call));
		ph_u64map_put(&k->tasks, (uint32_t)tid, call);
	}
	return call;
}

static void entered(struct requests_calls *k, const struct ph_event *ev)
{
	const struct class *c = class_of(k, ev->cls);
	struct requests_call *call = call_get(k, ev->tid, c->op != REQ_OP_NONE || c->fd >= 0);

	if (call)
		*call = (struct requests_call){
			.op = c->op, .open = true, .fd = number(ev, c->fd), .fd2 = number(ev, c->fd2),
			.flags = c->flags < 0 ? 0 : (uint32_t)ev->v[c->flags].u,
		};
}

static void returned(struct requests_calls *k, const struct ph_event *ev)
{
	enum requests_op op = class_of(k, ev->cls)->op;
	struct requests_call *call = call_get(k, ev->tid, op != REQ_OP_NONE);

	if (!call)
		return;
	/* It was entered before the stream began. */
	if (!call->open || call->op != op)
		*call = (struct requests_call){ .op = op, .fd = -1, .fd2 = -1 };
	call->open = false;
}

void calls_feed(struct requests_calls *k, const struct ph_event *ev)
{
	struct requests_call *call;

	if (ev->tid <= 0)
		return;
	if (calls_is_entry(ev)) {
		entered(k, ev);
	} else if (calls_is_exit(ev)) {
		returned(k, ev);
	} else if (ev->cls->id == PH_EV_sched_process_exit) {
		free(ph_u64map_del(&k->tasks, (uint32_t)ev->tid));
	} else if (ev->cls->id == PH_EV_net_dev_queue || ev->cls->id == PH_EV_sched_waking) {
		call = ph_u64map_get(&k->tasks, (uint32_t)ev->tid);
		if (call && call->open)
			call->sent_ns = ev->ts_ns;
	}
}

int64_t calls_ret(struct requests_calls *k, const struct ph_event *ev)
{
	const struct class *c = class_of(k, ev->cls);

	return calls_is_exit(ev) && c->ret >= 0 ? ev->v[c->ret].i : -1;
}

int32_t calls_fd(struct requests_calls *k, const struct ph_event *ev)
{
	const struct class *c = class_of(k, ev->cls);
	const struct requests_call *call;
	int64_t ret;

	if (!calls_is_exit(ev))
		return number(ev, c->fd);
	if (c->op == REQ_OP_OPEN || c->op == REQ_OP_ACCEPT) {
		ret = calls_ret(k, ev);
		return ret >= 0 && ret <= INT32_MAX ? (int32_t)ret : -1;
	}
	call = calls_of(k, ev->tid);
	return call ? call->fd : -1;
}
