/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "live/calls_priv.h"

/*
 * Names of arguments that are numbers without a meaning of their own in event/symbols.c, as only these calls
 * give them this one.
 */

struct name {
	const char *name;
	int64_t value;
};

struct call_names {
	const char *args;	/* "call:argument", commas between; IP, SO, TCP: what a number before says that it is */
	bool flags;
	const struct name *name;	/* up to one without a name; of flags, the name of 0 may stand first */
};

#define N(name_) { #name_, name_ }
#define NAMES(...) (const struct name[]){ __VA_ARGS__, { 0 } }

static const struct call_names tables[] = {
	{ "access:1,faccessat:2,faccessat2:2", true, NAMES(N(F_OK), N(R_OK), N(W_OK), N(X_OK)) },
	{ "pipe2:1,dup3:2", true, NAMES(N(O_NONBLOCK), N(O_DIRECT), N(O_CLOEXEC)) },
	{ "accept4:3", true, NAMES(N(SOCK_CLOEXEC), N(SOCK_NONBLOCK)) },
	{ "epoll_create1:0", true, NAMES(N(EPOLL_CLOEXEC)) },
	{ "eventfd2:1", true, NAMES(N(EFD_CLOEXEC), N(EFD_NONBLOCK), N(EFD_SEMAPHORE)) },
	{ "timerfd_create:1", true, NAMES({ "TFD_CLOEXEC", O_CLOEXEC }, { "TFD_NONBLOCK", O_NONBLOCK }) },
	{ "signalfd4:3", true, NAMES({ "SFD_CLOEXEC", O_CLOEXEC }, { "SFD_NONBLOCK", O_NONBLOCK }) },
	{ "inotify_init1:0", true, NAMES({ "IN_CLOEXEC", O_CLOEXEC }, { "IN_NONBLOCK", O_NONBLOCK }) },
	{ "memfd_create:1", true, NAMES(N(MFD_CLOEXEC), N(MFD_ALLOW_SEALING), N(MFD_HUGETLB), { "MFD_NOEXEC_SEAL", 8 },
					{ "MFD_EXEC", 16 }) },
	{ "getrandom:2", true, NAMES(N(GRND_NONBLOCK), N(GRND_RANDOM), { "GRND_INSECURE", 4 }) },
	{ "close_range:2", true, NAMES({ "CLOSE_RANGE_UNSHARE", 2 }, { "CLOSE_RANGE_CLOEXEC", 4 }) },
	{ "renameat2:4", true, NAMES({ "RENAME_NOREPLACE", 1 }, { "RENAME_EXCHANGE", 2 }, { "RENAME_WHITEOUT", 4 }) },
	{ "statx:3", true, NAMES({ "STATX_ALL", 0xfff }, { "STATX_BASIC_STATS", 0x7ff }, { "STATX_TYPE", 1 },
				 { "STATX_MODE", 2 }, { "STATX_NLINK", 4 }, { "STATX_UID", 8 }, { "STATX_GID", 16 },
				 { "STATX_ATIME", 32 }, { "STATX_MTIME", 64 }, { "STATX_CTIME", 128 },
				 { "STATX_INO", 256 }, { "STATX_SIZE", 512 }, { "STATX_BLOCKS", 1024 },
				 { "STATX_BTIME", 2048 }, { "STATX_MNT_ID", 4096 }) },
	{ "umount:1", true, NAMES(N(MNT_FORCE), N(MNT_DETACH), N(MNT_EXPIRE), N(UMOUNT_NOFOLLOW)) },
	{ "rt_sigprocmask:0", false, NAMES({ "SIG_BLOCK", 0 }, { "SIG_UNBLOCK", 1 }, { "SIG_SETMASK", 2 }) },
	{ "shutdown:1", false, NAMES(N(SHUT_RD), N(SHUT_WR), N(SHUT_RDWR)) },
	{ "flock:1", true, NAMES(N(LOCK_SH), N(LOCK_EX), N(LOCK_NB), N(LOCK_UN)) },
	{ "wait4:2,waitid:3", true, NAMES(N(WNOHANG), N(WUNTRACED), N(WEXITED), N(WCONTINUED), N(WNOWAIT),
					  { "__WNOTHREAD", 0x20000000 }, { "__WALL", 0x40000000 },
					  { "__WCLONE", 0x80000000 }) },
	{ "waitid:0", false, NAMES(N(P_ALL), N(P_PID), N(P_PGID), { "P_PIDFD", 3 }) },
	{ "madvise:2,process_madvise:3", false,
	  NAMES(N(MADV_NORMAL), N(MADV_RANDOM), N(MADV_SEQUENTIAL), N(MADV_WILLNEED), N(MADV_DONTNEED), N(MADV_FREE),
		N(MADV_REMOVE), N(MADV_DONTFORK), N(MADV_DOFORK), N(MADV_MERGEABLE), N(MADV_UNMERGEABLE),
		N(MADV_HUGEPAGE), N(MADV_NOHUGEPAGE), N(MADV_DONTDUMP), N(MADV_DODUMP), N(MADV_WIPEONFORK),
		N(MADV_KEEPONFORK), N(MADV_COLD), N(MADV_PAGEOUT), { "MADV_POPULATE_READ", 22 },
		{ "MADV_POPULATE_WRITE", 23 }, { "MADV_COLLAPSE", 25 }) },
	{ "msync:2", true, NAMES(N(MS_ASYNC), N(MS_INVALIDATE), N(MS_SYNC)) },
	{ "mremap:3", true, NAMES(N(MREMAP_MAYMOVE), N(MREMAP_FIXED), { "MREMAP_DONTUNMAP", 4 }) },
	{ "fadvise64:3", false, NAMES(N(POSIX_FADV_NORMAL), N(POSIX_FADV_RANDOM), N(POSIX_FADV_SEQUENTIAL),
				      N(POSIX_FADV_WILLNEED), N(POSIX_FADV_DONTNEED), N(POSIX_FADV_NOREUSE)) },
	{ "clock_nanosleep:1,timer_settime:1", true, NAMES({ "TIMER_ABSTIME", 1 }) },
	{ "timerfd_settime:1", true, NAMES({ "TFD_TIMER_ABSTIME", 1 }, { "TFD_TIMER_CANCEL_ON_SET", 2 }) },
	{ "setitimer:0,getitimer:0", false, NAMES({ "ITIMER_REAL", 0 }, { "ITIMER_VIRTUAL", 1 }, { "ITIMER_PROF", 2 }) },
	{ "getrusage:0", false, NAMES(N(RUSAGE_SELF), N(RUSAGE_CHILDREN), N(RUSAGE_THREAD)) },
	{ "getpriority:0,setpriority:0", false, NAMES(N(PRIO_PROCESS), N(PRIO_PGRP), N(PRIO_USER)) },
	{ "sched_setscheduler:1", false, NAMES(N(SCHED_OTHER), N(SCHED_FIFO), N(SCHED_RR), N(SCHED_BATCH), N(SCHED_IDLE),
					       { "SCHED_DEADLINE", 6 }) },
	{ "setsockopt:1,getsockopt:1", false, NAMES({ "SOL_IP", 0 }, N(SOL_SOCKET), { "SOL_TCP", 6 }, { "SOL_UDP", 17 },
						    { "SOL_IPV6", 41 }, { "SOL_PACKET", 263 }, { "SOL_NETLINK", 270 }) },
	{ "IP:0", false, NAMES(N(IPPROTO_IP), N(IPPROTO_ICMP), N(IPPROTO_TCP), N(IPPROTO_UDP), N(IPPROTO_IPV6),
			       N(IPPROTO_ICMPV6), N(IPPROTO_SCTP), N(IPPROTO_RAW)) },
	{ "SO:0", false, NAMES(N(SO_DEBUG), N(SO_REUSEADDR), N(SO_TYPE), N(SO_ERROR), N(SO_DONTROUTE), N(SO_BROADCAST),
			       N(SO_SNDBUF), N(SO_RCVBUF), N(SO_KEEPALIVE), N(SO_OOBINLINE), N(SO_PRIORITY), N(SO_LINGER),
			       N(SO_REUSEPORT), N(SO_PASSCRED), N(SO_PEERCRED), N(SO_RCVLOWAT), N(SO_SNDLOWAT),
			       N(SO_RCVTIMEO), N(SO_SNDTIMEO), N(SO_BINDTODEVICE), N(SO_ATTACH_FILTER), N(SO_TIMESTAMP),
			       N(SO_ACCEPTCONN), N(SO_PEERSEC), N(SO_SNDBUFFORCE), N(SO_RCVBUFFORCE), N(SO_PROTOCOL),
			       N(SO_DOMAIN), N(SO_INCOMING_CPU), N(SO_ZEROCOPY)) },
	{ "TCP:0", false, NAMES(N(TCP_NODELAY), N(TCP_MAXSEG), N(TCP_CORK), N(TCP_KEEPIDLE), N(TCP_KEEPINTVL),
				N(TCP_KEEPCNT), N(TCP_SYNCNT), N(TCP_LINGER2), N(TCP_DEFER_ACCEPT), N(TCP_INFO),
				N(TCP_QUICKACK), N(TCP_CONGESTION), N(TCP_USER_TIMEOUT), N(TCP_FASTOPEN)) },
	{ "arch_prctl:0", false, NAMES({ "ARCH_SET_GS", 0x1001 }, { "ARCH_SET_FS", 0x1002 }, { "ARCH_GET_FS", 0x1003 },
				       { "ARCH_GET_GS", 0x1004 }) },
	{ "prctl:0", false,
	  NAMES(N(PR_SET_PDEATHSIG), N(PR_GET_PDEATHSIG), N(PR_GET_DUMPABLE), N(PR_SET_DUMPABLE), N(PR_GET_KEEPCAPS),
		N(PR_SET_KEEPCAPS), N(PR_SET_NAME), N(PR_GET_NAME), N(PR_GET_SECCOMP), N(PR_SET_SECCOMP),
		N(PR_CAPBSET_READ), N(PR_CAPBSET_DROP), N(PR_SET_TIMERSLACK), N(PR_GET_TIMERSLACK), N(PR_SET_MM),
		N(PR_SET_PTRACER), N(PR_SET_CHILD_SUBREAPER), N(PR_GET_CHILD_SUBREAPER), N(PR_SET_NO_NEW_PRIVS),
		N(PR_GET_NO_NEW_PRIVS), N(PR_SET_THP_DISABLE), N(PR_GET_THP_DISABLE), N(PR_CAP_AMBIENT),
		N(PR_SET_SECUREBITS), N(PR_GET_SECUREBITS), { "PR_SET_VMA", 0x53564d41 }) },
	{ "ioctl:1", false,
	  NAMES(N(TCGETS), N(TCSETS), N(TCSETSW), N(TCSETSF), N(TIOCGWINSZ), N(TIOCSWINSZ), N(TIOCGPGRP), N(TIOCSPGRP),
		N(TIOCSCTTY), N(TIOCNOTTY), N(TIOCGPTN), N(TIOCSPTLCK), N(TIOCGSID), N(FIONREAD), N(FIONBIO), N(FIOCLEX),
		N(FIONCLEX), N(FIOASYNC), { "SIOCGIFCONF", 0x8912 }, { "SIOCGIFFLAGS", 0x8913 },
		{ "SIOCSIFFLAGS", 0x8914 }, { "SIOCGIFADDR", 0x8915 }, { "SIOCGIFINDEX", 0x8933 },
		{ "FICLONE", 0x40049409 }, { "KVM_RUN", 0xae80 }) },
};

static bool has(const char *args, const char *call, unsigned int arg)
{
	size_t n = strlen(call);

	while (args) {
		if (!strncmp(args, call, n) && args[n] == ':' && (unsigned int)(args[n + 1] - '0') == arg)
			return true;
		args = strchr(args, ',');
		args += args != NULL;
	}
	return false;
}

const struct call_names *call_names_of(const char *call, unsigned int arg)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(tables); i++)
		if (has(tables[i].args, call, arg))
			return &tables[i];
	return NULL;
}

bool call_names_add(const struct call_names *names, int64_t v, struct ph_buf *b)
{
	const struct name *n;
	bool any = false;

	for (n = names->name; n->name; n++) {
		if (!names->flags || !v ? n->value != v : !n->value || (v & n->value) != n->value)
			continue;
		if (any)
			ph_buf_addc(b, '|');
		ph_buf_adds(b, n->name);
		any = true;
		if (!names->flags || !v)
			return true;
		v &= ~n->value;
		if (!v)
			return true;
	}
	if (any)
		ph_buf_addf(b, "|%#lx", (unsigned long)v);
	else if (names->flags && !v)
		ph_buf_addc(b, '0');
	return any || (names->flags && !v);
}
