/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/cleanup.h"
#include "event/symbols.h"
#include "view/print_priv.h"

/* JSON and CSV: for programs, so numbers are plain numbers and names stand beside them. */

static void json_value(struct ph_json *j, const char *key, const struct ph_type *type, enum ph_unit unit,
		       const struct ph_value *v);

static void json_bytes(struct ph_json *j, const char *key, enum ph_unit unit, const struct ph_value *v)
{
	static const char hex[] = "0123456789abcdef";
	ph_autobuf b = { 0 };
	uint32_t at = 0, len;

	if (unit == PH_UNIT_ARGV) {
		ph_json_arr(j, key);
		for (; at < v->n; at += len + 1) {
			len = (uint32_t)strnlen(v->s + at, v->n - at);
			ph_json_strn(j, NULL, v->s + at, len);
		}
		ph_json_arr_end(j);
		return;
	}
	if ((unit == PH_UNIT_ADDR && ph_symbol_add_addr(&b, v->s, v->n)) ||
	    (unit == PH_UNIT_SOCKADDR && ph_symbol_add_sockaddr(&b, v->s, v->n))) {
		ph_json_strn(j, key, b.p, b.len);
		return;
	}
	for (uint32_t i = 0; i < v->n; i++) {
		ph_buf_addc(&b, hex[(unsigned char)v->s[i] >> 4]);
		ph_buf_addc(&b, hex[(unsigned char)v->s[i] & 15]);
	}
	ph_json_strn(j, key, b.p ? b.p : "", b.len);
}

static void json_value(struct ph_json *j, const char *key, const struct ph_type *type, enum ph_unit unit,
		       const struct ph_value *v)
{
	switch (type->kind) {
	case PH_KIND_UINT:
		ph_json_u64(j, key, v->u);
		break;
	case PH_KIND_INT:
		ph_json_s64(j, key, v->i);
		break;
	case PH_KIND_ENUM:
		if (type->is_signed)
			ph_json_s64(j, key, v->i);
		else
			ph_json_u64(j, key, v->u);
		break;
	case PH_KIND_FLOAT:
		ph_json_f64(j, key, v->f);
		break;
	case PH_KIND_STR:
		ph_json_strn(j, key, v->s ? v->s : "", v->n);
		break;
	case PH_KIND_BYTES:
		json_bytes(j, key, unit, v);
		break;
	case PH_KIND_SEQ:
		ph_json_arr(j, key);
		for (uint32_t i = 0; i < v->n; i++)
			json_value(j, NULL, type->elem, unit, &v->v[i]);
		ph_json_arr_end(j);
		break;
	case PH_KIND_STRUCT:
		ph_json_obj(j, key);
		for (uint32_t i = 0; i < type->nfields; i++)
			json_value(j, type->fields[i].name, type->fields[i].type, type->fields[i].unit,
				   &v->v[i]);
		ph_json_obj_end(j);
		break;
	case PH_KIND_VARIANT:
		if (v->sel < type->nfields)
			json_value(j, key, type->fields[v->sel].type, type->fields[v->sel].unit, v->v);
		else
			ph_json_null(j, key);
		break;
	}
}

/* The symbolic name of a number: false where this one has none. */
static bool add_name(struct ph_buf *b, const struct ph_identity *id, const struct ph_field *f,
		     enum ph_unit unit, const struct ph_value *v)
{
	const char *label = NULL;

	if (f->type->kind == PH_KIND_ENUM)
		label = ph_enum_label(f->type, v);
	else if (f->type->kind != PH_KIND_INT && f->type->kind != PH_KIND_UINT)
		return false;
	else if (f->unit == PH_UNIT_CONTAINER)
		label = id && v->u <= UINT32_MAX ? ph_container_label(id, (uint32_t)v->u) : NULL;
	else
		return ph_symbol_add(b, unit, v->i);
	if (!label || !*label)
		return false;
	ph_buf_adds(b, label);
	return true;
}

static void json_fields(struct ph_printer *p, const struct ph_identity *id, const struct ph_event *ev)
{
	const struct print_class *pc = printer_class(p, ev->cls);
	struct ph_json *j = &p->json;

	ph_json_obj(j, "fields");
	ph_vec_each(f, &pc->fields) {
		const struct ph_value *v = printer_value(ev, f);

		json_value(j, f->json, f->f->type, f->f->unit, v);
		ph_buf_clear(&p->scratch);
		if (f->json_name && add_name(&p->scratch, id, f->f, printer_unit(ev, f), v))
			ph_json_strn(j, f->json_name, p->scratch.p, p->scratch.len);
	}
	ph_json_obj_end(j);
}

static const char *container_name(const struct ph_identity *id, const struct ph_event *ev)
{
	const char *label;

	if (!id || ev->container == PH_CONTAINER_UNKNOWN)
		return NULL;
	label = ph_container_label(id, ev->container);
	return *label ? label : NULL;
}

/* The value of a column that is text; NULL where there is none. */
static const char *column_text(enum ph_print_col col, const struct ph_identity *id, const struct ph_event *ev)
{
	const struct ph_container *c;
	const char *comm;

	switch (col) {
	case PH_PRINT_CONTAINER:
		return container_name(id, ev);
	case PH_PRINT_EVENT:
		return ev->cls->name;
	case PH_PRINT_COMM:
		comm = printer_comm(id, ev);
		return *comm ? comm : NULL;
	default:
		break;
	}
	c = printer_container(id, ev);
	if (!c)
		return NULL;
	switch (col) {
	case PH_PRINT_CONTAINER_ID: return c->id;
	case PH_PRINT_IMAGE: return c->image;
	case PH_PRINT_POD: return c->pod;
	case PH_PRINT_NAMESPACE: return c->pod_namespace;
	default: return NULL;
	}
}

/* The same for numbers. */
static bool column_number(struct ph_printer *p, enum ph_print_col col, const struct ph_event *ev,
			  int64_t *ret)
{
	switch (col) {
	case PH_PRINT_TIME:
		*ret = printer_unix_ns(p, ev);
		return true;
	case PH_PRINT_DELTA:
		*ret = (int64_t)(ev->ts_ns - p->last_ts);
		return p->began;
	case PH_PRINT_PID:
		*ret = ev->pid;
		return ev->pid >= 0;
	case PH_PRINT_TID:
		*ret = ev->tid;
		return ev->tid >= 0;
	case PH_PRINT_CPU:
		*ret = ev->cpu;
		return ev->cpu != PH_CPU_UNKNOWN;
	default:
		return false;
	}
}

static bool is_number(enum ph_print_col col)
{
	return ph_print_columns[col].json_type[0] == 'i';
}

void print_json(struct ph_printer *p, const struct ph_identity *id, const struct ph_event *ev,
		struct ph_buf *out)
{
	struct ph_json *j = &p->json;
	int64_t n;

	*j = (struct ph_json){ .out = out, .pretty = p->o.format == PH_VIEW_JSONPRETTY };
	ph_json_obj(j, NULL);
	for (unsigned int c = 0; c < PH_PRINT_NCOLS; c++) {
		const char *key = ph_print_columns[c].json;

		if (!p->cols[c])
			continue;
		if (c == PH_PRINT_FIELDS)
			json_fields(p, id, ev);
		else if (!is_number(c))
			ph_json_str(j, key, column_text(c, id, ev));
		else if (column_number(p, c, ev, &n))
			ph_json_s64(j, key, n);
		else
			ph_json_null(j, key);
	}
	ph_json_obj_end(j);
	ph_buf_addc(out, '\n');
}

static void csv_field(struct ph_printer *p, const struct ph_identity *id, const struct ph_event *ev,
		      const char *name, struct ph_buf *out)
{
	const struct print_class *pc = printer_class(p, ev->cls);

	ph_vec_each(f, &pc->fields) {
		const struct ph_value *v = printer_value(ev, f);

		if (strcmp(f->f->name, name))
			continue;
		/* A number is a number and a string a string; the rest as in text. */
		if (f->f->type->kind == PH_KIND_STR) {
			ph_buf_add_csv(out, v->s ? v->s : "", v->n);
			return;
		}
		ph_buf_clear(&p->scratch);
		ph_value_text(&p->scratch, id, f->f->type,
			      f->f->type->kind == PH_KIND_BYTES ? f->f->unit : PH_UNIT_NONE, v);
		ph_buf_add_csv(out, p->scratch.p, p->scratch.len);
		return;
	}
}

static void csv_fields(struct ph_printer *p, const struct ph_identity *id, const struct ph_event *ev,
		       struct ph_buf *out)
{
	const struct print_class *pc = printer_class(p, ev->cls);
	struct ph_buf *b = &p->scratch;

	ph_buf_clear(b);
	ph_vec_each(f, &pc->fields) {
		if (f != pc->fields.v && f == pc->fields.v + pc->nctx)
			ph_buf_adds(b, ", ");
		ph_buf_add(b, f->prefix, f->prefix_len);
		ph_value_text(b, id, f->f->type, printer_unit(ev, f), printer_value(ev, f));
	}
	ph_buf_add_csv(out, b->p ? b->p : "", b->len);
}

void print_csv(struct ph_printer *p, const struct ph_identity *id, const struct ph_event *ev,
	       struct ph_buf *out)
{
	const char *text;
	int64_t n;

	ph_vec_each(w, &p->want) {
		if (w != p->want.v)
			ph_buf_addc(out, ',');
		if (w->col == PH_PRINT_NCOLS) {
			csv_field(p, id, ev, w->field, out);
		} else if (w->col == PH_PRINT_FIELDS) {
			csv_fields(p, id, ev, out);
		} else if (is_number(w->col)) {
			if (column_number(p, w->col, ev, &n))
				ph_buf_add_s64(out, n);
		} else {
			text = column_text(w->col, id, ev);
			if (text)
				ph_buf_add_csv(out, text, strlen(text));
		}
	}
	ph_buf_addc(out, '\n');
}

void ph_printer_schema(struct ph_buf *out)
{
	struct ph_json j = { .out = out, .pretty = true };

	ph_json_obj(&j, NULL);
	ph_json_str(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
	ph_json_str(&j, "title", "porthole view -o json: one event a line");
	ph_json_str(&j, "type", "object");
	ph_json_obj(&j, "properties");
	for (unsigned int c = 0; c < PH_PRINT_NCOLS; c++) {
		const struct ph_print_column *col = &ph_print_columns[c];
		bool nullable = c != PH_PRINT_TIME && c != PH_PRINT_CPU && c != PH_PRINT_EVENT &&
				c != PH_PRINT_FIELDS;

		ph_json_obj(&j, col->json);
		if (nullable) {
			ph_json_arr(&j, "type");
			ph_json_str(&j, NULL, col->json_type);
			ph_json_str(&j, NULL, "null");
			ph_json_arr_end(&j);
		} else {
			ph_json_str(&j, "type", col->json_type);
		}
		ph_json_str(&j, "description", col->help);
		ph_json_obj_end(&j);
	}
	ph_json_obj_end(&j);
	ph_json_obj_end(&j);
	ph_buf_addc(out, '\n');
}
