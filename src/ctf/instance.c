/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctf/instance.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

static const char *const scope_names[PH_SCOPE_MAX] = {
	[PH_SCOPE_PACKET_HEADER] = "trace.packet.header",
	[PH_SCOPE_PACKET_CONTEXT] = "stream.packet.context",
	[PH_SCOPE_EVENT_HEADER] = "stream.event.header",
	[PH_SCOPE_STREAM_CONTEXT] = "stream.event.context",
	[PH_SCOPE_EVENT_CONTEXT] = "event.context",
	[PH_SCOPE_FIELDS] = "event.fields",
};

const char *ph_ct_name(const char *name)
{
	return name[0] == '_' && name[1] ? name + 1 : name;
}

bool ph_ct_is_byte(const struct ph_ct *t)
{
	return t->kind == PH_CT_INT && t->bits == 8;
}

bool ph_ct_hidden(const struct ph_ct *t, uint32_t i)
{
	const struct ph_ct_member *m = &t->members[i], *seq;
	const char *len, *name;
	size_t n;

	if (t->kind != PH_CT_STRUCT || i + 1 >= t->n || m->type->kind != PH_CT_INT)
		return false;
	seq = &t->members[i + 1];
	if (seq->type->kind != PH_CT_SEQ || strcmp(seq->type->ref, m->name))
		return false;
	len = ph_ct_name(m->name);
	name = ph_ct_name(seq->name);
	n = strlen(name);
	return *len == '_' && !strncmp(len + 1, name, n) && !strcmp(len + 1 + n, "_length");
}

/* ---- references ------------------------------------------------------------------------------- */

static struct ph_ct *member(struct ph_inst *in, const struct ph_ct *t, const char *name, size_t n)
{
	if (!t || t->kind != PH_CT_STRUCT)
		return NULL;
	in->work += t->n;
	for (uint32_t i = t->n; i--;)
		if (!strncmp(t->members[i].name, name, n) && !t->members[i].name[n])
			return t->members[i].type;
	return NULL;
}

/* a.b.c from @t on. */
static struct ph_ct *walk(struct ph_inst *in, struct ph_ct *t, const char *path)
{
	while (t && *path) {
		size_t n = strcspn(path, ".");

		t = member(in, t, path, n);
		path += n;
		path += *path == '.';
	}
	return t;
}

/*
 * What a reference means: a member that was declared before it in one of the structures around it,
 * innermost first; a whole path from a scope's name; or a member of a scope further out.
 */
static struct ph_ct *find_ref(struct ph_inst *in, const char *ref)
{
	size_t first = strcspn(ref, ".");

	for (uint32_t i = in->nframes; i--;)
		if (member(in, in->frames[i], ref, first))
			return walk(in, in->frames[i], ref);
	for (int s = (int)in->scope; s >= 0; s--) {
		size_t n = strlen(scope_names[s]);

		if (!strncmp(ref, scope_names[s], n) && ref[n] == '.')
			return walk(in, in->roots[s], ref + n + 1);
	}
	for (int s = (int)in->scope; s >= 0; s--)
		if (member(in, in->roots[s], ref, first))
			return walk(in, in->roots[s], ref);
	return NULL;
}

static int resolve(struct ph_inst *in, struct ph_ct *t, struct ph_ct **ret, struct ph_err *err)
{
	const char *what = t->kind == PH_CT_SEQ ? "length" : "tag";
	struct ph_ct *to;

	if (!t->ref)
		return ph_err_set(err, -EBADMSG, "a variant has no tag");
	to = find_ref(in, t->ref);
	if (in->work > PH_CT_WORK_MAX)
		return ph_err_set(err, -E2BIG, "its references take too long to resolve");
	if (!to)
		return ph_err_set(err, -EBADMSG, "there is no field \"%s\" for a %s", t->ref, what);
	if (to->kind != PH_CT_ENUM && (to->kind != PH_CT_INT || t->kind == PH_CT_VARIANT))
		return ph_err_set(err, -EBADMSG, "field \"%s\" cannot be a %s", t->ref, what);
	if (t->kind == PH_CT_SEQ && to->is_signed)
		return ph_err_set(err, -EBADMSG, "field \"%s\" is signed and a length", t->ref);
	if (to->save < 0)
		to->save = (int32_t)in->nslots++;
	t->slot = to->save;
	*ret = to;
	return 0;
}

/* Which values of the tag @e choose which option. */
static int make_choices(struct ph_inst *in, struct ph_ct *t, const struct ph_ct *e,
			struct ph_err *err)
{
	in->work += (uint64_t)e->n * (t->n + 1);
	if (in->work > PH_CT_WORK_MAX)
		return ph_err_set(err, -E2BIG, "its references take too long to resolve");
	t->choices = ph_pool_alloc(in->pool, e->n * sizeof(*t->choices));
	t->nchoices = 0;
	for (uint32_t i = 0; i < e->n; i++) {
		const struct ph_enum_label *l = &e->labels[i];
		uint32_t o = 0;

		/* LTTng's dynamic contexts have "_none" as the label of an option "none", or both. */
		while (o < t->n && strcmp(t->members[o].name, l->name))
			o++;
		for (uint32_t k = 0; o == t->n && k < t->n; k++)
			if (!strcmp(ph_ct_name(t->members[k].name), ph_ct_name(l->name)))
				o = k;
		if (o < t->n)
			t->choices[t->nchoices++] = (struct ph_ct_choice){ l->lo, l->hi, o };
	}
	return t->nchoices ? 0 : ph_err_set(err, -EBADMSG, "no label of \"%s\" is an option of its "
					    "variant", t->ref);
}

/* ---- copies -------------------------------------------------------------------------------------- */

static const struct ph_type *new_ph(struct ph_inst *in, const struct ph_type *t)
{
	struct ph_type *ph = ph_pool_alloc(in->pool, sizeof(*ph));

	*ph = *t;
	return ph;
}

static const struct ph_field *ph_fields(struct ph_inst *in, const struct ph_ct *t, uint32_t *ret_n)
{
	struct ph_field *f = ph_pool_alloc(in->pool, (t->n + 1) * sizeof(*f));
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		if (!ph_ct_hidden(t, i))
			f[n++] = (struct ph_field){ .name = ph_ct_name(t->members[i].name),
						    .type = t->members[i].type->ph,
						    .counted = i && ph_ct_hidden(t, i - 1) };
	*ret_n = n;
	return f;
}

/* What consumers see of @t, whose parts are done. Leaves are made once, at the parser's type. */
static const struct ph_type *make_ph(struct ph_inst *in, struct ph_ct *t, struct ph_ct *orig)
{
	struct ph_type ph = { .bits = (uint8_t)t->bits, .base = t->base, .is_signed = t->is_signed };

	switch (t->kind) {
	case PH_CT_INT:
		ph.kind = t->is_signed ? PH_KIND_INT : PH_KIND_UINT;
		break;
	case PH_CT_FLOAT:
		ph.kind = PH_KIND_FLOAT;
		break;
	case PH_CT_ENUM:
		ph.kind = PH_KIND_ENUM;
		ph.labels = t->labels;
		ph.nlabels = t->n;
		break;
	case PH_CT_STRING:
		return &ph_type_str;
	case PH_CT_STRUCT:
	case PH_CT_VARIANT:
		ph.kind = t->kind == PH_CT_STRUCT ? PH_KIND_STRUCT : PH_KIND_VARIANT;
		ph.fields = ph_fields(in, t, &ph.nfields);
		return new_ph(in, &ph);
	case PH_CT_ARRAY:
	case PH_CT_SEQ:
		ph.kind = !ph_ct_is_byte(t->elem) ? PH_KIND_SEQ : t->elem->is_text ? PH_KIND_STR
										   : PH_KIND_BYTES;
		if (ph.kind != PH_KIND_SEQ)
			ph.bits = 8;
		if (ph.kind == PH_KIND_STR)
			return &ph_type_str;
		ph.elem = t->elem->ph;
		return new_ph(in, &ph);
	}
	if (!orig->ph)
		orig->ph = new_ph(in, &ph);
	return orig->ph;
}

static int copy(struct ph_inst *in, struct ph_ct *orig, struct ph_ct **ret, struct ph_err *err);

static int copy_members(struct ph_inst *in, struct ph_ct *t, const struct ph_ct *orig,
			struct ph_err *err)
{
	bool is_struct = t->kind == PH_CT_STRUCT;
	int r = 0;

	t->members = ph_pool_alloc(in->pool, orig->n * sizeof(*t->members));
	t->n = 0;
	if (is_struct)
		in->frames[in->nframes++] = t;
	for (uint32_t i = 0; i < orig->n && r == 0; i++) {
		struct ph_ct *m;

		r = copy(in, orig->members[i].type, &m, err);
		if (r < 0)
			r = ph_err_wrap(err, r, "field \"%s\"", orig->members[i].name);
		else
			t->members[t->n++] = (struct ph_ct_member){ orig->members[i].name, m };
	}
	if (is_struct)
		in->nframes--;
	return r;
}

static int copy(struct ph_inst *in, struct ph_ct *orig, struct ph_ct **ret, struct ph_err *err)
{
	struct ph_ct *t, *to;
	int r = 0;

	if (++in->nodes > PH_CT_NODES_MAX)
		return ph_err_set(err, -E2BIG, "the trace's types have more than %u parts",
				  PH_CT_NODES_MAX);
	t = ph_pool_alloc(in->pool, sizeof(*t));
	*t = *orig;
	if (t->order == PH_CT_NATIVE)
		t->order = in->order;
	if (in->nframes == 1 && !in->roots[in->scope])
		in->roots[in->scope] = in->frames[0];
	switch (t->kind) {
	case PH_CT_STRUCT:
		r = copy_members(in, t, orig, err);
		break;
	case PH_CT_VARIANT:
		r = resolve(in, t, &to, err);
		if (r == 0)
			r = copy_members(in, t, orig, err);
		if (r == 0)
			r = make_choices(in, t, to, err);
		break;
	case PH_CT_SEQ:
		r = resolve(in, t, &to, err);
		/* fall through */
	case PH_CT_ARRAY:
		if (r == 0)
			r = copy(in, orig->elem, &t->elem, err);
		break;
	default:
		break;
	}
	if (r < 0)
		return r;
	t->ph = make_ph(in, t, orig);
	*ret = t;
	return 0;
}

/* ---- roles ------------------------------------------------------------------------------------------- */

static void set_role(struct ph_ct *t, const char *name, enum ph_ct_scope scope)
{
	static const struct { enum ph_ct_scope scope; enum ph_ct_role role; const char *name; } roles[] = {
		{ PH_SCOPE_PACKET_HEADER, PH_ROLE_MAGIC, "magic" },
		{ PH_SCOPE_PACKET_HEADER, PH_ROLE_UUID, "uuid" },
		{ PH_SCOPE_PACKET_HEADER, PH_ROLE_STREAM_ID, "stream_id" },
		{ PH_SCOPE_PACKET_CONTEXT, PH_ROLE_TS_BEGIN, "timestamp_begin" },
		{ PH_SCOPE_PACKET_CONTEXT, PH_ROLE_TS_END, "timestamp_end" },
		{ PH_SCOPE_PACKET_CONTEXT, PH_ROLE_CONTENT_SIZE, "content_size" },
		{ PH_SCOPE_PACKET_CONTEXT, PH_ROLE_PACKET_SIZE, "packet_size" },
		{ PH_SCOPE_PACKET_CONTEXT, PH_ROLE_SEQ_NUM, "packet_seq_num" },
		{ PH_SCOPE_PACKET_CONTEXT, PH_ROLE_DISCARDED, "events_discarded" },
		{ PH_SCOPE_PACKET_CONTEXT, PH_ROLE_CPU_ID, "cpu_id" },
		{ PH_SCOPE_EVENT_HEADER, PH_ROLE_EVENT_ID, "id" },
		{ PH_SCOPE_EVENT_HEADER, PH_ROLE_TIME, "timestamp" },
	};
	bool is_int = t->kind == PH_CT_INT || t->kind == PH_CT_ENUM;

	if (scope == PH_SCOPE_EVENT_HEADER && is_int && t->clock)
		t->role = PH_ROLE_TIME;
	for (size_t i = 0; i < PH_ARRAY_SIZE(roles); i++)
		if (scope == roles[i].scope && !strcmp(name, roles[i].name) &&
		    (is_int || (roles[i].role == PH_ROLE_UUID && t->kind == PH_CT_ARRAY && t->n == 16 &&
				ph_ct_is_byte(t->elem) && !t->elem->is_text)))
			t->role = (uint8_t)roles[i].role;
}

/* The id and time of an event may stand in a variant's option, the others only at the top. */
static void set_roles(struct ph_ct *t, enum ph_ct_scope scope)
{
	for (uint32_t i = 0; i < t->n; i++) {
		struct ph_ct *m = t->members[i].type;

		set_role(m, t->members[i].name, scope);
		if (scope == PH_SCOPE_EVENT_HEADER &&
		    (m->kind == PH_CT_VARIANT || m->kind == PH_CT_STRUCT))
			set_roles(m, scope);
	}
}

int ph_inst_make(struct ph_inst *in, enum ph_ct_scope scope, struct ph_ct *type, struct ph_err *err)
{
	struct ph_ct *root;
	int r;

	in->roots[scope] = NULL;
	if (!type)
		return 0;
	in->scope = scope;
	in->nframes = 0;
	r = copy(in, type, &root, err);
	if (r < 0) {
		in->roots[scope] = NULL;
		return ph_err_wrap(err, r, "%s", scope_names[scope]);
	}
	in->roots[scope] = root;
	set_roles(root, scope);
	return 0;
}
