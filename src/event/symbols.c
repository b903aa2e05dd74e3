/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/symbols.h"

/* The kernel's own values (O_LARGEFILE is 0 in the C library's): not <fcntl.h>. */
#include <arpa/inet.h>
#include <asm/fcntl.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

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
	enum ph_unit low_unit;	/* … with names of this unit */
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

static const struct symbol access_modes[] = {
	N(O_RDONLY) N(O_WRONLY) N(O_RDWR)
};

/* Those of several bits stand before their parts. */
static const struct symbol open_flags[] = {
	N(O_RDONLY) N(O_WRONLY) N(O_RDWR) N(O_CREAT) N(O_EXCL) N(O_NOCTTY) N(O_TRUNC) N(O_APPEND)
	N(O_NONBLOCK) N(O_SYNC) N(O_DSYNC) N(FASYNC) N(O_DIRECT) N(O_LARGEFILE) N(O_TMPFILE)
	N(O_DIRECTORY) N(O_NOFOLLOW) N(O_NOATIME) N(O_CLOEXEC) N(O_PATH) N(O_ACCMODE)
};

/* LTTng's encoding of a block request's kind. */
static const struct symbol rwbs[] = {
	{ "WRITE", 1 }, { "DISCARD", 2 }, { "READ", 4 }, { "RAHEAD", 8 }, { "BARRIER", 16 },
	{ "SYNC", 32 }, { "META", 64 }, { "SECURE", 128 }, { "FLUSH", 256 }, { "FUA", 512 },
	{ "PREFLUSH", 1024 },
};

static const struct symbol booleans[] = { { "false", 0 }, { "true", 1 } };

#define TABLE(sym_, ...) { sym_, PH_ARRAY_SIZE(sym_), __VA_ARGS__ }
static const struct symbols tables[PH_UNIT_MAX] = {
	[PH_UNIT_RET] = TABLE(errnos),
	[PH_UNIT_SIGNAL] = TABLE(signals),
	[PH_UNIT_CAP] = TABLE(caps),
	[PH_UNIT_TCPSTATE] = TABLE(tcp_states),
	[PH_UNIT_SOFTIRQ] = TABLE(softirqs),
	[PH_UNIT_STATE] = TABLE(states),
	[PH_UNIT_CLONE_FLAGS] = TABLE(clone_flags, true, 0x7f, PH_UNIT_SIGNAL),
	[PH_UNIT_OPEN_FLAGS] = TABLE(open_flags, true, O_ACCMODE, PH_UNIT_NONE),
	[PH_UNIT_RWBS] = TABLE(rwbs, true),
	[PH_UNIT_BOOL] = TABLE(booleans),
};

static const char SYSCALL_PREFIX[] = "syscall_entry_";

/* "openat" of the class syscall_entry_openat. */
static const char *syscall_name(int64_t nr)
{
	const struct ph_class *c;

	if (nr < 0 || nr >= PH_EV_SYSCALL_EXIT - PH_EV_SYSCALL_ENTRY)
		return NULL;
	c = ph_class_by_id(PH_EV_SYSCALL_ENTRY + (uint32_t)nr);
	return c && !strncmp(c->name, SYSCALL_PREFIX, sizeof(SYSCALL_PREFIX) - 1) ?
	       c->name + sizeof(SYSCALL_PREFIX) - 1 : NULL;
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
	for (size_t i = 0; i < t->n; i++) {
		if (!strncmp(t->sym[i].name, name, n) && !t->sym[i].name[n]) {
			*ret = t->sym[i].value;
			return true;
		}
	}
	return false;
}

bool ph_symbol_any(const char *name, size_t n, int64_t *ret)
{
	for (unsigned int u = 0; u < PH_UNIT_MAX; u++) {
		/* A state's "S" or a system call's "read" mean nothing without their field. */
		if (u == PH_UNIT_STATE || u == PH_UNIT_SYSCALL || u == PH_UNIT_SOFTIRQ)
			continue;
		if (ph_symbol_value(u, name, n, ret))
			return true;
	}
	return false;
}

const char *ph_symbol_nth(enum ph_unit unit, size_t i)
{
	return unit < PH_UNIT_MAX && i < tables[unit].n ? tables[unit].sym[i].name : NULL;
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
	const char *name;

	if (t->low_mask && t->low_unit == PH_UNIT_NONE) {
		name = find(access_modes, PH_ARRAY_SIZE(access_modes), low);
		ph_buf_adds(b, name ? name : "O_ACCMODE");
		low = 0;
	}
	for (size_t i = 0; i < t->n && left; i++) {
		const struct symbol *s = &t->sym[i];

		if (s->value & t->low_mask || (left & s->value) != s->value || !s->value)
			continue;
		if (b->len > start)
			ph_buf_addc(b, '|');
		ph_buf_adds(b, s->name);
		left &= ~s->value;
	}
	if (low) {
		name = find(tables[t->low_unit].sym, tables[t->low_unit].n, low);
		if (b->len > start)
			ph_buf_addc(b, '|');
		if (name)
			ph_buf_adds(b, name);
		else
			ph_buf_add_hex(b, (uint64_t)low);
	}
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
		name = syscall_name(v);
		break;
	case PH_UNIT_DEV:
		if (v < 0 || v > UINT32_MAX)
			return false;
		ph_buf_add_u64(b, (uint64_t)v >> 20);
		ph_buf_addc(b, ':');
		ph_buf_add_u64(b, (uint64_t)v & 0xfffff);
		return true;
	case PH_UNIT_TCPSTATE:
	case PH_UNIT_SOFTIRQ:
	case PH_UNIT_BOOL:
		name = find(tables[unit].sym, tables[unit].n, v);
		break;
	case PH_UNIT_CLONE_FLAGS:
	case PH_UNIT_OPEN_FLAGS:
	case PH_UNIT_RWBS:
		return add_flags(b, &tables[unit], v);
	default:
		return false;
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
