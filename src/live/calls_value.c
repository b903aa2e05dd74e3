/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "event/symbols.h"
#include "live/calls_priv.h"
#include "view/print.h"

/*
 * What arguments point to, in strace's words. The bytes are what a program had in its memory: anything; and
 * the recorder may have cut them. A structure that is not whole is shown as bytes.
 */

/* What may be no text: bytes that do not print are octal, as short as the next one lets them be. */
void call_add_string(struct ph_buf *b, const char *s, size_t n, uint64_t whole, uint64_t max)
{
	static const char letters[] = "tnvfr";	/* of 9 … 13 */
	size_t shown = n > max ? max : n;

	ph_buf_addc(b, '"');
	for (size_t i = 0; i < shown; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\') {
			ph_buf_addc(b, '\\');
			ph_buf_addc(b, (char)c);
		} else if (c >= 9 && c <= 13) {
			ph_buf_addc(b, '\\');
			ph_buf_addc(b, letters[c - 9]);
		} else if (c >= 0x20 && c < 0x7f) {
			ph_buf_addc(b, (char)c);
		} else {
			ph_buf_addf(b, i + 1 < shown && s[i + 1] >= '0' && s[i + 1] <= '7' ? "\\%03o" : "\\%o", c);
		}
	}
	ph_buf_adds(b, shown < n || shown < whole ? "\"..." : "\"");
}

void call_add_pointer(struct ph_buf *b, uint64_t v)
{
	if (v)
		ph_buf_addf(b, "%#lx", (unsigned long)v);
	else
		ph_buf_adds(b, "NULL");
}

void call_add_hex(struct ph_buf *b, uint64_t v)
{
	ph_buf_addf(b, v ? "%#lx" : "%lu", (unsigned long)v);
}

void call_add_words(struct ph_buf *b, const char *s, size_t n, size_t size, uint64_t whole)
{
	ph_buf_addc(b, '[');
	for (size_t at = 0; at + size <= n; at += size)
		ph_buf_addf(b, "%s%lu", at ? ", " : "", (unsigned long)call_number(s + at, size));
	ph_buf_adds(b, n < whole ? ", ...]" : "]");
}

static void add_symbol(struct ph_buf *b, enum ph_unit unit, uint64_t v)
{
	if (!ph_symbol_add(b, unit, (int64_t)v))
		call_add_hex(b, v);
}

/* The C library keeps the first ones; strace counts them from the kernel's first. */
void call_add_signal(struct ph_buf *b, int64_t sig)
{
	if (sig == 32)
		ph_buf_adds(b, "SIGRTMIN");
	else if (sig > 32 && sig <= 64)
		ph_buf_addf(b, "SIGRT_%ld", (long)sig - 32);
	else if (!ph_symbol_add(b, PH_UNIT_SIGNAL, sig))
		ph_buf_add_s64(b, sig);
}

/* ---- times and limits -------------------------------------------------------------------------- */

/* Two numbers of @size bytes each. */
static void add_pair(struct ph_buf *b, const char *s, size_t size, const char *first, const char *second)
{
	int64_t v[2];

	for (int i = 0; i < 2; i++)
		v[i] = size == 4 ? (int32_t)call_number(s + 4 * i, 4) : (int64_t)call_number(s + 8 * i, 8);
	ph_buf_addf(b, "{%s=%ld, %s=%ld}", first, (long)v[0], second, (long)v[1]);
}

bool call_add_time(struct ph_buf *b, const char *s, size_t n, const char *fraction)
{
	if (n != 8 && n != 16)
		return false;
	add_pair(b, s, n / 2, "tv_sec", fraction);
	return true;
}

bool call_add_timer(struct ph_buf *b, const char *s, size_t n, const char *fraction)
{
	if (n != 16 && n != 32)
		return false;
	ph_buf_adds(b, "{it_interval=");
	call_add_time(b, s, n / 2, fraction);
	ph_buf_adds(b, ", it_value=");
	call_add_time(b, s + n / 2, n / 2, fraction);
	ph_buf_addc(b, '}');
	return true;
}

void call_add_ticks(struct ph_buf *b, int64_t v)
{
	ph_buf_add_s64(b, v);
	if (v)
		ph_buf_addf(b, " /* %.2f s */", (double)v / 100);
}

static void add_limit(struct ph_buf *b, uint64_t v, size_t size, bool wide)
{
	if (v == UINT64_MAX || (size == 4 && v == UINT32_MAX))
		ph_buf_adds(b, wide ? "RLIM64_INFINITY" : "RLIM_INFINITY");
	else if (v > 1024 && v % 1024 == 0)
		ph_buf_addf(b, "%lu*1024", (unsigned long)(v / 1024));
	else
		ph_buf_add_u64(b, v);
}

static bool add_rlimit(struct ph_buf *b, const char *s, size_t n, const struct ph_capture *cap)
{
	/* Those of prlimit64, which are not its second argument, are so wide for 32-bit programs, too. */
	bool wide = cap->arg != 1;

	if (n != 8 && n != 16)
		return false;
	ph_buf_adds(b, "{rlim_cur=");
	add_limit(b, call_number(s, n / 2), n / 2, wide);
	ph_buf_adds(b, ", rlim_max=");
	add_limit(b, call_number(s + n / 2, n / 2), n / 2, wide);
	ph_buf_addc(b, '}');
	return true;
}

/* ---- descriptors that are waited for ------------------------------------------------------------- */

static const struct { const char *poll, *epoll; uint32_t bit; } polls[] = {
	{ "POLLIN", "EPOLLIN", EPOLLIN }, { "POLLPRI", "EPOLLPRI", EPOLLPRI }, { "POLLOUT", "EPOLLOUT", EPOLLOUT },
	{ "POLLERR", "EPOLLERR", EPOLLERR }, { "POLLHUP", "EPOLLHUP", EPOLLHUP }, { "POLLNVAL", NULL, POLLNVAL },
	{ "POLLRDNORM", "EPOLLRDNORM", EPOLLRDNORM }, { "POLLRDBAND", "EPOLLRDBAND", EPOLLRDBAND },
	{ "POLLWRNORM", "EPOLLWRNORM", EPOLLWRNORM }, { "POLLWRBAND", "EPOLLWRBAND", EPOLLWRBAND },
	{ "POLLMSG", "EPOLLMSG", EPOLLMSG }, { "POLLRDHUP", "EPOLLRDHUP", EPOLLRDHUP },
	{ NULL, "EPOLLEXCLUSIVE", EPOLLEXCLUSIVE }, { NULL, "EPOLLWAKEUP", EPOLLWAKEUP },
	{ NULL, "EPOLLONESHOT", EPOLLONESHOT }, { NULL, "EPOLLET", EPOLLET },
};

static void add_poll(struct ph_buf *b, uint32_t v, bool epoll)
{
	const char *sep = "";

	for (size_t i = 0; i < PH_ARRAY_SIZE(polls); i++) {
		const char *name = epoll ? polls[i].epoll : polls[i].poll;

		if (!name || !(v & polls[i].bit))
			continue;
		ph_buf_addf(b, "%s%s", sep, name);
		sep = "|";
		v &= ~polls[i].bit;
	}
	if (v || !*sep)
		ph_buf_addf(b, v ? "%s%#x" : "%s%u", sep, v);
}

static bool add_pollfds(struct ph_buf *b, const char *s, size_t n, uint64_t whole)
{
	ph_buf_addc(b, '[');
	for (size_t at = 0; at + 8 <= n; at += 8) {
		int32_t fd = (int32_t)call_number(s + at, 4);

		ph_buf_addf(b, "%s{fd=%d", at ? ", " : "", fd);
		if (fd >= 0) {
			ph_buf_adds(b, ", events=");
			add_poll(b, (uint32_t)call_number(s + at + 4, 2), false);
		}
		ph_buf_addc(b, '}');
	}
	ph_buf_adds(b, n < whole ? ", ...]" : "]");
	return true;
}

void call_add_revents(struct ph_buf *b, const char *s, size_t n)
{
	const char *sep = "[";

	for (size_t at = 0; at + 8 <= n; at += 8) {
		if (!call_number(s + at + 6, 2))
			continue;
		ph_buf_addf(b, "%s{fd=%d, revents=", sep, (int32_t)call_number(s + at, 4));
		add_poll(b, (uint32_t)call_number(s + at + 6, 2), false);
		ph_buf_addc(b, '}');
		sep = ", ";
	}
	ph_buf_adds(b, *sep == '[' ? "[]" : "]");
}

static bool add_epoll(struct ph_buf *b, const char *s, size_t n, const struct ph_capture *cap, uint64_t whole)
{
	size_t size = cap->len ? cap->len : n;
	bool list = cap->kind != PH_CAP_FIXED;

	if ((size != 12 && size != 16) || (!list && n < size))
		return false;
	if (list)
		ph_buf_addc(b, '[');
	for (size_t at = 0; at + size <= n; at += size) {
		ph_buf_adds(b, at ? ", {events=" : "{events=");
		add_poll(b, (uint32_t)call_number(s + at, 4), true);
		ph_buf_addf(b, ", data={u32=%u, u64=%lu}}", (uint32_t)call_number(s + at + size - 8, 4),
			    (unsigned long)call_number(s + at + size - 8, 8));
	}
	if (list)
		ph_buf_adds(b, n < whole ? ", ...]" : "]");
	return true;
}

/* ---- signals ------------------------------------------------------------------------------------- */

void call_add_sigset(struct ph_buf *b, const char *s)
{
	uint64_t set = call_number(s, 8);
	bool inverse = __builtin_popcountl(set) > 40;
	const char *sep = "";

	if (inverse)
		set = ~set;
	ph_buf_adds(b, inverse ? "~[" : "[");
	for (int sig = 1; sig <= 64; sig++) {
		ph_autobuf name = { 0 };

		if (!(set >> (sig - 1) & 1))
			continue;
		call_add_signal(&name, sig);
		ph_buf_addf(b, "%s%s", sep, name.p + (strncmp(name.p, "SIG", 3) ? 0 : 3));
		sep = " ";
	}
	ph_buf_addc(b, ']');
}

/* The kernel's, as of asm-generic/signal-defs.h; the C library has not all of them. */
static const struct { const char *name; uint32_t bit; } sa_flags[] = {
	{ "SA_RESTORER", 0x04000000 }, { "SA_ONSTACK", 0x08000000 }, { "SA_RESTART", 0x10000000 },
	{ "SA_NODEFER", 0x40000000 }, { "SA_RESETHAND", 0x80000000 }, { "SA_NOCLDSTOP", 1 }, { "SA_NOCLDWAIT", 2 },
	{ "SA_SIGINFO", 4 }, { "SA_EXPOSE_TAGBITS", 0x800 },
};

static void add_handler(struct ph_buf *b, uint64_t handler)
{
	ph_buf_adds(b, "{sa_handler=");
	if (handler <= 1)
		ph_buf_adds(b, handler ? "SIG_IGN" : "SIG_DFL");
	else
		ph_buf_addf(b, "%#lx", (unsigned long)handler);
}

static void add_sa_flags(struct ph_buf *b, uint64_t flags)
{
	const char *sep = "";

	ph_buf_adds(b, ", sa_flags=");
	for (size_t i = 0; i < PH_ARRAY_SIZE(sa_flags); i++) {
		if (!(flags & sa_flags[i].bit))
			continue;
		ph_buf_addf(b, "%s%s", sep, sa_flags[i].name);
		sep = "|";
		flags &= ~(uint64_t)sa_flags[i].bit;
	}
	if (flags || !*sep)
		ph_buf_addf(b, flags ? "%s%#lx" : "%s%lu", sep, (unsigned long)flags);
}

/* What every recording has of it. */
static bool add_sigaction(struct ph_buf *b, const char *s, size_t n)
{
	if (n != 8 && n != 16)
		return false;
	add_handler(b, call_number(s, n / 2));
	add_sa_flags(b, call_number(s + n / 2, n / 2));
	ph_buf_addc(b, '}');
	return true;
}

void call_add_sigaction(struct ph_buf *b, const char *s)
{
	uint64_t flags = call_number(s + 8, 8);

	add_handler(b, call_number(s, 8));
	ph_buf_adds(b, ", sa_mask=");
	call_add_sigset(b, s + 24);
	add_sa_flags(b, flags);
	if (flags & 0x04000000)
		ph_buf_addf(b, ", sa_restorer=%#lx", (unsigned long)call_number(s + 16, 8));
	ph_buf_addc(b, '}');
}

void call_add_wait_status(struct ph_buf *b, int32_t status)
{
	if (WIFEXITED(status)) {
		ph_buf_addf(b, "{WIFEXITED(s) && WEXITSTATUS(s) == %d}", WEXITSTATUS(status));
	} else if (WIFSIGNALED(status)) {
		ph_buf_adds(b, "{WIFSIGNALED(s) && WTERMSIG(s) == ");
		call_add_signal(b, WTERMSIG(status));
		ph_buf_adds(b, WCOREDUMP(status) ? " && WCOREDUMP(s)}" : "}");
	} else if (WIFSTOPPED(status)) {
		ph_buf_adds(b, "{WIFSTOPPED(s) && WSTOPSIG(s) == ");
		call_add_signal(b, WSTOPSIG(status));
		ph_buf_addc(b, '}');
	} else {
		ph_buf_addf(b, "{%#x}", (unsigned int)status);
	}
}

/* ---- addresses ----------------------------------------------------------------------------------- */

static void add_unix(struct ph_buf *b, const char *s, size_t n)
{
	bool abstract = n > 2 && !s[2];

	ph_buf_adds(b, "{sa_family=AF_UNIX");
	if (n > 2) {
		ph_buf_adds(b, abstract ? ", sun_path=@" : ", sun_path=");
		s += 2 + abstract;
		n -= 2 + (size_t)abstract;
		ph_value_string(b, s, abstract ? n : strnlen(s, n));
	}
	ph_buf_addc(b, '}');
}

static bool add_sockaddr(struct ph_buf *b, const char *s, size_t n)
{
	uint16_t family = n >= 2 ? (uint16_t)call_number(s, 2) : AF_UNSPEC;
	unsigned int port = n >= 4 ? (unsigned int)(uint8_t)s[2] << 8 | (uint8_t)s[3] : 0;
	char text[INET6_ADDRSTRLEN];

	if (n < 2)
		return false;
	if (family == AF_INET && n >= 8) {
		inet_ntop(AF_INET, s + 4, text, sizeof(text));
		ph_buf_addf(b, "{sa_family=AF_INET, sin_port=htons(%u), sin_addr=inet_addr(\"%s\")}", port, text);
	} else if (family == AF_INET6 && n >= 24) {
		inet_ntop(AF_INET6, s + 8, text, sizeof(text));
		ph_buf_addf(b, "{sa_family=AF_INET6, sin6_port=htons(%u), sin6_flowinfo=htonl(%u), "
			    "inet_pton(AF_INET6, \"%s\", &sin6_addr), sin6_scope_id=%u}", port,
			    ntohl((uint32_t)call_number(s + 4, 4)), text, n >= 28 ? (uint32_t)call_number(s + 24, 4) : 0);
	} else if (family == AF_UNIX) {
		add_unix(b, s, n);
	} else if (family == AF_NETLINK && n >= 12) {
		ph_buf_addf(b, "{sa_family=AF_NETLINK, nl_pid=%u, nl_groups=%#08x}", (uint32_t)call_number(s + 4, 4),
			    (uint32_t)call_number(s + 8, 4));
	} else {
		ph_buf_adds(b, "{sa_family=");
		add_symbol(b, PH_UNIT_SOCK_FAMILY, family);
		ph_buf_adds(b, ", sa_data=");
		ph_value_string(b, s + 2, n - 2);
		ph_buf_addc(b, '}');
	}
	return true;
}

/* ---- the others -------------------------------------------------------------------------------------- */

static void add_argv(struct ph_buf *b, const char *s, size_t n)
{
	size_t at = 0, len;

	ph_buf_addc(b, '[');
	while (at < n) {
		len = strnlen(s + at, n - at);
		if (at)
			ph_buf_adds(b, ", ");
		ph_value_string(b, s + at, len);
		at += len + 1;
	}
	ph_buf_addc(b, ']');
}

/* What the flags do not ask for may be anything, and is not shown. */
static bool add_clone_args(struct ph_buf *b, const char *s, size_t n)
{
	static const struct { const char *name; uint64_t flags; } fields[] = {
		{ "pidfd", CLONE_PIDFD }, { "child_tid", CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID },
		{ "parent_tid", CLONE_PARENT_SETTID }, { "exit_signal", 0 }, { "stack", 0 }, { "stack_size", 0 },
		{ "tls", CLONE_SETTLS }, { "set_tid", 0 }, { "set_tid_size", 0 }, { "cgroup", CLONE_INTO_CGROUP },
	};
	enum { EXIT_SIGNAL = 3, STACK, SET_TID = 7, SET_TID_SIZE };
	uint64_t flags, v;

	if (n < 8)
		return false;
	flags = call_number(s, 8);
	ph_buf_adds(b, "{flags=");
	add_symbol(b, PH_UNIT_CLONE_FLAGS, flags);
	for (size_t i = 0; i < PH_ARRAY_SIZE(fields) && 16 + 8 * i <= n; i++) {
		v = call_number(s + 8 + 8 * i, 8);
		if ((fields[i].flags && !(flags & fields[i].flags)) || ((i == SET_TID || i == SET_TID_SIZE) && !v))
			continue;
		ph_buf_addf(b, ", %s=", fields[i].name);
		if (i == EXIT_SIGNAL)
			call_add_signal(b, (int64_t)v);
		else if (i == STACK && !v)
			ph_buf_adds(b, "NULL");
		else
			call_add_hex(b, v);
	}
	ph_buf_addc(b, '}');
	return true;
}

static bool add_open_how(struct ph_buf *b, const char *s, size_t n)
{
	if (n < 24)
		return false;
	ph_buf_adds(b, "{flags=");
	add_symbol(b, PH_UNIT_OPEN_FLAGS, call_number(s, 8));
	if (call_number(s + 8, 8))
		ph_buf_addf(b, ", mode=%#03lo", (unsigned long)call_number(s + 8, 8));
	ph_buf_adds(b, ", resolve=");
	if (!call_names_add(call_names_of("RESOLVE", 0), (int64_t)call_number(s + 16, 8), b))
		call_add_hex(b, call_number(s + 16, 8));
	ph_buf_addc(b, '}');
	return true;
}

static bool add_cpus(struct ph_buf *b, const char *s, size_t n)
{
	const char *sep = "";

	ph_buf_addc(b, '[');
	for (size_t i = 0; i < 8 * n; i++) {
		if (!(s[i / 8] >> (i % 8) & 1))
			continue;
		ph_buf_addf(b, "%s%zu", sep, i);
		sep = " ";
	}
	ph_buf_addc(b, ']');
	return true;
}

static void add_caps(struct ph_buf *b, uint64_t set)
{
	const char *sep = "";

	if (!set)
		ph_buf_addc(b, '0');
	for (int cap = 0; cap < 64; cap++) {
		if (!(set >> cap & 1))
			continue;
		ph_buf_addf(b, "%s1<<", sep);
		if (!ph_symbol_add(b, PH_UNIT_CAP, cap))
			ph_buf_add_s64(b, cap);
		sep = "|";
	}
}

static bool add_capset(struct ph_buf *b, const char *s, size_t n)
{
	static const char *const names[] = { "effective", "permitted", "inheritable" };

	if (n != 24)
		return false;
	for (size_t i = 0; i < 3; i++) {
		ph_buf_addf(b, "%s%s=", i ? ", " : "{", names[i]);
		add_caps(b, call_number(s + 4 * i, 4) | call_number(s + 12 + 4 * i, 4) << 32);
	}
	ph_buf_addc(b, '}');
	return true;
}

static bool add_unit(struct ph_buf *b, enum ph_unit unit, const struct ph_capture *cap, const char *s, size_t n,
		     uint64_t whole)
{
	switch (unit) {
	case PH_UNIT_SOCKADDR: return add_sockaddr(b, s, n);
	case PH_UNIT_TIMESPEC: return call_add_time(b, s, n, "tv_nsec");
	case PH_UNIT_TIMEVAL: return call_add_time(b, s, n, "tv_usec");
	case PH_UNIT_ITIMERSPEC: return call_add_timer(b, s, n, "tv_nsec");
	case PH_UNIT_ITIMERVAL: return call_add_timer(b, s, n, "tv_usec");
	case PH_UNIT_RLIMIT: return add_rlimit(b, s, n, cap);
	case PH_UNIT_POLLFDS: return add_pollfds(b, s, n, whole);
	case PH_UNIT_EPOLL_EVENTS: return add_epoll(b, s, n, cap, whole);
	case PH_UNIT_SIGACTION: return add_sigaction(b, s, n);
	case PH_UNIT_SIGSET:
		if (n == 8)
			call_add_sigset(b, s);
		return n == 8;
	case PH_UNIT_CAPSET: return add_capset(b, s, n);
	case PH_UNIT_CPUMASK: return add_cpus(b, s, n);
	case PH_UNIT_CLONE_ARGS: return add_clone_args(b, s, n);
	case PH_UNIT_OPEN_HOW: return add_open_how(b, s, n);
	default: return false;
	}
}

bool call_add_data(struct ph_buf *b, enum ph_unit unit, const struct ph_capture *cap, const char *s, size_t n,
		   uint64_t whole, uint64_t string_max)
{
	if (unit == PH_UNIT_ARGV) {
		add_argv(b, s, n);
		return true;
	}
	if (!n)
		return false;
	if (unit != PH_UNIT_NONE && add_unit(b, unit, cap, s, n, whole))
		return true;
	call_add_string(b, s, n, whole, string_max);
	return true;
}
