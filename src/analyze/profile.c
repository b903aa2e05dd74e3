/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events in, rows of stacks out. */
#include "analyze/profile.h"

#include <stdio.h>
#include <stdlib.h>

#include "analyze/profile_priv.h"
#include "base/cleanup.h"

#define U(event, field, otherwise) ph_event_u(ev, PH_FLD(event, field), otherwise)
#define V(event, field) ph_event_field(ev, PH_FLD(event, field))

#define CPUS_MAX 8192

/* Stacks whose event is still to come, as a filter asks for that. */
struct held {
	uint32_t trigger, node, container;	/* trigger 0: none */
	int32_t pid, tid;
	uint64_t weight;
	char comm[16];
};

const char *const ph_profile_by[PH_BY_MAX + 1] = { "container", "pod", "image", "comm", "process", "thread", "reason" };

struct ph_profile *ph_profile_new(const struct ph_identity *id, const struct ph_profile_opts *opts)
{
	struct ph_profile *p = ph_alloc(sizeof(*p));

	p->priv = ph_alloc(sizeof(*p->priv));
	p->id = id;
	p->opts = *opts;
	p->unit = opts->what == PH_PROFILE_EVENT ? PH_PROFILE_COUNT : PH_PROFILE_NS;
	p->priv->unit_known = opts->what == PH_PROFILE_OFFCPU || opts->what == PH_PROFILE_EVENT;
	for (unsigned int i = 0; i < opts->nby; i++)
		p->opts.threads |= opts->by[i] == PH_BY_THREAD;
	ph_vec_push(&p->locs);
	profile_func(p, PH_FRAME_NONE, "", "", false);
	ph_vec_push(&p->priv->nodes);
	/* There is room for these whatever comes. */
	profile_note_node(p, 0, NOTE_CUT);
	profile_note_node(p, 0, NOTE_UNSEEN);
	if (opts->what == PH_PROFILE_OFFCPU || opts->what == PH_PROFILE_WALL)
		profile_wait_new(p);
	return p;
}

void ph_profile_free(struct ph_profile *p)
{
	if (!p)
		return;
	profile_wait_free(p);
	profile_names_free(p);
	profile_places_free(p);
	ph_u64map_done(&p->priv->row_map);
	ph_u64map_done(&p->priv->actor_map);
	ph_vec_each(f, &p->files)
		free(*f);
	ph_vec_done(&p->files);
	ph_vec_done(&p->rows);
	ph_vec_done(&p->samples);
	ph_vec_done(&p->actors);
	ph_vec_done(&p->funcs);
	ph_vec_done(&p->locs);
	free(p->priv->held);
	free(p->priv);
	free(p);
}

/* ---- whose -------------------------------------------------------------------------------------------- */

bool profile_selects(const struct ph_profile *p, uint32_t container, int32_t pid, int32_t tid)
{
	struct ph_event ev = { .tid = tid, .pid = pid, .container = container };

	return !p->opts.sel || ph_selection_match(p->opts.sel, p->id, &ev);
}

static bool divides(const struct ph_profile *p, enum ph_profile_by by)
{
	for (unsigned int i = 0; i < p->opts.nby; i++)
		if (p->opts.by[i] == by)
			return true;
	return false;
}

/* UINT32_MAX: it is new, and there are @max already. */
static uint32_t actor_number(struct ph_profile *p, const struct ph_actor *a, size_t max)
{
	const void *parts[] = { a->comm, a->process, (void *)((uintptr_t)a->container << 32 | (uint32_t)a->pid),
				(void *)(uintptr_t)((uint64_t)a->others << 32 | (uint32_t)a->tid) };
	uint64_t key = ph_hash(PH_HASH_INIT, parts, sizeof(parts));
	uintptr_t have = (uintptr_t)ph_u64map_get(&p->priv->actor_map, key);

	if (have)
		return (uint32_t)have - 1;
	if (p->actors.n >= max)
		return UINT32_MAX;
	*ph_vec_push(&p->actors) = *a;
	ph_u64map_put(&p->priv->actor_map, key, (void *)(uintptr_t)p->actors.n);
	return (uint32_t)p->actors.n - 1;
}

uint32_t profile_actor(struct ph_profile *p, uint32_t container, int32_t pid, int32_t tid, const char *comm)
{
	bool process = p->opts.threads || divides(p, PH_BY_PROCESS);
	const struct ph_task *leader = process ? ph_identity_task(p->id, pid) : NULL;
	struct ph_actor a = {
		.container = container, .pid = process ? pid : 0, .tid = p->opts.threads ? tid : 0,
		.comm = profile_string(p, comm, strnlen(comm, 16)),
		.process = leader ? profile_string(p, leader->comm, sizeof(leader->comm)) : "",
	};
	uint32_t nr = actor_number(p, &a, ACTORS_MAX);

	if (nr != UINT32_MAX)
		return nr;
	a = (struct ph_actor){ .container = container, .comm = "[others]", .process = "", .others = true };
	nr = actor_number(p, &a, 2 * (size_t)ACTORS_MAX);
	/* So many containers there are where somebody made them up. */
	return nr == UINT32_MAX ? (uint32_t)p->actors.n - 1 : nr;
}

static const char *group_text(struct ph_profile *p, const struct ph_actor *a, enum ph_profile_by by, struct ph_buf *out)
{
	const struct ph_container *c = ph_identity_container(p->id, a->container);
	bool known = a->container != PH_CONTAINER_UNKNOWN && a->container != PH_CONTAINER_HOST;

	ph_buf_clear(out);
	if (a->others && (by == PH_BY_PROCESS || by == PH_BY_THREAD))
		by = PH_BY_COMM;
	switch (by) {
	case PH_BY_POD:
		if (!c || !c->pod)
			return known ? "(no pod)" : "(host)";
		ph_buf_addf(out, "%s%s%s", c->pod_namespace ? c->pod_namespace : "", c->pod_namespace ? "/" : "", c->pod);
		return out->p;
	case PH_BY_IMAGE:
		return c && c->image ? c->image : known ? "(no image)" : "(host)";
	case PH_BY_COMM:
		return a->comm[0] ? a->comm : "?";
	case PH_BY_PROCESS:
		ph_buf_addf(out, "%s %d", a->process[0] ? a->process : a->comm[0] ? a->comm : "?", a->pid);
		return out->p;
	case PH_BY_THREAD:
		ph_buf_addf(out, "%s %d", a->comm[0] ? a->comm : "?", a->tid);
		return out->p;
	default:
		return a->container == PH_CONTAINER_HOST ? "(host)" : ph_container_label(p->id, a->container);
	}
}

static void name_groups(struct ph_profile *p, struct ph_actor *a)
{
	ph_autobuf text = { 0 };

	for (unsigned int i = 0; i < p->opts.nby; i++)
		if (p->opts.by[i] != PH_BY_REASON)
			a->group[i] = profile_loc(p, PH_FRAME_GROUP, group_text(p, a, p->opts.by[i], &text));
}

/* ---- rows --------------------------------------------------------------------------------------------- */

void profile_add(struct ph_profile *p, const struct ph_profile_row *key, uint64_t ts_ns, uint32_t cpu, uint64_t weight)
{
	uint32_t parts[] = { key->node, key->actor, key->reason, key->waker };
	uint64_t hash = ph_hash(PH_HASH_INIT, parts, sizeof(parts));
	uintptr_t have = (uintptr_t)ph_u64map_get(&p->priv->row_map, hash);
	struct ph_profile_row *row;

	if (!have && p->rows.n >= ROWS_MAX && (key->node != profile_note_node(p, 0, NOTE_CUT) || key->reason || key->waker)) {
		struct ph_profile_row others = { .node = profile_note_node(p, 0, NOTE_CUT), .actor = key->actor };

		profile_add(p, &others, ts_ns, cpu, weight);
		return;
	}
	if (!have) {
		/* There are at most as many of those without a place as there are actors. */
		*ph_vec_push(&p->rows) = *key;
		have = p->rows.n;
		ph_u64map_put(&p->priv->row_map, hash, (void *)have);
	}
	row = &p->rows.v[have - 1];
	row->weight += weight;
	row->count++;
	p->weight += weight;
	p->count++;
	if (!p->opts.samples)
		return;
	if (p->samples.n >= SAMPLES_MAX) {
		p->samples_left_out++;
		return;
	}
	*ph_vec_push(&p->samples) = (struct ph_profile_sample){ .ts_ns = ts_ns, .cpu = cpu, .row = (uint32_t)have - 1, .weight = weight };
}

static void add_stack(struct ph_profile *p, const struct held *h, uint64_t ts_ns, uint32_t cpu)
{
	struct ph_profile_row row = { .node = h->node, .actor = profile_actor(p, h->container, h->pid, h->tid, h->comm) };

	profile_add(p, &row, ts_ns, cpu, h->weight);
}

/* ---- events ------------------------------------------------------------------------------------------- */

static struct held *held_of(struct ph_profile *p, uint32_t cpu)
{
	if (cpu >= CPUS_MAX)
		return NULL;
	while (cpu >= p->priv->nheld) {
		size_t n = p->priv->nheld ? p->priv->nheld * 2 : 16;

		p->priv->held = ph_realloc(p->priv->held, n * sizeof(*p->priv->held));
		memset(p->priv->held + p->priv->nheld, 0, (n - p->priv->nheld) * sizeof(*p->priv->held));
		p->priv->nheld = n;
	}
	return &p->priv->held[cpu];
}

/* Is it one of those that are summed up, by its trigger and unit? */
static bool asked_for(struct ph_profile *p, uint32_t trigger, enum ph_profile_unit unit)
{
	if (p->opts.what == PH_PROFILE_EVENT)
		return p->opts.event && trigger == p->opts.event->id;
	if (trigger || p->opts.what == PH_PROFILE_OFFCPU)
		return false;
	if (!p->priv->unit_known) {
		p->priv->unit_known = true;
		p->unit = unit;
	}
	if (p->unit != unit) {
		p->other_unit++;
		return false;
	}
	return true;
}

static void on_callstack(struct ph_profile *p, const struct ph_event *ev)
{
	uint32_t trigger = (uint32_t)U(callstack, trigger, 0);
	int32_t tid = (int32_t)ph_event_i(ev, PH_FLD(callstack, tid), ev->tid);
	bool sums = asked_for(p, trigger, (enum ph_profile_unit)U(callstack, unit, 0)), waits = p->priv->st && trigger == PH_EV_sched_switch;
	const struct ph_value *comm = V(callstack, comm);
	struct held h = { .trigger = trigger, .tid = tid, .pid = ev->pid, .container = ev->container, .weight = U(callstack, weight, 1) }, *held;

	p->others += !sums && !waits;
	/* Idle CPUs are nobody's. */
	if ((!sums && !waits) || tid <= 0 || !profile_selects(p, ev->container, ev->pid, tid))
		return;
	if (comm)
		memcpy(h.comm, comm->s, comm->n < sizeof(h.comm) ? comm->n : sizeof(h.comm));
	h.node = profile_node(p, ev->pid, V(callstack, callstack_kernel), V(callstack, callstack_user),
			      (unsigned int)U(callstack, user_end, 0));
	if (waits)
		profile_wait_stack(p, ev, h.node, tid);
	if (!sums)
		return;
	if (!p->opts.filter) {
		add_stack(p, &h, ev->ts_ns, ev->cpu);
	} else if (!trigger) {
		if (ph_filter_match(p->opts.filter, p->id, ev))
			add_stack(p, &h, ev->ts_ns, ev->cpu);
	} else {
		held = held_of(p, ev->cpu);
		if (held)
			*held = h;
	}
}

/* The event that a stack was held for. */
static void on_trigger(struct ph_profile *p, const struct ph_event *ev)
{
	struct held *h = ev->cpu < p->priv->nheld ? &p->priv->held[ev->cpu] : NULL;

	if (!h || h->trigger != ev->cls->id)
		return;
	h->trigger = 0;
	if (h->tid == ev->tid && ph_filter_match(p->opts.filter, p->id, ev))
		add_stack(p, h, ev->ts_ns, ev->cpu);
}

/* What is recorded where nobody unwinds programs' stacks. */
static void on_block_stack(struct ph_profile *p, const struct ph_event *ev)
{
	int32_t tid = (int32_t)ph_event_i(ev, PH_FLD(sched_block_stack, tid), -1);
	struct waiter *w;

	if (!p->priv->st || !profile_selects(p, ev->container, ev->pid, tid))
		return;
	w = tid > 0 ? ph_u64map_get(&p->priv->waiters, (uint64_t)tid) : NULL;
	/* There is a whole one of the same moment. */
	if (w && w->next && ev->ts_ns - w->next_ns < 1000000)
		return;
	profile_wait_stack(p, ev, profile_node(p, ev->pid, V(sched_block_stack, callstack_kernel), NULL, 0), tid);
}

void ph_profile_feed(struct ph_profile *p, const struct ph_event *ev)
{
	if (!p->begin_ns)
		p->begin_ns = ev->ts_ns;
	if (ev->ts_ns > p->end_ns)
		p->end_ns = ev->ts_ns;
	p->now_ns = ev->ts_ns;
	switch (ev->cls->id) {
	case PH_EV_callstack:
		on_callstack(p, ev);
		break;
	case PH_EV_sched_block_stack:
		on_block_stack(p, ev);
		break;
	case PH_EV_kernel_symbol:
	case PH_EV_user_symbol:
		profile_name_event(p, ev);
		break;
	case PH_EV_events_discarded:
		p->gaps++;
		p->lost += U(events_discarded, count, 0);
		break;
	default:
		profile_place_event(p, ev);
	}
	if (ph_unlikely(p->opts.filter && p->opts.event && ev->cls->id == p->opts.event->id))
		on_trigger(p, ev);
	if (p->priv->st)
		ph_states_feed(p->priv->st, ev);
}

void ph_profile_feed_ahead(struct ph_profile *p, const struct ph_event *ev, uint64_t begin_ns)
{
	switch (ev->cls->id) {
	case PH_EV_kernel_symbol:
	case PH_EV_user_symbol:
		profile_name_event(p, ev);
		break;
	case PH_EV_process_map:
		if (ev->ts_ns >= begin_ns) {
			profile_map_ahead(p, ev);
			break;
		}
		/* fall through */
	case PH_EV_mapped_file:
	case PH_EV_symbols_missing:
		profile_place_event(p, ev);
		break;
	}
}

/* ---- the end ------------------------------------------------------------------------------------------ */

/* Clock and cycles do not add up: cycles are divided over the time that their tasks ran. */
static void cycles_to_ns(struct ph_profile *p)
{
	uint64_t cycles = 0, before = p->weight;
	double each;

	ph_vec_each(r, &p->rows)
		if (!r->reason)
			cycles += r->weight;
	each = cycles ? (double)p->priv->ran_ns / (double)cycles : 0;
	p->weight = before - cycles;
	ph_vec_each(r, &p->rows) {
		if (r->reason)
			continue;
		r->weight = (uint64_t)((double)r->weight * each);
		p->weight += r->weight;
	}
	ph_vec_each(s, &p->samples)
		if (!p->rows.v[s->row].reason)
			s->weight = (uint64_t)((double)s->weight * each);
	p->unit = PH_PROFILE_NS;
}

/* What is missing in each stack, once for each kind and file. */
static void account(struct ph_profile *p)
{
	ph_autofree uint32_t *seen = ph_alloc((p->files.n + 1) * sizeof(*seen));
	ph_autofree uint32_t *running = ph_alloc((p->files.n + 1) * sizeof(*running));
	uint32_t stamp = 0, cut = profile_note_node(p, 0, NOTE_CUT);

	ph_vec_each(row, &p->rows) {
		bool kernel = false, unmapped = false;

		stamp++;
		for (uint32_t n = row->node; n; n = p->priv->nodes.v[n].parent) {
			const struct place *at = &p->priv->places.v[p->priv->nodes.v[n].place];
			const struct ph_loc *l = &p->locs.v[at->loc];
			const struct ph_func *f = &p->funcs.v[l->func];
			struct ph_profile_file *file = l->file == UINT32_MAX ? NULL : p->files.v[l->file];

			if (file && file->not_shown[0] && running[l->file] != stamp) {
				running[l->file] = stamp;
				file->running += row->weight;
			}
			kernel |= f->kind == PH_FRAME_KERNEL && !f->named;
			unmapped |= at->file == FILE_NONE && at->at == NOTE_UNMAPPED;
			if (f->named || !file || seen[l->file] == stamp)
				continue;
			seen[l->file] = stamp;
			file->nameless += row->weight;
		}
		p->nameless_kernel += kernel ? row->weight : 0;
		p->unmapped += unmapped ? row->weight : 0;
		p->crowded += row->node == cut || p->actors.v[row->actor].others ? row->weight : 0;
	}
}

static int heaviest_first(const void *pa, const void *pb)
{
	const struct ph_profile_row *a = pa, *b = pb;

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	return a->node < b->node ? -1 : a->node > b->node;
}

void ph_profile_finish(struct ph_profile *p, uint64_t end_ns)
{
	if (end_ns > p->end_ns)
		p->end_ns = end_ns;
	profile_wait_finish(p);
	if (p->opts.what == PH_PROFILE_WALL && p->unit == PH_PROFILE_CYCLES)
		cycles_to_ns(p);
	profile_names_finish(p);
	ph_vec_each(a, &p->actors)
		name_groups(p, a);
	account(p);
	/* Samples know rows by their place. */
	if (p->rows.n && !p->opts.samples)
		qsort(p->rows.v, p->rows.n, sizeof(p->rows.v[0]), heaviest_first);
}

/* ---- stacks as they are shown ------------------------------------------------------------------------- */

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
