/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_IDENTITY_PROC_H
#define PH_IDENTITY_PROC_H

#include "identity/container.h"

/* What /proc/PID says, with few system calls. @procfd is an open /proc, or a test's imitation. */

struct ph_proc_stat {
	int32_t pid, ppid;
	uint32_t threads;
	bool kthread;
	char state;			/* R, S, D, Z … */
	unsigned long flags;		/* PF_* */
	uint64_t start_ticks;		/* since boot, USER_HZ */
	uint64_t guest_ticks;		/* spent in guests of KVM, where the kernel counts that */
	uint64_t stack;			/* where its stack begins; 0: that is not for us to know, or it has none */
	char comm[64];
};

#define PH_PROC_LEVELS 32		/* MAX_PID_NS_LEVEL */

/* The start of a file of /proc/PID in one read, NUL-terminated: its length or -errno. */
int ph_proc_read(int procfd, int32_t pid, const char *file, char *buf, size_t size);
int ph_proc_stat(int procfd, int32_t pid, struct ph_proc_stat *ret);
/* Of one thread alone. */
int ph_proc_task_stat(int procfd, int32_t pid, int32_t tid, struct ph_proc_stat *ret);
/* Inode of a namespace ("pid", "mnt", "pid_for_children" …), or 0 with errno (EACCES, ENOENT …). */
uint32_t ph_proc_ns(int procfd, int32_t pid, const char *name);
/*
 * Process ids of @pid's thread group at every pid namespace level that this /proc shows, outermost
 * first; number of them or -errno.
 */
int ph_proc_nspid(int procfd, int32_t pid, int32_t ret[PH_PROC_LEVELS]);
/* Unix time of boot in ns, 0 unknown. */
uint64_t ph_proc_btime_ns(int procfd);
uint64_t ph_proc_start_ns(uint64_t btime_ns, uint64_t ticks);

#endif
