/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expands syscalls.def into the table of one ABI. Included by syscalls.c once for each, with
 *
 *	ABI(name)		an identifier of this ABI's own
 *	ABI_NR(x, a, i)		which of the columns of numbers is this ABI's
 *	ABI_OTHER(x, a, i)	which is the other machine's
 *	ABI_PREFIX		in front of the classes' names
 *	ABI_ENTRY, ABI_EXIT	where the classes' numbers begin
 *	ABI_LONG		bytes of a long and of a pointer
 *	ABI_EPOLL_EVENT		bytes of a struct epoll_event
 *	PH_T_slong, …		types of that width
 *
 * Rows of other architectures are in the table too, with the number -1: nothing leads to them.
 */

/* A call may stand twice in syscalls.def, but not with the same numbers. */
#define ROW(what, name, x, i) ABI(what##_##name##_##x##_##i)

/* ---- fields ---- */
#define FIELD(type, name, unit, doc) { #name, &PH_T_##type, PH_UNIT_##unit, doc },
#define A(i, type, name, unit) FIELD(type, name, unit, "")
#define STR(i, name) FIELD(str, name, NONE, "")
#define ASTR(i, name, len) FIELD(str, name, NONE, "")
#define BUF(i, name, len, size, unit) FIELD(bytes, name, unit, "")
#define RBUF(i, name, max, size, unit) FIELD(bytes, name, unit, "")
#define RSTR(i, name, max) FIELD(str, name, NONE, "")
#define PBUF(i, name, len, unit) FIELD(bytes, name, unit, "")
#define FIX(i, name, n, unit) FIELD(bytes, name, unit, "")
#define INTS(i, name, n) FIELD(s32v, name, NONE, "")
#define ARGV(i, name) FIELD(bytes, name, ARGV, "")
#define IOV(i, name, len) FIELD(bytes, name, NONE, "")
#define MSG(i, name) FIELD(bytes, name, NONE, "")
#define MSGNAME(i, name) FIELD(bytes, name, SOCKADDR, "")
#define RET FIELD(s64, ret, RET, "")
#define RET_ADDR FIELD(x64, ret, RET, "")
#define PH_SYSCALL(name, x, a, i, in_, out_)						\
	static const struct ph_field ROW(in, name, x, i)[] = { in_ { 0 } };		\
	static const struct ph_field ROW(out, name, x, i)[] = { out_ { 0 } };
#include "event/syscalls.def"
#include "event/syscalls_undef.h"

/* ---- where the fields come from ---- */
#define A(i, type, name, unit) PH_SRC_ARG0 + (i),
#define STR(i, name) PH_SRC_CAPTURE,
#define ASTR(i, name, len) PH_SRC_CAPTURE,
#define BUF(i, name, len, size, unit) PH_SRC_CAPTURE,
#define RBUF(i, name, max, size, unit) PH_SRC_CAPTURE,
#define RSTR(i, name, max) PH_SRC_CAPTURE,
#define PBUF(i, name, len, unit) PH_SRC_CAPTURE,
#define FIX(i, name, n, unit) PH_SRC_CAPTURE,
#define INTS(i, name, n) PH_SRC_CAPTURE,
#define ARGV(i, name) PH_SRC_CAPTURE,
#define IOV(i, name, len) PH_SRC_CAPTURE,
#define MSG(i, name) PH_SRC_CAPTURE,
#define MSGNAME(i, name) PH_SRC_CAPTURE,
#define RET PH_SRC_RET,
#define RET_ADDR PH_SRC_RET,
#define PH_SYSCALL(name, x, a, i, in_, out_)						\
	static const uint8_t ROW(insrc, name, x, i)[] = { in_ 0 };			\
	static const uint8_t ROW(outsrc, name, x, i)[] = { out_ 0 };
#include "event/syscalls.def"
#include "event/syscalls_undef.h"

/* ---- how many arguments there are: the highest that a field names ---- */
#define A(i, type, name, unit) | 1 << (i)
#define STR(i, name) | 1 << (i)
#define ASTR(i, name, len) | 1 << (i)
#define BUF(i, name, len, size, unit) | 1 << (i)
#define RBUF(i, name, max, size, unit) | 1 << (i)
#define RSTR(i, name, max) | 1 << (i)
#define PBUF(i, name, len, unit) | 1 << (i)
#define FIX(i, name, n, unit) | 1 << (i)
#define INTS(i, name, n) | 1 << (i)
#define ARGV(i, name) | 1 << (i)
#define IOV(i, name, len) | 1 << (i)
#define MSG(i, name) | 1 << (i)
#define MSGNAME(i, name) | 1 << (i)
#define RET
#define RET_ADDR
#define PH_SYSCALL(name, x, a, i, in_, out_) ROW(args, name, x, i) = 0 in_ out_,
enum {
#include "event/syscalls.def"
};
#include "event/syscalls_undef.h"

/* ---- the rows, with what is captured ---- */
#define A(i, type, name, unit)
#define STR(i, name) { PH_CAP_STR, i, 0, 0, 0 },
#define ASTR(i, name, len) { PH_CAP_ARG_LEN, i, len, 0, 1 },
#define BUF(i, name, len, size, unit) { PH_CAP_ARG_LEN, i, len, 0, size },
#define RBUF(i, name, max, size, unit) { PH_CAP_RET_LEN, i, max, 0, size },
#define RSTR(i, name, max) { PH_CAP_RET_LEN, i, max, 0, 1 },
#define PBUF(i, name, len, unit) { PH_CAP_PTR_LEN, i, len, 0, 0 },
#define FIX(i, name, n, unit) { PH_CAP_FIXED, i, 0, 0, n },
#define INTS(i, name, n) { PH_CAP_FIXED, i, 0, 0, 4 * (n) },
#define ARGV(i, name) { PH_CAP_ARGV, i, 0, 0, 0 },
#define IOV(i, name, len) { PH_CAP_IOVEC, i, len, 0, 0 },
#define MSG(i, name) { PH_CAP_MSG, i, 0, 0, 0 },
#define MSGNAME(i, name) { PH_CAP_MSG_NAME, i, 0, 0, 0 },
#define RET
#define RET_ADDR
#define PH_LONG ABI_LONG
#define PH_EPOLL_EVENT ABI_EPOLL_EVENT
#define CLASS(prefix, what, base, name_, nr_, fields_, doc_)				\
	&(const struct ph_class){ .name = ABI_PREFIX prefix #name_, .id = (base) + (nr_),	\
	  .group = PH_GROUP_SYSCALL, .doc = doc_, .fields = fields_,			\
	  .nfields = PH_ARRAY_SIZE(fields_) - 1, .syscall_nr = nr_ }
#define PH_SYSCALL(name_, x, a, i, in_, out_)						\
	{ .name = #name_, .nr = ABI_NR(x, a, i), .nr_other = ABI_OTHER(x, a, i),		\
	  .nargs = NARGS(ROW(args, name_, x, i)),						\
	  .in = { in_ }, .out = { out_ },						\
	  .entry = CLASS("syscall_entry_", entry, ABI_ENTRY, name_, ABI_NR(x, a, i),	\
			 ROW(in, name_, x, i), "a system call begins"),			\
	  .exit = CLASS("syscall_exit_", exit, ABI_EXIT, name_, ABI_NR(x, a, i),	\
			ROW(out, name_, x, i), "a system call returns"),		\
	  .entry_src = ROW(insrc, name_, x, i), .exit_src = ROW(outsrc, name_, x, i) },
static const struct ph_syscall ABI(rows)[] = {
#include "event/syscalls.def"
};
#include "event/syscalls_undef.h"
#undef CLASS

static const struct ph_field ABI(unknown_in)[] = {
	FIELD(s32, nr, SYSCALL, "")
	FIELD(xlong, arg0, NONE, "") FIELD(xlong, arg1, NONE, "") FIELD(xlong, arg2, NONE, "")
	FIELD(xlong, arg3, NONE, "") FIELD(xlong, arg4, NONE, "") FIELD(xlong, arg5, NONE, "")
};
static const struct ph_field ABI(unknown_out)[] = {
	FIELD(s64, ret, RET, "") FIELD(s32, nr, SYSCALL, "")
};

static const struct ph_syscall ABI(unknown) = {
	.name = "unknown", .nr = -1, .nr_other = -1, .nargs = 6,
	.entry = &(const struct ph_class){
		.name = ABI_PREFIX "syscall_entry_unknown", .id = ABI_ENTRY + PH_SYSCALL_UNKNOWN,
		.group = PH_GROUP_SYSCALL, .doc = "a system call that porthole does not know begins",
		.fields = ABI(unknown_in), .nfields = PH_ARRAY_SIZE(ABI(unknown_in)), .syscall_nr = -1 },
	.exit = &(const struct ph_class){
		.name = ABI_PREFIX "syscall_exit_unknown", .id = ABI_EXIT + PH_SYSCALL_UNKNOWN,
		.group = PH_GROUP_SYSCALL, .doc = "a system call that porthole does not know returns",
		.fields = ABI(unknown_out), .nfields = PH_ARRAY_SIZE(ABI(unknown_out)), .syscall_nr = -1 },
	.entry_src = (const uint8_t []){ PH_SRC_NR, 0, 1, 2, 3, 4, 5 },
	.exit_src = (const uint8_t []){ PH_SRC_RET, PH_SRC_NR },
};

#undef FIELD
#undef ROW
