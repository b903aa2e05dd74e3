/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "base/cleanup.h"
#include "event/symbols.h"
#include "view/print.h"

/* Values of fields as text. */

/* Bytes that a quoted string may hold as they are: printable ASCII but the quote and the backslash. */
static bool plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void ph_value_string(struct ph_buf *b, const char *s, size_t n)
{
	size_t at = 0, run;

	ph_buf_reserve(b, n + 3);
	b->p[b->len++] = '"';
	/* Short and plain as most are. */
	for (; at < n && plain((unsigned char)s[at]); at++)
		b->p[b->len++] = s[at];
	while (at < n) {
		for (run = at; run < n && plain((unsigned char)s[run]); run++)
			;
		ph_buf_add(b, s + at, run - at);
		for (at = run; at < n && !plain((unsigned char)s[at]); at = run) {
			run = at + 1;
			switch (s[at]) {
			case '"': ph_buf_adds(b, "\\\""); break;
			case '\\': ph_buf_adds(b, "\\\\"); break;
			case '\n': ph_buf_adds(b, "\\n"); break;
			case '\t': ph_buf_adds(b, "\\t"); break;
			case '\r': ph_buf_adds(b, "\\r"); break;
			default:
				/* UTF-8 goes together, or it would look broken to the escaper. */
				while (run < n && (unsigned char)s[at] >= 0xc0 &&
				       ((unsigned char)s[run] & 0xc0) == 0x80)
					run++;
				ph_buf_add_term(b, s + at, run - at);
			}
		}
	}
	ph_buf_addc(b, '"');
}

static void add_f64(struct ph_buf *b, double v)
{
	char text[40];
	int n = snprintf(text, sizeof(text), "%g", v);

	ph_buf_add(b, text, (size_t)n);
}

/* @v in 2^@shift-ary digits, over at least the bits that the type has where it is negative. */
static void add_base(struct ph_buf *b, const struct ph_type *t, const struct ph_value *v, bool is_signed)
{
	unsigned int step = t->base == 8 ? 3 : t->base == 2 ? 1 : 4;
	unsigned int bits = (t->bits + step - 1) / step * step, n = 0;
	uint64_t u = v->u;
	char digits[64];

	if (is_signed && bits < 64)
		u &= (1ULL << bits) - 1;
	if (t->base == 16) {
		ph_buf_add_hex(b, u);
		return;
	}
	ph_buf_adds(b, t->base == 2 ? "0b" : "0");
	if (t->base == 2) {
		for (unsigned int i = bits > 64 ? 64 : bits; i-- > 0; )
			ph_buf_addc(b, (char)('0' + (u >> i & 1)));
		return;
	}
	do {
		digits[n++] = (char)('0' + (u & 7));
		u >>= 3;
	} while (u);
	while (n)
		ph_buf_addc(b, digits[--n]);
}

static void add_int(struct ph_buf *b, const struct ph_type *t, const struct ph_value *v, bool is_signed)
{
	if (t->base && t->base != 10)
		add_base(b, t, v, is_signed);
	else if (is_signed)
		ph_buf_add_s64(b, v->i);
	else
		ph_buf_add_u64(b, v->u);
}

/* ---- for people ------------------------------------------------------------------------------- */

/* Longer sequences and buffers than this are cut: a line is to be read. */
#define SHOWN_MAX 64

static void text_bytes(struct ph_buf *b, const struct ph_value *v)
{
	static const char hex[] = "0123456789abcdef";
	uint32_t n = v->n < SHOWN_MAX ? v->n : SHOWN_MAX, printable = 0;

	for (uint32_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)v->s[i];

		printable += (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t' || c == '\r';
	}
	/* What a program writes is text more often than not. */
	if (n && printable * 8 >= n * 7) {
		ph_value_string(b, v->s, n);
	} else {
		ph_buf_addc(b, '<');
		for (uint32_t i = 0; i < n; i++) {
			if (i)
				ph_buf_addc(b, ' ');
			ph_buf_addc(b, hex[(unsigned char)v->s[i] >> 4]);
			ph_buf_addc(b, hex[(unsigned char)v->s[i] & 15]);
		}
		ph_buf_addc(b, '>');
	}
	if (v->n > n) {
		ph_buf_adds(b, "… ");
		ph_buf_add_u64(b, v->n);
		ph_buf_adds(b, " bytes");
	}
}

/* Strings, each with its NUL (the last may have been cut). */
static void text_argv(struct ph_buf *b, const struct ph_value *v)
{
	uint32_t at = 0, len;

	ph_buf_addc(b, '[');
	while (at < v->n) {
		len = (uint32_t)strnlen(v->s + at, v->n - at);
		if (at)
			ph_buf_adds(b, ", ");
		ph_value_string(b, v->s + at, len);
		at += len + 1;
	}
	ph_buf_addc(b, ']');
}

static void text_seconds(struct ph_buf *b, const struct ph_value *v, unsigned int digits)
{
	int64_t sec, frac;

	memcpy(&sec, v->s, 8);
	memcpy(&frac, v->s + 8, 8);
	ph_buf_add_s64(b, sec);
	ph_buf_addc(b, '.');
	ph_buf_add_zeros(b, (uint64_t)frac, digits);
	ph_buf_addc(b, 's');
}

static void text_unit_bytes(struct ph_buf *b, enum ph_unit unit, const struct ph_value *v)
{
	switch (unit) {
	case PH_UNIT_ADDR:
		if (ph_symbol_add_addr(b, v->s, v->n))
			return;
		break;
	case PH_UNIT_SOCKADDR:
		if (ph_symbol_add_sockaddr(b, v->s, v->n))
			return;
		break;
	case PH_UNIT_ARGV:
		text_argv(b, v);
		return;
	case PH_UNIT_TIMESPEC:
	case PH_UNIT_TIMEVAL:
		if (v->n == 16) {
			text_seconds(b, v, unit == PH_UNIT_TIMESPEC ? 9 : 6);
			return;
		}
		break;
	default:
		break;
	}
	text_bytes(b, v);
}

static void text_int(struct ph_buf *b, const struct ph_identity *id, const struct ph_type *type,
		     enum ph_unit unit, const struct ph_value *v, bool is_signed)
{
	size_t start;

	if (unit == PH_UNIT_NONE) {
		add_int(b, type, v, is_signed);
		return;
	}
	/* A device is its two numbers, not their sum. */
	if (unit == PH_UNIT_DEV && ph_symbol_add(b, unit, v->i))
		return;
	add_int(b, type, v, is_signed);
	start = b->len;
	ph_buf_addc(b, ' ');
	if (unit == PH_UNIT_CONTAINER) {
		const char *label = id && v->u <= UINT32_MAX ? ph_container_label(id, (uint32_t)v->u) : "";

		ph_buf_add_term(b, label, strlen(label));
		if (*label)
			return;
	} else if (ph_symbol_add(b, unit, v->i)) {
		return;
	}
	b->len = start;
	b->p[start] = 0;
}

static void text_elems(struct ph_buf *b, const struct ph_identity *id, const struct ph_type *elem,
		       enum ph_unit unit, const struct ph_value *v)
{
	ph_buf_addc(b, '[');
	for (uint32_t i = 0; i < v->n && i < SHOWN_MAX; i++) {
		if (i)
			ph_buf_adds(b, ", ");
		ph_value_text(b, id, elem, unit, &v->v[i]);
	}
	if (v->n > SHOWN_MAX) {
		ph_buf_adds(b, ", … ");
		ph_buf_add_u64(b, v->n);
		ph_buf_adds(b, " in all");
	}
	ph_buf_addc(b, ']');
}

void ph_value_text(struct ph_buf *b, const struct ph_identity *id, const struct ph_type *type,
		   enum ph_unit unit, const struct ph_value *v)
{
	const char *label;

	switch (type->kind) {
	case PH_KIND_UINT:
		text_int(b, id, type, unit, v, false);
		break;
	case PH_KIND_INT:
		text_int(b, id, type, unit, v, true);
		break;
	case PH_KIND_ENUM:
		add_int(b, type, v, type->is_signed);
		label = ph_enum_label(type, v);
		if (label) {
			ph_buf_addc(b, ' ');
			ph_buf_add_term(b, label, strlen(label));
		}
		break;
	case PH_KIND_FLOAT:
		add_f64(b, v->f);
		break;
	case PH_KIND_STR:
		ph_value_string(b, v->s, v->n);
		break;
	case PH_KIND_BYTES:
		text_unit_bytes(b, unit, v);
		break;
	case PH_KIND_SEQ:
		text_elems(b, id, type->elem, unit, v);
		break;
	case PH_KIND_STRUCT:
		ph_buf_adds(b, "{ ");
		for (uint32_t i = 0; i < type->nfields; i++) {
			if (i)
				ph_buf_adds(b, ", ");
			ph_buf_add_term(b, type->fields[i].name, strlen(type->fields[i].name));
			ph_buf_adds(b, " = ");
			ph_value_text(b, id, type->fields[i].type, type->fields[i].unit, &v->v[i]);
		}
		ph_buf_adds(b, type->nfields ? " }" : "}");
		break;
	case PH_KIND_VARIANT:
		if (v->sel < type->nfields)
			ph_value_text(b, id, type->fields[v->sel].type, type->fields[v->sel].unit, v->v);
		break;
	}
}

/* ---- as babeltrace2 ---------------------------------------------------------------------------- */

static void babeltrace_string(struct ph_buf *b, const char *s, size_t n)
{
	static const char letters[] = "abtnvfr";	/* of 7 … 13 */
	size_t at = 0, run;

	ph_buf_addc(b, '"');
	/* A C string there: what stands behind a NUL is not seen. */
	n = n ? strnlen(s, n) : 0;
	for (; at < n; at = run) {
		unsigned char c = (unsigned char)s[at];

		for (run = at; run < n && plain((unsigned char)s[run]) && s[run] != '\'' && s[run] != '?'; run++)
			;
		if (run > at) {
			ph_buf_add(b, s + at, run - at);
			continue;
		}
		run = at + 1;
		if (c >= 7 && c <= 13) {
			ph_buf_addc(b, '\\');
			ph_buf_addc(b, letters[c - 7]);
		} else if (c == 27) {
			ph_buf_adds(b, "\\e");
		} else if (c == '"' || c == '\\' || c == '\'' || c == '?') {
			ph_buf_addc(b, '\\');
			ph_buf_addc(b, (char)c);
		} else if (c < 0x20 || c == 0x7f) {
			ph_buf_addf(b, "\\x%02x", c);
		} else {
			/* It would go as it is, but for what a terminal would act upon. */
			while (run < n && (unsigned char)s[run] >= 0x80)
				run++;
			ph_buf_add_term(b, s + at, run - at);
		}
	}
	ph_buf_addc(b, '"');
}

static void babeltrace_enum(struct ph_buf *b, const struct ph_type *t, const struct ph_value *v)
{
	bool any = false;

	ph_buf_adds(b, "( ");
	for (uint32_t i = 0; i < t->nlabels; i++) {
		const struct ph_enum_label *l = &t->labels[i];

		if (t->is_signed ? v->i < l->lo || v->i > l->hi
				 : v->u < (uint64_t)l->lo || v->u > (uint64_t)l->hi)
			continue;
		if (any)
			ph_buf_adds(b, ", ");
		any = true;
		babeltrace_string(b, l->name, strlen(l->name));
	}
	ph_buf_adds(b, any ? " : container = " : "<unknown> : container = ");
	add_int(b, t, v, t->is_signed);
	ph_buf_adds(b, " )");
}

static void index_open(struct ph_buf *b, uint32_t i)
{
	ph_buf_adds(b, i ? ", [" : "[");
	ph_buf_add_u64(b, i);
	ph_buf_adds(b, "] = ");
}

void ph_value_babeltrace_length(struct ph_buf *b, const struct ph_field *f, const struct ph_value *v)
{
	if (!f->counted)
		return;
	ph_buf_addc(b, '_');
	ph_buf_adds(b, f->name);
	ph_buf_adds(b, "_length = ");
	ph_buf_add_u64(b, v->n);
	ph_buf_adds(b, ", ");
}

void ph_value_babeltrace(struct ph_buf *b, const struct ph_type *type, const struct ph_value *v)
{
	/* The writer's metadata says base 16 for bytes. */
	static const struct ph_type byte = { .kind = PH_KIND_UINT, .bits = 8, .base = 16 };
	const struct ph_type *elem;

	switch (type->kind) {
	case PH_KIND_UINT:
	case PH_KIND_INT:
		add_int(b, type, v, type->kind == PH_KIND_INT);
		break;
	case PH_KIND_ENUM:
		babeltrace_enum(b, type, v);
		break;
	case PH_KIND_FLOAT:
		add_f64(b, v->f);
		break;
	case PH_KIND_STR:
		babeltrace_string(b, v->s, v->n);
		break;
	case PH_KIND_BYTES:
		elem = type->elem && type != &ph_type_bytes ? type->elem : &byte;
		ph_buf_adds(b, "[ ");
		for (uint32_t i = 0; i < v->n; i++) {
			struct ph_value one = { .u = (unsigned char)v->s[i] };

			if (elem->kind == PH_KIND_INT)
				one.i = (signed char)v->s[i];
			index_open(b, i);
			add_int(b, elem, &one, elem->kind == PH_KIND_INT);
		}
		ph_buf_adds(b, v->n ? " ]" : "]");
		break;
	case PH_KIND_SEQ:
		ph_buf_adds(b, "[ ");
		for (uint32_t i = 0; i < v->n; i++) {
			index_open(b, i);
			ph_value_babeltrace(b, type->elem, &v->v[i]);
		}
		ph_buf_adds(b, v->n ? " ]" : "]");
		break;
	case PH_KIND_STRUCT:
		ph_buf_adds(b, "{ ");
		for (uint32_t i = 0; i < type->nfields; i++) {
			if (i)
				ph_buf_adds(b, ", ");
			ph_value_babeltrace_length(b, &type->fields[i], &v->v[i]);
			ph_buf_adds(b, type->fields[i].name);
			ph_buf_adds(b, " = ");
			ph_value_babeltrace(b, type->fields[i].type, &v->v[i]);
		}
		ph_buf_adds(b, type->nfields ? " }" : "}");
		break;
	case PH_KIND_VARIANT:
		/* The alternative's name, in a structure of one. */
		if (v->sel < type->nfields) {
			ph_buf_adds(b, "{ ");
			ph_buf_adds(b, type->fields[v->sel].name);
			ph_buf_adds(b, " = ");
			ph_value_babeltrace(b, type->fields[v->sel].type, v->v);
			ph_buf_adds(b, " }");
		}
		break;
	}
}
