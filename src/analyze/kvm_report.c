/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests as tables, for eyes and for CSV. */
#include "analyze/kvm.h"

#include <errno.h>

#include "analyze/words.h"
#include "base/cleanup.h"

const char *const ph_kvm_tables[] = { "vcpus", "exits", "userspace", "halts", NULL };

#define GUEST_COLS								\
	{ "GUEST", "guest", PH_COL_STR, .help = "its name, or program:process" },	\
	{ "UUID", "uuid", PH_COL_STR, true, .help = "that its program was given" },	\
	{ "CONTAINER", "container", PH_COL_STR, .help = "that its program is in; null: the host" }, \
	{ "PID", "pid", PH_COL_S64, true, .help = "its program's process" }

static const struct ph_col vcpu_cols[] = {
	GUEST_COLS,
	{ "VCPU", "vcpu", PH_COL_S64, .help = "number in its guest; null: not known" },
	{ "TID", "tid", PH_COL_S64, .help = "its thread" },
	{ "CPU%", "cpu_percent", PH_COL_F64, .help = "time on a CPU, in the guest and for it" },
	{ "GUEST%", "guest_percent", PH_COL_F64, .help = "time in the guest, entry to exit, of all recorded time" },
	{ "RUNQ%", "run_queue_wait_percent", PH_COL_F64, .help = "time that it could have run, and others did" },
	{ "THR%", "throttled_percent", PH_COL_F64, .help = "time that a CPU limit kept it from running" },
	{ "SLEEP%", "asleep_percent", PH_COL_F64, .help = "time that it waited, halted or for its program's work" },
	{ "STEAL%", "steal_percent", PH_COL_F64, true, .help = "of a guest in a guest: time on a CPU that a hypervisor below took" },
	{ "KNOWN", "known_ns", PH_COL_NS, true, .help = "the time that the percentages are of, but GUEST%" },
	{ "CPU", "cpu_ns", PH_COL_NS, true, .help = "on a CPU" },
	{ "RUNQ", "run_queue_wait_ns", PH_COL_NS, true, .help = "waiting for one" },
	{ "THROTTLED", "throttled_ns", PH_COL_NS, true, .help = "throttled" },
	{ "IN-GUEST", "guest_ns", PH_COL_NS, true, .help = "in the guest" },
	{ "ENTRIES", "entries", PH_COL_U64, true, .help = "into the guest" },
	{ "EXITS", "exits", PH_COL_U64, .help = "from the guest; null: not recorded" },
	{ "EXITS/S", "exits_per_second", PH_COL_F64, .help = "likewise" },
	{ "USER", "userspace_exits", PH_COL_U64, .help = "returns to its program" },
	{ "IRQS", "interrupts", PH_COL_U64, .help = "interrupts injected; null: not recorded" },
};

#define EXIT_COLS								\
	GUEST_COLS,								\
	{ "VCPU", "vcpu", PH_COL_S64, .help = "with --by-vcpu; null: all of the guest" },	\
	{ "REASON", "reason", PH_COL_STR, .help = "in the words of the kernel" },	\
	{ "COUNT", "count", PH_COL_U64, .help = "how often" },			\
	{ "TIMED", "timed", PH_COL_U64, true, .help = "of these, those whose end is known" },	\
	{ "TOTAL", "total_ns", PH_COL_NS, .help = "until the guest was entered again, whatever was done meanwhile" },	\
	{ "AVG", "avg_ns", PH_COL_NS, .help = "on average" },			\
	{ "P50", "p50_ns", PH_COL_NS, true, .help = "half took no longer" },		\
	{ "P99", "p99_ns", PH_COL_NS, .help = "1 % took longer" },			\
	{ "MIN", "min_ns", PH_COL_NS, true, .help = "the shortest" },		\
	{ "MAX", "max_ns", PH_COL_NS, .help = "the longest" }

static const struct ph_col exit_cols[] = { EXIT_COLS };

static const struct ph_col halt_cols[] = {
	GUEST_COLS,
	{ "VCPU", "vcpu", PH_COL_S64, .help = "number in its guest" },
	{ "HALTS", "halts", PH_COL_U64, .help = "that KVM sat out" },
	{ "POLLED", "polled", PH_COL_U64, .help = "of these, those that ended while it polled" },
	{ "POLLING", "polled_ns", PH_COL_NS, .help = "time in those, on a CPU" },
	{ "SLEPT", "slept", PH_COL_U64, .help = "those for which the thread slept" },
	{ "SLEEPING", "slept_ns", PH_COL_NS, .help = "time in those, with the polling before it" },
	{ "AVG", "slept_avg_ns", PH_COL_NS, .help = "on average" },
	{ "P99", "slept_p99_ns", PH_COL_NS, .help = "1 % took longer" },
	{ "MAX", "slept_max_ns", PH_COL_NS, .help = "the longest" },
};

static const struct { const struct ph_col *cols; size_t n; const char *title; } tables[PH_KVM_TABLES] = {
	{ vcpu_cols, PH_ARRAY_SIZE(vcpu_cols), NULL },
	{ exit_cols, PH_ARRAY_SIZE(exit_cols), "Why the guest was left, and how long until it went on:" },
	{ exit_cols, PH_ARRAY_SIZE(exit_cols), "Returns to its program, and how long until the guest went on:" },
	{ halt_cols, PH_ARRAY_SIZE(halt_cols), "Halts:" },
};

int ph_kvm_check(const struct ph_kvm_view *view, struct ph_err *err)
{
	bool json = view->base.fmt.output == PH_OUT_JSON || view->base.fmt.output == PH_OUT_JSONPRETTY;

	if ((view->base.fmt.fields.n || view->base.fmt.sort) && !view->base.alone)
		return ph_err_set(err, -EINVAL, "--fields and --sort are about one table: say which with --table");
	if (view->base.fmt.max_entries && json && !view->base.alone)
		return ph_err_set(err, -EINVAL, "--max-entries is about tables: JSON has all of the report; say which with --table");
	if (view->hist && (view->base.alone || view->base.fmt.output != PH_OUT_COLUMNS))
		return ph_err_set(err, -EINVAL, "--hist draws, below all tables; JSON has the histograms without it");
	return ph_table_check(&view->base.fmt, tables[view->base.table].cols, tables[view->base.table].n, err);
}

void ph_kvm_schema(enum ph_kvm_table table, struct ph_buf *out)
{
	ph_table_schema(tables[table].cols, tables[table].n, out);
}

/* ---- rows ---------------------------------------------------------------------------------------- */

static struct ph_cell *set_guest(struct ph_cell *c, const struct ph_kvm *k, const struct ph_kvm_guest *g)
{
	const char *container = ph_container_label(k->id, g->container);
	ph_autobuf label = { 0 };

	ph_kvm_guest_label(g, &label);
	ph_cell_str(c++, label.p);
	ph_cell_str(c++, g->uuid);
	ph_cell_str(c++, container[0] ? container : NULL);
	ph_cell_s64(c++, g->pid);
	return c;
}

static struct ph_cell *set_u64(struct ph_cell *c, uint64_t v, bool known)
{
	if (known)
		ph_cell_u64(c, v);
	return c + 1;
}

static struct ph_cell *set_part(struct ph_cell *c, uint64_t part, uint64_t whole, bool known)
{
	if (known && whole)
		ph_cell_f64(c, 100 * words_share(part, whole));
	return c + 1;
}

static struct ph_cell *set_vcpu(struct ph_cell *c, int32_t vcpu)
{
	if (vcpu >= 0)
		ph_cell_s64(c, vcpu);
	return c + 1;
}

static void fill_vcpu(struct ph_cell *c, const struct ph_kvm *k, const struct ph_kvm_guest *g, const struct ph_kvm_vcpu *v)
{
	uint64_t known = v->run_ns + v->wait_ns + v->throttled_ns + v->asleep_ns, all = k->end_ns - k->begin_ns;
	bool switches = k->seen.switches, is = known > 0, exits = k->nexits > 0;

	c = set_guest(c, k, g);
	c = set_vcpu(c, v->vcpu);
	ph_cell_s64(c++, v->tid);
	c = set_part(c, v->run_ns, known, true);
	c = set_part(c, v->guest_ns, all, exits);
	c = set_part(c, v->wait_ns, known, true);
	c = set_part(c, v->throttled_ns, known, switches);
	c = set_part(c, v->asleep_ns, known, true);
	c = set_part(c, v->steal_ns, known, k->seen.steals);
	c = set_u64(c, known, true);
	c = set_u64(c, v->run_ns, is);
	c = set_u64(c, v->wait_ns, is);
	c = set_u64(c, v->throttled_ns, is && switches);
	c = set_u64(c, v->guest_ns, exits);
	c = set_u64(c, v->entries, k->nentries);
	c = set_u64(c, ph_kvm_count(&v->exits), exits);
	if (exits && all)
		ph_cell_f64(c, (double)ph_kvm_count(&v->exits) * 1e9 / (double)all);
	c++;
	c = set_u64(c, ph_kvm_count(&v->user), true);
	set_u64(c, v->irqs, k->nirqs || exits);
}

static void fill_exit(struct ph_cell *c, const struct ph_kvm *k, const struct ph_kvm_guest *g, int32_t vcpu,
		      const struct ph_kvm_exit *e)
{
	const struct ph_hist *h = &e->hist;
	ph_autobuf reason = { 0 };

	ph_kvm_reason(e, &reason);
	c = set_guest(c, k, g);
	c = set_vcpu(c, vcpu);
	ph_cell_str(c++, reason.p);
	c = set_u64(c, e->count, true);
	c = set_u64(c, h->n, true);
	c = set_u64(c, h->sum, h->n);
	c = set_u64(c, ph_hist_avg(h), h->n);
	c = set_u64(c, ph_hist_quantile(h, 0.5), h->n);
	c = set_u64(c, ph_hist_quantile(h, 0.99), h->n);
	c = set_u64(c, h->min, h->n);
	set_u64(c, h->max, h->n);
}

static void fill_halts(struct ph_cell *c, const struct ph_kvm *k, const struct ph_kvm_guest *g, const struct ph_kvm_vcpu *v)
{
	const struct ph_hist *h = &v->slept;

	c = set_guest(c, k, g);
	c = set_vcpu(c, v->vcpu);
	c = set_u64(c, v->polled + h->n, true);
	c = set_u64(c, v->polled, true);
	c = set_u64(c, v->polled_ns, true);
	c = set_u64(c, h->n, true);
	c = set_u64(c, h->sum, true);
	c = set_u64(c, ph_hist_avg(h), h->n);
	c = set_u64(c, ph_hist_quantile(h, 0.99), h->n);
	set_u64(c, h->max, h->n);
}

/* ---- tables -------------------------------------------------------------------------------------- */

void ph_kvm_each_exit(const struct ph_kvm *k, bool user, bool by_vcpu, ph_kvm_exit_fn fn, void *arg)
{
	ph_vec_each(it, &k->guests) {
		const struct ph_kvm_guest *g = *it;
		ph_kvm_exits sum = { 0 };

		ph_vec_each(v, &g->vcpus) {
			const ph_kvm_exits *exits = user ? &(*v)->user : &(*v)->exits;

			if (!by_vcpu)
				ph_kvm_exits_add(&sum, exits);
			else
				ph_vec_each(e, exits)
					fn(arg, g, (*v)->vcpu, *e);
		}
		ph_kvm_exits_sort(&sum);
		ph_vec_each(e, &sum)
			fn(arg, g, -1, *e);
		ph_kvm_exits_done(&sum);
	}
}

struct printing {
	const struct ph_kvm *k;
	struct ph_table *t;
	struct ph_buf *out;
};

static void add_exit_row(void *arg, const struct ph_kvm_guest *g, int32_t vcpu, const struct ph_kvm_exit *e)
{
	struct printing *p = arg;

	fill_exit(ph_table_row(p->t), p->k, g, vcpu, e);
}

static int print_table(const struct ph_kvm *k, enum ph_kvm_table which, const struct ph_kvm_view *view, struct ph_buf *out,
		       struct ph_err *err)
{
	struct ph_table t;
	int r = 0;

	ph_table_init(&t, tables[which].cols, tables[which].n);
	if (which == PH_KVM_EXITS || which == PH_KVM_USER)
		ph_kvm_each_exit(k, which == PH_KVM_USER, view->by_vcpu, add_exit_row, &(struct printing){ k, &t, out });
	else
		ph_vec_each(g, &k->guests)
			ph_vec_each(v, &(*g)->vcpus) {
				if (which == PH_KVM_VCPUS)
					fill_vcpu(ph_table_row(&t), k, *g, *v);
				else if ((*v)->polled + (*v)->slept.n)
					fill_halts(ph_table_row(&t), k, *g, *v);
			}
	if (t.rows.n || view->base.alone || view->base.fmt.output != PH_OUT_COLUMNS) {
		if (!view->base.alone && tables[which].title && view->base.fmt.output == PH_OUT_COLUMNS)
			ph_buf_addf(out, "\n%s\n", tables[which].title);
		r = ph_table_print(&t, &view->base.fmt, view->base.width, out, err);
	}
	ph_table_done(&t);
	return r;
}

static void draw(void *arg, const struct ph_kvm_guest *g, int32_t vcpu, const struct ph_kvm_exit *e)
{
	struct printing *p = arg;
	ph_autobuf label = { 0 }, reason = { 0 };

	if (!e->hist.n)
		return;
	ph_kvm_guest_label(g, &label);
	ph_kvm_reason(e, &reason);
	ph_buf_addc(p->out, '\n');
	words_name(p->out, label.p);
	if (vcpu >= 0)
		ph_buf_addf(p->out, ", vCPU %d", vcpu);
	ph_buf_addf(p->out, ", %s:\n", reason.p);
	ph_hist_draw(&e->hist, 2, 40, p->out);
}

/* What the reader must know to believe the figures. */
static void add_notes(const struct ph_kvm *k, const struct ph_kvm_view *view, struct ph_buf *out)
{
	if (view->is_guest) {
		ph_buf_adds(out, "\nThis machine is a guest itself: its hypervisor took ");
		words_percent(out, view->steal);
		ph_buf_adds(out, " of its CPU time.\n");
	}
	if (!k->seen.switches)
		ph_buf_adds(out, "\nnote: no switches of tasks are recorded (group sched): times on CPUs are the kernel's counters from "
				 "beginning to end, and waiting has throttling in it.\n");
	if (k->nuser && !k->nentries)
		ph_buf_adds(out, "\nnote: no entries into guests and exits are recorded, only what returned to programs: how long "
				 "that took is not known.\n");
	if (k->seen.gaps)
		ph_buf_addf(out, "\nnote: %lu events were lost: what was under way then has no time.\n", k->seen.lost);
}

int ph_kvm_report(const struct ph_kvm *k, const struct ph_kvm_view *view, struct ph_buf *out, struct ph_err *err)
{
	struct printing p = { .k = k, .out = out };
	int r = 0;

	if (!view->base.alone && (view->base.fmt.output == PH_OUT_JSON || view->base.fmt.output == PH_OUT_JSONPRETTY)) {
		ph_kvm_json(k, view, out);
		return 0;
	}
	if (view->base.alone || view->base.fmt.output == PH_OUT_CSV)
		return print_table(k, view->base.table, view, out, err);
	for (int which = 0; which < PH_KVM_TABLES && r >= 0; which++)
		r = print_table(k, (enum ph_kvm_table)which, view, out, err);
	if (r >= 0 && view->hist) {
		ph_kvm_each_exit(k, false, view->by_vcpu, draw, &p);
		ph_kvm_each_exit(k, true, view->by_vcpu, draw, &p);
	}
	add_notes(k, view, out);
	return r;
}
