/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_VIEW_PRINT_H
#define PH_VIEW_PRINT_H

#include "base/err.h"
#include "identity/model.h"

/*
 * Events as lines. How the fields of a class are written is worked out when its first event comes
 * and kept by the class's address: classes must live as long as the printer.
 */
enum ph_view_format {
	PH_VIEW_TEXT,
	PH_VIEW_BABELTRACE,	/* byte for byte what babeltrace2's text output is, but for what a terminal would act upon */
	PH_VIEW_JSON, PH_VIEW_JSONPRETTY, PH_VIEW_CSV,
};

struct ph_print_opts {
	enum ph_view_format format;
	int64_t offset_ns;	/* Unix time = event time + this */
	const char *hostname;	/* for PH_VIEW_BABELTRACE, NULL: left out */
	bool utc;		/* times of day in UTC, not in the local time zone */
	/*
	 * Columns (ph_print_columns) and names of payload fields; empty: all. "+name" adds one to
	 * the usual columns. Not for PH_VIEW_BABELTRACE.
	 */
	const ph_strv *fields;
	bool any_field;		/* fields of a foreign trace are not known beforehand: take any name */
	bool no_header;
};

/* The columns that every event has, in their order. */
enum ph_print_col {
	PH_PRINT_TIME, PH_PRINT_DELTA, PH_PRINT_CONTAINER, PH_PRINT_COMM, PH_PRINT_PID, PH_PRINT_TID,
	PH_PRINT_CPU, PH_PRINT_EVENT, PH_PRINT_FIELDS, PH_PRINT_CONTAINER_ID, PH_PRINT_IMAGE,
	PH_PRINT_POD, PH_PRINT_NAMESPACE, PH_PRINT_NCOLS,
};

struct ph_print_column {
	const char *name;
	const char *json, *json_type;	/* name and type in JSON */
	const char *help;
	bool usual;			/* shown without --fields */
};

extern const struct ph_print_column ph_print_columns[PH_PRINT_NCOLS];

struct ph_printer;

/* -EINVAL where @o->fields do not go with the format or name no field of any known class. */
int ph_printer_new(const struct ph_print_opts *o, struct ph_printer **ret, struct ph_err *err);
void ph_printer_free(struct ph_printer *p);
/* What stands before the first event (the heading of CSV). */
void ph_printer_header(struct ph_printer *p, struct ph_buf *out);
void ph_printer_event(struct ph_printer *p, const struct ph_identity *id, const struct ph_event *ev,
		      struct ph_buf *out);
/* The JSON schema of a line. */
void ph_printer_schema(struct ph_buf *out);

/* ---- values, for printers and statistics (value.c) ---------------------------------------------- */

/* A string in quotes, escaped as C does; nothing in it can reach a terminal unescaped. */
void ph_value_string(struct ph_buf *b, const char *s, size_t n);
/* For people: the number and, where the unit has one, its name behind it. */
void ph_value_text(struct ph_buf *b, const struct ph_identity *id, const struct ph_type *type,
		   enum ph_unit unit, const struct ph_value *v);
/* As babeltrace2 does; the length stands in front of a sequence's name where the trace has it. */
void ph_value_babeltrace_length(struct ph_buf *b, const struct ph_field *f, const struct ph_value *v);
void ph_value_babeltrace(struct ph_buf *b, const struct ph_type *type, const struct ph_value *v);

#endif
