/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of functions in so many columns: those of templates are longer than any terminal is wide. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "export/parts.h"

#define MARK "\xe2\x80\xa6"
#define DEPTH_MAX 64
/* A column of names is no narrower. */
#define NAME_MIN 20

static size_t columns(const char *s)
{
	size_t bytes;

	return ph_display_width(s, SIZE_MAX, &bytes);
}

/* The characters from @s on that are an operator's name, in which brackets are none. */
static size_t operator_len(const char *begin, const char *s)
{
	size_t n = 0;

	if (s - begin < 8 || memcmp(s - 8, "operator", 8))
		return 0;
	if (!strncmp(s, "()", 2))
		return 2;
	while (n < 3 && s[n] && strchr("<>=-", s[n]))
		n++;
	/* (Whose third begins with what is between brackets.) */
	return strncmp(s, "<<<", 3) ? n : 2;
}

/* @s without what stands in more than @keep brackets; false: its brackets do not match. (Those that are open at its end may be: it was cut.) */
static bool without_inside(const char *s, unsigned int keep, unsigned int *ret_deepest, struct ph_buf *out)
{
	char closes[DEPTH_MAX];
	unsigned int depth = 0;

	*ret_deepest = 0;
	for (const char *c = s; *c; c++) {
		size_t op = operator_len(s, c);

		if (op) {
			if (depth <= keep)
				ph_buf_add(out, c, op);
			c += op - 1;
			continue;
		}
		if (*c == '<' || *c == '(') {
			if (depth == DEPTH_MAX)
				return false;
			closes[depth] = *c == '<' ? '>' : ')';
			if (depth++ <= keep)
				ph_buf_addc(out, *c);
			if (depth == keep + 1 && c[1] != closes[depth - 1])
				ph_buf_adds(out, MARK);
			*ret_deepest = depth > *ret_deepest ? depth : *ret_deepest;
			continue;
		}
		/* (-> is no bracket.) */
		if (*c == ')' || (*c == '>' && !(c > s && c[-1] == '-'))) {
			if (!depth || closes[depth - 1] != *c)
				return false;
			depth--;
		}
		if (depth <= keep)
			ph_buf_addc(out, *c);
	}
	return true;
}

/* The end of a name says more than its beginning: namespaces, a type. */
static void add_end(const char *s, size_t width, struct ph_buf *out)
{
	size_t have = columns(s), bytes = 0;

	if (have <= width) {
		ph_buf_adds(out, s);
		return;
	}
	ph_buf_adds(out, MARK);
	ph_display_width(s, have - (width - 1), &bytes);
	/* (What is two columns wide may have to go as a whole.) */
	if (columns(s + bytes) >= width)
		ph_display_width(s, have - (width - 1) + 1, &bytes);
	s += bytes;
	s += strncmp(s, MARK, strlen(MARK)) ? strspn(s, " ") : strlen(MARK);
	ph_buf_adds(out, s);
}

void ph_shorten(const char *name, size_t width, struct ph_buf *out)
{
	ph_autobuf whole = { 0 }, less = { 0 };
	unsigned int keep, unused;

	ph_buf_add_term(&whole, name, strlen(name));
	ph_buf_adds(&whole, "");
	if (columns(whole.p) <= width) {
		ph_buf_adds(out, whole.p);
		return;
	}
	if (!without_inside(whole.p, UINT32_MAX - 1, &keep, &less)) {
		add_end(whole.p, width, out);
		return;
	}
	while (keep-- && columns(less.p) > width) {
		ph_buf_clear(&less);
		without_inside(whole.p, keep, &unused, &less);
	}
	add_end(less.p, width, out);
}

void ph_shorten_column(struct ph_table *t, const struct ph_table_fmt *fmt, size_t col, unsigned int width)
{
	ph_autofree size_t *widths = ph_alloc(t->ncols * sizeof(*widths));
	size_t used = 0;

	if (!width || fmt->output != PH_OUT_COLUMNS || !ph_table_shows(fmt, t->cols, t->ncols, col))
		return;
	ph_table_measure(t, widths);
	for (size_t i = 0; i < t->ncols; i++)
		if (i != col && ph_table_shows(fmt, t->cols, t->ncols, i))
			used += widths[i] + PH_TABLE_GAP;
	used = width > used + NAME_MIN ? width - used : NAME_MIN;
	ph_vec_each(row, &t->rows) {
		struct ph_cell *c = &(*row)[col];
		ph_autobuf text = { 0 };

		if (!c->set || !c->s)
			continue;
		ph_shorten(c->s, used, &text);
		ph_cell_text(c, "%s", text.p);
	}
}

const char *ph_func_place(const struct ph_func *f, const struct ph_loc *loc)
{
	const char *slash;

	switch (f->kind) {
	case PH_FRAME_KERNEL:
		return f->module[0] ? f->module : "kernel";
	case PH_FRAME_INTERPRETER:
		slash = strrchr(loc->source, '/');
		return slash && slash[1] ? slash + 1 : loc->source[0] ? loc->source : f->module;
	case PH_FRAME_USER: case PH_FRAME_INLINED: case PH_FRAME_JIT:
		return f->module;
	default:
		return "";
	}
}
