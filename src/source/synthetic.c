/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/synthetic.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/vec.h"
#include "event/symbols.h"

struct synthetic {
	struct ph_source src;
	const struct ph_event *events;
	size_t n, at;
	struct ph_event ev;		/* the copy that a consumer may complete */
	PH_VEC(struct ph_event) owned;
	PH_VEC(void *) memory;
};

/* ---- the source -------------------------------------------------------------------------------- */

static int synthetic_next(struct ph_source *s, struct ph_event **ret, struct ph_err *err)
{
	struct synthetic *sy = (struct synthetic *)s;

	(void)err;
	if (sy->at >= sy->n)
		return 0;
	sy->ev = sy->events[sy->at++];
	*ret = &sy->ev;
	return 1;
}

static int synthetic_seek(struct ph_source *s, uint64_t ts_ns, struct ph_err *err)
{
	struct synthetic *sy = (struct synthetic *)s;

	(void)err;
	for (sy->at = 0; sy->at < sy->n && sy->events[sy->at].ts_ns < ts_ns;)
		sy->at++;
	return 0;
}

static void synthetic_close(struct ph_source *s)
{
	struct synthetic *sy = (struct synthetic *)s;

	ph_vec_each(p, &sy->memory)
		free(*p);
	ph_vec_done(&sy->memory);
	ph_vec_done(&sy->owned);
	free(sy);
}

static const struct ph_source_ops synthetic_ops = {
	.next = synthetic_next, .seek = synthetic_seek, .close = synthetic_close,
};

static struct synthetic *new_synthetic(void)
{
	struct synthetic *sy = ph_alloc(sizeof(*sy));

	sy->src.ops = &synthetic_ops;
	sy->src.what = "synthetic events";
	return sy;
}

static void set_events(struct synthetic *sy, const struct ph_event *events, size_t n)
{
	sy->events = events;
	sy->n = n;
	if (n) {
		sy->src.begin_ns = events[0].ts_ns;
		sy->src.end_ns = events[n - 1].ts_ns;
	}
}

struct ph_source *ph_synthetic_array(const struct ph_event *events, size_t n)
{
	struct synthetic *sy = new_synthetic();

	set_events(sy, events, n);
	return &sy->src;
}

/* ---- the text ------------------------------------------------------------------------------------ */

struct reader {
	struct synthetic *sy;
	const char *p;			/* in the present line, which `end` closes */
	const char *end;
	unsigned int line;
	uint64_t ts;
	struct ph_err *err;
};

static int fail(struct reader *rd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct reader *rd, const char *fmt, ...)
{
	ph_autofree char *msg = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&msg, fmt, ap) < 0)
		msg = NULL;
	va_end(ap);
	return ph_err_set(rd->err, -EINVAL, "line %u: %s", rd->line, msg ? msg : "");
}

static void *keep(struct reader *rd, void *p)
{
	*ph_vec_push(&rd->sy->memory) = p;
	return p;
}

static void skip_blanks(struct reader *rd)
{
	while (rd->p < rd->end && isblank((unsigned char)*rd->p))
		rd->p++;
	if (rd->p < rd->end && *rd->p == '#')
		rd->p = rd->end;
}

static int quoted(struct reader *rd, struct ph_buf *out)
{
	static const char from[] = "abefnrtv\\\"'", to[] = "\a\b\x1b\f\n\r\t\v\\\"'";

	for (rd->p++; rd->p < rd->end && *rd->p != '"'; rd->p++) {
		const char *e;
		unsigned int byte;

		if (*rd->p != '\\') {
			ph_buf_addc(out, *rd->p);
			continue;
		}
		if (++rd->p >= rd->end)
			break;
		e = *rd->p ? strchr(from, *rd->p) : NULL;
		if (e) {
			ph_buf_addc(out, to[e - from]);
		} else if (*rd->p == 'x' && rd->end - rd->p > 2 && sscanf(rd->p + 1, "%2x", &byte) == 1) {
			ph_buf_addc(out, (char)byte);
			rd->p += 2;
		} else {
			return fail(rd, "there is no escape \\%c", *rd->p);
		}
	}
	if (rd->p >= rd->end)
		return fail(rd, "a string is not closed");
	rd->p++;
	return 0;
}

/* Up to a blank; "=" ends it too where @name is wanted. */
static void word(struct reader *rd, struct ph_buf *out, bool name)
{
	const char *start = rd->p;

	while (rd->p < rd->end && !isblank((unsigned char)*rd->p) && !(name && *rd->p == '='))
		rd->p++;
	ph_buf_add(out, start, (size_t)(rd->p - start));
}

static int parse_int(struct reader *rd, const struct ph_type *t, const char *text, struct ph_value *v)
{
	unsigned int bits = t->bits ? t->bits : 64;
	bool is_signed = t->kind == PH_KIND_INT || (t->kind == PH_KIND_ENUM && t->is_signed);
	uint64_t u = 0;
	int64_t i = 0;
	int r = is_signed ? ph_parse_s64(text, &i, rd->err) : ph_parse_u64(text, &u, rd->err);

	if (r < 0)
		return ph_err_wrap(rd->err, r, "line %u", rd->line);
	if (is_signed ? bits < 64 && (i < -(1LL << (bits - 1)) || i >= 1LL << (bits - 1))
		      : bits < 64 && u >> bits)
		return fail(rd, "%s does not fit in %u bits", text, bits);
	if (is_signed)
		v->i = i;
	else
		v->u = u;
	return 0;
}

static int parse_seq(struct reader *rd, const struct ph_type *t, char *text, struct ph_value *v)
{
	size_t len = strlen(text);
	PH_VEC(struct ph_value) elems = { 0 };
	char *part, *rest = text + 1;
	int r = 0;

	if (len < 2 || text[0] != '[' || text[len - 1] != ']')
		return fail(rd, "a sequence is expected, as [1,2]");
	text[len - 1] = 0;
	while (r == 0 && *rest && (part = strsep(&rest, ","))) {
		r = parse_int(rd, t->elem, part, ph_vec_push(&elems));
		if (!rest)
			break;
	}
	v->v = elems.v ? keep(rd, elems.v) : NULL;
	v->n = (uint32_t)elems.n;
	return r;
}

static int parse_hex(struct reader *rd, struct ph_buf *text, struct ph_value *v)
{
	char *bytes;

	if (text->len % 2 || strspn(text->p, "0123456789abcdefABCDEF") != text->len)
		return fail(rd, "bytes are not an even number of hex digits");
	bytes = keep(rd, ph_alloc(text->len / 2));
	for (size_t i = 0; i < text->len; i += 2) {
		unsigned int byte = 0;

		sscanf(text->p + i, "%2x", &byte);
		bytes[i / 2] = (char)byte;
	}
	v->s = bytes;
	v->n = (uint32_t)(text->len / 2);
	return 0;
}

/* Numbers that have names, but for those that stand for others: an errno is what a call returns less than 0. */
static bool named_value(const struct ph_field *f, const struct ph_buf *text, struct ph_value *v)
{
	return isalpha((unsigned char)text->p[0]) && f->unit != PH_UNIT_RET && ph_symbol_value(f->unit, text->p, text->len, &v->i);
}

static int parse_field_value(struct reader *rd, const struct ph_field *f, struct ph_value *v)
{
	const struct ph_type *t = f->type;
	ph_autobuf text = { 0 };
	int r = 0;

	ph_buf_adds(&text, "");
	if (rd->p < rd->end && *rd->p == '"')
		r = quoted(rd, &text);
	else
		word(rd, &text, false);
	if (r < 0)
		return r;
	switch (t->kind) {
	case PH_KIND_UINT:
	case PH_KIND_INT:
	case PH_KIND_ENUM:
		return named_value(f, &text, v) ? 0 : parse_int(rd, t, text.p, v);
	case PH_KIND_STR:
		v->n = (uint32_t)text.len;
		v->s = keep(rd, ph_strndup(text.p, text.len));
		return 0;
	case PH_KIND_BYTES:
		return parse_hex(rd, &text, v);
	case PH_KIND_SEQ:
		return parse_seq(rd, t, text.p, v);
	default:
		return fail(rd, "a value of this type cannot be given");
	}
}

/* "+10", "@1.5s" */
static int parse_time(struct reader *rd, const char *text)
{
	size_t len = strlen(text);
	uint64_t ns;
	int r;

	if (len < 2 || (*text != '+' && *text != '@'))
		return fail(rd, "a time is expected (+NS or @NS), there is \"%s\"", text);
	r = isalpha((unsigned char)text[len - 1]) ? ph_parse_duration(text + 1, &ns, rd->err)
						  : ph_parse_u64(text + 1, &ns, rd->err);
	if (r < 0)
		return ph_err_wrap(rd->err, r, "line %u", rd->line);
	if (*text == '+' && __builtin_add_overflow(rd->ts, ns, &ns))
		return fail(rd, "the time is too large");
	if (ns < rd->ts)
		return fail(rd, "the time is before the last event's");
	rd->ts = ns;
	return 0;
}

/* name=…, the name into @name; the value is next. -ENOENT: a word without "=", which is in @name. */
static int parse_name(struct reader *rd, struct ph_buf *name)
{
	ph_buf_clear(name);
	skip_blanks(rd);
	word(rd, name, true);
	ph_buf_adds(name, "");
	if (rd->p >= rd->end || *rd->p != '=')
		return -ENOENT;
	rd->p++;
	return 0;
}

/* Names in front of the event's own: the present one is in @name, the event's name at the end. */
static int parse_head(struct reader *rd, struct ph_event *ev, struct ph_buf *name)
{
	while (parse_name(rd, name) == 0) {
		struct ph_value v = { 0 };
		bool is_signed = !strcmp(name->p, "tid") || !strcmp(name->p, "pid");
		int r;

		if (!is_signed && strcmp(name->p, "cpu") && strcmp(name->p, "container"))
			return fail(rd, "\"%s\" cannot stand in front of the event's name (cpu, tid, pid, "
				    "container can)", name->p);
		r = parse_field_value(rd, &(struct ph_field){ .type = is_signed ? &ph_type_s32 : &ph_type_u32 }, &v);
		if (r < 0)
			return r;
		if (!strcmp(name->p, "tid"))
			ev->tid = (int32_t)v.i;
		else if (!strcmp(name->p, "pid"))
			ev->pid = (int32_t)v.i;
		else if (!strcmp(name->p, "cpu"))
			ev->cpu = (uint32_t)v.u;
		else
			ev->container = (uint32_t)v.u;
	}
	return 0;
}

static int unknown_event(struct reader *rd, const char *name)
{
	PH_VEC(const char *) names = { 0 };
	const struct ph_class *c;
	const char *near;

	for (size_t i = 0; (c = ph_class_nth(i)); i++)
		*ph_vec_push(&names) = c->name;
	near = ph_nearest(name, names.v, names.n);
	ph_vec_done(&names);
	return near ? fail(rd, "there is no event \"%s\"; did you mean \"%s\"?", name, near)
		    : fail(rd, "there is no event \"%s\"", name);
}

static int parse_event(struct reader *rd)
{
	struct ph_event ev = { .tid = -1, .pid = -1, .container = PH_CONTAINER_UNKNOWN };
	ph_autobuf name = { 0 };
	struct ph_value *v;
	int r = parse_head(rd, &ev, &name);

	if (r < 0)
		return r;
	if (!name.len)
		return fail(rd, "the name of an event is missing");
	ev.ts_ns = rd->ts;
	ev.cls = ph_class_by_name(name.p);
	if (!ev.cls)
		return unknown_event(rd, name.p);
	v = keep(rd, ph_alloc((ev.cls->nfields + 1) * sizeof(*v)));
	ev.v = v;
	for (uint32_t i = 0; i < ev.cls->nfields; i++)
		if (ev.cls->fields[i].type->kind == PH_KIND_STR || ev.cls->fields[i].type->kind == PH_KIND_BYTES)
			v[i].s = "";
	for (;;) {
		uint32_t i = 0;

		r = parse_name(rd, &name);
		if (r < 0 && !name.len)
			break;
		if (r < 0)
			return fail(rd, "\"%s\" has no value", name.p);
		while (i < ev.cls->nfields && strcmp(ev.cls->fields[i].name, name.p))
			i++;
		if (i == ev.cls->nfields)
			return fail(rd, "event \"%s\" has no field \"%s\"", ev.cls->name, name.p);
		r = parse_field_value(rd, &ev.cls->fields[i], &v[i]);
		if (r < 0)
			return ph_err_wrap(rd->err, r, "field \"%s\"", name.p);
	}
	*ph_vec_push(&rd->sy->owned) = ev;
	return 0;
}

static int parse_source(struct reader *rd)
{
	ph_autobuf name = { 0 };

	while (parse_name(rd, &name) == 0) {
		struct ph_value v = { 0 };
		bool is_offset = !strcmp(name.p, "offset_ns");
		int r;

		if (!is_offset && strcmp(name.p, "hostname"))
			return fail(rd, "a source has no \"%s\"", name.p);
		r = parse_field_value(rd, &(struct ph_field){ .type = is_offset ? &ph_type_s64 : &ph_type_str }, &v);
		if (r < 0)
			return r;
		if (is_offset)
			rd->sy->src.offset_ns = v.i;
		else
			rd->sy->src.hostname = v.s;
	}
	return name.len ? fail(rd, "\"%s\" has no value", name.p) : 0;
}

static int parse_line(struct reader *rd)
{
	ph_autobuf first = { 0 };
	int r;

	skip_blanks(rd);
	if (rd->p >= rd->end)
		return 0;
	word(rd, &first, false);
	if (!strcmp(first.p, "source"))
		return parse_source(rd);
	r = parse_time(rd, first.p);
	return r < 0 ? r : parse_event(rd);
}

int ph_synthetic_parse(const char *text, struct ph_source **ret, struct ph_err *err)
{
	struct synthetic *sy = new_synthetic();
	struct reader rd = { .sy = sy, .err = err };
	int r = 0;

	while (r == 0 && *text) {
		rd.p = text;
		rd.end = text + strcspn(text, "\n");
		rd.line++;
		text = rd.end + (*rd.end == '\n');
		r = parse_line(&rd);
	}
	if (r < 0) {
		synthetic_close(&sy->src);
		return r;
	}
	set_events(sy, sy->owned.v, sy->owned.n);
	*ret = &sy->src;
	return 0;
}

int ph_synthetic_open(const char *path, struct ph_source **ret, struct ph_err *err)
{
	ph_autobuf text = { 0 };
	int r = ph_read_file_at(AT_FDCWD, path, 16 << 20, &text);

	if (r < 0)
		return ph_err_sys(err, r, "cannot read %s", path);
	r = ph_synthetic_parse(text.p ? text.p : "", ret, err);
	return r < 0 ? ph_err_wrap(err, r, "%s", path) : 0;
}
