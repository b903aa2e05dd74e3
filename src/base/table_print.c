/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table as text: in columns for a terminal, JSON, CSV; and the schema of its rows. */
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/parse.h"
#include "base/table_priv.h"

static void json_cell(struct ph_json *j, const struct ph_col *col, const struct ph_cell *c)
{
	if (!c->set || (col->type == PH_COL_STR && !c->s)) {
		ph_json_null(j, col->json);
		return;
	}
	switch (col->type) {
	case PH_COL_STR:
		ph_json_str(j, col->json, c->s);
		break;
	case PH_COL_U64:
	case PH_COL_BYTES:
	case PH_COL_NS:
		ph_json_u64(j, col->json, c->u);
		break;
	case PH_COL_S64:
		ph_json_s64(j, col->json, c->i);
		break;
	case PH_COL_F64:
		ph_json_f64(j, col->json, c->f);
		break;
	case PH_COL_BOOL:
		ph_json_bool(j, col->json, c->u);
		break;
	}
}

static void print_json(const struct ph_table *t, const table_cols *list, size_t nrows, bool pretty,
		       struct ph_buf *out)
{
	for (size_t i = 0; i < nrows; i++) {
		struct ph_json j = { .out = out, .pretty = pretty };

		ph_json_obj(&j, NULL);
		for (size_t k = 0; k < list->n; k++)
			json_cell(&j, &t->cols[list->v[k]], &t->rows.v[i][list->v[k]]);
		ph_json_obj_end(&j);
		ph_buf_addc(out, '\n');
	}
}

/* The value as plain text; @human: with units, and the cell's own text where it has one. */
static void cell_text(const struct ph_col *col, const struct ph_cell *c, bool human,
		      struct ph_buf *out)
{
	char num[PH_HUMAN_MAX];

	if (human && c->text) {
		ph_buf_adds(out, c->text);
		return;
	}
	if (!c->set || (col->type == PH_COL_STR && !c->s)) {
		if (human)
			ph_buf_addc(out, '-');
		return;
	}
	switch (col->type) {
	case PH_COL_STR:
		ph_buf_adds(out, c->s);
		break;
	case PH_COL_U64:
		ph_buf_add_u64(out, c->u);
		break;
	case PH_COL_S64:
		ph_buf_add_s64(out, c->i);
		break;
	case PH_COL_F64:
		ph_buf_addf(out, human ? "%.1f" : "%.17g", c->f);
		break;
	case PH_COL_BYTES:
		if (human)
			ph_buf_adds(out, ph_human_bytes(c->u, num));
		else
			ph_buf_add_u64(out, c->u);
		break;
	case PH_COL_NS:
		if (human)
			ph_buf_adds(out, ph_human_ns(c->u, num));
		else
			ph_buf_add_u64(out, c->u);
		break;
	case PH_COL_BOOL:
		ph_buf_adds(out, human ? (c->u ? "yes" : "no") : (c->u ? "true" : "false"));
		break;
	}
}

static void print_csv(const struct ph_table *t, const table_cols *list, size_t nrows, bool header,
		      struct ph_buf *out)
{
	ph_autobuf cell = { 0 };

	for (size_t k = 0; header && k < list->n; k++) {
		const char *name = t->cols[list->v[k]].json;

		if (k)
			ph_buf_addc(out, ',');
		ph_buf_add_csv(out, name, strlen(name));
	}
	if (header)
		ph_buf_adds(out, "\r\n");
	for (size_t i = 0; i < nrows; i++) {
		for (size_t k = 0; k < list->n; k++) {
			ph_buf_clear(&cell);
			cell_text(&t->cols[list->v[k]], &t->rows.v[i][list->v[k]], false, &cell);
			if (k)
				ph_buf_addc(out, ',');
			ph_buf_add_csv(out, cell.p ? cell.p : "", cell.len);
		}
		ph_buf_adds(out, "\r\n");
	}
}

/* The code point at @s, which is valid UTF-8 (ph_buf_add_term made it), and its length. */
static size_t utf8_len(const char *s, wchar_t *ret)
{
	unsigned char c = (unsigned char)*s;
	size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	wchar_t w = n == 1 ? c : c & (0x7f >> n);

	for (size_t i = 1; i < n; i++) {
		if (((unsigned char)s[i] & 0xc0) != 0x80) {
			*ret = '?';
			return i;
		}
		w = w << 6 | ((unsigned char)s[i] & 0x3f);
	}
	*ret = w;
	return n;
}

size_t ph_display_width(const char *s, size_t max, size_t *ret_bytes)
{
	size_t width = 0, at = 0;

	while (s[at]) {
		wchar_t w;
		size_t n = utf8_len(s + at, &w);
		/* In the C locale wcwidth() knows nothing above ASCII. */
		int cells = w < 0x80 ? 1 : wcwidth(w);

		if (cells < 0)
			cells = 1;
		if (width + (size_t)cells > max)
			break;
		width += (size_t)cells;
		at += n;
	}
	*ret_bytes = at;
	return width;
}

#define MIN_STR 8	/* a string column is not cut below this */

static bool is_number(const struct ph_col *col)
{
	return col->type != PH_COL_STR && col->type != PH_COL_BOOL;
}

/* Cut string columns, the last one first, until the line fits. */
static void fit(const struct ph_table *t, const table_cols *list, size_t *widths, unsigned int width)
{
	size_t total = 0, unused;

	for (size_t k = 0; k < list->n; k++)
		total += widths[k] + (k ? PH_TABLE_GAP : 0);
	for (size_t k = list->n; k-- > 0 && total > width; ) {
		const struct ph_col *col = &t->cols[list->v[k]];
		size_t min = ph_display_width(col->head, SIZE_MAX, &unused), cut;

		if (is_number(col))
			continue;
		if (min < MIN_STR)
			min = MIN_STR;
		if (widths[k] <= min)
			continue;
		cut = total - width;
		if (cut > widths[k] - min)
			cut = widths[k] - min;
		widths[k] -= cut;
		total -= cut;
	}
}

static void pad(struct ph_buf *out, size_t n)
{
	while (n--)
		ph_buf_addc(out, ' ');
}

static void put_cell(const char *s, size_t width, bool right, bool last, struct ph_buf *out)
{
	size_t bytes, w = ph_display_width(s, SIZE_MAX, &bytes);

	if (w > width) {
		w = ph_display_width(s, width - 1, &bytes) + 1;
		ph_buf_add(out, s, bytes);
		ph_buf_adds(out, MB_CUR_MAX > 1 ? "\xe2\x80\xa6" : "~");
		if (!last)
			pad(out, width - w);
		return;
	}
	if (right)
		pad(out, width - w);
	ph_buf_add(out, s, bytes);
	if (!right && !last)
		pad(out, width - w);
}

/* A line that is still too long (numbers alone fill it) is clipped: it must not wrap. */
static void end_line(struct ph_buf *out, size_t line, unsigned int width)
{
	size_t bytes;

	while (out->len > line && out->p[out->len - 1] == ' ')
		out->len--;
	if (width && out->len > line) {
		out->p[out->len] = 0;
		ph_display_width(out->p + line, width, &bytes);
		out->len = line + bytes;
	}
	ph_buf_addc(out, '\n');
}

/* As eyes see it, nothing in it that a terminal would act upon. */
static void cell_shown(const struct ph_col *col, const struct ph_cell *c, struct ph_buf *out)
{
	ph_autobuf raw = { 0 };

	cell_text(col, c, true, &raw);
	ph_buf_add_term(out, raw.p ? raw.p : "", raw.len);
}

void ph_table_measure(const struct ph_table *t, size_t *widths)
{
	ph_autobuf b = { 0 };
	size_t unused;

	for (size_t k = 0; k < t->ncols; k++) {
		size_t w = ph_display_width(t->cols[k].head, SIZE_MAX, &unused);

		w = t->cols[k].width > w ? t->cols[k].width : w;
		widths[k] = w > widths[k] ? w : widths[k];
		for (size_t i = 0; i < t->rows.n; i++) {
			ph_buf_clear(&b);
			cell_shown(&t->cols[k], &t->rows.v[i][k], &b);
			w = ph_display_width(b.p ? b.p : "", SIZE_MAX, &unused);
			widths[k] = w > widths[k] ? w : widths[k];
		}
	}
}

/* @keep: widths of all columns so far, which only grow; NULL: the rows are all that there are. */
static void print_columns(const struct ph_table *t, const table_cols *list, size_t nrows, bool header,
			  unsigned int width, size_t *keep, struct ph_buf *out)
{
	ph_autofree size_t *widths = ph_alloc((list->n + 1) * sizeof(*widths));
	ph_autofree char **text = ph_alloc((nrows * list->n + 1) * sizeof(*text));
	size_t line, w, unused;

	for (size_t k = 0; k < list->n && (header || keep); k++)
		widths[k] = ph_display_width(t->cols[list->v[k]].head, SIZE_MAX, &unused);
	for (size_t k = 0; k < list->n && keep; k++) {
		w = keep[list->v[k]] ? keep[list->v[k]] : t->cols[list->v[k]].width;
		widths[k] = w > widths[k] ? w : widths[k];
	}
	for (size_t i = 0; i < nrows; i++) {
		for (size_t k = 0; k < list->n; k++) {
			ph_autobuf esc = { 0 };

			cell_shown(&t->cols[list->v[k]], &t->rows.v[i][list->v[k]], &esc);
			text[i * list->n + k] = ph_buf_steal(&esc);
			w = ph_display_width(text[i * list->n + k], SIZE_MAX, &unused);
			if (w > widths[k])
				widths[k] = w;
		}
	}
	for (size_t k = 0; k < list->n && keep; k++)
		keep[list->v[k]] = widths[k];
	if (width)
		fit(t, list, widths, width);
	if (header) {
		line = out->len;
		for (size_t k = 0; k < list->n; k++) {
			const struct ph_col *col = &t->cols[list->v[k]];

			pad(out, k ? PH_TABLE_GAP : 0);
			put_cell(col->head, widths[k], is_number(col), k + 1 == list->n, out);
		}
		end_line(out, line, width);
	}
	for (size_t i = 0; i < nrows; i++) {
		line = out->len;
		for (size_t k = 0; k < list->n; k++) {
			pad(out, k ? PH_TABLE_GAP : 0);
			put_cell(text[i * list->n + k], widths[k], is_number(&t->cols[list->v[k]]),
				 k + 1 == list->n, out);
			free(text[i * list->n + k]);
		}
		end_line(out, line, width);
	}
}

static int print_table(struct ph_table *t, const struct ph_table_fmt *fmt, unsigned int width, bool header,
		       size_t *keep, struct ph_buf *out, struct ph_err *err)
{
	size_t nrows = t->rows.n, col;
	table_cols list = { 0 };
	bool desc;
	int r;

	if (fmt->json_schema) {
		ph_table_schema(t->cols, t->ncols, out);
		return 0;
	}
	r = table_choose_cols(fmt, t->cols, t->ncols, &list, err);
	if (r == 0 && fmt->sort) {
		r = table_choose_sort(fmt, t->cols, t->ncols, &col, &desc, err);
		if (r == 0)
			ph_table_sort(t, col, desc);
	}
	if (r < 0) {
		ph_vec_done(&list);
		return r;
	}
	if (fmt->max_entries && nrows > fmt->max_entries)
		nrows = fmt->max_entries;
	switch (fmt->output) {
	case PH_OUT_COLUMNS:
		print_columns(t, &list, nrows, header, width, keep, out);
		break;
	case PH_OUT_JSON:
	case PH_OUT_JSONPRETTY:
		print_json(t, &list, nrows, fmt->output == PH_OUT_JSONPRETTY, out);
		break;
	case PH_OUT_CSV:
		print_csv(t, &list, nrows, header, out);
		break;
	}
	ph_vec_done(&list);
	return 0;
}

int ph_table_print(struct ph_table *t, const struct ph_table_fmt *fmt, unsigned int width,
		   struct ph_buf *out, struct ph_err *err)
{
	return print_table(t, fmt, width, !fmt->no_header, NULL, out, err);
}

int ph_table_print_more(struct ph_table *t, const struct ph_table_fmt *fmt, unsigned int width,
			struct ph_table_more *more, struct ph_buf *out, struct ph_err *err)
{
	int r;

	if (!more->widths)
		more->widths = ph_alloc((t->ncols + 1) * sizeof(*more->widths));
	r = print_table(t, fmt, width, !fmt->no_header && !more->begun, more->widths, out, err);
	more->begun = true;
	table_cut_rows(t, 0);
	return r;
}

void ph_table_more_done(struct ph_table_more *more)
{
	free(more->widths);
	*more = (struct ph_table_more){ 0 };
}

void ph_table_schema(const struct ph_col *cols, size_t ncols, struct ph_buf *out)
{
	static const char *const types[] = {
		[PH_COL_STR] = "string", [PH_COL_U64] = "integer", [PH_COL_S64] = "integer",
		[PH_COL_F64] = "number", [PH_COL_BYTES] = "integer", [PH_COL_NS] = "integer",
		[PH_COL_BOOL] = "boolean",
	};
	struct ph_json j = { .out = out, .pretty = true };

	ph_json_obj(&j, NULL);
	ph_json_str(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
	ph_json_str(&j, "type", "object");
	ph_json_obj(&j, "properties");
	for (size_t i = 0; i < ncols; i++) {
		ph_json_obj(&j, cols[i].json);
		ph_json_arr(&j, "type");
		ph_json_str(&j, NULL, types[cols[i].type]);
		ph_json_str(&j, NULL, "null");
		ph_json_arr_end(&j);
		ph_json_str(&j, "description", cols[i].help ? cols[i].help : cols[i].head);
		ph_json_obj_end(&j);
	}
	ph_json_obj_end(&j);
	ph_json_bool(&j, "additionalProperties", false);
	ph_json_obj_end(&j);
	ph_buf_addc(out, '\n');
}
