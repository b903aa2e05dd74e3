/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a class of events means for a view. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "live/snoop_engine.h"

/* The field of @cls that @spec names first, -1: none. */
static int field_of(const char *spec, const struct ph_class *cls)
{
	while (spec && *spec) {
		size_t n = strcspn(spec, ",");
		ph_autofree char *name = ph_strndup(spec, n);
		char *dot = strchr(name, '.');
		const char *field = dot ? dot + 1 : name;

		if (dot)
			*dot = 0;
		for (uint32_t i = 0; (!dot || ph_glob(name, cls->name)) && i < cls->nfields; i++)
			if (!strcmp(cls->fields[i].name, field))
				return (int)i;
		spec += n + (spec[n] == ',');
	}
	return -1;
}

static bool is_integer(const struct ph_class *cls, int field)
{
	enum ph_kind kind = field >= 0 ? cls->fields[field].type->kind : PH_KIND_STR;

	return kind == PH_KIND_INT || kind == PH_KIND_UINT;
}

static int integer_of(const char *spec, const struct ph_class *cls)
{
	int field = field_of(spec, cls);

	return is_integer(cls, field) ? field : -1;
}

/* Entry and exit of calls are told by the name, which foreign traces have too. */
static bool resolve_call(const struct ph_class *cls, enum ph_snoop_act *act)
{
	if (strstr(cls->name, "syscall_entry_"))
		*act = PH_SNOOP_BEGIN;
	else if (strstr(cls->name, "syscall_exit_"))
		*act = PH_SNOOP_END;
	else
		return false;
	return true;
}

static void plan_step(struct sn_plan *p, const struct ph_snoop_step *st, const struct ph_class *cls)
{
	struct sn_plan_step ps = { .st = st, .act = st->act, .join = field_of(st->join, cls) };
	const char *key = st->key;

	if (st->act == PH_SNOOP_CALL && !resolve_call(cls, &ps.act))
		return;
	/* What a name in foreign metadata promises is only believed where the fields are there. */
	if (st->when && !ph_class_like_ours(cls))
		return;
	ps.process = key && !strcmp(key, "process");
	while (key && *key && !ps.process && ps.nkeys < KEY_MAX) {
		size_t n = strcspn(key, ",");
		ph_autofree char *name = ph_strndup(key, n);
		int field = integer_of(name, cls);

		if (field < 0)
			return;
		ps.key[ps.nkeys++] = (uint16_t)field;
		key += n + (key[n] == ',');
	}
	*ph_vec_push(&p->steps) = ps;
}

static struct sn_plan *plan_new(struct ph_snooping *s, const struct ph_class *cls)
{
	struct sn_plan *p = ph_alloc(sizeof(*p));
	const struct ph_snoop *sn = s->sn;

	for (size_t i = 0; sn->steps[i].events; i++)
		if (ph_evset_has(&s->sets[i], cls))
			plan_step(p, &sn->steps[i], cls);
	for (size_t i = 0; p->steps.n && sn->cols[i].col.json; i++) {
		int field = field_of(sn->cols[i].from, cls);

		if (field >= 0)
			*ph_vec_push(&p->cols) = (struct sn_plan_col){ (uint16_t)i, (uint16_t)field };
	}
	p->call_exit = strstr(cls->name, "syscall_exit_") != NULL;
	p->task = integer_of(sn->task, cls);
	p->container = integer_of(sn->container, cls);
	p->other_task = integer_of(sn->other_task, cls);
	p->other_container = integer_of(sn->other_container, cls);
	return p;
}

const struct sn_plan *sn_plan_of(struct ph_snooping *s, const struct ph_class *cls)
{
	struct sn_plan *p = ph_u64map_get(&s->plans, (uint64_t)(uintptr_t)cls);

	if (ph_unlikely(!p)) {
		p = plan_new(s, cls);
		ph_u64map_put(&s->plans, (uint64_t)(uintptr_t)cls, p);
	}
	return p;
}
