/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EVENT_SCHEMA_H
#define PH_EVENT_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What an event looks like to everyone behind a source: a class (name, fields) and decoded values.
 * Classes come from events.def and syscalls.def, or from the metadata of a foreign CTF trace.
 */

enum ph_kind {
	PH_KIND_UINT,
	PH_KIND_INT,
	PH_KIND_FLOAT,
	PH_KIND_STR,	/* value .s, .n: bytes without a terminator; not NUL-terminated in general */
	PH_KIND_ENUM,	/* an integer with labels: value .u or .i as `is_signed` says */
	PH_KIND_SEQ,	/* array or sequence: value .v, .n elements of type ->elem */
	PH_KIND_STRUCT,	/* value .v, type->nfields members */
	PH_KIND_BYTES,	/* a sequence of 8-bit integers, undivided: value .s, .n */
	PH_KIND_VARIANT,/* value .v: one value; .sel: which of type->fields it is */
};

struct ph_value {
	union {
		uint64_t u;
		int64_t i;
		double f;
		const char *s;
		const struct ph_value *v;
	};
	uint32_t n;
	uint32_t sel;
};

struct ph_enum_label {
	const char *name;
	int64_t lo, hi;		/* inclusive; compared unsigned where the type is */
};

struct ph_field;

struct ph_type {
	enum ph_kind kind;
	uint8_t bits;		/* integers, floats */
	uint8_t base;		/* display: 10, 16, 8, 2 */
	bool is_signed;		/* PH_KIND_ENUM */
	uint32_t nlabels, nfields;
	const struct ph_enum_label *labels;
	const struct ph_type *elem;
	const struct ph_field *fields;
};

enum ph_unit {
	PH_UNIT_NONE, PH_UNIT_NS, PH_UNIT_BYTES, PH_UNIT_TID, PH_UNIT_PID, PH_UNIT_CPU, PH_UNIT_INUM,
	PH_UNIT_CGROUP, PH_UNIT_CONTAINER, PH_UNIT_STATE, PH_UNIT_CLONE_FLAGS, PH_UNIT_SYSCALL,
	PH_UNIT_RET, PH_UNIT_BOOL, PH_UNIT_SOFTIRQ, PH_UNIT_DEV, PH_UNIT_RWBS, PH_UNIT_ADDR,
	PH_UNIT_TCPSTATE, PH_UNIT_SIGNAL, PH_UNIT_CAP, PH_UNIT_FD, PH_UNIT_OPEN_FLAGS, PH_UNIT_SOCKADDR,
	/* Arguments of system calls. VPID: as the caller's pid namespace has it. */
	PH_UNIT_VPID, PH_UNIT_UID, PH_UNIT_GID, PH_UNIT_DIRFD, PH_UNIT_MODE, PH_UNIT_AT_FLAGS, PH_UNIT_ACCESS_FLAGS,
	PH_UNIT_WHENCE, PH_UNIT_MMAP_PROT, PH_UNIT_MMAP_FLAGS, PH_UNIT_MOUNT_FLAGS, PH_UNIT_MSG_FLAGS,
	PH_UNIT_SOCK_FAMILY, PH_UNIT_SOCK_TYPE, PH_UNIT_CLOCK, PH_UNIT_RESOURCE, PH_UNIT_FUTEX_OP,
	PH_UNIT_EPOLL_OP, PH_UNIT_FCNTL_CMD, PH_UNIT_IOCTL, PH_UNIT_FTYPE,
	PH_UNIT_COMPAT_SYSCALL,		/* SYSCALL, in an event whose field "compat" is true */
	/* What bytes are. Of times and limits, 32-bit programs have them at half the length. */
	PH_UNIT_ARGV, PH_UNIT_TIMESPEC, PH_UNIT_ITIMERSPEC, PH_UNIT_TIMEVAL, PH_UNIT_ITIMERVAL,
	PH_UNIT_RLIMIT, PH_UNIT_POLLFDS, PH_UNIT_EPOLL_EVENTS, PH_UNIT_SIGACTION, PH_UNIT_SIGSET,
	PH_UNIT_CAPSET, PH_UNIT_CPUMASK, PH_UNIT_CLONE_ARGS, PH_UNIT_OPEN_HOW,
	PH_UNIT_MAX,
};

struct ph_field {
	const char *name;
	const struct ph_type *type;
	enum ph_unit unit;
	const char *doc;
	/* A trace's sequence with its length in front, _NAME_length, which is no field here. */
	bool counted;
};

/* Groups of events as -e takes them. */
enum ph_group {
	PH_GROUP_SCHED, PH_GROUP_WAIT, PH_GROUP_SYSCALL, PH_GROUP_CGROUP, PH_GROUP_CONTAINER,
	PH_GROUP_MM, PH_GROUP_FAULT, PH_GROUP_IRQ, PH_GROUP_TIMER, PH_GROUP_BLOCK, PH_GROUP_NET,
	PH_GROUP_SIGNAL, PH_GROUP_CAP, PH_GROUP_KVM, PH_GROUP_DENIED, PH_GROUP_DNS, PH_GROUP_PROBE,
	PH_GROUP_STACK, PH_GROUP_PROFILE, PH_GROUP_CALLDATA, PH_GROUP_STATEDUMP, PH_GROUP_META,
	PH_GROUP_MAX,
};

/* Numbers: PH_EV_sched_switch = 1 … */
enum ph_event_id {
	PH_EV_UNKNOWN = 0,
#define PH_EVENT(num, name, group, doc, fields) PH_EV_##name = num,
#include "event/events.def"
#undef PH_EVENT
	PH_EV_STATIC_MAX = 256,
	/* System calls: entry of number n is BASE + n. 32-bit calls on a 64-bit kernel: compat. */
	PH_EV_SYSCALL_ENTRY = 0x1000,
	PH_EV_SYSCALL_EXIT = 0x2000,
	PH_EV_COMPAT_ENTRY = 0x3000,
	PH_EV_COMPAT_EXIT = 0x4000,
	PH_EV_ID_MAX = 0x5000,
};

/*
 * Canonical field positions, in the order of events.def: PH_FLD(sched_switch, prev_tid) is 1.
 * (One byte a field makes offsetof() count them.)
 */
#define F(type, name, unit, doc) char f_##name;
#define PH_EVENT(num, name, group, doc, fields) struct ph_fld_##name { fields };
#include "event/events.def"
#undef PH_EVENT
#undef F
#define PH_FLD(event, field) ((unsigned int)offsetof(struct ph_fld_##event, f_##field))

struct ph_class {
	const char *name;
	uint32_t id;			/* enum ph_event_id, PH_EV_UNKNOWN for foreign events */
	enum ph_group group;
	const char *doc;
	const struct ph_field *fields;
	uint32_t nfields;
	const struct ph_field *ctx;	/* contexts that each event of this class carries */
	uint32_t nctx;
	/*
	 * For id != UNKNOWN: position in `fields` of the canonical field i, or -1 where this trace's
	 * class lacks it. NULL: the identity.
	 */
	const int16_t *canon;
	int32_t syscall_nr;		/* entry/exit classes, else -1 */
	bool other;			/* of the other machine's trace (event/machine.h): fields with a unit are this machine's already */
};

/* process_end of sched_process_exit. */
#define PH_PROCESS_GOES_ON 1
#define PH_PROCESS_ENDED 2

#define PH_CONTAINER_HOST 0u
#define PH_CONTAINER_UNKNOWN UINT32_MAX
#define PH_CPU_UNKNOWN UINT32_MAX

struct ph_event {
	const struct ph_class *cls;
	uint64_t ts_ns;			/* the source's clock; Unix time is ts_ns + source's offset */
	uint32_t cpu;
	uint32_t container;		/* index in the source's identity model, or UNKNOWN */
	int32_t tid, pid;		/* host ids of the task in whose context it happened, -1: unknown */
	const struct ph_value *v;	/* cls->nfields; valid until the source's next event */
	const struct ph_value *ctx;	/* cls->nctx */
};

/* The value of canonical field @fld (PH_FLD(event, field)); NULL where this trace lacks it. */
static inline const struct ph_value *ph_event_field(const struct ph_event *ev, unsigned int fld)
{
	int at = ev->cls->canon ? ev->cls->canon[fld] : (int)fld;

	return at >= 0 ? &ev->v[at] : NULL;
}

static inline uint64_t ph_event_u(const struct ph_event *ev, unsigned int fld, uint64_t otherwise)
{
	const struct ph_value *v = ph_event_field(ev, fld);

	return v ? v->u : otherwise;
}

static inline int64_t ph_event_i(const struct ph_event *ev, unsigned int fld, int64_t otherwise)
{
	const struct ph_value *v = ph_event_field(ev, fld);

	return v ? v->i : otherwise;
}

/*
 * An events_discarded of a CPU is a gap, behind which nothing is as it was before; one without is of single
 * events that were missed, beside all those that were not.
 */
static inline bool ph_event_gap_in_cpu(const struct ph_event *ev)
{
	return ph_event_i(ev, PH_FLD(events_discarded, gap_cpu), 0) >= 0;
}

/* The types of events.def, for whoever builds classes. */
extern const struct ph_type ph_type_u8, ph_type_u16, ph_type_u32, ph_type_u64, ph_type_s8,
	ph_type_s16, ph_type_s32, ph_type_s64, ph_type_x32, ph_type_x64, ph_type_str, ph_type_comm,
	ph_type_bytes, ph_type_s32v, ph_type_x64v;

/* Static classes: by number, by name; NULL where there is none. System calls included. */
const struct ph_class *ph_class_by_id(uint32_t id);
const struct ph_class *ph_class_by_name(const char *name);
/* All of them in ascending number: 0-based @i until NULL. */
const struct ph_class *ph_class_nth(size_t i);

/*
 * Metadata may call anything sched_switch. Are the fields of @cls that ours of the same number has too
 * of the same kinds, so that PH_FLD() may be used on its events? One whose are not is shown, but not
 * believed. False where we have no class of that number.
 */
bool ph_class_like_ours(const struct ph_class *cls);

const char *ph_group_name(enum ph_group g);		/* "sched" */
const char *ph_unit_name(enum ph_unit u);

/* The label of an enumeration's value, NULL where it has none. */
const char *ph_enum_label(const struct ph_type *t, const struct ph_value *v);

#endif
