/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/clock.h"
#include "view/print_priv.h"

/* Names from containers: almost always short and plain, so that is what is fast. */
static void add_safe(struct ph_buf *b, const char *s)
{
	size_t start = b->len, n = 0;

	ph_buf_reserve(b, 64);
	for (; s[n] >= 0x20 && s[n] < 0x7f && n < 62; n++)
		b->p[start + n] = s[n];
	if (s[n]) {
		ph_buf_add_term(b, s, strlen(s));
		return;
	}
	b->len += n;
	b->p[b->len] = 0;
}

static void add_delta(struct ph_printer *p, const struct ph_event *ev, struct ph_buf *out)
{
	uint64_t d = ev->ts_ns - p->last_ts;

	if (!p->began) {
		ph_buf_adds(out, " (+?.\?\?\?\?\?\?\?\?\?)");
		return;
	}
	/* A source that goes back (clocks of two traces): as babeltrace2 has it. */
	if (ev->ts_ns < p->last_ts) {
		ph_buf_adds(out, " (+-");
		d = p->last_ts - ev->ts_ns;
	} else {
		ph_buf_adds(out, " (+");
	}
	ph_buf_add_u64(out, d / PH_NSEC);
	ph_buf_addc(out, '.');
	ph_buf_add_zeros(out, d % PH_NSEC, 9);
	ph_buf_addc(out, ')');
}

static void add_number(struct ph_buf *out, int32_t n)
{
	if (n >= 0)
		ph_buf_add_u64(out, (uint32_t)n);
	else
		ph_buf_addc(out, '?');
}

static void add_string(struct ph_buf *out, const char *s)
{
	ph_buf_addc(out, ' ');
	if (s && *s)
		add_safe(out, s);
	else
		ph_buf_addc(out, '-');
}

static void add_container(struct ph_buf *out, const struct ph_identity *id, const struct ph_event *ev)
{
	/* What has no name yet is a number, and not worth a look-up. */
	if (printer_container(id, ev) || !id || ev->container == PH_CONTAINER_UNKNOWN) {
		add_string(out, id ? ph_container_label(id, ev->container) : "?");
		return;
	}
	ph_buf_adds(out, " #");
	ph_buf_add_u64(out, ev->container);
}

static void add_columns(struct ph_printer *p, const struct ph_identity *id, const struct ph_event *ev,
			struct ph_buf *out)
{
	const struct ph_container *c;

	if (p->cols[PH_PRINT_CONTAINER])
		add_container(out, id, ev);
	if (p->cols[PH_PRINT_CONTAINER_ID] || p->cols[PH_PRINT_IMAGE] || p->cols[PH_PRINT_POD] ||
	    p->cols[PH_PRINT_NAMESPACE]) {
		c = printer_container(id, ev);
		if (p->cols[PH_PRINT_CONTAINER_ID])
			add_string(out, c ? c->id : NULL);
		if (p->cols[PH_PRINT_IMAGE])
			add_string(out, c ? c->image : NULL);
		if (p->cols[PH_PRINT_POD])
			add_string(out, c ? c->pod : NULL);
		if (p->cols[PH_PRINT_NAMESPACE])
			add_string(out, c ? c->pod_namespace : NULL);
	}
	if (p->cols[PH_PRINT_COMM])
		add_string(out, printer_comm(id, ev));
	if (p->cols[PH_PRINT_PID] || p->cols[PH_PRINT_TID])
		ph_buf_addc(out, ' ');
	if (p->cols[PH_PRINT_PID])
		add_number(out, ev->pid);
	if (p->cols[PH_PRINT_PID] && p->cols[PH_PRINT_TID])
		ph_buf_addc(out, ':');
	if (p->cols[PH_PRINT_TID])
		add_number(out, ev->tid);
	if (p->cols[PH_PRINT_CPU]) {
		ph_buf_adds(out, " cpu");
		if (ev->cpu == PH_CPU_UNKNOWN)
			ph_buf_addc(out, '-');
		else
			ph_buf_add_u64(out, ev->cpu);
	}
}

static inline void add_value(struct ph_buf *out, const struct ph_identity *id, const struct ph_event *ev,
			     const struct print_field *f)
{
	const struct ph_value *v = printer_value(ev, f);

	switch (f->how) {
	case PRINT_UINT:
		ph_buf_add_u64(out, v->u);
		break;
	case PRINT_INT:
		ph_buf_add_s64(out, v->i);
		break;
	case PRINT_STR:
		ph_value_string(out, v->s, v->n);
		break;
	case PRINT_ANY:
		ph_value_text(out, id, f->f->type, printer_unit(ev, f), v);
		break;
	}
}

void print_text(struct ph_printer *p, const struct ph_identity *id, const struct ph_event *ev,
		struct ph_buf *out)
{
	const struct print_class *pc = printer_class(p, ev->cls);
	size_t start = out->len;

	if (p->cols[PH_PRINT_TIME])
		printer_time(p, ev, out);
	if (p->cols[PH_PRINT_DELTA])
		add_delta(p, ev, out);
	add_columns(p, id, ev, out);
	if (p->cols[PH_PRINT_EVENT])
		add_string(out, pc->name);
	if (p->cols[PH_PRINT_FIELDS]) {
		ph_buf_adds(out, p->cols[PH_PRINT_EVENT] ? ": {" : " {");
		for (uint32_t i = 0; i < pc->fields.n; i++) {
			const struct print_field *f = &pc->fields.v[i];

			if (i == pc->nctx && i)
				ph_buf_adds(out, " }, {");
			if (i == 0 || i == pc->nctx)
				ph_buf_addc(out, ' ');
			ph_buf_add(out, f->prefix, f->prefix_len);
			add_value(out, id, ev, f);
		}
		ph_buf_adds(out, pc->fields.n ? " }" : "}");
	}
	/* Without the first columns the separator in front is too much. */
	if (out->len > start && out->p[start] == ' ') {
		memmove(out->p + start, out->p + start + 1, out->len - start);
		out->len--;
	}
	ph_buf_addc(out, '\n');
}

static void add_group(const struct print_class *pc, const struct ph_event *ev, uint32_t from, uint32_t to,
		      struct ph_buf *out)
{
	ph_buf_adds(out, "{ ");
	for (uint32_t i = from; i < to; i++) {
		const struct print_field *f = &pc->fields.v[i];

		if (i > from)
			ph_buf_adds(out, ", ");
		ph_value_babeltrace_length(out, f->f, printer_value(ev, f));
		ph_buf_add(out, f->prefix, f->prefix_len);
		ph_value_babeltrace(out, f->f->type, printer_value(ev, f));
	}
	ph_buf_adds(out, to > from ? " }" : "}");
}

void print_babeltrace(struct ph_printer *p, const struct ph_event *ev, struct ph_buf *out)
{
	const struct print_class *pc = printer_class(p, ev->cls);
	uint32_t n = (uint32_t)pc->fields.n;

	/* A gap that the reader made of packets' counts is no event there, but a word on stderr. */
	if (ev->cls == ph_class_by_id(PH_EV_events_discarded))
		return;
	printer_time(p, ev, out);
	add_delta(p, ev, out);
	ph_buf_addc(out, ' ');
	if (p->o.hostname) {
		add_safe(out, p->o.hostname);
		ph_buf_addc(out, ' ');
	}
	add_safe(out, ev->cls->name);
	ph_buf_adds(out, ": { cpu_id = ");
	ph_buf_add_u64(out, ev->cpu);
	ph_buf_adds(out, " }, ");
	if (pc->nctx) {
		add_group(pc, ev, 0, pc->nctx, out);
		ph_buf_adds(out, ", ");
	}
	add_group(pc, ev, pc->nctx, n, out);
	ph_buf_addc(out, '\n');
}
