/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_TESTS_BT2_TEXT_H
#define PH_TESTS_BT2_TEXT_H

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "event/schema.h"

/*
 * Events as babeltrace2 prints them with --no-delta --clock-cycles, so that both can be compared byte
 * for byte: every value of every field. What we hide (the lengths of sequences, as LTTng has them) is
 * taken out of its text by bt2_without_lengths().
 */
static void bt2_value(struct ph_buf *out, const struct ph_type *t, const struct ph_value *v);

/* babeltrace2 prints a variant's value without the option's name; where it is compared, so do we. */
static bool bt2_option_names = true;

static void bt2_string(struct ph_buf *out, const char *s, size_t n)
{
	static const char from[] = "\a\b\x1b\f\n\r\t\v\\\"", to[] = "abefnrtv\\\"";

	ph_buf_addc(out, '"');
	for (size_t i = 0; i < n; i++) {
		const char *e = s[i] ? strchr(from, s[i]) : NULL;

		if (e) {
			ph_buf_addc(out, '\\');
			ph_buf_addc(out, to[e - from]);
		} else {
			ph_buf_addc(out, s[i]);
		}
	}
	ph_buf_addc(out, '"');
}

static void bt2_fields(struct ph_buf *out, const struct ph_field *f, const struct ph_value *v, uint32_t n)
{
	ph_buf_adds(out, "{ ");
	for (uint32_t i = 0; i < n; i++) {
		ph_buf_addf(out, "%s%s = ", i ? ", " : "", f[i].name);
		bt2_value(out, f[i].type, &v[i]);
	}
	ph_buf_adds(out, n ? " }" : "}");
}

static void bt2_int(struct ph_buf *out, const struct ph_type *t, const struct ph_value *v)
{
	uint64_t mask = t->bits && t->bits < 64 ? (1ULL << t->bits) - 1 : UINT64_MAX;

	if (t->base == 16)
		ph_buf_addf(out, "0x%" PRIX64, v->u & mask);
	else if (t->base == 8)
		ph_buf_addf(out, "0%" PRIo64, v->u & mask);
	else if (t->kind == PH_KIND_INT || (t->kind == PH_KIND_ENUM && t->is_signed))
		ph_buf_addf(out, "%" PRId64, v->i);
	else
		ph_buf_addf(out, "%" PRIu64, v->u);
}

static void bt2_value(struct ph_buf *out, const struct ph_type *t, const struct ph_value *v)
{
	const char *label;

	switch (t->kind) {
	case PH_KIND_UINT:
	case PH_KIND_INT:
		bt2_int(out, t, v);
		break;
	case PH_KIND_FLOAT:
		ph_buf_addf(out, "%g", v->f);
		break;
	case PH_KIND_STR:
		bt2_string(out, v->s, v->n);
		break;
	case PH_KIND_ENUM:
		label = ph_enum_label(t, v);
		ph_buf_adds(out, "( ");
		if (label)
			bt2_string(out, label, strlen(label));
		else
			ph_buf_adds(out, "<unknown>");
		ph_buf_adds(out, " : container = ");
		bt2_int(out, t, v);
		ph_buf_adds(out, " )");
		break;
	case PH_KIND_SEQ:
	case PH_KIND_BYTES:
		ph_buf_adds(out, "[ ");
		for (uint32_t i = 0; i < v->n; i++) {
			struct ph_value byte = { 0 };

			ph_buf_addf(out, "%s[%u] = ", i ? ", " : "", i);
			if (t->kind == PH_KIND_BYTES)
				byte.i = t->elem->kind == PH_KIND_INT ? (signed char)v->s[i]
								      : (unsigned char)v->s[i];
			bt2_value(out, t->elem, t->kind == PH_KIND_BYTES ? &byte : &v->v[i]);
		}
		ph_buf_adds(out, v->n ? " ]" : "]");
		break;
	case PH_KIND_STRUCT:
		bt2_fields(out, t->fields, v->v, t->nfields);
		break;
	case PH_KIND_VARIANT:
		ph_buf_adds(out, "{ ");
		if (bt2_option_names)
			ph_buf_addf(out, "%s = ", t->fields[v->sel].name);
		bt2_value(out, t->fields[v->sel].type, v->v);
		ph_buf_adds(out, " }");
		break;
	}
}

/* One line. @has_cpu: the packet context has a cpu_id. Contexts stand in one pair of braces each, so
 * @nstream of them are the stream's. */
static inline void bt2_event(struct ph_buf *out, const struct ph_event *ev, const char *host, bool has_cpu)
{
	ph_buf_addf(out, "[%020" PRIu64 "] %s%s%s: ", ev->ts_ns, host ? host : "", host ? " " : "",
		    ev->cls->name);
	if (has_cpu)
		ph_buf_addf(out, "{ cpu_id = %u }, ", ev->cpu);
	if (ev->cls->nctx) {
		bt2_fields(out, ev->cls->ctx, ev->ctx, ev->cls->nctx);
		ph_buf_adds(out, ", ");
	}
	bt2_fields(out, ev->cls->fields, ev->v, ev->cls->nfields);
	ph_buf_addc(out, '\n');
}

/* "_x_length = 3, x = [" loses its first part. In place. */
static inline void bt2_without_lengths(char *text)
{
	char *from = text, *to = text;

	while (*from) {
		size_t name = strspn(from, "_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");

		if (*from == '_' && name > 8 && (from == text || from[-1] == ' ') &&
		    !strncmp(from + name - 7, "_length = ", 10)) {
			size_t num = strspn(from + name + 3, "0123456789");
			const char *seq = from + name + 3 + num + 2;

			if (!strncmp(from + name + 3 + num, ", ", 2) && !strncmp(seq, from + 1, name - 8) &&
			    !strncmp(seq + name - 8, " = ", 3)) {
				from += name + 3 + num + 2;
				continue;
			}
		}
		*to++ = *from++;
	}
	*to = 0;
}

/*
 * Where do @ours and @theirs differ? NULL: nowhere. babeltrace2 2.0.4 prints an empty string as what the
 * field held in an event before: any text of theirs is taken for an empty one of ours.
 */
static inline const char *bt2_differs(const char *ours, const char *theirs)
{
	while (*ours && *ours == *theirs) {
		ours++;
		theirs++;
		if (ours[-1] == '"' && ours[0] == '"' && (ours[1] == ',' || ours[1] == ' '))
			while (*theirs && *theirs != '"' && *theirs != '\n')
				theirs++;
	}
	return *ours || *theirs ? ours : NULL;
}

#endif
