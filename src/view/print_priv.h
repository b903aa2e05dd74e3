/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_VIEW_PRINT_PRIV_H
#define PH_VIEW_PRINT_PRIV_H

#include "base/json.h"
#include "base/map.h"
#include "view/print.h"

/* The insides of printers, shared by print*.c only. */

/* A field of a class that is shown. */
struct print_field {
	const struct ph_field *f;
	uint32_t at;			/* in the event's values or contexts */
	bool ctx;
	int32_t compat_at;		/* of a system call's number: the field that says of which table */
	/* Most are plain numbers and strings: nothing is asked about these any more. */
	enum { PRINT_ANY, PRINT_UINT, PRINT_INT, PRINT_STR } how;
	char *prefix;			/* ", name = ", owned */
	uint32_t prefix_len;
	char *json, *json_name;		/* JSON's key, and that of the name beside it (NULL: none) */
};

struct print_class {
	PH_VEC(struct print_field) fields;	/* contexts first */
	uint32_t nctx;
	char *name;			/* escaped for a terminal, owned */
};

/* A column of CSV: one of all events' or a field. */
struct print_want {
	enum ph_print_col col;
	const char *field;		/* col is PH_PRINT_NCOLS */
};

#define PRINT_RECENT 64

struct ph_printer {
	struct ph_print_opts o;
	bool cols[PH_PRINT_NCOLS];
	PH_VEC(struct print_want) want;	/* in the order of --fields */
	bool some_fields;		/* only those among want */
	struct ph_u64map classes;
	/* The last class of each slot: a few classes take turns, and the map costs more. */
	struct { const struct ph_class *cls; const struct print_class *pc; } recent[PRINT_RECENT];
	bool began;
	uint64_t last_ts;
	int64_t shown_sec;		/* whose time of day stands in … */
	char hms[16];			/* "[15:20:11." */
	struct ph_buf scratch;
	struct ph_json json;
};

const struct print_class *printer_class(struct ph_printer *p, const struct ph_class *cls);
static inline const struct ph_value *printer_value(const struct ph_event *ev, const struct print_field *f)
{
	return f->ctx ? &ev->ctx[f->at] : &ev->v[f->at];
}

static inline enum ph_unit printer_unit(const struct ph_event *ev, const struct print_field *f)
{
	return f->compat_at >= 0 && ev->v[f->compat_at].u ? PH_UNIT_COMPAT_SYSCALL : f->f->unit;
}

/* The task's name, "" where unknown. */
static inline const char *printer_comm(const struct ph_identity *id, const struct ph_event *ev)
{
	const struct ph_task *task = id ? ph_identity_task(id, ev->tid) : NULL;

	return task && task->comm[0] ? task->comm : ev->tid == 0 ? "swapper" : "";
}
static inline const struct ph_container *printer_container(const struct ph_identity *id,
							   const struct ph_event *ev)
{
	return id && ev->container != PH_CONTAINER_UNKNOWN ? ph_identity_container(id, ev->container) : NULL;
}
static inline int64_t printer_unix_ns(const struct ph_printer *p, const struct ph_event *ev)
{
	return (int64_t)(ev->ts_ns + (uint64_t)p->o.offset_ns);
}
/* "[15:20:11.123456789]" */
void printer_time(struct ph_printer *p, const struct ph_event *ev, struct ph_buf *out);

void print_text(struct ph_printer *p, const struct ph_identity *id, const struct ph_event *ev,
		struct ph_buf *out);
void print_babeltrace(struct ph_printer *p, const struct ph_event *ev, struct ph_buf *out);
void print_json(struct ph_printer *p, const struct ph_identity *id, const struct ph_event *ev,
		struct ph_buf *out);
void print_csv(struct ph_printer *p, const struct ph_identity *id, const struct ph_event *ev,
	       struct ph_buf *out);

#endif
