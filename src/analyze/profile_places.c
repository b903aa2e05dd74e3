/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From addresses of processes to places in files, and stacks of these. */
#include <stdlib.h>

#include "analyze/profile_priv.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "symbol/package.h"
#include "unwind/step.h"

#define U(event, field, otherwise) ph_event_u(ev, PH_FLD(event, field), otherwise)
#define I32(event, field, otherwise) ((int32_t)ph_event_i(ev, PH_FLD(event, field), otherwise))

/* A process that has told no mappings has its parent's: so many generations are asked. */
#define GENERATIONS 8

/* Kept once; what comes from a trace has no end. */
const char *profile_string(struct ph_profile *p, const char *s, size_t n)
{
	ph_autofree char *copy = NULL;
	const char *have;

	n = s ? strnlen(s, n < STRING_MAX ? n : STRING_MAX) : 0;
	if (!n || p->priv->string_bytes + n > STRINGS_BYTES)
		return "";
	copy = ph_strndup(s, n);
	have = ph_strmap_get(&p->priv->strings, copy);
	if (have)
		return have;
	p->priv->string_bytes += n;
	have = copy;
	ph_strmap_put(&p->priv->strings, have, ph_take(copy));
	return have;
}

static const char *str(struct ph_profile *p, const struct ph_value *v)
{
	return v ? profile_string(p, v->s, v->n) : "";
}

/* ---- files ------------------------------------------------------------------------------------------- */

static struct ph_profile_file *file_of(const struct ph_profile *p, uint32_t number)
{
	uintptr_t at = (uintptr_t)ph_u64map_get(&p->priv->file_map, number);

	return at ? p->files.v[at - 1] : NULL;
}

static void on_file(struct ph_profile *p, const struct ph_event *ev)
{
	uint32_t number = (uint32_t)U(mapped_file, file, UINT32_MAX);
	const struct ph_value *path = ph_event_field(ev, PH_FLD(mapped_file, path));
	struct ph_profile_file *f;

	if (number >= FILE_MAX || p->files.n >= FILES_MAX || file_of(p, number))
		return;
	f = ph_alloc(sizeof(*f));
	f->number = number;
	f->path = str(p, path);
	f->module = profile_string(p, ph_basename(f->path), STRING_MAX);
	f->build_id = str(p, ph_event_field(ev, PH_FLD(mapped_file, build_id)));
	f->not_shown = str(p, ph_event_field(ev, PH_FLD(mapped_file, not_shown)));
	f->problem = f->distribution = f->install = "";
	*ph_vec_push(&p->files) = f;
	ph_u64map_put(&p->priv->file_map, number, (void *)(uintptr_t)p->files.n);
}

static void on_missing(struct ph_profile *p, const struct ph_event *ev)
{
	struct ph_profile_file *f = file_of(p, (uint32_t)U(symbols_missing, file, UINT32_MAX));

	if (!f)
		return;
	f->problem = str(p, ph_event_field(ev, PH_FLD(symbols_missing, problem)));
	f->distribution = str(p, ph_event_field(ev, PH_FLD(symbols_missing, distribution)));
	f->install = str(p, ph_event_field(ev, PH_FLD(symbols_missing, install)));
	/* To be copied into a shell, so no trace puts another one there. */
	if (!ph_symbol_installs(f->install))
		f->install = "";
}

/* ---- mappings ---------------------------------------------------------------------------------------- */

static void space_drop(struct ph_profile *p, struct space *s)
{
	if (!s || --s->refs)
		return;
	p->priv->nmaps -= s->maps.n;
	ph_vec_done(&s->maps);
	free(s);
}

static void space_set(struct ph_profile *p, int32_t pid, struct space *s)
{
	space_drop(p, s ? ph_u64map_put(&p->priv->spaces, (uint64_t)pid, s) : ph_u64map_del(&p->priv->spaces, (uint64_t)pid));
}

struct space *profile_space(const struct ph_profile *p, int32_t pid)
{
	for (unsigned int i = 0; i < GENERATIONS && pid > 0; i++) {
		struct space *s = ph_u64map_get(&p->priv->spaces, (uint64_t)pid);
		const struct ph_task *t;

		if (s)
			return s;
		t = ph_identity_task(p->id, pid);
		pid = t ? t->ppid : -1;
	}
	return NULL;
}

/* One that may be changed. */
static struct space *space_own(struct ph_profile *p, int32_t pid)
{
	struct space *s = profile_space(p, pid), *own;

	if (s && s->refs == 1 && s == ph_u64map_get(&p->priv->spaces, (uint64_t)pid))
		return s;
	if (s && p->priv->nmaps + s->maps.n > MAPS_MAX)
		return NULL;
	own = ph_alloc(sizeof(*own));
	own->refs = 1;
	for (size_t i = 0; s && i < s->maps.n; i++)
		*ph_vec_push(&own->maps) = s->maps.v[i];
	p->priv->nmaps += own->maps.n;
	space_set(p, pid, own);
	return own;
}

/* The first mapping that ends behind @at. */
static size_t maps_find(const struct space *s, uint64_t at)
{
	return ph_before(m, s->maps.v, s->maps.n, m->end <= at);
}

static void maps_insert(struct ph_profile *p, struct space *s, size_t at, struct map m)
{
	ph_vec_push(&s->maps);
	memmove(&s->maps.v[at + 1], &s->maps.v[at], (s->maps.n - 1 - at) * sizeof(m));
	s->maps.v[at] = m;
	p->priv->nmaps++;
}

/* What was there before is no more. */
static void maps_clear(struct ph_profile *p, struct space *s, uint64_t begin, uint64_t end)
{
	size_t i = maps_find(s, begin), to;

	if (i < s->maps.n && s->maps.v[i].begin < begin) {
		struct map left = s->maps.v[i];

		left.end = begin;
		s->maps.v[i].vaddr += begin - s->maps.v[i].begin;
		s->maps.v[i].begin = begin;
		maps_insert(p, s, i++, left);
	}
	for (to = i; to < s->maps.n && s->maps.v[to].end <= end; to++)
		;
	if (to < s->maps.n && s->maps.v[to].begin < end) {
		s->maps.v[to].vaddr += end - s->maps.v[to].begin;
		s->maps.v[to].begin = end;
	}
	if (to == i)
		return;
	memmove(&s->maps.v[i], &s->maps.v[to], (s->maps.n - to) * sizeof(s->maps.v[0]));
	s->maps.n -= to - i;
	p->priv->nmaps -= to - i;
}

static void on_map(struct ph_profile *p, const struct ph_event *ev)
{
	struct map m = {
		.begin = U(process_map, begin, 0), .end = U(process_map, end, 0), .vaddr = U(process_map, vaddr, 0),
		.file = (uint32_t)U(process_map, file, UINT32_MAX),
	};
	int32_t pid = I32(process_map, pid, -1);
	struct space *s;

	if (pid <= 0)
		return;
	if (!m.begin && !m.end) {
		p->priv->exec_told = true;
		s = ph_alloc(sizeof(*s));
		s->refs = 1;
		space_set(p, pid, s);
		return;
	}
	if (m.begin >= m.end || m.file >= FILE_MAX)
		return;
	s = space_own(p, pid);
	if (!s || s->maps.n >= SPACE_MAPS_MAX || p->priv->nmaps >= MAPS_MAX)
		return;
	maps_clear(p, s, m.begin, m.end);
	maps_insert(p, s, maps_find(s, m.begin), m);
}

static void on_fork(struct ph_profile *p, const struct ph_event *ev)
{
	int32_t parent = I32(sched_process_fork, parent_pid, -1), child = I32(sched_process_fork, child_pid, -1);
	struct space *s;

	if (child <= 0 || child == parent)
		return;
	s = profile_space(p, parent);
	if (s)
		s->refs++;
	space_set(p, child, s);
}

static void on_exec(struct ph_profile *p, const struct ph_event *ev)
{
	struct space *s;

	/* The new program's mappings are made before this event. */
	if (p->priv->exec_told || ev->pid <= 0)
		return;
	s = ph_alloc(sizeof(*s));
	s->refs = 1;
	space_set(p, ev->pid, s);
}

/*
 * Mappings are told when somebody came to it, which may be after the first stacks of a program that has just begun: what a
 * trace tells of them later is known ahead.
 */
#define TOLD_LATE_NS 2000000000ull

struct later {
	struct map map;
	uint64_t ts_ns;
	struct later *next;		/* of the process, the last one first */
};

void profile_map_ahead(struct ph_profile *p, const struct ph_event *ev)
{
	int32_t pid = I32(process_map, pid, -1);
	struct later *l;

	if (pid <= 0 || p->priv->nlater >= MAPS_MAX)
		return;
	l = ph_alloc(sizeof(*l));
	l->ts_ns = ev->ts_ns;
	l->map = (struct map){
		.begin = U(process_map, begin, 0), .end = U(process_map, end, 0), .vaddr = U(process_map, vaddr, 0),
		.file = (uint32_t)U(process_map, file, UINT32_MAX),
	};
	l->next = ph_u64map_get(&p->priv->later, (uint64_t)pid);
	ph_u64map_put(&p->priv->later, (uint64_t)pid, l);
	p->priv->nlater++;
}

/* The next one to be told that has @at. */
static const struct map *map_later(const struct ph_profile *p, int32_t pid, uint64_t at)
{
	const struct map *found = NULL;

	for (const struct later *l = ph_u64map_get(&p->priv->later, (uint64_t)pid); l && l->ts_ns > p->now_ns; l = l->next) {
		if (l->ts_ns - p->now_ns <= TOLD_LATE_NS && l->map.begin <= at && at < l->map.end && l->map.file < FILE_MAX)
			found = &l->map;
	}
	return found;
}

void profile_place_event(struct ph_profile *p, const struct ph_event *ev)
{
	switch (ev->cls->id) {
	case PH_EV_mapped_file:
		on_file(p, ev);
		break;
	case PH_EV_symbols_missing:
		on_missing(p, ev);
		break;
	case PH_EV_process_map:
		on_map(p, ev);
		break;
	case PH_EV_sched_process_fork:
		on_fork(p, ev);
		break;
	case PH_EV_sched_process_exec:
		on_exec(p, ev);
		break;
	}
}

/* ---- places and stacks ------------------------------------------------------------------------------- */

static uint32_t place(struct ph_profile *p, uint32_t file, int32_t pid, uint64_t at)
{
	/* Other code in the same place is another one. */
	uint64_t parts[] = { file, (uint64_t)(uint32_t)pid, at, pid ? profile_made_ns(p, file, pid, at) : 0 };
	uint64_t key = ph_hash(PH_HASH_INIT, parts, sizeof(parts));
	uintptr_t have = (uintptr_t)ph_u64map_get(&p->priv->place_map, key);

	if (have)
		return (uint32_t)have - 1;
	if (p->priv->places.n >= PLACES_MAX)
		return UINT32_MAX;
	*ph_vec_push(&p->priv->places) = (struct place){ .file = file, .pid = pid, .at = at, .seen_ns = p->now_ns };
	ph_u64map_put(&p->priv->place_map, key, (void *)(uintptr_t)p->priv->places.n);
	return (uint32_t)p->priv->places.n - 1;
}

static uint32_t push(struct ph_profile *p, uint32_t parent, uint32_t at)
{
	uint64_t key = (uint64_t)parent << 32 | at;
	uintptr_t have = (uintptr_t)ph_u64map_get(&p->priv->node_map, key);

	if (have)
		return (uint32_t)have;
	if (at == UINT32_MAX || p->priv->nodes.n >= NODES_MAX)
		return 0;
	*ph_vec_push(&p->priv->nodes) = (struct node){ .parent = parent, .place = at };
	ph_u64map_put(&p->priv->node_map, key, (void *)(uintptr_t)(p->priv->nodes.n - 1));
	return (uint32_t)p->priv->nodes.n - 1;
}

uint32_t profile_note_node(struct ph_profile *p, uint32_t parent, enum place_note note)
{
	return push(p, parent, place(p, FILE_NONE, 0, note));
}

/* Code that no file has, made or interpreted: the address of one process means nothing in another. */
static bool is_of_process(const struct ph_profile_file *f)
{
	return f && (!strncmp(f->path, "//", 2) || (!strncmp(f->path, "/memfd:", 7) && !f->build_id[0]));
}

/* @call: it is where a call returns to, which may be the next function. */
static uint32_t user_place(struct ph_profile *p, const struct space *s, int32_t pid, uint64_t address, bool call)
{
	const struct map *m;
	uint64_t at = address - call;
	size_t i;

	i = s ? maps_find(s, at) : 0;
	m = !s || i >= s->maps.n || s->maps.v[i].begin > at ? map_later(p, pid, at) : &s->maps.v[i];
	if (!m)
		return place(p, FILE_NONE, 0, NOTE_UNMAPPED);
	if (is_of_process(file_of(p, m->file))) {
		profile_made_saw(p, pid);
		return place(p, m->file, pid, at);
	}
	return place(p, m->file, 0, at - m->begin + m->vaddr);
}

static bool is_whole(unsigned int end)
{
	return end == PH_END_NOT_WALKED || end == PH_END_COMPLETE;
}

uint32_t profile_node(struct ph_profile *p, int32_t pid, const struct ph_value *kernel, const struct ph_value *user,
		      unsigned int user_end)
{
	uint32_t nkernel = kernel && !p->opts.user ? kernel->n : 0, nuser = user && !p->opts.kernel ? user->n : 0, node = 0;
	const struct space *s = nuser ? profile_space(p, pid) : NULL;

	p->ends[user_end < PH_ARRAY_SIZE(p->ends) ? user_end : PH_ARRAY_SIZE(p->ends) - 1]++;
	if (!nkernel && !nuser)
		return profile_note_node(p, 0, p->opts.kernel ? NOTE_USER : NOTE_KERNEL);
	if (nuser && !is_whole(user_end))
		node = profile_note_node(p, node, NOTE_INCOMPLETE);
	for (uint32_t i = nuser; i-- > 0; ) {
		node = push(p, node, user_place(p, s, pid, user->v[i].u, i > 0));
		if (!node)
			return profile_note_node(p, 0, NOTE_CUT);
	}
	for (uint32_t i = nkernel; i-- > 0; ) {
		node = push(p, node, place(p, FILE_KERNEL, 0, kernel->v[i].u));
		if (!node)
			return profile_note_node(p, 0, NOTE_CUT);
	}
	return node;
}

void profile_places_free(struct ph_profile *p)
{
	struct profile *in = p->priv;

	for (struct ph_u64map_slot *slot = NULL; (slot = ph_u64map_next(&in->spaces, slot)); )
		space_drop(p, slot->val);
	for (struct ph_u64map_slot *slot = NULL; (slot = ph_u64map_next(&in->later, slot)); ) {
		for (struct later *l = slot->val, *next; l; l = next) {
			next = l->next;
			free(l);
		}
	}
	ph_u64map_done(&in->later);
	for (struct ph_strmap_slot *slot = NULL; (slot = ph_strmap_next(&in->strings, slot)); )
		free(slot->val);
	ph_vec_done(&in->places);
	ph_vec_done(&in->nodes);
	ph_u64map_done(&in->place_map);
	ph_u64map_done(&in->node_map);
	ph_u64map_done(&in->spaces);
	ph_u64map_done(&in->file_map);
	ph_strmap_done(&in->strings);
}
