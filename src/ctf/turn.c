/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of the other machine's trace: what that has otherwise becomes as this machine has it, by the fields' units. */
#include <string.h>

#include "ctf/trace.h"
#include "event/calldata.h"
#include "event/machine.h"
#include "event/syscalls.h"

enum turn { TURN_CALL, TURN_OPEN_FLAGS, TURN_OPEN_HOW, TURN_EPOLL, TURN_DATA };

struct ph_ct_turn {
	bool compat_class;
	int32_t compat_at;	/* the field that tells it of each event, -1: none does */
	uint32_t n;
	struct { uint32_t at; enum turn turn; } of[];
};

static bool is_number(const struct ph_field *f)
{
	return f->type->kind == PH_KIND_UINT || f->type->kind == PH_KIND_INT;
}

static bool turns(const struct ph_class *cls, const struct ph_field *f, bool compat, enum turn *ret)
{
	bool bytes = f->type->kind == PH_KIND_BYTES;

	switch (f->unit) {
	case PH_UNIT_SYSCALL:
		*ret = TURN_CALL;
		return is_number(f);
	case PH_UNIT_OPEN_FLAGS:
		*ret = TURN_OPEN_FLAGS;
		return is_number(f);
	case PH_UNIT_OPEN_HOW:
		*ret = TURN_OPEN_HOW;
		return bytes;
	case PH_UNIT_EPOLL_EVENTS:
		*ret = TURN_EPOLL;
		return bytes && !compat;
	default:
		*ret = TURN_DATA;
		return bytes && cls->id == PH_EV_syscall_data;
	}
}

void ph_ct_turn_make(struct ph_ct_class *c, struct ph_pool *pool)
{
	struct ph_class *cls = &c->cls;
	struct ph_ct_turn *t = ph_pool_alloc(pool, sizeof(*t) + cls->nfields * sizeof(t->of[0]));

	cls->other = true;
	t->compat_class = cls->id >= PH_EV_COMPAT_ENTRY && cls->id < PH_EV_ID_MAX;
	t->compat_at = -1;
	for (uint32_t i = 0; i < cls->nfields; i++) {
		const struct ph_field *f = &cls->fields[i];

		if (!strcmp(f->name, "compat") && is_number(f))
			t->compat_at = (int32_t)i;
		if (turns(cls, f, t->compat_class, &t->of[t->n].turn))
			t->of[t->n++].at = i;
	}
	if (t->n)
		c->turn = t;
}

static void turn_structs(struct ph_value *v, const struct ph_machine_struct *s, struct ph_pool *pool)
{
	char *to = ph_pool_alloc(pool, ph_machine_bytes(s, v->n) + 1);

	v->n = (uint32_t)ph_machine_turn(s, v->s, v->n, to);
	v->s = to;
}

static void turn_open_how(struct ph_value *v, struct ph_pool *pool)
{
	uint64_t flags;
	char *to;

	if (v->n < sizeof(flags))
		return;
	to = ph_pool_alloc(pool, v->n);
	memcpy(to, v->s, v->n);
	memcpy(&flags, to, sizeof(flags));
	flags = ph_machine_open_flags(flags);
	memcpy(to, &flags, sizeof(flags));
	v->s = to;
}

/* syscall_data, whose number of the call is this machine's already. */
static void turn_data(const struct ph_class *cls, struct ph_value *v, struct ph_value *data, struct ph_pool *pool)
{
	struct ph_event ev = { .cls = cls, .v = v };
	const struct ph_syscall *sc = ph_syscall_by_nr((int)ph_event_i(&ev, PH_FLD(syscall_data, nr), -1), false);
	uint64_t arg = ph_event_u(&ev, PH_FLD(syscall_data, arg), 0), at_exit = ph_event_u(&ev, PH_FLD(syscall_data, at_exit), 0);
	int size_at = cls->canon ? cls->canon[PH_FLD(syscall_data, size)] : (int)PH_FLD(syscall_data, size);
	const struct ph_calldata *rows;
	size_t n = 0;

	rows = sc ? ph_calldata_of(sc->name, &n) : NULL;
	for (size_t i = 0; i < n; i++) {
		const struct ph_machine_struct *s = rows[i].what == PH_WHAT_STAT ? &ph_machine_stat :
						    rows[i].what == PH_WHAT_EPOLL ? &ph_machine_epoll_event : NULL;

		if (!s || rows[i].def.arg != arg || rows[i].def.at_exit != at_exit)
			continue;
		turn_structs(data, s, pool);
		if (size_at >= 0)
			v[size_at].u = ph_machine_bytes(s, v[size_at].u);
		return;
	}
}

void ph_ct_turn(const struct ph_ct_class *c, struct ph_value *v, struct ph_pool *pool)
{
	const struct ph_ct_turn *t = c->turn;
	bool compat = t->compat_class || (t->compat_at >= 0 && v[t->compat_at].u);

	for (uint32_t i = 0; i < t->n; i++) {
		struct ph_value *of = &v[t->of[i].at];

		switch (t->of[i].turn) {
		case TURN_CALL:
			of->i = ph_syscall_from_other((int32_t)of->i, compat);
			break;
		case TURN_OPEN_FLAGS:
			of->u = ph_machine_open_flags(of->u);
			break;
		case TURN_OPEN_HOW:
			turn_open_how(of, pool);
			break;
		case TURN_EPOLL:
			turn_structs(of, &ph_machine_epoll_event, pool);
			break;
		case TURN_DATA:
			turn_data(&c->cls, v, of, pool);
			break;
		}
	}
}
