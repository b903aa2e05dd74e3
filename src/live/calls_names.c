/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sys/timex.h>
#include <termios.h>
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
	/*
	 * "call:argument", commas between, 9: the result; @N: where its selector() is N. IP, SO, TCP …: what another
	 * number says that it is, or a field of a struct.
	 */
	const char *args;
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
	{ "sched_setscheduler:1,sched_get_priority_max:0,sched_get_priority_min:0", false,
	  NAMES(N(SCHED_OTHER), N(SCHED_FIFO), N(SCHED_RR), N(SCHED_BATCH), N(SCHED_IDLE), { "SCHED_DEADLINE", 6 }) },
	{ "setsockopt:1,getsockopt:1", false, NAMES({ "SOL_IP", 0 }, N(SOL_SOCKET), { "SOL_TCP", 6 }, { "SOL_UDP", 17 },
						    { "SOL_IPV6", 41 }, { "SOL_PACKET", 263 }, { "SOL_NETLINK", 270 }) },
	{ "IP:0", false, NAMES(N(IPPROTO_IP), N(IPPROTO_ICMP), N(IPPROTO_TCP), N(IPPROTO_UDP), N(IPPROTO_IPV6),
			       N(IPPROTO_ICMPV6), N(IPPROTO_SCTP), N(IPPROTO_RAW)) },
	{ "SO:0", false, NAMES(N(SO_DEBUG), N(SO_REUSEADDR), N(SO_TYPE), N(SO_ERROR), N(SO_DONTROUTE), N(SO_BROADCAST),
			       N(SO_SNDBUF), N(SO_RCVBUF), N(SO_KEEPALIVE), N(SO_OOBINLINE), N(SO_PRIORITY), N(SO_LINGER),
			       N(SO_REUSEPORT), N(SO_PASSCRED), N(SO_PEERCRED), N(SO_RCVLOWAT), N(SO_SNDLOWAT),
			       { "SO_RCVTIMEO_OLD", SO_RCVTIMEO }, { "SO_SNDTIMEO_OLD", SO_SNDTIMEO }, N(SO_BINDTODEVICE), N(SO_ATTACH_FILTER), N(SO_TIMESTAMP),
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
		N(PR_SET_SECUREBITS), N(PR_GET_SECUREBITS), N(PR_MCE_KILL), N(PR_MCE_KILL_GET), N(PR_GET_TID_ADDRESS),
		N(PR_GET_SPECULATION_CTRL), N(PR_SET_SPECULATION_CTRL), { "PR_SET_VMA", 0x53564d41 }) },
	{ "ioctl:1", false,
	  NAMES(N(TCGETS), N(TCSETS), N(TCSETSW), N(TCSETSF), N(TIOCGWINSZ), N(TIOCSWINSZ), N(TIOCGPGRP), N(TIOCSPGRP),
		N(TIOCSCTTY), N(TIOCNOTTY), N(TIOCGPTN), N(TIOCSPTLCK), N(TIOCGSID), N(FIONREAD), N(FIONBIO), N(FIOCLEX),
		N(FIONCLEX), N(FIOASYNC), N(TCSBRK), N(TCXONC), N(TCFLSH), N(TIOCSTI), N(TIOCOUTQ), N(TIOCMGET),
		N(TIOCEXCL), N(TIOCNXCL), N(TIOCPKT), N(TCSBRKP), { "TIOCGPTPEER", 0x5441 }, { "BLKGETSIZE64", 0x80081272 },
		{ "SIOCGIFNAME", 0x8910 }, { "SIOCGIFCONF", 0x8912 }, { "SIOCGIFFLAGS", 0x8913 },
		{ "SIOCSIFFLAGS", 0x8914 }, { "SIOCGIFADDR", 0x8915 }, { "SIOCGIFNETMASK", 0x891b },
		{ "SIOCGIFMTU", 0x8921 }, { "SIOCGIFHWADDR", 0x8927 }, { "SIOCGIFINDEX", 0x8933 },
		{ "SIOCETHTOOL", 0x8946 }, { "FICLONE", 0x40049409 }, { "FS_IOC_GETFLAGS", 0x80086601 },
		{ "FS_IOC_SETFLAGS", 0x40086602 }, { "FS_IOC_FIEMAP", 0xc020660b }, { "NS_GET_USERNS", 0xb701 },
		{ "NS_GET_PARENT", 0xb702 }, { "NS_GET_NSTYPE", 0xb703 }, { "KVM_RUN", 0xae80 },
		{ "RNDGETENTCNT", 0x80045200 }, { "LOOP_CTL_GET_FREE", 0x4c82 }, { "LOOP_SET_FD", 0x4c00 },
		{ "LOOP_CLR_FD", 0x4c01 }, { "UFFDIO_API", 0xc018aa3f }, { "TUNSETIFF", 0x400454ca }) },
	{ "fallocate:1", true, NAMES({ "FALLOC_FL_KEEP_SIZE", 1 }, { "FALLOC_FL_PUNCH_HOLE", 2 },
				     { "FALLOC_FL_COLLAPSE_RANGE", 8 }, { "FALLOC_FL_ZERO_RANGE", 16 },
				     { "FALLOC_FL_INSERT_RANGE", 32 }, { "FALLOC_FL_UNSHARE_RANGE", 64 }) },
	{ "inotify_add_watch:2", true,
	  NAMES(N(IN_ACCESS), N(IN_MODIFY), N(IN_ATTRIB), N(IN_CLOSE_WRITE), N(IN_CLOSE_NOWRITE), N(IN_OPEN),
		N(IN_MOVED_FROM), N(IN_MOVED_TO), N(IN_CREATE), N(IN_DELETE), N(IN_DELETE_SELF), N(IN_MOVE_SELF),
		N(IN_ONLYDIR), N(IN_DONT_FOLLOW), N(IN_EXCL_UNLINK), N(IN_MASK_ADD), N(IN_ISDIR), N(IN_ONESHOT)) },
	{ "splice:5,tee:3,vmsplice:3", true, NAMES({ "SPLICE_F_MOVE", 1 }, { "SPLICE_F_NONBLOCK", 2 },
						  { "SPLICE_F_MORE", 4 }, { "SPLICE_F_GIFT", 8 }) },
	{ "sync_file_range:3", true, NAMES({ "SYNC_FILE_RANGE_WAIT_BEFORE", 1 }, { "SYNC_FILE_RANGE_WRITE", 2 },
					   { "SYNC_FILE_RANGE_WAIT_AFTER", 4 }) },
	{ "membarrier:0", false,
	  NAMES({ "MEMBARRIER_CMD_QUERY", 0 }, { "MEMBARRIER_CMD_GLOBAL", 1 }, { "MEMBARRIER_CMD_GLOBAL_EXPEDITED", 2 },
		{ "MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED", 4 }, { "MEMBARRIER_CMD_PRIVATE_EXPEDITED", 8 },
		{ "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED", 16 }, { "MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE", 32 },
		{ "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE", 64 },
		{ "MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ", 128 }, { "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ", 256 }) },
	{ "seccomp:0", false, NAMES({ "SECCOMP_SET_MODE_STRICT", 0 }, { "SECCOMP_SET_MODE_FILTER", 1 },
				    { "SECCOMP_GET_ACTION_AVAIL", 2 }, { "SECCOMP_GET_NOTIF_SIZES", 3 }) },
	{ "seccomp:1", true, NAMES({ "SECCOMP_FILTER_FLAG_TSYNC", 1 }, { "SECCOMP_FILTER_FLAG_LOG", 2 },
				   { "SECCOMP_FILTER_FLAG_SPEC_ALLOW", 4 }, { "SECCOMP_FILTER_FLAG_NEW_LISTENER", 8 },
				   { "SECCOMP_FILTER_FLAG_TSYNC_ESRCH", 16 }) },
	{ "keyctl:0", false, NAMES({ "KEYCTL_GET_KEYRING_ID", 0 }, { "KEYCTL_JOIN_SESSION_KEYRING", 1 }, { "KEYCTL_UPDATE", 2 },
				   { "KEYCTL_REVOKE", 3 }, { "KEYCTL_CHOWN", 4 }, { "KEYCTL_SETPERM", 5 },
				   { "KEYCTL_DESCRIBE", 6 }, { "KEYCTL_CLEAR", 7 }, { "KEYCTL_LINK", 8 },
				   { "KEYCTL_UNLINK", 9 }, { "KEYCTL_SEARCH", 10 }, { "KEYCTL_READ", 11 }) },
	{ "shmget:0,semget:0,msgget:0", false, NAMES({ "IPC_PRIVATE", 0 }) },
	{ "IPC:0", true, NAMES({ "IPC_CREAT", 01000 }, { "IPC_EXCL", 02000 }) },
	{ "mlockall:0", true, NAMES(N(MCL_CURRENT), N(MCL_FUTURE), N(MCL_ONFAULT)) },
	{ "pkey_alloc:1", true, NAMES({ "PKEY_DISABLE_ACCESS", 1 }, { "PKEY_DISABLE_WRITE", 2 }) },
	{ "mlock2:2", true, NAMES({ "MLOCK_ONFAULT", 1 }) },
	{ "pidfd_open:1", true, NAMES({ "PIDFD_NONBLOCK", O_NONBLOCK }) },
	{ "setxattr:4,lsetxattr:4,fsetxattr:4", true, NAMES({ "XATTR_CREATE", 1 }, { "XATTR_REPLACE", 2 }) },
	{ "ioprio_get:0,ioprio_set:0", false, NAMES({ "IOPRIO_WHO_PROCESS", 1 }, { "IOPRIO_WHO_PGRP", 2 },
						    { "IOPRIO_WHO_USER", 3 }) },
	{ "ptrace:0", false,
	  NAMES({ "PTRACE_TRACEME", 0 }, { "PTRACE_PEEKTEXT", 1 }, { "PTRACE_PEEKDATA", 2 }, { "PTRACE_PEEKUSER", 3 },
		{ "PTRACE_POKETEXT", 4 }, { "PTRACE_POKEDATA", 5 }, { "PTRACE_POKEUSER", 6 }, { "PTRACE_CONT", 7 },
		{ "PTRACE_KILL", 8 }, { "PTRACE_SINGLESTEP", 9 }, { "PTRACE_GETREGS", 12 }, { "PTRACE_SETREGS", 13 },
		{ "PTRACE_ATTACH", 16 }, { "PTRACE_DETACH", 17 }, { "PTRACE_SYSCALL", 24 }, { "PTRACE_SETOPTIONS", 0x4200 },
		{ "PTRACE_GETEVENTMSG", 0x4201 }, { "PTRACE_GETSIGINFO", 0x4202 }, { "PTRACE_GETREGSET", 0x4204 },
		{ "PTRACE_SETREGSET", 0x4205 }, { "PTRACE_SEIZE", 0x4206 }, { "PTRACE_INTERRUPT", 0x4207 },
		{ "PTRACE_LISTEN", 0x4208 }, { "PTRACE_GET_SYSCALL_INFO", 0x420e }) },
	{ "IPOPT:0", false, NAMES(N(IP_TOS), N(IP_TTL), N(IP_HDRINCL), N(IP_OPTIONS), N(IP_RECVOPTS), N(IP_PKTINFO),
				  N(IP_MTU_DISCOVER), N(IP_RECVERR), N(IP_RECVTTL), N(IP_RECVTOS), N(IP_MTU), N(IP_FREEBIND),
				  N(IP_TRANSPARENT), N(IP_BIND_ADDRESS_NO_PORT), N(IP_MULTICAST_IF), N(IP_MULTICAST_TTL),
				  N(IP_MULTICAST_LOOP), N(IP_ADD_MEMBERSHIP), N(IP_DROP_MEMBERSHIP)) },
	{ "IPV6OPT:0", false, NAMES(N(IPV6_UNICAST_HOPS), N(IPV6_MULTICAST_IF), N(IPV6_MULTICAST_HOPS), N(IPV6_MULTICAST_LOOP),
				    N(IPV6_MTU_DISCOVER), N(IPV6_MTU), N(IPV6_RECVERR), N(IPV6_V6ONLY), N(IPV6_RECVPKTINFO),
				    N(IPV6_RECVHOPLIMIT), N(IPV6_TCLASS), N(IPV6_FREEBIND)) },
	{ "DUMP:0", false, NAMES({ "SUID_DUMP_DISABLE", 0 }, { "SUID_DUMP_USER", 1 }, { "SUID_DUMP_ROOT", 2 }) },
	{ "sched_getscheduler:9", false, NAMES(N(SCHED_OTHER), N(SCHED_FIFO), N(SCHED_RR), N(SCHED_BATCH), N(SCHED_IDLE)) },
	{ "adjtimex:9,clock_adjtime:9", false, NAMES(N(TIME_OK), N(TIME_INS), N(TIME_DEL), N(TIME_OOP), N(TIME_WAIT), N(TIME_ERROR)) },
	{ "prctl:9@3", false, NAMES({ "SUID_DUMP_DISABLE", 0 }, { "SUID_DUMP_USER", 1 }, { "SUID_DUMP_ROOT", 2 }) },
	{ "prctl:9@27,prctl:1@28", true, NAMES({ "SECBIT_NOROOT", 1 }, { "SECBIT_NOROOT_LOCKED", 2 }, { "SECBIT_NO_SETUID_FIXUP", 4 },
					       { "SECBIT_NO_SETUID_FIXUP_LOCKED", 8 }, { "SECBIT_KEEP_CAPS", 16 },
					       { "SECBIT_KEEP_CAPS_LOCKED", 32 }, { "SECBIT_NO_CAP_AMBIENT_RAISE", 64 },
					       { "SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED", 128 }) },
	{ "prctl:1@47", false, NAMES({ "PR_CAP_AMBIENT_IS_SET", 1 }, { "PR_CAP_AMBIENT_RAISE", 2 }, { "PR_CAP_AMBIENT_LOWER", 3 },
				     { "PR_CAP_AMBIENT_CLEAR_ALL", 4 }) },
	{ "prctl:1@1499557217", false, NAMES({ "PR_SET_PTRACER_ANY", -1 }) },
	{ "prctl:1@52,prctl:1@53", false, NAMES({ "PR_SPEC_STORE_BYPASS", 0 }, { "PR_SPEC_INDIRECT_BRANCH", 1 },
						{ "PR_SPEC_L1D_FLUSH", 2 }) },
	{ "prctl:9@52", true, NAMES({ "PR_SPEC_NOT_AFFECTED", 0 }, { "PR_SPEC_PRCTL", 1 }, { "PR_SPEC_ENABLE", 2 },
				    { "PR_SPEC_DISABLE", 4 }, { "PR_SPEC_FORCE_DISABLE", 8 }, { "PR_SPEC_DISABLE_NOEXEC", 16 }) },
	{ "prctl:1@1398164801", false, NAMES({ "PR_SET_VMA_ANON_NAME", 0 }) },
	{ "prctl:1@22", false, NAMES({ "SECCOMP_MODE_DISABLED", 0 }, { "SECCOMP_MODE_STRICT", 1 }, { "SECCOMP_MODE_FILTER", 2 }) },
	{ "personality:9", false, NAMES({ "PER_LINUX", 0 }, { "PER_LINUX|ADDR_NO_RANDOMIZE", 0x40000 }) },
	{ "fcntl:2@1024", false, NAMES({ "F_RDLCK", 0 }, { "F_WRLCK", 1 }, { "F_UNLCK", 2 }) },
	{ "fcntl:2@1033,fcntl:9@1034", true, NAMES({ "F_SEAL_SEAL", 1 }, { "F_SEAL_SHRINK", 2 }, { "F_SEAL_GROW", 4 },
						   { "F_SEAL_WRITE", 8 }, { "F_SEAL_FUTURE_WRITE", 16 }, { "F_SEAL_EXEC", 32 }) },
	{ "bpf:0", false, NAMES(N(BPF_MAP_CREATE), N(BPF_MAP_LOOKUP_ELEM), N(BPF_MAP_UPDATE_ELEM), N(BPF_MAP_DELETE_ELEM),
				N(BPF_MAP_GET_NEXT_KEY), N(BPF_PROG_LOAD), N(BPF_OBJ_PIN), N(BPF_OBJ_GET), N(BPF_PROG_ATTACH),
				N(BPF_PROG_DETACH), N(BPF_PROG_TEST_RUN), N(BPF_PROG_GET_NEXT_ID), N(BPF_MAP_GET_NEXT_ID),
				N(BPF_PROG_GET_FD_BY_ID), N(BPF_MAP_GET_FD_BY_ID), N(BPF_OBJ_GET_INFO_BY_FD), N(BPF_PROG_QUERY),
				N(BPF_RAW_TRACEPOINT_OPEN), N(BPF_BTF_LOAD), N(BPF_BTF_GET_FD_BY_ID), N(BPF_TASK_FD_QUERY),
				N(BPF_MAP_LOOKUP_AND_DELETE_ELEM), N(BPF_MAP_FREEZE), N(BPF_BTF_GET_NEXT_ID), N(BPF_MAP_LOOKUP_BATCH),
				N(BPF_MAP_LOOKUP_AND_DELETE_BATCH), N(BPF_MAP_UPDATE_BATCH), N(BPF_MAP_DELETE_BATCH),
				N(BPF_LINK_CREATE), N(BPF_LINK_UPDATE), N(BPF_LINK_GET_FD_BY_ID), N(BPF_LINK_GET_NEXT_ID),
				N(BPF_ENABLE_STATS), N(BPF_ITER_CREATE), N(BPF_LINK_DETACH), N(BPF_PROG_BIND_MAP)) },
	{ "perf_event_open:4", true, NAMES(N(PERF_FLAG_FD_NO_GROUP), N(PERF_FLAG_FD_OUTPUT), N(PERF_FLAG_PID_CGROUP),
					   N(PERF_FLAG_FD_CLOEXEC)) },
	{ "io_uring_enter:3", true, NAMES({ "IORING_ENTER_GETEVENTS", 1 }, { "IORING_ENTER_SQ_WAKEUP", 2 }, { "IORING_ENTER_SQ_WAIT", 4 },
					  { "IORING_ENTER_EXT_ARG", 8 }, { "IORING_ENTER_REGISTERED_RING", 16 }) },
	{ "io_uring_register:1", false,
	  NAMES({ "IORING_REGISTER_BUFFERS", 0 }, { "IORING_UNREGISTER_BUFFERS", 1 }, { "IORING_REGISTER_FILES", 2 },
		{ "IORING_UNREGISTER_FILES", 3 }, { "IORING_REGISTER_EVENTFD", 4 }, { "IORING_UNREGISTER_EVENTFD", 5 },
		{ "IORING_REGISTER_FILES_UPDATE", 6 }, { "IORING_REGISTER_EVENTFD_ASYNC", 7 }, { "IORING_REGISTER_PROBE", 8 },
		{ "IORING_REGISTER_PERSONALITY", 9 }, { "IORING_UNREGISTER_PERSONALITY", 10 }, { "IORING_REGISTER_RESTRICTIONS", 11 },
		{ "IORING_REGISTER_ENABLE_RINGS", 12 }, { "IORING_REGISTER_RING_FDS", 20 }, { "IORING_REGISTER_PBUF_RING", 22 }) },
	{ "shmctl:1,semctl:2,msgctl:1", false,
	  NAMES({ "IPC_RMID", 0 }, { "IPC_SET", 1 }, { "IPC_STAT", 2 }, { "IPC_INFO", 3 }, { "GETPID", 11 }, { "GETVAL", 12 },
		{ "GETALL", 13 }, { "GETNCNT", 14 }, { "GETZCNT", 15 }, { "SETVAL", 16 }, { "SETALL", 17 }) },
	{ "msgrcv:4,msgsnd:3", true, NAMES({ "IPC_NOWAIT", 04000 }, { "MSG_NOERROR", 010000 }, { "MSG_EXCEPT", 020000 }) },
	{ "NETLINK:0", false, NAMES(N(NETLINK_ADD_MEMBERSHIP), N(NETLINK_DROP_MEMBERSHIP), N(NETLINK_PKTINFO), N(NETLINK_NO_ENOBUFS),
				    N(NETLINK_LISTEN_ALL_NSID), N(NETLINK_CAP_ACK), N(NETLINK_EXT_ACK), N(NETLINK_GET_STRICT_CHK)) },
	{ "NETLINK_PROTO:0", false, NAMES(N(NETLINK_ROUTE), N(NETLINK_SOCK_DIAG), N(NETLINK_XFRM), N(NETLINK_SELINUX), N(NETLINK_AUDIT),
					  N(NETLINK_NETFILTER), N(NETLINK_KOBJECT_UEVENT), N(NETLINK_GENERIC), N(NETLINK_CRYPTO)) },
	{ "userfaultfd:0", true, NAMES(N(O_CLOEXEC), N(O_NONBLOCK)) },
	{ "fsopen:1", true, NAMES({ "FSOPEN_CLOEXEC", 1 }) },
	{ "fsmount:1", true, NAMES({ "FSMOUNT_CLOEXEC", 1 }) },
	{ "fsconfig:1", false, NAMES({ "FSCONFIG_SET_FLAG", 0 }, { "FSCONFIG_SET_STRING", 1 }, { "FSCONFIG_SET_BINARY", 2 },
				     { "FSCONFIG_SET_PATH", 3 }, { "FSCONFIG_SET_PATH_EMPTY", 4 }, { "FSCONFIG_SET_FD", 5 },
				     { "FSCONFIG_CMD_CREATE", 6 }, { "FSCONFIG_CMD_RECONFIGURE", 7 }) },
	{ "landlock_create_ruleset:2", true, NAMES({ "LANDLOCK_CREATE_RULESET_VERSION", 1 }) },
	{ "set_mempolicy:0,mbind:2", false, NAMES({ "MPOL_DEFAULT", 0 }, { "MPOL_PREFERRED", 1 }, { "MPOL_BIND", 2 },
						  { "MPOL_INTERLEAVE", 3 }, { "MPOL_LOCAL", 4 }) },
	{ "kcmp:2", false, NAMES({ "KCMP_FILE", 0 }, { "KCMP_VM", 1 }, { "KCMP_FILES", 2 }, { "KCMP_FS", 3 }, { "KCMP_SIGHAND", 4 },
				 { "KCMP_IO", 5 }, { "KCMP_SYSVSEM", 6 }, { "KCMP_EPOLL_TFD", 7 }) },
	{ "add_key:4,request_key:3", false, NAMES({ "KEY_SPEC_THREAD_KEYRING", -1 }, { "KEY_SPEC_PROCESS_KEYRING", -2 },
						  { "KEY_SPEC_SESSION_KEYRING", -3 }, { "KEY_SPEC_USER_KEYRING", -4 },
						  { "KEY_SPEC_USER_SESSION_KEYRING", -5 }) },
	/* The same, in half a word. */
	{ "keyctl:1@0,keyctl:1@5,keyctl:1@6,keyctl:1@7,keyctl:1@8,keyctl:2@8,keyctl:1@9,keyctl:2@9,keyctl:1@10,keyctl:1@11", false,
	  NAMES({ "KEY_SPEC_THREAD_KEYRING", 0xffffffff }, { "KEY_SPEC_PROCESS_KEYRING", 0xfffffffe },
		{ "KEY_SPEC_SESSION_KEYRING", 0xfffffffd }, { "KEY_SPEC_USER_KEYRING", 0xfffffffc },
		{ "KEY_SPEC_USER_SESSION_KEYRING", 0xfffffffb }) },
	{ "membarrier:9@0", true,
	  NAMES({ "MEMBARRIER_CMD_GLOBAL", 1 }, { "MEMBARRIER_CMD_GLOBAL_EXPEDITED", 2 },
		{ "MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED", 4 }, { "MEMBARRIER_CMD_PRIVATE_EXPEDITED", 8 },
		{ "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED", 16 }, { "MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE", 32 },
		{ "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE", 64 },
		{ "MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ", 128 }, { "MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ", 256 }) },
	/* In structs: */
	{ "RESOLVE:0", true, NAMES({ "RESOLVE_NO_XDEV", 1 }, { "RESOLVE_NO_MAGICLINKS", 2 }, { "RESOLVE_NO_SYMLINKS", 4 },
				   { "RESOLVE_BENEATH", 8 }, { "RESOLVE_IN_ROOT", 16 }, { "RESOLVE_CACHED", 32 }) },
	{ "BPF_ELEM:0", false, NAMES(N(BPF_ANY), N(BPF_NOEXIST), N(BPF_EXIST), N(BPF_F_LOCK)) },
	{ "BPF_MAP_TYPE:0", false,
	  NAMES(N(BPF_MAP_TYPE_HASH), N(BPF_MAP_TYPE_ARRAY), N(BPF_MAP_TYPE_PROG_ARRAY), N(BPF_MAP_TYPE_PERF_EVENT_ARRAY),
		N(BPF_MAP_TYPE_PERCPU_HASH), N(BPF_MAP_TYPE_PERCPU_ARRAY), N(BPF_MAP_TYPE_STACK_TRACE), N(BPF_MAP_TYPE_CGROUP_ARRAY),
		N(BPF_MAP_TYPE_LRU_HASH), N(BPF_MAP_TYPE_LRU_PERCPU_HASH), N(BPF_MAP_TYPE_LPM_TRIE), N(BPF_MAP_TYPE_ARRAY_OF_MAPS),
		N(BPF_MAP_TYPE_HASH_OF_MAPS), N(BPF_MAP_TYPE_SOCKMAP), N(BPF_MAP_TYPE_SOCKHASH), N(BPF_MAP_TYPE_SK_STORAGE),
		N(BPF_MAP_TYPE_STRUCT_OPS), N(BPF_MAP_TYPE_RINGBUF), N(BPF_MAP_TYPE_INODE_STORAGE), N(BPF_MAP_TYPE_TASK_STORAGE)) },
	{ "BPF_PROG_TYPE:0", false,
	  NAMES(N(BPF_PROG_TYPE_UNSPEC), N(BPF_PROG_TYPE_SOCKET_FILTER), N(BPF_PROG_TYPE_KPROBE), N(BPF_PROG_TYPE_SCHED_CLS),
		N(BPF_PROG_TYPE_SCHED_ACT), N(BPF_PROG_TYPE_TRACEPOINT), N(BPF_PROG_TYPE_XDP), N(BPF_PROG_TYPE_PERF_EVENT),
		N(BPF_PROG_TYPE_CGROUP_SKB), N(BPF_PROG_TYPE_CGROUP_SOCK), N(BPF_PROG_TYPE_SOCK_OPS), N(BPF_PROG_TYPE_SK_SKB),
		N(BPF_PROG_TYPE_CGROUP_DEVICE), N(BPF_PROG_TYPE_SK_MSG), N(BPF_PROG_TYPE_RAW_TRACEPOINT),
		N(BPF_PROG_TYPE_CGROUP_SOCK_ADDR), N(BPF_PROG_TYPE_CGROUP_SYSCTL), N(BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE),
		N(BPF_PROG_TYPE_CGROUP_SOCKOPT), N(BPF_PROG_TYPE_TRACING), N(BPF_PROG_TYPE_STRUCT_OPS), N(BPF_PROG_TYPE_EXT),
		N(BPF_PROG_TYPE_LSM), N(BPF_PROG_TYPE_SK_LOOKUP), N(BPF_PROG_TYPE_SYSCALL)) },
	{ "BPF_ATTACH:0", false,
	  NAMES(N(BPF_CGROUP_INET_INGRESS), N(BPF_CGROUP_INET_EGRESS), N(BPF_CGROUP_INET_SOCK_CREATE), N(BPF_CGROUP_SOCK_OPS),
		N(BPF_CGROUP_DEVICE), N(BPF_CGROUP_SYSCTL), N(BPF_TRACE_RAW_TP), N(BPF_TRACE_FENTRY), N(BPF_TRACE_FEXIT),
		N(BPF_MODIFY_RETURN), N(BPF_LSM_MAC), N(BPF_TRACE_ITER), N(BPF_XDP), N(BPF_PERF_EVENT)) },
	{ "PERF_TYPE:0", false, NAMES(N(PERF_TYPE_HARDWARE), N(PERF_TYPE_SOFTWARE), N(PERF_TYPE_TRACEPOINT), N(PERF_TYPE_HW_CACHE),
				      N(PERF_TYPE_RAW), N(PERF_TYPE_BREAKPOINT)) },
	{ "PERF_SAMPLE:0", true, NAMES(N(PERF_SAMPLE_IP), N(PERF_SAMPLE_TID), N(PERF_SAMPLE_TIME), N(PERF_SAMPLE_ADDR), N(PERF_SAMPLE_READ),
				       N(PERF_SAMPLE_CALLCHAIN), N(PERF_SAMPLE_ID), N(PERF_SAMPLE_CPU), N(PERF_SAMPLE_PERIOD),
				       N(PERF_SAMPLE_STREAM_ID), N(PERF_SAMPLE_RAW), N(PERF_SAMPLE_BRANCH_STACK),
				       N(PERF_SAMPLE_REGS_USER), N(PERF_SAMPLE_STACK_USER), N(PERF_SAMPLE_WEIGHT),
				       N(PERF_SAMPLE_DATA_SRC), N(PERF_SAMPLE_IDENTIFIER)) },
	{ "PERF_FORMAT:0", true, NAMES(N(PERF_FORMAT_TOTAL_TIME_ENABLED), N(PERF_FORMAT_TOTAL_TIME_RUNNING), N(PERF_FORMAT_ID),
				       N(PERF_FORMAT_GROUP)) },
	{ "PERF_ATTR:0", true,
	  NAMES({ "disabled", 1 }, { "inherit", 2 }, { "pinned", 4 }, { "exclusive", 8 }, { "exclude_user", 16 }, { "exclude_kernel", 32 },
		{ "exclude_hv", 64 }, { "exclude_idle", 128 }, { "mmap", 256 }, { "comm", 512 }, { "freq", 1024 },
		{ "inherit_stat", 2048 }, { "enable_on_exec", 4096 }, { "task", 8192 }, { "watermark", 16384 }, { "mmap_data", 1 << 17 },
		{ "sample_id_all", 1 << 18 }, { "exclude_host", 1 << 19 }, { "exclude_guest", 1 << 20 }, { "mmap2", 1 << 23 },
		{ "comm_exec", 1 << 24 }, { "use_clockid", 1 << 25 }, { "context_switch", 1 << 26 }) },
	{ "IORING_SETUP:0", true,
	  NAMES({ "IORING_SETUP_IOPOLL", 1 }, { "IORING_SETUP_SQPOLL", 2 }, { "IORING_SETUP_SQ_AFF", 4 }, { "IORING_SETUP_CQSIZE", 8 },
		{ "IORING_SETUP_CLAMP", 16 }, { "IORING_SETUP_ATTACH_WQ", 32 }, { "IORING_SETUP_R_DISABLED", 64 },
		{ "IORING_SETUP_SUBMIT_ALL", 128 }, { "IORING_SETUP_COOP_TASKRUN", 256 }, { "IORING_SETUP_TASKRUN_FLAG", 512 },
		{ "IORING_SETUP_SQE128", 1024 }, { "IORING_SETUP_CQE32", 2048 }, { "IORING_SETUP_SINGLE_ISSUER", 4096 },
		{ "IORING_SETUP_DEFER_TASKRUN", 8192 }) },
	{ "IORING_FEAT:0", true,
	  NAMES({ "IORING_FEAT_SINGLE_MMAP", 1 }, { "IORING_FEAT_NODROP", 2 }, { "IORING_FEAT_SUBMIT_STABLE", 4 },
		{ "IORING_FEAT_RW_CUR_POS", 8 }, { "IORING_FEAT_CUR_PERSONALITY", 16 }, { "IORING_FEAT_FAST_POLL", 32 },
		{ "IORING_FEAT_POLL_32BITS", 64 }, { "IORING_FEAT_SQPOLL_NONFIXED", 128 }, { "IORING_FEAT_EXT_ARG", 256 },
		{ "IORING_FEAT_NATIVE_WORKERS", 512 }, { "IORING_FEAT_RSRC_TAGS", 1024 }, { "IORING_FEAT_CQE_SKIP", 2048 },
		{ "IORING_FEAT_LINKED_FILE", 4096 }) },
	{ "ADJ:0", true, NAMES(N(ADJ_OFFSET), N(ADJ_FREQUENCY), N(ADJ_MAXERROR), N(ADJ_ESTERROR), N(ADJ_STATUS), N(ADJ_TIMECONST),
			       { "ADJ_TAI", 0x80 }, N(ADJ_SETOFFSET), N(ADJ_MICRO), N(ADJ_NANO), N(ADJ_TICK)) },
	{ "STA:0", true, NAMES(N(STA_PLL), N(STA_PPSFREQ), N(STA_PPSTIME), N(STA_FLL), N(STA_INS), N(STA_DEL), N(STA_UNSYNC),
			       N(STA_FREQHOLD), N(STA_PPSSIGNAL), N(STA_PPSJITTER), N(STA_PPSWANDER), N(STA_PPSERROR), N(STA_CLOCKERR),
			       N(STA_NANO), N(STA_MODE), N(STA_CLK)) },
	{ "SCHED_FLAG:0", true, NAMES({ "SCHED_FLAG_RESET_ON_FORK", 1 }, { "SCHED_FLAG_RECLAIM", 2 }, { "SCHED_FLAG_DL_OVERRUN", 4 },
				      { "SCHED_FLAG_KEEP_POLICY", 8 }, { "SCHED_FLAG_KEEP_PARAMS", 16 },
				      { "SCHED_FLAG_UTIL_CLAMP_MIN", 32 }, { "SCHED_FLAG_UTIL_CLAMP_MAX", 64 }) },
	{ "SEM:0", true, NAMES({ "SEM_UNDO", 0x1000 }, { "IPC_NOWAIT", 04000 }) },
	{ "SIGEV:0", false, NAMES({ "SIGEV_SIGNAL", 0 }, { "SIGEV_NONE", 1 }, { "SIGEV_THREAD", 2 }, { "SIGEV_THREAD_ID", 4 }) },
	{ "MOUNT_ATTR:0", true, NAMES({ "MOUNT_ATTR_RDONLY", 1 }, { "MOUNT_ATTR_NOSUID", 2 }, { "MOUNT_ATTR_NODEV", 4 },
				      { "MOUNT_ATTR_NOEXEC", 8 }, { "MOUNT_ATTR_NOATIME", 16 }, { "MOUNT_ATTR_STRICTATIME", 32 },
				      { "MOUNT_ATTR_NODIRATIME", 128 }, { "MOUNT_ATTR_IDMAP", 0x100000 },
				      { "MOUNT_ATTR_NOSYMFOLLOW", 0x200000 }) },
	{ "F_OWNER:0", false, NAMES({ "F_OWNER_TID", 0 }, { "F_OWNER_PID", 1 }, { "F_OWNER_PGRP", 2 }) },
	{ "IFF:0", true, NAMES(N(IFF_UP), N(IFF_BROADCAST), N(IFF_DEBUG), N(IFF_LOOPBACK), N(IFF_POINTOPOINT), N(IFF_RUNNING), N(IFF_NOARP),
			       N(IFF_PROMISC), N(IFF_ALLMULTI), N(IFF_MULTICAST)) },
	{ "STATX_ATTR:0", true, NAMES({ "STATX_ATTR_COMPRESSED", 4 }, { "STATX_ATTR_IMMUTABLE", 0x10 },
				      { "STATX_ATTR_APPEND", 0x20 }, { "STATX_ATTR_NODUMP", 0x40 },
				      { "STATX_ATTR_ENCRYPTED", 0x800 }, { "STATX_ATTR_AUTOMOUNT", 0x1000 },
				      { "STATX_ATTR_MOUNT_ROOT", 0x2000 }, { "STATX_ATTR_VERITY", 0x100000 },
				      { "STATX_ATTR_DAX", 0x200000 }) },
	{ "MAGIC:0", false,
	  NAMES({ "EXT2_SUPER_MAGIC", 0xef53 }, { "PROC_SUPER_MAGIC", 0x9fa0 }, { "TMPFS_MAGIC", 0x01021994 },
		{ "OVERLAYFS_SUPER_MAGIC", 0x794c7630 }, { "SYSFS_MAGIC", 0x62656572 }, { "CGROUP2_SUPER_MAGIC", 0x63677270 },
		{ "CGROUP_SUPER_MAGIC", 0x27e0eb }, { "BTRFS_SUPER_MAGIC", 0x9123683e }, { "XFS_SUPER_MAGIC", 0x58465342 },
		{ "NFS_SUPER_MAGIC", 0x6969 }, { "DEVPTS_SUPER_MAGIC", 0x1cd1 }, { "SQUASHFS_MAGIC", 0x73717368 },
		{ "FUSE_SUPER_MAGIC", 0x65735546 }, { "RAMFS_MAGIC", 0x858458f6 }, { "SELINUX_MAGIC", 0xf97cff8c },
		{ "MSDOS_SUPER_MAGIC", 0x4d44 }, { "HUGETLBFS_MAGIC", 0x958458f6 }, { "BPF_FS_MAGIC", 0xcafe4a11 },
		{ "TRACEFS_MAGIC", 0x74726163 }, { "DEBUGFS_MAGIC", 0x64626720 }, { "SECURITYFS_MAGIC", 0x73636673 },
		{ "PIPEFS_MAGIC", 0x50495045 }, { "SOCKFS_MAGIC", 0x534f434b }, { "V9FS_MAGIC", 0x01021997 },
		{ "NSFS_MAGIC", 0x6e736673 }, { "ISOFS_SUPER_MAGIC", 0x9660 }) },
	{ "ST:0", true, NAMES({ "ST_VALID", 0x20 }, { "ST_RDONLY", 1 }, { "ST_NOSUID", 2 }, { "ST_NODEV", 4 },
			      { "ST_NOEXEC", 8 }, { "ST_SYNCHRONOUS", 16 }, { "ST_MANDLOCK", 64 }, { "ST_NOATIME", 0x400 },
			      { "ST_NODIRATIME", 0x800 }, { "ST_RELATIME", 0x1000 }, { "ST_NOSYMFOLLOW", 0x2000 }) },
	{ "TERM_I:0", true, NAMES(N(IGNBRK), N(BRKINT), N(IGNPAR), N(PARMRK), N(INPCK), N(ISTRIP), N(INLCR), N(IGNCR), N(ICRNL),
				  { "IUCLC", 0x200 }, N(IXON), N(IXANY), N(IXOFF), N(IMAXBEL), N(IUTF8)) },
	{ "TERM_O:0", true, NAMES(N(OPOST), { "OLCUC", 2 }, N(ONLCR), N(OCRNL), N(ONOCR), N(ONLRET), N(OFILL), N(OFDEL)) },
	{ "TERM_C:0", true, NAMES(N(CSTOPB), N(CREAD), N(PARENB), N(PARODD), N(HUPCL), N(CLOCAL)) },
	{ "TERM_SPEED:0", false, NAMES(N(B0), N(B50), N(B75), N(B110), N(B134), N(B150), N(B200), N(B300), N(B600), N(B1200),
				       N(B1800), N(B2400), N(B4800), N(B9600), N(B19200), N(B38400), N(B57600), N(B115200),
				       N(B230400), N(B460800), N(B921600)) },
	{ "TERM_L:0", true, NAMES(N(ISIG), N(ICANON), { "XCASE", 4 }, N(ECHO), N(ECHOE), N(ECHOK), N(ECHONL), N(NOFLSH),
				  N(TOSTOP), { "IEXTEN", 0x8000 }, { "ECHOCTL", 0x200 }, { "ECHOPRT", 0x400 },
				  { "ECHOKE", 0x800 }, { "FLUSHO", 0x1000 }, { "PENDIN", 0x4000 }) },
	{ "SI:0", false, NAMES({ "SI_USER", 0 }, { "SI_KERNEL", 0x80 }, { "SI_QUEUE", -1 }, { "SI_TIMER", -2 },
			       { "SI_MESGQ", -3 }, { "SI_ASYNCIO", -4 }, { "SI_SIGIO", -5 }, { "SI_TKILL", -6 }) },
	{ "CLD:0", false, NAMES({ "CLD_EXITED", 1 }, { "CLD_KILLED", 2 }, { "CLD_DUMPED", 3 }, { "CLD_TRAPPED", 4 },
				{ "CLD_STOPPED", 5 }, { "CLD_CONTINUED", 6 }) },
	{ "SEGV:0", false, NAMES({ "SEGV_MAPERR", 1 }, { "SEGV_ACCERR", 2 }, { "SEGV_BNDERR", 3 }, { "SEGV_PKUERR", 4 },
				 { "SEGV_MTEAERR", 8 }, { "SEGV_MTESERR", 9 }, { "SEGV_CPERR", 10 }) },
	{ "BUS:0", false, NAMES({ "BUS_ADRALN", 1 }, { "BUS_ADRERR", 2 }, { "BUS_OBJERR", 3 }, { "BUS_MCEERR_AR", 4 },
				{ "BUS_MCEERR_AO", 5 }) },
	{ "ILL:0", false, NAMES({ "ILL_ILLOPC", 1 }, { "ILL_ILLOPN", 2 }, { "ILL_ILLADR", 3 }, { "ILL_ILLTRP", 4 },
				{ "ILL_PRVOPC", 5 }, { "ILL_PRVREG", 6 }, { "ILL_COPROC", 7 }, { "ILL_BADSTK", 8 }) },
	{ "FPE:0", false, NAMES({ "FPE_INTDIV", 1 }, { "FPE_INTOVF", 2 }, { "FPE_FLTDIV", 3 }, { "FPE_FLTOVF", 4 },
				{ "FPE_FLTUND", 5 }, { "FPE_FLTRES", 6 }, { "FPE_FLTINV", 7 }, { "FPE_FLTSUB", 8 }) },
	{ "TRAP:0", false, NAMES({ "TRAP_BRKPT", 1 }, { "TRAP_TRACE", 2 }, { "TRAP_BRANCH", 3 }, { "TRAP_HWBKPT", 4 },
				 { "TRAP_UNK", 5 }, { "TRAP_PERF", 6 }) },
	{ "POLL:0", false, NAMES({ "POLL_IN", 1 }, { "POLL_OUT", 2 }, { "POLL_MSG", 3 }, { "POLL_ERR", 4 }, { "POLL_PRI", 5 },
				 { "POLL_HUP", 6 }) },
	{ "SYS:0", false, NAMES({ "SYS_SECCOMP", 1 }, { "SYS_USER_DISPATCH", 2 }) },
	{ "SS:0", true, NAMES({ "SS_ONSTACK", 1 }, { "SS_DISABLE", 2 }, { "SS_AUTODISARM", 0x80000000 }) },
	{ "SCM:0", false, NAMES({ "SCM_RIGHTS", 1 }, { "SCM_CREDENTIALS", 2 }, { "SCM_SECURITY", 3 },
				{ "SO_TIMESTAMP_OLD", 29 }) },
	{ "CAP_VERSION:0", false, NAMES({ "_LINUX_CAPABILITY_VERSION_1", 0x19980330 },
					{ "_LINUX_CAPABILITY_VERSION_2", 0x20071026 },
					{ "_LINUX_CAPABILITY_VERSION_3", 0x20080522 }) },
};

/* The argument that says what the others are. */
static unsigned int selector(const char *call)
{
	return !strcmp(call, "fcntl") || !strcmp(call, "ioctl") || !strcmp(call, "shmctl");
}

/* @call is NULL: of what depends on a selector nothing matches. */
static bool has(const char *args, const char *name, unsigned int arg, const struct ph_call *call)
{
	size_t n = strlen(name);

	for (; args; args = strchr(args, ',') ? strchr(args, ',') + 1 : NULL) {
		if (strncmp(args, name, n) || args[n] != ':' || (unsigned int)(args[n + 1] - '0') != arg)
			continue;
		if (args[n + 2] != '@' || (call && (uint32_t)call->value[selector(name)] == strtoul(args + n + 3, NULL, 10)))
			return true;
	}
	return false;
}

const struct call_names *call_names_of(const char *call, unsigned int arg)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(tables); i++)
		if (has(tables[i].args, call, arg, NULL))
			return &tables[i];
	return NULL;
}

const struct call_names *call_names_by(const char *key)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(tables); i++) {
		const char *at = strstr(tables[i].args, key);
		size_t n = strlen(key);

		if (at && (at == tables[i].args || at[-1] == ',') && (!at[n] || at[n] == ',' || !strcmp(at + n, ":0")))
			return &tables[i];
	}
	return NULL;
}

bool call_names_match(const char *args, const struct ph_call *call, unsigned int arg)
{
	return has(args, call->cc->sc->name, arg, call);
}

bool call_names_selected(const char *call)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(tables); i++) {
		const char *at = strstr(tables[i].args, call);

		if (at && at[strlen(call)] == ':' && at[strlen(call) + 2] == '@')
			return true;
	}
	return false;
}

bool call_names_result(const char *call)
{
	ph_autofree char *key = ph_asprintf("%s:%d", call, CALL_RESULT);

	for (size_t i = 0; i < PH_ARRAY_SIZE(tables); i++)
		if (strstr(tables[i].args, key))
			return true;
	return false;
}

const struct call_names *call_names_now(const struct ph_call *call, unsigned int arg)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(tables); i++)
		if (call_names_match(tables[i].args, call, arg))
			return &tables[i];
	return NULL;
}

bool call_names_flags(const struct call_names *names)
{
	return names->flags;
}

bool call_names_add(const struct call_names *names, int64_t v, struct ph_buf *b)
{
	const struct name *n;
	bool any = false;

	if (!names)
		return false;

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
