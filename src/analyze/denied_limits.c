/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits: cgroups, resource limits, counts of namespaces and watches, memory. */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "analyze/denied_priv.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "event/symbols.h"

#define UNKNOWN (~0ULL)

/* The nearest cgroup whose @what fact is at its limit. */
static const struct ph_denied_fact *full_cgroup(const struct dn *c, const char *what, long long room)
{
	ph_vec_each(f, &c->g->facts) {
		long long max = dn_num(f, "max", -1);

		if (!strcmp(f->what, what) && max >= 0 && dn_num(f, "current", 0) + room >= max)
			return f;
	}
	return NULL;
}

static void memory_users(struct dn *c)
{
	char human[PH_HUMAN_MAX];

	if (c->g->rss_bytes)
		dn_evidence(c, "it had %s of anonymous memory", ph_human_bytes(c->g->rss_bytes, human));
	ph_vec_each(f, &c->g->facts)
		if (!strcmp(f->what, "process"))
			dn_evidence(c, "a moment later %s (process %lld) had %s there", f->text, dn_num(f, "pid", 0),
				    ph_human_bytes((uint64_t)dn_num(f, "rss", 0), human));
}

static void memory_evidence(struct dn *c, const struct ph_denied_fact *m)
{
	char max[PH_HUMAN_MAX], use[PH_HUMAN_MAX], peak[PH_HUMAN_MAX];

	dn_evidence(c, "cgroup %s: limit %s, %s used a moment later, %s at most, limit hit %lld times, %lld killed", m->subject,
		    ph_human_bytes((uint64_t)dn_num(m, "max", 0), max), ph_human_bytes((uint64_t)dn_num(m, "current", 0), use),
		    dn_num(m, "peak", -1) < 0 ? "?" : ph_human_bytes((uint64_t)dn_num(m, "peak", 0), peak),
		    dn_num(m, "failed", 0), dn_num(m, "oom_kills", 0));
	if (dn_num(m, "anon", -1) >= 0)
		dn_evidence(c, "of what is used: %s anonymous, %s files, %s shared memory and tmpfs",
			    ph_human_bytes((uint64_t)dn_num(m, "anon", 0), max),
			    ph_human_bytes((uint64_t)dn_num(m, "file", 0), use),
			    ph_human_bytes((uint64_t)dn_num(m, "shmem", 0), peak));
}

/* The nearest cgroup with a memory limit that was reached: it is full now, or was, and calls found it so. */
static const struct ph_denied_fact *memory_limit(const struct dn *c)
{
	const struct ph_denied_fact *full = full_cgroup(c, "memory", 1 << 20);

	if (full)
		return full;
	ph_vec_each(f, &c->g->facts)
		if (!strcmp(f->what, "memory") && dn_num(f, "max", -1) >= 0 && dn_num(f, "failed", 0) > 0 &&
		    dn_num(f, "peak", -1) + (1 << 20) >= dn_num(f, "max", 0))
			return f;
	return NULL;
}

bool dn_rule_kill(struct dn *c)
{
	const char *who = c->f->comm[0] ? c->f->comm : "a process";
	const struct ph_denied_fact *m, *a = dn_fact(c, "audit_call", NULL);
	const char *by = c->g->by ? c->g->by : a ? a->subject : NULL;
	char max[PH_HUMAN_MAX];

	if (!c->g->killed)
		return false;
	if (c->f->error == -SIGSYS) {
		dn_say(c, "seccomp", "the container's seccomp filter killed %s%s%s%s", who, by ? ": it called " : "",
		       by ? by : "", by ? "()" : "");
		a = dn_fact(c, "audit", "seccomp");
		if (a) {
			dn_evidence(c, "the audit record has the filter's action: %s", dn_num(a, "code", -1) == 0x80000000LL ?
				    "SECCOMP_RET_KILL_PROCESS" : dn_num(a, "code", -1) ? "not one of those that kill" : "SECCOMP_RET_KILL_THREAD");
			dn_evidence(c, "audit: %s", a->text);
		} else {
			dn_evidence(c, "the process ended by SIGSYS: SECCOMP_RET_KILL, or SECCOMP_RET_TRAP that it does not handle");
		}
		if (by)
			dn_change(c, "allow %s in the seccomp profile (docker run --security-opt seccomp=PROFILE.json)", by);
		else
			dn_change(c, "the kernel's log names the call (audit type=1326, syscall=): allow it in the profile");
		return true;
	}
	m = memory_limit(c);
	if (m) {
		dn_say(c, "oom-kill", "the OOM killer chose %s: the memory limit %s of cgroup %s ran out", who,
		       ph_human_bytes((uint64_t)dn_num(m, "max", 0), max), m->subject);
		memory_evidence(c, m);
		dn_change(c, "raise the limit (docker run -m), or find what uses the memory");
	} else if (dn_fact(c, "meminfo", NULL)) {
		dn_say(c, "oom-kill", "the OOM killer chose %s, and no memory limit above it was reached: the host ran out", who);
		dn_evidence(c, "MemAvailable of the host a moment later: %lld KiB", dn_num(dn_fact(c, "meminfo", NULL), "MemAvailable", 0));
		dn_change(c, "give containers memory limits that fit into the host together, or the host more memory");
	} else {
		dn_say(c, "oom-kill", "the OOM killer chose %s", who);
		dn_change(c, "record with -e denied,oom_mark_victim as root to see whose limit it was");
	}
	memory_users(c);
	return true;
}

/* ---- resource limits --------------------------------------------------------------------------------------- */

static void limit_name(int resource, char *buf, size_t size)
{
	ph_autobuf b = { 0 };

	if (ph_symbol_add(&b, PH_UNIT_RESOURCE, resource))
		snprintf(buf, size, "%s", b.p);
	else
		snprintf(buf, size, "RLIMIT_%d", resource);
}

static bool say_limit(struct dn *c, unsigned int i, const char *doing)
{
	uint64_t cur = c->f->limit[i].cur, use = c->f->limit[i].use;
	char name[64];

	limit_name(c->f->limit[i].resource, name, sizeof(name));
	dn_say(c, "rlimit", "%s: the process's limit %s is %llu", doing, name, (unsigned long long)cur);
	if (use != UNKNOWN)
		dn_evidence(c, "%s: %llu of %llu used", name, (unsigned long long)use, (unsigned long long)cur);
	else
		dn_evidence(c, "%s is %llu", name, (unsigned long long)cur);
	dn_change(c, "raise it before the program starts (docker run --ulimit, prlimit, LimitXXX= of a unit)");
	return true;
}

static int limit_of(const struct dn *c, int resource)
{
	for (int i = 0; i < 2; i++)
		if (c->f->full && c->f->limit[i].resource == resource)
			return i;
	return -1;
}

static bool limit_reached(const struct dn *c, int i, uint64_t more)
{
	return i >= 0 && c->f->limit[i].cur != UNKNOWN && c->f->limit[i].use != UNKNOWN &&
	       c->f->limit[i].use + more > c->f->limit[i].cur;
}

bool dn_rule_rlimit(struct dn *c)
{
	const struct ph_failed *f = c->f;
	const struct ph_denied_fact *s;
	unsigned long long use, max;
	int i;

	if (!f->full)
		return false;
	switch (f->error) {
	case EMFILE:
		i = limit_of(c, RLIMIT_MSGQUEUE);
		if (i >= 0 && limit_reached(c, i, 1))
			return say_limit(c, (unsigned int)i, "the message queues of this user are full");
		i = limit_of(c, RLIMIT_NOFILE);
		if (i < 0)
			return false;
		say_limit(c, (unsigned int)i, "it has as many open files as it may");
		if ((s = dn_fact(c, "fds", NULL)))
			dn_evidence(c, "%lld descriptors were open a moment later", dn_num(s, "count", 0));
		return true;
	case ENFILE:
		s = dn_fact(c, "sysctl", "fs/file-nr");
		if (!s || sscanf(s->text, "%llu %*s %llu", &use, &max) != 2 || use < max)
			return false;
		dn_say(c, "host-limit", "the whole host has as many open files as it may: %llu of %llu (fs.file-nr)", use, max);
		dn_change(c, "raise fs.file-max on the host");
		return true;
	case EFBIG:
		i = limit_of(c, RLIMIT_FSIZE);
		if (i >= 0 && f->limit[i].cur != UNKNOWN)
			return say_limit(c, (unsigned int)i, "the file may not become so large");
		return false;
	case EAGAIN:
		if (f->call->kind == PH_FAIL_IDS && (i = limit_of(c, RLIMIT_NPROC)) >= 0 && f->limit[i].cur != UNKNOWN)
			return say_limit(c, (unsigned int)i, "the user has as many processes as it may");
		if ((i = limit_of(c, RLIMIT_SIGPENDING)) >= 0 && limit_reached(c, i, 1))
			return say_limit(c, (unsigned int)i, "as many signals are pending as may");
		return false;
	case EPERM: case EACCES:
		if (f->call->kind == PH_FAIL_RLIMIT && dn_capability(c, CAP_SYS_RESOURCE, "raising a hard limit"))
			return true;
		if (f->call->kind != PH_FAIL_PRIO || !f->call->cap)
			return false;
		if (dn_capability(c, CAP_SYS_NICE, f->call->limit == RLIMIT_RTPRIO + 1 ? "real-time or higher priority" :
				  "a higher priority")) {
			for (int k = 0; k < 2; k++)
				if (f->limit[k].resource >= 0)
					dn_evidence(c, "%s is %llu", f->limit[k].resource == RLIMIT_NICE ? "RLIMIT_NICE" :
						    "RLIMIT_RTPRIO", (unsigned long long)f->limit[k].cur);
			return true;
		}
		return false;
	default:
		return false;
	}
}

/* ---- tasks and namespaces -------------------------------------------------------------------------------------- */

bool dn_rule_fork(struct dn *c)
{
	const struct ph_failed *f = c->f;
	const struct ph_denied_fact *p;
	int i = limit_of(c, RLIMIT_NPROC);

	if (f->call->kind != PH_FAIL_FORK || f->error != EAGAIN || !f->full)
		return false;
	p = full_cgroup(c, "pids", 0);
	/*
	 * A moment later some of them may have ended: the count of refusals does not go back. Which of
	 * several limits it was is not told by it on all kernels (v6.11, 73e75e6fc352).
	 */
	if (!p && !limit_reached(c, i, 1)) {
		const struct ph_denied_fact *limited = NULL;
		bool refused = false;
		int n = 0;

		ph_vec_each(x, &c->g->facts) {
			if (strcmp(x->what, "pids"))
				continue;
			refused |= dn_num(x, "events", 0) > 0;
			if (dn_num(x, "max", -1) >= 0 && !n++)
				limited = x;
		}
		p = refused && n == 1 ? limited : NULL;
	}
	if (p) {
		dn_say(c, "pids-limit", "cgroup %s may have %lld tasks, and had them", p->subject, dn_num(p, "max", 0));
		dn_evidence(c, "pids.max %lld, pids.current %lld, refused %lld times", dn_num(p, "max", 0),
			    dn_num(p, "current", 0), dn_num(p, "events", 0));
		dn_change(c, "raise the limit (docker run --pids-limit; podPidsLimit), or find what forks");
		return true;
	}
	if (limit_reached(c, i, 1))
		return say_limit(c, (unsigned int)i, "the user has as many processes as it may");
	return false;
}

static const struct { uint64_t flag; const char *name; } namespaces[] = {
	{ CLONE_NEWUSER, "user" }, { CLONE_NEWNS, "mnt" }, { CLONE_NEWNET, "net" }, { CLONE_NEWPID, "pid" },
	{ CLONE_NEWIPC, "ipc" }, { CLONE_NEWUTS, "uts" }, { CLONE_NEWCGROUP, "cgroup" }, { 0x80, "time" },
};

static uint64_t ns_flags(const struct ph_failed *f)
{
	uint64_t all = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS |
		       CLONE_NEWCGROUP;

	if (!strcmp(f->name, "clone3"))
		return f->word & (all | 0x80);
	if (!strcmp(f->name, "setns"))
		return f->arg[1] & (all | 0x80);
	return f->arg[0] & (!strcmp(f->name, "unshare") ? all | 0x80 : all);
}

bool dn_rule_namespaces(struct dn *c)
{
	const struct ph_failed *f = c->f;
	uint64_t flags;

	if ((f->call->kind != PH_FAIL_FORK && f->call->kind != PH_FAIL_NS) || !f->full)
		return false;
	flags = ns_flags(f);
	if (f->error == ENOSPC || f->error == EUSERS) {
		for (size_t i = 0; i < PH_ARRAY_SIZE(namespaces); i++)
			if (f->ucount == namespaces[i].flag) {
				const char *n = namespaces[i].name;

				dn_say(c, "namespace-limit", "user %u may make no more %s namespaces: user.max_%s_namespaces is %lld%s", f->uid,
				       n, n, (long long)f->ucount_max, f->ucount_ns == f->user_ns && f->user_ns_level ?
				       " in the container's user namespace" : "");
				dn_evidence(c, "in user namespace %u there are %lld of %lld", f->ucount_ns, (long long)f->ucount_use,
					    (long long)f->ucount_max);
				dn_change(c, "raise /proc/sys/user/max_%s_namespaces in that user namespace", n);
				return true;
			}
		dn_say(c, "undetermined", "no count of this user's namespaces is at its limit: perhaps more than 32 of them are nested");
		dn_change(c, "compare the nesting of user and pid namespaces (lsns)");
		return true;
	}
	if (f->error != EPERM)
		return false;
	if (flags & CLONE_NEWUSER) {
		const struct ph_denied_fact *s = dn_fact(c, "sysctl", "kernel/unprivileged_userns_clone");

		if (s && dn_num(s, "there", 0) && !dn_num(s, "value", 1)) {
			dn_say(c, "sysctl", "user namespaces are for root alone here: kernel.unprivileged_userns_clone is 0");
			dn_change(c, "sysctl kernel.unprivileged_userns_clone=1 on the host");
			return true;
		}
		if (!f->cap_refused) {
			dn_say(c, "undetermined", "a user namespace was refused: the task is in a chroot, its ids are not mapped, or an LSM "
			       "forbids it");
			dn_change(c, "the audit log tells of an LSM; in a chroot no user namespace can be made");
			return true;
		}
	}
	return dn_capability(c, CAP_SYS_ADMIN, f->call->kind == PH_FAIL_NS && flags == 0 ? "entering a namespace" :
			     "making or entering a namespace");
}

bool dn_rule_inotify(struct dn *c)
{
	const struct ph_failed *f = c->f;
	bool init = strstr(f->name, "_init") != NULL;
	int i = limit_of(c, RLIMIT_NOFILE);

	if (f->call->kind != PH_FAIL_INOTIFY || !f->full || f->name[0] != 'i')
		return false;
	if (f->error != (init ? EMFILE : ENOSPC))
		return false;
	if (f->ucount != (init ? 1 : 2)) {
		if (init && i >= 0 && f->limit[i].cur != UNKNOWN)
			return say_limit(c, (unsigned int)i, "it has as many open files as it may");
		return false;
	}
	dn_say(c, "inotify-limit", "user %u has as many inotify %s as it may: fs.inotify.max_user_%s is %lld%s", f->uid,
	       init ? "instances" : "watches", init ? "instances" : "watches", (long long)f->ucount_max,
	       f->ucount_ns == f->user_ns && f->user_ns_level ? " in the container's user namespace" : "");
	dn_evidence(c, "in user namespace %u there are %lld of %lld", f->ucount_ns, (long long)f->ucount_use,
		    (long long)f->ucount_max);
	dn_change(c, "raise fs.inotify.max_user_%s: all containers of that host user share it", init ? "instances" : "watches");
	return true;
}

/* ---- memory --------------------------------------------------------------------------------------------------------- */

bool dn_rule_memory(struct dn *c)
{
	const struct ph_failed *f = c->f;
	const struct ph_denied_fact *info = dn_fact(c, "meminfo", NULL), *s, *maps, *m;
	char human[PH_HUMAN_MAX];
	uint64_t len = dn_is(c, "mmap") || dn_is(c, "mremap") ? f->arg[dn_is(c, "mremap") ? 2 : 1] : 4096;
	int as = limit_of(c, RLIMIT_AS), data = limit_of(c, RLIMIT_DATA), lock = limit_of(c, RLIMIT_MEMLOCK);

	if (!f->full)
		return false;
	if (f->call->kind == PH_FAIL_MLOCK) {
		if (f->error != ENOMEM && f->error != EPERM && f->error != EAGAIN)
			return false;
		if (lock >= 0 && f->limit[lock].cur != UNKNOWN && !dn_has_cap(c, CAP_IPC_LOCK)) {
			say_limit(c, (unsigned int)lock, "so much memory may not be locked");
			dn_change(c, "raise it (docker run --ulimit memlock=), or give CAP_IPC_LOCK");
			return true;
		}
		return false;
	}
	if (f->call->kind != PH_FAIL_MEMORY) {
		/* What the kernel needs for the call is charged to the cgroup, too. */
		m = f->error == ENOMEM || f->error == ENFILE ? memory_limit(c) : NULL;
		if (!m)
			return false;
		dn_say(c, "memory-limit", "%s() found no memory: the limit %s of cgroup %s was used up, and nobody could be killed for it",
		       f->name, ph_human_bytes((uint64_t)dn_num(m, "max", 0), human), m->subject);
		memory_evidence(c, m);
		dn_change(c, "raise the limit (docker run -m), or find what uses the memory");
		return true;
	}
	if (f->error == EAGAIN && (f->arg[3] & MAP_LOCKED)) {
		dn_say(c, "rlimit", "so much memory may not be locked (RLIMIT_MEMLOCK)");
		dn_change(c, "raise RLIMIT_MEMLOCK (docker run --ulimit memlock=)");
		return true;
	}
	if (f->error != ENOMEM)
		return false;
	if (dn_is(c, "mmap") && f->arg[3] & MAP_HUGETLB) {
		if (!info || dn_num(info, "HugePages_Free", -1) > 0)
			return false;
		dn_say(c, "hugetlb", "huge pages were asked for, and the host has none free (%lld in all)",
		       dn_num(info, "HugePages_Total", 0));
		dn_change(c, "reserve huge pages on the host (vm.nr_hugepages)");
		/* Databases try, and do with small ones. */
		c->v->ordinary = !c->g->fatal;
		return true;
	}
	if (limit_reached(c, as, len))
		return say_limit(c, (unsigned int)as, "the address space may not become so large");
	if (limit_reached(c, data, len))
		return say_limit(c, (unsigned int)data, "the data of the process may not become so large");
	s = dn_fact(c, "sysctl", "vm/max_map_count");
	maps = dn_fact(c, "maps", NULL);
	if (s && maps && dn_num(s, "value", 0) > 0 && dn_num(maps, "count", 0) + 3 >= dn_num(s, "value", 0)) {
		dn_say(c, "map-count", "the process has as many mappings as it may: vm.max_map_count is %lld", dn_num(s, "value", 0));
		dn_evidence(c, "it had %lld of them a moment later", dn_num(maps, "count", 0));
		dn_change(c, "raise vm.max_map_count on the host");
		return true;
	}
	s = dn_fact(c, "sysctl", "vm/overcommit_memory");
	if (s && info && dn_num(s, "value", 0) == 2) {
		dn_say(c, "overcommit", "the host commits no more memory than it has (vm.overcommit_memory 2): %lld of %lld KiB are "
		       "committed", dn_num(info, "Committed_AS", 0), dn_num(info, "CommitLimit", 0));
		dn_change(c, "vm.overcommit_memory or vm.overcommit_ratio on the host");
		return true;
	}
	if (s && info && dn_num(s, "value", 0) == 0 && dn_is(c, "mmap") &&
	    len >> 10 > (uint64_t)dn_num(info, "CommitLimit", 0) + (uint64_t)dn_num(info, "MemAvailable", 0)) {
		dn_say(c, "overcommit", "%llu bytes at once are more than the host has at all (vm.overcommit_memory 0 refuses that)",
		       (unsigned long long)len);
		dn_change(c, "ask for less, or vm.overcommit_memory=1 on the host");
		return true;
	}
	return false;
}
