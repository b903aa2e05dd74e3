/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/callset.h"
#include "live/calls_priv.h"

/* What the classes of entries and exits mean: which field says what of which argument, of traces of other tracers, too. */

static const struct ph_syscall *find(const char *event, const char **ret_name)
{
	static const struct { const char *prefix; bool compat; } kinds[] = {
		{ "syscall_entry_", false }, { "syscall_exit_", false },
		{ "compat_syscall_entry_", true }, { "compat_syscall_exit_", true },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(kinds); i++) {
		size_t n = strlen(kinds[i].prefix);

		if (strncmp(event, kinds[i].prefix, n))
			continue;
		*ret_name = event + n;
		if (!strcmp(event + n, "unknown"))
			return ph_syscall_unknown(kinds[i].compat);
		for (int nr = 0; nr < ph_syscall_end(kinds[i].compat); nr++) {
			const struct ph_syscall *sc = ph_syscall_by_nr(nr, kinds[i].compat);

			if (sc && !strcmp(sc->name, event + n))
				return sc;
		}
		return NULL;
	}
	*ret_name = event;
	return NULL;
}

/* Which argument field @f of the trace's class is about, by its name in ours. */
static void place(struct call_class *cc, const struct ph_class *ours, const uint8_t *src, const struct ph_capture *caps,
		  const char *name, uint32_t f)
{
	size_t k = 0;

	for (uint32_t i = 0; ours && i < ours->nfields; i++) {
		bool data = src[i] == PH_SRC_CAPTURE;

		k += data;
		if (strcmp(ours->fields[i].name, name))
			continue;
		if (src[i] < CALL_ARGS) {
			cc->field[src[i]] = f + 1;
		} else if (src[i] == PH_SRC_NR) {
			*ph_vec_push(&cc->more) = f;
		} else if (data && k <= PH_MAX_CAPTURES && caps[k - 1].arg < CALL_ARGS) {
			uint8_t arg = caps[k - 1].arg;

			/* A message has two: its address and its content. */
			if (caps[k - 1].kind == PH_CAP_MSG_NAME) {
				cc->msg_name = f + 1;
			} else {
				cc->data[arg] = f + 1;
				cc->cap[arg] = &caps[k - 1];
			}
		}
		return;
	}
	*ph_vec_push(&cc->more) = f;
}

const struct call_class *call_class_of(struct ph_calls *c, const struct ph_class *cls)
{
	struct call_class *cc = ph_u64map_get(&c->classes, (uint64_t)(uintptr_t)cls);
	bool is_exit = strstr(cls->name, "syscall_exit_") != NULL;
	const char *name;

	if (cc)
		return cc;
	cc = ph_alloc(sizeof(*cc));
	cc->sc = find(cls->name, &name);
	cc->name = ph_strdup(ph_call_name(name));
	cc->ret = -1;
	cc->other = cls->other;
	for (uint32_t f = 0; f < cls->nfields; f++) {
		const char *field = cls->fields[f].name;

		if (is_exit && !strcmp(field, "ret"))
			cc->ret = (int)f;
		else if (cc->sc)
			place(cc, is_exit ? cc->sc->exit : cc->sc->entry, is_exit ? cc->sc->exit_src : cc->sc->entry_src,
			      is_exit ? cc->sc->out : cc->sc->in, field, f);
		else
			*ph_vec_push(&cc->more) = f;
	}
	if (cc->sc)
		cc->rows = ph_calldata_of(cc->sc->name, &cc->nrows);
	for (unsigned int arg = 0; cc->sc && arg < CALL_ARGS; arg++)
		cc->names[arg] = call_names_of(cc->sc->name, arg);
	cc->result = cc->sc && call_names_result(cc->sc->name);
	cc->selected = cc->sc && call_names_selected(cc->sc->name);
	ph_u64map_put(&c->classes, (uint64_t)(uintptr_t)cls, cc);
	return cc;
}

void call_class_free(struct call_class *cc)
{
	free(cc->name);
	ph_vec_done(&cc->more);
	free(cc);
}
