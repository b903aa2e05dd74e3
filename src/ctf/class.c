/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "ctf/trace.h"

/*
 * Event classes for consumers. A class that has the name of one of events.def gets its number, and
 * the map from its fields to those of this trace, whatever their order here; so analyses work on
 * LTTng's traces.
 */

/* Fields of one meaning may be of several types; not so different that reading one gives nonsense. */
static bool compatible(const struct ph_type *want, const struct ph_type *have)
{
	switch (want->kind) {
	case PH_KIND_UINT:
	case PH_KIND_INT:
	case PH_KIND_ENUM:
		return have->kind == PH_KIND_UINT || have->kind == PH_KIND_INT ||
		       have->kind == PH_KIND_ENUM;
	case PH_KIND_SEQ:
		return have->kind == PH_KIND_SEQ && compatible(want->elem, have->elem);
	default:
		return have->kind == want->kind;
	}
}

static void add_members(struct ph_field *out, uint32_t *n, const struct ph_ct *t)
{
	for (uint32_t i = 0; t && i < t->n; i++)
		if (!ph_ct_hidden(t, i))
			out[(*n)++] = (struct ph_field){ .name = ph_ct_name(t->members[i].name),
							 .type = t->members[i].type->ph,
							 .counted = i && ph_ct_hidden(t, i - 1) };
}

static int32_t find_field(const struct ph_field *f, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (!strcmp(f[i].name, name))
			return (int32_t)i;
	return -1;
}

static int32_t find_int(const struct ph_field *f, uint32_t n, const char *name)
{
	int32_t i = find_field(f, n, name);

	return i >= 0 && compatible(&ph_type_s32, f[i].type) ? i : -1;
}

/* Units of contexts whose names are LTTng's or ours. */
static enum ph_unit context_unit(const char *name)
{
	static const struct { const char *name; enum ph_unit unit; } units[] = {
		{ "tid", PH_UNIT_TID }, { "vtid", PH_UNIT_NONE }, { "pid", PH_UNIT_PID },
		{ "ppid", PH_UNIT_PID }, { "container", PH_UNIT_CONTAINER },
		{ "cgroup_ns", PH_UNIT_INUM }, { "ipc_ns", PH_UNIT_INUM }, { "mnt_ns", PH_UNIT_INUM },
		{ "net_ns", PH_UNIT_INUM }, { "pid_ns", PH_UNIT_INUM }, { "time_ns", PH_UNIT_INUM },
		{ "user_ns", PH_UNIT_INUM }, { "uts_ns", PH_UNIT_INUM },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(name, units[i].name))
			return units[i].unit;
	return PH_UNIT_NONE;
}

static void adopt_known(struct ph_class *cls, struct ph_field *fields, struct ph_pool *pool,
			const struct ph_class *known)
{
	int16_t *canon = ph_pool_alloc(pool, (known->nfields + 1) * sizeof(*canon));
	bool same = known->nfields <= cls->nfields;

	cls->id = known->id;
	cls->group = known->group;
	cls->doc = known->doc;
	cls->syscall_nr = known->syscall_nr;
	for (uint32_t i = 0; i < known->nfields; i++) {
		int32_t at = find_field(fields, cls->nfields, known->fields[i].name);

		if (at >= 0 && !compatible(known->fields[i].type, fields[at].type))
			at = -1;
		canon[i] = (int16_t)at;
		same &= at == (int32_t)i;
		if (at >= 0) {
			fields[at].unit = known->fields[i].unit;
			fields[at].doc = known->fields[i].doc;
		}
	}
	cls->canon = same ? NULL : canon;
}

void ph_ct_class_make(struct ph_ct_class *c, struct ph_pool *pool, const char *name,
		      const struct ph_ct *stream_ctx, const struct ph_ct *event_ctx,
		      const struct ph_ct *fields)
{
	struct ph_class *cls = &c->cls;
	const struct ph_class *known = ph_class_by_name(name);
	struct ph_field *ctx, *f;

	cls->name = name;
	cls->syscall_nr = -1;
	cls->group = PH_GROUP_MAX;
	if (strstr(name, "syscall_entry_") || strstr(name, "syscall_exit_"))
		cls->group = PH_GROUP_SYSCALL;
	ctx = ph_pool_alloc(pool, ((stream_ctx ? stream_ctx->n : 0) + (event_ctx ? event_ctx->n : 0) + 1) *
				  sizeof(*ctx));
	add_members(ctx, &cls->nctx, stream_ctx);
	add_members(ctx, &cls->nctx, event_ctx);
	for (uint32_t i = 0; i < cls->nctx; i++)
		ctx[i].unit = context_unit(ctx[i].name);
	cls->ctx = ctx;
	f = ph_pool_alloc(pool, ((fields ? fields->n : 0) + 1) * sizeof(*f));
	add_members(f, &cls->nfields, fields);
	cls->fields = f;
	/* "vtid" and "vpid" are numbers of a container's own pid namespace, not the host's. */
	c->tid_at = find_int(ctx, cls->nctx, "tid");
	c->pid_at = find_int(ctx, cls->nctx, "pid");
	c->container_at = find_int(ctx, cls->nctx, "container");
	c->no_container = PH_CONTAINER_UNKNOWN;
	if (c->container_at >= 0 && ctx[c->container_at].type->bits < 32)
		c->no_container = (1u << ctx[c->container_at].type->bits) - 1;
	if (known)
		adopt_known(cls, f, pool, known);
}

/* ---- event headers ---------------------------------------------------------------------------------- */

static uint32_t round_up(uint32_t pos, uint32_t a)
{
	return (pos + a - 1) & ~(a - 1);
}

static bool plain_uint(const struct ph_ct *t, uint32_t max_align)
{
	return t->kind == PH_CT_INT && !t->is_signed && t->order == PH_CT_LE && t->align <= max_align;
}

static bool long_option(struct ph_ct_fast_header *f, const struct ph_ct *o, uint32_t pos,
			uint32_t max_align)
{
	const struct ph_ct *id, *ts;

	if (o->n != 2)
		return false;
	id = o->members[0].type;
	ts = o->members[1].type;
	if (!plain_uint(id, max_align) || id->bits != 32 || id->role != PH_ROLE_EVENT_ID ||
	    !plain_uint(ts, max_align) || ts->bits != 64 || ts->role != PH_ROLE_TIME ||
	    id->save >= 0 || ts->save >= 0)
		return false;
	pos = round_up(round_up(pos, o->align), id->align);
	f->long_id_at = (uint8_t)(pos / 8);
	pos = round_up(pos + 32, ts->align);
	f->long_ts_at = (uint8_t)(pos / 8);
	f->long_bytes = (uint8_t)(pos / 8 + 8);
	return id->align >= 8 && ts->align >= 8;
}

static bool short_option(struct ph_ct_fast_header *f, const struct ph_ct *o, uint32_t pos,
			 uint32_t max_align)
{
	const struct ph_ct *ts;

	if (o->n != 1)
		return false;
	ts = o->members[0].type;
	if (!plain_uint(ts, max_align) || ts->role != PH_ROLE_TIME || ts->save >= 0)
		return false;
	pos = round_up(round_up(pos, o->align), ts->align);
	f->ts_shift = (uint8_t)pos;
	f->ts_bits = (uint8_t)ts->bits;
	f->bytes = (uint8_t)((pos + ts->bits) / 8);
	return pos + ts->bits <= 64 && (pos + ts->bits) % 8 == 0;
}

static bool recognise(struct ph_ct_fast_header *f, const struct ph_ct *header)
{
	const struct ph_ct *id, *v;
	bool has_short = false, has_long = false;

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || !header || header->n != 2 ||
	    header->align < 8 || header->align > 64)
		return false;
	id = header->members[0].type;
	v = header->members[1].type;
	if (id->kind != PH_CT_ENUM || id->role != PH_ROLE_EVENT_ID || id->is_signed || id->bits > 16 ||
	    id->order != PH_CT_LE || v->kind != PH_CT_VARIANT || v->slot != id->save || v->n != 2 ||
	    v->nchoices != 2)
		return false;
	f->align_bytes = (uint16_t)(header->align / 8);
	f->id_bits = (uint8_t)id->bits;
	for (uint32_t i = 0; i < 2; i++) {
		const struct ph_ct_choice *c = &v->choices[i];
		const struct ph_ct *o = v->members[c->option].type;
		uint32_t max = f->align_bytes * 8;

		if (o->kind != PH_CT_STRUCT || o->align > max)
			return false;
		if (o->n == 1 && c->lo == 0) {
			f->short_max = (uint64_t)c->hi;
			has_short = short_option(f, o, id->bits, max);
		} else if (c->lo == c->hi) {
			f->long_value = (uint64_t)c->lo;
			has_long = long_option(f, o, id->bits, max);
		}
	}
	/* The id alone says which form it is. */
	return has_short && has_long && f->long_value == f->short_max + 1;
}

void ph_ct_fast_header_make(struct ph_ct_fast_header *f, const struct ph_ct *header)
{
	*f = (struct ph_ct_fast_header){ 0 };
	f->ok = recognise(f, header);
}
