/* SPDX-License-Identifier: GPL-2.0-or-later */
/* porthole kvm: guests of KVM, what they get of the CPUs and why they leave them. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyze/kvm.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "cmd/cmd.h"
#include "cmd/source_opts.h"
#include "identity/guests.h"

#define VERB "kvm"

/* What /proc/stat counts for all CPUs, in ticks. */
struct ticks {
	uint64_t all, steal;
};

struct verb {
	struct ph_cmd_source s;
	const char *table;
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
		fprintf(stderr, "porthole kvm: this machine is a guest itself; since it booted, its hypervisor took %.1f %% of its "
			"CPU time\n", 100.0 * (double)t.steal / (double)t.all);
}

static void note_steal(struct verb *w)
{
	struct ticks t;

	if (!w->s.live || !w->begin.all || !read_ticks(&t) || !is_guest(&t) || t.all <= w->begin.all || t.steal < w->begin.steal)
		return;
	w->view.is_guest = true;
	w->view.steal = (double)(t.steal - w->begin.steal) / (double)(t.all - w->begin.all);
}

/* ---- the verb ----------------------------------------------------------------------------------- */

static int feed(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	ph_kvm_feed(((struct verb *)arg)->k, ev);
	return 0;
}

static int parse_table(struct verb *w)
{
	for (size_t i = 0; w->table && ph_kvm_tables[i]; i++) {
		if (strcmp(w->table, ph_kvm_tables[i]) != 0)
			continue;
		w->view.table = (enum ph_kvm_table)i;
		w->view.alone = true;
		return 0;
	}
	return w->table ? ph_cmd_usage(VERB, "--table takes vcpus, exits, userspace or halts, not '%s'", w->table) : 0;
}

/* Where nobody is named: the guests that run, by their processes. */
static int choose_guests(struct verb *w)
{
	struct ph_selection *sel = &w->s.co.sel;
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
		fprintf(stderr, "porthole kvm: no guest of KVM was found; %u processes could not be looked into\n", g.hidden);
	else if (r)
		fprintf(stderr, "porthole kvm: there is no guest of KVM on this machine; -a waits for what begins\n");
	if (r)
		tell_steal();
	ph_guests_done(&g);
	return r;
}

static int check_usage(struct verb *w, ph_strv *args, size_t dashdash)
{
	struct ph_err err = { 0 };
	int r = 0;

	if (ph_kvm_check(&w->view, &err) < 0)
		return ph_cmd_usage(VERB, "%s", err.msg);
	if (!w->s.trace && !args->n && dashdash == SIZE_MAX && ph_selection_empty(&w->s.co.sel) && !w->s.co.sel.all)
		r = choose_guests(w);
	return r ? r : ph_cmd_source_check(&w->s, args, dashdash);
}

/* All of the stream is fed: what tells names and times is nobody's. */
static int analyse(struct verb *w, struct ph_err *err)
{
	struct ph_selection *sel = &w->s.co.sel;
	struct ph_run *run = &w->s.run;
	int r;

	/* The kernel knows the command's process; so must who asks again. */
	if (w->s.live && w->s.co.child.pid > 0)
		*ph_vec_push(&sel->pids) = w->s.co.child.pid;
	run->event = feed;
	run->arg = w;
	run->follow = sel;
	run->sel = NULL;
	w->k = ph_kvm_new(run->id, ph_selection_empty(sel) ? NULL : sel);
	read_ticks(&w->begin);
	r = ph_cmd_source_run(&w->s, err);
	note_steal(w);
	ph_kvm_finish(w->k, ph_cmd_interrupted && !w->s.live ? 0 : run->src->end_ns);
	return r;
}

static int nothing(struct verb *w, struct ph_err *err)
{
	const struct ph_run *run = &w->s.run;

	if (w->k->sel && ph_run_no_container(run, w->k->sel))
		return ph_cmd_source_nothing(&w->s, err);
	if (w->k->sel)
		return ph_err_set(err, -ENOENT, "%s: nobody who is selected has a virtual CPU that did anything", run->src->what);
	return ph_err_set(err, -ENOENT, "%s: no virtual CPU did anything%s", run->src->what,
			  w->s.live ? "" : ", or no events of the group kvm are recorded");
}

static int look(struct verb *w)
{
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };
	int r;

	r = ph_cmd_source_open(&w->s);
	if (r)
		return r;
	r = analyse(w, &err);
	if (r >= 0 && !w->k->guests.n)
		r = nothing(w, &err);
	if (r >= 0)
		r = ph_kvm_report(w->k, &w->view, &out, &err);
	return ph_cmd_source_report(&w->s, &out, r, &err);
}

static const char *const needed[] = { "kvm", "sched", NULL };

int ph_cmd_kvm(int argc, char **argv)
{
	struct verb w = { 0 };
	struct ph_opt opts[] = {
		{ "by-vcpu", 0, PH_OPT_FLAG, NULL, &w.view.by_vcpu, .help = "exits of each virtual CPU, not of each guest" },
		{ "hist", 0, PH_OPT_FLAG, NULL, &w.view.hist, .help = "also draw how the times of each kind of exit are spread" },
		{ "table", 0, PH_OPT_STR, "TABLE", &w.table, .help = "one table alone: vcpus (of CSV), exits, userspace, halts" },
		{ 0 },
	};
	struct ph_opt output[PH_TABLE_NOPTS];
	struct ph_opt_group groups[3 + PH_CMD_SOURCE_NGROUPS] = { { "Options", opts }, { "Output", output } };
	ph_autobuf schema = { 0 };
	ph_strv args = { 0 };
	size_t dashdash;
	int r;

	ph_cmd_source_init(&w.s, VERB, groups + 2);
	w.s.need = needed;
	ph_table_opts(&w.view.fmt, output);
	r = ph_cmd_options(VERB, "Shows guests of KVM: what their virtual CPUs get of the host's CPUs, why they leave the guest, how often,\n"
			   "and how long it takes until they are back. Without a selection: all guests that run.",
			   "  porthole kvm -d 10s\n"
			   "  porthole kvm -p 4711 -d 10s --hist\n"
			   "  porthole record -e kvm,sched -c vmm -w trace && porthole kvm -r trace --by-vcpu\n",
			   groups, argc, argv, &args, &dashdash);
	if (r >= 0)
		goto out;
	r = parse_table(&w);
	if (r)
		goto out;
	if (w.view.fmt.json_schema) {
		ph_kvm_schema(w.view.table, &schema);
		r = ph_cmd_flush(&schema) < 0 ? PH_EXIT_FAILED : PH_EXIT_OK;
		goto out;
	}
	r = check_usage(&w, &args, dashdash);
	if (r)
		goto out;
	w.view.width = ph_cmd_width();
	w.s.co.status_line = isatty(STDERR_FILENO);
	r = look(&w);
out:
	ph_vec_done(&args);
	ph_kvm_free(w.k);
	ph_cmd_source_done(&w.s);
	ph_strv_done(&w.view.fmt.fields);
	return r;
}
