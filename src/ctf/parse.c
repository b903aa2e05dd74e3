/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctf/parse.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"

/* The blocks of TSDL metadata: trace, env, clock, stream, event. */

/* What a block is: its "name = value" and "name := type" lines. Unknown ones are left alone. */
struct block {
	int (*value)(struct ph_tp *p, void *dst, const char *name, const struct ph_tp_val *v);
	int (*type)(struct ph_tp *p, void *dst, const char *name, struct ph_ct *t);
};

static int parse_assignment(struct ph_tp *p, const struct block *b, void *dst)
{
	struct ph_ct *t;
	const char *name;
	struct ph_tp_val v;
	int r = ph_tp_path(p, &name);

	if (r < 0)
		return r;
	if (ph_tp_is_punct(p, PH_PUNCT_ASSIGN)) {
		r = ph_tp_next(p);
		if (r == 0)
			r = ph_tp_type(p, &t);
		if (r == 0 && b->type)
			r = b->type(p, dst, name, t);
	} else {
		r = ph_tp_expect(p, '=', "= or :=");
		if (r == 0)
			r = ph_tp_value(p, &v);
		if (r == 0)
			r = b->value(p, dst, name, &v);
	}
	return r < 0 ? r : ph_tp_expect(p, ';', ";");
}

static bool starts_type(const struct ph_tp *p)
{
	return ph_tp_is_ident(p, "struct") || ph_tp_is_ident(p, "variant") || ph_tp_is_ident(p, "enum");
}

static int parse_block(struct ph_tp *p, const struct block *b, void *dst)
{
	struct ph_tp_scope s;
	struct ph_ct *t;
	int r = ph_tp_next(p);

	ph_tp_push_scope(p, &s);
	if (r == 0)
		r = ph_tp_expect(p, '{', "{");
	while (r == 0 && !ph_tp_is_punct(p, '}')) {
		if (ph_tp_is_ident(p, "typealias") || ph_tp_is_ident(p, "typedef")) {
			r = ph_tp_naming(p);
		} else if (starts_type(p)) {
			r = ph_tp_type(p, &t);
			if (r == 0)
				r = ph_tp_expect(p, ';', ";");
		} else {
			r = parse_assignment(p, b, dst);
		}
	}
	ph_tp_pop_scope(p);
	if (r == 0)
		r = ph_tp_next(p);
	return r < 0 ? r : ph_tp_expect(p, ';', ";");
}

static int want_struct(struct ph_tp *p, const char *name, struct ph_ct *t, struct ph_ct **ret)
{
	if (t->kind != PH_CT_STRUCT)
		return ph_tp_fail(p, "%s is not a structure", name);
	if (*ret)
		return ph_tp_fail(p, "%s is there twice", name);
	*ret = t;
	return 0;
}

static int trace_value(struct ph_tp *p, void *dst, const char *name, const struct ph_tp_val *v)
{
	struct ph_ctf_meta *m = dst;

	if (!strcmp(name, "byte_order")) {
		int r = ph_tp_want_order(p, v, &m->order);

		return r == 0 && m->order == PH_CT_NATIVE ? ph_tp_fail(p, "the byte order is not said") : r;
	}
	if (!strcmp(name, "uuid")) {
		m->has_uuid = true;
		return ph_tp_want_uuid(p, v, m->uuid);
	}
	if (!strcmp(name, "major") && (v->kind != VAL_INT || v->u != 1))
		return ph_tp_fail(p, "the trace is not of CTF version 1");
	return 0;
}

static int trace_type(struct ph_tp *p, void *dst, const char *name, struct ph_ct *t)
{
	struct ph_ctf_meta *m = dst;

	return !strcmp(name, "packet.header") ? want_struct(p, name, t, &m->packet_header) : 0;
}

static int env_value(struct ph_tp *p, void *dst, const char *name, const struct ph_tp_val *v)
{
	struct ph_ctf_meta *m = dst;
	struct ph_ct_env *e;

	if (v->kind == VAL_WORD)
		return ph_tp_fail(p, "env.%s is neither a string nor a number", name);
	e = ph_vec_push(&m->env);
	e->name = name;
	e->s = v->s;
	e->i = (int64_t)v->u;
	return 0;
}

static int clock_value(struct ph_tp *p, void *dst, const char *name, const struct ph_tp_val *v)
{
	struct ph_ct_clock *c = dst;
	uint64_t u = 0;
	int r;

	if (!strcmp(name, "name")) {
		if (v->kind == VAL_INT)
			return ph_tp_fail(p, "a clock's name is a number");
		c->name = v->s;
		return 0;
	}
	if (!strcmp(name, "uuid")) {
		c->has_uuid = true;
		return ph_tp_want_uuid(p, v, c->uuid);
	}
	if (!strcmp(name, "freq")) {
		r = ph_tp_want_int(p, v, UINT64_MAX, &u);
		if (r == 0 && !u)
			r = ph_tp_fail(p, "a clock's frequency is 0");
		c->freq = u;
		return r;
	}
	if (!strcmp(name, "offset_s") || !strcmp(name, "offset")) {
		if (v->kind != VAL_INT)
			return ph_tp_fail(p, "a clock's %s is not a number", name);
		*(strcmp(name, "offset") ? &c->offset_s : &c->offset) = (int64_t)v->u;
	}
	return 0;
}

static int stream_value(struct ph_tp *p, void *dst, const char *name, const struct ph_tp_val *v)
{
	struct ph_ct_stream *s = dst;

	return !strcmp(name, "id") ? ph_tp_want_int(p, v, UINT64_MAX, &s->id) : 0;
}

static int stream_type(struct ph_tp *p, void *dst, const char *name, struct ph_ct *t)
{
	struct ph_ct_stream *s = dst;

	if (!strcmp(name, "packet.context"))
		return want_struct(p, name, t, &s->packet_context);
	if (!strcmp(name, "event.header"))
		return want_struct(p, name, t, &s->event_header);
	if (!strcmp(name, "event.context"))
		return want_struct(p, name, t, &s->event_context);
	return 0;
}

static int event_value(struct ph_tp *p, void *dst, const char *name, const struct ph_tp_val *v)
{
	struct ph_ct_event *e = dst;

	if (!strcmp(name, "id"))
		return ph_tp_want_int(p, v, UINT64_MAX, &e->id);
	if (!strcmp(name, "stream_id"))
		return ph_tp_want_int(p, v, UINT64_MAX, &e->stream_id);
	if (!strcmp(name, "name")) {
		if (v->kind == VAL_INT)
			return ph_tp_fail(p, "an event's name is a number");
		e->name = v->s;
	}
	return 0;
}

static int event_type(struct ph_tp *p, void *dst, const char *name, struct ph_ct *t)
{
	struct ph_ct_event *e = dst;

	if (!strcmp(name, "fields"))
		return want_struct(p, name, t, &e->fields);
	if (!strcmp(name, "context"))
		return want_struct(p, name, t, &e->context);
	return 0;
}

static int ignore_value(struct ph_tp *p, void *dst, const char *name, const struct ph_tp_val *v)
{
	(void)p, (void)dst, (void)name, (void)v;
	return 0;
}

static int parse_trace(struct ph_tp *p)
{
	static const struct block b = { trace_value, trace_type };
	int r;

	if (p->m->has_trace)
		return ph_tp_fail(p, "there are two trace blocks");
	p->m->has_trace = true;
	r = parse_block(p, &b, p->m);
	if (r == 0 && p->m->order == PH_CT_NATIVE)
		r = ph_tp_fail(p, "the trace block has no byte_order");
	return r;
}

static int parse_env(struct ph_tp *p)
{
	static const struct block b = { env_value, NULL };

	return parse_block(p, &b, p->m);
}

static int parse_clock(struct ph_tp *p)
{
	static const struct block b = { clock_value, NULL };
	struct ph_ct_clock c = { .freq = 1000000000 };
	int r = parse_block(p, &b, &c);

	if (r == 0 && !c.name)
		r = ph_tp_fail(p, "a clock has no name");
	if (r == 0)
		*ph_vec_push(&p->m->clocks) = c;
	return r;
}

static int parse_stream(struct ph_tp *p)
{
	static const struct block b = { stream_value, stream_type };
	struct ph_ct_stream s = { 0 };
	int r = parse_block(p, &b, &s);

	if (r == 0 && p->m->streams.n >= PH_CT_STREAMS_MAX)
		r = ph_tp_fail(p, "there are more than %u streams", PH_CT_STREAMS_MAX);
	ph_vec_each(other, &p->m->streams)
		if (r == 0 && other->id == s.id)
			r = ph_tp_fail(p, "there are two streams with id %" PRIu64, s.id);
	if (r == 0)
		*ph_vec_push(&p->m->streams) = s;
	return r;
}

static int parse_event(struct ph_tp *p)
{
	static const struct block b = { event_value, event_type };
	struct ph_ct_event e = { 0 };
	int r = parse_block(p, &b, &e);

	if (r == 0 && !e.name)
		r = ph_tp_fail(p, "an event has no name");
	if (r == 0)
		*ph_vec_push(&p->m->events) = e;
	return r;
}

static int parse_callsite(struct ph_tp *p)
{
	static const struct block b = { ignore_value, NULL };

	return parse_block(p, &b, NULL);
}

static int parse_top(struct ph_tp *p)
{
	static const struct { const char *word; int (*parse)(struct ph_tp *p); } blocks[] = {
		{ "trace", parse_trace }, { "env", parse_env }, { "clock", parse_clock },
		{ "stream", parse_stream }, { "event", parse_event }, { "callsite", parse_callsite },
		{ "typealias", ph_tp_naming }, { "typedef", ph_tp_naming },
	};
	struct ph_ct *t;
	int r;

	if (ph_tp_is_punct(p, ';'))
		return ph_tp_next(p);
	for (size_t i = 0; i < PH_ARRAY_SIZE(blocks); i++)
		if (ph_tp_is_ident(p, blocks[i].word))
			return blocks[i].parse(p);
	if (!starts_type(p))
		return ph_tp_fail(p, "a block or a type is expected, there is %s", ph_tp_token_name(p));
	r = ph_tp_type(p, &t);
	return r < 0 ? r : ph_tp_expect(p, ';', ";");
}

int ph_ctf_meta_parse(struct ph_ctf_meta *m, const char *text, size_t n, struct ph_err *err)
{
	struct ph_tp p = {
		.lx = { .p = text, .end = text + n, .line = 1, .pool = &m->pool }, .m = m, .err = err,
	};
	struct ph_tp_scope top;
	int r;

	ph_tp_push_scope(&p, &top);
	r = ph_tp_next(&p);
	while (r == 0 && p.lx.tok.kind != PH_TOK_END)
		r = parse_top(&p);
	while (p.scope)
		ph_tp_pop_scope(&p);
	if (r == 0 && !m->has_trace)
		r = ph_err_set(err, -EBADMSG, "there is no trace block");
	return r;
}

void ph_ctf_meta_done(struct ph_ctf_meta *m)
{
	ph_vec_done(&m->clocks);
	ph_vec_done(&m->streams);
	ph_vec_done(&m->events);
	ph_vec_done(&m->env);
	ph_pool_done(&m->pool);
}
