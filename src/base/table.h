/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BASE_TABLE_H
#define PH_BASE_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/opt.h"
#include "base/vec.h"

/*
 * Tables: one row a column drives the header, the width, the JSON name and type, --fields, --sort
 * and the help. Output as columns (for eyes), json (one object a line), jsonpretty or csv.
 */
enum ph_output { PH_OUT_COLUMNS, PH_OUT_JSON, PH_OUT_JSONPRETTY, PH_OUT_CSV };

enum ph_col_type {
	PH_COL_STR,	/* cell .s; NULL is "-" / null */
	PH_COL_U64,	/* cell .u */
	PH_COL_S64,	/* cell .i */
	PH_COL_F64,	/* cell .f, printed with %.1f */
	PH_COL_BYTES,	/* cell .u: human in columns, a number elsewhere; json name ends in _bytes */
	PH_COL_NS,	/* cell .u: human in columns, a number elsewhere; json name ends in _ns */
	PH_COL_BOOL,	/* cell .u */
};

struct ph_col {
	const char *head;	/* "QUOTA": the header */
	const char *json;	/* "quota_us": the name for --fields, --sort, json, csv */
	enum ph_col_type type;
	bool hidden;		/* not among the default columns */
	const char *help;
	uint8_t width;		/* at least so wide where rows come bit by bit */
};

struct ph_cell {
	bool set;		/* false: "-", null, empty */
	bool owned;		/* .s is freed with the table */
	union {
		const char *s;
		uint64_t u;
		int64_t i;
		double f;
	};
	const char *text;	/* what columns show instead of the value, owned if set */
};

/* What a user may ask of any table; bind with ph_table_opts(). */
struct ph_table_fmt {
	enum ph_output output;
	ph_strv fields;		/* "a", "b" or "+x" */
	const char *sort;	/* "name" or "-name" */
	uint64_t max_entries;	/* 0: all */
	bool no_header;
	bool json_schema;
};

#define PH_TABLE_NOPTS 7
void ph_table_opts(struct ph_table_fmt *fmt, struct ph_opt opts[PH_TABLE_NOPTS]);

struct ph_table {
	const struct ph_col *cols;
	size_t ncols;
	PH_VEC(struct ph_cell *) rows;	/* each ncols cells */
};

void ph_table_init(struct ph_table *t, const struct ph_col *cols, size_t ncols);
void ph_table_done(struct ph_table *t);
/* A new row of unset cells; fill it with the setters below (or by hand). */
struct ph_cell *ph_table_row(struct ph_table *t);
void ph_cell_str(struct ph_cell *c, const char *s);	/* copies; NULL leaves it unset */
void ph_cell_u64(struct ph_cell *c, uint64_t v);
void ph_cell_s64(struct ph_cell *c, int64_t v);
void ph_cell_f64(struct ph_cell *c, double v);
void ph_cell_text(struct ph_cell *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Check fields and sort against the columns before the work is done: -EINVAL names the known. */
int ph_table_check(const struct ph_table_fmt *fmt, const struct ph_col *cols, size_t ncols,
		   struct ph_err *err);
/* Is column @col among those that will be printed, or sorted by? For what is costly to find out. */
bool ph_table_shows(const struct ph_table_fmt *fmt, const struct ph_col *cols, size_t ncols, size_t col);
/* Order the rows; equal ones keep theirs, those without a value come last. */
void ph_table_sort(struct ph_table *t, size_t col, bool descending);
#define PH_TABLE_GAP 2	/* blanks between columns */
/* What each column takes on a terminal, into @widths, which only grow. */
void ph_table_measure(const struct ph_table *t, size_t *widths);
/* Terminal cells of @s, which ph_buf_add_term() made; stops before @max of them and tells the bytes that fit. */
size_t ph_display_width(const char *s, size_t max, size_t *ret_bytes);
/*
 * Append the whole table to @out. @width is the terminal's width (0: unlimited): the last string
 * columns are cut to fit, never wrapped. Strings are escaped for their format.
 */
int ph_table_print(struct ph_table *t, const struct ph_table_fmt *fmt, unsigned int width,
		   struct ph_buf *out, struct ph_err *err);
/*
 * The same of a table without end: prints the rows that there are and takes them away. Columns are at
 * least as wide as before, and the heading comes once. What is sorted are these rows. Zero-initialise @more;
 * ph_table_more_done() frees it.
 */
struct ph_table_more {
	size_t *widths;
	bool begun;
};
int ph_table_print_more(struct ph_table *t, const struct ph_table_fmt *fmt, unsigned int width,
			struct ph_table_more *more, struct ph_buf *out, struct ph_err *err);
void ph_table_more_done(struct ph_table_more *more);
/* Order the rows as fmt->sort says and keep the first @n. */
int ph_table_keep(struct ph_table *t, const struct ph_table_fmt *fmt, size_t n, struct ph_err *err);
/* The JSON schema of the rows, for --json-schema. */
void ph_table_schema(const struct ph_col *cols, size_t ncols, struct ph_buf *out);

#endif
