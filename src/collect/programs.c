/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which BPF programs an event needs, and which events the user chose. */
#include <errno.h>

#include "collect/priv.h"
#include "event/evset.h"
#include "event/syscalls.h"

/* A program is named after its event. The exceptions: */
static const struct {
	uint32_t event;
	const char *program;
} exceptions[] = {
	{ PH_EV_sched_throttle_begin, "sched_switch" },
	{ PH_EV_sched_throttle_end, "sched_switch" },
	{ PH_EV_sched_throttle_end, "throttle_timer_entry" },
	{ PH_EV_sched_throttle_end, "throttle_timer_exit" },
	{ PH_EV_sched_limit_begin, "sched_switch" },
	{ PH_EV_sched_limit_begin, "sched_wakeup" },
	{ PH_EV_sched_limit_begin, "sched_wakeup_new" },
	{ PH_EV_sched_limit_begin, "throttle_timer_entry" },
	{ PH_EV_sched_limit_end, "sched_switch" },
	{ PH_EV_sched_limit_end, "throttle_timer_exit" },
	{ PH_EV_sched_limit_end, "throttle_csd" },
	{ PH_EV_sched_block, "sched_switch" },
	{ PH_EV_sched_block_stack, "sched_switch" },
	{ PH_EV_cpu_steal, "sched_switch" },
	{ PH_EV_sched_process_namespaces, "sched_process_fork" },
	{ PH_EV_sched_process_namespaces, "sched_process_exec" },
	{ PH_EV_seccomp_refused, "sys_enter" },
	{ PH_EV_seccomp_refused, "sys_exit" },
	{ PH_EV_seccomp_refused, "mark_fork" },
	{ PH_EV_syscall_failed, "sys_exit" },
	{ PH_EV_syscall_failed, "mark_caps" },
	{ PH_EV_syscall_failed, "mark_landlock" },
	{ PH_EV_syscall_late_string, "sys_enter" },
	{ PH_EV_syscall_late_string, "sys_exit" },
	{ PH_EV_syscall_data, "sys_enter" },
	{ PH_EV_syscall_data, "sys_exit" },
};

/* Identity: always loaded, whatever was chosen. */
static const char *const always[] = {
	"track_cgroup_mkdir", "track_cgroup_rmdir", "track_cgroup_attach", "track_cgroup_freeze",
	"track_cgroup_unfreeze", "sched_process_fork", "sched_process_exec", "sched_process_exit",
	"sched_process_free",
};

/* What to tell where a tracepoint is missing. */
static const struct {
	const char *program, *why;
} reasons[] = {
	{ "cap_capable", "the tracepoint came with Linux 6.14" },
	{ "mark_caps", "capabilities are judged by the credentials: the tracepoint came with Linux 6.14" },
	{ "tcp_listen_overflow", "the socket is told with dropped packets since Linux 6.11" },
	{ "kvm_", "the kvm module is not loaded (modprobe kvm_intel or kvm_amd)" },
	{ "x86_irq_vectors_", "x86 only" },
	{ "ipi_", "arm64 only" },
	{ "page_fault_", "since Linux 6.16 on arm64, on x86 always" },
	{ "throttle_csd", "since Linux 6.6; before 6.3 limits can do without" },
	{ "cgroup_freeze", "cgroup v2 freezer, since Linux 5.2" },
};

const char *ph_program_why(const char *program, const char *tracepoint)
{
	if (ph_kernel_tracepoint_in_module(tracepoint) && !ph_kernel_may_use_modules())
		return "the tracepoint is in a module, and to look into those takes CAP_SYS_ADMIN";
	for (size_t i = 0; i < PH_ARRAY_SIZE(reasons); i++)
		if (!strncmp(program, reasons[i].program, strlen(reasons[i].program)))
			return reasons[i].why;
	return "this kernel does not have the tracepoint";
}

static void add(const char **names, size_t max, size_t *n, const char *name)
{
	for (size_t i = 0; i < *n; i++)
		if (!strcmp(names[i], name))
			return;
	if (*n < max)
		names[(*n)++] = name;
}

int ph_programs_for(const bool *events, const char **names, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < PH_ARRAY_SIZE(always); i++)
		add(names, max, &n, always[i]);
	for (uint32_t id = 1; id < PH_EV_ID_MAX; id++) {
		const struct ph_class *c;
		bool except = false;

		if (!events[id])
			continue;
		for (size_t i = 0; i < PH_ARRAY_SIZE(exceptions); i++)
			if (exceptions[i].event == id) {
				add(names, max, &n, exceptions[i].program);
				except = true;
			}
		c = ph_class_by_id(id);
		if (except || !c || id == PH_EV_denial_evidence || c->group == PH_GROUP_CONTAINER || c->group == PH_GROUP_STATEDUMP ||
		    c->group == PH_GROUP_META || c->group == PH_GROUP_PROFILE ||
		    c->group == PH_GROUP_PROBE)
			continue;
		if (c->syscall_nr >= 0 || id >= PH_EV_SYSCALL_ENTRY) {
			bool entry = id < PH_EV_SYSCALL_EXIT ||
				     (id >= PH_EV_COMPAT_ENTRY && id < PH_EV_COMPAT_EXIT);

			add(names, max, &n, entry ? "sys_enter" : "sys_exit");
			continue;
		}
		add(names, max, &n, c->name);
	}
	return (int)n;
}

bool ph_group_default(enum ph_group g)
{
	switch (g) {
	case PH_GROUP_SCHED: case PH_GROUP_WAIT: case PH_GROUP_SYSCALL: case PH_GROUP_CGROUP:
	case PH_GROUP_CONTAINER: case PH_GROUP_MM: case PH_GROUP_BLOCK: case PH_GROUP_NET: case PH_GROUP_SIGNAL:
	case PH_GROUP_STATEDUMP: case PH_GROUP_META:
		return true;
	default:
		return false;
	}
}

bool ph_event_always(const struct ph_class *c)
{
	return c->group == PH_GROUP_CONTAINER || c->group == PH_GROUP_STATEDUMP ||
	       c->group == PH_GROUP_META || c->id == PH_EV_sched_process_fork ||
	       c->id == PH_EV_sched_process_exec || c->id == PH_EV_sched_process_exit ||
	       c->id == PH_EV_task_rename;
}

bool ph_event_may_have_stack(const struct ph_class *c)
{
	switch (c->group) {
	case PH_GROUP_CONTAINER: case PH_GROUP_WAIT: case PH_GROUP_DENIED: case PH_GROUP_DNS: case PH_GROUP_STACK:
	case PH_GROUP_PROFILE: case PH_GROUP_CALLDATA: case PH_GROUP_STATEDUMP: case PH_GROUP_META:
		return false;
	default:
		break;
	}
	switch (c->id) {
	/* Written by functions that are called deep already, or by what no program does (bpf/lib/event.bpf.h). */
	case PH_EV_seccomp_refused: case PH_EV_syscall_late_string: case PH_EV_sched_throttle_begin:
	case PH_EV_sched_throttle_end: case PH_EV_sched_limit_begin: case PH_EV_sched_limit_end: case PH_EV_cpu_steal:
	case PH_EV_sched_process_namespaces:
		return false;
	default:
		return true;
	}
}

/* Events of the other architecture: no group brings them along, and nobody need be told. */
static bool other_architecture(const struct ph_class *c)
{
#if defined(__x86_64__)
	return c->id == PH_EV_ipi_entry || c->id == PH_EV_ipi_exit;
#else
	return !strncmp(c->name, "x86_", 4) || !strncmp(c->name, "kvm_x86_", 8);
#endif
}

static bool starts_chosen(const struct ph_class *c)
{
	return ph_group_default(c->group);
}

int ph_events_choose(const ph_strv *names, bool events[PH_EV_ID_MAX], struct ph_err *err)
{
	struct ph_evset set = { .start = starts_chosen };
	const struct ph_class *c;
	bool calls = false;
	int r;

	for (size_t i = 0; names && i < names->n; i++)
		ph_strv_add(&set.words, names->v[i]);
	r = ph_evset_check(&set, err);
	memset(events, 0, PH_EV_ID_MAX * sizeof(*events));
	for (size_t i = 0; r >= 0 && (c = ph_class_nth(i)); i++) {
		events[c->id] = ph_event_always(c) || ph_evset_has(&set, c);
		if (events[c->id] && other_architecture(c)) {
			events[c->id] = false;
			for (size_t k = 0; k < set.words.n; k++)
				if (!strcmp(set.words.v[k], c->name))
					r = ph_err_set(err, -EINVAL, "%s is an event of another "
						       "architecture", c->name);
		}
		calls |= events[c->id] && c->id >= PH_EV_SYSCALL_ENTRY;
	}
	/* Of calls that have several names, some of which are another machine's, those of this one do. */
	for (size_t k = 0; r >= 0 && !calls && k < set.words.n; k++) {
		const struct ph_syscall *call = ph_syscall_by_name(set.words.v[k]);

		if (call && call->nr >= PH_SYSCALL_ELSEWHERE)
			r = ph_err_set(err, -EINVAL, "%s is a system call of another architecture", call->name);
	}
	/* What tells refused calls and late strings belongs to the system calls. */
	if (calls)
		events[PH_EV_seccomp_refused] = events[PH_EV_syscall_late_string] = true;
	if (events[PH_EV_syscall_failed])
		events[PH_EV_seccomp_refused] = true;
	ph_evset_done(&set);
	return r;
}
