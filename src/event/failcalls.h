/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EVENT_FAILCALLS_H
#define PH_EVENT_FAILCALLS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What a system call may be refused for: where its path, descriptor and address stand, which limits
 * and which capability it asks for. The kernel side captures by it, the collector looks for
 * evidence by it, the analysis decides by it.
 */

enum ph_fail_kind {
	PH_FAIL_OTHER,
	PH_FAIL_LOOKUP,		/* finds a path and changes nothing */
	PH_FAIL_OPEN,
	PH_FAIL_EXEC,
	PH_FAIL_CREATE,		/* adds, moves or removes an entry of a directory */
	PH_FAIL_ATTR,		/* changes mode, owner, times, attributes */
	PH_FAIL_MOUNT,
	PH_FAIL_WRITE,		/* needs room in a file system */
	PH_FAIL_FD,		/* makes a descriptor */
	PH_FAIL_SOCKET, PH_FAIL_CONNECT, PH_FAIL_BIND, PH_FAIL_SEND,
	PH_FAIL_FORK, PH_FAIL_NS,
	PH_FAIL_SIGNAL,		/* takes a pid: signals, priorities … */
	PH_FAIL_PTRACE,
	PH_FAIL_MEMORY, PH_FAIL_MLOCK,
	PH_FAIL_INOTIFY,
	PH_FAIL_IDS, PH_FAIL_PRIO, PH_FAIL_RLIMIT,
	PH_FAIL_IOCTL, PH_FAIL_SYSTEM,
};

/* Where a capability is asked for. */
enum ph_cap_where {
	PH_CAP_HOST,		/* in the host's user namespace: no container-only root has it */
	PH_CAP_OWN,		/* in the user namespace that owns the object (mount, network …) */
};

/* Arguments, limits and capabilities are stored plus 1; 0: none. */
struct ph_failcall {
	const char *name;
	enum ph_fail_kind kind;
	uint8_t path, path2;	/* addresses of strings */
	uint8_t dirfd;		/* what `path` is relative to; 0: the working directory */
	uint8_t fd;
	uint8_t addr;		/* a socket address; its length is the next argument */
	uint8_t word;		/* a struct whose first word matters */
	uint8_t pid;
	uint8_t limit, limit2;	/* RLIMIT_* */
	uint8_t cap;		/* CAP_* that the call itself demands, whatever its object */
	enum ph_cap_where where;
	bool again;		/* EAGAIN is a refusal, not "try later" */
};

/* By the kernel's name of the call; never NULL: calls without a row of their own share one. */
const struct ph_failcall *ph_failcall(const char *name);

/* Errors that are never a refusal, whatever the call: an interruption, work under way. */
bool ph_fail_recorded(const struct ph_failcall *f, int error);

#endif
