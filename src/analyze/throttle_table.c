/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report for eyes: verdicts, then the tables that they stand on. */
#include <errno.h>
#include <inttypes.h>

#include "analyze/throttle_report.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"

#define TASKS_SHOWN 10
#define RUNNERS_SHOWN 8
#define WAITS_SHOWN 8

enum col {
	C_NAME, C_TASKS, C_TOTAL, C_USER, C_KERNEL, C_IRQ, C_OWN, C_ABOVE, C_WAIT, C_STEAL, C_FROZEN, C_STOPPED,
	C_DISK, C_BLOCKED, C_UNKNOWN, C_ID,
	C_WAITS,	/* one for each enum ph_wait */
	C_MODELESS = C_WAITS + PH_WAIT_MAX, C_WALL, C_N,
};

static const struct ph_col cols[C_N] = {
	[C_NAME] = { "NAME", "name", PH_COL_STR, .help = "container, pod, cgroup or task" },
	[C_TASKS] = { "TASKS", "tasks", PH_COL_U64, .help = "how many were seen" },
	[C_TOTAL] = { "TOTAL", "total_ns", PH_COL_NS, .help = "time that its tasks lived: all that follows adds up to it" },
	[C_USER] = { "USER", "user_ns", PH_COL_NS, .help = "running in user mode; also what the trace does not tell from kernel mode" },
	[C_KERNEL] = { "KERNEL", "kernel_ns", PH_COL_NS, .help = "running in the kernel" },
	[C_IRQ] = { "INTR", "interrupted_ns", PH_COL_NS, .help = "interrupted on the CPU" },
	[C_OWN] = { "OWN-LIMIT", "throttled_own_ns", PH_COL_NS, .help = "throttled by a limit of its own cgroup" },
	[C_ABOVE] = { "ABOVE", "throttled_above_ns", PH_COL_NS, .help = "throttled by the limit of an ancestor" },
	[C_WAIT] = { "CPU-WAIT", "wait_cpu_ns", PH_COL_NS, .help = "runnable, while others ran" },
	[C_STEAL] = { "STEAL", "steal_ns", PH_COL_NS, .help = "the hypervisor ran something else" },
	[C_FROZEN] = { "FROZEN", "frozen_ns", PH_COL_NS, .help = "frozen by its cgroup" },
	[C_STOPPED] = { "STOPPED", "stopped_ns", PH_COL_NS, .help = "stopped by a signal or a debugger" },
	[C_DISK] = { "DISK", "disk_ns", PH_COL_NS, .help = "waiting for a block device, page faults and reclaim included" },
	[C_BLOCKED] = { "ASLEEP", "asleep_ns", PH_COL_NS, .help = "waiting for anything else" },
	[C_UNKNOWN] = { "UNKNOWN", "unknown_ns", PH_COL_NS, .help = "before it was first seen, and across gaps" },
	[C_ID] = { "CONTAINER-ID", "container_id", PH_COL_STR, true, .help = "of a container" },
#define WAIT_COL(wait, head_, json_, what) [C_WAITS + PH_WAIT_##wait] = { head_, json_, PH_COL_NS, true, .help = what }
	WAIT_COL(OTHER, "OTHER", "blocked_other_ns", "waiting for what is not known"),
	WAIT_COL(DISK, "BLOCK-DEV", "blocked_disk_ns", "waiting for a block device"),
	WAIT_COL(SOCKET, "SOCKET", "blocked_socket_ns", "waiting for a socket"),
	WAIT_COL(FUTEX, "FUTEX", "blocked_futex_ns", "waiting for a futex"),
	WAIT_COL(PIPE, "PIPE", "blocked_pipe_ns", "waiting for a pipe"),
	WAIT_COL(TIMER, "TIMER", "blocked_timer_ns", "sleeping"),
	WAIT_COL(POLL, "POLL", "blocked_poll_ns", "waiting in poll, select, epoll_wait"),
	WAIT_COL(CHILD, "CHILD", "blocked_child_ns", "waiting for a child"),
	WAIT_COL(FAULT, "FAULT", "blocked_fault_ns", "waiting in a page fault"),
	WAIT_COL(RECLAIM, "RECLAIM", "blocked_reclaim_ns", "waiting while it freed memory under a limit"),
	WAIT_COL(LOCK, "LOCK", "blocked_lock_ns", "waiting for a lock of the kernel or of a file"),
	WAIT_COL(TTY, "TTY", "blocked_tty_ns", "waiting for a terminal or another character device"),
	WAIT_COL(SIGNAL, "SIGNAL", "blocked_signal_ns", "waiting for a signal"),
	WAIT_COL(IDLE, "NO-WORK", "blocked_idle_ns", "a kernel thread without work"),
#undef WAIT_COL
	[C_MODELESS] = { "MODELESS", "user_or_kernel_ns", PH_COL_NS, true,
			 .help = "of user_ns: may have been in the kernel, the trace does not tell" },
	[C_WALL] = { "WALL", "throttled_wall_ns", PH_COL_NS, true, .help = "time in which at least one task was throttled" },
};

int ph_throttle_check(const struct ph_throttle_view *view, struct ph_err *err)
{
	bool json = view->base.fmt.output == PH_OUT_JSON || view->base.fmt.output == PH_OUT_JSONPRETTY;

	if (json && (view->base.fmt.fields.n || view->base.fmt.sort || view->base.fmt.max_entries))
		return ph_err_set(err, -EINVAL, "--fields, --sort and --max-entries are about the table: JSON has all of the report "
				  "(-o csv has the table)");
	return ph_table_check(&view->base.fmt, cols, C_N, err);
}

void ph_throttle_schema(struct ph_buf *out)
{
	ph_table_schema(cols, C_N, out);
}

static uint64_t disk_ns(const struct ph_division *d)
{
	return d->blocked_ns[PH_WAIT_DISK] + d->blocked_ns[PH_WAIT_FAULT] + d->blocked_ns[PH_WAIT_RECLAIM];
}

/* Nothing is a dash: what there is stands out. */
static void set_time(struct ph_cell *c, uint64_t ns)
{
	ph_cell_u64(c, ns);
	if (!ns)
		ph_cell_text(c, "-");
}

static void fill(struct ph_cell *c, const struct ph_throttle *th, const struct ph_throttle_group *g)
{
	const struct ph_container *k = g->by == PH_BY_CONTAINER ? ph_identity_container(th->id, g->container) : NULL;
	const struct ph_division *d = &g->t;
	const struct { enum col col; uint64_t ns; } times[] = {
		{ C_USER, d->user_ns + d->modeless_ns }, { C_KERNEL, d->kernel_ns }, { C_IRQ, d->irq_ns },
		{ C_OWN, d->own_ns }, { C_ABOVE, d->above_ns }, { C_WAIT, d->wait_ns }, { C_STEAL, d->steal_ns },
		{ C_FROZEN, d->frozen_ns }, { C_STOPPED, d->stopped_ns }, { C_DISK, disk_ns(d) },
		{ C_BLOCKED, ph_division_blocked(d) - disk_ns(d) }, { C_UNKNOWN, d->unknown_ns },
		{ C_MODELESS, d->modeless_ns }, { C_WALL, ph_spans_total(&g->throttled) },
	};
	ph_autobuf name = { 0 };

	ph_throttle_name(th, g, &name);
	ph_cell_str(&c[C_NAME], name.p);
	ph_cell_u64(&c[C_TASKS], g->ntasks);
	ph_cell_u64(&c[C_TOTAL], d->total_ns);
	for (size_t i = 0; i < PH_ARRAY_SIZE(times); i++)
		set_time(&c[times[i].col], times[i].ns);
	if (k)
		ph_cell_str(&c[C_ID], k->id);
	for (int i = 0; i < PH_WAIT_MAX; i++)
		set_time(&c[C_WAITS + i], d->blocked_ns[i]);
}

/* Tasks of which nothing but their existence is known. */
static bool worth_a_row(const struct ph_throttle *th, const struct ph_throttle_group *g)
{
	return g->by != PH_BY_CONTAINER || g->container != PH_CONTAINER_UNKNOWN ||
	       (g->t.total_ns - g->t.unknown_ns) * 1000 > th->end_ns - th->begin_ns;
}

static int print_groups(const struct ph_throttle *th, struct ph_throttle_group *const *v, size_t n,
			const struct ph_throttle_view *view, struct ph_buf *out, struct ph_err *err)
{
	struct ph_table t;
	int r;

	ph_table_init(&t, cols, C_N);
	for (size_t i = 0; i < n; i++)
		if (worth_a_row(th, v[i]))
			fill(ph_table_row(&t), th, v[i]);
	r = ph_table_print(&t, &view->base.fmt, view->base.width, out, err);
	ph_table_done(&t);
	return r;
}

/* ---- sections --------------------------------------------------------------------------------------- */

static void heading(struct ph_buf *out, const char *text)
{
	ph_buf_addf(out, "\n%s\n", text);
}

static const char *text_ns(uint64_t ns, char buf[PH_HUMAN_MAX])
{
	return ph_human_ns(ns, buf);
}

/* Who ran while it waited: for whoever waited long enough to ask. */
static void print_runners(const struct ph_throttle *th, const struct ph_throttle_group *g, struct ph_buf *out)
{
	ph_autofree struct ph_runner *runners = NULL;
	ph_autobuf name = { 0 };
	char ns[PH_HUMAN_MAX];
	size_t n = ph_neighbours_of(th->nb, g->container, &runners);

	if (!n)
		return;
	ph_throttle_name(th, g, &name);
	ph_buf_addf(out, "\nWho ran while %s waited for a CPU (%s):\n", name.p, text_ns(g->t.wait_ns, ns));
	for (size_t i = 0; i < n && i < RUNNERS_SHOWN; i++) {
		ph_buf_clear(&name);
		if (runners[i].kind == PH_RUNNER_CONTAINER && runners[i].container == g->container)
			ph_buf_adds(&name, "its own other tasks");
		else
			ph_runner_name(th, &runners[i], &name);
		ph_buf_addf(out, "  %5.1f %%  %10s  %s\n", 100.0 * (double)runners[i].ns / (double)g->t.wait_ns,
			    text_ns(runners[i].ns, ns), name.p);
	}
}

/* What it was blocked on; of one that nobody asked for by name only if it wanted anything. */
static void print_waits(const struct ph_throttle *th, const struct ph_throttle_group *g, struct ph_buf *out)
{
	uint64_t all = ph_division_blocked(&g->t), rest = all;
	ph_autobuf name = { 0 };
	char ns[PH_HUMAN_MAX];

	if (!all || (!th->sel && ph_throttle_judge(th, g) == PH_VERDICT_IDLE))
		return;
	ph_throttle_name(th, g, &name);
	ph_buf_addf(out, "\nWhat %s was blocked on (%s):\n", name.p, text_ns(all, ns));
	for (size_t i = 0; i < g->waits.n && i < WAITS_SHOWN; i++) {
		const struct ph_throttle_wait *w = &g->waits.v[i];

		ph_buf_clear(&name);
		ph_throttle_wait_text(th, g, &w->key, &name);
		ph_buf_addf(out, "  %5.1f %%  %10s  %6" PRIu64 "x  %s\n", 100.0 * (double)w->ns / (double)all,
			    text_ns(w->ns, ns), w->n, name.p);
		rest -= w->ns;
	}
	if (g->waits.n > WAITS_SHOWN)
		ph_buf_addf(out, "  %5.1f %%  %10s          others\n", 100.0 * (double)rest / (double)all, text_ns(rest, ns));
}

/* The kernel's own counters beside ours: who reads the report can see how far to trust it. */
static void print_kernel(const struct ph_throttle_limit *l, struct ph_buf *out)
{
	char a[PH_HUMAN_MAX];
	double off;

	if (!l->kernel_ns)
		return;
	off = 100.0 * ((double)l->counted_ns - (double)l->kernel_ns) / (double)l->kernel_ns;
	ph_buf_addf(out, "    the kernel counted %s of CPU time throttled", text_ns(l->kernel_ns, a));
	ph_buf_addf(out, " in %" PRIu64 " of %" PRIu64 " periods, we %s in the same time (%+.2f %%)\n", l->kernel_ran_out,
		    l->kernel_periods, text_ns(l->counted_ns, a), off);
	if (l->changed)
		ph_buf_adds(out, "    (with what it counted for the others that this cgroup had)\n");
}

static void print_limit(const struct ph_throttle *th, const struct ph_throttle_limit *l, struct ph_buf *out)
{
	char a[PH_HUMAN_MAX];
	uint64_t cpus = 0;

	ph_buf_adds(out, "  ");
	ph_limit_text(th, l, out);
	ph_buf_addc(out, '\n');
	ph_vec_each(u, &l->cpus)
		cpus += ph_spans_total(u);
	ph_buf_addf(out, "    throttled: %s of task time", text_ns(l->throttled_ns, a));
	ph_buf_addf(out, ", %s of CPU time", text_ns(cpus, a));
	ph_buf_addf(out, " (%s on any CPU)\n", text_ns(ph_spans_total(&l->any), a));
	if (l->nran_out) {
		ph_buf_addf(out, "    ran out in %" PRIu64 " of %" PRIu64 " periods", l->nran_out, l->nperiods);
		ph_buf_addf(out, "; in the median %s into it, with %u %s throttled\n", text_ns(l->into_ns, a),
			    l->threads, l->threads == 1 ? "task" : "tasks");
	}
	print_kernel(l, out);
}

static void print_counters(const struct ph_throttle *th, const struct ph_throttle_group *g, struct ph_buf *out)
{
	const struct ph_cgnode *n = g->cgroup;
	char a[PH_HUMAN_MAX];
	int64_t usage;

	if (!n || n->last.ts_ns <= n->first.ts_ns)
		return;
	usage = ph_cgtree_usage_ns(th->cgroups, n);
	ph_buf_adds(out, "  ");
	if (n->path)
		ph_buf_add_term(out, n->path, strlen(n->path));
	ph_buf_adds(out, ": the kernel counted ");
	if (usage >= 0) {
		ph_buf_addf(out, "%s of CPU time used", text_ns((uint64_t)usage, a));
		ph_buf_addf(out, ", we %s in the same time; ", text_ns(n->ran_ns, a));
	}
	ph_buf_addf(out, "throttled %s", text_ns(n->last.throttled_ns - n->first.throttled_ns, a));
	if (n->last.throttled_local_ns >= 0)
		ph_buf_addf(out, " (cpu.stat), %s (cpu.stat.local)", text_ns((uint64_t)(n->last.throttled_local_ns -
									n->first.throttled_local_ns), a));
	if (n->last.cpu_some_ns >= 0)
		ph_buf_addf(out, "; CPU pressure %s", text_ns((uint64_t)(n->last.cpu_some_ns - n->first.cpu_some_ns), a));
	ph_buf_addc(out, '\n');
}

/* A row a period; periods in which nothing happened are one line together. */
static void print_timeline(const struct ph_throttle *th, const struct ph_throttle_limit *l,
			   const struct ph_throttle_view *view, struct ph_buf *out)
{
	ph_autobuf text = { 0 };
	char a[PH_HUMAN_MAX], b[PH_HUMAN_MAX], c[PH_HUMAN_MAX];
	size_t quiet = 0;

	ph_limit_text(th, l, &text);
	ph_buf_addf(out, "\nPeriods of %s:\n", text.p);
	ph_buf_addf(out, "  %-15s  %10s  %10s  %10s  %5s\n", "TIME", "USED", "RAN-OUT", "THROTTLED", "TASKS");
	for (size_t i = 0; i < l->periods.n; i++) {
		const struct ph_period *p = &l->periods.v[i];

		if (!p->used_ns && !p->throttled_ns) {
			quiet++;
			continue;
		}
		if (quiet)
			ph_buf_addf(out, "  (%zu periods without a task running)\n", quiet);
		quiet = 0;
		ph_buf_adds(out, "  ");
		ph_clock_text((int64_t)(l->origin_ns + i * l->period_ns + (uint64_t)view->base.offset_ns), view->base.utc, 6, out);
		ph_buf_addf(out, "  %10s  %10s  %10s  %5u\n", text_ns(p->used_ns, a),
			    p->first_ns == UINT64_MAX ? "-" : text_ns(p->first_ns, b), text_ns(p->throttled_ns, c),
			    p->ntasks);
	}
}

static int print_tasks(const struct ph_throttle *th, const struct ph_throttle_view *view, struct ph_buf *out,
		       struct ph_err *err)
{
	struct ph_throttle_view v = *view;

	heading(out, "Tasks that lost most:");
	if (!v.base.fmt.max_entries)
		v.base.fmt.max_entries = TASKS_SHOWN;
	if (v.base.fmt.sort)
		return print_groups(th, th->tasks.v, th->tasks.n, &v, out, err);
	return print_groups(th, th->tasks.v, th->tasks.n < v.base.fmt.max_entries ? th->tasks.n : v.base.fmt.max_entries, &v,
			    out, err);
}

static void print_notes(const struct ph_throttle *th, struct ph_buf *out)
{
	ph_autobuf note = { 0 };

	for (unsigned int i = 0; ph_throttle_note(th, i, &note); i++) {
		ph_buf_addf(out, "%snote: %s.\n", i ? "" : "\n", note.p);
		ph_buf_clear(&note);
	}
}

/* Is there something to say of it beside the table? The host is told of where it is asked for. */
static bool worth_a_verdict(const struct ph_throttle *th, const struct ph_throttle_group *g)
{
	if (g->by == PH_BY_CGROUP)
		return g->cgroup->parent || !g->cgroup->path || strcmp(g->cgroup->path, "/") != 0;
	if (g->by != PH_BY_CONTAINER)
		return true;
	if (g->container == PH_CONTAINER_UNKNOWN)
		return false;
	return g->container != PH_CONTAINER_HOST || (th->sel && th->sel->host);
}

static void rows(const struct ph_throttle *th, const struct ph_throttle_view *view,
		 struct ph_throttle_group *const **ret, size_t *n)
{
	switch (view->by) {
	case PH_BY_POD:
		*ret = th->pods.v;
		*n = th->pods.n;
		return;
	case PH_BY_CGROUP:
		*ret = th->cgroups_of.v;
		*n = th->cgroups_of.n;
		return;
	case PH_BY_TASK:
		*ret = th->tasks.v;
		*n = th->tasks.n;
		return;
	case PH_BY_CONTAINER:
		*ret = th->containers.v;
		*n = th->containers.n;
	}
}

static int print_report(const struct ph_throttle *th, const struct ph_throttle_view *view, struct ph_buf *out,
			struct ph_err *err)
{
	struct ph_throttle_group *const *v = NULL;
	ph_autobuf counters = { 0 };
	size_t n = 0;
	int r;

	/* A sentence for each task would be nobody's answer. */
	if (view->by == PH_BY_TASK)
		rows(th, &(struct ph_throttle_view){ .by = PH_BY_CONTAINER }, &v, &n);
	else
		rows(th, view, &v, &n);
	for (size_t i = 0; i < n; i++) {
		if (!worth_a_verdict(th, v[i]))
			continue;
		ph_throttle_verdict(th, v[i], out);
		ph_buf_addc(out, '\n');
	}
	if (!n && view->by == PH_BY_POD)
		ph_buf_adds(out, "No container of a pod was seen.\n");
	ph_buf_adds(out, out->len ? "\n" : "");
	r = view->by == PH_BY_TASK ? print_groups(th, th->tasks.v, th->tasks.n, view, out, err) :
				     print_groups(th, v, n, view, out, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < th->limits.n; i++) {
		if (!i)
			heading(out, "Limits that were reached:");
		print_limit(th, th->limits.v[i], out);
	}
	for (size_t i = 0; i < n; i++)
		if (v[i]->by != PH_BY_POD && worth_a_verdict(th, v[i]))
			print_counters(th, v[i], &counters);
	if (counters.len) {
		heading(out, "The kernel's counters of the cgroups that tasks are charged to:");
		ph_buf_add(out, counters.p, counters.len);
	}
	for (size_t i = 0; i < n; i++)
		if (v[i]->by == PH_BY_CONTAINER && worth_a_verdict(th, v[i]) && v[i]->t.wait_ns)
			print_runners(th, v[i], out);
	for (size_t i = 0; i < n; i++)
		if (worth_a_verdict(th, v[i]))
			print_waits(th, v[i], out);
	if (view->tasks && view->by != PH_BY_TASK)
		r = print_tasks(th, view, out, err);
	for (size_t i = 0; view->timeline && i < th->limits.n; i++)
		print_timeline(th, th->limits.v[i], view, out);
	print_notes(th, out);
	return r;
}

int ph_throttle_report(const struct ph_throttle *th, const struct ph_throttle_view *view, struct ph_buf *out,
		       struct ph_err *err)
{
	struct ph_throttle_group *const *v = NULL;
	size_t n = 0;

	switch (view->base.fmt.output) {
	case PH_OUT_JSON:
	case PH_OUT_JSONPRETTY:
		ph_throttle_json(th, view, out);
		return 0;
	case PH_OUT_CSV:
		rows(th, view, &v, &n);
		return view->tasks ? print_groups(th, th->tasks.v, th->tasks.n, view, out, err)
				   : print_groups(th, v, n, view, out, err);
	default:
		return print_report(th, view, out, err);
	}
}
