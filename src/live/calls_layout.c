/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <string.h>

#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/timex.h>

#include "base/cleanup.h"
#include "event/symbols.h"
#include "live/calls_priv.h"
#include "view/print.h"

/* Structs that are one field behind the other, in strace's order: a row for each. */

enum how {
	SIGNED, UNSIGNED, HEX, MODE, POINTER,
	NAMED,		/* by a table of calls_names.c */
	SIGNAL, TEXT, TIMEVAL, SOCKADDR, VERSION,
	BITS,		/* of a bit field, by such a table too: those that are set */
	CLOSE,		/* of a struct in it: the end */
};

/* Up to one without a name. */
struct part {
	const char *name;	/* "a={b": the first of a struct in it */
	uint16_t at, size;
	enum how how;
	const char *names;
};

struct layout {
	const char *args;	/* as call_names_has() */
	const struct part *parts;
	uint16_t least;		/* bytes that there must be */
	uint16_t each;		/* it is a list of them; 0: one */
	bool more;		/* there is more in it */
};

#define PARTS(...) (const struct part[]){ __VA_ARGS__, { 0 } }
#define P(type_, field_, how_, ...) \
	{ #field_, offsetof(type_, field_), sizeof(((type_ *)NULL)->field_), how_, ##__VA_ARGS__ }
#define Q(name_, type_, field_, how_, ...) \
	{ name_, offsetof(type_, field_), sizeof(((type_ *)NULL)->field_), how_, ##__VA_ARGS__ }

typedef union bpf_attr bpf;
typedef struct perf_event_attr perf;
typedef struct io_uring_params uring;
typedef struct timex tx;
typedef struct shmid_ds shm;

static const struct part bpf_id[] = { { "start_id", 0, 4, UNSIGNED }, { "next_id", 4, 4, UNSIGNED },
				      { "open_flags", 8, 4, HEX }, { 0 } };
static const struct part bpf_elem[] = { P(bpf, map_fd, UNSIGNED), P(bpf, key, POINTER), P(bpf, value, POINTER),
					P(bpf, flags, NAMED, "BPF_ELEM"), { 0 } };
static const struct part bpf_object[] = { P(bpf, pathname, POINTER), P(bpf, bpf_fd, UNSIGNED), P(bpf, file_flags, HEX), { 0 } };
static const struct part timex_parts[] = {
	P(tx, modes, NAMED, "ADJ"), P(tx, offset, SIGNED), P(tx, freq, SIGNED), P(tx, maxerror, SIGNED), P(tx, esterror, SIGNED),
	P(tx, status, NAMED, "STA"), P(tx, constant, SIGNED), P(tx, precision, SIGNED), P(tx, tolerance, SIGNED),
	P(tx, time, TIMEVAL), P(tx, tick, SIGNED), P(tx, ppsfreq, SIGNED), P(tx, jitter, SIGNED), P(tx, shift, SIGNED),
	P(tx, stabil, SIGNED), P(tx, jitcnt, SIGNED), P(tx, calcnt, SIGNED), P(tx, errcnt, SIGNED), P(tx, stbcnt, SIGNED),
	P(tx, tai, SIGNED), { 0 } };
static const struct part sched_parts[] = {
	{ "size", 0, 4, UNSIGNED }, { "sched_policy", 4, 4, NAMED, "sched_setscheduler:1" }, { "sched_flags", 8, 8, NAMED, "SCHED_FLAG" },
	{ "sched_nice", 16, 4, SIGNED }, { "sched_priority", 20, 4, UNSIGNED }, { "sched_runtime", 24, 8, UNSIGNED },
	{ "sched_deadline", 32, 8, UNSIGNED }, { "sched_period", 40, 8, UNSIGNED }, { "sched_util_min", 48, 4, UNSIGNED },
	{ "sched_util_max", 52, 4, UNSIGNED }, { 0 } };
static const struct part filter_parts[] = { P(struct sock_fprog, len, UNSIGNED), P(struct sock_fprog, filter, POINTER), { 0 } };

static const struct layout layouts[] = {
	{ "bpf:1@0", PARTS(P(bpf, map_type, NAMED, "BPF_MAP_TYPE"), P(bpf, key_size, UNSIGNED), P(bpf, value_size, UNSIGNED),
			   P(bpf, max_entries, UNSIGNED), P(bpf, map_flags, HEX), P(bpf, inner_map_fd, UNSIGNED), P(bpf, map_name, TEXT),
			   P(bpf, map_ifindex, UNSIGNED), P(bpf, btf_fd, UNSIGNED), P(bpf, btf_key_type_id, UNSIGNED),
			   P(bpf, btf_value_type_id, UNSIGNED), P(bpf, btf_vmlinux_value_type_id, UNSIGNED),
			   P(bpf, map_extra, HEX)), 16 },
	{ "bpf:1@1,bpf:1@2,bpf:1@21", bpf_elem, 16 },
	{ "bpf:1@3", PARTS(P(bpf, map_fd, UNSIGNED), P(bpf, key, POINTER)), 16 },
	{ "bpf:1@4", PARTS(P(bpf, map_fd, UNSIGNED), P(bpf, key, POINTER), P(bpf, next_key, POINTER)), 16 },
	{ "bpf:1@5", PARTS(P(bpf, prog_type, NAMED, "BPF_PROG_TYPE"), P(bpf, insn_cnt, UNSIGNED), P(bpf, insns, POINTER),
			   P(bpf, license, POINTER), P(bpf, log_level, UNSIGNED), P(bpf, log_size, UNSIGNED), P(bpf, log_buf, POINTER),
			   P(bpf, kern_version, VERSION), P(bpf, prog_flags, HEX), P(bpf, prog_name, TEXT),
			   P(bpf, prog_ifindex, UNSIGNED), P(bpf, expected_attach_type, NAMED, "BPF_ATTACH"), P(bpf, prog_btf_fd, UNSIGNED),
			   P(bpf, func_info_rec_size, UNSIGNED), P(bpf, func_info, POINTER), P(bpf, func_info_cnt, UNSIGNED),
			   P(bpf, line_info_rec_size, UNSIGNED), P(bpf, line_info, POINTER), P(bpf, line_info_cnt, UNSIGNED),
			   P(bpf, attach_btf_id, UNSIGNED), P(bpf, attach_prog_fd, UNSIGNED)), 24 },
	{ "bpf:1@6,bpf:1@7", bpf_object, 12 },
	{ "bpf:1@8,bpf:1@9", PARTS(P(bpf, target_fd, UNSIGNED), P(bpf, attach_bpf_fd, UNSIGNED), P(bpf, attach_type, NAMED, "BPF_ATTACH"),
				   P(bpf, attach_flags, HEX), P(bpf, replace_bpf_fd, UNSIGNED)), 12 },
	{ "bpf:1@11,bpf:1@12,bpf:1@23,bpf:1@31", bpf_id, 8 },
	{ "bpf:1@13", PARTS({ "prog_id", 0, 4, UNSIGNED }, { "next_id", 4, 4, UNSIGNED }, { "open_flags", 8, 4, HEX }), 4 },
	{ "bpf:1@14", PARTS({ "map_id", 0, 4, UNSIGNED }, { "next_id", 4, 4, UNSIGNED }, { "open_flags", 8, 4, HEX }), 4 },
	{ "bpf:1@15", PARTS(Q("info={bpf_fd", bpf, info.bpf_fd, UNSIGNED), Q("info_len", bpf, info.info_len, UNSIGNED),
			    Q("info", bpf, info.info, POINTER), { "", 0, 0, CLOSE }), 16 },
	{ "bpf:1@17", PARTS(Q("raw_tracepoint={name", bpf, raw_tracepoint.name, POINTER),
			    Q("prog_fd", bpf, raw_tracepoint.prog_fd, UNSIGNED), { "", 0, 0, CLOSE }), 12 },
	{ "bpf:1@18", PARTS(P(bpf, btf, POINTER), P(bpf, btf_log_buf, POINTER), P(bpf, btf_size, UNSIGNED),
			    P(bpf, btf_log_size, UNSIGNED), P(bpf, btf_log_level, UNSIGNED)), 20 },
	{ "bpf:1@28", PARTS(Q("link_create={prog_fd", bpf, link_create.prog_fd, UNSIGNED),
			    Q("target_fd", bpf, link_create.target_fd, UNSIGNED),
			    Q("attach_type", bpf, link_create.attach_type, NAMED, "BPF_ATTACH"),
			    Q("flags", bpf, link_create.flags, HEX), { "", 0, 0, CLOSE }), 12, .more = true },
	{ "perf_event_open:0", PARTS(P(perf, type, NAMED, "PERF_TYPE"), P(perf, size, UNSIGNED), P(perf, config, HEX),
				     P(perf, sample_period, UNSIGNED), P(perf, sample_type, NAMED, "PERF_SAMPLE"),
				     P(perf, read_format, NAMED, "PERF_FORMAT"), { "", 40, 8, BITS, "PERF_ATTR" }), 48, .more = true },
	{ "io_uring_setup:1", PARTS(P(uring, flags, NAMED, "IORING_SETUP"), P(uring, sq_thread_cpu, UNSIGNED),
				    P(uring, sq_thread_idle, UNSIGNED), P(uring, sq_entries, UNSIGNED), P(uring, cq_entries, UNSIGNED),
				    P(uring, features, NAMED, "IORING_FEAT"), Q("sq_off={head", uring, sq_off.head, UNSIGNED),
				    Q("tail", uring, sq_off.tail, UNSIGNED), Q("ring_mask", uring, sq_off.ring_mask, UNSIGNED),
				    Q("ring_entries", uring, sq_off.ring_entries, UNSIGNED), Q("flags", uring, sq_off.flags, UNSIGNED),
				    Q("dropped", uring, sq_off.dropped, UNSIGNED), Q("array", uring, sq_off.array, UNSIGNED),
				    { "", 0, 0, CLOSE }, Q("cq_off={head", uring, cq_off.head, UNSIGNED),
				    Q("tail", uring, cq_off.tail, UNSIGNED), Q("ring_mask", uring, cq_off.ring_mask, UNSIGNED),
				    Q("ring_entries", uring, cq_off.ring_entries, UNSIGNED), Q("overflow", uring, cq_off.overflow, UNSIGNED),
				    Q("cqes", uring, cq_off.cqes, UNSIGNED), Q("flags", uring, cq_off.flags, UNSIGNED),
				    { "", 0, 0, CLOSE }), sizeof(uring) },
	{ "adjtimex:0,clock_adjtime:1", timex_parts, sizeof(tx) },
	{ "sched_setattr:1,sched_getattr:1", sched_parts, 48 },
	{ "mq_open:3,mq_getsetattr:1,mq_getsetattr:2",
	  PARTS({ "mq_flags", 0, 8, NAMED, "pipe2:1" }, { "mq_maxmsg", 8, 8, SIGNED }, { "mq_msgsize", 16, 8, SIGNED },
		{ "mq_curmsgs", 24, 8, SIGNED }), 32 },
	{ "shmctl:2", PARTS(Q("shm_perm={uid", shm, shm_perm.uid, UNSIGNED), Q("gid", shm, shm_perm.gid, UNSIGNED),
			    { "mode", offsetof(shm, shm_perm.mode), 2, MODE }, Q("key", shm, shm_perm.__key, UNSIGNED),
			    Q("cuid", shm, shm_perm.cuid, UNSIGNED), Q("cgid", shm, shm_perm.cgid, UNSIGNED), { "", 0, 0, CLOSE },
			    P(shm, shm_segsz, UNSIGNED), P(shm, shm_cpid, SIGNED), P(shm, shm_lpid, SIGNED), P(shm, shm_nattch, UNSIGNED),
			    P(shm, shm_atime, UNSIGNED), P(shm, shm_dtime, UNSIGNED), P(shm, shm_ctime, UNSIGNED)), 112 },
	{ "semop:1,semtimedop:1", PARTS({ "sem_num", 0, 2, UNSIGNED }, { "sem_op", 2, 2, SIGNED }, { "sem_flg", 4, 2, NAMED, "SEM" }),
	  6, .each = 6 },
	{ "timer_create:1", PARTS({ "sigev_signo", 8, 4, SIGNAL }, { "sigev_notify", 12, 4, NAMED, "SIGEV" }), 16, .more = true },
	{ "gettimeofday:1,settimeofday:1", PARTS({ "tz_minuteswest", 0, 4, SIGNED }, { "tz_dsttime", 4, 4, SIGNED }), 8 },
	{ "mount_setattr:3", PARTS({ "attr_set", 0, 8, NAMED, "MOUNT_ATTR" }, { "attr_clr", 8, 8, NAMED, "MOUNT_ATTR" },
				   { "propagation", 16, 8, HEX }, { "userns_fd", 24, 8, UNSIGNED }), 32 },
	{ "seccomp:2@1", filter_parts, 16 },
	{ "seccomp:2@3", PARTS({ "seccomp_notif", 0, 2, UNSIGNED }, { "seccomp_notif_resp", 2, 2, UNSIGNED },
			       { "seccomp_data", 4, 2, UNSIGNED }), 6 },
	{ "fcntl:2@15,fcntl:2@16", PARTS({ "type", 0, 4, NAMED, "F_OWNER" }, { "pid", 4, 4, SIGNED }), 8 },
	/* By the request: SIOCGIFFLAGS, SIOCGIFADDR and the like, SIOCGIFMTU, SIOCGIFINDEX, SIOCGIFNAME. */
	{ "ioctl:2@35091", PARTS({ "ifr_name", 0, 16, TEXT }, { "ifr_flags", 16, 2, NAMED, "IFF" }), 40 },
	{ "ioctl:2@35093", PARTS({ "ifr_name", 0, 16, TEXT }, { "ifr_addr", 16, 16, SOCKADDR }), 40 },
	{ "ioctl:2@35099", PARTS({ "ifr_name", 0, 16, TEXT }, { "ifr_netmask", 16, 16, SOCKADDR }), 40 },
	{ "ioctl:2@35105", PARTS({ "ifr_name", 0, 16, TEXT }, { "ifr_mtu", 16, 4, SIGNED }), 40 },
	{ "ioctl:2@35123", PARTS({ "ifr_name", 0, 16, TEXT }, { "ifr_ifindex", 16, 4, SIGNED }), 40 },
	{ "ioctl:2@35088", PARTS({ "ifr_index", 16, 4, SIGNED }, { "ifr_name", 0, 16, TEXT }), 40 },
};

static int64_t sign_extended(const char *s, uint16_t size)
{
	unsigned int shift = 64 - 8 * size;

	return (int64_t)(call_number(s, size) << shift) >> shift;
}

static void add_named(struct ph_buf *b, const char *key, uint64_t v)
{
	if (!call_names_add(call_names_by(key), (int64_t)v, b))
		call_add_hex(b, v);
}

static void add_part(struct ph_buf *b, const struct part *p, const char *s)
{
	uint64_t v = p->size <= 8 ? call_number(s, p->size) : 0;

	switch (p->how) {
	case SIGNED: ph_buf_add_s64(b, sign_extended(s, p->size)); break;
	case UNSIGNED: ph_buf_add_u64(b, v); break;
	case HEX: call_add_hex(b, v); break;
	case MODE: ph_buf_addf(b, "%#03lo", (unsigned long)v); break;
	case POINTER: call_add_pointer(b, v); break;
	case NAMED: add_named(b, p->names, v); break;
	case SIGNAL: call_add_signal(b, (int64_t)v); break;
	case TEXT: ph_value_string(b, s, strnlen(s, p->size)); break;
	case TIMEVAL: call_add_time(b, s, p->size, "tv_usec"); break;
	case SOCKADDR: call_add_data(b, PH_UNIT_SOCKADDR, &(struct ph_capture){ 0 }, s, p->size, 0, UINT64_MAX); break;
	case VERSION: ph_buf_addf(b, "KERNEL_VERSION(%lu, %lu, %lu)", v >> 16, v >> 8 & 255, v & 255); break;
	case BITS: case CLOSE: break;
	}
}

/* "disabled=1, inherit=1": nothing of those that are not set. */
static void add_bits(struct ph_buf *b, const struct part *p, uint64_t v)
{
	for (unsigned int bit = 0; bit < 64; bit++) {
		ph_autobuf name = { 0 };

		if (v >> bit & 1 && call_names_add(call_names_by(p->names), (int64_t)(1ull << bit), &name))
			ph_buf_addf(b, ", %s=1", name.p);
	}
}

static void add_one(struct ph_buf *b, const struct layout *l, const char *s, size_t n)
{
	const char *sep = "{";

	for (const struct part *p = l->parts; p->name && (size_t)p->at + p->size <= n; p++) {
		if (p->how == CLOSE) {
			ph_buf_addc(b, '}');
		} else if (p->how == BITS) {
			add_bits(b, p, call_number(s + p->at, p->size));
		} else {
			ph_buf_addf(b, "%s%s=", sep, p->name);
			add_part(b, p, s + p->at);
		}
		sep = ", ";
	}
	ph_buf_adds(b, l->more ? ", ...}" : "}");
}

bool call_add_layout(struct ph_buf *b, const struct ph_call *call, unsigned int arg, const char *s, size_t n)
{
	const struct layout *l = NULL;

	for (size_t i = 0; i < PH_ARRAY_SIZE(layouts) && !l; i++)
		if (call_names_match(layouts[i].args, call, arg))
			l = &layouts[i];
	if (!l || n < l->least)
		return false;
	if (!l->each) {
		add_one(b, l, s, n);
		return true;
	}
	for (size_t at = 0; at + l->each <= n; at += l->each) {
		ph_buf_adds(b, at ? ", " : "[");
		add_one(b, l, s + at, l->each);
	}
	ph_buf_addc(b, ']');
	return true;
}
