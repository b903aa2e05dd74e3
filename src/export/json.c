/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row a stack, whose frames have all that is known of them. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "export/export.h"

static void str_or_null(struct ph_json *j, const char *key, const char *s)
{
	ph_json_str(j, key, s && s[0] ? s : NULL);
}

/* What is known of a function without a name, and how to get it one. */
static void add_missing(struct ph_json *j, const struct ph_profile_file *f)
{
	ph_json_obj(j, "missing");
	ph_json_str(j, "path", f->path);
	str_or_null(j, "build_id", f->build_id);
	str_or_null(j, "problem", f->problem);
	str_or_null(j, "distribution", f->distribution);
	str_or_null(j, "install", f->install);
	ph_json_null(j, "remedy");
	ph_json_obj_end(j);
}

/* The same of code that a program made while it ran. */
static void add_made(struct ph_json *j, const struct ph_profile *p, const struct ph_profile_made *m)
{
	const struct ph_profile_file *f = m->file == UINT32_MAX ? NULL : p->files.v[m->file];

	ph_json_obj(j, "missing");
	ph_json_str(j, "path", f ? f->path : "");
	str_or_null(j, "build_id", f ? f->build_id : NULL);
	ph_json_str(j, "problem", "the program made this code while it ran, and tells no name of it");
	ph_json_null(j, "distribution");
	ph_json_null(j, "install");
	ph_json_str(j, "remedy", m->remedy);
	ph_json_obj_end(j);
}

static void add_frame(struct ph_json *j, const struct ph_profile *p, uint32_t loc)
{
	const struct ph_loc *l = &p->locs.v[loc];
	const struct ph_func *f = ph_profile_func(p, loc);

	ph_json_obj(j, NULL);
	ph_json_str(j, "function", f->named ? f->name : NULL);
	ph_json_str(j, "kind", ph_frame_kind_name(f->kind));
	str_or_null(j, "module", f->module);
	if (f->kind == PH_FRAME_NONE)
		ph_json_null(j, "address");
	else
		ph_json_u64(j, "address", l->address);
	str_or_null(j, "source", l->source);
	if (l->line)
		ph_json_u64(j, "line", l->line);
	else
		ph_json_null(j, "line");
	if (!f->named && l->file != UINT32_MAX)
		add_missing(j, p->files.v[l->file]);
	else if (l->made)
		add_made(j, p, &p->made.v[l->made - 1]);
	else
		ph_json_null(j, "missing");
	ph_json_obj_end(j);
}

static void number_or_null(struct ph_json *j, const char *key, int32_t v)
{
	if (v)
		ph_json_s64(j, key, v);
	else
		ph_json_null(j, key);
}

static void add_row(struct ph_json *j, const struct ph_export *x, const struct ph_profile_row *row, ph_locv *locs)
{
	const struct ph_profile *p = x->p;
	const struct ph_actor *a = &p->actors.v[row->actor];
	const struct ph_container *c = ph_identity_container(p->id, a->container);
	size_t n;

	ph_profile_stack(p, row, false, locs);
	/* What is waited for has fields of its own. */
	for (n = locs->n; n && ph_profile_func(p, locs->v[n - 1])->kind == PH_FRAME_WAIT; n--)
		;
	ph_json_obj(j, NULL);
	ph_json_str(j, "container", a->container == PH_CONTAINER_HOST ? NULL : ph_container_label(p->id, a->container));
	str_or_null(j, "pod", c ? c->pod : NULL);
	str_or_null(j, "namespace", c ? c->pod_namespace : NULL);
	str_or_null(j, "image", c ? c->image : NULL);
	str_or_null(j, "comm", a->comm);
	number_or_null(j, "pid", a->pid);
	number_or_null(j, "tid", a->tid);
	ph_json_str(j, "reason", row->reason ? ph_profile_func(p, row->reason)->name : NULL);
	ph_json_str(j, "waker", row->waker ? ph_profile_func(p, row->waker)->name : NULL);
	ph_json_u64(j, "weight", row->weight);
	ph_json_str(j, "unit", p->unit == PH_PROFILE_NS ? "ns" : p->unit == PH_PROFILE_CYCLES ? "cycles" : "events");
	ph_json_u64(j, "count", row->count);
	ph_json_f64(j, "percent", p->weight ? 100.0 * (double)row->weight / (double)p->weight : 0);
	ph_json_arr(j, "stack");
	for (size_t i = 0; i < n; i++)
		add_frame(j, p, locs->v[i]);
	ph_json_arr_end(j);
	ph_json_obj_end(j);
	ph_buf_addc(j->out, '\n');
}

static int heaviest_first(const void *pa, const void *pb)
{
	const struct ph_profile_row *a = *(const struct ph_profile_row *const *)pa, *b = *(const struct ph_profile_row *const *)pb;

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return a < b ? -1 : a > b;
}

void ph_export_json(const struct ph_export *x, struct ph_buf *out)
{
	PH_VEC(const struct ph_profile_row *) rows = { 0 };
	ph_locv locs = { 0 };

	ph_vec_each(row, &x->p->rows)
		*ph_vec_push(&rows) = row;
	if (rows.n)
		qsort(rows.v, rows.n, sizeof(rows.v[0]), heaviest_first);
	ph_vec_each(row, &rows) {
		struct ph_json j = { .out = out, .pretty = x->pretty };

		add_row(&j, x, *row, &locs);
	}
	ph_vec_done(&locs);
	ph_vec_done(&rows);
}

/* ---- the schema ---------------------------------------------------------------------------------------- */

struct field {
	const char *name, *type, *help;
	bool null;
};

static const struct field fields[] = {
	{ "container", "string", "whose it is; null: the host's", true },
	{ "pod", "string", "that the container is of", true },
	{ "namespace", "string", "of the pod", true },
	{ "image", "string", "of the container", true },
	{ "comm", "string", "the thread's name", true },
	{ "pid", "integer", "process on the host, where --by process or thread tells them apart", true },
	{ "tid", "integer", "thread on the host, where --by thread tells them apart", true },
	{ "reason", "string", "what is waited for; null: it runs", true },
	{ "waker", "string", "who ended the wait", true },
	{ "weight", "integer", "time, cycles or events of this stack", false },
	{ "unit", "string", "ns, cycles or events", false },
	{ "count", "integer", "samples, waits or events", false },
	{ "percent", "number", "of the whole weight", false },
}, frame_fields[] = {
	{ "function", "string", "null: it has no name", true },
	{ "kind", "string", "kernel, user, inlined, jit, interpreter; none: what is known in the place of functions", false },
	{ "module", "string", "file that it is in", true },
	{ "address", "integer", "as the file calls it; of the kernel and of code made at run time the address itself", true },
	{ "source", "string", "source file", true },
	{ "line", "integer", "line of it", true },
}, missing_fields[] = {
	{ "path", "string", "of the file, in its container; of code made at run time, of what made it", false },
	{ "build_id", "string", "of the file", true },
	{ "problem", "string", "why there is no name, if not for want of debug symbols", true },
	{ "distribution", "string", "of the container", true },
	{ "install", "string", "the command that installs its debug symbols there", true },
	{ "remedy", "string", "how the program is got to tell names of code that it makes", true },
};

static void add_fields(struct ph_json *j, const struct field *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ph_json_obj(j, f[i].name);
		if (f[i].null) {
			ph_json_arr(j, "type");
			ph_json_str(j, NULL, f[i].type);
			ph_json_str(j, NULL, "null");
			ph_json_arr_end(j);
		} else {
			ph_json_str(j, "type", f[i].type);
		}
		ph_json_str(j, "description", f[i].help);
		ph_json_obj_end(j);
	}
}

void ph_export_json_schema(struct ph_buf *out)
{
	struct ph_json j = { .out = out, .pretty = true };

	ph_json_obj(&j, NULL);
	ph_json_str(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
	ph_json_str(&j, "type", "object");
	ph_json_obj(&j, "properties");
	add_fields(&j, fields, PH_ARRAY_SIZE(fields));
	ph_json_obj(&j, "stack");
	ph_json_str(&j, "type", "array");
	ph_json_str(&j, "description", "functions, the outermost first");
	ph_json_obj(&j, "items");
	ph_json_str(&j, "type", "object");
	ph_json_obj(&j, "properties");
	add_fields(&j, frame_fields, PH_ARRAY_SIZE(frame_fields));
	ph_json_obj(&j, "missing");
	ph_json_arr(&j, "type");
	ph_json_str(&j, NULL, "object");
	ph_json_str(&j, NULL, "null");
	ph_json_arr_end(&j);
	ph_json_str(&j, "description", "of a function without a name: where debug symbols are to be had, or how a program tells names");
	ph_json_obj(&j, "properties");
	add_fields(&j, missing_fields, PH_ARRAY_SIZE(missing_fields));
	ph_json_obj_end(&j);
	ph_json_bool(&j, "additionalProperties", false);
	ph_json_obj_end(&j);
	ph_json_obj_end(&j);
	ph_json_bool(&j, "additionalProperties", false);
	ph_json_obj_end(&j);
	ph_json_obj_end(&j);
	ph_json_obj_end(&j);
	ph_json_bool(&j, "additionalProperties", false);
	ph_json_obj_end(&j);
	ph_buf_addc(out, '\n');
}
