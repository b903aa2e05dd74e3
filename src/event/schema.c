/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/schema.h"

#include <pthread.h>

#include "base/cleanup.h"
#include "base/map.h"
#include "event/syscalls.h"

#define INT_TYPE(name, kind_, bits_, base_) \
	const struct ph_type ph_type_##name = { .kind = kind_, .bits = bits_, .base = base_ }
INT_TYPE(u8, PH_KIND_UINT, 8, 10);
INT_TYPE(u16, PH_KIND_UINT, 16, 10);
INT_TYPE(u32, PH_KIND_UINT, 32, 10);
INT_TYPE(u64, PH_KIND_UINT, 64, 10);
INT_TYPE(s8, PH_KIND_INT, 8, 10);
INT_TYPE(s16, PH_KIND_INT, 16, 10);
INT_TYPE(s32, PH_KIND_INT, 32, 10);
INT_TYPE(s64, PH_KIND_INT, 64, 10);
INT_TYPE(x32, PH_KIND_UINT, 32, 16);
INT_TYPE(x64, PH_KIND_UINT, 64, 16);
const struct ph_type ph_type_str = { .kind = PH_KIND_STR };
/* In memory and in traces a comm is a string; only the kernel side has it as 16 bytes. */
const struct ph_type ph_type_comm = { .kind = PH_KIND_STR, .bits = 128 };
const struct ph_type ph_type_bytes = { .kind = PH_KIND_BYTES, .bits = 8, .elem = &ph_type_u8 };
const struct ph_type ph_type_s32v = { .kind = PH_KIND_SEQ, .elem = &ph_type_s32 };
const struct ph_type ph_type_x64v = { .kind = PH_KIND_SEQ, .elem = &ph_type_x64 };

/* An empty list of fields must still give an array: each ends in an entry that is not counted. */
#define F(type_, name_, unit_, doc_) { #name_, &ph_type_##type_, PH_UNIT_##unit_, doc_ },
#define PH_EVENT(num, name, group, doc, fields) \
	static const struct ph_field fields_##name[] = { fields { 0 } };
#include "event/events.def"
#undef PH_EVENT
#undef F

static const struct ph_class static_classes[] = {
#define PH_EVENT(num, name_, group_, doc_, unused_)					\
	{ .name = #name_, .id = num, .group = PH_GROUP_##group_, .doc = doc_,			\
	  .fields = fields_##name_, .nfields = PH_ARRAY_SIZE(fields_##name_) - 1, .syscall_nr = -1 },
#include "event/events.def"
#undef PH_EVENT
};

const struct ph_class *ph_class_nth(size_t i)
{
	if (i < PH_ARRAY_SIZE(static_classes))
		return &static_classes[i];
	return ph_syscall_class_nth(i - PH_ARRAY_SIZE(static_classes));
}

static struct ph_strmap by_name;
static const struct ph_class *by_id[PH_EV_ID_MAX];
static pthread_once_t index_once = PTHREAD_ONCE_INIT;

static void build_index(void)
{
	const struct ph_class *c;

	for (int elsewhere = 0; elsewhere < 2; elsewhere++) {
		for (size_t i = 0; (c = elsewhere ? ph_syscall_class_elsewhere_nth(i) : ph_class_nth(i)); i++) {
			by_id[c->id] = c;
			ph_strmap_put(&by_name, c->name, (void *)c);
		}
	}
}

const struct ph_class *ph_class_by_id(uint32_t id)
{
	pthread_once(&index_once, build_index);
	return id < PH_EV_ID_MAX ? by_id[id] : NULL;
}

const struct ph_class *ph_class_by_name(const char *name)
{
	pthread_once(&index_once, build_index);
	return ph_strmap_get(&by_name, name);
}

static bool is_int(const struct ph_type *t)
{
	return t->kind == PH_KIND_INT || t->kind == PH_KIND_UINT || t->kind == PH_KIND_ENUM;
}

static bool same_shape(const struct ph_type *a, const struct ph_type *b)
{
	if (is_int(a) && is_int(b))
		return true;
	if (a->kind != b->kind)
		return false;
	return a->kind != PH_KIND_SEQ || (is_int(a->elem) && is_int(b->elem));
}

bool ph_class_like_ours(const struct ph_class *cls)
{
	const struct ph_class *ours = ph_class_by_id(cls->id);

	if (cls == ours)
		return true;
	for (uint32_t i = 0; ours && i < ours->nfields; i++) {
		int at = cls->canon ? cls->canon[i] : (int)i;

		if (at < 0)
			continue;
		if ((uint32_t)at >= cls->nfields ||
		    !same_shape(cls->fields[at].type, ours->fields[i].type))
			return false;
	}
	return ours != NULL;
}

const char *ph_group_name(enum ph_group g)
{
	static const char *const names[] = {
		[PH_GROUP_SCHED] = "sched", [PH_GROUP_WAIT] = "wait", [PH_GROUP_SYSCALL] = "syscall",
		[PH_GROUP_CGROUP] = "cgroup", [PH_GROUP_CONTAINER] = "container",
		[PH_GROUP_MM] = "mm", [PH_GROUP_FAULT] = "fault", [PH_GROUP_IRQ] = "irq",
		[PH_GROUP_TIMER] = "timer", [PH_GROUP_BLOCK] = "block", [PH_GROUP_NET] = "net",
		[PH_GROUP_SIGNAL] = "signal", [PH_GROUP_CAP] = "cap", [PH_GROUP_KVM] = "kvm",
		[PH_GROUP_DENIED] = "denied", [PH_GROUP_DNS] = "dns", [PH_GROUP_PROBE] = "probe",
		[PH_GROUP_STACK] = "stack", [PH_GROUP_PROFILE] = "profile",
		[PH_GROUP_CALLDATA] = "calldata",
		[PH_GROUP_STATEDUMP] = "statedump", [PH_GROUP_META] = "meta",
	};

	return g < PH_GROUP_MAX ? names[g] : "?";
}

const char *ph_unit_name(enum ph_unit u)
{
	static const char *const names[PH_UNIT_MAX] = {
		[PH_UNIT_NONE] = "", [PH_UNIT_NS] = "ns", [PH_UNIT_BYTES] = "bytes",
		[PH_UNIT_TID] = "tid", [PH_UNIT_PID] = "pid", [PH_UNIT_CPU] = "cpu",
		[PH_UNIT_INUM] = "inode", [PH_UNIT_CGROUP] = "cgroup id",
		[PH_UNIT_CONTAINER] = "container index", [PH_UNIT_STATE] = "task state",
		[PH_UNIT_CLONE_FLAGS] = "clone flags", [PH_UNIT_SYSCALL] = "system call",
		[PH_UNIT_RET] = "result or -errno", [PH_UNIT_BOOL] = "boolean",
		[PH_UNIT_SOFTIRQ] = "softirq", [PH_UNIT_DEV] = "device", [PH_UNIT_RWBS] = "request flags",
		[PH_UNIT_ADDR] = "network address", [PH_UNIT_TCPSTATE] = "TCP state",
		[PH_UNIT_SIGNAL] = "signal", [PH_UNIT_CAP] = "capability", [PH_UNIT_FD] = "file descriptor",
		[PH_UNIT_OPEN_FLAGS] = "open flags", [PH_UNIT_SOCKADDR] = "socket address",
		[PH_UNIT_VPID] = "pid in the caller's namespace", [PH_UNIT_UID] = "user id",
		[PH_UNIT_GID] = "group id", [PH_UNIT_DIRFD] = "directory descriptor",
		[PH_UNIT_MODE] = "file mode", [PH_UNIT_AT_FLAGS] = "AT_* flags",
		[PH_UNIT_ACCESS_FLAGS] = "AT_* flags",
		[PH_UNIT_WHENCE] = "SEEK_*", [PH_UNIT_MMAP_PROT] = "PROT_* flags",
		[PH_UNIT_MMAP_FLAGS] = "MAP_* flags", [PH_UNIT_MOUNT_FLAGS] = "MS_* flags",
		[PH_UNIT_MSG_FLAGS] = "MSG_* flags", [PH_UNIT_SOCK_FAMILY] = "AF_*",
		[PH_UNIT_SOCK_TYPE] = "SOCK_*", [PH_UNIT_CLOCK] = "CLOCK_*",
		[PH_UNIT_RESOURCE] = "RLIMIT_*", [PH_UNIT_FUTEX_OP] = "FUTEX_*",
		[PH_UNIT_EPOLL_OP] = "EPOLL_CTL_*", [PH_UNIT_FCNTL_CMD] = "F_*",
		[PH_UNIT_IOCTL] = "ioctl command", [PH_UNIT_FTYPE] = "file type",
		[PH_UNIT_COMPAT_SYSCALL] = "32-bit system call",
		[PH_UNIT_ARGV] = "strings, NUL after each",
		[PH_UNIT_TIMESPEC] = "struct timespec", [PH_UNIT_ITIMERSPEC] = "struct itimerspec",
		[PH_UNIT_TIMEVAL] = "struct timeval", [PH_UNIT_ITIMERVAL] = "struct itimerval",
		[PH_UNIT_RLIMIT] = "struct rlimit", [PH_UNIT_POLLFDS] = "struct pollfd[]",
		[PH_UNIT_EPOLL_EVENTS] = "struct epoll_event[]",
		[PH_UNIT_SIGACTION] = "handler and flags", [PH_UNIT_SIGSET] = "signal set",
		[PH_UNIT_CAPSET] = "capability sets", [PH_UNIT_CPUMASK] = "CPU mask",
		[PH_UNIT_CLONE_ARGS] = "struct clone_args", [PH_UNIT_OPEN_HOW] = "struct open_how",
	};

	return u < PH_UNIT_MAX ? names[u] : "?";
}

const char *ph_enum_label(const struct ph_type *t, const struct ph_value *v)
{
	for (uint32_t i = 0; i < t->nlabels; i++) {
		const struct ph_enum_label *l = &t->labels[i];

		if (t->is_signed ? v->i >= l->lo && v->i <= l->hi
				 : v->u >= (uint64_t)l->lo && v->u <= (uint64_t)l->hi)
			return l->name;
	}
	return NULL;
}
