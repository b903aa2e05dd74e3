/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/capability.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <termios.h>

#include "base/cleanup.h"
#include "event/symbols.h"
#include "live/calls_priv.h"
#include "view/print.h"

/*
 * Structs that come as events of their own (event/calldata.h), in strace's words. As everywhere what is there may be
 * anything, but not its length: a struct that is not whole is not shown.
 */

/* By a table of calls_names.c. */
static void add_named(struct ph_buf *b, const char *table, uint64_t v)
{
	if (!call_names_add(call_names_of(table, 0), (int64_t)v, b))
		call_add_hex(b, v);
}

/* ---- files ----------------------------------------------------------------------------------------- */

static void add_file(struct ph_buf *b, const char *prefix, uint64_t mode, uint64_t size, unsigned int dev_major,
		     unsigned int dev_minor)
{
	ph_buf_addf(b, "%s_mode=", prefix);
	call_add_mode(b, mode);
	if (S_ISCHR(mode) || S_ISBLK(mode)) {
		if (strcmp(prefix, "st"))
			ph_buf_addf(b, ", %s_size=%lu", prefix, (unsigned long)size);
		else
			ph_buf_addf(b, ", st_rdev=makedev(%#x, %#x)", dev_major, dev_minor);
	} else {
		ph_buf_addf(b, ", %s_size=%lu", prefix, (unsigned long)size);
	}
	ph_buf_adds(b, ", ...}");
}

static void add_stat(struct ph_buf *b, const char *s)
{
	struct stat st;

	memcpy(&st, s, sizeof(st));
	ph_buf_addc(b, '{');
	add_file(b, "st", st.st_mode, (uint64_t)st.st_size, major(st.st_rdev), minor(st.st_rdev));
}

static void add_statx(struct ph_buf *b, const char *s)
{
	ph_buf_adds(b, "{stx_mask=");
	call_names_add(call_names_of("statx", 3), (int64_t)call_number(s, 4), b);
	ph_buf_adds(b, ", stx_attributes=");
	add_named(b, "STATX_ATTR", call_number(s + 8, 8));
	ph_buf_adds(b, ", ");
	add_file(b, "stx", call_number(s + 28, 2), call_number(s + 40, 8), 0, 0);
}

static void add_statfs(struct ph_buf *b, const char *s)
{
	struct statfs f;
	int fsid[2];

	memcpy(&f, s, sizeof(f));
	memcpy(fsid, &f.f_fsid, sizeof(fsid));
	ph_buf_adds(b, "{f_type=");
	add_named(b, "MAGIC", (uint64_t)f.f_type);
	ph_buf_addf(b, ", f_bsize=%lu, f_blocks=%lu, f_bfree=%lu, f_bavail=%lu, f_files=%lu, f_ffree=%lu, f_fsid={val=[",
		    (unsigned long)f.f_bsize, (unsigned long)f.f_blocks, (unsigned long)f.f_bfree,
		    (unsigned long)f.f_bavail, (unsigned long)f.f_files, (unsigned long)f.f_ffree);
	call_add_hex(b, (uint32_t)fsid[0]);
	ph_buf_adds(b, ", ");
	call_add_hex(b, (uint32_t)fsid[1]);
	ph_buf_addf(b, "]}, f_namelen=%lu, f_frsize=%lu, f_flags=", (unsigned long)f.f_namelen, (unsigned long)f.f_frsize);
	add_named(b, "ST", (uint64_t)f.f_flags);
	ph_buf_addc(b, '}');
}

/* Of F_GETLK the process, too. */
static void add_flock(struct ph_buf *b, const char *s, bool pid)
{
	static const char *const types[] = { "F_RDLCK", "F_WRLCK", "F_UNLCK" };
	uint64_t type = call_number(s, 2);

	ph_buf_adds(b, "{l_type=");
	if (type < PH_ARRAY_SIZE(types))
		ph_buf_adds(b, types[type]);
	else
		call_add_hex(b, type);
	ph_buf_adds(b, ", l_whence=");
	if (!ph_symbol_add(b, PH_UNIT_WHENCE, (int64_t)call_number(s + 2, 2)))
		call_add_hex(b, call_number(s + 2, 2));
	ph_buf_addf(b, ", l_start=%ld, l_len=%ld", (long)call_number(s + 8, 8), (long)call_number(s + 16, 8));
	if (pid)
		ph_buf_addf(b, ", l_pid=%d", (int)call_number(s + 24, 4));
	ph_buf_addc(b, '}');
}

/* ---- terminals ------------------------------------------------------------------------------------- */

/* The kernel's struct termios: four words of flags, then the discipline and the characters. */
static void add_termios(struct ph_buf *b, const char *s)
{
	uint64_t out = call_number(s + 4, 4), control = call_number(s + 8, 4);

	ph_buf_adds(b, "{c_iflag=");
	add_named(b, "TERM_I", call_number(s, 4));
	ph_buf_addf(b, ", c_oflag=NL%lu|CR%lu|TAB%lu|BS%lu|VT%lu|FF%lu", out >> 8 & 1, out >> 9 & 3, out >> 11 & 3,
		    out >> 13 & 1, out >> 14 & 1, out >> 15 & 1);
	out &= 0xff;
	if (out) {
		ph_buf_addc(b, '|');
		add_named(b, "TERM_O", out);
	}
	ph_buf_adds(b, ", c_cflag=");
	add_named(b, "TERM_SPEED", control & 0x100f);
	ph_buf_addf(b, "|CS%lu", 5 + (control >> 4 & 3));
	control &= ~0x103ful;
	if (control) {
		ph_buf_addc(b, '|');
		add_named(b, "TERM_C", control);
	}
	ph_buf_adds(b, ", c_lflag=");
	add_named(b, "TERM_L", call_number(s + 12, 4));
	ph_buf_adds(b, ", ...}");
}

static void add_winsize(struct ph_buf *b, const char *s)
{
	ph_buf_addf(b, "{ws_row=%lu, ws_col=%lu, ws_xpixel=%lu, ws_ypixel=%lu}", (unsigned long)call_number(s, 2),
		    (unsigned long)call_number(s + 2, 2), (unsigned long)call_number(s + 4, 2), (unsigned long)call_number(s + 6, 2));
}

/* ---- signals --------------------------------------------------------------------------------------- */

static void add_stack(struct ph_buf *b, const char *s)
{
	ph_buf_adds(b, "{ss_sp=");
	call_add_pointer(b, call_number(s, 8));
	ph_buf_adds(b, ", ss_flags=");
	add_named(b, "SS", call_number(s + 8, 4));
	ph_buf_addf(b, ", ss_size=%lu}", (unsigned long)call_number(s + 16, 8));
}

/* ---- times and resources ----------------------------------------------------------------------------- */

/* Of a file: access and change. */
static void add_times(struct ph_buf *b, const char *s, const char *fraction)
{
	for (int i = 0; i < 2; i++) {
		uint64_t ns = call_number(s + 16 * i + 8, 8);

		ph_buf_adds(b, i ? ", " : "[");
		if (!strcmp(fraction, "tv_nsec") && (ns == UTIME_NOW || ns == UTIME_OMIT))
			ph_buf_adds(b, ns == UTIME_NOW ? "UTIME_NOW" : "UTIME_OMIT");
		else
			call_add_time(b, s + 16 * i, 16, fraction);
	}
	ph_buf_addc(b, ']');
}

static void add_rusage(struct ph_buf *b, const char *s)
{
	ph_buf_adds(b, "{ru_utime=");
	call_add_time(b, s, 16, "tv_usec");
	ph_buf_adds(b, ", ru_stime=");
	call_add_time(b, s + 16, 16, "tv_usec");
	ph_buf_adds(b, ", ...}");
}

static void add_tms(struct ph_buf *b, const char *s)
{
	static const char *const names[] = { "tms_utime", "tms_stime", "tms_cutime", "tms_cstime" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(names); i++) {
		ph_buf_addf(b, "%s%s=", i ? ", " : "{", names[i]);
		call_add_ticks(b, (int64_t)call_number(s + 8 * i, 8));
	}
	ph_buf_addc(b, '}');
}

static void add_sysinfo(struct ph_buf *b, const char *s)
{
	struct sysinfo i;

	memcpy(&i, s, sizeof(i));
	ph_buf_addf(b, "{uptime=%ld, loads=[%lu, %lu, %lu], totalram=%lu, freeram=%lu, sharedram=%lu, bufferram=%lu, "
		    "totalswap=%lu, freeswap=%lu, procs=%u, totalhigh=%lu, freehigh=%lu, mem_unit=%u}",
		    i.uptime, i.loads[0], i.loads[1], i.loads[2], i.totalram, i.freeram, i.sharedram, i.bufferram,
		    i.totalswap, i.freeswap, i.procs, i.totalhigh, i.freehigh, i.mem_unit);
}

static void add_utsname(struct ph_buf *b, const char *s)
{
	size_t len = sizeof(((struct utsname *)NULL)->sysname);

	ph_buf_adds(b, "{sysname=");
	ph_value_string(b, s, strnlen(s, len));
	ph_buf_adds(b, ", nodename=");
	ph_value_string(b, s + len, strnlen(s + len, len));
	ph_buf_adds(b, ", ...}");
}

/* ---- the others ------------------------------------------------------------------------------------ */

static void add_cap_header(struct ph_buf *b, const char *s)
{
	ph_buf_adds(b, "{version=");
	add_named(b, "CAP_VERSION", call_number(s, 4));
	ph_buf_addf(b, ", pid=%d}", (int)call_number(s + 4, 4));
}

static void add_fdset(struct ph_buf *b, const char *s, size_t n, int64_t nfds)
{
	const char *sep = "";

	ph_buf_addc(b, '[');
	for (size_t i = 0; i < 8 * n && (int64_t)i < nfds; i++) {
		if (!(s[i / 8] >> (i % 8) & 1))
			continue;
		ph_buf_addf(b, "%s%zu", sep, i);
		sep = " ";
	}
	ph_buf_addc(b, ']');
}

static void add_random(struct ph_buf *b, const char *s, size_t n, uint64_t whole, uint64_t max)
{
	size_t shown = n > max ? max : n;

	ph_buf_addc(b, '"');
	for (size_t i = 0; i < shown; i++)
		ph_buf_addf(b, "\\x%02x", (unsigned char)s[i]);
	ph_buf_adds(b, shown < whole ? "\"..." : "\"");
}

/* How long a struct is, its caller has said in the argument behind it. */
static size_t layout_bytes(const struct ph_call *call, const struct call_piece *p)
{
	bool sized = call_is(call, "bpf") || call_is(call, "sched_getattr");
	uint64_t n = sized ? (uint64_t)call->value[p->arg + 1] : p->n;

	return n < p->n ? n : p->n;
}

bool call_add_struct(struct ph_buf *b, const struct ph_calldata *row, const struct call_piece *p, const struct ph_call *call,
		     uint64_t string_max)
{
	const char *s = p->data;

	if (row->what > PH_WHAT_LAYOUTS)
		return call_add_layout(b, call, p->arg, s, layout_bytes(call, p));
	if (row->def.kind == PH_DATA_FIXED && p->n < row->def.size)
		return false;
	switch (row->what) {
	case PH_WHAT_STAT: add_stat(b, s); break;
	case PH_WHAT_STATX: add_statx(b, s); break;
	case PH_WHAT_STATFS: add_statfs(b, s); break;
	case PH_WHAT_FLOCK: add_flock(b, s, p->at_exit); break;
	case PH_WHAT_TERMIOS: add_termios(b, s); break;
	case PH_WHAT_WINSIZE: add_winsize(b, s); break;
	case PH_WHAT_SIGACTION: call_add_sigaction(b, s); break;
	case PH_WHAT_SIGSET: call_add_sigset(b, s); break;
	case PH_WHAT_SIGINFO: call_add_siginfo(b, s, p->n); break;
	case PH_WHAT_STACK: add_stack(b, s); break;
	case PH_WHAT_TIMESPEC: call_add_time(b, s, row->def.size, "tv_nsec"); break;
	case PH_WHAT_TIMEVAL: call_add_time(b, s, row->def.size, "tv_usec"); break;
	case PH_WHAT_ITIMERSPEC: call_add_timer(b, s, row->def.size, "tv_nsec"); break;
	case PH_WHAT_ITIMERVAL: call_add_timer(b, s, row->def.size, "tv_usec"); break;
	case PH_WHAT_TIMESPECS: add_times(b, s, "tv_nsec"); break;
	case PH_WHAT_TIMEVALS: add_times(b, s, "tv_usec"); break;
	case PH_WHAT_RUSAGE: add_rusage(b, s); break;
	case PH_WHAT_SYSINFO: add_sysinfo(b, s); break;
	case PH_WHAT_UTSNAME: add_utsname(b, s); break;
	case PH_WHAT_TMS: add_tms(b, s); break;
	case PH_WHAT_MSGHDR: ph_buf_addf(b, "{msg_namelen=%u}", (unsigned int)call_number(s + 8, 4)); break;
	case PH_WHAT_CAPHEADER: add_cap_header(b, s); break;
	case PH_WHAT_FDSET: add_fdset(b, s, p->n, call->value[0]); break;
	case PH_WHAT_POLLFDS: return call_add_data(b, PH_UNIT_POLLFDS, &(struct ph_capture){ 0 }, s, p->n, p->size, string_max);
	case PH_WHAT_EPOLL:
		return call_add_data(b, PH_UNIT_EPOLL_EVENTS, &(struct ph_capture){ .kind = PH_CAP_RET_LEN, .len = call->ret ?
				     (uint16_t)(p->size / (uint64_t)call->ret) : 0 }, s, p->n, p->size, string_max);
	case PH_WHAT_CLONE_ARGS:
		return call_add_data(b, PH_UNIT_CLONE_ARGS, &(struct ph_capture){ 0 }, s,
				     (uint64_t)call->value[1] < p->n ? (uint64_t)call->value[1] : p->n, 0, string_max);
	case PH_WHAT_INT: case PH_WHAT_LENGTH: ph_buf_addf(b, "[%d]", (int)call_number(s, 4)); break;
	case PH_WHAT_U32: ph_buf_addf(b, "[%u]", (unsigned int)call_number(s, 4)); break;
	case PH_WHAT_U64: ph_buf_addf(b, "[%ld]", (long)call_number(s, 8)); break;
	case PH_WHAT_U32S: call_add_words(b, s, p->n, row->def.size, p->size); break;
	case PH_WHAT_RANDOM: add_random(b, s, p->n, p->size, string_max); break;
	case PH_WHAT_STRING: ph_value_string(b, s, p->n); break;
	default: call_add_string(b, s, p->n, p->size, string_max);
	}
	return true;
}
