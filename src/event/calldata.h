/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EVENT_CALLDATA_H
#define PH_EVENT_CALLDATA_H

/*
 * What else of a process's memory goes with a system call: structs that a call's own events do not have, as they
 * would make every recording larger. They come as events of their own, syscall_data, where these are asked for.
 * Of 64-bit programs alone. Shared with BPF code, which has the types from vmlinux.h.
 */

#ifndef __BPF__
#include <linux/types.h>
#endif

enum ph_data_kind {
	PH_DATA_NONE,
	PH_DATA_FIXED,		/* size bytes */
	PH_DATA_SIGMASK,	/* what rt_sigreturn finds on the stack; no argument leads there */
	PH_DATA_STR,		/* a string of at most size bytes */
	PH_DATA_RET,		/* result × size bytes, as far as data is captured */
	PH_DATA_LIST,		/* as many elements of size bytes as the result says … */
	PH_DATA_ARG_LIST,	/* … or argument len_arg, but no more than PH_DATA_ELEMENTS */
	PH_DATA_POINTERS,	/* a NULL-ended array of them: only how many there are */
	PH_DATA_DIRENTS,	/* entries of a directory, result bytes: only how many there are */
	PH_DATA_IOVEC,		/* iovecs, argument len_arg of them: what each points to, up to the result at exit */
	PH_DATA_MSG,		/* struct msghdr, and what its iovecs point to */
	PH_DATA_MMSG,		/* as many struct mmsghdr as the result says, the same of each */
};

/* Which of the things that an argument leads to: the field `part`. */
enum ph_data_part { PH_DATA_STRUCT, PH_DATA_BUFFER, PH_DATA_CONTROL };

struct ph_data_def {
	__u8 kind;		/* enum ph_data_kind */
	__u8 arg;		/* argument that holds the address */
	__u8 at_exit;		/* else at entry */
	__u8 len_arg;
	__u16 size;
	__u8 if_arg;		/* only where this argument, plus 1, is if_value; 0: always */
	__u8 in_out;		/* of entry: the call changes it */
	__u32 if_value;
};

#define PH_DATA_ROWS 256	/* all calls together … */
#define PH_DATA_CALL 24		/* … and of one call */
#define PH_DATA_ELEMENTS 32	/* of a list: where strace stops, too */
#define PH_DATA_VECTORS 16	/* iovecs that are followed */
#define PH_DATA_MESSAGES 8
#define PH_DATA_COUNT 1400	/* entries that are counted: as many as fit into 32 KiB */

#ifndef __BPF__
#include <stddef.h>

/* How what was read is to be understood. */
enum ph_data_what {
	PH_WHAT_BYTES, PH_WHAT_STRING, PH_WHAT_COUNT, PH_WHAT_IOVECS, PH_WHAT_MSG, PH_WHAT_STAT, PH_WHAT_STATX, PH_WHAT_STATFS,
	PH_WHAT_SIGACTION, PH_WHAT_SIGSET, PH_WHAT_SIGINFO, PH_WHAT_STACK, PH_WHAT_TERMIOS, PH_WHAT_WINSIZE, PH_WHAT_INT,
	PH_WHAT_U32, PH_WHAT_U64, PH_WHAT_FLOCK, PH_WHAT_TIMESPEC, PH_WHAT_TIMEVAL, PH_WHAT_ITIMERSPEC, PH_WHAT_ITIMERVAL,
	PH_WHAT_TIMESPECS, PH_WHAT_TIMEVALS, PH_WHAT_RUSAGE, PH_WHAT_SYSINFO, PH_WHAT_UTSNAME, PH_WHAT_TMS, PH_WHAT_FDSET,
	PH_WHAT_CAPHEADER, PH_WHAT_POLLFDS, PH_WHAT_EPOLL, PH_WHAT_CLONE_ARGS, PH_WHAT_LENGTH, PH_WHAT_U32S, PH_WHAT_RANDOM,
	PH_WHAT_MSGHDR,
	/* Known by the call and the argument (live/calls_layout.c). */
	PH_WHAT_LAYOUTS, PH_WHAT_ATTR, PH_WHAT_SCHED_ATTR, PH_WHAT_TIMEX, PH_WHAT_URING, PH_WHAT_MQ_ATTR, PH_WHAT_SHM,
	PH_WHAT_SIGEVENT, PH_WHAT_FILTER, PH_WHAT_NOTIF_SIZES, PH_WHAT_TIMEZONE, PH_WHAT_IFREQ, PH_WHAT_OWNER,
};

struct ph_calldata {
	const char *call;	/* as in syscalls.def */
	struct ph_data_def def;
	enum ph_data_what what;
};

/* All rows, those of a call one behind the other. */
const struct ph_calldata *ph_calldata_all(size_t *ret_n);
/* The rows of @call, NULL: none. */
const struct ph_calldata *ph_calldata_of(const char *call, size_t *ret_n);
#endif

#endif
