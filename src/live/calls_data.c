/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "event/symbols.h"
#include "live/calls_priv.h"

/*
 * What arguments point to, where it was recorded as events of its own (syscall_data). Each brings one piece: a struct,
 * or of a message or list of iovecs one of the parts. Those of the call's beginning come behind its entry, those of its
 * end before its exit.
 */

/* As events have them: more is no call's. */
#define MAX_PIECES (3 * PH_DATA_MESSAGES * PH_DATA_VECTORS)

static bool applies(const struct ph_calldata *row, const struct ph_call *call)
{
	return !row->def.if_arg || (uint32_t)call->value[row->def.if_arg - 1] == row->def.if_value;
}

static const struct ph_calldata *row_of(const struct ph_call *call, unsigned int arg, bool at_exit)
{
	const struct ph_calldata *rows = call->cc->rows;

	for (size_t i = 0; i < call->cc->nrows; i++)
		if (rows[i].def.arg == arg && rows[i].def.at_exit == at_exit && applies(&rows[i], call))
			return &rows[i];
	return NULL;
}

void call_pieces_free(struct ph_call *call)
{
	ph_vec_each(p, &call->pieces)
		free(p->data);
	ph_vec_done(&call->pieces);
	free(call->msg_name);
}

const struct call_piece *call_piece_of(const struct ph_call *call, unsigned int arg, bool at_exit, unsigned int part,
				       unsigned int index)
{
	ph_vec_each(p, &call->pieces)
		if (p->arg == arg && p->at_exit == at_exit && p->part == part && p->index == index)
			return p;
	return NULL;
}

/* ---- iovecs and messages ---------------------------------------------------------------------------- */

/* @n of them, from @first on. */
static void add_iovecs(struct ph_buf *b, const struct ph_call *call, const struct call_piece *like, unsigned int first,
		       uint64_t n, uint64_t max)
{
	ph_buf_addc(b, '[');
	for (unsigned int i = 0; i < n; i++) {
		const struct call_piece *p = i < PH_DATA_VECTORS ? call_piece_of(call, like->arg, like->at_exit, PH_DATA_BUFFER, first + i) : NULL;

		ph_buf_adds(b, i ? ", " : "");
		if (!p) {
			ph_buf_adds(b, "...");
			break;
		}
		ph_buf_adds(b, "{iov_base=");
		/* What the call has filled in may be less than there is room for. */
		call_add_string(b, p->data, p->n, p->at_exit && p->n < max ? p->n : p->size, max);
		ph_buf_addf(b, ", iov_len=%lu}", (unsigned long)p->size);
	}
	ph_buf_addc(b, ']');
}

static void add_control(struct ph_buf *b, const struct call_piece *p)
{
	size_t at = 0;

	ph_buf_adds(b, ", msg_control=[");
	while (at + 16 <= p->n) {
		uint64_t len = call_number(p->data + at, 8), level = call_number(p->data + at + 8, 4), type = call_number(p->data + at + 12, 4);
		const char *data = p->data + at + 16;
		size_t n;

		if (len < 16 || len > p->n - at)
			break;
		n = len - 16;
		ph_buf_addf(b, "%s{cmsg_len=%lu, cmsg_level=", at ? ", " : "", (unsigned long)len);
		if (!call_names_add(call_names_of("setsockopt", 1), (int64_t)level, b))
			ph_buf_addf(b, "%#lx", (unsigned long)level);
		ph_buf_adds(b, ", cmsg_type=");
		if (level != SOL_SOCKET || !call_names_add(call_names_of("SCM", 0), (int64_t)type, b))
			ph_buf_addf(b, "%#lx", (unsigned long)type);
		ph_buf_adds(b, ", cmsg_data=");
		if (level == SOL_SOCKET && type == SCM_RIGHTS) {
			for (size_t i = 0; i + 4 <= n; i += 4)
				ph_buf_addf(b, "%s%d", i ? ", " : "[", (int)call_number(data + i, 4));
			ph_buf_adds(b, n < 4 ? "[]" : "]");
		} else if (level == SOL_SOCKET && type == SCM_CREDENTIALS && n >= 12) {
			ph_buf_addf(b, "{pid=%d, uid=%u, gid=%u}", (int)call_number(data, 4), (unsigned int)call_number(data + 4, 4),
				    (unsigned int)call_number(data + 8, 4));
		} else {
			call_add_string(b, data, n, n, n);
		}
		ph_buf_addc(b, '}');
		at += (len + 7) & ~7ull;
	}
	ph_buf_adds(b, at < p->size ? at ? ", ...]" : "...]" : "]");
}

/* struct msghdr of a 64-bit program. */
static bool add_message(struct ph_buf *b, const struct ph_call *call, const struct call_piece *p, const char *name,
			uint64_t max)
{
	const struct call_piece *control = call_piece_of(call, p->arg, p->at_exit, PH_DATA_CONTROL, p->index);
	/* The call may write a shorter address than there was room for. */
	const struct call_piece *before = p->at_exit && !p->index ? call_piece_of(call, p->arg, false, PH_DATA_STRUCT, 0) : NULL;
	unsigned int len, room;
	uint64_t address, vectors, control_len, flags;

	if (p->n < 56)
		return false;
	address = call_number(p->data, 8);
	vectors = call_number(p->data + 24, 8);
	control_len = call_number(p->data + 40, 8);
	flags = call_number(p->data + 48, 4);
	ph_buf_adds(b, "{msg_name=");
	if (!address)
		ph_buf_adds(b, "NULL");
	else if (name)
		ph_buf_adds(b, name);
	else
		ph_buf_addf(b, "%#lx", (unsigned long)address);
	len = (unsigned int)call_number(p->data + 8, 4);
	room = before && before->n >= 12 ? (unsigned int)call_number(before->data + 8, 4) : len;
	ph_buf_addf(b, room != len ? ", msg_namelen=%u => %u, msg_iov=" : ", msg_namelen=%u, msg_iov=", room, len);
	if (call_number(p->data + 16, 8))
		add_iovecs(b, call, p, p->index, vectors, max);
	else
		ph_buf_adds(b, "NULL");
	ph_buf_addf(b, ", msg_iovlen=%lu", (unsigned long)vectors);
	if (control && control_len)
		add_control(b, control);
	ph_buf_addf(b, ", msg_controllen=%lu, msg_flags=", (unsigned long)control_len);
	if (!ph_symbol_add(b, PH_UNIT_MSG_FLAGS, (int64_t)flags))
		call_add_hex(b, flags);
	ph_buf_addc(b, '}');
	return true;
}

static bool add_messages(struct ph_buf *b, const struct ph_call *call, const struct call_piece *first, uint64_t max)
{
	uint64_t n = (uint64_t)call->ret;

	ph_buf_addc(b, '[');
	for (unsigned int i = 0; i < n; i++) {
		const struct call_piece *p = call_piece_of(call, first->arg, first->at_exit, PH_DATA_STRUCT, i * PH_DATA_VECTORS);

		ph_buf_adds(b, i ? ", " : "");
		if (!p || i == PH_DATA_MESSAGES) {
			ph_buf_adds(b, "...");
			break;
		}
		ph_buf_adds(b, "{msg_hdr=");
		if (p->n < 64 || !add_message(b, call, p, NULL, max))
			return false;
		ph_buf_addf(b, ", msg_len=%u}", (unsigned int)call_number(p->data + 56, 4));
	}
	ph_buf_addc(b, ']');
	return true;
}

/* ---- an argument ------------------------------------------------------------------------------------ */

/* False: there are no more than the @n of @list. */
static bool add_more_strings(struct ph_buf *b, const char *list, uint64_t n, uint64_t whole)
{
	size_t len = strlen(list);

	if (whole <= n || !len || list[len - 1] != ']')
		return false;
	ph_buf_add(b, list, len - 1);
	ph_buf_adds(b, n ? ", ...]" : "...]");
	return true;
}

/* The whole argument, from all pieces of it that there are. */
static bool add_arg(struct ph_buf *b, const struct ph_calls *c, const struct ph_call *call, const struct ph_calldata *row,
		    const struct call_piece *any)
{
	const struct call_piece *before = any->at_exit ? call_piece_of(call, any->arg, false, PH_DATA_STRUCT, 0) : NULL;
	uint64_t max = c->o->calls.string_max, count = (uint64_t)call->value[row->def.len_arg];
	const struct call_piece *p;

	switch (row->what) {
	case PH_WHAT_IOVECS:
		if (count > CALL_VECTORS_MAX)
			return false;
		add_iovecs(b, call, any, 0, count, max);
		return true;
	case PH_WHAT_MSG:
		p = call_piece_of(call, any->arg, any->at_exit, PH_DATA_STRUCT, 0);
		if (!p)
			return false;
		return row->def.kind == PH_DATA_MMSG ? add_messages(b, call, p, max) : add_message(b, call, p, call->msg_name, max);
	case PH_WHAT_COUNT:
		if (!call->arg[any->arg])
			return false;
		/* The strings themselves are there, up to PH_MAX_ARGV. */
		if (call->cc->cap[any->arg] && call->cc->cap[any->arg]->kind == PH_CAP_ARGV)
			return add_more_strings(b, call->arg[any->arg], call->nstrings, any->size);
		ph_buf_addf(b, "%s /* %lu %s */", call->arg[any->arg], (unsigned long)any->size,
			    row->def.kind == PH_DATA_DIRENTS ? "entries" : "vars");
		return true;
	case PH_WHAT_U64:
		/* Where it stood, and where it then stands. */
		if (before && before->n == any->n && memcmp(before->data, any->data, any->n)) {
			call_add_struct(b, row, before, call, max);
			ph_buf_adds(b, " => ");
		}
		return call_add_struct(b, row, any, call, max);
	default:
		return call_add_struct(b, row, any, call, max);
	}
}

/* What select has found stands behind its result. */
static bool selects(const struct ph_call *call)
{
	return call_is(call, "select") || call_is(call, "pselect6");
}

static void tell_selected(const struct ph_calls *c, struct ph_call *call)
{
	static const char *const names[] = { NULL, "in", "out", "except", "left" };
	ph_autobuf b = { 0 };

	if (!call->ret)
		ph_buf_adds(&b, "Timeout");
	for (unsigned int arg = 1; call->ret && arg < PH_ARRAY_SIZE(names); arg++) {
		const struct call_piece *p = call_piece_of(call, arg, true, PH_DATA_STRUCT, 0);
		const struct ph_calldata *row = p ? row_of(call, arg, true) : NULL;
		ph_autobuf one = { 0 };

		if (!row || !call_add_struct(&one, row, p, call, c->o->calls.string_max) || !strcmp(one.p, "[]"))
			continue;
		ph_buf_addf(&b, "%s%s %s", b.len ? ", " : "", names[arg], one.p);
	}
	if (b.len) {
		free(call->found);
		call->found = ph_buf_steal(&b);
	}
}

static void tell(const struct ph_calls *c, struct ph_call *call, const struct call_piece *p)
{
	const struct ph_calldata *row = row_of(call, p->arg, p->at_exit);
	ph_autobuf b = { 0 };

	if (row && row->def.kind == PH_DATA_SIGMASK && p->n == 8) {
		ph_buf_adds(&b, "{mask=");
		call_add_sigset(&b, p->data);
		ph_buf_addc(&b, '}');
		free(call->arg[0]);
		call->arg[0] = ph_buf_steal(&b);
		call->sure[0] = true;
		call->nargs = 1;
		return;
	}
	if (!row || p->arg >= call->nargs || !add_arg(&b, c, call, row, p))
		return;
	free(call->arg[p->arg]);
	call->arg[p->arg] = ph_buf_steal(&b);
	/* More pieces may come. */
	call->sure[p->arg] = p->at_exit || (row->def.kind == PH_DATA_FIXED && !row_of(call, p->arg, true));
}

void call_data_tell(struct ph_calls *c, struct ph_call *call, const struct ph_event *ev)
{
	int64_t arg = ph_snoop_number(ev, "arg", -1), part = ph_snoop_number(ev, "part", 0), index = ph_snoop_number(ev, "index", 0);
	const struct ph_value *data = ph_snoop_bytes(ev, "data");
	struct call_piece *p;

	c->has_data = true;
	if (c->no_args || !call->cc || arg < 0 || arg >= CALL_ARGS || !data || call->pieces.n >= MAX_PIECES)
		return;
	p = (struct call_piece *)call_piece_of(call, (unsigned int)arg, ph_snoop_number(ev, "at_exit", 0) != 0, (unsigned int)part,
					  (unsigned int)index);
	if (p)
		free(p->data);	/* read again */
	else
		p = ph_vec_push(&call->pieces);
	*p = (struct call_piece){
		.arg = (uint8_t)arg, .at_exit = ph_snoop_number(ev, "at_exit", 0) != 0, .part = (uint8_t)part,
		.index = (uint16_t)index, .size = (uint64_t)ph_snoop_number(ev, "size", 0), .n = data->n,
		.data = ph_alloc(data->n + 1),
	};
	if (data->n)
		memcpy(p->data, data->s, data->n);
	if (!p->at_exit)
		tell(c, call, p);
}

int64_t call_data_length(const struct ph_call *call, unsigned int arg)
{
	const struct ph_calldata *row = row_of(call, arg, false);
	const struct call_piece *p = row && row->what == PH_WHAT_LENGTH ? call_piece_of(call, arg, false, PH_DATA_STRUCT, 0) : NULL;

	return p && p->n == 4 ? (int64_t)call_number(p->data, 4) : -1;
}

bool call_data_told(const struct ph_call *call, unsigned int arg)
{
	ph_vec_each(p, &call->pieces)
		if (p->arg == arg && !p->at_exit)
			return true;
	return false;
}

void call_data_entry(const struct ph_calls *c, struct ph_call *call)
{
	for (unsigned int i = 0; c->has_data && i < call->nargs; i++)
		if (call->value[i] && (row_of(call, i, false) || row_of(call, i, true)))
			call->sure[i] = false;
}

/* What clone writes for its caller is what it returns. */
static void tell_child(struct ph_call *call)
{
	bool in_struct = call_is(call, "clone3");
	ph_autobuf b = { 0 };

	for (unsigned int i = 0; i < call->nargs; i++) {
		const char *at = call->arg[i] ? strstr(call->arg[i], "parent_tid=0x") : NULL;

		if (!at)
			continue;
		if (in_struct)
			ph_buf_addf(&b, "%s => {parent_tid=[%ld]}", call->arg[i], (long)call->ret);
		else
			ph_buf_addf(&b, "parent_tid=[%ld]", (long)call->ret);
		free(call->arg[i]);
		call->arg[i] = ph_buf_steal(&b);
		return;
	}
}

void call_data_exit(const struct ph_calls *c, struct ph_call *call)
{
	unsigned int told = 0;

	if (!call->ended || call->ret < 0)
		return;
	if (call->ret && (call_is(call, "clone") || call_is(call, "clone3")))
		tell_child(call);
	if (!call->pieces.n)
		return;
	if (selects(call)) {
		tell_selected(c, call);
		return;
	}
	/* Without a process that has ended nothing is written. */
	if (call_is(call, "wait4") && !call->ret)
		return;
	/* It has added what it found, which stands behind the result. */
	if (call_is(call, "poll") || call_is(call, "ppoll"))
		return;
	/* All pieces of an argument are told with the first. */
	ph_vec_each(p, &call->pieces) {
		if (!p->at_exit || told >> p->arg & 1)
			continue;
		told |= 1u << p->arg;
		tell(c, call, p);
	}
}
