/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's values, as in event/symbols.c: not <fcntl.h>. */
#include <linux/fcntl.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "event/symbols.h"
#include "live/calls_priv.h"
#include "view/print.h"

/* What the events of a call tell of it, argument by argument. */

struct ph_calls *ph_calls_new(const struct ph_snoop_opts *o)
{
	bool table = o->fmt.output != PH_OUT_COLUMNS || o->fmt.fields.n || o->fmt.sort || o->hist;
	struct ph_calls *c = ph_alloc(sizeof(*c));

	c->o = o;
	c->no_args = (o->calls.only_summary || o->hist) && !o->filter && !(o->by && !strcmp(o->by, "args"));
	if (o->calls.summary || o->calls.only_summary)
		c->summary = ph_call_summary_new();
	if (!table && !o->calls.only_summary) {
		c->lines = ph_alloc(sizeof(*c->lines));
		*c->lines = (struct ph_call_lines){
			.o = o, .shown_sec = INT64_MIN,
			.in_order = !o->filter && !o->has_min && !o->calls.succeeded && !o->calls.failed,
			.tasks = !o->filter && !o->min_ns,
		};
	}
	return c;
}

void ph_calls_free(struct ph_calls *c)
{
	if (!c)
		return;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&c->classes, s)); )
		call_class_free(s->val);
	ph_u64map_done(&c->classes);
	if (c->lines)
		ph_buf_done(&c->lines->out);
	free(c->lines);
	ph_call_summary_free(c->summary);
	free(c);
}

struct ph_call *ph_call_new(void)
{
	return ph_alloc(sizeof(struct ph_call));
}

void ph_call_free(struct ph_call *call)
{
	if (!call)
		return;
	for (int i = 0; i < CALL_ARGS; i++)
		free(call->arg[i]);
	free(call->ret_path);
	free(call->found);
	ph_buf_done(&call->more);
	call_pieces_free(call);
	free(call);
}

/* ---- arguments ------------------------------------------------------------------------------------- */

static bool is_number(const struct ph_field *f)
{
	return f->type->kind == PH_KIND_INT || f->type->kind == PH_KIND_UINT;
}

/* How long the buffer is, where the call says so: more may have been there than was captured. */
static uint64_t whole_length(const struct call_telling *t, const struct ph_capture *cap)
{
	uint64_t max = cap->len_arg < CALL_ARGS ? (uint64_t)t->call->value[cap->len_arg] : 0, ret;

	if (cap->kind == PH_CAP_ARG_LEN)
		return max > UINT32_MAX ? UINT32_MAX : max * cap->len;
	if (cap->kind == PH_CAP_IOVEC || cap->kind == PH_CAP_MSG)
		return t->call->ended && t->call->ret > 0 ? (uint64_t)t->call->ret : 0;
	if (cap->kind != PH_CAP_RET_LEN || t->call->ret < 0)
		return 0;
	ret = (uint64_t)t->call->ret;
	return (ret < max ? ret : max) * cap->len;
}

static void add_ints(const struct ph_field *f, const struct ph_value *v, struct ph_buf *b)
{
	ph_buf_addc(b, '[');
	for (uint32_t i = 0; i < v->n; i++) {
		if (i)
			ph_buf_adds(b, ", ");
		if (!strcmp(f->name, "stat_addr_data"))
			call_add_wait_status(b, (int32_t)v->v[i].i);
		else
			ph_buf_add_s64(b, v->v[i].i);
	}
	ph_buf_addc(b, ']');
}

static void add_message(const struct call_telling *t, const char *data, struct ph_buf *b)
{
	const struct ph_value *name = t->cc->msg_name ? &t->at->ev->v[t->cc->msg_name - 1] : NULL;

	ph_buf_addc(b, '{');
	if (name && name->n && t->at->ev->cls->fields[t->cc->msg_name - 1].type->kind == PH_KIND_BYTES) {
		ph_autobuf text = { 0 };

		call_add_data(&text, PH_UNIT_SOCKADDR, &(struct ph_capture){ 0 }, name->s, name->n, 0, UINT64_MAX);
		ph_buf_addf(b, "msg_name=%s, ", text.p);
		free(t->call->msg_name);
		t->call->msg_name = ph_buf_steal(&text);
	}
	ph_buf_addf(b, "msg_iov=[{iov_base=%s}]}", data);
}

/* Values of options that are structs. */
static bool add_sockopt(const struct call_telling *t, const struct ph_value *v, struct ph_buf *b)
{
	int32_t word[4];

	if (t->call->value[1] != SOL_SOCKET || v->n > sizeof(word))
		return false;
	memcpy(word, v->s, v->n);
	if (t->call->value[2] == SO_LINGER && v->n == 8)
		ph_buf_addf(b, "{l_onoff=%d, l_linger=%d}", word[0], word[1]);
	else if (t->call->value[2] == SO_PEERCRED && v->n == 12)
		ph_buf_addf(b, "{pid=%d, uid=%u, gid=%u}", word[0], (uint32_t)word[1], (uint32_t)word[2]);
	else
		return false;
	return true;
}

/* What the argument points to; false: nothing is known of that. */
static bool add_data(const struct call_telling *t, unsigned int arg, struct ph_buf *b)
{
	const struct ph_field *f = &t->at->ev->cls->fields[t->cc->data[arg] - 1];
	const struct ph_value *v = &t->at->ev->v[t->cc->data[arg] - 1];
	const struct ph_capture *cap = t->cc->cap[arg];
	uint64_t max = t->c->o->calls.string_max;
	ph_autobuf part = { 0 };

	switch (f->type->kind) {
	case PH_KIND_STR:
		/* An address of nothing and an empty string look the same. */
		if (t->at_exit && !v->n)
			return false;
		ph_value_string(b, v->s, v->n);
		return true;
	case PH_KIND_SEQ:
		if (!v->n || (f->type->elem->kind != PH_KIND_INT && f->type->elem->kind != PH_KIND_UINT))
			return false;
		/* Without a process that has ended nothing is written. */
		if (call_is(t->call, "wait4") && !t->call->ret)
			return false;
		add_ints(f, v, b);
		return true;
	case PH_KIND_BYTES:
		break;
	default:
		return false;
	}
	if (!strcmp(f->name, "optval_data") && add_sockopt(t, v, b))
		return true;
	if (!strcmp(f->name, "optval_data") && v->n == 4) {
		int32_t one;

		memcpy(&one, v->s, sizeof(one));
		ph_buf_addc(b, '[');
		if (t->call->value[1] != SOL_SOCKET || t->call->value[2] != SO_ERROR ||
		    !ph_symbol_add(b, PH_UNIT_RET, -(int64_t)one))
			ph_buf_add_s64(b, one);
		ph_buf_addc(b, ']');
		return true;
	}
	if (!strcmp(f->name, "grouplist_data") && v->n) {
		call_add_words(b, v->s, v->n, cap->len, whole_length(t, cap));
		return true;
	}
	/* The kernel does not look there. */
	if (call_is(t->call, "epoll_ctl") && t->call->value[1] == EPOLL_CTL_DEL)
		return false;
	/* Asked how long the list is. */
	if (!v->n && strstr(t->cc->sc->name, "listxattr") && !t->call->value[cap->len_arg])
		return false;
	t->call->nstrings = 0;
	for (uint32_t i = 0; cap->kind == PH_CAP_ARGV && i < v->n; i++)
		t->call->nstrings += !v->s[i];
	/* Nothing was read, or is to be written; an address of nothing is that. */
	if (!v->n && t->cc->field[arg] && !t->at->ev->v[t->cc->field[arg] - 1].u)
		return false;
	if (!v->n && (cap->kind == PH_CAP_ARG_LEN || cap->kind == PH_CAP_RET_LEN) && cap->len_arg < CALL_ARGS &&
	    (cap->kind == PH_CAP_ARG_LEN ? !t->call->value[cap->len_arg] : t->call->ended && !t->call->ret)) {
		ph_buf_adds(b, f->unit == PH_UNIT_NONE ? "\"\"" : "[]");
		return true;
	}
	if (cap->kind == PH_CAP_IOVEC && !t->call->value[cap->len_arg]) {
		ph_buf_adds(b, "[]");
		return true;
	}
	if (cap->kind == PH_CAP_IOVEC && (uint64_t)t->call->value[cap->len_arg] > CALL_VECTORS_MAX)
		return false;
	if (f->unit == PH_UNIT_NONE && v->n && call_add_layout(b, t->call, arg, v->s, v->n))
		return true;
	if (!call_add_data(&part, f->unit, cap, v->s, v->n, whole_length(t, cap), max))
		return false;
	if (cap->kind == PH_CAP_MSG)
		add_message(t, part.p, b);
	else if (cap->kind == PH_CAP_IOVEC)
		ph_buf_addf(b, "[{iov_base=%s}%s]", part.p, t->call->value[cap->len_arg] > 1 ? ", ..." : "");
	else
		ph_buf_adds(b, part.p);
	return true;
}

static void set_arg(struct ph_call *call, unsigned int arg, struct ph_buf *b, bool sure)
{
	free(call->arg[arg]);
	call->arg[arg] = ph_buf_steal(b);
	call->sure[arg] = sure;
}

/* What this event says of an argument. */
static void tell_arg(const struct call_telling *t, unsigned int arg)
{
	const struct ph_event *ev = t->at->ev;
	uint32_t field = t->cc->field[arg], data = t->cc->data[arg];
	ph_autobuf b = { 0 };

	if (data && add_data(t, arg, &b)) {
		/* A string whose page was not there yet comes with the exit. */
		set_arg(t->call, arg, &b, t->at_exit || t->cc->cap[arg]->kind != PH_CAP_STR || ev->v[data - 1].n);
	} else if (field && is_number(&ev->cls->fields[field - 1])) {
		call_add_number(t, &ev->cls->fields[field - 1], arg, &ev->v[field - 1], &b);
		set_arg(t->call, arg, &b, true);
	} else if (field) {
		/* Another tracer's idea of flags. */
		ph_value_text(&b, t->at->id, ev->cls->fields[field - 1].type, ev->cls->fields[field - 1].unit,
			      &ev->v[field - 1]);
		set_arg(t->call, arg, &b, true);
	}
}

/* The length that goes with an address which the kernel fills in. */
static void tell_length(const struct call_telling *t, unsigned int arg)
{
	const struct ph_capture *cap = t->cc->cap[arg];
	const struct ph_field *f = &t->at->ev->cls->fields[t->cc->data[arg] - 1];
	uint32_t n = t->at->ev->v[t->cc->data[arg] - 1].n;
	int64_t before;
	ph_autobuf b = { 0 };

	if (cap->kind != PH_CAP_PTR_LEN || f->type->kind != PH_KIND_BYTES || !n || cap->len_arg >= CALL_ARGS)
		return;
	before = call_data_length(t->call, cap->len_arg);
	if (before >= 0 && before != n)
		ph_buf_addf(&b, "[%ld => %u]", (long)before, n);
	else
		ph_buf_addf(&b, "[%u]", n);
	set_arg(t->call, cap->len_arg, &b, true);
}

/* ---- events ----------------------------------------------------------------------------------------- */

static void tell_more(const struct call_telling *t)
{
	const struct ph_event *ev = t->at->ev;

	ph_vec_each(f, &t->cc->more) {
		const struct ph_field *field = &ev->cls->fields[*f];

		ph_buf_adds(&t->call->more, t->call->more.len ? ", " : "");
		ph_buf_add_term(&t->call->more, field->name, strlen(field->name));
		ph_buf_addc(&t->call->more, '=');
		ph_value_text(&t->call->more, t->at->id, field->type, field->unit, &ev->v[*f]);
	}
}

/* Argument @i, which stands there as one of those that follow each other in @args; takes its text. */
static void name_arg(struct ph_call *call, unsigned int i, const char *name, char *args[CALL_ARGS], unsigned int *n)
{
	args[(*n)++] = ph_asprintf("%s=%s", name, call->arg[i] ? call->arg[i] : "?");
}

/* Of clone, whose order depends on the architecture, strace tells the names, and only of what the flags ask for. */
static void name_clone(const struct call_telling *t)
{
	bool tls_first = !strcmp(t->cc->sc->entry->fields[3].name, "tls");
	unsigned int tls = tls_first ? 3 : 4, child = tls_first ? 4 : 3, n = 0;
	struct ph_call *call = t->call;
	uint64_t flags = (uint64_t)call->value[0];
	char *args[CALL_ARGS] = { 0 };

	name_arg(call, 1, "child_stack", args, &n);
	name_arg(call, 0, "flags", args, &n);
	if (flags & (CLONE_PARENT_SETTID | CLONE_PIDFD))
		name_arg(call, 2, "parent_tid", args, &n);
	if (flags & CLONE_SETTLS)
		name_arg(call, tls, "tls", args, &n);
	if (flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID))
		name_arg(call, child, "child_tidptr", args, &n);
	for (unsigned int i = 0; i < CALL_ARGS; i++) {
		free(call->arg[i]);
		call->arg[i] = args[i];
		call->sure[i] = true;
	}
	call->nargs = (uint8_t)n;
}

static void tell_entry(struct call_telling *t)
{
	const struct ph_event *ev = t->at->ev;
	struct ph_call *call = t->call;

	call->cc = t->cc;
	if (t->c->no_args)
		return;
	for (unsigned int i = 0; i < CALL_ARGS; i++)
		if (t->cc->field[i] && is_number(&ev->cls->fields[t->cc->field[i] - 1]))
			call->value[i] = ev->v[t->cc->field[i] - 1].i;
	call->nargs = call_count_args(call, t->cc->sc ? t->cc->sc->nargs : 0, &call->skip);
	for (unsigned int i = 0; i < call->nargs; i++)
		tell_arg(t, i);
	if (call_is(call, "clone"))
		name_clone(t);
	call_data_entry(t->c, call);
	tell_more(t);
}

/* Calls whose result is a descriptor. */
static bool makes_fd(const struct ph_call *call)
{
	static const char *const names[] = { "open", "openat", "openat2", "creat", "dup", "dup2", "dup3", "accept",
					     "accept4", "socket" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(names); i++)
		if (call_is(call, names[i]))
			return true;
	return call_is(call, "fcntl") && (call->value[1] == F_DUPFD || call->value[1] == F_DUPFD_CLOEXEC);
}

static bool polls(const struct ph_call *call)
{
	return call_is(call, "poll") || call_is(call, "ppoll");
}

/* What poll found stands behind its result. */
static void tell_polled(const struct call_telling *t)
{
	const struct ph_value *v = &t->at->ev->v[t->cc->data[0] - 1];
	const struct call_piece *all = call_piece_of(t->call, 0, true, PH_DATA_STRUCT, 0), *left;
	ph_autobuf b = { 0 };

	if (t->at->ev->cls->fields[t->cc->data[0] - 1].type->kind != PH_KIND_BYTES)
		return;
	if (t->call->ret)
		call_add_revents(&b, all ? all->data : v->s, all ? all->n : v->n);
	else
		ph_buf_adds(&b, "Timeout");
	/* ppoll tells how much of its time was left. */
	left = call_piece_of(t->call, 2, true, PH_DATA_STRUCT, 0);
	if (t->call->ret && left && left->n == 16) {
		ph_buf_adds(&b, ", left ");
		call_add_time(&b, left->data, left->n, "tv_nsec");
	}
	t->call->found = ph_buf_steal(&b);
}

static void tell_exit(struct call_telling *t)
{
	const struct ph_event *ev = t->at->ev;
	struct ph_call *call = t->call;
	const char *path;

	if (t->cc->ret >= 0 && is_number(&ev->cls->fields[t->cc->ret])) {
		call->ended = true;
		call->ret = ev->v[t->cc->ret].i;
		call->address = ev->cls->fields[t->cc->ret].type->base == 16;
	}
	if (t->c->no_args)
		return;
	for (unsigned int i = 0; t->cc->sc == call->cc->sc && i < call->nargs; i++)
		if (!call->arg[i] || (!call->sure[i] && t->cc->data[i] && !call_data_told(call, i)))
			tell_arg(t, i);
	for (unsigned int i = 0; t->cc->sc == call->cc->sc && i < CALL_ARGS; i++)
		if (t->cc->data[i])
			tell_length(t, i);
	if (t->cc->sc == call->cc->sc)
		call_data_exit(t->c, call);
	if (t->cc->sc && call->cc->sc == t->cc->sc && t->cc->data[0] && call->ended && call->ret >= 0 && polls(call))
		tell_polled(t);
	if (t->c->o->calls.paths && call->ended && call->ret >= 0 && makes_fd(call)) {
		path = ph_snoop_world_file(t->at->world, ev, call->ret);
		call->ret_path = path ? ph_strdup(path) : NULL;
	}
}

void ph_call_tell(struct ph_calls *c, struct ph_call *call, const struct ph_snoop_at *at)
{
	const struct ph_event *ev = at->ev;
	struct call_telling t = { .c = c, .call = call, .at = at };
	const struct ph_value *value;
	ph_autobuf b = { 0 };
	int64_t arg;

	if (strstr(ev->cls->name, "syscall_entry_")) {
		t.cc = call_class_of(c, ev->cls);
		tell_entry(&t);
	} else if (strstr(ev->cls->name, "syscall_exit_")) {
		t.cc = call_class_of(c, ev->cls);
		t.at_exit = true;
		tell_exit(&t);
	} else if (ev->cls->id == PH_EV_syscall_data) {
		call_data_tell(c, call, ev);
	} else if (ev->cls->id == PH_EV_syscall_late_string) {
		arg = ph_snoop_number(ev, "arg", -1);
		value = ph_snoop_text(ev, "value");
		if (arg < 0 || arg >= call->nargs || !value || !value->n)
			return;
		ph_value_string(&b, value->s, value->n);
		set_arg(call, (unsigned int)arg, &b, true);
	}
}

unsigned int ph_call_add_args(const struct ph_call *call, unsigned int from, bool sure, struct ph_buf *b)
{
	unsigned int i;

	for (i = from; i < call->nargs; i++) {
		if (call->skip >> i & 1)
			continue;
		if (sure && (!call->arg[i] || !call->sure[i]))
			return i;
		ph_buf_adds(b, call->arg[i] ? call->arg[i] : "?");
		if (i + 1 < call->nargs)
			ph_buf_adds(b, ", ");
	}
	if (call->more.len && i == call->nargs && from <= i) {
		ph_buf_adds(b, call->nargs ? ", " : "");
		ph_buf_add(b, call->more.p, call->more.len);
	}
	return i + 1;
}
