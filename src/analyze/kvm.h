/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_ANALYZE_KVM_H
#define PH_ANALYZE_KVM_H

#include "analyze/histogram.h"
#include "analyze/report.h"
#include "analyze/states.h"
#include "base/map.h"
#include "identity/select.h"

/*
 * Guests of KVM: what their virtual CPUs get of the host's CPUs, why they leave the guest and for how
 * long, from the stream alone. A virtual CPU is a thread that enters a guest or returns from there, or one
 * that QEMU has named so.
 */

enum ph_kvm_isa { PH_KVM_VMX = 1, PH_KVM_SVM = 2 };

/* Exits of one reason. */
struct ph_kvm_exit {
	uint32_t isa, reason;		/* of kvm_userspace_exit: isa 0, and */
	int32_t error;			/* 0, or -errno instead of a reason */
	uint64_t count;
	struct ph_hist hist;		/* until the next entry, where it came */
};

typedef PH_VEC(struct ph_kvm_exit *) ph_kvm_exits;

struct ph_kvm_vcpu {
	int32_t tid, pid;
	int32_t vcpu;			/* number in its guest, -1: unknown */
	uint32_t container;
	char comm[16];
	/* What its thread did, as far as is known; wait_ns has throttling in it where the stream has no switches. */
	uint64_t run_ns, wait_ns, throttled_ns, asleep_ns, steal_ns;
	uint64_t entries, guest_ns;	/* guest_ns: between entry and exit */
	uint64_t irqs;
	uint64_t polled, polled_ns;	/* halts that ended while KVM polled */
	struct ph_hist slept;		/* halts for which it slept */
	ph_kvm_exits exits, user;
	/* Inside. */
	bool shown;			/* it is one, and selected */
	bool kept;			/* it is in ph_kvm.tasks */
	bool times;			/* times_at … as task_times had them first */
	uint64_t times_at, run_at, wait_at, counted_ns, counted_run_ns, counted_wait_ns;
	uint64_t entry_ns, exit_ns, user_ns;
	struct ph_kvm_exit *exit, *user_exit;
};

struct ph_kvm_guest {
	int32_t pid;
	uint32_t container;
	char comm[16];
	char *name, *uuid;		/* NULL: unknown */
	PH_VEC(int32_t) numbers;	/* of its vCPUs, as its descriptors have them */
	PH_VEC(struct ph_kvm_vcpu *) vcpus;
	bool told;			/* by kvm_guest */
};

struct ph_kvm {
	const struct ph_identity *id;
	const struct ph_selection *sel;	/* NULL: all */
	/* Results. */
	PH_VEC(struct ph_kvm_guest *) guests;	/* that have a vCPU to show, by name */
	struct ph_states_seen seen;
	uint64_t begin_ns, end_ns;
	uint64_t nentries, nexits, nuser, nirqs;	/* events of those kinds */
	/* Inside. */
	struct ph_states *st;
	struct ph_u64map guest_map, task_map;
	PH_VEC(struct ph_kvm_guest *) all;
	PH_VEC(struct ph_kvm_vcpu *) tasks;
	uint64_t gap_ns;		/* the last gap's end */
};

/* @id and @sel stay the caller's. */
struct ph_kvm *ph_kvm_new(const struct ph_identity *id, const struct ph_selection *sel);
void ph_kvm_free(struct ph_kvm *k);
/* For every event of the stream, after ph_identity_feed(). */
void ph_kvm_feed(struct ph_kvm *k, const struct ph_event *ev);
void ph_kvm_finish(struct ph_kvm *k, uint64_t end_ns);

/* Sums of several vCPUs' exits, the longest first. */
void ph_kvm_exits_add(ph_kvm_exits *to, const ph_kvm_exits *from);
void ph_kvm_exits_sort(ph_kvm_exits *exits);
void ph_kvm_exits_done(ph_kvm_exits *exits);

static inline uint64_t ph_kvm_count(const ph_kvm_exits *exits)
{
	uint64_t n = 0;

	ph_vec_each(e, exits)
		n += (*e)->count;
	return n;
}

/* kvm_reasons.c: "EPT_VIOLATION", "npf"; a number where there is no name. */
void ph_kvm_reason(const struct ph_kvm_exit *e, struct ph_buf *out);
/* "web", else "PROGRAM:PID". */
void ph_kvm_guest_label(const struct ph_kvm_guest *g, struct ph_buf *out);

/* ---- kvm_report.c ------------------------------------------------------------------------------------ */

enum ph_kvm_table { PH_KVM_VCPUS, PH_KVM_EXITS, PH_KVM_USER, PH_KVM_HALTS, PH_KVM_TABLES };
extern const char *const ph_kvm_tables[];	/* their names, and NULL */

struct ph_kvm_view {
	struct ph_report_view base;
	bool by_vcpu;			/* a row for each vCPU, not for each guest */
	bool hist;
	/* Of the running machine: it is a guest itself, and its hypervisor took this share of its CPUs' time. */
	bool is_guest;
	double steal;
};

int ph_kvm_check(const struct ph_kvm_view *view, struct ph_err *err);
void ph_kvm_schema(enum ph_kvm_table table, struct ph_buf *out);
/* Sums of guests, or of each vCPU (@vcpu -1: of all); within one, the longest first. */
typedef void (*ph_kvm_exit_fn)(void *arg, const struct ph_kvm_guest *g, int32_t vcpu, const struct ph_kvm_exit *e);
void ph_kvm_each_exit(const struct ph_kvm *k, bool user, bool by_vcpu, ph_kvm_exit_fn fn, void *arg);
void ph_kvm_json(const struct ph_kvm *k, const struct ph_kvm_view *view, struct ph_buf *out);	/* kvm_json.c */
int ph_kvm_report(const struct ph_kvm *k, const struct ph_kvm_view *view, struct ph_buf *out, struct ph_err *err);

#endif
