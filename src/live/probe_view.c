/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "live/probe_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "live/snoop_priv.h"
#include "probe/probe.h"

/* Columns of a row are at most 64: those that all views have, ours, and the arguments. */
#define COLS_MAX (64 - PH_SNOOP_NCOMMON)

enum { FUNCTION, DURATION, KIND, PATH, ADDRESS, NUMBER, TEXT, NFIXED };

static void get_fixed(const struct ph_snoop_at *at, struct ph_cell *c);
static void get_arg(const struct ph_snoop_at *at, struct ph_cell *c);

static const struct ph_snoop_col fixed[NFIXED] = {
	[FUNCTION] = { { "FUNCTION", "function", PH_COL_STR, .width = 20,
			 .help = "that was called, or returned; PROVIDER:NAME of USDT, a tracepoint" }, .get = get_fixed },
	[DURATION] = { { "DURATION", "duration_ns", PH_COL_NS, .width = 8, .help = "of a return: since the function was entered" },
		       .get = get_fixed },
	[KIND] = { { "KIND", "kind", PH_COL_STR, true, "uprobe, uretprobe, usdt, tracepoint …", 10 }, .get = get_fixed },
	[PATH] = { { "PATH", "path", PH_COL_STR, true, "file that the function is in, as its process has it", 20 }, .get = get_fixed },
	[ADDRESS] = { { "ADDRESS", "address", PH_COL_U64, true, "in the process; of a return, of the function", 14 },
		      .get = get_fixed },
	[NUMBER] = { { "PROBE", "probe", PH_COL_U64, true, "number of the probe, as in the events", 5 }, .get = get_fixed },
	[TEXT] = { { "ASKED", "asked", PH_COL_STR, true, "the probe as it was asked for", 20 }, .get = get_fixed },
};

struct arg {
	char *name;
	enum ph_probe_type type;
	uint32_t text;			/* which of the event's texts */
	char *names;			/* of an ENUM: "RED=0,GREEN=1" */
	size_t col;			/* among the view's own; SIZE_MAX: none */
};

struct point {
	char *kind, *text, *path, *function;
	PH_VEC(struct arg) args;
	uint32_t at[COLS_MAX];		/* column -> argument, plus 1 */
};

struct ph_probe_view {
	struct ph_u64map points;	/* number -> struct point */
	struct ph_snoop_col cols[COLS_MAX + 1];
	size_t ncols;
	struct ph_strmap by_name;	/* column, plus 1 */
	ph_strv names, helps;
	bool made, returns;
	struct ph_snoop sn;
};

static const struct ph_snoop_step steps[] = { { "probe_hit", PH_SNOOP_ROW }, { 0 } };

struct ph_probe_view *ph_probe_view_new(void)
{
	return ph_alloc(sizeof(struct ph_probe_view));
}

static void point_free(struct point *p)
{
	ph_vec_each(a, &p->args) {
		free(a->name);
		free(a->names);
	}
	ph_vec_done(&p->args);
	free(p->kind);
	free(p->text);
	free(p->path);
	free(p->function);
	free(p);
}

void ph_probe_view_free(struct ph_probe_view *v)
{
	if (!v)
		return;
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&v->points, s)); )
		point_free(s->val);
	ph_u64map_done(&v->points);
	ph_strmap_done(&v->by_name);
	ph_strv_done(&v->names);
	ph_strv_done(&v->helps);
	free(v);
}

size_t ph_probe_view_known(const struct ph_probe_view *v)
{
	return v->points.n;
}

/* ---- what the stream tells of probes --------------------------------------------------------------- */

static char *text_of(const struct ph_event *ev, unsigned int fld)
{
	const struct ph_value *v = ph_event_field(ev, fld);

	return v && v->s ? ph_strndup(v->s, v->n) : ph_strdup("");
}

/* A name comes from a trace: as a column it must be a word, and no other column's. */
static bool is_column(const struct ph_probe_view *v, const char *name)
{
	for (size_t i = 0; i < PH_SNOOP_NCOMMON; i++)
		if (!strcmp(ph_snoop_common[i].json, name))
			return false;
	for (size_t i = 0; i < NFIXED; i++)
		if (!strcmp(fixed[i].col.json, name))
			return false;
	return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")];
}

static enum ph_col_type col_type(enum ph_probe_type t)
{
	switch (t) {
	case PH_PROBE_STR:
	case PH_PROBE_BUF:
	case PH_PROBE_ENUM: return PH_COL_STR;
	case PH_PROBE_F32:
	case PH_PROBE_F64: return PH_COL_F64;
	default: return ph_probe_type_signed(t) ? PH_COL_S64 : PH_COL_U64;
	}
}

static char *upper(const char *s)
{
	char *u = ph_strdup(s);

	for (char *p = u; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 'a' + 'A');
	return u;
}

/* The column of an argument; SIZE_MAX where it has none. */
static size_t column(struct ph_probe_view *v, const struct arg *a)
{
	size_t at = (size_t)(uintptr_t)ph_strmap_get(&v->by_name, a->name);
	ph_autofree char *name = NULL;
	struct ph_snoop_col *col;

	if (at) {
		enum ph_col_type *is = &v->cols[at - 1].col.type;

		/* Probes that call different things by one name: what fits all is text. It is too late for that once lines are shown. */
		if (!v->made && *is != col_type(a->type))
			*is = PH_COL_STR;
		return *is == PH_COL_STR || *is == col_type(a->type) ? at - 1 : SIZE_MAX;
	}
	name = is_column(v, a->name) ? ph_strdup(a->name) : ph_asprintf("arg_%s", a->name);
	if (v->made || v->ncols == COLS_MAX || !is_column(v, name) || ph_strmap_get(&v->by_name, name))
		return SIZE_MAX;
	col = &v->cols[v->ncols++];
	ph_strv_add(&v->names, name);
	col->col.json = v->names.v[v->names.n - 1];
	*ph_vec_push(&v->names) = upper(name);
	col->col.head = v->names.v[v->names.n - 1];
	*ph_vec_push(&v->helps) = ph_asprintf("argument %s of a probe", name);
	col->col.help = v->helps.v[v->helps.n - 1];
	col->col.type = col_type(a->type);
	col->col.width = a->type == PH_PROBE_STR || a->type == PH_PROBE_BUF ? 16 : 8;
	col->get = get_arg;
	ph_strmap_put(&v->by_name, a->name, (void *)(uintptr_t)v->ncols);
	return v->ncols - 1;
}

static void read_args(struct ph_probe_view *v, struct point *p, const char *names, const char *types)
{
	uint32_t texts = 0;

	while (*names && p->args.n < PH_PROBE_ARGS) {
		size_t n = strcspn(names, " "), k = strcspn(types, " ");
		struct arg *a = ph_vec_push(&p->args);

		a->name = ph_strndup(names, n);
		a->type = ph_probe_type_by_name(types, k);
		if (k > 5 && !strncmp(types, "enum:", 5)) {
			a->type = PH_PROBE_ENUM;
			a->names = ph_strndup(types + 5, k - 5);
		}
		if (a->type == PH_PROBE_TYPE_MAX)
			a->type = PH_PROBE_S64;
		if (a->type == PH_PROBE_STR)
			a->text = texts++;
		a->col = column(v, a);
		if (a->col != SIZE_MAX)
			p->at[a->col] = (uint32_t)p->args.n;
		names += n + (names[n] == ' ');
		types += k + (types[k] == ' ');
	}
}

void ph_probe_view_learn(struct ph_probe_view *v, const struct ph_event *ev)
{
	ph_autofree char *names = NULL, *types = NULL;
	struct point *p, *before;

	if (ev->cls->id != PH_EV_probe_point || !ph_class_like_ours(ev->cls))
		return;
	/* Those that every row has come first. */
	for (; v->ncols < NFIXED; v->ncols++)
		v->cols[v->ncols] = fixed[v->ncols];
	p = ph_alloc(sizeof(*p));
	p->kind = text_of(ev, PH_FLD(probe_point, kind));
	p->text = text_of(ev, PH_FLD(probe_point, text));
	p->path = text_of(ev, PH_FLD(probe_point, path));
	p->function = text_of(ev, PH_FLD(probe_point, function));
	v->returns |= strstr(p->kind, "ret") != NULL;
	names = text_of(ev, PH_FLD(probe_point, names));
	types = text_of(ev, PH_FLD(probe_point, types));
	read_args(v, p, names, types);
	before = ph_u64map_put(&v->points, ph_event_u(ev, PH_FLD(probe_point, probe), 0), p);
	if (before)
		point_free(before);
}

/* ---- cells ------------------------------------------------------------------------------------------ */

static const struct point *point_of(const struct ph_probe_view *v, const struct ph_event *ev)
{
	return ph_u64map_get(&v->points, ph_event_u(ev, PH_FLD(probe_hit, probe), 0));
}

/* Which of the view's own columns @c is. */
static size_t own_column(const struct ph_snoop_at *at, const struct ph_cell *c)
{
	return (size_t)(c - at->row->cells) - PH_SNOOP_NCOMMON;
}

static void get_fixed(const struct ph_snoop_at *at, struct ph_cell *c)
{
	const struct point *p;
	uint64_t u;

	if (!ph_class_like_ours(at->ev->cls))
		return;
	p = point_of(at->sn->data, at->ev);
	switch (own_column(at, c)) {
	case FUNCTION:
		ph_cell_str(c, p ? p->function : NULL);
		break;
	case KIND:
		ph_cell_str(c, p ? p->kind : NULL);
		break;
	case PATH:
		ph_cell_str(c, p && *p->path ? p->path : NULL);
		break;
	case TEXT:
		ph_cell_str(c, p ? p->text : NULL);
		break;
	case DURATION:
		u = ph_event_u(at->ev, PH_FLD(probe_hit, duration_ns), 0);
		if (u)
			ph_cell_u64(c, u);
		break;
	case ADDRESS:
		u = ph_event_u(at->ev, PH_FLD(probe_hit, address), 0);
		if (u) {
			ph_cell_u64(c, u);
			ph_cell_text(c, "0x%lx", u);
		}
		break;
	default:
		ph_cell_u64(c, ph_event_u(at->ev, PH_FLD(probe_hit, probe), 0));
	}
}

static void set_text(const struct ph_event *ev, uint32_t text, struct ph_cell *c)
{
	static const unsigned int flds[PH_PROBE_TEXTS] = {
		PH_FLD(probe_hit, text1), PH_FLD(probe_hit, text2), PH_FLD(probe_hit, text3), PH_FLD(probe_hit, text4),
	};
	ph_autofree char *s = text < PH_PROBE_TEXTS ? text_of(ev, flds[text]) : NULL;

	ph_cell_str(c, s);
}

/* Each byte that is no text as \\xNN. */
static void set_buffer(const struct ph_event *ev, struct ph_cell *c)
{
	const struct ph_value *v = ph_event_field(ev, PH_FLD(probe_hit, buffer));
	ph_autobuf b = { 0 };

	for (uint32_t i = 0; v && i < v->n; i++) {
		unsigned char byte = (unsigned char)v->s[i];

		if (byte < ' ' || byte > '~' || byte == '\\')
			ph_buf_addf(&b, "\\x%02x", byte);
		else
			ph_buf_addc(&b, (char)byte);
	}
	ph_cell_str(c, b.p ? b.p : "");
}

/* What the value @v is called in "RED=0,GREEN=1"; else the number. */
static char *enum_text(const char *names, int64_t v)
{
	for (const char *p = names, *end; p && *p; p = end + (*end == ',')) {
		const char *is = strchr(p, '=');

		end = p + strcspn(p, ",");
		if (is && is < end && strtoll(is + 1, NULL, 10) == v)
			return ph_strndup(p, (size_t)(is - p));
	}
	return ph_asprintf("%ld", v);
}

static double float_of(enum ph_probe_type t, uint64_t u)
{
	double d;
	float f;

	memcpy(&f, &u, sizeof(f));
	memcpy(&d, &u, sizeof(d));
	return t == PH_PROBE_F32 ? (double)f : d;
}

/* As a text, where its column has to be one. */
static char *value_text(const struct arg *a, uint64_t u)
{
	switch (a->type) {
	case PH_PROBE_ENUM: return enum_text(a->names, (int64_t)u);
	case PH_PROBE_F32:
	case PH_PROBE_F64: return ph_asprintf("%.17g", float_of(a->type, u));
	default: return ph_probe_type_signed(a->type) ? ph_asprintf("%ld", (int64_t)u) : ph_asprintf("%lu", u);
	}
}

static void get_arg(const struct ph_snoop_at *at, struct ph_cell *c)
{
	const struct ph_probe_view *v = at->sn->data;
	size_t col = own_column(at, c);
	const struct ph_value *values;
	const struct point *p;
	const struct arg *a;
	uint32_t i;
	uint64_t u;

	if (!ph_class_like_ours(at->ev->cls))
		return;
	p = point_of(v, at->ev);
	values = ph_event_field(at->ev, PH_FLD(probe_hit, values));
	i = p ? p->at[col] : 0;
	/* What could not be read has no value. */
	if (!i-- || !values || i >= values->n || ph_event_u(at->ev, PH_FLD(probe_hit, unread), 0) >> i & 1)
		return;
	a = &p->args.v[i];
	u = values->v[i].u;
	if (a->type == PH_PROBE_STR) {
		set_text(at->ev, a->text, c);
	} else if (a->type == PH_PROBE_BUF) {
		set_buffer(at->ev, c);
	} else if (v->cols[col].col.type == PH_COL_STR) {
		ph_autofree char *s = value_text(a, u);

		ph_cell_str(c, s);
	} else if (v->cols[col].col.type == PH_COL_F64) {
		ph_cell_f64(c, float_of(a->type, u));
		ph_cell_text(c, "%g", float_of(a->type, u));
	} else {
		ph_cell_u64(c, u);
		if (a->type == PH_PROBE_X32 || a->type == PH_PROBE_X64)
			ph_cell_text(c, "0x%lx", u);
	}
}

const struct ph_snoop *ph_probe_view_snoop(struct ph_probe_view *v)
{
	for (; v->ncols < NFIXED; v->ncols++)
		v->cols[v->ncols] = fixed[v->ncols];
	if (!v->made)
		v->cols[DURATION].col.hidden = !v->returns;
	v->made = true;
	v->sn = (struct ph_snoop){ .name = "probe", .summary = "hits of probes", .steps = steps, .cols = v->cols,
				   .time = "duration_ns", .data = v };
	return &v->sn;
}

struct ph_col *ph_probe_view_cols(struct ph_probe_view *v, size_t *ret_n)
{
	struct ph_col *cols = ph_alloc((PH_SNOOP_NCOMMON + v->ncols + 1) * sizeof(*cols));

	memcpy(cols, ph_snoop_common, sizeof(ph_snoop_common));
	for (size_t i = 0; i < v->ncols; i++)
		cols[PH_SNOOP_NCOMMON + i] = v->cols[i].col;
	*ret_n = PH_SNOOP_NCOMMON + v->ncols;
	return cols;
}
