/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
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
		N(PR_SET_SECUREBITS), N(PR_GET_SECUREBITS), { "PR_SET_VMA", 0x53564d41 }) },
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
				   { "KEYCTL_REVOKE", 3 }, { "KEYCTL_DESCRIBE", 6 }, { "KEYCTL_LINK", 8 },
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
	/* In structs: */
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
	{ "SS:0", true, NAMES({ "SS_ONSTACK", 1 }, { "SS_DISABLE", 2 }, { "SS_AUTODISARM", 0x80000000 }) },
	{ "SCM:0", false, NAMES({ "SCM_RIGHTS", 1 }, { "SCM_CREDENTIALS", 2 }, { "SCM_SECURITY", 3 },
				{ "SO_TIMESTAMP_OLD", 29 }) },
	{ "CAP_VERSION:0", false, NAMES({ "_LINUX_CAPABILITY_VERSION_1", 0x19980330 },
					{ "_LINUX_CAPABILITY_VERSION_2", 0x20071026 },
					{ "_LINUX_CAPABILITY_VERSION_3", 0x20080522 }) },
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
