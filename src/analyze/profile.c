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
	ph_vec_done(&p->made);
	ph_u64map_done(&p->priv->made_map);
	ph_vec_done(&p->rows);
	ph_vec_done(&p->samples);
	ph_vec_done(&p->actors);
	ph_vec_done(&p->funcs);
	ph_vec_done(&p->locs);
	free(p->priv->held);
	free(p->priv);
	free(p);
}

/* ---- events ------------------------------------------------------------------------------------------- */

static void add_stack(struct ph_profile *p, const struct held *h, uint64_t ts_ns, uint32_t cpu)
{
	struct ph_profile_row row = { .node = h->node, .actor = profile_actor(p, h->container, h->pid, h->tid, h->comm) };

	profile_add(p, &row, ts_ns, cpu, h->weight);
}

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
		profile_wait_stack(p, ev->ts_ns - U(callstack, walk_ns, 0), h.node, tid);
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
	profile_wait_stack(p, ev->ts_ns, profile_node(p, ev->pid, V(sched_block_stack, callstack_kernel), NULL, 0), tid);
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
		uint32_t made = 0;

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
			made = l->made ? l->made : made;
			kernel |= f->kind == PH_FRAME_KERNEL && !f->named;
			unmapped |= at->file == FILE_NONE && at->at == NOTE_UNMAPPED;
			if (f->named || !file || seen[l->file] == stamp)
				continue;
			seen[l->file] = stamp;
			file->nameless += row->weight;
		}
		/* A stack is of one process. */
		if (made)
			p->made.v[made - 1].nameless += row->weight;
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
	profile_name_groups(p);
	account(p);
	/* Samples know rows by their place. */
	if (p->rows.n && !p->opts.samples)
		qsort(p->rows.v, p->rows.n, sizeof(p->rows.v[0]), heaviest_first);
}
