/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_FILTER_FILTER_H
#define PH_FILTER_FILTER_H

#include "base/err.h"
#include "identity/model.h"

/*
 * The filter language, one for live and file:
 *
 *	syscall_exit_openat.ret < 0 && comm == "nginx"
 *	prev_state == 0 || (container ~ "web-*" && !(cpu == 3))
 *
 * EVENT.field is true only for that event (globs: syscall_exit_*.ret); a bare name is a payload
 * field of whatever event has it, or one of the attributes that every event has: name, cpu, tid,
 * pid, comm, container, ts … Strings: == != ~ (glob) !~; numbers: == != < <= > >= &.
 */
struct ph_filter;

/* -EINVAL with the place and, for unknown events and fields, the nearest names. */
int ph_filter_parse(const char *expr, struct ph_filter **ret, struct ph_err *err);
void ph_filter_free(struct ph_filter *f);
bool ph_filter_match(struct ph_filter *f, const struct ph_identity *id, const struct ph_event *ev);

/*
 * The same for the kernel side. A record of class @cls is a struct in memory at R1; @layout tells
 * where its numbers and fixed strings stand. Emits at most @max eBPF instructions that leave 1
 * (keep) or 0 (drop) in R0 and fall through at the end (no exit instruction, no calls, R1 kept,
 * R2-R5 free). What cannot be decided in the kernel (globs, strings of any length, names that only
 * user space knows) is taken as "keep" where it stands positively and negatively alike, and
 * *ret_exact is false: user space must ask ph_filter_match() again.
 */
struct ph_filter_slot {
	const char *name;	/* field or attribute */
	uint32_t offset;	/* from R1 */
	uint8_t size;		/* 1, 2, 4, 8: a number; 16: a comm (char[16], zero-padded) */
	bool is_signed;
};

struct bpf_insn;
int ph_filter_to_bpf(struct ph_filter *f, const struct ph_class *cls,
		     const struct ph_filter_slot *layout, size_t nslots, struct bpf_insn *out,
		     size_t max, bool *ret_exact, struct ph_err *err);

#endif
