/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "collect/priv.h"

void ph_emit_begin(struct ph_emit *e, uint32_t id, uint64_t ts_ns)
{
	e->ev = (struct ph_event){
		.cls = ph_class_by_id(id), .ts_ns = ts_ns, .tid = 0, .pid = 0, .v = e->v,
		.container = PH_CONTAINER_HOST,
	};
	e->n = 0;
}

static struct ph_value *next(struct ph_emit *e)
{
	static struct ph_value spare;

	return e->n < PH_MAX_FIELDS ? &e->v[e->n++] : &spare;
}

void ph_emit_u(struct ph_emit *e, uint64_t u)
{
	*next(e) = (struct ph_value){ .u = u };
}

void ph_emit_i(struct ph_emit *e, int64_t i)
{
	*next(e) = (struct ph_value){ .i = i };
}

void ph_emit_s(struct ph_emit *e, const char *s)
{
	*next(e) = (struct ph_value){ .s = s ? s : "", .n = s ? (uint32_t)strlen(s) : 0 };
}

void ph_emit_seq(struct ph_emit *e, const struct ph_value *v, uint32_t n)
{
	*next(e) = (struct ph_value){ .v = v, .n = n };
}

int ph_emit_done(struct ph_emit *e, ph_event_fn fn, void *arg, struct ph_err *err)
{
	if (e->n != e->ev.cls->nfields)
		return ph_err_set(err, -EINVAL, "%s: %u values for %u fields", e->ev.cls->name, e->n,
				  e->ev.cls->nfields);
	return fn(arg, &e->ev, err);
}
