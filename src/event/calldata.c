/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/calldata.h"

#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/prctl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "base/cleanup.h"

/* The kernel's, and not the C library's, which has other ones of them. */
#define SIZE_TERMIOS 36
#define SIZE_SIGACTION 32
#define SIZE_SIGSET 8
#define SIZE_SIGINFO 128
#define SIZE_FDSET 128	/* FD_SETSIZE bits, which programs have room for */
#define SIZE_STATX 256
#define SIZE_FLOCK 32
#define SIZE_CLONE_ARGS 88
#ifdef __x86_64__
#define SIZE_EPOLL_EVENT 12	/* packed there and nowhere else */
#else
#define SIZE_EPOLL_EVENT 16
#endif

#define ROW(call_, arg_, exit_, kind_, size_, what_) \
	{ call_, { .kind = PH_DATA_##kind_, .arg = arg_, .at_exit = exit_, .size = size_, .if_arg = PH_DATA_ALWAYS }, PH_WHAT_##what_ }
#define IN(call, arg, size, what) ROW(call, arg, 0, FIXED, size, what)
#define IN_OUT(call_, arg_, size_, what_)										\
	{ call_, { .kind = PH_DATA_FIXED, .arg = arg_, .size = size_, .if_arg = PH_DATA_ALWAYS, .in_out = 1 },		\
	  PH_WHAT_##what_ }
#define OUT(call, arg, size, what) ROW(call, arg, 1, FIXED, size, what)
/* Only where argument @if_ is @value. */
#define WHEN(call_, arg_, exit_, kind_, size_, what_, if_, value_)							\
	{ call_, { .kind = PH_DATA_##kind_, .arg = arg_, .at_exit = exit_, .size = size_, .if_arg = if_,	\
		   .if_value = value_ }, PH_WHAT_##what_ }
#define IOCTL_IN(cmd, size, what) WHEN("ioctl", 2, 0, FIXED, size, what, 1, cmd)
#define IOCTL_OUT(cmd, size, what) WHEN("ioctl", 2, 1, FIXED, size, what, 1, cmd)
#define FCNTL_IN(cmd) WHEN("fcntl", 2, 0, FIXED, SIZE_FLOCK, FLOCK, 1, cmd)
#define LIST(call_, arg_, len_, exit_, kind_, what_)								\
	{ call_, { .kind = PH_DATA_##kind_, .arg = arg_, .len_arg = len_, .at_exit = exit_, .if_arg = PH_DATA_ALWAYS },	\
	  PH_WHAT_##what_ }
#define POLL(call_, exit_)											\
	{ call_, { .kind = PH_DATA_ARG_LIST, .size = 8, .len_arg = 1, .at_exit = exit_, .in_out = !(exit_),	\
		   .if_arg = PH_DATA_ALWAYS }, PH_WHAT_POLLFDS }

static const struct ph_calldata rows[] = {
	OUT("newstat", 1, sizeof(struct stat), STAT),
	OUT("newlstat", 1, sizeof(struct stat), STAT),
	OUT("newfstat", 1, sizeof(struct stat), STAT),
	OUT("newfstatat", 2, sizeof(struct stat), STAT),
	OUT("statx", 4, SIZE_STATX, STATX),
	OUT("statfs", 1, sizeof(struct statfs), STATFS),
	OUT("fstatfs", 1, sizeof(struct statfs), STATFS),
	ROW("getdents64", 1, 1, DIRENTS, 0, COUNT),
	ROW("execve", 2, 0, POINTERS, 0, COUNT),
	ROW("execveat", 3, 0, POINTERS, 0, COUNT),
	LIST("readv", 1, 2, 1, IOVEC, IOVECS),
	LIST("preadv", 1, 2, 1, IOVEC, IOVECS),
	LIST("preadv2", 1, 2, 1, IOVEC, IOVECS),
	LIST("writev", 1, 2, 0, IOVEC, IOVECS),
	LIST("pwritev", 1, 2, 0, IOVEC, IOVECS),
	LIST("pwritev2", 1, 2, 0, IOVEC, IOVECS),
	LIST("vmsplice", 1, 2, 0, IOVEC, IOVECS),
	POLL("poll", 0),
	POLL("poll", 1),
	POLL("ppoll", 0),
	POLL("ppoll", 1),
	IN("ppoll", 3, SIZE_SIGSET, SIGSET),
	ROW("epoll_wait", 1, 1, LIST, SIZE_EPOLL_EVENT, EPOLL),
	ROW("epoll_pwait", 1, 1, LIST, SIZE_EPOLL_EVENT, EPOLL),
	IN("epoll_pwait", 4, SIZE_SIGSET, SIGSET),
	ROW("epoll_pwait2", 1, 1, LIST, SIZE_EPOLL_EVENT, EPOLL),
	IN("epoll_pwait2", 4, SIZE_SIGSET, SIGSET),
	IN("clone3", 0, SIZE_CLONE_ARGS, CLONE_ARGS),
	IN_OUT("accept", 2, 4, LENGTH),
	IN_OUT("accept4", 2, 4, LENGTH),
	IN_OUT("getsockname", 2, 4, LENGTH),
	IN_OUT("getpeername", 2, 4, LENGTH),
	IN_OUT("getsockopt", 4, 4, LENGTH),
	IN_OUT("recvfrom", 5, 4, LENGTH),
	ROW("sendmsg", 1, 0, MSG, 0, MSG),
	ROW("recvmsg", 1, 1, MSG, 0, MSG),
	LIST("sendmmsg", 1, 2, 1, MMSG, MSG),
	LIST("recvmmsg", 1, 2, 1, MMSG, MSG),
	IN("rt_sigaction", 1, SIZE_SIGACTION, SIGACTION),
	OUT("rt_sigaction", 2, SIZE_SIGACTION, SIGACTION),
	IN("rt_sigsuspend", 0, SIZE_SIGSET, SIGSET),
	ROW("rt_sigreturn", 0, 0, SIGMASK, SIZE_SIGSET, SIGSET),
	OUT("rt_sigpending", 0, SIZE_SIGSET, SIGSET),
	IN("rt_sigtimedwait", 0, SIZE_SIGSET, SIGSET),
	OUT("rt_sigtimedwait", 1, SIZE_SIGINFO, SIGINFO),
	IN("rt_sigqueueinfo", 2, SIZE_SIGINFO, SIGINFO),
	IN("rt_tgsigqueueinfo", 3, SIZE_SIGINFO, SIGINFO),
	IN("sigaltstack", 0, 24, STACK),
	OUT("sigaltstack", 1, 24, STACK),
	IN("signalfd", 1, SIZE_SIGSET, SIGSET),
	IN("signalfd4", 1, SIZE_SIGSET, SIGSET),
	IN_OUT("select", 1, SIZE_FDSET, FDSET),
	IN_OUT("select", 2, SIZE_FDSET, FDSET),
	IN_OUT("select", 3, SIZE_FDSET, FDSET),
	OUT("select", 1, SIZE_FDSET, FDSET),
	OUT("select", 2, SIZE_FDSET, FDSET),
	OUT("select", 3, SIZE_FDSET, FDSET),
	OUT("select", 4, 16, TIMEVAL),
	IN_OUT("pselect6", 1, SIZE_FDSET, FDSET),
	IN_OUT("pselect6", 2, SIZE_FDSET, FDSET),
	IN_OUT("pselect6", 3, SIZE_FDSET, FDSET),
	OUT("pselect6", 1, SIZE_FDSET, FDSET),
	OUT("pselect6", 2, SIZE_FDSET, FDSET),
	OUT("pselect6", 3, SIZE_FDSET, FDSET),
	OUT("pselect6", 4, 16, TIMESPEC),
	IOCTL_OUT(TCGETS, SIZE_TERMIOS, TERMIOS),
	IOCTL_IN(TCSETS, SIZE_TERMIOS, TERMIOS),
	IOCTL_IN(TCSETSW, SIZE_TERMIOS, TERMIOS),
	IOCTL_IN(TCSETSF, SIZE_TERMIOS, TERMIOS),
	IOCTL_OUT(TIOCGWINSZ, 8, WINSIZE),
	IOCTL_IN(TIOCSWINSZ, 8, WINSIZE),
	IOCTL_OUT(FIONREAD, 4, INT),
	IOCTL_IN(FIONBIO, 4, INT),
	IOCTL_IN(FIOASYNC, 4, INT),
	IOCTL_OUT(TIOCGPGRP, 4, INT),
	IOCTL_IN(TIOCSPGRP, 4, INT),
	IOCTL_OUT(TIOCGSID, 4, INT),
	IOCTL_OUT(TIOCGPTN, 4, INT),
	IOCTL_IN(TIOCSPTLCK, 4, INT),
	WHEN("fcntl", 2, 1, FIXED, SIZE_FLOCK, FLOCK, 1, F_GETLK),
	FCNTL_IN(F_SETLK),
	FCNTL_IN(F_SETLKW),
	WHEN("fcntl", 2, 1, FIXED, SIZE_FLOCK, FLOCK, 1, F_OFD_GETLK),
	FCNTL_IN(F_OFD_SETLK),
	FCNTL_IN(F_OFD_SETLKW),
	WHEN("prctl", 1, 0, STR, 16, STRING, 0, PR_SET_NAME),
	WHEN("prctl", 1, 1, STR, 16, STRING, 0, PR_GET_NAME),
	WHEN("prctl", 1, 1, FIXED, 4, INT, 0, PR_GET_PDEATHSIG),
	WHEN("prctl", 1, 1, FIXED, 4, INT, 0, PR_GET_CHILD_SUBREAPER),
	OUT("clock_gettime", 1, 16, TIMESPEC),
	OUT("clock_getres", 1, 16, TIMESPEC),
	OUT("gettimeofday", 0, 16, TIMEVAL),
	OUT("sched_rr_get_interval", 1, 16, TIMESPEC),
	OUT("timer_gettime", 1, 32, ITIMERSPEC),
	OUT("timer_settime", 3, 32, ITIMERSPEC),
	OUT("timerfd_gettime", 1, 32, ITIMERSPEC),
	OUT("timerfd_settime", 3, 32, ITIMERSPEC),
	OUT("timer_create", 2, 4, INT),
	OUT("getitimer", 1, 32, ITIMERVAL),
	OUT("setitimer", 2, 32, ITIMERVAL),
	IN("utimensat", 2, 32, TIMESPECS),
	IN("utimes", 1, 32, TIMEVALS),
	IN("futimesat", 2, 32, TIMEVALS),
	OUT("getrusage", 1, sizeof(struct rusage), RUSAGE),
	OUT("wait4", 3, sizeof(struct rusage), RUSAGE),
	OUT("waitid", 2, SIZE_SIGINFO, SIGINFO),
	OUT("waitid", 4, sizeof(struct rusage), RUSAGE),
	OUT("sysinfo", 0, sizeof(struct sysinfo), SYSINFO),
	OUT("newuname", 0, sizeof(struct utsname), UTSNAME),
	OUT("times", 0, 32, TMS),
	OUT("getresuid", 0, 4, U32),
	OUT("getresuid", 1, 4, U32),
	OUT("getresuid", 2, 4, U32),
	OUT("getresgid", 0, 4, U32),
	OUT("getresgid", 1, 4, U32),
	OUT("getresgid", 2, 4, U32),
	ROW("getgroups", 1, 1, RET, 4, U32S),
	OUT("getcpu", 0, 4, U32),
	OUT("getcpu", 1, 4, U32),
	IN("capget", 0, 8, CAPHEADER),
	IN("capset", 0, 8, CAPHEADER),
	ROW("getrandom", 0, 1, RET, 1, RANDOM),
	IN("sched_setparam", 1, 4, INT),
	OUT("sched_getparam", 1, 4, INT),
	IN("sched_setscheduler", 2, 4, INT),
	IN_OUT("sendfile64", 2, 8, U64),
	OUT("sendfile64", 2, 8, U64),
	IN_OUT("copy_file_range", 1, 8, U64),
	IN_OUT("copy_file_range", 3, 8, U64),
	IN_OUT("splice", 1, 8, U64),
	IN_OUT("splice", 3, 8, U64),
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
