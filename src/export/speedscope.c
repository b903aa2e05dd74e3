/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file format of speedscope: samples in the order of time, a profile for each thread. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "export/export.h"

/* Of a thread: what it was seen doing. */
struct thread {
	uint32_t actor;
	uint64_t weight;
	PH_VEC(const struct ph_profile_sample *) samples;
};

static void add_frames(struct ph_json *j, const struct ph_profile *p)
{
	ph_autofree const char **source = ph_alloc((p->funcs.n + 1) * sizeof(*source));
	ph_autobuf name = { 0 };

	ph_vec_each(l, &p->locs)
		if (l->source && l->source[0] && !source[l->func])
			source[l->func] = l->source;
	ph_json_obj(j, "shared");
	ph_json_arr(j, "frames");
	for (size_t i = 0; i < p->funcs.n; i++) {
		const struct ph_func *f = &p->funcs.v[i];
		const char *file = source[i] ? source[i] : f->module;

		ph_buf_clear(&name);
		ph_buf_add_term(&name, f->label, strlen(f->label));
		ph_json_obj(j, NULL);
		ph_json_str(j, "name", name.p ? name.p : "");
		if (file[0])
			ph_json_str(j, "file", file);
		ph_json_obj_end(j);
	}
	ph_json_arr_end(j);
	ph_json_obj_end(j);
}

static void thread_name(const struct ph_profile *p, const struct ph_actor *a, struct ph_buf *out)
{
	const char *container = a->container == PH_CONTAINER_HOST ? "" : ph_container_label(p->id, a->container);

	ph_buf_clear(out);
	ph_buf_add_term(out, container, strlen(container));
	if (container[0])
		ph_buf_adds(out, " / ");
	ph_buf_add_term(out, a->comm, strlen(a->comm));
	ph_buf_addf(out, " (thread %d of %d)", a->tid, a->pid);
}

static void add_thread(struct ph_json *j, const struct ph_export *x, const struct thread *t, ph_locv *locs)
{
	const struct ph_profile *p = x->p;
	ph_autobuf name = { 0 };

	thread_name(p, &p->actors.v[t->actor], &name);
	ph_json_obj(j, NULL);
	ph_json_str(j, "type", "sampled");
	ph_json_str(j, "name", name.p);
	ph_json_str(j, "unit", p->unit == PH_PROFILE_NS ? "nanoseconds" : "none");
	ph_json_u64(j, "startValue", 0);
	ph_json_u64(j, "endValue", t->weight);
	ph_json_arr(j, "samples");
	ph_vec_each(s, &t->samples) {
		ph_profile_stack(p, &p->rows.v[(*s)->row], x->groups, locs);
		ph_json_arr(j, NULL);
		ph_vec_each(loc, locs)
			ph_json_u64(j, NULL, p->locs.v[*loc].func);
		ph_json_arr_end(j);
	}
	ph_json_arr_end(j);
	ph_json_arr(j, "weights");
	ph_vec_each(s, &t->samples)
		ph_json_u64(j, NULL, (*s)->weight);
	ph_json_arr_end(j);
	ph_json_obj_end(j);
}

static int earliest_first(const void *pa, const void *pb)
{
	const struct ph_profile_sample *a = *(const struct ph_profile_sample *const *)pa, *b = *(const struct ph_profile_sample *const *)pb;

	if (a->ts_ns != b->ts_ns)
		return a->ts_ns < b->ts_ns ? -1 : 1;
	return a < b ? -1 : a > b;
}

static int busiest_first(const void *pa, const void *pb)
{
	const struct thread *a = pa, *b = pb;

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return a->actor < b->actor ? -1 : a->actor > b->actor;
}

void ph_export_speedscope(const struct ph_export *x, struct ph_buf *out)
{
	const struct ph_profile *p = x->p;
	ph_autofree struct thread *threads = ph_alloc((p->actors.n + 1) * sizeof(*threads));
	struct ph_json j = { .out = out };
	ph_locv locs = { 0 };

	ph_vec_each(s, &p->samples) {
		struct thread *t = &threads[p->rows.v[s->row].actor];

		t->weight += s->weight;
		*ph_vec_push(&t->samples) = s;
	}
	for (uint32_t i = 0; i < p->actors.n; i++)
		threads[i].actor = i;
	qsort(threads, p->actors.n, sizeof(*threads), busiest_first);
	ph_json_obj(&j, NULL);
	ph_json_str(&j, "$schema", "https://www.speedscope.app/file-format-schema.json");
	ph_json_str(&j, "exporter", "porthole " PH_VERSION);
	ph_json_str(&j, "name", ph_profile_what_text(p));
	ph_json_u64(&j, "activeProfileIndex", 0);
	add_frames(&j, p);
	ph_json_arr(&j, "profiles");
	for (uint32_t i = 0; i < p->actors.n; i++) {
		if (!threads[i].samples.n)
			continue;
		qsort(threads[i].samples.v, threads[i].samples.n, sizeof(threads[i].samples.v[0]), earliest_first);
		add_thread(&j, x, &threads[i], &locs);
		ph_vec_done(&threads[i].samples);
	}
	ph_json_arr_end(&j);
	ph_json_obj_end(&j);
	ph_buf_addc(out, '\n');
	ph_vec_done(&locs);
}
