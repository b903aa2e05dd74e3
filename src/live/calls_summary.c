/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "live/calls_priv.h"

/* Calls, errors and times by container and call, as strace -c has them for a process. */

static const struct ph_col cols[] = {
	{ "CONTAINER", "container", PH_COL_STR, .help = "name or id of the container, null: the host or unknown" },
	{ "%TIME", "time_percent", PH_COL_F64, .help = "share of the time that this container's calls took" },
	{ "TOTAL", "total_ns", PH_COL_NS, .help = "from entry to exit, waits included, of all of them" },
	{ "AVERAGE", "avg_ns", PH_COL_NS, .help = "of one" },
	{ "P99", "p99_ns", PH_COL_NS, .help = "what 99 % of them did not exceed, wrong by 3 % at most" },
	{ "MAX", "max_ns", PH_COL_NS, true, .help = "the longest" },
	{ "CALLS", "calls", PH_COL_U64, .help = "that returned" },
	{ "ERRORS", "errors", PH_COL_U64, .help = "of those: with an error" },
	{ "CALL", "call", PH_COL_STR, .help = "system call, as its manual page is called" },
};

enum { CONTAINER, PERCENT, TOTAL, AVERAGE, P99, MAX, CALLS, ERRORS, CALL };

struct entry {
	char *call;
	uint64_t errors;
	struct ph_hist hist;
};

struct group {
	char *container;	/* label, "": none */
	uint64_t total_ns, calls, errors;
	PH_VEC(struct entry *) entries;
	struct ph_strmap by_call;
};

struct ph_call_summary {
	PH_VEC(struct group *) groups;
	struct ph_strmap by_container;
};

const struct ph_col *ph_calls_summary_cols(size_t *ret_n)
{
	*ret_n = PH_ARRAY_SIZE(cols);
	return cols;
}

struct ph_call_summary *ph_call_summary_new(void)
{
	return ph_alloc(sizeof(struct ph_call_summary));
}

void ph_call_summary_free(struct ph_call_summary *s)
{
	if (!s)
		return;
	ph_vec_each(pg, &s->groups) {
		struct group *g = *pg;

		ph_vec_each(e, &g->entries) {
			ph_hist_done(&(*e)->hist);
			free((*e)->call);
			free(*e);
		}
		ph_vec_done(&g->entries);
		ph_strmap_done(&g->by_call);
		free(g->container);
		free(g);
	}
	ph_vec_done(&s->groups);
	ph_strmap_done(&s->by_container);
	free(s);
}

static struct group *group_of(struct ph_call_summary *s, const char *container)
{
	struct group *g = ph_strmap_get(&s->by_container, container);

	if (g)
		return g;
	g = ph_alloc(sizeof(*g));
	g->container = ph_strdup(container);
	*ph_vec_push(&s->groups) = g;
	ph_strmap_put(&s->by_container, container, g);
	return g;
}

static struct entry *entry_of(struct group *g, const char *call)
{
	struct entry *e = ph_strmap_get(&g->by_call, call);

	if (e)
		return e;
	e = ph_alloc(sizeof(*e));
	e->call = ph_strdup(call);
	*ph_vec_push(&g->entries) = e;
	ph_strmap_put(&g->by_call, call, e);
	return e;
}

void ph_call_summary_add(struct ph_call_summary *s, const struct ph_identity *id, const struct ph_snoop_row *row)
{
	const char *label = row->container != PH_CONTAINER_UNKNOWN ? ph_container_label(id, row->container) : "";
	uint64_t ns = row->end_ns - row->begin_ns;
	struct group *g;
	struct entry *e;

	/* What the end of its thread ended has returned nothing. */
	if (!row->call->ended)
		return;
	g = group_of(s, label);
	e = entry_of(g, row->call->cc->name);
	ph_hist_add(&e->hist, ns);
	g->total_ns += ns;
	g->calls++;
	if (ph_call_failed(row->call)) {
		e->errors++;
		g->errors++;
	}
}

static int cmp_group(const void *pa, const void *pb)
{
	const struct group *a = *(const struct group *const *)pa, *b = *(const struct group *const *)pb;

	if (a->total_ns != b->total_ns)
		return a->total_ns > b->total_ns ? -1 : 1;
	return strcmp(a->container, b->container);
}

static int cmp_entry(const void *pa, const void *pb)
{
	const struct entry *a = *(const struct entry *const *)pa, *b = *(const struct entry *const *)pb;

	if (a->hist.sum != b->hist.sum)
		return a->hist.sum > b->hist.sum ? -1 : 1;
	return strcmp(a->call, b->call);
}

static void fill(struct ph_cell *c, const struct group *g, double percent, uint64_t total, uint64_t calls, uint64_t errors,
		 const char *call)
{
	if (*g->container)
		ph_cell_str(&c[CONTAINER], g->container);
	ph_cell_f64(&c[PERCENT], percent);
	ph_cell_u64(&c[TOTAL], total);
	ph_cell_u64(&c[AVERAGE], calls ? total / calls : 0);
	ph_cell_u64(&c[CALLS], calls);
	ph_cell_u64(&c[ERRORS], errors);
	ph_cell_str(&c[CALL], call);
}

void ph_call_summary_print(struct ph_call_summary *s, const struct ph_table_fmt *fmt, unsigned int width,
			   struct ph_buf *out)
{
	/* For eyes, and where the order is ours, each container's sum stands below its calls. */
	bool sums = fmt->output == PH_OUT_COLUMNS && !fmt->sort && !fmt->max_entries;
	struct ph_table t;

	ph_table_init(&t, cols, PH_ARRAY_SIZE(cols));
	if (s->groups.n)
		qsort(s->groups.v, s->groups.n, sizeof(*s->groups.v), cmp_group);
	ph_vec_each(pg, &s->groups) {
		struct group *g = *pg;

		qsort(g->entries.v, g->entries.n, sizeof(*g->entries.v), cmp_entry);
		ph_vec_each(pe, &g->entries) {
			struct ph_cell *c = ph_table_row(&t);
			struct entry *e = *pe;

			fill(c, g, g->total_ns ? 100.0 * (double)e->hist.sum / (double)g->total_ns : 0, e->hist.sum, e->hist.n,
			     e->errors, e->call);
			ph_cell_u64(&c[P99], ph_hist_quantile(&e->hist, 0.99));
			ph_cell_u64(&c[MAX], e->hist.max);
		}
		if (sums)
			fill(ph_table_row(&t), g, 100, g->total_ns, g->calls, g->errors, "total");
	}
	ph_table_print(&t, fmt, width, out, NULL);
	ph_table_done(&t);
}
