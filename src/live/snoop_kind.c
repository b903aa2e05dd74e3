/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kinds of snoops, and what the row of each says. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "live/calls_priv.h"
#include "live/snoop_engine.h"

const char *ph_snoop_name(const struct ph_snoop *sn)
{
	return sn->name;
}

const char *ph_snoop_summary(const struct ph_snoop *sn)
{
	return sn->summary;
}

const char *ph_snoop_example(const struct ph_snoop *sn)
{
	return sn->example;
}

const struct ph_snoop *ph_snoop_by_name(const char *name)
{
	const struct ph_snoop *sn;

	for (size_t i = 0; (sn = ph_snoop_nth(i)); i++)
		if (!strcmp(sn->name, name))
			return sn;
	return NULL;
}

bool ph_snoop_calls(const struct ph_snoop *sn)
{
	return sn->calls;
}

bool ph_snoop_timed(const struct ph_snoop *sn, uint64_t *ret_min_ns)
{
	*ret_min_ns = sn->min_ns;
	return sn->time != NULL;
}

static bool has_word(const ph_strv *words, const char *word)
{
	for (size_t i = 0; i < words->n; i++)
		if (!strcmp(words->v[i], word))
			return true;
	return false;
}

/* A system call that this architecture has not is not asked for. */
static bool is_known(const char *word)
{
	if (ph_class_by_name(word) || ph_syscall_by_name(word))
		return true;
	for (unsigned int g = 0; g < PH_GROUP_MAX; g++)
		if (!strcmp(ph_group_name(g), word))
			return true;
	return false;
}

void sn_add_words(const char *list, bool known_only, ph_strv *out)
{
	while (list && *list) {
		size_t n = strcspn(list, ",");
		ph_autofree char *word = ph_strndup(list, n);

		if ((!known_only || is_known(word)) && !has_word(out, word))
			ph_strv_add(out, word);
		list += n + (list[n] == ',');
	}
}

void ph_snoop_events(const struct ph_snoop *sn, bool also, ph_strv *out)
{
	for (const struct ph_snoop_step *st = sn->steps; st->events; st++)
		sn_add_words(st->events, true, out);
	if (also)
		sn_add_words(sn->also, true, out);
}

static size_t count_cols(const struct ph_snoop *sn)
{
	size_t n = 0;

	while (sn->cols[n].col.json)
		n++;
	return n;
}

struct ph_col *sn_all_cols(const struct ph_snoop *sn, size_t *ret_n)
{
	size_t own = count_cols(sn);
	struct ph_col *cols = ph_alloc((PH_SNOOP_NCOMMON + own) * sizeof(*cols));

	memcpy(cols, ph_snoop_common, sizeof(ph_snoop_common));
	for (size_t i = 0; i < own; i++)
		cols[PH_SNOOP_NCOMMON + i] = sn->cols[i].col;
	*ret_n = PH_SNOOP_NCOMMON + own;
	return cols;
}

void ph_snoop_schema(const struct ph_snoop *sn, const struct ph_snoop_opts *o, struct ph_buf *out)
{
	size_t n, nsum;
	ph_autofree struct ph_col *cols = sn_all_cols(sn, &n);
	const struct ph_col *sum = ph_calls_summary_cols(&nsum);

	if (sn->calls && o->calls.only_summary)
		ph_table_schema(sum, nsum, out);
	else
		ph_table_schema(cols, n, out);
}
