/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole kvm: guests of KVM, what they get of the CPUs and why they leave them. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analyze/kvm.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "cmd/cmd.h"
#include "cmd/report.h"
#include "identity/guests.h"

#define VERB "kvm"

/* What /proc/stat counts for all CPUs, in ticks. */
struct ticks {
	uint64_t all, steal;
};

struct verb {
	struct ph_cmd_report r;
	struct ph_kvm_view view;
	struct ph_kvm *k;
	struct ticks begin;
};

/* ---- this machine as a guest ------------------------------------------------------------------- */

/* "cpu  user nice system idle iowait irq softirq steal …": what guests use is in user and nice already. */
static bool read_ticks(struct ticks *ret)
{
	ph_autobuf b = { 0 };
	uint64_t v[8];

	if (ph_read_file_at(AT_FDCWD, "/proc/stat", 4 << 20, &b) < 0 ||
	    sscanf(b.p, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64,
		   &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) != 8)
		return false;
	*ret = (struct ticks){ .steal = v[7] };
	for (size_t i = 0; i < PH_ARRAY_SIZE(v); i++)
		ret->all += v[i];
	return true;
}

/* Processors say so on x86; elsewhere, that some time was stolen. */
static bool is_guest(const struct ticks *t)
{
	ph_autobuf b = { 0 };

	return t->steal || (ph_read_file_at(AT_FDCWD, "/proc/cpuinfo", 16 << 20, &b) >= 0 && strstr(b.p, " hypervisor"));
}

/* Without guests of its own there is still what a hypervisor takes from it. */
static void tell_steal(void)
{
	struct ticks t;

	if (read_ticks(&t) && t.all && is_guest(&t))
		ph_cmd_say("kvm", "this machine is a guest itself; since it booted, its hypervisor took %.1f %% of its "
			   "CPU time", 100.0 * (double)t.steal / (double)t.all);
}

static void note_steal(struct verb *w)
{
	struct ticks t;

	if (!w->r.s.live || !w->begin.all || !read_ticks(&t) || !is_guest(&t) || t.all <= w->begin.all || t.steal < w->begin.steal)
		return;
	w->view.is_guest = true;
	w->view.steal = (double)(t.steal - w->begin.steal) / (double)(t.all - w->begin.all);
}

/* ---- the verb ----------------------------------------------------------------------------------- */

static const char *const needed[] = { "kvm", "sched", NULL };

static void schema(void *arg, struct ph_buf *out)
{
	ph_kvm_schema(((struct verb *)arg)->view.base.table, out);
}

static int columns(void *arg, struct ph_err *err)
{
	return ph_kvm_check(&((struct verb *)arg)->view, err);
}

/* Where nobody is named: the guests that run, by their processes. */
static int choose_guests(struct verb *w)
{
	struct ph_selection *sel = &w->r.s.co.sel;
	struct ph_err err = { 0 };
	struct ph_guests g;
	char pid[16];
	int r;

	if (ph_guests_scan(&g, "/", &err) < 0)
		return ph_cmd_fail(VERB, &err);
	ph_vec_each(guest, &g.v) {
		snprintf(pid, sizeof(pid), "%d", guest->pid);
		ph_strv_add(&sel->pid, pid);
	}
	r = g.v.n ? PH_EXIT_OK : PH_EXIT_FAILED;
	if (r && g.hidden)
		ph_cmd_say("kvm", "no guest of KVM was found; %u processes could not be looked into", g.hidden);
	else if (r)
		ph_cmd_say("kvm", "there is no guest of KVM on this machine; -a waits for what begins");
	if (r)
		tell_steal();
	ph_guests_done(&g);
	return r;
}

static int check(void *arg, const ph_strv *args, size_t dashdash)
{
	struct verb *w = arg;
	const struct ph_cmd_source *s = &w->r.s;
	bool named = args->n || dashdash != SIZE_MAX || s->co.sel.all || !ph_selection_empty(&s->co.sel);

	return s->trace || named ? 0 : choose_guests(w);
}

static int begin(void *arg, struct ph_err *err)
{
	struct verb *w = arg;
	struct ph_cmd_collect *co = &w->r.s.co;

	/* The kernel knows the command's process; so must who asks again. */
	if (w->r.s.live && co->child.pid > 0)
		*ph_vec_push(&co->sel.pids) = co->child.pid;
	w->k = ph_kvm_new(w->r.s.run.id, ph_cmd_report_selection(&w->r));
	read_ticks(&w->begin);
	return 0;
}

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	ph_kvm_feed(((struct verb *)arg)->k, ev);
	return 0;
}

static int nothing(struct verb *w, struct ph_err *err)
{
	const struct ph_run *run = &w->r.s.run;

	if (w->k->sel && ph_run_no_container(run, w->k->sel))
		return ph_cmd_source_nothing(&w->r.s, err);
	if (w->k->sel)
		return ph_err_set(err, -ENOENT, "%s: nobody who is selected has a virtual CPU that did anything", run->src->what);
	return ph_err_set(err, -ENOENT, "%s: no virtual CPU did anything%s", run->src->what,
			  w->r.s.live ? "" : ", or no events of the group kvm are recorded");
}

static int finish(void *arg, uint64_t end_ns, struct ph_err *err)
{
	struct verb *w = arg;

	note_steal(w);
	ph_kvm_finish(w->k, end_ns);
	return w->k->guests.n ? 0 : nothing(w, err);
}

static int report(void *arg, struct ph_buf *out, struct ph_err *err)
{
	struct verb *w = arg;

	return ph_kvm_report(w->k, &w->view, out, err);
}

static void done(void *arg)
{
	ph_kvm_free(((struct verb *)arg)->k);
}

static const struct ph_cmd_report_verb verb = {
	.name = VERB,
	.intro = "Shows guests of KVM: what their virtual CPUs get of the host's CPUs, why they leave the guest, how often,\n"
		 "and how long it takes until they are back. Without a selection: all guests that run.",
	.examples = "  porthole kvm -d 10s\n"
		    "  porthole kvm -p 4711 -d 10s --hist\n"
		    "  porthole record -e kvm,sched -c vmm -w trace && porthole kvm -r trace --by-vcpu\n",
	.need = needed,
	.table_option = "--table", .tables = ph_kvm_tables, .table = PH_KVM_VCPUS,
	.schema = schema, .columns = columns, .check = check, .begin = begin, .feed = feed, .finish = finish, .report = report,
	.done = done,
};

int ph_cmd_kvm(int argc, char **argv)
{
	struct verb w = { 0 };
	const struct ph_opt opts[] = {
		{ "by-vcpu", 0, PH_OPT_FLAG, NULL, &w.view.by_vcpu, .help = "exits of each virtual CPU, not of each guest" },
		{ "hist", 0, PH_OPT_FLAG, NULL, &w.view.hist, .help = "also draw how the times of each kind of exit are spread" },
		{ "table", 0, PH_OPT_STR, "TABLE", &w.r.table, .help = "one table alone: vcpus (of CSV), exits, userspace, halts" },
		{ 0 },
	};

	w.r = (struct ph_cmd_report){ .verb = &verb, .arg = &w, .view = &w.view.base, .opts = opts };
	return ph_cmd_report(&w.r, argc, argv);
}
