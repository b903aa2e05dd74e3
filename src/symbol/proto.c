/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/proto.h"

#include <stdlib.h>

char *ph_get_str(struct ph_bytes *b)
{
	uint32_t n = ph_get_u32(b);
	const uint8_t *p = b->p;

	if (n > PH_SYMSTR_MAX)
		b->bad = true;
	else
		ph_bytes_skip(b, n);
	if (b->bad)
		return ph_strdup("");
	/* A NUL in the midst ends it: nobody else's idea of its length matters. */
	return ph_strndup((const char *)p, strnlen((const char *)p, n));
}

void ph_symtable_put(struct ph_buf *b, const struct ph_unwind_table *t)
{
	ph_put_u32(b, t->arch);
	ph_put_u64(b, t->base);
	ph_put_u32(b, t->npages);
	ph_put_u32(b, t->nrows);
	ph_put_u32(b, t->nrules);
	ph_buf_add(b, &t->stats, sizeof(t->stats));
	ph_buf_add(b, t->pages, (t->npages + 1) * sizeof(*t->pages));
	ph_buf_add(b, t->rows, t->nrows * sizeof(*t->rows));
	ph_buf_add(b, t->rules, t->nrules * sizeof(*t->rules));
}

static bool rule_ok(const struct ph_unwind_rule *r)
{
	/* Registers by DWARF's numbers: 17 on x86_64, 31 on arm64, of which each is known at the top of a stack. */
	return r->cfa < PH_CFA_NKINDS && r->ra < PH_SAVED_NKINDS && r->fp < PH_SAVED_NKINDS &&
	       r->bx < PH_SAVED_NKINDS && !(r->flags & ~PH_RULE_SIGNAL) &&
	       (r->cfa != PH_CFA_REGISTER || (r->cfa_add >= 0 && r->cfa_add <= 30));
}

/* What those who search it rely on: format.h. */
static bool table_ok(const struct ph_unwind_table *t)
{
	if (t->pages[0] || t->pages[t->npages] != t->nrows || t->rules[PH_RULE_NONE].cfa != PH_CFA_NONE ||
	    t->rules[PH_RULE_END].cfa != PH_CFA_END)
		return false;
	for (uint32_t p = 0; p < t->npages; p++) {
		if (t->pages[p] > t->pages[p + 1] || t->pages[p + 1] > t->nrows)
			return false;
		for (uint32_t i = t->pages[p]; i < t->pages[p + 1]; i++)
			if (t->rows[i].rule >= t->nrules || (i > t->pages[p] && t->rows[i].pc <= t->rows[i - 1].pc))
				return false;
	}
	for (uint32_t i = 0; i < t->nrules; i++)
		if (!rule_ok(&t->rules[i]))
			return false;
	return true;
}

static void *copy(struct ph_bytes *b, uint64_t n)
{
	struct ph_bytes part = ph_bytes_cut(b, n);
	void *p = ph_alloc(ph_bytes_left(&part) + 1);

	memcpy(p, part.p, ph_bytes_left(&part));
	return p;
}

struct ph_unwind_table *ph_symtable_get(struct ph_bytes *b)
{
	struct ph_unwind_table *t = ph_alloc(sizeof(*t));
	struct ph_bytes stats;

	t->arch = ph_get_u32(b);
	t->base = ph_get_u64(b);
	t->npages = ph_get_u32(b);
	t->nrows = ph_get_u32(b);
	t->nrules = ph_get_u32(b);
	stats = ph_bytes_cut(b, sizeof(t->stats));
	if (b->bad || t->arch > PH_UNWIND_ARM64 || t->base % PH_UNWIND_PAGE ||
	    t->npages > PH_UNWIND_SPAN_MAX / PH_UNWIND_PAGE || t->base + ((uint64_t)t->npages << PH_UNWIND_PAGE_BITS) < t->base ||
	    t->nrules < PH_RULE_FIRST || t->nrules > 65536) {
		free(t);
		return NULL;
	}
	memcpy(&t->stats, stats.p, sizeof(t->stats));
	t->pages = copy(b, (t->npages + 1ULL) * sizeof(*t->pages));
	t->rows = copy(b, (uint64_t)t->nrows * sizeof(*t->rows));
	t->rules = copy(b, (uint64_t)t->nrules * sizeof(*t->rules));
	if (b->bad || ph_bytes_left(b) || !table_ok(t)) {
		ph_unwind_free(t);
		return NULL;
	}
	return t;
}
