/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/table_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

static int parse_output(void *dst, const char *value, struct ph_err *err)
{
	static const char *const names[] = { "columns", "json", "jsonpretty", "csv" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(names); i++) {
		if (!strcmp(value, names[i])) {
			*(enum ph_output *)dst = (enum ph_output)i;
			return 0;
		}
	}
	return ph_err_set(err, -EINVAL, "'%s' is none of columns, json, jsonpretty, csv", value);
}

void ph_table_opts(struct ph_table_fmt *fmt, struct ph_opt opts[PH_TABLE_NOPTS])
{
	const struct ph_opt all[PH_TABLE_NOPTS] = {
		{ "output", 'o', PH_OPT_CALL, "FORMAT", &fmt->output, parse_output,
		  .help = "columns, json (one object a line), jsonpretty or csv" },
		{ "fields", 0, PH_OPT_LIST, "LIST", &fmt->fields,
		  .help = "show these fields, in this order; +NAME adds one to the usual ones" },
		{ "sort", 0, PH_OPT_STR, "[-]FIELD", &fmt->sort,
		  .help = "order by a field, with - from large to small" },
		{ "max-entries", 0, PH_OPT_U64, "N", &fmt->max_entries,
		  .help = "show the first N rows only" },
		{ "no-header", 0, PH_OPT_FLAG, NULL, &fmt->no_header, .help = "no line of headings" },
		{ "json-schema", 0, PH_OPT_FLAG, NULL, &fmt->json_schema,
		  .help = "print what the JSON output's fields mean, and end" },
		{ 0 },
	};

	memcpy(opts, all, sizeof(all));
}

void ph_table_init(struct ph_table *t, const struct ph_col *cols, size_t ncols)
{
	*t = (struct ph_table){ .cols = cols, .ncols = ncols };
}

void table_cut_rows(struct ph_table *t, size_t n)
{
	for (size_t i = n; i < t->rows.n; i++) {
		for (size_t k = 0; k < t->ncols; k++) {
			struct ph_cell *c = &t->rows.v[i][k];

			if (c->owned)
				free((char *)c->s);
			free((char *)c->text);
		}
		free(t->rows.v[i]);
	}
	if (n < t->rows.n)
		t->rows.n = n;
}

void ph_table_done(struct ph_table *t)
{
	table_cut_rows(t, 0);
	ph_vec_done(&t->rows);
}

struct ph_cell *ph_table_row(struct ph_table *t)
{
	struct ph_cell *row = ph_alloc((t->ncols ? t->ncols : 1) * sizeof(*row));

	*ph_vec_push(&t->rows) = row;
	return row;
}

void ph_cell_str(struct ph_cell *c, const char *s)
{
	if (c->owned)
		free((char *)c->s);
	c->s = ph_strdup(s);
	c->set = c->owned = s != NULL;
}

void ph_cell_u64(struct ph_cell *c, uint64_t v)
{
	c->u = v;
	c->set = true;
}

void ph_cell_s64(struct ph_cell *c, int64_t v)
{
	c->i = v;
	c->set = true;
}

void ph_cell_f64(struct ph_cell *c, double v)
{
	c->f = v;
	c->set = true;
}

void ph_cell_text(struct ph_cell *c, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		abort();
	va_end(ap);
	free((char *)c->text);
	c->text = s;
}

/* ---- which columns --------------------------------------------------------------------------- */

static int find_col(const struct ph_col *cols, size_t ncols, const char *name, const char *what,
		    size_t *ret, struct ph_err *err)
{
	ph_autofree const char **names = NULL;
	ph_autobuf known = { 0 };
	const char *near;

	for (size_t i = 0; i < ncols; i++) {
		if (!strcmp(cols[i].json, name)) {
			*ret = i;
			return 0;
		}
	}
	names = ph_alloc((ncols ? ncols : 1) * sizeof(*names));
	for (size_t i = 0; i < ncols; i++) {
		names[i] = cols[i].json;
		ph_buf_addf(&known, "%s%s", i ? ", " : "", cols[i].json);
	}
	near = ph_nearest(name, names, ncols);
	return ph_err_set(err, -EINVAL, "%s: there is no field '%s'%s%s%s; there are: %s", what, name,
			  near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "",
			  known.p ? known.p : "none");
}

static void add_col(table_cols *list, size_t col)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i] == col)
			return;
	*ph_vec_push(list) = col;
}

/*
 * Names without '+' replace the usual columns, those with '+' come behind. JSON has the hidden
 * columns too: who reads it picks by name, and a missing name is worse than an unread one.
 */
int table_choose_cols(const struct ph_table_fmt *fmt, const struct ph_col *cols, size_t ncols, table_cols *list, struct ph_err *err)
{
	bool json = fmt->output == PH_OUT_JSON || fmt->output == PH_OUT_JSONPRETTY;
	bool replace = false;
	size_t col;
	int r;

	for (size_t i = 0; i < fmt->fields.n; i++)
		replace |= fmt->fields.v[i][0] != '+';
	for (size_t i = 0; i < ncols && !replace; i++)
		if (json || !cols[i].hidden)
			add_col(list, i);
	for (size_t i = 0; i < fmt->fields.n; i++) {
		const char *name = fmt->fields.v[i];

		r = find_col(cols, ncols, name + (name[0] == '+'), "--fields", &col, err);
		if (r < 0)
			return r;
		add_col(list, col);
	}
	return 0;
}

int table_choose_sort(const struct ph_table_fmt *fmt, const struct ph_col *cols, size_t ncols, size_t *ret_col, bool *ret_desc,
		      struct ph_err *err)
{
	*ret_desc = fmt->sort[0] == '-';
	return find_col(cols, ncols, fmt->sort + (fmt->sort[0] == '-' || fmt->sort[0] == '+'),
			"--sort", ret_col, err);
}

int ph_table_check(const struct ph_table_fmt *fmt, const struct ph_col *cols, size_t ncols,
		   struct ph_err *err)
{
	table_cols list = { 0 };
	size_t col;
	bool desc;
	int r;

	r = table_choose_cols(fmt, cols, ncols, &list, err);
	ph_vec_done(&list);
	if (r == 0 && fmt->sort)
		r = table_choose_sort(fmt, cols, ncols, &col, &desc, err);
	return r;
}

bool ph_table_shows(const struct ph_table_fmt *fmt, const struct ph_col *cols, size_t ncols, size_t col)
{
	table_cols list = { 0 };
	bool is = false;

	if (table_choose_cols(fmt, cols, ncols, &list, NULL) < 0)
		return false;
	for (size_t i = 0; i < list.n; i++)
		is |= list.v[i] == col;
	ph_vec_done(&list);
	return is || (fmt->sort && !strcmp(fmt->sort + (fmt->sort[0] == '-' || fmt->sort[0] == '+'), cols[col].json));
}

/* ---- order ------------------------------------------------------------------------------------- */

struct sort_key {
	const struct ph_cell *cell;
	struct ph_cell *row;
	size_t at;
	enum ph_col_type type;
	bool desc;
};

static int cmp_cell(const struct ph_cell *a, const struct ph_cell *b, enum ph_col_type type)
{
	switch (type) {
	case PH_COL_STR:
		return strcmp(a->s, b->s);
	case PH_COL_S64:
		return (a->i > b->i) - (a->i < b->i);
	case PH_COL_F64:
		return (a->f > b->f) - (a->f < b->f);
	default:
		return (a->u > b->u) - (a->u < b->u);
	}
}

/* Cells without a value come last in both directions; equal ones keep their order. */
static int cmp_key(const void *pa, const void *pb)
{
	const struct sort_key *a = pa, *b = pb;
	int c;

	if (a->cell->set != b->cell->set)
		return a->cell->set ? -1 : 1;
	c = a->cell->set ? cmp_cell(a->cell, b->cell, a->type) : 0;
	if (!c)
		return a->at < b->at ? -1 : 1;
	return a->desc ? -c : c;
}

void ph_table_sort(struct ph_table *t, size_t col, bool desc)
{
	ph_autofree struct sort_key *keys = NULL;

	if (t->rows.n < 2)
		return;
	keys = ph_alloc(t->rows.n * sizeof(*keys));
	for (size_t i = 0; i < t->rows.n; i++)
		keys[i] = (struct sort_key){ &t->rows.v[i][col], t->rows.v[i], i,
					     t->cols[col].type, desc };
	qsort(keys, t->rows.n, sizeof(*keys), cmp_key);
	for (size_t i = 0; i < t->rows.n; i++)
		t->rows.v[i] = keys[i].row;
}

int ph_table_keep(struct ph_table *t, const struct ph_table_fmt *fmt, size_t n, struct ph_err *err)
{
	size_t col;
	bool desc;
	int r;

	if (fmt->sort) {
		r = table_choose_sort(fmt, t->cols, t->ncols, &col, &desc, err);
		if (r < 0)
			return r;
		ph_table_sort(t, col, desc);
	}
	table_cut_rows(t, n);
	return 0;
}
