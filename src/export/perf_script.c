/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples as `perf script` prints them, in the order of time: what reads that splits at line ends, blanks and brackets. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "export/export.h"

static void add_text(struct ph_buf *out, const char *s)
{
	ph_buf_add_term(out, s, strlen(s));
}

/* At the beginning of a line: a blank there makes it one of a stack, a # a comment, and the samples would be of the task before. */
static void add_comm(struct ph_buf *out, const char *comm)
{
	if (*comm == ' ' || *comm == '#')
		ph_buf_addf(out, "\\x%02x", *comm++);
	else if (!*comm)
		comm = ":";
	add_text(out, comm);
}

static const char *event_name(const struct ph_profile *p)
{
	switch (p->opts.what) {
	case PH_PROFILE_OFFCPU:	return "off-cpu";
	case PH_PROFILE_WALL:	return "wall-clock";
	case PH_PROFILE_EVENT:	return p->opts.event->name;
	default:		return p->unit == PH_PROFILE_CYCLES ? "cycles" : "cpu-clock";
	}
}

static void add_module(const struct ph_profile *p, const struct ph_loc *l, const struct ph_func *f, struct ph_buf *out)
{
	switch (f->kind) {
	case PH_FRAME_KERNEL:
		if (!f->module[0]) {
			ph_buf_adds(out, "[kernel.kallsyms]");
			break;
		}
		ph_buf_addc(out, '[');
		add_text(out, f->module);
		ph_buf_addc(out, ']');
		break;
	case PH_FRAME_INLINED:
		ph_buf_adds(out, "inlined");
		break;
	case PH_FRAME_GROUP: case PH_FRAME_WAIT:
		ph_buf_adds(out, ph_frame_kind_name(f->kind));
		break;
	default:
		if (l->file == UINT32_MAX)
			ph_buf_adds(out, "[unknown]");
		else
			add_text(out, p->files.v[l->file]->path);
	}
}

static void add_stack(const struct ph_export *x, const struct ph_profile_row *row, ph_locv *locs, struct ph_buf *out)
{
	const struct ph_profile *p = x->p;

	ph_profile_stack(p, row, x->groups, locs);
	for (size_t i = locs->n; i-- > 0; ) {
		const struct ph_loc *l = &p->locs.v[locs->v[i]];
		const struct ph_func *f = ph_profile_func(p, locs->v[i]);

		ph_buf_addf(out, "\t%16" PRIx64 " ", f->kind == PH_FRAME_NONE ? 0 : l->address);
		add_text(out, f->named ? f->name : "[unknown]");
		ph_buf_adds(out, " (");
		add_module(p, l, f, out);
		ph_buf_adds(out, ")\n");
	}
	ph_buf_addc(out, '\n');
}

/* Where in the output a row's stack stands already: many samples have the same one. */
struct written {
	size_t at, n;
};

static void add_sample(const struct ph_export *x, const struct ph_profile_sample *s, struct written *written, ph_locv *locs,
		       struct ph_buf *out)
{
	const struct ph_profile *p = x->p;
	const struct ph_profile_row *row = &p->rows.v[s->row];
	const struct ph_actor *a = &p->actors.v[row->actor];
	struct written *w = &written[s->row];

	add_comm(out, a->comm);
	ph_buf_addf(out, " %d/%d [%03u] %" PRIu64 ".%06" PRIu64 ": %10" PRIu64 " %s: \n", a->pid, a->tid, s->cpu,
		    (uint64_t)(s->ts_ns / PH_NSEC), (uint64_t)(s->ts_ns % PH_NSEC / 1000), s->weight, event_name(p));
	if (w->n) {
		/* Room first: it may be somewhere else then. */
		ph_buf_reserve(out, w->n + 1);
		ph_buf_add(out, out->p + w->at, w->n);
		return;
	}
	w->at = out->len;
	add_stack(x, row, locs, out);
	w->n = out->len - w->at;
}

static int earliest_first(const void *pa, const void *pb)
{
	const struct ph_profile_sample *a = *(const struct ph_profile_sample *const *)pa, *b = *(const struct ph_profile_sample *const *)pb;

	if (a->ts_ns != b->ts_ns)
		return a->ts_ns < b->ts_ns ? -1 : 1;
	return a < b ? -1 : a > b;
}

void ph_export_perf_script(const struct ph_export *x, struct ph_buf *out)
{
	ph_autofree struct written *written = ph_alloc((x->p->rows.n + 1) * sizeof(*written));
	PH_VEC(const struct ph_profile_sample *) order = { 0 };
	ph_locv locs = { 0 };

	ph_vec_each(s, &x->p->samples)
		*ph_vec_push(&order) = s;
	if (order.n)
		qsort(order.v, order.n, sizeof(order.v[0]), earliest_first);
	ph_vec_each(s, &order)
		add_sample(x, *s, written, &locs, out);
	ph_vec_done(&locs);
	ph_vec_done(&order);
}
