/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be recorded here: events by group, features, and a trial. */
#include "collect/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "collect/priv.h"

#define TRIAL_NS 100000000

const char *ph_check_status_name(enum ph_check_status s)
{
	static const char *const names[] = {
		[PH_CHECK_YES] = "yes", [PH_CHECK_PART] = "part", [PH_CHECK_NO] = "no",
		[PH_CHECK_UNKNOWN] = "unknown", [PH_CHECK_INFO] = "info",
	};

	return names[s];
}

void ph_check_add(struct ph_doctor *d, const char *area, const char *name,
		  enum ph_check_status status, const char *advice, const char *found, ...)
{
	struct ph_check *c = ph_vec_push(d);
	char text[1024];
	va_list ap;

	va_start(ap, found);
	vsnprintf(text, sizeof(text), found, ap);
	va_end(ap);
	c->area = area;
	c->name = ph_strdup(name);
	c->status = status;
	c->found = ph_strdup(text);
	c->advice = ph_strdup(advice);
}

/* ---- events, by the groups that -e takes ----------------------------------------------------- */

/* The group of a program's events; what follows containers (track_) is in every recording. */
static enum ph_group program_group(const struct ph_program *p)
{
	const struct ph_class *c = ph_class_by_name(p->name);

	if (c)
		return c->group;
	if (!strncmp(p->name, "track_", 6))
		return PH_GROUP_CONTAINER;
	if (!strcmp(p->name, "mark_caps") || !strcmp(p->name, "mark_landlock"))
		return PH_GROUP_DENIED;
	if (!strncmp(p->name, "sys_", 4) || !strcmp(p->name, "mark_fork"))
		return PH_GROUP_SYSCALL;
	return PH_GROUP_MAX; /* another version of a program that has its event's name */
}

static void check_group(struct ph_doctor *d, const struct ph_program *programs, enum ph_group g)
{
	ph_autobuf missing = { 0 };
	const char *why = NULL;
	enum ph_check_status status = PH_CHECK_NO;
	size_t n = 0, have = 0;

	for (const struct ph_program *p = programs; p->name; p++) {
		if (program_group(p) != g)
			continue;
		n++;
		have += p->available;
		if (p->available)
			continue;
		ph_buf_addf(&missing, "%s%s", missing.len ? ", " : "", p->name);
		/* One reason is told for each that differs from the one before. */
		if (why && strcmp(why, p->why))
			ph_buf_addf(&missing, " (%s)", p->why);
		else
			why = p->why;
	}
	if (!n)
		return;
	if (have)
		status = have == n ? PH_CHECK_YES : PH_CHECK_PART;
	ph_check_add(d, "events", ph_group_name(g), status, why, "%zu of %zu programs%s%s",
		     have, n, missing.len ? "; missing: " : "", missing.len ? missing.p : "");
}

static bool check_btf(struct ph_doctor *d)
{
	struct ph_err err = { 0 };

	if (ph_kernel_btf_check(&err) < 0) {
		ph_check_add(d, "kernel", "BTF", PH_CHECK_NO,
			     "build the kernel with CONFIG_DEBUG_INFO_BTF=y, or use a "
			     "distribution's kernel",
			     "%s", err.msg);
		return false;
	}
	ph_check_add(d, "kernel", "BTF", PH_CHECK_YES, NULL, "/sys/kernel/btf/vmlinux");
	return true;
}

static void check_events(struct ph_doctor *d)
{
	struct ph_program *programs = NULL;
	struct ph_err err = { 0 };

	if (ph_programs_list(&programs, &err) < 0) {
		ph_check_add(d, "events", "all", PH_CHECK_NO, NULL, "%s", err.msg);
		return;
	}
	for (int g = 0; g < PH_GROUP_MAX; g++)
		check_group(d, programs, (enum ph_group)g);
	ph_programs_free(programs);
}

/* ---- features that depend on more than a tracepoint ------------------------------------------ */

static void check_features(struct ph_doctor *d)
{
	static const struct {
		const char *name, *type, *member; /* no member: it is a function */
		const char *have, *lacks, *advice;
		enum ph_check_status without;
	} rows[] = {
		{ "throttling", "cfs_bandwidth", "quota",
		  "which group's CPU limit took a task off its CPU", "the kernel has no CPU limits",
		  "CONFIG_CFS_BANDWIDTH=y", PH_CHECK_NO },
		{ "throttled time", "cfs_rq", "throttled_clock_self_time",
		  "exact, from the group's own clock",
		  "with the time spent waiting for a CPU afterwards", "exact since Linux 6.6",
		  PH_CHECK_PART },
		{ "state dump", "bpf_iter_task_file", NULL,
		  "tasks, namespaces and open files at the start", "no BPF iterators",
		  "since Linux 5.8", PH_CHECK_NO },
		{ "seccomp", "task_struct", "seccomp", "refused calls are told",
		  "the kernel has no seccomp", NULL, PH_CHECK_INFO },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(rows); i++) {
		bool have = rows[i].member ? ph_kernel_has_member(rows[i].type, rows[i].member) :
					     ph_kernel_has_function(rows[i].type);

		ph_check_add(d, "features", rows[i].name, have ? PH_CHECK_YES : rows[i].without,
			     have ? NULL : rows[i].advice, "%s",
			     have ? rows[i].have : rows[i].lacks);
	}
}

/* What samples are taken by; the machine may count cycles for the host alone. */
static void check_samples(struct ph_doctor *d)
{
	int r = ph_stacks_try(false);

	if (r < 0)
		ph_check_add(d, "features", "samples", PH_CHECK_NO, r == -EACCES || r == -EPERM ?
			     "profile needs CAP_PERFMON (Debian's kernel with a perf_event_paranoid of 3: CAP_SYS_ADMIN), or a perf_event_paranoid of "
			     "0 or less, and no filter that refuses perf_event_open()" : NULL,
			     "perf_event_open: %s", strerror(-r));
	else
		ph_check_add(d, "features", "samples", PH_CHECK_YES, NULL, "%s", ph_stacks_try(true) == 0 ? "by cycles" :
			     "by the clock: no cycles are counted here");
	/* v6.1 (d4af56c5c7c6) */
	if (ph_kernel_has_member("maple_tree", "ma_root"))
		ph_check_add(d, "features", "stacks of new programs", PH_CHECK_YES, NULL, "from the first sample, where the files are known");
	else
		ph_check_add(d, "features", "stacks of new programs", PH_CHECK_PART, "from the first sample on since Linux 6.1",
			     "complete some hundredths of a second after their begin");
}

static void check_fentry(struct ph_doctor *d)
{
	int r;

	if (!d->may_load) {
		ph_check_add(d, "extras", "fentry", PH_CHECK_UNKNOWN, NULL, "only root can try it");
		return;
	}
	r = ph_kernel_try_fentry();
	if (r < 0)
		ph_check_add(d, "extras", "fentry", PH_CHECK_NO, NULL,
			     "the kernel refused it (%s); CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS",
			     strerror(-r));
	else
		ph_check_add(d, "extras", "fentry", PH_CHECK_YES, NULL,
			     "the kernel's functions can be traced");
}

/* ---- the trial ------------------------------------------------------------------------------- */

static int drop(void *arg, const struct ph_event *ev, struct ph_err *err)
{
	return 0;
}

static void drop_lost(void *arg, uint32_t cpu, uint64_t n)
{
}

static void refused(struct ph_doctor *d, int r, const struct ph_err *err)
{
	const char *words = ph_collect_last_words(), *advice = NULL;

	/* To EPERM the kernel adds nothing, and libbpf's guess is about memory. */
	if (r == -EPERM)
		words = "bpf(): Operation not permitted";
	if (!d->may_load)
		advice = "the rights above are missing";
	else if (r == -EPERM)
		advice = "refused although the rights are there: see lockdown and seccomp above, "
			 "and security modules (dmesg)";
	ph_check_add(d, "trial", "record", PH_CHECK_NO, advice, "%s", *words ? words : err->msg);
}

/* Programs that this kernel's verifier does not take, although it has what they need. */
static void refused_programs(struct ph_doctor *d, const ph_strv *refused)
{
	ph_autobuf names = { 0 };

	for (size_t i = 0; i < refused->n; i++)
		ph_buf_addf(&names, "%s%s", i ? ", " : "", refused->v[i]);
	if (refused->n)
		ph_check_add(d, "trial", "programs", PH_CHECK_PART, "report it, with the kernel's release; all else is recorded",
			     "refused by this kernel: %s", names.p);
}

/* Record everything of everybody for a moment, as `porthole record -a` would; false: the programs cannot be loaded or attached. */
static bool trial_of(struct ph_doctor *d, const ph_strv *groups, bool last)
{
	const struct ph_drain to = { .state = drop, .cpu = drop, .lost = drop_lost };
	const struct timespec ts = { .tv_nsec = TRIAL_NS };
	ph_autofree bool *events = ph_alloc(PH_EV_ID_MAX * sizeof(*events));
	struct ph_collect_opts opts = { .events = events, .ring_bytes = PH_CHUNK };
	struct ph_collect_stats st = { 0 };
	struct ph_collect *c = NULL;
	struct ph_err err = { 0 };
	int r;

	r = ph_events_choose(groups, events, &err);
	if (r == 0)
		r = ph_collect_open(&opts, &c, &err);
	if (r < 0 && !last)
		return false;
	if (r == 0) {
		nanosleep(&ts, NULL);
		ph_collect_stop(c);
		r = ph_collect_drain(c, &to, &err);
		ph_collect_stats(c, &st);
	}
	d->works = r == 0 && st.events;
	if (r == 0)
		refused_programs(d, st.refused);
	if (d->works)
		ph_check_add(d, "trial", "record", PH_CHECK_YES, NULL,
			     "%" PRIu64 " events%s in 100 ms", st.events, last ? " of sched and syscall" : "");
	else if (r == 0)
		ph_check_add(d, "trial", "record", PH_CHECK_NO, "report it, with what stands above",
			     "the programs were loaded, but wrote no event in 100 ms");
	else
		refused(d, r, &err);
	if (d->works && st.stacks.memory_bytes)
		ph_check_add(d, "trial", "stacks", PH_CHECK_YES, NULL, "by tables of %" PRIu64 " files; with the mappings of %" PRIu64
			     " processes these take %" PRIu64 " MiB of at most %u", st.stacks.tables, st.stacks.processes,
			     st.stacks.memory_bytes >> 20, PH_STACKS_MIB);
	ph_collect_close(c);
	return true;
}

/* All groups; with few rights the least that is of use: some events want more than others. */
static void trial(struct ph_doctor *d)
{
	char *least[] = { (char *)"sched", (char *)"syscall" };
	char *all[PH_GROUP_MAX];

	for (int g = 0; g < PH_GROUP_MAX; g++)
		all[g] = (char *)ph_group_name(g);
	if (!trial_of(d, &(ph_strv){ .v = all, .n = PH_GROUP_MAX }, false))
		trial_of(d, &(ph_strv){ .v = least, .n = PH_ARRAY_SIZE(least) }, true);
}

/* ---- all ------------------------------------------------------------------------------------- */

void ph_doctor_run(struct ph_doctor *d, const char *root)
{
	bool real = !strcmp(root, "/"), btf;

	d->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ph_doctor_kernel(d);
	btf = real && check_btf(d);
	ph_doctor_rights(d);
	ph_doctor_cgroups(d);
	if (btf) {
		check_events(d);
		check_features(d);
		check_samples(d);
		check_fentry(d);
	}
	ph_doctor_extras(d);
	if (real)
		trial(d);
}

void ph_doctor_done(struct ph_doctor *d)
{
	for (size_t i = 0; i < d->n; i++) {
		free(d->v[i].name);
		free(d->v[i].found);
		free(d->v[i].advice);
	}
	ph_vec_done(d);
	if (d->root >= 0)
		close(d->root);
}

char *ph_doctor_verdict(const struct ph_doctor *d)
{
	ph_autobuf b = { 0 }, but = { 0 };

	if (!d->works) {
		ph_buf_addf(&b,
			    "nothing can be recorded here%s; traces can be read (porthole view)",
			    d->may_load ? "" : " with these rights");
		return ph_buf_steal(&b);
	}
	for (size_t i = 0; i < d->n; i++) {
		const struct ph_check *c = &d->v[i];

		if (!strcmp(c->area, "events") && c->status != PH_CHECK_YES)
			ph_buf_addf(&but, "%s%s%s", but.len ? ", " : "",
				    c->status == PH_CHECK_PART ? "part of " : "", c->name);
		else if (!strcmp(c->area, "trial") && c->status == PH_CHECK_PART)
			ph_buf_addf(&but, "%s%s", but.len ? ", " : "", c->found);
	}
	ph_buf_addf(&b, "recording works here%s%s", but.len ? ", but for: " : ", with all events",
		    but.len ? but.p : "");
	return ph_buf_steal(&b);
}
