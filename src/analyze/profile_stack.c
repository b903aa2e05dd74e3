/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks as they are shown: the functions of a row, without those that say nothing. */
#include <string.h>

#include "analyze/profile_priv.h"

static bool is_function(const char *name, const char *want)
{
	size_t n = strlen(want);

	return !strncmp(name, want, n) && (!name[n] || name[n] == '.');
}

static bool begins(const char *name, const char *with)
{
	return !strncmp(name, with, strlen(with));
}

/* An event's probe is called by what the event is in: the innermost of @out that are the tracer's own. */
#define OWN_FRAMES 16
static void cut_probe(const struct ph_profile *p, ph_locv *out, size_t begin)
{
	size_t n = out->n;

	for (size_t i = out->n; i-- > begin && out->n - i <= OWN_FRAMES; ) {
		const struct ph_func *f = ph_profile_func(p, out->v[i]);

		if (f->kind != PH_FRAME_KERNEL)
			break;
		if (begins(f->name, "bpf_trace_run") || begins(f->name, "__bpf_trace_") || begins(f->name, "__traceiter_"))
			n = i;
	}
	if (n > begin)
		out->n = n;
}

/* Of a wait, the way out of the CPU is everybody's: the innermost of @out, up to schedule(). */
static void cut_scheduler(const struct ph_profile *p, ph_locv *out, size_t begin)
{
	size_t n = out->n;

	for (size_t i = out->n; i-- > begin; ) {
		const struct ph_func *f = ph_profile_func(p, out->v[i]);

		if (f->kind != PH_FRAME_KERNEL)
			break;
		if (is_function(f->name, "__schedule") || is_function(f->name, "schedule"))
			n = i;
	}
	/* A stack must not become one of nobody. */
	if (n > begin)
		out->n = n;
}

/* Python calls each function by a bit of code of that name (-X perf): it is there already, read from the interpreter. */
static void cut_trampolines(const struct ph_profile *p, ph_locv *out, size_t begin)
{
	size_t n = begin;

	for (size_t i = begin; i < out->n; i++) {
		const struct ph_func *f = ph_profile_func(p, out->v[i]);

		if (f->kind == PH_FRAME_JIT && begins(f->name, "py::") && i + 1 < out->n &&
		    ph_profile_func(p, out->v[i + 1])->kind == PH_FRAME_INTERPRETER)
			continue;
		out->v[n++] = out->v[i];
	}
	out->n = n;
}

void ph_profile_stack(const struct ph_profile *p, const struct ph_profile_row *row, bool groups, ph_locv *out)
{
	const struct ph_actor *a = &p->actors.v[row->actor];
	size_t begin, nlocs = 0;

	out->n = 0;
	for (unsigned int i = 0; groups && i < p->opts.nby; i++) {
		uint32_t loc = p->opts.by[i] == PH_BY_REASON ? row->reason : a->group[i];

		if (loc)
			*ph_vec_push(out) = loc;
	}
	begin = out->n;
	for (uint32_t n = row->node; n; n = p->priv->nodes.v[n].parent)
		nlocs += p->priv->places.v[p->priv->nodes.v[n].place].nlocs;
	for (size_t i = 0; i < nlocs; i++)
		ph_vec_push(out);
	/* From the innermost back to the outermost; of a place, too, the innermost comes first. */
	for (uint32_t n = row->node, at = (uint32_t)(begin + nlocs); n; n = p->priv->nodes.v[n].parent) {
		const struct place *pl = &p->priv->places.v[p->priv->nodes.v[n].place];

		for (uint32_t i = 0; i < pl->nlocs; i++)
			out->v[--at] = pl->loc + i;
	}
	cut_trampolines(p, out, begin);
	if (p->opts.what == PH_PROFILE_EVENT)
		cut_probe(p, out, begin);
	if (!row->reason)
		return;
	cut_scheduler(p, out, begin);
	*ph_vec_push(out) = row->reason;
	if (row->waker)
		*ph_vec_push(out) = row->waker;
}
