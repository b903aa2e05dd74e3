/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_SNOOP_ENGINE_H
#define PH_LIVE_SNOOP_ENGINE_H

/*
 * Between the engine's files alone: a kind's row (snoop_kind.c) and the classes of the events that come make
 * plans (snoop_plan.c); by these snoop.c makes rows of events; snoop_filter.c says which are shown.
 */
#include "live/snoop_priv.h"

#define KEY_MAX 3
#define COLS_MAX 64	/* a bit each in a mask */

/* What a class of events means for the view, worked out when its first event comes. */
struct sn_plan_step {
	const struct ph_snoop_step *st;
	enum ph_snoop_act act;		/* never CALL */
	uint16_t key[KEY_MAX];		/* fields; all with the same number of them as st->key has */
	uint8_t nkeys;			/* 0: the task, or */
	bool process;
	int join;			/* field, -1: none */
};

struct sn_plan_col {
	uint16_t col, field;
};

struct sn_plan {
	PH_VEC(struct sn_plan_step) steps;
	PH_VEC(struct sn_plan_col) cols;
	int task, container, other_task, other_container;	/* fields, -1: none */
	bool call_exit;
};

/* The filter sees a row as an event whose fields are the columns that have a value. */
struct sn_shape {
	struct ph_class cls;
	struct ph_field fields[COLS_MAX];
	uint8_t at[COLS_MAX];
};

struct ph_snooping {
	const struct ph_snoop *sn;
	const struct ph_snoop_opts *o;
	struct ph_col *cols;
	size_t ncols;
	size_t time;			/* the column, SIZE_MAX: none */
	uint64_t min_ns;
	struct ph_evset *sets;		/* of each step */
	struct ph_u64map plans;		/* class -> struct sn_plan */
	struct ph_u64map begun;		/* key -> struct ph_snoop_row */
	struct ph_snoop_world *world;
	struct ph_filter *filter;
	struct ph_u64map shapes;	/* mask of columns -> struct sn_shape */
	struct ph_snoop_seen seen;
	uint64_t now_ns, late_ns;	/* of the last event; when to look for what has no end next */
	struct ph_snoop_out out;
	struct ph_calls *calls;		/* NULL: the view has none */
};

/* All columns of a kind, its own behind those that every one has; the caller frees. */
struct ph_col *sn_all_cols(const struct ph_snoop *sn, size_t *ret_n);

/* The words of @list that are not in @out yet; @known_only: calls and events that we know alone. */
void sn_add_words(const char *list, bool known_only, ph_strv *out);

/* What events of @cls mean for the view; @s keeps it. */
const struct sn_plan *sn_plan_of(struct ph_snooping *s, const struct ph_class *cls);

/* Parse the option --filter, if there is one: 0 or -EINVAL. */
int sn_parse_filter(struct ph_snooping *s, struct ph_err *err);
bool sn_passes(struct ph_snooping *s, const struct ph_identity *id, const struct ph_snoop_row *row);

#endif
