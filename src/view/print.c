/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/print.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "event/symbols.h"
#include "view/print_priv.h"

const struct ph_print_column ph_print_columns[PH_PRINT_NCOLS] = {
	[PH_PRINT_TIME] = { "time", "time_ns", "integer", "when it happened, Unix time", true },
	[PH_PRINT_DELTA] = { "delta", "delta_ns", "integer", "since the event before", false },
	[PH_PRINT_CONTAINER] = { "container", "container", "string",
				 "name or id of the container, null: the host or unknown", true },
	[PH_PRINT_COMM] = { "comm", "comm", "string", "name of the task", true },
	[PH_PRINT_PID] = { "pid", "pid", "integer", "process id on the host", true },
	[PH_PRINT_TID] = { "tid", "tid", "integer", "thread id on the host", true },
	[PH_PRINT_CPU] = { "cpu", "cpu", "integer", "CPU it happened on", true },
	[PH_PRINT_EVENT] = { "event", "event", "string", "name of the event", true },
	[PH_PRINT_FIELDS] = { "fields", "fields", "object",
			      "what the event says, by name; X_name is the symbolic name of X", true },
	[PH_PRINT_CONTAINER_ID] = { "container_id", "container_id", "string",
				    "the runtime's id of the container", false },
	[PH_PRINT_IMAGE] = { "image", "image", "string", "image of the container", false },
	[PH_PRINT_POD] = { "pod", "pod", "string", "pod of the container", false },
	[PH_PRINT_NAMESPACE] = { "namespace", "namespace", "string", "Kubernetes namespace", false },
};

static bool known_field(const char *name)
{
	const struct ph_class *c;

	for (size_t i = 0; (c = ph_class_nth(i)); i++)
		for (uint32_t k = 0; k < c->nfields; k++)
			if (!strcmp(c->fields[k].name, name))
				return true;
	return false;
}

static int add_want(struct ph_printer *p, const char *name, struct ph_err *err)
{
	const char *names[PH_PRINT_NCOLS], *near;
	struct print_want *w = ph_vec_push(&p->want);

	w->col = PH_PRINT_NCOLS;
	for (unsigned int i = 0; i < PH_PRINT_NCOLS; i++) {
		names[i] = ph_print_columns[i].name;
		if (!strcmp(name, names[i]))
			w->col = i;
	}
	if (w->col < PH_PRINT_NCOLS) {
		p->cols[w->col] = true;
		return 0;
	}
	w->field = name;
	p->some_fields = p->cols[PH_PRINT_FIELDS] = true;
	if (known_field(name) || p->o.any_field)
		return 0;
	near = ph_nearest(name, names, PH_PRINT_NCOLS);
	return ph_err_set(err, -EINVAL, "--fields: there is no column and no event's field '%s'%s%s%s", name,
			  near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

static int choose(struct ph_printer *p, struct ph_err *err)
{
	const ph_strv *fields = p->o.fields;
	bool add = !fields || !fields->n;
	int r;

	for (size_t i = 0; fields && i < fields->n; i++)
		add = add || fields->v[i][0] == '+';
	if (!add && p->o.format == PH_VIEW_BABELTRACE)
		return ph_err_set(err, -EINVAL, "--fields does not go with this output: it is babeltrace2's");
	for (unsigned int i = 0; add && i < PH_PRINT_NCOLS; i++)
		if (ph_print_columns[i].usual ||
		    (i == PH_PRINT_DELTA && p->o.format == PH_VIEW_TEXT))
			add_want(p, ph_print_columns[i].name, NULL);
	for (size_t i = 0; fields && i < fields->n; i++) {
		r = add_want(p, fields->v[i] + (fields->v[i][0] == '+'), err);
		if (r < 0)
			return r;
	}
	/* "+ret" is another column of CSV; the object of all fields has it already. */
	if (add)
		p->some_fields = false;
	return 0;
}

int ph_printer_new(const struct ph_print_opts *o, struct ph_printer **ret, struct ph_err *err)
{
	struct ph_printer *p = ph_alloc(sizeof(*p));
	int r;

	p->o = *o;
	p->shown_sec = INT64_MIN;
	r = choose(p, err);
	if (r < 0) {
		ph_printer_free(p);
		return r;
	}
	*ret = p;
	return 0;
}

void ph_printer_free(struct ph_printer *p)
{
	if (!p)
		return;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&p->classes, s)); ) {
		struct print_class *c = s->val;

		ph_vec_each(f, &c->fields) {
			free(f->prefix);
			free(f->json);
			free(f->json_name);
		}
		ph_vec_done(&c->fields);
		free(c->name);
		free(c);
	}
	ph_u64map_done(&p->classes);
	ph_vec_done(&p->want);
	ph_buf_done(&p->scratch);
	free(p);
}

static bool has_field(const struct ph_field *fields, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (!strcmp(fields[i].name, name))
			return true;
	return false;
}

/* Contexts that are columns already: the task's name only where it is known whose it is. */
static bool is_column(const struct ph_class *cls, const char *name)
{
	static const char *const columns[] = { "tid", "pid", "container", "cpu_id" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(columns); i++)
		if (!strcmp(name, columns[i]))
			return true;
	return !strcmp(name, "procname") && has_field(cls->ctx, cls->nctx, "tid");
}

static bool shown(const struct ph_printer *p, const struct ph_class *cls, const char *name, bool ctx)
{
	if (!p->some_fields)
		return !ctx || !is_column(cls, name);
	ph_vec_each(w, &p->want)
		if (w->col == PH_PRINT_NCOLS && !strcmp(w->field, name))
			return true;
	return false;
}

/* Numbers whose unit belongs into the name get it once. */
static char *json_key(const struct ph_field *f)
{
	const char *suffix = f->unit == PH_UNIT_NS ? "_ns" : f->unit == PH_UNIT_BYTES ? "_bytes" : "";
	size_t n = strlen(f->name), k = strlen(suffix);

	if (k && n >= k && !strcmp(f->name + n - k, suffix))
		suffix = "";
	return ph_asprintf("%s%s", f->name, suffix);
}

static int32_t compat_at(const struct ph_class *cls, const struct ph_field *f)
{
	for (uint32_t i = 0; f->unit == PH_UNIT_SYSCALL && i < cls->nfields; i++)
		if (cls->fields[i].unit == PH_UNIT_BOOL && !strcmp(cls->fields[i].name, "compat"))
			return (int32_t)i;
	return -1;
}

static int how_printed(const struct ph_field *f)
{
	bool plain = !ph_symbol_unit(f->unit) && f->unit != PH_UNIT_CONTAINER &&
		     (!f->type->base || f->type->base == 10);

	switch (f->type->kind) {
	case PH_KIND_UINT: return plain ? PRINT_UINT : PRINT_ANY;
	case PH_KIND_INT: return plain ? PRINT_INT : PRINT_ANY;
	case PH_KIND_STR: return PRINT_STR;
	default: return PRINT_ANY;
	}
}

static void add_fields(struct ph_printer *p, struct print_class *pc, const struct ph_class *cls, bool ctx)
{
	const struct ph_field *fields = ctx ? cls->ctx : cls->fields;
	uint32_t n = ctx ? cls->nctx : cls->nfields;
	bool first = true;

	for (uint32_t i = 0; i < n; i++) {
		const struct ph_field *f = &fields[i];
		struct print_field *pf;
		ph_autobuf b = { 0 };

		if (p->o.format != PH_VIEW_BABELTRACE && !shown(p, cls, f->name, ctx))
			continue;
		pf = ph_vec_push(&pc->fields);
		pf->f = f;
		pf->at = i;
		pf->ctx = ctx;
		pf->how = how_printed(f);
		pf->compat_at = compat_at(cls, f);
		if (!first && p->o.format != PH_VIEW_BABELTRACE)
			ph_buf_adds(&b, ", ");
		first = false;
		if (p->o.format == PH_VIEW_BABELTRACE)
			ph_buf_adds(&b, f->name);
		else
			ph_buf_add_term(&b, f->name, strlen(f->name));
		ph_buf_adds(&b, " = ");
		pf->prefix_len = (uint32_t)b.len;
		pf->prefix = ph_buf_steal(&b);
		pf->json = json_key(f);
		if (f->type->kind == PH_KIND_ENUM || ph_symbol_unit(f->unit) || f->unit == PH_UNIT_CONTAINER)
			pf->json_name = ph_asprintf("%s_name", f->name);
	}
}

const struct print_class *printer_class(struct ph_printer *p, const struct ph_class *cls)
{
	uint64_t key = (uint64_t)(uintptr_t)cls;
	size_t slot = (key >> 4 ^ key >> 10) % PRINT_RECENT;
	struct print_class *pc;
	ph_autobuf b = { 0 };

	if (ph_likely(p->recent[slot].cls == cls))
		return p->recent[slot].pc;
	pc = ph_u64map_get(&p->classes, key);
	if (!pc) {
		pc = ph_alloc(sizeof(*pc));
		add_fields(p, pc, cls, true);
		pc->nctx = (uint32_t)pc->fields.n;
		add_fields(p, pc, cls, false);
		ph_buf_add_term(&b, cls->name, strlen(cls->name));
		pc->name = ph_buf_steal(&b);
		ph_u64map_put(&p->classes, key, pc);
	}
	p->recent[slot].cls = cls;
	p->recent[slot].pc = pc;
	return pc;
}

void printer_time(struct ph_printer *p, const struct ph_event *ev, struct ph_buf *out)
{
	int64_t t = printer_unix_ns(p, ev), sec = t / (int64_t)PH_NSEC, ns = t % (int64_t)PH_NSEC;
	struct tm tm;
	time_t when;

	if (ns < 0) {
		ns += (int64_t)PH_NSEC;
		sec--;
	}
	if (sec != p->shown_sec) {
		when = (time_t)sec;
		if (!(p->o.utc ? gmtime_r(&when, &tm) : localtime_r(&when, &tm)))
			memset(&tm, 0, sizeof(tm));
		strftime(p->hms, sizeof(p->hms), "[%H:%M:%S.", &tm);
		p->shown_sec = sec;
	}
	ph_buf_add(out, p->hms, 10);
	ph_buf_add_zeros(out, (uint64_t)ns, 9);
	ph_buf_addc(out, ']');
}

void ph_printer_header(struct ph_printer *p, struct ph_buf *out)
{
	if (p->o.format != PH_VIEW_CSV || p->o.no_header)
		return;
	ph_vec_each(w, &p->want) {
		const char *name = w->col < PH_PRINT_NCOLS ? ph_print_columns[w->col].json : w->field;

		if (w != p->want.v)
			ph_buf_addc(out, ',');
		ph_buf_add_csv(out, name, strlen(name));
	}
	ph_buf_addc(out, '\n');
}

void ph_printer_event(struct ph_printer *p, const struct ph_identity *id, const struct ph_event *ev,
		      struct ph_buf *out)
{
	size_t before = out->len;

	switch (p->o.format) {
	case PH_VIEW_TEXT:
		print_text(p, id, ev, out);
		break;
	case PH_VIEW_BABELTRACE:
		print_babeltrace(p, ev, out);
		break;
	case PH_VIEW_JSON:
	case PH_VIEW_JSONPRETTY:
		print_json(p, id, ev, out);
		break;
	case PH_VIEW_CSV:
		print_csv(p, id, ev, out);
		break;
	}
	/* (What was not printed leaves no delta behind.) */
	if (out->len == before)
		return;
	p->began = true;
	p->last_ts = ev->ts_ns;
}
