/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose stacks are, and the rows in which those of one task and one place are summed up. */
#include <stdio.h>
#include <string.h>

#include "analyze/profile_priv.h"
#include "base/cleanup.h"

const char *const ph_profile_by[PH_BY_MAX + 1] = { "container", "pod", "image", "comm", "process", "thread", "reason" };

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
		return ph_profile_container(p, a->container);
	}
}

void profile_name_groups(struct ph_profile *p)
{
	ph_autobuf text = { 0 };

	ph_vec_each(a, &p->actors)
		for (unsigned int i = 0; i < p->opts.nby; i++)
			if (p->opts.by[i] != PH_BY_REASON)
				a->group[i] = profile_loc(p, PH_FRAME_GROUP, group_text(p, a, p->opts.by[i], &text));
}

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
