/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BASE_JSON_H
#define PH_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Writes JSON into a buffer: commas, quoting and indentation are its business. (Reading outside
 * JSON is jansson's.) `key` is NULL inside arrays and at the top. Values that are absent are
 * written as null by ph_json_str(j, key, NULL), never left out: columns stay stable.
 */
struct ph_json {
	struct ph_buf *out;
	bool pretty;
	unsigned int depth;
	bool open;	/* the innermost container has no element yet */
};

void ph_json_obj(struct ph_json *j, const char *key);
void ph_json_obj_end(struct ph_json *j);
/* An object that is a line, of several kinds: "kind" is its first value. */
void ph_json_line(struct ph_json *j, const char *kind);
void ph_json_line_end(struct ph_json *j);
void ph_json_arr(struct ph_json *j, const char *key);
void ph_json_arr_end(struct ph_json *j);
void ph_json_str(struct ph_json *j, const char *key, const char *val);
void ph_json_strn(struct ph_json *j, const char *key, const char *val, size_t n);
void ph_json_u64(struct ph_json *j, const char *key, uint64_t val);
void ph_json_s64(struct ph_json *j, const char *key, int64_t val);
void ph_json_f64(struct ph_json *j, const char *key, double val);	/* NaN and Inf: null */
void ph_json_bool(struct ph_json *j, const char *key, bool val);
void ph_json_null(struct ph_json *j, const char *key);

#endif
