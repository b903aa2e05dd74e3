/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/symbols.h"
#include "live/calls_priv.h"

/* struct siginfo, in strace's words: what stands in it depends on who made the signal, and of the kernel's on which it is. */

enum { SIGNO = 0, ERRNO = 4, CODE = 8, PID = 16, UID = 20, STATUS = 24, UTIME = 32, STIME = 40 };

bool call_add_si_code(struct ph_buf *b, int sig, int code)
{
	static const struct { int sig; const char *codes; } own[] = {
		{ SIGCHLD, "CLD" }, { SIGSEGV, "SEGV" }, { SIGBUS, "BUS" }, { SIGILL, "ILL" }, { SIGFPE, "FPE" },
		{ SIGTRAP, "TRAP" }, { SIGPOLL, "POLL" }, { SIGSYS, "SYS" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(own); i++)
		if (own[i].sig == sig && code > 0 && call_names_add(call_names_of(own[i].codes, 0), code, b))
			return true;
	return call_names_add(call_names_of("SI", 0), code, b);
}

static int number(const char *s, size_t at)
{
	return (int)call_number(s + at, 4);
}

static void add_sender(struct ph_buf *b, const char *s)
{
	ph_buf_addf(b, ", si_pid=%d, si_uid=%u", number(s, PID), (unsigned int)number(s, UID));
}

/* What sigqueue or a timer was given. */
static void add_payload(struct ph_buf *b, const char *s)
{
	ph_buf_addf(b, ", si_int=%d, si_ptr=", number(s, STATUS));
	call_add_pointer(b, call_number(s + STATUS, 8));
}

static void add_child(struct ph_buf *b, const char *s, int code)
{
	add_sender(b, s);
	ph_buf_adds(b, ", si_status=");
	if (code == CLD_EXITED)
		ph_buf_add_s64(b, number(s, STATUS));
	else
		call_add_signal(b, number(s, STATUS));
	ph_buf_adds(b, ", si_utime=");
	call_add_ticks(b, (int64_t)call_number(s + UTIME, 8));
	ph_buf_adds(b, ", si_stime=");
	call_add_ticks(b, (int64_t)call_number(s + STIME, 8));
}

/* Of the kernel's own making. */
static void add_kernel(struct ph_buf *b, const char *s, int sig, int code)
{
	switch (sig) {
	case SIGCHLD:
		add_child(b, s, code);
		break;
	case SIGILL: case SIGFPE: case SIGSEGV: case SIGBUS:
		ph_buf_adds(b, ", si_addr=");
		call_add_pointer(b, call_number(s + PID, 8));
		break;
	case SIGPOLL:
		ph_buf_addf(b, ", si_band=%ld, si_fd=%d", (long)call_number(s + PID, 8), number(s, STATUS));
		break;
	case SIGSYS:
		ph_buf_adds(b, ", si_call_addr=");
		call_add_pointer(b, call_number(s + PID, 8));
		ph_buf_addf(b, ", si_syscall=%d, si_arch=%#x", number(s, STATUS), (unsigned int)number(s, STATUS + 4));
		break;
	default:
		if (number(s, PID) || number(s, UID))
			add_sender(b, s);
		if (call_number(s + STATUS, 8))
			add_payload(b, s);
	}
}

void call_add_siginfo(struct ph_buf *b, const char *s, size_t n)
{
	int sig = number(s, SIGNO), code = number(s, CODE);

	if (!sig) {
		ph_buf_adds(b, "{}");
		return;
	}
	ph_buf_adds(b, "{si_signo=");
	call_add_signal(b, sig);
	if (number(s, ERRNO)) {
		ph_buf_adds(b, ", si_errno=");
		if (!ph_symbol_add(b, PH_UNIT_RET, -(int64_t)number(s, ERRNO)))
			ph_buf_add_s64(b, number(s, ERRNO));
	}
	ph_buf_adds(b, ", si_code=");
	if (!call_add_si_code(b, sig, code))
		ph_buf_add_s64(b, code);
	if (n >= CALL_SIGINFO) {
		if (code > 0) {
			add_kernel(b, s, sig, code);
		} else if (code == SI_TIMER) {
			ph_buf_addf(b, ", si_timerid=%#x, si_overrun=%d", (unsigned int)number(s, PID), number(s, UID));
			add_payload(b, s);
		} else {
			add_sender(b, s);
			if (code != SI_USER && code != SI_TKILL)
				add_payload(b, s);
		}
	}
	ph_buf_addc(b, '}');
}
