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
 *	syscall_exit_*.ret == -ENOENT
 *	flags & (O_CREAT|O_TRUNC) && bytes >= 4K
 *
 * EVENT.field is true only for that event (globs: syscall_exit_*.ret). A bare name is one of the
 * attributes that every event has: name, cpu, tid, pid, ppid, comm, container, pod, namespace,
 * image, ts (of the task in whose context it happened; ts in ns of the source's clock); else a
 * payload or context field of whatever event has it. EVENT.name is the payload field, then the
 * context, then the attribute.
 *
 * Strings: == != ~ (glob) !~; numbers: == != < <= > >= and &, which binds tighter than these. A
 * name alone: it is there and neither 0 nor empty. Precedence: ! over && over ||, and ! applies to
 * the whole comparison behind it. Of a sequence, any element may match (for != and !~: none).
 *
 * There are two truth values. A comparison with what the event lacks (a field, or an attribute
 * that is not known of it) is false, != and !~ too; ! turns that around, so `!(ret == 0)` is true
 * for an event without ret, `ret != 0` is not.
 */
struct ph_filter;

/* Where names may come from besides events.def and the system calls. */
struct ph_filter_names {
	/* More classes (a foreign trace's), by 0-based number until NULL; may be NULL. */
	const struct ph_class *(*nth)(void *arg, size_t i);
	void *arg;
	/* Take unknown names for fields that no event has so far, instead of refusing them. */
	bool lenient;
};

/* -EINVAL with the place and, for unknown events and fields, the nearest names. */
int ph_filter_parse(const char *expr, struct ph_filter **ret, struct ph_err *err);
int ph_filter_parse_names(const char *expr, const struct ph_filter_names *names,
			  struct ph_filter **ret, struct ph_err *err);
void ph_filter_free(struct ph_filter *f);
/*
 * What the class of an event means for the filter is worked out when it is first seen and kept by
 * the class's address: the classes must live as long as the filter. @id may be NULL.
 */
bool ph_filter_match(struct ph_filter *f, const struct ph_identity *id, const struct ph_event *ev);
/* Can an event of this class pass at all? (For -e defaults, and for not loading programs.) */
bool ph_filter_may_match(struct ph_filter *f, const struct ph_class *cls);

/*
 * The same for the kernel side. A record of class @cls is a struct in memory at R1; @layout tells
 * where its numbers and fixed strings stand. Emits at most @max eBPF instructions that leave 1
 * (keep) or 0 (drop) in R0 and fall through at the end (no exit instruction, no calls, R1 kept,
 * R2-R5 free). What cannot be decided in the kernel (globs, strings of any length, names that only
 * user space knows, a container of which the record does not know the index) is taken as "keep"
 * where it stands positively and negatively alike, and *ret_exact is false: user space must ask
 * ph_filter_match() again. Returns the number of instructions, -E2BIG where @max is too small.
 */
struct ph_filter_slot {
	const char *name;	/* field or attribute */
	uint32_t offset;	/* from R1; naturally aligned where the memory demands it */
	uint8_t size;		/* 1, 2, 4, 8: a number; 16: a comm (char[16], zero-padded) */
	bool is_signed;
	bool attr;		/* an attribute or a context (tid, comm …), not a payload field */
};

struct bpf_insn;
int ph_filter_to_bpf(struct ph_filter *f, const struct ph_class *cls,
		     const struct ph_filter_slot *layout, size_t nslots, struct bpf_insn *out,
		     size_t max, bool *ret_exact, struct ph_err *err);

#endif
