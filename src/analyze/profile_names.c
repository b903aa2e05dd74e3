/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the places of stacks are called. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/profile_priv.h"
#include "base/cleanup.h"

#define U(event, field, otherwise) ph_event_u(ev, PH_FLD(event, field), otherwise)
#define V(event, field) ph_event_field(ev, PH_FLD(event, field))

/* Functions that the compiler put into one another. */
#define DEPTH_MAX 64

const char *ph_frame_kind_name(enum ph_frame_kind kind)
{
	static const char *const names[] = {
		[PH_FRAME_GROUP] = "group", [PH_FRAME_KERNEL] = "kernel", [PH_FRAME_USER] = "user", [PH_FRAME_INLINED] = "inlined",
		[PH_FRAME_JIT] = "jit", [PH_FRAME_INTERPRETER] = "interpreter", [PH_FRAME_WAIT] = "wait", [PH_FRAME_NONE] = "none",
	};

	return kind < PH_FRAME_KINDS ? names[kind] : "?";
}

static uint64_t key_of(uint32_t file, int32_t pid, uint64_t at)
{
	uint64_t parts[] = { file, (uint64_t)(uint32_t)pid, at };

	return ph_hash(PH_HASH_INIT, parts, sizeof(parts));
}

/* What was there at a time. */
static struct names *names_at(struct names *n, uint64_t ts_ns)
{
	while (n && n->since_ns > ts_ns)
		n = n->older;
	return n;
}

static void set_name(struct ph_profile *p, uint64_t key, unsigned int depth, const struct name *name, uint64_t since_ns)
{
	struct names *newest = ph_u64map_get(&p->priv->names, key), *had = names_at(newest, since_ns), *n = had;
	struct names **at = &newest;

	if (had && had->since_ns != since_ns)
		had = NULL;
	if (depth >= DEPTH_MAX || (!had && p->priv->nnames >= NAMES_MAX))
		return;
	if (!had || depth >= had->n) {
		n = ph_alloc(sizeof(*n) + (depth + 1) * sizeof(n->v[0]));
		n->n = depth + 1;
		n->since_ns = since_ns;
		while (*at && (*at)->since_ns > since_ns)
			at = &(*at)->older;
		n->older = had ? had->older : *at;
		if (had)
			memcpy(n->v, had->v, had->n * sizeof(n->v[0]));
		else
			p->priv->nnames++;
		free(had);
		*at = n;
		ph_u64map_put(&p->priv->names, key, newest);
	}
	n->v[depth] = *name;
}

uint64_t profile_made_ns(const struct ph_profile *p, uint32_t file, int32_t pid, uint64_t at)
{
	const struct names *n = names_at(ph_u64map_get(&p->priv->names, key_of(file, pid, at)), p->now_ns);

	return n ? n->since_ns : 0;
}

static const char *string(struct ph_profile *p, const struct ph_value *v)
{
	return v ? profile_string(p, v->s, v->n) : "";
}

void profile_name_event(struct ph_profile *p, const struct ph_event *ev)
{
	struct name n = { .source = "", .module = "" };

	switch (ev->cls->id) {
	case PH_EV_user_symbol:
		n.function = string(p, V(user_symbol, name));
		n.source = string(p, V(user_symbol, source));
		n.line = (uint32_t)U(user_symbol, line, 0);
		n.offset = U(user_symbol, offset, 0);
		n.inlined = U(user_symbol, inlined, 0);
		set_name(p, key_of((uint32_t)U(user_symbol, file, UINT32_MAX), (int32_t)ph_event_i(ev, PH_FLD(user_symbol, pid), 0),
				   U(user_symbol, vaddr, 0)), (unsigned int)U(user_symbol, depth, 0), &n, U(user_symbol, since_ns, 0));
		break;
	case PH_EV_kernel_symbol:
		n.function = string(p, V(kernel_symbol, name));
		n.module = string(p, V(kernel_symbol, module));
		set_name(p, key_of(FILE_KERNEL, 0, U(kernel_symbol, address, 0)), 0, &n, 0);
		break;
	}
}

/* ---- functions ----------------------------------------------------------------------------------------- */

uint32_t profile_func(struct ph_profile *p, enum ph_frame_kind kind, const char *name, const char *module, bool named)
{
	static const char *const marks[PH_FRAME_KINDS] = {
		[PH_FRAME_KERNEL] = "_[k]", [PH_FRAME_INLINED] = "_[i]", [PH_FRAME_JIT] = "_[j]",
	};
	const void *parts[] = { name, module, (void *)(uintptr_t)(kind * 2u + named) };
	uint64_t key = ph_hash(PH_HASH_INIT, parts, sizeof(parts));
	uintptr_t have = (uintptr_t)ph_u64map_get(&p->priv->func_map, key);
	ph_autobuf label = { 0 };
	struct ph_func *f;

	if (have)
		return (uint32_t)have - 1;
	f = ph_vec_push(&p->funcs);
	*f = (struct ph_func){ .kind = kind, .name = name, .module = module, .label = name, .named = named };
	if (marks[kind]) {
		ph_buf_adds(&label, name);
		ph_buf_adds(&label, marks[kind]);
		f->label = profile_string(p, label.p, label.len);
		if (!f->label[0])
			f->label = name;
	}
	ph_u64map_put(&p->priv->func_map, key, (void *)(uintptr_t)p->funcs.n);
	return (uint32_t)p->funcs.n - 1;
}

uint32_t profile_loc(struct ph_profile *p, enum ph_frame_kind kind, const char *name)
{
	uint64_t key = (uint64_t)profile_func(p, kind, profile_string(p, name, strlen(name)), "", true) + 1;
	uintptr_t have = (uintptr_t)ph_u64map_get(&p->priv->reason_map, key);

	if (have)
		return (uint32_t)have;
	*ph_vec_push(&p->locs) = (struct ph_loc){ .func = (uint32_t)key - 1, .file = UINT32_MAX, .source = "" };
	ph_u64map_put(&p->priv->reason_map, key, (void *)(uintptr_t)(p->locs.n - 1));
	return (uint32_t)p->locs.n - 1;
}

/* ---- places -------------------------------------------------------------------------------------------- */

static const char *const notes[NOTE_MAX] = {
	[NOTE_UNMAPPED] = "[unknown]", [NOTE_INCOMPLETE] = "[incomplete]", [NOTE_KERNEL] = "[kernel]", [NOTE_USER] = "[user]",
	[NOTE_CUT] = "[others]", [NOTE_UNSEEN] = "[stack not seen]", [NOTE_ANON] = "[anonymous code]",
};

static void add_loc(struct ph_profile *p, struct place *at, uint32_t file, uint32_t func, const char *source, uint32_t line)
{
	if (!at->nlocs)
		at->loc = (uint32_t)p->locs.n;
	at->nlocs++;
	*ph_vec_push(&p->locs) = (struct ph_loc){ .func = func, .file = file, .address = at->at, .source = source, .line = line };
}

static void add_note(struct ph_profile *p, struct place *at, enum place_note note)
{
	add_loc(p, at, UINT32_MAX, profile_func(p, PH_FRAME_NONE, profile_string(p, notes[note], STRING_MAX), "", true), "", 0);
}

/* All places of a function have one name also where that is its beginning's address, @offset before. */
static void add_nameless(struct ph_profile *p, struct place *at, uint32_t file, enum ph_frame_kind kind, uint64_t offset)
{
	const struct ph_profile_file *f = file == UINT32_MAX ? NULL : p->files.v[file];
	const char *module = f ? f->module : kind == PH_FRAME_KERNEL ? "" : "?";
	ph_autobuf text = { 0 };

	ph_buf_addf(&text, "%s%s0x%" PRIx64, module, module[0] ? "+" : "", at->at - offset);
	add_loc(p, at, file, profile_func(p, kind, profile_string(p, text.p, text.len), module, false), "", 0);
}

static enum ph_frame_kind user_kind(const struct ph_profile_file *f, const struct place *at)
{
	/* What interpreters' functions are in has no path that a file could have. */
	if (f && !strncmp(f->path, "//", 2) && strcmp(f->path, "//anon"))
		return PH_FRAME_INTERPRETER;
	return at->pid ? PH_FRAME_JIT : PH_FRAME_USER;
}

static void name_place(struct ph_profile *p, struct place *at)
{
	const struct names *n = names_at(ph_u64map_get(&p->priv->names, key_of(at->file, at->pid, at->at)), at->seen_ns);
	uintptr_t have = (uintptr_t)ph_u64map_get(&p->priv->file_map, at->file);
	uint32_t file = have ? (uint32_t)have - 1 : UINT32_MAX;
	const struct ph_profile_file *f = have ? p->files.v[file] : NULL;
	enum ph_frame_kind kind = at->file == FILE_KERNEL ? PH_FRAME_KERNEL : user_kind(f, at);
	bool named = false;

	if (at->file == FILE_NONE) {
		add_note(p, at, at->at < NOTE_MAX ? (enum place_note)at->at : NOTE_UNMAPPED);
		return;
	}
	for (uint32_t i = 0; n && i < n->n; i++) {
		const struct name *name = &n->v[i];

		if (!name->function || !name->function[0])
			continue;
		named = true;
		add_loc(p, at, file, profile_func(p, name->inlined ? PH_FRAME_INLINED : kind, name->function,
						  kind == PH_FRAME_KERNEL ? name->module : f ? f->module : "", true), name->source, name->line);
	}
	if (named)
		return;
	/* Where it lies is different each time that the program runs. */
	if (kind == PH_FRAME_JIT) {
		add_note(p, at, NOTE_ANON);
		p->locs.v[at->loc].made = profile_made_by(p, at->pid);
	} else {
		add_nameless(p, at, file, kind, n ? n->v[n->n - 1].offset : 0);
	}
}

void profile_names_finish(struct ph_profile *p)
{
	ph_vec_each(at, &p->priv->places)
		name_place(p, at);
}

void profile_names_free(struct ph_profile *p)
{
	for (struct ph_u64map_slot *slot = NULL; (slot = ph_u64map_next(&p->priv->names, slot)); ) {
		for (struct names *n = slot->val, *older; n; n = older) {
			older = n->older;
			free(n);
		}
	}
	ph_u64map_done(&p->priv->names);
	ph_u64map_done(&p->priv->func_map);
	ph_u64map_done(&p->priv->reason_map);
}
