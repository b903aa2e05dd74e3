/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/json.h"

#include <math.h>

static void newline(struct ph_json *j)
{
	if (!j->pretty)
		return;
	ph_buf_addc(j->out, '\n');
	for (unsigned int i = 0; i < j->depth; i++)
		ph_buf_add(j->out, "  ", 2);
}

static void begin(struct ph_json *j, const char *key)
{
	if (j->depth) {
		if (!j->open)
			ph_buf_addc(j->out, ',');
		newline(j);
	}
	j->open = false;
	if (key) {
		ph_buf_add_json(j->out, key, strlen(key));
		ph_buf_addc(j->out, ':');
		if (j->pretty)
			ph_buf_addc(j->out, ' ');
	}
}

static void enter(struct ph_json *j, const char *key, char bracket)
{
	begin(j, key);
	ph_buf_addc(j->out, bracket);
	j->depth++;
	j->open = true;
}

static void leave(struct ph_json *j, char bracket)
{
	j->depth--;
	if (!j->open)
		newline(j);
	j->open = false;
	ph_buf_addc(j->out, bracket);
}

void ph_json_obj(struct ph_json *j, const char *key)
{
	enter(j, key, '{');
}

void ph_json_obj_end(struct ph_json *j)
{
	leave(j, '}');
}

void ph_json_line(struct ph_json *j, const char *kind)
{
	ph_json_obj(j, NULL);
	ph_json_str(j, "kind", kind);
}

void ph_json_line_end(struct ph_json *j)
{
	ph_json_obj_end(j);
	ph_buf_addc(j->out, '\n');
}

void ph_json_arr(struct ph_json *j, const char *key)
{
	enter(j, key, '[');
}

void ph_json_arr_end(struct ph_json *j)
{
	leave(j, ']');
}

void ph_json_strn(struct ph_json *j, const char *key, const char *val, size_t n)
{
	if (!val) {
		ph_json_null(j, key);
		return;
	}
	begin(j, key);
	ph_buf_add_json(j->out, val, n);
}

void ph_json_str(struct ph_json *j, const char *key, const char *val)
{
	ph_json_strn(j, key, val, val ? strlen(val) : 0);
}

void ph_json_u64(struct ph_json *j, const char *key, uint64_t val)
{
	begin(j, key);
	ph_buf_add_u64(j->out, val);
}

void ph_json_s64(struct ph_json *j, const char *key, int64_t val)
{
	begin(j, key);
	ph_buf_add_s64(j->out, val);
}

void ph_json_f64(struct ph_json *j, const char *key, double val)
{
	begin(j, key);
	if (isfinite(val))
		ph_buf_addf(j->out, "%.12g", val);
	else
		ph_buf_adds(j->out, "null");
}

void ph_json_bool(struct ph_json *j, const char *key, bool val)
{
	begin(j, key);
	ph_buf_adds(j->out, val ? "true" : "false");
}

void ph_json_null(struct ph_json *j, const char *key)
{
	begin(j, key);
	ph_buf_adds(j->out, "null");
}
