/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/stats.h"

#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/parse.h"
#include "ctf/ctf.h"

struct tally {
	uint64_t count, first, last;
	uint64_t lost, gaps;
};

struct ph_stats {
	struct ph_u64map by_class;	/* address -> struct tally */
	struct ph_u64map by_container;	/* index + 1 */
	struct ph_u64map by_cpu;	/* + 1 */
	struct tally all;
	/* The rows of the last event: most events are like the one before. */
	const struct ph_class *last_cls;
	struct tally *last_class, *last_container;
	uint32_t last_index;
};

struct ph_stats *ph_stats_new(void)
{
	return ph_alloc(sizeof(struct ph_stats));
}

static void map_done(struct ph_u64map *m)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(m, s)); )
		free(s->val);
	ph_u64map_done(m);
}

void ph_stats_free(struct ph_stats *st)
{
	if (!st)
		return;
	map_done(&st->by_class);
	map_done(&st->by_container);
	map_done(&st->by_cpu);
	free(st);
}

static struct tally *tally_of(struct ph_u64map *m, uint64_t key)
{
	struct tally *t = ph_u64map_get(m, key);

	if (!t) {
		t = ph_alloc(sizeof(*t));
		ph_u64map_put(m, key, t);
	}
	return t;
}

static void count(struct tally *t, uint64_t ts)
{
	if (!t->count++)
		t->first = ts;
	t->last = ts;
}

void ph_stats_event(struct ph_stats *st, const struct ph_event *ev)
{
	struct tally *cpu;
	uint64_t n;

	if (ev->cls->id == PH_EV_events_discarded) {
		n = ph_event_u(ev, PH_FLD(events_discarded, count), 0);
		cpu = tally_of(&st->by_cpu, (uint32_t)ph_event_i(ev, PH_FLD(events_discarded, gap_cpu),
								 ev->cpu) + 1ULL);
		cpu->gaps++;
		cpu->lost += n;
		st->all.gaps++;
		st->all.lost += n;
		return;
	}
	if (ev->cls != st->last_cls) {
		st->last_cls = ev->cls;
		st->last_class = tally_of(&st->by_class, (uint64_t)(uintptr_t)ev->cls);
	}
	if (!st->last_container || ev->container != st->last_index) {
		st->last_index = ev->container;
		st->last_container = tally_of(&st->by_container, (uint64_t)ev->container + 1);
	}
	count(st->last_class, ev->ts_ns);
	count(st->last_container, ev->ts_ns);
	cpu = tally_of(&st->by_cpu, (uint64_t)ev->cpu + 1);
	count(cpu, ev->ts_ns);
	count(&st->all, ev->ts_ns);
}

/* ---- tables ------------------------------------------------------------------------------------- */

/* The first column is for JSON and CSV only. */
static const struct ph_col trace_cols[] = {
	{ "SECTION", "section", PH_COL_STR },
	{ "EVENTS", "count", PH_COL_U64, .help = "events counted" },
	{ "BEGIN", "begin_ns", PH_COL_U64, .help = "Unix time of the first" },
	{ "END", "end_ns", PH_COL_U64, .help = "Unix time of the last" },
	{ "LENGTH", "length_ns", PH_COL_NS, .help = "from the first to the last" },
	{ "RATE", "per_second", PH_COL_F64, .help = "events a second" },
	{ "LOST", "lost", PH_COL_U64, .help = "events that were lost" },
	{ "GAPS", "gaps", PH_COL_U64, .help = "times at which some were lost" },
	{ "HOST", "hostname", PH_COL_STR, .help = "machine that was recorded" },
};
static const struct ph_col event_cols[] = {
	{ "SECTION", "section", PH_COL_STR },
	{ "EVENT", "event", PH_COL_STR, .help = "name of the event" },
	{ "COUNT", "count", PH_COL_U64, .help = "how many" },
	{ "SHARE%", "share_percent", PH_COL_F64, .help = "of all events" },
	{ "RATE", "per_second", PH_COL_F64, .help = "events a second, over the whole time" },
	{ "FIRST", "first_ns", PH_COL_NS, .help = "since the beginning" },
	{ "LAST", "last_ns", PH_COL_NS, .help = "since the beginning" },
};
static const struct ph_col container_cols[] = {
	{ "SECTION", "section", PH_COL_STR },
	{ "CONTAINER", "container", PH_COL_STR, .help = "name or id; the host; what is not known" },
	{ "COUNT", "count", PH_COL_U64, .help = "how many events" },
	{ "SHARE%", "share_percent", PH_COL_F64, .help = "of all events" },
	{ "RATE", "per_second", PH_COL_F64, .help = "events a second, over the whole time" },
	{ "FIRST", "first_ns", PH_COL_NS, .help = "since the beginning" },
	{ "LAST", "last_ns", PH_COL_NS, .help = "since the beginning" },
	{ "ID", "id", PH_COL_STR, .help = "the runtime's id" },
	{ "RUNTIME", "runtime", PH_COL_STR, .help = "docker, containerd, …" },
	{ "IMAGE", "image", PH_COL_STR, .help = "image" },
	{ "POD", "pod", PH_COL_STR, .help = "pod" },
	{ "NAMESPACE", "namespace", PH_COL_STR, .help = "Kubernetes namespace" },
};
static const struct ph_col cpu_cols[] = {
	{ "SECTION", "section", PH_COL_STR },
	{ "CPU", "cpu", PH_COL_U64, .help = "number; none where events were missed on any CPU" },
	{ "COUNT", "count", PH_COL_U64, .help = "its events" },
	{ "LOST", "lost", PH_COL_U64, .help = "events of it that were lost" },
	{ "GAPS", "gaps", PH_COL_U64, .help = "times at which some were lost" },
};
static const struct ph_col warning_cols[] = {
	{ "SECTION", "section", PH_COL_STR },
	{ "WARNING", "warning", PH_COL_STR, .help = "what is odd about the trace" },
};

static double per_second(const struct ph_stats *st, uint64_t n)
{
	uint64_t ns = st->all.last - st->all.first;

	return ns ? (double)n * 1e9 / (double)ns : 0;
}

static void fill(const struct ph_stats *st, const struct tally *t, struct ph_cell *c)
{
	ph_cell_u64(&c[0], t->count);
	if (!t->count)
		return;
	ph_cell_f64(&c[1], 100.0 * (double)t->count / (double)st->all.count);
	ph_cell_f64(&c[2], per_second(st, t->count));
	ph_cell_u64(&c[3], t->first - st->all.first);
	ph_cell_u64(&c[4], t->last - st->all.first);
}

static void moment(struct ph_cell *c, const struct ph_run *run, uint64_t ts, bool utc)
{
	int64_t t = (int64_t)(ts + (uint64_t)run->src->offset_ns);
	time_t sec = (time_t)(t / (int64_t)PH_NSEC);
	char text[40] = "";
	struct tm tm;

	ph_cell_s64(c, t);
	if (utc ? gmtime_r(&sec, &tm) : localtime_r(&sec, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	ph_cell_text(c, "%s.%09ld", text, (long)(t % (int64_t)PH_NSEC));
}

static void trace_rows(const struct ph_stats *st, const struct ph_run *run, bool utc, struct ph_table *t)
{
	struct ph_cell *c = ph_table_row(t);

	ph_cell_u64(&c[1], st->all.count);
	if (st->all.count) {
		moment(&c[2], run, st->all.first, utc);
		moment(&c[3], run, st->all.last, utc);
		ph_cell_u64(&c[4], st->all.last - st->all.first);
		ph_cell_f64(&c[5], per_second(st, st->all.count));
	}
	ph_cell_u64(&c[6], st->all.lost);
	ph_cell_u64(&c[7], st->all.gaps);
	ph_cell_str(&c[8], run->src->hostname);
}

static void event_rows(const struct ph_stats *st, struct ph_table *t)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&st->by_class, s)); ) {
		struct ph_cell *c = ph_table_row(t);

		ph_cell_str(&c[1], ((const struct ph_class *)(uintptr_t)s->key)->name);
		fill(st, s->val, &c[2]);
	}
}

/* Those with events and, where nothing was chosen, those that are only known. */
static void container_rows(const struct ph_stats *st, const struct ph_run *run, struct ph_table *t)
{
	static const struct tally none;
	bool all = !run->sel || ph_selection_empty(run->sel);
	const struct ph_container *k;
	const struct tally *n;
	struct ph_cell *c;

	for (size_t i = 0; (k = ph_identity_nth(run->id, i)); i++) {
		n = ph_u64map_get(&st->by_container, (uint64_t)k->index + 1);
		if (!n && (!all || k->index == PH_CONTAINER_HOST))
			continue;
		c = ph_table_row(t);
		ph_cell_str(&c[1], k->index == PH_CONTAINER_HOST ? "(host)" :
			    ph_container_label(run->id, k->index));
		fill(st, n ? n : &none, &c[2]);
		ph_cell_str(&c[7], k->id && *k->id ? k->id : NULL);
		ph_cell_str(&c[8], k->runtime);
		ph_cell_str(&c[9], k->image);
		ph_cell_str(&c[10], k->pod);
		ph_cell_str(&c[11], k->pod_namespace);
	}
	n = ph_u64map_get(&st->by_container, (uint64_t)PH_CONTAINER_UNKNOWN + 1);
	if (n) {
		c = ph_table_row(t);
		ph_cell_str(&c[1], "(unknown)");
		fill(st, n, &c[2]);
	}
}

static void cpu_rows(const struct ph_stats *st, struct ph_table *t)
{
	for (struct ph_u64map_slot *s = NULL; (s = ph_u64map_next(&st->by_cpu, s)); ) {
		const struct tally *n = s->val;
		struct ph_cell *c = ph_table_row(t);

		if (s->key - 1 != PH_CPU_UNKNOWN)
			ph_cell_u64(&c[1], s->key - 1);
		ph_cell_u64(&c[2], n->count);
		ph_cell_u64(&c[3], n->lost);
		ph_cell_u64(&c[4], n->gaps);
	}
}

static void warning_rows(const struct ph_run *run, struct ph_table *t)
{
	const char *w;

	for (size_t i = 0; (w = ph_ctf_warning(run->src, i)); i++)
		ph_cell_str(&ph_table_row(t)[1], w);
}

/* Print one table and forget it. Empty ones are left out. */
static int section(struct ph_table *t, const char *name, const char *sort, const struct ph_table_fmt *fmt,
		   unsigned int width, struct ph_buf *out, struct ph_err *err)
{
	struct ph_table_fmt own = { .output = fmt->output, .no_header = fmt->no_header, .sort = sort,
				    .max_entries = fmt->max_entries };
	const struct ph_col *cols = t->cols;
	int r = 0;

	if (!t->rows.n)
		goto out;
	for (size_t i = 0; i < t->rows.n; i++)
		ph_cell_str(&t->rows.v[i][0], name);
	/* Of as many as another: by name. */
	ph_table_sort(t, 1, false);
	if (out->len && fmt->output != PH_OUT_JSON && fmt->output != PH_OUT_JSONPRETTY)
		ph_buf_addc(out, '\n');
	/* For eyes a heading does it. */
	for (size_t i = 1; fmt->output == PH_OUT_COLUMNS && i < t->ncols; i++)
		ph_strv_add(&own.fields, cols[i].json);
	r = ph_table_print(t, &own, width, out, err);
	ph_strv_done(&own.fields);
out:
	ph_table_done(t);
	return r;
}

int ph_stats_print(const struct ph_stats *st, const struct ph_run *run, const struct ph_table_fmt *fmt,
		   unsigned int width, bool utc, struct ph_buf *out, struct ph_err *err)
{
	struct ph_table t;
	int r;

	ph_table_init(&t, trace_cols, PH_ARRAY_SIZE(trace_cols));
	trace_rows(st, run, utc, &t);
	r = section(&t, "trace", NULL, fmt, width, out, err);
	if (r < 0)
		return r;
	ph_table_init(&t, event_cols, PH_ARRAY_SIZE(event_cols));
	event_rows(st, &t);
	r = section(&t, "event", "-count", fmt, width, out, err);
	if (r < 0)
		return r;
	ph_table_init(&t, container_cols, PH_ARRAY_SIZE(container_cols));
	container_rows(st, run, &t);
	r = section(&t, "container", "-count", fmt, width, out, err);
	if (r < 0)
		return r;
	ph_table_init(&t, cpu_cols, PH_ARRAY_SIZE(cpu_cols));
	cpu_rows(st, &t);
	r = section(&t, "cpu", "cpu", fmt, width, out, err);
	if (r < 0)
		return r;
	ph_table_init(&t, warning_cols, PH_ARRAY_SIZE(warning_cols));
	warning_rows(run, &t);
	return section(&t, "warning", NULL, fmt, width, out, err);
}
