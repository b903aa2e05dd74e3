/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The samples as a table, and as the line for the machine. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "event/schema.h"
#include "live/top_trace.h"

/* What most values fit into, where lines come one by one. */
#define WIDTH_STR 0
#define WIDTH_U64 5
#define WIDTH_S64 5
#define WIDTH_F64 5
#define WIDTH_BYTES 8
#define WIDTH_NS 7

const struct ph_col ph_top_cols[PH_TOP_NCOLS] = {
#define PH_TOP_COL(id, head_, json_, type_, hidden_, how_, a_, b_, help_) \
	{ head_, json_, PH_COL_##type_, hidden_, help_, WIDTH_##type_ },
#include "live/top.def"
#undef PH_TOP_COL
};

enum how { TEXT, PART, RATE, DELTA, SHARE, LEVEL, OF };

static const struct { enum how how; unsigned int a, b; } from[PH_TOP_NCOLS] = {
#define PH_TOP_COL(id, head_, json_, type_, hidden_, how_, a_, b_, help_) { how_, a_, b_ },
#include "live/top.def"
#undef PH_TOP_COL
};

void ph_top_want_col(struct ph_top_want *want, enum ph_top_col col)
{
	switch (from[col].how) {
	case SHARE:
		want->counts |= 1ull << from[col].b;
		/* fall through */
	case PART:
	case RATE:
	case DELTA:
		want->counts |= 1ull << from[col].a;
		break;
	case OF:
		want->levels |= 1u << from[col].b;
		/* fall through */
	case LEVEL:
		want->levels |= 1u << from[col].a;
		break;
	case TEXT:
		break;
	}
}

void ph_top_wanted(const struct ph_table_fmt *fmt, struct ph_top_want *want)
{
	for (unsigned int col = 0; col < PH_TOP_NCOLS; col++)
		if (ph_table_shows(fmt, ph_top_cols, PH_TOP_NCOLS, col))
			ph_top_want_col(want, col);
}

static void number(struct ph_cell *c, enum ph_top_col col, double v)
{
	if (ph_top_cols[col].type != PH_COL_F64) {
		ph_cell_u64(c, (uint64_t)(v + 0.5));
		return;
	}
	ph_cell_f64(c, v);
	/* Nobody reads tenths of thousands. */
	if (v >= 1000 && from[col].how == RATE)
		ph_cell_text(c, "%.0f", v);
}

static void fill_number(const struct ph_top_row *r, enum ph_top_col col, struct ph_cell *c)
{
	uint64_t a, b;

	switch (from[col].how) {
	case PART:
		if (ph_top_delta(r, from[col].a, &a))
			number(c, col, (double)a * 100 / (double)ph_top_interval(r));
		break;
	case RATE:
		if (ph_top_delta(r, from[col].a, &a))
			number(c, col, (double)a * (double)PH_NSEC / (double)ph_top_interval(r));
		break;
	case DELTA:
		if (ph_top_delta(r, from[col].a, &a))
			ph_cell_u64(c, a);
		break;
	case SHARE:
		if (ph_top_delta(r, from[col].a, &a) && ph_top_delta(r, from[col].b, &b))
			number(c, col, b ? (double)a * 100 / (double)b : 0);
		break;
	case LEVEL:
		if (ph_top_level(r, from[col].a, &a))
			ph_cell_u64(c, a);
		break;
	case OF:
		if (ph_top_level(r, from[col].a, &a) && ph_top_level(r, from[col].b, &b) && b)
			number(c, col, (double)a * 100 / (double)b);
		break;
	case TEXT:
		break;
	}
}

static void fill_container(const struct ph_container *c, struct ph_cell *cells)
{
	bool host = c->index == PH_CONTAINER_HOST;

	ph_cell_str(&cells[PH_TOP_COL_NAME], host ? "(host)" : c->name);
	/* Without a name, for eyes, what it has. */
	if (!host && !c->name && c->id)
		ph_cell_text(&cells[PH_TOP_COL_NAME], "%.12s", c->id);
	ph_cell_str(&cells[PH_TOP_COL_ID], c->id);
	if (c->id && strlen(c->id) == 64)
		ph_cell_text(&cells[PH_TOP_COL_ID], "%.12s", c->id);
	ph_cell_str(&cells[PH_TOP_COL_RUNTIME], c->runtime);
	ph_cell_str(&cells[PH_TOP_COL_UUID], c->uuid);
	ph_cell_str(&cells[PH_TOP_COL_IMAGE], c->image);
	ph_cell_str(&cells[PH_TOP_COL_POD], c->pod);
	ph_cell_str(&cells[PH_TOP_COL_NAMESPACE], c->pod_namespace);
	ph_cell_str(&cells[PH_TOP_COL_STATE], c->state);
	if (c->init_pid)
		ph_cell_s64(&cells[PH_TOP_COL_PID], c->init_pid);
	ph_cell_str(&cells[PH_TOP_COL_CGROUP], c->cgroup_path);
	if (c->has_restarts)
		ph_cell_u64(&cells[PH_TOP_COL_RESTARTS], c->restarts);
}

/* In % of the time; nothing where it is not known. */
static double part(const struct ph_top_row *r, enum ph_top_count what)
{
	uint64_t v;

	return ph_top_delta(r, what, &v) ? (double)v * 100 / (double)ph_top_interval(r) : 0;
}

void ph_top_fill(const struct ph_top *t, const struct ph_top_row *r, uint64_t unix_ns, struct ph_cell *cells)
{
	const struct ph_top_row *machine = t->rows.v[0];
	const struct ph_host_container *hc = r->hc;
	bool host = hc->c.index == PH_CONTAINER_HOST;
	char text[PH_HUMAN_MAX];
	double cpus = 0;
	uint64_t cpu, age;

	fill_container(&hc->c, cells);
	for (unsigned int i = 0; i < PH_TOP_NCOLS; i++)
		fill_number(r, i, &cells[i]);
	if (host)
		cpus = t->host.cpus;
	else if (hc->cpu.found && hc->cpu.period_us)
		cpus = (double)hc->cpu.quota_us / (double)hc->cpu.period_us;
	if (cpus > 0) {
		ph_cell_f64(&cells[PH_TOP_COL_LIMIT], cpus);
		ph_cell_text(&cells[PH_TOP_COL_LIMIT], "%.4g", cpus);
		if (ph_top_delta(r, PH_TOP_CPU, &cpu))
			ph_cell_f64(&cells[PH_TOP_COL_OF_LIMIT], (double)cpu * 100 / (double)ph_top_interval(r) / cpus);
	}
	if (ph_top_delta(machine, PH_TOP_CPU, &cpu))
		ph_cell_f64(&cells[PH_TOP_COL_HOST_CPU], part(machine, PH_TOP_CPU));
	if (ph_top_delta(machine, PH_TOP_STEAL, &cpu))
		ph_cell_f64(&cells[PH_TOP_COL_HOST_STEAL], part(machine, PH_TOP_STEAL));
	if (host && !t->trace)
		ph_cell_f64(&cells[PH_TOP_COL_LOAD], t->host.load[0]);
	if (hc->c.start_ns) {
		age = unix_ns > hc->c.start_ns ? unix_ns - hc->c.start_ns : 0;
		ph_cell_u64(&cells[PH_TOP_COL_AGE], age);
		ph_cell_text(&cells[PH_TOP_COL_AGE], "%s", ph_human_ns(age - age % PH_NSEC, text));
	}
	if (!r->fresh)
		ph_cell_u64(&cells[PH_TOP_COL_INTERVAL], ph_top_interval(r));
	ph_cell_u64(&cells[PH_TOP_COL_TIME], unix_ns);
}

/* ---- the machine in one line ---------------------------------------------------------------------------- */

/* The kernel's ticks and ours do not begin at the same moment. */
static double at_most(double v, double most)
{
	return v < most ? v : most;
}

void ph_top_host_line(const struct ph_top *t, struct ph_buf *out)
{
	const struct ph_top_row *r = t->rows.n ? t->rows.v[0] : NULL;
	char used[PH_HUMAN_MAX], all[PH_HUMAN_MAX];
	uint64_t memory, limit, v;

	if (!r)
		return;
	ph_buf_addf(out, "%u CPU%s", t->host.cpus, t->host.cpus == 1 ? "" : "s");
	if (ph_top_delta(r, PH_TOP_CPU, &v))
		ph_buf_addf(out, " %.1f%% (user %.1f system %.1f steal %.1f)",
			    at_most(part(r, PH_TOP_CPU), t->host.cpus * 100.0), part(r, PH_TOP_USER),
			    part(r, PH_TOP_SYSTEM), part(r, PH_TOP_STEAL));
	if (!t->trace)
		ph_buf_addf(out, "  load %.2f %.2f %.2f", t->host.load[0], t->host.load[1], t->host.load[2]);
	if (ph_top_level(r, PH_TOP_WORKING_SET, &memory) && ph_top_level(r, PH_TOP_MEMORY_LIMIT, &limit))
		ph_buf_addf(out, "  memory %s of %s", ph_human_bytes(memory, used), ph_human_bytes(limit, all));
	if (ph_top_delta(r, PH_TOP_CPU_SOME, &v))
		ph_buf_addf(out, "  waiting: cpu %.1f%% io %.1f%% memory %.1f%%", at_most(part(r, PH_TOP_CPU_SOME), 100),
			    at_most(part(r, PH_TOP_IO_SOME), 100), at_most(part(r, PH_TOP_MEMORY_SOME), 100));
	if (t->host.lost)
		ph_buf_addf(out, "  LOST: %" PRIu64 " events", t->host.lost);
	if (t->host.steal_over_ns >= PH_TOP_STEAL_NS)
		ph_buf_addf(out, "  STEAL: the hypervisor has been taking more than %.0f %% for %" PRIu64 " s",
			    PH_TOP_STEAL_PERCENT, (uint64_t)(t->host.steal_over_ns / PH_NSEC));
}

/* ---- what is not there ------------------------------------------------------------------------------------ */

/* Does any container have it? The host's row is filled from other files. */
static bool anybody(const struct ph_top *t, enum ph_top_col col)
{
	for (size_t i = 1; i < t->rows.n; i++) {
		const struct ph_top_row *r = t->rows.v[i];

		if (!r)
			continue;
		if (from[col].how == LEVEL || from[col].how == OF ? r->now.levelled & 1u << from[col].a :
								    !!(r->now.counted & 1ull << from[col].a))
			return true;
	}
	return false;
}

/* Columns that stay empty on this machine for this user, and what that comes from. */
static const struct {
	enum ph_top_col col;
	const char *why;
} needs[] = {
	{ PH_TOP_COL_CPU, "no cgroup here counts CPU time (the cpuacct controller, or cgroup v2)" },
	{ PH_TOP_COL_RUNQ, "the kernel counts no run-queue wait (CONFIG_SCHED_INFO), or the tasks' schedstat may not be read" },
	{ PH_TOP_COL_WSET, "no cgroup here counts memory (the memory controller is off for the containers)" },
	{ PH_TOP_COL_FAULTS, "no cgroup here counts page faults (the memory controller is off for the containers)" },
	{ PH_TOP_COL_READ, "no cgroup here counts block I/O (the io or blkio controller is off for the containers; blkio of Linux 6.10 "
	  "counts only for devices that have a limit)" },
	{ PH_TOP_COL_CPU_SOME, "no cgroup here tells of waiting (PSI takes cgroup v2, and a kernel that has it switched on)" },
	{ PH_TOP_COL_FILES, "the processes' open files may not be read: that takes root" },
};

#define BIT(what) (1ull << PH_TOP_##what)

/* What it takes for a trace to have them. */
static const struct {
	uint64_t counts;
	uint32_t levels;
	const char *why;
} trace_needs[] = {
	{ BIT(CPU) | BIT(RUNQ), 0, "the trace has no such events: record with -e sched" },
	{ BIT(USER) | BIT(SYSTEM), 0, "the trace does not tell: record with -e sched,syscall" },
	{ BIT(SYSCALLS) | BIT(ERRORS), 0, "the trace has no such events: record with -e syscall" },
	{ BIT(READ_BYTES) | BIT(WRITE_BYTES) | BIT(READS) | BIT(WRITES), 0, "the trace has no such events: record with -e block" },
	{ PH_TOP_NETWORK & ~BIT(NET_DROPS), 0, "the trace has no packets, or not everybody's: record with -e net and -a, as "
	  "whoever runs at the moment handles a container's" },
	{ BIT(PERIODS) | BIT(THROTTLED_PERIODS) | BIT(THROTTLED) | BIT(FAULTS) | BIT(MAJOR_FAULTS),
	  1u << PH_TOP_MEMORY | 1u << PH_TOP_WORKING_SET | 1u << PH_TOP_TASKS | 1u << PH_TOP_OOM_KILLS,
	  "the trace has no cgroup_stat that tells" },
	{ BIT(CPU_SOME) | BIT(CPU_FULL) | BIT(IO_SOME) | BIT(IO_FULL) | BIT(MEMORY_SOME) | BIT(MEMORY_FULL), 0,
	  "the trace has none (PSI takes cgroup v2, and a kernel that has it switched on)" },
	{ BIT(NET_DROPS) | BIT(SOCKET_RX) | BIT(SOCKET_TX), 1u << PH_TOP_FILES, "traces do not have it" },
};

/* Those that are shown and are made of any of these, and what there is to say of them. */
static void add_columns(const struct ph_top *t, const struct ph_table_fmt *fmt, uint64_t counts, uint32_t levels,
			const char *what, struct ph_buf *out)
{
	const char *sep = "";

	for (unsigned int col = 0; col < PH_TOP_NCOLS; col++) {
		struct ph_top_want w = { 0 };

		ph_top_want_col(&w, col);
		/* Several rows may concern a column: the first tells. */
		if (!((w.counts & counts) | (w.levels & levels)) ||
		    (t->trace && ph_top_trace_had(t, w.counts & counts, w.levels & levels)) ||
		    !ph_table_shows(fmt, ph_top_cols, PH_TOP_NCOLS, col))
			continue;
		ph_buf_addf(out, "%s%s", sep, ph_top_cols[col].json);
		sep = ", ";
	}
	if (*sep)
		ph_buf_addf(out, ": %s\n", what);
}

static void missing_in_trace(const struct ph_top *t, const struct ph_table_fmt *fmt, struct ph_buf *out)
{
	if (ph_top_trace_filtered(t)) {
		ph_buf_adds(out, "with --filter there is only what is counted event by event: system calls, block I/O, packets\n");
		return;
	}
	for (size_t i = 0; i < PH_ARRAY_SIZE(trace_needs); i++)
		add_columns(t, fmt, trace_needs[i].counts, trace_needs[i].levels, trace_needs[i].why, out);
}

/* What is shown of events alone, and what is not, as the kernel side does not count then. */
static void with_filter(const struct ph_top *t, const struct ph_table_fmt *fmt, struct ph_buf *out)
{
	uint64_t counts = ph_top_events_counts(t);

	add_columns(t, fmt, counts, 0, "only of events that pass the filter; the other columns are as without it", out);
	add_columns(t, fmt, (BIT(SYSCALLS) | BIT(ERRORS)) & ~counts, 0, "not counted, as no such event can pass the filter", out);
	add_columns(t, fmt, BIT(SOCKET_RX) | BIT(SOCKET_TX), 0, "not counted with a filter", out);
}

void ph_top_missing(const struct ph_top *t, const struct ph_table_fmt *fmt, struct ph_buf *out)
{
	bool containers = t->rows.n > 1;

	if (t->trace) {
		missing_in_trace(t, fmt, out);
		return;
	}
	if (t->events)
		with_filter(t, fmt, out);
	if (t->kernel_why)
		ph_buf_addf(out, "system calls are not counted: %s\n", t->kernel_why);
	if (t->scan.hidden_why)
		ph_buf_addf(out, "%s\n", t->scan.hidden_why);
	for (size_t i = 0; containers && i < PH_ARRAY_SIZE(needs); i++)
		if (ph_table_shows(fmt, ph_top_cols, PH_TOP_NCOLS, needs[i].col) && !anybody(t, needs[i].col))
			ph_buf_addf(out, "%s: %s\n", ph_top_cols[needs[i].col].json, needs[i].why);
	if (t->unreadable && ph_table_shows(fmt, ph_top_cols, PH_TOP_NCOLS, PH_TOP_COL_FILES) && anybody(t, PH_TOP_COL_FILES))
		ph_buf_adds(out, "open_files: those of some processes may not be read, and are not counted: that takes root\n");
	if (containers && geteuid() != 0 && ph_table_shows(fmt, ph_top_cols, PH_TOP_NCOLS, PH_TOP_COL_RX) &&
	    !anybody(t, PH_TOP_COL_RX))
		ph_buf_adds(out, "net_rx_bytes_per_s: the network namespaces of the containers may not be looked into: "
			    "that takes root\n");
}
