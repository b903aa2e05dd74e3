/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/scan_opts.h"
#include "event/schema.h"
#include "identity/detail.h"

/* ---- text: the JSON object, laid out for eyes ------------------------------------------------------ */

static void add_scalar(struct ph_buf *b, const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		ph_buf_add_term(b, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		ph_buf_add_s64(b, json_integer_value(v));
		break;
	case JSON_REAL:
		ph_buf_addf(b, "%.2f", json_real_value(v));
		break;
	case JSON_TRUE:
		ph_buf_adds(b, "yes");
		break;
	case JSON_FALSE:
		ph_buf_adds(b, "no");
		break;
	default:
		ph_buf_addc(b, '-');
	}
}

/* As all JSON here is written: nothing in a string acts upon a terminal. */
static void add_json(struct ph_json *j, const char *key, json_t *v)
{
	const char *name;
	json_t *one;
	size_t i;

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		ph_json_obj(j, key);
		json_object_foreach(v, name, one)
			add_json(j, name, one);
		ph_json_obj_end(j);
		break;
	case JSON_ARRAY:
		ph_json_arr(j, key);
		json_array_foreach(v, i, one)
			add_json(j, NULL, one);
		ph_json_arr_end(j);
		break;
	case JSON_STRING:
		ph_json_strn(j, key, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		ph_json_s64(j, key, json_integer_value(v));
		break;
	case JSON_REAL:
		ph_json_f64(j, key, json_real_value(v));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		ph_json_bool(j, key, json_is_true(v));
		break;
	default:
		ph_json_null(j, key);
	}
}

/* One of several: as a word of a shell, so that none looks like two. */
static void add_word(struct ph_buf *b, const json_t *v)
{
	ph_autofree char *word = json_is_string(v) ? ph_shell_word(json_string_value(v)) : NULL;

	if (word)
		ph_buf_add_term(b, word, strlen(word));
	else
		add_scalar(b, v);
}

#define KEY_WIDTH 16
#define LINE_WIDTH 100

static void add_list(struct ph_buf *b, const json_t *list, unsigned int indent)
{
	size_t i, line = b->len;
	json_t *v;

	if (!json_array_size(list))
		ph_buf_addc(b, '-');
	json_array_foreach(list, i, v) {
		size_t start = b->len;

		if (i)
			ph_buf_addc(b, ' ');
		add_word(b, v);
		if (i && b->len - line > LINE_WIDTH - KEY_WIDTH - indent) {
			ph_autofree char *last = ph_strdup(b->p + start + 1);

			b->len = start;
			ph_buf_addf(b, "\n%*s", (int)(indent + KEY_WIDTH), "");
			line = b->len;
			ph_buf_adds(b, last);
		}
	}
	ph_buf_addc(b, '\n');
}

/* One row: the first member bare, the others with their names. Empty lists are left out. */
static void add_row(struct ph_buf *b, json_t *row)
{
	const char *key;
	bool first = true;
	json_t *v;

	json_object_foreach(row, key, v) {
		if (json_is_array(v) && !json_array_size(v))
			continue;
		if (!first)
			ph_buf_addf(b, "  %s=", key);
		first = false;
		if (json_is_array(v)) {
			json_t *one;
			size_t i;

			json_array_foreach(v, i, one) {
				if (i)
					ph_buf_addc(b, ',');
				add_word(b, one);
			}
		} else {
			add_word(b, v);
		}
	}
	ph_buf_addc(b, '\n');
}

static void add_object(struct ph_buf *b, json_t *o, unsigned int indent)
{
	const char *key;
	json_t *v, *one;
	size_t i;

	json_object_foreach(o, key, v) {
		bool rows = json_is_array(v) && json_is_object(json_array_get(v, 0));

		ph_buf_addf(b, "%*s", (int)indent, "");
		if (rows || json_is_object(v)) {
			ph_buf_addf(b, "%s:\n", key);
		} else {
			ph_buf_addf(b, "%-*s", KEY_WIDTH - 1, key);
			ph_buf_addc(b, ' ');
		}
		if (rows) {
			json_array_foreach(v, i, one) {
				ph_buf_addf(b, "%*s", (int)indent + 2, "");
				add_row(b, one);
			}
		} else if (json_is_object(v)) {
			add_object(b, v, indent + 2);
		} else if (json_is_array(v)) {
			add_list(b, v, indent);
		} else {
			add_scalar(b, v);
			ph_buf_addc(b, '\n');
		}
	}
}

/* ---- the verb ---------------------------------------------------------------------------------------- */

enum format { TEXT, JSON, PRETTY };

static int parse_format(void *dst, const char *value, struct ph_err *err)
{
	if (!strcmp(value, "text") || !strcmp(value, "columns"))
		*(enum format *)dst = TEXT;
	else if (!strcmp(value, "json"))
		*(enum format *)dst = JSON;
	else if (!strcmp(value, "jsonpretty"))
		*(enum format *)dst = PRETTY;
	else
		return ph_err_set(err, -EINVAL, "'%s' is none of text, json, jsonpretty", value);
	return 0;
}

static int print(const struct ph_scan *scan, const struct ph_selection *sel, enum format format)
{
	ph_autobuf out = { 0 };
	size_t n = 0;

	for (uint32_t i = 0; i < scan->containers.n; i++) {
		json_t *detail;

		if (i == PH_CONTAINER_HOST && !sel->host)
			continue;
		if (!ph_cmd_scan_match(sel, scan, scan->containers.v[i]))
			continue;
		detail = ph_scan_detail(scan, i, NULL);
		if (format == TEXT) {
			if (n)
				ph_buf_addc(&out, '\n');
			add_object(&out, detail, 0);
		} else {
			struct ph_json j = { .out = &out, .pretty = format == PRETTY };

			add_json(&j, NULL, detail);
			ph_buf_addc(&out, '\n');
		}
		json_decref(detail);
		n++;
	}
	if (!n)
		return ph_cmd_scan_none("inspect", sel, scan);
	return ph_cmd_flush(&out) == 0 ? PH_EXIT_OK : PH_EXIT_FAILED;
}

int ph_cmd_inspect(int argc, char **argv)
{
	struct ph_opt sel_opts[PH_SELECTION_NOPTS];
	struct ph_selection sel = { 0 };
	enum format format = TEXT;
	const struct ph_opt own[] = {
		{ "output", 'o', PH_OPT_CALL, "FORMAT", &format, parse_format,
		  .help = "text, json (one object a line) or jsonpretty" },
		{ 0 },
	};
	const struct ph_opt_group groups[] = { { "Options", own }, { "Selection", sel_opts }, { 0 } };
	struct ph_scan scan = { 0 };
	struct ph_err err = { 0 };
	ph_strv args = { 0 };
	size_t dashdash;
	int r;

	ph_selection_opts(&sel, sel_opts);
	r = ph_cmd_options("inspect", "Tells all about a container: namespaces and with whom it shares them, "
			   "capabilities,\nseccomp, id maps, mounts, devices, and the limits along its whole "
			   "cgroup path.", "  porthole inspect web\n  porthole inspect -o json web | jq .limits\n",
			   groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	for (size_t i = 0; i < args.n; i++)
		ph_strv_add(&sel.container, args.v[i]);
	if (ph_selection_check(&sel, &err) < 0) {
		r = ph_cmd_usage("inspect", "%s", err.msg);
		goto out;
	}
	if (ph_selection_empty(&sel) && !sel.all) {
		r = ph_cmd_usage("inspect", "name a container, or --all for each of them");
		goto out;
	}
	r = ph_cmd_scan("inspect", &scan, true);
	if (r == PH_EXIT_OK)
		r = print(&scan, &sel, format);
	ph_scan_done(&scan);
out:
	ph_vec_done(&args);
	ph_selection_done(&sel);
	return r;
}
