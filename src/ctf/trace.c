/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctf/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "event/machine.h"
#include "event/syscalls.h"

#define METADATA_MAX (64u << 20)
#define DENSE_IDS_MAX 4096

/* The clock of time stamps: the one that the headers name. The format allows several, users none.
 * @t is an instance: those are bounded in size. */
static const char *clock_name(const struct ph_ct *t)
{
	const char *name = t ? t->clock : NULL;

	for (uint32_t i = 0; t && !name && i < t->n && t->members; i++)
		name = clock_name(t->members[i].type);
	return name;
}

static void choose_clock(struct ph_ct_trace *t)
{
	const char *name = NULL;

	for (size_t i = 0; i < t->nstreams; i++) {
		if (!name)
			name = clock_name(t->streams[i].event_header);
		if (!name)
			name = clock_name(t->streams[i].packet_context);
	}
	ph_vec_each(c, &t->meta.clocks)
		if (!t->clock && (!name || !strcmp(name, c->name)))
			t->clock = c;
	if (!t->clock)
		return;
	/* Unsigned, because it wraps where a broken trace says so, and signed may not. */
	t->offset_ns = (int64_t)((uint64_t)t->clock->offset_s * 1000000000 +
				 (t->clock->offset < 0
				  ? -ph_ct_cycles_ns(t, -(uint64_t)t->clock->offset)
				  : ph_ct_cycles_ns(t, (uint64_t)t->clock->offset)));
}

uint64_t ph_ct_cycles_ns(const struct ph_ct_trace *t, uint64_t cycles)
{
	if (!t->clock || t->clock->freq == 1000000000)
		return cycles;
	return (uint64_t)((unsigned __int128)cycles * 1000000000 / t->clock->freq);
}

const struct ph_ct_stream_class *ph_ct_trace_stream(const struct ph_ct_trace *t, uint64_t id)
{
	for (size_t i = 0; i < t->nstreams; i++)
		if (t->streams[i].id == id)
			return &t->streams[i];
	return NULL;
}

static int add_class(struct ph_ct_stream_class *s, uint64_t id, struct ph_ct_class *c,
		     struct ph_err *err)
{
	struct ph_ct_class **slot;

	if (id < s->nby_id) {
		slot = &s->by_id[id];
		if (*slot)
			return ph_err_set(err, -EBADMSG, "id %" PRIu64 " has two events", id);
		*slot = c;
	} else if (id == UINT64_MAX || ph_u64map_put(&s->others, id + 1, c)) {
		return ph_err_set(err, -EBADMSG, "id %" PRIu64 " has two events", id);
	}
	return 0;
}

static int make_event(struct ph_ct_trace *t, struct ph_ct_stream_class *s, const struct ph_ct_event *e,
		      struct ph_inst *in, struct ph_err *err)
{
	struct ph_pool *pool = &t->meta.pool;
	struct ph_ct_class *c = ph_pool_alloc(pool, sizeof(*c));
	int r = ph_inst_make(in, PH_SCOPE_EVENT_CONTEXT, e->context, err);

	if (r == 0)
		r = ph_inst_make(in, PH_SCOPE_FIELDS, e->fields, err);
	if (r == 0)
		r = ph_plan_make(&c->plan, pool, &in->roots[PH_SCOPE_STREAM_CONTEXT], 3, false, err);
	if (r == 0)
		r = add_class(s, e->id, c, err);
	if (r < 0)
		return ph_err_wrap(err, r, "event \"%s\"", e->name);
	ph_ct_class_make(c, pool, e->name, in->roots[PH_SCOPE_STREAM_CONTEXT],
			 in->roots[PH_SCOPE_EVENT_CONTEXT], in->roots[PH_SCOPE_FIELDS]);
	if (t->nvals_max < c->plan.nvals)
		t->nvals_max = c->plan.nvals;
	if (t->nslots < in->nslots)
		t->nslots = in->nslots;
	return 0;
}

static int make_stream(struct ph_ct_trace *t, struct ph_ct_stream_class *s,
		       const struct ph_ct_stream *from, struct ph_inst *in, struct ph_err *err)
{
	uint64_t max_id = 0;
	int r;

	s->id = from->id;
	r = ph_inst_make(in, PH_SCOPE_PACKET_CONTEXT, from->packet_context, err);
	if (r == 0)
		r = ph_inst_make(in, PH_SCOPE_EVENT_HEADER, from->event_header, err);
	if (r == 0)
		r = ph_inst_make(in, PH_SCOPE_STREAM_CONTEXT, from->event_context, err);
	if (r < 0)
		return ph_err_wrap(err, r, "stream %" PRIu64, s->id);
	s->packet_context = in->roots[PH_SCOPE_PACKET_CONTEXT];
	s->event_header = in->roots[PH_SCOPE_EVENT_HEADER];
	s->event_context = in->roots[PH_SCOPE_STREAM_CONTEXT];
	ph_vec_each(e, &t->meta.events)
		if (e->stream_id == s->id && e->id < DENSE_IDS_MAX && e->id >= max_id)
			max_id = e->id + 1;
	s->nby_id = (uint32_t)max_id;
	s->by_id = ph_pool_alloc(&t->meta.pool, max_id * sizeof(*s->by_id));
	ph_vec_each(e, &t->meta.events) {
		if (e->stream_id != s->id)
			continue;
		r = make_event(t, s, e, in, err);
		if (r < 0)
			return r;
	}
	/* Fields may refer to the header: only now is it known whether the shape is all that counts. */
	ph_ct_fast_header_make(&s->fast, s->event_header);
	return 0;
}

static int compile(struct ph_ct_trace *t, struct ph_err *err)
{
	struct ph_ctf_meta *m = &t->meta;
	struct ph_inst in = { .pool = &m->pool, .order = m->order };
	int r;

	/* A trace without a stream block has one stream of nothing but fields. */
	if (!m->streams.n)
		*ph_vec_push(&m->streams) = (struct ph_ct_stream){ 0 };
	r = ph_inst_make(&in, PH_SCOPE_PACKET_HEADER, m->packet_header, err);
	if (r < 0)
		return r;
	t->packet_header = in.roots[PH_SCOPE_PACKET_HEADER];
	t->nstreams = m->streams.n;
	t->streams = ph_pool_alloc(&m->pool, t->nstreams * sizeof(*t->streams));
	t->nslots = in.nslots;
	for (size_t i = 0; i < t->nstreams; i++) {
		r = make_stream(t, &t->streams[i], &m->streams.v[i], &in, err);
		if (r < 0)
			return r;
	}
	choose_clock(t);
	ph_vec_each(e, &m->events)
		if (!ph_ct_trace_stream(t, e->stream_id))
			return ph_err_set(err, -EBADMSG, "event \"%s\" is of a stream %" PRIu64
					  " that there is not", e->name, e->stream_id);
	return 0;
}

/*
 * Whose trace is it that does not say? Calls that only the other machine has are its own, unless there are some, too, that only this
 * one has: by 32 bits these are, or the trace is of several machines.
 */
static bool calls_of_other(const struct ph_ct_trace *t)
{
	bool here = false, there = false;

	ph_vec_each(e, &t->meta.events) {
		const struct ph_class *c = ph_class_by_name(e->name);

		if (!c || c->syscall_nr < 0 || c->id >= PH_EV_COMPAT_ENTRY)
			continue;
		here |= !ph_syscall_has_other(c->syscall_nr, false);
		there |= c->syscall_nr >= PH_SYSCALL_ELSEWHERE;
	}
	return there && !here;
}

/* LTTng's kernel tracer records everybody. Its name stands in our traces too, with that of who really wrote them. */
static void read_env(struct ph_ct_trace *t)
{
	bool lttng = false, other = false, machine = false;

	ph_vec_each(e, &t->meta.env) {
		if (!e->s)
			continue;
		if (!strcmp(e->name, "hostname"))
			t->hostname = e->s;
		if (!strcmp(e->name, "kernel_release"))
			t->kernel_release = e->s;
		if (!strcmp(e->name, "machine")) {
			machine = true;
			t->other = !strcmp(e->s, ph_machine_other);
		}
		lttng |= !strcmp(e->name, "tracer_name") && !strcmp(e->s, "lttng-modules");
		other |= !strcmp(e->name, "generator");
		t->whole |= !strcmp(e->name, "recorded") && !strcmp(e->s, "machine");
	}
	t->whole |= lttng && !other;
	t->other |= !machine && calls_of_other(t);
}

static void turn_classes(struct ph_ct_trace *t)
{
	for (size_t i = 0; i < t->nstreams; i++) {
		const struct ph_ct_stream_class *s = &t->streams[i];

		for (uint32_t k = 0; k < s->nby_id; k++)
			if (s->by_id[k])
				ph_ct_turn_make(s->by_id[k], &t->meta.pool);
		for (struct ph_u64map_slot *o = NULL; (o = ph_u64map_next(&s->others, o)); )
			ph_ct_turn_make(o->val, &t->meta.pool);
	}
}

int ph_ct_trace_open(const char *path, struct ph_ct_trace **ret, struct ph_err *err)
{
	ph_autofree char *file = ph_asprintf("%s/metadata", path);
	ph_autobuf raw = { 0 }, text = { 0 };
	struct ph_ct_trace *t;
	struct stat st;
	int r;

	/* Of a FIFO the end never comes. */
	if (!stat(file, &st) && !S_ISREG(st.st_mode))
		return ph_err_set(err, -EINVAL, "cannot read %s: it is no file", file);
	r = ph_read_file_at(AT_FDCWD, file, METADATA_MAX, &raw);
	if (r < 0)
		return ph_err_sys(err, r, "cannot read %s", file);
	t = ph_alloc(sizeof(*t));
	t->path = ph_strdup(path);
	r = ph_ctf_meta_text(raw.p ? raw.p : "", raw.len, &text, err);
	if (r == 0)
		r = ph_ctf_meta_parse(&t->meta, text.p ? text.p : "", text.len, err);
	if (r == 0)
		r = compile(t, err);
	if (r < 0) {
		ph_ct_trace_free(t);
		return ph_err_wrap(err, r, "%s", file);
	}
	read_env(t);
	if (t->other)
		turn_classes(t);
	*ret = t;
	return 0;
}

void ph_ct_trace_free(struct ph_ct_trace *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->nstreams; i++)
		ph_u64map_done(&t->streams[i].others);
	ph_ctf_meta_done(&t->meta);
	free(t->path);
	free(t);
}
