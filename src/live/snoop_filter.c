/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The filter over rows: it sees one as an event whose fields are the columns that have a value. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "live/snoop_engine.h"

static const struct ph_type *type_of(enum ph_col_type t)
{
	static const struct ph_type f64 = { .kind = PH_KIND_FLOAT, .bits = 64 };

	switch (t) {
	case PH_COL_F64: return &f64;
	case PH_COL_STR: return &ph_type_str;
	case PH_COL_S64: return &ph_type_s64;
	default: return &ph_type_u64;
	}
}

static const struct sn_shape *shape_of(struct ph_snooping *s, uint64_t mask)
{
	struct sn_shape *sh = ph_u64map_get(&s->shapes, mask);

	if (sh)
		return sh;
	sh = ph_alloc(sizeof(*sh));
	for (size_t i = 0; i < s->ncols; i++) {
		struct ph_field *f = &sh->fields[sh->cls.nfields];

		if (!(mask >> i & 1))
			continue;
		*f = (struct ph_field){ .name = s->cols[i].json, .type = type_of(s->cols[i].type) };
		sh->at[sh->cls.nfields++] = (uint8_t)i;
	}
	sh->cls.name = s->sn->name;
	sh->cls.fields = sh->fields;
	sh->cls.syscall_nr = -1;
	ph_u64map_put(&s->shapes, mask, sh);
	return sh;
}

bool sn_passes(struct ph_snooping *s, const struct ph_identity *id, const struct ph_snoop_row *row)
{
	struct ph_value v[COLS_MAX];
	struct ph_event ev = { .ts_ns = row->begin_ns, .cpu = row->cpu, .container = row->container,
			       .tid = row->tid, .pid = row->pid, .v = v };
	const struct sn_shape *sh;
	uint64_t mask = 0;

	if (!s->filter)
		return true;
	for (size_t i = 0; i < s->ncols; i++)
		mask |= (uint64_t)row->cells[i].set << i;
	sh = shape_of(s, mask);
	ev.cls = &sh->cls;
	for (uint32_t i = 0; i < sh->cls.nfields; i++) {
		const struct ph_cell *c = &row->cells[sh->at[i]];

		v[i] = (struct ph_value){ .u = c->u };
		if (s->cols[sh->at[i]].type == PH_COL_STR) {
			v[i].s = c->s;
			v[i].n = (uint32_t)strlen(c->s);
		}
	}
	return ph_filter_match(s->filter, id, &ev);
}

static const struct ph_class *own_class(void *arg, size_t i)
{
	return i ? NULL : &((const struct sn_shape *)arg)->cls;
}

int sn_parse_filter(struct ph_snooping *s, struct ph_err *err)
{
	const struct sn_shape *all = shape_of(s, UINT64_MAX >> (64 - s->ncols));
	struct ph_filter_names names = { .nth = own_class, .arg = (void *)all };
	int r;

	if (!s->o->filter)
		return 0;
	r = ph_filter_parse_names(s->o->filter, &names, &s->filter, err);
	if (r < 0)
		return r;
	/* Fields of events are names to the filter, too, but not to a row. */
	if (!ph_filter_may_match(s->filter, &all->cls)) {
		ph_autobuf have = { 0 };

		for (size_t i = 0; i < s->ncols; i++)
			ph_buf_addf(&have, "%s%s", i ? ", " : "", s->cols[i].json);
		return ph_err_set(err, -EINVAL, "--filter: no row can pass it; its columns are %s", have.p);
	}
	return 0;
}
