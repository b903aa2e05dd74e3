/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/symbols.h"

/* The kernel's own values (O_LARGEFILE is 0 in the C library's): not <fcntl.h>. */
#include <arpa/inet.h>
#include <asm/fcntl.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "base/cleanup.h"

struct symbol {
	const char *name;
	int64_t value;
};

struct symbols {
	const struct symbol *sym;
	size_t n;
	bool flags;		/* a set of bits: values are joined */
	int64_t low_mask;	/* of flags: these bits are a number of their own … */
	const struct symbol *low;	/* … with these names */
	size_t nlow;
};

#define N(name_) { #name_, name_ },

static const struct symbol errnos[] = {
	N(EPERM) N(ENOENT) N(ESRCH) N(EINTR) N(EIO) N(ENXIO) N(E2BIG) N(ENOEXEC) N(EBADF)
	N(ECHILD) N(EAGAIN) N(ENOMEM) N(EACCES) N(EFAULT) N(ENOTBLK) N(EBUSY) N(EEXIST) N(EXDEV)
	N(ENODEV) N(ENOTDIR) N(EISDIR) N(EINVAL) N(ENFILE) N(EMFILE) N(ENOTTY) N(ETXTBSY)
	N(EFBIG) N(ENOSPC) N(ESPIPE) N(EROFS) N(EMLINK) N(EPIPE) N(EDOM) N(ERANGE) N(EDEADLK)
	N(ENAMETOOLONG) N(ENOLCK) N(ENOSYS) N(ENOTEMPTY) N(ELOOP) N(ENOMSG) N(EIDRM) N(ECHRNG)
	N(EL2NSYNC) N(EL3HLT) N(EL3RST) N(ELNRNG) N(EUNATCH) N(ENOCSI) N(EL2HLT) N(EBADE)
	N(EBADR) N(EXFULL) N(ENOANO) N(EBADRQC) N(EBADSLT) N(EBFONT) N(ENOSTR) N(ENODATA)
	N(ETIME) N(ENOSR) N(ENONET) N(ENOPKG) N(EREMOTE) N(ENOLINK) N(EADV) N(ESRMNT) N(ECOMM)
	N(EPROTO) N(EMULTIHOP) N(EDOTDOT) N(EBADMSG) N(EOVERFLOW) N(ENOTUNIQ) N(EBADFD)
	N(EREMCHG) N(ELIBACC) N(ELIBBAD) N(ELIBSCN) N(ELIBMAX) N(ELIBEXEC) N(EILSEQ) N(ERESTART)
	N(ESTRPIPE) N(EUSERS) N(ENOTSOCK) N(EDESTADDRREQ) N(EMSGSIZE) N(EPROTOTYPE)
	N(ENOPROTOOPT) N(EPROTONOSUPPORT) N(ESOCKTNOSUPPORT) N(EOPNOTSUPP) N(EPFNOSUPPORT)
	N(EAFNOSUPPORT) N(EADDRINUSE) N(EADDRNOTAVAIL) N(ENETDOWN) N(ENETUNREACH) N(ENETRESET)
	N(ECONNABORTED) N(ECONNRESET) N(ENOBUFS) N(EISCONN) N(ENOTCONN) N(ESHUTDOWN)
	N(ETOOMANYREFS) N(ETIMEDOUT) N(ECONNREFUSED) N(EHOSTDOWN) N(EHOSTUNREACH) N(EALREADY)
	N(EINPROGRESS) N(ESTALE) N(EUCLEAN) N(ENOTNAM) N(ENAVAIL) N(EISNAM) N(EREMOTEIO)
	N(EDQUOT) N(ENOMEDIUM) N(EMEDIUMTYPE) N(ECANCELED) N(ENOKEY) N(EKEYEXPIRED)
	N(EKEYREVOKED) N(EKEYREJECTED) N(EOWNERDEAD) N(ENOTRECOVERABLE) N(ERFKILL) N(EHWPOISON)
	/* Kernel-internal: a tracer sees them where the program gets EINTR or a restarted call. */
	{ "ERESTARTSYS", 512 }, { "ERESTARTNOINTR", 513 }, { "ERESTARTNOHAND", 514 },
	{ "ENOIOCTLCMD", 515 }, { "ERESTART_RESTARTBLOCK", 516 }, { "EPROBE_DEFER", 517 },
	/* Second names, for filters; the first one above is what is printed. */
	N(EWOULDBLOCK) N(EDEADLOCK) { "ENOTSUP", EOPNOTSUPP },
};

static const struct symbol caps[] = {
	N(CAP_CHOWN) N(CAP_DAC_OVERRIDE) N(CAP_DAC_READ_SEARCH) N(CAP_FOWNER) N(CAP_FSETID)
	N(CAP_KILL) N(CAP_SETGID) N(CAP_SETUID) N(CAP_SETPCAP) N(CAP_LINUX_IMMUTABLE)
	N(CAP_NET_BIND_SERVICE) N(CAP_NET_BROADCAST) N(CAP_NET_ADMIN) N(CAP_NET_RAW)
	N(CAP_IPC_LOCK) N(CAP_IPC_OWNER) N(CAP_SYS_MODULE) N(CAP_SYS_RAWIO) N(CAP_SYS_CHROOT)
	N(CAP_SYS_PTRACE) N(CAP_SYS_PACCT) N(CAP_SYS_ADMIN) N(CAP_SYS_BOOT) N(CAP_SYS_NICE)
	N(CAP_SYS_RESOURCE) N(CAP_SYS_TIME) N(CAP_SYS_TTY_CONFIG) N(CAP_MKNOD) N(CAP_LEASE)
	N(CAP_AUDIT_WRITE) N(CAP_AUDIT_CONTROL) N(CAP_SETFCAP) N(CAP_MAC_OVERRIDE)
	N(CAP_MAC_ADMIN) N(CAP_SYSLOG) N(CAP_WAKE_ALARM) N(CAP_BLOCK_SUSPEND) N(CAP_AUDIT_READ)
	N(CAP_PERFMON) N(CAP_BPF) N(CAP_CHECKPOINT_RESTORE)
};

/* Not SIGRTMIN and SIGRTMAX: these are function calls in the C library, which keeps two. */
static const struct symbol signals[] = {
	N(SIGHUP) N(SIGINT) N(SIGQUIT) N(SIGILL) N(SIGTRAP) N(SIGABRT) N(SIGBUS) N(SIGFPE)
	N(SIGKILL) N(SIGUSR1) N(SIGSEGV) N(SIGUSR2) N(SIGPIPE) N(SIGALRM) N(SIGTERM)
	N(SIGSTKFLT) N(SIGCHLD) N(SIGCONT) N(SIGSTOP) N(SIGTSTP) N(SIGTTIN) N(SIGTTOU) N(SIGURG)
	N(SIGXCPU) N(SIGXFSZ) N(SIGVTALRM) N(SIGPROF) N(SIGWINCH) N(SIGIO) N(SIGPWR) N(SIGSYS)
	N(SIGPOLL) N(SIGIOT)
};

static const struct symbol tcp_states[] = {
	N(TCP_ESTABLISHED) N(TCP_SYN_SENT) N(TCP_SYN_RECV) N(TCP_FIN_WAIT1) N(TCP_FIN_WAIT2)
	N(TCP_TIME_WAIT) N(TCP_CLOSE) N(TCP_CLOSE_WAIT) N(TCP_LAST_ACK) N(TCP_LISTEN)
	N(TCP_CLOSING) { "TCP_NEW_SYN_RECV", 12 }, { "TCP_BOUND_INACTIVE", 13 },
};

static const struct symbol softirqs[] = {
	{ "HI", 0 }, { "TIMER", 1 }, { "NET_TX", 2 }, { "NET_RX", 3 }, { "BLOCK", 4 },
	{ "IRQ_POLL", 5 }, { "TASKLET", 6 }, { "SCHED", 7 }, { "HRTIMER", 8 }, { "RCU", 9 },
};

/* The letters of ps and of ftrace; bits of include/linux/sched.h. */
static const struct symbol states[] = {
	{ "R", 0 }, { "S", 1 }, { "D", 2 }, { "T", 4 }, { "t", 8 }, { "X", 0x10 }, { "Z", 0x20 },
	{ "P", 0x40 }, { "I", 0x402 }, { "X", 0x80 },
	/* For filters: what is printed stands above. */
	{ "TASK_RUNNING", 0 }, { "TASK_INTERRUPTIBLE", 1 }, { "TASK_UNINTERRUPTIBLE", 2 },
	{ "TASK_STOPPED", 4 }, { "TASK_TRACED", 8 }, { "EXIT_DEAD", 0x10 }, { "EXIT_ZOMBIE", 0x20 },
	{ "TASK_PARKED", 0x40 }, { "TASK_DEAD", 0x80 }, { "TASK_WAKEKILL", 0x100 },
	{ "TASK_WAKING", 0x200 }, { "TASK_NOLOAD", 0x400 }, { "TASK_NEW", 0x800 },
	{ "TASK_IDLE", 0x402 }, { "TASK_KILLABLE", 0x102 },
};

#define STATE_LETTERS 10

static const struct symbol clone_flags[] = {
	{ "CLONE_NEWTIME", 0x80 },
	N(CLONE_VM) N(CLONE_FS) N(CLONE_FILES) N(CLONE_SIGHAND) { "CLONE_PIDFD", 0x1000 },
	N(CLONE_PTRACE) N(CLONE_VFORK) N(CLONE_PARENT) N(CLONE_THREAD) N(CLONE_NEWNS)
	N(CLONE_SYSVSEM) N(CLONE_SETTLS) N(CLONE_PARENT_SETTID) N(CLONE_CHILD_CLEARTID)
	N(CLONE_DETACHED) N(CLONE_UNTRACED) N(CLONE_CHILD_SETTID) N(CLONE_NEWCGROUP) N(CLONE_NEWUTS)
	N(CLONE_NEWIPC) N(CLONE_NEWUSER) N(CLONE_NEWPID) N(CLONE_NEWNET) N(CLONE_IO)
	{ "CLONE_CLEAR_SIGHAND", 0x100000000 }, { "CLONE_INTO_CGROUP", 0x200000000 },
};

/* Those of several bits stand before their parts. */
static const struct symbol access_modes[] = {
	N(O_RDONLY) N(O_WRONLY) N(O_RDWR) N(O_ACCMODE)
};
static const struct symbol open_flags[] = {
	N(O_CREAT) N(O_EXCL) N(O_NOCTTY) N(O_TRUNC) N(O_APPEND)
	N(O_NONBLOCK) N(O_SYNC) N(O_DSYNC) N(O_DIRECT) N(O_LARGEFILE) N(O_NOFOLLOW) N(O_NOATIME)
	N(O_CLOEXEC) N(O_PATH) N(O_TMPFILE) N(O_DIRECTORY) N(FASYNC)
};

/* LTTng's encoding of a block request's kind. */
static const struct symbol rwbs[] = {
	{ "WRITE", 1 }, { "DISCARD", 2 }, { "READ", 4 }, { "RAHEAD", 8 }, { "BARRIER", 16 },
	{ "SYNC", 32 }, { "META", 64 }, { "SECURE", 128 }, { "FLUSH", 256 }, { "FUA", 512 },
	{ "PREFLUSH", 1024 },
};

static const struct symbol at_flags[] = {
	{ "AT_SYMLINK_NOFOLLOW", 0x100 }, { "AT_REMOVEDIR", 0x200 }, { "AT_SYMLINK_FOLLOW", 0x400 },
	{ "AT_NO_AUTOMOUNT", 0x800 }, { "AT_EMPTY_PATH", 0x1000 }, { "AT_STATX_FORCE_SYNC", 0x2000 },
	{ "AT_STATX_DONT_SYNC", 0x4000 }, { "AT_RECURSIVE", 0x8000 },
};

/* Of faccessat2, where AT_REMOVEDIR's bit means something else. */
static const struct symbol access_flags[] = {
	{ "AT_SYMLINK_NOFOLLOW", 0x100 }, { "AT_EACCESS", 0x200 }, { "AT_EMPTY_PATH", 0x1000 },
};

static const struct symbol dirfds[] = { { "AT_FDCWD", -100 } };

static const struct symbol whences[] = {
	{ "SEEK_SET", 0 }, { "SEEK_CUR", 1 }, { "SEEK_END", 2 }, { "SEEK_DATA", 3 }, { "SEEK_HOLE", 4 },
};

static const struct symbol mmap_prot[] = {
	N(PROT_READ) N(PROT_WRITE) N(PROT_EXEC) N(PROT_GROWSDOWN) N(PROT_GROWSUP)
};

static const struct symbol mmap_types[] = {
	N(MAP_SHARED) N(MAP_PRIVATE) { "MAP_SHARED_VALIDATE", 3 },
};
static const struct symbol mmap_flags[] = {
	N(MAP_FIXED) N(MAP_ANONYMOUS) N(MAP_GROWSDOWN) N(MAP_DENYWRITE) N(MAP_EXECUTABLE) N(MAP_LOCKED)
	N(MAP_NORESERVE) N(MAP_POPULATE) N(MAP_NONBLOCK) N(MAP_STACK) N(MAP_HUGETLB)
	{ "MAP_SYNC", 0x80000 }, { "MAP_FIXED_NOREPLACE", 0x100000 },
};

static const struct symbol mount_flags[] = {
	N(MS_RDONLY) N(MS_NOSUID) N(MS_NODEV) N(MS_NOEXEC) N(MS_SYNCHRONOUS) N(MS_REMOUNT)
	N(MS_MANDLOCK) N(MS_DIRSYNC) { "MS_NOSYMFOLLOW", 256 }, N(MS_NOATIME) N(MS_NODIRATIME)
	N(MS_BIND) N(MS_MOVE) N(MS_REC) N(MS_SILENT) N(MS_POSIXACL) N(MS_UNBINDABLE) N(MS_PRIVATE)
	N(MS_SLAVE) N(MS_SHARED) N(MS_RELATIME) N(MS_KERNMOUNT) N(MS_I_VERSION) N(MS_STRICTATIME)
	N(MS_LAZYTIME)
};

static const struct symbol msg_flags[] = {
	N(MSG_OOB) N(MSG_PEEK) N(MSG_DONTROUTE) N(MSG_CTRUNC) N(MSG_TRUNC) N(MSG_DONTWAIT) N(MSG_EOR)
	N(MSG_WAITALL) N(MSG_CONFIRM) N(MSG_ERRQUEUE) N(MSG_NOSIGNAL) N(MSG_MORE) N(MSG_WAITFORONE)
	N(MSG_ZEROCOPY) N(MSG_FASTOPEN) N(MSG_CMSG_CLOEXEC)
};

static const struct symbol families[] = {
	N(AF_UNSPEC) N(AF_UNIX) N(AF_INET) N(AF_INET6) N(AF_NETLINK) N(AF_PACKET) N(AF_ALG) N(AF_VSOCK)
	N(AF_XDP) N(AF_BLUETOOTH) N(AF_CAN) N(AF_KEY) N(AF_TIPC) N(AF_RDS) N(AF_NFC) N(AF_LOCAL)
};

static const struct symbol sock_types[] = {
	N(SOCK_STREAM) N(SOCK_DGRAM) N(SOCK_RAW) N(SOCK_RDM) N(SOCK_SEQPACKET) N(SOCK_DCCP)
	N(SOCK_PACKET)
};
static const struct symbol sock_flags[] = { N(SOCK_CLOEXEC) N(SOCK_NONBLOCK) };

static const struct symbol clocks[] = {
	N(CLOCK_REALTIME) N(CLOCK_MONOTONIC) N(CLOCK_PROCESS_CPUTIME_ID) N(CLOCK_THREAD_CPUTIME_ID)
	N(CLOCK_MONOTONIC_RAW) N(CLOCK_REALTIME_COARSE) N(CLOCK_MONOTONIC_COARSE) N(CLOCK_BOOTTIME)
	N(CLOCK_REALTIME_ALARM) N(CLOCK_BOOTTIME_ALARM) N(CLOCK_TAI)
};

static const struct symbol resources[] = {
	N(RLIMIT_CPU) N(RLIMIT_FSIZE) N(RLIMIT_DATA) N(RLIMIT_STACK) N(RLIMIT_CORE) N(RLIMIT_RSS)
	N(RLIMIT_NPROC) N(RLIMIT_NOFILE) N(RLIMIT_MEMLOCK) N(RLIMIT_AS) N(RLIMIT_LOCKS)
	N(RLIMIT_SIGPENDING) N(RLIMIT_MSGQUEUE) N(RLIMIT_NICE) N(RLIMIT_RTPRIO) N(RLIMIT_RTTIME)
};

static const struct symbol futex_ops[] = {
	N(FUTEX_WAIT) N(FUTEX_WAKE) N(FUTEX_FD) N(FUTEX_REQUEUE) N(FUTEX_CMP_REQUEUE) N(FUTEX_WAKE_OP)
	N(FUTEX_LOCK_PI) N(FUTEX_UNLOCK_PI) N(FUTEX_TRYLOCK_PI) N(FUTEX_WAIT_BITSET)
	N(FUTEX_WAKE_BITSET) N(FUTEX_WAIT_REQUEUE_PI) N(FUTEX_CMP_REQUEUE_PI) { "FUTEX_LOCK_PI2", 13 },
};
static const struct symbol futex_flags[] = { N(FUTEX_PRIVATE_FLAG) N(FUTEX_CLOCK_REALTIME) };

static const struct symbol epoll_ops[] = { { "EPOLL_CTL_ADD", 1 }, { "EPOLL_CTL_DEL", 2 }, { "EPOLL_CTL_MOD", 3 } };

static const struct symbol fcntl_cmds[] = {
	N(F_DUPFD) N(F_GETFD) N(F_SETFD) N(F_GETFL) N(F_SETFL) N(F_GETLK) N(F_SETLK) N(F_SETLKW)
	N(F_SETOWN) N(F_GETOWN) N(F_SETSIG) N(F_GETSIG) N(F_SETOWN_EX) N(F_GETOWN_EX)
	N(F_OFD_GETLK) N(F_OFD_SETLK) N(F_OFD_SETLKW) { "F_SETLEASE", 1024 }, { "F_GETLEASE", 1025 },
	{ "F_NOTIFY", 1026 }, { "F_DUPFD_CLOEXEC", 1030 }, { "F_SETPIPE_SZ", 1031 },
	{ "F_GETPIPE_SZ", 1032 }, { "F_ADD_SEALS", 1033 }, { "F_GET_SEALS", 1034 },
};

static const struct symbol file_types[] = {
	{ "pipe", S_IFIFO }, { "chardev", S_IFCHR }, { "dir", S_IFDIR }, { "blockdev", S_IFBLK },
	{ "file", S_IFREG }, { "link", S_IFLNK }, { "socket", S_IFSOCK },
};

static const struct symbol booleans[] = { { "false", 0 }, { "true", 1 } };

#define TABLE(sym_, ...) { sym_, PH_ARRAY_SIZE(sym_), __VA_ARGS__ }
#define LOW(sym_) sym_, PH_ARRAY_SIZE(sym_)
static const struct symbols tables[PH_UNIT_MAX] = {
	[PH_UNIT_RET] = TABLE(errnos),
	[PH_UNIT_SIGNAL] = TABLE(signals),
	[PH_UNIT_CAP] = TABLE(caps),
	[PH_UNIT_TCPSTATE] = TABLE(tcp_states),
	[PH_UNIT_SOFTIRQ] = TABLE(softirqs),
	[PH_UNIT_STATE] = TABLE(states),
	[PH_UNIT_CLONE_FLAGS] = TABLE(clone_flags, true, 0x7f, LOW(signals)),
	[PH_UNIT_OPEN_FLAGS] = TABLE(open_flags, true, O_ACCMODE, LOW(access_modes)),
	[PH_UNIT_RWBS] = TABLE(rwbs, true),
	[PH_UNIT_BOOL] = TABLE(booleans),
	[PH_UNIT_AT_FLAGS] = TABLE(at_flags, true),
	[PH_UNIT_ACCESS_FLAGS] = TABLE(access_flags, true),
	[PH_UNIT_DIRFD] = TABLE(dirfds),
	[PH_UNIT_WHENCE] = TABLE(whences),
	[PH_UNIT_MMAP_PROT] = TABLE(mmap_prot, true),
	[PH_UNIT_MMAP_FLAGS] = TABLE(mmap_flags, true, 0xf, LOW(mmap_types)),
	[PH_UNIT_MOUNT_FLAGS] = TABLE(mount_flags, true),
	[PH_UNIT_MSG_FLAGS] = TABLE(msg_flags, true),
	[PH_UNIT_SOCK_FAMILY] = TABLE(families),
	[PH_UNIT_SOCK_TYPE] = TABLE(sock_flags, true, 0xf, LOW(sock_types)),
	[PH_UNIT_CLOCK] = TABLE(clocks),
	[PH_UNIT_RESOURCE] = TABLE(resources),
	[PH_UNIT_FUTEX_OP] = TABLE(futex_flags, true, 0x7f, LOW(futex_ops)),
	[PH_UNIT_EPOLL_OP] = TABLE(epoll_ops),
	[PH_UNIT_FCNTL_CMD] = TABLE(fcntl_cmds),
	[PH_UNIT_FTYPE] = TABLE(file_types),
};

static const char SYSCALL_PREFIX[] = "syscall_entry_", COMPAT_PREFIX[] = "compat_syscall_entry_";

/* "openat" of the class syscall_entry_openat. */
static const char *syscall_name(uint32_t first, const char *prefix, int64_t nr)
{
	const struct ph_class *c;
	size_t n = strlen(prefix);

	if (nr < 0 || nr >= PH_EV_SYSCALL_EXIT - PH_EV_SYSCALL_ENTRY)
		return NULL;
	c = ph_class_by_id(first + (uint32_t)nr);
	return c && !strncmp(c->name, prefix, n) ? c->name + n : NULL;
}

static bool syscall_value(const char *name, size_t n, int64_t *ret)
{
	ph_autobuf b = { 0 };
	const struct ph_class *c;

	ph_buf_adds(&b, SYSCALL_PREFIX);
	ph_buf_add(&b, name, n);
	c = ph_class_by_name(b.p);
	if (!c || c->syscall_nr < 0)
		return false;
	*ret = c->syscall_nr;
	return true;
}

bool ph_symbol_unit(enum ph_unit unit)
{
	return unit < PH_UNIT_MAX && (tables[unit].n || unit == PH_UNIT_SYSCALL || unit == PH_UNIT_DEV);
}

/* "8:0" */
static bool dev_value(const char *s, size_t n, int64_t *ret)
{
	uint64_t num[2] = { 0, 0 };
	size_t part = 0, digits = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == ':' && digits && part == 0) {
			part = 1;
			digits = 0;
		} else if (s[i] >= '0' && s[i] <= '9' && digits < 8) {
			num[part] = num[part] * 10 + (uint64_t)(s[i] - '0');
			digits++;
		} else {
			return false;
		}
	}
	if (!part || !digits || num[0] >= 1 << 12 || num[1] >= 1 << 20)
		return false;
	*ret = (int64_t)(num[0] << 20 | num[1]);
	return true;
}

static bool value_in(const struct symbol *sym, size_t nsym, const char *name, size_t n, int64_t *ret)
{
	for (size_t i = 0; i < nsym; i++) {
		if (!strncmp(sym[i].name, name, n) && !sym[i].name[n]) {
			*ret = sym[i].value;
			return true;
		}
	}
	return false;
}

bool ph_symbol_value(enum ph_unit unit, const char *name, size_t n, int64_t *ret)
{
	const struct symbols *t;

	if (unit == PH_UNIT_SYSCALL)
		return syscall_value(name, n, ret);
	if (unit == PH_UNIT_DEV)
		return dev_value(name, n, ret);
	if (unit >= PH_UNIT_MAX)
		return false;
	t = &tables[unit];
	return value_in(t->sym, t->n, name, n, ret) || value_in(t->low, t->nlow, name, n, ret);
}

bool ph_symbol_any(const char *name, size_t n, int64_t *ret)
{
	for (unsigned int u = 0; u < PH_UNIT_MAX; u++) {
		/* A state's "S", a call's "read", a file's "pipe" mean nothing without their field. */
		if (u == PH_UNIT_STATE || u == PH_UNIT_SYSCALL || u == PH_UNIT_SOFTIRQ ||
		    u == PH_UNIT_FTYPE)
			continue;
		if (ph_symbol_value(u, name, n, ret))
			return true;
	}
	return false;
}

const char *ph_symbol_nth(enum ph_unit unit, size_t i)
{
	const struct symbols *t;

	if (unit >= PH_UNIT_MAX)
		return NULL;
	t = &tables[unit];
	if (i < t->n)
		return t->sym[i].name;
	return i - t->n < t->nlow ? t->low[i - t->n].name : NULL;
}

static const char *find(const struct symbol *sym, size_t n, int64_t v)
{
	for (size_t i = 0; i < n; i++)
		if (sym[i].value == v)
			return sym[i].name;
	return NULL;
}

static bool add_flags(struct ph_buf *b, const struct symbols *t, int64_t v)
{
	size_t start = b->len;
	int64_t left = v & ~t->low_mask, low = v & t->low_mask;
	const char *name = t->low ? find(t->low, t->nlow, low) : NULL;

	/* What has a name also as 0 (O_RDONLY) is always said, and first. */
	if (name && find(t->low, t->nlow, 0)) {
		ph_buf_adds(b, name);
		low = 0;
	}
	for (size_t i = 0; i < t->n && left; i++) {
		const struct symbol *s = &t->sym[i];

		if ((left & s->value) != s->value)
			continue;
		if (b->len > start)
			ph_buf_addc(b, '|');
		ph_buf_adds(b, s->name);
		left &= ~s->value;
	}
	if (low && name) {
		if (b->len > start)
			ph_buf_addc(b, '|');
		ph_buf_adds(b, name);
		low = 0;
	}
	left |= low;
	if (left) {
		/* Nothing known at all: the number alone says as much. */
		if (b->len == start)
			return false;
		ph_buf_addc(b, '|');
		ph_buf_add_hex(b, (uint64_t)left);
	}
	return b->len > start;
}

bool ph_symbol_add(struct ph_buf *b, enum ph_unit unit, int64_t v)
{
	const char *name = NULL;

	switch (unit) {
	case PH_UNIT_RET:
		/* -errno is sorted by its number almost everywhere: no search. */
		if (v >= 0 || v < -4095)
			return false;
		if (v >= -34)
			name = errnos[-v - 1].name;
		else
			name = find(errnos, PH_ARRAY_SIZE(errnos), -v);
		break;
	case PH_UNIT_SIGNAL:
		if (v >= 32 && v <= 64) {
			ph_buf_adds(b, "SIGRT");
			ph_buf_add_s64(b, v);
			return true;
		}
		name = find(signals, PH_ARRAY_SIZE(signals), v);
		break;
	case PH_UNIT_CAP:
		name = v >= 0 && v < (int64_t)PH_ARRAY_SIZE(caps) ? caps[v].name : NULL;
		break;
	case PH_UNIT_STATE:
		/* Modifiers (wake-kill, frozen …) do not change the letter. */
		name = find(states, STATE_LETTERS, v);
		if (!name && v > 0)
			name = find(states, STATE_LETTERS, v & -v);
		break;
	case PH_UNIT_SYSCALL:
		name = syscall_name(PH_EV_SYSCALL_ENTRY, SYSCALL_PREFIX, v);
		break;
	case PH_UNIT_COMPAT_SYSCALL:
		name = syscall_name(PH_EV_COMPAT_ENTRY, COMPAT_PREFIX, v);
		break;
	case PH_UNIT_DEV:
		if (v < 0 || v > UINT32_MAX)
			return false;
		ph_buf_add_u64(b, (uint64_t)v >> 20);
		ph_buf_addc(b, ':');
		ph_buf_add_u64(b, (uint64_t)v & 0xfffff);
		return true;
	default:
		if (unit >= PH_UNIT_MAX)
			return false;
		if (tables[unit].flags)
			return add_flags(b, &tables[unit], v);
		name = find(tables[unit].sym, tables[unit].n, v);
		break;
	}
	if (!name)
		return false;
	ph_buf_adds(b, name);
	return true;
}

bool ph_symbol_add_addr(struct ph_buf *b, const char *bytes, size_t n)
{
	char text[INET6_ADDRSTRLEN];

	if (n != 4 && n != 16)
		return false;
	inet_ntop(n == 4 ? AF_INET : AF_INET6, bytes, text, sizeof(text));
	ph_buf_adds(b, text);
	return true;
}

static void add_port(struct ph_buf *b, const char *at)
{
	ph_buf_addc(b, ':');
	ph_buf_add_u64(b, (uint64_t)(uint8_t)at[0] << 8 | (uint8_t)at[1]);
}

bool ph_symbol_add_sockaddr(struct ph_buf *b, const char *bytes, size_t n)
{
	uint16_t family;
	uint32_t pid;

	if (n < sizeof(family))
		return false;
	memcpy(&family, bytes, sizeof(family));
	switch (family) {
	case AF_INET:
		if (n < 8)
			return false;
		ph_symbol_add_addr(b, bytes + 4, 4);
		add_port(b, bytes + 2);
		return true;
	case AF_INET6:
		if (n < 24)
			return false;
		ph_buf_addc(b, '[');
		ph_symbol_add_addr(b, bytes + 8, 16);
		ph_buf_addc(b, ']');
		add_port(b, bytes + 2);
		return true;
	case AF_UNIX:
		bytes += sizeof(family);
		n -= sizeof(family);
		ph_buf_adds(b, "unix:");
		if (n && !bytes[0]) {
			ph_buf_addc(b, '@');
			bytes++;
			n--;
		} else {
			n = strnlen(bytes, n);
		}
		ph_buf_add_term(b, bytes, n);
		return true;
	case AF_NETLINK:
		if (n < 12)
			return false;
		memcpy(&pid, bytes + 4, sizeof(pid));
		ph_buf_adds(b, "netlink:");
		ph_buf_add_u64(b, pid);
		return true;
	default:
		ph_buf_adds(b, "family ");
		ph_buf_add_u64(b, family);
		return true;
	}
}
