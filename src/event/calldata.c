/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/calldata.h"

#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "base/cleanup.h"

/*
 * How long each thing is, or one of a list of them. The kernel's, and not the C library's, which has other ones of some;
 * of an fd_set the FD_SETSIZE bits that programs have room for.
 */
enum {
	SIZE_STAT = sizeof(struct stat), SIZE_STATX = 256, SIZE_STATFS = sizeof(struct statfs), SIZE_FLOCK = 32,
	SIZE_TERMIOS = 36, SIZE_WINSIZE = 8, SIZE_SIGACTION = 32, SIZE_SIGSET = 8, SIZE_SIGINFO = 128, SIZE_STACK = 24,
	SIZE_TIMESPEC = 16, SIZE_TIMEVAL = 16, SIZE_TIMESPECS = 32, SIZE_TIMEVALS = 32, SIZE_ITIMERSPEC = 32,
	SIZE_ITIMERVAL = 32, SIZE_RUSAGE = sizeof(struct rusage), SIZE_SYSINFO = sizeof(struct sysinfo),
	SIZE_UTSNAME = sizeof(struct utsname), SIZE_TMS = 32, SIZE_FDSET = 128, SIZE_CAPHEADER = 8, SIZE_CLONE_ARGS = 88,
	SIZE_POLLFDS = 8, SIZE_MSGHDR = 56,
#ifdef __x86_64__
	SIZE_EPOLL = 12,	/* packed there and nowhere else */
#else
	SIZE_EPOLL = 16,
#endif
	/* In calls_layout.c; of union bpf_attr what most programs have. */
	SIZE_ATTR = 128, SIZE_SCHED_ATTR = 56, SIZE_TIMEX = 208, SIZE_URING = 120, SIZE_MQ_ATTR = 64, SIZE_SHM = 112,
	SIZE_SIGEVENT = 64, SIZE_FILTER = 16, SIZE_NOTIF_SIZES = 6, SIZE_TIMEZONE = 8, SIZE_IFREQ = 40, SIZE_OWNER = 8,
	SIZE_STRING = 16, SIZE_LENGTH = 4, SIZE_INT = 4, SIZE_U32 = 4, SIZE_U32S = 4, SIZE_U64 = 8, SIZE_RANDOM = 1,
	/* These say themselves how long they are. */
	SIZE_COUNT = 0, SIZE_IOVECS = 0, SIZE_MSG = 0,
};

/* What follows @kind_ sets more of the definition. */
#define ROW(call_, arg_, what_, kind_, ...) \
	{ call_, { .arg = arg_, .size = SIZE_##what_, .kind = PH_DATA_##kind_, ##__VA_ARGS__ }, PH_WHAT_##what_ }
#define EXIT .at_exit = 1
#define CHANGED .in_out = 1
#define LEN(arg_) .len_arg = arg_
#define IF(arg_, value_) .if_arg = 1 + arg_, .if_value = value_

#define IN(call, arg, what, ...)	ROW(call, arg, what, FIXED, ##__VA_ARGS__)
#define OUT(call, arg, what, ...)	ROW(call, arg, what, FIXED, EXIT, ##__VA_ARGS__)
#define IN_OUT(call, arg, what)		IN(call, arg, what, CHANGED)
#define BOTH(call, arg, what)		IN_OUT(call, arg, what), OUT(call, arg, what)
#define POLL(call)			ROW(call, 0, POLLFDS, ARG_LIST, LEN(1), CHANGED), ROW(call, 0, POLLFDS, ARG_LIST, LEN(1), EXIT)

static const struct ph_calldata rows[] = {
	OUT("newstat", 1, STAT),
	OUT("newlstat", 1, STAT),
	OUT("newfstat", 1, STAT),
	OUT("newfstatat", 2, STAT),
	OUT("statx", 4, STATX),
	OUT("statfs", 1, STATFS),
	OUT("fstatfs", 1, STATFS),
	ROW("getdents64", 1, COUNT, DIRENTS, EXIT),
	ROW("execve", 1, COUNT, POINTERS),
	ROW("execve", 2, COUNT, POINTERS),
	ROW("execveat", 2, COUNT, POINTERS),
	ROW("execveat", 3, COUNT, POINTERS),
	ROW("readv", 1, IOVECS, IOVEC, LEN(2), EXIT),
	ROW("preadv", 1, IOVECS, IOVEC, LEN(2), EXIT),
	ROW("preadv2", 1, IOVECS, IOVEC, LEN(2), EXIT),
	ROW("writev", 1, IOVECS, IOVEC, LEN(2)),
	ROW("pwritev", 1, IOVECS, IOVEC, LEN(2)),
	ROW("pwritev2", 1, IOVECS, IOVEC, LEN(2)),
	ROW("vmsplice", 1, IOVECS, IOVEC, LEN(2)),
	POLL("poll"),
	POLL("ppoll"),
	OUT("ppoll", 2, TIMESPEC),
	IN("ppoll", 3, SIGSET),
	ROW("epoll_wait", 1, EPOLL, LIST, EXIT),
	ROW("epoll_pwait", 1, EPOLL, LIST, EXIT),
	IN("epoll_pwait", 4, SIGSET),
	ROW("epoll_pwait2", 1, EPOLL, LIST, EXIT),
	IN("epoll_pwait2", 4, SIGSET),
	IN("clone3", 0, CLONE_ARGS),
	IN_OUT("accept", 2, LENGTH),
	IN_OUT("accept4", 2, LENGTH),
	IN_OUT("getsockname", 2, LENGTH),
	IN_OUT("getpeername", 2, LENGTH),
	IN_OUT("getsockopt", 4, LENGTH),
	IN_OUT("recvfrom", 5, LENGTH),
	ROW("sendmsg", 1, MSG, MSG),
	IN_OUT("recvmsg", 1, MSGHDR),
	ROW("recvmsg", 1, MSG, MSG, EXIT),
	ROW("sendmmsg", 1, MSG, MMSG, LEN(2), EXIT),
	ROW("recvmmsg", 1, MSG, MMSG, LEN(2), EXIT),
	IN("rt_sigaction", 1, SIGACTION),
	OUT("rt_sigaction", 2, SIGACTION),
	IN("rt_sigsuspend", 0, SIGSET),
	ROW("rt_sigreturn", 0, SIGSET, SIGMASK),
	OUT("rt_sigpending", 0, SIGSET),
	IN("rt_sigtimedwait", 0, SIGSET),
	OUT("rt_sigtimedwait", 1, SIGINFO),
	IN("rt_sigqueueinfo", 2, SIGINFO),
	IN("rt_tgsigqueueinfo", 3, SIGINFO),
	IN("sigaltstack", 0, STACK),
	OUT("sigaltstack", 1, STACK),
	IN("signalfd", 1, SIGSET),
	IN("signalfd4", 1, SIGSET),
	BOTH("select", 1, FDSET),
	BOTH("select", 2, FDSET),
	BOTH("select", 3, FDSET),
	OUT("select", 4, TIMEVAL),
	BOTH("pselect6", 1, FDSET),
	BOTH("pselect6", 2, FDSET),
	BOTH("pselect6", 3, FDSET),
	OUT("pselect6", 4, TIMESPEC),
	OUT("ioctl", 2, TERMIOS, IF(1, TCGETS)),
	IN("ioctl", 2, TERMIOS, IF(1, TCSETS)),
	IN("ioctl", 2, TERMIOS, IF(1, TCSETSW)),
	IN("ioctl", 2, TERMIOS, IF(1, TCSETSF)),
	OUT("ioctl", 2, WINSIZE, IF(1, TIOCGWINSZ)),
	IN("ioctl", 2, WINSIZE, IF(1, TIOCSWINSZ)),
	OUT("ioctl", 2, INT, IF(1, FIONREAD)),
	IN("ioctl", 2, INT, IF(1, FIONBIO)),
	IN("ioctl", 2, INT, IF(1, FIOASYNC)),
	OUT("ioctl", 2, INT, IF(1, TIOCGPGRP)),
	IN("ioctl", 2, INT, IF(1, TIOCSPGRP)),
	OUT("ioctl", 2, INT, IF(1, TIOCGSID)),
	OUT("ioctl", 2, INT, IF(1, TIOCGPTN)),
	IN("ioctl", 2, INT, IF(1, TIOCSPTLCK)),
	OUT("ioctl", 2, IFREQ, IF(1, SIOCGIFFLAGS)),
	OUT("ioctl", 2, IFREQ, IF(1, SIOCGIFADDR)),
	OUT("ioctl", 2, IFREQ, IF(1, SIOCGIFNETMASK)),
	OUT("ioctl", 2, IFREQ, IF(1, SIOCGIFMTU)),
	OUT("ioctl", 2, IFREQ, IF(1, SIOCGIFINDEX)),
	OUT("ioctl", 2, IFREQ, IF(1, SIOCGIFNAME)),
	IN("fcntl", 2, OWNER, IF(1, F_SETOWN_EX)),
	OUT("fcntl", 2, OWNER, IF(1, F_GETOWN_EX)),
	OUT("fcntl", 2, FLOCK, IF(1, F_GETLK)),
	IN("fcntl", 2, FLOCK, IF(1, F_SETLK)),
	IN("fcntl", 2, FLOCK, IF(1, F_SETLKW)),
	OUT("fcntl", 2, FLOCK, IF(1, F_OFD_GETLK)),
	IN("fcntl", 2, FLOCK, IF(1, F_OFD_SETLK)),
	IN("fcntl", 2, FLOCK, IF(1, F_OFD_SETLKW)),
	ROW("prctl", 1, STRING, STR, IF(0, PR_SET_NAME)),
	ROW("prctl", 1, STRING, STR, EXIT, IF(0, PR_GET_NAME)),
	OUT("prctl", 1, INT, IF(0, PR_GET_PDEATHSIG)),
	OUT("prctl", 1, INT, IF(0, PR_GET_CHILD_SUBREAPER)),
	OUT("clock_gettime", 1, TIMESPEC),
	OUT("clock_getres", 1, TIMESPEC),
	OUT("gettimeofday", 0, TIMEVAL),
	OUT("gettimeofday", 1, TIMEZONE),
	OUT("sched_rr_get_interval", 1, TIMESPEC),
	OUT("timer_gettime", 1, ITIMERSPEC),
	OUT("timer_settime", 3, ITIMERSPEC),
	OUT("timerfd_gettime", 1, ITIMERSPEC),
	OUT("timerfd_settime", 3, ITIMERSPEC),
	IN("timer_create", 1, SIGEVENT),
	OUT("timer_create", 2, INT),
	OUT("getitimer", 1, ITIMERVAL),
	OUT("setitimer", 2, ITIMERVAL),
	IN("utimensat", 2, TIMESPECS),
	IN("utimes", 1, TIMEVALS),
	IN("futimesat", 2, TIMEVALS),
	OUT("getrusage", 1, RUSAGE),
	OUT("wait4", 3, RUSAGE),
	OUT("waitid", 2, SIGINFO),
	OUT("waitid", 4, RUSAGE),
	OUT("sysinfo", 0, SYSINFO),
	OUT("newuname", 0, UTSNAME),
	OUT("times", 0, TMS),
	OUT("getresuid", 0, U32),
	OUT("getresuid", 1, U32),
	OUT("getresuid", 2, U32),
	OUT("getresgid", 0, U32),
	OUT("getresgid", 1, U32),
	OUT("getresgid", 2, U32),
	ROW("getgroups", 1, U32S, RET, EXIT),
	OUT("getcpu", 0, U32),
	OUT("getcpu", 1, U32),
	IN("capget", 0, CAPHEADER),
	IN("capset", 0, CAPHEADER),
	ROW("getrandom", 0, RANDOM, RET, EXIT),
	IN("bpf", 1, ATTR),
	OUT("sched_getattr", 1, SCHED_ATTR),
	OUT("adjtimex", 0, TIMEX),
	OUT("clock_adjtime", 1, TIMEX),
	OUT("io_uring_setup", 1, URING),
	IN("mq_open", 3, MQ_ATTR),
	IN("mq_getsetattr", 1, MQ_ATTR),
	OUT("mq_getsetattr", 2, MQ_ATTR),
	OUT("mq_timedreceive", 3, U32),
	OUT("shmctl", 2, SHM, IF(1, 2)),
	IN("seccomp", 2, FILTER, IF(0, 1)),
	OUT("seccomp", 2, NOTIF_SIZES, IF(0, 3)),
	IN("sched_setparam", 1, INT),
	OUT("sched_getparam", 1, INT),
	IN("sched_setscheduler", 2, INT),
	BOTH("sendfile64", 2, U64),
	IN_OUT("copy_file_range", 1, U64),
	IN_OUT("copy_file_range", 3, U64),
	IN_OUT("splice", 1, U64),
	IN_OUT("splice", 3, U64),
};

_Static_assert(PH_ARRAY_SIZE(rows) <= PH_DATA_ROWS, "rows");

const struct ph_calldata *ph_calldata_all(size_t *ret_n)
{
	*ret_n = PH_ARRAY_SIZE(rows);
	return rows;
}

const struct ph_calldata *ph_calldata_of(const char *call, size_t *ret_n)
{
	size_t first = 0;

	while (first < PH_ARRAY_SIZE(rows) && strcmp(rows[first].call, call))
		first++;
	*ret_n = 0;
	while (first + *ret_n < PH_ARRAY_SIZE(rows) && !strcmp(rows[first + *ret_n].call, call))
		++*ret_n;
	return *ret_n ? &rows[first] : NULL;
}
