/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EVENT_FAILED_H
#define PH_EVENT_FAILED_H

#include "event/failcalls.h"
#include "event/schema.h"

/* A syscall_failed event, kept: whoever looks for its cause does so when the event is long gone. */
struct ph_failed {
	uint64_t ts_ns;
	int32_t tid, pid;
	uint32_t container;
	const struct ph_failcall *call;
	char *name;			/* of the call; strings are owned and never NULL */
	int nr;
	bool compat;
	int error;			/* positive errno */
	uint64_t arg[6], word;
	char *path, *path2, *base;
	uint8_t addr[128];
	uint32_t addr_len;
	bool refused;			/* seccomp refused it before it began */
	bool late;			/* connect() in the background: getsockopt() told */
	char comm[17];
	/* False where only entry and exit of the call are known: what follows is 0 then. */
	bool full;
	uint32_t uid, euid, fsuid, gid, fsgid;
	int32_t groups[32];
	uint32_t ngroups;
	uint64_t cap_effective, cap_permitted, cap_bounding;
	uint32_t user_ns, user_ns_level, mnt_ns, net_ns, pid_ns;
	int32_t root_mnt;		/* -1: a chroot */
	bool no_new_privs;
	uint32_t seccomp;
	int32_t setuid;			/* owner of a set-user-id program that the task runs, else -1 */
	bool nosuid;			/* its mount has that */
	bool caps_watched;		/* cap_refused is complete */
	uint64_t cap_refused;
	uint32_t cap_refused_ns;
	bool landlocked;
	struct {
		int resource;		/* RLIMIT_*, -1: none */
		uint64_t cur, use;	/* ~0: unlimited; not known */
	} limit[2];
	/* Which count of the user is at its limit: a clone flag, 1 inotify instances, 2 watches; 0: none. */
	uint64_t ucount;
	int64_t ucount_max, ucount_use;
	uint32_t ucount_ns;
	uint64_t memory_cgroup, pids_cgroup;
};

void ph_failed_read(struct ph_failed *f, const struct ph_event *ev);
void ph_failed_done(struct ph_failed *f);
/* The path of the call with what it is relative to in front, absolute, or NULL: not known. Owned. */
char *ph_failed_path(const struct ph_failed *f);

#endif
